package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Timetable is the instants of a spec in a zone. It is a pure function of both:
// whoever asks, and whenever, is told the same instants.
//
// Dates and hours are read off the zone's clocks. Where they are put forward over
// a time, its tick is at that moment; where they are put back and show a time
// twice, the tick is at the first. A spec for every hour of the day goes by the
// hours as they pass, so that no hour of such a night is left out or lasts two.
type Timetable struct {
	zone   *time.Location
	every  time.Duration      // of @every; else 0
	wall   *cron.SpecSchedule // what the clocks show, as if in UTC
	hourly bool               // in every hour of its days
}

// allHours are the bits of an hour field that leaves none out.
const allHours = 1<<24 - 1

// ParseTimetable reads a spec: minute, hour, day of month, month and day of week
// as cron has them, or @hourly, @daily, @weekly, @monthly, @yearly, or "@every 90m",
// which counts whole seconds from the beginning of 1970 in UTC. A spec that names
// a zone is refused, because the zone is the office's; so is one that never comes.
func ParseTimetable(spec string, zone *time.Location) (*Timetable, error) {
	t := &Timetable{zone: zone}
	length, counts := strings.CutPrefix(spec, "@every ")
	if counts {
		every, err := time.ParseDuration(length)
		if err != nil || every < time.Second || every%time.Second != 0 {
			return nil, fmt.Errorf("the schedule %q does not name whole seconds, such as @every 90m", spec)
		}
		t.every = every
		return t, nil
	}
	wall, err := parseWall(spec)
	if err != nil {
		return nil, fmt.Errorf("the schedule %q: %w", spec, err)
	}
	t.wall, t.hourly = wall, wall.Hour&allHours == allHours
	if t.nextWall(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("the schedule %q never comes", spec)
	}
	return t, nil
}

// parseWall refuses what cron's parser panics at or reads as something else.
func parseWall(spec string) (*cron.SpecSchedule, error) {
	if strings.Contains(spec, "=") {
		return nil, errors.New("it names a zone; schedules go by the office's")
	}
	for field := range strings.FieldsSeq(spec) {
		if slices.Contains(strings.Split(field, ","), "") || strings.Contains(field, "*-") || strings.Contains(field, "?-") {
			return nil, fmt.Errorf("the field %s is not a list of numbers, ranges and steps", field)
		}
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	parsed, err := parser.Parse(spec)
	if err != nil {
		return nil, err
	}
	wall, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("it is neither five fields nor a name such as @daily")
	}
	wall.Location = time.UTC
	return wall, nil
}

// Next returns the first instant later than another, in UTC. Every chain of them
// rises strictly.
func (t *Timetable) Next(after time.Time) time.Time {
	switch {
	case t.every > 0:
		every := int64(t.every / time.Second)
		return time.Unix((after.Unix()/every+1)*every, 0).UTC()
	case t.hourly:
		return t.byHour(after).UTC()
	default:
		return t.byDate(after).UTC()
	}
}

// byDate asks for times until one's instant is later: while the clocks repeat an
// hour, its times are over already.
func (t *Timetable) byDate(after time.Time) time.Time {
	wall := shown(after.In(t.zone))
	for {
		wall = t.nextWall(wall)
		at := t.first(wall)
		if at.After(after) {
			return at
		}
	}
}

// first returns the first instant at which the zone's clocks show a time; where
// they are put forward over it, the moment when they are.
func (t *Timetable) first(wall time.Time) time.Time {
	const widest = 26 * time.Hour // more than any zone is away from UTC
	in := wall.Add(-widest).In(t.zone)
	for {
		begins, ends := in.ZoneBounds()
		at := unshown(wall, in)
		switch {
		case !ends.IsZero() && !at.Before(ends):
			in = ends
		case at.Before(begins):
			return begins
		default:
			return at
		}
	}
}

// byHour looks for a time in one span between two changes of the zone's clocks
// after the other.
func (t *Timetable) byHour(after time.Time) time.Time {
	in := after.In(t.zone)
	wall := shown(in)
	for {
		_, ends := in.ZoneBounds()
		wall = t.nextWall(wall)
		at := unshown(wall, in)
		if ends.IsZero() || at.Before(ends) {
			return at
		}
		in = ends
		wall = shown(ends).Add(-1) // so that the change itself may be a tick
	}
}

// nextWall returns the spec's next time later than wall, and zero for never.
// Cron gives up after five years, but from 2096 on the 29th of February is eight away.
func (t *Timetable) nextWall(wall time.Time) time.Time {
	for range 2 {
		next := t.wall.Next(wall)
		if !next.IsZero() {
			return next
		}
		wall = wall.AddDate(5, 0, 0)
	}
	return time.Time{}
}

// shown returns what the clocks of an instant's zone show, as if they were in UTC.
func shown(at time.Time) time.Time {
	_, offset := at.Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// unshown returns the instant at which clocks show a time that are as far from
// UTC as those at in.
func unshown(wall, in time.Time) time.Time {
	_, offset := in.Zone()
	return wall.Add(-time.Duration(offset) * time.Second)
}
