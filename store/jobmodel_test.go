package store_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// modelJob is a job as the rules of the engine have it, told without SQL. Times
// are only past or not.
type modelJob struct {
	State     promise.State
	Fence     int64
	Attempts  int
	Wakes     int
	Token     string // of the claim that holds it; "": nobody does
	Due       bool   // not_before has come
	Woken     bool
	WakeOver  bool // the wake-up ran out
	LeaseOver bool // the lease of the claim ran out
	Sending   bool // something may have left the house
	Receipt   string
	LastError string
	Effects   int                          // done by the job
	Ends      map[int64]promise.AttemptEnd // of the attempts that did not do it, by fence
}

func (m modelJob) runnable() bool {
	return m.State == promise.Open && m.Token == "" && m.Due
}

// free ends the claim and the wake-up.
func (m *modelJob) free() {
	m.Token, m.Woken, m.WakeOver, m.LeaseOver = "", false, false, false
}

// holds says whether a claim is that of the newest attempt, also when it ended.
func (m modelJob) holds(c promise.Claim) bool { return m.Fence == c.Fence }

// jobModel runs one job through whatever may happen to it, in Postgres and in the
// model, and compares.
type jobModel struct {
	*bench
	t      *testing.T
	id     secor.CaseID
	job    promise.Job
	letter bool // it sends; otherwise it works
	moved  bool // the case went on: the job's reason ended
	paused bool
	was    modelJob
	claims []promise.Claim  // all that were ever given
	sent   map[int64]bool   // fences under which a sending started
	tokens map[int64]string // by fence, as they were answered
	acts   int              // and tokens that were made up
	over   int              // what happened since the job was done or cancelled
	taken  int              // attempts that were answered since a person decided, less those given back
}

func newJobModel(t *testing.T, b *bench, letter bool) *jobModel {
	b.exec(t, `DELETE FROM pauses`)
	b.exec(t, `UPDATE jobs SET state = 'cancelled', finished_at = now(), token = NULL, claimed_until = NULL, woken_until = NULL WHERE state = 'open'`)
	m := &jobModel{bench: b, t: t, letter: letter, was: modelJob{State: promise.Open, Due: true, Ends: map[int64]promise.AttemptEnd{}},
		sent: map[int64]bool{}, tokens: map[int64]string{}}
	if letter {
		m.id, m.job = b.rejected(t)
		b.exec(t, `UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE state = 'open' AND id <> $1`, m.job.ID)
	} else {
		m.id, m.job = b.request(t)
	}
	return m
}

// actions are everything that may happen to a job, the likelier the more weight it
// has: what ends a job, or lets it rest, must leave time for the rest.
func (m *jobModel) actions() map[string]func(*rapid.T) {
	do := map[string]func(*rapid.T){
		"wake": m.wake, "claim": m.claimNew, "claim again": m.claimAgain, "renew": m.renew, "release": m.release, "end": m.end,
		"lose lease": m.loseLease, "lease runs out": m.leaseRunsOut, "wake-up runs out": m.wakeRunsOut, "wait": m.wait, "reconcile": m.reconcileOne,
		"retry": m.retry, "cancel": m.cancel, "pause": m.pause, "resume": m.resume,
		"finish work": m.finishWork, "finish with": m.finishWith, "start send": m.startSend, "finish send": m.finishSend, "case moves on": m.moveOn,
		"die sending": func(t *rapid.T) { m.startSend(t); m.loseLease(t) },
	}
	weights := map[string]int{"wake": 6, "claim": 10, "claim again": 3, "renew": 3, "release": 3, "end": 6, "lose lease": 5, "lease runs out": 4,
		"wake-up runs out": 3, "wait": 3, "reconcile": 3, "retry": 3, "cancel": 1, "pause": 2, "resume": 2}
	if m.letter {
		maps.Copy(weights, map[string]int{"start send": 8, "die sending": 8, "finish send": 2, "case moves on": 2})
	} else {
		maps.Copy(weights, map[string]int{"finish work": 3, "finish with": 2})
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		names = append(names, slices.Repeat([]string{name}, weights[name])...)
	}
	return map[string]func(*rapid.T){"": m.check, "happens": func(t *rapid.T) {
		if m.over > 6 {
			*m = *newJobModel(m.t, m.bench, m.letter)
		}
		do[fairly(names).Draw(t, "action")](t)
		m.over += count(m.was.State == promise.Done || m.was.State == promise.Cancelled)
	}}
}

// fairly draws each with the same chance; SampledFrom prefers the first by far.
func fairly[T any](from []T) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		n := 0
		for range 10 {
			n = 2*n + count(rapid.Bool().Draw(t, "coin"))
		}
		return from[n%len(from)]
	})
}

// any is one of the claims that were ever given, the newer the likelier.
func (m *jobModel) any(t *rapid.T) promise.Claim {
	if len(m.claims) == 0 {
		t.Skip("nobody claimed yet")
	}
	i := len(m.claims) - 1
	for i > 0 && rapid.Bool().Draw(t, "an older one") {
		i--
	}
	return m.claims[i]
}

// answers compares an answer with what the model expects: ErrLost, a refusal of a
// kind, or nil.
func (m *jobModel) answers(t *rapid.T, got, want error) {
	if !errors.Is(got, want) || want == nil && got != nil {
		t.Fatalf("answer: %v, want %v; the job was %+v", got, want, m.was)
	}
}

func lostUnless(held bool) error {
	if held {
		return nil
	}
	return promise.ErrLost
}

func (m *jobModel) wake(t *rapid.T) {
	wakes, err := m.WakeJobs(m.t.Context(), []promise.Room{{Kind: m.job.Kind, Most: 10}}, 10, time.Minute)
	m.answers(t, err, nil)
	want := []promise.Wake{}
	if m.was.runnable() && !m.was.Woken && !m.paused {
		m.was.Woken, m.was.Wakes = true, m.was.Wakes+1
		want = append(want, promise.Wake{JobID: m.job.ID, Kind: m.job.Kind, N: m.was.Wakes})
	}
	if diff := cmp.Diff(want, wakes); diff != "" {
		t.Fatalf("woken (-want +got):\n%s", diff)
	}
}

func (m *jobModel) claimNew(t *rapid.T) {
	m.acts++
	m.claimAs(t, fmt.Sprintf("worker/%d", m.acts))
}

// claimAgain is a claim that comes twice, perhaps long after.
func (m *jobModel) claimAgain(t *rapid.T) { m.claimAs(t, m.any(t).Token) }

func (m *jobModel) claimAs(t *rapid.T, token string) {
	c, ours, err := m.ClaimJob(m.t.Context(), m.job.ID, token, time.Minute)
	m.answers(t, err, nil)
	held := m.was.State == promise.Open && m.was.Token == token
	if want := held || m.was.runnable() && !m.paused; ours != want {
		t.Fatalf("claimed by %s: %v, want %v; the job was %+v", token, ours, want, m.was)
	}
	if !ours {
		return
	}
	if !held {
		m.was.Fence, m.was.Attempts, m.was.Token = m.was.Fence+1, m.was.Attempts+1, token
		m.taken++
	}
	m.was.Woken, m.was.WakeOver, m.was.LeaseOver = false, false, false
	if c.Fence != m.was.Fence || c.Job.Attempts != m.was.Attempts || c.Job.Worker != "worker" {
		t.Fatalf("claim = %+v, want fence %d, attempt %d", c, m.was.Fence, m.was.Attempts)
	}
	other := m.tokens[c.Fence]
	if other != "" && other != token {
		t.Fatalf("fence %d was given to %s and %s", c.Fence, other, token)
	}
	m.tokens[c.Fence] = token
	m.claims = append(m.claims, c)
}

func (m *jobModel) renew(t *rapid.T) {
	c := m.any(t)
	held := m.was.holds(c) && m.was.Token != ""
	m.answers(t, m.RenewClaim(m.t.Context(), c, time.Minute), lostUnless(held))
	if held {
		m.was.LeaseOver = false
	}
}

func (m *jobModel) release(t *rapid.T) {
	c := m.any(t)
	held := m.was.holds(c) && m.was.Token != ""
	m.answers(t, m.ReleaseJob(m.t.Context(), c), lostUnless(held))
	if held {
		m.was.Attempts--
		m.taken--
		m.was.Token, m.was.LeaseOver, m.was.Sending = "", false, false
		m.was.Ends[c.Fence] = promise.EndGivenBack
	}
}

func (m *jobModel) end(t *rapid.T) {
	c := m.any(t)
	outcome := fairly([]promise.Outcome{
		{State: promise.Open, Why: "no route"}, {State: promise.Open, Why: "451", RetryIn: time.Hour},
		{State: promise.Failed, Why: "no address"}, {State: promise.Failed, Why: "not recorded", Sent: true},
		{State: promise.Cancelled, Why: "too late"}, {State: promise.Ambiguous, Why: "EOF", Sent: true},
	}).Draw(t, "outcome")
	if outcome.State == promise.Ambiguous && !m.sent[c.Fence] {
		t.Skip("who sent nothing does not say that it may have arrived")
	}
	held := m.was.holds(c) && (m.was.State == promise.Open || m.was.State == promise.Ambiguous || m.was.State == outcome.State)
	if held && outcome.State == promise.Ambiguous && !m.was.Sending {
		t.Skip("the sending was taken back by the same attempt")
	}
	m.answers(t, m.EndAttempt(m.t.Context(), c, outcome), lostUnless(held))
	if !held {
		return
	}
	m.was.free()
	m.was.State, m.was.LastError, m.was.Sending = outcome.State, outcome.Why, outcome.Sent && m.was.Sending
	m.was.Ends[c.Fence] = promise.AttemptEnd(outcome.State)
	if outcome.State == promise.Open {
		m.was.Ends[c.Fence], m.was.Due = promise.EndRetried, outcome.RetryIn == 0
	}
}

func (m *jobModel) finishWork(t *rapid.T) {
	c := m.any(t)
	state, err := m.FinishWork(m.t.Context(), c, jobAct(m.job), decide)
	over := m.was.State == promise.Done || m.was.State == promise.Cancelled
	held := m.was.holds(c) && (m.was.State == promise.Open || over)
	m.answers(t, err, lostUnless(held))
	if !held || over {
		if held && state != m.was.State {
			t.Fatalf("FinishWork says %s of a job that is %s", state, m.was.State)
		}
		return
	}
	m.was.State, m.was.Effects = promise.Done, 1
	m.was.free()
}

func (m *jobModel) finishWith(t *rapid.T) {
	c := m.any(t)
	err := m.FinishWith(m.t.Context(), c, effectSQL, "x")
	m.answers(t, err, lostUnless(m.was.holds(c) && (m.was.State == promise.Open || m.was.State == promise.Done)))
	if err == nil && m.was.State == promise.Open {
		m.was.State, m.was.Effects = promise.Done, 1
		m.was.free()
	}
}

func (m *jobModel) startSend(t *rapid.T) {
	c := m.any(t)
	starts, err := m.StartSend(m.t.Context(), c, jobAct(m.job), time.Minute, nothing)
	if !m.moved {
		held := m.was.holds(c) && m.was.Token != ""
		m.answers(t, err, lostUnless(held))
		if starts != held {
			t.Fatalf("the sending starts: %v, want %v", starts, held)
		}
		if held {
			m.was.Sending, m.was.LeaseOver, m.sent[c.Fence] = true, false, true
		}
		return
	}
	held := m.was.holds(c) && (m.was.State == promise.Open || m.was.State == promise.Cancelled)
	m.answers(t, err, lostUnless(held))
	if starts {
		t.Fatal("a sending starts though its reason ended")
	}
	if held {
		m.was.State = promise.Cancelled
		m.was.free()
	}
}

// finishSend may come late: what was accepted was accepted.
func (m *jobModel) finishSend(t *rapid.T) {
	c := m.any(t)
	if !m.sent[c.Fence] {
		t.Skip("nothing was sent under this claim")
	}
	held := m.was.holds(c) && (m.was.State == promise.Open || m.was.State == promise.Ambiguous || m.was.State == promise.Done)
	m.answers(t, m.accept(m.t, c), lostUnless(held))
	if held {
		m.was.State, m.was.Effects, m.was.Receipt = promise.Done, 1, "250 ok"
		m.was.free()
	}
}

func (m *jobModel) moveOn(t *rapid.T) {
	if m.moved {
		t.Skip("it did")
	}
	m.moved = true
	m.take(m.t, m.id, "reopen")
	m.exec(m.t, `UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE state = 'open' AND id <> $1`, m.job.ID)
}

func (m *jobModel) leaseRunsOut(t *rapid.T) {
	if m.was.Token == "" || m.was.LeaseOver {
		t.Skip("there is none")
	}
	m.was.LeaseOver = true
	m.exec(m.t, `UPDATE jobs SET claimed_until = now() - interval '1 second' WHERE id = $1`, m.job.ID)
}

// loseLease is how the next attempt comes about after a death.
func (m *jobModel) loseLease(t *rapid.T) {
	m.leaseRunsOut(t)
	m.reconcileOne(t)
}

func (m *jobModel) wakeRunsOut(t *rapid.T) {
	if !m.was.Woken || m.was.WakeOver {
		t.Skip("there is none")
	}
	m.was.WakeOver = true
	m.exec(m.t, `UPDATE jobs SET woken_until = now() - interval '1 second' WHERE id = $1`, m.job.ID)
}

func (m *jobModel) wait(t *rapid.T) {
	if m.was.Due {
		t.Skip("it is due")
	}
	m.was.Due = true
	m.exec(m.t, `UPDATE jobs SET not_before = now() WHERE id = $1`, m.job.ID)
}

func (m *jobModel) reconcileOne(t *rapid.T) {
	reopened, unclear, err := m.ReconcileJobs(m.t.Context())
	m.answers(t, err, nil)
	free := m.was.State == promise.Open && (m.was.WakeOver || m.was.LeaseOver)
	want := modelJob{State: m.was.State}
	switch {
	case !free:
	case m.was.Sending:
		want.State, m.was.State = promise.Ambiguous, promise.Ambiguous
		m.was.LastError = fmt.Sprintf("attempt %d: the lease ran out while sending", m.was.Attempts)
		m.was.Ends[m.was.Fence] = promise.EndAmbiguous
	case m.was.LeaseOver:
		m.was.LastError = fmt.Sprintf("attempt %d: the lease ran out", m.was.Attempts)
		m.was.Ends[m.was.Fence] = promise.EndLeaseLost
	}
	if free {
		m.was.free()
	}
	isUnclear := free && want.State == promise.Ambiguous
	if len(unclear) != count(isUnclear) || reopened != count(free && !isUnclear) {
		t.Fatalf("ReconcileJobs = %d, %+v; the job is %+v", reopened, unclear, m.was)
	}
}

func count(one bool) int {
	if one {
		return 1
	}
	return 0
}

func (m *jobModel) decisionNow() secor.Act {
	m.acts++
	return m.decision(m.lead, fmt.Sprintf("model %d %d", m.job.ID, m.acts))
}

func (m *jobModel) retry(t *rapid.T) {
	twice := rapid.Bool().Draw(t, "may arrive twice")
	var want error
	switch {
	case m.was.State == promise.Done || m.was.State == promise.Cancelled:
		want = secor.ErrIllegalMove
	case m.was.State == promise.Open && (m.was.Token != "" || m.was.Attempts == 0):
		want = secor.ErrIllegalMove
	case m.was.Sending && !twice:
		want = secor.ErrGuard
	}
	m.answers(t, m.RetryJob(m.t.Context(), m.job.ID, m.decisionNow(), twice), want)
	if want == nil {
		m.was.State, m.was.Fence, m.was.Attempts, m.was.Due, m.was.Sending = promise.Open, m.was.Fence+1, 0, true, false
		m.taken = 0
	}
}

func (m *jobModel) cancel(t *rapid.T) {
	var want error
	if m.was.State == promise.Done || m.was.State == promise.Cancelled || m.was.State == promise.Open && m.was.Sending {
		want = secor.ErrIllegalMove
	}
	m.answers(t, m.CancelJob(m.t.Context(), m.job.ID, m.decisionNow()), want)
	if want == nil {
		m.was.State, m.was.Fence = promise.Cancelled, m.was.Fence+1
		m.was.free()
	}
}

func (m *jobModel) pause(t *rapid.T) {
	n, err := m.PauseJobs(m.t.Context(), m.decisionNow(), []string{m.job.Kind})
	m.answers(t, err, nil)
	if n != count(!m.paused) {
		t.Fatalf("%d kinds came to rest; it rested before: %v", n, m.paused)
	}
	m.paused = true
}

func (m *jobModel) resume(t *rapid.T) {
	n, err := m.ResumeJobs(m.t.Context(), m.decisionNow(), []string{m.job.Kind})
	m.answers(t, err, nil)
	if n != count(m.paused) {
		t.Fatalf("%d kinds were resumed; it rested before: %v", n, m.paused)
	}
	if m.paused {
		m.was.Woken, m.was.WakeOver = false, false
	}
	m.paused = false
}

const modelJobSQL = `
	SELECT j.state, j.fence, j.attempts, j.wakes, coalesce(j.token, '') AS token, j.not_before <= now() AS due,
		j.woken_until IS NOT NULL AS woken, coalesce(j.woken_until < now(), false) AS wake_over, coalesce(j.claimed_until < now(), false) AS lease_over,
		j.sending_at IS NOT NULL AS sending, j.receipt, j.last_error,
		(SELECT count(*) FROM effects e WHERE e.job_id = j.id)
			+ (SELECT count(*) FROM events e WHERE e.stream = j.stream AND e.act_id = 'job:' || j.id AND e.kind IN ('request.not_required', 'letter.sent')) AS effects
	FROM jobs j
	WHERE j.id = $1`

// check compares the row with the model, and holds what is true whatever the model
// says.
func (m *jobModel) check(t *rapid.T) {
	var row modelJob
	m.scan(m.t, &row, modelJobSQL, m.job.ID)
	attempts, err := m.Store.Attempts(m.t.Context(), m.job.ID)
	m.answers(t, err, nil)
	row.Ends = map[int64]promise.AttemptEnd{}
	for _, a := range attempts {
		row.Ends[a.Fence] = a.Outcome
	}
	if diff := cmp.Diff(m.was, row); diff != "" {
		t.Fatalf("job (-model +row):\n%s", diff)
	}
	newest := int64(0)
	for _, c := range m.claims {
		newest = max(newest, c.Fence)
	}
	switch {
	case row.Fence < newest:
		t.Fatalf("the fence fell from %d to %d", newest, row.Fence)
	case row.Effects > 1 || row.Effects != count(row.State == promise.Done):
		t.Fatalf("%d effects of a job that is %s", row.Effects, row.State)
	case row.State == promise.Ambiguous && !row.Sending:
		t.Fatal("a job that never sent is ambiguous")
	case row.Attempts != m.taken:
		t.Fatalf("%d attempts, want %d: claims that were given less those given back", row.Attempts, m.taken)
	case row.Token != "" && row.Token != m.tokens[row.Fence]:
		t.Fatalf("the lease is of %s, and fence %d was given to %s", row.Token, row.Fence, m.tokens[row.Fence])
	}
	kept := slices.Sorted(maps.Keys(row.Ends))
	for _, fence := range kept {
		if m.tokens[fence] == "" {
			t.Fatalf("an attempt ended that nobody claimed: fence %d", fence)
		}
	}
}

// Whatever happens to a job, in whatever order, by workers that hold old and new
// claims: it goes as the model says. SECOR_LONG=1 has it go on for ten minutes.
func TestJobs_Model(t *testing.T) {
	checks := "60"
	if os.Getenv("SECOR_LONG") == "1" {
		checks = "5000"
	}
	// A file that repeats the failure would stand in the tree; the seed is printed.
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.steps": "100", "rapid.nofailfile": "true", "rapid.shrinktime": "10s"} {
		f := flag.Lookup(name)
		before := f.Value.String()
		err := f.Value.Set(value)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(before) })
	}
	b := newEffectBench(t)
	for _, letter := range []bool{false, true} {
		t.Run(map[bool]string{false: "work", true: "letter"}[letter], func(t *testing.T) {
			rapid.Check(t, func(draw *rapid.T) { draw.Repeat(newJobModel(t, b, letter).actions()) })
		})
	}
	b.wantSound(t)
}
