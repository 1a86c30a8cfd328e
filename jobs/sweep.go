package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"secordesk/store/secor"
)

// sweepLimit bounds one sweep; the next one goes on with the rest.
const sweepLimit = 1000

// Clocks is what the sweeper needs of the store.
type Clocks interface {
	DueClocks(ctx context.Context, now time.Time, limit int) ([]secor.CaseID, error)
	UpdateCase(ctx context.Context, id secor.CaseID, act secor.Act, step func(f *secor.File, now time.Time) error) error
}

// Sweeper acts on what the clocks of all cases say. Any number may run: the
// ledger takes each level of a cycle once.
type Sweeper struct {
	clocks Clocks
	now    func() time.Time // the desk's clock
	log    *slog.Logger
}

// NewSweeper returns a sweeper that goes by the desk's clock.
func NewSweeper(clocks Clocks, now func() time.Time, log *slog.Logger) *Sweeper {
	return &Sweeper{clocks: clocks, now: now, log: log}
}

// Sweep acts on every level that is due and returns how many there were. A case
// that cannot be swept keeps no other from it; its error is among those returned.
func (s *Sweeper) Sweep(ctx context.Context) (int, error) {
	due, err := s.clocks.DueClocks(ctx, s.now(), sweepLimit)
	if err != nil {
		return 0, err
	}
	total := 0
	var problems []error
	for _, id := range due {
		n, err := s.sweepCase(ctx, id)
		total += n
		if err != nil {
			problems = append(problems, fmt.Errorf("sweep case %d: %w", id, err))
		}
	}
	return total, errors.Join(problems...)
}

// sweepCase needs no act id that is always the same for a level: an act done
// twice finds the level in the ledger.
func (s *Sweeper) sweepCase(ctx context.Context, id secor.CaseID) (int, error) {
	act := secor.Act{ID: fmt.Sprintf("clock:%d:%s", id, rand.Text()), By: secor.Desk, Surface: secor.SurfaceClock}
	reached := 0
	err := s.clocks.UpdateCase(ctx, id, act, func(f *secor.File, _ time.Time) error {
		var err error
		reached, err = f.ReachLevels()
		return err
	})
	if err != nil {
		return 0, err
	}
	if reached > 0 { // none when another clock process was first
		s.log.Info("clock levels reached", "case", id, "act", act.ID, "levels", reached)
	}
	return reached, nil
}
