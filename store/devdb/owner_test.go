//go:build unix

package devdb

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
)

// ownerVar makes this test binary the owner of a durable server in the directory it names.
const ownerVar = "DEVDB_TEST_OWNER_OF"

func TestMain(m *testing.M) {
	dir, isOwner := os.LookupEnv(ownerVar)
	if isOwner {
		err := own(dir)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(pristine.parent)
	os.Exit(code)
}

// own starts a server, commits the next numbers after those that it finds in a table, and says each
// once it is committed. First it says the server's pid, directory and DSN, and how many it found. It
// ends by being killed.
func own(dir string) error {
	s, err := Start(context.Background(), Options{Dir: dir, Durable: true})
	if err != nil {
		return err
	}
	db, err := sql.Open("postgres", s.DSN("postgres"))
	if err != nil {
		return err
	}
	_, err = db.Exec(`CREATE TABLE IF NOT EXISTS numbers (n int PRIMARY KEY)`)
	if err != nil {
		return err
	}
	var n int
	err = db.QueryRow(`SELECT count(*) FROM numbers`).Scan(&n)
	if err != nil {
		return err
	}
	fmt.Printf("%d\n%s\n%s\n%d\n", s.Pid, s.Dir, s.DSN("postgres"), n)
	for {
		n++
		_, err = db.Exec(`INSERT INTO numbers VALUES ($1)`, n)
		if err != nil {
			return err
		}
		_, err = fmt.Println(n)
		if err != nil {
			return err
		}
	}
}

// owner is another process that has a server.
type owner struct {
	cmd   *exec.Cmd
	said  *bufio.Reader
	pid   int // of its postmaster
	dir   string
	dsn   string
	found int // rows when it started
}

// startOwner starts a process with a server in dir, as the account; its program is this test's.
func startOwner(t *testing.T, program, dir string, as *account) *owner {
	t.Helper()
	o := &owner{cmd: as.command(context.Background(), program)}
	o.cmd.Env = append(os.Environ(), ownerVar+"="+dir)
	o.cmd.Stderr = os.Stderr
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = o.cmd.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.kill() })
	o.said = bufio.NewReader(out)
	o.pid = number(t, o.line(t))
	o.dir, o.dsn, o.found = o.line(t), o.line(t), number(t, o.line(t))
	return o
}

func (o *owner) line(t *testing.T) string {
	t.Helper()
	line, err := o.said.ReadString('\n')
	if err != nil {
		t.Fatalf("owner said %q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// kill kills the process at once and returns the last number that it said.
func (o *owner) kill() int {
	o.cmd.Process.Kill()
	text, _ := io.ReadAll(o.said) // fails when the process was waited for already
	o.cmd.Wait()
	lines := strings.Split(string(text), "\n") // what follows the last newline was not said to its end
	if len(lines) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(lines[len(lines)-2])
	return n
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

func exe(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// watch knows the processes of a server that is about to end.
type watch struct {
	users *os.File
	pids  []int64
}

func watchServer(t *testing.T, dir, dsn string, postmaster int) *watch {
	t.Helper()
	w := &watch{}
	err := openDB(t, dsn).QueryRow(`SELECT array_agg(pid) || $1::int FROM pg_stat_activity`, postmaster).Scan(pq.Array(&w.pids))
	if err != nil {
		t.Fatal(err)
	}
	w.users, err = os.Open(filepath.Join(dir, usersLock))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.users.Close() })
	return w
}

// gone waits until nobody uses the server's home, and fails if a process is left.
func (w *watch) gone(t *testing.T) {
	t.Helper()
	defer w.users.Close()
	err := waitLock(t.Context(), w.users)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.pids) < 5 {
		t.Errorf("watched %d processes, postgres has more", len(w.pids))
	}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for _, pid := range w.pids {
		for range 1000 {
			if ended(pid) {
				break
			}
			<-tick.C
		}
		if !ended(pid) {
			t.Errorf("process %d of postgres is left", pid)
		}
	}
}

// ended reports whether a process is gone, or a zombie that only waits for PID 1.
func ended(pid int64) bool {
	if errors.Is(syscall.Kill(int(pid), 0), syscall.ESRCH) {
		return true
	}
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // Linux only
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

func signal(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	err := syscall.Kill(pid, sig)
	if err != nil {
		t.Fatal(err)
	}
}
