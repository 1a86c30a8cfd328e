package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/store/promise"
	"secordesk/store/storetest"
)

// A wake-up that nobody follows is given again more and more rarely, and one that
// was followed counts no more: a slow queue must not fill Redis.
func TestWakeJobs_HoldGrows(t *testing.T) {
	b := newBench(t)
	_, job := b.request(t)
	var held []float64
	for range 8 {
		b.exec(t, `UPDATE jobs SET woken_until = NULL WHERE id = $1`, job.ID)
		_, err := b.WakeJobs(t.Context(), everyKind(), 10, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var seconds float64
		b.scan(t, &seconds, `SELECT round(extract(epoch FROM woken_until - now())) FROM jobs WHERE id = $1`, job.ID)
		held = append(held, seconds)
	}
	if diff := cmp.Diff([]float64{10, 10, 10, 20, 40, 80, 160, 320}, held); diff != "" {
		t.Errorf("seconds of hold (-want +got):\n%s", diff)
	}
	for n := range int64(8) {
		c := b.claim(t, job.ID, fmt.Sprintf("host:1/%d", n))
		err := b.EndAttempt(t.Context(), c, promise.Outcome{State: promise.Open, Why: "busy"})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.WakeJobs(t.Context(), everyKind(), 10, 10*time.Second)
	var seconds float64
	b.scan(t, &seconds, `SELECT round(extract(epoch FROM woken_until - now())) FROM jobs WHERE id = $1`, job.ID)
	if err != nil || seconds != 10 {
		t.Errorf("after as many claims as wake-ups the hold is %v s, %v, want 10", seconds, err)
	}
}

// An error may say anything, and is recorded all the same.
func TestEndAttempt_AnyText(t *testing.T) {
	b := newBench(t)
	for why, want := range map[string]string{
		"a\x00b": "a\uFFFDb", "caf\xe9": "caf\uFFFD", "": "", strings.Repeat("é", 5000): strings.Repeat("é", 4096),
	} {
		_, job := b.rejected(t)
		err := b.EndAttempt(t.Context(), b.claim(t, job.ID, "host:1/a"), promise.Outcome{State: promise.Failed, Why: why})
		if err != nil || b.job(t, job.ID).LastError != want {
			t.Errorf("%.20q is kept as %.20q, %v, want %.20q", why, b.job(t, job.ID).LastError, err, want)
		}
	}
}

// Work may hold every connection that it may have, and still no lease is lost and
// no job waits to be taken back.
func TestEngine_BesideBlockedWork(t *testing.T) {
	b := newBench(t)
	id, _ := b.rejected(t)
	_, job := b.request(t)
	c := b.claim(t, job.ID, "host:1/a")
	tx, err := storetest.OwnerDB(t).BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	_, err = tx.Exec(`SELECT 1 FROM cases WHERE id = $1 FOR UPDATE`, id)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var blocked sync.WaitGroup
	for n := range 40 {
		blocked.Go(func() {
			b.UpdateCase(ctx, id, b.decision(b.lead, fmt.Sprint("block ", n)), taking("note"))
		})
	}
	defer blocked.Wait()
	defer stop()
	for waiting := 0; waiting < 16; {
		err = storetest.OwnerDB(t).Get(&waiting, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		if err != nil {
			t.Fatal(err)
		}
	}
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err = b.RenewClaim(soon, c, time.Minute)
	_, _, lost := b.ReconcileJobs(soon)
	_, woken := b.WakeJobs(soon, everyKind(), 10, time.Minute)
	ended := b.EndAttempt(soon, c, failed)
	if err != nil || lost != nil || woken != nil || ended != nil {
		t.Errorf("beside blocked work: renew %v, reconcile %v, wake %v, end %v", err, lost, woken, ended)
	}
}
