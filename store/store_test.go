package store_test

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

var optionsPair = regexp.MustCompile(` options='[^']*'`)

// plainDSN is the test's database for whoever the server lets in by default.
func plainDSN(t *testing.T) string {
	t.Helper()
	dsn := storetest.DSN(t)
	u, err := url.Parse(dsn)
	if err == nil && u.Scheme != "" {
		q := u.Query()
		q.Del("options")
		u.RawQuery = q.Encode()
		return u.String()
	}
	return optionsPair.ReplaceAllString(dsn, "")
}

// otherDatabase is the address of a database of that name on the test's server.
func otherDatabase(t *testing.T, name string) string {
	t.Helper()
	dsn := plainDSN(t)
	u, err := url.Parse(dsn)
	if err == nil && u.Scheme != "" {
		u.Path = "/" + name
		return u.String()
	}
	return dsn + " dbname=" + name
}

func TestOpen(t *testing.T) {
	p, err := programme()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), plainDSN(t), p, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var role, timeout string
	err = s.Database().QueryRowxContext(t.Context(), `SELECT current_user, current_setting('idle_in_transaction_session_timeout')`).Scan(&role, &timeout)
	if err != nil || role != "secordesk_app" || timeout != "30s" {
		t.Errorf("works as %s with a timeout of %s, %v", role, timeout, err)
	}
	if s.Grace != store.DefaultGrace {
		t.Errorf("grace = %s, want %s", s.Grace, store.DefaultGrace)
	}
	err = s.Close()
	if err != nil {
		t.Error(err)
	}
}

func TestOpen_Refusals(t *testing.T) {
	p, err := programme()
	if err != nil {
		t.Fatal(err)
	}
	owner := storetest.OwnerDB(t)
	var newest int
	err = owner.GetContext(t.Context(), &newest, `SELECT max(version_id) FROM goose_db_version`)
	if err != nil || newest != store.SchemaVersion {
		t.Errorf("the newest migration is %d, and Open asks for %d; raise schemaVersion with a migration that store relies on (%v)", newest, store.SchemaVersion, err)
	}
	check := func(name, dsn, want string) {
		t.Helper()
		s, err := store.Open(t.Context(), dsn, p, time.Now)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	check("no sslmode", "host=localhost dbname=x", "add sslmode=verify-full")
	check("no connection string", "sslmode=disable port=many", "read connection string")
	check("nobody there", "host=127.0.0.1 port=1 sslmode=disable connect_timeout=5", "connect to Postgres")
	check("another database", otherDatabase(t, "nodb"), `database "nodb" does not exist; create it`)
	_, err = owner.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id = $1`, newest)
	if err != nil {
		t.Fatal(err)
	}
	check("an old database", plainDSN(t), "run secordesk migrate first")
	_, err = owner.ExecContext(t.Context(), `DROP TABLE goose_db_version`)
	if err != nil {
		t.Fatal(err)
	}
	check("an empty database", plainDSN(t), "the database is empty; run secordesk migrate first")
}

// Every answer of Postgres to the first question is an operator's sentence with
// what to do, and only what may pass by itself is waited for.
func TestReady_Words(t *testing.T) {
	said := func(code pqerror.Code, message string) error {
		return &pq.Error{Severity: "FATAL", Code: code, Message: message}
	}
	for _, tt := range []struct {
		err  error
		away bool
		says string
	}{
		{said("22023", `role "secordesk_app" does not exist`), false, `the database is not prepared: role "secordesk_app" does not exist; run secordesk migrate first`},
		{said("42P01", `relation "goose_db_version" does not exist`), false, "the database is empty; run secordesk migrate first"},
		{said("3D000", `database "nodb" does not exist`), false, `database "nodb" does not exist; create it and run secordesk migrate, or correct DATABASE_URL`},
		{said("28P01", `password authentication failed for user "ana"`), false, `Postgres does not take the user and the password: password authentication failed for user "ana"; correct DATABASE_URL`},
		{said("28000", `role "ana" does not exist`), false, `Postgres does not admit the user: role "ana" does not exist; correct DATABASE_URL, or the server's roles and pg_hba.conf`},
		{said("42501", `permission denied to set role "secordesk_app"`), false, `the user may not work as secordesk_app: permission denied to set role "secordesk_app"; run secordesk migrate, or as an administrator: GRANT secordesk_app TO the user of DATABASE_URL`},
		{said("42704", `unrecognized configuration parameter "x"`), false, `Postgres refuses: unrecognized configuration parameter "x"; correct DATABASE_URL or the server`},
		{pq.ErrSSLNotSupported, false, "Postgres speaks no TLS; switch TLS on in the server, or name sslmode=disable in DATABASE_URL when nobody can listen on the way"},
		{said("57P03", "the database system is starting up"), true, "connect to Postgres: it takes nobody at the moment: the database system is starting up"},
		{said("53300", "sorry, too many clients already"), true, "connect to Postgres: it takes nobody at the moment: sorry, too many clients already"},
		{errors.New("connection refused"), true, "connect to Postgres: connection refused; start it or correct DATABASE_URL"},
	} {
		got := store.Unopened(tt.err)
		if got.Error() != tt.says || errors.Is(got, store.ErrAway) != tt.away || errors.Is(got, secor.ErrRefused) == tt.away {
			t.Errorf("%v\n got %q (away: %v)\nwant %q (away: %v)", tt.err, got, errors.Is(got, store.ErrAway), tt.says, tt.away)
		}
	}
}

func TestSnakeCase(t *testing.T) {
	for field, want := range map[string]string{"ID": "id", "CaseID": "case_id", "LegalName": "legal_name", "ClaimedNA": "claimed_na",
		"Sha256": "sha256", "OnBehalfOf": "on_behalf_of", "URLOfDesk": "url_of_desk"} {
		if got := store.SnakeCase(field); got != want {
			t.Errorf("snakeCase(%s) = %s, want %s", field, got, want)
		}
	}
}
