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
	Tax      Cents     // the sum of Taxes
	TaxName  string    // "GST and PST"
	Taxes    []TaxLine // empty on an invoice of before these lines were kept; TaxLines has them always
	DrawnOn  Date      // day on which it was drawn up; no payment came before
	SentOn   Date
	Free     bool // its audit ended before a review; another audit of the year may use it
	Payments []Payment
}

// TaxLine is one tax on an invoice. Each is rounded by itself to the cent, half a
// cent up, so that the lines add up to what is asked.
type TaxLine struct {
	Name        string // "GST"
	BasisPoints int64  // hundredths of a percent; 0: not recorded
	Amount      Cents
}

// Payment is one receipt of money, or a refund of what was too much. Payments are
// never changed, only reversed.
type Payment struct {
	ID         int64
	Amount     Cents  // more than nothing, also of a refund
	Refund     bool   // the office paid it back
	Method     string // one of PaymentMethods
	ReceivedOn Date   // of a refund: the day on which it was paid
	Reference  string // number of the cheque or transfer; unique among the company's payments that stand
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

// Paid returns the sum of the payments that stand, less the refunds that do.
func (i *Invoice) Paid() Cents {
	var sum Cents
	for _, p := range i.Payments {
		switch {
		case !p.ReversedOn.IsZero():
		case p.Refund:
			sum -= p.Amount
		default:
			sum += p.Amount
		}
	}
	return sum
}

// Balance returns what is still owed; negative when too much was paid.
func (i *Invoice) Balance() Cents { return i.Total() - i.Paid() }

// Credit returns what was paid too much and not refunded; 0 when nothing was.
func (i *Invoice) Credit() Cents { return max(0, -i.Balance()) }

// TaxLines returns the taxes one by one. Of an invoice from before they were kept
// apart it is one line without a rate.
func (i *Invoice) TaxLines() []TaxLine {
	if len(i.Taxes) == 0 && i.Tax != 0 {
		return []TaxLine{{Name: i.TaxName, Amount: i.Tax}}
	}
	return i.Taxes
}

// standing returns the index of the payment or refund of that reference that
// stands, -1 when there is none.
func (i *Invoice) standing(reference string) int {
	return slices.IndexFunc(i.Payments, func(p Payment) bool { return p.Reference == reference && p.ReversedOn.IsZero() })
}

func (i *Invoice) anyStands() bool {
	return slices.ContainsFunc(i.Payments, func(p Payment) bool { return p.ReversedOn.IsZero() })
}

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
func (f *File) charge() error {
	if f.Invoice() != nil {
		return nil
	}
	adopted, err := f.adoptInvoice()
	if adopted || err != nil {
		return err
	}
	owed := f.owed()
	if owed == nil {
		return nil
	}
	f.Invoices = append(f.Invoices, *owed)
	f.log(Event{Kind: EventInvoiceDrafted, Subject: SubjectInvoice, To: StateDraft,
		Facts: facts{"invoice": owed.Number(), "total": owed.Total().String()}})
	return nil
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
		case past.State == StateVoid || past.FeeYear != f.Audit.FeeYear:
			continue
		case past.Kind == FeeAnnual:
			annual = true
		default:
			further = max(further, past.Nth)
		}
	}
	invoice := Invoice{CaseID: f.Case.ID, Company: f.Company.ID, FeeYear: f.Audit.FeeYear, Kind: FeeAnnual, State: StateDraft, DrawnOn: f.Today()}
	invoice.Net = f.Edition.Fees.AnnualNonMember
	switch {
	case annual:
		invoice.Kind, invoice.Nth, invoice.Net = FeeFurther, further+1, f.Edition.Fees.FurtherReview
	case f.Company.Member:
		invoice.Net = f.Edition.Fees.AnnualMember
	}
	invoice.addTaxes(f.Edition.Fees.Taxes, f.Company.Province)
	if invoice.Total() == 0 {
		return nil
	}
	return &invoice
}

// addTaxes adds the taxes that the edition has for a province, each on the net
// amount; a tax that it does not name is not charged.
func (i *Invoice) addTaxes(taxes []Tax, province string) {
	var names []string
	for _, tax := range taxes {
		if tax.Province != province {
			continue
		}
		line := TaxLine{Name: tax.Name, BasisPoints: tax.BasisPoints, Amount: Cents((int64(i.Net)*tax.BasisPoints + 5_000) / 10_000)}
		i.Taxes = append(i.Taxes, line)
		i.Tax += line.Amount
		names = append(names, tax.Name)
	}
	i.TaxName = joinAnd(names)
}

// adoptInvoice makes an invoice of the year this case's own when the audit that
// it was drawn up for ended before a review.
func (f *File) adoptInvoice() (bool, error) {
	for i := range f.Invoices {
		invoice := &f.Invoices[i]
		if invoice.Free && invoice.State != StateVoid && invoice.FeeYear == f.Audit.FeeYear {
			return true, f.adopt(invoice)
		}
	}
	return false, nil
}

// adopt takes a free invoice over. One that is not paid is followed up again, by
// this case's clock; one that was never sent is sent now.
func (f *File) adopt(invoice *Invoice) error {
	data := facts{"invoice": invoice.Number(), "from_case": strconv.FormatInt(int64(invoice.CaseID), 10)}
	invoice.Free, invoice.CaseID = false, f.Case.ID
	f.log(Event{Kind: EventInvoiceAdopted, Subject: SubjectInvoice, To: invoice.State, Facts: data})
	return f.clocksFollow(SubjectInvoice, invoice.State)
}

// reclaim gives a reopened audit its invoice back that nobody took over meanwhile.
// One that is not paid is followed up again.
func (f *File) reclaim() error {
	invoice := f.Invoice()
	switch {
	case invoice == nil || !invoice.Free:
		return nil
	case invoice.State == StatePaid:
		invoice.Free = false
		return nil
	default:
		return f.adopt(invoice)
	}
}

// stopFollowUp ends the clocks of the case's invoice.
func (f *File) stopFollowUp(reason string) error {
	for _, policy := range []string{PolicyInvoice, PolicyPromise} {
		if f.phase(policy) == PhaseFinished {
			continue
		}
		err := f.clockEntry(policy, ClockEntry{Kind: ClockStopped, Reason: reason})
		if err != nil {
			return err
		}
	}
	return nil
}

// freeInvoice settles the invoice of an audit that closes before its review: what
// was paid may serve another audit of the year, what was not is void. Nobody is
// reminded of the rest of a part that was paid until another audit takes it over.
func (f *File) freeInvoice() error {
	invoice := f.Invoice()
	switch {
	case invoice == nil || f.reviewBegun():
		return nil
	case invoice.Paid() != 0:
		invoice.Free = true
		return f.stopFollowUp("the audit is closed")
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
		{Name: "refund", Label: "Record Refund", Help: "Record that what was paid too much was paid back.", Example: `refund 14 --method cheque --reference R-0007 --reason "paid twice"`,
			Kind: SubjectAudit, Who: leads, Reason: true,
			Fields: []Field{
				{Name: "amount", Help: "dollars; the whole credit when left out", Type: FieldMoney},
				{Name: "method", Help: "how it was paid back", Type: FieldChoice, Choices: PaymentMethods(), Required: true},
				{Name: "reference", Help: "number of our cheque or transfer", Type: FieldText, Required: true},
				{Name: "paid-on", Help: "day on which it was paid back; today when left out", Type: FieldDate},
			}, when: overpaid, do: (*File).refund},
		{Name: "void-invoice", Label: "Void Invoice", Help: "Void an invoice on which nothing was paid.", Example: `void-invoice 14 --reason "wrong fee class"`,
			Kind: SubjectAudit, Who: leads, Reason: true, when: voidable, do: (*File).voidInvoice},
	}
}

// When a step on the invoice makes sense.

func invoiced(f *File) bool { return f.Invoice() != nil }

func paidInPart(f *File) bool { return invoiced(f) && f.Invoice().anyStands() }

func overpaid(f *File) bool { return invoiced(f) && f.Invoice().Credit() > 0 }

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
	if invoice.Free && to == StateSent {
		return nil // nobody follows up what a closed audit left
	}
	return f.clocksFollow(SubjectInvoice, to)
}

// openInvoice returns the case's invoice. The refusal says what became of one
// that is void or serves another case.
func (f *File) openInvoice() (*Invoice, error) {
	invoice := f.Invoice()
	if invoice != nil {
		return invoice, nil
	}
	for _, other := range slices.Backward(f.Invoices) {
		switch {
		case f.Audit == nil || other.FeeYear != f.Audit.FeeYear:
		case other.CaseID != f.Case.ID && other.State != StateVoid:
			return nil, refuse(ErrNotFound, fmt.Sprintf("record it on case %d", other.CaseID), "case %d has no invoice of its own; %s belongs to case %d",
				f.Case.ID, other.Number(), other.CaseID)
		case other.CaseID == f.Case.ID:
			return nil, refuse(ErrGuard, f.afterVoid(), "invoice %s is void", other.Number())
		}
	}
	return nil, refuse(ErrNotFound, "", "case %d has no invoice", f.Case.ID)
}

// afterVoid says what to do with money that came for a void invoice.
func (f *File) afterVoid() string {
	switch {
	case f.Case.State == StateAwaitingPayment:
		return "draw it up again (invoice) and record the payment then, or send the money back"
	case Next(SubjectAudit, f.Case.State) == "":
		return "reopen the audit, which draws the invoice up again, or send the money back"
	default:
		return "send the money back"
	}
}

// pay records a payment. One that covers the balance makes the invoice paid and
// lets a registration that waited for it go on to its review; what is too much is
// a credit, of which the leads are told.
func (f *File) pay(in Input) error {
	invoice, err := f.openInvoice()
	if err != nil {
		return err
	}
	p, err := f.paymentOf(in, "received-on", invoice)
	if err != nil {
		return err
	}
	credit := invoice.Credit()
	invoice.Payments = append(invoice.Payments, p)
	f.record(EventPaymentRecorded, "", facts{"invoice": invoice.Number(), "amount": p.Amount.String(), "method": p.Method,
		"reference": p.Reference, "received_on": p.ReceivedOn.String(), "balance": invoice.Balance().String()})
	f.tellCredit(invoice, credit)
	if invoice.Balance() > 0 || invoice.State == StatePaid {
		return nil
	}
	err = f.moveInvoiceOn(p.ReceivedOn, StatePaid, EventInvoicePaid, facts{"invoice": invoice.Number(), "payment": strconv.Itoa(len(invoice.Payments))})
	if err != nil || f.Case.State != StateAwaitingPayment {
		return err
	}
	return f.move(StateRegistrationReview, EventRegistrationChecked, "", facts{"owed": "0"})
}

// coveredBy reports whether the payment that made the invoice paid, as an event
// tells, still stands: one that came after it bounced has a receipt of its own.
func (f *File) coveredBy(cause Event) bool {
	n, err := strconv.Atoi(cause.Facts["payment"])
	invoice := f.Invoice()
	if err != nil || invoice == nil {
		return invoice != nil // an event of before said nothing
	}
	return n >= 1 && n <= len(invoice.Payments) && invoice.Payments[n-1].ReversedOn.IsZero()
}

// paymentOf reads a payment or a refund. A reference that stands already on an
// invoice of the company is refused, whatever its year, so that one cheque is not
// recorded twice; one that was reversed may come again. So is a day before the
// invoice was drawn up.
func (f *File) paymentOf(in Input, dayField string, invoice *Invoice) (Payment, error) {
	reference, err := CleanName("reference", in.text("reference"))
	if err != nil {
		return Payment{}, err
	}
	p := Payment{Amount: in.money("amount"), Method: in.text("method"), Reference: reference, ReceivedOn: in.date(dayField)}
	if p.ReceivedOn.IsZero() {
		p.ReceivedOn = f.Today()
	}
	switch {
	case p.Amount == 0:
		return Payment{}, &FieldError{Field: "amount", Problem: "is nothing"}
	case p.Amount > mostMoney:
		return Payment{}, &FieldError{Field: "amount", Value: p.Amount.String(), Problem: "is more than " + mostMoney.String() + "; look at it again"}
	case utf8.RuneCountInString(p.Reference) > 40:
		return Payment{}, &FieldError{Field: "reference", Value: p.Reference, Problem: "is longer than 40 characters"}
	case p.ReceivedOn.After(f.Today()):
		return Payment{}, &FieldError{Field: dayField, Value: p.ReceivedOn.String(), Problem: "is in the future"}
	case p.ReceivedOn.Before(invoice.DrawnOn):
		return Payment{}, &FieldError{Field: dayField, Value: p.ReceivedOn.String(), Problem: fmt.Sprintf(
			"is before invoice %s was drawn up on %s; give that day, or look whether the payment is for another invoice", invoice.Number(), invoice.DrawnOn)}
	}
	return p, f.unusedReference(p.Reference)
}

// mostMoney is the most that one payment can be, a thousand times the dearest fee:
// more is a slip of the hand.
const mostMoney Cents = 1_000_000_00

func (f *File) unusedReference(reference string) error {
	for i := range f.Invoices {
		other := &f.Invoices[i]
		switch {
		case other.standing(reference) < 0:
		case other.CaseID == f.Case.ID:
			return &FieldError{Field: "reference", Value: reference, Problem: "is recorded on this invoice already"}
		default:
			return &FieldError{Field: "reference", Value: reference, Problem: fmt.Sprintf(
				"is recorded on invoice %s of case %d already; when one payment is for both, add /2 to its number", other.Number(), other.CaseID)}
		}
	}
	return nil
}

// tellCredit records once that too much was paid, when it was not before.
func (f *File) tellCredit(invoice *Invoice, before Cents) {
	if credit := invoice.Credit(); before == 0 && credit > 0 {
		f.record(EventInvoiceOverpaid, "", facts{"invoice": invoice.Number(), "credit": credit.String()})
	}
}

// refund records that the office paid back what was too much; all of it when no
// amount is given. A fee itself is not refunded.
//
// Source: the partner's fee page, "no refunds, no credits" (domain.md 1.2); that
// this is said of the fee and not of what was paid beyond it is our reading.
func (f *File) refund(in Input) error {
	invoice, err := f.openInvoice()
	if err != nil {
		return err
	}
	credit := invoice.Credit()
	if credit == 0 {
		return refuse(ErrGuard, "a fee is not refunded; reverse a payment that did not stand", "nothing was paid too much on invoice %s", invoice.Number())
	}
	if !in.has("amount") {
		in["amount"] = formatHundredths(int64(credit))
	}
	p, err := f.paymentOf(in, "paid-on", invoice)
	if err != nil {
		return err
	}
	if p.Amount > credit {
		return &FieldError{Field: "amount", Value: p.Amount.String(), Problem: "is more than the credit of " + credit.String()}
	}
	p.Refund = true
	invoice.Payments = append(invoice.Payments, p)
	f.record(EventPaymentRefunded, f.act.Reason, facts{"invoice": invoice.Number(), "amount": p.Amount.String(), "method": p.Method,
		"reference": p.Reference, "paid_on": p.ReceivedOn.String(), "balance": invoice.Balance().String()})
	return nil
}

// reversePayment takes a bounced payment back, or a refund that was not cashed.
// The invoice is owed again; what that means for a case that has gone on is for a
// person to decide. On a case that closed before its review nothing is owed
// without a payment, and the invoice is void.
func (f *File) reversePayment(in Input) error {
	invoice, err := f.openInvoice()
	if err != nil {
		return err
	}
	i := invoice.standing(in.text("reference"))
	if i < 0 {
		return &FieldError{Field: "reference", Value: in.text("reference"), Problem: "is no standing payment of invoice " + invoice.Number()}
	}
	if f.Today().Before(invoice.Payments[i].ReceivedOn) {
		return refuse(ErrField, "give the day on which it was reversed", "the payment came on %s", invoice.Payments[i].ReceivedOn)
	}
	credit := invoice.Credit()
	invoice.Payments[i].ReversedOn = f.Today()
	f.record(EventPaymentReversed, f.act.Reason, facts{"invoice": invoice.Number(), "reference": invoice.Payments[i].Reference,
		"balance": invoice.Balance().String()})
	f.tellCredit(invoice, credit)
	if invoice.State == StatePaid && invoice.Balance() > 0 {
		err = f.moveInvoice(StateSent, EventInvoiceReopened, f.act.Reason, facts{"invoice": invoice.Number()})
	}
	if err != nil || !invoice.Free || invoice.Paid() != 0 {
		return err
	}
	return f.moveInvoice(StateVoid, EventInvoiceVoided, f.act.Reason, facts{"invoice": invoice.Number()})
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
	case invoice.Paid() < 0:
		return refuse(ErrGuard, "record what comes, or reverse the refund", "%s was refunded on invoice %s and what it came from was reversed", -invoice.Paid(), invoice.Number())
	case f.Case.State != StateAwaitingPayment && Next(SubjectAudit, f.Case.State) != "":
		return refuse(ErrGuard, "record the payment, or cancel the audit and reopen it", "without invoice %s the audit would go on unpaid", invoice.Number())
	}
	return nil
}
