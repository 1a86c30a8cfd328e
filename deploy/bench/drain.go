package main

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"secordesk/jobs"
	"secordesk/store/promise"
)

// drainContenders do jobs that stand in the queue already.
func drainContenders() []contender {
	return []contender{
		{name: "asynq/noop", what: "bare asynq, a handler that does nothing", unit: "jobs/s", do: drainNoop},
		{name: "asynq/drain", what: "asynq, a handler of BEGIN, INSERT, UPDATE, COMMIT", unit: "jobs/s", do: drainNaive},
		{name: "ours/drain", what: "ours: claim, then effect and completion", unit: "jobs/s", do: drainOurs},
		{name: "ours/drain-batched", what: "ours, claims and completions gathered", unit: "jobs/s", do: drainBatched(false)},
		{name: "ours/drain-claims", what: "ours, claims gathered", unit: "jobs/s", do: drainBatched(true)},
	}
}

func drainOurs(ctx context.Context, b *bench) ([]float64, error) {
	e, err := b.engineOn(ctx, "bench", b.redis.queue(0))
	if err != nil {
		return nil, err
	}
	return b.drain(ctx, e)
}

func drainBatched(claims bool) func(context.Context, *bench) ([]float64, error) {
	return func(ctx context.Context, b *bench) ([]float64, error) {
		e, err := b.engineOn(ctx, "bench", b.redis.queue(0))
		if err != nil {
			return nil, err
		}
		db := connect(b.appDSN("bench"))
		defer db.Close()
		batched := newBatched(e, db)
		defer batched.close()
		e.promises = batched
		if claims {
			e.promises = claimsOnly{batched}
		}
		return b.drain(ctx, e)
	}
}

// roomy is a store whose relay may fill the queue with all there is.
type roomy struct{ *engine }

// WakeJobs gives every kind room for any number of jobs.
func (r roomy) WakeJobs(ctx context.Context, rooms []promise.Room, limit int, hold time.Duration) ([]promise.Wake, error) {
	for i := range rooms {
		rooms[i].Most = 1_000_000
	}
	return r.engine.WakeJobs(ctx, rooms, limit, hold)
}

const addJobsSQL = `
	INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, not_before)
	SELECT $1, c.case_id, c.cause, 'key:' || n, 'desk', 'desk', now()
	FROM generate_series(1, $2) AS n
	JOIN unnest($3::bigint[], $4::integer[]) WITH ORDINALITY AS c (case_id, cause, nr) ON c.nr = 1 + n % $5`

// drain promises jobs, lets the relay put them all on the queue, then starts the worker and times it.
func (b *bench) drain(ctx context.Context, e *engine) ([]float64, error) {
	t := newTally(b, b.options.jobs)
	err := b.addJobs(ctx, int(t.want))
	if err != nil {
		return nil, err
	}
	e.done = t.add
	relay := jobs.NewRelay(roomy{e}, e.redis, jobs.Kinds(), jobs.Beat{Poll: 10 * time.Millisecond, Hold: time.Hour}, quiet())
	worker, err := e.worker()
	if err != nil {
		return nil, err
	}
	relayCtx, stopRelay := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { relay.Run(relayCtx); close(ended) }()
	err = b.awaitQueue(ctx, "asynq:{decisions}:pending", t.want)
	stopRelay()
	<-ended
	if err != nil {
		return nil, err
	}
	defer e.run(ctx, worker)()
	return t.rate(ctx)
}

func (b *bench) addJobs(ctx context.Context, n int) error {
	cases, seqs := make([]int64, len(b.causes)), make([]int64, len(b.causes))
	for i, c := range b.causes {
		cases[i], seqs[i] = c.CaseID, int64(c.Cause)
	}
	_, err := b.owner.ExecContext(ctx, addJobsSQL, b.job(0).Kind, n, pq.Int64Array(cases), pq.Int64Array(seqs), len(b.causes))
	return err
}

// awaitQueue waits until a list in Redis is so long.
func (b *bench) awaitQueue(ctx context.Context, list string, n int64) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		length, err := b.redis.client.LLen(ctx, list).Result()
		if err != nil || length >= n {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d in %s: %w", length, n, list, ctx.Err())
		case <-tick.C:
		}
	}
}
