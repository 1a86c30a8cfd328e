package secor

import "testing"

func TestEffort_String(t *testing.T) {
	for effort, want := range map[Effort]string{0: "0", FullEffort: "1", 25_000: "2.5", 3_750: "0.375", 1: "0.0001", 10 * FullEffort: "10"} {
		if got := effort.String(); got != want {
			t.Errorf("%d = %q, want %q", int64(effort), got, want)
		}
	}
}

func TestAssignmentRule_Effort(t *testing.T) {
	rule := AssignmentRule{Percent: map[Purpose]int{PurposeCertification: 100, PurposeMaintenance: 75}, InRevision: 50}
	tests := []struct {
		purpose Purpose
		state   State
		want    string
	}{
		{PurposeCertification, StateInQA, "1"}, {PurposeCertification, StateRevision, "0.5"},
		{PurposeMaintenance, StateInQA, "0.75"}, {PurposeMaintenance, StateRevision, "0.375"},
		{PurposeRecertification, StateRevision, "1"}, // not named: in full
	}
	for _, tt := range tests {
		if got := rule.Effort(tt.purpose, tt.state).String(); got != tt.want {
			t.Errorf("%s in %s weighs %s, want %s", tt.purpose, tt.state, got, tt.want)
		}
	}
}

func TestReviewer_LeaveOn(t *testing.T) {
	span := func(from, to string) Span {
		s := Span{From: day(t, from)}
		if to != "" {
			s.To = day(t, to)
		}
		return s
	}
	r := Reviewer{Away: []Leave{{Span: span("2026-03-01", "2026-03-10"), StandIn: 2}, {Span: span("2026-03-05", "2026-03-20"), StandIn: 3},
		{Span: span("2026-03-18", ""), StandIn: 4}, {Span: span("2026-03-19", "2026-03-21"), StandIn: 5}}}
	tests := []struct {
		on      string
		standIn int64
		away    bool
	}{
		{"2026-02-28", 0, false}, {"2026-03-01", 2, true}, {"2026-03-10", 3, true}, {"2026-03-20", 4, true}, {"2027-01-01", 4, true},
	}
	for _, tt := range tests {
		l, away := r.LeaveOn(day(t, tt.on))
		if l.StandIn != tt.standIn || away != tt.away || r.AwayOn(day(t, tt.on)) != tt.away {
			t.Errorf("on %s: stand-in %d, away %t; want %d, %t", tt.on, l.StandIn, away, tt.standIn, tt.away)
		}
	}
}
