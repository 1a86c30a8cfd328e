package secor

import (
	"slices"
	"strconv"
	"time"
)

// clockRule says what a subject's states do to one policy's clock. States that
// are in none of the four lists leave it alone.
type clockRule struct {
	policy  string
	subject Subject
	runs    []State
	pauses  map[State]Party
	meets   []State
	stops   []State
}

var clockRules = []clockRule{
	{
		policy: "request_review", subject: SubjectRequest,
		runs:   []State{StateReceived, StateInReview},
		pauses: map[State]Party{StateQueried: PartyCompany},
		meets:  []State{StateApproved, StateRejected, StateNotRequired},
		stops:  []State{StateNoAnswer, StateWithdrawn},
	},
	{
		policy: "registration_review", subject: SubjectAudit,
		runs:   []State{StateRegistrationReview},
		pauses: map[State]Party{StateRegistrationQueried: PartyCompany},
		meets:  []State{StateOpen},
		stops:  []State{StateCancelled, StateWithdrawn, StateNoAnswer},
	},
	{
		policy: PolicyAnswer, subject: SubjectRequest,
		runs:  []State{StateQueried},
		meets: []State{StateInReview},
		stops: []State{StateNoAnswer, StateWithdrawn},
	},
	{
		policy: PolicyAnswer, subject: SubjectAudit,
		runs:  []State{StateRegistrationQueried},
		meets: []State{StateRegistrationReview},
		stops: []State{StateCancelled, StateWithdrawn, StateNoAnswer},
	},
	{
		policy: "qa_assignment", subject: SubjectAudit,
		runs:  []State{StateSubmitted},
		meets: []State{StateInQA},
		stops: []State{StateOpen, StateWithdrawn},
	},
	{
		policy: PolicyRevision, subject: SubjectAudit,
		runs:  []State{StateRevision},
		meets: []State{StateInQA, StateSubmitted},
		stops: []State{StateWithdrawn, StateNoAnswer},
	},
	{
		policy: "qa_review", subject: SubjectAudit,
		runs:   []State{StateSubmitted, StateInQA},
		pauses: map[State]Party{StateRevision: PartyCompany},
		meets:  []State{StateQAComplete, StateNotReviewed},
		stops:  []State{StateOpen, StateWithdrawn, StateNoAnswer},
	},
	{
		policy: PolicyInvoice, subject: SubjectInvoice,
		runs:  []State{StateSent},
		meets: []State{StatePaid},
		stops: []State{StateVoid},
	},
	// Started by the promise.
	{policy: PolicyPromise, subject: SubjectInvoice, meets: []State{StatePaid}, stops: []State{StateVoid}},
	// Both are started by the pass and its notice, not by a state.
	{policy: PolicyNotification, subject: SubjectAudit, stops: []State{StateInQA}},
	{
		policy: PolicyCertificate, subject: SubjectCertificate,
		meets: []State{StateMailed, StateElectronic},
		stops: []State{StateRevoked},
	},
}

// Policies that the rules name themselves.
const (
	PolicyInvoice      = "invoice_payment"
	PolicyPromise      = "promise_to_pay"  // its breach says how far ahead a promise can be
	PolicyAnswer       = "employer_answer" // the company's time to answer a question
	PolicyReview       = "qa_review"       // the weeks that a review takes
	PolicyRevision     = "revision"        // the company's time to revise its submission
	PolicyNotification = "notification"    // one business day from a pass to its notice
	PolicyCertificate  = "certificate"     // ten days from the notice to the certificate in the post
)

// clocksFollow writes what a subject's new state means into the ledgers.
func (f *File) clocksFollow(subject Subject, to State) error {
	for _, rule := range clockRules {
		if rule.subject != subject {
			continue
		}
		err := f.clockFollows(rule, to)
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *File) clockFollows(rule clockRule, to State) error {
	phase := f.phase(rule.policy)
	party, pauses := rule.pauses[to]
	switch {
	case slices.Contains(rule.runs, to) && phase == PhaseFinished:
		return f.startClock(rule.policy, f.act.at(f.now))
	case slices.Contains(rule.runs, to) && phase == PhasePaused:
		return f.clockEntry(rule.policy, ClockEntry{Kind: ClockResumed})
	case phase == PhaseFinished:
		return nil
	case pauses && phase == PhaseRunning:
		return f.clockEntry(rule.policy, ClockEntry{Kind: ClockPaused, Party: party})
	case slices.Contains(rule.meets, to):
		return f.clockEntry(rule.policy, ClockEntry{Kind: ClockMet})
	case slices.Contains(rule.stops, to):
		return f.clockEntry(rule.policy, ClockEntry{Kind: ClockStopped, Reason: to.Words()})
	}
	return nil
}

// phase returns the phase of the policy's latest cycle; finished when it never ran.
func (f *File) phase(policy string) Phase {
	i := f.cycle(policy)
	if i < 0 {
		return PhaseFinished
	}
	return f.Clocks[i].Phase()
}

// cycle returns the index of the policy's latest cycle, -1 when there is none.
func (f *File) cycle(policy string) int {
	for i := len(f.Clocks) - 1; i >= 0; i-- {
		if f.Clocks[i].Policy.Name == policy {
			return i
		}
	}
	return -1
}

// startClock opens a new cycle. A policy that the case's edition does not have
// is not counted.
func (f *File) startClock(policy string, at time.Time) error {
	p, ok := f.Edition.Policy(policy)
	if !ok {
		return nil
	}
	return f.startCycle(p, at)
}

// startCycle opens a new cycle of a policy as it is given, and freezes it so.
func (f *File) startCycle(p Policy, at time.Time) error {
	clock, err := f.newCycle(p, at)
	if err != nil {
		return err
	}
	f.Clocks = append(f.Clocks, clock)
	return nil
}

// newCycle returns the next cycle of a policy, started.
func (f *File) newCycle(p Policy, at time.Time) (Clock, error) {
	cycle := 1
	if i := f.cycle(p.Name); i >= 0 {
		cycle = f.Clocks[i].Cycle + 1
	}
	name := f.calendarOf(p.Party)
	clock := Clock{Policy: p, Cycle: cycle, Calendar: name, ZoneData: f.Programme.Calendars[name].ZoneData}
	return clock.Append(ClockEntry{Kind: ClockStarted, At: at, Recorded: f.now, Reason: f.act.Reason})
}

func (f *File) clockEntry(policy string, e ClockEntry) error {
	i := f.cycle(policy)
	if i < 0 {
		return nil
	}
	e.At, e.Recorded = f.act.at(f.now), f.now
	// What came before cannot follow: a step dated back behind the last turn of
	// the clock counts from that turn.
	for _, earlier := range f.Clocks[i].Entries {
		acted := earlier.Kind == ClockReached || earlier.Kind == ClockBreached
		if !acted && e.At.Before(earlier.At) {
			e.At = earlier.At
		}
	}
	clock, err := f.Clocks[i].Append(e)
	if err != nil {
		return err
	}
	f.Clocks[i] = clock
	return nil
}

func (f *File) calendarOf(party Party) string {
	switch {
	case party == PartyCompany && f.Programme.Calendars[f.Company.Province] != nil:
		return f.Company.Province
	case party == PartyBody && f.Programme.Calendars[f.Body.Province] != nil:
		return f.Body.Province
	default:
		return f.Programme.Office
	}
}

// NextDue returns the next level of a clock on which the desk has to act and
// its instant; false while the clock is paused, finished or fully acted on.
func (f *File) NextDue(c Clock) (Level, time.Time, bool) {
	return c.Next(f.Programme.Calendars[c.Calendar])
}

// ReachLevels acts on every level of every running clock that is due at or
// before now: one ledger entry and one event each. It reports how many. A level
// acted on before is not acted on again, so running it twice changes nothing.
func (f *File) ReachLevels() (int, error) {
	reached := 0
	for i := range f.Clocks {
		for {
			level, due, ok := f.NextDue(f.Clocks[i])
			if !ok || due.After(f.now) {
				break
			}
			err := f.reach(i, level)
			if err != nil {
				return reached, err
			}
			reached++
		}
	}
	return reached, nil
}

func (f *File) reach(i int, level Level) error {
	c := f.Clocks[i]
	kind := ClockReached
	if level.Name == c.Policy.Breach().Name {
		kind = ClockBreached
	}
	clock, err := c.Append(ClockEntry{Kind: kind, At: f.now, Recorded: f.now, Level: level.Name})
	if err != nil {
		return err
	}
	f.Clocks[i] = clock
	f.record(level.Raises, "", facts{"policy": c.Policy.Name, "cycle": strconv.Itoa(c.Cycle), "level": level.Name,
		"holder": strconv.FormatInt(f.Case.Holder, 10)})
	if c.Policy.Name == PolicyPromise && kind == ClockBreached {
		f.record(EventPromiseBroken, "", facts{"cycle": strconv.Itoa(c.Cycle)})
	}
	return nil
}
