package jobs

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Misfire says what becomes of a schedule's ticks that nobody recorded when they
// came, because no clock process ran.
type Misfire string

const (
	Latest Misfire = "latest" // the newest is recorded, the others are passed over
	All    Misfire = "all"    // every one is recorded, or the newest of them up to the schedule's bound
	Skip   Misfire = "skip"   // none is recorded
)

// Schedule has one job done at each of its ticks, which are instants of programme
// time. Any number of clock processes record them, and each is recorded once.
type Schedule struct {
	Name    string  // stands in the keys of its jobs, so it is never given to another
	Does    string  // for people: "purge what ended long ago"
	Spec    string  // as ParseTimetable reads it, in the office's zone
	Misfire Misfire // of a tick that was missed
	Most    int     // of All: how many ticks are recorded at once; 0: 100
	Kind    secor.JobKind
}

// scheduleName is what a schedule may be called.
var scheduleName = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// mostMissed is the bound of a schedule that names none.
const mostMissed = 100

// Schedules returns the schedules of every family.
func Schedules() []Schedule { return slices.Concat(upkeepSchedules(), certificateSchedules()) }

// Check reports a schedule by which nothing could be recorded.
func (s Schedule) Check() error {
	_, err := s.plan(time.UTC)
	return err
}

// plan is a schedule that a clock goes by.
type plan struct {
	Schedule
	table *Timetable
	next  time.Time // its earliest tick that may not be settled yet; zero: unknown
}

func (s Schedule) plan(zone *time.Location) (*plan, error) {
	table, err := ParseTimetable(s.Spec, zone)
	switch {
	case err != nil:
		return nil, fmt.Errorf("schedule %s: %w", s.Name, err)
	case !scheduleName.MatchString(s.Name):
		return nil, fmt.Errorf("schedule %q of %s is not called by small letters and underscores", s.Name, s.Kind)
	case s.Does == "":
		return nil, fmt.Errorf("schedule %s does not say what it does", s.Name)
	case !slices.Contains([]Misfire{Latest, All, Skip}, s.Misfire):
		return nil, fmt.Errorf("schedule %s has no misfire policy %q", s.Name, s.Misfire)
	case s.Most < 0:
		return nil, fmt.Errorf("schedule %s: the bound %d is negative", s.Name, s.Most)
	}
	switch s.Misfire {
	case Latest:
		s.Most = 1
	case All:
		s.Most = cmp.Or(s.Most, mostMissed)
	case Skip:
		s.Most = math.MaxInt // of those that were not missed
	}
	return &plan{Schedule: s, table: table}, nil
}

// owed is what a schedule has to make up for at one moment.
type owed struct {
	ticks   []time.Time // to record, ascending
	passed  int         // ticks that nobody will ever record
	settled time.Time   // no tick until then is owed any more
}

// owed returns what is due at now and not settled. A tick that is older than
// prompt was missed. Where another spec is in force, that one says what was due
// until now, and this one counts from now on.
func (p *plan) owed(kept promise.Schedule, now time.Time, prompt time.Duration) owed {
	o := owed{settled: kept.Settled}
	table := p.table
	if kept.Spec != p.Spec {
		var err error
		table, err = ParseTimetable(kept.Spec, p.table.zone)
		if err != nil { // of a release that knows more; it takes its own ticks
			table = nil
		}
	}
	if table != nil {
		p.collect(&o, table, now, prompt)
	}
	if kept.Spec != p.Spec && now.After(o.settled) {
		o.settled = now
	}
	return o
}

func (p *plan) collect(o *owed, table *Timetable, now time.Time, prompt time.Duration) {
	for at := table.Next(o.settled); !at.After(now); at = table.Next(at) {
		o.settled = at
		if p.Misfire == Skip && now.Sub(at) > prompt {
			o.passed++
			continue
		}
		o.ticks = append(o.ticks, at)
		if len(o.ticks) > p.Most {
			o.ticks = o.ticks[1:]
			o.passed++
		}
	}
}
