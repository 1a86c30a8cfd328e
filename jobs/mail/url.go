package mail

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// URLError says what is wrong with a mail URL. Its texts are fixed: a malformed URL may have its password anywhere, so
// no part of it is ever repeated.
type URLError string

func (e URLError) Error() string { return "mail URL " + string(e) }

const (
	errURLSyntax   URLError = "cannot be read; in user and password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25"
	errURLScheme   URLError = "must begin with smtp:// or smtps://"
	errURLHost     URLError = "names no host; write it as smtp://user:password@host:587"
	errURLPort     URLError = "has a port outside 1 to 65535"
	errURLRest     URLError = "goes on after the host; only ?tls= may follow (in a password write / as %2F, # as %23)"
	errURLQuery    URLError = "has an unknown parameter; only tls=none, tls=starttls or tls=mandatory may follow, once (in a password write ? as %3F)"
	errURLImplicit URLError = "combines smtps:// with tls=; smtps:// is always encrypted, leave tls= out"
	errURLLogin    URLError = "has a user without a password, or a password without a user"
	errURLControl  URLError = "has a control character in user or password"
	errURLClear    URLError = "would send a password unencrypted; leave tls=none out, or the password"
)

// NewSender reads where and how to send from a URL: smtp://user:password@host:port for a connection that starts in the
// clear, smtps:// for one that is encrypted from the first byte. User and password may be left out; the port is 587
// (smtp) or 465 (smtps) by default.
//
// With smtp://, ?tls=mandatory demands STARTTLS and a valid certificate, and is the default. ?tls=starttls encrypts
// when the server offers it. ?tls=none never does and is refused together with a password. For a host on this machine
// (localhost, 127.x.y.z, ::1) the default is starttls without a look at the certificate.
//
// Every error is a URLError.
func NewSender(rawURL string) (*Sender, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil && !hasScheme(rawURL):
		return nil, errURLScheme
	case err != nil:
		return nil, errURLSyntax
	case u.Scheme != "smtp" && u.Scheme != "smtps":
		return nil, errURLScheme
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errURLHost
	case u.Path != "" && u.Path != "/", u.Fragment != "":
		return nil, errURLRest
	}
	s := &Sender{host: u.Hostname(), implicit: u.Scheme == "smtps"}
	s.port, err = portOf(u)
	if err != nil {
		return nil, err
	}
	err = s.setLogin(u.User)
	if err != nil {
		return nil, err
	}
	err = s.setPolicy(u.RawQuery)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func hasScheme(rawURL string) bool {
	return strings.HasPrefix(rawURL, "smtp://") || strings.HasPrefix(rawURL, "smtps://")
}

func portOf(u *url.URL) (int, error) {
	usual := map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	port, err := strconv.Atoi(cmp.Or(u.Port(), usual))
	if err != nil || port < 1 || port > 65535 {
		return 0, errURLPort
	}
	return port, nil
}

func (s *Sender) setLogin(login *url.Userinfo) error {
	if login == nil {
		return nil
	}
	s.user = login.Username()
	s.password, _ = login.Password()
	if (s.user == "") != (s.password == "") {
		return errURLLogin
	}
	if strings.ContainsFunc(s.user+s.password, unicode.IsControl) {
		return errURLControl
	}
	return nil
}

func (s *Sender) setPolicy(rawQuery string) error {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return errURLQuery
	}
	word := query.Get("tls")
	if len(query) > 1 || len(query) == 1 && len(query["tls"]) != 1 {
		return errURLQuery
	}
	if s.implicit && len(query) > 0 {
		return errURLImplicit
	}
	here := loopback(s.host)
	s.tls = &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	switch {
	case s.implicit:
		s.policy = gomail.NoTLS // STARTTLS has nothing left to do
	case len(query) == 0 && here:
		s.policy = gomail.TLSOpportunistic
		s.tls.InsecureSkipVerify = true // nobody stands between this machine and itself
	case len(query) == 0, word == "mandatory":
		s.policy = gomail.TLSMandatory
	case word == "starttls":
		s.policy = gomail.TLSOpportunistic
	case word == "none":
		s.policy = gomail.NoTLS
	default:
		return errURLQuery
	}
	if word == "none" && s.password != "" && !here {
		return errURLClear
	}
	return nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
