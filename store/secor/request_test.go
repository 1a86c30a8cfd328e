package secor

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestNeeded(t *testing.T) {
	known := Date{2026, 1, 5}
	for _, tt := range []struct {
		since  Date
		reason RequestReason
		want   bool
	}{
		{Date{}, ReasonNoProfile, true}, {Date{}, ReasonSwitching, true}, {Date{}, ReasonNew, true},
		{known, ReasonNoProfile, false}, {known, ReasonSwitching, true}, {known, ReasonNew, true},
	} {
		o := requestIn(t, StateReceived)
		o.Company.ProfileSince, o.Request.Reason = tt.since, tt.reason
		if got := o.RequestNeeded(); got != tt.want {
			t.Errorf("profile since %q, %s: needed %t", tt.since, tt.reason, got)
		}
		// Nobody may: the letter would say of the company what is not so.
		for _, who := range []Actor{Desk, asAna, asCleo} {
			err := o.try(who, "not-required", "")
			if tt.want {
				mustRefuse(t, err, ErrGuard, "the request is needed: the company ", "approve it, or reject it")
			} else if err != nil || o.Case.State != StateNotRequired {
				t.Errorf("%s: %s, %v", who, o.Case.State, err)
			}
			if !tt.want {
				break
			}
		}
	}
}

// A profile that is taken back before the letter leaves is not written about.
func TestNotRequired_ProfileTakenBack(t *testing.T) {
	o := requestIn(t, StateNotRequired)
	cause := o.last(EventRequestNotRequired)
	if !StillTrue(JobNotRequired, o.File, cause) {
		t.Error("the letter does not leave though its reason holds")
	}
	o.Company.ProfileSince = Date{}
	if StillTrue(JobNotRequired, o.File, cause) {
		t.Error("the letter leaves with a blank date")
	}
}

func TestRequest_HolderAndQuestion(t *testing.T) {
	o := requestIn(t, StateReceived)
	o.take(asBen, "query", "", "question=Which account?")
	if diff := cmp.Diff([]EventKind{EventRequestTaken, EventRequestQueried}, o.happened()); diff != "" {
		t.Errorf("asking takes the request (-want +got):\n%s", diff)
	}
	if o.Case.Holder != ben || o.Request.Question != "Which account?" {
		t.Errorf("held by %d, asked %q", o.Case.Holder, o.Request.Question)
	}
	o.take(asCompany, "answer", "", "answer=1234567", "channel=portal")
	if o.Case.Holder != ben || o.Request.Question != "" || o.fact(EventRequestAnswered, "channel") != "portal" {
		t.Errorf("answered: held by %d, asked %q", o.Case.Holder, o.Request.Question)
	}
	o.take(asBen, "release", "")
	if o.Case.Holder != 0 {
		t.Errorf("handed back, but held by %d", o.Case.Holder)
	}
	o.take(asAna, "take", "")
	o.take(asAna, "approve", "")
	if o.Case.Holder != 0 {
		t.Errorf("approved, but held by %d", o.Case.Holder)
	}
	o.take(asCleo, "reopen", "mistake")
	if o.Case.Holder != cleo {
		t.Errorf("reopened by Cleo, held by %d", o.Case.Holder)
	}
	withdrawn := requestIn(t, StateQueried)
	withdrawn.take(asCompany, "withdraw", "no longer")
	withdrawn.take(asCleo, "reopen", "mistake")
	if withdrawn.Request.Question != "" {
		t.Errorf("reopened with the old question %q", withdrawn.Request.Question)
	}
}

// TestRequest_Profile: approval opens the company's profile; a reopened approval
// takes back only what it opened itself.
func TestRequest_Profile(t *testing.T) {
	o := requestIn(t, StateApproved)
	if o.Company.ProfileSince != day(t, "2026-03-25") {
		t.Errorf("profile since %q", o.Company.ProfileSince)
	}
	o.take(asCleo, "reopen", "mistaken for another")
	if !o.Company.ProfileSince.IsZero() {
		t.Errorf("the profile of a reopened approval stands since %s", o.Company.ProfileSince)
	}
	known := requestIn(t, StateInReview)
	known.Company.ProfileSince, known.Request.Reason = day(t, "2020-05-01"), ReasonSwitching
	known.take(asAna, "approve", "")
	known.take(asCleo, "reopen", "mistake")
	if known.Company.ProfileSince != day(t, "2020-05-01") {
		t.Errorf("a profile that was there before: %q", known.Company.ProfileSince)
	}
}

// Whatever puts a request into the queue shows it to the channel, where somebody
// takes it.
func TestRequest_Card(t *testing.T) {
	for kind, script := range map[EventKind]func(o *office){
		EventRequestReceived: func(*office) {},
		EventRequestReleased: func(o *office) { o.take(asBen, "take", ""); o.take(asBen, "release", "") },
		EventRequestAnswered: func(o *office) {
			o.take(asBen, "query", "", "question=Why?")
			o.take(asBen, "answer", "", "answer=So", "channel=phone")
		},
		EventRequestUnassigned: func(o *office) {
			o.take(asAna, "take", "")
			o.Roster[0].Active = false
			o.takeFrom()
		},
	} {
		o := requestIn(t, StateReceived)
		script(o)
		shown := slices.ContainsFunc(o.Follows(kind), func(f Follow) bool { return f.Job == JobPostCard && f.Audience == AudienceChannel })
		if !shown || !StillTrue(JobPostCard, o.File, o.last(kind)) {
			t.Errorf("%s in %s: a card is promised %t", kind, o.Case.State, shown)
		}
	}
}

func TestRequest_Clock(t *testing.T) {
	o := requestIn(t, StateQueried)
	if got := clockOf(t, o.File, "request_review"); got.Phase() != PhasePaused || got.Party() != PartyCompany {
		t.Errorf("queried: %s for %s", got.Phase(), got.Party())
	}
	o.take(asAna, "answer", "", "answer=yes")
	if got := clockOf(t, o.File, "request_review"); got.Phase() != PhaseRunning {
		t.Errorf("answered: %s", got.Phase())
	}
	o.take(asAna, "approve", "")
	o.take(asCleo, "reopen", "mistake")
	if got := clockOf(t, o.File, "request_review"); got.Cycle != 2 || got.Phase() != PhaseRunning {
		t.Errorf("reopened: cycle %d is %s", got.Cycle, got.Phase())
	}
	for state, want := range map[State]ClockEntryKind{
		StateApproved: ClockMet, StateRejected: ClockMet, StateNotRequired: ClockMet, StateNoAnswer: ClockStopped, StateWithdrawn: ClockStopped,
	} {
		clock := requestIn(t, state).Clocks[0]
		if got := clock.Entries[len(clock.Entries)-1].Kind; got != want {
			t.Errorf("%s: the clock is %s, want %s", state, got, want)
		}
	}
}
