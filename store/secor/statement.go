package secor

import (
	"cmp"
	"slices"
)

// Statement is what a company was asked for and paid, over all years, as of one
// day. Drafts that nobody has seen are not on it.
type Statement struct {
	On      Date
	Lines   []StatementLine // the oldest first
	Balance Cents           // owed; negative: a credit
	Open    []OpenInvoice   // the oldest first
	Ageing  [4]Cents        // of Open by days since each was sent: to 30, to 60, to 90, more
	Credit  Cents           // on invoices that were paid too much
}

// StatementKind is what a line of a statement tells of.
type StatementKind string

const (
	LineInvoice  StatementKind = "invoice"
	LineVoided   StatementKind = "void" // an invoice that was sent and asks for nothing any more
	LinePayment  StatementKind = "payment"
	LineReversal StatementKind = "reversed" // of a payment or a refund
	LineRefund   StatementKind = "refund"
)

// StatementLine is one amount of a statement.
type StatementLine struct {
	On        Date // zero: not known
	Kind      StatementKind
	Invoice   string // its number
	Reference string // of a payment
	Method    string
	Amount    Cents // raises what is owed; negative: lowers it
	Balance   Cents // owed after this line
}

// OpenInvoice is one that something is owed on.
type OpenInvoice struct {
	Number string
	SentOn Date // zero: it was paid in part before it was sent
	Days   int  // since it was sent
	Owed   Cents
}

// Statement returns the company's account as of the day of the act.
func (f *File) Statement() Statement { return NewStatement(f.Invoices, f.Today()) }

// NewStatement makes a statement of a company's invoices as of a day.
func NewStatement(invoices []Invoice, on Date) Statement {
	s := Statement{On: on}
	for i := range invoices {
		s.add(&invoices[i])
	}
	slices.SortStableFunc(s.Lines, func(a, b StatementLine) int { return a.On.Compare(b.On) })
	for i := range s.Lines {
		s.Balance += s.Lines[i].Amount
		s.Lines[i].Balance = s.Balance
	}
	slices.SortStableFunc(s.Open, func(a, b OpenInvoice) int { return cmp.Or(a.SentOn.Compare(b.SentOn), cmp.Compare(a.Number, b.Number)) })
	return s
}

func (s *Statement) add(i *Invoice) {
	line := StatementLine{On: i.statedOn(), Kind: LineInvoice, Invoice: i.Number(), Amount: i.Total()}
	switch {
	case line.On.IsZero():
		return
	case i.State == StateVoid:
		line.Kind, line.Amount = LineVoided, 0
	}
	s.Lines = append(s.Lines, line)
	for _, p := range i.Payments {
		s.addPayment(i.Number(), p)
	}
	s.Credit += i.Credit()
	if i.State == StateVoid || i.Balance() <= 0 {
		return
	}
	open := OpenInvoice{Number: i.Number(), SentOn: i.SentOn, Days: line.On.DaysUntil(s.On), Owed: i.Balance()}
	s.Open = append(s.Open, open)
	s.Ageing[min(max(0, open.Days-1)/30, len(s.Ageing)-1)] += open.Owed
}

// statedOn returns the day of the invoice: that on which it was sent, and of one that
// was paid before then that on which it was drawn up. Zero: the company has not
// learned of it.
func (i *Invoice) statedOn() Date {
	early := func(p Payment) bool { return i.SentOn.IsZero() || p.ReceivedOn.Before(i.SentOn) }
	if slices.ContainsFunc(i.Payments, early) {
		return i.DrawnOn
	}
	return i.SentOn
}

func (s *Statement) addPayment(number string, p Payment) {
	line := StatementLine{On: p.ReceivedOn, Kind: LinePayment, Invoice: number, Reference: p.Reference, Method: p.Method, Amount: -p.Amount}
	if p.Refund {
		line.Kind, line.Amount = LineRefund, p.Amount
	}
	s.Lines = append(s.Lines, line)
	if !p.ReversedOn.IsZero() {
		line.On, line.Kind, line.Amount = p.ReversedOn, LineReversal, -line.Amount
		s.Lines = append(s.Lines, line)
	}
}

func statementSteps() []Step {
	return []Step{
		{Name: "statement", Label: "Send Statement", Help: "Send the company a statement of its account: every invoice and payment of all years.", Example: "statement 14",
			Kind: SubjectAudit, Who: anyone, when: stated, do: (*File).sendStatement},
	}
}

func stated(f *File) bool { return len(f.Statement().Lines) > 0 }

func (f *File) sendStatement(Input) error {
	statement := f.Statement()
	if len(statement.Lines) == 0 {
		return refuse(ErrNotFound, "wait until an invoice was sent", "the company was asked for nothing yet")
	}
	f.record(EventStatementAsked, f.act.Reason, facts{"balance": statement.Balance.String()})
	return nil
}
