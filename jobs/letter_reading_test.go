package jobs

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
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

// readablePages are the letters that are only whole with a clock: each of their
// reminders, and the last, is a page of its own, and so is a promise not kept.
func readablePages(t *testing.T) map[string]letterPage {
	t.Helper()
	desk := letterDesk(t)
	now := time.Date(2026, time.March, 25, 16, 0, 0, 0, time.UTC)
	pages := map[string]letterPage{}
	add := func(name, policy string, kind secor.Subject, raised secor.EventKind) {
		p, known := letterFile(t, kind).Edition.Policy(policy)
		if !known {
			t.Fatalf("no policy %s", policy)
		}
		for i, level := range p.Levels {
			if level.Raises != raised {
				continue
			}
			f := letterFile(t, kind)
			f.Company.LegalName = "Acme"
			if f.Request != nil {
				f.Request.Question = "Why?"
			} else {
				f.Audit.Question = "Why?"
			}
			var levels []string
			for _, acted := range p.Levels[:i+1] {
				levels = append(levels, acted.Name)
			}
			runClock(t, f, policy, now, now.AddDate(0, 0, level.AfterDays+1), levels...)
			page, err := desk.page(f, secor.Event{Kind: raised, Text: "Why.", Facts: map[string]string{"policy": policy, "cycle": "1", "level": level.Name}}, letterReader(name))
			if err != nil {
				t.Fatal(err)
			}
			pages[name+" "+level.Name] = page
		}
	}
	add("answer_reminder", secor.PolicyAnswer, secor.SubjectRequest, secor.EventAnswerReminder)
	add("revision_reminder", secor.PolicyRevision, secor.SubjectAudit, secor.EventRevisionReminder)
	late := letterFile(t, secor.SubjectAudit)
	late.Company.LegalName = "Acme"
	runClock(t, late, secor.PolicyReview, now, now.AddDate(0, 0, 40))
	page, err := desk.page(late, secor.Event{}, letterReader("interim"))
	if err != nil {
		t.Fatal(err)
	}
	pages["interim late"] = page
	add("invoice_reminder", secor.PolicyInvoice, secor.SubjectAudit, secor.EventInvoiceReminder)
	return pages
}

// TestLetters_Readable holds the sentences of every English letter to a company
// to school level 8, reminders on each of their pages. What others wrote, tables,
// and names do not count.
func TestLetters_Readable(t *testing.T) {
	desk := letterDesk(t)
	pages := readablePages(t)
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
		pages[name] = page
	}
	said := ""
	for name, page := range pages {
		text := ownSentences(t, desk, page, strings.Fields(name)[0])
		grade := fleschKincaid(text)
		t.Logf("%5.1f %s", grade, name)
		if grade > highestGrade {
			t.Errorf("letter %s has the school grade %.1f, more than %.1f:\n%s", name, grade, highestGrade, text)
		}
		said += text
	}
	for _, seldom := range []string{"This is our last reminder. If we hear nothing by then, somebody here looks at your file", "and may close the review", "Tell us when you can pay", "We are late, and we are sorry", "On 25 March 2026 we asked Acme"} {
		if !strings.Contains(said, seldom) {
			t.Errorf("no page measures %q", seldom)
		}
	}
}

// ownSentences returns what a letter says between salutation and signature, without
// tables and quotations.
func ownSentences(t *testing.T, desk *Desk, page letterPage, name string) string {
	t.Helper()
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
	return strings.Join(own[1:len(own)-1], ". ")
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
