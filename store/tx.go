package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// Pool sizes suit two to four cores; group commit wants some concurrency.
const (
	maxConns    = 16
	engineConns = 8
	maxConnIdle = 5 * time.Minute
)

func openDB(c driver.Connector, most int) *sql.DB {
	db := sql.OpenDB(&preparing{Connector: c})
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most) // opening one costs more than many jobs
	db.SetConnMaxIdleTime(maxConnIdle)
	return db
}

// txAttempts bounds how often a transaction is tried before its fault is returned.
const txAttempts = 6

// inTx runs do in a transaction and commits. After a deadlock, a lost connection
// or a lost answer to COMMIT it runs again, so do must first look whether its act
// is recorded already, and must not rely on what an earlier run left in memory.
func (s *Store) inTx(ctx context.Context, do func(tx *sqlx.Tx) error) error {
	if s.batch != nil {
		return s.inBatch(ctx, do)
	}
	return again(ctx, func() error { return s.tryTx(ctx, do) })
}

// again runs do until it succeeds, is refused, or has failed txAttempts times.
func again(ctx context.Context, do func() error) error {
	pause := 5 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || ctx.Err() != nil || attempt == txAttempts || !transient(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

func (s *Store) tryTx(ctx context.Context, do func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after Commit it does nothing
	err = do(tx)
	if err != nil {
		return err
	}
	err = tx.Commit()
	if err != nil {
		return fmt.Errorf("commit: %w", asRefusal(err))
	}
	return nil
}

// snapshot runs read in a transaction that sees one moment of the database.
func (s *Store) snapshot(ctx context.Context, read func(tx *sqlx.Tx) error) error {
	if s.batch != nil {
		return read(s.batch)
	}
	tx, err := s.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	return read(tx)
}

// Locks that are not a row. Every transaction takes what it needs in this order,
// and only then company and case.
type lock int64

const (
	lockDesk    lock = 0x5ec0_0001 + iota // the desk's stream and the register of companies
	lockRoster                            // who works here: shared by every step
	lockAssign                            // who gets an audit: loads are true only under it
	lockNumbers                           // who gives a certificate its number; the only one that is taken last
)

func (l lock) take(ctx context.Context, tx *sqlx.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(l))
	return err
}

func (l lock) share(ctx context.Context, tx *sqlx.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, int64(l))
	return err
}

// transient reports a fault after which the same transaction may succeed. After
// some of them it may also have been committed; its act tells.
func transient(err error) bool {
	var e *pq.Error
	if errors.As(err, &e) {
		switch e.Code {
		case pqerror.QueryCanceled: // by us
			return false
		case pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected:
			return true
		}
		going := e.Code.Class() == pqerror.ClassConnectionException || e.Code.Class() == pqerror.ClassOperatorIntervention
		// The constraint: another transaction is recording the same act.
		return going || e.Constraint == "events_act_is_unique"
	}
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}
