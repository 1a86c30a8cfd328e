package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/jobs/mail/sink"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/devdb"
	"secordesk/store/secor"
)

// parts are what a desk runs on when it brings everything itself, in the order
// in which they are stopped.
type parts struct {
	stops []func() error
}

// stop stops every part, the last started first. Nothing is left running.
func (p *parts) stop() error {
	var problems []error
	for i := len(p.stops) - 1; i >= 0; i-- {
		problems = append(problems, p.stops[i]())
	}
	return errors.Join(problems...)
}

func (p *parts) onStop(stop func() error) { p.stops = append(p.stops, stop) }

// start brings up Postgres, the queue, the mail sink and the workers. The parts
// are returned with an error too, so that what did start can be stopped.
func (d *demo) start(ctx context.Context) (*parts, error) {
	p := &parts{}
	programme, err := d.loadProgramme()
	if err != nil {
		return p, err
	}
	fmt.Fprintln(d.out, "Starting a private Postgres, a queue and a mail sink …")
	server, err := devdb.Start(ctx, devdb.Options{Bin: d.bin, Durable: true})
	if err != nil {
		return p, d.noPostgres(err)
	}
	p.onStop(server.Stop)
	dsn := server.DSN("postgres")
	err = migrate(ctx, dsn)
	if err != nil {
		return p, err
	}
	d.store, err = store.Open(ctx, dsn, programme, d.clock.now)
	if err != nil {
		return p, err
	}
	p.onStop(d.store.Close)
	d.store.Grace = 0
	redis, err := startRedis(p)
	if err != nil {
		return p, err
	}
	err = d.prepare()
	if err != nil {
		return p, err
	}
	d.letters, err = sink.Open(filepath.Join(d.folder, "letters"), sink.Options{})
	if err != nil {
		return p, err
	}
	p.onStop(d.letters.Close)
	return p, d.startWork(redis, p)
}

// errNoPostgres is a refusal of the demo, which uses no server but its own.
var errNoPostgres = errors.New(`the demo needs Postgres 15 or newer installed; it need not run:
  Debian, Ubuntu   apt install postgresql
  Fedora, RHEL     dnf install postgresql-server
  macOS            brew install postgresql@17
  Windows          play the demo under WSL or in a container
  elsewhere        set SECOR_PG_BIN to the directory that holds initdb and postgres`)

// noPostgres turns the answer of devdb, which speaks to tests as well, into what
// helps here.
func (d *demo) noPostgres(err error) error {
	switch {
	case !errors.Is(err, devdb.ErrNoBinary):
		return err
	case d.bin != "":
		return &secor.FieldError{Field: "SECOR_PG_BIN", Value: d.bin,
			Problem: "holds no initdb and postgres of version 15 or newer; set it to the directory that does, or leave it out to search the usual places"}
	}
	return errNoPostgres
}

func migrate(ctx context.Context, dsn string) error {
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return errors.Join(schema.Migrate(ctx, db), db.Close())
}

// startRedis starts a queue in this process. miniredis lets keys live for ever
// unless it is told that time has passed.
func startRedis(p *parts) (asynq.RedisClientOpt, error) {
	m := miniredis.NewMiniRedis()
	err := m.Start()
	if err != nil {
		return asynq.RedisClientOpt{}, fmt.Errorf("start queue: %w", err)
	}
	ending := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		const step = 250 * time.Millisecond
		tick := time.NewTicker(step)
		defer tick.Stop()
		for {
			select {
			case <-ending:
				return
			case <-tick.C:
				m.FastForward(step)
			}
		}
	})
	p.onStop(func() error {
		close(ending)
		ticking.Wait()
		m.Close()
		return nil
	})
	return asynq.RedisClientOpt{Addr: m.Addr()}, nil
}

// startWork starts relay, worker and reconciler. The clock process is played by
// the script, because its time is the desk's.
func (d *demo) startWork(redis asynq.RedisConnOpt, p *parts) error {
	logFile, err := os.Create(filepath.Join(d.folder, "desk.log"))
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	p.onStop(logFile.Close)
	log := slog.New(slog.NewJSONHandler(logFile, nil))
	sender, err := mail.NewSender(d.letters.URL())
	if err != nil {
		return err
	}
	d.printer, err = jobs.NewDesk(demoOffice)
	if err != nil {
		return err
	}
	pace := jobs.DefaultPace()
	for i := range pace.Lanes {
		pace.Lanes[i].Check = 10 * time.Millisecond // somebody is watching
	}
	worker, err := jobs.NewWorker(d.store, sender, d.printer, jobs.Kinds(), pace, log)
	if err != nil {
		return err
	}
	relay := jobs.NewRelay(d.store, redis, jobs.Kinds(), jobs.DefaultBeat(), log)
	d.store.Promised = relay.Signal
	d.hours, err = jobs.NewClock(jobs.NewSweeper(d.store, d.clock.now, log), d.store, jobs.Schedules(), d.zone,
		jobs.NewAssigner(d.store, d.clock.now, log).Sweep)
	if err != nil {
		return err
	}

	// Not the show's context: work that has begun ends in order.
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	var failed error
	working.Go(func() { relay.Run(ctx) })
	working.Go(func() { jobs.Reconcile(ctx, d.store, jobs.ReconcileEvery, log) })
	working.Go(func() { failed = worker.Run(ctx, redis) })
	p.onStop(func() error {
		cancel()
		working.Wait()
		return failed
	})
	return nil
}

var demoOffice = jobs.Office{
	Name:         "Prairie Safety Partners",
	Address:      []string{"200, 700 Centre Street SE", "Calgary AB  T2G 5P6"},
	Phone:        "403 555 0142",
	From:         "desk@prairiesafety.example",
	VerifyURL:    "https://verify.prairiesafety.example/c/",
	AuditToolURL: "https://audit.prairiesafety.example/",
}
