package secor

import (
	"iter"
	"slices"
	"time"
)

// horizonDays bounds every walk over a calendar: two hundred years. It keeps a
// calendar that is never open, or a year that no desk will see, from hanging a process.
const horizonDays = 200 * 366

// NamedDay is one holiday of one year, as a programme prints it.
type NamedDay struct {
	Name     string
	Date     Date
	Observed Date // the other day on which it is kept; zero when only on Date
}

// Check returns a FieldError for a calendar by which no deadline can be counted,
// and for a kept optional holiday that none of its rules describes. A programme
// is loaded only with calendars that pass.
func (c *Calendar) Check() error {
	switch {
	case c.Zone == nil:
		return &FieldError{Field: "zone", Problem: "is missing; name one of the zones in schema/zones"}
	case len(c.Workdays) == 0:
		return &FieldError{Field: "workdays", Problem: "are missing; a calendar works on at least one day of the week"}
	case c.Opens < 0 || c.Opens >= c.Closes || c.Closes > 24*time.Hour:
		return &FieldError{Field: "closes", Value: c.Closes.String(), Problem: "must be after opens and not after 24h"}
	}
	for _, name := range c.Optional {
		if !slices.ContainsFunc(c.Holidays, func(r HolidayRule) bool { return r.Kind == HolidayOptional && r.Name == name }) {
			return &FieldError{Field: "optional", Value: name, Problem: "is not one of the calendar's optional holidays"}
		}
	}
	return nil
}

// Holiday returns why the calendar does not work on a day: the holiday kept on
// it, with "(observed)" where it only moved there, "closed" for an extra
// closure, or the name of a weekday that is no workday. On a workday it returns
// "" and false.
func (c *Calendar) Holiday(day Date) (string, bool) {
	return (&almanac{Calendar: c}).closure(day)
}

// Workday reports whether the calendar works on a day.
func (c *Calendar) Workday(day Date) bool {
	_, closed := c.Holiday(day)
	return !closed
}

// HolidaysIn returns the holidays of which the calendar keeps a day in the year,
// ordered by Date; one of the last days of December may be observed in the next
// year and is then among the holidays of both. ObservedNext counts as weekend
// every weekday that is no workday of the calendar.
func (c *Calendar) HolidaysIn(year int) []NamedDay {
	var kept []keptDay
	for y := year - 1; y <= year+1; y++ {
		kept = append(kept, c.kept(y)...)
	}
	slices.SortStableFunc(kept, func(a, b keptDay) int { return a.date.Compare(b.date) })
	var named []NamedDay
	for i, other := range c.observed(kept) {
		if kept[i].date.Year == year || other.Year == year {
			named = append(named, NamedDay{Name: kept[i].rule.Name, Date: kept[i].date, Observed: other})
		}
	}
	return named
}

// OpenBetween returns the working time from from up to but not including to: 0
// when to is not after from. Opens and Closes are read off the wall, so that a
// day on which the clock is put forward or back is as long as people were there.
// Time later than two hundred years after from is not counted.
func (c *Calendar) OpenBetween(from, to time.Time) time.Duration {
	return (&almanac{Calendar: c}).open(from, to)
}

// Add returns the first instant, in the calendar's zone, by which work has been
// open since from: OpenBetween(from, Add(from, work)) is work. An amount that is
// used up at the end of a day ends at that day's close, not at the next opening.
// No work, or less, ends at from; so does work that the calendar does not offer
// within two hundred years: what nobody can work on is due at once, not never.
func (c *Calendar) Add(from time.Time, work time.Duration) time.Time {
	return (&almanac{Calendar: c}).add(from, work)
}

type keptDay struct {
	rule HolidayRule
	date Date
}

func (c *Calendar) kept(year int) []keptDay {
	var days []keptDay
	for _, r := range c.Holidays {
		optional := r.Kind == HolidayOptional && !slices.Contains(c.Optional, r.Name)
		if optional || (r.From != 0 && year < r.From) || (r.To != 0 && year > r.To) {
			continue
		}
		day, ok := r.in(year)
		if ok {
			days = append(days, keptDay{rule: r, date: day})
		}
	}
	return days
}

// in returns the holiday's day in a year; false where the year has none: a fifth
// Monday, 29 February.
func (r HolidayRule) in(year int) (Date, bool) {
	switch r.Basis {
	case BasisFixed:
		day := NewDate(year, r.Month, r.Day)
		return day, day.Month == r.Month
	case BasisNth:
		first := NewDate(year, r.Month, 1)
		day := first.AddDays((int(r.Weekday)-int(first.Weekday())+7)%7 + 7*(r.Nth-1))
		return day, day.Month == r.Month
	case BasisOnBefore:
		last := NewDate(year, r.Month, r.Day)
		return last.AddDays(-((int(last.Weekday()) - int(r.Weekday) + 7) % 7)), true
	case BasisEaster:
		return easter(year).AddDays(r.Offset), true
	}
	return Date{}, false
}

// observed returns for each day, in order, the other day on which it is kept.
// Moves to a given Monday are settled first, so that those to the next free
// workday find it taken; two such never share a day.
func (c *Calendar) observed(kept []keptDay) []Date {
	taken := map[Date]bool{}
	others := make([]Date, len(kept))
	for i, k := range kept {
		taken[k.date] = true
		others[i] = k.monday()
		taken[others[i]] = true
	}
	for i, k := range kept {
		if k.rule.Observed != ObservedNext || slices.Contains(c.Workdays, k.date.Weekday()) {
			continue
		}
		for n := 1; n <= 366 && others[i].IsZero(); n++ {
			day := k.date.AddDays(n)
			if !taken[day] && slices.Contains(c.Workdays, day.Weekday()) {
				others[i], taken[day] = day, true
			}
		}
	}
	return others
}

func (k keptDay) monday() Date {
	switch weekday := k.date.Weekday(); {
	case weekday == time.Sunday && (k.rule.Observed == ObservedMonday || k.rule.Observed == ObservedSunday):
		return k.date.AddDays(1)
	case weekday == time.Saturday && k.rule.Observed == ObservedMonday:
		return k.date.AddDays(2)
	}
	return Date{}
}

// easter returns Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher).
func easter(year int) Date {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return NewDate(year, time.Month(n/31), n%31+1)
}

// everyDay returns the calendar that is always open.
func everyDay(zone *time.Location) *Calendar {
	week := []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
	return &Calendar{Zone: zone, Closes: 24 * time.Hour, Workdays: week}
}

// almanac answers for one calendar during one computation and works out each
// year's closures once.
type almanac struct {
	*Calendar
	years map[int]map[Date]string
}

func (a *almanac) closure(day Date) (string, bool) {
	if a.years == nil {
		a.years = map[int]map[Date]string{}
	}
	names, ok := a.years[day.Year]
	if !ok {
		names = a.closures(day.Year)
		a.years[day.Year] = names
	}
	name, closed := names[day]
	if weekday := day.Weekday(); !closed && !slices.Contains(a.Workdays, weekday) {
		return weekday.String(), true
	}
	return name, closed
}

func (a *almanac) closures(year int) map[Date]string {
	names := map[Date]string{}
	for _, day := range a.Closed {
		names[day] = "closed"
	}
	days := a.HolidaysIn(year)
	for _, d := range days {
		if !d.Observed.IsZero() {
			names[d.Observed] = d.Name + " (observed)"
		}
	}
	for _, d := range days {
		names[d.Date] = d.Name
	}
	return names
}

// sessions yields opening and close of the working days from day on.
func (a *almanac) sessions(day Date) iter.Seq2[time.Time, time.Time] {
	return func(yield func(time.Time, time.Time) bool) {
		for n := range horizonDays {
			d := day.AddDays(n)
			_, closed := a.closure(d)
			if !closed && !yield(wallTime(d, a.Opens, a.Zone), wallTime(d, a.Closes, a.Zone)) {
				return
			}
		}
	}
}

func (a *almanac) open(from, to time.Time) time.Duration {
	var sum time.Duration
	for opens, closes := range a.sessions(DateOf(from, a.Zone)) {
		if !opens.Before(to) {
			break
		}
		sum += max(0, earlier(closes, to).Sub(later(opens, from)))
	}
	return sum
}

func (a *almanac) add(from time.Time, work time.Duration) time.Time {
	if work <= 0 {
		return from.In(a.Zone)
	}
	for opens, closes := range a.sessions(DateOf(from, a.Zone)) {
		opens = later(opens, from)
		open := max(0, closes.Sub(opens))
		if open >= work {
			return opens.Add(work).In(a.Zone)
		}
		work -= open
	}
	return from.In(a.Zone)
}

// wholeDays returns how long the first n working days from day on are together.
func (a *almanac) wholeDays(day Date, n int) time.Duration {
	var sum time.Duration
	for opens, closes := range a.sessions(day) {
		sum += closes.Sub(opens)
		n--
		if n <= 0 {
			break
		}
	}
	return sum
}

// closeAt returns the first close that is after from and not before t. It may
// lie on the day before t's: midnight closes the day that it ends.
func (a *almanac) closeAt(from, t time.Time) time.Time {
	for _, closes := range a.sessions(DateOf(t, a.Zone).AddDays(-1)) {
		if closes.After(from) && !closes.Before(t) {
			return closes
		}
	}
	return t
}

// wallTime returns the instant at which the clocks of zone show a time of a day,
// given as the duration since midnight; 24h is the next midnight. A time that they
// skip is the moment at which they are put forward, and one that they show twice
// is (west of Greenwich) the first, so that a later time never comes earlier.
func wallTime(day Date, since time.Duration, zone *time.Location) time.Time {
	t := time.Date(day.Year, day.Month, day.Day, 0, 0, int(since/time.Second), int(since%time.Second), zone)
	_, offset := t.Zone()
	shown := t.Add(time.Duration(offset) * time.Second)
	wanted := day.Start(time.UTC).Add(since)
	if shown.Equal(wanted) {
		return t
	}
	changed, changes := t.ZoneBounds()
	if shown.After(wanted) {
		return changed
	}
	return changes
}

// timeOfDay returns what the clock on the wall shows, since midnight.
func timeOfDay(t time.Time) time.Duration {
	h, m, s := t.Clock()
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second + time.Duration(t.Nanosecond())
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Deadline says when a promise ends, in the calendar's time: "Thursday 5 March
// 2026, 16:30", and "… , end of day" for a midnight, which belongs to the day
// that it ends.
func (c *Calendar) Deadline(at time.Time) string {
	at = at.In(c.Zone)
	if at.Hour() == 0 && at.Minute() == 0 {
		return at.AddDate(0, 0, -1).Format("Monday 2 January 2006") + ", end of day"
	}
	return at.Format("Monday 2 January 2006, 15:04")
}
