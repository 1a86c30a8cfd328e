package secor

import (
	"fmt"
	"strconv"
	"strings"
)

// Language is one in which this office writes to companies. People of the desk
// and governing bodies are written to in English.
type Language string

const (
	English Language = "en"
	French  Language = "fr"
)

// Languages returns every language, the one that is taken when nobody asks for
// another first.
func Languages() []Language { return []Language{English, French} }

// ParseLanguage reads "en" or "fr"; nothing is English. Anything else is a
// FieldError.
func ParseLanguage(text string) (Language, error) {
	switch language := Language(strings.ToLower(text)); language {
	case "":
		return English, nil
	case English, French:
		return language, nil
	default:
		return "", &FieldError{Value: text, Problem: "is not one of en or fr"}
	}
}

var frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}

// Month returns the month of a day as a letter in that language prints it: "May",
// "mai". The zero date is "".
func (l Language) Month(d Date) string {
	switch {
	case d.IsZero():
		return ""
	case l == French:
		return frenchMonths[d.Month-1]
	default:
		return d.Month.String()
	}
}

// Date returns a day as a letter in that language prints it: "28 May 2026",
// "28 mai 2026", "1er mai 2026". The zero date is "".
func (l Language) Date(d Date) string {
	if d.IsZero() {
		return ""
	}
	if l != French {
		return d.Long()
	}
	day := strconv.Itoa(d.Day)
	if d.Day == 1 {
		day = "1er"
	}
	return fmt.Sprintf("%s %s %d", day, frenchMonths[d.Month-1], d.Year)
}

// Money returns an amount as a letter in that language prints it: "$157.50",
// "157,50 $".
func (l Language) Money(c Cents) string {
	if l != French {
		return c.String()
	}
	return l.decimal(strings.Replace(c.String(), "$", "", 1)) + " $"
}

// Percent returns awarded of available as Percent does: "79.99", "79,99".
func (l Language) Percent(awarded, available Points) string {
	return l.decimal(Percent(awarded, available))
}

// Points returns points as a letter in that language prints them: "4.50", "4,50".
func (l Language) Points(p Points) string { return l.decimal(p.String()) }

func (l Language) decimal(text string) string {
	if l != French {
		return text
	}
	return strings.Replace(text, ".", ",", 1)
}

// Tax returns the name of a tax in that language: GST is TPS in French. A name
// that it does not know stays.
func (l Language) Tax(name string) string {
	if l != French {
		return name
	}
	return frenchTaxes.Replace(name)
}

var frenchTaxes = strings.NewReplacer("GST", "TPS", "HST", "TVH", "PST", "TVP", " and ", " et ")
