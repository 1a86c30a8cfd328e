package jobs_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/storetest"
)

// fastClock is a desk's clock on which a minute takes ten milliseconds. Processes
// that share one are told the same time, but for what theirs is off.
type fastClock struct {
	Begins time.Time // wall time
	Shows  time.Time // at Begins
	Off    time.Duration
}

const fastMinute = 10 * time.Millisecond

func (c fastClock) now() time.Time {
	passed := time.Since(c.Begins) * time.Duration(time.Minute/fastMinute)
	return c.Shows.Add(passed + c.Off).Truncate(time.Microsecond)
}

// clockConfig is what a clock process of a test needs.
type clockConfig struct {
	DSN      string
	Clock    fastClock
	Schedule jobs.Schedule
}

// clockPart is a process as secordesk clock is one, but that it turns every five
// milliseconds.
func clockPart(ctx context.Context, config []byte, ready func()) error {
	ready() // it may be killed while it starts, too
	var c clockConfig
	err := json.Unmarshal(config, &c)
	if err != nil {
		return err
	}
	programme, err := schema.Load()
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, c.DSN, programme, c.Clock.now)
	if err != nil {
		return err
	}
	defer s.Close()
	sweeper := jobs.NewSweeper(s, c.Clock.now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	clock, err := jobs.NewClock(sweeper, s, append(jobs.Schedules(), c.Schedule), programme.Calendars[programme.Office].Zone)
	if err != nil {
		return err
	}
	beat := time.NewTicker(5 * time.Millisecond)
	defer beat.Stop()
	for ctx.Err() == nil {
		err = clock.Turn(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		<-beat.C
	}
	return nil
}

// Three clock processes, one of them a minute ahead and one a minute behind, are
// killed at random, also all at once, through a night on which the clocks are put
// back. What they leave is read by plain SQL.
func TestClock_KilledAtRandom(t *testing.T) {
	t.Parallel()
	ticks := 300
	if os.Getenv("SECOR_LONG") == "1" {
		ticks = 2000
	}
	seed := uint64(time.Now().UnixNano())
	chance := rand.New(rand.NewPCG(seed, 0))
	db := storetest.OwnerDB(t)
	begins := time.Date(2025, 11, 2, 5, 0, 0, 0, time.UTC) // eleven in the evening, and then the clocks show one to two o'clock twice
	clock := fastClock{Begins: time.Now(), Shows: begins}
	minutely := jobs.Schedule{Name: "minutely", Does: "count", Kind: "desk:count", Spec: "* * * * *", Misfire: jobs.All, Most: 10_000}
	start := func(i int) *process {
		c := clock
		c.Off = time.Duration(i-1) * time.Minute
		return startProcess(t, "clock", clockConfig{DSN: storetest.DSN(t), Clock: c, Schedule: minutely})
	}
	processes := []*process{start(0), start(1), start(2)}
	settled := func() time.Time {
		var until time.Time
		err := db.GetContext(t.Context(), &until, `SELECT coalesce(max(settled_until), 'epoch') FROM schedules WHERE name = 'minutely'`)
		if err != nil {
			return time.Time{}
		}
		return until
	}
	await(t, "the first tick", func() bool { return settled().After(begins) })
	first, kills := settled(), 0
	for clock.now().Before(first.Add(time.Duration(ticks) * time.Minute)) {
		// No moment is worth waiting for: time passes here.
		<-time.After(time.Duration(50+chance.IntN(250)) * time.Millisecond)
		victims := 1 + chance.IntN(7)
		for i := range processes {
			if victims&(1<<i) == 0 {
				continue
			}
			processes[i].kill()
			kills++
			if errText := processes[i].stderr.String(); errText != "" {
				t.Fatalf("a clock ended by itself: %s", errText)
			}
		}
		for i := range processes {
			if victims&(1<<i) != 0 {
				processes[i] = start(i)
			}
		}
	}
	end := clock.now()
	await(t, "the last tick", func() bool { return !settled().Before(end.Truncate(time.Minute)) })
	for _, p := range processes {
		p.kill()
	}
	t.Logf("seed %d: %d kills in %d ticks", seed, kills, int(end.Sub(first)/time.Minute))

	for what, query := range map[string]string{
		"ticks missed": `
			SELECT count(*)
			FROM schedules s, generate_series(date_trunc('minute', s.known_since) + interval '1 minute', s.settled_until, '1 minute') AS due (at)
			WHERE s.name = 'minutely' AND NOT EXISTS (SELECT FROM ticks t WHERE t.schedule = s.name AND t.instant = due.at)`,
		"ticks that are none": `
			SELECT count(*)
			FROM ticks t JOIN schedules s ON s.name = t.schedule
			WHERE t.instant <= s.known_since OR t.instant > s.settled_until OR s.name = 'minutely' AND t.instant <> date_trunc('minute', t.instant)`,
		"ticks recorded twice": `SELECT count(*) - count(DISTINCT (schedule, instant)) FROM ticks`,
		"ticks without exactly one job": `
			SELECT count(*)
			FROM ticks t
			WHERE (SELECT count(*) FROM jobs j WHERE j.schedule = t.schedule AND j.tick_at = t.instant) <> 1`,
		"jobs without a tick": `
			SELECT count(*)
			FROM jobs j
			WHERE NOT EXISTS (SELECT FROM ticks t WHERE j.schedule = t.schedule AND j.tick_at = t.instant)`,
		"schedules settled elsewhere than at a tick": `
			SELECT count(*)
			FROM schedules s
			WHERE name = 'minutely' AND settled_until <> (SELECT max(instant) FROM ticks WHERE schedule = s.name)`,
		"midnights without an anchor, or anchors without a midnight": `
			SELECT abs((SELECT count(*) FROM ticks WHERE schedule = 'anchor')
				- (SELECT count(*) FROM ticks WHERE schedule = 'minutely' AND (instant = '2025-11-02 06:00Z' OR instant = '2025-11-03 07:00Z')))`,
	} {
		var n int
		err := db.GetContext(t.Context(), &n, query)
		if err != nil || n != 0 {
			t.Errorf("%s: %d (%v), want none", what, n, err)
		}
	}
	var recorded int
	err := db.GetContext(t.Context(), &recorded, `SELECT count(*) FROM ticks WHERE schedule = 'minutely'`)
	if err != nil || recorded < ticks || kills < ticks/100 {
		t.Errorf("%d ticks and %d kills (%v) prove too little", recorded, kills, err)
	}
}
