//go:build unix

package devdb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeBin makes a directory whose postgres says the version.
func fakeBin(t *testing.T, version string, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho '"+version+"'\n"), 0o755)
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindBin(t *testing.T) {
	whole := fakeBin(t, "postgres (PostgreSQL) 17.2 (Debian 17.2-1)", "initdb", "postgres")
	beta := fakeBin(t, "postgres (PostgreSQL) 19beta1", "initdb", "postgres")
	half := fakeBin(t, "postgres (PostgreSQL) 17.2", "postgres")
	old := fakeBin(t, "postgres (PostgreSQL) 14.9", "initdb", "postgres")
	linked := t.TempDir()
	err := os.Symlink(filepath.Join(whole, "postgres"), filepath.Join(linked, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, dir, path string
		others          []string
		want            string // "" for ErrNoBinary
		says            string
	}{
		{name: "named", dir: whole, path: beta, want: whole},
		{name: "named, but half a server", dir: half, path: whole, says: half},
		{name: "named, but missing", dir: "/nonexistent", path: whole, says: "/nonexistent"},
		{name: "named, but too old", dir: old, path: whole, says: "Postgres 14"},
		{name: "on the PATH, before packages", path: beta, others: []string{whole}, want: beta},
		{name: "on the PATH by a link", path: linked, want: whole},
		{name: "half a server on the PATH", path: half, others: []string{whole}, want: whole},
		{name: "packaged", path: "/nonexistent", others: []string{half, whole, beta}, want: whole},
		{name: "none", path: "/nonexistent"},
	}
	for _, tt := range tests {
		t.Setenv("PATH", tt.path)
		got, err := findBin(t.Context(), tt.dir, tt.others)
		if tt.want != "" && (got != tt.want || err != nil) {
			t.Errorf("%s: findBin = %q, %v, want %q", tt.name, got, err, tt.want)
		}
		if tt.want == "" && (!errors.Is(err, ErrNoBinary) || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: findBin = %q, %v, want ErrNoBinary that says %q", tt.name, got, err, tt.says)
		}
	}
}

// Whoever has no Postgres learns what to do, whatever the platform.
func TestStart_NoBinary(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{Bin: t.TempDir()})
	if !errors.Is(err, ErrNoBinary) {
		t.Fatalf("Start = %v, want ErrNoBinary", err)
	}
	for _, remedy := range []string{"apt install", "dnf install", "brew install", "Windows", "SECOR_PG_BIN", "DATABASE_URL", "TEST_DATABASE_URL"} {
		if !strings.Contains(err.Error(), remedy) {
			t.Errorf("ErrNoBinary does not name %s: %v", remedy, err)
		}
	}
}

func TestMajorIn(t *testing.T) {
	for path, want := range map[string]int{"/usr/lib/postgresql/15/bin": 15, "/usr/pgsql-9.6/bin": 9, "/opt/homebrew/opt/postgresql@17/bin": 17, "/usr/bin": 0} {
		got := majorIn(path)
		if got != want {
			t.Errorf("majorIn(%s) = %d, want %d", path, got, want)
		}
	}
}
