package secor

import (
	"strings"
	"testing"
	"time"
)

func TestActor_RoundTrip(t *testing.T) {
	for text, want := range map[string]Actor{"": {}, "desk": Desk, "reviewer:3": ByReviewer(3), "company:12": ByCompany(12)} {
		got, err := ParseActor(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseActor(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"reviewer", "reviewer:", "reviewer:0", "reviewer:-3", "reviewer:+3", "reviewer:03", "reviewer:3:4", "desk:1", "lead:3",
		"admin:4", "company", "banana", ":3", " reviewer:3", "reviewer:99999999999999999999", "Reviewer:3"} {
		_, err := ParseActor(text)
		mustRefuse(t, err, ErrField, "such as reviewer:3")
	}
}

func FuzzParseActor(f *testing.F) {
	for _, seed := range []string{"", "desk", "reviewer:3", "company:-1", ":", "\xff:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseActor(text)
		if err == nil && a.String() != text {
			t.Fatalf("ParseActor(%q) is %q", text, a)
		}
	})
}

func TestBegin_Refuses(t *testing.T) {
	now := wall(t, "2026-03-25 10:00")
	good := Act{ID: "a", By: asAna}
	tests := []struct {
		situation string
		change    func(*Act)
		words     string
	}{
		{"no id", func(a *Act) { a.ID = "" }, "no usable id"},
		{"an id of 201 bytes", func(a *Act) { a.ID = strings.Repeat("x", 201) }, "no usable id"},
		{"nobody", func(a *Act) { a.By = Actor{} }, "names nobody"},
		{"a second from now", func(a *Act) { a.HappenedAt, a.Reason = now.Add(time.Second), "I know" }, "is in the future"},
		{"a second ago without a reason", func(a *Act) { a.HappenedAt = now.Add(-time.Second) }, "wants a reason"},
		{"a second ago with blanks", func(a *Act) { a.HappenedAt, a.Reason = now.Add(-time.Second), " \t" }, "wants a reason"},
		{"a card of an older version", func(a *Act) { a.AsOf = 1 }, "case 14 has moved on: the request is in review since 25 March 2026 09:02, by Ana; look at the case again"},
		{"a card of a later version", func(a *Act) { a.AsOf = 3 }, "has moved on"},
	}
	for _, tt := range tests {
		o := requestIn(t, StateInReview)
		a := good
		tt.change(&a)
		err := o.Begin(a, now)
		mustSay(t, tt.situation, refused(err, ErrRefused, tt.words))
		if len(o.Events()) != 0 {
			t.Errorf("%s: events of the act before are left: %v", tt.situation, o.happened())
		}
	}
}

func TestBegin_Accepts(t *testing.T) {
	now := wall(t, "2026-03-25 10:00")
	for situation, a := range map[string]Act{
		"an id of 200 bytes":         {ID: strings.Repeat("x", 200), By: asAna},
		"this very instant":          {ID: "a", By: asAna, HappenedAt: now},
		"last Friday, with a reason": {ID: "a", By: asAna, HappenedAt: now.Add(-96 * time.Hour), Reason: "the cheque came then"},
		"the version that stands":    {ID: "a", By: asAna, AsOf: 2},
	} {
		o := requestIn(t, StateInReview)
		o.LastMove.HappenedAt = now.Add(-100 * time.Hour)
		err := o.Begin(a, now)
		if err != nil {
			t.Errorf("%s: %v", situation, err)
		}
	}
}

// TestHappenedAt_IsWhatClocksCount: the decision came in before its deadline and
// was written down after the breach; and the other way about.
func TestHappenedAt_IsWhatClocksCount(t *testing.T) {
	for _, tt := range []struct {
		happened string
		late     bool
	}{{"2026-03-30 16:30", false}, {"2026-03-30 16:30:01", true}} {
		o := requestIn(t, StateInReview) // opened Wednesday 25 March: due Monday 30 March, 16:30
		o.clock = wall(t, "2026-03-31 10:00")
		err := o.act(Act{By: Desk}, func() error { _, err := o.ReachLevels(); return err })
		if err != nil || !o.saw(EventClockBreach) {
			t.Fatalf("the breach was not acted on: %v, %v", err, o.happened())
		}
		err = o.tryAt(Act{By: asAna, Reason: "decided at the counter", HappenedAt: wall(t, tt.happened)}, "approve")
		if err != nil {
			t.Fatal(err)
		}
		clock := o.Clocks[0]
		late := clock.Late(o.Programme.Calendars["AB"], o.clock) > 0
		if clock.Phase() != PhaseFinished || late != tt.late {
			t.Errorf("decided %s: %s, late %t; want late %t", tt.happened, clock.Phase(), late, tt.late)
		}
		last := o.history[len(o.history)-1]
		if !last.HappenedAt.Equal(wall(t, tt.happened)) || !last.RecordedAt.Equal(o.clock) {
			t.Errorf("happened %s, recorded %s", last.HappenedAt, last.RecordedAt)
		}
	}
}

// TestHappenedAt_BehindTheLastMove: nobody answers before he was asked, and no
// step is judged by a day on which it could not have been taken.
func TestHappenedAt_BehindTheLastMove(t *testing.T) {
	o := requestIn(t, StateQueried)
	act := Act{By: asAna, Reason: "said so before we asked", HappenedAt: o.LastMove.HappenedAt.Add(-time.Microsecond)}
	mustRefuse(t, o.tryAt(act, "answer", "answer=yes"), ErrField, "is too early", "queried since", "give a later time")
	act.HappenedAt = o.LastMove.HappenedAt
	mustPass(t, "at the same instant", o.tryAt(act, "answer", "answer=yes"))
	expired := requestIn(t, StateInReview)
	act = Act{By: asAna, Reason: "long ago", HappenedAt: expired.Case.OpenedAt.AddDate(-20, 0, 0)}
	mustRefuse(t, expired.tryAt(act, "approve"), ErrField, "is too early")
}

// TestPay_InTimeEnteredLate: a cheque that came in time is not late because it was
// entered after the breach.
func TestPay_InTimeEnteredLate(t *testing.T) {
	for received, late := range map[string]bool{"2026-03-27": false, "2026-05-20": true} {
		o := auditIn(t, StateAwaitingPayment)
		o.accepted(JobInvoice)
		sent := clockOf(t, o.File, "invoice_payment").Entries[0].At
		o.clock = sent.AddDate(0, 0, 70)
		err := o.act(Act{By: Desk}, func() error { _, err := o.ReachLevels(); return err })
		if err != nil || !o.saw(EventClockBreach) {
			t.Fatalf("the breach was not acted on: %v", err)
		}
		o.take(asCleo, "pay", "", "amount=157.50", "method=cheque", "reference=7", "received-on="+received)
		clock := clockOf(t, o.File, "invoice_payment")
		if got := clock.Late(o.Programme.Calendars["AB"], o.clock) > 0; clock.Phase() != PhaseFinished || got != late {
			t.Errorf("received %s: %s, late %t", received, clock.Phase(), got)
		}
	}
}

func TestReachLevels_OnceEach(t *testing.T) {
	o := requestIn(t, StateInReview)
	reach := func(at string) int {
		t.Helper()
		o.clock = wall(t, at).Add(-time.Minute)
		n := 0
		err := o.act(Act{By: Desk}, func() error {
			var err error
			n, err = o.ReachLevels()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := reach("2026-03-27 16:29"); n != 0 {
		t.Errorf("a minute before the warning: %d levels", n)
	}
	if n := reach("2026-03-27 16:30"); n != 1 || !o.saw(EventClockWarned) || o.fact(EventClockWarned, "policy") != "request_review" {
		t.Errorf("at the warning: %d levels, %v", n, o.happened())
	}
	if n := reach("2026-03-27 16:31"); n != 0 {
		t.Errorf("the warning again: %d levels", n)
	}
	if n := reach("2026-04-10 09:00"); n != 1 || !o.saw(EventClockBreach) {
		t.Errorf("after the breach: %d levels, %v", n, o.happened())
	}
	if n := reach("2026-04-11 09:00"); n != 0 {
		t.Errorf("the breach again: %d levels", n)
	}
}
