package jobs_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// queue is a Redis of a test's own, which can be away.
type queue struct {
	asynq.RedisConnOpt
	settings    []string // of a real server, from its next start on
	start, stop func(t *testing.T)
}

// newQueue returns a private redis-server where one is installed, and else the
// one in Go that the demo uses. It is not started yet.
func newQueue(t *testing.T) *queue {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return newMiniQueue(t)
	}
	return newServer(t, binary)
}

// redisBinary is for what only a real server can show.
func redisBinary(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server is installed, and the one in Go cannot stand for it here")
	}
	return binary
}

// newServer returns a private redis-server with these settings beside the usual
// ones. It is not started yet, and keeps nothing when it is stopped.
func newServer(t *testing.T, binary string, settings ...string) *queue {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	var server *exec.Cmd
	q := &queue{RedisConnOpt: asynq.RedisClientOpt{Network: "unix", Addr: socket}, settings: settings}
	q.start = func(t *testing.T) {
		usual := []string{"--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir}
		server = exec.Command(binary, append(usual, q.settings...)...)
		err := server.Start()
		if err != nil {
			t.Fatal(err)
		}
		await(t, "redis-server", func() bool {
			conn, err := net.Dial("unix", socket)
			if err != nil {
				return false
			}
			conn.Close()
			return true
		})
	}
	q.stop = func(*testing.T) {
		if server != nil {
			server.Process.Kill()
			server.Wait()
		}
		server = nil
	}
	t.Cleanup(func() { q.stop(t) })
	return q
}

// newMiniQueue keeps the time to live of keys moving, which miniredis does not do by itself.
func newMiniQueue(t *testing.T) *queue {
	t.Helper()
	m := miniredis.NewMiniRedis()
	err := m.Start()
	if err != nil {
		t.Fatal(err)
	}
	address := m.Addr()
	m.Close()
	ticks := time.NewTicker(100 * time.Millisecond)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
				m.FastForward(100 * time.Millisecond)
			}
		}
	}()
	t.Cleanup(func() { ticks.Stop(); close(done); m.Close() })
	return &queue{
		RedisConnOpt: asynq.RedisClientOpt{Addr: address},
		start: func(t *testing.T) {
			err := m.Restart()
			if err != nil {
				t.Fatal(err)
			}
		},
		stop: func(*testing.T) { m.Close() },
	}
}

func (q *queue) flush(t *testing.T) {
	t.Helper()
	client := q.MakeRedisClient().(redis.UniversalClient)
	defer client.Close()
	err := client.FlushAll(t.Context()).Err()
	if err != nil {
		t.Fatal(err)
	}
}

// await asks until the answer is yes, and fails the test after half a minute.
func await(t *testing.T, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !yes() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited half a minute for: %s", what)
		}
	}
}
