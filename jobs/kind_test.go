package jobs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/store/secor"
)

// What the rules promise is what the families do: no more, no less, each once.
func TestKinds_AllThatFollows(t *testing.T) {
	kinds := jobs.Kinds()
	err := jobs.Check(kinds)
	if err != nil {
		t.Fatal(err)
	}
	var names []secor.JobKind
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	slices.Sort(names)
	if want := slices.Sorted(slices.Values(secor.JobKinds())); !slices.Equal(names, want) {
		t.Errorf("kinds are\n%v, want\n%v", names, want)
	}
}

func TestCheck(t *testing.T) {
	work := func(*jobs.Desk, *secor.File, secor.Event) error { return nil }
	letter := func(*jobs.Desk, *secor.File, secor.Event, jobs.Recipient) (mail.Message, error) {
		return mail.Message{}, nil
	}
	wait := func(int) time.Duration { return time.Second }
	tests := []struct {
		name   string
		change func(kinds []jobs.Kind) []jobs.Kind
		says   string
	}{
		{"a kind without a handler", func(k []jobs.Kind) []jobs.Kind { return k[1:] }, "request:decide_need has 0 handlers"},
		{"a kind with two", func(k []jobs.Kind) []jobs.Kind { return append(k, k[0]) }, "request:decide_need has 2 handlers"},
		{"one that nothing promises", func(k []jobs.Kind) []jobs.Kind {
			return append(k, jobs.Kind{Name: "portal:unlock", Queue: jobs.Mail, Timeout: 1, Attempts: 1, Backoff: wait, Work: work})
		}, "portal:unlock follows from nothing, has no rule that says when its reason ends"},
		{"work and letter", func(k []jobs.Kind) []jobs.Kind { k[0].Letter = letter; return k }, "needs either work or a letter"},
		{"neither", func(k []jobs.Kind) []jobs.Kind { k[0].Work = nil; return k }, "needs either work or a letter"},
		{"no queue", func(k []jobs.Kind) []jobs.Kind { k[0].Queue = "slow"; return k }, `has no queue "slow"`},
		{"no timeout", func(k []jobs.Kind) []jobs.Kind { k[0].Timeout = 0; return k }, "has no timeout"},
		{"no attempts", func(k []jobs.Kind) []jobs.Kind { k[0].Attempts = 0; return k }, "has no attempts"},
		{"no back-off", func(k []jobs.Kind) []jobs.Kind { k[0].Backoff = nil; return k }, "has no back-off"},
		{"a letter that assigns", func(k []jobs.Kind) []jobs.Kind { k[1].Assigns = true; return k }, "assigns without work"},
		{"one that begins like another", func(k []jobs.Kind) []jobs.Kind { k[0].Name = "request:send"; return k }, "is the beginning of another"},
	}
	for _, tt := range tests {
		err := jobs.Check(tt.change(jobs.Kinds()))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Check = %v, want %q", tt.name, err, tt.says)
		}
	}
	_, err := jobs.NewWorker(nil, nil, nil, jobs.Kinds()[1:], jobs.DefaultPace(), nil)
	if err == nil {
		t.Error("a worker was made that forgets a kind")
	}
}

func TestKinds_Backoff(t *testing.T) {
	for _, k := range jobs.Kinds() {
		last := time.Duration(0)
		for attempt := 1; attempt <= k.Attempts; attempt++ {
			wait := k.Backoff(attempt)
			if wait < last || wait <= 0 || wait > time.Hour {
				t.Errorf("%s: after attempt %d it waits %s, before %s", k.Name, attempt, wait, last)
			}
			last = wait
		}
	}
}
