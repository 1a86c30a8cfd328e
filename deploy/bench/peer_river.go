package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverArgs is what a job of River carries.
type riverArgs struct {
	Key string `json:"key"`
}

// Kind names the job.
func (riverArgs) Kind() string { return "bench" }

// riverWorker inserts the effect and completes the job in one transaction, as
// River's manual says. Begun and done may be nil.
type riverWorker struct {
	river.WorkerDefaults[riverArgs]
	pool  *pgxpool.Pool
	begun func(key string)
	done  func()
}

// Work does one job.
func (w *riverWorker) Work(ctx context.Context, job *river.Job[riverArgs]) error {
	if w.begun != nil {
		w.begun(job.Args.Key)
	}
	err := pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO bench_effects (key) VALUES ($1)`, job.Args.Key)
		if err != nil {
			return err
		}
		_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
	if err == nil && w.done != nil {
		w.done()
	}
	return err
}

func (b *bench) prepareRiver(ctx context.Context) error {
	pool, err := b.pgx(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet()})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// pgx returns a pool of River's own driver, which the caller closes.
func (b *bench) pgx(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(b.postgres.DSN("bench"))
	if err != nil {
		return nil, err
	}
	config.MaxConns = clients
	return pgxpool.NewWithConfig(ctx, config)
}

// riverClient starts a client with so many workers, tuned for speed: it looks
// every 2 ms while there is work, every 20 ms otherwise, and listens.
func (b *bench) riverClient(ctx context.Context, workers int, begun func(string), done func()) (*river.Client[pgx.Tx], *pgxpool.Pool, error) {
	pool, err := b.pgx(ctx)
	if err != nil {
		return nil, nil, err
	}
	known := river.NewWorkers()
	river.AddWorker(known, &riverWorker{pool: pool, begun: begun, done: done})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		Workers: known, FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond, Logger: quiet(),
	})
	if err != nil {
		return nil, nil, err
	}
	return client, pool, client.Start(ctx)
}

func stopRiver(client *river.Client[pgx.Tx]) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client.Stop(ctx)
}

func pathRiver(workers int) func(context.Context, *bench) ([]float64, error) {
	return func(ctx context.Context, b *bench) ([]float64, error) {
		t := newTally(b, b.options.jobs)
		client, pool, err := b.riverClient(ctx, workers, nil, t.add)
		if err != nil {
			return nil, err
		}
		defer pool.Close()
		defer stopRiver(client)
		promising, err := b.pgx(ctx)
		if err != nil {
			return nil, err
		}
		defer promising.Close()
		return t.path(ctx, func(ctx context.Context, n int64) error {
			return pgx.BeginFunc(ctx, promising, func(tx pgx.Tx) error {
				_, err := client.InsertTx(ctx, tx, riverArgs{Key: keyOf(n)}, nil)
				return err
			})
		})
	}
}
