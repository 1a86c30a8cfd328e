//go:build unix

package devdb

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// The kernel drops such a lock when the last process that has the open file is
// gone, however it went. So a lock, unlike a file that holds a pid, is never stale.

const lockPoll = 10 * time.Millisecond

func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
}

// tryLock reports whether it got the lock.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, os.NewSyscallError("flock", err)
}

func waitLock(ctx context.Context, f *os.File) error {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		free, err := tryLock(f)
		if err != nil || free {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// unlock does what closing f would do later, if just now a process of ours is
// between fork and exec, with f still open.
func unlock(f *os.File) {
	syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	f.Close()
}
