package jobs_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/redis/go-redis/v9"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/jobs/mail/sink"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// scene is a bench whose letters go to a real mail server, so that processes can
// share it with the test.
type scene struct {
	*bench
	sink   *sink.Sink
	config engineConfig // of its children
}

// newScene returns a scene whose mail server takes its time for each letter.
func newScene(t *testing.T, drag time.Duration) *scene {
	t.Helper()
	b := newBench(t)
	b.queue.start(t)
	redis, ok := b.queue.RedisConnOpt.(asynq.RedisClientOpt)
	if !ok {
		t.Fatalf("the queue is a %T, want one that another process can open", b.queue.RedisConnOpt)
	}
	server, err := sink.Open(t.TempDir(), sink.Options{Judge: func(string) sink.Verdict { <-time.After(drag); return sink.Accept }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	pace := jobs.DefaultPace()
	pace.Worker, pace.Lease, pace.Renew = "", time.Second, 300*time.Millisecond
	b.beat = jobs.Beat{Poll: 50 * time.Millisecond, Hold: time.Second}
	return &scene{bench: b, sink: server, config: engineConfig{
		DSN: storetest.DSN(t), Mail: server.URL(), Redis: redis, Now: deskTime(), Pace: pace,
		Beat: b.beat, SendLimit: 2 * time.Second, Drag: drag,
	}}
}

// deskTime is what the desk's clock of a bench shows.
func deskTime() time.Time { return time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC) }

// survive runs an engine in the test's own process, to the test's end.
func (s *scene) survive(t *testing.T) {
	t.Helper()
	desk, err := jobs.NewDesk(prairie())
	if err != nil {
		t.Fatal(err)
	}
	sender, err := mail.NewSender(s.sink.URL())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(s.book)
	w, err := jobs.NewWorker(s.Store, sender, desk, s.kinds, jobs.DefaultPace(), log)
	if err != nil {
		t.Fatal(err)
	}
	s.relay(t)
	s.reconciler(t)
	s.run(t, func(ctx context.Context) {
		err := w.Run(ctx, s.queue)
		if err != nil {
			t.Error(err)
		}
	})
}

// received returns the letters that the mail server took: how often, by Message-ID.
func (s *scene) received(t *testing.T) map[string]int {
	t.Helper()
	letters, err := s.sink.Messages()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, l := range letters {
		count[l.ID]++
	}
	return count
}

// inspect has the tables and the letters judged by what shares no code with the engine.
func (s *scene) inspect(t *testing.T) {
	t.Helper()
	inspect(t, s.bench, s.received(t))
}

// inspect does so for letters that came in any way. What must follow from what is
// written here once more, by hand.
func inspect(t *testing.T, b *bench, letters map[string]int) {
	t.Helper()
	findings, err := storetest.Inspect(t.Context(), b.db.DB, storetest.Expected{
		Follows: map[string][]string{
			"case.opened":          nil,
			"request.received":     {"request:decide_need"},
			"request.not_required": {"request:send_not_required"},
			"request.rejected":     {"request:send_rejection"},
			"letter.sent":          nil,
			"job.retried":          nil,
		},
		Effects: map[string]string{
			"request:decide_need":       "request.not_required",
			"request:send_not_required": storetest.LetterSent,
			"request:send_rejection":    storetest.LetterSent,
		},
		Once:    []string{"request.received", "request.not_required", "request.rejected", "letter.sent"},
		Letters: letters,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		t.Error(finding)
	}
}

// ends returns how the jobs of a kind stand, one "state attempts" each, sorted.
func (s *scene) ends(t *testing.T, kind secor.JobKind) []string {
	t.Helper()
	var ends []string
	err := s.db.SelectContext(t.Context(), &ends, `SELECT state || ' ' || attempts FROM jobs WHERE kind = $1`, kind)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ends)
	return ends
}

// wantAttempts holds that every attempt that did not do its job is kept.
func (s *scene) wantAttempts(t *testing.T) {
	t.Helper()
	all, err := s.Jobs(t.Context(), store.JobFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range all {
		kept, err := s.Attempts(t.Context(), j.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := j.Attempts
		if j.State == promise.Done || j.State == promise.Cancelled {
			want--
		}
		if len(kept) != want {
			t.Errorf("job %d is %s after %d attempts, of which %d are kept, want %d: %+v", j.ID, j.State, j.Attempts, len(kept), want, kept)
		}
		for _, a := range kept {
			lost := a.Outcome == promise.EndLeaseLost || a.Outcome == promise.EndAmbiguous
			if !lost || a.Worker == "" || a.Worker == jobs.DefaultPace().Worker {
				t.Errorf("attempt %+v of job %d is kept, want one that a killed process lost", a, j.ID)
			}
		}
	}
}

// A worker with three jobs to do dies in the middle of the second.
func TestKill_Worker(t *testing.T) {
	t.Parallel()
	tests := []struct {
		at       point
		letters  bool     // the jobs are letters, not work
		dead     int      // jobs that are done when it dies
		want     []string // how the jobs end, with their attempts
		received int      // of the letters in doubt
	}{
		{at: beforeClaim, dead: 1, want: []string{"done 1", "done 1", "done 1"}},
		{at: afterClaim, dead: 1, want: []string{"done 1", "done 1", "done 2"}},
		{at: effectsMade, dead: 1, want: []string{"done 1", "done 1", "done 2"}},
		{at: workCommitted, dead: 2, want: []string{"done 1", "done 1", "done 1"}},
		{at: beforeClaim, letters: true, dead: 1, want: []string{"done 1", "done 1", "done 1"}},
		{at: afterClaim, letters: true, dead: 1, want: []string{"done 1", "done 1", "done 2"}},
		{at: sendPrepared, letters: true, dead: 1, want: []string{"done 1", "done 1", "done 2"}},
		{at: sendBegun, letters: true, dead: 1, want: []string{"ambiguous 1", "done 1", "done 1"}},
		{at: letterGiven, letters: true, dead: 1, want: []string{"ambiguous 1", "done 1", "done 1"}, received: 1},
		{at: receiptMade, letters: true, dead: 1, want: []string{"ambiguous 1", "done 1", "done 1"}, received: 1},
		{at: sendRecorded, letters: true, dead: 2, want: []string{"done 1", "done 1", "done 1"}},
	}
	for _, tt := range tests {
		kind, lane := secor.JobDecideNeed, jobs.Lane{Queue: jobs.Decisions, Concurrency: 1, Check: 10 * time.Millisecond}
		if tt.letters {
			kind, lane.Queue = secor.JobRejection, jobs.Mail
		}
		t.Run(fmt.Sprintf("%s/%s", lane.Queue, tt.at), func(t *testing.T) {
			t.Parallel()
			s := newScene(t, 0)
			for range 3 {
				if tt.letters {
					s.rejected(t)
				} else {
					s.request(t)
				}
			}
			s.config.Pace.Lanes = []jobs.Lane{lane}
			s.config.Die, s.config.Nth = tt.at, 2
			startProcess(t, "worker", s.config).awaitKilled(t)
			var dead int
			s.scan(t, &dead, `SELECT count(*) FROM jobs WHERE kind = $1 AND state = 'done'`, kind)
			if dead != tt.dead {
				t.Errorf("%d jobs were done when it died, want %d", dead, tt.dead)
			}
			s.survive(t)
			s.awaitQuiet(t)
			s.inspect(t)
			s.wantAttempts(t)
			diff := cmp.Diff(tt.want, s.ends(t, kind))
			if diff != "" {
				t.Errorf("how the jobs end (-want +got):\n%s", diff)
			}
			s.wantDoubt(t, tt.received)
		})
	}
}

// wantDoubt holds how many letters were received of those that are in doubt.
func (s *scene) wantDoubt(t *testing.T, want int) {
	t.Helper()
	all, err := s.Jobs(t.Context(), store.JobFilter{States: []promise.State{promise.Ambiguous}})
	if err != nil {
		t.Fatal(err)
	}
	got, received := 0, s.received(t)
	for _, j := range all {
		got += received[fmt.Sprintf("job-%d@prairie.example", j.ID)]
	}
	if got != want {
		t.Errorf("%d letters in doubt were received, want %d", got, want)
	}
}

// A relay with sixty jobs to wake dies on its way from Postgres to Redis.
func TestKill_Relay(t *testing.T) {
	t.Parallel()
	const all = 60
	tests := []struct {
		at     point
		nth    int64
		arrive int // wake-ups that reach Redis
	}{
		{woken, 1, 0},
		{enqueued, all / 2, all / 2},
	}
	for _, tt := range tests {
		t.Run(string(tt.at), func(t *testing.T) {
			t.Parallel()
			s := newScene(t, 0)
			for range all {
				s.request(t)
			}
			s.config.Die, s.config.Nth = tt.at, tt.nth
			startProcess(t, "relay", s.config).awaitKilled(t)
			reached := s.queue.pending(t, jobs.Decisions)
			if reached != tt.arrive {
				t.Errorf("%d wake-ups reached Redis, want %d", reached, tt.arrive)
			}
			s.survive(t)
			s.awaitQuiet(t)
			s.inspect(t)
			var again, twice int
			s.scan(t, &again, `SELECT count(*) FROM jobs WHERE kind = $1 AND wakes > 1`, secor.JobDecideNeed)
			if again < all-reached {
				t.Errorf("%d jobs were woken again, want the %d at least whose wake-up was lost", again, all-reached)
			}
			s.scan(t, &twice, `SELECT count(*) FROM jobs WHERE attempts <> 1`)
			if twice > 0 {
				t.Errorf("%d jobs were not done with their first attempt", twice)
			}
		})
	}
}

// pending returns how many wake-ups wait on a queue.
func (q *queue) pending(t *testing.T, name jobs.Queue) int {
	t.Helper()
	n, err := q.client(t).LLen(t.Context(), fmt.Sprintf("asynq:{%s}:pending", name)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// Two worker processes are killed at random moments while jobs are promised, and
// each is replaced by another. No moment is worth waiting for: time passes here.
func TestKill_AtRandom(t *testing.T) {
	t.Parallel()
	kills, burst := 6, 16
	if os.Getenv("SECOR_LONG") == "1" {
		kills, burst = 110, 5
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	s := newScene(t, 20*time.Millisecond)
	workers := []*process{startProcess(t, "worker", s.config), startProcess(t, "worker", s.config)}
	for range kills {
		victim, after := chance.IntN(len(workers)), time.Duration(chance.IntN(300))*time.Millisecond
		var killing sync.WaitGroup
		killing.Go(func() {
			<-time.After(after)
			workers[victim].kill()
		})
		for range burst {
			s.request(t)
		}
		killing.Wait()
		workers[victim] = startProcess(t, "worker", s.config)
	}
	for _, w := range workers {
		w.kill()
	}
	s.survive(t)
	s.awaitQuiet(t)
	s.inspect(t)
	s.wantAttempts(t)
	var lost, doubts int
	s.scan(t, &lost, `SELECT count(*) FROM attempts WHERE outcome = 'lease_lost'`)
	s.scan(t, &doubts, `SELECT count(*) FROM jobs WHERE state = 'ambiguous'`)
	t.Logf("%d jobs, %d processes killed, %d claims and %d sendings with them", 2*kills*burst, kills+len(workers), lost, doubts)
	if lost+doubts == 0 {
		t.Error("no process had a job in hand when it was killed, so nothing is proved")
	}
	s.resolve(t)
	s.awaitQuiet(t)
	s.inspect(t)
	var open int
	s.scan(t, &open, `SELECT count(*) FROM jobs WHERE state <> 'done'`)
	if open > 0 {
		t.Errorf("%d jobs are not done in the end", open)
	}
}

// Postgres ends every connection of two worker processes, ten times, in the middle
// of what they do. They need no help to go on.
func TestKill_Backends(t *testing.T) {
	t.Parallel()
	s := newScene(t, 5*time.Millisecond)
	owner := storetest.OwnerDB(t)
	startProcess(t, "worker", s.config)
	startProcess(t, "worker", s.config)
	busy := 0
	for range 10 {
		for range 8 {
			s.request(t)
		}
		var ended int
		err := owner.GetContext(t.Context(), &ended, `
			SELECT count(*) FILTER (WHERE pg_terminate_backend(pid) AND state <> 'idle')
			FROM pg_stat_activity
			WHERE application_name = 'worker' AND datname = current_database()`)
		if err != nil {
			t.Fatal(err)
		}
		busy += ended
	}
	s.awaitQuiet(t)
	s.inspect(t)
	var doubts, again int
	s.scan(t, &doubts, `SELECT count(*) FROM jobs WHERE state = 'ambiguous'`)
	s.scan(t, &again, `SELECT count(*) FROM attempts`)
	t.Logf("%d connections ended in the middle of something; %d attempts made again, %d letters in doubt", busy, again, doubts)
	if busy == 0 {
		t.Error("no connection was busy when it was ended, so nothing is proved")
	}
}

// resolve has every letter in doubt sent again, as a person may.
func (s *scene) resolve(t *testing.T) {
	t.Helper()
	all, err := s.Jobs(t.Context(), store.JobFilter{States: []promise.State{promise.Ambiguous}})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range all {
		act := secor.Act{ID: fmt.Sprintf("retry:%d", j.ID), By: s.lead, Surface: secor.SurfaceCLI, Reason: "the company has no letter"}
		err = s.RetryJob(t.Context(), j.ID, act, true)
		if err != nil {
			t.Error(err)
		}
	}
}

// point is a place in an engine's work at which its process can die.
type point string

const (
	beforeClaim   point = "before the claim"
	afterClaim    point = "after the claim"
	effectsMade   point = "effects made, not committed"
	workCommitted point = "effects committed, answer not used"
	sendPrepared  point = "sending_at written, not committed"
	sendBegun     point = "sending_at committed, nothing sent"
	letterGiven   point = "letter accepted, no receipt"
	receiptMade   point = "receipt written, not committed"
	sendRecorded  point = "receipt committed, answer not used"
	woken         point = "woken, nothing enqueued"
	enqueued      point = "enqueued in part"
)

// engineConfig is what a child that works or relays needs.
type engineConfig struct {
	DSN, Mail string
	Redis     asynq.RedisClientOpt
	Now       time.Time // what the desk's clock shows
	Pace      jobs.Pace
	Beat      jobs.Beat
	SendLimit time.Duration // for one letter
	Drag      time.Duration // by which each step on a case takes longer
	Die       point
	Nth       int64 // time that it is reached
}

// child is the real engine in a process that dies where its config says so.
type child struct {
	engineConfig
	store    *store.Store
	relay    *jobs.Relay
	kinds    []jobs.Kind
	log      *slog.Logger
	reached  atomic.Int64
	underway atomic.Int64 // wake-ups that left, while their number is limited
}

func newChild(config []byte) (*child, error) {
	c := &child{kinds: jobs.Kinds(), log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	err := json.Unmarshal(config, &c.engineConfig)
	if err != nil {
		return nil, err
	}
	c.Pace.Worker = jobs.DefaultPace().Worker
	for i := range c.kinds {
		shorten(&c.kinds[i], c.SendLimit, c.Drag)
	}
	programme, err := schema.Load()
	if err != nil {
		return nil, err
	}
	connector, err := pq.NewConnector(c.DSN)
	if err != nil {
		return nil, err
	}
	db := sqlx.NewDb(sql.OpenDB(mortalConnector{connector, c}), "postgres")
	db.SetMaxOpenConns(16)
	c.store = store.New(db, programme, func() time.Time { return c.Now })
	c.store.Grace = 0
	c.relay = jobs.NewRelay(mortalWaker{c.store, c}, mortalRedis{c.Redis, c}, c.kinds, c.Beat, c.log)
	c.store.Promised = c.relay.Signal
	return c, nil
}

// shorten makes a kind one whose back-off and sending take as long as a test has
// time, and whose work takes drag longer.
func shorten(k *jobs.Kind, sendLimit, drag time.Duration) {
	k.Backoff = func(int) time.Duration { return time.Millisecond }
	if k.Letter != nil {
		k.Timeout = sendLimit
	}
	if k.Work != nil {
		real := k.Work
		k.Work = func(d *jobs.Desk, f *secor.File, cause secor.Event) error {
			<-time.After(drag)
			return real(d, f, cause)
		}
	}
}

// reach dies when p is where this process is to die.
func (c *child) reach(p point) {
	if p == c.Die && c.reached.Add(1) == c.Nth {
		killMyself()
	}
}

func relayPart(ctx context.Context, config []byte, ready func()) error {
	c, err := newChild(config)
	if err != nil {
		return err
	}
	ready()
	c.relay.Run(ctx)
	return nil
}

// workerPart is a process as secordesk worker is one: it works, relays and reconciles.
func workerPart(ctx context.Context, config []byte, ready func()) error {
	c, err := newChild(config)
	if err != nil {
		return err
	}
	sender, err := mail.NewSender(c.Mail)
	if err != nil {
		return err
	}
	desk, err := jobs.NewDesk(prairie())
	if err != nil {
		return err
	}
	w, err := jobs.NewWorker(mortalPromises{c.store, c}, mortalSender{sender, c}, desk, c.kinds, c.Pace, c.log)
	if err != nil {
		return err
	}
	ready()
	var others sync.WaitGroup
	others.Go(func() { c.relay.Run(ctx) })
	others.Go(func() { jobs.Reconcile(ctx, c.store, 100*time.Millisecond, c.log) })
	defer others.Wait()
	return w.Run(ctx, c.Redis)
}

// prairie is the office of these tests.
func prairie() jobs.Office {
	return jobs.Office{Name: "Prairie Safety Partners", Phone: "555-0100", From: "desk@prairie.example"}
}

// mortalPromises is the store of a process that may die at any of its answers.
type mortalPromises struct {
	*store.Store
	child *child
}

func (m mortalPromises) ClaimJob(ctx context.Context, id int64, token string, lease time.Duration) (promise.Claim, bool, error) {
	m.child.reach(beforeClaim)
	claim, ours, err := m.Store.ClaimJob(ctx, id, token, lease)
	if ours {
		m.child.reach(afterClaim)
	}
	return claim, ours, err
}

func (m mortalPromises) FinishWork(ctx context.Context, c promise.Claim, act secor.Act,
	step func(*secor.File, secor.Event) error) (promise.State, error) {
	state, err := m.Store.FinishWork(committing(ctx, effectsMade), c, act, step)
	if err == nil {
		m.child.reach(workCommitted)
	}
	return state, err
}

func (m mortalPromises) StartSend(ctx context.Context, c promise.Claim, act secor.Act, lease time.Duration,
	prepare func(*secor.File, secor.Event) error) (bool, error) {
	return m.Store.StartSend(committing(ctx, sendPrepared), c, act, lease, prepare)
}

func (m mortalPromises) FinishSend(ctx context.Context, c promise.Claim, receipt string, act secor.Act, step func(*secor.File) error) error {
	err := m.Store.FinishSend(committing(ctx, receiptMade), c, receipt, act, step)
	if err == nil {
		m.child.reach(sendRecorded)
	}
	return err
}

// mortalSender is the real sender in a process that may die on either side of it.
type mortalSender struct {
	jobs.Sender
	child *child
}

func (m mortalSender) Send(ctx context.Context, letter mail.Message) (string, error) {
	m.child.reach(sendBegun)
	receipt, err := m.Sender.Send(ctx, letter)
	if err == nil {
		m.child.reach(letterGiven)
	}
	return receipt, err
}

// mortalWaker wakes jobs for a process that may die with what it woke.
type mortalWaker struct {
	jobs.Waker
	child *child
}

func (m mortalWaker) WakeJobs(ctx context.Context, rooms []promise.Room, limit int, hold time.Duration) ([]promise.Wake, error) {
	wakes, err := m.Waker.WakeJobs(ctx, rooms, limit, hold)
	if len(wakes) > 0 {
		m.child.reach(woken)
	}
	return wakes, err
}

// mortalRedis is the way to Redis of a process that may die between two wake-ups.
type mortalRedis struct {
	asynq.RedisClientOpt
	child *child
}

func (m mortalRedis) MakeRedisClient() any {
	client := m.RedisClientOpt.MakeRedisClient().(redis.UniversalClient)
	client.AddHook(enqueueHook{m.child})
	return client
}

type enqueueHook struct{ child *child }

func (enqueueHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (enqueueHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook counts scripts: a relay runs none but asynq's that enqueues. When as
// many as are to arrive are on their way, every other one is kept from going.
func (h enqueueHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "evalsha" && cmd.Name() != "eval" {
			return next(ctx, cmd)
		}
		if h.child.Die == enqueued && !h.child.leaves() {
			select {}
		}
		err := next(ctx, cmd)
		if err != nil { // Redis did not know the script; it is asked again with all of it
			h.child.underway.Add(-1)
			return err
		}
		h.child.reach(enqueued)
		return nil
	}
}

// leaves reports whether one more wake-up may be on its way.
func (c *child) leaves() bool {
	for {
		n := c.underway.Load()
		if n == c.Nth {
			return false
		}
		if c.underway.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// mortalConnector opens connections of a process that may die instead of committing.
type mortalConnector struct {
	driver.Connector
	child *child
}

// connection is all that a connection of lib/pq can do.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

func (m mortalConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := m.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, ok := conn.(connection)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T cannot do all that was expected", conn), conn.Close())
	}
	return mortalConn{whole, m.child}, nil
}

type mortalConn struct {
	connection
	child *child
}

type committingKey struct{}

// committing names the point that the next transaction's commit is.
func committing(ctx context.Context, p point) context.Context {
	return context.WithValue(ctx, committingKey{}, p)
}

func (m mortalConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := m.connection.BeginTx(ctx, o)
	p, named := ctx.Value(committingKey{}).(point)
	if err != nil || !named {
		return tx, err
	}
	return mortalTx{tx, p, m.child}, nil
}

type mortalTx struct {
	driver.Tx
	point point
	child *child
}

func (m mortalTx) Commit() error {
	m.child.reach(m.point)
	return m.Tx.Commit()
}
