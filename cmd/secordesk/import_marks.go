package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"secordesk/store/secor"
)

// claim is one claimed mark as a file has it.
type claim struct {
	place                        string // "marks[3]"
	question, awarded, available string
	na                           bool
	broken                       bool // a part of it cannot be read and is left out
}

// marks reads the claimed marks of a submission. A question that is named without
// points is unscored, which is the same as leaving it out.
func (d *reader) marks(r *record, f recordField, c cell) []error {
	claims, problems := claimsOf(f.name, c)
	seen := map[string]bool{}
	for _, cl := range claims {
		mark, errs := cl.mark()
		switch {
		case seen[cl.question]:
			errs = append(errs, &secor.FieldError{Field: cl.place, Value: cl.question, Problem: "is marked twice"})
		case cl.question != "" && (cl.broken || len(errs) > 0):
			// Without its points, so that the protocol is still asked for the question.
			r.marks = append(r.marks, secor.Mark{Question: cl.question})
		case len(errs) > 0:
		case cl.na || cl.awarded != "":
			r.marks = append(r.marks, mark)
		}
		seen[cl.question] = cl.question != ""
		problems = append(problems, errs...)
	}
	if len(problems) == 0 && len(r.marks) > 0 {
		r.texts[f.name] = marksText(r.marks)
	}
	return problems
}

// marksText writes marks as CSV has them, by question.
func marksText(marks []secor.Mark) string {
	words := make([]string, len(marks))
	for i, m := range marks {
		words[i] = fmt.Sprintf("%s=%s/%s", m.Question, m.Awarded, m.Available)
		if m.NA {
			words[i] = m.Question + "=n/a"
		}
	}
	slices.Sort(words)
	return strings.Join(words, ";")
}

// claimsOf takes the marks apart: of JSON, a list of objects; of CSV, one text
// such as "A1=3.50/5;A2=n/a".
func claimsOf(field string, c cell) ([]claim, []error) {
	if c.typ == "" {
		return claimsOfText(field, c.text)
	}
	var list []json.RawMessage
	err := json.Unmarshal([]byte(c.text), &list)
	if err != nil {
		return nil, []error{&secor.FieldError{Field: field, Problem: "is not a list of marks"}}
	}
	var claims []claim
	var problems []error
	for i, item := range list {
		cl, errs := claimOfObject(item)
		cl.place = fmt.Sprintf("%s[%d]", field, i)
		for _, err := range errs {
			problems = append(problems, within(cl.place, err))
		}
		cl.broken = len(errs) > 0
		if !cl.broken || cl.question != "" {
			claims = append(claims, cl)
		}
	}
	return claims, problems
}

// claimFields are the fields of a mark in JSON with their types.
var claimFields = map[string][]string{
	"question": {"string"}, "awarded": {"string", "number", "null"}, "available": {"string", "number"}, "na": {"boolean"},
}

func claimOfObject(item []byte) (claim, []error) {
	cells, problems := objectCells(item)
	for _, name := range slices.Sorted(maps.Keys(cells)) {
		types, known := claimFields[name]
		c := cells[name]
		switch {
		case !known:
			problems = append(problems, unknownField(name, "a mark", slices.Sorted(maps.Keys(claimFields))))
		case !slices.Contains(types, c.typ):
			problems = append(problems, &secor.FieldError{Field: name, Value: c.text, Problem: "is " + article(c.typ) + " and must be a " + strings.Join(types, " or a ")})
			delete(cells, name)
		case c.typ == "null":
			delete(cells, name)
		}
	}
	return claim{question: cells["question"].text, awarded: cells["awarded"].text, available: cells["available"].text,
		na: cells["na"].text == "true"}, problems
}

// within says inside which item the field of an error is.
func within(place string, err error) error {
	var f *secor.FieldError
	if !errors.As(err, &f) {
		return err
	}
	return &secor.FieldError{Field: strings.TrimSuffix(place+"."+f.Field, "."), Value: f.Value, Problem: f.Problem}
}

func claimsOfText(field, text string) ([]claim, []error) {
	var claims []claim
	var problems []error
	for _, item := range strings.Split(text, ";") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		question, points, ok := strings.Cut(item, "=")
		points = strings.TrimSpace(points)
		awarded, available, split := strings.Cut(points, "/")
		question = strings.TrimSpace(question)
		cl := claim{place: strings.TrimSpace(field + " " + question), question: question, awarded: strings.TrimSpace(awarded), available: strings.TrimSpace(available)}
		if strings.EqualFold(points, "n/a") {
			cl.awarded, cl.available, cl.na = "", "", true
		} else {
			ok = ok && (!split || cl.awarded != "" && cl.available != "")
		}
		if !ok {
			problems = append(problems, &secor.FieldError{Field: field, Value: item, Problem: "is not a mark such as A1=3.50/5 or A2=n/a"})
			continue
		}
		claims = append(claims, cl)
	}
	return claims, problems
}

// mark reads the claim's points.
func (cl claim) mark() (secor.Mark, []error) {
	m := secor.Mark{Question: cl.question, NA: cl.na}
	var problems []error
	if cl.question == "" {
		problems = append(problems, &secor.FieldError{Field: cl.place, Problem: "does not name its question"})
	}
	read := func(name, text string) secor.Points {
		if text == "" {
			return 0
		}
		points, err := secor.ParsePoints(text)
		if err != nil {
			problems = append(problems, named(cl.place+"."+name, err))
		}
		return points
	}
	m.Awarded, m.Available = read("awarded", cl.awarded), read("available", cl.available)
	if len(problems) == 0 && cl.available != "" && m.Available == 0 {
		// The rules would take it for all of the question's points.
		problems = append(problems, &secor.FieldError{Field: cl.place + ".available", Value: cl.available, Problem: "is nothing; say n/a where a question does not apply"})
	}
	return m, problems
}
