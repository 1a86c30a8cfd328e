package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/promise"
)

// DefaultKeep is how long what ended is kept before it is purged.
const DefaultKeep = 400 * 24 * time.Hour

// purgeBatches bounds one purge; the next one goes on with the rest.
const purgeBatches = 100

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

// A tick is kept as long as its job is.
const purgeTicksSQL = `
	DELETE FROM ticks
	WHERE (schedule, instant) IN (
		SELECT t.schedule, t.instant
		FROM ticks t
		WHERE t.recorded_at < now() - $1 * interval '1 microsecond'
			AND NOT EXISTS (SELECT FROM jobs j WHERE j.schedule = t.schedule AND j.tick_at = t.instant)
		LIMIT $2)`

// FinishPurge does a job that removes what ended longer ago than Keep, by
// Postgres' clock: jobs that are done or cancelled, with their attempts, and ticks
// whose job is gone. Failed, ambiguous and open jobs stay, however old.
//
// Each thousand of rows is a transaction of its own, so that none is long; the
// last one completes the job. What is removed twice is removed once, so that a
// purge that was broken off needs nothing but another one. At most 100 000 rows of
// each go at a time. It returns promise.ErrLost when the claim was lost meanwhile.
func (s *Store) FinishPurge(ctx context.Context, c promise.Claim) (promise.State, error) {
	for _, query := range []string{purgeJobsSQL, purgeTicksSQL} {
		err := s.purge(ctx, query)
		if err != nil {
			return promise.Open, fmt.Errorf("purge: %w", err)
		}
	}
	err := s.inTx(ctx, func(tx *sqlx.Tx) error { return completeJob(ctx, tx, c, promise.Done, "") })
	if err != nil {
		return promise.Open, fault(err, "purge, job %d", c.Job.ID)
	}
	return promise.Done, nil
}

func (s *Store) purge(ctx context.Context, query string) error {
	const batch = 1000
	for range purgeBatches {
		result, err := s.db.ExecContext(ctx, query, s.Keep.Microseconds(), batch)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil || n < batch {
			return err
		}
	}
	return nil
}
