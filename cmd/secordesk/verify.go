package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"secordesk/store"
	"secordesk/store/secor"
)

// verifyCmd is "secordesk verify".
type verifyCmd struct {
	File   string `arg:"" optional:"" help:"Export to verify instead of the database, a file or the folder that export wrote; - reads standard input."`
	Export string `placeholder:"FILE" help:"Write an export of the database to this new file as well. It holds names and free text."`
	Head   string `placeholder:"HASH" help:"A head that an earlier verify printed; it must still be in the desk's chain."`
}

// Help returns the examples.
func (verifyCmd) Help() string {
	return `Reads everything that was ever recorded and compares it with itself, with the daily anchors and with what is stored: a changed byte, a missing event, a missing end and a missing case are found, and a state, a result, a certificate, an invoice or a payment that its events do not say. It ends with what it does not compare. The status is 1 when something is found.

The end of the desk's own history can be cut without a trace in the database: keep the head that verify prints elsewhere, and give it back with --head the next time.

Examples:

	secordesk verify
	secordesk verify --head 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
	secordesk verify --export history.jsonl
	secordesk verify history.jsonl
	secordesk verify /srv/export`
}

// Run verifies the database or an export and names every problem.
func (c *verifyCmd) Run(ctx context.Context, t *terminal) error {
	sum, err := hex.DecodeString(c.Head)
	if err != nil || c.Head != "" && len(sum) != sha256.Size {
		return &secor.FieldError{Field: "head", Value: c.Head, Problem: "is not a head; copy all 64 characters that verify printed"}
	}
	look := c.database
	if c.File != "" {
		look = c.file
	}
	report, err := look(ctx, t)
	if err != nil {
		return err
	}
	if c.Head != "" {
		report.Expect(strings.ToLower(c.Head))
	}
	return writeReport(t, report)
}

func (c *verifyCmd) file(_ context.Context, t *terminal) (store.Report, error) {
	if c.Export != "" {
		return store.Report{}, &usageError{err: errors.New("--export writes what the database holds; leave the file out"), command: "secordesk verify"}
	}
	in := io.NopCloser(t.in)
	path := c.File
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = checkManifest(path)
		if err != nil {
			return store.Report{}, err
		}
		path = filepath.Join(path, historyFile)
		_, err = os.Stat(path)
		if err != nil {
			return store.Report{}, &secor.FieldError{Field: c.File, Problem: "has no " + historyFile + "; export it with its events"}
		}
	}
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return store.Report{}, fmt.Errorf("read export: %w", err)
		}
		in = file
	}
	defer in.Close()
	report, err := store.VerifyExport(in)
	if err == nil && report.Events == 0 {
		err = &secor.FieldError{Field: c.File, Problem: "is empty: an export has at least the desk's own events"}
	}
	return report, err
}

func (c *verifyCmd) database(ctx context.Context, t *terminal) (store.Report, error) {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return store.Report{}, err
	}
	defer cases.Close()
	if c.Export != "" {
		err = writeNew(c.Export, func(w io.Writer) error { return cases.Export(ctx, w) })
	}
	if err != nil {
		return store.Report{}, fmt.Errorf("write export: %w", err)
	}
	return cases.Verify(ctx)
}

// writeNew writes a file that is not there yet, for its owner only.
func writeNew(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(write(file), file.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func writeReport(t *terminal, report store.Report) error {
	for _, p := range report.Problems {
		_, err := fmt.Fprintf(t.out, "%s %s\n", t.paint(red, "wrong"), p)
		if err != nil {
			return err
		}
	}
	anchored := "no anchor yet; the clock makes one each day"
	if !report.Anchored.IsZero() {
		anchored = "last anchor " + report.Anchored.UTC().Format("2 Jan 2006 15:04 MST")
	}
	if len(report.Problems) == 0 {
		_, err := fmt.Fprintf(t.out, "%s: %s, all as recorded; %s\nhead %s\n", t.paint(green, "sound"), extent(report), anchored, report.Head)
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(t.out, "not compared: %s\n", store.NotCompared())
	if err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return fmt.Errorf("%s in %s (%s)", count(len(report.Problems), "problem"), extent(report), anchored)
	}
	return nil
}

// extent says how much was verified: "261 events of 1 case".
func extent(report store.Report) string {
	return count(report.Events, "event") + " of " + count(report.Cases, "case")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
