package jobs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// audit registers an audit of a company that passes every guard.
func (s *story) audit(name string) secor.CaseID {
	s.t.Helper()
	request := s.request(name, func(c *secor.Company, r *secor.Request) { c.ProfileSince = secor.NewDate(2025, 1, 1) })
	f, err := s.File(s.t.Context(), request)
	s.must(err)
	s.step(request, s.lead, "approve", "")
	person, _, err := s.AddPerson(s.t.Context(), s.act(secor.Desk, ""), f.Company.ID, "Ana Roy")
	s.must(err)
	_, err = s.AddCourse(s.t.Context(), s.act(secor.Desk, ""), person, secor.Course{Name: f.Edition.Course.Name, CompletedOn: secor.NewDate(2026, 1, 15)})
	s.must(err)
	id, err := s.AddAudit(s.t.Context(), s.act(secor.Desk, ""), f.Company.ID, "ab-pir", secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026,
		Headcount: 4, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	s.must(err)
	s.letters()
	return id
}

// paid pays what an audit's invoice asks for.
func (s *story) paid(id secor.CaseID) {
	s.t.Helper()
	f, err := s.File(s.t.Context(), id)
	s.must(err)
	owed := strings.TrimPrefix(f.Invoice().Balance().String(), "$")
	s.step(id, s.lead, "pay", "", "amount="+owed, "method=eft", "reference=77", "received-on=2026-03-25")
}

// submitted hands a whole self-assessment in.
func (s *story) submitted(id secor.CaseID) {
	s.t.Helper()
	err := s.UpdateCase(s.t.Context(), id, s.act(secor.Desk, ""), func(f *secor.File, _ time.Time) error {
		in := secor.Submission{Months: secor.Evidence{Policies: 12, Records: 12}, LastDay: secor.NewDate(2026, 3, 20), Headcount: 4}
		for _, e := range f.Protocol.Elements {
			for _, q := range e.Questions {
				in.Marks = append(in.Marks, secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points})
			}
		}
		return f.Submit(in)
	})
	s.must(err)
}

// about leaves the letters of this family; others write about an audit, too.
func about(letters []string) []string {
	return slices.DeleteFunc(letters, func(l string) bool {
		return !slices.ContainsFunc([]string{"A reminder: we wait", "has not answered", "late: ", "due: ", "is closed"}, func(word string) bool { return strings.Contains(l, word) })
	})
}

// TestAnswer_OfARegistration: a question about a registration has the clock, the
// reminders and the offer of one about a request; a person ends it, and the company
// is told.
func TestAnswer_OfARegistration(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	id := s.audit("Kowalski Trenching Ltd.")
	s.paid(id)
	s.step(id, s.rita, "query", "", "question=Who holds the course?")
	s.letters()
	s.wants("the fifth day is over", about(s.on("2026-03-31 00:00")), reminder)
	s.wants("the tenth", about(s.on("2026-04-05 00:00")), reminder)
	s.wants("the fifteenth; nobody holds it", about(s.on("2026-04-10 00:00")), "lead: Case 2: Kowalski Trenching Ltd. has not answered")
	s.step(id, s.lead, "no-answer", "called twice, moved away")
	s.wants("closed by a person", about(s.on("2026-04-10 09:00")), "office: Your audit registration is closed")
	s.wants("and then no more", about(s.on("2026-12-10 09:00")))
	s.sound()
}

// TestAnswer_OfARevision: the company's time to revise is counted, reminded of and,
// when it is over, put before the reviewer; the review's own clock stands meanwhile.
func TestAnswer_OfARevision(t *testing.T) {
	s := newStory(t)
	s.engine(t)
	id := s.audit("Kowalski Trenching Ltd.")
	s.paid(id)
	s.step(id, s.lead, "approve", "")
	s.submitted(id)
	s.letters()
	f, err := s.File(t.Context(), id)
	s.must(err)
	if f.Case.State != secor.StateInQA {
		t.Fatalf("the audit is %s", f.Case.State)
	}
	holder := secor.ByReviewer(f.Case.Holder)
	s.step(id, holder, "query", "", "question=The inspection records of question E2 are not attached.")
	s.letters()
	const wait = "office: A reminder: we wait for your revision"
	s.wants("the seventh day is over", about(s.on("2026-04-02 00:00")), wait)
	s.wants("the twelfth", about(s.on("2026-04-07 00:00")), wait)
	var first string
	for _, r := range f.Roster {
		if r.ID == holder.ID {
			first, _, _ = strings.Cut(r.Email, "@")
		}
	}
	s.wants("the fifteenth", about(s.on("2026-04-10 00:00")), first+": Case 2: Kowalski Trenching Ltd. has not answered")
	s.step(id, holder, "answer", "", "answer=eleven monthly inspections, scanned", "channel=portal")
	s.wants("in after all", about(s.on("2026-04-10 10:00")))
	f, err = s.File(t.Context(), id)
	s.must(err)
	for _, c := range f.Clocks {
		if c.Policy.Name == secor.PolicyRevision && c.Phase() != secor.PhaseFinished || c.Policy.Name == "qa_review" && c.Phase() != secor.PhaseRunning {
			t.Errorf("the clock of %s is %s", c.Policy.Name, c.Phase())
		}
	}
	// A second round has its own time.
	s.step(id, holder, "query", "", "question=And of question E3?")
	s.letters()
	s.wants("a second round", about(s.on("2026-04-18 00:00")), wait)
	s.wantJob(t, id, secor.JobRevisionReminder, promise.Done, 1)
	s.sound()
}

// TestAnswer_OfAnAssignment: an audit that nobody can be given goes to leads and
// administrators, and stops with its reviewer.
func TestAnswer_OfAnAssignment(t *testing.T) {
	s := newStory(t)
	s.exec(t, `UPDATE reviewers SET capacity = 0`)
	s.engine(t)
	id := s.audit("Kowalski Trenching Ltd.")
	s.paid(id)
	s.step(id, s.lead, "approve", "")
	s.submitted(id)
	s.letters()
	late := func(who, how string) string { return who + ": Case 2: " + how + "late: Assignment to a reviewer" }
	s.wants("two working days", about(s.on("2026-03-27 16:30")), late("lead", ""))
	s.wants("four", about(s.on("2026-03-31 16:30")), late("adam", "still "))
	s.wants("and then no more", slices.DeleteFunc(about(s.on("2026-04-05 16:30")), func(l string) bool { return !strings.Contains(l, "Assignment") }))
	s.sound()
}
