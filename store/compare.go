package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// caseRecord is what is stored of a case, as far as its events say it too. Days
// are 2026-03-25, or empty; terms are years; money is "$157.50".
type caseRecord struct {
	Stream       string              `json:"stream"`
	Kind         secor.Subject       `json:"kind"`
	State        secor.State         `json:"state"`
	LastSeq      int                 `json:"last_seq"`
	Audit        *auditRecord        `json:"audit,omitempty"`
	Certificates []certificateRecord `json:"certificates,omitempty"` // the first first
	Invoices     []invoiceRecord     `json:"invoices,omitempty"`
	Documents    []documentRecord    `json:"documents,omitempty"`
	Rounds       []roundRecord       `json:"rounds,omitempty"` // the first first
	Notes        []noteRecord        `json:"notes,omitempty"`
}

type roundRecord struct {
	Stream string `json:"-"`
	Number string `json:"number"`
	Sheet  string `json:"sheet"` // its fingerprint
}

type noteRecord struct {
	Stream   string          `json:"-"`
	Number   string          `json:"number"`
	Question string          `json:"question"`
	Kind     string          `json:"kind"`
	State    secor.NoteState `json:"state"`
}

type auditRecord struct {
	Stream     string `json:"-"`
	Result     string `json:"result"`
	Term       string `json:"term"`
	NotifiedOn string `json:"notified_on"`
}

type certificateRecord struct {
	Stream    string      `json:"-"`
	State     secor.State `json:"state"`
	Term      string      `json:"term"`
	Number    string      `json:"number"`
	IssuedOn  string      `json:"issued_on"`
	ExpiresOn string      `json:"expires_on"`
	MailedOn  string      `json:"mailed_on"`
}

type invoiceRecord struct {
	Number   string          `json:"number"`
	State    secor.State     `json:"state"`
	Total    string          `json:"total"`
	Payments []paymentRecord `json:"payments,omitempty"`
}

type paymentRecord struct {
	Amount     string `json:"amount"`
	Refund     bool   `json:"refund,omitempty"`
	Method     string `json:"method"`
	Reference  string `json:"reference"`
	ReceivedOn string `json:"received_on"`
	ReversedOn string `json:"reversed_on"`
}

type documentRecord struct {
	Stream  string `json:"-"`
	Name    string `json:"name"`
	SHA256  string `json:"sha256"`      // as stored
	DataSum string `json:"data_sha256"` // of what is stored
}

const verifyCasesSQL = `SELECT stream, kind, state, last_seq FROM cases ORDER BY id`

const verifyAuditsSQL = `
	SELECT 'case:' || case_id AS stream, coalesce(result, '') AS result, term::text AS term,
		coalesce(to_char(notified_on, 'YYYY-MM-DD'), '') AS notified_on
	FROM audits`

const verifyCertificatesSQL = `
	SELECT 'case:' || case_id AS stream, state, term::text AS term, number, coalesce(to_char(issued_on, 'YYYY-MM-DD'), '') AS issued_on,
		coalesce(to_char(expires_on, 'YYYY-MM-DD'), '') AS expires_on, coalesce(to_char(mailed_on, 'YYYY-MM-DD'), '') AS mailed_on
	FROM certificates
	ORDER BY id`

const verifyInvoicesSQL = `
	SELECT ` + invoiceColumns + `
	FROM invoices
	ORDER BY state <> 'void', id`

const verifyPaymentsSQL = `
	SELECT id, invoice_id, amount_cents, refund, method, received_on, reference, reversed_on
	FROM payments
	ORDER BY id`

const verifyDocumentsSQL = `
	SELECT 'case:' || case_id AS stream, name, sha256, encode(sha256(data), 'hex') AS data_sum
	FROM documents
	ORDER BY case_id, name`

const verifyRoundsSQL = `
	SELECT 'case:' || case_id AS stream, number::text AS number, sheet_sum AS sheet
	FROM rounds
	ORDER BY case_id, number`

const verifyNotesSQL = `
	SELECT 'case:' || case_id AS stream, number::text AS number, question, kind, state
	FROM notes
	ORDER BY case_id, number`

// feedCases hands over every case with what belongs to it.
func feedCases(ctx context.Context, tx *sqlx.Tx, take func(record) error) error {
	var cases []caseRecord
	var audits []auditRecord
	var certificates []certificateRecord
	var documents []documentRecord
	var rounds []roundRecord
	var notes []noteRecord
	for _, table := range []struct {
		query string
		rows  any
	}{{verifyCasesSQL, &cases}, {verifyAuditsSQL, &audits}, {verifyCertificatesSQL, &certificates}, {verifyDocumentsSQL, &documents},
		{verifyRoundsSQL, &rounds}, {verifyNotesSQL, &notes}} {
		err := tx.SelectContext(ctx, table.rows, table.query)
		if err != nil {
			return fmt.Errorf("read cases: %w", err)
		}
	}
	invoices, err := invoiceRecords(ctx, tx)
	if err != nil {
		return err
	}
	all := map[string]*caseRecord{}
	for i := range cases {
		cases[i].Invoices = invoices[cases[i].Stream]
		all[cases[i].Stream] = &cases[i]
	}
	for _, a := range audits {
		if c := all[a.Stream]; c != nil {
			c.Audit = &a
		}
	}
	for _, k := range certificates {
		if c := all[k.Stream]; c != nil {
			c.Certificates = append(c.Certificates, k)
		}
	}
	for _, d := range documents {
		if c := all[d.Stream]; c != nil {
			c.Documents = append(c.Documents, d)
		}
	}
	for _, r := range rounds {
		if c := all[r.Stream]; c != nil {
			c.Rounds = append(c.Rounds, r)
		}
	}
	for _, n := range notes {
		if c := all[n.Stream]; c != nil {
			c.Notes = append(c.Notes, n)
		}
	}
	for i := range cases {
		err = take(record{Case: &cases[i]})
		if err != nil {
			return err
		}
	}
	return nil
}

// invoiceRecords returns the invoices of each case, by its stream.
func invoiceRecords(ctx context.Context, tx *sqlx.Tx) (map[string][]invoiceRecord, error) {
	var invoices []invoiceRow
	err := tx.SelectContext(ctx, &invoices, verifyInvoicesSQL)
	if err != nil {
		return nil, fmt.Errorf("read invoices: %w", err)
	}
	var payments []paymentRow
	err = tx.SelectContext(ctx, &payments, verifyPaymentsSQL)
	if err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	paid := map[int64][]paymentRecord{}
	for _, row := range payments {
		p := row.domain()
		paid[row.InvoiceID] = append(paid[row.InvoiceID], paymentRecord{Amount: p.Amount.String(), Refund: p.Refund, Method: p.Method,
			Reference: p.Reference, ReceivedOn: p.ReceivedOn.String(), ReversedOn: p.ReversedOn.String()})
	}
	records := map[string][]invoiceRecord{}
	for _, row := range invoices {
		invoice, err := row.domain()
		if err != nil {
			return nil, err
		}
		stream := caseStream(invoice.CaseID)
		records[stream] = append(records[stream], invoiceRecord{Number: invoice.Number(), State: invoice.State,
			Total: invoice.Total().String(), Payments: paid[row.ID]})
	}
	return records, nil
}

// account is what the events of a case say should be stored of it.
type account struct {
	audit        auditRecord
	certificates []certificateRecord
	mailed       []time.Time // when each certificate was; zero: it was not
	rounds       []roundRecord
	notes        []noteRecord
}

// hear takes in the next event of the case.
func (a *account) hear(e secor.Event) {
	a.hearReview(e)
	switch e.Kind {
	case secor.EventAuditRegistered, secor.EventAuditAppealed:
		a.audit = auditRecord{Term: "0"}
	case secor.EventAuditPassed:
		a.audit.Result, a.audit.Term = string(secor.VerdictPass), e.Facts["term"]
	case secor.EventAuditPassedShort:
		a.audit.Result = string(secor.VerdictPass)
	case secor.EventAuditFailed:
		a.audit.Result = string(secor.VerdictFail)
	case secor.EventOneYearGranted:
		a.audit.Term = "1"
	case secor.EventCompanyNotified:
		a.audit.NotifiedOn = e.Facts["on"]
	case secor.EventCertificateDue:
		a.certificates = append(a.certificates, certificateRecord{Term: e.Facts["term"]})
		a.mailed = append(a.mailed, time.Time{})
	}
	last := len(a.certificates) - 1
	if e.Subject != secor.SubjectCertificate || last < 0 {
		return
	}
	c := &a.certificates[last]
	c.State = e.To
	switch e.Kind {
	case secor.EventCertificateIssued:
		c.Number, c.IssuedOn, c.ExpiresOn = e.Facts["number"], e.Facts["issued_on"], e.Facts["expires_on"]
	case secor.EventCertificateMailed:
		a.mailed[last] = e.HappenedAt
	}
}

// hearReview takes in what an event says of a round or a note.
func (a *account) hearReview(e secor.Event) {
	switch e.Kind {
	case secor.EventSubmissionReceived, secor.EventRevisionReceived:
		if e.Facts["sheet"] != "" {
			a.rounds = append(a.rounds, roundRecord{Number: e.Facts["round"], Sheet: e.Facts["sheet"]})
		}
	case secor.EventNoteAdded:
		a.notes = append(a.notes, noteRecord{Number: e.Facts["note"], Question: e.Facts["question"], Kind: e.Facts["kind"], State: secor.NoteOpen})
	case secor.EventNoteResolved, secor.EventNoteConfirmed, secor.EventNoteReopened, secor.EventNoteWithdrawn:
		for i := range a.notes {
			if a.notes[i].Number == e.Facts["note"] {
				a.notes[i].State = secor.NoteState(e.Facts["state"])
			}
		}
	}
}

// compareReview holds rounds and notes against their events.
func (v *verifier) compareReview(c caseRecord, said *account) {
	for i := range max(len(c.Rounds), len(said.rounds)) {
		what := fmt.Sprintf("its round %d", i+1)
		switch {
		case i >= len(c.Rounds):
			v.complain(c.Stream, 0, "%s is missing", what)
		case i >= len(said.rounds):
			v.complain(c.Stream, 0, "%s is stored and no event says so", what)
		default:
			v.compare(c.Stream, what, column{"number", c.Rounds[i].Number, said.rounds[i].Number}, column{"sheet", c.Rounds[i].Sheet, said.rounds[i].Sheet})
		}
	}
	for i := range max(len(c.Notes), len(said.notes)) {
		what := fmt.Sprintf("its note %d", i+1)
		switch {
		case i >= len(c.Notes):
			v.complain(c.Stream, 0, "%s is missing", what)
		case i >= len(said.notes):
			v.complain(c.Stream, 0, "%s is stored and no event says so", what)
		default:
			s, e := c.Notes[i], said.notes[i]
			v.compare(c.Stream, what, column{"number", s.Number, e.Number}, column{"question", s.Question, e.Question},
				column{"kind", s.Kind, e.Kind}, column{"state", string(s.State), string(e.State)})
		}
	}
}

// dayAt returns the day of an instant: day if a clock in Canada showed it then,
// else the day in UTC. An event says when, and not in which zone the office is.
func dayAt(at time.Time, day string) string {
	if at.IsZero() {
		return ""
	}
	if west := secor.DateOf(at.Add(-8*time.Hour), time.UTC).String(); west == day {
		return west
	}
	return secor.DateOf(at, time.UTC).String()
}

// column is one value that is stored and that events say too.
type column struct{ name, stored, said string }

func (v *verifier) compare(stream, what string, columns ...column) {
	for _, c := range columns {
		if c.stored != c.said {
			v.complain(stream, 0, "%s is stored with %s %q and its events say %q", what, c.name, c.stored, c.said)
		}
	}
}

func (v *verifier) compareAudit(stream string, stored, said auditRecord) {
	v.compare(stream, "its audit", column{"result", stored.Result, said.Result}, column{"term", stored.Term, said.Term},
		column{"notice", stored.NotifiedOn, said.NotifiedOn})
}

func (v *verifier) compareCertificates(stream string, stored []certificateRecord, said *account) {
	for i := range max(len(stored), len(said.certificates)) {
		what := fmt.Sprintf("its certificate %d", i+1)
		switch {
		case i >= len(stored):
			v.complain(stream, 0, "%s is missing", what)
		case i >= len(said.certificates):
			v.complain(stream, 0, "%s is stored and no event says so", what)
		default:
			s, e := stored[i], said.certificates[i]
			v.compare(stream, what, column{"state", string(s.State), string(e.State)}, column{"term", s.Term, e.Term},
				column{"number", s.Number, e.Number}, column{"issue", s.IssuedOn, e.IssuedOn},
				column{"expiry", s.ExpiresOn, e.ExpiresOn}, column{"mailing", s.MailedOn, dayAt(said.mailed[i], s.MailedOn)})
		}
	}
}

func (v *verifier) compareDocuments(stream string, stored []documentRecord) {
	for _, d := range stored {
		if d.SHA256 != d.DataSum {
			v.complain(stream, 0, "its paper %s was changed", d.Name)
		}
	}
}

// bill is what is stored, or what events say, under one number: invoices that
// were voided and drawn up again share it.
type bill struct {
	totals   []string
	payments []receipt
}

// receipt is a payment as events say it.
type receipt struct {
	paymentRecord
	reversedAt time.Time // zero: it stands
}

// bills returns what the events of all cases say of money, by number.
func (v *verifier) bills() map[string]*bill {
	slices.SortStableFunc(v.money, func(a, b secor.Event) int { return a.RecordedAt.Compare(b.RecordedAt) })
	bills := map[string]*bill{}
	for _, e := range v.money {
		number := e.Facts["invoice"]
		if bills[number] == nil {
			bills[number] = &bill{}
		}
		bills[number].hear(e)
	}
	return bills
}

func (b *bill) hear(e secor.Event) {
	switch e.Kind {
	case secor.EventInvoiceDrafted:
		b.totals = append(b.totals, e.Facts["total"])
	case secor.EventPaymentRecorded:
		b.payments = append(b.payments, receipt{paymentRecord: paymentRecord{Amount: e.Facts["amount"], Method: e.Facts["method"],
			Reference: e.Facts["reference"], ReceivedOn: e.Facts["received_on"]}})
	case secor.EventPaymentRefunded:
		b.payments = append(b.payments, receipt{paymentRecord: paymentRecord{Amount: e.Facts["amount"], Refund: true, Method: e.Facts["method"],
			Reference: e.Facts["reference"], ReceivedOn: e.Facts["paid_on"]}})
	case secor.EventPaymentReversed:
		for i, p := range b.payments {
			if p.Reference == e.Facts["reference"] && p.reversedAt.IsZero() {
				b.payments[i].reversedAt = e.HappenedAt
			}
		}
	}
}

// checkMoney compares totals and payments with what was recorded of them.
func (v *verifier) checkMoney() {
	said := v.bills()
	for _, number := range slices.Sorted(maps.Keys(v.invoices)) {
		if said[number] == nil {
			said[number] = &bill{}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(said)) {
		var totals []string
		var payments []paymentRecord
		for _, row := range v.invoices[number] {
			totals = append(totals, row.Total)
			payments = append(payments, row.Payments...)
		}
		b := said[number]
		slices.Sort(totals)
		slices.Sort(b.totals)
		if !slices.Equal(totals, b.totals) {
			v.complain(streamDesk, 0, "invoice %s is stored with total %q and the events say %q", number, totals, b.totals)
		}
		v.comparePayments(number, payments, b)
	}
}

func (v *verifier) comparePayments(number string, stored []paymentRecord, said *bill) {
	for _, p := range stored {
		i := slices.IndexFunc(said.payments, func(r receipt) bool {
			r.ReversedOn = dayAt(r.reversedAt, p.ReversedOn)
			return r.paymentRecord == p
		})
		if i < 0 {
			v.complain(streamDesk, 0, "invoice %s: %s is stored and no event says so", number, p)
			continue
		}
		said.payments = slices.Delete(said.payments, i, i+1)
	}
	for _, r := range said.payments {
		r.ReversedOn = dayAt(r.reversedAt, "")
		v.complain(streamDesk, 0, "invoice %s: %s was recorded and is not stored", number, r.paymentRecord)
	}
}

// String describes a payment as problems name it.
func (p paymentRecord) String() string {
	text := fmt.Sprintf("a payment of %s by %s, reference %q, received on %s", p.Amount, p.Method, p.Reference, p.ReceivedOn)
	if p.Refund {
		text = fmt.Sprintf("a refund of %s by %s, reference %q, paid on %s", p.Amount, p.Method, p.Reference, p.ReceivedOn)
	}
	if p.ReversedOn != "" {
		text += ", reversed on " + p.ReversedOn
	}
	return text
}
