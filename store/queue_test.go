package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/store/secor"
	"secordesk/store/storetest"
)

func (d *desk) exec(query string, args ...any) {
	d.t.Helper()
	_, err := storetest.OwnerDB(d.t).ExecContext(d.t.Context(), query, args...)
	d.ok(err)
}

// inQueue brings an audit of a company of its own before a reviewer.
func (d *desk) inQueue(n int) secor.CaseID {
	d.t.Helper()
	id := d.reviewed(d.company(n))
	d.take(id, d.lead, "release", nil)
	d.exec(`UPDATE audits SET avoid_id = NULL`)
	return id
}

// TestHeld: of the certificates that this office had made and the one from before
// it, the company holds the one that expires last; one that is revoked, or of
// another body, or not there yet, it does not hold.
func TestHeld(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	d.exec(`UPDATE companies SET certificate_number = 'OLD-1', certificate_expires_on = '2026-06-30' WHERE id = $1`, company)
	first := d.certified(company)
	d.exec(`UPDATE certificates SET issued_on = '2026-03-20', expires_on = '2027-03-20'`)
	second, err := d.AddAudit(t.Context(), d.deskAct(), company, "ab-pir", secor.Audit{Purpose: secor.PurposeMaintenance, FeeYear: 2027, Headcount: 4})
	d.ok(err)
	ours, before := secor.Held{Number: "N-1", ExpiresOn: secor.NewDate(2027, 3, 20)}, secor.Held{Number: "OLD-1", ExpiresOn: secor.NewDate(2026, 6, 30)}
	elsewhere, err := d.AddAudit(t.Context(), d.deskAct(), company, "bc-worksafebc", secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 4})
	d.ok(err)
	if diff := cmp.Diff(before, d.file(elsewhere).Held); diff != "" {
		t.Errorf("ours is of another body (-want +got)\n%s", diff)
	}
	tests := []struct {
		situation, change string
		want              secor.Held
	}{
		{"ours expires later", `SELECT`, ours},
		{"the old one expires later", `UPDATE companies SET certificate_expires_on = '2027-06-30'`, secor.Held{Number: "OLD-1", ExpiresOn: secor.NewDate(2027, 6, 30)}},
		{"ours is revoked", `UPDATE companies SET certificate_expires_on = '2026-06-30'; UPDATE certificates SET state = 'revoked', proposer_id = 1`, before},
		{"ours is not there yet", `UPDATE certificates SET state = 'due', number = '', issued_on = NULL, expires_on = NULL, mailed_on = NULL, proposer_id = NULL`, before},
		{"it holds none", `UPDATE companies SET certificate_expires_on = NULL, certificate_number = ''`, secor.Held{}},
	}
	for _, tt := range tests {
		for _, statement := range strings.Split(tt.change, ";") {
			d.exec(statement)
		}
		if diff := cmp.Diff(tt.want, d.file(second).Held); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.situation, diff)
		}
	}
	if first != 1 {
		t.Fatal("the certified audit is not case 1")
	}
}

// TestAssignable: the queue as the sweep sees it is what the rules of each file say,
// in order of need, without what a person has to accept first.
func TestAssignable(t *testing.T) {
	d := newDesk(t)
	a, b, c, e := d.inQueue(1), d.inQueue(2), d.inQueue(3), d.inQueue(4)
	d.exec(`UPDATE companies SET certificate_number = 'X', certificate_expires_on = '2026-04-01' WHERE id = (SELECT company_id FROM cases WHERE id = $1)`, b)
	d.exec(`UPDATE companies SET certificate_expires_on = '2026-03-01' WHERE id = (SELECT company_id FROM cases WHERE id = $1)`, c)
	d.exec(`UPDATE audits SET waiting = true WHERE case_id = $1`, e)
	conflict := secor.Conflict{ReviewerID: d.reviewer[0], CompanyID: d.file(a).Company.ID, Span: secor.Span{From: secor.NewDate(2026, 1, 1)}, Reason: "audited it"}
	_, err := d.AddConflict(t.Context(), d.deskAct(), conflict)
	d.ok(err)
	lines, roster, err := d.Queue(t.Context())
	d.ok(err)
	for _, l := range lines {
		f := d.file(l.CaseID)
		d.ok(f.Begin(secor.Act{ID: "look", By: secor.Desk}, d.clock.Now()))
		if diff := cmp.Diff(f.Need(), l.Need); diff != "" || l.Waiting != f.Audit.Waiting || l.Company != f.Company.LegalName {
			t.Errorf("case %d (-file +queue)\n%s", l.CaseID, diff)
		}
		if diff := cmp.Diff(f.Roster, roster); diff != "" {
			t.Errorf("roster (-file +queue)\n%s", diff)
		}
	}
	order := func(now time.Time) []secor.CaseID {
		t.Helper()
		ids, err := d.Assignable(t.Context(), now)
		d.ok(err)
		return ids
	}
	if diff := cmp.Diff([]secor.CaseID{c, b, a}, order(morning)); diff != "" || len(lines) != 4 {
		t.Errorf("order (-want +got), %d lines\n%s", len(lines), diff)
	}
	d.exec(`UPDATE reviewers SET capacity = 0 WHERE id <> $1`, d.reviewer[0])
	if diff := cmp.Diff([]secor.CaseID{c, b}, order(morning)); diff != "" {
		t.Errorf("with the one in conflict with the third (-want +got)\n%s", diff)
	}
	d.exec(`INSERT INTO leaves (reviewer_id, from_day, to_day) VALUES ($1, '2026-03-26', '2026-03-26')`, d.reviewer[0])
	if got := order(morning.AddDate(0, 0, 1)); len(got) != 0 {
		t.Errorf("on a day of leave %v", got)
	}
	if got := order(morning.AddDate(0, 0, 2)); len(got) != 2 {
		t.Errorf("after the leave %v", got)
	}
	d.exec(`INSERT INTO pauses (kind, paused_at) VALUES ($1, now())`, secor.JobAssign)
	if got := order(morning); got != nil {
		t.Errorf("paused: %v", got)
	}
}

// TestUnfitHolders goes by the day and by who is of the desk.
func TestUnfitHolders(t *testing.T) {
	d := newDesk(t)
	id, request := d.reviewed(d.company(1)), d.request(d.company(2))
	d.take(request, d.reviewer[0], "take", nil)
	_, err := d.AddConflict(t.Context(), d.deskAct(), secor.Conflict{ReviewerID: d.reviewer[0], CompanyID: d.file(id).Company.ID,
		Span: secor.Span{From: secor.NewDate(2026, 4, 1), To: secor.NewDate(2026, 4, 2)}, Reason: "trains them"})
	d.ok(err)
	for day, want := range map[string][]secor.CaseID{"2026-03-31": nil, "2026-04-01": {id}, "2026-04-02": {id}, "2026-04-03": nil} {
		at, err := time.Parse(time.DateOnly, day)
		d.ok(err)
		got, err := d.UnfitHolders(t.Context(), at.Add(18*time.Hour), 10)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("on %s: %v (-want +got)\n%s", day, err, diff)
		}
	}
	d.exec(`UPDATE reviewers SET active = false WHERE id = $1`, d.reviewer[0])
	got, err := d.UnfitHolders(t.Context(), morning, 1)
	if diff := cmp.Diff([]secor.CaseID{id}, got); err != nil || diff != "" {
		t.Errorf("the first of who left: %v (-want +got)\n%s", err, diff)
	}
	got, err = d.UnfitHolders(t.Context(), morning, 10)
	if diff := cmp.Diff([]secor.CaseID{id, request}, got); err != nil || diff != "" {
		t.Errorf("who left: %v (-want +got)\n%s", err, diff)
	}
}

// TestAddConflict_AgainstAStep: a conflict and a step of who is in it, in the same
// instant, on real locks. Either the step was first and the conflict waited for it,
// or the step is refused; and then the sweep takes the case away.
func TestAddConflict_AgainstAStep(t *testing.T) {
	d := newDesk(t)
	for n, name := range []string{"confirm", "confirm", "confirm", "mark", "query", "release", "return"} {
		id := d.reviewed(d.company(n + 1))
		in := map[string]secor.Input{"mark": {"question": "A1", "awarded": "0"}, "query": {"question": "page 3?"}}[name]
		company := d.file(id).Company.ID
		conflict := secor.Conflict{ReviewerID: d.reviewer[0], CompanyID: company, Span: secor.Span{From: secor.NewDate(2026, 3, 25)}, Reason: "her brother's"}
		conflictAct, stepAct, sweepAct := d.act(d.lead), d.act(d.reviewer[0]), d.deskAct()
		sawNone := false
		answers := d.gate(2, func() []error {
			return together(2, func(i int) error {
				if i == 0 {
					_, err := d.AddConflict(context.Background(), conflictAct, conflict)
					return err
				}
				return d.UpdateCase(context.Background(), id, stepAct, func(f *secor.File, now time.Time) error {
					sawNone = len(f.Conflicts) == 0
					return step(name, in)(f, now)
				})
			})
		}, `SELECT 1 FROM companies WHERE id = $1 FOR UPDATE`, company)
		d.ok(answers[0])
		switch taken := answers[1] == nil; {
		case taken != sawNone:
			t.Errorf("%s: taken %t while the conflict was there %t", name, taken, !sawNone)
		case !taken && !errors.Is(answers[1], secor.ErrConflict):
			t.Errorf("%s: %v", name, answers[1])
		case !taken:
			sweepAct.Assigns = true
			d.ok(d.UpdateCase(t.Context(), id, sweepAct, func(f *secor.File, _ time.Time) error { return f.Unassign() }))
			if f := d.file(id); f.Case.Holder != 0 || !f.Audit.Waiting {
				t.Errorf("%s: held by %d, waiting %t", name, f.Case.Holder, f.Audit.Waiting)
			}
		}
		d.wantRefusal(d.try(id, d.reviewer[0], "note", secor.Input{"text": "late"}), secor.ErrConflict)
	}
}

// TestAddConflict_WaitsForSteps: after AddConflict returns, no step of that person
// is under way.
func TestAddConflict_WaitsForSteps(t *testing.T) {
	d := newDesk(t)
	id := d.reviewed(d.company(1))
	recorded := make(chan error, 1)
	conflict := secor.Conflict{ReviewerID: d.reviewer[0], CompanyID: d.file(id).Company.ID, Span: secor.Span{From: secor.NewDate(2026, 3, 25)}, Reason: "trained them"}
	conflictAct := d.act(d.lead)
	err := d.UpdateCase(t.Context(), id, d.act(d.reviewer[0]), func(f *secor.File, now time.Time) error {
		go func() {
			_, err := d.AddConflict(context.Background(), conflictAct, conflict)
			recorded <- err
		}()
		for d.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
			select {
			case err := <-recorded:
				recorded <- err
				return fmt.Errorf("AddConflict returned while a step was being taken")
			default:
			}
		}
		return step("mark", secor.Input{"question": "A1", "awarded": "0"})(f, now)
	})
	d.ok(err)
	d.ok(<-recorded)
	d.wantRefusal(d.try(id, d.reviewer[0], "confirm", nil), secor.ErrConflict)
}

// TestUnassign_Stored: what the sweep does is stored whole, in a revision too, and the
// history accounts for it.
func TestUnassign_Stored(t *testing.T) {
	d := newDesk(t)
	inQA, revision := d.reviewed(d.company(1)), d.reviewed(d.company(2))
	d.take(revision, d.reviewer[0], "query", secor.Input{"question": "page 3?"})
	d.exec(`UPDATE reviewers SET active = false WHERE id = $1`, d.reviewer[0])
	for id, state := range map[secor.CaseID]secor.State{inQA: secor.StateSubmitted, revision: secor.StateRevision} {
		d.ok(d.UpdateCase(t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error { return f.Unassign() }))
		f := d.file(id)
		if f.Case.State != state || f.Case.Holder != 0 || !f.Audit.Waiting || f.Audit.Avoid != 0 {
			t.Errorf("case %d: %s, held by %d, waiting %t, avoids %d", id, f.Case.State, f.Case.Holder, f.Audit.Waiting, f.Audit.Avoid)
		}
		d.take(id, d.lead, "accept", nil)
	}
	report, err := d.Verify(t.Context())
	d.ok(err)
	if len(report.Problems) > 0 {
		t.Errorf("Verify = %v", report.Problems)
	}
}

// TestMigration_SubmittedAt: what the migration fills in for audits that were there
// before it is what the rules would have recorded.
func TestMigration_SubmittedAt(t *testing.T) {
	d := newDesk(t)
	id, open := d.reviewed(d.company(1)), d.audit(d.company(2))
	want := d.file(id).Audit.Submitted
	text, err := os.ReadFile("../schema/migrations/0012_assignment.sql")
	d.ok(err)
	from := strings.Index(string(text), "UPDATE audits a")
	fill, _, _ := strings.Cut(string(text)[from:], ";")
	d.exec(`UPDATE audits SET submitted_at = NULL`)
	d.exec(fill)
	if got := d.file(id).Audit.Submitted; !got.Equal(want) || want.IsZero() || !d.file(open).Audit.Submitted.IsZero() {
		t.Errorf("submitted at %s, want %s", got, want)
	}
}

// BenchmarkAssignable asks what the clock process asks every ten seconds, of two
// thousand audits that wait, as many that are held, and forty reviewers.
func BenchmarkAssignable(b *testing.B) {
	d := newDesk(b)
	id := d.inQueue(1)
	for i := range 38 {
		d.person(fmt.Sprintf("more%d@desk.example", i), secor.RoleReviewer, 8)
	}
	db := storetest.OwnerDB(b)
	tx, err := db.BeginTxx(b.Context(), nil)
	d.ok(err)
	for _, q := range []string{
		`SET LOCAL session_replication_role = replica`,
		`INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member, certificate_expires_on)
			SELECT 'C ' || n, '', 'c' || n, 'AB', '', '', '', '', 'AB', '', true, date '2026-03-01' + n % 300 FROM generate_series(1, 4000) n`,
		`INSERT INTO cases (kind, company_id, body, state, version, edition_id, opened_at, last_seq, holder_id)
			SELECT 'audit', co.id, c.body, CASE WHEN co.id % 2 = 0 THEN 'submitted' ELSE 'in_qa' END, 1, c.edition_id, c.opened_at, 1,
				CASE WHEN co.id % 2 = 1 THEN 3 + co.id % 38 END FROM cases c, companies co WHERE c.id = 1 AND co.legal_name LIKE 'C %'`,
		`INSERT INTO audits (case_id, state, purpose, fee_year, headcount, claimed_policies, claimed_records, verified_policies, verified_records,
				last_day, question, waiting, round, term, declined, submitted_at)
			SELECT c.id, c.state, a.purpose, a.fee_year, a.headcount, 12, 12, 12, 12, a.last_day, '', false, 1, 0, false, a.submitted_at - c.id * interval '1 minute'
			FROM cases c, audits a WHERE a.case_id = 1 AND c.id > 1`,
		`UPDATE reviewers SET capacity = 60`,
	} {
		_, err = tx.ExecContext(b.Context(), q)
		d.ok(err)
	}
	d.ok(tx.Commit())
	d.exec(`ANALYZE`)
	for b.Loop() {
		ids, err := d.Assignable(b.Context(), morning)
		d.ok(err)
		if len(ids) == 0 {
			b.Fatalf("nobody is free; case %d waits", id)
		}
	}
}

// TestUpdateCase_AssignsByTheQueue: a step that assigns sees who else waits, so that
// the desk leaves the last place to the older need, whichever job comes first.
func TestUpdateCase_AssignsByTheQueue(t *testing.T) {
	d := newDesk(t)
	older, younger := d.inQueue(1), d.inQueue(2)
	d.exec(`UPDATE companies SET certificate_expires_on = '2026-04-01' WHERE id = (SELECT company_id FROM cases WHERE id = $1)`, older)
	d.exec(`UPDATE reviewers SET capacity = CASE WHEN id = $1 THEN 1 ELSE 0 END`, d.reviewer[0])
	assign := func(id secor.CaseID) error {
		act := d.deskAct()
		act.Assigns = true
		return d.UpdateCase(t.Context(), id, act, step("assign", nil))
	}
	d.wantRefusal(assign(younger), secor.ErrNoReviewer)
	d.ok(assign(older))
	d.wantRefusal(assign(younger), secor.ErrNoReviewer)
}

// TestJudges: who ever confirmed a verdict of a case is on its file and in the queue,
// after a second appeal as well.
func TestJudges(t *testing.T) {
	d := newDesk(t)
	id := d.reviewed(d.company(1))
	first, second := d.reviewer[0], d.reviewer[1]
	fail := func(by int64) {
		t.Helper()
		for _, e := range d.file(id).Protocol.Elements {
			for _, q := range e.Questions {
				d.take(id, by, "mark", secor.Input{"question": q.ID, "awarded": "0"})
			}
		}
		d.take(id, by, "confirm", nil)
	}
	if got := d.file(id).Audit.Judges; got != nil {
		t.Errorf("not judged yet, and judged by %v", got)
	}
	fail(first)
	d.take(id, d.lead, "appeal", secor.Input{"reviewer": fmt.Sprint(second)})
	d.take(id, second, "confirm", nil)
	d.wantRefusal(d.try(id, d.lead, "appeal", secor.Input{"reviewer": fmt.Sprint(first)}), secor.ErrConflict)
	d.take(id, d.lead, "appeal", secor.Input{"reviewer": fmt.Sprint(d.lead)})
	d.take(id, d.lead, "release", nil)
	lines, _, err := d.Queue(t.Context())
	d.ok(err)
	want := []int64{first, second}
	if diff := cmp.Diff(want, d.file(id).Audit.Judges) + cmp.Diff(want, lines[0].Judges); diff != "" {
		t.Errorf("judges (-want +got)\n%s", diff)
	}
	d.wantRefusal(d.try(id, first, "take", nil), secor.ErrConflict)
}

// TestQueue_Held: the queue counts the certificate that the rules of the file count,
// and none that is revoked, or of another body.
func TestQueue_Held(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	certified := d.certified(company)
	id := d.auditOf(company, 2027)
	d.take(id, d.lead, "invoice", nil)
	d.take(id, d.lead, "pay", secor.Input{"amount": "157.50", "method": "cheque", "reference": "0043"})
	d.take(id, d.lead, "approve", nil)
	d.submit(id)
	d.exec(`UPDATE certificates SET issued_on = '2026-03-20', expires_on = '2026-05-20' WHERE case_id = $1`, certified)
	if id != 2 {
		t.Fatal("the audit that waits is not case 2")
	}
	for _, tt := range []struct {
		situation, change string
		want              secor.Date
	}{
		{"in the post", `SELECT`, secor.NewDate(2026, 5, 20)},
		{"of another body", `UPDATE cases SET body = 'bc-worksafebc' WHERE id = 2`, secor.Date{}},
		{"of the body again", `UPDATE cases SET body = 'ab-pir' WHERE id = 2`, secor.NewDate(2026, 5, 20)},
		{"revoked", `UPDATE certificates SET state = 'revoked', proposer_id = 1`, secor.Date{}},
	} {
		d.exec(tt.change)
		lines, _, err := d.Queue(t.Context())
		d.ok(err)
		if len(lines) != 1 || lines[0].Expires != tt.want || d.file(id).Held.ExpiresOn != tt.want {
			t.Errorf("%s: in the queue %+v, on file %v, want %v", tt.situation, lines, d.file(id).Held.ExpiresOn, tt.want)
		}
	}
}

// TestQueue_Loads: an audit that the company revises is held as well, and weighs
// what its edition says.
func TestQueue_Loads(t *testing.T) {
	d := newDesk(t)
	d.reviewed(d.company(1))
	revising := d.reviewed(d.company(2))
	d.take(revising, d.reviewer[0], "query", secor.Input{"question": "page 3?"})
	_, roster, err := d.Queue(t.Context())
	d.ok(err)
	rule := d.file(revising).Edition.Assignment
	want := rule.Effort(secor.PurposeCertification, secor.StateInQA) + rule.Effort(secor.PurposeCertification, secor.StateRevision)
	for _, r := range roster {
		if r.ID == d.reviewer[0] && (r.Held != 2 || r.Load != want || want <= rule.Effort(secor.PurposeCertification, secor.StateInQA)) {
			t.Errorf("holds %d, load %s; want 2, %s", r.Held, r.Load, want)
		}
	}
}
