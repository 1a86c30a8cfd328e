package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"secordesk/store/secor"
)

// signs gives the office what letters are signed with.
func (o *office) signs() {
	maps.Copy(o.environ, map[string]string{"DESK_FROM": "desk@prairie.example", "DESK_NAME": "Prairie Safety Partners", "DESK_PHONE": "403 555 0142"})
}

func TestLettersList(t *testing.T) {
	o := newOffice(t)
	o.says("letters list", `^welcome +request:send_welcome +company +en, fr +request\.approved$`, `^ask_one_year +score:ask_one_year +leads +en +audit\.passed_short$`)
	o.says("letters list --json", `"name": "welcome"`, `"languages": \[`)
}

func TestLettersPreview(t *testing.T) {
	o := newOffice(t)
	status, _, errOut := o.run("letters preview welcome --case 1")
	if status == statusDone || !strings.Contains(errOut, "DESK_FROM is missing") {
		t.Errorf("without a sender: status %d, %s", status, errOut)
	}
	o.signs()
	for _, tt := range []struct{ line, want string }{
		{"letters preview wellcome --case 1", `"wellcome" is not a letter; nearest are welcome, `},
		{"letters preview invoise:send --case 1", `nearest are invoice:send`},
		{"letters preview welcome --case 1 --lang de", `must be one of`},
		{"letters preview welcome --case 1 --html --eml", `can't be used together`},
		{"letters preview welcome", `--case`},
	} {
		status, out, errOut := o.run(tt.line)
		if status != statusUsage || out != "" || !strings.Contains(errOut, tt.want) {
			t.Errorf("%s: status %d, %q, %q, want %s", tt.line, status, out, errOut, tt.want)
		}
	}
	o.refuses("letters preview welcome --case 77", "there is no case 77")
	o.refuses("letters preview invoice --case 1", `nothing has happened on case 1 from which this letter, invoice:send, follows .invoice\.adopted, invoice\.drafted.`)

	// Before its cause it is refused; then with its reason, and after it.
	shows := func(line, said string, patterns ...string) {
		t.Helper()
		status, out, errOut := o.run(line)
		if status != statusDone || !strings.Contains(errOut, said) || said == "" && errOut != "" {
			t.Errorf("%s: status %d, says %q, want %q", line, status, errOut, said)
		}
		for _, p := range patterns {
			if !regexp.MustCompile("(?m)" + p).MatchString(out) {
				t.Errorf("%s: nothing matches %q in:\n%s", line, p, out)
			}
		}
	}
	o.refuses("letters preview request_question --case 1", "nothing has happened on case 1 from which this letter, request:send_question, follows .request.queried.")
	o.says("case take 1", "in review")
	o.says(`case query 1 --question "Which account number is right?"`, "is queried")
	shows("letters preview request_question --case 1", "", `^To: Jan Kowalski <office@kowalski\.example>$`, `^    Which account number is right\?$`, `^Next: please answer`, `our time stands still`)
	shows("letters preview request:send_question --case 1 --lang fr", "", `^Bonjour Jan Kowalski,$`)
	shows("letters preview request_question --case 1 --html --lang fr", "", `^<html lang="fr-CA">$`, `<blockquote><p>Which account`)
	o.says(`case answer 1 --answer "the one on file" --channel phone`, "in review")
	shows("letters preview request_question --case 1", "does not hold any more", `Which account number is right`)

	file := filepath.Join(t.TempDir(), "letter.eml")
	shows("letters preview request_question --case 1 --eml --out "+file, "does not hold any more")
	content, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(content), "multipart/alternative") || !strings.Contains(string(content), "text/html") {
		t.Errorf("%v:\n%s", err, content)
	}
	status, _, errOut = o.run("letters preview request_question --case 1 --eml --out " + file)
	if status != statusRefused || !strings.Contains(errOut, "is there already") {
		t.Errorf("over another file: status %d, %s", status, errOut)
	}
	o.says("jobs list --all --kind request:send_question", "request:send_question") // it was promised once, and nothing else
}

// TestLettersPreview_Score holds that no preview tells a verdict before it is one,
// or a score to who may not see it.
func TestLettersPreview_Score(t *testing.T) {
	r := newReviewed(t)
	r.signs()
	_, _, err := r.desk.AddReviewer(t.Context(), r.act("third"), secor.Reviewer{Name: "Eve Ng", Email: "eve.ng@example.com", Role: secor.RoleReviewer, Active: true, Capacity: 5})
	r.must(err)
	line := fmt.Sprintf("letters preview pass --case %d", r.id)
	for as, want := range map[string]string{"": "--as: is missing", "nobody@example.com": "is nobody of this desk",
		"eve.ng@example.com": "tells a score, and Eve Ng neither holds case", "ben.ito@example.com": "nothing has happened on case", "ana.roy@example.com": "nothing has happened on case"} {
		r.environ["SECORDESK_AS"] = as
		status, out, errOut := r.run(line)
		if status == statusDone || out != "" || !strings.Contains(errOut, want) {
			t.Errorf("%s as %q: status %d, %q, %q, want %q", line, as, status, out, errOut, want)
		}
	}
	r.environ["SECORDESK_AS"] = ""
	r.refuses(fmt.Sprintf("letters preview certificate_mailed --case %d", r.id), "nothing has happened on case")
	// Whom the case was given to may see what it claims.
	r.says(fmt.Sprintf("letters preview tell_reviewer --case %d --as ben.ito@example.com", r.id), "Preliminary, as claimed")
}
