package secor

import (
	"slices"
	"strings"
	"testing"
)

// await records for what the audit waits, as the desk's job does.
func (o *office) await() {
	o.t.Helper()
	err := o.act(Act{By: Desk}, o.AwaitReviewer)
	if err != nil {
		o.t.Fatalf("await a reviewer: %v", err)
	}
}

// TestAssign_OlderNeedsFirst: the desk leaves the last free place to an older need
// that could use it, and takes it for this one where the older could not; a person
// who asks for this one gets it assigned all the same.
func TestAssign_OlderNeedsFirst(t *testing.T) {
	waiting := func() *office {
		o := auditIn(t, StateSubmitted)
		o.Roster[0].Load = 3 * FullEffort                               // Ana has one place
		o.Roster[1].Load, o.Roster[2].Load = 4*FullEffort, 2*FullEffort // Ben and Cleo have none
		o.Queue = []Need{expiring(changed(o.Need(), newCase(13)), 5), changed(o.Need(), newCase(15))}
		return o
	}
	o := waiting()
	mustRefuse(t, o.try(Desk, "assign", ""), ErrNoReviewer, "Ana is taken by cases before it: 13", "Ben is full: holds 4 of 4", "Dan has no capacity")
	o.await()
	if o.fact(EventAssignmentWaits, "not_1") != "is taken by cases before it: 13" || o.fact(EventAssignmentWaits, "why") != "nobody can take it now" {
		t.Errorf("waits: %v", o.last(EventAssignmentWaits).Facts)
	}
	mustRefuse(t, auditIn(t, StateInQA).act(Act{By: Desk}, auditIn(t, StateInQA).AwaitReviewer), ErrIllegalMove)

	o = waiting()
	o.Queue[0].Conflicts = []Conflict{{ReviewerID: ana, Span: Span{From: day(t, "2026-01-01")}}}
	o.take(Desk, "assign", "")
	if o.Case.Holder != ana || o.fact(EventAuditAssigned, "why") != "least load: 3 of 4" {
		t.Errorf("held by %d", o.Case.Holder)
	}

	o = waiting()
	o.take(asCleo, "assign", "the owner called")
	if o.Case.Holder != ana {
		t.Errorf("asked for by a person, held by %d", o.Case.Holder)
	}
}

func newCase(id CaseID) func(*Need) { return func(n *Need) { n.CaseID = id } }

// TestAssign_NotToWhoHandedItBack: the desk does not give an audit to who has just
// handed it back, and a person may.
func TestAssign_NotToWhoHandedItBack(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "release", "I trained them")
	if o.fact(EventAuditHandedBack, "from") != "1" {
		t.Errorf("handed back from %s", o.fact(EventAuditHandedBack, "from"))
	}
	o.take(Desk, "assign", "")
	if o.Case.Holder == ana || o.fact(EventAuditAssigned, "not_1") != "had it before" {
		t.Errorf("held by %d, not Ana because she %s", o.Case.Holder, o.fact(EventAuditAssigned, "not_1"))
	}
	o = auditIn(t, StateInQA)
	o.take(asAna, "release", "away tomorrow")
	o.take(asAna, "take", "")
	if o.Case.Holder != ana || o.Audit.Avoid != 0 {
		t.Errorf("taken: held by %d, avoids %d", o.Case.Holder, o.Audit.Avoid)
	}
}

// TestAssign_DoOverGoesToFormerReviewer, once.
func TestAssign_DoOverGoesToFormerReviewer(t *testing.T) {
	o := auditIn(t, StateSubmitted)
	o.take(asBen, "take", "")
	o.take(asBen, "return", "pages of another company")
	o.submit(passing)
	o.take(Desk, "assign", "")
	if o.Case.Holder != ben || o.fact(EventAuditAssigned, "why") != "returned it to be done again" || o.Audit.Prefer != 0 {
		t.Errorf("held by %d: %s", o.Case.Holder, o.fact(EventAuditAssigned, "why"))
	}
}

// TestAssign_InRevision: a lead hands a revision on without a move, and the new
// holder gets it when it comes in.
func TestAssign_InRevision(t *testing.T) {
	o := auditIn(t, StateRevision)
	mustRefuse(t, o.try(asCleo, "assign", "", "reviewer=1"), ErrIllegalMove, "Ana holds this audit already")
	o.take(asCleo, "assign", "Ana is ill")
	if o.Case.Holder != ben && o.Case.Holder != cleo || o.Case.State != StateRevision || o.fact(EventAuditAssigned, "from") != "1" {
		t.Errorf("held by %d in %s, from %s", o.Case.Holder, o.Case.State, o.fact(EventAuditAssigned, "from"))
	}
	if !StillTrue(JobTellReviewer, o.File, o.last(EventAuditAssigned)) {
		t.Error("the new holder is not told")
	}
	holder := o.Case.Holder
	o.submit(passing)
	if o.Case.Holder != holder || o.Case.State != StateInQA {
		t.Errorf("the revision came to %d in %s", o.Case.Holder, o.Case.State)
	}
}

// TestNeed_OfTheFile: whose certificate, and how long one that expired counts.
func TestNeed_OfTheFile(t *testing.T) {
	o := auditIn(t, StateSubmitted)
	tests := []struct{ held, want string }{
		{"", ""}, {"2026-04-10", "2026-04-10"}, {"2028-01-01", "2028-01-01"}, {"2026-03-24", "2026-03-24"},
		{"2025-03-25", "2025-03-25"}, {"2025-03-24", ""}, // a year and a day before the submission
	}
	for _, tt := range tests {
		o.Held = Held{}
		if tt.held != "" {
			o.Held.ExpiresOn = day(t, tt.held)
		}
		n := o.Need()
		if n.Expires.String() != tt.want || n.Submitted != day(t, "2026-03-25") || n.Since.IsZero() || n.Horizon != 90 {
			t.Errorf("holds one until %q: %+v", tt.held, n)
		}
	}
	before := o.Audit.Submitted
	o.take(asAna, "take", "")
	o.take(asAna, "release", "ill")
	if !o.Audit.Submitted.Equal(before) || !slices.Equal(o.happened(), []EventKind{EventAuditHandedBack}) {
		t.Error("handing back makes the need younger")
	}
}

// takeFrom takes the case from a holder who may not hold it, as the clock process does.
func (o *office) takeFrom() {
	o.t.Helper()
	err := o.trySweep()
	if err != nil {
		o.t.Fatalf("unassign: %v", err)
	}
}

func (o *office) trySweep() error { return o.act(Act{By: Desk}, o.Unassign) }

func (o *office) cover() {
	o.t.Helper()
	err := o.act(Act{By: Desk}, o.Cover)
	if err != nil {
		o.t.Fatalf("cover: %v", err)
	}
}

// since is a conflict of Ana's from a day on.
func since(t testing.TB, from string) []Conflict {
	return []Conflict{{ReviewerID: ana, CompanyID: testCompany, Span: Span{From: day(t, from)}}}
}

// TestUnassign: a conflict that is recorded after the assignment, or begins after
// it, takes the audit away; the marks are kept, the clock is paused as the office's
// time and says why, and goes on when a lead accepts.
func TestUnassign(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "mark", "two of four unsigned", "question=B1", "awarded=3.50")
	mustRefuse(t, o.trySweep(), ErrIllegalMove, "not held by anybody who may not hold it")
	o.Conflicts = since(t, "2026-03-26")
	mustRefuse(t, o.trySweep(), ErrIllegalMove)
	o.clock = wall(t, "2026-03-26 09:00")
	mustRefuse(t, o.try(asAna, "mark", "more", "question=B1", "awarded=4"), ErrConflict, "Ana has a conflict of interest")
	mustRefuse(t, o.try(asAna, "confirm", ""), ErrConflict)
	o.takeFrom()
	cause := o.last(EventAuditUnassigned)
	if o.Case.State != StateSubmitted || o.Case.Holder != 0 || !o.Audit.Waiting || cause.Facts["from"] != "1" || cause.Facts["why"] != "has a conflict of interest" {
		t.Errorf("unassigned: %s, held by %d, waiting %t, %v", o.Case.State, o.Case.Holder, o.Audit.Waiting, cause.Facts)
	}
	if got := o.ChangedMarks(); !slices.Equal(got, []ChangedMark{{"B1", "8.00/10.00", "3.50/10.00"}}) {
		t.Errorf("marks that were changed: %v", got)
	}
	clock := clockOf(t, o.File, "qa_review")
	if last := clock.Entries[len(clock.Entries)-1]; last.Kind != ClockPaused || last.Party != PartyOffice || last.Reason != "taken from its reviewer, who has a conflict of interest" {
		t.Errorf("the ledger's last entry: %+v", last)
	}
	if !StillTrue(JobTakenAway, o.File, cause) || !StillTrue(JobTellFormer, o.File, cause) || StillTrue(JobAssign, o.File, cause) {
		t.Error("leads and the former holder are not told, or it is assigned at once")
	}
	mustRefuse(t, o.try(Desk, "assign", ""), ErrGuard, "a lead accepts the submission first")
	mustRefuse(t, o.try(asBen, "take", ""), ErrGuard)
	mustRefuse(t, o.trySweep(), ErrIllegalMove)
	o.take(asCleo, "accept", "go on")
	if clockOf(t, o.File, "qa_review").Phase() != PhaseRunning || !StillTrue(JobAssign, o.File, o.last(EventSubmissionAccepted)) || StillTrue(JobTakenAway, o.File, cause) {
		t.Error("accepted, but the clock rests, or nobody is to be found, or the leads are still told")
	}
	o.take(Desk, "assign", "")
	if o.Case.Holder == ana || o.Case.Holder == 0 || sheetOf(o, "B1") != "8.00/10.00 > 3.50/10.00" {
		t.Errorf("held by %d, B1 %s", o.Case.Holder, sheetOf(o, "B1"))
	}
	if !StillTrue(JobTellFormer, o.File, cause) {
		t.Error("given to another before the letter left, and the former holder is not told")
	}
}

// TestUnassign_WhoLeft, and whose conflict is over.
func TestUnassign_WhoLeft(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.Conflicts = []Conflict{{ReviewerID: ana, Span: Span{From: day(t, "2026-01-01"), To: day(t, "2026-03-24")}}, {ReviewerID: ben, Span: Span{From: day(t, "2026-01-01")}}}
	mustRefuse(t, o.trySweep(), ErrIllegalMove)
	o.Roster[0].Active = false
	o.takeFrom()
	if why := o.fact(EventAuditUnassigned, "why"); why != "is not active" || o.Case.Holder != 0 {
		t.Errorf("who left: %q, held by %d", why, o.Case.Holder)
	}
	request := requestIn(t, StateInReview)
	request.Conflicts = since(t, "2026-03-25")
	request.takeFrom()
	if request.Case.State != StateReceived || request.Case.Holder != 0 || clockOf(t, request.File, "request_review").Phase() != PhaseRunning {
		t.Errorf("a request: %s, held by %d", request.Case.State, request.Case.Holder)
	}
	mustRefuse(t, request.try(asAna, "take", ""), ErrConflict)
	request.take(asBen, "take", "")
	queried := requestIn(t, StateQueried)
	queried.Conflicts = since(t, "2026-03-25")
	mustRefuse(t, queried.trySweep(), ErrIllegalMove, "queried")
	if queried.Case.Holder != ana {
		t.Error("refused, but nobody holds it")
	}
}

// TestUnassign_InRevision: the company goes on revising; what it hands in waits for
// the lead, or for a reviewer when the lead has accepted already.
func TestUnassign_InRevision(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		o := auditIn(t, StateRevision)
		o.Conflicts = since(t, "2026-03-25")
		o.takeFrom()
		if o.Case.State != StateRevision || o.Case.Holder != 0 || !o.Audit.Waiting || o.Audit.Question == "" {
			t.Fatalf("in revision: %s, held by %d, waiting %t", o.Case.State, o.Case.Holder, o.Audit.Waiting)
		}
		if accepted {
			o.take(asCleo, "accept", "go on")
			if clockOf(t, o.File, "qa_review").Phase() != PhasePaused {
				t.Error("the company's time is charged to the office")
			}
		}
		o.submit(passing)
		if o.Case.State != StateSubmitted || o.Audit.Waiting == accepted || o.Audit.Round != 2 || !o.saw(EventRevisionQueued) {
			t.Errorf("accepted %t: the revision is %s, waiting %t, round %d", accepted, o.Case.State, o.Audit.Waiting, o.Audit.Round)
		}
		if phase := o.phase(PolicyRevision); phase != PhaseFinished {
			t.Errorf("accepted %t: the company's clock is %s", accepted, phase)
		}
		if running := clockOf(t, o.File, "qa_review").Phase() == PhaseRunning; running != accepted {
			t.Errorf("accepted %t: the review's clock runs %t", accepted, running)
		}
		if !accepted {
			o.take(asCleo, "accept", "go on")
		}
		o.take(Desk, "assign", "")
		if o.Case.Holder == ana || clockOf(t, o.File, "qa_review").Phase() != PhaseRunning {
			t.Errorf("held by %d", o.Case.Holder)
		}
	}
}

// TestUnassign_EveryState: in no state does the sweep do anything half.
func TestUnassign_EveryState(t *testing.T) {
	for _, kind := range []Subject{SubjectRequest, SubjectAudit} {
		for _, state := range States(kind) {
			o := caseIn(t, kind, state)
			o.Roster[0].Active, o.Roster[2].Active = false, false
			held := o.Case.Holder
			err := o.trySweep()
			switch {
			case err != nil && (o.Case.Holder != held || o.Case.State != state):
				t.Errorf("%s %s: refused (%v), but held by %d in %s", kind, state, err, o.Case.Holder, o.Case.State)
			case err == nil && o.Case.Holder != 0:
				t.Errorf("%s %s: swept, but held by %d", kind, state, o.Case.Holder)
			case err == nil && !slices.Contains([]State{StateInReview, StateInQA, StateRevision}, state):
				t.Errorf("%s %s: swept", kind, state)
			}
		}
	}
}

// TestCover: a revision that comes in while its reviewer is away goes to who stands
// in when able, and else stays, and the leads are told.
func TestCover(t *testing.T) {
	leave := func(standIn int64, to string) []Leave {
		l := Leave{Span: Span{From: day(t, "2026-03-20")}, StandIn: standIn}
		if to != "" {
			l.To = day(t, to)
		}
		return []Leave{l}
	}
	tests := []struct {
		situation string
		leave     []Leave
		change    func(*office)
		holder    int64
		why       string
	}{
		{"not away", nil, nil, ana, ""},
		{"back since yesterday", leave(ben, "2026-03-24"), nil, ana, ""},
		{"somebody stands in", leave(ben, "2026-04-05"), nil, ben, "stand-in for its reviewer, who is away until 5 April 2026"},
		{"nobody knows until when", leave(ben, ""), nil, ben, "stand-in for its reviewer, who is away"},
		{"nobody stands in", leave(0, ""), nil, ana, "nobody stands in"},
		{"who has left stands in", leave(eve, ""), nil, ana, "the stand-in is not active"},
		{"the stand-in is full", leave(ben, ""), func(o *office) { o.Roster[1].Load = 4 * FullEffort }, ana, "the stand-in is full: holds 4 of 4"},
		{"the stand-in is away", leave(ben, ""), func(o *office) { o.Roster[1].Away = leave(0, "") }, ana, "the stand-in is away"},
		{"the stand-in is in conflict", leave(ben, ""), func(o *office) {
			o.Conflicts = []Conflict{{ReviewerID: ben, Span: Span{From: day(t, "2026-01-01")}}}
		}, ana, "the stand-in has a conflict of interest"},
		{"the stand-in judged before", leave(ben, ""), func(o *office) { o.Audit.Judges = []int64{ben, ana} }, ana, "the stand-in reviewed it before"},
	}
	for _, tt := range tests {
		o := auditIn(t, StateRevision)
		o.Roster[0].Away = tt.leave
		if tt.change != nil {
			tt.change(o)
		}
		o.submit(passing)
		received := o.last(EventRevisionReceived)
		if away := o.holderAway(); StillTrue(JobCover, o.File, received) != away {
			t.Errorf("%s: away %t, and the job to cover is the other way round", tt.situation, away)
		}
		o.cover()
		if o.Case.Holder != tt.holder || o.Case.State != StateInQA {
			t.Errorf("%s: held by %d in %s, want %d", tt.situation, o.Case.Holder, o.Case.State, tt.holder)
		}
		switch {
		case tt.why == "" && len(o.Events()) > 0:
			t.Errorf("%s: %v", tt.situation, o.happened())
		case tt.holder == ben && (o.fact(EventAuditAssigned, "why") != tt.why || o.fact(EventAuditAssigned, "from") != "1" || StillTrue(JobTellReviewer, o.File, received)):
			t.Errorf("%s: assigned because it %q, or the one who is away is told", tt.situation, o.fact(EventAuditAssigned, "why"))
		case tt.holder == ana && tt.why != "" && (o.fact(EventRevisionUncovered, "why") != tt.why || !StillTrue(JobEscalate, o.File, o.last(EventRevisionUncovered))):
			t.Errorf("%s: uncovered because %q", tt.situation, o.fact(EventRevisionUncovered, "why"))
		}
	}
}

// TestTellFormer: who held a case is told once somebody else does, and not when it
// came back or is closed before the letter leaves.
func TestTellFormer(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asCleo, "assign", "Ana is ill", "reviewer=2")
	cause := o.last(EventAuditAssigned)
	if !StillTrue(JobTellFormer, o.File, cause) {
		t.Error("Ana is not told")
	}
	o.take(asCleo, "assign", "Ana is back", "reviewer=1")
	if StillTrue(JobTellFormer, o.File, cause) {
		t.Error("Ana is told of what is hers again")
	}
	if !StillTrue(JobTellFormer, o.File, o.last(EventAuditAssigned)) {
		t.Error("Ben is not told")
	}
	o.take(asAna, "withdraw", "sold")
	if StillTrue(JobTellFormer, o.File, o.last(EventAuditAssigned)) {
		t.Error("Ben is told of a closed case")
	}
	first := auditIn(t, StateInQA)
	if StillTrue(JobTellFormer, first.File, first.last(EventAuditAssigned)) {
		t.Error("nobody held it before, and somebody is told")
	}
}

// TestUnassign_KeepsNobodyOut: whose audit was taken for a conflict may have it again
// when that has ended, and so may who comes back to the desk.
func TestUnassign_KeepsNobodyOut(t *testing.T) {
	for _, state := range []State{StateInQA, StateRevision} {
		o := auditIn(t, state)
		o.Roster[1].Capacity, o.Roster[2].Capacity = 0, 0 // Ana alone has room
		o.Conflicts = []Conflict{{ReviewerID: ana, Span: Span{From: day(t, "2026-01-01")}}}
		o.takeFrom()
		if state == StateRevision {
			o.submit(passing)
		}
		o.take(asCleo, "accept", "looked at")
		mustRefuse(t, o.try(Desk, "assign", ""), ErrNoReviewer, "Ana has a conflict of interest")
		o.Conflicts = nil
		o.take(Desk, "assign", "")
		if o.Case.Holder != ana {
			t.Errorf("%s: held by %d", state, o.Case.Holder)
		}
	}
}

// TestNeed_ExpiryNotOnFile: who was certified before and whose expiry nobody entered
// does not pass for a newcomer without a word.
func TestNeed_ExpiryNotOnFile(t *testing.T) {
	tests := []struct {
		purpose Purpose
		expires Date
		want    string
	}{
		{PurposeCertification, Date{}, "; no certificate"},
		{PurposeRecertification, Date{}, "; expiry of its certificate not on file"},
		{PurposeMaintenance, Date{}, "; expiry of its certificate not on file"},
		{PurposeRecertification, day(t, "2020-01-01"), "; no certificate"}, // it lapsed long ago
	}
	for _, tt := range tests {
		o := auditIn(t, StateSubmitted)
		o.Audit.Purpose, o.Held.ExpiresOn = tt.purpose, tt.expires
		if got := o.Urgency(); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s, %s: %s", tt.purpose, tt.expires, got)
		}
	}
}

// TestAssign_DatedBack: dating a step back is no way around a leave or a conflict of
// today, and today is none around one of that day.
func TestAssign_DatedBack(t *testing.T) {
	for situation, change := range map[string]func(*office){
		"on leave today": func(o *office) { o.Roster[0].Away = []Leave{{Span: Span{From: day(t, "2026-03-27")}}} },
		"on leave that day": func(o *office) {
			o.Roster[0].Away = []Leave{{Span: Span{From: day(t, "2026-03-25"), To: day(t, "2026-03-26")}}}
		},
		"in conflict today":   func(o *office) { o.Conflicts = since(t, "2026-03-27") },
		"in conflict by then": func(o *office) { o.Conflicts = since(t, "2026-03-25") },
	} {
		o := auditIn(t, StateSubmitted)
		o.clock = wall(t, "2026-03-27 09:00")
		change(o)
		err := o.tryAt(Act{By: asCleo, Reason: "given on Thursday", HappenedAt: wall(t, "2026-03-26 09:00")}, "assign")
		if err != nil || o.Case.Holder == ana || o.Case.Holder == 0 {
			t.Errorf("%s: %v, held by %d", situation, err, o.Case.Holder)
		}
	}
}

// TestHandBack_StillWaits: what a lead has to accept is not settled by handing the
// audit back.
func TestHandBack_StillWaits(t *testing.T) {
	o := auditMarked(t, StateInQA, "")
	s := o.submission(passing)
	s.Headcount = 11
	if err := o.trySubmit(s); err != nil || !o.Audit.Waiting {
		t.Fatalf("marks that follow with 11 people: %v, waiting %t", err, o.Audit.Waiting)
	}
	o.take(asAna, "release", "ill")
	if !o.Audit.Waiting {
		t.Error("handed back, and nobody has to accept it any more")
	}
	mustRefuse(t, o.try(Desk, "assign", ""), ErrGuard, "a lead accepts the submission first")
}

// TestAssign_NamedAway: a person may name somebody who is away, and it is said.
func TestAssign_NamedAway(t *testing.T) {
	o := auditIn(t, StateSubmitted)
	o.Roster[0].Away = []Leave{{Span: Span{From: day(t, "2026-03-20"), To: day(t, "2026-04-05")}}}
	o.take(asCleo, "assign", "back on Monday", "reviewer=1")
	if why := o.fact(EventAuditAssigned, "why"); why != "named by a person, while away until 5 April 2026" {
		t.Errorf("assigned: %q", why)
	}
}
