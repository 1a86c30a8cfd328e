package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a workbook. A sheet of 100 000 rows with twelve columns unpacks to
// some 80 MB and packs to a tenth of that; a zip bomb packs to a thousandth.
const (
	maxWorkbook  = 256 << 20 // the file, in bytes
	maxParts     = 2000      // files in it
	maxUnpacked  = 1 << 30   // of one sheet, in bytes
	maxSettings  = 16 << 20  // of what describes the workbook: its sheets, formats, relations
	maxStrings   = 64 << 20  // of the texts that the cells share, unpacked
	freeUnpacked = 8 << 20   // up to here a part may be packed as tightly as it likes
	maxRatio     = 200       // unpacked to packed bytes of a larger part
	maxToken     = 1 << 20   // of one tag or text; a cell holds at most 32 767 characters
	maxDepth     = 64        // of tags within tags
	maxColumns   = 16384     // of a sheet, as Excel has it
)

// workbook is an XLSX file that is read without holding its rows. It is not read
// with excelize, which this program writes with: excelize either keeps a whole
// sheet in memory or forgets which cells were numbers, and an account without its
// leading zeros is another account.
type workbook struct {
	zip     *zip.Reader
	sheets  []sheetPart
	strings []string
	formats []cellFormat // by style
	from    float64      // serial number of 1970-01-01: 25569, or 24107 where days count from 1904
}

type sheetPart struct{ name, file string }

// cellFormat is what the number format of a cell says about its value.
type cellFormat struct {
	date   bool
	digits int // of a format of nothing but zeros, which shows leading ones; else 0
}

// cellKind is what a cell of a sheet holds.
type cellKind string

const (
	cellText    cellKind = "text"
	cellNumber  cellKind = "number"
	cellDate    cellKind = "date" // a number that the sheet shows as a date
	cellFlag    cellKind = "flag" // TRUE or FALSE
	cellError   cellKind = "error"
	cellFormula cellKind = "formula" // of whatever value
)

// sheetCell is one cell that is not empty.
type sheetCell struct {
	column int // from 0
	kind   cellKind
	text   string // of a date "2026-03-25" or "2026-03-25T09:00:00", of a number its shortest form
	digits int    // a number is shown with at least so many
}

// sheetRow is one row that has a cell.
type sheetRow struct {
	number int // from 1, as Excel counts
	cells  []sheetCell
}

// openWorkbook looks at a file and refuses what is no workbook that can be read,
// with what to do instead.
func openWorkbook(in io.ReaderAt, size int64) (*workbook, error) {
	if size > maxWorkbook {
		return nil, problem("", "the workbook is larger than %d MB; divide it", maxWorkbook>>20)
	}
	err := lookAtHead(in, size)
	if err != nil {
		return nil, err
	}
	files, err := zip.NewReader(in, size)
	if err != nil {
		return nil, damaged(err)
	}
	if len(files.File) > maxParts {
		return nil, problem("", "the workbook has %d parts; more than %d are not read", len(files.File), maxParts)
	}
	w := &workbook{zip: files, from: 25569}
	for _, load := range []func() error{w.loadSheets, w.loadFormats, w.loadStrings} {
		err = load()
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

// lookAtHead refuses files by their first bytes.
func lookAtHead(in io.ReaderAt, size int64) error {
	head := make([]byte, min(size, 64<<10))
	_, err := in.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read workbook: %w", err)
	}
	switch {
	case size == 0:
		return isEmpty()
	case bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")) && bytes.Contains(head, []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00")):
		return problem("", "the workbook is protected by a password; save it without one (File, Info, Protect Workbook)")
	case bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")):
		return problem("", "the file is an old Excel workbook (.xls); save it as Excel Workbook (.xlsx)")
	case !bytes.HasPrefix(head, []byte("PK")):
		return problem("", "the file is no Excel workbook, whatever its name says; save it as .xlsx, or call it .csv if it is text")
	}
	return nil
}

func damaged(err error) error {
	var refused *unreadablePart
	if errors.As(err, &refused) {
		return problem("", "%s", refused.why)
	}
	reason := strings.ToValidUTF8(strings.TrimPrefix(err.Error(), "zip: "), "?")
	return problem("", "the workbook is damaged (%.100s); open it in Excel and save it again", reason)
}

// unreadablePart is a part that breaks a limit.
type unreadablePart struct{ why string }

func (u *unreadablePart) Error() string { return u.why }

// xmlPart reads one part of a workbook tag by tag. It never holds more than one
// tag or text, and counts what is really unpacked: what the archive says of itself
// may be a lie.
type xmlPart struct {
	file   io.ReadCloser
	buffer []byte
	at, n  int
	read   int64 // bytes unpacked
	packed int64
	size   int64 // as the archive says, for progress alone
	limit  int64
	token  int // bytes since the last token
	depth  int
	err    error
	tokens *xml.Decoder
}

func (w *workbook) open(name string, limit int64) (*xmlPart, error) {
	i := slices.IndexFunc(w.zip.File, func(f *zip.File) bool { return strings.EqualFold(strings.TrimPrefix(f.Name, "/"), name) })
	if i < 0 {
		return nil, nil
	}
	file, err := w.zip.File[i].Open()
	if err != nil {
		return nil, damaged(err)
	}
	p := &xmlPart{file: file, buffer: make([]byte, 64<<10), packed: int64(w.zip.File[i].CompressedSize64), size: int64(w.zip.File[i].UncompressedSize64), limit: limit}
	p.tokens = xml.NewDecoder(p)
	p.tokens.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, &unreadablePart{why: "the workbook is written in " + strconv.Quote(charset) + " and not in UTF-8; open it in Excel and save it again"}
	}
	return p, nil
}

// Read is there because the decoder asks for a Reader; it uses ReadByte.
func (p *xmlPart) Read(into []byte) (int, error) {
	b, err := p.ReadByte()
	if err != nil || len(into) == 0 {
		return 0, err
	}
	into[0] = b
	return 1, nil
}

// ReadByte returns the next unpacked byte.
func (p *xmlPart) ReadByte() (byte, error) {
	if p.at == p.n {
		err := p.fill()
		if err != nil {
			return 0, err
		}
	}
	b := p.buffer[p.at]
	p.at++
	p.token++
	if p.token > maxToken {
		return 0, &unreadablePart{why: fmt.Sprintf("the workbook has a text or tag of more than %d MB, which no Excel writes", maxToken>>20)}
	}
	return b, nil
}

func (p *xmlPart) fill() error {
	if p.err != nil {
		return p.err
	}
	p.at = 0
	p.n, p.err = p.file.Read(p.buffer)
	p.read += int64(p.n)
	switch {
	case p.read > p.limit:
		p.n, p.err = 0, &unreadablePart{why: fmt.Sprintf("the workbook unpacks to more than %d MB, which is not read; divide it", p.limit>>20)}
	case p.read > freeUnpacked && p.read > maxRatio*max(p.packed, 1):
		p.n, p.err = 0, &unreadablePart{why: fmt.Sprintf("the workbook unpacks to more than %d times its size, as a zip bomb does; it is not read", maxRatio)}
	}
	if p.n > 0 {
		return nil
	}
	if p.err == nil {
		return p.fill()
	}
	return p.err
}

// next returns the next tag or text; io.EOF at the end.
func (p *xmlPart) next() (xml.Token, error) {
	p.token = 0
	token, err := p.tokens.RawToken()
	if err != nil {
		if errors.Is(err, io.EOF) && p.depth == 0 {
			return nil, io.EOF
		}
		return nil, damaged(err)
	}
	switch token.(type) {
	case xml.StartElement:
		p.depth++
	case xml.EndElement:
		p.depth--
	}
	if p.depth > maxDepth || p.depth < 0 {
		return nil, problem("", "the workbook is damaged (tags that do not match); open it in Excel and save it again")
	}
	return token, nil
}

func (p *xmlPart) close() { p.file.Close() }

// each hands over the opening tags of a part. A part that is not there has none.
func (w *workbook) each(name string, take func(tag xml.StartElement)) error {
	p, err := w.open(name, maxSettings)
	if p == nil || err != nil {
		return err
	}
	defer p.close()
	for {
		token, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		tag, ok := token.(xml.StartElement)
		if ok {
			take(tag)
		}
	}
}

func attribute(tag xml.StartElement, name string) string {
	for _, a := range tag.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (w *workbook) loadSheets() error {
	files := map[string]string{}
	err := w.each("xl/_rels/workbook.xml.rels", func(tag xml.StartElement) {
		target := attribute(tag, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join("xl", target)
		}
		files[attribute(tag, "Id")] = strings.TrimPrefix(target, "/")
	})
	if err != nil {
		return err
	}
	err = w.each("xl/workbook.xml", func(tag xml.StartElement) {
		switch {
		case tag.Name.Local == "sheet":
			for _, a := range tag.Attr {
				if a.Name.Local == "id" && a.Name.Space != "" { // r:id
					w.sheets = append(w.sheets, sheetPart{name: attribute(tag, "name"), file: files[a.Value]})
				}
			}
		case tag.Name.Local == "workbookPr" && slices.Contains([]string{"1", "true"}, attribute(tag, "date1904")):
			w.from = 24107
		}
	})
	if err == nil && len(w.sheets) == 0 {
		err = problem("", "the file is a ZIP archive and no Excel workbook; save the sheet as .xlsx")
	}
	return err
}

// loadFormats finds the styles that show numbers as dates or with leading zeros.
func (w *workbook) loadFormats() error {
	codes := map[string]string{}
	within := false
	return w.each("xl/styles.xml", func(tag xml.StartElement) {
		switch tag.Name.Local {
		case "numFmt":
			codes[attribute(tag, "numFmtId")] = attribute(tag, "formatCode")
		case "cellXfs":
			within = true
		case "cellStyles", "dxfs", "cellStyleXfs":
			within = false
		case "xf":
			if within {
				id := attribute(tag, "numFmtId")
				w.formats = append(w.formats, formatOf(id, codes[id]))
			}
		}
	})
}

// formatOf reads a number format. Ids below 164 are Excel's own and have no code.
func formatOf(id, code string) cellFormat {
	n, _ := strconv.Atoi(id)
	if code == "" {
		return cellFormat{date: n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58}
	}
	if strings.Trim(code, "0") == "" {
		return cellFormat{digits: len(code)}
	}
	quoted, skip, bracket := false, false, false
	for _, r := range strings.ToLower(code) {
		switch {
		case skip:
			skip = false
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '\\' || r == '_' || r == '*':
			skip = true
		case r == '[' || r == ']': // a colour, a locale
			bracket = r == '['
		case !bracket && strings.ContainsRune("ymdhs", r):
			return cellFormat{date: true}
		}
	}
	return cellFormat{}
}

func (w *workbook) loadStrings() error {
	p, err := w.open("xl/sharedStrings.xml", maxStrings)
	if p == nil || err != nil {
		return err
	}
	defer p.close()
	var text strings.Builder
	inText, phonetic := false, false
	for {
		token, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "t" && !phonetic
			phonetic = phonetic || token.Name.Local == "rPh"
		case xml.EndElement:
			inText = false
			switch token.Name.Local {
			case "rPh":
				phonetic = false
			case "si":
				w.strings = append(w.strings, unescaped(text.String()))
				text.Reset()
			}
		case xml.CharData:
			if inText {
				text.Write(token)
			}
		}
	}
}

// unescaped reads the _x000D_ by which Excel writes what XML cannot.
func unescaped(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if i+7 <= len(text) && text[i:i+2] == "_x" && text[i+6] == '_' {
			n, err := strconv.ParseUint(text[i+2:i+6], 16, 16)
			if err == nil {
				b.WriteRune(rune(n))
				i += 6
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// sheet opens the sheet of that name; "" is the first one. The error names those
// that there are.
func (w *workbook) sheet(name string) (*sheetReader, error) {
	i := 0
	if name != "" {
		i = slices.IndexFunc(w.sheets, func(s sheetPart) bool { return strings.EqualFold(s.name, name) })
	}
	if i < 0 {
		var names []string
		for _, s := range w.sheets[:min(len(w.sheets), 20)] {
			names = append(names, strconv.Quote(s.name))
		}
		return nil, problem("", "the workbook has no sheet %q; there is %s", name, strings.Join(names, ", "))
	}
	part, err := w.open(w.sheets[i].file, maxUnpacked)
	if err == nil && part == nil {
		err = problem("", "the workbook is damaged (the sheet %q is missing); open it in Excel and save it again", w.sheets[i].name)
	}
	if err != nil {
		return nil, err
	}
	return &sheetReader{book: w, part: part}, nil
}

// sheetReader reads a sheet row by row.
type sheetReader struct {
	book *workbook
	part *xmlPart
	row  int
}

// share returns how much of the sheet was read, as far as the archive tells its size.
func (s *sheetReader) share() float64 {
	return float64(s.part.read) / float64(max(s.part.size, 1))
}

// next returns the next row that has cells; io.EOF after the last one. The row is
// valid until the next call.
func (s *sheetReader) next() (sheetRow, error) {
	for {
		token, err := s.part.next()
		if err != nil {
			return sheetRow{}, err
		}
		tag, ok := token.(xml.StartElement)
		if !ok || tag.Name.Local != "row" {
			continue
		}
		n, _ := strconv.Atoi(attribute(tag, "r")) // 0 when it says none: it is the next one
		s.row = max(s.row+1, n)
		cells, err := s.cells()
		if err != nil {
			return sheetRow{}, err
		}
		if len(cells) > 0 {
			return sheetRow{number: s.row, cells: cells}, nil
		}
	}
}

func (s *sheetReader) cells() ([]sheetCell, error) {
	var cells []sheetCell
	column := 0
	for {
		token, err := s.part.next()
		if err != nil {
			return nil, cutOff(err)
		}
		switch token := token.(type) {
		case xml.EndElement:
			if token.Name.Local == "row" {
				return cells, nil
			}
		case xml.StartElement:
			if token.Name.Local != "c" {
				continue
			}
			if at := columnOf(attribute(token, "r")); at >= 0 {
				column = at
			}
			if column >= maxColumns || len(cells) >= maxColumns {
				return nil, problem("", "row %d has more than %d columns", s.row, maxColumns)
			}
			c, err := s.cell(token)
			if err != nil {
				return nil, err
			}
			c.column = column
			column++
			if c.text != "" {
				cells = append(cells, c)
			}
		}
	}
}

// cutOff turns the end of a part in the middle of something into a refusal.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return damaged(io.ErrUnexpectedEOF)
	}
	return err
}

// columnOf returns the column of "AB12", from 0; -1 when it says none.
func columnOf(reference string) int {
	column := 0
	for i := range len(reference) {
		letter := reference[i] &^ 0x20
		if letter < 'A' || letter > 'Z' {
			break
		}
		column = column*26 + int(letter-'A') + 1
		if column > maxColumns {
			return maxColumns
		}
	}
	return column - 1
}

// cell reads one cell, of which the opening tag is given, up to its end.
func (s *sheetReader) cell(tag xml.StartElement) (sheetCell, error) {
	typ, style := attribute(tag, "t"), attribute(tag, "s")
	var value strings.Builder
	formula, inside, phonetic := false, false, false
	for {
		token, err := s.part.next()
		if err != nil {
			return sheetCell{}, cutOff(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			formula = formula || name == "f"
			phonetic = phonetic || name == "rPh"
			inside = name == "v" || name == "t" && !phonetic
		case xml.CharData:
			if inside {
				value.Write(token)
			}
		case xml.EndElement:
			inside = false
			if token.Name.Local == "rPh" {
				phonetic = false
			}
			if token.Name.Local == "c" {
				return s.book.cellOf(typ, style, value.String(), formula)
			}
		}
		if value.Len() > maxToken {
			return sheetCell{}, problem("", "row %d has a cell of more than %d MB, which no Excel writes", s.row, maxToken>>20)
		}
	}
}

func (w *workbook) cellOf(typ, style, value string, formula bool) (sheetCell, error) {
	c := sheetCell{kind: cellText, text: value}
	switch {
	case formula:
		c.kind, c.text = cellFormula, cmp.Or(value, "formula")
	case typ == "s":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n >= len(w.strings) {
			return c, problem("", "the workbook is damaged (a text of it is missing); open it in Excel and save it again")
		}
		c.text = w.strings[n]
	case typ == "b":
		c.kind, c.text = cellFlag, strings.ToUpper(strconv.FormatBool(value == "1"))
	case typ == "e":
		c.kind = cellError
	case typ == "d":
		c.kind = cellDate
	case typ == "" || typ == "n":
		return w.numberOf(style, value)
	default:
		c.text = unescaped(value)
	}
	if !utf8.ValidString(c.text) {
		return c, problem("", "the workbook is damaged (a text of it is not UTF-8); open it in Excel and save it again")
	}
	return c, nil
}

// numberOf reads a number, which is a date where its style shows it as one.
func (w *workbook) numberOf(style, value string) (sheetCell, error) {
	if value == "" {
		return sheetCell{kind: cellNumber}, nil
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return sheetCell{}, problem("", "the workbook is damaged (%q is no number); open it in Excel and save it again", value[:min(len(value), 40)])
	}
	// Excel keeps and shows 15 digits; the rest is noise of binary fractions.
	n, _ = strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	c := sheetCell{kind: cellNumber, text: strconv.FormatFloat(n, 'f', -1, 64)}
	i, err := strconv.Atoi(style)
	if err != nil || i < 0 || i >= len(w.formats) {
		return c, nil
	}
	c.digits = w.formats[i].digits
	if w.formats[i].date {
		c.kind, c.text = cellDate, dateOfSerial(n, w.from, c.text)
	}
	return c, nil
}
