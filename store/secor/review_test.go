package secor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sheetOf returns "claimed > verified" of a question.
func sheetOf(o *office, question string) string {
	line := o.Sheet[question]
	return line.Claimed.Words() + " > " + line.Verified.Words()
}

func TestSubmit_Refuses(t *testing.T) {
	tests := []struct {
		situation string
		change    func(*office, *Submission)
		words     string
	}{
		{"no last day", func(_ *office, s *Submission) { s.LastDay = Date{} }, "last_day: is missing"},
		{"a last day tomorrow", func(o *office, s *Submission) { s.LastDay = day(o.t, "2026-03-26") }, "is in the future"},
		{"nobody works there", func(_ *office, s *Submission) { s.Headcount = 0 }, "headcount: is missing"},
		{"fewer than nobody", func(_ *office, s *Submission) { s.Headcount = -1 }, "headcount"},
		{"negative months", func(_ *office, s *Submission) { s.Months.Records = -1 }, "evidence_months"},
		{"days for months", func(_ *office, s *Submission) { s.Months.Policies = 1201 }, "evidence_months"},
		{"an unknown question", func(o *office, s *Submission) { s.Marks = marks(o.t, passing+", Z9 1") }, "question Z9: is not in protocol"},
		{"a mark twice", func(o *office, s *Submission) { s.Marks = marks(o.t, passing+", A1 5") }, "question A1: is marked twice"},
		{"an N/A mark twice", func(o *office, s *Submission) { s.Marks = marks(o.t, "A1 n/a, A1 n/a") }, "question A1: is marked twice"},
		{"part of all or nothing", func(o *office, s *Submission) { s.Marks = marks(o.t, "A1 3") }, "all or nothing"},
	}
	for _, tt := range tests {
		for _, state := range []State{StateOpen, StateRevision} {
			o := auditIn(t, state)
			before := writtenOf(o.File)
			s := o.submission(passing)
			tt.change(o, &s)
			mustSay(t, tt.situation, refused(o.trySubmit(s), ErrField, tt.words))
			if diff := cmp.Diff(before, writtenOf(o.File)); diff != "" || len(o.Events()) != 0 {
				t.Errorf("%s while %s: refused, but changed (-before +after):\n%s", tt.situation, state, diff)
			}
		}
	}
	today := auditIn(t, StateOpen)
	s := today.submission(passing)
	s.LastDay, s.Headcount = day(t, "2026-03-25"), 1
	err := today.trySubmit(s)
	mustPass(t, "a last day of today, one person", err)
}

func TestSubmit_OnlyWhenOpen(t *testing.T) {
	for _, state := range States(SubjectAudit) {
		o := auditIn(t, state)
		err := o.trySubmit(o.submission(passing))
		if state == StateOpen || state == StateRevision {
			mustPass(t, string(state), err)
			continue
		}
		mustSay(t, string(state), refused(err, ErrIllegalMove, "a submission is not possible", state.Words()))
	}
	o := requestIn(t, StateInReview)
	mustRefuse(t, o.trySubmit(o.submission("")), ErrIllegalMove, "case 14 is not an audit")
}

// TestSheet_VerifiedStartsAsACopy: claimed marks are never judged themselves.
func TestSheet_VerifiedStartsAsACopy(t *testing.T) {
	o := auditIn(t, StateSubmitted)
	if got := sheetOf(o, "B1"); got != "8.00/10.00 > unscored" {
		t.Errorf("submitted: %s", got)
	}
	score, err := o.Score()
	if err != nil || score.Verdict != VerdictNotScored {
		t.Errorf("claimed marks are judged: %s, %v", score.Verdict, err)
	}
	o.take(asAna, "take", "")
	if got := sheetOf(o, "B1"); got != "8.00/10.00 > 8.00/10.00" {
		t.Errorf("taken: %s", got)
	}
	o.take(asAna, "mark", "two of four forms unsigned", "question=B1", "awarded=3.50")
	if got := sheetOf(o, "B1"); got != "8.00/10.00 > 3.50/10.00" {
		t.Errorf("marked: %s", got)
	}
	if o.fact(EventMarkChanged, "from") != "8.00/10.00" || o.fact(EventMarkChanged, "to") != "3.50/10.00" || o.history[len(o.history)-1].Text != "two of four forms unsigned" {
		t.Errorf("the event does not keep from, to and why: %+v", o.history[len(o.history)-1])
	}
	o.take(asAna, "mark", "one form of ten", "question=A2", "awarded=1")
	o.take(asAna, "confirm", "")
	if o.Audit.Result != VerdictFail || o.fact(EventAuditFailed, "percent") != "48.75" || o.fact(EventAuditFailed, "awarded") != "19.50" {
		t.Errorf("claimed 38 of 40, verified 19.50: %s, %s %%", o.Audit.Result, o.fact(EventAuditFailed, "percent"))
	}
}

func TestSheet_Mark(t *testing.T) {
	tests := []struct {
		pairs string
		words string
	}{
		{"question=A2 awarded=7.25 available=7.25", ""}, {"question=A1 na=true", ""}, {"question=A1 awarded=0", ""},
		{"question=B1", "awarded: is missing"}, {"question=B1 na=false", "awarded: is missing"}, {"question=Z9 awarded=1", "question Z9"},
		{"question=A2 awarded=15.01", "has 15.01 points awarded"}, {"question=A1 awarded=1", "all or nothing"}, {"question=A1 awarded=5 na=true", "not applicable"},
	}
	for _, tt := range tests {
		err := auditIn(t, StateInQA).try(asAna, "mark", "because", strings.Fields(tt.pairs)...)
		if tt.words == "" {
			mustPass(t, tt.pairs, err)
			continue
		}
		mustSay(t, tt.pairs, refused(err, ErrField, tt.words))
	}
}

// TestRevision_KeepsWhatWasVerified, except where the company claims something else.
func TestRevision_KeepsWhatWasVerified(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "mark", "unsigned", "question=A2", "awarded=9")
	o.take(asAna, "mark", "unsigned", "question=B1", "awarded=1")
	o.take(asAna, "months", "first record in May", "policies=12", "records=11")
	o.take(asAna, "query", "", "question=Sign them")
	s := o.submission("A1 5, A2 15, B1 10, B2 10")
	err := o.trySubmit(s)
	if err != nil || o.Case.State != StateInQA || o.Case.Holder != ana || o.Audit.Round != 2 || o.Audit.Question != "" {
		t.Fatalf("revised: %v, %s held by %d, round %d", err, o.Case.State, o.Case.Holder, o.Audit.Round)
	}
	for question, want := range map[string]string{"A2": "15.00/15.00 > 9.00/15.00", "B1": "10.00/10.00 > 10.00/10.00", "A1": "5.00/5.00 > 5.00/5.00"} {
		if got := sheetOf(o, question); got != want {
			t.Errorf("%s: %s, want %s", question, got, want)
		}
	}
	if got := o.fact(EventRevisionReceived, "changed"); got != "B1" {
		t.Errorf("changed: %q", got)
	}
	if o.Audit.Verified != (Evidence{12, 11}) {
		t.Errorf("the same claim puts %v in place of the verified months", o.Audit.Verified)
	}
	o.take(asAna, "query", "", "question=And the months?")
	s.Months = Evidence{12, 10}
	err = o.trySubmit(s)
	if err != nil || o.Audit.Verified != (Evidence{12, 10}) {
		t.Errorf("another claim: %v, %v", o.Audit.Verified, err)
	}
	if clock := clockOf(t, o.File, "qa_review"); clock.Cycle != 1 || clock.Phase() != PhaseRunning {
		t.Errorf("the review's clock: cycle %d %s", clock.Cycle, clock.Phase())
	}
}

// TestReturn_KeepsTheMarks: a complete do-over keeps what was verified where the
// claim is the same, and names where it is not.
func TestReturn_KeepsTheMarks(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "mark", "unsigned", "question=A2", "awarded=9")
	o.take(asAna, "mark", "unsigned", "question=B1", "awarded=1")
	o.take(asAna, "return", "pages of another company")
	if o.Case.State != StateOpen || o.Case.Holder != 0 || sheetOf(o, "A2") != "15.00/15.00 > 9.00/15.00" {
		t.Errorf("returned: %s held by %d, A2 %s", o.Case.State, o.Case.Holder, sheetOf(o, "A2"))
	}
	o.submit("A1 5, A2 15, B1 10, B2 10")
	if got := o.fact(EventAuditSubmitted, "changed"); got != "B1" {
		t.Errorf("changed: %q", got)
	}
	o.take(asBen, "take", "")
	if sheetOf(o, "A2") != "15.00/15.00 > 9.00/15.00" || sheetOf(o, "B1") != "10.00/10.00 > 10.00/10.00" {
		t.Errorf("A2 %s, B1 %s", sheetOf(o, "A2"), sheetOf(o, "B1"))
	}
}

func TestConfirm_Months(t *testing.T) {
	tests := []struct {
		policies, records string
		result            Verdict
		term              int
		event             EventKind
	}{
		{"12", "12", VerdictPass, 3, EventAuditPassed}, {"12", "11", VerdictPass, 0, EventAuditPassedShort}, {"11", "12", VerdictPass, 0, EventAuditPassedShort},
		{"3", "3", VerdictPass, 0, EventAuditPassedShort}, {"12", "2", "", 0, ""}, {"2", "12", "", 0, ""},
	}
	for _, tt := range tests {
		o := auditIn(t, StateInQA)
		o.take(asAna, "months", "as found", "policies="+tt.policies, "records="+tt.records)
		err := o.try(asAna, "confirm", "")
		where := tt.policies + "/" + tt.records
		if tt.result == "" {
			mustSay(t, where, refused(err, ErrGuard, "verified months of documentation: 2; at least 3 are needed", "return the submission"))
			continue
		}
		mustPass(t, where, err)
		if o.Audit.Result != tt.result || o.Audit.Term != tt.term || !o.saw(tt.event) || (o.Certificate() != nil) != (tt.term == 3) {
			t.Errorf("%s: %s, %d years, %v, certificate %v", where, o.Audit.Result, o.Audit.Term, o.happened(), o.Certificate())
		}
	}
}

func TestConfirm_NotScored(t *testing.T) {
	for claimed, words := range map[string]string{
		"": "A1 and A2 not scored", "A1 5, A2 15, B1 10": "element B: B2 not scored", "A1 n/a, A2 n/a, B1 n/a, B2 n/a": "nothing is scored",
	} {
		o := auditMarked(t, StateInQA, claimed)
		mustRefuse(t, o.try(asAna, "confirm", ""), ErrNotScored, words, "mark them or ask the company")
		if o.Audit.Result != "" || o.Case.State != StateInQA {
			t.Errorf("%q: %s, %s", claimed, o.Audit.Result, o.Case.State)
		}
	}
}

// TestConfirm_Maintenance passes at 60 without a floor and leads to no certificate.
func TestConfirm_Maintenance(t *testing.T) {
	o := auditMarked(t, StateInQA, "A1 5, A2 15, B1 0, B2 4")
	o.Audit.Purpose = PurposeMaintenance
	o.take(asAna, "months", "as found", "policies=7", "records=7")
	o.take(asAna, "confirm", "")
	if o.Audit.Result != VerdictPass || o.Audit.Term != 0 || o.Certificate() != nil || !o.saw(EventAuditPassed) {
		t.Errorf("%s for %d years, certificate %v, %v", o.Audit.Result, o.Audit.Term, o.Certificate(), o.happened())
	}
	o.accepted(JobPass)
	if o.cycle(PolicyCertificate) >= 0 || clockOf(t, o.File, PolicyNotification).Phase() != PhaseFinished {
		t.Error("a maintenance audit waits for a certificate")
	}
}

// TestTold_StartsTheTenDays: the first notice counts, by whatever channel.
func TestTold_StartsTheTenDays(t *testing.T) {
	o := auditMarked(t, StateQAComplete, passing)
	o.take(asAna, "told", "", "channel=phone")
	if o.Audit.Notified != o.Today() || o.fact(EventCompanyNotified, "channel") != "phone" {
		t.Errorf("told on %s by %s", o.Audit.Notified, o.fact(EventCompanyNotified, "channel"))
	}
	started := clockOf(t, o.File, PolicyCertificate).Entries[0].At
	o.accepted(JobPass)
	if clock := clockOf(t, o.File, PolicyCertificate); clock.Cycle != 1 || !clock.Entries[0].At.Equal(started) {
		t.Error("the letter started the ten days again")
	}
	mustRefuse(t, o.try(asAna, "told", "", "channel=phone"), ErrIllegalMove, "the company was told on")
	mustRefuse(t, auditMarked(t, StateQAComplete, failing).try(asAna, "told", "", "channel=phone"), ErrIllegalMove, "no pass")
	mustRefuse(t, passedShort(t).try(asAna, "told", "", "channel=phone"), ErrIllegalMove, "no pass")
}

// TestRevision_IsCheckedToo: what a revision states anew is asked or refused like
// a first submission, and does not pass in silence.
func TestRevision_IsCheckedToo(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "query", "", "question=Sign them")
	s := o.submission(passing)
	s.Headcount = 11
	mustPass(t, "eleven people in a revision", o.trySubmit(s))
	asked := o.last(EventSubmissionAsked)
	if o.Case.State != StateInQA || asked.Text == "" || !StillTrue(JobEscalate, o.File, asked) {
		t.Errorf("%s, asked %q, lead told %t", o.Case.State, asked.Text, StillTrue(JobEscalate, o.File, asked))
	}
	mustRefuse(t, o.try(asAna, "confirm", ""), ErrGuard, "left a question open", "a lead accepts")
	o.take(asCleo, "accept", "one leaves on Friday", "accept=headcount")
	if StillTrue(JobEscalate, o.File, asked) {
		t.Error("a lead is told of a question that is settled")
	}
	o.take(asAna, "confirm", "")
}

// TestConfirm_Unpaid: a payment that bounced during the review is a person's
// decision before the verdict, and money is never the reviewer's alone.
func TestConfirm_Unpaid(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.Edition.Guards = append(o.Edition.Guards, GuardRule{Guard: GuardPayment, Moment: MomentReview, Effect: EffectAsk})
	o.take(asCleo, "reverse-payment", "bounced", "reference=0042")
	mustRefuse(t, o.try(asAna, "confirm", ""), ErrGuard, "a person must decide", "is not paid", "(payment)")
	mustRefuse(t, o.try(asCleo, "void-invoice", "bounced"), ErrGuard, "would go on unpaid")
	o.take(asAna, "confirm", "the lead agreed, a new cheque is promised", "accept=payment")
	if o.Audit.Result != VerdictPass {
		t.Errorf("result %q", o.Audit.Result)
	}
}

// TestAppeal_AfterARevokedPass: a pass that was confirmed by mistake is taken back
// before the body issues anything, and heard again by somebody else.
func TestAppeal_AfterARevokedPass(t *testing.T) {
	o := auditMarked(t, StateQAComplete, passing)
	o.accepted(JobPass)
	o.take(asCleo, "revoke", "wrong sheet")
	o.take(asDan, "revoke", "wrong sheet")
	if StillTrue(JobRequestCertificate, o.File, o.last(EventCertificateDue)) {
		t.Error("the certificate is still asked for")
	}
	o.take(asCleo, "appeal", "confirmed by mistake", "reviewer=2")
	if o.Case.State != StateInQA || o.Case.Holder != ben || !o.Audit.Notified.IsZero() {
		t.Errorf("%s held by %d, told on %s", o.Case.State, o.Case.Holder, o.Audit.Notified)
	}
	if o.fact(EventAuditAppealed, "earlier") != "pass, certificate revoked" {
		t.Errorf("the earlier result: %v", o.last(EventAuditAppealed).Facts)
	}
	o.take(asBen, "confirm", "")
	o.accepted(JobPass)
	if o.Certificate().State != StateDue || clockOf(t, o.File, PolicyCertificate).Phase() != PhaseRunning {
		t.Errorf("confirmed again: certificate %s", o.Certificate().State)
	}
}

func passedShort(t *testing.T) *office {
	t.Helper()
	o := auditIn(t, StateInQA)
	o.take(asAna, "months", "seven months", "policies=12", "records=7")
	o.take(asAna, "confirm", "")
	return o
}

func TestOneYear_WantsTwoPersons(t *testing.T) {
	o := passedShort(t)
	version := o.Case.Version
	o.take(asAna, "grant-one-year", "seven months, all in order")
	if o.Audit.Term != 0 || o.Certificate() != nil || !o.saw(EventOneYearProposed) {
		t.Errorf("one person granted it: %d years, %v", o.Audit.Term, o.happened())
	}
	mustRefuse(t, o.try(asAna, "grant-one-year", "again"), ErrSecondPerson, "you proposed", "ask a lead or another reviewer")
	// Who looks at a card from before the proposal seconds nothing unawares.
	mustRefuse(t, o.tryAt(Act{By: asBen, Reason: "I propose", AsOf: version}, "grant-one-year"), ErrIllegalMove, "moved on")
	o.take(asBen, "grant-one-year", "agreed")
	if o.Audit.Term != 1 || o.Certificate() == nil || o.Certificate().Term != 1 || o.fact(EventOneYearGranted, "proposer") != "1" {
		t.Errorf("granted: %d years, %v", o.Audit.Term, o.Certificate())
	}
	for _, step := range []string{"grant-one-year", "decline-one-year"} {
		mustRefuse(t, o.try(asCleo, step, "once more"), ErrIllegalMove, "no one-year certificate is to be decided")
	}
}

func TestOneYear_DeclinedAndAppealed(t *testing.T) {
	o := passedShort(t)
	mustRefuse(t, o.try(asCleo, "appeal", "letter"), ErrIllegalMove, "grant or decline one year first")
	o.take(asAna, "grant-one-year", "seven months")
	o.take(asCleo, "decline-one-year", "records of three months only")
	if !o.Audit.Declined || o.Certificate() != nil || !StillTrue(JobDeclined, o.File, o.Events()[0]) {
		t.Errorf("declined: %+v", *o.Audit)
	}
	mustRefuse(t, o.try(asBen, "grant-one-year", "after all"), ErrIllegalMove)
	o.take(asCleo, "appeal", "letter of 3 May", "reviewer=2")
	if o.Case.State != StateInQA || o.Case.Holder != ben || o.Audit.Declined || o.Audit.Proposer != 0 || StillTrue(JobDeclined, o.File, Event{}) {
		t.Errorf("appealed: %s held by %d, %+v", o.Case.State, o.Case.Holder, *o.Audit)
	}
	o.take(asBen, "confirm", "")
	o.take(asBen, "grant-one-year", "seven months")
	o.take(asAna, "grant-one-year", "agreed")
	if o.Certificate() == nil {
		t.Error("heard again and granted, but no certificate")
	}
}

func TestOneYear_NotForOthers(t *testing.T) {
	for situation, o := range map[string]*office{
		"a plain pass": auditIn(t, StateQAComplete), "a fail": auditMarked(t, StateQAComplete, failing),
	} {
		for _, step := range []string{"grant-one-year", "decline-one-year"} {
			mustSay(t, situation, refused(o.try(asCleo, step, "because"), ErrIllegalMove, "no one-year certificate is to be decided here"))
		}
	}
}

// TestAppeal_ByAnotherReviewer, also when the appeal is handed on afterwards.
func TestAppeal_ByAnotherReviewer(t *testing.T) {
	failed := func() *office { return auditMarked(t, StateQAComplete, failing) }
	mustRefuse(t, failed().try(asCleo, "appeal", "letter", "reviewer=1"), ErrConflict, "Ana reviewed this audit before")
	mustRefuse(t, failed().try(asCleo, "appeal", "letter", "reviewer=5"), ErrField, "not an active person")
	mustRefuse(t, failed().try(asCleo, "appeal", "letter", "reviewer=99"), ErrField, "not an active person")
	mustRefuse(t, auditIn(t, StateQAComplete).try(asCleo, "appeal", "letter"), ErrIllegalMove, "revoke its certificate first")
	o := failed()
	o.take(asCleo, "appeal", "letter of 3 May")
	if o.Case.Holder == ana || o.Case.Holder == 0 || o.Audit.Result != "" || sheetOf(o, "B1") != "2.00/10.00 > 2.00/10.00" {
		t.Errorf("held by %d, result %q, B1 %s", o.Case.Holder, o.Audit.Result, sheetOf(o, "B1"))
	}
	if o.fact(EventAuditAppealed, "earlier") != "fail" || o.fact(EventAuditAppealed, "percent") == "" {
		t.Errorf("the appeal keeps of the earlier result: %v", o.last(EventAuditAppealed).Facts)
	}
	if clock := clockOf(t, o.File, "qa_review"); clock.Cycle != 2 || clock.Phase() != PhaseRunning {
		t.Errorf("the clock: cycle %d %s", clock.Cycle, clock.Phase())
	}
	mustRefuse(t, o.try(asCleo, "assign", "", "reviewer=1"), ErrConflict, "Ana reviewed this audit before")
	o.take(asCleo, "release", "back")
	mustRefuse(t, o.try(asAna, "take", ""), ErrConflict, "Ana reviewed this audit before")
	o.take(Desk, "assign", "")
	if o.Case.Holder == ana {
		t.Error("the desk gave the appeal to who judged before")
	}
}

// TestAppeal_Twice: nobody hears a case again who ever judged it, by whatever way
// it comes to them, and nothing of what they looked at counts for the next one.
func TestAppeal_Twice(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "mark", "as found", "question=B1", "awarded=0")
	o.take(asAna, "mark", "as found", "question=A2", "awarded=2")
	o.take(asAna, "confirm", "")
	o.take(asCleo, "appeal", "letter of 3 May", "reviewer=2")
	if diff := cmp.Diff([]string{"A", "B"}, o.Unlooked()); diff != "" {
		t.Errorf("at the appeal, not looked at (-want +got):\n%s", diff)
	}
	o.take(asBen, "confirm", "")
	if got := o.fact(EventAuditFailed, "unlooked"); got != "A B" {
		t.Errorf("Ben confirmed without a look at %q", got)
	}
	judges := map[int64]string{ana: "Ana", ben: "Ben"}
	for id, name := range judges {
		mustRefuse(t, o.try(asCleo, "appeal", "letter of 9 June", fmt.Sprintf("reviewer=%d", id)), ErrConflict, name+" reviewed this audit before")
	}
	o.take(asCleo, "appeal", "letter of 9 June")
	if o.Case.Holder != cleo {
		t.Errorf("the second appeal is heard by %d, want who never judged it", o.Case.Holder)
	}
	for id, name := range judges {
		mustRefuse(t, o.try(asCleo, "assign", "", fmt.Sprintf("reviewer=%d", id)), ErrConflict, name+" reviewed this audit before")
	}
	o.take(asCleo, "release", "back")
	for id, name := range judges {
		mustRefuse(t, o.try(ByReviewer(id), "take", ""), ErrConflict, name+" reviewed this audit before")
	}
	mustRefuse(t, o.try(Desk, "assign", ""), ErrNoReviewer, "Ana reviewed it before, Ben reviewed it before")
}

func TestAssign(t *testing.T) {
	o := auditIn(t, StateSubmitted)
	o.take(Desk, "assign", "")
	if o.Case.Holder != ana || o.fact(EventAuditAssigned, "why") != "least load: 0 of 4" || o.fact(EventAuditAssigned, "not_2") != "holds 2 of 4" {
		t.Errorf("held by %d, %v", o.Case.Holder, o.history[len(o.history)-1].Facts)
	}
	mustRefuse(t, o.try(Desk, "assign", ""), ErrIllegalMove, "assigned already")
	o.take(asCleo, "assign", "Ana is ill", "reviewer=4") // above capacity: a person may
	if o.Case.Holder != dan || o.Case.State != StateInQA {
		t.Errorf("held by %d, %s", o.Case.Holder, o.Case.State)
	}
	o = auditIn(t, StateSubmitted)
	o.Conflicts = []Conflict{{ReviewerID: ben, Span: Span{From: day(t, "2026-01-01")}}}
	mustRefuse(t, o.try(asCleo, "assign", "", "reviewer=2"), ErrConflict, "Ben has a conflict of interest")
	if o.Case.Holder != 0 || o.Case.State != StateSubmitted {
		t.Errorf("refused, but held by %d, %s", o.Case.Holder, o.Case.State)
	}
}

func TestHandBack(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "mark", "unsigned", "question=A2", "awarded=9")
	o.take(asAna, "release", "on leave")
	if o.Case.Holder != 0 || o.Case.State != StateSubmitted || !slices.Contains(o.happened(), EventAuditHandedBack) {
		t.Errorf("handed back: %d, %s", o.Case.Holder, o.Case.State)
	}
	o.take(asBen, "take", "")
	if got := sheetOf(o, "A2"); got != "15.00/15.00 > 9.00/15.00" {
		t.Errorf("the next reviewer finds %s", got)
	}
}

// TestMerge: whatever is claimed and verified, a revision changes the verified mark
// of a question only when its claim is another.
func TestMerge(t *testing.T) {
	draw := func(rt *rapid.T, label string) []Mark {
		var list []Mark
		for _, id := range []string{"A2", "B1", "B2"} {
			n := rapid.IntRange(-2, 3).Draw(rt, label+id)
			switch {
			case n == -1:
				list = append(list, Mark{Question: id, NA: true})
			case n >= 0:
				list = append(list, Mark{Question: id, Awarded: Points(n * 100)})
			}
		}
		return list
	}
	rapid.Check(t, func(rt *rapid.T) {
		o := auditIn(t, StateOpen)
		s := o.submission("")
		s.Marks = draw(rt, "first ")
		err := o.trySubmit(s)
		if err != nil {
			rt.Fatal(err)
		}
		o.take(asAna, "take", "")
		o.take(asAna, "mark", "found", "question=B2", "awarded=9.75")
		before := o.Sheet
		o.take(asAna, "query", "", "question=again")
		s.Marks = draw(rt, "second ")
		err = o.trySubmit(s)
		if err != nil {
			rt.Fatal(err)
		}
		changed := strings.Fields(o.fact(EventRevisionReceived, "changed"))
		for id, line := range o.Sheet {
			same := line.Claimed.Words() == before[id].Claimed.Words()
			want := line.Claimed
			if same {
				want = before[id].Verified
			}
			if line.Verified.Words() != want.Words() || slices.Contains(changed, id) == same {
				rt.Fatalf("%s: claimed %s, then %s; verified %s, then %s; changed %v", id, before[id].Claimed.Words(), line.Claimed.Words(),
					before[id].Verified.Words(), line.Verified.Words(), changed)
			}
		}
	})
}

func TestMonths_AreNotDays(t *testing.T) {
	for value, words := range map[string]string{"1200": "", "1201": "are months, not days"} {
		err := auditIn(t, StateInQA).try(asAna, "months", "as found", "policies=12", "records="+value)
		if words == "" {
			mustPass(t, value, err)
			continue
		}
		mustSay(t, value, refused(err, ErrField, words))
	}
}
