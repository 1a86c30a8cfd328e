package certificate

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/encoding/charmap"
)

// face is a font that was parsed once and can be set, measured and embedded any number of times.
type face struct {
	name        string
	ttf         []byte
	glyphs      map[rune]glyph
	description fpdf.FontDescType
	pages       []*codePage
}

type glyph struct {
	name  string // in Adobe's glyph list, from which a reader learns which character it is
	width int    // in thousandths of the font size
	page  int    // in the face's pages
	code  byte   // in that page
}

func newFace(name string, ttf []byte) (*face, error) {
	parsed, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("parse font %s: %w", name, err)
	}
	slim, err := slimmed(ttf)
	if err != nil {
		return nil, fmt.Errorf("slim font %s: %w", name, err)
	}
	f := &face{name: name, ttf: slim, glyphs: map[rune]glyph{}}
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
		f.glyphs[r] = glyph{name: glyphName, width: advance.Round()}
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
	f.paginate()
	return f, nil
}

func (f *face) has(r rune) bool {
	_, has := f.glyphs[r]
	return has
}

// width is how wide s is at size, both in points. Every character of s must be in the font.
func (f *face) width(s string, size float64) float64 {
	total := 0
	for _, r := range s {
		total += f.glyphs[r].width
	}
	return float64(total) * size / 1000
}

// codePage is a part of a face that is cut out, packed and described once and then serves every document. The first
// holds what nearly every paper needs, the others 128 characters each, in the order of Unicode, of which the PDF says by
// name what each code is. (The library's own Unicode fonts write a table of 65,536 widths and another of glyphs per font and
// document, which takes five times as long as all the rest.)
type codePage struct {
	name       string // in the library
	characters map[byte]rune
	make       func() (embedded, error)
}

// embedded is a code page as the library wants it.
type embedded struct{ definition, packed []byte }

const (
	lastCode = 255
	pageSize = lastCode - unicode.MaxASCII
)

// common is what names and letters of this part of the world have beyond ASCII; each is in Windows-1252.
const common = "\u00a0©«®°·»¿¡ÀÁÂÄÅÆÇÈÉÊËÍÎÏÑÓÔÖØÙÚÛÜßàáâäåæçèéêëíîïñóôöøùúûüÿŒœŸ–—‘’“”•…€™"

// paginate gives each character its page and code. The first page has codes of Windows-1252, which every reader knows;
// what it leaves out of these is seldom, would make every file larger, and comes last.
func (f *face) paginate() {
	var rest, seldom []rune
	first := map[byte]rune{}
	for r := range f.glyphs {
		code, known := charmap.Windows1252.EncodeRune(r)
		switch {
		case !known:
			rest = append(rest, r)
		case r <= unicode.MaxASCII || strings.ContainsRune(common, r):
			first[code] = r
		default:
			seldom = append(seldom, r)
		}
	}
	f.addPage(first)
	slices.Sort(rest)
	slices.Sort(seldom)
	rest = append(rest, seldom...)
	for part := range slices.Chunk(rest, pageSize) {
		page := map[byte]rune{}
		for i, r := range part {
			page[byte(unicode.MaxASCII+1+i)] = r
		}
		f.addPage(page)
	}
}

func (f *face) addPage(characters map[byte]rune) {
	n := len(f.pages)
	p := &codePage{name: fmt.Sprintf("%s-%d", f.name, n), characters: characters}
	p.make = sync.OnceValues(func() (embedded, error) { return f.embed(p, "PAGEA"+string(rune('A'+n))+"+"+f.name, n > 0) })
	f.pages = append(f.pages, p)
	for code, r := range characters {
		g := f.glyphs[r]
		g.page, g.code = n, code
		f.glyphs[r] = g
	}
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

// embed cuts and packs a page, whose codes need names unless it is the first. It takes its time: once for a process.
func (f *face) embed(p *codePage, name string, named bool) (embedded, error) {
	def := definition{Tp: "TrueType", Name: name, Desc: f.description, File: p.name + ".z"}
	var differences, characters strings.Builder
	for _, code := range slices.Sorted(maps.Keys(p.characters)) {
		r := p.characters[code]
		g := f.glyphs[r]
		def.Cw[code] = g.width
		characters.WriteRune(r)
		if named {
			fmt.Fprintf(&differences, "%d/%s ", code, g.name)
		}
	}
	def.Diff = strings.TrimSpace(differences.String())
	cut := fpdf.UTF8CutFont(f.ttf, characters.String())
	def.OriginalSize = len(cut)
	packed, err := pack(cut)
	if err != nil {
		return embedded{}, fmt.Errorf("font %s: %w", f.name, err)
	}
	described, err := json.Marshal(def)
	if err != nil {
		return embedded{}, fmt.Errorf("describe font %s: %w", f.name, err)
	}
	return embedded{described, packed}, nil
}

// pack makes b as small as it becomes.
func pack(b []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	_, err = w.Write(b)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	err = w.Close()
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return packed.Bytes(), nil
}

// piece is a part of a text that is in one code page.
type piece struct {
	page  *codePage
	codes string
	width int // in thousandths of the font size
}

// encode cuts s where its characters change from one code page to another.
func (f *face) encode(s string) []piece {
	var pieces []piece
	var codes []byte
	page, width := 0, 0
	end := func() {
		if len(codes) > 0 {
			pieces = append(pieces, piece{f.pages[page], string(codes), width})
		}
		codes, width = codes[:0], 0
	}
	for _, r := range s {
		g := f.glyphs[r]
		if g.page != page {
			end()
			page = g.page
		}
		codes = append(codes, g.code)
		width += g.width
	}
	end()
	return pieces
}
