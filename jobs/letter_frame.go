package jobs

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"secordesk/store/secor"
)

//go:embed letter/layout.html
var layoutSource string

// framed is a whole letter before it becomes text and HTML: what its template
// says, and what every letter says around it.
type framed struct {
	Lang      secor.Language
	Subject   string
	Greeting  string
	Blocks    []block
	Notes     []string // case, promise, whom to ask
	Closing   string
	Signature []string
}

// frame puts around a text what every letter says.
func (d *Desk) frame(page letterPage, subject, body string) framed {
	l := framed{Lang: page.Lang, Subject: subject, Blocks: parseBlocks(body), Signature: []string{d.Name}}
	if d.Phone != "" {
		l.Signature = append(l.Signature, d.Phone)
	}
	if page.Lang == secor.French {
		l.inFrench(page)
	} else {
		l.inEnglish(page)
	}
	return l
}

func (l *framed) inEnglish(page letterPage) {
	l.Greeting = "Hello,"
	if page.To.Name != "" {
		l.Greeting = "Dear " + page.To.Name + ","
	}
	l.Closing = "Kind regards,"
	if !page.outside() {
		return // the subject has the case number, and colleagues know whom to ask
	}
	call := "Questions? Answer this letter."
	if page.Desk.Phone != "" {
		call = "Questions? Answer this letter, or call us at " + phone(page.Desk) + "."
	}
	if page.toCompany() {
		l.Notes = append(l.Notes, promiseEnglish(page))
	}
	l.Notes = append(l.Notes, fmt.Sprintf("Our case number is %d. %s", page.File.Case.ID, call))
}

func (l *framed) inFrench(page letterPage) {
	l.Greeting = "Bonjour,"
	if page.To.Name != "" {
		l.Greeting = "Bonjour " + page.To.Name + ","
	}
	l.Closing = "Cordialement,"
	call := "Des questions ? Répondez à cette lettre."
	if page.Desk.Phone != "" {
		call = "Des questions ? Répondez à cette lettre ou appelez-nous au " + phone(page.Desk) + "."
	}
	l.Notes = []string{promiseFrench(page), fmt.Sprintf("Votre numéro de dossier chez nous est le %d. %s", page.File.Case.ID, call)}
	for i := range l.Blocks {
		l.Blocks[i].bind()
	}
	for i := range l.Notes {
		l.Notes[i] = bindFrench.Replace(l.Notes[i])
	}
}

// phone returns the office's number so that no line breaks in it.
func phone(d *Desk) string { return strings.ReplaceAll(d.Phone, " ", "\u00a0") }

// bindFrench makes the spaces that French puts before some signs unbreakable.
var bindFrench = strings.NewReplacer(" :", "\u00a0:", " ;", "\u00a0;", " ?", "\u00a0?", " !", "\u00a0!", " %", "\u00a0%", " $", "\u00a0$", "« ", "«\u00a0", " »", "\u00a0»")

func (b *block) bind() {
	for i := range b.Lines {
		b.Lines[i] = bindFrench.Replace(b.Lines[i])
	}
	for _, row := range b.Rows {
		for i := range row {
			row[i].Text = bindFrench.Replace(row[i].Text)
		}
	}
}

// promiseEnglish is the promise line: what this office owes by when, and whose
// time was used so far. A promise that was not kept is told as one. It is "" when
// nothing is promised.
func promiseEnglish(page letterPage) string {
	p, open := page.pledge()
	if !open {
		return ""
	}
	spent := fmt.Sprintf("%s, yours %d", days(p.Days(secor.PartyOffice), "day", "days"), p.Days(secor.PartyCompany))
	if n := p.Days(secor.PartyBody); n > 0 {
		spent += fmt.Sprintf(", the governing body's %d", n)
	}
	day := secor.English.Date(secor.LastDay(p.Due))
	switch {
	case p.Waiting == secor.PartyCompany:
		return "Our promise: our time stands still until we have your answer; our time so far " + spent + "."
	case p.Waiting != "":
		return "Our promise: our time stands still for now; our time so far " + spent + "."
	case p.Late:
		ask := "Answer this letter"
		if page.Desk.Phone != "" {
			ask = "Call us at " + phone(page.Desk)
		}
		return "We are late, and we are sorry: our promise was by " + day + ". We are working on it. " + ask + " to hear where it stands. Our time so far: " + spent + "."
	default:
		return "Our promise: by " + day + "; our time so far " + spent + "."
	}
}

func promiseFrench(page letterPage) string {
	p, open := page.pledge()
	if !open {
		return ""
	}
	spent := fmt.Sprintf("%s, le vôtre %d", days(p.Days(secor.PartyOffice), "jour", "jours"), p.Days(secor.PartyCompany))
	if n := p.Days(secor.PartyBody); n > 0 {
		spent += fmt.Sprintf(", celui de l’organisme responsable %d", n)
	}
	day := secor.French.Date(secor.LastDay(p.Due))
	switch {
	case p.Waiting == secor.PartyCompany:
		return "Notre promesse : notre délai est suspendu jusqu’à votre réponse ; notre temps jusqu’ici " + spent + "."
	case p.Waiting != "":
		return "Notre promesse : notre délai est suspendu pour l’instant ; notre temps jusqu’ici " + spent + "."
	case p.Late:
		ask := "Répondez à cette lettre"
		if page.Desk.Phone != "" {
			ask = "Appelez-nous au " + phone(page.Desk)
		}
		return "Nous sommes en retard et nous en sommes désolés : notre promesse était pour le " + day + " au plus tard. Nous y travaillons. " + ask + " pour savoir où en est votre dossier. Notre temps jusqu’ici : " + spent + "."
	default:
		return "Notre promesse : au plus tard le " + day + " ; notre temps jusqu’ici " + spent + "."
	}
}

func days(n int, one, many string) string {
	if n == 1 || n == 0 && one == "jour" {
		return strconv.Itoa(n) + " " + one
	}
	return strconv.Itoa(n) + " " + many
}

// plain returns the letter as text.
func (l framed) plain() string {
	parts := []string{l.Greeting}
	for _, b := range l.Blocks {
		parts = append(parts, b.plain())
	}
	for _, note := range l.Notes {
		if note != "" {
			parts = append(parts, wrap(note, "", ""))
		}
	}
	parts = append(parts, l.Closing+"\n"+strings.Join(l.Signature, "\n"))
	return strings.Join(parts, "\n\n") + "\n"
}

// piece is a part of a line: words, or the address of one of this desk's sites.
type piece struct{ Text, Link string }

// parseLayout reads the HTML around every letter. Only addresses of this desk's own
// sites become links: whatever else a letter quotes was written by others.
func (o Office) parseLayout() (*template.Template, error) {
	pieces := func(line string) []piece { return o.pieces(line) }
	layout, err := template.New("letter/layout.html").Funcs(template.FuncMap{"pieces": pieces}).Parse(layoutSource)
	if err != nil {
		return nil, fmt.Errorf("parse layout of letters: %w", err)
	}
	return layout, nil
}

func (o Office) pieces(line string) []piece {
	var found []piece
	for i, word := range strings.Split(line, " ") {
		if i > 0 {
			word = " " + word
		}
		link := strings.TrimRight(strings.TrimSpace(word), ".,;:)")
		if !within(o.AuditToolURL, link) && !within(o.VerifyURL, link) {
			found = append(found, piece{Text: word})
			continue
		}
		before, after, _ := strings.Cut(word, link)
		found = append(found, piece{Text: before}, piece{Text: link, Link: link}, piece{Text: after})
	}
	return found
}

// within reports whether an address is a site's, or of a page below it. It compares
// as browsers read it: what only begins with the same letters is another's host.
func within(site, link string) bool {
	home, err := url.Parse(site)
	if err != nil || home.Host == "" {
		return false
	}
	page, err := url.Parse(link)
	if err != nil || page.User != nil || page.Scheme != home.Scheme || !strings.EqualFold(page.Host, home.Host) {
		return false
	}
	// Browsers take a backslash for a slash, and two dots for the way up.
	if strings.Contains(link, `\`) || slices.Contains(strings.Split(page.Path, "/"), "..") {
		return false
	}
	folder := strings.TrimSuffix(home.Path, "/")
	return page.Path == folder || strings.HasPrefix(page.Path, folder+"/")
}

// html returns the letter as one HTML page without anything to load.
func (l framed) html(layout *template.Template) (string, error) {
	var b strings.Builder
	err := layout.Execute(&b, l)
	if err != nil {
		return "", fmt.Errorf("lay out letter: %w", err)
	}
	return b.String(), nil
}
