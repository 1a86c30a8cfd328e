package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// Erased stands where the text of an event was erased.
const Erased = "(erased)"

const streamDesk = "desk"

func caseStream(id secor.CaseID) string { return fmt.Sprintf("case:%d", id) }

// eventRow is an event as it is stored, hashed and exported.
type eventRow struct {
	Stream     string          `json:"stream"`
	Seq        int             `json:"seq"`
	Kind       secor.EventKind `json:"kind"`
	Subject    secor.Subject   `json:"subject"`
	FromState  secor.State     `json:"from_state"`
	ToState    secor.State     `json:"to_state"`
	Actor      string          `json:"actor"`
	OnBehalfOf string          `json:"on_behalf_of"`
	Surface    secor.Surface   `json:"surface"`
	ActID      string          `json:"act_id"`
	Part       int             `json:"part"`
	HappenedAt time.Time       `json:"happened_at"`
	RecordedAt time.Time       `json:"recorded_at"`
	TextHash   optional        `json:"text_hash"`
	Facts      string          `json:"facts"`
	PrevHash   string          `json:"prev_hash"`
	Hash       string          `json:"hash"`
}

const eventColumns = `e.stream, e.seq, e.kind, e.subject, e.from_state, e.to_state, e.actor, e.on_behalf_of, e.surface,
	e.act_id, e.part, e.happened_at, e.recorded_at, e.text_hash, e.facts, e.prev_hash, e.hash`

// sum returns the hash of an event: SHA-256 of a JSON list of its columns, each
// as text, in the order of the table. Times are UTC with six decimals.
func (e eventRow) sum() string {
	columns := []string{e.Stream, strconv.Itoa(e.Seq), string(e.Kind), string(e.Subject), string(e.FromState), string(e.ToState),
		e.Actor, e.OnBehalfOf, string(e.Surface), e.ActID, strconv.Itoa(e.Part), microseconds(e.HappenedAt), microseconds(e.RecordedAt),
		string(e.TextHash), e.Facts, e.PrevHash}
	text, _ := json.Marshal(columns) // a list of strings cannot fail
	return hexSum(text)
}

func microseconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func hexSum(parts ...[]byte) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// head is the end of a stream; the zero Seq is a stream without events.
type head struct {
	Stream     string
	Seq        int
	Hash       string
	RecordedAt time.Time
}

const headSQL = `
	SELECT seq, hash, recorded_at
	FROM events
	WHERE stream = $1
	ORDER BY seq DESC
	LIMIT 1`

func headOf(ctx context.Context, tx *sqlx.Tx, stream string) (head, error) {
	var found []head
	err := tx.SelectContext(ctx, &found, headSQL, stream)
	if err != nil {
		return head{}, fmt.Errorf("read end of %s: %w", stream, err)
	}
	h := head{}
	if len(found) > 0 {
		h = found[0]
	}
	h.Stream, h.RecordedAt = stream, h.RecordedAt.UTC()
	return h, nil
}

const addEventSQL = `
	INSERT INTO events (stream, seq, kind, subject, from_state, to_state, actor, on_behalf_of, surface,
		act_id, part, happened_at, recorded_at, text_hash, facts, prev_hash, hash)
	VALUES (:stream, :seq, :kind, :subject, :from_state, :to_state, :actor, :on_behalf_of, :surface,
		:act_id, :part, :happened_at, :recorded_at, :text_hash, :facts, :prev_hash, :hash)`

// appendEvents chains events to the end of their stream, which is locked, and
// moves head along. Part is the number of the first of them within their act. It
// returns the events with their sequence numbers.
func appendEvents(ctx context.Context, tx *sqlx.Tx, head *head, part int, texts *textKeeper, events []secor.Event) ([]secor.Event, error) {
	var added []secor.Event
	for i, e := range events {
		row, err := newEventRow(e)
		if err != nil {
			return nil, err
		}
		row.TextHash, err = texts.keep(ctx, tx, e.Text)
		if err != nil {
			return nil, err
		}
		row.Stream, row.Seq, row.Part, row.PrevHash = head.Stream, head.Seq+1, part+i, head.Hash
		row.Hash = row.sum()
		_, err = tx.NamedExecContext(ctx, addEventSQL, row)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", e.Kind, err)
		}
		head.Seq, head.Hash, head.RecordedAt = row.Seq, row.Hash, row.RecordedAt
		e.Seq = row.Seq
		added = append(added, e)
	}
	return added, nil
}

func newEventRow(e secor.Event) (eventRow, error) {
	facts := []byte("{}")
	if len(e.Facts) > 0 {
		var err error
		facts, err = json.Marshal(e.Facts)
		if err != nil {
			return eventRow{}, fmt.Errorf("encode facts of %s: %w", e.Kind, err)
		}
	}
	return eventRow{Kind: e.Kind, Subject: e.Subject, FromState: e.From, ToState: e.To, Actor: e.By.String(),
		OnBehalfOf: e.OnBehalfOf.String(), Surface: e.Surface, ActID: e.ActID,
		HappenedAt: e.HappenedAt.UTC(), RecordedAt: e.RecordedAt.UTC(), Facts: string(facts)}, nil
}

// event returns the row as the rules see it.
func (e eventRow) event(text string) (secor.Event, error) {
	by, err := secor.ParseActor(e.Actor)
	if err != nil {
		return secor.Event{}, fmt.Errorf("event %d of %s: actor: %w", e.Seq, e.Stream, err)
	}
	behalf, err := secor.ParseActor(e.OnBehalfOf)
	if err != nil {
		return secor.Event{}, fmt.Errorf("event %d of %s: on behalf of: %w", e.Seq, e.Stream, err)
	}
	var facts map[string]string
	if e.Facts != "{}" {
		err = json.Unmarshal([]byte(e.Facts), &facts)
	}
	if err != nil {
		return secor.Event{}, fmt.Errorf("event %d of %s: facts: %w", e.Seq, e.Stream, err)
	}
	return secor.Event{Seq: e.Seq, Kind: e.Kind, Subject: e.Subject, From: e.FromState, To: e.ToState, By: by, OnBehalfOf: behalf,
		Surface: e.Surface, ActID: e.ActID, HappenedAt: e.HappenedAt.UTC(), RecordedAt: e.RecordedAt.UTC(), Text: text, Facts: facts}, nil
}

// readEvent is an event with its text.
type readEvent struct {
	eventRow
	Body string
}

const textJoin = `coalesce(t.body, CASE WHEN t.erased_at IS NULL THEN '' ELSE '` + Erased + `' END) AS body`

const eventsSQL = `
	SELECT ` + eventColumns + `, ` + textJoin + `
	FROM events e LEFT JOIN texts t ON t.hash = e.text_hash
	WHERE e.stream = $1
	ORDER BY e.seq`

// Events returns all that happened on a case, the first first, with its texts; a
// text that was erased reads as Erased. A case that is not there is ErrNotFound.
func (s *Store) Events(ctx context.Context, id secor.CaseID) ([]secor.Event, error) {
	events, err := selectEvents(ctx, s.reads(), eventsSQL, caseStream(id))
	if err != nil {
		return nil, fmt.Errorf("events of case %d: %w", id, err)
	}
	if len(events) == 0 {
		return nil, noCase(id)
	}
	return events, nil
}

// What a file remembers of its events: how it came into its state, and what bounced.
const rememberedSQL = `
	SELECT ` + eventColumns + `, ` + textJoin + `
	FROM events e LEFT JOIN texts t ON t.hash = e.text_hash
	WHERE e.stream = $1
		AND (e.kind = ANY ($3) OR e.seq = (SELECT max(seq) FROM events WHERE stream = $1 AND subject = $2))
	ORDER BY e.seq`

func selectEvents(ctx context.Context, db sqlx.QueryerContext, query string, args ...any) ([]secor.Event, error) {
	var found []readEvent
	err := sqlx.SelectContext(ctx, db, &found, query, args...)
	if err != nil {
		return nil, err
	}
	events := make([]secor.Event, len(found))
	for i, row := range found {
		events[i], err = row.event(row.Body)
		if err != nil {
			return nil, err
		}
	}
	return events, nil
}

const takenSQL = `SELECT stream FROM events WHERE act_id = $1 ORDER BY part DESC LIMIT 1`

// taken reports whether the act was recorded on this case before. One that was
// recorded elsewhere is a refusal.
func taken(ctx context.Context, tx *sqlx.Tx, id secor.CaseID, actID string) (bool, error) {
	var streams []string
	err := tx.SelectContext(ctx, &streams, takenSQL, actID)
	if err != nil {
		return false, fmt.Errorf("look for act: %w", err)
	}
	if len(streams) == 0 {
		return false, nil
	}
	if streams[0] != caseStream(id) {
		return false, otherAct(actID, streams[0])
	}
	return true, nil
}

// Taken reports whether an act was recorded before, on whichever stream.
func (s *Store) Taken(ctx context.Context, actID string) (bool, error) {
	var streams []string
	err := s.reads().SelectContext(ctx, &streams, takenSQL, actID)
	if err != nil {
		return false, fmt.Errorf("look for act: %w", err)
	}
	return len(streams) > 0, nil
}

func otherAct(actID, stream string) error {
	return refuse(secor.ErrField, "give every step an act id of its own", "the act %q was taken on %s before", actID, stream)
}
