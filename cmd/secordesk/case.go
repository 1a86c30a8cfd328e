package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// caseCmd is "secordesk case": what looks at cases, and a command for every step
// of secor.Steps.
type caseCmd struct {
	List    caseListCmd        `cmd:"" help:"List cases, those first whose time ends first."`
	Show    caseShowCmd        `cmd:"" help:"Show a case on one screen."`
	Search  caseSearchCmd      `cmd:"" help:"Find companies, with their cases, by whatever you know of them."`
	History caseHistoryCmd     `cmd:"" help:"Show everything that happened on a case."`
	Why     caseWhyAssignedCmd `cmd:"" name:"why-assigned" help:"Show why an audit was given to whom, and who else was looked at."`
	Papers  casePapersCmd      `cmd:"" help:"List the papers of a case, or write them to a folder: cover letter, certificate."`
	Attach  caseAttachCmd      `cmd:"" help:"Keep a file from outside with a case, such as the certificate that the body made."`
	Marks   caseMarksCmd       `cmd:"" help:"Write the marks of an audit as a workbook, or read them back."`

	Sheet  caseSheetCmd  `cmd:"" help:"Show an audit's questions as claimed and as verified, who changed what and why, and the notes."`
	Rounds caseRoundsCmd `cmd:"" help:"Show what the company handed in, round by round, and what nobody asked for."`
	Score  caseScoreCmd  `cmd:"" help:"Show the preliminary score of an audit, as claimed."`

	kong.Plugins // the steps
}

// Help returns the examples.
func (caseCmd) Help() string {
	return `Examples:

	secordesk case list --overdue
	secordesk case show 14
	secordesk case take 14 --as ana.roy@example.com`
}

// stepCmd is what every step takes beside its own fields.
type stepCmd struct {
	Case   secor.CaseID `arg:"" help:"Number of the case."`
	As     string       `placeholder:"EMAIL" help:"Who takes the step; SECORDESK_AS when left out."`
	Reason string       `placeholder:"TEXT" help:"${reason}"`
	On     string       `placeholder:"WHEN" help:"When it happened, in the office's time: 2026-03-25 (the close of that day) or 2026-03-25T14:30. Now when left out; an earlier time wants a reason."`
	Act    string       `placeholder:"ID" help:"Name of this act. The same command with the same name is done once, however often it is given."`
}

// stepCommands returns one command for each name of secor.Steps, as a struct that
// kong can read. A name that serves requests and audits has the fields of both.
func stepCommands() kong.Plugins {
	var fields []reflect.StructField
	for i, name := range stepNames() {
		variants := stepVariants(name)
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("Step%d", i),
			Type: reflect.StructOf(stepFields(variants)),
			Tag:  tag("cmd", "", "name", name, "help", stepHelp(variants), "group", "steps", "set", "reason="+reasonHelp(variants)),
		})
	}
	return kong.Plugins{reflect.New(reflect.StructOf(fields)).Interface()}
}

func stepNames() []string {
	var names []string
	for _, s := range secor.Steps() {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

func stepVariants(name string) []secor.Step {
	return slices.DeleteFunc(secor.Steps(), func(s secor.Step) bool { return s.Name != name })
}

// stepFields returns the fields of a step's command: a stepCmd and one flag for
// each value.
func stepFields(variants []secor.Step) []reflect.StructField {
	fields := []reflect.StructField{{Name: "Common", Type: reflect.TypeFor[stepCmd](), Tag: tag("embed", "")}}
	for i, f := range mergedFields(variants) {
		typ, pairs := reflect.TypeFor[string](), []string{"name", f.Name, "help", fieldHelp(f)}
		if f.Type == secor.FieldBool {
			typ = reflect.TypeFor[bool]()
		} else {
			pairs = append(pairs, "placeholder", strings.ToUpper(string(f.Type)))
		}
		if f.Required {
			pairs = append(pairs, "required", "")
		}
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("Field%d", i), Type: typ, Tag: tag(pairs...)})
	}
	if slices.ContainsFunc(variants, func(s secor.Step) bool { return s.Accepts != "" }) {
		fields = append(fields, reflect.StructField{Name: "Accept", Type: reflect.TypeFor[string](),
			Tag: tag("name", "accept", "placeholder", "FINDING,...", "help", "Findings to accept by name, with a reason; a refusal names them in brackets.")})
	}
	return fields
}

// mergedFields returns the fields of all variants. One is required where every
// variant requires it.
func mergedFields(variants []secor.Step) []secor.Field {
	var merged []secor.Field
	for _, s := range variants {
		for _, f := range s.Fields {
			if !slices.ContainsFunc(merged, func(m secor.Field) bool { return m.Name == f.Name }) {
				merged = append(merged, f)
			}
		}
	}
	for i := range merged {
		for _, s := range variants {
			required := slices.ContainsFunc(s.Fields, func(f secor.Field) bool { return f.Name == merged[i].Name && f.Required })
			merged[i].Required = merged[i].Required && required
		}
	}
	return merged
}

// tag writes pairs as a struct tag.
func tag(pairs ...string) reflect.StructTag {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%s:%s ", pairs[i], strconv.Quote(strings.ReplaceAll(pairs[i+1], "$", "$$")))
	}
	return reflect.StructTag(strings.TrimSpace(b.String()))
}

func fieldHelp(f secor.Field) string {
	help := capital(f.Help)
	if f.Type == secor.FieldReviewer {
		help += " (number or e-mail address)"
	}
	if len(f.Choices) > 0 {
		help += ": " + strings.Join(f.Choices, ", ")
	}
	return help + "."
}

func reasonHelp(variants []secor.Step) string {
	var wants, all = []string{}, true
	for _, s := range variants {
		if s.Reason {
			wants = append(wants, string(s.Kind))
		}
		all = all && s.Reason
	}
	switch {
	case all:
		return "Why; this step wants a reason."
	case len(wants) > 0:
		return "Why; wanted for an " + strings.Join(wants, " and ") + "."
	default:
		return "Why, in a sentence."
	}
}

// stepHelp joins the sentences of a step's variants.
func stepHelp(variants []secor.Step) string {
	var sentences []string
	for _, s := range variants {
		if !slices.Contains(sentences, s.Help) {
			sentences = append(sentences, s.Help)
		}
	}
	return strings.Join(sentences, " ")
}

// stepDetail says where a step is offered, to whom, and shows its examples.
func stepDetail(variants []secor.Step) string {
	var b strings.Builder
	for _, s := range variants {
		states := "in every state"
		if s.From != nil {
			words := make([]string, len(s.From))
			for i, state := range s.From {
				words[i] = state.Words()
			}
			states = "when it is " + strings.Join(words, ", ")
		}
		who := "its holder only"
		if !s.Holder {
			who = strings.Join(roleNames(s.Who), ", ")
		}
		fmt.Fprintf(&b, "Offered for a case of the kind %s, %s; to: %s.\n\n", s.Kind, states, who)
	}
	b.WriteString("Examples:\n\n")
	for i, s := range variants {
		if slices.ContainsFunc(variants[:i], func(before secor.Step) bool { return before.Example == s.Example }) {
			continue
		}
		fmt.Fprintf(&b, "\tsecordesk case %s\n", s.Example)
	}
	return b.String()
}

func roleNames(roles []secor.Role) []string {
	var names []string
	for _, r := range roles {
		if slices.Contains(secor.Roles(), r) {
			names = append(names, string(r))
		}
	}
	return names
}

// step is a command line that takes a step.
type step struct {
	stepCmd
	name  string
	input secor.Input
}

// stepOf returns the step that a command line takes; false when it is another command.
func stepOf(selected *kong.Node) (step, bool) {
	if selected == nil || selected.Target.Kind() != reflect.Struct || selected.Target.NumField() == 0 {
		return step{}, false
	}
	first := selected.Target.Field(0)
	if first.Type() != reflect.TypeFor[stepCmd]() {
		return step{}, false
	}
	common := first.Interface().(stepCmd)
	taken := step{stepCmd: common, name: selected.Name, input: secor.Input{}}
	own := reflect.TypeFor[stepCmd]()
	for _, flag := range selected.Flags {
		_, shared := own.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, flag.Name) })
		value := flag.Target
		switch {
		case shared || value.IsZero():
		case value.Kind() == reflect.Bool:
			taken.input[flag.Name] = "true"
		default:
			taken.input[flag.Name] = value.String()
		}
	}
	return taken, true
}

// caseStore is what the commands on cases need of the store.
type caseStore interface {
	UpdateCase(ctx context.Context, id secor.CaseID, act secor.Act, step func(f *secor.File, now time.Time) error) error
	File(ctx context.Context, id secor.CaseID) (*secor.File, error)
	Events(ctx context.Context, id secor.CaseID) ([]secor.Event, error)
	Jobs(ctx context.Context, filter store.JobFilter) ([]promise.Job, error)
}

// run opens the store and takes the step.
func (s step) run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	return s.take(ctx, cases, t)
}

// take takes the step and says what stands now and what was promised.
func (s step) take(ctx context.Context, cases caseStore, t *terminal) error {
	f, err := cases.File(ctx, s.Case)
	if err != nil {
		return plain(err)
	}
	rule, err := secor.StepFor(s.name, f.Case.Kind)
	if err != nil {
		return err
	}
	act, err := s.act(f, t)
	if err != nil {
		return err
	}
	act.Assigns = rule.Assigns
	err = s.nameReviewers(rule, f.Roster)
	if err != nil {
		return err
	}
	err = cases.UpdateCase(ctx, s.Case, act, func(f *secor.File, _ time.Time) error { return rule.Take(f, s.input) })
	if err != nil {
		return plain(err)
	}
	err = s.report(ctx, cases, act, t)
	if err != nil {
		// The step is taken all the same; that must not look like a failure.
		fmt.Fprintf(t.out, "Done. What stands now could not be read (%v); see secordesk case show %d.\n", err, s.Case)
	}
	return nil
}

// nameReviewers replaces the e-mail address of a person of the desk, where a
// field takes one, by the id that the rules know.
func (s step) nameReviewers(rule secor.Step, roster []secor.Reviewer) error {
	for _, field := range rule.Fields {
		email := s.input[field.Name]
		if field.Type != secor.FieldReviewer || !strings.Contains(email, "@") {
			continue
		}
		r, err := reviewerOf(roster, "--"+field.Name, email)
		if err != nil {
			return err
		}
		s.input[field.Name] = strconv.FormatInt(r.ID, 10)
	}
	return nil
}

func reviewerOf(roster []secor.Reviewer, flag, email string) (secor.Reviewer, error) {
	i := slices.IndexFunc(roster, func(r secor.Reviewer) bool { return strings.EqualFold(r.Email, email) })
	if i < 0 {
		return secor.Reviewer{}, &secor.FieldError{Field: flag, Value: email, Problem: "is nobody of this desk"}
	}
	return roster[i], nil
}

// who returns the address of the person at the terminal.
func (t *terminal) who(as string) (string, error) {
	email := cmp.Or(as, t.env["SECORDESK_AS"])
	if email == "" {
		return "", &secor.FieldError{Field: "--as", Problem: "is missing: your e-mail address as the roster has it (or set SECORDESK_AS)"}
	}
	return email, nil
}

// act says who takes the step, when and why.
func (s step) act(f *secor.File, t *terminal) (secor.Act, error) {
	email, err := t.who(s.As)
	if err != nil {
		return secor.Act{}, err
	}
	person, err := reviewerOf(f.Roster, "--as", email)
	if err != nil {
		return secor.Act{}, err
	}
	office := f.Programme.Calendars[f.Programme.Office]
	happened, err := happenedAt(s.On, office, t.now())
	if err != nil {
		return secor.Act{}, err
	}
	id, err := s.actID(person.ID)
	if err != nil {
		return secor.Act{}, err
	}
	return secor.Act{
		ID:         id,
		By:         secor.ByReviewer(person.ID),
		Surface:    secor.SurfaceCLI,
		Reason:     s.Reason,
		HappenedAt: happened,
	}, nil
}

// actID returns an id that no other act has, or for a named act one that only the
// same command has: a name given again with another step, person or value is
// another act, and never answered with what the first one did.
func (s step) actID(person int64) (string, error) {
	if s.Act == "" {
		return "cli:" + rand.Text(), nil
	}
	if strings.TrimSpace(s.Act) == "" {
		return "", &secor.FieldError{Field: "--act", Value: s.Act, Problem: "is blank; give the act a name or leave it out"}
	}
	text, err := json.Marshal([]any{s.Act, s.Case, s.name, person, s.Reason, s.On, s.input})
	if err != nil {
		return "", fmt.Errorf("name act: %w", err)
	}
	return fmt.Sprintf("cli:%x", sha256.Sum256(text)), nil
}

// happenedAt reads --on in the office's time. A day alone means its close, and
// today means now; so does "".
func happenedAt(text string, office *secor.Calendar, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", text, office.Zone)
	if err == nil {
		return at, nil
	}
	day, err := secor.ParseDate(text)
	if err != nil {
		return time.Time{}, &secor.FieldError{Field: "--on", Value: text, Problem: "is not a day or a time; write 2026-03-25 or 2026-03-25T14:30"}
	}
	if day == secor.DateOf(now, office.Zone) {
		return time.Time{}, nil
	}
	hour, minute := int(office.Closes.Hours()), int(office.Closes.Minutes())%60
	return time.Date(day.Year, day.Month, day.Day, hour, minute, 0, 0, office.Zone), nil
}

// plain takes the refusal out of what was wrapped around it, so that a person
// reads the rule's own words. A fault stays as it is.
func plain(err error) error {
	var many interface {
		error
		Unwrap() []error
	}
	var refusal *secor.Refusal
	var move *secor.MoveError
	var field *secor.FieldError
	switch {
	case !errors.Is(err, secor.ErrRefused):
		return err
	case errors.As(err, &many):
		return many
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &move):
		return move
	case errors.As(err, &field):
		return field
	}
	return err
}

// report says in a sentence or two where the case is now and which jobs the act
// promised. An act that was given before promised what it promised then.
func (s step) report(ctx context.Context, cases caseStore, act secor.Act, t *terminal) error {
	f, err := cases.File(ctx, s.Case)
	if err != nil {
		return err
	}
	events, err := cases.Events(ctx, s.Case)
	if err != nil {
		return err
	}
	promised, err := cases.Jobs(ctx, store.JobFilter{CaseID: s.Case})
	if err != nil {
		return err
	}
	var causes []int
	for _, e := range events {
		if e.ActID == act.ID {
			causes = append(causes, e.Seq)
		}
	}
	fmt.Fprintf(t.out, "%s.\n", standing(f))
	var holder secor.Reviewer
	for _, r := range f.Roster {
		if r.ID == f.Case.Holder {
			holder = r
		}
	}
	leave, away := holder.LeaveOn(secor.DateOf(t.now(), f.Programme.Calendars[f.Programme.Office].Zone))
	if away && slices.ContainsFunc(events, func(e secor.Event) bool { return e.ActID == act.ID && e.Kind == secor.EventAuditAssigned }) {
		fmt.Fprintf(t.out, "%s is %s.\n", holder.Name, leave.Words())
	}
	var follows []string
	for _, j := range promised {
		if slices.Contains(causes, j.Cause) {
			follows = append(follows, fmt.Sprintf("%s to %s", j.Kind, j.Recipient))
		}
	}
	if len(follows) > 0 {
		fmt.Fprintf(t.out, "Promised: %s.\n", strings.Join(follows, ", "))
	}
	return nil
}
