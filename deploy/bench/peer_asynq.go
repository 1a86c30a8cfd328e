package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

const asynqTask = "bench:task"

// asynqServer runs a bare server until the returned function is called.
func (b *bench) asynqServer(check time.Duration, queue string, n int, do asynq.HandlerFunc) (func(), error) {
	server := asynq.NewServer(b.redis.queue(0), asynq.Config{
		Concurrency: n, Queues: map[string]int{queue: 1}, TaskCheckInterval: check, Logger: mute{}, LogLevel: asynq.FatalLevel,
	})
	err := server.Start(do)
	return server.Shutdown, err
}

// mute is what asynq logs to.
type mute struct{ io.Writer }

func (mute) Debug(...any) {}
func (mute) Info(...any)  {}
func (mute) Warn(...any)  {}
func (mute) Error(...any) {}
func (mute) Fatal(...any) {}

// drainAsynq enqueues n tasks, then starts a server and times how it empties the queue.
func (b *bench) drainAsynq(ctx context.Context, n int, do func(ctx context.Context, key string) error) ([]float64, error) {
	client := asynq.NewClient(b.redis.queue(0))
	defer client.Close()
	t := newTally(b, n)
	err := byClients(ctx, 1, t.want, func(ctx context.Context, n int64) error {
		_, err := client.EnqueueContext(ctx, asynq.NewTask(asynqTask, []byte(keyOf(n))))
		return err
	})
	if err != nil {
		return nil, err
	}
	stop, err := b.asynqServer(0, "default", clients, func(ctx context.Context, task *asynq.Task) error {
		err := do(ctx, string(task.Payload()))
		if err == nil {
			t.add()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	defer stop()
	return t.rate(ctx)
}

func drainNoop(ctx context.Context, b *bench) ([]float64, error) {
	return b.drainAsynq(ctx, 4*b.options.jobs, func(context.Context, string) error { return nil })
}

func drainNaive(ctx context.Context, b *bench) ([]float64, error) {
	err := b.addOrders(ctx, b.options.jobs+warmth(b.options.jobs))
	if err != nil {
		return nil, err
	}
	return b.drainAsynq(ctx, b.options.jobs, b.naive)
}

// naive is what one writes first: a transaction in the handler.
func (b *bench) naive(ctx context.Context, key string) error {
	return inTx(ctx, b.owner, func(tx tx) error {
		_, err := tx.ExecContext(ctx, insertEffectSQL, key)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE bench_orders SET done = true WHERE key = $1`, key)
		return err
	})
}

// pathNaive writes twice, to Postgres and then to Redis: what falls between is lost.
func pathNaive(ctx context.Context, b *bench) ([]float64, error) {
	client := asynq.NewClient(b.redis.queue(0))
	defer client.Close()
	t := newTally(b, b.options.jobs)
	stop, err := b.asynqServer(10*time.Millisecond, "default", clients, func(ctx context.Context, task *asynq.Task) error {
		err := b.naive(ctx, string(task.Payload()))
		if err == nil {
			t.add()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	defer stop()
	db := connect(b.appDSN("bench"))
	defer db.Close()
	return t.path(ctx, func(ctx context.Context, n int64) error {
		err := inTx(ctx, db, func(tx tx) error {
			_, err := tx.ExecContext(ctx, insertOrderSQL, keyOf(n))
			return err
		})
		if err != nil {
			return err
		}
		_, err = client.EnqueueContext(ctx, asynq.NewTask(asynqTask, []byte(keyOf(n))))
		return err
	})
}
