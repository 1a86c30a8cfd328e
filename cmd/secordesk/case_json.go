package main

import (
	"fmt"
	"strings"
	"time"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// caseJSON is what show --json prints. Amounts and points are exact decimals,
// instants UTC.
type caseJSON struct {
	Case      secor.CaseID   `json:"case"`
	Kind      secor.Subject  `json:"kind"`
	State     secor.State    `json:"state"`
	Version   int            `json:"version"`
	Next      secor.Party    `json:"next"`
	Company   int64          `json:"company"`
	Name      string         `json:"name"`
	Phone     string         `json:"phone"`
	Language  secor.Language `json:"language"`
	Body      string         `json:"body"`
	Edition   string         `json:"edition"`
	Holder    string         `json:"holder"`
	OpenedAt  time.Time      `json:"opened_at"`
	Bounces   []bounceJSON   `json:"reach_by_phone"`
	Held      *heldJSON      `json:"held_certificate,omitempty"` // what the company holds meanwhile
	Need      string         `json:"need,omitempty"`
	Clocks    []clockJSON    `json:"clocks"`
	Offered   []string       `json:"offered"`            // steps that a person is asked to decide on
	Profiles  []profileJSON  `json:"profiles,omitempty"` // companies on file that may be the one that asks
	Findings  []findingJSON  `json:"findings"`
	Invoice   *invoiceJSON   `json:"invoice,omitempty"`
	Claimed   *scoreJSON     `json:"claimed,omitempty"` // this and verified only once the score is confirmed
	Notes     []noteJSON     `json:"notes,omitempty"`
	Evidence  string         `json:"evidence_url,omitempty"`
	Verified  *scoreJSON     `json:"verified,omitempty"`
	Result    secor.Verdict  `json:"result,omitempty"`
	TermYears int            `json:"term_years,omitempty"`
	Papers    []paperJSON    `json:"certificates"`
	Jobs      []jobJSON      `json:"jobs"`
	Steps     []string       `json:"steps"`
}

type bounceJSON struct {
	Job       int64         `json:"job"`
	Letter    secor.JobKind `json:"letter"`
	Recipient string        `json:"recipient"`
	Code      string        `json:"code"`
}

type heldJSON struct {
	Number    string `json:"number"`
	ExpiresOn string `json:"expires_on"`
}

type clockJSON struct {
	Policy string         `json:"policy"`
	Cycle  int            `json:"cycle"`
	Phase  secor.Phase    `json:"phase"`
	Party  secor.Party    `json:"party"`
	DueAt  *time.Time     `json:"due_at"`
	Next   string         `json:"next_level"` // "": the desk does not act on it
	NextAt *time.Time     `json:"next_at"`
	Tells  secor.Audience `json:"tells"`
}

type profileJSON struct {
	Company int64             `json:"company"`
	Name    string            `json:"name,omitempty"`
	Why     secor.Resemblance `json:"why"`
}

type findingJSON struct {
	Guard  secor.Guard  `json:"guard"`
	Effect secor.Effect `json:"effect"`
	Text   string       `json:"text"`
}

type invoiceJSON struct {
	Number     string        `json:"number"`
	State      secor.State   `json:"state"`
	Net        string        `json:"net"`
	Taxes      []taxJSON     `json:"taxes"`
	Total      string        `json:"total"`
	Paid       string        `json:"paid"`
	Balance    string        `json:"balance"`
	Credit     string        `json:"credit"`
	SentOn     string        `json:"sent_on"`
	PromisedOn string        `json:"promised_on"` // day by which the company promised to pay; "": none stands
	Payments   []paymentJSON `json:"payments"`
}

type taxJSON struct {
	Name        string `json:"name"`
	BasisPoints int64  `json:"basis_points"`
	Amount      string `json:"amount"`
}

type paymentJSON struct {
	Amount     string `json:"amount"`
	Refund     bool   `json:"refund"`
	Method     string `json:"method"`
	Reference  string `json:"reference"`
	ReceivedOn string `json:"received_on"`
	ReversedOn string `json:"reversed_on"`
}

func (p panel) invoiceJSON(i *secor.Invoice) *invoiceJSON {
	out := &invoiceJSON{Number: i.Number(), State: i.State, Net: decimal(i.Net), Taxes: []taxJSON{}, Total: decimal(i.Total()), Paid: decimal(i.Paid()),
		Balance: decimal(i.Balance()), Credit: decimal(i.Credit()), SentOn: i.SentOn.String(), Payments: []paymentJSON{}}
	if day, pending := p.Promise(); pending {
		out.PromisedOn = day.String()
	}
	for _, tax := range i.TaxLines() {
		out.Taxes = append(out.Taxes, taxJSON{tax.Name, tax.BasisPoints, decimal(tax.Amount)})
	}
	for _, paid := range i.Payments {
		out.Payments = append(out.Payments, paymentJSON{decimal(paid.Amount), paid.Refund, paid.Method, paid.Reference, paid.ReceivedOn.String(), paid.ReversedOn.String()})
	}
	return out
}

type paperJSON struct {
	State     secor.State `json:"state"`
	TermYears int         `json:"term_years"`
	Number    string      `json:"number"`
	IssuedOn  string      `json:"issued_on"`
	ExpiresOn string      `json:"expires_on"`
	DueMonth  int         `json:"due_month"` // of maintenance, each year; 0: it is not issued yet
	MailedOn  string      `json:"mailed_on"`
	Question  string      `json:"question"` // the body asked and was not answered yet
}

type jobJSON struct {
	ID        int64         `json:"id"`
	Kind      string        `json:"kind"`
	Recipient string        `json:"recipient"`
	State     promise.State `json:"state"`
	Attempts  int           `json:"attempts"`
	LastError string        `json:"last_error"`
}

func (p panel) heldJSON() *heldJSON {
	if p.Held.ExpiresOn.IsZero() {
		return nil
	}
	return &heldJSON{p.Held.Number, p.Held.ExpiresOn.String()}
}

func (p panel) writeJSON(t *terminal) error {
	out := caseJSON{Case: p.Case.ID, Kind: p.Case.Kind, State: p.Case.State, Version: p.Case.Version, Next: secor.Next(p.Case.Kind, p.Case.State),
		Company: p.Company.ID, Name: p.Company.LegalName, Phone: p.Company.Phone, Language: p.Company.Language, Body: p.Case.Body, Edition: p.Case.EditionID, OpenedAt: p.Case.OpenedAt.UTC(),
		Held: p.heldJSON(), Need: p.Urgency(),
		Bounces: []bounceJSON{}, Clocks: []clockJSON{}, Offered: []string{}, Findings: []findingJSON{}, Papers: []paperJSON{}, Jobs: []jobJSON{}, Steps: append([]string{}, p.steps()...)}
	if p.Case.Holder != 0 {
		out.Holder = nameOf(p.File, secor.ByReviewer(p.Case.Holder))
	}
	for _, c := range p.Clocks {
		clock := clockJSON{Policy: c.Policy.Name, Cycle: c.Cycle, Phase: c.Phase(), Party: c.Party()}
		due, runs := c.Due(p.Programme.Calendars[c.Calendar])
		if runs {
			due = due.UTC()
			clock.DueAt = &due
		}
		if w := p.Watch(c); w.Next.Name != "" {
			at := w.At.UTC()
			clock.Next, clock.NextAt, clock.Tells = w.Next.Name, &at, w.Tells
		}
		out.Clocks = append(out.Clocks, clock)
	}
	p.toDecide(&out)
	for _, b := range p.Bounces {
		out.Bounces = append(out.Bounces, bounceJSON(b))
	}
	for _, f := range p.check() {
		out.Findings = append(out.Findings, findingJSON(f))
	}
	if i := p.Invoice(); i != nil {
		out.Invoice = p.invoiceJSON(i)
	}
	for _, c := range p.Certificates {
		out.Papers = append(out.Papers, paperJSON{c.State, c.Term, c.Number, c.IssuedOn.String(), c.ExpiresOn.String(),
			int(c.ExpiresOn.Month), c.MailedOn.String(), c.Question})
	}
	for _, j := range p.jobs {
		out.Jobs = append(out.Jobs, jobJSON{j.ID, j.Kind, j.Recipient, j.State, j.Attempts, j.LastError})
	}
	err := p.scoresInto(&out)
	if err != nil {
		return err
	}
	return writeJSON(t.out, out)
}

// toDecide adds what the desk leaves to a person.
func (p panel) toDecide(out *caseJSON) {
	if _, unanswered := p.Unanswered(); unanswered {
		out.Offered = append(out.Offered, "no-answer")
	}
	if p.Request == nil {
		return
	}
	for _, found := range p.Request.Profiles {
		out.Profiles = append(out.Profiles, profileJSON{found.CompanyID, p.OtherName(found.CompanyID), found.Why})
	}
}

func (p panel) scoresInto(out *caseJSON) error {
	if p.Audit == nil {
		return nil
	}
	out.Result, out.TermYears, out.Evidence = p.Audit.Result, p.Audit.Term, p.Audit.Stated.EvidenceURL
	if len(p.Notes) > 0 {
		out.Notes = notesJSON(p.Notes)
	}
	if p.Audit.Result == "" {
		return nil // a score that is not confirmed is for its reviewer and the leads: case score
	}
	claimed, err := p.Preliminary()
	if err != nil {
		return fmt.Errorf("judge claimed marks: %w", err)
	}
	verified, err := p.Score()
	if err != nil {
		return fmt.Errorf("judge verified marks: %w", err)
	}
	term := func(s secor.Score, e secor.Evidence) int { return p.Edition.Months.Term(s.Verdict, e.Months()) }
	out.Claimed, out.Verified = newScoreJSON(claimed, term(claimed, p.Audit.Claimed)), newScoreJSON(verified, term(verified, p.Audit.Verified))
	return nil
}

func decimal(c secor.Cents) string { return strings.Replace(c.String(), "$", "", 1) }
