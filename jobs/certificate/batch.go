package certificate

import (
	"errors"
	"fmt"
	"regexp"
)

// Envelope is what goes into one: the letter always, the certificate where this office prints it.
type Envelope struct {
	Cover       Cover
	Certificate *Certificate // nil where the governing body's own paper is put in
}

func (e Envelope) pages() int {
	if e.Certificate != nil {
		return 2
	}
	return 1
}

// RenderBatch returns one PDF for the printer: a list of the envelopes under the title, then the pages of each envelope
// in the given order. The list is in English and dated as the first letter. It returns a *FieldError as Render does,
// whose Field begins with the envelope's place, e.g. "Envelopes[3].Cover.Address[0]"; one that cannot be printed stops
// the whole batch.
func (r *Renderer) RenderBatch(title string, envelopes []Envelope) ([]byte, error) {
	title = joined(title)
	var printed []Envelope
	for _, e := range envelopes {
		printed = append(printed, e.joined())
	}
	pages, err := r.composeBatch(title, printed)
	if err != nil {
		return nil, err
	}
	return write(pages, label{title: title, author: envelopes[0].Cover.Sender[0], date: envelopes[0].Cover.Date, language: "en-CA"})
}

func (r *Renderer) composeBatch(title string, envelopes []Envelope) ([]*page, error) {
	err := r.filled("title", title)
	if err != nil {
		return nil, err
	}
	if len(envelopes) == 0 {
		return nil, &FieldError{"Envelopes", "are missing"}
	}
	var papers []*page
	for i, e := range envelopes {
		p, err := r.composeCover(e.Cover)
		if err != nil {
			return nil, within(fmt.Sprintf("Envelopes[%d].Cover", i), err)
		}
		papers = append(papers, p)
		if e.Certificate == nil {
			continue
		}
		p, err = r.compose(*e.Certificate)
		if err != nil {
			return nil, within(fmt.Sprintf("Envelopes[%d].Certificate", i), err)
		}
		papers = append(papers, p)
	}
	lists, err := r.composeLists(title, envelopes, len(papers))
	if err != nil {
		return nil, err
	}
	return append(lists, papers...), nil
}

// within puts the place of a part before the name of its field.
func within(place string, err error) error {
	var field *FieldError
	if errors.As(err, &field) {
		return &FieldError{place + "." + field.Field, field.Problem}
	}
	return fmt.Errorf("%s: %w", place, err)
}

// listRows is how many envelopes stand on one page of the list.
const listRows = 40

func (r *Renderer) composeLists(title string, envelopes []Envelope, papers int) ([]*page, error) {
	var lists []*page
	sheets := (len(envelopes) + listRows - 1) / listRows
	for from := 0; from < len(envelopes); from += listRows {
		p := &page{width: letterShort, height: letterLong}
		head, err := box{r.bold, coverRight - coverLeft, []step{{1, 16, 9}, {2, 9, 7}}, false}.fit("title", title)
		if err != nil {
			return nil, err
		}
		p.column(head, coverLeft, 44, 1.2, left, pine)
		count := fmt.Sprintf("%s, %s behind this list · %s", several(len(envelopes), "envelope"), several(papers, "page"),
			english().day(envelopes[0].Cover.Date))
		p.put(r.regular, 9.5, coverLeft, 80, left, ink, count)
		p.put(r.regular, 9.5, coverLeft, 94, left, slate, "Print on one side of the paper, in this order; tick each envelope when it is filled.")
		r.composeList(p, envelopes, from, min(from+listRows, len(envelopes)))
		p.put(r.regular, 8, coverRight, coverBottom+14, right, slate, fmt.Sprintf("List %d of %d", len(lists)+1, sheets))
		lists = append(lists, p)
	}
	return lists, nil
}

func several(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// column is one of a table: its values begin at x, or end there, and are at most as wide.
type column struct {
	head     string
	x, width float64
	align    float64
}

// composeList sets the envelopes from and up to, not including, to. A value that is too long for its column is cut: the
// envelope itself has it whole.
func (r *Renderer) composeList(p *page, envelopes []Envelope, from, to int) {
	const top, height, square = 124.0, 14.5, 7.0
	columns := []column{{"No.", coverLeft + 38, 28, right}, {"Reference", coverLeft + 52, 150, left}, {"Name", coverLeft + 208, 186, left},
		{"Postal code", coverLeft + 402, 46, left}, {"Pages", coverRight, 26, right}}
	for _, c := range columns {
		p.put(r.regular, 8, c.x, top-6, c.align, slate, c.head)
	}
	rules := &pen{}
	rules.op("q")
	rules.stroke(pine, 1)
	rules.line(coverLeft, letterLong-top, coverRight, letterLong-top)
	for i := from; i < to; i++ {
		e := envelopes[i]
		y := top + height*float64(i-from)
		values := []string{fmt.Sprint(i + 1), e.Cover.Reference, e.Cover.Address[0], postalCode(e.Cover.Address), fmt.Sprint(e.pages())}
		for n, c := range columns {
			p.put(r.regular, 8.5, c.x, y+10.5, c.align, ink, r.regular.cut(values[n], 8.5, c.width))
		}
		rules.stroke(slate, 0.6)
		rules.op("%.2f %.2f %.2f %.2f re S", coverLeft+1, letterLong-y-11, square, square)
		rules.stroke(mist, 0.8)
		rules.line(coverLeft, letterLong-y-height, coverRight, letterLong-y-height)
	}
	rules.op("Q")
	p.drawing += rules.String()
}

var canadianCode = regexp.MustCompile(`\b[A-Z]\d[A-Z] ?\d[A-Z]\d\b`)

// postalCode finds an address's Canadian postal code from below; elsewhere in the world the list shows none.
func postalCode(address []string) string {
	for i := len(address) - 1; i >= 0; i-- {
		code := canadianCode.FindString(address[i])
		if code != "" {
			return code
		}
	}
	return ""
}
