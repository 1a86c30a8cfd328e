package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"secordesk/jobs"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// forget flushes the queue and returns how many wake-ups were lost with it.
func (q *queue) forget(t *testing.T) int {
	t.Helper()
	client := q.client(t)
	var waiting []*redis.IntCmd
	_, err := client.TxPipelined(t.Context(), func(tx redis.Pipeliner) error {
		for _, name := range []jobs.Queue{jobs.Decisions, jobs.Mail} {
			waiting = append(waiting, tx.LLen(t.Context(), fmt.Sprintf("asynq:{%s}:pending", name)))
		}
		return tx.FlushAll(t.Context()).Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, n := range waiting {
		lost += int(n.Val())
	}
	return lost
}

// Redis forgets everything four times while hundreds of jobs are open, work and
// letters mixed: all are done, each once, and none had to be tried twice. How soon
// is deploy/bench's to measure.
func TestRelay_RedisFlushed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	requests := 150
	b.beat.Hold = time.Second
	if long() {
		requests, b.beat = 500, jobs.DefaultBeat()
	}
	b.queue.start(t)
	for range requests {
		b.request(t)
	}
	b.engine(t)
	lost := 0
	var last time.Time
	for n := 1; n <= 4; n++ {
		await(t, "more jobs to be done", func() bool {
			var done int
			b.scan(t, &done, `SELECT count(*) FROM jobs WHERE state = 'done'`)
			return done >= n*requests/4
		})
		lost += b.queue.forget(t)
		last = time.Now()
	}
	b.awaitQuiet(t)
	t.Logf("%d wake-ups of %d jobs were lost; all done %s after the last flush", lost, 2*requests, time.Since(last).Round(time.Millisecond))
	inspect(t, b, b.posted())
	b.wantAll(t, 2*requests)
	var again int
	b.scan(t, &again, `SELECT sum(wakes - 1) FROM jobs`)
	if lost == 0 || again < lost {
		t.Errorf("%d wake-ups were lost and %d given again, want some and as many", lost, again)
	}
}

// Without Redis steps are taken; with it, all that they promised is done.
func TestRelay_RedisAway(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.beat.Hold = time.Second
	b.engine(t)
	for range 3 {
		b.request(t)
	}
	away := func(line string) int { return strings.Count(strings.Join(b.book.all(), "\n"), line) }
	await(t, "the relay to notice", func() bool { return away("ERROR waiting who=relay") > 0 })
	b.queue.start(t)
	b.awaitQuiet(t)
	if n := away("ERROR waiting who=relay"); n != 1 {
		t.Errorf("one outage was logged %d times", n)
	}
	if n := away("INFO going on who=relay"); n != 1 {
		t.Errorf("its end was logged %d times", n)
	}
	b.queue.stop(t)
	b.request(t)
	await(t, "the relay to notice again", func() bool { return away("ERROR waiting who=relay") == 2 })
	b.queue.start(t)
	b.awaitQuiet(t)
	inspect(t, b, b.posted())
	b.wantAll(t, 8)
}

// The relay is told to stop just when it woke jobs: it hands them on all the same,
// so that none waits for its hold to end.
func TestRelay_StoppedInAPass(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	ids := []secor.CaseID{b.request(t), b.request(t), b.request(t)}
	ctx, stop := context.WithCancel(t.Context())
	relay := jobs.NewRelay(stopping{b.Store, stop}, b.queue, b.kinds, jobs.Beat{Poll: time.Minute, Hold: time.Hour}, slog.New(b.book))
	relay.Run(ctx)
	b.worker(t, b.Store)
	for _, id := range ids {
		await(t, "the job to be done", func() bool { return b.job(t, id, secor.JobDecideNeed).State == promise.Done })
	}
}

// stopping ends the relay once Postgres has answered it.
type stopping struct {
	jobs.Waker
	stop context.CancelFunc
}

func (s stopping) WakeJobs(ctx context.Context, rooms []promise.Room, limit int, hold time.Duration) ([]promise.Wake, error) {
	wakes, err := s.Waker.WakeJobs(ctx, rooms, limit, hold)
	s.stop()
	return wakes, err
}

// A wake-up ends where nothing will ever take it from, and blocks its id: the next
// one has another, and the job is done.
func TestRelay_OrphanInRedis(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	id := b.request(t)
	b.beat.Hold = 500 * time.Millisecond
	unrelay := b.relay(t)
	inspector := asynq.NewInspector(b.queue)
	defer inspector.Close()
	await(t, "the wake-up to be archived", func() bool {
		n, err := inspector.ArchiveAllPendingTasks(string(jobs.Decisions))
		return err == nil && n == 1
	})
	unrelay()
	b.engine(t)
	b.awaitQuiet(t)
	b.wantJob(t, id, secor.JobDecideNeed, promise.Done, 1)
}

// listener hears what a relay asks for, and has nothing for it.
type listener struct {
	asked chan []promise.Room
	err   error
}

func (l listener) WakeJobs(_ context.Context, rooms []promise.Room, _ int, _ time.Duration) ([]promise.Wake, error) {
	select {
	case l.asked <- rooms:
	default:
	}
	return []promise.Wake{{JobID: 1, Kind: rooms[0].Kind, N: 1}}, l.err
}

// A relay asks for no more letters than a mail server can take in a hold or two,
// and for every kind that it knows.
func TestRelay_Rooms(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	asked := make(chan []promise.Room, 1)
	relay := jobs.NewRelay(listener{asked: asked}, b.queue, b.kinds, jobs.DefaultBeat(), slog.New(b.book))
	stop := b.run(t, relay.Run)
	rooms := <-asked
	stop()
	most := map[string]int{}
	for _, r := range rooms {
		most[r.Kind] = r.Most
	}
	for _, k := range b.kinds {
		m := most[string(k.Name)]
		if m < 1 || m > 500 || k.Queue == jobs.Mail && m > 100 {
			t.Errorf("%s on %s has room for %d", k.Name, k.Queue, m)
		}
	}
}

// While Redis is away nothing is woken: a wake-up would have to wait for its hold.
func TestRelay_AwayWakesNothing(t *testing.T) {
	b := newBench(t)
	asked := make(chan []promise.Room)
	relay := jobs.NewRelay(listener{asked: asked}, b.queue, b.kinds, jobs.Beat{Poll: time.Millisecond, Hold: time.Hour}, slog.New(b.book))
	var woken atomic.Int64
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		for range asked {
			woken.Add(1)
		}
	}()
	stop := b.run(t, relay.Run)
	await(t, "the relay to notice that Redis is away", func() bool { return strings.Contains(strings.Join(b.book.all(), "\n"), "waiting") })
	first := woken.Load()
	signals := time.NewTicker(time.Millisecond)
	defer signals.Stop()
	for range 1500 { // longer than it rests between two looks
		<-signals.C
		relay.Signal()
	}
	if n := woken.Load(); n != first {
		t.Errorf("the relay woke jobs %d times while Redis was away", n-first)
	}
	stop()
	close(asked)
	<-counted
}

// More jobs than one look takes are lost at once: all are taken back at once.
func TestReconcile_GoesOn(t *testing.T) {
	b := newBench(t)
	id := b.request(t)
	b.exec(t, `
		INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, not_before, woken_until)
		SELECT kind, case_id, cause, 'lost ' || n, audience, recipient, now(), now() - interval '1 hour'
		FROM jobs, generate_series(1, 2500) AS n
		WHERE case_id = $1`, id)
	b.run(t, func(ctx context.Context) { jobs.Reconcile(ctx, b.Store, time.Hour, slog.New(b.book)) })
	await(t, "all lost jobs to be taken back", func() bool {
		var lost int
		b.scan(t, &lost, `SELECT count(*) FROM jobs WHERE woken_until IS NOT NULL`)
		return lost == 0
	})
}
