package secor

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// FeeKind is what an invoice is for.
type FeeKind string

const (
	FeeAnnual  FeeKind = "annual"         // of a calendar year, one review included
	FeeFurther FeeKind = "further_review" // each review after the first
)

// Invoice is what a company owes for one fee of one calendar year.
type Invoice struct {
	ID       int64
	CaseID   CaseID
	Company  int64
	FeeYear  int
	Kind     FeeKind
	Nth      int // 0 for the annual fee, 1, 2, … for further reviews
	State    State
	Net      Cents
	Tax      Cents
	TaxName  string
	SentOn   Date
	Free     bool // its audit ended before a review; another audit of the year may use it
	Payments []Payment
}

// Payment is one receipt of money. Payments are never changed, only reversed.
type Payment struct {
	ID         int64
	Amount     Cents
	Method     string // one of PaymentMethods
	ReceivedOn Date
	Reference  string // number of the cheque or transfer; unique per invoice
	ReversedOn Date   // zero: it stands
}

// PaymentMethods returns the ways to pay.
func PaymentMethods() []string { return []string{"cheque", "eft", "card"} }

// Number returns the invoice's number as letters print it: "2026-12-A",
// "2026-12-R1": fee year, company, fee.
func (i *Invoice) Number() string {
	suffix := "A"
	if i.Kind == FeeFurther {
		suffix = "R" + strconv.Itoa(i.Nth)
	}
	return fmt.Sprintf("%d-%d-%s", i.FeeYear, i.Company, suffix)
}

// Total returns what the invoice asks for, tax included.
func (i *Invoice) Total() Cents { return i.Net + i.Tax }

// Paid returns the sum of the payments that stand.
func (i *Invoice) Paid() Cents {
	var sum Cents
	for _, p := range i.Payments {
		if p.ReversedOn.IsZero() {
			sum += p.Amount
		}
	}
	return sum
}

// Balance returns what is still owed; negative when too much was paid.
func (i *Invoice) Balance() Cents { return i.Total() - i.Paid() }

// Invoice returns this case's invoice that is not void, nil when there is none.
func (f *File) Invoice() *Invoice {
	for i := len(f.Invoices) - 1; i >= 0; i-- {
		if f.Invoices[i].CaseID == f.Case.ID && f.Invoices[i].State != StateVoid {
			return &f.Invoices[i]
		}
	}
	return nil
}

// charge makes sure that the audit has the invoice that it needs: its own, one of
// the year that another audit left over, or a new one.
func (f *File) charge() {
	if f.Invoice() != nil || f.adoptInvoice() {
		return
	}
	owed := f.owed()
	if owed == nil {
		return
	}
	f.Invoices = append(f.Invoices, *owed)
	f.log(Event{Kind: EventInvoiceDrafted, Subject: SubjectInvoice, To: StateDraft,
		Facts: facts{"invoice": owed.Number(), "total": owed.Total().String()}})
}

// owed returns the invoice of a new fee, nil when there is nothing to pay: the
// annual fee once per calendar year, which includes one review, and the fee of a
// further review for each one after that.
//
// Source: the partner's fee page, "one QA review per company is included"; a fee
// for further reviews is our reading (domain.md 1.2).
func (f *File) owed() *Invoice {
	annual, further := false, 0
	for i := range f.Invoices {
		past := f.Invoices[i]
		switch {
		case past.State == StateVoid:
			continue
		case past.Kind == FeeAnnual:
			annual = true
		default:
			further = max(further, past.Nth)
		}
	}
	invoice := Invoice{CaseID: f.Case.ID, Company: f.Company.ID, FeeYear: f.Audit.FeeYear, Kind: FeeAnnual, State: StateDraft}
	invoice.Net = f.Edition.Fees.AnnualNonMember
	switch {
	case annual:
		invoice.Kind, invoice.Nth, invoice.Net = FeeFurther, further+1, f.Edition.Fees.FurtherReview
	case f.Company.Member:
		invoice.Net = f.Edition.Fees.AnnualMember
	}
	var names []string
	for _, tax := range f.Edition.Fees.Taxes {
		if tax.Province == f.Company.Province {
			names = append(names, tax.Name)
			invoice.Tax += Cents((int64(invoice.Net)*tax.BasisPoints + 5_000) / 10_000)
		}
	}
	invoice.TaxName = joinAnd(names)
	if invoice.Total() == 0 {
		return nil
	}
	return &invoice
}

// adoptInvoice makes an invoice of the year this case's own when the audit that
// it was drawn up for ended before a review.
func (f *File) adoptInvoice() bool {
	for i := range f.Invoices {
		invoice := &f.Invoices[i]
		if invoice.Free && invoice.State != StateVoid {
			data := facts{"invoice": invoice.Number(), "from_case": strconv.FormatInt(int64(invoice.CaseID), 10)}
			invoice.Free, invoice.CaseID = false, f.Case.ID
			f.log(Event{Kind: EventInvoiceAdopted, Subject: SubjectInvoice, To: invoice.State, Facts: data})
			return true
		}
	}
	return false
}

// freeInvoice settles the invoice of an audit that closes before its review: what
// was paid may serve another audit of the year, what was not is void.
func (f *File) freeInvoice() error {
	invoice := f.Invoice()
	switch {
	case invoice == nil || f.reviewBegun():
		return nil
	case invoice.Paid() > 0:
		invoice.Free = true
		return nil
	default:
		return f.moveInvoice(StateVoid, EventInvoiceVoided, f.act.Reason, facts{"invoice": invoice.Number()})
	}
}

func invoiceSteps() []Step {
	return []Step{
		{Name: "pay", Label: "Record Payment", Help: "Record a payment as it came.", Example: "pay 14 --amount 157.50 --method cheque --reference 0042 --received-on 2026-03-25",
			Kind: SubjectAudit, Who: leads,
			Fields: []Field{
				{Name: "amount", Help: "dollars", Type: FieldMoney, Required: true},
				{Name: "method", Help: "how it was paid", Type: FieldChoice, Choices: PaymentMethods(), Required: true},
				{Name: "reference", Help: "number of the cheque or transfer", Type: FieldText, Required: true},
				{Name: "received-on", Help: "day on which it came; today when left out", Type: FieldDate},
			}, when: invoiced, do: (*File).pay},
		{Name: "reverse-payment", Label: "Reverse Payment", Help: "Take back a payment that bounced.", Example: `reverse-payment 14 --reference 0042 --reason "cheque returned by the bank"`,
			Kind: SubjectAudit, Who: leads, Reason: true,
			Fields: []Field{{Name: "reference", Help: "reference of the payment", Type: FieldText, Required: true}}, when: paidInPart, do: (*File).reversePayment},
		{Name: "void-invoice", Label: "Void Invoice", Help: "Void an invoice on which nothing was paid.", Example: `void-invoice 14 --reason "wrong fee class"`,
			Kind: SubjectAudit, Who: leads, Reason: true, when: voidable, do: (*File).voidInvoice},
	}
}

// When a step on the invoice makes sense.

func invoiced(f *File) bool { return f.Invoice() != nil }

func paidInPart(f *File) bool { return invoiced(f) && f.Invoice().Paid() > 0 }

func voidable(f *File) bool { return invoiced(f) && f.mayVoid(f.Invoice()) == nil }

// moveInvoiceOn is moveInvoice for what came on a day of which the desk learns
// later: a cheque that came in time is not late because it was entered late. A
// day without a time counts to its end.
func (f *File) moveInvoiceOn(day Date, to State, kind EventKind, data facts) error {
	act := f.act
	defer func() { f.act = act }()
	end := day.AddDays(1).Start(f.Programme.Calendars[f.Programme.Office].Zone).Add(-time.Microsecond)
	if end.Before(f.Now()) {
		f.act.HappenedAt = end
	}
	return f.moveInvoice(to, kind, "", data)
}

// moveInvoice takes the case's invoice to another state and lets its clock follow.
func (f *File) moveInvoice(to State, kind EventKind, text string, data facts) error {
	invoice := f.Invoice()
	err := legal(SubjectInvoice, invoice.State, to)
	if err != nil {
		return err
	}
	from := invoice.State
	invoice.State = to
	f.log(Event{Kind: kind, Subject: SubjectInvoice, From: from, To: to, Text: text, Facts: data})
	return f.clocksFollow(SubjectInvoice, to)
}

func (f *File) openInvoice() (*Invoice, error) {
	invoice := f.Invoice()
	if invoice == nil {
		return nil, refuse(ErrNotFound, "", "case %d has no invoice", f.Case.ID)
	}
	return invoice, nil
}

// pay records a payment. One that covers the balance makes the invoice paid and
// lets a registration that waited for it go on to its review.
func (f *File) pay(in Input) error {
	invoice, err := f.openInvoice()
	if err != nil {
		return err
	}
	reference, err := CleanName("reference", in.text("reference"))
	if err != nil {
		return err
	}
	p := Payment{Amount: in.money("amount"), Method: in.text("method"), Reference: reference, ReceivedOn: in.date("received-on")}
	if p.ReceivedOn.IsZero() {
		p.ReceivedOn = f.Today()
	}
	switch {
	case p.Amount == 0:
		return &FieldError{Field: "amount", Problem: "is nothing"}
	case utf8.RuneCountInString(p.Reference) > 40:
		return &FieldError{Field: "reference", Value: p.Reference, Problem: "is longer than 40 characters"}
	case p.ReceivedOn.After(f.Today()):
		return &FieldError{Field: "received-on", Value: p.ReceivedOn.String(), Problem: "is in the future"}
	case slices.ContainsFunc(invoice.Payments, func(q Payment) bool { return q.Reference == p.Reference }):
		return &FieldError{Field: "reference", Value: p.Reference, Problem: "is recorded on this invoice already"}
	}
	invoice.Payments = append(invoice.Payments, p)
	f.record(EventPaymentRecorded, "", facts{"invoice": invoice.Number(), "amount": p.Amount.String(), "method": p.Method,
		"reference": p.Reference, "received_on": p.ReceivedOn.String(), "balance": invoice.Balance().String()})
	if invoice.Balance() > 0 || invoice.State == StatePaid {
		return nil
	}
	err = f.moveInvoiceOn(p.ReceivedOn, StatePaid, EventInvoicePaid, facts{"invoice": invoice.Number()})
	if err != nil || f.Case.State != StateAwaitingPayment {
		return err
	}
	return f.move(StateRegistrationReview, EventRegistrationChecked, "", facts{"owed": "0"})
}

// reversePayment takes a bounced payment back. The invoice is owed again; what
// that means for a case that has gone on is for a person to decide.
func (f *File) reversePayment(in Input) error {
	invoice, err := f.openInvoice()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(invoice.Payments, func(p Payment) bool {
		return p.Reference == in.text("reference") && p.ReversedOn.IsZero()
	})
	if i < 0 {
		return &FieldError{Field: "reference", Value: in.text("reference"), Problem: "is no standing payment of invoice " + invoice.Number()}
	}
	if f.Today().Before(invoice.Payments[i].ReceivedOn) {
		return refuse(ErrField, "give the day on which it was reversed", "the payment came on %s", invoice.Payments[i].ReceivedOn)
	}
	invoice.Payments[i].ReversedOn = f.Today()
	f.record(EventPaymentReversed, f.act.Reason, facts{"invoice": invoice.Number(), "reference": invoice.Payments[i].Reference,
		"balance": invoice.Balance().String()})
	if invoice.State != StatePaid || invoice.Balance() <= 0 {
		return nil
	}
	return f.moveInvoice(StateSent, EventInvoiceReopened, f.act.Reason, facts{"invoice": invoice.Number()})
}

func (f *File) voidInvoice(Input) error {
	invoice, err := f.openInvoice()
	if err != nil {
		return err
	}
	err = f.mayVoid(invoice)
	if err != nil {
		return err
	}
	return f.moveInvoice(StateVoid, EventInvoiceVoided, f.act.Reason, facts{"invoice": invoice.Number()})
}

func (f *File) mayVoid(invoice *Invoice) error {
	switch {
	case invoice.Paid() > 0:
		return refuse(ErrGuard, "reverse the payment first", "%s was paid on invoice %s", invoice.Paid(), invoice.Number())
	case f.Case.State != StateAwaitingPayment && Next(SubjectAudit, f.Case.State) != "":
		return refuse(ErrGuard, "record the payment, or cancel the audit and reopen it", "without invoice %s the audit would go on unpaid", invoice.Number())
	}
	return nil
}
