package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// caseShowCmd is "secordesk case show".
type caseShowCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	JSON bool         `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (caseShowCmd) Help() string {
	return "Examples:\n\n\tsecordesk case show 14\n\tsecordesk case show 14 --json"
}

// Run shows one case.
func (c *caseShowCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	return c.show(ctx, cases, t)
}

func (c *caseShowCmd) show(ctx context.Context, cases caseStore, t *terminal) error {
	f, err := cases.File(ctx, c.Case)
	if err != nil {
		return plain(err)
	}
	open, err := cases.Jobs(ctx, store.JobFilter{CaseID: c.Case, States: []promise.State{promise.Open, promise.Failed, promise.Ambiguous}})
	if err != nil {
		return err
	}
	// Findings depend on the day: the file is looked at as of now.
	err = f.Begin(secor.Act{ID: "cli:show", By: secor.Desk, Surface: secor.SurfaceCLI}, t.now())
	if err != nil {
		return err
	}
	p := panel{File: f, jobs: open, zone: f.Programme.Calendars[f.Programme.Office].Zone, now: t.now()}
	if c.JSON {
		return p.writeJSON(t)
	}
	return p.write(t)
}

// standing says in one clause where a case is: "audit 14 of X Ltd. is in qa, held
// by Ana Roy; next: the office".
func standing(f *secor.File) string {
	text := fmt.Sprintf("%s %d of %s is %s", capital(string(f.Case.Kind)), f.Case.ID, f.Company.LegalName, f.Case.State.Words())
	if f.Audit != nil && f.Audit.Result != "" {
		text += ", " + string(f.Audit.Result)
	}
	if c := f.Certificate(); c != nil {
		text += ", certificate " + c.State.Words()
	}
	if holder := nameOf(f, secor.ByReviewer(f.Case.Holder)); f.Case.Holder != 0 {
		text += ", held by " + holder
	}
	switch invoice := f.Invoice(); {
	case invoice == nil || invoice.Balance() == 0:
	case invoice.Balance() < 0:
		text += fmt.Sprintf(", %s too much paid on invoice %s", -invoice.Balance(), invoice.Number())
	default:
		text += fmt.Sprintf(", %s owed on invoice %s", invoice.Balance(), invoice.Number())
	}
	if len(f.Bounces) > 0 {
		text += "; reach by phone"
	}
	if next := secor.Next(f.Case.Kind, f.Case.State); next != "" {
		text += "; next: the " + string(next)
	}
	return text
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// nameOf returns how a person calls an actor.
func nameOf(f *secor.File, a secor.Actor) string {
	switch a.Role {
	case secor.RoleDesk:
		return "the desk"
	case secor.RoleCompany:
		return "the company"
	}
	for _, r := range f.Roster {
		if r.ID == a.ID {
			return r.Name
		}
	}
	return a.String()
}

// panel is a case as one screen shows it.
type panel struct {
	*secor.File
	jobs []promise.Job
	zone *time.Location
	now  time.Time
}

func (p panel) write(t *terminal) error {
	fmt.Fprintf(t.out, "%s.\n\n", standing(p.File))
	facts := &table{}
	for _, row := range slices.Concat(p.about(), p.likenesses(), p.clocks(t), p.offers(t), p.findings(t), p.money(), p.papers(), p.work()) {
		facts.add(row...)
	}
	err := facts.write(t.out)
	if err != nil || p.Audit == nil {
		return err
	}
	fmt.Fprintln(t.out)
	return p.score(t)
}

func (p panel) about() [][]string {
	account := "no account on file"
	for _, r := range p.Registrations {
		if r.Body == p.Case.Body {
			account = r.Account
		}
	}
	rows := [][]string{
		{"Company", fmt.Sprintf("%d, %s <%s>, %s%s", p.Company.ID, cmp.Or(p.Company.Contact, "no contact"), cmp.Or(p.Company.Email, "no address"), p.Company.Province, reach(p.Company))},
		{"Body", p.Body.Name + ", " + account},
		{"Since", p.stamp(cmp.Or(p.LastMove.HappenedAt, p.Case.OpenedAt)) + ", by " + nameOf(p.File, p.LastMove.By)},
		{"Edition", p.Case.EditionID},
	}
	question := ""
	switch {
	case p.Request != nil:
		rows = append(rows, []string{"Asked for", fmt.Sprintf("%s, %d people", strings.ReplaceAll(string(p.Request.Reason), "_", " "), p.Request.Headcount)})
		question = p.Request.Question
	case p.Audit != nil:
		a := p.Audit
		rows = append(rows, []string{"Audit", fmt.Sprintf("%s, fee year %d, %d people; round %d", a.Purpose, a.FeeYear, a.Headcount, a.Round)},
			[]string{"Months", fmt.Sprintf("claimed %s, verified %s (policies/records)", monthsOf(a.Claimed), monthsOf(a.Verified))})
		question = a.Question
		rows = append(rows, p.urgency()...)
	}
	for _, b := range p.Bounces {
		rows = append(rows, []string{"Reach", fmt.Sprintf("by phone, %s: %s to %s bounced (%s)", cmp.Or(p.Company.Phone, "no number on file"), b.Letter, b.Recipient, b.Code)})
	}
	if question != "" {
		rows = append(rows, []string{"Question", question})
	}
	return append(rows, p.submitted()...)
}

// reach says by what number a company is called, and that its letters are not in English.
func reach(c secor.Company) string {
	text := ""
	if c.Phone != "" {
		text = ", " + c.Phone
	}
	if c.Language == secor.French {
		text += ", in French"
	}
	return text
}

// urgency says what the company holds meanwhile, and what an audit's place in the
// queue is made of.
func (p panel) urgency() [][]string {
	var rows [][]string
	if held := p.Held; !held.ExpiresOn.IsZero() {
		rows = append(rows, []string{"Holds", fmt.Sprintf("certificate %s, until %s", cmp.Or(held.Number, "of a number not on file"), held.ExpiresOn)})
	}
	if need := p.Urgency(); need != "" && p.Audit.Result == "" {
		rows = append(rows, []string{"Need", need})
	}
	return rows
}

// submitted shows what the last submission states beside its marks, and the notes.
func (p panel) submitted() [][]string {
	if p.Audit == nil {
		return nil
	}
	var rows [][]string
	for _, row := range [][]string{{"Stated name", p.Audit.Stated.LegalName}, {"Stated account", p.Audit.Stated.Account}, {"Evidence", p.Audit.Stated.EvidenceURL}} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	for _, n := range p.Notes {
		if n.State != secor.NoteWithdrawn {
			rows = append(rows, []string{fmt.Sprintf("Note %d", n.Number), noteWords(n)})
		}
	}
	if unlooked := p.Unlooked(); p.Case.State == secor.StateInQA && len(unlooked) > 0 {
		rows = append(rows, []string{"Not looked at", strings.Join(unlooked, " ")})
	}
	return rows
}

func monthsOf(e secor.Evidence) string { return fmt.Sprintf("%d/%d", e.Policies, e.Records) }

func (p panel) stamp(t time.Time) string { return t.In(p.zone).Format("2 Jan 2006 15:04") }

func (p panel) clocks(t *terminal) [][]string {
	var rows [][]string
	for _, c := range p.Clocks {
		switch due, runs := c.Due(p.Programme.Calendars[c.Calendar]); {
		case runs && due.Before(p.now):
			rows = append(rows, []string{"Overdue", t.paint(red, c.Policy.Title+": "+deadline(due, p.zone)) + p.toldNext(c)})
		case runs:
			rows = append(rows, []string{"Due", c.Policy.Title + ": " + deadline(due, p.zone) + p.toldNext(c)})
		case c.Phase() == secor.PhasePaused:
			rows = append(rows, []string{"Paused", c.Policy.Title + ": the " + string(c.Party()) + "'s time"})
		}
	}
	return rows
}

// toldNext says who is told of a clock next, and when, unless the case moves on.
func (p panel) toldNext(c secor.Clock) string {
	w := p.Watch(c)
	if w.Tells == "" {
		return ""
	}
	return fmt.Sprintf("; told next: %s, %s", w.Tells.Words(), deadline(w.At, p.zone))
}

// offers says what is offered to a person and never done by the desk.
func (p panel) offers(t *terminal) [][]string {
	w, found := p.Unanswered()
	if !found {
		return nil
	}
	text := fmt.Sprintf("no answer since %s: call the company, or secordesk case no-answer %d --reason \"…\"", w.Since.In(p.zone).Format("2 Jan 2006"), p.Case.ID)
	return [][]string{{"Offered", t.paint(yellow, text)}}
}

// likenesses lists the companies on file that may be the one that asks.
func (p panel) likenesses() [][]string {
	if p.Request == nil {
		return nil
	}
	var rows [][]string
	for _, found := range p.Request.Profiles {
		rows = append(rows, []string{"On file", fmt.Sprintf("company %d, %s: %s", found.CompanyID, cmp.Or(p.OtherName(found.CompanyID), "no name"), found.Why.Words())})
	}
	return rows
}

// moment is the point at which a case in its state is checked next.
func (p panel) moment() (secor.Moment, bool) {
	switch p.Case.State {
	case secor.StateReceived, secor.StateInReview:
		return secor.MomentRequest, true
	case secor.StateRegistered, secor.StateAwaitingPayment, secor.StateRegistrationReview, secor.StateRegistrationQueried:
		return secor.MomentRegistration, true
	case secor.StateOpen, secor.StateSubmitted, secor.StateInQA, secor.StateRevision:
		return secor.MomentSubmission, true
	}
	return "", false
}

func (p panel) check() []secor.Finding {
	moment, checked := p.moment()
	if !checked {
		return nil
	}
	return p.Check(moment)
}

func (p panel) findings(t *terminal) [][]string {
	var rows [][]string
	for _, f := range p.check() {
		colour := map[secor.Effect]ink{secor.EffectBlock: red, secor.EffectAsk: yellow}[f.Effect]
		rows = append(rows, []string{"Finding", fmt.Sprintf("%s (%s, %s)", f.Text, f.Guard, t.paint(colour, string(f.Effect)))})
	}
	return rows
}

func (p panel) money() [][]string {
	invoice := p.Invoice()
	if invoice == nil {
		return nil
	}
	rows := [][]string{{"Invoice", fmt.Sprintf("%s, %s: %s asked, %s paid, %s owed",
		invoice.Number(), invoice.State, invoice.Total(), invoice.Paid(), invoice.Balance())}}
	if day, pending := p.Promise(); pending {
		rows = append(rows, []string{"", "promised for " + day.String() + "; reminders wait until then"})
	}
	if credit := invoice.Credit(); credit > 0 {
		rows = append(rows, []string{"", fmt.Sprintf("credit of %s: give it back, then record it with refund", credit)})
	}
	for _, tax := range invoice.TaxLines() {
		rows = append(rows, []string{"", fmt.Sprintf("%s of it %s", tax.Amount, tax.Name)})
	}
	for _, paid := range invoice.Payments {
		text := fmt.Sprintf("%s, %s %s, received %s", paid.Amount, paid.Method, paid.Reference, paid.ReceivedOn)
		if paid.Refund {
			text = fmt.Sprintf("%s refunded, %s %s, paid %s", paid.Amount, paid.Method, paid.Reference, paid.ReceivedOn)
		}
		if !paid.ReversedOn.IsZero() {
			text += ", reversed " + paid.ReversedOn.String()
		}
		rows = append(rows, []string{"", text})
	}
	return rows
}

func (p panel) papers() [][]string {
	var rows [][]string
	for _, c := range p.Certificates {
		text := fmt.Sprintf("%s, %d years", c.State.Words(), c.Term)
		if c.Number != "" {
			text += fmt.Sprintf(", %s, %s to %s, due each %s", c.Number, c.IssuedOn, c.ExpiresOn, c.ExpiresOn.Month)
		}
		if !c.MailedOn.IsZero() {
			text += ", mailed " + c.MailedOn.String()
		}
		if c.Question != "" {
			text += ", asked: " + c.Question
		}
		if c.Proposer != 0 && c.State != secor.StateRevoked && c.State != secor.StateReplaced {
			text += ", " + nameOf(p.File, secor.ByReviewer(c.Proposer)) + " proposes to revoke it: second it (revoke) or keep it (keep)"
		}
		rows = append(rows, []string{"Certificate", text})
		switch ways := batchWays(c.Batch.Failed, c.Batch.InDoubt, c.Batch.Job, p.Body.ID); {
		case c.Batch.Failed:
			rows = append(rows, []string{"", fmt.Sprintf("batch %d, which asks for it, could not be sent; %s", c.Batch.ID, ways)})
		case c.Batch.InDoubt:
			rows = append(rows, []string{"", fmt.Sprintf("nobody knows whether batch %d, which asks for it, arrived; %s", c.Batch.ID, ways)})
		case c.Batch.ID != 0:
			rows = append(rows, []string{"", fmt.Sprintf("asked for in batch %d, which has not left yet", c.Batch.ID)})
		}
	}
	return rows
}

// work lists the jobs that are open or need a person, and the steps of a lead.
func (p panel) work() [][]string {
	var rows [][]string
	for _, j := range p.jobs {
		text := fmt.Sprintf("%d %s to %s, %s", j.ID, j.Kind, j.Recipient, j.State)
		if j.LastError != "" {
			text += ": " + j.LastError
		}
		rows = append(rows, []string{"Job", text})
	}
	return append(rows, []string{"Steps now", strings.Join(p.steps(), ", ")})
}

func (p panel) steps() []string {
	var names []string
	for _, s := range p.Offered(secor.RoleLead) {
		names = append(names, s.Name)
	}
	return names
}

func (p panel) score(t *terminal) error {
	if len(p.Sheet) == 0 {
		_, err := fmt.Fprintln(t.out, "Nothing has been submitted yet.")
		return err
	}
	// What is not confirmed is nobody's result; people who read it here would quote it.
	if p.Audit.Result == "" {
		_, err := fmt.Fprintf(t.out, "Result: not confirmed. Its marks: secordesk case sheet %[1]d. The preliminary score, for its reviewer and the leads: secordesk case score %[1]d\n", p.Case.ID)
		return err
	}
	claimed, err := p.Preliminary()
	if err != nil {
		return fmt.Errorf("judge claimed marks: %w", err)
	}
	verified, err := p.Score()
	if err != nil {
		return fmt.Errorf("judge verified marks: %w", err)
	}
	out := &table{heads: []string{"Element", "", "Claimed", "%", "Verified", "%"}, right: []int{2, 3, 4, 5}}
	row := func(id, title string, c, v secor.ElementScore) {
		out.add(id, title, of(c), secor.Percent(c.Awarded, c.Available), of(v), secor.Percent(v.Awarded, v.Available))
	}
	for i, e := range p.Protocol.Elements {
		row(e.ID, e.Title, claimed.Elements[i], verified.Elements[i])
	}
	row("", "Overall", overall(claimed), overall(verified))
	err = out.write(t.out)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\nClaimed: %s. Verified: %s. Result: %s.\n",
		t.verdict(claimed.Verdict), t.verdict(verified.Verdict), p.Audit.Result)
	return nil
}

func of(e secor.ElementScore) string { return e.Awarded.String() + "/" + e.Available.String() }

func overall(s secor.Score) secor.ElementScore {
	return secor.ElementScore{Awarded: s.Awarded, Available: s.Available}
}
