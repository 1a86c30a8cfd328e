package jobs_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/jobs/mail/sink"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// cashier is a bench that sends over SMTP and whose desk's clock is pushed by hand.
// Its programme taxes nothing in Manitoba, and twice in British Columbia.
type cashier struct {
	*bench
	t       *testing.T
	sink    *sink.Sink
	sweeper *jobs.Sweeper
	mu      sync.Mutex
	now     time.Time
	stop    func() // of the worker
}

func newCashier(t *testing.T) *cashier {
	t.Helper()
	c := &cashier{t: t, now: time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)}
	c.bench = newBenchAt(t, c.clock)
	programme, err := schema.Load()
	c.must(err)
	fees := &programme.Editions["esc-2023"].Fees
	fees.Taxes = slices.DeleteFunc(fees.Taxes, func(x secor.Tax) bool { return x.Province == "MB" })
	fees.Taxes = append(fees.Taxes, secor.Tax{Province: "BC", Name: "PST", BasisPoints: 700})
	c.Store, err = store.Open(t.Context(), storetest.DSN(t), programme, c.clock)
	c.must(err)
	t.Cleanup(func() { c.Store.Close() })
	c.Grace = 0
	c.sink, err = sink.Open(t.TempDir(), sink.Options{})
	c.must(err)
	t.Cleanup(func() { c.sink.Close() })
	c.sweeper = jobs.NewSweeper(c.Store, c.clock, slog.New(c.book))
	c.queue.start(t)
	c.relay(t)
	c.reconciler(t)
	c.work()
	return c
}

func (c *cashier) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *cashier) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// work runs a worker that sends over SMTP.
func (c *cashier) work() {
	c.t.Helper()
	desk, err := jobs.NewDesk(jobs.Office{Name: "Prairie Safety Partners", Address: []string{"200, 700 Centre Street SE", "Calgary AB  T2G 5P6"},
		Phone: "403 555 0142", From: "desk@prairie.example", TaxNumber: "GST 12345 6789 RT0001"})
	c.must(err)
	sender, err := mail.NewSender(c.sink.URL())
	c.must(err)
	w, err := jobs.NewWorker(c.Store, sender, desk, c.kinds, c.pace, slog.New(c.book))
	c.must(err)
	c.stop = c.run(c.t, func(ctx context.Context) {
		err := w.Run(ctx, c.queue)
		if err != nil {
			c.t.Error(err)
		}
	})
}

// firm is a company with its audit.
type firm struct {
	*cashier
	name string
	id   int64
	at   secor.CaseID
}

// firm registers an audit of a company that change made different from others.
func (c *cashier) firm(name string, change func(*secor.Company, *secor.Audit)) *firm {
	c.t.Helper()
	c.n++
	company := secor.Company{LegalName: name + " Ltd.", Province: "AB", Email: name + "@firm.example", Contact: "Ana Roy", Member: true, Language: secor.English,
		ProfileSince: secor.NewDate(2025, 1, 1), Address: secor.Address{Street: "1 Main St", City: "Calgary", Province: "AB", PostalCode: "T2P 1A1"}}
	audit := secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 4, Claimed: secor.Evidence{Policies: 12, Records: 12}}
	if change != nil {
		change(&company, &audit)
	}
	body := map[string]string{"AB": "ab-pir", "BC": "bc-worksafebc", "SK": "sk-wcb", "MB": "ab-pir"}[company.Province]
	account := secor.Registration{Body: body, Account: fmt.Sprint(100000 + c.n), GoodStanding: name != "unregistered"}
	id, _, err := c.AddCompany(c.t.Context(), c.deskAct(name), company, []secor.Registration{account})
	c.must(err)
	person, _, err := c.AddPerson(c.t.Context(), c.deskAct(name+" person"), id, "Ana Roy")
	c.must(err)
	if name != "untrained" {
		_, err = c.AddCourse(c.t.Context(), c.deskAct(name+" course"), person, secor.Course{Name: "Safety Program Development", CompletedOn: secor.NewDate(2025, 6, 1)})
		c.must(err)
	}
	at, err := c.AddAudit(c.t.Context(), c.deskAct(name+" audit"), id, body, audit)
	c.must(err)
	return &firm{cashier: c, name: name, id: id, at: at}
}

func (c *cashier) deskAct(id string) secor.Act {
	return secor.Act{ID: "cashier:" + id, By: secor.Desk, Surface: secor.SurfaceFile, Reason: "as imported"}
}

// take takes a step of the lead: "pay", "amount=100", ….
func (f *firm) take(name string, pairs ...string) {
	f.t.Helper()
	err := f.try(name, pairs...)
	if err != nil {
		f.t.Fatalf("%s of %s: %v", name, f.name, err)
	}
}

func (f *firm) try(name string, pairs ...string) error {
	f.t.Helper()
	f.n++
	in := secor.Input{}
	for _, pair := range pairs {
		field, value, _ := strings.Cut(pair, "=")
		in[field] = value
	}
	act := secor.Act{ID: fmt.Sprintf("step:%d", f.n), By: f.lead, Surface: secor.SurfaceCLI, Reason: "so it is"}
	return f.UpdateCase(f.t.Context(), f.at, act, func(file *secor.File, _ time.Time) error {
		step, err := secor.StepFor(name, file.Case.Kind)
		if err != nil {
			return err
		}
		return step.Take(file, in)
	})
}

// day moves the desk's clock to noon of a day after the first, in the office, with
// a sweep at every midnight between. Before each nothing is left to be done.
func (c *cashier) day(n int) {
	c.t.Helper()
	c.awaitQuiet(c.t)
	first := time.Date(2026, 3, 25, 6, 0, 0, 0, time.UTC) // midnight in Alberta
	for at := c.clock(); ; {
		next := first.AddDate(0, 0, int(at.Sub(first).Hours())/24+1)
		if next.After(first.AddDate(0, 0, n)) {
			break
		}
		at = next
		c.set(at)
		c.sweep()
		c.awaitQuiet(c.t)
	}
	c.set(first.AddDate(0, 0, n).Add(12 * time.Hour))
	c.sweep()
	c.awaitQuiet(c.t)
}

func (c *cashier) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = at
}

func (c *cashier) sweep() {
	c.t.Helper()
	_, err := c.sweeper.Sweep(c.t.Context())
	c.must(err)
}

// letters returns the subjects of the letters to an address, the oldest first, each
// with the day on which it left: "+14 Reminder: invoice 2026-1-A".
func (c *cashier) letters(address, about string) []string {
	c.t.Helper()
	var found []string
	for _, m := range c.mail(address) {
		if !strings.Contains(m.Subject, about) {
			continue
		}
		subject, _, _ := strings.Cut(m.Subject, " [SECOR")
		found = append(found, fmt.Sprintf("+%d %s", int(m.Date.Sub(time.Date(2026, 3, 25, 6, 0, 0, 0, time.UTC)).Hours())/24, subject))
	}
	return found
}

func (c *cashier) mail(address string) []sink.Letter {
	c.t.Helper()
	all, err := c.sink.Messages()
	c.must(err)
	return slices.DeleteFunc(all, func(m sink.Letter) bool { return m.To != address })
}

// hears holds that a company got these letters, and no other.
func (f *firm) hears(want ...string) {
	f.t.Helper()
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], "NNN", fmt.Sprintf("2026-%d-A", f.id))
	}
	if diff := cmp.Diff(want, f.letters(f.name+"@firm.example", "")); diff != "" {
		f.t.Errorf("letters to %s (-want +got):\n%s", f.name, diff)
	}
}

// leads returns what the lead was told of the firm's case.
func (f *firm) leads() []string {
	f.t.Helper()
	return f.letters("lead@desk.example", fmt.Sprintf("Case %d:", f.at))
}

func (f *firm) file() *secor.File {
	f.t.Helper()
	file, err := f.File(f.t.Context(), f.at)
	f.must(err)
	return file
}

// sound holds that the history is whole and that nobody got two letters about money
// of one kind on one day.
func (c *cashier) sound() {
	c.t.Helper()
	report, err := c.Verify(c.t.Context())
	c.must(err)
	if len(report.Problems) > 0 {
		c.t.Errorf("the history is not whole: %v", report.Problems)
	}
	all, err := c.sink.Messages()
	c.must(err)
	seen := map[string]bool{}
	for _, m := range all {
		if !strings.Contains(m.Subject, "eminder") && !strings.Contains(m.Subject, "appel") && !strings.Contains(m.Subject, "please call") {
			continue
		}
		key := m.To + m.Date.Format(time.DateOnly)
		if seen[key] {
			c.t.Errorf("%s was reminded twice on %s", m.To, m.Date.Format(time.DateOnly))
		}
		seen[key] = true
	}
}

// TestInvoices_Ladder: the ladder of an invoice in all the ways in which it ends.
func TestInvoices_Ladder(t *testing.T) {
	c := newCashier(t)
	never, void, partly := c.firm("never", nil), c.firm("void", nil), c.firm("partly", nil)
	kept, broken, twice := c.firm("kept", nil), c.firm("broken", nil), c.firm("twice", nil)
	c.awaitQuiet(t)
	c.day(5)
	kept.take("promise-to-pay", "pays-on=2026-04-14", "method=cheque")
	broken.take("promise-to-pay", "pays-on=2026-04-14")
	twice.take("promise-to-pay", "pays-on=2026-04-14")
	twice.take("promise-to-pay", "pays-on=2026-04-28")
	c.day(10)
	void.take("void-invoice")
	partly.take("pay", "amount=100", "method=eft", "reference=E-1")
	c.day(18)
	kept.take("pay", "amount=157.50", "method=cheque", "reference=0042")
	partly.take("pay", "amount=57.50", "method=eft", "reference=E-2")
	c.day(60)
	never.hears("+0 Invoice NNN", "+15 Reminder: invoice NNN", "+22 Second reminder: invoice NNN", "+46 Invoice NNN: please call us")
	if diff := cmp.Diff([]string{fmt.Sprintf("+31 Case %d: late: Payment of an invoice", never.at)}, never.leads()); diff != "" {
		t.Errorf("the leads (-want +got):\n%s", diff)
	}
	if state := never.file().Case.State; state != secor.StateAwaitingPayment {
		t.Errorf("the desk made the audit %s by itself", state)
	}
	void.hears("+0 Invoice NNN")
	partly.hears("+0 Invoice NNN", "+15 Reminder: invoice NNN", "+18 We have received your payment")
	kept.hears("+0 Invoice NNN", "+18 We have received your payment")
	// The promise held the ladder from noon of day 5 to the end of day 20.
	broken.hears("+0 Invoice NNN", "+31 Reminder: invoice NNN", "+38 Second reminder: invoice NNN")
	if got := broken.leads(); len(got) != 2 || got[0] != fmt.Sprintf("+21 Case %d: a promise to pay was not kept", broken.at) {
		t.Errorf("of the broken promise the leads hear %q", got)
	}
	twice.hears("+0 Invoice NNN", "+45 Reminder: invoice NNN", "+52 Second reminder: invoice NNN")
	if got := twice.leads(); len(got) != 1 || !strings.HasPrefix(got[0], "+35 ") {
		t.Errorf("of the second promise, broken, the leads hear %q", got)
	}
	text := c.mail("partly@firm.example")[1].Text
	if !strings.Contains(text, "Still open        $57.50") {
		t.Errorf("the reminder does not say the balance:\n%s", text)
	}
	ways := c.mail("lead@desk.example")
	i := slices.IndexFunc(ways, func(m sink.Letter) bool { return strings.Contains(m.Subject, fmt.Sprintf("Case %d: late", never.at)) })
	for _, way := range []string{"lapse", "cancel", "promise-to-pay", "pay", "statement"} {
		if !strings.Contains(ways[i].Text, fmt.Sprintf("secordesk case %s %d", way, never.at)) {
			t.Errorf("the leads are not offered %s:\n%s", way, ways[i].Text)
		}
	}
	c.sound()
}

// TestInvoices_DecidedWhenSent: what happens between the sweep and the letter keeps
// the letter from leaving. The jobs are cancelled, not failed.
func TestInvoices_DecidedWhenSent(t *testing.T) {
	c := newCashier(t)
	ends := map[string]func(f *firm){
		"paid":      func(f *firm) { f.take("pay", "amount=157.50", "method=eft", "reference=1") },
		"voided":    func(f *firm) { f.take("void-invoice") },
		"promised":  func(f *firm) { f.take("promise-to-pay", "pays-on=2026-04-20") },
		"cancelled": func(f *firm) { f.take("cancel") },
		"late":      func(*firm) {},
	}
	firms := map[string]*firm{}
	for _, name := range slices.Sorted(maps.Keys(ends)) {
		firms[name] = c.firm(name, nil)
	}
	c.awaitQuiet(t)
	c.day(13)
	c.stop()
	c.set(c.clock().AddDate(0, 0, 2))
	c.sweep()
	for name, end := range ends {
		end(firms[name])
	}
	if firms["late"].file().Clocks[0].Policy.Name != secor.PolicyInvoice {
		t.Fatal("the first clock is not the invoice's")
	}
	c.set(c.clock().AddDate(0, 0, 8)) // the worker was away: the second reminder is due as well
	c.sweep()
	c.work()
	c.awaitQuiet(t)
	for name, f := range firms {
		want := promise.Cancelled
		if name == "late" {
			want = promise.Done
		}
		if j := c.job(t, f.at, secor.JobInvoiceReminder); j.State != want {
			t.Errorf("%s: the reminder is %s, want %s (%s)", name, j.State, want, j.LastError)
		}
	}
	firms["late"].hears("+0 Invoice NNN", "+23 Second reminder: invoice NNN")
	firms["voided"].hears("+0 Invoice NNN")
	firms["promised"].hears("+0 Invoice NNN")
	firms["paid"].hears("+0 Invoice NNN", "+23 We have received your payment")
	c.sound()
}

// TestInvoices_Money: bounced after the approval, paid too much and refunded, a
// statement over what was, and a receipt that is not true any more.
func TestInvoices_Money(t *testing.T) {
	c := newCashier(t)
	bounced, over, gone := c.firm("bounced", nil), c.firm("over", nil), c.firm("gone", nil)
	c.awaitQuiet(t)
	c.day(1)
	bounced.take("pay", "amount=157.50", "method=cheque", "reference=0042")
	over.take("pay", "amount=200", "method=card", "reference=77")
	c.awaitQuiet(t)
	bounced.take("approve")
	over.take("approve")
	c.awaitQuiet(t)
	c.stop()
	gone.take("pay", "amount=157.50", "method=cheque", "reference=0043")
	gone.take("reverse-payment", "reference=0043")
	c.work()
	c.awaitQuiet(t)
	c.day(3)
	bounced.take("reverse-payment", "reference=0042")
	over.take("refund", "method=cheque", "reference=R-1")
	over.take("statement")
	c.day(20)
	if bounced.file().Case.State != secor.StateOpen {
		t.Errorf("the audit of the bounced cheque is %s", bounced.file().Case.State)
	}
	bounced.hears("+0 Invoice NNN", "+1 We have received your payment", "+1 Your audit registration is approved", "+18 Reminder: invoice NNN")
	if got := bounced.leads(); len(got) != 1 || got[0] != fmt.Sprintf("+3 Case %d: payment 0042 was reversed", bounced.at) {
		t.Errorf("of the bounced cheque the leads hear %q", got)
	}
	over.hears("+0 Invoice NNN", "+1 We have received your payment", "+1 Your audit registration is approved", "+3 Your statement of account")
	if got := over.leads(); len(got) != 1 || got[0] != fmt.Sprintf("+1 Case %d: more was paid than asked: a credit of $42.50", over.at) {
		t.Errorf("of the credit the leads hear %q", got)
	}
	statement := c.mail("over@firm.example")[3].Text
	for _, line := range []string{"Payment 77 (card)", "Refund R-1", "Nothing is open."} {
		if !strings.Contains(statement, line) {
			t.Errorf("the statement does not say %q:\n%s", line, statement)
		}
	}
	c.wantJob(t, gone.at, secor.JobReceipt, promise.Cancelled, 1)
	bounced.take("pay", "amount=157.50", "method=cheque", "reference=0042") // presented again
	c.awaitQuiet(t)
	if got := bounced.letters("bounced@firm.example", "received"); len(got) != 2 {
		t.Errorf("presented again: %q", got)
	}
	c.sound()
}

// TestInvoices_Papers: the invoice is a PDF, in the company's language, with the
// taxes of its province, and what was sent is what is kept.
func TestInvoices_Papers(t *testing.T) {
	pdftotext, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("no pdftotext is installed")
	}
	c := newCashier(t)
	tests := []struct {
		firm   *firm
		name   string
		has    []string
		hasNot []string
	}{
		{c.firm("member", nil), "invoice", []string{"$150.00", "GST 5 %", "$7.50", "$157.50", "GST 12345 6789 RT0001", "24 April 2026", "1 Main St"}, []string{"PST"}},
		{c.firm("nonmember", func(k *secor.Company, _ *secor.Audit) { k.Member = false }), "invoice", []string{"$600.00", "$30.00", "$630.00"}, nil},
		{c.firm("untaxed", func(k *secor.Company, _ *secor.Audit) { k.Province = "MB" }), "invoice", []string{"$150.00"}, []string{"GST 5 %", "$7.50"}},
		{c.firm("twotaxes", func(k *secor.Company, _ *secor.Audit) { k.Province = "BC" }), "invoice", []string{"GST 5 %", "$7.50", "PST 7 %", "$10.50", "$168.00"}, nil},
		{c.firm("prairie", func(k *secor.Company, _ *secor.Audit) { k.Province = "SK" }), "invoice", []string{"GST 5 %", "$157.50"}, []string{"PST"}},
		{c.firm("francais", func(k *secor.Company, _ *secor.Audit) {
			k.LegalName, k.Language, k.Contact = "Éclair Électrique Ltée", secor.French, "François Lévesque"
		}), "facture", []string{"Éclair Électrique Ltée", "François Lévesque", "TPS 5 %", "157,50 $", "Frais annuels 2026"}, []string{"GST 5 %"}},
	}
	c.awaitQuiet(t)
	for _, tt := range tests {
		letters := c.mail(tt.firm.name + "@firm.example")
		if len(letters) != 1 || len(letters[0].Attachments) != 1 {
			t.Errorf("%s: %d letters, want one with a paper", tt.firm.name, len(letters))
			continue
		}
		paper := letters[0].Attachments[0]
		if want := fmt.Sprintf("%s-2026-%d-A.pdf", tt.name, tt.firm.id); paper.Name != want {
			t.Errorf("%s: the paper is called %s, want %s", tt.firm.name, paper.Name, want)
		}
		kept, err := c.Documents(t.Context(), tt.firm.at)
		c.must(err)
		if len(kept) != 1 || string(kept[0].Data) != string(paper.Data) {
			t.Errorf("%s: %d papers are kept, want the one that was sent", tt.firm.name, len(kept))
		}
		path := filepath.Join(t.TempDir(), "invoice.pdf")
		c.must(os.WriteFile(path, paper.Data, 0o600))
		out, err := exec.Command(pdftotext, "-layout", path, "-").Output()
		c.must(err)
		text := strings.ReplaceAll(string(out), "\u00a0", " ")
		for _, has := range tt.has {
			if !strings.Contains(text, has) {
				t.Errorf("%s: the paper does not say %q:\n%s", tt.firm.name, has, text)
			}
		}
		for _, not := range tt.hasNot {
			if strings.Contains(text, not) {
				t.Errorf("%s: the paper says %q:\n%s", tt.firm.name, not, text)
			}
		}
	}
	c.sound()
}

// TestInvoices_PaperOfADoubtfulLetter: of a letter of which nobody knows whether it
// arrived, the paper is on file; one that is sent on another day is kept beside it.
func TestInvoices_PaperOfADoubtfulLetter(t *testing.T) {
	c := newCashier(t)
	c.stop()
	c.post.fail = func(context.Context, mail.Message) error {
		return &mail.SendError{Outcome: mail.Ambiguous, Step: mail.StepLetter, Err: io.ErrUnexpectedEOF}
	}
	stop := c.worker(t, c.Store)
	f := c.firm("doubtful", nil)
	c.awaitQuiet(t)
	stop()
	j := c.wantJob(t, f.at, secor.JobInvoice, promise.Ambiguous, 1)
	kept, err := c.Documents(t.Context(), f.at)
	c.must(err)
	if len(kept) != 1 || f.file().Invoice().State != secor.StateDraft {
		t.Errorf("%d papers of an invoice that is %s", len(kept), f.file().Invoice().State)
	}
	c.set(c.clock().AddDate(0, 0, 2))
	act := secor.Act{ID: "retry", By: c.lead, Surface: secor.SurfaceCLI, Reason: "the server lost it"}
	c.must(c.RetryJob(t.Context(), j.ID, act, true))
	c.work()
	c.awaitQuiet(t)
	kept, err = c.Documents(t.Context(), f.at)
	c.must(err)
	sent := c.mail("doubtful@firm.example")
	if len(kept) != 2 || len(sent) != 1 || !slices.ContainsFunc(kept, func(d secor.Document) bool { return string(d.Data) == string(sent[0].Attachments[0].Data) }) {
		t.Errorf("%d papers are kept of %d letters, want both that were begun", len(kept), len(sent))
	}
	c.sound()
}

// TestRegistration_Guards: everything is checked before the company is charged.
// What stands in the way is told to the leads once, with how to go on.
func TestRegistration_Guards(t *testing.T) {
	c := newCashier(t)
	tests := []struct {
		name   string
		change func(*secor.Company, *secor.Audit)
		says   string // to the leads
		way    string
		goOn   func(f *firm) // nil: only the company can put it right
	}{
		{"crowded", func(_ *secor.Company, a *secor.Audit) { a.Headcount = 11 }, "11 people", "case invoice %d\n",
			func(f *firm) { f.take("correct", "field=headcount", "value=10"); f.take("invoice") }},
		{"young", func(_ *secor.Company, a *secor.Audit) { a.Claimed = secor.Evidence{Policies: 2, Records: 2} }, "months of documentation: 2",
			"case invoice %d --accept evidence_months", func(f *firm) { f.take("invoice", "accept=evidence_months") }},
		{"untrained", nil, "nobody holds the course", "case cancel %d", nil},
		{"unregistered", nil, "is not in good standing", "case cancel %d", nil},
		{"unknown", func(k *secor.Company, _ *secor.Audit) { k.ProfileSince = secor.Date{} }, "no profile with this partner", "case cancel %d", nil},
	}
	firms := map[string]*firm{}
	for _, tt := range tests {
		firms[tt.name] = c.firm(tt.name, tt.change)
	}
	c.awaitQuiet(t)
	c.sweep()
	c.awaitQuiet(t)
	for _, tt := range tests {
		f := firms[tt.name]
		f.hears()
		told := c.mail("lead@desk.example")
		told = slices.DeleteFunc(told, func(m sink.Letter) bool { return !strings.Contains(m.Subject, fmt.Sprintf("Case %d:", f.at)) })
		if len(told) != 1 {
			t.Errorf("%s: the leads are told %d times", tt.name, len(told))
			continue
		}
		text := strings.Join(strings.Fields(told[0].Text), " ")
		if !strings.Contains(text, tt.says) || !strings.Contains(told[0].Text, fmt.Sprintf(tt.way, f.at)) {
			t.Errorf("%s: the leads are not told %q and %q:\n%s", tt.name, tt.says, tt.way, told[0].Text)
		}
		if file := f.file(); file.Case.State != secor.StateRegistered || file.Invoice() != nil {
			t.Errorf("%s: charged all the same, %s", tt.name, file.Case.State)
		}
		if tt.goOn != nil {
			tt.goOn(f)
			c.awaitQuiet(t)
			f.hears("+0 Invoice NNN")
		}
	}
	c.sound()
}
