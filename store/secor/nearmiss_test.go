package secor

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func missWordsOf(m Miss) string {
	var each []string
	for _, e := range m.Elements {
		each = append(each, e.Element+" "+e.Points.String())
	}
	return fmt.Sprintf("%s [%s] %s hold %s far %t", m.Points, strings.Join(each, ", "), strings.Join(m.Questions, " "), m.Hold, m.Far)
}

func TestNearMiss(t *testing.T) {
	pass := PassMark{Overall: 80, Element: 50}
	tests := []struct {
		situation, sheet, want string
	}{
		{"passed", passing, "0.00 []  hold 0.00 far false"},
		{"a hundredth short overall", "A1 5, A2 15, B1 10, B2 1.99", "0.01 [] B2 hold 8.01 far false"},
		{"an element only", "A1 5, A2 15, B1 9, B2 0", "3.00 [B 1.00] B2 hold 10.00 far false"},
		{"an element short by more than the whole", "A1 n/a, A2 n/a, B1 4, B2 4", "8.00 [B 2.00] B1 B2 hold 12.00 far true"},
		{"both limits", "A1 0, A2 9, B1 10, B2 9", "4.00 [A 1.00] A2 hold 6.00 far false"},
		{"both limits, two elements", "A1 0, A2 9, B1 4, B2 5.50", "13.50 [A 1.00, B 0.50] A1 A2 B1 hold 17.00 far true"},
		{"an element at the edge of near", "A1 5, A2 15, B1 8, B2 0", "4.00 [B 2.00] B2 hold 10.00 far false"},
		{"an element beyond near, and the whole not", "A1 5, A2 15, B1 n/a, B2 0/2", "1.00 [B 1.00] B2 hold 2.00 far true"},
		{"far off", failing, "15.00 [A 5.00] A2 B1 hold 18.00 far true"},
		{"an element not applicable", "A1 n/a, A2 n/a, B1 6, B2 9.50", "0.50 [] B1 hold 4.00 far false"},
		{"fractions are rounded up to a hundredth", "A1 5, A2 15, B1 3.33/3.33, B2 3.33", "0.01 [B 0.01] B2 hold 6.67 far false"},
		{"a part that is available", "A1 5, A2 10/15, B1 1/3.33, B2 6.67/6.67", "1.33 [] A2 hold 5.00 far false"},
		{"not scored", "A1 5, A2 0, B1 0", "0.00 []  hold 0.00 far false"},
	}
	for _, tt := range tests {
		m, err := testProtocol().NearMiss(marks(t, tt.sheet), pass, 10)
		if err != nil || missWordsOf(m) != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.situation, missWordsOf(m), err, tt.want)
		}
	}
	_, err := testProtocol().NearMiss(marks(t, "A1 3"), pass, 10)
	mustRefuse(t, err, ErrField, "all or nothing")
}

// TestNearMiss_IsExact: the points that it names, put where it says, reach the mark,
// and one hundredth less does not; the questions that it names hold them, and no
// smaller number of questions does.
func TestNearMiss_IsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, sheet := drawSheet(rt)
		pass := PassMark{Overall: rapid.SampledFrom([]int{60, 80, 100}).Draw(rt, "overall"), Element: rapid.SampledFrom([]int{0, 50, 80}).Draw(rt, "element")}
		m, err := p.NearMiss(sheet, pass, 10)
		if err != nil {
			rt.Fatal(err)
		}
		score, err := p.Judge(sheet, pass)
		if err != nil {
			rt.Fatal(err)
		}
		if (score.Verdict == VerdictFail) != (m.Points > 0) {
			rt.Fatalf("%s lacks %s", score.Verdict, m.Points)
		}
		if m.Points == 0 {
			return
		}
		lacks, placed := map[string]Points{}, Points(0)
		for _, e := range m.Elements {
			lacks[e.Element] = e.Points
			placed += e.Points
		}
		reached := func(less Points, from string) bool {
			awarded, rest := score.Awarded, m.Points-placed
			for _, e := range score.Elements {
				add := lacks[e.Element]
				if e.Element == from {
					add -= less
				}
				room := min(rest, e.Available-e.Awarded-add)
				if room > 0 && from == "" {
					add, rest = add+room, rest-room
				}
				awarded += add
				if e.Available > 0 && !reaches(e.Awarded+add, e.Available, pass.Element) {
					return false
				}
			}
			if from == "" {
				awarded -= less
			}
			return reaches(awarded, score.Available, pass.Overall)
		}
		if !reached(0, "") {
			rt.Fatalf("%s do not reach the mark", missWordsOf(m))
		}
		if m.Points > placed && reached(1, "") {
			rt.Fatalf("%s: a hundredth less reaches it, too", missWordsOf(m))
		}
		for _, e := range m.Elements {
			if lack(score.Awarded, score.Available, pass.Overall) <= placed && reached(1, e.Element) {
				rt.Fatalf("%s: a hundredth less in %s reaches it, too", missWordsOf(m), e.Element)
			}
		}
		fewest(rt, p, sheet, pass, m)
	})
}

// fewest tries every set of questions with points left.
func fewest(rt *rapid.T, p *Protocol, sheet []Mark, pass PassMark, m Miss) {
	gaps := p.gaps(sheet)
	if len(gaps) > 10 {
		return
	}
	best := len(gaps) + 1
	named := map[string]bool{}
	for _, q := range m.Questions {
		named[q] = true
	}
	for set := range 1 << len(gaps) {
		filled, size, hold, same := append([]Mark{}, sheet...), 0, Points(0), true
		for i, g := range gaps {
			in := set&(1<<i) != 0
			same = same && in == named[g.question]
			if !in {
				continue
			}
			size++
			hold += g.points
			for j := range filled {
				if filled[j].Question == g.question {
					filled[j].Awarded += g.points
				}
			}
		}
		score, err := p.Judge(filled, pass)
		if err != nil {
			rt.Fatal(err)
		}
		if score.Verdict == VerdictPass {
			best = min(best, size)
		}
		if same && (score.Verdict != VerdictPass || hold != m.Hold) {
			rt.Fatalf("%s: with all of them awarded it is %s, they hold %s", missWordsOf(m), score.Verdict, hold)
		}
	}
	if best != len(m.Questions) {
		rt.Fatalf("%s: %d questions would do", missWordsOf(m), best)
	}
}

// drawSheet draws a protocol of up to three elements and a sheet in which every
// question is marked.
func drawSheet(rt *rapid.T) (*Protocol, []Mark) {
	p := &Protocol{Name: "drawn"}
	var sheet []Mark
	for i := range rapid.IntRange(1, 3).Draw(rt, "elements") {
		e := Element{ID: string(rune('A' + i))}
		for j := range rapid.IntRange(1, 3).Draw(rt, "questions") {
			q := Question{ID: fmt.Sprintf("%s%d", e.ID, j+1), Points: Points(rapid.IntRange(1, 700).Draw(rt, "points")), Scale: ScaleRange}
			e.Questions = append(e.Questions, q)
			m := Mark{Question: q.ID, NA: rapid.IntRange(0, 5).Draw(rt, "na") == 0}
			if !m.NA {
				m.Available = Points(rapid.IntRange(1, int(q.Points)).Draw(rt, "available"))
				m.Awarded = Points(rapid.IntRange(0, int(m.Available)).Draw(rt, "awarded"))
			}
			sheet = append(sheet, m)
		}
		p.Elements = append(p.Elements, e)
	}
	return p, sheet
}
