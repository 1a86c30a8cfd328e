package sink

import (
	"fmt"
	"strings"

	desk "secordesk/jobs/mail"
)

// Report returns what a mail server writes back about the letter: action says what became of it, status and said why.
// It is a whole message with the letter's headers, and without its text.
func (l Letter) Report(action desk.Action, status, said string) []byte {
	lines := []string{
		"From: MAILER-DAEMON@relay.example",
		"To: " + l.From,
		"Subject: Delivery Status Notification",
		"Date: Wed, 25 Mar 2026 12:00:00 -0600",
		"Message-ID: <report-" + l.Job + ">",
		"Auto-Submitted: auto-replied",
		"MIME-Version: 1.0",
		`Content-Type: multipart/report; report-type=delivery-status; boundary="=report"`,
		"",
		"--=report",
		"Content-Type: text/plain; charset=utf-8",
		"",
		"This is the mail system. What became of your letter is told below.",
		"",
		"--=report",
		"Content-Type: message/delivery-status",
		"",
		"Reporting-MTA: dns; relay.example",
		"",
		"Original-Recipient: rfc822;" + l.To,
		"Final-Recipient: rfc822; " + l.To,
		"Action: " + string(action),
		"Status: " + status,
		"Diagnostic-Code: smtp; " + said,
		"",
		"--=report",
		"Content-Type: text/rfc822-headers",
		"",
		fmt.Sprintf("From: <%s>", l.From),
		fmt.Sprintf("To: <%s>", l.To),
		fmt.Sprintf("Message-ID: <%s>", l.ID),
		desk.JobHeader + ": " + l.Job,
		"",
		"--=report--",
		"",
	}
	return []byte(strings.Join(lines, "\r\n"))
}
