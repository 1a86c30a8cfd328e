package jobs

import (
	"strings"
	"testing"

	"secordesk/store/secor"
)

// TestSubject: whatever a note can be about has words in every language.
func TestSubject(t *testing.T) {
	for _, lang := range secor.Languages() {
		for _, about := range secor.SheetSubjects() {
			if got := subject(lang, about); strings.HasPrefix(got, "question ") {
				t.Errorf("%s in %s: %q", about, lang, got)
			}
		}
		if got := subject(lang, "C2"); got != "question C2" {
			t.Errorf("a question in %s: %q", lang, got)
		}
	}
}
