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

// write prints the table. The last column is not padded.
func (t *table) write(w io.Writer) error {
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
	var b strings.Builder
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
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
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
