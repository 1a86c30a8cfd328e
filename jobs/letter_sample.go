package jobs

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/template"
	"text/template/parse"
	"time"

	"secordesk/store/secor"
)

// check executes every text on a page that has everything, in each of its
// branches: what it names that a page does not have stops the start, with file and
// line. It also reports a letter without a text, and a letter to companies that
// lacks a language.
func (l *letters) check(d *Desk) error {
	var problems []error
	for _, lang := range secor.Languages() {
		for _, text := range l.texts[lang].Templates() {
			problems = append(problems, l.checkText(d, lang, text))
		}
	}
	for _, k := range Kinds() {
		if k.Text == "" {
			continue
		}
		for _, lang := range LanguagesOf(k.Name) {
			file := textFile(lang, k.Text)
			if l.texts[lang].Lookup(file) == nil {
				problems = append(problems, fmt.Errorf("letter of %s: jobs/%s is missing", k.Name, file))
			}
		}
	}
	return errors.Join(problems...)
}

func (l *letters) checkText(d *Desk, lang secor.Language, text *template.Template) error {
	tree := text.Tree.Copy()
	tree.Root = everyBranch(tree.Root)
	whole, err := template.New(text.Name()).Option("missingkey=zero").Funcs(words(lang)).AddParseTree(text.Name(), tree)
	if err != nil {
		return fmt.Errorf("check letters: %w", err)
	}
	page, err := samplePage(d)
	if err != nil {
		return fmt.Errorf("sample of letters: %w", err)
	}
	page.Lang = lang
	err = whole.Execute(io.Discard, page)
	if err != nil {
		return fmt.Errorf("check letters: %w", err)
	}
	return nil
}

// everyBranch returns a text in which nothing depends on a condition.
func everyBranch(list *parse.ListNode) *parse.ListNode {
	if list == nil {
		return nil
	}
	flat := &parse.ListNode{NodeType: parse.NodeList, Pos: list.Pos}
	inline := func(branch *parse.ListNode) {
		if branch != nil {
			flat.Nodes = append(flat.Nodes, everyBranch(branch).Nodes...)
		}
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			flat.Nodes = append(flat.Nodes, &parse.ActionNode{NodeType: parse.NodeAction, Pos: n.Pos, Line: n.Line, Pipe: n.Pipe})
			inline(n.List)
			inline(n.ElseList)
		case *parse.WithNode:
			otherwise := n.ElseList
			n.List, n.ElseList = everyBranch(n.List), nil
			flat.Nodes = append(flat.Nodes, n)
			inline(otherwise)
		case *parse.RangeNode:
			otherwise := n.ElseList
			n.List, n.ElseList = everyBranch(n.List), nil
			flat.Nodes = append(flat.Nodes, n)
			inline(otherwise)
		default:
			flat.Nodes = append(flat.Nodes, node)
		}
	}
	return flat
}

// toCompanies reports whether a kind of letter goes to companies.
func toCompanies(kind secor.JobKind) bool {
	return slices.ContainsFunc(secor.FollowsTo(kind), func(f secor.Follow) bool { return f.Audience == secor.AudienceCompany })
}

// LanguagesOf returns the languages in which a kind of letter must exist.
func LanguagesOf(kind secor.JobKind) []secor.Language {
	if toCompanies(kind) {
		return secor.Languages()
	}
	return []secor.Language{secor.English}
}

// samplePage is a page on which nothing is missing. It is for the check at start
// alone and is never sent.
func samplePage(d *Desk) (letterPage, error) {
	day := secor.NewDate(2026, time.March, 25)
	body := &secor.Body{ID: "body", Name: "Body", Programme: "Programme", Province: "AB", Email: "body@desk.example", AccountLabel: "Account",
		Printer: secor.MakerBody, Numberer: secor.MakerBody, CoSigned: true, Paper: true, AccountDigits: []int{7}}
	edition := &secor.Edition{ID: "edition", Title: "Edition", PassMarks: map[secor.Purpose]secor.PassMark{secor.PurposeCertification: {Overall: 80, Element: 50}},
		MaxHeadcount: 10, Months: secor.EvidenceMonths{ThreeYear: 12, OneYear: 3}, Course: secor.CourseRule{Name: "Course", ValidYears: 3},
		Policies: []secor.Policy{{Name: "policy", Title: "Policy", Party: secor.PartyOffice, Levels: []secor.Level{{Name: "breach", AfterDays: 3}}}}}
	question := secor.Question{ID: "A1", Text: "Question", Points: 1000}
	mark := &secor.Mark{Question: "A1", Awarded: 300, Available: 1000}
	file := &secor.File{
		Case:    secor.Case{ID: 1, Kind: secor.SubjectAudit, CompanyID: 1, Body: "body", State: secor.StateOpen, Version: 1, EditionID: "edition", Holder: 1},
		Request: &secor.Request{Reason: secor.ReasonNew, Headcount: 4, Question: "Question"},
		Audit: &secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 4, LastDay: day, Round: 1, Term: 3, Question: "Question", Submitted: day.Start(time.UTC),
			Claimed: secor.Evidence{Policies: 12, Records: 12}, Verified: secor.Evidence{Policies: 12, Records: 12}, Result: secor.VerdictFail, Notified: day, TakenIn: day, TakenAs: 1},
		Notes: []secor.Note{{Number: 1, Question: "A1", Kind: secor.NoteActionable, State: secor.NoteOpen, Text: "Text", Answer: "Answer", Round: 1, Asked: 1, Repeated: 1},
			{Number: 2, Question: "A1", Kind: secor.NoteInformational, State: secor.NoteOpen, Text: "Text", Round: 1, Asked: 1, Repeated: 1}},
		Sheet: map[string]secor.Line{"A1": {Claimed: mark, Verified: mark}},
		Invoices: []secor.Invoice{{ID: 1, CaseID: 1, Company: 1, FeeYear: 2026, Kind: secor.FeeAnnual, Nth: 1, State: secor.StateSent, Net: 10000, Tax: 500,
			TaxName: "GST", SentOn: day, Payments: []secor.Payment{{ID: 1, Amount: 5000, Method: "cheque", ReceivedOn: day, Reference: "0042"}}}},
		Certificates: []secor.Certificate{{ID: 1, State: secor.StateMailed, Term: 3, Number: "1", IssuedOn: day, ExpiresOn: day, MailedOn: day, Question: "Question"}},
		Company: secor.Company{ID: 1, LegalName: "Company", TradeName: "Trade", Province: "AB", Email: "company@desk.example", Contact: "Contact", Phone: "403-555-0142",
			Language: secor.French, Member: true, Address: secor.Address{Street: "Street", City: "City", Province: "AB", PostalCode: "T0J 0Y0"}, ProfileSince: day},
		People:        []secor.Person{{ID: 1, Name: "Person", Courses: []secor.Course{{Name: "Course", CompletedOn: day}}}},
		Registrations: []secor.Registration{{Body: "body", Account: "1234567", GoodStanding: true}},
		Roster:        []secor.Reviewer{{ID: 1, Name: "Reviewer", Email: "reviewer@desk.example", Role: secor.RoleLead, Active: true}},
		Edition:       edition, Body: body,
		Protocol:  &secor.Protocol{Name: "protocol", Title: "Protocol", Elements: []secor.Element{{ID: "A", Title: "Element", Questions: []secor.Question{question}}}},
		Programme: &secor.Programme{Office: "AB", Calendars: map[string]*secor.Calendar{"AB": {Name: "AB", Zone: time.UTC, Closes: 24 * time.Hour}}},
	}
	score, err := file.Score()
	return letterPage{Lang: secor.English, Desk: d, To: Recipient{Key: "company:1", Name: "Contact", Email: "company@desk.example"}, File: file,
		Cause: secor.Event{Seq: 1, Kind: secor.EventClockBreach, Text: "Text", Facts: map[string]string{"policy": "policy", "cycle": "1", "why": "why", "changed": "A1", "unasked": "A1", "round": "1", "reference": "0042"},
			HappenedAt: day.Start(time.UTC), RecordedAt: day.Start(time.UTC)},
		Invoice: &file.Invoices[0], Certificate: &file.Certificates[0], Replaced: &file.Certificates[0], Score: score, Pass: edition.PassMarks[secor.PurposeCertification],
		Account: "1234567", Due: "Wednesday 25 March 2026", Holder: "Reviewer", Notice: true,
		Clock: &clockPage{Title: "Policy", Question: "Question", Since: day, Until: day, Deadline: "Deadline", Next: "Next", Steps: "Steps"}}, err
}
