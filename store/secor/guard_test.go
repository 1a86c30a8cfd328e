package secor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGuard_HeadcountAtEachMoment(t *testing.T) {
	for _, people := range []int{10, 11} {
		over := people == 11
		o := requestIn(t, StateInReview)
		o.Request.Headcount = people
		asExpected(t, "request", over, o.try(asAna, "approve", "", "accept="), "11 people; the programme is for companies of 10 or fewer")
		o = requestIn(t, StateInReview)
		o.Request.Headcount = people
		asExpected(t, "request, accepted", over, o.try(asAna, "approve", "nearly", "accept=headcount"), "11 people")

		o = auditIn(t, StateRegistered)
		o.Audit.Headcount = people
		asExpected(t, "registration", over, o.try(Desk, "invoice", ""), "11 people")
		o = auditIn(t, StateRegistrationReview)
		o.Audit.Headcount = people
		asExpected(t, "registration, approved", over, o.try(asAna, "approve", ""), "11 people")

		o = auditIn(t, StateOpen)
		s := o.submission(passing)
		s.Headcount = people
		err := o.trySubmit(s)
		if err != nil || o.Audit.Waiting != over || o.Case.State != StateSubmitted {
			t.Errorf("submission with %d people: %s, waiting %t, %v", people, o.Case.State, o.Audit.Waiting, err)
		}
	}
}

func asExpected(t *testing.T, where string, refuse bool, err error, words string) {
	t.Helper()
	switch {
	case refuse:
		mustSay(t, where, refused(err, ErrGuard, words))
	case err != nil:
		t.Errorf("%s: %v", where, err)
	}
}

// TestGuard_SubmissionAsks: what the check leaves open keeps the audit from every
// reviewer until a lead accepts it by name and with a reason.
func TestGuard_SubmissionAsks(t *testing.T) {
	o := auditIn(t, StateOpen)
	s := o.submission(passing)
	s.Headcount = 11
	err := o.trySubmit(s)
	if err != nil || !o.saw(EventSubmissionAsked) || o.saw(EventSubmissionTakenIn) || StillTrue(JobAssign, o.File, o.last(EventAuditSubmitted)) {
		t.Fatalf("submit: %v, %v", err, o.happened())
	}
	mustRefuse(t, o.try(Desk, "assign", ""), ErrGuard, "a lead accepts the submission first")
	mustRefuse(t, o.try(asAna, "take", ""), ErrGuard, "a lead accepts the submission first")
	mustRefuse(t, o.try(asCleo, "accept", ""), ErrGuard, "a person must decide", "11 people", "(headcount)", "accept it by name")
	mustRefuse(t, o.try(asCleo, "accept", "", "accept=headcount"), ErrField, "wants a reason")
	mustRefuse(t, o.try(asCleo, "accept", "fine", "accept=course"), ErrGuard, "(headcount)")
	mustRefuse(t, o.try(asCleo, "accept", "fine", "accept=heads"), ErrField, "heads", "is not a finding")
	o.take(asCleo, "accept", "two left on Friday", "accept=headcount")
	if !o.saw(EventGuardWaived) || !o.saw(EventSubmissionAccepted) || o.fact(EventGuardWaived, "guard") != "headcount" {
		t.Errorf("accepted: %v", o.happened())
	}
	mustRefuse(t, o.try(asCleo, "accept", "again", "accept=headcount"), ErrIllegalMove, "waits for no decision")
	o.take(asAna, "take", "")
}

// TestGuard_AcceptedOnce: what was accepted for a submission is not asked again when
// its audit waits for another reason; the next submission opens it again.
func TestGuard_AcceptedOnce(t *testing.T) {
	for _, state := range []State{StateInQA, StateRevision} {
		o := auditIn(t, StateOpen)
		s := o.submission(passing)
		s.Headcount = 11
		if err := o.trySubmit(s); err != nil {
			t.Fatal(err)
		}
		o.take(asCleo, "accept", "two left on Friday", "accept=headcount")
		o.take(asAna, "take", "")
		if state == StateRevision {
			o.take(asAna, "query", "", "question=who works there?")
		}
		o.Conflicts = since(t, "2026-03-01")
		o.takeFrom()
		o.take(asCleo, "accept", "looked at")
		if o.saw(EventGuardWaived) {
			t.Errorf("%s: accepted again: %v", state, o.happened())
		}
		if state != StateRevision {
			continue
		}
		if err := o.trySubmit(s); err != nil {
			t.Fatal(err)
		}
		mustRefuse(t, o.try(asCleo, "accept", "looked at"), ErrGuard, "(headcount)")
	}
}

// TestGuard_AcceptedOnce_Marks: marks that follow are of the submission that was accepted.
func TestGuard_AcceptedOnce_Marks(t *testing.T) {
	o := auditIn(t, StateOpen)
	s := o.submission("")
	s.Headcount = 11
	if err := o.trySubmit(s); err != nil {
		t.Fatal(err)
	}
	o.take(asCleo, "accept", "two left on Friday", "accept=headcount")
	o.take(asAna, "take", "")
	s.Marks = marks(t, passing)
	if err := o.trySubmit(s); err != nil {
		t.Fatal(err)
	}
	o.Conflicts = since(t, "2026-03-01")
	o.takeFrom()
	o.take(asCleo, "accept", "looked at")
}

// TestGuard_WaitingEndsWithItsSubmission: a returned submission takes the open
// question with it.
func TestGuard_WaitingEndsWithItsSubmission(t *testing.T) {
	o := auditIn(t, StateOpen)
	s := o.submission(passing)
	s.Headcount = 11
	err := o.trySubmit(s)
	if err != nil {
		t.Fatal(err)
	}
	o.take(asAna, "return", "count again")
	if o.Audit.Waiting {
		t.Error("an open audit still waits for somebody to accept a submission")
	}
	o.submit(passing)
	o.take(asAna, "take", "")
}

func TestGuard_Months(t *testing.T) {
	for _, tt := range []struct {
		policies, records int
		asked             bool
	}{{2, 2, true}, {2, 12, true}, {12, 2, true}, {3, 3, false}, {11, 3, false}, {12, 12, false}} {
		o := auditIn(t, StateRegistered)
		o.Audit.Claimed = Evidence{tt.policies, tt.records}
		asExpected(t, fmt.Sprint("registration ", tt), tt.asked, o.try(Desk, "invoice", ""), "months of documentation: 2; at least 3 are needed (evidence_months)")
		o = auditIn(t, StateOpen)
		s := o.submission(passing)
		s.Months = Evidence{tt.policies, tt.records}
		err := o.trySubmit(s)
		if err != nil || o.Audit.Waiting != tt.asked {
			t.Errorf("submission %v: waiting %t, %v", tt, o.Audit.Waiting, err)
		}
	}
}

// TestGuard_Course: on the last day the course is still good, a day later not.
func TestGuard_Course(t *testing.T) {
	for _, tt := range []struct {
		completed string
		missing   string
	}{
		{"2023-03-25", ""},
		{"2023-03-24", `the course "Safety Program Development" was valid until 2026-03-24`},
		{"2026-03-25", ""},
		{"2026-03-26", `nobody holds the course "Safety Program Development" on 2026-03-25`},
	} {
		o := auditIn(t, StateRegistrationReview)
		o.People[0].Courses[0].CompletedOn = day(t, tt.completed)
		asExpected(t, "completed "+tt.completed, tt.missing != "", o.try(asAna, "approve", ""), tt.missing)

		o = requestIn(t, StateInReview)
		o.People[0].Courses[0].CompletedOn = day(t, tt.completed)
		o.take(asAna, "approve", "")
		if o.saw(EventGuardNoted) != (tt.missing != "") {
			t.Errorf("request, completed %s: %v", tt.completed, o.happened())
		}
	}
	o := auditIn(t, StateRegistrationReview)
	o.People = append(o.People, o.People[0])
	o.People[0].Courses = nil
	o.take(asAna, "approve", "")
}

// TestGuard_CourseAtSubmission looks at the last day of the assessment, not at the
// day on which the submission comes.
func TestGuard_CourseAtSubmission(t *testing.T) {
	for lastDay, blocked := range map[string]bool{"2026-03-20": false, "2026-03-21": true} {
		o := auditIn(t, StateOpen)
		o.People[0].Courses[0].CompletedOn = day(t, "2023-03-20")
		s := o.submission(passing)
		s.LastDay = day(t, lastDay)
		before := writtenOf(o.File)
		err := o.trySubmit(s)
		asExpected(t, lastDay, blocked, err, "the submission cannot be taken in")
		if diff := cmp.Diff(before, writtenOf(o.File)); blocked && diff != "" {
			t.Errorf("%s: refused, but changed (-before +after):\n%s", lastDay, diff)
		}
	}
}

func TestGuard_Registration(t *testing.T) {
	account := func(body string, good bool) Registration {
		return Registration{Body: body, Account: "1", GoodStanding: good}
	}
	tests := []struct {
		situation string
		accounts  []Registration
		words     string
	}{
		{"none", nil, "no account with Alberta PIR is on file"},
		{"of another body", []Registration{account("bc-wsbc", true)}, "no account"},
		{"not in good standing", []Registration{account("ab-pir", false)}, "not in good standing"},
		{"one of two not in good standing", []Registration{account("ab-pir", true), account("ab-pir", false)}, "not in good standing"},
		{"another body's is bad", []Registration{account("bc-wsbc", false), account("ab-pir", true)}, ""},
	}
	for _, tt := range tests {
		o := requestIn(t, StateInReview)
		o.Registrations = tt.accounts
		asExpected(t, tt.situation, tt.words != "", o.try(asAna, "approve", ""), tt.words)

		o = requestIn(t, StateInReview) // elsewhere it is only noted
		o.Body.ID, o.Case.Body, o.Registrations = "sk-wcb", "sk-wcb", nil
		o.take(asAna, "approve", "")
		if o.fact(EventGuardNoted, "guard") != "body_registration" {
			t.Errorf("outside Alberta: %v", o.happened())
		}
	}
}

// TestGuard_PaymentBounced: a reversed payment opens the invoice again, leaves the
// case where it is, tells a lead, and stops what is guarded by payment.
func TestGuard_PaymentBounced(t *testing.T) {
	for _, state := range []State{StateRegistrationReview, StateOpen, StateSubmitted, StateInQA, StateQAComplete} {
		o := auditIn(t, state)
		o.take(asCleo, "reverse-payment", "returned by the bank", "reference=0042")
		if o.Case.State != state || o.Invoice().State != StateSent || o.Invoice().Balance() != 157_50 {
			t.Errorf("%s: now %s, invoice %s, balance %s", state, o.Case.State, o.Invoice().State, o.Invoice().Balance())
		}
		told := slices.ContainsFunc(Follows(EventPaymentReversed), func(f Follow) bool { return f.Audience == AudienceLeads && StillTrue(f.Job, o.File, o.Events()[0]) })
		if !o.saw(EventPaymentReversed) || !o.saw(EventInvoiceReopened) || !told {
			t.Errorf("%s: %v, a lead is told: %t", state, o.happened(), told)
		}
		_, _, running := o.NextDue(clockOf(t, o.File, "invoice_payment"))
		if !running {
			t.Errorf("%s: the clock of the invoice does not run again", state)
		}
	}
	o := auditIn(t, StateRegistrationReview)
	o.take(asCleo, "reverse-payment", "bounced", "reference=0042")
	mustRefuse(t, o.try(asAna, "approve", ""), ErrGuard, "invoice 2026-12-A is not paid: $157.50 is owed")
	mustRefuse(t, o.try(asAna, "approve", "please", "accept=payment"), ErrGuard, "is not paid")
	o = auditIn(t, StateOpen)
	o.take(asCleo, "reverse-payment", "bounced", "reference=0042")
	mustRefuse(t, o.trySubmit(o.submission(passing)), ErrGuard, "is not paid")
}

// clockOf returns the latest cycle of a policy.
func clockOf(t testing.TB, f *File, policy string) Clock {
	t.Helper()
	i := f.cycle(policy)
	if i < 0 {
		t.Fatalf("there is no clock of %s", policy)
	}
	return f.Clocks[i]
}

// TestGuard_PaymentByItsEffect: an edition that only asks for payment is asked.
func TestGuard_PaymentByItsEffect(t *testing.T) {
	for _, effect := range []Effect{EffectAsk, EffectNote} {
		o := auditIn(t, StateRegistrationReview)
		o.take(asCleo, "reverse-payment", "bounced", "reference=0042")
		o.Edition.Guards = append(o.Edition.Guards, GuardRule{Guard: GuardPayment, Effect: effect})
		if effect == EffectAsk {
			mustRefuse(t, o.try(asAna, "approve", ""), ErrGuard, "(payment)", "accept it by name")
		}
		o.take(asAna, "approve", "invoiced after success", "accept=payment")
		kind := map[Effect]EventKind{EffectAsk: EventGuardWaived, EffectNote: EventGuardNoted}[effect]
		if o.fact(kind, "guard") != "payment" {
			t.Errorf("%s: %v", effect, o.happened())
		}
	}
}

func TestGuard_Conflict(t *testing.T) {
	today := day(t, "2026-03-25")
	tests := []struct {
		situation string
		span      Span
		refuse    bool
	}{
		{"began yesterday", Span{From: today.AddDays(-1)}, true},
		{"begins today", Span{From: today}, true},
		{"begins tomorrow", Span{From: today.AddDays(1)}, false},
		{"ended yesterday", Span{From: today.AddDays(-30), To: today.AddDays(-1)}, false},
		{"ends today", Span{From: today.AddDays(-30), To: today}, true},
	}
	for _, tt := range tests {
		o := requestIn(t, StateInReview)
		o.Conflicts = []Conflict{{ReviewerID: ana, CompanyID: testCompany, Span: tt.span, Reason: "brother-in-law"}}
		err := o.try(asAna, "approve", "")
		if !tt.refuse {
			mustPass(t, tt.situation, err)
			continue
		}
		mustSay(t, tt.situation, refused(err, ErrConflict, "Ana has a conflict of interest with this company", "let somebody else do it"))
		if strings.Contains(err.Error(), "brother") {
			t.Errorf("the refusal tells why: %q", err)
		}
		o.take(asBen, "approve", "")
	}
}

func mustPass(t *testing.T, where string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", where, err)
	}
}

// TestGuard_ConflictIsNotDatedAway: who came into conflict yesterday does not act
// by dating the step back to the day before, and who was in conflict then neither.
func TestGuard_ConflictIsNotDatedAway(t *testing.T) {
	today := day(t, "2026-03-25")
	for situation, span := range map[string]Span{
		"began yesterday": {From: today.AddDays(-1)}, "ended yesterday": {From: today.AddDays(-30), To: today.AddDays(-1)},
	} {
		o := requestIn(t, StateInReview)
		o.LastMove.HappenedAt = o.clock.AddDate(0, 0, -9)
		o.Conflicts = []Conflict{{ReviewerID: ana, CompanyID: testCompany, Span: span}}
		err := o.tryAt(Act{By: asAna, Reason: "decided then", HappenedAt: o.clock.Add(-48 * time.Hour)}, "approve")
		mustSay(t, situation, refused(err, ErrConflict))
	}
}

func TestCheck_InTheOrderOfGuards(t *testing.T) {
	o := auditIn(t, StateOpen)
	o.take(asCleo, "reverse-payment", "bounced", "reference=0042")
	o.Audit.Headcount, o.Audit.Claimed, o.People, o.Registrations = 11, Evidence{2, 2}, nil, nil
	for range 20 {
		var got []string
		for _, f := range o.Check(MomentSubmission) {
			got = append(got, string(f.Guard)+" "+string(f.Effect))
		}
		want := []string{"headcount ask", "body_registration block", "course block", "payment block", "evidence_months ask"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("Check (-want +got):\n%s", diff)
		}
	}
}

func TestEffect(t *testing.T) {
	e := &Edition{Guards: []GuardRule{
		{Guard: GuardCourse, Body: "bc", Effect: EffectBlock},
		{Guard: GuardCourse, Effect: EffectAsk},
		{Guard: GuardCourse, Moment: MomentRequest, Effect: EffectNote},
		{Guard: GuardCourse, Moment: MomentSubmission, Body: "bc", Effect: EffectNote},
		{Guard: GuardHeadcount, Effect: EffectNote}, {Guard: GuardHeadcount, Effect: EffectAsk},
	}}
	tests := []struct {
		guard  Guard
		moment Moment
		body   string
		want   Effect
	}{
		{GuardCourse, MomentRegistration, "ab", EffectAsk},
		{GuardCourse, MomentRequest, "ab", EffectNote},
		{GuardCourse, MomentRequest, "bc", EffectBlock}, // the body says more than the moment
		{GuardCourse, MomentSubmission, "bc", EffectNote},
		{GuardHeadcount, MomentRequest, "ab", EffectAsk}, // the later of two equal rules
		{GuardPayment, MomentRegistration, "ab", EffectBlock},
	}
	for _, tt := range tests {
		if got := e.Effect(tt.guard, tt.moment, tt.body); got != tt.want {
			t.Errorf("Effect(%s, %s, %s) = %s, want %s", tt.guard, tt.moment, tt.body, got, tt.want)
		}
	}
}

func TestEditionOn(t *testing.T) {
	p := &Programme{Editions: map[string]*Edition{
		"old": {ID: "old", EffectiveFrom: day(t, "2020-01-01")}, "new": {ID: "new", EffectiveFrom: day(t, "2026-01-01")},
		"same": {ID: "same", EffectiveFrom: day(t, "2026-01-01")},
		"peer": {ID: "peer", EffectiveFrom: day(t, "2026-02-01"), Example: true},
	}}
	for text, want := range map[string]string{"2019-12-31": "", "2020-01-01": "old", "2025-12-31": "old", "2026-01-01": "same", "2026-03-25": "same"} {
		for range 10 {
			e, err := p.EditionOn(day(t, text))
			if want == "" {
				mustRefuse(t, err, ErrField, "before the first rule edition")
				continue
			}
			if err != nil || e.ID != want {
				t.Errorf("EditionOn(%s) = %v, %v; want %s", text, e, err, want)
			}
		}
	}
}

// TestGuard_NotedAtSubmission: what is only to be noted keeps nothing.
func TestGuard_NotedAtSubmission(t *testing.T) {
	o := auditIn(t, StateOpen)
	o.Edition.Guards = append(o.Edition.Guards, GuardRule{Guard: GuardHeadcount, Moment: MomentSubmission, Effect: EffectNote})
	s := o.submission(passing)
	s.Headcount = 11
	err := o.trySubmit(s)
	if err != nil || o.Audit.Waiting || o.fact(EventGuardNoted, "guard") != "headcount" || !o.saw(EventAuditSubmitted) {
		t.Errorf("%v, waiting %t, %v", err, o.Audit.Waiting, o.happened())
	}
}
