// Package storetest gives each test a database of its own that has all
// migrations, on a real Postgres. Only tests import it.
//
// The first test of a process that asks starts a private server (devdb), which
// ends with the process, however that ends: there is nothing to close. If
// TEST_DATABASE_URL names a server, that is used instead; its user must be
// allowed to create databases and, the first time, roles. There a process that is
// killed leaves its databases, called secordesk_test_…, and each version of the
// schema a template. DATABASE_URL is never read: it may name a database that
// somebody needs.
//
// On a machine without Postgres the tests fail and say what to install, or are
// skipped with that reason if SECOR_TEST_NO_PG is 1.
package storetest

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"

	"secordesk/store/devdb"
)

// appOptions make a connection work with the application's rights.
const appOptions = "-c role=secordesk_app"

// DB returns t's database, with the rights of the application. Each t has one
// database, a subtest's t another one; it is dropped when t ends, whoever is
// still connected.
func DB(t testing.TB) *sqlx.DB {
	t.Helper()
	return connect(t, DSN(t))
}

// DSN returns the connection string of DB(t).
func DSN(t testing.TB) string {
	t.Helper()
	s, name := database(t)
	return s.dsn(name, appOptions)
}

// OwnerDB returns the same database as DB(t) with the rights of its owner, who
// can do what the application must not: tamper.
func OwnerDB(t testing.TB) *sqlx.DB {
	t.Helper()
	s, name := database(t)
	return connect(t, s.dsn(name, ""))
}

func connect(t testing.TB, dsn string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Connect("postgres", dsn)
	if err != nil {
		t.Fatalf("connect to the test's database: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Go's tests have no place but globals for what the tests of a process share.
var (
	shared = sync.OnceValues(func() (*server, error) { return openServer(os.Getenv) })
	names  sync.Map // testing.TB to func() (string, error)
)

// database returns the name of t's database, and makes it if t asks for the first time.
func database(t testing.TB) (*server, string) {
	t.Helper()
	s, err := shared()
	if errors.Is(err, devdb.ErrNoBinary) && os.Getenv("SECOR_TEST_NO_PG") == "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("open Postgres for tests: %v", err)
	}
	made, _ := names.LoadOrStore(t, sync.OnceValues(func() (string, error) {
		name, err := s.clone()
		if err == nil {
			t.Cleanup(func() { forget(t, s, name) })
		}
		return name, err
	}))
	name, err := made.(func() (string, error))()
	if err != nil {
		t.Fatalf("make the test's database: %v", err)
	}
	return s, name
}

func forget(t testing.TB, s *server, name string) {
	names.Delete(t)
	err := s.drop(name)
	if err != nil {
		t.Errorf("drop the test's database: %v", err)
	}
}
