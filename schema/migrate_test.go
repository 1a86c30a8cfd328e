package schema

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"

	"secordesk/store/devdb"
)

// startDB starts a private Postgres for one test.
func startDB(t *testing.T) *devdb.Server {
	t.Helper()
	s, err := devdb.Start(t.Context(), devdb.Options{Bin: os.Getenv("SECOR_PG_BIN")})
	if errors.Is(err, devdb.ErrNoBinary) && os.Getenv("SECOR_TEST_NO_PG") == "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	return s
}

func openDB(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execSQL(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.Exec(statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func migrationNames(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return names
}

func checkStatus(t *testing.T, db *sql.DB, want Migrations) {
	t.Helper()
	got, err := MigrationStatus(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Unknown) == 0 {
		got.Unknown = nil
	}
	diff := cmp.Diff(want, got)
	if diff != "" {
		t.Errorf("MigrationStatus (-want +got):\n%s", diff)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	s := startDB(t)
	db := openDB(t, s.DSN("postgres"))
	all := migrationNames(t)
	checkStatus(t, db, Migrations{Pending: all})
	var tables int
	err := db.QueryRow(`SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("MigrationStatus left %d tables (%v), want none", tables, err)
	}
	for range 2 {
		err = Migrate(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		checkStatus(t, db, Migrations{Applied: all})
	}

	execSQL(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9001, true)`)
	err = Migrate(t.Context(), db)
	if err != nil {
		t.Errorf("Migrate of a newer database = %v, want nothing done", err)
	}
	app := openDB(t, s.DSN("postgres")+" options='-c role=secordesk_app'")
	checkStatus(t, app, Migrations{Applied: all, Unknown: []int64{9001}})
	_, err = app.Exec(`CREATE TABLE mine (n int)`)
	if !isInsufficientPrivilege(err) {
		t.Errorf("secordesk_app creates a table: %v, want that it may not", err)
	}
}

// Three processes of one release start at once.
func TestMigrate_AtOnce(t *testing.T) {
	t.Parallel()
	s := startDB(t)
	errs := make([]error, 3)
	var all sync.WaitGroup
	for i := range errs {
		db := openDB(t, s.DSN("postgres"))
		all.Go(func() { errs[i] = Migrate(context.Background(), db) })
	}
	all.Wait()
	err := errors.Join(errs...)
	if err != nil {
		t.Error(err)
	}
	checkStatus(t, openDB(t, s.DSN("postgres")), Migrations{Applied: migrationNames(t)})
}

// Another database's migration is making the role, which all share, and commits while ours waits for
// it. Who migrates is no superuser.
func TestMigrate_RoleAtOnce(t *testing.T) {
	t.Parallel()
	s := startDB(t)
	root := openDB(t, s.DSN("postgres"))
	execSQL(t, root, `CREATE ROLE builder LOGIN CREATEROLE`)
	execSQL(t, root, `CREATE DATABASE desk OWNER builder`)
	other, err := root.Begin()
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Exec(`CREATE ROLE secordesk_app NOLOGIN`)
	if err != nil {
		t.Fatal(err)
	}
	dsn := strings.Replace(s.DSN("desk"), "user=postgres", "user=builder", 1)
	db := openDB(t, dsn)
	done := make(chan error)
	go func() { done <- Migrate(context.Background(), db) }()
	awaitWaiting(t, root)
	err = other.Commit()
	if err != nil {
		t.Fatal(err)
	}
	err = <-done
	if err != nil {
		t.Fatal(err)
	}
	var user string
	err = openDB(t, dsn+" options='-c role=secordesk_app'").QueryRow(`SELECT current_user`).Scan(&user)
	if err != nil || user != "secordesk_app" {
		t.Errorf("builder works as %q (%v), want secordesk_app", user, err)
	}
}

// awaitWaiting returns when a transaction of the cluster waits for another.
func awaitWaiting(t *testing.T, db *sql.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for waiting := false; !waiting; {
		err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Who may not create roles is told what an administrator has to do; then it works.
func TestMigrate_WithoutCreateRole(t *testing.T) {
	t.Parallel()
	s := startDB(t)
	root := openDB(t, s.DSN("postgres"))
	execSQL(t, root, `CREATE ROLE plain LOGIN`)
	execSQL(t, root, `CREATE DATABASE desk OWNER plain`)
	db := openDB(t, strings.Replace(s.DSN("desk"), "user=postgres", "user=plain", 1))
	err := Migrate(t.Context(), db)
	if !isInsufficientPrivilege(err) || !strings.Contains(err.Error(), "CREATE ROLE secordesk_app") {
		t.Fatalf("Migrate = %v, want insufficient privilege and what an administrator does", err)
	}
	execSQL(t, root, `CREATE ROLE secordesk_app NOLOGIN`)
	err = Migrate(t.Context(), db)
	if err != nil {
		t.Error(err)
	}
	checkStatus(t, db, Migrations{Applied: migrationNames(t)})
}

func isInsufficientPrivilege(err error) bool {
	fault, ok := errors.AsType[*pq.Error](err)
	return ok && fault.Code == "42501"
}

func TestMigrationHash(t *testing.T) {
	files := func(pairs ...string) string {
		m := fstest.MapFS{}
		for pair := range slices.Chunk(pairs, 2) {
			m[pair[0]] = &fstest.MapFile{Data: []byte(pair[1])}
		}
		hash, err := hashFiles(m)
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	base := files("1.sql", "a", "2.sql", "b")
	if again := files("2.sql", "b", "1.sql", "a"); again != base {
		t.Errorf("the same files give %s and %s", base, again)
	}
	for name, other := range map[string]string{
		"content":     files("1.sql", "a", "2.sql", "c"),
		"name":        files("1.sql", "a", "3.sql", "b"),
		"moved bytes": files("1.sql", "ab", "2.sql", ""),
		"one more":    files("1.sql", "a", "2.sql", "b", "3.sql", ""),
	} {
		if other == base {
			t.Errorf("another %s gives the same hash", name)
		}
	}
	if got := MigrationHash(); len(got) != 64 || got != MigrationHash() {
		t.Errorf("MigrationHash = %q", got)
	}
}
