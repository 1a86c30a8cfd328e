package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	sampled "secordesk/deploy/samples"
	"secordesk/jobs"
	"secordesk/jobs/mail/sink"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/secor"
)

type demoCmd struct {
	Keep string `placeholder:"DIR" help:"Folder for letters and papers; a new temporary one when left out."`
	Fast bool   `help:"Do not pause between the steps, as when nobody is watching."`
}

// Help says what one will see.
func (demoCmd) Help() string {
	return `Plays five weeks of a certifying partner's office in about half a minute: eleven companies, real
Postgres, queue and mail, and the desk's clock. Nothing needs to run beforehand but a Postgres
must be installed; nothing is left running afterwards. The status is 0 when every company came out as the samples expect.

Examples:

  secordesk demo
  secordesk demo --fast --keep /tmp/secordesk`
}

// demoLimit ends a show that hangs.
const demoLimit = 5 * time.Minute

// demo is one show.
type demo struct {
	out       io.Writer
	pause     time.Duration
	bin       string // of Postgres; "": wherever packages put it
	folder    string // of letters, papers and samples
	made      bool   // by this show
	samples   string
	clock     *deskClock
	zone      *time.Location
	programme *secor.Programme
	store     *store.Store
	hours     *jobs.Clock
	printer   *jobs.Desk
	letters   *sink.Sink
	shown     int // letters told so far
	told      string
}

// Run plays the samples and holds what became of them against what must have.
// Stopped by ctx it says where the letters are, if it had begun to play.
func (c demoCmd) Run(ctx context.Context, t *terminal) error {
	limited, cancel := context.WithTimeoutCause(ctx, demoLimit, fmt.Errorf("it took longer than %s", demoLimit))
	defer cancel()
	began := time.Now()
	d := &demo{out: t.out, bin: t.env["SECOR_PG_BIN"], clock: &deskClock{}}
	if !c.Fast && t.colour {
		d.pause = 150 * time.Millisecond
	}
	err := d.choose(c.Keep)
	if err != nil {
		return err
	}
	parts, err := d.start(limited)
	if err == nil {
		err = d.show(limited)
	}
	stopped := errors.Join(parts.stop(), d.discard())
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.Join(d.stopped(), stopped)
	case err != nil || stopped != nil:
		return errors.Join(err, stopped)
	}
	fmt.Fprintf(d.out, "\nAll as expected, in %.1f s. Letters and papers are in %s\n", time.Since(began).Seconds(), d.folder)
	return nil
}

// choose looks whether the show may use the folder that --keep names.
func (d *demo) choose(keep string) error {
	if keep == "" {
		return nil
	}
	folder, err := filepath.Abs(keep)
	if err != nil {
		return fmt.Errorf("find output folder: %w", err)
	}
	d.folder = folder
	_, err = os.Stat(filepath.Join(folder, "letters"))
	if err == nil {
		return &secor.FieldError{Field: "--keep", Value: keep, Problem: "holds the letters of an earlier demo; name another folder or remove it"}
	}
	return nil
}

// prepare makes the output folder and lays the samples into it.
func (d *demo) prepare() error {
	var err error
	if d.folder == "" {
		d.folder, err = os.MkdirTemp("", "secordesk-demo-")
		d.made = err == nil
	} else if _, missing := os.Stat(d.folder); errors.Is(missing, fs.ErrNotExist) {
		d.made = true
	}
	if err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	d.samples = filepath.Join(d.folder, "samples")
	err = os.MkdirAll(d.samples, 0o755)
	if err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	return fs.WalkDir(sampled.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := sampled.Files.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(d.samples, name), content, 0o644)
	})
}

// discard removes the output folder that this show made when nothing was played.
func (d *demo) discard() error {
	if !d.made || d.told != "" {
		return nil
	}
	return os.RemoveAll(d.folder)
}

// stopped says that a person ended the show, and what there is of it. The papers
// are laid out only at the end.
func (d *demo) stopped() error {
	if d.told == "" {
		return errStopped
	}
	return fmt.Errorf("%w; the letters so far are in %s", errStopped, d.folder)
}

// show plays the script and reports.
func (d *demo) show(ctx context.Context) error {
	text, err := sampled.Files.ReadFile("script.jsonl")
	if err != nil {
		return fmt.Errorf("read script: %w", err)
	}
	lines, err := readScript(text, d.zone)
	if err != nil {
		return err
	}
	d.clock.advance(lines[0].at)
	err = d.hours.Turn(ctx)
	if err != nil {
		return err
	}
	err = d.play(ctx, lines)
	if err != nil {
		return err
	}
	return d.report(ctx)
}

// tell prints one thing that happened, under the desk's date when it is a new one.
func (d *demo) tell(what string) {
	now := d.clock.now().In(d.zone)
	day := now.Format("Monday 2 January 2006")
	if day != d.told {
		fmt.Fprintf(d.out, "\n%s\n", day)
		d.told = day
	}
	for line := range strings.Lines(now.Format("15:04") + "  " + what + "\n") {
		fmt.Fprintln(d.out, fold(strings.TrimSuffix(line, "\n"), "           "))
	}
	time.Sleep(d.pause)
}

// showLetters tells which letters have come in since the last time.
func (d *demo) showLetters() error {
	letters, err := d.letters.Messages()
	if err != nil {
		return fmt.Errorf("read letters: %w", err)
	}
	for _, letter := range letters[d.shown:] {
		d.tell(fmt.Sprintf("  letter to %s: %s", letter.To, letter.Subject))
	}
	d.shown = len(letters)
	return nil
}

// loadProgramme loads the desk's data and remembers the office's zone.
func (d *demo) loadProgramme() (*secor.Programme, error) {
	programme, err := schema.Load()
	if err != nil {
		return nil, err
	}
	d.programme, d.zone = programme, programme.Calendars[programme.Office].Zone
	return programme, nil
}
