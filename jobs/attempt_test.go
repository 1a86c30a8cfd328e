package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// crew runs a worker as bench.worker does, and returns it too.
func (b *bench) crew(t *testing.T, promises jobs.Promises) (*jobs.Worker, func()) {
	t.Helper()
	desk, err := jobs.NewDesk(jobs.Office{Name: "Prairie Safety Partners", From: "desk@prairie.example"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := jobs.NewWorker(promises, b.post, desk, b.kinds, b.pace, slog.New(b.book))
	if err != nil {
		t.Fatal(err)
	}
	stop := b.run(t, func(ctx context.Context) {
		err := w.Run(ctx, b.queue)
		if err != nil {
			t.Error(err)
		}
	})
	return w, stop
}

// logged counts the lines of the book that have this in them.
func (b *bench) logged(what string) int { return strings.Count(strings.Join(b.book.all(), "\n"), what) }

// ended counts the lines that tell how attempts at a kind of job ended.
func (b *bench) ended(kind secor.JobKind) int {
	n := 0
	for _, line := range b.book.all() {
		if strings.Contains(line, "job ended") && strings.Contains(line, "kind="+string(kind)+" ") {
			n++
		}
	}
	return n
}

// hold locks a case until the returned function is called.
func (b *bench) hold(t *testing.T, id secor.CaseID) func() {
	t.Helper()
	tx, err := b.db.BeginTxx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	_, err = tx.ExecContext(t.Context(), `SELECT 1 FROM cases WHERE id = $1 FOR UPDATE`, id)
	if err != nil {
		t.Fatal(err)
	}
	return func() { tx.Rollback() }
}

// hangs makes one kind's work, or its letter, hang in its first n runs. The
// returned channel hears of each; the function lets all of them go on.
func (b *bench) hangs(t *testing.T, name secor.JobKind, n int64) (<-chan struct{}, func()) {
	t.Helper()
	on, inside := make(chan struct{}), make(chan struct{}, n)
	goOn := sync.OnceFunc(func() { close(on) })
	t.Cleanup(goOn)
	var runs atomic.Int64
	hang := func() {
		if runs.Add(1) <= n {
			inside <- struct{}{}
			<-on
		}
	}
	b.change(name, func(k *jobs.Kind) {
		k.Timeout = 2 * time.Second
		work, letter := k.Work, k.Letter
		if work != nil {
			k.Work = func(d *jobs.Desk, f *secor.File, cause secor.Event) error { hang(); return work(d, f, cause) }
			return
		}
		k.Letter = func(d *jobs.Desk, f *secor.File, cause secor.Event, to jobs.Recipient) (mail.Message, error) {
			hang()
			return letter(d, f, cause, to)
		}
	})
	return inside, goOn
}

// oneSlot leaves a bench one slot for each queue.
func (b *bench) oneSlot() {
	for i := range b.pace.Lanes {
		b.pace.Lanes[i].Concurrency = 1
	}
}

// A handler never comes back: its slot, its connection and its locks are free, the
// job is done by another attempt, and what the first one returns at last counts
// for nothing.
func TestWorker_StuckWork(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	b.oneSlot()
	_, goOn := b.hangs(t, secor.JobDecideNeed, 1)
	b.relay(t)
	b.reconciler(t)
	w, _ := b.crew(t, b.Store)
	id := b.request(t)
	b.awaitQuiet(t)
	b.wantJob(t, id, secor.JobDecideNeed, promise.Done, 2)
	job := b.job(t, id, secor.JobDecideNeed)
	if n := w.Stuck(); n != 1 {
		t.Errorf("%d handlers are stuck, want 1", n)
	}
	if n := b.logged(fmt.Sprintf("ERROR handler is stuck job=%d kind=%s stuck=1", job.ID, job.Kind)); n != 1 {
		t.Errorf("%d lines tell of the stuck handler: %q", n, b.book.all())
	}
	attempts, err := b.Attempts(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(attempts) != 1 || !strings.Contains(attempts[0].Error, "took longer than 2s") || !strings.HasPrefix(attempts[0].Worker, b.pace.Worker) {
		t.Errorf("attempts = %+v, want one of %s that took too long", attempts, b.pace.Worker)
	}
	goOn()
	await(t, "it to come back", func() bool { return w.Stuck() == 0 })
	b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
}

// The stuck handler comes back before anybody else has claimed the job, and under
// a fence that is still the job's: its transaction is over all the same.
func TestWorker_StuckWorkBeforeRetry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	_, goOn := b.hangs(t, secor.JobDecideNeed, 1)
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) { k.Backoff = func(int) time.Duration { return time.Hour } })
	b.relay(t)
	w, _ := b.crew(t, b.Store)
	id := b.request(t)
	await(t, "the attempt's end", func() bool { return b.job(t, id, secor.JobDecideNeed).LastError != "" })
	goOn()
	await(t, "it to come back", func() bool { return b.logged("stuck handler came back") == 1 })
	b.wantEvents(t, id, secor.EventRequestNotRequired, 0)
	b.wantJob(t, id, secor.JobDecideNeed, promise.Open, 1)
	if n := w.Stuck(); n != 0 {
		t.Errorf("%d handlers are stuck, want none", n)
	}
	b.exec(t, `UPDATE jobs SET not_before = now()`)
	b.awaitQuiet(t)
	b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
}

// A letter that is being made never comes back in time. It is made again and
// leaves once; the late one is not sent.
func TestWorker_StuckLetter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	b.oneSlot()
	_, goOn := b.hangs(t, secor.JobRejection, 1)
	b.relay(t)
	w, _ := b.crew(t, b.Store)
	id, _ := b.rejected(t)
	b.awaitQuiet(t)
	goOn()
	await(t, "it to come back", func() bool { return w.Stuck() == 0 })
	b.wantJob(t, id, secor.JobRejection, promise.Done, 2)
	if n := len(b.post.sent()); n != 1 {
		t.Errorf("%d letters, want 1", n)
	}
}

// The leave to send was given, but told so late that nobody waited for it any
// more: nothing is sent under it.
func TestWorker_LeaveToSendTooLate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		timeout time.Duration
		lease   time.Duration
		tell    func(t *testing.T, b *bench, id secor.CaseID) // returns when it is late
	}{
		{"after the attempt's end", 2 * time.Second, 10 * time.Second, func(t *testing.T, b *bench, id secor.CaseID) {
			await(t, "another attempt's letter", func() bool { return len(b.post.sent()) == 1 })
		}},
		{"when others doubt whether it was sent", 20 * time.Second, 2 * time.Second, func(t *testing.T, b *bench, id secor.CaseID) {
			await(t, "half a lease", func() bool {
				var late bool
				b.scan(t, &late, `SELECT clock_timestamp() > sending_at + interval '1 second' FROM jobs WHERE kind = $1`, secor.JobRejection)
				return late
			})
			b.expire(t)
			await(t, "doubt", func() bool { return b.job(t, id, secor.JobRejection).State == promise.Ambiguous })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queue.start(t)
			b.change(secor.JobRejection, func(k *jobs.Kind) { k.Timeout = tt.timeout })
			b.pace.Lease, b.pace.Renew = tt.lease, tt.lease/3
			id, _ := b.rejected(t)
			told := make(chan struct{})
			var runs atomic.Int64
			b.relay(t)
			b.reconciler(t)
			b.crew(t, slowLeave{b.Store, func() {
				if runs.Add(1) == 1 {
					tt.tell(t, b, id)
					close(told)
				}
			}})
			<-told
			await(t, "the letter", func() bool { return b.job(t, id, secor.JobRejection).State == promise.Done })
			b.wantJob(t, id, secor.JobRejection, promise.Done, 2)
			if n := len(b.post.sent()); n != 1 {
				t.Errorf("%d letters, want 1", n)
			}
			b.wantEvents(t, id, secor.EventLetterSent, 1)
		})
	}
}

// slowLeave commits that sending begins, and tells it late. It goes on whatever
// becomes of its context, as a call to a Postgres that does not answer.
type slowLeave struct {
	jobs.Promises
	wait func()
}

func (slowLeave) RenewClaim(context.Context, promise.Claim, time.Duration) error { return nil }

func (s slowLeave) StartSend(_ context.Context, c promise.Claim, act secor.Act, lease time.Duration, prepare func(*secor.File, secor.Event) error) (bool, error) {
	starts, err := s.Promises.StartSend(context.Background(), c, act, lease, prepare)
	s.wait()
	return starts, err
}

// A sender ignores its timeout: the job is ambiguous, and done when the receipt
// comes at last.
func TestWorker_StuckSender(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		says  error
		state promise.State
		runs  int
	}{
		{"and has the receipt at last", nil, promise.Done, 1},
		{"and knows at last that it was not sent", &mail.SendError{Outcome: mail.NotSent, Step: mail.StepConnect, Err: errors.New("no route")}, promise.Done, 2},
		{"and knows nothing", errors.New("EOF"), promise.Ambiguous, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queue.start(t)
			b.oneSlot()
			b.change(secor.JobRejection, func(k *jobs.Kind) { k.Timeout = 2 * time.Second })
			on := make(chan struct{})
			var runs atomic.Int64
			b.post.fail = func(context.Context, mail.Message) error {
				if runs.Add(1) > 1 {
					return nil
				}
				<-on
				return tt.says
			}
			b.relay(t)
			w, _ := b.crew(t, b.Store)
			id, _ := b.rejected(t)
			await(t, "doubt", func() bool { return b.job(t, id, secor.JobRejection).State == promise.Ambiguous })
			if n := w.Stuck(); n != 1 {
				t.Errorf("%d are stuck, want 1", n)
			}
			close(on)
			await(t, "the late answer to be recorded", func() bool { return b.ended(secor.JobRejection) == tt.runs+1 })
			j := b.wantJob(t, id, secor.JobRejection, tt.state, tt.runs)
			if (j.Receipt == "250 kept") != (tt.state == promise.Done) {
				t.Errorf("the receipt is %q", j.Receipt)
			}
		})
	}
}

// As many handlers are stuck as the queue has slots: the next one keeps its slot,
// and the queue goes on when one comes back.
func TestWorker_StuckQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	b.oneSlot()
	_, goOn := b.hangs(t, secor.JobDecideNeed, 2)
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) { k.Backoff = func(int) time.Duration { return time.Hour } })
	b.relay(t)
	w, _ := b.crew(t, b.Store)
	b.request(t)
	await(t, "one to be stuck", func() bool { return w.Stuck() == 1 })
	b.request(t)
	await(t, "the queue to say so", func() bool { return b.logged("queue is losing its slots; restart this process queue=decisions") == 1 })
	third := b.request(t)
	await(t, "the third to be woken", func() bool { return !b.job(t, third, secor.JobDecideNeed).Woken.IsZero() })
	b.wantJob(t, third, secor.JobDecideNeed, promise.Open, 0)
	goOn()
	await(t, "the third to be done", func() bool { return b.job(t, third, secor.JobDecideNeed).State == promise.Done })
	if n := w.Stuck(); n != 0 {
		t.Errorf("%d are stuck, want none", n)
	}
}

// Panics and ended goroutines end one attempt, wherever they come from.
func TestWorker_HandlerDies(t *testing.T) {
	t.Parallel()
	deaths := map[string]func(){"no such index": func() { panic("no such index") }, "ended its goroutine": runtime.Goexit}
	for says, die := range deaths {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queue.start(t)
			b.oneSlot()
			for _, name := range []secor.JobKind{secor.JobDecideNeed, secor.JobRejection} {
				b.change(name, func(k *jobs.Kind) {
					k.Attempts = 2
					if k.Work != nil {
						k.Work = func(*jobs.Desk, *secor.File, secor.Event) error { die(); return nil }
						return
					}
					k.Letter = func(*jobs.Desk, *secor.File, secor.Event, jobs.Recipient) (mail.Message, error) {
						die()
						return mail.Message{}, nil
					}
				})
			}
			b.post.fail = func(context.Context, mail.Message) error { die(); return nil }
			work := b.request(t)
			letter, _ := b.rejected(t)
			b.engine(t)
			b.awaitQuiet(t)
			for _, j := range []promise.Job{
				b.wantJob(t, work, secor.JobDecideNeed, promise.Failed, 2), b.wantJob(t, letter, secor.JobRejection, promise.Failed, 2),
			} {
				if !strings.Contains(j.LastError, says) {
					t.Errorf("job %d says %q, want %q", j.ID, j.LastError, says)
				}
			}
		})
	}
}

// A worker that is told that its lease is lost, or is told nothing for a lease's
// length, stops its work, which here waits for a lock.
func TestWorker_StopsWithoutLease(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		promises func(s jobs.Promises) jobs.Promises
		take     string // the job from the worker
		says     string
	}{
		{"lost", func(s jobs.Promises) jobs.Promises { return s }, `UPDATE jobs SET fence = fence + 1`, "err=the claim on the job was lost"},
		{"not renewed", func(s jobs.Promises) jobs.Promises { return unrenewed{s} }, `SELECT 1`, "err=the lease could not be renewed"},
		{"not answered", func(s jobs.Promises) jobs.Promises { return unanswered{s} }, `SELECT 1`, "err=the lease could not be renewed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queue.start(t)
			b.pace.Lease, b.pace.Renew = 2*time.Second, 200*time.Millisecond
			id := b.request(t)
			letGo := b.hold(t, id)
			b.relay(t)
			_, stop := b.crew(t, tt.promises(b.Store))
			await(t, "work that waits for the lock", func() bool {
				var waits bool
				b.scan(t, &waits, `
					SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.datname = current_database() AND NOT l.granted)`)
				return waits
			})
			b.exec(t, tt.take)
			await(t, "the attempt's end", func() bool { return b.logged("job ended") > 0 })
			stop()
			letGo()
			if b.logged(tt.says) == 0 {
				t.Errorf("it does not say that %q: %q", tt.says, b.book.all())
			}
			b.wantEvents(t, id, secor.EventRequestNotRequired, 0)
		})
	}
}

type unrenewed struct{ jobs.Promises }

func (unrenewed) RenewClaim(context.Context, promise.Claim, time.Duration) error {
	return errors.New("connection refused")
}

type unanswered struct{ jobs.Promises }

func (u unanswered) RenewClaim(ctx context.Context, c promise.Claim, _ time.Duration) error {
	select {}
}

// Postgres does not answer just when it is to be recorded that a letter did not
// leave. It is recorded when Postgres answers again: the letter is not in doubt.
func TestWorker_RecordsLater(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	b.post.fail = func(context.Context, mail.Message) error {
		return &mail.SendError{Outcome: mail.NotSent, Step: mail.StepConnect, Err: errors.New("connection refused")}
	}
	id, _ := b.rejected(t)
	b.relay(t)
	f := &forgetful{Promises: b.Store}
	f.times.Store(3)
	b.worker(t, f)
	await(t, "the attempt to be recorded", func() bool { return b.job(t, id, secor.JobRejection).LastError != "" })
	j := b.job(t, id, secor.JobRejection)
	if j.State != promise.Open || !strings.Contains(j.LastError, "connection refused") {
		t.Errorf("the job is %s, %s, want one that is tried again", j.State, j.LastError)
	}
}

// forgetful does not answer a few times.
type forgetful struct {
	jobs.Promises
	times atomic.Int64
}

func (f *forgetful) EndAttempt(ctx context.Context, c promise.Claim, o promise.Outcome) error {
	if f.times.Add(-1) >= 0 {
		return errors.New("terminating connection due to administrator command")
	}
	return f.Promises.EndAttempt(ctx, c, o)
}
