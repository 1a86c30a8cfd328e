package certificate_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"secordesk/jobs/certificate"
)

// envelopes makes n envelopes; each third holds a letter only.
func envelopes(n int) []certificate.Envelope {
	var batch []certificate.Envelope
	for i := range n {
		e := certificate.Envelope{Cover: cover(func(c *certificate.Cover) {
			c.Address[0] = fmt.Sprintf("Company %04d", i)
			c.Reference = fmt.Sprintf("Case %d", i)
		})}
		if i%3 != 2 {
			paper := northern(func(c *certificate.Certificate) { c.LegalName, c.Number = e.Cover.Address[0], fmt.Sprintf("N-%04d", i) })
			e.Certificate = &paper
		}
		batch = append(batch, e)
	}
	return batch
}

func TestRenderBatch(t *testing.T) {
	raw, err := renderer(t).RenderBatch("Certificates to mail", envelopes(50))
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(tool(t, raw, "pdftotext", "-layout", "FILE", "-"), "\f")
	pages = pages[:len(pages)-1]
	if len(pages) != 2+50+34 {
		t.Fatalf("%d pages, want two of the list, 50 letters and 34 certificates", len(pages))
	}
	if !strings.Contains(pages[0], "50 envelopes, 84 pages behind this list") {
		t.Errorf("the list does not count:\n%s", pages[0])
	}
	list := pages[0] + pages[1]
	rest := pages[2:]
	for i, e := range envelopes(50) {
		if !strings.Contains(rest[0], e.Cover.Address[0]) || !strings.Contains(rest[0], e.Cover.Salutation) {
			t.Fatalf("envelope %d does not begin with its letter:\n%s", i, rest[0])
		}
		rest = rest[1:]
		if e.Certificate != nil {
			if !strings.Contains(rest[0], e.Certificate.Number) {
				t.Fatalf("envelope %d does not go on with its certificate:\n%s", i, rest[0])
			}
			rest = rest[1:]
		}
		place := strings.Index(list, e.Cover.Address[0])
		if place < 0 {
			t.Fatalf("envelope %d is not on the list:\n%s", i, list)
		}
		row, _, _ := strings.Cut(list[place:], "\n")
		want := []string{"T0H", "1M0", "1"}
		if e.Certificate != nil {
			want[2] = "2"
		}
		if got := strings.Fields(row)[2:]; !slices.Equal(got, want) {
			t.Errorf("the list says of envelope %d: %s, want postal code and pages %s", i, got, want)
		}
		list = list[place:]
	}
}

// As many as an office mails after its busiest month, in one file that holds each font once.
func TestRenderBatch_FifteenHundred(t *testing.T) {
	if testing.Short() {
		t.Skip("1 500 envelopes take seconds; run without -short")
	}
	raw, err := renderer(t).RenderBatch("Certificates to mail", envelopes(1500))
	if err != nil {
		t.Fatal(err)
	}
	const largest = 8 << 20
	if len(raw) > largest {
		t.Errorf("%d bytes, more than %d", len(raw), largest)
	}
	properties := tool(t, raw, "pdfinfo", "FILE")
	if !regexp.MustCompile(`Pages: +2538\n`).MatchString(properties) {
		t.Errorf("want 38 pages of the list, 1 500 letters and 1 000 certificates:\n%s", properties)
	}
	if fonts := strings.Split(strings.TrimSpace(tool(t, raw, "pdffonts", "-l", "60", "FILE")), "\n")[2:]; len(fonts) != 5 {
		t.Errorf("%d fonts, want 5:\n%s", len(fonts), strings.Join(fonts, "\n"))
	}
	if n := bytes.Count(raw, []byte("/FontFile2 ")); n != 5 {
		t.Errorf("%d fonts embedded, want 5", n)
	}
	last := tool(t, raw, "pdftotext", "-f", "2538", "FILE", "-")
	if !strings.Contains(last, "Company 1499") {
		t.Errorf("the last page is not the last envelope's:\n%s", last)
	}
}

func TestRenderBatch_Refused(t *testing.T) {
	wrong := envelopes(3)
	wrong[2].Cover.Address[0] = "北"
	badPaper := envelopes(3)
	badPaper[1].Certificate.LegalName = ""
	tests := []struct {
		name      string
		title     string
		envelopes []certificate.Envelope
		field     string
	}{
		{"no title", "", envelopes(1), "title"},
		{"no envelopes", "Batch", nil, "Envelopes"},
		{"a letter that cannot be printed", "Batch", wrong, "Envelopes[2].Cover.Address[0]"},
		{"a certificate that cannot be printed", "Batch", badPaper, "Envelopes[1].Certificate.LegalName"},
	}
	for _, tt := range tests {
		raw, err := renderer(t).RenderBatch(tt.title, tt.envelopes)
		var got *certificate.FieldError
		if !errors.As(err, &got) || got.Field != tt.field || raw != nil {
			t.Errorf("%s: error %v, want a refusal of %s", tt.name, err, tt.field)
		}
	}
}
