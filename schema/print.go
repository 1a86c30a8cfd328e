package schema

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"secordesk/store/secor"
)

// Options say what Print shows.
type Options struct {
	Edition   string // only this edition and its protocol, beside bodies and calendars; "": everything
	Uncertain bool   // only values that no page of the partner or body states
}

// The printed page: its width and the widest column of titles, in characters.
const (
	pageWidth  = 104
	titleWidth = 46
)

// Print writes the data for a person to read: a section for each file, a line
// for each value with its certainty and the number of its source, and the
// sources below. An edition that does not exist is a secor.FieldError.
func (l *Loaded) Print(w io.Writer, o Options) error {
	protocol := ""
	if o.Edition != "" {
		e := l.Programme.Editions[o.Edition]
		if e == nil {
			known := strings.Join(sortedKeys(l.Programme.Editions), ", ")
			return &secor.FieldError{Field: "edition", Value: o.Edition, Problem: "is not an edition; there is " + known}
		}
		protocol = e.Protocol
	}
	var page strings.Builder
	for _, s := range l.sections {
		switch {
		case o.Edition != "" && strings.HasPrefix(s.file, "programme/") && s.file != "programme/"+o.Edition+".json":
		case protocol != "" && strings.HasPrefix(s.file, "protocol/") && s.file != "protocol/"+protocol+".json":
		default:
			s.print(&page, o.Uncertain)
		}
	}
	_, err := io.WriteString(w, strings.TrimPrefix(page.String(), "\n"))
	return err
}

func (s section) print(page *strings.Builder, uncertain bool) {
	values := s.values
	if uncertain {
		values = slices.DeleteFunc(slices.Clone(values), func(v Value) bool { return v.Certainty == CertaintyPage })
	}
	if len(values) == 0 {
		return
	}
	fmt.Fprintf(page, "\n%s\n%s\n\n", s.heading, s.file)
	width := 0
	for _, v := range values {
		width = min(titleWidth, max(width, utf8.RuneCountInString(v.Title)))
	}
	var sources []string
	for _, v := range values {
		if !slices.Contains(sources, v.Source) {
			sources = append(sources, v.Source)
		}
		v.print(page, width, slices.Index(sources, v.Source)+1)
	}
	page.WriteString("\n")
	for i, source := range sources {
		for n, line := range wrap(source, pageWidth-7) {
			mark := ""
			if n == 0 {
				mark = fmt.Sprintf("[%d]", i+1)
			}
			fmt.Fprintf(page, "  %-4s %s\n", mark, line)
		}
	}
}

// print writes a value in columns: title, value, certainty, number of the source.
func (v Value) print(page *strings.Builder, width, source int) {
	const rest = len("    page [99]")
	room := pageWidth - width - rest
	titles, values := wrap(v.Title, width), wrap(v.Value, room)
	for i := range max(len(titles), len(values)) {
		title, value, end := "", "", ""
		if i < len(titles) {
			title = titles[i]
		}
		if i < len(values) {
			value = values[i]
		}
		if i == 0 {
			end = fmt.Sprintf("%s [%d]", v.Certainty, source)
		}
		line := fmt.Sprintf("  %-*s  %-*s  %s", width, title, room, value, end)
		page.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// wrap breaks text between words into lines of at most width characters; a word
// that is longer has a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
