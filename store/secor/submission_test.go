package secor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestIntake says by hand what the check of a submission finds in each, and what
// that does by the rules of the edition.
func TestIntake(t *testing.T) {
	tests := []struct {
		situation string
		change    func(*office, *Submission)
		asked     string // guards that wait for a person
		noted     string
	}{
		{"as it should be", func(*office, *Submission) {}, "", ""},
		{"the name as on file", func(_ *office, s *Submission) { s.LegalName = "Roy Welding Ltd." }, "", ""},
		{"the name written otherwise", func(_ *office, s *Submission) { s.LegalName = "ROY WELDING LIMITED" }, "", "near_name"},
		{"another name", func(_ *office, s *Submission) { s.LegalName = "Roi Roofing Ltd." }, "name", ""},
		{"the trade name", func(o *office, s *Submission) { o.Company.TradeName = "Big Roy"; s.LegalName = "Big Roy" }, "", ""},
		{"the account with spaces", func(_ *office, s *Submission) { s.Account = "123-4567" }, "", ""},
		{"another account", func(_ *office, s *Submission) { s.Account = "7654321" }, "name", ""},
		{"no marks", func(_ *office, s *Submission) { s.Marks = nil }, "", "unscored"},
		{"one question unscored", func(o *office, s *Submission) { s.Marks = marks(o.t, "A1 5, A2 15, B1 8") }, "", "unscored"},
		{"the same sheet on another case", func(o *office, _ *Submission) { o.twins(7) }, "duplicate", ""},
		{"no marks, as on another case", func(o *office, s *Submission) { o.twins(7); s.Marks = nil }, "", "unscored"},
		{"eleven people and another name", func(_ *office, s *Submission) { s.Headcount, s.LegalName = 11, "Roofers" }, "headcount name", ""},
		{"evidence on the tool", func(_ *office, s *Submission) { s.EvidenceURL = "https://files.tool.example/14" }, "", ""},
	}
	for _, tt := range tests {
		o := auditIn(t, StateOpen)
		s := o.submission(passing)
		tt.change(o, &s)
		mustPass(t, tt.situation, o.trySubmit(s))
		asked, noted := "", ""
		for _, e := range o.Events() {
			if e.Kind == EventSubmissionAsked {
				asked = e.Facts["guards"]
			}
			if e.Kind == EventGuardNoted {
				noted = strings.TrimSpace(noted + " " + e.Facts["guard"])
			}
		}
		if asked != tt.asked || noted != tt.noted || o.Audit.Waiting != (tt.asked != "") || o.saw(EventSubmissionTakenIn) == o.Audit.Waiting {
			t.Errorf("%s: asked %q, noted %q, waiting %t, %v", tt.situation, asked, noted, o.Audit.Waiting, o.happened())
		}
	}
}

// twins lets the same sheet have come in on other cases.
func (o *office) twins(ids ...CaseID) {
	o.SameSheet = func(string) ([]CaseID, error) { return ids, nil }
}

func TestIntake_Refuses(t *testing.T) {
	blocked := auditIn(t, StateOpen)
	blocked.Edition.Guards = append(blocked.Edition.Guards, GuardRule{Guard: GuardDuplicate, Effect: EffectBlock})
	blocked.twins(7)
	mustRefuse(t, blocked.trySubmit(blocked.submission(passing)), ErrGuard, "the same sheet of the same day came in on case 7")
	lost := auditIn(t, StateOpen)
	fault := errors.New("connection lost")
	lost.SameSheet = func(string) ([]CaseID, error) { return nil, fault }
	if err := lost.trySubmit(lost.submission(passing)); !errors.Is(err, fault) || errors.Is(err, ErrRefused) || lost.Case.State != StateOpen || len(lost.Handed) != 0 {
		t.Errorf("a lost connection: %v, %s", err, lost.Case.State)
	}
	for account, words := range map[string]string{"12#4": "letters and digits", strings.Repeat("1", 30): "longer than 20"} {
		o := auditIn(t, StateOpen)
		s := o.submission(passing)
		s.Account = account
		mustRefuse(t, o.trySubmit(s), ErrField, words)
	}
	o := auditIn(t, StateOpen)
	s := o.submission(passing)
	s.LegalName = "=HYPERLINK(1)"
	mustRefuse(t, o.trySubmit(s), ErrField, "legal_name", "formula")
}

func TestCheckEvidenceURL(t *testing.T) {
	for text, words := range map[string]string{
		"": "", "https://tool.example/14": "", " https://a.b.Tool.Example/14?x=1 ": "",
		"http://tool.example/14": "does not begin with https", "ftp://tool.example": "https", "tool.example/14": "https",
		"https://tool.example.evil.example/14": "not on a host", "https://eviltool.example": "not on a host", "https://evil.example/?tool.example": "not on a host",
		"https://tool.example@evil.example/": "user name", "https://x:y@tool.example/": "user name", "https://tool.example:8443/": "port",
		"https://tööl.example/": "is not an address", "https://tool.example/a b": "is not an address", "https://": "not on a host",
		"javascript:alert(1)": "https", "https://tool.example/" + strings.Repeat("x", 500): "longer than 500",
	} {
		_, err := testEdition().CheckEvidenceURL(text)
		if words == "" {
			mustPass(t, text, err)
			continue
		}
		mustSay(t, text, refused(err, ErrField, words))
	}
}

// TestDuplicate_OfItself: handing in what was returned is asked about, and a
// revision without a new mark is not.
func TestDuplicate_OfItself(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.twins(o.Case.ID)
	o.take(asAna, "query", "", "question=add the forms to the tool")
	mustPass(t, "the same marks, more evidence", o.trySubmit(o.submission(passing)))
	if o.Audit.Waiting {
		t.Error("a revision with the same marks waits for a person")
	}
	o.take(asAna, "return", "another company's pages")
	mustPass(t, "the same again", o.trySubmit(o.submission(passing)))
	if !o.Audit.Waiting || o.fact(EventSubmissionAsked, "guards") != "duplicate" {
		t.Errorf("what was returned comes in as it was: %v", o.happened())
	}
	o.take(asCleo, "accept", "the pages were ours after all", "accept=duplicate")
	if !o.saw(EventSubmissionTakenIn) || o.Audit.TakenAs != 3 {
		t.Errorf("accepted: %v, taken in as %d", o.happened(), o.Audit.TakenAs)
	}
}

// TestUnscored_IsScoredInASecondStep, by the company before or during the review, or
// by the reviewer; what the reviewer marked stays.
func TestUnscored_IsScoredInASecondStep(t *testing.T) {
	o := auditMarked(t, StateSubmitted, "")
	mustRefuse(t, o.trySubmit(o.submission("")), ErrField, "marks", "are missing")
	o.submit(passing)
	if o.Case.State != StateSubmitted || o.Audit.Round != 2 || !o.saw(EventSubmissionScored) || len(o.Handed) == 0 || sheetOf(o, "A2") != "15.00/15.00 > unscored" {
		t.Errorf("scored before the review: %s, round %d, %v, A2 %s", o.Case.State, o.Audit.Round, o.happened(), sheetOf(o, "A2"))
	}
	mustRefuse(t, o.trySubmit(o.submission(passing)), ErrIllegalMove, "a submission is not possible")

	o = auditMarked(t, StateInQA, "")
	o.take(asAna, "mark", "as found", "question=A2", "awarded=7")
	o.submit(passing)
	if o.Case.State != StateInQA || o.Case.Holder != ana || !o.saw(EventSheetScored) || sheetOf(o, "A2") != "15.00/15.00 > 7.00/15.00" || sheetOf(o, "B1") != "8.00/10.00 > 8.00/10.00" {
		t.Errorf("scored during the review: %s, %v, A2 %s, B1 %s", o.Case.State, o.happened(), sheetOf(o, "A2"), sheetOf(o, "B1"))
	}
	mustRefuse(t, o.trySubmit(o.submission(passing)), ErrIllegalMove, "a submission is not possible")
}

// TestUnscored_KeepsWhatWasAccepted: marks do not open a question again that a lead
// has settled, and settle none that is open.
func TestUnscored_KeepsWhatWasAccepted(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		o := auditIn(t, StateOpen)
		s := o.submission("")
		s.Headcount = 11
		mustPass(t, "eleven people", o.trySubmit(s))
		if accepted {
			o.take(asCleo, "accept", "one leaves on Friday", "accept=headcount")
		}
		s.Marks = marks(t, passing)
		mustPass(t, "the marks", o.trySubmit(s))
		if o.Audit.Waiting == accepted || StillTrue(JobAssign, o.File, o.last(EventSubmissionScored)) != accepted {
			t.Errorf("accepted %t: waiting %t", accepted, o.Audit.Waiting)
		}
	}
}

// TestPreliminary_IsNoResult: the claimed sheet's score is computed, and stands
// nowhere in the audit until the reviewer confirms the verified one.
func TestPreliminary_IsNoResult(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "mark", "one form of ten", "question=A2", "awarded=1")
	preliminary, err := o.Preliminary()
	if err != nil || Percent(preliminary.Awarded, preliminary.Available) != "95.00" || preliminary.Verdict != VerdictPass {
		t.Errorf("preliminary: %v, %v", preliminary, err)
	}
	if o.Audit.Result != "" || o.Audit.Term != 0 || o.Certificate() != nil {
		t.Errorf("before it is confirmed: %+v", *o.Audit)
	}
	for _, e := range o.history {
		for name, value := range e.Facts {
			if strings.Contains(value, "95.00") {
				t.Errorf("%s says %s=%s", e.Kind, name, value)
			}
		}
	}
	o.take(asAna, "confirm", "")
	if o.Audit.Result != VerdictFail || o.fact(EventAuditFailed, "percent") != "60.00" {
		t.Errorf("confirmed: %s with %s", o.Audit.Result, o.fact(EventAuditFailed, "percent"))
	}
}

// TestShowPreliminary: who may see a score that nobody has confirmed.
func TestShowPreliminary(t *testing.T) {
	inConflict := func(o *office, id int64) {
		o.Conflicts = []Conflict{{ReviewerID: id, Span: Span{From: day(t, "2026-01-01")}}}
	}
	for _, tt := range []struct {
		situation string
		by        Actor
		change    func(*office)
		kind      error // nil: shown
		words     string
	}{
		{"who holds it", asAna, nil, nil, ""},
		{"another reviewer", asBen, nil, ErrNotAllowed, "only Ana, who holds the case"},
		{"a lead", asCleo, nil, nil, ""},
		{"an administrator", asDan, nil, nil, ""},
		{"who has left", asEve, nil, ErrNotAllowed, "not an active person"},
		{"the company", asCompany, nil, ErrNotAllowed, "not for the company"},
		{"who holds it, in conflict", asAna, func(o *office) { inConflict(o, ana) }, ErrConflict, "Ana has a conflict"},
		{"a lead in conflict", asCleo, func(o *office) { inConflict(o, cleo) }, ErrConflict, "Cleo has a conflict"},
		{"another reviewer, once it is confirmed", asBen, func(o *office) { o.take(asAna, "confirm", "") }, nil, ""},
		{"one in conflict, once it is confirmed", asBen, func(o *office) { o.take(asAna, "confirm", ""); inConflict(o, ben) }, ErrConflict, "Ben has a conflict"},
	} {
		o := auditIn(t, StateInQA)
		if tt.change != nil {
			tt.change(o)
		}
		err := o.act(Act{By: tt.by}, func() error {
			_, err := o.ShowPreliminary()
			return err
		})
		if tt.kind == nil {
			mustPass(t, tt.situation, err)
			continue
		}
		mustSay(t, tt.situation, refused(err, tt.kind, tt.words))
	}
}

// TestAgree records what was looked at, and forgets it where that is no longer so.
func TestAgree(t *testing.T) {
	o := auditIn(t, StateInQA)
	mustRefuse(t, o.try(asAna, "agree", "", "element=Z"), ErrField, "is not in protocol small")
	o.take(asAna, "agree", "", "element=A")
	mustRefuse(t, o.try(asAna, "agree", "", "element=A"), ErrIllegalMove, "already")
	if diff := cmp.Diff([]string{"B"}, o.Unlooked()); diff != "" {
		t.Errorf("not looked at (-want +got):\n%s", diff)
	}
	o.take(asAna, "mark", "unsigned", "question=B1", "awarded=7")
	mustRefuse(t, o.try(asAna, "agree", "", "element=B"), ErrIllegalMove, "or changed a mark of it")
	if len(o.Unlooked()) != 0 {
		t.Errorf("an element with a changed mark was not looked at: %v", o.Unlooked())
	}
	o.take(asAna, "query", "", "question=sign them")
	o.submit("A1 0, A2 15, B1 8, B2 10")
	if diff := cmp.Diff([]string{"A"}, o.Unlooked()); diff != "" {
		t.Errorf("the company changed A1; not looked at (-want +got):\n%s", diff)
	}
	o.take(asAna, "agree", "", "element=A")
	o.take(asCleo, "assign", "Ana is ill", "reviewer=2")
	if diff := cmp.Diff([]string{"A", "B"}, o.Unlooked()); diff != "" {
		t.Errorf("what Ana agreed with, or changed, counts for Ben; not looked at (-want +got):\n%s", diff)
	}
	o.take(asBen, "agree", "", "element=B") // as Ana left it
	o.take(asBen, "confirm", "")
	if got := o.fact(EventAuditPassed, "unlooked"); got != "A" {
		t.Errorf("confirmed without a look at %q, want A", got)
	}
	mustRefuse(t, auditMarked(t, StateInQA, "").try(asAna, "agree", "", "element=A"), ErrNotScored, "question A1 is not scored")
}

// TestMark_Refuses every way in which a mark makes no sense, with its own words.
func TestMark_Refuses(t *testing.T) {
	for _, tt := range []struct {
		situation string
		err       error
		kind      error
		words     string
	}{
		{"twice the same", auditIn(t, StateInQA).try(asAna, "mark", "as found", "question=B1", "awarded=8"), ErrField, "is verified with 8.00/10.00 already"},
		{"by somebody else", auditIn(t, StateInQA).try(asBen, "mark", "as found", "question=B1", "awarded=1"), ErrNotAllowed, "only Ana, who holds the case"},
		{"not in a review", auditIn(t, StateSubmitted).try(asAna, "mark", "as found", "question=B1", "awarded=1"), ErrIllegalMove, "the audit is submitted"},
		{"after the score is confirmed", auditIn(t, StateQAComplete).try(asAna, "mark", "as found", "question=B1", "awarded=1"), ErrIllegalMove, "a lead can have it heard again by somebody else: appeal"},
		{"months after the score is confirmed", auditIn(t, StateQAComplete).try(asAna, "months", "as found", "policies=3", "records=3"), ErrIllegalMove, "appeal"},
		{"a note after the score is confirmed", auditIn(t, StateQAComplete).try(asAna, "add-note", "", "kind=actionable", "text=sign it"), ErrIllegalMove, "appeal"},
		{"beyond the points", auditIn(t, StateInQA).try(asAna, "mark", "as found", "question=B1", "awarded=10.01"), ErrField, "10.01 points awarded of 10.00"},
		{"half of all or nothing", auditIn(t, StateInQA).try(asAna, "mark", "as found", "question=A1", "awarded=2.50"), ErrField, "all or nothing: award 0 or 5.00"},
	} {
		mustSay(t, tt.situation, refused(tt.err, tt.kind, tt.words))
	}
}

// TestStillTrue_Review: each way in which the reason of a review's letter can end.
func TestStillTrue_Review(t *testing.T) {
	inQA := func() *office { return auditIn(t, StateInQA) }
	asked := func() *office {
		o := auditIn(t, StateOpen)
		s := o.submission(passing)
		s.Headcount = 11
		mustPass(t, "eleven people", o.trySubmit(s))
		return o
	}
	tests := []struct {
		situation string
		kind      JobKind
		cause     EventKind
		o         *office
		end       func(*office)
	}{
		{"returned", JobSubmissionReceipt, EventSubmissionReceived, inQA(), func(o *office) { o.take(asAna, "return", "again") }},
		{"withdrawn", JobSubmissionReceipt, EventSubmissionReceived, inQA(), func(o *office) { o.take(asAna, "withdraw", "sold") }},
		{"not reviewed", JobSubmissionReceipt, EventSubmissionReceived, inQA(), func(o *office) { o.take(asCleo, "not-review", "late") }},
		{"asked to revise", JobSubmissionReceipt, EventSubmissionReceived, inQA(), func(o *office) { o.take(asAna, "query", "", "question=page 3") }},
		{"revised", JobSubmissionReceipt, EventSubmissionReceived, inQA(), func(o *office) { o.take(asAna, "query", "", "question=page 3"); o.submit(passing) }},
		{"confirmed", JobSubmissionReceipt, EventSubmissionReceived, inQA(), func(o *office) { o.take(asAna, "confirm", "") }},
		{"asked, and returned", JobSubmissionReceipt, EventSubmissionReceived, asked(), func(o *office) { o.take(asCleo, "return", "eleven people") }},
		{"returned", JobInterim, EventSubmissionTakenIn, inQA(), func(o *office) { o.take(asAna, "return", "again") }},
		{"returned and handed in again", JobInterim, EventSubmissionTakenIn, inQA(), func(o *office) { o.take(asAna, "return", "again"); o.submit(failing) }},
		{"withdrawn", JobInterim, EventSubmissionTakenIn, inQA(), func(o *office) { o.take(asAna, "withdraw", "sold") }},
		{"not reviewed", JobInterim, EventSubmissionTakenIn, inQA(), func(o *office) { o.take(asCleo, "not-review", "late") }},
		{"confirmed", JobInterim, EventSubmissionTakenIn, inQA(), func(o *office) { o.take(asAna, "confirm", "") }},
		{"answered", JobRevision, EventRevisionRequested, auditIn(t, StateRevision), func(o *office) { o.submit(passing) }},
		{"no answer", JobRevision, EventRevisionRequested, auditIn(t, StateRevision), func(o *office) { o.take(asCleo, "no-answer", "never") }},
		{"answered and asked again", JobRevision, EventRevisionRequested, auditIn(t, StateRevision), func(o *office) { o.submit(passing); o.take(asAna, "query", "", "question=once more") }},
		{"withdrawn", JobRevision, EventRevisionRequested, auditIn(t, StateRevision), func(o *office) { o.take(asAna, "withdraw", "sold") }},
		{"submitted again", JobReturned, EventAuditReturned, returnedAudit(t), func(o *office) { o.submit(failing) }},
		{"cancelled", JobReturned, EventAuditReturned, returnedAudit(t), func(o *office) { o.take(asCleo, "cancel", "sold") }},
		{"appealed", JobFail, EventAuditFailed, auditMarked(t, StateQAComplete, failing), func(o *office) { o.take(asCleo, "appeal", "letter") }},
		{"appealed", JobDeclined, EventOneYearDeclined, declined(t), func(o *office) { o.take(asCleo, "appeal", "letter") }},
		{"reopened", JobNotReviewed, EventAuditNotReviewed, auditIn(t, StateNotReviewed), func(o *office) { o.take(asCleo, "reopen", "was in time") }},
	}
	for _, tt := range tests {
		cause := tt.o.last(tt.cause)
		before := StillTrue(tt.kind, tt.o.File, cause)
		tt.end(tt.o)
		if !before || StillTrue(tt.kind, tt.o.File, cause) {
			t.Errorf("%s, %s: true %t before and still after", tt.kind, tt.situation, before)
		}
	}
}

// TestMerge_LosesNothingVerified: over any number of rounds a verified mark stays
// unless the company claims something else for that question, and every round is
// kept as it was handed in.
func TestMerge_LosesNothingVerified(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := auditIn(t, StateInQA)
		draw := func(of string) map[string]string {
			sheet := map[string]string{}
			for _, id := range []string{"A2", "B1", "B2"} {
				sheet[id] = fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, of+id))
			}
			return sheet
		}
		claimed := map[string]string{"A2": "15", "B1": "8", "B2": "10"}
		for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			verified := map[string]string{}
			for id, mark := range draw("verified") {
				if o.try(asAna, "mark", "as found", "question="+id, "awarded="+mark) == nil {
					verified[id] = o.Sheet[id].Verified.Words()
				}
			}
			if o.try(asAna, "query", "", "question=once more") != nil {
				rt.Fatal("no revision")
			}
			next := draw("claimed")
			for id := range next {
				if rapid.Bool().Draw(rt, "same") {
					next[id] = claimed[id]
				}
			}
			o.submit(fmt.Sprintf("A1 5, A2 %s, B1 %s, B2 %s", next["A2"], next["B1"], next["B2"]))
			changed := strings.Fields(o.fact(EventRevisionReceived, "changed"))
			for _, id := range []string{"A2", "B1", "B2"} {
				line := o.Sheet[id]
				if slices.Contains(changed, id) != (next[id] != claimed[id]) {
					rt.Fatalf("%s from %s to %s: changed %v", id, claimed[id], next[id], changed)
				}
				if next[id] != claimed[id] && !sameMark(line.Claimed, line.Verified) {
					rt.Fatalf("%s was claimed anew and is verified with %s", id, line.Verified.Words())
				}
				if was, marked := verified[id]; marked && next[id] == claimed[id] && line.Verified.Words() != was {
					rt.Fatalf("%s was verified with %s and is now %s", id, was, line.Verified.Words())
				}
			}
			claimed = next
		}
	})
}
