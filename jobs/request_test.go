package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/jobs/mail/sink"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// story is an office at work whose clock a test moves: a real queue, a real mail
// server, and a reviewer, a lead and an administrator.
type story struct {
	*bench
	t     *testing.T
	zone  *time.Location
	mail  *sink.Sink
	read  int // letters that were looked at
	rita  secor.Actor
	adam  secor.Actor
	clock struct {
		sync.Mutex
		now time.Time
	}
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{t: t}
	s.clock.now = time.Date(2026, 3, 25, 15, 0, 0, 0, time.UTC)
	s.bench = newBenchAt(t, func() time.Time {
		s.clock.Lock()
		defer s.clock.Unlock()
		return s.clock.now
	})
	var err error
	s.zone, err = time.LoadLocation("America/Edmonton")
	s.must(err)
	s.mail, err = sink.Open(t.TempDir(), sink.Options{})
	s.must(err)
	t.Cleanup(func() { s.mail.Close() })
	s.smtp, err = mail.NewSender(s.mail.URL())
	s.must(err)
	s.rita, s.adam = s.person("Rita Review", secor.RoleReviewer), s.person("Adam Admin", secor.RoleAdmin)
	s.queue.start(t)
	return s
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) person(name string, role secor.Role) secor.Actor {
	s.t.Helper()
	var id int64
	first, _, _ := strings.Cut(strings.ToLower(name), " ")
	s.scan(s.t, &id, `INSERT INTO reviewers (name, email, role, active, capacity) VALUES ($1, $2, $3, true, 8) RETURNING id`, name, first+"@desk.example", role)
	return secor.ByReviewer(id)
}

// request opens a request of a company of that name, which passes every guard.
func (s *story) request(name string, change ...func(*secor.Company, *secor.Request)) secor.CaseID {
	s.t.Helper()
	s.n++
	c := secor.Company{LegalName: name, Province: "AB", Email: fmt.Sprintf("office@c%d.example", s.n), Contact: "Ana Roy",
		Address: secor.Address{Street: "1 Main St", City: "Calgary", PostalCode: "T2P 1A1"}}
	r := secor.Request{Reason: secor.ReasonNew, Headcount: 4}
	for _, do := range change {
		do(&c, &r)
	}
	company, _, err := s.AddCompany(s.t.Context(), s.act(secor.Desk, ""), c, []secor.Registration{{Body: "ab-pir", Account: fmt.Sprintf("%07d", s.n), GoodStanding: true}})
	s.must(err)
	id, err := s.AddRequest(s.t.Context(), s.act(secor.Desk, ""), company, "ab-pir", r)
	s.must(err)
	return id
}

func (s *story) act(by secor.Actor, reason string) secor.Act {
	s.n++
	return secor.Act{ID: fmt.Sprintf("story:%d", s.n), By: by, Surface: secor.SurfaceCLI, Reason: reason}
}

// try takes a step with values such as "question=who?".
func (s *story) try(id secor.CaseID, by secor.Actor, name, reason string, values ...string) error {
	s.t.Helper()
	in := secor.Input{}
	for _, pair := range values {
		field, text, _ := strings.Cut(pair, "=")
		in[field] = text
	}
	return s.UpdateCase(s.t.Context(), id, s.act(by, reason), func(f *secor.File, _ time.Time) error {
		step, err := secor.StepFor(name, f.Case.Kind)
		if err != nil {
			return err
		}
		return step.Take(f, in)
	})
}

func (s *story) step(id secor.CaseID, by secor.Actor, name, reason string, values ...string) {
	s.t.Helper()
	err := s.try(id, by, name, reason, values...)
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
}

// set moves the desk's clock to an office time and lets nothing happen.
func (s *story) set(at string) {
	s.t.Helper()
	now, err := time.ParseInLocation("2006-01-02 15:04", at, s.zone)
	s.must(err)
	s.clock.Lock()
	defer s.clock.Unlock()
	s.clock.now = now
}

// sweep acts on the clocks as a clock process does.
func (s *story) sweep() {
	s.t.Helper()
	_, err := jobs.NewSweeper(s.Store, func() time.Time {
		s.clock.Lock()
		defer s.clock.Unlock()
		return s.clock.now
	}, slog.New(s.book)).Sweep(s.t.Context())
	s.must(err)
}

// on moves the clock, sweeps and waits until the desk has nothing to do. It returns
// the letters that left meanwhile, "reader: subject", in alphabetical order.
func (s *story) on(at string) []string {
	s.t.Helper()
	s.set(at)
	s.sweep()
	return s.letters()
}

func (s *story) letters() []string {
	s.t.Helper()
	s.awaitQuiet(s.t)
	all, err := s.mail.Messages()
	s.must(err)
	var found []string
	for _, l := range all[s.read:] {
		subject, _, _ := strings.Cut(l.Subject, " [SECOR")
		found = append(found, strings.Split(l.To, "@")[0]+": "+subject)
	}
	s.read = len(all)
	slices.Sort(found)
	return found
}

// wants compares letters, after which nobody may have been told anything else.
func (s *story) wants(situation string, got []string, want ...string) {
	s.t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, append([]string(nil), got...)); diff != "" {
		s.t.Errorf("%s: letters (-want +got):\n%s", situation, diff)
	}
}

// sound checks that the history is whole and that nobody must look at a job.
func (s *story) sound() {
	s.t.Helper()
	report, err := s.Verify(s.t.Context())
	s.must(err)
	if len(report.Problems) > 0 {
		s.t.Errorf("the history is not sound: %v", report.Problems)
	}
	troubled, err := s.Jobs(s.t.Context(), store.JobFilter{States: []promise.State{promise.Failed, promise.Ambiguous}})
	s.must(err)
	if len(troubled) > 0 {
		s.t.Errorf("jobs that wait for a person: %+v", troubled)
	}
}

const reminder = "office: A reminder: we wait for your answer"

// TestRequest_AskedAndSilent: a company that is asked is reminded twice; when its
// time is over its reviewer is offered to close the request, and nothing closes it;
// it answers after all and is taken on.
func TestRequest_AskedAndSilent(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	id := s.request("Kowalski Trenching Ltd.")
	s.wants("received", s.on("2026-03-25 09:30"))
	s.step(id, s.rita, "query", "", "question=Which account number is right?")
	s.wants("asked", s.letters(), "office: A question about your Certifying Partner Request")
	s.wants("the fifth day", s.on("2026-03-30 23:59"))
	s.wants("over", s.on("2026-03-31 00:00"), reminder)
	s.wants("a minute later", s.on("2026-03-31 00:01"))
	s.wants("the tenth day is over", s.on("2026-04-05 00:00"), reminder)
	s.wants("the fifteenth day is over", s.on("2026-04-10 00:00"), "rita: Case 1: Kowalski Trenching Ltd. has not answered")
	f, err := s.File(t.Context(), id)
	s.must(err)
	s.must(f.Begin(s.act(secor.Desk, ""), time.Date(2026, 4, 11, 16, 0, 0, 0, time.UTC)))
	if w, offered := f.Unanswered(); !offered || f.Case.State != secor.StateQueried || w.Tells != secor.AudienceAdmins {
		t.Errorf("offered %t in %s, next told %s", offered, f.Case.State, w.Tells)
	}
	s.wants("and weeks later", s.on("2026-04-25 00:00"), "adam: Case 1: still late: Answer to a question")
	s.wants("for ever", s.on("2026-12-24 00:00"))
	s.step(id, secor.ByCompany(f.Company.ID), "answer", "", "answer=the one on file", "channel=phone")
	s.step(id, s.rita, "approve", "")
	s.wants("taken on", s.on("2026-12-24 12:00"), "office: Welcome to the SECOR program")
	s.sound()
}

// TestRequest_Ends: each way in which a request ends is told to the company.
func TestRequest_Ends(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	tests := []struct {
		name   string
		change func(*secor.Company, *secor.Request)
		end    func(secor.CaseID)
		state  secor.State
		letter string
	}{
		{"Approved Roofing", nil, func(id secor.CaseID) { s.step(id, s.rita, "approve", "") }, secor.StateApproved, "office: Welcome to the SECOR program"},
		{"Rejected Welding", func(_ *secor.Company, r *secor.Request) { r.Headcount = 11 }, func(id secor.CaseID) {
			err := s.try(id, s.rita, "approve", "")
			if !errors.Is(err, secor.ErrGuard) {
				t.Errorf("eleven people: %v", err)
			}
			s.step(id, s.rita, "reject", "Eleven people; please apply for COR.")
		}, secor.StateRejected, "office: Your Certifying Partner Request"},
		{"Known Drilling", func(c *secor.Company, r *secor.Request) {
			c.ProfileSince, r.Reason = secor.NewDate(2024, 5, 2), secor.ReasonNoProfile
		}, func(secor.CaseID) {}, secor.StateNotRequired, "office: You do not need a Certifying Partner Request"},
		{"Silent Hydrovac", nil, func(id secor.CaseID) {
			s.step(id, s.rita, "query", "", "question=who?")
			s.letters()
			s.step(id, s.rita, "no-answer", "three letters, two calls")
		}, secor.StateNoAnswer, "office: Your Certifying Partner Request is closed"},
		{"Tired Trucking", nil, func(id secor.CaseID) { s.step(id, s.rita, "withdraw", "by phone") }, secor.StateWithdrawn, "office: Your Certifying Partner Request is closed"},
	}
	for _, tt := range tests {
		var change []func(*secor.Company, *secor.Request)
		if tt.change != nil {
			change = append(change, tt.change)
		}
		id := s.request(tt.name, change...)
		if tt.state != secor.StateNotRequired {
			s.wants(tt.name+", received", s.letters())
		}
		tt.end(id)
		s.wants(tt.name, s.letters(), tt.letter)
		f, err := s.File(t.Context(), id)
		s.must(err)
		if f.Case.State != tt.state {
			t.Errorf("%s is %s, want %s", tt.name, f.Case.State, tt.state)
		}
	}
	s.sound()
}

// TestRequest_Escalation: a request that nobody decides goes up three steps, each
// told once however many clock processes look, and again after a restart.
func TestRequest_Escalation(t *testing.T) {
	s := newStory(t)
	s.relay(t)
	s.reconciler(t)
	stop := s.worker(t, s.Store)
	id := s.request("Kowalski Trenching Ltd.")
	s.step(id, s.rita, "take", "")
	s.wants("two working days", s.on("2026-03-27 16:29"))
	s.wants("are over", s.on("2026-03-27 16:30"), "rita: Case 1: soon due: Review of a partner request")
	stop()
	s.worker(t, s.Store)
	s.wants("after a restart", s.on("2026-03-29 12:00"))
	s.set("2026-03-30 16:30")
	var twice sync.WaitGroup
	for range 3 {
		twice.Go(s.sweep)
	}
	twice.Wait()
	s.wants("the third is over", s.letters(), "lead: Case 1: late: Review of a partner request")
	s.wants("two more", s.on("2026-04-01 16:30"), "adam: Case 1: still late: Review of a partner request")
	s.wants("weeks later", s.on("2026-05-01 16:30"))
	s.sound()
}

// TestRequest_LateAtOnce: when the desk's clocks stood still, one lateness is one
// letter, of the last step.
func TestRequest_LateAtOnce(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	id := s.request("Kowalski Trenching Ltd.")
	s.step(id, s.rita, "take", "")
	s.wants("after a month", s.on("2026-04-25 12:00"), "adam: Case 1: still late: Review of a partner request")
	other := s.request("Belanger Trucking Ltd.")
	s.step(other, s.rita, "query", "", "question=who?")
	s.letters()
	s.wants("and a company that is asked", s.on("2026-05-07 12:00"), reminder)
	for _, kind := range []secor.JobKind{secor.JobWarn, secor.JobEscalate} {
		s.wantJob(t, id, kind, promise.Cancelled, 1)
	}
	s.sound()
}

// TestRequest_WithdrawnInMidAir: a letter that is under way when its reason ends has
// left, and the case says so; those that had not begun stay.
func TestRequest_WithdrawnInMidAir(t *testing.T) {
	s := newStory(t)
	s.smtp = nil // the bench's own mail server can be stopped in the middle of a letter
	flying, land := make(chan struct{}), make(chan struct{})
	s.post.fail = func(_ context.Context, m mail.Message) error {
		if strings.HasPrefix(m.Subject, "A question") {
			close(flying)
			<-land
		}
		return nil
	}
	s.engine(t)
	id := s.request("Kowalski Trenching Ltd.")
	s.step(id, s.rita, "query", "", "question=who?")
	<-flying
	s.step(id, s.rita, "withdraw", "by phone")
	close(land)
	s.awaitQuiet(t)
	s.set("2026-04-30 12:00")
	s.sweep()
	s.awaitQuiet(t)
	var got []string
	for _, m := range s.post.sent() {
		subject, _, _ := strings.Cut(m.Subject, " [SECOR")
		got = append(got, "office: "+subject)
	}
	slices.Sort(got)
	s.wants("in the end", got, "office: A question about your Certifying Partner Request", "office: Your Certifying Partner Request is closed")
	s.wantEvents(t, id, secor.EventLetterSent, 2)
	s.sound()
}

// TestRequest_SaturdayNight: a request counts from the moment at which its e-mail
// came, not from its import on Monday.
func TestRequest_SaturdayNight(t *testing.T) {
	s := newStory(t)
	s.set("2026-03-30 09:00") // Monday
	s.n++
	company, _, err := s.AddCompany(t.Context(), s.act(secor.Desk, ""), secor.Company{LegalName: "Kowalski Trenching Ltd.", Province: "AB", Email: "office@k.example"},
		[]secor.Registration{{Body: "ab-pir", Account: "1234567", GoodStanding: true}})
	s.must(err)
	act := s.act(secor.Desk, "")
	act.HappenedAt = time.Date(2026, 3, 28, 23, 10, 0, 0, s.zone)
	act.Reason = "by e-mail"
	id, err := s.AddRequest(t.Context(), act, company, "ab-pir", secor.Request{Reason: secor.ReasonNew, Headcount: 4})
	s.must(err)
	f, err := s.File(t.Context(), id)
	s.must(err)
	due, runs := f.Clocks[0].Due(f.Programme.Calendars["AB"])
	if want := time.Date(2026, 4, 1, 16, 30, 0, 0, s.zone); !runs || !due.Equal(want) || !f.Case.OpenedAt.Equal(act.HappenedAt) {
		t.Errorf("received %s, due %s; want %s", f.Case.OpenedAt, due, want)
	}
}

// TestRequest_LettersThatStay is a matrix: each letter of this family with each
// way in which its reason ends between its promise and its sending.
func TestRequest_LettersThatStay(t *testing.T) {
	s := newStory(t)
	query := func(id secor.CaseID) { s.step(id, s.rita, "query", "", "question=who?") }
	answer := func(id secor.CaseID) { s.step(id, s.rita, "answer", "", "answer=he") }
	approve := func(id secor.CaseID) { s.step(id, s.rita, "approve", "") }
	withdraw := func(id secor.CaseID) { s.step(id, s.rita, "withdraw", "by phone") }
	noAnswer := func(id secor.CaseID) { s.step(id, s.rita, "no-answer", "called twice") }
	// Only this case's clocks: a sweep for another would end what this one waits for.
	later := func(days int) func(secor.CaseID) {
		return func(id secor.CaseID) {
			s.clock.Lock()
			s.clock.now = s.clock.now.AddDate(0, 0, days)
			s.clock.Unlock()
			s.must(s.UpdateCase(t.Context(), id, s.act(secor.Desk, ""), func(f *secor.File, _ time.Time) error { _, err := f.ReachLevels(); return err }))
		}
	}
	take := func(id secor.CaseID) { s.step(id, s.rita, "take", "") }
	asked := []func(secor.CaseID){take, query, later(6)}
	tests := []struct {
		kind secor.JobKind
		make []func(secor.CaseID)
		ends map[string][]func(secor.CaseID)
	}{
		{secor.JobRequestQuestion, asked[:2], map[string][]func(secor.CaseID){"answered": {answer}, "asked again": {answer, query}, "withdrawn": {withdraw}, "closed": {noAnswer}}},
		{secor.JobAnswerReminder, asked, map[string][]func(secor.CaseID){"answered": {answer}, "asked again": {answer, query}, "asked again and reminded": {answer, query, later(6)},
			"withdrawn": {withdraw}, "closed": {noAnswer}, "its time over": {later(12)}}},
		{secor.JobOfferClosing, append(asked[:2:2], later(16)), map[string][]func(secor.CaseID){"answered": {answer}, "withdrawn": {withdraw}, "closed": {noAnswer}, "escalated": {later(20)}}},
		{secor.JobWelcome, []func(secor.CaseID){take, approve}, map[string][]func(secor.CaseID){"reopened": {func(id secor.CaseID) { s.step(id, s.lead, "reopen", "mistake") }}}},
		{secor.JobRequestClosed, []func(secor.CaseID){take, withdraw}, map[string][]func(secor.CaseID){"reopened": {func(id secor.CaseID) { s.step(id, s.lead, "reopen", "mistake") }}}},
		{secor.JobWarn, []func(secor.CaseID){take, later(3)}, map[string][]func(secor.CaseID){"approved": {approve}, "asked": {query}, "withdrawn": {withdraw}, "late": {later(4)},
			"handed back": {func(id secor.CaseID) { s.step(id, s.rita, "release", "") }}}},
		{secor.JobEscalate, []func(secor.CaseID){take, later(6)}, map[string][]func(secor.CaseID){"approved": {approve}, "withdrawn": {withdraw}, "escalated": {later(5)}}},
		{secor.JobTellAdmin, []func(secor.CaseID){take, later(12)}, map[string][]func(secor.CaseID){"approved": {approve}, "asked": {query}, "withdrawn": {withdraw}}},
	}
	// Letters wait until all has happened; then the engine comes, on the day of the
	// last thing that happened to each case.
	s.Grace = time.Hour
	type promised struct {
		id   secor.CaseID
		kind secor.JobKind
		seq  int64
		why  string
	}
	var all []promised
	for _, tt := range tests {
		for why, ends := range tt.ends {
			s.set("2026-03-25 09:00")
			id := s.request(fmt.Sprintf("%s %s Ltd.", strings.ToUpper(strings.ReplaceAll(string(tt.kind), ":", " ")), why))
			for _, do := range tt.make {
				do(id)
			}
			j := s.job(t, id, tt.kind)
			for _, do := range ends {
				do(id)
			}
			all = append(all, promised{id, tt.kind, j.ID, why})
		}
	}
	s.set("2026-03-25 09:00")
	s.exec(t, `UPDATE jobs SET not_before = now()`)
	s.engine(t)
	s.awaitQuiet(t)
	for _, p := range all {
		var state promise.State
		s.scan(t, &state, `SELECT state FROM jobs WHERE id = $1`, p.seq)
		if state != promise.Cancelled {
			t.Errorf("%s, %s: %s", p.kind, p.why, state)
		}
	}
	letters, err := s.mail.Messages()
	s.must(err)
	for _, l := range letters {
		if slices.ContainsFunc(all, func(p promised) bool {
			return l.Job == fmt.Sprint(p.seq) || strings.HasPrefix(l.ID, fmt.Sprintf("job-%d@", p.seq))
		}) {
			t.Errorf("a letter left whose reason had ended: %s", l.Subject)
		}
	}
	if len(all) < 25 {
		t.Errorf("%d pairs of letter and end", len(all))
	}
}

// noticeboard keeps what is posted, and can be told to fail.
type noticeboard struct {
	mu    sync.Mutex
	cards []promise.Card
	fail  func(n int) error // nil: never; n counts the calls from 1
	calls int
}

func (b *noticeboard) Post(_ context.Context, card promise.Card) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.fail != nil {
		err := b.fail(b.calls)
		if err != nil {
			return "", err
		}
	}
	b.cards = append(b.cards, card)
	return fmt.Sprint("ts-", len(b.cards)), nil
}

func TestCard_Posted(t *testing.T) {
	s, board := newStory(t), &noticeboard{}
	s.board, s.Channel = board, "secor-desk"
	s.engine(t)
	known := s.request("Kowalski Trenching Ltd.")
	s.letters()
	s.step(known, s.rita, "take", "")
	s.step(known, s.rita, "query", "", "question=who?")
	s.letters()
	s.step(known, secor.ByCompany(1), "answer", "", "answer=he")
	s.letters()
	want := []promise.Card{
		{Key: "case:1/event:1/card:post/channel:secor-desk", Channel: "secor-desk", Sort: "request.received", Case: 1, Version: 1, Kind: "request", State: "received",
			Company: "Kowalski Trenching Ltd.", Body: "ab-pir", Next: "office", Notes: []string{`nobody holds the course "Safety Program Development" on 2026-03-25`}},
		{Sort: "request.answered", Case: 1, Version: 4, State: "in_review"},
	}
	if len(board.cards) != 2 {
		t.Fatalf("%d cards, want 2: %+v", len(board.cards), board.cards)
	}
	first := board.cards[0]
	if first.Due.IsZero() {
		t.Error("the card has no promise")
	}
	first.Due = time.Time{}
	if diff := cmp.Diff(want[0], first); diff != "" {
		t.Errorf("card (-want +got):\n%s", diff)
	}
	second := board.cards[1]
	if second.Sort != want[1].Sort || second.Version != want[1].Version || second.State != want[1].State || second.Key == first.Key {
		t.Errorf("card of the answer: %+v", second)
	}
	for _, card := range board.cards {
		if strings.Contains(fmt.Sprint(card), "Rita") {
			t.Errorf("a card names who works on it: %+v", card)
		}
	}
	if j := s.wantJob(t, known, secor.JobPostCard, promise.Done, 1); j.Receipt != "ts-2" || j.SendingAt.IsZero() {
		t.Errorf("the card's job %+v has no receipt", j)
	}
	s.sound()
}

// TestCard_TellsOfProfiles: what the desk found stands on the card.
func TestCard_TellsOfProfiles(t *testing.T) {
	s, board := newStory(t), &noticeboard{}
	s.board, s.Channel = board, "secor-desk"
	s.request("Kowalski Trenching Ltd.")
	id := s.request("Kowalksi Trenching Inc.")
	// Before the desk has looked by itself, too.
	s.exec(t, `UPDATE jobs SET not_before = now() + interval '1 hour' WHERE kind = 'request:decide_need'`)
	s.engine(t)
	await(t, "the card", func() bool { return s.job(t, id, secor.JobPostCard).State == promise.Done })
	var notes []string
	for _, card := range board.cards {
		if card.Case == int64(id) {
			notes = card.Notes
		}
	}
	if !slices.Contains(notes, "company 1, Kowalski Trenching Ltd., has nearly the same name") {
		t.Errorf("the card notes %q", notes)
	}
}

// TestCard_Outcomes: a card is posted by the same fenced path as a letter.
func TestCard_Outcomes(t *testing.T) {
	gone := errors.New("the connection was reset")
	tests := []struct {
		name     string
		fail     func(n int) error
		end      bool
		state    promise.State
		posted   int
		attempts int
	}{
		{"posted", nil, false, promise.Done, 1, 1},
		{"not posted at first", func(n int) error {
			if n < 3 {
				return &promise.PostError{Err: gone}
			}
			return nil
		}, false, promise.Done, 1, 3},
		{"perhaps posted", func(int) error { return &promise.PostError{Ambiguous: true, Err: gone} }, false, promise.Ambiguous, 0, 1},
		{"an error that says nothing", func(int) error { return gone }, false, promise.Ambiguous, 0, 1},
		{"refused for good", func(int) error { return &promise.PostError{Permanent: true, Err: gone} }, false, promise.Failed, 0, 1},
		{"taken before it was posted", nil, true, promise.Cancelled, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, board := newStory(t), &noticeboard{fail: tt.fail}
			s.board, s.Channel, s.Grace = board, "secor-desk", time.Hour
			id := s.request("Kowalski Trenching Ltd.")
			if tt.end {
				s.step(id, s.rita, "take", "")
			}
			s.exec(t, `UPDATE jobs SET not_before = now()`)
			s.engine(t)
			s.awaitQuiet(t)
			s.wantJob(t, id, secor.JobPostCard, tt.state, tt.attempts)
			if len(board.cards) != tt.posted {
				t.Errorf("%d cards, want %d", len(board.cards), tt.posted)
			}
		})
	}
}

// TestCard_NoChannel: where no card can be posted none is promised, so that nothing
// piles up.
func TestCard_NoChannel(t *testing.T) {
	s := newStory(t)
	id := s.request("Kowalski Trenching Ltd.")
	found, err := s.Jobs(t.Context(), store.JobFilter{CaseID: id, Kind: string(secor.JobPostCard)})
	if err != nil || len(found) != 0 {
		t.Errorf("%d cards are promised, %v", len(found), err)
	}
}

// TestCard_WithoutPoster: a worker that posts no cards leaves them to another.
func TestCard_WithoutPoster(t *testing.T) {
	s := newStory(t)
	s.Channel = "secor-desk"
	s.engine(t)
	id := s.request("Kowalski Trenching Ltd.")
	await(t, "a second attempt", func() bool { return s.job(t, id, secor.JobPostCard).Attempts > 1 })
	j := s.job(t, id, secor.JobPostCard)
	if j.State != promise.Open || !j.SendingAt.IsZero() && j.Leased.IsZero() || !strings.Contains(j.LastError, "posts no cards") {
		t.Errorf("the card is %s: %s", j.State, j.LastError)
	}
}
