package secor

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// wantCertificateSteps are taken in every state of a certificate; the table says where
// they are legal for a body that co-signs paper.
var wantCertificateSteps = map[string]struct {
	from  string
	pairs []string
}{
	"requested":     {"due", nil},
	"body-query":    {"requested", []string{"question=Which code?"}},
	"body-answer":   {"body_queried", []string{"answer=78000"}},
	"record-number": {"requested", []string{"number=AB-42", "issued-on=2026-03-24"}},
	"sign":          {"received", nil},
	"mailed":        {"signed", nil},
	"electronic":    {"", nil},
	"returned":      {"mailed", nil},
	"ready":         {"returned", nil},
	"delivered":     {"mailed", nil},
	"revoke":        {"due requested body_queried received signed mailed returned delivered", nil},
	"replace":       {"received signed mailed returned delivered", nil},
}

func TestCertificate_StepsInEveryState(t *testing.T) {
	states := []State{StateDue, StateRequested, StateBodyQueried, StateIssued, StateSigned, StateMailed, StateReturned, StateDelivered, StateRevoked}
	for name, row := range wantCertificateSteps {
		for _, state := range states {
			o := certificateAt(t, state)
			if o.Certificate().State != state {
				t.Fatalf("the helper left the certificate %s, want %s", o.Certificate().State, state)
			}
			err := o.try(asCleo, name, "because", row.pairs...)
			if slices.Contains(wordsOf(row.from), state) {
				mustPass(t, name+" while "+string(state), err)
				continue
			}
			mustSay(t, name+" while "+string(state), refused(err, ErrIllegalMove))
			if o.Certificate().State != state {
				t.Errorf("%s while %s: refused, but it is %s", name, state, o.Certificate().State)
			}
		}
	}
}

func wordsOf(text string) []State {
	var states []State
	for _, w := range strings.Fields(text) {
		states = append(states, State(w))
	}
	return states
}

func TestCertificate_NoneYet(t *testing.T) {
	for name, row := range wantCertificateSteps {
		o := auditMarked(t, StateQAComplete, failing)
		err := o.try(asCleo, name, "because", row.pairs...)
		if name == "body-answer" || name == "electronic" {
			mustSay(t, name, refused(err, ErrRefused))
			continue
		}
		mustSay(t, name, refused(err, ErrNotFound, "case 14 has no certificate"))
	}
}

func TestCertificate_Question(t *testing.T) {
	o := certificateAt(t, StateBodyQueried)
	if o.Certificate().Question != "Which code?" {
		t.Errorf("asked %q", o.Certificate().Question)
	}
	mustRefuse(t, o.try(asCleo, "requested", "by phone"), ErrIllegalMove, "is requested already", "record the answer")
	o.take(asAna, "body-answer", "", "answer=78000")
	if o.Certificate().Question != "" || o.Certificate().State != StateRequested {
		t.Errorf("answered: asked %q, %s", o.Certificate().Question, o.Certificate().State)
	}
	due := certificateAt(t, StateDue)
	mustRefuse(t, due.try(asAna, "body-answer", "", "answer=78000"), ErrIllegalMove, "asked nothing")
}

// TestCertificate_RequestedByHand takes the letter to the body back.
func TestCertificate_RequestedByHand(t *testing.T) {
	o := certificateAt(t, StateDue)
	if !StillTrue(JobRequestCertificate, o.File, Event{}) {
		t.Error("a certificate is due, but the body is not asked")
	}
	o.take(asCleo, "requested", "by phone, its mail bounced")
	if o.Certificate().State != StateRequested || StillTrue(JobRequestCertificate, o.File, Event{}) {
		t.Errorf("requested by hand: %s", o.Certificate().State)
	}
}

func TestCertificate_Dates(t *testing.T) {
	tests := []struct {
		term            int
		issued, expires string // expires as given; "": by the term
		want            string
	}{
		{3, "2026-03-24", "", "2029-03-23"}, {1, "2026-03-24", "", "2027-03-23"}, {3, "2024-02-29", "", "2027-02-27"}, {1, "2026-01-01", "", "2026-12-31"},
		{3, "2026-03-25", "2029-05-31", "2029-05-31"}, {3, "2026-03-24", "2028-12-22", "2028-12-22"}, {3, "2026-03-24", "2029-06-24", "2029-06-24"},
	}
	for _, tt := range tests {
		o := certificateAt(t, StateRequested)
		o.Certificate().Term, o.Audit.LastDay = tt.term, day(t, tt.issued)
		o.take(asCleo, "record-number", "", "number=AB-42", "issued-on="+tt.issued, "expires-on="+tt.expires)
		c := o.Certificate()
		if c.Number != "AB-42" || c.IssuedOn != day(t, tt.issued) || c.ExpiresOn != day(t, tt.want) {
			t.Errorf("%d years from %s: %s to %s, want %s", tt.term, tt.issued, c.IssuedOn, c.ExpiresOn, tt.want)
		}
	}
	for _, tt := range []struct {
		pair  string
		words string
	}{
		{"issued-on=2026-03-19", "is before the last day of the assessment; it is from 2026-03-20 to 2026-03-25"},
		{"issued-on=2026-03-26", "issued-on: \"2026-03-26\" is in the future"},
		{"expires-on=2026-03-24", "does not fit the term that was granted, 3 years; it is from 2028-12-18 to 2029-06-24"},
		{"expires-on=2028-12-17", "does not fit"}, {"expires-on=2029-06-25", "does not fit"},
		{"number=12345678901234567890123456789012345678901", "longer than 40 characters"},
		{"number==1+1", "formula"},
		{"number= ", "number: is missing"},
		{"number=garbage!!", `number: "garbage!!" does not look like a number: one has a digit`},
		{"number=garbage", "one has a digit"},
		{"number=AB#42", "and else only letters, spaces and - / ."},
	} {
		o := certificateAt(t, StateRequested)
		err := o.try(asCleo, "record-number", "", "number=AB-42", "issued-on=2026-03-24", tt.pair)
		mustSay(t, tt.pair, refused(err, ErrField, tt.words))
		if o.Certificate().State != StateRequested || o.Certificate().Number != "" {
			t.Errorf("%s: refused, but it is %s, number %q", tt.pair, o.Certificate().State, o.Certificate().Number)
		}
	}
}

// TestCertificate_ByBody: paper or not, co-signed or not, is data of the body.
func TestCertificate_ByBody(t *testing.T) {
	tests := []struct {
		paper, signed bool
		steps         []string // the only way from received
		wrong         map[string]string
	}{
		{true, true, []string{"sign", "mailed"}, map[string]string{"mailed": "sign it first", "electronic": "mail it"}},
		{true, false, []string{"mailed"}, map[string]string{"sign": "mail it as it is", "electronic": "mail it"}},
		{false, true, []string{"sign", "electronic"}, map[string]string{"electronic": "sign it first", "mailed": "record it as issued electronically"}},
		{false, false, []string{"electronic"}, map[string]string{"sign": "does not have its certificates co-signed", "mailed": "issues no paper"}},
	}
	for _, tt := range tests {
		for name, words := range tt.wrong {
			o := certificateAt(t, StateIssued)
			o.Body.Paper, o.Body.CoSigned = tt.paper, tt.signed
			mustSay(t, name, refused(o.try(asCleo, name, ""), ErrIllegalMove, words))
		}
		o := certificateAt(t, StateIssued)
		o.Body.Paper, o.Body.CoSigned = tt.paper, tt.signed
		for _, name := range tt.steps {
			o.take(asCleo, name, "")
		}
		if mailed := o.Certificate().MailedOn == day(t, "2026-03-25"); mailed != tt.paper {
			t.Errorf("paper %t: mailed on %q", tt.paper, o.Certificate().MailedOn)
		}
		o.take(asAna, "delivered", "")
	}
}

func TestCertificate_RevokedByTwo(t *testing.T) {
	o := certificateAt(t, StateMailed)
	version := o.Case.Version
	o.take(asCleo, "revoke", "left the programme")
	if o.Certificate().State != StateMailed || !o.saw(EventRevocationProposed) {
		t.Errorf("one person revoked it: %s", o.Certificate().State)
	}
	mustRefuse(t, o.try(asCleo, "revoke", "I mean it"), ErrSecondPerson, "you proposed", "ask another lead or an administrator")
	mustRefuse(t, o.try(asBen, "revoke", "agreed"), ErrNotAllowed, "ask a lead or an administrator")
	mustRefuse(t, o.tryAt(Act{By: asDan, Reason: "I propose", AsOf: version}, "revoke"), ErrIllegalMove, "moved on")
	o.take(asDan, "revoke", "agreed")
	if o.Certificate().State != StateRevoked || o.fact(EventCertificateRevoked, "proposer") != "3" || !StillTrue(JobRevocation, o.File, o.Events()[0]) {
		t.Errorf("two revoked it: %s", o.Certificate().State)
	}
}

func TestCertificate_Replaced(t *testing.T) {
	o := certificateAt(t, StateReturned)
	o.take(asCleo, "revoke", "moved away")
	o.take(asCleo, "replace", "name misspelt")
	old, c := o.Certificates[0], o.Certificate()
	if old.State != StateReplaced || c.State != StateDue || c.ReplacesID != old.ID || c.Term != old.Term || c.Proposer != 0 || c.Number != "" {
		t.Errorf("replaced: %+v by %+v", old, c)
	}
	if !StillTrue(JobRequestCertificate, o.File, Event{}) {
		t.Error("the body is not asked for another")
	}
}

// TestCertificate_MailedBeforeTheNotice: nothing is left to wait for.
func TestCertificate_MailedBeforeTheNotice(t *testing.T) {
	o := certificateAt(t, StateMailed)
	o.accepted(JobPass)
	if o.cycle(PolicyCertificate) >= 0 || o.Audit.Notified.IsZero() {
		t.Errorf("told on %q, and the ten days run for a certificate in the post", o.Audit.Notified)
	}
}

// TestCertificate_TenDays count from the first notice by whatever channel, on the
// day on which it was given.
func TestCertificate_TenDays(t *testing.T) {
	o := certificateAt(t, StateDue)
	if o.cycle(PolicyCertificate) >= 0 || clockOf(t, o.File, PolicyNotification).Phase() != PhaseRunning {
		t.Error("the ten days run before the company knows")
	}
	told, promised := o.PledgeOfNotice()
	if o.cycle(PolicyCertificate) >= 0 {
		t.Error("to ask what the notice promises begins the ten days")
	}
	o.accepted(JobPass)
	due, ok := clockOf(t, o.File, PolicyCertificate).Due(o.Programme.Calendars["AB"])
	if !promised || !told.Due.Equal(due) || told.Policy != PolicyCertificate || told.Late {
		t.Errorf("the notice promises %v, and the clock says %s", told, due)
	}
	if !ok || !due.Equal(wall(t, "2026-04-05 00:00")) || o.Audit.Notified != day(t, "2026-03-25") {
		t.Errorf("due %s, %t; told on %s", due, ok, o.Audit.Notified)
	}
	o.clock = o.clock.Add(48 * time.Hour)
	o.accepted(JobPass)
	again, _ := clockOf(t, o.File, PolicyCertificate).Due(o.Programme.Calendars["AB"])
	if !again.Equal(due) || o.Audit.Notified != day(t, "2026-03-25") || o.saw(EventCompanyNotified) {
		t.Errorf("a second notice moves them to %s", again)
	}
	o.accepted(JobRequestCertificate)
	o.take(asCleo, "record-number", "", "number=AB-42", "issued-on=2026-03-26")
	o.take(asCleo, "sign", "")
	if clockOf(t, o.File, PolicyCertificate).Phase() != PhaseRunning {
		t.Error("the ten days end before the certificate is in the post")
	}
	o.take(asCleo, "mailed", "")
	if clockOf(t, o.File, PolicyCertificate).Phase() != PhaseFinished {
		t.Error("mailed, but the ten days go on")
	}
}

// TestMailed_NotBeforeItsIssue: a date of mailing is not before the one that is printed.
func TestMailed_NotBeforeItsIssue(t *testing.T) {
	o := certificateAt(t, StateSigned)
	o.LastMove.HappenedAt = o.Certificate().IssuedOn.AddDays(-9).Start(time.UTC)
	early := Act{By: asCleo, Reason: "went out then", HappenedAt: o.Certificate().IssuedOn.AddDays(-1).Start(time.UTC)}
	mustRefuse(t, o.tryAt(early, "mailed"), ErrField, "was issued on")
	o.take(asCleo, "mailed", "")
}

// TestRecordNumber_KeepsTheTerm: what two people granted for one year does not
// become three with a date.
func TestRecordNumber_KeepsTheTerm(t *testing.T) {
	o := certificateAt(t, StateRequested)
	o.Certificate().Term = 1
	mustRefuse(t, o.try(asCleo, "record-number", "", "number=AB-1", "issued-on=2026-03-24", "expires-on=2027-06-25"), ErrField, "does not fit the term", "1 year")
	o.take(asCleo, "record-number", "", "number=AB-1", "issued-on=2026-03-24", "expires-on=2027-06-24")
}

// TestCertificate_LettersEnd: each way in which the reason of a letter about a
// certificate can end before it leaves.
func TestCertificate_LettersEnd(t *testing.T) {
	tests := []struct {
		name   string
		at     State
		letter JobKind
		cause  EventKind
		ends   func(o *office)
	}{
		{"requested by hand", StateDue, JobRequestCertificate, EventCertificateDue, func(o *office) { o.take(asCleo, "requested", "by phone") }},
		{"revoked while due", StateDue, JobRequestCertificate, EventCertificateDue, revokedByTwo},
		{"the body takes batches", StateDue, JobRequestCertificate, EventCertificateDue, func(o *office) { o.Body.Request = AskingBatch }},
		{"mailed, revoked", StateMailed, JobMailed, EventCertificateMailed, revokedByTwo},
		{"mailed, replaced", StateMailed, JobMailed, EventCertificateMailed, func(o *office) { o.take(asCleo, "replace", "misspelt") }},
		{"mailed, returned", StateMailed, JobMailed, EventCertificateMailed, func(o *office) { o.take(asAna, "returned", "moved") }},
		{"mailed, delivered", StateMailed, JobMailed, EventCertificateMailed, func(o *office) { o.take(asAna, "delivered", "") }},
		{"mailed, returned and mailed on another day", StateMailed, JobMailed, EventCertificateMailed, func(o *office) {
			o.take(asAna, "returned", "moved")
			o.clock = o.clock.AddDate(0, 0, 1)
			o.take(asAna, "ready", "found")
			o.take(asCleo, "mailed", "")
		}},
		{"replaced, and the new one came", StateDelivered, JobReplacement, EventCertificateReplaced, func(o *office) {
			o.accepted(JobRequestCertificate)
			o.take(asCleo, "record-number", "", "number=AB-43", "issued-on=2026-03-24")
		}},
		{"replaced, and revoked", StateDelivered, JobReplacement, EventCertificateReplaced, revokedByTwo},
		{"answered, and revoked", StateBodyQueried, JobBodyAnswer, EventBodyAnswered, revokedByTwo},
		{"answered, and the certificate came", StateBodyQueried, JobBodyAnswer, EventBodyAnswered, func(o *office) {
			o.take(asCleo, "record-number", "", "number=AB-43", "issued-on=2026-03-24")
		}},
	}
	for _, tt := range tests {
		o := certificateAt(t, tt.at)
		switch tt.letter {
		case JobReplacement:
			o.take(asCleo, "replace", "misspelt")
		case JobBodyAnswer:
			o.take(asAna, "body-answer", "", "answer=78000")
		}
		cause := o.last(tt.cause)
		if !StillTrue(tt.letter, o.File, cause) {
			t.Errorf("%s: %s is not true before", tt.name, tt.letter)
		}
		tt.ends(o)
		if StillTrue(tt.letter, o.File, cause) {
			t.Errorf("%s: %s is still true", tt.name, tt.letter)
		}
	}
}

func revokedByTwo(o *office) {
	o.take(asCleo, "revoke", "left the programme")
	o.take(asDan, "revoke", "agreed")
}

// TestCertificate_AnswerByPhone: what was told is not written as well.
func TestCertificate_AnswerByPhone(t *testing.T) {
	o := certificateAt(t, StateBodyQueried)
	o.take(asAna, "body-answer", "", "answer=78000", "channel=phone")
	if StillTrue(JobBodyAnswer, o.File, o.last(EventBodyAnswered)) {
		t.Error("the body is written to after it was told")
	}
}

// TestCertificate_Batch: a body that wants a batch is promised no letter of its own.
func TestCertificate_Batch(t *testing.T) {
	o := certificateAt(t, StateDue)
	if len(o.Follows(EventCertificateDue)) != 1 {
		t.Error("a body that takes messages is not asked")
	}
	o.Body.Request = AskingBatch
	if len(o.Follows(EventCertificateDue)) != 0 {
		t.Error("a body that takes batches is asked by letter")
	}
	mustPass(t, "sent", o.act(Act{By: Desk}, func() error { return o.RequestedIn("3", "body:ab-pir") }))
	if o.Certificate().State != StateRequested || o.fact(EventCertificateRequested, "batch") != "3" {
		t.Errorf("after the batch: %s", o.Certificate().State)
	}
	mustPass(t, "sent again", o.act(Act{By: Desk}, func() error { return o.RequestedIn("3", "body:ab-pir") }))
	if o.saw(EventCertificateRequested) {
		t.Error("requested twice")
	}
}

// TestSign_NamesWhoSigns: the signatories are dated, and nobody signs without one.
func TestSign_NamesWhoSigns(t *testing.T) {
	o := certificateAt(t, StateIssued)
	o.take(asCleo, "sign", "")
	if got := o.last(EventCertificateSigned).Text; got != "Chloé Martin, Manager" {
		t.Errorf("signed by %q", got)
	}
	o = certificateAt(t, StateIssued)
	o.take(asCleo, "sign", "", "signatory=dan wu")
	if got := o.last(EventCertificateSigned).Text; got != "Dan Wu, Director" {
		t.Errorf("signed by %q", got)
	}
	o = certificateAt(t, StateIssued)
	mustRefuse(t, o.try(asCleo, "sign", "", "signatory=Eve"), ErrField, "Eve", "Chloé Martin or Dan Wu")
	o.Programme.Signatories[Partner][1].Span.To = day(t, "2026-03-24")
	mustRefuse(t, o.try(asCleo, "sign", "", "signatory=Dan Wu"), ErrField, "does not sign")
	o.Programme.Signatories[Partner] = o.Programme.Signatories[Partner][1:]
	mustRefuse(t, o.try(asCleo, "sign", ""), ErrNotFound, "nobody signs for this office on 2026-03-25", "schema/signatories/partner.json")
}

// TestRecordNumber_ByTheBodysData: format, day of issue and series are the body's.
func TestRecordNumber_ByTheBodysData(t *testing.T) {
	o := certificateAt(t, StateRequested)
	mustRefuse(t, o.try(asCleo, "record-number", "", "number=AB-42"), ErrField, "issued-on: is missing")
	mustRefuse(t, o.try(asCleo, "record-number", "", "number=//", "issued-on=2026-03-24"), ErrField, "no letter and no digit")
	other := certificateAt(t, StateRequested)
	other.take(asCleo, "record-number", "", "number=AB#42", "issued-on=2026-03-24", "unusual=true")
	other = certificateAt(t, StateRequested)
	other.take(asCleo, "record-number", "", "number=ÉC 4/2-7.b", "issued-on=2026-03-24")
	o.Body.IssueDay = IssuedOnLastDay
	o.Body.NumberFormat, o.Body.NumberExample = "^AB-[0-9]{4}$", "AB-0042"
	mustRefuse(t, o.try(asCleo, "record-number", "", "number=AB-42"), ErrField, "does not look like", "such as AB-0042", "unusual")
	o.take(asCleo, "record-number", "", "number=AB-42", "unusual=true")
	if o.Certificate().IssuedOn != o.Audit.LastDay || o.Audit.LastDay.IsZero() {
		t.Errorf("issued on %s, want the last day %s", o.Certificate().IssuedOn, o.Audit.LastDay)
	}
	o = certificateAt(t, StateRequested)
	o.Body.Numberer, o.Body.NumberSeries, o.Body.IssueDay = MakerPartner, "SK-{year}-{0000}", IssuedOnLastDay
	o.Numbered = []string{"SK-2026-0009", "SK-2025-0100", "SK-2026-10", "other"}
	o.take(asCleo, "record-number", "")
	if o.Certificate().Number != "SK-2026-0010" {
		t.Errorf("number %s, want the next of the year", o.Certificate().Number)
	}
}

func TestSeries(t *testing.T) {
	for text, want := range map[string]string{"SK-{year}-{0000}": "SK-2026-0007", "{000}": "007", "{0}/{year}": "7/2026", "S{00}X": "S07X"} {
		s, err := ParseSeries(text)
		mustPass(t, text, err)
		got := s.Number(2026, 7)
		serial, ours := s.Serial(2026, got)
		if got != want || !ours || serial != 7 {
			t.Errorf("%s: number %s of serial %d (%t), want %s", text, got, serial, ours, want)
		}
		big, ours := s.Serial(2026, s.Number(2026, 123456))
		if !ours || big != 123456 {
			t.Errorf("%s: serial 123456 comes back as %d", text, big)
		}
	}
	for _, wrong := range []string{"", "SK", "{}", "{0}{0}", "{year}{year}{0}", "{month}-{00}", "{1}", "{0"} {
		_, err := ParseSeries(wrong)
		if err == nil {
			t.Errorf("%q is read as a series", wrong)
		}
	}
}

// TestReadyAgain: a returned certificate goes back to where it lay before.
func TestReadyAgain(t *testing.T) {
	for _, signed := range []bool{true, false} {
		o := certificateAt(t, StateReturned)
		o.Body.CoSigned = signed
		if o.ReadyToMail() {
			t.Error("a returned certificate goes into the next batch by itself")
		}
		o.Company.Address.PostalCode = "12345"
		mustRefuse(t, o.try(asAna, "ready", "by phone"), ErrField, "postal-code", "T2P 1A1")
		o.Company.Address.PostalCode = "T2P1A1"
		before := o.Printed()
		o.take(asAna, "correct", "moved", "field=street", "value=2 Side Street")
		o.take(asAna, "ready", "by phone")
		want := map[bool]State{true: StateSigned, false: StateIssued}[signed]
		if o.Certificate().State != want || !o.ReadyToMail() || o.Printed() == before {
			t.Errorf("ready again: %s, %t", o.Certificate().State, o.ReadyToMail())
		}
	}
}

func TestMailable(t *testing.T) {
	good := Company{Address: Address{Street: "1 Main Street", City: "Calgary", Province: "AB", PostalCode: "t2p 1a1"}}
	mustPass(t, "a whole address", good.Mailable())
	for field, change := range map[string]func(*Address){
		"street": func(a *Address) { a.Street = " " }, "city": func(a *Address) { a.City = "" }, "postal-code": func(a *Address) { a.PostalCode = "" },
		"D2P 1A1": func(a *Address) { a.PostalCode = "D2P 1A1" }, "T2P-1A1": func(a *Address) { a.PostalCode = "T2P-1A1" },
	} {
		c := good
		change(&c.Address)
		mustSay(t, field, refused(c.Mailable(), ErrField, field))
	}
}

func TestAttach(t *testing.T) {
	o := certificateAt(t, StateIssued)
	attach := func(d Document) error { return o.act(Act{By: asAna}, func() error { return o.Attach(d, "abc") }) }
	mustPass(t, "a certificate", attach(Document{Name: `C:\scans\Roy Welding (1).PDF`, Type: "application/pdf", Data: []byte("%PDF-")}))
	if got := o.Documents[0].Name; got != "received-Roy-Welding-1-abc.pdf" || o.fact(EventAttached, "sha256") != "abc" {
		t.Errorf("kept as %q", got)
	}
	mustSay(t, "empty", refused(attach(Document{Name: "x.pdf", Type: "application/pdf"}), ErrField, "is empty"))
	mustSay(t, "text", refused(attach(Document{Name: "x", Type: "text/plain", Data: []byte("x")}), ErrField, "text/plain", "PDF"))
	mustSay(t, "large", refused(attach(Document{Name: "x", Type: "application/pdf", Data: make([]byte, MaxDocument+1)}), ErrField, "larger than 10 MB"))
	o.Conflicts = []Conflict{{ReviewerID: ana, CompanyID: testCompany}}
	mustSay(t, "conflict", refused(attach(Document{Name: "x", Type: "application/pdf", Data: []byte("x")}), ErrConflict))
}

// TestReturned_ClockRunsAnew: a certificate that came back is late again when nobody
// mails it, and goes no other way than by being ready.
func TestReturned_ClockRunsAnew(t *testing.T) {
	o := certificateAt(t, StateDue)
	o.accepted(JobPass)
	o.accepted(JobRequestCertificate)
	o.take(asCleo, "record-number", "", "number=AB-42", "issued-on=2026-03-24")
	o.take(asCleo, "sign", "")
	o.take(asCleo, "mailed", "")
	o.clock = o.clock.AddDate(0, 0, 7)
	o.take(asAna, "returned", "moved")
	clock := clockOf(t, o.File, PolicyCertificate)
	due, runs := clock.Due(o.Programme.Calendars["AB"])
	if clock.Cycle != 2 || !runs || !due.Equal(wall(t, "2026-04-12 00:00")) {
		t.Errorf("returned on 1 April: cycle %d, due %s, %t", clock.Cycle, due, runs)
	}
	mustRefuse(t, o.try(asCleo, "mailed", ""), ErrIllegalMove, "came back", "ready again")
	o.take(asAna, "ready", "found")
	o.take(asCleo, "mailed", "")
	if clockOf(t, o.File, PolicyCertificate).Phase() != PhaseFinished {
		t.Error("mailed again, but the ten days go on")
	}
}

// TestSign_KeepsWho: the name on the paper is that of who signed, not of who is first
// in the list.
func TestSign_KeepsWho(t *testing.T) {
	o := certificateAt(t, StateIssued)
	o.Programme.Signatories[Partner] = []Signatory{{Name: "Chloé Martin", Title: "Manager"}, {Name: "Dev Patel", Title: "Director"}}
	o.take(asCleo, "sign", "", "signatory=dev patel")
	if c := o.Certificate(); c.Signatory != "Dev Patel" || c.SignatoryTitle != "Director" || c.IssuedTo != o.Company.LegalName {
		t.Errorf("signed by %q, %q, issued to %q", c.Signatory, c.SignatoryTitle, c.IssuedTo)
	}
}

// TestPrinted_EveryField: what changes on the paper changes what it is compared by.
func TestPrinted_EveryField(t *testing.T) {
	for name, change := range map[string]func(f *File, c *Certificate){
		"legal name":  func(f *File, _ *Certificate) { f.Company.LegalName += "x" },
		"trade name":  func(f *File, _ *Certificate) { f.Company.TradeName += "x" },
		"contact":     func(f *File, _ *Certificate) { f.Company.Contact += "x" },
		"language":    func(f *File, _ *Certificate) { f.Company.Language = French },
		"street":      func(f *File, _ *Certificate) { f.Company.Address.Street += "x" },
		"city":        func(f *File, _ *Certificate) { f.Company.Address.City += "x" },
		"province":    func(f *File, _ *Certificate) { f.Company.Address.Province = "SK" },
		"postal code": func(f *File, _ *Certificate) { f.Company.Address.PostalCode = "S4A 0B3" },
		"account":     func(f *File, _ *Certificate) { f.Registrations[0].Account += "1" },
		"number":      func(_ *File, c *Certificate) { c.Number += "1" },
		"issued on":   func(_ *File, c *Certificate) { c.IssuedOn = c.IssuedOn.AddDays(1) },
		"expires on":  func(_ *File, c *Certificate) { c.ExpiresOn = c.ExpiresOn.AddDays(1) },
		"term":        func(_ *File, c *Certificate) { c.Term++ },
		"signatory":   func(_ *File, c *Certificate) { c.Signatory += "x" },
		"their title": func(_ *File, c *Certificate) { c.SignatoryTitle += "x" },
	} {
		o := certificateAt(t, StateSigned)
		o.Company.Address = Address{Street: "1 Main Street", City: "Calgary", Province: "AB", PostalCode: "T2P 1A1"}
		before := o.Printed()
		change(o.File, o.Certificate())
		if o.Printed() == before {
			t.Errorf("another %s is not told apart", name)
		}
	}
}

// TestRevocation_TakenBack: a proposal is seen, ends, and can be made anew.
func TestRevocation_TakenBack(t *testing.T) {
	o := certificateAt(t, StateSigned)
	mustRefuse(t, o.try(asCleo, "keep", "never mind"), ErrIllegalMove, "nobody proposes")
	o.take(asCleo, "revoke", "left the programme")
	version := o.Case.Version
	if !o.RevocationProposed() {
		t.Error("a proposal that nobody sees")
	}
	o.take(asDan, "keep", "a mistake")
	if o.RevocationProposed() || !o.saw(EventRevocationDropped) {
		t.Error("the proposal stands although it was taken back")
	}
	mustRefuse(t, o.tryAt(Act{By: asDan, Reason: "agreed", AsOf: version}, "revoke"), ErrIllegalMove, "moved on")
	o.take(asDan, "revoke", "it left after all")
	if o.Certificate().State != StateSigned {
		t.Error("one person revoked it")
	}
}

// TestCertificate_LettersOfAnEarlierOne: a letter about a certificate is not sent when
// another took its place, though it be in the same state.
func TestCertificate_LettersOfAnEarlierOne(t *testing.T) {
	o := certificateAt(t, StateMailed)
	stale := map[JobKind]EventKind{JobRequestCertificate: EventCertificateDue, JobMailed: EventCertificateMailed, JobMakeCertificate: EventCertificateIssued}
	causes := map[JobKind]Event{}
	for job, kind := range stale {
		for _, e := range o.history {
			if e.Kind == kind {
				causes[job] = e
			}
		}
	}
	o.take(asCleo, "replace", "misspelt")
	if StillTrue(JobRequestCertificate, o.File, causes[JobRequestCertificate]) {
		t.Error("the body is asked twice")
	}
	o.accepted(JobRequestCertificate)
	o.take(asCleo, "record-number", "", "number=AB-43", "issued-on=2026-03-24")
	if StillTrue(JobMakeCertificate, o.File, causes[JobMakeCertificate]) {
		t.Error("papers are made twice")
	}
	o.take(asCleo, "sign", "")
	o.take(asCleo, "mailed", "")
	if StillTrue(JobMailed, o.File, causes[JobMailed]) {
		t.Error("the mailing of the first is told of the second")
	}
}

// TestRevoked_BodyHears from the request on.
func TestRevoked_BodyHears(t *testing.T) {
	for _, state := range []State{StateDue, StateRequested, StateBodyQueried, StateIssued, StateSigned, StateMailed, StateReturned, StateDelivered} {
		o := certificateAt(t, state)
		revokedByTwo(o)
		cause := o.history[len(o.history)-1]
		for _, e := range o.history {
			if e.Kind == EventCertificateRevoked {
				cause = e
			}
		}
		if told := StillTrue(JobTellBody, o.File, cause); told != (state != StateDue) {
			t.Errorf("revoked while %s: the body is told: %t", state, told)
		}
	}
}
