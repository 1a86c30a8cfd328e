package main

import (
	"context"
	"strconv"

	"secordesk/store"
)

// promiseContenders are transactions that write one row and then, as their second
// statement, promise a job or write a row with the same values: into a table with
// nothing but a primary key, or into one with all that guards a job.
func promiseContenders() []contender {
	var found []contender
	for _, n := range []int{clients, 8} {
		by := strconv.Itoa(n)
		found = append(found,
			contender{name: "ours/promise-" + by, what: "ours: BEGIN, INSERT, AddJob, COMMIT by " + by + " clients", unit: "tx/s", do: transact(n, promiseJob)},
			contender{name: "plain/insert-" + by, what: "BEGIN, INSERT, INSERT, COMMIT by " + by + " clients", unit: "tx/s", do: transact(n, writeInto("bench_notes"))},
			contender{name: "plain/keyed-" + by, what: "the same, the table with a job's keys and checks", unit: "tx/s", do: transact(n, writeInto("bench_keyed"))})
	}
	return found
}

func writeInto(table string) func(context.Context, *bench, tx, int64) error {
	query := "INSERT INTO " + table + ` (kind, case_id, cause, key, audience, recipient, not_before)
		VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7 * interval '1 microsecond')`
	return func(ctx context.Context, b *bench, tx tx, n int64) error {
		j := b.job(n)
		_, err := tx.ExecContext(ctx, query, j.Kind, j.CaseID, j.Cause, j.Key, j.Audience, j.Recipient, 0)
		return err
	}
}

func promiseJob(ctx context.Context, b *bench, tx tx, n int64) error {
	return store.AddJob(ctx, tx, b.job(n), 0)
}

func transact(by int, second func(context.Context, *bench, tx, int64) error) func(context.Context, *bench) ([]float64, error) {
	return func(ctx context.Context, b *bench) ([]float64, error) {
		db := connect(b.appDSN("bench"))
		defer db.Close()
		return b.rate(ctx, by, func(ctx context.Context, n int64) error {
			return inTx(ctx, db, func(tx tx) error {
				_, err := tx.ExecContext(ctx, insertOrderSQL, keyOf(n))
				if err != nil {
					return err
				}
				return second(ctx, b, tx, n)
			})
		})
	}
}
