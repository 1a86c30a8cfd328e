package jobs

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
			Contact: "François Lévesque", Address: secor.Address{Street: "301, rue Principale", City: "Estevan", Province: "SK", PostalCode: "S4A 0B3"},
			ProfileSince: secor.NewDate(2021, 5, 17)},
		Registrations: []secor.Registration{{Body: "sk-wcb", Account: "8901234", GoodStanding: true}},
		Roster:        []secor.Reviewer{{ID: 3, Name: "Ana Roy", Email: "ana.roy@desk.example", Role: secor.RoleLead, Active: true}},
		Edition:       edition, Protocol: programme.Protocols[edition.Protocol], Body: programme.Bodies["sk-wcb"], Programme: programme,
	}
	if kind == secor.SubjectRequest {
		f.Request = &secor.Request{Reason: secor.ReasonNew, Headcount: 4}
		return f
	}
	f.Case.State = secor.StateQAComplete
	f.Audit = &secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 4, Verified: secor.Evidence{Policies: 8, Records: 7},
		LastDay: secor.NewDate(2026, 3, 11), Round: 1, Result: secor.VerdictFail, Term: 1}
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
		TaxName: "GST", SentOn: secor.NewDate(2026, 3, 5), Payments: []secor.Payment{{Amount: 10000, Method: "cheque", Reference: "0042"}}}}
	f.Certificates = []secor.Certificate{{ID: 2, State: secor.StateIssued, Term: 1, Number: "SK-77", IssuedOn: secor.NewDate(2026, 3, 11), ExpiresOn: secor.NewDate(2027, 3, 10),
		MailedOn: secor.NewDate(2026, 3, 26)}}
	return f
}

// letterDesk is an office that letters can be signed by.
func letterDesk(t testing.TB) *Desk {
	t.Helper()
	desk, err := NewDesk(Office{Name: "Prairie Safety Partners", Address: []string{"200, 700 Centre Street SE", "Calgary AB  T2G 5P6"},
		Phone: "403 555 0142", From: "desk@prairiesafety.example", VerifyURL: "https://verify.example/c/"})
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
	ofRequest := []string{"welcome", "rejection", "not_required", "request_question", "request_closed"}
	cause := secor.Event{Kind: secor.EventClockBreach, Text: "Eleven people work for you; please apply for COR.", Facts: map[string]string{
		"policy": "qa_review", "why": "least load: 2 of 8", "changed": "C1 C4"}}
	for _, lang := range secor.Languages() {
		for _, name := range letterNames(t, lang) {
			t.Run(name+"."+string(lang), func(t *testing.T) {
				kind := secor.SubjectAudit
				if slices.Contains(ofRequest, name) {
					kind = secor.SubjectRequest
				}
				f := letterFile(t, kind)
				f.Company.Language = lang
				to := letterReader(name)
				message, err := desk.write(name, f, cause, to)
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
				golden(t, filepath.Join("testdata", "letter", name+"."+string(lang)+".golden"), got)
			})
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
