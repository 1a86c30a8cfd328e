package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

const jobSQL = `
	SELECT ` + jobColumns + `
	FROM jobs
	WHERE id = $1`

// Job returns one job. ErrNotFound when there is none.
func (s *Store) Job(ctx context.Context, id int64) (promise.Job, error) {
	job, err := readJob(ctx, s.db, jobSQL, id)
	return job, fault(err, "job %d", id)
}

func readJob(ctx context.Context, db sqlx.QueryerContext, query string, id int64) (promise.Job, error) {
	var row jobRow
	err := sqlx.GetContext(ctx, db, &row, query, id)
	if errors.Is(err, sql.ErrNoRows) {
		return promise.Job{}, noJob(id)
	}
	if err != nil {
		return promise.Job{}, fmt.Errorf("read job: %w", err)
	}
	return row.job(), nil
}

func noJob(id int64) error {
	return refuse(secor.ErrNotFound, "list the jobs", "there is no job %d", id)
}

const attemptsSQL = `
	SELECT fence, worker, began_at, ended_at, outcome, error
	FROM attempts
	WHERE job_id = $1
	ORDER BY fence`

// Attempts returns the attempts at a job that did not do it, the first one first.
func (s *Store) Attempts(ctx context.Context, jobID int64) ([]promise.Attempt, error) {
	var rows []struct {
		Fence   int64
		Worker  string
		BeganAt moment
		EndedAt time.Time
		Outcome promise.AttemptEnd
		Error   string
	}
	err := s.db.SelectContext(ctx, &rows, attemptsSQL, jobID)
	if err != nil {
		return nil, fmt.Errorf("attempts at job %d: %w", jobID, err)
	}
	found := make([]promise.Attempt, len(rows))
	for i, r := range rows {
		found[i] = promise.Attempt{Fence: r.Fence, Worker: r.Worker, BeganAt: time.Time(r.BeganAt), EndedAt: r.EndedAt.UTC(), Outcome: r.Outcome, Error: r.Error}
	}
	return found, nil
}

const promisedAtSQL = `SELECT promised_at FROM jobs WHERE id = $1`

const decisionsSQL = `
	SELECT ` + eventColumns + `, ` + textJoin + `
	FROM events e LEFT JOIN texts t ON t.hash = e.text_hash
	WHERE e.stream = $1 AND e.kind = ANY ($2) AND e.facts::jsonb ->> 'job' = $3
	ORDER BY e.seq`

// JobStory is what a job's row does not tell of it at work.
type JobStory struct {
	PromisedAt time.Time     // wall time
	Decisions  []secor.Event // of people, the first one first: job.retried, job.dropped, job.arrived
	Attempts   []promise.Attempt
}

// Story returns what came to a job. ErrNotFound when there is none.
func (s *Store) Story(ctx context.Context, job promise.Job) (JobStory, error) {
	var story JobStory
	err := s.db.GetContext(ctx, &story.PromisedAt, promisedAtSQL, job.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return JobStory{}, noJob(job.ID)
	}
	if err != nil {
		return JobStory{}, fmt.Errorf("when job %d was promised: %w", job.ID, err)
	}
	story.PromisedAt = story.PromisedAt.UTC()
	stream := streamDesk
	if job.CaseID != 0 {
		stream = caseStream(secor.CaseID(job.CaseID))
	}
	kinds := pq.StringArray{string(secor.EventJobRetried), string(secor.EventJobDropped), string(secor.EventJobArrived)}
	story.Decisions, err = selectEvents(ctx, s.db, decisionsSQL, stream, kinds, number(job.ID))
	if err != nil {
		return JobStory{}, fmt.Errorf("decisions on job %d: %w", job.ID, err)
	}
	story.Attempts, err = s.Attempts(ctx, job.ID)
	return story, err
}

// Each raises the fence: a worker of an earlier attempt that comes late is told
// promise.ErrLost.
const (
	retryJobSQL = `
		UPDATE jobs
		SET state = 'open', fence = fence + 1, attempts = 0, not_before = now(), sending_at = NULL, finished_at = NULL, receipt = $2
		WHERE id = $1`
	cancelJobSQL = `
		UPDATE jobs
		SET state = 'cancelled', fence = fence + 1, finished_at = now(), token = NULL, claimed_until = NULL, woken_until = NULL, receipt = $2
		WHERE id = $1`
	arrivedJobSQL = `
		UPDATE jobs
		SET state = 'done', fence = fence + 1, finished_at = now(), receipt = $2
		WHERE id = $1`
)

// RetryJob has a job done again from its first attempt that failed or is ambiguous,
// and at once one that waits for its next attempt, by a lead or administrator with
// a reason, and records that on the case. A letter that may have left already is
// refused unless twice says that it may arrive two times. The same act again
// changes nothing.
func (s *Store) RetryJob(ctx context.Context, jobID int64, act secor.Act, twice bool) error {
	return s.decideJob(ctx, jobID, act, retryJobSQL, func(f *secor.File, job promise.Job) (string, error) {
		switch {
		case job.State == promise.Open && (job.Attempts == 0 || !job.Leased.IsZero()):
			return "", refuse(secor.ErrIllegalMove, "wait for its attempt to end", "job %d is being done, or has not been tried yet", job.ID)
		case !job.SendingAt.IsZero() && !twice:
			return "", refuse(secor.ErrGuard, "look whether it did; then record that it arrived, or accept that it may arrive twice (may-arrive-twice)",
				"the letter of job %d was being sent and may have arrived", job.ID)
		}
		return "", f.RetryJob(job.ID, secor.JobKind(job.Kind), string(job.State))
	})
}

// CancelJob gives up a job that is open, failed or ambiguous for good: what would
// follow from its letter on the case does not, not even when it arrived. A worker that
// is at it changes nothing any more; while it sends it is refused. Who may, what is
// recorded and what the same act does again is as with RetryJob.
func (s *Store) CancelJob(ctx context.Context, jobID int64, act secor.Act) error {
	return s.decideJob(ctx, jobID, act, cancelJobSQL, func(f *secor.File, job promise.Job) (string, error) {
		if job.State == promise.Open && !job.SendingAt.IsZero() {
			return "", refuse(secor.ErrIllegalMove, "look again in a minute", "the letter of job %d is being sent at this moment", job.ID)
		}
		return "", f.CancelJob(job.ID, secor.JobKind(job.Kind), string(job.State))
	})
}

// ArrivedJob ends a job whose letter was being sent and, as a person found out,
// arrived: one that is ambiguous, or failed because its receipt could not be
// recorded. The job is done, and the case gets what follows from the letter, dated
// by the act. Who may, what is recorded and what the same act does again is as with
// RetryJob; a refusal of the case's rules changes nothing.
func (s *Store) ArrivedJob(ctx context.Context, jobID int64, act secor.Act) error {
	return s.decideJob(ctx, jobID, act, arrivedJobSQL, func(f *secor.File, job promise.Job) (string, error) {
		if job.State == promise.Open || job.SendingAt.IsZero() || job.CaseID == 0 && job.Batch == 0 {
			return "", refuse(secor.ErrIllegalMove, "retry or cancel it", "job %d is %s, and has no letter of which nobody knows whether it arrived", job.ID, job.State)
		}
		who := act.By.String()
		for _, r := range f.Roster {
			if secor.ByReviewer(r.ID) == act.By {
				who = r.Name
			}
		}
		return "arrived, says " + who, f.ArrivedJob(job.ID, secor.JobKind(job.Kind), job.Recipient, string(job.State))
	})
}

// decideJob takes a person's decision on a job as a step on its case, or as an act
// on the desk's stream when it has none. Decide returns the receipt that the change
// notes.
func (s *Store) decideJob(ctx context.Context, jobID int64, act secor.Act, change string, decide func(*secor.File, promise.Job) (string, error)) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		found, err := readJob(ctx, tx, jobSQL, jobID)
		if err != nil {
			return err
		}
		step := func(f *secor.File, _ time.Time) error {
			// A worker may report meanwhile. The engine, too, locks a job after its case.
			job, err := readJob(ctx, tx, jobSQL+" FOR UPDATE", jobID)
			if err != nil {
				return err
			}
			if job.State == promise.Done || job.State == promise.Cancelled {
				return refuse(secor.ErrIllegalMove, "nothing is to be decided", "job %d is %s", jobID, job.State)
			}
			receipt, err := decide(f, job)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, change, jobID, receipt)
			return err
		}
		if found.CaseID == 0 {
			return s.deskStep(ctx, tx, act, step, func(d *deskTx) error { return s.decided(d, found) })
		}
		return s.updateTx(ctx, tx, secor.CaseID(found.CaseID), act, step)
	})
	if err != nil {
		return fault(err, "decide job %d", jobID)
	}
	s.signal()
	return nil
}

// decided does what the end of a job without a case means for what it follows from.
func (s *Store) decided(d *deskTx, found promise.Job) error {
	if found.Batch == 0 {
		return nil
	}
	job, err := readJob(d.ctx, d.Tx, jobSQL, found.ID)
	if err != nil {
		return err
	}
	return s.batchDecided(d, job)
}

// deskStep takes a step on a file without a case: what it records is written on the
// desk's stream, and then is what follows from it there. The same act again changes
// nothing.
func (s *Store) deskStep(ctx context.Context, tx *sqlx.Tx, act secor.Act, step Step, then func(*deskTx) error) error {
	d, err := s.beginDesk(ctx, tx, act)
	if err != nil {
		return err
	}
	_, taken, err := d.past("job")
	if taken || err != nil {
		return err
	}
	roster, err := s.selectRoster(ctx, tx)
	if err != nil {
		return err
	}
	f := &secor.File{Roster: roster}
	err = f.Begin(d.act, d.now)
	if err != nil {
		return err
	}
	err = step(f, d.now)
	if err != nil {
		return err
	}
	for _, e := range f.Events() {
		err = d.recordText(e.Kind, e.Text, e.Facts)
		if err != nil {
			return err
		}
	}
	return then(d)
}

// Trouble is what waits for a person.
type Trouble struct {
	Failed    int // jobs
	Ambiguous int // jobs
	Unknown   int // open jobs of a kind that the asking release does not know
	Paused    int // kinds of jobs
}

const troubleSQL = `
	SELECT count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'ambiguous'),
		(SELECT count(*) FROM jobs WHERE state = 'open' AND kind <> ALL ($1)),
		(SELECT count(*) FROM pauses)
	FROM jobs
	WHERE state IN ('failed', 'ambiguous')`

// ReadTrouble counts what waits for a person; kinds are those that the asking
// release knows. It asks any database with the newest migration.
func ReadTrouble(ctx context.Context, db *sql.DB, kinds []string) (Trouble, error) {
	var t Trouble
	err := db.QueryRowContext(ctx, troubleSQL, pq.Array(kinds)).Scan(&t.Failed, &t.Ambiguous, &t.Unknown, &t.Paused)
	if err != nil {
		return Trouble{}, fmt.Errorf("count troubled jobs: %w", err)
	}
	return t, nil
}
