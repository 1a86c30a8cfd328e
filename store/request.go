package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

type requestRow struct {
	CaseID    int64
	Reason    secor.RequestReason
	Headcount int
	Question  string
}

func (requestRow) isNew() bool { return false }

func newRequestRow(f *secor.File) requestRow {
	return requestRow{CaseID: int64(f.Case.ID), Reason: f.Request.Reason, Headcount: f.Request.Headcount, Question: f.Request.Question}
}

const requestSQL = `SELECT case_id, reason, headcount, question FROM requests WHERE case_id = $1`

const addRequestSQL = `
	INSERT INTO requests (case_id, reason, headcount, question)
	VALUES (:case_id, :reason, :headcount, :question)`

const updateRequestSQL = `
	UPDATE requests
	SET reason = :reason, headcount = :headcount, question = :question
	WHERE case_id = :case_id`

func loadRequest(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var row requestRow
	err := tx.GetContext(ctx, &row, requestSQL, f.Case.ID)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	f.Request = &secor.Request{Reason: row.Reason, Headcount: row.Headcount, Question: row.Question}
	return nil
}
