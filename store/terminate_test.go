package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// chaos is a desk at work while the connections to its database die.
type chaos struct {
	*bench
	t       *testing.T
	faults  atomic.Int64 // calls that returned one
	mu      sync.Mutex
	letters map[string]int // that were sent, by their Message-ID
	tokens  atomic.Int64
}

// promising opens a request for each company until it is opened.
func (c *chaos) promising(ctx context.Context, companies []int64) {
	for i, company := range companies {
		act := secor.Act{ID: fmt.Sprintf("open:%d", i), By: c.lead, Surface: secor.SurfaceFile}
		for ctx.Err() == nil {
			_, err := c.AddRequest(ctx, act, company, "ab-pir", secor.Request{Reason: secor.ReasonNoProfile, Headcount: 4})
			if c.went(err) {
				break
			}
		}
	}
}

// went reports whether a call did what it should. Only a fault and a lost claim may
// keep it from that.
func (c *chaos) went(err error) bool {
	if errors.Is(err, secor.ErrRefused) {
		c.t.Errorf("refused: %v", err)
	}
	if err != nil && !errors.Is(err, promise.ErrLost) {
		c.faults.Add(1)
	}
	return err == nil
}

// work does what is woken until ctx ends.
func (c *chaos) work(ctx context.Context) {
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for ctx.Err() == nil {
		<-poll.C
		wakes, err := c.WakeJobs(ctx, everyKind(), 3, 200*time.Millisecond)
		c.went(err)
		for _, w := range wakes {
			claim, ours, err := c.ClaimJob(ctx, w.JobID, fmt.Sprint("worker/", c.tokens.Add(1)), 300*time.Millisecond)
			switch {
			case !c.went(err) || !ours:
			case claim.Job.Audience == string(secor.AudienceDesk):
				_, err = c.FinishWork(ctx, claim, jobAct(claim.Job), decide)
				c.went(err)
			default:
				c.send(ctx, claim)
			}
		}
	}
}

// send sends a letter as a worker does: what was sent is recorded until it stands,
// or the claim is lost.
func (c *chaos) send(ctx context.Context, claim promise.Claim) {
	starts, err := c.StartSend(ctx, claim, jobAct(claim.Job), time.Second, nothing)
	if !c.went(err) || !starts {
		return
	}
	c.mu.Lock()
	c.letters[fmt.Sprintf("job-%d@desk.example", claim.Job.ID)]++
	c.mu.Unlock()
	for ctx.Err() == nil {
		err = c.FinishSend(ctx, claim, "250 ok", jobAct(claim.Job), func(f *secor.File) error {
			return f.Accepted(secor.JobKind(claim.Job.Kind), claim.Job.Recipient)
		})
		if c.went(err) || errors.Is(err, promise.ErrLost) {
			return
		}
	}
}

func (c *chaos) reconciling(ctx context.Context) {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for ctx.Err() == nil {
		<-poll.C
		_, _, err := c.ReconcileJobs(ctx)
		c.went(err)
	}
}

const terminateSQL = `
	SELECT count(pg_terminate_backend(pid))
	FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid()`

// terminating ends every connection but its own, at random moments, until the time
// is over. It returns how many it ended.
func (c *chaos) terminating(own *sql.Conn, length time.Duration) int {
	total := 0
	for end := time.Now().Add(length); time.Now().Before(end); {
		var n int
		err := own.QueryRowContext(c.t.Context(), terminateSQL).Scan(&n)
		if err != nil {
			c.t.Fatal(err)
		}
		total += n
		<-time.After(rand.N(60 * time.Millisecond))
	}
	return total
}

// Eight workers, two reconcilers and a desk that promises go on while all backends
// of their database are terminated, again and again, in whatever they are doing.
// SECOR_LONG=1 has it take two minutes.
func TestJobs_BackendsTerminated(t *testing.T) {
	length, cases := 1500*time.Millisecond, 25
	if os.Getenv("SECOR_LONG") == "1" {
		length, cases = 2*time.Minute, 3000
	}
	c := &chaos{bench: newBench(t), t: t, letters: map[string]int{}}
	companies := make([]int64, cases)
	for i := range companies {
		companies[i] = c.company(t)
	}
	own, err := storetest.OwnerDB(t).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	ctx, stop := context.WithTimeout(t.Context(), length+time.Minute)
	var desk, engine sync.WaitGroup
	desk.Go(func() { c.promising(ctx, companies) })
	for range 8 {
		engine.Go(func() { c.work(ctx) })
	}
	for range 2 {
		engine.Go(func() { c.reconciling(ctx) })
	}
	ended := c.terminating(own, length)
	desk.Wait()
	for quiet := false; !quiet; {
		quiet, err = c.Quiet(ctx)
		if err != nil {
			t.Fatalf("the desk did not come to rest: %v", err)
		}
	}
	stop()
	engine.Wait()
	t.Logf("%d backends terminated, %d calls failed", ended, c.faults.Load())
	if ended < 20 || c.faults.Load() == 0 {
		t.Error("hardly anything was disturbed")
	}
	c.inspect(own)
	c.wantSound(t)
}

// inspect holds that each case was decided once and its letter sent once.
func (c *chaos) inspect(own *sql.Conn) {
	c.t.Helper()
	findings, err := storetest.Inspect(c.t.Context(), storetest.OwnerDB(c.t).DB, storetest.Expected{
		Follows: map[string][]string{"request.received": {"request:decide_need"}, "request.not_required": {"request:send_not_required"}, "letter.sent": nil, "case.opened": nil},
		Effects: map[string]string{"request:decide_need": "request.not_required", "request:send_not_required": storetest.LetterSent},
		Once:    []string{"request.received", "request.not_required", "letter.sent"},
		Letters: c.letters,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range findings {
		c.t.Error(f)
	}
	jobs, err := c.Jobs(c.t.Context(), store.JobFilter{Limit: 100_000})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, job := range jobs {
		if job.State != promise.Done && job.State != promise.Ambiguous {
			c.t.Errorf("job %d (%s) is %s: %s", job.ID, job.Kind, job.State, job.LastError)
		}
	}
}
