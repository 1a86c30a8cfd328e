package secor

import (
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Company is an employer that asks for, or holds, a certificate.
type Company struct {
	ID           int64
	LegalName    string // as registered with the governing body
	TradeName    string
	Province     string   // "AB"; decides calendar and body
	Email        string   // where letters go
	Contact      string   // who reads them
	Phone        string   // as NormalPhone returns it; "": not known
	Language     Language // of its letters; "": English
	Address      Address
	Member       bool // pays the member's fee
	ProfileSince Date // zero: this partner has not taken it on yet
	Certificate  Held // from before this desk, as entered
}

// Address is a postal address in Canada.
type Address struct {
	Street, City, Province, PostalCode string
}

// NormalPhone returns a telephone number as this office writes it: "403-555-0142",
// with " ext. 12" where there is an extension; nothing stays nothing. A number that
// is not one of North America is a FieldError.
func NormalPhone(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	main, extension, extended := strings.Cut(strings.ToLower(text), "x")
	main = strings.TrimRight(main, "e ") // of "ext."
	digits := strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "", "+", "", "\u00a0", "").Replace(main)
	digits = strings.TrimPrefix(digits, "1")
	extension = strings.Trim(strings.TrimPrefix(extension, "t"), ". ")
	if len(digits) != 10 || !onlyDigits(digits) || digits[0] == '0' || !onlyDigits(extension) || extended && extension == "" || len(extension) > 8 {
		return "", &FieldError{Value: text, Problem: "is not a telephone number; write it as 403-555-0142, or 403-555-0142 ext. 12"}
	}
	number := digits[:3] + "-" + digits[3:6] + "-" + digits[6:]
	if extended {
		number += " ext. " + extension
	}
	return number, nil
}

func onlyDigits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

// Lines returns the address as an envelope shows it.
func (a Address) Lines() []string {
	return []string{a.Street, strings.TrimSpace(a.City + " " + a.Province + "  " + a.PostalCode)}
}

// postalCode is how Canada Post writes a code, the space left out or not.
var postalCode = regexp.MustCompile(`^[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z] ?[0-9][ABCEGHJ-NPRSTV-Z][0-9]$`)

// Mailable returns nil when a letter can be sent to the company by post, and else a
// FieldError that names what the address lacks.
func (c Company) Mailable() error {
	for _, field := range []struct{ name, value string }{{fieldStreet, c.Address.Street}, {fieldCity, c.Address.City}, {fieldPostal, c.Address.PostalCode}} {
		if strings.TrimSpace(field.value) == "" {
			return &FieldError{Field: field.name, Problem: "is missing; correct the address before it is mailed"}
		}
	}
	if !postalCode.MatchString(strings.ToUpper(c.Address.PostalCode)) {
		return &FieldError{Field: fieldPostal, Value: c.Address.PostalCode, Problem: "is not a postal code such as T2P 1A1"}
	}
	return nil
}

// Person works at a company and may hold the course.
type Person struct {
	ID      int64
	Name    string
	Courses []Course
}

// Course is one completed course of a person.
type Course struct {
	Name        string
	CompletedOn Date
}

// ValidOn reports whether a course by that rule is held and not expired on a
// day. A course is still good on the anniversary that ends it.
func (c Course) ValidOn(rule CourseRule, day Date) bool {
	if c.Name != rule.Name || c.CompletedOn.After(day) {
		return false
	}
	return rule.ValidYears == 0 || !day.After(c.CompletedOn.AddYears(rule.ValidYears))
}

// Registration is a company's account with a governing body.
type Registration struct {
	Body         string
	Account      string
	GoodStanding bool
}

// NormalAccount returns an account number without spaces, dashes and dots, as it
// is stored and compared: leading zeros stay. A number that the body cannot have
// given is a FieldError that says what it looks like.
func (b *Body) NormalAccount(text string) (string, error) {
	account := strings.ToUpper(strings.NewReplacer(" ", "", "-", "", ".", "").Replace(text))
	problem := ""
	switch {
	case account == "":
		problem = "is missing"
	case len(account) > 20:
		problem = "is longer than 20 characters"
	case strings.ContainsFunc(account, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsDigit(r) && !unicode.IsUpper(r) }):
		problem = "may hold only letters and digits"
	case len(b.AccountDigits) > 0 && !b.fits(account):
		problem = "does not have the " + b.lengths() + " digits of a number of " + b.Name
	}
	if problem != "" {
		return "", &FieldError{Field: b.AccountLabel, Value: text, Problem: problem}
	}
	return account, nil
}

func (b *Body) fits(account string) bool {
	letters := strings.ContainsFunc(account, unicode.IsLetter)
	return !letters && slices.Contains(b.AccountDigits, len(account))
}

func (b *Body) lengths() string {
	words := make([]string, len(b.AccountDigits))
	for i, n := range b.AccountDigits {
		words[i] = strconv.Itoa(n)
	}
	return joinOr(words)
}

// Fold returns a text in lower case and without accents, as a search compares it.
func Fold(text string) string { return unaccented.Replace(strings.ToLower(text)) }

// SearchWords returns the words of a search as Fold writes them, without legal
// endings, unless there is nothing else.
func SearchWords(text string) []string {
	words := strings.FieldsFunc(Fold(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("@.-_+&'%", r)
	})
	var all, kept []string
	for _, w := range words {
		w = strings.Trim(w, ".-_'")
		if w == "" {
			continue
		}
		all = append(all, w)
		if !legalEndings[w] {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		return all
	}
	return kept
}

// NearName returns a name reduced to what a person would compare: lower case,
// letters and digits only, without accents and the usual legal endings. Two companies of one
// body with the same NearName are near-duplicates.
func NearName(name string) string {
	kept := nameWords(name)
	if len(kept) == 0 {
		return strings.ToLower(name) // "The Company Ltd." is only itself
	}
	return strings.Join(kept, "")
}

// nameWords returns the words of a name that tell it from others.
func nameWords(name string) []string {
	words := strings.FieldsFunc(Fold(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	kept := words[:0]
	for _, w := range words {
		if !legalEndings[w] {
			kept = append(kept, w)
		}
	}
	return kept
}

var legalEndings = map[string]bool{
	"ltd": true, "limited": true, "inc": true, "incorporated": true, "corp": true, "corporation": true,
	"co": true, "company": true, "the": true, "and": true, "ltee": true, "llp": true,
}

// unaccented writes letters as a keyboard without accents does.
var unaccented = strings.NewReplacer(
	"à", "a", "â", "a", "ä", "a", "á", "a", "ã", "a", "å", "a", "ą", "a", "æ", "ae", "ç", "c", "ć", "c", "č", "c",
	"è", "e", "é", "e", "ê", "e", "ë", "e", "ę", "e", "ě", "e", "ì", "i", "í", "i", "î", "i", "ï", "i", "ł", "l",
	"ñ", "n", "ń", "n", "ò", "o", "ó", "o", "ô", "o", "ö", "o", "õ", "o", "ø", "o", "œ", "oe", "ř", "r", "ś", "s", "š", "s", "ß", "ss",
	"ù", "u", "ú", "u", "û", "u", "ü", "u", "ů", "u", "ý", "y", "ÿ", "y", "ź", "z", "ż", "z", "ž", "z",
)

// CleanName is CleanText for names. It also refuses what a spreadsheet would run
// as a formula when the desk's lists are opened in one, a line break within, because
// a name goes into the head of a letter, and what a mail program would decode: no
// letter can be sent to a reader of such a name.
func CleanName(field, text string) (string, error) {
	clean, err := CleanText(field, text, 200)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(strings.TrimSpace(text), lineBreaks) {
		return "", &FieldError{Field: field, Value: clip(clean, 80), Problem: "goes on after a line break; write it on one line"}
	}
	if clean != "" && strings.ContainsRune("=+-@", rune(clean[0])) {
		return "", &FieldError{Field: field, Value: text, Problem: "begins like a spreadsheet formula"}
	}
	if strings.Contains(clean, "=?") {
		return "", &FieldError{Field: field, Value: text, Problem: `has "=?", which mail programs take for encoded text; remove it`}
	}
	if strings.ContainsFunc(clean, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return "", &FieldError{Field: field, Value: text, Problem: "holds an invisible character"}
	}
	return clean, nil
}

// CheckEmail returns a FieldError for an address that no letter of this desk can
// be sent to: the sender takes bare addresses of ASCII characters, up to 64 before
// the @ and 254 in all.
//
// Source: RFC 5321, 4.5.3.1.
func CheckEmail(field, text string) error {
	problem := ""
	address, err := mail.ParseAddress(text)
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }):
		problem = "has a letter that no e-mail address here can have, such as é; ask for the address in plain letters"
	case err != nil || address.Address != text:
		problem = "is not an e-mail address such as office@example.com"
	case len(text) > 254 || strings.LastIndexByte(text, '@') > 64:
		problem = "is too long; an e-mail address has at most 64 characters before the @ and 254 in all"
	}
	if problem != "" {
		return &FieldError{Field: field, Value: clip(strings.ToValidUTF8(text, "?"), 80), Problem: problem}
	}
	return nil
}

const lineBreaks = "\r\n\v\f\u0085\u2028\u2029"

// OneLine returns a text with a space for each line break: a street is often
// written on two lines, unlike a name.
func OneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(lineBreaks, r) {
			return ' '
		}
		return r
	}, text)
}

// CleanText returns free text as it is stored: trimmed, on one line. Invalid
// UTF-8, control and invisible characters, and more than limit characters are
// FieldErrors.
func CleanText(field, text string, limit int) (string, error) {
	problem, clean := "", ""
	// A huge text is not worth cutting into words.
	huge := len(text) > 16*limit
	if !huge {
		clean = strings.Join(strings.Fields(text), " ")
	}
	switch {
	case !utf8.ValidString(text):
		problem = "is not valid UTF-8; save the file as UTF-8"
	case huge || utf8.RuneCountInString(clean) > limit:
		problem = "is longer than " + strconv.Itoa(limit) + " characters"
	case strings.ContainsFunc(clean, hidden):
		problem = "holds a control or invisible character"
	}
	if problem != "" {
		return "", &FieldError{Field: field, Value: strings.ToValidUTF8(clip(text, 80), "?"), Problem: problem}
	}
	return clean, nil
}

// hidden reports characters that a reader cannot see but a screen obeys:
// controls, right-to-left overrides, zero-width text.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}
