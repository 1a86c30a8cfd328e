package jobs

import (
	"context"
	"errors"
	"strings"
	"time"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Poster posts a card and returns what names the message there. A
// *promise.PostError says what is certain about a card that was not accepted;
// after any other error it may stand in the channel.
type Poster interface {
	Post(ctx context.Context, card promise.Card) (string, error)
}

// cardKinds show the desk's channel what waits for somebody. They are promised
// only while the store has a channel.
func cardKinds() []Kind {
	return []Kind{{Name: secor.JobPostCard, Queue: Mail, Timeout: 30 * time.Second, Attempts: letterAttempts,
		Backoff: doubling(5*time.Second, time.Hour), Card: cardOf}}
}

// cardOf shows a case as it is now.
func cardOf(d *Desk, f *secor.File, cause secor.Event) promise.Card {
	card := promise.Card{Sort: string(cause.Kind), Case: int64(f.Case.ID), Version: f.Case.Version, Kind: string(f.Case.Kind), State: string(f.Case.State),
		Company: f.Company.LegalName, Body: f.Case.Body, Next: string(secor.Next(f.Case.Kind, f.Case.State))}
	pledge, promised := f.Pledge()
	if promised {
		card.Due = pledge.Due
	}
	if f.Request == nil {
		return card
	}
	for _, finding := range f.Check(secor.MomentRequest) {
		card.Notes = append(card.Notes, finding.Text)
	}
	return card
}

// prepareCard is prepare for a card.
func (a *attempt) prepareCard(ctx context.Context) (prepared, error) {
	var ready prepared
	draw := func(f *secor.File, cause secor.Event) error {
		defer a.enter()()
		card := a.kind.Card(a.desk, f, cause)
		card.Key = a.claim.Job.Key
		card.Channel = strings.TrimPrefix(a.claim.Job.Recipient, "channel:")
		ready.card, ready.at = card, wall()
		return nil
	}
	starts, err := a.promises.StartSend(ctx, a.claim, a.act, a.kind.Timeout+a.pace.Lease, draw)
	ready.starts = starts
	return ready, err
}

// errNoPoster is why a card waits in a process that was not told how to post it.
var errNoPoster = errors.New("this worker posts no cards")

// post posts a card. Its errors are all of the one type that says what is certain.
func (w *Worker) post(ctx context.Context, card promise.Card) (string, error) {
	if w.Poster == nil {
		return "", &promise.PostError{Err: errNoPoster}
	}
	receipt, err := w.Poster.Post(ctx, card)
	var known *promise.PostError
	if err == nil || errors.As(err, &known) {
		return receipt, err
	}
	return "", &promise.PostError{Ambiguous: true, Err: err}
}
