package secor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// The people of these tests. Eve has left the desk.
const (
	ana  int64 = 1 // reviewer
	ben  int64 = 2 // reviewer
	cleo int64 = 3 // lead
	dan  int64 = 4 // administrator
	eve  int64 = 5 // lead, not active
)

const testCompany int64 = 12

var (
	asAna, asBen, asCleo, asDan, asEve = ByReviewer(ana), ByReviewer(ben), ByReviewer(cleo), ByReviewer(dan), ByReviewer(eve)
	asCompany                          = ByCompany(testCompany)
)

// actorOf returns somebody of that role.
func actorOf(role Role) Actor {
	switch role {
	case RoleDesk:
		return Desk
	case RoleCompany:
		return asCompany
	default:
		return map[Role]Actor{RoleReviewer: asAna, RoleLead: asCleo, RoleAdmin: asDan}[role]
	}
}

func testRoster() []Reviewer {
	return []Reviewer{
		{ID: ana, Name: "Ana", Role: RoleReviewer, Active: true, Capacity: 4},
		{ID: ben, Name: "Ben", Role: RoleReviewer, Active: true, Capacity: 4, Held: 2, Load: 2 * FullEffort},
		{ID: cleo, Name: "Cleo", Role: RoleLead, Active: true, Capacity: 2, Held: 1, Load: FullEffort},
		{ID: dan, Name: "Dan", Role: RoleAdmin, Active: true},
		{ID: eve, Name: "Eve", Role: RoleLead, Capacity: 9},
	}
}

func testLevels(days int) []Level {
	return []Level{{Name: "warn", AfterDays: days - 1, Raises: EventClockWarned}, {Name: "breach", AfterDays: days, Raises: EventClockBreach}}
}

// askedLevels are those of a time that is the company's.
func askedLevels(reminder EventKind) []Level {
	return []Level{{Name: "reminder", AfterDays: 5, Raises: reminder}, {Name: "reminder_2", AfterDays: 10, Raises: reminder},
		{Name: "breach", AfterDays: 15, Raises: EventAnswerOverdue}, {Name: "escalate", AfterDays: 30, Raises: EventClockEscalated}}
}

func testEdition() *Edition {
	return &Edition{
		ID: "test-2026", EffectiveFrom: Date{2020, time.January, 1}, Protocol: "small",
		PassMarks: map[Purpose]PassMark{
			PurposeCertification: {80, 50}, PurposeRecertification: {80, 50}, PurposeMaintenance: {60, 0},
		},
		MaxHeadcount: 10, Months: EvidenceMonths{ThreeYear: 12, OneYear: 3},
		Course:   CourseRule{Name: "Safety Program Development", ValidYears: 3},
		NearMiss: 10, Revisions: RevisionRule{TellRounds: 2, TellDays: 90}, EvidenceHosts: []string{"tool.example", "energysafetycanada.com"},
		Fees: Fees{AnnualMember: 150_00, AnnualNonMember: 600_00, FurtherReview: 200_00,
			Taxes: []Tax{{Province: "AB", Name: "GST", BasisPoints: 500}}},
		Guards: []GuardRule{
			{Guard: GuardHeadcount, Effect: EffectBlock}, {Guard: GuardHeadcount, Moment: MomentSubmission, Effect: EffectAsk},
			{Guard: GuardRegistration, Effect: EffectNote}, {Guard: GuardRegistration, Body: "ab-pir", Effect: EffectBlock},
			{Guard: GuardCourse, Effect: EffectBlock}, {Guard: GuardCourse, Moment: MomentRequest, Effect: EffectNote},
			{Guard: GuardPayment, Effect: EffectBlock}, {Guard: GuardMonths, Effect: EffectAsk},
			{Guard: GuardDuplicate, Effect: EffectAsk}, {Guard: GuardName, Effect: EffectAsk},
			{Guard: GuardNearName, Effect: EffectNote}, {Guard: GuardUnscored, Effect: EffectNote},
		},
		Assignment: AssignmentRule{HorizonDays: 90, LapsedDays: 365, InRevision: 50,
			Percent: map[Purpose]int{PurposeCertification: 100, PurposeRecertification: 100, PurposeMaintenance: 75}},
		Policies: []Policy{
			{Name: "request_review", Party: PartyOffice, Unit: UnitBusiness, Ends: EndsEndOfDay, Levels: testLevels(3)},
			{Name: "registration_review", Party: PartyOffice, Unit: UnitBusiness, Ends: EndsEndOfDay, Levels: testLevels(3)},
			{Name: "qa_review", Party: PartyOffice, Unit: UnitCalendar, Ends: EndsEndOfDay, Levels: testLevels(28)},
			{Name: "invoice_payment", Party: PartyCompany, Unit: UnitCalendar, Ends: EndsEndOfDay, Levels: []Level{
				{Name: "remind", AfterDays: 14, Raises: EventInvoiceReminder}, {Name: "breach", AfterDays: 30, Raises: EventClockBreach}}},
			{Name: "qa_assignment", Party: PartyOffice, Unit: UnitBusiness, Ends: EndsEndOfDay, Levels: testLevels(2)},
			{Name: PolicyAnswer, Party: PartyCompany, Unit: UnitCalendar, Ends: EndsEndOfDay, Levels: askedLevels(EventAnswerReminder)},
			{Name: PolicyRevision, Party: PartyCompany, Unit: UnitCalendar, Ends: EndsEndOfDay, Levels: askedLevels(EventRevisionReminder)},
			{Name: PolicyPromise, Party: PartyCompany, Unit: UnitCalendar, Ends: EndsEndOfDay, Levels: []Level{{Name: "breach", AfterDays: 20, Raises: EventClockBreach}}},
			{Name: PolicyNotification, Party: PartyOffice, Unit: UnitBusiness, Ends: EndsEndOfDay, Levels: testLevels(1)},
			{Name: PolicyCertificate, Party: PartyOffice, Unit: UnitCalendar, Ends: EndsEndOfDay, Levels: testLevels(10)},
		},
	}
}

// testProtocol has one question of each scale, and 40 points.
func testProtocol() *Protocol {
	return &Protocol{Name: "small", Elements: []Element{
		{ID: "A", Questions: []Question{{ID: "A1", Points: 5_00, Scale: ScaleAll}, {ID: "A2", Points: 15_00, Scale: ScaleRange}}},
		{ID: "B", Questions: []Question{{ID: "B1", Points: 10_00, Scale: ScalePercent}, {ID: "B2", Points: 10_00, Scale: ScaleRange}}},
	}}
}

// marks reads "A1 5/5, A2 12.50, B1 n/a".
func marks(t testing.TB, text string) []Mark {
	t.Helper()
	var list []Mark
	for _, item := range strings.Split(text, ",") {
		id, given, ok := strings.Cut(strings.TrimSpace(item), " ")
		if !ok {
			continue
		}
		if given == "n/a" {
			list = append(list, Mark{Question: id, NA: true})
			continue
		}
		awarded, available, _ := strings.Cut(given, "/")
		m := Mark{Question: id, Awarded: points(t, awarded)}
		if available != "" {
			m.Available = points(t, available)
		}
		list = append(list, m)
	}
	return list
}

func points(t testing.TB, text string) Points {
	t.Helper()
	p, err := ParsePoints(text)
	if err != nil {
		t.Fatalf("read points: %v", err)
	}
	return p
}

const (
	passing = "A1 5, A2 15, B1 8, B2 10"
	failing = "A1 0, A2 5, B1 2, B2 10"
)

// office is a case at work: a file, what has happened to it, and a clock that
// moves on a minute with every step.
type office struct {
	*File
	t       testing.TB
	clock   time.Time
	history []Event
	acts    int
}

func newOffice(t testing.TB, kind Subject) *office {
	ab := deskCalendar(t)
	body := &Body{ID: "ab-pir", Name: "Alberta PIR", Province: "AB", CoSigned: true, Paper: true}
	f := &File{
		Case: Case{ID: 14, Kind: kind, CompanyID: testCompany, Body: body.ID, EditionID: "test-2026"},
		Company: Company{ID: testCompany, LegalName: "Roy Welding Ltd.", Province: "AB", Email: "office@roy.example", Member: true,
			Address: Address{Street: "1 Main Street", City: "Calgary", Province: "AB", PostalCode: "T2P 1A1"}, ProfileSince: Date{2026, time.January, 5}},
		People:        []Person{{ID: 1, Name: "Ana Roy", Courses: []Course{{Name: "Safety Program Development", CompletedOn: Date{2025, time.May, 2}}}}},
		Registrations: []Registration{{Body: body.ID, Account: "1234567", GoodStanding: true}},
		Roster:        testRoster(), Edition: testEdition(), Protocol: testProtocol(), Body: body,
		Programme: &Programme{Calendars: map[string]*Calendar{"AB": ab}, Office: "AB", Signatories: map[string][]Signatory{
			Partner: {{Name: "Chloé Martin", Title: "Manager", Span: Span{From: Date{2020, time.January, 1}}}, {Name: "Dan Wu", Title: "Director", Span: Span{From: Date{2026, time.January, 1}}}}}},
	}
	if kind == SubjectRequest {
		f.Company.ProfileSince = Date{}
		f.Request = &Request{Reason: ReasonNoProfile, Headcount: 10}
	} else {
		f.Audit = &Audit{Purpose: PurposeCertification, FeeYear: 2026, Headcount: 10, Claimed: Evidence{12, 12}, Verified: Evidence{12, 12}}
	}
	return &office{File: f, t: t, clock: wall(t, "2026-03-25 09:00")}
}

// act begins one act a minute later, runs do and keeps its events.
func (o *office) act(a Act, do func() error) error {
	o.acts++
	o.clock = o.clock.Add(time.Minute)
	a.ID, a.Surface = fmt.Sprintf("act-%d", o.acts), SurfaceCLI
	err := o.Begin(a, o.clock)
	if err != nil {
		return err
	}
	err = do()
	if err != nil {
		return err
	}
	for _, e := range o.Events() {
		e.Seq = len(o.history) + 1
		o.history = append(o.history, e)
		if e.Subject == o.Case.Kind {
			o.LastMove = e // as a store reads it back
		}
	}
	for i := range o.Certificates {
		o.Certificates[i].ID = int64(i + 1)
	}
	return nil
}

// fields reads "amount=157.50".
func fields(pairs []string) Input {
	in := Input{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		in[name] = value
	}
	return in
}

// try takes a step; its error is what the rules say.
func (o *office) try(by Actor, name, reason string, pairs ...string) error {
	return o.tryAt(Act{By: by, Reason: reason}, name, pairs...)
}

func (o *office) tryAt(a Act, name string, pairs ...string) error {
	step, err := StepFor(name, o.Case.Kind)
	if err != nil {
		return err
	}
	return o.act(a, func() error { return step.Take(o.File, fields(pairs)) })
}

// take is try for a step that must succeed.
func (o *office) take(by Actor, name, reason string, pairs ...string) {
	o.t.Helper()
	err := o.try(by, name, reason, pairs...)
	if err != nil {
		o.t.Fatalf("%s by %s while %s: %v", name, by, o.Case.State, err)
	}
}

func (o *office) trySubmit(s Submission) error {
	return o.act(Act{By: asCompany}, func() error { return o.Submit(s) })
}

func (o *office) submission(claimed string) Submission {
	return Submission{Marks: marks(o.t, claimed), Months: Evidence{12, 12}, LastDay: Date{2026, time.March, 20}, Headcount: 10}
}

func (o *office) submit(claimed string) {
	o.t.Helper()
	err := o.trySubmit(o.submission(claimed))
	if err != nil {
		o.t.Fatalf("submit: %v", err)
	}
}

// accepted lets a letter's carrier take it.
func (o *office) accepted(kind JobKind) {
	o.t.Helper()
	err := o.act(Act{By: Desk}, func() error { return o.Accepted(kind, "office@roy.example") })
	if err != nil {
		o.t.Fatalf("%s accepted: %v", kind, err)
	}
}

// happened returns the kinds of the last act's events.
func (o *office) happened() []EventKind {
	var kinds []EventKind
	for _, e := range o.Events() {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// last returns the latest event of that kind, numbered as a store numbers it.
func (o *office) last(kind EventKind) Event {
	for _, e := range slices.Backward(o.history) {
		if e.Kind == kind {
			return e
		}
	}
	o.t.Helper()
	o.t.Fatalf("there was no %s", kind)
	return Event{}
}

func (o *office) saw(kind EventKind) bool { return slices.Contains(o.happened(), kind) }

// fact returns what the last event of that kind says.
func (o *office) fact(kind EventKind, name string) string {
	for _, e := range slices.Backward(o.history) {
		if e.Kind == kind {
			return e.Facts[name]
		}
	}
	return "no " + string(kind)
}

// requestIn and auditIn bring a new case into a state by steps that people take.
func requestIn(t testing.TB, state State) *office {
	t.Helper()
	o := newOffice(t, SubjectRequest)
	o.open()
	switch state {
	case StateReceived:
	case StateInReview:
		o.take(asAna, "take", "")
	case StateQueried:
		o.take(asAna, "query", "", "question=Which account is right?")
	case StateApproved:
		o.take(asAna, "approve", "")
	case StateRejected:
		o.take(asAna, "reject", "11 people")
	case StateNotRequired:
		o.Company.ProfileSince = Date{2026, time.January, 5}
		o.take(asAna, "not-required", "")
	case StateNoAnswer:
		o.take(asAna, "query", "", "question=Which account is right?")
		o.take(asAna, "no-answer", "three letters")
	case StateWithdrawn:
		o.take(asAna, "withdraw", "by phone")
	}
	return o.standsIn(state)
}

// auditPath lists the states through which a case usually comes to another.
var auditPath = map[State]State{
	StateAwaitingPayment: StateRegistered, StateRegistrationReview: StateAwaitingPayment, StateRegistrationQueried: StateRegistrationReview,
	StateOpen: StateRegistrationReview, StateSubmitted: StateOpen, StateInQA: StateSubmitted, StateRevision: StateInQA,
	StateQAComplete: StateInQA, StateNotReviewed: StateInQA, StateCancelled: StateRegistrationReview,
	StateWithdrawn: StateRegistrationReview, StateLapsed: StateOpen, StateNoAnswer: StateRegistrationQueried,
}

func auditIn(t testing.TB, state State) *office {
	t.Helper()
	return auditMarked(t, state, passing)
}

func auditMarked(t testing.TB, state State, claimed string) *office {
	t.Helper()
	before, known := auditPath[state]
	if !known {
		o := newOffice(t, SubjectAudit)
		o.open()
		return o.standsIn(state)
	}
	o := auditMarked(t, before, claimed)
	switch state {
	case StateAwaitingPayment:
		o.take(Desk, "invoice", "")
	case StateRegistrationReview:
		o.take(asCleo, "pay", "", "amount=157.50", "method=cheque", "reference=0042")
	case StateRegistrationQueried:
		o.take(asAna, "query", "", "question=Who holds the course?")
	case StateOpen:
		o.take(asAna, "approve", "")
	case StateSubmitted:
		o.submit(claimed)
	case StateInQA:
		o.take(asAna, "take", "")
	case StateRevision:
		o.take(asAna, "query", "", "question=Page 3 is missing")
	case StateQAComplete:
		o.take(asAna, "confirm", "")
	case StateNotReviewed:
		o.take(asCleo, "not-review", "late")
	case StateCancelled:
		o.take(asCleo, "cancel", "registered twice")
	case StateWithdrawn:
		o.take(asAna, "withdraw", "sold")
	case StateLapsed:
		o.take(asCleo, "lapse", "year ended")
	case StateNoAnswer:
		o.take(asCleo, "no-answer", "three letters")
	}
	return o.standsIn(state)
}

func caseIn(t testing.TB, kind Subject, state State) *office {
	t.Helper()
	if kind == SubjectRequest {
		return requestIn(t, state)
	}
	return auditIn(t, state)
}

func (o *office) open() {
	o.t.Helper()
	err := o.act(Act{By: asCompany}, o.Open)
	if err != nil {
		o.t.Fatalf("open: %v", err)
	}
	o.Case.OpenedAt = o.clock
}

func (o *office) standsIn(state State) *office {
	o.t.Helper()
	if o.Case.State != state {
		o.t.Fatalf("the helper left the case in %s, want %s", o.Case.State, state)
	}
	return o
}

// certificateAt brings an audit's certificate into a state.
func certificateAt(t testing.TB, state State) *office {
	t.Helper()
	o := auditIn(t, StateQAComplete)
	for _, step := range []struct {
		to State
		do func()
	}{
		{StateDue, func() {}},
		{StateRequested, func() { o.accepted(JobRequestCertificate) }},
		{StateBodyQueried, func() { o.take(asAna, "body-query", "", "question=Which code?") }},
		{StateIssued, func() {
			if o.Certificate().State == StateBodyQueried {
				o.take(asAna, "body-answer", "", "answer=78000")
			}
			o.take(asCleo, "record-number", "", "number=AB-42", "issued-on=2026-03-24")
		}},
		{StateSigned, func() { o.take(asCleo, "sign", "") }},
		{StateMailed, func() { o.take(asCleo, "mailed", "") }},
		{StateReturned, func() { o.take(asAna, "returned", "moved") }},
	} {
		step.do()
		if step.to == state {
			return o
		}
	}
	switch state {
	case StateDelivered:
		o.take(asAna, "ready", "found")
		o.take(asCleo, "mailed", "")
		o.take(asAna, "delivered", "")
	case StateRevoked:
		o.take(asCleo, "revoke", "left the programme")
		o.take(asDan, "revoke", "left the programme")
	default:
		t.Fatalf("no way to a certificate that is %s", state)
	}
	return o
}

// written is what a step may change and a store writes, in a form that can be
// compared before and after.
type written struct {
	Case         Case
	Request      Request
	Audit        Audit
	Sheet        map[string][2]string
	Invoices     []Invoice
	Certificates []Certificate
	Company      Company
	Clocks       []Clock
	Notes        []Note
	Handed       int
	LastMove     Event
}

func writtenOf(f *File) written {
	w := written{Case: f.Case, Company: f.Company, LastMove: f.LastMove, Notes: slices.Clone(f.Notes), Handed: len(f.Handed), Sheet: map[string][2]string{}}
	if f.Request != nil {
		w.Request = *f.Request
	}
	if f.Audit != nil {
		w.Audit = *f.Audit
	}
	for id, line := range f.Sheet {
		w.Sheet[id] = [2]string{line.Claimed.Words(), line.Verified.Words()}
	}
	w.LastMove.Facts = maps.Clone(f.LastMove.Facts)
	w.Certificates, w.Clocks = slices.Clone(f.Certificates), slices.Clone(f.Clocks)
	for i := range w.Clocks {
		w.Clocks[i].Entries = slices.Clone(w.Clocks[i].Entries)
	}
	for _, invoice := range f.Invoices {
		invoice.Payments = slices.Clone(invoice.Payments)
		w.Invoices = append(w.Invoices, invoice)
	}
	return w
}

// refused reports what is wrong with a refusal: nil when err is of that kind and
// its text holds all of the words.
func refused(err, kind error, words ...string) error {
	switch {
	case err == nil:
		return errors.New("was not refused")
	case !errors.Is(err, kind) || !errors.Is(err, ErrRefused):
		return fmt.Errorf("got %q, which is no %q", err, kind)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			return fmt.Errorf("got %q, which does not say %q", err, word)
		}
	}
	return nil
}

// mustRefuse fails unless err is such a refusal.
func mustRefuse(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	wrong := refused(err, kind, words...)
	if wrong != nil {
		t.Error(wrong)
	}
}
