package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// csvSource reads a CSV file. What separates its values, commas, semicolons or
// tabs, is found from its header.
type csvSource struct {
	lines   *lineReader
	known   []string // names that the header may have
	windows bool     // Windows-1252; else UTF-8
	utf16   bool     // was UTF-16 and is UTF-8 now
	comma   rune     // 0 until the header is read
}

// newCSV reads a CSV file as windows-1252 or, with "", as UTF-8 or UTF-16 with its
// mark. It reads the head of the file to see what it is; its error is a refusal or a
// fault of reading.
func newCSV(ctx context.Context, in io.Reader, encoding string, known []string) (*csvSource, error) {
	c := &csvSource{known: known, windows: encoding == encodingWindows}
	head := make([]byte, 4)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	in = io.MultiReader(bytes.NewReader(head), in)
	is := ""
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, problem("", "the file is a workbook and not CSV; call it .xlsx")
	case bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")):
		return nil, problem("", "the file is an old Excel workbook and not CSV; save it as .xlsx or as CSV UTF-8")
	case bytes.HasPrefix(head, []byte("\xFF\xFE")):
		is = "UTF-16 (little endian)"
	case bytes.HasPrefix(head, []byte("\xFE\xFF")):
		is = "UTF-16 (big endian)"
	case bytes.HasPrefix(head, []byte("\uFEFF")):
		is = "UTF-8 with its mark"
	}
	if is != "" && c.windows {
		return nil, problem("", "the file is %s and not windows-1252; leave --encoding out", is)
	}
	if strings.HasPrefix(is, "UTF-16") {
		in, c.utf16 = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(in), true
	}
	c.lines = newLines(ctx, in)
	return c, nil
}

// note says what was found that is not the rule: comma and UTF-8.
func (c *csvSource) note() string {
	var found []string
	if c.utf16 {
		found = append(found, "UTF-16")
	}
	switch c.comma {
	case ';':
		found = append(found, "separated by semicolons")
	case '\t':
		found = append(found, "separated by tabs")
	}
	return strings.Join(found, ", ")
}

// row reads one row, which goes over several lines where a quoted value does. Where
// such a value does not end, only its first line is lost.
func (c *csvSource) row() (fileRow, error) {
	first, err := c.lines.next()
	if err != nil {
		return fileRow{}, err
	}
	if first.long {
		return fileRow{line: first.number, problem: tooLong()}, nil
	}
	text, joined, err := c.join(first)
	if err != nil {
		return fileRow{}, err
	}
	row := fileRow{line: first.number}
	text, row.problem = c.decoded(text)
	if row.problem != nil {
		c.lines.giveBack(joined)
		return row, nil
	}
	if c.comma == 0 {
		c.comma = c.separator(text)
		if bytes.HasPrefix(bytes.ToLower(text), []byte("sep=")) && len(text) <= 5 { // Excel's own word for itself
			return row, nil
		}
	}
	values, malformed := splitRow(text, c.comma)
	row.problem = malformed
	if malformed != nil {
		c.lines.giveBack(joined)
	}
	for _, value := range values {
		row.cells = append(row.cells, cell{text: value})
	}
	return row, nil
}

// separator returns what separates the values of a header: that under which most
// of its names are known, a comma where none is.
func (c *csvSource) separator(header []byte) rune {
	if word := strings.ToLower(string(header)); len(word) == 5 && strings.HasPrefix(word, "sep=") && strings.ContainsAny(word[4:], ",;\t") {
		return rune(word[4])
	}
	best, most := ',', 0
	for _, comma := range []rune{',', ';', '\t'} {
		values, _ := splitRow(header, comma)
		n := 0
		for _, value := range values {
			if slices.Contains(c.known, columnName(value)) {
				n++
			}
		}
		if n > most {
			best, most = comma, n
		}
	}
	return best
}

// join adds lines to the first one until its quotation marks are closed.
func (c *csvSource) join(first fileLine) ([]byte, []fileLine, error) {
	text := first.text
	var joined []fileLine
	for bytes.Count(text, []byte(`"`))%2 == 1 && len(joined) < maxJoined && len(text) <= maxLine {
		line, err := c.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		joined = append(joined, line)
		if line.long {
			break
		}
		text = slices.Concat(text, []byte("\n"), line.text)
	}
	return text, joined, nil
}

// decoded returns the text of a row as UTF-8.
func (c *csvSource) decoded(text []byte) ([]byte, error) {
	ascii := !bytes.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
	switch {
	case bytes.IndexByte(text, 0) >= 0:
		return nil, problem("", "holds NUL bytes, as UTF-16 without its mark does; save the file as CSV UTF-8")
	case c.utf16 && bytes.ContainsRune(text, utf8.RuneError):
		return nil, problem("", "is not whole in UTF-16; save the file as CSV UTF-8")
	case ascii && utf8.Valid(text):
		return text, nil
	case c.windows && utf8.Valid(text):
		return nil, problem("", "is UTF-8 already and would turn into other letters; leave --encoding out")
	case c.windows:
		decoded, err := charmap.Windows1252.NewDecoder().Bytes(text)
		if err == nil && bytes.ContainsRune(decoded, utf8.RuneError) {
			err = problem("", "is not windows-1252; save the file as CSV UTF-8")
		}
		return decoded, err
	case !utf8.Valid(text):
		return nil, notUTF8()
	}
	return text, nil
}

func splitRow(text []byte, comma rune) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.Comma = -1, comma
	values, err := r.Read()
	var unparsed *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case errors.As(err, &unparsed):
		return nil, problem("", "malformed CSV: the quotation marks of the row do not match; write one inside a value as \"\"")
	case err != nil:
		return nil, fmt.Errorf("read row: %w", err)
	}
	return values, nil
}

// sheetSource reads the rows of a workbook's sheet.
type sheetSource struct {
	sheet *sheetReader
	ctx   context.Context
	width int // of the header; 0 until it is read
}

func (s *sheetSource) row() (fileRow, error) {
	err := s.ctx.Err()
	if err != nil {
		return fileRow{}, err
	}
	found, err := s.sheet.next()
	if errors.Is(err, io.EOF) {
		return fileRow{}, io.EOF
	}
	if err != nil {
		return fileRow{problem: err, last: true}, nil
	}
	row := fileRow{line: found.number}
	last := found.cells[len(found.cells)-1].column
	if s.width == 0 && last >= maxHeader {
		row.problem = problem("", "is no header: it goes on for more than %d columns", maxHeader)
		return row, nil
	}
	if s.width > 0 && last >= s.width {
		row.problem = problem("", "has a value beyond the header's last column")
		return row, nil
	}
	row.cells = make([]cell, max(s.width, last+1))
	for i, c := range found.cells {
		if c.column > last {
			continue // out of order, as no Excel writes
		}
		row.cells[c.column] = cell{text: c.text, sheet: &found.cells[i]}
	}
	if allBlank(row.cells) {
		row.cells = nil
		return row, nil
	}
	s.width = len(row.cells)
	return row, nil
}

func allBlank(cells []cell) bool {
	for _, c := range cells {
		if strings.TrimSpace(c.text) != "" {
			return false
		}
	}
	return true
}

// maxHeader is how many columns a sheet with records may have.
const maxHeader = 200
