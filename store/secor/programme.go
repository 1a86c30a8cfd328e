package secor

import (
	"cmp"
	"time"
)

// Edition is one dated set of the programme's rules. A case keeps the edition
// under which it was opened, so that an old file is judged by the rules of its day.
type Edition struct {
	ID            string // "esc-2024", unique
	Title         string
	EffectiveFrom Date // cases opened on or after this day, in the office's zone
	Example       bool // true: taken from another partner, never chosen for a new case
	Protocol      string
	PassMarks     map[Purpose]PassMark
	MaxHeadcount  int // people; more than this is no small employer
	Months        EvidenceMonths
	Course        CourseRule
	NearMiss      int  // percent of all available points, and of an element's: a fail that lacks more is far off
	LimitedScope  bool // whether a fail may be reviewed again in its deficient elements alone
	Revisions     RevisionRule
	EvidenceHosts []string // domains, lower case, on which evidence may be kept
	Fees          Fees
	Guards        []GuardRule
	Policies      []Policy
	Assignment    AssignmentRule
}

// PassMark is what a score must reach, in whole percent, both inclusive. A zero
// Element means that the programme sets no floor for single elements.
type PassMark struct {
	Overall int
	Element int
}

// EvidenceMonths are the months of documentation that a certificate asks for.
type EvidenceMonths struct {
	ThreeYear int // at least this many: the normal certificate
	OneYear   int // at least this many: a person may grant one year
}

// RevisionRule says when a lead is told that a review goes on for long. How many
// rounds there may be is not limited.
//
// Source: CCSA allows any number of reviews within 90 days; the number of rounds is ours.
type RevisionRule struct {
	TellRounds int // more rounds than this
	TellDays   int // more days than this since the submission was taken in
}

// CourseRule names the course that somebody at the company must hold.
type CourseRule struct {
	Name       string
	ValidYears int // years from completion; 0: does not expire
}

// Fees are the amounts of one fee year before tax.
type Fees struct {
	AnnualMember    Cents // includes one quality assurance review
	AnnualNonMember Cents
	FurtherReview   Cents // each review of the year after the first
	Taxes           []Tax
}

// Tax is one line that a company's province adds to a fee.
type Tax struct {
	Province    string // "AB"
	Name        string // "GST"
	BasisPoints int64  // hundredths of a percent: 500 is 5 %
}

// Body is a governing body: who registers the company and issues the certificate.
type Body struct {
	ID            string // "ab-pir", unique
	Name          string
	Programme     string // its own name for the programme
	Province      string // "AB"
	Email         string // where certificate requests go
	AccountLabel  string // "WCB account"
	AccountDigits []int  // lengths an account number may have; empty: 1 to 20 characters
	Printer       Maker  // who makes the certificate
	Numberer      Maker  // who sets number and dates
	CoSigned      bool   // the partner signs after the body
	Paper         bool   // false: issued electronically only, nothing is mailed
	Request       Asking // how it wants to be asked for a certificate; "": by message
	BatchColumns  []BatchColumn
	IssueDay      IssueDay // which day a certificate is issued on when nobody says; "": the body must say
	NumberFormat  string   // regular expression of its numbers; "": any. Soft: a person may accept another
	NumberExample string   // "2001234560720260312HS", for people; may be empty
	NumberSeries  string   // of a body that leaves numbering to this office: "SK-{year}-{0000}"
	Registry      string   // where anybody can look a number up; "": nowhere of its own
}

// Asking is how a governing body wants to be asked for certificates.
type Asking string

const (
	AskingMessage Asking = "message" // one letter for each
	AskingBatch   Asking = "batch"   // one file for all that are due
)

// IssueDay says which day a certificate bears as its date of issue.
type IssueDay string

const (
	IssuedOnLastDay IssueDay = "last_day" // the last day of the assessment
	IssuedOnBodyDay IssueDay = "body"     // as the body says with each certificate
)

// BatchColumn is a column of the file in which a body is asked.
type BatchColumn string

const (
	ColumnCase      BatchColumn = "case" // this office's number, by which the body answers
	ColumnAccount   BatchColumn = "account"
	ColumnLegalName BatchColumn = "legal_name"
	ColumnTradeName BatchColumn = "trade_name"
	ColumnTerm      BatchColumn = "term_years"
	ColumnPurpose   BatchColumn = "purpose"
	ColumnLastDay   BatchColumn = "last_day" // 2026-03-12
	ColumnResult    BatchColumn = "result_percent"
	ColumnReplaces  BatchColumn = "replaces" // number of the certificate that the new one replaces; empty: a first one
)

// BatchColumns returns every column that a file may have.
func BatchColumns() []BatchColumn {
	return []BatchColumn{ColumnCase, ColumnAccount, ColumnLegalName, ColumnTradeName, ColumnTerm, ColumnPurpose, ColumnLastDay, ColumnResult, ColumnReplaces}
}

// Maker says who does something with a certificate.
type Maker string

const (
	MakerBody    Maker = "body"    // the governing body
	MakerPartner Maker = "partner" // this office
)

// Unit says how a policy counts its days.
type Unit string

const (
	UnitBusiness Unit = "business" // days on which the party's calendar is open
	UnitCalendar Unit = "calendar" // every day
)

// Ends says at which moment of its last day a policy ends.
type Ends string

const (
	EndsInstant  Ends = "instant"    // at the same time of day as it began
	EndsEndOfDay Ends = "end_of_day" // business: the close of the office; calendar: midnight
)

// Party is whose time a clock charges.
type Party string

const (
	PartyOffice  Party = "office"  // this certifying partner
	PartyCompany Party = "company" // the employer
	PartyBody    Party = "body"    // the governing body
)

// Parties returns every party in the order in which reports list them.
func Parties() []Party { return []Party{PartyOffice, PartyCompany, PartyBody} }

// Policy is one promise in days.
type Policy struct {
	Name    string // "request_review", unique in its edition
	Title   string
	Party   Party // whose time runs while the clock is not paused
	Unit    Unit
	Ends    Ends
	Levels  []Level // ascending by AfterDays; one is the breach, others may follow it
	Promise bool    // the programme page tells applicants this number
}

// Level is one moment of a policy at which the desk acts.
type Level struct {
	Name      string // "warn", "breach"; unique in its policy
	AfterDays int    // days of the policy's unit since the start; 0 is the start itself
	Raises    EventKind
}

// LevelBreach is the level at which a promise is broken. Each policy has it once.
const LevelBreach = "breach"

// Breach returns the policy's level at which the promise is broken.
func (p Policy) Breach() Level {
	for _, l := range p.Levels {
		if l.Name == LevelBreach {
			return l
		}
	}
	return Level{}
}

// Policy returns the edition's policy of that name.
func (e *Edition) Policy(name string) (Policy, bool) {
	for _, p := range e.Policies {
		if p.Name == name {
			return p, true
		}
	}
	return Policy{}, false
}

// Guard names a check that a company must pass at certain moments of its case.
type Guard string

const (
	GuardHeadcount    Guard = "headcount"
	GuardRegistration Guard = "body_registration"
	GuardCourse       Guard = "course"
	GuardPayment      Guard = "payment"
	GuardMonths       Guard = "evidence_months"
	GuardConflict     Guard = "conflict"
	GuardProfiles     Guard = "profiles"  // no other company on file looks like the one that asks
	GuardDuplicate    Guard = "duplicate" // the same sheet of the same day came in before
	GuardName         Guard = "name"      // the submission states another company or account
	GuardNearName     Guard = "near_name" // the submission writes the company's name otherwise
	GuardUnscored     Guard = "unscored"  // questions without a claimed mark
)

// Guards returns every guard.
func Guards() []Guard {
	return []Guard{GuardHeadcount, GuardRegistration, GuardCourse, GuardPayment, GuardMonths, GuardConflict, GuardProfiles,
		GuardDuplicate, GuardName, GuardNearName, GuardUnscored}
}

// Moment is a point of a case at which guards are checked.
type Moment string

const (
	MomentRequest      Moment = "request"      // before a request is approved
	MomentRegistration Moment = "registration" // before the invoice and before the audit tool is unlocked
	MomentSubmission   Moment = "submission"   // when the self-assessment comes in
	MomentReview       Moment = "review"       // when a reviewer confirms
)

// Effect says what a failed guard does.
type Effect string

const (
	EffectBlock Effect = "block" // the step is refused
	EffectAsk   Effect = "ask"   // a person must accept it with a reason
	EffectNote  Effect = "note"  // it is written down, no more
)

// GuardRule sets a guard's effect. An empty Moment or Body means any; a rule that
// names the body beats one that does not, then one that names the moment, then
// the later one.
type GuardRule struct {
	Guard  Guard
	Moment Moment
	Body   string
	Effect Effect
}

// Effect returns what a failed guard does at a moment for a company of a body.
// A guard that no rule names blocks.
func (e *Edition) Effect(g Guard, m Moment, body string) Effect {
	best, effect := -1, EffectBlock
	for _, r := range e.Guards {
		if r.Guard != g || (r.Moment != "" && r.Moment != m) || (r.Body != "" && r.Body != body) {
			continue
		}
		rank := 0
		if r.Body != "" {
			rank += 2
		}
		if r.Moment != "" {
			rank++
		}
		if rank >= best {
			best, effect = rank, r.Effect
		}
	}
	return effect
}

// Calendar says when a party works: the office, a company's province, a body.
type Calendar struct {
	Name     string // "AB"
	Zone     *time.Location
	ZoneData string        // release of the zone's rules: "2026f"
	Opens    time.Duration // since midnight on the wall clock
	Closes   time.Duration // since midnight; 24h is legal
	Workdays []time.Weekday
	Holidays []HolidayRule
	Optional []string // names of optional holidays that this calendar keeps
	Closed   []Date   // extra closures
}

// HolidayKind says whether a holiday is kept without being asked for.
type HolidayKind string

const (
	HolidayStatutory HolidayKind = "statutory"
	HolidayOptional  HolidayKind = "optional"
)

// HolidayBasis says how a holiday's day is found in a year.
type HolidayBasis string

const (
	BasisFixed    HolidayBasis = "fixed"     // Month and Day
	BasisNth      HolidayBasis = "nth"       // the Nth Weekday of Month
	BasisOnBefore HolidayBasis = "on_before" // the last Weekday on or before Month and Day
	BasisEaster   HolidayBasis = "easter"    // Offset days from Easter Sunday
)

// Observance says on which day a holiday that falls on a weekend is kept as well.
type Observance string

const (
	ObservedOnDay  Observance = "on_day"  // only on the day itself
	ObservedMonday Observance = "monday"  // a Saturday or Sunday moves to the next Monday
	ObservedSunday Observance = "sunday"  // only a Sunday moves to the next Monday
	ObservedNext   Observance = "workday" // to the next day that is neither weekend nor holiday
)

// HolidayRule is one holiday of one province by rule.
type HolidayRule struct {
	Name     string
	Kind     HolidayKind
	Basis    HolidayBasis
	Month    time.Month
	Day      int
	Weekday  time.Weekday
	Nth      int
	Offset   int
	Observed Observance
	From, To int // years, both included; 0: no limit
}

// Protocol is an audit instrument: elements, their questions and points.
type Protocol struct {
	Name     string
	Title    string
	Elements []Element
}

// Element is a chapter of a protocol.
type Element struct {
	ID          string // "A"
	Title       string
	TitleFrench string // for letters in French; "": they show Title
	Questions   []Question
}

// Question is one line of an element.
type Question struct {
	ID      string // "A1", unique in its protocol
	Text    string
	Points  Points // the most that can be awarded
	Methods []Method
	Scale   Scale
}

// Method is how a question is verified.
type Method string

const (
	MethodDocument    Method = "document"
	MethodInterview   Method = "interview"
	MethodObservation Method = "observation"
)

// Scale is how a question's points are given.
type Scale string

const (
	ScaleAll     Scale = "all"     // nothing or everything
	ScaleRange   Scale = "range"   // any number of points up to the most
	ScalePercent Scale = "percent" // share of positive answers, may be fractional
)

// Programme is all data that the rules work on, loaded once and never changed
// while a process runs.
type Programme struct {
	Editions  map[string]*Edition
	Protocols map[string]*Protocol
	Bodies    map[string]*Body
	Calendars map[string]*Calendar // by province
	Office    string               // the calendar of this office
	// Signatories are who signs certificates and their cover letters, by Partner or
	// the id of a body; the one to be taken first stands first.
	Signatories map[string][]Signatory
}

// EditionOn returns the edition in force on a day: the one with the latest
// EffectiveFrom that is not an example and not after the day; of two, the one with
// the greater ID.
func (p *Programme) EditionOn(day Date) (*Edition, error) {
	var found *Edition
	for _, e := range p.Editions {
		if e.Example || e.EffectiveFrom.After(day) {
			continue
		}
		if found == nil || cmp.Or(e.EffectiveFrom.Compare(found.EffectiveFrom), cmp.Compare(e.ID, found.ID)) > 0 {
			found = e
		}
	}
	if found == nil {
		return nil, &FieldError{Field: "day", Value: day.String(), Problem: "is before the first rule edition; add one to schema/programme"}
	}
	return found, nil
}
