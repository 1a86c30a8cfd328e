package main

import (
	"bytes"
	"encoding/json"
	"errors"
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
		return entry{problems: []error{problem("", "is not valid UTF-8; save the file as UTF-8")}}
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

func notUTF8() error {
	return problem("", "is not valid UTF-8; save it as UTF-8 or add --encoding windows-1252")
}

// rowSource yields the rows of a file whose first one names the columns.
type rowSource interface {
	// row returns the next row; io.EOF after the last one. Any other error is a fault
	// of reading.
	row() (fileRow, error)
}

// fileRow is one row as it was read; without cells where it is blank.
type fileRow struct {
	line    int // from 1, as an editor or Excel counts; 0: the file as a whole
	cells   []cell
	problem error
	last    bool // with a problem after which nothing more can be read
}

// rows decodes a file of rows with a header: CSV, or the sheet of a workbook.
type rows struct {
	source rowSource
	kind   *recordKind
	reader *reader
	header []string // nil until it is read
	ended  bool
}

func (r *rows) next() (entry, error) {
	for !r.ended {
		row, err := r.source.row()
		switch {
		case errors.Is(err, io.EOF) && r.header == nil:
			return r.refuse(0, isEmpty())
		case err != nil:
			return entry{}, err
		case row.problem != nil && (r.header == nil || row.last):
			return r.refuse(row.line, row.problem)
		case row.problem != nil:
			return entry{line: row.line, kind: r.kind, problems: []error{row.problem}}, nil
		case row.cells == nil:
			continue
		case r.header == nil:
			err = r.readHeader(row.cells)
			if err != nil {
				return r.refuse(row.line, err)
			}
			continue
		}
		e := r.decode(row.cells)
		e.line = row.line
		return e, nil
	}
	return entry{}, io.EOF
}

// refuse ends the file: without a header no row means anything.
func (r *rows) refuse(line int, err error) (entry, error) {
	r.ended = true
	return entry{line: line, kind: r.kind, problems: flat(err)}, nil
}

func (r *rows) decode(values []cell) entry {
	if len(values) != len(r.header) {
		return entry{kind: r.kind, problems: []error{problem("", "the row has %d values and the header %d", len(values), len(r.header))}}
	}
	cells := make(map[string]cell, len(values))
	for i, name := range r.header {
		cells[name] = values[i]
	}
	return read(r.reader, r.kind, cells, nil)
}

// readHeader takes the names of the columns, or says everything that is wrong with them.
func (r *rows) readHeader(values []cell) error {
	known := r.kind.fields.names()
	var names []string
	var problems []error
	found := false
	for _, value := range values {
		name := columnName(value.text)
		switch {
		case slices.Contains(names, name):
			problems = append(problems, problem(value.text, "is the name of two columns; keep one"))
		case !slices.Contains(known, name):
			problems = append(problems, unknownField(value.text, r.kind.name, known))
		default:
			found = true
		}
		names = append(names, name)
	}
	if !found {
		return problem("", "is no header; the first line must name the columns, of %s", strings.Join(known, ", "))
	}
	for _, f := range r.kind.fields {
		if f.required && !slices.Contains(names, f.name) {
			problems = append(problems, &secor.FieldError{Field: f.name, Problem: "has no column"})
		}
	}
	r.header = names
	return errors.Join(problems...)
}

// columnName returns the name of a column as the kinds have it.
func columnName(text string) string { return strings.ToLower(strings.TrimSpace(text)) }
