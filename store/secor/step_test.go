package secor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// wantSteps says by hand who may take which step from which state.
const (
	desk3   = "reviewer lead admin"
	desk2   = "lead admin"
	working = "registered awaiting_payment registration_review registration_queried open"
	always  = "*"
)

var wantSteps = []struct {
	kind  Subject
	name  string
	from  string
	roles string
}{
	{SubjectRequest, "take", "received", desk3},
	{SubjectRequest, "release", "in_review", desk3},
	{SubjectRequest, "approve", "received in_review", desk3},
	{SubjectRequest, "reject", "received in_review", desk3},
	{SubjectRequest, "not-required", "received in_review", desk3 + " desk"},
	{SubjectRequest, "query", "received in_review", desk3},
	{SubjectRequest, "answer", "queried", desk3 + " company"},
	{SubjectRequest, "no-answer", "queried", desk3},
	{SubjectRequest, "withdraw", "received in_review queried", desk3 + " company"},
	{SubjectRequest, "reopen", "approved rejected not_required no_answer withdrawn", desk2},
	{SubjectRequest, "reached", always, desk3},
	{SubjectRequest, "note", always, desk3},
	{SubjectRequest, "correct", always, desk3},

	{SubjectAudit, "invoice", "registered awaiting_payment", desk2 + " desk"},
	{SubjectAudit, "query", "registration_review in_qa", desk3},
	{SubjectAudit, "answer", "registration_queried revision", desk3 + " company"},
	{SubjectAudit, "approve", "registration_review", desk3},
	{SubjectAudit, "cancel", working, desk2},
	{SubjectAudit, "withdraw", working + " submitted in_qa revision", desk3 + " company"},
	{SubjectAudit, "lapse", "awaiting_payment open", desk2},
	{SubjectAudit, "no-answer", "registration_queried revision", desk2},
	{SubjectAudit, "reopen", "cancelled withdrawn lapsed no_answer not_reviewed", desk2},
	{SubjectAudit, "pay", always, desk2},
	{SubjectAudit, "reverse-payment", always, desk2},
	{SubjectAudit, "refund", always, desk2},
	{SubjectAudit, "promise-to-pay", always, desk3},
	{SubjectAudit, "statement", always, desk3},
	{SubjectAudit, "void-invoice", always, desk2},
	{SubjectAudit, "accept", "submitted in_qa revision", desk2},
	{SubjectAudit, "assign", "submitted in_qa revision", desk2 + " desk"},
	{SubjectAudit, "told", "qa_complete", desk3},
	{SubjectAudit, "take", "submitted", desk3},
	{SubjectAudit, "release", "in_qa", desk3},
	{SubjectAudit, "mark", "in_qa", desk3},
	{SubjectAudit, "months", "in_qa", desk3},
	{SubjectAudit, "return", "submitted in_qa", desk3},
	{SubjectAudit, "agree", "in_qa", desk3},
	{SubjectAudit, "add-note", "in_qa", desk3},
	{SubjectAudit, "resolve-note", "in_qa revision", desk3 + " company"},
	{SubjectAudit, "confirm-note", "in_qa", desk3},
	{SubjectAudit, "reopen-note", "in_qa", desk3},
	{SubjectAudit, "withdraw-note", "in_qa", desk3},
	{SubjectAudit, "confirm", "in_qa", desk3},
	{SubjectAudit, "not-review", "in_qa", desk2},
	{SubjectAudit, "grant-one-year", "qa_complete", desk3},
	{SubjectAudit, "decline-one-year", "qa_complete", desk2},
	{SubjectAudit, "appeal", "qa_complete", desk2},
	{SubjectAudit, "requested", "qa_complete", desk2},
	{SubjectAudit, "body-query", "qa_complete", desk3},
	{SubjectAudit, "body-answer", "qa_complete", desk3},
	{SubjectAudit, "record-number", "qa_complete", desk2},
	{SubjectAudit, "sign", "qa_complete", desk2},
	{SubjectAudit, "mailed", "qa_complete", desk2},
	{SubjectAudit, "keep", "qa_complete", desk2},
	{SubjectAudit, "electronic", "qa_complete", desk2},
	{SubjectAudit, "returned", "qa_complete", desk3},
	{SubjectAudit, "ready", "qa_complete", desk3},
	{SubjectAudit, "delivered", "qa_complete", desk3},
	{SubjectAudit, "revoke", "qa_complete", desk2},
	{SubjectAudit, "replace", "qa_complete", desk2},
	{SubjectAudit, "reached", always, desk3},
	{SubjectAudit, "note", always, desk3},
	{SubjectAudit, "correct", always, desk3},
}

func TestSteps_AreTheKnownOnes(t *testing.T) {
	var want, got []string
	for _, row := range wantSteps {
		want = append(want, string(row.kind)+" "+row.name)
	}
	for _, s := range Steps() {
		got = append(got, string(s.Kind)+" "+s.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Steps (-want +got):\n%s", diff)
	}
}

// TestSteps_FromAndWho takes every step in every state as every role. Where the
// table says no, the refusal is of the right kind and nothing has changed.
func TestSteps_FromAndWho(t *testing.T) {
	roles := []Role{RoleReviewer, RoleLead, RoleAdmin, RoleDesk, RoleCompany}
	for _, row := range wantSteps {
		for _, state := range States(row.kind) {
			for _, role := range roles {
				o := caseIn(t, row.kind, state)
				before, events := writtenOf(o.File), len(o.history)
				err := o.try(actorOf(role), row.name, "because")
				stateOK := row.from == always || slices.Contains(strings.Fields(row.from), string(state))
				roleOK := slices.Contains(strings.Fields(row.roles), string(role))
				where := fmt.Sprintf("%s %s while %s by %s", row.kind, row.name, state, role)
				switch {
				case !stateOK:
					mustSay(t, where, refused(err, ErrIllegalMove, state.Words()))
				case !roleOK:
					mustSay(t, where, refused(err, ErrNotAllowed, "is not for", "ask "))
				case err != nil && !errors.Is(err, ErrRefused):
					t.Errorf("%s: a fault: %v", where, err)
				}
				if (!stateOK || !roleOK) && (len(o.history) != events || len(o.Events()) != 0) {
					t.Errorf("%s: refused, but there are events %v", where, o.happened())
				}
				if err == nil {
					continue
				}
				if diff := cmp.Diff(before, writtenOf(o.File)); diff != "" {
					t.Errorf("%s: refused (%v), but changed (-before +after):\n%s", where, err, diff)
				}
				if len(o.Events()) != 0 {
					t.Errorf("%s: refused (%v), but recorded %v", where, err, o.happened())
				}
			}
		}
	}
}

func mustSay(t *testing.T, where string, wrong error) {
	t.Helper()
	if wrong != nil {
		t.Errorf("%s: %v", where, wrong)
	}
}

// TestOffered_LeavesNoDeadEnd walks out of every state by a step of a person.
func TestOffered_LeavesNoDeadEnd(t *testing.T) {
	lead := func(name, reason string, pairs ...string) func(*office) error {
		return func(o *office) error { return o.try(asCleo, name, reason, pairs...) }
	}
	ways := []struct {
		kind Subject
		from State
		do   func(*office) error
		to   State
	}{
		{SubjectRequest, StateReceived, lead("take", ""), StateInReview},
		{SubjectRequest, StateInReview, lead("reject", "11 people"), StateRejected},
		{SubjectRequest, StateQueried, lead("answer", "", "answer=yes"), StateInReview},
		{SubjectRequest, StateQueried, lead("no-answer", "never"), StateNoAnswer},
		{SubjectRequest, StateApproved, lead("reopen", "mistake"), StateInReview},
		{SubjectRequest, StateRejected, lead("reopen", "mistake"), StateInReview},
		{SubjectRequest, StateNotRequired, lead("reopen", "mistake"), StateInReview},
		{SubjectRequest, StateNoAnswer, lead("reopen", "it came"), StateInReview},
		{SubjectRequest, StateWithdrawn, lead("reopen", "mistake"), StateInReview},
		{SubjectAudit, StateRegistered, lead("invoice", ""), StateAwaitingPayment},
		{SubjectAudit, StateAwaitingPayment, lead("pay", "", "amount=157.50", "method=eft", "reference=7"), StateRegistrationReview},
		{SubjectAudit, StateRegistrationReview, lead("approve", ""), StateOpen},
		{SubjectAudit, StateRegistrationQueried, lead("answer", "", "answer=Ana Roy"), StateRegistrationReview},
		{SubjectAudit, StateOpen, lead("lapse", "year ended"), StateLapsed},
		{SubjectAudit, StateSubmitted, lead("take", ""), StateInQA},
		{SubjectAudit, StateInQA, func(o *office) error { return o.try(asAna, "confirm", "") }, StateQAComplete},
		{SubjectAudit, StateInQA, lead("release", "leave"), StateSubmitted},
		{SubjectAudit, StateRevision, lead("answer", "", "answer=page 3"), StateInQA},
		{SubjectAudit, StateRevision, lead("no-answer", "never"), StateNoAnswer},
		{SubjectAudit, StateNotReviewed, lead("reopen", "was in time"), StateSubmitted},
		{SubjectAudit, StateCancelled, lead("reopen", "mistake"), StateRegistered},
		{SubjectAudit, StateWithdrawn, lead("reopen", "mistake"), StateRegistered},
		{SubjectAudit, StateLapsed, lead("reopen", "mistake"), StateRegistered},
		{SubjectAudit, StateNoAnswer, lead("reopen", "it came"), StateRegistered},
	}
	left := map[State]bool{}
	for _, w := range ways {
		o := caseIn(t, w.kind, w.from)
		err := w.do(o)
		if err != nil || o.Case.State != w.to {
			t.Errorf("%s %s: got %s, %v; want %s", w.kind, w.from, o.Case.State, err, w.to)
		}
		left[w.from] = true
	}
	failed := auditMarked(t, StateQAComplete, failing)
	failed.take(asCleo, "appeal", "letter of 3 May")
	left[StateQAComplete] = failed.Case.State == StateInQA
	for _, kind := range []Subject{SubjectRequest, SubjectAudit} {
		for _, state := range States(kind) {
			if !left[state] {
				t.Errorf("%s: no person leads out of %s", kind, state)
			}
			if len(caseIn(t, kind, state).Offered(RoleLead)) <= 2 {
				t.Errorf("%s: %s offers a lead no more than a note and a correction", kind, state)
			}
		}
	}
}

// TestTake_RefusalSaysWhatIsPossible holds the sentence that a person reads most.
func TestTake_RefusalSaysWhatIsPossible(t *testing.T) {
	o := requestIn(t, StateApproved)
	err := o.try(asCleo, "reject", "11 people")
	want := "Reject is not possible: the request is approved since 25 March 2026 09:02, by Ana; possible now: reopen"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	err = o.try(asCompany, "answer", "", "answer=yes")
	mustRefuse(t, err, ErrIllegalMove, "by this office", "nothing is left to do here")
	if strings.Contains(err.Error(), "Ana") {
		t.Errorf("an employer reads who decided: %q", err)
	}
	err = o.act(Act{By: asCompany, AsOf: 1}, func() error { return nil })
	mustRefuse(t, err, ErrIllegalMove, "moved on", "by this office")
}

func TestTake_WrongKindOfCase(t *testing.T) {
	o := requestIn(t, StateInReview)
	step, err := StepFor("confirm", SubjectAudit)
	if err != nil {
		t.Fatal(err)
	}
	err = o.act(Act{By: asAna}, func() error { return step.Take(o.File, nil) })
	mustRefuse(t, err, ErrIllegalMove, "confirm is a step of an audit", "case 14 is a request")
	_, err = StepFor("frobnicate", SubjectRequest)
	mustRefuse(t, err, ErrNotFound, "a request has no step", "approve", "reopen")
	_, err = StepFor(strings.Repeat("x", 1<<20), SubjectRequest)
	if len(err.Error()) > 1000 {
		t.Errorf("a huge name makes a sentence of %d bytes", len(err.Error()))
	}
}

func TestTake_WhoIsNobodyHere(t *testing.T) {
	for _, who := range []Actor{asEve, ByReviewer(99), ByReviewer(0), ByCompany(13), {Role: RoleDesk, ID: 3}, {Role: "lead", ID: cleo}, {Role: RoleAdmin, ID: dan}} {
		err := requestIn(t, StateInReview).try(who, "note", "", "text=hello")
		mustRefuse(t, err, ErrNotAllowed, "not an active person")
	}
}

func TestTake_OnlyTheHolderMarksAndConfirms(t *testing.T) {
	for _, by := range []Actor{asBen, asCleo, asDan} {
		for step, pairs := range map[string][]string{
			"confirm": nil, "months": {"policies=3", "records=3"}, "mark": {"question=A2", "awarded=1"}, "query": {"question=?"},
		} {
			mustRefuse(t, auditIn(t, StateInQA).try(by, step, "because", pairs...), ErrNotAllowed, "only Ana")
		}
	}
	mustRefuse(t, auditIn(t, StateInQA).try(asBen, "release", "because"), ErrNotAllowed, "only Ana")
	mustRefuse(t, auditIn(t, StateInQA).try(asBen, "return", "because"), ErrNotAllowed, "only Ana")
	auditIn(t, StateInQA).take(asCleo, "release", "a lead may")
	auditIn(t, StateInQA).take(asCleo, "return", "a lead may")
}

// TestTake_Reasons takes each step that wants a reason without one.
func TestTake_Reasons(t *testing.T) {
	want := strings.Fields(`request:reject request:no-answer request:withdraw request:reopen request:correct audit:cancel audit:withdraw audit:lapse
		audit:no-answer audit:reopen audit:reverse-payment audit:refund audit:promise-to-pay audit:void-invoice audit:release audit:mark audit:months audit:return audit:not-review
		audit:grant-one-year audit:decline-one-year audit:appeal audit:requested audit:returned audit:ready audit:revoke audit:keep audit:replace audit:correct audit:reopen-note audit:withdraw-note`)
	var got []string
	for _, s := range Steps() {
		if !s.Reason {
			continue
		}
		got = append(got, string(s.Kind)+":"+s.Name)
		state := States(s.Kind)[0]
		if s.From != nil {
			state = s.From[0]
		}
		for _, blank := range []string{"", "  \t\n "} {
			err := caseIn(t, s.Kind, state).try(actorFor(s, state), s.Name, blank)
			mustSay(t, s.Name, refused(err, ErrField, "wants a reason"))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps that want a reason (-want +got):\n%s", diff)
	}
}

// actorFor returns somebody who may take the step, the holder where it must be.
func actorFor(s Step, state State) Actor {
	if s.Holder || slices.Contains(s.Who, RoleReviewer) && state == StateInQA {
		return asAna
	}
	return asCleo
}

func TestCheck_ReportsEverythingAtOnce(t *testing.T) {
	step, err := StepFor("pay", SubjectAudit)
	if err != nil {
		t.Fatal(err)
	}
	in := Input{"amount": "ten", "method": "barter", "received-on": "25/03/2026", "zebra": "1", "apple": "1", "reference": " \t "}
	want := strings.Join([]string{
		`amount: "ten" is not a number with at most two decimals, such as 3.50`,
		`method: "barter" is not one of cheque, eft or card`,
		`reference: is missing: number of the cheque or transfer`,
		`received-on: "25/03/2026" is not a date; write it as 2026-03-25`,
		`apple: is not a field of pay`,
		`zebra: is not a field of pay`,
	}, "\n")
	for range 20 {
		err = step.Check(in)
		if !errors.Is(err, ErrField) {
			t.Fatalf("Check = %v, want a refusal of a field", err)
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Fatalf("Check (-want +got):\n%s", diff)
		}
	}
}

func TestCheck_ReadsEveryType(t *testing.T) {
	tests := []struct {
		field Field
		good  string
		bad   string
	}{
		{Field{Type: FieldText}, "Ana Roy; <!channel>", "zero\u200bwidth override\u202e \xff" + strings.Repeat("x", 1)},
		{Field{Type: FieldInt}, "0 7 0012", "-1 +1 1.0 seven 99999999999 1e3 ١"},
		{Field{Type: FieldReviewer}, "3", "-3 Ana"},
		{Field{Type: FieldDate}, "2024-02-29 2026-03-25", "2026-02-29 2026-3-25 26-03-25 2026-13-01 tomorrow"},
		{Field{Type: FieldPoints}, "5 3.5 3.50 0", "-1 3.555 1e2 NaN . 5. .5 1,5 1000000.01"},
		{Field{Type: FieldMoney}, "150 $150.00 0.05", "-1 $-1 $$1 1.005 1,000 CAD"},
		{Field{Type: FieldBool}, "true false", "yes maybe"},
		{Field{Type: FieldChoice, Choices: []string{"eft"}}, "eft", "EFT cash"},
	}
	for _, tt := range tests {
		for _, text := range strings.Fields(tt.good) {
			err := tt.field.check(text)
			if err != nil {
				t.Errorf("%s: %q: %v", tt.field.Type, text, err)
			}
		}
		for _, text := range strings.Fields(tt.bad) {
			err := tt.field.check(text)
			if !errors.Is(err, ErrField) {
				t.Errorf("%s: %q: got %v, want a refusal", tt.field.Type, text, err)
			}
		}
	}
}

// TestTake_BlankIsMissing: a field of blanks says nothing.
func TestTake_BlankIsMissing(t *testing.T) {
	err := requestIn(t, StateInReview).try(asAna, "query", "", "question= \u00a0 ")
	mustRefuse(t, err, ErrField, "question", "is missing")
	err = auditIn(t, StateInQA).try(asAna, "mark", "because", "question=A2", "awarded= ")
	mustRefuse(t, err, ErrField, "awarded", "is missing")
}

// TestTake_HugeInput holds that fifty megabytes cost a refusal, not the process.
func TestTake_HugeInput(t *testing.T) {
	huge := strings.Repeat("a b ", 50<<18)
	for name, pairs := range map[string][]string{"query": {"question=" + huge}, "note": {huge + "=1", "text=x"}, "approve": {"accept=" + huge}} {
		err := requestIn(t, StateInReview).try(asAna, name, "", pairs...)
		mustRefuse(t, err, ErrField)
		if err != nil && len(err.Error()) > 2000 {
			t.Errorf("%s: a sentence of %d bytes", name, len(err.Error()))
		}
	}
	err := requestIn(t, StateInReview).try(asAna, "reject", huge)
	mustRefuse(t, err, ErrField, "reason", "longer than 4000")
}

func TestTake_ReasonIsStoredClean(t *testing.T) {
	o := requestIn(t, StateInReview)
	o.take(asAna, "reject", "  11 people;\n apply for COR ")
	if got := o.history[len(o.history)-1].Text; got != "11 people; apply for COR" {
		t.Errorf("reason is stored as %q", got)
	}
	for _, reason := range []string{"nul\x00", "bad \xff", "turn\u202earound"} {
		mustRefuse(t, requestIn(t, StateInReview).try(asAna, "reject", reason), ErrField, "reason")
	}
}

func TestSteps_AreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Steps() {
		key := string(s.Kind) + " " + s.Name
		if seen[key] {
			t.Errorf("%s is listed twice", key)
		}
		seen[key] = true
		if s.Label == "" || !strings.HasSuffix(s.Help, ".") || !strings.HasPrefix(s.Example, s.Name+" ") || len(s.Who) == 0 || s.do == nil {
			t.Errorf("%s lacks a label, a sentence of help, an example, somebody or a deed", key)
		}
		if s.Reason != strings.Contains(s.Example, "--reason") && s.Accepts == "" {
			t.Errorf("%s: the example %q is not in line with Reason %t", key, s.Example, s.Reason)
		}
		for _, f := range s.Fields {
			if f.Required && !strings.Contains(s.Example, "--"+f.Name+" ") {
				t.Errorf("%s: the example %q lacks the required --%s", key, s.Example, f.Name)
			}
			if f.Help == "" || (f.Type == FieldChoice) != (len(f.Choices) > 0) {
				t.Errorf("%s: field %s has no help or choices", key, f.Name)
			}
		}
	}
}

// TestSteps_ShareNothing: what one caller does to the list, no other sees.
func TestSteps_ShareNothing(t *testing.T) {
	for _, s := range Steps() {
		if cap(s.Who) > len(s.Who) {
			_ = append(s.Who, "intruder")
		}
		if cap(s.From) > len(s.From) {
			_ = append(s.From, "nowhere")
		}
	}
	for _, s := range Steps() {
		if slices.Contains(s.Who, "intruder") || slices.Contains(s.From, "nowhere") {
			t.Errorf("%s: an append reached the shared list", s.Name)
		}
	}
	if !slices.Equal(anyone, []Role{RoleReviewer, RoleLead, RoleAdmin}) {
		t.Errorf("anyone = %v", anyone)
	}
}

// drawInput fills a step's fields with what a person may type, right or wrong.
func drawInput(rt *rapid.T, s Step) []string {
	texts := map[string][]string{
		"question": {"A1", "A2", "B1", "Z9", "Which code?"}, "reference": {"0042", "0043", "0044"}, "number": {"AB-1", "AB-2"},
		"field": {"headcount", "email"}, "value": {"9", "11", "new@roy.example"},
	}
	var pairs []string
	for _, f := range s.Fields {
		if !f.Required && rapid.Bool().Draw(rt, "leave out "+f.Name) {
			continue
		}
		values := texts[f.Name]
		switch f.Type {
		case FieldInt:
			values = []string{"0", "2", "3", "11", "12"}
		case FieldDate:
			values = []string{"2026-03-20", "2026-03-25", "2027-01-01"}
		case FieldPoints:
			values = []string{"0", "3.50", "5", "15"}
		case FieldMoney:
			values = []string{"157.50", "100", "57.50", "0"}
		case FieldReviewer:
			values = []string{"1", "2", "3", "5", "99"}
		case FieldBool:
			values = []string{"true", "false"}
		case FieldChoice:
			values = f.Choices
		default:
			if values == nil {
				values = []string{"words"}
			}
		}
		pairs = append(pairs, f.Name+"="+rapid.SampledFrom(values).Draw(rt, f.Name))
	}
	if s.Accepts != "" && rapid.Bool().Draw(rt, "accept") {
		pairs = append(pairs, "accept=headcount, evidence_months payment")
	}
	return pairs
}

// drawStep takes one random step on a case: mostly a step that its state offers.
func drawStep(rt *rapid.T, o *office) error {
	by := rapid.SampledFrom([]Actor{asAna, asBen, asCleo, asDan, asEve, Desk, asCompany}).Draw(rt, "by")
	switch rapid.IntRange(0, 9).Draw(rt, "what") {
	case 0:
		claimed := rapid.SampledFrom([]string{passing, failing, "", "A1 5", "A1 n/a, A2 15, B1 10, B2 10"}).Draw(rt, "marks")
		s := Submission{Marks: marks(o.t, claimed), LastDay: Date{2026, time.March, 20},
			Headcount: rapid.IntRange(0, 12).Draw(rt, "headcount"),
			Months:    Evidence{rapid.SampledFrom([]int{2, 3, 11, 12}).Draw(rt, "months"), 12}}
		return o.trySubmit(s)
	case 1:
		kind := rapid.SampledFrom([]JobKind{JobInvoice, JobPass, JobRequestCertificate}).Draw(rt, "letter")
		if !StillTrue(kind, o.File, Event{}) {
			return nil
		}
		return o.act(Act{By: Desk}, func() error { return o.Accepted(kind, "office@roy.example") })
	}
	steps := Steps()
	if rapid.IntRange(0, 9).Draw(rt, "offered") > 0 {
		steps = slices.DeleteFunc(steps, func(s Step) bool { return s.Kind != o.Case.Kind || !s.offeredIn(o.Case.State) })
	}
	step := rapid.SampledFrom(steps).Draw(rt, "step")
	if !slices.Contains(step.Who, by.Role) && by.Role != RoleReviewer {
		by = asCleo
	}
	if o.Case.Holder != 0 && rapid.Bool().Draw(rt, "as holder") {
		by = ByReviewer(o.Case.Holder)
	}
	a := Act{By: by, Reason: rapid.SampledFrom([]string{"because", "because", "because", ""}).Draw(rt, "reason")}
	if rapid.IntRange(0, 4).Draw(rt, "dated back") == 0 {
		a.HappenedAt = o.clock.Add(-time.Duration(rapid.IntRange(0, 96).Draw(rt, "hours")) * time.Hour)
	}
	in := drawInput(rt, step)
	return o.act(a, func() error { return step.Take(o.File, fields(in)) })
}

// wrongIn returns what cannot be true of any case.
func wrongIn(f *File) error {
	c := f.Case
	closed := Next(c.Kind, c.State) == ""
	asked := slices.Contains([]State{StateQueried, StateRegistrationQueried, StateRevision}, c.State)
	var question string
	if f.Request != nil {
		question = f.Request.Question
	}
	if f.Audit != nil {
		question = f.Audit.Question
	}
	switch {
	case !slices.Contains(States(c.Kind), c.State):
		return fmt.Errorf("unknown state %s", c.State)
	case closed && c.Holder != 0:
		return fmt.Errorf("%s is held by %d", c.State, c.Holder)
	case (c.State == StateInQA || c.State == StateRevision) && c.Holder == 0:
		return fmt.Errorf("%s is held by nobody", c.State)
	case asked != (question != ""):
		return fmt.Errorf("%s has the question %q", c.State, question)
	case f.LastMove.To != c.State:
		return fmt.Errorf("%s, but the last move led to %s", c.State, f.LastMove.To)
	}
	if f.Audit == nil {
		return nil
	}
	return wrongInAudit(f)
}

func wrongInAudit(f *File) error {
	state, a := f.Case.State, f.Audit
	switch {
	case a.Waiting && state != StateSubmitted && state != StateInQA:
		return fmt.Errorf("%s waits for somebody to accept", state)
	case (a.Result != "") != (state == StateQAComplete):
		return fmt.Errorf("%s with the result %q", state, a.Result)
	case a.Declined && a.Term != 0:
		return errors.New("declined, but with a term")
	case f.Certificate() != nil && (a.Result != VerdictPass || a.Term == 0):
		return fmt.Errorf("a certificate with the result %q, term %d", a.Result, a.Term)
	}
	numbers := map[string]bool{}
	for i := range f.Invoices {
		invoice := &f.Invoices[i]
		if invoice.State == StateVoid {
			continue
		}
		settled := invoice.Balance() <= 0
		switch {
		case numbers[invoice.Number()]:
			return fmt.Errorf("invoice %s stands twice", invoice.Number())
		case settled != (invoice.State == StatePaid):
			return fmt.Errorf("invoice %s is %s with a balance of %s", invoice.Number(), invoice.State, invoice.Balance())
		case invoice.Free && Next(SubjectAudit, state) != "":
			return fmt.Errorf("%s, but its invoice is free", state)
		}
		numbers[invoice.Number()] = true
	}
	return nil
}

// TestWalk takes random steps and holds what must be true after each: moves are
// legal, a refusal changes nothing, the standing is what the events say, and every
// clock is later found as it was known then.
func TestWalk(t *testing.T) {
	walks, taken := 0, 0
	for _, kind := range []Subject{SubjectRequest, SubjectAudit} {
		rapid.Check(t, func(rt *rapid.T) {
			start := rapid.SampledFrom(States(kind)).Draw(rt, "start")
			o := caseIn(t, kind, start)
			walks++
			var known []memory
			for range rapid.IntRange(5, 40).Draw(rt, "steps") {
				before, events := writtenOf(o.File), len(o.history)
				err := drawStep(rt, o)
				if err != nil {
					wrong := unchanged(before, o, err)
					if wrong != nil {
						rt.Fatal(wrong)
					}
					continue
				}
				for _, e := range o.history[events:] {
					if e.Subject != "" && e.From != "" && legal(e.Subject, e.From, e.To) != nil {
						rt.Fatalf("%s: %s went from %s to %s", e.Kind, e.Subject, e.From, e.To)
					}
				}
				wrong := wrongIn(o.File)
				if wrong != nil {
					rt.Fatal(wrong)
				}
				taken++
				known = append(known, o.remember())
			}
			for _, m := range known {
				wrong := m.differs(o)
				if wrong != nil {
					rt.Fatal(wrong)
				}
			}
		})
	}
	if taken < 3*walks {
		t.Errorf("%d walks took only %d steps between them", walks, taken)
	}
}

func unchanged(before written, o *office, refusal error) error {
	if !errors.Is(refusal, ErrRefused) {
		return fmt.Errorf("a fault: %w", refusal)
	}
	if diff := cmp.Diff(before, writtenOf(o.File)); diff != "" || len(o.Events()) != 0 {
		return fmt.Errorf("refused (%w), but recorded %v and changed (-before +after):\n%s", refusal, o.happened(), diff)
	}
	return nil
}

// memory is what the desk knew after one act.
type memory struct {
	at       time.Time
	events   int
	standing Standing
	due      map[string]string
}

func (o *office) remember() memory {
	return memory{at: o.clock, events: len(o.history), standing: maps.Clone(o.Standing()), due: dueOf(o.File, o.clock)}
}

func dueOf(f *File, at time.Time) map[string]string {
	due := map[string]string{}
	for _, c := range f.Clocks {
		known := c.KnownAt(at)
		level, instant, ok := f.NextDue(known)
		if len(known.Entries) > 0 {
			due[fmt.Sprintf("%s %d", c.Policy.Name, c.Cycle)] = fmt.Sprintf("%s %s %s %t", known.Phase(), level.Name, instant, ok)
		}
	}
	return due
}

func (m memory) differs(o *office) error {
	diff := cmp.Diff(m.standing, Replay(o.history[:m.events]))
	if diff == "" {
		diff = cmp.Diff(m.due, dueOf(o.File, m.at))
	}
	if diff == "" {
		return nil
	}
	return fmt.Errorf("after %d events (-then +now):\n%s", m.events, diff)
}
