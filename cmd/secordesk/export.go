package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/secor"
)

// exportCmd is "secordesk export".
type exportCmd struct {
	Dir   string   `arg:"" help:"Folder to write to; made when missing."`
	What  []string `enum:"cases,clocks,events,companies,invoices,certificates" placeholder:"PART,..." help:"Only these: cases, clocks, events, companies, invoices, certificates."`
	Force bool     `help:"Replace an earlier export: all files that its manifest lists are removed."`
}

// Help returns the examples.
func (exportCmd) Help() string {
	return `Every list is written twice, as CSV for a spreadsheet and as JSON Lines for a program, and all of them show the same moment. manifest.json, written last, has the number of rows and the SHA-256 of each file. Companies, registrations, people and courses can be imported again as they are. "secordesk verify FOLDER" checks the files and the history in them, and refuses one that the manifest does not list.

In CSV, a text that a spreadsheet would run as a formula has an apostrophe before it: take one away from a text that begins with apostrophes and one of = + - @. JSON Lines have every text as it is.

The files hold names and free text; they are readable by you alone.

Examples:

	secordesk export /srv/export
	secordesk export monday --what cases,clocks --force`
}

// historyFile is the part of an export that verify reads.
const historyFile = "history.jsonl"

const manifestFile = "manifest.json"

// Run writes the export.
func (c *exportCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	err = os.MkdirAll(c.Dir, 0o700)
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	e := &exporter{dir: c.Dir, force: c.Force}
	defer e.discard()
	err = cases.Snapshot(ctx, func(x *store.Snapshot) error { return e.write(ctx, x, c.What) })
	if err != nil {
		return err
	}
	err = e.keep()
	if err != nil {
		return err
	}
	return e.report(t)
}

// manifest says what an export holds.
type manifest struct {
	ExportedAt time.Time      `json:"exported_at"` // by the desk's clock
	Program    string         `json:"program"`
	Files      []exportedFile `json:"files"`
}

type exportedFile struct {
	Name   string `json:"name"`
	Rows   int    `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// exporter writes files under names of their own, and gives them theirs when all
// are whole.
type exporter struct {
	dir     string
	force   bool
	partial []string // names that files have until then
	made    manifest
}

func (e *exporter) write(ctx context.Context, x *store.Snapshot, what []string) error {
	e.made = manifest{ExportedAt: x.Now(), Program: version()}
	wanted := slices.DeleteFunc(store.Tables(), func(t store.Table) bool { return len(what) > 0 && !slices.Contains(what, t.What) })
	names := []string{manifestFile}
	for _, t := range wanted {
		names = append(names, t.Name+".csv", t.Name+".jsonl")
	}
	err := e.free(append(names, historyFile))
	if err != nil {
		return err
	}
	for _, t := range wanted {
		err = e.table(ctx, x, t)
		if err != nil {
			return err
		}
	}
	if len(what) == 0 || slices.Contains(what, "events") {
		err = e.history(ctx, x)
	}
	return err
}

// free refuses to replace anything, unless it was told to.
func (e *exporter) free(names []string) error {
	var problems []error
	for _, name := range names {
		_, err := os.Lstat(filepath.Join(e.dir, name))
		if err == nil && !e.force {
			problems = append(problems, &secor.FieldError{Field: filepath.Join(e.dir, name), Problem: "is there already; name another folder, or replace it with --force"})
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look for file: %w", err)
		}
	}
	return errors.Join(problems...)
}

// exportFile is a file that is being written.
type exportFile struct {
	file *os.File
	*bufio.Writer
	sum  hash.Hash
	size int64
}

// writeThrough writes to the file and adds to its sum.
func (f *exportFile) writeThrough(p []byte) (int, error) {
	n, err := f.file.Write(p)
	f.sum.Write(p[:n])
	f.size += int64(n)
	return n, err
}

type writerFunc func([]byte) (int, error)

// Write calls the function.
func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

func (e *exporter) create(name string) (*exportFile, error) {
	path := filepath.Join(e.dir, "."+name+".partial")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write export: %w", err)
	}
	e.partial = append(e.partial, name)
	f := &exportFile{file: file, sum: sha256.New()}
	f.Writer = bufio.NewWriterSize(writerFunc(f.writeThrough), 64<<10)
	return f, nil
}

// finish closes a file and notes it.
func (e *exporter) finish(f *exportFile, name string, rows int) error {
	err := errors.Join(f.Flush(), f.file.Sync(), f.file.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	e.made.Files = append(e.made.Files, exportedFile{Name: name, Rows: rows, Bytes: f.size, SHA256: hex.EncodeToString(f.sum.Sum(nil))})
	return nil
}

// table writes a list as CSV and as JSON Lines at once.
func (e *exporter) table(ctx context.Context, x *store.Snapshot, t store.Table) error {
	sheet, err := e.create(t.Name + ".csv")
	if err != nil {
		return err
	}
	defer sheet.file.Close()
	lines, err := e.create(t.Name + ".jsonl")
	if err != nil {
		return err
	}
	defer lines.file.Close()
	rows := 0
	values := csv.NewWriter(sheet)
	err = values.Write(columnNames(t))
	if err != nil {
		return err
	}
	guardedRow := make([]string, len(t.Columns))
	err = x.Rows(ctx, t, func(row []string) error {
		rows++
		for i, c := range t.Columns {
			guardedRow[i] = row[i]
			if c.Kind == store.ColumnText {
				guardedRow[i] = guarded(row[i])
			}
		}
		return errors.Join(values.Write(guardedRow), writeLine(lines.Writer, t, row))
	})
	values.Flush()
	err = errors.Join(err, values.Error())
	if err != nil {
		return err
	}
	return errors.Join(e.finish(sheet, t.Name+".csv", rows), e.finish(lines, t.Name+".jsonl", rows))
}

func columnNames(t store.Table) []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// guarded returns a text that no spreadsheet runs as a formula. Unguarded takes it back.
func guarded(text string) string {
	if runs(text) {
		return "'" + text
	}
	return text
}

// unguarded returns the text that guarded was given.
func unguarded(text string) string {
	if strings.HasPrefix(text, "'") && runs(text[1:]) {
		return text[1:]
	}
	return text
}

// runs reports a text that begins as a formula, or as one that was guarded.
func runs(text string) bool {
	rest := strings.TrimLeft(text, "'")
	return rest != "" && strings.ContainsRune("=+-@\t\r", rune(rest[0]))
}

// writeLine writes a row as a JSON object in the order of the columns. What there is
// none of is left out, so that an import reads what it wrote.
func writeLine(w *bufio.Writer, t store.Table, row []string) error {
	begin := "{"
	if t.Record != "" {
		w.WriteString(`{"record":"` + t.Record + `"`)
		begin = ","
	}
	for i, c := range t.Columns {
		if row[i] == "" {
			continue
		}
		value := []byte(row[i])
		if c.Kind != store.ColumnWhole && c.Kind != store.ColumnFlag {
			var err error
			value, err = json.Marshal(row[i])
			if err != nil {
				return err
			}
		}
		w.WriteString(begin + `"` + c.Name + `":`)
		w.Write(value)
		begin = ","
	}
	_, err := w.WriteString("}\n") // the first error of a buffer is also its last
	return err
}

// history writes what verify reads.
func (e *exporter) history(ctx context.Context, x *store.Snapshot) error {
	f, err := e.create(historyFile)
	if err != nil {
		return err
	}
	defer f.file.Close()
	rows := 0
	err = x.History(ctx, writerFunc(func(p []byte) (int, error) {
		rows += strings.Count(string(p), "\n")
		return f.Writer.Write(p)
	}))
	if err != nil {
		return err
	}
	return e.finish(f, historyFile, rows)
}

// keep gives the files their names, the manifest last: without it, an export is not
// whole.
func (e *exporter) keep() error {
	text, err := json.MarshalIndent(e.made, "", "  ")
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	err = e.clear()
	if err != nil {
		return err
	}
	f, err := e.create(manifestFile)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Flush(), f.file.Sync(), f.file.Close())
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	for len(e.partial) > 0 {
		name := e.partial[0]
		err = os.Rename(filepath.Join(e.dir, "."+name+".partial"), filepath.Join(e.dir, name))
		if err != nil {
			return fmt.Errorf("name %s: %w", name, err)
		}
		e.partial = e.partial[1:]
	}
	return nil
}

// clear removes the earlier export, if there is one: its manifest, and the files
// that it lists.
func (e *exporter) clear() error {
	text, err := os.ReadFile(filepath.Join(e.dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	var earlier manifest
	err = json.Unmarshal(text, &earlier)
	if err != nil {
		earlier = manifest{} // verify names what stays
	}
	err = os.Remove(filepath.Join(e.dir, manifestFile))
	if err != nil {
		return fmt.Errorf("replace manifest: %w", err)
	}
	for _, f := range earlier.Files {
		// A manifest that somebody wrote may list anything.
		if !slices.Contains(exportNames(), f.Name) {
			continue
		}
		err = os.Remove(filepath.Join(e.dir, f.Name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove earlier export: %w", err)
		}
	}
	return nil
}

// exportNames returns the names that files of an export have.
func exportNames() []string {
	names := []string{historyFile}
	for _, t := range store.Tables() {
		names = append(names, t.Name+".csv", t.Name+".jsonl")
	}
	return names
}

// discard removes what was not kept.
func (e *exporter) discard() {
	for _, name := range e.partial {
		os.Remove(filepath.Join(e.dir, "."+name+".partial"))
	}
}

func (e *exporter) report(t *terminal) error {
	out := &table{heads: []string{"File", "Rows", "Bytes"}, right: []int{1, 2}}
	for _, f := range e.made.Files {
		out.add(f.Name, fmt.Sprint(f.Rows), fmt.Sprint(f.Bytes))
	}
	err := out.write(t.out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "As of %s, in %s.\n", e.made.ExportedAt.UTC().Format("2 Jan 2006 15:04 MST"), e.dir)
	return err
}

// checkManifest refuses a folder whose files are not those that were exported.
func checkManifest(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return &secor.FieldError{Field: dir, Problem: "has no manifest.json and so no whole export"}
	}
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	var made manifest
	err = json.Unmarshal(text, &made)
	if err != nil {
		return &secor.FieldError{Field: filepath.Join(dir, manifestFile), Problem: "cannot be read: " + err.Error()}
	}
	listed := map[string]bool{}
	var problems []error
	for _, f := range made.Files {
		listed[f.Name] = true
		sum, err := sumOf(filepath.Join(dir, filepath.Base(f.Name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, &secor.FieldError{Field: f.Name, Problem: "is missing from the export"})
		case err != nil:
			return fmt.Errorf("read export: %w", err)
		case sum != f.SHA256:
			problems = append(problems, &secor.FieldError{Field: f.Name, Problem: "was changed since the export: its SHA-256 is another one"})
		}
	}
	for _, name := range exportNames() {
		_, err = os.Lstat(filepath.Join(dir, name))
		if err == nil && !listed[name] {
			problems = append(problems, &secor.FieldError{Field: name, Problem: "is not of this export: its manifest does not list it; remove it, or export again into a new folder"})
		}
	}
	return errors.Join(problems...)
}

func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), err
}
