//go:build unix

package devdb

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// startServer starts a server that ends with the test.
func startServer(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	return s
}

// publicDir makes a temporary directory that other users can enter, in memory if there is room: a
// killed process loses no more there than on a disk.
func publicDir() (string, error) {
	dir, err := os.MkdirTemp(tempDir(false), "devdb-test-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// homeDir returns an empty directory, which other users can enter.
func homeDir(t *testing.T) string {
	t.Helper()
	dir, err := publicDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// pristine is a cluster that the tests copy: initdb is most of a first start.
var pristine struct {
	once   sync.Once
	parent string // TestMain removes it
	err    error
}

func makePristine() {
	pristine.parent, pristine.err = publicDir()
	if pristine.err != nil {
		return
	}
	s, err := Start(context.Background(), Options{Dir: filepath.Join(pristine.parent, "db")})
	if err == nil {
		err = s.Stop()
	}
	pristine.err = err
}

// keptDir returns the directory of a new cluster that has been started and stopped once. Its parent is the test's own.
func keptDir(t *testing.T, name string) string {
	t.Helper()
	pristine.once.Do(makePristine)
	if pristine.err != nil {
		t.Fatal(pristine.err)
	}
	dir := filepath.Join(homeDir(t), name)
	out, err := exec.Command("cp", "-a", filepath.Join(pristine.parent, "db"), dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

func query[T any](t *testing.T, s *Server, sql string) T {
	t.Helper()
	db := openDB(t, s.DSN("postgres"))
	defer db.Close()
	var v T
	err := db.QueryRow(sql).Scan(&v)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func execute(t *testing.T, s *Server, sql string) {
	t.Helper()
	db := openDB(t, s.DSN("postgres"))
	defer db.Close()
	_, err := db.Exec(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func settingsOf(t *testing.T, s *Server) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes", "max_connections", "listen_addresses", "TimeZone", "lc_collate", "server_encoding"} {
		got[name] = query[string](t, s, "SHOW "+name)
	}
	return got
}

func TestStart_Temporary(t *testing.T) {
	t.Parallel()
	s := startServer(t, Options{MaxConn: 7})
	want := map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "7",
		"listen_addresses": "", "TimeZone": "UTC", "lc_collate": "C", "server_encoding": "UTF8"}
	diff := cmp.Diff(want, settingsOf(t, s))
	if diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	got := query[string](t, s, `SELECT upper('é')`)
	if got != "É" {
		t.Errorf("upper('é') = %q, want É", got)
	}
	w := watchServer(t, s.Dir, s.DSN("postgres"), s.Pid)
	open, err := openDB(t, s.DSN("postgres")).Begin()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err = s.Stop()
		if err != nil {
			t.Errorf("Stop = %v, want none", err)
		}
	}
	w.gone(t)
	err = open.Commit()
	if err == nil {
		t.Error("an open transaction outlived Stop")
	}
	_, err = os.Stat(s.Dir)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there after Stop", s.Dir)
	}
}

func TestStart_Kept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(homeDir(t), "new", "one") // its parents are made
	s := startServer(t, Options{Dir: dir, Durable: true})
	want := map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "100",
		"listen_addresses": "", "TimeZone": "UTC", "lc_collate": "C", "server_encoding": "UTF8"}
	diff := cmp.Diff(want, settingsOf(t, s))
	if diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	execute(t, s, `CREATE TABLE kept AS SELECT 42 AS n`)
	err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	s = startServer(t, Options{Dir: dir, Durable: true})
	t.Logf("second start took %v", time.Since(begun))
	if got := query[int](t, s, `SELECT n FROM kept`); got != 42 {
		t.Errorf("kept %d, want 42", got)
	}
	for _, path := range []string{s.socket, filepath.Join(dir, dataName)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, other users must not get in", path, info.Mode())
		}
	}
}

func TestStart_InUse(t *testing.T) {
	t.Parallel()
	dir := keptDir(t, "db")
	s := startServer(t, Options{Dir: dir})
	_, err := Start(t.Context(), Options{Dir: dir})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Start = %v, want ErrInUse that names %s", err, dir)
	}
	if got := query[int](t, s, `SELECT 1`); got != 1 {
		t.Errorf("the first server answers %d", got)
	}
}

// One of several first starts wins, the others are told.
func TestStart_AtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(homeDir(t), "db")
	servers, errs := make([]*Server, 4), make([]error, 4)
	var all sync.WaitGroup
	for i := range servers {
		all.Go(func() { servers[i], errs[i] = Start(t.Context(), Options{Dir: dir}) })
	}
	all.Wait()
	won := 0
	for i, s := range servers {
		if s == nil {
			if !errors.Is(errs[i], ErrInUse) {
				t.Errorf("a loser was told %v, want ErrInUse", errs[i])
			}
			continue
		}
		won++
		query[int](t, s, `SELECT 1`)
		err := s.Stop()
		if err != nil {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 4 starts won, want 1", won)
	}
}

// awaitInitdb returns when initdb is at work in dir, or after half a minute.
func awaitInitdb(ctx context.Context, dir string) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		_, err := os.Stat(filepath.Join(dir, dataName+".init", "base"))
		if err == nil {
			return
		}
		runtime.Gosched()
	}
}

func TestStart_Cancelled(t *testing.T) {
	t.Parallel()
	dir := homeDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		awaitInitdb(ctx, dir)
		cancel()
	}()
	s, err := Start(ctx, Options{Dir: dir})
	if err == nil {
		s.Stop()
		t.Fatal("Start succeeded, want an error: its context was cancelled")
	}
	s = startServer(t, Options{Dir: dir})
	query[int](t, s, `SELECT 1`)
}

func TestDSN_Quoted(t *testing.T) {
	t.Parallel()
	const name = `it's a \ "name"`
	s := startServer(t, Options{Dir: keptDir(t, `it's a \ dir`)})
	execute(t, s, `CREATE DATABASE "it's a \ ""name"""`)
	db, err := sql.Open("postgres", s.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var got string
	err = db.QueryRow(`SELECT current_database()`).Scan(&got)
	if err != nil {
		t.Fatal(err)
	}
	if got != name {
		t.Errorf("connected to %q, want %q", got, name)
	}
}
