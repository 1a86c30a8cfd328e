package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

func TestAddCompany(t *testing.T) {
	d := newDesk(t)
	act := d.deskAct()
	id, change, err := d.AddCompany(t.Context(), act, roofing(1), []secor.Registration{{Body: "ab-pir", Account: "000-0001", GoodStanding: true}})
	d.ok(err)
	if change != store.Added {
		t.Errorf("change = %s, want added", change)
	}
	moved := roofing(1)
	moved.Email = "new@roof.example"
	for _, tt := range []struct {
		name     string
		act      secor.Act
		company  secor.Company
		accounts []secor.Registration
		want     store.Change
	}{
		{"the same act", act, roofing(1), account(1), store.Unchanged},
		{"the same data", d.deskAct(), roofing(1), account(1), store.Unchanged},
		{"another address", d.deskAct(), moved, account(1), store.Changed},
		{"another standing", d.deskAct(), moved, []secor.Registration{{Body: "ab-pir", Account: "0000001"}}, store.Changed},
		{"an account more", d.deskAct(), moved, append([]secor.Registration{{Body: "sk-wcb", Account: "123456"}}, secor.Registration{Body: "ab-pir", Account: "0000001"}), store.Changed},
		{"the first act, after all that", act, roofing(1), account(1), store.Unchanged},
	} {
		got, change, err := d.AddCompany(t.Context(), tt.act, tt.company, tt.accounts)
		if err != nil || got != id || change != tt.want {
			t.Errorf("%s: %d, %s, %v, want %d, %s", tt.name, got, change, err, id, tt.want)
		}
	}
	moved.ID, moved.Language = id, secor.English
	got, err := d.Company(t.Context(), id)
	d.ok(err)
	if diff := cmp.Diff(moved, got); diff != "" {
		t.Errorf("company (-want +got)\n%s", diff)
	}
	found, err := d.CompanyByAccount(t.Context(), "ab-pir", "0000 001")
	if err != nil || found.ID != id {
		t.Errorf("CompanyByAccount = %v, %v", found.ID, err)
	}
	accounts, err := d.Registrations(t.Context(), id)
	d.ok(err)
	want := []secor.Registration{{Body: "ab-pir", Account: "0000001"}, {Body: "sk-wcb", Account: "123456"}}
	if diff := cmp.Diff(want, accounts); diff != "" {
		t.Errorf("registrations (-want +got)\n%s", diff)
	}
}

// What the desk recorded of a company tells who and what, and no name outside the texts.
func TestAddCompany_Events(t *testing.T) {
	d := newDesk(t)
	d.company(1)
	moved := roofing(1)
	moved.Contact = "Bo Li"
	_, _, err := d.AddCompany(t.Context(), d.deskAct(), moved, account(1))
	d.ok(err)
	if n := d.count(`SELECT count(*) FROM events WHERE facts ~* 'roof|ana|roy|example|bo li'`); n != 0 {
		t.Errorf("%d events hold a name in their facts", n)
	}
	if n := d.count(`SELECT count(*) FROM events e JOIN texts t ON t.hash = e.text_hash
		WHERE e.kind = 'company.changed' AND e.facts = '{"company":"1","fields":"contact"}' AND t.body = 'contact was Ana Roy'`); n != 1 {
		t.Errorf("the change of the contact is not recorded with its old value")
	}
	for kind, want := range map[string]int{"company.added": 1, "company.changed": 1, "registration.added": 1, "person.added": 1, "course.added": 1} {
		if n := d.count(`SELECT count(*) FROM events WHERE kind = $1`, kind); n != want {
			t.Errorf("%d events %s, want %d", n, kind, want)
		}
	}
}

func TestAddCompany_Refusals(t *testing.T) {
	d := newDesk(t)
	d.company(1)
	d.company(2)
	rows := d.count(`SELECT count(*) FROM companies`) + d.count(`SELECT count(*) FROM events`)
	both := append(account(1), secor.Registration{Body: "sk-wcb", Account: "123456"})
	tests := []struct {
		name     string
		change   func(*secor.Company)
		accounts []secor.Registration
		want     string
	}{
		{"nearly the same name", func(c *secor.Company) { c.LegalName = "ROOFING 1, Limited" }, account(3), `reads like company 1, "Roofing 1 Ltd.", which has the account 0000001`},
		{"no name", func(c *secor.Company) { c.LegalName = " " }, account(3), "legal_name: is missing"},
		{"a formula", func(c *secor.Company) { c.LegalName = `=HYPERLINK("x")` }, account(3), "begins like a spreadsheet formula"},
		{"not UTF-8", func(c *secor.Company) { c.Contact = "a\xff" }, account(3), "is not valid UTF-8"},
		{"a province without a calendar", func(c *secor.Company) { c.Province = "ON" }, account(3), `province: "ON" has no calendar here; one of AB, BC, MB, SK`},
		{"no address for letters", func(c *secor.Company) { c.Email = "roof.example" }, account(3), "is not an e-mail address"},
		{"an address to which nothing can be sent", func(c *secor.Company) { c.Email = "béa@roof.example" }, account(3), "no e-mail address here can have"},
		{"a contact whom no letter can name", func(c *secor.Company) { c.Contact = "=?utf-8?q?Roy?=" }, account(3), "contact"},
		{"two addresses for letters", func(c *secor.Company) { c.Email = "a@b.example, c@d.example" }, account(3), "is not an e-mail address"},
		{"a profile of tomorrow", func(c *secor.Company) { c.ProfileSince = secor.NewDate(2026, 3, 26) }, account(3), "is in the future"},
		{"no account", func(*secor.Company) {}, nil, "account: is missing"},
		{"an account of 80 characters", func(*secor.Company) {}, []secor.Registration{{Body: "ab-pir", Account: strings.Repeat("1", 80)}}, "is longer than 20 characters"},
		{"an unknown body", func(*secor.Company) {}, []secor.Registration{{Body: "zz", Account: "1234567"}}, "is not a governing body"},
		{"one body twice", func(*secor.Company) {}, append(account(3), account(4)...), "is given twice"},
		{"accounts of two companies", func(*secor.Company) {}, append(both, secor.Registration{}), "is not a governing body"},
		{"another number of a known company", func(c *secor.Company) { *c = roofing(1) },
			[]secor.Registration{{Body: "sk-wcb", Account: "123456"}, {Body: "ab-pir", Account: "0000009"}}, "reads like company 1"},
	}
	for _, tt := range tests {
		c := roofing(3)
		tt.change(&c)
		_, _, err := d.AddCompany(t.Context(), d.deskAct(), c, tt.accounts)
		if !errors.Is(err, secor.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if n := d.count(`SELECT count(*) FROM companies`) + d.count(`SELECT count(*) FROM events`); n != rows {
		t.Errorf("%d rows, want %d as before", n, rows)
	}

	_, err := d.AddRegistration(t.Context(), d.deskAct(), 1, secor.Registration{Body: "sk-wcb", Account: "123456"})
	d.ok(err)
	_, _, err = d.AddCompany(t.Context(), d.deskAct(), roofing(1), []secor.Registration{{Body: "sk-wcb", Account: "123456"}, {Body: "ab-pir", Account: "0000002"}})
	if !errors.Is(err, secor.ErrField) || !strings.Contains(err.Error(), "two companies, 1 and 2") {
		t.Errorf("accounts of two companies: %v", err)
	}
	// What was written before the refusal is taken back.
	moved := roofing(1)
	moved.Email = "new@roof.example"
	_, _, err = d.AddCompany(t.Context(), d.deskAct(), moved, []secor.Registration{{Body: "sk-wcb", Account: "123456"}, {Body: "ab-pir", Account: "0000009"}})
	d.wantRefusal(err, secor.ErrField)
	if c, err := d.Company(t.Context(), 1); err != nil || c.Email != roofing(1).Email {
		t.Errorf("a refused line changed the address to %s, %v", c.Email, err)
	}
	_, err = d.AddRegistration(t.Context(), d.deskAct(), 1, secor.Registration{Body: "ab-pir", Account: "0000009"})
	if !errors.Is(err, secor.ErrField) || !strings.Contains(err.Error(), "has the account 0000001") {
		t.Errorf("another number with the same body: %v", err)
	}
	_, err = d.AddRegistration(t.Context(), d.deskAct(), 2, secor.Registration{Body: "sk-wcb", Account: "123456"})
	if !errors.Is(err, secor.ErrField) || !strings.Contains(err.Error(), "belongs to another company") {
		t.Errorf("an account that another company has: %v", err)
	}
}

func TestAddNamesake(t *testing.T) {
	d := newDesk(t)
	d.company(1)
	namesake := roofing(1)
	act := d.deskAct()
	act.Reason = ""
	_, _, err := d.AddNamesake(t.Context(), act, namesake, account(3))
	d.wantRefusal(err, secor.ErrField)
	id, change, err := d.AddNamesake(t.Context(), d.deskAct(), namesake, account(3))
	if err != nil || id != 2 || change != store.Added {
		t.Errorf("AddNamesake = %d, %s, %v", id, change, err)
	}
	// At another body it is no near-duplicate at all.
	_, _, err = d.AddCompany(t.Context(), d.deskAct(), namesake, []secor.Registration{{Body: "sk-wcb", Account: "123456"}})
	d.ok(err)
}

// Two files with nearly the same company at once: one of them is refused.
func TestAddCompany_Race(t *testing.T) {
	d := newDesk(t)
	acts := []secor.Act{d.deskAct(), d.deskAct(), d.deskAct(), d.deskAct()}
	answers := d.gate(len(acts), func() []error {
		return together(len(acts), func(i int) error {
			_, _, err := d.AddCompany(t.Context(), acts[i], roofing(1), account(i+1))
			return err
		})
	}, `SELECT pg_advisory_xact_lock($1)`, store.LockDesk)
	added := 0
	for _, err := range answers {
		if err == nil {
			added++
		} else {
			d.wantRefusal(err, secor.ErrField)
		}
	}
	if added != 1 {
		t.Errorf("%d of %d added, want 1: %v", added, len(acts), answers)
	}
}

func TestAddPerson(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	id, change, err := d.AddPerson(t.Context(), d.deskAct(), company, "Ana  Roy")
	if err != nil || id != 1 || change != store.Unchanged {
		t.Errorf("the same person: %d, %s, %v", id, change, err)
	}
	course := secor.Course{Name: "Safety Program Development", CompletedOn: secor.NewDate(2025, 6, 1)}
	change, err = d.AddCourse(t.Context(), d.deskAct(), id, course)
	if err != nil || change != store.Unchanged {
		t.Errorf("the same course: %s, %v", change, err)
	}
	course.CompletedOn = secor.NewDate(2026, 3, 26)
	_, err = d.AddCourse(t.Context(), d.deskAct(), id, course)
	d.wantRefusal(err, secor.ErrField)
	_, err = d.AddCourse(t.Context(), d.deskAct(), 99, secor.Course{Name: "x", CompletedOn: secor.NewDate(2026, 3, 25)})
	d.wantRefusal(err, secor.ErrNotFound)
	_, _, err = d.AddPerson(t.Context(), d.deskAct(), 99, "Bo Li")
	d.wantRefusal(err, secor.ErrNotFound)
	f := d.file(d.request(company))
	want := []secor.Person{{ID: 1, Name: "Ana Roy", Courses: []secor.Course{{Name: "Safety Program Development", CompletedOn: secor.NewDate(2025, 6, 1)}}}}
	if diff := cmp.Diff(want, f.People); diff != "" {
		t.Errorf("people (-want +got)\n%s", diff)
	}
}

func TestAddReviewer(t *testing.T) {
	d := newDesk(t)
	ana := secor.Reviewer{Name: "Ana", Email: "Ana@Desk.example", Role: secor.RoleReviewer, Active: true, Capacity: 3}
	id, change, err := d.AddReviewer(t.Context(), d.deskAct(), ana)
	if err != nil || change != store.Added {
		t.Fatalf("AddReviewer = %s, %v", change, err)
	}
	again, change, err := d.AddReviewer(t.Context(), d.deskAct(), ana)
	if err != nil || change != store.Unchanged || again != id {
		t.Errorf("the same: %d, %s, %v", again, change, err)
	}
	ana.Role = secor.RoleLead
	_, change, err = d.AddReviewer(t.Context(), d.deskAct(), ana)
	if err != nil || change != store.Changed {
		t.Errorf("another role: %s, %v", change, err)
	}
	leave := secor.Leave{Span: secor.Span{From: secor.NewDate(2026, 4, 1)}}
	for _, want := range []store.Change{store.Added, store.Unchanged} {
		change, err = d.AddLeave(t.Context(), d.deskAct(), id, leave)
		if err != nil || change != want {
			t.Errorf("leave: %s, %v, want %s", change, err, want)
		}
	}
	leave.To, leave.StandIn = secor.NewDate(2026, 4, 10), d.lead
	change, err = d.AddLeave(t.Context(), d.deskAct(), id, leave)
	if err != nil || change != store.Changed {
		t.Errorf("the end of a leave: %s, %v", change, err)
	}
	got, err := d.ReviewerByEmail(t.Context(), " ANA@desk.example")
	d.ok(err)
	want := secor.Reviewer{ID: id, Name: "Ana", Email: "ana@desk.example", Role: secor.RoleLead, Active: true, Capacity: 3, Away: []secor.Leave{leave}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reviewer (-want +got)\n%s", diff)
	}

	_, err = d.AddLeave(t.Context(), d.deskAct(), id, secor.Leave{Span: secor.Span{From: leave.To, To: leave.From}})
	d.wantRefusal(err, secor.ErrField)
	_, err = d.AddLeave(t.Context(), d.deskAct(), d.lead, leave)
	d.wantRefusal(err, secor.ErrField)
	_, err = d.AddLeave(t.Context(), d.deskAct(), id, secor.Leave{Span: leave.Span, StandIn: 99})
	d.wantRefusal(err, secor.ErrNotFound)
	_, err = d.AddLeave(t.Context(), d.deskAct(), 99, leave)
	d.wantRefusal(err, secor.ErrNotFound)
	_, err = d.ReviewerByEmail(t.Context(), "nobody@desk.example")
	d.wantRefusal(err, secor.ErrNotFound)
	for _, wrong := range []secor.Reviewer{{Email: "x@y.example", Role: secor.RoleLead}, {Name: "X", Email: "x", Role: secor.RoleLead},
		{Name: "X", Email: "x@y.example", Role: "king"}, {Name: "X", Email: "x@y.example", Role: secor.RoleLead, Capacity: -1}} {
		_, _, err = d.AddReviewer(t.Context(), d.deskAct(), wrong)
		d.wantRefusal(err, secor.ErrField)
	}
}

func TestAddConflict(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	id := d.request(company)
	yesterday := secor.NewDate(2026, 3, 24)
	conflict := secor.Conflict{ReviewerID: d.reviewer[0], CompanyID: company, Span: secor.Span{From: yesterday}, Reason: "trained there"}
	for _, want := range []store.Change{store.Added, store.Unchanged} {
		change, err := d.AddConflict(t.Context(), d.deskAct(), conflict)
		if err != nil || change != want {
			t.Errorf("conflict: %s, %v, want %s", change, err, want)
		}
	}
	d.wantRefusal(d.try(id, d.reviewer[0], "approve", nil), secor.ErrConflict)
	if diff := cmp.Diff([]secor.Conflict{conflict}, d.file(id).Conflicts); diff != "" {
		t.Errorf("conflicts (-want +got)\n%s", diff)
	}
	conflict.Span.To = yesterday
	change, err := d.AddConflict(t.Context(), d.deskAct(), conflict)
	if err != nil || change != store.Changed {
		t.Errorf("the end of a conflict: %s, %v", change, err)
	}
	d.take(id, d.reviewer[0], "approve", nil)
	conflict.CompanyID = 99
	_, err = d.AddConflict(t.Context(), d.deskAct(), conflict)
	d.wantRefusal(err, secor.ErrNotFound)
}

func TestOpenAudit(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	_, err := d.OpenAudit(t.Context(), company)
	d.wantRefusal(err, secor.ErrNotFound)
	first := d.audit(company)
	got, err := d.OpenAudit(t.Context(), company)
	if err != nil || got != first {
		t.Errorf("OpenAudit = %d, %v, want %d", got, err, first)
	}
	second := d.auditOf(company, 2027)
	_, err = d.OpenAudit(t.Context(), company)
	d.wantRefusal(err, secor.ErrField)
	d.take(first, d.lead, "withdraw", nil)
	got, err = d.OpenAudit(t.Context(), company)
	if err != nil || got != second {
		t.Errorf("OpenAudit = %d, %v, want %d", got, err, second)
	}
	lines, err := d.CasesOf(t.Context(), company)
	if err != nil || len(lines) != 2 {
		t.Errorf("CasesOf = %v, %v", lines, err)
	}
}

// An invoice that was paid for an audit that ended passes to the next one of the
// year, which draws up no other fee.
func TestInvoices_OneFeeAYear(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	first := d.audit(company)
	d.take(first, d.lead, "invoice", nil)
	d.take(first, d.lead, "pay", secor.Input{"amount": "157.50", "method": "eft", "reference": "1"})
	d.take(first, d.lead, "withdraw", nil)
	second := d.audit(company)
	d.take(second, d.lead, "invoice", nil)
	if got := d.file(second).Invoice(); got == nil || got.State != secor.StatePaid {
		t.Errorf("the second audit's invoice = %+v, want the first one's", got)
	}
	next := d.auditOf(company, 2027)
	d.take(next, d.lead, "invoice", nil)
	if got := d.file(next); len(got.Invoices) != 2 || got.Invoice().Number() != fmt.Sprintf("2027-%d-A", company) {
		t.Errorf("of the next year: %+v", got.Invoices)
	}
	if n := d.count(`SELECT count(*) FROM invoices WHERE kind = 'annual' AND state <> 'void'`); n != 2 {
		t.Errorf("%d annual fees in two years, want 2", n)
	}
	d.wholeStill()
}

// Two audits of a company and fee year never run side by side, whoever begins or
// reopens them at the same moment. Another body makes no difference.
func TestAudits_SideBySide(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	first := d.audit(company)
	_, err := d.AddAudit(t.Context(), d.deskAct(), company, "bc-worksafebc", secor.Audit{Purpose: secor.PurposeMaintenance, FeeYear: 2026, Headcount: 4})
	d.wantRefusal(err, secor.ErrGuard)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("case %d", first)) {
		t.Errorf("refused with %v, which does not name case %d", err, first)
	}
	d.take(first, d.lead, "withdraw", nil)
	second := d.audit(company)
	d.wantRefusal(d.try(first, d.lead, "reopen", nil), secor.ErrGuard)
	d.take(second, d.lead, "withdraw", nil)
	cases, acts := []secor.CaseID{first, second}, []secor.Act{d.act(d.lead), d.act(d.lead)}
	reopened := 0
	for _, err := range together(2, func(i int) error { return d.UpdateCase(t.Context(), cases[i], acts[i], step("reopen", nil)) }) {
		if err == nil {
			reopened++
			continue
		}
		d.wantRefusal(err, secor.ErrGuard)
	}
	if n := d.count(`SELECT count(*) FROM audits WHERE state = 'registered'`); reopened != 1 || n != 1 {
		t.Errorf("%d were reopened and %d run, want 1", reopened, n)
	}
	d.wholeStill()
}

// Taxes, a refund and a cheque that came twice are read as they were written.
func TestInvoices_AsWritten(t *testing.T) {
	d := newDesk(t)
	id := d.audit(d.company(1))
	d.take(id, d.lead, "invoice", nil)
	pay := secor.Input{"amount": "200", "method": "cheque", "reference": "0042"}
	d.take(id, d.lead, "pay", pay)
	d.take(id, d.lead, "reverse-payment", secor.Input{"reference": "0042"})
	d.take(id, d.lead, "pay", pay)
	d.take(id, d.lead, "refund", secor.Input{"method": "eft", "reference": "R-1"})
	got := d.file(id).Invoice()
	want := []secor.TaxLine{{Name: "GST", BasisPoints: 500, Amount: 7_50}}
	if diff := cmp.Diff(want, got.TaxLines()); diff != "" {
		t.Errorf("taxes (-want +got)\n%s", diff)
	}
	if got.State != secor.StatePaid || got.Balance() != 0 || len(got.Payments) != 3 || !got.Payments[2].Refund {
		t.Errorf("%s, balance %s, %+v", got.State, got.Balance(), got.Payments)
	}
	d.wholeStill()
	_, err := storetest.OwnerDB(t).ExecContext(t.Context(), `UPDATE invoices SET tax_lines = '[]'`)
	d.ok(err)
	if diff := cmp.Diff([]secor.TaxLine{{Name: "GST", Amount: 7_50}}, d.file(id).Invoice().TaxLines()); diff != "" {
		t.Errorf("an invoice of before (-want +got)\n%s", diff)
	}
}
