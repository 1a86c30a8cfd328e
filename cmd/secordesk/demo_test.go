package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"secordesk/store"
	"secordesk/store/devdb"
)

// presser is a screen before which somebody presses Ctrl-C on seeing a text.
type presser struct {
	strings.Builder
	at    string
	press func()
}

func (p *presser) Write(b []byte) (int, error) {
	n, err := p.Builder.Write(b)
	if strings.Contains(p.String(), p.at) {
		p.press()
	}
	return n, err
}

// stopDemo plays the demo until a text is seen and returns its status and what
// it said about it.
func stopDemo(t *testing.T, at string, environ map[string]string, keep string) (int, string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	terminal, _, errOut := testTerminal(environ)
	terminal.out = &presser{at: at, press: stop}
	status := run(ctx, []string{"demo", "--fast", "--keep", keep}, terminal)
	return status, errOut.String()
}

func TestDemo_StoppedWhilePlaying(t *testing.T) {
	keep := filepath.Join(t.TempDir(), "out")
	status, said := stopDemo(t, "letter to", nil, keep)
	if want := "stopped; the letters so far are in " + keep + "\n"; status != statusStopped || said != want {
		t.Errorf("status %d, %q, want %d, %q", status, said, statusStopped, want)
	}
	letters, err := filepath.Glob(filepath.Join(keep, "letters", "*.eml"))
	if err != nil || len(letters) == 0 {
		t.Errorf("letters %v, %v, want some", letters, err)
	}
}

func TestDemo_NothingPlayed(t *testing.T) {
	tests := []struct {
		name, at string
		environ  map[string]string
		status   int
		want     string
	}{
		{"stopped while Postgres starts", "Starting", nil, statusStopped, "stopped\n"},
		{"no Postgres there", "never seen", map[string]string{"SECOR_PG_BIN": "/nowhere"}, statusRefused, `SECOR_PG_BIN: "/nowhere" holds no initdb and postgres`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			made, theirs := filepath.Join(t.TempDir(), "out"), t.TempDir()
			err := os.WriteFile(filepath.Join(theirs, "thesis.txt"), []byte("x"), 0o600)
			if err != nil {
				t.Fatal(err)
			}
			for _, keep := range []string{made, theirs} {
				status, said := stopDemo(t, tt.at, tt.environ, keep)
				if status != tt.status || !strings.HasPrefix(said, tt.want) || strings.Count(said, "\n") != 1 {
					t.Errorf("status %d, %q, want %d, one line %q", status, said, tt.status, tt.want)
				}
			}
			_, err = os.Stat(made)
			if !os.IsNotExist(err) {
				t.Errorf("the demo's own folder is left: %v", err)
			}
			left, err := os.ReadDir(theirs)
			if err != nil || len(left) != 1 || left[0].Name() != "thesis.txt" {
				t.Errorf("in the folder of --keep is %v, %v, want only what was there", left, err)
			}
		})
	}
}

// TestDemo_Discard removes what the demo made, and nothing that was there before.
func TestDemo_Discard(t *testing.T) {
	for _, tt := range []struct {
		name, told string
		exists     bool
		left       bool
	}{
		{"its own folder, nothing played", "", false, false},
		{"its own folder, something played", "Monday", false, true},
		{"a folder that was there", "", true, true},
	} {
		d := &demo{folder: filepath.Join(t.TempDir(), "out")}
		if tt.exists {
			err := os.Mkdir(d.folder, 0o755)
			if err != nil {
				t.Fatal(err)
			}
		}
		err := d.prepare()
		if err != nil {
			t.Fatal(err)
		}
		d.told = tt.told
		err = d.discard()
		_, gone := os.Stat(d.folder)
		if err != nil || (gone == nil) != tt.left {
			t.Errorf("%s: left is %v (%v), want %v", tt.name, gone == nil, err, tt.left)
		}
	}
}

func TestDemo_NoPostgresHasARemedyForTheDemo(t *testing.T) {
	for _, bin := range []string{"", "/nowhere"} {
		d := &demo{bin: bin}
		said := d.noPostgres(fmt.Errorf("look for it: %w", devdb.ErrNoBinary)).Error()
		if strings.Contains(said, "DATABASE_URL") || !strings.Contains(said, "SECOR_PG_BIN") || !strings.Contains(said, "15 or newer") {
			t.Errorf("the remedy does not help the demo: %s", said)
		}
	}
}

func TestExtent(t *testing.T) {
	for want, report := range map[string]store.Report{
		"261 events of 1 case": {Events: 261, Cases: 1},
		"1 event of 0 cases":   {Events: 1},
	} {
		if got := extent(report); got != want {
			t.Errorf("extent = %q, want %q", got, want)
		}
	}
}

func TestTable_Lines(t *testing.T) {
	made := table{heads: []string{"name", "points"}, right: []int{1}}
	made.add("Élan", "5")
	made.add("B", "12.50")
	want := []string{"name  points", "Élan       5", "B      12.50"}
	if got := made.lines(); !slices.Equal(got, want) {
		t.Errorf("lines = %q, want %q", got, want)
	}
}

func TestFold(t *testing.T) {
	long := strings.Repeat("é", 110)
	for line, want := range map[string]string{
		"":                               "",
		"  two  words":                   "  two  words",
		strings.Repeat("é", 98) + " a":   strings.Repeat("é", 98) + " a",
		strings.Repeat("é", 98) + " a b": strings.Repeat("é", 98) + " a\n  b",
		long + " a":                      long + "\n  a",
	} {
		if got := fold(line, "  "); got != want {
			t.Errorf("fold(%q) = %q, want %q", line, got, want)
		}
	}
}
