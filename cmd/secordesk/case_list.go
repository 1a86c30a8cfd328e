package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/secor"
)

// caseListCmd is "secordesk case list".
type caseListCmd struct {
	Kind    secor.Subject `enum:",request,audit" default:"" placeholder:"KIND" help:"Only requests, or only audits."`
	State   secor.State   `placeholder:"STATE" help:"Only cases in this state, such as in_review."`
	Mine    bool          `help:"Only what the person named by --as holds."`
	Overdue bool          `help:"Only what is late."`
	Limit   int           `default:"100" help:"How many at most."`
	As      string        `placeholder:"EMAIL" help:"Who --mine means; SECORDESK_AS when left out."`
	JSON    bool          `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (caseListCmd) Help() string {
	return "Examples:\n\n\tsecordesk case list --kind audit --overdue\n\tsecordesk case list --state in_review\n\tsecordesk case list --mine --as ana.roy@example.com --json"
}

// Run lists cases.
func (c *caseListCmd) Run(ctx context.Context, t *terminal) error {
	filter, err := c.filter(t)
	if err != nil {
		return err
	}
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	if c.Mine {
		email, err := t.who(c.As)
		if err != nil {
			return err
		}
		r, err := cases.ReviewerByEmail(ctx, email)
		if err != nil {
			return plain(err)
		}
		filter.Holder = r.ID
	}
	found, err := cases.Cases(ctx, filter, c.Limit+1)
	if err != nil {
		return err
	}
	more := len(found) > c.Limit
	found = found[:min(len(found), c.Limit)]
	if c.JSON {
		return writeJSON(t.out, newCaseLinesJSON(found, t.now()))
	}
	return writeCases(t, found, more, cases.office().Zone)
}

func (c *caseListCmd) filter(t *terminal) (store.CaseFilter, error) {
	filter := store.CaseFilter{Kind: c.Kind, State: c.State}
	if c.State != "" && !slices.Contains(secor.AllStates(), c.State) {
		var known []string
		for _, kind := range []secor.Subject{secor.SubjectRequest, secor.SubjectAudit} {
			for _, s := range secor.States(kind) {
				if !slices.Contains(known, string(s)) {
					known = append(known, string(s))
				}
			}
		}
		return filter, &secor.FieldError{Field: "--state", Value: string(c.State), Problem: "is not a state of a case; there is " + strings.Join(known, ", ")}
	}
	if c.Limit < 1 || c.Limit > 10_000 {
		return filter, &secor.FieldError{Field: "--limit", Value: strconv.Itoa(c.Limit), Problem: "is not a number from 1 to 10000"}
	}
	if c.Overdue {
		filter.Overdue = t.now()
	}
	return filter, nil
}

func writeCases(t *terminal, found []store.CaseLine, more bool, zone *time.Location) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(t.out, "no such case")
		return err
	}
	out := &table{heads: []string{"Case", "Kind", "State", "Company", "Body", "Holder", "Due"}, right: []int{0}}
	for _, c := range found {
		due := ""
		if !c.Due.IsZero() {
			due = deadline(c.Due, zone)
		}
		if late(c, t.now()) {
			due = t.paint(red, due+" overdue")
		}
		out.add(strconv.FormatInt(int64(c.ID), 10), string(c.Kind), c.State.Words(), c.Company, c.Body, c.HeldBy, due)
	}
	err := out.write(t.out)
	if err == nil && more {
		_, err = fmt.Fprintln(t.out, "There are more; raise --limit or filter.")
	}
	return err
}

// deadline is short for secor.Calendar's Deadline: a midnight ends the day before.
func deadline(due time.Time, zone *time.Location) string {
	due = due.In(zone)
	if due.Hour() == 0 && due.Minute() == 0 {
		return due.AddDate(0, 0, -1).Format("2 Jan 2006") + " 24:00"
	}
	return due.Format("2 Jan 2006 15:04")
}

func late(c store.CaseLine, now time.Time) bool { return !c.Due.IsZero() && c.Due.Before(now) }

type caseLineJSON struct {
	Case      secor.CaseID  `json:"case"`
	Kind      secor.Subject `json:"kind"`
	State     secor.State   `json:"state"`
	CompanyID int64         `json:"company_id"`
	Company   string        `json:"company"`
	Body      string        `json:"body"`
	Holder    string        `json:"holder"`
	DueAt     *time.Time    `json:"due_at"`
	Overdue   bool          `json:"overdue"`
	OpenedAt  time.Time     `json:"opened_at"`
	Profiles  []profileJSON `json:"profiles,omitempty"` // without names
}

func newCaseLinesJSON(found []store.CaseLine, now time.Time) []caseLineJSON {
	out := []caseLineJSON{}
	for _, c := range found {
		line := caseLineJSON{Case: c.ID, Kind: c.Kind, State: c.State, CompanyID: c.CompanyID, Company: c.Company, Body: c.Body,
			Holder: c.HeldBy, Overdue: late(c, now), OpenedAt: c.OpenedAt.UTC()}
		if !c.Due.IsZero() {
			due := c.Due.UTC()
			line.DueAt = &due
		}
		for _, p := range c.Profiles {
			line.Profiles = append(line.Profiles, profileJSON{Company: p.CompanyID, Why: p.Why})
		}
		out = append(out, line)
	}
	return out
}
