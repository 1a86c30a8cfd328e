package promise

import "time"

// Schedule is what is kept of a schedule. Each of its ticks is an instant of
// programme time that is recorded once and promises one job.
type Schedule struct {
	Name       string
	Kind       string // of its jobs
	Spec       string
	Misfire    string    // what becomes of ticks that nobody recorded in time
	KnownSince time.Time // it has no tick before or at it
	Settled    time.Time // every tick until then is recorded or passed over; it never goes back
	LastTick   time.Time // the newest that is recorded; zero: none is
}
