package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"
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
	Attempts(ctx context.Context, jobID int64) ([]promise.Attempt, error)
	EndAttempt(ctx context.Context, c promise.Claim, o promise.Outcome) error
	BounceSend(ctx context.Context, c promise.Claim, o promise.Outcome, act secor.Act, step func(*secor.File) error) error
	FinishWork(ctx context.Context, c promise.Claim, act secor.Act, step func(*secor.File, secor.Event) error) (promise.State, error)
	StartSend(ctx context.Context, c promise.Claim, act secor.Act, lease time.Duration, prepare func(*secor.File, secor.Event) error) (bool, error)
	FinishSend(ctx context.Context, c promise.Claim, receipt string, act secor.Act, step func(*secor.File) error) error
	StartBatch(ctx context.Context, c promise.Claim, lease time.Duration, prepare func(b secor.BodyBatch, file secor.Document, now time.Time) error) (bool, error)
	FailBatch(ctx context.Context, c promise.Claim, o promise.Outcome, act secor.Act) error
	FinishBatch(ctx context.Context, c promise.Claim, receipt string) error
	Chores
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

// Pace says who a worker is and how it keeps time. Lease and Renew are wall time.
type Pace struct {
	Worker string        // names the process in the row of each claim; no two that run have the same
	Lease  time.Duration // of a claim; a killed worker's job is free after it
	Renew  time.Duration // between two renewals; a third of the lease or less
	Lanes  []Lane
}

// DefaultPace returns the pace of a process that serves every queue, and is named
// by its host and its process id.
func DefaultPace() Pace {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return Pace{Worker: fmt.Sprintf("%s:%d", host, os.Getpid()), Lease: 10 * time.Second, Renew: 3 * time.Second, Lanes: []Lane{
		{Queue: Decisions, Concurrency: 8, Check: 5 * time.Millisecond},
		{Queue: Mail, Concurrency: 8, Check: 100 * time.Millisecond},
		{Queue: Bulk, Concurrency: 2, Check: 200 * time.Millisecond},
	}}
}

const (
	// recordLimit bounds a claim, and the writing down of what became of one.
	recordLimit = 30 * time.Second
	// stopLimit bounds how long a process that has to end waits for anything but a send.
	stopLimit = 1200 * time.Millisecond
	// handOver is how long a queue waits for its attempts to be given back before
	// it takes their wake-ups back. They may come twice, and a claim costs nothing.
	handOver = 100 * time.Millisecond
)

// errStopping is why work is broken off when the process has to end.
var errStopping = errors.New("the worker stops")

// Worker does jobs: it claims what a wake-up names, does it as its kind says and
// records the outcome in Postgres. Redis learns nothing but that the wake-up was
// received, so there is one retry engine, and it is ours.
type Worker struct {
	// Meter counts what the worker does. It is set before Run, or left nil.
	Meter *Meter
	// Poster posts cards. It is set before Run, or left nil: then cards wait for another process.
	Poster Poster

	promises Promises
	sender   Sender
	desk     *Desk
	kinds    map[string]Kind
	pace     Pace
	log      *slog.Logger

	working context.Context // ends when the process has to stop; a send outlives it
	stop    context.CancelCauseFunc
	stuck   atomic.Int64

	mu              sync.Mutex
	ending, ended   bool // no attempt begins any more; no send does
	attempts, sends sync.WaitGroup
	letters         int             // sends in flight
	answer          time.Time       // when the last of them has its answer or none
	strange         map[string]bool // kinds that this release does not know and that were warned of
	heard           func(error)     // how the newest claim went; an outage is told once
}

// lane is a Lane at work.
type lane struct {
	Lane
	left chan struct{} // one for each call that was left behind while its slot went on
}

// NewWorker returns a worker for these kinds, or what Check has against them.
func NewWorker(promises Promises, sender Sender, desk *Desk, kinds []Kind, pace Pace, log *slog.Logger) (*Worker, error) {
	err := Check(kinds, Schedules())
	if err != nil {
		return nil, err
	}
	w := &Worker{promises: promises, sender: sender, desk: desk, kinds: map[string]Kind{}, pace: pace, log: log, strange: map[string]bool{}, heard: outage(log, "claims")}
	for _, k := range kinds {
		w.kinds[string(k.Name)] = k
	}
	w.working, w.stop = context.WithCancelCause(context.Background())
	return w, nil
}

// Run follows wake-ups until ctx ends. Then it takes no more, gives back what
// only touches Postgres, lets every send end within its own timeout, and returns.
// It waits two seconds at most for anything but a send: what cannot be given back
// in that time is free when its lease ends. A worker runs once.
func (w *Worker) Run(ctx context.Context, redis asynq.RedisConnOpt) error {
	var servers []*asynq.Server
	var err error
	for _, serves := range w.pace.Lanes {
		l := &lane{Lane: serves, left: make(chan struct{}, serves.Concurrency)}
		server := w.server(l, redis)
		err = server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
			w.follow(ctx, l, task)
			return nil
		}))
		if err != nil {
			err = fmt.Errorf("start queue %s: %w", l.Queue, err)
			break
		}
		servers = append(servers, server)
	}
	if err == nil {
		<-ctx.Done()
	}
	w.leave(servers)
	return err
}

// Stuck returns how many handlers and senders run that did not come back when
// their time was up. They hold no lock and no claim, and what they return counts
// for nothing but a letter's receipt; only the end of the process ends them.
func (w *Worker) Stuck() int { return int(w.stuck.Load()) }

// leave ends the work. Redis or Postgres may hang meanwhile.
func (w *Worker) leave(servers []*asynq.Server) {
	w.mu.Lock()
	w.ending = true
	letters, answer := w.letters, w.answer
	w.mu.Unlock()
	if letters > 0 {
		w.log.Info("waiting for letters", "letters", letters, "seconds", math.Ceil(answer.Sub(wall()).Seconds()))
	}
	w.stop(errStopping)
	var all sync.WaitGroup
	for _, server := range servers {
		all.Go(server.Shutdown)
	}
	all.Go(w.attempts.Wait)
	gone := make(chan struct{})
	go func() { all.Wait(); close(gone) }()
	late := time.NewTimer(stopLimit)
	defer late.Stop()
	select {
	case <-gone:
	case <-late.C:
	}
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.sends.Wait()
}

// beginAttempt is false when the process has to end.
func (w *Worker) beginAttempt() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ending {
		w.attempts.Add(1)
	}
	return !w.ending
}

// beginSend is false when nobody would wait for the send, which takes so long at most.
func (w *Worker) beginSend(limit time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.sends.Add(1)
		w.letters++
		if until := wall().Add(limit); until.After(w.answer) {
			w.answer = until
		}
	}
	return !w.ended
}

func (w *Worker) endSend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.letters--
	w.sends.Done()
}

func (w *Worker) server(l *lane, redis asynq.RedisConnOpt) *asynq.Server {
	return asynq.NewServer(redis, asynq.Config{
		Concurrency:         l.Concurrency,
		Queues:              map[string]int{string(l.Queue): 1},
		TaskCheckInterval:   l.Check,
		ShutdownTimeout:     handOver,
		HealthCheckInterval: 2 * time.Second,
		HealthCheckFunc:     outage(w.log, "queue "+string(l.Queue)),
		Logger:              chatter{w.log},
		LogLevel:            asynq.DebugLevel,
	})
}

// follow does the job that a wake-up names, if it is there to be done. asynq's
// context is no reason to stop: it ends when Redis is slow. asynq is told that all
// is well whatever happened; the truth stands in Postgres.
func (w *Worker) follow(ctx context.Context, l *lane, task *asynq.Task) {
	if !w.beginAttempt() {
		<-ctx.Done() // the queue takes the wake-up back, and gives it to another process
		return
	}
	defer w.attempts.Done()
	payload, err := promise.Decode(task.Payload())
	if err != nil {
		w.log.Error("wake-up names no job", "task", task.Type(), "err", err)
		return
	}
	_, known := w.kinds[task.Type()]
	if !known {
		w.unknown(task.Type(), payload.JobID)
		return
	}
	claiming, cancel := context.WithTimeout(context.Background(), recordLimit)
	defer cancel()
	began := wall()
	claim, ours, err := w.promises.ClaimJob(claiming, payload.JobID, w.pace.Worker+"/"+rand.Text(), w.pace.Lease)
	w.claimed(err)
	if !ours {
		return
	}
	kind, known := w.kinds[claim.Job.Kind]
	if known {
		w.attempt(l, kind, claim, began)
		return
	}
	w.unknown(claim.Job.Kind, payload.JobID)
	err = w.promises.ReleaseJob(claiming, claim)
	if err != nil {
		w.log.Error("job not given back", "job", payload.JobID, "err", err)
	}
}

func (w *Worker) claimed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard(err)
}

// unknown warns, once for each kind, of a job that another release promised. It
// stays open until a worker comes that knows it.
func (w *Worker) unknown(kind string, job int64) {
	w.mu.Lock()
	warned := w.strange[kind]
	w.strange[kind] = true
	w.mu.Unlock()
	if !warned {
		w.log.Warn("job is of a kind that this release does not know; left as it is", "kind", kind, "job", job)
	}
}
