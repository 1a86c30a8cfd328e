package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

type caseRow struct {
	ID        int64
	Kind      secor.Subject
	CompanyID int64
	Body      string
	State     secor.State
	Version   int
	EditionID string
	OpenedAt  time.Time
	HolderID  ref
	LastSeq   int
}

func (caseRow) isNew() bool { return false }

func newCaseRow(c secor.Case) caseRow {
	return caseRow{ID: int64(c.ID), Kind: c.Kind, CompanyID: c.CompanyID, Body: c.Body, State: c.State,
		Version: c.Version, EditionID: c.EditionID, OpenedAt: c.OpenedAt, HolderID: ref(c.Holder)}
}

func (r caseRow) domain() secor.Case {
	return secor.Case{ID: secor.CaseID(r.ID), Kind: r.Kind, CompanyID: r.CompanyID, Body: r.Body, State: r.State,
		Version: r.Version, EditionID: r.EditionID, OpenedAt: r.OpenedAt.UTC(), Holder: int64(r.HolderID)}
}

const caseColumns = `id, kind, company_id, body, state, version, edition_id, opened_at, holder_id, last_seq`

const companyOfCaseSQL = `SELECT company_id FROM cases WHERE id = $1`

const caseSQL = `
	SELECT ` + caseColumns + `
	FROM cases
	WHERE id = $1 `

const updateCaseSQL = `
	UPDATE cases
	SET state = :state, version = :version, holder_id = :holder_id, last_seq = :last_seq
	WHERE id = :id`

// loadCase reads case and company. A case never changes its company, so which
// company to lock can be read without a lock.
func loadCase(ctx context.Context, tx *sqlx.Tx, f *secor.File, id secor.CaseID, mode lockMode) error {
	var companies []int64
	err := tx.SelectContext(ctx, &companies, companyOfCaseSQL, id)
	if err != nil {
		return fmt.Errorf("find case %d: %w", id, err)
	}
	if len(companies) == 0 {
		return noCase(id)
	}
	var company companyRow
	err = tx.GetContext(ctx, &company, companySQL+mode.company(), companies[0])
	if err != nil {
		return fmt.Errorf("load company of case %d: %w", id, err)
	}
	var row caseRow
	err = tx.GetContext(ctx, &row, caseSQL+string(mode), id)
	if err != nil {
		return fmt.Errorf("load case %d: %w", id, err)
	}
	f.Company, f.Case = company.domain(), row.domain()
	return nil
}

func loadSubject(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	if f.Case.Kind == secor.SubjectRequest {
		return loadRequest(ctx, tx, f)
	}
	err := loadAudit(ctx, tx, f)
	if err != nil {
		return err
	}
	return loadSheet(ctx, tx, f)
}
