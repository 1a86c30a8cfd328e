package secor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// notesOf returns the notes as "1 A2 open asked 1-2".
func notesOf(o *office) []string {
	var words []string
	for _, n := range o.Notes {
		words = append(words, strings.Join(strings.Fields(string(n.Kind[:3])+" "+n.Question+" "+string(n.State)+" "+n.Answer), " "))
	}
	return words
}

// TestNotes walks two notes from the reviewer to the company and back until the
// score can be confirmed.
func TestNotes(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "add-note", "", "question=B1", "kind=actionable", "text=Two forms are not signed.")
	o.take(asAna, "add-note", "", "kind=informational", "text=The photos help.")
	o.take(asAna, "add-note", "", "question=months", "kind=actionable", "text=The first record is of May.")
	mustRefuse(t, o.try(asAna, "confirm", ""), ErrGuard, "actionable notes are not settled: 1 B1 (not answered) and 3 months (not answered)", "ask the company for a revision")
	mustRefuse(t, o.try(asCompany, "resolve-note", "", "note=1", "answer=done"), ErrIllegalMove, "is with its reviewer")
	o.take(asAna, "query", "", "question=Please see the notes.")
	if got := o.fact(EventRevisionRequested, "notes"); got != "1 2 3" {
		t.Errorf("the request carries %q", got)
	}
	if a, i := o.OpenNotes(NoteActionable), o.OpenNotes(NoteInformational); len(a) != 2 || len(i) != 1 || a[0].Number != 1 || i[0].Text != "The photos help." {
		t.Errorf("the letter lists %v and %v", a, i)
	}
	o.take(asCompany, "resolve-note", "", "note=2", "answer=thank you")
	s := o.submission("A1 5, A2 14, B1 10, B2 10")
	s.Resolved = []Response{{Note: 1, Answer: "signed, see page 12"}}
	mustPass(t, "the revision", o.trySubmit(s))
	want := []string{"act B1 resolved signed, see page 12", "inf resolved thank you", "act months open"}
	if diff := cmp.Diff(want, notesOf(o)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if changed, unasked := o.fact(EventRevisionReceived, "changed"), o.fact(EventRevisionReceived, "unasked"); changed != "A2 B1" || unasked != "A2" {
		t.Errorf("changed %q, of which nobody asked for %q", changed, unasked)
	}
	mustRefuse(t, o.try(asAna, "confirm", ""), ErrGuard, "1 B1 (answered, not confirmed) and 3 months (not answered)")
	o.take(asAna, "confirm-note", "", "note=1")
	mustRefuse(t, o.try(asAna, "confirm-note", "", "note=1"), ErrIllegalMove, "note 1 is confirmed already")
	o.take(asAna, "reopen-note", "page 12 is another form", "note=1")
	o.take(asAna, "query", "", "question=Note 1 again, please.")
	if got := o.fact(EventRevisionRequested, "notes"); got != "1 3" || len(o.OpenNotes(NoteActionable)) != 2 || len(o.OpenNotes(NoteInformational)) != 0 {
		t.Errorf("the second request carries %q", got)
	}
	o.take(asCompany, "answer", "", "answer=by post")
	if o.Audit.Round != 3 || o.Handed[len(o.Handed)-1].Number != 3 || o.fact(EventRevisionReceived, "sheet") == "" {
		t.Errorf("an answer in words is round %d", o.Audit.Round)
	}
	o.take(asAna, "resolve-note", "", "note=1", "answer=came by post", "channel=post")
	o.take(asAna, "confirm-note", "", "note=1")
	o.take(asAna, "withdraw-note", "May is right", "note=3")
	o.take(asAna, "confirm", "")
	if o.Audit.Result != VerdictPass {
		t.Errorf("result %q", o.Audit.Result)
	}
}

func TestNotes_Refuses(t *testing.T) {
	noted := func(state State) *office {
		o := auditIn(t, StateInQA)
		o.take(asAna, "add-note", "", "question=B1", "kind=actionable", "text=Sign it.")
		o.take(asAna, "add-note", "", "kind=informational", "text=Well kept.")
		if state == StateRevision {
			o.take(asAna, "query", "", "question=See the notes.")
		}
		return o
	}
	responses := func(list ...Response) error {
		o := noted(StateRevision)
		s := o.submission(passing)
		s.Resolved = list
		before := writtenOf(o.File)
		err := o.trySubmit(s)
		if diff := cmp.Diff(before, writtenOf(o.File)); err != nil && diff != "" {
			t.Errorf("refused, but changed (-before +after):\n%s", diff)
		}
		return err
	}
	unasked := noted(StateInQA)
	s := unasked.submission(passing)
	s.Resolved = []Response{{Note: 1}}
	first := auditIn(t, StateOpen)
	settled := noted(StateInQA)
	settled.take(asAna, "withdraw-note", "page 9", "note=1")
	for _, tt := range []struct {
		situation string
		err       error
		kind      error
		words     string
	}{
		{"an unknown question", noted(StateInQA).try(asAna, "add-note", "", "question=Z9", "kind=actionable", "text=x"), ErrField, "nor months, headcount, last_day, legal_name or evidence_url"},
		{"another kind", noted(StateInQA).try(asAna, "add-note", "", "kind=urgent", "text=x"), ErrField, "is not one of actionable or informational"},
		{"no text", noted(StateInQA).try(asAna, "add-note", "", "kind=actionable", "text= "), ErrField, "text: is missing"},
		{"not the holder", noted(StateInQA).try(asBen, "add-note", "", "kind=actionable", "text=x"), ErrNotAllowed, "only Ana"},
		{"a lead who does not hold it", noted(StateInQA).try(asCleo, "confirm-note", "", "note=1"), ErrNotAllowed, "only Ana"},
		{"no such note", noted(StateInQA).try(asAna, "confirm-note", "", "note=3"), ErrField, "is no note of this audit; its notes are 1 to 2"},
		{"no notes at all", auditIn(t, StateInQA).try(asAna, "confirm-note", "", "note=1"), ErrField, "it has none"},
		{"an informational note", noted(StateInQA).try(asAna, "confirm-note", "", "note=2"), ErrIllegalMove, "informational and only acknowledged"},
		{"an open note reopened", noted(StateInQA).try(asAna, "reopen-note", "why not", "note=1"), ErrIllegalMove, "is open already"},
		{"withdrawn twice", settled.try(asAna, "withdraw-note", "again", "note=1"), ErrIllegalMove, "note 1 is withdrawn"},
		{"a withdrawn one answered", settled.try(asAna, "resolve-note", "", "note=1", "answer=done"), ErrIllegalMove, "note 1 is withdrawn"},
		{"while the company revises", noted(StateRevision).try(asAna, "add-note", "", "kind=actionable", "text=x"), ErrIllegalMove, "the audit is revision"},
		{"the answer to a note that there is not", responses(Response{Note: 9}), ErrField, "9"},
		{"two answers to a note", responses(Response{Note: 1}, Response{Note: 1}), ErrField, "is answered twice"},
		{"a hidden answer", responses(Response{Note: 1, Answer: "done\u202e"}), ErrField, "control or invisible character"},
		{"a long answer", responses(Response{Note: 1, Answer: strings.Repeat("x", MaxText+1)}), ErrField, "longer than"},
		{"answers to a first submission", func() error {
			s := first.submission(passing)
			s.Resolved = []Response{{Note: 1}}
			return first.trySubmit(s)
		}(), ErrField, "no revision was asked for"},
	} {
		mustSay(t, tt.situation, refused(tt.err, tt.kind, tt.words))
	}
	mustPass(t, "one answered with nothing to say", responses(Response{Note: 1}, Response{Note: 2, Answer: "thanks"}))
}

// TestNotes_NeverNameTheReviewer: a company that acts learns nobody's name.
func TestNotes_NeverNameTheReviewer(t *testing.T) {
	o := auditIn(t, StateRevision)
	for _, step := range []string{"add-note", "confirm", "mark", "confirm-note"} {
		err := o.try(asCompany, step, "please")
		if err == nil || strings.Contains(err.Error(), "Ana") {
			t.Errorf("%s by the company: %v", step, err)
		}
	}
}

// TestRevisionsMany: a lead is told when a review goes on for more rounds or days
// than the edition says, and any number of rounds is possible.
func TestRevisionsMany(t *testing.T) {
	o := auditIn(t, StateInQA)
	for round := 1; round <= 5; round++ {
		o.take(asAna, "query", "", "question=once more")
		if told := o.saw(EventRevisionsMany); told != (round > 2) {
			t.Errorf("round %d: a lead is told %t", round, told)
		}
		o.submit(passing)
	}
	late := auditIn(t, StateInQA)
	late.clock = late.clock.AddDate(0, 0, 90)
	late.take(asAna, "query", "", "question=once more")
	if late.saw(EventRevisionsMany) {
		t.Error("told on the last of 90 days")
	}
	late.submit(passing)
	late.clock = late.clock.AddDate(0, 0, 1)
	late.take(asAna, "query", "", "question=once more")
	if !late.saw(EventRevisionsMany) {
		t.Error("not told after 90 days")
	}
}

// TestSubmit_ComparesStated: what a revision states otherwise about the company is a
// change like any other; the facts of its event say only what it is about.
func TestSubmit_ComparesStated(t *testing.T) {
	o := auditIn(t, StateInQA)
	o.take(asAna, "add-note", "", "question=evidence_url", "kind=actionable", "text=where is it?")
	mustRefuse(t, o.try(asAna, "add-note", "", "question=account", "kind=actionable", "text=which?"), ErrField, "nor months, headcount, last_day, legal_name or evidence_url")
	o.take(asAna, "query", "", "question=see note 1")
	revised := o.submission(passing)
	revised.LastDay, revised.LegalName, revised.EvidenceURL = Date{2026, time.March, 24}, "Roy Holdings Ltd.", "https://tool.example/14"
	if err := o.trySubmit(revised); err != nil {
		t.Fatal(err)
	}
	facts := o.last(EventRevisionReceived).Facts
	if facts["changed"] != "last_day legal_name evidence_url" || facts["unasked"] != "last_day legal_name" {
		t.Errorf("changed %q, of which nobody asked for %q", facts["changed"], facts["unasked"])
	}
	for _, e := range o.Events() {
		if text := fmt.Sprint(e.Facts); strings.Contains(text, "Holdings") || strings.Contains(text, "tool.example") {
			t.Errorf("%s keeps what the company states about itself: %s", e.Kind, text)
		}
	}
}

func TestChanges(t *testing.T) {
	mark := func(awarded Points) Mark { return Mark{Question: "A2", Awarded: awarded, Available: 15_00} }
	before := Round{Number: 2, Marks: map[string]Mark{"A2": mark(5_00), "B1": {Question: "B1", NA: true}}, Months: Evidence{12, 11}, Headcount: 4}
	after := Round{Number: 3, Marks: map[string]Mark{"A2": mark(6_50), "B2": {Question: "B2", Awarded: 1, Available: 10_00}}, Months: Evidence{12, 12}, Headcount: 5}
	notes := []Note{
		{Number: 1, Question: "A2", Asked: 1, Repeated: 2}, {Number: 2, Question: "B1", Asked: 1, Repeated: 1},
		{Number: 3, Question: SubjectMonths, Asked: 2, Repeated: 2}, {Number: 4, Question: "B2"}, {Number: 5, Asked: 2, Repeated: 2}, {Number: 6, Question: SubjectHeadcount, Asked: 3, Repeated: 3},
	}
	before.LastDay, after.LastDay = Date{2026, time.March, 20}, Date{2026, time.March, 31}
	before.Stated, after.Stated = Stated{LegalName: "Roy Welding Ltd."}, Stated{LegalName: "Roy Holdings Ltd.", EvidenceURL: "https://tool.example/14"}
	notes = append(notes, Note{Number: 7, Question: SubjectLastDay, Asked: 2, Repeated: 2})
	want := []Change{
		{"A2", "5.00/15.00", "6.50/15.00", 1}, {"B1", "n/a", "unscored", 0}, {"B2", "unscored", "0.01/10.00", 0},
		{SubjectMonths, "12/11", "12/12", 3}, {SubjectHeadcount, "4", "5", 0},
		{SubjectLastDay, "2026-03-20", "2026-03-31", 7}, {SubjectName, "Roy Welding Ltd.", "Roy Holdings Ltd.", 0}, {SubjectEvidence, "not stated", "https://tool.example/14", 0},
	}
	if diff := cmp.Diff(want, Changes(before, after, notes)); diff != "" {
		t.Errorf("Changes (-want +got):\n%s", diff)
	}
	if got := Changes(after, after, notes); len(got) != 0 {
		t.Errorf("Changes of a round to itself = %v", got)
	}
}
