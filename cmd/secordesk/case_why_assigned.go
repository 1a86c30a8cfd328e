package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"secordesk/store/secor"
)

// caseWhyAssignedCmd is "secordesk case why-assigned".
type caseWhyAssignedCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	JSON bool         `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (caseWhyAssignedCmd) Help() string {
	return `Shows each time that the audit was given to somebody, waited for somebody or was taken from somebody, and why: who was looked at, what each held then, and what spoke against them. Loads are in full audits, weighted by purpose and state. Names are today's.

Examples:

	secordesk case why-assigned 14
	secordesk case why-assigned 14 --json`
}

// Run tells the assignments of one case.
func (c *caseWhyAssignedCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	f, err := cases.File(ctx, c.Case)
	if err != nil {
		return plain(err)
	}
	events, err := cases.Events(ctx, c.Case)
	if err != nil {
		return err
	}
	told, err := assignments(f, events)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(t.out, told)
	}
	return writeAssignments(t, f, told)
}

// assignmentJSON is one turn in who holds an audit.
type assignmentJSON struct {
	Seq        int             `json:"seq"`
	At         time.Time       `json:"at"`
	Event      secor.EventKind `json:"event"`
	By         string          `json:"by"`
	To         *personJSON     `json:"to"`
	From       *personJSON     `json:"from"`
	Why        string          `json:"why"`
	Need       string          `json:"need"`
	Reason     string          `json:"reason"`
	Candidates []candidateJSON `json:"candidates"`

	does string
}

type personJSON struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// candidateJSON is who was looked at. Load is in full audits; it, held, capacity and
// the last assignment are absent where an early release did not record them.
type candidateJSON struct {
	personJSON
	Chosen       bool       `json:"chosen"`
	Why          string     `json:"why"`
	Held         *int       `json:"held,omitempty"`
	Load         string     `json:"load,omitempty"`
	Capacity     *int       `json:"capacity,omitempty"`
	LastAssigned *time.Time `json:"last_assigned_at,omitempty"`
}

// turns are the events that say who holds an audit, and how a person tells them.
func turns() map[secor.EventKind]string {
	return map[secor.EventKind]string{
		secor.EventAuditAssigned: "given to %s", secor.EventAuditAppealed: "appealed, and given to %s", secor.EventAssignmentWaits: "waits",
		secor.EventAssignmentStuck: "waits, and a lead is told", secor.EventAuditHandedBack: "handed back by %s",
		secor.EventAuditUnassigned: "taken from %s", secor.EventAuditReturned: "returned to the company to be done again",
		secor.EventRevisionUncovered: "a revision came in while %s is away, and stays", secor.EventRevisionQueued: "a revision came in while nobody held it",
	}
}

func assignments(f *secor.File, events []secor.Event) ([]assignmentJSON, error) {
	told := []assignmentJSON{}
	known := turns()
	for _, e := range events {
		does, turn := known[e.Kind]
		if !turn {
			continue
		}
		a := assignmentJSON{Seq: e.Seq, At: e.HappenedAt.UTC(), Event: e.Kind, By: nameOf(f, e.By), To: personOf(f, e.Facts["reviewer"]),
			From: personOf(f, e.Facts["from"]), Why: e.Facts["why"], Need: e.Facts["need"], Reason: e.Text, does: does}
		seen, err := secor.Candidates(e)
		if err != nil {
			return nil, fmt.Errorf("event %d of case %d: %w", e.Seq, f.Case.ID, err)
		}
		a.Candidates = []candidateJSON{}
		for _, c := range seen {
			if e.Kind != secor.EventRevisionUncovered { // which names its holder, and looked at nobody else
				a.Candidates = append(a.Candidates, newCandidateJSON(f, c))
			}
		}
		told = append(told, a)
	}
	return told, nil
}

func personOf(f *secor.File, number string) *personJSON {
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil
	}
	return &personJSON{ID: id, Name: nameOf(f, secor.ByReviewer(id))}
}

func newCandidateJSON(f *secor.File, c secor.Candidate) candidateJSON {
	line := candidateJSON{personJSON: personJSON{ID: c.ReviewerID, Name: nameOf(f, secor.ByReviewer(c.ReviewerID))}, Chosen: c.Chosen, Why: c.Why, Load: c.Load}
	if c.Known {
		line.Held, line.Capacity = &c.Held, &c.Capacity
	}
	if !c.LastAssigned.IsZero() {
		line.LastAssigned = &c.LastAssigned
	}
	return line
}

func writeAssignments(t *terminal, f *secor.File, told []assignmentJSON) error {
	fmt.Fprintf(t.out, "%s.\n", standing(f))
	if len(told) == 0 {
		_, err := fmt.Fprintln(t.out, "\nNobody was given it yet.")
		return err
	}
	zone := f.Programme.Calendars[f.Programme.Office].Zone
	for _, a := range told {
		who := a.To
		if a.Event == secor.EventAuditHandedBack || a.Event == secor.EventAuditUnassigned {
			who = a.From
		}
		does := a.does
		if strings.Contains(does, "%s") {
			name := "somebody whom nobody recorded"
			if who != nil {
				name = who.Name
			}
			does = fmt.Sprintf(does, name)
		}
		line := fmt.Sprintf("%s  %s, by %s", a.At.In(zone).Format("2 Jan 2006 15:04"), does, a.By)
		for _, text := range []string{a.Why, a.Need, a.Reason} {
			if text != "" {
				line += "; " + text
			}
		}
		fmt.Fprintf(t.out, "\n%s\n", fold(line, "  "))
		err := writeCandidates(t, a.Candidates, zone)
		if err != nil {
			return err
		}
	}
	return nil
}

func writeCandidates(t *terminal, candidates []candidateJSON, zone *time.Location) error {
	if len(candidates) == 0 {
		return nil
	}
	out := &table{heads: []string{"", "Person", "Load", "of", "Held", "Last assigned", "Why not"}, right: []int{2, 3, 4}}
	for _, c := range candidates {
		mark, load, capacity, held, last := "", "?", "?", "?", "not recorded"
		if c.Chosen {
			mark = t.paint(green, ">")
		}
		if c.Held != nil {
			load, capacity, held, last = c.Load, strconv.Itoa(*c.Capacity), strconv.Itoa(*c.Held), "never"
		}
		if c.LastAssigned != nil {
			last = c.LastAssigned.In(zone).Format("2 Jan 2006 15:04")
		}
		out.add(mark, c.Name, load, capacity, held, last, cmp.Or(c.Why, "chosen"))
	}
	return out.write(t.out)
}
