package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/store/secor"
)

// clocks is the bench's store with a case that can be made unreadable.
type clocks struct {
	*bench
	broken secor.CaseID
	due    func() // nil: nothing more than the store does
}

func (c clocks) UpdateCase(ctx context.Context, id secor.CaseID, act secor.Act, step func(*secor.File, time.Time) error) error {
	if id == c.broken {
		return errors.New("unreadable")
	}
	return c.bench.UpdateCase(ctx, id, act, step)
}

func (c clocks) DueClocks(ctx context.Context, now time.Time, limit int) ([]secor.CaseID, error) {
	if c.due != nil {
		c.due()
	}
	return c.bench.DueClocks(ctx, now, limit)
}

// due is a bench with a desk's clock of its own and two requests that nobody decides.
func due(t *testing.T) (*bench, *time.Time, []secor.CaseID) {
	t.Helper()
	now := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)
	b := newBenchAt(t, func() time.Time { return now })
	ids := []secor.CaseID{b.request(t), b.request(t)}
	return b, &now, ids
}

// Three sweepers at once and again later: each level of each clock happens once.
func TestSweep(t *testing.T) {
	b, now, ids := due(t)
	s := jobs.NewSweeper(clocks{bench: b}, func() time.Time { return *now }, slog.New(b.book))
	n, err := s.Sweep(t.Context())
	if n != 0 || err != nil {
		t.Fatalf("Sweep = %d, %v before anything is due", n, err)
	}
	*now = now.AddDate(0, 1, 0)
	var sweepers sync.WaitGroup
	for range 3 {
		sweepers.Go(func() {
			_, err := s.Sweep(t.Context())
			if err != nil {
				t.Error(err)
			}
		})
	}
	sweepers.Wait()
	n, err = s.Sweep(t.Context())
	if n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v after all was acted on", n, err)
	}
	for _, id := range ids {
		b.wantEvents(t, id, secor.EventClockBreach, 1)
		b.job(t, id, secor.JobEscalate)
	}
}

func TestSweep_OneCaseBroken(t *testing.T) {
	b, now, ids := due(t)
	*now = now.AddDate(0, 1, 0)
	s := jobs.NewSweeper(clocks{bench: b, broken: ids[0]}, func() time.Time { return *now }, slog.New(b.book))
	n, err := s.Sweep(t.Context())
	if n == 0 || err == nil {
		t.Errorf("Sweep = %d, %v, want the levels of the other case, and an error", n, err)
	}
	b.wantEvents(t, ids[0], secor.EventClockBreach, 0)
	b.wantEvents(t, ids[1], secor.EventClockBreach, 1)
}
