package secor

import (
	"testing"
	"time"
)

func TestAnnounceMaintenance(t *testing.T) {
	o := auditIn(t, StateOpen)
	hour := func(n int) time.Time { return o.clock.Add(time.Duration(n) * time.Hour) }
	announce := func(by Actor, reason string, w Window) error {
		return o.act(Act{By: by, Reason: reason}, func() error { return o.AnnounceMaintenance(w) })
	}
	good := Window{From: hour(10), To: hour(12), Province: "AB"}
	mustRefuse(t, announce(asAna, "new servers", good), ErrNotAllowed, "Announce Maintenance")
	mustRefuse(t, announce(asCleo, "", good), ErrField, "wants a reason")
	mustRefuse(t, announce(asCleo, "new servers", Window{From: hour(10), To: hour(12), Province: "XX"}), ErrField, "zone")
	mustRefuse(t, announce(asCleo, "new servers", Window{From: hour(12), To: hour(10), Province: "AB"}), ErrField, "not after the beginning")
	mustRefuse(t, announce(asCleo, "new servers", Window{From: hour(-3), To: hour(-1), Province: "AB"}), ErrField, "is over")
	err := announce(asCleo, "new servers", good)
	if err != nil {
		t.Fatal(err)
	}
	e := o.last(EventMaintenance)
	w := o.WindowOf(e)
	if !w.From.Equal(good.From.Truncate(time.Second)) || w.From.Location() != o.Programme.Calendars["AB"].Zone || e.Text != "new servers" {
		t.Errorf("window %+v, text %q", w, e.Text)
	}
	if !StillTrue(JobMaintenance, o.File, e) {
		t.Error("the letter would not leave")
	}
	o.clock = hour(20)
	o.take(asCleo, "note", "", "text=the window is over")
	if StillTrue(JobMaintenance, o.File, e) {
		t.Error("the letter would leave after the window")
	}
	closed := auditIn(t, StateSubmitted)
	err = closed.act(Act{By: asCleo, Reason: "new servers"}, func() error { return closed.AnnounceMaintenance(Window{From: hour(10), To: hour(12), Province: "AB"}) })
	mustRefuse(t, err, ErrIllegalMove, "nothing is asked of the company")
}
