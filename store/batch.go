package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Batch runs do with a store of which all writes go into one transaction, and
// commits when do returns nil; otherwise none of them stays. A refusal inside do
// undoes only the act that was refused, so that do may go on and collect more of
// them. Acts look and are recorded as they are outside.
//
// Until the end nobody else registers anything or takes a step: read all input
// before. Do runs again after a lost connection and must rely on nothing that an
// earlier run left in memory. It writes through inside alone, because s would wait
// for the batch and the batch for s. Job methods are not for use inside.
func (s *Store) Batch(ctx context.Context, do func(inside *Store) error) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		// Taken here in their order, because the acts come in any.
		for _, l := range []lock{lockDesk, lockRoster} {
			err := l.take(ctx, tx)
			if err != nil {
				return fmt.Errorf("lock desk: %w", err)
			}
		}
		return do(&Store{Grace: s.Grace, db: s.db, programme: s.programme, now: s.now, batch: tx})
	})
	if err == nil {
		s.signal()
	}
	return err
}

// inBatch runs do as inTx does, with a savepoint in the place of a transaction.
// Constraints that wait for COMMIT are checked at its end, so that it is this act
// that fails and not the batch.
func (s *Store) inBatch(ctx context.Context, do func(tx *sqlx.Tx) error) error {
	_, err := s.batch.ExecContext(ctx, `SAVEPOINT act`)
	if err != nil {
		return fmt.Errorf("set savepoint: %w", err)
	}
	err = do(s.batch)
	if err == nil {
		_, err = s.batch.ExecContext(ctx, `SET CONSTRAINTS ALL IMMEDIATE`)
		err = asRefusal(err)
	}
	end := `SET CONSTRAINTS ALL DEFERRED; RELEASE SAVEPOINT act`
	if err != nil {
		end = `ROLLBACK TO SAVEPOINT act; RELEASE SAVEPOINT act`
	}
	_, endErr := s.batch.ExecContext(ctx, end)
	if endErr != nil && err == nil {
		return fmt.Errorf("end savepoint: %w", endErr)
	}
	if endErr != nil {
		// The batch is lost; a refusal must not hide that.
		return fmt.Errorf("take back act: %w (after: %v)", endErr, err)
	}
	return err
}

// queries is where a single query reads from.
type queries interface {
	sqlx.QueryerContext
	SelectContext(ctx context.Context, into any, query string, args ...any) error
}

func (s *Store) reads() queries {
	if s.batch != nil {
		return s.batch
	}
	return s.db
}
