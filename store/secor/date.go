package secor

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a day on a calendar, without a time and without a zone: the day a
// cheque came, the day printed on a certificate. The zero Date means "not known".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// NewDate returns the given day. Values outside their range are carried over as
// time.Date does: 31 April is 1 May.
func NewDate(year int, month time.Month, day int) Date {
	return DateOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), time.UTC)
}

// DateOf returns the day that the instant t falls on in zone.
func DateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{Year: y, Month: m, Day: d}
}

// ParseDate reads "2026-03-25". Anything else, a day that no calendar has and the
// year 0 are FieldErrors.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return Date{}, &FieldError{Value: text, Problem: "is not a date; write it as 2026-03-25"}
	}
	return DateOf(t, time.UTC), nil
}

// IsZero reports whether the date is not known.
func (d Date) IsZero() bool { return d == Date{} }

// String returns the date as 2026-03-25, and "" when it is not known.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// Long returns the date as letters print it: "25 March 2026".
func (d Date) Long() string {
	return fmt.Sprintf("%d %s %d", d.Day, d.Month, d.Year)
}

// Start returns the first instant of the day in zone.
func (d Date) Start(zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
}

// AddDays returns the day n days later, or earlier when n is negative.
func (d Date) AddDays(n int) Date { return NewDate(d.Year, d.Month, d.Day+n) }

// DaysUntil returns how many days after d the other day is, negative when it is earlier.
func (d Date) DaysUntil(other Date) int {
	return int(other.Start(time.UTC).Sub(d.Start(time.UTC)) / (24 * time.Hour))
}

// AddYears returns the same day n years later; 29 February becomes 28 February
// where the year has none.
func (d Date) AddYears(n int) Date {
	later := NewDate(d.Year+n, d.Month, d.Day)
	if later.Month != d.Month {
		return NewDate(d.Year+n, d.Month+1, 0)
	}
	return later
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.Start(time.UTC).Weekday() }

// Compare returns -1, 0 or +1 as d is before, on or after other.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// Before reports whether d is an earlier day than other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After reports whether d is a later day than other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }

// Span is a run of days from From to To, both included. A zero To means that
// it has not ended.
type Span struct {
	From, To Date
}

// Covers reports whether the day lies in the span.
func (s Span) Covers(day Date) bool {
	return !day.Before(s.From) && (s.To.IsZero() || !day.After(s.To))
}
