package main

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is aligned text in columns.
type table struct {
	heads []string
	right []int // columns aligned to the right, from 0
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write prints the table.
func (t *table) write(w io.Writer) error {
	_, err := io.WriteString(w, strings.Join(t.lines(), "\n")+"\n")
	return err
}

// lines returns the table's lines, the heads first. The last column is not padded.
func (t *table) lines() []string {
	lines := t.rows
	if t.heads != nil {
		lines = append([][]string{t.heads}, t.rows...)
	}
	var widths []int
	for _, cells := range lines {
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text []string
	for _, cells := range lines {
		var line strings.Builder
		for i, cell := range cells {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if slices.Contains(t.right, i) {
				line.WriteString(pad + cell + "  ")
			} else {
				line.WriteString(cell + pad + "  ")
			}
		}
		text = append(text, strings.TrimRight(line.String(), " "))
	}
	return text
}

// pageWidth is the longest line in characters that is printed of free text.
const pageWidth = 100

// fold breaks a line between words so that no part is longer than pageWidth; the
// parts after the first begin with indent. A longer word stays whole.
func fold(line, indent string) string {
	var b strings.Builder
	at := 0 // characters in the line that is being written
	for i, word := range strings.Split(line, " ") {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+length > pageWidth:
			b.WriteString("\n" + indent)
			at = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += length
	}
	return b.String()
}

// ink is a colour of the terminal.
type ink string

const (
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
)

// paint colours a word where a person at a terminal sees it.
func (t *terminal) paint(colour ink, text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[" + string(colour) + "m" + text + "\x1b[0m"
}
