package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/secor"
)

// Events of the desk's own stream about print batches.
const (
	EventMailBatchMade      secor.EventKind = "mail_batch.made"
	EventMailBatchMailed    secor.EventKind = "mail_batch.mailed"
	EventMailBatchCancelled secor.EventKind = "mail_batch.cancelled"
)

const readyToMailSQL = `
	SELECT k.case_id
	FROM certificates k
	JOIN cases c ON c.id = k.case_id
	WHERE k.state IN ('received', 'signed') AND c.state = 'qa_complete'
	  AND NOT EXISTS (SELECT FROM mail_envelopes e WHERE e.certificate_id = k.id AND e.settled_at IS NULL)
	ORDER BY k.case_id`

// ReadyToMail returns the cases whose certificate lies on the desk, ready to be
// mailed by post, and is in no open print batch.
func (s *Store) ReadyToMail(ctx context.Context) ([]*secor.File, error) {
	var ids []secor.CaseID
	err := s.reads().SelectContext(ctx, &ids, readyToMailSQL)
	if err != nil {
		return nil, fmt.Errorf("certificates to mail: %w", err)
	}
	var files []*secor.File
	for _, id := range ids {
		f, err := s.File(ctx, id)
		if err != nil {
			return nil, err
		}
		if f.ReadyToMail() {
			files = append(files, f)
		}
	}
	return files, nil
}

const (
	addMailBatchSQL = `
		INSERT INTO mail_batches (made_at, made_by, data, sha256)
		VALUES ($1, $2, $3, $4)
		RETURNING id`
	addEnvelopeSQL = `
		INSERT INTO mail_envelopes (batch_id, position, certificate_id, case_id, postal_code, printed)
		VALUES ($1, $2, $3, $4, $5, $6)`
)

// AddMailBatch keeps a print batch, whose PDF holds the papers of these cases in
// their order, as the files were when it was printed. It refuses everybody but a lead
// or administrator, a case that changed since, and a certificate that is in another
// open batch; then nothing is kept. The same act again returns what it made.
func (s *Store) AddMailBatch(ctx context.Context, act secor.Act, pdf []byte, cases []*secor.File) (int64, error) {
	id, _, err := s.register(ctx, act, "batch", func(d *deskTx) (int64, Change, error) {
		err := d.runs("Make Batch")
		if err != nil {
			return 0, "", err
		}
		var id int64
		sum := hexSum(pdf)
		err = d.GetContext(d.ctx, &id, addMailBatchSQL, d.now, d.act.By.String(), pdf, sum)
		if err != nil {
			return 0, "", fmt.Errorf("keep batch: %w", err)
		}
		for i, printed := range cases {
			err = s.addEnvelope(d, id, i+1, printed)
			if err != nil {
				return 0, "", err
			}
		}
		return id, Added, d.record(EventMailBatchMade, map[string]string{"batch": number(id), "envelopes": number(int64(len(cases))), "sha256": sum})
	})
	return id, fault(err, "make print batch")
}

func (s *Store) addEnvelope(d *deskTx, batch int64, position int, printed *secor.File) error {
	f, err := s.loadFile(d.ctx, d.Tx, printed.Case.ID, lockShare)
	if err != nil {
		return err
	}
	if !f.ReadyToMail() || f.Certificate().ID != printed.Certificate().ID || f.Printed() != printed.Printed() {
		return refuse(secor.ErrIllegalMove, "make the batch again", "case %d changed while its papers were printed", f.Case.ID)
	}
	_, err = d.ExecContext(d.ctx, addEnvelopeSQL, batch, position, f.Certificate().ID, f.Case.ID, f.Company.Address.PostalCode, hexSum([]byte(f.Printed())))
	if err != nil {
		return fmt.Errorf("add envelope: %w", err)
	}
	return nil
}

// MailBatch is a print batch as it is kept.
type MailBatch struct {
	ID          int64
	MadeAt      time.Time
	MadeBy      secor.Actor
	Data        []byte // the PDF
	SHA256      string
	MailedAt    time.Time // zero: nobody said so yet
	CancelledAt time.Time
	Envelopes   []MailEnvelope // in their order
}

// Open reports whether the batch waits to be mailed.
func (b MailBatch) Open() bool { return b.MailedAt.IsZero() && b.CancelledAt.IsZero() }

// MailEnvelope is one envelope of a print batch.
type MailEnvelope struct {
	BatchID    int64
	Position   int
	CaseID     secor.CaseID
	Company    string
	PostalCode string
	Settled    bool
	LeftOut    string // why the case was not said to be mailed; "" when it was, or is to be
}

const mailBatchesSQL = `
	SELECT id, made_at, made_by, data, sha256, mailed_at, cancelled_at
	FROM mail_batches
	WHERE $1 = 0 OR id = $1
	ORDER BY id DESC
	LIMIT $2`

const mailEnvelopesSQL = `
	SELECT e.batch_id, e.position, e.case_id, co.legal_name AS company, e.postal_code, e.settled_at IS NOT NULL AS settled, e.left_out
	FROM mail_envelopes e
	JOIN cases c ON c.id = e.case_id
	JOIN companies co ON co.id = c.company_id
	WHERE e.batch_id = ANY ($1)
	ORDER BY e.batch_id, e.position`

// MailBatches returns up to limit print batches, the newest first.
func (s *Store) MailBatches(ctx context.Context, limit int) ([]MailBatch, error) {
	return s.mailBatches(ctx, 0, limit)
}

// MailBatch returns one print batch; ErrNotFound when there is none of that number.
func (s *Store) MailBatch(ctx context.Context, id int64) (MailBatch, error) {
	found, err := s.mailBatches(ctx, id, 1)
	if err == nil && (len(found) == 0 || id == 0) {
		err = noMailBatch(id)
	}
	if err != nil {
		return MailBatch{}, err
	}
	return found[0], nil
}

func noMailBatch(id int64) error {
	return refuse(secor.ErrNotFound, "list the batches", "there is no print batch %d", id)
}

func (s *Store) mailBatches(ctx context.Context, id int64, limit int) ([]MailBatch, error) {
	var rows []struct {
		ID          int64
		MadeAt      time.Time
		MadeBy      string
		Data        []byte
		SHA256      string `db:"sha256"`
		MailedAt    moment
		CancelledAt moment
	}
	err := s.reads().SelectContext(ctx, &rows, mailBatchesSQL, id, limit)
	if err != nil {
		return nil, fmt.Errorf("print batches: %w", err)
	}
	batches, at, ids := make([]MailBatch, len(rows)), map[int64]int{}, make([]int64, len(rows))
	for i, r := range rows {
		by, err := secor.ParseActor(r.MadeBy)
		if err != nil {
			return nil, fmt.Errorf("print batch %d: %w", r.ID, err)
		}
		ids[i], at[r.ID] = r.ID, i
		batches[i] = MailBatch{ID: r.ID, MadeAt: r.MadeAt.UTC(), MadeBy: by, Data: r.Data, SHA256: r.SHA256,
			MailedAt: time.Time(r.MailedAt), CancelledAt: time.Time(r.CancelledAt)}
	}
	var envelopes []MailEnvelope
	err = s.reads().SelectContext(ctx, &envelopes, mailEnvelopesSQL, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("envelopes of print batches: %w", err)
	}
	for _, e := range envelopes {
		i := at[e.BatchID]
		batches[i].Envelopes = append(batches[i].Envelopes, e)
	}
	return batches, nil
}

const (
	openMailBatchSQL    = `SELECT mailed_at IS NULL AND cancelled_at IS NULL FROM mail_batches WHERE id = $1 `
	openEnvelopeSQL     = `SELECT certificate_id, printed FROM mail_envelopes WHERE batch_id = $1 AND position = $2 AND settled_at IS NULL FOR UPDATE`
	settleEnvelopeSQL   = `UPDATE mail_envelopes SET settled_at = $3, left_out = $4 WHERE batch_id = $1 AND position = $2 AND settled_at IS NULL`
	settleEnvelopesSQL  = `UPDATE mail_envelopes SET settled_at = $2 WHERE batch_id = $1 AND settled_at IS NULL`
	mailedMailBatchSQL  = `UPDATE mail_batches SET mailed_at = $2 WHERE id = $1`
	cancelMailBatchSQL  = `UPDATE mail_batches SET cancelled_at = $2 WHERE id = $1`
	envelopesInBatchSQL = `SELECT count(*) FILTER (WHERE left_out = ''), count(*) FILTER (WHERE left_out <> '') FROM mail_envelopes WHERE batch_id = $1`
)

// lockMailBatch holds an open print batch until the end of the transaction. One that
// is mailed or cancelled is a refusal.
func lockMailBatch(ctx context.Context, tx *sqlx.Tx, id int64, mode lockMode) error {
	var open []bool
	err := tx.SelectContext(ctx, &open, openMailBatchSQL+string(mode), id)
	switch {
	case err != nil:
		return fmt.Errorf("lock print batch %d: %w", id, err)
	case len(open) == 0:
		return noMailBatch(id)
	case !open[0]:
		return refuse(secor.ErrIllegalMove, "nothing is left to be done with it", "print batch %d is mailed or cancelled already", id)
	default:
		return nil
	}
}

// MailMailBatch records that everything in a print batch went to the post, as act
// says: every case is mailed on its day. A case that changed since it was printed
// (another address, revoked, mailed by itself), and one on which the person may take
// no step, is left out with the reason and is not mailed. Each case is an act of its
// own, so that after a break the same command goes on where it stopped. It returns
// the batch as it is then, and refuses one that is mailed or cancelled already.
func (s *Store) MailMailBatch(ctx context.Context, id int64, act secor.Act) (MailBatch, error) {
	b, err := s.MailBatch(ctx, id)
	if err != nil {
		return MailBatch{}, err
	}
	taken, err := s.Taken(ctx, act.ID)
	if taken || err != nil {
		return b, err
	}
	if act.Reason == "" {
		act.Reason = fmt.Sprintf("print batch %d", id)
	}
	err = s.mayMail(ctx, b, act)
	if err != nil {
		return MailBatch{}, err
	}
	for _, e := range b.Envelopes {
		if e.Settled {
			continue
		}
		err = s.mailEnvelope(ctx, e, act)
		if err != nil {
			return MailBatch{}, fault(err, "mail case %d of print batch %d", e.CaseID, id)
		}
	}
	_, _, err = s.register(ctx, act, "batch", func(d *deskTx) (int64, Change, error) {
		err := lockMailBatch(d.ctx, d.Tx, id, lockUpdate)
		if err == nil {
			err = d.runs("All Mailed")
		}
		if err != nil {
			return 0, "", err
		}
		var mailed, left int64
		err = d.QueryRowContext(d.ctx, envelopesInBatchSQL, id).Scan(&mailed, &left)
		if err != nil {
			return 0, "", fmt.Errorf("count envelopes: %w", err)
		}
		_, err = d.ExecContext(d.ctx, mailedMailBatchSQL, id, d.now)
		if err != nil {
			return 0, "", fmt.Errorf("end print batch: %w", err)
		}
		return id, Changed, d.record(EventMailBatchMailed, map[string]string{"batch": number(id), "mailed": number(mailed), "left_out": number(left)})
	})
	if err != nil {
		return MailBatch{}, fault(err, "mail print batch %d", id)
	}
	return s.MailBatch(ctx, id)
}

// mayMail refuses before any case is touched what would be refused on each.
func (s *Store) mayMail(ctx context.Context, b MailBatch, act secor.Act) error {
	if !b.Open() {
		return refuse(secor.ErrIllegalMove, "nothing is left to be done with it", "print batch %d is mailed or cancelled already", b.ID)
	}
	roster, err := s.Reviewers(ctx)
	if err != nil {
		return err
	}
	f := &secor.File{Roster: roster}
	err = f.Begin(act, s.clock())
	if err != nil {
		return err
	}
	return f.RunsJobs("All Mailed")
}

// mailEnvelope mails one case, or notes why it was not.
func (s *Store) mailEnvelope(ctx context.Context, e MailEnvelope, act secor.Act) error {
	mailed, err := secor.StepFor("mailed", secor.SubjectAudit)
	if err != nil {
		return err
	}
	own := act
	own.ID = fmt.Sprintf("mail:%d/case:%d", e.BatchID, e.CaseID)
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		err := lockMailBatch(ctx, tx, e.BatchID, lockShare)
		if err != nil {
			return err
		}
		err = s.updateTx(ctx, tx, e.CaseID, own, func(f *secor.File, _ time.Time) error {
			err := unchangedSince(ctx, tx, e, f)
			if errors.Is(err, secor.ErrRefused) {
				return &leftOut{err}
			}
			if err != nil {
				return err
			}
			err = mailed.Take(f, nil)
			if errors.Is(err, secor.ErrConflict) {
				return &leftOut{err}
			}
			return err
		})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, settleEnvelopeSQL, e.BatchID, e.Position, s.clock(), "")
		return err
	})
	var left *leftOut
	if errors.As(err, &left) {
		_, err = s.db.ExecContext(ctx, settleEnvelopeSQL, e.BatchID, e.Position, s.clock(), left.why.Error())
	}
	if err == nil {
		s.signal()
	}
	return err
}

// leftOut is why the rules do not let a case be mailed with its batch.
type leftOut struct{ why error }

func (l *leftOut) Error() string { return l.why.Error() }
func (l *leftOut) Unwrap() error { return l.why }

// unchangedSince refuses a case whose papers would say something else now.
func unchangedSince(ctx context.Context, tx *sqlx.Tx, e MailEnvelope, f *secor.File) error {
	var rows []struct {
		CertificateID int64
		Printed       string
	}
	err := tx.SelectContext(ctx, &rows, openEnvelopeSQL, e.BatchID, e.Position)
	c := f.Certificate()
	switch {
	case err != nil:
		return fmt.Errorf("read envelope: %w", err)
	case len(rows) == 0:
		return refuse(secor.ErrIllegalMove, "look at the batch again", "the envelope of case %d is settled already", e.CaseID)
	case c == nil || c.ID != rows[0].CertificateID:
		return refuse(secor.ErrIllegalMove, "take the envelope out of the mail", "another certificate stands for the one that was printed")
	case !f.ReadyToMail():
		return refuse(secor.ErrIllegalMove, "take the envelope out of the mail", "the certificate is %s", c.State.Words())
	case hexSum([]byte(f.Printed())) != rows[0].Printed:
		return refuse(secor.ErrIllegalMove, "take the envelope out of the mail; the next batch has the right one", "name, address or dates changed after it was printed")
	default:
		return nil
	}
}

// CancelMailBatch takes a print batch back before it is mailed: what is in it is
// ready to be mailed again. It refuses everybody but a lead or administrator, and a
// batch that is mailed or cancelled already.
func (s *Store) CancelMailBatch(ctx context.Context, id int64, act secor.Act) error {
	_, _, err := s.register(ctx, act, "batch", func(d *deskTx) (int64, Change, error) {
		err := lockMailBatch(d.ctx, d.Tx, id, lockUpdate)
		if err == nil {
			err = d.runs("Cancel Batch")
		}
		if err != nil {
			return 0, "", err
		}
		for _, query := range []string{settleEnvelopesSQL, cancelMailBatchSQL} {
			_, err = d.ExecContext(d.ctx, query, id, d.now)
			if err != nil {
				return 0, "", fmt.Errorf("cancel print batch: %w", err)
			}
		}
		return id, Changed, d.record(EventMailBatchCancelled, map[string]string{"batch": number(id)})
	})
	return fault(err, "cancel print batch %d", id)
}

const documentBySumSQL = `SELECT name FROM documents WHERE case_id = $1 AND sha256 = $2`

// Attach keeps a file from outside with a case, as act says, and returns its name
// there and its SHA-256 in hex. A file that the case has already, under whatever
// name, changes nothing and is Unchanged. The refusals are secor.File.Attach's.
func (s *Store) Attach(ctx context.Context, id secor.CaseID, act secor.Act, d secor.Document) (string, string, Change, error) {
	sum := hexSum(d.Data)
	var kept []string
	err := s.reads().SelectContext(ctx, &kept, documentBySumSQL, id, sum)
	if err != nil {
		return "", "", "", fmt.Errorf("look for document of case %d: %w", id, err)
	}
	if len(kept) > 0 {
		return kept[0], sum, Unchanged, nil
	}
	name := ""
	err = s.UpdateCase(ctx, id, act, func(f *secor.File, _ time.Time) error {
		err := f.Attach(d, sum)
		if err != nil {
			return err
		}
		name = f.Documents[len(f.Documents)-1].Name
		return nil
	})
	return name, sum, Added, err
}
