package secor

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// elements builds a protocol of one question per element: "200 50" are elements A
// and B.
func elements(t testing.TB, sizes string) *Protocol {
	t.Helper()
	p := &Protocol{Name: "drawn"}
	for i, size := range strings.Fields(sizes) {
		id := string(rune('A' + i))
		p.Elements = append(p.Elements, Element{ID: id, Questions: []Question{{ID: id + "1", Points: points(t, size), Scale: ScaleRange}}})
	}
	return p
}

func TestJudge_Boundaries(t *testing.T) {
	tests := []struct {
		situation string
		sizes     string
		marks     string
		want      Verdict
		reasons   string // parts, each in its own reason
	}{
		{"exactly 80 overall and 50 in the weakest", "100 50 50", "A1 95, B1 25, C1 40", VerdictPass, ""},
		{"a hundredth of a point below 80", "100 100", "A1 80, B1 79.99", VerdictFail, "overall: 159.99 of 200.00 is under 80 %"},
		{"79.99 percent", "1000 1000 8000", "A1 1000, B1 999, C1 6000", VerdictFail, "overall: 7999.00 of 10000.00"},
		{"79.999…, which a percentage would round up", "1000000 1000000", "A1 999999.99, B1 600000", VerdictFail, "overall"},
		{"a hundredth of a point below 50 in one element", "190 10", "A1 190, B1 4.99", VerdictFail, "element B: 4.99 of 10.00 is under 50 %"},
		{"exactly 50 in one element", "190 10", "A1 190, B1 5", VerdictPass, ""},
		{"95 overall, one element at 49", "190 10", "A1 185.10, B1 4.90", VerdictFail, "element B"},
		{"both floors missed", "100 100", "A1 49.99, B1 80", VerdictFail, "element A|overall"},
		{"an element not applicable", "100 50", "A1 80, B1 n/a", VerdictPass, "element B: nothing applicable, counted as passed"},
		{"an element not applicable does not lift the rest", "100 50", "A1 79.99, B1 n/a", VerdictFail, "element B|overall: 79.99 of 100.00"},
		{"everything not applicable", "100 50", "A1 n/a, B1 n/a", VerdictNotScored, "element A|element B|nothing is scored"},
		{"an unscored question beside a pass", "100 50", "A1 100", VerdictNotScored, "element B: B1 not scored"},
		{"an unscored question beside a fail", "100 50", "A1 10", VerdictNotScored, "element A|element B: B1 not scored"},
		{"0 is scored", "100 50", "A1 100, B1 0", VerdictFail, "element B: 0.00 of 50.00|overall"},
		{"nothing scored at all", "100 50", "", VerdictNotScored, "A1 not scored|B1 not scored|nothing is scored"},
		{"half of the points available", "100 50", "A1 80, B1 20/25", VerdictPass, ""},
		{"a fractional number available", "100 50", "A1 80, B1 12.50/25.01", VerdictFail, "element B: 12.50 of 25.01|overall"},
	}
	for _, tt := range tests {
		s, err := elements(t, tt.sizes).Judge(marks(t, tt.marks), PassMark{80, 50})
		if err != nil || s.Verdict != tt.want {
			t.Errorf("%s: Judge = %s, %v; want %s", tt.situation, s.Verdict, err, tt.want)
		}
		parts := strings.Split(tt.reasons, "|")
		if tt.reasons == "" {
			parts = nil
		}
		if len(parts) != len(s.Reasons) {
			t.Errorf("%s: reasons %q, want %q", tt.situation, s.Reasons, parts)
			continue
		}
		for i, part := range parts {
			if !strings.Contains(s.Reasons[i], part) {
				t.Errorf("%s: reason %q, want %q", tt.situation, s.Reasons[i], part)
			}
		}
	}
}

func TestJudge_NoFloor(t *testing.T) {
	s, err := elements(t, "190 10").Judge(marks(t, "A1 190, B1 0"), PassMark{Overall: 60})
	if err != nil || s.Verdict != VerdictPass {
		t.Errorf("maintenance without a floor: %s, %v, %v", s.Verdict, err, s.Reasons)
	}
}

func TestCheckMark(t *testing.T) {
	p := testProtocol()
	tests := []struct {
		mark  Mark
		words string // of the refusal; "": accepted
	}{
		{Mark{Question: "A2", Awarded: 15_00, Available: 15_00}, ""},
		{Mark{Question: "A2", Awarded: 0, Available: 0}, ""},
		{Mark{Question: "A2", Awarded: 7_25, Available: 7_25}, ""},
		{Mark{Question: "A1", Awarded: 5_00}, ""},
		{Mark{Question: "A1", Awarded: 0}, ""},
		{Mark{Question: "B1", NA: true}, ""},
		{Mark{Question: "B1", Available: 10_00, NA: true}, ""},
		{Mark{Question: "Z9", Awarded: 1}, "question Z9: is not in protocol small"},
		{Mark{Question: ""}, "is not in protocol small"},
		{Mark{Question: "a1", Awarded: 5_00}, "is not in protocol"},
		{Mark{Question: "A2", Awarded: 15_01}, "question A2: has 15.01 points awarded of 15.00 available"},
		{Mark{Question: "A2", Awarded: 8_00, Available: 7_99}, "has 8.00 points awarded of 7.99 available"},
		{Mark{Question: "A2", Awarded: 1, Available: 15_01}, "has 15.01 points available, but the protocol gives it 15.00"},
		{Mark{Question: "A2", Awarded: -1}, "negative"},
		{Mark{Question: "A2", Available: -1}, "negative"},
		{Mark{Question: "A1", Awarded: 4_99}, "is all or nothing: award 0 or 5.00"},
		{Mark{Question: "B1", Awarded: 1, NA: true}, "not applicable but has points awarded"},
		{Mark{Question: strings.Repeat("x", 1<<20)}, "is not in protocol"},
	}
	for _, tt := range tests {
		checked, err := p.CheckMark(tt.mark)
		if tt.words == "" {
			if err != nil || !tt.mark.NA && checked.Available == 0 {
				t.Errorf("CheckMark(%+v) = %+v, %v", tt.mark, checked, err)
			}
			continue
		}
		mustRefuse(t, err, ErrField, tt.words)
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("a sentence of %d bytes", len(err.Error()))
		}
	}
}

func TestJudge_RefusesTheWholeSheet(t *testing.T) {
	for text, words := range map[string]string{"A1 5, A1 5": "question A1: is marked twice", "A1 5, Z1 5": "question Z1", "A2 16": "question A2"} {
		s, err := testProtocol().Judge(marks(t, text), PassMark{80, 50})
		mustRefuse(t, err, ErrField, words)
		if diff := cmp.Diff(Score{}, s); diff != "" {
			t.Errorf("%s: a refused sheet has a score:\n%s", text, diff)
		}
	}
}

func TestPercent_IsCutNeverRoundedUp(t *testing.T) {
	for _, tt := range []struct {
		awarded, available Points
		want               string
	}{{7999_99, 10000_00, "79.99"}, {80_00, 100_00, "80.00"}, {1, 3, "33.33"}, {2, 3, "66.66"}, {0, 5, "0.00"}, {5, 5, "100.00"}, {0, 0, "–"}} {
		if got := Percent(tt.awarded, tt.available); got != tt.want {
			t.Errorf("Percent(%s, %s) = %s, want %s", tt.awarded, tt.available, got, tt.want)
		}
	}
}

func TestTerm_BothSidesOfEveryMonth(t *testing.T) {
	months := EvidenceMonths{ThreeYear: 12, OneYear: 3}
	for _, tt := range []struct {
		policies, records int
		want              int
	}{
		{0, 0, 0}, {2, 2, 0}, {3, 2, 0}, {2, 12, 0}, {3, 3, 1}, {11, 12, 1}, {12, 11, 1}, {11, 11, 1}, {12, 12, 3}, {12, 3, 1}, {60, 12, 3},
	} {
		found := Evidence{tt.policies, tt.records}
		if got := months.Term(VerdictPass, found.Months()); got != tt.want {
			t.Errorf("%d months of policies, %d of records: %d years, want %d", tt.policies, tt.records, got, tt.want)
		}
		for _, v := range []Verdict{VerdictFail, VerdictNotScored, ""} {
			if got := months.Term(v, found.Months()); got != 0 {
				t.Errorf("%s earns %d years", v, got)
			}
		}
	}
}

// TestJudge_IsExact compares with fractions of whole numbers.
func TestJudge_IsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := &Protocol{Name: "drawn"}
		var given []Mark
		sum, most := new(big.Int), new(big.Int)
		lowest := true
		for i := range rapid.IntRange(1, 6).Draw(rt, "elements") {
			id := fmt.Sprintf("E%d", i)
			size := rapid.Int64Range(1, 20_000).Draw(rt, "points")
			got := rapid.Int64Range(0, size).Draw(rt, "awarded")
			p.Elements = append(p.Elements, Element{ID: id, Questions: []Question{{ID: id, Points: Points(size), Scale: ScaleRange}}})
			given = append(given, Mark{Question: id, Awarded: Points(got), Available: Points(size)})
			sum.Add(sum, big.NewInt(got))
			most.Add(most, big.NewInt(size))
			lowest = lowest && new(big.Rat).SetFrac64(got, size).Cmp(big.NewRat(1, 2)) >= 0
		}
		want := VerdictFail
		if lowest && new(big.Rat).SetFrac(sum, most).Cmp(big.NewRat(4, 5)) >= 0 {
			want = VerdictPass
		}
		s, err := p.Judge(given, PassMark{80, 50})
		if err != nil || s.Verdict != want {
			rt.Fatalf("Judge = %s, %v; want %s", s.Verdict, err, want)
		}
		shuffled := rapid.Permutation(given).Draw(rt, "order")
		again, err := p.Judge(shuffled, PassMark{80, 50})
		if diff := cmp.Diff(s, again); diff != "" || err != nil {
			rt.Fatalf("another order of marks, another score: %v\n%s", err, diff)
		}
	})
}
