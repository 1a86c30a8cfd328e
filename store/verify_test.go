package store_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// tampered runs statements as the owner, with all guards off, and returns what
// Verify finds then, in the database and in an export. Nothing of it is kept.
func (d *desk) tampered(t *testing.T, owner *sqlx.DB, statements []string) (store.Report, store.Report) {
	t.Helper()
	tx, err := owner.BeginTxx(t.Context(), nil)
	d.ok(err)
	defer tx.Rollback()
	for _, s := range append([]string{`SET LOCAL session_replication_role = replica`}, statements...) {
		_, err = tx.ExecContext(t.Context(), s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	report, err := store.VerifyIn(t.Context(), tx)
	d.ok(err)
	var export bytes.Buffer
	d.ok(store.ExportIn(t.Context(), tx, &export))
	offline, err := store.VerifyExport(&export)
	d.ok(err)
	return report, offline
}

// Each way to tamper is found and named, in the database and in an export.
func TestVerify(t *testing.T) {
	const event = `WHERE stream = 'case:1' AND seq = 5`
	tests := []struct {
		name       string
		statements []string
		want       string
	}{
		{"nothing", nil, ""},
		{"kind", []string{`UPDATE events SET kind = 'invoice.voided' ` + event}, "case:1, event 5: was changed"},
		{"subject", []string{`UPDATE events SET subject = 'audit' ` + event}, "case:1, event 5: was changed"},
		{"from", []string{`UPDATE events SET from_state = 'open' ` + event}, "case:1, event 5: was changed"},
		{"to", []string{`UPDATE events SET to_state = 'sent' ` + event}, "case:1, event 5: was changed"},
		{"actor", []string{`UPDATE events SET actor = 'reviewer:2' ` + event}, "case:1, event 5: was changed"},
		{"on behalf of", []string{`UPDATE events SET on_behalf_of = 'company:1' ` + event}, "case:1, event 5: was changed"},
		{"surface", []string{`UPDATE events SET surface = 'button' ` + event}, "case:1, event 5: was changed"},
		{"act", []string{`UPDATE events SET act_id = 'other' ` + event}, "case:1, event 5: was changed"},
		{"part", []string{`UPDATE events SET part = 40 ` + event}, "case:1, event 5: was changed"},
		{"happened at", []string{`UPDATE events SET happened_at = happened_at - interval '1 microsecond' ` + event}, "case:1, event 5: was changed"},
		{"recorded at", []string{`UPDATE events SET recorded_at = recorded_at + interval '1 microsecond' ` + event}, "case:1, event 5: was changed"},
		{"facts", []string{`UPDATE events SET facts = replace(facts, ':', ': ') ` + event}, "case:1, event 5: was changed"},
		{"hash", []string{`UPDATE events SET hash = repeat('a', 64) ` + event}, "case:1, event 6: does not follow the one before it"},
		{"hash before", []string{`UPDATE events SET prev_hash = repeat('a', 64) ` + event}, "case:1, event 5: does not follow the one before it"},
		{"text hash", []string{`UPDATE events SET text_hash = NULL WHERE stream = 'case:1' AND seq = 1`}, "case:1, event 1: was changed"},
		{"text", []string{`ALTER TABLE texts DROP CONSTRAINT texts_hash_is_of_salt_and_body`,
			`UPDATE texts SET body = 'as forged' WHERE hash = (SELECT text_hash FROM events WHERE stream = 'case:1' AND seq = 1)`}, "case:1, event 1: its text was changed"},
		{"text erased in silence", []string{`UPDATE texts SET body = NULL, salt = NULL, erased_at = now()
			WHERE hash = (SELECT text_hash FROM events WHERE stream = 'case:1' AND seq = 1)`}, "case:1, event 1: its text was erased and the desk did not record that"},
		{"text gone", []string{`DELETE FROM texts WHERE hash = (SELECT text_hash FROM events WHERE stream = 'case:1' AND seq = 1)`}, "case:1, event 1: its text is missing"},
		{"an event of the middle", []string{`DELETE FROM events ` + event}, "case:1, event 5: is missing"},
		{"the first events", []string{`DELETE FROM events WHERE stream = 'case:1' AND seq < 4`}, "case:1, event 1: is missing, and all up to 3"},
		{"the last event", []string{`DELETE FROM events WHERE stream = 'case:1' AND seq = 23`}, "case:1, event 23: is missing: the case has 23 events"},
		{"the last event, and the case knows", []string{`DELETE FROM events WHERE stream = 'case:1' AND seq = 23`,
			`UPDATE cases SET last_seq = 22 WHERE id = 1`, `UPDATE certificates SET state = 'signed'`}, "case:1, event 23: is missing: the anchor of 2026-03-25 names it"},
		{"a forged end", []string{`UPDATE events SET hash = repeat('a', 64) WHERE stream = 'case:1' AND seq = 23`}, "case:1, event 23: is not the one that the anchor of 2026-03-25 names"},
		{"a case", []string{`DELETE FROM cases WHERE id = 1`, `DELETE FROM events WHERE stream = 'case:1'`}, "case:1: the case is missing: the desk recorded its opening"},
		{"the events of a case", []string{`DELETE FROM events WHERE stream = 'case:1'`}, "case:1: has no events"},
		{"a case that nobody opened", []string{`INSERT INTO cases (kind, company_id, body, state, version, edition_id, opened_at, last_seq)
			VALUES ('request', 1, 'ab-pir', 'rejected', 1, 'e', now(), 1)`}, "case:3: has no events"},
		{"a case that was made up with its event", []string{`INSERT INTO cases (kind, company_id, body, state, version, edition_id, opened_at, last_seq)
			VALUES ('request', 1, 'ab-pir', 'rejected', 1, 'e', now(), 1)`,
			`INSERT INTO events (stream, seq, kind, subject, from_state, to_state, actor, on_behalf_of, surface, act_id, part, happened_at, recorded_at, facts, prev_hash, hash)
			VALUES ('case:3', 1, 'request.rejected', 'request', '', 'rejected', 'desk', '', 'file', 'forged', 1, '2026-03-25T16:00:00Z', '2026-03-25T16:00:00Z', '{}', '',
				encode(sha256(convert_to('["case:3","1","request.rejected","request","","rejected","desk","","file","forged","1","2026-03-25T16:00:00.000000Z","2026-03-25T16:00:00.000000Z","","{}",""]', 'UTF8')), 'hex'))`},
			"case:3: the desk did not record its opening"},
		{"a desk event", []string{`DELETE FROM events WHERE stream = 'desk' AND seq = 2`}, "desk, event 2: is missing"},
		{"an event that the case does not know", []string{`UPDATE cases SET last_seq = 22 WHERE id = 1`}, "case:1: has 23 events and stands at 22"},
		{"state", []string{`UPDATE cases SET state = 'withdrawn' WHERE id = 1`}, "case:1: is stored as withdrawn and its events say qa_complete"},
		{"state of the certificate", []string{`UPDATE certificates SET state = 'delivered'`}, `case:1: its certificate 1 is stored with state "delivered" and its events say "mailed"`},
		{"the certificate", []string{`DELETE FROM certificates`}, `case:1: its certificate 1 is missing`},
		{"another certificate", []string{`INSERT INTO certificates (case_id, body, state, term, number, issued_on, expires_on, question)
			VALUES (1, 'ab-pir', 'replaced', 3, 'N-2', '2026-03-25', '2029-03-24', '')`}, `case:1: its certificate 2 is stored and no event says so`},
		{"number of the certificate", []string{`UPDATE certificates SET number = 'N-2'`}, `case:1: its certificate 1 is stored with number "N-2" and its events say "N-1"`},
		{"term of the certificate", []string{`UPDATE certificates SET term = 1`}, `case:1: its certificate 1 is stored with term "1" and its events say "3"`},
		{"issue", []string{`UPDATE certificates SET issued_on = '2026-03-24'`}, `case:1: its certificate 1 is stored with issue "2026-03-24" and its events say "2026-03-25"`},
		{"expiry", []string{`UPDATE certificates SET expires_on = '2030-03-24'`}, `case:1: its certificate 1 is stored with expiry "2030-03-24" and its events say "2029-03-24"`},
		{"mailing", []string{`UPDATE certificates SET mailed_on = '2026-03-27'`}, `case:1: its certificate 1 is stored with mailing "2026-03-27" and its events say "2026-03-25"`},
		{"the audit", []string{`DELETE FROM audits`}, `case:1: its audit is missing`},
		{"result", []string{`UPDATE audits SET result = 'fail', term = 0, notified_on = NULL`}, `case:1: its audit is stored with result "fail" and its events say "pass"`},
		{"term", []string{`UPDATE audits SET term = 1`}, `case:1: its audit is stored with term "1" and its events say "3"`},
		{"notice", []string{`UPDATE audits SET notified_on = '2026-03-20'`}, `case:1: its audit is stored with notice "2026-03-20" and its events say "2026-03-25"`},
		{"amount", []string{`UPDATE payments SET amount_cents = 20000`}, `desk: invoice 2026-1-A: a payment of $200.00 by cheque, reference "0042", received on 2026-03-25 is stored and no event says so`},
		{"method", []string{`UPDATE payments SET method = 'eft'`}, `desk: invoice 2026-1-A: a payment of $157.50 by eft, reference "0042", received on 2026-03-25 is stored and no event says so`},
		{"reference", []string{`UPDATE payments SET reference = '0043'`}, `desk: invoice 2026-1-A: a payment of $157.50 by cheque, reference "0043", received on 2026-03-25 is stored and no event says so`},
		{"received", []string{`UPDATE payments SET received_on = '2026-03-24'`}, `desk: invoice 2026-1-A: a payment of $157.50 by cheque, reference "0042", received on 2026-03-24 is stored and no event says so`},
		{"refund", []string{`UPDATE payments SET refund = true`}, `desk: invoice 2026-1-A: a refund of $157.50 by cheque, reference "0042", paid on 2026-03-25 is stored and no event says so`},
		{"reversal", []string{`UPDATE payments SET reversed_on = '2026-03-25'`}, `desk: invoice 2026-1-A: a payment of $157.50 by cheque, reference "0042", received on 2026-03-25, reversed on 2026-03-25 is stored and no event says so`},
		{"the payment", []string{`DELETE FROM payments`}, `desk: invoice 2026-1-A: a payment of $157.50 by cheque, reference "0042", received on 2026-03-25 was recorded and is not stored`},
		{"another payment", []string{`INSERT INTO payments (invoice_id, amount_cents, method, received_on, reference)
			SELECT id, 100, 'card', '2026-03-25', 'x' FROM invoices`}, `desk: invoice 2026-1-A: a payment of $1.00 by card, reference "x", received on 2026-03-25 is stored and no event says so`},
		{"total", []string{`UPDATE invoices SET net_cents = net_cents + 1`}, `desk: invoice 2026-1-A is stored with total ["$157.51"] and the events say ["$157.50"]`},
		{"a round", []string{`UPDATE rounds SET sheet_sum = repeat('a', 64)`}, `case:1: its round 1 is stored with sheet "aaaa`},
		{"the rounds", []string{`DELETE FROM rounds`}, `case:1: its round 1 is missing`},
		{"a note", []string{`UPDATE notes SET state = 'confirmed'`}, `case:1: its note 1 is stored with state "confirmed" and its events say "withdrawn"`},
		{"the notes", []string{`DELETE FROM notes`}, `case:1: its note 1 is missing`},
		{"another note", []string{`INSERT INTO notes SELECT case_id, 2, question, kind, state, text, answer, round, asked, repeated FROM notes`}, `case:1: its note 2 is stored and no event says so`},
		{"a paper", []string{`ALTER TABLE documents DROP CONSTRAINT documents_sha256_is_of_data`, `UPDATE documents SET data = 'forged'`}, `case:1: its paper letter.txt was changed`},
		{"state of the invoice", []string{`UPDATE invoices SET state = 'sent'`}, `desk: invoice 2026-1-A is stored as sent and the events say "paid"`},
		{"the invoice", []string{`DELETE FROM invoices`}, `desk: invoice 2026-1-A is missing`},
	}
	d := newDesk(t)
	company := d.company(1)
	d.certified(company)
	d.request(company)
	_, err := storetest.OwnerDB(t).ExecContext(t.Context(), `INSERT INTO documents (case_id, name, media_type, data, sha256, recorded_at)
		VALUES (1, 'letter.txt', 'text/plain', 'as sent', encode(sha256('as sent'), 'hex'), now())`)
	d.ok(err)
	d.anchor(morning)
	owner := storetest.OwnerDB(t)
	owner.MapperFunc(store.SnakeCase)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report, offline := d.tampered(t, owner, tt.statements)
			checkReport(t, report, tt.want)
			checkReport(t, offline, tt.want)
			if offline.Head != report.Head || offline.Events != report.Events || offline.Cases != report.Cases {
				t.Errorf("the export says %v, the database %v", offline, report)
			}
		})
	}
	d.wholeStill()
	var export bytes.Buffer
	d.ok(d.Export(t.Context(), &export))
	offline, err := store.VerifyExport(&export)
	d.ok(err)
	checkReport(t, offline, "")
}

// What is stored of a bounced payment and of an invoice drawn up again agrees with
// the events, and a payment that no longer bounced does not.
func TestVerify_Turns(t *testing.T) {
	d := newDesk(t)
	id := d.audit(d.company(1))
	d.take(id, d.lead, "invoice", nil)
	bounced := secor.Input{"amount": "100", "method": "cheque", "reference": "0042"}
	d.take(id, d.lead, "pay", bounced)
	d.clock.Add(13 * time.Hour) // 23:00 in the office, the next day in UTC
	d.take(id, d.lead, "reverse-payment", secor.Input{"reference": "0042"})
	d.take(id, d.lead, "cancel", nil)
	d.take(id, d.lead, "reopen", nil)
	d.take(id, d.lead, "invoice", nil)
	d.take(id, d.lead, "pay", bounced)
	d.wholeStill()
	owner := storetest.OwnerDB(t)
	owner.MapperFunc(store.SnakeCase)
	report, offline := d.tampered(t, owner, []string{`UPDATE payments SET reversed_on = NULL`})
	const want = `desk: invoice 2026-1-A: a payment of $100.00 by cheque, reference "0042", received on 2026-03-25, reversed on 2026-03-26 was recorded and is not stored`
	checkReport(t, report, want)
	checkReport(t, offline, want)
}

// A cut of the desk's own end leaves no trace but in a head that was kept.
func TestReport_Expect(t *testing.T) {
	const cut = `desk: the desk's history was cut or rewritten since that head`
	d := newDesk(t)
	d.request(d.company(1))
	earlier, err := d.Verify(t.Context())
	d.ok(err)
	d.anchor(morning)
	kept, err := d.Verify(t.Context())
	d.ok(err)
	for _, head := range []string{earlier.Head, kept.Head} {
		kept.Expect(head)
	}
	checkReport(t, kept, "")
	owner := storetest.OwnerDB(t)
	owner.MapperFunc(store.SnakeCase)
	report, offline := d.tampered(t, owner, []string{`DELETE FROM events WHERE stream = 'desk' AND seq = (SELECT max(seq) FROM events WHERE stream = 'desk')`})
	checkReport(t, report, "")
	for _, r := range []store.Report{report, offline} {
		r.Expect(earlier.Head)
		checkReport(t, r, "")
		r.Expect(kept.Head)
		checkReport(t, r, cut)
	}
}

func checkReport(t *testing.T, report store.Report, want string) {
	t.Helper()
	var all []string
	found := false
	for _, p := range report.Problems {
		all = append(all, p.String())
		found = found || strings.HasPrefix(p.String(), want)
	}
	if want == "" && len(all) > 0 || want != "" && !found {
		t.Errorf("problems %q, want %q", all, want)
	}
	if report.Events == 0 || report.Head == "" {
		t.Errorf("report = %+v", report)
	}
}

func TestVerifyExport_Malformed(t *testing.T) {
	for _, text := range []string{"{", `{"event": 3}`, `{"other": {}}`, "\xff"} {
		_, err := store.VerifyExport(strings.NewReader(text))
		if err == nil || !strings.HasPrefix(err.Error(), "export, line 1: ") {
			t.Errorf("VerifyExport(%q): %v, want an error with its line", text, err)
		}
	}
}

func FuzzVerifyExport(f *testing.F) {
	f.Add([]byte(`{"event":{"stream":"desk","seq":1,"kind":"a.b","facts":"{}"}}` + "\n" + `{"case":{"stream":"case:1","kind":"audit","state":"open"}}`))
	f.Add([]byte(`{"event":{"stream":"desk","seq":1,"kind":"desk.anchored","facts":"{\"case:1\":\"x\"}","actor":"desk"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = store.VerifyExport(bytes.NewReader(text))
	})
}

func TestAnchor(t *testing.T) {
	d := newDesk(t)
	company := d.company(1)
	d.request(company)
	for i := range 2 {
		d.anchor(morning.Add(time.Duration(i) * time.Hour))
	}
	for year := range 2 {
		d.clock.Add(72 * time.Hour)
		d.auditOf(company, 2026+year)
		d.anchor(d.clock.Now())
	}
	if n := d.count(`SELECT count(*) FROM events WHERE kind = 'desk.anchored'`); n != 3 {
		t.Errorf("%d anchors, want 3", n)
	}
	// A day around an anchor is looked at twice.
	if n := d.count(`SELECT count(*) FROM events WHERE kind = 'desk.anchored' AND facts LIKE '%"case:1":"1 %'`); n != 2 {
		t.Errorf("case 1, which stood still, is in %d anchors, want 2", n)
	}
	if n := d.count(`SELECT count(*) FROM events WHERE kind = 'desk.anchored' AND facts LIKE '%"case:3":"1 %'`); n != 1 {
		t.Errorf("case 3 is in %d anchors, want the last", n)
	}
	report, err := d.Verify(t.Context())
	d.ok(err)
	if !report.Anchored.Equal(d.clock.Now()) || len(report.Problems) > 0 {
		t.Errorf("report = %+v", report)
	}
}

// An erased text is gone, also from the ledger; the chain is whole; and it cannot
// be guessed from what is left.
func TestEraseText(t *testing.T) {
	d := newDesk(t)
	id := d.request(d.company(1))
	d.take(id, d.lead, "withdraw", nil)
	act := d.act(d.lead)
	act.Reason = "Ana Roy called again"
	d.ok(d.UpdateCase(t.Context(), id, act, step("reopen", nil)))
	last := d.events(id)
	seq := last[len(last)-1].Seq
	if last[seq-1].Text != "Ana Roy called again" {
		t.Fatalf("event %d says %q", seq, last[seq-1].Text)
	}
	if got := d.file(id).Clocks[1].Entries[0].Reason; got != "Ana Roy called again" {
		t.Fatalf("the clock began because %q", got)
	}
	erase := d.act(d.admin)
	for range 2 {
		d.ok(d.EraseText(t.Context(), erase, id, seq))
	}
	if event, entry := d.events(id)[seq-1].Text, d.file(id).Clocks[1].Entries[0].Reason; event != store.Erased || entry != store.Erased {
		t.Errorf("event %q, clock entry %q, want both erased", event, entry)
	}
	if n := d.count(`SELECT count(*) FROM texts WHERE body = 'Ana Roy called again'`); n != 0 {
		t.Errorf("the text stands in %d rows", n)
	}
	if n := d.count(`SELECT count(*) FROM texts WHERE salt IS NULL`); n != 1 {
		t.Errorf("%d salts erased, want 1", n)
	}
	d.wholeStill()
	d.wantRefusal(d.EraseText(t.Context(), d.act(d.admin), id, seq), secor.ErrNotFound)
	d.wantRefusal(d.EraseText(t.Context(), d.act(d.admin), id, 99), secor.ErrNotFound)
}
