package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/secor"
)

type auditRow struct {
	CaseID           int64
	State            secor.State
	Purpose          secor.Purpose
	FeeYear          int
	Headcount        int
	ClaimedPolicies  int
	ClaimedRecords   int
	VerifiedPolicies int
	VerifiedRecords  int
	LastDay          day
	Question         string
	Waiting          bool
	Round            int
	Result           optional
	Term             int
	ProposerID       ref
	Declined         bool
	NotifiedOn       day
	ReviewerID       ref
	SubmittedAt      moment
	PreferID         ref
	AvoidID          ref
	StatedName       string
	StatedAccount    string
	EvidenceURL      string
	TwinID           ref
	TakenInOn        day
	TakenAs          int
	Agreed           string
}

func (auditRow) isNew() bool { return false }

func newAuditRow(f *secor.File) auditRow {
	a := f.Audit
	return auditRow{CaseID: int64(f.Case.ID), State: f.Case.State, Purpose: a.Purpose, FeeYear: a.FeeYear, Headcount: a.Headcount,
		ClaimedPolicies: a.Claimed.Policies, ClaimedRecords: a.Claimed.Records,
		VerifiedPolicies: a.Verified.Policies, VerifiedRecords: a.Verified.Records,
		LastDay: day(a.LastDay), Question: a.Question, Waiting: a.Waiting, Round: a.Round, Result: optional(a.Result), Term: a.Term,
		ProposerID: ref(a.Proposer), Declined: a.Declined, NotifiedOn: day(a.Notified), ReviewerID: ref(a.Reviewer),
		SubmittedAt: moment(a.Submitted), PreferID: ref(a.Prefer), AvoidID: ref(a.Avoid),
		StatedName: a.Stated.LegalName, StatedAccount: a.Stated.Account, EvidenceURL: a.Stated.EvidenceURL,
		TwinID: ref(a.Twin), TakenInOn: day(a.TakenIn), TakenAs: a.TakenAs, Agreed: a.Agreed}
}

func (r auditRow) domain() *secor.Audit {
	return &secor.Audit{Purpose: r.Purpose, FeeYear: r.FeeYear, Headcount: r.Headcount,
		Claimed:  secor.Evidence{Policies: r.ClaimedPolicies, Records: r.ClaimedRecords},
		Verified: secor.Evidence{Policies: r.VerifiedPolicies, Records: r.VerifiedRecords},
		LastDay:  secor.Date(r.LastDay), Question: r.Question, Waiting: r.Waiting, Round: r.Round, Result: secor.Verdict(r.Result),
		Term: r.Term, Proposer: int64(r.ProposerID), Declined: r.Declined, Notified: secor.Date(r.NotifiedOn), Reviewer: int64(r.ReviewerID),
		Submitted: time.Time(r.SubmittedAt), Prefer: int64(r.PreferID), Avoid: int64(r.AvoidID),
		Stated: secor.Stated{LegalName: r.StatedName, Account: r.StatedAccount, EvidenceURL: r.EvidenceURL},
		Twin:   secor.CaseID(r.TwinID), TakenIn: secor.Date(r.TakenInOn), TakenAs: r.TakenAs, Agreed: r.Agreed}
}

// judgesSQL is everybody who ever confirmed a verdict of the audit a, by the case's
// events, which nothing takes away. Only one that has been judged looks there.
const judgesSQL = `CASE WHEN a.reviewer_id IS NOT NULL THEN ARRAY(
		SELECT DISTINCT split_part(e.actor, ':', 2)::bigint AS judge
		FROM events e
		WHERE e.stream = 'case:' || a.case_id AND e.kind IN ('audit.passed', 'audit.passed_short', 'audit.failed') AND e.actor LIKE 'reviewer:%'
		ORDER BY judge) END AS judges`

// acceptedSQL is what a person accepted of the findings of the last submission of
// the audit a. Only one that waits looks there.
const acceptedSQL = `CASE WHEN a.waiting THEN ARRAY(
		SELECT DISTINCT e.facts::jsonb ->> 'guard' AS guard
		FROM events e
		WHERE e.stream = 'case:' || a.case_id AND e.kind = 'guard.accepted' AND e.facts::jsonb ->> 'moment' = 'submission'
		  AND e.seq > (SELECT max(s.seq) FROM events s WHERE s.stream = e.stream AND s.kind IN ('audit.submitted', 'revision.received', 'revision.queued'))
		ORDER BY guard) END AS accepted`

// auditSQL also names an audit of the company and fee year that runs beside it.
const auditSQL = `
	SELECT a.case_id, a.state, a.purpose, a.fee_year, a.headcount, a.claimed_policies, a.claimed_records, a.verified_policies, a.verified_records,
		a.last_day, a.question, a.waiting, a.round, a.result, a.term, a.proposer_id, a.declined, a.notified_on, a.reviewer_id,
		a.submitted_at, a.prefer_id, a.avoid_id,
		a.stated_name, a.stated_account, a.evidence_url, a.twin_id, a.taken_in_on, a.taken_as, a.agreed,
		(SELECT min(o.case_id)
		FROM cases c JOIN audits o ON o.case_id = c.id
		WHERE c.company_id = $2 AND o.case_id <> a.case_id AND o.fee_year = a.fee_year AND o.state = ANY ($3)) AS beside_id,
		` + judgesSQL + `, ` + acceptedSQL + `
	FROM audits a
	WHERE a.case_id = $1`

const addAuditSQL = `
	INSERT INTO audits (case_id, state, purpose, fee_year, headcount, claimed_policies, claimed_records, verified_policies, verified_records,
		last_day, question, waiting, round, result, term, proposer_id, declined, notified_on, reviewer_id,
		submitted_at, prefer_id, avoid_id, stated_name, stated_account, evidence_url, twin_id, taken_in_on, taken_as, agreed)
	VALUES (:case_id, :state, :purpose, :fee_year, :headcount, :claimed_policies, :claimed_records, :verified_policies, :verified_records,
		:last_day, :question, :waiting, :round, :result, :term, :proposer_id, :declined, :notified_on, :reviewer_id,
		:submitted_at, :prefer_id, :avoid_id, :stated_name, :stated_account, :evidence_url, :twin_id, :taken_in_on, :taken_as, :agreed)`

const updateAuditSQL = `
	UPDATE audits
	SET state = :state, purpose = :purpose, fee_year = :fee_year, headcount = :headcount, claimed_policies = :claimed_policies,
		claimed_records = :claimed_records, verified_policies = :verified_policies, verified_records = :verified_records,
		last_day = :last_day, question = :question, waiting = :waiting, round = :round, result = :result, term = :term,
		proposer_id = :proposer_id, declined = :declined, notified_on = :notified_on, reviewer_id = :reviewer_id,
		submitted_at = :submitted_at, prefer_id = :prefer_id, avoid_id = :avoid_id,
		stated_name = :stated_name, stated_account = :stated_account, evidence_url = :evidence_url, twin_id = :twin_id,
		taken_in_on = :taken_in_on, taken_as = :taken_as, agreed = :agreed
	WHERE case_id = :case_id`

func loadAudit(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var row struct {
		auditRow
		BesideID ref
		Judges   pq.Int64Array
		Accepted pq.StringArray
	}
	err := tx.GetContext(ctx, &row, auditSQL, f.Case.ID, f.Case.CompanyID, runningAudits())
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	f.Audit = row.domain()
	f.Audit.Beside, f.Audit.Judges = secor.CaseID(row.BesideID), row.Judges
	for _, g := range row.Accepted {
		f.Audit.Accepted = append(f.Audit.Accepted, secor.Guard(g))
	}
	return nil
}

// runningAudits returns the states of an audit in which somebody has to act.
func runningAudits() pq.StringArray {
	var states pq.StringArray
	for _, state := range secor.States(secor.SubjectAudit) {
		if secor.Next(secor.SubjectAudit, state) != "" {
			states = append(states, string(state))
		}
	}
	return states
}

// lineRow is a line of the sheet. Points are in hundredths of a point.
type lineRow struct {
	CaseID                      int64
	Question                    string
	ClaimedAwardedHundredths    sql.NullInt64
	ClaimedAvailableHundredths  sql.NullInt64
	ClaimedNA                   sql.NullBool
	VerifiedAwardedHundredths   sql.NullInt64
	VerifiedAvailableHundredths sql.NullInt64
	VerifiedNA                  sql.NullBool
}

const sheetSQL = `
	SELECT case_id, question, claimed_awarded_hundredths, claimed_available_hundredths, claimed_na,
		verified_awarded_hundredths, verified_available_hundredths, verified_na
	FROM sheet_lines
	WHERE case_id = $1`

const putLineSQL = `
	INSERT INTO sheet_lines (case_id, question, claimed_awarded_hundredths, claimed_available_hundredths, claimed_na,
		verified_awarded_hundredths, verified_available_hundredths, verified_na)
	VALUES (:case_id, :question, :claimed_awarded_hundredths, :claimed_available_hundredths, :claimed_na,
		:verified_awarded_hundredths, :verified_available_hundredths, :verified_na)
	ON CONFLICT (case_id, question) DO UPDATE SET
		claimed_awarded_hundredths = EXCLUDED.claimed_awarded_hundredths,
		claimed_available_hundredths = EXCLUDED.claimed_available_hundredths,
		claimed_na = EXCLUDED.claimed_na,
		verified_awarded_hundredths = EXCLUDED.verified_awarded_hundredths,
		verified_available_hundredths = EXCLUDED.verified_available_hundredths,
		verified_na = EXCLUDED.verified_na`

func loadSheet(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var lines []lineRow
	err := tx.SelectContext(ctx, &lines, sheetSQL, f.Case.ID)
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	f.Sheet = make(map[string]secor.Line, len(lines))
	for _, l := range lines {
		f.Sheet[l.Question] = secor.Line{
			Claimed:  markOf(l.Question, l.ClaimedAwardedHundredths, l.ClaimedAvailableHundredths, l.ClaimedNA),
			Verified: markOf(l.Question, l.VerifiedAwardedHundredths, l.VerifiedAvailableHundredths, l.VerifiedNA)}
	}
	return nil
}

func newLineRows(f *secor.File) []lineRow {
	var lines []lineRow
	for question, line := range f.Sheet {
		l := lineRow{CaseID: int64(f.Case.ID), Question: question}
		l.ClaimedAwardedHundredths, l.ClaimedAvailableHundredths, l.ClaimedNA = columnsOf(line.Claimed)
		l.VerifiedAwardedHundredths, l.VerifiedAvailableHundredths, l.VerifiedNA = columnsOf(line.Verified)
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b lineRow) int { return cmp.Compare(a.Question, b.Question) })
	return lines
}

func markOf(question string, awarded, available sql.NullInt64, na sql.NullBool) *secor.Mark {
	if !awarded.Valid {
		return nil
	}
	return &secor.Mark{Question: question, Awarded: secor.Points(awarded.Int64), Available: secor.Points(available.Int64), NA: na.Bool}
}

// columnsOf returns awarded, available and not applicable.
func columnsOf(m *secor.Mark) (sql.NullInt64, sql.NullInt64, sql.NullBool) {
	if m == nil {
		return sql.NullInt64{}, sql.NullInt64{}, sql.NullBool{}
	}
	return sql.NullInt64{Int64: int64(m.Awarded), Valid: true}, sql.NullInt64{Int64: int64(m.Available), Valid: true}, sql.NullBool{Bool: m.NA, Valid: true}
}
