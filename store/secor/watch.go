package secor

import (
	"strconv"
	"time"
)

// Watch is one cycle of a clock as a screen or a letter tells it.
type Watch struct {
	Clock
	Since time.Time // when it began
	Until time.Time // when the promise ends, or ended; zero while that is unknown, because the clock is paused
	Level string    // the last level that the desk acted on; "" for none
	Next  Level     // the level on which it acts next; its name is "" when there is none
	At    time.Time // when it does
	Tells Audience  // who is told then; "" for nobody
}

// Words says an audience to a person: "the leads".
func (a Audience) Words() string {
	switch a {
	case AudienceHolder:
		return "who holds the case"
	case AudienceAdmins:
		return "the administrators"
	default:
		return "the " + string(a)
	}
}

// ActsForHolder returns who is there to act on the case today: who holds it or,
// while that person is on leave, the stand-in, unless in conflict with the company;
// 0 when nobody is.
func (f *File) ActsForHolder() int64 {
	holder, found := f.reviewer(f.Case.Holder)
	if !found || !holder.Active {
		return 0
	}
	leave, away := holder.LeaveOn(f.Today())
	if !away {
		return holder.ID
	}
	standIn, found := f.reviewer(leave.StandIn)
	if !found || !standIn.Active || standIn.AwayOn(f.Today()) || f.conflicted(standIn.ID) != nil {
		return 0
	}
	return standIn.ID
}

// Watch returns where a clock of the case stands. Instants are in its calendar's zone.
func (f *File) Watch(c Clock) Watch {
	w := Watch{Clock: c}
	cal := f.Programme.Calendars[c.Calendar]
	if len(c.Entries) > 0 {
		w.Since = c.Entries[0].At.In(cal.Zone)
	}
	w.Until, _ = c.Promised(cal)
	if acted := c.acted(); acted > 0 {
		w.Level = c.Policy.Levels[acted-1].Name
	}
	next, at, ok := f.NextDue(c)
	if !ok {
		return w
	}
	w.Next, w.At = next, at
	for _, follow := range Follows(next.Raises) {
		w.Tells = follow.Audience
	}
	return w
}

// WatchOf returns the clock of which an event tells; false when it tells of none.
func (f *File) WatchOf(cause Event) (Watch, bool) {
	for _, c := range f.Clocks {
		if c.Policy.Name == cause.Facts["policy"] && strconv.Itoa(c.Cycle) == cause.Facts["cycle"] {
			return f.Watch(c), true
		}
	}
	return Watch{}, false
}

// Unanswered returns the clock of a question or a revision that the company has
// let pass; false when there is none. Closing the case is then offered to a person
// and never done by the desk.
func (f *File) Unanswered() (Watch, bool) {
	for _, c := range f.Clocks {
		due, runs := c.Due(f.Programme.Calendars[c.Calendar])
		if runs && c.Policy.Breach().Raises == EventAnswerOverdue && !due.After(f.Now()) {
			return f.Watch(c), true
		}
	}
	return Watch{}, false
}

// RemindsAgain reports whether the company is reminded once more before its time
// is over.
func (w Watch) RemindsAgain() bool {
	return w.Next.Raises == EventAnswerReminder || w.Next.Raises == EventRevisionReminder
}
