//go:build unix

package devdb

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the oldest Postgres that the desk's schema is written for.
const oldestMajor = 15

// packageDirs returns the directories outside the PATH in which packages of
// Linux distributions, Homebrew and Postgres.app put servers, newest first.
func packageDirs() []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/lib/postgresql*/bin",
		"/usr/libexec/postgresql*",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, _ := filepath.Glob(pattern) // fails on a bad pattern only
		slices.SortFunc(found, func(a, b string) int { return majorIn(b) - majorIn(a) })
		dirs = append(dirs, found...)
	}
	return dirs
}

// majorIn returns the first number in the path of a package, 0 if it has none.
func majorIn(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(digits[0]) // too long a number is no version: 0
	return n
}

// findBin returns the directory of the initdb and postgres to use: dir if it is
// not "", else the first of the PATH and others that has both.
func findBin(ctx context.Context, dir string, others []string) (string, error) {
	if dir != "" {
		others = []string{dir}
	} else if onPath, err := exec.LookPath("postgres"); err == nil {
		others = append([]string{besides(onPath)}, others...)
	}
	for _, d := range others {
		if executable(d, "initdb") && executable(d, "postgres") {
			return d, checkVersion(ctx, d)
		}
	}
	if dir != "" {
		return "", fmt.Errorf("%s does not hold initdb and postgres: %w", dir, ErrNoBinary)
	}
	return "", ErrNoBinary
}

// besides returns the directory in which a program really is: packages link
// postgres into the PATH, and not always initdb with it.
func besides(program string) string {
	target, err := filepath.EvalSymlinks(program)
	if err != nil {
		target = program
	}
	return filepath.Dir(target)
}

func executable(dir, name string) bool {
	_, err := exec.LookPath(filepath.Join(dir, name))
	return err == nil
}

func checkVersion(ctx context.Context, dir string) error {
	out, err := output(ctx, exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version"))
	if err != nil {
		return fmt.Errorf("ask %s/postgres for its version: %w", dir, err)
	}
	var major int
	_, err = fmt.Sscanf(string(out), "postgres (PostgreSQL) %d", &major)
	if err != nil {
		return fmt.Errorf("read version of %s/postgres from %q: %w", dir, out, err)
	}
	if major < oldestMajor {
		return fmt.Errorf("%s holds Postgres %d, and %d is the oldest that will do: %w", dir, major, oldestMajor, ErrNoBinary)
	}
	return nil
}
