package schema

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"secordesk/store/secor"
)

// Options say what Print shows.
type Options struct {
	Edition   *secor.Edition // with its protocol, beside all bodies and calendars
	Uncertain bool           // only what is to be asked: values that no page of the partner or body states, and that are not the desk's own to decide
	Width     int            // of the page in characters, 80 or more
}

// page is what Print writes.
type page struct {
	strings.Builder
	width     int
	uncertain bool
	asked     string // who is to be asked about what is printed now
}

// Print writes the data for a person to read: a section for each file, a line
// for each value with its certainty and the number of its source, and the
// sources below. Uncertain sections stand below who is to be asked.
func (l *Loaded) Print(w io.Writer, o Options) error {
	p := &page{width: o.Width, uncertain: o.Uncertain}
	for _, s := range l.sections {
		other := path.Dir(s.file) == "programme" && s.file != "programme/"+o.Edition.ID+".json" ||
			path.Dir(s.file) == "protocol" && s.file != "protocol/"+o.Edition.Protocol+".json"
		if !other {
			p.section(s)
		}
	}
	_, err := io.WriteString(w, strings.TrimPrefix(p.String(), "\n"))
	return err
}

func (p *page) section(s section) {
	values := s.values
	if p.uncertain {
		values = summary(slices.DeleteFunc(slices.Clone(values), func(v Value) bool { return v.Own || v.Certainty == CertaintyPage }))
	}
	if len(values) == 0 {
		return
	}
	p.whomToAsk(path.Dir(s.file))
	fmt.Fprintf(p, "\n%s\n%s\n\n", strings.Join(wrap(s.heading, p.width), "\n"), s.file)
	width := 0
	for _, v := range values {
		width = min(p.width*9/20, max(width, utf8.RuneCountInString(v.Title)))
	}
	var sources []string
	for _, v := range values {
		if !slices.Contains(sources, v.Source) {
			sources = append(sources, v.Source)
		}
		p.value(v, width, slices.Index(sources, v.Source)+1)
	}
	p.WriteString("\n")
	for i, source := range sources {
		for n, line := range wrap(source, p.width-7) {
			mark := ""
			if n == 0 {
				mark = fmt.Sprintf("[%d]", i+1)
			}
			fmt.Fprintf(p, "  %-4s %s\n", mark, line)
		}
	}
}

// whomToAsk writes a heading above the first uncertain section of a folder.
func (p *page) whomToAsk(folder string) {
	asked := map[string]string{
		"programme": "Ask the partner, or look it up in the partner's manual",
		"protocol":  "Ask the partner, or look it up in the partner's manual",
		"bodies":    "Ask the governing body",
		"calendar":  "Look up in the law of the province",
	}[folder]
	if p.uncertain && asked != p.asked {
		fmt.Fprintf(p, "\n%s\n%s\n", asked, strings.Repeat("=", utf8.RuneCountInString(asked)))
		p.asked = asked
	}
}

// mostOfOneSource is how many values of one source an uncertain section lists
// one by one: more are one question, not many.
const mostOfOneSource = 12

// summary puts one line in the place of many values of one source.
func summary(values []Value) []Value {
	of := map[string][]Value{}
	for _, v := range values {
		of[v.Source] = append(of[v.Source], v)
	}
	var kept []Value
	for _, v := range values {
		same := of[v.Source]
		switch {
		case len(same) <= mostOfOneSource:
			kept = append(kept, v)
		case v == same[0]:
			v.Title += " to " + same[len(same)-1].Title
			v.Value = count(len(same), "value") + "; all are listed without --uncertain"
			kept = append(kept, v)
		}
	}
	return kept
}

// value writes a value in columns: title, value, certainty, number of the source.
func (p *page) value(v Value, width, source int) {
	const rest = len("  " + "  " + "  page [99]")
	room := p.width - width - rest
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
		p.WriteString(strings.TrimRight(line, " ") + "\n")
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
