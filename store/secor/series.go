package secor

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Series is how this office numbers certificates where a body leaves that to it.
type Series struct {
	before, after string // of the serial; {year} stands for the year of issue
	width         int
}

var serialMark = regexp.MustCompile(`\{0+\}`)

// ParseSeries reads text with one run of zeros in braces, the serial, and at most
// one {year}, the year of issue: "SK-{year}-{0000}". A series with a year begins
// anew with each.
func ParseSeries(text string) (Series, error) {
	marks := serialMark.FindAllStringIndex(text, -1)
	if len(marks) != 1 || strings.Count(text, "{year}") > 1 {
		return Series{}, &FieldError{Value: text, Problem: "is not a series such as SK-{year}-{0000}"}
	}
	s := Series{before: text[:marks[0][0]], after: text[marks[0][1]:], width: marks[0][1] - marks[0][0] - 2}
	if strings.ContainsAny(strings.Replace(s.before+s.after, "{year}", "", 1), "{}") {
		return Series{}, &FieldError{Value: text, Problem: "has braces that mean nothing; there is {year} and a serial such as {0000}"}
	}
	return s, nil
}

// Number returns the number of a serial in a year of issue. A serial that has more
// digits than the series shows is written out.
func (s Series) Number(year, serial int) string {
	before, after := s.around(year)
	return before + fmt.Sprintf("%0*d", s.width, serial) + after
}

// Serial returns the serial of a number of the series in a year; false when it is
// none of its numbers.
func (s Series) Serial(year int, number string) (int, bool) {
	before, after := s.around(year)
	digits, begins := strings.CutPrefix(number, before)
	digits, ends := strings.CutSuffix(digits, after)
	if !begins || !ends || len(digits) < s.width {
		return 0, false
	}
	serial, err := strconv.ParseUint(digits, 10, 31)
	return int(serial), err == nil
}

func (s Series) around(year int) (string, string) {
	in := func(text string) string { return strings.Replace(text, "{year}", strconv.Itoa(year), 1) }
	return in(s.before), in(s.after)
}
