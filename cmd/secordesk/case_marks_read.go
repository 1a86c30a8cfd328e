package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"secordesk/store/secor"
)

// marksSheet is a sheet of marks as a file has it.
type marksSheet struct {
	id      secor.CaseID
	version int // of the case when the file was written
	lines   []marksRow
}

// marksRow is one question of it: its cells by column, and where they stand.
type marksRow struct {
	number int
	cells  map[string]cell
	places map[string]string // "D7" of a workbook, "line 7, verified" of CSV
}

// maxMarksRows is how many rows a sheet of marks may have; a protocol has some fifty
// questions.
const maxMarksRows = 2000

// readMarks reads a workbook or a CSV file that "case marks --out" wrote and a
// person worked in. Its refusals say which file to use instead, or which cell is wrong.
func readMarks(ctx context.Context, path string) (marksSheet, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return marksSheet{}, problem("", "there is no such file")
	}
	if err != nil {
		return marksSheet{}, err
	}
	defer file.Close()
	rows, err := marksRows(ctx, file)
	if err != nil {
		return marksSheet{}, err
	}
	return marksOf(rows)
}

// marksRows returns every row of the file that has a cell.
func marksRows(ctx context.Context, file *os.File) ([]sheetRow, error) {
	next, err := marksReader(ctx, file)
	if err != nil {
		return nil, err
	}
	var rows []sheetRow
	for {
		row, err := next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		if len(rows) > maxMarksRows {
			return nil, notMarks()
		}
	}
}

func notMarks() error {
	return problem("", "is not a sheet that case marks --out wrote: its first line names the case and its version, its second the columns")
}

// marksReader returns what yields the file's rows, those of a CSV file as text cells.
func marksReader(ctx context.Context, file *os.File) (func() (sheetRow, error), error) {
	if strings.EqualFold(filepath.Ext(file.Name()), ".xlsx") {
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		book, err := openWorkbook(file, info.Size())
		if err != nil {
			return nil, err
		}
		sheet, err := book.sheet("")
		if err != nil {
			return nil, err
		}
		return sheet.next, nil
	}
	source, err := newCSV(ctx, file, "", []string{"case", "version"})
	if err != nil {
		return nil, err
	}
	return func() (sheetRow, error) {
		for {
			row, err := source.row()
			if err == nil && row.problem != nil {
				err = problem("", "line %d: %v", row.line, row.problem)
			}
			if err != nil || row.cells != nil {
				return textRow(row), err
			}
		}
	}, nil
}

// textRow returns a row of CSV without its blank cells. A text that begins as a
// formula is one: a spreadsheet wrote it out.
func textRow(row fileRow) sheetRow {
	found := sheetRow{number: row.line}
	for i, c := range row.cells {
		kind := cellText
		if strings.HasPrefix(c.text, "=") {
			kind = cellFormula
		}
		if strings.TrimSpace(c.text) != "" {
			found.cells = append(found.cells, sheetCell{column: i, kind: kind, text: c.text, digits: -1})
		}
	}
	return found
}

func marksOf(rows []sheetRow) (marksSheet, error) {
	sheet := marksSheet{}
	if len(rows) < 2 {
		return sheet, notMarks()
	}
	head := rows[0].cells
	if len(head) < 4 || !strings.EqualFold(head[0].text, "case") || !strings.EqualFold(head[2].text, "version") {
		return sheet, notMarks()
	}
	id, err := strconv.ParseUint(strings.TrimSpace(head[1].text), 10, 62)
	version, versionErr := strconv.ParseUint(strings.TrimSpace(head[3].text), 10, 31)
	if err != nil || versionErr != nil || id == 0 || version == 0 {
		return sheet, notMarks()
	}
	sheet.id, sheet.version = secor.CaseID(id), int(version)
	columns := map[int]string{}
	for _, c := range rows[1].cells {
		columns[c.column] = columnName(c.text)
	}
	for _, name := range []string{marksQuestion, marksVerified, marksAvailable, marksNA, marksReason, marksWritten} {
		n := 0
		for _, column := range columns {
			if column == name {
				n++
			}
		}
		if n != 1 {
			return sheet, problem("", "has %s called %q and must have one; write a new sheet with case marks --out", count(n, "column"), name)
		}
	}
	for _, row := range rows[2:] {
		sheet.lines = append(sheet.lines, marksRowOf(row, columns))
	}
	return sheet, nil
}

func marksRowOf(row sheetRow, columns map[int]string) marksRow {
	line := marksRow{number: row.number, cells: map[string]cell{}, places: map[string]string{}}
	csv := false
	for i, c := range row.cells {
		csv = csv || c.digits < 0
		line.cells[columns[c.column]] = cell{text: strings.TrimSpace(c.text), sheet: &row.cells[i]}
	}
	for column, name := range columns {
		line.places[name] = fmt.Sprintf("line %d, %s", row.number, name)
		at, err := excelize.CoordinatesToCellName(column+1, row.number)
		if err == nil && !csv {
			line.places[name] = at
		}
	}
	return line
}

// changes returns what the sheet changes in an audit. Its error names every cell
// that cannot be meant, and every mark that somebody changed since.
func (s marksSheet) changes(f *secor.File) ([]secor.MarkChange, error) {
	if s.id != f.Case.ID {
		return nil, problem("", "is the sheet of case %d and not of case %d", s.id, f.Case.ID)
	}
	var changes []secor.MarkChange
	var problems []error
	seen := map[string]string{}
	for _, line := range s.lines {
		id := line.cells[marksQuestion].text
		first, twice := seen[id]
		if twice && id != "" {
			problems = append(problems, line.wrong(marksQuestion, "is on %s as well; keep one", first))
			continue
		}
		seen[id] = line.places[marksQuestion]
		change, err := line.change(f)
		if err != nil {
			problems = append(problems, err)
		}
		if change != nil {
			changes = append(changes, *change)
		}
	}
	return changes, errors.Join(problems...)
}

// wrong returns what is wrong with a cell.
func (l marksRow) wrong(column, format string, args ...any) error {
	return &secor.FieldError{Field: l.places[column], Value: l.cells[column].text, Problem: fmt.Sprintf(format, args...)}
}

// change returns what a line changes, nil when nothing.
func (l marksRow) change(f *secor.File) (*secor.MarkChange, error) {
	var formulas []error
	for _, column := range []string{marksQuestion, marksVerified, marksAvailable, marksNA, marksReason, marksWritten} {
		if c := l.cells[column].sheet; c != nil && (c.kind == cellFormula || c.kind == cellError) {
			formulas = append(formulas, l.wrong(column, "is %s; put the value itself there", article(string(c.kind))))
		}
	}
	if len(formulas) > 0 {
		return nil, errors.Join(formulas...)
	}
	id := l.cells[marksQuestion].text
	_, known := f.Protocol.Question(id)
	switch {
	case id == "" && l.blank():
		return nil, nil
	case id == "":
		return nil, l.wrong(marksQuestion, "names no question")
	case !known:
		return nil, l.wrong(marksQuestion, "is not a question of protocol %s", f.Protocol.Name)
	}
	is, written := f.Sheet[id].Verified, l.cells[marksWritten].text
	becomes, err := l.mark(f.Protocol)
	if err != nil || becomes.Words() == written || becomes.Words() == is.Words() {
		return nil, err
	}
	switch {
	case becomes == nil:
		return nil, l.wrong(marksVerified, "is empty; a mark can be changed and not taken away")
	case written != is.Words():
		return nil, l.wrong(marksVerified, "would undo another change: %s was %s when the file was written and is %s now; write a new sheet", id, written, is.Words())
	}
	reason, err := secor.CleanText("", l.cells[marksReason].text, secor.MaxText)
	if err != nil {
		return nil, named(l.places[marksReason], err)
	}
	if reason == "" {
		return nil, l.wrong(marksReason, "is empty: say why %s becomes %s", id, becomes.Words())
	}
	return &secor.MarkChange{Mark: *becomes, Reason: reason}, nil
}

func (l marksRow) blank() bool {
	for _, c := range l.cells {
		if c.text != "" {
			return false
		}
	}
	return true
}

// mark reads the verified mark of a line; nil where there is none.
func (l marksRow) mark(p *secor.Protocol) (*secor.Mark, error) {
	awarded, available, na := l.cells[marksVerified].text, l.cells[marksAvailable].text, strings.ToLower(l.cells[marksNA].text)
	m := secor.Mark{Question: l.cells[marksQuestion].text, NA: slices.Contains([]string{"yes", "true", "x", "n/a"}, na)}
	var err error
	switch {
	case !m.NA && na != "" && na != "no" && na != "false":
		return nil, l.wrong(marksNA, "is neither yes nor empty")
	case m.NA && awarded != "" && awarded != "0":
		return nil, l.wrong(marksVerified, "has points of a question that is not applicable; empty one of the two")
	case m.NA:
		return &m, nil
	case awarded == "":
		return nil, nil
	}
	m.Awarded, err = secor.ParsePoints(awarded)
	if err != nil {
		return nil, named(l.places[marksVerified], err)
	}
	if available != "" {
		m.Available, err = secor.ParsePoints(available)
	}
	if err == nil && available != "" && m.Available == 0 {
		err = problem(available, "is nothing; write yes under n/a where a question does not apply")
	}
	if err != nil {
		return nil, named(l.places[marksAvailable], err)
	}
	m, err = p.CheckMark(m)
	if err != nil {
		return nil, named(l.places[marksVerified], err)
	}
	return &m, nil
}
