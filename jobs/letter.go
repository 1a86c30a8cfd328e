package jobs

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"secordesk/jobs/mail"
	"secordesk/store/secor"
)

//go:embed letter/*.txt
var letterFiles embed.FS

// letterPage is all that a letter's text may speak of.
type letterPage struct {
	Desk        *Desk
	To          Recipient
	File        *secor.File
	Cause       secor.Event
	Invoice     *secor.Invoice
	Certificate *secor.Certificate
	Score       secor.Score
	Pass        secor.PassMark
	Account     string // with the governing body
	Due         string // the next promise that runs, in the office's time; may be empty
	Holder      string // name of who holds the case; may be empty
}

// letters renders the texts of jobs/letter: the first line is the subject, the
// rest after an empty line the body between salutation and signature.
type letters struct {
	texts *template.Template
}

// newLetters parses every text. A text that cannot be parsed stops the start.
func newLetters() (*letters, error) {
	functions := template.FuncMap{
		"money":    func(c secor.Cents) string { return fmt.Sprintf("%12s", c) },
		"percent":  secor.Percent,
		"elements": elementTable,
		"trouble":  trouble,
	}
	texts, err := template.New("").Option("missingkey=zero").Funcs(functions).ParseFS(letterFiles, "letter/*.txt")
	if err != nil {
		return nil, fmt.Errorf("parse letters: %w", err)
	}
	return &letters{texts: texts}, nil
}

// letter returns how a kind writes the letter of that name.
func letter(name string) func(*Desk, *secor.File, secor.Event, Recipient) (mail.Message, error) {
	return func(d *Desk, f *secor.File, cause secor.Event, to Recipient) (mail.Message, error) {
		return d.write(name, f, cause, to)
	}
}

// write renders a letter as it would leave now.
func (d *Desk) write(name string, f *secor.File, cause secor.Event, to Recipient) (mail.Message, error) {
	page, err := d.page(f, cause, to)
	if err != nil {
		return mail.Message{}, fmt.Errorf("letter %s: %w", name, err)
	}
	var text strings.Builder
	err = d.letters.texts.ExecuteTemplate(&text, name+".txt", page)
	if err != nil {
		return mail.Message{}, fmt.Errorf("letter %s: %w", name, err)
	}
	subject, body, _ := strings.Cut(text.String(), "\n\n")
	return mail.Message{
		To: to.Email, ToName: to.Name,
		From: d.From, FromName: d.Name, ReplyTo: d.replyTo(f.Case.ID),
		Subject: fmt.Sprintf("%s [SECOR %d]", strings.TrimSpace(subject), f.Case.ID),
		Text:    d.frame(to, strings.TrimSpace(body)),
		Date:    f.Now(),
	}, nil
}

func (d *Desk) page(f *secor.File, cause secor.Event, to Recipient) (letterPage, error) {
	page := letterPage{Desk: d, To: to, File: f, Cause: cause, Invoice: f.Invoice(), Certificate: f.Certificate(),
		Due: d.nextPromise(f), Holder: nameOf(f, f.Case.Holder)}
	for _, r := range f.Registrations {
		if r.Body == f.Case.Body {
			page.Account = r.Account
		}
	}
	if f.Audit == nil {
		return page, nil
	}
	page.Pass = f.Edition.PassMarks[f.Audit.Purpose]
	score, err := f.Score()
	page.Score = score
	return page, err
}

// frame puts salutation and signature around a body.
func (d *Desk) frame(to Recipient, body string) string {
	greeting := "Hello,"
	if to.Name != "" {
		greeting = "Dear " + to.Name + ","
	}
	return strings.TrimSpace(greeting+"\n\n"+body+"\n\nKind regards\n"+d.Name+"\n"+d.Phone) + "\n"
}

// replyTo tags the desk's address with the case, so that an answer finds it.
func (d *Desk) replyTo(id secor.CaseID) string {
	box, host, ok := strings.Cut(d.From, "@")
	if !ok {
		return d.From
	}
	return fmt.Sprintf("%s+case-%d@%s", box, id, host)
}

// nextPromise returns the earliest breach of a clock that runs for the office, as
// a letter says it.
func (d *Desk) nextPromise(f *secor.File) string {
	var first time.Time
	for _, c := range f.Clocks {
		due, runs := c.Due(f.Programme.Calendars[c.Calendar])
		if runs && c.Policy.Party == secor.PartyOffice && (first.IsZero() || due.Before(first)) {
			first = due
		}
	}
	if first.IsZero() {
		return ""
	}
	return f.Programme.Calendars[f.Programme.Office].Deadline(first)
}

func nameOf(f *secor.File, id int64) string {
	for _, r := range f.Roster {
		if r.ID == id {
			return r.Name
		}
	}
	return ""
}

// elementTable shows what every element of a score reached.
func elementTable(page letterPage) string {
	var b strings.Builder
	for i, e := range page.Score.Elements {
		title := page.File.Protocol.Elements[i].Title
		fmt.Fprintf(&b, "    %-3s %-46.46s %9s of %9s  %7s %%\n", e.Element, title, e.Awarded, e.Available, secor.Percent(e.Awarded, e.Available))
	}
	fmt.Fprintf(&b, "    %-50s %9s of %9s  %7s %%\n", "Overall", page.Score.Awarded, page.Score.Available, secor.Percent(page.Score.Awarded, page.Score.Available))
	return b.String()
}

// trouble says in a few words what a lead is told.
func trouble(page letterPage) string {
	switch page.Cause.Kind {
	case secor.EventClockWarned, secor.EventClockBreach, secor.EventClockEscalated:
		policy, _ := page.File.Edition.Policy(page.Cause.Facts["policy"])
		said := map[secor.EventKind]string{secor.EventClockWarned: "soon late: ", secor.EventClockBreach: "late: ", secor.EventClockEscalated: "still late: "}
		return said[page.Cause.Kind] + policy.Title
	case secor.EventRegistrationAsked:
		return "the registration needs a decision"
	case secor.EventSubmissionAsked:
		return "the submission needs a decision"
	case secor.EventPaymentReversed:
		return "payment " + page.Cause.Facts["reference"] + " was reversed"
	case secor.EventInvoiceOverpaid:
		return "more was paid than asked: a credit of " + page.Cause.Facts["credit"]
	case secor.EventCertificateReturned:
		return "the certificate came back"
	default:
		return "it needs a person"
	}
}
