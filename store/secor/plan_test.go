package secor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var planDay = Date{2026, time.March, 25}

// waits returns a need that was submitted so many days before the day of the plans.
func waits(id CaseID, days int) Need {
	submitted := planDay.AddDays(-days)
	return Need{CaseID: id, Submitted: submitted, Since: submitted.Start(time.UTC).Add(9 * time.Hour), Horizon: 90}
}

func expiring(n Need, inDays int) Need {
	n.Expires = planDay.AddDays(inDays)
	return n
}

func person(id int64, held, capacity int) Reviewer {
	return Reviewer{ID: id, Name: string(rune('A'-1+id)) + ".", Role: RoleReviewer, Active: true, Capacity: capacity,
		Held: held, Load: Effort(held) * FullEffort, LastAssigned: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
}

func changed[T any](of T, change func(*T)) T {
	change(&of)
	return of
}

func awayFrom(from, to int) func(*Reviewer) {
	return func(r *Reviewer) {
		r.Away = []Leave{{Span: Span{From: planDay.AddDays(from), To: planDay.AddDays(to)}}}
	}
}

func inConflictWith(ids ...int64) func(*Need) {
	return func(n *Need) {
		for _, id := range ids {
			n.Conflicts = append(n.Conflicts, Conflict{ReviewerID: id, Span: Span{From: planDay}})
		}
	}
}

func TestNeed_Order(t *testing.T) {
	needs := []Need{ // in the order in which they come first
		expiring(waits(9, 0), -200),
		expiring(waits(1, 2), -1),
		expiring(waits(2, 0), 0),
		expiring(waits(3, 0), 20),
		expiring(waits(8, 30), 60), // as waits 4 and 5, but younger than neither…
		waits(4, 30),               // falls due in 60 days, as if its certificate expired then
		expiring(waits(5, 29), 400),
		waits(6, 1),
		expiring(waits(7, 0), 91),
	}
	got := inOrder(append(slices.Clone(needs[4:]), needs[:4]...), planDay)
	var want, have []CaseID
	for i := range needs {
		want, have = append(want, needs[i].CaseID), append(have, got[i].CaseID)
	}
	want[4], want[5] = 4, 8 // the same day and the same submission: by case
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("order of need (-want +got)\n%s", diff)
	}
}

func TestNeed_Why(t *testing.T) {
	for want, n := range map[string]Need{
		"certificate expired on 24 March 2026":                                waits(1, 1).expires("2026-03-24"),
		"certificate expires on 25 March 2026":                                waits(1, 1).expires("2026-03-25"),
		"submitted on 24 March 2026; certificate good until 25 December 2026": waits(1, 1).expires("2026-12-25"),
		"submitted on 24 March 2026; no certificate":                          waits(1, 1),
	} {
		if got := n.Why(planDay); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func (n Need) expires(text string) Need {
	n.Expires, _ = ParseDate(text)
	return n
}

func TestPlan_One(t *testing.T) {
	later := time.Date(2026, 3, 20, 9, 0, 0, 0, time.UTC)
	need := changed(waits(14, 3), inConflictWith(8))
	need.Judges, need.Avoid = []int64{10, 9}, 7
	tests := []struct {
		situation string
		roster    []Reviewer
		want      int64
		reason    string
	}{
		{"the least load", []Reviewer{person(1, 2, 4), person(2, 1, 4)}, 2, "least load: 1 of 4"},
		{"load in proportion to capacity", []Reviewer{person(1, 1, 2), person(2, 3, 8)}, 2, "least load: 3 of 8"},
		{"weighted load, not the number held", []Reviewer{changed(person(1, 3, 4), func(r *Reviewer) { r.Load = 15_000 }), person(2, 2, 4)}, 1, "least load: 1.5 of 4"},
		{"the same share, the longest wait", []Reviewer{changed(person(1, 1, 2), func(r *Reviewer) { r.LastAssigned = later }), person(2, 2, 4)}, 2, ""},
		{"never assigned comes first", []Reviewer{person(1, 0, 4), changed(person(2, 0, 4), func(r *Reviewer) { r.LastAssigned = time.Time{} })}, 2, ""},
		{"all the same, the lowest id", []Reviewer{person(3, 0, 4), person(2, 0, 4)}, 2, ""},
		{"full", []Reviewer{person(1, 4, 4), person(2, 7, 8)}, 2, ""},
		{"no room for a full audit", []Reviewer{changed(person(1, 0, 1), func(r *Reviewer) { r.Load = 1 }), person(2, 7, 8)}, 2, ""},
		{"no capacity", []Reviewer{person(1, 0, 0), person(2, 3, 4)}, 2, ""},
		{"not active", []Reviewer{changed(person(1, 0, 4), func(r *Reviewer) { r.Active = false }), person(2, 3, 4)}, 2, ""},
		{"no role", []Reviewer{changed(person(1, 0, 4), func(r *Reviewer) { r.Role = RoleCompany }), person(2, 3, 4)}, 2, ""},
		{"the last day of a leave", []Reviewer{changed(person(1, 0, 4), awayFrom(-5, 0)), person(2, 3, 4)}, 2, ""},
		{"the day after a leave", []Reviewer{changed(person(1, 0, 4), awayFrom(-5, -1)), person(2, 3, 4)}, 1, ""},
		{"the day before a leave", []Reviewer{changed(person(1, 0, 4), awayFrom(1, 5)), person(2, 3, 4)}, 1, ""},
		{"who judged before", []Reviewer{person(9, 0, 4), person(2, 3, 4)}, 2, ""},
		{"who judged before that", []Reviewer{person(10, 0, 4), person(2, 3, 4)}, 2, ""},
		{"who handed it back", []Reviewer{person(7, 0, 4), person(2, 3, 4)}, 2, ""},
		{"in conflict", []Reviewer{person(8, 0, 4), person(2, 3, 4)}, 2, ""},
	}
	for _, tt := range tests {
		pick := planOne([]Need{need}, 14, tt.roster, planDay)
		if pick.Reviewer.ID != tt.want || tt.reason != "" && pick.Reason != tt.reason || pick.Rejected[tt.want] != "" {
			t.Errorf("%s: picked %d (%s); want %d", tt.situation, pick.Reviewer.ID, pick.Reason, tt.want)
		}
	}
}

// TestPlan_FormerReviewer: who returned a submission to be done again gets it when
// able, however much they hold, and never otherwise.
func TestPlan_FormerReviewer(t *testing.T) {
	again := waits(14, 0)
	again.Prefer = 2
	roster := []Reviewer{person(1, 0, 4), person(2, 3, 4)}
	if pick := planOne([]Need{again}, 14, roster, planDay); pick.Reviewer.ID != 2 || pick.Reason != "returned it to be done again" {
		t.Errorf("picked %d (%s)", pick.Reviewer.ID, pick.Reason)
	}
	for situation, change := range map[string]func(*Reviewer){
		"full": func(r *Reviewer) { r.Load = 4 * FullEffort }, "away": awayFrom(0, 3), "gone": func(r *Reviewer) { r.Active = false },
	} {
		pick := planOne([]Need{again}, 14, []Reviewer{roster[0], changed(roster[1], change)}, planDay)
		if pick.Reviewer.ID != 1 || pick.Reason != "least load: 0 of 4" {
			t.Errorf("%s: picked %d (%s)", situation, pick.Reviewer.ID, pick.Reason)
		}
	}
}

func TestPlan_NobodyIsLeft(t *testing.T) {
	need := changed(waits(14, 3), inConflictWith(5))
	need.Judges = []int64{4}
	roster := []Reviewer{person(1, 2, 2), changed(person(2, 0, 2), func(r *Reviewer) { r.Active = false }), changed(person(3, 0, 2), awayFrom(0, 9)),
		person(4, 0, 2), person(5, 0, 2), person(6, 1, 2)}
	before := expiring(waits(13, 0), 4)
	pick := planOne([]Need{need, before}, 14, roster, planDay)
	want := map[int64]string{1: "is full: holds 2 of 2", 3: "is away", 4: "reviewed it before", 5: "has a conflict of interest", 6: "holds 1 of 2"}
	if diff := cmp.Diff(want, pick.Rejected); pick.Reviewer.ID != 6 && diff != "" || pick.Stuck {
		t.Errorf("with one left: picked %d, %+v", pick.Reviewer.ID, pick.Rejected)
	}
	roster[3].Load, roster[4].Load = 2*FullEffort, 2*FullEffort // so that 13 needs the one as well
	pick = planOne([]Need{need, before}, 14, roster, planDay)
	want[6] = "is taken by cases before it: 13"
	if diff := cmp.Diff(want, pick.Rejected); pick.Reviewer.ID != 0 || pick.Stuck || diff != "" {
		t.Errorf("with none left: picked %d, stuck %t (-want +got)\n%s", pick.Reviewer.ID, pick.Stuck, diff)
	}
	if want := "A. is full: holds 2 of 2, C. is away, D. reviewed it before, E. has a conflict of interest, F. is taken by cases before it: 13"; pick.sentence() != want {
		t.Errorf("in a sentence: %s", pick.sentence())
	}
	stuck := planOne([]Need{need}, 14, []Reviewer{roster[1], roster[3], roster[4], person(7, 0, 0)}, planDay)
	if !stuck.Stuck || stuck.Reason != "nobody on the roster can take it" {
		t.Errorf("nobody ever: %+v", stuck)
	}
	nobody := planOne([]Need{need}, 14, nil, planDay)
	if !nobody.Stuck || nobody.sentence() != "nobody is on the roster" {
		t.Errorf("an empty roster: %+v", nobody)
	}
}

// drawRoster and drawNeeds draw small desks, in which everything meets everything.
func drawRoster(t *rapid.T) []Reviewer {
	var roster []Reviewer
	for i := range rapid.IntRange(0, 6).Draw(t, "people") {
		roster = append(roster, drawReviewer(t, int64(i+1)))
	}
	return roster
}

func drawReviewer(t *rapid.T, id int64) Reviewer {
	r := Reviewer{ID: id, Role: RoleReviewer, Active: rapid.IntRange(0, 5).Draw(t, "active") > 0, Capacity: rapid.IntRange(0, 4).Draw(t, "capacity"),
		Load: Effort(rapid.IntRange(0, 12).Draw(t, "load")) * 3750, LastAssigned: time.Unix(rapid.Int64Range(0, 2).Draw(t, "last"), 0)}
	if rapid.IntRange(0, 5).Draw(t, "leave") == 0 {
		r.Away = []Leave{{Span: Span{From: planDay.AddDays(rapid.IntRange(-2, 2).Draw(t, "from"))}}}
	}
	return r
}

func drawNeeds(t *rapid.T) []Need {
	var needs []Need
	for i := range rapid.IntRange(0, 12).Draw(t, "waiting") {
		n := waits(CaseID(i+1), rapid.IntRange(0, 3).Draw(t, "days"))
		if rapid.Bool().Draw(t, "certified") {
			n.Expires = planDay.AddDays(rapid.IntRange(-2, 100).Draw(t, "expires"))
		}
		who := rapid.Int64Range(0, 6)
		n.Judges, n.Avoid, n.Prefer = []int64{who.Draw(t, "judge"), who.Draw(t, "second judge")}, who.Draw(t, "avoid"), who.Draw(t, "prefer")
		for range rapid.IntRange(0, 3).Draw(t, "conflicts") {
			n.Conflicts = append(n.Conflicts, Conflict{ReviewerID: who.Draw(t, "of"), Span: Span{From: planDay.AddDays(rapid.IntRange(-1, 1).Draw(t, "since"))}})
		}
		needs = append(needs, n)
	}
	return needs
}

// takers are the reviewers who could take a need, capacity aside.
func takers(n Need, roster []Reviewer) []Reviewer {
	return slices.DeleteFunc(slices.Clone(roster), func(r Reviewer) bool {
		return !r.Active || r.Capacity == 0 || slices.Contains(n.Judges, r.ID) || r.ID == n.Avoid || inConflict(r.ID, n.Conflicts, planDay) || r.AwayOn(planDay)
	})
}

func TestPlan_Properties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		roster, needs := drawRoster(rt), drawNeeds(rt)
		picks := Plan(needs, roster, planDay)
		again := Plan(rapid.Permutation(needs).Draw(rt, "needs"), rapid.Permutation(roster).Draw(rt, "roster"), planDay)
		if diff := cmp.Diff(picks, again); diff != "" || len(picks) != len(needs) {
			rt.Fatalf("the order of the arguments tells:\n%s", diff)
		}
		load := map[int64]Effort{}
		for _, r := range roster {
			load[r.ID] = r.Load
		}
		var missed []Need // of older need, and without a reviewer
		for _, pick := range picks {
			n := needs[slices.IndexFunc(needs, func(n Need) bool { return n.CaseID == pick.CaseID })]
			able := takers(n, roster)
			if one := planOne(needs, n.CaseID, roster, planDay); one.Reviewer.ID != pick.Reviewer.ID || one.Reviewer.ID != 0 && one.Reason != pick.Reason {
				rt.Fatalf("case %d: %d by itself, %d in the plan", n.CaseID, one.Reviewer.ID, pick.Reviewer.ID)
			}
			if pick.Reviewer.ID == 0 {
				missed = append(missed, n)
				continue
			}
			load[pick.Reviewer.ID] += FullEffort
			if !slices.ContainsFunc(able, func(r Reviewer) bool { return r.ID == pick.Reviewer.ID }) {
				rt.Fatalf("case %d goes to %+v, who may not have it", n.CaseID, pick.Reviewer)
			}
			if load[pick.Reviewer.ID] > Effort(pick.Reviewer.Capacity)*FullEffort {
				rt.Fatalf("case %d fills %+v to %s", n.CaseID, pick.Reviewer, load[pick.Reviewer.ID])
			}
			for _, older := range missed {
				if older.Compare(n, planDay) < 0 && slices.ContainsFunc(takers(older, roster), func(r Reviewer) bool { return r.ID == pick.Reviewer.ID }) {
					rt.Fatalf("case %d takes %d from case %d, whose need is older", n.CaseID, pick.Reviewer.ID, older.CaseID)
				}
			}
		}
		more := Plan(needs, append(slices.Clone(roster), drawReviewer(rt, 9)), planDay)
		for i, pick := range picks {
			if pick.Reviewer.ID != 0 && more[i].Reviewer.ID == 0 {
				rt.Fatalf("with one more reviewer case %d waits", pick.CaseID)
			}
		}
	})
}

// TestPlan_Fair gives a thousand audits to a desk that ends one whenever it is
// full: everybody's share is their share of the capacity.
func TestPlan_Fair(t *testing.T) {
	roster := []Reviewer{person(1, 0, 2), person(2, 0, 4), person(3, 0, 8), person(4, 0, 4)}
	got := map[int64]int{}
	var order []int
	for n := range 1000 {
		pick := planOne([]Need{waits(CaseID(n+1), 0)}, CaseID(n+1), roster, planDay)
		if pick.Reviewer.ID == 0 {
			first := order[0]
			order, roster[first].Load = order[1:], roster[first].Load-FullEffort
			pick = planOne([]Need{waits(CaseID(n+1), 0)}, CaseID(n+1), roster, planDay)
		}
		i := int(pick.Reviewer.ID - 1)
		got[pick.Reviewer.ID]++
		order = append(order, i)
		roster[i].Load += FullEffort
		roster[i].LastAssigned = roster[i].LastAssigned.Add(time.Duration(n+1) * time.Minute)
	}
	for _, r := range roster {
		want := 1000 * r.Capacity / 18
		if n := got[r.ID]; n < want-10 || n > want+10 {
			t.Errorf("%d of 1000 went to %d, who has %d of the 18 places; want about %d", n, r.ID, r.Capacity, want)
		}
	}
}

func TestCandidates(t *testing.T) {
	roster := []Reviewer{person(1, 4, 4), person(2, 1, 4), changed(person(3, 0, 4), func(r *Reviewer) { r.LastAssigned = time.Time{} })}
	roster[1].Load = 3_750
	pick := planOne([]Need{changed(waits(14, 0), inConflictWith(3))}, 14, roster, planDay)
	got, err := Candidates(Event{Facts: pick.facts()})
	want := []Candidate{
		{ReviewerID: 2, Chosen: true, Known: true, Held: 1, Load: "0.375", Capacity: 4, LastAssigned: roster[1].LastAssigned},
		{ReviewerID: 1, Why: "is full: holds 4 of 4", Known: true, Held: 4, Load: "4", Capacity: 4, LastAssigned: roster[0].LastAssigned},
		{ReviewerID: 3, Why: "has a conflict of interest", Known: true, Load: "0", Capacity: 4},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("candidates (-want +got), %v\n%s", err, diff)
	}
	old, err := Candidates(Event{Facts: facts{"reviewer": "2", "why": "least load: 0 of 8", "not_3": "holds 2 of 8"}})
	if diff := cmp.Diff([]Candidate{{ReviewerID: 2, Chosen: true}, {ReviewerID: 3, Why: "holds 2 of 8"}}, old); diff != "" || err != nil {
		t.Errorf("of an early release (-want +got), %v\n%s", err, diff)
	}
	for _, text := range []string{"", "held many", "held 1 load 2 capacity 3 last week"} {
		_, err = Candidates(Event{Facts: facts{"seen_2": text}})
		if err == nil {
			t.Errorf("%q is read", text)
		}
	}
	if strings.Contains(fmt.Sprint(pick.facts()), "A.") {
		t.Error("the facts name people")
	}
}

func BenchmarkPlan(b *testing.B) {
	var roster []Reviewer
	for id := range int64(40) {
		roster = append(roster, person(id+1, int(id%5), 8))
	}
	var needs []Need
	for i := range 2000 {
		n := waits(CaseID(i+1), i%40)
		if i%3 == 0 {
			n = expiring(n, i%200-20)
		}
		if i%10 == 0 {
			n = changed(n, inConflictWith(int64(i%40), int64(i%7)))
		}
		needs = append(needs, n)
	}
	b.ReportAllocs()
	for b.Loop() {
		Plan(needs, roster, planDay)
	}
}

// TestNeed_ExpiredFirstOfAll: also before who has waited beyond the horizon.
func TestNeed_ExpiredFirstOfAll(t *testing.T) {
	got := inOrder([]Need{waits(1, 120), expiring(waits(2, 0), -1), expiring(waits(3, 0), 0)}, planDay)
	if got[0].CaseID != 2 || got[1].CaseID != 1 || got[2].CaseID != 3 {
		t.Errorf("in order: %d, %d, %d; want 2, 1, 3", got[0].CaseID, got[1].CaseID, got[2].CaseID)
	}
}
