package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/redis/go-redis/v9"
)

// floorContenders are what Postgres, Redis and the disk do when nobody asks for
// more than the bare minimum.
func floorContenders() []contender {
	return []contender{
		{name: "floor/insert", what: "Postgres: one prepared INSERT, autocommit", unit: "tx/s", do: insertFloor},
		{name: "floor/cte", what: "Postgres: one prepared statement that inserts and updates", unit: "tx/s", do: cteFloor},
		{name: "floor/tx", what: "Postgres: BEGIN, INSERT, UPDATE, COMMIT, prepared", unit: "tx/s", do: txFloor},
		{name: "floor/redis", what: "Redis: EVALSHA of a script of three writes", unit: "calls/s", do: redisFloor},
		{name: "floor/fsync", what: "disk: write of 8 KiB and fsync, one after the other", unit: "fsync/s", do: fsyncFloor},
	}
}

func keyOf(n int64) string { return fmt.Sprintf("key:%d", n) }

func insertFloor(ctx context.Context, b *bench) ([]float64, error) {
	return b.rate(ctx, clients, func(ctx context.Context, n int64) error {
		_, err := b.owner.ExecContext(ctx, insertEffectSQL, keyOf(n))
		return err
	})
}

// addOrders gives the floors and the naive handler rows to update.
func (b *bench) addOrders(ctx context.Context, n int) error {
	_, err := b.owner.ExecContext(ctx, `INSERT INTO bench_orders (key) SELECT 'key:' || n FROM generate_series(1, $1) AS n`, n)
	return err
}

const floorOrders = 50_000

func cteFloor(ctx context.Context, b *bench) ([]float64, error) {
	err := b.addOrders(ctx, floorOrders)
	if err != nil {
		return nil, err
	}
	return b.rate(ctx, clients, func(ctx context.Context, n int64) error {
		_, err := b.owner.ExecContext(ctx, `
			WITH done AS (UPDATE bench_orders SET done = true WHERE key = $1 RETURNING key)
			INSERT INTO bench_effects (key) SELECT key FROM done`, keyOf(n))
		return err
	})
}

func txFloor(ctx context.Context, b *bench) ([]float64, error) {
	err := b.addOrders(ctx, floorOrders)
	if err != nil {
		return nil, err
	}
	return b.rate(ctx, clients, func(ctx context.Context, n int64) error { return b.naive(ctx, keyOf(n)) })
}

func redisFloor(ctx context.Context, b *bench) ([]float64, error) {
	script := redis.NewScript(`redis.call("HSET", KEYS[1], "a", ARGV[1]); redis.call("LPUSH", KEYS[2], ARGV[1]); return redis.call("EXPIRE", KEYS[1], 60)`)
	return b.rate(ctx, clients, func(ctx context.Context, n int64) error {
		return script.Run(ctx, b.redis.client, []string{keyOf(n % 1000), "list"}, n).Err()
	})
}

func fsyncFloor(ctx context.Context, b *bench) ([]float64, error) {
	file, err := os.Create(filepath.Join(b.postgres.Dir, "fsync"))
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	page := make([]byte, 8192)
	return b.rate(ctx, 1, func(context.Context, int64) error {
		_, err := file.WriteAt(page, 0)
		if err != nil {
			return err
		}
		return file.Sync()
	})
}
