package jobs_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"secordesk/jobs"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// node is one process of a set of Redis servers, on a port of its own.
type node struct {
	address, port string
	process       *exec.Cmd
	redis         *redis.Client
}

// startNode starts a private redis-server on a free port with these settings.
func startNode(t *testing.T, settings ...string) *node {
	t.Helper()
	binary := redisBinary(t)
	n := &node{port: freePort(t)}
	n.address = "127.0.0.1:" + n.port
	dir := t.TempDir()
	args := []string{"--bind", "127.0.0.1", "--port", n.port, "--dir", dir}
	if settings[len(settings)-1] == "--sentinel" { // which keeps what it learns in its configuration
		file := filepath.Join(dir, "sentinel.conf")
		err := os.WriteFile(file, nil, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		args = append([]string{file}, args...)
	} else {
		args = append(args, "--save", "", "--appendonly", "no")
	}
	n.process = exec.Command(binary, append(args, settings...)...)
	err := n.process.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.kill() })
	n.redis = redis.NewClient(&redis.Options{Addr: n.address})
	t.Cleanup(func() { n.redis.Close() })
	await(t, "a redis-server", func() bool {
		conn, err := net.Dial("tcp", n.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return n
}

func (n *node) kill() { n.process.Process.Kill(); n.process.Wait() }

func (n *node) do(t *testing.T, args ...any) {
	t.Helper()
	err := n.redis.Do(t.Context(), args...).Err()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// says waits until INFO has a line.
func (n *node) says(t *testing.T, line string) {
	t.Helper()
	await(t, line, func() bool { return strings.Contains(n.redis.Info(t.Context()).Val(), line) })
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// startSentinel returns one that watches a master under the name "desk", and is enough to depose it.
func startSentinel(t *testing.T, master *node) *node {
	t.Helper()
	s := startNode(t, "--sentinel")
	s.do(t, "SENTINEL", "MONITOR", "desk", "127.0.0.1", master.port, 1)
	s.do(t, "SENTINEL", "SET", "desk", "down-after-milliseconds", 500, "failover-timeout", 2000)
	return s
}

// bothEnds takes a request from its promise to the letter behind it, over two
// queues, and looks at the Redis as worker and clock do.
func (b *bench) bothEnds(t *testing.T) {
	t.Helper()
	guard(t, b.queue.RedisConnOpt, "this desk").wantGood(t)
	b.engine(t)
	id := b.request(t)
	b.awaitQuiet(t)
	b.wantEvents(t, id, secor.EventLetterSent, 1)
	b.wantJob(t, id, secor.JobNotRequired, promise.Done, 1)
}

func TestFleet_Sentinel(t *testing.T) {
	master := startNode(t, "--maxmemory-policy", "noeviction")
	sentinel := startSentinel(t, master)
	b := newBench(t)
	b.queue = &queue{RedisConnOpt: asynq.RedisFailoverClientOpt{MasterName: "desk", SentinelAddrs: []string{sentinel.address}, DB: 3}}
	b.bothEnds(t)
	inThird := redis.NewClient(&redis.Options{Addr: master.address, DB: 3})
	defer inThird.Close()
	if n := inThird.Exists(t.Context(), "asynq:queues", "secordesk:desk").Val(); n != 2 {
		t.Errorf("%d of 2 keys are in database 3 of the master", n)
	}
}

// Asked directly, neither the sentinel nor the replica is taken for a Redis.
func TestFleet_NotTheMaster(t *testing.T) {
	master := startNode(t, "--maxmemory-policy", "noeviction")
	replica := startNode(t, "--replicaof", "127.0.0.1", master.port)
	sentinel := startSentinel(t, master)
	guard(t, asynq.RedisClientOpt{Addr: replica.address}, "this desk").wantRefusal(t, "is a replica")
	guard(t, asynq.RedisClientOpt{Addr: sentinel.address}, "this desk").wantRefusal(t, "is a sentinel")
	guard(t, asynq.RedisClusterClientOpt{Addrs: []string{master.address}}, "this desk").wantRefusal(t, "is no cluster")
}

// The master dies with wake-ups in it that its replica may not have; the replica
// takes over, and every job is done once.
func TestFleet_FailOver(t *testing.T) {
	onlyLong(t, "a sentinel takes ten seconds to know of a replica")
	master := startNode(t, "--maxmemory-policy", "noeviction")
	replica := startNode(t, "--replicaof", "127.0.0.1", master.port)
	replica.says(t, "master_link_status:up")
	sentinel := startSentinel(t, master)
	sentinel.says(t, "slaves=1")
	b := newBench(t)
	b.queue = &queue{RedisConnOpt: asynq.RedisFailoverClientOpt{MasterName: "desk", SentinelAddrs: []string{sentinel.address}}}
	watch := guard(t, b.queue.RedisConnOpt, "this desk")
	watch.wantGood(t)
	var ids []secor.CaseID
	for range 200 {
		ids = append(ids, b.request(t))
	}
	b.engine(t)
	await(t, "twenty letters", func() bool { return len(b.post.sent()) >= 20 })
	master.kill()
	killed := time.Now()
	replica.says(t, "role:master")
	t.Logf("the replica is master %.1f s after kill -9", time.Since(killed).Seconds())
	b.awaitQuiet(t)
	t.Logf("drained %.1f s after kill -9", time.Since(killed).Seconds())
	for _, id := range ids {
		b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
		b.wantEvents(t, id, secor.EventLetterSent, 1)
	}
	if n := len(b.post.sent()); n != len(ids) {
		t.Errorf("%d letters, want %d", n, len(ids))
	}
	select {
	case err := <-watch.ended:
		t.Errorf("the guard ended with %v", err)
	default:
	}
}

// Three masters, with the queues spread over them.
func TestFleet_Cluster(t *testing.T) {
	var nodes []*node
	for i := range 3 {
		bus := freePort(t)
		n := startNode(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-announce-ip", "127.0.0.1", "--maxmemory-policy", "noeviction")
		n.do(t, "CLUSTER", "ADDSLOTSRANGE", i*16384/3, (i+1)*16384/3-1)
		n.do(t, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
		for _, other := range nodes[:min(i, 1)] {
			n.do(t, "CLUSTER", "MEET", "127.0.0.1", other.port, strings.TrimSpace(other.redis.ConfigGet(t.Context(), "cluster-port").Val()["cluster-port"]))
		}
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		await(t, "the cluster", func() bool {
			info := n.redis.ClusterInfo(t.Context()).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	b := newBench(t)
	b.queue = &queue{RedisConnOpt: asynq.RedisClusterClientOpt{Addrs: []string{nodes[0].address}}}
	b.bothEnds(t)
	used := map[string]bool{}
	for _, q := range []jobs.Queue{jobs.Decisions, jobs.Mail, jobs.Bulk} {
		slot := nodes[0].redis.ClusterKeySlot(t.Context(), fmt.Sprintf("asynq:{%s}:pending", q)).Val()
		used[nodes[slot*3/16384].address] = true
	}
	if len(used) < 2 {
		t.Errorf("all queues are on one node of three, which shows nothing")
	}
	nodes[1].do(t, "CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
	guard(t, b.queue.RedisConnOpt, "this desk").wantRefusal(t, "maxmemory-policy allkeys-lru")
}
