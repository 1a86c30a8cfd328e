package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// jobNumber is the number of a job as a command line has it.
type jobNumber int64

// UnmarshalText reads a number from 1.
func (n *jobNumber) UnmarshalText(text []byte) error {
	id, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || id < 1 {
		return fmt.Errorf("%q is not a job's number", text)
	}
	*n = jobNumber(id)
	return nil
}

// jobDecision is what a person's decision on jobs takes.
type jobDecision struct {
	Reason string `required:"" placeholder:"TEXT" help:"Why, in a sentence; the case's history keeps it."`
	As     string `placeholder:"EMAIL" help:"Who decides; SECORDESK_AS when left out."`
	Act    string `placeholder:"ID" help:"Name of this act. The same command with the same name is done once, however often it is given."`
}

// decisionVerb is a decision: its command, and how it is taken on a job.
type decisionVerb struct {
	name   string
	decide func(*desk, int64, secor.Act) error
}

// run takes the decision on each of the jobs that which returns, as an act of its
// own, and says where each stands then. One that is refused does not stop the others.
func (d jobDecision) run(ctx context.Context, t *terminal, verb decisionVerb, which func(*desk) ([]int64, error)) error {
	cases, person, err := t.deskAs(ctx, d.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	ids, err := which(cases)
	if err != nil {
		return err
	}
	refused := 0
	for n, id := range ids {
		err = d.take(ctx, t, cases, person.ID, verb, id)
		switch {
		case err == nil:
		case len(ids) == 1:
			return plain(err)
		case !errors.Is(err, secor.ErrRefused):
			return fmt.Errorf("job %d, and %d after it were not reached: %w", id, len(ids)-n-1, err)
		default:
			refused++
			fmt.Fprintf(t.errOut, "Job %d: %v\n", id, plain(err))
		}
	}
	if refused > 0 {
		return &secor.Refusal{Kind: secor.ErrIllegalMove, Text: fmt.Sprintf("%d of %d jobs were refused", refused, len(ids)), Do: "each line says why"}
	}
	return nil
}

// take takes the decision on one job and says where it stands then.
func (d jobDecision) take(ctx context.Context, t *terminal, cases *desk, person int64, verb decisionVerb, id int64) error {
	same := step{stepCmd: stepCmd{Act: d.Act, Reason: d.Reason}, name: verb.name, input: secor.Input{"job": strconv.FormatInt(id, 10)}}
	act := secor.Act{By: secor.ByReviewer(person), Surface: secor.SurfaceCLI, Reason: d.Reason}
	var err error
	act.ID, err = same.actID(person)
	if err != nil {
		return err
	}
	err = verb.decide(cases, id, act)
	if err != nil {
		return err
	}
	j, err := cases.Job(ctx, id)
	if err != nil {
		// The decision holds all the same; that must not look like a failure.
		fmt.Fprintf(t.out, "Done. What stands now could not be read (%v); see secordesk jobs show %d.\n", err, id)
		return nil
	}
	_, err = fmt.Fprintf(t.out, "Job %d, %s to %s, is %s.\n", j.ID, j.Kind, j.Recipient, j.State)
	return err
}

// numbered returns the jobs of a command line, each once.
func numbered(numbers []jobNumber) func(*desk) ([]int64, error) {
	return func(*desk) ([]int64, error) {
		var ids []int64
		for _, n := range numbers {
			if !slices.Contains(ids, int64(n)) {
				ids = append(ids, int64(n))
			}
		}
		return ids, nil
	}
}

// jobsRetryCmd is "secordesk jobs retry".
type jobsRetryCmd struct {
	Jobs           []jobNumber `arg:"" optional:"" name:"job" help:"Numbers of the jobs."`
	Failed         bool        `help:"Instead of numbers: every failed job, 10000 at most."`
	Kind           string      `placeholder:"KIND" help:"With --failed: only jobs of this kind, or of those that begin so, such as \"request:\"."`
	Within         timeSpan    `placeholder:"TIME" help:"With --failed: only jobs promised within this time, such as 24h."`
	Decision       jobDecision `embed:""`
	MayArriveTwice bool        `help:"Accept that a letter which may have arrived is sent again."`
}

// Help returns the examples.
func (jobsRetryCmd) Help() string {
	return `The job is done again from its first attempt; one that waits for its next attempt is tried at once. A letter that was being sent may have arrived, and would arrive twice: look whether it did, and
only then give --may-arrive-twice. Several jobs are decided one by one; what is refused of one does not keep the others.

Examples:

	secordesk jobs retry 7 --reason "address corrected" --as ana.roy@example.com
	secordesk jobs retry 7 9 12 --reason "address corrected"
	secordesk jobs retry --failed --kind invoice: --within 24h --reason "the mail server is back"
	secordesk jobs retry 8 --may-arrive-twice --reason "they have nothing, by phone"`
}

// mostRetried is how many jobs one filter takes at most.
const mostRetried = 10_000

// Run retries the jobs.
func (c *jobsRetryCmd) Run(ctx context.Context, t *terminal) error {
	verb := decisionVerb{"jobs retry", func(d *desk, id int64, act secor.Act) error { return d.RetryJob(ctx, id, act, c.MayArriveTwice) }}
	switch {
	case c.Failed == (len(c.Jobs) > 0):
		return &secor.FieldError{Field: "job", Problem: "give numbers of jobs, or --failed for every failed one"}
	case c.Failed && c.MayArriveTwice:
		return &secor.FieldError{Field: "--may-arrive-twice", Problem: "is decided letter by letter; give numbers of jobs and leave --failed out"}
	case !c.Failed && (c.Kind != "" || c.Within != 0):
		return &secor.FieldError{Field: "--failed", Problem: "is missing: --kind and --within choose among failed jobs"}
	case c.Failed:
		return c.Decision.run(ctx, t, verb, func(cases *desk) ([]int64, error) { return c.matching(ctx, t, cases) })
	}
	return c.Decision.run(ctx, t, verb, numbered(c.Jobs))
}

// matching returns the failed jobs that the filter means and says how many.
func (c *jobsRetryCmd) matching(ctx context.Context, t *terminal, cases *desk) ([]int64, error) {
	err := checkKind(ctx, cases, c.Kind)
	if err != nil {
		return nil, err
	}
	found, err := cases.Jobs(ctx, store.JobFilter{States: []promise.State{promise.Failed}, Kind: c.Kind, Within: c.Within.duration(), Limit: mostRetried + 1})
	if err != nil {
		return nil, err
	}
	if len(found) > mostRetried {
		found = found[:mostRetried]
		fmt.Fprintf(t.out, "More than %d failed jobs match; these are the oldest %d of them.\n", mostRetried, mostRetried)
	} else {
		fmt.Fprintf(t.out, "%d failed jobs match.\n", len(found))
	}
	var ids []int64
	for _, j := range found {
		ids = append(ids, j.ID)
	}
	return ids, nil
}

// jobsArrivedCmd is "secordesk jobs arrived".
type jobsArrivedCmd struct {
	Jobs     []jobNumber `arg:"" name:"job" help:"Numbers of the jobs."`
	Decision jobDecision `embed:""`
}

// Help returns the examples.
func (jobsArrivedCmd) Help() string {
	return `For an ambiguous job, and for a failed one whose letter was accepted and not recorded. The job is done, and what follows from its letter happens now: an invoice
counts as sent and its thirty days begin, a pass starts the ten days. Look first: "jobs show" prints the Message-ID to look for in the mail server's log.

Examples:

	secordesk jobs arrived 8 --reason "the mail server's log has it" --as ana.roy@example.com`
}

// Run records that the letters arrived.
func (c *jobsArrivedCmd) Run(ctx context.Context, t *terminal) error {
	verb := decisionVerb{"jobs arrived", func(d *desk, id int64, act secor.Act) error { return d.ArrivedJob(ctx, id, act) }}
	return c.Decision.run(ctx, t, verb, numbered(c.Jobs))
}

// jobsCancelCmd is "secordesk jobs cancel".
type jobsCancelCmd struct {
	Jobs     []jobNumber `arg:"" name:"job" help:"Numbers of the jobs."`
	Decision jobDecision `embed:""`
}

// Help returns the examples.
func (jobsCancelCmd) Help() string {
	return `The job is never done; this cannot be taken back. An open job is given up too, unless its letter is being sent. What would follow from a letter does not, so
for one that arrived see "jobs arrived".

Examples:

	secordesk jobs cancel 7 --reason "told them by phone" --as ana.roy@example.com
	secordesk jobs cancel 7 9 12 --reason "the company closed"`
}

// Run gives the jobs up.
func (c *jobsCancelCmd) Run(ctx context.Context, t *terminal) error {
	verb := decisionVerb{"jobs cancel", func(d *desk, id int64, act secor.Act) error { return d.CancelJob(ctx, id, act) }}
	return c.Decision.run(ctx, t, verb, numbered(c.Jobs))
}
