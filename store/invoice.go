package store

import (
	"context"
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
	SentOn    day
	Free      bool
}

func (r invoiceRow) isNew() bool { return r.ID == 0 }

func newInvoiceRow(i secor.Invoice) invoiceRow {
	return invoiceRow{ID: i.ID, CaseID: int64(i.CaseID), CompanyID: i.Company, FeeYear: i.FeeYear, Kind: i.Kind, Nth: i.Nth,
		State: i.State, NetCents: int64(i.Net), TaxCents: int64(i.Tax), TaxName: i.TaxName, SentOn: day(i.SentOn), Free: i.Free}
}

func (r invoiceRow) domain() secor.Invoice {
	return secor.Invoice{ID: r.ID, CaseID: secor.CaseID(r.CaseID), Company: r.CompanyID, FeeYear: r.FeeYear, Kind: r.Kind, Nth: r.Nth,
		State: r.State, Net: secor.Cents(r.NetCents), Tax: secor.Cents(r.TaxCents), TaxName: r.TaxName, SentOn: secor.Date(r.SentOn), Free: r.Free}
}

type paymentRow struct {
	ID          int64
	InvoiceID   int64
	AmountCents int64
	Method      string
	ReceivedOn  day
	Reference   string
	ReversedOn  day
}

func (r paymentRow) isNew() bool { return r.ID == 0 }

func newPaymentRows(i secor.Invoice) []paymentRow {
	var rows []paymentRow
	for _, p := range i.Payments {
		rows = append(rows, paymentRow{ID: p.ID, InvoiceID: i.ID, AmountCents: int64(p.Amount), Method: p.Method,
			ReceivedOn: day(p.ReceivedOn), Reference: p.Reference, ReversedOn: day(p.ReversedOn)})
	}
	return rows
}

func (r paymentRow) domain() secor.Payment {
	return secor.Payment{ID: r.ID, Amount: secor.Cents(r.AmountCents), Method: r.Method,
		ReceivedOn: secor.Date(r.ReceivedOn), Reference: r.Reference, ReversedOn: secor.Date(r.ReversedOn)}
}

// invoicesSQL reads the invoices of a company's fee year, those of the case last.
const invoicesSQL = `
	SELECT id, case_id, company_id, fee_year, kind, nth, state, net_cents, tax_cents, tax_name, sent_on, free
	FROM invoices
	WHERE company_id = $1 AND fee_year = $2
	ORDER BY case_id = $3, id`

const paymentsSQL = `
	SELECT p.id, p.invoice_id, p.amount_cents, p.method, p.received_on, p.reference, p.reversed_on
	FROM payments p JOIN invoices i ON i.id = p.invoice_id
	WHERE i.company_id = $1 AND i.fee_year = $2
	ORDER BY p.id`

const addInvoiceSQL = `
	INSERT INTO invoices (case_id, company_id, fee_year, kind, nth, state, net_cents, tax_cents, tax_name, sent_on, free)
	VALUES (:case_id, :company_id, :fee_year, :kind, :nth, :state, :net_cents, :tax_cents, :tax_name, :sent_on, :free)`

const updateInvoiceSQL = `
	UPDATE invoices
	SET case_id = :case_id, state = :state, sent_on = :sent_on, free = :free
	WHERE id = :id`

const addPaymentSQL = `
	INSERT INTO payments (invoice_id, amount_cents, method, received_on, reference, reversed_on)
	VALUES (:invoice_id, :amount_cents, :method, :received_on, :reference, :reversed_on)`

const updatePaymentSQL = `UPDATE payments SET reversed_on = :reversed_on WHERE id = :id`

func loadInvoices(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	if f.Audit == nil {
		return nil
	}
	var invoices []invoiceRow
	err := tx.SelectContext(ctx, &invoices, invoicesSQL, f.Company.ID, f.Audit.FeeYear, f.Case.ID)
	if err != nil {
		return fmt.Errorf("invoices: %w", err)
	}
	var payments []paymentRow
	err = tx.SelectContext(ctx, &payments, paymentsSQL, f.Company.ID, f.Audit.FeeYear)
	if err != nil {
		return fmt.Errorf("payments: %w", err)
	}
	for _, row := range invoices {
		invoice := row.domain()
		for _, p := range payments {
			if p.InvoiceID == row.ID {
				invoice.Payments = append(invoice.Payments, p.domain())
			}
		}
		f.Invoices = append(f.Invoices, invoice)
	}
	return nil
}
