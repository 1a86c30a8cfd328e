package main

import (
	"strings"
	"testing"
)

func TestProgramme_OnlyTheEditionInForce(t *testing.T) {
	tests := []struct {
		name      string
		args      []string
		want, not string
	}{
		{"in force", nil, "Edition esc-2023", "Edition enform-2015"},
		{"what to ask", []string{"--uncertain"}, "Edition esc-2023", "Edition alberta-2022"},
		{"another one", []string{"--edition", "enform-2015"}, "Edition enform-2015", "Edition esc-2023"},
		{"the others are named", nil, "Shown by --edition: alberta-2022, enform-2015\n", "\x1b"},
		{"bodies and calendars", []string{"--uncertain"}, "Governing body sk-wcb", "Opens "},
	}
	for _, tt := range tests {
		terminal, out, errOut := testTerminal(nil)
		status := run(t.Context(), append([]string{"programme"}, tt.args...), terminal)
		if status != statusDone || errOut.Len() > 0 || !strings.Contains(out.String(), tt.want) || strings.Contains(out.String(), tt.not) {
			t.Errorf("%s: status %d, %s; want %q and not %q in:\n%s", tt.name, status, errOut, tt.want, tt.not, out)
		}
	}
}

// TestEdition_SameRefusalEverywhere compares what two commands say of an edition
// that does not exist.
func TestEdition_SameRefusalEverywhere(t *testing.T) {
	for _, command := range []string{"programme", "score -"} {
		terminal, _, errOut := testTerminal(nil)
		status := run(t.Context(), append(strings.Fields(command), "--edition", "1999"), terminal)
		want := "--edition: \"1999\" is not known; there is alberta-2022, enform-2015, esc-2023\n"
		if status != statusRefused || errOut.String() != want {
			t.Errorf("%s: status %d, %q, want %q", command, status, errOut, want)
		}
	}
}

func TestColumns(t *testing.T) {
	for columns, want := range map[string]int{"": 100, "wide": 100, "20": 80, "80": 80, "96": 96, "300": 104} {
		terminal, _, _ := testTerminal(map[string]string{"COLUMNS": columns})
		if got := terminal.columns(); got != want {
			t.Errorf("COLUMNS=%s: %d, want %d", columns, got, want)
		}
	}
}
