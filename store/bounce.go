package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// BounceSend ends an attempt as EndAttempt does, and takes the step that records on
// the case what the reader's mail server said, in one transaction: whoever sees the
// job failed sees that somebody is told. It may be called again until it returns.
func (s *Store) BounceSend(ctx context.Context, c promise.Claim, o promise.Outcome, act secor.Act, step func(f *secor.File) error) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		err := s.updateTx(ctx, tx, secor.CaseID(c.Job.CaseID), act, func(f *secor.File, _ time.Time) error { return step(f) })
		if err != nil {
			return err
		}
		return endAttempt(ctx, tx, c, o)
	})
	if err != nil {
		return fault(err, "record bounce of job %d", c.Job.ID)
	}
	s.signal()
	return nil
}

const settleJobsSQL = `
	UPDATE jobs
	SET state = 'cancelled', fence = fence + 1
	WHERE id = ANY ($1) AND state = 'failed'`

// settleJobs takes letters off the list of failed jobs whose readers were reached
// another way, or answered: nobody has to decide on them any more.
func settleJobs(ctx context.Context, tx *sqlx.Tx, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, settleJobsSQL, pq.Int64Array(ids))
	if err != nil {
		return fmt.Errorf("settle jobs: %w", err)
	}
	return nil
}

const bounceJobSQL = `
	UPDATE jobs
	SET state = 'failed', fence = fence + 1, last_error = $2, sending_at = NULL, finished_at = now()
	WHERE id = $1`

// BounceJob records that the letter of a job came back after a mail server had
// accepted it: the job, which is done or ambiguous, is failed with what the report
// says, and can be retried once the address is corrected; what followed from the
// letter on the case stays. The step records it on the case. The same act again
// changes nothing; a job whose letter did not leave, or came back already, is refused.
func (s *Store) BounceJob(ctx context.Context, jobID int64, act secor.Act, why string, step func(f *secor.File, job promise.Job) error) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		found, err := readJob(ctx, tx, jobSQL, jobID)
		if err != nil {
			return err
		}
		if found.CaseID == 0 {
			return refuse(secor.ErrIllegalMove, "", "job %d is no letter", jobID)
		}
		return s.updateTx(ctx, tx, secor.CaseID(found.CaseID), act, func(f *secor.File, _ time.Time) error {
			job, err := readJob(ctx, tx, jobSQL+" FOR UPDATE", jobID)
			if err != nil {
				return err
			}
			if job.State != promise.Ambiguous && (job.State != promise.Done || job.SendingAt.IsZero()) {
				return refuse(secor.ErrIllegalMove, "look at it with secordesk jobs show", "job %d is %s, and has no letter on its way that could come back", jobID, job.State)
			}
			err = step(f, job)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, bounceJobSQL, jobID, why)
			if err != nil {
				return fmt.Errorf("write job: %w", err)
			}
			return nil
		})
	})
	if err != nil {
		return fault(err, "record bounce of job %d", jobID)
	}
	s.signal()
	return nil
}
