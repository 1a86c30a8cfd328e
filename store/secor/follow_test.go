package secor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// constantsOf returns the values of a file's string constants of one type, so that
// a constant that nobody thought of is found.
func constantsOf(t *testing.T, file, typ string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name, ok := spec.Type.(*ast.Ident)
		if !ok || name.Name != typ {
			return true
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, text)
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s declares no %s", file, typ)
	}
	return values
}

// quiet are the events from which no job follows, and why.
var quiet = map[EventKind]string{
	EventProfilesFound:   "shown with the case; approving wants it accepted",
	EventRequestTaken:    "cards only",
	EventRequestReopened: "cards only", EventRegistrationChecked: "an invoice follows by itself", EventRegistrationAnswered: "cards only",
	EventElementAgreed: "history", EventNoteAdded: "the revision request carries it", EventNoteResolved: "the reviewer sees it with the revision",
	EventNoteConfirmed: "history", EventNoteReopened: "the next revision request carries it", EventNoteWithdrawn: "history",
	EventMarkChanged: "history", EventMonthsVerified: "history", EventOneYearProposed: "cards only; leads were asked at the pass",
	EventCompanyNotified: "is itself the notice", EventInvoiceSent: "is itself the letter", EventPaymentRecorded: "what it pays follows",
	EventPaymentPromised: "a person records it", EventInvoiceResumed: "the next reminder follows", EventInvoiceReopened: "the reversed payment tells a lead",
	EventPaymentRefunded: "history", EventInvoiceVoided: "the audit's own letter says so, or a person does",
	EventCertificateRequested: "is itself the letter", EventBodyQueried: "cards only; a person records it",
	EventCertificateSigned: "cards only", EventAttached: "history",
	EventCertificateDelivered: "the company has it", EventRevocationDropped: "cards only",
	EventLetterSent: "is itself the letter", EventNoted: "history", EventCorrected: "history",
	EventGuardWaived: "history", EventGuardNoted: "history", EventJobRetried: "the job itself runs again", EventJobDropped: "history",
	EventReached:    "somebody spoke with them",
	EventJobArrived: "what the letter means is recorded beside it",

	EventAssignmentWaits: "the sweep of the queue asks again",
}

func TestFollows_EveryEventIsFollowedOrQuiet(t *testing.T) {
	known := constantsOf(t, "event.go", "EventKind")
	for _, text := range known {
		kind := EventKind(text)
		_, isQuiet := quiet[kind]
		if followed := len(Follows(kind)) > 0; followed == isQuiet {
			t.Errorf("%s: followed %t, quiet %t", kind, followed, isQuiet)
		}
		if strings.Count(text, ".") != 1 || text != strings.ToLower(text) {
			t.Errorf("%s is not <what>.<happened>", kind)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(known)))) != len(known) {
		t.Error("two events have the same name")
	}
	for _, f := range follows {
		if !slices.Contains(known, string(f.Event)) {
			t.Errorf("%s follows from %q, which is no event", f.Job, f.Event)
		}
	}
	for kind := range quiet {
		if !slices.Contains(known, string(kind)) {
			t.Errorf("%q is quiet, but no event", kind)
		}
	}
}

func TestJobKinds_HaveOnePredicateEach(t *testing.T) {
	want := slices.Sorted(slices.Values(constantsOf(t, "follow.go", "JobKind")))
	promised := JobKinds()
	var got []string
	for _, kind := range promised {
		got = append(got, string(kind))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("declared and promised kinds (-declared +promised):\n%s", diff)
	}
	var predicates []string
	for kind := range stillTrue {
		predicates = append(predicates, string(kind))
	}
	for _, kind := range byCause { // they look at their cause
		predicates = append(predicates, string(kind))
	}
	slices.Sort(predicates)
	if diff := cmp.Diff(want, predicates); diff != "" {
		t.Errorf("kinds and predicates (-kinds +predicates):\n%s", diff)
	}
	if StillTrue("nobody:knows", auditIn(t, StateOpen).File, Event{}) {
		t.Error("an unknown kind is true")
	}
}

func TestJobKinds_NoneBeginsAnother(t *testing.T) {
	for _, a := range JobKinds() {
		family, what, ok := strings.Cut(string(a), ":")
		if !ok || family == "" || what == "" {
			t.Errorf("%s is not <family>:<what>", a)
		}
		for _, b := range JobKinds() {
			if a != b && strings.HasPrefix(string(b), string(a)) {
				t.Errorf("%s begins %s", a, b)
			}
		}
	}
}

// TestFollows_FinalStepsHaveAnAudience: whatever ends a case, an invoice, a
// certificate or a round for the company is told to somebody outside the desk's own
// work, or is excused here.
func TestFollows_FinalStepsHaveAnAudience(t *testing.T) {
	excused := []EventKind{
		EventInvoiceVoided,        // the letter of the audit says what follows
		EventCertificateDelivered, // the company was told when it was mailed
	}
	final := map[EventKind]string{}
	for _, o := range []*office{
		requestIn(t, StateApproved), requestIn(t, StateRejected), requestIn(t, StateNotRequired), requestIn(t, StateNoAnswer), requestIn(t, StateWithdrawn),
		auditIn(t, StateCancelled), auditIn(t, StateWithdrawn), auditIn(t, StateLapsed), auditIn(t, StateNoAnswer), auditIn(t, StateNotReviewed),
		auditIn(t, StateQAComplete), auditMarked(t, StateQAComplete, failing), passedShort(t), declined(t), voided(t), returnedAudit(t),
		auditIn(t, StateRevision), certificateAt(t, StateDelivered), certificateAt(t, StateRevoked), electronic(t), replaced(t),
	} {
		last := o.history[len(o.history)-1]
		for _, e := range o.history {
			if e.Subject != "" && Next(e.Subject, e.To) == "" || e.Seq == last.Seq {
				final[e.Kind] = string(e.Subject) + " " + string(e.To)
			}
		}
	}
	for kind, where := range final {
		outside := slices.ContainsFunc(Follows(kind), func(f Follow) bool { return f.Audience != AudienceDesk })
		if outside == slices.Contains(excused, kind) {
			t.Errorf("%s (%s): told outside %t", kind, where, outside)
		}
	}
	reached := map[Subject][]State{}
	for _, where := range final {
		s, state, _ := strings.Cut(where, " ")
		reached[Subject(s)] = append(reached[Subject(s)], State(state))
	}
	for _, s := range Subjects() {
		for _, state := range States(s) {
			if Next(s, state) == "" && !slices.Contains(reached[s], state) {
				t.Errorf("no case of this test ends with the %s %s", s, state)
			}
		}
	}
}

func declined(t *testing.T) *office {
	o := passedShort(t)
	o.take(asCleo, "decline-one-year", "three months only")
	return o
}

func voided(t *testing.T) *office {
	o := auditIn(t, StateAwaitingPayment)
	o.take(asCleo, "void-invoice", "wrong class")
	return o
}

func returnedAudit(t *testing.T) *office {
	o := auditIn(t, StateInQA)
	o.take(asAna, "return", "pages of another company")
	return o
}

func electronic(t *testing.T) *office {
	o := certificateAt(t, StateIssued)
	o.Body.Paper, o.Body.CoSigned = false, false
	o.take(asCleo, "electronic", "")
	return o
}

func replaced(t *testing.T) *office {
	o := certificateAt(t, StateMailed)
	o.take(asCleo, "replace", "name misspelt")
	return o
}

// TestStillTrue_ByState says by hand in which states of a case each letter about it
// is still true.
func TestStillTrue_ByState(t *testing.T) {
	want := map[Subject]map[JobKind]string{
		SubjectRequest: {
			JobDecideNeed: "received", JobWelcome: "approved", JobRejection: "rejected", JobNotRequired: "not_required",
			JobRequestQuestion: "queried", JobPostCard: "received in_review", JobRequestClosed: "no_answer withdrawn",
		},
		SubjectAudit: {
			JobCheckRegistration: "registered", JobInvoice: "awaiting_payment", JobInvoiceReminder: "",
			JobRegistrationQuestion: "registration_queried", JobUnlock: "open", JobAuditClosed: "cancelled withdrawn lapsed no_answer",
			JobAssign: "submitted", JobTellReviewer: "in_qa revision", JobReturned: "open", JobRevision: "revision",
			JobSubmissionReceipt: "submitted in_qa", JobInterim: "submitted in_qa revision", JobAppealReceived: "in_qa",
			JobPass: "qa_complete", JobFail: "", JobNotReviewed: "not_reviewed", JobDeclined: "", JobAskOneYear: "",
			JobRequestCertificate: "qa_complete", JobMakeCertificate: "", JobRevocation: "",
			JobBodyAnswer: "", JobMailed: "", JobElectronic: "", JobReplacement: "",
		},
	}
	for kind, letters := range want {
		for _, state := range States(kind) {
			o := caseIn(t, kind, state)
			for _, letter := range slices.Sorted(maps.Keys(letters)) {
				expected := slices.Contains(strings.Fields(letters[letter]), string(state))
				if got := StillTrue(letter, o.File, Event{}); got != expected {
					t.Errorf("%s while the %s is %s: true %t", letter, kind, state, got)
				}
			}
		}
	}
}

func TestStillTrue_ByResult(t *testing.T) {
	tests := []struct {
		situation string
		o         *office
		trues     []JobKind
	}{
		{"failed", auditMarked(t, StateQAComplete, failing), []JobKind{JobFail}},
		{"passed on seven months", passedShort(t), []JobKind{JobPass, JobAskOneYear}},
		{"declined", declined(t), []JobKind{JobPass, JobDeclined}},
		{"certificate received", certificateAt(t, StateIssued), []JobKind{JobPass, JobMakeCertificate}},
		{"certificate mailed", certificateAt(t, StateMailed), []JobKind{JobPass, JobMakeCertificate, JobMailed}},
		{"certificate revoked", certificateAt(t, StateRevoked), []JobKind{JobPass, JobRevocation}},
		{"certificate replaced", replaced(t), []JobKind{JobPass, JobRequestCertificate, JobReplacement}},
		{"issued electronically", electronic(t), []JobKind{JobPass, JobMakeCertificate, JobElectronic}},
		{"the body answered", certificateAt(t, StateRequested), []JobKind{JobPass, JobBodyAnswer}},
	}
	letters := []JobKind{JobPass, JobFail, JobAskOneYear, JobDeclined, JobRequestCertificate, JobMakeCertificate, JobRevocation, JobBodyAnswer, JobMailed, JobElectronic, JobReplacement}
	for _, tt := range tests {
		var got []JobKind
		for _, letter := range letters {
			if StillTrue(letter, tt.o.File, Event{}) {
				got = append(got, letter)
			}
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(tt.trues)), slices.Sorted(slices.Values(got))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.situation, diff)
		}
	}
}

// TestStillTrue_TellsWhoHoldsIt: a reviewer from whom the audit was taken is not
// told that it is theirs.
func TestStillTrue_TellsWhoHoldsIt(t *testing.T) {
	o := auditIn(t, StateSubmitted)
	o.take(asCleo, "assign", "", "reviewer=1")
	first := o.last(EventAuditAssigned)
	o.take(asCleo, "assign", "Ana is ill", "reviewer=2")
	second := o.last(EventAuditAssigned)
	if StillTrue(JobTellReviewer, o.File, first) || !StillTrue(JobTellReviewer, o.File, second) {
		t.Error("told is who held it before, not who holds it")
	}
	o.take(asBen, "query", "", "question=page 3")
	o.take(asCompany, "answer", "", "answer=attached")
	if !StillTrue(JobTellReviewer, o.File, o.last(EventRevisionReceived)) {
		t.Error("nobody is told of the revision")
	}
}

// TestStillTrue_Escalations: each event that a lead is told of can be settled.
func TestStillTrue_Escalations(t *testing.T) {
	asked := auditIn(t, StateOpen)
	s := asked.submission(passing)
	s.Headcount = 11
	err := asked.trySubmit(s)
	if err != nil {
		t.Fatal(err)
	}
	breached := requestIn(t, StateInReview)
	breached.clock = wall(t, "2026-04-10 09:00")
	err = breached.act(Act{By: Desk}, func() error { _, err := breached.ReachLevels(); return err })
	if err != nil {
		t.Fatal(err)
	}
	stuck := auditIn(t, StateSubmitted)
	stuck.Roster[0].Active, stuck.Roster[1].Capacity, stuck.Roster[2].Capacity = false, 0, 0
	stuck.await()
	taken := requestIn(t, StateInReview)
	taken.Roster[0].Active = false
	taken.takeFrom()
	uncovered := auditIn(t, StateRevision)
	uncovered.Roster[0].Away = []Leave{{Span: Span{From: day(t, "2026-03-25")}}}
	uncovered.submit(passing)
	uncovered.cover()
	bounced := auditIn(t, StateOpen)
	bounced.take(asCleo, "reverse-payment", "bounced", "reference=0042")
	twice := auditIn(t, StateRegistrationReview)
	twice.take(asCleo, "pay", "", "amount=157.50", "method=card", "reference=77")
	many := auditIn(t, StateRevision)
	many.Edition.Revisions.TellRounds = 1
	many.submit(passing)
	many.take(asAna, "query", "", "question=once more")
	contested := contestedFail(t)
	unsent := certificateAt(t, StateDue)
	unsent.Certificate().Batch = Batch{ID: 3, Job: 8, Failed: true}
	err = unsent.act(Act{By: Desk}, func() error { unsent.BatchFailed(3, 8, 2, "550"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	proposed := certificateAt(t, StateMailed)
	proposed.take(asCleo, "revoke", "left the programme")
	tests := map[EventKind]struct {
		o      *office
		settle func(*office)
	}{
		EventRulingContested:     {contested, func(o *office) { o.take(asCleo, "appeal", "in conflict", "reviewer=2") }},
		EventInvoiceOverpaid:     {twice, func(o *office) { o.take(asCleo, "refund", "paid twice", "method=cheque", "reference=R-1") }},
		EventRevisionsMany:       {many, func(o *office) { o.submit(passing) }},
		EventRegistrationAsked:   {auditIn(t, StateRegistered), func(o *office) { o.take(asCleo, "invoice", "") }},
		EventSubmissionAsked:     {asked, func(o *office) { o.take(asCleo, "accept", "fine", "accept=headcount") }},
		EventRequestUnassigned:   {taken, func(o *office) { o.take(asBen, "take", "") }},
		EventRevisionUncovered:   {uncovered, func(o *office) { o.take(asCleo, "assign", "", "reviewer=2") }},
		EventAssignmentStuck:     {stuck, func(o *office) { o.take(asCleo, "assign", "", "reviewer=2") }},
		EventPaymentReversed:     {bounced, func(o *office) { o.take(asCleo, "pay", "", "amount=157.50", "method=eft", "reference=9") }},
		EventBatchFailed:         {unsent, func(o *office) { o.Certificate().Batch.Failed = false }},
		EventRevocationProposed:  {proposed, func(o *office) { o.take(asDan, "keep", "a mistake") }},
		EventCertificateReturned: {certificateAt(t, StateReturned), func(o *office) { o.take(asAna, "ready", "found") }},
		EventClockBreach:         {breached, func(o *office) { o.take(asAna, "approve", "") }},
	}
	for _, f := range follows {
		if f.Job != JobEscalate {
			continue
		}
		tt, known := tests[f.Event]
		if !known {
			t.Errorf("%s: a lead is told, but nothing here settles it", f.Event)
			continue
		}
		cause := Event{Kind: f.Event}
		for _, e := range tt.o.history {
			if e.Kind == f.Event {
				cause = e
			}
		}
		before := StillTrue(JobEscalate, tt.o.File, cause)
		tt.settle(tt.o)
		if after := StillTrue(JobEscalate, tt.o.File, cause); !before || after {
			t.Errorf("%s: true %t, and settled %t", f.Event, before, after)
		}
	}
	// A move ends it already; the state alone does so, too.
	if e := (Event{Kind: EventRequestUnassigned}); taken.stillTroubled(e) || !requestIn(t, StateReceived).stillTroubled(e) {
		t.Error("a request that was taken from somebody troubles by its state otherwise than while it is nobody's")
	}
	breached.take(asCleo, "reopen", "mistake")
	for _, e := range breached.history {
		if e.Kind == EventClockBreach && StillTrue(JobEscalate, breached.File, e) {
			t.Error("the breach of a finished cycle is true again in the next one")
		}
	}
	if StillTrue(JobEscalate, breached.File, Event{Kind: EventNoted}) {
		t.Error("an event that troubles nobody is escalated")
	}
}

// lateRequest is a request that Ana holds, under a policy of three steps: warned
// after 2 days, broken after 3, escalated after 5.
func lateRequest(t *testing.T) *office {
	o := newOffice(t, SubjectRequest)
	o.Edition.Policies[0].Levels = append(testLevels(3), Level{Name: "escalate", AfterDays: 5, Raises: EventClockEscalated})
	err := o.act(Act{By: Desk}, o.Open)
	if err != nil {
		t.Fatal(err)
	}
	o.take(asAna, "take", "")
	return o
}

// sweep lets the desk act on the clocks at an instant.
func (o *office) sweep(at string) {
	o.t.Helper()
	o.clock = wall(o.t, at)
	err := o.act(Act{By: Desk}, func() error { _, err := o.ReachLevels(); return err })
	if err != nil {
		o.t.Fatal(err)
	}
}

// tells returns to whom the lateness of a case would be written now.
func (o *office) tells() []Audience {
	var told []Audience
	for _, e := range o.history {
		for _, follow := range Follows(e.Kind) {
			if slices.Contains(byCause, follow.Job) && StillTrue(follow.Job, o.File, e) {
				told = append(told, follow.Audience)
			}
		}
	}
	return told
}

// TestStillTrue_ThreeSteps: a lateness is told to the holder, then the leads, then
// the administrators, each for as long as nothing later was told.
func TestStillTrue_ThreeSteps(t *testing.T) {
	tests := []struct {
		situation string
		do        func(*office)
		want      []Audience
	}{
		{"before anything is due", func(o *office) { o.sweep("2026-03-27 16:00") }, nil},
		{"warned", func(o *office) { o.sweep("2026-03-27 17:00") }, []Audience{AudienceHolder}},
		{"broken", func(o *office) { o.sweep("2026-03-27 17:00"); o.sweep("2026-03-30 17:00") }, []Audience{AudienceLeads}},
		{"escalated", func(o *office) { o.sweep("2026-03-27 17:00"); o.sweep("2026-03-30 17:00"); o.sweep("2026-04-01 17:00") }, []Audience{AudienceAdmins}},
		{"warned and broken at once", func(o *office) { o.sweep("2026-03-31 09:00") }, []Audience{AudienceLeads}},
		{"all three at once", func(o *office) { o.sweep("2026-04-20 09:00") }, []Audience{AudienceAdmins}},
		{"swept twice", func(o *office) { o.sweep("2026-04-20 09:00"); o.sweep("2026-04-20 09:30") }, []Audience{AudienceAdmins}},
		{"warned, then asked", func(o *office) { o.sweep("2026-03-27 17:00"); o.take(asAna, "query", "", "question=who?") }, nil},
		{"broken, then asked", func(o *office) { o.sweep("2026-03-30 17:00"); o.take(asAna, "query", "", "question=who?") }, []Audience{AudienceLeads}},
		{"escalated, then asked", func(o *office) { o.sweep("2026-04-01 17:00"); o.take(asAna, "query", "", "question=who?") }, nil},
		{"broken, but asked before that", func(o *office) {
			o.sweep("2026-03-30 17:00")
			err := o.tryAt(Act{By: asAna, Reason: "entered late", HappenedAt: wall(t, "2026-03-26 10:00")}, "query", "question=who?")
			if err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"warned, then handed back", func(o *office) { o.sweep("2026-03-27 17:00"); o.take(asAna, "release", "") }, nil},
		{"warned, then another's", func(o *office) {
			o.sweep("2026-03-27 17:00")
			o.take(asAna, "release", "")
			o.take(asBen, "take", "")
		}, nil},
		{"broken, then decided", func(o *office) { o.sweep("2026-03-30 17:00"); o.take(asAna, "approve", "") }, nil},
		{"escalated, then withdrawn", func(o *office) { o.sweep("2026-04-01 17:00"); o.take(asAna, "withdraw", "by phone") }, nil},
		{"escalated, closed and reopened", func(o *office) {
			o.sweep("2026-04-01 17:00")
			o.take(asAna, "approve", "")
			o.take(asCleo, "reopen", "mistake")
		}, nil},
	}
	for _, tt := range tests {
		o := lateRequest(t)
		tt.do(o)
		if diff := cmp.Diff(tt.want, o.tells()); diff != "" {
			t.Errorf("%s: told (-want +got):\n%s", tt.situation, diff)
		}
	}
}

// TestStillTrue_Reminders: a company is reminded of the question that stands, once
// for each level, and not after its time is over; closing is then offered.
func TestStillTrue_Reminders(t *testing.T) {
	query := func(o *office) { o.take(asAna, "query", "", "question=And the course?") }
	tests := []struct {
		situation string
		do        func(*office)
		want      []Audience
	}{
		{"the first reminder", func(o *office) { o.sweep("2026-03-31 09:00") }, []Audience{AudienceCompany}},
		{"the second", func(o *office) { o.sweep("2026-03-31 09:00"); o.sweep("2026-04-05 09:00") }, []Audience{AudienceCompany}},
		{"both at once", func(o *office) { o.sweep("2026-04-05 09:00") }, []Audience{AudienceCompany}},
		{"its time is over", func(o *office) { o.sweep("2026-04-05 09:00"); o.sweep("2026-04-10 09:00") }, []Audience{AudienceHolder}},
		{"and nobody decides", func(o *office) { o.sweep("2026-04-10 09:00"); o.sweep("2026-04-25 09:00") }, []Audience{AudienceAdmins}},
		{"answered", func(o *office) { o.sweep("2026-03-31 09:00"); o.take(asCompany, "answer", "", "answer=7") }, nil},
		{"answered before the reminder, entered after it", func(o *office) {
			o.sweep("2026-03-31 09:00")
			err := o.tryAt(Act{By: asAna, Reason: "by phone", HappenedAt: wall(t, "2026-03-30 10:00")}, "answer", "answer=7")
			if err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"withdrawn", func(o *office) { o.sweep("2026-03-31 09:00"); o.take(asAna, "withdraw", "by phone") }, nil},
		{"asked again", func(o *office) {
			o.sweep("2026-03-31 09:00")
			o.take(asAna, "answer", "", "answer=7")
			query(o)
		}, nil},
		{"answered after all", func(o *office) { o.sweep("2026-04-10 09:00"); o.take(asCompany, "answer", "", "answer=7") }, nil},
		{"closed by a person", func(o *office) { o.sweep("2026-04-10 09:00"); o.take(asAna, "no-answer", "called twice") }, nil},
	}
	for _, tt := range tests {
		o := lateRequest(t)
		query(o)
		tt.do(o)
		if diff := cmp.Diff(tt.want, o.tells()); diff != "" {
			t.Errorf("%s: told (-want +got):\n%s", tt.situation, diff)
		}
		if o.Case.State == StateNoAnswer && o.LastMove.By == Desk {
			t.Errorf("%s: the desk closed it by itself", tt.situation)
		}
	}
}

func TestAccepted_RecordsTheLetter(t *testing.T) {
	o := requestIn(t, StateApproved)
	o.accepted(JobWelcome)
	last := o.history[len(o.history)-1]
	if last.Kind != EventLetterSent || last.Facts["letter"] != string(JobWelcome) || last.Text != "to office@roy.example" || o.Case.State != StateApproved {
		t.Errorf("%+v", last)
	}
	for _, facts := range last.Facts {
		if strings.Contains(facts, "@") {
			t.Errorf("an address in the facts: %q", facts)
		}
	}
}

// TestReplay_EveryPrefix of a whole case, by hand.
func TestReplay_EveryPrefix(t *testing.T) {
	o := certificateAt(t, StateRequested)
	var got []string
	for n := range o.history {
		s := Replay(o.history[:n+1])
		line := strings.TrimSpace(strings.Join([]string{string(s[SubjectAudit]), string(s[SubjectInvoice]), string(s[SubjectCertificate])}, " "))
		if len(got) == 0 || got[len(got)-1] != line {
			got = append(got, line)
		}
	}
	want := []string{"registered", "registered draft", "awaiting_payment draft", "awaiting_payment paid", "registration_review paid", "open paid",
		"submitted paid", "in_qa paid", "qa_complete paid", "qa_complete paid due", "qa_complete paid requested"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("replayed (-want +got):\n%s", diff)
	}
	if len(Replay(nil)) != 0 {
		t.Error("no events, but a standing")
	}
}

// TestStillTrue_OneRound: a second question sends its own letter and not that of the
// first as well.
func TestStillTrue_OneRound(t *testing.T) {
	o := requestIn(t, StateQueried)
	first := o.last(EventRequestQueried)
	if !StillTrue(JobRequestQuestion, o.File, first) {
		t.Error("a question that waits for its answer is not sent")
	}
	o.take(asAna, "answer", "", "answer=1234567")
	o.take(asAna, "query", "", "question=And the course?")
	if StillTrue(JobRequestQuestion, o.File, first) || !StillTrue(JobRequestQuestion, o.File, o.last(EventRequestQueried)) {
		t.Error("the letter of the answered question goes out beside that of the new one")
	}
}
