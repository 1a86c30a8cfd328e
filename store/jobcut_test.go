package store_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// jobWrite is a write of the engine: from makes the situation in which it is
// asked, do asks. What do says must be true of the job afterwards, so that it
// returns an error as well when the answer is not what the situation asks for.
type jobWrite struct {
	name string // of the method first
	from func(*testing.T, *bench) promise.Claim
	do   func(*bench, promise.Claim) error
	// told is set where a caller whose answer was lost may be told ErrLost, though
	// the write held: it has nothing more to do in either case.
	told bool
}

// jobWrites are all writes of the engine. A new one is a line here.
func jobWrites(t *testing.T) []jobWrite {
	ctx := t.Context()
	end := func(o promise.Outcome) func(*bench, promise.Claim) error {
		return func(b *bench, c promise.Claim) error { return b.EndAttempt(ctx, c, o) }
	}
	return []jobWrite{
		{"WakeJobs", waits, func(b *bench, _ promise.Claim) error {
			_, err := b.WakeJobs(ctx, everyKind(), 100, time.Minute)
			return err
		}, false},
		{"ClaimJob", waits, func(b *bench, c promise.Claim) error { return b.mustClaim(t, c.Job.ID) }, false},
		{"ClaimJob of one woken", woken, func(b *bench, c promise.Claim) error { return b.mustClaim(t, c.Job.ID) }, false},
		{"RenewClaim", claimed, func(b *bench, c promise.Claim) error { return b.RenewClaim(ctx, c, time.Hour) }, false},
		{"ReleaseJob", claimed, func(b *bench, c promise.Claim) error { return b.ReleaseJob(ctx, c) }, true},
		{"EndAttempt: again", claimed, end(promise.Outcome{State: promise.Open, Why: "no route", RetryIn: time.Hour}), false},
		{"EndAttempt: failed", claimed, end(promise.Outcome{State: promise.Failed, Why: "no address"}), false},
		{"EndAttempt: cancelled", claimed, end(promise.Outcome{State: promise.Cancelled, Why: "too late"}), false},
		{"EndAttempt: busy", sending, end(promise.Outcome{State: promise.Open, Why: "451"}), false},
		{"EndAttempt: refused", sending, end(promise.Outcome{State: promise.Failed, Why: "550"}), false},
		{"EndAttempt: not recorded", sending, end(unrecorded), false},
		{"EndAttempt: ambiguous", sending, end(ambiguous), false},
		{"EndAttempt: after the lease", unclear, end(promise.Outcome{State: promise.Open, Why: "451"}), false},
		{"FinishWork", claimed, func(b *bench, c promise.Claim) error { return b.finish(t, c, decide, promise.Done) }, false},
		{"FinishWork: nothing to do", claimed, func(b *bench, c promise.Claim) error { return b.finish(t, c, nothing, promise.Done) }, false},
		{"FinishWork: reason ended", pointless, func(b *bench, c promise.Claim) error { return b.finish(t, c, decide, promise.Cancelled) }, false},
		{"FinishWith", claimed, func(b *bench, c promise.Claim) error { return b.FinishWith(ctx, c, effectSQL, "x") }, true},
		{"StartSend", letterClaimed, func(b *bench, c promise.Claim) error { return b.start(t, c, true) }, false},
		{"StartSend: reason ended", letterPointless, func(b *bench, c promise.Claim) error { return b.start(t, c, false) }, false},
		{"FinishSend", sending, func(b *bench, c promise.Claim) error { return b.accept(t, c) }, false},
		{"FinishSend: after the lease", unclear, func(b *bench, c promise.Claim) error { return b.accept(t, c) }, false},
		{"ReconcileJobs: a wake-up", wokenLong, func(b *bench, _ promise.Claim) error { _, _, err := b.ReconcileJobs(ctx); return err }, false},
		{"ReconcileJobs: a claim", expired, func(b *bench, _ promise.Claim) error { _, _, err := b.ReconcileJobs(ctx); return err }, false},
		{"ReconcileJobs: a sending", sendingLong, func(b *bench, _ promise.Claim) error { _, _, err := b.ReconcileJobs(ctx); return err }, false},
		{"RetryJob", gaveUp, func(b *bench, c promise.Claim) error {
			return b.RetryJob(ctx, c.Job.ID, b.decisionOn(c, "retry"), false)
		}, false},
		{"RetryJob: ambiguous", unclear, func(b *bench, c promise.Claim) error {
			return b.RetryJob(ctx, c.Job.ID, b.decisionOn(c, "retry"), true)
		}, false},
		{"CancelJob", claimed, func(b *bench, c promise.Claim) error { return b.CancelJob(ctx, c.Job.ID, b.decisionOn(c, "cancel")) }, false},
		{"CancelJob: ambiguous", unclear, func(b *bench, c promise.Claim) error { return b.CancelJob(ctx, c.Job.ID, b.decisionOn(c, "cancel")) }, false},
		{"ArrivedJob", unclear, func(b *bench, c promise.Claim) error { return b.ArrivedJob(ctx, c.Job.ID, b.decisionOn(c, "arrived")) }, false},
		{"PauseJobs", waits, func(b *bench, c promise.Claim) error {
			_, err := b.PauseJobs(ctx, b.decisionOn(c, "pause"), []string{c.Job.Kind})
			return err
		}, false},
		{"ResumeJobs", rests, func(b *bench, c promise.Claim) error {
			_, err := b.ResumeJobs(ctx, b.decisionOn(c, "resume"), []string{c.Job.Kind})
			return err
		}, false},
		{"RetryJob of a chore", choreFailed, func(b *bench, c promise.Claim) error {
			return b.RetryJob(ctx, c.Job.ID, b.decisionOn(c, "retry"), false)
		}, false},
		{"CancelJob of a chore", chore, func(b *bench, c promise.Claim) error { return b.CancelJob(ctx, c.Job.ID, b.decisionOn(c, "cancel")) }, false},
		{"FinishAnchor", chore, func(b *bench, c promise.Claim) error { _, err := b.FinishAnchor(ctx, c); return err }, false},
		{"FinishPurge", chore, func(b *bench, c promise.Claim) error { _, err := b.FinishPurge(ctx, c); return err }, false},
		{"TakeTicks", chore, func(b *bench, c promise.Claim) error { return b.tick(t, c.Job.Tick.Add(24*time.Hour)) }, false},
		{"AddJob", waits, func(b *bench, c promise.Claim) error { return b.promiseOnce(t, c) }, false},
	}
}

// Situations. The claim has at least the job.

func waits(t *testing.T, b *bench) promise.Claim {
	_, job := b.request(t)
	return promise.Claim{Job: job}
}

func woken(t *testing.T, b *bench) promise.Claim {
	c := waits(t, b)
	b.exec(t, `UPDATE jobs SET woken_until = now() + interval '1 minute', wakes = 1 WHERE id = $1`, c.Job.ID)
	return c
}

func wokenLong(t *testing.T, b *bench) promise.Claim {
	c := woken(t, b)
	b.expire(t)
	return c
}

func claimed(t *testing.T, b *bench) promise.Claim { return b.claim(t, waits(t, b).Job.ID, "w/one") }

func expired(t *testing.T, b *bench) promise.Claim {
	c := claimed(t, b)
	b.expire(t)
	return c
}

func pointless(t *testing.T, b *bench) promise.Claim {
	c := claimed(t, b)
	b.take(t, secor.CaseID(c.Job.CaseID), "take")
	return c
}

func letterClaimed(t *testing.T, b *bench) promise.Claim {
	_, job := b.rejected(t)
	return b.claim(t, job.ID, "w/one")
}

func letterPointless(t *testing.T, b *bench) promise.Claim {
	c := letterClaimed(t, b)
	b.take(t, secor.CaseID(c.Job.CaseID), "reopen")
	return c
}

func sending(t *testing.T, b *bench) promise.Claim {
	c := letterClaimed(t, b)
	err := b.start(t, c, true)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sendingLong(t *testing.T, b *bench) promise.Claim {
	c := sending(t, b)
	b.expire(t)
	return c
}

func unclear(t *testing.T, b *bench) promise.Claim {
	c := sendingLong(t, b)
	b.reconcile(t)
	return c
}

func gaveUp(t *testing.T, b *bench) promise.Claim {
	c := claimed(t, b)
	err := b.EndAttempt(t.Context(), c, failed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// chore is a job of the desk's own, of the first day that has none.
func chore(t *testing.T, b *bench) promise.Claim {
	var last time.Time
	b.scan(t, &last, `SELECT coalesce(max(instant), '2026-03-25') FROM ticks`)
	err := b.tick(t, last.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	b.scan(t, &id, `SELECT max(id) FROM jobs`)
	return b.claim(t, id, "w/one")
}

func (b *bench) tick(t *testing.T, at time.Time) error {
	given := promise.Schedule{Name: "anchor", Kind: "desk:anchor", Spec: "@daily", Misfire: "all"}
	_, _, err := b.TakeTicks(t.Context(), given, func(promise.Schedule) ([]time.Time, time.Time) { return []time.Time{at}, at })
	return err
}

func choreFailed(t *testing.T, b *bench) promise.Claim {
	c := chore(t, b)
	err := b.EndAttempt(t.Context(), c, failed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rests(t *testing.T, b *bench) promise.Claim {
	c := waits(t, b)
	b.exec(t, `INSERT INTO pauses (kind, paused_at) VALUES ($1, now())`, c.Job.Kind)
	return c
}

// What is asked, and answered as the situation wants.

func (b *bench) mustClaim(t *testing.T, job int64) error {
	_, ours, err := b.ClaimJob(t.Context(), job, "w/one", time.Minute)
	if err == nil && !ours {
		return errors.New("the job that nobody has is not ours")
	}
	return err
}

func (b *bench) finish(t *testing.T, c promise.Claim, step func(*secor.File, secor.Event) error, want promise.State) error {
	state, err := b.FinishWork(t.Context(), c, jobAct(c.Job), step)
	if err == nil && state != want {
		return fmt.Errorf("the job is %s, want %s", state, want)
	}
	return err
}

func (b *bench) start(t *testing.T, c promise.Claim, want bool) error {
	starts, err := b.StartSend(t.Context(), c, jobAct(c.Job), time.Minute, nothing)
	if err == nil && starts != want {
		return fmt.Errorf("the sending starts: %v, want %v", starts, want)
	}
	return err
}

// decisionOn is the same act each time that it is asked for.
func (b *bench) decisionOn(c promise.Claim, verb string) secor.Act {
	return b.decision(b.lead, fmt.Sprint(verb, " ", c.Job.ID))
}

const effectSQL = `INSERT INTO effects (job_id, what) SELECT id, $3 FROM done`

// promiseOnce is a transaction of a caller of its own, who looks first whether it
// was committed already.
func (b *bench) promiseOnce(t *testing.T, c promise.Claim) error {
	tx, err := b.db.BeginTxx(t.Context(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var before int
	err = tx.GetContext(t.Context(), &before, `SELECT count(*) FROM effects WHERE job_id = $1`, c.Job.ID)
	if err != nil || before > 0 {
		return err
	}
	_, err = tx.ExecContext(t.Context(), `INSERT INTO effects (job_id, what) VALUES ($1, 'promised')`, c.Job.ID)
	if err != nil {
		return err
	}
	next := c.Job
	next.Key += "/next"
	err = store.AddJob(t.Context(), tx, next, time.Hour)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// linesSQL is all that stands of a job and what is around it, without what differs
// from one job to the next: numbers of rows and times.
const linesSQL = `
	SELECT concat_ws(E'\n',
		(SELECT row(state, attempts, fence, wakes, token, worker, last_error, receipt, woken_until IS NOT NULL, claimed_at IS NOT NULL,
			claimed_until > now() + interval '30 minutes', sending_at IS NOT NULL, finished_at IS NOT NULL, not_before > now())::text FROM jobs WHERE id = $1),
		(SELECT string_agg(row(fence, worker, outcome, error, began_at IS NOT NULL)::text, ' ' ORDER BY fence) FROM attempts WHERE job_id = $1),
		(SELECT string_agg(seq || ' ' || kind, ', ' ORDER BY seq) FROM events WHERE stream = 'case:' || $2::bigint::text),
		(SELECT string_agg(kind || ' ' || state, ', ' ORDER BY id) FROM jobs WHERE case_id = $2),
		(SELECT string_agg('paused ' || kind, ', ') FROM pauses),
		(SELECT string_agg(kind, ', ') FROM events WHERE stream = 'desk' AND seq > $3),
		(SELECT string_agg(j.state, ' ') FROM ticks t JOIN jobs j ON j.schedule = t.schedule AND j.tick_at = t.instant
			WHERE t.instant > (SELECT tick_at FROM jobs WHERE id = $1)),
		(SELECT 'effects ' || count(*) FROM effects WHERE job_id = $1))`

// cutBench is a bench with a second store behind a proxy that cuts connections.
type cutBench struct {
	*bench
	wire  *bench
	proxy *proxy
	desk  int // where the desk's stream ended
}

func newCutBench(t *testing.T) *cutBench {
	t.Helper()
	b := newEffectBench(t)
	loaded, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, db := newProxy(t)
	wire := *b
	wire.db = db
	wire.Store = store.New(db, loaded, func() time.Time { return time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC) })
	wire.Grace = 0
	return &cutBench{bench: b, wire: &wire, proxy: p}
}

// situation makes one that no other job disturbs.
func (b *cutBench) situation(t *testing.T, w jobWrite) promise.Claim {
	t.Helper()
	b.exec(t, `DELETE FROM pauses`)
	b.exec(t, `UPDATE jobs SET state = 'cancelled', finished_at = now(), token = NULL, claimed_until = NULL, woken_until = NULL WHERE state = 'open'`)
	c := w.from(t, b.bench)
	b.scan(t, &b.desk, `SELECT coalesce(max(seq), 0) FROM events WHERE stream = 'desk'`)
	return c
}

const backendsSQL = `
	SELECT count(*) AS n, count(*) FILTER (WHERE state <> 'idle') AS busy
	FROM pg_stat_activity
	WHERE datname = current_database() AND application_name = $1`

// lines waits until Postgres has done what callers asked for that were cut off: it
// may not even have begun.
func (b *cutBench) lines(t *testing.T, c promise.Claim) string {
	t.Helper()
	for {
		var backends struct{ N, Busy int }
		b.scan(t, &backends, backendsSQL, proxied)
		if backends.N <= b.proxy.connections() && backends.Busy == 0 {
			break
		}
	}
	var text string
	b.scan(t, &text, linesSQL, c.Job.ID, c.Job.CaseID, b.desk)
	return text
}

// Each write of the engine, cut off at each message of the exchange: it was done
// once, or not at all with an error; and asked once more it was done once. Without
// SECOR_LONG=1 a long exchange is cut at every seventh message and at COMMIT.
func TestJobWrites_Cut(t *testing.T) {
	b := newCutBench(t)
	for _, w := range jobWrites(t) {
		t.Run(w.name, func(t *testing.T) {
			c := b.situation(t, w)
			before := b.lines(t, c)
			b.proxy.arm(cutRequest, func([]byte) bool { return false })
			err := w.do(b.wire, c)
			if err != nil {
				t.Fatalf("not cut: %v", err)
			}
			length, once := b.proxy.messages(), b.lines(t, c)
			if before == once {
				t.Fatalf("it does nothing that this test sees:\n%s", once)
			}
			for i, mode := range []cut{cutRequest, cutAnswer, cutMeanwhile} {
				step, n := 1, 1
				if length > 12 && os.Getenv("SECOR_LONG") != "1" {
					step, n = 7, 1+2*i
					b.cutOnce(t, w, mode, "COMMIT", commits, before, once)
				}
				for cut := true; cut; n += step {
					cut = b.cutOnce(t, w, mode, fmt.Sprint("message ", n), func([]byte) bool { return b.proxy.passed == n }, before, once)
				}
			}
		})
	}
	b.wantSound(t)
}

// cutOnce reports whether the exchange was long enough to be cut there.
func (b *cutBench) cutOnce(t *testing.T, w jobWrite, mode cut, where string, what func([]byte) bool, before, once string) bool {
	t.Helper()
	c := b.situation(t, w)
	b.proxy.arm(mode, what)
	err := w.do(b.wire, c)
	missed := b.proxy.armed()
	b.proxy.arm(cutNever, nil)
	got := b.lines(t, c)
	if err == nil || got != before {
		b.wantLines(t, got, once, mode, where, err)
	}
	b.wantTold(t, w, mode, where, err)
	err = w.do(b.wire, c)
	if !w.told || !errors.Is(err, promise.ErrLost) {
		if err != nil {
			t.Errorf("cut at %s, %s, and asked once more: %v", where, mode, err)
		}
	}
	b.wantLines(t, b.lines(t, c), once, mode, where+", asked once more", err)
	return !missed
}

func (b *cutBench) wantLines(t *testing.T, got, want string, mode cut, where string, err error) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("cut at %s, %s (%v), differs from done once (-once +got):\n%s", where, mode, err, diff)
	}
}

// wantTold holds that only a fault or what is true is told.
func (b *cutBench) wantTold(t *testing.T, w jobWrite, mode cut, where string, err error) {
	t.Helper()
	if errors.Is(err, secor.ErrRefused) || errors.Is(err, promise.ErrLost) && !w.told {
		t.Errorf("cut at %s, %s, the caller is told: %v", where, mode, err)
	}
}

// changesSQL is what a statement says that changes rows; FOR UPDATE does not.
var changesSQL = regexp.MustCompile(`INSERT INTO|UPDATE \w+\s+SET|DELETE FROM`)

// Whoever adds a write to the engine adds it to jobWrites. A write is an exported
// function of the engine's files from which one comes to a statement that changes
// rows, by the statements that it names and the functions that it calls.
func TestJobWrites_AreAll(t *testing.T) {
	var known []string
	for _, w := range jobWrites(t) {
		name, _, _ := strings.Cut(w.name, ":")
		known = append(known, strings.Fields(name)[0])
	}
	uses, writes := map[string][]string{}, map[string]bool{}
	engine := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			name := readDecl(d, uses, writes)
			if ast.IsExported(name) && (strings.HasPrefix(file, "job") || slices.Contains([]string{"anchor.go", "chore.go", "pause.go", "promise.go", "tick.go"}, file)) {
				engine[name] = file
			}
		}
	}
	found := 0
	for name, file := range engine {
		if !reaches(name, uses, writes, map[string]bool{}) {
			continue
		}
		found++
		if !slices.Contains(known, name) {
			t.Errorf("%s: %s writes and is not in jobWrites", file, name)
		}
	}
	if found < 17 {
		t.Errorf("only %d writes were found", found)
	}
}

// readDecl notes which names a function uses, and which constants change rows. It
// returns the name of a function.
func readDecl(d ast.Decl, uses map[string][]string, writes map[string]bool) string {
	name := ""
	f, ok := d.(*ast.FuncDecl)
	if ok {
		name = f.Name.Name
	}
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if strings.HasSuffix(n.Name, "SQL") {
				uses[name] = append(uses[name], n.Name)
			}
		case *ast.CallExpr:
			uses[name] = append(uses[name], called(n.Fun))
		case *ast.ValueSpec:
			for i, value := range n.Values {
				writes[n.Names[i].Name] = changesRows(value)
			}
		}
		return true
	})
	return name
}

// called is the name of a function of the package, or of a method of the store.
func called(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		on, ok := f.X.(*ast.Ident)
		if ok && on.Name == "s" {
			return f.Sel.Name
		}
	}
	return ""
}

func changesRows(value ast.Expr) bool {
	changes := false
	ast.Inspect(value, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		changes = changes || ok && changesSQL.MatchString(literal.Value)
		return true
	})
	return changes
}

func reaches(name string, uses map[string][]string, writes, been map[string]bool) bool {
	if writes[name] {
		return true
	}
	if name == "" {
		return false // what is no function is collected there
	}
	been[name] = true
	return slices.ContainsFunc(uses[name], func(used string) bool { return !been[used] && reaches(used, uses, writes, been) })
}
