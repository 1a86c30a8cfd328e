package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

func TestPauseJobs(t *testing.T) {
	b := newBench(t)
	_, letter := b.rejected(t)
	_, other := b.request(t)
	kinds := []string{string(secor.JobRejection), string(secor.JobWelcome)}
	for range 2 { // the same act, as after a lost answer
		n, err := b.PauseJobs(t.Context(), b.decision(b.lead, "pause"), kinds)
		if err != nil || n != 2 {
			t.Fatalf("PauseJobs = %d, %v, want 2", n, err)
		}
	}
	n, err := b.PauseJobs(t.Context(), b.decision(b.lead, "again"), kinds)
	if err != nil || n != 0 {
		t.Errorf("PauseJobs of what rests = %d, %v, want 0", n, err)
	}
	paused, err := b.Paused(t.Context())
	if err != nil || len(paused) != 2 || paused[0].Kind != kinds[0] || paused[0].Since.IsZero() ||
		paused[0].By != b.lead || paused[1].Reason != "address corrected" {
		t.Errorf("Paused = %v, %v", paused, err)
	}
	wakes, err := b.WakeJobs(t.Context(), everyKind(), 10, time.Minute)
	for _, w := range wakes {
		if w.JobID == letter.ID {
			t.Error("a paused job was woken")
		}
	}
	if err != nil || len(wakes) == 0 {
		t.Errorf("WakeJobs = %v, %v, want the jobs of other kinds", wakes, err)
	}
	_, ours, err := b.ClaimJob(t.Context(), letter.ID, "host:1/a", time.Minute)
	if ours || err != nil {
		t.Errorf("a paused job was claimed: %v", err)
	}
	b.claim(t, other.ID, "host:1/b")
	b.wantSound(t)
}

// A kind is paused while a worker is at a job of it, and while a wake-up is on its
// way: the first goes on, the second can be given again as soon as the kind is resumed.
func TestResumeJobs(t *testing.T) {
	b := newBench(t)
	_, first := b.rejected(t)
	_, second := b.rejected(t)
	_, err := b.WakeJobs(t.Context(), everyKind(), 10, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c := b.claim(t, first.ID, "host:1/a")
	kinds := []string{string(secor.JobRejection)}
	_, err = b.PauseJobs(t.Context(), b.decision(b.lead, "pause"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	same := b.claim(t, first.ID, "host:1/a")
	_, err = b.StartSend(t.Context(), c, jobAct(first), time.Minute, nothing)
	if err != nil || same.Fence != c.Fence {
		t.Errorf("an attempt under way stops at a pause: %v", err)
	}
	signals := 0
	b.Promised = func() { signals++ }
	n, err := b.ResumeJobs(t.Context(), b.decision(b.lead, "resume"), kinds)
	if err != nil || n != 1 || signals == 0 {
		t.Errorf("ResumeJobs = %d, %v, %d signals, want 1 and a signal", n, err, signals)
	}
	wakes, err := b.WakeJobs(t.Context(), everyKind(), 10, time.Hour)
	if err != nil || len(wakes) != 1 || wakes[0].JobID != second.ID || wakes[0].N != 2 {
		t.Errorf("WakeJobs after the pause = %v, %v, want job %d for the second time", wakes, err, second.ID)
	}
}

func TestPauseJobs_Refused(t *testing.T) {
	b := newBench(t)
	reviewer := b.person(t, "rita", secor.RoleReviewer, true)
	silent := b.decision(b.lead, "silent")
	silent.Reason = ""
	tests := []struct {
		name  string
		act   secor.Act
		kind  error
		words string
	}{
		{"a reviewer", b.decision(reviewer, "a"), secor.ErrNotAllowed, "ask a lead or an administrator"},
		{"the desk itself", b.decision(secor.Desk, "b"), secor.ErrNotAllowed, "not for the desk"},
		{"no reason", silent, secor.ErrField, "wants a reason"},
	}
	for _, tt := range tests {
		_, err := b.PauseJobs(t.Context(), tt.act, []string{string(secor.JobWelcome)})
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.words)
		}
	}
	paused, err := b.Paused(t.Context())
	if err != nil || len(paused) != 0 {
		t.Errorf("Paused = %v, %v, want none", paused, err)
	}
}

// A relay asks for what its release knows; a full kind keeps no other from its place.
func TestWakeJobs_Rooms(t *testing.T) {
	b := newBench(t)
	for range 5 {
		b.rejected(t)
	}
	rooms := []promise.Room{{Kind: string(secor.JobRejection), Most: 2}, {Kind: string(secor.JobDecideNeed), Most: 100}, {Kind: "portal:unlock", Most: 9}}
	woken := func(limit int) map[string]int {
		wakes, err := b.WakeJobs(t.Context(), rooms, limit, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, w := range wakes {
			n[w.Kind]++
		}
		return n
	}
	first, second := woken(3), woken(3)
	if first[rooms[0].Kind] != 2 || first[rooms[1].Kind] != 3 || second[rooms[0].Kind] != 0 || second[rooms[1].Kind] != 2 {
		t.Errorf("woken %v and %v, want 2 of the first kind in all and 3, 2 of the second", first, second)
	}
	var job int64
	b.scan(t, &job, `SELECT id FROM jobs WHERE woken_until IS NOT NULL AND kind = $1 LIMIT 1`, rooms[0].Kind)
	b.claim(t, job, "host:1/a")
	third := woken(3)
	if third[rooms[0].Kind] != 1 {
		t.Errorf("after a claim %v were woken, want 1 of the first kind", third)
	}
}

func TestAttempts(t *testing.T) {
	b := newBench(t)
	_, job := b.rejected(t)
	end := func(token string, o promise.Outcome) {
		c := b.claim(t, job.ID, token)
		if o.Sent {
			_, err := b.StartSend(t.Context(), c, jobAct(job), time.Minute, nothing)
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // as after a lost answer
			err := b.EndAttempt(t.Context(), c, o)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	end("desk:1/a", promise.Outcome{State: promise.Open, Why: "451 busy"})
	err := b.ReleaseJob(t.Context(), b.claim(t, job.ID, "desk:2/b"))
	if err != nil {
		t.Fatal(err)
	}
	b.claim(t, job.ID, "desk:3/c")
	b.expire(t)
	b.reconcile(t)
	end("desk:4/d", ambiguous)
	err = b.RetryJob(t.Context(), job.ID, b.decision(b.lead, "retry"), true)
	if err != nil {
		t.Fatal(err)
	}
	last := b.claim(t, job.ID, "desk/with/slashes:5/e")
	_, err = b.StartSend(t.Context(), last, jobAct(job), time.Minute, nothing)
	if err != nil {
		t.Fatal(err)
	}
	err = b.accept(t, last)
	if err != nil {
		t.Fatal(err)
	}
	attempts, err := b.Attempts(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []promise.Attempt{
		{Fence: 1, Worker: "desk:1", Outcome: promise.EndRetried, Error: "451 busy"},
		{Fence: 2, Worker: "desk:2", Outcome: promise.EndGivenBack},
		{Fence: 3, Worker: "desk:3", Outcome: promise.EndLeaseLost, Error: "attempt 2: the lease ran out"},
		{Fence: 4, Worker: "desk:4", Outcome: promise.EndAmbiguous, Error: ambiguous.Why},
	}
	if len(attempts) != len(want) {
		t.Fatalf("attempts = %+v, want %d", attempts, len(want))
	}
	for i, got := range attempts {
		if got.BeganAt.IsZero() || got.EndedAt.Before(got.BeganAt) {
			t.Errorf("attempt %d began %s and ended %s", i+1, got.BeganAt, got.EndedAt)
		}
		got.BeganAt, got.EndedAt = time.Time{}, time.Time{}
		if got != want[i] {
			t.Errorf("attempt %d = %+v, want %+v", i+1, got, want[i])
		}
	}
	done := b.job(t, job.ID)
	if done.State != promise.Done || done.Worker != "desk/with/slashes:5" || done.ClaimedAt.IsZero() || !done.Leased.IsZero() {
		t.Errorf("the job that was done = %+v", done)
	}
}

func TestFinishWith(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	owner := func(query string) { t.Helper(); b.exec(t, query) }
	owner(`CREATE TEMP TABLE effects (job bigint, note text)`)
	b.db.SetMaxOpenConns(1) // the table is one connection's
	c := b.claim(t, job.ID, "host:1/a")
	const effect = `INSERT INTO effects SELECT id, $3 FROM done`
	for range 2 { // as after a lost answer
		err := b.FinishWith(t.Context(), c, effect, "once")
		if err != nil {
			t.Fatal(err)
		}
	}
	var n int
	b.scan(t, &n, `SELECT count(*) FROM effects WHERE note = 'once' AND job = $1`, job.ID)
	if n != 1 || b.job(t, job.ID).State != promise.Done {
		t.Errorf("%d effects, the job is %s, want one and done", n, b.job(t, job.ID).State)
	}
	_, second := b.request(t)
	late := b.claim(t, second.ID, "host:1/b")
	b.expire(t)
	b.reconcile(t)
	b.claim(t, second.ID, "host:2/c")
	err := b.FinishWith(t.Context(), late, effect, "late")
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("FinishWith under an old fence = %v, want ErrLost", err)
	}
	b.scan(t, &n, `SELECT count(*) FROM effects`)
	if n != 1 {
		t.Errorf("%d effects, want 1: who comes late has none", n)
	}
}
