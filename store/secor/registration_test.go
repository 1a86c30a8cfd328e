package secor

import (
	"testing"
)

func TestRegistration_AsksAndTellsALead(t *testing.T) {
	o := auditIn(t, StateRegistered)
	o.Audit.Headcount = 11
	o.Registrations[0].GoodStanding = false
	step, err := StepFor("invoice", SubjectAudit)
	if err != nil {
		t.Fatal(err)
	}
	err = o.act(Act{By: Desk}, func() error {
		refusal := step.Take(o.File, nil)
		mustRefuse(t, refusal, ErrGuard, "11 people", "not in good standing")
		o.AskRegistration(refusal)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// The refused check leaves nothing behind but the question itself.
	if len(o.Events()) != 1 || !o.saw(EventRegistrationAsked) || o.Case.State != StateRegistered || len(o.Invoices) != 0 {
		t.Errorf("%v, %s, %d invoices", o.happened(), o.Case.State, len(o.Invoices))
	}
	if !StillTrue(JobEscalate, o.File, o.Events()[0]) {
		t.Error("no lead is told")
	}
	o.take(asCleo, "cancel", "11 people")
	if StillTrue(JobEscalate, o.File, Event{Kind: EventRegistrationAsked}) {
		t.Error("a lead is told after it was settled")
	}
}

// TestRegistration_RefusedLeavesNoNotes: a guard that is only noted is not noted by
// a step that another guard refuses.
func TestRegistration_RefusedLeavesNoNotes(t *testing.T) {
	o := requestIn(t, StateInReview)
	o.People, o.Request.Headcount = nil, 11
	step, err := StepFor("approve", SubjectRequest)
	if err != nil {
		t.Fatal(err)
	}
	err = o.act(Act{By: asAna}, func() error {
		mustRefuse(t, step.Take(o.File, nil), ErrGuard, "11 people")
		return nil
	})
	if err != nil || len(o.Events()) != 0 {
		t.Errorf("%v, %v", err, o.happened())
	}
}

func TestRegistration_Question(t *testing.T) {
	o := auditIn(t, StateRegistrationQueried)
	if o.Audit.Question != "Who holds the course?" || clockOf(t, o.File, "registration_review").Party() != PartyCompany {
		t.Errorf("asked %q", o.Audit.Question)
	}
	o.take(asCompany, "answer", "", "answer=Ana Roy", "channel=portal")
	if o.Audit.Question != "" || o.Case.State != StateRegistrationReview || o.Audit.Round != 0 {
		t.Errorf("answered: asked %q, %s, round %d", o.Audit.Question, o.Case.State, o.Audit.Round)
	}
	closed := auditIn(t, StateNoAnswer)
	if closed.Audit.Question != "" {
		t.Errorf("closed with the question %q", closed.Audit.Question)
	}
}

func TestRegistration_Reopen(t *testing.T) {
	for _, state := range []State{StateCancelled, StateWithdrawn, StateLapsed, StateNoAnswer} {
		o := auditIn(t, state)
		o.take(asCleo, "reopen", "mistake")
		if o.Case.State != StateRegistered || !StillTrue(JobCheckRegistration, o.File, o.last(EventAuditReopened)) || StillTrue(JobAssign, o.File, o.last(EventAuditReopened)) {
			t.Errorf("%s reopened: %s", state, o.Case.State)
		}
	}
	o := auditIn(t, StateNotReviewed)
	o.take(asCleo, "reopen", "was in time")
	if o.Case.State != StateSubmitted || !StillTrue(JobAssign, o.File, o.last(EventAuditReopened)) || StillTrue(JobCheckRegistration, o.File, o.last(EventAuditReopened)) {
		t.Errorf("not reviewed, reopened: %s", o.Case.State)
	}
	if clock := clockOf(t, o.File, "qa_review"); clock.Cycle != 2 || clock.Phase() != PhaseRunning {
		t.Errorf("its clock: cycle %d %s", clock.Cycle, clock.Phase())
	}
}

func TestRegistration_Clock(t *testing.T) {
	for state, want := range map[State]ClockEntryKind{StateOpen: ClockMet, StateCancelled: ClockStopped, StateWithdrawn: ClockStopped, StateNoAnswer: ClockStopped} {
		clock := clockOf(t, auditIn(t, state).File, "registration_review")
		if got := clock.Entries[len(clock.Entries)-1].Kind; got != want {
			t.Errorf("%s: the clock is %s, want %s", state, got, want)
		}
	}
}

// TestRegistration_WhoseCalendar: an employer's time is counted on its province's
// calendar, and on the office's where there is none.
func TestRegistration_WhoseCalendar(t *testing.T) {
	for province, want := range map[string]string{"AB": "AB", "SK": "SK", "NT": "AB"} {
		o := newOffice(t, SubjectAudit)
		o.Programme.Calendars["SK"] = deskCalendar(t)
		o.Company.Province = province
		if got := o.calendarOf(PartyCompany); got != want {
			t.Errorf("a company in %s: %s, want %s", province, got, want)
		}
		if got := o.calendarOf(PartyOffice); got != "AB" {
			t.Errorf("the office: %s", got)
		}
	}
	o := newOffice(t, SubjectAudit)
	o.Programme.Calendars["SK"], o.Body.Province = deskCalendar(t), "SK"
	if got := o.calendarOf(PartyBody); got != "SK" {
		t.Errorf("a body in SK: %s", got)
	}
}
