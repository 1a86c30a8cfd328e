// Command bench measures the engine against its peers and against what Postgres,
// Redis and the disk can do at all, in the same run and on the same servers, and
// writes a table and a plot. It starts its own durable Postgres and its own Redis,
// and touches no other.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const help = `bench measures how fast promised jobs are done, beside asynq and River, and
writes RESULTS.md and results.svg. It needs redis-server and a Postgres (initdb,
postgres) on this machine and starts both by itself.

Examples:

	go run .                          the whole, about eight minutes
	go run . -runs 3 -only path       whatever has "path" in its name, three times
	go run . -quick                   tiny numbers: does it still run?
	go run . -only ours/drain -profile cpu.prof -out /tmp/x
	go run . -slow                    also kill workers of bare asynq: two minutes more

Flags:
`

// options are what the command line says.
type options struct {
	runs    int
	jobs    int
	quick   bool
	slow    bool
	only    string
	profile string
	out     string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the whole program. A process that is a victim of the kill figure takes
// its orders from the environment.
func run(ctx context.Context, args []string, getenv func(string) string, progress io.Writer) error {
	orders := getenv(victimEnv)
	if orders != "" {
		return beVictim(ctx, orders)
	}
	o, err := readOptions(args, progress)
	if err != nil {
		return err
	}
	chosen := choose(contenders(), o)
	if len(chosen) == 0 {
		return fmt.Errorf("nothing is called %q; these are: %s", o.only, names(contenders()))
	}
	b, err := open(ctx, o, progress)
	if err != nil {
		return err
	}
	defer b.close()
	found, err := b.measure(ctx, chosen)
	if err != nil {
		return err
	}
	return write(o.out, found, b.machine(ctx), o)
}

func readOptions(args []string, progress io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.Usage = func() {
		fmt.Fprint(progress, help)
		flags.PrintDefaults()
	}
	flags.IntVar(&o.runs, "runs", 5, "how often everything is measured")
	flags.IntVar(&o.jobs, "jobs", 5000, "jobs in one measurement")
	flags.BoolVar(&o.quick, "quick", false, "one run of 200 jobs: nothing but a check that it works")
	flags.BoolVar(&o.slow, "slow", false, "also measure what takes minutes: asynq after kill -9")
	flags.StringVar(&o.only, "only", "", "measure only what has this in its `name`")
	flags.StringVar(&o.profile, "profile", "", "write a CPU profile of all that is measured to this `file`")
	flags.StringVar(&o.out, "out", ".", "`directory` for RESULTS.md and results.svg")
	err := flags.Parse(args)
	if err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("it takes no arguments, only flags: %s", strings.Join(flags.Args(), " "))
	}
	if o.runs < 1 || o.jobs < 100 {
		return options{}, errors.New("-runs is 1 or more, -jobs 100 or more")
	}
	if o.quick {
		o.runs, o.jobs = 1, 200
	}
	return o, nil
}
