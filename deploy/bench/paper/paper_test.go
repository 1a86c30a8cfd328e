// Package paper measures how fast secordesk prints beside what others need for the same words. It is run by
// "go test -bench . -cpu 1 ./paper" in deploy/bench.
package paper

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/signintech/gopdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"secordesk/jobs/certificate"
)

func sample() certificate.Certificate {
	return certificate.Certificate{
		Number: "SECOR-2026-0041", Title: "Small Employer Certificate of Recognition",
		LegalName: "Northern Lights Drilling & Forage Éclair Ltée", TradeName: "Ñandú Services",
		Accounts: []string{"1234567", "7654321"}, IndustryCodes: []string{"09900 – Oilfield Maintenance", "30300"},
		Body: "Government of Alberta", Partner: "Prairie Energy Safety Partners", TermYears: 3,
		IssuedOn: time.Date(2026, 3, 25, 0, 0, 0, 0, time.UTC), ExpiresOn: time.Date(2029, 3, 31, 0, 0, 0, 0, time.UTC),
		VerifyURL: "https://verify.partner.example/c/SECOR-2026-0041",
		Signatories: []certificate.Signatory{
			{Name: "Éloïse Núñez", Title: "Director, Partnerships in Injury Reduction"},
			{Name: "Agnès Côté", Title: "Certification Manager"},
		},
	}
}

// lines are the words of a certificate in the order in which ours prints them; bold where it does.
func lines(c certificate.Certificate) []struct {
	bold bool
	s    string
} {
	return []struct {
		bold bool
		s    string
	}{
		{false, c.Body}, {false, c.Title}, {false, "This is to certify that"}, {true, c.LegalName}, {false, "operating as " + c.TradeName},
		{false, "has a health and safety management system that met the standard of"},
		{false, "this programme in an audit reviewed by " + c.Partner + "."},
		{false, "Certificate number"}, {true, c.Number}, {false, "Issued"}, {true, "25 March 2026"}, {false, "Valid until"}, {true, "31 March 2029"},
		{false, "Term"}, {true, "Three years"}, {false, "Workers’ compensation accounts"}, {true, "1234567, 7654321"},
		{false, "Industry codes"}, {true, "09900 – Oilfield Maintenance, 30300"},
		{true, c.Signatories[0].Name}, {false, c.Signatories[0].Title}, {true, c.Signatories[1].Name}, {false, c.Signatories[1].Title},
		{false, c.VerifyURL},
	}
}

// measure reports how many a core makes in a second of its own time, whatever else the machine does, how long one
// takes by the clock, and how large it is.
func measure(b *testing.B, make func() ([]byte, error)) {
	b.ReportAllocs()
	began, size := cpuTime(b), 0
	for b.Loop() {
		raw, err := make()
		if err != nil {
			b.Fatal(err)
		}
		size = len(raw)
	}
	b.ReportMetric(float64(b.N)/(cpuTime(b)-began).Seconds(), "per-core-second")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "per-second")
	b.ReportMetric(float64(size)/1024, "KiB")
}

func cpuTime(b *testing.B) time.Duration {
	var use syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// Ours, with border, mark and QR code.
func BenchmarkSecordesk(b *testing.B) {
	r, err := certificate.NewRenderer()
	if err != nil {
		b.Fatal(err)
	}
	measure(b, func() ([]byte, error) { return r.Render(sample()) })
}

// The floor: the words only, in a font that the reader must have, which no office may send.
func BenchmarkFpdfCoreFont(b *testing.B) {
	measure(b, func() ([]byte, error) {
		pdf := fpdf.New("L", "pt", "Letter", "")
		encode := pdf.UnicodeTranslatorFromDescriptor("")
		return words(pdf, "Helvetica", encode)
	})
}

// The library as its manual says, with the words only.
func BenchmarkFpdfEmbedded(b *testing.B) {
	measure(b, func() ([]byte, error) {
		pdf := fpdf.New("L", "pt", "Letter", "")
		pdf.AddUTF8FontFromBytes("go", "", goregular.TTF)
		pdf.AddUTF8FontFromBytes("go", "B", gobold.TTF)
		return words(pdf, "go", func(s string) string { return s })
	})
}

func words(pdf *fpdf.Fpdf, family string, encode func(string) string) ([]byte, error) {
	pdf.AddPage()
	for i, k := range lines(sample()) {
		style := ""
		if k.bold {
			style = "B"
		}
		pdf.SetFont(family, style, 12)
		pdf.Text(72, float64(72+18*i), encode(k.s))
	}
	var out bytes.Buffer
	err := pdf.Output(&out)
	return out.Bytes(), err
}

// Another library, as its manual says, with the words only.
func BenchmarkGopdfEmbedded(b *testing.B) {
	measure(b, func() ([]byte, error) {
		pdf := gopdf.GoPdf{}
		pdf.Start(gopdf.Config{PageSize: gopdf.Rect{W: 792, H: 612}})
		err := pdf.AddTTFFontData("go", goregular.TTF)
		if err != nil {
			return nil, err
		}
		err = pdf.AddTTFFontDataWithOption("go", gobold.TTF, gopdf.TtfOption{Style: gopdf.Bold})
		if err != nil {
			return nil, err
		}
		pdf.AddPage()
		for i, k := range lines(sample()) {
			style := ""
			if k.bold {
				style = "B"
			}
			err := pdf.SetFont("go", style, 12)
			if err != nil {
				return nil, err
			}
			pdf.SetXY(72, float64(60+18*i))
			err = pdf.Text(k.s)
			if err != nil {
				return nil, err
			}
		}
		return pdf.GetBytesPdfReturnErr()
	})
}
