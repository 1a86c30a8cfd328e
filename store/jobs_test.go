package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// bench is a store with a lead and as many companies on file as a test asks for.
type bench struct {
	*store.Store
	db   *sqlx.DB
	lead secor.Actor
	n    int
}

func newBench(t testing.TB) *bench {
	t.Helper()
	programme, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), storetest.DSN(t), programme, func() time.Time { return time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.Grace = 0
	b := &bench{Store: s, db: s.Database()}
	var lead int64
	b.scan(t, &lead, `INSERT INTO reviewers (name, email, role, active, capacity) VALUES ('Lea Lead', 'lead@desk.example', 'lead', true, 8) RETURNING id`)
	b.lead = secor.ByReviewer(lead)
	return b
}

func (b *bench) scan(t testing.TB, into any, query string, args ...any) {
	t.Helper()
	err := b.db.GetContext(t.Context(), into, query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (b *bench) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	_, err := b.db.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// company puts one on file.
func (b *bench) company(t testing.TB) int64 {
	t.Helper()
	b.n++
	var company int64
	b.scan(t, &company, `
		INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member, profile_since)
		VALUES ($1, '', $1, 'AB', 'office@roy.example', 'Ana Roy', '1 Main St', 'Calgary', 'AB', 'T2P 1A1', true, '2025-01-01') RETURNING id`,
		fmt.Sprintf("Roy %d Roofing", b.n))
	return company
}

// request opens a request of a company on file, which promises one job for the
// desk: decide whether it is needed.
func (b *bench) request(t testing.TB) (secor.CaseID, promise.Job) {
	t.Helper()
	company := b.company(t)
	act := secor.Act{ID: fmt.Sprintf("open:%d", b.n), By: b.lead, Surface: secor.SurfaceFile}
	id, err := b.AddRequest(t.Context(), act, company, "ab-pir", secor.Request{Reason: secor.ReasonNoProfile, Headcount: 4})
	if err != nil {
		t.Fatal(err)
	}
	jobs := b.jobsOf(t, id)
	return id, jobs[len(jobs)-1]
}

// rejected is a request that was refused, which promises one letter.
func (b *bench) rejected(t testing.TB) (secor.CaseID, promise.Job) {
	t.Helper()
	id, _ := b.request(t)
	b.take(t, id, "reject")
	jobs := b.jobsOf(t, id)
	return id, jobs[len(jobs)-1]
}

func (b *bench) take(t testing.TB, id secor.CaseID, name string) {
	t.Helper()
	b.n++
	act := secor.Act{ID: fmt.Sprintf("take:%d", b.n), By: b.lead, Surface: secor.SurfaceCLI, Reason: "so it is"}
	err := b.UpdateCase(t.Context(), id, act, taking(name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func taking(name string) func(*secor.File, time.Time) error {
	return func(f *secor.File, _ time.Time) error {
		step, err := secor.StepFor(name, f.Case.Kind)
		if err != nil {
			return err
		}
		return step.Take(f, nil)
	}
}

func (b *bench) jobsOf(t testing.TB, id secor.CaseID) []promise.Job {
	t.Helper()
	jobs, err := b.Jobs(t.Context(), store.JobFilter{CaseID: id})
	if err != nil || len(jobs) == 0 {
		t.Fatalf("jobs of case %d: %v, %v", id, jobs, err)
	}
	return jobs
}

func (b *bench) claim(t testing.TB, job int64, token string) promise.Claim {
	t.Helper()
	c, ours, err := b.ClaimJob(t.Context(), job, token, time.Minute)
	if err != nil || !ours {
		t.Fatalf("ClaimJob(%d, %s) = %v, %v, want a claim", job, token, ours, err)
	}
	return c
}

// expire lets the lease or the wake-up of every open job run out.
func (b *bench) expire(t testing.TB) {
	t.Helper()
	b.exec(t, `UPDATE jobs SET claimed_until = claimed_until - interval '1 day', woken_until = woken_until - interval '1 day' WHERE state = 'open'`)
}

func (b *bench) reconcile(t testing.TB) (int, []promise.Job) {
	t.Helper()
	reopened, ambiguous, err := b.ReconcileJobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return reopened, ambiguous
}

func (b *bench) wantJob(t *testing.T, want promise.Job) {
	t.Helper()
	for _, got := range b.jobsOf(t, secor.CaseID(want.CaseID)) {
		if got.ID != want.ID {
			continue
		}
		got.DoneAt, got.SendingAt, got.NotBefore = want.DoneAt, want.SendingAt, want.NotBefore
		got.Woken, got.ClaimedAt, got.Leased, got.Worker = want.Woken, want.ClaimedAt, want.Leased, want.Worker
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("job (-want +got):\n%s", diff)
		}
	}
}

func (b *bench) wantEvents(t *testing.T, id secor.CaseID, kind secor.EventKind, want int) {
	t.Helper()
	events, err := b.Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, e := range events {
		if e.Kind == kind {
			got++
		}
	}
	if got != want {
		t.Errorf("case %d has %d times %s, want %d", id, got, kind, want)
	}
}

func jobAct(j promise.Job) secor.Act {
	return secor.Act{ID: fmt.Sprintf("job:%d", j.ID), By: secor.Desk, Surface: secor.SurfaceJob}
}

func decide(f *secor.File, _ secor.Event) error { return taking("not-required")(f, time.Time{}) }

// everyKind is room for a hundred jobs of each kind.
func everyKind() []promise.Room {
	var rooms []promise.Room
	for _, kind := range secor.JobKinds() {
		rooms = append(rooms, promise.Room{Kind: string(kind), Most: 100})
	}
	return rooms
}

func TestWakeJobs_EachOnce(t *testing.T) {
	b := newBench(t)
	for range 60 {
		b.request(t)
	}
	var mu sync.Mutex
	woken := map[int64]int{}
	var relays sync.WaitGroup
	for range 4 {
		relays.Go(func() {
			for {
				wakes, err := b.WakeJobs(t.Context(), everyKind(), 7, time.Minute)
				if err != nil {
					t.Error(err)
				}
				if len(wakes) == 0 {
					return
				}
				mu.Lock()
				for _, w := range wakes {
					woken[w.JobID]++
				}
				mu.Unlock()
			}
		})
	}
	relays.Wait()
	for job, times := range woken {
		if times != 1 {
			t.Errorf("job %d was woken %d times", job, times)
		}
	}
	if len(woken) != 60 {
		t.Errorf("%d jobs were woken, want 60", len(woken))
	}
	b.expire(t)
	reopened, _ := b.reconcile(t)
	wakes, err := b.WakeJobs(t.Context(), everyKind(), 100, time.Minute)
	if err != nil || reopened != 60 || len(wakes) != 60 || wakes[0].N != 2 {
		t.Errorf("after the hold: %d reopened, %d woken again, %v, want 60 for the second time", reopened, len(wakes), err)
	}
}

func TestWakeJobs_NotBefore(t *testing.T) {
	b := newBench(t)
	b.Grace = time.Hour
	id, letter := b.rejected(t)
	wakes, err := b.WakeJobs(t.Context(), everyKind(), 10, time.Minute)
	if err != nil || len(wakes) != 1 || wakes[0].JobID == letter.ID {
		t.Errorf("WakeJobs = %v, %v, want only the job for the desk", wakes, err)
	}
	_, ours, err := b.ClaimJob(t.Context(), letter.ID, "t", time.Minute)
	if ours || err != nil {
		t.Errorf("a job of case %d was claimed before its time: %v", id, err)
	}
}

func TestClaimJob(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	first := b.claim(t, job.ID, "one")
	again := b.claim(t, job.ID, "one")
	again.Job.Leased = first.Job.Leased // it holds longer
	if diff := cmp.Diff(first, again); diff != "" || first.Fence != 1 || first.Job.Attempts != 1 {
		t.Errorf("the same token claimed fence %d, attempt %d, then other: %s", first.Fence, first.Job.Attempts, diff)
	}
	_, ours, err := b.ClaimJob(t.Context(), job.ID, "two", time.Minute)
	if ours || err != nil {
		t.Errorf("a second worker claimed what the first holds: %v", err)
	}
	_, ours, err = b.ClaimJob(t.Context(), 4711, "two", time.Minute)
	if ours || err != nil {
		t.Errorf("a job that is not there was claimed: %v", err)
	}
	b.expire(t)
	reopened, ambiguous := b.reconcile(t)
	if reopened != 1 || len(ambiguous) != 0 {
		t.Errorf("ReconcileJobs = %d, %v, want 1 reopened", reopened, ambiguous)
	}
	second := b.claim(t, job.ID, "two")
	if second.Fence != 2 || second.Job.Attempts != 2 || second.Job.LastError != "attempt 1: the lease ran out" {
		t.Errorf("second claim = %+v", second)
	}
}

// Eight workers that follow the same wake-up at once: one has the job.
func TestClaimJob_Race(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	var claims [8]bool
	var workers sync.WaitGroup
	for i := range claims {
		workers.Go(func() {
			_, ours, err := b.ClaimJob(t.Context(), job.ID, fmt.Sprint("worker ", i), time.Minute)
			if err != nil {
				t.Error(err)
			}
			claims[i] = ours
		})
	}
	workers.Wait()
	n := 0
	for _, ours := range claims {
		if ours {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d workers have the job, want 1", n)
	}
}

func TestRenewClaim(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	c := b.claim(t, job.ID, "one")
	err := b.RenewClaim(t.Context(), c, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var left float64
	b.scan(t, &left, `SELECT extract(epoch FROM claimed_until - now())::float8 FROM jobs WHERE id = $1`, job.ID)
	if left < 50 {
		t.Errorf("a short renewal cut the lease to %.1f s", left)
	}
	b.expire(t)
	b.reconcile(t)
	err = b.RenewClaim(t.Context(), c, time.Minute)
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("renewal after the lease was taken = %v, want ErrLost", err)
	}
}

func TestReleaseJob(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	c := b.claim(t, job.ID, "one")
	err := b.ReleaseJob(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	err = b.ReleaseJob(t.Context(), c) // as lib/pq would after a lost answer
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("second release = %v, want ErrLost", err)
	}
	again := b.claim(t, job.ID, "two")
	if again.Job.Attempts != 1 || again.Fence != 2 {
		t.Errorf("after a release: attempt %d, fence %d, want 1 and 2", again.Job.Attempts, again.Fence)
	}
}

// A worker whose lease was taken, and given to somebody else, changes nothing.
func TestClaim_StaleFence(t *testing.T) {
	tests := map[string]func(*bench, promise.Claim) error{
		"RenewClaim": func(b *bench, c promise.Claim) error { return b.RenewClaim(t.Context(), c, time.Hour) },
		"ReleaseJob": func(b *bench, c promise.Claim) error { return b.ReleaseJob(t.Context(), c) },
	}
	for name, write := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			_, job := b.request(t)
			late := b.claim(t, job.ID, "one")
			b.expire(t)
			b.reconcile(t)
			b.claim(t, job.ID, "two")
			before := b.row(t, job.ID)
			err := write(b, late)
			if !errors.Is(err, promise.ErrLost) {
				t.Errorf("a stale fence: %v, want ErrLost", err)
			}
			if diff := cmp.Diff(before, b.row(t, job.ID)); diff != "" {
				t.Errorf("a stale fence changed the job (-before +after):\n%s", diff)
			}
		})
	}
}

// row is everything that stands of a job.
func (b *bench) row(t testing.TB, job int64) string {
	t.Helper()
	var text string
	b.scan(t, &text, `SELECT to_jsonb(j)::text FROM jobs j WHERE id = $1`, job)
	return text
}

func TestFinishWork(t *testing.T) {
	b := newBench(t)
	id, job := b.request(t)
	c := b.claim(t, job.ID, "one")
	causes := 0
	step := func(f *secor.File, cause secor.Event) error {
		if cause.Kind == secor.EventRequestReceived && cause.Seq == 1 {
			causes++
		}
		return decide(f, cause)
	}
	for range 2 { // the second as after a lost answer to COMMIT
		state, err := b.FinishWork(t.Context(), c, jobAct(job), step)
		if state != promise.Done || err != nil {
			t.Fatalf("FinishWork = %s, %v, want done", state, err)
		}
	}
	if causes != 1 {
		t.Errorf("the step was taken %d times with its cause, want once", causes)
	}
	job.State, job.Attempts = promise.Done, 1
	b.wantJob(t, job)
	b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
	if n := len(b.jobsOf(t, id)); n != 2 {
		t.Errorf("%d jobs, want the work and the letter that it promised", n)
	}
}

// A step that records nothing leaves no act behind: only the job's row knows.
func TestFinishWork_NothingToDo(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	c := b.claim(t, job.ID, "one")
	runs := 0
	for range 2 {
		state, err := b.FinishWork(t.Context(), c, jobAct(job), func(*secor.File, secor.Event) error { runs++; return nil })
		if state != promise.Done || err != nil {
			t.Fatalf("FinishWork = %s, %v, want done", state, err)
		}
	}
	if runs != 1 {
		t.Errorf("the step ran %d times, want once", runs)
	}
}

func TestFinishWork_ReasonEnded(t *testing.T) {
	b := newBench(t)
	id, job := b.request(t)
	c := b.claim(t, job.ID, "one")
	b.take(t, id, "take")
	for range 2 {
		state, err := b.FinishWork(t.Context(), c, jobAct(job), decide)
		if state != promise.Cancelled || err != nil {
			t.Fatalf("FinishWork = %s, %v, want cancelled", state, err)
		}
	}
	b.wantEvents(t, id, secor.EventRequestNotRequired, 0)
	job.State, job.Attempts = promise.Cancelled, 1
	b.wantJob(t, job)
}

func TestFinishWork_Refused(t *testing.T) {
	b := newBench(t)
	id, job := b.request(t)
	c := b.claim(t, job.ID, "one")
	no := &secor.Refusal{Kind: secor.ErrGuard, Text: "eleven people"}
	_, err := b.FinishWork(t.Context(), c, jobAct(job), func(f *secor.File, cause secor.Event) error {
		err := decide(f, cause)
		if err != nil {
			return err
		}
		return no
	})
	if !errors.Is(err, secor.ErrGuard) || err.Error() != "eleven people" {
		t.Errorf("FinishWork = %v, want the refusal and its own words", err)
	}
	b.wantEvents(t, id, secor.EventRequestNotRequired, 0)
	job.Attempts = 1
	b.wantJob(t, job)
}

// The lease runs out while the step is being taken, and another worker claims the
// job: what the late one did is undone.
func TestFinishWork_LateWorker(t *testing.T) {
	b := newBench(t)
	id, job := b.request(t)
	late := b.claim(t, job.ID, "one")
	var next promise.Claim
	_, err := b.FinishWork(t.Context(), late, jobAct(job), func(f *secor.File, cause secor.Event) error {
		b.expire(t)
		b.reconcile(t)
		next = b.claim(t, job.ID, "two")
		return decide(f, cause)
	})
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("FinishWork of the late worker = %v, want ErrLost", err)
	}
	b.wantEvents(t, id, secor.EventRequestNotRequired, 0)
	state, err := b.FinishWork(t.Context(), next, jobAct(job), decide)
	if state != promise.Done || err != nil {
		t.Errorf("FinishWork of the next = %s, %v, want done", state, err)
	}
	b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
	_, err = b.FinishWork(t.Context(), late, jobAct(job), decide)
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("FinishWork with the old fence = %v, want ErrLost", err)
	}
}

func nothing(*secor.File, secor.Event) error { return nil }

func TestStartSend(t *testing.T) {
	b := newBench(t)
	id, job := b.rejected(t)
	c := b.claim(t, job.ID, "one")
	starts, err := b.StartSend(t.Context(), c, jobAct(job), time.Hour, func(f *secor.File, cause secor.Event) error {
		if f.Today().String() != "2026-03-25" || cause.Kind != secor.EventRequestRejected || cause.Text != "so it is" {
			t.Errorf("prepare sees %s and %+v", f.Today(), cause)
		}
		// Nobody changes the case until the start is committed.
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := b.UpdateCase(ctx, id, secor.Act{ID: "meanwhile", By: b.lead, Surface: secor.SurfaceCLI, Reason: "a page came"}, taking("reopen"))
		if err == nil {
			t.Error("the case was reopened between the question and the start")
		}
		return nil
	})
	if !starts || err != nil {
		t.Fatalf("StartSend = %v, %v, want a start", starts, err)
	}
	var lease float64
	b.scan(t, &lease, `SELECT extract(epoch FROM claimed_until - sending_at)::float8 FROM jobs WHERE id = $1`, job.ID)
	if lease < 3599 {
		t.Errorf("the lease of the send is %.0f s, want an hour", lease)
	}
	for range 2 {
		err = b.FinishSend(t.Context(), c, "250 ok", jobAct(job), func(f *secor.File) error {
			return f.Accepted(secor.JobRejection, job.Recipient)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.wantEvents(t, id, secor.EventLetterSent, 1)
	job.State, job.Attempts, job.Receipt = promise.Done, 1, "250 ok"
	b.wantJob(t, job)
}

func TestStartSend_ReasonEnded(t *testing.T) {
	b := newBench(t)
	id, job := b.rejected(t)
	c := b.claim(t, job.ID, "one")
	b.take(t, id, "reopen")
	starts, err := b.StartSend(t.Context(), c, jobAct(job), time.Hour, func(*secor.File, secor.Event) error {
		t.Error("the letter was made")
		return nil
	})
	if starts || err != nil {
		t.Errorf("StartSend = %v, %v, want none", starts, err)
	}
	job.State, job.Attempts = promise.Cancelled, 1
	b.wantJob(t, job)
}

func TestStartSend_Refused(t *testing.T) {
	b := newBench(t)
	_, job := b.rejected(t)
	c := b.claim(t, job.ID, "one")
	starts, err := b.StartSend(t.Context(), c, jobAct(job), time.Hour, func(*secor.File, secor.Event) error {
		return &secor.Refusal{Kind: secor.ErrNotFound, Text: "no address"}
	})
	if starts || !errors.Is(err, secor.ErrNotFound) {
		t.Errorf("StartSend = %v, %v, want the refusal", starts, err)
	}
	var sending bool
	b.scan(t, &sending, `SELECT sending_at IS NOT NULL FROM jobs WHERE id = $1`, job.ID)
	if sending {
		t.Error("the job says that it was sending")
	}
}

func TestStartSend_LeaseLost(t *testing.T) {
	b := newBench(t)
	_, job := b.rejected(t)
	c := b.claim(t, job.ID, "one")
	b.expire(t)
	b.reconcile(t)
	starts, err := b.StartSend(t.Context(), c, jobAct(job), time.Hour, nothing)
	if starts || !errors.Is(err, promise.ErrLost) {
		t.Errorf("StartSend = %v, %v, want ErrLost", starts, err)
	}
}

// The lease runs out while the letter is being made, and another worker claims the
// job: the late one does not start.
func TestStartSend_LateWorker(t *testing.T) {
	b := newBench(t)
	_, job := b.rejected(t)
	late := b.claim(t, job.ID, "one")
	starts, err := b.StartSend(t.Context(), late, jobAct(job), time.Hour, func(*secor.File, secor.Event) error {
		b.expire(t)
		b.reconcile(t)
		b.claim(t, job.ID, "two")
		return nil
	})
	if starts || !errors.Is(err, promise.ErrLost) {
		t.Errorf("StartSend = %v, %v, want ErrLost", starts, err)
	}
	if got := b.job(t, job.ID); !got.SendingAt.IsZero() {
		t.Errorf("the job says that it was sending: %+v", got)
	}
}

// A letter that may have left is not cancelled by its worker, who comes late and
// finds that its reason ended: whether it left is for a person to find out.
func TestStartSend_AmbiguousAndReasonEnded(t *testing.T) {
	b := newBench(t)
	id, c := b.ended(t, ambiguous)
	b.take(t, id, "reopen")
	before := b.row(t, c.Job.ID)
	starts, err := b.StartSend(t.Context(), c, jobAct(c.Job), time.Hour, nothing)
	if starts || !errors.Is(err, promise.ErrLost) {
		t.Errorf("StartSend = %v, %v, want ErrLost", starts, err)
	}
	if b.row(t, c.Job.ID) != before {
		t.Errorf("the ambiguous job is changed: %s", b.row(t, c.Job.ID))
	}
}

// A worker dies while sending: the job is ambiguous, and nobody can claim it. The
// worker was only slow: its receipt still counts.
func TestFinishSend_AfterTheLease(t *testing.T) {
	b := newBench(t)
	id, job := b.rejected(t)
	c := b.claim(t, job.ID, "one")
	_, err := b.StartSend(t.Context(), c, jobAct(job), time.Minute, nothing)
	if err != nil {
		t.Fatal(err)
	}
	b.expire(t)
	reopened, ambiguous := b.reconcile(t)
	if reopened != 0 || len(ambiguous) != 1 || ambiguous[0].LastError != "attempt 1: the lease ran out while sending" {
		t.Fatalf("ReconcileJobs = %d, %+v, want one ambiguous", reopened, ambiguous)
	}
	_, ours, err := b.ClaimJob(t.Context(), job.ID, "two", time.Minute)
	if ours || err != nil {
		t.Errorf("an ambiguous job was claimed: %v", err)
	}
	err = b.FinishSend(t.Context(), c, "250 ok", jobAct(job), func(f *secor.File) error { return f.Accepted(secor.JobRejection, job.Recipient) })
	if err != nil {
		t.Fatal(err)
	}
	b.wantEvents(t, id, secor.EventLetterSent, 1)
	if got := b.jobsOf(t, id)[1]; got.State != promise.Done || got.Receipt != "250 ok" {
		t.Errorf("job = %+v, want done with its receipt", got)
	}
}

func TestEndAttempt(t *testing.T) {
	tests := []struct {
		name    string
		sending bool
		outcome promise.Outcome
		claim   bool // it can be claimed again
		sentAt  bool // it says that something may have left
	}{
		{"a fault, tried again at once", false, promise.Outcome{State: promise.Open, Why: "no route"}, true, false},
		{"a fault, tried again later", false, promise.Outcome{State: promise.Open, Why: "no route", RetryIn: time.Hour}, false, false},
		{"a server that was busy", true, promise.Outcome{State: promise.Open, Why: "451"}, true, false},
		{"given up", false, promise.Outcome{State: promise.Failed, Why: "no address"}, false, false},
		{"refused by the server", true, promise.Outcome{State: promise.Failed, Why: "550"}, false, false},
		{"cut off in the middle", true, promise.Outcome{State: promise.Ambiguous, Why: "EOF", Sent: true}, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			id, job := b.rejected(t)
			c := b.claim(t, job.ID, "one")
			if tt.sending {
				_, err := b.StartSend(t.Context(), c, jobAct(job), time.Minute, nothing)
				if err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the second as lib/pq would after a lost answer
				err := b.EndAttempt(t.Context(), c, tt.outcome)
				if err != nil {
					t.Fatal(err)
				}
			}
			got := b.jobsOf(t, id)[1]
			if got.State != tt.outcome.State || got.LastError != tt.outcome.Why || got.SendingAt.IsZero() == tt.sentAt {
				t.Errorf("job = %+v", got)
			}
			_, ours, err := b.ClaimJob(t.Context(), job.ID, "two", time.Minute)
			if ours != tt.claim || err != nil {
				t.Errorf("claimed again: %v, %v, want %v", ours, err, tt.claim)
			}
		})
	}
}

func TestEndAttempt_LateWorker(t *testing.T) {
	b := newBench(t)
	id, job := b.request(t)
	late := b.claim(t, job.ID, "one")
	b.expire(t)
	b.reconcile(t)
	b.claim(t, job.ID, "two")
	err := b.EndAttempt(t.Context(), late, promise.Outcome{State: promise.Failed, Why: "too late"})
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("EndAttempt = %v, want ErrLost", err)
	}
	if got := b.jobsOf(t, id)[0]; got.State != promise.Open {
		t.Errorf("the late worker made it %s", got.State)
	}
}

// The lease ran out while a busy server kept the worker waiting: it knows that
// nothing was sent, so the job is not ambiguous any more.
func TestEndAttempt_AfterTheLease(t *testing.T) {
	b := newBench(t)
	id, job := b.rejected(t)
	c := b.claim(t, job.ID, "one")
	_, err := b.StartSend(t.Context(), c, jobAct(job), time.Minute, nothing)
	if err != nil {
		t.Fatal(err)
	}
	b.expire(t)
	b.reconcile(t)
	err = b.EndAttempt(t.Context(), c, promise.Outcome{State: promise.Open, Why: "451"})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.jobsOf(t, id)[1]; got.State != promise.Open || !got.SendingAt.IsZero() || !got.DoneAt.IsZero() {
		t.Errorf("job = %+v, want one that is tried again", got)
	}
	b.claim(t, job.ID, "two")
}

func TestQuiet(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	for _, want := range []bool{false, true} {
		quiet, err := b.Quiet(t.Context())
		if quiet != want || err != nil {
			t.Errorf("Quiet = %v, %v, want %v", quiet, err, want)
		}
		if !want {
			_, err = b.FinishWork(t.Context(), b.claim(t, job.ID, "one"), jobAct(job), nothing)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What may never stand in the table, whatever the program's mistake.
func TestJobs_Constraints(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	tests := []struct{ constraint, change string }{
		{"jobs_state_is_known", `state = 'lost', finished_at = now()`},
		{"jobs_finished_has_a_time", `state = 'done'`},
		{"jobs_claim_is_whole", `claimed_until = now()`},
		{"jobs_held_only_while_open", `state = 'done', finished_at = now(), woken_until = now()`},
		{"jobs_woken_or_claimed", `woken_until = now(), claimed_until = now(), token = 't'`},
		{"jobs_open_sends_under_a_claim", `sending_at = now()`},
		{"jobs_ambiguous_was_sending", `state = 'ambiguous', finished_at = now()`},
		{"jobs_counts_not_negative", `attempts = -1`},
		{"jobs_cause_is_recorded", `cause = 99`},
		{"jobs_kind_is_family_and_verb", `kind = 'mail'`},
		{"jobs_recipient_is_known", `recipient = 'somebody'`},
	}
	for _, tt := range tests {
		_, err := b.db.ExecContext(t.Context(), `UPDATE jobs SET `+tt.change+` WHERE id = $1`, job.ID)
		var e *pq.Error
		if !errors.As(err, &e) || e.Constraint != tt.constraint {
			t.Errorf("%s: %v", tt.constraint, err)
		}
	}
}

// One op claims a promised job and does it: with one statement, which is the
// engine's own share, and with a step of the rules.
func BenchmarkJob(b *testing.B) {
	for _, workers := range []int{1, 16, 32} {
		b.Run(fmt.Sprintf("statement/workers=%d", workers), func(b *testing.B) {
			desk := newEffectBench(b)
			_, job := desk.request(b)
			var ids []int64
			err := desk.db.SelectContext(b.Context(), &ids, `
				INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, not_before)
				SELECT kind, case_id, cause, 'copy ' || n, audience, recipient, now()
				FROM jobs, generate_series(1, $2) n
				WHERE id = $1
				RETURNING id`, job.ID, b.N)
			if err != nil {
				b.Fatal(err)
			}
			benchmarkJobs(b, desk, workers, ids, func(c promise.Claim) error { return desk.FinishWith(b.Context(), c, effectSQL, "x") })
		})
		b.Run(fmt.Sprintf("step/workers=%d", workers), func(b *testing.B) {
			desk := newBench(b)
			var ids []int64
			for range b.N {
				_, job := desk.request(b)
				ids = append(ids, job.ID)
			}
			benchmarkJobs(b, desk, workers, ids, func(c promise.Claim) error {
				_, err := desk.FinishWork(b.Context(), c, jobAct(c.Job), decide)
				return err
			})
		})
	}
}

func benchmarkJobs(b *testing.B, desk *bench, workers int, ids []int64, do func(promise.Claim) error) {
	b.Helper()
	work := make(chan int64, len(ids))
	for _, id := range ids {
		work <- id
	}
	close(work)
	var done sync.WaitGroup
	b.ResetTimer()
	for range workers {
		done.Go(func() {
			for id := range work {
				c, ours, err := desk.ClaimJob(b.Context(), id, fmt.Sprint("worker/", id), time.Minute)
				if !ours || err != nil {
					b.Errorf("ClaimJob = %v, %v", ours, err)
				}
				err = do(c)
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	done.Wait()
}

// One op is a transaction of a desk that has more to write than one row; the other
// one of the two promises a job instead of writing one plain row more.
func BenchmarkPromise(b *testing.B) {
	for _, name := range []string{"a plain row more", "a job"} {
		b.Run(name, func(b *testing.B) {
			desk := newEffectBench(b)
			// Of many cases: transactions of one case wait for one another.
			jobs := make([]promise.Job, 100)
			for i := range jobs {
				_, jobs[i] = desk.request(b)
			}
			var n atomic.Int64
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					err := desk.promiseOne(b, jobs[i%100], name == "a job", i)
					if err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func (b *bench) promiseOne(t testing.TB, job promise.Job, promises bool, n int64) error {
	tx, err := b.db.BeginTxx(t.Context(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for range 2 {
		_, err = tx.ExecContext(t.Context(), `INSERT INTO effects (job_id, what) VALUES ($1, $2)`, n, "a row of the goal")
		if err != nil {
			return err
		}
	}
	if promises {
		job.Key = fmt.Sprint("promise ", n)
		err = store.AddJob(t.Context(), tx, job, 0)
	} else {
		_, err = tx.ExecContext(t.Context(), plainSQL, job.Kind, job.CaseID, job.Cause, fmt.Sprint("promise ", n), job.Audience, job.Recipient, 0)
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

// plainSQL writes what a promise writes, into a table without the engine's indexes
// and constraints.
const plainSQL = `
	INSERT INTO plain (kind, case_id, cause, key, audience, recipient, not_before)
	VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7 * interval '1 microsecond')`

// newEffectBench is a bench with tables for what jobs do.
func newEffectBench(t testing.TB) *bench {
	t.Helper()
	b := newBench(t)
	_, err := storetest.OwnerDB(t).Exec(`
		CREATE TABLE effects (job_id bigint, what text);
		CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text, case_id bigint REFERENCES cases (id), cause int,
			key text UNIQUE, audience text, recipient text, not_before timestamptz, at timestamptz NOT NULL DEFAULT now());
		GRANT ALL ON effects, plain TO secordesk_app`)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
