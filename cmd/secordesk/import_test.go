package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// importDesk is a desk whose clock a test sets.
type importDesk struct {
	*desk
	t   *testing.T
	db  *sqlx.DB
	now time.Time
	n   int
}

// newImportDesk returns an empty desk on the morning of 25 March 2026.
func newImportDesk(t *testing.T) *importDesk {
	t.Helper()
	programme, err := loadProgramme()
	if err != nil {
		t.Fatal(err)
	}
	d := &importDesk{t: t, db: storetest.DB(t)}
	d.desk = &desk{store.New(storetest.DB(t), programme, func() time.Time { return d.now }), programme}
	d.at("2026-03-25T10:00")
	return d
}

// newFullDesk has people and companies on file as well.
func newFullDesk(t *testing.T) *importDesk {
	d := newImportDesk(t)
	d.imports(importOptions{}, d.file("reviewers.csv", "name,email,role,capacity", "Ana Roy,ana.roy@desk.example,reviewer,8",
		"Chloé Martin,chloe.martin@desk.example,lead,2", "Dev Patel,dev.patel@desk.example,admin,0"),
		d.file("companies.csv", companiesOnFile...),
		d.file("courses.csv", "body,account,person,course,completed_on", "ab-pir,4567890,Priya Nair,Safety Program Development,2023-10-05"))
	return d
}

var companiesOnFile = []string{"legal_name,province,body,account,contact,email,city,member,profile_since",
	"Prairie Wind Excavating Inc.,AB,ab-pir,3456789,Dale Sorensen,dale@prairiewind.example,Drumheller,true,2022-02-08",
	"Foothills Crane Services Ltd.,AB,ab-pir,4567890,Priya Nair,admin@foothillscrane.example,Okotoks,true,2020-09-30",
	"Bow River Trenching Co.,AB,ab-pir,5678901,Tom Whitford,tom@bowriver.example,Cochrane,false,2025-08-12",
	"Chinook Instrumentation Ltd.,AB,ab-pir,7890123,Ingrid Berg,ingrid@chinook.example,Calgary,true,2019-03-04",
}

// at sets the clock to a time in the office's zone.
func (d *importDesk) at(text string) {
	d.t.Helper()
	at, err := time.ParseInLocation("2006-01-02T15:04", text, d.office().Zone)
	d.ok(err)
	d.now = at.UTC()
}

func (d *importDesk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// file writes a file and returns its path.
func (d *importDesk) file(name string, lines ...string) string {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), name)
	d.ok(os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

func samples(names ...string) []string {
	var files []string
	for _, n := range names {
		files = append(files, filepath.Join("../../deploy/samples", n))
	}
	return files
}

// run imports and returns the total, what was said without the folders, and the error.
func (d *importDesk) run(o importOptions, files ...string) (kindSummary, string, error) {
	d.t.Helper()
	var out strings.Builder
	o.Files, o.Now, o.Stdin = files, func() time.Time { return d.now }, strings.NewReader("")
	summary, err := importFiles(d.t.Context(), d.Store, d.programme, o, &out)
	if err != nil {
		fmt.Fprintln(&out, err)
	}
	said := out.String()
	for _, f := range files {
		said = strings.ReplaceAll(said, filepath.Dir(f)+"/", "")
	}
	return summary.total(), said, err
}

// imports imports files of which no line may be refused.
func (d *importDesk) imports(o importOptions, files ...string) kindSummary {
	d.t.Helper()
	total, said, err := d.run(o, files...)
	if err != nil || said != "" {
		d.t.Fatalf("import: %s", said)
	}
	return total
}

// refuses imports files of which something is refused: all that is said but the
// last line, which counts.
func (d *importDesk) refuses(o importOptions, files ...string) string {
	d.t.Helper()
	_, said, err := d.run(o, files...)
	if !errors.Is(err, secor.ErrRefused) {
		d.t.Fatalf("import = %v, want a refusal", err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(said, "\n"), "\n")
	return strings.Join(lines[:len(lines)-1], "")
}

// state is all that is stored, as one number for each table.
func (d *importDesk) state() map[string]int {
	d.t.Helper()
	counts := map[string]int{}
	for _, table := range []string{"companies", "registrations", "people", "courses", "reviewers", "leaves", "conflicts", "cases", "requests", "audits",
		"sheet_lines", "invoices", "payments", "events", "texts", "clocks", "clock_entries", "jobs"} {
		var n int
		d.ok(d.db.Get(&n, "SELECT count(*) FROM "+table))
		if n > 0 {
			counts[table] = n
		}
	}
	return counts
}

// caseOf returns the one case of a kind that the company of an account has.
func (d *importDesk) caseOf(account string, kind secor.Subject) *secor.File {
	d.t.Helper()
	found, err := d.Search(d.t.Context(), account, 1)
	d.ok(err)
	if len(found) == 0 {
		d.t.Fatalf("no company has the account %s", account)
	}
	c := found[0].Company
	cases, err := d.Cases(d.t.Context(), store.CaseFilter{Company: c.ID, Kind: kind}, 9)
	d.ok(err)
	if len(cases) != 1 {
		d.t.Fatalf("%s has %d cases of the kind %s, want one", c.LegalName, len(cases), kind)
	}
	f, err := d.File(d.t.Context(), cases[0].ID)
	d.ok(err)
	return f
}

// steps takes a step on the company's case by the first person who may.
func (d *importDesk) steps(account string, kind secor.Subject, name string, in secor.Input) {
	d.t.Helper()
	d.stepsOn(d.caseOf(account, kind), name, in)
}

func (d *importDesk) stepsOn(f *secor.File, name string, in secor.Input) {
	d.t.Helper()
	rule, err := secor.StepFor(name, f.Case.Kind)
	d.ok(err)
	for _, who := range f.Roster {
		d.n++
		act := secor.Act{ID: fmt.Sprint("test:", d.n), By: secor.ByReviewer(who.ID), Surface: secor.SurfaceCLI, Reason: "as agreed", Assigns: rule.Assigns}
		err = d.UpdateCase(d.t.Context(), f.Case.ID, act, func(f *secor.File, _ time.Time) error { return rule.Take(f, in) })
		if err == nil {
			return
		}
	}
	d.t.Fatalf("%s of case %d: %v", name, f.Case.ID, err)
}

// stepsOnAll takes a step on every audit that is in a state.
func (d *importDesk) stepsOnAll(state secor.State, name string) {
	d.t.Helper()
	cases, err := d.Cases(d.t.Context(), store.CaseFilter{Kind: secor.SubjectAudit, State: state}, 100)
	d.ok(err)
	for _, c := range cases {
		f, err := d.File(d.t.Context(), c.ID)
		d.ok(err)
		d.stepsOn(f, name, nil)
	}
}

// linesIn counts the records of the samples.
func linesIn(t *testing.T, names ...string) int {
	t.Helper()
	n := 0
	for _, path := range samples(names...) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(content), "\n")
		if filepath.Ext(path) == ".csv" {
			n--
		}
	}
	return n
}

// opens brings a registered audit to where it waits for a submission.
func (d *importDesk) opens(account string) {
	d.t.Helper()
	d.steps(account, secor.SubjectAudit, "invoice", nil)
	owed := d.caseOf(account, secor.SubjectAudit).Invoice().Balance()
	d.steps(account, secor.SubjectAudit, "pay", secor.Input{"amount": strings.TrimPrefix(owed.String(), "$"), "method": "eft", "reference": "1"})
	d.steps(account, secor.SubjectAudit, "approve", nil)
}

// TestImport_Samples takes the lead's samples in as the demo does, each file twice.
func TestImport_Samples(t *testing.T) {
	d := newImportDesk(t)
	twice := func(o importOptions, names ...string) {
		t.Helper()
		want := linesIn(t, names...)
		if got := d.imports(o, samples(names...)...); got.Added != want || got.lines() != want {
			t.Errorf("%v: %+v, want %d added", names, got, want)
		}
		before := d.state()
		if got := d.imports(o, samples(names...)...); got.Unchanged != want || got.lines() != want {
			t.Errorf("%v again: %+v, want %d unchanged", names, got, want)
		}
		if diff := cmp.Diff(before, d.state()); diff != "" {
			t.Errorf("%v again (-before +after):\n%s", names, diff)
		}
	}
	d.at("2026-03-02T08:00")
	twice(importOptions{As: "dev.patel@desk.example"}, "reviewers.csv", "companies.csv", "courses.csv", "conflicts.csv")
	d.at("2026-03-02T09:00")
	twice(importOptions{}, "partner-requests.jsonl")
	d.steps("1234567", secor.SubjectRequest, "approve", nil)
	d.steps("200123456", secor.SubjectRequest, "approve", nil)
	twice(importOptions{}, "courses-march.csv")
	d.at("2026-03-05T16:00")
	twice(importOptions{}, "audit-registrations.csv")
	d.stepsOnAll(secor.StateRegistered, "invoice")
	d.at("2026-03-10T09:00")
	twice(importOptions{As: "Dev.Patel@desk.example"}, "payments.csv")
	d.stepsOnAll(secor.StateRegistrationReview, "approve")
	d.at("2026-03-16T14:00")
	twice(importOptions{AllOrNothing: true}, "submissions.jsonl")

	f := d.caseOf("2345678", secor.SubjectAudit)
	if f.Case.State != secor.StateSubmitted || f.Audit.LastDay != secor.NewDate(2026, time.March, 11) || f.Audit.Claimed != (secor.Evidence{Policies: 24, Records: 24}) {
		t.Errorf("2345678: %s, last day %v, %+v", f.Case.State, f.Audit.LastDay, f.Audit.Claimed)
	}
	if got := f.LastMove; got.By != secor.ByCompany(f.Company.ID) || got.Surface != secor.SurfaceFile || !got.HappenedAt.Before(got.RecordedAt) {
		t.Errorf("the submission's event is %+v; want it by the company, from a file, when it was submitted", got)
	}
	if invoice := d.caseOf("9012345", secor.SubjectAudit).Invoice(); len(invoice.Payments) != 2 || invoice.State != secor.StatePaid {
		t.Errorf("9012345: %+v, want two payments that cover it", invoice)
	}
}

const (
	companyHead    = "legal_name,province,body,account,email"
	personHead     = "body,account,name"
	submissionHead = "body,account,fee_year,last_day,headcount,policies_months,records_months,submitted_at,marks"
	auditHead      = "body,account,purpose,fee_year,headcount,policies_months,records_months,registered_at"
	paymentHead    = "body,account,fee_year,amount,method,reference,received_on"
	reviewerHead   = "name,email,role,capacity"
	conflictHead   = "email,body,account,from,reason"
	auditRow       = "ab-pir,4567890,certification,2026,9,36,30,2026-03-20T10:00"
)

// jsonSubmission has every sort of bad mark, and marksSaid and zz8 say so.
const (
	jsonSubmission = `{"record": "submission", "body": "ab-pir", "account": "4567890", "fee_year": 2026, "last_day": "2026-03-24", "headcount": 9, "policies_months": 36,
		"records_months": 30, "submitted_at": "2026-03-24T10:00", "marks": [{"question": "A3", "awarded": -1}, {"question": "ZZ9", "awarded": 1}, {"question": "A1", "awarded": 99}, {"question": "ZZ8", "points": 1}]}`
	marksSaid = `s.jsonl:1: marks[0].awarded: "-1" is not a number with at most two decimals, such as 3.50
s.jsonl:1: marks.question ZZ9: is not in protocol secor-reconstructed
s.jsonl:1: marks.question A1: has 99.00 points awarded of 6.00 available
`
	zz8 = `s.jsonl:1: marks.question ZZ8: is not in protocol secor-reconstructed`
)

// TestImport_Refuses gives one bad file after the other to the same desk, and
// nothing of any is kept.
func TestImport_Refuses(t *testing.T) {
	d := newFullDesk(t)
	d.imports(importOptions{}, d.file("audit-registrations.csv", auditHead, auditRow))
	d.opens("4567890")
	d.imports(importOptions{}, d.file("partner-requests.jsonl", `{"record": "partner_request", "body": "ab-pir", "account": "7890123", "reason": "no_profile", "headcount": 4, "received_at": "2026-03-20T08:55"}`))
	request := `{"record": "partner_request", "body": "ab-pir", "account": "9999999", "reason": "new", "headcount": 4, "received_at": "2026-03-20T08:55"}`
	tests := []struct {
		name  string
		o     importOptions
		file  string
		lines []string
		want  string
	}{
		{"unknown company", importOptions{}, "people.csv", []string{personHead, "ab-pir,9999999,Ana"},
			`people.csv:2: account: "9999999" is no company's account with ab-pir; import the company first`},
		{"unknown company and unknown person", importOptions{As: "dev.patel@desk.example"}, "conflicts.csv", []string{"email,body,account,from,to,reason", "eve@desk.example,ab-pir,9999999,2026-01-01,,cousin"},
			`conflicts.csv:2: email: "eve@desk.example" is nobody of this desk; import its reviewers first` + "\n" +
				`conflicts.csv:2: account: "9999999" is no company's account with ab-pir; import the company first`},
		{"near-duplicate name", importOptions{}, "companies.csv", []string{companyHead, "PRAIRIE WIND EXCAVATING LIMITED,AB,ab-pir,3456780,x@wind.example"},
			`companies.csv:2: legal_name: "PRAIRIE WIND EXCAVATING LIMITED" reads like company 1, "Prairie Wind Excavating Inc.", which has the account 3456789 with ab-pir; ` +
				`correct the account, or take it as a different company with --accept-near-names`},
		{"another company's account", importOptions{}, "companies.csv", []string{companyHead, "Kowalski Electric Ltd.,AB,ab-pir,3456789,x@kowalski.example"},
			`companies.csv:2: legal_name: "Kowalski Electric Ltd." is not the name on file for account 3456789, which is "Prairie Wind Excavating Inc."; correct the account, or the name on file with secordesk case correct`},
		{"another account of the same body", importOptions{}, "registrations.csv", []string{"body,account,other_body,other_account", "ab-pir,3456789,ab-pir,7654321"},
			`registrations.csv:2: company 1 has the account 3456789 with ab-pir, not 7654321; find out which number is right`},
		{"leave that ends before it begins", importOptions{As: "dev.patel@desk.example"}, "leaves.csv", []string{"email,from,to", "ana.roy@desk.example,2026-07-06,2026-07-05"},
			`leaves.csv:2: to: "2026-07-05" is before 2026-07-06`},
		{"request of a company that is not described", importOptions{}, "r.jsonl", []string{request},
			`r.jsonl:1: legal_name: is missing: no company has the account 9999999 with ab-pir, so the line must describe it` + "\n" +
				`r.jsonl:1: province: is missing: no company has the account 9999999 with ab-pir, so the line must describe it` + "\n" +
				`r.jsonl:1: email: is missing: no company has the account 9999999 with ab-pir, so the line must describe it`},
		{"request of a near-duplicate", importOptions{}, "r.jsonl", []string{with(t, request, "legal_name", `"The Chinook Instrumentation Company"`, "province", `"AB"`, "email", `"x@y.example"`)},
			`r.jsonl:1: legal_name: "The Chinook Instrumentation Company" reads like company 4, "Chinook Instrumentation Ltd.", which has the account 7890123 with ab-pir; ` +
				`correct the account, or take it as a different company with --accept-near-names`},
		{"second undecided request", importOptions{}, "r.jsonl", []string{with(t, request, "account", `"7890123"`)},
			`r.jsonl:1: the company has another request with this governing body that is not decided; decide or withdraw that one first`},
		{"request before the first rules", importOptions{}, "r.jsonl", []string{with(t, request, "account", `"5678901"`, "received_at", `"1960-03-20T08:55"`)},
			`r.jsonl:1: day: "1960-03-20" is before the first rule edition; add one to schema/programme`},
		{"request of a new company before the first rules", importOptions{}, "r.jsonl", []string{with(t, request, "received_at", `"1960-03-20T08:55"`, "legal_name", `"Brand New Ltd."`, "province", `"AB"`, "email", `"x@y.example"`)},
			`r.jsonl:1: day: "1960-03-20" is before the first rule edition; add one to schema/programme`},
		{"second audit of the year", importOptions{}, "audit-registrations.csv", []string{auditHead, strings.Replace(auditRow, ",9,", ",8,", 1)},
			`audit-registrations.csv:2: fee_year: "2026" has audit 1 under way (open); go on with that one, or cancel it first`},
		{"impossible marks, all at once", importOptions{}, "submissions.csv", []string{submissionHead, "ab-pir,4567890,2026,2026-03-24,9,36,30,2026-03-24T10:00,A1=99;A2=6/5;Z9=1;A3=n/a;A4=8/7;A4b=1"},
			`submissions.csv:2: marks.question A1: has 99.00 points awarded of 6.00 available` + "\n" +
				`submissions.csv:2: marks.question A2: has 6.00 points awarded of 5.00 available` + "\n" +
				`submissions.csv:2: marks.question Z9: is not in protocol secor-reconstructed` + "\n" +
				`submissions.csv:2: marks.question A4: has 8.00 points awarded of 7.00 available` + "\n" +
				`submissions.csv:2: marks.question A4b: is not in protocol secor-reconstructed`},
		{"submission without an audit", importOptions{}, "submissions.csv", []string{submissionHead, "ab-pir,3456789,2026,2026-03-24,9,36,30,2026-03-24T10:00,", "ab-pir,4567890,2025,2026-03-24,9,36,30,2026-03-24T10:00,"},
			`submissions.csv:2: fee_year: "2026" has no audit of this company; register one first` + "\n" +
				`submissions.csv:3: fee_year: "2025" has no audit of this company; register one first`},
		{"payment by nobody", importOptions{}, "payments.csv", []string{paymentHead, "ab-pir,4567890,2026,1.00,eft,2,2026-03-24"},
			`payments.csv:2: a payment is recorded by a person; add --as with the e-mail address of a lead or an administrator`},
		{"payment by a stranger", importOptions{As: "eve@desk.example"}, "payments.csv", []string{paymentHead, "ab-pir,4567890,2026,1.00,eft,2,2026-03-24"},
			`payments.csv:2: --as: "eve@desk.example" is nobody of this desk; import its reviewers first`},
		{"payment by a reviewer", importOptions{As: "ana.roy@desk.example"}, "payments.csv", []string{paymentHead, "ab-pir,4567890,2026,1.00,eft,2,2026-03-24"},
			`payments.csv:2: Record Payment is not for a reviewer; ask a lead or an administrator`},
		{"payment of a day before the invoice", importOptions{As: "dev.patel@desk.example"}, "payments.csv", []string{paymentHead, "ab-pir,4567890,2026,1.00,eft,3,2019-01-01"},
			`payments.csv:2: received-on: "2019-01-01" is before invoice 2026-2-A was drawn up on 2026-03-25; give that day, or look whether the payment is for another invoice`},
		{"payment with a reference that is taken", importOptions{As: "dev.patel@desk.example"}, "payments.csv", []string{paymentHead, "ab-pir,4567890,2026,1.00,eft,1,2026-03-25"},
			`payments.csv:2: reference: "1" is recorded on this invoice already`},
		{"reviewer by nobody", importOptions{}, "reviewers.csv", []string{reviewerHead, "Eve,eve@desk.example,admin,1"},
			`reviewers.csv:2: reviewer records change who may decide; name an administrator with --as`},
		{"reviewer by a lead", importOptions{As: "chloe.martin@desk.example"}, "reviewers.csv", []string{reviewerHead, "Chloé Martin,chloe.martin@desk.example,admin,2"},
			`reviewers.csv:2: --as: "chloe.martin@desk.example" is a lead; reviewer records change who may decide, so name an administrator`},
		{"reviewer by a stranger", importOptions{As: "eve@desk.example"}, "reviewers.csv", []string{reviewerHead, "Eve,eve@desk.example,admin,1"},
			`reviewers.csv:2: --as: "eve@desk.example" is nobody of this desk; import its reviewers first`},
		{"leave by nobody", importOptions{}, "leaves.csv", []string{"email,from", "ana.roy@desk.example,2026-07-06"},
			`leaves.csv:2: leave records change who may decide; name a lead or an administrator with --as`},
		{"leave by a reviewer", importOptions{As: "ana.roy@desk.example"}, "leaves.csv", []string{"email,from", "ana.roy@desk.example,2026-07-06"},
			`leaves.csv:2: --as: "ana.roy@desk.example" is a reviewer; leave records change who may decide, so name a lead or an administrator`},
		{"conflict by nobody", importOptions{}, "conflicts.csv", []string{conflictHead, "ana.roy@desk.example,ab-pir,3456789,2026-01-01,cousin"},
			`conflicts.csv:2: conflict records change who may decide; name a lead or an administrator with --as`},
		{"conflict by a reviewer", importOptions{As: "ana.roy@desk.example"}, "conflicts.csv", []string{conflictHead, "ana.roy@desk.example,ab-pir,3456789,2026-01-01,cousin"},
			`conflicts.csv:2: --as: "ana.roy@desk.example" is a reviewer; conflict records change who may decide, so name a lead or an administrator`},
		{"marks that cannot be read and marks that cannot be true", importOptions{}, "s.jsonl", []string{with(t, jsonSubmission, "account", `"4567890"`)},
			`s.jsonl:1: marks[3]: "points" is not a field of a mark` + "\n" + marksSaid + zz8},
		{"the same of a company that is not known", importOptions{}, "s.jsonl", []string{with(t, jsonSubmission, "account", `"9999999"`)},
			`s.jsonl:1: marks[3]: "points" is not a field of a mark` + "\n" + `s.jsonl:1: marks[0].awarded: "-1" is not a number with at most two decimals, such as 3.50` + "\n" +
				`s.jsonl:1: account: "9999999" is no company's account with ab-pir; import the company first` + "\n" + strings.SplitN(marksSaid, "\n", 2)[1] + zz8},
		{"a fee year of another decade", importOptions{}, "audit-registrations.csv", []string{auditHead, strings.Replace(strings.Replace(auditRow, "2026", "2036", 1), "4567890", "9999999", 1)},
			`audit-registrations.csv:2: account: "9999999" is no company's account with ab-pir; import the company first` + "\n" +
				`audit-registrations.csv:2: fee_year: "2036" is too far from this year; it can be from 2025 to 2027`},
		{"a fee year before the last, of nobody", importOptions{}, "audit-registrations.csv", []string{auditHead, strings.Replace(strings.Replace(auditRow, "2026", "2024", 1), ",9,", ",0,", 1)},
			`audit-registrations.csv:2: headcount: "0" is not a whole number from 1 to 1000000` + "\n" +
				`audit-registrations.csv:2: fee_year: "2024" is too far from this year; it can be from 2025 to 2027`},
		{"a misspelt course", importOptions{}, "courses.csv", []string{"body,account,person,course,completed_on", "ab-pir,4567890,Priya Nair,Safty Program Development,2026-01-05"},
			`courses.csv:2: course: "Safty Program Development" is nearly the course "Safety Program Development" of the rules, and would not count as it; write it so, or a different course's name in full`},
		{"empty file", importOptions{}, "people.csv", nil, `people.csv: the file is empty`},
	}
	before := d.state()
	for _, tt := range tests {
		got := d.refuses(tt.o, d.file(tt.file, tt.lines...))
		if diff := cmp.Diff(tt.want+"\n", got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(before, d.state()); diff != "" {
			t.Fatalf("%s had an effect (-before +after):\n%s", tt.name, diff)
		}
	}
}

// byOf are the actors of the desk's events of a kind, the oldest first.
func (d *importDesk) byOf(kind secor.EventKind) []string {
	d.t.Helper()
	var by []string
	d.ok(d.db.Select(&by, "SELECT actor FROM events WHERE kind = $1 ORDER BY recorded_at, seq", kind))
	return by
}

// TestImport_WhoMayDecide founds a desk and lets its people change who may decide.
func TestImport_WhoMayDecide(t *testing.T) {
	d := newImportDesk(t)
	dev := importOptions{As: "Dev.Patel@desk.example"}
	d.imports(dev, d.file("reviewers.csv", reviewerHead, "Dev Patel,dev.patel@desk.example,admin,0", "Chloé Martin,chloe.martin@desk.example,lead,2"),
		d.file("companies.csv", companiesOnFile...), d.file("leaves.csv", "email,from", "dev.patel@desk.example,2026-07-06"))
	d.refuses(importOptions{}, d.file("reviewers.csv", reviewerHead, "Eve,eve@desk.example,admin,1"))
	d.imports(dev, d.file("reviewers.csv", reviewerHead, "Ana Roy,ana.roy@desk.example,reviewer,8"))
	d.imports(importOptions{As: "chloe.martin@desk.example"}, d.file("conflicts.csv", conflictHead, "ana.roy@desk.example,ab-pir,3456789,2026-01-01,cousin"))
	for kind, want := range map[secor.EventKind][]string{
		store.EventReviewerAdded: {"desk", "desk", "reviewer:1"}, store.EventLeaveAdded: {"reviewer:1"}, store.EventConflictAdded: {"reviewer:2"},
	} {
		if diff := cmp.Diff(want, d.byOf(kind)); diff != "" {
			t.Errorf("%s by (-want +got):\n%s", kind, diff)
		}
	}
	got := d.refuses(dev, d.file("reviewers.csv", reviewerHead+",active", "Dev Patel,dev.patel@desk.example,admin,0,false", "Ana Roy,ana.roy@desk.example,admin,8,true"))
	want := `reviewers.csv:3: --as: "Dev.Patel@desk.example" is not of this desk any more; reviewer records change who may decide, so name an administrator` + "\n"
	if got != want {
		t.Errorf("after Dev left it says\n%swant\n%s", got, want)
	}
}

// TestImport_WithoutAnAdministrator: a first file whose administrator was refused
// does not leave a desk to which nobody can be added.
func TestImport_WithoutAnAdministrator(t *testing.T) {
	d := newImportDesk(t)
	d.refuses(importOptions{}, d.file("reviewers.csv", reviewerHead, "Chloé Martin,chloe.martin@desk.example,lead,2", "Dev Patel,no address,admin,0"))
	d.imports(importOptions{}, d.file("reviewers.csv", reviewerHead, "Dev Patel,dev.patel@desk.example,admin,0"))
	d.refuses(importOptions{}, d.file("reviewers.csv", reviewerHead, "Eve,eve@desk.example,admin,1"))
}

// TestImport_OldFileAgain takes a registration of long ago in again, whose year
// nobody may register for any more.
func TestImport_OldFileAgain(t *testing.T) {
	d := newFullDesk(t)
	file := d.file("audit-registrations.csv", auditHead, auditRow)
	d.imports(importOptions{}, file)
	d.at("2028-03-25T10:00")
	if got := d.imports(importOptions{}, file); got.Unchanged != 1 {
		t.Errorf("two years later: %+v, want one unchanged", got)
	}
}

// TestImport_OtherCourses keeps courses that the rules do not ask for.
func TestImport_OtherCourses(t *testing.T) {
	d := newFullDesk(t)
	rows := []string{"body,account,person,course,completed_on"}
	for _, course := range []string{"First Aid", "Safety Program Development 2", "Leadership for Safety Excellence"} {
		rows = append(rows, "ab-pir,4567890,Priya Nair,"+course+",2026-01-05")
	}
	if got := d.imports(importOptions{}, d.file("courses.csv", rows...)); got.Added != 3 {
		t.Errorf("import = %+v, want three added", got)
	}
}

func TestImport_RefusesDuplicatesInOneFile(t *testing.T) {
	d := newImportDesk(t)
	got := d.refuses(importOptions{}, d.file("companies.csv", companyHead,
		"Kowalski Electric Ltd.,AB,ab-pir,1234567,a@kowalski.example",
		"Foothills Crane Ltd.,AB,ab-pir,4567890,a@crane.example",
		"Kowalski Electric Ltd.,AB,ab-pir,123-4567,b@kowalski.example",
		"Kowalski Electric Inc.,AB,ab-pir,7654321,a@kowalski.example"))
	want := `companies.csv:4: is the same company as line 2; keep one
companies.csv:5: legal_name: "Kowalski Electric Inc." reads like company 1, "Kowalski Electric Ltd.", which has the account 1234567 with ab-pir; correct the account, or take it as a different company with --accept-near-names
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c, err := d.CompanyByAccount(t.Context(), "ab-pir", "1234567")
	if err != nil || c.Email != "a@kowalski.example" || d.state()["companies"] != 2 {
		t.Errorf("on file are %v and the address %s, %v; want the first two lines", d.state(), c.Email, err)
	}
}

func TestImport_AcceptNearNames(t *testing.T) {
	d := newFullDesk(t)
	near := d.file("companies.csv", companyHead, "Prairie Wind Excavating Ltd.,AB,ab-pir,3456780,x@wind.example")
	d.refuses(importOptions{}, near)
	if got := d.imports(importOptions{AcceptNearNames: true}, near); got.Added != 1 {
		t.Errorf("accepted: %+v, want one added", got)
	}
	if got := d.imports(importOptions{AcceptNearNames: true}, near); got.Unchanged != 1 {
		t.Errorf("accepted again: %+v, want one unchanged", got)
	}
}

// TestImport_NamesAreText holds that a name which means something to Slack is
// stored as it stands.
func TestImport_NamesAreText(t *testing.T) {
	d := newImportDesk(t)
	d.imports(importOptions{}, d.file("companies.csv", companyHead, `<!channel> & <https://x.example|Sons> Ltd.,AB,ab-pir,1234567,a@sons.example`))
	c, err := d.CompanyByAccount(t.Context(), "ab-pir", "1234567")
	if err != nil || c.LegalName != "<!channel> & <https://x.example|Sons> Ltd." {
		t.Errorf("the name on file is %q, %v", c.LegalName, err)
	}
}

// TestImport_AllOrNothing refuses the last of 500 lines by a rule that only the
// store knows, and then takes all of them in.
func TestImport_AllOrNothing(t *testing.T) {
	d := newImportDesk(t)
	rows := []string{companyHead}
	for i := range 499 {
		rows = append(rows, fmt.Sprintf("Company Number %d Ltd.,AB,ab-pir,%07d,office%d@number.example", i, i, i))
	}
	bad := d.file("companies.csv", append(rows, "Company Number 7 Inc.,AB,ab-pir,7777777,x@number.example")...)
	before := d.state()
	total, said, err := d.run(importOptions{AllOrNothing: true}, bad)
	want := `companies.csv:501: legal_name: "Company Number 7 Inc." reads like company 8, "Company Number 7 Ltd.", which has the account 0000007 with ab-pir; correct the account, or take it as a different company with --accept-near-names
refused: 1 of 500 lines; nothing was written; correct the files and import them again
`
	if !errors.Is(err, secor.ErrRefused) || total.Refused != 1 || said != want {
		t.Errorf("import = %+v, %v; it said\n%s", total, err, said)
	}
	if diff := cmp.Diff(before, d.state()); diff != "" {
		t.Fatalf("a refused import left something (-before +after):\n%s", diff)
	}
	good := d.file("companies.csv", append(rows, "Another Name Inc.,AB,ab-pir,7777777,x@number.example")...)
	if got := d.imports(importOptions{AllOrNothing: true}, good); got.Added != 500 || d.state()["companies"] != 500 {
		t.Errorf("import = %+v, on file %v; want 500 companies", got, d.state())
	}
}

// TestImport_AllOrNothingAcrossFiles refuses a line that cannot even be read, in
// the second of two files.
func TestImport_AllOrNothingAcrossFiles(t *testing.T) {
	d := newImportDesk(t)
	before := d.state()
	people := d.file("people.csv", personHead, "ab-pir,5678901,Ana", "ab-pir,77,Ben", "ab-pir,9999999,Eve")
	total, said, err := d.run(importOptions{AllOrNothing: true}, d.file("companies.csv", companiesOnFile...), people)
	want := `people.csv:3: account: "77" does not have the 6, 7 or 8 digits of a number of Alberta Partnerships in Injury Reduction
people.csv:4: account: "9999999" is no company's account with ab-pir; import the company first
refused: 2 of 7 lines; nothing was written; correct the files and import them again
`
	if err == nil || total.Added != 5 || said != want {
		t.Errorf("import = %+v; it said\n%s\nwant\n%s", total, said, want)
	}
	if diff := cmp.Diff(before, d.state()); diff != "" {
		t.Errorf("a refused import left something (-before +after):\n%s", diff)
	}
}

func TestImport_DryRun(t *testing.T) {
	d := newImportDesk(t)
	before := d.state()
	d.at("2026-03-02T09:00")
	names := []string{"reviewers.csv", "companies.csv", "courses.csv", "conflicts.csv", "partner-requests.jsonl"}
	total := d.imports(importOptions{DryRun: true, As: "dev.patel@desk.example"}, samples(names...)...)
	if want := linesIn(t, names...); total.Added != want {
		t.Errorf("a dry run = %+v, want %d added", total, want)
	}
	if diff := cmp.Diff(before, d.state()); diff != "" {
		t.Errorf("a dry run left something (-before +after):\n%s", diff)
	}
}

// TestImport_Changes brings companies and people up to date, and back again with
// the older file.
func TestImport_Changes(t *testing.T) {
	d := newFullDesk(t)
	company := func() secor.Company {
		c, err := d.CompanyByAccount(t.Context(), "ab-pir", "3456789")
		d.ok(err)
		return c
	}
	old := company()
	newer := d.file("companies.csv", companyHead+",good_standing", "Prairie Wind Excavating Inc.,AB,ab-pir,3456789,new@prairiewind.example,false")
	for _, want := range []kindSummary{{Changed: 1}, {Unchanged: 1}} {
		want.Kind = "all"
		if got := d.imports(importOptions{}, newer); got != want {
			t.Errorf("a newer file: %+v, want %+v", got, want)
		}
	}
	changed := old
	changed.Email = "new@prairiewind.example"
	if diff := cmp.Diff(changed, company()); diff != "" {
		t.Errorf("what the file leaves out must stay (-want +got):\n%s", diff)
	}
	accounts, err := d.Registrations(t.Context(), old.ID)
	if err != nil || len(accounts) != 1 || accounts[0].GoodStanding {
		t.Errorf("accounts %+v, %v; want one not in good standing", accounts, err)
	}
	older := d.file("companies.csv", companiesOnFile[0]+",good_standing", companiesOnFile[1]+",true")
	if got := d.imports(importOptions{}, older); got.Changed != 1 || got.lines() != 1 {
		t.Errorf("the older file again: %+v, want one changed back", got)
	}
	if diff := cmp.Diff(old, company()); diff != "" {
		t.Errorf("after the older file (-want +got):\n%s", diff)
	}
	if got := d.imports(importOptions{}, newer); got.Changed != 1 || company() != changed {
		t.Errorf("the newer file after it: %+v and %+v, want it changed once more", got, company())
	}
	byDev := importOptions{As: "dev.patel@desk.example"}
	d.imports(byDev, d.file("reviewers.csv", "name,email,role,capacity,active", "Ana Roy,ana.roy@desk.example,lead,3,false"))
	if got := d.imports(byDev, d.file("reviewers.csv", "name,email,role,capacity", "Ana Roy,ANA.ROY@desk.example,lead,4")); got.Changed != 1 {
		t.Errorf("a reviewer: %+v, want one changed", got)
	}
	ana, err := d.ReviewerByEmail(t.Context(), "ana.roy@desk.example")
	if err != nil || ana.Role != secor.RoleLead || ana.Capacity != 4 || ana.Active {
		t.Errorf("Ana is %+v, %v; want a lead of capacity 4 who stays inactive", ana, err)
	}
}

// TestImport_RequestOfKnownCompany leaves the company as it is and says on the
// request what its form states otherwise.
func TestImport_RequestOfKnownCompany(t *testing.T) {
	d := newFullDesk(t)
	d.imports(importOptions{}, d.file("r.jsonl", `{"record": "partner_request", "body": "ab-pir", "account": "7890123", "legal_name": "Chinook Instrumentation Limited", `+
		`"email": "Ingrid@chinook.example", "city": "Airdrie", "member": true, "reason": "switching", "headcount": 4, "received_at": "2026-03-20T08:55"}`))
	f := d.caseOf("7890123", secor.SubjectRequest)
	if want := "imported from r.jsonl; the form says otherwise: legal name Chinook Instrumentation Limited, city Airdrie"; f.LastMove.Text != want {
		t.Errorf("the request's event says %q, want %q", f.LastMove.Text, want)
	}
	if f.Company.Address.City != "Calgary" || f.Company.LegalName != "Chinook Instrumentation Ltd." {
		t.Errorf("the company was changed: %+v", f.Company)
	}
}

// TestImport_GoodLinesGoIn keeps going after every kind of broken line.
func TestImport_GoodLinesGoIn(t *testing.T) {
	d := newImportDesk(t)
	total, said, err := d.run(importOptions{}, d.file("mixed.jsonl", `{"record": "company"`, jsonCompany, `{"record": "persn"}`, "\xff",
		`{"record": "person", "body": "ab-pir", "account": "3456789", "name": "Dale Sorensen"}`))
	if err == nil || total.Added != 2 || total.Refused != 3 || !strings.HasSuffix(said, "refused: 3 of 5 lines; the others are in and stay as they are; correct the files and import them again\n") {
		t.Errorf("import = %+v; it said\n%s", total, said)
	}
	if got := d.state(); got["companies"] != 1 || got["people"] != 1 {
		t.Errorf("on file are %v, want the company and the person", got)
	}
}

func TestImport_RefusesFilesBeforeItBegins(t *testing.T) {
	d := newImportDesk(t)
	good := d.file("companies.csv", companyHead, "Kowalski Electric Ltd.,AB,ab-pir,1234567,a@kowalski.example")
	folder := filepath.Dir(good)
	_, said, err := d.run(importOptions{}, good, good, folder, filepath.Join(folder, "missing.csv"), d.file("compnies.csv", companyHead), d.file("companies.xls", "PK"))
	for _, want := range []string{"companies.csv: is named twice", folder + ": is a directory; name the files in it", "missing.csv: there is no such file",
		`compnies.csv: its name does not say what it holds (did you mean "companies"?)`, "companies.xls: is a workbook of a kind that is not read (.xls); save it as Excel Workbook (.xlsx) or as CSV UTF-8"} {
		if !strings.Contains(strings.ReplaceAll(said, filepath.Base(folder), folder), want) && !strings.Contains(said, want) {
			t.Errorf("it does not say %q in:\n%s", want, said)
		}
	}
	if !errors.Is(err, secor.ErrRefused) || d.state()["companies"] > 0 {
		t.Errorf("import = %v, on file %v; want a refusal without effect", err, d.state())
	}
	if got := d.imports(importOptions{Record: "company"}, d.file("march export.csv", companyHead, "Kowalski Electric Ltd.,AB,ab-pir,1234567,a@kowalski.example")); got.Added != 1 {
		t.Errorf("with --record: %+v, want one added", got)
	}
	_, said, _ = d.run(importOptions{Record: "compny"}, d.file("march.csv", companyHead))
	if !strings.Contains(said, `march.csv: record: "compny" is not a kind of record (did you mean "company"?)`) {
		t.Errorf("an unknown --record: %s", said)
	}
}

func TestImport_Interrupted(t *testing.T) {
	d := newImportDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := importOptions{Files: samples("companies.csv"), Now: func() time.Time { return d.now }, Stdin: strings.NewReader("")}
	for _, o.AllOrNothing = range []bool{false, true} {
		_, err := importFiles(ctx, d.Store, d.programme, o, &strings.Builder{})
		if !errors.Is(err, context.Canceled) || d.state()["companies"] > 0 {
			t.Errorf("interrupted, all or nothing %t: %v, on file %v", o.AllOrNothing, err, d.state())
		}
	}
}

func TestImport_CommandLine(t *testing.T) {
	o := newOffice(t)
	terminal, out, errOut := testTerminal(o.environ)
	terminal.in = strings.NewReader(with(t, jsonCompany) + "\n" + `{"record": "leave", "email": "ben.ito@example.com", "from": "2026-07-06", "until": "2026-07-24"}` + "\n")
	status := run(t.Context(), []string{"import", "-"}, terminal)
	wantOut := `Record   Added  Changed  Unchanged  Refused
company      1        0          0        0
leave        0        0          0        1
all          1        0          0        1
`
	wantErr := `-:2: "until" is not a field of leave
refused: 1 of 2 lines; the others are in and stay as they are; correct the files and import them again
`
	if status != statusRefused || out.String() != wantOut || errOut.String() != wantErr {
		t.Errorf("status %d\n%s\n%s", status, out, errOut)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "leaves.csv")
	o.must(os.WriteFile(file, []byte("email,from\nben.ito@example.com,2026-07-06\n"), 0o600))
	o.says("import "+file+" --dry-run", `^leave +1 +0 +0 +0$`, `^Nothing of this was written\.$`)
	o.says("import "+file+" --all-or-nothing", `^leave +1 +0 +0 +0$`)
	o.says("import "+file, `^leave +0 +0 +1 +0$`)
	o.refuses("import "+filepath.Join(dir, "nothing.csv"), "nothing.csv: there is no such file")
	o.says("verify", "^sound: ")
}

func TestImport_Progress(t *testing.T) {
	d := newImportDesk(t)
	rows := []string{companyHead}
	for i := range 2*maxChunk + 10 {
		rows = append(rows, fmt.Sprintf("Company Number %d Ltd.,AB,ab-pir,%07d,office%d@number.example", i, i, i))
	}
	path := d.file("companies.csv", rows...)
	for live, want := range map[bool]string{
		true:  "\r\x1b[K" + path + ": line 1025, 51 a second, about 0s left\r\x1b[K" + path + ": line 1035, 26 a second\r\x1b[K",
		false: path + ": line 1025, 51 a second, about 0s left\n" + path + ": line 1035, 26 a second\n",
	} {
		var said strings.Builder
		at := d.now
		slow := func() time.Time { at = at.Add(10 * time.Second); return at }
		d.imports(importOptions{Progress: &progress{out: &said, live: live, wall: slow}}, path)
		if got := said.String(); got != want {
			t.Errorf("live %t: progress is %q, want %q", live, got, want)
		}
	}
	if got := d.state()["companies"]; got != 2*maxChunk+10 {
		t.Errorf("%d companies are on file", got)
	}
}
