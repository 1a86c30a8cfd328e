package main

import (
	"context"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// deskContenders are real work, for information: there is no goal.
func deskContenders() []contender {
	return []contender{{name: "ours/step", what: "ours: a real step of the desk (request:decide_need)", unit: "jobs/s", do: deskSteps}}
}

// deskSteps opens requests that need no decision, and times how the engine closes them.
func deskSteps(ctx context.Context, b *bench) ([]float64, error) {
	n := max(b.options.jobs/20, 20)
	t := newTally(b, n)
	_, err := b.openCases(ctx, b.owner, int(t.want))
	if err != nil {
		return nil, err
	}
	e, err := b.engineOn(ctx, "bench", b.redis.queue(0))
	if err != nil {
		return nil, err
	}
	e.promises = steps{e.Store, t.add}
	worker, err := e.worker()
	if err != nil {
		return nil, err
	}
	defer e.run(ctx, e.relay.Run, worker)()
	return t.rate(ctx)
}

// steps is the store as it is, and counts.
type steps struct {
	*store.Store
	done func()
}

// FinishWork takes the step.
func (s steps) FinishWork(ctx context.Context, c promise.Claim, act secor.Act, step func(*secor.File, secor.Event) error) (promise.State, error) {
	state, err := s.Store.FinishWork(ctx, c, act, step)
	if err == nil {
		s.done()
	}
	return state, err
}
