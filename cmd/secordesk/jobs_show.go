package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"secordesk/jobs"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

type promisedJSON struct {
	Job       int64         `json:"job"`
	Case      int64         `json:"case,omitzero"`
	Batch     int64         `json:"batch,omitzero"` // for a governing body, from which it follows
	Event     int           `json:"event,omitzero"`
	Schedule  string        `json:"schedule,omitzero"`
	Tick      time.Time     `json:"tick,omitzero"`
	Kind      string        `json:"kind"`
	Recipient string        `json:"recipient"`
	State     promise.State `json:"state"`
	Attempts  int           `json:"attempts"`
	Worker    string        `json:"worker"`
	LastError string        `json:"last_error"`
	NotBefore time.Time     `json:"not_before"`
	ClaimedAt *time.Time    `json:"claimed_at"`
	Leased    *time.Time    `json:"leased_until"`
	SendingAt *time.Time    `json:"sending_at"`
	EndedAt   *time.Time    `json:"ended_at"`
	Receipt   string        `json:"receipt"`
}

func newPromisedJSON(j promise.Job) promisedJSON {
	return promisedJSON{Job: j.ID, Case: j.CaseID, Batch: j.Batch, Event: j.Cause, Schedule: j.Schedule, Tick: j.Tick, Kind: j.Kind, Recipient: j.Recipient,
		State: j.State, Attempts: j.Attempts, Worker: j.Worker, LastError: j.LastError, NotBefore: j.NotBefore,
		ClaimedAt: orNil(j.ClaimedAt), Leased: orNil(j.Leased), SendingAt: orNil(j.SendingAt), EndedAt: orNil(j.DoneAt), Receipt: j.Receipt}
}

func orNil(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

type attemptJSON struct {
	Fence   int64              `json:"fence"`
	Worker  string             `json:"worker"`
	BeganAt *time.Time         `json:"began_at"`
	EndedAt time.Time          `json:"ended_at"`
	Outcome promise.AttemptEnd `json:"outcome"`
	Error   string             `json:"error"`
}

// jobsShowCmd is "secordesk jobs show".
type jobsShowCmd struct {
	Job  jobNumber `arg:"" help:"Number of the job."`
	JSON bool      `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (jobsShowCmd) Help() string {
	return "Examples:\n\n\tsecordesk jobs show 7\n\tsecordesk jobs show 7 --json"
}

// Run shows a job and every attempt at it.
func (c *jobsShowCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	j, err := cases.Job(ctx, int64(c.Job))
	if err != nil {
		return plain(err)
	}
	story, err := cases.Story(ctx, j)
	if err != nil {
		return plain(err)
	}
	if c.JSON {
		return writeJSON(t.out, newShownJSON(j, story, t.messageID(j)))
	}
	seen, err := t.lookAt(ctx, cases, j, story)
	if err != nil {
		return err
	}
	err = seen.write(t.out)
	if err != nil || len(story.Attempts) == 0 {
		return err
	}
	fmt.Fprintln(t.out)
	return writeAttempts(t, story.Attempts, j, seen.zone)
}

// shownJSON is a job with all that came to it.
type shownJSON struct {
	promisedJSON
	PromisedAt time.Time     `json:"promised_at"`
	MessageID  string        `json:"message_id,omitempty"`
	Decisions  []eventJSON   `json:"decisions"`
	History    []attemptJSON `json:"attempts_before"`
}

func newShownJSON(j promise.Job, story store.JobStory, messageID string) shownJSON {
	out := shownJSON{newPromisedJSON(j), story.PromisedAt, messageID, []eventJSON{}, []attemptJSON{}}
	for _, e := range story.Decisions {
		out.Decisions = append(out.Decisions, newEventJSON(e))
	}
	for _, a := range story.Attempts {
		out.History = append(out.History, attemptJSON{Fence: a.Fence, Worker: a.Worker, BeganAt: orNil(a.BeganAt), EndedAt: a.EndedAt, Outcome: a.Outcome, Error: a.Error})
	}
	return out
}

// messageID is what to look for in a mail server's log; "" when nothing of the job
// was ever sent.
func (t *terminal) messageID(j promise.Job) string {
	if j.SendingAt.IsZero() {
		return ""
	}
	_, domain, known := strings.Cut(t.env["DESK_FROM"], "@")
	if !known {
		domain = "…"
	}
	return fmt.Sprintf("job-%d@%s", j.ID, domain)
}

// stamp is a time to the second, or "" when there is none.
func stamp(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(zone).Format("2 Jan 2006 15:04:05")
}

// jobSeen is a job with all that a person may want to know of it.
type jobSeen struct {
	promise.Job
	story     store.JobStory
	messageID string
	most      int // attempts; 0 when this release does not know the kind
	paused    bool
	people    *secor.File // only its roster
	now       time.Time   // wall time, as all times of a job are
	zone      *time.Location
}

func (t *terminal) lookAt(ctx context.Context, cases *desk, j promise.Job, story store.JobStory) (jobSeen, error) {
	seen := jobSeen{Job: j, story: story, messageID: t.messageID(j), now: wallClock(), zone: cases.office().Zone}
	for _, k := range jobs.Kinds() {
		if string(k.Name) == j.Kind {
			seen.most = k.Attempts
		}
	}
	paused, err := cases.Paused(ctx)
	if err != nil {
		return jobSeen{}, err
	}
	seen.paused = slices.ContainsFunc(paused, func(p store.Pause) bool { return p.Kind == j.Kind })
	roster, err := cases.Reviewers(ctx)
	seen.people = &secor.File{Roster: roster}
	return seen, err
}

func (j jobSeen) write(w io.Writer) error {
	follows := fmt.Sprintf("from event %d of case %d", j.Cause, j.CaseID)
	switch {
	case j.Batch != 0:
		follows = fmt.Sprintf("from batch %d for a governing body", j.Batch)
	case j.CaseID == 0:
		follows = fmt.Sprintf("from the tick of %s at %s", j.Schedule, stamp(j.Tick, j.zone))
	}
	attempts := strconv.Itoa(j.Attempts)
	if j.most > 0 {
		attempts += fmt.Sprintf(" of %d", j.most)
	}
	failure := "Last error"
	if j.State == promise.Done {
		failure = "Earlier error"
	}
	rows := [][]string{
		{"Job", fmt.Sprintf("%d, %s", j.ID, j.Kind)},
		{"Follows", follows},
		{"Promised", stamp(j.story.PromisedAt, j.zone)},
		{"To", j.Recipient},
		{"State", string(j.State)},
		{"Attempts", attempts},
		{"Not before", stamp(j.NotBefore, j.zone)},
		{"Worker", j.Worker},
		{"Claimed", stamp(j.ClaimedAt, j.zone)},
		{"Lease ends", stamp(j.Leased, j.zone)},
		{"Sending", stamp(j.SendingAt, j.zone)},
		{"Message-ID", j.messageID},
		{"Ended", stamp(j.DoneAt, j.zone)},
		{"Receipt", j.Receipt},
		{failure, j.LastError},
	}
	for _, e := range j.story.Decisions {
		rows = append(rows, []string{"Decided", fmt.Sprintf("%s %s, by %s: %s", stamp(e.HappenedAt, j.zone), decisionWord(e.Kind), nameOf(j.people, e.By), e.Text)})
	}
	out := &table{}
	for _, row := range append(rows, []string{"What now", j.remedy()}) {
		if row[1] != "" {
			out.add(row...)
		}
	}
	return out.write(w)
}

// decisionWord says in a word what a person decided on a job.
func decisionWord(kind secor.EventKind) string {
	switch kind {
	case secor.EventJobRetried:
		return "retried"
	case secor.EventJobDropped:
		return "cancelled"
	case secor.EventJobArrived:
		return "arrived"
	}
	return string(kind)
}

// writeAttempts writes the attempts that did not do the job, and the one that did.
func writeAttempts(t *terminal, attempts []promise.Attempt, j promise.Job, zone *time.Location) error {
	out := &table{heads: []string{"Fence", "Began", "Ended", "Worker", "Outcome", "Error"}, right: []int{0}}
	for _, a := range attempts {
		out.add(strconv.FormatInt(a.Fence, 10), stamp(a.BeganAt, zone), stamp(a.EndedAt, zone), a.Worker, string(a.Outcome), brief(a.Error))
	}
	if j.State == promise.Done {
		out.add("", stamp(j.ClaimedAt, zone), stamp(j.DoneAt, zone), j.Worker, string(j.State), "")
	}
	return out.write(t.out)
}

// remedy says what a person can do about a job; "" when nothing.
func (j jobSeen) remedy() string {
	switch {
	case j.State == promise.Open:
		return j.awaits()
	case j.State != promise.Failed && j.State != promise.Ambiguous:
		return ""
	case j.SendingAt.IsZero():
		return fmt.Sprintf("put right what the error says, then %s; or give it up: %s", j.command("retry"), j.command("cancel"))
	default:
		return fmt.Sprintf("look for the Message-ID in the mail server's log. It arrived: %s. It did not: %s", j.command("arrived"), j.command("retry", "--may-arrive-twice"))
	}
}

// command is a decision on this job as it can be typed.
func (j jobSeen) command(verb string, flags ...string) string {
	words := append([]string{"secordesk jobs", verb, strconv.FormatInt(j.ID, 10)}, flags...)
	return strings.Join(append(words, `--reason "…"`), " ")
}

// awaits says what an open job waits for, and what can be done meanwhile.
func (j jobSeen) awaits() string {
	until := stamp(j.Leased, j.zone)
	switch {
	case !j.Leased.IsZero() && j.Leased.Before(j.now):
		return "its worker was not heard of since the lease ended; it is taken back within a minute where a worker runs"
	case !j.SendingAt.IsZero():
		return "wait: the letter is being sent, by a worker that may be dead; decided by " + until + " at the latest"
	case !j.Leased.IsZero():
		return "wait: a worker is at it; if that one is dead, it is taken back after " + until
	case j.paused:
		return fmt.Sprintf(`its kind rests; to end that: secordesk jobs resume %s --reason "…"`, j.Kind)
	case j.most == 0:
		return "only another release does this kind; start it, or give the job up: " + j.command("cancel")
	case j.NotBefore.After(j.now) && j.Attempts > 0:
		return "wait until " + stamp(j.NotBefore, j.zone) + ", or try it at once: " + j.command("retry")
	case j.NotBefore.After(j.now):
		return "wait until " + stamp(j.NotBefore, j.zone)
	case !j.Woken.IsZero():
		return "wait for a worker; when none comes: secordesk doctor"
	default:
		return "wait for a relay, which runs in every worker; when none comes: secordesk doctor"
	}
}
