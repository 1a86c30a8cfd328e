package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// jobsListCmd is "secordesk jobs list".
type jobsListCmd struct {
	Failed    bool          `help:"Failed jobs. Without one of these six: the failed and the ambiguous ones."`
	Ambiguous bool          `help:"Ambiguous jobs."`
	Open      bool          `help:"Jobs that are still to be done."`
	Done      bool          `help:"Jobs that are done."`
	Cancelled bool          `help:"Jobs whose reason ended, or that a person gave up."`
	All       bool          `help:"Jobs in every state."`
	Case      secor.CaseID  `placeholder:"N" help:"Only jobs of this case."`
	Kind      string        `placeholder:"KIND" help:"Only jobs of this kind, or of those that begin so, such as \"request:\"."`
	To        string        `placeholder:"WHO" help:"Only jobs for this recipient, such as company:12."`
	Within    time.Duration `placeholder:"TIME" help:"Only jobs promised within this time, such as 24h."`
	Newest    bool          `help:"The newest first."`
	Limit     int           `default:"100" help:"How many at most."`
	Watch     bool          `help:"Show the list again every two seconds until Ctrl-C."`
	JSON      bool          `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (jobsListCmd) Help() string {
	return `Examples:

	secordesk jobs list
	secordesk jobs list --ambiguous
	secordesk jobs list --open --case 14 --json
	secordesk jobs list --all --newest --within 24h --to company:12
	secordesk jobs list --open --kind invoice: --watch`
}

// watchEvery is how often a watched list is read again, in wall time.
const watchEvery = 2 * time.Second

// Run lists jobs in the order in which they were promised.
func (c *jobsListCmd) Run(ctx context.Context, t *terminal) error {
	switch {
	case c.Limit < 1 || c.Limit > 10_000:
		return &secor.FieldError{Field: "--limit", Value: strconv.Itoa(c.Limit), Problem: "is not a number from 1 to 10000"}
	case c.Within < 0:
		return &secor.FieldError{Field: "--within", Value: c.Within.String(), Problem: "is not a time such as 24h"}
	case c.Watch && c.JSON:
		return &secor.FieldError{Field: "--watch", Problem: "prints a table; leave --json out"}
	}
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	if c.Watch {
		return t.watch(ctx, watchEvery, func(out io.Writer) error { return c.write(ctx, out, cases) })
	}
	return c.write(ctx, t.out, cases)
}

func (c *jobsListCmd) write(ctx context.Context, out io.Writer, cases *desk) error {
	found, err := cases.Jobs(ctx, store.JobFilter{CaseID: c.Case, States: c.states(), Kind: c.Kind, Recipient: c.To,
		Within: c.Within, Newest: c.Newest, Limit: c.Limit + 1})
	if err != nil {
		return err
	}
	more := len(found) > c.Limit
	found = found[:min(len(found), c.Limit)]
	if c.JSON {
		listed := []promisedJSON{}
		for _, j := range found {
			listed = append(listed, newPromisedJSON(j))
		}
		return writeJSON(out, listed)
	}
	paused, err := cases.Paused(ctx)
	if err != nil {
		return err
	}
	rests := map[string]bool{}
	for _, p := range paused {
		rests[p.Kind] = true
	}
	err = writeJobs(out, found, func(j promise.Job) string { return jobStanding(j, rests[j.Kind], wallClock(), cases.office().Zone) })
	if err != nil {
		return err
	}
	if more {
		fmt.Fprintln(out, "There are more; raise --limit or filter.")
	}
	return writePaused(out, paused, cases.office().Zone)
}

func (c *jobsListCmd) states() []promise.State {
	if c.All {
		return nil
	}
	var states []promise.State
	for _, s := range []struct {
		wanted bool
		state  promise.State
	}{{c.Failed, promise.Failed}, {c.Ambiguous, promise.Ambiguous}, {c.Open, promise.Open}, {c.Done, promise.Done}, {c.Cancelled, promise.Cancelled}} {
		if s.wanted {
			states = append(states, s.state)
		}
	}
	if states == nil {
		return []promise.State{promise.Failed, promise.Ambiguous}
	}
	return states
}

func writeJobs(w io.Writer, found []promise.Job, standing func(promise.Job) string) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "no such job")
		return err
	}
	out := &table{heads: []string{"Job", "Case", "State", "Kind", "To", "Attempts", "How it stands"}, right: []int{0, 1, 5}}
	for _, j := range found {
		out.add(strconv.FormatInt(j.ID, 10), caseNumber(j), string(j.State), j.Kind, j.Recipient, strconv.Itoa(j.Attempts), brief(standing(j)))
	}
	return out.write(w)
}

// caseNumber is the case of a job; "" when it follows from a schedule's tick.
func caseNumber(j promise.Job) string {
	if j.CaseID == 0 {
		return ""
	}
	return strconv.FormatInt(j.CaseID, 10)
}

// jobStanding says what a job waits for, or how it ended. Now is wall time, as all
// times of a job are.
func jobStanding(j promise.Job, paused bool, now time.Time, zone *time.Location) string {
	at := func(t time.Time) string {
		if t.Sub(now).Abs() < 12*time.Hour {
			return t.In(zone).Format("15:04:05")
		}
		return t.In(zone).Format("2 Jan 15:04")
	}
	switch {
	case j.State == promise.Done && j.Receipt != "":
		return at(j.DoneAt) + " " + j.Receipt
	case j.State == promise.Done:
		return at(j.DoneAt)
	case j.State != promise.Open:
		return j.LastError
	}
	var stands string
	switch {
	case !j.SendingAt.IsZero():
		stands = "sending since " + at(j.SendingAt)
	case !j.Leased.IsZero():
		stands = "with " + j.Worker + " since " + at(j.ClaimedAt)
	case paused:
		stands = "paused"
	case j.NotBefore.After(now):
		stands = "waits until " + at(j.NotBefore)
	case !j.Woken.IsZero():
		stands = "on its queue"
	default:
		stands = "waits for a relay that knows it"
	}
	if j.LastError != "" {
		stands += "; " + j.LastError
	}
	return stands
}

func writePaused(w io.Writer, paused []store.Pause, zone *time.Location) error {
	if len(paused) == 0 {
		return nil
	}
	var kinds []string
	for _, p := range paused {
		kinds = append(kinds, fmt.Sprintf("%s since %s", p.Kind, p.Since.In(zone).Format("2 Jan 15:04")))
	}
	_, err := fmt.Fprintln(w, fold("Paused: "+strings.Join(kinds, ", ")+".", "  "))
	return err
}

// watch shows a page again and again until ctx ends: in its place on a terminal, and
// elsewhere whenever it changed.
func (t *terminal) watch(ctx context.Context, every time.Duration, page func(io.Writer) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	shown := ""
	for {
		var text bytes.Buffer
		err := page(&text)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case t.colour:
			fmt.Fprintf(t.out, "\x1b[H\x1b[2J%s, every %s, Ctrl-C ends\n\n%s", t.now().Local().Format("15:04:05"), every, &text)
		case text.String() != shown:
			fmt.Fprintf(t.out, "%s\n%s", t.now().Format(time.RFC3339), &text)
		}
		shown = text.String()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// brief is the beginning of a text for a line of a table.
func brief(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	runes := []rune(first)
	if len(runes) > 80 {
		runes = append(runes[:79], '…')
	}
	return string(runes)
}
