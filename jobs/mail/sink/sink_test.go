package sink_test

import (
	"context"
	"errors"
	"fmt"
	"net/smtp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"secordesk/jobs/mail"
	"secordesk/jobs/mail/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string, o sink.Options) (*sink.Sink, *mail.Sender) {
	t.Helper()
	s, err := sink.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	sender, err := mail.NewSender(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	return s, sender
}

func letter(to, subject string) mail.Message {
	return mail.Message{
		To: to, From: "desk@partner.example", Subject: subject, Text: "Bonjour.\n", ID: "job-41.2@desk.example",
		Date: time.Date(2026, 3, 25, 21, 0, 0, 0, time.FixedZone("", -6*3600)),
	}
}

// What is sent is what is read: every field, in every alphabet that our companies use.
func TestMessages_SameAsSent(t *testing.T) {
	s, sender := open(t, t.TempDir(), sink.Options{})
	plain := letter("office@northernlights.example", "Welcome to SECOR")
	rich := letter("bureau@elan.example", "Certificat délivré à « Ñandú & Żółw Ltée »")
	rich.ToName, rich.FromName, rich.ReplyTo = `Éloïse "Élo" Núñez, présidente`, "Bureau – Żaneta", "qa@partner.example"
	rich.Text = "Félicitations, Éloïse!\n\nŻółć, ß, 漢字.\n.\n..a line that begins with dots\n" + strings.Repeat("très long ", 200) + "\n\tend\n"
	rich.Attachments = []mail.Attachment{
		{Name: "certificat é.pdf", Type: "application/pdf", Data: []byte("%PDF-1.7\r\n\x00\xff")},
		{Name: strings.Repeat("très-long-nom-", 12) + ".pdf", Type: "application/pdf", Data: []byte{1}},
		{Name: "Zażółć; gęślą=jaźń.csv", Type: "text/csv", Data: []byte("a;b\n")},
	}
	sent := []mail.Message{plain, rich}
	for _, m := range sent {
		_, err := sender.Send(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
	}
	letters, err := s.Messages()
	if err != nil {
		t.Fatal(err)
	}
	var got []mail.Message
	for _, l := range letters {
		got = append(got, l.Message)
		if l.Job != l.ID {
			t.Errorf("%s: job header %q, want %q", l.File, l.Job, l.ID)
		}
	}
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("letters (-sent +read):\n%s", diff)
	}
}

func TestOpen_NumbersGoOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	for i := range 2 {
		s, sender := open(t, dir, sink.Options{})
		for range 2 {
			_, err := sender.Send(context.Background(), letter("office@northernlights.example", "Welcome to SECOR"))
			if err != nil {
				t.Fatal(err)
			}
		}
		err := s.Close()
		if err != nil {
			t.Fatalf("close %d: %v", i, err)
		}
	}
	want := []string{
		"0001-welcome-to-secor-office-northernlights.eml", "0002-welcome-to-secor-office-northernlights.eml",
		"0003-welcome-to-secor-office-northernlights.eml", "0004-welcome-to-secor-office-northernlights.eml",
	}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	letters, err := sink.Read(dir)
	if err != nil || len(letters) != 4 {
		t.Errorf("Read after Close: %d letters, %v", len(letters), err)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestOpen_ManyAtOnce(t *testing.T) {
	s, sender := open(t, t.TempDir(), sink.Options{})
	const senders, each = 8, 10
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for k := range each {
				_, err := sender.Send(context.Background(), letter("office@a.example", fmt.Sprintf("Letter %d %d", i, k)))
				if err != nil {
					t.Errorf("letter %d %d: %v", i, k, err)
				}
			}
		})
	}
	wg.Wait()
	letters, err := s.Messages()
	if err != nil {
		t.Fatal(err)
	}
	var subjects []string
	for i, l := range letters {
		subjects = append(subjects, l.Subject)
		if !strings.HasPrefix(l.File, fmt.Sprintf("%04d-", i+1)) {
			t.Errorf("letter %d is in %s", i+1, l.File)
		}
	}
	slices.Sort(subjects)
	if n := len(slices.Compact(subjects)); n != senders*each {
		t.Errorf("%d different letters kept, want %d", n, senders*each)
	}
}

func TestOptions_Judge(t *testing.T) {
	judge := func(address string) sink.Verdict {
		switch address {
		case "nobody@a.example":
			return sink.Unknown
		case "busy@a.example":
			return sink.Later
		}
		return sink.Accept
	}
	s, sender := open(t, t.TempDir(), sink.Options{Judge: judge})
	tests := []struct {
		to        string
		code      int
		permanent bool
	}{{"nobody@a.example", 550, true}, {"busy@a.example", 451, false}}
	for _, tt := range tests {
		_, err := sender.Send(context.Background(), letter(tt.to, "Welcome"))
		var got *mail.SendError
		if !errors.As(err, &got) || got.Outcome != mail.NotSent || got.Code != tt.code || (got.Step == mail.StepRecipient && got.Permanent) != tt.permanent {
			t.Errorf("%s: error %v, want %d", tt.to, err, tt.code)
		}
	}
	_, err := sender.Send(context.Background(), letter("office@a.example", "Welcome"))
	if err != nil {
		t.Fatal(err)
	}
	letters, err := s.Messages()
	if err != nil || len(letters) != 1 {
		t.Errorf("%d letters kept, %v, want the accepted one", len(letters), err)
	}
}

func TestOptions_MaxBytes(t *testing.T) {
	s, _ := open(t, t.TempDir(), sink.Options{MaxBytes: 1000})
	body := "Subject: large\r\n\r\n" + strings.Repeat("A line of the letter.\r\n", 100)
	// A client that does not ask first how much is taken, as ours does.
	err := smtp.SendMail(strings.TrimPrefix(s.URL(), "smtp://"), nil, "a@a.example", []string{"b@b.example"}, []byte(body))
	if err == nil || !strings.HasPrefix(err.Error(), "552") {
		t.Errorf("error %v, want 552", err)
	}
	letters, err := s.Messages()
	if err != nil || len(letters) != 0 {
		t.Errorf("%d letters kept, %v, want none", len(letters), err)
	}
}

// A letter that nobody can read is kept all the same, under a name that says so; reading the folder then names it.
func TestRead_Unreadable(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, sink.Options{})
	body := "Subject: ../../evil\r\n\r\nno From, no To\r\n"
	err := smtp.SendMail(strings.TrimPrefix(s.URL(), "smtp://"), nil, "a@a.example", []string{"b@b.example"}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0001-unreadable-b-b.eml"}, files(t, dir)); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	_, err = s.Messages()
	if err == nil || !strings.Contains(err.Error(), "0001-unreadable-b-b.eml") {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestRead_OtherFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"README", "note.eml", ".partial", "12-short.eml"} {
		err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	letters, err := sink.Read(dir)
	if err != nil || len(letters) != 0 {
		t.Errorf("%d letters, %v, want none", len(letters), err)
	}
	_, err = sink.Read(filepath.Join(dir, "missing"))
	if err == nil {
		t.Error("no error for a folder that is not there")
	}
}

func TestOpen_NoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	err := os.WriteFile(file, nil, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sink.Open(file, sink.Options{})
	if err == nil {
		t.Error("a file was taken for a folder")
	}
}
