package store

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"secordesk/store/secor"
)

// ErrAway means that Postgres gave no answer, or none for the moment. It may come
// back by itself.
var ErrAway = errors.New("the database is away")

const migrateFirst = "run secordesk migrate first"

// finalAnswers are the errors of a Postgres that do not pass by themselves. The
// first that fits is told; %s is what Postgres said.
var finalAnswers = []struct {
	code     pqerror.Code
	says     string // somewhere in the message
	text, do string
}{
	{pqerror.UndefinedTable, "", "the database is empty", migrateFirst},
	{pqerror.InvalidParameterValue, "secordesk_app", "the database is not prepared: %s", migrateFirst},
	{pqerror.InvalidCatalogName, "", "%s", "create it and run secordesk migrate, or correct DATABASE_URL"},
	{pqerror.InvalidPassword, "", "Postgres does not take the user and the password: %s", "correct DATABASE_URL"},
	{pqerror.InvalidAuthorizationSpecification, "", "Postgres does not admit the user: %s", "correct DATABASE_URL, or the server's roles and pg_hba.conf"},
	{pqerror.InsufficientPrivilege, "", "the user may not work as secordesk_app: %s",
		"run secordesk migrate, or as an administrator: GRANT secordesk_app TO the user of DATABASE_URL"},
}

// unopened turns what went wrong with the first question to Postgres into an
// operator's words.
func unopened(err error) error {
	const correct = "correct DATABASE_URL or the server"
	var e *pq.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &e):
		return refusedBy(e, correct)
	case errors.Is(err, pq.ErrSSLNotSupported):
		return refuse(secor.ErrRefused, "switch TLS on in the server, or name sslmode=disable in DATABASE_URL when nobody can listen on the way", "Postgres speaks no TLS")
	case errors.As(err, &certificate):
		return refuse(secor.ErrRefused, "name its authority by sslrootcert in DATABASE_URL", "the certificate of Postgres is not trusted: %v", certificate.Err)
	}
	return &awayError{fmt.Errorf("connect to Postgres: %w; start it or correct DATABASE_URL", err)}
}

func refusedBy(e *pq.Error, correct string) error {
	for _, a := range finalAnswers {
		if e.Code == a.code && strings.Contains(e.Message, a.says) {
			return refuse(secor.ErrRefused, a.do, "%s", strings.ReplaceAll(a.text, "%s", e.Message))
		}
	}
	switch e.Code.Class() {
	case "08", "53", "57": // a lost connection, no room, a start or an end
		return &awayError{fmt.Errorf("connect to Postgres: it takes nobody at the moment: %s", e.Message)}
	}
	return refuse(secor.ErrRefused, correct, "Postgres refuses: %s", e.Message)
}

// awayError is an ErrAway in its own words.
type awayError struct{ error }

func (e *awayError) Is(target error) bool { return target == ErrAway }
func (e *awayError) Unwrap() error        { return e.error }
