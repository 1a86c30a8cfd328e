package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// JobFilter says which jobs are asked for; a zero field asks for all.
type JobFilter struct {
	CaseID    secor.CaseID
	States    []promise.State
	Kind      string        // a kind, or its beginning: "request:"
	Recipient string        // "company:12"
	Within    time.Duration // promised not longer ago than this, by Postgres' clock
	Newest    bool          // the last ones first, and not the first ones
	Limit     int           // 0: 1000
}

const jobsSQL = `
	SELECT ` + jobColumns + `
	FROM jobs
	WHERE ($1 = 0 OR case_id = $1)
	  AND (cardinality($2::text[]) = 0 OR state = ANY ($2))
	  AND starts_with(kind, $3)
	  AND ($4 = '' OR recipient = $4)
	  AND ($5::bigint = 0 OR promised_at >= now() - $5 * interval '1 microsecond')
	ORDER BY id `

// Jobs returns jobs in the order in which they were promised, or the other way round.
func (s *Store) Jobs(ctx context.Context, filter JobFilter) ([]promise.Job, error) {
	states := make(pq.StringArray, len(filter.States))
	for i, state := range filter.States {
		states[i] = string(state)
	}
	limit, order := filter.Limit, "LIMIT $6"
	if limit == 0 {
		limit = 1000
	}
	if filter.Newest {
		order = "DESC LIMIT $6"
	}
	var rows []jobRow
	err := s.db.SelectContext(ctx, &rows, jobsSQL+order, filter.CaseID, states, filter.Kind, filter.Recipient,
		filter.Within.Microseconds(), limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	found := make([]promise.Job, len(rows))
	for i, r := range rows {
		found[i] = r.job()
	}
	return found, nil
}

const jobKindsSQL = `
	SELECT kind FROM jobs WHERE starts_with(kind, $1)
	UNION
	SELECT kind FROM pauses WHERE starts_with(kind, $1)
	ORDER BY kind`

// JobKinds returns the kinds that begin so and of which there is a job, in whatever
// state, or a pause; also those that no release here knows.
func (s *Store) JobKinds(ctx context.Context, beginning string) ([]string, error) {
	var kinds []string
	err := s.db.SelectContext(ctx, &kinds, jobKindsSQL, beginning)
	if err != nil {
		return nil, fmt.Errorf("kinds of jobs: %w", err)
	}
	return kinds, nil
}

const quietSQL = `SELECT NOT EXISTS (SELECT FROM jobs WHERE state = 'open')`

// Quiet reports whether every promise was kept or given up. A job that waits out
// its back-off is not quiet: time must not be put forward over its head.
func (s *Store) Quiet(ctx context.Context) (bool, error) {
	var quiet bool
	err := s.db.GetContext(ctx, &quiet, quietSQL)
	if err != nil {
		return false, fmt.Errorf("look for open jobs: %w", err)
	}
	return quiet, nil
}
