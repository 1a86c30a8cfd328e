package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// effort is CPU time of all that takes part. Program and servers share the cores,
// so what one takes the others have not.
type effort struct {
	program, postgres, redis time.Duration
	things                   float64 // that were done for it
}

// String returns microseconds of CPU for each thing: program / Postgres / Redis.
func (e effort) String() string {
	if e.things == 0 || e.program == 0 {
		return ""
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / e.things }
	return fmt.Sprintf("%.0f / %.0f / %.0f", each(e.program), each(e.postgres), each(e.redis))
}

// begin starts the clock of a measurement.
func (b *bench) begin() time.Time {
	b.before = b.effort()
	return time.Now()
}

// end returns how many things were done per second, and keeps what they cost.
func (b *bench) end(n int64, took time.Duration) []float64 {
	now := b.effort()
	b.spent = effort{now.program - b.before.program, now.postgres - b.before.postgres, now.redis - b.before.redis, float64(n)}
	return []float64{float64(n) / took.Seconds()}
}

// tally counts what was done. The first of it only warms up: connections are
// opened, statements prepared.
type tally struct {
	bench      *bench
	warm, want int64
	done       atomic.Int64
	warmed     chan struct{}
	full       chan struct{}
	first      time.Time // when all was warm; set before warmed is closed
	last       time.Time // set before full is closed
}

// warmth is how many are done before n are timed.
func warmth(n int) int { return n/5 + clients }

func newTally(b *bench, n int) *tally {
	return &tally{bench: b, warm: int64(warmth(n)), want: int64(warmth(n) + n), warmed: make(chan struct{}), full: make(chan struct{})}
}

func (t *tally) add() {
	switch t.done.Add(1) {
	case t.warm:
		t.first = t.bench.begin()
		close(t.warmed)
	case t.want:
		t.last = time.Now()
		close(t.full)
	}
}

// until waits for a stage.
func (t *tally) until(ctx context.Context, stage <-chan struct{}) error {
	select {
	case <-stage:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d of %d done: %w", t.done.Load(), t.want, ctx.Err())
	}
}

// rate waits until all was done and returns how many that were per second since
// all was warm.
func (t *tally) rate(ctx context.Context) ([]float64, error) {
	err := t.until(ctx, t.full)
	if err != nil {
		return nil, err
	}
	return t.bench.end(t.want-t.warm, t.last.Sub(t.first)), nil
}

// path lets clients promise, first to warm up, then for the clock: from the first
// promise to the last completion.
func (t *tally) path(ctx context.Context, promise func(ctx context.Context, n int64) error) ([]float64, error) {
	err := byClients(ctx, 1, t.warm, promise)
	if err != nil {
		return nil, err
	}
	err = t.until(ctx, t.warmed)
	if err != nil {
		return nil, err
	}
	t.first = t.bench.begin()
	err = byClients(ctx, t.warm+1, t.want, promise)
	if err != nil {
		return nil, err
	}
	return t.rate(ctx)
}

// byClients lets the clients do what has these numbers as fast as they can, each
// one at a time.
func byClients(ctx context.Context, first, last int64, do func(ctx context.Context, n int64) error) error {
	var taken atomic.Int64
	calls, ctx := errgroup.WithContext(ctx)
	for range clients {
		calls.Go(func() error {
			for n := first + taken.Add(1) - 1; n <= last; n = first + taken.Add(1) - 1 {
				err := do(ctx, n)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return calls.Wait()
}

// span is how long a rate is taken.
func (b *bench) span() time.Duration {
	if b.options.quick {
		return 50 * time.Millisecond
	}
	return time.Second
}

// rate lets n clients do the same over and over for b's span, after a quarter of
// it to warm up, and returns how often they did per second.
func (b *bench) rate(ctx context.Context, n int, do func(ctx context.Context, n int64) error) ([]float64, error) {
	var next atomic.Int64
	run := func(span time.Duration) error {
		calls, ctx := errgroup.WithContext(ctx)
		began := time.Now()
		for range n {
			calls.Go(func() error {
				for time.Since(began) < span {
					err := do(ctx, next.Add(1))
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		return calls.Wait()
	}
	err := run(b.span() / 4)
	if err != nil {
		return nil, err
	}
	began, before := b.begin(), next.Load()
	err = run(b.span())
	return b.end(next.Load()-before, time.Since(began)), err
}
