package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// office is a desk on a real Postgres, used through the command line alone
// wherever it offers that.
type office struct {
	t       *testing.T
	environ map[string]string
	now     time.Time
}

// newOffice returns a desk with Ana, a lead, and Ben, a reviewer, and the company
// Kowalski Electric Ltd., which has an account.
func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, now: time.Date(2026, time.March, 25, 16, 0, 0, 0, time.UTC),
		environ: map[string]string{"DATABASE_URL": storetest.DSN(t), "SECORDESK_AS": "ana.roy@example.com"}}
	opened := o.open()
	for i, r := range []secor.Reviewer{
		{Name: "Ana Roy", Email: "ana.roy@example.com", Role: secor.RoleLead, Active: true, Capacity: 5},
		{Name: "Ben Ito", Email: "ben.ito@example.com", Role: secor.RoleReviewer, Active: true, Capacity: 5},
	} {
		_, _, err := opened.AddReviewer(t.Context(), o.act(fmt.Sprint("reviewer", i)), r)
		o.must(err)
	}
	company := secor.Company{LegalName: "Kowalski Electric Ltd.", TradeName: "Kowalski", Province: "AB", Email: "office@kowalski.example", Contact: "Jan Kowalski",
		Address: secor.Address{Street: "1 Main Street", City: "Calgary", Province: "AB", PostalCode: "T2P 1A1"}}
	id, _, err := opened.AddCompany(t.Context(), o.act("company"), company, []secor.Registration{{Body: "ab-pir", Account: "1234567", GoodStanding: true}})
	o.must(err)
	person, _, err := opened.AddPerson(t.Context(), o.act("person"), id, "Jan Kowalski")
	o.must(err)
	course := opened.programme.Editions["esc-2023"].Course.Name
	_, err = opened.AddCourse(t.Context(), o.act("course"), person, secor.Course{Name: course, CompletedOn: secor.NewDate(2026, time.January, 15)})
	o.must(err)
	_, err = opened.AddRequest(t.Context(), o.act("request"), id, "ab-pir", secor.Request{Reason: secor.ReasonNew, Headcount: 8})
	o.must(err)
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) act(id string) secor.Act {
	return secor.Act{ID: "test:" + id, By: secor.Desk, Surface: secor.SurfaceFile, Reason: "as imported"}
}

func (o *office) terminal() *terminal {
	terminal, _, _ := testTerminal(o.environ)
	terminal.now = func() time.Time { return o.now }
	return terminal
}

func (o *office) open() *desk {
	o.t.Helper()
	opened, err := o.terminal().openDesk(o.t.Context())
	o.must(err)
	o.t.Cleanup(func() { opened.Close() })
	return opened
}

// run runs a command line and returns status, output and errors.
func (o *office) run(line string) (int, string, string) {
	o.t.Helper()
	terminal, out, errOut := testTerminal(o.environ)
	terminal.now = func() time.Time { return o.now }
	status := run(o.t.Context(), shellWords(line), terminal)
	return status, out.String(), errOut.String()
}

// says runs a command that must succeed and print what matches each pattern.
func (o *office) says(line string, patterns ...string) string {
	o.t.Helper()
	status, out, errOut := o.run(line)
	if status != statusDone || errOut != "" {
		o.t.Fatalf("%s: status %d, %s", line, status, errOut)
	}
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(out) {
			o.t.Errorf("%s: nothing matches %q in:\n%s", line, p, out)
		}
	}
	return out
}

// refuses runs a command that must end with status 1 and say what matches.
func (o *office) refuses(line, pattern string) {
	o.t.Helper()
	status, out, errOut := o.run(line)
	if status != statusRefused || out != "" || !regexp.MustCompile(pattern).MatchString(errOut) {
		o.t.Errorf("%s: status %d, stdout %q, stderr %q; want a refusal that matches %q", line, status, out, errOut, pattern)
	}
}

func TestCase_RequestByHand(t *testing.T) {
	o := newOffice(t)
	o.says("case search kowalski", `Kowalski Electric Ltd\. \(Kowalski\) +1 +request +received`)
	o.says("case search 12345", "Kowalski.* account ab-pir 1234567$")
	o.says("case search kowalsky", `^No such company\. Did you mean:$`, `Kowalski Electric`)
	o.says(`case search "case 1"`, "Kowalski.* case 1$")
	o.refuses("case search %", "is too short; give two letters or more of a name, or a number")
	o.says("case search nobody", "^no such company$")
	o.says("case list", `^ +1 +request +received +Kowalski Electric Ltd\. +ab-pir`)
	o.says("case list --mine", "^no such case$")
	o.refuses("case take 1 --as eve@example.com", `"eve@example.com" is nobody of this desk`)
	o.says("case take 1", `^Request 1 of Kowalski Electric Ltd\. is in review, held by Ana Roy; next: the office\.$`)
	o.says("case list --mine", `in review`)
	o.says("case list --mine --as ben.ito@example.com", "^no such case$")
	o.refuses("case list --mine --as eve@example.com", "nobody of this desk")
	o.refuses("case list --state asleep", `"asleep" is not a state of a case; there is received, in_review`)
	o.says(`case query 1 --question "Which account number is right?"`, "is queried.*next: the company", `^Promised: request:send_question to company:1\.$`)
	o.says("case show 1", `^Question +Which account number is right\?`, `^Paused +.*the company's time`, `^Steps now +.*answer`, `^Job +\d+ request:send_question to company:1, open`)
	o.refuses("case approve 1", "^Approve is not possible: the request is queried since .*, by Ana Roy; possible now: answer")
	o.says(`case answer 1 --answer "the one on file" --channel phone --act call-7`, "is in review")
	o.says(`case answer 1 --answer "the one on file" --channel phone --act call-7`, "is in review")
	o.says("case show 1", `^Due +`, `^Body +.*, 1234567$`)
	o.says("case approve 1", "is approved", "Promised: request:send_welcome to company:1")
	history := o.says("case history 1", "request.received: new → received", "request.approved: in review → approved, by Ana Roy \\(cli\\)", "channel phone")
	if got := strings.Count(history, "request.answered"); got != 1 {
		t.Errorf("the answer stands %d times in the history, want once:\n%s", got, history)
	}
	o.says("verify", "^sound: ")
	o.refuses("case show 99", "there is no case 99")
}

func TestCase_BackdatedPayment(t *testing.T) {
	o := newOffice(t)
	o.says("case approve 1")
	opened := o.open()
	id, err := opened.AddAudit(t.Context(), o.act("audit"), 1, "ab-pir",
		secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 8, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	o.must(err)
	at := strconv.FormatInt(int64(id), 10)
	o.says("case invoice "+at, `is awaiting payment, \$[0-9.]+ owed on invoice 2026-1-A; next: the company`, "Promised: invoice:send to company:1")
	total := regexp.MustCompile(`\$([0-9.]+) asked`).FindStringSubmatch(o.says("case show "+at, `^Invoice +2026-1-A, draft: \$`))
	o.now = o.now.AddDate(0, 0, 5)
	o.refuses("case pay "+at+" --amount 1 --method eft --reference A --on 2026-03-27", "wants a reason")
	o.refuses("case pay "+at+" --amount 1 --method eft --reference A --on 2026-04-27", "is in the future")
	o.refuses("case pay "+at+" --amount 1.505 --method eft --reference A", `amount: "1.505" is not a number with at most two decimals`)
	o.says("case pay "+at+" --amount "+total[1]+` --method eft --reference A --on 2026-03-27 --reason "bank statement"`, "is registration review")
	o.says("case history "+at, "2026-03-27 .*payment.recorded.*, recorded 2026-03-30")
	o.says("case show "+at, `^Invoice +2026-1-A, paid: .*\$0\.00 owed`, `received 2026-03-`, "^Nothing has been submitted yet")
	o.says("case list --kind audit --overdue --limit 5")
}

func TestCase_AuditByHand(t *testing.T) {
	o := newOffice(t)
	o.says("case approve 1")
	opened := o.open()
	id, err := opened.AddAudit(t.Context(), o.act("audit"), 1, "ab-pir",
		secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 8, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	o.must(err)
	at := fmt.Sprint(id)
	o.says("case invoice " + at)
	total := regexp.MustCompile(`\$([0-9.]+) asked`).FindStringSubmatch(o.says("case show " + at))[1]
	o.says("case pay "+at+" --amount "+total+" --method cheque --reference 0042", "is registration review; next: the office")
	o.says("case approve "+at, "is open; next: the company", "Promised: registration:send_unlocked")

	var marks []secor.Mark
	protocol := opened.programme.Protocols[opened.programme.Editions["esc-2023"].Protocol]
	for _, e := range protocol.Elements {
		for _, q := range e.Questions {
			marks = append(marks, secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points})
		}
	}
	submission := secor.Submission{Marks: marks, Months: secor.Evidence{Policies: 12, Records: 12}, LastDay: secor.NewDate(2026, time.March, 20), Headcount: 8}
	act := o.act("submission")
	act.By = secor.ByCompany(1)
	o.must(opened.UpdateCase(t.Context(), id, act, func(f *secor.File, _ time.Time) error { return f.Submit(submission) }))
	o.refuses("case assign "+at+" --reviewer eve@example.com", `--reviewer: "eve@example.com" is nobody of this desk`)
	o.says("case assign "+at+" --reviewer ben.ito@example.com", "is in qa, held by Ben Ito")
	question := protocol.Elements[2].Questions[0].ID
	mark := "case mark " + at + " --question " + question + ` --awarded 0 --reason "no record of it"`
	o.refuses(mark, "only Ben Ito, who holds the case, may do this")
	o.environ["SECORDESK_AS"] = "ben.ito@example.com"
	o.says(mark, "is in qa")
	o.refuses("case mark "+at+` --question Z9 --awarded 0 --reason "x"`, "question Z9: is not in protocol")
	if shown := o.says("case show "+at, "^Result: not confirmed") + o.says("case show "+at+" --json"); regexp.MustCompile(`100\.00|pass\b|"(claimed|verified)"`).MatchString(shown) {
		t.Errorf("a score is shown before it is confirmed:\n%s", shown)
	}
	o.says("case confirm "+at, "is qa complete", "Promised: .*score:send_pass to company:1")
	o.says("case show "+at, `^C .* 100\.00 .* [0-9]{2}\.[0-9]{2}$`, "Claimed: pass. Verified: pass. Result: pass", `^Certificate +due, 3 years`)
	o.says("case history "+at, "mark.changed, by Ben Ito", "no record of it", "question "+question)
	var shown caseJSON
	o.must(json.Unmarshal([]byte(o.says("case show "+at+" --json")), &shown))
	if shown.Verified == nil || shown.Verified.TermYears != 3 || shown.Result != secor.VerdictPass || shown.Invoice.Balance != "0.00" {
		t.Errorf("case show --json = %+v", shown)
	}
}

func TestCase_JSON(t *testing.T) {
	o := newOffice(t)
	var shown caseJSON
	o.must(json.Unmarshal([]byte(o.says("case show 1 --json")), &shown))
	if shown.Case != 1 || shown.State != secor.StateReceived || shown.Next != secor.PartyOffice || len(shown.Jobs) != 1 || len(shown.Clocks) == 0 {
		t.Errorf("case show --json = %+v", shown)
	}
	var listed []caseLineJSON
	o.must(json.Unmarshal([]byte(o.says("case list --json")), &listed))
	if len(listed) != 1 || listed[0].DueAt == nil || listed[0].Overdue {
		t.Errorf("case list --json = %+v", listed)
	}
	o.now = o.now.AddDate(0, 1, 0)
	o.must(json.Unmarshal([]byte(o.says("case list --json --overdue")), &listed))
	if len(listed) != 1 || !listed[0].Overdue {
		t.Errorf("a month later, case list --json --overdue = %+v", listed)
	}
	var events []eventJSON
	o.must(json.Unmarshal([]byte(o.says("case history 1 --json")), &events))
	if len(events) != 1 || events[0].Kind != secor.EventRequestReceived || events[0].Act != "test:request" {
		t.Errorf("case history --json = %+v", events)
	}
	var found []companyJSON
	o.must(json.Unmarshal([]byte(o.says("case search kow --json")), &found))
	if len(found) != 1 || len(found[0].Cases) != 1 {
		t.Errorf("case search --json = %+v", found)
	}
}

func TestVerify_FindsTampering(t *testing.T) {
	o := newOffice(t)
	sound := o.says("verify", "^sound: ", "no anchor yet", "^not compared: clock ledgers, ")
	head := regexp.MustCompile("head ([0-9a-f]{64})").FindStringSubmatch(sound)[1]
	o.says("verify --head "+head, "^sound: ")
	o.refuses("verify --head "+head[1:], "is not a head; copy all 64 characters")
	status, out, _ := o.run("verify --head " + strings.Repeat("0", 64))
	if want := "desk: the desk's history was cut or rewritten since that head"; status == statusDone || !strings.Contains(out, want) {
		t.Errorf("verify --head of another desk: status %d, %s; want %q", status, out, want)
	}
	export := filepath.Join(t.TempDir(), "history.jsonl")
	o.says("verify --export "+export, "^sound: ")
	o.says("verify "+export, "^sound: ")
	o.refuses("verify --export "+export, "write export: .*exists")
	status, _, errOut := o.run("verify " + export + " --export " + export)
	if status != statusUsage {
		t.Errorf("verify FILE --export FILE: status %d, %s; want a wrong command line", status, errOut)
	}
	o.refuses("verify -", "^-: is empty")
	content, err := os.ReadFile(export)
	o.must(err)
	o.must(os.WriteFile(export, bytes.Replace(content, []byte("as imported"), []byte("as inported"), 1), 0o600))
	status, out, _ = o.run("verify " + export)
	if status != statusRefused || !strings.Contains(out, "its text was changed") {
		t.Errorf("verify of a changed export: status %d, %q", status, out)
	}

	_, err = storetest.OwnerDB(t).Exec(`ALTER TABLE events DISABLE TRIGGER USER; UPDATE events SET surface = 'job' WHERE stream = 'case:1'`)
	o.must(err)
	status, out, errOut = o.run("verify")
	if status != statusRefused || !strings.Contains(out, "wrong case:1, event 1: ") || !strings.Contains(errOut, "1 problem in ") {
		t.Errorf("verify: status %d, %q, %q; want the changed event named", status, out, errOut)
	}
}

func TestMigrate(t *testing.T) {
	o := newOffice(t)
	o.says("migrate --status", "^nothing to do: ")
	o.says("migrate", "^nothing to do: ")
}

func TestCommands_WithoutDatabase(t *testing.T) {
	for _, line := range []string{"migrate", "case list", "case take 1", "verify", "worker", "clock"} {
		terminal, out, errOut := testTerminal(nil)
		status := run(t.Context(), shellWords(line), terminal)
		logs := line == "worker" || line == "clock"
		if status != statusRefused || out.Len() > 0 != logs || !strings.Contains(errOut.String(), "DATABASE_URL is missing") {
			t.Errorf("%s: status %d, %q, %q; want what is missing", line, status, out, errOut)
		}
	}
}

// process is a command that runs until it is stopped.
type process struct {
	t     *testing.T
	name  string
	stop  context.CancelFunc
	ended chan int
	log   *logbook
	err   *strings.Builder
}

func (o *office) start(command string) *process {
	ctx, stop := context.WithCancel(o.t.Context())
	terminal, _, errOut := testTerminal(o.environ)
	now, log := o.now, &logbook{grown: make(chan struct{})}
	terminal.now, terminal.out = func() time.Time { return now }, log
	p := &process{t: o.t, name: command, stop: stop, ended: make(chan int, 1), log: log, err: errOut}
	go func() { p.ended <- run(ctx, []string{command}, terminal) }()
	return p
}

// awaits returns when the process has logged a text.
func (p *process) awaits(text string) {
	p.t.Helper()
	late := time.After(time.Minute)
	for {
		logged, grown := p.log.read()
		if strings.Contains(logged, text) {
			return
		}
		select {
		case <-grown:
		case status := <-p.ended:
			p.t.Fatalf("%s ended with status %d, %s", p.name, status, p.err)
		case <-late:
			p.t.Fatalf("%s did not log %q in a minute, but:\n%s", p.name, text, logged)
		}
	}
}

// ends stops the process as SIGTERM does.
func (p *process) ends() {
	p.t.Helper()
	p.stop()
	if status := <-p.ended; status != statusDone {
		p.t.Errorf("%s: status %d after SIGTERM, %s", p.name, status, p.err)
	}
}

// logbook is a log that can be read while it is written.
type logbook struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.grown)
	l.grown = make(chan struct{})
	return l.text.Write(p)
}

// read returns the log, and what is closed when it grows.
func (l *logbook) read() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.grown
}

// The processes do what the Procfile lets them do: a step at the command line
// becomes a letter, and a promise that is a month late is brought, once, before
// the administrators, or the leads where there is none.
func TestProcesses(t *testing.T) {
	o := newOffice(t)
	maps.Copy(o.environ, services(t))
	o.environ["LETTER_GRACE"], o.environ["SWEEP_EVERY"] = "0s", "1s"
	worker := o.start("worker")
	worker.awaits("worker starts")
	o.says(`case query 1 --question "Which account?"`)
	worker.awaits(`"kind":"request:send_question"`)
	o.says("case history 1", "letter.sent, by the desk \\(job\\)")
	o.says(`case answer 1 --answer "the one on file"`)
	o.now = o.now.AddDate(0, 1, 0)
	clock := o.start("clock")
	clock.awaits("clock levels reached")
	worker.awaits(`"kind":"escalation:tell_admin"`)
	o.says("case history 1", "clock.breached, by the desk \\(clock\\)", "letter escalation:tell_admin")
	clock.ends()
	worker.ends()
}
