package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"secordesk/jobs"
	"secordesk/jobs/mail"
)

// workerCmd is "secordesk worker".
type workerCmd struct{}

// Help returns the examples.
func (workerCmd) Help() string {
	return `The worker does what follows from decisions: it sends letters, assigns reviewers, makes papers. Any number may run. On SIGTERM it gives back within two seconds what it has not done, waits for the letters that it is sending, and ends with status 0; a second signal ends it at once. A letter may take a minute, so let the supervisor wait 75 seconds or more before it kills (TimeoutStopSec of systemd, terminationGracePeriodSeconds of Kubernetes); one that was killed leaves its letter in doubt. SIGHUP is taken as SIGTERM.

It needs DATABASE_URL, REDIS_URL, SMTP_URL, DESK_FROM and DESK_NAME; DESK_ADDRESS, DESK_PHONE, VERIFY_URL, AUDIT_TOOL_URL, TAX_NUMBER, PAYMENT_INSTRUCTIONS, PAYMENT_INSTRUCTIONS_FR, SIGNING_KEY_FILE with SIGNING_CERT_FILE, and LETTER_GRACE may be set, HEALTH_ADDR (such as :9464, where /healthz, /readyz and /metrics are served) and LOG_LEVEL (info). "secordesk doctor" checks them.

DECISIONS_AT_ONCE (8), MAIL_AT_ONCE (8) and BULK_AT_ONCE (2) say how many jobs of each queue this process does at the same time, up to 16; with 0 it leaves the queue to others. KEEP_JOBS_DAYS (400) says how long jobs are kept that are done or cancelled.

REDIS_URL is redis://, redis-socket://, redis-sentinel:// or redis-cluster://, with rediss for TLS. The Redis must be version 7 or later (or Valkey), a master that evicts nothing, and serve no other desk; the worker refuses any other, and waits for one that is away, as it waits for Postgres. What is wrong for good, such as a database that is not migrated, ends it with status 1; its log says why.

Examples:

	secordesk worker`
}

// Run works until ctx ends.
func (workerCmd) Run(ctx context.Context, t *terminal) error {
	cfg, err := readConfig[workerConfig](t.env)
	log := newLog(t.out, cfg.LogLevel)
	if err == nil {
		err = work(ctx, cfg, t.now, log)
	}
	return ended(ctx, log, "worker ended", err)
}

// ended says in its log how a process ended, and why: who reads the log may have
// nothing else of it. One that was told to stop before it began did nothing wrong.
func ended(ctx context.Context, log *slog.Logger, line string, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	if err != nil {
		log.Error(line, "err", err)
		return err
	}
	log.Info(line)
	return nil
}

// work is a worker's life, until ctx ends.
func work(ctx context.Context, cfg workerConfig, now func() time.Time, log *slog.Logger) error {
	pace, err := cfg.pace()
	if err != nil {
		return err
	}
	sender, err := mail.NewSender(string(cfg.SMTPURL))
	if err != nil {
		return fmt.Errorf("read SMTP_URL: %w", err)
	}
	signing, err := cfg.Signing.read(now())
	if err != nil {
		return err
	}
	office := cfg.Office.present()
	office.Signing = signing
	desk, err := jobs.NewDesk(office)
	if err != nil {
		return fmt.Errorf("prepare desk: %w", err)
	}
	cases, err := connectDesk(cfg.DatabaseURL, cfg.LetterGrace, now)
	if err != nil {
		return err
	}
	defer cases.Close()
	cases.Keep = cfg.KeepJobs.duration()
	worker, err := jobs.NewWorker(cases, sender, desk, jobs.Kinds(), pace, log)
	if err != nil {
		return fmt.Errorf("make worker: %w", err)
	}
	meter := jobs.NewMeter(jobs.Kinds(), jobs.NewPulse(pulsePatience))
	worker.Meter = meter
	meter.Serves(pace.Lanes)
	stop, err := cfg.HealthAddr.serve(ctx, cases, cfg.RedisURL.connect, meter, worker.Stuck, log)
	if err != nil {
		return err
	}
	defer stop()
	err = cases.await(ctx, log)
	if err != nil {
		return err
	}
	return withRelay(ctx, cases, cfg.RedisURL.connect, meter, log, func(ctx context.Context, guard *jobs.Guard) error {
		log.Info("worker starts", "version", version())
		context.AfterFunc(ctx, func() { log.Info("worker stops") })
		if !guard.Wait(ctx) {
			return nil
		}
		return worker.Run(ctx, cfg.RedisURL.connect)
	})
}

// besideLimit is how long relay and reconciler may take to end once the process
// did what it is for. They own nothing: what hangs in Redis or Postgres is left.
const besideLimit = 300 * time.Millisecond

// withRelay does what a process is for beside a relay and a reconciler. They end
// with ctx, when do does, and when the guard refuses the Redis, which is the error.
func withRelay(ctx context.Context, cases *desk, redis asynq.RedisConnOpt, meter *jobs.Meter, log *slog.Logger, do func(context.Context, *jobs.Guard) error) error {
	guard, err := newGuard(ctx, cases, redis, log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	relay := jobs.NewRelay(cases, redis, jobs.Kinds(), jobs.DefaultBeat(), log)
	relay.Meter = meter
	cases.Promised = relay.Signal
	var beside sync.WaitGroup
	beside.Go(func() { stop(guard.Run(ctx)) })
	beside.Go(func() {
		if guard.Wait(ctx) {
			relay.Run(ctx)
		}
	})
	beside.Go(func() { jobs.Reconcile(ctx, meter.Ledger(cases, jobs.ReconcileEvery), jobs.ReconcileEvery, log) })
	gone := make(chan struct{})
	err = do(ctx, guard)
	stop(nil)
	go func() { beside.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(besideLimit):
	}
	return refusedOr(ctx, err)
}
