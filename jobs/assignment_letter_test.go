package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"secordesk/jobs/mail"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// deskStep lets the desk act on a case, with the roster's lock.
func (b *bench) deskStep(t *testing.T, id secor.CaseID, step func(*secor.File) error) {
	t.Helper()
	b.n++
	act := secor.Act{ID: fmt.Sprintf("desk:%d", b.n), By: secor.Desk, Surface: secor.SurfaceClock, Assigns: true}
	err := b.UpdateCase(t.Context(), id, act, func(f *secor.File, _ time.Time) error { return step(f) })
	if err != nil {
		t.Fatal(err)
	}
}

// act is something that happens on a case.
type act = func(*testing.T, *bench, secor.CaseID)

// ending is a letter, the event that it follows from, how that comes about, and each
// way in which the letter's reason ends.
type ending struct {
	kind  secor.JobKind
	event secor.EventKind
	begin act
	ends  map[string]act
}

// endings says for each letter of assignment how its reason comes about, and each
// way in which it ends before the letter leaves.
func endings(ana, ben int64) []ending {
	step := func(by int64, name string, in secor.Input) act {
		return func(t *testing.T, b *bench, id secor.CaseID) {
			who := b.lead
			if by != 0 {
				who = secor.ByReviewer(by)
			}
			b.mustStep(t, id, who, name, in)
		}
	}
	to := func(id int64) secor.Input { return secor.Input{"reviewer": fmt.Sprint(id)} }
	all := func(acts ...act) act {
		return func(t *testing.T, b *bench, id secor.CaseID) {
			for _, do := range acts {
				do(t, b, id)
			}
		}
	}
	given := step(0, "assign", to(ana))
	inConflict := func(t *testing.T, b *bench, id secor.CaseID) {
		b.conflict(t, ana, id, secor.NewDate(2026, 3, 25))
		b.deskStep(t, id, (*secor.File).Unassign)
	}
	leave := func(t *testing.T, b *bench, _ secor.CaseID) {
		b.exec(t, `INSERT INTO leaves (reviewer_id, from_day) VALUES ($1, '2026-03-20')`, ana)
	}
	revised := all(given, step(ana, "query", secor.Input{"question": "page 3?"}), leave,
		func(t *testing.T, b *bench, id secor.CaseID) { b.handIn(t, id) })
	return []ending{
		{secor.JobTellReviewer, secor.EventAuditAssigned, given, map[string]act{
			"given to another": step(0, "assign", to(ben)), "handed back": step(ana, "release", nil), "returned": step(ana, "return", nil),
			"withdrawn": step(0, "withdraw", nil), "confirmed": step(ana, "confirm", nil), "in conflict": inConflict,
		}},
		{secor.JobTellReviewer, secor.EventRevisionReceived, revised, map[string]act{
			"the stand-in has it": func(t *testing.T, b *bench, id secor.CaseID) {
				b.exec(t, `UPDATE leaves SET stand_in_id = $1`, ben)
				b.deskStep(t, id, (*secor.File).Cover)
			},
			"withdrawn": step(0, "withdraw", nil),
		}},
		{secor.JobTellFormer, secor.EventAuditAssigned, all(given, step(0, "assign", to(ben))), map[string]act{
			"given back": step(0, "assign", to(ana)), "withdrawn": step(0, "withdraw", nil), "confirmed": step(ben, "confirm", nil),
		}},
		{secor.JobTellFormer, secor.EventAuditHandedBack, all(given, step(0, "release", nil)), map[string]act{
			"taken again": step(ana, "take", nil), "withdrawn": step(0, "withdraw", nil),
		}},
		{secor.JobTakenAway, secor.EventAuditUnassigned, all(given, inConflict), map[string]act{
			"accepted": step(0, "accept", nil), "withdrawn": step(0, "withdraw", nil), "returned": step(0, "return", nil),
		}},
		{secor.JobEscalate, secor.EventAssignmentStuck, func(t *testing.T, b *bench, id secor.CaseID) {
			b.exec(t, `UPDATE reviewers SET capacity = 0`)
			b.deskStep(t, id, (*secor.File).AwaitReviewer)
		}, map[string]act{
			"named by a person": step(0, "assign", to(ben)), "taken": step(ben, "take", nil), "withdrawn": step(0, "withdraw", nil),
		}},
		{secor.JobEscalate, secor.EventRevisionUncovered, all(revised, func(t *testing.T, b *bench, id secor.CaseID) { b.deskStep(t, id, (*secor.File).Cover) }), map[string]act{
			"back from leave":  func(t *testing.T, b *bench, _ secor.CaseID) { b.exec(t, `UPDATE leaves SET to_day = '2026-03-24'`) },
			"given to another": step(0, "assign", to(ben)), "withdrawn": step(0, "withdraw", nil),
		}},
	}
}

// TestAssignmentLetters_ReasonEnded: each letter of assignment × each way in which
// its reason ends before it is sent: that letter does not leave.
func TestAssignmentLetters_ReasonEnded(t *testing.T) {
	for i, row := range endings(0, 0) {
		for way := range row.ends {
			t.Run(string(row.kind)+" after "+string(row.event)+", "+way, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.queue.start(t)
				ana, ben := b.reviewer(t, "Ana", 4), b.reviewer(t, "Ben", 4)
				row := endings(ana, ben)[i]
				id := b.submitted(t, 0)
				row.begin(t, b, id)
				cause := b.event(t, id, row.event).Seq
				row.ends[way](t, b, id)
				b.engine(t)
				b.awaitQuiet(t)
				all, err := b.Jobs(t.Context(), store.JobFilter{CaseID: id})
				if err != nil {
					t.Fatal(err)
				}
				promised := 0
				for _, j := range all {
					if j.Kind != string(row.kind) || j.Cause != cause {
						continue
					}
					promised++
					left := slices.ContainsFunc(b.post.sent(), func(m mail.Message) bool { return strings.HasPrefix(m.ID, fmt.Sprintf("job-%d@", j.ID)) })
					if j.State != promise.Cancelled || left {
						t.Errorf("job %d to %s is %s (%s), left %t", j.ID, j.Recipient, j.State, j.LastError, left)
					}
				}
				if promised == 0 {
					t.Error("no such letter was promised")
				}
			})
		}
	}
}
