package secor

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AssignmentRule says which audit's need comes first, and how much of a reviewer's
// capacity an audit takes.
type AssignmentRule struct {
	HorizonDays int             // an audit that has waited so long is as urgent as a certificate that expires
	LapsedDays  int             // a certificate that expired longer ago than this counts as none
	Percent     map[Purpose]int // of a full audit, 1 to 100
	InRevision  int             // percent of that while the company revises, 0 to 100
}

// Effort returns what an audit is to its holder. A purpose that the rule does not
// name is a full audit.
func (r AssignmentRule) Effort(purpose Purpose, state State) Effort {
	percent, known := r.Percent[purpose]
	if !known {
		return FullEffort
	}
	if state == StateRevision {
		return Effort(percent * r.InRevision)
	}
	return Effort(percent * 100)
}

// Held is the certificate that a company holds with the body of a case while its
// audit is under way: of those that this office mailed and the one that was
// entered from before, the one that expires last.
type Held struct {
	Number    string // "": not known
	ExpiresOn Date   // its last day; zero: the company holds none
}

// Later returns the certificate that expires later; h itself when both do alike.
func (h Held) Later(other Held) Held {
	if other.ExpiresOn.After(h.ExpiresOn) {
		return other
	}
	return h
}

// MaxCertificateNumber is the longest number of a certificate, in characters.
const MaxCertificateNumber = 40

// Need is an audit that waits for a reviewer.
type Need struct {
	CaseID    CaseID
	Expires   Date      // of the company's certificate; zero: none that counts
	Unknown   bool      // the company must have held a certificate, and its expiry is not on file
	Since     time.Time // when it was submitted
	Submitted Date      // the day of Since in the office's zone
	Horizon   int       // days
	Conflicts []Conflict
	Judges    []int64 // who ever confirmed a verdict of the case, which was appealed: never chosen
	Avoid     int64   // who handed it back: not chosen again
	Prefer    int64   // who returned it to be done again: gets it when able
}

// Falls returns the day by which a need is measured: the expiry of the company's
// certificate, or the horizon after the submission, whichever comes first. So a
// company that holds none, or one that is good for long, waits behind those whose
// certificate may lapse and yet not for ever.
//
// Source: ours. Loss of the certificate is the harm that companies fear
// (domain.md 0.10), and no queue may have an age at which one falls out of it
// (peers.md, complaint 19).
func (n Need) Falls() Date {
	by := n.Submitted.AddDays(n.Horizon)
	if n.Expires.IsZero() || n.Expires.After(by) {
		return by
	}
	return n.Expires
}

// Expired reports whether the company's certificate has expired by a day.
func (n Need) Expired(day Date) bool { return !n.Expires.IsZero() && n.Expires.Before(day) }

// Compare orders needs on a day: companies whose certificate has expired first of
// all, then by the day on which they fall due, then by the age of the submission,
// then by case.
func (n Need) Compare(other Need, day Date) int {
	expired := func(n Need) int {
		if n.Expired(day) {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(expired(n), expired(other)), n.Falls().Compare(other.Falls()),
		n.Since.Compare(other.Since), cmp.Compare(n.CaseID, other.CaseID))
}

// Why says in words where a need stands on a day.
func (n Need) Why(day Date) string {
	switch {
	case n.Expired(day):
		return "certificate expired on " + n.Expires.Long()
	case n.Falls() == n.Expires:
		return "certificate expires on " + n.Expires.Long()
	case !n.Expires.IsZero():
		return "submitted on " + n.Submitted.Long() + "; certificate good until " + n.Expires.Long()
	case n.Unknown:
		return "submitted on " + n.Submitted.Long() + "; expiry of its certificate not on file"
	default:
		return "submitted on " + n.Submitted.Long() + "; no certificate"
	}
}

// Pick is whom a plan gives an audit to, and how it came about.
type Pick struct {
	CaseID   CaseID
	Reviewer Reviewer         // ID 0: nobody can take it now
	Reason   string           // "least load: 2 of 8"; why nobody can, where nobody can
	Rejected map[int64]string // reviewer id: why not; of who is active
	Seen     []Reviewer       // who was looked at, as they stood then
	Stuck    bool             // nobody can ever take it as things stand: no leave ends and no review that would help
}

// Plan goes through a queue in order of need and gives each audit its best
// reviewer on a day, with loads rising as it goes. It returns one pick for each
// need, in that order; a need that nobody can take stands in no other's way.
//
// Able is who is active, has a role and capacity for one more full audit, is
// neither away nor in conflict, and has not judged or handed back the audit
// before. Of those it is who returned it to be done again, else who has the least
// load in proportion to capacity, then whose last assignment is longest ago, then
// the lowest id. What the plan itself gives counts as full audits, so that an
// older need never goes without a reviewer whom a younger one gets, and another
// reviewer never leaves more audits waiting.
//
// Plan does not depend on the order of its arguments.
func Plan(needs []Need, roster []Reviewer, day Date) []Pick {
	s := newSeats(roster, day)
	picks := make([]Pick, 0, len(needs))
	for _, n := range inOrder(needs, day) {
		pick := Pick{CaseID: n.CaseID}
		if i := s.best(n); i >= 0 {
			pick.Reviewer, pick.Reason = s.roster[i], s.reason(n, i)
			s.give(n, i)
		}
		picks = append(picks, pick)
	}
	return picks
}

func inOrder(needs []Need, day Date) []Need {
	sorted := slices.Clone(needs)
	slices.SortFunc(sorted, func(a, b Need) int { return a.Compare(b, day) })
	return sorted
}

// planOne is the plan's pick for one need of a queue, with every candidate.
func planOne(needs []Need, own CaseID, roster []Reviewer, days ...Date) Pick {
	s := newSeats(roster, days...)
	for _, n := range inOrder(needs, days[0]) {
		i := s.best(n)
		if n.CaseID == own {
			return s.explain(n, i)
		}
		if i >= 0 {
			s.give(n, i)
		}
	}
	return Pick{}
}

// bar is what keeps a reviewer from an audit; "" is nothing.
type bar string

const (
	barActive   bar = "is not active"
	barRole     bar = "has no role"
	barCapacity bar = "has no capacity"
	barAway     bar = "is away"
	barJudged   bar = "reviewed it before"
	barAvoid    bar = "had it before"
	barConflict bar = "has a conflict of interest"
	barFull     bar = "is full"
)

// passes reports a bar that time or another review's end takes away.
func (b bar) passes() bool { return b == barAway || b == barFull }

// seats are the reviewers while a plan is made.
type seats struct {
	days   []Date
	roster []Reviewer
	out    []bar      // what keeps each from every audit
	given  [][]CaseID // by the plan so far
}

func newSeats(roster []Reviewer, days ...Date) *seats {
	s := &seats{days: days, roster: slices.Clone(roster), given: make([][]CaseID, len(roster))}
	slices.SortFunc(s.roster, func(a, b Reviewer) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range s.roster {
		s.out = append(s.out, outside(r, days))
	}
	return s
}

func outside(r Reviewer, days []Date) bar {
	switch {
	case !r.Active:
		return barActive
	case !slices.Contains(Roles(), r.Role):
		return barRole
	case r.Capacity < 1:
		return barCapacity
	case slices.ContainsFunc(days, r.AwayOn):
		return barAway
	default:
		return ""
	}
}

// bars returns what keeps the i-th reviewer from an audit.
func (s *seats) bars(n Need, i int) bar {
	r := s.roster[i]
	switch {
	case s.out[i] != "" && !s.out[i].passes():
		return s.out[i]
	case slices.Contains(n.Judges, r.ID):
		return barJudged
	case slices.ContainsFunc(s.days, func(day Date) bool { return inConflict(r.ID, n.Conflicts, day) }):
		return barConflict
	case r.ID == n.Avoid:
		return barAvoid
	case s.out[i] != "":
		return s.out[i]
	case s.load(i)+FullEffort > Effort(r.Capacity)*FullEffort:
		return barFull
	default:
		return ""
	}
}

func (s *seats) load(i int) Effort { return s.roster[i].Load + Effort(len(s.given[i]))*FullEffort }

// best returns the index of the best reviewer for an audit, -1 when nobody can
// take it.
func (s *seats) best(n Need) int {
	best := -1
	for i := range s.roster {
		if s.bars(n, i) == "" && (best < 0 || s.better(n, i, best)) {
			best = i
		}
	}
	return best
}

func (s *seats) better(n Need, i, j int) bool {
	a, b := s.roster[i], s.roster[j]
	if n.Prefer != 0 && (a.ID == n.Prefer || b.ID == n.Prefer) {
		return a.ID == n.Prefer
	}
	return cmp.Or(
		cmp.Compare(s.load(i)*Effort(b.Capacity), s.load(j)*Effort(a.Capacity)),
		a.LastAssigned.Compare(b.LastAssigned),
		cmp.Compare(a.ID, b.ID)) < 0
}

func (s *seats) give(n Need, i int) { s.given[i] = append(s.given[i], n.CaseID) }

func (s *seats) reason(n Need, i int) string {
	if s.roster[i].ID == n.Prefer {
		return "returned it to be done again"
	}
	return "least load: " + s.holds(i)
}

// holds says how full somebody is, with what the plan has given already.
func (s *seats) holds(i int) string {
	return fmt.Sprintf("%s of %d", s.load(i), s.roster[i].Capacity)
}

// explain returns the pick of the i-th reviewer for an audit, -1 for nobody, with
// what speaks against every other one. Who has left is not named.
func (s *seats) explain(n Need, i int) Pick {
	pick := Pick{CaseID: n.CaseID, Rejected: map[int64]string{}, Stuck: true}
	if i >= 0 {
		pick.Reviewer, pick.Reason = s.roster[i], s.reason(n, i)
	}
	for j, r := range s.roster {
		b := s.bars(n, j)
		pick.Stuck = pick.Stuck && b != "" && !b.passes()
		if b == barActive {
			continue
		}
		pick.Seen = append(pick.Seen, r)
		if j != i {
			pick.Rejected[r.ID] = s.against(b, j)
		}
	}
	if i < 0 {
		pick.Reason = "nobody can take it now"
		if pick.Stuck {
			pick.Reason = "nobody on the roster can take it"
		}
	}
	return pick
}

func (s *seats) against(b bar, j int) string {
	switch {
	case b == "":
		return "holds " + s.holds(j)
	case b == barFull && len(s.given[j]) > 0:
		return "is taken by cases before it: " + caseWords(s.given[j])
	case b == barFull:
		return "is full: holds " + s.holds(j)
	default:
		return string(b)
	}
}

func caseWords(ids []CaseID) string {
	const most = 5
	var words []string
	for _, id := range ids[:min(len(ids), most)] {
		words = append(words, strconv.FormatInt(int64(id), 10))
	}
	if len(ids) > most {
		words = append(words, fmt.Sprintf("%d more", len(ids)-most))
	}
	return strings.Join(words, ", ")
}

// sentence lists by name why each of the rejected is not chosen.
func (p Pick) sentence() string {
	var reasons []string
	for _, r := range p.Seen {
		if why := p.Rejected[r.ID]; why != "" {
			reasons = append(reasons, r.Name+" "+why)
		}
	}
	return cmp.Or(strings.Join(reasons, ", "), "nobody is on the roster")
}

// facts are what an event keeps of a pick: ids and numbers, never names.
func (p Pick) facts() facts {
	data := facts{"why": p.Reason}
	if p.Reviewer.ID != 0 {
		data["reviewer"] = strconv.FormatInt(p.Reviewer.ID, 10)
	}
	for id, why := range p.Rejected {
		data[fmt.Sprintf("not_%d", id)] = why
	}
	for _, r := range p.Seen {
		data[fmt.Sprintf("seen_%d", r.ID)] = newCandidate(r).fact()
	}
	return data
}
