package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// hours is a clock of the bench's with these schedules.
func (b *bench) hours(t *testing.T, clocks jobs.Clocks, ticks jobs.Ticks, now func() time.Time, schedules ...jobs.Schedule) *jobs.Clock {
	t.Helper()
	c, err := jobs.NewClock(jobs.NewSweeper(clocks, now, slog.New(b.book)), ticks, schedules, office(t, "AB"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bench) turn(t *testing.T, c *jobs.Clock) {
	t.Helper()
	err := c.Turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
}

// ticks returns the recorded ticks of a schedule, as the office's clocks show them.
func (b *bench) ticks(t *testing.T, schedule string) []string {
	t.Helper()
	var at []time.Time
	err := b.db.SelectContext(t.Context(), &at, `SELECT instant FROM ticks WHERE schedule = $1 ORDER BY instant`, schedule)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{}
	for _, a := range at {
		shown = append(shown, a.In(office(t, "AB")).Format("02 15:04"))
	}
	return shown
}

func (b *bench) wantTicks(t *testing.T, schedule string, want ...string) {
	t.Helper()
	if got := b.ticks(t, schedule); !slices.Equal(got, want) {
		t.Errorf("ticks of %s are %q, want %q", schedule, got, want)
	}
}

func count(misfire jobs.Misfire, spec string) jobs.Schedule {
	return jobs.Schedule{Name: "count_" + string(misfire), Kind: "desk:count", Spec: spec, Misfire: misfire, Most: 3, Does: "count"}
}

func (b *bench) wantLogged(t *testing.T, text string) {
	t.Helper()
	if !slices.ContainsFunc(b.book.all(), func(line string) bool { return strings.Contains(line, text) }) {
		t.Errorf("nothing is logged with %q:\n%s", text, strings.Join(b.book.all(), "\n"))
	}
}

// From Wednesday 25 March 2026, ten o'clock: turns in time, then nine hours and a
// half without a clock process.
func TestClock_Misfire(t *testing.T) {
	b, now, _ := due(t)
	schedules := []jobs.Schedule{count(jobs.Latest, "@hourly"), count(jobs.All, "@hourly"), count(jobs.Skip, "@hourly")}
	c := b.hours(t, clocks{bench: b}, b, func() time.Time { return *now }, schedules...)
	b.turn(t, c)
	for _, s := range schedules {
		b.wantTicks(t, s.Name)
	}
	*now = now.Add(time.Hour + time.Second)
	b.turn(t, c)
	for _, s := range schedules {
		b.wantTicks(t, s.Name, "25 11:00")
	}
	*now = now.Add(9*time.Hour + 30*time.Minute)
	b.turn(t, b.hours(t, clocks{bench: b}, b, func() time.Time { return *now }, schedules...))
	b.wantTicks(t, "count_latest", "25 11:00", "25 20:00")
	b.wantTicks(t, "count_all", "25 11:00", "25 18:00", "25 19:00", "25 20:00")
	b.wantTicks(t, "count_skip", "25 11:00")
	b.wantLogged(t, "WARN ticks passed over schedule=count_all ticks=6")
	b.wantLogged(t, "WARN ticks passed over schedule=count_skip ticks=9")
	// The first process comes to itself, and finds nothing to do.
	b.turn(t, c)
	*now = now.Add(30 * time.Minute)
	b.turn(t, c)
	b.wantTicks(t, "count_latest", "25 11:00", "25 20:00", "25 21:00")
	b.wantTicks(t, "count_skip", "25 11:00", "25 21:00")
}

// asking counts what is asked of the store.
type asking struct {
	jobs.Ticks
	asked int
	fail  error
}

func (a *asking) TakeTicks(ctx context.Context, given promise.Schedule, due func(promise.Schedule) ([]time.Time, time.Time)) (promise.Schedule, int, error) {
	a.asked++
	if a.fail != nil {
		return promise.Schedule{}, 0, a.fail
	}
	return a.Ticks.TakeTicks(ctx, given, due)
}

// An idle turn asks nothing about schedules; one that failed is made up for by the next.
func TestClock_Idle(t *testing.T) {
	b, now, _ := due(t)
	ticks := &asking{Ticks: b}
	c := b.hours(t, clocks{bench: b}, ticks, func() time.Time { return *now }, count(jobs.All, "@hourly"))
	for range 10 {
		b.turn(t, c)
		*now = now.Add(5 * time.Minute)
	}
	if ticks.asked != 1 {
		t.Errorf("asked %d times for schedules that are not due, want once, to be known", ticks.asked)
	}
	if next := c.Next(); next.Sub(*now) != 10*time.Minute {
		t.Errorf("next tick at %s, and it is %s", next, now)
	}
	ticks.fail = errors.New("the database is away")
	*now = now.Add(15 * time.Minute)
	err := c.Turn(t.Context())
	if !errors.Is(err, ticks.fail) {
		t.Errorf("Turn = %v, want what the store says", err)
	}
	ticks.fail = nil
	b.turn(t, c)
	b.wantTicks(t, "count_all", "25 11:00")
}

// A broken schedule keeps no other from its ticks, nor a case from its levels.
func TestClock_OneScheduleBroken(t *testing.T) {
	b, now, ids := due(t)
	ticks := &onlyLatest{Ticks: b}
	c := b.hours(t, clocks{bench: b}, ticks, func() time.Time { return *now }, count(jobs.All, "@hourly"), count(jobs.Latest, "@hourly"))
	_ = c.Turn(t.Context())
	*now = now.AddDate(0, 1, 0)
	err := c.Turn(t.Context())
	if err == nil {
		t.Error("Turn reports no error")
	}
	b.wantTicks(t, "count_latest", "25 10:00")
	b.wantEvents(t, ids[0], secor.EventClockBreach, 1)
}

type onlyLatest struct{ jobs.Ticks }

func (o *onlyLatest) TakeTicks(ctx context.Context, given promise.Schedule, due func(promise.Schedule) ([]time.Time, time.Time)) (promise.Schedule, int, error) {
	if given.Misfire != "latest" {
		return promise.Schedule{}, 0, errors.New("unreadable")
	}
	return o.Ticks.TakeTicks(ctx, given, due)
}

// Another release brings another spec: what was due by the old one is still owed,
// and the new one has no past. Both may run for a while.
func TestClock_SpecChanged(t *testing.T) {
	b, now, _ := due(t)
	was, is := count(jobs.All, "@hourly"), count(jobs.All, "*/20 * * * *")
	old := b.hours(t, clocks{bench: b}, b, func() time.Time { return *now }, was)
	b.turn(t, old)
	*now = now.Add(2*time.Hour + 50*time.Minute)
	young := b.hours(t, clocks{bench: b}, b, func() time.Time { return *now }, is)
	b.turn(t, young)
	b.wantTicks(t, was.Name, "25 11:00", "25 12:00")
	*now = now.Add(11 * time.Minute)
	b.turn(t, old)
	b.turn(t, young)
	b.wantTicks(t, was.Name, "25 11:00", "25 12:00", "25 13:00")
	*now = now.Add(20 * time.Minute)
	b.turn(t, young)
	b.wantTicks(t, was.Name, "25 11:00", "25 12:00", "25 13:00", "25 13:20")
}

// A spec of a release that knows more is no reason to stop, nor to guess.
func TestClock_SpecUnreadable(t *testing.T) {
	b, now, _ := due(t)
	b.turn(t, b.hours(t, clocks{bench: b}, b, func() time.Time { return *now }, count(jobs.All, "@hourly")))
	b.exec(t, `UPDATE schedules SET spec = 'every other full moon'`)
	*now = now.Add(2*time.Hour + 30*time.Minute)
	c := b.hours(t, clocks{bench: b}, b, func() time.Time { return *now }, count(jobs.All, "@hourly"))
	b.turn(t, c)
	b.wantTicks(t, "count_all")
	*now = now.Add(time.Hour)
	b.turn(t, c)
	b.wantTicks(t, "count_all", "25 13:00")
}

func TestNewClock_Refused(t *testing.T) {
	for says, s := range map[string]jobs.Schedule{
		"never comes":       {Name: "a", Does: "a", Spec: "0 0 30 2 *", Misfire: jobs.All},
		"no misfire policy": {Name: "a", Does: "a", Spec: "@daily"},
		"is not called":     {Spec: "@daily", Misfire: jobs.All},
		"does not say":      {Name: "a", Spec: "@daily", Misfire: jobs.All},
		"the bound -1":      {Name: "a", Spec: "@daily", Misfire: jobs.All, Does: "a", Most: -1},
		`policy "most"`:     {Name: "a", Spec: "@daily", Misfire: "most", Does: "a"},
	} {
		_, err := jobs.NewClock(jobs.NewSweeper(nil, nil, nil), nil, []jobs.Schedule{s}, time.UTC)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", s, err, says)
		}
	}
}

// A month of the office's own schedules, done by the engine: one anchor for each
// day, and the purge.
func TestClock_Upkeep(t *testing.T) {
	b, now, ids := due(t)
	c := b.hours(t, clocks{bench: b}, b, func() time.Time { return *now }, jobs.Schedules()...)
	b.queue.start(t)
	b.engine(t)
	b.turn(t, c)
	for range 3 {
		*now = now.AddDate(0, 0, 1)
		b.awaitQuiet(t)
		b.turn(t, c)
	}
	b.awaitQuiet(t)
	for query, want := range map[string]int{
		`SELECT count(*) FROM events WHERE kind = 'desk.anchored' AND stream = 'desk'`:                   3,
		`SELECT count(*) FROM jobs WHERE kind = 'desk:anchor' AND state = 'done' AND recipient = 'desk'`: 3,
		`SELECT count(*) FROM jobs WHERE kind = 'desk:purge' AND state = 'done'`:                         3,
		`SELECT count(*) FROM jobs WHERE state NOT IN ('done', 'cancelled')`:                             0,
	} {
		var got int
		b.scan(t, &got, query)
		if got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	report, err := b.Verify(t.Context())
	if err != nil || len(report.Problems) > 0 || report.Cases != len(ids) {
		t.Errorf("Verify = %+v, %v", report, err)
	}
}

func TestClock_Run(t *testing.T) {
	b, now, ids := due(t)
	*now = now.AddDate(0, 1, 0)
	swept := make(chan struct{}, 100)
	c := b.hours(t, clocks{bench: b, due: func() { swept <- struct{}{} }}, b, func() time.Time { return *now }, jobs.Schedules()...)
	b.run(t, func(ctx context.Context) { c.Run(ctx, time.Second) })
	<-swept
	<-swept // by the beat: the first turn is over
	b.wantEvents(t, ids[0], secor.EventClockBreach, 1)
	var known int
	b.scan(t, &known, `SELECT count(*) FROM schedules`)
	if known != len(jobs.Schedules()) {
		t.Errorf("%d schedules are known after a turn, want %d", known, len(jobs.Schedules()))
	}
}

// A panic in one turn is no reason to miss the next.
func TestClock_Panic(t *testing.T) {
	b, now, ids := due(t)
	*now = now.AddDate(0, 1, 0)
	panics := true
	c := b.hours(t, clocks{bench: b, due: func() {
		if panics {
			panics = false
			panic("no such level")
		}
	}}, b, func() time.Time { return *now })
	b.run(t, func(ctx context.Context) { c.Run(ctx, time.Second) })
	await(t, "the next turn", func() bool {
		var breaches int
		b.scan(t, &breaches, `SELECT count(*) FROM events WHERE kind = 'clock.breached'`)
		return breaches == len(ids)
	})
}
