package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

type scheduleRow struct {
	Name         string
	Kind         string
	Spec         string
	Misfire      string
	KnownSince   moment
	SettledUntil moment
	LastTick     moment
}

func (r scheduleRow) schedule() promise.Schedule {
	return promise.Schedule{Name: r.Name, Kind: r.Kind, Spec: r.Spec, Misfire: r.Misfire,
		KnownSince: time.Time(r.KnownSince), Settled: time.Time(r.SettledUntil), LastTick: time.Time(r.LastTick)}
}

const (
	scheduleSQL = `
		SELECT name, kind, spec, misfire, known_since, settled_until
		FROM schedules
		WHERE name = $1
		FOR UPDATE`
	addScheduleSQL = `
		INSERT INTO schedules (name, kind, spec, misfire, known_since, settled_until)
		VALUES ($1, $2, $3, $4, $5, $5)
		ON CONFLICT (name) DO NOTHING`
	settleScheduleSQL = `
		UPDATE schedules
		SET kind = $2, spec = $3, misfire = $4, settled_until = $5
		WHERE name = $1 AND (kind, spec, misfire) IS DISTINCT FROM ($2, $3, $4) OR name = $1 AND settled_until <> $5`
)

// A tick that is there already keeps the job that it has.
const takeTickSQL = `
	WITH taken AS (
		INSERT INTO ticks (schedule, instant)
		VALUES ($1, $2)
		ON CONFLICT (schedule, instant) DO NOTHING
		RETURNING schedule, instant
	)
	INSERT INTO jobs (kind, schedule, tick_at, key, audience, recipient, not_before)
	SELECT $3, schedule, instant, $4, $5, $6, clock_timestamp()
	FROM taken`

// TakeTicks records ticks of a schedule, promises one job of its kind for each, and
// notes up to when the schedule is settled. Of given it takes name, kind, spec and
// misfire; these are in force from then on. Due is told what was in force until
// then and returns the instants to record, in whole seconds, and the new end of
// what is settled. It is asked while the schedule is locked, so that no two
// processes answer for the same time; it may be asked again and changes nothing.
//
// A schedule that is not known yet begins at the desk's now: due is asked with
// nothing to catch up on. Settled never goes back, whatever due says, and a tick
// that is recorded is not recorded again. TakeTicks returns what is kept of the
// schedule then, and how many ticks it recorded; after a lost answer to COMMIT
// that may be too few.
func (s *Store) TakeTicks(ctx context.Context, given promise.Schedule,
	due func(kept promise.Schedule) ([]time.Time, time.Time)) (promise.Schedule, int, error) {
	var kept promise.Schedule
	var taken int
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		var err error
		kept, err = s.lockSchedule(ctx, tx, given)
		if err != nil {
			return err
		}
		ticks, settled := due(kept)
		taken, err = recordTicks(ctx, tx, given, ticks)
		if err != nil {
			return err
		}
		kept.Kind, kept.Spec, kept.Misfire = given.Kind, given.Spec, given.Misfire
		settled = settled.UTC().Truncate(time.Microsecond)
		if settled.After(kept.Settled) {
			kept.Settled = settled
		}
		_, err = tx.ExecContext(ctx, settleScheduleSQL, given.Name, given.Kind, given.Spec, given.Misfire, kept.Settled)
		return err
	})
	if err != nil {
		return promise.Schedule{}, 0, fault(err, "take ticks of schedule %s", given.Name)
	}
	if taken > 0 {
		s.signal()
	}
	return kept, taken, nil
}

func (s *Store) lockSchedule(ctx context.Context, tx *sqlx.Tx, given promise.Schedule) (promise.Schedule, error) {
	for {
		var rows []scheduleRow
		err := tx.SelectContext(ctx, &rows, scheduleSQL, given.Name)
		if err != nil {
			return promise.Schedule{}, fmt.Errorf("lock schedule: %w", err)
		}
		if len(rows) == 1 {
			return rows[0].schedule(), nil
		}
		_, err = tx.ExecContext(ctx, addScheduleSQL, given.Name, given.Kind, given.Spec, given.Misfire, s.clock())
		if err != nil {
			return promise.Schedule{}, fmt.Errorf("add schedule: %w", err)
		}
	}
}

// recordTicks returns how many of the ticks are new.
func recordTicks(ctx context.Context, tx *sqlx.Tx, schedule promise.Schedule, ticks []time.Time) (int, error) {
	taken := 0
	for _, at := range ticks {
		key := fmt.Sprintf("tick:%s/%s", schedule.Name, at.UTC().Format(time.RFC3339))
		result, err := tx.ExecContext(ctx, takeTickSQL, schedule.Name, at.UTC(), schedule.Kind, key, secor.AudienceDesk, secor.Desk.String())
		if err != nil {
			return 0, fmt.Errorf("record tick %s: %w", key, err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			return 0, fmt.Errorf("record tick %s: %w", key, err)
		}
		taken += int(n)
	}
	return taken, nil
}

const schedulesSQL = `
	SELECT s.name, s.kind, s.spec, s.misfire, s.known_since, s.settled_until, max(t.instant) AS last_tick
	FROM schedules s
	LEFT JOIN ticks t ON t.schedule = s.name
	GROUP BY s.name
	ORDER BY s.name`

// Schedules returns what is kept of every schedule that a clock process ever knew,
// by name.
func (s *Store) Schedules(ctx context.Context) ([]promise.Schedule, error) {
	var rows []scheduleRow
	err := s.db.SelectContext(ctx, &rows, schedulesSQL)
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	found := make([]promise.Schedule, len(rows))
	for i, r := range rows {
		found[i] = r.schedule()
	}
	return found, nil
}
