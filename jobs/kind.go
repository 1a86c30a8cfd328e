// Package jobs does what follows from the desk's steps. Postgres holds the
// promises and Redis carries wake-ups: the relay puts promised jobs on their
// queue, the worker claims each, does it and records how it ended, the
// reconciler wakes what got lost on the way, and the clock sweeps the clocks of
// cases and records the ticks of schedules.
//
// Each family of jobs is one file that shows its whole life. The package must
// not know how promises are stored, and it takes no decision that a rule of
// store/secor could take.
package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"secordesk/jobs/mail"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Queue is a class of jobs that wait for one another and for nothing else. Each
// has its own servers, so that a slow mail server never delays a decision.
type Queue string

const (
	Decisions Queue = "decisions" // steps on cases: milliseconds, somebody is waiting
	Mail      Queue = "mail"      // letters: as slow as a mail server
	Bulk      Queue = "bulk"      // long work that nobody waits for
)

// Queues returns every queue.
func Queues() []Queue { return []Queue{Decisions, Mail, Bulk} }

// Kind is one sort of job: its name, its queue and what doing it means. Exactly
// one of Work, Letter, Batch, Card and Chore is set.
//
// Whether the reason of work or a letter still holds is secor.StillTrue's to say,
// and is asked in the transaction that does the work or starts the sending. A
// refusal ends the job as failed, with its text; any other error is a fault, and
// is tried again.
type Kind struct {
	Name     secor.JobKind
	Queue    Queue
	Timeout  time.Duration                   // of one attempt
	Attempts int                             // then it is failed and a person decides
	Backoff  func(attempt int) time.Duration // wall time from the end of that attempt, 1, 2, …, to the next
	Assigns  bool                            // Work sees the whole roster under its lock, so that loads are true

	// Work is a step on the case, in the transaction that completes the job.
	Work func(d *Desk, f *secor.File, cause secor.Event) error

	// Text names the letter's text in jobs/letter; "" for what is no letter.
	Text string

	// Letter is the letter as it would leave now, without its ID, which the engine
	// sets. It is pure, and asked for again with every attempt.
	Letter func(d *Desk, f *secor.File, cause secor.Event, to Recipient) (mail.Message, error)

	// Batch is the letter that takes a file to a governing body, as Letter is one on a
	// case. It follows from a batch, and from no event or tick.
	Batch func(d *Desk, b secor.BodyBatch, file mail.Attachment, now time.Time) (mail.Message, error)

	// Card is the case as a channel shows it now, without key and channel, which the
	// engine sets. It is pure, and asked for again with every attempt.
	Card func(d *Desk, f *secor.File, cause secor.Event) promise.Card

	// Chore is upkeep, which follows from a tick and concerns no case. It completes
	// the job itself.
	Chore func(s Chores, ctx context.Context, c promise.Claim) (promise.State, error)
}

// Recipient is who gets a letter. It is read from the file at the moment of
// sending, so that a corrected address is used.
type Recipient struct {
	Key   string // "company:12", "reviewer:3", "body:ab-pir", as the promise has it
	Name  string
	Email string // bare address
}

// recipient finds who a promise's key means. A refusal says whose address is
// missing, and that somebody does not work here any more.
func recipient(f *secor.File, key string) (Recipient, error) {
	found := Recipient{Key: key}
	switch key {
	case fmt.Sprintf("company:%d", f.Company.ID):
		found.Name, found.Email = cmp.Or(f.Company.Contact, f.Company.LegalName), f.Company.Email
	case "body:" + f.Body.ID:
		found.Name, found.Email = f.Body.Name, f.Body.Email
	default:
		for _, r := range f.Roster {
			if r.Active && key == secor.ByReviewer(r.ID).String() {
				found.Name, found.Email = r.Name, r.Email
			}
		}
	}
	if found.Email == "" {
		return Recipient{}, &secor.Refusal{Kind: secor.ErrNotFound, Text: key + " has no e-mail address or has left",
			Do: "correct the file, then retry the job"}
	}
	return found, nil
}

// AddressOf returns the address to which a letter for "company:12", "reviewer:3" or
// "body:ab-pir" would leave now. A refusal says that there is none.
func AddressOf(f *secor.File, key string) (string, error) {
	to, err := recipient(f, key)
	return to.Email, err
}

// Kinds returns the kinds of every family.
func Kinds() []Kind {
	return slices.Concat(requestKinds(), invoiceKinds(), registrationKinds(), assignmentKinds(), reviewKinds(), scoreKinds(),
		certificateKinds(), escalationKinds(), bounceKinds(), cardKinds(), upkeepKinds())
}

// sends reports whether doing a job of the kind is sending something outside.
func (k Kind) sends() bool { return k.Letter != nil || k.Batch != nil || k.Card != nil }

// Check reports everything that would keep kinds from doing what the rules and
// schedules promise: a kind that follows from a step or a tick and that nobody does
// or two do, one that nothing promises, one whose reason nobody can judge, one that
// is incomplete; and a schedule that cannot be read. A process that works does not
// start with such a table.
func Check(kinds []Kind, schedules []Schedule) error {
	var problems []error
	promised := secor.JobKinds()
	named := map[string]bool{}
	for _, s := range schedules {
		problems = append(problems, s.Check())
		if named[s.Name] || slices.Contains(promised, s.Kind) {
			problems = append(problems, fmt.Errorf("schedule %s of job kind %s: the name or the kind is taken", s.Name, s.Kind))
		}
		named[s.Name] = true
		promised = append(promised, s.Kind)
	}
	count := map[secor.JobKind]int{}
	for _, k := range kinds {
		count[k.Name]++
		problems = append(problems, k.check(kinds, schedules))
	}
	for _, name := range promised {
		if count[name] != 1 {
			problems = append(problems, fmt.Errorf("job kind %s has %d handlers, not 1", name, count[name]))
		}
	}
	return errors.Join(problems...)
}

func (k Kind) check(all []Kind, schedules []Schedule) error {
	ways := 0
	for _, set := range []bool{k.Work != nil, k.Letter != nil, k.Batch != nil, k.Card != nil, k.Chore != nil} {
		if set {
			ways++
		}
	}
	follows := slices.Contains(secor.JobKinds(), k.Name)
	scheduled := slices.ContainsFunc(schedules, func(s Schedule) bool { return s.Kind == k.Name })
	// The queue's own tools match by prefix.
	begins := func(other Kind) bool {
		return other.Name != k.Name && strings.HasPrefix(string(other.Name), string(k.Name))
	}
	var problems []string
	for _, fault := range []struct {
		found bool
		text  string
	}{
		{k.onCase() && !follows, "follows from nothing"},
		{k.onCase() && !secor.Judged(k.Name), "has no rule that says when its reason ends"},
		{k.Chore != nil && !scheduled, "is a chore without a schedule"},
		{k.Chore == nil && scheduled, "has a schedule and no chore"},
		{!slices.Contains(Queues(), k.Queue), fmt.Sprintf("has no queue %q", k.Queue)},
		{k.Timeout <= 0, "has no timeout"},
		{k.Attempts < 1, "has no attempts"},
		{k.Backoff == nil, "has no back-off"},
		{ways != 1, "needs one of work, a letter, a card and a chore"},
		{k.Assigns && k.Work == nil, "assigns without work"},
		{slices.ContainsFunc(all, begins), "is the beginning of another"},
	} {
		if fault.found {
			problems = append(problems, fault.text)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("job kind %s %s", k.Name, strings.Join(problems, ", "))
}

// onCase reports whether a job of this kind follows from an event of a case.
func (k Kind) onCase() bool { return k.Chore == nil && k.Batch == nil }

// How often an attempt is made, which is how long an outage may last before a
// person must decide on each job: a letter outlives a mail server that is away from
// Friday evening to Monday evening, work a day.
const (
	letterAttempts = 80 // waits of 15 s to 1 h, 72 hours together
	workAttempts   = 36 // waits of 1 s to 1 h, 24 hours together
)

// work returns a kind that takes a step on the case by itself.
func work(name secor.JobKind, do func(*Desk, *secor.File, secor.Event) error) Kind {
	return Kind{Name: name, Queue: Decisions, Timeout: 10 * time.Second, Attempts: workAttempts,
		Backoff: doubling(time.Second, time.Hour), Work: do}
}

// write returns a kind that sends the letter of that name.
func write(name secor.JobKind, text string) Kind {
	return Kind{Name: name, Queue: Mail, Timeout: time.Minute, Attempts: letterAttempts,
		Backoff: doubling(15*time.Second, time.Hour), Text: text, Letter: letter(text)}
}

// doubling returns a back-off that begins with first and doubles with every
// attempt, up to most.
func doubling(first, most time.Duration) func(int) time.Duration {
	return func(attempt int) time.Duration {
		wait := first
		for range attempt - 1 {
			wait = min(2*wait, most)
		}
		return wait
	}
}
