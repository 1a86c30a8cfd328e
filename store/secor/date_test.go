package secor

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	for _, text := range []string{"2026-03-25", "2024-02-29", "0001-01-01", "9999-12-31"} {
		if got := day(t, text).String(); got != text {
			t.Errorf("ParseDate(%q) is %q", text, got)
		}
	}
	for _, text := range []string{"", "2026-02-29", "2026-2-3", "26-02-03", "2026-13-01", "2026-00-10", "25/03/2026", "2026-03-25T00:00:00Z",
		" 2026-03-25", "2026-03-25\n", "10000-01-01", "-001-01-01", "tomorrow"} {
		_, err := ParseDate(text)
		mustRefuse(t, err, ErrField, "write it as 2026-03-25")
	}
}

func TestDateOf_IsTheDayOnTheWall(t *testing.T) {
	at := time.Date(2026, time.March, 26, 5, 30, 0, 0, time.UTC)
	if got := DateOf(at, zoneOf(t, "America/Edmonton")).String(); got != "2026-03-25" {
		t.Errorf("23:30 in Edmonton is on %s", got)
	}
	if got := DateOf(at, time.UTC).String(); got != "2026-03-26" {
		t.Errorf("05:30 UTC is on %s", got)
	}
}

func TestAddYears(t *testing.T) {
	tests := []struct {
		from  string
		years int
		want  string
	}{
		{"2026-03-25", 3, "2029-03-25"}, {"2024-02-29", 1, "2025-02-28"}, {"2024-02-29", 4, "2028-02-29"}, {"2024-02-29", -1, "2023-02-28"},
		{"2025-02-28", 3, "2028-02-28"}, {"2026-12-31", 1, "2027-12-31"}, {"2026-03-25", 0, "2026-03-25"},
	}
	for _, tt := range tests {
		if got := day(t, tt.from).AddYears(tt.years).String(); got != tt.want {
			t.Errorf("%s and %d years is %s, want %s", tt.from, tt.years, got, tt.want)
		}
	}
}

func TestDate_ZeroAndWords(t *testing.T) {
	var unknown Date
	if !unknown.IsZero() || unknown.String() != "" {
		t.Errorf("the zero date is %q", unknown)
	}
	if got := day(t, "2026-03-05").Long(); got != "5 March 2026" {
		t.Errorf("Long = %q", got)
	}
	if got := NewDate(2026, time.April, 31).String(); got != "2026-05-01" {
		t.Errorf("31 April is %s", got)
	}
	if got := day(t, "2026-03-25").Weekday(); got != time.Wednesday {
		t.Errorf("25 March 2026 is a %s", got)
	}
	if got := day(t, "2026-03-01").AddDays(-1).String(); got != "2026-02-28" {
		t.Errorf("the day before 1 March 2026 is %s", got)
	}
}

func TestSpanCovers_BothEndsIncluded(t *testing.T) {
	span := Span{From: day(t, "2026-03-10"), To: day(t, "2026-03-20")}
	for text, want := range map[string]bool{"2026-03-09": false, "2026-03-10": true, "2026-03-20": true, "2026-03-21": false} {
		if got := span.Covers(day(t, text)); got != want {
			t.Errorf("%s: Covers = %t", text, got)
		}
	}
	if !(Span{From: day(t, "2026-03-10")}).Covers(day(t, "2099-01-01")) {
		t.Error("a span without an end does end")
	}
	if !(Span{To: day(t, "2026-03-20")}).Covers(day(t, "1999-01-01")) {
		t.Error("a span without a beginning does begin")
	}
}

func TestDate_OrderIsTheCalendars(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base := Date{2020, time.January, 1}
		a, b := rapid.IntRange(0, 5000).Draw(rt, "a"), rapid.IntRange(0, 5000).Draw(rt, "b")
		x, y := base.AddDays(a), base.AddDays(b)
		if x.Before(y) != (a < b) || x.After(y) != (a > b) || (x.Compare(y) == 0) != (x == y) || x.AddDays(b-a) != y {
			rt.Fatalf("%s and %s", x, y)
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2026-03-25", "2024-02-29", "0000-01-01", "2026-3-25", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDate(text)
		if err == nil && d.String() != text {
			t.Fatalf("ParseDate(%q) is %q", text, d)
		}
	})
}
