package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"secordesk/store/secor"
)

// responseFields are the fields of an answered note in JSON with their types.
var responseFields = map[string]string{"note": "number", "answer": "string"}

// maxNote is the greatest number that a note can have in a file.
const maxNote = 10_000

// resolved reads what a company says to notes: of JSON, a list of objects; of CSV,
// one text such as "3=signed, see page 12;4".
func (d *reader) resolved(r *record, f recordField, c cell) []error {
	answers, problems := answersOf(f.name, c)
	var list []secor.Response
	var words []string
	for _, a := range answers {
		number, err := cleanCount(a.note, 1, maxNote)
		if err != nil {
			problems = append(problems, named(a.place+".note", err))
			continue
		}
		text, err := secor.CleanText("", a.text, secor.MaxText)
		if err != nil {
			problems = append(problems, named(a.place+".answer", err))
			continue
		}
		n, _ := strconv.Atoi(number)
		if slices.ContainsFunc(list, func(r secor.Response) bool { return r.Note == n }) {
			problems = append(problems, &secor.FieldError{Field: a.place, Value: number, Problem: "is answered twice"})
			continue
		}
		list = append(list, secor.Response{Note: n, Answer: text})
		words = append(words, number+"="+text)
	}
	if len(problems) == 0 && len(list) > 0 {
		slices.Sort(words)
		canonical, _ := json.Marshal(words) // a list of strings cannot fail
		r.texts[f.name], r.resolved = string(canonical), list
	}
	return problems
}

// answered is one answered note as a file has it.
type answered struct {
	place      string // "resolved[2]"
	note, text string
}

func answersOf(field string, c cell) ([]answered, []error) {
	if c.typ == "" {
		return answersOfText(field, c.text), nil
	}
	var list []json.RawMessage
	err := json.Unmarshal([]byte(c.text), &list)
	if err != nil {
		return nil, []error{&secor.FieldError{Field: field, Problem: "is not a list of answered notes"}}
	}
	var answers []answered
	var problems []error
	for i, item := range list {
		place := fmt.Sprintf("%s[%d]", field, i)
		cells, errs := objectCells(item)
		for _, name := range slices.Sorted(maps.Keys(cells)) {
			want, known := responseFields[name]
			switch {
			case !known:
				errs = append(errs, unknownField(name, "an answered note", slices.Sorted(maps.Keys(responseFields))))
			case cells[name].typ != want:
				errs = append(errs, &secor.FieldError{Field: name, Value: cells[name].text, Problem: "is " + article(cells[name].typ) + " and must be a " + want})
			}
		}
		if _, given := cells["note"]; !given && len(errs) == 0 {
			errs = append(errs, &secor.FieldError{Field: "note", Problem: "is missing: the number of the note"})
		}
		for _, err := range errs {
			problems = append(problems, within(place, err))
		}
		if len(errs) == 0 {
			answers = append(answers, answered{place: place, note: cells["note"].text, text: cells["answer"].text})
		}
	}
	return answers, problems
}

func answersOfText(field, text string) []answered {
	var answers []answered
	for _, item := range strings.Split(text, ";") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		note, said, _ := strings.Cut(item, "=")
		note = strings.TrimSpace(note)
		answers = append(answers, answered{place: strings.TrimSpace(field + " " + note), note: note, text: said})
	}
	return answers
}

// cleanLink returns an address of the web. Which hosts it may be on is the rules' to say.
func cleanLink(text string) (string, error) {
	clean := strings.TrimSpace(text)
	if !strings.HasPrefix(clean, "https://") || clean == "https://" || len(clean) > 500 || strings.ContainsAny(clean, " \t\r\n") {
		return "", problem(text, "is not an address that begins with https:// and has at most 500 characters")
	}
	return clean, nil
}
