package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

func (b *bench) decision(by secor.Actor, id string) secor.Act {
	return secor.Act{ID: "cli:" + id, By: by, Surface: secor.SurfaceCLI, Reason: "address corrected"}
}

// person adds somebody to the roster.
func (b *bench) person(t *testing.T, name string, role secor.Role, active bool) secor.Actor {
	t.Helper()
	var id int64
	b.scan(t, &id, `INSERT INTO reviewers (name, email, role, active, capacity) VALUES ($1, $1 || '@desk.example', $2, $3, 8) RETURNING id`, name, role, active)
	return secor.ByReviewer(id)
}

// ended is a letter that ended after one attempt, with the claim of its worker.
func (b *bench) ended(t *testing.T, o promise.Outcome) (secor.CaseID, promise.Claim) {
	t.Helper()
	id, job := b.rejected(t)
	c := b.claim(t, job.ID, "one")
	if o.Sent {
		_, err := b.StartSend(t.Context(), c, jobAct(job), time.Minute, nothing)
		if err != nil {
			t.Fatal(err)
		}
	}
	err := b.EndAttempt(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return id, c
}

var (
	failed     = promise.Outcome{State: promise.Failed, Why: "no address"}
	unrecorded = promise.Outcome{State: promise.Failed, Why: "accepted, not recorded", Sent: true}
	ambiguous  = promise.Outcome{State: promise.Ambiguous, Why: "EOF", Sent: true}
)

func (b *bench) job(t *testing.T, id int64) promise.Job {
	t.Helper()
	job, err := b.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestRetryJob(t *testing.T) {
	for _, outcome := range []promise.Outcome{failed, unrecorded, ambiguous} {
		t.Run(outcome.Why, func(t *testing.T) { retries(t, outcome) })
	}
}

func retries(t *testing.T, outcome promise.Outcome) {
	b := newBench(t)
	id, late := b.ended(t, outcome)
	signals := 0
	b.Promised = func() { signals++ }
	for range 2 { // the same act, as after a lost answer
		err := b.RetryJob(t.Context(), late.Job.ID, b.decision(b.lead, "retry"), outcome.Sent)
		if err != nil {
			t.Fatal(err)
		}
	}
	b.wantEvents(t, id, secor.EventJobRetried, 1)
	job := b.job(t, late.Job.ID)
	if job.State != promise.Open || job.Attempts != 0 || job.LastError != outcome.Why || !job.SendingAt.IsZero() || !job.DoneAt.IsZero() || signals == 0 {
		t.Errorf("%s, sent %v: job = %+v, %d signals", outcome.State, outcome.Sent, job, signals)
	}
	b.comesLate(t, id, late, promise.Open)
	again := b.claim(t, job.ID, "two")
	if again.Fence != late.Fence+2 || again.Job.Attempts != 1 {
		t.Errorf("the retry is claimed as fence %d, attempt %d, want %d and 1", again.Fence, again.Job.Attempts, late.Fence+2)
	}
	b.comesLate(t, id, late, promise.Open)
	_, err := b.StartSend(t.Context(), again, jobAct(job), time.Minute, nothing)
	if err != nil {
		t.Fatal(err)
	}
	err = b.accept(t, again)
	if err != nil || b.job(t, job.ID).State != promise.Done {
		t.Errorf("the retried job is %s, %v, want done", b.job(t, job.ID).State, err)
	}
	// The decision of before, given once more, does not open what is done.
	err = b.RetryJob(t.Context(), job.ID, b.decision(b.lead, "retry"), outcome.Sent)
	if err != nil || b.job(t, job.ID).State != promise.Done {
		t.Errorf("the same act after the end: %v, the job is %s", err, b.job(t, job.ID).State)
	}
	b.wantSound(t)
}

func (b *bench) accept(t *testing.T, c promise.Claim) error {
	return b.FinishSend(t.Context(), c, "250 ok", jobAct(c.Job), func(f *secor.File) error { return f.Accepted(secor.JobRejection, c.Job.Recipient) })
}

// comesLate lets the worker of an attempt before the decision come late with every
// end that there is: none of them counts.
func (b *bench) comesLate(t *testing.T, id secor.CaseID, late promise.Claim, want promise.State) {
	t.Helper()
	before := b.row(t, late.Job.ID)
	_, started := b.StartSend(t.Context(), late, jobAct(late.Job), time.Minute, nothing)
	ends := map[string]error{
		"FinishSend": b.accept(t, late), "StartSend": started,
		"RenewClaim": b.RenewClaim(t.Context(), late, time.Hour), "ReleaseJob": b.ReleaseJob(t.Context(), late),
	}
	for _, state := range promise.States() {
		ends["EndAttempt "+string(state)] = b.EndAttempt(t.Context(), late, promise.Outcome{State: state, Why: "late", Sent: state == promise.Ambiguous})
	}
	for end, err := range ends {
		if !errors.Is(err, promise.ErrLost) {
			t.Errorf("a late %s = %v, want ErrLost", end, err)
		}
	}
	if b.row(t, late.Job.ID) != before || b.job(t, late.Job.ID).State != want {
		t.Errorf("a late worker changed the job:\n%s\n%s", before, b.row(t, late.Job.ID))
	}
	b.wantEvents(t, id, secor.EventLetterSent, 0)
}

func (b *bench) wantSound(t *testing.T) {
	t.Helper()
	report, err := b.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		if strings.HasPrefix(p.Stream, "case:") { // the people of a bench are in no history
			t.Errorf("the history is not sound: %v", p)
		}
	}
}

func TestCancelJob(t *testing.T) {
	for _, outcome := range []promise.Outcome{failed, unrecorded, ambiguous} {
		t.Run(outcome.Why, func(t *testing.T) { drops(t, outcome) })
	}
}

func drops(t *testing.T, outcome promise.Outcome) {
	b := newBench(t)
	id, late := b.ended(t, outcome)
	for range 2 {
		err := b.CancelJob(t.Context(), late.Job.ID, b.decision(b.lead, "drop"))
		if err != nil {
			t.Fatal(err)
		}
	}
	b.wantEvents(t, id, secor.EventJobDropped, 1)
	job := b.job(t, late.Job.ID)
	if job.State != promise.Cancelled || job.Attempts != 1 || job.LastError != outcome.Why || job.SendingAt.IsZero() == outcome.Sent || job.DoneAt.IsZero() {
		t.Errorf("%s, sent %v: job = %+v", outcome.State, outcome.Sent, job)
	}
	b.comesLate(t, id, late, promise.Cancelled)
	_, ours, err := b.ClaimJob(t.Context(), job.ID, "two", time.Minute)
	if ours || err != nil {
		t.Errorf("a cancelled job was claimed: %v", err)
	}
}

func TestDecideJob_Refused(t *testing.T) {
	b := newBench(t)
	reviewer, left := b.person(t, "rita", secor.RoleReviewer, true), b.person(t, "lars", secor.RoleLead, false)
	_, gone := b.ended(t, failed)
	_, unclear := b.ended(t, ambiguous)
	_, sent := b.ended(t, unrecorded)
	_, open := b.rejected(t)
	_, sending := b.rejected(t)
	_, err := b.StartSend(t.Context(), b.claim(t, sending.ID, "one"), jobAct(sending), time.Minute, nothing)
	if err != nil {
		t.Fatal(err)
	}
	_, done := b.request(t)
	_, err = b.FinishWork(t.Context(), b.claim(t, done.ID, "one"), jobAct(done), nothing)
	if err != nil {
		t.Fatal(err)
	}
	_, dropped := b.ended(t, failed)
	err = b.CancelJob(t.Context(), dropped.Job.ID, b.decision(b.lead, "drop"))
	if err != nil {
		t.Fatal(err)
	}
	silent, elsewhere := b.decision(b.lead, "silent"), b.decision(b.lead, "drop")
	silent.Reason = " "
	tests := []struct {
		name  string
		job   int64
		act   secor.Act
		kind  error
		words string
	}{
		{"a reviewer", gone.Job.ID, b.decision(reviewer, "a"), secor.ErrNotAllowed, "ask a lead or an administrator"},
		{"a lead who left", gone.Job.ID, b.decision(left, "b"), secor.ErrNotAllowed, "not an active person"},
		{"the desk itself", gone.Job.ID, b.decision(secor.Desk, "c"), secor.ErrNotAllowed, "not for the desk"},
		{"no reason", gone.Job.ID, silent, secor.ErrField, "wants a reason"},
		{"an act of another case", gone.Job.ID, elsewhere, secor.ErrField, "cli:drop"},
		{"a job whose letter is being sent", sending.ID, b.decision(b.lead, "e"), secor.ErrIllegalMove, "being"},
		{"a job that is done", done.ID, b.decision(b.lead, "f"), secor.ErrIllegalMove, "is done; nothing"},
		{"a cancelled job", dropped.Job.ID, b.decision(b.lead, "g"), secor.ErrIllegalMove, "is cancelled; nothing"},
		{"no such job", 4711, b.decision(b.lead, "h"), secor.ErrNotFound, "there is no job 4711"},
	}
	for _, tt := range tests {
		before := b.rows(t)
		for verb, err := range map[string]error{
			"RetryJob": b.RetryJob(t.Context(), tt.job, tt.act, true), "CancelJob": b.CancelJob(t.Context(), tt.job, tt.act),
		} {
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%s, %s: %v, want %q", verb, tt.name, err, tt.words)
			}
		}
		if b.rows(t) != before {
			t.Errorf("%s: a refusal changed something", tt.name)
		}
	}
	before := b.rows(t)
	err = b.RetryJob(t.Context(), open.ID, b.decision(b.lead, "d"), true)
	if !errors.Is(err, secor.ErrIllegalMove) || !strings.Contains(err.Error(), "has not been tried yet") {
		t.Errorf("a job that was never tried is retried: %v", err)
	}
	for _, c := range []promise.Claim{unclear, sent} {
		err := b.RetryJob(t.Context(), c.Job.ID, b.decision(b.lead, "once"), false)
		if !errors.Is(err, secor.ErrGuard) || !strings.Contains(err.Error(), "may-arrive-twice") {
			t.Errorf("a letter that may have arrived is sent again: %v", err)
		}
	}
	if b.rows(t) != before {
		t.Error("a refusal changed something")
	}
}

// rows is everything that stands of jobs and events.
func (b *bench) rows(t *testing.T) string {
	t.Helper()
	var text string
	b.scan(t, &text, `SELECT (SELECT jsonb_agg(to_jsonb(j) ORDER BY j.id) FROM jobs j)::text || (SELECT count(*) FROM events)::text`)
	return text
}

// A job that waits for its next attempt is tried at once, and one that is open,
// claimed or not, is given up: its worker comes too late.
func TestDecideJob_Open(t *testing.T) {
	b := newBench(t)
	_, waits := b.ended(t, promise.Outcome{State: promise.Open, Why: "451 busy", RetryIn: time.Hour})
	err := b.RetryJob(t.Context(), waits.Job.ID, b.decision(b.lead, "now"), false)
	if err != nil {
		t.Fatal(err)
	}
	c := b.claim(t, waits.Job.ID, "two")
	if c.Job.Attempts != 1 {
		t.Errorf("the job is tried at once as attempt %d, want 1", c.Job.Attempts)
	}
	err = b.CancelJob(t.Context(), c.Job.ID, b.decision(b.lead, "stop"))
	if err != nil {
		t.Fatal(err)
	}
	b.comesLate(t, secor.CaseID(c.Job.CaseID), c, promise.Cancelled)
	id, never := b.rejected(t)
	err = b.CancelJob(t.Context(), never.ID, b.decision(b.lead, "never"))
	if err != nil || b.job(t, never.ID).State != promise.Cancelled {
		t.Errorf("CancelJob of one that was never tried: %v, it is %s", err, b.job(t, never.ID).State)
	}
	b.wantEvents(t, id, secor.EventJobDropped, 1)
	b.wantSound(t)
}

// Leads decide at once: a job is retried once and given up once.
func TestDecideJob_Race(t *testing.T) {
	b := newBench(t)
	id, c := b.ended(t, failed)
	var refusals [8]error
	var leads sync.WaitGroup
	for i := range refusals {
		leads.Go(func() {
			act := b.decision(b.lead, fmt.Sprint("race ", i))
			if i%2 == 0 {
				refusals[i] = b.RetryJob(t.Context(), c.Job.ID, act, false)
			} else {
				refusals[i] = b.CancelJob(t.Context(), c.Job.ID, act)
			}
		})
	}
	leads.Wait()
	var decided [2]int
	for i, err := range refusals {
		if err == nil {
			decided[i%2]++
		} else if !errors.Is(err, secor.ErrIllegalMove) {
			t.Error(err)
		}
	}
	if decided[0] > 1 || decided[1] != 1 || b.job(t, c.Job.ID).State != promise.Cancelled {
		t.Errorf("%d retries and %d ends held; the job is %s", decided[0], decided[1], b.job(t, c.Job.ID).State)
	}
	b.wantEvents(t, id, secor.EventJobRetried, decided[0])
	b.wantEvents(t, id, secor.EventJobDropped, 1)
}

// A lead decides while the worker, who was only slow, reports that the letter was
// accepted: the job is done and not the lead's to decide.
func TestDecideJob_WhileTheWorkerReports(t *testing.T) {
	b := newBench(t)
	id, c := b.ended(t, ambiguous)
	report, err := b.db.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer report.Rollback()
	_, err = report.Exec(`UPDATE jobs SET state = 'done', receipt = '250 ok' WHERE id = $1`, c.Job.ID)
	if err != nil {
		t.Fatal(err)
	}
	decided := make(chan error, 1)
	go func() { decided <- b.RetryJob(t.Context(), c.Job.ID, b.decision(b.lead, "retry"), true) }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for waiting := 0; waiting == 0; {
		err = storetest.OwnerDB(t).GetContext(ctx, &waiting, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		if err != nil {
			t.Fatalf("the decision does not wait for the report: %v", err)
		}
	}
	err = report.Commit()
	if err != nil {
		t.Fatal(err)
	}
	err = <-decided
	if !errors.Is(err, secor.ErrIllegalMove) {
		t.Errorf("RetryJob = %v, want a refusal", err)
	}
	b.wantEvents(t, id, secor.EventJobRetried, 0)
}

// A job that follows from a tick has no case: the desk's stream keeps the decision.
func TestDecideJob_OfATick(t *testing.T) {
	b := newBench(t)
	at := time.Date(2026, 3, 25, 6, 0, 0, 0, time.UTC)
	_, n, err := b.TakeTicks(t.Context(), promise.Schedule{Name: "anchor", Kind: "desk:anchor", Spec: "0 0 * * *", Misfire: "latest"},
		func(promise.Schedule) ([]time.Time, time.Time) { return []time.Time{at}, at })
	if err != nil || n != 1 {
		t.Fatalf("TakeTicks = %d, %v", n, err)
	}
	var job int64
	b.scan(t, &job, `SELECT id FROM jobs WHERE schedule = 'anchor'`)
	reviewer := b.person(t, "rita", secor.RoleReviewer, true)
	err = b.EndAttempt(t.Context(), b.claim(t, job, "host:1/a"), failed)
	if err != nil {
		t.Fatal(err)
	}
	err = b.RetryJob(t.Context(), job, b.decision(reviewer, "no"), false)
	if !errors.Is(err, secor.ErrNotAllowed) {
		t.Errorf("a reviewer's RetryJob = %v, want a refusal", err)
	}
	for range 2 {
		err = b.RetryJob(t.Context(), job, b.decision(b.lead, "retry"), false)
		if err != nil || b.job(t, job).State != promise.Open {
			t.Fatalf("RetryJob = %v, the job is %s", err, b.job(t, job).State)
		}
	}
	err = b.CancelJob(t.Context(), job, b.decision(b.lead, "cancel"))
	if err != nil || b.job(t, job).State != promise.Cancelled {
		t.Errorf("CancelJob = %v, the job is %s", err, b.job(t, job).State)
	}
	story, err := b.Story(t.Context(), b.job(t, job))
	if err != nil || len(story.Decisions) != 2 || story.Decisions[0].Kind != secor.EventJobRetried || story.Decisions[1].By != b.lead ||
		story.Decisions[1].Text != "address corrected" || len(story.Attempts) != 1 || story.PromisedAt.IsZero() {
		t.Errorf("Story = %+v, %v", story, err)
	}
	var kinds string
	b.scan(t, &kinds, `SELECT string_agg(kind, ' ' ORDER BY seq) FROM events WHERE stream = 'desk'`)
	if kinds != "job.retried job.dropped" {
		t.Errorf("the desk's stream has %q", kinds)
	}
	report, err := b.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		if p.Stream == "desk" {
			t.Errorf("the history is not sound: %v", p)
		}
	}
}
