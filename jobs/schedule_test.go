package jobs

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"secordesk/store/promise"
)

// planned is a schedule in UTC and what is kept of it.
func planned(t *rapid.T) (*plan, promise.Schedule) {
	s := Schedule{Name: "count", Does: "count", Kind: "desk:count",
		Spec:    rapid.SampledFrom([]string{"* * * * *", "*/7 * * * *", "@hourly", "@daily", "13 5,17 * * 1", "@every 90s"}).Draw(t, "spec"),
		Misfire: rapid.SampledFrom([]Misfire{Latest, All, Skip}).Draw(t, "misfire"),
		Most:    rapid.IntRange(0, 5).Draw(t, "most"),
	}
	p, err := s.plan(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	settled := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 3600).Draw(t, "settled")) * time.Second)
	return p, promise.Schedule{Name: s.Name, Spec: s.Spec, Settled: settled}
}

// all returns every tick after one time and up to another.
func all(p *plan, after, to time.Time) []time.Time {
	var ticks []time.Time
	for at := p.table.Next(after); !at.After(to); at = p.table.Next(at) {
		ticks = append(ticks, at)
	}
	return ticks
}

// Whatever was missed: what is recorded are ticks that were due and not settled,
// as many as the policy says, the newest of them; and nothing is owed afterwards.
func TestOwed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, kept := planned(t)
		now := kept.Settled.Add(time.Duration(rapid.IntRange(-3600, 2*24*3600).Draw(t, "away")) * time.Second)
		grace := time.Duration(rapid.IntRange(1, 3600).Draw(t, "prompt")) * time.Second
		due := all(p, kept.Settled, now)
		want := due
		switch p.Misfire {
		case Latest:
			want = due[max(0, len(due)-1):]
		case All:
			want = due[max(0, len(due)-p.Most):]
		case Skip:
			want = slices.DeleteFunc(slices.Clone(due), func(at time.Time) bool { return at.Before(now.Add(-grace)) })
		}
		settled := kept.Settled
		if len(due) > 0 {
			settled = due[len(due)-1]
		}
		o := p.owed(kept, now, grace)
		if !slices.Equal(o.ticks, want) || o.passed != len(due)-len(want) || !o.settled.Equal(settled) {
			t.Fatalf("%s, %s: owed %v, %d passed over, settled %s; want %v of %v, settled %s", p.Spec, p.Misfire, o.ticks, o.passed, o.settled, want, due, settled)
		}
		kept.Settled = o.settled
		again := p.owed(kept, now, grace)
		if len(again.ticks) > 0 || again.passed > 0 || !again.settled.Equal(o.settled) {
			t.Fatalf("asked again: %+v", again)
		}
	})
}

// All is bounded also for a schedule that names no bound.
func TestOwed_Bound(t *testing.T) {
	p, err := Schedule{Name: "count", Does: "count", Spec: "* * * * *", Misfire: All}.plan(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)
	for minutes, want := range map[int]int{99: 99, 100: 100, 101: 100, 1000: 100} {
		now := begin.Add(time.Duration(minutes) * time.Minute)
		o := p.owed(promise.Schedule{Spec: p.Spec, Settled: begin}, now, time.Minute)
		if len(o.ticks) != want || o.passed != minutes-want || !o.ticks[len(o.ticks)-1].Equal(now) {
			t.Errorf("%d minutes away: %d ticks to %s, %d passed over", minutes, len(o.ticks), o.ticks[len(o.ticks)-1], o.passed)
		}
	}
}

// However often a clock turns, what was not missed is recorded whole under every
// policy, and in any number of turns as in one under All.
func TestOwed_InTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, kept := planned(t)
		begin, now := kept.Settled, kept.Settled
		var got []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "turns") {
			now = now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "turn")) * time.Second)
			o := p.owed(kept, now, time.Minute)
			got = append(got, o.ticks...)
			kept.Settled = o.settled
		}
		if want := all(p, begin, now); !slices.Equal(got, want) {
			t.Fatalf("%s, %s: %v, want %v", p.Spec, p.Misfire, got, want)
		}
	})
}

// Another spec in force says what was due until now; from now on this one counts.
func TestOwed_Changed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, kept := planned(t)
		old, _ := planned(t)
		kept.Spec = old.Spec
		now := kept.Settled.Add(time.Duration(rapid.IntRange(0, 24*3600).Draw(t, "away")) * time.Second)
		o := p.owed(kept, now, time.Hour)
		due := all(old, kept.Settled, now)
		for _, at := range o.ticks {
			if !slices.Contains(due, at) {
				t.Fatalf("%s is recorded, and %s was in force", at, kept.Spec)
			}
		}
		if len(due) != len(o.ticks)+o.passed {
			t.Fatalf("%d ticks were due, %d are recorded and %d passed over", len(due), len(o.ticks), o.passed)
		}
		if old.Spec != p.Spec && !o.settled.Equal(now) {
			t.Fatalf("settled until %s, and it is %s", o.settled, now)
		}
	})
}

// A clock that goes by a minutely schedule is not held up by a year without one.
func BenchmarkOwed_Year(b *testing.B) {
	p, err := Schedule{Name: "count", Does: "count", Spec: "* * * * *", Misfire: All}.plan(time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		o := p.owed(promise.Schedule{Spec: "* * * * *", Settled: begin}, begin.AddDate(1, 0, 0), time.Minute)
		if len(o.ticks) != mostMissed {
			b.Fatal(len(o.ticks))
		}
	}
}
