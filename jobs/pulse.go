package jobs

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Pulse knows which loops of a process still turn. With every turn a loop says
// when the next one is due, and it is silent when that is overdue by more than the
// pulse's patience. How a turn went is no question here: a loop that is told that
// the database is away has turned. Pulse is safe for concurrent use.
type Pulse struct {
	patience time.Duration
	mu       sync.Mutex
	loops    map[string]turn
}

type turn struct{ at, next time.Time }

// Silence is a loop that should have turned.
type Silence struct {
	Loop  string
	Since time.Time // of its last turn
}

// NewPulse returns the pulse of a process that runs no loop yet.
func NewPulse(patience time.Duration) *Pulse {
	return &Pulse{patience: patience, loops: map[string]turn{}}
}

// Turned says that a loop begins or turned at now, and that its next turn is due
// after every.
func (p *Pulse) Turned(loop string, every time.Duration, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loops[loop] = turn{at: now, next: now.Add(every)}
}

// Silent returns the loops that do not turn any more, by name.
func (p *Pulse) Silent(now time.Time) []Silence {
	p.mu.Lock()
	defer p.mu.Unlock()
	var silent []Silence
	for loop, last := range p.loops {
		if now.Sub(last.next) > p.patience {
			silent = append(silent, Silence{Loop: loop, Since: last.at})
		}
	}
	slices.SortFunc(silent, func(a, b Silence) int { return strings.Compare(a.Loop, b.Loop) })
	return silent
}
