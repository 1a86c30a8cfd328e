package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/secor"
)

// lettersAnnounceCmd is "secordesk letters announce".
type lettersAnnounceCmd struct {
	From   string `required:"" placeholder:"TIME" help:"Beginning of the window, such as \"2024-03-25 21:00\"."`
	To     string `required:"" placeholder:"TIME" help:"Its end: a time of the same day, or day and time."`
	Zone   string `default:"" placeholder:"ZONE" help:"MT, PT, CT or a province that has a calendar. Left out: the office's."`
	Reason string `required:"" help:"What is done, as companies read it."`
	Yes    bool   `help:"Record it and have the letters sent. Without it, who would get one is counted."`
	As     string `placeholder:"EMAIL" help:"Who announces it, a lead or administrator; SECORDESK_AS when left out."`
}

// Help returns the examples.
func (lettersAnnounceCmd) Help() string {
	return `Every company that has something to do now gets a letter for each such case, unless the window is over before it leaves. The same announcement again changes nothing; the
same window in other words is refused.

Examples:

	secordesk letters announce --from "2024-03-25 21:00" --to 23:00 --zone MT --reason "Maintenance of the website and the online courses."
	secordesk letters announce --from "2024-03-25 21:00" --to 23:00 --zone MT --reason "Maintenance of the website and the online courses." --yes`
}

// mostAnnounced is how many cases of one state an announcement visits at most.
const mostAnnounced = 100_000

// Run visits the cases one by one, each in an act of its own.
func (c *lettersAnnounceCmd) Run(ctx context.Context, t *terminal) error {
	cases, person, err := t.deskAs(ctx, c.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	window, err := c.window(cases)
	if err != nil {
		return err
	}
	ids, err := c.asked(ctx, cases)
	if err != nil {
		return err
	}
	err = c.sameWords(ctx, cases, window, ids)
	if err != nil {
		return plain(err)
	}
	if !c.Yes {
		fmt.Fprintf(t.out, "%d cases of companies that have something to do; nothing is recorded yet. Add --yes to tell them.\n", len(ids))
		return nil
	}
	told, before, nothing := 0, 0, 0
	for i, id := range ids {
		act := secor.Act{ID: announcedAs(window, id), By: secor.ByReviewer(person.ID), Surface: secor.SurfaceCLI, Reason: c.Reason}
		known, err := cases.Taken(ctx, act.ID)
		if err != nil {
			return err
		}
		err = cases.UpdateCase(ctx, id, act, func(f *secor.File, _ time.Time) error { return f.AnnounceMaintenance(window) })
		switch {
		case known:
			before++
		case errors.Is(err, secor.ErrIllegalMove):
			nothing++ // it has moved on since it was listed
			err = nil
		default:
			told++
		}
		if err != nil {
			return plain(err)
		}
		if (i+1)%100 == 0 {
			fmt.Fprintf(t.out, "%d of %d cases\n", i+1, len(ids))
		}
	}
	fmt.Fprintf(t.out, "Announced on %d cases; %d knew of it before, and %d have nothing to do any more.\n", told, before, nothing)
	return nil
}

func announcedAs(w secor.Window, id secor.CaseID) string {
	return fmt.Sprintf("maintenance:%d-%d:%d", w.From.Unix(), w.To.Unix(), id)
}

// sameWords refuses other words for a window that some were told of already: they
// would not hear of the correction.
func (c *lettersAnnounceCmd) sameWords(ctx context.Context, cases *desk, w secor.Window, ids []secor.CaseID) error {
	reason, err := secor.CleanText("reason", c.Reason, secor.MaxText)
	if err != nil {
		return err
	}
	for _, id := range ids {
		known, err := cases.Taken(ctx, announcedAs(w, id))
		if err != nil {
			return err
		}
		if !known {
			continue
		}
		events, err := cases.Events(ctx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(events, func(e secor.Event) bool { return e.ActID == announcedAs(w, id) })
		if i >= 0 && events[i].Text != reason {
			return &secor.Refusal{Kind: secor.ErrIllegalMove, Text: fmt.Sprintf("this window was announced before, on case %d and perhaps others: %q; those companies would not hear of other words", id, events[i].Text),
				Do: "announce it in the same words to whom it is new, or announce a window that is not the same, such as one that ends a minute later"}
		}
		return nil // all that know of it were told in one run's words
	}
	return nil
}

// asked returns the cases whose company has something to do.
func (c *lettersAnnounceCmd) asked(ctx context.Context, cases *desk) ([]secor.CaseID, error) {
	var ids []secor.CaseID
	for _, kind := range []secor.Subject{secor.SubjectRequest, secor.SubjectAudit} {
		for _, state := range secor.States(kind) {
			if secor.Next(kind, state) != secor.PartyCompany {
				continue
			}
			found, err := cases.Cases(ctx, store.CaseFilter{Kind: kind, State: state}, mostAnnounced)
			if err != nil {
				return nil, err
			}
			for _, line := range found {
				ids = append(ids, line.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// zones are the usual names of the zones of our provinces.
var zones = map[string]string{"MT": "AB", "PT": "BC", "CT": "MB"}

func (c *lettersAnnounceCmd) window(cases *desk) (secor.Window, error) {
	province := strings.ToUpper(c.Zone)
	if province == "" {
		province = cases.programme.Office
	}
	if zones[province] != "" {
		province = zones[province]
	}
	calendar := cases.programme.Calendars[province]
	if calendar == nil {
		return secor.Window{}, c.wrong("--zone", c.Zone, "is not MT, PT, CT or a province that has a calendar")
	}
	from, err := time.ParseInLocation("2006-01-02 15:04", c.From, calendar.Zone)
	if err != nil {
		return secor.Window{}, c.wrong("--from", c.From, `is not a day and time such as "2024-03-25 21:00"`)
	}
	text := c.To
	if !strings.Contains(text, " ") {
		text = from.Format(time.DateOnly) + " " + text
	}
	to, err := time.ParseInLocation("2006-01-02 15:04", text, calendar.Zone)
	switch {
	case err != nil:
		return secor.Window{}, c.wrong("--to", c.To, `is not a time such as 23:00, or a day and time`)
	case !to.After(from):
		return secor.Window{}, c.wrong("--to", c.To, "is not after the beginning; write the day, too, when it is another one")
	case to.Sub(from) > 14*24*time.Hour:
		return secor.Window{}, c.wrong("--to", c.To, "makes a window of more than two weeks")
	}
	return secor.Window{From: from, To: to, Province: province}, nil
}

func (c *lettersAnnounceCmd) wrong(field, value, problem string) error {
	return &usageError{command: "secordesk letters announce", err: &secor.FieldError{Field: field, Value: value, Problem: problem}}
}
