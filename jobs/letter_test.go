package jobs

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/schema"
	"secordesk/store/secor"
)

var update = flag.Bool("update", false, "write the golden letters anew")

// letterFile is a case on which every letter has something to say.
func letterFile(t *testing.T, kind secor.Subject) *secor.File {
	t.Helper()
	programme, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	edition := programme.Editions["esc-2023"]
	f := &secor.File{
		Case: secor.Case{ID: 14, Kind: kind, Body: "sk-wcb", EditionID: edition.ID, Holder: 3, State: secor.StateInReview},
		Company: secor.Company{ID: 9, LegalName: "Éclair Électrique Ltée", TradeName: "Éclair", Province: "SK", Email: "bureau@eclair.example",
			Contact: "François Lévesque", Phone: "306-555-0188", Address: secor.Address{Street: "301, rue Principale", City: "Estevan", Province: "SK", PostalCode: "S4A 0B3"},
			ProfileSince: secor.NewDate(2021, 5, 17)},
		Registrations: []secor.Registration{{Body: "sk-wcb", Account: "8901234", GoodStanding: true}},
		Roster:        []secor.Reviewer{{ID: 3, Name: "Ana Roy", Email: "ana.roy@desk.example", Role: secor.RoleLead, Active: true}},
		Edition:       edition, Protocol: programme.Protocols[edition.Protocol], Body: programme.Bodies["sk-wcb"], Programme: programme,
	}
	err = f.Begin(secor.Act{ID: "test", By: secor.Desk}, time.Date(2026, time.March, 25, 16, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if kind == secor.SubjectRequest {
		f.Request = &secor.Request{Reason: secor.ReasonNew, Headcount: 4}
		return f
	}
	f.Case.State = secor.StateQAComplete
	f.Audit = &secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 4, Verified: secor.Evidence{Policies: 8, Records: 7},
		LastDay: secor.NewDate(2026, 3, 11), Round: 2, Result: secor.VerdictFail, Term: 1, TakenIn: secor.NewDate(2026, 3, 16), TakenAs: 1}
	f.Notes = []secor.Note{
		{Number: 1, Question: "C2", Kind: secor.NoteActionable, State: secor.NoteOpen, Text: "Two of the four forms are not signed. Please add the signed ones.", Round: 1, Asked: 1, Repeated: 2},
		{Number: 2, Question: "A1", Kind: secor.NoteActionable, State: secor.NoteConfirmed, Text: "Please date the policy.", Round: 1, Asked: 1, Repeated: 1},
		{Number: 3, Question: secor.SubjectMonths, Kind: secor.NoteActionable, State: secor.NoteOpen, Text: "The first record is of May.", Round: 2, Asked: 2, Repeated: 2},
		{Number: 4, Kind: secor.NoteInformational, State: secor.NoteOpen, Text: "The photos help a lot.", Round: 2, Asked: 2, Repeated: 2},
	}
	f.Sheet = map[string]secor.Line{}
	for i, e := range f.Protocol.Elements {
		for _, q := range e.Questions {
			m := secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points}
			if i == 2 {
				m.Awarded = 0
			}
			f.Sheet[q.ID] = secor.Line{Claimed: &m, Verified: &m}
		}
	}
	f.Invoices = []secor.Invoice{{ID: 1, CaseID: 14, Company: 9, FeeYear: 2026, Kind: secor.FeeAnnual, State: secor.StateSent, Net: 60000, Tax: 3000,
		TaxName: "GST", SentOn: secor.NewDate(2026, 3, 5), Payments: []secor.Payment{{Amount: 10000, Method: "cheque", Reference: "0042", ReceivedOn: secor.NewDate(2026, 3, 12)}}}}
	f.Certificates = []secor.Certificate{{ID: 2, State: secor.StateIssued, Term: 1, Number: "SK-77", IssuedOn: secor.NewDate(2026, 3, 11), ExpiresOn: secor.NewDate(2027, 3, 10),
		MailedOn: secor.NewDate(2026, 3, 26)}}
	return f
}

// letterDesk is an office that letters can be signed by.
func letterDesk(t testing.TB) *Desk {
	t.Helper()
	desk, err := NewDesk(Office{Name: "Prairie Safety Partners", Address: []string{"200, 700 Centre Street SE", "Calgary AB  T2G 5P6"},
		Phone: "403 555 0142", From: "desk@prairiesafety.example", VerifyURL: "https://verify.example/c/", AuditToolURL: "https://audit.example/"})
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

// letterNames returns the letters that have a text in a language.
func letterNames(t *testing.T, lang secor.Language) []string {
	t.Helper()
	files, err := letterFiles.ReadDir("letter/" + string(lang))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(file.Name(), ".txt"))
	}
	return names
}

// TestLetters holds every letter against what people have read and found good.
// Look at a change with git diff before committing it.
func TestLetters(t *testing.T) {
	desk := letterDesk(t)
	for _, lang := range secor.Languages() {
		for _, name := range letterNames(t, lang) {
			t.Run(name+"."+string(lang), func(t *testing.T) {
				f := letterFile(t, subjectOf(name))
				f.Company.Language, f.Clocks = lang, letterClocks(t, f, name)
				to := letterReader(name)
				message, err := desk.write(name, f, letterCause(name), to)
				if err != nil {
					t.Fatal(err)
				}
				message.ID = "job-1@prairiesafety.example"
				err = message.Validate()
				if err != nil {
					t.Errorf("letter cannot be sent: %v", err)
				}
				got := "To: " + message.ToName + " <" + message.To + ">\nReply-To: " + message.ReplyTo + "\nSubject: " + message.Subject + "\n\n" + message.Text
				if strings.Contains(got, "no value") || strings.Contains(got, "%!") || strings.Contains(got, "\n\n\n") {
					t.Errorf("letter has a hole:\n%s", got)
				}
				if next := map[secor.Language]string{secor.English: "\nNext: ", secor.French: "\nEnsuite\u00a0: "}[lang]; to.Key == "company:9" && !strings.Contains(message.Text, next) {
					t.Errorf("letter does not say the next step:\n%s", got)
				}
				said := map[secor.Language]string{secor.English: "\nOur promise: ", secor.French: "\nNotre promesse\u00a0: "}[lang]
				if promises := promising[name] != "" || name == noticeText; promises != strings.Contains(message.Text, said) {
					t.Errorf("letter has a promise line: %v, want %v:\n%s", !promises, promises, got)
				}
				if to.Key == "company:9" && strings.Contains(strings.Join(strings.Fields(got), " "), f.Protocol.Title) {
					t.Errorf("letter shows what this desk calls its protocol:\n%s", got)
				}
				checkHTML(t, message.HTML)
				golden(t, filepath.Join("testdata", "letter", name+"."+string(lang)+".golden"), got)
			})
		}
	}
}

// promising is the clock that runs for the office when a letter leaves. That of the
// notice of a pass begins with the letter.
var promising = map[string]string{
	"answer_reminder": "qa_review", "certificate_replaced": secor.PolicyCertificate, "interim": "qa_review",
	"payment_received": "registration_review", "registration_question": "registration_review", "request_question": "request_review",
	"revision": "qa_review", "revision_reminder": "qa_review", "submission_received": "qa_review",
}

// letterClocks is a clock that began two days before the letter. One about a
// question stands still.
func letterClocks(t *testing.T, f *secor.File, name string) []secor.Clock {
	t.Helper()
	policy, known := f.Edition.Policy(promising[name])
	if !known {
		return nil
	}
	at := f.Now().AddDate(0, 0, -2)
	clock := secor.Clock{Policy: policy, Cycle: 1, Calendar: f.Programme.Office, Entries: []secor.ClockEntry{{Kind: secor.ClockStarted, At: at, Recorded: at}}}
	if strings.Contains(name, "question") || strings.Contains(name, "reminder") || name == "revision" {
		at = f.Now().AddDate(0, 0, -1)
		clock.Entries = append(clock.Entries, secor.ClockEntry{Kind: secor.ClockPaused, Party: secor.PartyCompany, At: at, Recorded: at})
	}
	return []secor.Clock{clock}
}

// TestLetters_PassTellsItsDay: the promise of a pass begins with its notice, so the
// letter names the same day in the prose and in the promise line: counted from a call
// that came before it, and not at all once it has passed.
func TestLetters_PassTellsItsDay(t *testing.T) {
	desk := letterDesk(t)
	noon := time.Date(2026, time.March, 25, 16, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		called time.Time // when somebody told the company by phone
		says   []string
		not    string
	}{
		{"the letter is the notice", time.Time{}, []string{"Please allow until 4 April 2026.", "Our promise: by 4 April 2026; our time so far 0 days, yours 0."}, ""},
		{"called the week before", noon.AddDate(0, 0, -7), []string{"Please allow until 28 March 2026.", "Our promise: by 28 March 2026; our time so far 7 days"}, ""},
		{"called too long ago", noon.AddDate(0, 0, -20), []string{"We are late, and we are sorry: our promise was by 15 March 2026."}, "Please allow"},
	}
	for _, tt := range tests {
		f := letterFile(t, secor.SubjectAudit)
		f.Audit.Result, f.Certificates[0].State = secor.VerdictPass, secor.StateDue
		if !tt.called.IsZero() {
			policy, _ := f.Edition.Policy(secor.PolicyCertificate)
			f.Audit.Notified = secor.DateOf(tt.called, time.UTC)
			f.Clocks = []secor.Clock{{Policy: policy, Cycle: 1, Calendar: f.Programme.Office, Entries: []secor.ClockEntry{{Kind: secor.ClockStarted, At: tt.called, Recorded: tt.called}}}}
		}
		message, err := desk.write(noticeText, f, secor.Event{}, letterReader(noticeText))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(message.Text), " ")
		for _, said := range tt.says {
			if !strings.Contains(text, said) {
				t.Errorf("%s: %q is not said:\n%s", tt.name, said, message.Text)
			}
		}
		if tt.not != "" && strings.Contains(text, tt.not) || len(f.Clocks) > 1 {
			t.Errorf("%s: %d clocks:\n%s", tt.name, len(f.Clocks), message.Text)
		}
	}
}

// TestLetters_OneStop: a name that ends in a stop ends its sentence with it.
func TestLetters_OneStop(t *testing.T) {
	office := letterDesk(t).Office
	office.Name = "Prairie Safety Partners Ltd."
	desk, err := NewDesk(office)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range secor.Languages() {
		for _, name := range letterNames(t, lang) {
			f := letterFile(t, subjectOf(name))
			body := *f.Body
			body.Name = "The Board Inc."
			f.Company.LegalName, f.Company.TradeName, f.Company.Contact, f.Company.Language, f.Body = "X Ltd.", "X Inc.", "", lang, &body
			cause := letterCause(name)
			cause.Facts["why"] = "least load of X Ltd."
			message, err := desk.write(name, f, cause, letterReader(name))
			if err != nil {
				t.Fatal(err)
			}
			if text := message.Subject + "\n" + strings.Join(strings.Fields(message.Text), " "); strings.Contains(text, "..") {
				t.Errorf("letter %s in %s has two stops:\n%s", name, lang, text)
			}
		}
	}
}

// TestLetters_TimesAreTheEditions: no letter has a time of its own that an edition
// promises.
func TestLetters_TimesAreTheEditions(t *testing.T) {
	desk := letterDesk(t)
	promised := map[string][]int{secor.PolicyReview: {21, 42}, secor.PolicyCertificate: {7, 20}}
	said := map[secor.Language]map[string]string{
		secor.English: {"welcome": "takes three to six weeks", "unlocked": "allow three to six weeks", "returned": "takes three to six weeks", "pass": "until 14 April 2026"},
		secor.French:  {"welcome": "prend ensuite de trois à six semaines", "unlocked": "Comptez de trois à six semaines", "returned": "prend de trois à six semaines", "pass": "jusqu’au 14 avril 2026"},
	}
	for lang, letters := range said {
		for name, want := range letters {
			f := letterFile(t, subjectOf(name))
			f.Company.Language = lang
			for i, p := range f.Edition.Policies {
				if days := promised[p.Name]; days != nil {
					f.Edition.Policies[i].Levels = []secor.Level{{Name: "warn", AfterDays: days[0]}, {Name: secor.LevelBreach, AfterDays: days[1]}}
				}
			}
			message, err := desk.write(name, f, secor.Event{}, letterReader(name))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(strings.Fields(message.Text), " "), want) {
				t.Errorf("letter %s in %s does not say %q:\n%s", name, lang, want, message.Text)
			}
		}
	}
}

func TestReviewTime(t *testing.T) {
	tests := []struct {
		unit            secor.Unit
		levels          []secor.Level
		english, french string
	}{
		{secor.UnitCalendar, []secor.Level{{Name: "warn", AfterDays: 14}, {Name: secor.LevelBreach, AfterDays: 28}}, "two to four weeks", "de deux à quatre semaines"},
		{secor.UnitCalendar, []secor.Level{{Name: "warn", AfterDays: 10}, {Name: secor.LevelBreach, AfterDays: 28}}, "ten to 28 days", "de dix à 28 jours"},
		{secor.UnitCalendar, []secor.Level{{Name: secor.LevelBreach, AfterDays: 28}}, "up to four weeks", "jusqu’à quatre semaines"},
		{secor.UnitBusiness, []secor.Level{{Name: "warn", AfterDays: 7}, {Name: secor.LevelBreach, AfterDays: 14}}, "seven to 14 working days", "de sept à 14 jours ouvrables"},
		{secor.UnitCalendar, nil, "some weeks", "quelques semaines"},
	}
	for _, tt := range tests {
		f := &secor.File{Edition: &secor.Edition{Policies: []secor.Policy{{Name: secor.PolicyReview, Unit: tt.unit, Levels: tt.levels}}}}
		for lang, want := range map[secor.Language]string{secor.English: tt.english, secor.French: tt.french} {
			if got := (letterPage{Lang: lang, File: f}).ReviewTime(); got != want {
				t.Errorf("%v in %s: %q, want %q", tt.levels, lang, got, want)
			}
		}
	}
}

// TestLetters_FrenchGlossary: one thing has one name in all French texts. Only the
// company's own change of its submission is a "révision".
func TestLetters_FrenchGlossary(t *testing.T) {
	wrong := regexp.MustCompile(`(?i)réviseur|auto-évaluation|reconnaissance des petits|révision d’assurance|(notre|nouvelle) révision`)
	revised := regexp.MustCompile(`(?i)révis`)
	desk := letterDesk(t)
	for _, name := range letterNames(t, secor.French) {
		source, err := letterFiles.ReadFile(textFile(secor.French, name))
		if err != nil {
			t.Fatal(err)
		}
		f := letterFile(t, subjectOf(name))
		f.Company.Language = secor.French
		message, err := desk.write(name, f, letterCause(name), letterReader(name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(source) + message.Text
		if found := wrong.FindString(text); found != "" {
			t.Errorf("%s says %q", textFile(secor.French, name), found)
		}
		if found := revised.FindString(text); found != "" && name != "revision_reminder" {
			t.Errorf("%s says %q of what is not the company's own change", textFile(secor.French, name), found)
		}
		for _, e := range f.Protocol.Elements {
			if e.TitleFrench == "" || strings.Contains(message.Text, e.Title) {
				t.Errorf("%s names the element %q in English", textFile(secor.French, name), e.Title)
			}
		}
	}
	for _, kind := range []secor.FeeKind{secor.FeeAnnual, secor.FeeFurther} {
		if text := feeText(&secor.Invoice{FeeYear: 2026, Kind: kind}, secor.French); revised.MatchString(text) {
			t.Errorf("the invoice says %q", text)
		}
	}
}

// letterCause is an event from which a letter follows.
func letterCause(text string) secor.Event {
	if text == "bounced" {
		return secor.Event{Kind: secor.EventLetterBounced, Text: "550 5.1.1 unknown mailbox",
			Facts: map[string]string{"job": "31", "letter": "score:send_fail", "recipient": "company:9", "code": "5.1.1"}}
	}
	if text == "maintenance" {
		return secor.Event{Kind: secor.EventMaintenance, Text: "Scheduled maintenance of the website and the online courses.",
			Facts: map[string]string{"from": "2024-03-26T03:00:00Z", "to": "2024-03-26T05:00:00Z", "province": "AB"}}
	}
	return secor.Event{Kind: secor.EventClockBreach, Text: "Eleven people work for you; please apply for COR.", Facts: map[string]string{
		"policy": "qa_review", "why": "least load: 2 of 8", "changed": "C1 C4", "unasked": "C4", "round": "2"}}
}

// subjectOf is the kind of case on which a letter is written.
func subjectOf(text string) secor.Subject {
	for _, k := range Kinds() {
		if k.Text == text && strings.HasPrefix(string(k.Name), "request:") {
			return secor.SubjectRequest
		}
	}
	return secor.SubjectAudit
}

// TestLetters_KeepTheReviewersSecrets: no text for a company or a body can speak of
// a preliminary score, a claimed mark or the person who reviews.
func TestLetters_KeepTheReviewersSecrets(t *testing.T) {
	for _, lang := range secor.Languages() {
		for _, name := range letterNames(t, lang) {
			if strings.HasPrefix(letterReader(name).Key, "reviewer:") {
				continue
			}
			text, err := letterFiles.ReadFile(textFile(lang, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{".Preliminary", ".Holder", ".Sheet", ".Roster", ".Claimed", ".Handed"} {
				if strings.Contains(string(text), word) {
					t.Errorf("%s of %s speaks of %s", name, lang, word)
				}
			}
		}
	}
}

// letterReader is who gets a letter.
func letterReader(text string) Recipient {
	for _, k := range Kinds() {
		switch {
		case k.Text != text:
		case toCompanies(k.Name):
			return Recipient{Key: "company:9", Name: "François Lévesque", Email: "bureau@eclair.example"}
		case secor.FollowsTo(k.Name)[0].Audience == secor.AudienceBody:
			return Recipient{Key: "body:sk-wcb", Name: "Saskatchewan Workers' Compensation Board", Email: "certificates@sk-wcb.example"}
		}
	}
	return Recipient{Key: "reviewer:3", Name: "Ana Roy", Email: "ana.roy@desk.example"}
}

// TestLetters_EveryTextHasAKind finds a text that no job sends.
func TestLetters_EveryTextHasAKind(t *testing.T) {
	desk := letterDesk(t)
	sent := map[string]bool{}
	for _, k := range Kinds() {
		if k.Letter == nil {
			continue
		}
		kind := secor.SubjectAudit
		if strings.HasPrefix(string(k.Name), "request:") {
			kind = secor.SubjectRequest
		}
		message, err := k.Letter(desk, letterFile(t, kind), secor.Event{}, Recipient{})
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		sent[k.Text] = true
		if message.Subject == "" {
			t.Errorf("%s has no subject", k.Name)
		}
	}
	for _, lang := range secor.Languages() {
		for _, name := range letterNames(t, lang) {
			if !sent[name] {
				t.Errorf("no kind of job names the letter %s of jobs/letter/%s as its Text", name, lang)
			}
		}
	}
}

// TestMakePapers_OfABodyThatLeavesPrintingToUs makes both papers, twice the same.
func TestMakePapers_OfABodyThatLeavesPrintingToUs(t *testing.T) {
	desk := letterDesk(t)
	at := time.Date(2026, 3, 26, 16, 0, 0, 0, time.UTC)
	make := func() []secor.Document {
		f := letterFile(t, secor.SubjectAudit)
		err := f.Begin(secor.Act{ID: "papers", By: secor.Desk}, at)
		if err != nil {
			t.Fatal(err)
		}
		err = makePapers(desk, f, secor.Event{})
		if err != nil {
			t.Fatal(err)
		}
		return f.Documents
	}
	first, second := make(), make()
	var names []string
	for _, d := range first {
		names = append(names, d.Name)
	}
	want := []string{"14-SK-77-cover-letter.pdf", "14-SK-77-certificate.pdf"}
	if !slices.Equal(names, want) {
		t.Errorf("papers = %v, want %v", names, want)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error("the same papers made twice differ")
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err != nil {
			t.Fatal(err)
		}
		err = os.WriteFile(path, []byte(got), 0o644)
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("letter differs (-want +got); -update writes it anew:\n%s", diff)
	}
}

// TestMakePapers_WithoutAddressAndPhone: an office that gave only its name prints
// with its name.
func TestMakePapers_WithoutAddressAndPhone(t *testing.T) {
	desk, err := NewDesk(Office{Name: "Prairie Safety Partners", From: "desk@prairiesafety.example", VerifyURL: "https://verify.example/c/"})
	if err != nil {
		t.Fatal(err)
	}
	f := letterFile(t, secor.SubjectAudit)
	err = f.Begin(secor.Act{ID: "papers", By: secor.Desk}, time.Date(2026, 3, 26, 16, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	err = makePapers(desk, f, secor.Event{})
	if err != nil || len(f.Documents) != 2 {
		t.Errorf("%d papers, %v", len(f.Documents), err)
	}
}

// checkHTML holds that a page loads nothing and runs nothing.
func checkHTML(t *testing.T, page string) {
	t.Helper()
	for _, wrong := range []string{"<img", "<script", "<link", "<iframe", "src=", "url(", "@import", "ZgotmplZ", "no value"} {
		if strings.Contains(page, wrong) {
			t.Errorf("HTML has %s:\n%s", wrong, page)
		}
	}
}

// TestLetters_HTML holds the layout, with something to escape in each sort of block.
func TestLetters_HTML(t *testing.T) {
	desk := letterDesk(t)
	f := letterFile(t, secor.SubjectAudit)
	f.Company.LegalName, f.Company.Language = "<b>Éclair</b> & \"Fils\"", secor.French
	for _, name := range []string{"fail", "unlocked", "registration_question"} {
		cause := secor.Event{Text: "</blockquote><script>alert(1)</script> https://evil.example/ javascript:alert(1)"}
		message, err := desk.write(name, f, cause, Recipient{Key: "company:9", Name: "<i>O'Neil</i>", Email: "bureau@eclair.example"})
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range []string{"<b>", "<i>", "<script", "href=\"https://evil"} {
			if strings.Contains(message.HTML, raw) {
				t.Errorf("%s: %s is not escaped", name, raw)
			}
		}
		golden(t, filepath.Join("testdata", "letter", name+".fr.html"), message.HTML)
	}
}

// TestLetters_WrongTextStopsTheStart: also one in a branch that is seldom taken.
func TestLetters_WrongTextStopsTheStart(t *testing.T) {
	desk := letterDesk(t)
	for text, want := range map[string]string{
		"S\n\n{{.Nonsense}}": "letter/fr/bad.txt:3:2: executing \"letter/fr/bad.txt\" at <.Nonsense>",
		"S\n\n{{if .Holder}}a{{else}}{{.File.Company.Colour}}{{end}}":               "bad.txt:3:30: executing \"letter/fr/bad.txt\" at <.File.Company.Colour>",
		"S\n\n{{with .Cause.Text}}{{range .Nothing}}{{end}}{{end}}":                 "bad.txt:3:28",
		"S\n\n{{range .Score.Reasons}}{{.}}{{else}}{{.Invoice.Colour}}{{end}}":      "bad.txt:3:47",
		"S\n\n{{if eq .File.Audit.Purpose \"x\"}}{{money .Invoice.Number}}{{end}}":  "bad.txt:3:49",
		"S\n\n{{with $i := .Invoice}}{{$i.Total}}{{end}}{{template \"other.txt\"}}": "bad.txt:3:53",
	} {
		l, err := newLetters(desk)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.texts[secor.French].New("letter/fr/bad.txt").Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		err = l.check(desk)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	l, err := newLetters(desk)
	if err != nil {
		t.Fatal(err)
	}
	l.texts[secor.French] = template.New("")
	err = l.check(desk)
	if err == nil || !strings.Contains(err.Error(), "letter of score:send_pass: jobs/letter/fr/pass.txt is missing") || strings.Contains(err.Error(), "tell_reviewer") {
		t.Errorf("without French: %v", err)
	}
}

// TestSamplePage_IsFull: the check at start sees what the sample has a value for.
func TestSamplePage_IsFull(t *testing.T) {
	page, err := samplePage(letterDesk(t))
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(page)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is empty in the sample", v.Type().Field(i).Name)
		}
	}
}

func TestPromiseLine(t *testing.T) {
	entry := func(kind secor.ClockEntryKind, day int, party secor.Party) secor.ClockEntry {
		at := time.Date(2026, time.May, day, 16, 0, 0, 0, time.UTC)
		return secor.ClockEntry{Kind: kind, At: at, Recorded: at, Party: party}
	}
	started, paused, resumed := entry(secor.ClockStarted, 1, ""), entry(secor.ClockPaused, 4, secor.PartyCompany), entry(secor.ClockResumed, 8, "")
	clock := func(policy string, entries ...secor.ClockEntry) secor.Clock {
		p, known := letterFile(t, secor.SubjectAudit).Edition.Policy(policy)
		if !known {
			t.Fatalf("no policy %s", policy)
		}
		return secor.Clock{Policy: p, Cycle: 1, Calendar: "AB", Entries: entries}
	}
	tests := []struct {
		name            string
		clocks          []secor.Clock
		english, french string
	}{
		{"nothing is promised", nil, "", ""},
		{"a company's clock is no promise of ours", []secor.Clock{clock("invoice_payment", started)}, "", ""},
		{"a review that waited for the company", []secor.Clock{clock("qa_review", started, paused, resumed)},
			"Our promise: by 2 June 2026; our time so far 6 days, yours 4.",
			"Notre promesse : au plus tard le 2 juin 2026 ; notre temps jusqu’ici 6 jours, le vôtre 4."},
		{"one that waits", []secor.Clock{clock("qa_review", started, paused)},
			"Our promise: our time stands still until we have your answer; our time so far 3 days, yours 7.",
			"Notre promesse : notre délai est suspendu jusqu’à votre réponse ; notre temps jusqu’ici 3 jours, le vôtre 7."},
		{"the notice itself goes unsaid", []secor.Clock{clock("notification", entry(secor.ClockStarted, 10, "")), clock("certificate", entry(secor.ClockStarted, 10, ""))},
			"Our promise: by 20 May 2026; our time so far 1 day, yours 0.",
			"Notre promesse : au plus tard le 20 mai 2026 ; notre temps jusqu’ici 1 jour, le vôtre 0."},
		{"what only this desk asks of itself comes second", []secor.Clock{clock("qa_review", started), clock("registration_review", started)},
			"Our promise: by 29 May 2026; our time so far 10 days, yours 0.",
			"Notre promesse : au plus tard le 29 mai 2026 ; notre temps jusqu’ici 10 jours, le vôtre 0."},
		{"a promise that was not kept", []secor.Clock{clock("registration_review", entry(secor.ClockStarted, 4, ""))},
			"We are late, and we are sorry: our promise was by 6 May 2026. We are working on it. Call us at 403\u00a0555\u00a00142 to hear where it stands. Our time so far: 7 days, yours 0.",
			"Nous sommes en retard et nous en sommes désolés : notre promesse était pour le 6 mai 2026 au plus tard. Nous y travaillons. Appelez-nous au 403\u00a0555\u00a00142 pour savoir où en est votre dossier. Notre temps jusqu’ici : 7 jours, le vôtre 0."},
		{"a promise that is met", []secor.Clock{clock("qa_review", started, entry(secor.ClockMet, 9, ""))}, "", ""},
	}
	for _, tt := range tests {
		f := letterFile(t, secor.SubjectAudit)
		f.Clocks = tt.clocks
		err := f.Begin(secor.Act{ID: "letter", By: secor.Desk}, time.Date(2026, time.May, 11, 16, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		page := letterPage{Desk: letterDesk(t), File: f}
		if got := promiseEnglish(page); got != tt.english {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.english)
		}
		if got := promiseFrench(page); got != tt.french {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.french)
		}
	}
}
