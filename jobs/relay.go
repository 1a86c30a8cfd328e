package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"secordesk/store/promise"
)

// Waker is what the relay needs of the store.
type Waker interface {
	WakeJobs(ctx context.Context, rooms []promise.Room, limit int, hold time.Duration) ([]promise.Wake, error)
}

// Beat says how a relay keeps time, all of it wall time.
type Beat struct {
	Poll time.Duration // for promises of other processes, and for those whose time has come
	Hold time.Duration // for a worker to follow a wake-up; then it is given again
}

// DefaultBeat returns the beat of every process that promises.
func DefaultBeat() Beat { return Beat{Poll: 100 * time.Millisecond, Hold: 10 * time.Second} }

const (
	relayBatch  = 500         // of each kind, in one pass
	relayCalls  = 32          // enqueue calls in flight: one call is one round trip to Redis
	relayOutage = time.Second // between two looks at what is away

	// passLimit bounds one pass of a loop. A network that swallows packets would
	// otherwise hold it for ever.
	passLimit = 30 * time.Second
)

// room is how many jobs of one kind stand on a queue at most: what its workers can
// begin within a hold or two. A job of another kind that comes later waits behind
// them, because the queue itself knows no kinds.
func (q Queue) room() int {
	switch q {
	case Decisions:
		return relayBatch
	case Mail:
		return 64
	default:
		return 16
	}
}

// Relay puts jobs that can run on their queues. Every process that promises runs
// one, and any number may run. Without Redis it waits and nothing is lost: steps
// are taken, and their promises stand in Postgres. A job of a kind that it does not
// know is left to a relay of the release that does.
type Relay struct {
	// Meter hears and counts what the relay does. It is set before Run, or left nil.
	Meter *Meter

	waker  Waker
	redis  asynq.RedisConnOpt
	queues map[string]Queue // by kind
	rooms  []promise.Room
	beat   Beat
	log    *slog.Logger
	signal chan struct{}
}

// NewRelay returns a relay for jobs of these kinds.
func NewRelay(waker Waker, redis asynq.RedisConnOpt, kinds []Kind, beat Beat, log *slog.Logger) *Relay {
	r := &Relay{waker: waker, redis: redis, queues: map[string]Queue{}, beat: beat, log: log, signal: make(chan struct{}, 1)}
	for _, k := range kinds {
		r.queues[string(k.Name)] = k.Queue
		r.rooms = append(r.rooms, promise.Room{Kind: string(k.Name), Most: k.Queue.room()})
	}
	return r
}

// Signal says that a job may have been promised, so that the relay looks at once.
// It never waits, and may be called at any time and from everywhere.
func (r *Relay) Signal() {
	select {
	case r.signal <- struct{}{}:
	default: // it is going to look anyway
	}
}

// Run relays until ctx ends. What is away is logged once, and once more when it
// is back.
func (r *Relay) Run(ctx context.Context) {
	client := asynq.NewClient(r.redis)
	defer client.Close()
	looked := outage(r.log, "relay")
	turned := r.Meter.loop("relay", r.beat.Poll)
	look := r.pass
	for ctx.Err() == nil {
		woken, err := look(ctx, client)
		if ctx.Err() != nil {
			return
		}
		looked(err)
		turned(err)
		look = r.pass
		switch {
		case err != nil:
			look = r.cautious
			r.rest(ctx, relayOutage, nil)
		case woken < relayBatch:
			r.rest(ctx, r.beat.Poll, r.signal)
		}
	}
}

// rest waits for a time, a signal or the end of ctx.
func (r *Relay) rest(ctx context.Context, wait time.Duration, signal <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-signal:
	case <-timer.C:
	}
}

// pass wakes one batch and returns how many jobs it had. A wake-up that does not
// reach Redis is given again when its hold is over; to spare a job that wait, what
// was woken is handed on also when ctx ends.
func (r *Relay) pass(ctx context.Context, client *asynq.Client) (int, error) {
	handing, cancel := context.WithTimeout(context.WithoutCancel(ctx), passLimit)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, passLimit)
	defer stop()
	wakes, err := r.waker.WakeJobs(ctx, r.rooms, relayBatch, r.beat.Hold)
	if err != nil {
		return 0, err
	}
	r.Meter.woke(len(wakes))
	calls, handing := errgroup.WithContext(handing)
	calls.SetLimit(relayCalls)
	for _, wake := range wakes {
		calls.Go(func() error { return r.enqueue(handing, client, wake) })
	}
	return len(wakes), calls.Wait()
}

// cautious is pass after an outage: it asks whether Redis is there first, so that
// no wake-up has to wait for its hold in vain.
func (r *Relay) cautious(ctx context.Context, client *asynq.Client) (int, error) {
	err := client.Ping()
	if err != nil {
		return 0, fmt.Errorf("reach redis: %w", err)
	}
	return r.pass(ctx, client)
}

func (r *Relay) enqueue(ctx context.Context, client *asynq.Client, wake promise.Wake) error {
	task := asynq.NewTask(wake.Kind, promise.Payload{JobID: wake.JobID}.Encode())
	_, err := client.EnqueueContext(ctx, task,
		asynq.Queue(string(r.queues[wake.Kind])),
		// Unlike any earlier one: asynq would refuse an id for as long as it remembers it.
		asynq.TaskID(fmt.Sprintf("%d:%d", wake.JobID, wake.N)),
		// Only a lost lease of asynq's makes it try again, and a claim costs nothing.
		asynq.MaxRetry(1000))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("enqueue job: %w", err)
	}
	return nil
}
