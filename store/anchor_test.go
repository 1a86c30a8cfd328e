package store_test

import (
	"fmt"
	"testing"
	"time"

	"secordesk/store/secor"
)

// A step reads the time, an anchor is set half an hour later, and only then is the
// step committed: the next anchor has it, though it was recorded before the last.
func TestAnchor_CommittedAfterIt(t *testing.T) {
	d := newDesk(t)
	id, act := d.request(d.company(1)), d.act(d.lead)
	inside, anchored := make(chan bool), make(chan bool)
	taken := make(chan error, 1)
	go func() {
		taken <- d.UpdateCase(t.Context(), id, act, func(f *secor.File, now time.Time) error {
			close(inside)
			<-anchored
			return step("approve", nil)(f, now)
		})
	}()
	<-inside
	d.clock.Add(30 * time.Minute)
	d.anchor(d.clock.Now())
	close(anchored)
	d.ok(<-taken)
	d.clock.Add(24 * time.Hour)
	d.anchor(d.clock.Now())
	for seq, want := range map[int]int{1: 1, 2: 1} {
		n := d.count(`SELECT count(*) FROM events WHERE kind = 'desk.anchored' AND facts LIKE $1`, fmt.Sprintf(`%%"case:%d":"%d %%`, id, seq))
		if n != want {
			t.Errorf("event %d is in %d anchors, want %d", seq, n, want)
		}
	}
	d.wholeStill()
}
