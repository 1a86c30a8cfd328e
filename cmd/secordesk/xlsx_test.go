package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"secordesk/store/secor"
)

// workbookOf writes a workbook with one sheet. A float64, a time.Time or a bool is
// such a cell; a text that begins with "=" a formula.
func workbookOf(t testing.TB, rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	padded := "0000000"
	zeros, err := f.NewStyle(&excelize.Style{CustomNumFmt: &padded})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		for j, value := range row {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			err = writeCell(f, at, value, date, zeros)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	err = f.Write(&out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// shownWithZeros is a number whose cell shows it with seven digits.
type shownWithZeros int

func writeCell(f *excelize.File, at string, value any, date, zeros int) error {
	switch value := value.(type) {
	case nil:
		return nil
	case time.Time:
		return errors.Join(f.SetCellValue("Sheet1", at, value), f.SetCellStyle("Sheet1", at, at, date))
	case shownWithZeros:
		return errors.Join(f.SetCellValue("Sheet1", at, int(value)), f.SetCellStyle("Sheet1", at, at, zeros))
	case string:
		if strings.HasPrefix(value, "=") {
			return f.SetCellFormula("Sheet1", at, value)
		}
		return f.SetCellStr("Sheet1", at, value)
	}
	return f.SetCellValue("Sheet1", at, value)
}

// sheetEntries reads a workbook as records of a kind; what is refused as a whole is one entry.
func sheetEntries(t testing.TB, kind, sheet string, file []byte) []entry {
	t.Helper()
	k, err := kindNamed(recordKinds(), kind)
	if err != nil {
		t.Fatal(err)
	}
	book, err := openWorkbook(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return []entry{{problems: flat(err)}}
	}
	rowsOfIt, err := book.sheet(sheet)
	if err != nil {
		return []entry{{problems: flat(err)}}
	}
	return entriesIn(t, &rows{source: &sheetSource{sheet: rowsOfIt, ctx: context.Background()}, kind: k, reader: testReader(t)})
}

func TestWorkbook_Values(t *testing.T) {
	day, noon := time.Date(2026, time.March, 9, 0, 0, 0, 0, time.UTC), time.Date(2026, time.March, 9, 12, 30, 0, 0, time.UTC)
	header := []any{"body", "account", "fee_year", "amount", "method", "reference", "received_on"}
	pay := func(field int, value any) []byte {
		row := []any{"ab-pir", "0034567", 2026, 157.5, "cheque", "0042", day}
		row[field] = value
		return workbookOf(t, header, row)
	}
	tests := []struct {
		name  string
		file  []byte
		field string
		want  string // of the field, or what is said
	}{
		{"text keeps its zeros", pay(5, "0042"), "reference", "0042"},
		{"a number for a year", pay(2, 2026.0), "fee_year", "2026"},
		{"a number for money", pay(3, 157.5), "amount", "157.50"},
		{"noise of binary fractions", pay(3, 157.3+1e-14), "amount", "157.30"},
		{"a date", pay(6, day), "received_on", "2026-03-09"},
		{"a date as text", pay(6, "2026-03-09"), "received_on", "2026-03-09"},
		{"an account as a number", pay(1, 34567), "", `account: "34567" is a number in the sheet, which has lost any leading zeros; format the column as Text and write it out in full`},
		{"an account as a number that may have been longer", pay(1, 1234567), "", `account: "1234567" is a number in the sheet, which has lost any leading zeros; format the column as Text and write it out in full`},
		{"an account as long as any", pay(1, 12345678), "account", "12345678"},
		{"an account shown with its zeros", pay(1, shownWithZeros(34567)), "account", "0034567"},
		{"an account with a fraction", pay(1, 1234567.5), "", `account: "1234567.5" is a number in the sheet and has no place here; format the cell as Text and write the value again`},
		{"a reference as a number", pay(5, 42), "", `reference: "42" is a number in the sheet, which has lost any leading zeros; format the column as Text and write it out in full`},
		{"a formula", pay(3, "=100+57.5"), "", `amount: is a formula; put its value there (Paste Special, Values)`},
		{"a date for money", pay(3, day), "", `amount: "2026-03-09" is a date in the sheet; format the cell as Text and write the value again`},
		{"a number for a date", pay(6, 46090), "", `received_on: "46090" is a number in the sheet and no date; format the cell as a date, or write it as text such as 2026-03-25`},
		{"a time for a day", pay(6, noon), "", `received_on: "2026-03-09T12:30:00" has a time of day and must be a day alone`},
		{"a day far away", pay(6, time.Date(1900, time.March, 9, 0, 0, 0, 0, time.UTC)), "", `received_on: "1900-03-09" is before 1950; check the year`},
		{"a flag for a method", pay(4, true), "", `method: "TRUE" is not one of cheque, eft, card`},
	}
	for _, tt := range tests {
		entries := sheetEntries(t, "payment", "", tt.file)
		if len(entries) != 1 || entries[0].line != 0 && entries[0].line != 2 {
			t.Errorf("%s: %d entries", tt.name, len(entries))
			continue
		}
		got := entries[0].record.text(tt.field)
		if tt.field == "" {
			var said []string
			for _, p := range entries[0].problems {
				said = append(said, p.Error())
			}
			got = strings.Join(said, "\n")
		} else if len(entries[0].problems) > 0 {
			got = entries[0].problems[0].Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// archiveOf writes a ZIP archive.
func archiveOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err := z.Close()
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bookOf writes the smallest workbook around the XML of a sheet and of its texts.
func bookOf(t testing.TB, sheet, texts string) []byte {
	return archiveOf(t, map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet name="One" r:id="a"/><sheet name="Two" r:id="b"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="a" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   sheet, "xl/sharedStrings.xml": texts})
}

func TestWorkbook_Refuses(t *testing.T) {
	const open = `<worksheet><sheetData>`
	tests := []struct {
		name, want string
		file       []byte
	}{
		{"nothing", "the file is empty", nil},
		{"text", "the file is no Excel workbook, whatever its name says", []byte("body,account,name\n")},
		{"old Excel", "the file is an old Excel workbook (.xls); save it as Excel Workbook (.xlsx)", []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 Workbook")},
		{"a password", "the workbook is protected by a password; save it without one", []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00")},
		{"cut off", "the workbook is damaged (not a valid zip file)", workbookOf(t, []any{"body"})[:2000]},
		{"another archive", "the file is a ZIP archive and no Excel workbook", archiveOf(t, map[string]string{"readme.txt": "hello"})},
		{"a sheet that is not there", `the workbook has no sheet "Three"; there is "One", "Two"`, bookOf(t, open+`</sheetData></worksheet>`, "")},
		{"no sheet behind its name", `the workbook is damaged (the sheet "Two" is missing)`, bookOf(t, open, "")},
		{"no end", "the workbook is damaged", bookOf(t, open+`<row><c><v>1`, "")},
		{"no number", `the workbook is damaged ("1x" is no number)`, bookOf(t, open+`<row><c><v>1x</v></c></row>`, "")},
		{"a text that is missing", "the workbook is damaged (a text of it is missing)", bookOf(t, open+`<row><c t="s"><v>7</v></c></row>`, "")},
		{"columns without end", "is no header: it goes on for more than 200 columns", bookOf(t, open+`<row><c r="XFD1"><v>1</v></c></row>`, "")},
		{"beyond every column", "row 1 has more than 16384 columns", bookOf(t, open+`<row><c r="ZZZZZZZ1"><v>1</v></c></row>`, "")},
		{"deep", "tags that do not match", bookOf(t, open+strings.Repeat("<a>", 100), "")},
		{"another charset", `the workbook is written in "latin1"`, bookOf(t, `<?xml version="1.0" encoding="latin1"?>`+open, "")},
		{"an entity of its own", "the workbook is damaged", bookOf(t, `<!DOCTYPE x [<!ENTITY a "aaaa">]>`+open+`<row><c t="str"><v>&a;</v></c></row>`, "")},
		{"a bomb in a sheet", "the workbook unpacks to more than 200 times its size, as a zip bomb does", bookOf(t, open+strings.Repeat("<row/>", 2<<20), "")},
		{"a bomb in a text", "the workbook has a text or tag of more than 1 MB", bookOf(t, open, `<sst><si><t>`+strings.Repeat("x", 4<<20))},
		{"a bomb of shared texts", "the workbook unpacks to more than", bookOf(t, open, `<sst>`+strings.Repeat(`<si><t>`+strings.Repeat("x", 1000)+`</t></si>`, 12<<10))},
		{"a bomb in a cell of many texts", "has a cell of more than 1 MB", bookOf(t, open+`<row><c t="str"><v>`+strings.Repeat(strings.Repeat("x", 1000)+"<!-- -->", 1200), "")},
	}
	for _, tt := range tests {
		sheet := ""
		switch tt.name {
		case "a sheet that is not there":
			sheet = "Three"
		case "no sheet behind its name":
			sheet = "Two"
		}
		said := strings.Join(saidOf(sheetEntries(t, "person", sheet, tt.file)), "\n")
		if !strings.Contains(said, tt.want) {
			t.Errorf("%s: it says %.300q, want %q", tt.name, said, tt.want)
		}
	}
	many := map[string]string{}
	for i := range maxParts + 1 {
		many[fmt.Sprint("xl/worksheets/", i)] = ""
	}
	if said := saidOf(sheetEntries(t, "person", "", archiveOf(t, many))); !strings.Contains(said[0], "more than 2000 are not read") {
		t.Errorf("many parts: %q", said)
	}
}

// TestWorkbook_TooLarge packs so loosely that only the limit in bytes can refuse it.
func TestWorkbook_TooLarge(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	var texts strings.Builder
	for range maxSettings>>16 + 1 {
		noise := make([]byte, 1<<10)
		random.Read(noise)
		fmt.Fprintf(&texts, "<x>%x%s</x>", noise, strings.Repeat("0", 62<<10))
	}
	file := archiveOf(t, map[string]string{"xl/workbook.xml": `<workbook xmlns:r="r"><sheets><sheet name="One" r:id="a"/></sheets></workbook>`, "xl/styles.xml": texts.String()})
	if ratio := texts.Len() / len(file); ratio >= maxRatio {
		t.Fatalf("it is packed %d to 1, and the other limit refuses it", ratio)
	}
	said := saidOf(sheetEntries(t, "person", "", file))
	if len(said) != 1 || !strings.Contains(said[0], "the workbook unpacks to more than 16 MB, which is not read; divide it") {
		t.Errorf("it says %.300q", said)
	}
}

// inEveryFormat writes the same rows in every format that offices have.
func inEveryFormat(t *testing.T, rows [][]string) map[string][]byte {
	t.Helper()
	quoted := func(comma, end string) string {
		var b strings.Builder
		for _, row := range rows {
			for i, value := range row {
				if i > 0 {
					b.WriteString(comma)
				}
				b.WriteString(`"` + strings.ReplaceAll(value, `"`, `""`) + `"`)
			}
			b.WriteString(end)
		}
		return b.String()
	}
	windows, err := charmap.Windows1252.NewEncoder().String(quoted(",", "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"plain.csv": []byte(quoted(",", "\n")), "bom.csv": []byte("\uFEFF" + quoted(",", "\r\n")),
		"semicolons.csv": []byte("\uFEFF" + quoted(";", "\r\n")), "excel-said-so.csv": []byte("sep=;\r\n" + quoted(";", "\r\n")), "tabs.tsv": []byte(quoted("\t", "\n")),
		"windows.csv": []byte(windows)}
	for name, endian := range map[string]unicode.Endianness{"little.txt": unicode.LittleEndian, "big.csv": unicode.BigEndian} {
		text, err := unicode.UTF16(endian, unicode.UseBOM).NewEncoder().String(quoted("\t", "\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = []byte(text)
	}
	var sheet [][]any
	for _, row := range rows {
		var cells []any
		for _, value := range row {
			cells = append(cells, value)
		}
		sheet = append(sheet, cells)
	}
	files["book.xlsx"] = workbookOf(t, sheet...)
	return files
}

// TestImport_EveryFormat holds that the same rows come to the same, whatever the
// format: what the first one adds, all others leave unchanged.
func TestImport_EveryFormat(t *testing.T) {
	d := newImportDesk(t)
	rows := [][]string{{"legal_name", "body", "account", "province", "email", "contact", "street"},
		{"Bélanger & Fils Ltée", "ab-pir", "0034567", "AB", "bureau@belanger.example", "Zoë Çelik", "12, rue \"Œuvre\"\nbureau 5"},
		{"Prairie; Wind\tInc.", "bc-worksafebc", "000123456", "BC", "dale@prairiewind.example", "", ""}}
	total := 0
	for name, file := range inEveryFormat(t, rows) {
		path := filepath.Join(t.TempDir(), "companies-"+name)
		d.ok(os.WriteFile(path, file, 0o600))
		o := importOptions{}
		if name == "windows.csv" {
			o.Encoding = encodingWindows
		}
		got := d.imports(o, path)
		if got.Added+got.Unchanged != 2 || got.Changed > 0 {
			t.Errorf("%s: %+v; want the same two companies", name, got)
		}
		total += got.Added
	}
	if total != 2 || d.state()["companies"] != 2 {
		t.Errorf("%d were added, on file are %v; want two companies", total, d.state())
	}
	c, err := d.CompanyByAccount(t.Context(), "ab-pir", "0034567")
	d.ok(err)
	if c.LegalName != "Bélanger & Fils Ltée" || c.Address.Street != `12, rue "Œuvre" bureau 5` || c.Contact != "Zoë Çelik" {
		t.Errorf("on file is %+v", c)
	}
}

func TestImport_Encodings(t *testing.T) {
	d := newImportDesk(t)
	const people = "body,account,name\nab-pir,1234567,"
	write := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		d.ok(os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	book := write("people.xlsx", string(workbookOf(t, []any{"body", "account", "name"})))
	tests := []struct {
		name string
		o    importOptions
		path string
		want string
	}{
		{"windows letters", importOptions{}, write("people.csv", people+"Zo\xeb\n"), "people.csv:2: is not valid UTF-8; save it as UTF-8 or add --encoding windows-1252"},
		{"UTF-8 called windows-1252", importOptions{Encoding: encodingWindows}, write("people.csv", people+"Zoë\n"), "people.csv:2: is UTF-8 already and would turn into other letters; leave --encoding out"},
		{"UTF-16 called windows-1252", importOptions{Encoding: encodingWindows}, write("people.csv", "\xff\xfea\x00"), "people.csv: the file is UTF-16 (little endian) and not windows-1252; leave --encoding out"},
		{"UTF-8 with its mark called windows-1252", importOptions{Encoding: encodingWindows}, write("people.csv", "\uFEFFa"), "people.csv: the file is UTF-8 with its mark and not windows-1252"},
		{"UTF-16 without its mark", importOptions{}, write("people.csv", "b\x00o\x00d\x00y\x00,\x00\n\x00"), "people.csv:1: holds NUL bytes, as UTF-16 without its mark does; save the file as CSV UTF-8"},
		{"half a letter of UTF-16", importOptions{}, write("people.csv", "\xff\xfea\x00\x00\xd8\n\x00"), "people.csv:1: is not whole in UTF-16"},
		{"no letter in windows-1252", importOptions{Encoding: encodingWindows}, write("people.csv", people+"Zo\x81\n"), "people.csv:2: is not windows-1252; save the file as CSV UTF-8"},
		{"a workbook called CSV", importOptions{}, write("people.csv", "PK\x03\x04"), "people.csv: the file is a workbook and not CSV; call it .xlsx"},
		{"old Excel called CSV", importOptions{}, write("people.csv", "\xD0\xCF\x11\xE0"), "people.csv: the file is an old Excel workbook and not CSV"},
		{"CSV called a workbook", importOptions{}, write("people.xlsx", people), "people.xlsx: the file is no Excel workbook, whatever its name says"},
		{"a header alone", importOptions{}, book, ""},
		{"another sheet", importOptions{Sheet: "March"}, book, `people.xlsx: the workbook has no sheet "March"; there is "Sheet1"`},
		{"a sheet of no workbook", importOptions{Sheet: "March"}, write("people.csv", people), `--sheet: "March" is for workbooks, and none is named`},
		{"an encoding of no CSV", importOptions{Encoding: encodingWindows}, book, `--encoding: "windows-1252" is for CSV files, and none is named`},
	}
	for _, tt := range tests {
		_, said, err := d.run(tt.o, tt.path)
		if !strings.Contains(said, tt.want) || (tt.want != "") != errors.Is(err, secor.ErrRefused) {
			t.Errorf("%s: it says %q (%v), want %q", tt.name, said, err, tt.want)
		}
	}
	if got := d.state(); got["people"]+got["companies"] > 0 {
		t.Errorf("on file are %v, want nothing", got)
	}
}

func TestImport_SaysWhatItFound(t *testing.T) {
	o := newOffice(t)
	path := filepath.Join(t.TempDir(), "people.csv")
	text, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("body;account;name\r\nab-pir;1234567;Zoë\r\n")
	o.must(err)
	o.must(os.WriteFile(path, []byte(text), 0o600))
	o.says("import "+path, `^person +1 +0 +0 +0$`, `^people\.csv was read as UTF-16, separated by semicolons\.$`)
}

func TestFormatOf(t *testing.T) {
	for code, want := range map[string]cellFormat{"yyyy-mm-dd": {date: true}, `d" day"`: {date: true}, "[h]:mm": {date: true}, "0000000": {digits: 7}, "0.00": {}, `"day" 0`: {},
		"[Red]0.0": {}, `\d0`: {}, "#,##0_d": {}, "General": {}, "": {}} {
		if got := formatOf("200", code); got != want {
			t.Errorf("formatOf(%q) = %+v, want %+v", code, got, want)
		}
	}
	if !formatOf("14", "").date || formatOf("2", "").date {
		t.Error("Excel's own formats are not known")
	}
}

// FuzzWorkbook changes bytes of the sheet and the texts of a workbook, and of the
// archive itself.
func FuzzWorkbook(f *testing.F) {
	f.Add(0, `<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>account</t></is></c></row></sheetData></worksheet>`, `<sst><si><t>body</t></si></sst>`, []byte(nil))
	f.Add(2, `<row><c r="ZZ9"><f>1+1</f><v>2</v></c></row>`, `<sst><si><r><t>a_x000D_</t></r><rPh><t>b</t></rPh></si></sst>`, []byte(nil))
	f.Add(9, "", "", []byte("PK\x03\x04"))
	kinds := recordKinds()
	f.Fuzz(func(t *testing.T, kind int, sheet, texts string, archive []byte) {
		k := kinds[(kind%len(kinds)+len(kinds))%len(kinds)]
		if len(archive) == 0 {
			archive = bookOf(t, sheet, texts)
		}
		checkEntries(t, sheetEntries(t, k.name, "", archive))
	})
}

// FuzzEncodings reads any bytes as CSV in both encodings.
func FuzzEncodings(f *testing.F) {
	f.Add(true, []byte("body;account;name\r\nab-pir;1234567;Zo\xeb\r\n"))
	f.Add(false, []byte("\xff\xfeb\x00o\x00d\x00y\x00"))
	f.Add(false, []byte("sep=;\nbody;account;name\n"))
	f.Fuzz(func(t *testing.T, windows bool, file []byte) {
		encoding := ""
		if windows {
			encoding = encodingWindows
		}
		k, _ := kindNamed(recordKinds(), "person")
		source, err := newCSV(t.Context(), bytes.NewReader(file), encoding, k.fields.names())
		if err != nil {
			return
		}
		checkEntries(t, entriesIn(t, &rows{source: source, kind: k, reader: testReader(t)}))
	})
}
