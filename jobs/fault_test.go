//go:build unix

package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// long reports whether the long forms of tests are to run.
func long() bool { return os.Getenv("SECOR_LONG") == "1" }

// posted returns the letters in the post box: how often, by Message-ID.
func (b *bench) posted() map[string]int {
	count := map[string]int{}
	for _, m := range b.post.sent() {
		count[m.ID]++
	}
	return count
}

// wantAll holds how many jobs there are and that each was done with its first attempt.
func (b *bench) wantAll(t *testing.T, want int) {
	t.Helper()
	var got int
	b.scan(t, &got, `SELECT count(*) FROM jobs WHERE state = 'done' AND attempts = 1`)
	if got != want {
		t.Errorf("%d jobs were done with their first attempt, want %d", got, want)
	}
}

// server returns the Redis of this queue as a process. A test that needs one is
// skipped where it is no process of its own.
func (q *queue) server(t *testing.T) *os.Process {
	t.Helper()
	said, err := q.client(t).Info(t.Context(), "server").Result()
	match := regexp.MustCompile(`process_id:(\d+)`).FindStringSubmatch(said)
	if err != nil || match == nil {
		t.Skipf("needs a redis-server that can be stopped; none is installed (%v)", err)
	}
	id, err := strconv.Atoi(match[1])
	if err != nil {
		t.Fatal(err)
	}
	server, err := os.FindProcess(id)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// awaitDrained waits until no queue has a wake-up in any state.
func (q *queue) awaitDrained(t *testing.T) {
	t.Helper()
	inspector := asynq.NewInspector(q)
	defer inspector.Close()
	await(t, "empty queues", func() bool {
		names, err := inspector.Queues()
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, name := range names {
			info, err := inspector.GetQueueInfo(name)
			if err != nil {
				t.Fatal(err)
			}
			left += info.Size
		}
		return left == 0
	})
}

// counting counts the claims that are asked for, good or not.
type counting struct {
	jobs.Promises
	mu     *sync.Mutex
	claims map[int64]int
}

func newCounting(promises jobs.Promises) counting {
	return counting{promises, &sync.Mutex{}, map[int64]int{}}
}

func (c counting) ClaimJob(ctx context.Context, id int64, token string, lease time.Duration) (promise.Claim, bool, error) {
	c.mu.Lock()
	c.claims[id]++
	c.mu.Unlock()
	return c.Promises.ClaimJob(ctx, id, token, lease)
}

// asked returns for how many jobs at least n claims were asked for.
func (c counting) asked(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := 0
	for _, claims := range c.claims {
		if claims >= n {
			found++
		}
	}
	return found
}

// gate holds the first n decisions inside their handler until the returned
// function is called, and counts all that begin.
func (b *bench) gate(t *testing.T, n int64) (*atomic.Int64, func()) {
	t.Helper()
	var runs atomic.Int64
	on := make(chan struct{})
	open := sync.OnceFunc(func() { close(on) })
	t.Cleanup(open)
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) {
		real := k.Work
		k.Work = func(d *jobs.Desk, f *secor.File, cause secor.Event) error {
			if runs.Add(1) <= n {
				<-on
			}
			return real(d, f, cause)
		}
	})
	return &runs, open
}

// outage is a way in which Redis can go and come back.
type outage struct {
	name     string
	leave    func(t *testing.T, b *bench, server *os.Process)
	back     func(t *testing.T, b *bench, server *os.Process)
	recalled bool // it remembers what was not acknowledged
}

func outages() []outage {
	stop := func(t *testing.T, b *bench, _ *os.Process) { b.queue.stop(t) }
	start := func(t *testing.T, b *bench, _ *os.Process) { b.queue.start(t) }
	save := func(t *testing.T, b *bench, _ *os.Process) {
		err := b.queue.client(t).Save(t.Context()).Err()
		if err != nil {
			t.Fatal(err)
		}
		b.queue.stop(t)
	}
	freeze := func(t *testing.T, _ *bench, server *os.Process) { signal(t, server, syscall.SIGSTOP) }
	thaw := func(t *testing.T, _ *bench, server *os.Process) { signal(t, server, syscall.SIGCONT) }
	return []outage{
		{"frozen", freeze, thaw, false},
		{"killed, and back with nothing", stop, start, false},
		{"killed, and back as it was", save, start, true},
	}
}

// Redis goes away exactly when eight handlers have done their work and asynq is
// about to acknowledge it, and comes back in different ways. asynq would run them
// again; their effects stand once.
func TestFault_AwayAtAcknowledgement(t *testing.T) {
	t.Parallel()
	const busy = 8 // handlers: all that a worker has for decisions
	away := 1500 * time.Millisecond
	if long() {
		away = 5 * time.Second
	}
	for _, way := range outages() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queue.start(t)
			server := b.queue.server(t)
			b.beat.Hold = time.Second
			runs, open := b.gate(t, busy)
			for range busy {
				b.request(t)
			}
			promises := newCounting(b.Store)
			b.relay(t)
			b.reconciler(t)
			b.worker(t, promises)
			await(t, "every handler to be busy", func() bool { return runs.Load() == busy })
			back := time.After(away)
			way.leave(t, b, server)
			open()
			await(t, "the work to be recorded without Redis", func() bool {
				var done int
				b.scan(t, &done, `SELECT count(*) FROM jobs WHERE kind = $1 AND state = 'done'`, secor.JobDecideNeed)
				return done == busy
			})
			<-back
			way.back(t, b, server)
			b.awaitQuiet(t)
			if way.recalled {
				b.runAgain(t, promises, busy)
			}
			inspect(t, b, b.posted())
			b.wantAll(t, 2*busy)
			if n := runs.Load(); n != busy {
				t.Errorf("%d handlers ran, want %d", n, busy)
			}
		})
	}
}

func signal(t *testing.T, p *os.Process, s syscall.Signal) {
	t.Helper()
	err := p.Signal(s)
	if err != nil {
		t.Fatal(err)
	}
}

// runAgain waits until asynq has run again what it believes to be under way. That
// takes it over a minute; in the short form the test does what asynq would do then.
func (b *bench) runAgain(t *testing.T, promises counting, want int) {
	t.Helper()
	client := b.queue.client(t)
	active := fmt.Sprintf("asynq:{%s}:active", jobs.Decisions)
	n, err := client.LLen(t.Context(), active).Result()
	if err != nil {
		t.Fatal(err)
	}
	if int(n) != want {
		t.Fatalf("Redis believes %d to be under way, want %d", n, want)
	}
	late := time.Now().Add(3 * time.Minute)
	for range n {
		if long() {
			break
		}
		err = client.RPopLPush(t.Context(), active, fmt.Sprintf("asynq:{%s}:pending", jobs.Decisions)).Err()
		if err != nil {
			t.Fatal(err)
		}
	}
	for promises.asked(2) < want && time.Now().Before(late) {
		<-time.After(10 * time.Millisecond)
	}
	if got := promises.asked(2); got < want {
		t.Errorf("asynq ran %d jobs again, want %d", got, want)
	}
	b.queue.awaitDrained(t)
}

// Every wake-up comes four times, to the right queue and to wrong ones, before and
// after the job was done.
func TestFault_DeliveredAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	for range 20 {
		b.request(t)
	}
	promises := newCounting(b.Store)
	deliver := func(when string) {
		all, err := b.Jobs(t.Context(), store.JobFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range all {
			for n, q := range []jobs.Queue{jobs.Decisions, jobs.Mail, jobs.Bulk, jobs.Decisions} {
				enqueue(t, b, q, j.Kind, fmt.Sprint(when, j.ID, " ", n), promise.Payload{JobID: j.ID}.Encode())
			}
		}
	}
	deliver("early ")
	b.relay(t)
	b.reconciler(t)
	b.worker(t, promises)
	b.awaitQuiet(t)
	deliver("late ")
	b.queue.awaitDrained(t)
	if got := promises.asked(5); got != 40 {
		t.Errorf("%d jobs were asked for by every copy, want 40", got)
	}
	inspect(t, b, b.posted())
	b.wantAll(t, 40)
}

// Handlers and senders panic, each once and at the worst moment: a job is done
// with its second attempt, a letter that left is in doubt.
func TestFault_Panics(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	var runs, letters atomic.Int64
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) {
		real := k.Work
		k.Work = func(d *jobs.Desk, f *secor.File, cause secor.Event) error {
			err := real(d, f, cause)
			if runs.Add(1)%3 == 0 {
				panic("no such index")
			}
			return err
		}
	})
	b.post.lose = func(mail.Message) error {
		if letters.Add(1)%4 == 0 {
			panic("out of range")
		}
		return nil
	}
	for range 24 {
		b.request(t)
	}
	b.engine(t)
	b.awaitQuiet(t)
	inspect(t, b, b.posted())
	var twice, doubts int
	b.scan(t, &twice, `SELECT count(*) FROM attempts WHERE outcome = 'retried' AND error LIKE '%no such index%'`)
	b.scan(t, &doubts, `SELECT count(*) FROM jobs WHERE state = 'ambiguous' AND last_error LIKE '%out of range%'`)
	if twice != int(runs.Load()/3) || doubts != 6 {
		t.Errorf("%d attempts failed and %d letters are in doubt, want %d and 6", twice, doubts, runs.Load()/3)
	}
}

// The desk's clocks of who takes steps and of who works are two minutes apart,
// with Postgres's between them: only Postgres's counts for anything but events.
func TestFault_ClockSkew(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{time.Minute, -time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			b := newBenchAt(t, func() time.Time { return time.Now().Add(skew) })
			programme, err := schema.Load()
			if err != nil {
				t.Fatal(err)
			}
			works := store.New(b.db, programme, func() time.Time { return time.Now().Add(-skew) })
			b.Grace, works.Grace = time.Second, time.Second
			b.queue.start(t)
			runs, open := b.gate(t, 1)
			b.relay(t)
			b.reconciler(t)
			b.worker(t, works)
			for range 10 {
				b.request(t)
			}
			await(t, "a handler to be busy", func() bool { return runs.Load() > 0 })
			var leased, wrongly int
			b.scan(t, &leased, `SELECT count(*) FROM jobs WHERE claimed_until BETWEEN now() AND now() + interval '10 s'`)
			b.scan(t, &wrongly, `SELECT count(*) FROM jobs WHERE kind = $1 AND claimed_until NOT BETWEEN now() AND now() + interval '10 s'`, secor.JobDecideNeed)
			if leased == 0 || wrongly > 0 {
				t.Errorf("%d jobs are leased for up to ten seconds by Postgres's clock and %d otherwise, want some and none", leased, wrongly)
			}
			open()
			b.awaitQuiet(t)
			inspect(t, b, b.posted())
			b.wantAll(t, 20)
			for what, wrong := range map[string]string{
				"work did not run at once":    `audience = 'desk' AND finished_at - promised_at NOT BETWEEN interval '0' AND interval '20 s'`,
				"a letter's grace is not 1 s": `audience = 'company' AND not_before - promised_at NOT BETWEEN interval '1 s' AND interval '20 s'`,
				"a letter left too early":     `audience = 'company' AND sending_at < not_before`,
				"a letter left too late":      `audience = 'company' AND sending_at > not_before + interval '20 s'`,
			} {
				var n int
				b.scan(t, &n, `SELECT count(*) FROM jobs WHERE `+wrong)
				if n > 0 {
					t.Errorf("%s: %d jobs", what, n)
				}
			}
		})
	}
}

// Everything but a wake-up of ours arrives on every queue: nothing is lost, the
// worker goes on, and Redis is not left with any of it.
func TestFault_BadWakeUps(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queue.start(t)
	for range 10 {
		b.request(t)
	}
	first := b.job(t, 1, secor.JobDecideNeed).ID
	unreadable := []string{"", "nonsense", "null", "[]", "{}", `{"job": null}`, `{"job": "seven"}`, `{"job": 0}`, `{"job": -1}`, `{"job": 1.5}`,
		`{"job": 99999999999999999999}`, `{"user_id": 7}`, "\xff\xfe", string(bytes.Repeat([]byte("["), 1<<20))}
	nobodys := []string{`{"job": 4711}`, `{"job": 9223372036854775807}`, fmt.Sprintf(`{"job": %d}`, first)}
	types := []string{string(secor.JobDecideNeed), string(secor.JobNotRequired), "email:welcome", "request:", "request:decide_need_not"}
	queues := []jobs.Queue{jobs.Decisions, jobs.Mail, jobs.Bulk}
	n := 0
	for _, q := range queues {
		for _, kind := range types {
			for _, payload := range append(nobodys, unreadable...) {
				n++
				enqueue(t, b, q, kind, fmt.Sprint("bad ", n), []byte(payload))
			}
		}
		// What is in Redis need not be asynq's at all.
		err := errors.Join(
			b.queue.client(t).LPush(t.Context(), fmt.Sprintf("asynq:{%s}:pending", q), "a task without its hash").Err(),
			b.queue.client(t).LPush(t.Context(), fmt.Sprintf("asynq:{%s}:pending", q), "garbage").Err(),
			b.queue.client(t).HSet(t.Context(), fmt.Sprintf("asynq:{%s}:t:garbage", q), "msg", "\x00\xff", "state", "pending").Err())
		if err != nil {
			t.Fatal(err)
		}
	}
	b.engine(t)
	b.awaitQuiet(t)
	want := len(queues) * len(types) * len(unreadable)
	await(t, "a line for each that cannot be read", func() bool {
		return strings.Count(strings.Join(b.book.all(), "\n"), "ERROR wake-up names no job") == want
	})
	inspector := asynq.NewInspector(b.queue)
	defer inspector.Close()
	for _, q := range queues {
		await(t, "no wake-up that waits", func() bool {
			info, err := inspector.GetQueueInfo(string(q))
			if err != nil {
				t.Fatal(err)
			}
			return info.Pending+info.Retry+info.Archived+info.Scheduled == 0
		})
	}
	b.request(t)
	b.awaitQuiet(t)
	inspect(t, b, b.posted())
	b.wantAll(t, 22)
}
