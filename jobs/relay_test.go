package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

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
