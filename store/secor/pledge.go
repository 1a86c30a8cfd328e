package secor

import (
	"slices"
	"time"
)

// Pledge is the promise of this office that is open on a case, as a letter to the
// company tells it.
type Pledge struct {
	Policy  string
	Due     time.Time // in the calendar's zone; zero while the clock stands still
	Late    bool      // Due has passed
	Waiting Party     // whose answer the clock waits for; "" while it runs
	Spent   map[Party]time.Duration
}

// Pledge returns the office's promise that is open at this instant: of those that
// run the one that is due first, else the last one that stands still. What the
// programme page tells applicants goes before what only this desk asks of itself.
// The notice of a pass is left out, because the letter that could name it is the
// notice. It is false when nothing is promised.
func (f *File) Pledge() (Pledge, bool) { return f.pledgeOf(f.Clocks) }

// PledgeOfNotice returns the promise that the notice of a pass tells. What it
// promises counts from the notice itself: where no notice was given before, from
// this instant.
func (f *File) PledgeOfNotice() (Pledge, bool) {
	p, counted := f.Edition.Policy(PolicyCertificate)
	if f.Audit == nil || !f.Audit.Notified.IsZero() || !certificateAwaited(f) || !counted {
		return f.Pledge()
	}
	clock, err := f.newCycle(p, f.Now())
	if err != nil {
		return f.Pledge()
	}
	return f.pledgeOf(append(slices.Clip(f.Clocks), clock))
}

func (f *File) pledgeOf(clocks []Clock) (Pledge, bool) {
	var best Pledge
	found, told := false, false
	for _, c := range clocks {
		phase := c.Phase()
		if c.Policy.Party != PartyOffice || c.Policy.Name == PolicyNotification || phase == "" || phase == PhaseFinished {
			continue
		}
		due, runs := c.Due(f.Programme.Calendars[c.Calendar])
		p := Pledge{Policy: c.Policy.Name, Due: due, Late: runs && f.Now().After(due), Spent: c.Spent(f.Now())}
		if phase == PhasePaused {
			p.Waiting = c.Party()
		}
		if !found || c.Policy.Promise && !told || c.Policy.Promise == told && p.before(best) {
			best, found, told = p, true, c.Policy.Promise
		}
	}
	return best, found
}

// before reports whether p is told rather than another of its sort.
func (p Pledge) before(other Pledge) bool {
	if p.Due.IsZero() || other.Due.IsZero() {
		return other.Due.IsZero()
	}
	return p.Due.Before(other.Due)
}

// Days returns the time that a party has used so far, in days to the nearest.
func (p Pledge) Days(party Party) int {
	const day = 24 * time.Hour
	return int((p.Spent[party] + day/2) / day)
}

// LastDay returns the day by which a deadline lets something be done, in the zone
// of the deadline: a midnight belongs to the day that it ends.
func LastDay(due time.Time) Date { return DateOf(due.Add(-time.Nanosecond), due.Location()) }
