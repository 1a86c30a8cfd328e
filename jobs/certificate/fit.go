package certificate

import (
	"fmt"
	"strings"
)

// box is a place for text of unknown length: as many points wide, tried with the steps in their order.
type box struct {
	face  *face
	width float64
	steps []step
	even  bool // lines of about the same length, for centred text
}

// step allows so many lines, at sizes from most down to least points.
type step struct {
	lines       int
	most, least float64
}

// text is what became of a text in its box.
type text struct {
	face  *face
	size  float64
	lines []string
}

// fit sets s as large as the box allows. It breaks lines at spaces, and within a word only in the last step.
func (b box) fit(field, s string) (text, error) {
	for i, st := range b.steps {
		last := i == len(b.steps)-1
		for size := st.most; size >= st.least; size -= 0.5 {
			lines, whole := b.face.wrap(s, size, b.width)
			if len(lines) > st.lines || !whole && !last {
				continue
			}
			if b.even {
				lines = b.face.evenOut(s, lines, size, b.width)
			}
			return text{b.face, size, lines}, nil
		}
	}
	return text{}, &FieldError{field, fmt.Sprintf("is too long to be printed legibly (%d characters); shorten it", len([]rune(s)))}
}

// wrap breaks s into lines of at most width points, and reports whether all words stayed whole.
func (f *face) wrap(s string, size, width float64) ([]string, bool) {
	var lines []string
	whole := true
	line := ""
	for _, word := range strings.Split(s, " ") {
		longer := word
		if line != "" {
			longer = line + " " + word
		}
		if f.width(longer, size) <= width {
			line = longer
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		pieces := f.pieces(word, size, width)
		whole = whole && len(pieces) == 1
		lines = append(lines, pieces[:len(pieces)-1]...)
		line = pieces[len(pieces)-1]
	}
	return append(lines, line), whole
}

// pieces breaks a word that is wider than a line; a word that is not comes back whole.
func (f *face) pieces(word string, size, width float64) []string {
	var pieces []string
	piece := ""
	for _, r := range word {
		longer := piece + string(r)
		if piece != "" && f.width(longer, size) > width {
			pieces = append(pieces, piece)
			longer = string(r)
		}
		piece = longer
	}
	return append(pieces, piece)
}

// evenOut narrows the lines as far as their number allows, so that none is left with a single word.
func (f *face) evenOut(s string, lines []string, size, width float64) []string {
	narrow, wide := width/float64(len(lines)), width
	for wide-narrow > 1 && len(lines) > 1 {
		middle := (narrow + wide) / 2
		evener, whole := f.wrap(s, size, middle)
		if len(evener) > len(lines) || !whole {
			narrow = middle
			continue
		}
		lines, wide = evener, middle
	}
	return lines
}

// cut shortens s to width points; where anything is left out, an ellipsis says so.
func (f *face) cut(s string, size, width float64) string {
	if f.width(s, size) <= width {
		return s
	}
	kept := []rune(s)
	for len(kept) > 0 && f.width(string(kept)+"…", size) > width {
		kept = kept[:len(kept)-1]
	}
	return strings.TrimRight(string(kept), " ") + "…"
}
