package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// Report is what Verify found.
type Report struct {
	Events, Cases int
	Anchored      time.Time // of the last anchor; zero: there is none yet
	Head          string    // hash of the desk's last event: keep it elsewhere, it stands for everything before the last anchor
	Problems      []Problem // none: what Verify compares is as it was recorded

	heads map[string]bool // every hash of the desk's chain
}

// Expect adds a problem unless head, which an earlier Report named, is still in
// the desk's chain. Only so is it seen that the chain's end was cut.
func (r *Report) Expect(head string) {
	if !r.heads[head] {
		r.Problems = append(r.Problems, Problem{Stream: streamDesk, What: "the desk's history was cut or rewritten since that head"})
	}
}

// NotCompared says what Verify does not hold against the events.
func NotCompared() string {
	return "clock ledgers, marks and months of sheets, texts of notes, the register of companies and people, jobs, batches for bodies and for the post, what else a case holds, papers that are gone or were replaced with their sum; " +
		"and whether events of a case since the last anchor were cut together with what they say"
}

// Problem is one place where the database is not what was recorded.
type Problem struct {
	Stream string // "case:12" or "desk"
	Seq    int    // of the event; 0: of the whole stream
	What   string
}

func (p Problem) String() string {
	if p.Seq == 0 {
		return p.Stream + ": " + p.What
	}
	return fmt.Sprintf("%s, event %d: %s", p.Stream, p.Seq, p.What)
}

// Verify reads everything that was ever recorded and compares it with itself and
// with what is stored: every event's hash, its place in the chain, its text, the
// anchors, and whether the events give what is stored: the states, the result of an
// audit, certificates, invoices and payments, rounds and notes of a review; and that a paper is what its own sum
// says. An error means that it could not look, not that something is wrong.
func (s *Store) Verify(ctx context.Context) (Report, error) {
	v := newVerifier()
	err := s.snapshot(ctx, func(tx *sqlx.Tx) error { return feed(ctx, tx, v.take) })
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	return v.report(), nil
}

// record is one line of what Verify looks at, and of an export: exactly one of
// its fields is set.
type record struct {
	Event *eventRecord `json:"event,omitempty"`
	Case  *caseRecord  `json:"case,omitempty"`
}

// eventRecord is an event with its text as it is stored.
type eventRecord struct {
	eventRow
	TextStored bool   `json:"text_stored"` // its text has a row
	TextErased bool   `json:"text_erased"` // which was erased
	Salt       []byte `json:"salt,omitempty"`
	Body       string `json:"body,omitempty"`
}

const verifyEventsSQL = `
	SELECT ` + eventColumns + `, t.hash IS NOT NULL AS text_stored, t.erased_at IS NOT NULL AS text_erased,
		t.salt, coalesce(t.body, '') AS body
	FROM events e LEFT JOIN texts t ON t.hash = e.text_hash
	ORDER BY e.stream <> 'desk', e.stream, e.seq`

// feed hands over every event, the desk's first, and then every case.
func feed(ctx context.Context, tx *sqlx.Tx, take func(record) error) error {
	events, err := tx.QueryxContext(ctx, verifyEventsSQL)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	defer events.Close()
	for events.Next() {
		var e eventRecord
		err = events.StructScan(&e)
		if err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		err = take(record{Event: &e})
		if err != nil {
			return err
		}
	}
	err = events.Err()
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return feedCases(ctx, tx, take)
}

// verifier collects what the records say and where they do not agree.
type verifier struct {
	found    Report
	last     eventRow                 // of the stream being read
	ends     map[string]eventRow      // stream: its last event
	moves    map[string][]secor.Event // case stream: its moves
	accounts map[string]*account      // case stream: what its events say
	money    []secor.Event            // of invoices and payments, in all cases
	anchors  []anchor
	at       map[string]string          // "case:12 7", if an anchor names it: hash, "" until it is read
	erasures map[string]bool            // hash of a text: its erasure is recorded
	opened   map[string]bool            // case streams whose opening the desk recorded
	stored   map[string]bool            // case streams that have a case
	invoices map[string][]invoiceRecord // number: as stored; more than one when all but one are void
}

// anchor is one end that an anchor named.
type anchor struct {
	day, stream, seq, hash string
}

func newVerifier() *verifier {
	return &verifier{found: Report{heads: map[string]bool{}}, ends: map[string]eventRow{}, moves: map[string][]secor.Event{}, accounts: map[string]*account{}, at: map[string]string{},
		opened: map[string]bool{}, erasures: map[string]bool{}, stored: map[string]bool{}, invoices: map[string][]invoiceRecord{}}
}

func (v *verifier) complain(stream string, seq int, format string, args ...any) {
	v.found.Problems = append(v.found.Problems, Problem{Stream: stream, Seq: seq, What: fmt.Sprintf(format, args...)})
}

func (v *verifier) take(r record) error {
	switch {
	case r.Event != nil:
		v.event(*r.Event)
	case r.Case != nil:
		v.found.Cases++
		v.standing(*r.Case)
	}
	return nil
}

// event checks one event against its own hash, its text and the one before it.
func (v *verifier) event(e eventRecord) {
	v.found.Events++
	if v.last.Stream != e.Stream {
		v.last = eventRow{Stream: e.Stream}
	}
	switch {
	case e.Seq == v.last.Seq+2:
		v.complain(e.Stream, v.last.Seq+1, "is missing")
	case e.Seq != v.last.Seq+1:
		v.complain(e.Stream, v.last.Seq+1, "is missing, and all up to %d", e.Seq-1)
	case e.PrevHash != v.last.Hash:
		v.complain(e.Stream, e.Seq, "does not follow the one before it")
	}
	if e.sum() != e.Hash {
		v.complain(e.Stream, e.Seq, "was changed: its hash is of other data")
	}
	v.text(e)
	v.last, v.ends[e.Stream] = e.eventRow, e.eventRow
	key := fmt.Sprintf("%s %d", e.Stream, e.Seq)
	if _, named := v.at[key]; named {
		v.at[key] = e.Hash
	}
	v.remember(e)
}

func (v *verifier) text(e eventRecord) {
	switch {
	case e.TextHash == "":
	case !e.TextStored:
		v.complain(e.Stream, e.Seq, "its text is missing")
	case e.TextErased && !v.erasures[string(e.TextHash)]:
		v.complain(e.Stream, e.Seq, "its text was erased and the desk did not record that")
	case !e.TextErased && hexSum(e.Salt, []byte(e.Body)) != string(e.TextHash):
		v.complain(e.Stream, e.Seq, "its text was changed")
	}
}

// remember keeps what later records are compared with. The desk's events come first.
func (v *verifier) remember(e eventRecord) {
	event, err := e.event("")
	if err != nil {
		v.complain(e.Stream, e.Seq, "cannot be read: %v", err)
		return
	}
	if e.Stream != streamDesk {
		v.hear(e.Stream, event)
		return
	}
	v.found.heads[e.Hash] = true
	switch event.Kind {
	case EventCaseOpened:
		v.opened["case:"+event.Facts["case"]] = true
	case EventTextErased:
		v.erasures[event.Facts["text"]] = true
	case EventDeskAnchored:
		v.found.Anchored = event.RecordedAt
		for stream, end := range event.Facts {
			if strings.HasPrefix(stream, "case:") {
				seq, hash, _ := strings.Cut(end, " ")
				v.anchors = append(v.anchors, anchor{day: event.Facts["day"], stream: stream, seq: seq, hash: hash})
				v.at[stream+" "+seq] = ""
			}
		}
	}
}

// hear keeps what an event of a case says should be stored.
func (v *verifier) hear(stream string, e secor.Event) {
	if v.accounts[stream] == nil {
		v.accounts[stream] = &account{}
	}
	v.accounts[stream].hear(e)
	if e.Subject != "" {
		v.moves[stream] = append(v.moves[stream], e)
	}
	switch e.Kind {
	case secor.EventInvoiceDrafted, secor.EventPaymentRecorded, secor.EventPaymentReversed, secor.EventPaymentRefunded:
		v.money = append(v.money, e)
	}
}

// standing compares what is stored of a case with its events.
func (v *verifier) standing(c caseRecord) {
	v.stored[c.Stream] = true
	for _, invoice := range c.Invoices {
		v.invoices[invoice.Number] = append(v.invoices[invoice.Number], invoice)
	}
	end, recorded := v.ends[c.Stream]
	if !recorded {
		v.complain(c.Stream, 0, "has no events")
		return
	}
	if end.Seq < c.LastSeq {
		v.complain(c.Stream, end.Seq+1, "is missing: the case has %d events", c.LastSeq)
	}
	if end.Seq > c.LastSeq {
		v.complain(c.Stream, 0, "has %d events and stands at %d", end.Seq, c.LastSeq)
	}
	replayed := secor.Replay(v.moves[c.Stream])
	if replayed[c.Kind] != c.State {
		v.complain(c.Stream, 0, "is stored as %s and its events say %s", c.State, replayed[c.Kind])
	}
	said := v.accounts[c.Stream]
	if said == nil {
		return // an event that cannot be read was named already
	}
	switch {
	case c.Audit != nil:
		v.compareAudit(c.Stream, *c.Audit, said.audit)
	case c.Kind == secor.SubjectAudit:
		v.complain(c.Stream, 0, "its audit is missing")
	}
	v.compareCertificates(c.Stream, c.Certificates, said)
	v.compareDocuments(c.Stream, c.Documents)
	v.compareReview(c, said)
}

// report compares streams, anchors and invoices once everything was read.
func (v *verifier) report() Report {
	for _, stream := range slices.Sorted(maps.Keys(v.opened)) {
		if !v.stored[stream] {
			v.complain(stream, 0, "the case is missing: the desk recorded its opening")
		}
	}
	for _, stream := range slices.Sorted(maps.Keys(v.ends)) {
		if stream != streamDesk && !v.opened[stream] {
			v.complain(stream, 0, "the desk did not record its opening")
		}
	}
	v.checkAnchors()
	v.checkInvoices()
	v.checkMoney()
	v.found.Head = v.ends[streamDesk].Hash
	return v.found
}

func (v *verifier) checkAnchors() {
	slices.SortFunc(v.anchors, func(a, b anchor) int { return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.day, b.day)) })
	for _, a := range v.anchors {
		seq, err := strconv.Atoi(a.seq)
		if err != nil || a.hash == "" {
			v.complain(streamDesk, 0, "the anchor of %s says nothing that can be read of %s", a.day, a.stream)
			continue
		}
		switch v.at[a.stream+" "+a.seq] {
		case a.hash:
		case "":
			v.complain(a.stream, seq, "is missing: the anchor of %s names it", a.day)
		default:
			v.complain(a.stream, seq, "is not the one that the anchor of %s names", a.day)
		}
	}
}

// checkInvoices compares invoices with the last move that any case recorded of
// them: an invoice may pass from one case of a company to another.
func (v *verifier) checkInvoices() {
	said := map[string][]secor.Event{} // number: the last move in each stream
	for _, stream := range slices.Sorted(maps.Keys(v.moves)) {
		last := map[string]secor.Event{}
		for _, e := range v.moves[stream] {
			if e.Subject == secor.SubjectInvoice {
				last[e.Facts["invoice"]] = e
			}
		}
		for invoice, e := range last {
			said[invoice] = append(said[invoice], e)
		}
	}
	for _, invoice := range slices.Sorted(maps.Keys(v.invoices)) {
		latest := secor.Event{}
		for _, e := range said[invoice] {
			if !e.RecordedAt.Before(latest.RecordedAt) {
				latest = e
			}
		}
		// A void invoice gives way to the one that stands for the same fee.
		rows := v.invoices[invoice]
		stored := rows[max(0, slices.IndexFunc(rows, func(r invoiceRecord) bool { return r.State != secor.StateVoid }))]
		if latest.To != stored.State {
			v.complain(streamDesk, 0, "invoice %s is stored as %s and the events say %q", invoice, stored.State, latest.To)
		}
		delete(said, invoice)
	}
	for _, invoice := range slices.Sorted(maps.Keys(said)) {
		v.complain(streamDesk, 0, "invoice %s is missing", invoice)
	}
}
