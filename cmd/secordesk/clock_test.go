package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/store/promise"
)

func TestClock_List(t *testing.T) {
	o := newOffice(t)
	o.says("clock --list", "^Schedule +When +Zone +If missed +Last tick +Next tick +What it does",
		"anchor +@daily +America/Edmonton +latest +– +26 Mar 2026 00:00:00 +name the ends", "purge +30 3 \\* \\* \\* ")

	opened := o.open()
	now := o.now
	clock, err := jobs.NewClock(jobs.NewSweeper(opened, func() time.Time { return now }, slog.New(slog.NewTextHandler(io.Discard, nil))),
		opened, jobs.Schedules(), opened.office().Zone)
	o.must(err)
	o.must(clock.Turn(t.Context()))
	for range 2 { // three o'clock, then midnight
		now = clock.Next().Add(time.Minute)
		o.must(clock.Turn(t.Context()))
	}
	_, _, err = opened.TakeTicks(t.Context(), promise.Schedule{Name: "digest", Kind: "desk:digest", Spec: "0 7 * * *", Misfire: "skip"},
		func(kept promise.Schedule) ([]time.Time, time.Time) { return nil, kept.Settled })
	o.must(err)
	o.says("clock --list", "anchor .* 26 Mar 2026 00:00:00 +27 Mar 2026 00:00:00 ", "purge .* – +26 Mar 2026 03:30:00 ",
		"digest +0 7 \\* \\* \\* .* skip +– +– +unknown to this release")
	o.says("jobs list --open", "3 +open +desk:anchor")
	o.says("jobs show 3", "from the tick of anchor at 26 Mar 2026 00:00:00")
	status, out, errOut := o.run("clock")
	if status != statusRefused || !strings.Contains(out, `"clock ended"`) || !strings.Contains(errOut, "REDIS_URL is missing") {
		t.Errorf("clock without a Redis: status %d, %q, %q", status, out, errOut)
	}
}
