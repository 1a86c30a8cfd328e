package store

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// ColumnKind says how the values of an exported column are written.
type ColumnKind string

const (
	ColumnText    ColumnKind = "text"
	ColumnWhole   ColumnKind = "whole"   // 14
	ColumnMoney   ColumnKind = "money"   // dollars: 157.50
	ColumnFlag    ColumnKind = "flag"    // true
	ColumnDay     ColumnKind = "day"     // 2026-03-25
	ColumnInstant ColumnKind = "instant" // UTC: 2026-03-25T16:00:00.000001Z
)

// Column is one column of an exported table.
type Column struct {
	Name string
	Kind ColumnKind
}

// Table is one list that an export writes.
type Table struct {
	Name    string // of its files: "companies"
	What    string // of which part of the desk it is: cases, clocks, events, companies, invoices or certificates
	Record  string // the kind of record as which an import reads it; "": none does
	Columns []Column

	query string
	rows  func(ctx context.Context, x *Snapshot, t Table, take func([]string) error) error // nil: as query gives them
}

// columns reads "case whole, state text".
func columns(names ...string) []Column {
	var all []Column
	for i := 0; i < len(names); i += 2 {
		all = append(all, Column{Name: names[i+1], Kind: ColumnKind(names[i])})
	}
	return all
}

const firstAccount = `
	LEFT JOIN LATERAL (SELECT body, account, good_standing FROM registrations WHERE company_id = co.id ORDER BY body LIMIT 1) r ON true`

const exportCompaniesSQL = `
	SELECT co.legal_name, co.trade_name, co.province, r.body, r.account, co.contact, co.email, co.phone, co.language, co.street, co.city, co.postal_code,
		co.member, r.good_standing, co.profile_since, co.certificate_number, co.certificate_expires_on
	FROM companies co` + firstAccount + `
	ORDER BY co.id`

const exportRegistrationsSQL = `
	SELECT r.body, r.account, o.body, o.account, o.good_standing
	FROM companies co` + firstAccount + `
	JOIN registrations o ON o.company_id = co.id AND o.body <> r.body
	ORDER BY co.id, o.body`

const exportPeopleSQL = `
	SELECT r.body, r.account, p.name
	FROM people p JOIN companies co ON co.id = p.company_id` + firstAccount + `
	ORDER BY p.id`

const exportCoursesSQL = `
	SELECT r.body, r.account, p.name, k.name, k.completed_on
	FROM courses k JOIN people p ON p.id = k.person_id JOIN companies co ON co.id = p.company_id` + firstAccount + `
	ORDER BY p.id, k.completed_on, k.name`

const exportCasesSQL = `
	SELECT c.id, c.kind, c.state, c.company_id, co.legal_name, c.body, n.account, v.email, c.edition_id, c.version, c.opened_at,
		(SELECT min(due_at) FROM clocks WHERE case_id = c.id), q.reason, a.purpose, a.fee_year, coalesce(a.headcount, q.headcount), a.round, a.result, a.term,
		a.notified_on, c.last_seq
	FROM cases c
	JOIN companies co ON co.id = c.company_id
	LEFT JOIN registrations n ON n.company_id = c.company_id AND n.body = c.body
	LEFT JOIN reviewers v ON v.id = c.holder_id
	LEFT JOIN requests q ON q.case_id = c.id
	LEFT JOIN audits a ON a.case_id = c.id
	ORDER BY c.id`

const exportEntriesSQL = `
	SELECT c.case_id, c.policy, c.cycle, e.seq, e.kind, e.happened_at, e.recorded_at, e.party, e.level, ` + textJoin + `
	FROM clock_entries e JOIN clocks c ON c.id = e.clock_id LEFT JOIN texts t ON t.hash = e.text_hash
	ORDER BY e.clock_id, e.seq`

const exportEventsSQL = `
	SELECT e.stream, e.seq, e.kind, e.subject, e.from_state, e.to_state, e.actor, e.on_behalf_of, e.surface, e.act_id, e.part,
		e.happened_at, e.recorded_at, ` + textJoin + `, e.facts, e.text_hash, e.prev_hash, e.hash
	FROM events e LEFT JOIN texts t ON t.hash = e.text_hash
	ORDER BY e.stream <> 'desk', e.stream, e.seq`

const exportInvoicesSQL = `
	SELECT i.id, i.fee_year || '-' || i.company_id || '-' || CASE i.kind WHEN 'annual' THEN 'A' ELSE 'R' || i.nth END, i.case_id, i.company_id, i.fee_year, i.kind, i.nth, i.state, i.net_cents, i.tax_cents, i.net_cents + i.tax_cents, p.paid, i.sent_on, i.free
	FROM invoices i
	CROSS JOIN LATERAL (SELECT coalesce(sum(CASE WHEN refund THEN -amount_cents ELSE amount_cents END), 0)::bigint AS paid
		FROM payments WHERE invoice_id = i.id AND reversed_on IS NULL) p
	ORDER BY i.id`

const exportPaymentsSQL = `
	SELECT p.id, p.invoice_id, i.case_id, c.body, n.account, i.fee_year, p.amount_cents, p.method, p.reference, p.received_on, p.reversed_on, p.refund
	FROM payments p
	JOIN invoices i ON i.id = p.invoice_id
	JOIN cases c ON c.id = i.case_id
	LEFT JOIN registrations n ON n.company_id = c.company_id AND n.body = c.body
	ORDER BY p.id`

const exportCertificatesSQL = `
	SELECT k.id, k.case_id, c.company_id, c.body, n.account, k.state, k.term, k.number, k.issued_on, k.expires_on, k.mailed_on, k.replaces_id
	FROM certificates k
	JOIN cases c ON c.id = k.case_id
	LEFT JOIN registrations n ON n.company_id = c.company_id AND n.body = c.body
	ORDER BY k.id`

// Tables returns every list that an export writes, in the order in which an import
// reads those that it can.
func Tables() []Table {
	return []Table{
		{Name: "companies", What: "companies", Record: "company", query: exportCompaniesSQL, Columns: columns("text", "legal_name", "text", "trade_name", "text", "province",
			"text", "body", "text", "account", "text", "contact", "text", "email", "text", "phone", "text", "language", "text", "street", "text", "city", "text", "postal_code",
			"flag", "member", "flag", "good_standing", "day", "profile_since", "text", "certificate_number", "day", "certificate_expires_on")},
		{Name: "registrations", What: "companies", Record: "registration", query: exportRegistrationsSQL, Columns: columns("text", "body", "text", "account",
			"text", "other_body", "text", "other_account", "flag", "good_standing")},
		{Name: "people", What: "companies", Record: "person", query: exportPeopleSQL, Columns: columns("text", "body", "text", "account", "text", "name")},
		{Name: "courses", What: "companies", Record: "course", query: exportCoursesSQL, Columns: columns("text", "body", "text", "account", "text", "person",
			"text", "course", "day", "completed_on")},
		{Name: "cases", What: "cases", query: exportCasesSQL, Columns: columns("whole", "case", "text", "kind", "text", "state", "whole", "company_id", "text", "company",
			"text", "body", "text", "account", "text", "holder", "text", "edition", "whole", "version", "instant", "opened_at", "instant", "due_at", "text", "reason",
			"text", "purpose", "whole", "fee_year", "whole", "headcount", "whole", "round", "text", "result", "whole", "term_years", "day", "notified_on", "whole", "last_event")},
		{Name: "clocks", What: "clocks", query: exportClocksSQL, rows: clockRows, Columns: columns("whole", "case", "text", "policy", "whole", "cycle", "text", "title",
			"flag", "promise", "text", "phase", "text", "ended", "text", "calendar", "instant", "started_at", "instant", "due_at", "instant", "acts_at", "instant", "ended_at",
			"instant", "breached_at", "whole", "office_seconds", "whole", "company_seconds", "whole", "body_seconds")},
		{Name: "clock-entries", What: "clocks", query: exportEntriesSQL, Columns: columns("whole", "case", "text", "policy", "whole", "cycle", "whole", "seq", "text", "kind",
			"instant", "happened_at", "instant", "recorded_at", "text", "party", "text", "level", "text", "reason")},
		{Name: "events", What: "events", query: exportEventsSQL, Columns: columns("text", "stream", "whole", "seq", "text", "kind", "text", "subject", "text", "from_state",
			"text", "to_state", "text", "actor", "text", "on_behalf_of", "text", "surface", "text", "act_id", "whole", "part", "instant", "happened_at", "instant", "recorded_at",
			"text", "text", "text", "facts", "text", "text_hash", "text", "prev_hash", "text", "hash")},
		{Name: "invoices", What: "invoices", query: exportInvoicesSQL, Columns: columns("whole", "invoice", "text", "number", "whole", "case", "whole", "company_id", "whole", "fee_year",
			"text", "kind", "whole", "nth", "text", "state", "money", "net", "money", "tax", "money", "total", "money", "paid", "day", "sent_on", "flag", "free")},
		{Name: "payments", What: "invoices", query: exportPaymentsSQL, Columns: columns("whole", "payment", "whole", "invoice", "whole", "case", "text", "body", "text", "account",
			"whole", "fee_year", "money", "amount", "text", "method", "text", "reference", "day", "received_on", "day", "reversed_on", "flag", "refund")},
		{Name: "certificates", What: "certificates", query: exportCertificatesSQL, Columns: columns("whole", "certificate", "whole", "case", "whole", "company_id", "text", "body",
			"text", "account", "text", "state", "whole", "term_years", "text", "number", "day", "issued_on", "day", "expires_on", "day", "mailed_on", "whole", "replaces")},
	}
}

// Snapshot is the database at one moment. It holds a few rows at a time.
type Snapshot struct {
	tx        *sqlx.Tx
	programme *secor.Programme
	now       time.Time // the desk's clock
}

// Snapshot runs read on the database as it stands at one moment, whatever others
// write meanwhile.
func (s *Store) Snapshot(ctx context.Context, read func(x *Snapshot) error) error {
	return s.snapshot(ctx, func(tx *sqlx.Tx) error { return read(&Snapshot{tx: tx, programme: s.programme, now: s.clock()}) })
}

// Now returns the desk's time of the snapshot, in UTC.
func (x *Snapshot) Now() time.Time { return x.now }

// Rows hands over every row of a table, its values as text in the order of the
// columns; "" stands for none. The slice is valid until take returns.
func (x *Snapshot) Rows(ctx context.Context, t Table, take func(values []string) error) error {
	rows := t.rows
	if rows == nil {
		rows = plainRows
	}
	err := rows(ctx, x, t, take)
	if err != nil {
		return fmt.Errorf("export %s: %w", t.Name, err)
	}
	return nil
}

// History writes what Export does, as of the snapshot.
func (x *Snapshot) History(ctx context.Context, w io.Writer) error { return export(ctx, x.tx, w) }

func plainRows(ctx context.Context, x *Snapshot, t Table, take func([]string) error) error {
	rows, err := x.tx.QueryxContext(ctx, t.query)
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]string, len(t.Columns))
	for rows.Next() {
		found, err := rows.SliceScan()
		if err != nil {
			return err
		}
		for i, c := range t.Columns {
			values[i] = c.text(found[i])
		}
		err = take(values)
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// text writes a value that Postgres gave.
func (c Column) text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case []byte:
		return string(value)
	case int64:
		if c.Kind == ColumnMoney {
			return dollars(value)
		}
		return strconv.FormatInt(value, 10)
	case time.Time:
		if c.Kind == ColumnDay {
			return value.Format(time.DateOnly)
		}
		return microseconds(value)
	default:
		return fmt.Sprint(value)
	}
}

// dollars writes cents as "157.50", and less than nothing as "-157.50".
func dollars(cents int64) string {
	if cents < 0 {
		return "-" + dollars(-cents)
	}
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

const exportClocksSQL = `
	SELECT c.id, c.case_id, c.policy, c.cycle, c.frozen, c.calendar, c.phase, c.due_at, c.acts_at,
		e.kind, e.happened_at, e.recorded_at, e.party, e.level
	FROM clocks c JOIN clock_entries e ON e.clock_id = c.id
	ORDER BY c.id, e.seq`

// entryOfClock is an entry with its clock.
type entryOfClock struct {
	clockRow
	Kind                   secor.ClockEntryKind
	HappenedAt, RecordedAt time.Time
	Party                  secor.Party
	Level                  string
}

// clockRows works out of each ledger what a clock came to.
func clockRows(ctx context.Context, x *Snapshot, t Table, take func([]string) error) error {
	rows, err := x.tx.QueryxContext(ctx, t.query)
	if err != nil {
		return err
	}
	defer rows.Close()
	var last entryOfClock
	var clock secor.Clock
	flush := func() error {
		if last.ID == 0 {
			return nil
		}
		policy, err := thaw(last.Frozen)
		if err != nil {
			return fmt.Errorf("policy of clock %d: %w", last.ID, err)
		}
		clock.Policy = policy
		return take(clockValues(last, clock, x.now))
	}
	for rows.Next() {
		var e entryOfClock
		err = rows.StructScan(&e)
		if err != nil {
			return err
		}
		if e.ID != last.ID {
			err = flush()
			clock = secor.Clock{ID: e.ID, Cycle: e.Cycle, Calendar: e.Calendar}
		}
		if err != nil {
			return err
		}
		last = e
		clock.Entries = append(clock.Entries, secor.ClockEntry{Kind: e.Kind, At: e.HappenedAt.UTC(), Recorded: e.RecordedAt.UTC(), Party: e.Party, Level: e.Level})
	}
	err = rows.Err()
	if err != nil {
		return err
	}
	return flush()
}

// clockValues returns a clock in the order of its table's columns.
func clockValues(row entryOfClock, c secor.Clock, now time.Time) []string {
	instant := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return microseconds(t)
	}
	var ended, breached time.Time
	how := ""
	for _, e := range c.Entries {
		if e.Kind == secor.ClockBreached && breached.IsZero() {
			breached = e.At
		}
		if e.Kind == secor.ClockMet || e.Kind == secor.ClockStopped {
			ended, how = e.At, string(e.Kind)
		}
	}
	spent := c.Spent(now)
	seconds := func(p secor.Party) string { return strconv.FormatInt(int64(spent[p].Seconds()), 10) }
	return []string{number(row.CaseID), c.Policy.Name, strconv.Itoa(c.Cycle), c.Policy.Title, strconv.FormatBool(c.Policy.Promise), string(row.Phase), how, c.Calendar,
		microseconds(c.Entries[0].At), instant(time.Time(row.DueAt)), instant(time.Time(row.ActsAt)), instant(ended), instant(breached),
		seconds(secor.PartyOffice), seconds(secor.PartyCompany), seconds(secor.PartyBody)}
}
