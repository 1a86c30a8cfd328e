package store

import (
	"context"
	"fmt"
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
	Load           int
}

func (r reviewerRow) domain() secor.Reviewer {
	return secor.Reviewer{ID: r.ID, Name: r.Name, Email: r.Email, Role: r.Role, Active: r.Active, Capacity: r.Capacity,
		Load: r.Load, LastAssigned: time.Time(r.LastAssignedAt)}
}

type leaveRow struct {
	ReviewerID int64
	FromDay    day
	ToDay      day
}

func (r leaveRow) span() secor.Span {
	return secor.Span{From: secor.Date(r.FromDay), To: secor.Date(r.ToDay)}
}

const rosterSQL = `
	SELECT r.id, r.name, r.email, r.role, r.active, r.capacity, r.last_assigned_at,
		(SELECT count(*) FROM cases c WHERE c.holder_id = r.id AND c.kind = 'audit' AND c.state IN ('in_qa', 'revision')) AS load
	FROM reviewers r
	ORDER BY r.id`

const leavesSQL = `
	SELECT reviewer_id, from_day, to_day
	FROM leaves
	ORDER BY reviewer_id, from_day`

func loadRoster(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	roster, err := selectRoster(ctx, tx)
	f.Roster = roster
	return err
}

func selectRoster(ctx context.Context, db sqlx.QueryerContext) ([]secor.Reviewer, error) {
	var people []reviewerRow
	err := sqlx.SelectContext(ctx, db, &people, rosterSQL)
	if err != nil {
		return nil, fmt.Errorf("roster: %w", err)
	}
	var leaves []leaveRow
	err = sqlx.SelectContext(ctx, db, &leaves, leavesSQL)
	if err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	var roster []secor.Reviewer
	for _, row := range people {
		r := row.domain()
		for _, l := range leaves {
			if l.ReviewerID == row.ID {
				r.Away = append(r.Away, l.span())
			}
		}
		roster = append(roster, r)
	}
	return roster, nil
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
