package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// rowsIn counts the rows of every table that an act may write.
func rowsIn(t testing.TB, db *sqlx.DB) int {
	t.Helper()
	var n int
	err := db.Get(&n, `SELECT (SELECT count(*) FROM companies) + (SELECT count(*) FROM registrations) + (SELECT count(*) FROM people)
		+ (SELECT count(*) FROM courses) + (SELECT count(*) FROM reviewers) + (SELECT count(*) FROM leaves) + (SELECT count(*) FROM conflicts)
		+ (SELECT count(*) FROM cases) + (SELECT count(*) FROM requests) + (SELECT count(*) FROM audits) + (SELECT count(*) FROM sheet_lines)
		+ (SELECT count(*) FROM invoices) + (SELECT count(*) FROM payments) + (SELECT count(*) FROM events) + (SELECT count(*) FROM texts)
		+ (SELECT count(*) FROM clocks) + (SELECT count(*) FROM clock_entries) + (SELECT count(*) FROM jobs)`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBatch_KeepsAllOrNothing(t *testing.T) {
	d := newDesk(t)
	db := storetest.DB(t)
	signals := 0
	d.Promised = func() { signals++ }
	before := rowsIn(t, db)
	stop := errors.New("stop")
	for _, end := range []error{stop, nil} {
		err := d.Batch(t.Context(), func(inside *store.Store) error {
			id, _, err := inside.AddCompany(t.Context(), d.deskAct(), roofing(1), account(1))
			d.ok(err)
			// What was written is seen inside, by every way of reading, and nowhere else.
			found, err := inside.CompanyByAccount(t.Context(), "ab-pir", "0000001")
			if err != nil || found.ID != id {
				t.Errorf("CompanyByAccount inside = %d, %v; want %d", found.ID, err, id)
			}
			_, err = d.CompanyByAccount(t.Context(), "ab-pir", "0000001")
			if !errors.Is(err, secor.ErrNotFound) {
				t.Errorf("CompanyByAccount outside = %v, want not found", err)
			}
			act := d.deskAct()
			request, err := inside.AddRequest(t.Context(), act, id, "ab-pir", secor.Request{Reason: secor.ReasonNew, Headcount: 4})
			d.ok(err)
			taken, err := inside.Taken(t.Context(), act.ID)
			events, eventsErr := inside.Events(t.Context(), request)
			cases, casesErr := inside.CasesOf(t.Context(), id)
			if !taken || len(events) == 0 || len(cases) != 1 || errors.Join(err, eventsErr, casesErr) != nil {
				t.Errorf("inside: taken %t, %d events, %d cases, %v", taken, len(events), len(cases), errors.Join(err, eventsErr, casesErr))
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatalf("Batch = %v, want %v", err, end)
		}
		if got := rowsIn(t, db); end != nil && got != before || end == nil && got == before {
			t.Errorf("after a batch that ended with %v there are %d rows, before it %d", end, got, before)
		}
	}
	if signals != 1 {
		t.Errorf("the relay was told %d times, want once: when the promises were there", signals)
	}
}

func TestBatch_RefusalUndoesOneAct(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	err := d.Batch(t.Context(), func(inside *store.Store) error {
		id, err := inside.AddRequest(t.Context(), d.deskAct(), company, "ab-pir", secor.Request{Reason: secor.ReasonSwitching, Headcount: 4})
		d.ok(err)
		// Postgres itself refuses the second one, which ends a plain transaction.
		_, err = inside.AddRequest(t.Context(), d.deskAct(), company, "ab-pir", secor.Request{Reason: secor.ReasonNew, Headcount: 4})
		if !errors.Is(err, secor.ErrIllegalMove) {
			t.Errorf("a second undecided request = %v, want a refusal", err)
		}
		return inside.UpdateCase(t.Context(), id, d.act(d.lead), step("take", nil))
	})
	d.ok(err)
	cases, err := d.CasesOf(t.Context(), company)
	d.ok(err)
	if len(cases) != 1 || cases[0].State != secor.StateInReview {
		t.Errorf("after the batch: %+v, want one request in review", cases)
	}
}

// TestBatch_LateConstraint holds that what Postgres checks at COMMIT is said of
// the act that is wrong, and not of the batch.
func TestBatch_LateConstraint(t *testing.T) {
	d := newDesk(t)
	id := d.audit(d.company(1))
	d.take(id, d.lead, "invoice", nil)
	err := d.Batch(t.Context(), func(inside *store.Store) error {
		err := inside.UpdateCase(t.Context(), id, d.act(d.lead), func(f *secor.File, now time.Time) error {
			f.Invoices[0].State = secor.StatePaid
			return step("note", secor.Input{"text": "paid, they say"})(f, now)
		})
		if err == nil || !strings.Contains(err.Error(), "cents paid of") {
			t.Errorf("an invoice paid with nothing = %v, want what the trigger says", err)
		}
		return inside.UpdateCase(t.Context(), id, d.act(d.lead), step("note", secor.Input{"text": "not paid"}))
	})
	d.ok(err)
	events := d.events(id)
	if last := events[len(events)-1]; last.Text != "not paid" || d.file(id).Invoices[0].State == secor.StatePaid {
		t.Errorf("after the batch the last note is %q and the invoice %s", last.Text, d.file(id).Invoices[0].State)
	}
}

func TestBatch_Nested(t *testing.T) {
	d := newDesk(t)
	stop := errors.New("stop")
	err := d.Batch(t.Context(), func(inside *store.Store) error {
		err := inside.Batch(t.Context(), func(deep *store.Store) error {
			_, _, err := deep.AddCompany(t.Context(), d.deskAct(), roofing(1), account(1))
			d.ok(err)
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("the inner batch = %v", err)
		}
		_, _, err = inside.AddCompany(t.Context(), d.deskAct(), roofing(2), account(2))
		return err
	})
	d.ok(err)
	found, err := d.Search(t.Context(), "roofing", 9)
	if err != nil || len(found) != 1 || found[0].Company.LegalName != "Roofing 2 Ltd." {
		t.Errorf("on file are %+v, %v; want the second company alone", found, err)
	}
}
