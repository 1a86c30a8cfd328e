package secor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bounced records that the letter of a job to the company did not arrive.
func (o *office) bounced(job int64, recipient string) {
	o.t.Helper()
	err := o.act(Act{By: Desk}, func() error { o.Bounced(job, JobPass, recipient, "5.1.1", "550 5.1.1 unknown mailbox"); return nil })
	if err != nil {
		o.t.Fatal(err)
	}
}

// A bounce is open until somebody reached the reader or corrected the address, and
// reading the events again finds the same.
func TestBounced(t *testing.T) {
	company := ByCompany(12).String()
	tests := []struct {
		name string
		do   func(o *office)
		open []int64
	}{
		{"nobody did anything", func(*office) {}, []int64{7, 8}},
		{"a note changes nothing", func(o *office) { o.take(asCleo, "note", "", "text=called, no answer") }, []int64{7, 8}},
		{"another field was corrected", func(o *office) { o.take(asCleo, "correct", "moved", "field=city", "value=Olds") }, []int64{7, 8}},
		{"reached", func(o *office) { o.take(asCleo, "reached", "", "channel=phone", "text=told them") }, nil},
		{"the company's address was corrected", func(o *office) { o.take(asCleo, "correct", "typing error", "field=email", "value=new@example.com") }, []int64{8}},
		{"reached, and bounced again", func(o *office) {
			o.take(asCleo, "reached", "", "channel=phone")
			o.bounced(7, company)
		}, []int64{7}},
	}
	for _, tt := range tests {
		o := auditIn(t, StateQAComplete)
		o.bounced(7, company)
		o.bounced(8, "body:ab-pir")
		tt.do(o)
		var open []int64
		for _, b := range o.Bounces {
			open = append(open, b.Job)
		}
		if diff := cmp.Diff(tt.open, open); diff != "" {
			t.Errorf("%s: open (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(o.Bounces, OpenBounces(o.history)); diff != "" {
			t.Errorf("%s: read again (-file +read):\n%s", tt.name, diff)
		}
		told := StillTrue(JobReachByPhone, o.File, Event{Kind: EventLetterBounced, Facts: map[string]string{"job": "8"}})
		if want := len(tt.open) > 0 && tt.open[len(tt.open)-1] == 8; told != want {
			t.Errorf("%s: the holder is told: %t, want %t", tt.name, told, want)
		}
	}
}

func TestBounced_MovesNoClock(t *testing.T) {
	o := auditIn(t, StateQAComplete)
	o.accepted(JobPass)
	before := o.Clocks
	notified := o.Audit.Notified
	o.bounced(7, ByCompany(12).String())
	o.take(asCleo, "reached", "", "channel=phone")
	if diff := cmp.Diff(before, o.Clocks); diff != "" || o.Audit.Notified != notified {
		t.Errorf("clocks (-before +after):\n%s\nnotified %s, was %s", diff, o.Audit.Notified, notified)
	}
}

func TestBounced_AtTheDesk(t *testing.T) {
	o := auditIn(t, StateQAComplete)
	o.bounced(7, ByReviewer(3).String())
	e := o.last(EventColleagueBounced)
	if len(o.Bounces) != 0 || !StillTrue(JobReachByPhone, o.File, e) {
		t.Errorf("bounces %v, told %t", o.Bounces, StillTrue(JobReachByPhone, o.File, e))
	}
	e.Facts = map[string]string{"letter": string(JobReachByPhone)}
	if StillTrue(JobReachByPhone, o.File, e) {
		t.Error("the bounce of a letter about a bounce is written about")
	}
}

func TestReached_Refused(t *testing.T) {
	o := auditIn(t, StateQAComplete)
	mustRefuse(t, o.try(asCleo, "reached", "", "channel=phone"), ErrIllegalMove, "no letter of this case has bounced")
	o.bounced(7, ByCompany(12).String())
	mustRefuse(t, o.try(asCleo, "reached", "", "channel=pigeon"), ErrField, "pigeon")
	mustRefuse(t, o.try(asCleo, "reached", ""), ErrField, "channel", "missing")
}
