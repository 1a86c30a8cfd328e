package jobs

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"secordesk/jobs/certificate"
	"secordesk/jobs/mail"
	"secordesk/store/secor"
)

// invoiceKinds is invoice follow-up: check a registration before anything is
// charged, draw up the invoice and send it as a paper, remind of it, hold the
// reminders for a promise to pay, thank for the payment, state the account. Whether
// a reminder is still true is decided when it is sent; consequences are a person's.
func invoiceKinds() []Kind {
	invoice := write(secor.JobInvoice, "invoice")
	invoice.Letter = writeInvoice
	return []Kind{
		work(secor.JobCheckRegistration, checkRegistration),
		invoice,
		write(secor.JobInvoiceReminder, "invoice_reminder"),
		work(secor.JobResumeReminders, resumeReminders),
		write(secor.JobReceipt, "payment_received"),
		write(secor.JobStatement, "statement"),
	}
}

// checkRegistration invoices a registration that is in order. What is not in
// order is written down for a lead, and the registration waits.
func checkRegistration(_ *Desk, f *secor.File, _ secor.Event) error {
	err := take(f, "invoice")
	if errors.Is(err, secor.ErrGuard) {
		f.AskRegistration(err)
		return nil
	}
	return err
}

func resumeReminders(_ *Desk, f *secor.File, _ secor.Event) error { return f.ResumeReminders() }

// writeInvoice is the letter with the invoice as a PDF. The paper is kept with the
// case in the transaction that begins the sending, under a name that has its hash,
// so that what was sent is what is kept, also when a later attempt sends another.
func writeInvoice(d *Desk, f *secor.File, cause secor.Event, to Recipient) (mail.Message, error) {
	message, err := d.write("invoice", f, cause, to)
	if err != nil {
		return message, err
	}
	paper := d.invoice(f)
	data, err := d.papers.RenderInvoice(paper)
	if err != nil {
		return message, unprintable(err)
	}
	kept := fmt.Sprintf("%s-invoice-%x.pdf", paper.Number, sha256.Sum256(data))
	f.Documents = append(f.Documents, secor.Document{Name: kept, Type: "application/pdf", Data: data})
	name := map[secor.Language]string{secor.French: "facture-"}[languageTo(f)]
	message.Attachments = append(message.Attachments, mail.Attachment{Name: cmp.Or(name, "invoice-") + paper.Number + ".pdf", Type: "application/pdf", Data: data})
	return message, nil
}

// languageTo returns the language in which a company is written to.
func languageTo(f *secor.File) secor.Language {
	if f.Company.Language == secor.French {
		return secor.French
	}
	return secor.English
}

// invoice returns the case's invoice as it is printed today.
func (d *Desk) invoice(f *secor.File) certificate.Invoice {
	invoice, lang := f.Invoice(), languageTo(f)
	paper := certificate.Invoice{
		Language: string(lang), Sender: d.sender(), Address: postalAddress(f.Company), Number: invoice.Number(), TaxNumber: d.TaxNumber,
		Reference: map[bool]string{true: "Dossier ", false: "Case "}[lang == secor.French] + fmt.Sprint(f.Case.ID),
		Date:      f.Today().Start(time.UTC), Due: f.Today().Start(time.UTC),
		Lines: []certificate.InvoiceLine{{Text: feeText(invoice, lang), Cents: int64(invoice.Net)}},
		Paid:  max(0, int64(invoice.Paid())), HowToPay: d.howToPay(lang),
	}
	due, set := f.InvoiceDue()
	if set && due.After(f.Today()) {
		paper.Due = due.Start(time.UTC)
	}
	for _, t := range invoice.TaxLines() {
		paper.Taxes = append(paper.Taxes, certificate.InvoiceLine{Text: taxText(t, lang), Cents: int64(t.Amount)})
	}
	return paper
}

// sender returns the lines that head a paper.
func (d *Desk) sender() []string {
	lines := append([]string{d.Name}, d.Address...)
	for _, line := range []string{d.Phone, d.From} {
		if line != "" && len(lines) < 6 {
			lines = append(lines, line)
		}
	}
	return lines
}

// postalAddress returns a company's address as an envelope shows it, without the
// lines that are not known.
func postalAddress(c secor.Company) []string {
	lines := []string{c.LegalName, c.Contact}
	if c.Address.Street+c.Address.City != "" {
		lines = append(lines, c.Address.Lines()...)
	}
	return slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" })
}

func feeText(i *secor.Invoice, lang secor.Language) string {
	switch {
	case i.Kind == secor.FeeAnnual && lang == secor.French:
		return fmt.Sprintf("Frais annuels %d, un examen d’assurance de la qualité compris", i.FeeYear)
	case i.Kind == secor.FeeAnnual:
		return fmt.Sprintf("Annual fee %d, one quality assurance review included", i.FeeYear)
	case lang == secor.French:
		return fmt.Sprintf("Examen d’assurance de la qualité de plus en %d", i.FeeYear)
	default:
		return fmt.Sprintf("One more quality assurance review in %d", i.FeeYear)
	}
}

// taxText names a tax with its rate, where that is known: "GST 5 %".
func taxText(t secor.TaxLine, lang secor.Language) string {
	if t.BasisPoints == 0 {
		return lang.Tax(t.Name)
	}
	rate := strings.TrimSuffix(strings.TrimRight(lang.Points(secor.Points(t.BasisPoints)), "0"), ".")
	return lang.Tax(t.Name) + " " + strings.TrimSuffix(rate, ",") + " %"
}

// howToPay returns the office's words on payment, and our own where it gave none in
// that language.
func (d *Desk) howToPay(lang secor.Language) []string {
	if lang == secor.French && len(d.HowToPayFrench) > 0 {
		return d.HowToPayFrench
	}
	if len(d.HowToPay) > 0 && lang != secor.French {
		return d.HowToPay
	}
	french := lang == secor.French
	var lines []string
	add := func(known bool, english, inFrench string) {
		switch {
		case known && french:
			lines = append(lines, inFrench)
		case known:
			lines = append(lines, english)
		}
	}
	if len(d.HowToPay) > 0 { // in English alone: what the office takes is its own to say, and nobody is sent words in another language
		add(d.Phone != "", "", "Appelez-nous au "+d.Phone+" ou répondez à notre lettre : nous vous dirons comment payer.")
		add(d.Phone == "", "", "Répondez à notre lettre : nous vous dirons comment payer.")
		return lines
	}
	address := strings.Join(strings.Fields(strings.Join(d.Address, ", ")), " ")
	add(address != "", "By cheque to "+d.Name+", "+address+".", "Par chèque à l’ordre de "+d.Name+", "+address+".")
	add(d.Phone != "", "By bank transfer or card: please call us at "+d.Phone+".", "Par virement ou par carte : appelez-nous au "+d.Phone+".")
	add(len(lines) == 0, "By cheque, bank transfer or card: please answer our letter, and we tell you how.", "Par chèque, virement ou carte : répondez à notre lettre et nous vous dirons comment faire.")
	return lines
}

// Reminder returns which reminder the letter is, 1 for the first.
func (p letterPage) Reminder() int {
	nth, _ := p.File.Reminder(p.Cause)
	return nth
}

// LastReminder reports whether no reminder follows: then only a call helps.
func (p letterPage) LastReminder() bool {
	nth, all := p.File.Reminder(p.Cause)
	return nth > 0 && nth == all
}

// PayBy returns the last day on which the invoice is paid in time; zero when none
// is set.
func (p letterPage) PayBy() secor.Date {
	due, _ := p.File.InvoiceDue()
	return due
}

// Instructions returns how to pay, a paragraph each.
func (p letterPage) Instructions() []string { return p.Desk.howToPay(p.Lang) }

// Rate returns a tax with its rate in the letter's language.
func (p letterPage) Rate(t secor.TaxLine) string { return taxText(t, p.Lang) }

// Ways returns the commands by which a lead can go on, as far as the case offers
// them. None of them is ever taken by the desk itself.
func (p letterPage) Ways() []string {
	var ways []string
	offer := func(name, rest string) {
		if slices.ContainsFunc(p.File.Offered(secor.RoleLead), func(s secor.Step) bool { return s.Name == name }) {
			ways = append(ways, strings.TrimSpace(fmt.Sprintf("secordesk case %s %d %s", name, p.File.Case.ID, rest)))
		}
	}
	const why = `--reason "…"`
	policy := p.Cause.Facts["policy"]
	switch {
	case p.Cause.Kind == secor.EventRegistrationAsked:
		offer("invoice", p.acceptable())
		offer("cancel", why)
	case p.Cause.Kind == secor.EventRulingContested:
		offer("revoke", why)
		offer("decline-one-year", why)
		offer("appeal", why)
	case p.Cause.Kind == secor.EventBatchFailed:
		job := p.Cause.Facts["job"]
		ways = append(ways, "secordesk jobs retry "+job+" "+why, "secordesk jobs cancel "+job+" "+why, "secordesk certificate batch --body "+p.File.Body.ID)
	case p.Cause.Kind == secor.EventInvoiceOverpaid:
		offer("refund", "--method cheque --reference … "+why)
	case p.Cause.Kind == secor.EventPaymentReversed, policy == secor.PolicyInvoice, policy == secor.PolicyPromise:
		offer("pay", "--amount … --method … --reference …")
		offer("promise-to-pay", "--pays-on … "+why)
		offer("statement", "")
		offer("lapse", why)
		offer("cancel", why)
	}
	return ways
}

// acceptable returns the flags that accept what a person may accept of a
// registration's findings; "" when there is nothing to accept.
func (p letterPage) acceptable() string {
	var names []string
	for _, finding := range p.File.Check(secor.MomentRegistration) {
		if finding.Effect == secor.EffectAsk {
			names = append(names, string(finding.Guard))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "--accept " + strings.Join(names, ",") + ` --reason "…"`
}
