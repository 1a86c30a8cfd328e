package jobs_test

import (
	"log/slog"
	"strconv"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/store/secor"
)

// A conflict that covers the day of a confirmed score is recorded once, also by two
// clock processes, and the leads are told what to do; one that began later, one of
// somebody else and one whose audit was appealed since are not.
func TestAssigner_ContestedRuling(t *testing.T) {
	b, set, a := timedBench(t)
	now := time.Date(2026, 3, 27, 16, 0, 0, 0, time.UTC)
	second := jobs.NewAssigner(b.Store, func() time.Time { return now }, slog.New(b.book))
	ana := b.reviewer(t, "Ana", 9)
	passed, later, appealed := b.submitted(t, 30), b.submitted(t, 31), b.submitted(t, 32)
	b.awaitQuiet(t)
	ben := b.reviewer(t, "Ben", 9)
	for _, id := range []secor.CaseID{passed, later} {
		b.mustStep(t, id, secor.ByReviewer(ana), "confirm", nil)
	}
	f := b.file(t, appealed)
	for _, e := range f.Protocol.Elements {
		for _, q := range e.Questions {
			if !f.Sheet[q.ID].Verified.NA && f.Sheet[q.ID].Verified.Awarded > 0 {
				b.mustStep(t, appealed, secor.ByReviewer(ana), "mark", secor.Input{"question": q.ID, "awarded": "0"})
			}
		}
	}
	b.mustStep(t, appealed, secor.ByReviewer(ana), "confirm", nil)
	b.mustStep(t, appealed, b.lead, "appeal", secor.Input{"reviewer": strconv.FormatInt(ben, 10)})
	b.awaitQuiet(t)
	letters := len(b.letters("lead@desk.example"))
	set(now)
	day := secor.NewDate(2026, 3, 25)
	for id, from := range map[secor.CaseID]secor.Date{passed: day, later: day.AddDays(1), appealed: day} {
		b.conflict(t, ana, id, from)
	}
	for i, sweeper := range []*jobs.Assigner{a, second, a} {
		n, err := sweeper.Sweep(t.Context())
		if want := map[bool]int{true: 1}[i == 0]; n != want || err != nil {
			t.Errorf("sweep %d acted on %d, %v; want %d", i, n, err, want)
		}
	}
	b.awaitQuiet(t)
	b.wantEvents(t, passed, secor.EventRulingContested, 1)
	b.wantEvents(t, later, secor.EventRulingContested, 0)
	b.wantEvents(t, appealed, secor.EventRulingContested, 0)
	b.wantLetter(t, "lead@desk.example", letters+1, "Ana, who confirmed the result on 25 March 2026, had a conflict of interest", "two people revoke the certificate, then appeal", "secordesk case revoke")
	report, err := b.Verify(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("Verify = %v, %v", report.Problems, err)
	}
}
