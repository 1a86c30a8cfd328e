package main

import (
	"strings"
	"testing"
)

func TestLettersAnnounce(t *testing.T) {
	o := newOffice(t)
	const line = `letters announce --from "2026-03-30 21:00" --to 23:00 --zone MT --reason "Maintenance of the website."`
	o.says(line, `^0 cases of companies`) // the office acts
	o.says("case take 1", "in review")
	o.says(`case query 1 --question "Which account number is right?"`, "is queried")
	o.says(line, `^1 cases of companies that have something to do; nothing is recorded yet\. Add --yes`)
	if history := o.says("case history 1"); strings.Contains(history, "maintenance") {
		t.Errorf("something was recorded:\n%s", history)
	}
	o.refuses(line+" --yes --as ben.ito@example.com", "Announce Maintenance is not for a reviewer")
	o.says(line+" --yes", `^Announced on 1 cases; 0 knew of it before, and 0 have`)
	o.says(line+" --yes", `^Announced on 0 cases; 1 knew of it before, and 0 have`)
	other := strings.Replace(line, "Maintenance of the website.", "New servers.", 1)
	o.refuses(other, `announced before, on case 1 and perhaps others: "Maintenance of the website\."`)
	o.refuses(other+" --yes", `announced before, on case 1`)
	o.says(strings.Replace(other, "--to 23:00", "--to 23:01", 1), `^1 cases of companies`)
	o.says("jobs list --all --kind letter:", `letter:announce_maintenance +company:1`)
	if n := strings.Count(o.says("case history 1"), "maintenance.announced"); n != 1 {
		t.Errorf("announced %d times", n)
	}
	o.signs()
	o.says("letters preview maintenance --case 1", `on 30 March 2026 from 21:00 to 23:00 \(Mountain Time\)`)
	o.says("letters preview maintenance --case 1 --lang fr", `le 30 mars 2026, de 21`)
	o.refuses(strings.Replace(line, "2026-03-30", "2026-03-20", 1)+" --yes", "is over")
	for change, want := range map[string]string{
		"--to 20:00": "is not after the beginning", "--to tomorrow": "is not a time such as 23:00", `--to "2026-05-30 23:00"`: "more than two weeks",
	} {
		o.misread(strings.Replace(line, "--to 23:00", change, 1), want)
	}
	o.misread(strings.Replace(line, "--zone MT", "--zone QC", 1), "province that has a calendar")
	o.misread(strings.Replace(line, `"2026-03-30 21:00"`, "soon", 1), "is not a day and time")
}
