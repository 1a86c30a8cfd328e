package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"secordesk/store/secor"
)

// calendarFile is a file of schema/calendar.
type calendarFile struct {
	Schema string `json:"$schema"`
	Name   string `json:"name"`
	origin
	Office *sourced[yesNo] `json:"office"`
	Zone   struct {
		origin
		Name    string `json:"name"`
		File    string `json:"file"`
		Release string `json:"release"`
	} `json:"zone"`
	Opens    sourced[clock]         `json:"opens"`
	Closes   sourced[clock]         `json:"closes"`
	Workdays sourced[list[weekday]] `json:"workdays"`
	Holidays []holidayFile          `json:"holidays"`
	Keeps    sourced[list[string]]  `json:"keeps"`
	Closed   []struct {
		origin
		Day    date   `json:"day"`
		Reason string `json:"reason"`
	} `json:"closed"`

	data fs.FS // where the zone's file is
}

type holidayFile struct {
	origin
	Name     string             `json:"name"`
	Kind     secor.HolidayKind  `json:"kind"`
	Basis    secor.HolidayBasis `json:"basis"`
	Month    month              `json:"month"`
	Day      int                `json:"day"`
	Weekday  weekday            `json:"weekday"`
	Nth      int                `json:"nth"`
	Offset   int                `json:"offset"`
	Observed secor.Observance   `json:"observed"`
	From     int                `json:"from"`
	To       int                `json:"to"`
}

func (f *calendarFile) into(r *reading, p *secor.Programme) {
	r.named("/name", f.Name)
	r.heading = "Calendar " + f.Name
	r.list("/name", "Province", f.Name, f.origin)
	listed := len(r.values)
	if f.Office != nil && bool(take(r, "/office", "This desk's calendar", "%v", *f.Office)) {
		if p.Office != "" {
			r.complain("/office", "%s is this desk's calendar already; keep one", p.Office)
		}
		p.Office = f.Name
	}
	r.own(listed)
	c := &secor.Calendar{Name: f.Name, Zone: f.zone(r), ZoneData: f.Zone.Release}
	listed = len(r.values)
	c.Opens = time.Duration(take(r, "/opens", "Opens", "%v", f.Opens))
	c.Closes = time.Duration(take(r, "/closes", "Closes", "%v", f.Closes))
	for _, day := range take(r, "/workdays", "Workdays", "%v", f.Workdays) {
		c.Workdays = append(c.Workdays, time.Weekday(day))
	}
	r.own(listed)
	c.Holidays = f.holidays(r)
	listed = len(r.values)
	c.Optional = take(r, "/keeps", "Optional holidays kept", "%v", f.Keeps)
	for i, day := range f.Closed {
		r.list(fmt.Sprintf("/closed/%d", i), "Closed", day.Day.String()+": "+day.Reason, day.origin.or(f.origin))
		c.Closed = append(c.Closed, secor.Date(day.Day))
	}
	r.own(listed)
	f.check(r, c)
	p.Calendars[f.Name] = c
}

// check holds that deadlines can be counted by the calendar. One without a zone
// has its problem already.
func (f *calendarFile) check(r *reading, c *secor.Calendar) {
	if c.Zone == nil {
		return
	}
	err := c.Check()
	var field *secor.FieldError
	if !errors.As(err, &field) {
		return
	}
	pointers := map[string]string{"workdays": "/workdays/value", "closes": "/closes/value", "optional": "/keeps/value"}
	r.complain(pointers[field.Field], "%v", &secor.FieldError{Value: field.Value, Problem: field.Problem})
}

// zone loads the calendar's own zone file: the machine's may be of another
// release. It returns nil after a problem.
func (f *calendarFile) zone(r *reading) *time.Location {
	file := path.Join("calendar", f.Zone.File)
	r.list("/zone", "Zone", fmt.Sprintf("%s, tz database %s, %s", f.Zone.Name, f.Zone.Release, file), f.Zone.origin)
	if path.Base(f.Zone.Name)+".tzif" != path.Base(file) {
		r.complain("/zone/file", "%s is not the file of %s", file, f.Zone.Name)
		return nil
	}
	data, err := fs.ReadFile(f.data, file)
	if err != nil {
		r.complain("/zone/file", "%s is missing; copy it from a tzdata of release %s or later", file, f.Zone.Release)
		return nil
	}
	zone, err := time.LoadLocationFromTZData(f.Zone.Name, data)
	if err != nil {
		r.complain("/zone/file", "%s is no zone file: %v", file, err)
		return nil
	}
	return zone
}

func (f *calendarFile) holidays(r *reading) []secor.HolidayRule {
	var rules []secor.HolidayRule
	for i, h := range f.Holidays {
		pointer := fmt.Sprintf("/holidays/%d", i)
		h.check(r, pointer)
		for _, before := range f.Holidays[:i] {
			if before.Name == h.Name && before.overlaps(h) {
				r.complain(pointer+"/name", "%s is there twice for the same year; limit one with from and to", h.Name)
			}
		}
		r.list(pointer, h.Name, h.sentence(), h.origin.or(f.origin))
		rules = append(rules, secor.HolidayRule{
			Name: h.Name, Kind: h.Kind, Basis: h.Basis, Month: time.Month(h.Month), Day: h.Day,
			Weekday: time.Weekday(h.Weekday), Nth: h.Nth, Offset: h.Offset, Observed: h.Observed, From: h.From, To: h.To,
		})
	}
	return rules
}

// check holds that the rule names a day: a leap year has 29 February, no year
// has 31 April.
func (h holidayFile) check(r *reading, pointer string) {
	if h.From != 0 && h.To != 0 && h.From > h.To {
		r.complain(pointer+"/to", "%d is before %d, where the rule begins", h.To, h.From)
	}
	if h.Day == 0 {
		return
	}
	if secor.NewDate(2024, time.Month(h.Month), h.Day).Month != time.Month(h.Month) {
		r.complain(pointer+"/day", "%v has no day %d", time.Month(h.Month), h.Day)
	}
}

func (h holidayFile) overlaps(other holidayFile) bool {
	const never = 9999
	end := func(to int) int {
		if to == 0 {
			return never
		}
		return to
	}
	return h.From <= end(other.To) && other.From <= end(h.To)
}

func aroundEaster(offset int) string {
	if offset < 0 {
		return count(-offset, "day") + " before Easter Sunday"
	}
	return count(offset, "day") + " after Easter Sunday"
}

// sentence returns the rule as a person says it: "3rd Monday of February,
// statutory, from 1990".
func (h holidayFile) sentence() string {
	ordinals := []string{"", "1st", "2nd", "3rd", "4th"}
	var words []string
	switch h.Basis {
	case secor.BasisFixed:
		words = append(words, fmt.Sprintf("%d %v", h.Day, time.Month(h.Month)))
	case secor.BasisNth:
		words = append(words, fmt.Sprintf("%s %v of %v", ordinals[h.Nth], h.Weekday, time.Month(h.Month)))
	case secor.BasisOnBefore:
		words = append(words, fmt.Sprintf("last %v on or before %d %v", h.Weekday, h.Day, time.Month(h.Month)))
	case secor.BasisEaster:
		words = append(words, aroundEaster(h.Offset))
	}
	words = append(words, string(h.Kind))
	switch h.Observed {
	case secor.ObservedMonday:
		words = append(words, "on a weekend also the next Monday")
	case secor.ObservedSunday:
		words = append(words, "on a Sunday also the next Monday")
	case secor.ObservedNext:
		words = append(words, "on a weekend also the next workday")
	}
	switch {
	case h.From != 0 && h.From == h.To:
		words = append(words, fmt.Sprintf("only in %d", h.From))
	case h.From != 0:
		words = append(words, fmt.Sprintf("from %d", h.From))
	}
	if h.To != 0 && h.To != h.From {
		words = append(words, fmt.Sprintf("until %d", h.To))
	}
	return strings.Join(words, ", ")
}
