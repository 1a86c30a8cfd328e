package secor

import "testing"

// rulingOf is the last event of a kind as the sweep finds it.
func (o *office) rulingOf(kind EventKind) Ruling {
	e := o.last(kind)
	return Ruling{CaseID: o.Case.ID, Seq: e.Seq, Kind: kind, Reviewer: e.By.ID, On: DateOf(e.HappenedAt, o.Programme.Calendars[o.Programme.Office].Zone)}
}

func (o *office) contest(r Ruling) error {
	return o.act(Act{By: Desk}, func() error { return o.Contest(r) })
}

// contestedFail is a fail that Ana confirmed, of whose conflict is heard later.
func contestedFail(t *testing.T) *office {
	t.Helper()
	o := auditMarked(t, StateInQA, failing)
	o.take(asAna, "confirm", "")
	r := o.rulingOf(EventAuditFailed)
	o.Conflicts = []Conflict{{ReviewerID: ana, Span: Span{From: r.On, To: r.On}}}
	err := o.contest(r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestContest: a ruling is contested by a conflict that covers its day, as long as it
// stands. Nothing is undone by it.
func TestContest(t *testing.T) {
	o := contestedFail(t)
	if o.Case.State != StateQAComplete || o.Audit.Result != VerdictFail || o.fact(EventRulingContested, "kind") != "audit.failed" || o.fact(EventRulingContested, "reviewer") != "1" {
		t.Errorf("%s, %s, %v", o.Case.State, o.Audit.Result, o.last(EventRulingContested).Facts)
	}
	r := o.rulingOf(EventAuditFailed)
	o.Conflicts[0].Span = Span{From: r.On.AddDays(1)}
	mustRefuse(t, o.contest(r), ErrIllegalMove, "no ruling by somebody in conflict")
	o.Conflicts[0].Span = Span{From: r.On, To: r.On}
	other := r
	other.Reviewer = ben
	mustRefuse(t, o.contest(other), ErrIllegalMove)
	other = r
	other.Kind = EventMarkChanged
	mustRefuse(t, o.contest(other), ErrIllegalMove)
	o.take(asCleo, "appeal", "in conflict", "reviewer=2")
	mustRefuse(t, o.contest(r), ErrIllegalMove)
	o.take(asBen, "confirm", "")
	mustRefuse(t, o.contest(r), ErrIllegalMove)
	if StillTrue(JobEscalate, o.File, o.last(EventRulingContested)) {
		t.Error("a ruling of before the appeal is still contested")
	}
}
