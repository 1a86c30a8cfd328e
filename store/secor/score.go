package secor

import (
	"fmt"
	"slices"
	"strings"
)

// Mark is what one question was given. A question without a Mark is unscored,
// which is not the same as 0.
type Mark struct {
	Question  string
	Awarded   Points
	Available Points // what could be had here: at most the question's points; 0 when NA
	NA        bool   // not applicable: in neither number
}

// Verdict is what a score says against a pass mark.
type Verdict string

const (
	VerdictPass      Verdict = "pass"
	VerdictFail      Verdict = "fail"
	VerdictNotScored Verdict = "not_scored"
)

// Verdicts returns every verdict.
func Verdicts() []Verdict { return []Verdict{VerdictPass, VerdictFail, VerdictNotScored} }

// ElementScore is the sum of an element's marks.
type ElementScore struct {
	Element   string
	Awarded   Points
	Available Points // 0: nothing applicable
	Unscored  []string
}

// Score is a judged sheet of marks.
type Score struct {
	Elements  []ElementScore // in the protocol's order
	Awarded   Points
	Available Points
	Verdict   Verdict
	Reasons   []string // why not a plain pass, and what a reviewer should look at
}

// CheckMark refuses a mark that cannot be true: an unknown question, more points
// than the question has, more awarded than available, points on a question that
// is not applicable, part of a question that is all or nothing. A missing
// Available means all of the question's points.
func (p *Protocol) CheckMark(m Mark) (Mark, error) {
	q, ok := p.Question(m.Question)
	field := "question " + clip(m.Question, 40)
	if !ok {
		return m, &FieldError{Field: field, Problem: "is not in protocol " + p.Name}
	}
	if m.NA {
		if m.Awarded != 0 {
			return m, &FieldError{Field: field, Problem: "is marked not applicable but has points awarded; leave them out or drop the N/A"}
		}
		return Mark{Question: m.Question, NA: true}, nil
	}
	if m.Available == 0 {
		m.Available = q.Points
	}
	switch {
	case m.Awarded < 0 || m.Available < 0:
		return m, &FieldError{Field: field, Problem: "has negative points"}
	case m.Available > q.Points:
		return m, &FieldError{Field: field, Problem: fmt.Sprintf("has %s points available, but the protocol gives it %s", m.Available, q.Points)}
	case m.Awarded > m.Available:
		return m, &FieldError{Field: field, Problem: fmt.Sprintf("has %s points awarded of %s available", m.Awarded, m.Available)}
	case q.Scale == ScaleAll && m.Awarded != 0 && m.Awarded != m.Available:
		return m, &FieldError{Field: field, Problem: fmt.Sprintf("is all or nothing: award 0 or %s", m.Available)}
	}
	return m, nil
}

// Question returns the protocol's question of that id.
func (p *Protocol) Question(id string) (Question, bool) {
	for _, e := range p.Elements {
		for _, q := range e.Questions {
			if q.ID == id {
				return q, true
			}
		}
	}
	return Question{}, false
}

// Judge scores a sheet: at least pass.Overall percent of all available points
// and, where the programme sets a floor, pass.Element percent in every element.
// Both are inclusive and compared exactly, never as rounded percentages.
//
// Points not applicable leave the denominator. An element with nothing
// applicable passes and is named in Reasons. A sheet with an unscored question,
// or with nothing applicable at all, is VerdictNotScored whatever the rest says.
// Marks that CheckMark refuses, and two marks for one question, are an error.
//
// Source: the programme page, "80% overall with no less than 50% in any one
// element"; points-weighted sums and exact comparison are ours (domain.md 3.2).
func (p *Protocol) Judge(marks []Mark, pass PassMark) (Score, error) {
	given := make(map[string]Mark, len(marks))
	for _, m := range marks {
		checked, err := p.CheckMark(m)
		if err != nil {
			return Score{}, err
		}
		if _, twice := given[m.Question]; twice {
			return Score{}, &FieldError{Field: "question " + m.Question, Problem: "is marked twice"}
		}
		given[m.Question] = checked
	}
	var s Score
	for _, e := range p.Elements {
		es := e.sum(given)
		s.Elements = append(s.Elements, es)
		s.Awarded += es.Awarded
		s.Available += es.Available
	}
	s.judge(pass)
	return s, nil
}

func (e Element) sum(given map[string]Mark) ElementScore {
	es := ElementScore{Element: e.ID}
	for _, q := range e.Questions {
		m, scored := given[q.ID]
		if !scored {
			es.Unscored = append(es.Unscored, q.ID)
			continue
		}
		es.Awarded += m.Awarded
		es.Available += m.Available
	}
	return es
}

func (s *Score) judge(pass PassMark) {
	s.Verdict = VerdictPass
	for _, e := range s.Elements {
		switch {
		case len(e.Unscored) > 0:
			s.note(VerdictNotScored, "element %s: %s not scored", e.Element, joinAnd(e.Unscored))
		case e.Available == 0:
			s.note(VerdictPass, "element %s: nothing applicable, counted as passed; please check", e.Element)
		case !reaches(e.Awarded, e.Available, pass.Element):
			s.note(VerdictFail, "element %s: %s of %s is under %d %%", e.Element, e.Awarded, e.Available, pass.Element)
		}
	}
	switch {
	case s.Available == 0:
		s.note(VerdictNotScored, "nothing is scored")
	case s.Verdict == VerdictNotScored: // over part of the points it would mislead
	case !reaches(s.Awarded, s.Available, pass.Overall):
		s.note(VerdictFail, "overall: %s of %s is under %d %%", s.Awarded, s.Available, pass.Overall)
	}
}

// note adds a reason; a worse verdict replaces a better one.
func (s *Score) note(v Verdict, format string, args ...any) {
	s.Reasons = append(s.Reasons, fmt.Sprintf(format, args...))
	order := []Verdict{VerdictPass, VerdictFail, VerdictNotScored}
	if slices.Index(order, v) > slices.Index(order, s.Verdict) {
		s.Verdict = v
	}
}

// reaches compares without dividing, so that 79.995 % is not 80 %.
func reaches(awarded, available Points, percent int) bool {
	return int64(awarded)*100 >= int64(available)*int64(percent)
}

// Percent returns awarded of available in percent with two decimals, cut and
// never rounded up, so that 79.999 shows as 79.99: "87.50". It is "–" when
// nothing was available.
func Percent(awarded, available Points) string {
	if available == 0 {
		return "–"
	}
	return formatHundredths(int64(awarded) * 10_000 / int64(available))
}

// Term returns the years of the certificate that a verdict and the months of
// documentation could earn: 3, 1 or 0. One year is never automatic; a person
// grants it.
//
// Source: the programme page, 12 months, and "at least three months … may be
// eligible to receive a one year SECOR".
func (m EvidenceMonths) Term(v Verdict, months int) int {
	switch {
	case v != VerdictPass || months < m.OneYear:
		return 0
	case months < m.ThreeYear:
		return 1
	default:
		return 3
	}
}

// Evidence is how many months of documentation there are. Policy documents and
// records count apart, and the smaller number decides.
type Evidence struct {
	Policies, Records int // whole months
}

// Months returns the smaller of the two.
func (e Evidence) Months() int { return min(e.Policies, e.Records) }

func joinAnd(words []string) string {
	if len(words) < 2 {
		return joinOr(words)
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
