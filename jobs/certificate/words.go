package certificate

import (
	"fmt"
	"strings"
	"time"
)

// The languages of our paper. The empty string is English.
const (
	English = "en"
	French  = "fr"
)

// words are what stands on paper whatever the case is, in one language.
type words struct {
	tag     string // in the file, for those who have it read to them
	months  [12]string
	date    func(months [12]string, d time.Time) string
	dollars func(cents int64) string
	certify certificateWords
	cover   coverWords
	invoice invoiceWords
}

type certificateWords struct {
	certifies, operating string
	met                  string // %s is the partner
	number, issued, until, term,
	accounts, codes string
	years [9]string
}

// coverWords has one enclosure's head, then several's.
type coverWords struct {
	date, reference string
	enclosed        [2]string
}

type invoiceWords struct {
	title, number, date, due, reference, taxNumber, item, amount, subtotal, total, paid, balance, credit, how, currency string
}

// wordsOf returns the words of a language, or a *FieldError for one that we do not print.
func wordsOf(field, language string) (*words, error) {
	switch language {
	case "", English:
		return english(), nil
	case French:
		return french(), nil
	default:
		return nil, &FieldError{field, fmt.Sprintf("is %q; %q and %q can be printed", language, English, French)}
	}
}

func english() *words {
	return &words{
		tag: "en-CA",
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
			"November", "December"},
		date: func(months [12]string, d time.Time) string {
			return fmt.Sprintf("%d %s %d", d.Day(), months[d.Month()-1], d.Year())
		},
		dollars: func(cents int64) string { return minus(cents) + "$" + grouped(cents, ",", ".") },
		certify: certificateWords{
			certifies: "This is to certify that", operating: "operating as",
			met: "has a health and safety management system that met the standard of this programme " +
				"in an audit reviewed by %s.",
			number: "Certificate number", issued: "Issued", until: "Valid until", term: "Term",
			accounts: "Workers’ compensation accounts", codes: "Industry codes",
			years: [9]string{"One year", "Two years", "Three years", "Four years", "Five years", "Six years", "Seven years",
				"Eight years", "Nine years"},
		},
		cover: coverWords{date: "Date", reference: "Our reference", enclosed: [2]string{"Enclosed: ", "Enclosed: "}},
		invoice: invoiceWords{title: "Invoice", number: "Invoice number", date: "Date", due: "Payment due", reference: "Our reference",
			taxNumber: "Tax registration", item: "Description", amount: "Amount", subtotal: "Subtotal", total: "Total",
			paid: "Paid so far", balance: "Balance due", credit: "In your favour", how: "How to pay",
			currency: "All amounts are in Canadian dollars."},
	}
}

func french() *words {
	return &words{
		tag: "fr-CA",
		months: [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
			"novembre", "décembre"},
		date: func(months [12]string, d time.Time) string {
			day := fmt.Sprint(d.Day())
			if d.Day() == 1 {
				day = "1er"
			}
			return fmt.Sprintf("%s %s %d", day, months[d.Month()-1], d.Year())
		},
		dollars: func(cents int64) string { return minus(cents) + grouped(cents, "\u00a0", ",") + "\u00a0$" },
		certify: certificateWords{
			certifies: "La présente atteste que", operating: "exerçant ses activités sous le nom de",
			met: "possède un système de gestion de la santé et de la sécurité qui a satisfait à la norme de ce programme " +
				"lors d’un audit examiné par %s.",
			number: "Numéro du certificat", issued: "Délivré le", until: "Valide jusqu’au", term: "Durée",
			accounts: "Comptes d’indemnisation des travailleurs", codes: "Codes d’industrie",
			years: [9]string{"Un an", "Deux ans", "Trois ans", "Quatre ans", "Cinq ans", "Six ans", "Sept ans", "Huit ans", "Neuf ans"},
		},
		cover: coverWords{date: "Date", reference: "Notre référence", enclosed: [2]string{"Pièce jointe\u00a0: ", "Pièces jointes\u00a0: "}},
		invoice: invoiceWords{title: "Facture", number: "Numéro de facture", date: "Date", due: "Échéance", reference: "Notre référence",
			taxNumber: "Inscription aux taxes", item: "Description", amount: "Montant", subtotal: "Sous-total", total: "Total",
			paid: "Déjà payé", balance: "Solde à payer", credit: "Solde en votre faveur", how: "Comment payer",
			currency: "Tous les montants sont en dollars canadiens."},
	}
}

// day is d in the words' language.
func (w *words) day(d time.Time) string { return w.date(w.months, d) }

func minus(cents int64) string {
	if cents < 0 {
		return "–"
	}
	return ""
}

// grouped writes an amount without its sign, in groups of three digits.
func grouped(cents int64, group, point string) string {
	magnitude := uint64(cents)
	if cents < 0 {
		magnitude = -magnitude
	}
	whole := fmt.Sprint(magnitude / 100)
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(digit)
	}
	return fmt.Sprintf("%s%s%02d", b.String(), point, magnitude%100)
}
