package main

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hibiken/asynq"
)

func TestRedisURL(t *testing.T) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	tests := []struct {
		text string
		want asynq.RedisConnOpt
	}{
		{"redis://queue", asynq.RedisClientOpt{Addr: "queue:6379"}},
		{"redis://queue/", asynq.RedisClientOpt{Addr: "queue:6379"}},
		{"redis://:pw@queue:7000/3", asynq.RedisClientOpt{Addr: "queue:7000", Password: "pw", DB: 3}},
		{"redis://desk:pw@[::1]:7000", asynq.RedisClientOpt{Addr: "[::1]:7000", Username: "desk", Password: "pw"}},
		{"redis://[fe80::1]/15", asynq.RedisClientOpt{Addr: "[fe80::1]:6379", DB: 15}},
		{"redis://d%40:%2F%3A%40%23%3F%25%2B+@queue/1", asynq.RedisClientOpt{Addr: "queue:6379", Username: "d@", Password: "/:@#?%++", DB: 1}},
		{"rediss://desk:pw@queue", asynq.RedisClientOpt{Addr: "queue:6379", Username: "desk", Password: "pw", TLSConfig: secure}},
		{"redis-socket:///run/redis.sock", asynq.RedisClientOpt{Network: "unix", Addr: "/run/redis.sock"}},
		{"redis-socket://:p%40@/run/redis.sock?db=2", asynq.RedisClientOpt{Network: "unix", Addr: "/run/redis.sock", Password: "p@", DB: 2}},
		{"redis-sentinel://a,b:7?master=desk", asynq.RedisFailoverClientOpt{MasterName: "desk", SentinelAddrs: []string{"a:26379", "b:7"}}},
		{"redis-sentinel://u:p%2Cw@a:1,[::1]:2,c:3/4?master=desk&sentinel_user=s&sentinel_password=%26x", asynq.RedisFailoverClientOpt{MasterName: "desk",
			SentinelAddrs: []string{"a:1", "[::1]:2", "c:3"}, Username: "u", Password: "p,w", DB: 4, SentinelUsername: "s", SentinelPassword: "&x"}},
		{"rediss-sentinel://a?master=desk", asynq.RedisFailoverClientOpt{MasterName: "desk", SentinelAddrs: []string{"a:26379"}, TLSConfig: secure}},
		{"redis-cluster://u:pw@a:7000,b:7001,c", asynq.RedisClusterClientOpt{Addrs: []string{"a:7000", "b:7001", "c:6379"}, Username: "u", Password: "pw"}},
		{"rediss-cluster://a/0", asynq.RedisClusterClientOpt{Addrs: []string{"a:6379"}, TLSConfig: secure}},
	}
	for _, tt := range tests {
		var got redisURL
		err := got.UnmarshalText([]byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		diff := cmp.Diff(tt.want, got.connect, cmpopts.IgnoreUnexported(tls.Config{}))
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestRedisURL_EveryFormShownIsGood(t *testing.T) {
	for scheme, form := range redisForms {
		var u redisURL
		err := u.UnmarshalText([]byte(form))
		if err != nil || !strings.HasPrefix(form, scheme+"://") {
			t.Errorf("%s: %s: %v", scheme, form, err)
		}
	}
}

// TestRedisURL_Bad: each is refused with its own reason, which repeats no part of it.
func TestRedisURL_Bad(t *testing.T) {
	tests := []struct {
		text, want string
	}{
		{"s3cret", "is not a Redis address; write it as "},
		{"s3cret:6379", "is not a Redis address; write it as "},
		{"://s3cret", "is not a Redis address; write it as "},
		{"http://s3cret", "is not a Redis address; write it as "},
		{"rediss-socket:///s3cret", "is not a Redis address; write it as "},
		{"redis://", "it names no host; write it as redis://"},
		{"redis://:s3cret@", "it names no host"},
		{"redis://:s3cret@:6379", "it names no host"},
		{"redis:///0", "it names no host"},
		{"redis-cluster://a,,s3cret", "it names no host"},
		{"redis-sentinel://?master=s3cret", "it names no host"},
		{"redis://:s3cret@queue:0", "its port must be a number from 1 to 65535"},
		{"redis://:s3cret@queue:99999", "its port must be"},
		{"redis://:s3cret@queue:", "its port must be"},
		{"redis://:s3cret/x@queue:6379", "it is not percent-encoded well"},
		{"redis://:s3cret#x@queue:6379", "it is not percent-encoded well"},
		{"redis://:s3cret%zz@queue:6379", "it is not percent-encoded well"},
		{"redis://:s3cret?x@queue:6379", "it is not percent-encoded well"},
		{"redis://:s3cret@queue:6379/0#1", "it is not percent-encoded well"},
		{"redis://:s3cret@queue:6379/0?x=%zz", "it is not percent-encoded well"},
		{"redis://s3cret@queue", "it has a user and no password"},
		{"redis://:s3cret@a:1,b:2", "it names several hosts"},
		{"redis://:s3cret@queue one", "its host is not a name or an IP address"},
		{"redis://:s3cret@queue\x00", "its host is not a name"},
		{"redis://:s3cret@::1", "its host is not a name or an IP address"},
		{"redis://:s3cret@queue/-1", "its database must be a number from 0 to 65535"},
		{"redis://:s3cret@queue/65536", "its database must be"},
		{"redis://:s3cret@queue/zero", "its database must be"},
		{"redis://:s3cret@queue/0/1", "its database must be"},
		{"redis-socket:///s3cret?db=x", "its database must be"},
		{"redis-sentinel://:s3cret@a/x?master=m", "its database must be"},
		{"redis-socket://s3cret/run", "it must name a path that begins with a slash, and no host"},
		{"redis-socket://", "it must name a path"},
		{"redis-sentinel://:s3cret@a:1", "it does not say which master"},
		{"redis-sentinel://:s3cret@a:1?master=m&master=n", "it says master twice"},
		{"redis-sentinel://a:1?master=m&s3cret=1", "it has a parameter other than master, sentinel_user, sentinel_password"},
		{"redis://queue?db=1", "it takes no parameters"},
		{"redis-cluster://:s3cret@a/1", "a cluster has only database 0"},
	}
	for _, tt := range tests {
		environ := goodEnvironment()
		environ["REDIS_URL"] = tt.text
		cfg, err := readConfig[clockConfig](environ)
		if err == nil || !strings.Contains(err.Error(), "REDIS_URL is not a Redis address") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.text, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error repeats a part of it: %v", tt.text, err)
		}
		if cfg.RedisURL.connect != nil {
			t.Errorf("%s: there is a connection to it", tt.text)
		}
	}
}

func TestRedisURL_File(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis")
	err := os.WriteFile(path, []byte("redis-cluster://:s3cret@a:7000,b:7001\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	environ := goodEnvironment()
	environ["REDIS_URL"], environ["REDIS_URL_FILE"] = "", path
	cfg, err := readConfig[clockConfig](environ)
	cluster, is := cfg.RedisURL.connect.(asynq.RedisClusterClientOpt)
	if err != nil || !is || cluster.Password != "s3cret" || len(cluster.Addrs) != 2 {
		t.Errorf("read from a file: %v", err)
	}
}
