package mail_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"secordesk/jobs/mail"
)

// relay is a server with TLS and login, as an office's provider runs one.
type relay struct {
	address  string
	roots    *x509.CertPool
	sessions chan *relaySession // of each letter that it accepted
}

type relaySession struct {
	conn *smtp.Conn
	user string
	sink chan *relaySession
}

// newRelay starts one that knows the user "desk" with the password "hunter2"; implicit: TLS from the first byte.
func newRelay(t *testing.T, implicit bool) *relay {
	t.Helper()
	certificate, roots := certificateFor(t, "127.0.0.1")
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: listener.Addr().String(), roots: roots, sessions: make(chan *relaySession, 1)}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &relaySession{conn: c, sink: r.sessions}, nil
	}))
	server.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are the test's purpose
	if implicit {
		listener = tls.NewListener(listener, config)
	} else {
		server.TLSConfig = config
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return r
}

func (s *relaySession) AuthMechanisms() []string { return []string{"PLAIN"} }

func (s *relaySession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "desk" || password != "hunter2" {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *relaySession) Reset()                               {}
func (s *relaySession) Logout() error                        { return nil }
func (s *relaySession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *relaySession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *relaySession) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	s.sink <- s
	return err
}

// certificateFor returns a certificate that is its own authority, valid around the machine's present time.
func certificateFor(t *testing.T, address string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"}, IPAddresses: []net.IP{net.ParseIP(address)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestSend_Encrypted(t *testing.T) {
	tests := []struct {
		name, before, after string // of the URL, around the address
		implicit, trusted   bool
		user                string
	}{
		{"TLS from the first byte", "smtps://desk:hunter2@", "", true, true, "desk"},
		{"STARTTLS demanded", "smtp://desk:hunter2@", "?tls=mandatory", false, true, "desk"},
		{"STARTTLS taken because offered", "smtp://", "?tls=starttls", false, true, ""},
		{"own machine, unknown certificate", "smtp://", "", false, false, ""},
	}
	for _, tt := range tests {
		r := newRelay(t, tt.implicit)
		s := sender(t, tt.before+r.address+tt.after)
		if tt.trusted {
			s.Trust(r.roots)
		}
		_, err := s.Send(context.Background(), welcome())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := <-r.sessions
		_, encrypted := got.conn.TLSConnectionState()
		if !encrypted || got.user != tt.user {
			t.Errorf("%s: encrypted %t, user %q, want user %q", tt.name, encrypted, got.user, tt.user)
		}
	}
}

func TestSend_NotEncrypted(t *testing.T) {
	r := newRelay(t, false)
	_, err := send(t, "smtp://"+r.address+"?tls=none", welcome())
	if err != nil {
		t.Fatal(err)
	}
	got := <-r.sessions
	if _, encrypted := got.conn.TLSConnectionState(); encrypted {
		t.Error("encrypted in spite of tls=none")
	}
}

func TestSend_EncryptionRefused(t *testing.T) {
	plain, _ := script{}.play(t)
	tests := []struct {
		name, url string
		code      int
	}{
		{"STARTTLS demanded, not offered", "smtp://" + plain + "?tls=mandatory", 0},
		{"unknown certificate, STARTTLS demanded", "smtp://" + newRelay(t, false).address + "?tls=mandatory", 0},
		{"unknown certificate, STARTTLS offered", "smtp://" + newRelay(t, false).address + "?tls=starttls", 0},
		{"unknown certificate, TLS from the first byte", "smtps://" + newRelay(t, true).address, 0},
		{"wrong password", "smtp://desk:wrong@" + newRelay(t, false).address, 535},
	}
	for _, tt := range tests {
		_, err := send(t, tt.url, welcome())
		got := refused(t, err)
		if got.Outcome != mail.NotSent || got.Step != mail.StepConnect || got.Permanent || got.Code != tt.code {
			t.Errorf("%s: error %+v, want not sent, at connect, passing, code %d", tt.name, got, tt.code)
		}
		var unknown *tls.CertificateVerificationError
		if errors.As(err, &unknown) != (tt.name[:7] == "unknown") {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}
