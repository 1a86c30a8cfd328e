package jobs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones that no office of ours is in

	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"secordesk/jobs"
	"secordesk/schema"
)

func office(t testing.TB, province string) *time.Location {
	t.Helper()
	programme, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return programme.Calendars[province].Zone
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// nexts returns the ticks of a spec later than a time that a zone's clocks show,
// as they show them with the offset from UTC.
func nexts(t *testing.T, spec string, z *time.Location, after string, n int) []string {
	t.Helper()
	table, err := jobs.ParseTimetable(spec, z)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", after, z)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for range n {
		at = table.Next(at)
		shown = append(shown, at.In(z).Format("01-02 15:04 -07"))
	}
	return shown
}

func TestTimetable(t *testing.T) {
	edmonton, winnipeg := office(t, "AB"), office(t, "MB")
	saoPaulo, lordHowe, apia := zone(t, "America/Sao_Paulo"), zone(t, "Australia/Lord_Howe"), zone(t, "Pacific/Apia")
	tests := []struct {
		name, spec string
		zone       *time.Location
		after      string
		want       string
	}{
		{"a time that Edmonton's clocks skip", "30 2 * * *", edmonton, "2025-03-08 00:00", "03-08 02:30 -07, 03-09 03:00 -06, 03-10 02:30 -06"},
		{"a time that they show twice", "30 1 * * *", edmonton, "2025-11-01 00:00", "11-01 01:30 -06, 11-02 01:30 -06, 11-03 01:30 -07"},
		{"a time that Winnipeg's clocks skip", "30 2 * * *", winnipeg, "2025-03-08 00:00", "03-08 02:30 -06, 03-09 03:00 -05, 03-10 02:30 -05"},
		{"a time that they show twice", "30 1 * * *", winnipeg, "2025-11-01 00:00", "11-01 01:30 -05, 11-02 01:30 -05, 11-03 01:30 -06"},
		{"no change in the autumn of 2026", "30 1 * * *", edmonton, "2026-10-31 00:00", "10-31 01:30 -06, 11-01 01:30 -06, 11-02 01:30 -06"},
		{"many skipped times make one tick", "*/20 2 * * *", edmonton, "2025-03-09 00:00", "03-09 03:00 -06, 03-10 02:00 -06, 03-10 02:20 -06"},
		{"a skipped time and one at the jump", "30 2,3 * * *", edmonton, "2025-03-09 00:00", "03-09 03:00 -06, 03-09 03:30 -06, 03-10 02:30 -06"},
		{"the jump itself is a time", "0 2,3 * * *", edmonton, "2025-03-09 00:00", "03-09 03:00 -06, 03-10 02:00 -06, 03-10 03:00 -06"},
		{"repeated times before and in the hour", "15,45 0,1 * * *", edmonton, "2025-11-02 00:00",
			"11-02 00:15 -06, 11-02 00:45 -06, 11-02 01:15 -06, 11-02 01:45 -06, 11-03 00:15 -07"},
		{"every hour, over the skipped one", "30 * * * *", edmonton, "2025-03-09 00:45", "03-09 01:30 -07, 03-09 03:30 -06, 03-09 04:30 -06"},
		{"every hour, through the repeated one", "@hourly", edmonton, "2025-11-02 00:30", "11-02 01:00 -06, 11-02 01:00 -07, 11-02 02:00 -07"},
		{"every half hour, through the repeated one", "*/30 * * * *", winnipeg, "2025-11-02 01:00",
			"11-02 01:30 -05, 11-02 01:00 -06, 11-02 01:30 -06, 11-02 02:00 -06"},
		{"a midnight that is none", "@daily", saoPaulo, "2018-11-02 12:00", "11-03 00:00 -03, 11-04 01:00 -02, 11-05 00:00 -02"},
		{"a midnight that comes twice", "@daily", saoPaulo, "2018-02-16 12:00", "02-17 00:00 -02, 02-18 00:00 -03, 02-19 00:00 -03"},
		{"the hour before it, which comes twice", "30 23 * * *", saoPaulo, "2018-02-16 12:00", "02-16 23:30 -02, 02-17 23:30 -02, 02-18 23:30 -03"},
		{"half an hour is skipped", "15 2 * * *", lordHowe, "2025-10-04 12:00", "10-05 02:30 +11, 10-06 02:15 +11"},
		{"half an hour comes twice", "45 1 * * *", lordHowe, "2025-04-05 12:00", "04-06 01:45 +11, 04-07 01:45 +10"},
		{"a day that is none", "@daily", apia, "2011-12-28 12:00", "12-29 00:00 -10, 12-31 00:00 +14, 01-01 00:00 +14"},
		{"a leap day", "0 4 29 2 *", edmonton, "2026-01-01 00:00", "02-29 04:00 -06, 02-29 04:00 -06"},
		{"a leap day after a century without", "0 4 29 2 *", edmonton, "2096-03-01 00:00", "02-29 04:00 -06"},
		{"the last of a month", "0 4 31 * *", edmonton, "2026-01-30 00:00", "01-31 04:00 -07, 03-31 04:00 -06, 05-31 04:00 -06"},
		{"day of month or day of week", "0 4 13 * fri", edmonton, "2026-02-07 00:00", "02-13 04:00 -07, 02-20 04:00 -07, 02-27 04:00 -07, 03-06 04:00 -07, 03-13 04:00 -06"},
		{"by the length, whatever the clocks show", "@every 12h", edmonton, "2025-11-01 00:00", "11-01 06:00 -06, 11-01 18:00 -06, 11-02 05:00 -07"},
	}
	for _, tt := range tests {
		want := strings.Split(tt.want, ", ")
		got := nexts(t, tt.spec, tt.zone, tt.after, len(want))
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %s after %s is\n%q, want\n%q", tt.name, tt.spec, tt.after, got, want)
		}
	}
}

// A clock process that begins while the clocks show an hour for the second time
// finds its times to be over.
func TestTimetable_WithinTheRepeatedHour(t *testing.T) {
	table, err := jobs.ParseTimetable("*/15 0-3 * * *", office(t, "AB"))
	if err != nil {
		t.Fatal(err)
	}
	second := time.Date(2025, 11, 2, 8, 10, 0, 0, time.UTC) // 01:10, for the second time
	if got, want := table.Next(second), second.Add(50*time.Minute); !got.Equal(want) {
		t.Errorf("next tick at %s, want %s", got, want)
	}
}

func TestParseTimetable_Refused(t *testing.T) {
	for spec, says := range map[string]string{
		"":                         "",
		"0 0 30 2 *":               "never comes",
		"0 0 31 4,6,9,11 *":        "never comes",
		"TZ=0":                     "names a zone",
		"CRON_TZ=UTC":              "names a zone",
		"CRON_TZ=UTC 0 0 * * *":    "names a zone",
		"TZ=America/Regina @daily": "names a zone",
		"* * * *":                  "5 fields",
		"0 * * * * *":              "5 fields",
		"60 * * * *":               "above maximum",
		"* 24 * * *":               "above maximum",
		"* * 0 * *":                "below minimum",
		"* * * * 7":                "above maximum",
		"5-1 * * * *":              "beyond end",
		"*/0 * * * *":              "positive number",
		"*-5 * * * *":              "not a list",
		"?-5 * * * *":              "not a list",
		", * * * *":                "not a list",
		"1,,2 * * * *":             "not a list",
		"@always":                  "unrecognized",
		"@every":                   "unrecognized",
		"@every soon":              "whole seconds",
		"@every -1h":               "whole seconds",
		"@every 0s":                "whole seconds",
		"@every 500ms":             "whole seconds",
		"@every 1h0.5s":            "whole seconds",
	} {
		_, err := jobs.ParseTimetable(spec, time.UTC)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("ParseTimetable(%q) = %v, want an error with %q", spec, err, says)
		}
	}
}

// No spec makes the parser panic, and whatever it takes has a next tick.
func FuzzParseTimetable(f *testing.F) {
	for _, spec := range []string{"0 0 * * *", "TZ=0", "CRON_TZ=", "@every 1h", "@daily", "*/5,7-9/2 ? 1-5 jan mon-fri", "@every 2562047h"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		table, err := jobs.ParseTimetable(spec, time.UTC)
		if err != nil {
			return
		}
		now := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)
		next := table.Next(now)
		if !next.After(now) {
			t.Errorf("the tick of %q after %s is %s", spec, now, next)
		}
	})
}

// field draws a field of a spec and the numbers that it means.
func field(t *rapid.T, name string, low, high int) (string, map[int]bool) {
	means := map[int]bool{}
	add := func(from, to, step int) {
		for n := from; n <= to; n += step {
			means[n] = true
		}
	}
	var parts []string
	for range rapid.IntRange(1, 2).Draw(t, name+" parts") {
		from := rapid.IntRange(low, high).Draw(t, name+" from")
		to := rapid.IntRange(from, high).Draw(t, name+" to")
		step := rapid.IntRange(1, 7).Draw(t, name+" step")
		switch rapid.IntRange(0, 5).Draw(t, name+" form") {
		case 0, 1: // often, so that the other fields count
			parts = append(parts, "*")
			add(low, high, 1)
		case 2:
			parts = append(parts, fmt.Sprint(from))
			add(from, from, 1)
		case 3:
			parts = append(parts, fmt.Sprintf("%d-%d", from, to))
			add(from, to, 1)
		case 4:
			parts = append(parts, fmt.Sprintf("%d-%d/%d", from, to, step))
			add(from, to, step)
		case 5:
			parts = append(parts, fmt.Sprintf("*/%d", step))
			add(low, high, step)
		}
	}
	return strings.Join(parts, ","), means
}

// drawn is a spec with what it means.
type drawn struct {
	text                                   string
	minutes, hours, days, months, weekdays map[int]bool
	anyDay                                 bool // day of month and day of week must both match
}

func drawSpec(t *rapid.T) drawn {
	var d drawn
	var fields [5]string
	fields[0], d.minutes = field(t, "minute", 0, 59)
	fields[1], d.hours = field(t, "hour", 0, 23)
	fields[2], d.days = field(t, "day", 1, 31)
	fields[3], d.months = field(t, "month", 1, 12)
	fields[4], d.weekdays = field(t, "weekday", 0, 6)
	d.text = strings.Join(fields[:], " ")
	star := func(f string) bool {
		return slices.ContainsFunc(strings.Split(f, ","), func(part string) bool { return part == "*" || part == "*/1" })
	}
	d.anyDay = star(fields[2]) || star(fields[4])
	return d
}

func (d drawn) matches(wall time.Time) bool {
	day, weekday := d.days[wall.Day()], d.weekdays[int(wall.Weekday())]
	date := day && weekday
	if !d.anyDay {
		date = day || weekday
	}
	return date && d.minutes[wall.Minute()] && d.hours[wall.Hour()] && d.months[int(wall.Month())]
}

// walk finds ticks by looking at a zone's clocks minute by minute, as a watchman would.
func (d drawn) walk(z *time.Location, from, to time.Time, limit int) []time.Time {
	everyHour := len(d.hours) == 24
	onWall := func(at time.Time) time.Time {
		y, mo, day := at.Date()
		return time.Date(y, mo, day, at.Hour(), at.Minute(), 0, 0, time.UTC)
	}
	var ticks []time.Time
	// Begun earlier, so that it knows what the clocks have shown already.
	latest := onWall(from.Add(-48 * time.Hour).In(z))
	for at := from.Add(-48*time.Hour + time.Minute); !at.After(to) && len(ticks) < limit; at = at.Add(time.Minute) {
		wall := onWall(at.In(z))
		tick := d.matches(wall) && (everyHour || wall.After(latest))
		for missed := latest.Add(time.Minute); !everyHour && missed.Before(wall); missed = missed.Add(time.Minute) {
			tick = tick || d.matches(missed)
		}
		if wall.After(latest) {
			latest = wall
		}
		if tick && at.After(from) {
			ticks = append(ticks, at.UTC())
		}
	}
	return ticks
}

// Random specs in five zones, over months from random minutes of eighteen years and
// from those around a change of the clocks; with SECOR_LONG=1 over years.
func TestTimetable_AsAWatchman(t *testing.T) {
	months, limit := 2, 300
	if os.Getenv("SECOR_LONG") == "1" {
		months, limit = 36, 10_000
	}
	zones := []*time.Location{office(t, "AB"), office(t, "MB"), zone(t, "America/Sao_Paulo"), zone(t, "Australia/Lord_Howe"), zone(t, "Pacific/Apia")}
	begin := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		z := zones[rapid.IntRange(0, len(zones)-1).Draw(t, "zone")]
		from := begin.Add(time.Duration(rapid.IntRange(0, 18*365*24*60).Draw(t, "from")) * time.Minute)
		if rapid.Bool().Draw(t, "near a change") {
			_, change := from.In(z).ZoneBounds()
			if !change.IsZero() {
				from = change.UTC().Truncate(time.Minute).Add(time.Duration(rapid.IntRange(-3*60, 3*60).Draw(t, "minutes from it")) * time.Minute)
			}
		}
		table, err := jobs.ParseTimetable(spec.text, z)
		if err != nil {
			if strings.Contains(err.Error(), "never comes") {
				return
			}
			t.Fatal(err)
		}
		to := from.AddDate(0, months, 0)
		want := spec.walk(z, from, to, limit)
		at := from
		for i := 0; i < limit; i++ {
			at = table.Next(at)
			if at.After(to) {
				if i < len(want) {
					t.Fatalf("%s in %s from %s: tick %d is %s, want %s", spec.text, z, from, i, at, want[i])
				}
				return
			}
			if i >= len(want) || !at.Equal(want[i]) {
				t.Fatalf("%s in %s from %s: tick %d is %s (%s), want %v", spec.text, z, from, i, at, at.In(z), want[min(i, len(want)):min(i+3, len(want))])
			}
		}
	})
}

// Where no clock is ever changed, cron itself is right.
func TestTimetable_AsCron(t *testing.T) {
	regina := office(t, "SK")
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		peer, err := cron.ParseStandard(spec.text)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2020, 1, 1, 0, 0, 0, 0, regina).Add(time.Duration(rapid.IntRange(0, 10*365*24*3600).Draw(t, "from")) * time.Second)
		table, err := jobs.ParseTimetable(spec.text, regina)
		if (err != nil) != peer.Next(from).IsZero() {
			t.Fatalf("%s: %v", spec.text, err)
		}
		if err != nil {
			return
		}
		want := from
		for range 100 {
			want = peer.Next(want)
			from = table.Next(from)
			if !from.Equal(want) {
				t.Fatalf("%s: %s, want %s", spec.text, from, want)
			}
		}
	})
}
