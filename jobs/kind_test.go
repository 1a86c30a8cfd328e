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
	err := jobs.Check(kinds, jobs.Schedules())
	if err != nil {
		t.Fatal(err)
	}
	var names []secor.JobKind
	for _, k := range kinds {
		if k.Chore == nil && k.Batch == nil { // those follow from schedules and batches
			names = append(names, k.Name)
		}
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
		{"work and letter", func(k []jobs.Kind) []jobs.Kind { k[0].Letter = letter; return k }, "needs one of work, a letter, a card and a chore"},
		{"neither", func(k []jobs.Kind) []jobs.Kind { k[0].Work = nil; return k }, "needs one of work, a letter, a card and a chore"},
		{"no queue", func(k []jobs.Kind) []jobs.Kind { k[0].Queue = "slow"; return k }, `has no queue "slow"`},
		{"no timeout", func(k []jobs.Kind) []jobs.Kind { k[0].Timeout = 0; return k }, "has no timeout"},
		{"no attempts", func(k []jobs.Kind) []jobs.Kind { k[0].Attempts = 0; return k }, "has no attempts"},
		{"no back-off", func(k []jobs.Kind) []jobs.Kind { k[0].Backoff = nil; return k }, "has no back-off"},
		{"a letter that assigns", func(k []jobs.Kind) []jobs.Kind { k[1].Assigns = true; return k }, "assigns without work"},
		{"work and a chore", func(k []jobs.Kind) []jobs.Kind { k[0].Chore = jobs.Chores.FinishPurge; return k }, "needs one of work, a letter, a card and a chore"},
		{"a chore that follows from a step", func(k []jobs.Kind) []jobs.Kind { k[0].Work, k[0].Chore = nil, jobs.Chores.FinishPurge; return k }, "request:decide_need is a chore without a schedule"},
		{"a chore without a handler", func(k []jobs.Kind) []jobs.Kind { return k[:len(k)-1] }, "desk:purge has 0 handlers"},
		{"a chore that is none", func(k []jobs.Kind) []jobs.Kind { k[len(k)-1].Chore, k[len(k)-1].Work = nil, work; return k }, "desk:purge follows from nothing, has no rule that says when its reason ends, has a schedule and no chore"},
		{"one that begins like another", func(k []jobs.Kind) []jobs.Kind { k[0].Name = "request:send"; return k }, "is the beginning of another"},
	}
	for _, tt := range tests {
		err := jobs.Check(tt.change(jobs.Kinds()), jobs.Schedules())
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Check = %v, want %q", tt.name, err, tt.says)
		}
	}
	_, err := jobs.NewWorker(nil, nil, nil, jobs.Kinds()[1:], jobs.DefaultPace(), nil)
	if err == nil {
		t.Error("a worker was made that forgets a kind")
	}
}

func TestCheck_Schedules(t *testing.T) {
	tests := []struct {
		name   string
		change func(s []jobs.Schedule) []jobs.Schedule
		says   string
	}{
		{"a chore without a schedule", func(s []jobs.Schedule) []jobs.Schedule { return s[1:] }, "desk:anchor is a chore without a schedule"},
		{"a chore with two", func(s []jobs.Schedule) []jobs.Schedule {
			return append(s, jobs.Schedule{Name: "again", Kind: s[0].Kind, Spec: "@daily", Misfire: jobs.All})
		}, "schedule again of job kind desk:anchor: the name or the kind is taken"},
		{"two of one name", func(s []jobs.Schedule) []jobs.Schedule { s[1].Name = s[0].Name; return s }, "schedule anchor of job kind desk:purge: the name or the kind is taken"},
		{"one of a step's kind", func(s []jobs.Schedule) []jobs.Schedule { s[0].Kind = secor.JobEscalate; return s }, "job kind escalation:tell_lead: the name or the kind is taken"},
		{"one that nobody does", func(s []jobs.Schedule) []jobs.Schedule { s[0].Kind = "desk:tidy"; return s }, "desk:tidy has 0 handlers"},
		{"no spec", func(s []jobs.Schedule) []jobs.Schedule { s[0].Spec = ""; return s }, "empty spec"},
		{"a name that Postgres refuses", func(s []jobs.Schedule) []jobs.Schedule { s[0].Name = "Ten o'clock"; return s }, "is not called by small letters"},
		{"nothing to say of it", func(s []jobs.Schedule) []jobs.Schedule { s[0].Does = ""; return s }, "does not say what it does"},
	}
	for _, tt := range tests {
		err := jobs.Check(jobs.Kinds(), tt.change(jobs.Schedules()))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Check = %v, want %q", tt.name, err, tt.says)
		}
	}
}

// A letter waits for a mail server that is away for three days, and no job waits
// for ever.
func TestKinds_Patience(t *testing.T) {
	for _, k := range jobs.Kinds() {
		least := 8 * time.Hour
		switch {
		case k.Letter != nil:
			least = 72 * time.Hour
		case k.Work != nil:
			least = 24 * time.Hour
		}
		var patience time.Duration
		for attempt := 1; attempt < k.Attempts; attempt++ {
			patience += k.Backoff(attempt)
		}
		if patience < least || patience > 7*24*time.Hour {
			t.Errorf("%s gives up after %s, want %s or more, and a week at most", k.Name, patience, least)
		}
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
