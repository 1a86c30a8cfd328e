package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"secordesk/jobs/mail"
	"secordesk/store/secor"
)

// Preview is a letter as it would leave now.
type Preview struct {
	mail.Message
	Cause secor.Event // the last event of the case from which it follows; the zero Seq: none did
	Holds bool        // its reason holds; otherwise it would not leave
}

// Preview writes the letter of a kind on a file that has begun an act, after the
// last of the case's events from which such a letter follows, and in another
// language where lang is not "". A refusal says whose address is missing, or that
// the case has nothing that the letter could be about.
func (d *Desk) Preview(ctx context.Context, k Kind, f *secor.File, events []secor.Event, lang secor.Language) (Preview, error) {
	follows := secor.FollowsTo(k.Name)
	found := Preview{Cause: secor.Event{Kind: follows[0].Event, Text: "(what the step says)"}}
	for _, e := range events {
		if slices.ContainsFunc(follows, func(f secor.Follow) bool { return f.Event == e.Kind }) {
			found.Cause = e
		}
	}
	to, err := recipient(f, readerOf(f, found.Cause, follows))
	if err != nil {
		return Preview{}, err
	}
	f.Company.Language = cmp.Or(lang, f.Company.Language)
	// A case that lacks what the letter is about is only noticed by writing it.
	written, _ := bounded(ctx, func() (mail.Message, error) {
		found.Holds = found.Cause.Seq > 0 && secor.StillTrue(k.Name, f, found.Cause)
		return k.Letter(d, f, found.Cause, to)
	})
	var lacking template.ExecError
	if errors.As(written.err, &lacking) || errors.Is(written.err, errPanic) {
		return Preview{}, &secor.Refusal{Kind: secor.ErrNotFound, Text: fmt.Sprintf("case %d has nothing that this letter, %s, could be about", f.Case.ID, k.Name),
			Do: fmt.Sprintf("secordesk jobs list --all --kind %s finds a case that has", k.Name)}
	}
	found.Message = written.value
	_, domain, _ := strings.Cut(d.From, "@")
	found.ID = fmt.Sprintf("preview-%d@%s", f.Case.ID, domain)
	return found, written.err
}

// readerOf returns to whom a letter that follows from an event goes; where those
// are several people, the first of them. Where the event says nothing of who held the
// case before, it is shown as its holder would get it.
func readerOf(f *secor.File, cause secor.Event, follows []secor.Follow) string {
	i := max(0, slices.IndexFunc(follows, func(f secor.Follow) bool { return f.Event == cause.Kind }))
	to, err := f.Recipients(follows[i].Audience, cause)
	if err != nil || len(to) == 0 {
		to, err = f.Recipients(secor.AudienceHolder, cause)
	}
	if err != nil {
		return "the desk"
	}
	return to[0]
}
