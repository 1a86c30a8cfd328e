package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"secordesk/store"
	"secordesk/store/secor"
)

// importCmd is "secordesk import".
type importCmd struct {
	Files           []string `arg:"" name:"file" help:"JSON Lines (.jsonl), CSV (.csv, .tsv, .txt) or a workbook (.xlsx); - reads JSON Lines from standard input."`
	Record          string   `placeholder:"KIND" help:"What every CSV file and workbook holds; its name says so when left out."`
	Sheet           string   `placeholder:"NAME" help:"Which sheet of a workbook is read; the first one when left out."`
	Encoding        string   `enum:",utf-8,windows-1252" default:"" placeholder:"NAME" help:"How CSV files write letters: utf-8 (and UTF-16, which says so itself) or windows-1252."`
	As              string   `placeholder:"EMAIL" help:"Who records payments, reviewers, leave and conflicts; SECORDESK_AS when left out."`
	AllOrNothing    bool     `help:"Write nothing at all when any line is refused. Holds up everybody's steps."`
	DryRun          bool     `help:"Do everything, say what came of it, and take it back. Holds up everybody's steps."`
	AcceptNearNames bool     `help:"Take companies in whose name reads like that of another one."`
}

// Help returns the examples.
func (importCmd) Help() string {
	return `Every line that is right is taken in, and every other one is named with all that is wrong with it. The same file again changes nothing.

A JSON line says what it holds: {"record": "company", …}. A CSV file or a workbook is called after it: companies.csv, courses-march.xlsx. The kinds are company, person, course, registration, reviewer, leave, conflict, partner_request, audit_registration, submission, payment and certificate_answer; schema/schemas/import documents their fields.

Who may decide is a person's to say: a reviewer wants --as of an active administrator; leave, a conflict and a payment that of a lead or an administrator. Only while this desk has no active administrator, the reviewers of the run go in as the desk's own act; have an administrator among them.

CSV may be separated by commas, semicolons or tabs, in UTF-8 or UTF-16; what Excel calls "CSV (Comma delimited)" wants --encoding windows-1252. In a workbook, an account and a reference are text: a number has lost its leading zeros.

With --all-or-nothing and --dry-run all lines are one act, and until it ends everybody else's steps wait. Use them outside office hours for thousands of lines.

Examples:

	secordesk import reviewers.csv companies.csv courses.csv --all-or-nothing
	secordesk import leaves.csv conflicts.csv --as chloe.martin@example.com --dry-run
	secordesk import partner-requests.jsonl --all-or-nothing
	secordesk import payments.csv --as chloe.martin@example.com
	secordesk import companies.xlsx --sheet "March 2026"
	secordesk import people.csv --encoding windows-1252
	secordesk import - --accept-near-names`
}

// Run imports the files.
func (c *importCmd) Run(ctx context.Context, t *terminal) error {
	desk, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer desk.Close()
	o := importOptions{Files: c.Files, Record: c.Record, Sheet: c.Sheet, Encoding: c.Encoding, As: cmp.Or(c.As, t.env["SECORDESK_AS"]), AllOrNothing: c.AllOrNothing, DryRun: c.DryRun,
		AcceptNearNames: c.AcceptNearNames, Stdin: t.in, Now: t.now}
	screen, ok := t.errOut.(*os.File)
	o.Progress = &progress{out: t.errOut, wall: wallClock, live: ok && isatty.IsTerminal(screen.Fd())}
	summary, err := importFiles(ctx, desk.Store, desk.programme, o, t.errOut)
	if len(summary.Kinds) > 0 {
		err = errors.Join(summary.write(t.out), err)
	}
	return err
}

// importOptions say what is imported and how.
type importOptions struct {
	Files           []string
	Record          string // kind of every CSV file and workbook; "": by its name
	Sheet           string // of a workbook; "": the first one
	Encoding        string // of CSV files; "": UTF-8, or UTF-16 with its mark
	As              string // e-mail of the person who records payments and who may decide
	AllOrNothing    bool
	DryRun          bool
	AcceptNearNames bool
	Stdin           io.Reader        // what "-" reads
	Now             func() time.Time // the desk's clock, as the store has it
	Progress        *progress        // nil: none is shown
}

// batched reports whether all is done in one transaction.
func (o importOptions) batched() bool { return o.AllOrNothing || o.DryRun }

// importFiles takes the files into the store and writes one line to out for each
// problem: "file:line: field: reason". Every line is an act of its own, unless the
// options want all or nothing. The same lines again are unchanged.
//
// The error is a refusal when files cannot be used or lines were refused, and then
// the summary says how many; any other error is a fault, after which the lines
// before the one that it names are in.
func importFiles(ctx context.Context, st *store.Store, programme *secor.Programme, o importOptions, out io.Writer) (importSummary, error) {
	return newImporter(st, programme, o).importFiles(ctx, out)
}

func newImporter(st *store.Store, programme *secor.Programme, o importOptions) *importer {
	return &importer{store: st, programme: programme, options: o, kinds: recordKinds(), run: rand.Text(), by: secor.Desk,
		progress: cmp.Or(o.Progress, &progress{out: io.Discard, wall: wallClock}), read: func() float64 { return 0 },
		reader: &reader{programme: programme, now: o.Now}}
}

func (im *importer) importFiles(ctx context.Context, out io.Writer) (importSummary, error) {
	files, err := im.plan()
	if err != nil {
		return importSummary{}, err
	}
	if im.options.batched() {
		summary, err := im.batch(ctx, files, out)
		summary.Notes = im.notes
		return summary, err
	}
	summary, err := im.importAll(ctx, im.entries(ctx, files), out)
	summary.Written, summary.Notes = true, im.notes
	return summary, summary.verdict(err)
}

// errTakenBack ends a batch that is not to be kept.
var errTakenBack = errors.New("taken back")

// batch imports in one transaction, which is kept only when no line is refused.
// Everything is read before it begins, so that nobody waits for a slow file.
func (im *importer) batch(ctx context.Context, files []importFile, out io.Writer) (importSummary, error) {
	var read []entry
	for e, err := range im.entries(ctx, files) {
		if err != nil {
			return importSummary{}, err
		}
		read = append(read, e)
	}
	im.read = func() float64 { return 0 } // all of it was
	var summary importSummary
	var said bytes.Buffer
	outside := im.store
	err := outside.Batch(ctx, func(inside *store.Store) error {
		var err error
		said.Reset()
		im.store = inside
		summary, err = im.importAll(ctx, listed(read), &said)
		if err == nil && (im.options.DryRun || summary.total().Refused > 0) {
			return errTakenBack
		}
		return err
	})
	_, writeErr := said.WriteTo(out)
	summary.Written = err == nil
	if errors.Is(err, errTakenBack) {
		err = nil
	}
	return summary, cmp.Or(summary.verdict(err), writeErr)
}

func listed(entries []entry) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// encodingWindows is the encoding in which Excel saves CSV unless told otherwise.
const encodingWindows = "windows-1252"

// importFile is one file that can be read.
type importFile struct {
	path string
	kind *recordKind // of CSV and workbooks; nil: JSON Lines
	book bool        // a workbook
}

// plan looks at all files before the first one is read. Its error names every one
// that cannot be used.
func (im *importer) plan() ([]importFile, error) {
	var files []importFile
	var problems []error
	for _, path := range im.options.Files {
		f, err := im.fileAt(path)
		if slices.ContainsFunc(files, func(other importFile) bool { return other.path == path }) {
			err = errors.New("is named twice")
		}
		if err != nil {
			problems = append(problems, &secor.FieldError{Field: path, Problem: err.Error()})
		}
		files = append(files, f)
	}
	is := func(book bool) func(importFile) bool {
		return func(f importFile) bool { return f.kind != nil && f.book == book }
	}
	if im.options.Sheet != "" && len(problems) == 0 && !slices.ContainsFunc(files, is(true)) {
		problems = append(problems, &secor.FieldError{Field: "--sheet", Value: im.options.Sheet, Problem: "is for workbooks, and none is named"})
	}
	if im.options.Encoding != "" && len(problems) == 0 && !slices.ContainsFunc(files, is(false)) {
		problems = append(problems, &secor.FieldError{Field: "--encoding", Value: im.options.Encoding, Problem: "is for CSV files, and none is named"})
	}
	return files, errors.Join(problems...)
}

func (im *importer) fileAt(path string) (importFile, error) {
	f := importFile{path: path}
	if path == "-" {
		return f, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return f, errors.New("there is no such file")
	case err != nil:
		return f, err
	case info.IsDir():
		return f, errors.New("is a directory; name the files in it")
	}
	switch ext := filepath.Ext(path); strings.ToLower(ext) {
	case ".jsonl":
		return f, nil
	case ".csv", ".tsv", ".txt", ".xlsx":
		f.book = strings.EqualFold(ext, ".xlsx")
		if im.options.Record != "" {
			f.kind, err = kindNamed(im.kinds, im.options.Record)
			return f, err
		}
		f.kind, err = kindOfFile(im.kinds, strings.TrimSuffix(filepath.Base(path), ext))
		return f, err
	case ".xls", ".xlsb", ".xlsm", ".ods", ".numbers":
		return f, fmt.Errorf("is a workbook of a kind that is not read (%s); save it as Excel Workbook (.xlsx) or as CSV UTF-8", ext)
	default:
		return f, errors.New("is neither .jsonl, .csv nor .xlsx")
	}
}

// entries reads the files one after the other. An error is a fault of reading.
func (im *importer) entries(ctx context.Context, files []importFile) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for _, f := range files {
			if !im.entriesOf(ctx, f, yield) {
				return
			}
		}
	}
}

func (im *importer) entriesOf(ctx context.Context, f importFile, yield func(entry, error) bool) bool {
	var in *os.File // nil: standard input
	if f.path != "-" {
		opened, err := os.Open(f.path)
		if err != nil {
			return yield(entry{file: f.path, kind: f.kind, problems: []error{problem("", "cannot be read: %v", err)}}, nil)
		}
		defer opened.Close()
		in = opened
		im.read = readShare(opened)
	}
	from, err := im.decoder(ctx, f, in)
	if errors.Is(err, secor.ErrRefused) {
		return yield(entry{file: f.path, kind: f.kind, problems: flat(err)}, nil)
	}
	for err == nil {
		var e entry
		e, err = from.next()
		if errors.Is(err, io.EOF) {
			im.note(f, from)
			return true
		}
		e.file = f.path
		if err == nil && !yield(e, nil) {
			return false
		}
	}
	yield(entry{file: f.path}, fmt.Errorf("read %s: %w", f.path, err))
	return false
}

// readShare returns what says how much of a file was read.
func readShare(file *os.File) func() float64 {
	return func() float64 {
		info, err := file.Stat()
		if err != nil || info.Size() == 0 {
			return 0
		}
		at, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return 0
		}
		return float64(at) / float64(info.Size())
	}
}

// decoder returns what reads a file. A file that cannot be read as what it says it
// is, is a refusal.
func (im *importer) decoder(ctx context.Context, f importFile, in *os.File) (decoder, error) {
	switch {
	case f.path == "-":
		return &jsonLines{lines: newLines(ctx, im.options.Stdin), kinds: im.kinds, reader: im.reader}, nil
	case f.kind == nil:
		return &jsonLines{lines: newLines(ctx, in), kinds: im.kinds, reader: im.reader}, nil
	}
	source, err := im.source(ctx, f, in)
	if err != nil {
		return nil, err
	}
	return &rows{source: source, kind: f.kind, reader: im.reader}, nil
}

func (im *importer) source(ctx context.Context, f importFile, in *os.File) (rowSource, error) {
	if !f.book {
		return newCSV(ctx, in, im.options.Encoding, f.kind.fields.names())
	}
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	book, err := openWorkbook(in, info.Size())
	if err != nil {
		return nil, err
	}
	sheet, err := book.sheet(im.options.Sheet)
	if err != nil {
		return nil, err
	}
	im.read = sheet.share
	return &sheetSource{sheet: sheet, ctx: ctx}, nil
}

// note remembers what was found about a file that its reader should know.
func (im *importer) note(f importFile, from decoder) {
	found, ok := from.(*rows)
	if !ok {
		return
	}
	csv, ok := found.source.(*csvSource)
	if ok && csv.note() != "" {
		im.notes = append(im.notes, filepath.Base(f.path)+" was read as "+csv.note())
	}
}

// importer takes entries into the store.
type importer struct {
	store     *store.Store
	programme *secor.Programme
	options   importOptions
	kinds     []*recordKind
	reader    *reader
	run       string      // makes the acts on the register this run's own
	by        secor.Actor // whose acts on the register they are
	founding  bool        // no administrator could be named when the run began
	notes     []string    // on files that are not as most are
	path      string      // of the file at hand
	file      string      // its base name
	progress  *progress
	read      func() float64 // share of the file at hand that was read; 0: unknown
	seen      map[string]int
}

// importAll takes every entry in and writes what is wrong with it to out. It stops
// at a fault.
func (im *importer) importAll(ctx context.Context, entries iter.Seq2[entry, error], out io.Writer) (importSummary, error) {
	summary := newSummary(im.kinds)
	roster, err := im.store.Reviewers(ctx)
	if err != nil {
		return summary, err
	}
	im.founding = !slices.ContainsFunc(roster, func(r secor.Reviewer) bool { return r.Active && r.Role == secor.RoleAdmin })
	defer im.progress.wipe()
	var next chunk
	for e, err := range entries {
		if err != nil {
			return summary, cmp.Or(im.flush(ctx, next, &summary, out), err)
		}
		if !next.takes(e) {
			err = im.flush(ctx, next, &summary, out)
			if err != nil {
				return summary, err
			}
			next = chunk{}
		}
		next.kind, next.file, next.entries = e.kind, e.file, append(next.entries, e)
	}
	return summary, im.flush(ctx, next, &summary, out)
}

// flush takes a chunk in, counts it and says what is wrong with it.
func (im *importer) flush(ctx context.Context, c chunk, summary *importSummary, out io.Writer) error {
	if len(c.entries) == 0 {
		return nil
	}
	if c.file != im.path {
		im.path, im.file, im.seen = c.file, filepath.Base(c.file), map[string]int{}
	}
	outcomes, err := im.takeAll(ctx, c.entries)
	if err != nil {
		return err
	}
	for i, e := range c.entries {
		summary.count(e.kind, outcomes[i].came, len(outcomes[i].problems) > 0)
		for _, p := range outcomes[i].problems {
			im.progress.wipe()
			fmt.Fprintf(out, "%s: %v\n", e.place(), p)
		}
	}
	im.progress.at(c.file, c.entries[len(c.entries)-1].line, len(c.entries), im.read())
	return nil
}

func (e entry) place() string {
	if e.line == 0 {
		return e.file
	}
	return fmt.Sprintf("%s:%d", e.file, e.line)
}

// readable returns what keeps an entry from being taken in before the store is
// asked: it cannot be read, or is the twin of one before. An error is a fault.
func (im *importer) readable(ctx context.Context, e entry) ([]error, error) {
	if len(e.problems) > 0 {
		more, err := im.look(ctx, e)
		return append(e.problems, more...), err
	}
	key := e.record.keyOf()
	first := im.seen[key]
	if first > 0 {
		return []error{problem("", "is the same %s as line %d; keep one", strings.ReplaceAll(e.kind.name, "_", " "), first)}, nil
	}
	im.seen[key] = e.line
	return nil, nil
}

// look returns what else is wrong with an entry that cannot be read as a whole.
func (im *importer) look(ctx context.Context, e entry) ([]error, error) {
	if e.record.kind == nil || e.kind.look == nil {
		return nil, nil
	}
	err := e.kind.look(im, ctx, e.record)
	if err != nil && errors.Is(err, secor.ErrRefused) {
		return flat(plain(err)), nil
	}
	return nil, err
}

// add takes a record in, in the name of whom its kind demands.
func (im *importer) add(ctx context.Context, e entry) (store.Change, error) {
	if len(e.kind.author) == 0 {
		return e.kind.add(im, ctx, e.record)
	}
	var came store.Change
	// A batch holds the roster, so that nobody loses a role between the look at it and the act.
	err := im.store.Batch(ctx, func(inside *store.Store) error {
		within := *im
		within.store = inside
		var err error
		within.by, err = within.author(ctx, e.kind)
		if err != nil {
			return err
		}
		came, err = e.kind.add(&within, ctx, e.record)
		return err
	})
	return came, err
}

// flat returns the errors that errors.Join put together.
func flat(err error) []error {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range many.Unwrap() {
		all = append(all, flat(one)...)
	}
	return all
}

// importSummary says what came of an import.
type importSummary struct {
	Kinds   []kindSummary // those that occurred, in the order of recordKinds
	Written bool          // false: all of it was taken back
	Notes   []string      // on files that are not as most are
}

// kindSummary counts the lines of one kind by what came of them.
type kindSummary struct {
	Kind                               string
	Added, Changed, Unchanged, Refused int
}

// unreadable stands for the lines whose kind could not be read.
const unreadable = "(unreadable)"

func newSummary(kinds []*recordKind) importSummary {
	var s importSummary
	for _, k := range kinds {
		s.Kinds = append(s.Kinds, kindSummary{Kind: k.name})
	}
	s.Kinds = append(s.Kinds, kindSummary{Kind: unreadable})
	return s
}

func (s *importSummary) count(kind *recordKind, came store.Change, refused bool) {
	name := unreadable
	if kind != nil {
		name = kind.name
	}
	k := &s.Kinds[slices.IndexFunc(s.Kinds, func(k kindSummary) bool { return k.Kind == name })]
	switch {
	case refused:
		k.Refused++
	case came == store.Added:
		k.Added++
	case came == store.Changed:
		k.Changed++
	default:
		k.Unchanged++
	}
}

// total adds all kinds up.
func (s importSummary) total() kindSummary {
	sum := kindSummary{Kind: "all"}
	for _, k := range s.Kinds {
		sum.Added += k.Added
		sum.Changed += k.Changed
		sum.Unchanged += k.Unchanged
		sum.Refused += k.Refused
	}
	return sum
}

func (k kindSummary) lines() int { return k.Added + k.Changed + k.Unchanged + k.Refused }

// verdict returns a fault as it is, and otherwise a refusal when lines were refused.
func (s importSummary) verdict(fault error) error {
	all := s.total()
	if fault != nil || all.Refused == 0 {
		return fault
	}
	rest := "the others are in and stay as they are"
	if !s.Written || all.Refused == all.lines() {
		rest = "nothing was written"
	}
	return &secor.Refusal{Kind: secor.ErrField, Text: fmt.Sprintf("refused: %d of %d lines; %s", all.Refused, all.lines(), rest),
		Do: "correct the files and import them again"}
}

// write prints the summary as a table.
func (s importSummary) write(w io.Writer) error {
	out := &table{heads: []string{"Record", "Added", "Changed", "Unchanged", "Refused"}, right: []int{1, 2, 3, 4}}
	kinds := slices.DeleteFunc(slices.Clone(s.Kinds), func(k kindSummary) bool { return k.lines() == 0 })
	for _, k := range append(kinds, s.total()) {
		out.add(k.Kind, fmt.Sprint(k.Added), fmt.Sprint(k.Changed), fmt.Sprint(k.Unchanged), fmt.Sprint(k.Refused))
	}
	err := out.write(w)
	for _, note := range s.Notes {
		if err == nil {
			_, err = fmt.Fprintln(w, note+".")
		}
	}
	if err == nil && !s.Written {
		_, err = fmt.Fprintln(w, "Nothing of this was written.")
	}
	return err
}
