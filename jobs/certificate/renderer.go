package certificate

import (
	"bytes"
	"fmt"
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
	frame               string // the certificate's border and mark, as PDF operators
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
	return &Renderer{regular: regular, bold: bold, caps: caps, frame: frame()}, nil
}

// FieldError says which field of a certificate or letter cannot be printed, and what to do about it.
type FieldError struct {
	Field   string
	Problem string
}

func (e *FieldError) Error() string { return fmt.Sprintf("certificate: %s %s", e.Field, e.Problem) }

// printable returns a *FieldError unless each character of s is in all of the fonts.
func (r *Renderer) printable(field, s string) error {
	if !utf8.ValidString(s) {
		return &FieldError{field, "is not valid UTF-8"}
	}
	for _, c := range s {
		if !unicode.IsGraphic(c) {
			return &FieldError{field, fmt.Sprintf("has the invisible character U+%04X; remove it", c)}
		}
		for _, f := range []*face{r.regular, r.bold, r.caps} {
			if _, has := f.glyphs[c]; !has {
				return &FieldError{field, fmt.Sprintf("has the character %c (U+%04X), which the font does not have; write it otherwise", c, c)}
			}
		}
	}
	return nil
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
	drawing       string // PDF operators; drawn first
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
	encoded, err := embedFonts(pdf, pages)
	if err != nil {
		return nil, err
	}
	for i, p := range pages {
		pdf.AddPageFormat(p.orientation(), fpdf.SizeType{Wd: letterShort, Ht: letterLong})
		p.draw(pdf, encoded[i])
	}
	var out bytes.Buffer
	err = pdf.Output(&out)
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

// draw puts the page's content into pdf, with the runs' texts as encoded.
func (p *page) draw(pdf *fpdf.Fpdf, encoded []string) {
	pdf.RawWriteStr(p.drawing)
	for i, r := range p.runs {
		pdf.SetFont(r.face.name, "", r.size)
		pdf.SetTextColor(r.tint.rgb())
		pdf.Text(r.x, r.y, encoded[i])
	}
	for _, k := range p.links {
		pdf.LinkString(k.x, k.y, k.width, k.height, k.url)
	}
}

// embedFonts returns the runs' texts in the codes of the fonts that it has embedded.
func embedFonts(pdf *fpdf.Fpdf, pages []*page) ([][]string, error) {
	subsets := map[*face]*subset{}
	var order []*subset
	encoded := make([][]string, len(pages))
	for n, p := range pages {
		for _, r := range p.runs {
			s := subsets[r.face]
			if s == nil {
				s = newSubset(r.face)
				subsets[r.face] = s
				order = append(order, s)
			}
			code, err := s.encode(r.s)
			if err != nil {
				return nil, err
			}
			encoded[n] = append(encoded[n], code)
		}
	}
	for _, s := range order {
		err := s.embed(pdf)
		if err != nil {
			return nil, err
		}
	}
	return encoded, nil
}
