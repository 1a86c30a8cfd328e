package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"secordesk/jobs"
	"secordesk/store"
	"secordesk/store/secor"
)

// kindsDecision is what a person's decision on kinds of jobs takes.
type kindsDecision struct {
	What   []string `arg:"" help:"Kinds such as request:send_welcome, all of a family such as request:, a queue (decisions, mail, bulk), or all. A kind that only another release knows by its whole name, when there is a job of it."`
	Reason string   `required:"" placeholder:"TEXT" help:"Why, in a sentence; the desk's history keeps it."`
	As     string   `placeholder:"EMAIL" help:"Who decides; SECORDESK_AS when left out."`
	Act    string   `placeholder:"ID" help:"Name of this act. The same command with the same name is done once, however often it is given."`
}

// kinds returns the kinds that are meant, each once. One that this release does not
// know is meant by its whole name, when it is in use, and by "all".
func (d kindsDecision) kinds(used []string) ([]string, error) {
	var found []string
	for _, what := range d.What {
		before := len(found)
		for _, name := range used {
			if what == "all" || what == name {
				found = append(found, name)
			}
		}
		for _, k := range jobs.Kinds() {
			name := string(k.Name)
			family := strings.HasSuffix(what, ":") && strings.HasPrefix(name, what)
			if what == "all" || what == name || what == string(k.Queue) || family {
				found = append(found, name)
			}
		}
		if len(found) == before {
			return nil, &secor.FieldError{Field: "kind", Value: what, Problem: "is no kind, family or queue of jobs; try decisions, mail, bulk, all, or one of " + strings.Join(kindNames(), ", ")}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// kindNames returns the kinds of jobs that this release knows.
func kindNames() []string {
	var names []string
	for _, k := range jobs.Kinds() {
		names = append(names, string(k.Name))
	}
	return names
}

// run takes the decision of that name and says how many kinds it changed.
func (d kindsDecision) run(ctx context.Context, t *terminal, name, done string, decide func(*desk, secor.Act, []string) (int, error)) error {
	cases, person, err := t.deskAs(ctx, d.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	kinds, err := d.kinds(nil)
	if err != nil || slices.Contains(d.What, "all") {
		used, fault := cases.JobKinds(ctx, "")
		if fault != nil {
			return fault
		}
		kinds, err = d.kinds(used)
	}
	if err != nil {
		return err
	}
	same := step{stepCmd: stepCmd{Act: d.Act, Reason: d.Reason}, name: name, input: secor.Input{"kinds": strings.Join(kinds, " ")}}
	act := secor.Act{By: secor.ByReviewer(person.ID), Surface: secor.SurfaceCLI, Reason: d.Reason}
	act.ID, err = same.actID(person.ID)
	if err != nil {
		return err
	}
	n, err := decide(cases, act, kinds)
	if err != nil {
		return plain(err)
	}
	fmt.Fprintf(t.out, "%d of %d kinds %s.\n", n, len(kinds), done)
	return cases.writePaused(ctx, t.out)
}

// writePaused writes what rests, a line for each time that it was decided.
func (d *desk) writePaused(ctx context.Context, w io.Writer) error {
	paused, err := d.Paused(ctx)
	if err != nil || len(paused) == 0 {
		return err
	}
	roster, err := d.Reviewers(ctx)
	if err != nil {
		return err
	}
	people := &secor.File{Roster: roster}
	for len(paused) > 0 {
		first := paused[0]
		var kinds []string
		other := func(p store.Pause) bool {
			return p.By != first.By || p.Reason != first.Reason || !p.Since.Equal(first.Since)
		}
		for _, p := range paused {
			if !other(p) {
				kinds = append(kinds, p.Kind)
			}
		}
		paused = slices.DeleteFunc(paused, func(p store.Pause) bool { return !other(p) })
		line := fmt.Sprintf("Paused: %s since %s", strings.Join(gathered(kinds), ", "), first.Since.In(d.office().Zone).Format("2 Jan 15:04"))
		if first.By != (secor.Actor{}) {
			line += fmt.Sprintf(", by %s: %s", nameOf(people, first.By), first.Reason)
		}
		_, err = fmt.Fprintln(w, fold(line, "  "))
		if err != nil {
			return err
		}
	}
	return nil
}

// gathered names kinds by their queue where all of it is among them.
func gathered(kinds []string) []string {
	kinds = slices.Clone(kinds)
	var words []string
	for _, queue := range []jobs.Queue{jobs.Decisions, jobs.Mail, jobs.Bulk} {
		var whole []string
		for _, k := range jobs.Kinds() {
			if k.Queue == queue {
				whole = append(whole, string(k.Name))
			}
		}
		missing := func(name string) bool { return !slices.Contains(kinds, name) }
		if len(whole) < 2 || slices.ContainsFunc(whole, missing) {
			continue
		}
		words = append(words, fmt.Sprintf("%s (%d kinds)", queue, len(whole)))
		kinds = slices.DeleteFunc(kinds, func(name string) bool { return slices.Contains(whole, name) })
	}
	return append(words, kinds...)
}

// jobsPauseCmd is "secordesk jobs pause".
type jobsPauseCmd struct {
	Decision kindsDecision `embed:""`
}

// Help returns the examples.
func (jobsPauseCmd) Help() string {
	return `Jobs of these kinds are promised and not begun, until they are resumed. What is being done is finished. Deadlines do not stop: pause what a broken
mail server would fail, not what is late.

Examples:

	secordesk jobs pause mail --reason "the mail server moves" --as ana.roy@example.com
	secordesk jobs pause invoice: certificate:make_papers --reason "prices are wrong"
	secordesk jobs pause all --reason "restoring a backup"`
}

// Run pauses the kinds.
func (c *jobsPauseCmd) Run(ctx context.Context, t *terminal) error {
	return c.Decision.run(ctx, t, "jobs pause", "came to rest", func(d *desk, act secor.Act, kinds []string) (int, error) { return d.PauseJobs(ctx, act, kinds) })
}

// jobsResumeCmd is "secordesk jobs resume".
type jobsResumeCmd struct {
	Decision kindsDecision `embed:""`
}

// Help returns the examples.
func (jobsResumeCmd) Help() string {
	return "What waited is begun at once.\n\nExamples:\n\n\tsecordesk jobs resume mail --reason \"the mail server is back\" --as ana.roy@example.com\n\tsecordesk jobs resume all --reason \"restored\""
}

// Run resumes the kinds.
func (c *jobsResumeCmd) Run(ctx context.Context, t *terminal) error {
	return c.Decision.run(ctx, t, "jobs resume", "go on", func(d *desk, act secor.Act, kinds []string) (int, error) { return d.ResumeJobs(ctx, act, kinds) })
}
