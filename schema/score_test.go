package schema

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secordesk/store/secor"
)

func TestReadSubmission(t *testing.T) {
	got, err := ReadSubmission([]byte(`{
		"protocol": {"elements": [{"id": "A", "questions": [{"id": "A1", "points": "5"}, {"id": "A2", "points": 2.50, "scale": "all"}]}]},
		"evidence_months": {"policies": 12, "records": 11},
		"marks": [
			{"question": "A1", "awarded": "3.50", "available": "5", "na": false},
			{"question": "A2", "awarded": 0.07},
			{"question": "A3", "na": true},
			{"question": "A4", "awarded": null},
			{"question": "A5"}
		]
	}`))
	if err != nil {
		t.Fatalf("ReadSubmission: %v", err)
	}
	want := &Submission{
		Inline: &secor.Protocol{Name: "inline", Title: "Protocol of the file", Elements: []secor.Element{{ID: "A", Questions: []secor.Question{
			{ID: "A1", Points: 500, Scale: secor.ScaleRange}, {ID: "A2", Points: 250, Scale: secor.ScaleAll},
		}}}},
		Evidence: secor.Evidence{Policies: 12, Records: 11},
		Marks: []secor.Mark{
			{Question: "A1", Awarded: 350, Available: 500},
			{Question: "A2", Awarded: 7},
			{Question: "A3", NA: true},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReadSubmission (-want +got):\n%s", diff)
	}
}

func TestReadSubmission_ByName(t *testing.T) {
	got, err := ReadSubmission([]byte("\uFEFF" + `{"protocol": "secor-reconstructed", "evidence_months": 3, "marks": []}`))
	want := &Submission{Protocol: "secor-reconstructed", Evidence: secor.Evidence{Policies: 3, Records: 3}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("ReadSubmission = %+v, %v; want %+v", got, err, want)
	}
}

func TestReadSubmission_Refused(t *testing.T) {
	const points = " is not a number of points from 0 to 1000000 with at most two decimals, such as 3.50"
	inline := func(questions string) string {
		return `{"protocol": {"elements": [{"id": "A", "questions": [` + questions + `]}]}, "evidence_months": 12, "marks": []}`
	}
	marks := func(marks string) string { return `{"protocol": "x", "evidence_months": 12, "marks": [` + marks + `]}` }
	tests := []struct {
		name, document, want string
	}{
		{"nothing", ``, `line 1: malformed JSON: the document ends too early`},
		{"no object", `[]`, `is an array; it must be an object`},
		{"an empty object", `{}`, "\"protocol\" is missing\n\"evidence_months\" is missing\n\"marks\" is missing"},
		{"a number for a protocol", `{"protocol": 5, "evidence_months": 12, "marks": []}`, `/protocol: is a number; it must be a string or an object`},
		{"an empty name", `{"protocol": "", "evidence_months": 12, "marks": []}`, `/protocol: is shorter than 1 characters`},
		{"months in words", `{"protocol": "x", "evidence_months": "twelve", "marks": []}`, `/evidence_months: is a string; it must be an integer or an object`},
		{"half a month", `{"protocol": "x", "evidence_months": 2.5, "marks": []}`, `/evidence_months: is a number; it must be an integer or an object`},
		{"fewer than no months", `{"protocol": "x", "evidence_months": -1, "marks": []}`, `/evidence_months: -1 is less than 0`},
		{"months of records left out", `{"protocol": "x", "evidence_months": {"policies": 1}, "marks": []}`, `/evidence_months: "records" is missing`},
		{"an unknown field", marks(`{"question": "A1", "awarded": "1", "avialable": "2"}`), `/marks/0: "avialable" is not known here`},
		{"a mark without a question", marks(`{"awarded": "1"}`), `/marks/0: "question" is missing`},
		{"negative points", marks(`{"question": "A1", "awarded": "-1"}`), `/marks/0/awarded: "-1"` + points + `; null or left out: unscored`},
		{"a negative number", marks(`{"question": "A1", "awarded": 1, "available": -1}`), `/marks/0/available: -1` + points},
		{"three decimals as text", inline(`{"id": "A1", "points": "5.005"}`), `/protocol/elements/0/questions/0/points: "5.005"` + points},
		{"three decimals as a number", inline(`{"id": "A1", "points": 5.005}`), `/protocol/elements/0/questions/0/points: 5.005` + points},
		{"an exponent as text", inline(`{"id": "A1", "points": "1e3"}`), `/protocol/elements/0/questions/0/points: "1e3"` + points},
		{"an exponent as a number", inline(`{"id": "A1", "points": 1e999999999}`),
			`line 1: /protocol/elements/0/questions/0/points: write the number out in at most 30 digits, without an exponent`},
		{"too many points", inline(`{"id": "A1", "points": "1000000.01"}`), `/protocol/elements/0/questions/0/points: "1000000.01"` + points},
		{"a question twice", inline(`{"id": "A1", "points": 1}, {"id": "A1", "points": 2}`),
			`/protocol/elements/0/questions/1/id: question A1 is there twice; every id is used once`},
		{"an element without questions", inline(``), `/protocol/elements/0/questions: has 0 items; it needs at least 1`},
		{"nothing available but applicable", marks(`{"question": "A1", "awarded": 0, "available": 0}`),
			`/marks/0/available: is 0; mark the question with "na": true if it does not apply`},
		{"a question named by a formula", marks(`{"question": "=1+1"}`),
			`/marks/0/question: "=1+1" is not a question's id of up to 20 letters, digits and dots, such as A1 or 1.3a`},
		{"everything at once, in order", marks(strings.Repeat(`{"question": "A1"},`, 10) + `{"question": 5}, {}`),
			"/marks/10/question: is a number; it must be a string\n/marks/11: \"question\" is missing"},
		{"invalid UTF-8", "{\n\"protocol\": \"\xff\"}", `line 2: is not valid UTF-8; save the file as UTF-8`},
	}
	for _, tt := range tests {
		_, err := ReadSubmission([]byte(tt.document))
		if got := fmt.Sprint(err); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
		if !errors.Is(err, secor.ErrField) {
			t.Errorf("%s: %T does not match secor.ErrField", tt.name, err)
		}
	}
}

// A submission goes through secor with exact numbers, on the real protocol.
func TestReadSubmission_Judge(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	protocol := p.Protocols["secor-reconstructed"]
	var b strings.Builder
	for _, e := range protocol.Elements {
		for _, q := range e.Questions {
			mark := fmt.Sprintf(`,{"question": %q, "awarded": %q}`, q.ID, q.Points)
			if e.ID == "I" {
				mark = fmt.Sprintf(`,{"question": %q, "na": true}`, q.ID)
			}
			b.WriteString(mark)
		}
	}
	s, err := ReadSubmission([]byte(`{"protocol": "secor-reconstructed", "evidence_months": 12, "marks": [` + b.String()[1:] + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	score, err := protocol.Judge(s.Marks, p.Editions["esc-2023"].PassMarks[secor.PurposeCertification])
	if err != nil {
		t.Fatal(err)
	}
	if score.Verdict != secor.VerdictPass || score.Available != 480_00 || len(score.Reasons) != 1 {
		t.Errorf("score = %+v, want a pass of 480 points with a note on element I", score)
	}
}
