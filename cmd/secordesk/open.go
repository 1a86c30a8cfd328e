package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	_ "github.com/lib/pq" // the driver of every database/sql connection

	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/secor"
)

// desk is the store with the programme that it judges by.
type desk struct {
	*store.Store
	programme *secor.Programme
}

// office returns the calendar of this office.
func (d *desk) office() *secor.Calendar { return d.programme.Calendars[d.programme.Office] }

// openDesk opens the desk's database as the configuration says.
func (t *terminal) openDesk(ctx context.Context) (*desk, error) {
	cfg, err := readConfig[databaseConfig](t.env)
	if err != nil {
		return nil, err
	}
	return openDesk(ctx, cfg.DatabaseURL, cfg.LetterGrace, t.now)
}

// deskAs opens the desk for the person at the terminal, as --as or SECORDESK_AS
// names them.
func (t *terminal) deskAs(ctx context.Context, as string) (*desk, secor.Reviewer, error) {
	email, err := t.who(as)
	if err != nil {
		return nil, secor.Reviewer{}, err
	}
	cases, err := t.openDesk(ctx)
	if err != nil {
		return nil, secor.Reviewer{}, err
	}
	person, err := cases.ReviewerByEmail(ctx, email)
	if err != nil {
		cases.Close()
		return nil, secor.Reviewer{}, plain(err)
	}
	return cases, person, nil
}

func openDesk(ctx context.Context, dsn databaseURL, letters grace, now func() time.Time) (*desk, error) {
	opened, err := connectDesk(dsn, letters, now)
	if err != nil {
		return nil, err
	}
	err = opened.Ready(ctx)
	if err != nil {
		opened.Close()
		return nil, err
	}
	return opened, nil
}

// connectDesk returns a desk whose database is not asked yet.
func connectDesk(dsn databaseURL, letters grace, now func() time.Time) (*desk, error) {
	programme, err := schema.Load()
	if err != nil {
		return nil, fmt.Errorf("load programme: %w", err)
	}
	connected, err := store.Connect(string(dsn), programme, now)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	connected.Grace = time.Duration(letters)
	return &desk{connected, programme}, nil
}

const (
	askEvery = time.Second     // a Postgres that is away
	askLimit = 3 * time.Second // for its answer
)

// await waits for a Postgres that is away, as long as ctx lasts, and says so once.
// What does not pass by itself is returned.
func (d *desk) await(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	waiting := false
	for {
		err := d.answers(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.Is(err, store.ErrAway):
			return err
		case err != nil && !waiting:
			log.Error("waiting", "who", "postgres", "err", err)
			waiting = true
		case err == nil && waiting:
			log.Info("going on", "who", "postgres")
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// answers asks whether the desk is ready. A connection that is being made does not
// hear the end of a context, and is left behind.
func (d *desk) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	answer := make(chan error, 1)
	go func() { defer cancel(); answer <- d.Ready(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: no answer within %s", store.ErrAway, askLimit)
	}
}

// openDatabase connects to the desk's database as its owner.
func (t *terminal) openDatabase() (*sql.DB, error) {
	cfg, err := readConfig[databaseConfig](t.env)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("postgres", string(cfg.DatabaseURL))
	if err != nil {
		return nil, fmt.Errorf("read DATABASE_URL: %w", err)
	}
	return db, nil
}
