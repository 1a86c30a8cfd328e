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
	UnfitHolders(ctx context.Context, now time.Time, limit int) ([]secor.CaseID, error)
	ContestedRulings(ctx context.Context, now time.Time, limit int) ([]secor.Ruling, error)
	Assignable(ctx context.Context, now time.Time) ([]secor.CaseID, error)
	UpdateCase(ctx context.Context, id secor.CaseID, act secor.Act, step func(f *secor.File, now time.Time) error) error
}

// Assigner takes cases from holders who came into conflict or left, and gives the
// audits that wait to reviewers who have become able to take one. Any number may run: each step plans anew under the lock of all assignments,
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

// Sweep does both, the oldest need first, records the rulings of people whose conflict
// is known only now, and returns on how many it acted. A case on which it cannot act
// keeps no other from it; its error is among those returned.
func (a *Assigner) Sweep(ctx context.Context) (int, error) {
	unfit, err := a.waiting.UnfitHolders(ctx, a.now(), sweepLimit)
	if err != nil {
		return 0, err
	}
	taken, err := a.each(ctx, unfit, "unassign", (*secor.File).Unassign)
	contested, contestErr := a.contest(ctx)
	ready, readErr := a.waiting.Assignable(ctx, a.now())
	given, giveErr := a.each(ctx, ready, "assign", func(f *secor.File) error { return take(f, "assign") })
	return taken + contested + given, errors.Join(err, contestErr, readErr, giveErr)
}

// contest names its act after the ruling, so that of two clock processes only one
// records it.
func (a *Assigner) contest(ctx context.Context) (int, error) {
	rulings, err := a.waiting.ContestedRulings(ctx, a.now(), sweepLimit)
	problems := []error{err}
	done := 0
	for _, r := range rulings {
		act := secor.Act{ID: fmt.Sprintf("contest:%d:%d", r.CaseID, r.Seq), By: secor.Desk, Surface: secor.SurfaceClock}
		err := a.waiting.UpdateCase(ctx, r.CaseID, act, func(f *secor.File, _ time.Time) error { return f.Contest(r) })
		switch {
		case err == nil:
			done++
			a.log.Info("case swept", "case", r.CaseID, "act", act.ID, "step", "contest")
		case !errors.Is(err, secor.ErrRefused):
			problems = append(problems, fmt.Errorf("contest case %d: %w", r.CaseID, err))
		}
	}
	return done, errors.Join(problems...)
}

// each takes a step on every case. A refusal means that another was first, or a
// person.
func (a *Assigner) each(ctx context.Context, ids []secor.CaseID, name string, step func(*secor.File) error) (int, error) {
	done := 0
	var problems []error
	for _, id := range ids {
		act := secor.Act{ID: fmt.Sprintf("%s:%d:%s", name, id, rand.Text()), By: secor.Desk, Surface: secor.SurfaceClock, Assigns: true}
		err := a.waiting.UpdateCase(ctx, id, act, func(f *secor.File, _ time.Time) error { return step(f) })
		switch {
		case err == nil:
			done++
			a.log.Info("case swept", "case", id, "act", act.ID, "step", name)
		case !errors.Is(err, secor.ErrRefused):
			problems = append(problems, fmt.Errorf("%s case %d: %w", name, id, err))
		}
	}
	return done, errors.Join(problems...)
}
