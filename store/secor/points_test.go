package secor

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParsePoints(t *testing.T) {
	good := map[string]Points{"5": 500, "3.5": 350, "3.50": 350, "0": 0, "0.01": 1, "007": 700, "1000000": MaxPoints, "1000000.00": MaxPoints}
	for text, want := range good {
		got, err := ParsePoints(text)
		if err != nil || got != want {
			t.Errorf("ParsePoints(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", " 5", "5 ", "+5", "-5", "3.555", "3.", ".5", "1e3", "0x10", "1_000", "1,5", "NaN", "Inf", "٣", "5\x00", "3.5.0",
		"1000000.01", "999999999999", "9999999999999", strings.Repeat("9", 1<<20)} {
		_, err := ParsePoints(text)
		mustRefuse(t, err, ErrField)
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("a sentence of %d bytes", len(err.Error()))
		}
	}
}

func TestParseCents(t *testing.T) {
	good := map[string]string{"150": "$150.00", "$150.5": "$150.50", "0.05": "$0.05", "999999999999.99": "$999999999999.99"}
	for text, want := range good {
		got, err := ParseCents(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseCents(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "$", "$$5", "-5", "1,000.00", "5.005", "150 $", "CAD 5"} {
		_, err := ParseCents(text)
		mustRefuse(t, err, ErrField, "at most two decimals")
	}
	if got := Cents(-1050).String(); got != "-$10.50" {
		t.Errorf("too much by 10.50 shows as %s", got)
	}
	if got := Cents(-5).String(); got != "-$0.05" {
		t.Errorf("too much by five cents shows as %s", got)
	}
}

func TestPoints_RoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := Points(rapid.Int64Range(0, int64(MaxPoints)).Draw(rt, "points"))
		got, err := ParsePoints(p.String())
		if err != nil || got != p {
			rt.Fatalf("ParsePoints(%s) = %d, %v", p, got, err)
		}
	})
}

func FuzzParsePoints(f *testing.F) {
	for _, seed := range []string{"3.50", "5", "-1", "1e9", ".", "999999999999.99", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePoints(text)
		if err != nil {
			if !errors.Is(err, ErrField) {
				t.Fatalf("ParsePoints(%q): a fault: %v", text, err)
			}
			return
		}
		again, err := ParsePoints(p.String())
		if p < 0 || p > MaxPoints || err != nil || again != p {
			t.Fatalf("ParsePoints(%q) = %d, and of %s: %d, %v", text, p, p, again, err)
		}
	})
}

func FuzzParseCents(f *testing.F) {
	for _, seed := range []string{"$150.00", "0.1", "$", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCents(text)
		if err != nil {
			return
		}
		again, err := ParseCents(c.String())
		if c < 0 || err != nil || again != c {
			t.Fatalf("ParseCents(%q) = %d, and of %s: %d, %v", text, c, c, again, err)
		}
	})
}
