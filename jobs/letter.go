package jobs

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"text/template"
	"time"

	"secordesk/jobs/mail"
	"secordesk/store/secor"
)

//go:embed letter/en/*.txt letter/fr/*.txt
var letterFiles embed.FS

// letterPage is all that a letter's text may speak of. What is added here is
// given a value in samplePage, too.
type letterPage struct {
	Lang        secor.Language
	Desk        *Desk
	To          Recipient
	File        *secor.File
	Cause       secor.Event
	Invoice     *secor.Invoice
	Certificate *secor.Certificate
	Replaced    *secor.Certificate // in whose place it stands; nil: it is a first one
	Score       secor.Score
	Pass        secor.PassMark
	Account     string     // with the governing body
	Due         string     // the next promise that runs, in the office's time; may be empty
	Holder      string     // name of who holds the case; may be empty
	Clock       *clockPage // that the letter is about; nil: none
	Notice      bool       // the letter is the notice of a pass
}

// pledge returns the promise of this office that the letter tells.
func (p letterPage) pledge() (secor.Pledge, bool) {
	if p.Notice {
		return p.File.PledgeOfNotice()
	}
	return p.File.Pledge()
}

// CertificateBy returns the day by which the certificate is promised; the zero date
// when that cannot be said, or has passed.
func (p letterPage) CertificateBy() secor.Date {
	pledge, open := p.pledge()
	if !open || pledge.Policy != secor.PolicyCertificate || pledge.Due.IsZero() || pledge.Late {
		return secor.Date{}
	}
	return secor.LastDay(pledge.Due)
}

func (p letterPage) toCompany() bool { return strings.HasPrefix(p.To.Key, "company:") }

// outside reports whether the letter leaves the office.
func (p letterPage) outside() bool { return p.toCompany() || strings.HasPrefix(p.To.Key, "body:") }

// letters renders the texts of jobs/letter: the first line is the subject, the
// rest after an empty line the body between salutation and signature.
type letters struct {
	texts  map[secor.Language]*template.Template
	layout *htmltemplate.Template
}

// newLetters parses every text. A text that cannot be parsed, one that names what
// a page does not have, and one that is missing in a language stop the start.
func newLetters(d *Desk) (*letters, error) {
	layout, err := d.parseLayout()
	if err != nil {
		return nil, err
	}
	l := &letters{texts: map[secor.Language]*template.Template{}, layout: layout}
	for _, lang := range secor.Languages() {
		l.texts[lang], err = parseTexts(lang)
		if err != nil {
			return nil, err
		}
	}
	return l, l.check(d)
}

// textFile is where the text of a letter stands.
func textFile(lang secor.Language, name string) string {
	return fmt.Sprintf("letter/%s/%s.txt", lang, name)
}

func parseTexts(lang secor.Language) (*template.Template, error) {
	texts := template.New("").Option("missingkey=zero").Funcs(words(lang))
	files, err := letterFiles.ReadDir("letter/" + string(lang))
	if err != nil {
		return nil, fmt.Errorf("read letters: %w", err)
	}
	for _, file := range files {
		path := "letter/" + string(lang) + "/" + file.Name()
		source, err := letterFiles.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read letters: %w", err)
		}
		_, err = texts.New(path).Parse(string(source))
		if err != nil {
			return nil, fmt.Errorf("parse letters: %w", err)
		}
	}
	return texts, nil
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
	return d.writeIn(page, name)
}

func (d *Desk) writeIn(page letterPage, name string) (mail.Message, error) {
	page.Notice = name == noticeText
	var source strings.Builder
	err := d.letters.texts[page.Lang].ExecuteTemplate(&source, textFile(page.Lang, name), page)
	if err != nil {
		return mail.Message{}, fmt.Errorf("letter %s: %w", name, err)
	}
	subject, body, _ := strings.Cut(source.String(), "\n\n")
	subject = headerText(subject)
	whole := d.frame(page, subject, body)
	html, err := whole.html(d.letters.layout)
	if err != nil {
		return mail.Message{}, fmt.Errorf("letter %s: %w", name, err)
	}
	id := page.File.Case.ID
	return mail.Message{
		To: page.To.Email, ToName: page.To.Name,
		From: d.From, FromName: d.Name, ReplyTo: d.replyTo(id),
		Subject: fmt.Sprintf("%s [SECOR %d]", subject, id),
		Text:    whole.plain(), HTML: html,
		Date: page.File.Now(),
	}, nil
}

// mostSubject is how many characters of a subject are sent, beside the case number.
const mostSubject = 200

// headerText returns a subject that our sender takes whatever a name in it holds: a
// colleague must hear of a name to which nothing can be sent.
func headerText(subject string) string {
	subject = strings.ReplaceAll(strings.TrimSpace(subject), "=?", "= ?")
	runes := []rune(subject)
	if len(runes) > mostSubject {
		return string(runes[:mostSubject-1]) + "…"
	}
	return subject
}

func (d *Desk) page(f *secor.File, cause secor.Event, to Recipient) (letterPage, error) {
	page := letterPage{Lang: secor.English, Desk: d, To: to, File: f, Cause: cause, Invoice: f.Invoice(), Certificate: f.Certificate(), Replaced: f.Replaced(),
		Due: d.nextPromise(f), Holder: nameOf(f, f.Case.Holder), Clock: clockOf(f, cause)}
	if page.toCompany() && f.Company.Language == secor.French {
		page.Lang = secor.French
	}
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
