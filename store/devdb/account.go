//go:build unix

package devdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// account is the user that postgres runs as where we are root, which postgres
// refuses to be. A nil account is our own user.
type account struct {
	uid, gid int
}

// accountFor returns the account for the cluster in dir: the owner of what is
// there, so that a cluster made without root can be taken up by root, else the
// user postgres or nobody. dir may be missing.
func accountFor(dir string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, path := range []string{filepath.Join(dir, dataName), dir} {
		owner := ownerOf(path)
		if owner != nil && owner.uid != 0 {
			return owner, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err == nil {
			return newAccount(u)
		}
	}
	return nil, errors.New("postgres refuses to run as root, and there is no user postgres or nobody: add one (useradd --system postgres)")
}

func ownerOf(path string) *account {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return &account{uid: int(stat.Uid), gid: int(stat.Gid)}
}

func newAccount(u *user.User) (*account, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, fmt.Errorf("read uid of %s: %w", u.Username, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, fmt.Errorf("read gid of %s: %w", u.Username, err)
	}
	return &account{uid: uid, gid: gid}, nil
}

// command runs a program as the account, in the root directory, which every
// user can enter, and without our environment, which holds secrets.
func (a *account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	// A caller may have changed its PATH; the guard needs rm and sleep.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	// In a session of its own a ^C at the terminal reaches only us: we stop it in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	// A killed program's children may hold its output open.
	cmd.WaitDelay = time.Second
	return cmd
}

// mkdir makes a directory that the account alone can use.
func (a *account) mkdir(path string) error {
	err := os.Mkdir(path, 0o700)
	if err != nil {
		return err
	}
	return a.give(path)
}

// give makes the account the owner of path, which we made.
func (a *account) give(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// canEnter asks the system itself, as the account: modes alone do not tell.
// Left unasked, the answer would be a misleading error about initdb.
func (a *account) canEnter(ctx context.Context, dir string) error {
	if a == nil {
		return nil
	}
	_, err := output(ctx, a.command(ctx, "/bin/sh", "-c", `cd -- "$1"`, "sh", dir))
	_, refused := errors.AsType[*exec.ExitError](err)
	if refused {
		return fmt.Errorf("postgres refuses to run as root, and the user it runs as instead (uid %d) cannot enter %s: choose one whose parents let other users in", a.uid, dir)
	}
	return err
}

// output runs a program and returns what it said. The error is ctx's where that ended it.
func output(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.CombinedOutput()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return out, err
}
