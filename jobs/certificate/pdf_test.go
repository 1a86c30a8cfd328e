package certificate_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

// document is a PDF taken apart as a reader would, as far as our own files need it.
type document struct {
	raw     []byte
	objects map[string]string // by number, streams not unpacked
	content string            // of the only page
}

func readPDF(t *testing.T, raw []byte) document {
	t.Helper()
	d := document{raw: raw, objects: map[string]string{}}
	for _, m := range regexp.MustCompile(`(?s)(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj`).FindAllSubmatch(raw, -1) {
		d.objects[string(m[1])] = string(m[2])
	}
	pages := 0
	for _, o := range d.objects {
		if strings.HasPrefix(o, "<</Type /Page\n") {
			pages++
			d.content = string(d.stream(t, one(t, o, `/Contents (\d+) 0 R`)))
		}
	}
	if pages != 1 {
		t.Fatalf("%d pages, want one", pages)
	}
	return d
}

func one(t *testing.T, s, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(s)
	if m == nil {
		t.Fatalf("no %s in %.200q", pattern, s)
	}
	return m[1]
}

func (d document) stream(t *testing.T, number string) []byte {
	t.Helper()
	_, packed, found := strings.Cut(d.objects[number], "stream\n")
	if !found {
		t.Fatalf("object %s has no stream", number)
	}
	r, err := zlib.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatalf("object %s: %v", number, err)
	}
	unpacked, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("object %s: %v", number, err)
	}
	return unpacked
}

// word is a piece of the text layer; x and y are points from the upper left corner.
type word struct {
	x, y, size float64
	s          string
}

// font is what each code stands for, and how wide it is in thousandths of the size.
type font struct {
	codes  map[byte]string
	widths []int // from the code 32 on
}

// text reads the text layer: each character is what its font's encoding says. What follows without a gap is one word.
func (d document) text(t *testing.T) []word {
	t.Helper()
	fonts := map[string]font{}
	for _, o := range d.objects {
		for _, m := range regexp.MustCompile(`/F([0-9a-f]{40}) (\d+) 0 R`).FindAllStringSubmatch(o, -1) {
			fonts[m[1]] = font{d.encoding(t, d.objects[m[2]]), d.widths(t, d.objects[m[2]])}
		}
	}
	height, err := strconv.ParseFloat(one(t, string(d.raw), `/MediaBox \[0 0 \d+\.\d+ (\d+\.\d+)\]`), 64)
	if err != nil {
		t.Fatal(err)
	}
	var words []word
	var current font
	var size, end float64
	pattern := regexp.MustCompile(`(?s)BT /F([0-9a-f]{40}) ([\d.]+) Tf ET|BT ([\d.]+) ([\d.]+) Td \(((?:\\.|[^\\)])*)\) Tj ET`)
	for _, m := range pattern.FindAllStringSubmatch(d.content, -1) {
		if m[1] != "" {
			current, size = fonts[m[1]], number(t, m[2])
			continue
		}
		s, width := current.decode(m[5])
		w := word{number(t, m[3]), height - number(t, m[4]), size, s}
		last := len(words) - 1
		if last >= 0 && words[last].y == w.y && math.Abs(w.x-end) < 0.02 {
			words[last].s += s
		} else {
			words = append(words, w)
		}
		end = w.x + float64(width)*size/1000
	}
	return words
}

func (d document) widths(t *testing.T, font string) []int {
	t.Helper()
	var widths []int
	for _, s := range strings.Fields(strings.Trim(d.objects[one(t, font, `/Widths (\d+) 0 R`)], "[]")) {
		widths = append(widths, int(number(t, s)))
	}
	return widths
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// encoding returns what a font's codes from 128 on stand for.
func (d document) encoding(t *testing.T, font string) map[byte]string {
	t.Helper()
	codes := map[byte]string{}
	if strings.Contains(font, "/Encoding /WinAnsiEncoding") {
		return codes
	}
	differences := one(t, d.objects[one(t, font, `/Encoding (\d+) 0 R`)], `/Differences \[(.*)\]`)
	for _, m := range regexp.MustCompile(`(\d+)/(\S+)`).FindAllStringSubmatch(differences, -1) {
		code, err := strconv.Atoi(m[1])
		if err != nil || code < 128 || code > 255 {
			t.Fatalf("difference %s: code %d, %v", m[0], code, err)
		}
		codes[byte(code)] = character(m[2])
	}
	return codes
}

// character knows what Adobe's glyph list says of the names that our fonts have, as far as our tests use them.
func character(name string) string {
	if hex, found := strings.CutPrefix(name, "uni"); found {
		code, err := strconv.ParseUint(hex, 16, 32)
		if err == nil {
			return string(rune(code))
		}
	}
	list := "agrave à ccedilla ç eacute é egrave è edieresis ë Eacute É Egrave È icircumflex î idieresis ï ntilde ñ Ntilde Ñ " +
		"oacute ó Oacute Ó oe œ uacute ú aogonek ą cacute ć eogonek ę Lslash Ł lslash ł nacute ń sacute ś zacute ź " +
		"zdotaccent ż Zdotaccent Ż quoteright ’ endash – emdash — guillemotleft « guillemotright » periodcentered ·"
	fields := strings.Fields(list)
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == name {
			return fields[i+1]
		}
	}
	return "<" + name + ">"
}

// decode returns the text behind the codes, and its width in thousandths of the size.
func (f font) decode(escaped string) (string, int) {
	var b strings.Builder
	width := 0
	raw := regexp.MustCompile(`(?s)\\(.)`).ReplaceAllString(escaped, "$1")
	for i := range len(raw) {
		width += f.widths[raw[i]-32]
		s, named := f.codes[raw[i]]
		if !named {
			s = string(charmap.Windows1252.DecodeByte(raw[i]))
		}
		b.WriteString(s)
	}
	return b.String(), width
}

// all is the text layer as one string.
func all(words []word) string {
	var lines []string
	for _, w := range words {
		lines = append(lines, w.s)
	}
	return strings.Join(lines, "\n")
}

// tool runs a program of another maker over raw, saved as FILE; PICTURE is its pages drawn at 150 dots to the inch, the
// first as PICTURE-1.png or, when there are ten and more, PICTURE-01.png. Without the program the test is skipped, with
// the reason; .ci/run installs it.
func tool(t *testing.T, raw []byte, name string, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.pdf")
	err := os.WriteFile(file, raw, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	picture := strings.TrimSuffix(file, ".pdf")
	if strings.Contains(strings.Join(args, " "), "PICTURE") {
		run(t, "pdftoppm", "-r", "150", "-png", file, picture)
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(strings.ReplaceAll(a, "FILE", file), "PICTURE", picture)
	}
	return run(t, name, args...)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed (apt install poppler-utils zbar-tools); our own reading of the file is in the other tests", name)
	}
	var out, problems bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	complains := problems.Len() > 0 && name != "zbarimg" // which complains where there is no D-Bus, and reads all the same
	if err != nil || complains {
		t.Fatalf("%s: %v: %s", name, err, problems.String())
	}
	return out.String()
}
