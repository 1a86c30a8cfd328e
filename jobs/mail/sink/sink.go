// Package sink is an SMTP server for demo and tests: it keeps each letter as a file in a folder and can pretend that a
// mailbox is unknown. It listens on this machine only and delivers nothing.
package sink

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
)

// Verdict is what the sink answers to a recipient.
type Verdict int

// The verdicts: Accept keeps the letter, Unknown is a permanent 550, Later a temporary 451; Refuse takes the recipient
// and answers the whole letter with a permanent 554.
const (
	Accept Verdict = iota
	Unknown
	Later
	Refuse
)

// MaxBytes is the greatest letter that a sink takes by default.
const MaxBytes = 32 << 20

// Options says how a sink behaves.
type Options struct {
	Judge    func(address string) Verdict // asked for each recipient, perhaps at the same time; nil accepts all
	MaxBytes int64                        // greatest letter, in bytes; 0: MaxBytes
	// Last is asked when a letter is kept and its answer is all that is left; it may take its time. The answer is given
	// when it returns true, and else the connection is cut without one. Nil answers at once.
	Last func(address string) bool
}

// Sink is a running sink. It is safe for concurrent use.
type Sink struct {
	dir      string
	judge    func(address string) Verdict
	ending   func(address string) bool
	listener net.Listener
	server   *smtp.Server
	served   chan error

	mu     sync.Mutex
	last   int // number of the newest letter
	closed bool
}

// Open starts a sink that keeps letters in dir, which is made when missing. Letters that are there already stay, and
// new ones are numbered after them.
func Open(dir string, o Options) (*Sink, error) {
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return nil, fmt.Errorf("make mail folder: %w", err)
	}
	files, err := letterFiles(dir)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	s := &Sink{dir: dir, judge: o.Judge, ending: o.Last, listener: listener, served: make(chan error, 1)}
	if len(files) > 0 {
		s.last = files[len(files)-1].number
	}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{sink: s, conn: c.Conn()}, nil
	}))
	s.server.Domain = "localhost"
	s.server.MaxMessageBytes = MaxBytes
	if o.MaxBytes > 0 {
		s.server.MaxMessageBytes = o.MaxBytes
	}
	s.server.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up; a letter that cannot be kept is answered with 451
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// URL is what mail.NewSender takes to send to this sink.
func (s *Sink) URL() string { return "smtp://" + s.listener.Addr().String() }

// Close stops the sink at once, also in the middle of a letter. The folder stays, and nothing is added to it any more.
// A second Close does nothing.
func (s *Sink) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	return errors.Join(s.server.Close(), <-s.served)
}

// session is one client's conversation.
type session struct {
	sink       *Sink
	conn       net.Conn
	refuses    bool
	from       string
	recipients []string
}

func (s *session) Reset() { s.from, s.recipients, s.refuses = "", nil, false }

func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	verdict := Accept
	if s.sink.judge != nil {
		verdict = s.sink.judge(to)
	}
	switch verdict {
	case Unknown:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "unknown mailbox"}
	case Later:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again later"}
	}
	s.refuses = s.refuses || verdict == Refuse
	s.recipients = append(s.recipients, to)
	return nil
}

// Data keeps the letter, preceded by the two headers that a mailbox adds: whom it came from and to whom it went.
func (s *session) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.refuses {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "letter refused"}
	}
	raw := fmt.Appendf(nil, "Return-Path: <%s>\r\nDelivered-To: %s\r\n", s.from, strings.Join(s.recipients, ", "))
	err = s.sink.keep(append(raw, body...), s.recipients[0])
	if err != nil {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "letter cannot be kept"}
	}
	if s.sink.ending != nil && !s.sink.ending(s.recipients[0]) {
		return s.conn.Close()
	}
	return nil
}

// keep writes under another name first, so that whoever reads the folder meanwhile sees whole letters only.
func (s *Sink) keep(raw []byte, recipient string) error {
	letter, err := parse(raw)
	subject := letter.Subject
	if err != nil {
		subject = "unreadable"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("keep letter: sink is closed")
	}
	partial := filepath.Join(s.dir, ".partial")
	err = os.WriteFile(partial, raw, 0o600)
	if err != nil {
		return fmt.Errorf("keep letter: %w", err)
	}
	err = os.Rename(partial, filepath.Join(s.dir, fileName(s.last+1, subject, recipient)))
	if err != nil {
		return fmt.Errorf("keep letter: %w", err)
	}
	s.last++
	return nil
}
