package secor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Role is what a person of the desk may do; a lead may do what a reviewer may,
// an administrator what a lead may, except that only a holder marks and confirms.
type Role string

const (
	RoleReviewer Role = "reviewer"
	RoleLead     Role = "lead"
	RoleAdmin    Role = "admin"

	// RoleDesk is this software acting by itself, RoleCompany the employer.
	RoleDesk    Role = "desk"
	RoleCompany Role = "company"
)

// Roles returns the roles that a person of the desk can have.
func Roles() []Role { return []Role{RoleReviewer, RoleLead, RoleAdmin} }

// Reviewer is a person of the desk, whatever the role.
type Reviewer struct {
	ID           int64
	Name         string
	Email        string
	Role         Role
	Active       bool
	Capacity     int    // most audits held at once; 0: is never assigned one
	Away         []Span // leave
	Load         int    // audits held now
	LastAssigned time.Time
}

// AwayOn reports whether the person is on leave on a day.
func (r Reviewer) AwayOn(day Date) bool {
	return slices.ContainsFunc(r.Away, func(s Span) bool { return s.Covers(day) })
}

// Conflict says that a person of the desk may not decide on a company during a
// span: own employer, trained or consulted there, audited it before.
type Conflict struct {
	ReviewerID int64
	CompanyID  int64
	Span       Span
	Reason     string
}

// Pick is the outcome of an assignment and how it came about.
type Pick struct {
	Reviewer Reviewer
	Reason   string           // "least load: 2 of 8"
	Rejected map[int64]string // reviewer id: why not
}

// PickReviewer chooses who assures the quality of an audit: of all who are
// active, have capacity, are not away on the day and not in conflict, the one
// with the least load in proportion to capacity, then the one whose last
// assignment is longest ago, then the lowest id. Not is never chosen (an appeal
// goes to somebody else). ErrNotFound, naming every reason, when nobody is left.
func PickReviewer(roster []Reviewer, conflicts []Conflict, day Date, not int64) (Pick, error) {
	pick := Pick{Rejected: map[int64]string{}}
	var able []Reviewer
	for _, r := range roster {
		why := unable(r, conflicts, day, not)
		if why != "" {
			pick.Rejected[r.ID] = why
			continue
		}
		able = append(able, r)
	}
	if len(able) == 0 {
		return pick, refuse(ErrNotFound, "assign it by hand, raise somebody's capacity or end a leave", "no reviewer can take this audit: %s", cmp.Or(pick.reasons(roster), "nobody is on the roster"))
	}
	slices.SortFunc(able, func(a, b Reviewer) int {
		return cmp.Or(
			cmp.Compare(a.Load*b.Capacity, b.Load*a.Capacity),
			a.LastAssigned.Compare(b.LastAssigned),
			cmp.Compare(a.ID, b.ID))
	})
	pick.Reviewer = able[0]
	pick.Reason = fmt.Sprintf("least load: %d of %d", able[0].Load, able[0].Capacity)
	for _, r := range able[1:] {
		pick.Rejected[r.ID] = fmt.Sprintf("holds %d of %d", r.Load, r.Capacity)
	}
	return pick, nil
}

// reasons lists in the roster's order why each of the rejected is not chosen.
func (p Pick) reasons(roster []Reviewer) string {
	var reasons []string
	for _, r := range roster {
		reasons = append(reasons, r.Name+" "+p.Rejected[r.ID])
	}
	return strings.Join(reasons, ", ")
}

func unable(r Reviewer, conflicts []Conflict, day Date, not int64) string {
	switch {
	case !r.Active:
		return "is not active"
	case r.ID == not:
		return "reviewed it before"
	case inConflict(r.ID, conflicts, day):
		return "has a conflict of interest"
	case r.AwayOn(day):
		return "is away"
	case r.Load >= r.Capacity:
		return fmt.Sprintf("is full: holds %d of %d", r.Load, r.Capacity)
	default:
		return ""
	}
}

func inConflict(reviewer int64, conflicts []Conflict, day Date) bool {
	return slices.ContainsFunc(conflicts, func(c Conflict) bool {
		return c.ReviewerID == reviewer && c.Span.Covers(day)
	})
}
