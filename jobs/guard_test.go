package jobs_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"secordesk/jobs"
	"secordesk/store/secor"
)

// guarding is a guard at work.
type guarding struct {
	*jobs.Guard
	book  *logbook
	ended chan error
	stop  func()
}

func guard(t *testing.T, connect asynq.RedisConnOpt, desk string) *guarding {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	g := &guarding{book: &logbook{}, ended: make(chan error, 1), stop: cancel}
	g.Guard = jobs.NewGuard(connect, desk, slog.New(g.book))
	go func() { g.ended <- g.Run(ctx) }()
	t.Cleanup(cancel)
	return g
}

// wantRefusal waits for the refusal, which is one sentence with what to do.
func (g *guarding) wantRefusal(t *testing.T, want string) {
	t.Helper()
	var err error
	select {
	case err = <-g.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("the Redis was not refused in half a minute; logged: %q", g.book.all())
	}
	var refused *secor.Refusal
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, want) || refused.Do == "" || strings.Contains(err.Error(), "\n") {
		t.Errorf("the guard ended with %v, want a refusal with %q and what to do", err, want)
	}
}

func (g *guarding) wantGood(t *testing.T) {
	t.Helper()
	good := make(chan bool, 1)
	go func() { good <- g.Wait(t.Context()) }()
	select {
	case <-good:
	case err := <-g.ended:
		t.Fatalf("the guard ended with %v, want a Redis that is good", err)
	case <-time.After(30 * time.Second):
		t.Fatalf("the Redis was not found good in half a minute; logged: %q", g.book.all())
	}
}

func (q *queue) client(t *testing.T) redis.UniversalClient {
	t.Helper()
	client := q.MakeRedisClient().(redis.UniversalClient)
	t.Cleanup(func() { client.Close() })
	return client
}

// Each is asked of a real server with those settings.
func TestGuard_Settings(t *testing.T) {
	binary := redisBinary(t)
	tests := []struct {
		name     string
		settings []string
		connect  func(*asynq.RedisClientOpt)
		want     string // "": it is good
	}{
		{"as it should be", nil, nil, ""},
		{"bounded without eviction", []string{"--maxmemory", "100mb", "--maxmemory-policy", "noeviction"}, nil, ""},
		{"eviction without a bound", []string{"--maxmemory-policy", "allkeys-lru"}, nil, ""},
		{"eviction", []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}, nil, "maxmemory-policy allkeys-lru"},
		{"eviction of what ends", []string{"--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"}, nil, "maxmemory-policy volatile-ttl"},
		{"a replica", []string{"--replicaof", "127.0.0.1", "1"}, nil, "is a replica"},
		{"a password", []string{"--requirepass", "right"}, func(o *asynq.RedisClientOpt) { o.Password = "right" }, ""},
		{"no password", []string{"--requirepass", "right"}, nil, "wants a password"},
		{"a wrong password", []string{"--requirepass", "right"}, func(o *asynq.RedisClientOpt) { o.Password = "wrong" }, "does not take"},
		{"a password too many", nil, func(o *asynq.RedisClientOpt) { o.Password = "right" }, ""},
		{"a user who may do nothing", []string{"--user", "desk", "on", ">right", "+ping"}, func(o *asynq.RedisClientOpt) { o.Username, o.Password = "desk", "right" }, "does not let this user"},
		{"a user who may do what is needed", []string{"--user", "desk", "on", ">right", "~asynq:*", "~secordesk:*", "&asynq:*", "+@all", "-info"},
			func(o *asynq.RedisClientOpt) { o.Username, o.Password = "desk", "right" }, ""},
		{"no such database", nil, func(o *asynq.RedisClientOpt) { o.DB = 16 }, "no database of this number"},
		{"a node of a cluster", []string{"--cluster-enabled", "yes"}, nil, "node of a cluster"},
		{"a database of a cluster", []string{"--cluster-enabled", "yes"}, func(o *asynq.RedisClientOpt) { o.DB = 1 }, "node of a cluster"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := newServer(t, binary, tt.settings...)
			q.start(t)
			connect := q.RedisConnOpt.(asynq.RedisClientOpt)
			if tt.connect != nil {
				tt.connect(&connect)
			}
			g := guard(t, connect, "this desk")
			if tt.want != "" {
				g.wantRefusal(t, tt.want)
				return
			}
			g.wantGood(t)
		})
	}
}

// What a server says that is not at hand: old ones, Valkey, one that still loads.
func TestGuard_Info(t *testing.T) {
	tests := []struct {
		name, info, want string
	}{
		{"version 6", "redis_version:6.2.14\r\nmaxmemory_policy:noeviction\r\nrole:master\r\n", "is version 6.2.14"},
		{"version 10", "redis_version:10.0.0\r\nmaxmemory_policy:noeviction\r\nrole:master\r\n", ""},
		{"Valkey 8", "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nserver_mode:standalone\r\nmaxmemory_policy:noeviction\r\nrole:master\r\n", ""},
		{"eviction, and no word of a bound", "redis_version:7.2.4\r\nmaxmemory_policy:volatile-lru\r\n", "volatile-lru"},
		{"a sentinel", "redis_version:7.0.15\r\nredis_mode:sentinel\r\n", "is a sentinel"},
		{"silence", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := guard(t, fakeRedis(t, func() string { return tt.info }), "this desk")
			if tt.want != "" {
				g.wantRefusal(t, tt.want)
				return
			}
			g.wantGood(t)
		})
	}
}

// A Redis that loads its data is waited for.
func TestGuard_Loading(t *testing.T) {
	asked := 0
	g := guard(t, fakeRedis(t, func() string {
		asked++
		if asked == 1 {
			return "redis_version:7.0.15\r\nloading:1\r\n"
		}
		return "redis_version:7.0.15\r\nloading:0\r\n"
	}), "this desk")
	g.wantGood(t)
	if lines := strings.Join(g.book.all(), "\n"); !strings.Contains(lines, "ERROR waiting who=redis") || !strings.Contains(lines, "INFO going on") {
		t.Errorf("logged:\n%s", lines)
	}
}

// fakeRedis is a server that knows its INFO and one key.
func fakeRedis(t *testing.T, info func() string) asynq.RedisConnOpt {
	t.Helper()
	owner := ""
	return fakeServer(t, map[string]server.Cmd{
		"INFO":  func(c *server.Peer, _ string, _ []string) { c.WriteBulk(info()) },
		"SETNX": func(c *server.Peer, _ string, args []string) { owner = args[1]; c.WriteInt(1) },
		"GET": func(c *server.Peer, _ string, _ []string) {
			if owner == "" {
				c.WriteNull()
				return
			}
			c.WriteBulk(owner)
		},
	})
}

// fakeServer is a server that knows these commands.
func fakeServer(t *testing.T, commands map[string]server.Cmd) asynq.RedisConnOpt {
	t.Helper()
	s, err := server.NewServer("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for name, answer := range commands {
		err := s.Register(name, answer)
		if err != nil {
			t.Fatal(err)
		}
	}
	return asynq.RedisClientOpt{Addr: s.Addr().String()}
}

// A Redis serves one desk until a person frees it.
func TestGuard_AnothersRedis(t *testing.T) {
	q := newQueue(t)
	q.start(t)
	mine := guard(t, q.RedisConnOpt, "mine")
	mine.wantGood(t)
	again := guard(t, q.RedisConnOpt, "mine")
	again.wantGood(t)
	theirs := guard(t, q.RedisConnOpt, "theirs")
	theirs.wantRefusal(t, "serves another desk (mine, this one is theirs)")
	if theirs.Wait(canceled(t)) {
		t.Error("who waits is told that another's Redis is good")
	}
	mine.stop()
	again.stop()
	err := q.client(t).Del(t.Context(), "secordesk:desk").Err()
	if err != nil {
		t.Fatal(err)
	}
	guard(t, q.RedisConnOpt, "theirs").wantGood(t)
}

// Another desk takes the Redis between the question whose it is and the answer.
func TestGuard_AnotherWasFaster(t *testing.T) {
	asked := 0
	connect := fakeServer(t, map[string]server.Cmd{
		"INFO":  func(c *server.Peer, _ string, _ []string) { c.WriteBulk("redis_version:7.0.15\r\n") },
		"SETNX": func(c *server.Peer, _ string, _ []string) { c.WriteInt(0) },
		"GET": func(c *server.Peer, _ string, _ []string) {
			asked++
			if asked == 1 {
				c.WriteNull()
				return
			}
			c.WriteBulk("theirs")
		},
	})
	g := guard(t, connect, "mine")
	g.wantRefusal(t, "serves another desk (theirs, this one is mine)")
	if said := g.book.all(); len(said) > 0 {
		t.Errorf("it was refused only after %q", said)
	}
	if g.Wait(canceled(t)) {
		t.Error("who waits is told that another's Redis is good")
	}
}

// What stands in its place after an outage is looked at again.
func TestGuard_AnotherInItsPlace(t *testing.T) {
	q := newServer(t, redisBinary(t))
	q.start(t)
	g := guard(t, q.RedisConnOpt, "mine")
	g.wantGood(t)
	q.stop(t)
	q.settings = []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-random"}
	q.start(t)
	g.wantRefusal(t, "maxmemory-policy allkeys-random")
}

// Away is no refusal: it is said once, and the check is made when Redis is there.
func TestGuard_Away(t *testing.T) {
	q := newQueue(t)
	g := guard(t, q.RedisConnOpt, "mine")
	await(t, "the guard to wait", func() bool { return len(g.book.all()) > 0 })
	if g.Wait(canceled(t)) {
		t.Error("a Redis that is away was found good")
	}
	q.start(t)
	g.wantGood(t)
	if lines := g.book.all(); len(lines) != 2 || !strings.HasPrefix(lines[0], "ERROR waiting who=redis") || lines[1] != "INFO going on who=redis" {
		t.Errorf("logged %q", lines)
	}
}

// A server that speaks no TLS keeps silent when it is greeted with it, or hangs up.
func TestGuard_NoTLS(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	plain := fakeServer(t, nil).(asynq.RedisClientOpt)
	for name, address := range map[string]string{"silent": silent.Addr().String(), "plain": plain.Addr} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			g := guard(t, asynq.RedisClientOpt{Addr: address, TLSConfig: &tls.Config{}}, "mine")
			await(t, "the guard to wait", func() bool { return len(g.book.all()) > 0 })
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("it waited only after %s", took)
			}
			_, err := jobs.AskRedis(t.Context(), asynq.RedisClientOpt{Addr: address, TLSConfig: &tls.Config{}})
			if err == nil || !strings.Contains(err.Error(), "TLS failed or timed out") || errors.Is(err, secor.ErrRefused) {
				t.Errorf("AskRedis = %v", err)
			}
		})
	}
}

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
