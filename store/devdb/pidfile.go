//go:build unix

package devdb

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidfile is what a postmaster tells about itself in its data directory.
type pidfile struct {
	pid    int
	socket string // path of its Unix socket
	ready  bool   // it accepts connections
}

// readPidfile returns the zero pidfile where there is none; a postmaster that
// has just started may have written a part only.
func readPidfile(data string) pidfile {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidfile{}
	}
	// pid, data directory, start time, port, socket directory, address, shared memory, status
	lines := strings.Split(string(text), "\n")
	lines = append(lines, make([]string, 8)...)
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return pidfile{}
	}
	return pidfile{
		pid:    pid,
		socket: filepath.Join(lines[4], ".s.PGSQL."+lines[3]),
		ready:  strings.TrimSpace(lines[7]) == "ready",
	}
}

// clearPidfile removes the file of a dead postmaster. postgres would only look
// whether any process has its pid, and refuse to start for the sake of a zombie
// that nobody reaps, or of a stranger.
//
// A postmaster that answers was started by hand: the caller holds the lock that
// one of ours would have.
func clearPidfile(data string) error {
	p := readPidfile(data)
	conn, err := net.Dial("unix", p.socket)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s: a postgres started by hand (pid %d) has it: %w", data, p.pid, ErrInUse)
	}
	err = os.Remove(filepath.Join(data, "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
