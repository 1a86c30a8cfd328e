// Package promise holds the few words that the engine's rooms share: what a
// promised job is, what a claim on it is and how it can end. It is pure; store
// keeps the rows, jobs does the work.
package promise

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// State is where a promised job stands.
type State string

const (
	Open      State = "open"      // to be done, or being done under a lease
	Done      State = "done"      // done once, with its effects
	Failed    State = "failed"    // given up after its attempts; a person retries or drops it
	Cancelled State = "cancelled" // its reason stopped being true before it started, or a person dropped it
	Ambiguous State = "ambiguous" // a send began and nobody knows whether it arrived
)

// States returns every state.
func States() []State { return []State{Open, Done, Failed, Cancelled, Ambiguous} }

// Job is one promise to do one thing once.
type Job struct {
	ID        int64
	Kind      string    // "request:send_welcome"
	CaseID    int64     // 0: it follows from a tick and not from an event
	Cause     int       // sequence number of the event that it follows from
	Schedule  string    // "": it follows from an event
	Batch     int64     // for a governing body; 0: it follows from something else
	Tick      time.Time // instant of the schedule that it follows from; programme time
	Key       string    // unique for ever; derived from the event or the tick, so it cannot recur
	Audience  string    // "company"
	Recipient string    // "reviewer:3", "company:12", "body:ab-pir", "desk"
	State     State
	Attempts  int    // claims so far, the present one included
	Worker    string // who made the newest claim; "" before the first
	LastError string // for operators; never shown to Slack or an employer
	NotBefore time.Time
	Woken     time.Time // the queue has it until then; zero: it has not
	ClaimedAt time.Time // start of the newest attempt; zero: there was none
	Leased    time.Time // the attempt under way holds it until then; zero: none is
	SendingAt time.Time // zero: no byte was ever sent
	DoneAt    time.Time
	Receipt   string // what the other side said when it accepted
}

// Attempt is one that did not do its job. The one that did is told by the job:
// ClaimedAt, Worker, DoneAt.
type Attempt struct {
	Fence   int64
	Worker  string
	BeganAt time.Time // zero: unknown
	EndedAt time.Time
	Outcome AttemptEnd
	Error   string // for operators; "" when it was given back
}

// AttemptEnd is how an attempt ended that did not do its job.
type AttemptEnd string

const (
	EndRetried   AttemptEnd = "retried" // a fault; there is another attempt
	EndFailed    AttemptEnd = "failed"
	EndCancelled AttemptEnd = "cancelled"
	EndAmbiguous AttemptEnd = "ambiguous"
	EndGivenBack AttemptEnd = "given_back" // its process had to stop; it does not count
	EndLeaseLost AttemptEnd = "lease_lost" // nothing was heard of it any more
)

// Room is how much of one kind of job may be woken.
type Room struct {
	Kind string
	Most int // that are woken and not claimed at the same time
}

// Wake is one job that the relay puts on the queue. Its payload carries the job's
// id and nothing else; everything true is in Postgres.
type Wake struct {
	JobID int64
	Kind  string
	N     int // rises with every wake, so that the queue never takes it for an old one
}

// Payload is what a wake-up carries through Redis.
type Payload struct {
	JobID int64 `json:"job"`
}

// Encode returns the payload as it travels.
func (p Payload) Encode() []byte {
	text, _ := json.Marshal(p) // a struct of one integer cannot fail
	return text
}

// Decode reads a payload that Encode wrote.
func Decode(text []byte) (Payload, error) {
	var p Payload
	err := json.Unmarshal(text, &p)
	if err == nil && p.JobID <= 0 {
		err = errors.New("it names no job")
	}
	if err != nil {
		return Payload{}, fmt.Errorf("decode wake-up: %w", err)
	}
	return p, nil
}

// Claim is the right to work on a job until the lease ends. Every later write
// carries the fence, so that a worker that lost its lease changes nothing.
type Claim struct {
	Job   Job
	Fence int64
	Token string // made by the client, so that a claim executed twice is still one; up to its last slash it names the worker
}

// ErrLost means that a claim is no longer good: its lease ran out and the job went
// on without it, or somebody ended the job. Nothing was changed.
var ErrLost = errors.New("the claim on the job was lost")

// Outcome is how an attempt ended that did not do its job.
type Outcome struct {
	State   State         // Open: it is tried again. Failed, Cancelled, Ambiguous: it is over
	Why     string        // for operators
	RetryIn time.Duration // of Open; wall time
	Sent    bool          // something may have left the house; always true of Ambiguous, never of Open
}
