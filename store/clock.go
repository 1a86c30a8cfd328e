package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// frozenPolicy is a policy as a clock keeps it. Its names stay when the rules'
// names change.
type frozenPolicy struct {
	Name    string        `json:"name"`
	Title   string        `json:"title"`
	Party   secor.Party   `json:"party"`
	Unit    secor.Unit    `json:"unit"`
	Ends    secor.Ends    `json:"ends"`
	Levels  []frozenLevel `json:"levels"`
	Promise bool          `json:"promise"`
}

type frozenLevel struct {
	Name      string          `json:"name"`
	AfterDays int             `json:"after_days"`
	Raises    secor.EventKind `json:"raises"`
}

func freeze(p secor.Policy) (string, error) {
	frozen := frozenPolicy{Name: p.Name, Title: p.Title, Party: p.Party, Unit: p.Unit, Ends: p.Ends, Promise: p.Promise}
	for _, l := range p.Levels {
		frozen.Levels = append(frozen.Levels, frozenLevel(l))
	}
	text, err := json.Marshal(frozen)
	return string(text), err
}

func thaw(text string) (secor.Policy, error) {
	var frozen frozenPolicy
	err := json.Unmarshal([]byte(text), &frozen)
	p := secor.Policy{Name: frozen.Name, Title: frozen.Title, Party: frozen.Party, Unit: frozen.Unit, Ends: frozen.Ends, Promise: frozen.Promise}
	for _, l := range frozen.Levels {
		p.Levels = append(p.Levels, secor.Level(l))
	}
	return p, err
}

type clockRow struct {
	ID       int64
	CaseID   int64
	Policy   string
	Cycle    int
	Frozen   string
	Calendar string
	ZoneData string
	Phase    secor.Phase
	ActsAt   moment
	DueAt    moment
}

type entryRow struct {
	ClockID    int64
	Seq        int
	Kind       secor.ClockEntryKind
	HappenedAt time.Time
	RecordedAt time.Time
	Party      secor.Party
	Level      string
	TextHash   optional
}

// readEntry is an entry with its reason.
type readEntry struct {
	entryRow
	Body string
}

const clocksSQL = `
	SELECT id, case_id, policy, cycle, frozen, calendar, zone_data
	FROM clocks
	WHERE case_id = $1
	ORDER BY id`

const entriesSQL = `
	SELECT e.clock_id, e.seq, e.kind, e.happened_at, e.recorded_at, e.party, e.level, e.text_hash, ` + textJoin + `
	FROM clock_entries e JOIN clocks c ON c.id = e.clock_id LEFT JOIN texts t ON t.hash = e.text_hash
	WHERE c.case_id = $1
	ORDER BY e.clock_id, e.seq`

func (s *Store) loadClocks(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var clocks []clockRow
	err := tx.SelectContext(ctx, &clocks, clocksSQL, f.Case.ID)
	if err != nil {
		return fmt.Errorf("clocks: %w", err)
	}
	var entries []readEntry
	err = tx.SelectContext(ctx, &entries, entriesSQL, f.Case.ID)
	if err != nil {
		return fmt.Errorf("clock entries: %w", err)
	}
	for _, row := range clocks {
		policy, err := thaw(row.Frozen)
		if err != nil {
			return fmt.Errorf("policy of clock %d: %w", row.ID, err)
		}
		if s.programme.Calendars[row.Calendar] == nil {
			return fmt.Errorf("clock %d counts by the calendar %q, which this program's data do not have", row.ID, row.Calendar)
		}
		clock := secor.Clock{ID: row.ID, Policy: policy, Cycle: row.Cycle, Calendar: row.Calendar, ZoneData: row.ZoneData}
		for _, e := range entries {
			if e.ClockID == row.ID {
				clock.Entries = append(clock.Entries, e.domain())
			}
		}
		f.Clocks = append(f.Clocks, clock)
	}
	return nil
}

func (e readEntry) domain() secor.ClockEntry {
	return secor.ClockEntry{Kind: e.Kind, At: e.HappenedAt.UTC(), Recorded: e.RecordedAt.UTC(), Party: e.Party, Level: e.Level, Reason: e.Body}
}

const addClockSQL = `
	INSERT INTO clocks (case_id, policy, cycle, frozen, calendar, zone_data, phase, acts_at, due_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	RETURNING id`

const updateClockSQL = `
	UPDATE clocks
	SET phase = $2, acts_at = $3, due_at = $4
	WHERE id = $1 AND (phase, acts_at, due_at) IS DISTINCT FROM ($2, $3, $4)`

// writeClocks adds new cycles and entries and works the index out anew, also when
// the step did nothing: a sweep that came too early finds a later time next.
func (s *Store) writeClocks(ctx context.Context, tx *sqlx.Tx, f *secor.File, entries map[int64]int, texts *textKeeper) error {
	for _, c := range f.Clocks {
		known := entries[c.ID]
		if c.Phase() == secor.PhaseFinished && known == len(c.Entries) {
			continue
		}
		id, err := s.writeClock(ctx, tx, f, c)
		if err != nil {
			return fmt.Errorf("write clock of %s: %w", c.Policy.Name, err)
		}
		for i := known; i < len(c.Entries); i++ {
			err = addEntry(ctx, tx, id, i+1, c.Entries[i], texts)
			if err != nil {
				return fmt.Errorf("write entry of %s: %w", c.Policy.Name, err)
			}
		}
	}
	return nil
}

func (s *Store) writeClock(ctx context.Context, tx *sqlx.Tx, f *secor.File, c secor.Clock) (int64, error) {
	_, acts, _ := f.NextDue(c)
	due, _ := c.Due(s.programme.Calendars[c.Calendar])
	if c.ID != 0 {
		_, err := tx.ExecContext(ctx, updateClockSQL, c.ID, c.Phase(), moment(acts), moment(due))
		return c.ID, err
	}
	frozen, err := freeze(c.Policy)
	if err != nil {
		return 0, err
	}
	var id int64
	err = tx.GetContext(ctx, &id, addClockSQL, f.Case.ID, c.Policy.Name, c.Cycle, frozen, c.Calendar, c.ZoneData, c.Phase(), moment(acts), moment(due))
	return id, err
}

const addEntrySQL = `
	INSERT INTO clock_entries (clock_id, seq, kind, happened_at, recorded_at, party, level, text_hash)
	VALUES (:clock_id, :seq, :kind, :happened_at, :recorded_at, :party, :level, :text_hash)`

func addEntry(ctx context.Context, tx *sqlx.Tx, clock int64, seq int, e secor.ClockEntry, texts *textKeeper) error {
	reason, err := texts.keep(ctx, tx, e.Reason)
	if err != nil {
		return err
	}
	_, err = tx.NamedExecContext(ctx, addEntrySQL, entryRow{ClockID: clock, Seq: seq, Kind: e.Kind, HappenedAt: e.At.UTC(),
		RecordedAt: e.Recorded.UTC(), Party: e.Party, Level: e.Level, TextHash: reason})
	return err
}

const dueClocksSQL = `
	SELECT case_id
	FROM clocks
	WHERE acts_at <= $1
	GROUP BY case_id
	ORDER BY min(acts_at), case_id
	LIMIT $2`

// DueClocks returns up to limit cases that have a clock on which the desk has to
// act at or before now, the longest due first. What the index says is worked out
// anew before anything happens.
func (s *Store) DueClocks(ctx context.Context, now time.Time, limit int) ([]secor.CaseID, error) {
	var ids []secor.CaseID
	err := s.db.SelectContext(ctx, &ids, dueClocksSQL, now, limit)
	if err != nil {
		return nil, fmt.Errorf("due clocks: %w", err)
	}
	return ids, nil
}

const nextDueSQL = `SELECT min(acts_at) FROM clocks WHERE acts_at IS NOT NULL`

// NextDue returns the earliest instant at which the desk has to act on a clock,
// which may have passed; false when there is none.
func (s *Store) NextDue(ctx context.Context) (time.Time, bool, error) {
	var next moment
	err := s.db.GetContext(ctx, &next, nextDueSQL)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("next due clock: %w", err)
	}
	return time.Time(next), !time.Time(next).IsZero(), nil
}
