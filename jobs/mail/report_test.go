package mail_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secordesk/jobs/mail"
	"secordesk/jobs/mail/sink"
)

// report is what a mail server writes about a letter of ours.
func report() string {
	l := sink.Letter{Job: "job-41@desk.example", Message: mail.Message{To: "office@a.example", From: "desk@desk.example", ID: "job-41@desk.example"}}
	return string(l.Report(mail.Failed, "5.1.1", "550 5.1.1 <office@a.example>: unknown mailbox"))
}

func TestReadReport(t *testing.T) {
	whole := mail.Report{ID: "job-41@desk.example", Deliveries: []mail.Delivery{{Address: "office@a.example", Original: "office@a.example",
		Action: mail.Failed, Status: "5.1.1", Said: "550 5.1.1 <office@a.example>: unknown mailbox"}}}
	delayed := whole
	delayed.Deliveries = []mail.Delivery{{Address: "office@a.example", Original: "office@a.example", Action: mail.Delayed, Status: "4.4.1", Said: "timed out"}}
	relayed := mail.Report{ID: whole.ID, Deliveries: []mail.Delivery{whole.Deliveries[0], {Address: "b@b.example", Action: mail.Relayed, Status: "2.0.0"}}}
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(report()) }
	tests := []struct {
		name, text string
		want       mail.Report
		problem    string // of the error; "": none
	}{
		{"failed", report(), whole, ""},
		{"line ends without CR", edit("\r\n", "\n"), whole, ""},
		{"without our header", edit("X-Secordesk-Job: job-41@desk.example\r\n", ""), whole, ""},
		{"with a Message-ID of the relay", edit("Message-ID: <job-41@desk.example>", "Message-ID: <20260325@relay.example>"), whole, ""},
		{"a header folded, with another case", edit("Diagnostic-Code: smtp; 550", "DIAGNOSTIC-code: smtp;\r\n 550"), whole, ""},
		{"delayed", edit("Action: failed", "Action: Delayed", "Status: 5.1.1", "Status: 4.4.1 (no answer)", "550 5.1.1 <office@a.example>: unknown mailbox", "timed out"), delayed, ""},
		{"two readers", edit("unknown mailbox\r\n", "unknown mailbox\r\n\r\nFinal-Recipient: rfc822;b@b.example\r\nAction: relayed\r\nStatus: 2.0.0\r\n"), relayed, ""},
		{"nothing", "", mail.Report{}, "it is no e-mail message"},
		{"a letter", "From: a@a.example\r\nContent-Type: text/plain\r\n\r\nHello\r\n", mail.Report{}, "it is no delivery report"},
		{"a report of another kind", edit("report-type=delivery-status", "report-type=disposition-notification"), mail.Report{}, "it is no delivery report"},
		{"broken off", report()[:strings.Index(report(), "text/rfc822-headers")], mail.Report{}, "nobody can say which"},
		{"broken off in its status", report()[:strings.Index(report(), "Action:")], mail.Report{}, "broken off"},
		{"without a status", edit("message/delivery-status", "text/csv"), mail.Report{}, "what became of the letter (message/delivery-status)"},
		{"without a reader", edit("Final-Recipient", "X-Recipient"), mail.Report{}, "does not name a reader"},
		{"with a status that is none", edit("Status: 5.1.1", "Status: 550"), mail.Report{}, "does not name a reader"},
		{"with an action that is none", edit("Action: failed", "Action: lost"), mail.Report{}, "does not name a reader"},
		{"without the letter", edit("text/rfc822-headers", "text/csv"), mail.Report{}, "nobody can say which"},
		{"of a letter without an id", edit("X-Secordesk-Job: job-41@desk.example", "X: y", "Message-ID: <job-41@desk.example>", "Message-ID: none"), mail.Report{}, "nobody can say which"},
		{"of two letters", edit("X-Secordesk-Job: job-41@desk.example", "X-Secordesk-Job: job-41@desk.example\r\nX-Secordesk-Job: job-42@desk.example"), mail.Report{}, "more than one letter"},
		{"with many parts", edit("--=report--", strings.Repeat("--=report\r\n\r\nx\r\n", 30)+"--=report--"), mail.Report{}, "broken off"},
		{"huge", report() + strings.Repeat("x", mail.MaxReport), mail.Report{}, "larger than 32 MiB"},
	}
	for _, tt := range tests {
		got, err := mail.ReadReport(strings.NewReader(tt.text))
		var problem mail.ReportError
		switch {
		case tt.problem == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.problem != "" && (!errors.As(err, &problem) || !strings.Contains(err.Error(), tt.problem)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.problem)
		case tt.problem == "":
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	}
	_, err := mail.ReadReport(failing{})
	var problem mail.ReportError
	if err == nil || errors.As(err, &problem) {
		t.Errorf("a disk that fails: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrClosed }

// FuzzReadReport holds that a report that is taken names a letter and a reader on one line each.
func FuzzReadReport(f *testing.F) {
	f.Add(report())
	f.Add(strings.ReplaceAll(report(), "7bit", "base64"))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := mail.ReadReport(strings.NewReader(text))
		if err != nil {
			return
		}
		if got.ID == "" || len(got.Deliveries) == 0 || strings.ContainsAny(got.ID, " \r\n<>") {
			t.Fatalf("taken: %+v", got)
		}
		for _, d := range got.Deliveries {
			if d.Address == "" || strings.ContainsAny(d.Address+d.Said+d.Status, "\r\n\x00") {
				t.Fatalf("taken: %+v", d)
			}
		}
	})
}
