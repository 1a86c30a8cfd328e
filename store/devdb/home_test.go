//go:build unix

package devdb

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownership is what a start must not change in a directory that it did not make.
type ownership struct {
	UID, GID int
	Mode     fs.FileMode
	Entries  []string
}

func ownershipOf(t *testing.T, dir string) ownership {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := ownerOf(dir)
	got := ownership{UID: owner.uid, GID: owner.gid, Mode: info.Mode()}
	for _, e := range entries {
		got.Entries = append(got.Entries, e.Name())
	}
	return got
}

func TestStart_ForeignDir(t *testing.T) {
	t.Parallel()
	home, shared := homeDir(t), homeDir(t)
	err := errors.Join(
		os.WriteFile(filepath.Join(home, ".profile"), nil, 0o600),
		os.Chmod(shared, 0o777|fs.ModeSticky),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"root": "/", "/tmp": "/tmp", "temp dir": os.TempDir(), "a home": home, "empty shared dir": shared} {
		before := ownershipOf(t, dir)
		_, err = Start(t.Context(), Options{Dir: dir})
		if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Start in %s = %v, want ErrForeign that names %s", name, err, dir)
		}
		after := ownershipOf(t, dir)
		if dir == os.TempDir() || dir == "/tmp" {
			before.Entries, after.Entries = nil, nil // other tests work there
		}
		diff := cmp.Diff(before, after)
		if diff != "" {
			t.Errorf("Start in %s changed it (-before +after):\n%s", name, diff)
		}
	}
}

// An empty directory, such as a mounted volume, is used as it is.
func TestStart_EmptyDir(t *testing.T) {
	t.Parallel()
	dir := homeDir(t)
	before := ownershipOf(t, dir)
	s := startServer(t, Options{Dir: dir})
	query[int](t, s, `SELECT 1`)
	after := ownershipOf(t, dir)
	before.Entries, after.Entries = nil, nil
	diff := cmp.Diff(before, after)
	if diff != "" {
		t.Errorf("Start changed the directory (-before +after):\n%s", diff)
	}
}

// A file is not a directory.
func TestStart_File(t *testing.T) {
	t.Parallel()
	path := filepath.Join(homeDir(t), "file")
	err := os.WriteFile(path, []byte("precious"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), Options{Dir: path})
	if !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Start = %v, want ENOTDIR", err)
	}
}

// Where the socket's path would be too long, or one that clients take for a list,
// the socket goes elsewhere, and away in the end.
func TestStart_SocketElsewhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("long", 25), "a,b"} {
		dir := keptDir(t, name)
		s := startServer(t, Options{Dir: dir})
		query[int](t, s, `SELECT 1`)
		if strings.HasPrefix(s.socket, dir) {
			t.Errorf("the socket of %s is in %s", dir, s.socket)
		}
		info, err := os.Stat(s.socket)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, other users must not get in", s.socket, info.Mode())
		}
		err = s.Stop()
		if err != nil {
			t.Error(err)
		}
		_, err = os.Stat(s.socket)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there after Stop", s.socket)
		}
	}
}

func TestTempDir(t *testing.T) {
	for dir, want := range map[string]string{"/short": "/short", "/" + strings.Repeat("long", 20): "/tmp", "/a,b": "/tmp"} {
		t.Setenv("TMPDIR", dir)
		got := tempDir(true)
		if got != want {
			t.Errorf("tempDir with TMPDIR=%s is %s, want %s", dir, got, want)
		}
	}
	want := "/tmp"
	if roomyMemory(memoryDir) {
		want = memoryDir
	}
	t.Setenv("TMPDIR", "")
	if got := tempDir(false); got != want {
		t.Errorf("tempDir of a cluster that may be lost is %s, want %s", got, want)
	}
	if got := tempDir(true); got != "/tmp" {
		t.Errorf("tempDir of a durable cluster is %s, want /tmp", got)
	}
	if roomyMemory("/proc") || roomyMemory("/nonexistent") {
		t.Error("roomyMemory finds room where none is")
	}
}

// A process of a killed owner's server that does not end is waited for as long as the context allows, and named.
func TestHold_Orphan(t *testing.T) {
	t.Parallel()
	dir := homeDir(t)
	orphan, err := openLock(filepath.Join(dir, usersLock))
	if err != nil {
		t.Fatal(err)
	}
	defer orphan.Close()
	free, err := tryLock(orphan)
	if err != nil || !free {
		t.Fatalf("tryLock = %v, %v", free, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := &home{dir: dir, data: filepath.Join(dir, dataName)}
	defer h.close()
	err = h.hold(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "kill -INT") {
		t.Errorf("hold = %v, want that it was cancelled and what to do", err)
	}
}
