package schema

import (
	"fmt"
	"strings"

	"secordesk/store/secor"
)

// editionFile is a file of schema/programme.
type editionFile struct {
	Schema string `json:"$schema"`
	ID     string `json:"id"`
	Title  string `json:"title"`
	origin
	Example       bool                           `json:"example"`
	EffectiveFrom sourced[date]                  `json:"effective_from"`
	Protocol      sourced[string]                `json:"protocol"`
	PassMarks     map[secor.Purpose]passMarkFile `json:"pass_marks"`
	MaxHeadcount  sourced[int]                   `json:"max_headcount"`
	Months        struct {
		ThreeYear sourced[int] `json:"three_year"`
		OneYear   sourced[int] `json:"one_year"`
	} `json:"evidence_months"`
	Course struct {
		Name       sourced[string] `json:"name"`
		ValidYears sourced[int]    `json:"valid_years"`
	} `json:"course"`
	NearMiss     sourced[int]  `json:"near_miss"`
	LimitedScope sourced[bool] `json:"limited_scope"`
	Revisions    struct {
		TellRounds sourced[int] `json:"tell_rounds"`
		TellDays   sourced[int] `json:"tell_days"`
	} `json:"revisions"`
	EvidenceHosts []hostFile `json:"evidence_hosts"`

	Fees       feesFile              `json:"fees"`
	Guards     []guardFile           `json:"guards"`
	Assignment assignmentFile        `json:"assignment"`
	Policies   map[string]policyFile `json:"policies"`
}

type assignmentFile struct {
	HorizonDays sourced[int] `json:"horizon_days"`
	LapsedDays  sourced[int] `json:"lapsed_days"`
	Weights     struct {
		Certification   sourced[int] `json:"certification"`
		Recertification sourced[int] `json:"recertification"`
		Maintenance     sourced[int] `json:"maintenance"`
		InRevision      sourced[int] `json:"in_revision"`
	} `json:"weights"`
}

type passMarkFile struct {
	Overall sourced[int] `json:"overall"`
	Element sourced[int] `json:"element"`
}

type feesFile struct {
	AnnualMember    sourced[cents] `json:"annual_member"`
	AnnualNonMember sourced[cents] `json:"annual_non_member"`
	FurtherReview   sourced[cents] `json:"further_review"`
	Taxes           []struct {
		origin
		Province    string `json:"province"`
		Name        string `json:"name"`
		BasisPoints int64  `json:"basis_points"`
	} `json:"taxes"`
}

type guardFile struct {
	origin
	Guard  secor.Guard  `json:"guard"`
	Moment secor.Moment `json:"moment"`
	Body   string       `json:"body"`
	Effect secor.Effect `json:"effect"`
}

type hostFile struct {
	origin
	Host string `json:"host"`
}

type policyFile struct {
	Title   string               `json:"title"`
	Party   sourced[secor.Party] `json:"party"`
	Unit    sourced[secor.Unit]  `json:"unit"`
	Ends    sourced[secor.Ends]  `json:"ends"`
	Promise sourced[yesNo]       `json:"promise"`
	Levels  []struct {
		origin
		Name      string          `json:"name"`
		AfterDays int             `json:"after_days"`
		Raises    secor.EventKind `json:"raises"`
	} `json:"levels"`
}

func (f *editionFile) into(r *reading, p *secor.Programme) {
	r.named("/id", f.ID)
	r.heading = "Edition " + f.ID + ": " + f.Title
	r.list("/title", "Title", f.Title, f.origin)
	if f.Example {
		r.list("/example", "Example", "yes: never chosen for a new case", f.origin)
	}
	p.Editions[f.ID] = &secor.Edition{
		ID: f.ID, Title: f.Title, Example: f.Example,
		EffectiveFrom: secor.Date(take(r, "/effective_from", "Effective from", "%v", f.EffectiveFrom)),
		Protocol:      take(r, "/protocol", "Protocol", "%s", f.Protocol),
		PassMarks:     f.passMarks(r),
		MaxHeadcount:  take(r, "/max_headcount", "Largest headcount", "%d people", f.MaxHeadcount),
		Months:        f.months(r),
		Course: secor.CourseRule{
			Name:       take(r, "/course/name", "Course", "%s", f.Course.Name),
			ValidYears: take(r, "/course/valid_years", "Course: valid (0: for ever)", "%d years", f.Course.ValidYears),
		},
		NearMiss:      f.nearMiss(r),
		LimitedScope:  take(r, "/limited_scope", "A review of deficient elements alone", "%t", f.LimitedScope),
		Revisions:     f.revisions(r),
		EvidenceHosts: f.evidenceHosts(r),

		Fees:       f.Fees.fees(r),
		Guards:     f.guards(r),
		Assignment: f.Assignment.rule(r),
		Policies:   f.policies(r),
	}
}

// rule is this office's own affair: no governing body is asked about it.
func (f *assignmentFile) rule(r *reading) secor.AssignmentRule {
	listed := len(r.values)
	weight := func(purpose secor.Purpose, of sourced[int]) int {
		return take(r, "/assignment/weights/"+string(purpose), "Assignment: weight, "+string(purpose), "%d %% of a full audit", of)
	}
	rule := secor.AssignmentRule{
		HorizonDays: take(r, "/assignment/horizon_days", "Assignment: as urgent as an expiry after", "%d days", f.HorizonDays),
		LapsedDays:  take(r, "/assignment/lapsed_days", "Assignment: an expired certificate counts for", "%d days", f.LapsedDays),
		Percent: map[secor.Purpose]int{
			secor.PurposeCertification:   weight(secor.PurposeCertification, f.Weights.Certification),
			secor.PurposeRecertification: weight(secor.PurposeRecertification, f.Weights.Recertification),
			secor.PurposeMaintenance:     weight(secor.PurposeMaintenance, f.Weights.Maintenance),
		},
		InRevision: take(r, "/assignment/weights/in_revision", "Assignment: weight while the company revises", "%d %% of its purpose's", f.Weights.InRevision),
	}
	r.own(listed)
	return rule
}

func (f *editionFile) passMarks(r *reading) map[secor.Purpose]secor.PassMark {
	marks := map[secor.Purpose]secor.PassMark{}
	for _, purpose := range secor.Purposes() {
		pointer, title := "/pass_marks/"+string(purpose), "Pass mark, "+string(purpose)
		marks[purpose] = secor.PassMark{
			Overall: take(r, pointer+"/overall", title+": overall", "%d %%", f.PassMarks[purpose].Overall),
			Element: take(r, pointer+"/element", title+": any element", "%d %%", f.PassMarks[purpose].Element),
		}
	}
	return marks
}

func (f *editionFile) months(r *reading) secor.EvidenceMonths {
	m := secor.EvidenceMonths{
		ThreeYear: take(r, "/evidence_months/three_year", "Documentation: three-year certificate", "%d months", f.Months.ThreeYear),
		OneYear:   take(r, "/evidence_months/one_year", "Documentation: one-year certificate", "%d months", f.Months.OneYear),
	}
	if m.OneYear > m.ThreeYear {
		r.complain("/evidence_months/one_year/value", "%d months are more than the %d of a three-year certificate", m.OneYear, m.ThreeYear)
	}
	return m
}

func (f *editionFile) nearMiss(r *reading) int {
	listed := len(r.values)
	percent := take(r, "/near_miss", "A fail is near up to", "%d %% missing, in all or in an element", f.NearMiss)
	r.own(listed)
	return percent
}

func (f *editionFile) revisions(r *reading) secor.RevisionRule {
	listed := len(r.values)
	rounds := take(r, "/revisions/tell_rounds", "A lead is told of a revision request after", "%d rounds", f.Revisions.TellRounds)
	r.own(listed)
	return secor.RevisionRule{TellRounds: rounds, TellDays: take(r, "/revisions/tell_days", "A lead is told of a revision request after", "%d days", f.Revisions.TellDays)}
}

func (f *editionFile) evidenceHosts(r *reading) []string {
	var hosts []string
	for i, h := range f.EvidenceHosts {
		r.list(fmt.Sprintf("/evidence_hosts/%d", i), "Evidence may be kept on", h.Host, h.origin)
		hosts = append(hosts, h.Host)
	}
	return hosts
}

// mostTaxes is how many taxes of one province an invoice has room for.
const mostTaxes = 4

func (f *feesFile) fees(r *reading) secor.Fees {
	fees := secor.Fees{
		AnnualMember:    secor.Cents(take(r, "/fees/annual_member", "Annual fee: member", "%v", f.AnnualMember)),
		AnnualNonMember: secor.Cents(take(r, "/fees/annual_non_member", "Annual fee: others", "%v", f.AnnualNonMember)),
		FurtherReview:   secor.Cents(take(r, "/fees/further_review", "Each further review of the year", "%v", f.FurtherReview)),
	}
	seen, many := map[string]bool{}, map[string]int{}
	for i, t := range f.Taxes {
		pointer := fmt.Sprintf("/fees/taxes/%d", i)
		many[t.Province]++
		if many[t.Province] > mostTaxes {
			r.complain(pointer, "%s has more than the %d taxes that an invoice can print", t.Province, mostTaxes)
		}
		if seen[t.Province+t.Name] {
			r.complain(pointer, "%s of %s is given twice; keep one", t.Name, t.Province)
		}
		seen[t.Province+t.Name] = true
		percent := secor.Points(t.BasisPoints).String() + " %"
		r.list(pointer, "Tax in "+t.Province+": "+t.Name, percent, t.origin)
		fees.Taxes = append(fees.Taxes, secor.Tax{Province: t.Province, Name: t.Name, BasisPoints: t.BasisPoints})
	}
	return fees
}

func (f *editionFile) guards(r *reading) []secor.GuardRule {
	var rules []secor.GuardRule
	for i, g := range f.Guards {
		rule := secor.GuardRule{Guard: g.Guard, Moment: g.Moment, Body: g.Body, Effect: g.Effect}
		title := "Guard " + strings.ReplaceAll(string(g.Guard), "_", " ")
		if g.Moment != "" {
			title += ", at " + string(g.Moment)
		}
		if g.Body != "" {
			title += ", for " + g.Body
		}
		r.list(fmt.Sprintf("/guards/%d", i), title, string(g.Effect), g.origin)
		rules = append(rules, rule)
	}
	return rules
}

// policies are listed in alphabetical order, whatever the file's.
func (f *editionFile) policies(r *reading) []secor.Policy {
	var policies []secor.Policy
	for _, name := range sortedKeys(f.Policies) {
		policies = append(policies, f.Policies[name].policy(r, name))
	}
	return policies
}

func (f policyFile) policy(r *reading, name string) secor.Policy {
	pointer, listed := "/policies/"+name, len(r.values)
	p := secor.Policy{
		Name: name, Title: f.Title,
		Party:   take(r, pointer+"/party", f.Title+": whose time", "%s", f.Party),
		Unit:    take(r, pointer+"/unit", f.Title+": unit", "%s days", f.Unit),
		Ends:    take(r, pointer+"/ends", f.Title+": ends", "%s", f.Ends),
		Promise: bool(take(r, pointer+"/promise", f.Title+": promised", "%v", f.Promise)),
	}
	for i, l := range f.Levels {
		at := fmt.Sprintf("%s/levels/%d", pointer, i)
		r.list(at, f.Title+": "+l.Name, fmt.Sprintf("after %s: %s", count(l.AfterDays, "day"), l.Raises), l.origin)
		if l.Name != secor.LevelBreach {
			r.own(len(r.values) - 1) // when to warn, to remind and to escalate
		}
		p.Levels = append(p.Levels, secor.Level{Name: l.Name, AfterDays: l.AfterDays, Raises: l.Raises})
		f.checkLevel(r, at, i)
	}
	if p.Breach().Name == "" {
		r.complain(pointer+"/levels", "none is called breach; name the level at which the promise is broken")
	}
	if !p.Promise {
		r.own(listed)
	}
	return p
}

// checkLevel holds that levels ascend, each with a name of its own, that the
// breach and no other level raises clock.breached, or answer.overdue where the
// time is the company's, and that only what follows it is escalated.
func (f policyFile) checkLevel(r *reading, at string, i int) {
	level := f.Levels[i]
	breach := level.Name == secor.LevelBreach
	if i > 0 && level.AfterDays <= f.Levels[i-1].AfterDays {
		r.complain(at+"/after_days", "%d days do not come after the %d of the level before", level.AfterDays, f.Levels[i-1].AfterDays)
	}
	broken := level.Raises == secor.EventClockBreach || level.Raises == secor.EventAnswerOverdue
	switch {
	case broken != breach:
		r.complain(at+"/raises", "%q: the level breach raises clock.breached or answer.overdue, and only that one", level.Raises)
	case level.Raises == secor.EventAnswerOverdue && f.Party.Value != secor.PartyCompany:
		r.complain(at+"/raises", "%q: only the company owes an answer", level.Raises)
	}
	after := false
	for _, other := range f.Levels[:i] {
		after = after || other.Name == secor.LevelBreach
		if other.Name == level.Name {
			r.complain(at+"/name", "%q names two levels", level.Name)
		}
	}
	if (level.Raises == secor.EventClockEscalated) && !after || level.Raises == secor.EventClockWarned && after {
		r.complain(at+"/raises", "%q: a warning comes before the breach, an escalation after it", level.Raises)
	}
}
