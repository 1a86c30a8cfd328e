package main

import (
	"context"
	"time"

	"secordesk/jobs"
)

// clockCmd is "secordesk clock".
type clockCmd struct{}

// Help returns the examples.
func (clockCmd) Help() string {
	return `The clock asks what is due and lets the desk act on it: reminders, escalations, the daily anchor of the history. Any number may run; each level is acted on once.

It needs DATABASE_URL and REDIS_URL; SWEEP_EVERY (10s), LETTER_GRACE (2m), HEALTH_ADDR (such as :9464, where /healthz, /readyz and /metrics are served) and LOG_LEVEL (info) may be set.

Examples:

	secordesk clock`
}

// Run sweeps until ctx ends.
func (clockCmd) Run(ctx context.Context, t *terminal) error {
	cfg, err := readConfig[clockConfig](t.env)
	if err != nil {
		return err
	}
	cases, err := openDesk(ctx, cfg.DatabaseURL, cfg.LetterGrace, t.now)
	if err != nil {
		return err
	}
	defer cases.Close()
	log := newLog(t.out, cfg.LogLevel)
	sweeper := jobs.NewSweeper(cases, t.now, log)
	meter := jobs.NewMeter(nil, jobs.NewPulse(pulsePatience))
	stop, err := cfg.HealthAddr.serve(ctx, cases, cfg.RedisURL.connect, meter, func() int { return 0 }, log)
	if err != nil {
		return err
	}
	defer stop()
	log.Info("clock starts", "version", version())
	err = withRelay(ctx, cases, cfg.RedisURL.connect, meter, log, func(ctx context.Context) error {
		sweeper.Run(ctx, time.Duration(cfg.SweepEvery))
		return nil
	})
	log.Info("clock ended")
	return err
}
