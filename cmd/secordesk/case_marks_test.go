package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"secordesk/store/secor"
)

// reviewed is an office in which Ben reviews an audit with full marks.
type reviewed struct {
	*office
	*desk
	id   secor.CaseID
	file string // its sheet, as case marks --out wrote it
}

func newReviewed(t *testing.T) *reviewed {
	o := newOffice(t)
	r := &reviewed{office: o, desk: o.open()}
	o.says("case approve 1")
	id, err := r.AddAudit(t.Context(), o.act("audit"), 1, "ab-pir",
		secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 8, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	o.must(err)
	r.id = id
	o.says(fmt.Sprintf("case invoice %d", id))
	f, err := r.File(t.Context(), id)
	o.must(err)
	o.says(fmt.Sprintf("case pay %d --amount %s --method cheque --reference 0042", id, strings.TrimPrefix(f.Invoice().Total().String(), "$")))
	o.says(fmt.Sprintf("case approve %d", id))
	var marks []secor.Mark
	for _, e := range f.Protocol.Elements {
		for _, q := range e.Questions {
			marks = append(marks, secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points})
		}
	}
	act := o.act("submission")
	act.By = secor.ByCompany(1)
	submission := secor.Submission{Marks: marks, Months: secor.Evidence{Policies: 12, Records: 12}, LastDay: secor.NewDate(2026, time.March, 20), Headcount: 8}
	o.must(r.UpdateCase(t.Context(), id, act, func(f *secor.File, _ time.Time) error { return f.Submit(submission) }))
	o.says(fmt.Sprintf("case assign %d --reviewer ben.ito@example.com", id))
	o.environ["SECORDESK_AS"] = "ben.ito@example.com"
	r.file = filepath.Join(t.TempDir(), "marks.xlsx")
	o.says(fmt.Sprintf("case marks %d --out %s", id, r.file), `marks\.xlsx: [0-9]+ questions\.`)
	return r
}

// with returns a copy of the sheet with other values in some cells.
func (r *reviewed) with(cells map[string]any) string {
	r.office.t.Helper()
	book, err := excelize.OpenFile(r.file)
	r.must(err)
	defer book.Close()
	for at, value := range cells {
		formula, ok := value.(string)
		if ok && strings.HasPrefix(formula, "=") {
			r.must(book.SetCellFormula("Marks", at, formula))
			continue
		}
		r.must(book.SetCellValue("Marks", at, value))
	}
	path := filepath.Join(r.office.t.TempDir(), "changed.xlsx")
	r.must(book.SaveAs(path))
	return path
}

// marked returns the verified mark of a question and how often marks changed.
func (r *reviewed) marked(question string) (string, int) {
	r.office.t.Helper()
	f, err := r.File(r.office.t.Context(), r.id)
	r.must(err)
	events, err := r.Events(r.office.t.Context(), r.id)
	r.must(err)
	n := 0
	for _, e := range events {
		if e.Kind == secor.EventMarkChanged {
			n++
		}
	}
	return f.Sheet[question].Verified.Words(), n
}

func (r *reviewed) in(path string) string { return fmt.Sprintf("case marks %d --in %s", r.id, path) }

func TestCaseMarks(t *testing.T) {
	r := newReviewed(t)
	r.says(r.in(r.file)+" --yes", `^nothing changes$`)
	r.refuses(fmt.Sprintf("case marks %d --out %s", r.id, r.file), "is there already; name another file")
	// Row 3 is A1, all or nothing, 6 points; row 5 is A3, 6 points.
	changed := r.with(map[string]any{"E3": 0, "H3": "not signed", "E5": 4.5, "H5": "two of four did not know it", "G4": "yes", "E4": nil, "F4": nil, "H4": "no yard"})
	r.says(r.in(changed), `^A1 +6\.00/6\.00 +0\.00/6\.00 +not signed$`, `^A2 +5\.00/5\.00 +n/a +no yard$`, `^Verified: 100\.00.* \(pass\), then `, `^Nothing was saved; add --yes to save\.$`)
	if _, n := r.marked("A1"); n > 0 {
		t.Fatalf("%d marks were saved without a yes", n)
	}
	r.says(r.in(changed)+" --yes", `^Saved: 3 marks\.$`)
	for question, want := range map[string]string{"A1": "0.00/6.00", "A2": "n/a", "A3": "4.50/6.00", "B1": ""} {
		if got, n := r.marked(question); n != 3 || want != "" && got != want {
			t.Errorf("%s is %s after %d changes, want %s after 3", question, got, n, want)
		}
	}
	r.says(fmt.Sprintf("case history %d", r.id), "mark.changed, by Ben Ito", "two of four did not know it", "question A3")
	r.says(r.in(changed)+" --yes", `^nothing changes$`)
	r.says("verify", "^sound: ")

	// Back to what it was, as CSV with semicolons.
	csv := filepath.Join(t.TempDir(), "marks.csv")
	lines := fmt.Sprintf("\uFEFFcase;%d;version;%d\r\nquestion;verified;available;n/a;reason;as written\r\nA1;6;;;seen;0.00/6.00\r\n;;;;;\r\nB1;;;;;\r\n", r.id, r.version())
	r.must(os.WriteFile(csv, []byte(lines), 0o600))
	r.refuses(r.in(csv), "line 5, verified: would undo|line 5, verified: is empty; a mark can be changed and not taken away")
	r.must(os.WriteFile(csv, []byte(strings.Replace(lines, "B1;;;;;\r\n", "", 1)), 0o600))
	r.says(r.in(csv)+" --yes", `^A1 +0\.00/6\.00 +6\.00/6\.00 +seen$`, `^Saved: 1 mark\.$`)
}

func (r *reviewed) version() int {
	f, err := r.File(r.office.t.Context(), r.id)
	r.must(err)
	return f.Case.Version
}

func TestCaseMarks_Refuses(t *testing.T) {
	r := newReviewed(t)
	why := func(cells map[string]any, more ...any) map[string]any {
		for i := 0; i < len(more); i += 2 {
			cells[more[i].(string)] = more[i+1]
		}
		return cells
	}
	text := filepath.Join(t.TempDir(), "marks.csv")
	r.must(os.WriteFile(text, []byte("question,verified\nA1,5\n"), 0o600))
	tests := []struct {
		name string
		path string
		want string
	}{
		{"another case", r.with(map[string]any{"B1": 99}), "changed.xlsx: is the sheet of case 99 and not of case "},
		{"no case", r.with(map[string]any{"B1": "x"}), "is not a sheet that case marks --out wrote"},
		{"another file", text, "is not a sheet that case marks --out wrote"},
		{"no file", "missing.xlsx", "missing.xlsx: there is no such file"},
		{"an older version", r.with(why(map[string]any{"D1": 1}, "E5", 1, "H5", "x")), "has moved on"},
		{"a column renamed", r.with(map[string]any{"H2": "why"}), `has 0 columns called "reason" and must have one`},
		{"more points than there are", r.with(why(map[string]any{"E5": 7}, "H5", "x")), `E5: has 7\.00 points awarded of 6\.00 available`},
		{"part of all or nothing", r.with(why(map[string]any{"E3": 3}, "H3", "x")), `E3: is all or nothing: award 0 or 6\.00`},
		{"more available than the question has", r.with(why(map[string]any{"F5": 9}, "H5", "x")), `E5: has 9\.00 points available, but the protocol gives it 6\.00`},
		{"no points", r.with(map[string]any{"E5": "four"}), `E5: "four" is not a number with at most two decimals`},
		{"three decimals", r.with(map[string]any{"E5": 4.125}), `E5: "4\.125" is not a number with at most two decimals`},
		{"minus", r.with(map[string]any{"E5": -1}), `E5: "-1" is not a number`},
		{"a formula", r.with(map[string]any{"E5": "=2+2"}), `E5: .*is a formula; put the value itself there`},
		{"no reason", r.with(map[string]any{"E5": 4}), `H5: is empty: say why A3 becomes 4\.00/6\.00`},
		{"taken away", r.with(map[string]any{"E5": nil}), `E5: is empty; a mark can be changed and not taken away`},
		{"points and not applicable", r.with(map[string]any{"G5": "yes"}), `E5: "6" has points of a question that is not applicable`},
		{"perhaps not applicable", r.with(map[string]any{"G5": "maybe"}), `G5: "maybe" is neither yes nor empty`},
		{"an unknown question", r.with(map[string]any{"A5": "Z9"}), `A5: "Z9" is not a question of protocol`},
		{"no question", r.with(map[string]any{"A5": nil}), `A5: names no question`},
		{"a question twice", r.with(map[string]any{"A5": "A1"}), `A5: "A1" is on A3 as well; keep one`},
		{"several at once", r.with(map[string]any{"E5": 9, "G6": "maybe"}), `(?s)E5: .*G6: `},
	}
	for _, tt := range tests {
		status, out, errOut := r.run(r.in(tt.path) + " --yes")
		if status != statusRefused || !matches(tt.want, errOut) {
			t.Errorf("%s: status %d, %q, %q; want a refusal that says %q", tt.name, status, out, errOut, tt.want)
		}
	}
	if got, n := r.marked("A3"); n > 0 || got != "6.00/6.00" {
		t.Errorf("A3 is %s after %d changes, want none", got, n)
	}
	good := r.with(map[string]any{"E5": 4, "H5": "x"})
	r.environ["SECORDESK_AS"] = "ana.roy@example.com"
	status, _, errOut := r.run(r.in(good) + " --yes")
	if status != statusRefused || !strings.Contains(errOut, "only Ben Ito, who holds the case, may do this") {
		t.Errorf("by another person: status %d, %s", status, errOut)
	}
	r.refuses("case marks 1 --out x.xlsx", "case 1 has no marks yet; wait for the company's submission")
	r.refuses(fmt.Sprintf("case marks %d --out x.csv", r.id), "does not end with .xlsx")
}

// TestCaseMarks_Stale: a mark that somebody changed since the file was written is
// not overwritten in silence, and the others of the file wait with it.
func TestCaseMarks_Stale(t *testing.T) {
	r := newReviewed(t)
	both := r.with(map[string]any{"E5": 4, "H5": "x", "E6": 1, "H6": "y"})
	other := r.with(map[string]any{"E6": 1, "H6": "y"})
	r.says(fmt.Sprintf(`case mark %d --question A3 --awarded 2 --reason "heard three"`, r.id))
	r.refuses(r.in(both)+" --yes", `E5: "4" would undo another change: A3 was 6\.00/6\.00 when the file was written and is 2\.00/6\.00 now; write a new sheet`)
	r.says(r.in(other)+" --yes", `^Saved: 1 mark\.$`)
	if got, n := r.marked("A3"); n != 2 || got != "2.00/6.00" {
		t.Errorf("A3 is %s after %d changes, want the other change and one of the file", got, n)
	}
}

// FuzzMarks reads any cells as a sheet of marks.
func FuzzMarks(f *testing.F) {
	f.Add("1", "2", "A1", "3.50", "", "", "why", "1.00/5.00")
	f.Add("1", "x", "=A1", "-1", "9", "yes", "", "n/a")
	programme, err := loadProgramme()
	if err != nil {
		f.Fatal(err)
	}
	protocol := programme.Protocols[programme.Editions["esc-2023"].Protocol]
	f.Fuzz(func(t *testing.T, id, version, question, awarded, available, na, reason, written string) {
		file := workbookOf(t, []any{"case", id, "version", version}, []any{marksQuestion, marksVerified, marksAvailable, marksNA, marksReason, marksWritten},
			[]any{question, awarded, available, na, reason, written})
		book, err := openWorkbook(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		sheet, err := book.sheet("")
		if err != nil {
			t.Fatal(err)
		}
		var rows []sheetRow
		for row, err := sheet.next(); err == nil; row, err = sheet.next() {
			rows = append(rows, row)
		}
		read, err := marksOf(rows)
		if err != nil {
			return
		}
		changes, err := read.changes(&secor.File{Case: secor.Case{ID: read.id}, Protocol: protocol, Sheet: map[string]secor.Line{}})
		for _, c := range changes {
			_, wrong := protocol.CheckMark(c.Mark)
			if wrong != nil || c.Reason == "" || err != nil {
				t.Errorf("%+v passes: %v", c, wrong)
			}
		}
	})
}

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
