package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// chore is a claim on a job that follows from a tick.
func (d *desk) chore(kind string, at time.Time) promise.Claim {
	d.t.Helper()
	given := promise.Schedule{Name: strings.ReplaceAll(kind, ":", "_"), Kind: kind, Spec: "@daily", Misfire: "all"}
	d.ticks(given, func(promise.Schedule) ([]time.Time, time.Time) { return []time.Time{at}, at })
	job := d.count(`SELECT max(id) FROM jobs WHERE kind = $1`, kind)
	c, ours, err := d.ClaimJob(d.t.Context(), int64(job), "w/"+at.String(), time.Minute)
	d.ok(err)
	if !ours || !c.Job.Tick.Equal(at) || c.Job.CaseID != 0 {
		d.t.Fatalf("claim of %s at %s: %v, %+v", kind, at, ours, c)
	}
	return c
}

// anchor does the job of an anchor that falls due at an instant.
func (d *desk) anchor(at time.Time) {
	d.t.Helper()
	state, err := d.FinishAnchor(d.t.Context(), d.chore("desk:anchor", at))
	if state != promise.Done || err != nil {
		d.t.Errorf("FinishAnchor = %s, %v", state, err)
	}
}

func (d *desk) wantState(c promise.Claim, want promise.State) {
	d.t.Helper()
	job, err := d.Job(d.t.Context(), c.Job.ID)
	d.ok(err)
	if job.State != want {
		d.t.Errorf("job %d is %s, want %s", job.ID, job.State, want)
	}
}

// chores are the ways to finish a job that concerns no case.
var chores = map[string]func(*store.Store, context.Context, promise.Claim) (promise.State, error){
	"desk:anchor":        (*store.Store).FinishAnchor,
	"desk:purge":         (*store.Store).FinishPurge,
	"certificate:gather": (*store.Store).FinishGather,
}

// A chore whose claim was lost does not complete the job that went on without it.
func TestChores_ClaimLost(t *testing.T) {
	for kind, finish := range chores {
		t.Run(kind, func(t *testing.T) {
			d := newDesk(t)
			d.request(d.company(1))
			late := d.chore(kind, morning)
			_, err := storetest.OwnerDB(t).ExecContext(t.Context(), `UPDATE jobs SET claimed_until = now() - interval '1 hour' WHERE claimed_until IS NOT NULL`)
			d.ok(err)
			_, _, err = d.ReconcileJobs(t.Context())
			d.ok(err)
			c, ours, err := d.ClaimJob(t.Context(), late.Job.ID, "w/2", time.Minute)
			d.ok(err)
			state, err := finish(d.Store, t.Context(), late)
			if !ours || state != promise.Open || !errors.Is(err, promise.ErrLost) {
				t.Errorf("late: %s, %v, want ErrLost", state, err)
			}
			d.wantState(c, promise.Open)
			if n := d.count(`SELECT count(*) FROM events WHERE kind = 'desk.anchored'`); n != 0 {
				t.Errorf("the late one left %d events", n)
			}
			state, err = finish(d.Store, t.Context(), c)
			if state != promise.Done || err != nil {
				t.Errorf("%s, %v", state, err)
			}
			d.wantState(c, promise.Done)
		})
	}
}

// Cut at every message to the last: a chore is done, and an anchor stands once.
func TestChores_CutAnywhere(t *testing.T) {
	for kind, finish := range chores {
		t.Run(kind, func(t *testing.T) {
			d, p := cutDesk(t)
			d.request(d.company(1))
			at, days := morning, 0
			for _, mode := range []cut{cutRequest, cutAnswer} {
				for n := 1; ; n++ {
					at = at.AddDate(0, 0, 1)
					days++
					c := d.chore(kind, at)
					p.arm(mode, func([]byte) bool { return p.passed == n })
					var state promise.State
					// As the worker does after a fault, under the same claim.
					for range 2 {
						var err error
						state, err = finish(d.Store, t.Context(), c)
						if err == nil {
							break
						}
					}
					missed := p.armed()
					p.arm(cutNever, nil)
					if state != promise.Done {
						t.Fatalf("cut at message %d %s: %s", n, mode, state)
					}
					d.wantState(c, promise.Done)
					if missed {
						t.Logf("%s: cut at messages up to %d", mode, n-1)
						break
					}
				}
			}
			if n := d.count(`SELECT count(*) FROM events WHERE kind = 'desk.anchored'`); kind == "desk:anchor" && n != days {
				t.Errorf("%d anchors on %d days", n, days)
			}
			d.wholeStill()
		})
	}
}

func TestFinishPurge(t *testing.T) {
	d := newDesk(t)
	d.Keep = 24 * time.Hour
	for i := range 3 {
		d.take(d.request(d.company(i+1)), d.lead, "reject", nil)
	}
	d.ticks(hourly, func(kept promise.Schedule) ([]time.Time, time.Time) {
		return hours(morning.Add(2500 * time.Hour))(kept)
	})
	owner := storetest.OwnerDB(t)
	for _, statement := range []string{
		`UPDATE ticks SET recorded_at = now() - interval '25 hours'`,
		`UPDATE jobs SET promised_at = now() - interval '25 hours'`,
		`UPDATE jobs SET state = 'done', finished_at = now() - interval '25 hours' WHERE schedule IS NOT NULL`,
		`UPDATE jobs SET finished_at = now() - interval '23 hours' WHERE tick_at = '2026-03-25T17:00:00Z'`,
		`UPDATE jobs SET state = 'failed' WHERE tick_at = '2026-03-25T18:00:00Z'`,
		`UPDATE jobs SET state = 'ambiguous', sending_at = now() WHERE tick_at = '2026-03-25T19:00:00Z'`,
		`UPDATE jobs SET state = 'open', finished_at = NULL WHERE tick_at = '2026-03-25T20:00:00Z'`,
		`UPDATE jobs SET state = 'cancelled' WHERE tick_at = '2026-03-25T21:00:00Z'`,
		`INSERT INTO attempts (job_id, fence, worker, ended_at, outcome, error) SELECT id, 1, 'w', now(), 'retried', '' FROM jobs`,
	} {
		_, err := owner.ExecContext(t.Context(), statement)
		d.ok(err)
	}
	ofCases := d.count(`SELECT count(*) FROM jobs WHERE case_id IS NOT NULL`)
	c := d.chore("desk:purge", morning)
	state, err := d.FinishPurge(t.Context(), c)
	if state != promise.Done || err != nil {
		t.Fatalf("FinishPurge = %s, %v", state, err)
	}
	d.wantState(c, promise.Done)
	for query, want := range map[string]int{
		`SELECT count(*) FROM jobs WHERE schedule = 'hourly'`:                                    4,
		`SELECT count(*) FROM ticks WHERE schedule = 'hourly'`:                                   4,
		`SELECT count(*) FROM jobs WHERE case_id IS NOT NULL`:                                    ofCases,
		`SELECT count(*) FROM jobs WHERE state IN ('failed')`:                                    1,
		`SELECT count(*) FROM jobs WHERE state IN ('ambiguous')`:                                 1,
		`SELECT count(*) FROM attempts`:                                                          ofCases + 4,
		`SELECT count(*) FROM ticks WHERE instant > '2026-03-25T20:00Z' AND schedule = 'hourly'`: 0,
	} {
		if n := d.count(query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	// What is purged does not come again.
	d.ticks(hourly, hours(morning.Add(2500*time.Hour)))
	if n := d.count(`SELECT count(*) FROM ticks WHERE schedule = 'hourly'`); n != 4 {
		t.Errorf("%d ticks after another turn, want 4", n)
	}
}

// A person cancels a chore as any job; what is decided stands on the desk's stream.
func TestChores_Cancelled(t *testing.T) {
	d := newDesk(t)
	c := d.chore("desk:anchor", morning)
	d.ok(d.EndAttempt(t.Context(), c, promise.Outcome{State: promise.Failed, Why: "no disk"}))
	d.wantRefusal(d.CancelJob(t.Context(), c.Job.ID, d.act(d.reviewer[0])), secor.ErrNotAllowed)
	d.ok(d.RetryJob(t.Context(), c.Job.ID, d.act(d.lead), false))
	d.wantState(c, promise.Open)
	act := d.act(d.lead)
	for range 2 {
		d.ok(d.CancelJob(t.Context(), c.Job.ID, act))
	}
	d.wantState(c, promise.Cancelled)
	if n := d.count(`SELECT count(*) FROM events WHERE stream = 'desk' AND kind IN ('job.retried', 'job.dropped')`); n != 2 {
		t.Errorf("%d decisions on the desk's stream, want 2", n)
	}
	_, err := d.FinishAnchor(t.Context(), c)
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("the late attempt: %v, want ErrLost", err)
	}
	d.wholeStill()
}
