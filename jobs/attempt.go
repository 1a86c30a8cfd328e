package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"secordesk/jobs/mail"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// errUnrenewed is why work is broken off when the lease may have run out unseen.
var errUnrenewed = errors.New("the lease could not be renewed")

// attempt is one claim on one job, from the claim to its outcome.
type attempt struct {
	*Worker
	lane   *lane
	kind   Kind
	claim  promise.Claim
	act    secor.Act
	leased time.Time // not after the lease's start by Postgres

	to      string // address that the letter leaves for
	sending bool
	inside  atomic.Bool     // in a family's code or a sender's, and not in Postgres's hands
	left    <-chan struct{} // closed when a call that was left behind came back; nil: none was
}

// attempt does a claimed job, records how it ended and says so in one line.
func (w *Worker) attempt(l *lane, kind Kind, c promise.Claim, leased time.Time) {
	act := secor.Act{ID: ActOf(c.Job.ID), By: secor.Desk, Surface: secor.SurfaceJob, Assigns: kind.Assigns}
	a := &attempt{Worker: w, lane: l, kind: kind, claim: c, act: act, leased: leased}
	w.Meter.claimed(c.Job.Kind)
	state, err := a.run()
	a.finish(state, err)
	if a.sending {
		w.endSend()
	}
	a.letGo()
}

// ActOf returns the id of the act under which a job records what it did. It is the
// same for every attempt: what one of them recorded, the next finds.
func ActOf(job int64) string { return fmt.Sprintf("job:%d", job) }

// again returns the attempt for what comes late, while nobody waits for it.
func (a *attempt) again() *attempt {
	return &attempt{Worker: a.Worker, lane: a.lane, kind: a.kind, claim: a.claim, act: a.act, leased: a.leased, to: a.to}
}

func (a *attempt) finish(state promise.State, err error) {
	if err != nil {
		state, err = a.end(err)
	}
	a.report(state, err)
}

// run does the job while its lease is renewed in the background.
func (a *attempt) run() (promise.State, error) {
	poisoned, err := a.poisoned()
	if err != nil {
		return promise.Open, err
	}
	if poisoned || a.claim.Job.Attempts > a.kind.Attempts {
		return promise.Open, refusal("no attempt came to an end; the last one: " + a.claim.Job.LastError)
	}
	ctx, cancel := context.WithTimeoutCause(a.working, a.kind.Timeout, tooLong(a.kind.Timeout))
	defer cancel()
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	renewing := time.AfterFunc(a.pace.Renew, func() { a.renew(ctx, lose) })
	defer renewing.Stop()
	if a.kind.sends() {
		return a.send(ctx)
	}
	finish := func() (promise.State, error) {
		if a.kind.Chore != nil {
			return a.kind.Chore(a.promises, ctx, a.claim)
		}
		return a.promises.FinishWork(ctx, a.claim, a.act, func(f *secor.File, cause secor.Event) error {
			defer a.enter()()
			return a.kind.Work(a.desk, f, cause)
		})
	}
	return part(ctx, a, finish, a.recorded)
}

// lostLimit is how many attempts in a row may be lost with their worker. A job that
// is patient with an outage must not take every worker with it for days.
const lostLimit = 12

// poisoned reports whether the last attempts were all lost. It asks only about jobs
// that were tried so often.
func (a *attempt) poisoned() (bool, error) {
	if a.claim.Job.Attempts <= lostLimit {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(a.working, a.pace.Lease/2)
	defer cancel()
	past, _ := bounded(ctx, func() ([]promise.Attempt, error) { return a.promises.Attempts(ctx, a.claim.Job.ID) })
	if past.err != nil {
		return false, because(ctx, past.err)
	}
	lost := 0
	for _, p := range past.value {
		switch p.Outcome {
		case promise.EndLeaseLost:
			lost++
		case promise.EndGivenBack:
		default:
			lost = 0
		}
	}
	return lost >= lostLimit, nil
}

// renew keeps the lease until ctx ends. When it is lost, or cannot be renewed
// before it may run out, the work is broken off.
func (a *attempt) renew(ctx context.Context, lose context.CancelCauseFunc) {
	tick := time.NewTicker(a.pace.Renew)
	defer tick.Stop()
	// A call to Postgres can hang beyond its context, and must not hold this up.
	deadline := time.AfterFunc(a.leased.Add(a.pace.Lease).Sub(wall()), func() { lose(errUnrenewed) })
	defer deadline.Stop()
	for ctx.Err() == nil {
		began := wall()
		err := a.promises.RenewClaim(ctx, a.claim, a.pace.Lease)
		switch {
		case err == nil:
			deadline.Reset(began.Add(a.pace.Lease).Sub(wall()))
		case errors.Is(err, promise.ErrLost):
			lose(err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// prepared is a letter, or a card, that may leave now.
type prepared struct {
	mail.Message
	card   promise.Card
	starts bool      // false: its reason does not hold any more
	at     time.Time // not after the start of sending by Postgres
}

// send makes the letter under the case's lock, commits that sending begins, sends
// and records the receipt. From that commit on neither the order to stop nor a
// lost lease ends it before its own timeout: the answer is worth more.
func (a *attempt) send(ctx context.Context) (promise.State, error) {
	letter, err := part(ctx, a, func() (prepared, error) { return a.prepare(ctx) }, nil)
	if err != nil {
		return promise.Open, err
	}
	if !letter.starts {
		return promise.Cancelled, nil
	}
	// Postgres gave the sending its timeout and a lease to spare.
	if wall().Sub(letter.at) > a.pace.Lease/2 {
		return promise.Open, errors.New("nothing was sent: the leave to begin came too late")
	}
	a.sending = a.beginSend(a.kind.Timeout)
	if !a.sending {
		return promise.Open, errStopping
	}
	return a.answered(a.deliver(letter))
}

// prepare returns a letter that may be sent. One that is left behind in here is
// never sent, because nobody takes it on.
func (a *attempt) prepare(ctx context.Context) (prepared, error) {
	var letter prepared
	switch {
	case a.kind.Batch != nil:
		return a.prepareBatch(ctx)
	case a.kind.Card != nil:
		return a.prepareCard(ctx)
	}
	write := func(f *secor.File, cause secor.Event) error {
		defer a.enter()()
		to, err := recipient(f, a.claim.Job.Recipient)
		if err != nil {
			return err
		}
		letter.Message, err = a.kind.Letter(a.desk, f, cause, to)
		letter.ID = messageID(a.claim.Job.ID, letter.From)
		letter.at = wall()
		return err
	}
	starts, err := a.promises.StartSend(ctx, a.claim, a.act, a.kind.Timeout+a.pace.Lease, write)
	letter.starts = starts
	return letter, err
}

// prepareBatch is prepare for the file of a batch.
func (a *attempt) prepareBatch(ctx context.Context) (prepared, error) {
	var letter prepared
	write := func(b secor.BodyBatch, file secor.Document, now time.Time) error {
		defer a.enter()()
		var err error
		letter.Message, err = a.kind.Batch(a.desk, b, mail.Attachment{Name: file.Name, Type: file.Type, Data: file.Data}, now)
		letter.ID = messageID(a.claim.Job.ID, letter.From)
		letter.at = wall()
		return err
	}
	starts, err := a.promises.StartBatch(ctx, a.claim, a.kind.Timeout+a.pace.Lease, write)
	letter.starts = starts
	return letter, err
}

// messageID names the letter of a job for ever, so that a doubtful one can be
// looked for.
func messageID(job int64, from string) string {
	_, domain, _ := strings.Cut(from, "@")
	return fmt.Sprintf("job-%d@%s", job, domain)
}

// JobOf returns the job whose letter has a Message-ID, and the domain that it was
// sent from. It is false for an ID that is none of ours.
func JobOf(messageID string) (int64, string, bool) {
	name, domain, _ := strings.Cut(messageID, "@")
	number, ours := strings.CutPrefix(name, "job-")
	id, err := strconv.ParseInt(number, 10, 64)
	return id, domain, ours && err == nil && id > 0 && number == strconv.FormatInt(id, 10)
}

// deliver sends a letter or posts a card. Its errors are all of the one type that says what is
// certain. An answer that comes when nobody waits any more is recorded all the same.
func (a *attempt) deliver(ready prepared) (string, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), a.kind.Timeout, tooLong(a.kind.Timeout))
	defer cancel()
	defer a.Meter.sending()()
	a.to = ready.To
	send := func() (string, error) {
		defer a.enter()()
		if a.kind.Card != nil {
			return a.post(ctx, ready.card)
		}
		receipt, err := a.sender.Send(ctx, ready.Message)
		return receipt, certain(err)
	}
	receipt, err := part(ctx, a, send, func(receipt string, err error) {
		later := a.again()
		later.finish(later.answered(receipt, certain(err)))
	})
	return receipt, certain(err)
}

// certain returns an error of sending as one that says what is certain.
func certain(err error) error {
	var known *mail.SendError
	var posting *promise.PostError
	if err == nil || errors.As(err, &known) || errors.As(err, &posting) {
		return err
	}
	return &mail.SendError{Outcome: mail.Ambiguous, Step: mail.StepLetter, Err: err}
}

// answered takes on what the other side said.
func (a *attempt) answered(receipt string, err error) (promise.State, error) {
	if err != nil {
		return promise.Open, err
	}
	err = a.accepted(receipt)
	if err != nil {
		return promise.Open, &sentError{receipt: receipt, err: err}
	}
	return promise.Done, nil
}

// accepted records a receipt, and does not give up lightly: nobody else has it.
func (a *attempt) accepted(receipt string) error {
	ctx, cancel := context.WithTimeout(context.Background(), recordLimit)
	defer cancel()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	finish := func() (promise.State, error) {
		if a.kind.Batch != nil {
			return promise.Done, a.promises.FinishBatch(ctx, a.claim, receipt)
		}
		return promise.Done, a.promises.FinishSend(ctx, a.claim, receipt, a.act, func(f *secor.File) error {
			defer a.enter()()
			return f.Accepted(secor.JobKind(a.claim.Job.Kind), a.claim.Job.Recipient+" <"+a.to+">")
		})
	}
	for {
		_, err := part(ctx, a, finish, a.recorded)
		if err == nil || final(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
}

// final reports an error that the same call would return again.
func final(err error) bool {
	for _, same := range []error{secor.ErrRefused, promise.ErrLost, errPanic, errExit, errStuck} {
		if errors.Is(err, same) {
			return true
		}
	}
	return false
}

// enter says that the attempt is in code that is not the engine's; the returned
// function says that it came back.
func (a *attempt) enter() func() {
	a.inside.Store(true)
	return func() { a.inside.Store(false) }
}

// part makes one call of an attempt, bounded by ctx. Late is told the answer of a
// call that was left behind; it may be nil.
func part[T any](ctx context.Context, a *attempt, call func() (T, error), late func(T, error)) (T, error) {
	got, coming := bounded(ctx, call)
	if coming != nil {
		back := a.leave()
		go func() {
			answer := <-coming
			back()
			if late != nil {
				late(answer.value, answer.err)
			}
		}()
	}
	return got.value, because(ctx, got.err)
}

// leave counts a call that is left behind; the returned function says that it
// came back. What hangs in Postgres's hands is not the handler's fault.
func (a *attempt) leave() func() {
	back := make(chan struct{})
	a.left = back
	if !a.inside.Load() {
		return func() { close(back) }
	}
	about := []any{"job", a.claim.Job.ID, "kind", a.claim.Job.Kind}
	a.log.Error("handler is stuck", append(about, "stuck", a.stuck.Add(1))...)
	return func() {
		close(back)
		a.log.Warn("stuck handler came back", append(about, "stuck", a.stuck.Add(-1))...)
	}
}

// recorded reports what was recorded after all by a call that was left behind.
// Any other answer of it changed nothing.
func (a *attempt) recorded(state promise.State, err error) {
	if err == nil {
		a.report(state, nil)
	}
}

// letGo lets the attempt's slot go to another job. A lane leaves as many calls
// behind as it has slots; from then on each keeps its slot, so that a kind that
// never ends cannot fill the process.
func (a *attempt) letGo() {
	if a.left == nil {
		return
	}
	select {
	case a.lane.left <- struct{}{}:
	default:
		a.log.Error("queue is losing its slots; restart this process", "queue", a.lane.Queue, "job", a.claim.Job.ID, "kind", a.claim.Job.Kind)
		select {
		case a.lane.left <- struct{}{}:
		case <-a.left:
			return
		case <-a.working.Done():
			return
		}
	}
	go func() { <-a.left; <-a.lane.left }()
}
