package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	sampled "secordesk/deploy/samples"
	"secordesk/jobs/mail/sink"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// outcome is what became of one company, or must have become of it.
type outcome struct {
	Body        string        `json:"body"`
	Account     string        `json:"account"`
	Company     string        `json:"company"`
	Story       string        `json:"story"`
	Request     secor.State   `json:"request"`
	Audit       secor.State   `json:"audit"`
	Result      secor.Verdict `json:"result"`
	Percent     string        `json:"percent"`
	Invoice     secor.State   `json:"invoice"`
	Certificate secor.State   `json:"certificate"`
	Term        int           `json:"term"`
	Late        bool          `json:"late"`    // a promise was broken and a lead was told
	Letters     []string      `json:"letters"` // beginnings or parts of the subjects that the company got, by date and subject
	Papers      int           `json:"papers"`  // PDF files made
}

// report prints what became of every company, read from Postgres and the mail
// folder, and returns an error that names whatever is not as expected.
func (d *demo) report(ctx context.Context) error {
	text, err := sampled.Files.ReadFile("expected.json")
	if err != nil {
		return fmt.Errorf("read expectations: %w", err)
	}
	var expected []outcome
	err = json.Unmarshal(text, &expected)
	if err != nil {
		return fmt.Errorf("read expectations: %w", err)
	}
	letters, err := d.letters.Messages()
	if err != nil {
		return fmt.Errorf("read letters: %w", err)
	}
	t := table{heads: []string{"request", "audit", "result", "%", "invoice", "certificate", "letters", "papers"}, right: []int{3, 6, 7}}
	var differences []error
	for _, want := range expected {
		got, err := d.outcome(ctx, want.Body, want.Account, letters)
		if err != nil {
			return fmt.Errorf("%s: %w", want.Company, err)
		}
		t.add(got.cells()...)
		differences = append(differences, want.compare(got)...)
	}
	fmt.Fprintln(d.out, "\nWhat became of them, read from Postgres and the mail folder:")
	lines := t.lines()
	fmt.Fprintf(d.out, "\n    %s\n", lines[0])
	for i, line := range lines[1:] {
		fmt.Fprintf(d.out, "%s: %s\n    %s\n", expected[i].Company, expected[i].Story, line)
	}
	return errors.Join(append(differences, d.sound(ctx))...)
}

// outcome reads what became of the company with that account.
func (d *demo) outcome(ctx context.Context, body, account string, letters []sink.Letter) (outcome, error) {
	got := outcome{Body: body, Account: account}
	cases, err := d.cases(ctx, body, account)
	if err != nil {
		return got, err
	}
	address, told := "", false
	for _, c := range cases {
		f, err := d.store.File(ctx, c.ID)
		if err != nil {
			return got, err
		}
		err = d.add(ctx, &got, f)
		if err != nil {
			return got, err
		}
		address = f.Company.Email
		told = told || leadTold(f, letters)
	}
	got.Late = got.Late && told
	// What leaves at the same moment of the desk arrives in any order.
	letters = slices.Clone(letters)
	slices.SortStableFunc(letters, func(a, b sink.Letter) int {
		return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Subject, b.Subject))
	})
	for _, letter := range letters {
		if letter.To == address {
			got.Letters = append(got.Letters, letter.Subject)
		}
	}
	return got, nil
}

// leadTold reports whether a letter about a broken promise of the case reached a lead.
func leadTold(f *secor.File, letters []sink.Letter) bool {
	return slices.ContainsFunc(letters, func(l sink.Letter) bool {
		about := strings.Contains(l.Subject, " late: ") && strings.Contains(l.Subject, fmt.Sprintf("[SECOR %d]", f.Case.ID))
		return about && slices.ContainsFunc(f.Roster, func(r secor.Reviewer) bool { return r.Role == secor.RoleLead && r.Email == l.To })
	})
}

// add takes over what one case says, and writes its papers to the folder.
func (d *demo) add(ctx context.Context, got *outcome, f *secor.File) error {
	got.Company = f.Company.LegalName
	if f.Case.Kind == secor.SubjectRequest {
		got.Request = f.Case.State
		return nil
	}
	got.Audit, got.Result, got.Term = f.Case.State, f.Audit.Result, f.Audit.Term
	if got.Result != "" {
		score, err := f.Score()
		if err != nil {
			return err
		}
		got.Percent = secor.Percent(score.Awarded, score.Available)
	}
	if invoice := f.Invoice(); invoice != nil {
		got.Invoice = invoice.State
	}
	if c := f.Certificate(); c != nil {
		got.Certificate = c.State
	}
	for _, c := range f.Clocks {
		got.Late = got.Late || c.Late(f.Programme.Calendars[c.Calendar], d.clock.now()) > 0
	}
	papers, err := d.store.Documents(ctx, f.Case.ID)
	got.Papers = len(papers)
	if err != nil {
		return err
	}
	return d.lay(papers)
}

func (d *demo) lay(papers []secor.Document) error {
	folder := filepath.Join(d.folder, "papers")
	err := os.MkdirAll(folder, 0o755)
	for _, paper := range papers {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, filepath.Base(paper.Name)), paper.Data, 0o644))
	}
	return err
}

func (o outcome) cells() []string {
	dash := func(text string) string { return cmp.Or(text, "–") }
	certificate := dash(o.Certificate.Words())
	if o.Term > 0 {
		certificate = fmt.Sprintf("%s, %d y", certificate, o.Term)
	}
	invoice := dash(o.Invoice.Words())
	if o.Late {
		invoice += ", late"
	}
	return []string{dash(o.Request.Words()), dash(o.Audit.Words()), dash(string(o.Result)), dash(o.Percent),
		invoice, certificate, strconv.Itoa(len(o.Letters)), strconv.Itoa(o.Papers)}
}

// compare names every difference to what must have become of the company.
func (o outcome) compare(got outcome) []error {
	var differences []error
	differ := func(what string, want, got any) {
		if want != got {
			differences = append(differences, fmt.Errorf("%s: %s is %v, expected %v", o.Company, what, got, want))
		}
	}
	differ("name", o.Company, got.Company)
	differ("request", o.Request, got.Request)
	differ("audit", o.Audit, got.Audit)
	differ("result", o.Result, got.Result)
	differ("percentage", o.Percent, got.Percent)
	differ("invoice", o.Invoice, got.Invoice)
	differ("certificate", o.Certificate, got.Certificate)
	differ("term", o.Term, got.Term)
	differ("lateness", o.Late, got.Late)
	differ("number of papers", o.Papers, got.Papers)
	differ("number of letters", len(o.Letters), len(got.Letters))
	for i := range min(len(o.Letters), len(got.Letters)) {
		if !strings.Contains(got.Letters[i], o.Letters[i]) {
			differ("letter "+strconv.Itoa(i+1), o.Letters[i], got.Letters[i])
		}
	}
	return differences
}

// sound checks the desk as a whole: no job failed or is in doubt, and the history
// is unbroken.
func (d *demo) sound(ctx context.Context) error {
	var problems []error
	bad, err := d.store.Jobs(ctx, store.JobFilter{States: []promise.State{promise.Failed, promise.Ambiguous, promise.Open}})
	problems = append(problems, err)
	for _, j := range bad {
		problems = append(problems, fmt.Errorf("job %d, %s of case %d, is %s: %s", j.ID, j.Kind, j.CaseID, j.State, j.LastError))
	}
	verified, err := d.store.Verify(ctx)
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	for _, broken := range verified.Problems {
		problems = append(problems, fmt.Errorf("history of %s: %s", broken.Stream, broken.What))
	}
	if verified.Anchored.Before(d.clock.now().AddDate(0, 0, -1)) {
		problems = append(problems, fmt.Errorf("the history was anchored last at %s", verified.Anchored))
	}
	fmt.Fprintf(d.out, "\nHistory verified: %s, every hash in its chain.\n", extent(verified))
	return errors.Join(problems...)
}
