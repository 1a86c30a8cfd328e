// Package mail sends letters over SMTP and says truthfully what became of them: accepted (with the server's receipt),
// certainly not sent, or possibly sent. It does not retry, queue or decide: one call of Send is at most one letter.
package mail

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// JobHeader is the header that repeats a letter's ID, because some relays replace the Message-ID with their own.
const JobHeader = "X-Secordesk-Job"

// The limits of a letter. Names, subjects and IDs are counted in characters, the rest in bytes.
const (
	MaxHeader     = 250
	MaxText       = 1 << 20
	MaxAttachment = 18 << 20 // all files together; base64 makes 25 MB of it, the usual limit of relays
)

// Message is one letter to one reader.
type Message struct {
	To, ToName     string // bare address; the name may be empty
	From, FromName string
	ReplyTo        string // bare address; empty: answers go to From
	Subject        string
	Text           string // UTF-8, lines end with \n
	HTML           string // the same words as a whole HTML page, for programs that show it; empty: none
	Attachments    []Attachment
	// ID becomes the Message-ID and the X-Secordesk-Job header, e.g. "job-41.2@desk.example". The same promise must
	// always have the same ID: it is what a doubtful letter is looked for by.
	ID string
	// Date is what the letter's Date header says, to the second; zero: the moment of sending.
	Date time.Time
}

// Attachment is a file that travels with a letter. Name has no folder, Type is a media type such as application/pdf.
type Attachment struct {
	Name, Type string
	Data       []byte
}

// RefusalError says which field of a letter cannot be sent, and what to do about it. Nothing was sent.
type RefusalError struct {
	Field   string
	Problem string
}

func (e *RefusalError) Error() string { return fmt.Sprintf("letter: %s %s", e.Field, e.Problem) }

func refuse(field, format string, args ...any) error {
	return &RefusalError{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// Validate returns a *RefusalError for the first thing that keeps m from being sent as it is, or nil.
func (m Message) Validate() error {
	checks := []func() error{
		func() error { return checkAddress("To", m.To) },
		func() error { return checkHeader("ToName", m.ToName) },
		func() error { return checkAddress("From", m.From) },
		func() error { return checkHeader("FromName", m.FromName) },
		func() error {
			if m.ReplyTo == "" {
				return nil
			}
			return checkAddress("ReplyTo", m.ReplyTo)
		},
		func() error { return checkFilled("Subject", m.Subject) },
		func() error { return checkHeader("Subject", m.Subject) },
		func() error { return checkFilled("Text", m.Text) },
		func() error { return checkText("Text", m.Text) },
		func() error { return checkText("HTML", m.HTML) },
		func() error { return checkID(m.ID) },
		func() error { return checkAttachments(m.Attachments) },
	}
	for _, check := range checks {
		err := check()
		if err != nil {
			return err
		}
	}
	return nil
}

func checkFilled(field, s string) error {
	if strings.TrimSpace(s) == "" {
		return refuse(field, "is empty")
	}
	return nil
}

func checkAddress(field, s string) error {
	if s == "" {
		return refuse(field, "is empty; an address is needed")
	}
	for _, r := range s {
		if r > unicode.MaxASCII {
			return refuse(field, "has a character outside ASCII; write the domain in its xn-- form")
		}
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s {
		return refuse(field, "is not an address; write it as name@example.com, without name, brackets or quotes")
	}
	// RFC 5321, 4.5.3.1
	if len(s) > 254 || strings.LastIndexByte(s, '@') > 64 {
		return refuse(field, "is too long; at most 64 characters before the @ and 254 in all")
	}
	return nil
}

func checkHeader(field, s string) error {
	if !utf8.ValidString(s) {
		return refuse(field, "is not valid UTF-8")
	}
	n := utf8.RuneCountInString(s)
	if n > MaxHeader {
		return refuse(field, "has %d characters; at most %d are possible", n, MaxHeader)
	}
	for _, r := range s {
		if !unicode.IsGraphic(r) {
			return refuse(field, "has the invisible character U+%04X; remove it", r)
		}
	}
	// A reader's program would decode it, and could so be shown what was not checked here.
	if strings.Contains(s, "=?") {
		return refuse(field, `has "=?", which mail programs take for encoded text; remove it`)
	}
	return nil
}

func checkText(field, s string) error {
	if !utf8.ValidString(s) {
		return refuse(field, "is not valid UTF-8")
	}
	if len(s) > MaxText {
		return refuse(field, "has %d bytes; at most %d are possible", len(s), MaxText)
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return refuse(field, "has the control character U+%04X; lines end with U+000A alone", r)
		}
	}
	return nil
}

// checkID holds the ID to a dot-atom on both sides (RFC 5322, 3.6.4), which every relay passes on unchanged.
func checkID(id string) error {
	if len(id) > MaxHeader {
		return refuse("ID", "has %d characters; at most %d are possible", len(id), MaxHeader)
	}
	left, right, found := strings.Cut(id, "@")
	if !found || !dotAtom(left) || !dotAtom(right) {
		return refuse("ID", "must look like job-41.2@desk.example")
	}
	return nil
}

func dotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, notAtom) {
			return false
		}
	}
	return true
}

func notAtom(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && !strings.ContainsRune("-_+", r)
}

func checkAttachments(files []Attachment) error {
	total := 0
	for i, a := range files {
		field := fmt.Sprintf("Attachments[%d]", i)
		err := checkAttachment(field, a)
		if err != nil {
			return err
		}
		total += len(a.Data)
	}
	if total > MaxAttachment {
		return refuse("Attachments", "have %d bytes together; at most %d are possible", total, MaxAttachment)
	}
	return nil
}

func checkAttachment(field string, a Attachment) error {
	err := checkFilled(field+".Name", a.Name)
	if err != nil {
		return err
	}
	err = checkHeader(field+".Name", a.Name)
	if err != nil {
		return err
	}
	if strings.ContainsAny(a.Name, `/\<>:"|?*`) || strings.Trim(a.Name, ". ") != a.Name {
		return refuse(field+".Name", `is not a plain file name; leave out / \ < > : " | ? * and dots or spaces at the ends`)
	}
	media, params, err := mime.ParseMediaType(a.Type)
	if err != nil || media != a.Type || len(params) > 0 || !strings.Contains(media, "/") {
		return refuse(field+".Type", "is not a media type; write it as application/pdf, in small letters")
	}
	if len(a.Data) == 0 {
		return refuse(field+".Data", "is empty; a file with nothing in it is surely a mistake")
	}
	return nil
}

// EML returns the letter as a file that mail programs open. It refuses what Validate
// does.
func (m Message) EML() ([]byte, error) {
	err := m.Validate()
	if err != nil {
		return nil, err
	}
	return m.render()
}

// render returns the letter as it goes over the wire. It is made whole before a connection is opened, so that nothing
// but the connection can fail once the server has begun to listen.
func (m Message) render() ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&mail.Address{Name: m.FromName, Address: m.From})
	msg.ToMailAddress(&mail.Address{Name: m.ToName, Address: m.To})
	if m.ReplyTo != "" {
		msg.ReplyToMailAddress(&mail.Address{Address: m.ReplyTo})
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID)
	msg.SetGenHeader(JobHeader, m.ID)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers, please
	if !m.Date.IsZero() {
		msg.SetDateWithValue(m.Date)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	for _, a := range m.Attachments {
		msg.AttachReadSeeker(a.Name, bytes.NewReader(a.Data), gomail.WithFileContentType(gomail.ContentType(a.Type)))
	}
	var buf bytes.Buffer
	_, err := msg.WriteTo(&buf)
	if err != nil {
		return nil, fmt.Errorf("render letter: %w", err)
	}
	return buf.Bytes(), nil
}
