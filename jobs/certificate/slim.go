package certificate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
)

// The layout of a TrueType file, in bytes.
const (
	directoryStart = 12
	directoryEntry = 16
	entryOffset    = 8
	entryLength    = 12
)

var errFont = errors.New("not a TrueType font as we know it")

// tables finds the directory entry of each table in a TrueType file.
func tables(ttf []byte) (map[string][]byte, error) {
	if len(ttf) < directoryStart {
		return nil, errFont
	}
	entries := map[string][]byte{}
	for i := range int(binary.BigEndian.Uint16(ttf[4:])) {
		from := directoryStart + i*directoryEntry
		if from+directoryEntry > len(ttf) {
			return nil, errFont
		}
		e := ttf[from:][:directoryEntry]
		offset, length := binary.BigEndian.Uint32(e[entryOffset:]), binary.BigEndian.Uint32(e[entryLength:])
		if uint64(offset)+uint64(length) > uint64(len(ttf)) {
			return nil, errFont
		}
		entries[string(e[:4])] = e
	}
	return entries, nil
}

func content(ttf, entry []byte) []byte {
	return ttf[binary.BigEndian.Uint32(entry[entryOffset:]):][:binary.BigEndian.Uint32(entry[entryLength:])]
}

// slimmed is a font without what paper does not need, two thirds of every subset: its table of names, which is seven
// kilobytes of licence text, and its hints, which fit glyphs to a screen's coarse pixels. (The Go fonts' licence stands
// with their module.) Tables that are left out lose their name and stay where they are.
func slimmed(ttf []byte) ([]byte, error) {
	slim := bytes.Clone(ttf)
	entries, err := tables(slim)
	if err != nil {
		return nil, err
	}
	for _, tag := range []string{"head", "maxp", "loca", "glyf"} {
		if entries[tag] == nil {
			return nil, errFont
		}
	}
	glyphs, places, err := unhinted(content(slim, entries["glyf"]), content(slim, entries["loca"]), content(slim, entries["head"])[51] == 1)
	if err != nil {
		return nil, err
	}
	for tag, table := range map[string][]byte{"glyf": glyphs, "loca": places} {
		binary.BigEndian.PutUint32(entries[tag][entryLength:], uint32(len(table)))
	}
	binary.BigEndian.PutUint32(entries["glyf"][entryOffset:], uint32(len(slim)))
	binary.BigEndian.PutUint32(entries["loca"][entryOffset:], uint32(len(slim)+len(glyphs)))
	for tag, e := range entries {
		if strings.Contains("name cvt fpgm prep gasp", strings.TrimSpace(tag)) {
			copy(e, "----")
		}
	}
	return append(append(slim, glyphs...), places...), nil
}

// unhinted returns the tables of glyphs and of their places without the glyphs' instructions. Places are counted in
// bytes when long, else in pairs of bytes.
func unhinted(glyphs, places []byte, long bool) ([]byte, []byte, error) {
	width := 2
	if long {
		width = 4
	}
	place := func(i int) int {
		if long {
			return int(binary.BigEndian.Uint32(places[i*4:]))
		}
		return int(binary.BigEndian.Uint16(places[i*2:])) * 2
	}
	var slim, slimPlaces []byte
	for i := range len(places) / width {
		if long {
			slimPlaces = binary.BigEndian.AppendUint32(slimPlaces, uint32(len(slim)))
		} else {
			slimPlaces = binary.BigEndian.AppendUint16(slimPlaces, uint16(len(slim)/2))
		}
		if (i+1)*width == len(places) {
			break // the last place is where the glyphs end
		}
		from, to := place(i), place(i+1)
		if from > to || to > len(glyphs) {
			return nil, nil, errFont
		}
		g, err := unhintedGlyph(glyphs[from:to])
		if err != nil {
			return nil, nil, err
		}
		slim = append(slim, g...)
		for len(slim)%4 != 0 {
			slim = append(slim, 0)
		}
	}
	return slim, slimPlaces, nil
}

func unhintedGlyph(g []byte) ([]byte, error) {
	const head = 10
	if len(g) < head {
		return g, nil // a space has no outline
	}
	contours := int(int16(binary.BigEndian.Uint16(g)))
	if contours < 0 {
		return unhintedComposite(g)
	}
	at := head + 2*contours
	if at+2 > len(g) {
		return nil, errFont
	}
	rest := at + 2 + int(binary.BigEndian.Uint16(g[at:]))
	if rest > len(g) {
		return nil, errFont
	}
	return append(append(bytes.Clone(g[:at]), 0, 0), g[rest:]...), nil
}

// unhintedComposite is for a glyph that is made of others, as an accented letter is.
func unhintedComposite(g []byte) ([]byte, error) {
	const (
		words, scale, more, twoScales, matrix, instructions = 1, 1 << 3, 1 << 5, 1 << 6, 1 << 7, 1 << 8
	)
	g = bytes.Clone(g)
	for at := 10; at+4 <= len(g); {
		flags := binary.BigEndian.Uint16(g[at:])
		binary.BigEndian.PutUint16(g[at:], flags&^instructions)
		at += 6
		if flags&words != 0 {
			at += 2
		}
		switch {
		case flags&scale != 0:
			at += 2
		case flags&twoScales != 0:
			at += 4
		case flags&matrix != 0:
			at += 8
		}
		if flags&more == 0 && at <= len(g) {
			return g[:at], nil
		}
	}
	return nil, errFont
}
