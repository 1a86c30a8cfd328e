package secor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Actor is who does something: a person of the desk, a company, or the desk itself.
type Actor struct {
	Role Role  // RoleReviewer for every person of the desk, RoleCompany or RoleDesk
	ID   int64 // of the person or company; 0 for the desk
}

// Desk is this software acting by itself: a job or a clock.
var Desk = Actor{Role: RoleDesk}

// ByReviewer returns the actor that is a person of the desk.
func ByReviewer(id int64) Actor { return Actor{Role: RoleReviewer, ID: id} }

// ByCompany returns the actor that is an employer.
func ByCompany(id int64) Actor { return Actor{Role: RoleCompany, ID: id} }

// String returns the actor as it is stored: "reviewer:3", "company:12", "desk".
func (a Actor) String() string {
	if a.ID == 0 {
		return string(a.Role)
	}
	return fmt.Sprintf("%s:%d", a.Role, a.ID)
}

// ParseActor reads what String wrote; "" is the zero Actor.
func ParseActor(text string) (Actor, error) {
	role, number, numbered := strings.Cut(text, ":")
	a := Actor{Role: Role(role)}
	var err error
	if numbered {
		a.ID, err = strconv.ParseInt(number, 10, 64)
	}
	named := slices.Contains([]Role{RoleReviewer, RoleCompany}, a.Role)
	if err != nil || a.String() != text || a != (Actor{}) && a != Desk && (!named || a.ID < 1) {
		return Actor{}, &FieldError{Value: text, Problem: "is not an actor such as reviewer:3"}
	}
	return a, nil
}

// Surface is where a step was taken.
type Surface string

const (
	SurfaceButton Surface = "button"
	SurfaceModal  Surface = "modal"
	SurfaceSlash  Surface = "slash"
	SurfaceFile   Surface = "file"
	SurfaceCLI    Surface = "cli"
	SurfaceJob    Surface = "job"
	SurfaceClock  Surface = "clock"
)

// Act is one attempt of somebody to take one step.
type Act struct {
	ID         string // unique for ever; the same act again finds its own events
	By         Actor
	OnBehalfOf Actor // zero: for oneself
	Surface    Surface
	Reason     string
	AsOf       int       // the case's Version that the person saw; 0: whatever it is
	HappenedAt time.Time // zero: now. Never in the future; an earlier one wants a Reason
	Assigns    bool      // sees the roster under its lock, so that loads are true
}

// check refuses an act that cannot be recorded as it stands.
func (a Act) check(now time.Time) error {
	switch {
	case a.ID == "" || len(a.ID) > 200:
		return refuse(ErrField, "give it one of 1 to 200 characters", "the act has no usable id")
	case a.By == Actor{}:
		return refuse(ErrNotAllowed, "name who takes the step", "the act names nobody")
	case a.HappenedAt.After(now):
		return refuse(ErrField, "give the day on which it happened", "%s is in the future", a.HappenedAt.Format(time.RFC3339))
	case !a.HappenedAt.IsZero() && a.HappenedAt.Before(now) && strings.TrimSpace(a.Reason) == "":
		return refuse(ErrField, "say where the date comes from", "a step dated back to %s wants a reason", a.HappenedAt.Format(time.RFC3339))
	}
	return nil
}

// at returns when the step happened: HappenedAt, or now.
func (a Act) at(now time.Time) time.Time {
	if a.HappenedAt.IsZero() {
		return now
	}
	return a.HappenedAt
}
