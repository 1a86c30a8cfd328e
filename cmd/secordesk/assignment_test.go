package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"secordesk/jobs/mail/sink"
	"secordesk/store/secor"
)

// TestProcesses_Assignment: the processes of the Procfile, a mail server and the
// command line. Nobody has room, and a lead hears of it; somebody gets room, and the
// clock process gives them the audit; they come into conflict, and it is taken away;
// a lead accepts, and it goes to the other.
func TestProcesses_Assignment(t *testing.T) {
	o := newOffice(t)
	post, err := sink.Open(t.TempDir(), sink.Options{})
	o.must(err)
	defer post.Close()
	maps.Copy(o.environ, map[string]string{"REDIS_URL": "redis://" + miniredis.RunT(t).Addr(), "SMTP_URL": post.URL(),
		"DESK_FROM": "desk@example.com", "DESK_NAME": "Prairie Safety Partners", "LETTER_GRACE": "0s", "SWEEP_EVERY": "1s"})
	folder := t.TempDir()
	importing := func(name, head string, rows ...string) {
		t.Helper()
		path := filepath.Join(folder, name+".csv")
		o.must(os.WriteFile(path, []byte(head+"\n"+strings.Join(rows, "\n")+"\n"), 0o600))
		o.says("import " + path)
	}
	roster := func(ana, ben string) {
		t.Helper()
		importing("reviewers", "name,email,role,capacity", "Ben Ito,ben.ito@example.com,reviewer,"+ben, "Ana Roy,ana.roy@example.com,lead,"+ana)
	}
	opened := o.open()
	_, _, err = opened.AddReviewer(t.Context(), o.act("admin"), secor.Reviewer{Name: "Dev Patel", Email: "dev.patel@example.com", Role: secor.RoleAdmin, Active: true})
	o.must(err)
	o.environ["SECORDESK_AS"] = "dev.patel@example.com"
	roster("0", "0")
	o.submitted()

	worker := o.start("worker")
	worker.awaits(`"kind":"assignment:pick"`)
	worker.awaits(`"kind":"escalation:tell_lead"`)
	o.says("case history 2", "assignment.stuck")
	roster("0", "1")
	clock := o.start("clock")
	worker.awaits(`"kind":"assignment:tell_reviewer","case":2,"recipient":"reviewer:2"`)
	o.says("case show 2", "held by Ben Ito")
	importing("conflicts", "email,body,account,from,reason", "ben.ito@example.com,ab-pir,1234567,2026-03-25,her brother's")
	worker.awaits(`"kind":"assignment:tell_taken_away"`)
	worker.awaits(`"kind":"assignment:tell_former"`)
	o.says("case show 2", "is submitted", `^Paused +Quality assurance review: the office's time`)
	o.refuses("case take 2 --as ben.ito@example.com", "conflict of interest")
	roster("1", "1")
	o.says(`case accept 2 --reason "looked at"`)
	worker.awaits(`"kind":"assignment:tell_reviewer","case":2,"recipient":"reviewer:1"`)
	told := o.says("case why-assigned 2", "waits, and a lead is told, by the desk", "given to Ben Ito, by the desk; least load: 0 of 1",
		"taken from Ben Ito, by the desk; has a conflict of interest",
		"given to Ana Roy, by the desk; least load: 0 of 1", `^ +Ben Ito .* has a conflict of interest$`)
	if strings.Count(told, "given to") != 2 {
		t.Errorf("given twice:\n%s", told)
	}
	clock.ends()
	worker.ends()
	o.says("verify", "^sound: ")

	got := map[string]int{}
	letters, err := post.Messages()
	o.must(err)
	for _, l := range letters {
		got[l.To+": "+strings.Fields(l.Subject)[0]+" "+strings.Join(strings.Fields(l.Subject)[2:5], " ")]++
	}
	for _, want := range []string{"ana.roy@example.com: Case no reviewer can", "ben.ito@example.com: Case an audit for", "ana.roy@example.com: Case the audit was",
		"ben.ito@example.com: Case is not yours"} {
		if got[want] != 1 {
			t.Errorf("%d letters %q in %v, want 1", got[want], want, got)
		}
	}
}
