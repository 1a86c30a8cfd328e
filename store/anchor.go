package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// An anchor names the ends of all streams that moved since the last one. A day is
// looked at twice, because a step that read the time before an anchor may have
// been committed after it.
const movedHeadsSQL = `
	SELECT e.stream, e.seq, e.hash, e.recorded_at
	FROM cases c JOIN events e ON e.stream = c.stream AND e.seq = c.last_seq
	WHERE e.recorded_at >= $1
	ORDER BY c.id`

const anchorTimeSQL = `
	SELECT max(recorded_at)
	FROM events
	WHERE stream = 'desk' AND kind = 'desk.anchored'`

// FinishAnchor does a job that records on the desk's stream where every case's
// events end, so that a missing end is seen by Verify, and completes the job, in
// one transaction. It does so once for the office's day of the job's tick; another
// job of that day changes nothing. It returns promise.ErrLost when the claim was
// lost meanwhile.
func (s *Store) FinishAnchor(ctx context.Context, c promise.Claim) (promise.State, error) {
	day := s.today(c.Job.Tick)
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		err := s.anchor(ctx, tx, day)
		if err != nil {
			return err
		}
		return completeJob(ctx, tx, c, promise.Done, "")
	})
	if err != nil {
		return promise.Open, fault(err, "anchor %s", day)
	}
	return promise.Done, nil
}

func (s *Store) anchor(ctx context.Context, tx *sqlx.Tx, day secor.Date) error {
	d, err := s.beginDesk(ctx, tx, secor.Act{ID: "anchor:" + day.String(), By: secor.Desk, Surface: secor.SurfaceClock})
	if err != nil {
		return err
	}
	_, taken, err := d.past("streams")
	if taken || err != nil {
		return err
	}
	var last moment
	err = d.GetContext(d.ctx, &last, anchorTimeSQL)
	if err != nil {
		return fmt.Errorf("find last anchor: %w", err)
	}
	var heads []head
	err = d.SelectContext(d.ctx, &heads, movedHeadsSQL, time.Time(last).AddDate(0, 0, -1))
	if err != nil {
		return fmt.Errorf("read ends of streams: %w", err)
	}
	facts := map[string]string{"day": day.String(), "streams": number(int64(len(heads)))}
	for _, h := range heads {
		facts[h.Stream] = fmt.Sprintf("%d %s", h.Seq, h.Hash)
	}
	return d.record(EventDeskAnchored, facts)
}
