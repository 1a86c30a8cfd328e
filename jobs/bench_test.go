package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// The store is what the engine asks for.
var (
	_ jobs.Promises = (*store.Store)(nil)
	_ jobs.Waker    = (*store.Store)(nil)
	_ jobs.Ledger   = (*store.Store)(nil)
)

// bench is an office with a store, a queue, a post box and a book of what was logged.
type bench struct {
	*store.Store
	db    *sqlx.DB
	queue *queue
	post  *postbox
	smtp  jobs.Sender // nil: post
	board jobs.Poster // nil: no cards
	book  *logbook
	kinds []jobs.Kind
	pace  jobs.Pace
	beat  jobs.Beat
	lead  secor.Actor
	n     int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchAt(t, func() time.Time { return time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC) })
}

func newBenchAt(t *testing.T, now func() time.Time) *bench {
	t.Helper()
	programme, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.DB(t)
	s, err := store.Open(t.Context(), storetest.DSN(t), programme, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.Grace = 0
	b := &bench{Store: s, db: db, queue: newQueue(t), post: &postbox{}, book: &logbook{}, kinds: jobs.Kinds(),
		pace: jobs.DefaultPace(), beat: jobs.DefaultBeat()}
	for i := range b.kinds {
		b.kinds[i].Backoff = func(int) time.Duration { return time.Millisecond }
	}
	var lead int64
	b.scan(t, &lead, `INSERT INTO reviewers (name, email, role, active, capacity) VALUES ('Lea Lead', 'lead@desk.example', 'lead', true, 8) RETURNING id`)
	b.lead = secor.ByReviewer(lead)
	return b
}

// change changes one kind of the bench's table.
func (b *bench) change(name secor.JobKind, do func(k *jobs.Kind)) {
	i := slices.IndexFunc(b.kinds, func(k jobs.Kind) bool { return k.Name == name })
	do(&b.kinds[i])
}

func (b *bench) scan(t *testing.T, into any, query string, args ...any) {
	t.Helper()
	err := b.db.GetContext(context.Background(), into, query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (b *bench) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	_, err := b.db.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// request opens a request of a company on file. The desk decides by itself that
// it is not needed, and writes to the company.
func (b *bench) request(t *testing.T) secor.CaseID {
	t.Helper()
	return b.ask(t, secor.ReasonNoProfile)
}

func (b *bench) ask(t *testing.T, reason secor.RequestReason) secor.CaseID {
	t.Helper()
	b.n++
	var company int64
	b.scan(t, &company, `
		INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member, profile_since)
		VALUES ($1, '', $1, 'AB', $2, 'Ana Roy', '1 Main St', 'Calgary', 'AB', 'T2P 1A1', true, '2025-01-01') RETURNING id`,
		fmt.Sprintf("Roy %d Roofing", b.n), fmt.Sprintf("office@roy%d.example", b.n))
	act := secor.Act{ID: fmt.Sprintf("open:%d", b.n), By: b.lead, Surface: secor.SurfaceFile}
	id, err := b.AddRequest(t.Context(), act, company, "ab-pir", secor.Request{Reason: reason, Headcount: 4})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// rejected is a request that the desk leaves to a person, who refused it: one
// letter is promised.
func (b *bench) rejected(t *testing.T) (secor.CaseID, promise.Job) {
	t.Helper()
	id := b.ask(t, secor.ReasonNew)
	b.take(t, id, "reject")
	return id, b.job(t, id, secor.JobRejection)
}

func (b *bench) take(t *testing.T, id secor.CaseID, name string) {
	t.Helper()
	b.n++
	act := secor.Act{ID: fmt.Sprintf("take:%d", b.n), By: b.lead, Surface: secor.SurfaceCLI, Reason: "so it is"}
	err := b.UpdateCase(t.Context(), id, act, func(f *secor.File, _ time.Time) error {
		step, err := secor.StepFor(name, f.Case.Kind)
		if err != nil {
			return err
		}
		return step.Take(f, nil)
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// job returns the case's last job of a kind.
func (b *bench) job(t *testing.T, id secor.CaseID, kind secor.JobKind) promise.Job {
	t.Helper()
	all, err := b.Jobs(context.Background(), store.JobFilter{CaseID: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range slices.Backward(all) {
		if j.Kind == string(kind) {
			return j
		}
	}
	t.Fatalf("case %d has no job %s", id, kind)
	return promise.Job{}
}

func (b *bench) wantJob(t *testing.T, id secor.CaseID, kind secor.JobKind, state promise.State, attempts int) promise.Job {
	t.Helper()
	j := b.job(t, id, kind)
	if j.State != state || j.Attempts != attempts {
		t.Errorf("%s of case %d is %s after %d attempts (%s), want %s after %d", kind, id, j.State, j.Attempts, j.LastError, state, attempts)
	}
	return j
}

func (b *bench) wantEvents(t *testing.T, id secor.CaseID, kind secor.EventKind, want int) {
	t.Helper()
	events, err := b.Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, e := range events {
		if e.Kind == kind {
			got++
		}
	}
	if got != want {
		t.Errorf("case %d has %d times %s, want %d", id, got, kind, want)
	}
}

// expire lets every lease and every wake-up run out.
func (b *bench) expire(t *testing.T) {
	t.Helper()
	b.exec(t, `UPDATE jobs SET claimed_until = claimed_until - interval '1 day', woken_until = woken_until - interval '1 day' WHERE state = 'open'`)
}

func (b *bench) awaitQuiet(t *testing.T) {
	t.Helper()
	await(t, "no open job", func() bool {
		quiet, err := b.Quiet(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return quiet
	})
}

func (b *bench) relay(t *testing.T) func() {
	t.Helper()
	r := jobs.NewRelay(b.Store, b.queue, b.kinds, b.beat, slog.New(b.book))
	b.Promised = r.Signal
	return b.run(t, func(ctx context.Context) { r.Run(ctx) })
}

func (b *bench) reconciler(t *testing.T) func() {
	t.Helper()
	return b.run(t, func(ctx context.Context) { jobs.Reconcile(ctx, b.Store, 20*time.Millisecond, slog.New(b.book)) })
}

// worker runs a worker on these promises until the returned function is called.
func (b *bench) worker(t *testing.T, promises jobs.Promises) func() {
	t.Helper()
	desk, err := jobs.NewDesk(jobs.Office{Name: "Prairie Safety Partners", Phone: "555-0100", From: "desk@prairie.example"})
	if err != nil {
		t.Fatal(err)
	}
	var sender jobs.Sender = b.post
	if b.smtp != nil {
		sender = b.smtp
	}
	w, err := jobs.NewWorker(promises, sender, desk, b.kinds, b.pace, slog.New(b.book))
	if err != nil {
		t.Fatal(err)
	}
	w.Poster = b.board
	return b.run(t, func(ctx context.Context) {
		err := w.Run(ctx, b.queue)
		if err != nil {
			t.Error(err)
		}
	})
}

// engine runs relay, reconciler and worker to the test's end.
func (b *bench) engine(t *testing.T) {
	t.Helper()
	b.relay(t)
	b.reconciler(t)
	b.worker(t, b.Store)
}

// run starts something that ends with its context; the returned function ends it
// and waits, as the test's end does.
func (b *bench) run(t *testing.T, do func(ctx context.Context)) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { do(ctx) })
	stop := func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// postbox is a mail server that can be told to fail.
type postbox struct {
	mu      sync.Mutex
	letters []mail.Message
	fail    func(ctx context.Context, m mail.Message) error // nil: never; asked before a letter is kept
	lose    func(m mail.Message) error                      // nil: never; asked after it was kept
}

func (p *postbox) Send(ctx context.Context, m mail.Message) (string, error) {
	err := m.Validate()
	if err != nil {
		return "", &mail.SendError{Outcome: mail.NotSent, Step: mail.StepMessage, Permanent: true, Err: err}
	}
	if p.fail != nil {
		err = p.fail(ctx, m)
	}
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	p.letters = append(p.letters, m)
	p.mu.Unlock()
	if p.lose != nil {
		err = p.lose(m)
	}
	return "250 kept", err
}

func (p *postbox) sent() []mail.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.letters)
}

// logbook is a slog.Handler that keeps everything from Info on.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *logbook) WithGroup(string) slog.Handler                    { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func (l *logbook) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// mortal is a worker's way to the store. Killed, nothing the worker does reaches
// Postgres any more, as if its process were gone.
type mortal struct {
	jobs.Promises
	mu   sync.Mutex
	dead bool
}

var errDead = errors.New("the process was killed")

func (m *mortal) kill() { m.mu.Lock(); m.dead = true; m.mu.Unlock() }

func (m *mortal) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errors.Join(errDead, promise.ErrLost)
	}
	return nil
}

func (m *mortal) ClaimJob(ctx context.Context, id int64, token string, lease time.Duration) (promise.Claim, bool, error) {
	err := m.alive()
	if err != nil {
		return promise.Claim{}, false, err
	}
	return m.Promises.ClaimJob(ctx, id, token, lease)
}

func (m *mortal) RenewClaim(ctx context.Context, c promise.Claim, lease time.Duration) error {
	err := m.alive()
	if err != nil {
		return err
	}
	return m.Promises.RenewClaim(ctx, c, lease)
}

func (m *mortal) ReleaseJob(ctx context.Context, c promise.Claim) error {
	err := m.alive()
	if err != nil {
		return err
	}
	return m.Promises.ReleaseJob(ctx, c)
}

func (m *mortal) EndAttempt(ctx context.Context, c promise.Claim, o promise.Outcome) error {
	err := m.alive()
	if err != nil {
		return err
	}
	return m.Promises.EndAttempt(ctx, c, o)
}

func (m *mortal) BounceSend(ctx context.Context, c promise.Claim, o promise.Outcome, act secor.Act, step func(*secor.File) error) error {
	err := m.alive()
	if err != nil {
		return err
	}
	return m.Promises.BounceSend(ctx, c, o, act, step)
}

func (m *mortal) FailBatch(ctx context.Context, c promise.Claim, o promise.Outcome, act secor.Act) error {
	err := m.alive()
	if err != nil {
		return err
	}
	return m.Promises.FailBatch(ctx, c, o, act)
}

func (m *mortal) FinishSend(ctx context.Context, c promise.Claim, receipt string, act secor.Act, step func(*secor.File) error) error {
	err := m.alive()
	if err != nil {
		return err
	}
	return m.Promises.FinishSend(ctx, c, receipt, act, step)
}
