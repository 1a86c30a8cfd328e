package main

import (
	"context"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"secordesk": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}

// testTerminal is a terminal at a fixed instant that keeps what is printed.
func testTerminal(environ map[string]string) (*terminal, *strings.Builder, *strings.Builder) {
	var out, errOut strings.Builder
	now := time.Date(2026, time.March, 25, 16, 0, 0, 0, time.UTC)
	return &terminal{env: environ, in: strings.NewReader(""), out: &out, errOut: &errOut, now: func() time.Time { return now }}, &out, &errOut
}

func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := newParser(&terminal{out: io.Discard, errOut: io.Discard}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestHelp_EveryCommandHasExamplesThatParse(t *testing.T) {
	example := regexp.MustCompile(`(?m)^\s+(secordesk .*)$`)
	nodes := append(model(t).Leaves(true), model(t).Node)
	if len(nodes) < 2 {
		t.Fatal("the command line has no commands")
	}
	for _, node := range nodes {
		lines := example.FindAllStringSubmatch(node.Detail, -1)
		if len(lines) == 0 || !strings.Contains(node.Detail, "Examples:") {
			t.Errorf("%s --help has no examples", node.FullPath())
		}
		shown := map[string]bool{}
		for line := range strings.Lines(node.Detail) {
			example := strings.HasPrefix(strings.TrimSpace(line), "secordesk ")
			if example && shown[line] {
				t.Errorf("%s --help shows an example twice: %s", node.FullPath(), line)
			}
			shown[line] = true
		}
		if strings.Contains(node.Detail, ":=") || strings.Contains(node.Detail, "err != nil") {
			t.Errorf("%s --help shows code:\n%s", node.FullPath(), node.Detail)
		}
		if node.Help == "" && node.Parent != nil {
			t.Errorf("%s has no help", node.FullPath())
		}
		for _, line := range lines {
			terminal, _, _ := testTerminal(nil)
			_, err := parse(shellWords(line[1])[1:], terminal)
			if err != nil {
				t.Errorf("the example %q of %s does not parse: %v", line[1], node.FullPath(), err)
			}
			if !strings.HasPrefix(line[1], strings.SplitN(node.FullPath(), " <", 2)[0]) {
				t.Errorf("the example %q of %s is of another command", line[1], node.FullPath())
			}
		}
	}
}

// TestHelp_WorkerNamesItsVariables: all but those that every command on cases has.
func TestHelp_WorkerNamesItsVariables(t *testing.T) {
	help := workerCmd{}.Help()
	for field, variable := range variables(reflect.TypeFor[workerConfig]()) {
		if !strings.Contains(help, variable) {
			t.Errorf("worker --help does not name %s (%s)", variable, field)
		}
	}
}

func TestREADME_CommandsParse(t *testing.T) {
	content, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^    (?:go run \./cmd/)?secordesk (.*?)(?: +#.*)?$`).FindAllStringSubmatch(string(content), -1)
	if len(lines) < 5 {
		t.Fatalf("README.md shows only %d commands", len(lines))
	}
	for _, line := range lines {
		terminal, _, _ := testTerminal(nil)
		_, err := parse(shellWords(line[1]), terminal)
		if err != nil {
			t.Errorf("README.md shows %q, which does not parse: %v", line[0], err)
		}
	}
}

// shellWords splits a command line as a shell does, as far as examples need it.
func shellWords(line string) []string {
	var split []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			split = append(split, part)
			continue
		}
		split = append(split, strings.Fields(part)...)
	}
	return split
}

func TestRun_StatusAndStreams(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		status int
		errOut string
	}{
		{"no command", nil, statusUsage, "secordesk: expected"},
		{"unknown command", []string{"scroe"}, statusUsage, `secordesk: unexpected argument scroe, did you mean "score"?`},
		{"unknown flag names the command's help", []string{"score", "--edtion", "x"}, statusUsage, `Run "secordesk score --help"`},
		{"a choice that is none", []string{"score", "x", "--purpose", "fun"}, statusUsage, "--purpose must be one of"},
		{"fault", []string{"score", "no-such-file"}, statusRefused, "secordesk: read submission: open no-such-file"},
		{"refusal is said as it is", []string{"score", "x", "--edition", "1999"}, statusRefused, `--edition: "1999" is not known; there is `},
	}
	for _, tt := range tests {
		terminal, out, errOut := testTerminal(nil)
		status := run(context.Background(), tt.args, terminal)
		if status != tt.status || !strings.Contains(errOut.String(), tt.errOut) || out.Len() > 0 {
			t.Errorf("%s: status %d, stderr %q, stdout %q; want status %d and %q on stderr only",
				tt.name, status, errOut, out, tt.status, tt.errOut)
		}
	}
}

func TestRun_Version(t *testing.T) {
	terminal, out, errOut := testTerminal(nil)
	status := run(context.Background(), []string{"--version"}, terminal)
	if status != statusDone || strings.TrimSpace(out.String()) == "" || errOut.Len() > 0 {
		t.Errorf("--version: status %d, stdout %q, stderr %q", status, out, errOut)
	}
}

// TestRun_ArgumentsAreText: a terminal that is not set to UTF-8 must not alter what
// is stored.
func TestRun_ArgumentsAreText(t *testing.T) {
	var errOut strings.Builder
	status := run(t.Context(), []string{"case", "note", "14", "--text", "bad\xff"}, &terminal{env: map[string]string{}, out: io.Discard, errOut: &errOut, now: wallClock})
	if status != statusUsage || !strings.Contains(errOut.String(), "is not valid UTF-8") {
		t.Errorf("status %d, said %q", status, errOut.String())
	}
}
