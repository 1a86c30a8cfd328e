package mail

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gomail "github.com/wneessen/go-mail"
)

func TestNewSender(t *testing.T) {
	tests := []struct {
		url      string
		server   string
		policy   gomail.TLSPolicy
		implicit bool
		lax      bool // certificate is not looked at
		login    string
	}{
		{"smtp://relay.example", "relay.example:587", gomail.TLSMandatory, false, false, ""},
		{"smtp://relay.example:25/?tls=none", "relay.example:25", gomail.NoTLS, false, false, ""},
		{"smtp://relay.example:25?tls=starttls", "relay.example:25", gomail.TLSOpportunistic, false, false, ""},
		{"smtp://u%40a:p%2F%3F%23%3A@relay.example?tls=mandatory", "relay.example:587", gomail.TLSMandatory, false, false, "u@a p/?#:"},
		{"smtps://u:p@relay.example", "relay.example:465", gomail.NoTLS, true, false, "u p"},
		{"smtp://localhost:2525", "localhost:2525", gomail.TLSOpportunistic, false, true, ""},
		{"smtp://u:p@127.0.0.1:2525?tls=none", "127.0.0.1:2525", gomail.NoTLS, false, false, "u p"},
		{"smtp://[::1]:2525", "[::1]:2525", gomail.TLSOpportunistic, false, true, ""},
		{"smtp://localhost:2525?tls=mandatory", "localhost:2525", gomail.TLSMandatory, false, false, ""},
		{"smtps://localhost:2525", "localhost:2525", gomail.NoTLS, true, false, ""},
	}
	for _, tt := range tests {
		s, err := NewSender(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		if s.String() != tt.server || s.policy != tt.policy || s.implicit != tt.implicit || s.tls.InsecureSkipVerify != tt.lax {
			t.Errorf("%s: %s policy %v implicit %t lax %t", tt.url, s, s.policy, s.implicit, s.tls.InsecureSkipVerify)
		}
		if got := strings.TrimSpace(s.user + " " + s.password); got != tt.login {
			t.Errorf("%s: login %q, want %q", tt.url, got, tt.login)
		}
	}
}

func TestNewSender_Refused(t *testing.T) {
	tests := []struct {
		url  string
		want URLError
	}{
		{"", errURLScheme},
		{"relay.example:25", errURLScheme},
		{"http://relay.example", errURLScheme},
		{"user:hunter2@relay.example", errURLScheme},
		{"smtp:relay.example", errURLHost},
		{"smtp://", errURLHost},
		{"smtp://user:hunter2@", errURLHost},
		{"smtp://user:hun/ter2@relay.example", errURLSyntax},
		{"smtp://user:12/hunter2@relay.example", errURLRest},
		{"smtp://user:12?hunter2@relay.example", errURLQuery},
		{"smtp://user:12#hunter2@relay.example", errURLRest},
		{"smtp://user:hun%ter2@relay.example", errURLSyntax},
		{"smtp://relay.example:0", errURLPort},
		{"smtp://relay.example:65536", errURLPort},
		{"smtp://user@relay.example", errURLLogin},
		{"smtp://:hunter2@relay.example", errURLLogin},
		{"smtp://user:hunter2%00@relay.example", errURLControl},
		{"smtp://relay.example?tls=maybe", errURLQuery},
		{"smtp://relay.example?tls=", errURLQuery},
		{"smtp://relay.example?tls=none&tls=mandatory", errURLQuery},
		{"smtp://relay.example?timeout=3s", errURLQuery},
		{"smtp://relay.example?tls=%zz", errURLQuery},
		{"smtps://relay.example?tls=none", errURLImplicit},
		{"smtp://user:hunter2@relay.example?tls=none", errURLClear},
	}
	for _, tt := range tests {
		_, err := NewSender(tt.url)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.url, err, tt.want)
		}
	}
}

func TestSender_KeepsItsPassword(t *testing.T) {
	s, err := NewSender("smtp://user:hunter2@relay.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, s); strings.Contains(text, "hunter2") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// FuzzNewSender holds that an error never depends on more of the URL than which rule it breaks.
func FuzzNewSender(f *testing.F) {
	for _, seed := range []string{"smtp://u:p@h:25?tls=none", "smtps://[::1]", "smtp://user:12/34@h", "smtp:/", "%", "smtp://h?tls=a;b"} {
		f.Add(seed)
	}
	fixed := []URLError{errURLSyntax, errURLScheme, errURLHost, errURLPort, errURLRest, errURLQuery, errURLImplicit,
		errURLLogin, errURLControl, errURLClear}
	f.Fuzz(func(t *testing.T, rawURL string) {
		s, err := NewSender(rawURL)
		var problem URLError
		if err != nil {
			if !errors.As(err, &problem) || !slices.Contains(fixed, problem) || err.Error() != problem.Error() {
				t.Fatalf("%q: error %v is not one of the fixed texts", rawURL, err)
			}
			return
		}
		if s.host == "" || s.port < 1 || s.port > 65535 || (s.user == "") != (s.password == "") {
			t.Fatalf("%q: accepted as %+v with login %t/%t", rawURL, s, s.user != "", s.password != "")
		}
		if s.password != "" && s.policy == gomail.NoTLS && !s.implicit && !loopback(s.host) {
			t.Fatalf("%q: password would travel in the clear", rawURL)
		}
	})
}
