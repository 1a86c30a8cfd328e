package certificate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"secordesk/jobs/certificate"
)

// invoiced is an invoice that can be printed; change makes it the one that is tested.
func invoiced(change func(*certificate.Invoice)) certificate.Invoice {
	c := cover(nil)
	i := certificate.Invoice{
		Sender: c.Sender, Address: c.Address, Number: "2026-0118", Reference: "Case 41", TaxNumber: "GST 12345 6789 RT0001",
		Date: time.Date(2026, 3, 1, 23, 0, 0, 0, time.FixedZone("", -6*3600)), Due: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC),
		Lines:    []certificate.InvoiceLine{{Text: "SECOR audit registration 2026, member", Cents: 125_000}, {Text: "Credit from 2025", Cents: -5_050}},
		Taxes:    []certificate.InvoiceLine{{Text: "GST 5 %", Cents: 5_998}},
		Paid:     20_000,
		HowToPay: []string{"Send a cheque to the address above, or pay by electronic transfer to pay@partner.example."},
		Notes:    []string{"The fee is for the calendar year 2026."},
	}
	if change != nil {
		change(&i)
	}
	return i
}

func TestRenderInvoice_TextLayer(t *testing.T) {
	tests := []struct {
		language string
		want     []string
	}{
		{certificate.English, []string{"Invoice", "2026-0118", "1 March 2026", "31 March 2026", "Case 41", "GST 12345 6789 RT0001",
			"SECOR audit registration 2026, member", "$1,250.00", "–$50.50", "Subtotal", "$1,199.50", "GST 5 %", "$59.98", "Total",
			"$1,259.48", "Paid so far", "–$200.00", "Balance due", "$1,059.48", "How to pay"}},
		{certificate.French, []string{"Facture", "1er mars 2026", "Échéance", "1 250,00 $", "–50,50 $", "Sous-total", "Déjà payé",
			"Solde à payer", "1 059,48 $", "Comment payer"}},
	}
	for _, tt := range tests {
		raw, err := renderer(t).RenderInvoice(invoiced(func(i *certificate.Invoice) { i.Language = tt.language }))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(tool(t, raw, "pdftotext", "-layout", "FILE", "-"), "\u00a0", " ")
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: text layer lacks %q:\n%s", tt.language, want, got)
			}
		}
	}
}

func TestRenderInvoice_Refused(t *testing.T) {
	type inv = certificate.Invoice
	line := certificate.InvoiceLine{Text: "x", Cents: 1}
	tests := []struct {
		name   string
		change func(*inv)
		field  string
	}{
		{"German", func(i *inv) { i.Language = "de" }, "Language"},
		{"no sender", func(i *inv) { i.Sender = nil }, "Sender"},
		{"no address", func(i *inv) { i.Address = nil }, "Address"},
		{"no number", func(i *inv) { i.Number = "" }, "Number"},
		{"Chinese reference", func(i *inv) { i.Reference = "北" }, "Reference"},
		{"no date", func(i *inv) { i.Date = time.Time{} }, "Date"},
		{"no due date", func(i *inv) { i.Due = time.Time{} }, "Due"},
		{"due before its date", func(i *inv) { i.Due = i.Date.AddDate(0, 0, -1) }, "Due"},
		{"no lines", func(i *inv) { i.Lines = nil }, "Lines"},
		{"thirteen lines", func(i *inv) { i.Lines = append(make([]certificate.InvoiceLine, 12), line) }, "Lines"},
		{"five taxes", func(i *inv) { i.Taxes = []certificate.InvoiceLine{line, line, line, line, line} }, "Taxes"},
		{"line without words", func(i *inv) { i.Lines[1].Text = " " }, "Lines[1].Text"},
		{"more money than there is", func(i *inv) { i.Lines[0].Cents = 1 << 60 }, "Lines[0].Cents"},
		{"paid less than nothing", func(i *inv) { i.Paid = -1 }, "Paid"},
		{"emoji in a note", func(i *inv) { i.Notes = []string{"🛢"} }, "Notes[0]"},
		{"more than a page", func(i *inv) { i.Notes = []string{strings.Repeat("word ", 1500)} }, "Notes"},
	}
	for _, tt := range tests {
		raw, err := renderer(t).RenderInvoice(invoiced(tt.change))
		var got *certificate.FieldError
		if !errors.As(err, &got) || got.Field != tt.field || raw != nil {
			t.Errorf("%s: error %v, want a refusal of %s", tt.name, err, tt.field)
		}
	}
}
