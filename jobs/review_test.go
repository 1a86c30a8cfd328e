package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/store/secor"
)

// review is an audit on its way through its review.
type review struct {
	*story
	id      secor.CaseID
	company int64
	account string
}

// review opens an audit for which a company may submit.
func (s *story) review(name string) *review {
	s.t.Helper()
	s.n++
	r := &review{story: s, account: fmt.Sprintf("%07d", 5000000+s.n)}
	c := secor.Company{LegalName: name, Province: "AB", Email: fmt.Sprintf("office@r%d.example", s.n), Contact: "Jan Kowalski", Member: true, ProfileSince: secor.NewDate(2025, 1, 1),
		Address: secor.Address{Street: "1 Main St", City: "Calgary", Province: "AB", PostalCode: "T2P 1A1"}}
	var err error
	r.company, _, err = s.AddCompany(s.t.Context(), s.act(secor.Desk, ""), c, []secor.Registration{{Body: "ab-pir", Account: r.account, GoodStanding: true}})
	s.must(err)
	person, _, err := s.AddPerson(s.t.Context(), s.act(secor.Desk, ""), r.company, "Jan Kowalski")
	s.must(err)
	_, err = s.AddCourse(s.t.Context(), s.act(secor.Desk, ""), person, secor.Course{Name: "Safety Program Development", CompletedOn: secor.NewDate(2025, 6, 1)})
	s.must(err)
	r.id, err = s.AddAudit(s.t.Context(), s.act(secor.Desk, "registered"), r.company, "ab-pir",
		secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 4, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	s.must(err)
	s.awaitQuiet(s.t)
	r.does(s.lead, "pay", "amount=157.50", "method=eft", "reference=7")
	r.does(s.lead, "approve")
	s.letters()
	return r
}

// does takes a step with everything that it may need.
func (r *review) does(by secor.Actor, name string, values ...string) {
	r.t.Helper()
	err := r.tries(by, name, values...)
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
}

func (r *review) tries(by secor.Actor, name string, values ...string) error {
	in := secor.Input{}
	for _, pair := range values {
		field, text, _ := strings.Cut(pair, "=")
		in[field] = text
	}
	step, err := secor.StepFor(name, secor.SubjectAudit)
	if err != nil {
		return err
	}
	act := r.act(by, "so it is")
	act.Assigns = step.Assigns
	return r.UpdateCase(r.t.Context(), r.id, act, func(f *secor.File, _ time.Time) error { return step.Take(f, in) })
}

// submission claims all points but those of less, "A2=3.50"; "none" claims nothing.
func (r *review) submission(less ...string) secor.Submission {
	r.t.Helper()
	f := r.file(r.t, r.id)
	s := secor.Submission{Months: secor.Evidence{Policies: 12, Records: 12}, LastDay: secor.NewDate(2026, 3, 20), Headcount: 4, Account: r.account}
	if slices.Contains(less, "none") {
		return s
	}
	for _, e := range f.Protocol.Elements {
		for _, q := range e.Questions {
			m := secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points}
			for _, pair := range less {
				id, points, _ := strings.Cut(pair, "=")
				if id == q.ID || id == e.ID {
					var err error
					m.Awarded, err = secor.ParsePoints(points)
					r.must(err)
				}
			}
			s.Marks = append(s.Marks, m)
		}
	}
	return s
}

func (r *review) submits(s secor.Submission) {
	r.t.Helper()
	act := r.act(secor.ByCompany(r.company), "imported")
	r.must(r.UpdateCase(r.t.Context(), r.id, act, func(f *secor.File, _ time.Time) error { return f.Submit(s) }))
}

// holder is the person who reviews the audit.
func (r *review) holder() secor.Actor { return secor.ByReviewer(r.file(r.t, r.id).Case.Holder) }

// body returns the last letter to the company, or to the desk, with that subject.
func (r *review) body(subject string) string {
	r.t.Helper()
	all, err := r.mail.Messages()
	r.must(err)
	for _, l := range slices.Backward(all) {
		if strings.Contains(l.Subject, subject) {
			return strings.Join(strings.Fields(l.Text), " ")
		}
	}
	r.t.Fatalf("no letter says %q", subject)
	return ""
}

// secret fails when a letter that left the office says one of these.
func (r *review) secret(words ...string) {
	r.t.Helper()
	all, err := r.mail.Messages()
	r.must(err)
	for _, l := range all {
		for _, word := range words {
			if !strings.HasSuffix(l.To, "@desk.example") && strings.Contains(l.Text+l.HTML+l.Subject, word) {
				r.t.Errorf("the letter %q to %s says %q:\n%s", l.Subject, l.To, word, l.Text)
			}
		}
	}
}

// says compares a letter with what it must say.
func (r *review) says(subject string, words ...string) {
	r.t.Helper()
	body := r.body(subject)
	for _, word := range words {
		if !strings.Contains(body, word) {
			r.t.Errorf("the letter %q does not say %q:\n%s", subject, word, body)
		}
	}
}

const (
	receipt = "office: We have your submission"
	interim = "office: Letter of Interim"
)

func (r *review) told(what string) string {
	f := r.file(r.t, r.id)
	for _, p := range f.Roster {
		if p.ID == f.Case.Holder {
			return strings.Split(p.Email, "@")[0] + ": Case " + fmt.Sprint(r.id) + ": " + what
		}
	}
	return "nobody"
}

// TestReview_Revised: a submission without marks is scored in a second step; the
// reviewer's notes go out with a revision request; the revision answers them, with a
// change that nobody asked for; the audit passes, and the company has learned
// neither its preliminary score nor who reviewed it.
func TestReview_Revised(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	r := s.review("Roy Welding Ltd.")
	first := r.submission("none")
	first.LegalName, first.EvidenceURL = "ROY WELDING LIMITED", "https://tools.energysafetycanada.com/secor/14"
	r.submits(first)
	s.wants("handed in without marks", s.letters(), receipt, interim, r.told("an audit for you to review"))
	r.says("We have your submission", "It came without marks.")
	r.says("Letter of Interim", "25 March 2026", "certifies nothing", "account "+r.account)
	s.set("2026-03-27 10:00")
	r.submits(r.submission("C=0"))
	s.wants("scored in a second step", s.letters(), receipt, r.told("an audit for you to review"))
	r.says("an audit for you to review", "Preliminary, as claimed, and for you alone: 82.00 %, fail")

	s.set("2026-03-30 10:00")
	for _, note := range [][]string{
		{"question=C1", "kind=actionable", "text=The forms are there. Please mark them."},
		{"question=C2", "kind=actionable", "text=Please add the forms of May."},
		{"kind=informational", "text=The photos help a lot."},
	} {
		r.does(r.holder(), "add-note", note...)
	}
	r.does(r.holder(), "mark", "question=A2", "awarded=0")
	r.does(r.holder(), "agree", "element=B")
	r.does(r.holder(), "query", "question=Please look at element C.")
	s.wants("asked to revise", s.letters(), "office: Your audit needs a change")
	r.says("Your audit needs a change", "Please look at element C.", "Note 1, question C1: The forms are there.", "Note 2, question C2", "Note 3: The photos help a lot.")

	s.set("2026-04-02 10:00")
	revised := r.submission("C3=0", "C4=0", "D1=0")
	revised.Resolved = []secor.Response{{Note: 1, Answer: "marked"}, {Note: 2}}
	r.submits(revised)
	s.wants("revised", s.letters(), receipt, r.told("a revision came in"))
	r.says("a revision came in", "No note asked for these changes:", "D1")
	r.says("We have your submission", "round 3")
	err := r.tries(r.holder(), "confirm")
	if err == nil || !strings.Contains(err.Error(), "1 C1 (answered, not confirmed) and 2 C2 (answered, not confirmed)") {
		t.Errorf("confirmed over open notes: %v", err)
	}
	r.does(r.holder(), "confirm-note", "note=1")
	r.does(r.holder(), "confirm-note", "note=2")
	r.does(r.holder(), "confirm")
	letters := s.letters()
	if !slices.Contains(letters, "office: Roy Welding Ltd. has passed the audit") {
		t.Errorf("confirmed: letters %v", letters)
	}
	f := r.file(t, r.id)
	if f.Audit.Result != secor.VerdictPass || f.Sheet["A2"].Verified.Awarded != 0 || f.Audit.Round != 3 {
		t.Errorf("result %s after round %d, A2 %s", f.Audit.Result, f.Audit.Round, f.Sheet["A2"].Verified.Words())
	}
	preliminary, err := f.Preliminary()
	s.must(err)
	r.secret("82.00", secor.Percent(preliminary.Awarded, preliminary.Available), "Lea", "Rita", "Adam", "Preliminary")
	rounds, err := s.Rounds(t.Context(), r.id)
	s.must(err)
	if len(rounds) != 3 || len(rounds[0].Marks) != 0 || rounds[0].Stated.LegalName != "ROY WELDING LIMITED" || rounds[2].Marks["D1"].Awarded != 0 {
		t.Fatalf("%d rounds are kept: %+v", len(rounds), rounds)
	}
	want := map[string]int{"C1": 1, "C2": 2, "D1": 0}
	for _, c := range secor.Changes(rounds[1], rounds[2], f.Notes) {
		if note, known := want[c.Subject]; known && note != c.Note {
			t.Errorf("%s changed by note %d, want %d", c.Subject, c.Note, note)
		}
		delete(want, c.Subject)
	}
	if len(want) > 0 {
		t.Errorf("not among the changes: %v", want)
	}
	s.sound()
}

// TestReview_FailedAndAppealed: the fail letter says what is missing and who holds
// it; somebody else hears the appeal, and the audit passes.
func TestReview_FailedAndAppealed(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	r := s.review("Ito Scaffolding Ltd.")
	r.submits(r.submission())
	s.letters()
	judge := r.holder()
	f := r.file(t, r.id)
	element := f.Protocol.Elements[2]
	left := secor.Points(0)
	for _, q := range element.Questions {
		left += q.Points
	}
	for _, q := range element.Questions { // two points under half of the element
		if left <= 0 {
			break
		}
		r.does(judge, "mark", "question="+q.ID, "awarded=0")
		left -= 2 * q.Points
	}
	r.does(judge, "confirm")
	s.wants("failed", s.letters(), "office: The result of your audit")
	f = r.file(t, r.id)
	miss, err := f.NearMiss()
	s.must(err)
	if f.Audit.Result != secor.VerdictFail || len(miss.Elements) != 1 || miss.Far {
		t.Fatalf("result %s, %+v", f.Audit.Result, miss)
	}
	r.says("The result of your audit", miss.Points.String()+" more points in element "+element.ID+" would do", miss.Questions[0], "hold", "not a promise", "Somebody who has not reviewed your audit")
	err = r.tries(judge, "mark", "question=C1", "awarded=1")
	if err == nil || !strings.Contains(err.Error(), "appeal") {
		t.Errorf("marked after it was confirmed: %v", err)
	}
	r.does(s.lead, "appeal")
	if r.holder() == judge {
		t.Error("who judged hears the appeal")
	}
	s.wants("appealed", s.letters(), "office: Your audit is being reviewed again", r.told("an appeal for you to review"))
	for _, id := range miss.Questions {
		q, _ := f.Protocol.Question(id)
		r.does(r.holder(), "mark", "question="+id, "awarded="+q.Points.String())
	}
	r.does(r.holder(), "confirm")
	if letters := s.letters(); !slices.Contains(letters, "office: Ito Scaffolding Ltd. has passed the audit") {
		t.Errorf("heard again with all that was named awarded: letters %v", letters)
	}
	r.secret("Lea", "Rita", "Adam")
	s.sound()
}

// TestReview_Intake: what the check finds waits for a lead, who is told; until then
// no interim letter leaves. A sheet that came in before is asked about as well.
func TestReview_Intake(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	r := s.review("Roy Roofing Ltd.")
	eleven := r.submission("B=0")
	eleven.Headcount, eleven.LegalName = 11, "Prairie Movers Inc."
	r.submits(eleven)
	ask := func(r *review) string { return fmt.Sprintf("lead: Case %d: the submission needs a decision", r.id) }
	s.wants("eleven people, another name", s.letters(), receipt, ask(r))
	r.says("We have your submission", "needs a decision by our office")
	r.says("the submission needs a decision", "11 people", `the submission is of "Prairie Movers Inc."`)
	r.does(s.lead, "accept", "accept=headcount,name")
	s.wants("accepted", s.letters(), interim, r.told("an audit for you to review"))

	twin := s.review("Kim Roofing Ltd.")
	same := twin.submission("B=0")
	same.Headcount = 11
	twin.submits(same)
	if asked := twin.event(t, twin.id, secor.EventSubmissionAsked); asked.Facts["guards"] != "headcount duplicate" || !strings.Contains(asked.Text, fmt.Sprintf("on case %d", r.id)) {
		t.Errorf("the same sheet of another company: %v, %s", asked.Facts, asked.Text)
	}
	s.wants("a duplicate", s.letters(), receipt, ask(twin))
	twin.does(s.lead, "return")
	s.wants("returned", s.letters(), "office: Please submit your audit again")
	twin.submits(twin.submission("C=0"))
	s.wants("done again", s.letters(), receipt, interim, twin.told("an audit for you to review"))
	s.sound()
}

// TestReview_OneYear: a pass on few months is told once two people have granted it.
func TestReview_OneYear(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	r := s.review("Wong Crane Ltd.")
	short := r.submission()
	short.Months.Records = 7
	r.submits(short)
	s.letters()
	r.does(r.holder(), "confirm")
	for _, letter := range s.letters() {
		if strings.HasPrefix(letter, "office: ") {
			t.Errorf("told before two people decided: %s", letter)
		}
	}
	r.does(s.adam, "grant-one-year")
	r.does(s.lead, "grant-one-year")
	if letters := s.letters(); !slices.Contains(letters, "office: Wong Crane Ltd. has passed the audit") {
		t.Errorf("granted: letters %v", letters)
	}
	r.says("has passed the audit", "one-year certificate")
	s.sound()
}

// TestReview_NothingStale: a letter whose reason ended while the mail stood still
// never leaves.
func TestReview_NothingStale(t *testing.T) {
	tests := map[string]struct {
		end  func(*review)
		want []string // what leaves in their place
	}{
		"returned":  {func(r *review) { r.does(r.lead, "return") }, []string{"office: Please submit your audit again"}},
		"withdrawn": {func(r *review) { r.does(r.lead, "withdraw") }, []string{"office: Your audit registration is closed"}},
		"revised": {func(r *review) {
			r.does(r.lead, "assign", fmt.Sprintf("reviewer=%d", r.rita.ID))
			r.does(r.rita, "query", "question=page 3")
			r.submits(r.submission("A2=0"))
		}, []string{interim, receipt, "rita: Case 1: a revision came in"}},
	}
	for situation, tt := range tests {
		t.Run(situation, func(t *testing.T) {
			s := newStory(t)
			stop := s.relay(t)
			s.reconciler(t)
			s.worker(t, s.Store)
			r := s.review("Roy Welding Ltd.")
			stop()
			r.submits(r.submission())
			tt.end(r)
			s.relay(t)
			if diff := cmp.Diff(tt.want, s.letters()); diff != "" {
				t.Errorf("letters (-want +got):\n%s", diff)
			}
		})
	}
}
