package main

import "context"

// pathContenders promise and do at the same time.
func pathContenders() []contender {
	return []contender{
		{name: "ours/path", what: "ours: promise, relay, claim, effect and completion", unit: "jobs/s", do: pathOurs(false)},
		{name: "ours/path-batched", what: "ours, claims and completions gathered", unit: "jobs/s", do: pathOurs(true)},
		{name: "asynq/path", what: "asynq, COMMIT and then Enqueue; a handler of BEGIN, INSERT, UPDATE, COMMIT", unit: "jobs/s", do: pathNaive},
		{name: "river/path-32", what: "River, InsertTx and JobCompleteTx, 32 workers", unit: "jobs/s", do: pathRiver(clients)},
		{name: "river/path-100", what: "River, InsertTx and JobCompleteTx, 100 workers", unit: "jobs/s", do: pathRiver(100)},
	}
}

// pathOurs times from before the first promise to the last completion. Clients
// and worker have a pool each, as two processes would.
func pathOurs(batched bool) func(context.Context, *bench) ([]float64, error) {
	return func(ctx context.Context, b *bench) ([]float64, error) {
		t := newTally(b, b.options.jobs)
		e, err := b.engineOn(ctx, "bench", b.redis.queue(0))
		if err != nil {
			return nil, err
		}
		e.done = t.add
		if batched {
			db := connect(b.appDSN("bench"))
			defer db.Close()
			gathered := newBatched(e, db)
			defer gathered.close()
			e.promises = gathered
		}
		worker, err := e.worker()
		if err != nil {
			return nil, err
		}
		defer e.run(ctx, e.relay.Run, e.reconcile, worker)()
		promising := connect(b.appDSN("bench"))
		defer promising.Close()
		return t.path(ctx, func(ctx context.Context, n int64) error {
			_, err := b.promiseOne(ctx, e, promising, n)
			return err
		})
	}
}
