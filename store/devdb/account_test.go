//go:build unix

package devdb

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it starts servers as other users")
	}
}

func nobody(t *testing.T) *account {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	as, err := newAccount(u)
	if err != nil {
		t.Fatal(err)
	}
	return as
}

// A server of an ordinary user, which root takes up later as that user.
func TestStart_OrdinaryUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	as, parent := nobody(t), homeDir(t)
	program := filepath.Join(parent, "devdb.test")
	// By another process: ours may be forking, and a program that is open for writing cannot be run.
	out, err := exec.Command("cp", exe(t), program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	err = errors.Join(os.Chmod(program, 0o755), as.give(parent))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "db")
	o := startOwner(t, program, dir, as)
	last := number(t, o.line(t))
	w := watchServer(t, o.dir, o.dsn, o.pid)
	last = max(last, o.kill())
	w.gone(t)
	s := startServer(t, Options{Dir: dir, Durable: true})
	checkNumbers(t, s.DSN("postgres"), last)
	for _, path := range []string{dir, s.socket, filepath.Join(dir, dataName, "postmaster.pid")} {
		if got := ownerOf(path).uid; got != as.uid {
			t.Errorf("%s belongs to %d, want %d", path, got, as.uid)
		}
	}
}

// As root, postgres must not be root, and its directory keeps its owner.
func TestStart_Root(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := filepath.Join(homeDir(t), "db")
	startServer(t, Options{Dir: dir})
	if got := ownerOf(filepath.Join(dir, dataName)).uid; got == 0 {
		t.Error("postgres runs as root")
	}
	if got := ownerOf(dir).uid; got != 0 {
		t.Errorf("the directory went to %d", got)
	}
}

// Root's home is closed to other users.
func TestStart_ClosedParent(t *testing.T) {
	t.Parallel()
	needRoot(t)
	closed := homeDir(t)
	err := os.Chmod(closed, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "db")
	_, err = Start(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "cannot enter "+dir) {
		t.Errorf("Start = %v, want that the user cannot enter %s", err, dir)
	}
	_, err = os.Stat(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s was left behind", dir)
	}
}
