package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/secor"
)

// lockMode says how a file is held until the end of the transaction.
type lockMode string

const (
	lockNone   lockMode = ""
	lockShare  lockMode = "FOR SHARE" // nobody changes it
	lockUpdate lockMode = "FOR UPDATE"
)

// company returns the mode for the company's row: rows that only refer to it may
// be added meanwhile.
func (m lockMode) company() string {
	if m == lockUpdate {
		return "FOR NO KEY UPDATE"
	}
	return string(m)
}

// File returns a case with everything around it as it stood at one moment, to be
// looked at. What is changed in it is not kept. ErrNotFound when there is none.
func (s *Store) File(ctx context.Context, id secor.CaseID) (*secor.File, error) {
	var f *secor.File
	err := again(ctx, func() error {
		return s.snapshot(ctx, func(tx *sqlx.Tx) error {
			var err error
			f, err = s.loadFile(ctx, tx, id, lockNone)
			return err
		})
	})
	if err != nil {
		return nil, fault(err, "file of case %d", id)
	}
	return f, nil
}

func noCase(id secor.CaseID) error {
	return refuse(secor.ErrNotFound, "search for the company", "there is no case %d", id)
}

// loadFile reads a case and locks it in the order that everybody keeps: first the
// company, whose lock covers its people, registrations, conflicts and invoices,
// then the case, whose lock covers its other children.
func (s *Store) loadFile(ctx context.Context, tx *sqlx.Tx, id secor.CaseID, mode lockMode) (*secor.File, error) {
	f := &secor.File{Programme: s.programme, SameSheet: sameSheet(ctx, tx)}
	err := loadCase(ctx, tx, f, id, mode)
	if err != nil {
		return nil, err
	}
	err = s.applyProgramme(f)
	if err != nil {
		return nil, err
	}
	for _, load := range []func(context.Context, *sqlx.Tx, *secor.File) error{
		loadSubject, loadInvoices, loadCertificates, loadPeople, loadRegistrations, loadConflicts, s.loadRoster, loadOthers, loadHeld,
		s.loadClocks, loadRemembered,
	} {
		err = load(ctx, tx, f)
		if err != nil {
			return nil, fmt.Errorf("load case %d: %w", id, err)
		}
	}
	err = loadNumbered(ctx, tx, f, mode)
	if err != nil {
		return nil, fmt.Errorf("load case %d: %w", id, err)
	}
	return f, nil
}

// applyProgramme finds the data under which the case was opened.
func (s *Store) applyProgramme(f *secor.File) error {
	f.Edition = s.programme.Editions[f.Case.EditionID]
	f.Body = s.programme.Bodies[f.Case.Body]
	if f.Edition != nil {
		f.Protocol = s.programme.Protocols[f.Edition.Protocol]
	}
	if f.Edition == nil || f.Body == nil || f.Protocol == nil {
		return fmt.Errorf("case %d is of edition %q and body %q, which this program's data do not have (any more)", f.Case.ID, f.Case.EditionID, f.Case.Body)
	}
	return nil
}

func loadRemembered(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	kinds := make(pq.StringArray, len(secor.BounceEvents()))
	for i, kind := range secor.BounceEvents() {
		kinds[i] = string(kind)
	}
	events, err := selectEvents(ctx, tx, rememberedSQL, caseStream(f.Case.ID), f.Case.Kind, kinds)
	if err != nil {
		return fmt.Errorf("last move and bounces: %w", err)
	}
	for _, e := range events {
		if e.Subject == f.Case.Kind {
			f.LastMove = e
		}
	}
	f.Bounces = secor.OpenBounces(events)
	return nil
}

// rows are the rows of a file that a step may change. Clocks are not among them:
// their ledger is only added to, and the rest of them is an index.
type rows struct {
	company      companyRow
	cases        caseRow
	request      []requestRow
	audit        []auditRow
	lines        []lineRow
	notes        []noteRow
	invoices     []invoiceRow
	payments     []paymentRow
	certificates []certificateRow
	entries      map[int64]int // clock id: number of its entries
}

func rowsOf(f *secor.File) rows {
	r := rows{company: newCompanyRow(f.Company), cases: newCaseRow(f.Case), lines: newLineRows(f), notes: newNoteRows(f), entries: map[int64]int{}}
	if f.Request != nil {
		r.request = []requestRow{newRequestRow(f)}
	}
	if f.Audit != nil {
		r.audit = []auditRow{newAuditRow(f)}
	}
	for _, i := range f.Invoices {
		r.invoices = append(r.invoices, newInvoiceRow(i))
		r.payments = append(r.payments, newPaymentRows(i)...)
	}
	for _, c := range f.Certificates {
		r.certificates = append(r.certificates, newCertificateRow(f.Case, c))
	}
	for _, c := range f.Clocks {
		r.entries[c.ID] = len(c.Entries)
	}
	return r
}

// write writes the rows that differ from before and reports whether there were any.
func (r rows) write(ctx context.Context, tx *sqlx.Tx, before rows) (bool, error) {
	w := &writer{ctx: ctx, tx: tx}
	w.err = refuseTakenNumber(ctx, tx, unlike(before.certificates, r.certificates))
	putChanged(w, "", updateCompanySQL, []companyRow{before.company}, []companyRow{r.company})
	putChanged(w, "", updateRequestSQL, before.request, r.request)
	putChanged(w, "", updateAuditSQL, before.audit, r.audit)
	putChanged(w, "", updateCaseSQL, []caseRow{before.cases}, []caseRow{r.cases})
	if lines := unlike(before.lines, r.lines); len(lines) > 0 {
		w.put(putLineSQL, lines)
	}
	if notes := unlike(before.notes, r.notes); len(notes) > 0 {
		w.put(putNoteSQL, notes)
	}
	putChanged(w, addInvoiceSQL, updateInvoiceSQL, before.invoices, r.invoices)
	putChanged(w, addPaymentSQL, updatePaymentSQL, before.payments, r.payments)
	putChanged(w, addCertificateSQL, updateCertificateSQL, before.certificates, r.certificates)
	return w.wrote, w.err
}
