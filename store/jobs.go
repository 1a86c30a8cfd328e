package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Leases, wakes and back-offs are wall time by Postgres's clock alone, so that no
// two machines have to agree on one. Each write below may be executed twice
// without harm, because lib/pq and database/sql do so when an answer is lost
// (lib/pq issue 939): a claim is known by its token, all else by its fence.

const jobColumns = `id, kind, case_id, cause, schedule, tick_at, batch_id, key, audience, recipient, state, attempts, worker, last_error,
	not_before, woken_until, claimed_at, claimed_until, sending_at, finished_at, receipt`

type jobRow struct {
	ID           int64
	Kind         string
	CaseID       ref
	Cause        ref
	Schedule     optional
	TickAt       moment
	BatchID      ref
	Key          string
	Audience     string
	Recipient    string
	State        promise.State
	Attempts     int
	Worker       string
	LastError    string
	NotBefore    moment
	WokenUntil   moment
	ClaimedAt    moment
	ClaimedUntil moment
	SendingAt    moment
	FinishedAt   moment
	Receipt      string
}

func (r jobRow) job() promise.Job {
	return promise.Job{
		ID: r.ID, Kind: r.Kind, CaseID: int64(r.CaseID), Cause: int(r.Cause), Schedule: string(r.Schedule), Tick: time.Time(r.TickAt), Batch: int64(r.BatchID),
		Key: r.Key, Audience: r.Audience, Recipient: r.Recipient,
		State: r.State, Attempts: r.Attempts, Worker: r.Worker, LastError: r.LastError, NotBefore: time.Time(r.NotBefore),
		Woken: time.Time(r.WokenUntil), ClaimedAt: time.Time(r.ClaimedAt), Leased: time.Time(r.ClaimedUntil),
		SendingAt: time.Time(r.SendingAt), DoneAt: time.Time(r.FinishedAt), Receipt: r.Receipt,
	}
}

// lazily lets one statement commit without waiting for the disk, when it is joined
// to it. What Postgres may forget when the machine dies under it is a wake-up or a
// claim, and neither is needed: the wake-up is given again, and under a claim that
// is not there nothing can be written. Whoever writes durably later writes it too.
const lazily = `(SELECT set_config('synchronous_commit', 'off', true) OFFSET 0) AS lazily`

// Each kind has its own place in Postgres' line, so that none waits there behind
// another's. From the third that nobody followed on, a wake-up is given again after
// twice the hold, and then after twice that: its queue may only be long, and must
// not fill up.
const wakeJobsSQL = `
	WITH held AS (
		SELECT kind, count(*) AS n
		FROM jobs
		WHERE state = 'open' AND woken_until IS NOT NULL
		GROUP BY kind
	), rooms AS (
		SELECT r.kind, least($3, r.most - coalesce(held.n, 0)) AS free
		FROM unnest($1::text[], $2::bigint[]) AS r (kind, most)
		LEFT JOIN held ON held.kind = r.kind
		WHERE NOT EXISTS (SELECT FROM pauses WHERE pauses.kind = r.kind)
	)
	UPDATE jobs
	SET woken_until = now() + $4 * 2 ^ least(greatest(wakes - fence - 2, 0), 5) * interval '1 microsecond', wakes = wakes + 1
	FROM ` + lazily + `
	WHERE id = ANY (ARRAY(
		SELECT next.id
		FROM rooms
		CROSS JOIN LATERAL (
			SELECT id
			FROM jobs
			WHERE kind = rooms.kind AND state = 'open' AND woken_until IS NULL AND claimed_until IS NULL AND not_before <= now()
			ORDER BY not_before, id
			LIMIT greatest(rooms.free, 0)
			FOR UPDATE SKIP LOCKED
		) AS next))
	RETURNING id, kind, wakes`

// WakeJobs returns up to limit jobs of each of these kinds that can run now, and
// keeps them from being returned again until hold is over or a claim on them
// ended; hold doubles, up to 32 times, with each wake-up after the third that no
// claim followed. No more of a kind are woken at a time than its room says; relays that ask
// at the same moment may go beyond it by a limit each, and each gets others. Of a
// kind that is paused or not asked for none is woken.
func (s *Store) WakeJobs(ctx context.Context, rooms []promise.Room, limit int, hold time.Duration) ([]promise.Wake, error) {
	kinds, most := make(pq.StringArray, len(rooms)), make(pq.Int64Array, len(rooms))
	for i, r := range rooms {
		kinds[i], most[i] = r.Kind, int64(r.Most)
	}
	var rows []struct {
		ID    int64
		Kind  string
		Wakes int
	}
	err := s.engine.SelectContext(ctx, &rows, wakeJobsSQL, kinds, most, limit, hold.Microseconds())
	if err != nil {
		return nil, fmt.Errorf("wake jobs: %w", err)
	}
	wakes := make([]promise.Wake, len(rows))
	for i, r := range rows {
		wakes[i] = promise.Wake{JobID: r.ID, Kind: r.Kind, N: r.Wakes}
	}
	return wakes, nil
}

const claimJobSQL = `
	UPDATE jobs
	SET fence = fence + CASE WHEN token = $2 THEN 0 ELSE 1 END,
		attempts = attempts + CASE WHEN token = $2 THEN 0 ELSE 1 END,
		token = $2,
		worker = coalesce(substring($2 FROM '^(.*)/'), ''),
		claimed_at = CASE WHEN token = $2 THEN claimed_at ELSE now() END,
		claimed_until = now() + $3 * interval '1 microsecond',
		woken_until = NULL
	FROM ` + lazily + `
	WHERE id = $1 AND state = 'open' AND (token = $2 OR (claimed_until IS NULL AND not_before <= now()
		AND NOT EXISTS (SELECT FROM pauses WHERE pauses.kind = jobs.kind)))
	RETURNING fence, ` + jobColumns

// ClaimJob takes a job for the length of lease, and counts the attempt. It is
// false when there is nothing to do: the job is over, waits, is paused, is
// another's, or does not exist. The token is the caller's and unlike any other,
// and up to its last slash it names the worker; the same token claims the same attempt.
func (s *Store) ClaimJob(ctx context.Context, jobID int64, token string, lease time.Duration) (promise.Claim, bool, error) {
	var row struct {
		jobRow
		Fence int64
	}
	err := s.engine.GetContext(ctx, &row, claimJobSQL, jobID, token, lease.Microseconds())
	if errors.Is(err, sql.ErrNoRows) {
		return promise.Claim{}, false, nil
	}
	if err != nil {
		return promise.Claim{}, false, fmt.Errorf("claim job: %w", err)
	}
	return promise.Claim{Job: row.job(), Fence: row.Fence, Token: token}, true, nil
}

const renewClaimSQL = `
	UPDATE jobs
	SET claimed_until = greatest(claimed_until, now() + $3 * interval '1 microsecond')
	WHERE id = $1 AND fence = $2 AND claimed_until IS NOT NULL`

// RenewClaim makes a claim good for another lease from now, or leaves it when it
// is good for longer. It returns promise.ErrLost when it is good no more.
func (s *Store) RenewClaim(ctx context.Context, c promise.Claim, lease time.Duration) error {
	return holding(s.engine.ExecContext(ctx, renewClaimSQL, c.Job.ID, c.Fence, lease.Microseconds()))
}

const releaseJobSQL = `
	WITH released AS (
		UPDATE jobs
		SET attempts = attempts - 1, token = NULL, claimed_until = NULL, sending_at = NULL
		WHERE id = $1 AND fence = $2 AND claimed_until IS NOT NULL
		RETURNING id, fence, worker, claimed_at
	)
	INSERT INTO attempts (job_id, fence, worker, began_at, ended_at, outcome, error)
	SELECT id, fence, worker, claimed_at, now(), 'given_back', ''
	FROM released`

// ReleaseJob gives a job under whose claim nothing was sent back as if it had not
// been claimed; the attempt does not count. It returns promise.ErrLost when the
// claim is not good any more.
func (s *Store) ReleaseJob(ctx context.Context, c promise.Claim) error {
	return holding(s.engine.ExecContext(ctx, releaseJobSQL, c.Job.ID, c.Fence))
}

// maxWhy bounds what is kept of an error, in bytes.
const maxWhy = 8 << 10

const endAttemptSQL = `
	WITH ended AS (
		UPDATE jobs
		SET state = $3,
			last_error = $4,
			not_before = CASE WHEN $3 = 'open' THEN now() + $5 * interval '1 microsecond' ELSE not_before END,
			sending_at = CASE WHEN $6 THEN sending_at END,
			finished_at = CASE WHEN $3 = 'open' THEN NULL ELSE now() END,
			token = NULL,
			claimed_until = NULL,
			woken_until = NULL
		WHERE id = $1 AND fence = $2 AND state IN ('open', 'ambiguous', $3)
		RETURNING id, fence, worker, claimed_at, last_error
	)
	INSERT INTO attempts (job_id, fence, worker, began_at, ended_at, outcome, error)
	SELECT id, fence, worker, claimed_at, now(), $7, last_error
	FROM ended
	ON CONFLICT (job_id, fence) DO UPDATE SET ended_at = EXCLUDED.ended_at, outcome = EXCLUDED.outcome, error = EXCLUDED.error`

// EndAttempt records an attempt that did not do its job. Who comes late may still
// end an ambiguous job: it knows what became of its sending. It returns
// promise.ErrLost when the job went on without the claim.
func (s *Store) EndAttempt(ctx context.Context, c promise.Claim, o promise.Outcome) error {
	return endAttempt(ctx, s.engine, c, o)
}

func endAttempt(ctx context.Context, db sqlx.ExecerContext, c promise.Claim, o promise.Outcome) error {
	// What a fault says may be anything, and must not keep it from being recorded.
	why := strings.ReplaceAll(strings.ToValidUTF8(o.Why, "\uFFFD"), "\x00", "\uFFFD")
	why = strings.ToValidUTF8(why[:min(len(why), maxWhy)], "")
	end := promise.AttemptEnd(o.State)
	if o.State == promise.Open {
		end = promise.EndRetried
	}
	return holding(db.ExecContext(ctx, endAttemptSQL, c.Job.ID, c.Fence, o.State, why, o.RetryIn.Microseconds(), o.Sent, end))
}

const causeSQL = `
	SELECT j.state, ` + eventColumns + `, ` + textJoin + `
	FROM jobs j
	JOIN events e ON e.stream = j.stream AND e.seq = j.cause
	LEFT JOIN texts t ON t.hash = e.text_hash
	WHERE j.id = $1 AND j.fence = $2`

// causeOf returns the event from which a claimed job follows, and the job's state.
func causeOf(ctx context.Context, tx *sqlx.Tx, c promise.Claim) (secor.Event, promise.State, error) {
	var row struct {
		State promise.State
		readEvent
	}
	err := tx.GetContext(ctx, &row, causeSQL, c.Job.ID, c.Fence)
	if errors.Is(err, sql.ErrNoRows) {
		return secor.Event{}, "", promise.ErrLost
	}
	if err != nil {
		return secor.Event{}, "", fmt.Errorf("read cause: %w", err)
	}
	cause, err := row.event(row.Body)
	return cause, row.State, err
}

// errOver ends a step whose reason does not hold any more.
var errOver = errors.New("the reason of the job ended")

// FinishWork takes the step that a job consists of and completes the job, in one
// transaction. The job is Cancelled instead, and the step not taken, when the
// job's reason does not hold any more. Every error leaves case and job as they
// were: a refusal of the step, promise.ErrLost when the claim was lost meanwhile,
// or a fault; after a fault the job may be complete all the same.
func (s *Store) FinishWork(ctx context.Context, c promise.Claim, act secor.Act,
	step func(f *secor.File, cause secor.Event) error) (promise.State, error) {
	state := promise.Open
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		var cause secor.Event
		var err error
		cause, state, err = causeOf(ctx, tx, c)
		if err != nil || state == promise.Done || state == promise.Cancelled {
			return err // an earlier run was committed, and its answer lost
		}
		state = promise.Done
		err = s.updateTx(ctx, tx, secor.CaseID(c.Job.CaseID), act, func(f *secor.File, _ time.Time) error {
			if !secor.StillTrue(secor.JobKind(c.Job.Kind), f, cause) {
				return errOver
			}
			return step(f, cause)
		})
		if errors.Is(err, errOver) {
			state, err = promise.Cancelled, nil
		}
		if err != nil {
			return err
		}
		return completeJob(ctx, tx, c, state, "")
	})
	if err != nil {
		return promise.Open, fault(err, "work on job %d", c.Job.ID)
	}
	s.signal()
	return state, nil
}

const finishWithSQL = `
	WITH done AS (
		UPDATE jobs
		SET state = 'done', finished_at = now(), token = NULL, claimed_until = NULL, woken_until = NULL
		WHERE id = $1 AND fence = $2 AND state = 'open'
		RETURNING id
	), effect AS (%s)
	SELECT (SELECT count(*) FROM done) + (SELECT count(*) FROM jobs WHERE id = $1 AND fence = $2 AND state = 'done')`

// FinishWith does a job that is one statement and completes it, both in one round
// trip. The effect is SQL that reads from the table "done", which has the job's id
// when the claim is good and nothing else, and its arguments begin with $3. Executed
// twice, the second time finds the job done and has no effect. It returns
// promise.ErrLost when the claim was lost, and a fault after which the job may be
// done all the same.
func (s *Store) FinishWith(ctx context.Context, c promise.Claim, effect string, args ...any) error {
	var done int
	err := s.db.GetContext(ctx, &done, fmt.Sprintf(finishWithSQL, effect), append([]any{c.Job.ID, c.Fence}, args...)...)
	if err != nil {
		return fmt.Errorf("do job %d: %w", c.Job.ID, err)
	}
	if done == 0 {
		return promise.ErrLost
	}
	return nil
}

const startSendSQL = `
	UPDATE jobs
	SET sending_at = clock_timestamp(),
		claimed_until = greatest(claimed_until, clock_timestamp() + $3 * interval '1 microsecond')
	WHERE id = $1 AND fence = $2 AND claimed_until IS NOT NULL`

// StartSend commits that a sending begins, which it may take lease to end. The
// case is held in share mode meanwhile: nobody changes it between the question
// whether the job's reason still holds, prepare, and the commit. Prepare reads
// the file and changes nothing; papers that it makes are kept with the case. It is
// false, and the job Cancelled, when the reason does not hold any more. After an
// error nothing may be sent: it is a refusal of prepare, promise.ErrLost, or a fault.
func (s *Store) StartSend(ctx context.Context, c promise.Claim, act secor.Act, lease time.Duration,
	prepare func(f *secor.File, cause secor.Event) error) (bool, error) {
	starts := false
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		cause, _, err := causeOf(ctx, tx, c)
		if err != nil {
			return err
		}
		f, err := s.loadFile(ctx, tx, secor.CaseID(c.Job.CaseID), lockShare)
		if err != nil {
			return err
		}
		_, now, err := s.begin(ctx, tx, f, act)
		if err != nil {
			return err
		}
		starts = secor.StillTrue(secor.JobKind(c.Job.Kind), f, cause)
		if !starts {
			return completeJob(ctx, tx, c, promise.Cancelled, "")
		}
		err = prepare(f, cause)
		if err != nil {
			return err
		}
		err = writeDocuments(ctx, tx, f, now)
		if err != nil {
			return err
		}
		return holding(tx.ExecContext(ctx, startSendSQL, c.Job.ID, c.Fence, lease.Microseconds()))
	})
	if err != nil {
		return false, fault(err, "start sending job %d", c.Job.ID)
	}
	return starts, nil
}

// FinishSend records that a sending was accepted, with the receipt, and takes the
// step on the case that is true only now. It may be called again until it
// returns, also when the lease has run out: what was accepted was accepted.
func (s *Store) FinishSend(ctx context.Context, c promise.Claim, receipt string, act secor.Act, step func(f *secor.File) error) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		err := s.updateTx(ctx, tx, secor.CaseID(c.Job.CaseID), act, func(f *secor.File, _ time.Time) error { return step(f) })
		if err != nil {
			return err
		}
		return completeJob(ctx, tx, c, promise.Done, receipt)
	})
	if err != nil {
		return fault(err, "record sending of job %d", c.Job.ID)
	}
	s.signal()
	return nil
}

// An ambiguous job that turns out well is done; a job that ended in the same way
// under the same fence is the same end, told twice.
const completeJobSQL = `
	UPDATE jobs
	SET state = $3,
		receipt = $4,
		finished_at = coalesce(finished_at, now()),
		token = NULL,
		claimed_until = NULL,
		woken_until = NULL
	WHERE id = $1 AND fence = $2 AND (state = 'open' OR (state = 'ambiguous' AND $3 = 'done') OR (state = $3 AND receipt = $4))`

func completeJob(ctx context.Context, tx *sqlx.Tx, c promise.Claim, state promise.State, receipt string) error {
	return holding(tx.ExecContext(ctx, completeJobSQL, c.Job.ID, c.Fence, state, receipt))
}

// holding turns a fenced write that met no row into promise.ErrLost.
func holding(result sql.Result, err error) error {
	if err != nil {
		return fmt.Errorf("write job: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("write job: %w", err)
	}
	if n == 0 {
		return promise.ErrLost
	}
	return nil
}

const reconcileJobsSQL = `
	WITH lost AS (
		SELECT id AS job_id, fence AS held_fence, worker AS holder, claimed_at AS began_at, claimed_until AS ran_out_at,
			CASE WHEN claimed_until IS NULL THEN last_error
				ELSE 'attempt ' || attempts || ': the lease ran out' || CASE WHEN sending_at IS NULL THEN '' ELSE ' while sending' END END AS why,
			CASE WHEN sending_at IS NULL THEN 'lease_lost' ELSE 'ambiguous' END AS outcome
		FROM jobs
		WHERE state = 'open' AND (woken_until < now() OR claimed_until < now())
		ORDER BY id
		LIMIT 1000
		FOR UPDATE SKIP LOCKED
	), noted AS (
		INSERT INTO attempts (job_id, fence, worker, began_at, ended_at, outcome, error)
		SELECT job_id, held_fence, holder, began_at, now(), outcome, why
		FROM lost
		WHERE ran_out_at IS NOT NULL
		ON CONFLICT (job_id, fence) DO NOTHING
	)
	UPDATE jobs
	SET state = CASE WHEN sending_at IS NULL THEN 'open' ELSE 'ambiguous' END,
		finished_at = CASE WHEN sending_at IS NULL THEN NULL ELSE now() END,
		last_error = why,
		token = NULL,
		claimed_until = NULL,
		woken_until = NULL
	FROM lost
	WHERE id = job_id
	RETURNING ` + jobColumns

// ReconcileJobs takes back what nobody answers for any more: a wake-up that no
// worker followed and a claim whose lease ran out make the job runnable again; a
// lease that ran out while sending makes it ambiguous. It returns how many jobs
// can run again, and the ambiguous ones; at most 1000 together.
func (s *Store) ReconcileJobs(ctx context.Context) (int, []promise.Job, error) {
	var rows []jobRow
	err := s.engine.SelectContext(ctx, &rows, reconcileJobsSQL)
	if err != nil {
		return 0, nil, fmt.Errorf("reconcile jobs: %w", err)
	}
	var ambiguous []promise.Job
	for _, r := range rows {
		if r.State == promise.Ambiguous {
			ambiguous = append(ambiguous, r.job())
		}
	}
	return len(rows) - len(ambiguous), ambiguous, nil
}
