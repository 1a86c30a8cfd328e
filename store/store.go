package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/secor"
)

// DefaultGrace is how long a promised letter waits before it may be sent, so that
// a decision that is undone takes its letters back.
const DefaultGrace = 2 * time.Minute

// schemaVersion is the newest migration that this code relies on.
const schemaVersion = 19

// Store is the desk's memory. It is safe for concurrent use. Grace, Keep, Channel
// and Promised are set before its first use.
type Store struct {
	// Grace is the wait before a letter to somebody outside may start; work on
	// the case itself waits for nothing. New sets DefaultGrace.
	Grace time.Duration
	// Keep is how long what ended is kept before FinishPurge removes it, in wall
	// time. New sets DefaultKeep.
	Keep time.Duration
	// Channel is where cards are posted, such as "secor-desk": lower-case letters and
	// dashes. Empty, as New leaves it: nowhere, and no card is promised.
	Channel string
	// Promised is called after each commit that promised a job, so that a relay
	// need not wait for its next look. It must not block. It may be nil.
	Promised func()

	db        *sqlx.DB
	engine    *sqlx.DB // for the engine's own short statements: a renewal must not wait behind work
	programme *secor.Programme
	now       func() time.Time
	batch     *sqlx.Tx // nil outside Batch
}

// New returns a store on a database that has all migrations. Now is the desk's
// clock; the store cuts it to microseconds, Postgres' resolution.
func New(db *sqlx.DB, p *secor.Programme, now func() time.Time) *Store {
	db.MapperFunc(snakeCase)
	return &Store{Grace: DefaultGrace, Keep: DefaultKeep, db: db, engine: db, programme: p, now: now}
}

// Open connects to Postgres and returns a store. The connection string must name
// its sslmode. Unless its options name another role, the connection acts as
// secordesk_app, which owns no table. Its errors are Connect's and Ready's.
func Open(ctx context.Context, dsn string, p *secor.Programme, now func() time.Time) (*Store, error) {
	s, err := Connect(dsn, p, now)
	if err != nil {
		return nil, err
	}
	err = s.Ready(ctx)
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Connect returns a store as Open does, and does not ask Postgres yet. Its error is
// a connection string that cannot be used.
func Connect(dsn string, p *secor.Programme, now func() time.Time) (*Store, error) {
	connector, err := connect(dsn)
	if err != nil {
		return nil, fmt.Errorf("read connection string: %w", err)
	}
	s := New(sqlx.NewDb(openDB(connector, maxConns), "postgres"), p, now)
	s.engine = sqlx.NewDb(openDB(connector, engineConns), "postgres")
	s.engine.MapperFunc(snakeCase)
	return s, nil
}

// Close closes the store's connections.
func (s *Store) Close() error {
	if s.engine == s.db {
		return s.db.Close()
	}
	return errors.Join(s.db.Close(), s.engine.Close())
}

func connect(dsn string) (*pq.Connector, error) {
	if !strings.Contains(dsn, "sslmode=") {
		return nil, fmt.Errorf("it does not name its sslmode: add sslmode=verify-full, or sslmode=disable for a socket of this machine")
	}
	config, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(config.Options, "role=") {
		config.Options += " -c role=secordesk_app"
	}
	// A process that hangs in the middle of a step must not keep its locks.
	config.Options += " -c idle_in_transaction_session_timeout=30s"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	return pq.NewConnectorConfig(config)
}

const schemaSQL = `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`

// Ready asks Postgres whether this program can work with the database. What stays
// wrong until a person mends it, such as a missing migration, is a refusal that says
// what to do; what may pass by itself is ErrAway.
func (s *Store) Ready(ctx context.Context) error {
	var version int
	err := s.db.GetContext(ctx, &version, schemaSQL)
	if err != nil {
		return unopened(err)
	}
	if version < schemaVersion {
		return refuse(secor.ErrRefused, migrateFirst, "the database has migration %d and this program needs %d", version, schemaVersion)
	}
	return nil
}

// clock returns the desk's time as Postgres can keep it.
func (s *Store) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// today returns the day of an instant in the office's zone.
func (s *Store) today(t time.Time) secor.Date {
	return secor.DateOf(t, s.programme.Calendars[s.programme.Office].Zone)
}

func (s *Store) signal() {
	if s.Promised != nil {
		s.Promised()
	}
}
