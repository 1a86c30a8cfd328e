package secor

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// CaseID numbers the desk's cases.
type CaseID int64

// Case is what requests and audits have in common.
type Case struct {
	ID        CaseID
	Kind      Subject // SubjectRequest or SubjectAudit
	CompanyID int64
	Body      string // governing body
	State     State
	Version   int // rises with every move and proposal, so that an old card cannot act on a new round
	EditionID string
	OpenedAt  time.Time
	Holder    int64 // person of the desk; 0: nobody, as in every closed case
}

// RequestReason is why a company asks to be taken on.
type RequestReason string

const (
	ReasonNoProfile RequestReason = "no_profile" // this partner does not know the company
	ReasonSwitching RequestReason = "switching"  // it comes from another partner
	ReasonNew       RequestReason = "new"        // it is new to the programme
)

// RequestReasons returns every reason.
func RequestReasons() []RequestReason {
	return []RequestReason{ReasonNoProfile, ReasonSwitching, ReasonNew}
}

// Request is a Certifying Partner Request.
type Request struct {
	Reason    RequestReason
	Headcount int       // people, as the company states it
	Question  string    // asked and not yet answered
	Profiles  []Profile // companies on file that may be this one
}

// Audit is one self-assessment on its way to a result.
type Audit struct {
	Purpose   Purpose
	FeeYear   int
	Headcount int      // as stated last, at registration or submission
	Claimed   Evidence // as the company states it
	Verified  Evidence // as the reviewer found it; a copy again when the company states something else
	LastDay   Date     // last day of the assessment
	Question  string   // asked and not yet answered
	Waiting   bool     // the check of the submission left something to a person
	Round     int      // 1 with the first submission, one more with whatever is handed in after it
	Stated    Stated   // by the last submission
	Twin      CaseID   // a case in which the same sheet came in before; 0: none
	TakenIn   Date     // of the first submission that went to a review; zero again when it is returned
	TakenAs   int      // the round that was taken in; 0 without one
	Agreed    string   // ids of the elements that the holder agreed with or changed a mark of, separated by spaces
	Result    Verdict  // "" until the reviewer confirms
	Term      int      // years of the certificate: 3, 1, or 0 while not decided
	Proposer  int64    // who proposed a one-year certificate
	Declined  bool     // a one-year certificate was decided against
	Notified  Date     // of the first notice of a pass; the ten days count from here
	Reviewer  int64    // who confirmed the last verdict
	Judges    []int64  // everybody who ever confirmed one on the case. The store derives it from the events
	Accepted  []Guard  // of the findings of the last submission, while it waits. The store derives it from the events
	Beside    CaseID   // another audit of the company and fee year that runs; 0: none. Read only

	Submitted time.Time // the submission that waits for a reviewer, or was given one; zero: none yet
	Prefer    int64     // who returned it to be done again; the desk gives it back when able
	Avoid     int64     // who handed it back or lost it; the desk does not choose them again
}

// Line is one question of an audit's sheet. Only Verified is judged.
type Line struct {
	Claimed  *Mark // nil: the company did not score it
	Verified *Mark // starts as a copy of Claimed
}

// Document is a paper of a case, kept with it.
type Document struct {
	Name string // "cover-letter-14.pdf", unique per case
	Type string // media type
	Data []byte
}

// File is all that a rule may see and change: one case with everything around
// it. The store loads it under lock, a step changes it, the store writes it back.
type File struct {
	Case          Case
	Request       *Request // of a request
	Audit         *Audit   // of an audit
	Sheet         map[string]Line
	Invoices      []Invoice     // of the company, all years, this case's last
	Certificates  []Certificate // of this audit; the last one is current
	Held          Held          // what the company holds meanwhile
	Queue         []Need        // other audits that wait for a reviewer; only for an act that assigns
	Company       Company
	People        []Person
	Registrations []Registration
	Conflicts     []Conflict
	Roster        []Reviewer
	Others        []Other // of a request: companies that may be its own, or that were found to be
	Clocks        []Clock
	Edition       *Edition
	Protocol      *Protocol
	Body          *Body
	Programme     *Programme
	LastMove      Event      // how the case came into its state
	Bounces       []Bounce   // letters whose readers are to be reached by phone
	Documents     []Document // made by a job or brought by a person; the store adds them
	Numbered      []string   // numbers of all certificates of the body, where this office sets them and one is to be given
	Notes         []Note     // of the reviewers, by number
	Handed        []Round    // handed in by this step; the store adds them

	// SameSheet returns the cases in which a sheet of that fingerprint came in; nil
	// where nobody can say.
	SameSheet func(sum string) ([]CaseID, error)

	act    Act
	now    time.Time
	events []Event
}

// Begin prepares the file for one act. It refuses an act that is incomplete,
// dated into the future, dated back without a reason or behind the last move, or
// made on a version of the case that has passed.
func (f *File) Begin(act Act, now time.Time) error {
	f.act, f.now, f.events = act, now, nil
	err := act.check(now)
	if err != nil {
		return err
	}
	f.act.Reason, err = CleanText("reason", act.Reason, MaxText)
	if err != nil {
		return err
	}
	if act.AsOf != 0 && act.AsOf != f.Case.Version {
		return refuse(ErrIllegalMove, "look at the case again", "case %d has moved on: %s", f.Case.ID, f.standing())
	}
	// A step dated back behind the last one would be judged by facts of a day on
	// which it could not have been taken.
	if f.Now().Before(f.LastMove.HappenedAt) {
		return refuse(ErrField, "give a later time", "%s is too early: %s", f.stamp(f.Now()), f.standing())
	}
	return nil
}

// stamp shows an instant in the office's time.
func (f *File) stamp(at time.Time) string {
	return at.In(f.Programme.Calendars[f.Programme.Office].Zone).Format("2 January 2006 15:04")
}

// attempt runs what may refuse half-way and, when it does, puts the file back as
// it was: a caller may still record the refusal itself on the same file.
func (f *File) attempt(do func() error) error {
	before := *f
	before.Sheet, before.Certificates, before.Clocks = maps.Clone(f.Sheet), slices.Clone(f.Certificates), slices.Clone(f.Clocks)
	before.Invoices, before.Notes = slices.Clone(f.Invoices), slices.Clone(f.Notes)
	for i := range before.Invoices {
		before.Invoices[i].Payments = slices.Clone(f.Invoices[i].Payments)
	}
	if f.Request != nil {
		request := *f.Request
		before.Request = &request
	}
	if f.Audit != nil {
		audit := *f.Audit
		before.Audit = &audit
	}
	err := do()
	if err != nil {
		*f = before
	}
	return err
}

// Events returns what the steps since Begin have recorded.
func (f *File) Events() []Event { return f.events }

// Now returns the instant of the act, in programme time.
func (f *File) Now() time.Time { return f.act.at(f.now) }

// Today returns the day of the act in the office's zone.
func (f *File) Today() Date {
	return DateOf(f.Now(), f.Programme.Calendars[f.Programme.Office].Zone)
}

// Certificate returns the current certificate, nil when there is none.
func (f *File) Certificate() *Certificate {
	if len(f.Certificates) == 0 {
		return nil
	}
	return &f.Certificates[len(f.Certificates)-1]
}

// Standing returns where every subject of the case is; of its invoices, the
// last. An invoice that another audit adopted stands with that one.
func (f *File) Standing() Standing {
	s := Standing{f.Case.Kind: f.Case.State}
	for _, invoice := range f.Invoices {
		if invoice.CaseID == f.Case.ID {
			s[SubjectInvoice] = invoice.State
		}
	}
	if invoice := f.Invoice(); invoice != nil {
		s[SubjectInvoice] = invoice.State
	}
	if c := f.Certificate(); c != nil {
		s[SubjectCertificate] = c.State
	}
	return s
}

// standing says in words where the case is and how it came there.
func (f *File) standing() string {
	text := fmt.Sprintf("the %s is %s", f.Case.Kind, f.Case.State.Words())
	if f.LastMove.Kind == "" {
		return text
	}
	return fmt.Sprintf("%s since %s, by %s", text, f.stamp(f.LastMove.HappenedAt), f.name(f.LastMove.By))
}

// name returns how a refusal calls an actor.
func (f *File) name(a Actor) string {
	switch a.Role {
	case RoleDesk:
		return "the desk"
	case RoleCompany:
		return "the company"
	default:
		r, known := f.reviewer(a.ID)
		// An employer does not learn who reviews it.
		if !known || f.act.By.Role == RoleCompany {
			return "this office"
		}
		return r.Name
	}
}

func (f *File) reviewer(id int64) (Reviewer, bool) {
	for _, r := range f.Roster {
		if r.ID == id {
			return r, true
		}
	}
	return Reviewer{}, false
}

// facts are an event's small data.
type facts map[string]string

// record writes down what happened. Text is free text and may be erased later.
func (f *File) record(kind EventKind, text string, data facts) {
	f.log(Event{Kind: kind, Text: text, Facts: data})
}

func (f *File) log(e Event) {
	e.By, e.OnBehalfOf, e.Surface, e.ActID = f.act.By, f.act.OnBehalfOf, f.act.Surface, f.act.ID
	e.HappenedAt, e.RecordedAt = f.act.at(f.now), f.now
	e.Facts = maps.Clone(e.Facts)
	f.events = append(f.events, e)
	f.Bounces = openBounces(f.Bounces, f.events[len(f.events)-1:])
}

// move takes the case to another state, if the table allows it, records why and
// lets the clocks follow.
func (f *File) move(to State, kind EventKind, text string, data facts) error {
	from := f.Case.State
	err := legal(f.Case.Kind, from, to)
	if err != nil {
		return err
	}
	f.leave(to)
	f.Case.State = to
	f.Case.Version++
	f.log(Event{Kind: kind, Subject: f.Case.Kind, From: from, To: to, Text: text, Facts: data})
	f.LastMove = f.events[len(f.events)-1]
	return f.clocksFollow(f.Case.Kind, to)
}

// leave ends what belongs to the present state: a question, a decision that a
// submission waits for, and the holder of a case that is closed now.
func (f *File) leave(to State) {
	if f.Request != nil {
		f.Request.Question = ""
	}
	if f.Audit != nil {
		f.Audit.Question, f.Audit.Waiting = "", false
	}
	if Next(f.Case.Kind, to) == "" {
		f.Case.Holder = 0
	}
}

// Open starts the life of a new case: its first event and its clocks. An audit
// beside another one of the company and fee year that runs is refused.
func (f *File) Open() error {
	err := f.alone()
	if err != nil {
		return err
	}
	first := States(f.Case.Kind)[0]
	kind := EventRequestReceived
	if f.Case.Kind == SubjectAudit {
		kind = EventAuditRegistered
	}
	f.Case.State, f.Case.Version = first, 1
	f.log(Event{Kind: kind, Subject: f.Case.Kind, To: first, Text: f.act.Reason})
	f.LastMove = f.events[len(f.events)-1]
	return f.clocksFollow(f.Case.Kind, first)
}
