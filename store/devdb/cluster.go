//go:build unix

package devdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// initCluster makes the cluster unless there is one. It appears under its name
// only when it is whole, so that a start that was killed leaves no half of it.
func initCluster(ctx context.Context, h *home, bin string, durable bool) error {
	_, err := os.Stat(h.data)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := h.data + ".init"
	err = os.RemoveAll(fresh)
	if err != nil {
		return err
	}
	err = h.as.mkdir(fresh)
	if err != nil {
		return err
	}
	args := []string{"-D", fresh, "-U", superuser, "-A", "trust", "-E", "UTF8",
		"--locale=C", "--lc-ctype=" + ctype(), "--no-instructions"}
	if !durable {
		args = append(args, "--no-sync")
	}
	cmd := h.as.command(ctx, filepath.Join(bin, "initdb"), args...)
	// If we are killed, initdb goes on: the next start waits until it is gone.
	cmd.ExtraFiles = []*os.File{h.users}
	out, err := output(ctx, cmd)
	if err != nil {
		return fmt.Errorf("run initdb: %w\n%s", err, out)
	}
	err = os.Rename(fresh, h.data)
	if err != nil {
		return err
	}
	return syncDir(h.dir)
}

// ctype returns a locale that knows the letters of UTF-8, which C does not.
func ctype() string {
	if runtime.GOOS == "darwin" {
		return "en_US.UTF-8"
	}
	return "C.UTF-8"
}

// syncDir makes a rename in dir survive the machine.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
