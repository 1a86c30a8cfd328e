package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// jobsListCmd is "secordesk jobs list".
type jobsListCmd struct {
	Failed    bool         `help:"Failed jobs. Without one of these six: the failed and the ambiguous ones."`
	Ambiguous bool         `help:"Ambiguous jobs."`
	Open      bool         `help:"Jobs that are still to be done."`
	Done      bool         `help:"Jobs that are done."`
	Cancelled bool         `help:"Jobs whose reason ended, or that a person gave up."`
	All       bool         `help:"Jobs in every state."`
	Case      secor.CaseID `placeholder:"N" help:"Only jobs of this case."`
	Kind      string       `placeholder:"KIND" help:"Only jobs of this kind, or of those that begin so, such as \"request:\"."`
	To        string       `placeholder:"WHO" help:"Only jobs for this recipient, such as company:12."`
	Within    timeSpan     `placeholder:"TIME" help:"Only jobs promised within this time, such as 24h."`
	Newest    bool         `help:"The newest first."`
	Limit     int          `default:"100" help:"How many at most."`
	Watch     bool         `help:"Show the list again every two seconds until Ctrl-C."`
	JSON      bool         `name:"json" help:"Print JSON."`
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

// timeSpan is a length of time as a command line has it.
type timeSpan time.Duration

// UnmarshalText reads a length of time that is more than nothing.
func (s *timeSpan) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is not a time such as 24h or 90m", text)
	}
	*s = timeSpan(d)
	return nil
}

func (s timeSpan) duration() time.Duration { return time.Duration(s) }

// watchEvery is how often a watched list is read again, in wall time.
const watchEvery = 2 * time.Second

// Run lists jobs in the order in which they were promised.
func (c *jobsListCmd) Run(ctx context.Context, t *terminal) error {
	switch {
	case c.Limit < 1 || c.Limit > 10_000:
		return &usageError{command: "secordesk jobs list", err: &secor.FieldError{Field: "--limit", Value: strconv.Itoa(c.Limit), Problem: "is not a number from 1 to 10000"}}
	case c.Watch && c.JSON:
		return &usageError{command: "secordesk jobs list", err: &secor.FieldError{Field: "--watch", Problem: "prints a table; leave --json out"}}
	}
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	err = c.check(ctx, cases)
	if err != nil {
		return plain(err)
	}
	if c.Watch {
		return t.watch(ctx, watchEvery, cases.office().Zone, func(ctx context.Context, out io.Writer) error { return c.write(ctx, out, cases) })
	}
	return c.write(ctx, t.out, cases)
}

// check refuses a filter that can match nothing because it is mistyped.
func (c *jobsListCmd) check(ctx context.Context, cases *desk) error {
	if c.To != "" && !recipientForm().MatchString(c.To) {
		return &secor.FieldError{Field: "--to", Value: c.To, Problem: "is no recipient; write desk, company:12, reviewer:3 or body:ab-pir"}
	}
	if c.Case != 0 {
		_, err := cases.File(ctx, c.Case)
		if err != nil {
			return err
		}
	}
	return checkKind(ctx, cases, c.Kind)
}

func recipientForm() *regexp.Regexp {
	return regexp.MustCompile(`^(desk|(reviewer|company):[1-9][0-9]*|body:[a-z0-9-]+)$`)
}

// checkKind refuses the beginning of a kind of jobs with which none begins that this
// release knows or that is in use.
func checkKind(ctx context.Context, cases *desk, kind string) error {
	begins := func(name string) bool { return strings.HasPrefix(name, kind) }
	if slices.ContainsFunc(kindNames(), begins) {
		return nil
	}
	used, err := cases.JobKinds(ctx, kind)
	if err == nil && len(used) == 0 {
		err = &secor.FieldError{Field: "--kind", Value: kind, Problem: "is no kind of jobs, nor does one begin so; they are " + strings.Join(kindNames(), ", ")}
	}
	return err
}

// waiting reports whether the list is the one of jobs that wait for a person.
func (c *jobsListCmd) waiting() bool {
	chosen := c.Failed || c.Ambiguous || c.Open || c.Done || c.Cancelled || c.All
	return !chosen && c.Case == 0 && c.Kind == "" && c.To == "" && c.Within == 0
}

func (c *jobsListCmd) write(ctx context.Context, out io.Writer, cases *desk) error {
	found, err := cases.Jobs(ctx, store.JobFilter{CaseID: c.Case, States: c.states(), Kind: c.Kind, Recipient: c.To,
		Within: c.Within.duration(), Newest: c.Newest, Limit: c.Limit + 1})
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
	empty := "no such job"
	if c.waiting() {
		empty = "no job waits for a person"
	}
	err = writeJobs(out, found, empty, func(j promise.Job) string { return jobStanding(j, rests[j.Kind], wallClock(), cases.office().Zone) })
	if err != nil {
		return err
	}
	if more {
		fmt.Fprintln(out, "There are more; raise --limit or filter.")
	}
	return cases.writePaused(ctx, out)
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

func writeJobs(w io.Writer, found []promise.Job, empty string, standing func(promise.Job) string) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, empty)
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
	case !slices.Contains(kindNames(), j.Kind):
		stands = "only another release does this kind"
	case !j.Woken.IsZero():
		stands = "waits for a worker"
	default:
		stands = "waits for a relay"
	}
	if j.LastError != "" {
		stands += "; " + j.LastError
	}
	return stands
}

// watchPatience is how long a watched page may take.
const watchPatience = 10 * time.Second

// watch shows a page again and again until ctx ends: in its place on a terminal, and
// elsewhere whenever it changed. When the page fails it says since when and tries
// again; only a refusal ends it.
func (t *terminal) watch(ctx context.Context, every time.Duration, zone *time.Location, page func(context.Context, io.Writer) error) error {
	const clock = "15:04:05"
	tick := time.NewTicker(every)
	defer tick.Stop()
	shown, away := "", ""
	for {
		text, err := watched(ctx, page)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, secor.ErrRefused) {
			return plain(err)
		}
		now := t.now().In(zone)
		switch {
		case err == nil:
			away = ""
		case away == "":
			away = now.Format(clock)
		}
		if err != nil {
			text = fmt.Sprintf("no answer since %s: %v\n", away, err)
		}
		err = nil
		if t.tty {
			_, err = fmt.Fprintf(t.out, "\x1b[H\x1b[2J%s, every %s, Ctrl-C ends\n\n%s", now.Format(clock), every, text)
		} else if text != shown {
			_, err = fmt.Fprintf(t.out, "%s\n%s", now.Format(time.RFC3339), text)
		}
		if err != nil {
			return err
		}
		shown = text
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watched returns a page, or the error of one that does not come in time.
func watched(ctx context.Context, page func(context.Context, io.Writer) error) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	var text strings.Builder
	err := page(ctx, &text)
	return text.String(), err
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
