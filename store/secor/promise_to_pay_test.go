package secor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// invoicedOn is an audit whose invoice was sent on 25 March 2026, under the
// ladder of the programme: reminders after 14, 21 and 45 days, a breach after 30.
func invoicedOn(t testing.TB) *office {
	o := newOffice(t, SubjectAudit)
	for i := range o.Edition.Policies {
		if o.Edition.Policies[i].Name == PolicyInvoice {
			o.Edition.Policies[i].Levels = []Level{
				{Name: "reminder", AfterDays: 14, Raises: EventInvoiceReminder}, {Name: "reminder_2", AfterDays: 21, Raises: EventInvoiceReminder},
				{Name: "breach", AfterDays: 30, Raises: EventClockBreach}, {Name: "reminder_3", AfterDays: 45, Raises: EventInvoiceReminder}}
		}
	}
	o.open()
	o.take(Desk, "invoice", "")
	o.accepted(JobInvoice)
	return o.standsIn(StateAwaitingPayment)
}

// letters returns what would leave about money now, of all that has followed so
// far: the level of a reminder, "leads of clock.breached", "resume".
func (o *office) letters() []string {
	var found []string
	for _, e := range o.history {
		for _, follow := range Follows(e.Kind) {
			switch {
			case !StillTrue(follow.Job, o.File, e) || e.Facts["policy"] == "registration_review":
			case follow.Job == JobInvoiceReminder:
				found = append(found, e.Facts["level"])
			case follow.Job == JobEscalate:
				found = append(found, "leads of "+strings.Trim(string(e.Kind)+" "+e.Facts["policy"], " "))
			case follow.Job == JobResumeReminders:
				found = append(found, "resume")
			}
		}
	}
	return found
}

// resume lets the desk go on with the reminders, as the job does.
func (o *office) resume() {
	o.t.Helper()
	err := o.act(Act{By: Desk}, o.ResumeReminders)
	if err != nil {
		o.t.Fatal(err)
	}
}

// TestReminders: each letter of the ladder is decided again when it is to leave.
func TestReminders(t *testing.T) {
	promise := func(day string) func(*office) {
		return func(o *office) { o.take(asAna, "promise-to-pay", "by phone", "pays-on="+day) }
	}
	sweep := func(at string) func(*office) { return func(o *office) { o.sweep(at) } }
	pay := func(amount string) func(*office) {
		return func(o *office) {
			o.take(asCleo, "pay", "", "amount="+amount, "method=eft", fmt.Sprintf("reference=%d", o.acts))
		}
	}
	tests := []struct {
		situation string
		do        []func(*office)
		want      []string
	}{
		{"on the fourteenth day", []func(*office){sweep("2026-04-08 23:58")}, nil},
		{"after it", []func(*office){sweep("2026-04-09 00:00")}, []string{"reminder"}},
		{"a week later the first one has not left yet", []func(*office){sweep("2026-04-09 00:00"), sweep("2026-04-16 00:00")}, []string{"reminder_2"}},
		{"the sweep did not run for six weeks", []func(*office){sweep("2026-05-20 09:00")}, []string{"reminder_3"}},
		{"after thirty days the leads hear of it", []func(*office){sweep("2026-04-09 00:00"), sweep("2026-04-16 00:00"), sweep("2026-04-25 00:00")},
			[]string{"reminder_2", "leads of clock.breached invoice_payment"}},
		{"paid between the sweep and the letter", []func(*office){sweep("2026-04-09 00:00"), pay("157.50")}, nil},
		{"paid in part: it says the balance", []func(*office){sweep("2026-04-09 00:00"), pay("100")}, []string{"reminder"}},
		{"the rest came too", []func(*office){sweep("2026-04-09 00:00"), pay("100"), pay("57.50")}, nil},
		{"voided", []func(*office){sweep("2026-04-09 00:00"), func(o *office) { o.take(asCleo, "void-invoice", "wrong class") }}, nil},
		{"cancelled", []func(*office){sweep("2026-04-09 00:00"), func(o *office) { o.take(asCleo, "cancel", "registered twice") }}, nil},
		{"cancelled, paid in part", []func(*office){sweep("2026-04-09 00:00"), pay("1"), func(o *office) { o.take(asCleo, "cancel", "registered twice") }}, nil},
		{"a cheque is on its way", []func(*office){sweep("2026-04-09 00:00"), promise("2026-04-20")}, nil},
		{"the promise is not broken on its day", []func(*office){sweep("2026-04-09 00:00"), promise("2026-04-20"), sweep("2026-04-20 23:58")}, nil},
		{"the promise is broken", []func(*office){sweep("2026-04-09 00:00"), promise("2026-04-20"), sweep("2026-04-21 00:00")},
			[]string{"leads of clock.breached promise_to_pay", "resume"}},
		{"and the ladder goes on where it stood", []func(*office){sweep("2026-04-09 00:00"), promise("2026-04-20"), sweep("2026-04-21 00:00"), (*office).resume,
			sweep("2026-04-28 00:00")}, []string{"reminder_2", "leads of clock.breached promise_to_pay"}},
		{"another promise after the first was broken", []func(*office){promise("2026-04-01"), sweep("2026-04-02 00:00"), promise("2026-04-10"), sweep("2026-04-09 12:00")}, nil},
		{"another promise takes the first one's place", []func(*office){promise("2026-04-01"), promise("2026-04-10"), sweep("2026-04-10 23:58")}, nil},
		{"and is broken once", []func(*office){promise("2026-04-01"), promise("2026-04-10"), sweep("2026-04-11 00:00"), sweep("2026-04-12 00:00")},
			[]string{"leads of clock.breached promise_to_pay", "resume"}},
		{"promised for today, and not paid", []func(*office){promise("2026-03-25"), sweep("2026-03-25 23:58")}, nil},
		{"by midnight", []func(*office){promise("2026-03-25"), sweep("2026-03-26 00:00")}, []string{"leads of clock.breached promise_to_pay", "resume"}},
		{"kept", []func(*office){promise("2026-04-10"), pay("157.50"), sweep("2026-05-30 00:00")}, nil},
		{"kept late", []func(*office){promise("2026-04-10"), sweep("2026-04-11 00:00"), pay("157.50")}, nil},
		{"kept in part", []func(*office){promise("2026-04-10"), pay("100"), sweep("2026-04-11 00:00")}, []string{"leads of clock.breached promise_to_pay", "resume"}},
		{"promised, then voided", []func(*office){promise("2026-04-10"), func(o *office) { o.take(asCleo, "void-invoice", "wrong class") }, sweep("2026-04-11 00:00")}, nil},
		{"promised, paid in part, then cancelled", []func(*office){promise("2026-04-10"), pay("1"), func(o *office) { o.take(asCleo, "cancel", "registered twice") },
			sweep("2026-04-11 00:00")}, nil},
		{"bounced: a new ladder", []func(*office){sweep("2026-04-09 00:00"), pay("157.50"), func(o *office) {
			o.take(asCleo, "reverse-payment", "no cover", fmt.Sprintf("reference=%d", o.acts-1))
		}}, []string{"leads of payment.reversed"}},
	}
	for _, tt := range tests {
		o := invoicedOn(t)
		for _, do := range tt.do {
			do(o)
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(tt.want)), slices.Sorted(slices.Values(o.letters()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.situation, diff)
		}
	}
}

// TestReminders_OncePerLevelAndDay sweeps every hour of two months, as a clock
// that runs too often: each level is written of once, and never two on one day.
func TestReminders_OncePerLevelAndDay(t *testing.T) {
	o := invoicedOn(t)
	written, days := map[string]int{}, map[string]int{}
	for range 60 * 24 {
		o.clock = o.clock.Add(time.Hour)
		err := o.act(Act{By: Desk}, func() error { _, err := o.ReachLevels(); return err })
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range o.Events() {
			if e.Kind == EventInvoiceReminder && StillTrue(JobInvoiceReminder, o.File, e) {
				nth, all := o.Reminder(e)
				written[fmt.Sprintf("%s: %d of %d", e.Facts["level"], nth, all)]++
				days[o.Today().String()]++
			}
		}
	}
	want := map[string]int{"reminder: 1 of 3": 1, "reminder_2: 2 of 3": 1, "reminder_3: 3 of 3": 1}
	if diff := cmp.Diff(want, written); diff != "" || len(days) != 3 {
		t.Errorf("reminders on %v (-want +got):\n%s", days, diff)
	}
}

func TestPromiseToPay(t *testing.T) {
	o := invoicedOn(t)
	o.take(asAna, "promise-to-pay", "cheque in the post", "pays-on=2026-04-10", "method=cheque")
	if day, pending := o.Promise(); !pending || day != NewDate(2026, 4, 10) {
		t.Errorf("promised for %s, pending %t", day, pending)
	}
	if c := clockOf(t, o.File, PolicyPromise); c.Policy.Breach().AfterDays != 16 || c.Phase() != PhaseRunning {
		t.Errorf("the promise is frozen with %d days", c.Policy.Breach().AfterDays)
	}
	if c := clockOf(t, o.File, PolicyInvoice); c.Party() != PartyCompany || c.Phase() != PhasePaused {
		t.Errorf("the reminders are %s for the %s", c.Phase(), c.Party())
	}
	if policy, _ := o.Edition.Policy(PolicyPromise); policy.Breach().AfterDays != 20 {
		t.Error("a promise changes the edition")
	}
	o.take(asAna, "promise-to-pay", "a week more", "pays-on=2026-04-14")
	if got := o.fact(EventPaymentPromised, "instead_of"); got != "2026-04-10" {
		t.Errorf("it takes the place of %q", got)
	}
	if c := clockOf(t, o.File, PolicyPromise); c.Cycle != 2 {
		t.Errorf("the second promise is cycle %d", c.Cycle)
	}
	o.take(asCleo, "pay", "", "amount=157.50", "method=cheque", "reference=0042")
	if _, pending := o.Promise(); pending || clockOf(t, o.File, PolicyPromise).Phase() != PhaseFinished {
		t.Error("paid, and the promise still stands")
	}
}

func TestPromiseToPay_Refuses(t *testing.T) {
	tests := []struct {
		situation string
		o         *office
		day       string
		kind      error
		words     string
	}{
		{"yesterday", invoicedOn(t), "2026-03-24", ErrField, "is in the past"},
		{"too far ahead", invoicedOn(t), "2026-04-15", ErrField, "too far ahead; a promise can be until 2026-04-14"},
		{"no day", invoicedOn(t), "soon", ErrField, "is not a date"},
		{"before the invoice left", auditIn(t, StateAwaitingPayment), "2026-03-30", ErrIllegalMove, "was not sent yet"},
		{"paid", auditIn(t, StateRegistrationReview), "2026-03-30", ErrIllegalMove, "is paid"},
		{"no invoice", auditIn(t, StateRegistered), "2026-03-30", ErrNotFound, "has no invoice"},
	}
	for _, tt := range tests {
		err := tt.o.try(asAna, "promise-to-pay", "by phone", "pays-on="+tt.day)
		mustSay(t, tt.situation, refused(err, tt.kind, tt.words))
	}
	last := invoicedOn(t)
	last.take(asAna, "promise-to-pay", "by phone", "pays-on=2026-04-14")
	old := invoicedOn(t)
	old.Edition.Policies = slices.DeleteFunc(old.Edition.Policies, func(p Policy) bool { return p.Name == PolicyPromise })
	mustRefuse(t, old.try(asAna, "promise-to-pay", "by phone", "pays-on=2026-03-30"), ErrGuard, "know no promise to pay")
	left := invoicedOn(t)
	left.take(asCleo, "pay", "", "amount=1", "method=eft", "reference=1")
	left.take(asCleo, "cancel", "registered twice")
	mustRefuse(t, left.try(asAna, "promise-to-pay", "by phone", "pays-on=2026-03-30"), ErrIllegalMove, "nobody is reminded")
}

func TestInvoiceDue(t *testing.T) {
	o := auditIn(t, StateAwaitingPayment)
	if due, ok := o.InvoiceDue(); !ok || due != NewDate(2026, 4, 24) {
		t.Errorf("sent today it would be due on %s", due)
	}
	o.accepted(JobInvoice)
	o.clock = o.clock.AddDate(0, 0, 9)
	o.sweep("2026-04-03 09:00")
	if due, ok := o.InvoiceDue(); !ok || due != NewDate(2026, 4, 24) {
		t.Errorf("nine days later it is due on %s", due)
	}
	o.take(asAna, "promise-to-pay", "by phone", "pays-on=2026-04-10")
	if _, ok := o.InvoiceDue(); ok {
		t.Error("it is due while the company has until the promised day")
	}
}

// TestStatement_PaidBeforeItWasSent: the invoice is of the day on which it was drawn
// up, whatever day a payment says.
func TestStatement_PaidBeforeItWasSent(t *testing.T) {
	invoice := Invoice{Company: 12, FeeYear: 2026, Kind: FeeAnnual, State: StatePaid, Net: 150_00, DrawnOn: NewDate(2026, 3, 1), SentOn: NewDate(2026, 3, 5)}
	for received, want := range map[Date]string{NewDate(2019, 1, 1): "2026-03-01", NewDate(2026, 3, 4): "2026-03-01", NewDate(2026, 3, 5): "2026-03-05"} {
		invoice.Payments = []Payment{{Amount: 150_00, Method: "eft", Reference: "1", ReceivedOn: received}}
		for _, l := range NewStatement([]Invoice{invoice}, NewDate(2026, 4, 1)).Lines {
			if l.Kind == LineInvoice && l.On.String() != want {
				t.Errorf("received %s: the invoice is of %s, want %s", received, l.On, want)
			}
		}
	}
}

// TestStatement adds up what was asked and paid over the years.
func TestStatement(t *testing.T) {
	day := func(m time.Month, d int) Date { return NewDate(2026, m, d) }
	invoices := []Invoice{
		{Company: 12, FeeYear: 2026, Kind: FeeAnnual, State: StateSent, Net: 150_00, Tax: 7_50, SentOn: day(3, 1), Payments: []Payment{
			{Amount: 157_50, Method: "cheque", Reference: "1", ReceivedOn: day(3, 9), ReversedOn: day(3, 16)}, {Amount: 100_00, Method: "eft", Reference: "2", ReceivedOn: day(3, 20)}}},
		{Company: 12, FeeYear: 2025, Kind: FeeAnnual, State: StatePaid, Net: 150_00, SentOn: NewDate(2025, 5, 2), Payments: []Payment{
			{Amount: 200_00, Method: "card", Reference: "9", ReceivedOn: NewDate(2025, 5, 10)}, {Amount: 30_00, Refund: true, Method: "cheque", Reference: "R", ReceivedOn: NewDate(2025, 6, 1)}}},
		{Company: 12, FeeYear: 2024, Kind: FeeAnnual, State: StateVoid, Net: 600_00, SentOn: NewDate(2024, 5, 2)},
		{Company: 12, FeeYear: 2027, Kind: FeeAnnual, State: StateDraft, Net: 600_00},
	}
	s := NewStatement(invoices, day(4, 1))
	var got []string
	for _, l := range s.Lines {
		got = append(got, fmt.Sprintf("%s %s %s %s %s %s", l.On, l.Kind, l.Invoice, l.Reference, l.Amount, l.Balance))
	}
	want := []string{
		"2024-05-02 void 2024-12-A  $0.00 $0.00",
		"2025-05-02 invoice 2025-12-A  $150.00 $150.00",
		"2025-05-10 payment 2025-12-A 9 -$200.00 -$50.00",
		"2025-06-01 refund 2025-12-A R $30.00 -$20.00",
		"2026-03-01 invoice 2026-12-A  $157.50 $137.50",
		"2026-03-09 payment 2026-12-A 1 -$157.50 -$20.00",
		"2026-03-16 reversed 2026-12-A 1 $157.50 $137.50",
		"2026-03-20 payment 2026-12-A 2 -$100.00 $37.50",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if s.Balance != 37_50 || s.Credit != 20_00 || len(s.Open) != 1 || s.Open[0].Owed != 57_50 || s.Open[0].Days != 31 {
		t.Errorf("balance %s, credit %s, open %+v", s.Balance, s.Credit, s.Open)
	}
	for _, tt := range []struct{ days, column int }{{0, 0}, {30, 0}, {31, 1}, {60, 1}, {61, 2}, {90, 2}, {91, 3}, {800, 3}} {
		s := NewStatement(invoices[:1], day(3, 1).AddDays(tt.days))
		want := [4]Cents{}
		want[tt.column] = 57_50
		if s.Ageing != want {
			t.Errorf("after %d days: %v", tt.days, s.Ageing)
		}
	}
	o := auditIn(t, StateAwaitingPayment)
	mustRefuse(t, o.try(asAna, "statement", ""), ErrNotFound, "was asked for nothing yet")
	o.accepted(JobInvoice)
	o.take(asAna, "statement", "")
	if !StillTrue(JobStatement, o.File, o.last(EventStatementAsked)) {
		t.Error("the statement does not leave")
	}
}

// TestMoney_Walk pays, reverses, refunds, promises, voids and closes at random.
// Whatever is done, an invoice is paid exactly when it is covered, nothing is
// refunded that was not too much, and no case has two clocks of one invoice.
func TestMoney_Walk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := invoicedOn(t)
		standing := map[string]Cents{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			o.clock = o.clock.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "hours")) * time.Hour)
			reference := rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(rt, "reference")
			amount := Cents(rapid.Int64Range(1, 300_00).Draw(rt, "amount"))
			dollars := "amount=" + strings.TrimPrefix(amount.String(), "$")
			switch rapid.IntRange(0, 7).Draw(rt, "step") {
			case 0, 1:
				if o.try(asCleo, "pay", "", dollars, "method=eft", "reference="+reference) == nil {
					standing[reference] = amount
				}
			case 2:
				if o.try(asCleo, "reverse-payment", "bounced", "reference="+reference) == nil {
					delete(standing, reference)
				}
			case 3:
				before := o.credit()
				if o.try(asCleo, "refund", "too much", dollars, "method=eft", "reference="+reference) == nil {
					if amount > before {
						rt.Fatalf("%s refunded of a credit of %s", amount, before)
					}
					standing[reference] = -amount
				}
			case 4:
				_ = o.try(asAna, "promise-to-pay", "by phone", "pays-on="+o.Today().AddDays(rapid.IntRange(-2, 25).Draw(rt, "ahead")).String())
			case 5:
				_ = o.act(Act{By: Desk}, func() error { _, err := o.ReachLevels(); return err })
				for _, e := range slices.Clone(o.Events()) {
					if e.Kind == EventPromiseBroken && StillTrue(JobResumeReminders, o.File, e) {
						o.resume()
					}
				}
			case 6:
				_ = o.try(asCleo, rapid.SampledFrom([]string{"void-invoice", "invoice", "cancel", "reopen"}).Draw(rt, "name"), "so it is")
			case 7:
				_ = o.act(Act{By: Desk}, func() error { return o.Accepted(JobInvoice, "office@roy.example") })
			}
			o.checkMoney(rt, standing)
		}
		if diff := cmp.Diff(o.Standing(), Replay(o.history)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func (o *office) credit() Cents {
	if o.Invoice() == nil {
		return 0
	}
	return o.Invoice().Credit()
}

func (o *office) checkMoney(rt *rapid.T, standing map[string]Cents) {
	var want, got Cents
	for _, amount := range standing {
		want += amount
	}
	for i := range o.Invoices {
		invoice := &o.Invoices[i]
		got += invoice.Paid()
		if covered := invoice.Paid() >= invoice.Total(); covered != (invoice.State == StatePaid) || invoice.State == StateVoid && invoice.Paid() != 0 {
			rt.Fatalf("invoice %s is %s with %s paid of %s", invoice.Number(), invoice.State, invoice.Paid(), invoice.Total())
		}
	}
	if got != want {
		rt.Fatalf("%s stands, want %s", got, want)
	}
	unfinished := map[string]int{}
	for _, c := range o.Clocks {
		if c.Phase() != PhaseFinished {
			unfinished[c.Policy.Name]++
		}
	}
	invoice := o.Invoice()
	owed := invoice != nil && invoice.State == StateSent && !invoice.Free
	if unfinished[PolicyInvoice] > 1 || unfinished[PolicyPromise] > 1 || (unfinished[PolicyInvoice] == 1) != owed {
		rt.Fatalf("unfinished clocks %v, owed %t, case %s", unfinished, owed, o.Case.State)
	}
	if _, pending := o.Promise(); pending && (!owed || o.phase(PolicyInvoice) != PhasePaused) {
		rt.Fatal("a promise is pending and the reminders go on")
	}
}

// TestStillTrue_Money ends the reason of each letter about money in each of the
// ways in which it can end before the letter leaves.
func TestStillTrue_Money(t *testing.T) {
	pay := func(reference string) func(*office) {
		return func(o *office) { o.take(asCleo, "pay", "", "amount=157.50", "method=eft", "reference="+reference) }
	}
	reverse := func(reference string) func(*office) {
		return func(o *office) { o.take(asCleo, "reverse-payment", "no cover", "reference="+reference) }
	}
	lead := func(step string) func(*office) { return func(o *office) { o.take(asCleo, step, "so it is") } }
	drafted := func(t testing.TB) *office { return auditIn(t, StateAwaitingPayment) }
	partly := func(t testing.TB) *office {
		o := drafted(t)
		o.take(asCleo, "pay", "", "amount=1", "method=eft", "reference=part")
		return o
	}
	broken := func(t testing.TB) *office {
		o := invoicedOn(t)
		o.take(asAna, "promise-to-pay", "by phone", "pays-on=2026-03-30")
		o.sweep("2026-03-31 00:00")
		return o
	}
	tests := []struct {
		letter JobKind
		cause  EventKind
		begin  func(testing.TB) *office
		ends   map[string]func(*office)
	}{
		{JobInvoice, EventInvoiceDrafted, drafted, map[string]func(*office){"paid": pay("1"), "void": lead("void-invoice"), "cancelled": lead("cancel"),
			"withdrawn": lead("withdraw"), "lapsed": lead("lapse"), "sent": func(o *office) { o.accepted(JobInvoice) }}},
		{JobInvoice, EventInvoiceDrafted, partly, map[string]func(*office){"cancelled, paid in part": lead("cancel")}},
		{JobReceipt, EventInvoicePaid, func(t testing.TB) *office { return auditIn(t, StateRegistrationReview) }, map[string]func(*office){"bounced": reverse("0042"),
			"bounced, and presented again": func(o *office) { reverse("0042")(o); pay("0042")(o) }}},
		{JobEscalate, EventPaymentReversed, func(t testing.TB) *office { o := auditIn(t, StateOpen); reverse("0042")(o); return o }, map[string]func(*office){
			"paid again": pay("0042"), "cancelled": lead("cancel")}},
		{JobEscalate, EventInvoiceOverpaid, func(t testing.TB) *office { o := auditIn(t, StateOpen); pay("2")(o); return o }, map[string]func(*office){
			"refunded": func(o *office) { o.take(asCleo, "refund", "twice", "method=eft", "reference=R") }, "bounced": reverse("2")}},
		{JobEscalate, EventClockBreach, broken, map[string]func(*office){"paid": pay("1"), "void": lead("void-invoice"), "cancelled": lead("cancel"),
			"promised anew": func(o *office) { o.take(asAna, "promise-to-pay", "by phone", "pays-on=2026-04-05") }}},
		{JobResumeReminders, EventPromiseBroken, broken, map[string]func(*office){"paid": pay("1"), "void": lead("void-invoice"), "cancelled": lead("cancel"),
			"promised anew": func(o *office) { o.take(asAna, "promise-to-pay", "by phone", "pays-on=2026-04-05") }, "resumed already": (*office).resume}},
	}
	for _, tt := range tests {
		for _, end := range slices.Sorted(maps.Keys(tt.ends)) {
			o := tt.begin(t)
			cause := o.last(tt.cause)
			before := StillTrue(tt.letter, o.File, cause)
			tt.ends[end](o)
			if after := StillTrue(tt.letter, o.File, cause); !before || after {
				t.Errorf("%s of %s, %s: true before %t, after %t", tt.letter, tt.cause, end, before, after)
			}
		}
	}
}
