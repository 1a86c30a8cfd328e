package secor

import (
	"slices"
	"strconv"
)

// RulingYears is for how long after a ruling a conflict that covers its day is
// looked for: as long as a certificate of three years may stand that rests on it.
const RulingYears = 4

// RulingEvents returns the events by which a person decides on a review's outcome:
// a confirmed score, and each word on a one-year certificate.
func RulingEvents() []EventKind {
	return []EventKind{EventAuditPassed, EventAuditPassedShort, EventAuditFailed, EventOneYearProposed, EventOneYearGranted, EventOneYearDeclined}
}

// Ruling is an event of RulingEvents, as somebody who looks for conflicts sees it.
type Ruling struct {
	CaseID   CaseID
	Seq      int // of the event
	Kind     EventKind
	Reviewer int64
	On       Date // the day for which it counts, in the office's zone
}

// Contest records that whoever gave a ruling was in conflict with the company on
// its day, as is known now; the leads are told. Nothing is undone by it: that takes
// persons, who revoke a certificate or have the audit reviewed again. A ruling that
// does not stand any more, or whose person was in no conflict, is refused.
//
// Source: ours; a conflict that is declared late must not go unnoticed (peers.md,
// complaint 20).
func (f *File) Contest(r Ruling) error {
	if !slices.Contains(RulingEvents(), r.Kind) || !f.stands(r.Seq) || !inConflict(r.Reviewer, f.Conflicts, r.On) {
		return refuse(ErrIllegalMove, "", "event %d is no ruling by somebody in conflict", r.Seq)
	}
	f.record(EventRulingContested, "", facts{"ruling": strconv.Itoa(r.Seq), "kind": string(r.Kind),
		"reviewer": strconv.FormatInt(r.Reviewer, 10), "on": r.On.String()})
	return nil
}

// stands reports whether an event belongs to the result that the audit has now.
func (f *File) stands(seq int) bool {
	return f.Case.State == StateQAComplete && seq >= f.LastMove.Seq
}

// contestable reports whether the ruling that an event contests still stands.
func (f *File) contestable(cause Event) bool {
	seq, err := strconv.Atoi(cause.Facts["ruling"])
	return err == nil && f.stands(seq)
}
