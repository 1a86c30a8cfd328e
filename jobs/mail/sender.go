package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

const (
	sendLimit = time.Minute // for one letter, when ctx does not end earlier
	quitLimit = time.Second // the letter is accepted by then; a silent server must not hold us
	maxReply  = 250         // characters kept of what a server says
)

// Outcome is what is certain about a letter that was not accepted.
type Outcome string

// NotSent: the server does not have the letter and it may be sent again. Ambiguous: the connection ended after the
// letter's first byte and before the answer; the server may or may not have it.
const (
	NotSent   Outcome = "not_sent"
	Ambiguous Outcome = "ambiguous"
)

// Step is the point of the conversation at which sending ended.
type Step string

// The steps in their order. At StepMessage we refused the letter ourselves, at StepLetter it was under way.
const (
	StepMessage   Step = "message"
	StepConnect   Step = "connect" // includes TLS and login
	StepSender    Step = "sender"
	StepRecipient Step = "recipient"
	StepData      Step = "data"
	StepLetter    Step = "letter"
)

// SendError is the only type of error that Send returns.
type SendError struct {
	Outcome Outcome
	Step    Step
	// Permanent: the same letter would be refused again (a 5xx answer to sender, recipient or letter, or a
	// *RefusalError). Trouble with connection or login is never permanent: it is not the letter's fault.
	Permanent bool
	Code      int // the server's reply code; 0 when it gave none
	Err       error
}

func (e *SendError) Error() string {
	word := "letter not sent"
	if e.Outcome == Ambiguous {
		word = "letter perhaps sent"
	}
	return fmt.Sprintf("%s: %s: %s", word, e.Step, e.Said())
}

// Said returns in one line what the server said, "550 5.1.1 unknown mailbox", or what is wrong where it was not
// asked.
func (e *SendError) Said() string {
	said := e.Err.Error()
	var reply *textproto.Error
	if errors.As(e.Err, &reply) {
		said = fmt.Sprintf("%d %s", reply.Code, reply.Msg)
	}
	return clean(said)
}

func (e *SendError) Unwrap() error { return e.Err }

// Sender sends letters through one SMTP server, each over its own connection. It is safe for concurrent use.
type Sender struct {
	host           string
	port           int
	user, password string
	implicit       bool // TLS from the first byte
	policy         gomail.TLSPolicy
	tls            *tls.Config
}

// String names the server without the login.
func (s *Sender) String() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// GoString is String, so that no verb of fmt prints the password.
func (s *Sender) GoString() string { return s.String() }

// Send gives m to the server and returns its answer as the receipt. It ends when ctx does, at the latest after a
// minute. Every error is a *SendError. A letter that was accepted is reported as such whatever happens afterwards.
func (s *Sender) Send(ctx context.Context, m Message) (string, error) {
	err := m.Validate()
	if err != nil {
		return "", &SendError{Outcome: NotSent, Step: StepMessage, Permanent: true, Err: err}
	}
	raw, err := m.render()
	if err != nil {
		return "", &SendError{Outcome: NotSent, Step: StepMessage, Permanent: true, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	t, err := s.connect(ctx)
	if err != nil {
		return "", stopped(ctx, StepConnect, err)
	}
	defer t.close()
	err = t.announce(ctx, m, len(raw))
	if err != nil {
		return "", err
	}
	return t.deliver(ctx, raw)
}

// stopped classifies err, which ended the conversation at step before the letter's end was sent.
func stopped(ctx context.Context, step Step, err error) *SendError {
	if ctx.Err() != nil {
		err = fmt.Errorf("%w (%w)", ctx.Err(), err) // the bare error is only that we closed the connection
	}
	e := &SendError{Outcome: NotSent, Step: step, Err: err}
	var reply *textproto.Error
	if errors.As(err, &reply) {
		e.Code = reply.Code
	}
	login := 530 <= e.Code && e.Code <= 538 // RFC 4954: about our login, also when given to MAIL
	e.Permanent = e.Code/100 == 5 && step != StepConnect && !login
	return e
}

// talk is one conversation with the server.
type talk struct {
	conn   net.Conn
	client *smtp.Client
	unhook func() bool
}

func (s *Sender) connect(ctx context.Context) (*talk, error) {
	t := &talk{}
	// The library knows deadlines only, and sets its own; closing the connection ends any wait when ctx ends.
	dial := func(ctx2 context.Context, network, address string) (net.Conn, error) {
		conn, err := s.dial(ctx2, network, address)
		if err != nil {
			return nil, err
		}
		t.conn = conn
		t.unhook = context.AfterFunc(ctx, func() { conn.Close() })
		return conn, nil
	}
	client, err := s.client(dial)
	if err != nil {
		return nil, err
	}
	t.client, err = client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (s *Sender) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.implicit {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// client is made for each letter, because the library's remembers the login method that it found.
func (s *Sender) client(dial gomail.DialContextFunc) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.port),
		gomail.WithTimeout(sendLimit),
		gomail.WithTLSPolicy(s.policy),
		gomail.WithTLSConfig(s.tls),
		gomail.WithoutSMTPUTF8(), // our letters never need it, and a relay on the way may not know it
		gomail.WithDialContextFunc(dial),
	}
	if s.user != "" {
		options = append(options, gomail.WithUsername(s.user), gomail.WithPassword(s.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return gomail.NewClient(s.host, options...)
}

// close ends the conversation at once. After a failure that is on purpose: the library's Quit would first end a letter
// that was broken off in the middle with the final dot, and so have half a letter accepted.
func (t *talk) close() {
	if t.conn != nil {
		t.unhook()
		t.conn.Close()
	}
}

// announce goes as far as the server's permission to send the letter.
func (t *talk) announce(ctx context.Context, m Message, size int) error {
	limit := t.sizeLimit()
	if limit > 0 && size > limit {
		err := refuse("Attachments", "make a letter of %d bytes; the server takes at most %d", size, limit)
		return &SendError{Outcome: NotSent, Step: StepMessage, Permanent: true, Err: err}
	}
	err := t.client.Mail((&mail.Address{Address: m.From}).String())
	if err != nil {
		return stopped(ctx, StepSender, err)
	}
	err = t.client.Rcpt((&mail.Address{Address: m.To}).String())
	if err != nil {
		return stopped(ctx, StepRecipient, err)
	}
	return nil
}

// sizeLimit returns the greatest letter that the server takes (RFC 1870), 0 when it does not say.
func (t *talk) sizeLimit() int {
	_, parameter := t.client.Extension("SIZE")
	limit, err := strconv.Atoi(parameter)
	if err != nil {
		return 0
	}
	return limit
}

func (t *talk) deliver(ctx context.Context, raw []byte) (string, error) {
	w, err := t.client.Data()
	if err != nil {
		return "", stopped(ctx, StepData, err)
	}
	_, writeErr := w.Write(raw)
	// Close sends the final dot, unless writing failed, and reads the answer; a server that breaks a letter off often
	// says why before it hangs up.
	err = w.Close()
	if err == nil {
		err = writeErr
	}
	if err != nil {
		e := stopped(ctx, StepLetter, err)
		if e.Code < 400 {
			e.Outcome = Ambiguous
		}
		return "", e
	}
	receipt := "250"
	if data, ok := w.(*smtp.DataCloser); ok {
		receipt += " " + data.ServerResponse()
	}
	t.quit()
	return clean(receipt), nil
}

func (t *talk) quit() {
	timer := time.AfterFunc(quitLimit, func() { t.conn.Close() })
	defer timer.Stop()
	_ = t.client.Quit() // politeness: the letter is accepted
}

// clean makes one printable line of what a server said.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "?")
	line := strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsGraphic(r) }), " ")
	runes := []rune(line)
	return string(runes[:min(len(runes), maxReply)])
}
