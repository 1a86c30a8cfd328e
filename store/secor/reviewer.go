package secor

import (
	"slices"
	"strconv"
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
	Capacity     int     // most full audits held at once; 0: is never assigned one
	Away         []Leave // in order of their first days
	Held         int     // audits held now, those in revision among them
	Load         Effort  // of what is held now
	LastAssigned time.Time
}

// Leave is a run of days on which a person of the desk is away.
type Leave struct {
	Span
	StandIn int64 // who takes revisions that come in meanwhile; 0: nobody
}

// Effort is the work that audits are to who holds them, in ten-thousandths of a
// full audit, so that a percentage of a percentage is exact.
type Effort int64

// FullEffort is one full audit, the unit of capacities.
const FullEffort Effort = 10_000

// String returns the effort in full audits, as few decimals as it has: "2.5".
func (e Effort) String() string {
	text := strconv.FormatFloat(float64(e)/float64(FullEffort), 'f', 4, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// AwayOn reports whether the person is on leave on a day.
func (r Reviewer) AwayOn(day Date) bool {
	_, away := r.LeaveOn(day)
	return away
}

// LeaveOn returns the person's leave on a day; of several, the one that ends last.
func (r Reviewer) LeaveOn(day Date) (Leave, bool) {
	var found Leave
	away := false
	for _, l := range r.Away {
		if !l.Covers(day) {
			continue
		}
		if !away || !found.To.IsZero() && (l.To.IsZero() || l.To.After(found.To)) {
			found = l
		}
		away = true
	}
	return found, away
}

// Conflict says that a person of the desk may not decide on a company during a
// span: own employer, trained or consulted there, audited it before.
type Conflict struct {
	ReviewerID int64
	CompanyID  int64
	Span       Span
	Reason     string
}

func inConflict(reviewer int64, conflicts []Conflict, day Date) bool {
	return slices.ContainsFunc(conflicts, func(c Conflict) bool {
		return c.ReviewerID == reviewer && c.Span.Covers(day)
	})
}

// Words says of somebody that they are away, and until when where that is known:
// "away until 5 April 2026".
func (l Leave) Words() string {
	if l.To.IsZero() {
		return "away"
	}
	return "away until " + l.To.Long()
}
