package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// Step changes a file by the rules. It may be called more than once, each time
// with a freshly loaded file, and must rely on nothing that an earlier call left.
type Step = func(f *secor.File, now time.Time) error

// UpdateCase takes one step on a case: it locks the case with all around it, runs
// step, and commits what the step changed together with its events, clock entries
// and promised jobs. A refusal, of step or of the act itself, changes nothing.
//
// The same act again, also after a lost answer, changes nothing and returns nil;
// an act that was taken on another case is a refusal. Now is the later of the
// desk's clock and the case's last event.
func (s *Store) UpdateCase(ctx context.Context, id secor.CaseID, act secor.Act, step func(f *secor.File, now time.Time) error) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error { return s.updateTx(ctx, tx, id, act, step) })
	if err != nil {
		return fault(err, "update case %d", id)
	}
	s.signal()
	return nil
}

// updateTx is UpdateCase inside a transaction of the caller, who commits and then
// calls signal.
func (s *Store) updateTx(ctx context.Context, tx *sqlx.Tx, id secor.CaseID, act secor.Act, step Step) error {
	act, err := cleanAct(act)
	if err != nil {
		return err
	}
	taken, err := taken(ctx, tx, id, act.ID)
	if taken || err != nil {
		return err
	}
	err = lockPeople(ctx, tx, act.Assigns)
	if err != nil {
		return fmt.Errorf("lock roster: %w", err)
	}
	f, err := s.loadFile(ctx, tx, id, lockUpdate)
	if err != nil {
		return err
	}
	return s.stepTx(ctx, tx, f, act, step)
}

// stepTx runs a step on a file that is loaded and locked.
func (s *Store) stepTx(ctx context.Context, tx *sqlx.Tx, f *secor.File, act secor.Act, step Step) error {
	// Under the lock it cannot be recorded any more while this looks.
	done, err := taken(ctx, tx, f.Case.ID, act.ID)
	if done || err != nil {
		return err
	}
	head, now, err := s.begin(ctx, tx, f, act)
	if err != nil {
		return err
	}
	if act.Assigns && f.Audit != nil {
		err = s.loadQueue(ctx, tx, f)
		if err != nil {
			return err
		}
	}
	before, bounced := rowsOf(f), f.Bounces
	err = step(f, now)
	if err != nil {
		return err
	}
	err = s.writeFile(ctx, tx, f, before, head, now)
	if err != nil {
		return asRefusal(err)
	}
	err = settleJobs(ctx, tx, f.SettledJobs(bounced))
	if err != nil {
		return err
	}
	return stampAssignment(ctx, tx, f, act, now)
}

// begin begins an act on a file. Now is the later of the desk's clock and the last
// event, which a process whose clock is ahead may have recorded.
func (s *Store) begin(ctx context.Context, tx *sqlx.Tx, f *secor.File, act secor.Act) (head, time.Time, error) {
	last, err := headOf(ctx, tx, caseStream(f.Case.ID))
	if err != nil {
		return head{}, time.Time{}, err
	}
	now := s.clock()
	if last.RecordedAt.After(now) {
		now = last.RecordedAt
	}
	return last, now, f.Begin(act, now)
}

// writeFile writes what a step did: what follows from an event is promised in the
// transaction that records it.
func (s *Store) writeFile(ctx context.Context, tx *sqlx.Tx, f *secor.File, before rows, head head, now time.Time) error {
	first, texts := head.Seq, &textKeeper{}
	events, err := appendEvents(ctx, tx, &head, 1, texts, f.Events())
	if err != nil {
		return err
	}
	after := rowsOf(f)
	before.cases.LastSeq, after.cases.LastSeq = first, head.Seq
	changed, err := after.write(ctx, tx, before)
	if err != nil {
		return err
	}
	if changed && head.Seq == first {
		return fmt.Errorf("a step changed case %d and recorded no event", f.Case.ID)
	}
	err = s.writeClocks(ctx, tx, f, before.entries, texts)
	if err != nil {
		return err
	}
	err = writeRounds(ctx, tx, f)
	if err != nil {
		return err
	}
	err = writeDocuments(ctx, tx, f, now)
	if err != nil {
		return err
	}
	return s.promise(ctx, tx, f, events)
}

// lockPeople keeps the roster as it is until the end of the transaction. Who
// assigns is alone with the loads: no step raises one without it.
func lockPeople(ctx context.Context, tx *sqlx.Tx, assigns bool) error {
	err := lockRoster.share(ctx, tx)
	if err != nil || !assigns {
		return err
	}
	return lockAssign.take(ctx, tx)
}

// cleanAct returns the act with its texts as they are stored.
func cleanAct(act secor.Act) (secor.Act, error) {
	var err error
	act.Reason, err = secor.CleanText("reason", act.Reason, secor.MaxText)
	if err != nil {
		return act, err
	}
	act.ID, err = secor.CleanText("act", act.ID, 200)
	act.HappenedAt = act.HappenedAt.UTC().Truncate(time.Microsecond)
	return act, err
}
