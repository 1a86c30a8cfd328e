package jobs

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// blockKind says how a block of a letter is laid out.
type blockKind string

const (
	blockText  blockKind = "text"
	blockNext  blockKind = "next"  // the paragraph that says the next step
	blockList  blockKind = "list"  // lines beginning with "- "
	blockSteps blockKind = "steps" // lines beginning with "1. "
	blockTable blockKind = "table" // indented lines of several cells
	blockQuote blockKind = "quote" // indented lines of one cell
)

// block is one part of a letter. The plain text and the HTML are both made of the
// same blocks, so that they cannot say different things.
type block struct {
	Kind  blockKind
	Lines []string // paragraphs and items, each without line breaks
	Rows  [][]cell // of blockTable
}

// cell is one cell of a table.
type cell struct {
	Text   string
	Amount bool // it stands on the right, as all of its column does
}

// numbered is the beginning of an item of blockSteps.
var numbered = regexp.MustCompile(`^[0-9]{1,2}\. `)

// cellGap is what stands between two cells: a tab, so that a cell may be empty, or
// more than one space.
var cellGap = regexp.MustCompile(`\t| {2,}`)

// indent is how a table or a quotation begins.
const indent = "    "

// parseBlocks cuts a letter's text into blocks. An empty line ends a block, and so
// does a line of another kind. A line that begins like no item goes on with the
// paragraph or the item above it.
func parseBlocks(text string) []block {
	var blocks []block
	fresh := true
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) == "" {
			fresh = true
			continue
		}
		kind, rest := lineKind(line)
		last := len(blocks) - 1
		switch {
		case last >= 0 && kind == blockText && !fresh && blocks[last].Kind != blockTable:
			lines := blocks[last].Lines
			lines[len(lines)-1] += " " + rest
		case last >= 0 && kind == blocks[last].Kind && (!fresh || kind == blockList || kind == blockSteps):
			blocks[last].Lines = append(blocks[last].Lines, rest)
		default:
			blocks = append(blocks, block{Kind: kind, Lines: []string{rest}})
		}
		fresh = false
	}
	for i := range blocks {
		blocks[i].split()
	}
	return blocks
}

func lineKind(line string) (blockKind, string) {
	rest := strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, indent):
		return blockTable, strings.TrimRight(strings.TrimPrefix(line, indent), " ")
	case strings.HasPrefix(rest, "- "):
		return blockList, strings.TrimSpace(rest[2:])
	case numbered.MatchString(rest):
		_, item, _ := strings.Cut(rest, ". ")
		return blockSteps, strings.TrimSpace(item)
	case strings.HasPrefix(rest, "Next: "), strings.HasPrefix(rest, "Ensuite : "):
		return blockNext, rest
	default:
		return blockText, rest
	}
}

// split cuts the lines of a table into cells; one whose lines are all of one cell
// is a quotation. The first line of a wide table may be its heads, whose words do not
// make their column one of words.
func (b *block) split() {
	if b.Kind != blockTable {
		return
	}
	words := map[int]bool{0: true} // columns that hold more than amounts; the first one names its row
	most := 0
	for n, line := range b.Lines {
		var row []cell
		texts := cellGap.Split(line, -1)
		heads := n == 0 && len(texts) > 2 && len(b.Lines) > 1
		for i, text := range texts {
			row = append(row, cell{Text: text})
			words[i] = words[i] || !heads && !amount.MatchString(text)
		}
		b.Rows, most = append(b.Rows, row), max(most, len(row))
	}
	if most == 1 {
		b.Kind, b.Rows = blockQuote, nil
	}
	for _, row := range b.Rows {
		for i := range row {
			row[i].Amount = !words[i]
		}
	}
}

// textWidth is how many characters a line of plain text has at most, unless one
// word is longer. Tables may be wider.
const textWidth = 76

// plain returns the block as plain text, without a line break at its end.
func (b block) plain() string {
	var lines []string
	switch b.Kind {
	case blockTable:
		return strings.Join(alignRows(b.Rows), "\n")
	case blockQuote:
		for _, line := range b.Lines {
			lines = append(lines, wrap(line, indent, indent))
		}
	case blockList:
		for _, line := range b.Lines {
			lines = append(lines, wrap(line, "  - ", "    "))
		}
	case blockSteps:
		for i, line := range b.Lines {
			lines = append(lines, wrap(line, stepNumber(i+1), "     "))
		}
	default:
		for _, line := range b.Lines {
			lines = append(lines, wrap(line, "", ""))
		}
	}
	return strings.Join(lines, "\n")
}

func stepNumber(n int) string {
	number := "  "
	if n > 9 {
		number = " " + string(rune('0'+n/10))
	}
	return number + string(rune('0'+n%10)) + ". "
}

// wrap breaks a line at spaces. The first line begins with first, the others with
// rest. A space that may not be broken, U+00A0, is kept.
func wrap(line, first, rest string) string {
	var b strings.Builder
	b.WriteString(first)
	width := utf8.RuneCountInString(first)
	begins := true
	for word := range strings.SplitSeq(line, " ") {
		if word == "" {
			continue
		}
		n := utf8.RuneCountInString(word)
		switch {
		case begins:
		case width+1+n > textWidth:
			b.WriteString("\n" + rest)
			width = utf8.RuneCountInString(rest)
		default:
			b.WriteString(" ")
			width++
		}
		b.WriteString(word)
		width += n
		begins = false
	}
	return b.String()
}

// amount is what may stand on the right: nothing, a number, money, a share, "3 of 4".
var amount = regexp.MustCompile(`^([-–]?\$?[0-9][0-9.,]*([ \x{00a0}][%$])?( (of|sur) [0-9][0-9.,]*)?)?$`)

// alignRows draws a table with columns that are as wide as their widest cell.
func alignRows(rows [][]cell) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell.Text))
		}
	}
	lines := make([]string, len(rows))
	for r, row := range rows {
		line := indent
		for i, cell := range row {
			if i > 0 {
				line += "  "
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell.Text))
			if cell.Amount {
				line += pad + cell.Text
			} else {
				line += cell.Text + pad
			}
		}
		lines[r] = strings.TrimRight(line, " ")
	}
	return lines
}
