package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// Events of the desk's own stream. Their facts hold ids and never names.
const (
	EventCaseOpened          secor.EventKind = "case.opened"
	EventCompanyAdded        secor.EventKind = "company.added"
	EventCompanyChanged      secor.EventKind = "company.changed"
	EventRegistrationAdded   secor.EventKind = "registration.added"
	EventRegistrationChanged secor.EventKind = "registration.changed"
	EventPersonAdded         secor.EventKind = "person.added"
	EventCourseAdded         secor.EventKind = "course.added"
	EventReviewerAdded       secor.EventKind = "reviewer.added"
	EventReviewerChanged     secor.EventKind = "reviewer.changed"
	EventLeaveAdded          secor.EventKind = "leave.added"
	EventLeaveChanged        secor.EventKind = "leave.changed"
	EventConflictAdded       secor.EventKind = "conflict.added"
	EventConflictChanged     secor.EventKind = "conflict.changed"
	EventTextErased          secor.EventKind = "text.erased"
	EventDeskAnchored        secor.EventKind = "desk.anchored"
	EventJobsPaused          secor.EventKind = "jobs.paused"
	EventJobsResumed         secor.EventKind = "jobs.resumed"
)

// Change is what adding something to the register came to.
type Change string

const (
	Added     Change = "added"
	Changed   Change = "changed"
	Unchanged Change = "unchanged" // the same data were there, or the same act was taken before
)

// deskTx is one act on the desk's own stream, under the desk's lock.
type deskTx struct {
	*sqlx.Tx
	ctx   context.Context
	act   secor.Act
	now   time.Time
	head  head
	part  int
	texts textKeeper
}

// beginDesk locks the desk's stream and checks the act. Now is the later of the
// desk's clock and the stream's last event.
func (s *Store) beginDesk(ctx context.Context, tx *sqlx.Tx, act secor.Act) (*deskTx, error) {
	act, err := cleanAct(act)
	if err != nil {
		return nil, err
	}
	err = lockDesk.take(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("lock desk: %w", err)
	}
	head, err := headOf(ctx, tx, streamDesk)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	if head.RecordedAt.After(now) {
		now = head.RecordedAt
	}
	// A file without a case checks an act as any other.
	err = new(secor.File).Begin(act, now)
	if err != nil {
		return nil, err
	}
	return &deskTx{Tx: tx, ctx: ctx, act: act, now: now, head: head, part: 1}, nil
}

// happened returns when the act happened.
func (d *deskTx) happened() time.Time {
	if d.act.HappenedAt.IsZero() {
		return d.now
	}
	return d.act.HappenedAt
}

// record writes down what happened. Facts are ids and names of columns; what may
// be a name goes into the text.
func (d *deskTx) record(kind secor.EventKind, facts map[string]string) error {
	return d.recordText(kind, d.act.Reason, facts)
}

func (d *deskTx) recordText(kind secor.EventKind, text string, facts map[string]string) error {
	e := secor.Event{Kind: kind, By: d.act.By, OnBehalfOf: d.act.OnBehalfOf, Surface: d.act.Surface, ActID: d.act.ID,
		HappenedAt: d.happened(), RecordedAt: d.now, Text: text, Facts: facts}
	_, err := appendEvents(d.ctx, d.Tx, &d.head, d.part, &d.texts, []secor.Event{e})
	d.part++
	return err
}

const deskActSQL = `
	SELECT stream, facts
	FROM events
	WHERE act_id = $1
	ORDER BY part
	LIMIT 1`

// past returns what the act noted under a fact when it was taken before; false
// when it is new. An act on a case is a refusal.
func (d *deskTx) past(fact string) (int64, bool, error) {
	var found []struct{ Stream, Facts string }
	err := d.SelectContext(d.ctx, &found, deskActSQL, d.act.ID)
	if err != nil {
		return 0, false, fmt.Errorf("look for act: %w", err)
	}
	if len(found) == 0 {
		return 0, false, nil
	}
	facts := map[string]string{}
	err = json.Unmarshal([]byte(found[0].Facts), &facts)
	if err != nil {
		return 0, false, fmt.Errorf("facts of act: %w", err)
	}
	if found[0].Stream != streamDesk || facts[fact] == "" {
		return 0, false, otherAct(d.act.ID, found[0].Stream)
	}
	id, err := strconv.ParseInt(facts[fact], 10, 64)
	return id, true, err
}

// register runs do as one act on the register, once: the same act again changes
// nothing and returns the id that it noted under fact.
func (s *Store) register(ctx context.Context, act secor.Act, fact string, do func(*deskTx) (int64, Change, error)) (int64, Change, error) {
	var id int64
	change := Unchanged
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		d, err := s.beginDesk(ctx, tx, act)
		if err != nil {
			return err
		}
		past, taken, err := d.past(fact)
		if err != nil {
			return err
		}
		if taken {
			// After a lost answer to COMMIT, change still says what this call did.
			id = past
			return nil
		}
		id, change, err = do(d)
		return asRefusal(err)
	})
	if err != nil {
		return 0, "", err
	}
	return id, change, nil
}
