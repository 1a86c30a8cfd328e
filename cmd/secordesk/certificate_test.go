package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"secordesk/jobs/mail/sink"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// mailroom is an office with a worker that does what follows, whose clock the test
// pushes, on a real Postgres and mail server.
type mailroom struct {
	*office
	desk    *desk
	clock   *deskClock
	letters *sink.Sink
	gone    atomic.Bool // the mailbox of a body is unknown
	cut     atomic.Bool // the answer to the next letter to a body is lost
	seen    int         // letters
	audits  int
}

func newMailroom(t *testing.T) *mailroom {
	t.Helper()
	m := newOfficeOfMail(t)
	m.runs("worker", "worker starts")
	return m
}

// newOfficeOfMail is a mailroom whose worker does not run yet.
func newOfficeOfMail(t *testing.T) *mailroom {
	t.Helper()
	m := &mailroom{office: newOffice(t)}
	m.clock = &deskClock{at: m.now}
	var err error
	judge := func(address string) sink.Verdict {
		if strings.HasPrefix(address, "certificates@") && m.gone.Load() {
			return sink.Unknown
		}
		return sink.Accept
	}
	m.letters, err = sink.Open(t.TempDir(), sink.Options{Judge: judge, Last: func(address string) bool {
		return !strings.HasPrefix(address, "certificates@") || !m.cut.Swap(false)
	}})
	m.must(err)
	t.Cleanup(func() { m.letters.Close() })
	for name, value := range map[string]string{"REDIS_URL": "redis://" + miniredis.RunT(t).Addr(), "SMTP_URL": m.letters.URL(), "DESK_FROM": "desk@example.com",
		"DESK_NAME": "Prairie Safety Partners", "DESK_ADDRESS": "200, 700 Centre Street SE; Calgary AB  T2G 5P6", "DESK_PHONE": "403 555 0142",
		"VERIFY_URL": "https://verify.example/c/", "LETTER_GRACE": "0s", "SWEEP_EVERY": "1s"} {
		m.environ[name] = value
	}
	m.desk = m.open()
	_, _, err = m.desk.AddReviewer(t.Context(), m.act("admin"), secor.Reviewer{Name: "Dev Patel", Email: "dev.patel@example.com", Role: secor.RoleAdmin, Active: true})
	m.must(err)
	return m
}

// runs runs a process of the desk that goes by the test's clock until the test ends.
func (m *mailroom) runs(command, begun string) {
	m.t.Helper()
	ctx, stop := context.WithCancel(m.t.Context())
	terminal, _, errOut := testTerminal(m.environ)
	log := &logbook{grown: make(chan struct{})}
	terminal.now, terminal.out = m.clock.now, log
	p := &process{t: m.t, name: command, stop: stop, ended: make(chan int, 1), log: log, err: errOut}
	go func() { p.ended <- run(ctx, []string{command}, terminal) }()
	m.t.Cleanup(p.ends)
	p.awaits(begun)
}

// push pushes the clock to another time of the office.
func (m *mailroom) push(text string) {
	m.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, m.desk.office().Zone)
	m.must(err)
	m.now = at.UTC()
	m.clock.advance(m.now)
}

// await waits until something holds.
func (m *mailroom) await(what string, holds func() bool) {
	m.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			_, open, _ := m.run("jobs list --open")
			m.t.Fatalf("waited half a minute for %s:\n%s", what, open)
		}
	}
}

// settles waits until all that follows is done, and returns the letters since the
// last time as "to: subject".
func (m *mailroom) settles() []string {
	m.t.Helper()
	m.await("the desk to come to rest", func() bool {
		quiet, err := m.desk.Quiet(m.t.Context())
		m.must(err)
		return quiet
	})
	all, err := m.letters.Messages()
	m.must(err)
	var subjects []string
	for _, l := range all[m.seen:] {
		subjects = append(subjects, l.To+": "+l.Subject)
	}
	m.seen = len(all)
	return subjects
}

// wantLetters waits until the desk is at rest; each pattern must be that of one
// letter since the last time, and there must be no other.
func (m *mailroom) wantLetters(patterns ...string) {
	m.t.Helper()
	got := m.settles()
	for _, p := range patterns {
		i := slices.IndexFunc(got, regexp.MustCompile(p).MatchString)
		if i < 0 {
			m.t.Errorf("no letter matches %q among %q", p, got)
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	if len(got) > 0 {
		m.t.Errorf("letters that nobody expects: %q", got)
	}
}

// letter returns the newest letter.
func (m *mailroom) letter() sink.Letter {
	m.t.Helper()
	all, err := m.letters.Messages()
	m.must(err)
	return all[len(all)-1]
}

// passed brings an audit of a new company to a pass whose certificate is due, and
// waits until the company and the body were told.
func (m *mailroom) passed(body, account string, c secor.Company) secor.CaseID {
	m.t.Helper()
	ctx := m.t.Context()
	c.Province, c.Email = m.desk.programme.Bodies[body].Province, "office@"+account+".example"
	if c.Address.Street == "" {
		c.Address.Street, c.Address.City = "1 Main Street", "Townsville"
	}
	c.Address.Province, c.ProfileSince = c.Province, secor.NewDate(2025, time.January, 5)
	company, _, err := m.desk.AddCompany(ctx, m.act("company "+account), c, []secor.Registration{{Body: body, Account: account, GoodStanding: true}})
	m.must(err)
	person, _, err := m.desk.AddPerson(ctx, m.act("person "+account), company, "Jan Kowalski")
	m.must(err)
	course := m.desk.programme.Editions["esc-2023"].Course.Name
	_, err = m.desk.AddCourse(ctx, m.act("course "+account), person, secor.Course{Name: course, CompletedOn: secor.NewDate(2026, time.January, 15)})
	m.must(err)
	id, err := m.desk.AddAudit(ctx, m.act("audit "+account), company, body,
		secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 8, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	m.must(err)
	m.settles() // the desk invoices by itself
	f, err := m.desk.File(ctx, id)
	m.must(err)
	at := fmt.Sprint(id)
	if f.Invoice() == nil {
		m.t.Fatalf("no invoice:\n%s", m.says("case show "+at))
	}
	m.says("case pay " + at + " --amount " + decimal(f.Invoice().Balance()) + " --method cheque --reference 0042")
	m.says("case approve " + at)
	act := m.act("submission " + account)
	act.By = secor.ByCompany(company)
	var marks []secor.Mark
	for _, e := range f.Protocol.Elements {
		for _, q := range e.Questions {
			marks = append(marks, secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points})
		}
	}
	if m.audits > 0 { // no two companies hand in the same
		marks[m.audits].Awarded = 0
	}
	m.audits++
	m.must(m.desk.UpdateCase(ctx, id, act, func(f *secor.File, _ time.Time) error {
		return f.Submit(secor.Submission{Marks: marks, Months: secor.Evidence{Policies: 12, Records: 12}, LastDay: secor.NewDate(2026, time.March, 20), Headcount: 8})
	}))
	m.settles() // the desk assigns by itself
	f, err = m.desk.File(ctx, id)
	m.must(err)
	holder := "ana.roy@example.com"
	for _, r := range f.Roster {
		if r.ID == f.Case.Holder {
			holder = r.Email
		}
	}
	m.says("case confirm " + at + " --as " + holder)
	m.settles()
	return id
}

func postal(code string) secor.Company {
	return secor.Company{Contact: "Jan Kowalski", Address: secor.Address{PostalCode: code}}
}

func calledCompany(name string, c secor.Company) secor.Company {
	c.LegalName = name
	return c
}

// tool reads a file with a tool of the machine.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	_, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed (apt install poppler-utils zbar-tools)", name)
	}
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// TestCertificates_Alberta: co-signed paper that the body makes, from the pass to the
// company's hands, with everything that can come between.
func TestCertificates_Alberta(t *testing.T) {
	m := newMailroom(t)
	french := calledCompany("Bélanger Soudure Ltée", postal("T2P 1A1"))
	french.Language = secor.French
	a := m.passed("ab-pir", "3000001", french)
	b := m.passed("ab-pir", "3000002", calledCompany("Able Cranes Ltd.", postal("T0A 0A1")))
	c := m.passed("ab-pir", "3000003", calledCompany("Cobalt Drilling Ltd.", postal("T1A 0A1")))
	d := m.passed("ab-pir", "3000004", calledCompany("Dune Hauling Ltd.", postal("")))
	for _, id := range []secor.CaseID{a, b, c, d} {
		m.says(fmt.Sprint("case show ", id), "^Certificate +requested, 3 years")
	}

	// The body asks, twice: it is answered by letter, and once it was told by phone.
	m.says(fmt.Sprintf(`case body-query %d --question "Which industry code?"`, a))
	m.says(fmt.Sprintf(`case body-answer %d --answer "78000"`, a), "certificate requested", "Promised: certificate:send_body_answer to body:ab-pir")
	m.wantLetters("^certificates@ab-pir.example: Answer to your question")
	if text := m.letter().Text; !strings.Contains(text, "78000") || !strings.Contains(text, "3000001") {
		t.Errorf("the answer says\n%s", text)
	}
	m.says(fmt.Sprintf(`case body-query %d --question "Which province?"`, a))
	m.says(fmt.Sprintf(`case body-answer %d --answer "Alberta" --channel phone`, a))
	m.wantLetters()

	// Its file comes: what is wrong is named by line, what is right is taken.
	answers := filepath.Join(t.TempDir(), "certificate-answers.csv")
	m.must(os.WriteFile(answers, []byte(fmt.Sprintf("body,account,case,number,issued_on,question\n"+
		"ab-pir,3000001,%d,AB-0001,,\nab-pir,3000002,%d,ab 0001,2026-03-20,\nab-pir,3000003,%d,AB-0003,2026-03-20,\n"+
		"ab-pir,3000003,%d,AB-0003,2026-04-20,\nab-pir,3000004,,,,Is this the right name?\nab-pir,1234567,,AB-0009,2026-03-20,\n", a, b, a, c)), 0o600))
	status, out, errOut := m.run("import " + answers)
	if status != statusRefused || !regexp.MustCompile(`certificate_answer +2 +0 +0 +4`).MatchString(out) {
		t.Errorf("import: status %d\n%s%s", status, out, errOut)
	}
	for _, want := range []string{
		fmt.Sprintf(`:3: number ab 0001 is that of the certificate of case %d already, which is received`, a),
		fmt.Sprintf(`:4: case: "%d" is no audit of the company with account 3000003`, a),
		`:5: issued_on: "2026-04-20" is in the future`, `:7: account: "1234567" has no certificate that ab-pir was asked for`,
	} {
		if !strings.Contains(errOut, want) {
			t.Errorf("import says\n%swant %q", errOut, want)
		}
	}
	m.says(fmt.Sprint("case show ", a), "^Certificate +received, 3 years, AB-0001, 2026-03-20 to 2029-03-19")
	m.says(fmt.Sprint("case show ", d), "^Certificate +body queried")
	m.says(fmt.Sprintf(`case body-answer %d --answer "yes" --channel phone`, d))
	for i, id := range []secor.CaseID{b, c, d} {
		m.says(fmt.Sprintf("case record-number %d --number AB-000%d", id, i+2))
	}
	for _, id := range []secor.CaseID{a, b, c, d} {
		m.says(fmt.Sprint("case sign ", id))
	}
	m.says(fmt.Sprint("case history ", a), "certificate.signed: received → signed, by Ana Roy", "^ +Chloé Martin, Manager, Certification$")
	m.settles()

	folder := t.TempDir()
	t.Run("attach", func(t *testing.T) { m.attaches(t, a) })
	m.printsAndMails(folder, a, b, c, d)
	m.comesBack(folder, a)
	m.isReplacedAndRevoked(a, b)
	m.says("verify", "^sound: ")
}

// attaches keeps the certificate that the body made.
func (m *mailroom) attaches(t *testing.T, id secor.CaseID) {
	scan := filepath.Join(t.TempDir(), "From the body.pdf")
	m.must(os.WriteFile(scan, []byte("%PDF-1.7\nmade by the body\n"), 0o600))
	m.says(fmt.Sprintf(`case attach %d --in "%s"`, id, scan), `kept as received-From-the-body-[0-9a-f]{8}\.pdf, sha256 [0-9a-f]{64}\.$`)
	m.says(fmt.Sprintf(`case attach %d --in "%s"`, id, scan), `was there already as received-From-the-body-`)
	m.says(fmt.Sprint("case papers ", id), `^received-From-the-body-[0-9a-f]{8}\.pdf +application/pdf +26 +[0-9a-f]{64}$`)
	m.says(fmt.Sprint("case history ", id), "document.attached, by Ana Roy")
	huge := filepath.Join(t.TempDir(), "huge.pdf")
	f, err := os.Create(huge)
	m.must(err)
	m.must(f.Truncate(30 << 20))
	m.must(f.Close())
	m.refuses(fmt.Sprintf("case attach %d --in %s", id, huge), "is larger than 10 MB")
	m.must(os.WriteFile(scan, []byte("MZ\x90\x00 a program"), 0o600))
	m.refuses(fmt.Sprintf(`case attach %d --in "%s"`, id, scan), "application/octet-stream; a case keeps PDF, PNG and JPEG")
	m.refuses(fmt.Sprintf("case attach %d --in no-such-file", id), "is not there")
}

// printsAndMails prints what is ready, and mails it but what changed meanwhile.
func (m *mailroom) printsAndMails(folder string, a, b, c, d secor.CaseID) {
	m.t.Helper()
	status, out, errOut := m.run("mail batch --to " + folder)
	if want := fmt.Sprintf("case %d, Dune Hauling Ltd., is left out: postal-code: is missing", d); status != statusDone || !strings.Contains(out, "Print batch 1: 3 envelopes in ") || !strings.Contains(errOut, want) {
		m.t.Fatalf("mail batch: status %d\n%s%s", status, out, errOut)
	}
	text := tool(m.t, "pdftotext", "-layout", filepath.Join(folder, "mail-batch-1.pdf"), "-")
	able, cobalt, belanger := strings.LastIndex(text, "Able Cranes"), strings.LastIndex(text, "Cobalt Drilling"), strings.LastIndex(text, "Bélanger Soudure")
	if able < 0 || able > cobalt || cobalt > belanger || strings.Contains(text, "Dune") || strings.Count(text, "\f") != 4 {
		m.t.Errorf("the batch is not a list and three letters in the order of their postal codes:\n%s", text)
	}
	if !strings.Contains(text, "Bonjour Jan Kowalski") || !strings.Contains(text, "AB-0001") || !strings.Contains(text, "Chloé Martin") {
		m.t.Errorf("the French letter is not there:\n%s", text)
	}
	m.refuses("mail batch --to "+folder+" --as ben.ito@example.com", "nothing is ready to be mailed|is not for a reviewer")
	m.says("mail list", `^ +1 +.* +3 +open +0$`)
	m.says(fmt.Sprintf(`case correct %d --field street --value "9 Other Road" --reason "by phone"`, c))
	m.refuses("mail done 1 --as ben.ito@example.com", "is not for a reviewer")
	m.refuses("mail done 1 --on 2026-04-25", "in the future")
	status, out, errOut = m.run("mail done 1")
	if status != statusDone || out != "Print batch 1 is mailed: 2 of 3 cases.\n" || !strings.Contains(errOut, fmt.Sprintf("case %d, Cobalt Drilling Ltd., is left out: name, address or dates changed", c)) {
		m.t.Errorf("mail done: status %d\n%s%s", status, out, errOut)
	}
	m.wantLetters("^office@3000001.example: Votre certificat est à la poste", "^office@3000002.example: Your certificate is in the mail")
	m.says(fmt.Sprint("case show ", a), "^Certificate +mailed")
	m.says(fmt.Sprint("case show ", c), "^Certificate +signed")
	m.refuses("mail done 1", "mailed or cancelled already")
	m.refuses("mail cancel 1", "mailed or cancelled already")
	m.refuses("mail done 99", "there is no print batch 99")

	m.says(fmt.Sprintf(`case correct %d --field postal-code --value "T3A 0A1" --reason "by phone"`, d))
	m.says("mail batch --to "+folder, "Print batch 2: 2 envelopes")
	m.refuses("mail batch --to "+folder, "nothing is ready")
	m.says("mail cancel 2", "ready to be mailed")
	m.says("mail batch --to "+folder, "Print batch 3: 2 envelopes")
	m.says(`mail done 3 --act third`, "2 of 2 cases")
	m.says(`mail done 3 --act third`, "2 of 2 cases")
	m.wantLetters("^office@3000003.example: Your certificate is in the mail", "^office@3000004.example: ")
	m.says("mail show 3", "^1 +[0-9]+ +Cobalt Drilling", "^2 +[0-9]+ +Dune")
	m.says("mail list", `^ +2 .* cancelled`, `^ +1 .* mailed +1$`)
	f, err := m.desk.File(m.t.Context(), b)
	m.must(err)
	if f.Certificate().MailedOn != secor.NewDate(2026, time.March, 25) {
		m.t.Errorf("mailed on %s", f.Certificate().MailedOn)
	}
}

// comesBack brings a certificate back, corrects its address and mails it again.
func (m *mailroom) comesBack(folder string, id secor.CaseID) {
	m.t.Helper()
	m.push("2026-04-02 10:00")
	m.says(fmt.Sprintf(`case returned %d --reason "moved"`, id), "certificate returned")
	m.wantLetters("^ana.roy@example.com: Case [0-9]+: the certificate came back")
	m.refuses("mail batch --to "+folder, "nothing is ready")
	m.says(fmt.Sprintf(`case correct %d --field street --value "12, rue Neuve" --reason "by phone"`, id))
	m.says(fmt.Sprintf(`case ready %d --reason "new address by phone"`, id), "certificate signed", "Promised: certificate:make_papers")
	m.wantLetters()
	m.push("2026-04-07 10:00")
	m.says("mail batch --to "+folder, "Print batch 4: 1 envelopes|Print batch 4: 1 envelope")
	text := tool(m.t, "pdftotext", "-layout", filepath.Join(folder, "mail-batch-4.pdf"), "-")
	if !strings.Contains(text, "12, rue Neuve") || !strings.Contains(text, "7 avril 2026") {
		m.t.Errorf("the second letter is not of its day and address:\n%s", text)
	}
	m.says(`mail done 4 --on 2026-04-06 --reason "the post took it on Monday"`, "1 of 1 cases")
	m.wantLetters("^office@3000001.example: Votre certificat est à la poste")
	papers := m.says(fmt.Sprint("case papers ", id))
	if strings.Count(papers, "cover-letter") != 2 {
		m.t.Errorf("both cover letters are not kept:\n%s", papers)
	}
	m.says(fmt.Sprint("case delivered ", id), "certificate delivered")
	m.says(fmt.Sprint("case show ", id, " --json"), `"mailed_on": "2026-04-06"|"state": "delivered"`)
}

// isReplacedAndRevoked has one certificate replaced, and another revoked by two.
func (m *mailroom) isReplacedAndRevoked(a, b secor.CaseID) {
	m.t.Helper()
	m.says(fmt.Sprintf(`case replace %d --reason "nom mal écrit"`, a), "certificate due")
	m.wantLetters("^office@3000001.example: Vous recevrez un nouveau certificat", "^certificates@ab-pir.example: Certificate request")
	all, err := m.letters.Messages()
	m.must(err)
	request := all[slices.IndexFunc(all, func(l sink.Letter) bool {
		return strings.Contains(l.Text, "This certificate replaces")
	})]
	if !strings.Contains(request.Text, "AB-0001") {
		m.t.Errorf("the request does not name the replaced number:\n%s", request.Text)
	}
	m.refuses(fmt.Sprintf("case record-number %d --number AB-0001", a), fmt.Sprintf("number AB-0001 is that of the certificate of case %d already, which is replaced", a))
	m.says(fmt.Sprintf(`case revoke %d --reason "left the programme"`, b))
	m.refuses(fmt.Sprintf(`case revoke %d --reason "left the programme"`, b), "you proposed the revocation yourself")
	m.says(fmt.Sprint("case show ", b), "Ana Roy proposes to revoke it")
	m.wantLetters("^ana.roy@example.com: .* somebody proposes to revoke the certificate")
	m.says(fmt.Sprintf(`case revoke %d --reason "agreed" --as dev.patel@example.com`, b), "certificate revoked")
	m.wantLetters("^office@3000002.example: Your certificate is revoked", "^certificates@ab-pir.example: Certificate revoked: ")
}

// TestCertificates_BritishColumbia: a body that is asked in one file, and issues
// without paper.
func TestCertificates_BritishColumbia(t *testing.T) {
	m := newMailroom(t)
	m.runs("clock", "clock starts")
	a := m.passed("bc-worksafebc", "200123456", calledCompany("Coast Rigging Ltd.", postal("V6B 1A1")))
	b := m.passed("bc-worksafebc", "200123457", calledCompany("Delta Dredging Ltd.", postal("V6B 1A2")))
	m.says(fmt.Sprint("case show ", a), "^Certificate +due")

	// At three o'clock it is gathered; one is revoked before the file leaves.
	m.says(`jobs pause certificate:send_batch --reason "a test"`)
	m.push("2026-03-25 15:00")
	m.await("the batch of the day", func() bool {
		batches, err := m.desk.BodyBatches(t.Context(), 10)
		m.must(err)
		return len(batches) == 1 && len(batches[0].Cases) == 2
	})
	m.refuses("certificate batch --body bc-worksafebc", "no certificate of WorkSafeBC is due that is in no batch")
	m.refuses("certificate batch --body ab-pir", "is asked by a letter")
	m.refuses("certificate batch --body xx", "is not a governing body")
	m.says(`jobs pause escalation:tell_lead --reason "the proposal is seconded at once"`)
	m.says(fmt.Sprintf(`case revoke %d --reason "sold"`, b))
	m.says(fmt.Sprintf(`case revoke %d --reason "agreed" --as dev.patel@example.com`, b))
	m.says(`jobs resume all --reason "go on"`)
	m.wantLetters("^certificates@bc-worksafebc.example: Certificate requests, batch bc-worksafebc-1", "^office@200123457.example: Your certificate is revoked")
	want := fmt.Sprintf("case,account,legal_name,trade_name,term_years,purpose,last_day,result_percent,replaces\r\n%d,200123456,Coast Rigging Ltd.,,3,certification,2026-03-20,100.00,\r\n", a)
	all, err := m.letters.Messages()
	m.must(err)
	i := slices.IndexFunc(all, func(l sink.Letter) bool {
		return len(l.Attachments) > 0 && strings.HasSuffix(l.Attachments[0].Name, ".csv")
	})
	if i < 0 || string(all[i].Attachments[0].Data) != want || all[i].Attachments[0].Name != "certificates-bc-worksafebc-1.csv" {
		t.Errorf("the file is not\n%s", want)
	}
	m.says(fmt.Sprint("case history ", a), "certificate.requested: due → requested, by the desk", "batch bc-worksafebc-1")
	m.says("certificate show 1 --to "+t.TempDir(), "is sent", `left out: not due any more`)
	m.says("certificate list", `^ +1 +bc-worksafebc .* sent$`)

	answers := filepath.Join(t.TempDir(), "certificate-answers.csv")
	m.must(os.WriteFile(answers, []byte("body,account,batch,number,issued_on\nbc-worksafebc,200123456,1,123,2026-03-25\n"), 0o600))
	status, _, errOut := m.run("import " + answers)
	if status != statusRefused || !strings.Contains(errOut, ":2: number: \"123\" does not look like a number of WorkSafeBC, such as 2001234560720260312HS") {
		t.Errorf("import of a wrong number: status %d, %s", status, errOut)
	}
	m.must(os.WriteFile(answers, []byte("body,account,batch,number,issued_on\nbc-worksafebc,200123456,1,2001234560720260325HS,2026-03-25\n"), 0o600))
	m.says("import "+answers, `certificate_answer +1 +0 +0 +0`)
	m.says("import "+answers, `certificate_answer +0 +0 +1 +0`)
	m.refuses(fmt.Sprint("case mailed ", a), "issues no paper")
	m.says(fmt.Sprint("case electronic ", a), "certificate electronic")
	m.wantLetters("^office@200123456.example: Your certificate is issued")
	if text := m.letter().Text; !strings.Contains(text, "2001234560720260325HS") || !strings.Contains(text, "https://corcp.online.worksafebc.com") || !strings.Contains(text, "by the end of March") {
		t.Errorf("the letter says\n%s", text)
	}
	m.says(fmt.Sprint("case delivered ", a))
	m.says("verify", "^sound: ")
}

// TestCertificates_BatchInDoubt: the answer to a batch is lost. Nobody sends it again,
// and a person who finds out that it arrived ends it for every case in it.
func TestCertificates_BatchInDoubt(t *testing.T) {
	m := newMailroom(t)
	a := m.passed("bc-worksafebc", "200123456", calledCompany("Coast Rigging Ltd.", postal("V6B 1A1")))
	b := m.passed("bc-worksafebc", "200123457", calledCompany("Delta Dredging Ltd.", postal("V6B 1A2")))
	m.cut.Store(true)
	m.says("certificate batch --body bc-worksafebc", "Batch 1 for bc-worksafebc: 2 certificates")
	m.wantLetters("^certificates@bc-worksafebc.example: Certificate requests")
	listed := m.says("jobs list", "certificate:send_batch")
	job := regexp.MustCompile(`(?m)^ *(\d+) .*ambiguous +certificate:send_batch`).FindStringSubmatch(listed)
	if job == nil {
		t.Fatalf("no job is in doubt:\n%s", listed)
	}
	m.says("jobs show "+job[1], "from batch 1 for a governing body")
	m.says(fmt.Sprint("case show ", a), "^Certificate +due")
	m.refuses("certificate batch --body bc-worksafebc", "is due that is in no batch")
	m.says("jobs arrived " + job[1] + ` --reason "they called"`)
	m.wantLetters()
	for _, id := range []secor.CaseID{a, b} {
		m.says(fmt.Sprint("case show ", id), "^Certificate +requested")
		if n := strings.Count(m.says(fmt.Sprint("case history ", id)), "certificate.requested"); n != 1 {
			t.Errorf("case %d: requested %d times", id, n)
		}
	}
	m.says("certificate list", `^ +1 +bc-worksafebc .* sent$`)
	m.says("verify", "^sound: ")
}

// TestCertificates_BatchBounced: the body's mail server will not have a batch. The leads
// are told once, list and case say what to do, and it can be sent again or given up.
func TestCertificates_BatchBounced(t *testing.T) {
	m := newMailroom(t)
	a := m.passed("bc-worksafebc", "200123456", calledCompany("Coast Rigging Ltd.", postal("V6B 1A1")))
	b := m.passed("bc-worksafebc", "200123457", calledCompany("Delta Dredging Ltd.", postal("V6B 1A2")))
	m.gone.Store(true)
	m.says("certificate batch --body bc-worksafebc", "Batch 1 for bc-worksafebc: 2 certificates")
	told := fmt.Sprintf("^ana.roy@.*: Case %d: batch 1 for WorkSafeBC, which asks for 2 certificates, could not be sent", a)
	m.wantLetters(told)
	job := regexp.MustCompile(`(?m)^ *(\d+) .*failed +certificate:send_batch`).FindStringSubmatch(m.says("jobs list", "certificate:send_batch"))
	if job == nil {
		t.Fatal("no job is failed")
	}
	if text := m.letter().Text; !strings.Contains(text, "550") || !strings.Contains(text, "secordesk jobs retry "+job[1]) || !strings.Contains(text, "secordesk certificate batch --body bc-worksafebc") {
		t.Errorf("the letter says\n%s", text)
	}
	m.says("certificate list", `^ +1 +bc-worksafebc .* failed$`, "^Batch 1 is failed: .*secordesk jobs retry "+job[1], "secordesk jobs cancel "+job[1])
	for _, id := range []secor.CaseID{a, b} {
		m.says(fmt.Sprint("case show ", id), "^Certificate +due", "batch 1, which asks for it, could not be sent; .*secordesk jobs retry "+job[1])
	}
	m.says("jobs retry " + job[1] + ` --reason "they say that it works"`)
	m.wantLetters(told) // it does not
	m.says("jobs pause escalation:tell_lead --reason \"a test\"")
	m.says("jobs retry " + job[1] + ` --reason "once more"`)
	m.await("the batch to fail again", func() bool {
		batch, err := m.desk.BodyBatch(t.Context(), 1)
		m.must(err)
		return batch.JobState == promise.Failed
	})
	m.says("jobs cancel " + job[1] + ` --reason "another address"`)
	m.says("jobs resume escalation:tell_lead --reason \"go on\"")
	m.wantLetters() // who gave it up is not told that it failed
	m.gone.Store(false)
	m.says("certificate batch --body bc-worksafebc", "Batch 2 for bc-worksafebc: 2 certificates")
	m.wantLetters("^certificates@bc-worksafebc.example: Certificate requests, batch bc-worksafebc-2")
	m.says(fmt.Sprint("case show ", a), "^Certificate +requested")
	m.says("verify", "^sound: ")
}

// TestCertificates_Saskatchewan: paper that this office prints, with its number in a
// code that a telephone reads.
func TestCertificates_Saskatchewan(t *testing.T) {
	m := newMailroom(t)
	id := m.passed("sk-wcb", "8123456", calledCompany("Qu'Appelle Drilling Ltd.", postal("S4A 0B3")))
	m.says(fmt.Sprintf("case record-number %d --number SK-26/0311 --issued-on 2026-03-20", id))
	m.says(fmt.Sprintf(`case sign %d --signatory "Dev Patel"`, id))
	m.wantLetters()
	papers := m.says(fmt.Sprint("case papers ", id))
	if !strings.Contains(papers, "-certificate.pdf") || !strings.Contains(papers, "-cover-letter.pdf") {
		t.Errorf("papers are\n%s", papers)
	}
	folder := t.TempDir()
	m.says("mail batch --to "+folder, "Print batch 1: 1 envelope")
	pdf := filepath.Join(folder, "mail-batch-1.pdf")
	text := tool(t, "pdftotext", "-layout", pdf, "-")
	for _, want := range []string{"Qu'Appelle Drilling Ltd.", "SK-26/0311", "Dev Patel", "Nicolas Bélanger", "S4A 0B3"} {
		if !strings.Contains(text, want) && !strings.Contains(text, strings.ReplaceAll(want, "'", "’")) {
			t.Errorf("the batch does not say %q:\n%s", want, text)
		}
	}
	tool(t, "pdftoppm", "-r", "150", "-png", pdf, filepath.Join(folder, "page"))
	pages, err := filepath.Glob(filepath.Join(folder, "page*.png"))
	m.must(err)
	if len(pages) != 3 {
		t.Fatalf("%d pages, want a list, a letter and a certificate", len(pages))
	}
	if code := tool(t, "zbarimg", "-q", "--raw", pages[2]); strings.TrimSpace(code) != "https://verify.example/c/SK-26%2F0311" {
		t.Errorf("the code says %q", code)
	}
	m.says("mail done 1", "1 of 1")
	m.wantLetters("^office@8123456.example: Your certificate is in the mail")
	m.says(fmt.Sprint("case delivered ", id))
	m.says("verify", "^sound: ")
}
