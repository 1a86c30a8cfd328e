package store

import (
	"context"
	"fmt"
	"time"

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

// Anchor records on the desk's stream where every case's events end, so that a
// missing end is seen by Verify. It does so once for the office's day of now;
// again on that day it changes nothing.
func (s *Store) Anchor(ctx context.Context, now time.Time) error {
	today := s.today(now)
	act := secor.Act{ID: "anchor:" + today.String(), By: secor.Desk, Surface: secor.SurfaceClock}
	_, _, err := s.register(ctx, act, "streams", func(d *deskTx) (int64, Change, error) {
		var last moment
		err := d.GetContext(d.ctx, &last, anchorTimeSQL)
		if err != nil {
			return 0, "", fmt.Errorf("find last anchor: %w", err)
		}
		var heads []head
		err = d.SelectContext(d.ctx, &heads, movedHeadsSQL, time.Time(last).AddDate(0, 0, -1))
		if err != nil {
			return 0, "", fmt.Errorf("read ends of streams: %w", err)
		}
		facts := map[string]string{"day": today.String(), "streams": number(int64(len(heads)))}
		for _, h := range heads {
			facts[h.Stream] = fmt.Sprintf("%d %s", h.Seq, h.Hash)
		}
		return int64(len(heads)), Added, d.record(EventDeskAnchored, facts)
	})
	return fault(err, "anchor %s", today)
}
