package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// These tests pin what asynq v0.26.0 does where we defend against it. If one
// fails after an upgrade, the defence that its comment names can perhaps go; if
// none does, they all stay.

const contractQueue = "contract"

// contract is a queue with asynq's own tools.
type contract struct {
	*queue
	client    *asynq.Client
	inspector *asynq.Inspector
	redis     redis.UniversalClient
	said      *chat
}

func newContract(t *testing.T, q *queue) *contract {
	t.Helper()
	q.start(t)
	c := &contract{queue: q, client: asynq.NewClient(q), inspector: asynq.NewInspector(q), redis: q.client(t), said: &chat{}}
	t.Cleanup(func() { c.client.Close(); c.inspector.Close() })
	return c
}

func (c *contract) enqueue(kind string, options ...asynq.Option) error {
	_, err := c.client.Enqueue(asynq.NewTask(kind, nil), append(options, asynq.Queue(contractQueue))...)
	return err
}

func (c *contract) mustEnqueue(t *testing.T, kind string, options ...asynq.Option) {
	t.Helper()
	err := c.enqueue(kind, options...)
	if err != nil {
		t.Fatal(err)
	}
}

// serve runs a server with one worker, as impatient as asynq lets it be.
func (c *contract) serve(t *testing.T, handle asynq.HandlerFunc) {
	t.Helper()
	server := c.server(handle)
	t.Cleanup(server.Shutdown)
}

func (c *contract) server(handle asynq.HandlerFunc) *asynq.Server {
	server := asynq.NewServer(c.RedisConnOpt, asynq.Config{Concurrency: 1, Queues: map[string]int{contractQueue: 1}, TaskCheckInterval: 5 * time.Millisecond,
		DelayedTaskCheckInterval: 50 * time.Millisecond, RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return 0 },
		ShutdownTimeout: time.Millisecond, Logger: c.said, LogLevel: asynq.WarnLevel})
	err := server.Start(handle)
	if err != nil {
		panic(err) // it has its queue and its handler, and nothing else is asked
	}
	return server
}

// state returns where asynq has a task: "" if nowhere.
func (c *contract) state(t *testing.T, id string) string {
	t.Helper()
	state, err := c.redis.HGet(t.Context(), "asynq:{contract}:t:"+id, "state").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	return state
}

// crash makes a task active under a lease that ran out some time ago, as one is
// whose worker was killed.
func (c *contract) crash(t *testing.T, id string, ago time.Duration) {
	t.Helper()
	var all []error
	for _, command := range []redis.Cmder{
		c.redis.LRem(t.Context(), "asynq:{contract}:pending", 0, id),
		c.redis.LPush(t.Context(), "asynq:{contract}:active", id),
		c.redis.HSet(t.Context(), "asynq:{contract}:t:"+id, "state", "active"),
		c.redis.ZAdd(t.Context(), "asynq:{contract}:lease", redis.Z{Member: id, Score: float64(time.Now().Add(-ago).Unix())}),
	} {
		all = append(all, command.Err())
	}
	err := errors.Join(all...)
	if err != nil {
		t.Fatal(err)
	}
}

// chat keeps what asynq says.
type chat struct {
	mu    sync.Mutex
	lines []string
}

func (c *chat) Debug(...any) {}
func (c *chat) Info(...any)  {}
func (c *chat) Warn(args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprint(args...))
}
func (c *chat) Error(args ...any) { c.Warn(args...) }
func (c *chat) Fatal(args ...any) { c.Warn(args...) }

func (c *chat) has(part string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.lines, func(line string) bool { return strings.Contains(line, part) })
}

// The facts below were seen in this version and no other.
func TestAsynq_Version(t *testing.T) {
	file, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(file), "\tgithub.com/hibiken/asynq v0.26.0\n") || strings.Contains(string(file), "asynq =>") {
		t.Error("go.mod takes another asynq than v0.26.0: run these tests with SECOR_LONG=1, read what changed in it, and only then change this one")
	}
}

// The relay gives every wake-up an id of its own (job:number), because asynq
// refuses one that it gave up on, for up to ninety days.
func TestAsynq_ArchivedIDBlocks(t *testing.T) {
	c := newContract(t, newQueue(t))
	c.mustEnqueue(t, "wake", asynq.TaskID("7:1"))
	err := c.inspector.ArchiveTask(contractQueue, "7:1")
	if err != nil {
		t.Fatal(err)
	}
	err = c.enqueue("wake", asynq.TaskID("7:1"))
	if !errors.Is(err, asynq.ErrTaskIDConflict) {
		t.Errorf("an archived id again: %v, want a conflict", err)
	}
	c.mustEnqueue(t, "wake", asynq.TaskID("7:2"))
}

// Whether a job was done is asked of its row and never of asynq: an id is free as
// soon as its task is done, unless it is retained, and then it blocks.
func TestAsynq_DoneFreesTheID(t *testing.T) {
	c := newContract(t, newQueue(t))
	var runs atomic.Int64
	c.serve(t, func(context.Context, *asynq.Task) error { runs.Add(1); return nil })
	for run := range int64(2) {
		c.mustEnqueue(t, "wake", asynq.TaskID("7:1"))
		await(t, "the task to be done", func() bool { return runs.Load() == run+1 && c.state(t, "7:1") == "" })
	}
	c.mustEnqueue(t, "wake", asynq.TaskID("7:2"), asynq.Retention(time.Hour))
	await(t, "the retained task to be done", func() bool { return c.state(t, "7:2") == "completed" })
	err := c.enqueue("wake", asynq.TaskID("7:2"))
	if !errors.Is(err, asynq.ErrTaskIDConflict) {
		t.Errorf("a completed id again: %v, want a conflict", err)
	}
}

// The worker follows every wake-up by one handler and looks the kind up by its
// whole name in the row: asynq's mux runs a kind that it does not know by the
// handler of another that its name begins with.
func TestAsynq_MuxMatchesPrefixes(t *testing.T) {
	ran := ""
	mux := asynq.NewServeMux()
	mux.HandleFunc("invoice", func(context.Context, *asynq.Task) error { ran = "invoice"; return nil })
	err := mux.ProcessTask(t.Context(), asynq.NewTask("invoice:reminder", nil))
	if err != nil || ran != "invoice" {
		t.Errorf("an unknown invoice:reminder ran %q, %v; want the handler of invoice", ran, err)
	}
}

// The relay counts a wake-up for lost once its hold is over, and gives it again
// under another id: a task whose lease entry is gone stays "active" for ever, in
// no list, where nothing recovers it and its id is taken.
func TestAsynq_OrphanedTask(t *testing.T) {
	c := newContract(t, newQueue(t))
	inside, on := make(chan struct{}), make(chan struct{})
	c.serve(t, func(context.Context, *asynq.Task) error { close(inside); <-on; return nil })
	c.mustEnqueue(t, "wake", asynq.TaskID("7:1"))
	<-inside
	err := c.redis.ZRem(t.Context(), "asynq:{contract}:lease", "7:1").Err()
	if err != nil {
		t.Fatal(err)
	}
	close(on)
	await(t, "asynq to fail", func() bool { return c.said.has("NOT FOUND") })
	listed := c.redis.LLen(t.Context(), "asynq:{contract}:active").Val() + c.redis.LLen(t.Context(), "asynq:{contract}:pending").Val()
	ends := c.redis.TTL(t.Context(), "asynq:{contract}:t:7:1").Val()
	if listed != 0 || c.state(t, "7:1") != "active" || ends >= 0 {
		t.Errorf("the task is %q, ends in %s, %d listed; want it active for ever and in no list", c.state(t, "7:1"), ends, listed)
	}
	err = c.enqueue("wake", asynq.TaskID("7:1"))
	if !errors.Is(err, asynq.ErrTaskIDConflict) {
		t.Errorf("the orphan's id again: %v, want a conflict", err)
	}
}

// The relay does not use asynq.Unique: refused for its id, a task leaves its lock
// behind, and then no task like it is taken although there is none.
func TestAsynq_UniqueLeaks(t *testing.T) {
	c := newContract(t, newQueue(t))
	c.mustEnqueue(t, "wake", asynq.TaskID("7:1"))
	err := c.enqueue("other", asynq.TaskID("7:1"), asynq.Unique(time.Hour))
	if !errors.Is(err, asynq.ErrTaskIDConflict) {
		t.Fatalf("the same id: %v, want a conflict", err)
	}
	err = c.enqueue("other", asynq.Unique(time.Hour))
	if !errors.Is(err, asynq.ErrDuplicateTask) {
		t.Errorf("the only task of its kind: %v, want it taken for a duplicate", err)
	}
}

// The relay asks for a thousand retries and not for none: a killed worker counts
// as a retry, and after the last one asynq gives the wake-up up without a run.
func TestAsynq_CrashCountsAsRetry(t *testing.T) {
	c := newContract(t, newQueue(t))
	c.mustEnqueue(t, "wake", asynq.TaskID("none"), asynq.MaxRetry(0))
	c.mustEnqueue(t, "wake", asynq.TaskID("one"), asynq.MaxRetry(1))
	c.mustEnqueue(t, "wake", asynq.TaskID("fresh"), asynq.MaxRetry(0))
	c.crash(t, "none", 31*time.Second)
	c.crash(t, "one", 31*time.Second)
	c.crash(t, "fresh", 25*time.Second)
	retried := make(chan int, 1)
	c.serve(t, func(ctx context.Context, _ *asynq.Task) error {
		n, _ := asynq.GetRetryCount(ctx)
		retried <- n
		return nil
	})
	if n := <-retried; n != 1 {
		t.Errorf("the task that crashed once runs with %d retries, want 1", n)
	}
	if state := c.state(t, "none"); state != "archived" {
		t.Errorf("the task without retries is %q, want it archived without a run", state)
	}
	// And the half minute beyond the lease is waited for, see TestAsynq_KilledWorker.
	if state := c.state(t, "fresh"); state != "active" {
		t.Errorf("the task whose lease ran out 25 s ago is %q, want it not recovered yet", state)
	}
}

// The worker does not lean on asynq's timeout: asynq frees the place of a handler
// that ignores it and runs the task beside itself. Our lease, fence and count of
// stuck handlers see to it.
func TestAsynq_TimeoutRunsTwiceAtOnce(t *testing.T) {
	c := newContract(t, newQueue(t))
	var running atomic.Int64
	on := make(chan struct{})
	defer close(on)
	c.serve(t, func(context.Context, *asynq.Task) error { running.Add(1); <-on; return nil })
	c.mustEnqueue(t, "wake", asynq.TaskID("7:1"), asynq.Timeout(time.Second))
	await(t, "the same task to run twice at once with room for one", func() bool { return running.Load() >= 2 })
}

// The reconciler counts on Postgres alone: what Redis forgets, asynq has lost.
func TestAsynq_FlushLosesTheQueue(t *testing.T) {
	c := newContract(t, newQueue(t))
	for i := range 10 {
		c.mustEnqueue(t, "wake", asynq.TaskID(fmt.Sprint(i)))
	}
	c.flush(t)
	var ran []string
	last := make(chan struct{})
	c.serve(t, func(ctx context.Context, _ *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		ran = append(ran, id)
		close(last)
		return nil
	})
	c.mustEnqueue(t, "wake", asynq.TaskID("last"))
	<-last
	if !slices.Equal(ran, []string{"last"}) {
		t.Errorf("ran %q, want only what came after the flush", ran)
	}
}

// onlyLong skips what takes minutes.
func onlyLong(t *testing.T, why string) {
	t.Helper()
	if !long() {
		t.Skip(why + "; SECOR_LONG=1 runs it")
	}
}

// A claim on a job that is done finds nothing to do, because asynq repeats what was
// done: if Redis is away at the acknowledgement, asynq's own repair of it fails
// ever after (its context has ended), and the task runs again about a minute later.
func TestAsynq_BlipRunsTwice(t *testing.T) {
	onlyLong(t, "asynq takes a minute to run the task again")
	q := newServer(t, redisBinary(t), "--appendonly", "yes", "--appendfsync", "always")
	c := newContract(t, q)
	inside, on := make(chan struct{}, 2), make(chan struct{})
	c.serve(t, func(context.Context, *asynq.Task) error { inside <- struct{}{}; <-on; return nil })
	c.mustEnqueue(t, "wake", asynq.TaskID("7:1"))
	<-inside
	c.stop(t)
	close(on)
	await(t, "the acknowledgement to fail", func() bool { return c.said.has("Will retry syncing") })
	c.start(t)
	began := time.Now()
	again := time.After(3 * time.Minute)
	select {
	case <-inside:
	case <-again:
		t.Fatal("the task did not run again within three minutes: the repair may work now")
	}
	waited := time.Since(began)
	t.Logf("ran again %.1f s after Redis was back", waited.Seconds())
	if waited < 20*time.Second {
		t.Errorf("ran again after %s, want half a minute or more", waited)
	}
}

const killedVar = "SECOR_ASYNQ_KILLED"

// Our lease is ten seconds and our reconciler looks every two, because asynq takes
// a minute and more to miss a worker that was killed.
func TestAsynq_KilledWorker(t *testing.T) {
	if socket := os.Getenv(killedVar); socket != "" {
		die(t, socket)
		return
	}
	onlyLong(t, "asynq takes a minute and more to miss a killed worker")
	c := newContract(t, newServer(t, redisBinary(t)))
	c.mustEnqueue(t, "wake", asynq.TaskID("7:1"))
	child := exec.Command(os.Args[0], "-test.run=^TestAsynq_KilledWorker$")
	child.Env = append(os.Environ(), killedVar+"="+c.RedisConnOpt.(asynq.RedisClientOpt).Addr)
	_, err := child.StdinPipe() // the child ends with it, so at the latest with this process
	if err != nil {
		t.Fatal(err)
	}
	err = child.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	await(t, "the child to begin the task", func() bool { return c.redis.Exists(t.Context(), "begun").Val() == 1 })
	err = child.Process.Kill()
	if err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	inside := make(chan struct{})
	c.serve(t, func(context.Context, *asynq.Task) error { close(inside); return nil })
	select {
	case <-inside:
	case <-time.After(3 * time.Minute):
		t.Fatal("the task did not run again within three minutes")
	}
	waited := time.Since(killed)
	t.Logf("ran elsewhere %.1f s after kill -9", waited.Seconds())
	if waited < 55*time.Second {
		t.Errorf("ran elsewhere after %s, want a minute", waited)
	}
}

// die is the child: it begins the task, says so in Redis, and is killed.
func die(t *testing.T, socket string) {
	q := &queue{RedisConnOpt: asynq.RedisClientOpt{Network: "unix", Addr: socket}}
	c := &contract{queue: q, redis: q.client(t), said: &chat{}}
	c.server(func(ctx context.Context, _ *asynq.Task) error {
		c.redis.Set(ctx, "begun", 1, 0)
		select {}
	})
	io.Copy(io.Discard, os.Stdin)
}
