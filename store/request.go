package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/secor"
)

type requestRow struct {
	CaseID    int64
	Reason    secor.RequestReason
	Headcount int
	Question  string
	Profiles  string
}

func (requestRow) isNew() bool { return false }

func newRequestRow(f *secor.File) requestRow {
	return requestRow{CaseID: int64(f.Case.ID), Reason: f.Request.Reason, Headcount: f.Request.Headcount, Question: f.Request.Question,
		Profiles: secor.FormatProfiles(f.Request.Profiles)}
}

const requestSQL = `SELECT case_id, reason, headcount, question, profiles FROM requests WHERE case_id = $1`

const addRequestSQL = `
	INSERT INTO requests (case_id, reason, headcount, question, profiles)
	VALUES (:case_id, :reason, :headcount, :question, :profiles)`

const updateRequestSQL = `
	UPDATE requests
	SET reason = :reason, headcount = :headcount, question = :question, profiles = :profiles
	WHERE case_id = :case_id`

func loadRequest(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var row requestRow
	err := tx.GetContext(ctx, &row, requestSQL, f.Case.ID)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	f.Request = &secor.Request{Reason: row.Reason, Headcount: row.Headcount, Question: row.Question}
	f.Request.Profiles, err = secor.ParseProfiles(row.Profiles)
	if err != nil {
		return fmt.Errorf("profiles of the request: %w", err)
	}
	return nil
}

const foundCompaniesSQL = `
	SELECT c.id, c.legal_name, coalesce(array_agg(r.account) FILTER (WHERE r.account IS NOT NULL), '{}') AS accounts
	FROM companies c LEFT JOIN registrations r ON r.company_id = c.id
	WHERE c.id = ANY($1)
	GROUP BY c.id
	ORDER BY c.id`

// Each branch is one index's; the rules then compare the few that are left.
const likeCompaniesSQL = `
	SELECT company_id FROM registrations WHERE account = ANY($2) AND company_id <> $1
	UNION
	SELECT id FROM companies WHERE near_name = $3 AND id <> $1
	UNION
	SELECT id FROM companies WHERE $4 <> '' AND near_name ~>=~ $4 AND near_name ~<~ ($4 || chr(1114111)) AND id <> $1
	UNION
	SELECT id FROM companies
	WHERE $5 <> '' AND reverse(near_name) ~>=~ reverse($5) AND reverse(near_name) ~<~ (reverse($5) || chr(1114111)) AND id <> $1
	LIMIT $6`

// mostLike bounds how many companies a request is compared with: a company of the
// most frequent first word in the register's busiest province has fewer.
const mostLike = 2000

// loadOthers reads the companies with which a request that nobody has looked at is
// to be compared, and later those that were found.
func loadOthers(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	if f.Request == nil || f.Case.State != secor.StateReceived && len(f.Request.Profiles) == 0 {
		return nil
	}
	var ids []int64
	for _, p := range f.Request.Profiles {
		ids = append(ids, p.CompanyID)
	}
	if f.Case.State == secor.StateReceived {
		var err error
		ids, err = likeCompanies(ctx, tx, f)
		if err != nil {
			return fmt.Errorf("companies like this one: %w", err)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var found []struct {
		ID        int64
		LegalName string
		Accounts  pq.StringArray
	}
	err := tx.SelectContext(ctx, &found, foundCompaniesSQL, pq.Array(ids))
	if err != nil {
		return fmt.Errorf("companies that were found: %w", err)
	}
	for _, c := range found {
		f.Others = append(f.Others, secor.Other{CompanyID: c.ID, LegalName: c.LegalName, Accounts: c.Accounts})
	}
	return nil
}

func likeCompanies(ctx context.Context, tx *sqlx.Tx, f *secor.File) ([]int64, error) {
	beginning, ending := secor.NameEnds(f.Company.LegalName)
	accounts := make([]string, len(f.Registrations))
	for i, r := range f.Registrations {
		accounts[i] = r.Account
	}
	var ids []int64
	err := tx.SelectContext(ctx, &ids, likeCompaniesSQL, f.Company.ID, pq.Array(accounts), secor.NearName(f.Company.LegalName),
		beginning, ending, mostLike)
	return ids, err
}
