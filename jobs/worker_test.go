package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// enqueue puts a wake-up on a queue as the relay would, under an id of its own.
func enqueue(t *testing.T, b *bench, q jobs.Queue, kind, id string, payload []byte) {
	t.Helper()
	client := asynq.NewClient(b.queue)
	defer client.Close()
	_, err := client.Enqueue(asynq.NewTask(kind, payload), asynq.Queue(string(q)), asynq.TaskID(id))
	if err != nil {
		t.Fatal(err)
	}
}

func TestWorker_WorkThenLetter(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	b.engine(t)
	ids := []secor.CaseID{b.request(t), b.request(t), b.request(t)}
	b.awaitQuiet(t)
	for _, id := range ids {
		b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
		b.wantEvents(t, id, secor.EventLetterSent, 1)
		b.wantJob(t, id, secor.JobDecideNeed, promise.Done, 1)
		letter := b.wantJob(t, id, secor.JobNotRequired, promise.Done, 1)
		if letter.Receipt != "250 kept" || letter.SendingAt.IsZero() {
			t.Errorf("letter %+v has no receipt or no time of sending", letter)
		}
	}
	letters := b.post.sent()
	if len(letters) != 3 {
		t.Fatalf("%d letters, want 3", len(letters))
	}
	if !strings.HasPrefix(letters[0].ID, "job-") || !strings.HasSuffix(letters[0].ID, "@prairie.example") {
		t.Errorf("letter id %q", letters[0].ID)
	}
}

// The same wake-up is delivered ten times, at once and late: one effect.
func TestWorker_DeliveredTwice(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	id := b.request(t)
	payload := promise.Payload{JobID: b.job(t, id, secor.JobDecideNeed).ID}.Encode()
	for i := range 8 {
		enqueue(t, b, jobs.Decisions, string(secor.JobDecideNeed), fmt.Sprint("copy ", i), payload)
	}
	b.engine(t)
	b.awaitQuiet(t)
	enqueue(t, b, jobs.Decisions, string(secor.JobDecideNeed), "late copy 1", payload)
	enqueue(t, b, jobs.Bulk, string(secor.JobDecideNeed), "late copy 2", payload)
	other := b.request(t)
	b.awaitQuiet(t)
	b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
	b.wantEvents(t, other, secor.EventRequestNotRequired, 1)
	if n := len(b.post.sent()); n != 2 {
		t.Errorf("%d letters, want 2", n)
	}
}

// A worker loses its lease in the middle of the step, another one takes over, and
// the first one's step is undone.
func TestWorker_LeaseLost(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	var runs atomic.Int64
	inside, on := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(on) })
	defer goOn()
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) {
		real := k.Work
		k.Work = func(d *jobs.Desk, f *secor.File, cause secor.Event) error {
			if runs.Add(1) == 1 {
				close(inside)
				<-on
			}
			return real(d, f, cause)
		}
	})
	b.relay(t)
	b.worker(t, b.Store)
	id := b.request(t)
	<-inside
	b.expire(t)
	b.reconciler(t)
	await(t, "a second claim", func() bool { return b.job(t, id, secor.JobDecideNeed).Attempts == 2 })
	goOn()
	b.awaitQuiet(t)
	b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
	b.wantJob(t, id, secor.JobDecideNeed, promise.Done, 2)
	if runs.Load() != 2 {
		t.Errorf("the step was begun %d times, want 2", runs.Load())
	}
}

// A handler that is slower than the lease keeps it by renewing.
func TestWorker_Renews(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	b.pace.Lease, b.pace.Renew = time.Second, 50*time.Millisecond
	inside, on := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(on) })
	defer goOn()
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) {
		k.Work = func(*jobs.Desk, *secor.File, secor.Event) error { close(inside); <-on; return nil }
	})
	b.engine(t)
	id := b.request(t)
	<-inside
	var first, last time.Time
	b.scan(t, &first, `SELECT claimed_until FROM jobs WHERE case_id = $1`, id)
	await(t, "the lease to be longer by its own length", func() bool {
		b.scan(t, &last, `SELECT claimed_until FROM jobs WHERE case_id = $1`, id)
		return last.Sub(first) > b.pace.Lease
	})
	goOn()
	b.awaitQuiet(t)
	b.wantJob(t, id, secor.JobDecideNeed, promise.Done, 1)
}

// A handler that never ends keeps its lease no longer than its timeout; the job
// is done by another worker, and the fence stops the first if it comes back.
func TestWorker_IgnoresItsTimeout(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	b.pace.Lease, b.pace.Renew = 300*time.Millisecond, 50*time.Millisecond
	var runs atomic.Int64
	on := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(on) })
	defer goOn()
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) {
		k.Timeout = 200 * time.Millisecond
		real := k.Work
		k.Work = func(d *jobs.Desk, f *secor.File, cause secor.Event) error {
			if runs.Add(1) == 1 {
				<-on
			}
			return real(d, f, cause)
		}
	})
	b.engine(t)
	id := b.request(t)
	await(t, "another attempt", func() bool { return b.job(t, id, secor.JobDecideNeed).Attempts > 1 })
	goOn()
	b.awaitQuiet(t)
	b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
}

// A process dies at the two points between which nobody can know: the job is
// ambiguous, and no other process sends the letter.
func TestWorker_KilledWhileSending(t *testing.T) {
	tests := []struct {
		name string
		die  func(p *postbox, kill func())
		sent int
	}{
		{"before the first byte", func(p *postbox, kill func()) {
			p.fail = func(context.Context, mail.Message) error { kill(); return errDead }
		}, 0},
		{"before the receipt", func(p *postbox, kill func()) {
			p.lose = func(mail.Message) error { kill(); return nil }
		}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.queue.start(t)
			first := &mortal{Promises: b.Store}
			killed := make(chan struct{})
			tt.die(b.post, func() { first.kill(); close(killed) })
			b.relay(t)
			stop := b.worker(t, first)
			id, _ := b.rejected(t)
			<-killed
			stop()
			b.post.fail, b.post.lose = nil, nil
			b.expire(t)
			b.reconciler(t)
			b.worker(t, b.Store)
			other, _ := b.rejected(t)
			b.awaitQuiet(t)
			j := b.wantJob(t, id, secor.JobRejection, promise.Ambiguous, 1)
			b.wantEvents(t, id, secor.EventLetterSent, 0)
			b.wantJob(t, other, secor.JobRejection, promise.Done, 1)
			if n := len(b.post.sent()); n != tt.sent+1 {
				t.Errorf("%d letters in all, want %d", n, tt.sent+1)
			}
			if !strings.Contains(strings.Join(b.book.all(), "\n"), fmt.Sprintf("ERROR job ended job=%d", j.ID)) {
				t.Errorf("no line tells of the ambiguous job: %q", b.book.all())
			}
		})
	}
}

func TestWorker_ReasonEnded(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	id, _ := b.rejected(t)
	b.take(t, id, "reopen")
	b.engine(t)
	b.awaitQuiet(t)
	b.wantJob(t, id, secor.JobRejection, promise.Cancelled, 1)
	if n := len(b.post.sent()); n != 0 {
		t.Errorf("%d letters left after their reason ended", n)
	}
}

func TestWorker_LetterFails(t *testing.T) {
	busy := &mail.SendError{Outcome: mail.NotSent, Step: mail.StepRecipient, Code: 451, Err: &textproto.Error{Code: 451, Msg: "try again later"}}
	unknown := &mail.SendError{Outcome: mail.NotSent, Step: mail.StepRecipient, Code: 550, Permanent: true, Err: &textproto.Error{Code: 550, Msg: "unknown mailbox"}}
	cut := &mail.SendError{Outcome: mail.Ambiguous, Step: mail.StepLetter, Err: errors.New("EOF")}
	tests := []struct {
		name     string
		err      error
		times    int64 // that the server says so
		state    promise.State
		attempts int
		sent     int
	}{
		{"the server was busy three times", busy, 3, promise.Done, 4, 1},
		{"the server is always busy", busy, 1000, promise.Failed, 5, 0},
		{"no such mailbox", unknown, 1000, promise.Failed, 1, 0},
		{"cut off in the middle", cut, 1, promise.Ambiguous, 1, 0},
		{"an error that says nothing", errors.New("what"), 1, promise.Ambiguous, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.queue.start(t)
			b.change(secor.JobRejection, func(k *jobs.Kind) { k.Attempts = 5 })
			var asked atomic.Int64
			b.post.fail = func(context.Context, mail.Message) error {
				if asked.Add(1) <= tt.times {
					return tt.err
				}
				return nil
			}
			id, _ := b.rejected(t)
			b.engine(t)
			b.awaitQuiet(t)
			j := b.wantJob(t, id, secor.JobRejection, tt.state, tt.attempts)
			if n := len(b.post.sent()); n != tt.sent {
				t.Errorf("%d letters, want %d", n, tt.sent)
			}
			if tt.state != promise.Done && !strings.Contains(j.LastError, strings.TrimPrefix(tt.err.Error(), "letter not sent: ")) {
				t.Errorf("the row says %q, want the server's words", j.LastError)
			}
		})
	}
}

func TestWorker_NoAddress(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	id, _ := b.rejected(t)
	b.exec(t, `UPDATE companies SET email = ''`)
	b.engine(t)
	b.awaitQuiet(t)
	j := b.wantJob(t, id, secor.JobRejection, promise.Failed, 1)
	if !strings.Contains(j.LastError, "no e-mail address") {
		t.Errorf("the row says %q", j.LastError)
	}
}

// The case does not take what only an accepted letter makes true: nobody may
// think that the letter was not sent, and nobody sends it again.
func TestWorker_AcceptedButNotTaken(t *testing.T) {
	tests := []struct {
		name string
		take func() error
		says string
	}{
		{"a refusal", func() error { return &secor.Refusal{Kind: secor.ErrLedger, Text: "the clock cannot take it"} }, "the clock cannot take it"},
		{"a panic", func() error { panic("no such index") }, "no such index"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.queue.start(t)
			id, _ := b.rejected(t)
			b.relay(t)
			b.reconciler(t)
			b.worker(t, deaf{b.Store, tt.take})
			b.awaitQuiet(t)
			j := b.wantJob(t, id, secor.JobRejection, promise.Failed, 1)
			if !strings.Contains(j.LastError, "accepted (250 kept)") || !strings.Contains(j.LastError, tt.says) || j.SendingAt.IsZero() {
				t.Errorf("job = %+v, want one that says it was sent", j)
			}
			if n := len(b.post.sent()); n != 1 {
				t.Errorf("%d letters, want 1", n)
			}
		})
	}
}

type deaf struct {
	jobs.Promises
	take func() error
}

func (d deaf) FinishSend(context.Context, promise.Claim, string, secor.Act, func(*secor.File) error) error {
	return d.take()
}

// Postgres does not answer just when the receipt is to be recorded.
func TestWorker_ReceiptLater(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	id, _ := b.rejected(t)
	b.relay(t)
	away := 1
	b.worker(t, late{b.Store, func() error {
		away--
		if away >= 0 {
			return errors.New("connection refused")
		}
		return nil
	}})
	b.awaitQuiet(t)
	b.wantJob(t, id, secor.JobRejection, promise.Done, 1)
	b.wantEvents(t, id, secor.EventLetterSent, 1)
	if n := len(b.post.sent()); n != 1 {
		t.Errorf("%d letters, want 1", n)
	}
}

type late struct {
	jobs.Promises
	reach func() error
}

func (l late) FinishSend(ctx context.Context, c promise.Claim, receipt string, act secor.Act, step func(*secor.File) error) error {
	err := l.reach()
	if err != nil {
		return err
	}
	return l.Promises.FinishSend(ctx, c, receipt, act, step)
}

func TestWorker_Fails(t *testing.T) {
	tests := []struct {
		name     string
		work     func() error
		attempts int
		says     string
	}{
		{"a panic", func() error { panic("no such index") }, 3, "panic: no such index"},
		{"a fault", func() error { return errors.New("disk full") }, 3, "disk full"},
		{"a refusal", func() error { return &secor.Refusal{Kind: secor.ErrGuard, Text: "eleven people"} }, 1, "eleven people"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.queue.start(t)
			b.change(secor.JobDecideNeed, func(k *jobs.Kind) {
				k.Attempts = 3
				k.Work = func(*jobs.Desk, *secor.File, secor.Event) error { return tt.work() }
			})
			b.engine(t)
			id := b.request(t)
			b.awaitQuiet(t)
			j := b.wantJob(t, id, secor.JobDecideNeed, promise.Failed, tt.attempts)
			if !strings.Contains(j.LastError, tt.says) {
				t.Errorf("the row says %q, want %q", j.LastError, tt.says)
			}
		})
	}
}

// A job that takes every worker with it is not tried for ever.
func TestWorker_PoisonedJob(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	id := b.request(t)
	b.exec(t, `UPDATE jobs SET attempts = 12, fence = 12, last_error = 'attempt 12: the lease ran out'`)
	b.exec(t, `INSERT INTO attempts (job_id, fence, worker, ended_at, outcome, error)
		SELECT id, n, 'w', now(), 'lease_lost', 'the lease ran out' FROM jobs, generate_series(1, 12) AS n`)
	b.engine(t)
	b.awaitQuiet(t)
	j := b.wantJob(t, id, secor.JobDecideNeed, promise.Failed, 13)
	if !strings.Contains(j.LastError, "the lease ran out") {
		t.Errorf("the row says %q", j.LastError)
	}
}

// A job that met a long outage is not given up because a worker died in it, too.
func TestWorker_LostOnce(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	id := b.request(t)
	b.exec(t, `UPDATE jobs SET attempts = 20, fence = 20, last_error = 'attempt 20: the lease ran out'`)
	b.exec(t, `INSERT INTO attempts (job_id, fence, worker, ended_at, outcome, error)
		SELECT id, n, 'w', now(), CASE n WHEN 9 THEN 'retried' ELSE 'lease_lost' END, '' FROM jobs, generate_series(1, 20) AS n`)
	b.engine(t)
	b.awaitQuiet(t)
	b.wantJob(t, id, secor.JobDecideNeed, promise.Done, 21)
}

// After a downgrade a worker meets jobs that only the newer release knows: it
// burns no attempt, fails nothing, and says so once.
func TestWorker_UnknownKind(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	id := b.request(t)
	job := b.job(t, id, secor.JobDecideNeed).ID
	b.exec(t, `UPDATE jobs SET kind = 'portal:unlock' WHERE id = $1`, job)
	payload := promise.Payload{JobID: job}.Encode()
	b.engine(t)
	enqueue(t, b, jobs.Decisions, "portal:unlock", "as the newer relay wakes it", payload)
	enqueue(t, b, jobs.Decisions, "portal:unlock", "once more", payload)
	said := func() int {
		return strings.Count(strings.Join(b.book.all(), "\n"), "WARN job is of a kind that this release does not know; left as it is kind=portal:unlock")
	}
	await(t, "a warning", func() bool { return said() > 0 })
	var fence int
	b.scan(t, &fence, `SELECT fence FROM jobs WHERE id = $1`, job)
	if fence != 0 {
		t.Error("a job of an unknown kind was claimed")
	}
	enqueue(t, b, jobs.Decisions, string(secor.JobDecideNeed), "under another's name", payload)
	await(t, "a claim that was given back", func() bool {
		var back bool
		b.scan(t, &back, `SELECT fence > 0 AND claimed_until IS NULL FROM jobs WHERE id = $1`, job)
		return back
	})
	b.wantJob(t, id, "portal:unlock", promise.Open, 0)
	if n := said(); n != 1 {
		t.Errorf("%d warnings, want 1", n)
	}
}

func TestWorker_BadPayload(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	for i, payload := range []string{"", "nonsense", `{"job": "seven"}`, `{"job": 0}`, `{"job": -1}`, `{"job": 99999999999999999999}`, `{"job": 4711}`} {
		enqueue(t, b, jobs.Decisions, "request:decide_need", fmt.Sprint("bad ", i), []byte(payload))
	}
	b.engine(t)
	b.request(t)
	b.awaitQuiet(t)
	await(t, "a line for each bad payload", func() bool {
		return strings.Count(strings.Join(b.book.all(), "\n"), "wake-up names no job") == 6
	})
}

// The order to stop: what waits for Postgres is given back and its attempt not
// counted; a send ends, and its receipt is recorded.
func TestWorker_Stops(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	sending, on := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(on) })
	defer goOn()
	b.post.fail = func(ctx context.Context, _ mail.Message) error {
		close(sending)
		<-on
		return ctx.Err()
	}
	letter, _ := b.rejected(t)
	work := b.request(t)
	tx, err := b.db.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(t.Context(), `SELECT 1 FROM cases WHERE id = $1 FOR UPDATE`, work)
	if err != nil {
		t.Fatal(err)
	}
	unrelay := b.relay(t)
	stop := b.worker(t, b.Store)
	<-sending
	await(t, "a claim", func() bool { return b.job(t, work, secor.JobDecideNeed).Attempts == 1 })
	unrelay()
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	await(t, "the work to be given back", func() bool { return b.job(t, work, secor.JobDecideNeed).Attempts == 0 })
	select {
	case <-stopped:
		t.Error("the worker ended before its send")
	default:
	}
	goOn()
	<-stopped
	b.wantJob(t, work, secor.JobDecideNeed, promise.Open, 0)
	var held bool
	b.scan(t, &held, `SELECT claimed_until IS NOT NULL FROM jobs WHERE case_id = $1`, work)
	if held {
		t.Error("the claim was not given back")
	}
	b.wantJob(t, letter, secor.JobRejection, promise.Done, 1)
	b.wantEvents(t, letter, secor.EventLetterSent, 1)
}
