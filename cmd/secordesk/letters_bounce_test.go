package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/jobs/mail/sink"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// sent rejects the office's request and lets its letter leave; it returns the job.
func (o *office) sent() int64 {
	o.t.Helper()
	ctx := o.t.Context()
	opened := o.open()
	opened.Grace = 0
	o.says(`case reject 1 --reason "Eleven people work for you."`, "is rejected")
	wakes, err := opened.WakeJobs(ctx, []promise.Room{{Kind: string(secor.JobRejection), Most: 10}}, 10, time.Minute)
	o.must(err)
	claim, ours, err := opened.ClaimJob(ctx, wakes[0].JobID, "host:1/a", time.Minute)
	o.must(err)
	if !ours {
		o.t.Fatal("the letter cannot be claimed")
	}
	act := secor.Act{ID: jobs.ActOf(claim.Job.ID), By: secor.Desk, Surface: secor.SurfaceJob}
	_, err = opened.StartSend(ctx, claim, act, time.Minute, func(*secor.File, secor.Event) error { return nil })
	o.must(err)
	o.must(opened.FinishSend(ctx, claim, "250 kept", act, func(f *secor.File) error {
		return f.Accepted(secor.JobRejection, "company:1 <office@kowalski.example>")
	}))
	return claim.Job.ID
}

// report writes a delivery report about the letter of a job to a file.
func (o *office) report(job int64, to string, action mail.Action, change ...string) string {
	o.t.Helper()
	id := fmt.Sprintf("job-%d@prairie.example", job)
	l := sink.Letter{Job: id, Message: mail.Message{ID: id, To: to, From: "desk@prairie.example"}}
	text := strings.NewReplacer(change...).Replace(string(l.Report(action, "5.1.1", "550 5.1.1 unknown mailbox")))
	path := filepath.Join(o.t.TempDir(), "report.eml")
	o.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// state is what must not change when nothing is recorded.
func (o *office) state(job int64) string {
	o.t.Helper()
	opened := o.open()
	j, err := opened.Job(o.t.Context(), job)
	o.must(err)
	events, err := opened.Events(o.t.Context(), 1)
	o.must(err)
	all, err := opened.Jobs(o.t.Context(), store.JobFilter{CaseID: 1})
	o.must(err)
	return fmt.Sprintf("%s, %d events, %d jobs", j.State, len(events), len(all))
}

func TestLettersBounce(t *testing.T) {
	o := newOffice(t)
	o.environ["LETTER_GRACE"] = "0s"
	o.signs()
	job := o.sent()
	before := o.state(job)
	const to = "office@kowalski.example"
	o.says("letters bounce "+o.report(job, to, mail.Delayed), `is delayed \(5\.1\.1\); nothing to record`)
	o.says("letters bounce "+o.report(job, to, mail.Delivered), `is delivered .*nothing to record`)
	for _, tt := range []struct{ path, want string }{
		{o.report(job, "eve@evil.example", mail.Failed), `it is about "eve@evil\.example", to whom the letter of job \d+ was not sent`},
		{o.report(job, to, mail.Failed, "@prairie.example", "@other.example"), `which is not this desk's \(job-…@prairie\.example\)`},
		{o.report(job, to, mail.Failed, "job-", "letter-"), `which is not this desk's`},
		{o.report(job, to, mail.Failed, fmt.Sprintf("job-%d", job), fmt.Sprintf("job-0%d", job)), `which is not this desk's`},
		{o.report(job, to, mail.Failed, "multipart/report", "multipart/mixed"), `it is no delivery report`},
		{o.report(4711, to, mail.Failed), `there is no job 4711`},
		{o.report(job+1, to, mail.Failed), `.`}, // some other job, or none
		{filepath.Join(t.TempDir(), "none.eml"), `no such file`},
	} {
		status, out, errOut := o.run("letters bounce " + tt.path)
		if status != statusRefused || out != "" || !strings.Contains(errOut, "some reports were refused") {
			t.Errorf("%s: status %d, %q, %q", tt.want, status, out, errOut)
		}
		o.refuses("letters bounce "+tt.path, tt.want)
	}
	if after := o.state(job); after != before {
		t.Fatalf("something was recorded: %s, was %s", after, before)
	}

	good := o.report(job, strings.ToUpper(to[:1])+to[1:], mail.Failed)
	o.says("letters bounce "+good, `recorded on case 1: request:send_rejection to Office@kowalski\.example did not arrive \(5\.1\.1\)`)
	once := o.state(job)
	o.says("letters bounce "+good, `was recorded before; nothing changed`)
	o.refuses("letters bounce "+o.report(job, to, mail.Failed, "unknown mailbox", "no such user"), fmt.Sprintf(`job %d is failed, and has no letter on its way`, job))
	if after := o.state(job); after != once || !strings.HasPrefix(once, "failed") {
		t.Errorf("twice is %s, once was %s", after, once)
	}
	o.says("case show 1", `reach by phone`, `^Reach +by phone, no number on file: request:send_rejection to company:1 bounced \(5\.1\.1\)$`)
	o.says("case show 1 --json", `"reach_by_phone": \[\n`)
	o.says("case history 1", `letter\.bounced`)
	o.says("jobs list --all --kind letter:", `letter:reach_by_phone +reviewer:1`)
	o.says(`case correct 1 --field email --value new@kowalski.example --reason "typing error"`, "Request 1")
	o.says(fmt.Sprintf(`jobs retry %d --reason "address corrected"`, job), "is open")
	if shown := o.says("case show 1"); strings.Contains(shown, "reach by phone") {
		t.Errorf("still to be reached:\n%s", shown)
	}
	o.says("verify", ".")
}
