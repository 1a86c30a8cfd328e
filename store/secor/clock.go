package secor

import "time"

// ClockEntryKind is one word of a clock's ledger.
type ClockEntryKind string

const (
	ClockStarted  ClockEntryKind = "started"
	ClockPaused   ClockEntryKind = "paused"   // the time belongs to Party until resumed
	ClockResumed  ClockEntryKind = "resumed"  // the time belongs to the policy's party again
	ClockReached  ClockEntryKind = "reached"  // the desk acted on Level before the breach
	ClockBreached ClockEntryKind = "breached" // the desk acted on the policy's last level
	ClockMet      ClockEntryKind = "met"      // the promise was kept or, after a breach, done late
	ClockStopped  ClockEntryKind = "stopped"  // the promise fell away
)

// ClockEntry is one line of the ledger. Entries are only ever added.
type ClockEntry struct {
	Kind     ClockEntryKind
	At       time.Time // when it happened; clocks count by this
	Recorded time.Time // when the desk learned of it
	Party    Party     // of ClockPaused
	Level    string    // of ClockReached and ClockBreached
	Reason   string
}

// Clock is one cycle of one policy on one case. The policy is the copy that was
// frozen when the cycle began, so that a later edition cannot move its deadline.
type Clock struct {
	ID       int64
	Policy   Policy
	Cycle    int    // 1, 2, … per case and policy
	Calendar string // of the policy's party
	ZoneData string // release of the zone rules under which it began
	Entries  []ClockEntry
}
