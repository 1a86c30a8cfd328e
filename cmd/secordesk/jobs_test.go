package main

import (
	"encoding/json"
	"fmt"
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
		claim, ours, err := opened.ClaimJob(ctx, wake.JobID, name, time.Minute)
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
	for flag, want := range map[string]int{"--failed": 1, "--ambiguous": 1, "--failed --ambiguous": 2, "--open": 2, "--case 1": 1, "--case 99": 0} {
		var found []promisedJSON
		o.must(json.Unmarshal([]byte(o.says("jobs list --json "+flag)), &found))
		if len(found) != want {
			t.Errorf("jobs list %s: %d jobs, want %d: %+v", flag, len(found), want, found)
		}
	}
	o.says("jobs list --case 99", "^no such job$")
	o.says("jobs list --limit 1", "^There are more")
	o.refuses("jobs list --limit 0", "--limit: .* is not a number from 1 to 10000")
	o.says(fmt.Sprintf("jobs show %d", failed), "^State +failed$", "^Last error +company:1 has no", fmt.Sprintf("^What now .*jobs retry %d", failed))
	o.says(fmt.Sprintf("jobs show %d", ambiguous), "^Sending +", "^What now .*may-arrive-twice$")
	o.refuses("jobs show 99", "^there is no job 99")

	o.refuses(fmt.Sprintf("jobs retry %d --reason x --as ben.ito@example.com", failed), "^Retry Job is not for a reviewer; ask a lead")
	o.refuses(fmt.Sprintf("jobs drop %d --reason x --as eve@example.com", failed), "nobody of this desk")
	retry := fmt.Sprintf("jobs retry %d --reason corrected --act r1", failed)
	for range 2 {
		o.says(retry, fmt.Sprintf(`^Job %d of case 1, request:send_rejection to company:1, is open\.$`, failed))
	}
	o.says("case history 1", "job.retried, by Ana Roy", "^ +corrected$", fmt.Sprintf("job %d, kind request:send_rejection, was failed", failed))
	if got := strings.Count(o.says("case history 1"), "job.retried"); got != 1 {
		t.Errorf("the same act was recorded %d times", got)
	}
	o.refuses(fmt.Sprintf("jobs drop %d --reason corrected --act r1", failed), "is open; only a failed or ambiguous job")

	o.refuses(fmt.Sprintf("jobs retry %d --reason x", ambiguous), `may have arrived; .*\(may-arrive-twice\)\n$`)
	o.says(fmt.Sprintf(`jobs drop %d --reason "it arrived"`, ambiguous), "is cancelled")
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
