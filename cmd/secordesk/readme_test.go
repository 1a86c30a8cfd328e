package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"secordesk/store/secor"
)

var update = flag.Bool("update", false, "write what is generated from the code into README.md")

// TestREADME holds the diagrams of README.md against the table of moves.
func TestREADME(t *testing.T) {
	const path = "../../README.md"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, subject := range secor.Subjects() {
		head := fmt.Sprintf("<!-- states:%s -->\n", subject)
		before, rest, found := strings.Cut(text, head)
		old, after, closed := strings.Cut(rest, "<!-- end -->")
		if !found || !closed {
			t.Fatalf("README.md has no place for the states of the %s: %q … <!-- end -->", subject, head)
		}
		drawn := diagram(subject)
		if old != drawn && !*update {
			t.Errorf("README.md shows other moves of the %s than the rules have; run go test ./cmd/secordesk -run TestREADME -update", subject)
		}
		text = before + head + drawn + "<!-- end -->" + after
	}
	if !*update {
		return
	}
	err = os.WriteFile(path, []byte(text), 0o644)
	if err != nil {
		t.Fatal(err)
	}
}

// diagram draws the moves of a subject for Mermaid, which code hosts show as a picture.
func diagram(subject secor.Subject) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n```mermaid\nstateDiagram-v2\n", strings.ToUpper(string(subject[:1]))+string(subject[1:]))
	states := secor.States(subject)
	fmt.Fprintf(&b, "    [*] --> %s\n", states[0])
	for _, from := range states {
		for _, to := range secor.Moves(subject)[from] {
			fmt.Fprintf(&b, "    %s --> %s\n", from, to)
		}
	}
	b.WriteString("```\n\nWho acts next: ")
	var acts []string
	for _, party := range secor.Parties() {
		var waits []string
		for _, state := range states {
			if secor.Next(subject, state) == party {
				waits = append(waits, "`"+string(state)+"`")
			}
		}
		if len(waits) > 0 {
			acts = append(acts, fmt.Sprintf("the %s in %s", party, strings.Join(waits, ", ")))
		}
	}
	return b.String() + strings.Join(acts, "; ") + ".\n"
}
