package jobs

import (
	"strings"

	"secordesk/store/secor"
)

// escalationKinds tell people of the desk what needs them. A promise goes up three
// steps: who holds the case is warned before it is broken, the leads are told when
// it is, the administrators when it stays so. The leads also hear of a check that
// left a question open, and of money or mail that came back. No letter leaves when
// the trouble is settled before it starts, or when a later one says more.
func escalationKinds() []Kind {
	return []Kind{
		write(secor.JobWarn, "escalation"),
		write(secor.JobEscalate, "escalation"),
		write(secor.JobTellAdmin, "escalation"),
	}
}

// clockPage is what a letter may say of the clock that it is about.
type clockPage struct {
	Title    string
	Question string     // what the company was asked; may be empty
	Since    secor.Date // in the calendar of the clock's party, as Until
	Until    secor.Date // the last day on which the promise is kept; zero while that is unknown
	Deadline string     // Until to the minute; may be empty
	Last     bool       // the company is not reminded again
	Next     string     // who is told next, and when; "" for nobody
	Steps    string     // what a person of the desk may do now
}

// clockOf returns the clock that a letter is about; nil when it is about none.
func clockOf(f *secor.File, cause secor.Event) *clockPage {
	w, found := f.WatchOf(cause)
	if !found {
		return nil
	}
	calendar := f.Programme.Calendars[w.Calendar]
	page := &clockPage{Title: w.Policy.Title, Since: secor.DateOf(w.Since, calendar.Zone), Last: !w.RemindsAgain(), Steps: stepsNow(f)}
	switch {
	case f.Request != nil:
		page.Question = f.Request.Question
	case f.Audit != nil:
		page.Question = f.Audit.Question
	}
	if !w.Until.IsZero() {
		page.Until, page.Deadline = secor.LastDay(w.Until), calendar.Deadline(w.Until)
	}
	if w.Tells != "" {
		page.Next = w.Tells.Words() + " on " + calendar.Deadline(w.At)
	}
	return page
}

// stepsNow names the steps that move the case on, as a lead may take them.
func stepsNow(f *secor.File) string {
	var names []string
	for _, s := range f.Offered(secor.RoleLead) {
		if s.From != nil {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}
