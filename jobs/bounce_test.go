package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/jobs/mail/sink"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// mails runs the engine on a mail server of its own.
func (b *bench) mails(t *testing.T, o sink.Options) *sink.Sink {
	t.Helper()
	server, err := sink.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	sender, err := mail.NewSender(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	desk, err := jobs.NewDesk(jobs.Office{Name: "Prairie Safety Partners", Phone: "555-0100", From: "desk@prairie.example"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := jobs.NewWorker(b.Store, sender, desk, b.kinds, b.pace, slog.New(b.book))
	if err != nil {
		t.Fatal(err)
	}
	b.relay(t)
	b.reconciler(t)
	b.run(t, func(ctx context.Context) {
		err := w.Run(ctx, b.queue)
		if err != nil {
			t.Error(err)
		}
	})
	return server
}

// read returns the letters that a mail server has.
func read(t *testing.T, server *sink.Sink) []sink.Letter {
	t.Helper()
	letters, err := server.Messages()
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

// The company's mail server will not have a letter: its job is failed, the case
// remembers it, and the lead is told to phone – until somebody did.
func TestBounce_AtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		verdict sink.Verdict
		code    string
	}{"at the recipient": {sink.Unknown, "5.1.1"}, "at the letter's end": {sink.Refuse, "5.7.1"}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.queue.start(t)
			server := b.mails(t, sink.Options{Judge: func(address string) sink.Verdict {
				if strings.HasPrefix(address, "office@") {
					return tt.verdict
				}
				return sink.Accept
			}})
			id, _ := b.rejected(t)
			b.exec(t, `UPDATE companies SET phone = '403-555-0142'`)
			b.awaitQuiet(t)
			failed := b.wantJob(t, id, secor.JobRejection, promise.Failed, 1)
			if !strings.Contains(failed.LastError, tt.code) || !failed.SendingAt.IsZero() {
				t.Errorf("job says %q, sending %s", failed.LastError, failed.SendingAt)
			}
			f, err := b.File(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Bounces) != 1 || f.Bounces[0] != (secor.Bounce{Job: failed.ID, Letter: secor.JobRejection, Recipient: failed.Recipient, Code: tt.code}) {
				t.Errorf("bounces are %+v", f.Bounces)
			}
			b.wantJob(t, id, secor.JobReachByPhone, promise.Done, 1)
			letters := read(t, server)
			if len(letters) != 1 || letters[0].To != "lead@desk.example" || !strings.Contains(letters[0].Text, "403-555-0142") || !strings.Contains(letters[0].Text, "jobs retry") {
				t.Errorf("letters are %+v", letters)
			}
			report, err := b.Verify(t.Context())
			if err != nil || len(report.Problems) != 0 {
				t.Errorf("history: %+v, %v", report, err)
			}
			b.stepWith(t, id, "reached", secor.Input{"channel": "phone"})
			f, err = b.File(t.Context(), id)
			if err != nil || len(f.Bounces) != 0 {
				t.Errorf("reached, and still open: %+v, %v", f.Bounces, err)
			}
			b.wantJob(t, id, secor.JobRejection, promise.Cancelled, 1)
			report, err = b.Verify(t.Context())
			if err != nil || len(report.Problems) != 0 {
				t.Errorf("history after it: %+v, %v", report, err)
			}
		})
	}
}

// The address is corrected and the letter retried: it arrives, once.
func TestBounce_CorrectedAndRetried(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	server := b.mails(t, sink.Options{Judge: func(address string) sink.Verdict {
		if strings.HasPrefix(address, "office@") {
			return sink.Unknown
		}
		return sink.Accept
	}})
	id, job := b.rejected(t)
	b.awaitQuiet(t)
	b.correctEmail(t, id, "new@roy.example")
	act := secor.Act{ID: "retry", By: b.lead, Surface: secor.SurfaceCLI, Reason: "address corrected"}
	err := b.RetryJob(t.Context(), job.ID, act, false)
	if err != nil {
		t.Fatal(err)
	}
	b.awaitQuiet(t)
	b.wantJob(t, id, secor.JobRejection, promise.Done, 1)
	b.wantEvents(t, id, secor.EventLetterSent, 2) // to the lead and to the company
	arrived := 0
	for _, l := range read(t, server) {
		if l.To == "new@roy.example" {
			arrived++
		}
	}
	if arrived != 1 {
		t.Errorf("the letter arrived %d times", arrived)
	}
}

func (b *bench) correctEmail(t *testing.T, id secor.CaseID, address string) {
	t.Helper()
	b.stepWith(t, id, "correct", secor.Input{"field": "email", "value": address})
}

func (b *bench) stepWith(t *testing.T, id secor.CaseID, name string, in secor.Input) {
	t.Helper()
	b.n++
	act := secor.Act{ID: fmt.Sprintf("step %s %d", name, b.n), By: b.lead, Surface: secor.SurfaceCLI, Reason: "so it is"}
	err := b.UpdateCase(t.Context(), id, act, func(f *secor.File, _ time.Time) error {
		step, err := secor.StepFor(name, f.Case.Kind)
		if err != nil {
			return err
		}
		return step.Take(f, in)
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Somebody phoned before the letter to the lead left: it does not leave.
func TestBounce_ReachedMeanwhile(t *testing.T) {
	for name, meanwhile := range map[string]func(b *bench, id secor.CaseID){
		"reached":   func(b *bench, id secor.CaseID) { b.stepWith(t, id, "reached", secor.Input{"channel": "phone"}) },
		"corrected": func(b *bench, id secor.CaseID) { b.correctEmail(t, id, "new@roy.example") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.queue.start(t)
			b.exec(t, `INSERT INTO pauses (kind, paused_at) VALUES ($1, now())`, secor.JobReachByPhone)
			server := b.mails(t, sink.Options{Judge: func(string) sink.Verdict { return sink.Unknown }})
			id, _ := b.rejected(t)
			await(t, "the bounce", func() bool { return b.job(t, id, secor.JobRejection).State == promise.Failed })
			meanwhile(b, id)
			b.exec(t, `DELETE FROM pauses`)
			b.awaitQuiet(t)
			b.wantJob(t, id, secor.JobReachByPhone, promise.Cancelled, 1)
			if letters := read(t, server); len(letters) != 0 {
				t.Errorf("letters left: %+v", letters)
			}
		})
	}
}

// The lead's own mail bounces, and so does the letter about it: that is the end.
func TestBounce_OfALetterAboutABounce(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	b.mails(t, sink.Options{Judge: func(string) sink.Verdict { return sink.Unknown }})
	id, _ := b.rejected(t)
	b.awaitQuiet(t)
	b.wantEvents(t, id, secor.EventLetterBounced, 1)
	b.wantEvents(t, id, secor.EventColleagueBounced, 1)
	b.wantJob(t, id, secor.JobReachByPhone, promise.Cancelled, 1)
}

// What may pass is no bounce, also when nobody tries again.
func TestBounce_NotEveryFailure(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	b.change(secor.JobRejection, func(k *jobs.Kind) { k.Attempts = 2 })
	server := b.mails(t, sink.Options{Judge: func(string) sink.Verdict { return sink.Later }})
	id, _ := b.rejected(t)
	b.awaitQuiet(t)
	b.wantJob(t, id, secor.JobRejection, promise.Failed, 2)
	b.wantEvents(t, id, secor.EventLetterBounced, 0)
	if letters := read(t, server); len(letters) != 0 {
		t.Errorf("letters left: %+v", letters)
	}
}

// An address on file that our own sender refuses is told of like a bounce: nobody
// waits for an answer to a letter that never left.
func TestBounce_RefusedByOurSender(t *testing.T) {
	for name, tt := range map[string]struct{ sql, code, said string }{
		"address": {`UPDATE companies SET email = 'béa@roy.example'`, "5.1.3", "outside ASCII"},
		"name":    {`UPDATE companies SET contact = 'Ana =?utf-8?q?Roy?='`, "5.1.0", "encoded text"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.queue.start(t)
			server := b.mails(t, sink.Options{})
			b.exec(t, `INSERT INTO pauses (kind, paused_at) VALUES ($1, now())`, secor.JobRejection)
			id, _ := b.rejected(t)
			b.exec(t, tt.sql)
			b.exec(t, `DELETE FROM pauses`)
			b.awaitQuiet(t)
			b.wantJob(t, id, secor.JobRejection, promise.Failed, 1)
			f, err := b.File(t.Context(), id)
			if err != nil || len(f.Bounces) != 1 || f.Bounces[0].Code != tt.code {
				t.Errorf("bounces are %+v, %v", f.Bounces, err)
			}
			letters := read(t, server)
			if len(letters) != 1 || letters[0].To != "lead@desk.example" || !strings.Contains(letters[0].Text, tt.said) {
				t.Errorf("letters are %+v", letters)
			}
		})
	}
}

// Thirty megabytes are refused before a byte leaves, with the limit in the words.
func TestLetter_HugeAttachment(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	b.change(secor.JobRejection, func(k *jobs.Kind) {
		write := k.Letter
		k.Letter = func(d *jobs.Desk, f *secor.File, cause secor.Event, to jobs.Recipient) (mail.Message, error) {
			m, err := write(d, f, cause, to)
			m.Attachments = []mail.Attachment{{Name: "huge.pdf", Type: "application/pdf", Data: make([]byte, 30<<20)}}
			return m, err
		}
	})
	server := b.mails(t, sink.Options{})
	id, _ := b.rejected(t)
	b.awaitQuiet(t)
	job := b.wantJob(t, id, secor.JobRejection, promise.Failed, 1)
	if !strings.Contains(job.LastError, "Attachments have 31457280 bytes together; at most 18874368 are possible") {
		t.Errorf("job says %q", job.LastError)
	}
	b.wantEvents(t, id, secor.EventLetterBounced, 0)
	if letters := read(t, server); len(letters) != 0 {
		t.Errorf("letters left: %+v", letters)
	}
}

// The last answer is lost after the final dot: nobody knows, and nothing is sent
// again. One that only takes its time is waited for.
func TestSender_LastAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		answers bool
		want    promise.State
	}{"dropped": {false, promise.Ambiguous}, "late": {true, promise.Done}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.queue.start(t)
			var asked atomic.Int64
			server := b.mails(t, sink.Options{Last: func(string) bool {
				asked.Add(1)
				<-time.After(200 * time.Millisecond) // the answer's own delay, which the sender waits for
				return tt.answers
			}})
			id, _ := b.rejected(t)
			b.awaitQuiet(t)
			b.wantJob(t, id, secor.JobRejection, tt.want, 1)
			b.wantEvents(t, id, secor.EventLetterBounced, 0)
			if n := len(read(t, server)); n != 1 || asked.Load() != 1 {
				t.Errorf("%d letters are kept, and %d answers were asked for", n, asked.Load())
			}
		})
	}
}
