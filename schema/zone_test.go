package schema

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// changes lists every change of offset in a span, as UTC instant, offset in
// hours before and after, and the name after.
func changes(zone *time.Location, from, to time.Time) []string {
	var list []string
	for at := from; ; {
		_, next := at.In(zone).ZoneBounds()
		if next.IsZero() || !next.Before(to) {
			return list
		}
		_, before := next.Add(-time.Second).In(zone).Zone()
		name, after := next.In(zone).Zone()
		list = append(list, fmt.Sprintf("%s %+d to %+d %s", next.UTC().Format("2006-01-02 15:04"), before/3600, after/3600, name))
		at = next
	}
}

// tzdata 2026f: three provinces stopped changing their clocks in 2026. The data
// marks the end of summer time on 1 November 2026 as a change of name alone.
func TestZones(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"AB": {
			"2025-03-09 09:00 -7 to -6 MDT",
			"2025-11-02 08:00 -6 to -7 MST",
			"2026-03-08 09:00 -7 to -6 MDT",
			"2026-11-01 08:00 -6 to -6 CST",
		},
		"BC": {
			"2025-03-09 10:00 -8 to -7 PDT",
			"2025-11-02 09:00 -7 to -8 PST",
			"2026-03-08 10:00 -8 to -7 PDT",
			"2026-11-01 09:00 -7 to -7 MST",
		},
		"MB": {
			"2025-03-09 08:00 -6 to -5 CDT",
			"2025-11-02 07:00 -5 to -6 CST",
			"2026-03-08 08:00 -6 to -5 CDT",
			"2026-11-01 07:00 -5 to -5 EST",
		},
		"SK": nil,
	}
	from, to := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
	for province, changed := range want {
		c := p.Calendars[province]
		if c == nil {
			t.Errorf("%s has no calendar", province)
			continue
		}
		if c.ZoneData != "2026f" {
			t.Errorf("%s: zone data %s, want 2026f", province, c.ZoneData)
		}
		if diff := cmp.Diff(changed, changes(c.Zone, from, to)); diff != "" {
			t.Errorf("%s: changes from 2025 to 2037 (-want +got):\n%s", province, diff)
		}
	}
}

// Summer and winter of 2027 must be equally far from UTC, long after the file's
// last recorded change: that is what its footer says.
func TestZones_AllYearFrom2027(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"BC": -7, "AB": -6, "SK": -6, "MB": -5}
	for province, hours := range want {
		for year := 2027; year <= 2060; year += 11 {
			for _, month := range []time.Month{time.January, time.July} {
				_, offset := time.Date(year, month, 15, 12, 0, 0, 0, p.Calendars[province].Zone).Zone()
				if offset != hours*3600 {
					t.Errorf("%s in %s %d: %d hours, want %d", province, month, year, offset/3600, hours)
				}
			}
		}
	}
}
