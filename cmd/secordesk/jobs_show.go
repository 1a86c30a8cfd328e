package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"secordesk/store/promise"
)

type promisedJSON struct {
	Job       int64         `json:"job"`
	Case      int64         `json:"case,omitzero"`
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
	return promisedJSON{Job: j.ID, Case: j.CaseID, Event: j.Cause, Schedule: j.Schedule, Tick: j.Tick, Kind: j.Kind, Recipient: j.Recipient,
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
	Job  int64 `arg:"" help:"Number of the job."`
	JSON bool  `name:"json" help:"Print JSON."`
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
	j, err := cases.Job(ctx, c.Job)
	if err != nil {
		return plain(err)
	}
	attempts, err := cases.Attempts(ctx, c.Job)
	if err != nil {
		return err
	}
	if c.JSON {
		out := struct {
			promisedJSON
			History []attemptJSON `json:"attempts_before"`
		}{newPromisedJSON(j), []attemptJSON{}}
		for _, a := range attempts {
			out.History = append(out.History, attemptJSON{Fence: a.Fence, Worker: a.Worker, BeganAt: orNil(a.BeganAt), EndedAt: a.EndedAt, Outcome: a.Outcome, Error: a.Error})
		}
		return writeJSON(t.out, out)
	}
	zone := cases.office().Zone
	err = writeJob(t, j, zone)
	if err != nil || len(attempts) == 0 {
		return err
	}
	fmt.Fprintln(t.out)
	return writeAttempts(t, attempts, j, zone)
}

// stamp is a time to the second, or "" when there is none.
func stamp(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(zone).Format("2 Jan 2006 15:04:05")
}

func writeJob(t *terminal, j promise.Job, zone *time.Location) error {
	follows := fmt.Sprintf("from event %d of case %d", j.Cause, j.CaseID)
	if j.CaseID == 0 {
		follows = fmt.Sprintf("from the tick of %s at %s", j.Schedule, stamp(j.Tick, zone))
	}
	out := &table{}
	for _, row := range [][]string{
		{"Job", fmt.Sprintf("%d, %s", j.ID, j.Kind)},
		{"Follows", follows},
		{"To", j.Recipient},
		{"State", string(j.State)},
		{"Attempts", strconv.Itoa(j.Attempts)},
		{"Not before", stamp(j.NotBefore, zone)},
		{"Worker", j.Worker},
		{"Claimed", stamp(j.ClaimedAt, zone)},
		{"Sending", stamp(j.SendingAt, zone)},
		{"Ended", stamp(j.DoneAt, zone)},
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
func remedy(j promise.Job) string {
	switch {
	case j.State != promise.Failed && j.State != promise.Ambiguous:
		return ""
	case j.SendingAt.IsZero():
		return fmt.Sprintf("put right what the error says, then secordesk jobs retry %d, or cancel it", j.ID)
	default:
		return fmt.Sprintf("look whether the letter arrived; if so secordesk jobs cancel %d, else retry it with --may-arrive-twice", j.ID)
	}
}
