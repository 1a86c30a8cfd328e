package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"secordesk/store/secor"
)

// opened brings Kowalski's audit to where it may be submitted.
func (o *office) opened() (string, *secor.Protocol) {
	o.t.Helper()
	o.says("case approve 1")
	desk := o.open()
	id, err := desk.AddAudit(o.t.Context(), o.act("audit"), 1, "ab-pir",
		secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 8, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	o.must(err)
	at := fmt.Sprint(id)
	o.says("case invoice " + at)
	owed := o.file(id).Invoice().Balance()
	o.says("case pay " + at + " --amount " + strings.TrimPrefix(owed.String(), "$") + " --method cheque --reference 0042")
	o.says("case approve "+at, "is open")
	return at, desk.programme.Protocols[desk.programme.Editions["esc-2023"].Protocol]
}

func (o *office) file(id secor.CaseID) *secor.File {
	o.t.Helper()
	f, err := o.open().File(o.t.Context(), id)
	o.must(err)
	return f
}

// submissionLine is a line of a submissions file that claims all points but those of
// less; more is the rest of its fields.
func (o *office) submissionLine(p *secor.Protocol, more string, less ...string) string {
	o.t.Helper()
	var marks []string
	for _, e := range p.Elements {
		for _, q := range e.Questions {
			awarded := q.Points.String()
			for _, id := range less {
				if id == q.ID {
					awarded = "0"
				}
			}
			marks = append(marks, fmt.Sprintf(`{"question": %q, "awarded": %q}`, q.ID, awarded))
		}
	}
	path := filepath.Join(o.t.TempDir(), "submissions.jsonl")
	line := fmt.Sprintf(`{"record": "submission", "body": "ab-pir", "account": "1234567", "fee_year": 2026, "last_day": "2026-03-20", "headcount": 8, "policies_months": 12, "records_months": 12, "submitted_at": %q, "marks": [%s]%s}`,
		o.now.UTC().Format(time.RFC3339), strings.Join(marks, ", "), more)
	o.must(os.WriteFile(path, []byte(line+"\n"), 0o600))
	return path
}

// A review by hand: what a person of the desk sees of marks, notes and rounds, and
// what an import refuses.
func TestReview_ByHand(t *testing.T) {
	o := newOffice(t)
	at, protocol := o.opened()
	for more, words := range map[string]string{
		`, "evidence_url": "http://tools.energysafetycanada.com/14"`:       `evidence_url: .* begins with https`,
		`, "evidence_url": "https://evil.example/14"`:                      `evidence_url: .* is not on a host of the audit tool: energysafetycanada.com`,
		`, "evidence_url": "https://energysafetycanada.com@evil.example/"`: `evidence_url: .* holds a user name`,
		`, "resolved": [{"note": 1}]`:                                      `resolved: answers notes, but no revision was asked for`,
		`, "resolved": [{"note": 0}]`:                                      `resolved\[0\].note: .* whole number from 1`,
		`, "legal_name": "=1+1"`:                                           `legal_name: .* formula`,
	} {
		status, out, errOut := o.run("import " + o.submissionLine(protocol, more))
		if status == statusDone || !regexp.MustCompile(words).MatchString(out+errOut) {
			t.Errorf("%s: status %d, %s%s; want %q", more, status, out, errOut, words)
		}
	}
	if f := o.file(2); f.Case.State != secor.StateOpen || f.Audit.Round != 0 {
		t.Fatalf("refused submissions left the case %s, round %d", f.Case.State, f.Audit.Round)
	}
	o.refuses("case score "+at, "nothing has been submitted on case 2")
	o.says("case rounds "+at, "Nothing has been submitted yet")
	o.says("import "+o.submissionLine(protocol, `, "legal_name": "KOWALSKI ELECTRIC LIMITED", "evidence_url": "https://tools.energysafetycanada.com/14"`, "C1"), `^submission +1 `)
	o.says("case show "+at, `^Stated name +KOWALSKI ELECTRIC LIMITED`, `^Evidence +https://tools`, `\(near_name, note\)`)
	o.says("case score "+at, "^Preliminary, as claimed: pass", "This is not a result")
	o.refuses("case score "+at+" --as eve@example.com", "nobody of this desk")
	o.refuses("case score "+at+" --as ben.ito@example.com", "only its reviewer, who holds the case")
	o.says("case assign " + at + " --reviewer ben.ito@example.com")
	o.says("case score "+at+" --as ben.ito@example.com", "^Preliminary, as claimed: pass")
	o.environ["SECORDESK_AS"] = "ben.ito@example.com"
	o.says("case mark " + at + ` --question C2 --awarded 0 --reason "no record of it"`)
	o.says("case agree " + at + " --element A")
	o.says("case add-note " + at + ` --question C1 --kind actionable --text "Please mark it."`)
	o.says("case add-note " + at + ` --kind informational --text "Well kept."`)
	o.refuses("case confirm "+at, `actionable notes are not settled: 1 C1 \(not answered\)`)
	o.says("case sheet "+at, `^A .*looked at$`, `^B .*not looked at$`, `^  C2 +[0-9.]+/[0-9.]+ +0\.00/[0-9.]+ +.* on 25 Mar by Ben Ito: no record of it`, `Note 1, C1, actionable, not sent yet: Please mark it\.`, `Note 2, as a whole, informational, not sent yet: Well kept\.`)
	o.says("case query "+at+` --question "Please see note 1."`, "is revision", "Promised: assignment:send_revision to company:1")
	o.now = o.now.AddDate(0, 0, 6)
	revised := o.submissionLine(protocol, `, "resolved": [{"note": 1, "answer": "marked"}], "legal_name": "Kowalski Electric Ltd."`, "D1")
	o.says("import "+revised, `^submission +1 `)
	o.says("import "+revised, `^submission +0 +0 +1 `)
	o.says("case rounds "+at, `^Round 1, 25 Mar 2026 .*, months 12/12, headcount 8`, `with us 0 days, then with the company 6 days`, `^Round 2, 31 Mar 2026`,
		`^  C1 +0\.00/[0-9.]+ +[0-9.]+/[0-9.]+ +note 1$`, `^  D1 .*by nobody$`,
		`^  legal_name +KOWALSKI ELECTRIC LIMITED +Kowalski Electric Ltd. +by nobody$`, `^  evidence_url +https://tools.energysafetycanada.com/14 +not stated +by nobody$`)
	var rounds []roundJSON
	o.must(json.Unmarshal([]byte(o.says("case rounds "+at+" --json")), &rounds))
	if len(rounds) != 2 || rounds[0].CompanyDays != 6 || len(rounds[1].Changes) != 4 || !rounds[1].Changes[0].Asked || rounds[1].Changes[1].Asked || rounds[1].OfficeUntil != nil {
		t.Errorf("case rounds --json = %+v", rounds)
	}
	o.says("case show "+at, `^Note 1 +C1, actionable, resolved: Please mark it\. – marked`)
	o.says("case confirm-note " + at + " --note 1")
	o.says("case confirm "+at, "qa complete, pass")
	o.refuses("case mark "+at+` --question C2 --awarded 0 --reason "again"`, "the score is confirmed; a lead can have it heard again by somebody else: appeal")
	o.says("case history "+at, "unlooked B C D E F G H I")
	var sheet sheetJSON
	o.must(json.Unmarshal([]byte(o.says("case sheet "+at+" --json")), &sheet))
	if len(sheet.Notes) != 2 || sheet.Notes[0].State != secor.NoteConfirmed || sheet.Elements[2].Questions[1].Changes[0].By != "Ben Ito" {
		t.Errorf("case sheet --json = %+v", sheet)
	}
	var score caseScoreJSON
	o.must(json.Unmarshal([]byte(o.says("case score "+at+" --json")), &score))
	if score.Standing != "preliminary, as claimed" || score.Result != secor.VerdictPass {
		t.Errorf("case score --json = %+v", score)
	}
	o.refuses("case sheet 1", "case 1 is a request and has no sheet")
	o.says("verify", "^sound: ")
}

// Erasing the text of a note erases it where the note is shown.
func TestReview_ErasedNote(t *testing.T) {
	o := newOffice(t)
	at, protocol := o.opened()
	o.says("import " + o.submissionLine(protocol, ""))
	o.says("case assign " + at + " --reviewer ana.roy@example.com")
	o.says("case add-note " + at + ` --question C1 --kind actionable --text "Jan Kowalski was ill."`)
	desk := o.open()
	events, err := desk.Events(t.Context(), 2)
	o.must(err)
	for _, e := range events {
		if e.Kind == secor.EventNoteAdded {
			o.must(desk.EraseText(t.Context(), o.act("erase"), 2, e.Seq))
		}
	}
	if shown := o.says("case sheet " + at); strings.Contains(shown, "Jan") || !strings.Contains(shown, "(erased)") {
		t.Errorf("the note is still shown:\n%s", shown)
	}
	o.says("verify", "^sound: ")
}
