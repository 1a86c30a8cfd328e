package jobs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseBlocks(t *testing.T) {
	quote := func(lines ...string) block { return block{Kind: blockQuote, Lines: lines} }
	tests := []struct {
		name, text string
		want       []block
	}{
		{"nothing", "\n\n \n", nil},
		{"a paragraph of two lines", "One.\nTwo.", []block{{Kind: blockText, Lines: []string{"One. Two."}}}},
		{"two paragraphs", "One.\n\n\nTwo.", []block{{Kind: blockText, Lines: []string{"One."}}, {Kind: blockText, Lines: []string{"Two."}}}},
		{"a list after its paragraph, with an item of two lines", "Now:\n- a\n  b\n- c", []block{{Kind: blockText, Lines: []string{"Now:"}}, {Kind: blockList, Lines: []string{"a b", "c"}}}},
		{"items with empty lines between them are one list", "- a\n\n- b", []block{{Kind: blockList, Lines: []string{"a", "b"}}}},
		{"steps", "1. a\n2. b", []block{{Kind: blockSteps, Lines: []string{"a", "b"}}}},
		{"the next step", "Next: pay.", []block{{Kind: blockNext, Lines: []string{"Next: pay."}}}},
		{"the next step in French", "Ensuite : payez.", []block{{Kind: blockNext, Lines: []string{"Ensuite : payez."}}}},
		{"a quotation", "    - what <they> wrote", []block{quote("- what <they> wrote")}},
		{"two quotations", "    a\n\n    b", []block{quote("a"), quote("b")}},
		{"a paragraph after a table", "    a  1\nText.", []block{
			{Kind: blockTable, Lines: []string{"a  1"}, Rows: [][]cell{{{Text: "a"}, {Text: "1", Amount: true}}}}, {Kind: blockText, Lines: []string{"Text."}}}},
		{"a column with one word in it", "    a  1\n    b  x", []block{{Kind: blockTable, Lines: []string{"a  1", "b  x"},
			Rows: [][]cell{{{Text: "a"}, {Text: "1"}}, {{Text: "b"}, {Text: "x"}}}}}},
		{"heads", "    Day\tWhat\tOpen\n    May\tx\t$1.00", []block{{Kind: blockTable, Lines: []string{"Day\tWhat\tOpen", "May\tx\t$1.00"},
			Rows: [][]cell{{{Text: "Day"}, {Text: "What"}, {Text: "Open", Amount: true}}, {{Text: "May"}, {Text: "x"}, {Text: "$1.00", Amount: true}}}}}},
		{"an empty cell", "    a\t\t1 of 2\n    b\tx\t3 of 4", []block{{Kind: blockTable, Lines: []string{"a\t\t1 of 2", "b\tx\t3 of 4"},
			Rows: [][]cell{{{Text: "a"}, {}, {Text: "1 of 2", Amount: true}}, {{Text: "b"}, {Text: "x"}, {Text: "3 of 4", Amount: true}}}}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, parseBlocks(tt.text), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestBlock_Plain(t *testing.T) {
	long := strings.Repeat("word ", 20)
	for text, want := range map[string]string{
		long + "403\u00a0555":                    strings.TrimSpace(strings.Repeat("word ", 15)) + "\n" + strings.Repeat("word ", 5) + "403\u00a0555",
		"- " + long:                              "  - " + strings.TrimSpace(strings.Repeat("word ", 14)) + "\n    word word word word word word",
		"    a  1,50 $\n    long name  100,00 $": "    a            1,50 $\n    long name  100,00 $",
	} {
		blocks := parseBlocks(text)
		if len(blocks) != 1 || blocks[0].plain() != want {
			t.Errorf("%q is\n%s\nwant\n%s", text, blocks[0].plain(), want)
		}
	}
	items := parseBlocks(strings.Repeat("1. a\n", 12))
	if got := items[0].plain(); !strings.HasSuffix(got, "\n  9. a\n 10. a\n 11. a\n 12. a") {
		t.Errorf("steps are\n%s", got)
	}
}
