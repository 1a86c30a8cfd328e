package main

import (
	"context"
	"database/sql"
	"fmt"
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

func openDesk(ctx context.Context, dsn databaseURL, letters grace, now func() time.Time) (*desk, error) {
	programme, err := schema.Load()
	if err != nil {
		return nil, fmt.Errorf("load programme: %w", err)
	}
	opened, err := store.Open(ctx, string(dsn), programme, now)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	opened.Grace = time.Duration(letters)
	return &desk{opened, programme}, nil
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
