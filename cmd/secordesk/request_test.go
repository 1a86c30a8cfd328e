package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"secordesk/store/secor"
)

// sweep acts on the clocks of a case, as a clock process does.
func (o *office) sweep(id secor.CaseID) {
	o.t.Helper()
	err := o.open().UpdateCase(o.t.Context(), id, o.act("sweep at "+o.now.String()), func(f *secor.File, _ time.Time) error {
		_, err := f.ReachLevels()
		return err
	})
	o.must(err)
}

// TestImport_RequestOfSaturdayNight: the promise counts from the moment at which
// the e-mail came, not from its import on Monday, and not from the Sunday.
func TestImport_RequestOfSaturdayNight(t *testing.T) {
	o := newOffice(t)
	o.now = time.Date(2026, time.March, 30, 15, 0, 0, 0, time.UTC) // Monday, 9:00 in the office
	path := filepath.Join(t.TempDir(), "requests.jsonl")
	line := `{"record": "partner_request", "legal_name": "Belanger Trucking Ltd.", "province": "AB", "body": "ab-pir", "account": "7654321",` +
		` "email": "office@belanger.example", "reason": "new", "headcount": 4, "received_at": "2026-03-28T23:10"}` + "\n"
	o.must(os.WriteFile(path, []byte(line), 0o600))
	o.says("import " + path)
	o.says("case show 2", `^Due +Review of a partner request: 1 Apr 2026 16:30; told next: who holds the case, 31 Mar 2026 16:30$`, `^Since +28 Mar 2026 23:10`)
	o.says("case history 2", "2026-03-28 23:10  request.received.*recorded 2026-03-30 09:00")
}

// TestCase_ShowsWhatIsOffered: a silent company is shown with the command that a
// person may give, and nothing is closed.
func TestCase_ShowsWhatIsOffered(t *testing.T) {
	o := newOffice(t)
	o.says("case take 1")
	o.says(`case query 1 --question "Which account number is right?"`)
	o.says("case show 1", `^Due +Answer to a question: 9 Apr 2026 24:00; told next: the company, 30 Mar 2026 24:00$`, `^Paused +Review of a partner request`)
	o.now = time.Date(2026, time.April, 11, 16, 0, 0, 0, time.UTC)
	o.sweep(1)
	o.says("case show 1", `^Overdue +Answer to a question: 9 Apr 2026 24:00; told next: the administrators, 24 Apr 2026 24:00$`,
		`^Offered +no answer since 25 Mar 2026: call the company, or secordesk case no-answer 1 --reason`)
	o.says("case list --overdue", "queried")
	var shown caseJSON
	o.must(json.Unmarshal([]byte(o.says("case show 1 --json")), &shown))
	i := slices.IndexFunc(shown.Clocks, func(c clockJSON) bool { return c.Policy == secor.PolicyAnswer })
	if !slices.Equal(shown.Offered, []string{"no-answer"}) || i < 0 || shown.Clocks[i].Next != "escalate" || shown.Clocks[i].Tells != secor.AudienceAdmins {
		t.Errorf("offered %v, clocks %+v", shown.Offered, shown.Clocks)
	}
	o.says(`case answer 1 --answer "the one on file" --channel phone`)
	o.must(json.Unmarshal([]byte(o.says("case show 1 --json")), &shown))
	if len(shown.Offered) != 0 {
		t.Errorf("offered %v after the answer", shown.Offered)
	}
}

// TestCase_ShowsWhoItMayBe: the companies on file that look like the one that asks
// stand with the case, and approving wants them accepted by name.
func TestCase_ShowsWhoItMayBe(t *testing.T) {
	o := newOffice(t)
	opened := o.open()
	twin := secor.Company{LegalName: "Kowalsky Electric Inc.", Province: "SK", Email: "office@kowalsky.example"}
	_, _, err := opened.AddCompany(t.Context(), o.act("twin"), twin, []secor.Registration{{Body: "sk-wcb", Account: "1234567", GoodStanding: true}})
	o.must(err)
	o.says("case take 1")
	o.says("case show 1", `^On file +company 2, Kowalsky Electric Inc\.: the same account number$`, `^Finding +company 2, Kowalsky Electric Inc\., has the same account number \(profiles, ask\)$`)
	o.refuses("case approve 1", `company 2, Kowalsky Electric Inc\., has the same account number \(profiles\)`)
	var listed []caseLineJSON
	o.must(json.Unmarshal([]byte(o.says("case list --json")), &listed))
	if len(listed) != 1 || len(listed[0].Profiles) != 1 || listed[0].Profiles[0].Company != 2 || listed[0].Profiles[0].Why != secor.SameAccount {
		t.Errorf("listed as %+v", listed)
	}
	o.says(`case approve 1 --accept profiles --reason "his cousin in Saskatchewan, by phone"`, "is approved")
	o.says("case history 1", "request.profiles_found", "guard.accepted", "guard profiles, moment request")
}
