package store_test

import (
	"testing"
	"time"

	"secordesk/store/secor"
)

// The same act is taken on two cases at the same moment: one has it, and the other
// hears in words where it was taken, which only a second look can tell.
func TestUpdateCase_SameActElsewhere(t *testing.T) {
	d := newDesk(t)
	first, second := d.request(d.company(1)), d.request(d.company(2))
	act := d.act(d.lead)
	inside, committed := make(chan bool), make(chan bool)
	late := make(chan error, 1)
	go func() {
		late <- d.UpdateCase(t.Context(), second, act, func(f *secor.File, now time.Time) error {
			close(inside)
			<-committed
			return step("approve", nil)(f, now)
		})
	}()
	<-inside
	d.ok(d.UpdateCase(t.Context(), first, act, step("approve", nil)))
	close(committed)
	d.wantRefusal(<-late, secor.ErrField)
	if n := d.times(second, secor.EventRequestApproved); n != 0 {
		t.Errorf("the second case was approved %d times", n)
	}
	d.wholeStill()
}
