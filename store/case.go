package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

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
	err = loadSheet(ctx, tx, f)
	if err != nil {
		return err
	}
	return loadNotes(ctx, tx, f)
}

// CaseFilter chooses cases; a zero field chooses all.
type CaseFilter struct {
	Kind    secor.Subject
	State   secor.State
	Holder  int64 // person of the desk
	Company int64
	Overdue time.Time // only cases with a running clock whose promise ended before this
}

// CaseLine is a case as a list shows it.
type CaseLine struct {
	ID        secor.CaseID
	Kind      secor.Subject
	CompanyID int64
	Company   string // legal name
	Body      string
	State     secor.State
	Holder    int64           // 0: nobody
	HeldBy    string          // name of the holder
	Due       time.Time       // of the clock that ends first; zero: none runs
	Profiles  []secor.Profile // of a request: companies on file that may be the one that asks
	OpenedAt  time.Time
}

type caseLineRow struct {
	ID        secor.CaseID
	Kind      secor.Subject
	CompanyID int64
	Company   string
	Body      string
	State     secor.State
	Holder    ref
	HeldBy    string
	Due       moment
	Profiles  string
	OpenedAt  time.Time
}

const casesSQL = `
	SELECT c.id, c.kind, c.company_id, co.legal_name AS company, c.body, c.state, c.holder_id AS holder,
		coalesce(r.name, '') AS held_by, k.due, coalesce(q.profiles, '') AS profiles, c.opened_at
	FROM cases c
	JOIN companies co ON co.id = c.company_id
	LEFT JOIN reviewers r ON r.id = c.holder_id
	LEFT JOIN requests q ON q.case_id = c.id
	CROSS JOIN LATERAL (SELECT min(due_at) AS due FROM clocks WHERE case_id = c.id) k
	WHERE ($1 = '' OR c.kind = $1)
	  AND ($2 = '' OR c.state = $2)
	  AND ($3 = 0 OR c.holder_id = $3)
	  AND ($4 = 0 OR c.company_id = $4)
	  AND ($5::timestamptz IS NULL OR k.due < $5)
	ORDER BY k.due NULLS LAST, c.id
	LIMIT $6`

// Cases returns up to limit cases, those first whose time ends first.
func (s *Store) Cases(ctx context.Context, filter CaseFilter, limit int) ([]CaseLine, error) {
	var found []caseLineRow
	err := s.reads().SelectContext(ctx, &found, casesSQL, filter.Kind, filter.State, filter.Holder, filter.Company, moment(filter.Overdue), limit)
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	lines := make([]CaseLine, len(found))
	for i, r := range found {
		profiles, err := secor.ParseProfiles(r.Profiles)
		if err != nil {
			return nil, fmt.Errorf("profiles of case %d: %w", r.ID, err)
		}
		lines[i] = CaseLine{ID: r.ID, Kind: r.Kind, CompanyID: r.CompanyID, Company: r.Company, Body: r.Body, State: r.State,
			Holder: int64(r.Holder), HeldBy: r.HeldBy, Due: time.Time(r.Due), Profiles: profiles, OpenedAt: r.OpenedAt.UTC()}
	}
	return lines, nil
}

// CasesOf returns every case of a company, those first whose time ends first.
func (s *Store) CasesOf(ctx context.Context, company int64) ([]CaseLine, error) {
	return s.Cases(ctx, CaseFilter{Company: company}, math.MaxInt32)
}

const openAuditSQL = `
	SELECT id
	FROM cases
	WHERE company_id = $1 AND kind = 'audit' AND state = ANY($2)
	ORDER BY id`

// OpenAudit returns the one audit of a company that is under way. None is
// ErrNotFound; several are a refusal that names them.
func (s *Store) OpenAudit(ctx context.Context, company int64) (secor.CaseID, error) {
	underWay := slices.DeleteFunc(secor.States(secor.SubjectAudit), func(state secor.State) bool {
		return secor.Next(secor.SubjectAudit, state) == ""
	})
	var ids []secor.CaseID
	err := s.reads().SelectContext(ctx, &ids, openAuditSQL, company, pq.Array(underWay))
	if err != nil {
		return 0, fmt.Errorf("open audit of company %d: %w", company, err)
	}
	switch len(ids) {
	case 0:
		return 0, refuse(secor.ErrNotFound, "register one", "company %d has no audit under way", company)
	case 1:
		return ids[0], nil
	default:
		return 0, refuse(secor.ErrField, "name the case", "company %d has several audits under way: %v", company, ids)
	}
}
