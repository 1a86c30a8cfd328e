package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"secordesk/store/secor"
	"secordesk/store/storetest"
)

const preparedSQL = `SELECT count(*) FROM pg_prepared_statements`

func TestOpen_PreparesOnce(t *testing.T) {
	d := newDesk(t)
	d.Database().SetMaxOpenConns(1)
	id := d.request(d.company(1))
	var known [2]int
	for i := range known {
		d.file(id)
		d.ok(d.Database().GetContext(t.Context(), &known[i], preparedSQL))
	}
	if known[0] == 0 || known[0] != known[1] {
		t.Errorf("the connection knows %d statements, and %d when they came again", known[0], known[1])
	}
}

// Statements that are made up as they are needed do not fill Postgres.
func TestOpen_PreparesNoMoreThan(t *testing.T) {
	d := newDesk(t)
	db := d.Database()
	db.SetMaxOpenConns(1)
	for i := range 300 {
		var n int
		d.ok(db.GetContext(t.Context(), &n, fmt.Sprintf(`SELECT $1::int + %d`, i), 1))
		if n != 1+i {
			t.Fatalf("1 + %d = %d", i, n)
		}
	}
	var known int
	d.ok(db.GetContext(t.Context(), &known, preparedSQL))
	if known != 256 {
		t.Errorf("the connection knows %d statements, want 256", known)
	}
}

// A migration changes the type of a column below more connections than a
// transaction has attempts, and all know a statement that returns it.
func TestOpen_ColumnChanges(t *testing.T) {
	d := newDesk(t)
	d.Database().SetMaxIdleConns(12)
	var cases []secor.CaseID
	for i := range 12 {
		cases = append(cases, d.request(d.company(i)))
	}
	var inside, steps sync.WaitGroup
	inside.Add(len(cases))
	for _, id := range cases {
		act := d.act(d.lead)
		steps.Go(func() {
			err := d.UpdateCase(t.Context(), id, act, func(*secor.File, time.Time) error { inside.Done(); inside.Wait(); return secor.ErrGuard })
			if !errors.Is(err, secor.ErrGuard) {
				t.Errorf("UpdateCase = %v", err)
			}
		})
	}
	steps.Wait()
	if n := d.Database().Stats().OpenConnections; n != len(cases) {
		t.Fatalf("%d connections, want one for each step", n)
	}
	_, err := storetest.OwnerDB(t).Exec(`ALTER TABLE cases ALTER version TYPE bigint`)
	d.ok(err)
	d.take(cases[0], d.lead, "approve", nil)
}
