package certificate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/gofont/gosmallcaps"
)

// A Letter sheet, in points (1/72 inch). All places on a page are counted from its upper left corner.
const (
	letterShort = 612
	letterLong  = 792
)

// Renderer makes certificates, cover letters, invoices and batches. It has parsed its fonts; it does not change, may be used by many
// goroutines, and gives the same bytes for the same input.
type Renderer struct {
	regular, bold, caps *face
	frame               *form // the certificate's border and mark
	codes               *qrCodes
}

// NewRenderer parses the fonts. One Renderer serves a whole process.
func NewRenderer() (*Renderer, error) {
	regular, err := newFace("Go-Regular", goregular.TTF)
	if err != nil {
		return nil, err
	}
	bold, err := newFace("Go-Bold", gobold.TTF)
	if err != nil {
		return nil, err
	}
	caps, err := newFace("Go-Smallcaps", gosmallcaps.TTF)
	if err != nil {
		return nil, err
	}
	for c := range regular.glyphs {
		if !bold.has(c) || !caps.has(c) {
			return nil, fmt.Errorf("the fonts differ: %c (U+%04X) is not in all of them", c, c)
		}
	}
	border, err := newForm("Frame", frame(), letterLong, letterShort)
	if err != nil {
		return nil, err
	}
	return &Renderer{regular: regular, bold: bold, caps: caps, frame: border, codes: newQRCodes()}, nil
}

// FieldError says which field of a certificate or letter cannot be printed, and what to do about it.
type FieldError struct {
	Field   string
	Problem string
}

func (e *FieldError) Error() string { return fmt.Sprintf("cannot print: %s %s", e.Field, e.Problem) }

// printable returns a *FieldError unless each character of s is in all of the fonts.
func (r *Renderer) printable(field, s string) error {
	if !utf8.ValidString(s) {
		return &FieldError{field, "is not valid UTF-8"}
	}
	var missing []string
	for _, c := range s {
		if !unicode.IsGraphic(c) {
			return &FieldError{field, fmt.Sprintf("has the invisible character U+%04X; remove it", c)}
		}
		shown := fmt.Sprintf("%c (U+%04X)", c, c)
		if !r.regular.has(c) && !slices.Contains(missing, shown) {
			missing = append(missing, shown)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	const most = 8
	if len(missing) > most {
		missing = append(missing[:most], fmt.Sprintf("and %d more", len(missing)-most))
	}
	return &FieldError{field, "has what the fonts do not have: " + strings.Join(missing, ", ") + "; write it in Latin, Greek or Cyrillic letters"}
}

// filled is printable for a field that must not be empty.
func (r *Renderer) filled(field, s string) error {
	if strings.TrimSpace(s) == "" {
		return &FieldError{field, "is missing"}
	}
	return r.printable(field, s)
}

// run is one line of text on the page; x and y are where its baseline begins.
type run struct {
	face *face
	size float64
	x, y float64
	tint colour
	s    string
}

// page is a composed sheet: everything has its place, nothing is written yet.
type page struct {
	width, height float64
	form          *form  // what the page has in common with others, or nil
	drawing       string // PDF operators; drawn after the form
	runs          []run
	links         []link
}

type link struct {
	x, y, width, height float64
	url                 string
}

// alignments of a line at x.
const (
	left   = 0
	centre = 0.5
	right  = 1
)

// put sets one line, aligned at x.
func (p *page) put(f *face, size, x, y float64, align float64, tint colour, s string) {
	p.runs = append(p.runs, run{f, size, x - align*f.width(s, size), y, tint, s})
}

// column sets lines below each other, each leading times its size high, from the top y on, and returns where they end.
func (p *page) column(t text, x, y, leading, align float64, tint colour) float64 {
	for _, s := range t.lines {
		p.put(t.face, t.size, x, y+0.8*leading*t.size, align, tint, s)
		y += leading * t.size
	}
	return y
}

// label is what a document says about itself.
type label struct {
	title, author string
	date          time.Time
	language      string
}

// write makes the PDF of the pages. Its dates are the day of l, never the present.
func write(pages []*page, l label) ([]byte, error) {
	pdf := fpdf.New(pages[0].orientation(), "pt", "Letter", "")
	pdf.SetCatalogSort(true) // else fonts come in the order of a map
	day := time.Date(l.date.Year(), l.date.Month(), l.date.Day(), 0, 0, 0, 0, time.UTC)
	pdf.SetCreationDate(day)
	pdf.SetModificationDate(day)
	pdf.SetTitle(l.title, true)
	pdf.SetAuthor(l.author, true)
	pdf.SetCreator("secordesk", false)
	pdf.SetLang(l.language)
	pdf.SetAutoPageBreak(false, 0)
	w := &writer{pdf: pdf, embedded: map[*codePage]bool{}}
	for _, p := range pages {
		pdf.AddPageFormat(p.orientation(), fpdf.SizeType{Wd: letterShort, Ht: letterLong})
		err := w.draw(p)
		if err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	err := pdf.Output(&out)
	if err != nil {
		return nil, fmt.Errorf("write pdf: %w", err)
	}
	return out.Bytes(), nil
}

func (p *page) orientation() string {
	if p.width > p.height {
		return "L"
	}
	return "P"
}

// writer puts pages into a PDF, and each code page that they need, once.
type writer struct {
	pdf      *fpdf.Fpdf
	embedded map[*codePage]bool
	font     *codePage
	size     float64
}

// draw puts the page's content into the PDF.
func (w *writer) draw(p *page) error {
	w.font = nil // a page begins without a font
	if p.form != nil {
		p.form.draw(w.pdf)
	}
	w.pdf.RawWriteStr(p.drawing)
	for _, r := range p.runs {
		w.pdf.SetTextColor(r.tint.rgb())
		x := r.x
		for _, part := range r.face.encode(r.s) {
			err := w.choose(part.page, r.size)
			if err != nil {
				return err
			}
			w.pdf.Text(x, r.y, part.codes)
			x += float64(part.width) * r.size / 1000
		}
	}
	for _, k := range p.links {
		w.pdf.LinkString(k.x, k.y, k.width, k.height, k.url)
	}
	return nil
}

// choose makes what follows be set in the code page.
func (w *writer) choose(p *codePage, size float64) error {
	if !w.embedded[p] {
		made, err := p.make()
		if err != nil {
			return err
		}
		w.pdf.AddFontFromBytes(p.name, "", made.definition, made.packed)
		w.embedded[p] = true
	}
	if w.font != p || w.size != size {
		w.pdf.SetFont(p.name, "", size)
		w.font, w.size = p, size
	}
	return w.pdf.Error()
}
