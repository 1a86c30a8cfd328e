package schema

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// printed prints the data with one of its editions.
func printed(t *testing.T, data fs.FS, edition string, o Options) string {
	t.Helper()
	l, err := LoadFS(data)
	if err != nil {
		t.Fatal(err)
	}
	o.Edition = l.Programme.Editions[edition]
	var b strings.Builder
	err = l.Print(&b, o)
	if err != nil {
		t.Fatalf("Print: %v", err)
	}
	return b.String()
}

func TestPrint(t *testing.T) {
	golden(t, "print.golden", printed(t, small(t), "now", Options{Width: 104}))
}

func TestPrint_Uncertain(t *testing.T) {
	got := printed(t, small(t), "now", Options{Uncertain: true, Width: 104})
	golden(t, "uncertain.golden", got)
	if strings.Contains(got, "page [") {
		t.Errorf("shows what a page states:\n%s", got)
	}
}

func TestPrint_OneEdition(t *testing.T) {
	got := printed(t, small(t), "sample", Options{Width: 104})
	if !strings.Contains(got, "Edition sample: An example for tests") || !strings.Contains(got, "yes: never chosen for a new case") {
		t.Errorf("the edition is not printed:\n%s", got)
	}
	if strings.Contains(got, "Edition now") {
		t.Errorf("another edition is printed:\n%s", got)
	}
}

// TestPrint_UncertainAsksNothingOfTheDeskItself holds the real data: what the desk
// decides alone is no question, and a value that is one is below who may answer.
func TestPrint_UncertainAsksNothingOfTheDeskItself(t *testing.T) {
	l, err := LoadFS(Files())
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, v := range allValues(l) {
		if v.Certainty != CertaintyPage && !v.Own {
			asked[v.File+v.Pointer] = true
		}
	}
	tests := []struct {
		pointer string
		want    bool
	}{
		{"programme/esc-2023.json/policies/certificate/unit", true},
		{"programme/esc-2023.json/policies/certificate/levels/0", false}, // a warning before the promise
		{"programme/esc-2023.json/policies/invoice_payment/unit", false}, // promised to nobody
		{"programme/esc-2023.json/fees/further_review", true},
		{"bodies/sk-wcb.json/id", false},
		{"bodies/sk-wcb.json/printer", true},
		{"calendar/AB.json/opens", false},
		{"calendar/AB.json/office", false},
		{"calendar/MB.json/keeps", false},
		{"calendar/SK.json/holidays/0", true},
	}
	for _, tt := range tests {
		if asked[tt.pointer] != tt.want {
			t.Errorf("%s is asked: %v, want %v", tt.pointer, !tt.want, tt.want)
		}
	}
	got := printed(t, Files(), "esc-2023", Options{Uncertain: true, Width: 100})
	last := 0
	for _, want := range []string{"Ask the partner", "Each further review", "Ask the governing body", "Certificate requests go to", "Look up in the law", "Canada Day"} {
		at := strings.Index(got[last:], want)
		if at < 0 {
			t.Fatalf("%q is not in its place:\n%s", want, got)
		}
		last += at
	}
}

// TestSummary keeps a dozen values of one source apart and makes one line of more.
func TestSummary(t *testing.T) {
	var values []Value
	for i := range mostOfOneSource {
		values = append(values, Value{Title: fmt.Sprint("A", i+1), Source: "one"})
	}
	values = append(values, Value{Title: "B1", Source: "another"})
	if got := summary(values); len(got) != len(values) {
		t.Errorf("%d lines for a dozen values and one, want each", len(got))
	}
	values = append(values, Value{Title: "A13", Source: "one"})
	got := summary(values)
	if len(got) != 2 || got[0].Title != "A1 to A13" || !strings.HasPrefix(got[0].Value, "13 values") || got[1].Title != "B1" {
		t.Errorf("summary = %+v, want one line for 13 values, and the other", got)
	}
}

// Every value must be on the page, whatever its length, and no line be longer
// than the page is wide but for a word that is.
func TestPrint_LosesNothing(t *testing.T) {
	l, err := LoadFS(Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{80, 104} {
		words := map[string]bool{}
		for id := range l.Programme.Editions {
			got := printed(t, Files(), id, Options{Width: width})
			for _, word := range strings.Fields(got) {
				words[word] = true
			}
			for _, line := range strings.Split(got, "\n") {
				if len(strings.Fields(line)) > 3 && len([]rune(line)) > width {
					t.Errorf("line of %d characters: %s", len([]rune(line)), line)
				}
			}
		}
		for _, v := range allValues(l) {
			for _, word := range strings.Fields(v.Title + " " + v.Value + " " + v.Source) {
				if !words[word] {
					t.Errorf("%s %s: %q is not printed", v.File, v.Pointer, word)
				}
			}
		}
	}
}
