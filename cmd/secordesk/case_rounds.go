package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"secordesk/store/secor"
)

// caseRoundsCmd is "secordesk case rounds".
type caseRoundsCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	JSON bool         `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (caseRoundsCmd) Help() string {
	return `What the company changed is shown for each round, with the note that asked for it. What no note asked for is marked.

Examples:

	secordesk case rounds 14
	secordesk case rounds 14 --json`
}

// Run shows what the company handed in, round by round.
func (c *caseRoundsCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	f, err := cases.File(ctx, c.Case)
	if err != nil {
		return plain(err)
	}
	rounds, err := cases.Rounds(ctx, c.Case)
	if err != nil {
		return err
	}
	events, err := cases.Events(ctx, c.Case)
	if err != nil {
		return err
	}
	shown := roundsOf(f, rounds, events, t.now())
	if c.JSON {
		return writeJSON(t.out, shown)
	}
	return shown.write(t, f.Programme.Calendars[f.Programme.Office].Zone)
}

// roundJSON is a round as rounds --json prints it. Instants are UTC, months are
// "policies/records".
type roundJSON struct {
	Number       int          `json:"number"`
	HandedInAt   time.Time    `json:"handed_in_at"`
	Questions    int          `json:"questions"` // with a claimed mark
	Months       string       `json:"months"`
	Headcount    int          `json:"headcount"`
	LastDay      string       `json:"last_day"`
	LegalName    string       `json:"legal_name,omitempty"`
	Account      string       `json:"account,omitempty"`
	EvidenceURL  string       `json:"evidence_url,omitempty"`
	OfficeUntil  *time.Time   `json:"office_until"`  // null: it is with the office
	CompanyUntil *time.Time   `json:"company_until"` // null: it is not back, or nothing more was asked
	OfficeDays   int          `json:"office_days"`   // whole days
	CompanyDays  int          `json:"company_days"`
	Changes      []changeJSON `json:"changes"`

	asked bool // something more was asked of the company
}

type changeJSON struct {
	Subject string `json:"subject"` // a question, months, headcount, last_day, legal_name or evidence_url
	From    string `json:"from"`
	To      string `json:"to"`
	Note    int    `json:"note,omitempty"`
	Asked   bool   `json:"asked"`
}

type roundList []roundJSON

func roundsOf(f *secor.File, rounds []secor.Round, events []secor.Event, now time.Time) roundList {
	list := roundList{}
	for i, r := range rounds {
		j := roundJSON{Number: r.Number, HandedInAt: r.At, Questions: len(r.Marks), Months: monthsOf(r.Months), Headcount: r.Headcount, LastDay: r.LastDay.String(),
			LegalName: r.Stated.LegalName, Account: r.Stated.Account, EvidenceURL: r.Stated.EvidenceURL, Changes: []changeJSON{}}
		if i > 0 {
			for _, c := range secor.Changes(rounds[i-1], r, f.Notes) {
				j.Changes = append(j.Changes, changeJSON{Subject: c.Subject, From: c.From, To: c.To, Note: c.Note, Asked: c.Note != 0})
			}
		}
		if i+1 < len(rounds) {
			next := rounds[i+1].At
			j.CompanyUntil = &next
		}
		j.turns(events, now)
		list = append(list, j)
	}
	return list
}

// turns finds until when a round was with the office, and for how long with either.
func (j *roundJSON) turns(events []secor.Event, now time.Time) {
	handed := slices.IndexFunc(events, func(e secor.Event) bool {
		return e.Facts["sheet"] != "" && e.Facts["round"] == strconv.Itoa(j.Number)
	})
	for _, e := range events[handed+1:] {
		if e.Facts["sheet"] != "" {
			break
		}
		if e.Subject == secor.SubjectAudit && e.To != secor.StateSubmitted && e.To != secor.StateInQA {
			at := e.HappenedAt.UTC()
			j.OfficeUntil, j.asked = &at, secor.Next(secor.SubjectAudit, e.To) == secor.PartyCompany
			break
		}
	}
	days := func(from time.Time, to *time.Time) int {
		end := now
		if to != nil {
			end = *to
		}
		return int(end.Sub(from).Hours()) / 24
	}
	switch {
	case j.OfficeUntil == nil && j.CompanyUntil != nil: // marks that followed
		j.OfficeUntil, j.CompanyUntil = j.CompanyUntil, nil
	case j.asked:
		j.CompanyDays = days(*j.OfficeUntil, j.CompanyUntil)
	}
	j.OfficeDays = days(j.HandedInAt, j.OfficeUntil)
}

func (l roundList) write(t *terminal, zone *time.Location) error {
	if len(l) == 0 {
		_, err := fmt.Fprintln(t.out, "Nothing has been submitted yet.")
		return err
	}
	for _, r := range l {
		fmt.Fprintf(t.out, "Round %d, %s: %s claimed, months %s, %s, last day %s\n", r.Number, r.HandedInAt.In(zone).Format("2 Jan 2006 15:04"),
			count(r.Questions, "question"), r.Months, fmt.Sprintf("headcount %d", r.Headcount), r.LastDay)
		fmt.Fprintf(t.out, "  with us %s", count(r.OfficeDays, "day"))
		if r.asked {
			fmt.Fprintf(t.out, ", then with the company %s", count(r.CompanyDays, "day"))
		}
		fmt.Fprintln(t.out)
		if r.Number == 1 {
			continue
		}
		changes := &table{heads: []string{"  Changed", "From", "To", "Asked for"}}
		for _, c := range r.Changes {
			asked := t.paint(yellow, "by nobody")
			if c.Asked {
				asked = "note " + strconv.Itoa(c.Note)
			}
			changes.add("  "+c.Subject, c.From, c.To, asked)
		}
		if len(r.Changes) == 0 {
			changes = &table{rows: [][]string{{"  nothing changed"}}}
		}
		err := changes.write(t.out)
		if err != nil {
			return err
		}
	}
	return nil
}

// noteJSON is a note as sheet and show print it.
type noteJSON struct {
	Number   int             `json:"number"`
	Question string          `json:"question"`
	Kind     secor.NoteKind  `json:"kind"`
	State    secor.NoteState `json:"state"`
	Text     string          `json:"text"`
	Answer   string          `json:"answer"`
	Round    int             `json:"round"`
	Asked    int             `json:"asked"` // round of the first request that carried it; 0: none
}

func notesJSON(notes []secor.Note) []noteJSON {
	list := []noteJSON{}
	for _, n := range notes {
		list = append(list, noteJSON{n.Number, n.Question, n.Kind, n.State, n.Text, n.Answer, n.Round, n.Asked})
	}
	return list
}

// noteWords is a note in one line.
func noteWords(n secor.Note) string {
	state := string(n.State)
	switch {
	case n.State == secor.NoteOpen && n.Asked == 0:
		state = "not sent yet"
	case n.Kind == secor.NoteInformational && n.State == secor.NoteResolved:
		state = "acknowledged"
	}
	text := fmt.Sprintf("%s, %s, %s: %s", cmp.Or(n.Question, "as a whole"), n.Kind, state, n.Text)
	if n.Answer != "" {
		text += " – " + n.Answer
	}
	return text
}
