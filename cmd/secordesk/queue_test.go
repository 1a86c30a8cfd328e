package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"secordesk/store/secor"
)

// submitted brings a new audit of the office's company before a reviewer.
func (o *office) submitted() {
	o.t.Helper()
	o.says("case approve 1")
	opened := o.open()
	company, err := opened.CompanyByAccount(o.t.Context(), "ab-pir", "1234567")
	o.must(err)
	id, err := opened.AddAudit(o.t.Context(), o.act("audit"), company.ID, "ab-pir", secor.Audit{Purpose: secor.PurposeRecertification, FeeYear: 2026, Headcount: 4,
		Claimed: secor.Evidence{Policies: 12, Records: 12}})
	o.must(err)
	if id != 2 {
		o.t.Fatalf("the audit is case %d", id)
	}
	o.says("case invoice 2")
	o.says("case pay 2 --amount 630.00 --method cheque --reference 0042")
	o.says("case approve 2")
	act := o.act("submission")
	o.must(opened.UpdateCase(o.t.Context(), id, act, func(f *secor.File, _ time.Time) error {
		s := secor.Submission{Months: secor.Evidence{Policies: 12, Records: 12}, LastDay: secor.NewDate(2026, time.March, 20), Headcount: 4}
		for _, e := range f.Protocol.Elements {
			for _, q := range e.Questions {
				s.Marks = append(s.Marks, secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points})
			}
		}
		return f.Submit(s)
	}))
}

// TestTakenAway_Command: the command that its letter prints is the one that works,
// also when a finding of the submission was accepted before.
func TestTakenAway_Command(t *testing.T) {
	o := newOffice(t)
	o.signs()
	at, protocol := o.opened()
	path := o.submissionLine(protocol, "")
	line, err := os.ReadFile(path)
	o.must(err)
	o.must(os.WriteFile(path, []byte(strings.Replace(string(line), `"headcount": 8`, `"headcount": 11`, 1)), 0o600))
	o.says("import " + path)
	o.refuses("case accept "+at+` --reason "looked at"`, `11 people.*\(headcount\)`)
	o.says("case accept " + at + ` --accept headcount --reason "two left on Friday"`)
	o.says("case assign " + at + " --reviewer ben.ito@example.com")
	conflicts := filepath.Join(t.TempDir(), "conflicts.csv")
	o.must(os.WriteFile(conflicts, []byte("email,body,account,from,reason\nben.ito@example.com,ab-pir,1234567,2026-03-25,her brother's\n"), 0o600))
	o.says("import " + conflicts)
	o.must(o.open().UpdateCase(t.Context(), 2, o.act("unassign"), func(f *secor.File, _ time.Time) error { return f.Unassign() }))
	letter := o.says("letters preview taken_away --case "+at, "it was taken|was taken from its reviewer")
	command := regexp.MustCompile(`(?m)^ +secordesk (case accept .*)$`).FindStringSubmatch(letter)
	if command == nil {
		t.Fatalf("the letter prints no command:\n%s", letter)
	}
	o.says(command[1])
	if f := o.file(2); f.Audit.Waiting {
		t.Error("the printed command was taken, and the audit still waits")
	}
}

func TestQueue(t *testing.T) {
	o := newOffice(t)
	o.says("queue", "^No audit waits for a reviewer", `^Ana Roy +·{20} +0 +5 +0$`)
	o.submitted()
	o.says("queue", `^1 +2 +Kowalski Electric Ltd\. +submitted on 25 March 2026; expiry of its certificate not on file +0 +Ana Roy \(least load: 0 of 5\)`)
	o.refuses(`case correct 2 --field certificate-expires-on --value soon --reason "their letter"`, `certificate-expires-on: "soon" is not a date`)
	o.says(`case correct 2 --field certificate-expires-on --value 2026-04-10 --reason "their letter"`)
	o.says(`case correct 2 --field certificate-number --value AB-77 --reason "their letter"`)
	o.says("case show 2", `^Holds +certificate AB-77, until 2026-04-10$`, `^Need +certificate expires on 10 April 2026$`)
	o.now = o.now.AddDate(0, 0, 20)
	var q queueJSON
	o.must(json.Unmarshal([]byte(o.says("queue --json")), &q))
	if len(q.Waiting) != 1 || !q.Waiting[0].Expired || q.Waiting[0].Days != 20 || q.Waiting[0].Next == nil || q.Waiting[0].Next.Name != "Ana Roy" || len(q.Reviewers) != 2 {
		t.Errorf("queue --json = %+v", q)
	}
	o.says("case why-assigned 2", "^Audit 2 .* is submitted", "^Nobody was given it yet")
	o.says("case assign 2")
	o.says("queue", "^No audit waits", `^Ana Roy +█{4}·{16} +1 +5 +1$`)
	o.says("case query 2 --question page?") // it weighs half as long as the company revises
	o.says("queue", `^Ana Roy +██·{18} +0.5 +5 +1$`)
	o.says(`case assign 2 --reviewer ben.ito@example.com --reason "Ana is away"`)
	told := o.says("case why-assigned 2", "^ *14 Apr 2026 10:00  given to Ana Roy, by Ana Roy; least load: 0 of 5; certificate expired on 10 April",
		`^> +Ana Roy +0 +5 +0 +never +chosen`, `^ +Ben Ito +0 +5 +0 +never +holds 0 of 5`, "given to Ben Ito, by Ana Roy; named by a person; Ana is away")
	if strings.Count(told, "given to") != 2 {
		t.Errorf("told:\n%s", told)
	}
	var turns []assignmentJSON
	o.must(json.Unmarshal([]byte(o.says("case why-assigned 2 --json")), &turns))
	if len(turns) != 2 || turns[1].To.Name != "Ben Ito" || turns[1].From.Name != "Ana Roy" || len(turns[0].Candidates) != 2 || *turns[0].Candidates[0].Capacity != 5 {
		t.Errorf("why-assigned --json = %+v", turns)
	}
	history := o.says("case history 2", "audit.assigned")
	if strings.Contains(history, "seen_") {
		t.Errorf("the history shows who else was looked at:\n%s", history)
	}
	o.refuses("case why-assigned 99", "there is no case 99")
	o.says("case why-assigned 1", "Nobody was given it yet")
}

func TestLeave(t *testing.T) {
	o := newOffice(t)
	o.says("leave ben.ito@example.com --from 2026-03-20 --to 2026-04-05 --stand-in ana.roy@example.com", `^Leave of Ben Ito from 20 March 2026 added\.$`)
	o.says("leave ben.ito@example.com --from 2026-03-20 --stand-in ana.roy@example.com", "changed")
	o.says("queue", `^Ben Ito .* away, nobody knows until when; Ana Roy stands in$`)
	o.refuses("leave ben.ito@example.com --from 2026-03-20 --stand-in ben.ito@example.com", "stand_in: is the person who is away")
	o.refuses("leave ben.ito@example.com --from 2026-03-20 --to 2026-03-19", "to: .*is before 2026-03-20")
	o.refuses("leave ben.ito@example.com --from tomorrow", `--from: "tomorrow" is not a date`)
	o.refuses("leave eve@example.com --from 2026-03-20", `who: "eve@example.com" is nobody of this desk`)
	o.refuses("leave ana.roy@example.com --from 2026-03-20 --stand-in eve@example.com", `--stand-in: "eve@example.com" is nobody of this desk`)
	o.refuses("leave ana.roy@example.com --from 2026-03-20 --as ben.ito@example.com", "not for Ben Ito; ask a lead")

	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		o.must(os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	o.says("import " + write("leaves.csv", "email,from,to,stand_in\nana.roy@example.com,2026-07-06,2026-07-10,ben.ito@example.com\n"))
	o.says("import " + write("companies.csv", "body,account,legal_name,province,email,certificate_number,certificate_expires_on\n"+
		"ab-pir,1234567,Kowalski Electric Ltd.,AB,office@kowalski.example,AB-77,2026-04-10\n"))
	roster, err := o.open().Reviewers(t.Context())
	o.must(err)
	company, err := o.open().CompanyByAccount(t.Context(), "ab-pir", "1234567")
	o.must(err)
	want := secor.Held{Number: "AB-77", ExpiresOn: secor.NewDate(2026, time.April, 10)}
	if len(roster[0].Away) != 1 || roster[0].Away[0].StandIn != roster[1].ID || company.Certificate != want {
		t.Errorf("imported: %+v, %+v", roster[0].Away, company.Certificate)
	}
	status, _, errOut := o.run("import " + write("leaves.csv", "email,from,stand_in\nana.roy@example.com,2026-08-06,eve@example.com\n"))
	if status != statusRefused || !strings.Contains(errOut, "stand_in") {
		t.Errorf("a stand-in whom nobody knows: %d, %s", status, errOut)
	}
}
