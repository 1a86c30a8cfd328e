package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// cli lists the commands in the order of the help. Each is a struct in the file
// of its name with Run(context.Context, *terminal) error and with Help, which
// holds its examples.
type cli struct {
	Migrate     migrateCmd     `cmd:"" help:"Bring the database to this program's shape."`
	Worker      workerCmd      `cmd:"" help:"Do what follows from decisions."`
	Clock       clockCmd       `cmd:"" help:"Act on deadlines."`
	Import      importCmd      `cmd:"" help:"Take in files: companies, people, requests, submissions, payments."`
	Export      exportCmd      `cmd:"" help:"Write everything as CSV and JSON Lines, as of one moment."`
	Case        caseCmd        `cmd:"" help:"Look at cases and take steps on them."`
	Certificate certificateCmd `cmd:"" help:"Ask governing bodies for certificates in one file."`
	Mail        mailCmd        `cmd:"" help:"Print what goes to the post, and say that it went."`
	Company     companyCmd     `cmd:"" help:"Look at what a company owes and paid."`
	Queue       queueCmd       `cmd:"" help:"Show the audits that wait for a reviewer, the oldest need first, and how full everybody is."`
	Leave       leaveCmd       `cmd:"" help:"Record that a person of the desk is away, and who stands in."`
	Jobs        jobsCmd        `cmd:"" help:"Look at what follows from steps, and decide what failed."`
	Letters     lettersCmd     `cmd:"" help:"Look at letters before they leave, and record what became of them."`
	Score       scoreCmd       `cmd:"" help:"Score a submission dry, without a case."`
	Programme   programmeCmd   `cmd:"" help:"Print the programme's rules with their sources."`
	Verify      verifyCmd      `cmd:"" help:"Look whether the history was tampered with."`
	Doctor      doctorCmd      `cmd:"" help:"Check configuration, data and everything that the desk depends on."`
	Demo        demoCmd        `cmd:"" help:"Play the samples on parts of its own, from empty to certificates."`

	Version kong.VersionFlag `help:"Print the version."`
}

// Help returns the examples.
func (cli) Help() string {
	return `Examples:

	secordesk demo
	secordesk doctor
	secordesk case show 14
	secordesk score submission.json`
}

// invocation is a command line that was understood.
type invocation struct {
	context *kong.Context
}

func (i *invocation) perform(ctx context.Context, t *terminal) error {
	step, ok := stepOf(i.context.Selected())
	if ok {
		return step.run(ctx, t)
	}
	i.context.BindTo(ctx, (*context.Context)(nil))
	return i.context.Run(t)
}

// errHelped says that help or version were printed and nothing is left to do.
var errHelped = errors.New("helped")

// usageError is a command line that was not understood.
type usageError struct {
	err     error
	command string // as far as it was understood: "secordesk case approve"
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
func (e *usageError) hint() string  { return "Run \"" + e.command + " --help\" for usage and examples." }

// newParser returns the parser of the command line. Help and version end with
// the status given to exit.
func newParser(t *terminal, exit func(int)) (*kong.Kong, error) {
	parser, err := kong.New(&cli{Case: caseCmd{Plugins: stepCommands()}},
		kong.Name("secordesk"),
		kong.Description("A certifying partner's back office for the SECOR programme."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Vars{"version": version()},
		kong.Writers(t.out, t.errOut),
		kong.ExplicitGroups([]kong.Group{{Key: "steps", Title: "Steps, each as the person named by --as:"}}),
		kong.Exit(exit),
	)
	if err != nil {
		return nil, fmt.Errorf("build command line: %w", err)
	}
	for _, command := range parser.Model.Leaves(false) {
		if _, ok := stepOf(command); ok {
			command.Detail = stepDetail(stepVariants(command.Name))
		}
	}
	return parser, nil
}

// parse reads the command line. The error is errHelped, a *usageError, or a
// fault of this program.
func parse(args []string, t *terminal) (*invocation, error) {
	helped := false
	parser, err := newParser(t, func(int) { helped = true })
	if err != nil {
		return nil, err
	}
	found, err := parser.Parse(args)
	if helped {
		return nil, errHelped
	}
	if err != nil {
		return nil, notUnderstood(err)
	}
	return &invocation{found}, nil
}

func notUnderstood(err error) error {
	usage := &usageError{err: err, command: "secordesk"}
	var parsing *kong.ParseError
	if errors.As(err, &parsing) && parsing.Context != nil && parsing.Context.Selected() != nil {
		usage.command = parsing.Context.Selected().FullPath()
	}
	return usage
}

// released is set by the linker: -ldflags "-X main.released=v1.2.3".
var released string

// version names this build: the release, else the revision that Go recorded.
func version() string {
	if released != "" {
		return released
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	var revision bytes.Buffer
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision.WriteString(s.Value[:min(12, len(s.Value))])
		case s.Key == "vcs.modified" && s.Value == "true":
			revision.WriteString("+changes")
		}
	}
	if revision.Len() > 0 {
		return revision.String()
	}
	return info.Main.Version
}
