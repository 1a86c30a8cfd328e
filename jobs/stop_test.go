package jobs_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// soon fails the test when something takes far longer than the two seconds that a
// worker has to end.
func soon(t *testing.T, what string, do func()) {
	t.Helper()
	begun, done := time.Now(), make(chan struct{})
	go func() { do(); close(done) }()
	select {
	case <-done:
		t.Logf("%s took %s", what, time.Since(begun).Round(time.Millisecond))
	case <-time.After(5 * time.Second):
		t.Fatalf("%s takes longer than five seconds", what)
	}
}

// A handler is stuck when the process has to end: its job is given back.
func TestWorker_StopsBesideStuckWork(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	inside, goOn := b.hangs(t, secor.JobDecideNeed, 1)
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) { k.Timeout = time.Minute })
	b.relay(t)
	w, stop := b.crew(t, b.Store)
	id := b.request(t)
	<-inside
	soon(t, "the stop", stop)
	b.wantJob(t, id, secor.JobDecideNeed, promise.Open, 0)
	if j := b.job(t, id, secor.JobDecideNeed); !j.Leased.IsZero() {
		t.Errorf("the claim was not given back: %+v", j)
	}
	goOn()
	await(t, "it to come back", func() bool { return w.Stuck() == 0 })
	b.wantEvents(t, id, secor.EventRequestNotRequired, 0)
}

// frozen is a Postgres that gives out claims and answers nothing else, whatever
// becomes of the context, until it is let go.
type frozen struct {
	jobs.Promises
	asked chan struct{} // hears of the first call that is not answered
	until chan struct{}
}

func (f frozen) wait() {
	select {
	case f.asked <- struct{}{}:
	default:
	}
	<-f.until
}

func (f frozen) ReleaseJob(ctx context.Context, c promise.Claim) error {
	f.wait()
	return f.Promises.ReleaseJob(ctx, c)
}

func (f frozen) FinishWork(ctx context.Context, c promise.Claim, act secor.Act, step func(*secor.File, secor.Event) error) (promise.State, error) {
	f.wait()
	return f.Promises.FinishWork(ctx, c, act, step)
}

func (f frozen) StartSend(ctx context.Context, c promise.Claim, act secor.Act, lease time.Duration, prepare func(*secor.File, secor.Event) error) (bool, error) {
	starts, err := f.Promises.StartSend(ctx, c, act, lease, prepare)
	f.wait()
	return starts, err
}

// Postgres answers nothing when the process has to end: it ends all the same, and
// begins nothing when the answers come at last. The leases do the rest.
func TestWorker_StopsWithoutPostgres(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		kind secor.JobKind
	}{
		{"in the middle of work", secor.JobDecideNeed},
		{"with the leave to send under way", secor.JobRejection},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queue.start(t)
			ids := map[secor.JobKind]secor.CaseID{secor.JobDecideNeed: b.request(t)}
			ids[secor.JobRejection], _ = b.rejected(t)
			id := ids[tt.kind]
			b.exec(t, `UPDATE jobs SET not_before = now() + interval '1 day' WHERE id <> $1`, b.job(t, id, tt.kind).ID)
			f := frozen{b.Store, make(chan struct{}, 1), make(chan struct{})}
			letGo := sync.OnceFunc(func() { close(f.until) })
			defer letGo()
			unrelay := b.relay(t)
			_, stop := b.crew(t, f)
			<-f.asked
			unrelay()
			soon(t, "the stop", stop)
			letGo()
			b.expire(t)
			b.engine(t)
			await(t, "the end", func() bool { return b.job(t, id, tt.kind).State != promise.Open })
			job, letters := b.job(t, id, tt.kind), 0
			for _, m := range b.post.sent() {
				if strings.HasPrefix(m.ID, fmt.Sprintf("job-%d@", job.ID)) {
					letters++
				}
			}
			// What was given back in time is done by the others, and a letter else in doubt.
			if tt.kind == secor.JobRejection && (job.State == promise.Done) != (letters == 1) || letters > 1 {
				t.Errorf("the letter is %s, and left %d times", job.State, letters)
			}
			if tt.kind == secor.JobDecideNeed && job.State != promise.Done {
				t.Errorf("the work is %s", job.State)
			}
		})
	}
}

// A claim is not answered when the process has to end: it is not waited for. Where
// the process lives on and the answer comes, the job is given back.
func TestWorker_StopsWhileClaiming(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	f := slowClaim{b.Store, make(chan struct{}, 1), make(chan struct{})}
	letGo := sync.OnceFunc(func() { close(f.until) })
	defer letGo()
	unrelay := b.relay(t)
	_, stop := b.crew(t, f)
	id := b.request(t)
	<-f.asked
	unrelay()
	soon(t, "the stop", stop)
	letGo()
	await(t, "the claim to be given back", func() bool {
		var back bool
		b.scan(t, &back, `SELECT fence = 1 AND claimed_until IS NULL FROM jobs WHERE case_id = $1`, id)
		return back
	})
	b.wantJob(t, id, secor.JobDecideNeed, promise.Open, 0)
}

type slowClaim struct {
	jobs.Promises
	asked, until chan struct{}
}

func (s slowClaim) ClaimJob(_ context.Context, id int64, token string, lease time.Duration) (promise.Claim, bool, error) {
	s.asked <- struct{}{}
	<-s.until
	return s.Promises.ClaimJob(context.Background(), id, token, lease)
}

// A worker is stopped while it has much to do, and another one goes on: nothing
// is done twice, and no attempt was burnt.
func TestWorker_StopsUnderLoad(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	var ids []secor.CaseID
	for range 60 {
		ids = append(ids, b.request(t))
	}
	b.relay(t)
	_, stop := b.crew(t, b.Store)
	await(t, "twenty decisions", func() bool { return b.ended(secor.JobDecideNeed) >= 20 })
	soon(t, "the stop", stop)
	var held int
	b.scan(t, &held, `SELECT count(*) FROM jobs WHERE claimed_until IS NOT NULL`)
	if held != 0 {
		t.Errorf("%d claims were not given back", held)
	}
	b.crew(t, b.Store)
	b.reconciler(t)
	b.exec(t, `UPDATE jobs SET woken_until = now() - interval '1 day' WHERE woken_until IS NOT NULL`)
	b.awaitQuiet(t)
	for _, id := range ids {
		b.wantJob(t, id, secor.JobDecideNeed, promise.Done, 1)
		b.wantJob(t, id, secor.JobNotRequired, promise.Done, 1)
		b.wantEvents(t, id, secor.EventLetterSent, 1)
	}
}
