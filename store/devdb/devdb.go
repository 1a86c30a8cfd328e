// Package devdb runs a private Postgres from the machine's own binaries, for
// the demo and the tests. Production never uses it. It must not know the desk's
// tables, read the environment, or change a directory that is not its own.
package devdb

import (
	"errors"
	"fmt"
	"strings"
)

// Refusals of Start. Each one says what to do.
var (
	// ErrNoBinary means that this machine has no Postgres that Start can use.
	ErrNoBinary = errors.New(`no Postgres to start; one of these helps:
  Debian, Ubuntu   apt install postgresql
  Fedora, RHEL     dnf install postgresql-server
  macOS            brew install postgresql@17
  elsewhere        set SECOR_PG_BIN to the directory that holds initdb and postgres
  Windows, or any  set DATABASE_URL (for tests TEST_DATABASE_URL) to a running Postgres 15 or newer`)

	// ErrInUse means that another living Server has the directory.
	ErrInUse = errors.New("in use by another private Postgres: stop that one, or choose another directory")

	// ErrForeign means that the directory holds other things than a private
	// Postgres, or is open to every user. It was left as it is.
	ErrForeign = errors.New("not a directory of our own: choose one that does not exist yet")
)

// Options say what kind of server Start makes. The zero value suits tests.
type Options struct {
	// Dir keeps the cluster. It may be missing (it is made, with its parents),
	// empty, or what an earlier Start left. If it is "", the cluster lives in a
	// temporary directory that goes when the server ends, however it ends; one
	// that is not durable lives in memory where /dev/shm has a GiB of room,
	// unless TMPDIR says otherwise.
	Dir string

	// Bin is the directory of initdb and postgres, which is SECOR_PG_BIN. If it
	// is "", the PATH and then the usual places of packages are searched.
	Bin string

	// Durable makes a commit survive the machine, not only the process. Without
	// it commits are several times faster, and a crash may lose the last ones.
	Durable bool

	// MaxConn is the number of connections the server takes; 0 means 100.
	MaxConn int
}

// Server is a running private Postgres. It listens on a Unix socket that only
// the user who runs it, and root, can reach. It ends with this process, even if
// that is killed.
type Server struct {
	// Pid is the process that accepts connections.
	Pid int
	// Dir holds the cluster and postgres.log.
	Dir string

	socket string
	stop   func() error
}

// DSN returns the connection string, as key=value pairs, of one of the server's
// databases for its superuser. The database "postgres" always exists.
func (s *Server) DSN(dbname string) string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable",
		quote(s.socket), port, superuser, quote(dbname))
}

// Stop cuts all connections, ends the server and waits until none of its
// processes is left. A temporary directory is removed. It reports a server that
// had already ended by itself. Further calls change nothing and return the same.
func (s *Server) Stop() error {
	return s.stop()
}

// The port only names the socket's file: the directory is private.
const (
	port      = 5432
	superuser = "postgres"
)

func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
