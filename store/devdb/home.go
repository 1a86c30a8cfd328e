//go:build unix

package devdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What a home holds.
const (
	dataName   = "data"          // the cluster
	socketName = "run"           // the socket, unless that is no place for one
	logName    = "postgres.log"  // what postgres said
	ownerLock  = "devdb.lock"    // held by the process that started the server; marks a home as ours
	usersLock  = "postgres.lock" // held by every process of the server, which inherits it
)

// maxSocketPath is the longest path of a socket on macOS; Linux allows 4 more.
const maxSocketPath = 103

// home is the directory of one cluster. Until it is closed no other process can
// open it, and no postgres runs there but what the holder starts.
type home struct {
	dir    string
	data   string
	socket string   // directory of the socket
	temp   string   // goes with the server; "" if nothing does
	as     *account // owns data and socket, and runs postgres
	owner  *os.File // our lock
	users  *os.File // our lock until handOver
}

// openHome takes hold of dir, or of a temporary directory if it is "".
func openHome(ctx context.Context, dir string, durable bool) (*home, error) {
	h := &home{}
	err := h.open(ctx, dir, durable)
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *home) open(ctx context.Context, dir string, durable bool) error {
	made, err := h.enter(dir, durable)
	if err != nil {
		return err
	}
	h.data = filepath.Join(h.dir, dataName)
	h.as, err = accountFor(h.dir)
	if err != nil {
		return err
	}
	if h.temp != "" {
		err = h.as.give(h.temp)
		if err != nil {
			return err
		}
	}
	err = h.as.canEnter(ctx, h.dir)
	if err != nil {
		if made {
			err = errors.Join(err, os.Remove(h.dir))
		}
		return err
	}
	err = h.hold(ctx)
	if err != nil {
		return err
	}
	return h.makeSocketDir()
}

// enter makes the directory if it is missing, and says whether it did. One that
// was there keeps its owner and mode, whatever it is.
func (h *home) enter(dir string, durable bool) (bool, error) {
	var err error
	if dir == "" {
		h.dir, err = os.MkdirTemp(tempDir(durable), "secor-pg-")
		h.temp = h.dir
		return true, err
	}
	h.dir, err = filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	err = os.MkdirAll(filepath.Dir(h.dir), 0o755)
	if err != nil {
		return false, err
	}
	// The account passes through; what it needs inside is its own.
	err = os.Mkdir(h.dir, 0o711)
	if errors.Is(err, fs.ErrExist) {
		return false, checkOurs(h.dir)
	}
	return true, err
}

// checkOurs refuses a directory that has other uses.
func checkOurs(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("every user may write to %s: %w", dir, ErrForeign)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return err
	}
	// Asked after reading: another start makes its lock before anything else.
	_, err = os.Lstat(filepath.Join(dir, ownerLock))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds other files: %w", dir, ErrForeign)
	}
	return err
}

// hold locks the home and clears what a killed predecessor left.
func (h *home) hold(ctx context.Context) error {
	var err error
	h.owner, err = openLock(filepath.Join(h.dir, ownerLock))
	if err != nil {
		return err
	}
	free, err := tryLock(h.owner)
	if err != nil {
		return err
	}
	if !free {
		return fmt.Errorf("%s: %w", h.dir, ErrInUse)
	}
	h.users, err = openLock(filepath.Join(h.dir, usersLock))
	if err != nil {
		return err
	}
	err = waitLock(ctx, h.users)
	if err != nil {
		pid := readPidfile(h.data).pid
		return fmt.Errorf("%s: a server whose owner was killed does not end; try kill -INT %d: %w", h.dir, pid, err)
	}
	return clearPidfile(h.data)
}

// makeSocketDir makes the only door to a server that asks for no password.
func (h *home) makeSocketDir() error {
	h.socket = filepath.Join(h.dir, socketName)
	if usable(h.socket) {
		err := os.RemoveAll(h.socket)
		if err != nil {
			return err
		}
		return h.as.mkdir(h.socket)
	}
	var err error
	h.socket, err = os.MkdirTemp("/tmp", "secor-pg-")
	if err != nil {
		return err
	}
	h.temp = h.socket
	return h.as.give(h.socket)
}

// tempDir returns the system's directory for temporary files; /tmp where that is
// no place for a socket; memory for a cluster that may be lost: there the files of
// a database are made and removed many times faster than on some disks.
func tempDir(durable bool) string {
	dir := os.TempDir()
	if !usable(filepath.Join(dir, "secor-pg-4294967295", socketName)) {
		dir = "/tmp"
	}
	if dir == "/tmp" && !durable && roomyMemory(memoryDir) {
		return memoryDir
	}
	return dir
}

// usable reports whether a socket in dir has a path of allowed length, which
// postgres and its clients take for one directory.
func usable(dir string) bool {
	return len(dir)+len(fmt.Sprintf("/.s.PGSQL.%d", port)) <= maxSocketPath && !strings.ContainsAny(dir, `,"`)
}

// handOver starts a process that inherits the users' lock, and leaves it to it:
// from then on whoever gets the lock knows that the process and its children are gone.
func (h *home) handOver(start func() error) error {
	again, err := openLock(h.users.Name())
	if err != nil {
		return err
	}
	err = start()
	if err != nil {
		again.Close()
		return err
	}
	h.users.Close()
	h.users = again
	return nil
}

// close lets go of the home, when no postgres runs there any more.
func (h *home) close() error {
	h.users.Close()
	unlock(h.owner)
	if h.temp == "" {
		return nil
	}
	return os.RemoveAll(h.temp)
}
