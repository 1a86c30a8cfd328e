package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Not before is protocol time: it is set by Postgres' clock, whatever the desk's says.
const addJobSQL = `
	INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, not_before)
	VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7 * interval '1 microsecond')`

// AddJob promises a job in the transaction of what it follows from, not to run
// before wait is over. It takes kind, case, cause, key, audience and recipient from
// j. Who commits then calls Promised, so that a relay of this process looks at once.
func AddJob(ctx context.Context, tx sqlx.ExecerContext, j promise.Job, wait time.Duration) error {
	_, err := tx.ExecContext(ctx, addJobSQL, j.Kind, j.CaseID, j.Cause, j.Key, j.Audience, j.Recipient, wait.Microseconds())
	if err != nil {
		return fmt.Errorf("promise %s: %w", j.Kind, err)
	}
	return nil
}

// promise writes down the jobs that follow from events, one for each recipient.
func (s *Store) promise(ctx context.Context, tx *sqlx.Tx, f *secor.File, events []secor.Event) error {
	for _, e := range events {
		for _, follow := range f.Follows(e.Kind) {
			err := s.promiseOne(ctx, tx, f, e, follow)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// promiseOne makes the key of the event, so that a promise cannot recur.
func (s *Store) promiseOne(ctx context.Context, tx *sqlx.Tx, f *secor.File, cause secor.Event, follow secor.Follow) error {
	recipients, err := f.Recipients(follow.Audience, cause)
	if err != nil {
		return fmt.Errorf("promise %s: %w", follow.Job, err)
	}
	if follow.Audience == secor.AudienceChannel && s.Channel != "" {
		recipients = []string{"channel:" + s.Channel}
	}
	for _, recipient := range recipients {
		key := fmt.Sprintf("case:%d/event:%d/%s/%s", f.Case.ID, cause.Seq, follow.Job, recipient)
		err = AddJob(ctx, tx, promise.Job{Kind: string(follow.Job), CaseID: int64(f.Case.ID), Cause: cause.Seq, Key: key,
			Audience: string(follow.Audience), Recipient: recipient}, s.graceOf(follow.Audience))
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) graceOf(a secor.Audience) time.Duration {
	if a == secor.AudienceDesk {
		return 0
	}
	return s.Grace
}
