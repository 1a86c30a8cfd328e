package mail_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secordesk/jobs/mail"
)

func TestSend_Receipt(t *testing.T) {
	tests := []struct{ name, said, want string }{
		{"one line", "250 2.0.0 queued as 7F3A", "250 2.0.0 queued as 7F3A"},
		{"two lines", "250-2.0.0 taken\r\n250 as 7F3A", "250 2.0.0 taken as 7F3A"},
		{"nothing but the code", "250 ", "250"},
		{"control characters", "250 ok\x1b[2J\x00 \xff", "250 ok [2J ?"},
		{"without end", "250 " + strings.Repeat("x", 1000), "250 " + strings.Repeat("x", 246)},
	}
	for _, tt := range tests {
		address, heard := script{".": tt.said}.play(t)
		got, err := send(t, "smtp://"+address, welcome())
		if err != nil || got != tt.want {
			t.Errorf("%s: receipt %q, error %v, want %q", tt.name, got, err, tt.want)
		}
		want := []string{"EHLO", "MAIL", "RCPT", "DATA", ".", "QUIT"}
		if diff := cmp.Diff(want, <-heard); diff != "" {
			t.Errorf("%s: conversation (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestSend_Outcome(t *testing.T) {
	const permanent, passing = true, false
	tests := []struct {
		name      string
		script    script
		outcome   mail.Outcome
		step      mail.Step
		permanent bool
		code      int
	}{
		{"server is full at the greeting", script{"220": "421 busy"}, mail.NotSent, mail.StepConnect, passing, 421},
		{"server does not want us", script{"220": "554 go away"}, mail.NotSent, mail.StepConnect, passing, 554},
		{"no greeting", script{"220": hangUp}, mail.NotSent, mail.StepConnect, passing, 0},
		{"sender refused", script{"MAIL": "550 5.7.1 not you"}, mail.NotSent, mail.StepSender, permanent, 550},
		{"login demanded", script{"MAIL": "530 5.7.0 log in"}, mail.NotSent, mail.StepSender, passing, 530},
		{"unknown mailbox", script{"RCPT": "550 5.1.1 unknown"}, mail.NotSent, mail.StepRecipient, permanent, 550},
		{"greylisted", script{"RCPT": "451 4.7.1 later"}, mail.NotSent, mail.StepRecipient, passing, 451},
		{"hung up at the recipient", script{"RCPT": hangUp}, mail.NotSent, mail.StepRecipient, passing, 0},
		{"gibberish at the recipient", script{"RCPT": "??"}, mail.NotSent, mail.StepRecipient, passing, 0},
		{"letter not wanted", script{"DATA": "554 5.6.0 no"}, mail.NotSent, mail.StepData, permanent, 554},
		{"hung up before the letter", script{"DATA": hangUp}, mail.NotSent, mail.StepData, passing, 0},
		{"letter refused whole", script{".": "550 5.7.1 spam"}, mail.NotSent, mail.StepLetter, permanent, 550},
		{"disk full", script{".": "452 4.3.1 full"}, mail.NotSent, mail.StepLetter, passing, 452},
		{"hung up after the final dot", script{".": hangUp}, mail.Ambiguous, mail.StepLetter, passing, 0},
		{"gibberish after the final dot", script{".": "OK!"}, mail.Ambiguous, mail.StepLetter, passing, 0},
		{"connection broken in the letter", script{"DATA": reset}, mail.Ambiguous, mail.StepLetter, passing, 0},
	}
	for _, tt := range tests {
		address, heard := tt.script.play(t)
		m := welcome()
		m.Text = strings.Repeat("A line of the letter.\n", 40_000) // more than fits into the network's buffers
		_, err := send(t, "smtp://"+address, m)
		got := refused(t, err)
		want := &mail.SendError{Outcome: tt.outcome, Step: tt.step, Permanent: tt.permanent, Code: tt.code}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(mail.SendError{}, "Err")); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
		if commands := strings.Join(<-heard, " "); strings.Contains(commands, "DATA QUIT") || strings.HasSuffix(commands, ". QUIT") {
			t.Errorf("%s: conversation went on after the failure: %s", tt.name, commands)
		}
		if refused := got.Step == mail.StepRecipient && got.Permanent; refused != (tt.name == "unknown mailbox") {
			t.Errorf("%s: the address is refused for good: %t", tt.name, refused)
		}
	}
}

func refused(t *testing.T, err error) *mail.SendError {
	t.Helper()
	var got *mail.SendError
	if !errors.As(err, &got) {
		t.Fatalf("error %v, want a *SendError", err)
	}
	return got
}

func TestSend_NobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	_, err = send(t, "smtp://"+listener.Addr().String(), welcome())
	got := refused(t, err)
	if got.Outcome != mail.NotSent || got.Step != mail.StepConnect || got.Permanent {
		t.Errorf("error %+v, want not sent, at connect, passing", got)
	}
}

func TestSend_EndsWithContext(t *testing.T) {
	tests := []struct {
		name    string
		silent  string // at which command the server falls silent
		outcome mail.Outcome
	}{
		{"at the greeting", "220", mail.NotSent},
		{"at the hello", "EHLO", mail.NotSent},
		{"at the recipient", "RCPT", mail.NotSent},
		{"after the final dot", ".", mail.Ambiguous},
	}
	for _, tt := range tests {
		address, _ := script{tt.silent: silence}.play(t)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, err := sender(t, "smtp://"+address).Send(ctx, welcome())
		cancel()
		got := refused(t, err)
		if got.Outcome != tt.outcome || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v, want %s and the deadline", tt.name, err, tt.outcome)
		}
	}
}

func TestSend_CancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	address, heard := script{}.play(t)
	_, err := sender(t, "smtp://"+address).Send(ctx, welcome())
	got := refused(t, err)
	if got.Outcome != mail.NotSent || !errors.Is(err, context.Canceled) || len(heard) > 0 {
		t.Errorf("error %v, want not sent and cancelled", err)
	}
}

// An accepted letter stays accepted, whatever the server does with our good-bye.
func TestSend_NoGoodbye(t *testing.T) {
	for _, goodbye := range []string{hangUp, silence, "500 what?"} {
		address, _ := script{"QUIT": goodbye}.play(t)
		receipt, err := send(t, "smtp://"+address, welcome())
		if err != nil || receipt == "" {
			t.Errorf("%s: receipt %q, error %v", goodbye, receipt, err)
		}
	}
}

func TestSend_TooLargeForTheServer(t *testing.T) {
	address, heard := script{"EHLO": "250-relay\r\n250 SIZE 1000"}.play(t)
	m := welcome()
	m.Text = strings.Repeat("A line of the letter.\n", 100)
	_, err := send(t, "smtp://"+address, m)
	var refusal *mail.RefusalError
	if !errors.As(err, &refusal) || !refused(t, err).Permanent {
		t.Errorf("error %v, want a refusal", err)
	}
	if diff := cmp.Diff([]string{"EHLO"}, <-heard); diff != "" {
		t.Errorf("conversation (-want +got):\n%s", diff)
	}
}

func TestSend_WrongMessage(t *testing.T) {
	address, heard := script{}.play(t)
	m := welcome()
	m.Subject = "Hello\r\nBcc: everybody@a.example"
	_, err := send(t, "smtp://"+address, m)
	var refusal *mail.RefusalError
	got := refused(t, err)
	if !errors.As(err, &refusal) || got.Outcome != mail.NotSent || got.Step != mail.StepMessage || !got.Permanent {
		t.Errorf("error %v, want a refusal, not sent, permanent", err)
	}
	if len(heard) > 0 {
		t.Errorf("the server was told %q", <-heard)
	}
}

// What a server says is not ours: it must not reach a log or a terminal as it is.
func TestSendError_CleanText(t *testing.T) {
	address, _ := script{"RCPT": "550-no\r\n550 \x1b[2J\x07"}.play(t)
	_, err := send(t, "smtp://"+address, welcome())
	want := "letter not sent: recipient: 550 no [2J"
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}
