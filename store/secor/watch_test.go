package secor

import "testing"

// TestActsForHolder: a warning goes to somebody who is there.
func TestActsForHolder(t *testing.T) {
	always := Span{From: Date{2020, 1, 1}}
	foes := []Conflict{{ReviewerID: ben, Span: always}}
	tests := []struct {
		situation string
		change    func(roster []Reviewer)
		want      int64
	}{
		{"at work", func([]Reviewer) {}, ana},
		{"left the desk", func(r []Reviewer) { r[0].Active = false }, 0},
		{"on leave", func(r []Reviewer) { r[0].Away = []Leave{{Span: always}} }, 0},
		{"on leave, with a stand-in", func(r []Reviewer) { r[0].Away = []Leave{{Span: always, StandIn: ben}} }, ben},
		{"on leave, as is the stand-in", func(r []Reviewer) {
			r[0].Away, r[1].Away = []Leave{{Span: always, StandIn: ben}}, []Leave{{Span: always}}
		}, 0},
		{"on leave, and the stand-in left", func(r []Reviewer) { r[0].Away, r[1].Active = []Leave{{Span: always, StandIn: ben}}, false }, 0},
	}
	for _, tt := range tests {
		o := lateRequest(t)
		tt.change(o.Roster)
		if got := o.ActsForHolder(); got != tt.want {
			t.Errorf("%s: %d acts, want %d", tt.situation, got, tt.want)
		}
	}
	o := lateRequest(t)
	o.Roster[0].Away, o.Conflicts = []Leave{{Span: always, StandIn: ben}}, foes
	if got := o.ActsForHolder(); got != 0 {
		t.Errorf("the stand-in is in conflict, but %d acts", got)
	}
	if got := newOffice(t, SubjectRequest).ActsForHolder(); got != 0 {
		t.Errorf("nobody holds it, but %d acts", got)
	}
}
