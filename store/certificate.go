package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

type certificateRow struct {
	ID         int64
	CaseID     int64
	Body       string
	State      secor.State
	Term       int
	Number     string
	IssuedOn   day
	ExpiresOn  day
	MailedOn   day
	Question   string
	ProposerID ref
	ReplacesID ref
	BatchID    ref // of the job that asks for it in a batch; only read
	JobID      ref
	JobState   promise.State

	Signatory      string
	SignatoryTitle string
	IssuedTo       string
}

func (r certificateRow) isNew() bool { return r.ID == 0 }

func newCertificateRow(of secor.Case, c secor.Certificate) certificateRow {
	return certificateRow{ID: c.ID, CaseID: int64(of.ID), Body: of.Body, State: c.State, Term: c.Term, Number: c.Number, IssuedOn: day(c.IssuedOn),
		ExpiresOn: day(c.ExpiresOn), MailedOn: day(c.MailedOn), Question: c.Question, ProposerID: ref(c.Proposer), ReplacesID: ref(c.ReplacesID),
		Signatory: c.Signatory, SignatoryTitle: c.SignatoryTitle, IssuedTo: c.IssuedTo}
}

func (r certificateRow) domain() secor.Certificate {
	return secor.Certificate{ID: r.ID, State: r.State, Term: r.Term, Number: r.Number, IssuedOn: secor.Date(r.IssuedOn),
		ExpiresOn: secor.Date(r.ExpiresOn), MailedOn: secor.Date(r.MailedOn), Question: r.Question,
		Proposer: int64(r.ProposerID), ReplacesID: int64(r.ReplacesID),
		Batch:     secor.Batch{ID: int64(r.BatchID), Job: int64(r.JobID), Failed: r.JobState == promise.Failed, InDoubt: r.JobState == promise.Ambiguous},
		Signatory: r.Signatory, SignatoryTitle: r.SignatoryTitle, IssuedTo: r.IssuedTo}
}

const certificatesSQL = `
	SELECT k.id, k.case_id, k.body, k.state, k.term, k.number, k.issued_on, k.expires_on, k.mailed_on, k.question, k.proposer_id, k.replaces_id,
		k.signatory, k.signatory_title, k.issued_to,
		r.batch_id, j.id AS job_id, coalesce(j.state, '') AS job_state
	FROM certificates k
	LEFT JOIN body_batch_rows r ON r.certificate_id = k.id AND r.settled_at IS NULL
	LEFT JOIN jobs j ON j.batch_id = r.batch_id
	WHERE k.case_id = $1
	ORDER BY k.id`

const addCertificateSQL = `
	INSERT INTO certificates (case_id, body, state, term, number, issued_on, expires_on, mailed_on, question, proposer_id, replaces_id, signatory, signatory_title, issued_to)
	VALUES (:case_id, :body, :state, :term, :number, :issued_on, :expires_on, :mailed_on, :question, :proposer_id, :replaces_id, :signatory, :signatory_title, :issued_to)`

const updateCertificateSQL = `
	UPDATE certificates
	SET state = :state, number = :number, issued_on = :issued_on, expires_on = :expires_on, mailed_on = :mailed_on,
		question = :question, proposer_id = :proposer_id, signatory = :signatory, signatory_title = :signatory_title, issued_to = :issued_to
	WHERE id = :id`

func loadCertificates(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var found []certificateRow
	err := tx.SelectContext(ctx, &found, certificatesSQL, f.Case.ID)
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	for _, row := range found {
		f.Certificates = append(f.Certificates, row.domain())
	}
	return nil
}

const numberTakenSQL = `
	SELECT case_id, state
	FROM certificates
	WHERE body = $1 AND number_key = upper(regexp_replace($2, '[^[:alnum:]]', '', 'g')) AND id <> $3`

// refuseTakenNumber refuses a number that the body gave another certificate, ever.
func refuseTakenNumber(ctx context.Context, tx *sqlx.Tx, changed []certificateRow) error {
	for _, row := range changed {
		if row.Number == "" {
			continue
		}
		var taken []struct {
			CaseID secor.CaseID
			State  secor.State
		}
		err := tx.SelectContext(ctx, &taken, numberTakenSQL, row.Body, row.Number, row.ID)
		if err != nil {
			return fmt.Errorf("look for number: %w", err)
		}
		if len(taken) > 0 {
			return refuse(secor.ErrField, "look the number up and correct it",
				"number %s is that of the certificate of case %d already, which is %s", row.Number, taken[0].CaseID, taken[0].State.Words())
		}
	}
	return nil
}

const numberedSQL = `SELECT number FROM certificates WHERE body = $1 AND number <> ''`

// loadNumbered reads the numbers that this office gave, where the next one may be
// given. Who may give one is alone with them until the end of the transaction.
func loadNumbered(ctx context.Context, tx *sqlx.Tx, f *secor.File, mode lockMode) error {
	c := f.Certificate()
	if f.Body.Numberer != secor.MakerPartner || c == nil || c.State != secor.StateRequested {
		return nil
	}
	if mode == lockUpdate {
		err := lockNumbers.take(ctx, tx)
		if err != nil {
			return fmt.Errorf("lock numbers: %w", err)
		}
	}
	err := tx.SelectContext(ctx, &f.Numbered, numberedSQL, f.Case.Body)
	if err != nil {
		return fmt.Errorf("numbers of %s: %w", f.Case.Body, err)
	}
	return nil
}
