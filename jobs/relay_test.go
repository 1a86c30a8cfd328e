package jobs_test

import (
	"strings"
	"testing"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Redis forgets everything while two hundred jobs are open: all are done, each once.
func TestRelay_RedisFlushed(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	var ids []secor.CaseID
	for range 200 {
		ids = append(ids, b.request(t))
	}
	b.engine(t)
	await(t, "twenty letters", func() bool { return len(b.post.sent()) >= 20 })
	b.queue.flush(t)
	b.exec(t, `UPDATE jobs SET woken_until = now() - interval '1 day' WHERE woken_until IS NOT NULL`)
	b.awaitQuiet(t)
	for _, id := range ids {
		b.wantEvents(t, id, secor.EventRequestNotRequired, 1)
		b.wantEvents(t, id, secor.EventLetterSent, 1)
		b.wantJob(t, id, secor.JobNotRequired, promise.Done, 1)
	}
	if n := len(b.post.sent()); n != len(ids) {
		t.Errorf("%d letters, want %d", n, len(ids))
	}
}

// Without Redis steps are taken; with it, all that they promised is done.
func TestRelay_RedisAway(t *testing.T) {
	b := newBench(t)
	b.engine(t)
	ids := []secor.CaseID{b.request(t), b.request(t), b.request(t)}
	away := func(line string) int { return strings.Count(strings.Join(b.book.all(), "\n"), line) }
	await(t, "the relay to notice", func() bool { return away("ERROR waiting who=relay") > 0 })
	b.queue.start(t)
	b.expire(t)
	b.awaitQuiet(t)
	for _, id := range ids {
		b.wantEvents(t, id, secor.EventLetterSent, 1)
	}
	if n := away("ERROR waiting who=relay"); n != 1 {
		t.Errorf("one outage was logged %d times", n)
	}
	if n := away("INFO going on who=relay"); n != 1 {
		t.Errorf("its end was logged %d times", n)
	}
	b.queue.stop(t)
	id := b.request(t)
	await(t, "the relay to notice again", func() bool { return away("ERROR waiting who=relay") == 2 })
	b.queue.start(t)
	b.expire(t)
	b.awaitQuiet(t)
	b.wantEvents(t, id, secor.EventLetterSent, 1)
}
