package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"secordesk/jobs"
	"secordesk/store/secor"
)

// lettersCmd is "secordesk letters".
type lettersCmd struct {
	List     lettersListCmd     `cmd:"" help:"List every letter: to whom, in which languages, after what."`
	Preview  lettersPreviewCmd  `cmd:"" help:"Show a letter as it would leave now."`
	Announce lettersAnnounceCmd `cmd:"" help:"Tell companies that have something to do of maintenance."`
	Bounce   lettersBounceCmd   `cmd:"" help:"Record delivery reports: letters that came back."`
}

// Help returns the examples.
func (lettersCmd) Help() string {
	return `Examples:

	secordesk letters list
	secordesk letters preview pass --case 14
	secordesk letters preview invoice --case 14 --lang fr --eml --out invoice.eml
	secordesk letters bounce inbox/*.eml`
}

// lettersListCmd is "secordesk letters list".
type lettersListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (lettersListCmd) Help() string {
	return "Examples:\n\n\tsecordesk letters list\n\tsecordesk letters list --json"
}

// letterJSON is a letter as a list shows it.
type letterJSON struct {
	Name      string            `json:"name"`
	Kind      secor.JobKind     `json:"kind"`
	To        []secor.Audience  `json:"to"`
	Languages []secor.Language  `json:"languages"`
	After     []secor.EventKind `json:"after"`
}

// Run lists the letters; it needs neither database nor configuration.
func (c *lettersListCmd) Run(_ context.Context, t *terminal) error {
	var found []letterJSON
	shown := &table{heads: []string{"LETTER", "KIND OF JOB", "TO", "LANGUAGES", "AFTER"}}
	for _, k := range letterKinds() {
		l := letterJSON{Name: k.Text, Kind: k.Name, Languages: jobs.LanguagesOf(k.Name)}
		for _, follow := range secor.FollowsTo(k.Name) {
			l.After = append(l.After, follow.Event)
			if !slices.Contains(l.To, follow.Audience) {
				l.To = append(l.To, follow.Audience)
			}
		}
		found = append(found, l)
		shown.add(l.Name, string(l.Kind), words(l.To), words(l.Languages), words(l.After))
	}
	if c.JSON {
		return writeJSON(t.out, found)
	}
	return shown.write(t.out)
}

func words[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, word := range list {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

// letterKinds returns the kinds of jobs that are letters.
func letterKinds() []jobs.Kind {
	return slices.DeleteFunc(jobs.Kinds(), func(k jobs.Kind) bool { return k.Text == "" })
}

// lettersPreviewCmd is "secordesk letters preview".
type lettersPreviewCmd struct {
	Letter string         `arg:"" name:"kind" help:"Name of the letter or of its kind of job; letters list has both."`
	Case   secor.CaseID   `required:"" placeholder:"N" help:"Case that it is written about."`
	Lang   secor.Language `enum:",en,fr" default:"" placeholder:"LANG" help:"en or fr. Left out: the company's."`
	As     string         `placeholder:"EMAIL" help:"Who looks; SECORDESK_AS when left out. Only for a letter that tells a score, which is for the holder, the leads and the administrators."`
	HTML   bool           `name:"html" xor:"form" help:"Its HTML instead of its text."`
	EML    bool           `name:"eml" xor:"form" help:"The whole letter with its attachments, as mail programs open it."`
	Out    string         `placeholder:"FILE" help:"Write to a file instead of the screen. One that is there already is refused."`
}

// Help returns the examples.
func (lettersPreviewCmd) Help() string {
	return `Nothing is sent and nothing is recorded. Only a letter that follows from something in the case's history is shown.

Examples:

	secordesk letters preview welcome --case 12
	secordesk letters preview invoice:send --case 14 --lang fr
	secordesk letters preview pass --case 14 --html --out pass.html --as ana.roy@example.com
	secordesk letters preview invoice --case 14 --eml --out invoice.eml`
}

// Run shows a letter. That its reason does not hold now is said apart from it.
func (c *lettersPreviewCmd) Run(ctx context.Context, t *terminal) error {
	kind, err := c.kind()
	if err != nil {
		return err
	}
	cfg, err := readConfig[letterConfig](t.env)
	if err != nil {
		return err
	}
	writer, err := jobs.NewDesk(cfg.Office.present())
	if err != nil {
		return fmt.Errorf("prepare letters: %w", err)
	}
	cases, err := openDesk(ctx, cfg.DatabaseURL, cfg.LetterGrace, t.now)
	if err != nil {
		return err
	}
	defer cases.Close()
	letter, err := c.write(ctx, cases, writer, kind, t)
	if err != nil {
		return plain(err)
	}
	if !letter.Holds {
		fmt.Fprintf(t.errOut, "This letter would not leave now: its reason, %s of %s, does not hold any more.\n", letter.Cause.Kind,
			letter.Cause.HappenedAt.In(cases.office().Zone).Format("2 Jan 2006 15:04"))
	}
	return c.print(letter, t)
}

// kind finds the letter by its name or by its kind of job.
func (c *lettersPreviewCmd) kind() (jobs.Kind, error) {
	var names []string
	for _, k := range letterKinds() {
		if c.Letter == k.Text || c.Letter == string(k.Name) {
			return k, nil
		}
		names = append(names, k.Text, string(k.Name))
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(distance(c.Letter, a), distance(c.Letter, b)) })
	return jobs.Kind{}, &usageError{command: "secordesk letters preview", err: &secor.FieldError{Field: "kind", Value: c.Letter,
		Problem: "is not a letter; nearest are " + strings.Join(slices.Compact(names)[:3], ", ") + "; secordesk letters list has all"}}
}

func (c *lettersPreviewCmd) write(ctx context.Context, cases *desk, writer *jobs.Desk, kind jobs.Kind, t *terminal) (jobs.Preview, error) {
	f, err := cases.File(ctx, c.Case)
	if err != nil {
		return jobs.Preview{}, err
	}
	if kind.ShowsScore() {
		err = c.mayLook(f, kind, t)
		if err != nil {
			return jobs.Preview{}, err
		}
	}
	events, err := cases.Events(ctx, c.Case)
	if err != nil {
		return jobs.Preview{}, err
	}
	err = f.Begin(secor.Act{ID: "cli:preview", By: secor.Desk, Surface: secor.SurfaceCLI}, t.now())
	if err != nil {
		return jobs.Preview{}, err
	}
	return writer.Preview(ctx, kind, f, events, c.Lang)
}

// mayLook refuses a letter that tells a score to everybody but who holds the case,
// the leads and the administrators.
func (c *lettersPreviewCmd) mayLook(f *secor.File, kind jobs.Kind, t *terminal) error {
	email, err := t.who(c.As)
	if err != nil {
		return err
	}
	person, err := reviewerOf(f.Roster, "--as", email)
	if err != nil {
		return err
	}
	if !person.Active || person.Role == secor.RoleReviewer && person.ID != f.Case.Holder {
		return &secor.Refusal{Kind: secor.ErrNotAllowed, Text: fmt.Sprintf("this letter, %s, tells a score, and %s neither holds case %d nor is a lead", kind.Name, person.Name, c.Case),
			Do: "ask a lead or an administrator"}
	}
	return nil
}

func (c *lettersPreviewCmd) print(letter jobs.Preview, t *terminal) error {
	content := fmt.Appendf(nil, "To: %s <%s>\nSubject: %s\n", letter.ToName, letter.To, letter.Subject)
	for _, a := range letter.Attachments {
		content = fmt.Appendf(content, "Attached: %s, %d bytes\n", a.Name, len(a.Data))
	}
	content = append(content, "\n"+letter.Text...)
	switch {
	case c.HTML:
		content = []byte(letter.HTML)
	case c.EML:
		var err error
		content, err = letter.EML()
		if err != nil {
			return fmt.Errorf("write letter: %w", err)
		}
	}
	if c.Out == "" {
		_, err := t.out.Write(content)
		return err
	}
	file, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return &secor.FieldError{Field: "--out", Value: c.Out, Problem: "is there already; name another file"}
	}
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	_, err = file.Write(content)
	if err != nil {
		file.Close()
		return fmt.Errorf("write letter: %w", err)
	}
	return file.Close()
}
