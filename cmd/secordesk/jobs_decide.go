package main

import (
	"context"
	"fmt"
	"strconv"

	"secordesk/store/secor"
)

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
	_, err = fmt.Fprintf(t.out, "Job %d, %s to %s, is %s.\n", j.ID, j.Kind, j.Recipient, j.State)
	return err
}

// jobsRetryCmd is "secordesk jobs retry".
type jobsRetryCmd struct {
	Decision       jobDecision `embed:""`
	MayArriveTwice bool        `help:"Accept that a letter which may have arrived is sent again."`
}

// Help returns the examples.
func (jobsRetryCmd) Help() string {
	return `The job is done again from its first attempt; one that waits for its next attempt is tried at once. A letter that was being sent may have arrived, and would arrive twice: look whether it did, and
only then give --may-arrive-twice.

Examples:

	secordesk jobs retry 7 --reason "address corrected" --as ana.roy@example.com
	secordesk jobs retry 8 --may-arrive-twice --reason "they have nothing, by phone"`
}

// Run retries the job.
func (c *jobsRetryCmd) Run(ctx context.Context, t *terminal) error {
	return c.Decision.run(ctx, t, "jobs retry", func(d *desk, act secor.Act) error { return d.RetryJob(ctx, c.Decision.Job, act, c.MayArriveTwice) })
}

// jobsCancelCmd is "secordesk jobs cancel".
type jobsCancelCmd struct {
	Decision jobDecision `embed:""`
}

// Help returns the examples.
func (jobsCancelCmd) Help() string {
	return "The job is never done; this cannot be taken back. An open job is given up too, unless its letter is being sent.\n\nExamples:\n\n\tsecordesk jobs cancel 7 --reason \"told them by phone\" --as ana.roy@example.com"
}

// Run gives the job up.
func (c *jobsCancelCmd) Run(ctx context.Context, t *terminal) error {
	return c.Decision.run(ctx, t, "jobs cancel", func(d *desk, act secor.Act) error { return d.CancelJob(ctx, c.Decision.Job, act) })
}
