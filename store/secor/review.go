package secor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Submission is what a company hands in: its own marks, perhaps none, and what
// it states about itself on that day.
type Submission struct {
	Marks     []Mark // claimed; a question without one is unscored
	Months    Evidence
	LastDay   Date // last day of the assessment
	Headcount int
}

// Submit takes in a self-assessment, or in a revision the revised one. A mark
// that cannot be true refuses all of it. Blocking guards refuse it; what a person
// has to decide is recorded and keeps it from a reviewer until somebody accepts.
func (f *File) Submit(s Submission) error {
	if f.Case.Kind != SubjectAudit {
		return refuse(ErrIllegalMove, "", "case %d is not an audit", f.Case.ID)
	}
	if f.Case.State != StateOpen && f.Case.State != StateRevision {
		return refuse(ErrIllegalMove, f.whatNow(), "a submission is not possible: %s", f.standing())
	}
	err := f.checkSubmission(s)
	if err != nil {
		return err
	}
	sheet, err := f.Protocol.claim(s.Marks)
	if err != nil {
		return err
	}
	return f.attempt(func() error { return f.submit(s, sheet) })
}

func (f *File) submit(s Submission, sheet map[string]Line) error {
	if f.Audit.Round == 0 || s.Months != f.Audit.Claimed {
		f.Audit.Verified = s.Months
	}
	f.Audit.Claimed, f.Audit.LastDay, f.Audit.Headcount = s.Months, s.LastDay, s.Headcount
	f.Audit.Round++
	revised := f.Case.State == StateRevision
	changed := f.merge(sheet, revised)
	data := facts{"round": strconv.Itoa(f.Audit.Round), "marks": strconv.Itoa(len(s.Marks)), "changed": strings.Join(changed, " ")}
	asked, err := f.inquire()
	switch {
	case err != nil:
		return err
	case revised:
		return f.takeRevision(asked, data)
	default:
		return f.takeIn(asked, data)
	}
}

func (f *File) checkSubmission(s Submission) error {
	switch {
	case s.LastDay.IsZero():
		return &FieldError{Field: "last_day", Problem: "is missing: the last day of the assessment"}
	case s.LastDay.After(f.Today()):
		return &FieldError{Field: "last_day", Value: s.LastDay.String(), Problem: "is in the future"}
	case s.Headcount < 1:
		return &FieldError{Field: "headcount", Problem: "is missing: how many people work there, owners included"}
	case s.Months.Policies < 0 || s.Months.Records < 0 || s.Months.Policies > 1200 || s.Months.Records > 1200:
		return &FieldError{Field: "evidence_months", Problem: "is not a number of months"}
	}
	return nil
}

// inquire checks a submission: it returns what a person has to decide, "" when
// nothing, and refuses what stands in its way.
func (f *File) inquire() (string, error) {
	var asked, blocked []string
	for _, finding := range f.Check(MomentSubmission) {
		switch finding.Effect {
		case EffectBlock:
			blocked = append(blocked, finding.Text)
		case EffectAsk:
			asked = append(asked, finding.Text)
		default:
			f.record(EventGuardNoted, "", facts{"guard": string(finding.Guard), "moment": string(MomentSubmission)})
		}
	}
	if len(blocked) > 0 {
		return "", refuse(ErrGuard, "tell the company what is missing", "the submission cannot be taken in: %s", joinAnd(blocked))
	}
	return joinAnd(asked), nil
}

// takeIn moves a first submission on. What a person has to decide keeps it from a
// reviewer until somebody accepts it.
func (f *File) takeIn(asked string, data facts) error {
	f.Audit.Submitted = f.Now()
	if asked == "" {
		return f.move(StateSubmitted, EventAuditSubmitted, "", data)
	}
	err := f.move(StateSubmitted, EventSubmissionAsked, asked, data)
	f.Audit.Waiting = err == nil
	return err
}

// takeRevision gives a revision to the reviewer who asked for it. What a person
// has to decide keeps the reviewer from confirming until somebody accepts it.
func (f *File) takeRevision(asked string, data facts) error {
	if asked != "" {
		f.record(EventSubmissionAsked, asked, nil)
	}
	err := f.move(StateInQA, EventRevisionReceived, "", data)
	f.Audit.Waiting = err == nil && asked != ""
	return err
}

// claim turns claimed marks into a sheet that has a line for every question.
func (p *Protocol) claim(marks []Mark) (map[string]Line, error) {
	sheet := map[string]Line{}
	for _, e := range p.Elements {
		for _, q := range e.Questions {
			sheet[q.ID] = Line{}
		}
	}
	for _, m := range marks {
		checked, err := p.CheckMark(m)
		if err != nil {
			return nil, err
		}
		if sheet[m.Question].Claimed != nil {
			return nil, &FieldError{Field: "question " + m.Question, Problem: "is marked twice"}
		}
		sheet[m.Question] = Line{Claimed: &checked}
	}
	return sheet, nil
}

// merge takes over a new sheet. What the reviewer verified in an earlier round is
// kept, except where the company now claims something else. It returns the
// questions of which that is so.
func (f *File) merge(sheet map[string]Line, revised bool) []string {
	var changed []string
	for id, line := range sheet {
		old := f.Sheet[id]
		switch {
		case sameMark(old.Claimed, line.Claimed):
			line.Verified = old.Verified
		case revised:
			line.Verified = line.Claimed
			changed = append(changed, id)
		case old.Verified != nil:
			changed = append(changed, id)
		}
		sheet[id] = line
	}
	f.Sheet = sheet
	slices.Sort(changed)
	return changed
}

func sameMark(a, b *Mark) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// reviewBegun reports whether a reviewer has ever taken the sheet up; one
// without any marks shows it only by its state.
func (f *File) reviewBegun() bool {
	if f.Case.State == StateInQA || f.Case.State == StateRevision {
		return true
	}
	for _, line := range f.Sheet {
		if line.Verified != nil {
			return true
		}
	}
	return false
}

func reviewSteps() []Step {
	return []Step{
		{Name: "accept", Label: "Accept Submission", Help: "Accept a submission whose check left a question open.", Example: `accept 14 --accept headcount --reason "11 on paper, 10 at work"`,
			Kind: SubjectAudit, From: []State{StateSubmitted, StateInQA}, Who: leads, Accepts: MomentSubmission, when: waiting, do: (*File).acceptSubmission},
		{Name: "assign", Label: "Assign", Help: "Give the audit to a reviewer; to the least loaded one when none is named.", Example: "assign 14 --reviewer 3",
			Kind: SubjectAudit, From: []State{StateSubmitted, StateInQA, StateRevision}, Who: machine, Assigns: true,
			Fields: []Field{{Name: "reviewer", Help: "who reviews it", Type: FieldReviewer}}, do: (*File).assign},
		{Name: "take", Label: "Take", Help: "Take the audit; you are its reviewer.", Example: "take 14",
			Kind: SubjectAudit, From: []State{StateSubmitted}, Who: anyone, Assigns: true, do: (*File).takeAudit},
		{Name: "release", Label: "Hand Back", Help: "Put the audit back into the queue.", Example: `release 14 --reason "on leave from Monday"`,
			Kind: SubjectAudit, From: []State{StateInQA}, Who: anyone, Reason: true, do: (*File).handBack},
		{Name: "mark", Label: "Change a Mark", Help: "Change the verified mark of a question.", Example: `mark 14 --question C2 --awarded 3.50 --reason "two of four forms unsigned"`,
			Kind: SubjectAudit, From: []State{StateInQA}, Who: anyone, Holder: true, Reason: true,
			Fields: []Field{
				{Name: "question", Help: "id of the question", Type: FieldText, Required: true},
				{Name: "awarded", Help: "points awarded", Type: FieldPoints},
				{Name: "available", Help: "points that could be had; the question's points when left out", Type: FieldPoints},
				{Name: "na", Help: "not applicable", Type: FieldBool},
			}, do: (*File).changeMark},
		{Name: "months", Label: "Verify Months", Help: "Set the months of documentation as found.", Example: `months 14 --policies 12 --records 11 --reason "first record in March"`,
			Kind: SubjectAudit, From: []State{StateInQA}, Who: anyone, Holder: true, Reason: true,
			Fields: []Field{
				{Name: "policies", Help: "months of policy documents", Type: FieldInt, Required: true},
				{Name: "records", Help: "months of records", Type: FieldInt, Required: true},
			}, do: (*File).verifyMonths},
		{Name: "return", Label: "Return", Help: "Give the submission back to be done again; marks are kept.", Example: `return 14 --reason "pages 3 to 9 are another company's"`,
			Kind: SubjectAudit, From: []State{StateSubmitted, StateInQA}, Who: anyone, Reason: true, do: (*File).returnAudit},
		{Name: "confirm", Label: "Confirm Score", Help: "Confirm the verified sheet; the verdict is computed now.", Example: "confirm 14",
			Kind: SubjectAudit, From: []State{StateInQA}, Who: anyone, Holder: true, Accepts: MomentReview, do: (*File).confirm},
		{Name: "told", Label: "Told the Company", Help: "Record that the company was told of its pass before the letter: by phone, at a visit.", Example: "told 14 --channel phone",
			Kind: SubjectAudit, From: []State{StateQAComplete}, Who: anyone,
			Fields: []Field{{Name: "channel", Help: "how", Type: FieldChoice, Choices: Channels(), Required: true}}, when: untold, do: (*File).told},
		{Name: "not-review", Label: "Do Not Review", Help: "Close an audit that will not be reviewed: late, not in good standing.", Example: `not-review 14 --reason "submitted after the certificate expired"`,
			Kind: SubjectAudit, From: []State{StateInQA}, Who: leads, Reason: true, do: (*File).notReview},
		{Name: "grant-one-year", Label: "Grant One Year", Help: "Propose, and as a second person grant, a one-year certificate.", Example: `grant-one-year 14 --reason "seven months, all in order"`,
			Kind: SubjectAudit, From: []State{StateQAComplete}, Who: anyone, Reason: true, when: yearUndecided, do: (*File).grantOneYear},
		{Name: "decline-one-year", Label: "Decline One Year", Help: "Decide that a pass on few months earns no certificate.", Example: `decline-one-year 14 --reason "records of three months only"`,
			Kind: SubjectAudit, From: []State{StateQAComplete}, Who: leads, Reason: true, when: yearUndecided, do: (*File).declineOneYear},
		{Name: "appeal", Label: "Appeal", Help: "Have somebody else review an audit again that failed or was declined.", Example: `appeal 14 --reason "letter of 3 May" --reviewer 4`,
			Kind: SubjectAudit, From: []State{StateQAComplete}, Who: leads, Reason: true, Assigns: true,
			Fields: []Field{{Name: "reviewer", Help: "who reviews it; the least loaded one when none is named", Type: FieldReviewer}}, when: uncertified, do: (*File).appeal},
	}
}

func (f *File) holderOnly() error {
	return Step{Label: "This", Holder: true, Who: anyone}.allow(f)
}

func (f *File) acceptSubmission(Input) error {
	if !f.Audit.Waiting {
		return refuse(ErrIllegalMove, f.whatNow(), "the submission waits for no decision")
	}
	f.Audit.Waiting = false
	f.record(EventSubmissionAccepted, f.act.Reason, nil)
	return nil
}

// notWaiting refuses to give an audit to anybody while a person has to accept
// what the check of the submission left open.
func (f *File) notWaiting() error {
	if f.Audit.Waiting {
		return refuse(ErrGuard, "a lead accepts the submission first", "the check of the submission left a question open")
	}
	return nil
}

// changeMark sets the verified mark of one question and records the old one.
func (f *File) changeMark(in Input) error {
	m := Mark{Question: in.text("question"), Awarded: in.points("awarded"), Available: in.points("available"), NA: in.is("na")}
	switch {
	case !m.NA && !in.has("awarded"):
		return &FieldError{Field: "awarded", Problem: "is missing: points, or say that the question is not applicable"}
	case in.has("available") && m.Available == 0:
		return &FieldError{Field: "available", Problem: "is 0; say that the question is not applicable instead"}
	}
	checked, err := f.Protocol.CheckMark(m)
	if err != nil {
		return err
	}
	line := f.Sheet[m.Question]
	f.record(EventMarkChanged, f.act.Reason, facts{"question": m.Question, "from": line.Verified.words(), "to": checked.words()})
	line.Verified = &checked
	f.Sheet[m.Question] = line
	return nil
}

func (m *Mark) words() string {
	switch {
	case m == nil:
		return "unscored"
	case m.NA:
		return "n/a"
	default:
		return m.Awarded.String() + "/" + m.Available.String()
	}
}

func (f *File) verifyMonths(in Input) error {
	found := Evidence{Policies: int(in.count("policies")), Records: int(in.count("records"))}
	if max(found.Policies, found.Records) > 1200 {
		return &FieldError{Field: "policies, records", Problem: "are months, not days"}
	}
	f.record(EventMonthsVerified, f.act.Reason, facts{
		"from": fmt.Sprintf("%d/%d", f.Audit.Verified.Policies, f.Audit.Verified.Records),
		"to":   fmt.Sprintf("%d/%d", found.Policies, found.Records)})
	f.Audit.Verified = found
	return nil
}

func (f *File) returnAudit(Input) error {
	if f.Case.State == StateInQA {
		err := f.holderOrLead()
		if err != nil {
			return err
		}
	}
	// The marks are kept, and so is who knows them.
	f.Audit.Prefer, f.Case.Holder = f.Case.Holder, 0
	return f.move(StateOpen, EventAuditReturned, f.act.Reason, nil)
}

func (f *File) holderOrLead() error {
	role, err := f.roleOf(f.act.By)
	if err != nil || role != RoleReviewer {
		return err
	}
	return f.holderOnly()
}

// Score judges the verified sheet by the rules of the case's edition.
func (f *File) Score() (Score, error) {
	var marks []Mark
	for _, line := range f.Sheet {
		if line.Verified != nil {
			marks = append(marks, *line.Verified)
		}
	}
	return f.Protocol.Judge(marks, f.Edition.PassMarks[f.Audit.Purpose])
}

// confirm computes the verdict from the verified sheet, never from the claimed
// one and never before its reviewer says so. A pass on fewer than the normal
// months waits for two people to grant one year.
func (f *File) confirm(Input) error {
	err := f.notWaiting()
	if err != nil {
		return err
	}
	score, err := f.Score()
	if err != nil {
		return err
	}
	months := f.Audit.Verified.Months()
	switch {
	case score.Verdict == VerdictNotScored:
		return refuse(ErrNotScored, "mark them or ask the company", "%s", joinAnd(score.Reasons))
	case months < f.Edition.Months.OneYear:
		return refuse(ErrGuard, "return the submission", "verified months of documentation: %d; at least %d are needed", months, f.Edition.Months.OneYear)
	}
	f.Audit.Result, f.Audit.Reviewer = score.Verdict, f.act.By.ID
	f.Audit.Term = 0
	if f.certifies() {
		f.Audit.Term = f.Edition.Months.Term(score.Verdict, months)
	}
	data := facts{"awarded": score.Awarded.String(), "available": score.Available.String(),
		"percent": Percent(score.Awarded, score.Available), "months": strconv.Itoa(months)}
	if score.Verdict == VerdictFail {
		return f.move(StateQAComplete, EventAuditFailed, "", data)
	}
	if f.Audit.Term == 1 {
		f.Audit.Term = 0
		return f.move(StateQAComplete, EventAuditPassedShort, "", data)
	}
	data["term"] = strconv.Itoa(f.Audit.Term)
	err = f.move(StateQAComplete, EventAuditPassed, "", data)
	if err != nil {
		return err
	}
	return f.passed()
}

// certifies reports whether a pass leads to a new certificate.
func (f *File) certifies() bool { return f.Audit.Purpose != PurposeMaintenance }

// passed starts the promise to tell the company, and makes its certificate due.
func (f *File) passed() error {
	err := f.startClock(PolicyNotification, f.act.at(f.now))
	if err != nil || !f.certifies() {
		return err
	}
	f.certificateDue(0)
	return nil
}

// When a step makes sense in the state in which it is offered.

func waiting(f *File) bool { return f.Audit.Waiting }

func yearUndecided(f *File) bool { return f.undecidedYear() == nil }

// untold reports a pass of which the company has not been told.
func untold(f *File) bool {
	return f.Audit.Result == VerdictPass && !f.Audit.Declined && !yearUndecided(f) && f.Audit.Notified.IsZero()
}

// uncertified reports a result that an appeal can change: a fail, a declined
// year, or a pass whose certificate was revoked.
func uncertified(f *File) bool {
	return f.Audit.Result == VerdictFail || f.Audit.Declined || certificateIn(StateRevoked)(f)
}

func (f *File) undecidedYear() error {
	if f.Audit.Result != VerdictPass || f.Audit.Term != 0 || !f.certifies() || f.Audit.Declined {
		return refuse(ErrIllegalMove, "", "no one-year certificate is to be decided here")
	}
	return nil
}

// grantOneYear is a proposal the first time and, by another person, a grant.
//
// Source: the programme page, three months "may be eligible to receive a one
// year SECOR"; that a person decides, and a second one agrees, is ours.
func (f *File) grantOneYear(Input) error {
	err := f.undecidedYear()
	if err != nil {
		return err
	}
	switch f.Audit.Proposer {
	case 0:
		f.Audit.Proposer = f.act.By.ID
		f.Case.Version++ // who saw a card without the proposal must not second it
		f.record(EventOneYearProposed, f.act.Reason, nil)
		return nil
	case f.act.By.ID:
		return refuse(ErrSecondPerson, "ask a lead or another reviewer", "you proposed the one-year certificate yourself")
	}
	f.Audit.Term = 1
	f.record(EventOneYearGranted, f.act.Reason, facts{"proposer": strconv.FormatInt(f.Audit.Proposer, 10)})
	return f.passed()
}

func (f *File) declineOneYear(Input) error {
	err := f.undecidedYear()
	if err != nil {
		return err
	}
	f.Audit.Declined = true
	f.record(EventOneYearDeclined, f.act.Reason, nil)
	return nil
}

// told starts the ten days by another channel than the letter.
func (f *File) told(in Input) error {
	switch {
	case untold(f):
		return f.notified(in.text("channel"))
	case f.Audit.Notified.IsZero():
		return refuse(ErrIllegalMove, "", "there is no pass to tell the company of")
	default:
		return refuse(ErrIllegalMove, "", "the company was told on %s", f.Audit.Notified)
	}
}

func (f *File) notReview(Input) error {
	return f.move(StateNotReviewed, EventAuditNotReviewed, f.act.Reason, nil)
}

// appeal gives an audit that holds no certificate to a reviewer who did not
// judge it, as a new cycle of the review's clock. The verified sheet is kept.
func (f *File) appeal(in Input) error {
	switch {
	case uncertified(f):
	case yearUndecided(f):
		return refuse(ErrIllegalMove, "grant or decline one year first", "the audit did not fail")
	default:
		return refuse(ErrIllegalMove, "revoke its certificate first", "the audit did not fail")
	}
	err := f.alone()
	if err != nil {
		return err
	}
	pick, err := f.pick(in)
	if err != nil {
		return err
	}
	f.Case.Holder, f.Audit.Prefer, f.Audit.Avoid = pick.Reviewer.ID, 0, 0
	f.Audit.Result, f.Audit.Term, f.Audit.Proposer, f.Audit.Declined, f.Audit.Notified = "", 0, 0, false, Date{}
	return f.move(StateInQA, EventAuditAppealed, f.act.Reason, pick.facts())
}
