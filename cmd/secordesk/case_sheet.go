package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"secordesk/store/secor"
)

// caseSheetCmd is "secordesk case sheet".
type caseSheetCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	JSON bool         `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (caseSheetCmd) Help() string {
	return "Examples:\n\n\tsecordesk case sheet 14\n\tsecordesk case sheet 14 --json"
}

// Run shows every question as claimed and as verified, who changed it and why,
// and the notes.
func (c *caseSheetCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	f, err := cases.File(ctx, c.Case)
	if err != nil {
		return plain(err)
	}
	if f.Audit == nil {
		return &secor.Refusal{Kind: secor.ErrIllegalMove, Text: fmt.Sprintf("case %d is a request and has no sheet", c.Case), Do: "name an audit"}
	}
	events, err := cases.Events(ctx, c.Case)
	if err != nil {
		return err
	}
	s := sheetOf(f, events)
	if c.JSON {
		return writeJSON(t.out, s)
	}
	return s.write(t, f.Programme.Calendars[f.Programme.Office].Zone)
}

// sheetJSON is what sheet --json prints. Marks are "3.50/5.00", "n/a" or "unscored".
type sheetJSON struct {
	Elements []sheetElement `json:"elements"`
	Months   sheetMonths    `json:"months"` // policies/records
	Notes    []noteJSON     `json:"notes"`  // about a question, the months, the headcount or all of it

	notes []secor.Note
}

type sheetElement struct {
	ID        string      `json:"id"`
	Title     string      `json:"title"`
	LookedAt  bool        `json:"looked_at"` // by who holds the audit: agreed with, or a mark of it changed
	Questions []sheetLine `json:"questions"`
}

type sheetLine struct {
	ID       string        `json:"id"`
	Claimed  string        `json:"claimed"`
	Verified string        `json:"verified"`
	Changes  []sheetChange `json:"changes"`
}

type sheetChange struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"` // name of the person
	From string    `json:"from"`
	To   string    `json:"to"`
	Why  string    `json:"why"`
}

type sheetMonths struct {
	Claimed  string        `json:"claimed"`
	Verified string        `json:"verified"`
	Changes  []sheetChange `json:"changes"`
}

func sheetOf(f *secor.File, events []secor.Event) sheetJSON {
	changes := map[string][]sheetChange{}
	for _, e := range events {
		subject := e.Facts["question"]
		if e.Kind == secor.EventMonthsVerified {
			subject = secor.SubjectMonths
		}
		if e.Kind == secor.EventMarkChanged || e.Kind == secor.EventMonthsVerified {
			changes[subject] = append(changes[subject], sheetChange{At: e.HappenedAt.UTC(), By: nameOf(f, e.By), From: e.Facts["from"], To: e.Facts["to"], Why: e.Text})
		}
	}
	s := sheetJSON{Elements: []sheetElement{}, Notes: notesJSON(f.Notes), notes: f.Notes,
		Months: sheetMonths{Claimed: monthsOf(f.Audit.Claimed), Verified: monthsOf(f.Audit.Verified), Changes: append([]sheetChange{}, changes[secor.SubjectMonths]...)}}
	unlooked := f.Unlooked()
	for _, e := range f.Protocol.Elements {
		element := sheetElement{ID: e.ID, Title: e.Title, LookedAt: !slices.Contains(unlooked, e.ID), Questions: []sheetLine{}}
		for _, q := range e.Questions {
			line := f.Sheet[q.ID]
			element.Questions = append(element.Questions, sheetLine{ID: q.ID, Claimed: line.Claimed.Words(), Verified: line.Verified.Words(),
				Changes: append([]sheetChange{}, changes[q.ID]...)})
		}
		s.Elements = append(s.Elements, element)
	}
	return s
}

func (s sheetJSON) write(t *terminal, zone *time.Location) error {
	out := &table{heads: []string{"", "Claimed", "Verified", ""}, right: []int{1, 2}}
	for _, e := range s.Elements {
		looked := "not looked at"
		if e.LookedAt {
			looked = "looked at"
		}
		out.add(e.ID, "", "", e.Title+", "+looked)
		for _, q := range e.Questions {
			out.add("  "+q.ID, q.Claimed, q.Verified, strings.Join(changeWords(q.Changes, zone), "; "))
			s.addNotes(out, q.ID)
		}
	}
	out.add("Months", s.Months.Claimed, s.Months.Verified, strings.Join(changeWords(s.Months.Changes, zone), "; "))
	for _, subject := range append(secor.SheetSubjects(), "") {
		s.addNotes(out, subject)
	}
	return out.write(t.out)
}

func (s sheetJSON) addNotes(out *table, subject string) {
	for _, n := range s.notes {
		if n.Question == subject {
			out.add("", "", "", fmt.Sprintf("Note %d, %s", n.Number, noteWords(n)))
		}
	}
}

func changeWords(changes []sheetChange, zone *time.Location) []string {
	var words []string
	for _, c := range changes {
		words = append(words, fmt.Sprintf("%s to %s on %s by %s: %s", c.From, c.To, c.At.In(zone).Format("2 Jan"), c.By, c.Why))
	}
	return words
}
