//go:build !unix

package devdb

import (
	"context"
	"fmt"
	"runtime"
)

// Start needs Unix sockets, users and file locks. It returns ErrNoBinary, which
// names DATABASE_URL as the way on this system.
func Start(context.Context, Options) (*Server, error) {
	return nil, fmt.Errorf("a private Postgres cannot be started on %s: %w", runtime.GOOS, ErrNoBinary)
}
