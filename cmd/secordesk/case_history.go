package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"secordesk/store/secor"
)

// caseHistoryCmd is "secordesk case history".
type caseHistoryCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	JSON bool         `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (caseHistoryCmd) Help() string {
	return "Examples:\n\n\tsecordesk case history 14\n\tsecordesk case history 14 --json"
}

// Run shows every event of one case.
func (c *caseHistoryCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	return c.history(ctx, cases, t)
}

func (c *caseHistoryCmd) history(ctx context.Context, cases caseStore, t *terminal) error {
	f, err := cases.File(ctx, c.Case)
	if err != nil {
		return plain(err)
	}
	events, err := cases.Events(ctx, c.Case)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeEventsJSON(t, events)
	}
	zone := f.Programme.Calendars[f.Programme.Office].Zone
	for _, e := range events {
		_, err = fmt.Fprintf(t.out, "%s\n", strings.Join(eventLines(f, e, zone), "\n"))
		if err != nil {
			return err
		}
	}
	return nil
}

// eventLines shows an event: when, what, who and where on the first line; its
// text and its facts below.
func eventLines(f *secor.File, e secor.Event, zone *time.Location) []string {
	const form = "2006-01-02 15:04"
	head := fmt.Sprintf("%3d  %s  %s", e.Seq, e.HappenedAt.In(zone).Format(form), e.Kind)
	if e.Subject != "" {
		head += fmt.Sprintf(": %s → %s", cmp.Or(e.From.Words(), "new"), e.To.Words())
	}
	head += fmt.Sprintf(", by %s (%s)", nameOf(f, e.By), e.Surface)
	if e.OnBehalfOf != (secor.Actor{}) {
		head += " for " + nameOf(f, e.OnBehalfOf)
	}
	if !e.RecordedAt.Equal(e.HappenedAt) {
		head += ", recorded " + e.RecordedAt.In(zone).Format(form)
	}
	lines := []string{head}
	if e.Text != "" {
		lines = append(lines, "     "+e.Text)
	}
	if words := factWords(e.Facts); words != "" {
		lines = append(lines, "     "+words)
	}
	return lines
}

func factWords(facts map[string]string) string {
	var words []string
	for name, value := range facts {
		// Who else was looked at is why-assigned's to show.
		looked := strings.HasPrefix(name, "not_") || strings.HasPrefix(name, "seen_")
		if value != "" && !looked {
			words = append(words, name+" "+value)
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

type eventJSON struct {
	Seq        int               `json:"seq"`
	Kind       secor.EventKind   `json:"kind"`
	Subject    secor.Subject     `json:"subject,omitempty"`
	From       secor.State       `json:"from,omitempty"`
	To         secor.State       `json:"to,omitempty"`
	By         string            `json:"by"`
	OnBehalfOf string            `json:"on_behalf_of,omitempty"`
	Surface    secor.Surface     `json:"surface"`
	Act        string            `json:"act"`
	HappenedAt time.Time         `json:"happened_at"`
	RecordedAt time.Time         `json:"recorded_at"`
	Text       string            `json:"text,omitempty"`
	Facts      map[string]string `json:"facts,omitempty"`
}

func writeEventsJSON(t *terminal, events []secor.Event) error {
	out := []eventJSON{}
	for _, e := range events {
		out = append(out, newEventJSON(e))
	}
	return writeJSON(t.out, out)
}

func newEventJSON(e secor.Event) eventJSON {
	return eventJSON{e.Seq, e.Kind, e.Subject, e.From, e.To, e.By.String(), e.OnBehalfOf.String(), e.Surface, e.ActID,
		e.HappenedAt.UTC(), e.RecordedAt.UTC(), e.Text, e.Facts}
}
