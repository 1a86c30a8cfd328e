package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

type certificateRow struct {
	ID         int64
	CaseID     int64
	State      secor.State
	Term       int
	Number     string
	IssuedOn   day
	ExpiresOn  day
	MailedOn   day
	Question   string
	ProposerID ref
	ReplacesID ref
}

func (r certificateRow) isNew() bool { return r.ID == 0 }

func newCertificateRow(id secor.CaseID, c secor.Certificate) certificateRow {
	return certificateRow{ID: c.ID, CaseID: int64(id), State: c.State, Term: c.Term, Number: c.Number, IssuedOn: day(c.IssuedOn),
		ExpiresOn: day(c.ExpiresOn), MailedOn: day(c.MailedOn), Question: c.Question, ProposerID: ref(c.Proposer), ReplacesID: ref(c.ReplacesID)}
}

func (r certificateRow) domain() secor.Certificate {
	return secor.Certificate{ID: r.ID, State: r.State, Term: r.Term, Number: r.Number, IssuedOn: secor.Date(r.IssuedOn),
		ExpiresOn: secor.Date(r.ExpiresOn), MailedOn: secor.Date(r.MailedOn), Question: r.Question,
		Proposer: int64(r.ProposerID), ReplacesID: int64(r.ReplacesID)}
}

const certificatesSQL = `
	SELECT id, case_id, state, term, number, issued_on, expires_on, mailed_on, question, proposer_id, replaces_id
	FROM certificates
	WHERE case_id = $1
	ORDER BY id`

const addCertificateSQL = `
	INSERT INTO certificates (case_id, state, term, number, issued_on, expires_on, mailed_on, question, proposer_id, replaces_id)
	VALUES (:case_id, :state, :term, :number, :issued_on, :expires_on, :mailed_on, :question, :proposer_id, :replaces_id)`

const updateCertificateSQL = `
	UPDATE certificates
	SET state = :state, number = :number, issued_on = :issued_on, expires_on = :expires_on, mailed_on = :mailed_on,
		question = :question, proposer_id = :proposer_id
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
