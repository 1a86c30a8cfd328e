package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"secordesk/store"
	"secordesk/store/secor"
)

// scriptLine is what somebody does in the demo at one moment: bring files in, print
// and mail what is ready, or take a step on the latest case of a company.
type scriptLine struct {
	At      string      `json:"at"` // 2026-03-02T09:40, in the office's zone
	As      string      `json:"as"` // e-mail of a person of the desk, or "holder" of the case
	Import  []string    `json:"import"`
	Mail    bool        `json:"mail"`
	Step    string      `json:"step"`
	Body    string      `json:"body"`
	Account string      `json:"account"`
	Kind    string      `json:"kind"` // request or audit
	With    secor.Input `json:"with"`
	Reason  string      `json:"reason"`
	Refused string      `json:"refused"` // the step must be refused, with these words

	at time.Time
}

// readScript reads a script in the order of its instants, which it must have.
func readScript(text []byte, zone *time.Location) ([]scriptLine, error) {
	var lines []scriptLine
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	for {
		var line scriptLine
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("script, step %d: %w", len(lines)+1, err)
		}
		line.at, err = time.ParseInLocation("2006-01-02T15:04", line.At, zone)
		if err != nil {
			return nil, fmt.Errorf("script, step %d: %w", len(lines)+1, err)
		}
		if len(lines) > 0 && line.at.Before(lines[len(lines)-1].at) {
			return nil, fmt.Errorf("script, step %d: %s is before the step above it", len(lines)+1, line.At)
		}
		lines = append(lines, line)
	}
}

// deskClock is programme time that moves only when the demo says so.
type deskClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *deskClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// advance moves the clock on; it never goes back.
func (c *deskClock) advance(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.After(c.at) {
		c.at = to
	}
}

// play takes the script to its end. The desk's clock stands while the desk has
// work, then jumps to whatever comes next, a step or a promise that falls due:
// so a slow machine changes how long the show takes, never how it ends.
func (d *demo) play(ctx context.Context, lines []scriptLine) error {
	for number, line := range lines {
		err := d.until(ctx, line.at)
		if err != nil {
			return err
		}
		err = d.perform(ctx, number+1, line)
		if err != nil {
			return fmt.Errorf("script, step %d (%s %s): %w", number+1, line.At, line.Step, err)
		}
	}
	return d.settle(ctx)
}

// until lets the desk work, and its promises and schedules fall due up to an instant.
func (d *demo) until(ctx context.Context, at time.Time) error {
	for {
		err := d.settle(ctx)
		if err != nil {
			return err
		}
		due, any, err := d.store.NextDue(ctx)
		if err != nil {
			return err
		}
		tick := d.hours.Next()
		if !any || tick.Before(due) {
			due = tick
		}
		if due.After(at) {
			d.clock.advance(at)
			return nil
		}
		d.clock.advance(due)
		err = d.hours.Turn(ctx)
		if err != nil {
			return err
		}
	}
}

// settle waits until the desk is quiescent: no job can run and none is running.
func (d *demo) settle(ctx context.Context) error {
	for {
		quiet, err := d.store.Quiet(ctx)
		if err != nil || quiet {
			return errors.Join(err, d.showLetters())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the desk did not come to rest: %w", context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (d *demo) perform(ctx context.Context, number int, line scriptLine) error {
	switch {
	case len(line.Import) > 0:
		return d.bring(ctx, line)
	case line.Mail:
		return d.mail(ctx, number, line)
	}
	c, err := d.latest(ctx, line)
	if err != nil {
		return err
	}
	who, err := d.person(ctx, line.As, c)
	if err != nil {
		return err
	}
	step, err := secor.StepFor(line.Step, c.Kind)
	if err != nil {
		return err
	}
	act := secor.Act{ID: fmt.Sprintf("demo:%d", number), By: secor.ByReviewer(who.ID), Surface: secor.SurfaceCLI, Reason: line.Reason, Assigns: step.Assigns}
	err = d.store.UpdateCase(ctx, c.ID, act, func(f *secor.File, _ time.Time) error { return step.Take(f, line.With) })
	return d.answer(line, step, c, who, err)
}

// answer shows what a step came to, and holds it against what the script expects.
func (d *demo) answer(line scriptLine, step secor.Step, c store.CaseLine, who secor.Reviewer, err error) error {
	did := fmt.Sprintf("%s: %s, case %d %s", who.Name, step.Label, c.ID, c.Company)
	switch {
	case line.Refused == "" && err != nil:
		return err
	case line.Refused == "":
		d.tell(did)
		return nil
	case !errors.Is(err, secor.ErrRefused) || !strings.Contains(err.Error(), line.Refused):
		return fmt.Errorf("a refusal with the words %q was expected, but it was: %v", line.Refused, err)
	}
	d.tell(did + "\n     refused: " + err.Error())
	return nil
}

// bring imports files as the office would.
func (d *demo) bring(ctx context.Context, line scriptLine) error {
	options := importOptions{As: line.As, Now: d.clock.now}
	for _, name := range line.Import {
		options.Files = append(options.Files, filepath.Join(d.samples, name))
	}
	d.tell("secordesk import " + strings.Join(line.Import, " "))
	var said strings.Builder
	_, err := importFiles(ctx, d.store, d.programme, options, &said)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, said.String())
	}
	return nil
}

// mail prints everything that is ready as one batch, and says that it went to the
// post.
func (d *demo) mail(ctx context.Context, number int, line scriptLine) error {
	who, err := d.store.ReviewerByEmail(ctx, line.As)
	if err != nil {
		return err
	}
	act := secor.Act{ID: fmt.Sprintf("demo:%d", number), By: secor.ByReviewer(who.ID), Surface: secor.SurfaceCLI}
	printed, err := printReady(ctx, &desk{d.store, d.programme}, d.printer, act, d.clock.now())
	if err != nil {
		return err
	}
	id, err := d.store.AddMailBatch(ctx, act, printed.Data, printed.Cases)
	if err != nil {
		return err
	}
	err = d.lay([]secor.Document{{Name: mailFile(id), Data: printed.Data}})
	if err != nil {
		return fmt.Errorf("keep print batch: %w", err)
	}
	act.ID += ":done"
	_, err = d.store.MailMailBatch(ctx, id, act)
	if err != nil {
		return err
	}
	d.tell(fmt.Sprintf("%s: print batch %d, envelopes: %d, all mailed", who.Name, id, len(printed.Cases)))
	return nil
}

// latest returns the newest case of that kind of the company in a line.
func (d *demo) latest(ctx context.Context, line scriptLine) (store.CaseLine, error) {
	cases, err := d.cases(ctx, line.Body, line.Account)
	if err != nil {
		return store.CaseLine{}, err
	}
	var found store.CaseLine
	for _, c := range cases {
		if c.Kind == secor.Subject(line.Kind) && c.ID > found.ID {
			found = c
		}
	}
	if found.ID == 0 {
		return found, fmt.Errorf("%s %s has no %s", line.Body, line.Account, line.Kind)
	}
	return found, nil
}

func (d *demo) cases(ctx context.Context, body, account string) ([]store.CaseLine, error) {
	company, err := d.store.CompanyByAccount(ctx, body, account)
	if err != nil {
		return nil, err
	}
	return d.store.CasesOf(ctx, company.ID)
}

func (d *demo) person(ctx context.Context, as string, c store.CaseLine) (secor.Reviewer, error) {
	if as != "holder" {
		return d.store.ReviewerByEmail(ctx, as)
	}
	if c.Holder == 0 {
		return secor.Reviewer{}, fmt.Errorf("case %d has no holder", c.ID)
	}
	return secor.Reviewer{ID: c.Holder, Name: c.HeldBy}, nil
}
