package mail

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// letter is one that may be sent; change makes it one that is tested.
func letter(change func(*Message)) Message {
	m := Message{
		To: "office@northernlights.example", ToName: "Éloïse Núñez", From: "desk@partner.example", FromName: "The Desk",
		Subject: "Welcome to SECOR", Text: "Welcome.\n", ID: "job-41.2@desk.example",
		Attachments: []Attachment{{Name: "certificat é.pdf", Type: "application/pdf", Data: []byte("%PDF-")}},
	}
	if change != nil {
		change(&m)
	}
	return m
}

func TestValidate(t *testing.T) {
	long := strings.Repeat("é", MaxHeader)
	tests := []struct {
		name   string
		change func(*Message)
		field  string // that is refused; empty: none
	}{
		{"as it should be", nil, ""},
		{"no attachment, no names", func(m *Message) { m.Attachments, m.ToName, m.FromName = nil, "", "" }, ""},
		{"longest subject", func(m *Message) { m.Subject = long }, ""},
		{"subject one character longer", func(m *Message) { m.Subject = long + "é" }, "Subject"},
		{"no recipient", func(m *Message) { m.To = "" }, "To"},
		{"recipient without domain", func(m *Message) { m.To = "office" }, "To"},
		{"recipient with a name", func(m *Message) { m.To = "Office <office@a.example>" }, "To"},
		{"two recipients", func(m *Message) { m.To = "a@a.example, b@b.example" }, "To"},
		{"line break in the recipient", func(m *Message) { m.To = "a@a.example\r\nRCPT TO:<b@b.example>" }, "To"},
		{"accent in the recipient's domain", func(m *Message) { m.To = "office@élan.example" }, "To"},
		{"64 characters before the @", func(m *Message) { m.To = strings.Repeat("a", 64) + "@a.example" }, ""},
		{"65 characters before the @", func(m *Message) { m.To = strings.Repeat("a", 65) + "@a.example" }, "To"},
		{"no sender", func(m *Message) { m.From = "" }, "From"},
		{"reply address", func(m *Message) { m.ReplyTo = "qa@partner.example" }, ""},
		{"malformed reply address", func(m *Message) { m.ReplyTo = "qa@" }, "ReplyTo"},
		{"second header in the recipient's name", func(m *Message) { m.ToName = "A\r\nBcc: x@x.example" }, "ToName"},
		{"invalid UTF-8 in the sender's name", func(m *Message) { m.FromName = "caf\xe9" }, "FromName"},
		{"no subject", func(m *Message) { m.Subject = " " }, "Subject"},
		{"second header in the subject", func(m *Message) { m.Subject = "Hello\nBcc: x@x.example" }, "Subject"},
		{"NUL in the subject", func(m *Message) { m.Subject = "Hel\x00lo" }, "Subject"},
		{"reversed writing in the subject", func(m *Message) { m.Subject = "Hello \u202Efdp.exe" }, "Subject"},
		{"subject that is encoded already", func(m *Message) { m.Subject = "=?utf-8?q?Hello=0D=0Aevil?=" }, "Subject"},
		{"no text", func(m *Message) { m.Text = "\n" }, "Text"},
		{"invalid UTF-8 in the text", func(m *Message) { m.Text = "caf\xe9" }, "Text"},
		{"escape character in the text", func(m *Message) { m.Text = "\x1b[2J" }, "Text"},
		{"Windows line ends in the text", func(m *Message) { m.Text = "a\r\nb" }, "Text"},
		{"text of a megabyte", func(m *Message) { m.Text = strings.Repeat("a", MaxText) }, ""},
		{"text one byte longer", func(m *Message) { m.Text = strings.Repeat("a", MaxText+1) }, "Text"},
		{"no ID", func(m *Message) { m.ID = "" }, "ID"},
		{"ID without host", func(m *Message) { m.ID = "job-41.2" }, "ID"},
		{"ID in brackets", func(m *Message) { m.ID = "<job-41.2@desk>" }, "ID"},
		{"ID with two hosts", func(m *Message) { m.ID = "job@desk@desk" }, "ID"},
		{"ID with an empty part", func(m *Message) { m.ID = "job..2@desk" }, "ID"},
		{"file in a folder", func(m *Message) { m.Attachments[0].Name = "../../etc/passwd" }, "Attachments[0].Name"},
		{"file without a name", func(m *Message) { m.Attachments[0].Name = "" }, "Attachments[0].Name"},
		{"line break in a file's name", func(m *Message) { m.Attachments[0].Name = "a\r\nb.pdf" }, "Attachments[0].Name"},
		{"hidden file", func(m *Message) { m.Attachments[0].Name = ".pdf" }, "Attachments[0].Name"},
		{"file without a type", func(m *Message) { m.Attachments[0].Type = "" }, "Attachments[0].Type"},
		{"header in a file's type", func(m *Message) { m.Attachments[0].Type = "a/b\r\nX: y" }, "Attachments[0].Type"},
		{"empty file", func(m *Message) { m.Attachments[0].Data = nil }, "Attachments[0].Data"},
		{"largest file", func(m *Message) { m.Attachments[0].Data = make([]byte, MaxAttachment) }, ""},
		{"largest file and another", func(m *Message) {
			m.Attachments[0].Data = make([]byte, MaxAttachment)
			m.Attachments = append(m.Attachments, Attachment{Name: "b", Type: "text/plain", Data: []byte("b")})
		}, "Attachments"},
	}
	for _, tt := range tests {
		err := letter(tt.change).Validate()
		var refusal *RefusalError
		switch {
		case tt.field == "" && err != nil:
			t.Errorf("%s: refused: %v", tt.name, err)
		case tt.field != "" && !errors.As(err, &refusal):
			t.Errorf("%s: error %v, want a refusal of %s", tt.name, err, tt.field)
		case tt.field != "" && refusal.Field != tt.field:
			t.Errorf("%s: refused %s, want %s", tt.name, refusal.Field, tt.field)
		}
	}
}

// FuzzMessage holds that a letter which Validate lets pass has exactly our headers, with our words in them.
func FuzzMessage(f *testing.F) {
	f.Add("office@a.example", "Éloïse", "Welcome", "Text.\n", "job-1.1@desk", "certificat é.pdf")
	f.Add("a@b", "\"x\" <y@z>", "a\r\nBcc: b@b", ".\n..\nFrom x", "a@b", "a\"; x=\"b")
	f.Add("a@b", "=?utf-8?q?x?=", strings.Repeat("Ñ ", 125), "\t", "a+b_c@d", "日本語.pdf")
	f.Fuzz(func(t *testing.T, to, name, subject, text, id, file string) {
		m := letter(func(m *Message) {
			m.To, m.ToName, m.Subject, m.Text, m.ID = to, name, subject, text, id
			m.Attachments[0].Name = file
		})
		err := m.Validate()
		var refusal *RefusalError
		if errors.As(err, &refusal) {
			if !utf8.ValidString(err.Error()) || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Fatalf("refusal repeats what it refuses: %q", err)
			}
			return
		}
		if err != nil {
			t.Fatalf("Validate: %v, want a refusal or nothing", err)
		}
		raw, err := m.render()
		if err != nil {
			t.Fatalf("render: %v", err)
		}
		checkRendered(t, m, raw)
	})
}

func checkRendered(t *testing.T, m Message, raw []byte) {
	t.Helper()
	got, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("read what was rendered: %v", err)
	}
	for name, values := range got.Header {
		known := " Auto-Submitted Content-Type Date From Message-Id Mime-Version Subject To X-Secordesk-Job "
		if !strings.Contains(known, " "+name+" ") || len(values) != 1 {
			t.Fatalf("header %s: %q was not meant to be there", name, values)
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || spaces(subject) != spaces(m.Subject) {
		t.Fatalf("subject is %q (%v), want %q", subject, err, m.Subject)
	}
	to, err := got.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != m.To || spaces(to[0].Name) != spaces(m.ToName) {
		t.Fatalf("recipient is %v (%v), want %q <%s>", to, err, m.ToName, m.To)
	}
	if got.Header.Get("Message-ID") != "<"+m.ID+">" || got.Header.Get(JobHeader) != m.ID {
		t.Fatalf("IDs are %q and %q, want %q", got.Header.Get("Message-ID"), got.Header.Get(JobHeader), m.ID)
	}
	lines := textproto.NewReader(bufio.NewReader(bytes.NewReader(raw)))
	for {
		line, err := lines.ReadLineBytes()
		if err == io.EOF {
			break
		}
		if err != nil || len(line) > 998 { // RFC 5322, 2.1.1
			t.Fatalf("line of %d bytes (%v)", len(line), err)
		}
	}
}

// spaces is s with its runs of ASCII spaces made one: folding a long header does not keep them.
func spaces(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}
