package store_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/storetest"
)

// hourly is a schedule of which the test says what is due.
var hourly = promise.Schedule{Name: "hourly", Kind: "desk:count", Spec: "0 * * * *", Misfire: "all"}

// hours returns the whole hours later than what is settled, up to now.
func hours(now time.Time) func(kept promise.Schedule) ([]time.Time, time.Time) {
	return func(kept promise.Schedule) ([]time.Time, time.Time) {
		var due []time.Time
		settled := kept.Settled
		for at := settled.Truncate(time.Hour).Add(time.Hour); !at.After(now); at = at.Add(time.Hour) {
			due, settled = append(due, at), at
		}
		return due, settled
	}
}

func (d *desk) ticks(given promise.Schedule, due func(promise.Schedule) ([]time.Time, time.Time)) (promise.Schedule, int) {
	d.t.Helper()
	kept, n, err := d.TakeTicks(d.t.Context(), given, due)
	d.ok(err)
	return kept, n
}

// wantTicks holds that these instants of the schedule stand once each, each with
// one job of its own.
func (d *desk) wantTicks(want ...time.Time) {
	d.t.Helper()
	var got []time.Time
	d.ok(storetest.OwnerDB(d.t).SelectContext(d.t.Context(), &got, `SELECT instant FROM ticks ORDER BY instant`))
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		d.t.Errorf("ticks are %v, want %v", got, want)
	}
	all, err := d.Jobs(d.t.Context(), store.JobFilter{})
	d.ok(err)
	var promised []time.Time
	for _, j := range all {
		if j.CaseID == 0 {
			promised = append(promised, j.Tick)
		}
	}
	slices.SortFunc(promised, time.Time.Compare)
	if !slices.EqualFunc(promised, want, time.Time.Equal) {
		d.t.Errorf("jobs are of the ticks %v, want %v", promised, want)
	}
}

func TestTakeTicks(t *testing.T) {
	d := newDesk(t)
	promised := 0
	d.Promised = func() { promised++ }
	kept, n := d.ticks(hourly, hours(morning))
	want := hourly
	want.KnownSince, want.Settled = morning, morning
	if diff := cmp.Diff(want, kept); diff != "" || n != 0 || promised != 0 {
		t.Errorf("first known: %d ticks, promised %d times, kept (-want +got):\n%s", n, promised, diff)
	}
	d.wantTicks()

	now := morning.Add(150 * time.Minute)
	kept, n = d.ticks(hourly, hours(now))
	if n != 2 || promised != 1 || !kept.Settled.Equal(morning.Add(2*time.Hour)) {
		t.Errorf("%d ticks, promised %d times, settled until %s", n, promised, kept.Settled)
	}
	_, n = d.ticks(hourly, hours(now))
	if n != 0 {
		t.Errorf("asked again: %d ticks", n)
	}
	d.wantTicks(morning.Add(time.Hour), morning.Add(2*time.Hour))

	jobs, err := d.Jobs(t.Context(), store.JobFilter{})
	d.ok(err)
	job := promise.Job{ID: jobs[0].ID, Kind: "desk:count", Schedule: "hourly", Tick: morning.Add(time.Hour), Key: "tick:hourly/2026-03-25T17:00:00Z",
		Audience: "desk", Recipient: "desk", State: promise.Open}
	if diff := cmp.Diff(job, jobs[0], cmpopts.IgnoreFields(promise.Job{}, "NotBefore")); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	listed, err := d.Schedules(t.Context())
	d.ok(err)
	want.Settled, want.LastTick = morning.Add(2*time.Hour), morning.Add(2*time.Hour)
	if diff := cmp.Diff([]promise.Schedule{want}, listed); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
}

// Many clock processes at once: each is told what the one before it settled.
func TestTakeTicks_AtOnce(t *testing.T) {
	d := newDesk(t)
	d.ticks(hourly, hours(morning))
	now := morning.Add(5 * time.Hour)
	var owed atomic.Int32
	const processes = 4
	errs := d.gate(processes, func() []error {
		var all sync.WaitGroup
		errs := make([]error, processes)
		for i := range processes {
			all.Go(func() {
				_, _, errs[i] = d.TakeTicks(t.Context(), hourly, func(kept promise.Schedule) ([]time.Time, time.Time) {
					due, settled := hours(now)(kept)
					if len(due) == 0 {
						return nil, settled
					}
					owed.Add(1)
					return due[len(due)-1:], settled
				})
			})
		}
		all.Wait()
		return errs
	}, `SELECT FROM schedules WHERE name = 'hourly' FOR UPDATE`)
	for _, err := range errs {
		d.ok(err)
	}
	if owed.Load() != 1 {
		t.Errorf("%d processes answer for the same time, want one", owed.Load())
	}
	d.wantTicks(now)
}

// The first processes of all meet a schedule that nobody knows.
func TestTakeTicks_FirstKnownAtOnce(t *testing.T) {
	d := newDesk(t)
	for _, err := range d.gate(3, func() []error {
		var all sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			all.Go(func() { _, _, errs[i] = d.TakeTicks(t.Context(), hourly, hours(morning)) })
		}
		all.Wait()
		return errs
	}, `INSERT INTO schedules (name, kind, spec, misfire, known_since, settled_until) VALUES ('hourly', '', '', 'all', now(), now())`) {
		d.ok(err)
	}
	d.ticks(hourly, hours(morning.Add(time.Hour)))
	d.wantTicks(morning.Add(time.Hour))
}

// A tick that stands is not recorded again, even where the schedule forgot it.
func TestTakeTicks_RecordedBefore(t *testing.T) {
	d := newDesk(t)
	d.ticks(hourly, hours(morning))
	d.ticks(hourly, hours(morning.Add(2*time.Hour)))
	_, err := storetest.OwnerDB(t).ExecContext(t.Context(), `UPDATE schedules SET settled_until = known_since`)
	d.ok(err)
	kept, n := d.ticks(hourly, hours(morning.Add(3*time.Hour)))
	if n != 1 || !kept.Settled.Equal(morning.Add(3*time.Hour)) {
		t.Errorf("%d ticks, settled until %s, want 1 and three hours on", n, kept.Settled)
	}
	d.wantTicks(morning.Add(time.Hour), morning.Add(2*time.Hour), morning.Add(3*time.Hour))
}

// A process whose clock is behind neither takes a tick twice nor time back.
func TestTakeTicks_ClocksApart(t *testing.T) {
	d := newDesk(t)
	d.ticks(hourly, hours(morning))
	fast, slow := morning.Add(61*time.Minute), morning.Add(59*time.Minute)
	d.ticks(hourly, hours(fast))
	for _, answer := range []func(promise.Schedule) ([]time.Time, time.Time){
		hours(slow),
		func(promise.Schedule) ([]time.Time, time.Time) { return nil, slow },
		func(promise.Schedule) ([]time.Time, time.Time) {
			return []time.Time{morning.Add(time.Hour)}, time.Time{}
		},
	} {
		kept, n := d.ticks(hourly, answer)
		if n != 0 || !kept.Settled.Equal(morning.Add(time.Hour)) {
			t.Errorf("%d ticks, settled until %s", n, kept.Settled)
		}
	}
	if n := d.count(`SELECT count(*) FROM schedules WHERE settled_until = $1`, morning.Add(time.Hour)); n != 1 {
		t.Error("time went back")
	}
	d.wantTicks(morning.Add(time.Hour))
}

// Another release brings another spec: it is told which one was in force.
func TestTakeTicks_Changed(t *testing.T) {
	d := newDesk(t)
	d.ticks(hourly, hours(morning))
	changed := promise.Schedule{Name: "hourly", Kind: "desk:weigh", Spec: "30 * * * *", Misfire: "skip"}
	var told promise.Schedule
	now := morning.Add(90 * time.Minute)
	kept, _ := d.ticks(changed, func(kept promise.Schedule) ([]time.Time, time.Time) { told = kept; return nil, now })
	was, want := hourly, changed
	was.KnownSince, was.Settled, want.KnownSince, want.Settled = morning, morning, morning, now
	if diff := cmp.Diff(was, told) + cmp.Diff(want, kept); diff != "" {
		t.Errorf("told and kept (-want +got):\n%s", diff)
	}
	listed, err := d.Schedules(t.Context())
	d.ok(err)
	if diff := cmp.Diff([]promise.Schedule{want}, listed); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
}

// Cut at every message to the last: each tick and its job stand once.
func TestTakeTicks_CutAnywhere(t *testing.T) {
	d, p := cutDesk(t)
	now := morning
	d.ticks(hourly, hours(now))
	var want []time.Time
	for _, mode := range []cut{cutRequest, cutAnswer} {
		for n := 1; ; n++ {
			now = now.Add(time.Hour)
			want = append(want, now)
			p.arm(mode, func([]byte) bool { return p.passed == n })
			d.ticks(hourly, hours(now))
			missed := p.armed()
			p.arm(cutNever, nil)
			if missed {
				t.Logf("%s: cut at messages up to %d", mode, n-1)
				break
			}
		}
	}
	d.wantTicks(want...)
}

func TestTicks_WrongRows(t *testing.T) {
	d := newDesk(t)
	d.request(d.company(1))
	d.ticks(hourly, hours(morning))
	d.ticks(hourly, hours(morning.Add(time.Hour)))
	const columns = `INSERT INTO jobs (kind, key, audience, recipient, not_before, case_id, cause, schedule, tick_at) VALUES ('a:b', 'k', 'desk', 'desk', now(), `
	for _, tt := range []struct{ constraint, statement string }{
		{"jobs_follow_from_one_thing", columns + `NULL, NULL, NULL, NULL)`},
		{"jobs_follow_from_one_thing", columns + `1, 1, 'hourly', '2026-03-25T17:00:00Z')`},
		{"jobs_follow_from_one_thing", columns + `1, NULL, NULL, NULL)`},
		{"jobs_follow_from_one_thing", columns + `NULL, NULL, 'hourly', NULL)`},
		{"jobs_tick_is_recorded", columns + `NULL, NULL, 'hourly', '2026-03-25T17:00:01Z')`},
		{"jobs_one_per_tick", columns + `NULL, NULL, 'hourly', '2026-03-25T17:00:00Z')`},
		{"jobs_stay_until_they_are_over", `DELETE FROM jobs`},
		{"jobs_stay_until_they_are_over", `UPDATE jobs SET state = 'failed', finished_at = now(); DELETE FROM jobs`},
		{"ticks_schedule_fkey", `INSERT INTO ticks (schedule, instant) VALUES ('daily', now())`},
		{"jobs_tick_is_recorded", `DELETE FROM ticks`},
	} {
		got, err := violated(t.Context(), storetest.OwnerDB(t), tt.statement)
		if err != nil || got != tt.constraint {
			t.Errorf("%s\nviolates %q (%v), want %s", tt.statement, got, err, tt.constraint)
		}
	}
	got, err := violated(t.Context(), storetest.OwnerDB(t), `UPDATE jobs SET state = 'cancelled', finished_at = now(); DELETE FROM jobs`)
	if got != "" || err != nil {
		t.Errorf("what is over cannot be removed: %q, %v", got, err)
	}
}
