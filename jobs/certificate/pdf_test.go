package certificate_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
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

// text reads the text layer: each character is what its font's encoding says.
func (d document) text(t *testing.T) []word {
	t.Helper()
	fonts := map[string]map[byte]string{}
	for _, o := range d.objects {
		for _, m := range regexp.MustCompile(`/F([0-9a-f]{40}) (\d+) 0 R`).FindAllStringSubmatch(o, -1) {
			fonts[m[1]] = d.encoding(t, d.objects[m[2]])
		}
	}
	height, err := strconv.ParseFloat(one(t, string(d.raw), `/MediaBox \[0 0 \d+\.\d+ (\d+\.\d+)\]`), 64)
	if err != nil {
		t.Fatal(err)
	}
	var words []word
	var font map[byte]string
	var size float64
	pattern := regexp.MustCompile(`(?s)BT /F([0-9a-f]{40}) ([\d.]+) Tf ET|BT ([\d.]+) ([\d.]+) Td \(((?:\\.|[^\\)])*)\) Tj ET`)
	for _, m := range pattern.FindAllStringSubmatch(d.content, -1) {
		if m[1] != "" {
			font, size = fonts[m[1]], number(t, m[2])
			continue
		}
		words = append(words, word{number(t, m[3]), height - number(t, m[4]), size, decode(font, m[5])})
	}
	return words
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
		codes[byte(code)] = character(t, m[2])
	}
	return codes
}

// character knows those of Adobe's glyph list that our tests use.
func character(t *testing.T, name string) string {
	t.Helper()
	if hex, found := strings.CutPrefix(name, "uni"); found {
		code, err := strconv.ParseUint(hex, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		return string(rune(code))
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
	t.Fatalf("glyph %s is not in the test's list", name)
	return ""
}

func decode(font map[byte]string, escaped string) string {
	var b strings.Builder
	raw := regexp.MustCompile(`(?s)\\(.)`).ReplaceAllString(escaped, "$1")
	for i := range len(raw) {
		if raw[i] < 128 {
			b.WriteByte(raw[i])
			continue
		}
		b.WriteString(font[raw[i]])
	}
	return b.String()
}

// all is the text layer as one string.
func all(words []word) string {
	var lines []string
	for _, w := range words {
		lines = append(lines, w.s)
	}
	return strings.Join(lines, "\n")
}

// tool runs a program of another maker over raw, saved as a file; the test is skipped, with the reason, without it.
func tool(t *testing.T, raw []byte, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed; our own reading of the file is in the other tests", name)
	}
	file := filepath.Join(t.TempDir(), "page.pdf")
	err = os.WriteFile(file, raw, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "FILE", file)
	}
	var out, problems bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	if err != nil || problems.Len() > 0 {
		t.Fatalf("%s: %v: %s", name, err, problems.String())
	}
	return out.String()
}
