package certificate

import "golang.org/x/text/unicode/norm"

// Some computers write é as two characters, e and an accent that stands above it. The fonts have it as one, as nearly
// everybody writes it; what is printed looks the same.

func joined(s string) string { return norm.NFC.String(s) }

func allJoined(values []string) []string {
	var all []string
	for _, s := range values {
		all = append(all, joined(s))
	}
	return all
}

func (s Signatory) joined() Signatory { return Signatory{joined(s.Name), joined(s.Title)} }

func (c Certificate) joined() Certificate {
	for _, field := range []*string{&c.Number, &c.Title, &c.LegalName, &c.TradeName, &c.Body, &c.Partner} {
		*field = joined(*field)
	}
	c.Accounts, c.IndustryCodes = allJoined(c.Accounts), allJoined(c.IndustryCodes)
	var people []Signatory
	for _, s := range c.Signatories {
		people = append(people, s.joined())
	}
	c.Signatories = people
	return c
}

func (c Cover) joined() Cover {
	for _, field := range []*string{&c.Reference, &c.Subject, &c.Salutation, &c.Closing} {
		*field = joined(*field)
	}
	c.Sender, c.Address, c.Body, c.Enclosures = allJoined(c.Sender), allJoined(c.Address), allJoined(c.Body), allJoined(c.Enclosures)
	c.Signatory = c.Signatory.joined()
	return c
}

func (i Invoice) joined() Invoice {
	for _, field := range []*string{&i.Number, &i.Reference, &i.TaxNumber} {
		*field = joined(*field)
	}
	i.Sender, i.Address, i.HowToPay, i.Notes = allJoined(i.Sender), allJoined(i.Address), allJoined(i.HowToPay), allJoined(i.Notes)
	i.Lines, i.Taxes = linesJoined(i.Lines), linesJoined(i.Taxes)
	return i
}

func linesJoined(lines []InvoiceLine) []InvoiceLine {
	var all []InvoiceLine
	for _, k := range lines {
		all = append(all, InvoiceLine{joined(k.Text), k.Cents})
	}
	return all
}

func (e Envelope) joined() Envelope {
	e.Cover = e.Cover.joined()
	if e.Certificate != nil {
		c := e.Certificate.joined()
		e.Certificate = &c
	}
	return e
}
