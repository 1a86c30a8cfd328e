package certificate

import (
	"fmt"
	"time"
)

// Invoice is what a company owes, as it is printed. Reference, TaxNumber, Taxes, Paid, HowToPay and Notes may be empty,
// nothing else. The sums are made from it, so that they cannot differ from its lines.
type Invoice struct {
	Language  string    // of the fixed words: English (which "" is, too) or French
	Sender    []string  // as a Cover's
	Address   []string  // as a Cover's: it stands where the envelope's window is
	Number    string    // e.g. "2026-0118"
	Reference string    // e.g. "Case 14"
	TaxNumber string    // the sender's registration, e.g. "GST 12345 6789 RT0001"
	Date      time.Time // both: the date in the time's own zone
	Due       time.Time
	Lines     []InvoiceLine // 1 to 12
	Taxes     []InvoiceLine // at most 4, e.g. "GST 5 %"
	Paid      int64         // cents that have come so far
	HowToPay  []string      // paragraphs
	Notes     []string      // paragraphs
}

// InvoiceLine is one amount and what it is for; Cents is below zero for a credit.
type InvoiceLine struct {
	Text  string
	Cents int64
}

// Total is lines and taxes together, in cents.
func (i Invoice) Total() int64 { return sum(i.Lines) + sum(i.Taxes) }

// Balance is what is still to be paid, in cents; below zero when more has come than was owed.
func (i Invoice) Balance() int64 { return i.Total() - i.Paid }

func sum(lines []InvoiceLine) int64 {
	total := int64(0)
	for _, k := range lines {
		total += k.Cents
	}
	return total
}

const (
	mostLines = 12
	mostTaxes = 4
	mostCents = 99_999_999_99
)

func (r *Renderer) validateInvoice(i Invoice) error {
	err := r.validatePost(i.Sender, i.Address)
	if err != nil {
		return err
	}
	err = r.filled("Number", i.Number)
	if err != nil {
		return err
	}
	for _, f := range []struct{ field, value string }{{"Reference", i.Reference}, {"TaxNumber", i.TaxNumber}} {
		err := r.printable(f.field, f.value)
		if err != nil {
			return err
		}
	}
	if i.Date.IsZero() {
		return &FieldError{"Date", "is missing"}
	}
	if i.Due.Format(time.DateOnly) < i.Date.Format(time.DateOnly) {
		return &FieldError{"Due", "is missing or before Date"}
	}
	if len(i.Lines) < 1 || len(i.Lines) > mostLines {
		return &FieldError{"Lines", fmt.Sprintf("are %d; 1 to %d can be printed", len(i.Lines), mostLines)}
	}
	if len(i.Taxes) > mostTaxes {
		return &FieldError{"Taxes", fmt.Sprintf("are %d; at most %d can be printed", len(i.Taxes), mostTaxes)}
	}
	err = r.validateAmounts(i)
	if err != nil {
		return err
	}
	err = r.allFilled("HowToPay", i.HowToPay)
	if err != nil {
		return err
	}
	return r.allFilled("Notes", i.Notes)
}

func (r *Renderer) validateAmounts(i Invoice) error {
	for _, part := range []struct {
		field string
		lines []InvoiceLine
	}{{"Lines", i.Lines}, {"Taxes", i.Taxes}} {
		for n, k := range part.lines {
			err := r.filled(fmt.Sprintf("%s[%d].Text", part.field, n), k.Text)
			if err != nil {
				return err
			}
			if k.Cents > mostCents || k.Cents < -mostCents {
				return &FieldError{fmt.Sprintf("%s[%d].Cents", part.field, n), "is more than can be printed"}
			}
		}
	}
	if i.Paid < 0 || i.Paid > mostCents {
		return &FieldError{"Paid", "is below zero or more than can be printed"}
	}
	return nil
}

// RenderInvoice returns i as a PDF of one portrait Letter page, with its address where the envelope's window is. It
// returns a *FieldError as Render does, and for an invoice that does not fit on one page.
func (r *Renderer) RenderInvoice(i Invoice) ([]byte, error) {
	i = i.joined()
	p, w, err := r.composeInvoice(i)
	if err != nil {
		return nil, err
	}
	return write([]*page{p}, label{title: w.invoice.title + " " + i.Number, author: i.Sender[0], date: i.Date, language: w.tag})
}

func (r *Renderer) composeInvoice(i Invoice) (*page, *words, error) {
	w, err := wordsOf("Language", i.Language)
	if err != nil {
		return nil, nil, err
	}
	err = r.validateInvoice(i)
	if err != nil {
		return nil, nil, err
	}
	p := &page{width: letterShort, height: letterLong}
	err = r.composeSender(p, i.Sender)
	if err != nil {
		return nil, nil, err
	}
	err = r.composeAddress(p, i.Address)
	if err != nil {
		return nil, nil, err
	}
	facts := []fact{{"Number", w.invoice.number, i.Number}, {"Date", w.invoice.date, w.day(i.Date)},
		{"Due", w.invoice.due, w.day(i.Due)}, {"Reference", w.invoice.reference, i.Reference},
		{"TaxNumber", w.invoice.taxNumber, i.TaxNumber}}
	err = r.composeBeside(p, facts, 2.04*72)
	if err != nil {
		return nil, nil, err
	}
	p.put(r.bold, 20, coverLeft, titleLine, left, pine, w.invoice.title)
	table := &ledger{r: r, p: p, w: w, y: tableTop}
	err = table.compose(i)
	if err != nil {
		return nil, nil, err
	}
	err = r.composeRemarks(p, i, w, table.y)
	if err != nil {
		return nil, nil, err
	}
	return p, w, nil
}

const (
	titleLine   = paneBottom + 42
	tableTop    = paneBottom + 76
	amountWidth = 92.0
	sumsLeft    = coverRight - 236
	pad         = 8.0 // between the ends of a rule and the words on it
)

// ledger sets the rows of an invoice, from y on.
type ledger struct {
	r     *Renderer
	p     *page
	w     *words
	y     float64
	rules pen
}

// compose sets what is charged over the whole width, and what comes of it on the right.
func (l *ledger) compose(i Invoice) error {
	l.p.put(l.r.regular, 8, coverLeft+pad, l.y-6, left, slate, l.w.invoice.item)
	l.p.put(l.r.regular, 8, coverRight-pad, l.y-6, right, slate, l.w.invoice.amount)
	l.rules.op("q")
	l.rule(coverLeft, pine, 1)
	for n, k := range i.Lines {
		err := l.row(fmt.Sprintf("Lines[%d].Text", n), l.r.regular, coverLeft, k.Text, k.Cents)
		if err != nil {
			return err
		}
		l.rule(coverLeft, mist, 0.8)
	}
	l.y += 4
	err := l.composeSums(i)
	if err != nil {
		return err
	}
	l.rules.op("Q")
	l.p.drawing += l.rules.String()
	return nil
}

func (l *ledger) rule(from float64, c colour, width float64) {
	l.rules.stroke(c, width)
	l.rules.line(from, letterLong-l.y, coverRight, letterLong-l.y)
}

// row sets words, in as many lines as they need, and an amount beside the first.
func (l *ledger) row(field string, f *face, from float64, s string, cents int64) error {
	t, err := box{f, coverRight - from - amountWidth - 2*pad, []step{{1, 10, 9}, {2, 9, 8}, {3, 8, 7}}, false}.fit(field, s)
	if err != nil {
		return err
	}
	l.p.put(f, 10, coverRight-pad, l.y+15, right, ink, l.w.dollars(cents))
	l.y = max(l.p.column(t, from+pad, l.y+5, 1.25, left, ink)+4, l.y+21)
	return nil
}

func (l *ledger) composeSums(i Invoice) error {
	bold, regular := l.r.bold, l.r.regular
	if len(i.Taxes) > 0 {
		err := l.row("", regular, sumsLeft, l.w.invoice.subtotal, sum(i.Lines))
		if err != nil {
			return err
		}
	}
	for n, k := range i.Taxes {
		err := l.row(fmt.Sprintf("Taxes[%d].Text", n), regular, sumsLeft, k.Text, k.Cents)
		if err != nil {
			return err
		}
	}
	l.rule(sumsLeft, slate, 0.6)
	err := l.row("", bold, sumsLeft, l.w.invoice.total, i.Total())
	if err != nil {
		return err
	}
	if i.Paid > 0 {
		err := l.row("", regular, sumsLeft, l.w.invoice.paid, -i.Paid)
		if err != nil {
			return err
		}
	}
	words, cents := l.w.invoice.balance, i.Balance()
	if cents < 0 {
		words, cents = l.w.invoice.credit, -cents
	}
	const height = 26.0
	l.y += 3
	l.rules.fill(mist)
	l.rules.op("%.2f %.2f %.2f %.2f re f", sumsLeft, letterLong-l.y-height, coverRight-sumsLeft, height)
	l.p.put(bold, 12, sumsLeft+pad, l.y+17.5, left, pine, words)
	l.p.put(bold, 12, coverRight-pad, l.y+17.5, right, pine, l.w.dollars(cents))
	l.y += height
	return nil
}

// composeRemarks sets how to pay and the notes below the table, in the largest size at which they fit.
func (r *Renderer) composeRemarks(p *page, i Invoice, w *words, top float64) error {
	for size := 9.5; size >= 7.5; size -= 0.5 {
		below := &page{}
		y := top + 24
		paragraph := func(f *face, s string, tint colour) {
			lines, _ := f.wrap(s, size, coverRight-coverLeft)
			y = below.column(text{f, size, lines}, coverLeft, y, 1.35, left, tint) + 0.5*size
		}
		if len(i.HowToPay) > 0 {
			paragraph(r.bold, w.invoice.how, pine)
			for _, s := range i.HowToPay {
				paragraph(r.regular, s, ink)
			}
			y += size
		}
		for _, s := range i.Notes {
			paragraph(r.regular, s, slate)
		}
		paragraph(r.regular, w.invoice.currency, slate)
		if y <= coverBottom {
			p.runs = append(p.runs, below.runs...)
			return nil
		}
	}
	return &FieldError{"Notes", "and the rest do not fit on one page; shorten them"}
}
