package sink

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFileName(t *testing.T) {
	tests := []struct {
		number             int
		subject, recipient string
		want               string
	}{
		{7, "Welcome to SECOR", "office@northernlights.ca", "0007-welcome-to-secor-office-northernlights.eml"},
		{12345, "Félicitations, Éloïse!", "é@élan.ca", "12345-félicitations-éloïse-é-élan.eml"},
		{1, "E\u0301loi\u0308se", "a@b", "0001-eloise-a-b.eml"},
		{1, "../../etc/passwd", "../..@..", "0001-etc-passwd-x-x.eml"},
		{1, "", "", "0001-x-x-x.eml"},
		{1, "C:\\aux\x00\r\n", "a/b@c/d.e", "0001-c-aux-a-b-c-d.eml"},
		{1, strings.Repeat("wörd ", 100), strings.Repeat("a", 64) + "@" + strings.Repeat("b", 60), "0001-" +
			strings.Repeat("wörd-", 14) + "wörd-" + strings.Repeat("a", 45) + "-" + strings.Repeat("b", 40) + ".eml"},
	}
	for _, tt := range tests {
		if got := fileName(tt.number, tt.subject, tt.recipient); got != tt.want {
			t.Errorf("%q to %q: %s, want %s", tt.subject, tt.recipient, got, tt.want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add(1, "Welcome to SECOR", "office@northernlights.ca")
	f.Add(0, "../..", "..@.")
	f.Add(99999, "\xff\u202e日本語", "é@")
	safe := regexp.MustCompile(`^\d{4,}(-[\pL\p{Nd}]+)+\.eml$`)
	f.Fuzz(func(t *testing.T, number int, subject, recipient string) {
		number &= 1<<31 - 1 // the sink counts up from one
		name := fileName(number, subject, recipient)
		if filepath.Base(name) != name || !filepath.IsLocal(name) || !safe.MatchString(name) {
			t.Fatalf("%q to %q: unsafe name %q", subject, recipient, name)
		}
		if len(name) > 200 || !utf8.ValidString(name) {
			t.Fatalf("%q to %q: name of %d bytes, valid UTF-8 %t", subject, recipient, len(name), utf8.ValidString(name))
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("From: a@a\r\nTo: b@b\r\nDate: Wed, 25 Mar 2026 21:00:00 -0600\r\n\r\ntext\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--x--\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := parse(raw)
		if err == nil && (l.From == "" || l.To == "") {
			t.Fatalf("letter from %q to %q was taken for whole", l.From, l.To)
		}
	})
}
