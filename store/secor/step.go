package secor

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Step is one thing that a person may do to a case. Steps is the only list of
// them: command line and Slack are both made from it.
type Step struct {
	Name    string // "approve"; the same name may serve requests and audits
	Label   string // "Approve", as a button says it
	Help    string // one sentence
	Example string // the rest of a command line after "secordesk case "
	Kind    Subject
	From    []State // states of the case in which it is offered; nil: all
	Who     []Role
	Holder  bool   // only by who holds the case
	Reason  bool   // wants a reason
	Accepts Moment // guards of that moment may be accepted by name; "": none
	Assigns bool   // needs the roster under its lock
	Fields  []Field

	when func(*File) bool // whether it makes sense on this case; nil: always
	do   func(*File, Input) error
}

// FieldType says how a field's text is read.
type FieldType string

const (
	FieldText     FieldType = "text"
	FieldInt      FieldType = "int"
	FieldDate     FieldType = "date"     // 2026-03-25
	FieldPoints   FieldType = "points"   // 3.50
	FieldMoney    FieldType = "money"    // 150.00 dollars
	FieldReviewer FieldType = "reviewer" // id of a person of the desk
	FieldBool     FieldType = "bool"
	FieldChoice   FieldType = "choice"
)

// Field is one value that a step wants.
type Field struct {
	Name     string
	Help     string
	Type     FieldType
	Required bool
	Choices  []string // of FieldChoice
}

// Input is a step's values by field name, as a person typed them. A field left
// out is absent. Step.Check makes sure that the rest can be read.
type Input map[string]string

// Check reads every value once and reports all that is missing, unknown or
// malformed, each with its field.
func (s Step) Check(in Input) error {
	var problems []error
	for _, field := range s.Fields {
		if !in.has(field.Name) {
			if field.Required {
				problems = append(problems, &FieldError{Field: field.Name, Problem: "is missing: " + field.Help})
			}
			continue
		}
		problems = append(problems, Named(field.Name, field.check(in[field.Name])))
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if !slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Name == name }) {
			problems = append(problems, &FieldError{Field: clip(name, 40), Problem: "is not a field of " + s.Name})
		}
	}
	return errors.Join(problems...)
}

func (f Field) check(text string) error {
	var err error
	switch f.Type {
	case FieldInt:
		_, err = parseCount(text)
	case FieldReviewer:
		_, err = parseCount(text)
	case FieldDate:
		_, err = ParseDate(text)
	case FieldPoints:
		_, err = ParsePoints(text)
	case FieldMoney:
		_, err = ParseCents(text)
	case FieldBool:
		_, err = strconv.ParseBool(text)
		if err != nil {
			err = &FieldError{Value: text, Problem: "is not true or false"}
		}
	case FieldChoice:
		if !slices.Contains(f.Choices, text) {
			err = &FieldError{Value: text, Problem: "is not one of " + joinOr(f.Choices)}
		}
	default:
		_, err = CleanText("", text, MaxText)
	}
	return err
}

// MaxText is the longest free text of a step, in characters.
const MaxText = 4000

func parseCount(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, &FieldError{Value: text, Problem: "is not a whole number from 0 on"}
	}
	return int64(n), nil
}

// The readers below are only used on input that Check has passed; a field that
// is absent or blank reads as zero.

func (in Input) has(name string) bool { return strings.TrimSpace(in[name]) != "" }

func (in Input) text(name string) string {
	clean, _ := CleanText(name, in[name], MaxText)
	return clean
}

func (in Input) count(name string) int64 {
	n, _ := parseCount(in[name])
	return n
}

func (in Input) date(name string) Date {
	d, _ := ParseDate(in[name])
	return d
}

func (in Input) points(name string) Points {
	p, _ := ParsePoints(in[name])
	return p
}

func (in Input) money(name string) Cents {
	c, _ := ParseCents(in[name])
	return c
}

func (in Input) is(name string) bool {
	yes, _ := strconv.ParseBool(in[name])
	return yes
}

// Steps returns every step of the desk, in the order in which help lists them.
func Steps() []Step {
	return slices.Concat(requestSteps(), registrationSteps(), invoiceSteps(), promiseSteps(), statementSteps(), reviewSteps(), noteSteps(), certificateSteps(), bounceSteps(), deskSteps())
}

// StepFor returns the step of that name for a kind of case. ErrNotFound, naming
// the steps that there are, when it has none of that name.
func StepFor(name string, kind Subject) (Step, error) {
	var names []string
	for _, s := range Steps() {
		if s.Kind == kind && s.Name == name {
			return s, nil
		}
		if s.Kind == kind {
			names = append(names, s.Name)
		}
	}
	return Step{}, refuse(ErrNotFound, "its steps are "+joinAnd(names), "%s has no step %q", kind.words(), clip(name, 40))
}

// Offered returns the steps that a role may take in the case's present state.
func (f *File) Offered(role Role) []Step {
	var offered []Step
	for _, s := range Steps() {
		if s.Kind == f.Case.Kind && s.offeredIn(f.Case.State) && slices.Contains(s.Who, role) && (s.when == nil || s.when(f)) {
			offered = append(offered, s)
		}
	}
	return offered
}

func (s Step) offeredIn(state State) bool {
	return s.From == nil || slices.Contains(s.From, state)
}

// Take runs the step on a file that Begin has prepared. It refuses, changing
// nothing that is written, when the case is in another state, when the person
// may not, when a value cannot be read, or when a rule says no.
func (s Step) Take(f *File, in Input) error {
	if s.Kind != f.Case.Kind {
		return refuse(ErrIllegalMove, "", "%s is a step of %s; case %d is %s", s.Name, s.Kind.words(), f.Case.ID, f.Case.Kind.words())
	}
	if !s.offeredIn(f.Case.State) {
		return refuse(ErrIllegalMove, s.instead(f), "%s is not possible: %s", s.Label, f.standing())
	}
	err := s.allow(f)
	if err != nil {
		return err
	}
	if s.Reason && strings.TrimSpace(f.act.Reason) == "" {
		return refuse(ErrField, "say why in a sentence", "%s wants a reason", s.Label)
	}
	plain, accepted, err := s.accepted(in)
	if err != nil {
		return err
	}
	err = s.Check(plain)
	if err != nil {
		return err
	}
	return f.attempt(func() error {
		if s.Accepts != "" {
			err := f.guard(s.Accepts, accepted)
			if err != nil {
				return err
			}
		}
		return s.do(f, plain)
	})
}

// instead says what to do where a step is not offered. What a reviewer has
// confirmed is only changed by an appeal.
func (s Step) instead(f *File) string {
	if s.Holder && f.Case.State == StateQAComplete {
		return "the score is confirmed; a lead can have it heard again by somebody else: appeal"
	}
	return f.whatNow()
}

// accepted takes the list of accepted guards out of the input.
func (s Step) accepted(in Input) (Input, []string, error) {
	plain := Input{}
	var accepted []string
	for name, text := range in {
		if name != "accept" || s.Accepts == "" {
			plain[name] = text
			continue
		}
		if len(text) > 1000 {
			return nil, nil, &FieldError{Field: name, Value: text, Problem: "is longer than 1000 characters"}
		}
		accepted = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, g := range accepted {
		if !slices.Contains(Guards(), Guard(g)) {
			return nil, nil, &FieldError{Field: "accept", Value: g, Problem: "is not a finding; a refusal names them in brackets"}
		}
	}
	return plain, accepted, nil
}

// allow authorises the person against the file.
func (s Step) allow(f *File) error {
	err := s.allowRole(f)
	if err != nil {
		return err
	}
	if f.act.By.Role != RoleReviewer {
		return nil
	}
	err = f.conflicted(f.act.By.ID)
	if err != nil {
		return err
	}
	if s.Holder && f.Case.Holder != f.act.By.ID {
		holder, _ := f.reviewer(f.Case.Holder)
		return refuse(ErrNotAllowed, "ask a lead to assign it to you", "only %s, who holds the case, may do this", cmp.Or(holder.Name, "its reviewer"))
	}
	return nil
}

func (s Step) allowRole(f *File) error {
	role, err := f.roleOf(f.act.By)
	if err != nil {
		return err
	}
	if !slices.Contains(s.Who, role) {
		return refuse(ErrNotAllowed, "ask "+roleWords(s.Who), "%s is not for %s", s.Label, role.words())
	}
	return nil
}

// roleOf returns the role under which an actor acts on this file.
func (f *File) roleOf(a Actor) (Role, error) {
	switch {
	case a == Desk:
		return RoleDesk, nil
	case a.Role == RoleCompany && a.ID == f.Company.ID:
		return RoleCompany, nil
	case a.Role == RoleReviewer:
		r, known := f.reviewer(a.ID)
		if known && r.Active {
			return r.Role, nil
		}
	}
	return "", refuse(ErrNotAllowed, "ask an administrator", "you are not an active person of this desk")
}

func roleWords(roles []Role) string {
	var words []string
	for _, r := range roles {
		if r != RoleDesk && r != RoleCompany {
			words = append(words, r.words())
		}
	}
	return joinOr(words)
}

func (r Role) words() string {
	switch r {
	case RoleAdmin:
		return "an administrator"
	case RoleDesk, RoleCompany:
		return "the " + string(r)
	default:
		return "a " + string(r)
	}
}

func (s Subject) words() string {
	if s == SubjectAudit || s == SubjectInvoice {
		return "an " + string(s)
	}
	return "a " + string(s)
}

// whatNow names the steps that the case's state offers to the actor.
func (f *File) whatNow() string {
	role, err := f.roleOf(f.act.By)
	if err != nil {
		return ""
	}
	var names []string
	for _, s := range f.Offered(role) {
		if s.From != nil {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return "nothing is left to do here"
	}
	return fmt.Sprintf("possible now: %s", strings.Join(names, ", "))
}

// Who may take a step.
var (
	anyone  = []Role{RoleReviewer, RoleLead, RoleAdmin}
	leads   = []Role{RoleLead, RoleAdmin}
	machine = []Role{RoleLead, RoleAdmin, RoleDesk}
	sender  = []Role{RoleReviewer, RoleLead, RoleAdmin, RoleCompany}
)
