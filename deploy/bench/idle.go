package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"secordesk/jobs"
)

// idleContenders promise one job at a time to an engine at rest, and time how
// long after the commit its work begins.
func idleContenders() []contender {
	return []contender{
		{name: "ours/idle", what: "ours, relay in the promising process", unit: "ms", do: idleOurs(true, 200)},
		{name: "ours/idle-elsewhere", what: "ours, relay in another process: it polls", unit: "ms", do: idleOurs(false, 60)},
		{name: "asynq/idle", what: "bare asynq as it comes (looks every second)", unit: "ms", do: idleAsynq(0, 40, 5)},
		{name: "asynq/idle-tuned", what: "bare asynq that looks as often as ours", unit: "ms", do: idleAsynq(jobs.DefaultPace().Lanes[0].Check, 1, 100)},
		{name: "river/idle", what: "River, LISTEN, looks every 20 ms, cooldown 2 ms", unit: "ms", do: idleRiver(100)},
	}
}

// samples promises n times, each after a rest of its own length, and returns how
// many milliseconds passed until each began. Promise returns when the commit was
// answered; what began before that took no time.
func samples(ctx context.Context, n int, begun <-chan time.Time, promise func(ctx context.Context, n int64) (time.Time, error)) ([]float64, error) {
	var found []float64
	for i := range n {
		select {
		case <-time.After(5*time.Millisecond + rand.N(20*time.Millisecond)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		committed, err := promise(ctx, int64(i+1))
		if err != nil {
			return nil, err
		}
		select {
		case at := <-begun:
			found = append(found, max(0, at.Sub(committed).Seconds()*1000))
		case <-ctx.Done():
			return nil, fmt.Errorf("job %d did not begin: %w", i, ctx.Err())
		}
	}
	return found, nil
}

func (b *bench) few(n int) int {
	if b.options.quick {
		return 5
	}
	return n
}

func idleOurs(signalled bool, n int) func(context.Context, *bench) ([]float64, error) {
	return func(ctx context.Context, b *bench) ([]float64, error) {
		begun := make(chan time.Time, 1)
		e, err := b.engineOn(ctx, "bench", b.redis.queue(0))
		if err != nil {
			return nil, err
		}
		e.pace = jobs.DefaultPace()
		e.begun = func(int64) { begun <- time.Now() }
		if !signalled {
			e.Promised = func() {}
		}
		worker, err := e.worker()
		if err != nil {
			return nil, err
		}
		defer e.run(ctx, e.relay.Run, e.reconcile, worker)()
		promising := connect(b.appDSN("bench"))
		defer promising.Close()
		return samples(ctx, b.few(n), begun, func(ctx context.Context, n int64) (time.Time, error) {
			return b.promiseOne(ctx, e, promising, n)
		})
	}
}

// idleAsynq asks so many servers at once, each with a queue of its own, for they
// all but sleep. There is no commit: time runs from before the call to Redis.
func idleAsynq(check time.Duration, servers, n int) func(context.Context, *bench) ([]float64, error) {
	return func(ctx context.Context, b *bench) ([]float64, error) {
		found := make([][]float64, servers)
		calls, ctx := errgroup.WithContext(ctx)
		for i := range servers {
			calls.Go(func() error {
				var err error
				found[i], err = b.idleQueue(ctx, fmt.Sprintf("q%d", i), check, n)
				return err
			})
		}
		err := calls.Wait()
		return slices.Concat(found...), err
	}
}

func (b *bench) idleQueue(ctx context.Context, queue string, check time.Duration, n int) ([]float64, error) {
	begun := make(chan time.Time, 1)
	stop, err := b.asynqServer(check, queue, 8, func(context.Context, *asynq.Task) error { begun <- time.Now(); return nil })
	if err != nil {
		return nil, err
	}
	defer stop()
	client := asynq.NewClient(b.redis.queue(0))
	defer client.Close()
	return samples(ctx, min(n, b.few(n)), begun, func(ctx context.Context, n int64) (time.Time, error) {
		at := time.Now()
		_, err := client.EnqueueContext(ctx, asynq.NewTask(asynqTask, []byte(keyOf(n))), asynq.Queue(queue))
		return at, err
	})
}

func idleRiver(n int) func(context.Context, *bench) ([]float64, error) {
	return func(ctx context.Context, b *bench) ([]float64, error) {
		begun := make(chan time.Time, 1)
		client, pool, err := b.riverClient(ctx, 8, func(string) { begun <- time.Now() }, nil)
		if err != nil {
			return nil, err
		}
		defer pool.Close()
		defer stopRiver(client)
		return samples(ctx, b.few(n), begun, func(ctx context.Context, n int64) (time.Time, error) {
			err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				_, err := client.InsertTx(ctx, tx, riverArgs{Key: keyOf(n)}, nil)
				return err
			})
			return time.Now(), err
		})
	}
}
