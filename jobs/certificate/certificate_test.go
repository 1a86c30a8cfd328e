package certificate_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"secordesk/jobs/certificate"
)

func renderer(t testing.TB) *certificate.Renderer {
	t.Helper()
	r, err := certificate.NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// northern is a certificate that can be printed; change makes it the one that is tested.
func northern(change func(*certificate.Certificate)) certificate.Certificate {
	c := certificate.Certificate{
		Number: "SECOR-2026-0041", Title: "Small Employer Certificate of Recognition",
		LegalName: "Northern Lights Drilling & Forage Éclair Ltée", TradeName: "Żółw Ñandú (Services)",
		Accounts: []string{"1234567", "7654321"}, IndustryCodes: []string{"09900 – Oilfield Maintenance", "30300"},
		Body: "Government of Alberta", Partner: "Prairie Energy Safety Partners", TermYears: 3,
		IssuedOn:  time.Date(2026, 3, 25, 21, 0, 0, 0, time.FixedZone("", -6*3600)),
		ExpiresOn: time.Date(2029, 3, 31, 0, 0, 0, 0, time.UTC), VerifyURL: "https://verify.partner.example/c/SECOR-2026-0041",
		Signatories: []certificate.Signatory{
			{Name: "Éloïse Núñez", Title: "Director, Partnerships in Injury Reduction"},
			{Name: "Żaneta Łącka", Title: "Certification Manager"},
		},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func render(t *testing.T, c certificate.Certificate) []byte {
	t.Helper()
	raw, err := renderer(t).Render(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var onTheCertificate = []string{
	"Government of Alberta", "Small Employer Certificate of Recognition", "This is to certify that",
	"Northern Lights Drilling & Forage Éclair Ltée", "operating as Żółw Ñandú (Services)",
	"reviewed by Prairie Energy Safety Partners.", "SECOR-2026-0041", "25 March 2026", "31 March 2029", "Three years",
	"1234567, 7654321", "09900 – Oilfield Maintenance, 30300", "Éloïse Núñez", "Director, Partnerships in Injury Reduction",
	"Żaneta Łącka", "Certification Manager", "https://verify.partner.example/c/SECOR-2026-0041",
}

func TestRender_TextLayer(t *testing.T) {
	d := readPDF(t, render(t, northern(nil)))
	got := all(d.text(t))
	for _, want := range onTheCertificate {
		if !strings.Contains(got, want) {
			t.Errorf("text layer lacks %q:\n%s", want, got)
		}
	}
	for _, want := range []string{"/MediaBox [0 0 792.00 612.00]", "/Lang (en-CA)", "/CreationDate (D:20260325000000)",
		"/ModDate (D:20260325000000)", "/FontFile2"} {
		if !bytes.Contains(d.raw, []byte(want)) {
			t.Errorf("file lacks %s", want)
		}
	}
}

func TestRender_TextLayerAsPopplerReadsIt(t *testing.T) {
	got := tool(t, render(t, northern(nil)), "pdftotext", "-layout", "FILE", "-")
	for _, want := range onTheCertificate {
		if !strings.Contains(got, want) {
			t.Errorf("pdftotext does not find %q:\n%s", want, got)
		}
	}
}

func TestRender_OptionalFieldsLeftOut(t *testing.T) {
	c := northern(func(c *certificate.Certificate) {
		c.TradeName, c.Accounts, c.IndustryCodes, c.Signatories = "", nil, nil, c.Signatories[:1]
	})
	got := all(readPDF(t, render(t, c)).text(t))
	for _, not := range []string{"operating as", "accounts", "Industry codes", "Łącka"} {
		if strings.Contains(got, not) {
			t.Errorf("text layer has %q:\n%s", not, got)
		}
	}
}

// The QR code on the page is read back from the drawing, module by module, and is what another maker draws, who weighs
// the masks for himself.
func TestRender_QRCode(t *testing.T) {
	for i := range 25 {
		c := northern(func(c *certificate.Certificate) { c.VerifyURL += strings.Repeat("/7", i) + fmt.Sprint(i) })
		d := readPDF(t, render(t, c))
		want, err := qr.Encode(c.VerifyURL, qr.M, qr.Auto)
		if err != nil {
			t.Fatal(err)
		}
		n := want.Bounds().Dx()
		got := make([][]bool, n)
		for i := range got {
			got[i] = make([]bool, n)
		}
		drawing := one(t, d.content, `(?s)q 0 g [^\n]* cm\n(.*?)f Q`)
		for _, m := range regexp.MustCompile(`(\d+) (\d+) (\d+) 1 re`).FindAllStringSubmatch(drawing, -1) {
			x, _ := strconv.Atoi(m[1])
			y, _ := strconv.Atoi(m[2])
			width, _ := strconv.Atoi(m[3])
			for i := x; i < x+width; i++ {
				got[y][i] = true
			}
		}
		other := 0
		for y := range n {
			for x := range n {
				r, _, _, _ := want.At(x, y).RGBA()
				if got[y][x] != (r == 0) {
					other++
				}
			}
		}
		if other > 0 {
			t.Errorf("%s: %d of %d modules are others", c.VerifyURL, other, n*n)
		}
		if !bytes.Contains(d.raw, []byte("/S /URI /URI ("+c.VerifyURL+")")) {
			t.Error("no link to the address")
		}
	}
}

func TestRender_QRCodeAsZbarReadsIt(t *testing.T) {
	for _, address := range []string{
		"https://a.ca/1", "https://verify.partner.example/c/SECOR-2026-0041",
		"https://verify.partner.example/c?number=" + strings.Repeat("%C3%89", 13) + "01",
	} {
		raw := render(t, northern(func(c *certificate.Certificate) { c.VerifyURL = address }))
		got := strings.TrimSpace(tool(t, raw, "zbarimg", "--quiet", "--raw", "PICTURE-1.png"))
		if got != address {
			t.Errorf("zbarimg reads %q, want %q", got, address)
		}
	}
}

// A reader needs no font of its own, and is told what the file is and in which language.
func TestRender_FontsAndProperties(t *testing.T) {
	batch, err := renderer(t).RenderBatch("Ménard (certificats)", envelopes(12))
	if err != nil {
		t.Fatal(err)
	}
	invoice, err := renderer(t).RenderInvoice(invoiced(func(i *certificate.Invoice) { i.Language = certificate.French }))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name                    string
		raw                     []byte
		title, author, language string
		fonts                   int
	}{
		{"certificate", render(t, northern(nil)), "Small Employer Certificate of Recognition SECOR-2026-0041, Northern Lights Drilling & Forage Éclair Ltée",
			"Prairie Energy Safety Partners", "en-CA", 5},
		{"letter", renderCover(t, cover(nil)), "Your Small Employer Certificate of Recognition Case 41 / SECOR-2026-0041",
			"Prairie Energy Safety Partners", "en-CA", 3},
		{"invoice", invoice, "Facture 2026-0118", "Prairie Energy Safety Partners", "fr-CA", 2},
		{"batch of twelve", batch, "Ménard (certificats)", "Prairie Energy Safety Partners", "en-CA", 5},
	}
	for _, tt := range tests {
		fonts := strings.Split(strings.TrimSpace(tool(t, tt.raw, "pdffonts", "FILE")), "\n")[2:]
		if len(fonts) != tt.fonts {
			t.Errorf("%s: %d fonts, want %d:\n%s", tt.name, len(fonts), tt.fonts, strings.Join(fonts, "\n"))
		}
		for _, f := range fonts {
			if !regexp.MustCompile(`TrueType +\S+ +yes yes `).MatchString(f) {
				t.Errorf("%s: font is not embedded as a subset: %s", tt.name, f)
			}
		}
		properties := tool(t, tt.raw, "pdfinfo", "FILE")
		for _, want := range []string{"Title:           " + strings.TrimSpace(tt.title) + "\n", "Author:          " + tt.author + "\n", "Creator:         secordesk\n"} {
			if !strings.Contains(properties, want) {
				t.Errorf("%s: pdfinfo does not say %q:\n%s", tt.name, want, properties)
			}
		}
		if !bytes.Contains(tt.raw, []byte("/Lang ("+tt.language+")")) {
			t.Errorf("%s: its language is not said to be %s", tt.name, tt.language)
		}
	}
}

// hashOnly makes this test's binary print what it renders as a hash, for TestRender_SameBytesElsewhere.
const hashOnly = "SECOR_TEST_HASH_ONLY"

// rendered is everything that this package prints, as one hash.
func rendered(t *testing.T) string {
	t.Helper()
	invoice, err := renderer(t).RenderInvoice(invoiced(nil))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := renderer(t).RenderBatch("Batch", envelopes(7))
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.Join([][]byte{render(t, northern(nil)), renderCover(t, cover(nil)), invoice, batch}, nil)
	return fmt.Sprintf("%x", sha256.Sum256(all))
}

func TestRender_SameBytesElsewhere(t *testing.T) {
	want := "rendered " + rendered(t)
	if os.Getenv(hashOnly) != "" {
		fmt.Println(want)
		return
	}
	for range 2 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestRender_SameBytesElsewhere$")
		cmd.Env = append(os.Environ(), hashOnly+"=1", "TZ=Asia/Tokyo", "LANG=C")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("another process: %v, %s; want %s", err, out, want)
		}
	}
}

func TestRender_SameBytes(t *testing.T) {
	r := renderer(t)
	want := render(t, northern(nil))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 4 {
				got, err := r.Render(northern(nil))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("rendered again: %v, other bytes %t", err, !bytes.Equal(got, want))
				}
			}
		})
	}
	wg.Wait()
	other := render(t, northern(func(c *certificate.Certificate) { c.Number = "SECOR-2026-0042" }))
	if bytes.Equal(other, want) {
		t.Error("another number gives the same bytes")
	}
}

func TestRender_Refused(t *testing.T) {
	type cert = certificate.Certificate
	tests := []struct {
		name    string
		change  func(*cert)
		field   string
		problem string // part of it
	}{
		{"no number", func(c *cert) { c.Number = "" }, "Number", "missing"},
		{"no title", func(c *cert) { c.Title = " " }, "Title", "missing"},
		{"no legal name", func(c *cert) { c.LegalName = "" }, "LegalName", "missing"},
		{"no body", func(c *cert) { c.Body = "" }, "Body", "missing"},
		{"no partner", func(c *cert) { c.Partner = "" }, "Partner", "missing"},
		{"empty account", func(c *cert) { c.Accounts = []string{"1", ""} }, "Accounts[1]", "missing"},
		{"empty code", func(c *cert) { c.IndustryCodes = []string{""} }, "IndustryCodes[0]", "missing"},
		{"term of no year", func(c *cert) { c.TermYears = 0 }, "TermYears", "is 0"},
		{"term of ten years", func(c *cert) { c.TermYears = 10 }, "TermYears", "is 10"},
		{"no date of issue", func(c *cert) { c.IssuedOn = time.Time{} }, "IssuedOn", "missing"},
		{"no date of expiry", func(c *cert) { c.ExpiresOn = time.Time{} }, "ExpiresOn", "missing"},
		{"expires on the day of issue", func(c *cert) { c.ExpiresOn = c.IssuedOn.Add(time.Hour) }, "ExpiresOn", "not after"},
		{"no address", func(c *cert) { c.VerifyURL = "" }, "VerifyURL", "missing"},
		{"address without a scheme", func(c *cert) { c.VerifyURL = "verify.example/1" }, "VerifyURL", "https://"},
		{"address that is a script", func(c *cert) { c.VerifyURL = "javascript:alert(1)" }, "VerifyURL", "https://"},
		{"accent in the address", func(c *cert) { c.VerifyURL = "https://é.example" }, "VerifyURL", "percent-encode"},
		{"very long address", func(c *cert) { c.VerifyURL += strings.Repeat("x", 100) }, "VerifyURL", "at most 120"},
		{"nobody signs", func(c *cert) { c.Signatories = nil }, "Signatories", "are 0"},
		{"four sign", func(c *cert) { c.Signatories = append(c.Signatories, c.Signatories...) }, "Signatories", "are 4"},
		{"signatory without a name", func(c *cert) { c.Signatories[1].Name = "" }, "Signatories[1].Name", "missing"},
		{"signatory without a title", func(c *cert) { c.Signatories[0].Title = "" }, "Signatories[0].Title", "missing"},
		{"Chinese name", func(c *cert) { c.LegalName = "北方 北 Drilling" }, "LegalName", "have: 北 (U+5317), 方 (U+65B9); write"},
		{"Cree name", func(c *cert) { c.LegalName = "ᓀᐦᐃᔭᐍᐏᐣ Drilling ᓀᐦᐃ" }, "LegalName", "ᓀ (U+14C0), ᐦ (U+1426), ᐃ (U+1403), "},
		{"many letters of another script", func(c *cert) { c.LegalName = "ᐁᐂᐃᐄᐅᐆᐇᐈᐉᐊ" }, "LegalName", "and 2 more; write"},
		{"writing turned round", func(c *cert) { c.LegalName = "Northern \u202egnillirD" }, "LegalName", "U+202E"},
		{"character of no width", func(c *cert) { c.TradeName = "North\u200bern" }, "TradeName", "U+200B"},
		{"end of a string in C", func(c *cert) { c.Number = "N-1\x00" }, "Number", "U+0000"},
		{"private character", func(c *cert) { c.LegalName = "\ue000 Drilling" }, "LegalName", "U+E000"},
		{"German", func(c *cert) { c.Language = "de" }, "Language", `"de"`},
		{"emoji in the trade name", func(c *cert) { c.TradeName = "Drill 🛢" }, "TradeName", "U+1F6E2"},
		{"accent on a letter that has none", func(c *cert) { c.LegalName = "Q\u0301clair" }, "LegalName", "U+0301"},
		{"line break", func(c *cert) { c.LegalName = "Northern\nLights" }, "LegalName", "U+000A"},
		{"soft hyphen", func(c *cert) { c.LegalName = "North\u00adern" }, "LegalName", "U+00AD"},
		{"invalid UTF-8", func(c *cert) { c.LegalName = "caf\xe9" }, "LegalName", "UTF-8"},
		{"name of 3000 characters", func(c *cert) { c.LegalName = strings.Repeat("Northern ", 333) }, "LegalName", "too long"},
		{"a hundred accounts", func(c *cert) { c.Accounts = make100() }, "Accounts", "too long"},
	}
	r := renderer(t)
	for _, tt := range tests {
		raw, err := r.Render(northern(tt.change))
		var got *certificate.FieldError
		if !errors.As(err, &got) || got.Field != tt.field || !strings.Contains(got.Problem, tt.problem) || raw != nil {
			t.Errorf("%s: error %v, want %s %s", tt.name, err, tt.field, tt.problem)
		}
	}
}

func make100() []string {
	var accounts []string
	for i := range 100 {
		accounts = append(accounts, fmt.Sprint(1234567+i))
	}
	return accounts
}

// Macs write é as two characters in file names and in what is exported from them.
func TestRender_AccentsApartFromTheirLetters(t *testing.T) {
	apart := norm.NFD.String
	whole := northern(nil)
	c := northern(func(c *certificate.Certificate) {
		c.LegalName, c.TradeName = apart(c.LegalName), apart(c.TradeName)
		c.Signatories = []certificate.Signatory{{Name: apart(c.Signatories[0].Name), Title: c.Signatories[0].Title}, c.Signatories[1]}
	})
	if c.LegalName == whole.LegalName {
		t.Fatal("the test's name has no accents")
	}
	if !bytes.Equal(render(t, c), render(t, whole)) {
		t.Error("a certificate with accents apart from their letters is another one")
	}
	letter := cover(func(c *certificate.Cover) { c.Address[0], c.Salutation = apart(c.Address[0]), apart(c.Salutation) })
	if !bytes.Equal(renderCover(t, letter), renderCover(t, cover(nil))) {
		t.Error("a letter with accents apart from their letters is another one")
	}
	r := renderer(t)
	want, err := r.RenderInvoice(invoiced(nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.RenderInvoice(invoiced(func(i *certificate.Invoice) { i.Address[0] = apart(i.Address[0]) }))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("an invoice with accents apart from their letters is another one: %v", err)
	}
	want, err = r.RenderBatch("Batch", []certificate.Envelope{{Cover: cover(nil), Certificate: &whole}})
	if err != nil {
		t.Fatal(err)
	}
	got, err = r.RenderBatch("Batch", []certificate.Envelope{{Cover: letter, Certificate: &c}})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("a batch with accents apart from their letters is another one: %v", err)
	}
}

// What has a meaning in a PDF is text like any other.
func TestRender_HostileText(t *testing.T) {
	for _, hostile := range []string{
		`Drill)>>stream endstream endobj`, `\) Tj ET Q 99 0 obj <</JS (app.alert(1))>>`, `((((`, `))))`, `\\\`, `\101\n`, `%PDF-1.7 %%EOF`,
		`<FEFF0041> /Name [ ] << >>`, `{nb} &lt;b&gt; <b>bold</b> {{.Secret}} %s %d`,
	} {
		raw := render(t, northern(func(c *certificate.Certificate) {
			c.LegalName, c.TradeName, c.Number, c.Accounts = hostile, hostile, hostile, []string{hostile}
			c.Title, c.Partner = "Title "+hostile, "Partner "+hostile
		}))
		got := strings.Join(strings.Fields(tool(t, raw, "pdftotext", "-raw", "FILE", "-")), "")
		want := strings.Join(strings.Fields(hostile), "")
		if n := strings.Count(got, want); n < 6 {
			t.Errorf("pdftotext finds %q %d times of 6:\n%s", hostile, n, got)
		}
		if n := strings.Count(tool(t, raw, "pdfinfo", "FILE"), hostile); n < 3 {
			t.Errorf("%q stands %d times among the properties, want title twice and author", hostile, n)
		}
	}
}

// Each letter, digit, sign and mark of punctuation that the fonts have is found again by another's reader.
func TestRender_EveryLetter(t *testing.T) {
	r := renderer(t)
	var printed []string
	line := ""
	for c := '!'; c < 0x2700; c++ { // where the fonts' last signs are
		_, err := r.Render(northern(func(k *certificate.Certificate) { k.Accounts = []string{string(c)} }))
		var missing *certificate.FieldError
		if errors.As(err, &missing) {
			continue
		}
		line += string(c)
		if len([]rune(line)) == 40 {
			printed = append(printed, line)
			line = ""
		}
	}
	printed = append(printed, line)
	for _, s := range printed {
		got := tool(t, render(t, northern(func(c *certificate.Certificate) { c.TradeName = s })), "pdftotext", "-raw", "FILE", "-")
		if !strings.Contains(got, "operating as "+norm.NFC.String(s)) {
			t.Errorf("want %s in\n%s", s, got)
		}
	}
}

func cover(change func(*certificate.Cover)) certificate.Cover {
	c := certificate.Cover{
		Sender: []string{"Prairie Energy Safety Partners", "5055 – 11 Street NE, Calgary, Alberta  T2E 8N4",
			"Telephone 403-555-0101 · certificates@partner.example"},
		Address: []string{"Northern Lights Drilling & Forage Éclair Ltée", "Attention: Éloïse Núñez, President",
			"12, rue de l’Église", "PO Box 417", "FALHER AB  T0H 1M0"},
		Date: time.Date(2026, 3, 25, 0, 0, 0, 0, time.UTC), Reference: "Case 41 / SECOR-2026-0041",
		Subject: "Your Small Employer Certificate of Recognition", Salutation: "Dear Ms. Núñez,",
		Body: []string{
			"Congratulations. The quality assurance review of your self-assessment is complete, and your company has met the standard.",
			"Your certificate is enclosed. Please check that the legal name, the account numbers and the industry codes are right.",
		},
		Closing: "Yours sincerely,", Signatory: certificate.Signatory{Name: "Żaneta Łącka", Title: "Certification Manager"},
		Enclosures: []string{"Certificate SECOR-2026-0041"},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func renderCover(t *testing.T, c certificate.Cover) []byte {
	t.Helper()
	raw, err := renderer(t).RenderCover(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// However the sheet lies in a #10 envelope, its window shows the address and nothing else.
func TestRenderCover_Window(t *testing.T) {
	for lines := 1; lines <= 6; lines++ {
		c := cover(func(c *certificate.Cover) {
			c.Address = append(c.Address, "CANADA")[:lines]
			c.Sender = append(c.Sender, "Line four", "Line five", "Line six")
			c.Reference = strings.Repeat("SECOR-2026-0041 ", 4)
		})
		invoice, err := renderer(t).RenderInvoice(invoiced(func(i *certificate.Invoice) {
			i.Sender, i.Address, i.Reference, i.Number = c.Sender, c.Address, c.Reference, strings.Repeat("2026-0118 ", 5)
		}))
		if err != nil {
			t.Fatal(err)
		}
		for name, raw := range map[string][]byte{"letter": renderCover(t, c), "invoice": invoice} {
			diff := cmp.Diff(c.Address, inWindow(t, raw))
			if diff != "" {
				t.Errorf("%s, %d lines: window shows (-want +got):\n%s", name, lines, diff)
			}
		}
	}
}

// A company's name may have 200 characters; its letter must reach it.
func TestRenderCover_LongNameInTheWindow(t *testing.T) {
	for _, name := range []string{
		"Northern Lights Drilling & Forage Éclair Ltée and Company", strings.TrimSpace(strings.Repeat("Northern Lights ", 13))[:200],
		strings.Repeat("W", 200), strings.TrimSpace(strings.Repeat("WWWWWWWWW ", 20)), strings.Repeat("i", 200),
	} {
		address := []string{name, "Éloïse Núñez", "12, rue de l’Église", "FALHER AB  T0H 1M0"}
		raw := renderCover(t, cover(func(c *certificate.Cover) { c.Address = address }))
		got := strings.ReplaceAll(strings.Join(inWindow(t, raw), ""), " ", "")
		if want := strings.ReplaceAll(strings.Join(address, ""), " ", ""); got != want {
			t.Errorf("window shows %s, want %s", got, want)
		}
	}
}

// inWindow is what the window shows, wherever the sheet slides in the envelope.
func inWindow(t *testing.T, raw []byte) []string {
	t.Helper()
	const inch = 72.0
	var shown []string
	for _, w := range readPDF(t, raw).text(t) {
		above, below := w.y-w.size, w.y+0.3*w.size
		if above > 3.63*inch || below < 2.04*inch || w.x > 5.375*inch {
			continue // can never be seen
		}
		shown = append(shown, w.s)
		// An envelope and a sheet that lie as they usually do: by half an inch, and on the lower edge.
		if w.x < 0.875*inch || above < 2.04*inch || below > 3.167*inch+18 {
			t.Errorf("%q at %.0f, %.0f is not whole in the window", w.s, w.x, w.y)
		}
	}
	return shown
}

func TestRenderCover_TextLayer(t *testing.T) {
	c := cover(nil)
	d := readPDF(t, renderCover(t, c))
	got := strings.Join(strings.Fields(all(d.text(t))), " ")
	wanted := append([]string{"25 March 2026", c.Reference, c.Subject, c.Salutation, c.Closing, c.Signatory.Name,
		c.Signatory.Title, "Enclosed: Certificate SECOR-2026-0041"}, append(c.Body, c.Sender...)...)
	for _, want := range wanted {
		if !strings.Contains(got, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("text layer lacks %q:\n%s", want, got)
		}
	}
	if !bytes.Contains(d.raw, []byte("/MediaBox [0 0 612.00 792.00]")) {
		t.Error("not a portrait Letter page")
	}
	if !bytes.Equal(d.raw, renderCover(t, c)) {
		t.Error("rendered again: other bytes")
	}
}

func TestRenderCover_Refused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*certificate.Cover)
		field  string
	}{
		{"no sender", func(c *certificate.Cover) { c.Sender = nil }, "Sender"},
		{"no address", func(c *certificate.Cover) { c.Address = nil }, "Address"},
		{"seven lines of address", func(c *certificate.Cover) { c.Address = append(c.Address, "CANADA", "EARTH") }, "Address"},
		{"empty line in the address", func(c *certificate.Cover) { c.Address[2] = "" }, "Address[2]"},
		{"address too long for the window", func(c *certificate.Cover) { c.Address[0] = strings.Repeat("Wide ", 100) }, "Address"},
		{"no date", func(c *certificate.Cover) { c.Date = time.Time{} }, "Date"},
		{"no salutation", func(c *certificate.Cover) { c.Salutation = "" }, "Salutation"},
		{"no body", func(c *certificate.Cover) { c.Body = nil }, "Body"},
		{"no closing", func(c *certificate.Cover) { c.Closing = "" }, "Closing"},
		{"no signatory", func(c *certificate.Cover) { c.Signatory.Name = "" }, "Signatory.Name"},
		{"signatory without a title", func(c *certificate.Cover) { c.Signatory.Title = "" }, "Signatory.Title"},
		{"Chinese reference", func(c *certificate.Cover) { c.Reference = "北" }, "Reference"},
		{"emoji in the subject", func(c *certificate.Cover) { c.Subject = "🛢" }, "Subject"},
		{"empty enclosure", func(c *certificate.Cover) { c.Enclosures = []string{""} }, "Enclosures[0]"},
		{"more than a page", func(c *certificate.Cover) { c.Body = []string{strings.Repeat("word ", 1500)} }, "Body"},
	}
	r := renderer(t)
	for _, tt := range tests {
		raw, err := r.RenderCover(cover(tt.change))
		var got *certificate.FieldError
		if !errors.As(err, &got) || got.Field != tt.field || raw != nil {
			t.Errorf("%s: error %v, want a refusal of %s", tt.name, err, tt.field)
		}
	}
}
