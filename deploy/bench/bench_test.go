package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain also is what a victim of the kill figure runs.
func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// Everything once with tiny numbers: the bench still builds, runs and writes.
func TestRun_Quick(t *testing.T) {
	_, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("there is no redis-server")
	}
	dir := t.TempDir()
	args := []string{"-quick", "-out", dir}
	if testing.Short() {
		args = append(args, "-only", "path") // the others wait for leases
	}
	var said strings.Builder
	err = run(t.Context(), args, func(string) string { return "" }, &said)
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	for file, want := range map[string][]string{
		"RESULTS.md":  {"ours/path", "river/path-32", "## Where the time goes"},
		"results.svg": {"</svg>", "River"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s does not contain %q", file, part)
			}
		}
	}
}

func TestRun_WrongFlags(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-runs", "0"}, "-runs is 1 or more"},
		{[]string{"path"}, "takes no arguments"},
		{[]string{"-only", "nothing"}, `nothing is called "nothing"`},
	} {
		err := run(t.Context(), tt.args, func(string) string { return "" }, &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("run(%q) = %v, want %q", tt.args, err, tt.want)
		}
	}
	err := run(t.Context(), []string{"-h"}, func(string) string { return "" }, &strings.Builder{})
	if !errors.Is(err, flag.ErrHelp) {
		t.Errorf("run(-h) = %v, want help", err)
	}
}

func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		p      float64
		want   float64
	}{
		{nil, 0.5, 0},
		{[]float64{3}, 0.99, 3},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{5, 1, 3}, 0.5, 3},
		{[]float64{0, 10}, 0.99, 9.9},
	} {
		if got := quantile(tt.values, tt.p); got != tt.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", tt.values, tt.p, got, tt.want)
		}
	}
}
