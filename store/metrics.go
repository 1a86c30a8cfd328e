package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"secordesk/store/promise"
)

// Behind reports whether the database lacks a migration that this program relies
// on. Its error is that Postgres gave no answer.
func (s *Store) Behind(ctx context.Context) (bool, error) {
	var version int
	err := s.db.GetContext(ctx, &version, schemaSQL)
	if pq.As(err, pqerror.UndefinedTable) != nil {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read version of the database: %w", err)
	}
	return version < schemaVersion, nil
}

// Open jobs are read in the two parts that have an index each, which are small
// however many jobs are finished.
const backlogSQL = `
	WITH open AS (
		SELECT kind, not_before, promised_at, false AS claimed, false AS woken
		FROM jobs
		WHERE state = 'open' AND woken_until IS NULL AND claimed_until IS NULL
		UNION ALL
		SELECT kind, not_before, promised_at, claimed_until IS NOT NULL, woken_until IS NOT NULL
		FROM jobs
		WHERE state = 'open' AND (woken_until IS NOT NULL OR claimed_until IS NOT NULL)
	), counted AS (
		SELECT open.kind,
			CASE
				WHEN claimed THEN 'claimed'
				WHEN pauses.kind IS NOT NULL THEN 'paused'
				WHEN woken THEN 'woken'
				WHEN not_before > now() THEN 'waiting'
				ELSE 'runnable'
			END AS state,
			width_bucket(extract(epoch FROM now() - promised_at), $1::numeric[]) AS age,
			not_before
		FROM open
		LEFT JOIN pauses ON pauses.kind = open.kind
	)
	SELECT 'open' AS part, kind, state, age, count(*) AS jobs, (extract(epoch FROM now() - min(not_before)) * 1000000)::bigint AS overdue
	FROM counted
	GROUP BY kind, state, age
	UNION ALL
	SELECT 'troubled', kind, state, 0, count(*), 0
	FROM jobs
	WHERE state IN ('failed', 'ambiguous')
	GROUP BY kind, state
	UNION ALL
	SELECT 'paused', kind, '', 0, 0, 0
	FROM pauses
	UNION ALL
	SELECT 'newest', '', '', 0, coalesce(max(id), 0), 0
	FROM jobs
	ORDER BY part, kind, state, age`

// Backlog counts what is promised and not done. It never waits for a lock that a
// step holds, and costs what the open and the troubled jobs cost, however many are
// finished.
func (s *Store) Backlog(ctx context.Context) (promise.Backlog, error) {
	var b promise.Backlog
	err := s.snapshot(ctx, func(tx *sqlx.Tx) error {
		var err error
		b, err = readBacklog(ctx, tx)
		if err != nil {
			return err
		}
		b.OldestTxn, err = oldestTxn(ctx, tx)
		return err
	})
	if err != nil {
		return promise.Backlog{}, fmt.Errorf("count promised jobs: %w", err)
	}
	return b, nil
}

func readBacklog(ctx context.Context, tx *sqlx.Tx) (promise.Backlog, error) {
	var rows []struct {
		Part    string
		Kind    string
		State   string
		Age     int
		Jobs    int64
		Overdue int64 // microseconds
	}
	ages := pq.Float64Array{}
	for _, limit := range promise.Ages() {
		ages = append(ages, limit.Seconds())
	}
	err := tx.SelectContext(ctx, &rows, backlogSQL, ages)
	if err != nil {
		return promise.Backlog{}, err
	}
	var b promise.Backlog
	for _, r := range rows {
		switch r.Part {
		case "open":
			b.Open = append(b.Open, promise.OpenJobs{Kind: r.Kind, Readiness: promise.Readiness(r.State), Age: r.Age, Jobs: int(r.Jobs),
				Overdue: time.Duration(r.Overdue) * time.Microsecond})
		case "troubled":
			b.Troubled = append(b.Troubled, promise.Troubled{Kind: r.Kind, State: promise.State(r.State), Jobs: int(r.Jobs)})
		case "paused":
			b.Paused = append(b.Paused, r.Kind)
		case "newest":
			b.Newest = r.Jobs
		}
	}
	return b, nil
}

// The two parts have an index each, as those of the backlog.
const unclaimedSQL = `
	SELECT kind, (extract(epoch FROM now() - min(not_before)) * 1000000)::bigint
	FROM (
		SELECT kind, not_before
		FROM jobs
		WHERE state = 'open' AND woken_until IS NULL AND claimed_until IS NULL AND not_before <= now()
		UNION ALL
		SELECT kind, not_before
		FROM jobs
		WHERE state = 'open' AND (woken_until IS NOT NULL OR claimed_until IS NOT NULL) AND claimed_until IS NULL
	) AS unclaimed
	WHERE kind = ANY ($1) AND NOT EXISTS (SELECT FROM pauses WHERE pauses.kind = unclaimed.kind)
	GROUP BY kind`

// ReadUnclaimed returns by kind how long the oldest job has been due that nobody
// holds. Kinds are those that the asking release knows; paused ones are left out,
// and so are those without such a job. It asks any database with the newest migration.
func ReadUnclaimed(ctx context.Context, db *sql.DB, kinds []string) (map[string]time.Duration, error) {
	rows, err := db.QueryContext(ctx, unclaimedSQL, pq.Array(kinds))
	if err != nil {
		return nil, fmt.Errorf("look for unclaimed jobs: %w", err)
	}
	defer rows.Close()
	found := map[string]time.Duration{}
	for rows.Next() {
		var kind string
		var micros int64
		err = rows.Scan(&kind, &micros)
		if err != nil {
			return nil, fmt.Errorf("look for unclaimed jobs: %w", err)
		}
		found[kind] = time.Duration(micros) * time.Microsecond
	}
	err = rows.Err()
	if err != nil {
		return nil, fmt.Errorf("look for unclaimed jobs: %w", err)
	}
	return found, nil
}

const (
	// Postgres shows a session's times to its own user, and secordesk_app is not the
	// user who connected. The transaction ends with this statement.
	ownRoleSQL = `SET LOCAL ROLE NONE`

	oldestTxnSQL = `
		SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start) * 1000000), 0)::bigint
		FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`
)

func oldestTxn(ctx context.Context, tx *sqlx.Tx) (time.Duration, error) {
	_, err := tx.ExecContext(ctx, ownRoleSQL)
	if err != nil {
		return 0, err
	}
	var micros int64
	err = tx.GetContext(ctx, &micros, oldestTxnSQL)
	return time.Duration(max(micros, 0)) * time.Microsecond, err
}
