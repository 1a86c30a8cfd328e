package jobs_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

var _ jobs.Waiting = (*store.Store)(nil)

// reviewer puts a person on the roster.
func (b *bench) reviewer(t *testing.T, name string, capacity int) int64 {
	t.Helper()
	var id int64
	b.scan(t, &id, `INSERT INTO reviewers (name, email, role, active, capacity) VALUES ($1, lower($1) || '@desk.example', 'reviewer', true, $2) RETURNING id`, name, capacity)
	return id
}

// step takes a step as somebody, with the roster's lock when it assigns.
func (b *bench) step(t *testing.T, id secor.CaseID, by secor.Actor, name string, in secor.Input) error {
	t.Helper()
	b.n++
	act := secor.Act{ID: fmt.Sprintf("step:%d", b.n), By: by, Surface: secor.SurfaceCLI, Reason: "so it is"}
	step, err := secor.StepFor(name, secor.SubjectAudit)
	if err != nil {
		t.Fatal(err)
	}
	act.Assigns = step.Assigns
	return b.UpdateCase(t.Context(), id, act, func(f *secor.File, _ time.Time) error { return step.Take(f, in) })
}

func (b *bench) mustStep(t *testing.T, id secor.CaseID, by secor.Actor, name string, in secor.Input) {
	t.Helper()
	err := b.step(t, id, by, name, in)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// submitted is an audit that waits for a reviewer, of a company of its own whose
// certificate expires so many days after the day of the tests; 0: it has none.
func (b *bench) submitted(t *testing.T, expires int) secor.CaseID {
	t.Helper()
	b.n++
	var company int64
	b.scan(t, &company, `
		WITH c AS (
			INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member, profile_since, certificate_expires_on)
			VALUES ($1, '', $1, 'AB', $2, 'Ana Roy', '1 Main St', 'Calgary', 'AB', 'T2P 1A1', true, '2025-01-01', CASE WHEN $3 <> 0 THEN date '2026-03-25' + $3 END) RETURNING id),
		r AS (INSERT INTO registrations SELECT id, 'ab-pir', $4, true FROM c),
		p AS (INSERT INTO people (company_id, name) SELECT id, 'Ana Roy' FROM c RETURNING id),
		k AS (INSERT INTO courses SELECT id, 'Safety Program Development', '2025-06-01' FROM p)
		SELECT id FROM c`, fmt.Sprintf("Roy %d Welding", b.n), fmt.Sprintf("office@weld%d.example", b.n), expires, fmt.Sprintf("%07d", b.n))
	id, err := b.AddAudit(t.Context(), secor.Act{ID: fmt.Sprintf("open:%d", b.n), By: b.lead, Surface: secor.SurfaceFile}, company, "ab-pir",
		secor.Audit{Purpose: secor.PurposeRecertification, FeeYear: 2026, Headcount: 4, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	if err != nil {
		t.Fatal(err)
	}
	err = b.step(t, id, b.lead, "invoice", nil) // a running engine may be first
	if err != nil && !errors.Is(err, secor.ErrRefused) {
		t.Fatal(err)
	}
	b.mustStep(t, id, b.lead, "pay", secor.Input{"amount": "157.50", "method": "cheque", "reference": "0042"})
	b.mustStep(t, id, b.lead, "approve", nil)
	b.handIn(t, id)
	return id
}

// handIn submits a sheet that nobody else has, or a revision of it.
func (b *bench) handIn(t *testing.T, id secor.CaseID) {
	t.Helper()
	b.n++
	act := secor.Act{ID: fmt.Sprintf("submit:%d", b.n), By: secor.Desk, Surface: secor.SurfaceFile}
	own := secor.Points(b.n)
	err := b.UpdateCase(t.Context(), id, act, func(f *secor.File, _ time.Time) error {
		less := own
		s := secor.Submission{Months: secor.Evidence{Policies: 12, Records: 12}, LastDay: f.Today(), Headcount: 4}
		for _, e := range f.Protocol.Elements {
			for _, q := range e.Questions {
				m := secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points}
				if q.Scale == secor.ScaleRange && less > 0 {
					m.Awarded -= min(less, q.Points)
					less -= min(less, q.Points)
				}
				s.Marks = append(s.Marks, m)
			}
		}
		return f.Submit(s)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) file(t *testing.T, id secor.CaseID) *secor.File {
	t.Helper()
	f, err := b.File(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// event returns the last event of a kind.
func (b *bench) event(t *testing.T, id secor.CaseID, kind secor.EventKind) secor.Event {
	t.Helper()
	events, err := b.Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(events) {
		if e.Kind == kind {
			return e
		}
	}
	t.Fatalf("case %d has no %s", id, kind)
	return secor.Event{}
}

// Two clock processes over fifty audits and six reviewers: whose need is oldest is
// given a reviewer, nobody gets more than they have room for, no audit is given twice.
func TestAssigner_TwoAtOnce(t *testing.T) {
	b := newBench(t)
	b.exec(t, `UPDATE reviewers SET capacity = 0`)
	var ids []secor.CaseID
	for i := range 50 {
		ids = append(ids, b.submitted(t, 55-i))
	}
	slices.Reverse(ids) // the oldest need first: it expires first
	for i := range 6 {
		b.reviewer(t, fmt.Sprintf("Rev%d", i), i+1) // 21 places
	}
	now := func() time.Time { return time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC) }
	sweepBoth := func(most int) {
		t.Helper()
		var both sync.WaitGroup
		var mu sync.Mutex
		given := 0
		for range 2 {
			both.Go(func() {
				n, err := jobs.NewAssigner(b.Store, now, slog.New(b.book)).Sweep(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				given += n
				mu.Unlock()
			})
		}
		both.Wait()
		if given != most {
			t.Errorf("the sweeps gave %d audits, want %d", given, most)
		}
	}
	sweepBoth(21)
	sweepBoth(0)
	roster, err := b.Reviewers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roster {
		if r.Held != r.Capacity {
			t.Errorf("%s holds %d of %d", r.Name, r.Held, r.Capacity)
		}
	}
	for i, id := range ids {
		want := 0
		if i < 21 {
			want = 1
		}
		b.wantEvents(t, id, secor.EventAuditAssigned, want)
	}

	// One review ends, and whose need is then the oldest gets the place.
	b.mustStep(t, ids[3], b.lead, "return", nil)
	sweepBoth(1)
	b.wantEvents(t, ids[21], secor.EventAuditAssigned, 1)
	// Somebody may hold two more.
	b.exec(t, `UPDATE reviewers SET capacity = capacity + 2 WHERE name = 'Rev0'`)
	sweepBoth(2)
	b.wantEvents(t, ids[23], secor.EventAuditAssigned, 1)
	b.wantEvents(t, ids[24], secor.EventAuditAssigned, 0)
}

// When nobody is free the job is done and the waiting recorded once; what frees a
// place is found by the sweep: a leave that ends, a new reviewer. While assigning is
// paused nothing is given.
func TestAssigner_WaitsForSomebody(t *testing.T) {
	now := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	b := newBenchAt(t, clock)
	b.queue.start(t)
	b.exec(t, `UPDATE reviewers SET capacity = 0`)
	ana := b.reviewer(t, "Ana", 1)
	b.exec(t, `INSERT INTO leaves (reviewer_id, from_day, to_day) VALUES ($1, '2026-03-20', '2026-03-27')`, ana)
	b.engine(t)
	first, second := b.submitted(t, 300), b.submitted(t, 10)
	b.awaitQuiet(t)
	for _, id := range []secor.CaseID{first, second} {
		b.wantJob(t, id, secor.JobAssign, promise.Done, 1)
		b.wantEvents(t, id, secor.EventAssignmentWaits, 1)
		if why := b.event(t, id, secor.EventAssignmentWaits).Facts[fmt.Sprintf("not_%d", ana)]; why != "is away" {
			t.Errorf("case %d waits because Ana %q", id, why)
		}
	}
	a := jobs.NewAssigner(b.Store, clock, slog.New(b.book))
	sweep := func(want int) {
		t.Helper()
		n, err := a.Sweep(t.Context())
		if n != want || err != nil {
			t.Errorf("on %s the sweep gave %d, %v; want %d", clock().Format(time.DateOnly), n, err, want)
		}
	}
	sweep(0)
	mu.Lock()
	now = time.Date(2026, 3, 28, 16, 0, 0, 0, time.UTC)
	mu.Unlock()
	b.exec(t, `INSERT INTO pauses (kind, paused_at) VALUES ('assignment:pick', now())`)
	sweep(0)
	b.exec(t, `DELETE FROM pauses`)
	sweep(1)
	if f := b.file(t, second); f.Case.Holder != ana || f.Case.State != secor.StateInQA {
		t.Errorf("the older need is held by %d", f.Case.Holder)
	}
	b.wantEvents(t, first, secor.EventAuditAssigned, 0)
	ben := b.reviewer(t, "Ben", 1)
	sweep(1)
	if f := b.file(t, first); f.Case.Holder != ben {
		t.Errorf("the younger need is held by %d", f.Case.Holder)
	}
	b.awaitQuiet(t)
	told := map[string]int{}
	for _, m := range b.post.sent() {
		told[m.To]++
	}
	if told["ana@desk.example"] != 1 || told["ben@desk.example"] != 1 {
		t.Errorf("told: %v", told)
	}
}

// Nobody on the roster can ever take the audit: the leads are told.
func TestAssigner_Stuck(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	b.exec(t, `UPDATE reviewers SET capacity = 0`)
	b.engine(t)
	id := b.submitted(t, 0)
	b.awaitQuiet(t)
	b.wantEvents(t, id, secor.EventAssignmentStuck, 1)
	b.wantJob(t, id, secor.JobEscalate, promise.Done, 1)
	b.mustStep(t, id, b.lead, "assign", secor.Input{"reviewer": strconv.FormatInt(b.lead.ID, 10)})
	if f := b.file(t, id); f.Case.Holder != b.lead.ID {
		t.Errorf("named by a lead, held by %d", f.Case.Holder)
	}
}

// letters returns what was written to an address, the first letter first, each on
// one line.
func (b *bench) letters(to string) []string {
	var texts []string
	for _, m := range b.post.sent() {
		if m.To == to {
			texts = append(texts, strings.Join(strings.Fields(m.Subject+" "+m.Text), " "))
		}
	}
	return texts
}

// wantLetter reports letters to an address that are not n, or whose last one does
// not say all of the words.
func (b *bench) wantLetter(t *testing.T, to string, n int, words ...string) {
	t.Helper()
	letters := b.letters(to)
	if len(letters) != n {
		t.Errorf("%d letters to %s, want %d: %q", len(letters), to, n, letters)
		return
	}
	for _, word := range words {
		if !strings.Contains(letters[n-1], word) {
			t.Errorf("the letter to %s does not say %q:\n%s", to, word, letters[n-1])
		}
	}
}

func (b *bench) conflict(t *testing.T, reviewer int64, id secor.CaseID, from secor.Date) {
	t.Helper()
	b.n++
	act := secor.Act{ID: fmt.Sprintf("conflict:%d", b.n), By: b.lead, Surface: secor.SurfaceFile}
	_, err := b.AddConflict(t.Context(), act, secor.Conflict{ReviewerID: reviewer, CompanyID: b.file(t, id).Company.ID, Span: secor.Span{From: from}, Reason: "her brother's"})
	if err != nil {
		t.Fatal(err)
	}
}

// timedBench is a bench with a running engine and a desk's clock that a test sets.
func timedBench(t *testing.T) (*bench, func(time.Time), *jobs.Assigner) {
	t.Helper()
	now := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	b := newBenchAt(t, clock)
	b.queue.start(t)
	b.exec(t, `UPDATE reviewers SET capacity = 0`)
	b.engine(t)
	return b, func(to time.Time) { mu.Lock(); now = to; mu.Unlock() }, jobs.NewAssigner(b.Store, clock, slog.New(b.book))
}

// A conflict that begins tomorrow: tomorrow's sweep takes the audit away, tells the
// leads what was done and the former holder that it is gone; when a lead accepts,
// it goes to somebody else, with its marks.
func TestAssigner_LateConflict(t *testing.T) {
	b, set, a := timedBench(t)
	ana := b.reviewer(t, "Ana", 2)
	id := b.submitted(t, 30)
	b.awaitQuiet(t)
	b.wantLetter(t, "ana@desk.example", 1, "least load: 0 of 2", "certificate expires on 24 April 2026", "promised by")
	b.mustStep(t, id, secor.ByReviewer(ana), "mark", secor.Input{"question": "A1", "awarded": "0"})
	b.conflict(t, ana, id, secor.NewDate(2026, 3, 26))
	ben := b.reviewer(t, "Ben", 2)
	sweep := func(want int) {
		t.Helper()
		n, err := a.Sweep(t.Context())
		if n != want || err != nil {
			t.Errorf("the sweep acted on %d, %v; want %d", n, err, want)
		}
	}
	sweep(0)
	set(time.Date(2026, 3, 26, 16, 0, 0, 0, time.UTC))
	sweep(1)
	sweep(0)
	b.awaitQuiet(t)
	if f := b.file(t, id); f.Case.Holder != 0 || f.Case.State != secor.StateSubmitted || !f.Audit.Waiting {
		t.Errorf("held by %d in %s, waiting %t", f.Case.Holder, f.Case.State, f.Audit.Waiting)
	}
	b.wantLetter(t, "lead@desk.example", 1, "taken from its reviewer", "Ana, who held it, has a conflict of interest", "A1", "secordesk case accept")
	b.wantLetter(t, "ana@desk.example", 2, "is not yours any more", "Nobody does now", "conflict of interest")
	b.mustStep(t, id, b.lead, "accept", nil)
	b.awaitQuiet(t)
	f := b.file(t, id)
	if f.Case.Holder != ben || f.Sheet["A1"].Verified.Awarded != 0 {
		t.Errorf("held by %d, A1 verified %v", f.Case.Holder, f.Sheet["A1"].Verified)
	}
	b.wantLetter(t, "ben@desk.example", 1, "an audit for you to review")
	b.wantLetter(t, "ana@desk.example", 2)
	b.wantLetter(t, "lead@desk.example", 1)
	report, err := b.Verify(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("Verify = %v, %v", report.Problems, err)
	}
}

// Somebody who left holds nothing after the next sweep; a request goes back to be
// taken, and the leads hear of it.
func TestAssigner_WhoLeft(t *testing.T) {
	b, _, a := timedBench(t)
	ana := b.reviewer(t, "Ana", 2)
	id := b.submitted(t, 30)
	b.awaitQuiet(t)
	request := b.ask(t, secor.ReasonNew)
	b.awaitQuiet(t)
	b.n++
	act := secor.Act{ID: fmt.Sprintf("take:%d", b.n), By: secor.ByReviewer(ana), Surface: secor.SurfaceCLI}
	err := b.UpdateCase(t.Context(), request, act, func(f *secor.File, _ time.Time) error {
		step, err := secor.StepFor("take", secor.SubjectRequest)
		if err != nil {
			return err
		}
		return step.Take(f, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	letters := len(b.letters("ana@desk.example"))
	b.exec(t, `UPDATE reviewers SET active = false WHERE id = $1`, ana)
	n, err := a.Sweep(t.Context())
	if n != 2 || err != nil {
		t.Errorf("Sweep = %d, %v; want the audit and the request", n, err)
	}
	b.awaitQuiet(t)
	if f := b.file(t, request); f.Case.State != secor.StateReceived || f.Case.Holder != 0 {
		t.Errorf("the request is %s, held by %d", f.Case.State, f.Case.Holder)
	}
	b.wantEvents(t, id, secor.EventAuditUnassigned, 1)
	b.wantLetter(t, "ana@desk.example", letters)
	told := strings.Join(b.letters("lead@desk.example"), "\n")
	if !strings.Contains(told, "taken from its reviewer") || !strings.Contains(told, "the request is nobody's") {
		t.Errorf("the lead is told:\n%s", told)
	}
}

// A revision that comes in while its reviewer is away goes to who stands in; the one
// who is away is told that it is another's, and not that it came in.
func TestAssigner_StandIn(t *testing.T) {
	b, set, _ := timedBench(t)
	ana := b.reviewer(t, "Ana", 2)
	id, other := b.submitted(t, 30), b.submitted(t, 31)
	b.awaitQuiet(t)
	ben := b.reviewer(t, "Ben", 1)
	for _, c := range []secor.CaseID{id, other} {
		b.mustStep(t, c, secor.ByReviewer(ana), "query", secor.Input{"question": "Page 3 is missing"})
	}
	b.n++
	_, err := b.AddLeave(t.Context(), secor.Act{ID: "leave", By: b.lead, Surface: secor.SurfaceFile}, ana,
		secor.Leave{Span: secor.Span{From: secor.NewDate(2026, 3, 26), To: secor.NewDate(2026, 4, 5)}, StandIn: ben})
	if err != nil {
		t.Fatal(err)
	}
	b.awaitQuiet(t)
	set(time.Date(2026, 3, 27, 16, 0, 0, 0, time.UTC))
	letters := len(b.letters("ana@desk.example"))
	b.handIn(t, id)
	b.awaitQuiet(t)
	if f := b.file(t, id); f.Case.Holder != ben || f.Case.State != secor.StateInQA {
		t.Errorf("held by %d in %s", f.Case.Holder, f.Case.State)
	}
	b.wantLetter(t, "ben@desk.example", 1, "stand-in for its reviewer, who is away until 5 April 2026")
	b.wantLetter(t, "ana@desk.example", letters+1, "Ben does now")
	b.handIn(t, other) // Ben has room for one
	b.awaitQuiet(t)
	if f := b.file(t, other); f.Case.Holder != ana {
		t.Errorf("the second revision is held by %d", f.Case.Holder)
	}
	b.wantEvents(t, other, secor.EventRevisionUncovered, 1)
	b.wantLetter(t, "lead@desk.example", 1, "a revision came in while its reviewer is away: the stand-in is full: holds 1 of 1")
}
