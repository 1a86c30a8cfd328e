//go:build unix

package devdb

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// startTimeout bounds recovery after a crash, the longest part of a start.
const startTimeout = time.Minute

// Start makes a cluster, or takes up the one in Options.Dir, and returns when it
// accepts connections. As root, which postgres refuses to be, it runs it as the
// owner of Options.Dir or as the user postgres or nobody. ctx, and one minute,
// bound the start alone.
//
// It returns ErrNoBinary, ErrInUse (at once, and the other server is unharmed)
// or ErrForeign, possibly behind a message that says more. A predecessor that
// was killed and is still on its way down is waited for.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	bin, err := findBin(ctx, o.Bin, packageDirs())
	if err != nil {
		return nil, err
	}
	h, err := openHome(ctx, o.Dir, o.Durable)
	if err != nil {
		return nil, fmt.Errorf("open home of private Postgres: %w", err)
	}
	s, err := start(ctx, h, bin, o)
	if err != nil {
		return nil, fmt.Errorf("start private Postgres: %w", err)
	}
	return s, nil
}

// start takes over h: whoever stops the server, or start's own failure, closes it.
func start(ctx context.Context, h *home, bin string, o Options) (*Server, error) {
	err := initCluster(ctx, h, bin, o.Durable)
	if err != nil {
		h.close()
		return nil, err
	}
	g, err := launch(h, append([]string{filepath.Join(bin, "postgres"), "-D", h.data}, flags(h.socket, o)...))
	if err != nil {
		h.close()
		return nil, err
	}
	pid, err := g.ready(ctx)
	if err != nil {
		g.stop()
		return nil, err
	}
	return &Server{Pid: pid, Dir: h.dir, socket: h.socket, stop: g.stop}, nil
}

func flags(socket string, o Options) []string {
	settings := []string{
		"unix_socket_directories=" + socket,
		"unix_socket_permissions=0700",
		"listen_addresses=",
		"port=" + strconv.Itoa(port),
		"max_connections=" + strconv.Itoa(cmp.Or(o.MaxConn, 100)),
		"timezone=UTC",
		"log_timezone=UTC",
		"log_checkpoints=off",
		"shared_buffers=32MB",
		"wal_level=minimal",
		"max_wal_senders=0",
		"max_logical_replication_workers=0",
		// Containers often have a /dev/shm of 64 MB.
		"dynamic_shared_memory_type=mmap",
	}
	if !o.Durable {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"autovacuum=off", "min_wal_size=32MB", "max_wal_size=64MB")
	}
	var args []string
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}
