package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/xuri/excelize/v2"

	"secordesk/store/secor"
)

// caseMarksCmd is "secordesk case marks".
type caseMarksCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	Out  string       `xor:"way" required:"" placeholder:"FILE" help:"Write the sheet of marks to this new workbook (.xlsx)."`
	In   string       `xor:"way" required:"" placeholder:"FILE" help:"Read the marks back from a workbook (.xlsx) or CSV, and show what changes."`
	Yes  bool         `help:"Save the changes without asking."`
	As   string       `placeholder:"EMAIL" help:"Who changes marks, the reviewer who holds the case; SECORDESK_AS when left out."`
}

// Help returns the examples.
func (caseMarksCmd) Help() string {
	return `The sheet has a line for each question. Change verified points, what was available, or write yes under n/a, and say why on the same line; a line left as it is changes nothing. Read back, the file first shows what would change. All of it is saved in one act or nothing is, as if each mark had been changed with "case mark". To undo, write the old marks into a new sheet.

A file is refused that is of another case, or in which somebody else's change since it was written would be lost.

Examples:

	secordesk case marks 14 --out marks-14.xlsx
	secordesk case marks 14 --in marks-14.xlsx --as ana.roy@example.com
	secordesk case marks 14 --in marks-14.csv --as ana.roy@example.com --yes`
}

// Run writes the sheet of a case or reads it back.
func (c *caseMarksCmd) Run(ctx context.Context, t *terminal) error {
	if c.Out != "" {
		return c.out(ctx, t)
	}
	return c.in(ctx, t)
}

func (c *caseMarksCmd) out(ctx context.Context, t *terminal) error {
	if !strings.HasSuffix(strings.ToLower(c.Out), ".xlsx") {
		return &secor.FieldError{Field: "--out", Value: c.Out, Problem: "does not end with .xlsx"}
	}
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	f, err := c.audit(ctx, cases)
	if err != nil {
		return err
	}
	err = writeNew(c.Out, func(w io.Writer) error { return writeMarks(w, f) })
	if errors.Is(err, fs.ErrExist) {
		return &secor.FieldError{Field: "--out", Value: c.Out, Problem: "is there already; name another file"}
	}
	if err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	_, err = fmt.Fprintf(t.out, "%s: %s. Change verified, available or n/a, say why, and read it back with --in.\n", c.Out, count(len(f.Sheet), "question"))
	return err
}

// audit returns the case, which must have a sheet.
func (c *caseMarksCmd) audit(ctx context.Context, cases *desk) (*secor.File, error) {
	f, err := cases.File(ctx, c.Case)
	if err != nil {
		return nil, plain(err)
	}
	if len(f.Sheet) == 0 {
		return nil, &secor.Refusal{Kind: secor.ErrNotFound, Text: fmt.Sprintf("case %d has no marks yet", c.Case), Do: "wait for the company's submission"}
	}
	return f, nil
}

func (c *caseMarksCmd) in(ctx context.Context, t *terminal) error {
	cases, person, err := t.deskAs(ctx, c.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	f, err := c.audit(ctx, cases)
	if err != nil {
		return err
	}
	sheet, err := readMarks(ctx, c.In)
	if err != nil {
		return inMarksFile(c.In, err)
	}
	changes, err := sheet.changes(f)
	if err != nil {
		return inMarksFile(c.In, err)
	}
	if len(changes) == 0 {
		_, err = fmt.Fprintln(t.out, "nothing changes")
		return err
	}
	err = c.show(t, f, changes)
	if err != nil {
		return err
	}
	yes, err := c.agreed(t, len(changes))
	if err != nil || !yes {
		return err
	}
	act := secor.Act{ID: "cli:" + rand.Text(), By: secor.ByReviewer(person.ID), Surface: secor.SurfaceFile, AsOf: sheet.version}
	err = cases.UpdateCase(ctx, c.Case, act, func(f *secor.File, _ time.Time) error {
		// Under the lock: nobody changes a mark between this look and the saving.
		now, err := sheet.changes(f)
		if err != nil {
			return err
		}
		return f.TakeMarks(now)
	})
	if err != nil {
		return inMarksFile(c.In, plain(err))
	}
	_, err = fmt.Fprintf(t.out, "Saved: %s.\n", count(len(changes), "mark"))
	return err
}

func inMarksFile(path string, err error) error {
	if !errors.Is(err, secor.ErrRefused) {
		return fmt.Errorf("read marks: %w", err)
	}
	var lines []error
	for _, one := range flat(err) {
		lines = append(lines, fmt.Errorf("%s: %w", path, one))
	}
	return errors.Join(lines...)
}

// show prints what would change, and what it does to the score.
func (c *caseMarksCmd) show(t *terminal, f *secor.File, changes []secor.MarkChange) error {
	out := &table{heads: []string{"Question", "Is", "Becomes", "Why"}, right: []int{1, 2}}
	before, errBefore := f.Score()
	after := *f
	after.Sheet = map[string]secor.Line{}
	for id, line := range f.Sheet {
		after.Sheet[id] = line
	}
	for _, change := range changes {
		line := f.Sheet[change.Mark.Question]
		out.add(change.Mark.Question, line.Verified.Words(), change.Mark.Words(), change.Reason)
		line.Verified = &change.Mark
		after.Sheet[change.Mark.Question] = line
	}
	err := out.write(t.out)
	if err != nil {
		return err
	}
	then, errAfter := after.Score()
	if errBefore != nil || errAfter != nil {
		return nil
	}
	_, err = fmt.Fprintf(t.out, "Verified: %s (%s), then %s (%s).\n", secor.Percent(before.Awarded, before.Available), t.verdict(before.Verdict),
		secor.Percent(then.Awarded, then.Available), t.verdict(then.Verdict))
	return err
}

// agreed asks a person at a terminal. Where nobody can be asked, nothing is saved.
func (c *caseMarksCmd) agreed(t *terminal, changes int) (bool, error) {
	if c.Yes {
		return true, nil
	}
	keyboard, ok := t.in.(*os.File)
	if !t.tty || !ok || !isatty.IsTerminal(keyboard.Fd()) {
		_, err := fmt.Fprintln(t.out, "Nothing was saved; add --yes to save.")
		return false, err
	}
	fmt.Fprintf(t.out, "Save %s? [y/N] ", count(changes, "change"))
	answer, err := bufio.NewReader(keyboard).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	_, err = fmt.Fprintln(t.out, "Nothing was saved.")
	return false, err
}

// The columns of a sheet of marks. A person writes into the four in the middle.
const (
	marksQuestion  = "question"
	marksWords     = "text"
	marksPoints    = "points"
	marksClaimed   = "claimed"
	marksVerified  = "verified"
	marksAvailable = "available"
	marksNA        = "n/a"
	marksReason    = "reason"
	marksWritten   = "as written" // the verified mark when the file was written
)

// marksHeadRow is the row of the columns' names; above it stand case and version.
const marksHeadRow = 2

// marksLine returns a question's values in the order of the columns.
func marksLine(q secor.Question, line secor.Line) []any {
	row := []any{q.ID, q.Text, pointsCell(q.Points), line.Claimed.Words(), nil, nil, nil, nil, line.Verified.Words()}
	switch m := line.Verified; {
	case m == nil:
	case m.NA:
		row[6] = "yes"
	default:
		row[4], row[5] = pointsCell(m.Awarded), pointsCell(m.Available)
	}
	return row
}

// pointsCell returns points as a number of a sheet.
func pointsCell(p secor.Points) float64 { return float64(p) / 100 }

// writeMarks writes the sheet of an audit as a workbook: what a person may change
// is white and open, the rest grey and locked, without a password.
func writeMarks(w io.Writer, f *secor.File) error {
	book := excelize.NewFile()
	defer book.Close()
	m := &marksWriter{book: book, sheet: "Marks"}
	m.do(book.SetSheetName("Sheet1", m.sheet))
	m.row(1, []any{"case", int(f.Case.ID), "version", f.Case.Version, f.Company.LegalName})
	m.row(marksHeadRow, []any{marksQuestion, marksWords, marksPoints, marksClaimed, marksVerified, marksAvailable, marksNA, marksReason, marksWritten})
	last := marksHeadRow
	for _, e := range f.Protocol.Elements {
		for _, q := range e.Questions {
			last++
			m.row(last, marksLine(q, f.Sheet[q.ID]))
		}
	}
	m.dress(last)
	if m.err != nil {
		return m.err
	}
	return book.Write(w)
}

// marksWriter writes a workbook until something goes wrong and keeps the first error.
type marksWriter struct {
	book  *excelize.File
	sheet string
	err   error
}

func (m *marksWriter) do(err error) { m.err = errors.Join(m.err, err) }

func (m *marksWriter) row(number int, values []any) {
	m.do(m.book.SetSheetRow(m.sheet, fmt.Sprintf("A%d", number), &values))
}

func (m *marksWriter) style(from, to string, s excelize.Style) {
	id, err := m.book.NewStyle(&s)
	m.do(err)
	m.do(m.book.SetCellStyle(m.sheet, from, to, id))
}

// dress makes the sheet one to work in.
func (m *marksWriter) dress(last int) {
	head := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"D9E1E8"}}
	grey := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"F0F0F0"}}
	points, top := "0.00", excelize.Alignment{Vertical: "top", WrapText: true}
	m.style("A1", "I1", excelize.Style{Font: &excelize.Font{Bold: true}})
	m.style("A2", "I2", excelize.Style{Font: &excelize.Font{Bold: true}, Fill: head})
	m.style("A3", fmt.Sprintf("B%d", last), excelize.Style{Fill: grey, Alignment: &top})
	m.style("C3", fmt.Sprintf("D%d", last), excelize.Style{Fill: grey, Alignment: &top, CustomNumFmt: &points})
	m.style("E3", fmt.Sprintf("F%d", last), excelize.Style{Alignment: &top, CustomNumFmt: &points, Protection: &excelize.Protection{}})
	m.style("G3", fmt.Sprintf("H%d", last), excelize.Style{Alignment: &top, Protection: &excelize.Protection{}})
	m.style("I3", fmt.Sprintf("I%d", last), excelize.Style{Fill: grey, Alignment: &top})
	for column, width := range map[string]float64{"A": 9, "B": 70, "C": 8, "D": 12, "E": 9, "F": 9, "G": 6, "H": 50, "I": 12} {
		m.do(m.book.SetColWidth(m.sheet, column, column, width))
	}
	m.limit(fmt.Sprintf("E3:E%d", last), "Points from 0 to what is available.", func(v *excelize.DataValidation) error {
		return v.SetRange(0, "F3", excelize.DataValidationTypeDecimal, excelize.DataValidationOperatorBetween)
	})
	m.limit(fmt.Sprintf("F3:F%d", last), "Points up to those of the question.", func(v *excelize.DataValidation) error {
		return v.SetRange(0, "C3", excelize.DataValidationTypeDecimal, excelize.DataValidationOperatorBetween)
	})
	m.limit(fmt.Sprintf("G3:G%d", last), "Write yes, or leave it empty.", func(v *excelize.DataValidation) error { return v.SetDropList([]string{"yes"}) })
	m.do(m.book.SetPanes(m.sheet, &excelize.Panes{Freeze: true, YSplit: marksHeadRow, TopLeftCell: "A3", ActivePane: "bottomLeft"}))
	m.do(m.book.ProtectSheet(m.sheet, &excelize.SheetProtectionOptions{SelectLockedCells: true, SelectUnlockedCells: true, FormatColumns: true, FormatRows: true}))
}

func (m *marksWriter) limit(cells, hint string, set func(*excelize.DataValidation) error) {
	v := excelize.NewDataValidation(true)
	v.Sqref = cells
	v.SetError(excelize.DataValidationErrorStyleStop, "Not possible", hint)
	m.do(set(v))
	m.do(m.book.AddDataValidation(m.sheet, v))
}
