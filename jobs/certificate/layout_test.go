package certificate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// place is the room that a run takes on the page.
type place struct{ left, top, right, bottom float64 }

func (r run) place() place {
	return place{r.x, r.y - 0.75*r.size, r.x + r.face.width(r.s, r.size), r.y + 0.2*r.size}
}

func (a place) overlaps(b place) bool {
	return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

// checkPlaces holds that every run is inside of bounds, and none lies on another.
func checkPlaces(t rapid.TB, runs []run, bounds place) {
	for i, r := range runs {
		p := r.place()
		if p.left < bounds.left || p.right > bounds.right || p.top < bounds.top || p.bottom > bounds.bottom {
			t.Fatalf("%q at %.1f is outside: %.1f", r.s, p, bounds)
		}
		for _, other := range runs[:i] {
			if p.overlaps(other.place()) {
				t.Fatalf("%q at %.1f lies on %q at %.1f", r.s, p, other.s, other.place())
			}
		}
	}
}

func drawn(most int) *rapid.Generator[string] {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDWM 0123456789éèàçñÑŁłżŻąęś&.,-’()ЖΩ"
	return rapid.Custom(func(t *rapid.T) string {
		// Drawn so, because most strings that rapid makes by itself are short.
		length := rapid.SampledFrom([]int{1, most / 8, most / 2, most}).Draw(t, "length")
		return "x" + rapid.StringOfN(rapid.SampledFrom([]rune(letters)), length, length, -1).Draw(t, "rest")
	})
}

func TestRender_StaysInItsPlace(t *testing.T) {
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	printed := 0
	rapid.Check(t, func(t *rapid.T) {
		c := Certificate{
			Number: drawn(30).Draw(t, "number"), Title: drawn(90).Draw(t, "title"), LegalName: drawn(250).Draw(t, "name"),
			TradeName: rapid.OneOf(rapid.Just(""), drawn(220)).Draw(t, "trade"), Body: drawn(150).Draw(t, "body"),
			Partner: drawn(150).Draw(t, "partner"), TermYears: rapid.IntRange(1, 9).Draw(t, "term"),
			Accounts: rapid.SliceOfN(drawn(12), 0, 15).Draw(t, "accounts"), IndustryCodes: rapid.SliceOfN(drawn(40), 0, 4).Draw(t, "codes"),
			IssuedOn: time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC), ExpiresOn: time.Date(2029, 9, 30, 0, 0, 0, 0, time.UTC),
			VerifyURL: "https://verify.example/" + strings.Repeat("w", rapid.IntRange(0, 90).Draw(t, "url")),
		}
		for range rapid.IntRange(1, 3).Draw(t, "signatories") {
			c.Signatories = append(c.Signatories, Signatory{drawn(50).Draw(t, "signatory"), drawn(90).Draw(t, "signatory's title")})
		}
		p, err := r.compose(c)
		var refused *FieldError
		if errors.As(err, &refused) {
			return // said, not printed wrongly
		}
		if err != nil {
			t.Fatal(err)
		}
		printed++
		checkPlaces(t, p.runs, place{47, 47, letterLong - 47, letterShort - 47})
	})
	if printed < 20 {
		t.Errorf("only %d certificates could be printed", printed)
	}
}

// A legal name as long as registers allow is printed, whatever it is made of.
func TestRender_LongNames(t *testing.T) {
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{
		"words":             strings.TrimSpace(strings.Repeat("Northern Lights ", 13))[:200],
		"widest characters": strings.Repeat("W", 200),
		"narrow characters": strings.Repeat("i", 200),
		"widest words":      strings.Repeat("WWWWWWWWWWWWWWWWWWW ", 10),
	}
	for name, s := range names {
		c := Certificate{
			Number: "1", Title: "Small Employer Certificate of Recognition", LegalName: s, TradeName: s, Body: "Government of Alberta",
			Partner: "Prairie Energy Safety Partners", TermYears: 1, IssuedOn: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
			ExpiresOn: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), VerifyURL: "https://a.example",
			Signatories: []Signatory{{"A", "B"}},
		}
		p, err := r.compose(c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkPlaces(t, p.runs, place{47, 47, letterLong - 47, letterShort - 47})
		printed := ""
		for _, k := range p.runs {
			printed += k.s
		}
		if strings.Count(strings.ReplaceAll(printed, " ", ""), strings.ReplaceAll(s, " ", "")) != 2 {
			t.Errorf("%s: name is not printed whole: %s", name, printed)
		}
	}
}

func TestRenderCover_StaysInItsPlace(t *testing.T) {
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	printed := 0
	rapid.Check(t, func(t *rapid.T) {
		c := Cover{
			Sender: rapid.SliceOfN(drawn(60), 1, 6).Draw(t, "sender"), Address: rapid.SliceOfN(drawn(45), 1, 6).Draw(t, "address"),
			Date: time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC), Reference: rapid.OneOf(rapid.Just(""), drawn(40)).Draw(t, "reference"),
			Subject: drawn(120).Draw(t, "subject"), Salutation: drawn(60).Draw(t, "salutation"),
			Body: rapid.SliceOfN(drawn(600), 1, 5).Draw(t, "body"), Closing: "Yours sincerely,",
			Signatory:  Signatory{drawn(60).Draw(t, "name"), drawn(90).Draw(t, "title")},
			Enclosures: rapid.SliceOfN(drawn(30), 0, 3).Draw(t, "enclosures"),
		}
		p, err := r.composeCover(c)
		var refused *FieldError
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		printed++
		checkPlaces(t, p.runs, place{coverLeft - 1, 36, coverRight + 1, letterLong - 36})
	})
	if printed < 20 {
		t.Errorf("only %d letters could be printed", printed)
	}
}

func drawnLines(t *rapid.T, name string, most int) []InvoiceLine {
	var lines []InvoiceLine
	for range rapid.IntRange(0, most).Draw(t, name) {
		lines = append(lines, InvoiceLine{drawn(160).Draw(t, name+"'s words"), rapid.Int64Range(-mostCents, mostCents).Draw(t, name+"'s cents")})
	}
	return lines
}

func TestRenderInvoice_StaysInItsPlace(t *testing.T) {
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	printed := 0
	rapid.Check(t, func(t *rapid.T) {
		i := Invoice{
			Language: rapid.SampledFrom([]string{English, French}).Draw(t, "language"),
			Sender:   rapid.SliceOfN(drawn(60), 1, 6).Draw(t, "sender"), Address: rapid.SliceOfN(drawn(45), 1, 6).Draw(t, "address"),
			Number: drawn(30).Draw(t, "number"), Reference: rapid.OneOf(rapid.Just(""), drawn(40)).Draw(t, "reference"),
			TaxNumber: rapid.OneOf(rapid.Just(""), drawn(40)).Draw(t, "tax number"),
			Date:      time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC), Due: time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC),
			Lines: drawnLines(t, "lines", mostLines), Taxes: drawnLines(t, "taxes", mostTaxes),
			Paid:     rapid.SampledFrom([]int64{0, 1, 123_456, mostCents}).Draw(t, "paid"),
			HowToPay: rapid.SliceOfN(drawn(300), 0, 3).Draw(t, "how"), Notes: rapid.SliceOfN(drawn(300), 0, 3).Draw(t, "notes"),
		}
		p, _, err := r.composeInvoice(i)
		var refused *FieldError
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		printed++
		checkPlaces(t, p.runs, place{coverLeft - 1, 36, coverRight + 1, letterLong - 36})
	})
	if printed < 20 {
		t.Errorf("only %d invoices could be printed", printed)
	}
}

func TestRenderBatch_ListStaysInItsPlace(t *testing.T) {
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var envelopes []Envelope
		for range rapid.SampledFrom([]int{1, listRows, listRows + 1, 3*listRows - 1}).Draw(t, "envelopes") {
			envelopes = append(envelopes, Envelope{Cover: Cover{Date: time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC)}})
		}
		name, reference := drawn(250).Draw(t, "name"), drawn(100).Draw(t, "reference")
		for i := range envelopes {
			envelopes[i].Cover.Address, envelopes[i].Cover.Reference = []string{name, "Calgary AB  T2E 8N4"}, reference
		}
		lists, err := r.composeLists(drawn(120).Draw(t, "title"), envelopes, len(envelopes))
		var refused *FieldError
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := (len(envelopes) + listRows - 1) / listRows; len(lists) != want {
			t.Fatalf("%d lists, want %d", len(lists), want)
		}
		for _, p := range []*page{lists[0], lists[len(lists)-1]} {
			checkPlaces(t, p.runs, place{coverLeft - 1, 36, coverRight + 1, letterLong - 36})
		}
	})
}
