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

	"secordesk/store"
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
	o.finds(`(?ms)^warn jobs +1 failed.*1 ambiguous.*secordesk jobs list"$`)
	listed := o.says("jobs list", fmt.Sprintf(`^ +%d +1 +failed +request:send_rejection +company:1 +1 +company:1 has no e-mail address$`, failed),
		fmt.Sprintf(`^ +%d +\d+ +ambiguous +.* read answer: x+…$`, ambiguous))
	if strings.Count(listed, "\n") != 3 {
		t.Errorf("jobs list shows more than two jobs and their heads:\n%s", listed)
	}
	for flag, want := range map[string]int{"--failed": 1, "--ambiguous": 1, "--failed --ambiguous": 2, "--open": 2, "--case 1": 1,
		"--all": 4, "--all --newest --limit 1": 1, "--done": 0, "--cancelled": 0, "--all --kind request:": 4, "--kind request:send_rejection": 2,
		"--kind escalation": 0, "--to company:1": 2, "--to company:2": 0, "--within 1h": 2} {
		var found []promisedJSON
		o.must(json.Unmarshal([]byte(o.says("jobs list --json "+flag)), &found))
		if len(found) != want {
			t.Errorf("jobs list %s: %d jobs, want %d: %+v", flag, len(found), want, found)
		}
	}
	o.says("jobs list --open", "request:decide_need +desk +0 +waits for a relay")
	o.misread("jobs list --within=-1h", `--within: "-1h" is not a time such as 24h`)
	o.misread("jobs list --within 1d", `--within: "1d" is not a time such as 24h`)
	o.misread("jobs list --watch --json", "leave --json out")
	o.misread("jobs list --limit 0", "--limit: .* is not a number from 1 to 10000")
	o.misread("jobs show x", `"x" is not a job's number`)
	o.refuses("jobs list --case 99", "no case 99")
	o.refuses("jobs list --kind nothing:", `^--kind: "nothing:" is no kind of jobs, nor does one begin so; they are .*request:send_welcome`)
	o.refuses("jobs list --to kowalski", `^--to: "kowalski" is no recipient; write desk, company:12`)
	o.says("jobs list --done", "^no such job$")
	o.says("jobs list --limit 1", "^There are more")
	o.says(fmt.Sprintf("jobs show %d", failed), "^State +failed$", "^Last error +company:1 has no", fmt.Sprintf("^What now .*jobs retry %d", failed))
	o.says(fmt.Sprintf("jobs show %d", ambiguous), "^Sending +", fmt.Sprintf("^Message-ID +job-%d@…$", ambiguous), `^Attempts +1 of \d+$`, "^Promised +",
		fmt.Sprintf(`^What now .*jobs arrived %d --reason "…".*jobs retry %d --may-arrive-twice --reason "…"$`, ambiguous, ambiguous))
	o.environ["DESK_FROM"] = "office@desk.example"
	o.says(fmt.Sprintf("jobs show %d", ambiguous), fmt.Sprintf(`^Message-ID +job-%d@desk\.example$`, ambiguous))
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
	o.says("jobs list", "^no job waits for a person$")
	o.says(fmt.Sprintf("jobs show %d", failed), `^Decided +25 Mar 2026 10:00:00 retried, by Ana Roy: corrected$`, `^Decided .* cancelled, by Ana Roy: by phone$`)
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
	o.says("jobs list --open", "request:decide_need +desk +0 +paused$", `(?s:^Paused: request:.* since 25 Mar 10:00, by Ana Roy: moving house$)`)
	o.finds(`(?m)^warn jobs .*kinds? paused`)
	o.says("jobs resume request: --reason x")
	o.says(`jobs pause mail --reason "the mail server moves"`, `^Paused: mail \(\d+ kinds\) since 25 Mar 10:00, by Ana Roy: the mail server moves$`)
	o.says("jobs pause all --reason everything", `^Paused: decisions \(\d+ kinds\).*everything$`)
	db, err := o.terminal().openDatabase()
	o.must(err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `UPDATE jobs SET kind = 'portal:unlock' WHERE state = 'open'`)
	o.must(err)
	o.finds(`(?m)^warn jobs .*2 of a kind that only another release knows`)
	unknown := regexp.MustCompile(`(\d+) +\d+ +open +portal:unlock +desk +0 +only another release does this kind`).FindStringSubmatch(o.says("jobs list --open"))
	if unknown == nil {
		t.Fatal("jobs list --open does not tell of a kind that only another release knows")
	}
	o.says("jobs show "+unknown[1], "^Attempts +0$", `^What now +only another release does this kind; .*jobs cancel \d+ --reason "…"$`)
	o.says("jobs pause portal:unlock --reason x", "^1 of 1 kinds came to rest")
	o.says("jobs show "+unknown[1], `^What now +its kind rests; to end that: secordesk jobs resume portal:unlock --reason "…"$`)
	o.says("jobs resume portal:unlock --reason x", "^1 of 1 kinds go on")
	o.says("jobs pause portal:unlock --reason x")
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
	calgary := time.FixedZone("MDT", -6*60*60)
	show := func(_ context.Context, w io.Writer) error {
		page := pages[asked]
		asked++
		if asked == len(pages) {
			defer stop()
		}
		if strings.HasPrefix(page, "!") {
			return errors.New(page[1:])
		}
		_, err := fmt.Fprintln(w, page)
		return err
	}
	err := watching.watch(ctx, time.Millisecond, calgary, show)
	if err != nil || strings.Count(out.String(), "one") != 1 || !strings.HasPrefix(out.String(), "2026-03-25T10:00:00-06:00\n") {
		t.Errorf("watch = %v, showed\n%s", err, &out)
	}
	// The database goes away and comes back.
	out.Reset()
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	pages, asked = []string{"one", "!connection refused", "!connection refused", "two", "three"}, 0
	watching.tty = true
	err = watching.watch(ctx, time.Millisecond, calgary, show)
	if err != nil || strings.Count(out.String(), "no answer since 10:00:00: connection refused") != 2 || !strings.Contains(out.String(), "two") ||
		!strings.Contains(out.String(), "\x1b[2J10:00:00, every 1ms") {
		t.Errorf("watch = %v, showed\n%s", err, &out)
	}
	refused := &secor.Refusal{Kind: secor.ErrNotFound, Text: "there is no case 99"}
	err = watching.watch(t.Context(), time.Millisecond, calgary, func(context.Context, io.Writer) error { return refused })
	if !errors.Is(err, secor.ErrNotFound) {
		t.Errorf("watch = %v, want the refusal", err)
	}
}

// misread runs a command line that must not be understood and say what matches.
func (o *office) misread(line, pattern string) {
	o.t.Helper()
	status, out, errOut := o.run(line)
	if status != statusUsage || out != "" || !regexp.MustCompile(pattern).MatchString(errOut) {
		o.t.Errorf("%s: status %d, stdout %q, stderr %q; want a complaint that matches %q", line, status, out, errOut, pattern)
	}
}

// invoiceInDoubt is an audit whose invoice is being sent under the claim.
func (o *office) invoiceInDoubt() (*desk, secor.CaseID, promise.Claim) {
	o.t.Helper()
	ctx := o.t.Context()
	o.says("case approve 1")
	opened := o.open()
	opened.Grace = 0
	id, err := opened.AddAudit(ctx, o.act("audit"), 1, "ab-pir",
		secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 8, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	o.must(err)
	act := o.act("invoice")
	act.By = secor.ByReviewer(1)
	o.must(opened.UpdateCase(ctx, id, act, func(f *secor.File, _ time.Time) error {
		step, err := secor.StepFor("invoice", f.Case.Kind)
		if err != nil {
			return err
		}
		return step.Take(f, nil)
	}))
	letters, err := opened.Jobs(ctx, store.JobFilter{CaseID: id, Kind: string(secor.JobInvoice)})
	o.must(err)
	claim, ours, err := opened.ClaimJob(ctx, letters[0].ID, "host:1/a", time.Minute)
	if err != nil || !ours {
		o.t.Fatalf("ClaimJob = %v, %v", ours, err)
	}
	_, err = opened.StartSend(ctx, claim, secor.Act{ID: "job", By: secor.Desk, Surface: secor.SurfaceJob}, time.Minute,
		func(*secor.File, secor.Event) error { return nil })
	o.must(err)
	return opened, id, claim
}

// A letter arrived of which nobody knew it: what follows from it happens now.
func TestJobs_Arrived(t *testing.T) {
	o := newOffice(t)
	opened, id, claim := o.invoiceInDoubt()
	o.says(fmt.Sprintf("jobs show %d", claim.Job.ID), `^Lease ends +`, `^What now +wait: the letter is being sent, by a worker that may be dead; decided by .* at the latest$`)
	o.must(opened.EndAttempt(t.Context(), claim, promise.Outcome{State: promise.Ambiguous, Why: "EOF", Sent: true}))

	o.says(fmt.Sprint("case show ", id), `^Invoice +.*draft`)
	line := fmt.Sprintf(`jobs arrived %d --reason "the log has it" --act a1`, claim.Job.ID)
	o.refuses(line+" --as ben.ito@example.com", "^Arrived Job is not for a reviewer; ask a lead")
	for range 2 {
		o.says(line, fmt.Sprintf(`^Job %d, invoice:send to company:1, is done\.$`, claim.Job.ID))
	}
	o.says(fmt.Sprint("case show ", id), `^Invoice +.*sent`)
	shown := o.says(fmt.Sprintf("jobs show %d", claim.Job.ID), "^Receipt +arrived, says Ana Roy$", "^Decided .* arrived, by Ana Roy: the log has it$", "^Earlier error +EOF$")
	if strings.Contains(shown, "Last error") || strings.Contains(shown, "What now") {
		t.Errorf("a job that is done shows what was:\n%s", shown)
	}
	if got := strings.Count(o.says(fmt.Sprint("case history ", id)), "job.arrived"); got != 1 {
		t.Errorf("the same act was recorded %d times", got)
	}
	o.refuses(fmt.Sprintf("jobs arrived %d --reason again", claim.Job.ID), "is done; nothing is to be decided")
	o.says("verify", "^sound")
}

// Several jobs are decided one by one, and what is refused of one keeps no other.
func TestJobs_Several(t *testing.T) {
	o, failed, ambiguous := troubled(t)
	status, out, errOut := o.run(fmt.Sprintf("jobs retry 99 %d %d %d --reason corrected", ambiguous, failed, failed))
	want := fmt.Sprintf("Job %d, request:send_rejection to company:1, is open.\n", failed)
	if status != statusRefused || out != want || !strings.Contains(errOut, "Job 99: there is no job 99") ||
		!regexp.MustCompile(`(?m)^2 of 3 jobs were refused; each line says why$`).MatchString(errOut) {
		t.Errorf("status %d, stdout %q, stderr %q, want 1, %q and two refusals", status, out, errOut, want)
	}
	status, out, _ = o.run(fmt.Sprintf("jobs cancel %d %d --reason x", failed, ambiguous))
	if status != statusDone || strings.Count(out, "is cancelled.\n") != 2 {
		t.Errorf("jobs cancel of two: status %d, %q", status, out)
	}
}

func TestJobs_RetryFailed(t *testing.T) {
	o, failed, ambiguous := troubled(t)
	o.refuses("jobs retry --reason x", "^job: give numbers of jobs, or --failed")
	o.refuses(fmt.Sprintf("jobs retry %d --failed --reason x", failed), "^job: give numbers of jobs, or --failed")
	o.refuses(fmt.Sprintf("jobs retry %d --kind request: --reason x", failed), "^--failed: is missing")
	o.refuses("jobs retry --failed --may-arrive-twice --reason x", "^--may-arrive-twice: is decided letter by letter")
	o.refuses("jobs retry --failed --kind nothing: --reason x", `^--kind: "nothing:" is no kind`)
	o.says("jobs retry --failed --kind invoice: --reason x", `^0 failed jobs match\.$`)
	o.says("jobs retry --failed --kind request: --within 24h --reason back", `^1 failed jobs match\.\nJob `+fmt.Sprint(failed)+`, .* is open\.$`)
	o.says("jobs list", fmt.Sprintf("^ +%d .* ambiguous ", ambiguous))
}
