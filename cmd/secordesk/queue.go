package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/secor"
)

// queueCmd is "secordesk queue".
type queueCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (queueCmd) Help() string {
	return `Shows the audits that wait for a reviewer, the oldest need first, with the reviewer whom the plan would give each today, and how full everybody is. A company's need is as old as its certificate is near its end; one that holds none is measured by the age of its submission. Loads are in full audits: an audit in revision, or of a maintenance year, weighs less.

Examples:

	secordesk queue
	secordesk queue --json`
}

// Run shows the queue.
func (c *queueCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	lines, roster, err := cases.Queue(ctx)
	if err != nil {
		return err
	}
	q := newQueueJSON(lines, roster, secor.DateOf(t.now(), cases.office().Zone))
	if c.JSON {
		return writeJSON(t.out, q)
	}
	return q.write(t)
}

// queueJSON is the queue on a day.
type queueJSON struct {
	Day       string          `json:"day"`
	Waiting   []waitingJSON   `json:"waiting"`    // the oldest need first
	ForALead  []waitingJSON   `json:"for_a_lead"` // a person accepts them first
	Reviewers []occupancyJSON `json:"reviewers"`
}

type waitingJSON struct {
	Case      secor.CaseID  `json:"case"`
	Company   string        `json:"company"`
	Body      string        `json:"body"`
	Purpose   secor.Purpose `json:"purpose"`
	Need      string        `json:"need"`
	Expired   bool          `json:"expired"`
	Expires   string        `json:"certificate_expires_on"`
	Submitted time.Time     `json:"submitted_at"`
	Days      int           `json:"days_waiting"`
	Next      *personJSON   `json:"next"` // by the plan of today; null: nobody yet
	Why       string        `json:"why"`
}

type occupancyJSON struct {
	personJSON
	Load     string `json:"load"` // in full audits
	Capacity int    `json:"capacity"`
	Held     int    `json:"held"`
	Away     bool   `json:"away"`
	Until    string `json:"until"`
	StandIn  string `json:"stand_in"`

	share int // percent of the capacity
}

func newQueueJSON(lines []store.QueueLine, roster []secor.Reviewer, today secor.Date) queueJSON {
	q := queueJSON{Day: today.String(), Waiting: []waitingJSON{}, ForALead: []waitingJSON{}, Reviewers: []occupancyJSON{}}
	slices.SortFunc(lines, func(a, b store.QueueLine) int { return a.Compare(b.Need, today) })
	var needs []secor.Need
	for _, l := range lines {
		w := waitingJSON{Case: l.CaseID, Company: l.Company, Body: l.Body, Purpose: l.Purpose, Need: l.Why(today), Expired: l.Expired(today),
			Expires: l.Expires.String(), Submitted: l.Since, Days: l.Submitted.DaysUntil(today)}
		if l.Waiting {
			q.ForALead = append(q.ForALead, w)
			continue
		}
		q.Waiting, needs = append(q.Waiting, w), append(needs, l.Need)
	}
	for i, pick := range secor.Plan(needs, roster, today) { // in the same order
		if pick.Reviewer.ID != 0 {
			q.Waiting[i].Next, q.Waiting[i].Why = &personJSON{ID: pick.Reviewer.ID, Name: pick.Reviewer.Name}, pick.Reason
		}
	}
	people := &secor.File{Roster: roster}
	for _, r := range roster {
		if r.Active && (r.Capacity > 0 || r.Held > 0) {
			q.Reviewers = append(q.Reviewers, newOccupancyJSON(people, r, today))
		}
	}
	return q
}

func newOccupancyJSON(people *secor.File, r secor.Reviewer, today secor.Date) occupancyJSON {
	leave, away := r.LeaveOn(today)
	o := occupancyJSON{personJSON: personJSON{ID: r.ID, Name: r.Name}, Load: r.Load.String(), Capacity: r.Capacity, Held: r.Held,
		Away: away, Until: leave.To.String(), share: 100}
	if r.Capacity > 0 {
		o.share = int(r.Load * 100 / (secor.Effort(r.Capacity) * secor.FullEffort))
	}
	if leave.StandIn != 0 {
		o.StandIn = nameOf(people, secor.ByReviewer(leave.StandIn))
	}
	return o
}

func (q queueJSON) write(t *terminal) error {
	if len(q.Waiting) == 0 {
		fmt.Fprintln(t.out, "No audit waits for a reviewer.")
	} else {
		out := &table{heads: []string{"", "Case", "Company", "Need", "Days", "Next reviewer"}, right: []int{0, 1, 4}}
		for i, w := range q.Waiting {
			next := "nobody yet"
			if w.Next != nil {
				next = w.Next.Name + " (" + w.Why + ")"
			}
			need := w.Need
			if w.Expired {
				need = t.paint(red, need)
			}
			out.add(strconv.Itoa(i+1), strconv.FormatInt(int64(w.Case), 10), w.Company, need, strconv.Itoa(w.Days), next)
		}
		err := out.write(t.out)
		if err != nil {
			return err
		}
	}
	for _, w := range q.ForALead {
		fmt.Fprintf(t.out, "Case %d of %s waits for a lead to accept it: %s.\n", w.Case, w.Company, w.Need)
	}
	fmt.Fprintln(t.out)
	return q.writeLoads(t)
}

// barWidth is how many characters a full reviewer is wide.
const barWidth = 20

func (q queueJSON) writeLoads(t *terminal) error {
	if len(q.Reviewers) == 0 {
		_, err := fmt.Fprintln(t.out, "Nobody on the roster has capacity.")
		return err
	}
	out := &table{heads: []string{"Reviewer", "", "Load", "of", "Held", ""}, right: []int{2, 3, 4}}
	for _, o := range q.Reviewers {
		full := min(o.share*barWidth/100, barWidth)
		bar, colour := strings.Repeat("█", full)+strings.Repeat("·", barWidth-full), green
		switch {
		case o.share >= 100:
			colour = red
		case o.share >= 75:
			colour = yellow
		}
		out.add(o.Name, t.paint(colour, bar), o.Load, strconv.Itoa(o.Capacity), strconv.Itoa(o.Held), o.absence())
	}
	return out.write(t.out)
}

// absence says until when somebody is away and who stands in.
func (o occupancyJSON) absence() string {
	if !o.Away {
		return ""
	}
	text := "away, nobody knows until when"
	if o.Until != "" {
		text = "away until " + o.Until
	}
	return text + "; " + cmp.Or(o.StandIn, "nobody") + " stands in"
}
