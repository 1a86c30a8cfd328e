package secor

import (
	"testing"
	"time"
)

// The letter that could name the notice of a pass is the notice.
func TestPledge_NotTheNotice(t *testing.T) {
	o := auditIn(t, StateQAComplete)
	if clockOf(t, o.File, PolicyNotification).Phase() != PhaseRunning {
		t.Fatal("the clock of the notice does not run")
	}
	p, open := o.Pledge()
	if open || p.Policy == PolicyNotification {
		t.Errorf("promised: %+v", p)
	}
	o.accepted(JobPass)
	p, open = o.Pledge()
	if !open || p.Policy != PolicyCertificate {
		t.Errorf("after the notice: %t, %+v", open, p)
	}
}

func TestPledge_Before(t *testing.T) {
	early, late, stands := Pledge{Due: wall(t, "2026-03-25 09:00")}, Pledge{Due: wall(t, "2026-03-26 09:00")}, Pledge{}
	for _, tt := range []struct {
		name     string
		p, other Pledge
		want     bool
	}{
		{"due first", early, late, true},
		{"due later", late, early, false},
		{"due together", early, early, false},
		{"one that runs, before one that stands still", late, stands, true},
		{"one that stands still, after one that runs", stands, late, false},
		{"the last that stands still", stands, stands, true},
	} {
		if got := tt.p.before(tt.other); got != tt.want {
			t.Errorf("%s: told rather %t", tt.name, got)
		}
	}
}

func TestPledge_Days(t *testing.T) {
	for spent, want := range map[time.Duration]int{
		0: 0, 12*time.Hour - 1: 0, 12 * time.Hour: 1, 35 * time.Hour: 1, 36 * time.Hour: 2, 6*24*time.Hour + 13*time.Hour: 7,
	} {
		p := Pledge{Spent: map[Party]time.Duration{PartyOffice: spent}}
		if got := p.Days(PartyOffice); got != want || p.Days(PartyCompany) != 0 {
			t.Errorf("%s are %d days, want %d; of the company %d", spent, got, want, p.Days(PartyCompany))
		}
	}
}

// A midnight belongs to the day that it ends, in the zone of the deadline.
func TestLastDay(t *testing.T) {
	for due, want := range map[string]Date{
		"2026-03-26 00:00": {2026, time.March, 25}, "2026-03-26 00:01": {2026, time.March, 26},
		"2026-03-25 23:59": {2026, time.March, 25}, "2026-01-01 00:00": {2025, time.December, 31},
	} {
		if got := LastDay(wall(t, due)); got != want {
			t.Errorf("%s: by %s, want %s", due, got, want)
		}
	}
}
