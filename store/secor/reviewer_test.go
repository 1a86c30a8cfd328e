package secor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPickReviewer(t *testing.T) {
	today := day(t, "2026-03-25")
	earlier, later := wall(t, "2026-03-01 09:00"), wall(t, "2026-03-20 09:00")
	person := func(id int64, load, capacity int) Reviewer {
		return Reviewer{ID: id, Name: string(rune('A'-1+id)) + ".", Active: true, Load: load, Capacity: capacity, LastAssigned: earlier}
	}
	with := func(r Reviewer, change func(*Reviewer)) Reviewer {
		change(&r)
		return r
	}
	away := func(from, to string) func(*Reviewer) {
		return func(r *Reviewer) { r.Away = []Span{{From: day(t, from), To: day(t, to)}} }
	}
	tests := []struct {
		situation string
		roster    []Reviewer
		want      int64
		reason    string
	}{
		{"the least load", []Reviewer{person(1, 2, 4), person(2, 1, 4)}, 2, "least load: 1 of 4"},
		{"load in proportion to capacity", []Reviewer{person(1, 1, 2), person(2, 3, 8)}, 2, "least load: 3 of 8"},
		{"the same share, the longest wait", []Reviewer{with(person(1, 1, 2), func(r *Reviewer) { r.LastAssigned = later }), person(2, 2, 4)}, 2, ""},
		{"never assigned comes first", []Reviewer{person(1, 0, 4), with(person(2, 0, 4), func(r *Reviewer) { r.LastAssigned = time.Time{} })}, 2, ""},
		{"all the same, the lowest id", []Reviewer{person(3, 0, 4), person(2, 0, 4)}, 2, ""},
		{"full", []Reviewer{person(1, 4, 4), person(2, 7, 8)}, 2, ""},
		{"no capacity", []Reviewer{person(1, 0, 0), person(2, 3, 4)}, 2, ""},
		{"not active", []Reviewer{with(person(1, 0, 4), func(r *Reviewer) { r.Active = false }), person(2, 3, 4)}, 2, ""},
		{"the last day of a leave", []Reviewer{with(person(1, 0, 4), away("2026-03-20", "2026-03-25")), person(2, 3, 4)}, 2, ""},
		{"the day after a leave", []Reviewer{with(person(1, 0, 4), away("2026-03-20", "2026-03-24")), person(2, 3, 4)}, 1, ""},
		{"the day before a leave", []Reviewer{with(person(1, 0, 4), away("2026-03-26", "2026-03-30")), person(2, 3, 4)}, 1, ""},
		{"who judged before", []Reviewer{person(9, 0, 4), person(2, 3, 4)}, 2, ""},
		{"in conflict", []Reviewer{person(8, 0, 4), person(2, 3, 4)}, 2, ""},
	}
	conflicts := []Conflict{{ReviewerID: 8, Span: Span{From: today}}}
	for _, tt := range tests {
		pick, err := PickReviewer(tt.roster, conflicts, today, 9)
		if err != nil || pick.Reviewer.ID != tt.want || tt.reason != "" && pick.Reason != tt.reason || len(pick.Rejected) != len(tt.roster)-1 {
			t.Errorf("%s: picked %d (%s), %v; want %d", tt.situation, pick.Reviewer.ID, pick.Reason, err, tt.want)
		}
	}
}

func TestPickReviewer_NobodyIsLeft(t *testing.T) {
	today := day(t, "2026-03-25")
	roster := []Reviewer{
		{ID: 1, Name: "Ana", Active: true, Capacity: 2, Load: 2}, {ID: 2, Name: "Ben", Capacity: 2},
		{ID: 3, Name: "Cleo", Active: true, Capacity: 2, Away: []Span{{From: today}}}, {ID: 4, Name: "Dan", Active: true, Capacity: 2},
		{ID: 5, Name: "Eve", Active: true, Capacity: 2},
	}
	_, err := PickReviewer(roster, []Conflict{{ReviewerID: 5, Span: Span{From: today}}}, today, 4)
	mustRefuse(t, err, ErrNotFound, "Ana is full: holds 2 of 2, Ben is not active, Cleo is away, Dan reviewed it before, Eve has a conflict of interest", "assign it by hand")
	_, err = PickReviewer(nil, nil, today, 0)
	mustRefuse(t, err, ErrNotFound, "nobody is on the roster")
}

func TestPickReviewer_OrderOfTheRosterIsNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var roster []Reviewer
		for id := range int64(rapid.IntRange(1, 6).Draw(rt, "people")) {
			roster = append(roster, Reviewer{ID: id + 1, Active: rapid.Bool().Draw(rt, "active"), Capacity: rapid.IntRange(0, 4).Draw(rt, "capacity"),
				Load: rapid.IntRange(0, 4).Draw(rt, "load"), LastAssigned: time.Unix(rapid.Int64Range(0, 2).Draw(rt, "last"), 0)})
		}
		today := Date{2026, 3, 25}
		pick, err := PickReviewer(roster, nil, today, 1)
		again, err2 := PickReviewer(rapid.Permutation(roster).Draw(rt, "order"), nil, today, 1)
		if (err == nil) != (err2 == nil) || !cmp.Equal(pick, again) {
			rt.Fatalf("%v (%v) and %v (%v)", pick, err, again, err2)
		}
		if err == nil && (pick.Reviewer.ID == 1 || !pick.Reviewer.Active || pick.Reviewer.Load >= pick.Reviewer.Capacity) {
			rt.Fatalf("picked %+v", pick.Reviewer)
		}
	})
}
