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

// A company that answered has heard of what it was asked, however it did; its failed
// letter is settled with it, unless something on the case hangs on the letter.
func TestBounced_Answered(t *testing.T) {
	for _, tt := range []struct {
		letter  JobKind
		script  []string
		settled bool
	}{
		{JobRequestQuestion, []string{"answer", "", "answer=yes", "channel=phone"}, true},
		{JobRequestQuestion, []string{"reached", "", "channel=phone"}, true},
		{JobInvoice, []string{"reached", "", "channel=phone"}, false},
		{JobPass, []string{"reached", "", "channel=phone"}, false},
		{JobRequestCertificate, []string{"reached", "", "channel=phone"}, false},
		{JobRequestQuestion, []string{"correct", "typing error", "field=email", "value=new@example.com"}, false},
	} {
		o := requestIn(t, StateQueried)
		err := o.act(Act{By: Desk}, func() error { o.Bounced(7, tt.letter, ByCompany(12).String(), "5.1.1", "550 unknown"); return nil })
		if err != nil {
			t.Fatal(err)
		}
		before := o.Bounces
		o.take(asCleo, tt.script[0], tt.script[1], tt.script[2:]...)
		if len(before) != 1 || len(o.Bounces) != 0 || len(OpenBounces(o.history)) != 0 {
			t.Errorf("%s, %s: open %v, were %v", tt.letter, tt.script[0], o.Bounces, before)
		}
		if got := len(o.SettledJobs(before)) == 1; got != tt.settled {
			t.Errorf("%s, %s: the job is settled: %t, want %t", tt.letter, tt.script[0], got, tt.settled)
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
