package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"secordesk/jobs/mail"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Promises is what the worker needs of the store.
type Promises interface {
	ClaimJob(ctx context.Context, jobID int64, token string, lease time.Duration) (promise.Claim, bool, error)
	RenewClaim(ctx context.Context, c promise.Claim, lease time.Duration) error
	ReleaseJob(ctx context.Context, c promise.Claim) error
	EndAttempt(ctx context.Context, c promise.Claim, o promise.Outcome) error
	FinishWork(ctx context.Context, c promise.Claim, act secor.Act, step func(*secor.File, secor.Event) error) (promise.State, error)
	StartSend(ctx context.Context, c promise.Claim, act secor.Act, lease time.Duration, prepare func(*secor.File, secor.Event) error) (bool, error)
	FinishSend(ctx context.Context, c promise.Claim, receipt string, act secor.Act, step func(*secor.File) error) error
}

// Sender sends a letter and returns the server's receipt. A *mail.SendError says
// what is certain about a letter that was not accepted; after any other error it
// may have left.
type Sender interface {
	Send(ctx context.Context, m mail.Message) (string, error)
}

// Lane is one queue's share of a process.
type Lane struct {
	Queue       Queue
	Concurrency int           // jobs at once
	Check       time.Duration // mean time between two looks at an empty queue
}

// Pace says how a worker keeps time. Lease and Renew are wall time.
type Pace struct {
	Lease time.Duration // of a claim; a killed worker's job is free after it
	Renew time.Duration // between two renewals; a third of the lease or less
	Lanes []Lane
}

// DefaultPace returns the pace of a process that serves every queue.
func DefaultPace() Pace {
	return Pace{Lease: 10 * time.Second, Renew: 3 * time.Second, Lanes: []Lane{
		{Queue: Decisions, Concurrency: 8, Check: 10 * time.Millisecond},
		{Queue: Mail, Concurrency: 8, Check: 100 * time.Millisecond},
		{Queue: Bulk, Concurrency: 2, Check: 200 * time.Millisecond},
	}}
}

// recordLimit bounds a claim, and the writing down of what became of one.
const recordLimit = 30 * time.Second

// errStopping is why work is broken off when the process has to end.
var errStopping = errors.New("the worker stops")

// Worker does jobs: it claims what a wake-up names, does it as its kind says and
// records the outcome in Postgres. Redis learns nothing but that the wake-up was
// received, so there is one retry engine, and it is ours.
type Worker struct {
	promises Promises
	sender   Sender
	desk     *Desk
	kinds    map[string]Kind
	pace     Pace
	log      *slog.Logger

	working  context.Context // ends when the process has to stop; a send outlives it
	stop     context.CancelCauseFunc
	attempts sync.WaitGroup
}

// NewWorker returns a worker for these kinds, or what Check has against them.
func NewWorker(promises Promises, sender Sender, desk *Desk, kinds []Kind, pace Pace, log *slog.Logger) (*Worker, error) {
	err := Check(kinds)
	if err != nil {
		return nil, err
	}
	w := &Worker{promises: promises, sender: sender, desk: desk, kinds: map[string]Kind{}, pace: pace, log: log}
	for _, k := range kinds {
		w.kinds[string(k.Name)] = k
	}
	w.working, w.stop = context.WithCancelCause(context.Background())
	return w, nil
}

// Run follows wake-ups until ctx ends. Then it takes no more, gives back what
// only touches Postgres, lets every send end within its own timeout, and returns.
// A worker runs once.
func (w *Worker) Run(ctx context.Context, redis asynq.RedisConnOpt) error {
	var servers []*asynq.Server
	var err error
	for _, lane := range w.pace.Lanes {
		server := w.server(lane, redis)
		err = server.Start(asynq.HandlerFunc(w.follow))
		if err != nil {
			err = fmt.Errorf("start queue %s: %w", lane.Queue, err)
			break
		}
		servers = append(servers, server)
	}
	if err == nil {
		<-ctx.Done()
	}
	w.stop(errStopping)
	var ending sync.WaitGroup
	for _, server := range servers {
		ending.Go(server.Shutdown)
	}
	ending.Wait()
	// What asynq gave up on, because Redis was away, is still ours.
	w.attempts.Wait()
	return err
}

func (w *Worker) server(lane Lane, redis asynq.RedisConnOpt) *asynq.Server {
	patience := recordLimit
	for _, k := range w.kinds {
		patience = max(patience, k.Timeout+2*recordLimit)
	}
	return asynq.NewServer(redis, asynq.Config{
		Concurrency:         lane.Concurrency,
		Queues:              map[string]int{string(lane.Queue): 1},
		TaskCheckInterval:   lane.Check,
		ShutdownTimeout:     patience,
		HealthCheckInterval: 2 * time.Second,
		HealthCheckFunc:     outage(w.log, "queue "+string(lane.Queue)),
		Logger:              chatter{w.log},
		LogLevel:            asynq.DebugLevel,
	})
}

// follow does the job that a wake-up names, if it is there to be done. asynq's
// context is not used: it ends when Redis is slow, which is no reason to stop.
// asynq is told that all is well whatever happened; the truth stands in Postgres.
func (w *Worker) follow(_ context.Context, task *asynq.Task) error {
	w.attempts.Add(1)
	defer w.attempts.Done()
	payload, err := promise.Decode(task.Payload())
	if err != nil {
		w.log.Error("wake-up names no job", "task", task.Type(), "err", err)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordLimit)
	defer cancel()
	claim, ours, err := w.promises.ClaimJob(ctx, payload.JobID, rand.Text(), w.pace.Lease)
	if err != nil {
		w.log.Error("job not claimed", "job", payload.JobID, "err", err)
	}
	if ours {
		w.attempt(claim)
	}
	return nil
}

// attempt does a claimed job, records how it ended and says so in one line.
func (w *Worker) attempt(c promise.Claim) {
	kind, known := w.kinds[c.Job.Kind]
	var state promise.State
	var err error
	switch {
	case !known:
		err = refusal("this release knows no such kind of job; run the one that promised it, then retry the job")
	case c.Job.Attempts > kind.Attempts:
		err = refusal("no attempt came to an end; the last one: " + c.Job.LastError)
	default:
		state, err = caught(func() (promise.State, error) { return w.try(kind, c) })
	}
	if err != nil {
		state, err = w.end(c, kind, err)
	}
	w.report(c, state, err)
}

// try does the job while its lease is renewed in the background. A handler that
// outlives its timeout loses the lease: somebody else may then do the job, and
// the fence keeps the late one from writing.
func (w *Worker) try(kind Kind, c promise.Claim) (promise.State, error) {
	ctx, cancel := context.WithTimeoutCause(w.working, kind.Timeout, fmt.Errorf("the attempt took longer than %s", kind.Timeout))
	defer cancel()
	ctx, lose := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { w.renew(ctx, c, lose) })
	defer renewing.Wait()
	defer lose(nil)
	act := secor.Act{ID: actID(c), By: secor.Desk, Surface: secor.SurfaceJob, Assigns: kind.Assigns}
	if kind.Letter != nil {
		return w.send(ctx, kind, c, act)
	}
	state, err := w.promises.FinishWork(ctx, c, act, func(f *secor.File, cause secor.Event) error {
		return kind.Work(w.desk, f, cause)
	})
	return state, because(ctx, err)
}

// actID is the same for every attempt: what one of them recorded, the next finds.
func actID(c promise.Claim) string { return fmt.Sprintf("job:%d", c.Job.ID) }

func (w *Worker) renew(ctx context.Context, c promise.Claim, lose context.CancelCauseFunc) {
	tick := time.NewTicker(w.pace.Renew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := w.promises.RenewClaim(ctx, c, w.pace.Lease)
		if errors.Is(err, promise.ErrLost) {
			lose(err)
		}
	}
}

// because names the reason when something was broken off.
func because(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", context.Cause(ctx), err)
}

// send makes the letter under the case's lock, commits that sending begins, sends
// and records the receipt. From that commit on neither the order to stop nor a
// lost lease ends it before its own timeout: the answer is worth more.
func (w *Worker) send(ctx context.Context, kind Kind, c promise.Claim, act secor.Act) (promise.State, error) {
	var letter mail.Message
	starts, err := w.promises.StartSend(ctx, c, act, kind.Timeout+w.pace.Lease, func(f *secor.File, cause secor.Event) error {
		to, err := recipient(f, c.Job.Recipient)
		if err != nil {
			return err
		}
		letter, err = kind.Letter(w.desk, f, cause, to)
		return err
	})
	if err != nil {
		return promise.Open, because(ctx, err)
	}
	if !starts {
		return promise.Cancelled, nil
	}
	letter.ID = messageID(c.Job.ID, letter.From)
	receipt, err := w.deliver(kind, letter)
	if err != nil {
		return promise.Open, err
	}
	err = w.accepted(c, act, receipt)
	if err != nil {
		return promise.Open, &sentError{receipt: receipt, err: err}
	}
	return promise.Done, nil
}

// messageID names the letter of a job for ever, so that a doubtful one can be
// looked for.
func messageID(job int64, from string) string {
	_, domain, _ := strings.Cut(from, "@")
	return fmt.Sprintf("job-%d@%s", job, domain)
}

// deliver sends a letter. Its errors are all of the one type that says what is certain.
func (w *Worker) deliver(kind Kind, letter mail.Message) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), kind.Timeout)
	defer cancel()
	receipt, err := caught(func() (string, error) { return w.sender.Send(ctx, letter) })
	var known *mail.SendError
	if err != nil && !errors.As(err, &known) {
		err = &mail.SendError{Outcome: mail.Ambiguous, Step: mail.StepLetter, Err: err}
	}
	return receipt, err
}

// accepted records a receipt, and does not give up lightly: nobody else has it.
func (w *Worker) accepted(c promise.Claim, act secor.Act, receipt string) error {
	ctx, cancel := context.WithTimeout(context.Background(), recordLimit)
	defer cancel()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		_, err := caught(func() (promise.State, error) {
			return promise.Done, w.promises.FinishSend(ctx, c, receipt, act, func(f *secor.File) error {
				return f.Accepted(secor.JobKind(c.Job.Kind), c.Job.Recipient)
			})
		})
		final := errors.Is(err, secor.ErrRefused) || errors.Is(err, promise.ErrLost) || errors.Is(err, errPanic)
		if err == nil || final {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
}

var errPanic = errors.New("panic")

// caught turns a panic into a fault, so that it ends one attempt and no process.
func caught[T any](do func() (T, error)) (T, error) {
	var result T
	var err error
	func() {
		defer func() {
			p := recover()
			if p != nil {
				err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
			}
		}()
		result, err = do()
	}()
	return result, err
}
