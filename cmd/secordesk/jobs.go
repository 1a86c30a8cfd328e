package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// jobsCmd is "secordesk jobs".
type jobsCmd struct {
	List  jobsListCmd  `cmd:"" help:"List the jobs that wait for a person."`
	Show  jobsShowCmd  `cmd:"" help:"Show a job."`
	Retry jobsRetryCmd `cmd:"" help:"Have a failed or ambiguous job done again, as a lead or administrator."`
	Drop  jobsDropCmd  `cmd:"" help:"Give up a failed or ambiguous job for good, as a lead or administrator."`
}

// Help returns the examples.
func (jobsCmd) Help() string {
	return `A job is what follows from a step, such as a letter. It is failed when it was given up after its attempts or because of a rule, and
ambiguous when its letter was being sent and nobody knows whether it arrived.

Examples:

	secordesk jobs list
	secordesk jobs retry 7 --reason "address corrected" --as ana.roy@example.com`
}

// jobsListCmd is "secordesk jobs list".
type jobsListCmd struct {
	Failed    bool         `help:"Failed jobs. Without one of these three: the failed and the ambiguous ones."`
	Ambiguous bool         `help:"Ambiguous jobs."`
	Open      bool         `help:"Jobs that are still to be done."`
	Case      secor.CaseID `placeholder:"N" help:"Only jobs of this case."`
	Limit     int          `default:"100" help:"How many at most."`
	JSON      bool         `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (jobsListCmd) Help() string {
	return "Examples:\n\n\tsecordesk jobs list\n\tsecordesk jobs list --ambiguous\n\tsecordesk jobs list --open --case 14 --json"
}

// Run lists jobs in the order in which they were promised.
func (c *jobsListCmd) Run(ctx context.Context, t *terminal) error {
	if c.Limit < 1 || c.Limit > 10_000 {
		return &secor.FieldError{Field: "--limit", Value: strconv.Itoa(c.Limit), Problem: "is not a number from 1 to 10000"}
	}
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	found, err := cases.Jobs(ctx, store.JobFilter{CaseID: c.Case, States: c.states(), Limit: c.Limit + 1})
	if err != nil {
		return err
	}
	more := len(found) > c.Limit
	found = found[:min(len(found), c.Limit)]
	if c.JSON {
		out := []promisedJSON{}
		for _, j := range found {
			out = append(out, newPromisedJSON(j))
		}
		return writeJSON(t.out, out)
	}
	return writeJobs(t, found, more)
}

func (c *jobsListCmd) states() []promise.State {
	var states []promise.State
	for _, s := range []struct {
		wanted bool
		state  promise.State
	}{{c.Failed, promise.Failed}, {c.Ambiguous, promise.Ambiguous}, {c.Open, promise.Open}} {
		if s.wanted {
			states = append(states, s.state)
		}
	}
	if states == nil {
		return []promise.State{promise.Failed, promise.Ambiguous}
	}
	return states
}

func writeJobs(t *terminal, found []promise.Job, more bool) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(t.out, "no such job")
		return err
	}
	out := &table{heads: []string{"Job", "Case", "State", "Kind", "To", "Attempts", "Last error"}, right: []int{0, 1, 5}}
	for _, j := range found {
		out.add(strconv.FormatInt(j.ID, 10), strconv.FormatInt(j.CaseID, 10), string(j.State), j.Kind, j.Recipient, strconv.Itoa(j.Attempts), brief(j.LastError))
	}
	err := out.write(t.out)
	if err == nil && more {
		_, err = fmt.Fprintln(t.out, "There are more; raise --limit or filter.")
	}
	return err
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

type promisedJSON struct {
	Job       int64         `json:"job"`
	Case      int64         `json:"case"`
	Event     int           `json:"event"`
	Kind      string        `json:"kind"`
	Recipient string        `json:"recipient"`
	State     promise.State `json:"state"`
	Attempts  int           `json:"attempts"`
	LastError string        `json:"last_error"`
	NotBefore time.Time     `json:"not_before"`
	SendingAt *time.Time    `json:"sending_at"`
	EndedAt   *time.Time    `json:"ended_at"`
	Receipt   string        `json:"receipt"`
}

func newPromisedJSON(j promise.Job) promisedJSON {
	out := promisedJSON{Job: j.ID, Case: j.CaseID, Event: j.Cause, Kind: j.Kind, Recipient: j.Recipient, State: j.State,
		Attempts: j.Attempts, LastError: j.LastError, NotBefore: j.NotBefore, Receipt: j.Receipt}
	if !j.SendingAt.IsZero() {
		out.SendingAt = &j.SendingAt
	}
	if !j.DoneAt.IsZero() {
		out.EndedAt = &j.DoneAt
	}
	return out
}

// jobsShowCmd is "secordesk jobs show".
type jobsShowCmd struct {
	Job  int64 `arg:"" help:"Number of the job."`
	JSON bool  `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (jobsShowCmd) Help() string {
	return "Examples:\n\n\tsecordesk jobs show 7\n\tsecordesk jobs show 7 --json"
}

// Run shows a job.
func (c *jobsShowCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	j, err := cases.Job(ctx, c.Job)
	if err != nil {
		return plain(err)
	}
	if c.JSON {
		return writeJSON(t.out, newPromisedJSON(j))
	}
	return writeJob(t, j, cases.office().Zone)
}

func writeJob(t *terminal, j promise.Job, zone *time.Location) error {
	stamp := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.In(zone).Format("2 Jan 2006 15:04:05")
	}
	out := &table{}
	for _, row := range [][]string{
		{"Job", fmt.Sprintf("%d, %s", j.ID, j.Kind)},
		{"Follows", fmt.Sprintf("from event %d of case %d", j.Cause, j.CaseID)},
		{"To", j.Recipient},
		{"State", string(j.State)},
		{"Attempts", strconv.Itoa(j.Attempts)},
		{"Not before", stamp(j.NotBefore)},
		{"Sending", stamp(j.SendingAt)},
		{"Ended", stamp(j.DoneAt)},
		{"Receipt", j.Receipt},
		{"Last error", j.LastError},
		{"What now", remedy(j)},
	} {
		if row[1] != "" {
			out.add(row...)
		}
	}
	return out.write(t.out)
}

// remedy says what a person can do about a job; "" when nothing.
func remedy(j promise.Job) string {
	switch {
	case j.State != promise.Failed && j.State != promise.Ambiguous:
		return ""
	case j.SendingAt.IsZero():
		return fmt.Sprintf("put right what the error says, then secordesk jobs retry %d, or drop it", j.ID)
	default:
		return fmt.Sprintf("look whether the letter arrived; if so secordesk jobs drop %d, else retry it with --may-arrive-twice", j.ID)
	}
}

// jobDecision is what a person's decision on a job takes.
type jobDecision struct {
	Job    int64  `arg:"" help:"Number of the job."`
	Reason string `required:"" placeholder:"TEXT" help:"Why, in a sentence; the case's history keeps it."`
	As     string `placeholder:"EMAIL" help:"Who decides; SECORDESK_AS when left out."`
	Act    string `placeholder:"ID" help:"Name of this act. The same command with the same name is done once, however often it is given."`
}

// run takes the decision of that name and says where the job stands then.
func (d jobDecision) run(ctx context.Context, t *terminal, name string, decide func(*desk, secor.Act) error) error {
	email, err := t.who(d.As)
	if err != nil {
		return err
	}
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	person, err := cases.ReviewerByEmail(ctx, email)
	if err != nil {
		return plain(err)
	}
	same := step{stepCmd: stepCmd{Act: d.Act, Reason: d.Reason}, name: name, input: secor.Input{"job": strconv.FormatInt(d.Job, 10)}}
	act := secor.Act{By: secor.ByReviewer(person.ID), Surface: secor.SurfaceCLI, Reason: d.Reason}
	act.ID, err = same.actID(person.ID)
	if err != nil {
		return err
	}
	err = decide(cases, act)
	if err != nil {
		return plain(err)
	}
	j, err := cases.Job(ctx, d.Job)
	if err != nil {
		// The decision holds all the same; that must not look like a failure.
		fmt.Fprintf(t.out, "Done. What stands now could not be read (%v); see secordesk jobs show %d.\n", err, d.Job)
		return nil
	}
	_, err = fmt.Fprintf(t.out, "Job %d of case %d, %s to %s, is %s.\n", j.ID, j.CaseID, j.Kind, j.Recipient, j.State)
	return err
}

// jobsRetryCmd is "secordesk jobs retry".
type jobsRetryCmd struct {
	Decision       jobDecision `embed:""`
	MayArriveTwice bool        `help:"Accept that a letter which may have arrived is sent again."`
}

// Help returns the examples.
func (jobsRetryCmd) Help() string {
	return `The job is done again from its first attempt. A letter that was being sent may have arrived, and would arrive twice: look whether it did, and
only then give --may-arrive-twice.

Examples:

	secordesk jobs retry 7 --reason "address corrected" --as ana.roy@example.com
	secordesk jobs retry 8 --may-arrive-twice --reason "they have nothing, by phone"`
}

// Run retries the job.
func (c *jobsRetryCmd) Run(ctx context.Context, t *terminal) error {
	return c.Decision.run(ctx, t, "jobs retry", func(d *desk, act secor.Act) error { return d.RetryJob(ctx, c.Decision.Job, act, c.MayArriveTwice) })
}

// jobsDropCmd is "secordesk jobs drop".
type jobsDropCmd struct {
	Decision jobDecision `embed:""`
}

// Help returns the examples.
func (jobsDropCmd) Help() string {
	return "The job is never done; this cannot be taken back.\n\nExamples:\n\n\tsecordesk jobs drop 7 --reason \"told them by phone\" --as ana.roy@example.com"
}

// Run drops the job.
func (c *jobsDropCmd) Run(ctx context.Context, t *terminal) error {
	return c.Decision.run(ctx, t, "jobs drop", func(d *desk, act secor.Act) error { return d.CancelJob(ctx, c.Decision.Job, act) })
}
