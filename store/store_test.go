package store_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"secordesk/store"
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
	_, err = owner.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id = $1`, newest)
	if err != nil {
		t.Fatal(err)
	}
	check("an old database", plainDSN(t), "run secordesk migrate first")
	_, err = owner.ExecContext(t.Context(), `DROP TABLE goose_db_version`)
	if err != nil {
		t.Fatal(err)
	}
	check("an empty database", plainDSN(t), "the database is empty: run secordesk migrate first")
}

func TestSnakeCase(t *testing.T) {
	for field, want := range map[string]string{"ID": "id", "CaseID": "case_id", "LegalName": "legal_name", "ClaimedNA": "claimed_na",
		"Sha256": "sha256", "OnBehalfOf": "on_behalf_of", "URLOfDesk": "url_of_desk"} {
		if got := store.SnakeCase(field); got != want {
			t.Errorf("snakeCase(%s) = %s, want %s", field, got, want)
		}
	}
}
