package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"secordesk/schema"
	"secordesk/store/devdb"
	"secordesk/store/secor"
)

// bench is the servers that all contenders share, and what they stand on.
type bench struct {
	options   options
	progress  io.Writer
	began     time.Time
	postgres  *devdb.Server
	redis     *redisServer
	owner     *pool // with the rights of the owner
	programme *secor.Programme
	causes    []cause // that promised jobs follow from
	shut      []func()

	before, spent effort // of the measurement under way
}

// A contender's own tables. A unique key holds that a job has its effect once.
const benchSchema = `
	CREATE TABLE bench_effects (key text PRIMARY KEY, done_at timestamptz NOT NULL DEFAULT now());
	CREATE TABLE bench_orders (key text PRIMARY KEY, done boolean NOT NULL DEFAULT false);
	CREATE TABLE bench_notes (
		id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		kind       text NOT NULL,
		case_id    bigint NOT NULL,
		cause      integer NOT NULL,
		key        text NOT NULL,
		audience   text NOT NULL,
		recipient  text NOT NULL,
		not_before timestamptz NOT NULL
	);
	CREATE TABLE bench_keyed (LIKE jobs INCLUDING ALL);
	ALTER TABLE bench_keyed ADD FOREIGN KEY (case_id) REFERENCES cases (id),
		ADD FOREIGN KEY (stream, cause) REFERENCES events (stream, seq);
	GRANT SELECT, INSERT, UPDATE ON bench_effects, bench_orders, bench_notes, bench_keyed TO secordesk_app;`

// open starts both servers and makes the desk that the jobs belong to.
func open(ctx context.Context, o options, progress io.Writer) (*bench, error) {
	b := &bench{options: o, progress: progress, began: time.Now()}
	err := b.start(ctx)
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) start(ctx context.Context) error {
	var err error
	b.redis, err = startRedis(ctx)
	if err != nil {
		return err
	}
	b.shut = append(b.shut, b.redis.stop)
	b.postgres, err = devdb.Start(ctx, devdb.Options{Durable: true, Bin: os.Getenv("SECOR_PG_BIN"), MaxConn: 300})
	if err != nil {
		return err
	}
	b.shut = append(b.shut, func() { b.postgres.Stop() })
	b.programme, err = schema.Load()
	if err != nil {
		return err
	}
	b.owner, err = b.office(ctx, "bench")
	if err != nil {
		return err
	}
	b.causes, err = b.openCases(ctx, b.owner, 256)
	if err != nil {
		return fmt.Errorf("open cases: %w", err)
	}
	return b.prepareRiver(ctx)
}

// office makes a database with the desk's schema and the bench's tables, and
// returns it with its owner's rights.
func (b *bench) office(ctx context.Context, name string) (*pool, error) {
	admin := connect(b.postgres.DSN("postgres"))
	defer admin.Close()
	_, err := admin.ExecContext(ctx, "CREATE DATABASE "+name)
	if err != nil {
		return nil, err
	}
	db := connect(b.postgres.DSN(name))
	b.shut = append(b.shut, func() { db.Close() })
	err = schema.Migrate(ctx, db.DB.DB)
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, benchSchema)
	return db, err
}

// appDSN has the rights of the application and commits as it does.
func (b *bench) appDSN(name string) string {
	return b.postgres.DSN(name) + " options='-c role=secordesk_app -c synchronous_commit=on'"
}

// fresh empties every table of jobs and effects, and Redis, and writes what is
// dirty to disk, so that no contender pays for another.
func (b *bench) fresh(ctx context.Context) error {
	_, err := b.owner.ExecContext(ctx, `TRUNCATE jobs, bench_effects, bench_orders, bench_notes, bench_keyed, river_job CASCADE`)
	if err != nil {
		return err
	}
	_, err = b.owner.ExecContext(ctx, `CHECKPOINT`)
	if err != nil {
		return err
	}
	return b.redis.flush(ctx)
}

func (b *bench) close() {
	for i := range b.shut {
		b.shut[len(b.shut)-1-i]()
	}
}

// redisServer is a private redis-server without persistence, on a socket.
type redisServer struct {
	pid    int
	socket string
	client *redis.Client
	stop   func()
}

func startRedis(ctx context.Context) (*redisServer, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("there is no redis-server on the PATH, and nothing else stands for it here: apt install redis-server, or brew install redis")
	}
	dir, err := os.MkdirTemp("", "bench") // a socket's name must be short
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "s")
	// It does not end with us on ^C, but when we stop it.
	server := exec.Command(binary, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir)
	server.SysProcAttr = apart()
	err = server.Start()
	if err != nil {
		return nil, err
	}
	s := &redisServer{pid: server.Process.Pid, socket: socket, client: redis.NewClient(&redis.Options{Network: "unix", Addr: socket, PoolSize: clients})}
	s.stop = func() { s.client.Close(); server.Process.Kill(); server.Wait(); os.RemoveAll(dir) }
	err = s.await(ctx)
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	return s, nil
}

func (s *redisServer) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		conn, err := net.Dial("unix", s.socket)
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// queue returns how asynq reaches one of the server's databases.
func (s *redisServer) queue(db int) asynq.RedisClientOpt {
	return asynq.RedisClientOpt{Network: "unix", Addr: s.socket, DB: db, PoolSize: 2 * clients}
}

func (s *redisServer) flush(ctx context.Context) error { return s.client.FlushAll(ctx).Err() }
