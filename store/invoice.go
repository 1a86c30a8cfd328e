package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

type invoiceRow struct {
	ID        int64
	CaseID    int64
	CompanyID int64
	FeeYear   int
	Kind      secor.FeeKind
	Nth       int
	State     secor.State
	NetCents  int64
	TaxCents  int64
	TaxName   string
	TaxLines  string // JSON
	DrawnOn   day
	SentOn    day
	Free      bool
}

// taxLine is a tax as an invoice keeps it. Its names stay when the rules' names
// change.
type taxLine struct {
	Name        string      `json:"name"`
	BasisPoints int64       `json:"basis_points"`
	Amount      secor.Cents `json:"cents"`
}

func (r invoiceRow) isNew() bool { return r.ID == 0 }

func newInvoiceRow(i secor.Invoice) invoiceRow {
	lines := make([]taxLine, len(i.Taxes))
	for n, t := range i.Taxes {
		lines[n] = taxLine(t)
	}
	text, _ := json.Marshal(lines) // of texts and numbers, it cannot fail
	return invoiceRow{ID: i.ID, CaseID: int64(i.CaseID), CompanyID: i.Company, FeeYear: i.FeeYear, Kind: i.Kind, Nth: i.Nth,
		State: i.State, NetCents: int64(i.Net), TaxCents: int64(i.Tax), TaxName: i.TaxName, TaxLines: string(text), DrawnOn: day(i.DrawnOn), SentOn: day(i.SentOn), Free: i.Free}
}

func (r invoiceRow) domain() (secor.Invoice, error) {
	var lines []taxLine
	err := json.Unmarshal([]byte(r.TaxLines), &lines)
	if err != nil {
		return secor.Invoice{}, fmt.Errorf("taxes of invoice %d: %w", r.ID, err)
	}
	invoice := secor.Invoice{ID: r.ID, CaseID: secor.CaseID(r.CaseID), Company: r.CompanyID, FeeYear: r.FeeYear, Kind: r.Kind, Nth: r.Nth,
		State: r.State, Net: secor.Cents(r.NetCents), Tax: secor.Cents(r.TaxCents), TaxName: r.TaxName, DrawnOn: secor.Date(r.DrawnOn), SentOn: secor.Date(r.SentOn), Free: r.Free}
	for _, l := range lines {
		invoice.Taxes = append(invoice.Taxes, secor.TaxLine(l))
	}
	return invoice, nil
}

type paymentRow struct {
	ID          int64
	InvoiceID   int64
	AmountCents int64
	Refund      bool
	Method      string
	ReceivedOn  day
	Reference   string
	ReversedOn  day
}

func (r paymentRow) isNew() bool { return r.ID == 0 }

func newPaymentRows(i secor.Invoice) []paymentRow {
	var rows []paymentRow
	for _, p := range i.Payments {
		rows = append(rows, paymentRow{ID: p.ID, InvoiceID: i.ID, AmountCents: int64(p.Amount), Refund: p.Refund, Method: p.Method,
			ReceivedOn: day(p.ReceivedOn), Reference: p.Reference, ReversedOn: day(p.ReversedOn)})
	}
	return rows
}

func (r paymentRow) domain() secor.Payment {
	return secor.Payment{ID: r.ID, Amount: secor.Cents(r.AmountCents), Refund: r.Refund, Method: r.Method,
		ReceivedOn: secor.Date(r.ReceivedOn), Reference: r.Reference, ReversedOn: secor.Date(r.ReversedOn)}
}

const invoiceColumns = `id, case_id, company_id, fee_year, kind, nth, state, net_cents, tax_cents, tax_name, tax_lines, drawn_on, sent_on, free`

// invoicesSQL reads the invoices of a company, those of the case last.
const invoicesSQL = `
	SELECT ` + invoiceColumns + `
	FROM invoices
	WHERE company_id = $1
	ORDER BY case_id = $2, id`

const paymentsSQL = `
	SELECT p.id, p.invoice_id, p.amount_cents, p.refund, p.method, p.received_on, p.reference, p.reversed_on
	FROM payments p JOIN invoices i ON i.id = p.invoice_id
	WHERE i.company_id = $1
	ORDER BY p.id`

const addInvoiceSQL = `
	INSERT INTO invoices (case_id, company_id, fee_year, kind, nth, state, net_cents, tax_cents, tax_name, tax_lines, drawn_on, sent_on, free)
	VALUES (:case_id, :company_id, :fee_year, :kind, :nth, :state, :net_cents, :tax_cents, :tax_name, :tax_lines, :drawn_on, :sent_on, :free)`

const updateInvoiceSQL = `
	UPDATE invoices
	SET case_id = :case_id, state = :state, sent_on = :sent_on, free = :free
	WHERE id = :id`

const addPaymentSQL = `
	INSERT INTO payments (invoice_id, amount_cents, refund, method, received_on, reference, reversed_on)
	VALUES (:invoice_id, :amount_cents, :refund, :method, :received_on, :reference, :reversed_on)`

const updatePaymentSQL = `UPDATE payments SET reversed_on = :reversed_on WHERE id = :id`

func loadInvoices(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	if f.Audit == nil {
		return nil
	}
	var err error
	f.Invoices, err = readInvoices(ctx, tx, f.Company.ID, f.Case.ID)
	return err
}

// readInvoices returns every invoice of a company with its payments, those of the
// case last.
func readInvoices(ctx context.Context, db sqlx.QueryerContext, company int64, last secor.CaseID) ([]secor.Invoice, error) {
	var rows []invoiceRow
	err := sqlx.SelectContext(ctx, db, &rows, invoicesSQL, company, last)
	if err != nil {
		return nil, fmt.Errorf("invoices: %w", err)
	}
	var payments []paymentRow
	err = sqlx.SelectContext(ctx, db, &payments, paymentsSQL, company)
	if err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	var invoices []secor.Invoice
	for _, row := range rows {
		invoice, err := row.domain()
		if err != nil {
			return nil, err
		}
		for _, p := range payments {
			if p.InvoiceID == row.ID {
				invoice.Payments = append(invoice.Payments, p.domain())
			}
		}
		invoices = append(invoices, invoice)
	}
	return invoices, nil
}

// Statement returns a company and its account as of the desk's day: every invoice
// and payment of all years. ErrNotFound when there is no such company.
func (s *Store) Statement(ctx context.Context, company int64) (secor.Company, secor.Statement, error) {
	var found secor.Company
	var invoices []secor.Invoice
	err := again(ctx, func() error {
		return s.snapshot(ctx, func(tx *sqlx.Tx) error {
			var rows []companyRow
			err := tx.SelectContext(ctx, &rows, companySQL, company)
			if err != nil {
				return fmt.Errorf("company: %w", err)
			}
			if len(rows) == 0 {
				return noCompany(company)
			}
			found = rows[0].domain()
			invoices, err = readInvoices(ctx, tx, company, 0)
			return err
		})
	})
	if err != nil {
		return secor.Company{}, secor.Statement{}, fault(err, "statement of company %d", company)
	}
	return found, secor.NewStatement(invoices, s.today(s.clock())), nil
}
