package secor

import (
	"fmt"
	"slices"
	"strings"
)

// Finding is a guard that a company does not pass, and what that means here.
type Finding struct {
	Guard  Guard
	Effect Effect
	Text   string
}

// momentGuards says which guards are checked when. Conflict is about the person
// who acts and is checked with the roles.
var momentGuards = map[Moment][]Guard{
	MomentRequest:      {GuardHeadcount, GuardRegistration, GuardCourse, GuardProfiles},
	MomentRegistration: {GuardHeadcount, GuardRegistration, GuardCourse, GuardPayment, GuardMonths},
	MomentSubmission: {GuardHeadcount, GuardRegistration, GuardCourse, GuardPayment, GuardMonths,
		GuardDuplicate, GuardName, GuardNearName, GuardUnscored},
	MomentReview: {GuardPayment},
}

// Check returns what stands in a company's way at a moment, in the order of Guards.
func (f *File) Check(m Moment) []Finding {
	var findings []Finding
	for _, g := range momentGuards[m] {
		text := f.missing(g)
		if text == "" {
			continue
		}
		findings = append(findings, Finding{Guard: g, Effect: f.Edition.Effect(g, m, f.Case.Body), Text: text})
	}
	return findings
}

// missing says what a guard finds wanting; "" when nothing.
func (f *File) missing(g Guard) string {
	switch g {
	case GuardHeadcount:
		if f.headcount() > f.Edition.MaxHeadcount {
			return fmt.Sprintf("%d people; the programme is for companies of %d or fewer", f.headcount(), f.Edition.MaxHeadcount)
		}
	case GuardRegistration:
		return f.missingRegistration()
	case GuardCourse:
		return f.missingCourse()
	case GuardPayment:
		if inState(StateRegistered, StateAwaitingPayment)(f) {
			return "" // nothing can be paid before it is invoiced
		}
		if invoice := f.Invoice(); invoice != nil && invoice.State != StatePaid && invoice.State != StateVoid {
			return fmt.Sprintf("invoice %s is not paid: %s is owed", invoice.Number(), invoice.Balance())
		}
	case GuardProfiles:
		return f.missingProfile()
	case GuardMonths:
		if months := f.Audit.Claimed.Months(); months < f.Edition.Months.OneYear {
			return fmt.Sprintf("months of documentation: %d; at least %d are needed", months, f.Edition.Months.OneYear)
		}
	default:
		return f.intake(g)
	}
	return ""
}

// intake says what the check of a submission finds wanting in the sheet itself; ""
// before there is one.
//
// Source: domain.md 1.7, the errors of submissions to a portal of sister organisations.
func (f *File) intake(g Guard) string {
	if f.Audit == nil || f.Audit.Round == 0 {
		return ""
	}
	switch g {
	case GuardDuplicate:
		if f.Audit.Twin != 0 {
			return fmt.Sprintf("the same sheet of the same day came in on case %d", f.Audit.Twin)
		}
	case GuardName:
		return f.otherCompany()
	case GuardNearName:
		if name := f.Audit.Stated.LegalName; name != "" && name != f.Company.LegalName && NearName(name) == NearName(f.Company.LegalName) {
			return fmt.Sprintf("the submission writes the name %q; %q is on file", name, f.Company.LegalName)
		}
	case GuardUnscored:
		return f.notScored()
	}
	return ""
}

// otherCompany says that a submission names another company, or another account
// with the case's body, than is on file.
func (f *File) otherCompany() string {
	name, account := f.Audit.Stated.LegalName, f.Audit.Stated.Account
	for _, r := range f.Registrations {
		if r.Body == f.Case.Body && account != "" && account != r.Account {
			return fmt.Sprintf("the submission states the account %s; %s is on file", account, r.Account)
		}
	}
	if name != "" && NearName(name) != NearName(f.Company.LegalName) && NearName(name) != NearName(f.Company.TradeName) {
		return fmt.Sprintf("the submission is of %q; %q is on file", name, f.Company.LegalName)
	}
	return ""
}

func (f *File) notScored() string {
	var missing []string
	all := 0
	for _, e := range f.Protocol.Elements {
		for _, q := range e.Questions {
			all++
			if f.Sheet[q.ID].Claimed == nil {
				missing = append(missing, q.ID)
			}
		}
	}
	switch {
	case len(missing) == 0:
		return ""
	case len(missing) == all:
		return "the company did not score it; its reviewer does, or the company hands in the marks"
	default:
		return "not scored by the company: " + joinAnd(missing)
	}
}

func (f *File) headcount() int {
	if f.Audit != nil {
		return f.Audit.Headcount
	}
	return f.Request.Headcount
}

func (f *File) missingRegistration() string {
	missing := "no account with " + f.Body.Name + " is on file"
	for _, r := range f.Registrations {
		switch {
		case r.Body != f.Case.Body:
			continue
		case !r.GoodStanding:
			return "an account with " + f.Body.Name + " is not in good standing"
		}
		missing = ""
	}
	return missing
}

// missingCourse looks at the last day of the assessment once it is known, and at
// the day of the step before that.
func (f *File) missingCourse() string {
	day := f.Today()
	if f.Audit != nil && !f.Audit.LastDay.IsZero() {
		day = f.Audit.LastDay
	}
	var expired Date
	for _, p := range f.People {
		for _, c := range p.Courses {
			if c.ValidOn(f.Edition.Course, day) {
				return ""
			}
			if c.Name == f.Edition.Course.Name && c.CompletedOn.After(expired) && !c.CompletedOn.After(day) {
				expired = c.CompletedOn
			}
		}
	}
	if !expired.IsZero() {
		return fmt.Sprintf("the course %q was valid until %s", f.Edition.Course.Name, expired.AddYears(f.Edition.Course.ValidYears))
	}
	return fmt.Sprintf("nobody holds the course %q on %s", f.Edition.Course.Name, day)
}

// guard refuses a step whose guards block, or ask without being accepted. What
// was accepted, and what was only to be noted, is recorded.
func (f *File) guard(m Moment, accepted []string) error {
	if len(accepted) > 0 && f.act.Reason == "" {
		return refuse(ErrField, "say why", "accepting a finding wants a reason")
	}
	var blocked, asked []string
	for _, finding := range f.Check(m) {
		g := string(finding.Guard)
		switch {
		case finding.Effect == EffectBlock:
			blocked = append(blocked, finding.Text)
		case finding.Effect == EffectAsk && f.acceptedBefore(m, finding.Guard):
		case finding.Effect == EffectAsk && !slices.Contains(accepted, g):
			asked = append(asked, fmt.Sprintf("%s (%s)", finding.Text, g))
		case finding.Effect == EffectAsk:
			f.keepAccepted(m, finding.Guard)
			f.record(EventGuardWaived, f.act.Reason, facts{"guard": g, "moment": string(m)})
		default:
			f.record(EventGuardNoted, "", facts{"guard": g, "moment": string(m)})
		}
	}
	if len(blocked) > 0 {
		return refuse(ErrGuard, "put it right or refuse the company", "%s", strings.Join(blocked, "; "))
	}
	if len(asked) > 0 {
		return refuse(ErrGuard, "accept it by name with a reason, or ask the company", "a person must decide: %s", strings.Join(asked, "; "))
	}
	return nil
}

// acceptedBefore reports a finding that somebody accepted for the submission that
// is here. It is not asked about again when the audit waits for another reason.
func (f *File) acceptedBefore(m Moment, g Guard) bool {
	return m == MomentSubmission && slices.Contains(f.Audit.Accepted, g)
}

func (f *File) keepAccepted(m Moment, g Guard) {
	if m == MomentSubmission {
		f.Audit.Accepted = append(slices.Clip(f.Audit.Accepted), g)
	}
}

// conflicted refuses a person of the desk who has a conflict of interest with
// the company on the day of the act, or today: dating a step back is no way out.
func (f *File) conflicted(reviewer int64) error {
	recorded := DateOf(f.now, f.Programme.Calendars[f.Programme.Office].Zone)
	if !inConflict(reviewer, f.Conflicts, f.Today()) && !inConflict(reviewer, f.Conflicts, recorded) {
		return nil
	}
	r, _ := f.reviewer(reviewer)
	return refuse(ErrConflict, "let somebody else do it", "%s has a conflict of interest with this company", r.Name)
}
