package jobs

import (
	"slices"
	"strings"
	"testing"

	"secordesk/store/secor"
)

// missing is a failed audit that was given nothing for the questions named.
func missing(t *testing.T, lang secor.Language, questions string) letterPage {
	t.Helper()
	f := letterFile(t, secor.SubjectAudit)
	none := strings.Fields(questions)
	for _, e := range f.Protocol.Elements {
		for _, q := range e.Questions {
			m := secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points}
			if slices.Contains(none, q.ID) || slices.Contains(none, e.ID) {
				m.Awarded = 0
			}
			f.Sheet[q.ID] = secor.Line{Claimed: &m, Verified: &m}
		}
	}
	return letterPage{Lang: lang, File: f}
}

// TestNearMiss_Words: what a company is told of the points that it lacks, near and
// far, by the whole, by one element and by both.
func TestNearMiss_Words(t *testing.T) {
	const cautionEN = " This is not a promise: a new review looks at everything again."
	const cautionFR = " Ce n’est pas une promesse : un nouvel examen reprend tout."
	tests := []struct{ name, none, en, fr string }{
		{"passed", "C1", "", ""},
		{"one question, an element", "C1 C2 C3 C4 C10",
			"2.00 more points in element C would do. Question C1 holds 12.00 that were not awarded." + cautionEN,
			"2,00 points de plus dans l’élément C auraient suffi. La question C1 en contient 12,00 qui n’ont pas été accordés." + cautionFR},
		{"one question, the whole", "A1 A2 A3 A4 B1 B2 B3 D1 D2 D3 F1 F2 F3",
			"1.00 more points in all would do. Question B2 holds 12.00 that were not awarded." + cautionEN,
			"1,00 points de plus en tout auraient suffi. La question B2 en contient 12,00 qui n’ont pas été accordés." + cautionFR},
		{"both limits", "B1 B2 B3 B4 C1 C2 C3 C4 C10 D1 D2",
			"3.00 more points in all would do, at least 2.00 of them in element C. Question C1 holds 12.00 that were not awarded." + cautionEN,
			"3,00 points de plus en tout auraient suffi, dont au moins 2,00 dans l’élément C. La question C1 en contient 12,00 qui n’ont pas été accordés." + cautionFR},
		{"far by an element alone", "C",
			"It lacks 45.00 points in element C. That is more than a few questions: it is better to look at that part of your system as a whole before a new self-assessment.",
			"Il manque 45,00 points dans l’élément C. C’est plus que quelques questions : il vaut mieux revoir cette partie de votre système avant une nouvelle autoévaluation."},
		{"far by the whole", "A B C",
			"It lacks 130.00 points in all. That is more than a few questions: it is better to look at your system as a whole before a new self-assessment.",
			"Il manque 130,00 points en tout. C’est plus que quelques questions : il vaut mieux revoir votre système avant une nouvelle autoévaluation."},
	}
	for _, tt := range tests {
		for lang, want := range map[secor.Language]string{secor.English: tt.en, secor.French: tt.fr} {
			got, err := nearMiss(missing(t, lang, tt.none))
			if err != nil || got != want {
				t.Errorf("%s, %s: %q, %v", tt.name, lang, got, err)
			}
		}
	}
}

// TestFail_LimitedScope: what a failed audit may be offered is the edition's.
func TestFail_LimitedScope(t *testing.T) {
	desk := letterDesk(t)
	for lang, words := range map[secor.Language][2]string{
		secor.English: {"is not offered here", "review only the elements"}, secor.French: {"n’est pas offert ici", "réexaminer seulement"}} {
		for i, offered := range []bool{false, true} {
			f := letterFile(t, secor.SubjectAudit)
			f.Company.Language, f.Edition.LimitedScope = lang, offered
			message, err := desk.write("fail", f, letterCause("fail"), letterReader("fail"))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(strings.Fields(message.Text), " ")
			if !strings.Contains(text, words[i]) || strings.Contains(text, words[1-i]) {
				t.Errorf("offered %t, %s:\n%s", offered, lang, message.Text)
			}
		}
	}
}

// TestTellReviewer_Appeal: who reviews an audit again is told why, and whose marks
// are in the sheet.
func TestTellReviewer_Appeal(t *testing.T) {
	f := letterFile(t, secor.SubjectAudit)
	f.Case.State = secor.StateInQA
	cause := secor.Event{Kind: secor.EventAuditAppealed, Text: "letter of 3 May", Facts: map[string]string{"why": "named by a person", "earlier": "fail", "percent": "78.40"}}
	message, err := letterDesk(t).write("tell_reviewer", f, cause, letterReader("tell_reviewer"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(message.Subject+" "+message.Text), " ")
	for _, words := range []string{"an appeal for you to review", "The earlier result was: fail, with 78.40 %.", "are the former reviewer's", "letter of 3 May"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is missing:\n%s", words, message.Text)
		}
	}
}
