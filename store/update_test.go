package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// together runs do n times at once and returns what each run answered.
func together(n int, do func(i int) error) []error {
	answers := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			answers[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	return answers
}

func (d *desk) kinds(id secor.CaseID) []secor.EventKind {
	var kinds []secor.EventKind
	for _, e := range d.events(id) {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (d *desk) times(id secor.CaseID, kind secor.EventKind) int {
	n := 0
	for _, k := range d.kinds(id) {
		if k == kind {
			n++
		}
	}
	return n
}

// Eight people approve at once: one decides, the others learn who did.
func TestUpdateCase_EightApprovals(t *testing.T) {
	d := newDesk(t)
	id := d.request(d.company(1))
	var people []int64
	for i := range 8 {
		people = append(people, d.person(fmt.Sprintf("eight%d@desk.example", i), secor.RoleReviewer, 1))
	}
	acts := make([]secor.Act, len(people))
	for i, p := range people {
		acts[i] = d.act(p)
	}
	answers := d.gate(len(people), func() []error {
		return together(len(people), func(i int) error { return d.UpdateCase(t.Context(), id, acts[i], step("approve", nil)) })
	}, `SELECT FROM companies FOR UPDATE`)

	winner := slices.Index(answers, nil)
	if winner < 0 {
		t.Fatalf("nobody approved: %v", answers)
	}
	name := fmt.Sprintf("N eight%d@desk.example", winner)
	for i, err := range answers {
		if i == winner {
			continue
		}
		if !errors.Is(err, secor.ErrIllegalMove) || !strings.Contains(err.Error(), "the request is approved") || !strings.Contains(err.Error(), name) {
			t.Errorf("answer %d = %v, want that the request is approved, by %s", i, err, name)
		}
	}
	if n := d.times(id, secor.EventRequestApproved); n != 1 {
		t.Errorf("approved %d times, want once", n)
	}
	if n := d.count(`SELECT count(*) FROM jobs WHERE kind = $1`, secor.JobWelcome); n != 1 {
		t.Errorf("%d welcome letters promised, want one", n)
	}
}

func TestUpdateCase_SameActAtOnce(t *testing.T) {
	d := newDesk(t)
	id := d.request(d.company(1))
	act := d.act(d.lead)
	answers := d.gate(8, func() []error {
		return together(8, func(int) error { return d.UpdateCase(t.Context(), id, act, step("approve", nil)) })
	}, `SELECT FROM companies FOR UPDATE`)
	for i, err := range answers {
		if err != nil {
			t.Errorf("answer %d = %v, want none", i, err)
		}
	}
	if n := d.times(id, secor.EventRequestApproved); n != 1 {
		t.Errorf("approved %d times, want once", n)
	}
}

func TestUpdateCase_ActOfAnotherCase(t *testing.T) {
	d := newDesk(t)
	one, other := d.request(d.company(1)), d.request(d.company(2))
	act := d.act(d.lead)
	note := step("note", secor.Input{"text": "called"})
	d.ok(d.UpdateCase(t.Context(), one, act, note))
	err := d.UpdateCase(t.Context(), other, act, note)
	d.wantRefusal(err, secor.ErrField)
	if n := d.times(other, secor.EventNoted); n != 0 {
		t.Errorf("noted %d times on the other case, want never", n)
	}

	// Also when both come at once: one of the two is refused.
	act = d.act(d.lead)
	cases := []secor.CaseID{one, other}
	answers := together(2, func(i int) error { return d.UpdateCase(t.Context(), cases[i], act, note) })
	if (answers[0] == nil) == (answers[1] == nil) || !errors.Is(errors.Join(answers...), secor.ErrField) {
		t.Errorf("answers = %v, want one refusal", answers)
	}
}

func TestUpdateCase_RefusalChangesNothing(t *testing.T) {
	d := newDesk(t)
	id := d.reviewed(d.company(1))
	before, events := d.file(id), len(d.events(id))
	jobs := d.count(`SELECT count(*) FROM jobs`)
	err := d.UpdateCase(t.Context(), id, d.act(d.reviewer[0]), func(f *secor.File, now time.Time) error {
		err := step("mark", secor.Input{"question": "A1", "awarded": "0"})(f, now)
		f.Company.LegalName, f.Case.Holder = "Other", 0
		return errors.Join(err, &secor.FieldError{Field: "awarded", Problem: "is not right"})
	})
	d.wantRefusal(err, secor.ErrField)
	if diff := sameFile(before, d.file(id)); diff != "" {
		t.Errorf("a refused step changed the case (-before +after)\n%s", diff)
	}
	if n := len(d.events(id)); n != events {
		t.Errorf("%d events, want %d as before", n, events)
	}
	if n := d.count(`SELECT count(*) FROM jobs`); n != jobs {
		t.Errorf("%d jobs, want %d as before", n, jobs)
	}
}

func TestUpdateCase_BadActs(t *testing.T) {
	d := newDesk(t)
	id := d.request(d.company(1))
	tests := []struct {
		name   string
		change func(*secor.Act)
		want   error
	}{
		{"no id", func(a *secor.Act) { a.ID = "" }, secor.ErrField},
		{"id not UTF-8", func(a *secor.Act) { a.ID = "a\xff" }, secor.ErrField},
		{"reason not UTF-8", func(a *secor.Act) { a.Reason = "a\xff" }, secor.ErrField},
		{"reason with a null", func(a *secor.Act) { a.Reason = "a\x00b" }, secor.ErrField},
		{"in the future", func(a *secor.Act) { a.HappenedAt = morning.Add(time.Second) }, secor.ErrField},
		{"dated back without a reason", func(a *secor.Act) { a.HappenedAt, a.Reason = morning.Add(-time.Hour), "" }, secor.ErrField},
		{"an old version", func(a *secor.Act) { a.AsOf = 7 }, secor.ErrIllegalMove},
		{"by nobody", func(a *secor.Act) { a.By = secor.Actor{} }, secor.ErrNotAllowed},
	}
	for _, tt := range tests {
		act := d.act(d.lead)
		tt.change(&act)
		err := d.UpdateCase(t.Context(), id, act, step("note", secor.Input{"text": "called"}))
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want a refusal: %v", tt.name, err, tt.want)
		}
	}
	err := d.UpdateCase(t.Context(), 999, d.act(d.lead), step("approve", nil))
	d.wantRefusal(err, secor.ErrNotFound)
	if n := len(d.events(id)); n != 1 {
		t.Errorf("%d events, want only the first", n)
	}
}

// What happened when: now never goes back behind what is recorded, and is what
// Postgres can keep.
func TestUpdateCase_Now(t *testing.T) {
	d := newDesk(t)
	id := d.request(d.company(1))
	d.clock.Set(morning.Add(time.Hour + 123456789*time.Nanosecond))
	d.take(id, d.lead, "note", secor.Input{"text": "one"})
	d.clock.Set(morning)
	var now time.Time
	act := d.act(d.lead)
	act.HappenedAt = morning.Add(time.Minute)
	d.ok(d.UpdateCase(t.Context(), id, act, func(f *secor.File, at time.Time) error {
		now = at
		return step("note", secor.Input{"text": "two"})(f, at)
	}))
	events := d.events(id)
	first, second := events[1], events[2]
	if want := morning.Add(time.Hour + 123456*time.Microsecond); !first.RecordedAt.Equal(want) {
		t.Errorf("recorded at %s, want %s", first.RecordedAt, want)
	}
	if !now.Equal(first.RecordedAt) || !second.RecordedAt.Equal(now) {
		t.Errorf("after the clock went back: now = %s, recorded at %s, want %s", now, second.RecordedAt, first.RecordedAt)
	}
	if !second.HappenedAt.Equal(act.HappenedAt) {
		t.Errorf("happened at %s, want %s", second.HappenedAt, act.HappenedAt)
	}
}

func TestUpdateCase_FaultyStep(t *testing.T) {
	d := newDesk(t)
	id := d.audit(d.company(1))
	err := d.UpdateCase(t.Context(), id, d.act(d.lead), func(f *secor.File, _ time.Time) error {
		f.Audit.Headcount = 9
		return nil
	})
	if err == nil || errors.Is(err, secor.ErrRefused) || !strings.Contains(err.Error(), "recorded no event") {
		t.Errorf("a change without an event: %v, want a fault", err)
	}
	if n := d.file(id).Audit.Headcount; n != 4 {
		t.Errorf("headcount = %d, want 4 as before", n)
	}

	submitted := d.reviewed(d.company(2))
	d.take(submitted, d.lead, "release", nil)
	act := d.act(d.lead) // without Assigns
	err = d.UpdateCase(t.Context(), submitted, act, step("assign", nil))
	if err == nil || errors.Is(err, secor.ErrRefused) || !strings.Contains(err.Error(), "roster's lock") {
		t.Errorf("an assignment without its lock: %v, want a fault", err)
	}
}

// The desk assigns six audits at once to three people with one place each: each
// gets one, and three wait.
func TestUpdateCase_AssignmentsAtOnce(t *testing.T) {
	d := newDesk(t)
	var waiting []secor.CaseID
	for i := range 6 {
		id := d.reviewed(d.company(i + 1))
		d.take(id, d.lead, "release", nil)
		waiting = append(waiting, id)
	}
	for _, r := range d.file(waiting[0]).Roster {
		capacity := 0
		if r.ID == d.lead || slices.Contains(d.reviewer, r.ID) {
			capacity = 1
		}
		r.Capacity = capacity
		_, _, err := d.AddReviewer(t.Context(), d.deskAct(), r)
		d.ok(err)
	}
	_, err := storetest.OwnerDB(t).ExecContext(t.Context(), `UPDATE audits SET avoid_id = NULL`) // who handed them back may have them again
	d.ok(err)
	acts := make([]secor.Act, len(waiting))
	for i := range acts {
		acts[i] = d.deskAct()
		acts[i].Assigns = true
	}
	answers := d.gate(len(waiting), func() []error {
		return together(len(waiting), func(i int) error { return d.UpdateCase(t.Context(), waiting[i], acts[i], step("assign", nil)) })
	}, `SELECT pg_advisory_xact_lock($1)`, store.LockRoster)
	refused := 0
	for _, err := range answers {
		if errors.Is(err, secor.ErrNotFound) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	roster, err := d.Reviewers(t.Context())
	d.ok(err)
	for _, r := range roster {
		if r.Load != secor.Effort(r.Capacity)*secor.FullEffort || r.Held != r.Capacity {
			t.Errorf("%s holds %d, %s of %d", r.Name, r.Held, r.Load, r.Capacity)
		}
		if r.Load > 0 && !r.LastAssigned.Equal(morning) {
			t.Errorf("%s was last assigned at %s, want %s", r.Name, r.LastAssigned, morning)
		}
	}
	if refused != 3 {
		t.Errorf("%d refused, want 3", refused)
	}
}

// Whoever is taken off the roster cannot finish a step afterwards: AddReviewer
// waits for the steps that have begun.
func TestAddReviewer_WaitsForSteps(t *testing.T) {
	d := newDesk(t)
	id := d.request(d.company(1))
	left := make(chan error, 1)
	err := d.UpdateCase(t.Context(), id, d.act(d.reviewer[0]), func(f *secor.File, now time.Time) error {
		gone := f.Roster[2]
		gone.Active = false
		act := d.act(d.lead)
		go func() {
			_, _, err := d.AddReviewer(context.Background(), act, gone)
			left <- err
		}()
		for d.count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == 0 {
			select {
			case err := <-left:
				left <- err
				return fmt.Errorf("AddReviewer returned while a step was being taken")
			default:
			}
		}
		return step("approve", nil)(f, now)
	})
	d.ok(err)
	d.ok(<-left)
	d.wantRefusal(d.try(id, d.reviewer[0], "note", secor.Input{"text": "late"}), secor.ErrNotAllowed)
}

func TestUpdateCase_Promises(t *testing.T) {
	d := newDesk(t)
	second := d.person("second@desk.example", secor.RoleLead, 1)
	d.Grace = time.Hour
	promised := 0
	d.Promised = func() { promised++ }
	id := d.request(d.company(1))
	d.take(id, d.lead, "reject", nil)
	if promised != 2 {
		t.Errorf("Promised was called %d times for two steps, want 2", promised)
	}
	d.wantRefusal(d.try(id, d.lead, "reject", nil), secor.ErrIllegalMove)
	if promised != 2 {
		t.Errorf("Promised was called after a refusal")
	}

	other := d.audit(d.company(2))
	d.ok(d.UpdateCase(t.Context(), other, d.deskAct(), func(f *secor.File, _ time.Time) error {
		f.AskRegistration(errors.New("11 people"))
		return nil
	}))
	var got []string
	jobs, err := d.Jobs(t.Context(), store.JobFilter{})
	d.ok(err)
	for _, j := range jobs {
		later := time.Until(j.NotBefore) > 50*time.Minute // wall time: the grace is an hour
		got = append(got, fmt.Sprintf("%s %s %s %s later %t", j.Key, j.State, j.Audience, j.Recipient, later))
	}
	slices.Sort(got)
	want := []string{
		"case:1/event:1/request:decide_need/desk open desk desk later false",
		"case:1/event:2/request:send_rejection/company:1 open company company:1 later true",
		"case:2/event:1/invoice:check_registration/desk open desk desk later false",
		fmt.Sprintf("case:2/event:2/escalation:tell_lead/reviewer:%d open leads reviewer:%d later true", d.lead, d.lead),
		fmt.Sprintf("case:2/event:2/escalation:tell_lead/reviewer:%d open leads reviewer:%d later true", second, second),
	}
	if !slices.Equal(got, want) {
		t.Errorf("promises\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if jobs[0].State != promise.Open {
		t.Errorf("a new job is %s", jobs[0].State)
	}
}

// TestUpdateCase_TellsTheHolder: a warning goes to who holds the case, and to the
// leads when nobody does.
func TestUpdateCase_TellsTheHolder(t *testing.T) {
	d := newDesk(t)
	held, free := d.reviewed(d.company(1)), d.reviewed(d.company(2))
	d.take(free, d.reviewer[0], "release", nil)
	d.clock.Add(15 * 24 * time.Hour)
	for _, id := range []secor.CaseID{held, free} {
		d.ok(d.UpdateCase(t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error { _, err := f.ReachLevels(); return err }))
	}
	for id, want := range map[secor.CaseID]int64{held: d.reviewer[0], free: d.lead} {
		jobs, err := d.Jobs(t.Context(), store.JobFilter{CaseID: id})
		d.ok(err)
		var got []string
		for _, j := range jobs {
			if j.Kind == string(secor.JobWarn) {
				got = append(got, j.Recipient)
			}
		}
		if !slices.Equal(got, []string{fmt.Sprintf("reviewer:%d", want)}) {
			t.Errorf("case %d: %v are warned, want reviewer:%d", id, got, want)
		}
	}
}

// With no lead the administrators are told; with nobody to tell the step is a
// fault, because its promise would be lost.
func TestUpdateCase_NobodyToTell(t *testing.T) {
	d := newDesk(t)
	id := d.audit(d.company(1))
	ask := func(f *secor.File, _ time.Time) error { f.AskRegistration(errors.New("11 people")); return nil }
	retire := func(person int64, email string, role secor.Role) {
		_, _, err := d.AddReviewer(t.Context(), d.deskAct(), secor.Reviewer{Name: "N", Email: email, Role: role})
		d.ok(err)
	}
	retire(d.lead, "lead@desk.example", secor.RoleLead)
	d.ok(d.UpdateCase(t.Context(), id, d.deskAct(), ask))
	if n := d.count(`SELECT count(*) FROM jobs WHERE recipient = $1`, fmt.Sprintf("reviewer:%d", d.admin)); n != 1 {
		t.Errorf("%d jobs for the administrator, want 1", n)
	}
	retire(d.admin, "admin@desk.example", secor.RoleAdmin)
	err := d.UpdateCase(t.Context(), id, d.deskAct(), ask)
	if err == nil || errors.Is(err, secor.ErrRefused) {
		t.Errorf("nobody to tell: %v, want a fault", err)
	}
}

func TestAddRequest(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	act := d.deskAct()
	request := secor.Request{Reason: secor.ReasonNew, Headcount: 11}
	answers := make([]secor.CaseID, 4)
	for _, err := range together(4, func(i int) error {
		var err error
		answers[i], err = d.AddRequest(t.Context(), act, company, "ab-pir", request)
		return err
	}) {
		d.ok(err)
	}
	if len(slices.Compact(slices.Clone(answers))) != 1 || answers[0] == 0 {
		t.Errorf("the same act opened %v, want one case", answers)
	}
	f := d.file(answers[0])
	if f.Case.State != secor.StateReceived || f.Case.Version != 1 || f.Case.EditionID == "" || !cmp.Equal(*f.Request, request) {
		t.Errorf("opened as %+v, %+v", f.Case, *f.Request)
	}
	if len(f.Clocks) != 1 || f.Clocks[0].Phase() != secor.PhaseRunning {
		t.Errorf("clocks = %v, want one that runs", f.Clocks)
	}

	for name, tt := range map[string]struct {
		company   int64
		body      string
		headcount int
		want      error
	}{
		"another undecided one": {company, "ab-pir", 4, secor.ErrIllegalMove},
		"an unknown company":    {99, "ab-pir", 4, secor.ErrNotFound},
		"an unknown body":       {company, "zz", 4, secor.ErrField},
		"nobody works there":    {company, "ab-pir", 0, secor.ErrField},
	} {
		_, err := d.AddRequest(t.Context(), d.deskAct(), tt.company, tt.body, secor.Request{Reason: secor.ReasonNew, Headcount: tt.headcount})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want a refusal: %v", name, err, tt.want)
		}
	}
	for name, a := range map[string]secor.Audit{
		"no purpose":           {FeeYear: 2026, Headcount: 4},
		"a year of two digits": {Purpose: secor.PurposeMaintenance, FeeYear: 26, Headcount: 4},
		"months below zero":    {Purpose: secor.PurposeMaintenance, FeeYear: 2026, Headcount: 4, Claimed: secor.Evidence{Policies: -1}},
		"a million people":     {Purpose: secor.PurposeMaintenance, FeeYear: 2026, Headcount: 1_000_001},
	} {
		_, err := d.AddAudit(t.Context(), d.deskAct(), company, "ab-pir", a)
		if !errors.Is(err, secor.ErrField) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	_, err := d.AddRequest(t.Context(), d.deskAct(), company, "ab-pir", secor.Request{Reason: "why not", Headcount: 4})
	d.wantRefusal(err, secor.ErrField)
	_, err = d.AddRequest(t.Context(), secor.Act{ID: "act-1", By: secor.Desk, Surface: secor.SurfaceFile}, company, "ab-pir", request)
	d.wantRefusal(err, secor.ErrField) // act-1 put a person on the roster
	if n := d.count(`SELECT count(*) FROM cases`); n != 1 {
		t.Errorf("%d cases, want 1", n)
	}
}

func TestDocuments(t *testing.T) {
	d := newDesk(t)
	id := d.request(d.company(1))
	keep := func(data string) error {
		return d.UpdateCase(t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error {
			f.Documents = append(f.Documents, secor.Document{Name: "letter-1.pdf", Type: "application/pdf", Data: []byte(data)})
			return nil
		})
	}
	d.ok(keep("one"))
	d.ok(keep("one"))
	err := keep("two")
	if err == nil || errors.Is(err, secor.ErrRefused) {
		t.Errorf("another paper of the same name: %v, want a fault", err)
	}
	all, err := d.Documents(t.Context(), id)
	d.ok(err)
	if len(all) != 1 || string(all[0].Data) != "one" || all[0].Type != "application/pdf" {
		t.Errorf("documents = %v", all)
	}
	_, err = d.Document(t.Context(), id, "letter-2.pdf")
	d.wantRefusal(err, secor.ErrNotFound)
}

func TestClocks(t *testing.T) {
	d := newDesk(t)
	_, due, err := d.NextDue(t.Context())
	d.ok(err)
	if due {
		t.Error("something is due on an empty desk")
	}
	id := d.request(d.company(1))
	next, due, err := d.NextDue(t.Context())
	d.ok(err)
	level, want, _ := d.file(id).NextDue(d.file(id).Clocks[0])
	if !due || !next.Equal(want) || !next.After(morning) {
		t.Fatalf("next due %s, %t, want %s: %s", next, due, want, level.Name)
	}
	for _, tt := range []struct {
		at   time.Time
		want int
	}{{next.Add(-time.Microsecond), 0}, {next, 1}} {
		ids, err := d.DueClocks(t.Context(), tt.at, 10)
		d.ok(err)
		if len(ids) != tt.want {
			t.Errorf("%d cases due at %s, want %d", len(ids), tt.at, tt.want)
		}
	}

	// An index that says too early is set right by looking, though nothing happens.
	_, err = storetest.OwnerDB(t).ExecContext(t.Context(), `UPDATE clocks SET acts_at = $1`, morning)
	d.ok(err)
	d.ok(d.UpdateCase(t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error {
		n, err := f.ReachLevels()
		if n != 0 {
			t.Errorf("reached %d levels, want none", n)
		}
		return err
	}))
	again, _, err := d.NextDue(t.Context())
	d.ok(err)
	if !again.Equal(next) || len(d.events(id)) != 1 {
		t.Errorf("next due %s, want %s, and no event for it", again, next)
	}

	lines, err := d.Cases(t.Context(), store.CaseFilter{Overdue: next.AddDate(1, 0, 0), Kind: secor.SubjectRequest, State: secor.StateReceived}, 10)
	d.ok(err)
	if len(lines) != 1 || lines[0].ID != id || lines[0].Company != "Roofing 1 Ltd." || lines[0].Due.IsZero() {
		t.Errorf("cases = %+v", lines)
	}
	d.take(id, d.lead, "approve", nil)
	for _, filter := range []store.CaseFilter{{Overdue: next.AddDate(1, 0, 0)}, {Holder: d.lead}, {Company: 99}, {Kind: secor.SubjectAudit}} {
		lines, err = d.Cases(t.Context(), filter, 10)
		d.ok(err)
		if len(lines) != 0 {
			t.Errorf("cases of %+v = %+v, want none", filter, lines)
		}
	}
}
