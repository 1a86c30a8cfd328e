package schema

import (
	"errors"
	"strings"
	"testing"

	"secordesk/store/secor"
)

func printed(t *testing.T, o Options) string {
	t.Helper()
	l, err := LoadFS(small(t))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = l.Print(&b, o)
	if err != nil {
		t.Fatalf("Print: %v", err)
	}
	return b.String()
}

func TestPrint(t *testing.T) {
	golden(t, "print.golden", printed(t, Options{Edition: "now"}))
}

func TestPrint_Uncertain(t *testing.T) {
	got := printed(t, Options{Edition: "now", Uncertain: true})
	golden(t, "uncertain.golden", got)
	if strings.Contains(got, "page [") {
		t.Errorf("shows what a page states:\n%s", got)
	}
}

func TestPrint_AllEditions(t *testing.T) {
	got := printed(t, Options{})
	for _, want := range []string{"Edition now: Rules for tests", "Edition sample: An example for tests", "yes: never chosen for a new case"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestPrint_UnknownEdition(t *testing.T) {
	l, err := LoadFS(small(t))
	if err != nil {
		t.Fatal(err)
	}
	err = l.Print(&strings.Builder{}, Options{Edition: "esc-1999"})
	if want := `edition: "esc-1999" is not an edition; there is now, sample`; !errors.Is(err, secor.ErrField) || err.Error() != want {
		t.Errorf("Print = %v, want %s", err, want)
	}
}

// Every value must be on the page, whatever its length.
func TestPrint_LosesNothing(t *testing.T) {
	l, err := LoadFS(Files())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = l.Print(&b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, word := range strings.Fields(b.String()) {
		words[word] = true
	}
	for _, v := range allValues(l) {
		for _, word := range strings.Fields(v.Title + " " + v.Value + " " + v.Source) {
			if !words[word] {
				t.Errorf("%s %s: %q is not printed", v.File, v.Pointer, word)
			}
		}
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if len(strings.Fields(line)) > 3 && len([]rune(line)) > pageWidth+2 {
			t.Errorf("line of %d characters: %s", len([]rune(line)), line)
		}
	}
}
