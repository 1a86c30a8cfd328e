package store

import (
	"context"
	"fmt"
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
)

// deskTx is one act on the desk's own stream, under the desk's lock.
type deskTx struct {
	*sqlx.Tx
	ctx  context.Context
	act  secor.Act
	now  time.Time
	head head
	part int
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

// record writes down what happened, with its facts as name, value, name, value.
func (d *deskTx) record(kind secor.EventKind, facts map[string]string) error {
	e := secor.Event{Kind: kind, By: d.act.By, OnBehalfOf: d.act.OnBehalfOf, Surface: d.act.Surface, ActID: d.act.ID,
		HappenedAt: d.act.HappenedAt, RecordedAt: d.now, Text: d.act.Reason, Facts: facts}
	if e.HappenedAt.IsZero() {
		e.HappenedAt = d.now
	}
	_, err := appendEvents(d.ctx, d.Tx, &d.head, d.part, []secor.Event{e})
	d.part++
	return err
}
