package certificate

import (
	"fmt"
	"strings"
	"time"
)

// Cover is a letter of one page that goes with a certificate in a #10 envelope with a window on the left. Language, Reference,
// Subject and Enclosures may be empty, nothing else.
type Cover struct {
	Language   string    // of the fixed words: English (which "" is, too) or French
	Sender     []string  // the office's name, then its address and how to reach it: 1 to 6 lines
	Address    []string  // of the reader, as the post wants it: 1 to 6 lines
	Date       time.Time // the date in the time's own zone
	Reference  string
	Subject    string
	Salutation string   // e.g. "Dear Ms. Núñez,"
	Body       []string // paragraphs
	Closing    string   // e.g. "Yours sincerely,"
	Signatory  Signatory
	Enclosures []string
}

// A #10 envelope is 9.5 by 4.125 inches; its window of 4.5 by 1.125 begins 0.875 from the left and 0.5 from the bottom.
// A sheet folded in three (3.667 high, 8.5 wide) slides in it by an inch sideways and 0.458 up and down. What the
// window may show, wherever the sheet slides, is the pane; what it always shows is narrower: the address starts at the
// pane's middle height and 0.9375 from the left.
const (
	paneTop       = 2.04 * 72
	paneBottom    = 3.63 * 72
	paneRight     = 5.375 * 72
	addressLeft   = 0.9375 * 72
	addressMiddle = 2.835 * 72
	addressWidth  = 3.4 * 72
	addressHeight = 72
	fold          = 11.0 * 72 / 3

	coverLeft   = 0.9375 * 72
	coverRight  = letterShort - coverLeft
	coverBottom = letterLong - 0.75*72
)

func (r *Renderer) validateCover(c Cover) error {
	err := r.validatePost(c.Sender, c.Address)
	if err != nil {
		return err
	}
	err = r.some("Body", c.Body, 20)
	if err != nil {
		return err
	}
	if c.Date.IsZero() {
		return &FieldError{"Date", "is missing"}
	}
	required := []struct{ field, value string }{
		{"Salutation", c.Salutation}, {"Closing", c.Closing},
		{"Signatory.Name", c.Signatory.Name}, {"Signatory.Title", c.Signatory.Title},
	}
	for _, f := range required {
		err := r.filled(f.field, f.value)
		if err != nil {
			return err
		}
	}
	err = r.printable("Reference", c.Reference)
	if err != nil {
		return err
	}
	err = r.printable("Subject", c.Subject)
	if err != nil {
		return err
	}
	return r.allFilled("Enclosures", c.Enclosures)
}

// validatePost is for what every letter has.
func (r *Renderer) validatePost(sender, address []string) error {
	err := r.some("Sender", sender, 6)
	if err != nil {
		return err
	}
	return r.some("Address", address, 6)
}

// some is allFilled for a field with at least one line.
func (r *Renderer) some(field string, lines []string, most int) error {
	if len(lines) < 1 || len(lines) > most {
		return &FieldError{field, fmt.Sprintf("has %d lines; 1 to %d can be printed", len(lines), most)}
	}
	return r.allFilled(field, lines)
}

// RenderCover returns c as a PDF of one portrait Letter page, with its address where the envelope's window is and
// nothing else there. It returns a *FieldError as Render does, and for a letter that does not fit on one page.
func (r *Renderer) RenderCover(c Cover) ([]byte, error) {
	c = c.joined()
	p, err := r.composeCover(c)
	if err != nil {
		return nil, err
	}
	w, err := wordsOf("Language", c.Language)
	if err != nil {
		return nil, err
	}
	return write([]*page{p}, label{title: strings.TrimSpace(c.Subject + " " + c.Reference), author: c.Sender[0], date: c.Date, language: w.tag})
}

func (r *Renderer) composeCover(c Cover) (*page, error) {
	w, err := wordsOf("Language", c.Language)
	if err != nil {
		return nil, err
	}
	err = r.validateCover(c)
	if err != nil {
		return nil, err
	}
	p := &page{width: letterShort, height: letterLong}
	err = r.composeSender(p, c.Sender)
	if err != nil {
		return nil, err
	}
	facts := []fact{{"Date", w.cover.date, w.day(c.Date)}, {"Reference", w.cover.reference, c.Reference}}
	err = r.composeBeside(p, facts, addressMiddle-22)
	if err != nil {
		return nil, err
	}
	err = r.composeAddress(p, c.Address)
	if err != nil {
		return nil, err
	}
	err = r.composeLetter(p, c, w)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// composeSender sets who writes above the pane, and the marks where to fold.
func (r *Renderer) composeSender(p *page, sender []string) error {
	name, err := box{r.bold, coverRight - coverLeft, []step{{1, 15, 9}, {2, 9, 7}}, false}.fit("Sender[0]", sender[0])
	if err != nil {
		return err
	}
	y := p.column(name, coverLeft, 44, 1.25, left, pine)
	for i, s := range sender[1:] {
		t, err := box{r.regular, coverRight - coverLeft, []step{{1, 8.5, 6}}, false}.fit(fmt.Sprintf("Sender[%d]", i+1), s)
		if err != nil {
			return err
		}
		y = p.column(t, coverLeft, y, 1.3, left, slate)
	}
	d := &pen{}
	d.op("q")
	d.stroke(brass, 0.9)
	d.line(coverLeft, letterLong-36, coverRight, letterLong-36)
	d.stroke(slate, 0.4)
	for _, y := range []float64{fold, 2 * fold} { // where to fold
		d.line(12, letterLong-y, 22, letterLong-y)
	}
	d.op("Q")
	p.drawing += d.String()
	return nil
}

// fact is a value under its small heading; without a value nothing is printed.
type fact struct{ field, head, value string }

// composeBeside sets facts to the right of the pane, from the top y on.
func (r *Renderer) composeBeside(p *page, facts []fact, y float64) error {
	x := paneRight + 14
	for _, k := range facts {
		if k.value == "" {
			continue
		}
		t, err := box{r.regular, coverRight - x, []step{{1, 10.5, 8}, {2, 8, 6}, {3, 6, 5}}, false}.fit(k.field, k.value)
		if err != nil {
			return err
		}
		p.put(r.regular, 7, x, y, left, slate, k.head)
		y = p.column(t, x, y+3, 1.2, left, ink) + 15
	}
	return nil
}

// composeAddress centres the lines on the window's middle height, all in one size. A line that is too long becomes
// smaller first, then two or more, for a company's name may have 200 characters.
func (r *Renderer) composeAddress(p *page, address []string) error {
	const leading = 12 / 10.5
	for _, try := range []struct {
		most, least   float64
		lines, broken bool
	}{{10.5, 8.5, false, false}, {10.5, 6.5, true, false}, {6.5, 6, true, true}} {
		for size := try.most; size >= try.least; size -= 0.5 {
			t := text{face: r.regular, size: size}
			whole := true
			for _, s := range address {
				lines, unbroken := r.regular.wrap(s, size, addressWidth)
				t.lines = append(t.lines, lines...)
				whole = whole && unbroken
			}
			height := leading * size * float64(len(t.lines))
			if height > addressHeight || !whole && !try.broken || len(t.lines) > len(address) && !try.lines {
				continue
			}
			p.column(t, addressLeft, addressMiddle-height/2, leading, left, ink)
			return nil
		}
	}
	return &FieldError{"Address", "is too long to be read in an envelope's window; shorten it"}
}

// composeLetter sets the letter below the pane, in the largest size at which it leaves the page's foot free.
func (r *Renderer) composeLetter(p *page, c Cover, w *words) error {
	for size := 10.5; size >= 8; size -= 0.5 {
		body := &page{}
		y := r.composeBody(body, c, w, size)
		if y <= coverBottom {
			p.runs = append(p.runs, body.runs...)
			return nil
		}
	}
	return &FieldError{"Body", "does not fit on one page; shorten it"}
}

// composeBody returns the y at which the letter ends.
func (r *Renderer) composeBody(p *page, c Cover, w *words, size float64) float64 {
	const leading = 1.35
	y := paneBottom + 18
	paragraph := func(f *face, s string) {
		lines, _ := f.wrap(s, size, coverRight-coverLeft)
		y = p.column(text{f, size, lines}, coverLeft, y, leading, left, ink) + 0.6*size
	}
	paragraph(r.regular, c.Salutation)
	if c.Subject != "" {
		paragraph(r.bold, c.Subject)
	}
	for _, s := range c.Body {
		paragraph(r.regular, s)
	}
	y += 0.6 * size
	paragraph(r.regular, c.Closing)
	y += 3 * size * leading // for the signature
	paragraph(r.bold, c.Signatory.Name)
	y -= 0.6 * size
	paragraph(r.regular, c.Signatory.Title)
	if len(c.Enclosures) > 0 {
		y += 0.6 * size
		paragraph(r.regular, w.cover.enclosed[min(len(c.Enclosures), 2)-1]+strings.Join(c.Enclosures, "; "))
	}
	return y
}
