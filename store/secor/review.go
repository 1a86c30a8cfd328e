package secor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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
// kept, except where the company now claims something else; there, what the
// reviewer agreed to in that element is to be looked at again.
func (f *File) merge(sheet map[string]Line) {
	begun := f.reviewBegun()
	for id, line := range sheet {
		old := f.Sheet[id]
		switch {
		case sameMark(old.Claimed, line.Claimed):
			line.Verified = old.Verified
		case f.unscored() && old.Verified != nil: // the reviewer scored it before the company did
			line.Verified = old.Verified
		case begun && f.Case.State != StateOpen:
			line.Verified = line.Claimed
			f.disagree(id)
		default:
			f.disagree(id)
		}
		sheet[id] = line
	}
	f.Sheet = sheet
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
			Kind: SubjectAudit, From: []State{StateSubmitted, StateInQA, StateRevision}, Who: leads, Accepts: MomentSubmission, when: waiting, do: (*File).acceptSubmission},
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
		{Name: "agree", Label: "Agree with an Element", Help: "Record that you looked at an element and leave it as it is verified.", Example: "agree 14 --element C",
			Kind: SubjectAudit, From: []State{StateInQA}, Who: anyone, Holder: true,
			Fields: []Field{{Name: "element", Help: "id of the element", Type: FieldText, Required: true}}, do: (*File).agree},
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
	f.takeIn()
	return f.resumeReview()
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
	if sameMark(line.Verified, &checked) {
		return &FieldError{Field: "question " + m.Question, Problem: "is verified with " + checked.Words() + " already; agree with its element instead"}
	}
	f.record(EventMarkChanged, f.act.Reason, facts{"question": m.Question, "from": line.Verified.Words(), "to": checked.Words()})
	line.Verified = &checked
	f.Sheet[m.Question] = line
	f.look(f.elementOf(m.Question))
	return nil
}

// Words returns a mark as a person reads it: "3.50/5.00", "n/a", and "unscored"
// where there is none.
func (m *Mark) Words() string {
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
	f.Audit.TakenIn, f.Audit.TakenAs = Date{}, 0 // what the company is told of next is another submission
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
	return f.Protocol.Judge(f.marks(verified), f.Edition.PassMarks[f.Audit.Purpose])
}

// Preliminary judges the sheet as the company claims it. It is for the people of
// the desk alone, and never a result.
func (f *File) Preliminary() (Score, error) {
	return f.Protocol.Judge(f.marks(claimed), f.Edition.PassMarks[f.Audit.Purpose])
}

// ShowPreliminary is Preliminary for the person who acts: who holds the audit, a lead
// or an administrator, and once the score is confirmed anybody of the desk. One in
// conflict is refused, for it says how a company of theirs will fare.
func (f *File) ShowPreliminary() (Score, error) {
	err := Step{Label: "The preliminary score", Who: anyone}.allow(f)
	if err != nil {
		return Score{}, err
	}
	if f.Audit.Result == "" {
		err = f.holderOrLead()
		if err != nil {
			return Score{}, err
		}
	}
	return f.Preliminary()
}

func claimed(l Line) *Mark  { return l.Claimed }
func verified(l Line) *Mark { return l.Verified }

// marks returns one side of the sheet.
func (f *File) marks(side func(Line) *Mark) []Mark {
	var marks []Mark
	for _, line := range f.Sheet {
		if m := side(line); m != nil {
			marks = append(marks, *m)
		}
	}
	return marks
}

// agree records that the holder looked at an element and leaves it as it is
// verified, so that a confirmed score says what was looked at.
func (f *File) agree(in Input) error {
	id := in.text("element")
	i := slices.IndexFunc(f.Protocol.Elements, func(e Element) bool { return e.ID == id })
	if i < 0 {
		return &FieldError{Field: "element", Value: id, Problem: "is not in protocol " + f.Protocol.Name}
	}
	if slices.Contains(f.agreed(), id) {
		return refuse(ErrIllegalMove, "", "you agreed with element %s already, or changed a mark of it", id)
	}
	for _, q := range f.Protocol.Elements[i].Questions {
		if f.Sheet[q.ID].Verified == nil {
			return refuse(ErrNotScored, "mark it first", "question %s is not scored", q.ID)
		}
	}
	f.look(id)
	f.record(EventElementAgreed, f.act.Reason, facts{"element": id, "round": strconv.Itoa(f.Audit.Round)})
	return nil
}

func (f *File) agreed() []string { return strings.Fields(f.Audit.Agreed) }

// look remembers that the holder looked at an element.
func (f *File) look(element string) {
	if !slices.Contains(f.agreed(), element) {
		f.Audit.Agreed = strings.Join(append(f.agreed(), element), " ")
	}
}

// disagree forgets that the element of a question was looked at.
func (f *File) disagree(question string) {
	element := f.elementOf(question)
	f.Audit.Agreed = strings.Join(slices.DeleteFunc(f.agreed(), func(id string) bool { return id == element }), " ")
}

func (f *File) elementOf(question string) string {
	for _, e := range f.Protocol.Elements {
		if slices.ContainsFunc(e.Questions, func(q Question) bool { return q.ID == question }) {
			return e.ID
		}
	}
	return ""
}

// Unlooked returns the elements that the present holder neither agreed with nor
// changed a mark of, in the protocol's order. What somebody did who held the audit
// before does not count.
func (f *File) Unlooked() []string {
	var unlooked []string
	for _, e := range f.Protocol.Elements {
		if !slices.Contains(f.agreed(), e.ID) {
			unlooked = append(unlooked, e.ID)
		}
	}
	return unlooked
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
	err = f.unsettled()
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
	f.Audit.Judges = append(slices.Clip(f.Audit.Judges), f.act.By.ID)
	f.Audit.Term = 0
	if f.certifies() {
		f.Audit.Term = f.Edition.Months.Term(score.Verdict, months)
	}
	data := facts{"awarded": score.Awarded.String(), "available": score.Available.String(),
		"percent": Percent(score.Awarded, score.Available), "months": strconv.Itoa(months), "unlooked": strings.Join(f.Unlooked(), " ")}
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

// Untold reports whether the case is an audit that passed and whose company has not
// heard of it by any channel.
func (f *File) Untold() bool { return f.Audit != nil && untold(f) }

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
	data := pick.facts()
	err = f.earlier(data)
	if err != nil {
		return err
	}
	f.give(pick.Reviewer.ID)
	f.Audit.Result, f.Audit.Term, f.Audit.Proposer, f.Audit.Declined, f.Audit.Notified = "", 0, 0, false, Date{}
	return f.move(StateInQA, EventAuditAppealed, f.act.Reason, data)
}

// earlier keeps of the result that is appealed what the next reviewer is told.
func (f *File) earlier(data facts) error {
	score, err := f.Score()
	if err != nil {
		return err
	}
	data["earlier"], data["percent"] = string(f.Audit.Result), Percent(score.Awarded, score.Available)
	switch {
	case f.Audit.Declined:
		data["earlier"] = "pass, without a certificate"
	case f.Audit.Result == VerdictPass:
		data["earlier"] = "pass, certificate revoked"
	}
	return nil
}
