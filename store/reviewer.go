package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

type reviewerRow struct {
	ID             int64
	Name           string
	Email          string
	Role           secor.Role
	Active         bool
	Capacity       int
	LastAssignedAt moment
}

func (r reviewerRow) domain() secor.Reviewer {
	return secor.Reviewer{ID: r.ID, Name: r.Name, Email: r.Email, Role: r.Role, Active: r.Active, Capacity: r.Capacity,
		LastAssigned: time.Time(r.LastAssignedAt)}
}

type leaveRow struct {
	ReviewerID int64
	FromDay    day
	ToDay      day
	StandInID  ref
}

func (r leaveRow) domain() secor.Leave {
	return secor.Leave{Span: secor.Span{From: secor.Date(r.FromDay), To: secor.Date(r.ToDay)}, StandIn: int64(r.StandInID)}
}

const rosterSQL = `
	SELECT id, name, email, role, active, capacity, last_assigned_at
	FROM reviewers
	ORDER BY id`

const leavesSQL = `
	SELECT reviewer_id, from_day, to_day, stand_in_id
	FROM leaves
	ORDER BY reviewer_id, from_day`

// How much an audit weighs is a rule of its edition, so that it is only counted here.
const heldSQL = `
	SELECT c.holder_id, c.edition_id, c.state, a.purpose, count(*) AS audits
	FROM cases c
	JOIN audits a ON a.case_id = c.id
	WHERE c.kind = 'audit' AND c.state IN ('in_qa', 'revision') AND c.holder_id IS NOT NULL
	GROUP BY c.holder_id, c.edition_id, c.state, a.purpose`

func (s *Store) loadRoster(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	roster, err := s.selectRoster(ctx, tx)
	f.Roster = roster
	return err
}

// selectPeople returns everybody on the roster without their leaves and loads.
func selectPeople(ctx context.Context, db sqlx.QueryerContext) ([]secor.Reviewer, error) {
	var people []reviewerRow
	err := sqlx.SelectContext(ctx, db, &people, rosterSQL)
	if err != nil {
		return nil, fmt.Errorf("roster: %w", err)
	}
	var roster []secor.Reviewer
	for _, row := range people {
		roster = append(roster, row.domain())
	}
	return roster, nil
}

func (s *Store) selectRoster(ctx context.Context, db sqlx.QueryerContext) ([]secor.Reviewer, error) {
	roster, err := selectPeople(ctx, db)
	if err != nil {
		return nil, err
	}
	of := map[int64]int{}
	for i, r := range roster {
		of[r.ID] = i
	}
	var leaves []leaveRow
	err = sqlx.SelectContext(ctx, db, &leaves, leavesSQL)
	if err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	for _, l := range leaves {
		i, known := of[l.ReviewerID]
		if known {
			roster[i].Away = append(roster[i].Away, l.domain())
		}
	}
	return roster, s.addLoads(ctx, db, roster, of)
}

// addLoads adds what everybody holds. An edition that this program's data do not
// have any more counts its audits in full.
func (s *Store) addLoads(ctx context.Context, db sqlx.QueryerContext, roster []secor.Reviewer, of map[int64]int) error {
	var held []struct {
		HolderID  int64
		EditionID string
		State     secor.State
		Purpose   secor.Purpose
		Audits    int
	}
	err := sqlx.SelectContext(ctx, db, &held, heldSQL)
	if err != nil {
		return fmt.Errorf("loads: %w", err)
	}
	for _, h := range held {
		var rule secor.AssignmentRule
		if edition := s.programme.Editions[h.EditionID]; edition != nil {
			rule = edition.Assignment
		}
		i, known := of[h.HolderID]
		if known {
			roster[i].Held += h.Audits
			roster[i].Load += secor.Effort(h.Audits) * rule.Effort(h.Purpose, h.State)
		}
	}
	return nil
}

type conflictRow struct {
	ReviewerID int64
	CompanyID  int64
	FromDay    day
	ToDay      day
	Reason     string
}

func (r conflictRow) domain() secor.Conflict {
	return secor.Conflict{ReviewerID: r.ReviewerID, CompanyID: r.CompanyID, Reason: r.Reason,
		Span: secor.Span{From: secor.Date(r.FromDay), To: secor.Date(r.ToDay)}}
}

const conflictsSQL = `
	SELECT reviewer_id, company_id, from_day, to_day, reason
	FROM conflicts
	WHERE company_id = $1
	ORDER BY reviewer_id, from_day`

func loadConflicts(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var found []conflictRow
	err := tx.SelectContext(ctx, &found, conflictsSQL, f.Company.ID)
	if err != nil {
		return fmt.Errorf("conflicts: %w", err)
	}
	for _, row := range found {
		f.Conflicts = append(f.Conflicts, row.domain())
	}
	return nil
}

const stampAssignmentSQL = `UPDATE reviewers SET last_assigned_at = $2 WHERE id = $1`

// stampAssignment remembers who was given an audit last. An assignment without
// the roster's lock would have been made on loads that may not be true.
func stampAssignment(ctx context.Context, tx *sqlx.Tx, f *secor.File, act secor.Act, now time.Time) error {
	for _, e := range f.Events() {
		if e.Kind != secor.EventAuditAssigned && e.Kind != secor.EventAuditAppealed {
			continue
		}
		if !act.Assigns {
			return fmt.Errorf("the act %q assigned case %d without the roster's lock; set Act.Assigns from Step.Assigns", act.ID, f.Case.ID)
		}
		_, err := tx.ExecContext(ctx, stampAssignmentSQL, f.Case.Holder, now)
		if err != nil {
			return fmt.Errorf("remember assignment: %w", err)
		}
	}
	return nil
}

const reviewerByEmailSQL = `SELECT id, name, email, role, active, capacity, last_assigned_at FROM reviewers WHERE email = $1`

const addReviewerSQL = `
	INSERT INTO reviewers (name, email, role, active, capacity)
	VALUES ($1, $2, $3, $4, $5)
	RETURNING id`

const updateReviewerSQL = `UPDATE reviewers SET name = $2, role = $3, active = $4, capacity = $5 WHERE id = $1`

// AddReviewer puts a person of the desk on the roster, or brings one with the same
// e-mail address up to date. Leave, load and last assignment are not taken from r.
// It waits for the steps that are being taken: after it returns, nobody acts under
// the old role.
func (s *Store) AddReviewer(ctx context.Context, act secor.Act, r secor.Reviewer) (int64, Change, error) {
	r, err := cleanReviewer(r)
	if err != nil {
		return 0, "", err
	}
	id, change, err := s.register(ctx, act, "reviewer", func(d *deskTx) (int64, Change, error) {
		err := lockRoster.take(d.ctx, d.Tx)
		if err != nil {
			return 0, "", fmt.Errorf("lock roster: %w", err)
		}
		var known []reviewerRow
		err = d.SelectContext(d.ctx, &known, reviewerByEmailSQL, r.Email)
		if err != nil {
			return 0, "", fmt.Errorf("look for reviewer: %w", err)
		}
		if len(known) == 0 {
			return insertReviewer(d, r)
		}
		change, err := changeReviewer(d, known[0].domain(), r)
		return known[0].ID, change, err
	})
	return id, change, fault(err, "add reviewer")
}

func cleanReviewer(r secor.Reviewer) (secor.Reviewer, error) {
	var problems []error
	name, err := secor.CleanName("name", r.Name)
	problems = append(problems, err)
	if name == "" {
		problems = append(problems, &secor.FieldError{Field: "name", Problem: "is missing"})
	}
	email, err := cleanEmail(r.Email)
	problems = append(problems, err)
	if !slices.Contains(secor.Roles(), r.Role) {
		problems = append(problems, &secor.FieldError{Field: "role", Value: string(r.Role), Problem: "is not reviewer, lead or admin"})
	}
	if r.Capacity < 0 || r.Capacity > 1000 {
		problems = append(problems, &secor.FieldError{Field: "capacity", Value: fmt.Sprint(r.Capacity), Problem: "is not a number of audits from 0 to 1000"})
	}
	return secor.Reviewer{Name: name, Email: email, Role: r.Role, Active: r.Active, Capacity: r.Capacity}, errors.Join(problems...)
}

func insertReviewer(d *deskTx, r secor.Reviewer) (int64, Change, error) {
	var id int64
	err := d.GetContext(d.ctx, &id, addReviewerSQL, r.Name, r.Email, r.Role, r.Active, r.Capacity)
	if err != nil {
		return 0, "", fmt.Errorf("insert reviewer: %w", err)
	}
	return id, Added, d.record(EventReviewerAdded, roleFacts(id, r))
}

func changeReviewer(d *deskTx, old, r secor.Reviewer) (Change, error) {
	if old.Name == r.Name && old.Role == r.Role && old.Active == r.Active && old.Capacity == r.Capacity {
		return Unchanged, nil
	}
	_, err := d.ExecContext(d.ctx, updateReviewerSQL, old.ID, r.Name, r.Role, r.Active, r.Capacity)
	if err != nil {
		return "", fmt.Errorf("update reviewer: %w", err)
	}
	return Changed, d.recordText(EventReviewerChanged, fmt.Sprintf("was: %s, %s, active %t, capacity %d", old.Name, old.Role, old.Active, old.Capacity), roleFacts(old.ID, r))
}

func roleFacts(id int64, r secor.Reviewer) map[string]string {
	return map[string]string{"reviewer": number(id), "role": string(r.Role), "active": fmt.Sprint(r.Active), "capacity": fmt.Sprint(r.Capacity)}
}

// ReviewerByEmail returns a person of the desk, active or not; ErrNotFound when
// nobody has the address.
func (s *Store) ReviewerByEmail(ctx context.Context, email string) (secor.Reviewer, error) {
	roster, err := s.Reviewers(ctx)
	if err != nil {
		return secor.Reviewer{}, err
	}
	for _, r := range roster {
		if r.Email == strings.ToLower(strings.TrimSpace(email)) {
			return r, nil
		}
	}
	return secor.Reviewer{}, refuse(secor.ErrNotFound, "import the desk's people first", "nobody of this desk has the address %q", email)
}

// Reviewers returns everybody who is or was of the desk, with leave and load, by id.
func (s *Store) Reviewers(ctx context.Context) ([]secor.Reviewer, error) {
	var roster []secor.Reviewer
	err := s.snapshot(ctx, func(tx *sqlx.Tx) error {
		var err error
		roster, err = s.selectRoster(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reviewers: %w", err)
	}
	return roster, nil
}

const reviewerSQL = `SELECT id FROM reviewers WHERE id = $1`

func checkReviewer(d *deskTx, id int64) error {
	var ids []int64
	err := d.SelectContext(d.ctx, &ids, reviewerSQL, id)
	if err != nil {
		return fmt.Errorf("look for reviewer: %w", err)
	}
	if len(ids) == 0 {
		return refuse(secor.ErrNotFound, "add the person first", "there is no person %d of this desk", id)
	}
	return nil
}

func checkSpan(span secor.Span) error {
	switch {
	case span.From.IsZero():
		return &secor.FieldError{Field: "from", Problem: "is missing"}
	case !span.To.IsZero() && span.To.Before(span.From):
		return &secor.FieldError{Field: "to", Value: span.To.String(), Problem: "is before " + span.From.String()}
	}
	return nil
}

const leaveSQL = `SELECT reviewer_id, from_day, to_day, stand_in_id FROM leaves WHERE reviewer_id = $1 AND from_day = $2`

const putLeaveSQL = `
	INSERT INTO leaves (reviewer_id, from_day, to_day, stand_in_id)
	VALUES (:reviewer_id, :from_day, :to_day, :stand_in_id)
	ON CONFLICT (reviewer_id, from_day) DO UPDATE SET to_day = EXCLUDED.to_day, stand_in_id = EXCLUDED.stand_in_id`

// AddLeave records that a person of the desk is away and who stands in, or changes
// end and stand-in of a leave of the same first day. Nobody stands in for
// themselves.
func (s *Store) AddLeave(ctx context.Context, act secor.Act, reviewer int64, leave secor.Leave) (Change, error) {
	err := checkSpan(leave.Span)
	if err == nil && leave.StandIn == reviewer {
		err = &secor.FieldError{Field: "stand_in", Problem: "is the person who is away"}
	}
	if err != nil {
		return "", err
	}
	row := leaveRow{ReviewerID: reviewer, FromDay: day(leave.From), ToDay: day(leave.To), StandInID: ref(leave.StandIn)}
	_, change, err := s.register(ctx, act, "reviewer", func(d *deskTx) (int64, Change, error) {
		err := lockRoster.take(d.ctx, d.Tx)
		if err != nil {
			return 0, "", fmt.Errorf("lock roster: %w", err)
		}
		for _, id := range []int64{reviewer, leave.StandIn} {
			if id != 0 {
				err = errors.Join(err, checkReviewer(d, id))
			}
		}
		if err != nil {
			return 0, "", err
		}
		change, err := putSpan(d, leaveSQL, putLeaveSQL, row, reviewer, row.FromDay)
		if err != nil || change == Unchanged {
			return reviewer, change, err
		}
		kind := EventLeaveAdded
		if change == Changed {
			kind = EventLeaveChanged
		}
		data := map[string]string{"reviewer": number(reviewer), "from": leave.From.String(), "to": leave.To.String()}
		if leave.StandIn != 0 {
			data["stand_in"] = number(leave.StandIn)
		}
		return reviewer, change, d.record(kind, data)
	})
	return change, fault(err, "add leave of reviewer %d", reviewer)
}

// putSpan writes a row that has a first day in its key and says what that came to.
func putSpan[T comparable](d *deskTx, query, put string, row T, key ...any) (Change, error) {
	var old []T
	err := d.SelectContext(d.ctx, &old, query, key...)
	if err != nil {
		return "", fmt.Errorf("look for %T: %w", row, err)
	}
	if len(old) > 0 && old[0] == row {
		return Unchanged, nil
	}
	_, err = d.NamedExecContext(d.ctx, put, row)
	if err != nil {
		return "", fmt.Errorf("write %T: %w", row, err)
	}
	if len(old) > 0 {
		return Changed, nil
	}
	return Added, nil
}

const conflictSQL = `
	SELECT reviewer_id, company_id, from_day, to_day, reason
	FROM conflicts
	WHERE reviewer_id = $1 AND company_id = $2 AND from_day = $3`

const putConflictSQL = `
	INSERT INTO conflicts (reviewer_id, company_id, from_day, to_day, reason)
	VALUES (:reviewer_id, :company_id, :from_day, :to_day, :reason)
	ON CONFLICT (reviewer_id, company_id, from_day) DO UPDATE SET to_day = EXCLUDED.to_day, reason = EXCLUDED.reason`

// AddConflict records that a person of the desk may not decide on a company during
// a span, or changes end and reason of a conflict of the same first day.
func (s *Store) AddConflict(ctx context.Context, act secor.Act, c secor.Conflict) (Change, error) {
	err := checkSpan(c.Span)
	if err != nil {
		return "", err
	}
	reason, err := secor.CleanText("reason", c.Reason, secor.MaxText)
	if err != nil {
		return "", err
	}
	row := conflictRow{ReviewerID: c.ReviewerID, CompanyID: c.CompanyID, FromDay: day(c.Span.From), ToDay: day(c.Span.To), Reason: reason}
	_, change, err := s.register(ctx, act, "reviewer", func(d *deskTx) (int64, Change, error) {
		err := checkReviewer(d, c.ReviewerID)
		if err != nil {
			return 0, "", err
		}
		_, err = lockCompany(d.ctx, d.Tx, c.CompanyID)
		if err != nil {
			return 0, "", err
		}
		change, err := putSpan(d, conflictSQL, putConflictSQL, row, c.ReviewerID, c.CompanyID, row.FromDay)
		if err != nil || change == Unchanged {
			return c.ReviewerID, change, err
		}
		kind := EventConflictAdded
		if change == Changed {
			kind = EventConflictChanged
		}
		return c.ReviewerID, change, d.record(kind, map[string]string{"reviewer": number(c.ReviewerID), "company": number(c.CompanyID),
			"from": c.Span.From.String(), "to": c.Span.To.String()})
	})
	return change, fault(err, "add conflict of reviewer %d", c.ReviewerID)
}
