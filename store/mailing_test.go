package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// newMailDesk is a desk whose one body has other data.
func newMailDesk(t testing.TB, change func(*secor.Body)) *desk {
	t.Helper()
	d := newDesk(t)
	p, err := schema.Load() // of its own: the other tests share theirs
	d.ok(err)
	change(p.Bodies["ab-pir"])
	d.Store, err = store.Open(t.Context(), storetest.DSN(t), p, d.clock.Now)
	d.ok(err)
	t.Cleanup(func() { d.Store.Close() })
	d.Grace = 0
	return d
}

func asBatch(b *secor.Body) {
	b.Request, b.BatchColumns = secor.AskingBatch, []secor.BatchColumn{secor.ColumnCase, secor.ColumnAccount, secor.ColumnReplaces}
}

// due brings an audit to a pass whose certificate is due.
func (d *desk) due(company int) secor.CaseID {
	d.t.Helper()
	id := d.reviewed(d.company(company))
	d.take(id, d.reviewer[0], "mark", secor.Input{"question": "A1", "awarded": "0"})
	d.take(id, d.reviewer[0], "confirm", nil)
	return id
}

// gathers makes the batch of a day, and returns the job that sends it.
func (d *desk) gathers(day int) promise.Claim {
	d.t.Helper()
	c := d.chore("certificate:gather", time.Date(2026, 3, day, 21, 0, 0, 0, time.UTC))
	state, err := d.FinishGather(d.t.Context(), c)
	if err != nil || state != promise.Done {
		d.t.Fatalf("FinishGather = %s, %v", state, err)
	}
	return c
}

func (d *desk) batchJob() promise.Job {
	d.t.Helper()
	jobs, err := d.Jobs(d.t.Context(), store.JobFilter{Kind: string(secor.JobRequestBatch), Newest: true})
	d.ok(err)
	if len(jobs) == 0 {
		return promise.Job{}
	}
	return jobs[0]
}

// begins starts the sending of a batch and returns its file.
func (d *desk) begins(job int64, token string) (promise.Claim, string, bool) {
	d.t.Helper()
	c, ours, err := d.ClaimJob(d.t.Context(), job, token, time.Minute)
	d.ok(err)
	if !ours {
		d.t.Fatalf("the job %d is not to be had", job)
	}
	text := ""
	starts, err := d.StartBatch(d.t.Context(), c, time.Minute, func(_ secor.BodyBatch, file secor.Document, _ time.Time) error {
		text = string(file.Data)
		return nil
	})
	d.ok(err)
	return c, text, starts
}

func (d *desk) wantCertificate(id secor.CaseID, want secor.State) {
	d.t.Helper()
	if got := d.file(id).Certificate().State; got != want {
		d.t.Errorf("the certificate of case %d is %s, want %s", id, got, want)
	}
}

// TestBodyBatch: all that is due goes once, in one file, and what is revoked before
// it leaves is not in it.
func TestBodyBatch(t *testing.T) {
	d := newMailDesk(t, asBatch)
	a, b, gone := d.due(1), d.due(2), d.due(3)
	if n := d.count(`SELECT count(*) FROM jobs WHERE kind = 'certificate:request'`); n != 0 {
		t.Errorf("%d letters are promised to a body that takes batches", n)
	}
	d.gathers(28) // a Saturday
	if d.batchJob().ID != 0 {
		t.Fatal("a batch was made on a Saturday")
	}
	d.gathers(25)
	d.gathers(26)
	if n := d.count(`SELECT count(*) FROM body_batch_rows`); n != 3 {
		t.Errorf("%d rows in batches, want each certificate once", n)
	}
	d.take(gone, d.lead, "revoke", nil)
	d.take(gone, d.admin, "revoke", nil)
	c, text, starts := d.begins(d.batchJob().ID, "w/1")
	want := fmt.Sprintf("case,account,replaces\r\n%d,0000001,\r\n%d,0000002,\r\n", a, b)
	if !starts || text != want {
		t.Errorf("the file is %q, %t; want %q", text, starts, want)
	}
	d.wantCertificate(a, secor.StateDue)
	for range 2 {
		d.ok(d.FinishBatch(t.Context(), c, "250 kept"))
	}
	d.wantCertificate(a, secor.StateRequested)
	d.wantCertificate(b, secor.StateRequested)
	if n := d.times(a, secor.EventCertificateRequested); n != 1 {
		t.Errorf("requested %d times", n)
	}
	batch, err := d.BodyBatch(t.Context(), c.Job.Batch)
	d.ok(err)
	if batch.SentAt.IsZero() || string(batch.File.Data) != want || len(batch.Cases) != 3 || batch.Cases[2].InFile {
		t.Errorf("kept as %+v", batch)
	}
	late := d.due(4)
	d.gathers(27)
	if d.batchJob().Batch == batch.ID {
		t.Error("what came later goes in no batch")
	}
	d.take(late, d.lead, "revoke", nil)
	d.take(late, d.admin, "revoke", nil)
	_, _, starts = d.begins(d.batchJob().ID, "w/2")
	if starts || d.batchJob().State != promise.Cancelled {
		t.Errorf("a batch of nothing starts: %t, %s", starts, d.batchJob().State)
	}
	report, err := d.Verify(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("Verify = %v, %v", report.Problems, err)
	}
}

// TestBodyBatch_Killed: the process dies while the batch is being sent. Nothing is
// gathered twice, and a person's decision ends it for every case.
func TestBodyBatch_Killed(t *testing.T) {
	decisions := map[string]struct {
		decide func(d *desk, job int64) error
		want   secor.State
		rows   int // that may be gathered again
	}{
		"it arrived": {func(d *desk, job int64) error { return d.ArrivedJob(d.t.Context(), job, d.act(d.lead)) }, secor.StateRequested, 0},
		"given up":   {func(d *desk, job int64) error { return d.CancelJob(d.t.Context(), job, d.act(d.lead)) }, secor.StateDue, 2},
		"sent again": {func(d *desk, job int64) error {
			err := d.RetryJob(d.t.Context(), job, d.act(d.lead), true)
			if err != nil {
				return err
			}
			c, _, _ := d.begins(job, "w/2")
			return d.FinishBatch(d.t.Context(), c, "250 kept")
		}, secor.StateRequested, 0},
	}
	for name, tt := range decisions {
		t.Run(name, func(t *testing.T) {
			d := newMailDesk(t, asBatch)
			a, b := d.due(1), d.due(2)
			d.gathers(25)
			job := d.batchJob().ID
			d.begins(job, "w/1")
			_, err := storetest.OwnerDB(t).Exec(`UPDATE jobs SET claimed_until = now() - interval '1 second' WHERE id = $1`, job)
			d.ok(err)
			_, ambiguous, err := d.ReconcileJobs(t.Context())
			if err != nil || len(ambiguous) != 1 {
				t.Fatalf("%d ambiguous jobs, %v", len(ambiguous), err)
			}
			d.gathers(26)
			if n := d.count(`SELECT count(*) FROM body_batch_rows`); n != 2 {
				t.Errorf("%d rows: what may have left is gathered again", n)
			}
			d.ok(tt.decide(d, job))
			d.wantCertificate(a, tt.want)
			d.wantCertificate(b, tt.want)
			d.gathers(27)
			if n := d.count(`SELECT count(*) FROM body_batch_rows`); n != 2+tt.rows {
				t.Errorf("%d rows after the decision, want %d", n, 2+tt.rows)
			}
			if n := d.count(`SELECT count(*) FROM events WHERE kind = 'certificate.requested'`); tt.want == secor.StateRequested && n != 2 {
				t.Errorf("requested %d times, want each once", n)
			}
		})
	}
}

// TestNumbers_Series: two people who record at once get two numbers.
func TestNumbers_Series(t *testing.T) {
	d := newMailDesk(t, func(b *secor.Body) {
		b.Numberer, b.NumberSeries, b.IssueDay = secor.MakerPartner, "AB-{year}-{000}", secor.IssuedOnLastDay
	})
	a, b := d.due(1), d.due(2)
	for _, id := range []secor.CaseID{a, b} {
		d.ok(d.UpdateCase(t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error { return f.Accepted(secor.JobRequestCertificate, "body:ab-pir") }))
	}
	first, second := d.act(d.lead), d.act(d.lead)
	errs := d.gate(2, func() []error {
		answers := make(chan error, 2)
		for _, one := range []struct {
			id  secor.CaseID
			act secor.Act
		}{{a, first}, {b, second}} {
			go func() { answers <- d.UpdateCase(t.Context(), one.id, one.act, step("record-number", nil)) }()
		}
		return []error{<-answers, <-answers}
	}, `SELECT pg_advisory_xact_lock($1)`, store.LockNumbers)
	d.ok(errors.Join(errs...))
	numbers := []string{d.file(a).Certificate().Number, d.file(b).Certificate().Number}
	if numbers[0] == numbers[1] || !strings.HasPrefix(numbers[0]+numbers[1], "AB-2026-00") {
		t.Errorf("numbers %v", numbers)
	}
	// The index stands behind the rule.
	_, err := storetest.OwnerDB(t).Exec(`UPDATE certificates SET number = 'ab 2026/001'`)
	if err == nil {
		t.Error("Postgres takes a number twice")
	}
}

// signed brings an audit to a certificate that lies signed on the desk.
func (d *desk) signed(company int, number string) secor.CaseID {
	d.t.Helper()
	id := d.due(company)
	d.ok(d.UpdateCase(d.t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error { return f.Accepted(secor.JobRequestCertificate, "body:ab-pir") }))
	d.take(id, d.lead, "record-number", secor.Input{"number": number, "issued-on": "2026-03-20"})
	d.take(id, d.lead, "sign", nil)
	return id
}

func (d *desk) printed() int64 {
	d.t.Helper()
	ready, err := d.ReadyToMail(d.t.Context())
	d.ok(err)
	id, err := d.AddMailBatch(d.t.Context(), d.act(d.lead), []byte("%PDF"), ready)
	d.ok(err)
	return id
}

// TestMailBatch_Once: of two who print at once, one keeps a batch.
func TestMailBatch_Once(t *testing.T) {
	d := newDesk(t)
	id := d.signed(1, "N-1")
	ready, err := d.ReadyToMail(t.Context())
	d.ok(err)
	first, second := d.act(d.lead), d.act(d.lead)
	d.ok(ignoreID(d.AddMailBatch(t.Context(), first, []byte("%PDF"), ready)))
	err = ignoreID(d.AddMailBatch(t.Context(), second, []byte("%PDF"), ready))
	if !errors.Is(err, secor.ErrIllegalMove) || !strings.Contains(err.Error(), "another print batch") {
		t.Errorf("a second batch of the same: %v", err)
	}
	d.ok(ignoreID(d.AddMailBatch(t.Context(), first, []byte("%PDF"), ready)))
	if n := d.count(`SELECT count(*) FROM mail_batches`); n != 1 {
		t.Errorf("%d batches, want 1", n)
	}
	d.ok(d.CancelMailBatch(t.Context(), 1, d.act(d.lead)))
	d.take(id, d.lead, "correct", secor.Input{"field": "city", "value": "Red Deer"})
	err = ignoreID(d.AddMailBatch(t.Context(), d.act(d.lead), []byte("%PDF"), ready))
	if !errors.Is(err, secor.ErrIllegalMove) || !strings.Contains(err.Error(), "changed while its papers were printed") {
		t.Errorf("a batch of old papers: %v", err)
	}
	d.wantRefusal(ignoreID(d.AddMailBatch(t.Context(), d.act(d.reviewer[0]), []byte("%PDF"), ready)), secor.ErrNotAllowed)
}

func ignoreID(_ int64, err error) error { return err }

// TestMailBatch_Broken: broken off between two cases, the same command goes on.
func TestMailBatch_Broken(t *testing.T) {
	d := newDesk(t)
	a, b := d.signed(1, "N-1"), d.signed(2, "N-2")
	batch := d.printed()
	act := d.act(d.lead)
	ctx, cancel := context.WithCancel(t.Context())
	d.Promised = cancel // after the first case
	_, err := d.MailMailBatch(ctx, batch, act)
	if err == nil {
		t.Fatal("it was not broken off")
	}
	d.Promised = nil
	d.wantCertificate(a, secor.StateMailed)
	d.wantCertificate(b, secor.StateSigned)
	for range 2 {
		done, err := d.MailMailBatch(t.Context(), batch, act)
		d.ok(err)
		if done.Open() || done.Envelopes[0].LeftOut+done.Envelopes[1].LeftOut != "" {
			t.Errorf("the batch is %+v", done)
		}
	}
	d.wantCertificate(b, secor.StateMailed)
	if n := d.count(`SELECT count(*) FROM events WHERE kind = 'certificate.mailed'`); n != 2 {
		t.Errorf("mailed %d times, want each once", n)
	}
}

// TestMailBatch_LeftOut: each way in which a case can change after it was printed.
func TestMailBatch_LeftOut(t *testing.T) {
	tests := map[string]struct {
		change func(d *desk, id secor.CaseID)
		says   string
		state  secor.State
	}{
		"another address": {func(d *desk, id secor.CaseID) {
			d.take(id, d.lead, "correct", secor.Input{"field": "postal-code", "value": "T3A 0A1"})
		}, "changed after it was printed", secor.StateSigned},
		"another name": {func(d *desk, id secor.CaseID) {
			d.take(id, d.lead, "correct", secor.Input{"field": "legal-name", "value": "Roofing 9 Ltd."})
		}, "changed after it was printed", secor.StateSigned},
		"revoked": {func(d *desk, id secor.CaseID) {
			d.take(id, d.lead, "revoke", nil)
			d.take(id, d.admin, "revoke", nil)
		}, "the certificate is revoked", secor.StateRevoked},
		"replaced":         {func(d *desk, id secor.CaseID) { d.take(id, d.lead, "replace", nil) }, "another certificate stands", secor.StateDue},
		"mailed by itself": {func(d *desk, id secor.CaseID) { d.take(id, d.lead, "mailed", nil) }, "the certificate is mailed", secor.StateMailed},
		"a conflict": {func(d *desk, id secor.CaseID) {
			_, err := d.AddConflict(d.t.Context(), d.deskAct(), secor.Conflict{ReviewerID: d.lead, CompanyID: d.file(id).Company.ID, Span: secor.Span{From: secor.NewDate(2026, 1, 1)}, Reason: "brother"})
			d.ok(err)
		}, "conflict of interest", secor.StateSigned},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			id := d.signed(1, "N-1")
			batch := d.printed()
			tt.change(d, id)
			done, err := d.MailMailBatch(t.Context(), batch, d.act(d.lead))
			d.ok(err)
			if !strings.Contains(done.Envelopes[0].LeftOut, tt.says) || done.Open() {
				t.Errorf("left out: %q, want %q", done.Envelopes[0].LeftOut, tt.says)
			}
			d.wantCertificate(id, tt.state)
		})
	}
}
