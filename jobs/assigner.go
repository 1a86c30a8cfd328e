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

// Waiting is what the assigner needs of the store.
type Waiting interface {
	Assignable(ctx context.Context, now time.Time) ([]secor.CaseID, error)
	UpdateCase(ctx context.Context, id secor.CaseID, act secor.Act, step func(f *secor.File, now time.Time) error) error
}

// Assigner gives the audits that wait to reviewers who have become able to take
// one. Any number may run: each step plans anew under the lock of all assignments,
// so that an audit is given once and nobody gets more than they have room for.
type Assigner struct {
	waiting Waiting
	now     func() time.Time // the desk's clock
	log     *slog.Logger
}

// NewAssigner returns an assigner that goes by the desk's clock.
func NewAssigner(waiting Waiting, now func() time.Time, log *slog.Logger) *Assigner {
	return &Assigner{waiting: waiting, now: now, log: log}
}

// Sweep gives every audit that somebody can take to its reviewer, the oldest need
// first, and returns how many there were. An audit that cannot be given keeps no
// other from it; its error is among those returned.
func (a *Assigner) Sweep(ctx context.Context) (int, error) {
	ready, err := a.waiting.Assignable(ctx, a.now())
	if err != nil {
		return 0, err
	}
	given := 0
	var problems []error
	for _, id := range ready {
		err = a.give(ctx, id)
		switch {
		case err == nil:
			given++
		case errors.Is(err, secor.ErrRefused): // another was first, or a person
		default:
			problems = append(problems, fmt.Errorf("assign case %d: %w", id, err))
		}
	}
	return given, errors.Join(problems...)
}

func (a *Assigner) give(ctx context.Context, id secor.CaseID) error {
	act := secor.Act{ID: fmt.Sprintf("assign:%d:%s", id, rand.Text()), By: secor.Desk, Surface: secor.SurfaceClock, Assigns: true}
	err := a.waiting.UpdateCase(ctx, id, act, func(f *secor.File, _ time.Time) error { return take(f, "assign") })
	if err == nil {
		a.log.Info("audit assigned", "case", id, "act", act.ID)
	}
	return err
}
