package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"secordesk/store"
)

// exported exports a desk into a new folder and returns it.
func exported(t *testing.T, d *desk, what ...string) string {
	t.Helper()
	dir := t.TempDir()
	e := &exporter{dir: dir}
	defer e.discard()
	err := d.Snapshot(t.Context(), func(x *store.Snapshot) error { return e.write(t.Context(), x, what) })
	if err == nil {
		err = e.keep()
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func contentOf(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// importable are the tables that an import reads, in its order.
func importable() []store.Table {
	return slices.DeleteFunc(store.Tables(), func(t store.Table) bool { return t.Record == "" })
}

// TestExport_RoundTrip holds that what an import can read is read as it was, in both
// formats, and that the same again changes nothing.
func TestExport_RoundTrip(t *testing.T) {
	written := map[string]string{}
	t.Run("written", func(t *testing.T) {
		d := newFullDesk(t)
		d.imports(importOptions{As: "dev.patel@desk.example"}, append(samples("companies.csv", "courses.csv"),
			d.file("registrations.csv", "body,account,other_body,other_account,good_standing", "ab-pir,3456789,sk-wcb,8123999,false", "ab-pir,3456789,bc-worksafebc,000123456,true"),
			d.file("people.csv", "body,account,name", "ab-pir,3456789,Zoë 't Hoekje", "ab-pir,3456789,'t Hoekje"))...)
		dir := exported(t, d.desk)
		for _, table := range importable() {
			for _, name := range []string{table.Name + ".csv", table.Name + ".jsonl"} {
				written[name] = contentOf(t, dir, name)
			}
		}
	})
	for _, format := range []string{"csv", "jsonl"} {
		t.Run(format, func(t *testing.T) {
			d := newImportDesk(t)
			var files []string
			for _, table := range importable() {
				path := filepath.Join(t.TempDir(), table.Name+"."+format)
				d.ok(os.WriteFile(path, []byte(written[table.Name+"."+format]), 0o600))
				files = append(files, path)
			}
			first := d.imports(importOptions{}, files...)
			again := d.imports(importOptions{}, files...)
			if first.Added == 0 || again.Added+again.Changed > 0 {
				t.Errorf("imported %+v, then %+v; want the second to change nothing", first, again)
			}
			dir := exported(t, d.desk)
			for _, table := range importable() {
				name := table.Name + "." + format
				if diff := cmp.Diff(written[name], contentOf(t, dir, name)); diff != "" {
					t.Errorf("%s (-written +read):\n%s", name, diff)
				}
			}
		})
	}
}

// TestExport_ColumnsAreFields holds that what claims to be importable is.
func TestExport_ColumnsAreFields(t *testing.T) {
	for _, table := range importable() {
		kind, err := kindNamed(recordKinds(), table.Record)
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range table.Columns {
			if !slices.Contains(kind.fields.names(), column.Name) {
				t.Errorf("%s: %s is not a field of %s", table.Name, column.Name, kind.name)
			}
		}
		for _, field := range kind.fields.names() {
			if !slices.Contains(columnNames(table), field) {
				t.Errorf("%s: the field %s of %s is not exported", table.Name, field, kind.name)
			}
		}
	}
}

func TestExport(t *testing.T) {
	r := newReviewed(t)
	r.says(`case query ` + strconv.Itoa(int(r.id)) + ` --question "=cmd|' /C calc'!A0"`)
	dir := filepath.Join(t.TempDir(), "monday")
	r.says("export "+dir, `^companies\.csv +1 +[0-9]+$`, `^cases\.jsonl +2 +`, `^history\.jsonl +[0-9]+`, `^As of 25 Mar 2026 16:00 UTC, in `)
	r.says("verify "+dir, `^sound: [0-9]+ events of 2 cases`)
	r.refuses("export "+dir, `cases\.csv: is there already; name another folder, or replace it with --force`)
	r.says("export " + dir + " --force")
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over are %v, %v", left, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != len(exportNames())+1 {
		t.Errorf("%d files, %v; want each list twice, the history and the manifest", len(files), err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v; want it for its owner alone", file.Name(), info.Mode(), err)
		}
	}
	folder, err := os.Stat(dir)
	if err != nil || folder.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v; want it for its owner alone", folder.Mode(), err)
	}
	f, err := r.File(t.Context(), r.id)
	r.must(err)
	rows := map[string]map[string]string{}
	for _, name := range []string{"cases", "clocks", "invoices", "payments"} {
		lines := strings.Split(strings.TrimSpace(contentOf(t, dir, name+".jsonl")), "\n")
		var row map[string]any
		d := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
		d.UseNumber()
		r.must(d.Decode(&row))
		rows[name] = map[string]string{}
		for key, value := range row {
			if n, ok := value.(json.Number); ok {
				value = n.String()
			}
			rows[name][key], _ = value.(string)
		}
	}
	for _, want := range [][3]string{{"cases", "company", "Kowalski Electric Ltd."}, {"cases", "account", "1234567"}, {"cases", "state", "revision"}, {"cases", "holder", "ben.ito@example.com"},
		{"cases", "fee_year", "2026"}, {"invoices", "number", f.Invoice().Number()}, {"invoices", "total", strings.TrimPrefix(f.Invoice().Total().String(), "$")},
		{"invoices", "paid", rows["invoices"]["total"]}, {"payments", "reference", "0042"}} {
		if got := rows[want[0]][want[1]]; got != want[2] {
			t.Errorf("%s of %s is %q, want %q", want[1], want[0], got, want[2])
		}
	}
	events, err := csv.NewReader(strings.NewReader(contentOf(t, dir, "events.csv"))).ReadAll()
	r.must(err)
	asked := slices.IndexFunc(events, func(row []string) bool { return strings.HasPrefix(row[13], "'=cmd") })
	if asked < 0 || unguarded(events[asked][13]) != "=cmd|' /C calc'!A0" {
		t.Error("a question that begins as a formula is not guarded in CSV")
	}
	if !strings.Contains(contentOf(t, dir, "events.jsonl"), `"text":"=cmd`) {
		t.Error("JSON Lines do not have the text as it is")
	}
}

func TestExport_Verify(t *testing.T) {
	r := newReviewed(t)
	dir := t.TempDir()
	r.says("export " + dir)
	history := contentOf(t, dir, historyFile)
	for name, change := range map[string]func(){
		"companies.csv: was changed since the export": func() { r.must(os.WriteFile(filepath.Join(dir, "companies.csv"), []byte("x"), 0o600)) },
		"cases.jsonl: is missing from the export":     func() { r.must(os.Remove(filepath.Join(dir, "cases.jsonl"))) },
		"manifest.json: cannot be read":               func() { r.must(os.WriteFile(filepath.Join(dir, manifestFile), []byte("{"), 0o600)) },
		"has no manifest.json and so no whole export": func() { r.must(os.Remove(filepath.Join(dir, manifestFile))) },
	} {
		r.must(os.RemoveAll(dir))
		r.says("export " + dir)
		change()
		r.refuses("verify "+dir, name)
	}
	r.must(os.RemoveAll(dir))
	r.says("export "+dir+" --what cases", `cases\.csv`)
	r.refuses("verify "+dir, "has no history.jsonl; export it with its events")
	changed := filepath.Join(t.TempDir(), "history.jsonl")
	r.must(os.WriteFile(changed, []byte(strings.Replace(history, "ab-pir", "ab-pit", 1)), 0o600))
	status, out, _ := r.run("verify " + changed)
	if status != statusRefused || !strings.Contains(out, "wrong") {
		t.Errorf("a changed history: status %d, %s", status, out)
	}
}

// TestExport_Force holds that nothing of an earlier export is left to be taken for
// a part of this one, and that verify refuses what is.
func TestExport_Force(t *testing.T) {
	r := newReviewed(t)
	dir := t.TempDir()
	r.says("export " + dir)
	history, own := contentOf(t, dir, historyFile), filepath.Join(dir, "own.csv")
	outside := filepath.Join(filepath.Dir(dir), "outside.csv")
	for _, path := range []string{own, outside} {
		r.must(os.WriteFile(path, []byte("mine"), 0o600))
	}
	text := contentOf(t, dir, manifestFile)
	r.must(os.WriteFile(filepath.Join(dir, manifestFile), []byte(strings.Replace(text, `"files": [`, `"files": [{"name": "own.csv"}, {"name": "../outside.csv"},`, 1)), 0o600))
	r.says("export "+dir+" --what cases,events --force", `^history\.jsonl`)
	left, err := os.ReadDir(dir)
	r.must(err)
	var names []string
	for _, file := range left {
		names = append(names, file.Name())
	}
	if want := []string{"cases.csv", "cases.jsonl", "events.csv", "events.jsonl", historyFile, manifestFile, "own.csv"}; !slices.Equal(names, want) {
		t.Errorf("there are %v, want %v", names, want)
	}
	_, err = os.Stat(outside)
	r.must(err)
	r.says("verify "+dir, "^sound")
	r.must(os.WriteFile(filepath.Join(dir, "invoices.csv"), []byte("x"), 0o600))
	r.refuses("verify "+dir, "invoices.csv: is not of this export: its manifest does not list it")
	r.must(os.Remove(filepath.Join(dir, "invoices.csv")))
	r.says("export " + dir + " --what cases --force")
	r.must(os.WriteFile(filepath.Join(dir, historyFile), []byte(history), 0o600))
	r.refuses("verify "+dir, historyFile+": is not of this export")
}

// TestExport_Interrupted leaves nothing behind that could be taken for an export.
func TestExport_Interrupted(t *testing.T) {
	d := newFullDesk(t)
	dir := t.TempDir()
	for i := range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		e := &exporter{dir: dir}
		err := d.Snapshot(ctx, func(x *store.Snapshot) error {
			if i == 0 {
				cancel()
			}
			err := e.write(ctx, x, nil)
			if i > 0 {
				cancel()
				return errors.Join(err, errors.New("no more"))
			}
			return err
		})
		cancel()
		e.discard()
		left, globErr := filepath.Glob(filepath.Join(dir, "*"))
		hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
		if err == nil || globErr != nil || len(left)+len(hidden) > 0 {
			t.Errorf("interrupted: %v; left over are %v %v", err, left, hidden)
		}
	}
}

// TestExport_OneMoment holds that rows written meanwhile are not seen.
func TestExport_OneMoment(t *testing.T) {
	d := newFullDesk(t)
	companies := store.Tables()[0]
	var counts []int
	err := d.Snapshot(t.Context(), func(x *store.Snapshot) error {
		for range 2 {
			n := 0
			err := x.Rows(t.Context(), companies, func([]string) error { n++; return nil })
			if err != nil {
				return err
			}
			counts = append(counts, n)
			d.imports(importOptions{}, d.file("companies.csv", companyHead, "Kowalski Electric Ltd.,AB,ab-pir,1234567,a@kowalski.example"))
		}
		return nil
	})
	if err != nil || len(counts) != 2 || counts[0] != counts[1] {
		t.Errorf("%v companies, %v; want the same twice", counts, err)
	}
}

func TestGuarded(t *testing.T) {
	for text, want := range map[string]string{"": "", "x": "x", "=1+1": "'=1+1", "'=1": "''=1", "'t Hoekje": "'t Hoekje", "'": "'", "-5": "'-5", "@x": "'@x", "\tx": "'\tx", "5-3": "5-3"} {
		if got := guarded(text); got != want {
			t.Errorf("guarded(%q) = %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("'=+-@\t\rax"))).Draw(rt, "text")
		safe := guarded(text)
		if safe != "" && strings.ContainsRune("=+-@\t\r", rune(safe[0])) || unguarded(safe) != text {
			rt.Fatalf("%q is written as %q and read as %q", text, safe, unguarded(safe))
		}
	})
}

// FuzzWriteLine holds that a JSON line says what the row did.
func FuzzWriteLine(f *testing.F) {
	f.Add("a\"b\n", "\u2028<&>")
	table := store.Table{Record: "person", Columns: []store.Column{{Name: "name", Kind: store.ColumnText}, {Name: "other", Kind: store.ColumnText}}}
	f.Fuzz(func(t *testing.T, name, other string) {
		if !utf8.ValidString(name + other) {
			return // Postgres has no such text
		}
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		err := errors.Join(writeLine(w, table, []string{name, other}), w.Flush())
		var back struct{ Record, Name, Other string }
		if err == nil {
			err = json.Unmarshal(out.Bytes(), &back)
		}
		if err != nil || back.Name != name || back.Other != other || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
			t.Errorf("%q, %q are written as %q (%v)", name, other, out.String(), err)
		}
	})
}
