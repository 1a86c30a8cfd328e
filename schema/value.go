package schema

import (
	"fmt"
	"strings"
	"time"

	"secordesk/store/secor"
)

// Certainty says how well a value is known.
type Certainty string

const (
	CertaintyPage Certainty = "page" // the partner's or body's own page or document says so
	CertaintyPeer Certainty = "peer" // taken from another partner or from somebody who describes it
	CertaintyOurs Certainty = "ours" // our assumption; ask the governing body
)

// Value is one value of the data as a person reads it.
type Value struct {
	File      string // "programme/esc-2023.json"
	Pointer   string // JSON Pointer inside the file
	Title     string // "Pass mark, certification: overall"
	Value     string // "80 %"
	Source    string
	Certainty Certainty
	Own       bool // this desk decides it alone, so there is nobody to ask
}

// origin is where a value comes from.
type origin struct {
	Source    string    `json:"source"`
	Certainty Certainty `json:"certainty"`
}

// or returns the origin, or the one it inherits where it states none itself.
func (o origin) or(inherited origin) origin {
	if o.Source == "" {
		return inherited
	}
	return o
}

// sourced is a value that states its own origin.
type sourced[T any] struct {
	origin
	Value T `json:"value"`
}

// reading is one file on its way into the rules' types. Every value passes
// through it, so that none is used without being listed.
type reading struct {
	file     string
	heading  string
	values   []Value
	problems Problems
}

// take lists a sourced value and returns it. Format shows it to a person.
func take[T any](r *reading, pointer, title, format string, leaf sourced[T]) T {
	r.list(pointer, title, fmt.Sprintf(format, leaf.Value), leaf.origin)
	return leaf.Value
}

func (r *reading) list(pointer, title, value string, from origin) {
	r.values = append(r.values, Value{
		File: r.file, Pointer: pointer, Title: title, Value: value, Source: from.Source, Certainty: from.Certainty,
	})
}

// own marks the values that were listed since there were that many as decided by
// this desk alone.
func (r *reading) own(since int) {
	for i := range r.values[since:] {
		r.values[since+i].Own = true
	}
}

func (r *reading) complain(pointer, format string, args ...any) {
	r.problems = append(r.problems, Problem{File: r.file, Pointer: pointer, Reason: fmt.Sprintf(format, args...)})
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// The types below read what JSON has no type for. The schemas let only what
// they can read come this far.

type date secor.Date

func (d *date) UnmarshalText(text []byte) error {
	parsed, err := secor.ParseDate(string(text))
	*d = date(parsed)
	return err
}

func (d date) String() string { return secor.Date(d).Long() }

type cents secor.Cents

func (c *cents) UnmarshalText(text []byte) error {
	parsed, err := secor.ParseCents(string(text))
	*c = cents(parsed)
	return err
}

func (c cents) String() string { return secor.Cents(c).String() }

// points are written as text or as a JSON number; both are read exactly.
type points secor.Points

func (p *points) UnmarshalJSON(data []byte) error {
	parsed, err := secor.ParsePoints(strings.Trim(string(data), `"`))
	*p = points(parsed)
	return err
}

func (p points) String() string {
	return strings.TrimSuffix(secor.Points(p).String(), ".00")
}

// yesNo is a boolean that a person reads.
type yesNo bool

func (f yesNo) String() string {
	if f {
		return "yes"
	}
	return "no"
}

// list is a list that a person reads.
type list[T any] []T

func (l list[T]) String() string {
	if len(l) == 0 {
		return "none given"
	}
	words := make([]string, len(l))
	for i, item := range l {
		words[i] = fmt.Sprint(item)
	}
	return strings.Join(words, ", ")
}

// clock is a time of day since midnight; 24:00 is the next midnight.
type clock time.Duration

func (c *clock) UnmarshalText(text []byte) error {
	var hours, minutes int
	_, err := fmt.Sscanf(string(text), "%d:%d", &hours, &minutes)
	*c = clock(time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
	return err
}

func (c clock) String() string {
	d := time.Duration(c)
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

type month time.Month

func (m *month) UnmarshalText(text []byte) error {
	for name := time.January; name <= time.December; name++ {
		if strings.EqualFold(name.String(), string(text)) {
			*m = month(name)
			return nil
		}
	}
	return fmt.Errorf("%q is not a month", text)
}

type weekday time.Weekday

func (w *weekday) UnmarshalText(text []byte) error {
	for name := time.Sunday; name <= time.Saturday; name++ {
		if strings.EqualFold(name.String(), string(text)) {
			*w = weekday(name)
			return nil
		}
	}
	return fmt.Errorf("%q is not a weekday", text)
}

func (w weekday) String() string { return time.Weekday(w).String() }
