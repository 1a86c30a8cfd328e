package secor

import (
	"slices"
	"time"
)

// ClockEntryKind is one word of a clock's ledger.
type ClockEntryKind string

const (
	ClockStarted  ClockEntryKind = "started"
	ClockPaused   ClockEntryKind = "paused"   // the time belongs to Party until resumed
	ClockResumed  ClockEntryKind = "resumed"  // the time belongs to the policy's party again
	ClockReached  ClockEntryKind = "reached"  // the desk acted on Level, before the breach or after it
	ClockBreached ClockEntryKind = "breached" // the desk acted on the policy's breach
	ClockMet      ClockEntryKind = "met"      // the promise was kept or, after a breach, done late
	ClockStopped  ClockEntryKind = "stopped"  // the promise fell away
)

// ClockEntry is one line of the ledger. Entries are only ever added.
type ClockEntry struct {
	Kind     ClockEntryKind
	At       time.Time // when it happened; clocks count by this
	Recorded time.Time // when the desk learned of it
	Party    Party     // of ClockPaused
	Level    string    // of ClockReached and ClockBreached
	Reason   string
}

// Clock is one cycle of one policy on one case. The policy is the copy that was
// frozen when the cycle began, so that a later edition cannot move its deadline.
//
// Each level's instant is a function of the ledger, the policy and the calendar
// of the policy's party, and of nothing else. With N the level's AfterDays:
//
//   - end of day: the day on which the clock started never counts, whatever the
//     hour, also when it is a closed day. The allowance is N whole working days
//     (business) or N days (calendar), the day after it being the first that may
//     count, and ends at the close (business) or the midnight of the last.
//   - instant: N working days' worth of working time after the start (business),
//     or the same time of day N days later (calendar).
//   - N = 0 is the start itself.
//
// A pause gives back the time of that calendar which it covered: working time
// for business, elapsed time for calendar days. It is measured and never counted
// in days, so that cutting it in two changes nothing, and a pause on the day of
// the start or on closed days gives nothing back. An end-of-day level then ends
// with the first day by whose close the allowance has passed and at whose close
// the clock is not paused; a pause that begins later cannot move it.
type Clock struct {
	ID       int64
	Policy   Policy
	Cycle    int    // 1, 2, … per case and policy
	Calendar string // of the policy's party
	ZoneData string // release of the zone rules under which it began
	Entries  []ClockEntry
}

// Phase is what a clock is doing; "" before it started.
type Phase string

const (
	PhaseRunning  Phase = "running"
	PhasePaused   Phase = "paused"
	PhaseFinished Phase = "finished" // met or stopped
)

// clockTakes lists which entries a clock takes in each phase.
var clockTakes = map[Phase][]ClockEntryKind{
	"":           {ClockStarted},
	PhaseRunning: {ClockPaused, ClockReached, ClockBreached, ClockMet, ClockStopped},
	PhasePaused:  {ClockResumed, ClockMet, ClockStopped},
}

// Append returns the clock with one more entry and leaves c as it is. What
// changes the phase may be dated back, but not behind the change before it;
// ClockReached and ClockBreached say what the desk did and stand in nobody's way,
// so that a cheque of Friday can still be entered after Friday's breach. An entry
// that the ledger cannot take is an ErrLedger refusal that says what stands.
func (c Clock) Append(e ClockEntry) (Clock, error) {
	for _, check := range []func(ClockEntry) error{c.checkKind, c.checkTimes, c.checkParty, c.checkLevel} {
		err := check(e)
		if err != nil {
			return Clock{}, err
		}
	}
	c.Entries = append(slices.Clip(c.Entries), e)
	return c, nil
}

func (c Clock) checkKind(e ClockEntry) error {
	takes := clockTakes[c.Phase()]
	if slices.Contains(takes, e.Kind) {
		return nil
	}
	words := make([]string, len(takes))
	for i, kind := range takes {
		words[i] = string(kind)
	}
	do := "it can now be " + joinOr(words)
	if len(takes) == 0 {
		do = "a reopen begins a new cycle"
	}
	return refuse(ErrLedger, do, "the clock of %s %s and cannot be %s", c.Policy.Name, c.standing(), e.Kind)
}

func (c Clock) standing() string {
	turn, ok := c.turn()
	switch {
	case !ok:
		return "has not started"
	case turn.Kind == ClockPaused:
		return "has been paused for the " + string(turn.Party) + " since " + stamp(turn.At)
	case c.Phase() == PhaseRunning:
		return "has been running since " + stamp(turn.At)
	default:
		return "was " + string(turn.Kind) + " on " + stamp(turn.At)
	}
}

func stamp(t time.Time) string { return t.Format("2 January 2006 15:04:05 MST") }

func (c Clock) checkTimes(e ClockEntry) error {
	if e.At.IsZero() || e.Recorded.IsZero() {
		return refuse(ErrLedger, "", "an entry of a clock needs both the time at which it happened and the time at which it was recorded")
	}
	if e.At.After(e.Recorded) {
		return refuse(ErrLedger, "give a time that is not in the future", "%s at %s would be later than now, %s",
			e.Kind, stamp(e.At), stamp(e.Recorded))
	}
	turn, ok := c.turn()
	if !ok {
		return nil
	}
	if last := c.Entries[len(c.Entries)-1]; e.Recorded.Before(last.Recorded) {
		return refuse(ErrLedger, "", "%s cannot be recorded at %s: the entry before it was recorded at %s",
			e.Kind, stamp(e.Recorded), stamp(last.Recorded))
	}
	if e.Kind.marks() {
		turn = c.Entries[0]
	}
	if e.At.Before(turn.At) {
		return refuse(ErrLedger, "give that time or a later one", "%s at %s is before the clock was %s at %s",
			e.Kind, stamp(e.At), turn.Kind, stamp(turn.At))
	}
	return nil
}

func (c Clock) checkParty(e ClockEntry) error {
	if e.Kind != ClockPaused || slices.Contains(Parties(), e.Party) {
		return nil
	}
	return refuse(ErrLedger, "name office, company or body", "a pause needs the party whose time it is, not %q", e.Party)
}

func (c Clock) checkLevel(e ClockEntry) error {
	if !e.Kind.marks() {
		return nil
	}
	i := c.level(e.Level)
	switch {
	case i < 0:
		return refuse(ErrLedger, "", "the policy %s has no level %q", c.Policy.Name, e.Level)
	case (e.Kind == ClockBreached) != (e.Level == c.Policy.Breach().Name):
		return refuse(ErrLedger, "", "the level %q of %s cannot be %s: the breach is breached, the others are reached",
			e.Level, c.Policy.Name, e.Kind)
	case i < c.acted():
		return refuse(ErrLedger, "", "the level %q of %s was acted on before or is passed", e.Level, c.Policy.Name)
	}
	return nil
}

// marks reports whether an entry only marks that the desk acted on a level.
func (k ClockEntryKind) marks() bool { return k == ClockReached || k == ClockBreached }

// turn returns the entry that put the clock into its phase.
func (c Clock) turn() (ClockEntry, bool) {
	for _, e := range slices.Backward(c.Entries) {
		if !e.Kind.marks() {
			return e, true
		}
	}
	return ClockEntry{}, false
}

func (c Clock) level(name string) int {
	return slices.IndexFunc(c.Policy.Levels, func(l Level) bool { return l.Name == name })
}

// acted returns how many levels are behind the clock, up to the last acted on.
func (c Clock) acted() int {
	acted := 0
	for _, e := range c.Entries {
		if e.Kind.marks() {
			acted = max(acted, c.level(e.Level)+1)
		}
	}
	return acted
}

// Phase returns what the clock is doing after its last entry.
func (c Clock) Phase() Phase {
	turn, _ := c.turn()
	switch turn.Kind {
	case ClockStarted, ClockResumed:
		return PhaseRunning
	case ClockPaused:
		return PhasePaused
	case ClockMet, ClockStopped:
		return PhaseFinished
	default:
		return ""
	}
}

// Party returns whose time runs now: the policy's party, the pause's while the
// clock is paused, "" when it has not started or is finished.
func (c Clock) Party() Party {
	turn, _ := c.turn()
	switch c.Phase() {
	case PhaseRunning:
		return c.Policy.Party
	case PhasePaused:
		return turn.Party
	default:
		return ""
	}
}

// Due returns the instant of the policy's breach, in the calendar's zone:
// the promise is kept by what happens before it or at it. There is none, and the
// second result is false, while the clock is paused and when it is finished.
func (c Clock) Due(cal *Calendar) (time.Time, bool) {
	return c.LevelDue(cal, c.Policy.Breach())
}

// LevelDue returns the instant of one level, as Due does of the breach.
func (c Clock) LevelDue(cal *Calendar, level Level) (time.Time, bool) {
	if c.Phase() != PhaseRunning {
		return time.Time{}, false
	}
	return c.reaches(cal, level, c.stretches())
}

// Next returns the first level that is neither acted on nor passed by one that
// is, and its instant, which may lie in the past. It is false where LevelDue is,
// and when the last level was acted on.
func (c Clock) Next(cal *Calendar) (Level, time.Time, bool) {
	acted := c.acted()
	if acted >= len(c.Policy.Levels) {
		return Level{}, time.Time{}, false
	}
	level := c.Policy.Levels[acted]
	due, ok := c.LevelDue(cal, level)
	return level, due, ok
}

// stands reports whether a level is the last that was acted on and is due at now,
// as the ledger has it: also while the clock is paused, when the pause came later.
func (c Clock) stands(cal *Calendar, name string, now time.Time) bool {
	i := c.level(name)
	if i < 0 || c.acted() != i+1 {
		return false
	}
	due, ok := c.reaches(cal, c.Policy.Levels[i], c.stretches())
	return ok && !due.After(now)
}

// Promised returns what Due was when the clock finished, for display: the instant
// that it would have had, had it run on from there. Of a clock that is not
// finished it is Due.
func (c Clock) Promised(cal *Calendar) (time.Time, bool) {
	turn, _ := c.turn()
	if c.Phase() != PhaseFinished {
		return c.Due(cal)
	}
	return c.reaches(cal, c.Policy.Breach(), append(c.stretches(), stretch{party: c.Policy.Party, runs: true, from: turn.At}))
}

// Late returns how long after its due instant the clock was finished or, as long
// as it is not, now is: 0 when it is not late. What counts is when it happened,
// not when it was recorded. A pause that began after the due instant does not
// undo that.
func (c Clock) Late(cal *Calendar, now time.Time) time.Duration {
	due, ok := c.reaches(cal, c.Policy.Breach(), c.stretches())
	if !ok {
		return 0
	}
	return max(0, c.until(now).Sub(due))
}

// Spent returns the time that each party has used from the start to the end, or
// to now where that is earlier: elapsed time, day and night. The sum is all of it.
func (c Clock) Spent(now time.Time) map[Party]time.Duration {
	spent := map[Party]time.Duration{}
	until := c.until(now)
	for _, s := range c.stretches() {
		if s.from.Before(until) {
			spent[s.party] += s.end(until).Sub(s.from)
		}
	}
	return spent
}

// KnownAt returns the clock as it stood in the desk's books at t: with the
// entries that were recorded at or before it.
func (c Clock) KnownAt(t time.Time) Clock {
	c.Entries = slices.DeleteFunc(slices.Clone(c.Entries), func(e ClockEntry) bool { return e.Recorded.After(t) })
	return c
}

// until returns the earlier of now and the clock's end.
func (c Clock) until(now time.Time) time.Time {
	turn, _ := c.turn()
	if c.Phase() == PhaseFinished {
		return earlier(turn.At, now)
	}
	return now
}

// stretch is a run of one party's time.
type stretch struct {
	party    Party
	runs     bool      // false: a pause
	from, to time.Time // a zero to: it goes on
}

func (s stretch) end(until time.Time) time.Time {
	if s.to.IsZero() {
		return until
	}
	return earlier(s.to, until)
}

// stretches cuts the clock's life into its running and its paused time.
func (c Clock) stretches() []stretch {
	var cut []stretch
	for _, e := range c.Entries {
		if e.Kind.marks() {
			continue
		}
		if len(cut) > 0 {
			cut[len(cut)-1].to = e.At
		}
		switch e.Kind {
		case ClockStarted, ClockResumed:
			cut = append(cut, stretch{party: c.Policy.Party, runs: true, from: e.At})
		case ClockPaused:
			cut = append(cut, stretch{party: e.Party, from: e.At})
		}
	}
	return cut
}

// reaches returns the instant at which a clock with such a life comes to a
// level; false when it is paused or ends before.
func (c Clock) reaches(cal *Calendar, level Level, life []stretch) (time.Time, bool) {
	if len(life) == 0 {
		return time.Time{}, false
	}
	if level.AfterDays <= 0 {
		return life[0].from.In(cal.Zone), true
	}
	days := &almanac{Calendar: cal}
	if c.Policy.Unit == UnitCalendar {
		days.Calendar = everyDay(cal.Zone)
	}
	counts, left := c.allowance(days, life[0].from, level.AfterDays)
	for _, s := range life {
		if !s.runs {
			continue
		}
		from := later(s.from, counts)
		open := days.open(from, s.to)
		if !s.to.IsZero() && open < left {
			left -= open
			continue
		}
		at := days.add(from, left)
		if c.Policy.Ends == EndsEndOfDay {
			at = days.closeAt(from, at)
		}
		if s.to.IsZero() || !at.After(s.to) {
			return at, true
		}
		left = 0 // used up, but paused again before the day closed
	}
	return time.Time{}, false
}

// allowance returns the instant from which a clock that started at start counts,
// and how much of the time of its days n of them are.
func (c Clock) allowance(days *almanac, start time.Time, n int) (time.Time, time.Duration) {
	start = start.In(days.Zone)
	day := DateOf(start, days.Zone)
	switch {
	case c.Policy.Ends == EndsEndOfDay:
		next := day.AddDays(1)
		return wallTime(next, 0, days.Zone), days.wholeDays(next, n)
	case c.Policy.Unit == UnitCalendar:
		return start, wallTime(day.AddDays(n), timeOfDay(start), days.Zone).Sub(start)
	default:
		return start, time.Duration(n) * (days.Closes - days.Opens)
	}
}
