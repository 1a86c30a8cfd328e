package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// troubled is an office with two requests rejected: the letter of the first
// failed, that of the second broke off while it was sent.
func troubled(t *testing.T) (*office, int64, int64) {
	t.Helper()
	o := newOffice(t)
	opened := o.open()
	opened.Grace = 0
	broken := &promise.Outcome{State: promise.Ambiguous, Why: "read answer: " + strings.Repeat("x", 90) + "\nEOF", Sent: true}
	return o, o.letter(opened, 1, "a", &promise.Outcome{State: promise.Failed, Why: "company:1 has no e-mail address"}), o.letter(opened, 1, "b", broken)
}

// letter opens and rejects a request of a company, and ends its letter's attempt.
func (o *office) letter(opened *desk, company int64, name string, end *promise.Outcome) int64 {
	o.t.Helper()
	ctx := o.t.Context()
	id := secor.CaseID(1)
	if name != "a" {
		var err error
		id, err = opened.AddRequest(ctx, o.act("request "+name), company, "ab-pir", secor.Request{Reason: secor.ReasonNew, Headcount: 8})
		o.must(err)
	}
	act := o.act("reject " + name)
	act.By = secor.ByReviewer(1)
	o.must(opened.UpdateCase(ctx, id, act, func(f *secor.File, _ time.Time) error {
		step, err := secor.StepFor("reject", f.Case.Kind)
		if err != nil {
			return err
		}
		return step.Take(f, nil)
	}))
	wakes, err := opened.WakeJobs(ctx, []promise.Room{{Kind: string(secor.JobRejection), Most: 10}}, 10, time.Minute)
	o.must(err)
	for _, wake := range wakes {
		if wake.Kind != string(secor.JobRejection) {
			continue
		}
		claim, ours, err := opened.ClaimJob(ctx, wake.JobID, "host:1/"+name, time.Minute)
		o.must(err)
		if !ours {
			o.t.Fatalf("job %d cannot be claimed", wake.JobID)
		}
		if end.Sent {
			_, err = opened.StartSend(ctx, claim, secor.Act{ID: "job", By: secor.Desk, Surface: secor.SurfaceJob}, time.Minute,
				func(*secor.File, secor.Event) error { return nil })
			o.must(err)
		}
		o.must(opened.EndAttempt(ctx, claim, *end))
		return wake.JobID
	}
	o.t.Fatal("no letter was promised")
	return 0
}

// finds runs the doctor, who has more to say of a test's configuration.
func (o *office) finds(pattern string) {
	o.t.Helper()
	_, out, _ := o.run("doctor")
	if !regexp.MustCompile(pattern).MatchString(out) {
		o.t.Errorf("the doctor does not say %q:\n%s", pattern, out)
	}
}

func TestJobs(t *testing.T) {
	o, failed, ambiguous := troubled(t)
	o.finds(`(?m)^warn jobs +1 failed, 1 ambiguous; .*secordesk jobs list"$`)
	listed := o.says("jobs list", fmt.Sprintf(`^ +%d +1 +failed +request:send_rejection +company:1 +1 +company:1 has no e-mail address$`, failed),
		fmt.Sprintf(`^ +%d +\d+ +ambiguous +.* read answer: x+…$`, ambiguous))
	if strings.Count(listed, "\n") != 3 {
		t.Errorf("jobs list shows more than two jobs and their heads:\n%s", listed)
	}
	for flag, want := range map[string]int{"--failed": 1, "--ambiguous": 1, "--failed --ambiguous": 2, "--open": 2, "--case 1": 1, "--case 99": 0,
		"--all": 4, "--all --newest --limit 1": 1, "--done": 0, "--cancelled": 0, "--all --kind request:": 4, "--kind request:send_rejection": 2,
		"--kind nothing:": 0, "--to company:1": 2, "--to company:2": 0, "--within 1h": 2} {
		var found []promisedJSON
		o.must(json.Unmarshal([]byte(o.says("jobs list --json "+flag)), &found))
		if len(found) != want {
			t.Errorf("jobs list %s: %d jobs, want %d: %+v", flag, len(found), want, found)
		}
	}
	o.says("jobs list --open", "request:decide_need +desk +0 +waits for a relay")
	o.refuses("jobs list --within=-1h", "--within: .* is not a time")
	o.refuses("jobs list --watch --json", "leave --json out")
	o.says("jobs list --case 99", "^no such job$")
	o.says("jobs list --limit 1", "^There are more")
	o.refuses("jobs list --limit 0", "--limit: .* is not a number from 1 to 10000")
	o.says(fmt.Sprintf("jobs show %d", failed), "^State +failed$", "^Last error +company:1 has no", fmt.Sprintf("^What now .*jobs retry %d", failed))
	o.says(fmt.Sprintf("jobs show %d", ambiguous), "^Sending +", "^What now .*may-arrive-twice$")
	o.refuses("jobs show 99", "^there is no job 99")

	o.refuses(fmt.Sprintf("jobs retry %d --reason x --as ben.ito@example.com", failed), "^Retry Job is not for a reviewer; ask a lead")
	o.refuses(fmt.Sprintf("jobs cancel %d --reason x --as eve@example.com", failed), "nobody of this desk")
	retry := fmt.Sprintf("jobs retry %d --reason corrected --act r1", failed)
	for range 2 {
		o.says(retry, fmt.Sprintf(`^Job %d, request:send_rejection to company:1, is open\.$`, failed))
	}
	o.says("case history 1", "job.retried, by Ana Roy", "^ +corrected$", fmt.Sprintf("job %d, kind request:send_rejection, was failed", failed))
	if got := strings.Count(o.says("case history 1"), "job.retried"); got != 1 {
		t.Errorf("the same act was recorded %d times", got)
	}
	o.refuses(fmt.Sprintf("jobs retry %d --reason again", failed), "is being done, or has not been tried yet")

	o.refuses(fmt.Sprintf("jobs retry %d --reason x", ambiguous), `may have arrived; .*\(may-arrive-twice\)\n$`)
	o.says(fmt.Sprintf(`jobs cancel %d --reason "it arrived"`, ambiguous), "is cancelled")
	o.says(fmt.Sprintf(`jobs cancel %d --reason "by phone"`, failed), "is cancelled")
	o.says("jobs list", "^no such job$")
	o.finds(`(?m)^ok +jobs`)
	o.says("verify", "^sound")
}

func TestJobs_RetryThatMayArriveTwice(t *testing.T) {
	o, _, ambiguous := troubled(t)
	o.says(fmt.Sprintf("jobs retry %d --may-arrive-twice --reason x", ambiguous), "is open")
	var shown promisedJSON
	o.must(json.Unmarshal([]byte(o.says(fmt.Sprintf("jobs show %d --json", ambiguous))), &shown))
	if shown.State != promise.Open || shown.Attempts != 0 || shown.SendingAt != nil || shown.EndedAt != nil || !strings.HasSuffix(shown.LastError, "EOF") {
		t.Errorf("jobs show --json = %+v", shown)
	}
}

func TestJobs_Attempts(t *testing.T) {
	o, failed, _ := troubled(t)
	o.says(fmt.Sprintf("jobs show %d", failed), `^Worker +host:1$`, `^Fence +Began +Ended +Worker +Outcome +Error$`, `^ +1 +.* failed +company:1 has no e-mail address$`)
	var shown struct {
		History []attemptJSON `json:"attempts_before"`
	}
	o.must(json.Unmarshal([]byte(o.says(fmt.Sprintf("jobs show %d --json", failed))), &shown))
	if len(shown.History) != 1 || shown.History[0].Outcome != promise.EndFailed || shown.History[0].Fence != 1 || shown.History[0].BeganAt == nil {
		t.Errorf("attempts = %+v", shown.History)
	}
}

func TestJobs_Pause(t *testing.T) {
	o, _, _ := troubled(t)
	o.refuses("jobs pause nothing --reason x", `kind: "nothing" is no kind, family or queue of jobs; try decisions, mail`)
	o.refuses("jobs pause mail --reason x --as ben.ito@example.com", "^Pause Jobs is not for a reviewer; ask a lead")
	for range 2 {
		o.says(`jobs pause request: request:send_welcome --reason "moving house" --act p1`, `^(\d+) of \d+ kinds came to rest\.$`, `^Paused: `, `request:send_welcome since 25 Mar 10:00`)
	}
	o.says("jobs list --open", "request:decide_need +desk +0 +paused$", "^Paused: ")
	o.finds(`(?m)^warn jobs .*kinds? paused`)
	o.says("jobs pause all --reason everything", "^Paused: ")
	db, err := o.terminal().openDatabase()
	o.must(err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `UPDATE jobs SET kind = 'portal:unlock' WHERE state = 'open'`)
	o.must(err)
	o.finds(`(?m)^warn jobs .*2 of a kind that only another release knows`)
	o.says("jobs resume all --reason back", `^\d+ of \d+ kinds go on\.$`)
	if strings.Contains(o.says("jobs list"), "Paused") {
		t.Error("jobs list tells of a pause that ended")
	}
	o.says("verify", "^sound")
}

// A watched list is shown again when it changed, and ends with Ctrl-C.
func TestJobs_Watch(t *testing.T) {
	var out strings.Builder
	ctx, stop := context.WithCancel(t.Context())
	pages := []string{"one", "one", "two"}
	asked := 0
	watching := &terminal{out: &out, now: func() time.Time { return time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC) }}
	err := watching.watch(ctx, time.Millisecond, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, pages[asked])
		asked++
		if asked == len(pages) {
			defer stop()
		}
		return err
	})
	if err != nil || strings.Count(out.String(), "one") != 1 {
		t.Errorf("watch = %v, showed\n%s", err, &out)
	}
	broken := errors.New("connection refused")
	err = watching.watch(t.Context(), time.Millisecond, func(io.Writer) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("watch = %v, want what the page says", err)
	}
}
