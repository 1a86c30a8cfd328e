package secor

import (
	"slices"
	"strconv"
	"strings"
)

// Submission is what a company hands in: its own marks, perhaps none, and what
// it states about itself on that day.
type Submission struct {
	Marks       []Mark // claimed; a question without one is unscored
	Months      Evidence
	LastDay     Date // last day of the assessment
	Headcount   int
	LegalName   string     // as the submission states it; "" when it does not
	Account     string     // with the governing body, as the submission states it; "" when it does not
	EvidenceURL string     // where the evidence is kept; "" when it does not say
	Resolved    []Response // what the company says to the reviewer's notes; only in a revision
}

// Stated is what the last submission says about the company, in its own words.
type Stated struct {
	LegalName   string
	Account     string // normalised
	EvidenceURL string
}

// TakesSubmission reports whether a company can hand something in now: a first
// submission, a revision, or the marks of one that came without any.
func (f *File) TakesSubmission() bool {
	return f.Audit != nil && (inState(StateOpen, StateRevision)(f) || f.unscored())
}

// unscored reports a submission that is with this office and bears no claimed
// mark. Small companies hand in notes and evidence first and score in a second
// step, or leave the scoring to the reviewer.
//
// Source: domain.md 1.7, "SECORs often arrive unscored".
func (f *File) unscored() bool {
	return inState(StateSubmitted, StateInQA)(f) && f.claimedQuestions() == 0
}

func (f *File) claimedQuestions() int {
	claimed := 0
	for _, line := range f.Sheet {
		if line.Claimed != nil {
			claimed++
		}
	}
	return claimed
}

// Scored reports whether the company has marked a question of what it handed in.
func (f *File) Scored() bool { return f.claimedQuestions() > 0 }

// Submit takes in a self-assessment, in a revision the revised one, and for one
// that came without marks its marks. A value that cannot be true refuses all of
// it. Blocking guards refuse it; what a person has to decide is recorded and keeps
// it from a reviewer until somebody accepts.
func (f *File) Submit(s Submission) error {
	if f.Case.Kind != SubjectAudit {
		return refuse(ErrIllegalMove, "", "case %d is not an audit", f.Case.ID)
	}
	if !f.TakesSubmission() {
		return refuse(ErrIllegalMove, f.whatNow(), "a submission is not possible: %s", f.standing())
	}
	stated, err := f.checkSubmission(s)
	if err != nil {
		return err
	}
	sheet, err := f.Protocol.claim(s.Marks)
	if err != nil {
		return err
	}
	if f.unscored() && len(s.Marks) == 0 {
		return &FieldError{Field: "marks", Problem: "are missing: the submission is here without them, and now takes nothing else"}
	}
	return f.attempt(func() error { return f.submit(s, stated, sheet) })
}

func (f *File) submit(s Submission, stated Stated, sheet map[string]Line) error {
	from, before, taken := f.Case.State, f.asked(), f.takenAway()
	err := f.respond(s.Resolved)
	if err != nil {
		return err
	}
	data := facts{"round": strconv.Itoa(f.Audit.Round + 1), "marks": strconv.Itoa(len(s.Marks))}
	f.compareSheets(s, stated, sheet, data)
	f.takeOver(s, stated, sheet)
	received := f.keepRound()
	err = f.findTwin(from == StateOpen)
	if err != nil {
		return err
	}
	asked, err := f.inquire()
	if err != nil {
		return err
	}
	switch from {
	case StateRevision:
		err = f.revised("", data)
	case StateOpen:
		f.Audit.Submitted = f.Now()
		err = f.move(StateSubmitted, EventAuditSubmitted, "", data)
	case StateSubmitted:
		f.record(EventSubmissionScored, "", data)
		asked = f.stillAsked(asked, before)
	default:
		f.record(EventSheetScored, "", data)
		asked = f.stillAsked(asked, before)
	}
	if err != nil {
		return err
	}
	f.record(EventSubmissionReceived, "", received)
	f.wait(asked)
	f.Audit.Waiting = f.Audit.Waiting || taken
	return nil
}

// takeOver puts what was handed in into the file.
func (f *File) takeOver(s Submission, stated Stated, sheet map[string]Line) {
	if f.Audit.Round == 0 || s.Months != f.Audit.Claimed {
		f.Audit.Verified = s.Months
	}
	if !f.unscored() { // marks that follow belong to the submission that was accepted
		f.Audit.Accepted = nil
	}
	f.Audit.Claimed, f.Audit.LastDay, f.Audit.Headcount, f.Audit.Stated = s.Months, s.LastDay, s.Headcount, stated
	f.Audit.Round++
	f.merge(sheet)
}

// wait keeps a submission for a person to decide what its check has found; one
// without such a finding is taken in.
func (f *File) wait(asked []Finding) {
	f.Audit.Waiting = len(asked) > 0
	if !f.Audit.Waiting {
		f.takeIn()
		return
	}
	var texts, guards []string
	for _, finding := range asked {
		texts, guards = append(texts, finding.Text), append(guards, string(finding.Guard))
	}
	f.record(EventSubmissionAsked, strings.Join(texts, "; "), facts{"guards": strings.Join(guards, " ")})
}

// takeIn records that the submission goes to a review, the first time: from now on
// the company may say that its audit is being reviewed.
func (f *File) takeIn() {
	if !f.Audit.TakenIn.IsZero() {
		return
	}
	f.Audit.TakenIn, f.Audit.TakenAs = f.Today(), f.Audit.Round
	f.record(EventSubmissionTakenIn, "", facts{"round": strconv.Itoa(f.Audit.Round)})
}

func (f *File) checkSubmission(s Submission) (Stated, error) {
	var stated Stated
	switch {
	case s.LastDay.IsZero():
		return stated, &FieldError{Field: "last_day", Problem: "is missing: the last day of the assessment"}
	case s.LastDay.After(f.Today()):
		return stated, &FieldError{Field: "last_day", Value: s.LastDay.String(), Problem: "is in the future"}
	case s.Headcount < 1:
		return stated, &FieldError{Field: "headcount", Problem: "is missing: how many people work there, owners included"}
	case s.Months.Policies < 0 || s.Months.Records < 0 || s.Months.Policies > 1200 || s.Months.Records > 1200:
		return stated, &FieldError{Field: "evidence_months", Problem: "is not a number of months"}
	}
	var err error
	stated.LegalName, err = CleanName("legal_name", s.LegalName)
	if err != nil {
		return stated, err
	}
	if s.Account != "" {
		stated.Account, err = f.Body.NormalAccount(s.Account)
	}
	if err != nil {
		return stated, err
	}
	stated.EvidenceURL, err = f.Edition.CheckEvidenceURL(s.EvidenceURL)
	return stated, Named("evidence_url", err)
}

// asked returns the findings of the present submission that a person has to decide.
func (f *File) asked() []Finding {
	var asked []Finding
	for _, finding := range f.Check(MomentSubmission) {
		if finding.Effect == EffectAsk {
			asked = append(asked, finding)
		}
	}
	return asked
}

// stillAsked leaves out what somebody has accepted already: the marks of a
// submission that is here do not open the same question again.
func (f *File) stillAsked(asked, before []Finding) []Finding {
	if f.Audit.Waiting {
		return asked
	}
	return slices.DeleteFunc(asked, func(finding Finding) bool { return slices.Contains(before, finding) })
}

// inquire checks a submission: it returns what a person has to decide, and refuses
// what stands in its way.
func (f *File) inquire() ([]Finding, error) {
	var asked []Finding
	var blocked []string
	for _, finding := range f.Check(MomentSubmission) {
		switch finding.Effect {
		case EffectBlock:
			blocked = append(blocked, finding.Text)
		case EffectAsk:
			asked = append(asked, finding)
		default:
			f.record(EventGuardNoted, finding.Text, facts{"guard": string(finding.Guard), "moment": string(MomentSubmission)})
		}
	}
	if len(blocked) > 0 {
		return nil, refuse(ErrGuard, "tell the company what is missing", "the submission cannot be taken in: %s", joinAnd(blocked))
	}
	return asked, nil
}

// findTwin looks whether the same sheet came in before. A revision, and marks that
// follow, may well be what the audit has itself; only a new submission may not.
func (f *File) findTwin(first bool) error {
	f.Audit.Twin = 0
	if f.SameSheet == nil || f.claimedQuestions() == 0 {
		return nil
	}
	twins, err := f.SameSheet(f.sheetSum())
	if err != nil {
		return err
	}
	for _, id := range twins {
		if id != f.Case.ID || first {
			f.Audit.Twin = id
			return nil
		}
	}
	return nil
}
