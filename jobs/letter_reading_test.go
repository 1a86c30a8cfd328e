package jobs

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"secordesk/store/secor"
)

// highestGrade is the school level that our letters stay under: 8.9 is still 8.
const highestGrade = 8.9

// fleschKincaid is the school grade of a text: 0.39 words per sentence and 11.8
// syllables per word, less 15.59 (Kincaid et al., 1975).
func fleschKincaid(text string) float64 {
	words, syllables, sentences := 0, 0, 0
	for word := range strings.FieldsSeq(text) {
		n := syllablesOf(word)
		if n == 0 {
			continue
		}
		words, syllables = words+1, syllables+n
		if strings.ContainsAny(word[len(word)-1:], ".?!:") {
			sentences++
		}
	}
	sentences = max(sentences, 1)
	return 0.39*float64(words)/float64(sentences) + 11.8*float64(syllables)/float64(words) - 15.59
}

var vowels = regexp.MustCompile(`[aeiouyéèêëàâîïôûùœ]+`)

// syllablesOf counts runs of vowels, without a silent e at the end. A number is
// read as one syllable a digit.
func syllablesOf(word string) int {
	word = strings.ToLower(strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
	if word == "" {
		return 0
	}
	digits := 0
	for _, r := range word {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits > 0 {
		return digits
	}
	n := len(vowels.FindAllString(word, -1))
	if n > 1 && strings.HasSuffix(word, "e") && !strings.HasSuffix(word, "le") {
		n--
	}
	if n > 1 && strings.HasSuffix(word, "ed") && !strings.HasSuffix(word, "ted") && !strings.HasSuffix(word, "ded") {
		n--
	}
	return max(n, 1)
}

// TestFleschKincaid measures two texts whose grade is known.
func TestFleschKincaid(t *testing.T) {
	for text, want := range map[string]float64{
		"The cat sat on the mat.": -1.45,
		"The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.": 11.3,
	} {
		if got := fleschKincaid(text); math.Abs(got-want) > 0.05 {
			t.Errorf("grade %.2f, want %.2f: %s", got, want, text)
		}
	}
}

// TestLetters_Readable holds the sentences of every English letter to a company
// to school level 8. What others wrote, tables, and names do not count.
func TestLetters_Readable(t *testing.T) {
	desk := letterDesk(t)
	for _, name := range letterNames(t, secor.English) {
		to := letterReader(name)
		if !strings.HasPrefix(to.Key, "company:") {
			continue
		}
		f := letterFile(t, subjectOf(name))
		f.Company.LegalName, f.Body.Name, f.Edition.Course.Name = "Acme", "The board", "The course"
		page, err := desk.page(f, secor.Event{Text: "Why."}, to)
		if err != nil {
			t.Fatal(err)
		}
		message, err := desk.writeIn(page, name)
		if err != nil {
			t.Fatal(err)
		}
		var own []string
		for _, b := range parseBlocks(message.Text) {
			if b.Kind != blockTable && b.Kind != blockQuote {
				own = append(own, b.Lines...)
			}
		}
		text := strings.Join(own[1:len(own)-1], ". ") // without salutation and signature
		grade := fleschKincaid(text)
		t.Logf("%5.1f %s", grade, name)
		if grade > highestGrade {
			t.Errorf("letter %s has the school grade %.1f, more than %.1f:\n%s", name, grade, highestGrade, text)
		}
	}
}

// TestLetters_MoneyNeverThreatens: no letter about money has a word about losing
// a certificate, in any language.
func TestLetters_MoneyNeverThreatens(t *testing.T) {
	threat := regexp.MustCompile(`(?i)certif|revo[kc]|révo|cancel|annul|expel|suspen|lose|lost|perd|legal|juri|collection|recouvrement|consequence|conséquence`)
	for _, lang := range secor.Languages() {
		for _, name := range letterNames(t, lang) {
			if !strings.Contains(name, "invoice") && !strings.Contains(name, "payment") && !strings.Contains(name, "statement") && !strings.Contains(name, "receipt") {
				continue
			}
			source, err := letterFiles.ReadFile(textFile(lang, name))
			if err != nil {
				t.Fatal(err)
			}
			if found := threat.FindString(string(source)); found != "" {
				t.Errorf("%s says %q", textFile(lang, name), found)
			}
		}
	}
}
