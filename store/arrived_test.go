package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// invoiced is an audit whose invoice was being sent when the attempt ended so, with
// the claim of its worker.
func invoiced(t *testing.T, end promise.Outcome) (*desk, secor.CaseID, promise.Claim) {
	t.Helper()
	d := newDesk(t)
	d.Grace = 0
	id := d.audit(d.company(1))
	d.take(id, d.lead, "invoice", nil)
	found, err := d.Jobs(t.Context(), store.JobFilter{CaseID: id, Kind: string(secor.JobInvoice)})
	if err != nil || len(found) != 1 {
		t.Fatalf("letters of the invoice: %v, %v", found, err)
	}
	c, ours, err := d.ClaimJob(t.Context(), found[0].ID, "host:1/a", time.Minute)
	if err != nil || !ours {
		t.Fatalf("ClaimJob = %v, %v", ours, err)
	}
	if end.Sent {
		_, err = d.StartSend(t.Context(), c, jobAct(c.Job), time.Minute, nothing)
		d.ok(err)
	}
	d.ok(d.EndAttempt(t.Context(), c, end))
	return d, id, c
}

// arrived is a lead's act that says so.
func (d *desk) arrived(id string) secor.Act {
	return secor.Act{ID: "cli:" + id, By: secor.ByReviewer(d.lead), Surface: secor.SurfaceCLI, Reason: "it stands in the mail server's log"}
}

func TestArrivedJob(t *testing.T) {
	for _, end := range []promise.Outcome{ambiguous, unrecorded} {
		t.Run(end.Why, func(t *testing.T) { arrives(t, end) })
	}
}

func arrives(t *testing.T, end promise.Outcome) {
	d, id, late := invoiced(t, end)
	before := len(d.events(id))
	for range 2 { // the same act, as after a lost answer
		d.ok(d.ArrivedJob(t.Context(), late.Job.ID, d.arrived("a")))
	}
	var kinds []string
	for _, e := range d.events(id)[before:] {
		kinds = append(kinds, string(e.Kind))
	}
	if got, want := strings.Join(kinds, " "), "job.arrived letter.sent invoice.sent"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	f := d.file(id)
	if f.Invoice().State != secor.StateSent || f.Invoice().SentOn != secor.NewDate(2026, 3, 25) {
		t.Errorf("the invoice is %s, sent on %s, want sent on 2026-03-25", f.Invoice().State, f.Invoice().SentOn)
	}
	runs := false
	for _, c := range f.Clocks {
		runs = runs || c.Policy.Name == "invoice_payment" && c.Phase() == secor.PhaseRunning
	}
	if !runs {
		t.Errorf("no clock runs for the payment: %+v", f.Clocks)
	}
	job, err := d.Job(t.Context(), late.Job.ID)
	d.ok(err)
	if job.State != promise.Done || !strings.HasPrefix(job.Receipt, "arrived, says ") || strings.Contains(job.Receipt, "reviewer:") || job.DoneAt.IsZero() {
		t.Errorf("the job is %+v", job)
	}
	if got, want := int64(d.count(`SELECT fence FROM jobs WHERE id = $1`, job.ID)), late.Fence+1; got != want {
		t.Errorf("the fence is %d, want %d: it stays a late worker's", got, want)
	}
	d.wantDecided(id, job.ID)
	err = d.FinishSend(t.Context(), late, "250 ok", jobAct(late.Job), func(f *secor.File) error { return f.Accepted(secor.JobInvoice, late.Job.Recipient) })
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("a late FinishSend = %v, want ErrLost", err)
	}
	err = d.EndAttempt(t.Context(), late, ambiguous)
	if !errors.Is(err, promise.ErrLost) {
		t.Errorf("a late EndAttempt = %v, want ErrLost", err)
	}
	after, err := d.Job(t.Context(), late.Job.ID)
	if err != nil || after != job || len(d.events(id)) != before+3 {
		t.Errorf("who came late left %+v and %d events, %v, want %+v and %d", after, len(d.events(id)), err, job, before+3)
	}
	d.wantRefusal(d.ArrivedJob(t.Context(), job.ID, d.arrived("b")), secor.ErrIllegalMove)
	d.wantRefusal(d.CancelJob(t.Context(), job.ID, d.arrived("c")), secor.ErrIllegalMove)
}

// What the letter meant is over: the case only learns that it left.
func TestArrivedJob_OfAVoidedInvoice(t *testing.T) {
	d, id, c := invoiced(t, ambiguous)
	d.take(id, d.lead, "cancel", secor.Input{})
	was := d.file(id)
	d.ok(d.ArrivedJob(t.Context(), c.Job.ID, d.arrived("a")))
	f := d.file(id)
	if f.Case.State != was.Case.State || f.Invoice() != nil && was.Invoice() != nil && f.Invoice().State != was.Invoice().State {
		t.Errorf("the case went on to %s", f.Case.State)
	}
}

func TestArrivedJob_Refused(t *testing.T) {
	for _, end := range []promise.Outcome{failed, {State: promise.Open, Why: "451 busy"}} {
		t.Run(string(end.State), func(t *testing.T) {
			d, id, c := invoiced(t, end)
			before := len(d.events(id))
			d.wantRefusal(d.ArrivedJob(t.Context(), c.Job.ID, d.arrived("a")), secor.ErrIllegalMove)
			if len(d.events(id)) != before {
				t.Error("a refusal was recorded")
			}
		})
	}
	d, id, c := invoiced(t, ambiguous)
	before := len(d.events(id))
	act := d.arrived("a")
	act.By = secor.ByReviewer(d.reviewer[0])
	d.wantRefusal(d.ArrivedJob(t.Context(), c.Job.ID, act), secor.ErrNotAllowed)
	act = d.arrived("b")
	act.Reason = ""
	d.wantRefusal(d.ArrivedJob(t.Context(), c.Job.ID, act), secor.ErrField)
	d.wantRefusal(d.ArrivedJob(t.Context(), 4711, d.arrived("c")), secor.ErrNotFound)
	job, err := d.Job(t.Context(), c.Job.ID)
	if err != nil || job.State != promise.Ambiguous || len(d.events(id)) != before {
		t.Errorf("a refusal changed something: %+v, %v", job, err)
	}
}

// wantDecided wants one decision on a job of a case and none on its others.
func (d *desk) wantDecided(id secor.CaseID, job int64) {
	d.t.Helper()
	found, err := d.Jobs(d.t.Context(), store.JobFilter{CaseID: id})
	d.ok(err)
	if len(found) < 2 {
		d.t.Fatalf("case %d has %d jobs, want others beside job %d", id, len(found), job)
	}
	for _, j := range found {
		story, err := d.Story(d.t.Context(), j)
		d.ok(err)
		want := 0
		if j.ID == job {
			want = 1
		}
		if len(story.Decisions) != want {
			d.t.Errorf("job %d has %d decisions, want %d: %+v", j.ID, len(story.Decisions), want, story.Decisions)
		}
	}
}
