package secor

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNoReviewer says that nobody can take an audit now. It is an ErrNotFound.
var ErrNoReviewer = fmt.Errorf("%w: no reviewer can take the audit", ErrNotFound)

// Need returns what the case, an audit, needs a reviewer for. A certificate that
// expired longer ago than the edition counts is none.
func (f *File) Need() Need {
	zone, rule := f.Programme.Calendars[f.Programme.Office].Zone, f.Edition.Assignment
	n := Need{CaseID: f.Case.ID, Since: f.Audit.Submitted, Submitted: DateOf(f.Audit.Submitted, zone), Horizon: rule.HorizonDays,
		Conflicts: f.Conflicts, Judge: f.Audit.Reviewer, Avoid: f.Audit.Avoid, Prefer: f.Audit.Prefer}
	if !f.Held.ExpiresOn.AddDays(rule.LapsedDays).Before(n.Submitted) {
		n.Expires = f.Held.ExpiresOn
	}
	return n
}

// days returns the day of the act and today: dating a step back is no way around
// a conflict or a leave.
func (f *File) days() []Date {
	return []Date{f.Today(), DateOf(f.now, f.Programme.Calendars[f.Programme.Office].Zone)}
}

// planned returns the case's pick in a plan for the whole queue.
func (f *File) planned() Pick {
	return planOne(append(slices.Clip(f.Queue), f.Need()), f.Case.ID, f.Roster, f.days()...)
}

// assign gives the audit to a reviewer. The desk itself goes by the plan for the
// whole queue and leaves alone what somebody holds already; a person who asks for
// one audit means that one, and may name anyone who is active and not in conflict,
// even above capacity.
func (f *File) assign(in Input) error {
	if f.act.By == Desk && f.Case.State != StateSubmitted {
		return refuse(ErrIllegalMove, "", "the audit is assigned already")
	}
	err := f.notWaiting()
	if err != nil {
		return err
	}
	pick, err := f.pick(in)
	if err != nil {
		return err
	}
	return f.hand(pick)
}

// AwaitReviewer records why nobody can take the audit now, who was looked at, and
// which older needs come first. That nobody on the roster ever can is another
// event, of which the leads are told.
func (f *File) AwaitReviewer() error {
	pick := f.planned()
	switch {
	case f.Case.State != StateSubmitted || pick.Reviewer.ID != 0:
		return refuse(ErrIllegalMove, "", "the audit does not wait for a reviewer")
	case pick.Stuck:
		f.record(EventAssignmentStuck, "", pick.facts())
	default:
		f.record(EventAssignmentWaits, "", pick.facts())
	}
	return nil
}

// pick never chooses who confirmed the last verdict: an appeal is heard by
// somebody else, however often it is handed on.
func (f *File) pick(in Input) (Pick, error) {
	if in.has("reviewer") {
		return f.named(in)
	}
	pick := f.planned()
	if f.act.By != Desk {
		own := f.Need()
		own.Avoid = 0 // a person who takes the question up again may mean just that
		pick = planOne([]Need{own}, own.CaseID, f.without(f.Case.Holder), f.days()...)
	}
	if pick.Reviewer.ID == 0 {
		return pick, refuse(ErrNoReviewer, "name a reviewer, raise somebody's capacity or end a leave", "no reviewer can take this audit: %s", pick.sentence())
	}
	return pick, nil
}

// without returns the roster but for one person.
func (f *File) without(id int64) []Reviewer {
	return slices.DeleteFunc(slices.Clone(f.Roster), func(r Reviewer) bool { return r.ID == id })
}

func (f *File) named(in Input) (Pick, error) {
	r, known := f.reviewer(in.count("reviewer"))
	if !known || !r.Active {
		return Pick{}, &FieldError{Field: "reviewer", Value: in["reviewer"], Problem: "is not an active person of this desk"}
	}
	if r.ID == f.Case.Holder {
		return Pick{}, refuse(ErrIllegalMove, "", "%s holds this audit already", r.Name)
	}
	err := f.judgedBefore(r)
	if err != nil {
		return Pick{}, err
	}
	return f.chosen(r, "named by a person"), f.conflicted(r.ID)
}

// chosen returns the pick of somebody whom no plan chose, with what a plan would
// have said of the others.
func (f *File) chosen(r Reviewer, reason string) Pick {
	s := newSeats(f.Roster, f.days()...)
	pick := s.explain(f.Need(), slices.IndexFunc(s.roster, func(other Reviewer) bool { return other.ID == r.ID }))
	pick.Reason = reason
	return pick
}

func (f *File) judgedBefore(r Reviewer) error {
	if r.ID != f.Audit.Reviewer {
		return nil
	}
	return refuse(ErrConflict, "give it to somebody else", "%s reviewed this audit before", r.Name)
}

// hand makes the pick the audit's reviewer. The verified sheet starts as a copy
// of the claimed one when a review begins. From is who held it until now.
func (f *File) hand(pick Pick) error {
	data := pick.facts()
	if f.Case.Holder != 0 {
		data["from"] = strconv.FormatInt(f.Case.Holder, 10)
	}
	if f.Case.Holder != pick.Reviewer.ID {
		f.Audit.Agreed = "" // somebody else looks for himself
	}
	f.Case.Holder, f.Audit.Prefer, f.Audit.Avoid = pick.Reviewer.ID, 0, 0
	if f.Case.State != StateSubmitted {
		f.record(EventAuditAssigned, f.act.Reason, data)
		return nil
	}
	data["need"] = f.Need().Why(f.Today())
	for id, line := range f.Sheet {
		if line.Verified == nil {
			f.Sheet[id] = Line{Claimed: line.Claimed, Verified: line.Claimed}
		}
	}
	return f.move(StateInQA, EventAuditAssigned, f.act.Reason, data)
}

func (f *File) takeAudit(Input) error {
	err := f.notWaiting()
	if err != nil {
		return err
	}
	r, _ := f.reviewer(f.act.By.ID)
	err = f.judgedBefore(r)
	if err != nil {
		return err
	}
	return f.hand(f.chosen(r, "taken"))
}

func (f *File) handBack(Input) error {
	role, err := f.roleOf(f.act.By)
	if err != nil {
		return err
	}
	if f.Case.Holder != f.act.By.ID && role == RoleReviewer {
		return f.holderOnly()
	}
	from := f.Case.Holder
	f.Case.Holder, f.Audit.Avoid = 0, from
	return f.move(StateSubmitted, EventAuditHandedBack, f.act.Reason, facts{"from": strconv.FormatInt(from, 10)})
}

// Candidate is a person of the desk as an assignment saw them.
type Candidate struct {
	ReviewerID   int64
	Chosen       bool
	Why          string // why not; "" of who was chosen
	Known        bool   // whether the rest was recorded: events of early releases do not have it
	Held         int    // audits
	Load         string // in full audits: "2.5"
	Capacity     int
	LastAssigned time.Time // zero: never
}

func newCandidate(r Reviewer) Candidate {
	return Candidate{ReviewerID: r.ID, Known: true, Held: r.Held, Load: r.Load.String(), Capacity: r.Capacity, LastAssigned: r.LastAssigned}
}

func (c Candidate) fact() string {
	last := "never"
	if !c.LastAssigned.IsZero() {
		last = c.LastAssigned.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("held %d load %s capacity %d last %s", c.Held, c.Load, c.Capacity, last)
}

// read takes in what fact wrote.
func (c *Candidate) read(text string) error {
	last := ""
	_, err := fmt.Sscanf(text, "held %d load %s capacity %d last %s", &c.Held, &c.Load, &c.Capacity, &last)
	if err != nil {
		return err
	}
	c.Known = true
	if last == "never" {
		return nil
	}
	c.LastAssigned, err = time.Parse(time.RFC3339, last)
	return err
}

// Candidates returns whom an assignment or a waiting looked at, by id: the chosen
// one first. An event of an early release names only those whom it recorded.
func Candidates(e Event) ([]Candidate, error) {
	found := map[int64]*Candidate{}
	var problems []error
	of := func(id int64) *Candidate {
		if found[id] == nil {
			found[id] = &Candidate{ReviewerID: id}
		}
		return found[id]
	}
	for name, text := range e.Facts {
		kind, number, _ := strings.Cut(name, "_")
		id, err := strconv.ParseInt(number, 10, 64)
		switch {
		case kind == "not" && err == nil:
			of(id).Why = text
		case kind == "seen" && err == nil:
			problems = append(problems, of(id).read(text))
		}
	}
	chosen, err := strconv.ParseInt(e.Facts["reviewer"], 10, 64)
	if err == nil {
		of(chosen).Chosen = true
	}
	var list []Candidate
	for _, c := range found {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Candidate) int {
		switch {
		case a.Chosen != b.Chosen && a.Chosen:
			return -1
		case a.Chosen != b.Chosen:
			return 1
		}
		return int(a.ReviewerID - b.ReviewerID)
	})
	return list, errors.Join(problems...)
}
