package main

import (
	"context"
	"fmt"
	"time"
)

// flushContenders lose Redis in the middle.
func flushContenders() []contender {
	return []contender{{name: "ours/flush", what: "ours: FLUSHALL under load, until every job is done", unit: "s", do: flushOurs}}
}

// flushOurs promises and works at full speed, empties Redis when a sixth of the
// jobs is done, and times from there. A lost job is an error.
func flushOurs(ctx context.Context, b *bench) ([]float64, error) {
	t := newTally(b, b.options.jobs)
	e, err := b.engineOn(ctx, "bench", b.redis.queue(0))
	if err != nil {
		return nil, err
	}
	e.done = t.add
	worker, err := e.worker()
	if err != nil {
		return nil, err
	}
	defer e.run(ctx, e.relay.Run, e.reconcile, worker)()
	promising := connect(b.appDSN("bench"))
	defer promising.Close()
	flushed := make(chan time.Time, 1)
	go func() {
		<-t.warmed
		at := time.Now()
		b.redis.flush(ctx) // whether it worked shows in the time
		flushed <- at
	}()
	err = byClients(ctx, 1, t.want, func(ctx context.Context, n int64) error {
		_, err := b.promiseOne(ctx, e, promising, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	began := <-flushed
	err = t.until(ctx, t.full)
	if err != nil {
		return nil, err
	}
	var effects int64
	err = b.owner.GetContext(ctx, &effects, `SELECT count(*) FROM bench_effects`)
	if err == nil && effects != t.want {
		err = fmt.Errorf("%d jobs had %d effects", t.want, effects)
	}
	return []float64{t.last.Sub(began).Seconds()}, err
}
