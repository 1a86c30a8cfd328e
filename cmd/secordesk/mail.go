package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"secordesk/jobs"
	"secordesk/store"
	"secordesk/store/secor"
)

// mailCmd is "secordesk mail".
type mailCmd struct {
	Batch  mailBatchCmd  `cmd:"" help:"Print everything that is ready to be mailed as one PDF in envelope order."`
	List   mailListCmd   `cmd:"" help:"List the print batches, the newest first."`
	Show   mailShowCmd   `cmd:"" help:"Show the envelopes of a batch, or write its PDF again."`
	Done   mailDoneCmd   `cmd:"" help:"Say that everything in a batch went to the post."`
	Cancel mailCancelCmd `cmd:"" help:"Take a batch back before it is mailed."`
}

// Help returns the examples.
func (mailCmd) Help() string {
	return `Examples:

	secordesk mail batch --to /tmp/print --as dev.patel@desk.example
	secordesk mail done 3 --as dev.patel@desk.example`
}

// batchAct is what a decision on a batch takes.
type batchAct struct {
	As     string `placeholder:"EMAIL" help:"Who decides, a lead or an administrator; SECORDESK_AS when left out."`
	Reason string `placeholder:"TEXT" help:"Why, in a sentence."`
	Act    string `placeholder:"ID" help:"Name of this act. The same command with the same name is done once, however often it is given."`
}

// act returns the act of a person on a batch, or on what is to become one.
func (b batchAct) act(person secor.Reviewer, name, what string) (secor.Act, error) {
	same := step{stepCmd: stepCmd{Act: b.Act, Reason: b.Reason}, name: name, input: secor.Input{"batch": what}}
	act := secor.Act{By: secor.ByReviewer(person.ID), Surface: secor.SurfaceCLI, Reason: b.Reason}
	var err error
	act.ID, err = same.actID(person.ID)
	return act, err
}

// printConfig is what printing for the post needs.
type printConfig struct {
	DatabaseURL databaseURL `env:"DATABASE_URL,required"` // secret
	DeskName    name        `env:"DESK_NAME,required"`
	DeskAddress lines       `env:"DESK_ADDRESS"`
	DeskPhone   name        `env:"DESK_PHONE"`
	VerifyURL   webAddress  `env:"VERIFY_URL"`
}

// mailBatchCmd is "secordesk mail batch".
type mailBatchCmd struct {
	batchAct
	To string `required:"" placeholder:"DIR" help:"Folder to write the PDF to; made when missing."`
}

// Help says what a batch is.
func (mailBatchCmd) Help() string {
	return `The PDF begins with a list, and then has the papers of each envelope in the order of the postal codes: the cover letter with its address in the window, and the certificate where this office prints it. The batch is kept. What cannot be addressed or printed is named and left out; correct it, and the next batch has it. Nothing is mailed until "secordesk mail done".

It needs DATABASE_URL and DESK_NAME; DESK_ADDRESS, DESK_PHONE and VERIFY_URL are printed where they are set.

Examples:

	secordesk mail batch --to /tmp/print --as dev.patel@desk.example`
}

// Run prints and keeps a batch.
func (c *mailBatchCmd) Run(ctx context.Context, t *terminal) error {
	cfg, err := readConfig[printConfig](t.env)
	if err != nil {
		return err
	}
	cases, person, err := t.deskAs(ctx, c.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	act, err := c.act(person, "mail batch", "")
	if err != nil {
		return err
	}
	printer, err := jobs.NewDesk(jobs.Office{Name: string(cfg.DeskName), Address: cfg.DeskAddress, Phone: string(cfg.DeskPhone), VerifyURL: string(cfg.VerifyURL)})
	if err != nil {
		return fmt.Errorf("prepare desk: %w", err)
	}
	printed, err := printReady(ctx, cases, printer, act, t.now())
	if err != nil {
		return plain(err)
	}
	if len(printed.Cases) == 0 {
		return errors.Join(t.tellLeftOut(printed.LeftOut), &secor.Refusal{Kind: secor.ErrNotFound, Text: "nothing is ready to be mailed"})
	}
	id, err := cases.AddMailBatch(ctx, act, printed.Data, printed.Cases)
	if err != nil {
		return plain(err)
	}
	err = os.MkdirAll(c.To, 0o755)
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	path := filepath.Join(c.To, mailFile(id))
	err = writePaper(path, printed.Data)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "Print batch %d: %d envelopes in %s\n", id, len(printed.Cases), path)
	fmt.Fprintf(t.out, "When all is in the post: secordesk mail done %d\n", id)
	return t.tellLeftOut(printed.LeftOut)
}

func mailFile(id int64) string { return fmt.Sprintf("mail-batch-%d.pdf", id) }

// printReady prints the papers of all that is ready, as of now.
func printReady(ctx context.Context, cases *desk, printer *jobs.Desk, act secor.Act, now time.Time) (jobs.PrintBatch, error) {
	ready, err := cases.ReadyToMail(ctx)
	if err != nil {
		return jobs.PrintBatch{}, err
	}
	for _, f := range ready {
		err = f.Begin(secor.Act{ID: act.ID, By: secor.Desk, Surface: secor.SurfaceCLI}, now)
		if err != nil {
			return jobs.PrintBatch{}, err
		}
	}
	title := "Certificates to mail, " + secor.DateOf(now, cases.office().Zone).Long()
	return printer.PrintBatch(title, ready)
}

func (t *terminal) tellLeftOut(left []jobs.LeftOut) error {
	for _, l := range left {
		_, err := fmt.Fprintf(t.errOut, "case %d, %s, is left out: %v\n", l.Case, l.Name, plain(l.Why))
		if err != nil {
			return err
		}
	}
	return nil
}

// mailListCmd is "secordesk mail list".
type mailListCmd struct {
	Limit int  `default:"20" help:"How many at most."`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (mailListCmd) Help() string { return "Examples:\n\n\tsecordesk mail list" }

// mailBatchJSON is a print batch as --json shows it. Instants are UTC.
type mailBatchJSON struct {
	Batch       int64          `json:"batch"`
	State       string         `json:"state"` // open, mailed, cancelled
	MadeAt      time.Time      `json:"made_at"`
	MailedAt    *time.Time     `json:"mailed_at"`
	CancelledAt *time.Time     `json:"cancelled_at"`
	SHA256      string         `json:"sha256"`
	Envelopes   []envelopeJSON `json:"envelopes"`
}

type envelopeJSON struct {
	Position   int          `json:"position"`
	Case       secor.CaseID `json:"case"`
	Name       string       `json:"name"`
	PostalCode string       `json:"postal_code"`
	LeftOut    string       `json:"left_out"`
}

func newMailBatchJSON(b store.MailBatch) mailBatchJSON {
	j := mailBatchJSON{Batch: b.ID, State: mailState(b), MadeAt: b.MadeAt, MailedAt: orNil(b.MailedAt), CancelledAt: orNil(b.CancelledAt),
		SHA256: b.SHA256, Envelopes: []envelopeJSON{}}
	for _, e := range b.Envelopes {
		j.Envelopes = append(j.Envelopes, envelopeJSON{e.Position, e.CaseID, e.Company, e.PostalCode, e.LeftOut})
	}
	return j
}

func mailState(b store.MailBatch) string {
	switch {
	case !b.MailedAt.IsZero():
		return "mailed"
	case !b.CancelledAt.IsZero():
		return "cancelled"
	default:
		return "open"
	}
}

// Run lists print batches.
func (c *mailListCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	batches, err := cases.MailBatches(ctx, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		shown := make([]mailBatchJSON, len(batches))
		for i, b := range batches {
			shown[i] = newMailBatchJSON(b)
		}
		return writeJSON(t.out, shown)
	}
	if len(batches) == 0 {
		_, err = fmt.Fprintln(t.out, "no print batch yet")
		return err
	}
	out := &table{heads: []string{"Batch", "Made", "Envelopes", "State", "Left out"}, right: []int{0, 2, 4}}
	for _, b := range batches {
		left := 0
		for _, e := range b.Envelopes {
			if e.LeftOut != "" {
				left++
			}
		}
		out.add(strconv.FormatInt(b.ID, 10), stamp(b.MadeAt, cases.office().Zone), strconv.Itoa(len(b.Envelopes)), mailState(b), strconv.Itoa(left))
	}
	return out.write(t.out)
}

// mailShowCmd is "secordesk mail show".
type mailShowCmd struct {
	Batch int64  `arg:"" help:"Number of the batch."`
	To    string `placeholder:"DIR" help:"Write its PDF to this folder again."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (mailShowCmd) Help() string {
	return "Examples:\n\n\tsecordesk mail show 3\n\tsecordesk mail show 3 --to /tmp/print"
}

// Run shows a print batch.
func (c *mailShowCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	b, err := cases.MailBatch(ctx, c.Batch)
	if err != nil {
		return plain(err)
	}
	if c.To != "" {
		err = os.MkdirAll(c.To, 0o755)
		if err == nil {
			err = writePaper(filepath.Join(c.To, mailFile(b.ID)), b.Data)
		}
		if err != nil {
			return err
		}
	}
	if c.JSON {
		return writeJSON(t.out, newMailBatchJSON(b))
	}
	return writeMailBatch(t, b, cases.office().Zone)
}

func writeMailBatch(t *terminal, b store.MailBatch, zone *time.Location) error {
	fmt.Fprintf(t.out, "Print batch %d is %s: %d envelopes, made %s, sha256 %s.\n\n", b.ID, mailState(b), len(b.Envelopes), stamp(b.MadeAt, zone), b.SHA256)
	out := &table{heads: []string{"", "Case", "Name", "Postal code", ""}, right: []int{0, 1}}
	for _, e := range b.Envelopes {
		note := ""
		if e.LeftOut != "" {
			note = "left out: " + e.LeftOut
		}
		out.add(strconv.Itoa(e.Position), fmt.Sprint(e.CaseID), e.Company, e.PostalCode, note)
	}
	return out.write(t.out)
}

// mailDoneCmd is "secordesk mail done".
type mailDoneCmd struct {
	Batch int64  `arg:"" help:"Number of the batch."`
	On    string `placeholder:"WHEN" help:"When it went to the post, in the office's time: 2026-03-25 or 2026-03-25T14:30. Now when left out; an earlier time wants a reason."`
	batchAct
}

// Help says what is left out.
func (mailDoneCmd) Help() string {
	return `Every case of the batch is mailed on that day, and its company is told. A case whose name or address was corrected after the batch was printed, or whose certificate was revoked, replaced or mailed by itself, is named and left out: take its envelope out of the mail.

Examples:

	secordesk mail done 3 --as dev.patel@desk.example
	secordesk mail done 3 --on 2026-03-25 --reason "the post took it on Wednesday"`
}

// Run records that a batch was mailed.
func (c *mailDoneCmd) Run(ctx context.Context, t *terminal) error {
	cases, person, err := t.deskAs(ctx, c.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	act, err := c.act(person, "mail done", fmt.Sprint(c.Batch, " ", c.On))
	if err != nil {
		return err
	}
	act.HappenedAt, err = happenedAt(c.On, cases.office(), t.now())
	if err != nil {
		return err
	}
	b, err := cases.MailMailBatch(ctx, c.Batch, act)
	if err != nil {
		return plain(err)
	}
	mailed := 0
	for _, e := range b.Envelopes {
		if e.LeftOut == "" {
			mailed++
			continue
		}
		fmt.Fprintf(t.errOut, "case %d, %s, is left out: %s\n", e.CaseID, e.Company, e.LeftOut)
	}
	_, err = fmt.Fprintf(t.out, "Print batch %d is mailed: %d of %d cases.\n", b.ID, mailed, len(b.Envelopes))
	return err
}

// mailCancelCmd is "secordesk mail cancel".
type mailCancelCmd struct {
	Batch int64 `arg:"" help:"Number of the batch."`
	batchAct
}

// Help returns the examples.
func (mailCancelCmd) Help() string {
	return "What is in it is ready for the next batch.\n\nExamples:\n\n\tsecordesk mail cancel 3 --reason \"the printer ate it\""
}

// Run takes a print batch back.
func (c *mailCancelCmd) Run(ctx context.Context, t *terminal) error {
	cases, person, err := t.deskAs(ctx, c.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	act, err := c.act(person, "mail cancel", strconv.FormatInt(c.Batch, 10))
	if err != nil {
		return err
	}
	err = cases.CancelMailBatch(ctx, c.Batch, act)
	if err != nil {
		return plain(err)
	}
	_, err = fmt.Fprintf(t.out, "Print batch %d is cancelled; what is in it is ready to be mailed.\n", c.Batch)
	return err
}
