package secor

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of these tests, on a machine that has none

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("load zone: %v", err)
	}
	return zone
}

// wall reads "2025-06-02 09:00", with or without seconds, off a wall in Edmonton.
func wall(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", (text + ":00")[:19], zoneOf(t, "America/Edmonton"))
	if err != nil {
		t.Fatalf("read time: %v", err)
	}
	return at
}

func day(t testing.TB, text string) Date {
	t.Helper()
	d, err := ParseDate(text)
	if err != nil {
		t.Fatalf("read date: %v", err)
	}
	return d
}

func weekdays(from, to time.Weekday) []time.Weekday {
	var days []time.Weekday
	for d := from; d <= to; d++ {
		days = append(days, d)
	}
	return days
}

// deskCalendar is an office in Edmonton, Monday to Friday from 8:30 to 16:30, with
// one holiday of every basis and every observance.
func deskCalendar(t testing.TB) *Calendar {
	statutory, optional := HolidayStatutory, HolidayOptional
	return &Calendar{
		Name: "AB", Zone: zoneOf(t, "America/Edmonton"), Workdays: weekdays(time.Monday, time.Friday),
		Opens: 8*time.Hour + 30*time.Minute, Closes: 16*time.Hour + 30*time.Minute,
		Holidays: []HolidayRule{
			{Name: "New Year's Day", Kind: statutory, Basis: BasisFixed, Month: time.January, Day: 1, Observed: ObservedNext},
			{Name: "Family Day", Kind: statutory, Basis: BasisNth, Month: time.February, Weekday: time.Monday, Nth: 3, From: 1990},
			{Name: "Good Friday", Kind: statutory, Basis: BasisEaster, Offset: -2},
			{Name: "Easter Monday", Kind: optional, Basis: BasisEaster, Offset: 1},
			{Name: "Victoria Day", Kind: statutory, Basis: BasisOnBefore, Month: time.May, Day: 24, Weekday: time.Monday},
			{Name: "Canada Day", Kind: statutory, Basis: BasisFixed, Month: time.July, Day: 1, Observed: ObservedSunday},
			{Name: "Heritage Day", Kind: optional, Basis: BasisNth, Month: time.August, Weekday: time.Monday, Nth: 1},
			{Name: "Labour Day", Kind: statutory, Basis: BasisNth, Month: time.September, Weekday: time.Monday, Nth: 1},
			{Name: "Truth and Reconciliation", Kind: optional, Basis: BasisFixed, Month: time.September, Day: 30, Observed: ObservedMonday, From: 2021},
			{Name: "Thanksgiving", Kind: statutory, Basis: BasisNth, Month: time.October, Weekday: time.Monday, Nth: 2},
			{Name: "Remembrance Day", Kind: statutory, Basis: BasisFixed, Month: time.November, Day: 11, Observed: ObservedOnDay},
			// Boxing Day stands first: the order of rules must not decide who moves where.
			{Name: "Boxing Day", Kind: optional, Basis: BasisFixed, Month: time.December, Day: 26, Observed: ObservedNext},
			{Name: "Christmas Day", Kind: statutory, Basis: BasisFixed, Month: time.December, Day: 25, Observed: ObservedNext},
		},
		Optional: []string{"Truth and Reconciliation", "Boxing Day"},
	}
}

func TestHolidaysIn_GoldenYears(t *testing.T) {
	// Written down from printed calendars, not from the rules.
	golden := map[int]string{
		2020: `01-01 Wed New Year's Day; 02-17 Mon Family Day; 04-10 Fri Good Friday; 05-18 Mon Victoria Day; 07-01 Wed Canada Day;
			09-07 Mon Labour Day; 10-12 Mon Thanksgiving; 11-11 Wed Remembrance Day; 12-25 Fri Christmas Day; 12-26 Sat Boxing Day > 12-28 Mon`,
		2022: `01-01 Sat New Year's Day > 01-03 Mon; 02-21 Mon Family Day; 04-15 Fri Good Friday; 05-23 Mon Victoria Day; 07-01 Fri Canada Day;
			09-05 Mon Labour Day; 09-30 Fri Truth and Reconciliation; 10-10 Mon Thanksgiving; 11-11 Fri Remembrance Day;
			12-25 Sun Christmas Day > 12-27 Tue; 12-26 Mon Boxing Day`,
		2025: `01-01 Wed New Year's Day; 02-17 Mon Family Day; 04-18 Fri Good Friday; 05-19 Mon Victoria Day; 07-01 Tue Canada Day;
			09-01 Mon Labour Day; 09-30 Tue Truth and Reconciliation; 10-13 Mon Thanksgiving; 11-11 Tue Remembrance Day;
			12-25 Thu Christmas Day; 12-26 Fri Boxing Day`,
		2027: `01-01 Fri New Year's Day; 02-15 Mon Family Day; 03-26 Fri Good Friday; 05-24 Mon Victoria Day; 07-01 Thu Canada Day;
			09-06 Mon Labour Day; 09-30 Thu Truth and Reconciliation; 10-11 Mon Thanksgiving; 11-11 Thu Remembrance Day;
			12-25 Sat Christmas Day > 12-27 Mon; 12-26 Sun Boxing Day > 12-28 Tue`,
		2028: `01-01 Sat New Year's Day > 01-03 Mon; 02-21 Mon Family Day; 04-14 Fri Good Friday; 05-22 Mon Victoria Day; 07-01 Sat Canada Day;
			09-04 Mon Labour Day; 09-30 Sat Truth and Reconciliation > 10-02 Mon; 10-09 Mon Thanksgiving; 11-11 Sat Remembrance Day;
			12-25 Mon Christmas Day; 12-26 Tue Boxing Day`,
		2029: `01-01 Mon New Year's Day; 02-19 Mon Family Day; 03-30 Fri Good Friday; 05-21 Mon Victoria Day; 07-01 Sun Canada Day > 07-02 Mon;
			09-03 Mon Labour Day; 09-30 Sun Truth and Reconciliation > 10-01 Mon; 10-08 Mon Thanksgiving; 11-11 Sun Remembrance Day;
			12-25 Tue Christmas Day; 12-26 Wed Boxing Day`,
	}
	for year, want := range golden {
		var lines []string
		for _, d := range deskCalendar(t).HolidaysIn(year) {
			line := d.Date.Start(time.UTC).Format("01-02 Mon ") + d.Name
			if !d.Observed.IsZero() {
				line += d.Observed.Start(time.UTC).Format(" > 01-02 Mon")
			}
			lines = append(lines, line)
		}
		got := strings.Join(lines, "; ")
		if diff := cmp.Diff(strings.Join(strings.Fields(want), " "), got); diff != "" {
			t.Errorf("HolidaysIn(%d) (-want +got):\n%s", year, diff)
		}
	}
}

func TestEaster(t *testing.T) {
	printed := strings.Fields(`2000-04-23 2001-04-15 2002-03-31 2003-04-20 2004-04-11 2005-03-27 2006-04-16 2007-04-08 2008-03-23 2009-04-12
		2010-04-04 2011-04-24 2012-04-08 2013-03-31 2014-04-20 2015-04-05 2016-03-27 2017-04-16 2018-04-01 2019-04-21 2020-04-12
		2021-04-04 2022-04-17 2023-04-09 2024-03-31 2025-04-20 2026-04-05 2027-03-28 2028-04-16 2029-04-01 2030-04-21 2035-03-25
		1818-03-22 1943-04-25 1954-04-18 1981-04-19 2038-04-25 2049-04-18 2076-04-19`)
	for _, want := range printed {
		if got := easter(day(t, want).Year).String(); got != want {
			t.Errorf("Easter Sunday = %s, want %s", got, want)
		}
	}
}

func TestHoliday(t *testing.T) {
	office := deskCalendar(t)
	office.Closed = []Date{day(t, "2025-12-24"), day(t, "2025-12-25")}
	tests := []struct {
		situation, day, want string
	}{
		{"an ordinary Tuesday", "2025-06-03", ""},
		{"a Saturday", "2025-06-07", "Saturday"},
		{"a statutory holiday", "2025-07-01", "Canada Day"},
		{"an optional holiday that is kept", "2025-09-30", "Truth and Reconciliation"},
		{"the same before there was one", "2020-09-30", ""},
		{"an optional holiday that is not kept", "2025-08-04", ""},
		{"a holiday on a Saturday", "2022-01-01", "New Year's Day"},
		{"its observed day", "2022-01-03", "New Year's Day (observed)"},
		{"Monday after a Saturday that moves from Sundays only", "2028-07-03", ""},
		{"Monday after a Sunday that never moves", "2029-11-12", ""},
		{"Boxing Day, not Christmas observed", "2022-12-26", "Boxing Day"},
		{"Christmas of Sunday, behind Boxing Day", "2022-12-27", "Christmas Day (observed)"},
		{"Christmas of Saturday", "2027-12-27", "Christmas Day (observed)"},
		{"Boxing Day of Sunday, behind Christmas", "2027-12-28", "Boxing Day (observed)"},
		{"the day after the chain", "2027-12-29", ""},
		{"an extra closure", "2025-12-24", "closed"},
		{"an extra closure on a holiday", "2025-12-25", "Christmas Day"},
		{"29 February", "2028-02-29", ""},
	}
	for _, tt := range tests {
		got, closed := office.Holiday(day(t, tt.day))
		if got != tt.want || closed != (tt.want != "") {
			t.Errorf("%s: Holiday(%s) = %q, %v; want %q", tt.situation, tt.day, got, closed, tt.want)
		}
		if office.Workday(day(t, tt.day)) == closed {
			t.Errorf("%s: Workday(%s) = %v", tt.situation, tt.day, !closed)
		}
	}
}

func TestHolidaysIn_AcrossNewYear(t *testing.T) {
	office := deskCalendar(t)
	office.Holidays = append(office.Holidays,
		HolidayRule{Name: "Old Year's Day", Basis: BasisFixed, Month: time.December, Day: 31, Observed: ObservedNext})
	// 31 December 2028 is a Sunday and 1 January 2029 is taken.
	want := NamedDay{Name: "Old Year's Day", Date: day(t, "2028-12-31"), Observed: day(t, "2029-01-02")}
	if got := office.HolidaysIn(2029)[0]; got != want {
		t.Errorf("first of 2029 = %v, want %v", got, want)
	}
	if days := office.HolidaysIn(2028); days[len(days)-1] != want {
		t.Errorf("last of 2028 = %v, want %v", days[len(days)-1], want)
	}
	name, _ := office.Holiday(day(t, "2029-01-02"))
	if name != "Old Year's Day (observed)" {
		t.Errorf("2 January 2029 = %q, want the day observed from the old year", name)
	}
}

func TestHolidaysIn_DaysThatAYearLacks(t *testing.T) {
	office := &Calendar{Holidays: []HolidayRule{
		{Name: "leap day", Basis: BasisFixed, Month: time.February, Day: 29},
		{Name: "fifth Monday", Basis: BasisNth, Month: time.February, Weekday: time.Monday, Nth: 5},
		{Name: "past", Basis: BasisFixed, Month: time.March, Day: 1, To: 2027},
	}}
	for year, want := range map[int]int{2025: 1, 2028: 1, 2044: 2} {
		if got := len(office.HolidaysIn(year)); got != want {
			t.Errorf("%d has %d of the days, want %d: %v", year, got, want, office.HolidaysIn(year))
		}
	}
}

func TestObservedNext_NeverCollides(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		office := deskCalendar(t)
		office.Holidays = nil
		for range rapid.IntRange(1, 8).Draw(rt, "holidays") {
			office.Holidays = append(office.Holidays, HolidayRule{
				Name: "holiday", Basis: BasisFixed, Month: time.December, Day: rapid.IntRange(20, 31).Draw(rt, "day"), Observed: ObservedNext,
			})
		}
		slices.SortFunc(office.Holidays, func(a, b HolidayRule) int { return a.Day - b.Day })
		office.Holidays = slices.CompactFunc(office.Holidays, func(a, b HolidayRule) bool { return a.Day == b.Day })
		seen := map[Date]bool{}
		for _, d := range office.HolidaysIn(rapid.IntRange(1990, 2090).Draw(rt, "year")) {
			weekend := !slices.Contains(office.Workdays, d.Date.Weekday())
			if weekend == d.Observed.IsZero() {
				rt.Fatalf("%s, a %s, is observed on %q", d.Date, d.Date.Weekday(), d.Observed)
			}
			for _, kept := range []Date{d.Date, d.Observed} {
				if seen[kept] || (kept == d.Observed && weekend && !slices.Contains(office.Workdays, kept.Weekday())) {
					rt.Fatalf("%s (%s) is taken twice or on a weekend", kept, kept.Weekday())
				}
				seen[kept] = !kept.IsZero()
			}
		}
	})
}

func TestOpenBetween(t *testing.T) {
	office := deskCalendar(t)
	shop := deskCalendar(t) // Monday to Friday around the clock
	shop.Opens, shop.Closes = 0, 24*time.Hour
	night := everyDay(office.Zone)
	night.Opens, night.Closes = 2*time.Hour+30*time.Minute, 10*time.Hour
	always := everyDay(office.Zone)
	tests := []struct {
		situation string
		calendar  *Calendar
		from, to  string
		want      string
	}{
		{"a whole day", office, "2025-06-03 00:00", "2025-06-04 00:00", "8h"},
		{"inside a day", office, "2025-06-03 09:00", "2025-06-03 09:20", "20m"},
		{"before the opening", office, "2025-06-03 06:00", "2025-06-03 08:30", "0s"},
		{"a second past the opening", office, "2025-06-03 06:00", "2025-06-03 08:30:01", "1s"},
		{"from the close on", office, "2025-06-03 16:30", "2025-06-03 23:59", "0s"},
		{"a second before the close", office, "2025-06-03 16:29:59", "2025-06-03 23:59", "1s"},
		{"over a weekend", office, "2025-06-06 16:00", "2025-06-09 09:00", "1h"},
		{"over Canada Day", office, "2025-06-30 16:00", "2025-07-02 09:00", "1h"},
		{"the wrong way round", office, "2025-06-04 12:00", "2025-06-03 12:00", "0s"},
		{"an empty span", office, "2025-06-04 12:00", "2025-06-04 12:00", "0s"},
		{"a day of 24 hours up to midnight", shop, "2025-06-05 23:00", "2025-06-06 00:00", "1h"},
		{"Friday 23:59 is open", shop, "2025-06-06 23:59", "2025-06-07 12:00", "1m"},
		{"two days of 24 hours", shop, "2025-06-03 00:00", "2025-06-05 00:00", "48h"},
		{"the day on which clocks go forward", always, "2025-03-09 00:00", "2025-03-10 00:00", "23h"},
		{"the day on which clocks go back", always, "2025-11-02 00:00", "2025-11-03 00:00", "25h"},
		{"an opening that the clocks skip", night, "2025-03-09 00:00", "2025-03-10 00:00", "7h"},
		{"the same opening a week later", night, "2025-03-16 00:00", "2025-03-17 00:00", "7h30m"},
		{"the office does not notice either", office, "2025-10-31 16:00", "2025-11-03 09:00", "1h"},
		{"a leap year: 260 weekdays less 9 holidays", office, "2028-01-01 00:00", "2029-01-01 00:00", "2008h"},
	}
	for _, tt := range tests {
		want, err := time.ParseDuration(tt.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := tt.calendar.OpenBetween(wall(t, tt.from), wall(t, tt.to)); got != want {
			t.Errorf("%s: OpenBetween(%s, %s) = %s, want %s", tt.situation, tt.from, tt.to, got, want)
		}
	}
}

func TestAdd(t *testing.T) {
	office := deskCalendar(t)
	vendor := deskCalendar(t)
	vendor.Opens, vendor.Closes = 8*time.Hour, 17*time.Hour
	always := everyDay(office.Zone)
	tests := []struct {
		situation string
		calendar  *Calendar
		from      string
		work      time.Duration
		want      string
	}{
		{"inside a day", office, "2025-06-03 09:00", time.Hour, "2025-06-03 10:00"},
		{"up to the close, not the next opening", office, "2025-06-03 15:30", time.Hour, "2025-06-03 16:30"},
		{"a second more", office, "2025-06-03 15:30", time.Hour + time.Second, "2025-06-04 08:30:01"},
		{"from a Saturday", office, "2025-06-07 12:00", time.Hour, "2025-06-09 09:30"},
		{"nothing, outside hours", office, "2025-06-07 12:00", 0, "2025-06-07 12:00"},
		{"less than nothing", office, "2025-06-07 12:00", -time.Hour, "2025-06-07 12:00"},
		{"Friday 16:00 and four hours, open 8 to 17", vendor, "2025-06-06 16:00", 4 * time.Hour, "2025-06-09 11:00"},
		{"to midnight", always, "2025-06-03 09:00", 15 * time.Hour, "2025-06-04 00:00"},
		{"over the hour that is skipped", always, "2025-03-09 01:00", 2 * time.Hour, "2025-03-09 04:00"},
		{"over the hour that comes twice", always, "2025-11-02 00:00", 4 * time.Hour, "2025-11-02 03:00"},
	}
	for _, tt := range tests {
		if got := tt.calendar.Add(wall(t, tt.from), tt.work); !got.Equal(wall(t, tt.want)) {
			t.Errorf("%s: Add(%s, %s) = %s, want %s", tt.situation, tt.from, tt.work, got, tt.want)
		}
	}
}

func TestCalendar_NeverOpen(t *testing.T) {
	from := wall(t, "2025-06-03 09:00")
	shut := map[string]func(*Calendar){
		"no workdays":              func(c *Calendar) { c.Workdays = nil },
		"closes before it opens":   func(c *Calendar) { c.Closes = c.Opens - time.Hour },
		"closes when it opens":     func(c *Calendar) { c.Closes = c.Opens },
		"a holiday every Workday":  func(c *Calendar) { c.Workdays = []time.Weekday{time.Monday}; c.Holidays = everyMonday() },
		"more work than two eras":  func(c *Calendar) { c.Closes = c.Opens + time.Nanosecond },
		"an opening below nothing": func(c *Calendar) { c.Opens, c.Closes = -2*time.Hour, -time.Hour; c.Workdays = nil },
	}
	for name, break_ := range shut {
		office := deskCalendar(t)
		break_(office)
		if got := office.Add(from, time.Hour); !got.Equal(from) {
			t.Errorf("%s: Add = %s, want it to give up at %s", name, got, from)
		}
		if got := office.OpenBetween(from, from.AddDate(40, 0, 0)); got > time.Minute {
			t.Errorf("%s: OpenBetween = %s", name, got)
		}
	}
}

// everyMonday closes each Monday of a year under a name of its own.
func everyMonday() []HolidayRule {
	var rules []HolidayRule
	for month := time.January; month <= time.December; month++ {
		for n := 1; n <= 5; n++ {
			rules = append(rules, HolidayRule{Basis: BasisNth, Month: month, Weekday: time.Monday, Nth: n})
		}
	}
	return rules
}

func TestCalendarCheck(t *testing.T) {
	broken := map[string]func(*Calendar){
		"zone":     func(c *Calendar) { c.Zone = nil },
		"workdays": func(c *Calendar) { c.Workdays = nil },
		"closes":   func(c *Calendar) { c.Closes = 24*time.Hour + 1 },
		"optional": func(c *Calendar) { c.Optional = append(c.Optional, "Boxing") },
	}
	for field, break_ := range broken {
		office := deskCalendar(t)
		break_(office)
		var problem *FieldError
		err := office.Check()
		if !errors.As(err, &problem) || problem.Field != field {
			t.Errorf("Check = %v, want a FieldError of %s", err, field)
		}
	}
	office := deskCalendar(t)
	office.Opens, office.Closes = 0, 24*time.Hour
	err := office.Check()
	if err != nil {
		t.Errorf("Check refuses a day of 24 hours: %v", err)
	}
}

// drawCalendar draws hours that lie outside the hour which comes twice. The zones
// change by an hour at two, by half an hour, and by an hour at midnight.
func drawCalendar(t testing.TB, rt *rapid.T) *Calendar {
	c := deskCalendar(t)
	c.Zone = zoneOf(t, rapid.SampledFrom([]string{"America/Edmonton", "Australia/Lord_Howe", "Africa/Cairo", "Europe/Berlin", "UTC"}).Draw(rt, "zone"))
	c.Opens = time.Duration(rapid.SampledFrom([]int{0, 4 * 60, 8*60 + 30, 11*60 + 59}).Draw(rt, "opens")) * time.Minute
	c.Closes = time.Duration(rapid.SampledFrom([]int{13 * 60, 16*60 + 30, 22 * 60, 24 * 60}).Draw(rt, "closes")) * time.Minute
	c.Workdays = rapid.SampledFrom([][]time.Weekday{
		weekdays(time.Monday, time.Friday), weekdays(time.Sunday, time.Saturday), {time.Sunday}, {time.Friday, time.Tuesday},
	}).Draw(rt, "workdays")
	for range rapid.IntRange(0, 3).Draw(rt, "closures") {
		c.Closed = append(c.Closed, NewDate(2025, 1, rapid.IntRange(1, 365).Draw(rt, "closed")))
	}
	return c
}

// drawInstant draws a whole minute of 2025, rather often near a change of clocks.
func drawInstant(rt *rapid.T, label string) time.Time {
	near := rapid.SampledFrom([]string{"2025-03-08T12:00:00Z", "2025-11-01T12:00:00Z", "2025-04-24T12:00:00Z", "2025-06-27T12:00:00Z", "2025-12-20T12:00:00Z"})
	at, err := time.Parse(time.RFC3339, near.Draw(rt, label))
	if err != nil {
		rt.Fatal(err)
	}
	return at.Add(time.Duration(rapid.IntRange(0, 14*24*60).Draw(rt, label+" minutes")) * time.Minute)
}

func TestOpenBetween_CountsTheMinutes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCalendar(t, rt)
		from := drawInstant(rt, "from")
		to := from.Add(time.Duration(rapid.IntRange(0, 4*24*60).Draw(rt, "span")) * time.Minute)
		var want time.Duration
		works := map[Date]bool{}
		for d := DateOf(from, c.Zone); !d.After(DateOf(to, c.Zone)); d = d.AddDays(1) {
			works[d] = c.Workday(d)
		}
		for at := from; at.Before(to); at = at.Add(time.Minute) {
			shown := timeOfDay(at.In(c.Zone))
			if shown >= c.Opens && shown < c.Closes && works[DateOf(at, c.Zone)] {
				want += time.Minute
			}
		}
		if got := c.OpenBetween(from, to); got != want {
			rt.Fatalf("OpenBetween(%s, %s) = %s, want %s", from, to, got, want)
		}
	})
}

func TestAddAndOpenBetween_AreInverse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCalendar(t, rt)
		from := drawInstant(rt, "from")
		work := time.Duration(rapid.Int64Range(0, int64(500*time.Hour)).Draw(rt, "work"))
		end := c.Add(from, work)
		if got := c.OpenBetween(from, end); got != work {
			rt.Fatalf("OpenBetween(%s, %s) = %s, want the %s added", from, end, got, work)
		}
		if work > 0 && c.OpenBetween(from, end.Add(-1)) != work-1 {
			rt.Fatalf("Add(%s, %s) = %s is not the first such instant", from, work, end)
		}
		middle := from.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(from))).Draw(rt, "middle")))
		if c.OpenBetween(from, middle)+c.OpenBetween(middle, end) != work {
			rt.Fatalf("the time is not the sum of its parts at %s", middle)
		}
	})
}

func TestOpenBetween_FortyYears(t *testing.T) {
	from, to := wall(t, "1990-01-01 00:00"), wall(t, "2030-01-01 00:00")
	if got := everyDay(from.Location()).OpenBetween(from, to); got != to.Sub(from) {
		t.Errorf("forty years around the clock = %s, want %s", got, to.Sub(from))
	}
	office := deskCalendar(t)
	if got := office.Add(from, office.OpenBetween(from, to)); !got.Equal(wall(t, "2029-12-31 16:30")) {
		t.Errorf("forty years end at %s, want the last close", got)
	}
}

func TestDeadline(t *testing.T) {
	c := &Calendar{Zone: time.FixedZone("office", -6*3600)}
	for at, want := range map[string]string{
		"2026-03-05T22:30:00Z": "Thursday 5 March 2026, 16:30",
		"2026-03-06T06:00:00Z": "Thursday 5 March 2026, end of day",
		"2026-03-06T06:01:00Z": "Friday 6 March 2026, 00:01",
		"2027-01-01T06:00:00Z": "Thursday 31 December 2026, end of day",
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Deadline(instant); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}
