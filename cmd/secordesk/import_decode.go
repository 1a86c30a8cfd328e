package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"secordesk/store/secor"
)

// entry is one line of a file with what could be read of it.
type entry struct {
	file     string
	line     int         // 0: the file as a whole
	kind     *recordKind // nil when not even that could be read
	record   record
	problems []error
}

// decoder yields the entries of one file; io.EOF after the last one. Any other
// error is a fault of reading, after which nothing more can be had.
type decoder interface {
	next() (entry, error)
}

// jsonLines decodes a file of one JSON object a line, each with its kind under "record".
type jsonLines struct {
	lines  *lineReader
	kinds  []*recordKind
	reader *reader
	some   bool // there was something
}

func (j *jsonLines) next() (entry, error) {
	for {
		line, err := j.lines.next()
		switch {
		case errors.Is(err, io.EOF) && !j.some:
			j.some = true
			return entry{problems: []error{isEmpty()}}, nil
		case err != nil:
			return entry{}, err
		case line.long:
			j.some = true
			return entry{line: line.number, problems: []error{tooLong()}}, nil
		case len(bytes.TrimSpace(line.text)) > 0:
			j.some = true
			e := j.decode(line.text)
			e.line = line.number
			return e, nil
		}
	}
}

func (j *jsonLines) decode(text []byte) entry {
	if !utf8.Valid(text) {
		return entry{problems: []error{notUTF8()}}
	}
	cells, problems := objectCells(text)
	if cells == nil {
		return entry{problems: problems}
	}
	kind, err := j.kind(cells)
	if err != nil {
		return entry{problems: append(problems, err)}
	}
	delete(cells, "record")
	return read(j.reader, kind, cells, problems)
}

func (j *jsonLines) kind(cells map[string]cell) (*recordKind, error) {
	name, given := cells["record"]
	switch {
	case !given:
		return nil, &secor.FieldError{Field: "record", Problem: "is missing: what the line holds, such as company"}
	case name.typ != "string":
		return nil, &secor.FieldError{Field: "record", Value: name.text, Problem: "is " + article(name.typ) + " and must be a string such as company"}
	}
	return kindNamed(j.kinds, name.text)
}

// read makes an entry of cells and complains about those that the kind does not have.
func read(d *reader, kind *recordKind, cells map[string]cell, problems []error) entry {
	for _, name := range slices.Sorted(maps.Keys(cells)) {
		_, known := kind.field(name)
		if !known {
			problems = append(problems, unknownField(name, kind.name, kind.fields.names()))
		}
	}
	r, more := d.read(kind, cells)
	return entry{kind: kind, record: r, problems: append(problems, more...)}
}

func unknownField(name, of string, known []string) error {
	return &secor.FieldError{Value: name, Problem: "is not a field of " + of + nearest(name, known)}
}

// objectCells takes a JSON object apart. It refuses what encoding/json would let
// pass in silence: a key given twice and anything after the end. The cells are nil
// when the text is no object at all.
func objectCells(text []byte) (map[string]cell, []error) {
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err == nil && open != json.Delim('{') {
		return nil, []error{problem("", "is not a JSON object in braces")}
	}
	cells := map[string]cell{}
	var problems []error
	for err == nil && d.More() {
		var key json.Token
		var raw json.RawMessage
		key, err = d.Token()
		if err == nil {
			err = d.Decode(&raw)
		}
		if err != nil {
			break
		}
		name := key.(string)
		_, twice := cells[name]
		if twice {
			problems = append(problems, &secor.FieldError{Field: name, Problem: "is given twice; keep one"})
		}
		cells[name] = cellOf(raw)
	}
	if err == nil {
		_, err = d.Token()
	}
	if err != nil {
		return nil, []error{malformed(err)}
	}
	_, err = d.Token()
	if !errors.Is(err, io.EOF) {
		problems = append(problems, problem("", "something follows the end of the object; write one object on each line"))
	}
	return cells, problems
}

func cellOf(raw json.RawMessage) cell {
	switch raw[0] {
	case '"':
		var text string
		json.Unmarshal(raw, &text) // it was decoded as a string before
		return cell{text: text, typ: "string"}
	case '{':
		return cell{text: string(raw), typ: "object"}
	case '[':
		return cell{text: string(raw), typ: "array"}
	case 't', 'f':
		return cell{text: string(raw), typ: "boolean"}
	case 'n':
		return cell{text: string(raw), typ: "null"}
	default:
		return cell{text: string(raw), typ: "number"}
	}
}

func malformed(err error) error {
	reason := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "the line ends too early"
	}
	return problem("", "malformed JSON: %s", reason)
}

func tooLong() error {
	return problem("", "the line is longer than %d MB and was not read", maxLine>>20)
}

func isEmpty() error { return problem("", "the file is empty") }

func notUTF8() error { return problem("", "is not valid UTF-8; save the file as UTF-8") }

// csvRows decodes a file of comma-separated values with a header.
type csvRows struct {
	lines  *lineReader
	kind   *recordKind
	reader *reader
	header []string // nil until it is read
}

func (c *csvRows) next() (entry, error) {
	for {
		row, err := c.row()
		switch {
		case errors.Is(err, io.EOF) && c.header == nil:
			return c.refuse(0, isEmpty())
		case err != nil:
			return entry{}, err
		case row.problem != nil && c.header == nil:
			return c.refuse(row.line, row.problem)
		case row.problem != nil:
			return entry{line: row.line, kind: c.kind, problems: []error{row.problem}}, nil
		case row.values == nil:
			continue
		case c.header == nil:
			err = c.readHeader(row.values)
			if err != nil {
				return c.refuse(row.line, err)
			}
			continue
		}
		e := c.decode(row.values)
		e.line = row.line
		return e, nil
	}
}

// refuse ends the file: without a header no row means anything.
func (c *csvRows) refuse(line int, err error) (entry, error) {
	c.header = []string{}
	c.lines.end()
	return entry{line: line, kind: c.kind, problems: flat(err)}, nil
}

func (c *csvRows) decode(values []string) entry {
	if len(values) != len(c.header) {
		return entry{kind: c.kind, problems: []error{problem("", "the row has %d values and the header %d", len(values), len(c.header))}}
	}
	cells := map[string]cell{}
	for i, name := range c.header {
		cells[name] = cell{text: values[i]}
	}
	return read(c.reader, c.kind, cells, nil)
}

// readHeader takes the names of the columns, or says everything that is wrong with them.
func (c *csvRows) readHeader(values []string) error {
	known := c.kind.fields.names()
	var names []string
	var problems []error
	found := false
	for _, value := range values {
		name := strings.ToLower(strings.TrimSpace(value))
		switch {
		case slices.Contains(names, name):
			problems = append(problems, problem(value, "is the name of two columns; keep one"))
		case !slices.Contains(known, name):
			problems = append(problems, unknownField(value, c.kind.name, known))
		default:
			found = true
		}
		names = append(names, name)
	}
	if !found {
		return noHeader(values, known)
	}
	for _, f := range c.kind.fields {
		if f.required && !slices.Contains(names, f.name) {
			problems = append(problems, &secor.FieldError{Field: f.name, Problem: "has no column"})
		}
	}
	c.header = names
	return errors.Join(problems...)
}

func noHeader(values, known []string) error {
	for separator, called := range map[string]string{";": "semicolons", "\t": "tabs"} {
		if len(values) == 1 && strings.Contains(values[0], separator) {
			return problem("", "the values are separated by %s; save the file with commas", called)
		}
	}
	return problem("", "is no header; the first line must name the columns, of %s", strings.Join(known, ", "))
}

// csvRow is one row as it was read; without values where the line is blank.
type csvRow struct {
	line    int
	values  []string
	problem error
}

// row reads one row, which goes over several lines where a quoted value does. Where
// such a value does not end, only its first line is lost.
func (c *csvRows) row() (csvRow, error) {
	first, err := c.lines.next()
	if err != nil {
		return csvRow{}, err
	}
	if first.long {
		return csvRow{line: first.number, problem: tooLong()}, nil
	}
	text, joined, err := c.join(first)
	if err != nil {
		return csvRow{}, err
	}
	values, malformed := splitRow(text)
	if malformed != nil {
		c.lines.giveBack(joined)
	}
	return csvRow{line: first.number, values: values, problem: malformed}, nil
}

// join adds lines to the first one until its quotation marks are closed.
func (c *csvRows) join(first fileLine) ([]byte, []fileLine, error) {
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

func splitRow(text []byte) ([]string, error) {
	if !utf8.Valid(text) {
		return nil, notUTF8()
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
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
