package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

var programme = sync.OnceValues(schema.Load)

// clock is a desk's clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

// Wednesday, 25 March 2026, 10:00 in the office.
var morning = time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)

// desk is a store with people and companies on file.
type desk struct {
	*store.Store
	t        testing.TB
	clock    *clock
	acts     int
	lead     int64
	admin    int64
	reviewer []int64
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	p, err := programme()
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: morning}
	s, err := store.Open(t.Context(), storetest.DSN(t), p, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d := &desk{Store: s, t: t, clock: c}
	d.lead = d.person("lead@desk.example", secor.RoleLead, 8)
	d.admin = d.person("admin@desk.example", secor.RoleAdmin, 0)
	for i := range 2 {
		d.reviewer = append(d.reviewer, d.person(fmt.Sprintf("reviewer%d@desk.example", i), secor.RoleReviewer, 8))
	}
	return d
}

// act is a new act of a person.
func (d *desk) act(by int64) secor.Act {
	d.acts++
	return secor.Act{ID: fmt.Sprintf("act-%d", d.acts), By: secor.ByReviewer(by), Surface: secor.SurfaceCLI, Reason: "as agreed"}
}

// deskAct is a new act of the desk itself.
func (d *desk) deskAct() secor.Act {
	a := d.act(0)
	a.By, a.Surface = secor.Desk, secor.SurfaceJob
	return a
}

func (d *desk) person(email string, role secor.Role, capacity int) int64 {
	d.t.Helper()
	id, _, err := d.AddReviewer(d.t.Context(), d.deskAct(), secor.Reviewer{Name: "N " + email, Email: email, Role: role, Active: true, Capacity: capacity})
	d.ok(err)
	return id
}

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func roofing(n int) secor.Company {
	return secor.Company{LegalName: fmt.Sprintf("Roofing %d Ltd.", n), TradeName: "Roof", Province: "AB", Email: fmt.Sprintf("office%d@roof.example", n),
		Contact: "Ana Roy", Address: secor.Address{Street: "1 Main St", City: "Calgary", Province: "AB", PostalCode: "T2P 1A1"},
		Member: true, ProfileSince: secor.NewDate(2025, 1, 1)}
}

func account(n int) []secor.Registration {
	return []secor.Registration{{Body: "ab-pir", Account: fmt.Sprintf("%07d", n), GoodStanding: true}}
}

// company puts a company on file that passes every guard.
func (d *desk) company(n int) int64 {
	d.t.Helper()
	id, _, err := d.AddCompany(d.t.Context(), d.deskAct(), roofing(n), account(n))
	d.ok(err)
	person, _, err := d.AddPerson(d.t.Context(), d.deskAct(), id, "Ana Roy")
	d.ok(err)
	_, err = d.AddCourse(d.t.Context(), d.deskAct(), person, secor.Course{Name: "Safety Program Development", CompletedOn: secor.NewDate(2025, 6, 1)})
	d.ok(err)
	return id
}

func (d *desk) request(company int64) secor.CaseID {
	d.t.Helper()
	id, err := d.AddRequest(d.t.Context(), d.deskAct(), company, "ab-pir", secor.Request{Reason: secor.ReasonSwitching, Headcount: 4})
	d.ok(err)
	return id
}

func (d *desk) audit(company int64) secor.CaseID {
	d.t.Helper()
	return d.auditOf(company, 2026)
}

func (d *desk) auditOf(company int64, year int) secor.CaseID {
	d.t.Helper()
	id, err := d.AddAudit(d.t.Context(), d.deskAct(), company, "ab-pir", secor.Audit{Purpose: secor.PurposeCertification, FeeYear: year, Headcount: 4,
		Claimed: secor.Evidence{Policies: 12, Records: 12}})
	d.ok(err)
	return id
}

// step is a step by its name.
func step(name string, in secor.Input) func(*secor.File, time.Time) error {
	return func(f *secor.File, _ time.Time) error {
		s, err := secor.StepFor(name, f.Case.Kind)
		if err != nil {
			return err
		}
		return s.Take(f, in)
	}
}

// take takes a step that must be legal.
func (d *desk) take(id secor.CaseID, by int64, name string, in secor.Input) {
	d.t.Helper()
	err := d.try(id, by, name, in)
	if err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
}

func (d *desk) try(id secor.CaseID, by int64, name string, in secor.Input) error {
	act := d.act(by)
	s, err := secor.StepFor(name, d.file(id).Case.Kind)
	d.ok(err)
	act.Assigns = s.Assigns
	return d.UpdateCase(d.t.Context(), id, act, step(name, in))
}

func (d *desk) file(id secor.CaseID) *secor.File {
	d.t.Helper()
	f, err := d.File(d.t.Context(), id)
	d.ok(err)
	return f
}

func (d *desk) events(id secor.CaseID) []secor.Event {
	d.t.Helper()
	events, err := d.Events(d.t.Context(), id)
	d.ok(err)
	return events
}

// submission scores every question of the programme's protocol fully.
func (d *desk) submission(f *secor.File) secor.Submission {
	s := secor.Submission{Months: secor.Evidence{Policies: 12, Records: 12}, LastDay: secor.NewDate(2026, 3, 20), Headcount: 3 + int(f.Company.ID)%7}
	for _, e := range f.Protocol.Elements {
		for i, q := range e.Questions {
			if len(s.Marks) == 3 || i == 1 {
				s.Marks = append(s.Marks, secor.Mark{Question: q.ID, NA: true})
				continue
			}
			s.Marks = append(s.Marks, secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points})
		}
	}
	return s
}

func (d *desk) submit(id secor.CaseID) {
	d.t.Helper()
	err := d.UpdateCase(d.t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error { return f.Submit(d.submission(f)) })
	d.ok(err)
}

// reviewed brings an audit to its reviewer.
func (d *desk) reviewed(company int64) secor.CaseID {
	d.t.Helper()
	id := d.audit(company)
	d.take(id, d.lead, "invoice", nil)
	d.take(id, d.lead, "pay", secor.Input{"amount": "157.50", "method": "cheque", "reference": "0042"})
	d.take(id, d.lead, "approve", nil)
	d.submit(id)
	d.take(id, d.lead, "assign", secor.Input{"reviewer": strconv.FormatInt(d.reviewer[0], 10)})
	return id
}

// certified brings an audit to a certificate in the post.
func (d *desk) certified(company int64) secor.CaseID {
	d.t.Helper()
	id := d.reviewed(company)
	d.take(id, d.reviewer[0], "mark", secor.Input{"question": "A1", "awarded": "0"})
	d.take(id, d.reviewer[0], "add-note", secor.Input{"question": "A1", "kind": "actionable", "text": "sign it"})
	d.take(id, d.reviewer[0], "withdraw-note", secor.Input{"note": "1"})
	d.take(id, d.reviewer[0], "confirm", nil)
	for _, kind := range []secor.JobKind{secor.JobPass, secor.JobRequestCertificate} {
		err := d.UpdateCase(d.t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error { return f.Accepted(kind, "company:1") })
		d.ok(err)
	}
	d.take(id, d.lead, "record-number", secor.Input{"number": "N-1", "issued-on": "2026-03-25"})
	if d.file(id).Body.CoSigned {
		d.take(id, d.lead, "sign", nil)
	}
	d.take(id, d.lead, "mailed", nil)
	return id
}

func (d *desk) count(query string, args ...any) int {
	d.t.Helper()
	var n int
	d.ok(storetest.OwnerDB(d.t).GetContext(d.t.Context(), &n, query, args...))
	return n
}

// gate runs do, which starts n transactions at once, while the test itself holds
// what statement locks; it opens when all of them wait.
func (d *desk) gate(n int, do func() []error, statement string, args ...any) []error {
	d.t.Helper()
	db := storetest.OwnerDB(d.t)
	tx, err := db.BeginTxx(d.t.Context(), nil)
	d.ok(err)
	defer tx.Rollback()
	_, err = tx.ExecContext(d.t.Context(), statement, args...)
	d.ok(err)
	answers := make(chan []error, 1)
	go func() { answers <- do() }()
	ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Second)
	defer cancel()
	for waiting := 0; waiting < n && ctx.Err() == nil; {
		err = db.GetContext(ctx, &waiting, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		if err != nil {
			d.t.Errorf("only %d of %d wait: %v", waiting, n, err)
		}
	}
	d.ok(tx.Rollback())
	return <-answers
}

func (d *desk) wantRefusal(err error, kind error) {
	d.t.Helper()
	if !errors.Is(err, kind) {
		d.t.Errorf("got %v, want a refusal: %v", err, kind)
	}
}

// sameFile compares files by what a rule may see.
func sameFile(want, got *secor.File) string {
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(secor.File{}), cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(secor.File{}, "Programme", "Edition", "Protocol", "Body", "Documents", "Handed", "SameSheet"))
}
