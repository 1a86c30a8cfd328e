package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// certificateCmd is "secordesk certificate".
type certificateCmd struct {
	Batch certificateBatchCmd `cmd:"" help:"Ask a governing body at once for all certificates that are due, in one file."`
	List  certificateListCmd  `cmd:"" help:"List the batches for governing bodies, the newest first."`
	Show  certificateShowCmd  `cmd:"" help:"Show a batch for a governing body, or write its file."`
}

// Help returns the examples.
func (certificateCmd) Help() string {
	return "Examples:\n\n\tsecordesk certificate batch --body bc-worksafebc\n\tsecordesk certificate list"
}

// certificateBatchCmd is "secordesk certificate batch".
type certificateBatchCmd struct {
	Body string `required:"" placeholder:"ID" help:"The governing body, as schema/bodies names it."`
	batchAct
}

// Help says when this is needed.
func (certificateBatchCmd) Help() string {
	return `A body that wants one file is asked by itself at three o'clock of every working day. This asks now. Until its sending begins, a certificate that is revoked leaves the file.

Examples:

	secordesk certificate batch --body bc-worksafebc --as dev.patel@desk.example`
}

// Run makes a batch.
func (c *certificateBatchCmd) Run(ctx context.Context, t *terminal) error {
	cases, person, err := t.deskAs(ctx, c.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	act, err := c.act(person, "certificate batch", c.Body)
	if err != nil {
		return err
	}
	id, err := cases.AddBodyBatch(ctx, act, c.Body)
	if err != nil {
		return plain(err)
	}
	b, err := cases.BodyBatch(ctx, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "Batch %d for %s: %d certificates. Promised: %s to body:%s.\n", id, c.Body, len(b.Cases), secor.JobRequestBatch, c.Body)
	return err
}

// certificateListCmd is "secordesk certificate list".
type certificateListCmd struct {
	Limit int  `default:"20" help:"How many at most."`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (certificateListCmd) Help() string { return "Examples:\n\n\tsecordesk certificate list" }

// bodyBatchJSON is a batch for a governing body as --json shows it. Instants are UTC.
type bodyBatchJSON struct {
	Batch       int64           `json:"batch"`
	Body        string          `json:"body"`
	State       string          `json:"state"` // waiting, sending, sent, cancelled, failed, in doubt
	Job         int64           `json:"job"`   // that sends it; 0: it is over
	MadeAt      time.Time       `json:"made_at"`
	SentAt      *time.Time      `json:"sent_at"`
	CancelledAt *time.Time      `json:"cancelled_at"`
	File        string          `json:"file"`
	SHA256      string          `json:"sha256"`
	Cases       []batchCaseJSON `json:"cases"`
}

type batchCaseJSON struct {
	Case    secor.CaseID `json:"case"`
	Name    string       `json:"name"`
	Account string       `json:"account"`
	InFile  bool         `json:"in_file"`
}

func newBodyBatchJSON(b store.BodyBatch) bodyBatchJSON {
	j := bodyBatchJSON{Batch: b.ID, Body: b.Body, State: bodyBatchState(b), Job: b.Job, MadeAt: b.MadeAt, SentAt: orNil(b.SentAt), CancelledAt: orNil(b.CancelledAt),
		File: b.File.Name, SHA256: b.SHA256, Cases: []batchCaseJSON{}}
	for _, c := range b.Cases {
		j.Cases = append(j.Cases, batchCaseJSON{c.CaseID, c.Company, c.Account, c.InFile})
	}
	return j
}

func bodyBatchState(b store.BodyBatch) string {
	switch {
	case !b.SentAt.IsZero():
		return "sent"
	case !b.CancelledAt.IsZero():
		return "cancelled"
	case b.JobState == promise.Failed:
		return "failed"
	case b.JobState == promise.Ambiguous:
		return "in doubt"
	case b.SHA256 != "":
		return "sending"
	default:
		return "waiting"
	}
}

// batchWays says what a person can do about a batch that waits for one; "" when
// none does. A batch whose job is cancelled gives its certificates back to the next.
func batchWays(failed, inDoubt bool, job int64, body string) string {
	switch {
	case failed:
		return fmt.Sprintf(`correct what is wrong and retry it: secordesk jobs retry %d --reason "…"; or cancel it, secordesk jobs cancel %d --reason "…", and make another: secordesk certificate batch --body %s`,
			job, job, body)
	case inDoubt:
		return fmt.Sprintf(`find out whether it arrived: secordesk jobs arrived %d --reason "…", or secordesk jobs retry %d --may-arrive-twice --reason "…"`, job, job)
	default:
		return ""
	}
}

// Run lists batches for governing bodies.
func (c *certificateListCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	batches, err := cases.BodyBatches(ctx, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		shown := make([]bodyBatchJSON, len(batches))
		for i, b := range batches {
			shown[i] = newBodyBatchJSON(b)
		}
		return writeJSON(t.out, shown)
	}
	if len(batches) == 0 {
		_, err = fmt.Fprintln(t.out, "no batch for a governing body yet")
		return err
	}
	out := &table{heads: []string{"Batch", "Body", "Made", "Certificates", "State"}, right: []int{0, 3}}
	for _, b := range batches {
		out.add(strconv.FormatInt(b.ID, 10), b.Body, stamp(b.MadeAt, cases.office().Zone), strconv.Itoa(len(b.Cases)), bodyBatchState(b))
	}
	err = out.write(t.out)
	for _, b := range batches {
		if ways := batchWays(b.JobState == promise.Failed, b.JobState == promise.Ambiguous, b.Job, b.Body); ways != "" && err == nil {
			_, err = fmt.Fprintf(t.out, "\nBatch %d is %s: %s.\n", b.ID, bodyBatchState(b), ways)
		}
	}
	return err
}

// certificateShowCmd is "secordesk certificate show".
type certificateShowCmd struct {
	Batch int64  `arg:"" help:"Number of the batch."`
	To    string `placeholder:"DIR" help:"Write its file to this folder."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (certificateShowCmd) Help() string {
	return "Examples:\n\n\tsecordesk certificate show 3\n\tsecordesk certificate show 3 --to /tmp/requests"
}

// Run shows a batch for a governing body.
func (c *certificateShowCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	b, err := cases.BodyBatch(ctx, c.Batch)
	if err != nil {
		return plain(err)
	}
	if c.To != "" && b.SHA256 == "" {
		return &secor.Refusal{Kind: secor.ErrNotFound, Text: fmt.Sprintf("batch %d has no file yet", b.ID), Do: "look again when its sending has begun"}
	}
	if c.To != "" {
		err = os.MkdirAll(c.To, 0o755)
		if err == nil {
			err = writePaper(filepath.Join(c.To, filepath.Base(b.File.Name)), b.File.Data)
		}
		if err != nil {
			return err
		}
	}
	if c.JSON {
		return writeJSON(t.out, newBodyBatchJSON(b))
	}
	fmt.Fprintf(t.out, "Batch %d for %s is %s, made %s.\n\n", b.ID, b.Body, bodyBatchState(b), stamp(b.MadeAt, cases.office().Zone))
	out := &table{heads: []string{"Case", "Account", "Name", ""}, right: []int{0}}
	for _, k := range b.Cases {
		note := ""
		if !k.InFile {
			note = "left out: not due any more"
		}
		out.add(fmt.Sprint(k.CaseID), k.Account, k.Company, note)
	}
	return out.write(t.out)
}
