package store

import (
	"context"
	"fmt"
	"time"

	"secordesk/store/promise"
)

// DefaultKeep is how long what ended is kept before it is purged.
const DefaultKeep = 400 * 24 * time.Hour

// A purge takes so many batches of so many jobs, and so many ticks; the next one goes
// on with the rest.
const (
	purgeBatches = 100
	purgeBatch   = 1000
	purgeTicks   = 10_000
)

// It looks through the whole table when there is nothing to do, once a night: an
// index on the ends would have to be written with each job.
const purgeJobsSQL = `
	DELETE FROM jobs
	WHERE id = ANY (ARRAY(
		SELECT id
		FROM jobs
		WHERE state IN ('done', 'cancelled') AND finished_at < now() - $1 * interval '1 microsecond'
		ORDER BY id
		LIMIT $2))`

// A tick is kept as long as its job is. A desk has a few a day, so that one batch a
// night is more than enough.
const purgeTicksSQL = `
	DELETE FROM ticks
	WHERE EXISTS (SELECT FROM done) AND (schedule, instant) IN (
		SELECT t.schedule, t.instant
		FROM ticks t
		WHERE t.recorded_at < now() - $3 * interval '1 microsecond'
			AND NOT EXISTS (SELECT FROM jobs j WHERE j.schedule = t.schedule AND j.tick_at = t.instant)
		LIMIT $4)`

// FinishPurge does a job that removes what ended longer ago than Keep, by
// Postgres' clock: jobs that are done or cancelled, with their attempts, and ticks
// whose job is gone. Failed, ambiguous and open jobs stay, however old.
//
// Each thousand of jobs is a transaction of its own, so that none is long; the ticks
// go with the completion. What is removed twice is removed once, so that a purge
// that was broken off needs nothing but another one. At most 100 000 jobs and
// 10 000 ticks go at a time. It returns promise.ErrLost when the claim was lost
// meanwhile.
func (s *Store) FinishPurge(ctx context.Context, c promise.Claim) (promise.State, error) {
	err := s.purgeJobs(ctx)
	if err != nil {
		return promise.Open, fmt.Errorf("purge: %w", err)
	}
	err = s.FinishWith(ctx, c, purgeTicksSQL, s.Keep.Microseconds(), purgeTicks)
	if err != nil {
		return promise.Open, err
	}
	return promise.Done, nil
}

func (s *Store) purgeJobs(ctx context.Context) error {
	for range purgeBatches {
		result, err := s.db.ExecContext(ctx, purgeJobsSQL, s.Keep.Microseconds(), purgeBatch)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil || n < purgeBatch {
			return err
		}
	}
	return nil
}
