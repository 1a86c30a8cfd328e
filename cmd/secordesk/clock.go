package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"secordesk/jobs"
	"secordesk/store/promise"
)

// clockCmd is "secordesk clock".
type clockCmd struct {
	List bool `help:"List the schedules with their last and next ticks, and start nothing."`
}

// Help returns the examples.
func (*clockCmd) Help() string {
	return `The clock asks what is due and lets the desk act on it: reminders and escalations, and upkeep by schedules, such as the daily anchor of the history. Any number may run, and none leads; each level is acted on once, and each tick of a schedule is recorded once.

Schedules go by the office's zone. A time that its clocks skip comes at that moment, one that they show twice comes the first time. What was missed while no clock ran is made up for as the schedule's policy says: latest (the newest of it), all, or skip (none).

It needs DATABASE_URL and REDIS_URL; SWEEP_EVERY (10s), LETTER_GRACE (2m), HEALTH_ADDR (such as :9464, where /healthz, /readyz and /metrics are served) and LOG_LEVEL (info) may be set. --list needs DATABASE_URL alone.

Examples:

	secordesk clock
	secordesk clock --list`
}

// Run turns the clock until ctx ends, or lists its schedules.
func (c *clockCmd) Run(ctx context.Context, t *terminal) error {
	if c.List {
		return listSchedules(ctx, t)
	}
	cfg, err := readConfig[clockConfig](t.env)
	log := newLog(t.out, cfg.LogLevel)
	if err == nil {
		err = turn(ctx, cfg, t.now, log)
	}
	return ended(ctx, log, "clock ended", err)
}

// turn is a clock's life, until ctx ends.
func turn(ctx context.Context, cfg clockConfig, now func() time.Time, log *slog.Logger) error {
	cases, err := connectDesk(cfg.DatabaseURL, cfg.LetterGrace, now)
	if err != nil {
		return err
	}
	defer cases.Close()
	clock, err := jobs.NewClock(jobs.NewSweeper(cases, now, log), cases, jobs.Schedules(), cases.office().Zone,
		jobs.NewAssigner(cases, now, log).Sweep)
	if err != nil {
		return fmt.Errorf("make clock: %w", err)
	}
	meter := jobs.NewMeter(nil, jobs.NewPulse(pulsePatience))
	clock.Meter = meter
	stop, err := cfg.HealthAddr.serve(ctx, cases, cfg.RedisURL.connect, meter, func() int { return 0 }, log)
	if err != nil {
		return err
	}
	defer stop()
	err = cases.await(ctx, log)
	if err != nil {
		return err
	}
	log.Info("clock starts", "version", version())
	return withRelay(ctx, cases, cfg.RedisURL.connect, meter, log, func(ctx context.Context, _ *jobs.Guard) error {
		clock.Run(ctx, time.Duration(cfg.SweepEvery))
		return nil
	})
}

// listSchedules prints the schedules of this release and those that only another
// one knows.
func listSchedules(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	kept, err := cases.Schedules(ctx)
	if err != nil {
		return err
	}
	zone := cases.office().Zone
	out := &table{heads: []string{"Schedule", "When", "Zone", "If missed", "Last tick", "Next tick", "What it does"}}
	for _, s := range jobs.Schedules() {
		k := promise.Schedule{Settled: t.now()} // no clock knows it yet
		i := slices.IndexFunc(kept, func(k promise.Schedule) bool { return k.Name == s.Name })
		if i >= 0 {
			k = kept[i]
			kept = slices.Delete(kept, i, i+1)
		}
		timetable, err := jobs.ParseTimetable(s.Spec, zone)
		if err != nil {
			return err
		}
		out.add(s.Name, s.Spec, zone.String(), string(s.Misfire), cmp.Or(stamp(k.LastTick, zone), "–"), stamp(timetable.Next(k.Settled), zone), s.Does)
	}
	for _, k := range kept {
		out.add(k.Name, k.Spec, zone.String(), k.Misfire, cmp.Or(stamp(k.LastTick, zone), "–"), "–", "unknown to this release")
	}
	return out.write(t.out)
}
