package schema

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secordesk/store/secor"
)

// golden compares text with a file of testdata, or writes it when UPDATE_GOLDEN
// is set.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		err := os.WriteFile("testdata/"+name, []byte(got), 0o644)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got); when the new one is right, run with UPDATE_GOLDEN=1:\n%s", name, diff)
	}
}

// TestHolidays_Golden writes out sixteen years of four provinces for a person to
// check: a row for each holiday, a column for each year.
func TestHolidays_Golden(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("Holidays by the rules of schema/calendar. In brackets: optional and not kept.\n")
	b.WriteString("+1: also kept on the day after. A dot: no such holiday that year.\n")
	for _, province := range sortedKeys(p.Calendars) {
		for from := 2015; from <= 2030; from += 8 {
			writeYears(&b, *p.Calendars[province], from, from+7)
		}
	}
	golden(t, "holidays.golden", regexp.MustCompile(` +\n`).ReplaceAllString(b.String(), "\n"))
}

func writeYears(b *strings.Builder, c secor.Calendar, from, to int) {
	kept := c.Optional
	var names []string
	c.Optional = nil // all of them, so that the table shows what could be kept
	for _, rule := range c.Holidays {
		if !slices.Contains(names, rule.Name) {
			names = append(names, rule.Name)
		}
		if rule.Kind == secor.HolidayOptional {
			c.Optional = append(c.Optional, rule.Name)
		}
	}
	fmt.Fprintf(b, "\n%-44s", c.Name)
	for year := from; year <= to; year++ {
		fmt.Fprintf(b, "%-12d", year)
	}
	for _, name := range names {
		fmt.Fprintf(b, "\n%-43s", name)
		for year := from; year <= to; year++ {
			fmt.Fprintf(b, " %-11s", cell(c, kept, name, year))
		}
	}
	b.WriteString("\n")
}

func cell(c secor.Calendar, kept []string, name string, year int) string {
	for _, day := range c.HolidaysIn(year) {
		if day.Name != name || day.Date.Year != year {
			continue
		}
		text := day.Date.Weekday().String()[:2] + day.Date.String()[4:]
		if !day.Observed.IsZero() {
			text += "+1"
			if day.Observed != day.Date.AddDays(1) {
				text = "moved to " + day.Observed.String()
			}
		}
		if optional(c, name, year) && !slices.Contains(kept, name) {
			return "(" + text + ")"
		}
		return text
	}
	return "."
}

func optional(c secor.Calendar, name string, year int) bool {
	return slices.ContainsFunc(c.Holidays, func(r secor.HolidayRule) bool {
		return r.Name == name && r.Kind == secor.HolidayOptional && r.From <= year && (r.To == 0 || year <= r.To)
	})
}

func TestHolidays(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		province, day, want string // want "": the calendar is open
	}{
		{"BC", "2018-02-12", "Family Day"},
		{"BC", "2018-02-19", ""},
		{"BC", "2019-02-18", "Family Day"},
		{"BC", "2019-02-11", ""},
		{"AB", "2018-02-19", "Family Day"},
		{"MB", "2026-02-16", "Louis Riel Day"},
		{"SK", "2026-08-03", "Saskatchewan Day"},
		{"BC", "2026-08-03", "British Columbia Day"},
		{"AB", "2026-08-03", "Heritage Day"},
		{"MB", "2026-08-03", ""},
		{"BC", "2022-09-30", ""},
		{"BC", "2024-09-30", "National Day for Truth and Reconciliation"},
		{"MB", "2022-09-30", ""},
		{"MB", "2024-09-30", "Orange Shirt Day"},
		{"AB", "2026-09-30", ""},
		{"SK", "2026-09-30", ""},
		{"BC", "2022-09-19", ""},
		{"AB", "2018-07-02", "Canada Day (observed)"},
		{"AB", "2023-07-03", ""},
		{"SK", "2018-11-12", "Remembrance Day (observed)"},
		{"AB", "2018-11-12", ""},
		{"SK", "2022-12-26", "Christmas Day (observed)"},
		{"AB", "2026-05-18", "Victoria Day"},
		{"AB", "2027-05-24", "Victoria Day"},
		{"AB", "2026-04-03", "Good Friday"},
		{"AB", "2026-04-06", ""},
	}
	for _, tt := range tests {
		day, err := secor.ParseDate(tt.day)
		if err != nil {
			t.Fatal(err)
		}
		got, closed := p.Calendars[tt.province].Holiday(day)
		if got != tt.want || closed != (tt.want != "") {
			t.Errorf("%s on %s: %q, closed %t; want %q", tt.province, tt.day, got, closed, tt.want)
		}
	}
}
