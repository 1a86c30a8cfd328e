package jobs_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/jobs"
)

func TestPulse(t *testing.T) {
	start := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)
	p := jobs.NewPulse(time.Minute)
	p.Turned("relay", time.Second, start)
	p.Turned("sweep", time.Hour, start)
	tests := []struct {
		name  string
		after time.Duration
		want  []jobs.Silence
	}{
		{"just begun", 0, nil},
		{"late, but within patience", time.Minute + time.Second, nil},
		{"patience is over", time.Minute + 2*time.Second, []jobs.Silence{{Loop: "relay", Since: start}}},
		{"each loop has its own time", 2 * time.Hour, []jobs.Silence{{Loop: "relay", Since: start}, {Loop: "sweep", Since: start}}},
	}
	for _, tt := range tests {
		got := p.Silent(start.Add(tt.after))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	p.Turned("relay", time.Second, start.Add(2*time.Hour))
	p.Turned("sweep", time.Hour, start.Add(2*time.Hour))
	if got := p.Silent(start.Add(2 * time.Hour)); len(got) > 0 {
		t.Errorf("after a turn of each %v are silent, want none", got)
	}
}
