//go:build unix

package devdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// guardScript runs postgres ("$@") and ends it when the pipe that is its file 3
// closes, which happens when we close our end or when we die, even by kill -9.
// Then it removes "$1". File 4 is the lock of the home's users.
//
// SIGINT is postgres' fast shutdown. It is sent until postgres is gone, because
// one sent before postgres listens to signals would be lost.
const guardScript = `
temp=$1; shift
"$@" 3<&- &
server=$!
{ read -r _; while kill -INT "$server"; do sleep 0.1; done; } <&3 2>/dev/null 4<&- &
exec 3<&-
wait "$server"; status=$?
kill "$!" 2>/dev/null
[ -z "$temp" ] || rm -rf -- "$temp" || { sleep 1; rm -rf -- "$temp"; }
exit "$status"`

// patience is how long a fast shutdown may take before it becomes an immediate one.
const patience = 5 * time.Second

// guard is the shell that stands between us and postgres.
type guard struct {
	home   *home
	pipe   io.Closer
	ended  chan struct{}
	status error // why it ended; read it after ended
	stop   func() error
}

func launch(h *home, postgres []string) (*guard, error) {
	log, err := os.OpenFile(filepath.Join(h.dir, logName), os.O_CREATE|os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	args := append([]string{"-c", guardScript, "sh", h.temp}, postgres...)
	cmd := h.as.command(context.Background(), "/bin/sh", args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{theirs, h.users}
	err = h.handOver(cmd.Start)
	if err != nil {
		ours.Close()
		return nil, err
	}
	g := &guard{home: h, pipe: ours, ended: make(chan struct{})}
	g.stop = sync.OnceValue(g.shutdown)
	// It also keeps g, and thus our end of the pipe, from the garbage collector.
	go func() {
		g.status = cmd.Wait()
		close(g.ended)
	}()
	return g, nil
}

// ready waits until postgres accepts connections and returns its pid.
func (g *guard) ready(ctx context.Context) (int, error) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		p := readPidfile(g.home.data)
		if p.ready {
			return p.pid, nil
		}
		select {
		case <-g.ended:
			return 0, fmt.Errorf("postgres ended (%v) saying: %s", g.status, g.lastWords())
		case <-ctx.Done():
			return 0, fmt.Errorf("wait for postgres: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// shutdown ends postgres and returns when none of its processes is left.
func (g *guard) shutdown() error {
	g.pipe.Close()
	select {
	case <-g.ended:
	case <-time.After(patience):
		pid := readPidfile(g.home.data).pid
		if pid > 0 {
			syscall.Kill(pid, syscall.SIGQUIT)
		}
		<-g.ended
	}
	var err error
	if g.status != nil {
		err = fmt.Errorf("postgres ended badly: %w", g.status)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return errors.Join(err, waitLock(ctx, g.home.users), g.home.close())
}

// lastWords returns the end of the log.
func (g *guard) lastWords() string {
	text, err := os.ReadFile(filepath.Join(g.home.dir, logName))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
