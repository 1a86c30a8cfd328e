package secor

import (
	"cmp"
	"slices"
)

// Miss says how many points a sheet lacks to reach a pass mark, and which
// questions hold them. It promises nothing: a new review may find otherwise.
type Miss struct {
	Points    Points // more of them, awarded where Elements says, reach the mark; one hundredth less does not
	Elements  []ElementMiss
	Questions []string // the fewest that hold what is missing, in the protocol's order
	Hold      Points   // what these questions hold and were not given
	Far       bool     // more is missing than the edition calls near
}

// ElementMiss is what an element lacks to its own floor.
type ElementMiss struct {
	Element string
	Points  Points // at least so many of the Miss's points belong to it
}

// gap is a question with points that were not awarded.
type gap struct {
	question string
	element  int
	place    int // in the protocol
	points   Points
}

// NearMiss returns what a sheet lacks to pass, in hundredths of a point; the zero
// Miss when it lacks nothing or is not scored. Elements with nothing applicable
// lack nothing. Far is so when more than within percent of all available points, or
// of those of one element, are missing.
//
// The fewest questions are found by taking the largest gaps first: in every
// element under its floor as many as reach it, then wherever they are.
//
// Source: none; the calculation is ours, from the pass mark of the programme page.
func (p *Protocol) NearMiss(marks []Mark, pass PassMark, within int) (Miss, error) {
	score, err := p.Judge(marks, pass)
	if err != nil || score.Verdict != VerdictFail {
		return Miss{}, err
	}
	m := Miss{}
	lacks := make([]Points, len(p.Elements))
	for i, e := range score.Elements {
		lacks[i] = lack(e.Awarded, e.Available, pass.Element)
		m.Far = m.Far || beyond(lacks[i], e.Available, within)
		m.Points += lacks[i]
		if lacks[i] > 0 {
			m.Elements = append(m.Elements, ElementMiss{Element: e.Element, Points: lacks[i]})
		}
	}
	m.Points = max(m.Points, lack(score.Awarded, score.Available, pass.Overall))
	m.Far = m.Far || beyond(m.Points, score.Available, within)
	m.fill(p.gaps(marks), lacks)
	return m, nil
}

// beyond reports whether missing is more than a percentage of available.
func beyond(missing, available Points, percent int) bool {
	return int64(missing)*100 > int64(available)*int64(percent)
}

// lack returns the fewest hundredths of a point that awarded needs to reach a
// percentage of available.
func lack(awarded, available Points, percent int) Points {
	missing := int64(available)*int64(percent) - int64(awarded)*100
	if missing <= 0 {
		return 0
	}
	return Points((missing + 99) / 100)
}

// gaps returns the questions with points that were not awarded, the largest gap
// first and of equal ones the first in the protocol.
func (p *Protocol) gaps(marks []Mark) []gap {
	given := map[string]Mark{}
	for _, m := range marks {
		checked, err := p.CheckMark(m)
		if err == nil {
			given[m.Question] = checked
		}
	}
	var gaps []gap
	place := 0
	for i, e := range p.Elements {
		for _, q := range e.Questions {
			place++
			m := given[q.ID]
			if m.Available > m.Awarded {
				gaps = append(gaps, gap{question: q.ID, element: i, place: place, points: m.Available - m.Awarded})
			}
		}
	}
	slices.SortStableFunc(gaps, func(a, b gap) int { return cmp.Compare(b.points, a.points) })
	return gaps
}

// fill chooses the questions. Every set that covers an element holds at least as
// many of its questions as the largest ones that do, so taking these first and
// then the largest of the rest needs the fewest.
func (m *Miss) fill(gaps []gap, lacks []Points) {
	var chosen, rest []gap
	open := slices.Clone(lacks)
	for _, g := range gaps {
		if open[g.element] > 0 {
			open[g.element] -= g.points
			chosen = append(chosen, g)
			m.Hold += g.points
			continue
		}
		rest = append(rest, g)
	}
	for _, g := range rest {
		if m.Hold >= m.Points {
			break
		}
		chosen = append(chosen, g)
		m.Hold += g.points
	}
	slices.SortFunc(chosen, func(a, b gap) int { return cmp.Compare(a.place, b.place) })
	for _, g := range chosen {
		m.Questions = append(m.Questions, g.question)
	}
}

// NearMiss returns what the verified sheet lacks to pass.
func (f *File) NearMiss() (Miss, error) {
	return f.Protocol.NearMiss(f.marks(verified), f.Edition.PassMarks[f.Audit.Purpose], f.Edition.NearMiss)
}
