package secor

import (
	"errors"
	"fmt"
	"maps"
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
		Conflicts: f.Conflicts, Judges: f.Audit.Judges, Avoid: f.Audit.Avoid, Prefer: f.Audit.Prefer}
	n.Unknown = f.Held.ExpiresOn.IsZero() && f.Audit.Purpose != PurposeCertification
	if !f.Held.ExpiresOn.AddDays(rule.LapsedDays).Before(n.Submitted) {
		n.Expires = f.Held.ExpiresOn
	}
	return n
}

// Urgency says in words why an audit with a reviewer, or waiting for one, is as
// urgent as it is; "" before its submission.
func (f *File) Urgency() string {
	if f.Audit == nil || f.Audit.Submitted.IsZero() {
		return ""
	}
	return f.Need().Why(f.Today())
}

// days returns the day of the act and today: dating a step back is no way around
// a conflict or a leave.
func (f *File) days() []Date {
	return []Date{f.Today(), f.today()}
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

// pick never chooses who ever confirmed a verdict of the case: an appeal, also a
// second one, is heard by somebody else, however often it is handed on.
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
	reason := "named by a person"
	if leave, away := r.LeaveOn(f.today()); away {
		reason += ", while " + leave.Words()
	}
	return f.chosen(r, reason), f.conflicted(r.ID)
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
	if !slices.Contains(f.Audit.Judges, r.ID) {
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
	f.give(pick.Reviewer.ID)
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

// give makes somebody the holder of an audit. Who was not that before looks at
// every element anew.
func (f *File) give(id int64) {
	if f.Case.Holder != id {
		f.Audit.Agreed = ""
	}
	f.Case.Holder, f.Audit.Prefer, f.Audit.Avoid = id, 0, 0
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
	from, waiting := f.Case.Holder, f.Audit.Waiting
	f.Case.Holder, f.Audit.Avoid = 0, from
	err = f.move(StateSubmitted, EventAuditHandedBack, f.act.Reason, facts{"from": strconv.FormatInt(from, 10)})
	f.Audit.Waiting = err == nil && waiting // what a person has to accept is not settled by that
	return err
}

// lost reports whether who held the case until an event does not hold it now.
func (f *File) lost(cause Event) bool {
	from, given := cause.Facts["from"]
	return given && from != strconv.FormatInt(f.Case.Holder, 10)
}

func (f *File) today() Date {
	return DateOf(f.now, f.Programme.Calendars[f.Programme.Office].Zone)
}

// holderAway reports whether who holds the case is on leave today.
func (f *File) holderAway() bool {
	r, known := f.reviewer(f.Case.Holder)
	return known && r.AwayOn(f.today())
}

// unfit says why who holds the case may not hold it any more; "" when they may.
func (f *File) unfit() string {
	r, known := f.reviewer(f.Case.Holder)
	switch {
	case f.Case.Holder == 0:
		return ""
	case !known || !r.Active:
		return string(barActive)
	case inConflict(r.ID, f.Conflicts, f.today()):
		return string(barConflict)
	default:
		return ""
	}
}

// Unassign takes a case from a holder who came into conflict with the company or
// left the desk. What they did so far is kept. An audit waits for a lead to accept
// that it goes on, and meanwhile the review's clock is paused, as the office's own
// time; the clock of the assignment runs, so that nobody forgets it. A revision
// stays with the company. A request goes back to be taken by somebody else. A case
// whose holder may hold it is refused.
//
// Source: ours; a conflict that is declared late must not go unnoticed
// (peers.md, complaint 20).
func (f *File) Unassign() error {
	why := f.unfit()
	if why == "" {
		return refuse(ErrIllegalMove, "", "case %d is not held by anybody who may not hold it", f.Case.ID)
	}
	data := facts{"from": strconv.FormatInt(f.Case.Holder, 10), "why": why}
	return f.attempt(func() error {
		f.Case.Holder = 0
		switch f.Case.State {
		case StateInReview:
			return f.move(StateReceived, EventRequestUnassigned, "", data)
		case StateInQA:
			return f.takeAway(data)
		case StateRevision:
			f.Audit.Waiting = true
			f.record(EventAuditUnassigned, "", data)
			return nil
		default:
			return refuse(ErrIllegalMove, "", "%s", f.standing())
		}
	})
}

// takeAway needs nothing that keeps the audit from its former holder: the reason for
// which it was taken does, for as long as it lasts.
func (f *File) takeAway(data facts) error {
	err := f.move(StateSubmitted, EventAuditUnassigned, "", data)
	if err != nil {
		return err
	}
	f.Audit.Waiting = true
	return f.pauseReview("taken from its reviewer, who " + data["why"])
}

// pauseReview stops the review's clock for something that is the office's own.
func (f *File) pauseReview(reason string) error {
	if f.phase(policyReview) != PhaseRunning {
		return nil
	}
	return f.clockEntry(policyReview, ClockEntry{Kind: ClockPaused, Party: PartyOffice, Reason: reason})
}

// resumeReview lets the review's clock go on, unless it is the company's turn.
func (f *File) resumeReview() error {
	if f.phase(policyReview) != PhasePaused || f.Case.State == StateRevision {
		return nil
	}
	return f.clockEntry(policyReview, ClockEntry{Kind: ClockResumed})
}

const policyReview = "qa_review"

// revised gives what came back from the company to who asked for it; to the queue
// when the audit was taken from them meanwhile.
func (f *File) revised(text string, data facts) error {
	if f.Case.Holder != 0 {
		data["reviewer"] = strconv.FormatInt(f.Case.Holder, 10)
		return f.move(StateInQA, EventRevisionReceived, text, data)
	}
	taken := f.takenAway()
	err := f.move(StateSubmitted, EventRevisionQueued, text, data)
	if err != nil || !taken {
		return err
	}
	f.Audit.Waiting = true
	return f.pauseReview("taken from its reviewer, and not accepted yet")
}

// takenAway reports an audit that was taken from its reviewer and not accepted yet.
// In a revision an audit waits for nothing else; before a review its clock rests
// for nothing else.
func (f *File) takenAway() bool {
	i := f.cycle(policyReview)
	if i < 0 || !f.Audit.Waiting {
		return false
	}
	turn, _ := f.Clocks[i].turn()
	return f.Case.State == StateRevision || turn.Kind == ClockPaused && turn.Party == PartyOffice
}

// Cover gives a revision that came in while its reviewer is away to who stands in,
// when able. Else it stays where it is, and the leads are told. It does nothing when
// the reviewer is not away.
func (f *File) Cover() error {
	if f.Case.State != StateInQA || !f.holderAway() {
		return nil
	}
	holder, _ := f.reviewer(f.Case.Holder)
	leave, _ := holder.LeaveOn(f.today())
	s := newSeats(f.Roster, f.days()...)
	i := slices.IndexFunc(s.roster, func(r Reviewer) bool { return leave.StandIn != 0 && r.ID == leave.StandIn })
	why := "nobody stands in"
	if i >= 0 {
		b := s.bars(f.Need(), i)
		if b == "" {
			return f.standIn(s, i, leave)
		}
		why = "the stand-in " + s.against(b, i)
	}
	f.record(EventRevisionUncovered, "", facts{"reviewer": strconv.FormatInt(f.Case.Holder, 10),
		"stand_in": strconv.FormatInt(leave.StandIn, 10), "why": why})
	return nil
}

func (f *File) standIn(s *seats, i int, leave Leave) error {
	pick := s.explain(f.Need(), i)
	pick.Reason = "stand-in for its reviewer, who is " + leave.Words()
	return f.hand(pick)
}

// ChangedMark is a question whose verified mark is not what the company claims.
type ChangedMark struct {
	Question          string
	Claimed, Verified string // "8.00/10.00", "n/a", "unscored"
}

// ChangedMarks returns what a reviewer found otherwise than claimed, by question.
func (f *File) ChangedMarks() []ChangedMark {
	var changed []ChangedMark
	for _, id := range slices.Sorted(maps.Keys(f.Sheet)) {
		line := f.Sheet[id]
		if line.Verified != nil && !sameMark(line.Claimed, line.Verified) {
			changed = append(changed, ChangedMark{Question: id, Claimed: line.Claimed.Words(), Verified: line.Verified.Words()})
		}
	}
	return changed
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
