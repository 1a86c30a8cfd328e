package jobs

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secordesk/store/secor"
)

// moneyFile is an audit of April 2026 whose invoice was sent on 5 March and was
// paid in part.
func moneyFile(t *testing.T, lang secor.Language) *secor.File {
	t.Helper()
	f := letterFile(t, secor.SubjectAudit)
	f.Case.State, f.Company.Language, f.Company.ProfileSince = secor.StateAwaitingPayment, lang, secor.NewDate(2021, 5, 17)
	policy, _ := f.Edition.Policy(secor.PolicyInvoice)
	sent := time.Date(2026, 3, 5, 17, 0, 0, 0, time.UTC)
	f.Clocks = []secor.Clock{{ID: 1, Policy: policy, Cycle: 1, Calendar: "SK", Entries: []secor.ClockEntry{{Kind: secor.ClockStarted, At: sent, Recorded: sent}}}}
	err := f.Begin(secor.Act{ID: "money", By: secor.Desk}, time.Date(2026, 4, 24, 16, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestLetters_Money: what the letters about money say in each of their cases. None
// of them speaks of the certificate, or of anything that a person would decide.
func TestLetters_Money(t *testing.T) {
	desk := letterDesk(t)
	remind := func(level string) secor.Event {
		return secor.Event{Kind: secor.EventInvoiceReminder, Facts: map[string]string{"policy": secor.PolicyInvoice, "cycle": "1", "level": level}}
	}
	tests := []struct {
		name, text string
		cause      secor.Event
		change     func(*secor.File)
	}{
		{"reminder_first", "invoice_reminder", remind("reminder"), nil},
		{"reminder_second", "invoice_reminder", remind("reminder_2"), nil},
		{"reminder_last", "invoice_reminder", remind("reminder_3"), nil},
		{"received_registration", "payment_received", secor.Event{}, func(f *secor.File) {
			f.Case.State, f.Invoices[0].State, f.Invoices[0].Payments[0].Amount = secor.StateRegistrationReview, secor.StatePaid, 700_00
		}},
		{"received_closed", "payment_received", secor.Event{}, func(f *secor.File) {
			f.Case.State, f.Invoices[0].Free, f.Invoices[0].Payments[0].Amount = secor.StateCancelled, true, 630_00
		}},
		{"statement_credit", "statement", secor.Event{}, func(f *secor.File) { f.Invoices[0].Payments[0].Amount = 700_00 }},
		{"statement_even", "statement", secor.Event{}, func(f *secor.File) { f.Invoices[0].Payments[0].Amount = 630_00 }},
	}
	for _, lang := range secor.Languages() {
		for _, tt := range tests {
			f := moneyFile(t, lang)
			if tt.change != nil {
				tt.change(f)
			}
			message, err := desk.write(tt.text, f, tt.cause, Recipient{Key: "company:9", Name: "François Lévesque", Email: "bureau@eclair.example"})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "letter", "money", tt.name+"."+string(lang)+".golden"), "Subject: "+message.Subject+"\n\n"+message.Text)
			for _, threat := range []string{"certif", "cancel", "revoke", "lapse", "suspend", "legal", "collection", "late fee", "annul", "retir", "révoq", "recouvrement", "pénalité"} {
				if strings.Contains(strings.ToLower(message.Subject+message.Text), threat) {
					t.Errorf("%s in %s speaks of %q:\n%s", tt.name, lang, threat, message.Text)
				}
			}
		}
	}
}

// TestLetters_Ways: a lead is shown the commands that the case offers, and none that
// it does not.
func TestLetters_Ways(t *testing.T) {
	breach := secor.Event{Kind: secor.EventClockBreach, Facts: map[string]string{"policy": secor.PolicyInvoice, "cycle": "1", "level": "breach"}}
	tests := []struct {
		name   string
		cause  secor.Event
		change func(*secor.File)
		want   []string
	}{
		{"unpaid for thirty days", breach, nil, []string{`case pay 14`, `case promise-to-pay 14`, `case statement 14`, `case lapse 14`, `case cancel 14`}},
		{"bounced after the review", secor.Event{Kind: secor.EventPaymentReversed, Facts: map[string]string{"reference": "0042"}},
			func(f *secor.File) { f.Case.State = secor.StateQAComplete }, []string{`case pay 14`, `case promise-to-pay 14`, `case statement 14`}},
		{"paid too much", secor.Event{Kind: secor.EventInvoiceOverpaid, Facts: map[string]string{"credit": "$70.00"}},
			func(f *secor.File) { f.Invoices[0].Payments[0].Amount = 700_00 }, []string{`case refund 14`}},
		{"a registration with too few months", secor.Event{Kind: secor.EventRegistrationAsked, Text: "a person must decide"}, func(f *secor.File) {
			f.Case.State, f.Invoices, f.Audit.Claimed = secor.StateRegistered, nil, secor.Evidence{Policies: 2, Records: 2}
		}, []string{`case invoice 14 --accept evidence_months --reason "…"`, `case cancel 14`}},
	}
	desk := letterDesk(t)
	for _, tt := range tests {
		f := moneyFile(t, secor.English)
		f.People = []secor.Person{{ID: 1, Name: "Jan", Courses: []secor.Course{{Name: f.Edition.Course.Name, CompletedOn: secor.NewDate(2025, 5, 2)}}}}
		if tt.change != nil {
			tt.change(f)
		}
		message, err := desk.write("escalation", f, tt.cause, Recipient{Key: "reviewer:3", Name: "Ana Roy", Email: "ana.roy@desk.example"})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(message.Text, "    secordesk case "); got != len(tt.want)+1 {
			t.Errorf("%s: %d commands, want %d and the one that shows the case:\n%s", tt.name, got, len(tt.want), message.Text)
		}
		for _, way := range tt.want {
			if !strings.Contains(message.Text, "    secordesk "+way) {
				t.Errorf("%s: %q is not offered:\n%s", tt.name, way, message.Text)
			}
		}
	}
}

// TestWriteInvoice: the paper that leaves is the paper that is kept, the same when
// it is made again, in the company's language.
func TestWriteInvoice(t *testing.T) {
	desk := letterDesk(t)
	desk.TaxNumber = "GST 12345 6789 RT0001"
	for _, lang := range secor.Languages() {
		var made [][]byte
		for range 2 {
			f := moneyFile(t, lang)
			message, err := writeInvoice(desk, f, secor.Event{}, Recipient{Key: "company:9", Name: "François Lévesque", Email: "bureau@eclair.example"})
			if err != nil {
				t.Fatal(err)
			}
			message.ID = "job-1@prairiesafety.example"
			err = message.Validate()
			if err != nil || len(message.Attachments) != 1 || len(f.Documents) != 1 {
				t.Fatalf("%s: %v, %d attachments, %d documents", lang, err, len(message.Attachments), len(f.Documents))
			}
			if !bytes.Equal(message.Attachments[0].Data, f.Documents[0].Data) {
				t.Errorf("%s: another paper is kept than is sent", lang)
			}
			made = append(made, message.Attachments[0].Data)
		}
		if !bytes.Equal(made[0], made[1]) {
			t.Errorf("%s: the invoice made twice differs", lang)
		}
	}
	bare := moneyFile(t, secor.English)
	bare.Company.Address, bare.Company.Contact = secor.Address{}, ""
	_, err := writeInvoice(desk, bare, secor.Event{}, Recipient{Key: "company:9", Email: "bureau@eclair.example"})
	if err != nil {
		t.Errorf("a company without a postal address gets no invoice: %v", err)
	}
}

func TestHowToPay(t *testing.T) {
	desk := letterDesk(t)
	desk.Address, desk.Phone = nil, ""
	if got := desk.howToPay(secor.English); len(got) != 1 || !strings.Contains(got[0], "answer our letter") {
		t.Errorf("an office without address and phone: %q", got)
	}
	desk.HowToPay = []string{"By Interac to pay@prairiesafety.example."}
	if got := desk.howToPay(secor.French); len(got) != 1 || got[0] != "Répondez à notre lettre : nous vous dirons comment payer." {
		t.Errorf("French without words of its own: %q", got)
	}
	desk.Phone = "403 555 0142"
	if got := desk.howToPay(secor.French); len(got) != 1 || !strings.HasPrefix(got[0], "Appelez-nous au 403 555 0142") {
		t.Errorf("French without words of its own, by phone: %q", got)
	}
	desk.HowToPayFrench = []string{"Par Interac."}
	if got := desk.howToPay(secor.French); got[0] != "Par Interac." {
		t.Errorf("French: %q", got)
	}
	for points, want := range map[int64]string{500: "TPS 5 %", 975: "TPS 9,75 %", 950: "TPS 9,5 %", 0: "TPS", 1000: "TPS 10 %"} {
		if got := taxText(secor.TaxLine{Name: "GST", BasisPoints: points}, secor.French); got != want {
			t.Errorf("%d basis points: %q, want %q", points, got, want)
		}
	}
}
