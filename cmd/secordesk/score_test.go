package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"secordesk/schema"
	"secordesk/store/secor"
)

// sheet returns a submission with one element A of two questions of 5 points,
// and the given rest of its marks.
func sheet(months, marks string) string {
	return `{"protocol": {"elements": [{"id": "A", "questions": [{"id": "A1", "points": "5"}, {"id": "A2", "points": "5"}]}]},
		"evidence_months": ` + months + `, "marks": [` + marks + `]}`
}

func score(t *testing.T, document string, args ...string) (string, string, int) {
	t.Helper()
	terminal, out, errOut := testTerminal(nil)
	terminal.in = strings.NewReader(document)
	status := run(context.Background(), append([]string{"score", "-"}, args...), terminal)
	return out.String(), errOut.String(), status
}

func TestScore_RefusesWhatCannotBe(t *testing.T) {
	const good = `{"question": "A2", "awarded": "5"}`
	tests := []struct {
		name, document, want string
	}{
		{"empty", "", "-: is empty"},
		{"white space", " \n\t", "-: is empty"},
		{"not JSON", "question;awarded", "-: line 1: malformed JSON"},
		{"cut off", `{"protocol": "x",`, "the document ends too early"},
		{"trailing data", sheet("12", good) + "{}", "something follows the end"},
		{"invalid UTF-8", sheet("12", "{\"question\": \"A\xff\"}"), "is not valid UTF-8"},
		{"key given twice", sheet("12", `{"question": "A1", "awarded": 1, "awarded": 5}`), "/marks/0/awarded: is given twice"},
		{"unknown field", sheet("12", `{"question": "A1", "award": 1}`), `/marks/0: "award" is not known here`},
		{"field in another case", sheet("12", `{"question": "A1", "Awarded": 1}`), `/marks/0: "Awarded" is not known here`},
		{"missing months", `{"protocol": "secor-reconstructed", "marks": []}`, `"evidence_months" is missing`},
		{"negative months", sheet("-1", good), "/evidence_months"},
		{"months in part", sheet("11.5", good), "/evidence_months"},
		{"months with a point", sheet("12.0", good), "/evidence_months: must be a whole number"},
		{"months as text", sheet(`"12"`, good), "/evidence_months"},
		{"negative points", sheet("12", `{"question": "A1", "awarded": "-1"}`), "/marks/0/awarded"},
		{"negative number", sheet("12", `{"question": "A1", "awarded": -1}`), "/marks/0/awarded"},
		{"three decimals", sheet("12", `{"question": "A1", "awarded": 3.505}`), "/marks/0/awarded"},
		{"three decimals as text", sheet("12", `{"question": "A1", "awarded": "3.505"}`), "/marks/0/awarded"},
		{"exponent", sheet("12", `{"question": "A1", "awarded": 1e0}`), "/marks/0/awarded: write the number out"},
		{"huge exponent", sheet("12", `{"question": "A1", "awarded": 1e999999999}`), "/marks/0/awarded: write the number out"},
		{"exponent as text", sheet("12", `{"question": "A1", "awarded": "1e2"}`), "/marks/0/awarded"},
		{"not a number", sheet("12", `{"question": "A1", "awarded": true}`), "/marks/0/awarded"},
		{"more awarded than available", sheet("12", `{"question": "A1", "awarded": "4", "available": "3.99"}`), "/marks/0: question A1: has 4.00 points awarded of 3.99"},
		{"more available than the question has", sheet("12", `{"question": "A1", "awarded": "1", "available": "5.01"}`), "/marks/0: question A1: has 5.01 points available"},
		{"unknown question", sheet("12", good+`, {"question": "Z9", "awarded": 1}`), "/marks/1: question Z9 is not in the protocol"},
		{"unknown question without points", sheet("12", `{"question": "Z9"}`), "/marks/0: question Z9 is not in the protocol"},
		{"marked twice", sheet("12", good+","+good), "/marks/1: question A2 is marked twice"},
		{"marked and unscored", sheet("12", good+`, {"question": "A2", "awarded": null}`), "/marks/1: question A2 is marked twice"},
		{"points on what does not apply", sheet("12", `{"question": "A1", "awarded": 1, "na": true}`), "/marks/0: question A1: is marked not applicable"},
		{"nothing available but applicable", sheet("12", `{"question": "A1", "awarded": 0, "available": 0}`), "/marks/0/available"},
		{"question twice in the protocol", `{"protocol": {"elements": [{"id": "A", "questions": [{"id": "A1", "points": 1}, {"id": "A1", "points": 1}]}]}, "evidence_months": 1, "marks": []}`, "question A1 is there twice"},
		{"larger than the limit", sheet("12", strings.Repeat(" ", maxSubmission)), "is larger than 8 MB"},
	}
	for _, tt := range tests {
		out, errOut, status := score(t, tt.document, "--edition", "esc-2023")
		if status != statusRefused || out != "" || !strings.HasPrefix(errOut, "-: ") || !strings.Contains(errOut, tt.want) {
			t.Errorf("%s: status %d, stdout %q, stderr %q; want a refusal with %q", tt.name, status, out, errOut, tt.want)
		}
	}
}

func TestScore_ManyProblemsAreCut(t *testing.T) {
	line := `{"question": "A1", "awarded": 6},`
	_, errOut, status := score(t, sheet("12", strings.TrimSuffix(strings.Repeat(line, 100), ",")), "--edition", "esc-2023")
	if lines := strings.Count(errOut, "\n"); status != statusRefused || lines != 21 || !strings.Contains(errOut, "-: and ") {
		t.Errorf("%d lines, want 20 problems and how many more there are:\n%s", lines, errOut)
	}
}

func TestScore_Term(t *testing.T) {
	const full = `{"question": "A1", "awarded": 5}, {"question": "A2", "awarded": 5}`
	const half = `{"question": "A1", "awarded": 5}, {"question": "A2", "awarded": 2.99}`
	tests := []struct {
		name, months, marks, purpose string
		verdict                      secor.Verdict
		term                         int
	}{
		{"twelve months", "12", full, "certification", secor.VerdictPass, 3},
		{"eleven months", "11", full, "certification", secor.VerdictPass, 1},
		{"three months", "3", full, "recertification", secor.VerdictPass, 1},
		{"two months", "2", full, "certification", secor.VerdictPass, 0},
		{"the smaller of two counts", `{"policies": 12, "records": 11}`, full, "certification", secor.VerdictPass, 1},
		{"a fail earns nothing", "12", half, "certification", secor.VerdictFail, 0},
		{"unscored earns nothing", "12", `{"question": "A1", "awarded": 5}`, "certification", secor.VerdictNotScored, 0},
		{"maintenance earns no certificate", "12", full, "maintenance", secor.VerdictPass, 0},
	}
	for _, tt := range tests {
		out, errOut, _ := score(t, sheet(tt.months, tt.marks), "--json", "--edition", "esc-2023", "--purpose", tt.purpose)
		var got scoreJSON
		err := json.Unmarshal([]byte(out), &got)
		if err != nil {
			t.Errorf("%s: %v, stderr %q", tt.name, err, errOut)
			continue
		}
		if got.Verdict != tt.verdict || got.TermYears != tt.term {
			t.Errorf("%s: %s, %d years; want %s, %d", tt.name, got.Verdict, got.TermYears, tt.verdict, tt.term)
		}
		if tt.term != 3 && len(got.Reasons) == 0 {
			t.Errorf("%s: no reason is given for %d years", tt.name, tt.term)
		}
	}
}

func TestScore_DefaultEditionIsTodays(t *testing.T) {
	out, errOut, status := score(t, sheet("12", ""))
	if status != statusDone || !strings.Contains(out, "(esc-2023)") {
		t.Errorf("status %d, %q, %q; want the edition in force on 25 March 2026", status, out, errOut)
	}
}

func TestScore_ColourOnlyWhereAsked(t *testing.T) {
	for _, colour := range []bool{false, true} {
		terminal, out, _ := testTerminal(nil)
		terminal.colour, terminal.in = colour, strings.NewReader(sheet("12", ""))
		run(context.Background(), []string{"score", "-"}, terminal)
		if strings.Contains(out.String(), "\x1b[") != colour {
			t.Errorf("colour %t: %q", colour, out)
		}
	}
}

func FuzzScore(f *testing.F) {
	f.Add([]byte(sheet("12", `{"question": "A1", "awarded": "3.50", "available": "5", "na": false}, {"question": "A2", "na": true}`)))
	f.Add([]byte(sheet(`{"policies": 3, "records": 12}`, `{"question": "A1", "awarded": null}`)))
	f.Add([]byte(`{"protocol": "secor-reconstructed", "evidence_months": 1e999999999, "marks": [{"question": ""}]}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	loaded, err := schema.LoadFS(schema.Files())
	if err != nil {
		f.Fatal(err)
	}
	edition := loaded.Programme.Editions["esc-2023"]
	f.Fuzz(func(t *testing.T, document []byte) {
		s, err := judge(document, loaded.Programme, edition, secor.PurposeCertification)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without a text")
			}
			return
		}
		var awarded, available secor.Points
		for _, e := range s.Elements {
			awarded, available = awarded+e.Awarded, available+e.Available
		}
		if awarded != s.Awarded || available != s.Available || awarded < 0 || awarded > available {
			t.Errorf("%s of %s, but the elements sum up to %s of %s", s.Awarded, s.Available, awarded, available)
		}
		if s.term > 0 && s.Verdict != secor.VerdictPass {
			t.Errorf("%d years for %s", s.term, s.Verdict)
		}
		if s.Verdict == secor.VerdictFail && len(s.missing(edition.PassMarks[s.purpose])) == 0 {
			t.Error("a fail that misses nothing")
		}
	})
}
