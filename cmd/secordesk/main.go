// Command secordesk is a certifying partner's back office for the SECOR
// programme. Each subcommand is one file; main introduces the rooms to each
// other and knows no rule of the programme.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/caarlos0/env/v11"
	"github.com/mattn/go-isatty"
	"github.com/redis/go-redis/v9"

	"secordesk/store/secor"
)

func main() {
	orders := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		orders = append(orders, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), orders...)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	redis.SetLogger(mute{})      // it writes plain text to stderr; an outage is logged by who meets it
	environ := env.ToMap(os.Environ())
	tty := isatty.IsTerminal(os.Stdout.Fd())
	status := run(ctx, os.Args[1:], &terminal{
		env: environ, in: os.Stdin, out: os.Stdout, errOut: os.Stderr, now: wallClock,
		colour: environ["NO_COLOR"] == "" && tty, tty: tty,
	})
	stop()
	os.Exit(status)
}

// terminal is all that a command touches of the outside; tests bring their own.
type terminal struct {
	env         map[string]string
	in          io.Reader
	out, errOut io.Writer
	now         func() time.Time
	colour      bool
	tty         bool // out is a terminal, whether or not it may show colours
}

// Exit statuses.
const (
	statusDone    = 0
	statusRefused = 1   // a refusal or a fault
	statusUsage   = 2   // the command line was not understood
	statusStopped = 130 // by a signal, as shells have it
)

// errStopped says that a person ended a command before it was done.
var errStopped = errors.New("stopped")

// run parses and performs one command and returns the exit status. Whatever went
// wrong is said once, on errOut.
func run(ctx context.Context, args []string, t *terminal) int {
	for _, arg := range args {
		if !utf8.ValidString(arg) {
			fmt.Fprintf(t.errOut, "secordesk: %q is not valid UTF-8; set the terminal to UTF-8\n", arg)
			return statusUsage
		}
	}
	command, err := parse(args, t)
	if err == nil {
		err = command.perform(ctx, t)
	}
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, errHelped):
		return statusDone
	case errors.As(err, &usage):
		fmt.Fprintf(t.errOut, "secordesk: %v\n%s\n", usage, usage.hint())
		return statusUsage
	case errors.Is(err, errStopped):
		fmt.Fprintln(t.errOut, err)
		return statusStopped
	case errors.Is(err, secor.ErrRefused):
		fmt.Fprintln(t.errOut, err)
	default:
		fmt.Fprintf(t.errOut, "secordesk: %v\n", err)
	}
	return statusRefused
}

// wallClock returns the time as Postgres can keep it: UTC, whole microseconds.
func wallClock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
