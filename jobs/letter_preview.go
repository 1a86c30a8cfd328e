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
	Cause secor.Event // the last event of the case from which it follows
	Holds bool        // its reason holds; otherwise it would not leave
}

// Preview writes the letter of a kind on a file that has begun an act, after the
// last of the case's events from which such a letter follows, and in another
// language where lang is not "". A refusal says whose address is missing, or what
// the case does not have that the letter would tell: its cause, a result, a number.
func (d *Desk) Preview(ctx context.Context, k Kind, f *secor.File, events []secor.Event, lang secor.Language) (Preview, error) {
	follows := secor.FollowsTo(k.Name)
	found := Preview{}
	for _, e := range events {
		if slices.ContainsFunc(follows, func(f secor.Follow) bool { return f.Event == e.Kind }) {
			found.Cause = e
		}
	}
	err := groundless(k, f, found.Cause, follows)
	if err != nil {
		return Preview{}, err
	}
	to, err := recipient(f, readerOf(f, found.Cause, follows))
	if err != nil {
		return Preview{}, err
	}
	f.Company.Language = cmp.Or(lang, f.Company.Language)
	// A case that lacks what the letter is about is only noticed by writing it.
	written, _ := bounded(ctx, func() (mail.Message, error) {
		found.Holds = secor.StillTrue(k.Name, f, found.Cause)
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

// groundless refuses a letter that would tell what is not so: one without a cause
// in the case's history, or about what the case does not have now.
func groundless(k Kind, f *secor.File, cause secor.Event, follows []secor.Follow) error {
	if cause.Seq == 0 {
		var events []string
		for _, follow := range follows {
			events = append(events, string(follow.Event))
		}
		slices.Sort(events)
		return &secor.Refusal{Kind: secor.ErrNotFound, Text: fmt.Sprintf("nothing has happened on case %d from which this letter, %s, follows (%s)", f.Case.ID, k.Name,
			strings.Join(slices.Compact(events), ", ")), Do: fmt.Sprintf("secordesk jobs list --all --kind %s finds a case on which it has", k.Name)}
	}
	lacks := lackedBy(k.Name, f)
	if lacks == "" {
		return nil
	}
	return &secor.Refusal{Kind: secor.ErrNotFound, Text: fmt.Sprintf("case %d has no %s now, which this letter, %s, tells", f.Case.ID, lacks, k.Name),
		Do: fmt.Sprintf("secordesk case history %d says what has become of it", f.Case.ID)}
}

// lackedBy names what a letter tells and the case does not have. Most letters
// cannot be written without it; these would leave a gap.
func lackedBy(kind secor.JobKind, f *secor.File) string {
	result := secor.VerdictPass
	switch kind {
	case secor.JobMailed, secor.JobElectronic:
		c := f.Certificate()
		switch {
		case c == nil || c.Number == "":
			return "certificate with a number"
		case kind == secor.JobMailed && c.MailedOn.IsZero():
			return "certificate that was mailed"
		}
		return ""
	case secor.JobFail:
		result = secor.VerdictFail
	case secor.JobPass, secor.JobDeclined, secor.JobAskOneYear, secor.JobRequestCertificate:
	default:
		return ""
	}
	if f.Audit == nil || f.Audit.Result != result {
		return fmt.Sprintf("confirmed result %q", result)
	}
	return ""
}

// ShowsScore reports whether the letter tells a score: before it is told, that is
// for the holder and the leads alone.
func (k Kind) ShowsScore() bool {
	return slices.Contains([]secor.JobKind{secor.JobPass, secor.JobFail, secor.JobDeclined, secor.JobAskOneYear, secor.JobRequestCertificate, secor.JobTellReviewer}, k.Name)
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
