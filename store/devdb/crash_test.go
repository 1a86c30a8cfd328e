//go:build unix

package devdb

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// checkNumbers fails if a number up to last, which was said to be committed, is missing.
func checkNumbers(t *testing.T, dsn string, last int) {
	t.Helper()
	db := openDB(t, dsn)
	defer db.Close()
	var count, highest int
	err := db.QueryRow(`SELECT count(*), coalesce(max(n), 0) FROM numbers`).Scan(&count, &highest)
	if err != nil {
		t.Fatal(err)
	}
	if count < last || count != highest {
		t.Errorf("%d rows up to %d are left of at least %d that were committed", count, highest, last)
	}
}

// However often and in whatever order the owner of a server and the server are killed in the middle
// of their work, the next start finds every row that was committed.
func TestStart_AfterKill(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		rounds int
		kill   func(t *testing.T, o *owner) // before the owner
	}{
		{"owner", 5, func(*testing.T, *owner) {}},
		{"postmaster and owner", 2, func(t *testing.T, o *owner) { signal(t, o.pid, syscall.SIGKILL) }},
		{"guard and owner", 2, func(t *testing.T, o *owner) { signal(t, guardOf(t, o.pid), syscall.SIGKILL) }},
		{"everything", 2, func(t *testing.T, o *owner) { signal(t, -guardOf(t, o.pid), syscall.SIGKILL) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, last := keptDir(t, "db"), 0
			var w *watch
			for range tt.rounds {
				o := startOwner(t, exe(t), dir, nil)
				if o.found < last {
					t.Errorf("%d rows are left of %d that were committed", o.found, last)
				}
				for range 20 {
					last = number(t, o.line(t))
				}
				w = watchServer(t, o.dir, o.dsn, o.pid)
				tt.kill(t, o)
				last = max(last, o.kill())
			}
			w.gone(t)
			s := startServer(t, Options{Dir: dir, Durable: true})
			checkNumbers(t, s.DSN("postgres"), last)
		})
	}
}

// guardOf returns the pid of the shell between an owner and its postmaster, which leads their group.
func guardOf(t *testing.T, postmaster int) int {
	t.Helper()
	pid, err := syscall.Getpgid(postmaster)
	if err != nil {
		t.Fatal(err)
	}
	if pid == postmaster || pid == syscall.Getpgrp() {
		t.Fatalf("%d leads the group of postmaster %d", pid, postmaster)
	}
	return pid
}

// Also where the owner's PATH leads nowhere.
func TestStart_TemporaryAfterKill(t *testing.T) {
	bin, err := findBin(t.Context(), "", packageDirs())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	o := startOwner(t, exe(t), "", nil)
	w := watchServer(t, o.dir, o.dsn, o.pid)
	o.kill()
	w.gone(t)
	_, err = os.Stat(o.dir)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s outlived its owner", o.dir)
	}
}

// The postmaster dies while its owner lives.
func TestStop_AfterPostmasterDied(t *testing.T) {
	t.Parallel()
	o := Options{Dir: keptDir(t, "db"), Durable: true}
	s := startServer(t, o)
	execute(t, s, `CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n`)
	w := watchServer(t, s.Dir, s.DSN("postgres"), s.Pid)
	signal(t, s.Pid, syscall.SIGKILL)
	err := s.Stop()
	if err == nil {
		t.Error("Stop reports nothing, want that postgres had ended by itself")
	}
	w.gone(t)
	s = startServer(t, o)
	checkNumbers(t, s.DSN("postgres"), 1000)
}

// A kill in the middle of initdb: the next start waits for it, then makes a whole cluster.
func TestStart_AfterKillInInitdb(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(homeDir(t), "db")
	var as *account
	cmd := as.command(t.Context(), exe(t))
	cmd.Env = append(os.Environ(), ownerVar+"="+dir)
	err := cmd.Start()
	if err != nil {
		t.Fatal(err)
	}
	awaitInitdb(t.Context(), dir)
	cmd.Process.Kill()
	cmd.Wait()
	s := startServer(t, Options{Dir: dir})
	query[int](t, s, `SELECT 1`)
}

// postmaster.pid names a process that is not ours: a stranger, or a zombie.
func TestStart_StalePidfile(t *testing.T) {
	t.Parallel()
	zombie := exec.Command("true")
	out, err := zombie.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = zombie.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { zombie.Wait() })
	io.ReadAll(out) // to its end; it stays a zombie until the cleanup
	dir := keptDir(t, "db")
	for name, pid := range map[string]int{"living stranger": os.Getpid(), "zombie": zombie.Process.Pid} {
		text := strconv.Itoa(pid) + "\n" + filepath.Join(dir, dataName) + "\n1\n5432\n" + dir + "\n\n0 0\nready\n"
		for _, path := range []string{filepath.Join(dir, dataName, "postmaster.pid"), filepath.Join(dir, socketName, ".s.PGSQL.5432.lock")} {
			err = os.WriteFile(path, []byte(text), 0o600)
			if err != nil {
				t.Fatal(err)
			}
		}
		s, err := Start(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatalf("%s in postmaster.pid: %v", name, err)
		}
		query[int](t, s, `SELECT 1`)
		err = s.Stop()
		if err != nil {
			t.Error(err)
		}
	}
}

// A server that somebody started by hand in our directory is left alone.
func TestStart_StartedByHand(t *testing.T) {
	t.Parallel()
	dir := keptDir(t, "db")
	as, err := accountFor(dir)
	if err != nil {
		t.Fatal(err)
	}
	bin, err := findBin(t.Context(), "", packageDirs())
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, socketName)
	hand := as.command(t.Context(), filepath.Join(bin, "pg_ctl"), "-D", filepath.Join(dir, dataName), "-w", "-o", "-k '"+socket+"' -h ''", "-l", "/dev/null", "start")
	text, err := hand.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Cleanup(func() {
		stop := as.command(context.Background(), filepath.Join(bin, "pg_ctl"), "-D", filepath.Join(dir, dataName), "-w", "-m", "fast", "stop")
		text, err := stop.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	})
	_, err = Start(t.Context(), Options{Dir: dir})
	if !errors.Is(err, ErrInUse) {
		t.Errorf("Start = %v, want ErrInUse", err)
	}
	byHand := &Server{socket: socket}
	if got := query[int](t, byHand, `SELECT 1`); got != 1 {
		t.Errorf("the server started by hand answers %d", got)
	}
}
