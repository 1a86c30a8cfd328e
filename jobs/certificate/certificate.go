// Package certificate makes paper: certificates of recognition, the letters that go with them, invoices, and the batch
// that a printer gets, as PDF files.
// It decides nothing; what it prints is what it is given.
package certificate

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Certificate is what stands on one. Language, TradeName, Accounts and IndustryCodes may be empty, nothing else.
type Certificate struct {
	Language      string // of the fixed words: English (which "" is, too) or French
	Number        string
	Title         string // e.g. "Small Employer Certificate of Recognition"
	LegalName     string
	TradeName     string
	Accounts      []string // with the workers' compensation board
	IndustryCodes []string
	Body          string // the governing body that issues it
	Partner       string // the certifying partner that reviewed the audit
	TermYears     int    // 1 to 9
	IssuedOn      time.Time
	ExpiresOn     time.Time // both: the date in the time's own zone
	VerifyURL     string    // where anybody can look the number up; http or https, at most 120 bytes
	Signatories   []Signatory
}

// Signatory signs on paper above the line that bears the name. A certificate has one to three.
type Signatory struct {
	Name, Title string
}

const maxURL = 120

func (r *Renderer) validate(c Certificate) error {
	required := []struct{ field, value string }{
		{"Number", c.Number}, {"Title", c.Title}, {"LegalName", c.LegalName}, {"Body", c.Body}, {"Partner", c.Partner},
	}
	for _, f := range required {
		err := r.filled(f.field, f.value)
		if err != nil {
			return err
		}
	}
	err := r.printable("TradeName", c.TradeName)
	if err != nil {
		return err
	}
	err = r.allFilled("Accounts", c.Accounts)
	if err != nil {
		return err
	}
	err = r.allFilled("IndustryCodes", c.IndustryCodes)
	if err != nil {
		return err
	}
	err = validateTerm(c)
	if err != nil {
		return err
	}
	err = validateURL(c.VerifyURL)
	if err != nil {
		return err
	}
	return r.validateSignatories(c.Signatories)
}

func (r *Renderer) allFilled(field string, values []string) error {
	for i, v := range values {
		err := r.filled(fmt.Sprintf("%s[%d]", field, i), v)
		if err != nil {
			return err
		}
	}
	return nil
}

func validateTerm(c Certificate) error {
	if c.TermYears < 1 || c.TermYears > 9 {
		return &FieldError{"TermYears", fmt.Sprintf("is %d; a term of 1 to 9 years can be printed", c.TermYears)}
	}
	if c.IssuedOn.IsZero() {
		return &FieldError{"IssuedOn", "is missing"}
	}
	if c.ExpiresOn.IsZero() {
		return &FieldError{"ExpiresOn", "is missing"}
	}
	if c.ExpiresOn.Format(time.DateOnly) <= c.IssuedOn.Format(time.DateOnly) {
		return &FieldError{"ExpiresOn", "is not after IssuedOn"}
	}
	return nil
}

func validateURL(s string) error {
	if s == "" {
		return &FieldError{"VerifyURL", "is missing"}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return &FieldError{"VerifyURL", "is not a web address; write it as https://host/path"}
	}
	if len(s) > maxURL {
		return &FieldError{"VerifyURL", fmt.Sprintf("has %d bytes; at most %d can be printed", len(s), maxURL)}
	}
	if strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= unicode.MaxASCII }) {
		return &FieldError{"VerifyURL", "has a space or a character outside ASCII; percent-encode it"}
	}
	return nil
}

func (r *Renderer) validateSignatories(people []Signatory) error {
	if len(people) < 1 || len(people) > 3 {
		return &FieldError{"Signatories", fmt.Sprintf("are %d; one to three can sign", len(people))}
	}
	for i, s := range people {
		err := r.filled(fmt.Sprintf("Signatories[%d].Name", i), s.Name)
		if err != nil {
			return err
		}
		err = r.filled(fmt.Sprintf("Signatories[%d].Title", i), s.Title)
		if err != nil {
			return err
		}
	}
	return nil
}

// Render returns c as a PDF of one landscape Letter page. It returns a *FieldError for a field that is missing, has a
// character which the fonts do not have (they have Latin, Greek and Cyrillic), or is too long to be printed legibly.
func (r *Renderer) Render(c Certificate) ([]byte, error) {
	c = c.joined()
	p, err := r.compose(c)
	if err != nil {
		return nil, err
	}
	w, err := wordsOf("Language", c.Language)
	if err != nil {
		return nil, err
	}
	return write([]*page{p}, label{title: c.Title + " " + c.Number + ", " + c.LegalName, author: c.Partner, date: c.IssuedOn, language: w.tag})
}

func (r *Renderer) compose(c Certificate) (*page, error) {
	w, err := wordsOf("Language", c.Language)
	if err != nil {
		return nil, err
	}
	err = r.validate(c)
	if err != nil {
		return nil, err
	}
	p := &page{width: letterLong, height: letterShort, form: r.frame}
	err = r.composeHonour(p, c, w)
	if err != nil {
		return nil, err
	}
	err = r.composeFacts(p, c, w)
	if err != nil {
		return nil, err
	}
	err = r.composeSignatures(p, c.Signatories)
	if err != nil {
		return nil, err
	}
	err = r.composeVerification(p, c.VerifyURL, len(c.Signatories))
	if err != nil {
		return nil, err
	}
	return p, nil
}

// The certificate's horizontal bands, as y of their upper and lower ends.
const (
	middle        = letterLong / 2.0
	honourTop     = 136.0
	honourBottom  = 386.0
	factsTop      = 396.0
	factsBottom   = 462.0
	signatureLine = 518.0

	signatureWidth = 160.0
	signatureGap   = 19.0
	sideLeft       = 72.0
	sideRight      = letterLong - 72.0
)

// block is one of the centred texts, in the order in which they stand.
type block struct {
	field, value string
	box          box
	before       float64 // points of room above it, when there is enough
	leading      float64
	tint         colour
}

func (r *Renderer) honour(c Certificate, w *words) []block {
	wide := func(f *face, width float64, steps ...step) box { return box{f, width, steps, true} }
	blocks := []block{
		{"Body", c.Body, wide(r.caps, 600, step{1, 15, 11}, step{2, 11, 8}), 0, 1.15, slate},
		{"Title", c.Title, wide(r.caps, 630, step{1, 34, 22}, step{2, 24, 14}), 14, 1.15, pine},
		{"", w.certify.certifies, wide(r.regular, 600, step{1, 12, 12}), 18, 1.2, slate},
		{"LegalName", c.LegalName, wide(r.bold, 600, step{1, 34, 22}, step{2, 24, 15}, step{3, 16, 11}, step{4, 11, 8}), 16, 1.18, ink},
	}
	if c.TradeName != "" {
		blocks = append(blocks, block{"TradeName", w.certify.operating + " " + c.TradeName,
			wide(r.regular, 560, step{1, 14, 11}, step{2, 11, 8}, step{3, 8, 7}, step{4, 7, 6}), 8, 1.2, ink})
	}
	return append(blocks, block{"Partner", fmt.Sprintf(w.certify.met, c.Partner), wide(r.regular, 540, step{2, 12.5, 10}, step{3, 10, 7}), 18, 1.3, ink})
}

// composeHonour sets who is honoured for what, with the room that is left shared out between the blocks.
func (r *Renderer) composeHonour(p *page, c Certificate, w *words) error {
	blocks := r.honour(c, w)
	texts := make([]text, len(blocks))
	used, wished := 0.0, 0.0
	for i, b := range blocks {
		t, err := b.box.fit(b.field, b.value)
		if err != nil {
			return err
		}
		texts[i] = t
		used += float64(len(t.lines)) * t.size * b.leading
		wished += b.before
	}
	room := honourBottom - honourTop - used
	share := min(room/wished, 1.25)
	y := honourTop + (room-share*wished)/2
	for i, b := range blocks {
		y = p.column(texts[i], middle, y+share*b.before, b.leading, centre, b.tint)
	}
	return nil
}

// composeFacts sets number, dates and term in one row, accounts and codes in the next, between two rules.
func (r *Renderer) composeFacts(p *page, c Certificate, w *words) error {
	rules := &pen{}
	rules.op("q")
	rules.stroke(brass, 0.7)
	rules.line(sideLeft, letterShort-factsTop, sideRight, letterShort-factsTop)
	rules.line(sideLeft, letterShort-factsBottom, sideRight, letterShort-factsBottom)
	rules.op("Q")
	p.drawing += rules.String()

	facts := []struct {
		field, head, value string
		x, width           float64
		row                float64
		steps              []step
	}{
		{"Number", w.certify.number, c.Number, 72, 215, 0, []step{{1, 12, 7}, {2, 7, 5}}},
		{"IssuedOn", w.certify.issued, w.day(c.IssuedOn), 302, 130, 0, []step{{1, 12, 7}}},
		{"ExpiresOn", w.certify.until, w.day(c.ExpiresOn), 447, 130, 0, []step{{1, 12, 7}}},
		{"TermYears", w.certify.term, w.certify.years[c.TermYears-1], 592, 128, 0, []step{{1, 12, 7}}},
		{"Accounts", w.certify.accounts, strings.Join(c.Accounts, ", "), 72, 360, 1, []step{{1, 9.5, 7.5}, {2, 7, 5}}},
		{"IndustryCodes", w.certify.codes, strings.Join(c.IndustryCodes, ", "), 447, 273, 1, []step{{1, 9.5, 7.5}, {2, 7, 5}}},
	}
	down := 14.0
	if len(c.Accounts)+len(c.IndustryCodes) == 0 {
		down += 15 // the first row has the band to itself
	}
	for _, k := range facts {
		if k.value == "" {
			continue
		}
		t, err := box{r.bold, k.width, k.steps, false}.fit(k.field, k.value)
		if err != nil {
			return err
		}
		y := factsTop + down + 31*k.row
		p.put(r.regular, 7, k.x, y, left, slate, k.head)
		p.column(t, k.x, y+3, 1.15, left, ink)
	}
	return nil
}

// composeSignatures leaves room to sign above a line for each signatory.
func (r *Renderer) composeSignatures(p *page, people []Signatory) error {
	const width, gap = signatureWidth, signatureGap
	lines := &pen{}
	lines.op("q")
	lines.stroke(ink, 0.6)
	for i, s := range people {
		x := sideLeft + float64(i)*(width+gap)
		lines.line(x, letterShort-signatureLine, x+width, letterShort-signatureLine)
		name, err := box{r.bold, width, []step{{1, 10, 8}, {2, 8, 6}}, false}.fit(fmt.Sprintf("Signatories[%d].Name", i), s.Name)
		if err != nil {
			return err
		}
		title, err := box{r.regular, width, []step{{1, 8.5, 7.5}, {2, 7.5, 5}}, false}.fit(fmt.Sprintf("Signatories[%d].Title", i), s.Title)
		if err != nil {
			return err
		}
		y := p.column(name, x, signatureLine+3, 1.15, left, ink)
		p.column(title, x, y, 1.15, left, slate)
	}
	lines.op("Q")
	p.drawing += lines.String()
	return nil
}

// composeVerification sets the QR code and, for people without a telephone, what is in it.
func (r *Renderer) composeVerification(p *page, address string, signatories int) error {
	const size, x, y = 68.0, sideRight - 68, factsBottom + 9
	width := 124.0
	if signatories < 3 {
		width += signatureWidth + signatureGap
	}
	code, err := r.codes.draw(address, x, y, size, letterShort)
	if err != nil {
		return err
	}
	p.drawing += code
	t, err := box{r.regular, width, []step{{1, 7, 6}, {2, 6, 5.5}, {3, 5, 5}}, false}.fit("VerifyURL", address)
	if err != nil {
		return err
	}
	p.column(t, sideRight, y+size+3, 1.1, right, slate)
	p.links = append(p.links, link{x, y, size, size + 24, address})
	return nil
}
