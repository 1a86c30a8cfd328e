package store

import (
	"context"
	"io"

	"github.com/jmoiron/sqlx"
)

// VerifyIn is Verify inside a transaction.
func VerifyIn(ctx context.Context, tx *sqlx.Tx) (Report, error) {
	v := newVerifier()
	err := feed(ctx, tx, v.take)
	return v.report(), err
}

// ExportIn is Export inside a transaction.
func ExportIn(ctx context.Context, tx *sqlx.Tx, w io.Writer) error { return export(ctx, tx, w) }

// SnakeCase is what names columns.
var SnakeCase = snakeCase

// OpenDB is the pool that Open makes.
var OpenDB = openDB

// Unopened is what Ready makes of an error.
var Unopened = unopened

// SchemaVersion is the migration that Open asks for.
const SchemaVersion = schemaVersion

// Database is what the store works on.
func (s *Store) Database() *sqlx.DB { return s.db }

// Locks that a test may hold itself.
const (
	LockDesk   = int64(lockDesk)
	LockRoster = int64(lockRoster)
)

// LockNumbers is the lock of who gives a certificate its number.
const LockNumbers = int64(lockNumbers)
