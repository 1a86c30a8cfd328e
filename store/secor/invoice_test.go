package secor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestInvoice_Amounts(t *testing.T) {
	gst := []Tax{{Province: "AB", Name: "GST", BasisPoints: 500}}
	tests := []struct {
		situation string
		member    bool
		annual    Cents
		taxes     []Tax
		total     string
		taxName   string
	}{
		{"a member", true, 150_00, gst, "$157.50", "GST"},
		{"not a member", false, 600_00, gst, "$630.00", "GST"},
		{"another province's tax", true, 150_00, []Tax{{Province: "SK", Name: "PST", BasisPoints: 600}}, "$150.00", ""},
		{"two taxes", true, 150_00, append(gst[:1:1], Tax{Province: "AB", Name: "PST", BasisPoints: 600}), "$166.50", "GST and PST"},
		{"half a cent of tax goes up", true, 10, gst, "$0.11", "GST"},
		{"less than half a cent goes down", true, 9, gst, "$0.09", "GST"},
		{"a cent and a half goes up", true, 30, gst, "$0.32", "GST"},
	}
	for _, tt := range tests {
		o := auditIn(t, StateRegistered)
		o.Company.Member, o.Edition.Fees.Taxes = tt.member, tt.taxes
		if tt.member {
			o.Edition.Fees.AnnualMember = tt.annual
		}
		o.take(Desk, "invoice", "")
		invoice := o.Invoice()
		if invoice.Total().String() != tt.total || invoice.TaxName != tt.taxName || invoice.State != StateDraft {
			t.Errorf("%s: %s with %q, %s; want %s with %q", tt.situation, invoice.Total(), invoice.TaxName, invoice.State, tt.total, tt.taxName)
		}
		if o.fact(EventRegistrationChecked, "owed") != tt.total || o.fact(EventInvoiceDrafted, "total") != tt.total {
			t.Errorf("%s: the events do not say %s", tt.situation, tt.total)
		}
	}
}

func TestInvoice_NothingOwed(t *testing.T) {
	o := auditIn(t, StateRegistered)
	o.Edition.Fees = Fees{}
	o.take(Desk, "invoice", "")
	if o.Case.State != StateRegistrationReview || o.Invoice() != nil {
		t.Errorf("a free programme: %s, %v", o.Case.State, o.Invoice())
	}
}

func TestInvoice_Sent(t *testing.T) {
	o := auditIn(t, StateAwaitingPayment)
	o.accepted(JobInvoice)
	if o.Invoice().State != StateSent || o.Invoice().SentOn != day(t, "2026-03-25") {
		t.Errorf("%s on %q", o.Invoice().State, o.Invoice().SentOn)
	}
	mustRefuse(t, o.try(asCleo, "invoice", ""), ErrIllegalMove, "invoice 2026-12-A is drawn up already", "void it first")
	paid := auditIn(t, StateRegistrationReview)
	paid.accepted(JobInvoice) // it was on its way when the cheque came
	if paid.Invoice().State != StatePaid {
		t.Errorf("a late letter makes a paid invoice %s", paid.Invoice().State)
	}
}

func TestPay(t *testing.T) {
	steps := []struct {
		situation string
		amount    string
		state     State
		balance   string
		of        State
	}{
		{"a part", "100", StateDraft, "$57.50", StateAwaitingPayment},
		{"a cent too little", "57.49", StateDraft, "$0.01", StateAwaitingPayment},
		{"the rest", "0.01", StatePaid, "$0.00", StateRegistrationReview},
		{"twice by mistake", "10", StatePaid, "-$10.00", StateRegistrationReview},
	}
	o := auditIn(t, StateAwaitingPayment)
	for i, s := range steps {
		o.take(asCleo, "pay", "", "amount="+s.amount, "method=eft", fmt.Sprintf("reference=%d", i))
		if o.Invoice().State != s.state || o.Invoice().Balance().String() != s.balance || o.Case.State != s.of {
			t.Errorf("%s: invoice %s, balance %s, case %s", s.situation, o.Invoice().State, o.Invoice().Balance(), o.Case.State)
		}
		if got := o.fact(EventPaymentRecorded, "balance"); got != s.balance {
			t.Errorf("%s: the event says %s", s.situation, got)
		}
	}
	o.take(asCleo, "reverse-payment", "was twice", "reference=3")
	if o.Invoice().State != StatePaid || o.saw(EventInvoiceReopened) {
		t.Errorf("what was too much is taken back: %s", o.Invoice().State)
	}
}

func TestPay_Refuses(t *testing.T) {
	good := []string{"amount=157.50", "method=cheque", "reference=0042"}
	tests := []struct {
		situation string
		change    string
		words     string
	}{
		{"tomorrow", "received-on=2026-03-26", "received-on: \"2026-03-26\" is in the future"},
		{"the day before the invoice", "received-on=2026-03-24", "received-on: \"2026-03-24\" is before invoice 2026-12-A was drawn up on 2026-03-25"},
		{"nothing", "amount=0.00", "amount: is nothing"},
		{"less than nothing", "amount=-5", "amount"},
		{"a formula", "reference==1+1", "begins like a spreadsheet formula"},
		{"a reference of 41 characters", "reference=" + strings.Repeat("1", 41), "longer than 40"},
		{"another method", "method=cash", "is not one of cheque, eft or card"},
	}
	for _, tt := range tests {
		o := auditIn(t, StateAwaitingPayment)
		err := o.try(asCleo, "pay", "", append(good[:3:3], tt.change)...)
		mustSay(t, tt.situation, refused(err, ErrField, tt.words))
		if o.Invoice().Paid() != 0 {
			t.Errorf("%s: refused, but %s is paid", tt.situation, o.Invoice().Paid())
		}
	}
	o := auditIn(t, StateRegistrationReview)
	mustRefuse(t, o.try(asCleo, "pay", "", good...), ErrField, `reference: "0042" is recorded on this invoice already`)
	mustRefuse(t, auditIn(t, StateRegistered).try(asCleo, "pay", "", good...), ErrNotFound, "case 14 has no invoice")
	today := auditIn(t, StateAwaitingPayment)
	today.take(asCleo, "pay", "", append(good[:3:3], "received-on=2026-03-25")...)
	over := auditIn(t, StateAwaitingPayment)
	over.take(asCleo, "pay", "", "amount=200", "method=eft", "reference=1")
	mustRefuse(t, over.try(asCleo, "refund", "too much", "method=eft", "reference=R1", "paid-on=2026-03-24"), ErrField, "is before invoice 2026-12-A was drawn up")
}

func TestReversePayment(t *testing.T) {
	o := auditIn(t, StateRegistrationReview)
	mustRefuse(t, o.try(asCleo, "reverse-payment", "bounced", "reference=9999"), ErrField, "is no standing payment of invoice 2026-12-A")
	o.LastMove.HappenedAt = o.clock.AddDate(0, 0, -9)
	before := Act{By: asCleo, Reason: "bounced", HappenedAt: o.clock.AddDate(0, 0, -2)}
	mustRefuse(t, o.tryAt(before, "reverse-payment", "reference=0042"), ErrField, "the payment came on")
	o.take(asCleo, "reverse-payment", "bounced", "reference=0042")
	mustRefuse(t, o.try(asCleo, "reverse-payment", "again", "reference=0042"), ErrField, "no standing payment")
	if o.Invoice().Payments[0].ReversedOn != day(t, "2026-03-25") || o.Invoice().Paid() != 0 {
		t.Errorf("reversed on %q, paid %s", o.Invoice().Payments[0].ReversedOn, o.Invoice().Paid())
	}
	o.take(asCleo, "pay", "", "amount=157.50", "method=cheque", "reference=0043")
	if o.Invoice().State != StatePaid || o.Case.State != StateRegistrationReview {
		t.Errorf("paid anew: %s, case %s", o.Invoice().State, o.Case.State)
	}
	if clock := clockOf(t, o.File, "invoice_payment"); clock.Cycle != 1 || clock.Phase() != PhaseFinished {
		t.Errorf("the clock of the bounced invoice: cycle %d %s", clock.Cycle, clock.Phase())
	}
}

func TestVoidInvoice_AndDrawUpAgain(t *testing.T) {
	o := auditIn(t, StateAwaitingPayment)
	o.take(asCleo, "pay", "", "amount=10", "method=eft", "reference=1")
	mustRefuse(t, o.try(asCleo, "void-invoice", "wrong class"), ErrGuard, "$10.00 was paid on invoice 2026-12-A", "reverse the payment first")
	o.take(asCleo, "reverse-payment", "given back", "reference=1")
	o.take(asCleo, "void-invoice", "wrong class")
	if o.Invoice() != nil || o.Case.State != StateAwaitingPayment || o.Standing()[SubjectInvoice] != StateVoid {
		t.Errorf("void: %v, case %s, standing %v", o.Invoice(), o.Case.State, o.Standing())
	}
	mustRefuse(t, o.try(asCleo, "void-invoice", "again"), ErrGuard, "invoice 2026-12-A is void", "draw it up again")
	o.Company.Member = false
	o.take(asCleo, "invoice", "as no member")
	if o.Invoice().Total() != 630_00 || o.Case.State != StateAwaitingPayment || o.Standing()[SubjectInvoice] != StateDraft {
		t.Errorf("drawn up again: %s, case %s", o.Invoice().Total(), o.Case.State)
	}
}

// TestVoidInvoice_IsNoWayRoundPayment: a bounced payment cannot be voided away
// while the registration waits for its approval.
func TestVoidInvoice_IsNoWayRoundPayment(t *testing.T) {
	o := auditIn(t, StateRegistrationReview)
	o.take(asCleo, "reverse-payment", "bounced", "reference="+o.Invoice().Payments[0].Reference)
	mustRefuse(t, o.try(asCleo, "void-invoice", "bounced"), ErrGuard, "would go on unpaid", "cancel the audit and reopen it")
	mustRefuse(t, o.try(asAna, "approve", ""), ErrGuard, "is not paid")
}

// sameYear returns the file of another audit of the same company and year, with the
// invoices as the first case left them.
func sameYear(t *testing.T, first *office, id CaseID) *office {
	t.Helper()
	o := auditIn(t, StateRegistered)
	o.Case.ID = id
	o.Invoices = first.Invoices
	return o
}

func TestInvoice_SecondAuditOfTheYear(t *testing.T) {
	first := auditIn(t, StateQAComplete)
	second := sameYear(t, first, 15)
	second.take(Desk, "invoice", "")
	if got := second.Invoice(); got.Number() != "2026-12-R1" || got.Net != 200_00 || got.CaseID != 15 {
		t.Errorf("second audit: %s of %s", got.Number(), got.Net)
	}
	third := sameYear(t, second, 16)
	third.take(Desk, "invoice", "")
	if got := third.Invoice(); got.Number() != "2026-12-R2" {
		t.Errorf("third audit: %s", got.Number())
	}
	third.take(asCleo, "void-invoice", "not needed")
	fourth := sameYear(t, third, 17)
	fourth.take(Desk, "invoice", "")
	if got := fourth.Invoice(); got.Number() != "2026-12-R2" {
		t.Errorf("after a void one: %s", got.Number())
	}
}

// TestInvoice_FeeOfAnAuditThatEndedEarly serves one other audit, and only one.
func TestInvoice_FeeOfAnAuditThatEndedEarly(t *testing.T) {
	for _, state := range []State{StateCancelled, StateWithdrawn, StateLapsed, StateNoAnswer} {
		first := auditIn(t, state)
		if !first.Invoices[0].Free {
			t.Errorf("%s: what was paid is lost", state)
			continue
		}
		second := sameYear(t, first, 15)
		second.take(Desk, "invoice", "")
		if second.Case.State != StateRegistrationReview || second.Invoice() == nil || second.Invoice().Free || len(second.Invoices) != 1 {
			t.Errorf("%s: the next audit is %s with %d invoices", state, second.Case.State, len(second.Invoices))
		}
		if second.fact(EventInvoiceAdopted, "from_case") != "14" || second.Standing()[SubjectInvoice] != Replay(second.history)[SubjectInvoice] {
			t.Errorf("%s: adopted without saying so: %v", state, second.happened())
		}
		third := sameYear(t, second, 16)
		third.take(Desk, "invoice", "")
		if third.Case.State != StateAwaitingPayment || third.Invoice().Kind != FeeFurther {
			t.Errorf("%s: one fee serves two audits", state)
		}
		first.Invoices = third.Invoices
		first.take(asCleo, "reopen", "mistake")
		first.take(Desk, "invoice", "")
		if first.Case.State != StateAwaitingPayment {
			t.Errorf("%s: reopened, it uses the fee that was given away: %s", state, first.Case.State)
		}
	}
}

// TestInvoice_FeeOfAnotherYear does not serve: the fee belongs to its calendar year.
func TestInvoice_FeeOfAnotherYear(t *testing.T) {
	second := sameYear(t, auditIn(t, StateCancelled), 15)
	second.Audit.FeeYear = 2027
	second.take(Desk, "invoice", "")
	if second.Invoice().Number() != "2027-12-A" || second.Case.State != StateAwaitingPayment {
		t.Errorf("an audit of 2027 is %s with invoice %s", second.Case.State, second.Invoice().Number())
	}
}

// TestInvoice_ReopenedKeepsItsFee: while the reopened case uses its fee, no other
// audit does.
func TestInvoice_ReopenedKeepsItsFee(t *testing.T) {
	first := auditIn(t, StateCancelled)
	first.take(asCleo, "reopen", "mistake")
	first.take(Desk, "invoice", "")
	if first.Case.State != StateRegistrationReview || first.Invoice().Free {
		t.Errorf("reopened: %s, free %t", first.Case.State, first.Invoice().Free)
	}
	second := sameYear(t, first, 15)
	second.take(Desk, "invoice", "")
	if second.Case.State != StateAwaitingPayment {
		t.Errorf("two audits use one fee: the second is %s", second.Case.State)
	}
}

// TestInvoice_ReviewedIsUsed: once a review began, the fee is gone, with marks or
// without.
func TestInvoice_ReviewedIsUsed(t *testing.T) {
	for _, claimed := range []string{passing, ""} {
		for _, state := range []State{StateInQA, StateRevision} {
			o := auditMarked(t, state, claimed)
			o.take(asCompany, "withdraw", "sold")
			if o.Invoices[0].Free {
				t.Errorf("%s with marks %q: the fee is free after the review began", state, claimed)
			}
		}
	}
	o := auditIn(t, StateSubmitted)
	o.take(asCompany, "withdraw", "sold")
	if !o.Invoices[0].Free {
		t.Error("submitted, not reviewed: the fee is lost")
	}
}

// TestInvoice_UnpaidIsVoidWithItsAudit: nobody is reminded of it, and the next
// audit of the year pays the annual fee and no further review.
func TestInvoice_UnpaidIsVoidWithItsAudit(t *testing.T) {
	for _, step := range []string{"cancel", "withdraw", "lapse"} {
		o := auditIn(t, StateAwaitingPayment)
		o.accepted(JobInvoice)
		o.take(asCleo, step, "registered twice")
		if o.Invoices[0].State != StateVoid || clockOf(t, o.File, "invoice_payment").Phase() != PhaseFinished {
			t.Errorf("%s: the invoice is %s", step, o.Invoices[0].State)
		}
		if StillTrue(JobInvoiceReminder, o.File, Event{}) || StillTrue(JobInvoice, o.File, Event{}) {
			t.Errorf("%s: letters about the invoice still go out", step)
		}
		second := sameYear(t, o, 15)
		second.take(Desk, "invoice", "")
		if second.Invoice().Kind != FeeAnnual {
			t.Errorf("%s: the next audit pays %s", step, second.Invoice().Kind)
		}
		o.take(asCleo, "reopen", "mistake")
		o.take(Desk, "invoice", "")
		if o.Case.State != StateAwaitingPayment || o.Invoice().State != StateDraft {
			t.Errorf("%s, reopened: %s, invoice %s", step, o.Case.State, o.Invoice().State)
		}
	}
}

// TestInvoice_PartPaid of a closed audit waits for its rest with the next one.
func TestInvoice_PartPaid(t *testing.T) {
	o := auditIn(t, StateAwaitingPayment)
	o.accepted(JobInvoice)
	o.take(asCleo, "pay", "", "amount=100", "method=eft", "reference=1")
	o.take(asCleo, "cancel", "registered twice")
	second := sameYear(t, o, 15)
	second.take(Desk, "invoice", "")
	if second.Case.State != StateAwaitingPayment || second.fact(EventRegistrationChecked, "owed") != "$57.50" {
		t.Errorf("%s, owed %s", second.Case.State, second.fact(EventRegistrationChecked, "owed"))
	}
	second.take(asCleo, "pay", "", "amount=57.50", "method=eft", "reference=2")
	if second.Case.State != StateRegistrationReview {
		t.Errorf("the rest is paid: %s", second.Case.State)
	}
}

func TestInvoice_NoProfile(t *testing.T) {
	o := auditIn(t, StateRegistered)
	o.Company.ProfileSince = Date{}
	mustRefuse(t, o.try(Desk, "invoice", ""), ErrGuard, "no profile with this partner", "approve its Certifying Partner Request first")
}

// Each tax is rounded by itself, so that the lines of the invoice add up.
func TestInvoice_TaxLines(t *testing.T) {
	o := auditIn(t, StateRegistered)
	o.Edition.Fees.AnnualMember = 10_10
	o.Edition.Fees.Taxes = []Tax{{Province: "AB", Name: "GST", BasisPoints: 500}, {Province: "SK", Name: "PST", BasisPoints: 600}, {Province: "AB", Name: "ET", BasisPoints: 250}}
	o.take(Desk, "invoice", "")
	want := []TaxLine{{"GST", 500, 51}, {"ET", 250, 25}} // 50.5 and 25.25 cents
	if diff := cmp.Diff(want, o.Invoice().TaxLines()); diff != "" || o.Invoice().Tax != 76 {
		t.Errorf("taxes of %s (-want +got):\n%s", o.Invoice().Tax, diff)
	}
	old := Invoice{Net: 100_00, Tax: 5_00, TaxName: "GST"}
	if diff := cmp.Diff([]TaxLine{{Name: "GST", Amount: 5_00}}, old.TaxLines()); diff != "" {
		t.Errorf("an invoice of before (-want +got):\n%s", diff)
	}
	if free := (&Invoice{Net: 100_00}).TaxLines(); len(free) != 0 {
		t.Errorf("an invoice without tax has %v", free)
	}
}

// TestPay_TooMuch: the credit is told once, and given back at most once.
func TestPay_TooMuch(t *testing.T) {
	o := auditIn(t, StateAwaitingPayment)
	mustRefuse(t, o.try(asCleo, "refund", "paid twice", "method=cheque", "reference=R-1"), ErrGuard, "nothing was paid too much", "a fee is not refunded")
	o.take(asCleo, "pay", "", "amount=200", "method=card", "reference=1")
	if o.fact(EventInvoiceOverpaid, "credit") != "$42.50" || o.Case.State != StateRegistrationReview {
		t.Errorf("overpaid by %s, case %s", o.fact(EventInvoiceOverpaid, "credit"), o.Case.State)
	}
	o.take(asCleo, "pay", "", "amount=10", "method=card", "reference=2")
	if o.saw(EventInvoiceOverpaid) || o.Invoice().Credit() != 52_50 {
		t.Errorf("told again of the same credit, %s", o.Invoice().Credit())
	}
	mustRefuse(t, o.try(asCleo, "refund", "paid twice", "amount=52.51", "method=cheque", "reference=R-1"), ErrField, "more than the credit of $52.50")
	mustRefuse(t, o.try(asCleo, "refund", "paid twice", "method=cheque", "reference=2"), ErrField, "recorded on this invoice already")
	o.take(asCleo, "refund", "paid twice", "amount=50", "method=cheque", "reference=R-1")
	o.take(asCleo, "refund", "the rest", "method=eft", "reference=R-2")
	if o.Invoice().Credit() != 0 || o.Invoice().State != StatePaid || o.fact(EventPaymentRefunded, "amount") != "$2.50" {
		t.Errorf("after the refunds: credit %s, %s", o.Invoice().Credit(), o.Invoice().State)
	}
	mustRefuse(t, o.try(asCleo, "refund", "again", "method=eft", "reference=R-3"), ErrGuard, "nothing was paid too much")
	o.take(asCleo, "reverse-payment", "never cashed", "reference=R-1")
	if o.Invoice().Credit() != 50_00 || o.fact(EventInvoiceOverpaid, "credit") != "$50.00" {
		t.Errorf("a refund that was not cashed leaves a credit of %s", o.Invoice().Credit())
	}
	o.take(asCleo, "reverse-payment", "bounced", "reference=1")
	if o.Invoice().State != StateSent || o.Invoice().Balance() != 150_00 {
		t.Errorf("the payment bounced: %s, %s owed", o.Invoice().State, o.Invoice().Balance())
	}
}

// TestPay_SameReference: a cheque is recorded once on all invoices of the company,
// and again only after it bounced.
func TestPay_SameReference(t *testing.T) {
	first := auditIn(t, StateQAComplete)
	second := sameYear(t, first, 15)
	second.Audit.FeeYear = 2027
	second.take(Desk, "invoice", "")
	if second.Invoice().Number() != "2027-12-A" || second.Invoice().Kind != FeeAnnual {
		t.Fatalf("the next year's fee is %s", second.Invoice().Number())
	}
	pay := []string{"amount=157.50", "method=cheque", "reference=0042"}
	mustRefuse(t, second.try(asCleo, "pay", "", pay...), ErrField, "0042", "is recorded on invoice 2026-12-A of case 14 already")
	bounced := auditIn(t, StateRegistrationReview)
	bounced.take(asCleo, "reverse-payment", "no cover", "reference=0042")
	bounced.take(asCleo, "pay", "", pay...)
	if bounced.Invoice().State != StatePaid || len(bounced.Invoice().Payments) != 2 {
		t.Errorf("presented again: %s, %d payments", bounced.Invoice().State, len(bounced.Invoice().Payments))
	}
	mustRefuse(t, bounced.try(asCleo, "pay", "", pay...), ErrField, "recorded on this invoice already")
	mustRefuse(t, auditIn(t, StateAwaitingPayment).try(asCleo, "pay", "", "amount=1000000.01", "method=eft", "reference=1"), ErrField, "more than $1000000.00")
}

// TestPay_VoidInvoice says what to do with the money, by where the case stands.
func TestPay_VoidInvoice(t *testing.T) {
	pay := []string{"amount=157.50", "method=cheque", "reference=0042"}
	waiting := auditIn(t, StateAwaitingPayment)
	waiting.take(asCleo, "void-invoice", "wrong class")
	mustRefuse(t, waiting.try(asCleo, "pay", "", pay...), ErrGuard, "invoice 2026-12-A is void", "draw it up again (invoice)")
	closed := auditIn(t, StateAwaitingPayment)
	closed.take(asCleo, "lapse", "year ended")
	mustRefuse(t, closed.try(asCleo, "pay", "", pay...), ErrGuard, "is void", "reopen the audit")
	given := auditIn(t, StateCancelled)
	sameYear(t, given, 15).take(Desk, "invoice", "")
	mustRefuse(t, given.try(asCleo, "pay", "", "amount=1", "method=eft", "reference=2"), ErrNotFound, "belongs to case 15", "record it on case 15")
}

// TestReversePayment_Closed: what a closed audit left is void when its payment
// bounces, and nobody is reminded of it.
func TestReversePayment_Closed(t *testing.T) {
	o := auditIn(t, StateCancelled)
	o.take(asCleo, "reverse-payment", "bounced", "reference=0042")
	if o.Invoices[0].State != StateVoid || o.saw(EventInvoiceReopened) == false {
		t.Errorf("cancelled: the invoice is %s after %v", o.Invoices[0].State, o.happened())
	}
	if i := o.cycle(PolicyInvoice); i >= 0 && o.Clocks[i].Phase() != PhaseFinished {
		t.Errorf("a clock runs for it: %s", o.Clocks[i].Phase())
	}
	twice := auditIn(t, StateAwaitingPayment)
	twice.take(asCleo, "pay", "", "amount=100", "method=eft", "reference=1")
	twice.take(asCleo, "pay", "", "amount=57.50", "method=eft", "reference=2")
	twice.take(asCleo, "cancel", "registered twice")
	twice.take(asCleo, "reverse-payment", "bounced", "reference=2")
	if twice.Invoice().State != StateSent || !twice.Invoice().Free || twice.phase(PolicyInvoice) != PhaseFinished {
		t.Errorf("a part of what a closed audit left: %s, its clock is %s", twice.Invoice().State, twice.phase(PolicyInvoice))
	}
	passed := auditIn(t, StateQAComplete)
	passed.take(asCleo, "reverse-payment", "bounced", "reference=0042")
	if passed.Invoice().State != StateSent || clockOf(t, passed.File, PolicyInvoice).Phase() != PhaseRunning || !StillTrue(JobEscalate, passed.File, passed.last(EventPaymentReversed)) {
		t.Errorf("after the review it is owed, and the leads are told: %s", passed.Invoice().State)
	}
}

// TestInvoice_PartPaidIsFollowedByWhoOwnsIt: the clock stops with the audit that
// closes and starts with the one that takes the invoice over, or that is reopened.
func TestInvoice_PartPaidIsFollowedByWhoOwnsIt(t *testing.T) {
	o := auditIn(t, StateAwaitingPayment)
	o.accepted(JobInvoice)
	o.take(asCleo, "pay", "", "amount=100", "method=eft", "reference=1")
	o.take(asCleo, "cancel", "registered twice")
	if clockOf(t, o.File, PolicyInvoice).Phase() != PhaseFinished {
		t.Error("the company of a cancelled audit is reminded")
	}
	o.take(asCleo, "reopen", "mistake")
	if c := clockOf(t, o.File, PolicyInvoice); c.Phase() != PhaseRunning || c.Cycle != 2 || o.Invoice().Free {
		t.Errorf("reopened: cycle %d %s", c.Cycle, c.Phase())
	}
	o.take(asCleo, "cancel", "after all")
	second := sameYear(t, o, 15)
	second.take(Desk, "invoice", "")
	if clockOf(t, second.File, PolicyInvoice).Phase() != PhaseRunning {
		t.Error("nobody follows up the rest")
	}
	draft := auditIn(t, StateAwaitingPayment)
	draft.take(asCleo, "pay", "", "amount=100", "method=eft", "reference=1")
	draft.take(asCleo, "cancel", "registered twice")
	if StillTrue(JobInvoice, draft.File, draft.last(EventInvoiceDrafted)) {
		t.Error("the invoice of a cancelled audit is sent")
	}
	draft.take(asCleo, "reopen", "mistake")
	if !StillTrue(JobInvoice, draft.File, draft.last(EventInvoiceAdopted)) {
		t.Error("the invoice is not sent after the audit was reopened")
	}
}

// TestAudits_SideBySide: one audit of a company and fee year at a time.
func TestAudits_SideBySide(t *testing.T) {
	registered := newOffice(t, SubjectAudit)
	registered.Audit.Beside = 15
	mustRefuse(t, registered.act(Act{By: asCompany}, registered.Open), ErrGuard, "another audit for 2026 under way, case 15", "go on with case 15")
	for _, state := range []State{StateCancelled, StateWithdrawn, StateLapsed, StateNoAnswer, StateNotReviewed} {
		o := auditIn(t, state)
		o.Audit.Beside = 15
		mustRefuse(t, o.try(asCleo, "reopen", "mistake"), ErrGuard, "case 15")
		if o.Case.State != state {
			t.Errorf("%s: refused, and yet %s", state, o.Case.State)
		}
	}
	failed := auditMarked(t, StateQAComplete, failing)
	failed.Audit.Beside = 15
	mustRefuse(t, failed.try(asCleo, "appeal", "their letter", "reviewer=2"), ErrGuard, "case 15")
}

// TestPay_Walk pays and takes back at random: the sums are those of the payments
// that stand, and paid means that nothing is owed.
func TestPay_Walk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := auditIn(t, StateAwaitingPayment)
		standing := map[string]Cents{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			reference := rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(rt, "reference")
			amount := Cents(rapid.Int64Range(1, 200_00).Draw(rt, "amount"))
			if rapid.Bool().Draw(rt, "pay") {
				if o.try(asCleo, "pay", "", "amount="+strings.TrimPrefix(amount.String(), "$"), "method=eft", "reference="+reference) == nil {
					standing[reference] = amount
				}
			} else if o.try(asCleo, "reverse-payment", "bounced", "reference="+reference) == nil {
				delete(standing, reference)
			}
			var want Cents
			for _, amount := range standing {
				want += amount
			}
			invoice := o.Invoice()
			if invoice.Paid() != want || (invoice.State == StatePaid) != (want >= invoice.Total()) && invoice.State != StateDraft {
				rt.Fatalf("paid %s, want %s; %s", invoice.Paid(), want, invoice.State)
			}
		}
		if diff := cmp.Diff(o.Standing(), Replay(o.history)); diff != "" {
			rt.Fatal(diff)
		}
	})
}
