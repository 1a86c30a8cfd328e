package secor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func deskPolicy(unit Unit, ends Ends, days ...int) Policy {
	p := Policy{Name: "request_review", Party: PartyOffice, Unit: unit, Ends: ends}
	names := []string{"warn", "late", "breach"}[3-len(days):]
	for i, n := range days {
		p.Levels = append(p.Levels, Level{Name: names[i], AfterDays: n})
	}
	return p
}

// escalated adds a level that follows the breach.
func escalated(p Policy, days int) Policy {
	p.Levels = append(p.Levels, Level{Name: "escalate", AfterDays: days, Raises: EventClockEscalated})
	return p
}

// ledger appends lines such as "2025-06-03 09:00 paused company"; each is
// recorded when it happened.
func ledger(t testing.TB, p Policy, lines ...string) Clock {
	t.Helper()
	c := Clock{Policy: p, Cycle: 1, Calendar: "AB"}
	for _, line := range lines {
		words := strings.Fields(line)
		e := ClockEntry{At: wall(t, words[0]+" "+words[1]), Kind: ClockEntryKind(words[2])}
		e.Recorded = e.At
		if e.Kind == ClockPaused {
			e.Party = Party(words[3])
		}
		if e.Kind.marks() {
			e.Level = words[3]
		}
		c = entered(t, c, e)
	}
	return c
}

func entered(t testing.TB, c Clock, e ClockEntry) Clock {
	t.Helper()
	c, err := c.Append(e)
	if err != nil {
		t.Fatalf("append %s at %s: %v", e.Kind, e.At, err)
	}
	return c
}

func TestDue(t *testing.T) {
	business := func(days int) Policy { return deskPolicy(UnitBusiness, EndsEndOfDay, days) }
	calendar := func(days int) Policy { return deskPolicy(UnitCalendar, EndsEndOfDay, days) }
	hours := func(days int) Policy { return deskPolicy(UnitBusiness, EndsInstant, days) }
	moment := func(days int) Policy { return deskPolicy(UnitCalendar, EndsInstant, days) }
	tests := []struct {
		situation string
		policy    Policy
		started   string
		pauses    string // "from > to; …"
		want      string // 00:00 is the midnight that ends the day before
	}{
		// Three business days, as the programme page promises them.
		{"received on Monday at nine", business(3), "2025-06-02 09:00", "", "2025-06-05 16:30"},
		{"received on Monday at midnight", business(3), "2025-06-02 00:00", "", "2025-06-05 16:30"},
		{"received on Monday at 23:59", business(3), "2025-06-02 23:59", "", "2025-06-05 16:30"},
		{"received on Friday after hours", business(3), "2025-06-06 19:00", "", "2025-06-11 16:30"},
		{"received on Saturday", business(3), "2025-06-07 11:00", "", "2025-06-11 16:30"},
		{"received on Sunday at 23:59", business(3), "2025-06-08 23:59", "", "2025-06-11 16:30"},
		{"received a minute later, on Monday", business(3), "2025-06-09 00:00", "", "2025-06-12 16:30"},
		{"Canada Day inside", business(3), "2025-06-27 10:00", "", "2025-07-03 16:30"},
		{"received on Canada Day", business(3), "2025-07-01 12:00", "", "2025-07-04 16:30"},
		{"Good Friday inside, Easter Monday not kept", business(3), "2025-04-16 10:00", "", "2025-04-22 16:30"},
		{"Christmas and Boxing Day moved to Monday and Tuesday", business(3), "2027-12-22 10:00", "", "2027-12-29 16:30"},
		{"over New Year", business(3), "2025-12-30 10:00", "", "2026-01-05 16:30"},
		{"over 29 February", business(3), "2028-02-25 10:00", "", "2028-03-01 16:30"},
		{"clocks go forward inside", business(3), "2025-03-07 16:00", "", "2025-03-12 16:30"},
		{"clocks go back inside", business(3), "2025-10-31 16:00", "", "2025-11-05 16:30"},

		{"paused on the day of the start", business(3), "2025-06-02 09:00", "2025-06-02 10:00 > 2025-06-02 15:00", "2025-06-05 16:30"},
		{"paused from the start into the next morning", business(3), "2025-06-02 09:00", "2025-06-02 09:00 > 2025-06-03 08:30", "2025-06-05 16:30"},
		{"paused for the hours of one day", business(3), "2025-06-02 09:00", "2025-06-03 08:30 > 2025-06-03 16:30", "2025-06-06 16:30"},
		{"paused for one day and a minute", business(3), "2025-06-02 09:00", "2025-06-03 08:30 > 2025-06-04 08:31", "2025-06-09 16:30"},
		{"paused for a minute", business(3), "2025-06-02 09:00", "2025-06-03 08:30 > 2025-06-03 08:31", "2025-06-06 16:30"},
		{"paused overnight", business(3), "2025-06-02 09:00", "2025-06-03 16:30 > 2025-06-04 08:30", "2025-06-05 16:30"},
		{"paused over a weekend", business(3), "2025-06-05 09:00", "2025-06-06 16:30 > 2025-06-09 08:30", "2025-06-10 16:30"},
		{"paused from a closed day into Monday morning", business(3), "2025-06-05 09:00", "2025-06-07 12:00 > 2025-06-09 09:30", "2025-06-11 16:30"},
		{"paused over Canada Day alone", business(3), "2025-06-26 09:00", "2025-06-30 16:30 > 2025-07-02 08:30", "2025-07-02 16:30"},
		{"paused from noon to noon across Canada Day", business(3), "2025-06-26 09:00", "2025-06-30 12:30 > 2025-07-02 12:30", "2025-07-03 16:30"},
		{"two pauses of half a day", business(3), "2025-06-02 09:00", "2025-06-03 08:30 > 2025-06-03 12:30; 2025-06-04 12:30 > 2025-06-04 16:30", "2025-06-06 16:30"},
		{"paused for no time at all", business(3), "2025-06-02 09:00", "2025-06-03 12:00 > 2025-06-03 12:00", "2025-06-05 16:30"},
		{"paused at the close at which it is due", business(3), "2025-06-02 09:00", "2025-06-05 16:30 > 2025-06-09 12:00", "2025-06-05 16:30"},
		{"paused a minute before it", business(3), "2025-06-02 09:00", "2025-06-05 16:29 > 2025-06-09 12:00", "2025-06-09 16:30"},
		{"paused when it was late already", business(3), "2025-06-02 09:00", "2025-06-10 09:00 > 2025-06-12 12:00", "2025-06-05 16:30"},
		// The allowance is used up on Wednesday at 9:30; the promise lasts until its close.
		{"a pause in what the last day gives on top", business(1), "2025-06-02 09:00",
			"2025-06-03 09:00 > 2025-06-03 10:00; 2025-06-04 12:00 > 2025-06-04 13:00", "2025-06-04 16:30"},
		{"a long pause in it: never breached while paused", business(1), "2025-06-02 09:00",
			"2025-06-03 09:00 > 2025-06-03 10:00; 2025-06-04 12:00 > 2025-06-06 12:00", "2025-06-06 16:30"},
		{"one that ends at a close: nor at the moment of resuming", business(1), "2025-06-02 09:00",
			"2025-06-03 09:00 > 2025-06-03 10:00; 2025-06-04 15:30 > 2025-06-05 16:30", "2025-06-06 16:30"},

		// Ten calendar days, from the notice on.
		{"noticed in the afternoon", calendar(10), "2025-06-02 15:00", "", "2025-06-13 00:00"},
		{"noticed at midnight", calendar(10), "2025-06-02 00:00", "", "2025-06-13 00:00"},
		{"clocks go forward within", calendar(10), "2025-03-03 15:00", "", "2025-03-14 00:00"},
		{"over 28 February", calendar(10), "2025-02-25 15:00", "", "2025-03-08 00:00"},
		{"over 29 February, in days", calendar(10), "2028-02-25 15:00", "", "2028-03-07 00:00"},
		{"paused for an hour, in days", calendar(10), "2025-06-02 15:00", "2025-06-07 12:00 > 2025-06-07 13:00", "2025-06-14 00:00"},
		{"paused for 24 hours", calendar(10), "2025-06-02 15:00", "2025-06-07 12:00 > 2025-06-08 12:00", "2025-06-14 00:00"},
		{"paused for the 23 hours of 9 March", calendar(10), "2025-03-03 15:00", "2025-03-09 00:00 > 2025-03-10 00:00", "2025-03-15 00:00"},
		{"paused for the 25 hours of 2 November", calendar(10), "2025-10-29 15:00", "2025-11-02 00:00 > 2025-11-03 00:00", "2025-11-11 00:00"},

		// Policies that end at a moment.
		{"a day's work from Friday at half past three", hours(1), "2025-06-06 15:30", "", "2025-06-09 15:30"},
		{"a day's work from Friday's close", hours(1), "2025-06-06 16:30", "", "2025-06-09 16:30"},
		{"a day's work from Saturday", hours(1), "2025-06-07 12:00", "", "2025-06-09 16:30"},
		{"two days' work with an hour's pause", hours(2), "2025-06-05 09:30", "2025-06-05 12:00 > 2025-06-05 13:00", "2025-06-09 10:30"},
		{"a pause over the weekend costs nothing", hours(2), "2025-06-05 09:30", "2025-06-06 17:00 > 2025-06-09 08:00", "2025-06-09 09:30"},
		{"fourteen days to the minute", moment(14), "2025-06-02 15:04", "", "2025-06-16 15:04"},
		{"to the minute on the wall when clocks go forward", moment(14), "2025-03-03 15:04", "", "2025-03-17 15:04"},
		{"to a minute that the clocks skip", moment(9), "2025-02-28 02:30", "", "2025-03-09 03:00"},
		{"fourteen days and two hours of pause", moment(14), "2025-06-02 15:04", "2025-06-08 23:00 > 2025-06-09 01:00", "2025-06-16 17:04"},

		{"no allowance at all, business", business(0), "2025-06-07 12:00", "", "2025-06-07 12:00"},
		{"no allowance at all, calendar", calendar(0), "2025-06-07 12:00", "2025-06-07 13:00 > 2025-06-09 13:00", "2025-06-07 12:00"},
	}
	for _, tt := range tests {
		lines := []string{tt.started + " started"}
		for pause := range strings.SplitSeq(tt.pauses, "; ") {
			if from, to, ok := strings.Cut(pause, " > "); ok {
				lines = append(lines, from+" paused company", to+" resumed")
			}
		}
		got, ok := ledger(t, tt.policy, lines...).Due(deskCalendar(t))
		if !ok || !got.Equal(wall(t, tt.want)) {
			t.Errorf("%s: Due = %s, %v; want %s", tt.situation, got, ok, tt.want)
		}
	}
}

func TestDue_AroundTheClockOffice(t *testing.T) {
	office := deskCalendar(t)
	office.Opens, office.Closes = 0, 24*time.Hour
	tests := []struct {
		situation, started, pause, want string
	}{
		{"Thursday 23:59", "2025-06-05 23:59", "", "2025-06-07 00:00"},
		{"Friday 00:00", "2025-06-06 00:00", "", "2025-06-10 00:00"},
		{"paused from the midnight that ends the last day", "2025-06-05 12:00", "2025-06-07 00:00", "2025-06-07 00:00"},
		{"paused a minute before", "2025-06-05 12:00", "2025-06-06 23:59", "2025-06-11 00:00"},
	}
	for _, tt := range tests {
		c := ledger(t, deskPolicy(UnitBusiness, EndsEndOfDay, 1), tt.started+" started")
		if tt.pause != "" {
			c = entered(t, c, ClockEntry{Kind: ClockPaused, Party: PartyBody, At: wall(t, tt.pause), Recorded: wall(t, tt.pause)})
			back := wall(t, "2025-06-10 00:00")
			c = entered(t, c, ClockEntry{Kind: ClockResumed, At: back, Recorded: back})
		}
		if got, ok := c.Due(office); !ok || !got.Equal(wall(t, tt.want)) {
			t.Errorf("%s: Due = %s, %v; want %s", tt.situation, got, ok, tt.want)
		}
	}
}

func TestDue_CalendarThatNeverWorks(t *testing.T) {
	office := deskCalendar(t)
	office.Workdays = nil
	for _, ends := range []Ends{EndsInstant, EndsEndOfDay} {
		c := ledger(t, deskPolicy(UnitBusiness, ends, 3), "2025-06-02 09:00 started")
		due, ok := c.Due(office)
		if !ok || due.After(wall(t, "2025-06-03 00:00")) {
			t.Errorf("%s: Due = %s, %v; want it due at once rather than never", ends, due, ok)
		}
	}
}

func TestClock_ThroughItsLife(t *testing.T) {
	office := deskCalendar(t)
	p := deskPolicy(UnitBusiness, EndsEndOfDay, 1, 3)
	steps := []struct {
		line  string
		phase Phase
		party Party
		next  string // level and its instant
		due   string
	}{
		{"2025-06-02 09:00 started", PhaseRunning, PartyOffice, "late 2025-06-03 16:30", "2025-06-05 16:30"},
		{"2025-06-03 16:30 reached late", PhaseRunning, PartyOffice, "breach 2025-06-05 16:30", "2025-06-05 16:30"},
		{"2025-06-04 08:30 paused company", PhasePaused, PartyCompany, "", ""},
		{"2025-06-06 08:30 resumed", PhaseRunning, PartyOffice, "breach 2025-06-09 16:30", "2025-06-09 16:30"},
		{"2025-06-09 16:30 breached breach", PhaseRunning, PartyOffice, "", "2025-06-09 16:30"},
		{"2025-06-10 10:00 paused body", PhasePaused, PartyBody, "", ""},
		{"2025-06-11 10:00 met", PhaseFinished, "", "", ""},
	}
	show := func(at time.Time, ok bool) string {
		if !ok {
			return ""
		}
		return at.Format("2006-01-02 15:04")
	}
	var lines []string
	for _, s := range steps {
		lines = append(lines, s.line)
		c := ledger(t, p, lines...)
		if c.Phase() != s.phase || c.Party() != s.party {
			t.Errorf("%s: %s, time of %q; want %s, time of %q", s.line, c.Phase(), c.Party(), s.phase, s.party)
		}
		if got := show(c.Due(office)); got != s.due {
			t.Errorf("%s: Due = %q, want %q", s.line, got, s.due)
		}
		level, at, ok := c.Next(office)
		next := show(at, ok)
		if ok {
			next = level.Name + " " + next
		}
		if next != s.next {
			t.Errorf("%s: Next = %q, want %q", s.line, next, s.next)
		}
	}
	var unstarted Clock
	if unstarted.Phase() != "" || unstarted.Party() != "" || len(unstarted.Spent(wall(t, "2025-06-02 09:00"))) != 0 {
		t.Errorf("a clock without entries has phase %q, party %q", unstarted.Phase(), unstarted.Party())
	}
}

func TestNext_GoesOnAfterTheBreach(t *testing.T) {
	office := deskCalendar(t)
	p := escalated(deskPolicy(UnitBusiness, EndsEndOfDay, 1, 3), 5)
	started := []string{"2025-06-02 09:00 started"}
	tests := []struct {
		acted string
		next  string
		due   string
	}{
		{"2025-06-03 16:30 reached late", "breach", "2025-06-05 16:30"},
		{"2025-06-05 16:30 breached breach", "escalate", "2025-06-09 16:30"},
		{"2025-06-09 16:30 reached escalate", "", ""},
	}
	for _, tt := range tests {
		c := ledger(t, p, append(started[:1:1], tt.acted)...)
		level, at, ok := c.Next(office)
		if level.Name != tt.next || ok && !at.Equal(wall(t, tt.due)) {
			t.Errorf("%s: Next = %q at %s, want %q at %s", tt.acted, level.Name, at, tt.next, tt.due)
		}
		if due, _ := c.Due(office); !due.Equal(wall(t, "2025-06-05 16:30")) {
			t.Errorf("%s: Due = %s, which is not the breach's", tt.acted, due)
		}
	}
	c := ledger(t, p, started...)
	at := wall(t, "2025-06-09 16:30")
	if _, err := c.Append(ClockEntry{Kind: ClockBreached, Level: "escalate", At: at, Recorded: at}); !errors.Is(err, ErrLedger) {
		t.Errorf("an escalation is breached: %v", err)
	}
	if late := c.Late(office, at); late != 96*time.Hour {
		t.Errorf("late by %s, want the 96 hours since the breach", late)
	}
}

func TestNext_SkipsWhatABreachPassed(t *testing.T) {
	c := ledger(t, deskPolicy(UnitBusiness, EndsEndOfDay, 1, 3, 5), "2025-06-02 09:00 started", "2025-06-05 16:30 reached late")
	level, _, ok := c.Next(deskCalendar(t))
	if !ok || level.Name != "breach" {
		t.Errorf("Next = %q, %v; want the breach: the warning was passed", level.Name, ok)
	}
}

func TestAppend_Refuses(t *testing.T) {
	running := []string{"2025-06-02 09:00 started"}
	paused := append(running[:1:1], "2025-06-03 09:00 paused company")
	resumed := append(paused[:2:2], "2025-06-04 09:00 resumed")
	warned := append(running[:1:1], "2025-06-03 16:30 reached late")
	breached := append(running[:1:1], "2025-06-05 16:30 breached breach")
	met := append(running[:1:1], "2025-06-04 09:00 met")
	tests := []struct {
		situation string
		stands    []string
		entry     string // time, kind, party or level
		says      string
	}{
		{"paused before it started", nil, "2025-06-02 10:00 paused company", "has not started"},
		{"started twice", running, "2025-06-02 10:00 started", "has been running since 2 June 2025 09:00:00 MDT"},
		{"resumed while running", running, "2025-06-02 10:00 resumed", "it can now be paused, reached, breached, met or stopped"},
		{"paused while paused", paused, "2025-06-03 10:00 paused office", "has been paused for the company since 3 June"},
		{"started while paused", paused, "2025-06-03 10:00 started", "it can now be resumed, met or stopped"},
		{"breached while paused", paused, "2025-06-06 10:00 breached breach", "has been paused"},
		{"paused after it was met", met, "2025-06-06 10:00 paused company", "was met on 4 June 2025 09:00:00 MDT and cannot be paused; a reopen begins a new cycle"},
		{"met twice", met, "2025-06-06 10:00 met", "was met on"},
		{"breached after it was met", met, "2025-06-06 10:00 breached breach", "was met on"},
		{"met before the start", running, "2025-06-02 08:59 met", "is before the clock was started at 2 June 2025 09:00:00"},
		{"paused before the resume", resumed, "2025-06-03 12:00 paused company", "is before the clock was resumed at 4 June"},
		{"resumed before the pause", paused, "2025-06-03 08:59 resumed", "is before the clock was paused at 3 June"},
		{"reached before the start", running, "2025-06-01 12:00 reached late", "is before the clock was started"},
		{"a pause of nobody", running, "2025-06-02 10:00 paused nobody", "name office, company or body"},
		{"a level that the policy lacks", running, "2025-06-02 10:00 reached warn", `has no level "warn"`},
		{"the breach only reached", running, "2025-06-05 17:00 reached breach", "the breach is breached"},
		{"a warning breached", running, "2025-06-05 17:00 breached late", "the others are reached"},
		{"the same level twice", warned, "2025-06-05 17:00 reached late", "was acted on before"},
		{"a warning after the breach", breached, "2025-06-05 17:00 reached late", "is passed"},
		{"a word that no ledger has", running, "2025-06-05 17:00 lost", "cannot be lost"},
	}
	for _, tt := range tests {
		c := ledger(t, deskPolicy(UnitBusiness, EndsEndOfDay, 1, 3), tt.stands...)
		words := append(strings.Fields(tt.entry), "")
		e := ClockEntry{Kind: ClockEntryKind(words[2]), At: wall(t, words[0]+" "+words[1]), Party: Party(words[3]), Level: words[3]}
		e.Recorded = wall(t, "2025-06-30 09:00")
		_, err := c.Append(e)
		if !errors.Is(err, ErrLedger) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Append = %v, want ErrLedger with %q", tt.situation, err, tt.says)
		}
	}
}

func TestAppend_RefusesTimes(t *testing.T) {
	noon, one := wall(t, "2025-06-03 12:00"), wall(t, "2025-06-03 13:00")
	c := ledger(t, deskPolicy(UnitBusiness, EndsEndOfDay, 3), "2025-06-03 12:00 started")
	tests := []struct {
		situation    string
		at, recorded time.Time
		says         string
	}{
		{"no time", time.Time{}, noon, "needs both"},
		{"never recorded", noon, time.Time{}, "needs both"},
		{"in the future", one, noon, "give a time that is not in the future"},
		{"recorded before the entry before it", noon.Add(-time.Minute), noon.Add(-time.Minute), "cannot be recorded at"},
	}
	for _, tt := range tests {
		_, err := c.Append(ClockEntry{Kind: ClockMet, At: tt.at, Recorded: tt.recorded})
		if !errors.Is(err, ErrLedger) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Append = %v, want ErrLedger with %q", tt.situation, err, tt.says)
		}
	}
}

func TestAppend_LeavesTheOtherCopyAlone(t *testing.T) {
	c := ledger(t, deskPolicy(UnitBusiness, EndsEndOfDay, 3), "2025-06-02 09:00 started", "2025-06-03 09:00 paused company", "2025-06-03 10:00 resumed")
	at := wall(t, "2025-06-04 09:00")
	met := entered(t, c, ClockEntry{Kind: ClockMet, At: at, Recorded: at})
	stopped := entered(t, c, ClockEntry{Kind: ClockStopped, At: at, Recorded: at})
	if len(c.Entries) != 3 || met.Entries[3].Kind != ClockMet || stopped.Entries[3].Kind != ClockStopped {
		t.Errorf("copies share entries: %d, %s, %s", len(c.Entries), met.Entries[3].Kind, stopped.Entries[3].Kind)
	}
	known := stopped.KnownAt(wall(t, "2025-06-03 09:30"))
	entered(t, known, ClockEntry{Kind: ClockMet, At: at, Recorded: at})
	if stopped.Entries[2].Kind != ClockResumed {
		t.Errorf("KnownAt shares entries: the third is now %s", stopped.Entries[2].Kind)
	}
}

func TestLate(t *testing.T) {
	office := deskCalendar(t)
	p := deskPolicy(UnitBusiness, EndsEndOfDay, 3) // due on Thursday 5 June at 16:30
	tests := []struct {
		situation string
		lines     []string
		met       string // happened; recorded on Monday 9 June at noon
		want      time.Duration
	}{
		{"met the day before", nil, "2025-06-04 12:00", 0},
		{"met on time, entered after the breach", []string{"2025-06-05 16:30 breached breach"}, "2025-06-05 16:29", 0},
		{"met at the close itself", []string{"2025-06-05 16:30 breached breach"}, "2025-06-05 16:30", 0},
		{"met a minute late", []string{"2025-06-05 16:30 breached breach"}, "2025-06-05 16:31", time.Minute},
		{"met late, no sweep had seen it", nil, "2025-06-06 16:30", 24 * time.Hour},
		{"not met", nil, "", 91*time.Hour + 30*time.Minute},
		{"paused when it was late", []string{"2025-06-06 16:30 paused company"}, "", 91*time.Hour + 30*time.Minute},
		{"paused in time", []string{"2025-06-05 16:00 paused company"}, "", 0},
		{"paused in time and met from the pause", []string{"2025-06-05 16:00 paused company"}, "2025-06-09 11:00", 0},
	}
	now := wall(t, "2025-06-09 12:00")
	for _, tt := range tests {
		c := ledger(t, p, append([]string{"2025-06-02 09:00 started"}, tt.lines...)...)
		if tt.met != "" {
			c = entered(t, c, ClockEntry{Kind: ClockMet, At: wall(t, tt.met), Recorded: now})
		}
		if got := c.Late(office, now); got != tt.want {
			t.Errorf("%s: Late = %s, want %s", tt.situation, got, tt.want)
		}
	}
	c := ledger(t, p, "2025-06-02 09:00 started")
	if got := c.Late(office, wall(t, "2025-06-05 16:30")); got != 0 {
		t.Errorf("at the due instant: Late = %s, want 0", got)
	}
}

func TestLate_WhatCameInLater(t *testing.T) {
	office := deskCalendar(t)
	c := ledger(t, deskPolicy(UnitBusiness, EndsEndOfDay, 3), "2025-06-02 09:00 started", "2025-06-05 16:30 breached breach")
	monday := wall(t, "2025-06-09 12:00")
	for _, e := range []ClockEntry{
		{Kind: ClockPaused, Party: PartyCompany, At: wall(t, "2025-06-05 09:00"), Recorded: monday},
		{Kind: ClockResumed, At: monday, Recorded: monday},
	} {
		c = entered(t, c, e)
	}
	if due, ok := c.Due(office); !ok || !due.Equal(wall(t, "2025-06-10 16:30")) {
		t.Errorf("with the question that was asked on Thursday, Due = %s, %v; want Tuesday's close", due, ok)
	}
	friday := wall(t, "2025-06-06 12:00")
	if got := c.KnownAt(friday).Late(office, friday); got != 19*time.Hour+30*time.Minute {
		t.Errorf("as it was known on Friday, Late = %s", got)
	}
}

func TestPromised(t *testing.T) {
	office := deskCalendar(t)
	p := deskPolicy(UnitBusiness, EndsEndOfDay, 3)
	tests := []struct {
		situation string
		lines     []string
		want      string
	}{
		{"met in time", []string{"2025-06-04 09:00 met"}, "2025-06-05 16:30"},
		{"met late", []string{"2025-06-10 09:00 met"}, "2025-06-05 16:30"},
		{"stopped while paused", []string{"2025-06-03 08:30 paused company", "2025-06-04 08:30 stopped"}, "2025-06-06 16:30"},
		{"running", nil, "2025-06-05 16:30"},
		{"paused", []string{"2025-06-03 08:30 paused company"}, ""},
	}
	for _, tt := range tests {
		c := ledger(t, p, append([]string{"2025-06-02 09:00 started"}, tt.lines...)...)
		got, ok := c.Promised(office)
		if ok != (tt.want != "") || (ok && !got.Equal(wall(t, tt.want))) {
			t.Errorf("%s: Promised = %s, %v; want %s", tt.situation, got, ok, tt.want)
		}
	}
}

func TestSpent(t *testing.T) {
	c := ledger(t, deskPolicy(UnitBusiness, EndsEndOfDay, 3),
		"2025-03-08 12:00 started", "2025-03-08 18:00 paused company", "2025-03-09 18:00 resumed", // 23 hours
		"2025-03-10 18:00 paused body", "2025-03-11 18:00 resumed", "2025-03-12 06:00 met")
	tests := []struct {
		now  string
		want map[Party]time.Duration
	}{
		{"2025-03-08 11:00", map[Party]time.Duration{}},
		{"2025-03-08 13:00", map[Party]time.Duration{PartyOffice: time.Hour}},
		{"2025-03-09 18:00", map[Party]time.Duration{PartyOffice: 6 * time.Hour, PartyCompany: 23 * time.Hour}},
		{"2026-01-01 00:00", map[Party]time.Duration{PartyOffice: 42 * time.Hour, PartyCompany: 23 * time.Hour, PartyBody: 24 * time.Hour}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, c.Spent(wall(t, tt.now))); diff != "" {
			t.Errorf("at %s (-want +got):\n%s", tt.now, diff)
		}
	}
}

// drawClock draws a policy of three levels, or four, and a ledger of up to five pauses,
// entered late now and then; it may be running, paused or finished at the end.
func drawClock(t testing.TB, rt *rapid.T) Clock {
	unit := rapid.SampledFrom([]Unit{UnitBusiness, UnitCalendar}).Draw(rt, "unit")
	ends := rapid.SampledFrom([]Ends{EndsInstant, EndsEndOfDay}).Draw(rt, "ends")
	p := deskPolicy(unit, ends, rapid.IntRange(0, 2).Draw(rt, "warn"), rapid.IntRange(2, 4).Draw(rt, "late"), rapid.IntRange(4, 10).Draw(rt, "breach"))
	if rapid.Bool().Draw(rt, "goes on") {
		p = escalated(p, rapid.IntRange(10, 15).Draw(rt, "escalate"))
	}
	at := drawInstant(rt, "started")
	c := Clock{Policy: p}
	recorded := at
	add := func(e ClockEntry) {
		e.At = at
		lag := time.Duration(rapid.SampledFrom([]int{0, 0, 1, 90, 3 * 24 * 60}).Draw(rt, "lag")) * time.Minute
		recorded = later(recorded, at.Add(lag))
		e.Recorded = recorded
		c = entered(t, c, e)
		at = at.Add(time.Duration(rapid.OneOf(rapid.IntRange(0, 90), rapid.IntRange(0, 3*24*60)).Draw(rt, "minutes")) * time.Minute)
		at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 30_000, 59_999}).Draw(rt, "milliseconds")) * time.Millisecond)
	}
	add(ClockEntry{Kind: ClockStarted})
	for range rapid.IntRange(0, 5).Draw(rt, "pauses") {
		add(ClockEntry{Kind: ClockPaused, Party: rapid.SampledFrom(Parties()).Draw(rt, "party")})
		add(ClockEntry{Kind: ClockResumed})
	}
	switch rapid.IntRange(0, 3).Draw(rt, "end") {
	case 1:
		add(ClockEntry{Kind: ClockPaused, Party: PartyCompany})
	case 2:
		add(ClockEntry{Kind: ClockMet})
	case 3:
		add(ClockEntry{Kind: ClockPaused, Party: PartyCompany})
		add(ClockEntry{Kind: ClockStopped})
	}
	return c
}

// told is all that a clock says about itself, for comparing two.
func told(c Clock, cal *Calendar, now time.Time) map[string]any {
	all := map[string]any{"phase": c.Phase(), "party": c.Party(), "late": c.Late(cal, now), "spent": c.Spent(now)}
	all["promised"], _ = c.Promised(cal)
	all["next"], all["next due"], _ = c.Next(cal)
	for _, level := range c.Policy.Levels {
		all[level.Name], _ = c.LevelDue(cal, level)
	}
	return all
}

// drawPause draws one of the pauses of c and the time at which it ended, a day on
// when it has not; it skips the case when there is none.
func drawPause(rt *rapid.T, c Clock) (int, time.Time) {
	var pauses []int
	for i, e := range c.Entries {
		if e.Kind == ClockPaused {
			pauses = append(pauses, i)
		}
	}
	if len(pauses) == 0 {
		rt.Skip("no pause")
	}
	i := rapid.SampledFrom(pauses).Draw(rt, "pause")
	if i == len(c.Entries)-1 {
		return i, c.Entries[i].At.Add(24 * time.Hour)
	}
	return i, c.Entries[i+1].At
}

func rebuilt(t testing.TB, c Clock, entries ...[]ClockEntry) Clock {
	again := c
	again.Entries = nil
	for _, part := range entries {
		for _, e := range part {
			e.Recorded = e.At // entering them in time keeps every order legal
			again = entered(t, again, e)
		}
	}
	return again
}

func TestPause_SplitChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, cal := drawClock(t, rt), drawCalendar(t, rt)
		i, end := drawPause(rt, c)
		pause := c.Entries[i]
		inner := pause.At.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(pause.At))).Draw(rt, "inner")))
		split := rebuilt(t, c, c.Entries[:i+1],
			[]ClockEntry{{Kind: ClockResumed, At: inner}, {Kind: ClockPaused, Party: pause.Party, At: inner}}, c.Entries[i+1:])
		now := drawInstant(rt, "now")
		if diff := cmp.Diff(told(c, cal, now), told(split, cal, now)); diff != "" {
			rt.Fatalf("a pause split at %s (-whole +split):\n%s", inner, diff)
		}
	})
}

func TestPause_LongerIsNeverEarlier(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, cal := drawClock(t, rt), drawCalendar(t, rt)
		i, end := drawPause(rt, c)
		resumed := i + 1
		if resumed == len(c.Entries) {
			rt.Skip("the pause has not ended")
		}
		until := end.Add(30 * 24 * time.Hour)
		if resumed+1 < len(c.Entries) {
			until = c.Entries[resumed+1].At
		}
		longer := rebuilt(t, c, c.Entries)
		longer.Entries[resumed].At = end.Add(time.Duration(rapid.Int64Range(0, int64(until.Sub(end))).Draw(rt, "longer")))
		for _, level := range c.Policy.Levels {
			before, ok := c.LevelDue(cal, level)
			after, okAfter := longer.LevelDue(cal, level)
			if ok != okAfter || after.Before(before) {
				rt.Fatalf("%s is due at %s, and at %s with a longer pause", level.Name, before, after)
			}
		}
	})
}

func TestSpent_SumIsElapsed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawClock(t, rt)
		now := drawInstant(rt, "now")
		end := now
		if last := c.Entries[len(c.Entries)-1]; c.Phase() == PhaseFinished && last.At.Before(now) {
			end = last.At
		}
		var sum time.Duration
		for _, d := range c.Spent(now) {
			sum += d
		}
		if want := max(0, end.Sub(c.Entries[0].At)); sum != want {
			rt.Fatalf("Spent(%s) sums up to %s, want the %s elapsed", now, sum, want)
		}
	})
}

func TestKnownAt_IsWhatWasStored(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, cal := drawClock(t, rt), drawCalendar(t, rt)
		stored := c
		stored.Entries = nil
		for i, e := range c.Entries {
			stored = entered(t, stored, e)
			if i+1 < len(c.Entries) && c.Entries[i+1].Recorded.Equal(e.Recorded) {
				continue
			}
			known := c.KnownAt(e.Recorded)
			diff := cmp.Diff(stored.Entries, known.Entries) + cmp.Diff(told(stored, cal, e.Recorded), told(known, cal, e.Recorded))
			if diff != "" {
				rt.Fatalf("known at %s (-stored +known):\n%s", e.Recorded, diff)
			}
		}
		if first := c.KnownAt(c.Entries[0].Recorded.Add(-1)); first.Phase() != "" {
			rt.Fatalf("before anything was recorded the clock is %s", first.Phase())
		}
	})
}

// An end-of-day level is defined without adding anything up: it ends with the
// first day by whose close the allowance ran and at whose close it still runs.
func TestLevelDue_EndOfDayIsTheFirstSuchClose(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, cal := drawClock(t, rt), drawCalendar(t, rt)
		c.Policy.Ends = EndsEndOfDay
		days := cal
		if c.Policy.Unit == UnitCalendar {
			days = everyDay(cal.Zone)
		}
		for _, level := range c.Policy.Levels {
			got, ok := c.LevelDue(cal, level)
			if !ok || level.AfterDays == 0 {
				continue
			}
			if want := firstClose(c, days, level.AfterDays); !got.Equal(want) {
				rt.Fatalf("%s is due at %s, want %s", level.Name, got, want)
			}
		}
	})
}

func firstClose(c Clock, days *Calendar, allowed int) time.Time {
	d := DateOf(c.Entries[0].At, days.Zone).AddDays(1)
	base := wallTime(d, 0, days.Zone)
	var allowance time.Duration
	for n := 0; ; d = d.AddDays(1) {
		if !days.Workday(d) {
			continue
		}
		end := wallTime(d, days.Closes, days.Zone)
		if n++; n == allowed {
			allowance = days.OpenBetween(base, end)
		}
		ran, runs := ranUntil(c, days, base, end)
		if n >= allowed && runs && ran >= allowance {
			return end
		}
	}
}

// ranUntil returns the calendar's time between base and end that no pause
// covers, and whether the clock runs up to end.
func ranUntil(c Clock, cal *Calendar, base, end time.Time) (time.Duration, bool) {
	ran, runs := cal.OpenBetween(base, end), true
	for i, e := range c.Entries {
		if e.Kind != ClockPaused {
			continue
		}
		back := c.Entries[i+1].At
		ran -= cal.OpenBetween(later(base, e.At), earlier(end, back))
		if e.At.Before(end) && !back.Before(end) {
			runs = false
		}
	}
	return ran, runs
}

func BenchmarkDue(b *testing.B) {
	office := deskCalendar(b)
	c := ledger(b, deskPolicy(UnitBusiness, EndsEndOfDay, 60, 120, 200), "2025-01-06 09:00 started",
		"2025-02-03 10:00 paused company", "2025-03-17 11:00 resumed", "2025-06-02 09:30 reached warn",
		"2025-08-01 16:00 paused body", "2025-09-15 12:00 resumed")
	for b.Loop() {
		_, ok := c.Due(office)
		if !ok {
			b.Fatal("no due instant")
		}
	}
}
