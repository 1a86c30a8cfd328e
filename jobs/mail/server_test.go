package mail_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"secordesk/jobs/mail"
)

// script is what a play-acting SMTP server answers to each command, "220" at the greeting and "." at the end of the
// letter included. What is not in it is answered with success. An answer of hangUp or silence is done, not said.
type script map[string]string

const (
	hangUp  = "(hang up)"
	silence = "(silence)" // until the client goes away
	reset   = "(reset)"   // in the middle of the letter
)

// play starts a server for one conversation and returns its address. What the server was told is sent when it ends:
// the commands, and "." if it has the whole letter.
func (s script) play(t *testing.T) (string, <-chan []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan []string, 1)
	go func() {
		defer listener.Close()
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		heard <- s.talk(conn)
	}()
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String(), heard
}

func (s script) talk(conn net.Conn) []string {
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	if !s.answer(conn, "220") {
		return nil
	}
	var heard []string
	for lines.Scan() {
		verb, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " ")
		heard = append(heard, verb)
		if !s.answer(conn, verb) {
			return heard
		}
		if verb != "DATA" || s["DATA"] != "" && s["DATA"] != reset {
			continue
		}
		for lines.Text() != "." && lines.Scan() {
			if s["DATA"] == reset {
				conn.(*net.TCPConn).SetLinger(0)
				return heard
			}
		}
		heard = append(heard, ".")
		if !s.answer(conn, ".") {
			return heard
		}
	}
	return heard
}

// answer reports whether the conversation goes on.
func (s script) answer(conn net.Conn, verb string) bool {
	usual := map[string]string{"220": "220 ready", "DATA": "354 go ahead", "QUIT": "221 bye", ".": "250 2.0.0 queued as 7F3A"}[verb]
	if usual == "" {
		usual = "250 ok"
	}
	said, found := s[verb]
	switch {
	case !found, said == reset:
		said = usual
	case said == hangUp:
		return false
	case said == silence:
		_, _ = conn.Read(make([]byte, 1))
		return false
	}
	_, err := fmt.Fprintf(conn, "%s\r\n", said)
	return err == nil
}

func sender(t *testing.T, url string) *mail.Sender {
	t.Helper()
	s, err := mail.NewSender(url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func welcome() mail.Message {
	return mail.Message{
		To: "office@northernlights.example", From: "desk@partner.example",
		Subject: "Welcome to SECOR", Text: "Welcome.\n", ID: "job-41.2@desk.example",
	}
}

func send(t *testing.T, url string, m mail.Message) (string, error) {
	t.Helper()
	return sender(t, url).Send(context.Background(), m)
}
