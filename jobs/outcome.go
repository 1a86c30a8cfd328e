package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"secordesk/jobs/mail"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// sentError is a letter that was accepted while the case would not have it.
type sentError struct {
	receipt string
	err     error
}

func (e *sentError) Error() string {
	return fmt.Sprintf("the letter was accepted (%s), but not recorded: %v", e.receipt, e.err)
}

func (e *sentError) Unwrap() error { return e.err }

func refusal(text string) error { return &secor.Refusal{Kind: secor.ErrRefused, Text: text} }

// outcome says what an error of an attempt means. A refusal ends the job, because
// it would be the same tomorrow, and so does a fault after the last attempt; what
// may have left the house is never tried again.
func (k Kind) outcome(attempt int, err error) promise.Outcome {
	o := promise.Outcome{State: promise.Open, Why: err.Error()}
	var sending *mail.SendError
	var posting *promise.PostError
	var sent *sentError
	switch {
	case errors.As(err, &sent):
		o.State, o.Sent = promise.Failed, true
	case errors.As(err, &sending) && sending.Outcome != mail.NotSent, errors.As(err, &posting) && posting.Ambiguous:
		o.State, o.Sent = promise.Ambiguous, true
	case errors.As(err, &sending) && sending.Permanent, errors.As(err, &posting) && posting.Permanent, errors.Is(err, secor.ErrRefused), attempt >= k.Attempts:
		o.State = promise.Failed
	default:
		o.RetryIn = k.Backoff(attempt)
	}
	return o
}

// errUnrecorded marks an outcome that did not reach Postgres. The lease runs out,
// and the reconciler finds the job.
var errUnrecorded = errors.New("not recorded")

const (
	// giveBackLimit bounds the giving back of a job when the process has to end.
	giveBackLimit = time.Second
	// recordPause is between two tries to record what became of an attempt.
	recordPause = 200 * time.Millisecond
)

// end records an attempt that did not do its job, and returns what was recorded.
func (a *attempt) end(err error) (promise.State, error) {
	o := a.kind.outcome(a.claim.Job.Attempts, err)
	limit, record := recordLimit, func(ctx context.Context) error { return a.promises.EndAttempt(ctx, a.claim, o) }
	switch {
	case o.Sent:
	case errors.Is(err, promise.ErrLost):
		return promise.Open, err
	case errors.Is(err, errStopping):
		o.State = promise.Open
		limit, record = giveBackLimit, func(ctx context.Context) error { return a.promises.ReleaseJob(ctx, a.claim) }
	}
	if o.State == promise.Failed && a.bounced(o, err) {
		return o.State, err
	}
	unrecorded := insist(limit, record)
	if unrecorded != nil {
		return promise.Open, fmt.Errorf("%w; %w: %w", err, errUnrecorded, unrecorded)
	}
	return o.State, err
}

// insist records an outcome, and does not give up at the first fault: nobody else
// knows it. That a letter did not leave would be forgotten with it.
func insist(limit time.Duration, record func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	again := time.NewTicker(recordPause)
	defer again.Stop()
	for {
		recorded, _ := bounded(ctx, func() (struct{}, error) { return struct{}{}, record(ctx) })
		if recorded.err == nil || final(recorded.err) {
			return recorded.err
		}
		select {
		case <-ctx.Done():
			return recorded.err
		case <-again.C:
		}
	}
}

// report is the only line about an attempt.
func (a *attempt) report(state promise.State, err error) {
	level := slog.LevelInfo
	switch {
	case state == promise.Failed || state == promise.Ambiguous:
		level = slog.LevelError
	case err != nil && !errors.Is(err, errStopping):
		level = slog.LevelWarn
	}
	c := a.claim
	attributes := []any{"job", c.Job.ID, "act", a.act.ID, "kind", c.Job.Kind, "case", c.Job.CaseID, "recipient", c.Job.Recipient,
		"attempt", c.Job.Attempts, "fence", c.Fence, "state", state}
	if err != nil {
		attributes = append(attributes, "err", err)
	}
	a.log.Log(context.Background(), level, "job ended", attributes...)
	a.Meter.ended(c.Job.Kind, state, err, wall().Sub(a.leased))
}

// chatter takes what asynq has to say about itself. It repeats itself during an
// outage, which outage says once.
type chatter struct{ log *slog.Logger }

func (c chatter) Debug(args ...any) { c.log.Debug("queue", "said", fmt.Sprint(args...)) }
func (c chatter) Info(args ...any)  { c.Debug(args...) }
func (c chatter) Warn(args ...any)  { c.Debug(args...) }
func (c chatter) Error(args ...any) { c.Debug(args...) }
func (c chatter) Fatal(args ...any) { c.log.Error("queue", "said", fmt.Sprint(args...)) }

// outage returns what is told how each look at something else went, and logs
// when it goes away and when it is back, once each.
func outage(log *slog.Logger, who string) func(error) {
	away := false
	return func(err error) {
		switch {
		case err != nil && !away:
			log.Error("waiting", "who", who, "err", err)
		case err == nil && away:
			log.Info("going on", "who", who)
		}
		away = err != nil
	}
}
