package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"secordesk/store/secor"
)

// format says how a field is written and read.
type format string

const (
	formatName     format = "name" // one line that no spreadsheet runs as a formula
	formatText     format = "text"
	formatEmail    format = "email"
	formatPhone    format = "phone"
	formatCourse   format = "course"   // a name that is not nearly that of a course of the rules
	formatProvince format = "province" // one that has a calendar
	formatBody     format = "body"     // id of a governing body
	formatAccount  format = "account"
	formatDate     format = "date"  // 2026-03-25
	formatTime     format = "time"  // 2026-03-25T09:00 in the office's zone, or RFC 3339
	formatCount    format = "count" // whole number
	formatMoney    format = "money" // dollars
	formatFlag     format = "flag"
	formatChoice   format = "choice"
	formatMarks    format = "marks"
	formatResolved format = "resolved" // answered notes
	formatLink     format = "link"
)

// jsonTypes are the JSON types in which a format may be written.
func (f format) jsonTypes() []string {
	switch f {
	case formatCount:
		return []string{"integer"}
	case formatMoney:
		return []string{"string", "number"}
	case formatFlag:
		return []string{"boolean"}
	case formatMarks, formatResolved:
		return []string{"array"}
	default:
		return []string{"string"}
	}
}

// cell is one value as a file has it.
type cell struct {
	text  string
	typ   string     // of JSON; "" in CSV, where all is text
	sheet *sheetCell // of a workbook; else nil
}

// record is a line of a file whose values can all be read. Texts are in one form,
// whatever the file's, so that the same record is known again; a field left out
// or left blank is absent.
type record struct {
	kind  *recordKind
	texts map[string]string
	marks []secor.Mark

	resolved []secor.Response
}

// The readers below return nothing for a value that is absent or cannot be read.

func (r record) text(name string) string { return r.texts[name] }

func (r record) count(name string) int {
	n, _ := strconv.Atoi(r.texts[name])
	return n
}

// flag returns a flag, or what it is when left out.
func (r record) flag(name string, absent bool) bool {
	text, given := r.texts[name]
	if !given {
		return absent
	}
	return text == "true"
}

func (r record) date(name string) secor.Date {
	d, _ := secor.ParseDate(r.texts[name])
	return d
}

func (r record) time(name string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, r.texts[name])
	return t
}

// actID names the act of taking the record in: the same content is the same act,
// whichever file it comes from.
func (r record) actID() string {
	lines := []string{}
	for _, f := range r.kind.fields {
		text, given := r.texts[f.name]
		if given {
			lines = append(lines, f.name, text)
		}
	}
	canonical, _ := json.Marshal(lines) // a list of strings cannot fail
	sum := sha256.Sum256(canonical)
	return "file:" + r.kind.name + ":" + hex.EncodeToString(sum[:])
}

// keyOf returns what makes the record the same thing as another one.
func (r record) keyOf() string {
	parts := []string{r.kind.name}
	for _, name := range r.kind.key {
		parts = append(parts, strings.ToLower(r.texts[name]))
	}
	return strings.Join(parts, "\x00")
}

// reader turns cells into records.
type reader struct {
	programme *secor.Programme
	now       func() time.Time // the desk's clock
}

// read reads every cell once and reports all that is missing or cannot be read,
// in the order of the kind's table. Cells that the kind does not have are the
// caller's to report.
func (d *reader) read(kind *recordKind, cells map[string]cell) (record, []error) {
	r := record{kind: kind, texts: map[string]string{}}
	var problems []error
	for _, f := range kind.fields {
		c, given := cells[f.name]
		if !given || c.typ == "" && strings.TrimSpace(c.text) == "" {
			if f.required {
				problems = append(problems, &secor.FieldError{Field: f.name, Problem: "is missing"})
			}
			continue
		}
		problems = append(problems, d.cell(&r, f, c)...)
	}
	return r, problems
}

func (d *reader) cell(r *record, f recordField, c cell) []error {
	if want := f.format.jsonTypes(); c.typ != "" && !slices.Contains(want, c.typ) && !(c.typ == "number" && want[0] == "integer") {
		return []error{&secor.FieldError{Field: f.name, Value: c.text, Problem: "is " + article(c.typ) + " and must be " + f.format.jsonHint()}}
	}
	if c.sheet != nil {
		text, err := d.fromSheet(d.programme.Bodies[r.texts[f.body]], f, *c.sheet)
		if err != nil {
			return []error{named(f.name, err)}
		}
		c.text = text
	}
	if f.format == formatMarks {
		return d.marks(r, f, c)
	}
	if f.format == formatResolved {
		return d.resolved(r, f, c)
	}
	text, err := d.value(r, f, c.text)
	switch {
	case err != nil:
		return []error{named(f.name, err)}
	case text == "" && f.required:
		return []error{&secor.FieldError{Field: f.name, Problem: "is missing"}}
	case text != "":
		r.texts[f.name] = text
	}
	return nil
}

// named returns a FieldError under the name that the file has for the field.
func named(field string, err error) error {
	var f *secor.FieldError
	if errors.As(err, &f) {
		return &secor.FieldError{Field: field, Value: f.Value, Problem: f.Problem}
	}
	return err
}

func article(jsonType string) string {
	switch jsonType {
	case "null":
		return "null"
	case "array", "object":
		return "an " + jsonType
	default:
		return "a " + jsonType
	}
}

func (f format) jsonHint() string {
	switch f {
	case formatAccount:
		return "text in quotation marks, so that leading zeros stay"
	case formatCount:
		return "a whole number without quotation marks"
	case formatMoney:
		return `an amount such as "157.50"`
	case formatFlag:
		return "true or false"
	case formatMarks:
		return "a list of marks"
	case formatResolved:
		return "a list of answered notes"
	default:
		return "text in quotation marks"
	}
}

// value returns a text in the form in which records are compared.
func (d *reader) value(r *record, f recordField, text string) (string, error) {
	switch f.format {
	case formatName:
		if f.name == "street" {
			text = secor.OneLine(text)
		}
		return cleanName(text, f.max)
	case formatCourse:
		return d.course(text, f.max)
	case formatText:
		return secor.CleanText("", text, secor.MaxText)
	case formatEmail:
		return cleanEmail(text)
	case formatPhone:
		return secor.NormalPhone(text)
	case formatLink:
		return cleanLink(text)
	case formatProvince:
		return d.province(text)
	case formatBody:
		return d.body(text)
	case formatAccount:
		return d.account(r.texts[f.body], text)
	case formatDate:
		return d.date(text, f.past)
	case formatTime:
		return d.instant(text, f.past)
	case formatCount:
		return cleanCount(text, f.min, f.max)
	case formatMoney:
		return cleanMoney(text)
	case formatFlag:
		return cleanFlag(text)
	default:
		return cleanChoice(text, f.choices)
	}
}

func problem(value, format string, args ...any) error {
	return &secor.FieldError{Value: value, Problem: fmt.Sprintf(format, args...)}
}

func cleanName(text string, longest int64) (string, error) {
	clean, err := secor.CleanName("", text)
	if err == nil && longest > 0 && int64(len([]rune(clean))) > longest {
		err = problem(clean, "is longer than %d characters", longest)
	}
	return clean, err
}

// maxSlips is how many letters a misspelt course may be off; one that says all of
// a course's name and more is a different course.
const maxSlips = 4

// course refuses a name that is nearly that of a course of the rules: it would
// stand on file and never count.
func (d *reader) course(text string, longest int64) (string, error) {
	name, err := cleanName(text, longest)
	if err != nil {
		return "", err
	}
	var courses []string
	for _, e := range d.programme.Editions {
		courses = append(courses, e.Course.Name)
	}
	if slices.Contains(courses, name) {
		return name, nil
	}
	slices.Sort(courses)
	for _, course := range courses {
		wrong, right := strings.ToLower(name), strings.ToLower(course)
		if distance(wrong, right) <= min(maxSlips, len(right)/6) && !strings.HasPrefix(wrong, right+" ") {
			return "", problem(name, "is nearly the course %q of the rules, and would not count as it; write it so, or a different course's name in full", course)
		}
	}
	return name, nil
}

func cleanEmail(text string) (string, error) {
	clean, err := secor.CleanName("", text)
	if err != nil {
		return "", err
	}
	return clean, secor.CheckEmail("", clean)
}

// provinces are those of Canada, with its territories.
var provinces = strings.Fields("AB BC MB NB NL NS NT NU ON PE QC SK YT")

func (d *reader) province(text string) (string, error) {
	code := strings.ToUpper(strings.TrimSpace(text))
	switch {
	case !slices.Contains(provinces, code):
		return "", problem(text, "is not a province or territory; write two letters, such as AB")
	case d.programme.Calendars[code] == nil:
		return "", problem(text, "has no calendar here, so no deadline could be counted; there is %s", strings.Join(slices.Sorted(maps.Keys(d.programme.Calendars)), ", "))
	}
	return code, nil
}

func (d *reader) body(text string) (string, error) {
	id := strings.TrimSpace(text)
	if d.programme.Bodies[id] == nil {
		known := slices.Sorted(maps.Keys(d.programme.Bodies))
		return "", problem(text, "is not a governing body%s; there is %s", nearest(id, known), strings.Join(known, ", "))
	}
	return id, nil
}

// account returns the account in its normal form. Where the body cannot be read,
// only what no body allows is a problem of the account too.
func (d *reader) account(body, text string) (string, error) {
	b := d.programme.Bodies[body]
	if b == nil {
		b = &secor.Body{}
	}
	return b.NormalAccount(text)
}

// firstDate is the year before which no office of this programme has anything on
// file; an earlier date is a mistyped one.
const firstDate = 1950

func (d *reader) date(text string, past bool) (string, error) {
	day, err := secor.ParseDate(strings.TrimSpace(text))
	switch {
	case err != nil:
		return "", problem(text, "is not a date; write it as 2026-03-25")
	case day.Year < firstDate:
		return "", problem(text, "is before %d; check the year", firstDate)
	case past && day.After(d.today()):
		return "", problem(text, "is in the future")
	}
	return day.String(), nil
}

func (d *reader) today() secor.Date { return secor.DateOf(d.now(), d.zone()) }

func (d *reader) zone() *time.Location { return d.programme.Calendars[d.programme.Office].Zone }

// instant reads a time with its offset, or one in the office's zone without.
func (d *reader) instant(text string, past bool) (string, error) {
	text = strings.TrimSpace(text)
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", time.RFC3339} {
		at, err := time.ParseInLocation(layout, text, d.zone())
		switch {
		case err != nil:
			continue
		case !strings.HasPrefix(text, at.Format("2006-01-02T15:04")):
			return "", problem(text, "is a time that the clocks skipped")
		case at.Year() < firstDate:
			return "", problem(text, "is before %d; check the year", firstDate)
		case past && at.After(d.now()):
			return "", problem(text, "is in the future")
		}
		return at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano), nil
	}
	return "", problem(text, "is not a time; write it as 2026-03-25T09:00 in the office's time, or as 2026-03-25T09:00:00-06:00")
}

func cleanCount(text string, least, most int64) (string, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil || int64(n) < least || int64(n) > most {
		return "", problem(text, "is not a whole number from %d to %d", least, most)
	}
	return strconv.FormatUint(n, 10), nil
}

func cleanMoney(text string) (string, error) {
	amount, err := secor.ParseCents(strings.TrimSpace(text))
	if err == nil && amount == 0 {
		err = problem(text, "is nothing")
	}
	return strings.TrimPrefix(amount.String(), "$"), err
}

func cleanFlag(text string) (string, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes":
		return "true", nil
	case "false", "no":
		return "false", nil
	}
	return "", problem(text, "is not true or false")
}

func cleanChoice(text string, choices []string) (string, error) {
	clean := strings.ToLower(strings.TrimSpace(text))
	if !slices.Contains(choices, clean) {
		return "", problem(text, "is not one of %s", strings.Join(choices, ", "))
	}
	return clean, nil
}
