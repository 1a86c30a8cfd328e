package secor

import (
	"slices"
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
	if o.Case.Holder == ana || o.fact(EventAuditAssigned, "not_1") != "handed it back" {
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
