package store_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// counted is a backlog without the times, which no test can know.
func counted(t *testing.T, b *bench) promise.Backlog {
	t.Helper()
	got, err := b.Backlog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Open {
		got.Open[i].Overdue = 0
	}
	got.OldestTxn = 0
	return got
}

// One job of every readiness, age and end that matters.
func TestBacklog(t *testing.T) {
	b := newBench(t)
	if diff := cmp.Diff(promise.Backlog{}, counted(t, b)); diff != "" {
		t.Errorf("an empty desk (-want +got):\n%s", diff)
	}
	const decide, rejection = string(secor.JobDecideNeed), string(secor.JobRejection)
	_, runnable := b.request(t)
	_, woken := b.request(t)
	_, claimed := b.request(t)
	_, failed := b.request(t)
	_, unsure := b.request(t)
	_, done := b.request(t)
	b.exec(t, `UPDATE jobs SET promised_at = now() - interval '25 hours', not_before = now() - interval '2 hours' WHERE id = $1`, runnable.ID)
	b.exec(t, `UPDATE jobs SET promised_at = now() - interval '5 minutes', woken_until = now() + interval '1 minute' WHERE id = $1`, woken.ID)
	b.claim(t, claimed.ID, "w/1")
	for id, o := range map[int64]promise.Outcome{
		failed.ID: {State: promise.Failed, Why: "no"},
		unsure.ID: {State: promise.Ambiguous, Why: "who knows", Sent: true},
	} {
		c := b.claim(t, id, "w/2")
		b.exec(t, `UPDATE jobs SET sending_at = now() WHERE id = $1`, id)
		err := b.EndAttempt(t.Context(), c, o)
		if err != nil {
			t.Fatal(err)
		}
	}
	b.exec(t, `UPDATE jobs SET state = 'done', finished_at = now() WHERE id = $1`, done.ID)
	b.Grace = time.Hour
	b.rejected(t)
	b.exec(t, `UPDATE jobs SET state = 'done', finished_at = now() WHERE kind = $1 AND id > $2`, decide, done.ID)
	want := promise.Backlog{
		Newest: done.ID + 2,
		Open: []promise.OpenJobs{
			{Kind: decide, Readiness: promise.Claimed, Jobs: 1},
			{Kind: decide, Readiness: promise.Runnable, Age: 4, Jobs: 1},
			{Kind: decide, Readiness: promise.Woken, Age: 1, Jobs: 1},
			{Kind: rejection, Readiness: promise.Waiting, Jobs: 1},
		},
		Troubled: []promise.Troubled{{Kind: decide, State: promise.Ambiguous, Jobs: 1}, {Kind: decide, State: promise.Failed, Jobs: 1}},
	}
	if diff := cmp.Diff(want, counted(t, b)); diff != "" {
		t.Errorf("backlog (-want +got):\n%s", diff)
	}
	got, err := b.Backlog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range got.Open {
		lag := o.Overdue.Round(time.Minute)
		switch {
		case o.Readiness == promise.Runnable && lag != 2*time.Hour,
			o.Readiness == promise.Waiting && lag != -time.Hour:
			t.Errorf("%s is overdue for %s", o.Readiness, lag)
		}
	}

	// A kind that rests: what is not claimed waits for a person.
	b.exec(t, `INSERT INTO pauses (kind, paused_at) VALUES ($1, now())`, decide)
	want.Paused = []string{decide}
	want.Open[1] = promise.OpenJobs{Kind: decide, Readiness: promise.Paused, Age: 1, Jobs: 1}
	want.Open[2] = promise.OpenJobs{Kind: decide, Readiness: promise.Paused, Age: 4, Jobs: 1}
	if diff := cmp.Diff(want, counted(t, b)); diff != "" {
		t.Errorf("with a paused kind (-want +got):\n%s", diff)
	}
}

// What is due and nobody holds is unclaimed, woken or not; what waits, is held,
// rests or is of another release is not.
func TestReadUnclaimed(t *testing.T) {
	b := newBench(t)
	const decide = string(secor.JobDecideNeed)
	want := func(what string, least time.Duration) {
		t.Helper()
		got, err := store.ReadUnclaimed(t.Context(), b.db.DB, []string{decide, string(secor.JobRejection)})
		if err != nil {
			t.Fatal(err)
		}
		age, there := got[decide]
		if there != (least > 0) || age < least || age > least+time.Minute || len(got) > 1 {
			t.Errorf("%s: %v, want %s", what, got, least)
		}
	}
	want("an empty desk", 0)
	_, j := b.request(t)
	b.exec(t, `UPDATE jobs SET not_before = now() - interval '7 minutes' WHERE id = $1`, j.ID)
	want("due", 7*time.Minute)
	b.exec(t, `UPDATE jobs SET woken_until = now() + interval '1 minute' WHERE id = $1`, j.ID)
	want("woken", 7*time.Minute)
	b.exec(t, `INSERT INTO pauses (kind, paused_at) VALUES ($1, now())`, decide)
	want("paused", 0)
	b.exec(t, `DELETE FROM pauses`)
	b.claim(t, j.ID, "w/1")
	want("claimed", 0)
	_, j = b.request(t)
	b.exec(t, `UPDATE jobs SET not_before = now() + interval '1 minute' WHERE id = $1`, j.ID)
	want("waiting", 0)
	b.exec(t, `UPDATE jobs SET not_before = now() - interval '1 hour', kind = 'later:release' WHERE id = $1`, j.ID)
	want("of another release", 0)
}

// A transaction that somebody forgot is seen, with the rights of the application.
func TestBacklog_OldestTransaction(t *testing.T) {
	b := newBench(t)
	tx, err := b.db.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var began time.Time
	err = tx.GetContext(t.Context(), &began, `SELECT now()`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Backlog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.OldestTxn <= 0 || got.OldestTxn > time.Minute {
		t.Errorf("the oldest transaction is open for %s, want the moment since %s", got.OldestTxn, began)
	}
	err = tx.Rollback()
	if err != nil {
		t.Fatal(err)
	}
	got, err = b.Backlog(t.Context())
	if err != nil || got.OldestTxn != 0 {
		t.Errorf("after its end: %s, %v, want 0", got.OldestTxn, err)
	}
}

func TestBehind(t *testing.T) {
	b := newBench(t)
	owner := storetest.OwnerDB(t)
	want := func(behind bool) {
		t.Helper()
		got, err := b.Behind(t.Context())
		if err != nil || got != behind {
			t.Errorf("Behind() = %v, %v, want %v", got, err, behind)
		}
	}
	want(false)
	_, err := owner.Exec(`UPDATE goose_db_version SET is_applied = false WHERE version_id > 1`)
	if err != nil {
		t.Fatal(err)
	}
	want(true)
	_, err = owner.Exec(`ALTER TABLE goose_db_version RENAME TO gone`)
	if err != nil {
		t.Fatal(err)
	}
	want(true)
	b.Close()
	_, err = b.Behind(t.Context())
	if err == nil {
		t.Error("Behind() without a database has no error")
	}
}

// A scrape costs what is open, not what was done.
func TestBacklog_MillionDone(t *testing.T) {
	if os.Getenv("SECOR_LONG") != "1" {
		t.Skip("a million finished jobs take a while to make; SECOR_LONG=1 makes them")
	}
	b := newBench(t)
	_, j := b.request(t)
	fill := func(n int, state promise.State) {
		t.Helper()
		b.exec(t, `
			INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, state, not_before, finished_at)
			SELECT kind, case_id, cause, gen_random_uuid(), audience, recipient, $1, now(), CASE WHEN $1 <> 'open' THEN now() END
			FROM jobs, generate_series(1, $2)
			WHERE id = $3`, state, n, j.ID)
		_, err := storetest.OwnerDB(t).Exec(`ANALYZE jobs`)
		if err != nil {
			t.Fatal(err)
		}
	}
	median := func(what string, most time.Duration) {
		t.Helper()
		var took []time.Duration
		for range 11 {
			began := time.Now()
			_, err := b.Backlog(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		t.Logf("%s: median %s, worst %s", what, took[5], took[10])
		if took[5] > most {
			t.Errorf("%s: the median count took %s, want at most %s", what, took[5], most)
		}
	}
	fill(1_000_000, promise.Done)
	median("1 000 000 done", 50*time.Millisecond)
	fill(1_000, promise.Failed)
	fill(10_000, promise.Open)
	median("and 1 000 failed, 10 000 open", 100*time.Millisecond)
	fill(300_000, promise.Open)
	median("an outage of days: 310 000 open", 2*time.Second)
}
