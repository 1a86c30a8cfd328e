package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/secor"
)

// A certificate counts from the day on which it has a number until it is revoked or
// replaced. $1 is a company, $2 a body; of two, the one that expires last.
const heldCertificateSQL = `
	SELECT k.number, k.expires_on
	FROM certificates k
	JOIN cases kc ON kc.id = k.case_id
	WHERE kc.company_id = $1 AND kc.body = $2 AND k.expires_on IS NOT NULL
	  AND k.state IN ('received', 'signed', 'mailed', 'returned', 'electronic', 'delivered')
	ORDER BY k.expires_on DESC
	LIMIT 1`

// loadHeld finds the certificate that the company of an audit holds meanwhile.
func loadHeld(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	if f.Audit == nil {
		return nil
	}
	var found []struct {
		Number    string
		ExpiresOn day
	}
	err := tx.SelectContext(ctx, &found, heldCertificateSQL, f.Company.ID, f.Case.Body)
	if err != nil {
		return fmt.Errorf("held certificate: %w", err)
	}
	f.Held = f.Company.Certificate
	if len(found) > 0 {
		f.Held = f.Held.Later(secor.Held{Number: found[0].Number, ExpiresOn: secor.Date(found[0].ExpiresOn)})
	}
	return nil
}

const queueSQL = `
	SELECT c.id, c.company_id, co.legal_name AS company, c.body, c.edition_id, a.purpose, a.submitted_at, a.prefer_id, a.avoid_id, a.waiting, ` + judgesSQL + `,
		co.certificate_number, co.certificate_expires_on, coalesce(k.number, '') AS number, k.expires_on
	FROM cases c
	JOIN audits a ON a.case_id = c.id
	JOIN companies co ON co.id = c.company_id
	LEFT JOIN LATERAL (
		SELECT k.number, k.expires_on
		FROM certificates k
		JOIN cases kc ON kc.id = k.case_id
		WHERE kc.company_id = c.company_id AND kc.body = c.body AND k.expires_on IS NOT NULL
		  AND k.state IN ('received', 'signed', 'mailed', 'returned', 'electronic', 'delivered')
		ORDER BY k.expires_on DESC
		LIMIT 1) k ON true
	WHERE c.kind = 'audit' AND c.state = 'submitted'
	ORDER BY c.id`

type queueRow struct {
	ID                   secor.CaseID
	CompanyID            int64
	Company              string
	Body                 string
	EditionID            string
	Purpose              secor.Purpose
	SubmittedAt          time.Time
	Judges               pq.Int64Array
	PreferID             ref
	AvoidID              ref
	Waiting              bool
	CertificateNumber    string
	CertificateExpiresOn day
	Number               string
	ExpiresOn            day
}

// file returns as much of the case as its need is made of.
func (r queueRow) file(p *secor.Programme, conflicts []secor.Conflict) *secor.File {
	f := &secor.File{
		Case: secor.Case{ID: r.ID, Kind: secor.SubjectAudit, CompanyID: r.CompanyID, Body: r.Body, State: secor.StateSubmitted, EditionID: r.EditionID},
		Audit: &secor.Audit{Purpose: r.Purpose, Submitted: r.SubmittedAt.UTC(), Waiting: r.Waiting,
			Judges: r.Judges, Prefer: int64(r.PreferID), Avoid: int64(r.AvoidID)},
		Held:      secor.Held{Number: r.CertificateNumber, ExpiresOn: secor.Date(r.CertificateExpiresOn)},
		Conflicts: conflicts, Programme: p, Edition: p.Editions[r.EditionID],
	}
	f.Held = f.Held.Later(secor.Held{Number: r.Number, ExpiresOn: secor.Date(r.ExpiresOn)})
	if f.Edition == nil {
		f.Edition = &secor.Edition{} // one whose data are gone keeps no other from a reviewer
	}
	return f
}

const queueConflictsSQL = `
	SELECT reviewer_id, company_id, from_day, to_day, reason
	FROM conflicts
	WHERE company_id = ANY ($1)
	ORDER BY company_id, reviewer_id, from_day`

func queueConflicts(ctx context.Context, tx *sqlx.Tx, rows []queueRow) (map[int64][]secor.Conflict, error) {
	found := map[int64][]secor.Conflict{}
	if len(rows) == 0 {
		return found, nil
	}
	var companies pq.Int64Array
	for _, r := range rows {
		companies = append(companies, r.CompanyID)
	}
	var conflicts []conflictRow
	err := tx.SelectContext(ctx, &conflicts, queueConflictsSQL, companies)
	if err != nil {
		return nil, fmt.Errorf("conflicts of the queue: %w", err)
	}
	for _, c := range conflicts {
		found[c.CompanyID] = append(found[c.CompanyID], c.domain())
	}
	return found, nil
}

// selectQueue returns every audit that is submitted, those that wait for a person
// to accept them among them.
func (s *Store) selectQueue(ctx context.Context, tx *sqlx.Tx) ([]QueueLine, error) {
	var rows []queueRow
	err := tx.SelectContext(ctx, &rows, queueSQL)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	conflicts, err := queueConflicts(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	lines := make([]QueueLine, len(rows))
	for i, r := range rows {
		f := r.file(s.programme, conflicts[r.CompanyID])
		lines[i] = QueueLine{Need: f.Need(), Company: r.Company, Body: r.Body, Purpose: r.Purpose, Waiting: r.Waiting}
	}
	return lines, nil
}

// loadQueue adds to a file the other audits that a reviewer's time is planned for.
func (s *Store) loadQueue(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	lines, err := s.selectQueue(ctx, tx)
	f.Queue = slices.DeleteFunc(needs(lines), func(n secor.Need) bool { return n.CaseID == f.Case.ID })
	return err
}

func needs(lines []QueueLine) []secor.Need {
	var needs []secor.Need
	for _, l := range lines {
		if !l.Waiting {
			needs = append(needs, l.Need)
		}
	}
	return needs
}

// QueueLine is a submitted audit as a list shows it.
type QueueLine struct {
	secor.Need
	Company string // legal name
	Body    string
	Purpose secor.Purpose
	Waiting bool // a person has to accept it first: no plan counts it
}

// Queue returns every submitted audit, by case, and the roster at the same moment.
func (s *Store) Queue(ctx context.Context) ([]QueueLine, []secor.Reviewer, error) {
	var lines []QueueLine
	var roster []secor.Reviewer
	err := s.snapshot(ctx, func(tx *sqlx.Tx) error {
		var err error
		lines, err = s.selectQueue(ctx, tx)
		if err != nil {
			return err
		}
		roster, err = s.selectRoster(ctx, tx)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read queue: %w", err)
	}
	return lines, roster, nil
}

// A question that only the company can answer now is nobody else's to take.
const unfitHoldersSQL = `
	SELECT c.id
	FROM cases c
	JOIN reviewers r ON r.id = c.holder_id
	WHERE c.state IN ('in_review', 'in_qa', 'revision')
	  AND (NOT r.active OR EXISTS (
		SELECT
		FROM conflicts k
		WHERE k.reviewer_id = r.id AND k.company_id = c.company_id AND k.from_day <= $1 AND (k.to_day IS NULL OR k.to_day >= $1)))
	ORDER BY c.id
	LIMIT $2`

// UnfitHolders returns up to limit cases that somebody holds who on the day of now
// is in conflict with the company, or is not of this desk any more.
func (s *Store) UnfitHolders(ctx context.Context, now time.Time, limit int) ([]secor.CaseID, error) {
	var ids []secor.CaseID
	err := s.reads().SelectContext(ctx, &ids, unfitHoldersSQL, day(s.today(now)), limit)
	if err != nil {
		return nil, fmt.Errorf("holders in conflict: %w", err)
	}
	return ids, nil
}

// A ruling stands while the audit has not moved since. $3 is the office's zone.
const contestedSQL = `
	SELECT c.id AS case_id, e.seq, e.kind, k.reviewer_id, (e.happened_at AT TIME ZONE $3)::date AS made_on
	FROM conflicts k
	JOIN cases c ON c.company_id = k.company_id
	JOIN events e ON e.stream = c.stream
	WHERE c.kind = 'audit' AND c.state = 'qa_complete' AND e.kind = ANY ($1) AND e.happened_at >= $2
	  AND e.actor = 'reviewer:' || k.reviewer_id
	  AND (e.happened_at AT TIME ZONE $3)::date BETWEEN k.from_day AND coalesce(k.to_day, 'infinity')
	  AND e.seq >= (SELECT max(m.seq) FROM events m WHERE m.stream = c.stream AND m.subject = 'audit')
	  AND NOT EXISTS (
		SELECT
		FROM events t
		WHERE t.stream = c.stream AND t.kind = $4 AND t.facts::jsonb ->> 'ruling' = e.seq::text)
	ORDER BY c.id, e.seq
	LIMIT $5`

// ContestedRulings returns up to limit rulings that stand, no older than
// secor.RulingYears, whose person was in conflict with the company on that day, and
// of which no event says so yet. What it costs grows with the conflicts on file and
// not with the cases.
func (s *Store) ContestedRulings(ctx context.Context, now time.Time, limit int) ([]secor.Ruling, error) {
	kinds := make(pq.StringArray, len(secor.RulingEvents()))
	for i, kind := range secor.RulingEvents() {
		kinds[i] = string(kind)
	}
	var rows []struct {
		CaseID     secor.CaseID
		Seq        int
		Kind       secor.EventKind
		ReviewerID int64
		MadeOn     day
	}
	zone := s.programme.Calendars[s.programme.Office].Zone.String()
	err := s.reads().SelectContext(ctx, &rows, contestedSQL, kinds, now.AddDate(-secor.RulingYears, 0, 0), zone, secor.EventRulingContested, limit)
	if err != nil {
		return nil, fmt.Errorf("rulings in conflict: %w", err)
	}
	rulings := make([]secor.Ruling, len(rows))
	for i, r := range rows {
		rulings[i] = secor.Ruling{CaseID: r.CaseID, Seq: r.Seq, Kind: r.Kind, Reviewer: r.ReviewerID, On: secor.Date(r.MadeOn)}
	}
	return rulings, nil
}

const pausedSQL = `SELECT EXISTS (SELECT FROM pauses WHERE kind = $1)`

// Assignable returns the audits that somebody could be given on the day of now, in
// order of need; none while assigning is paused. A queue that is empty costs one
// query. What it says is only looked at: the step that assigns plans anew under the
// lock of all assignments.
func (s *Store) Assignable(ctx context.Context, now time.Time) ([]secor.CaseID, error) {
	var served []secor.CaseID
	err := s.snapshot(ctx, func(tx *sqlx.Tx) error {
		lines, err := s.selectQueue(ctx, tx)
		waiting := needs(lines)
		if err != nil || len(waiting) == 0 {
			return err
		}
		var paused bool
		err = tx.GetContext(ctx, &paused, pausedSQL, secor.JobAssign)
		if err != nil || paused {
			return err
		}
		roster, err := s.selectRoster(ctx, tx)
		if err != nil {
			return err
		}
		for _, pick := range secor.Plan(waiting, roster, s.today(now)) {
			if pick.Reviewer.ID != 0 {
				served = append(served, pick.CaseID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("plan assignments: %w", err)
	}
	return served, nil
}
