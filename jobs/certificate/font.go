package certificate

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// face is a font that was parsed once and can be set, measured and embedded any number of times.
type face struct {
	name        string
	ttf         []byte
	glyphs      map[rune]glyph
	description fpdf.FontDescType
	packers     sync.Pool // of *zlib.Writer, which are large
}

type glyph struct {
	name  string // in Adobe's glyph list, from which a reader learns which character it is
	width int    // in thousandths of the font size
}

func newFace(name string, ttf []byte) (*face, error) {
	parsed, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("parse font %s: %w", name, err)
	}
	f := &face{name: name, ttf: withoutNames(ttf), glyphs: map[rune]glyph{}}
	f.packers.New = func() any {
		w, _ := zlib.NewWriterLevel(io.Discard, zlib.BestSpeed) // fails for an unknown level only
		return w
	}
	// At a size of 1000 pixels to the em, pixels are the thousandths that a PDF counts in.
	em := fixed.I(1000)
	var buf sfnt.Buffer
	for r := ' '; r < 0x10000; r++ {
		index, err := parsed.GlyphIndex(&buf, r)
		if err != nil || index == 0 || !unicode.IsGraphic(r) {
			continue
		}
		glyphName, err := parsed.GlyphName(&buf, index)
		if err != nil {
			return nil, fmt.Errorf("font %s: name of U+%04X: %w", name, r, err)
		}
		advance, err := parsed.GlyphAdvance(&buf, index, em, font.HintingNone)
		if err != nil {
			return nil, fmt.Errorf("font %s: width of U+%04X: %w", name, r, err)
		}
		f.glyphs[r] = glyph{glyphName, advance.Round()}
	}
	metrics, err := parsed.Metrics(&buf, em, font.HintingNone)
	if err != nil {
		return nil, fmt.Errorf("font %s: metrics: %w", name, err)
	}
	bounds, err := parsed.Bounds(&buf, em, font.HintingNone)
	if err != nil {
		return nil, fmt.Errorf("font %s: bounds: %w", name, err)
	}
	const nonsymbolic = 1 << 5
	d := &f.description
	d.Ascent, d.Descent, d.CapHeight = metrics.Ascent.Round(), -metrics.Descent.Round(), metrics.CapHeight.Round()
	d.Flags, d.StemV, d.MissingWidth = nonsymbolic, 90, 500
	// A PDF's y axis points up, the font package's down.
	d.FontBBox.Xmin, d.FontBBox.Ymin = bounds.Min.X.Floor(), -bounds.Max.Y.Ceil()
	d.FontBBox.Xmax, d.FontBBox.Ymax = bounds.Max.X.Ceil(), -bounds.Min.Y.Floor()
	return f, nil
}

// withoutNames hides a font's table of names from whoever cuts subsets out of it: seven kilobytes of licence text,
// half of every subset. (The Go fonts' licence stands with their module.)
func withoutNames(ttf []byte) []byte {
	const directory, entry = 12, 16
	hidden := bytes.Clone(ttf)
	for i := range int(binary.BigEndian.Uint16(ttf[4:])) {
		tag := hidden[directory+i*entry:][:4]
		if string(tag) == "name" {
			copy(tag, "----")
		}
	}
	return hidden
}

// width is how wide s is at size, both in points. Every character of s must be in the font.
func (f *face) width(s string, size float64) float64 {
	total := 0
	for _, r := range s {
		total += f.glyphs[r].width
	}
	return float64(total) * size / 1000
}

// subset is what one document uses of a face. Characters beyond ASCII get the codes from 128 on as they come; the PDF
// says by name what each of them is. (The library's own Unicode fonts write a table of 65,536 widths and another of
// glyphs per font and document, which takes five times as long as all the rest.)
type subset struct {
	face  *face
	codes map[rune]byte
	runes []rune // in the order of their first use
	next  int    // code of the next character beyond ASCII
}

const lastCode = 255

func newSubset(f *face) *subset {
	return &subset{face: f, codes: map[rune]byte{}, next: unicode.MaxASCII + 1}
}

// encode returns text in the subset's codes.
func (s *subset) encode(text string) (string, error) {
	var b strings.Builder
	for _, r := range text {
		code, known := s.codes[r]
		if !known {
			code = byte(r)
			if r > unicode.MaxASCII {
				code = byte(s.next)
				s.next++
			}
			s.codes[r] = code
			s.runes = append(s.runes, r)
		}
		b.WriteByte(code)
	}
	if s.next > lastCode+1 {
		return "", &FieldError{"all fields together", "have more than 128 different characters beyond ASCII"}
	}
	return b.String(), nil
}

// definition is how the library wants a TrueType font described; the names are its own.
type definition struct {
	Tp, Name     string
	Desc         fpdf.FontDescType
	Cw           [lastCode + 1]int
	Diff         string
	File         string
	OriginalSize int
}

// embed makes the subset known to pdf under the face's name.
func (s *subset) embed(pdf *fpdf.Fpdf) error {
	def := definition{Tp: "TrueType", Name: "SUBSET+" + s.face.name, Desc: s.face.description, File: s.face.name + ".z"}
	var differences strings.Builder
	for _, r := range s.runes {
		g, code := s.face.glyphs[r], s.codes[r]
		def.Cw[code] = g.width
		if r > unicode.MaxASCII {
			fmt.Fprintf(&differences, "%d/%s ", code, g.name)
		}
	}
	def.Diff = strings.TrimSpace(differences.String())
	cut := fpdf.UTF8CutFont(s.face.ttf, string(s.runes))
	def.OriginalSize = len(cut)
	var packed bytes.Buffer
	w := s.face.packers.Get().(*zlib.Writer)
	defer s.face.packers.Put(w)
	w.Reset(&packed)
	_, err := w.Write(cut)
	if err != nil {
		return fmt.Errorf("pack font %s: %w", s.face.name, err)
	}
	err = w.Close()
	if err != nil {
		return fmt.Errorf("pack font %s: %w", s.face.name, err)
	}
	described, err := json.Marshal(def)
	if err != nil {
		return fmt.Errorf("describe font %s: %w", s.face.name, err)
	}
	pdf.AddFontFromBytes(s.face.name, "", described, packed.Bytes())
	return pdf.Error()
}
