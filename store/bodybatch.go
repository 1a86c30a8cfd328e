package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Events of the desk's own stream about what goes to bodies and to the post.
const (
	EventBodyBatchMade      secor.EventKind = "body_batch.made"
	EventBodyBatchSent      secor.EventKind = "body_batch.sent"
	EventBodyBatchCancelled secor.EventKind = "body_batch.cancelled"
)

// mostInBatch bounds one batch, so that recording its sending stays short; the next
// one takes the rest.
const mostInBatch = 200

const dueForBodySQL = `
	SELECT k.id
	FROM certificates k
	JOIN cases c ON c.id = k.case_id
	WHERE k.body = $1 AND k.state = 'due' AND c.state = 'qa_complete'
	  AND NOT EXISTS (SELECT FROM body_batch_rows r WHERE r.certificate_id = k.id AND r.settled_at IS NULL)
	ORDER BY k.id
	LIMIT $2`

const addBodyBatchSQL = `
	INSERT INTO body_batches (body, made_at, made_by)
	VALUES ($1, $2, $3)
	RETURNING id`

const addBatchRowSQL = `INSERT INTO body_batch_rows (batch_id, certificate_id) VALUES ($1, $2)`

const addBatchJobSQL = `
	INSERT INTO jobs (kind, batch_id, key, audience, recipient, not_before)
	VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 microsecond')`

// gather makes a batch of all certificates of a body that are due and in no other
// batch, and promises its sending. It returns 0 when there are none.
func (s *Store) gather(d *deskTx, body string) (int64, int, error) {
	var due []int64
	err := d.SelectContext(d.ctx, &due, dueForBodySQL, body, mostInBatch)
	if err != nil {
		return 0, 0, fmt.Errorf("certificates due from %s: %w", body, err)
	}
	if len(due) == 0 {
		return 0, 0, nil
	}
	var id int64
	err = d.GetContext(d.ctx, &id, addBodyBatchSQL, body, d.now, d.act.By.String())
	if err != nil {
		return 0, 0, fmt.Errorf("add batch: %w", err)
	}
	for _, certificate := range due {
		_, err = d.ExecContext(d.ctx, addBatchRowSQL, id, certificate)
		if err != nil {
			return 0, 0, fmt.Errorf("add certificate to batch: %w", err)
		}
	}
	_, err = d.ExecContext(d.ctx, addBatchJobSQL, secor.JobRequestBatch, id, fmt.Sprintf("batch:%d/%s", id, secor.JobRequestBatch),
		secor.AudienceBody, "body:"+body, s.Grace.Microseconds())
	if err != nil {
		return 0, 0, fmt.Errorf("promise batch: %w", err)
	}
	return id, len(due), d.record(EventBodyBatchMade, map[string]string{"batch": number(id), "body": body, "certificates": number(int64(len(due)))})
}

// AddBodyBatch gathers at once what a governing body is to be asked for in one file,
// and promises its sending. It returns the batch's number. A body that takes no batches, nothing that is due, and everybody but a lead or
// administrator are refusals; the same act again returns what it made.
func (s *Store) AddBodyBatch(ctx context.Context, act secor.Act, body string) (int64, error) {
	known := s.programme.Bodies[body]
	switch {
	case known == nil:
		return 0, &secor.FieldError{Field: "body", Value: body, Problem: "is not a governing body of this programme"}
	case known.Request != secor.AskingBatch:
		return 0, refuse(secor.ErrIllegalMove, "nothing is to be done", "%s is asked by a letter for each certificate, which leaves by itself", known.Name)
	}
	id, _, err := s.register(ctx, act, "batch", func(d *deskTx) (int64, Change, error) {
		err := d.runs("Make Batch")
		if err != nil {
			return 0, "", err
		}
		id, _, err := s.gather(d, body)
		if err == nil && id == 0 {
			err = refuse(secor.ErrNotFound, "look again when one has passed", "no certificate of %s is due that is in no batch", known.Name)
		}
		return id, Added, err
	})
	if err != nil {
		return 0, fault(err, "make batch for %s", body)
	}
	s.signal()
	return id, nil
}

// runs refuses everybody but a lead or administrator of this roster.
func (d *deskTx) runs(label string) error {
	roster, err := selectPeople(d.ctx, d.Tx)
	if err != nil {
		return err
	}
	f := &secor.File{Roster: roster}
	err = f.Begin(d.act, d.now)
	if err != nil {
		return err
	}
	return f.RunsJobs(label)
}

// FinishGather does a job that makes a batch for each governing body that takes
// them, on working days of the office, and completes the job, in one transaction. It
// does so once for the office's day of the job's tick. It returns promise.ErrLost
// when the claim was lost meanwhile.
func (s *Store) FinishGather(ctx context.Context, c promise.Claim) (promise.State, error) {
	day := s.today(c.Job.Tick)
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		if s.programme.Calendars[s.programme.Office].Workday(day) {
			err := s.gatherAll(ctx, tx, day)
			if err != nil {
				return err
			}
		}
		return completeJob(ctx, tx, c, promise.Done, "")
	})
	if err != nil {
		return promise.Open, fault(err, "gather batches of %s", day)
	}
	s.signal()
	return promise.Done, nil
}

func (s *Store) gatherAll(ctx context.Context, tx *sqlx.Tx, day secor.Date) error {
	d, err := s.beginDesk(ctx, tx, secor.Act{ID: "gather:" + day.String(), By: secor.Desk, Surface: secor.SurfaceClock})
	if err != nil {
		return err
	}
	_, taken, err := d.past("batch")
	if taken || err != nil {
		return err
	}
	var bodies []string
	for id, body := range s.programme.Bodies {
		if body.Request == secor.AskingBatch {
			bodies = append(bodies, id)
		}
	}
	slices.Sort(bodies)
	for _, body := range bodies {
		_, _, err = s.gather(d, body)
		if err != nil {
			return err
		}
	}
	return nil
}

const lockBatchSQL = `
	SELECT body, sent_at, cancelled_at
	FROM body_batches
	WHERE id = $1
	FOR UPDATE`

const unsettledRowsSQL = `
	SELECT r.certificate_id, k.case_id, r.in_file
	FROM body_batch_rows r
	JOIN certificates k ON k.id = r.certificate_id
	WHERE r.batch_id = $1 AND r.settled_at IS NULL
	ORDER BY k.case_id, k.id`

type batchRow struct {
	CertificateID int64
	CaseID        secor.CaseID
	InFile        bool
}

const (
	leaveRowOutSQL = `UPDATE body_batch_rows SET settled_at = $3, in_file = false WHERE batch_id = $1 AND certificate_id = $2`
	putRowInSQL    = `UPDATE body_batch_rows SET in_file = true WHERE batch_id = $1 AND certificate_id = $2`
	sealBatchSQL   = `UPDATE body_batches SET file_name = $2, data = $3, sha256 = $4 WHERE id = $1`
	cancelBatchSQL = `UPDATE body_batches SET cancelled_at = $2 WHERE id = $1`
	sentBatchSQL   = `UPDATE body_batches SET sent_at = $2 WHERE id = $1`
	settleBatchSQL = `UPDATE body_batch_rows SET settled_at = $2 WHERE batch_id = $1 AND settled_at IS NULL`
)

// StartBatch composes the file of a batch of those certificates that are still due,
// and commits with it that its sending begins, which it may take lease to end. Every
// case is held in share mode meanwhile. The others leave the batch; it is false, and
// batch and job are Cancelled, when none is left. Prepare reads batch and file. After
// an error nothing may be sent: it is a refusal of prepare, promise.ErrLost, or a fault.
func (s *Store) StartBatch(ctx context.Context, c promise.Claim, lease time.Duration,
	prepare func(b secor.BodyBatch, file secor.Document, now time.Time) error) (bool, error) {
	starts := false
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		now := s.clock()
		b, err := s.lockBatch(ctx, tx, c.Job.Batch)
		if err != nil {
			return err
		}
		err = s.stillDue(ctx, tx, c, &b, now)
		if err != nil {
			return err
		}
		starts = len(b.Cases) > 0
		if !starts {
			_, err = tx.ExecContext(ctx, cancelBatchSQL, b.ID, now)
			if err != nil {
				return fmt.Errorf("cancel batch: %w", err)
			}
			return completeJob(ctx, tx, c, promise.Cancelled, "")
		}
		file := secor.Document{Name: "certificates-" + b.Name() + ".csv", Type: "text/csv"}
		file.Data, err = b.CSV()
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, sealBatchSQL, b.ID, file.Name, file.Data, hexSum(file.Data))
		if err != nil {
			return fmt.Errorf("keep batch: %w", err)
		}
		err = prepare(b, file, now)
		if err != nil {
			return err
		}
		return holding(tx.ExecContext(ctx, startSendSQL, c.Job.ID, c.Fence, lease.Microseconds()))
	})
	if err != nil {
		return false, fault(err, "start sending batch %d", c.Job.Batch)
	}
	return starts, nil
}

// lockBatch locks a batch that has not ended. One that has is promise.ErrLost.
func (s *Store) lockBatch(ctx context.Context, tx *sqlx.Tx, id int64) (secor.BodyBatch, error) {
	var row struct {
		Body                string
		SentAt, CancelledAt moment
	}
	err := tx.GetContext(ctx, &row, lockBatchSQL, id)
	if err != nil {
		return secor.BodyBatch{}, fmt.Errorf("lock batch %d: %w", id, err)
	}
	if row.SentAt != (moment{}) || row.CancelledAt != (moment{}) {
		return secor.BodyBatch{}, promise.ErrLost
	}
	body := s.programme.Bodies[row.Body]
	if body == nil {
		return secor.BodyBatch{}, fmt.Errorf("batch %d is for %s, which this program's data do not have (any more)", id, row.Body)
	}
	return secor.BodyBatch{ID: id, Body: body}, nil
}

// stillDue puts the cases of a batch into it whose certificate is due, and takes the
// others out of it for good.
func (s *Store) stillDue(ctx context.Context, tx *sqlx.Tx, c promise.Claim, b *secor.BodyBatch, now time.Time) error {
	var rows []batchRow
	err := tx.SelectContext(ctx, &rows, unsettledRowsSQL, b.ID)
	if err != nil {
		return fmt.Errorf("certificates of batch %d: %w", b.ID, err)
	}
	for _, r := range rows {
		f, err := s.loadFile(ctx, tx, r.CaseID, lockShare)
		if err != nil {
			return err
		}
		_, _, err = s.begin(ctx, tx, f, batchAct(c.Job.ID, r.CaseID))
		if err != nil {
			return err
		}
		if f.CertificateDue() && f.Certificate().ID == r.CertificateID {
			b.Cases = append(b.Cases, f)
			_, err = tx.ExecContext(ctx, putRowInSQL, b.ID, r.CertificateID)
		} else {
			_, err = tx.ExecContext(ctx, leaveRowOutSQL, b.ID, r.CertificateID, now)
		}
		if err != nil {
			return fmt.Errorf("write row of batch %d: %w", b.ID, err)
		}
	}
	return nil
}

// batchAct is what the sending of a batch means on one case.
func batchAct(job int64, id secor.CaseID) secor.Act {
	return secor.Act{ID: fmt.Sprintf("job:%d/case:%d", job, id), By: secor.Desk, Surface: secor.SurfaceJob}
}

// FinishBatch records that a batch was accepted, with the receipt: every certificate
// in its file is requested, in one transaction. It may be called again until it
// returns, also when the lease has run out: what was accepted was accepted.
func (s *Store) FinishBatch(ctx context.Context, c promise.Claim, receipt string) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		d, err := s.beginDesk(ctx, tx, secor.Act{ID: fmt.Sprintf("job:%d", c.Job.ID), By: secor.Desk, Surface: secor.SurfaceJob})
		if err != nil {
			return err
		}
		_, taken, err := d.past("batch")
		if err == nil && !taken {
			err = s.batchSent(d, c.Job)
		}
		if err != nil {
			return err
		}
		return completeJob(ctx, tx, c, promise.Done, receipt)
	})
	if err != nil {
		return fault(err, "record sending of batch %d", c.Job.Batch)
	}
	s.signal()
	return nil
}

// batchSent takes on every case what the sending of a batch means.
func (s *Store) batchSent(d *deskTx, job promise.Job) error {
	b, err := s.lockBatch(d.ctx, d.Tx, job.Batch)
	if errors.Is(err, promise.ErrLost) || errors.Is(err, sql.ErrNoRows) {
		return nil // it ended meanwhile
	}
	if err != nil {
		return err
	}
	var rows []batchRow
	err = d.SelectContext(d.ctx, &rows, unsettledRowsSQL, b.ID)
	if err != nil {
		return fmt.Errorf("certificates of batch %d: %w", b.ID, err)
	}
	for _, r := range rows {
		err = s.updateTx(d.ctx, d.Tx, r.CaseID, batchAct(job.ID, r.CaseID), func(f *secor.File, _ time.Time) error {
			return f.RequestedIn(b.Name(), job.Recipient)
		})
		if err != nil {
			return err
		}
	}
	err = d.settle(b.ID, sentBatchSQL)
	if err != nil {
		return err
	}
	return d.record(EventBodyBatchSent, map[string]string{"batch": number(b.ID), "job": number(job.ID), "certificates": number(int64(len(rows)))})
}

// FailBatch ends an attempt as EndAttempt does, and records on the first case of the
// batch that it did not leave, of which the leads are told once for all of them, in
// one transaction. It may be called again until it returns.
func (s *Store) FailBatch(ctx context.Context, c promise.Claim, o promise.Outcome, act secor.Act) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		var rows []batchRow
		err := tx.SelectContext(ctx, &rows, unsettledRowsSQL, c.Job.Batch)
		if err != nil {
			return fmt.Errorf("certificates of batch %d: %w", c.Job.Batch, err)
		}
		if len(rows) > 0 {
			err = s.updateTx(ctx, tx, rows[0].CaseID, act, func(f *secor.File, _ time.Time) error {
				f.BatchFailed(c.Job.Batch, c.Job.ID, len(rows), o.Why)
				return nil
			})
		}
		if err != nil {
			return err
		}
		return endAttempt(ctx, tx, c, o)
	})
	if err != nil {
		return fault(err, "record failure of batch %d", c.Job.Batch)
	}
	s.signal()
	return nil
}

// settle ends a batch and all that is in it.
func (d *deskTx) settle(batch int64, end string) error {
	for _, query := range []string{settleBatchSQL, end} {
		_, err := d.ExecContext(d.ctx, query, batch, d.now)
		if err != nil {
			return fmt.Errorf("settle batch %d: %w", batch, err)
		}
	}
	return nil
}

// batchDecided does what a person's decision on the job of a batch means for it.
func (s *Store) batchDecided(d *deskTx, job promise.Job) error {
	switch job.State {
	case promise.Done:
		return s.batchSent(d, job)
	case promise.Cancelled:
		_, err := s.lockBatch(d.ctx, d.Tx, job.Batch)
		if errors.Is(err, promise.ErrLost) {
			return nil
		}
		if err == nil {
			err = d.settle(job.Batch, cancelBatchSQL)
		}
		if err != nil {
			return err
		}
		return d.record(EventBodyBatchCancelled, map[string]string{"batch": number(job.Batch), "job": number(job.ID)})
	default:
		return nil
	}
}

// BodyBatch is a batch as it is kept.
type BodyBatch struct {
	ID          int64
	Body        string
	MadeAt      time.Time
	MadeBy      secor.Actor
	File        secor.Document // empty until its sending began
	SHA256      string
	SentAt      time.Time // zero: it was not
	CancelledAt time.Time
	Job         int64 // that sends it; 0 once it is purged
	JobState    promise.State
	Cases       []BatchCase
}

// BatchCase is a case in a batch.
type BatchCase struct {
	BatchID int64
	CaseID  secor.CaseID
	Company string
	Account string
	InFile  bool // of those that were sent, or are to be
}

const bodyBatchesSQL = `
	SELECT b.id, b.body, b.made_at, b.made_by, b.file_name, b.data, b.sha256, b.sent_at, b.cancelled_at, coalesce(j.id, 0) AS job_id, coalesce(j.state, '') AS job_state
	FROM body_batches b
	LEFT JOIN jobs j ON j.batch_id = b.id
	WHERE $1 = 0 OR b.id = $1
	ORDER BY b.id DESC
	LIMIT $2`

const batchCasesSQL = `
	SELECT r.batch_id, k.case_id, co.legal_name AS company, coalesce(g.account, '') AS account,
		r.in_file OR (r.settled_at IS NULL AND b.sha256 = '') AS in_file
	FROM body_batch_rows r
	JOIN body_batches b ON b.id = r.batch_id
	JOIN certificates k ON k.id = r.certificate_id
	JOIN cases c ON c.id = k.case_id
	JOIN companies co ON co.id = c.company_id
	LEFT JOIN registrations g ON g.company_id = co.id AND g.body = b.body
	WHERE r.batch_id = ANY ($1)
	ORDER BY k.case_id`

// BodyBatches returns up to limit batches for governing bodies, the newest first.
func (s *Store) BodyBatches(ctx context.Context, limit int) ([]BodyBatch, error) {
	return s.bodyBatches(ctx, 0, limit)
}

// BodyBatch returns one batch; ErrNotFound when there is none.
func (s *Store) BodyBatch(ctx context.Context, id int64) (BodyBatch, error) {
	found, err := s.bodyBatches(ctx, id, 1)
	if err == nil && (len(found) == 0 || id == 0) {
		err = refuse(secor.ErrNotFound, "list the batches", "there is no batch %d for a governing body", id)
	}
	if err != nil {
		return BodyBatch{}, err
	}
	return found[0], nil
}

func (s *Store) bodyBatches(ctx context.Context, id int64, limit int) ([]BodyBatch, error) {
	var rows []struct {
		ID          int64
		Body        string
		MadeAt      time.Time
		MadeBy      string
		FileName    string
		Data        []byte
		SHA256      string `db:"sha256"`
		SentAt      moment
		CancelledAt moment
		JobID       int64
		JobState    promise.State
	}
	err := s.reads().SelectContext(ctx, &rows, bodyBatchesSQL, id, limit)
	if err != nil {
		return nil, fmt.Errorf("batches for bodies: %w", err)
	}
	batches := make([]BodyBatch, len(rows))
	ids := make([]int64, len(rows))
	for i, r := range rows {
		by, err := secor.ParseActor(r.MadeBy)
		if err != nil {
			return nil, fmt.Errorf("batch %d: %w", r.ID, err)
		}
		ids[i] = r.ID
		batches[i] = BodyBatch{ID: r.ID, Body: r.Body, MadeAt: r.MadeAt.UTC(), MadeBy: by, SHA256: r.SHA256, SentAt: time.Time(r.SentAt),
			CancelledAt: time.Time(r.CancelledAt), Job: r.JobID, JobState: r.JobState, File: secor.Document{Name: r.FileName, Type: "text/csv", Data: r.Data}}
	}
	var cases []BatchCase
	err = s.reads().SelectContext(ctx, &cases, batchCasesSQL, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("cases of batches: %w", err)
	}
	for _, c := range cases {
		i := slices.Index(ids, c.BatchID)
		batches[i].Cases = append(batches[i].Cases, c)
	}
	return batches, nil
}
