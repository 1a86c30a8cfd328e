package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"

	"secordesk/schema"
)

func currentDatabase(t testing.TB, dsnOf func(testing.TB) string) string {
	t.Helper()
	var name string
	err := connect(t, dsnOf(t)).Get(&name, `SELECT current_database()`)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func isInsufficientPrivilege(err error) bool {
	fault, ok := errors.AsType[*pq.Error](err)
	return ok && fault.Code == "42501"
}

func TestDB(t *testing.T) {
	t.Parallel()
	db := DB(t)
	status, err := schema.MigrationStatus(t.Context(), db.DB)
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Pending) > 0 || len(status.Applied) == 0 {
		t.Errorf("applied %v, pending %v, want all applied", status.Applied, status.Pending)
	}
	var user, name string
	err = db.QueryRow(`SELECT current_user, current_database()`).Scan(&user, &name)
	if err != nil || user != "secordesk_app" {
		t.Errorf("DB works as %q (%v), want secordesk_app", user, err)
	}
	if got := currentDatabase(t, DSN); got != name {
		t.Errorf("DSN leads to %s, DB to %s", got, name)
	}
	_, err = db.Exec(`TRUNCATE goose_db_version`)
	if !isInsufficientPrivilege(err) {
		t.Errorf("the application tampers: %v, want that it may not", err)
	}
	_, err = OwnerDB(t).Exec(`TRUNCATE goose_db_version`)
	if err != nil {
		t.Errorf("the owner may not tamper: %v", err)
	}
	status, err = schema.MigrationStatus(t.Context(), db.DB)
	if err != nil || len(status.Applied) > 0 {
		t.Errorf("OwnerDB is not the same database as DB: %v still applied (%v)", status.Applied, err)
	}
}

// Tests do not see one another's rows, and nothing is left of them, even when they forget a connection.
func TestDB_OfItsOwn(t *testing.T) {
	t.Parallel()
	DB(t) // or there is no Postgres
	var databases []string
	for range 2 {
		t.Run("", func(t *testing.T) {
			databases = append(databases, currentDatabase(t, DSN))
			_, err := OwnerDB(t).Exec(`CREATE TABLE mine (n int)`)
			if err != nil {
				t.Errorf("a second test cannot create what the first did: %v", err)
			}
			_, err = pq.Open(DSN(t))
			if err != nil {
				t.Error(err)
			}
		})
	}
	if databases[0] == databases[1] {
		t.Errorf("two tests had the database %s", databases[0])
	}
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	err = s.admin.QueryRow(`SELECT coalesce(array_agg(datname), '{}') FROM pg_database WHERE datname = ANY ($1)`, pq.Array(databases)).Scan(pq.Array(&left))
	if err != nil || len(left) > 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
}

// target is what a connection string says.
type target struct {
	Host, User, Password, Database, Options string
	Port                                    uint16
}

func TestDSN(t *testing.T) {
	tests := []struct {
		name, base, options string
		want                target
	}{
		{"pairs", "host=/run/pg port=5433 user=me dbname=x sslmode=disable", "", target{Host: "/run/pg", Port: 5433, User: "me"}},
		{"pairs with options", `host=h user=me dbname=x sslmode=disable options='-c a=b\'c\\d'`, `-c a=b'c\d`, target{Host: "h", Port: 5432, User: "me"}},
		{"URL", "postgres://me:p%20%2B%26@h:5433/x?sslmode=disable", "", target{Host: "h", Port: 5433, User: "me", Password: "p +&"}},
		{"URL with options", "postgresql://me@h/x?options=-c%20a%3Db&sslmode=disable", "-c a=b", target{Host: "h", Port: 5432, User: "me"}},
	}
	for _, tt := range tests {
		s := &server{base: tt.base, options: tt.options}
		for _, extra := range []string{"", appOptions} {
			got, err := pq.NewConfig(s.dsn("mine", extra))
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			want := tt.want
			want.Database, want.Options = "mine", strings.TrimSpace(tt.options+" "+extra)
			diff := cmp.Diff(want, target{got.Host, got.User, got.Password, got.Database, got.Options, got.Port})
			if diff != "" {
				t.Errorf("%s: dsn (-want +got):\n%s", tt.name, diff)
			}
		}
	}
}
