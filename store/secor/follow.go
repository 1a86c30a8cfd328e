package secor

import (
	"slices"
	"strconv"
)

// JobKind names a job that a step promises: "<family>:<what it does>". No kind
// is the beginning of another, because the queue matches by prefix.
type JobKind string

const (
	JobDecideNeed       JobKind = "request:decide_need"
	JobWelcome          JobKind = "request:send_welcome"
	JobRejection        JobKind = "request:send_rejection"
	JobNotRequired      JobKind = "request:send_not_required"
	JobRequestQuestion  JobKind = "request:send_question"
	JobRequestClosed    JobKind = "request:send_closed"
	JobAnswerReminder   JobKind = "answer:remind"
	JobRevisionReminder JobKind = "revision:remind"
	JobOfferClosing     JobKind = "answer:offer_closing"

	JobCheckRegistration JobKind = "invoice:check_registration"
	JobInvoice           JobKind = "invoice:send"
	JobInvoiceReminder   JobKind = "invoice:remind"
	JobResumeReminders   JobKind = "invoice:resume_reminders"
	JobReceipt           JobKind = "invoice:receipt"
	JobStatement         JobKind = "invoice:statement"

	JobRegistrationQuestion JobKind = "registration:send_question"
	JobUnlock               JobKind = "registration:send_unlocked"
	JobAuditClosed          JobKind = "registration:send_closed"

	JobAssign       JobKind = "assignment:pick"
	JobCover        JobKind = "assignment:cover"
	JobTellReviewer JobKind = "assignment:tell_reviewer"
	JobTellFormer   JobKind = "assignment:tell_former"
	JobTakenAway    JobKind = "assignment:tell_taken_away"
	JobReturned     JobKind = "assignment:send_returned"
	JobRevision     JobKind = "assignment:send_revision"

	JobSubmissionReceipt JobKind = "review:send_receipt"
	JobInterim           JobKind = "review:send_interim"
	JobAppealReceived    JobKind = "review:send_appeal_received"

	JobPass        JobKind = "score:send_pass"
	JobFail        JobKind = "score:send_fail"
	JobNotReviewed JobKind = "score:send_not_reviewed"
	JobDeclined    JobKind = "score:send_declined"
	JobAskOneYear  JobKind = "score:ask_one_year"

	JobRequestCertificate JobKind = "certificate:request"
	JobMakeCertificate    JobKind = "certificate:make_papers"
	JobRevocation         JobKind = "certificate:send_revocation"
	JobBodyAnswer         JobKind = "certificate:send_body_answer"
	JobTellBody           JobKind = "certificate:tell_body_revoked"
	JobMailed             JobKind = "certificate:send_mailed"
	JobElectronic         JobKind = "certificate:send_electronic"
	JobReplacement        JobKind = "certificate:send_replacement"

	JobWarn      JobKind = "escalation:warn_holder"
	JobEscalate  JobKind = "escalation:tell_lead"
	JobTellAdmin JobKind = "escalation:tell_admin"

	JobPostCard     JobKind = "card:post"
	JobReachByPhone JobKind = "letter:reach_by_phone"
	JobMaintenance  JobKind = "letter:announce_maintenance"
)

// Audience says for whom a job is done; the store resolves it to recipients in
// the transaction that promises the job, one job each.
type Audience string

const (
	AudienceCompany  Audience = "company"  // the company's address for letters
	AudienceReviewer Audience = "reviewer" // who holds the case
	AudienceFormer   Audience = "former"   // who held it before; nobody when they have left or did it themselves
	AudienceHolder   Audience = "holder"   // who holds the case, or stands in; the leads when nobody does
	AudienceLeads    Audience = "leads"    // every active lead; the administrators when there is none
	AudienceAdmins   Audience = "admins"   // every active administrator; the leads when there is none
	AudienceChannel  Audience = "channel"  // the desk's channel for cards; nobody when it has none
	AudienceBody     Audience = "body"     // the governing body
	AudienceDesk     Audience = "desk"     // nobody outside: work on the case itself
)

// Follow is one thing that follows from an event.
type Follow struct {
	Event    EventKind
	Job      JobKind
	Audience Audience
}

// follows answers "what happens after …?" at one glance.
var follows = []Follow{
	{EventRequestReceived, JobDecideNeed, AudienceDesk},
	{EventRequestReceived, JobPostCard, AudienceChannel},
	{EventRequestAnswered, JobPostCard, AudienceChannel},
	{EventRequestReleased, JobPostCard, AudienceChannel},
	{EventRequestUnassigned, JobPostCard, AudienceChannel},
	{EventRequestQueried, JobRequestQuestion, AudienceCompany},
	{EventRequestApproved, JobWelcome, AudienceCompany},
	{EventRequestRejected, JobRejection, AudienceCompany},
	{EventRequestNotRequired, JobNotRequired, AudienceCompany},
	{EventRequestNoAnswer, JobRequestClosed, AudienceCompany},
	{EventRequestWithdrawn, JobRequestClosed, AudienceCompany},

	{EventAuditRegistered, JobCheckRegistration, AudienceDesk},
	{EventAuditReopened, JobCheckRegistration, AudienceDesk},
	{EventAuditReopened, JobAssign, AudienceDesk},
	{EventRegistrationAsked, JobEscalate, AudienceLeads},
	{EventInvoiceDrafted, JobInvoice, AudienceCompany},
	{EventInvoiceReminder, JobInvoiceReminder, AudienceCompany},
	{EventInvoiceAdopted, JobInvoice, AudienceCompany},
	{EventInvoicePaid, JobReceipt, AudienceCompany},
	{EventPromiseBroken, JobResumeReminders, AudienceDesk},
	{EventStatementAsked, JobStatement, AudienceCompany},
	{EventPaymentReversed, JobEscalate, AudienceLeads},
	{EventInvoiceOverpaid, JobEscalate, AudienceLeads},
	{EventRegistrationQueried, JobRegistrationQuestion, AudienceCompany},
	{EventAuditOpened, JobUnlock, AudienceCompany},
	{EventAuditCancelled, JobAuditClosed, AudienceCompany},
	{EventAuditWithdrawn, JobAuditClosed, AudienceCompany},
	{EventAuditLapsed, JobAuditClosed, AudienceCompany},
	{EventAuditNoAnswer, JobAuditClosed, AudienceCompany},

	{EventAuditSubmitted, JobAssign, AudienceDesk},
	{EventSubmissionAsked, JobEscalate, AudienceLeads},
	{EventSubmissionAccepted, JobAssign, AudienceDesk},
	{EventAuditHandedBack, JobAssign, AudienceDesk},
	{EventAuditHandedBack, JobTellFormer, AudienceFormer},
	{EventAssignmentStuck, JobEscalate, AudienceLeads},
	{EventAuditAssigned, JobTellReviewer, AudienceReviewer},
	{EventAuditAssigned, JobTellFormer, AudienceFormer},
	{EventAuditUnassigned, JobTakenAway, AudienceLeads},
	{EventAuditUnassigned, JobTellFormer, AudienceFormer},
	{EventRequestUnassigned, JobEscalate, AudienceLeads},
	{EventRequestUnassigned, JobTellFormer, AudienceFormer},
	{EventAuditAppealed, JobTellReviewer, AudienceReviewer},
	{EventAuditAppealed, JobAppealReceived, AudienceCompany},
	{EventRevisionReceived, JobTellReviewer, AudienceReviewer},
	{EventRevisionReceived, JobCover, AudienceDesk},
	{EventRevisionUncovered, JobEscalate, AudienceLeads},
	{EventRevisionQueued, JobAssign, AudienceDesk},
	{EventAuditReturned, JobReturned, AudienceCompany},
	{EventRevisionRequested, JobRevision, AudienceCompany},

	{EventSubmissionReceived, JobSubmissionReceipt, AudienceCompany},
	{EventSubmissionTakenIn, JobInterim, AudienceCompany},
	{EventSubmissionScored, JobAssign, AudienceDesk},
	{EventSheetScored, JobTellReviewer, AudienceReviewer},
	{EventRevisionsMany, JobEscalate, AudienceLeads},

	{EventRulingContested, JobEscalate, AudienceLeads},
	{EventAuditPassed, JobPass, AudienceCompany},
	{EventAuditPassedShort, JobAskOneYear, AudienceLeads},
	{EventOneYearGranted, JobPass, AudienceCompany},
	{EventOneYearDeclined, JobDeclined, AudienceCompany},
	{EventAuditFailed, JobFail, AudienceCompany},
	{EventAuditNotReviewed, JobNotReviewed, AudienceCompany},

	{EventCertificateDue, JobRequestCertificate, AudienceBody},
	{EventBatchFailed, JobEscalate, AudienceLeads},
	{EventCertificateIssued, JobMakeCertificate, AudienceDesk},
	{EventCertificateReturned, JobEscalate, AudienceLeads},
	{EventRevocationProposed, JobEscalate, AudienceLeads},
	{EventCertificateRevoked, JobRevocation, AudienceCompany},
	{EventCertificateRevoked, JobTellBody, AudienceBody},
	{EventBodyAnswered, JobBodyAnswer, AudienceBody},
	{EventCertificateReadied, JobMakeCertificate, AudienceDesk},
	{EventCertificateMailed, JobMailed, AudienceCompany},
	{EventCertificateSentOut, JobElectronic, AudienceCompany},
	{EventCertificateReplaced, JobReplacement, AudienceCompany},

	{EventAnswerReminder, JobAnswerReminder, AudienceCompany},
	{EventRevisionReminder, JobRevisionReminder, AudienceCompany},
	{EventAnswerOverdue, JobOfferClosing, AudienceHolder},
	{EventClockWarned, JobWarn, AudienceHolder},
	{EventClockBreach, JobEscalate, AudienceLeads},
	{EventClockEscalated, JobTellAdmin, AudienceAdmins},

	{EventLetterBounced, JobReachByPhone, AudienceHolder},
	{EventColleagueBounced, JobReachByPhone, AudienceLeads},
	{EventMaintenance, JobMaintenance, AudienceCompany},
}

// Follows returns what follows from an event.
func Follows(kind EventKind) []Follow {
	var found []Follow
	for _, f := range follows {
		if f.Event == kind {
			found = append(found, f)
		}
	}
	return found
}

// FollowsTo returns what promises a kind of job.
func FollowsTo(job JobKind) []Follow {
	var found []Follow
	for _, f := range follows {
		if f.Job == job {
			found = append(found, f)
		}
	}
	return found
}

// Follows returns what follows from an event on this case. A body that wants a
// batch is asked in one, which follows from a tick and not from the case.
func (f *File) Follows(kind EventKind) []Follow {
	return slices.DeleteFunc(Follows(kind), func(follow Follow) bool {
		return follow.Job == JobRequestCertificate && f.Body.Request == AskingBatch
	})
}

// JobKinds returns every kind that the table of follows promises, each once.
func JobKinds() []JobKind {
	var kinds []JobKind
	for _, f := range follows {
		if !slices.Contains(kinds, f.Job) {
			kinds = append(kinds, f.Job)
		}
	}
	return kinds
}

// StillTrue reports whether the reason of a job, the event cause, still holds. It
// is asked in the transaction that starts a send, so that nothing starts after
// its reason ended. A kind without a predicate is never true. What follows from a
// move of the case is true only until the case moves again, so that a second
// round sends its own letters and not those of the first as well.
func StillTrue(kind JobKind, f *File, cause Event) bool {
	// Whoever holds the case next moves it, and it stays another's.
	if kind == JobTellFormer {
		return f.lost(cause) && stillTrue[kind](f)
	}
	if cause.Subject == f.Case.Kind && cause.Seq != f.LastMove.Seq {
		return false
	}
	if slices.Contains(byCause, kind) {
		return f.stillTroubled(cause)
	}
	if judge, looks := stillCaused[kind]; looks && !judge(f, cause) {
		return false
	}
	if cause.Subject == SubjectCertificate && !f.certificateOf(kind, cause) {
		return false
	}
	predicate, known := stillTrue[kind]
	return known && predicate(f)
}

// certificateOf reports whether an event of a certificate is still the one that its
// letter tells of: of the same certificate, an answer that was not told already, and
// the last mailing.
func (f *File) certificateOf(kind JobKind, cause Event) bool {
	nth, counted := cause.Facts[factCertificate]
	of := len(f.Certificates)
	if kind == JobReplacement {
		of-- // it is told while the next one is on its way
	}
	if counted && nth != strconv.Itoa(of) {
		return false
	}
	switch kind {
	case JobTellBody:
		return cause.From != StateDue // a body that was asked for nothing is told nothing
	case JobBodyAnswer:
		return cause.Facts["channel"] != channelPhone
	case JobMailed:
		return f.Certificate() != nil && cause.Facts["mailed_on"] == f.Certificate().MailedOn.String()
	default:
		return true
	}
}

// stillCaused are the kinds that beside their predicate look at what their cause
// says.
var stillCaused = map[JobKind]func(*File, Event) bool{
	JobTellReviewer:      (*File).heldSince,
	JobSubmissionReceipt: func(f *File, cause Event) bool { return ofRound(cause, f.Audit.Round) },
	JobInterim:           func(f *File, cause Event) bool { return ofRound(cause, f.Audit.TakenAs) },
	JobInvoiceReminder:   (*File).reminds,
	JobResumeReminders:   (*File).brokenBy,
	JobReceipt:           (*File).coveredBy,
}

// ofRound reports whether a letter about a submission is about that round: a
// receipt about the last one, an interim letter about the one that was taken in.
func ofRound(cause Event, round int) bool {
	number, numbered := cause.Facts["round"]
	return !numbered || number == strconv.Itoa(round)
}

// heldSince reports whether the case is still held by the reviewer to whom an
// event gave it; an event that gave it to nobody leaves that open.
func (f *File) heldSince(cause Event) bool {
	reviewer, given := cause.Facts["reviewer"]
	return !given || reviewer == strconv.FormatInt(f.Case.Holder, 10)
}

// Judged reports whether the rules know when the reason of a kind ends.
func Judged(kind JobKind) bool {
	_, known := stillTrue[kind]
	return known || slices.Contains(byCause, kind)
}

// byCause are the kinds whose reason is told by the event that they follow from.
var byCause = []JobKind{JobWarn, JobEscalate, JobTellAdmin, JobAnswerReminder, JobRevisionReminder, JobOfferClosing,
	JobReachByPhone, JobMaintenance}

// stillTroubled reports whether what somebody was to be told of, or reminded of,
// has not been settled.
func (f *File) stillTroubled(cause Event) bool {
	switch cause.Kind {
	case EventClockWarned, EventClockBreach, EventClockEscalated, EventAnswerReminder, EventRevisionReminder, EventAnswerOverdue:
		return f.stillLate(cause)
	case EventMaintenance:
		return f.now.Before(f.WindowOf(cause).To) && f.companyActs()
	case EventLetterBounced, EventColleagueBounced:
		return f.stillUnreached(cause)
	case EventRegistrationAsked:
		return f.Case.State == StateRegistered
	case EventSubmissionAsked:
		return f.Audit.Waiting
	case EventAssignmentStuck:
		return f.Case.State == StateSubmitted && !f.Audit.Waiting
	case EventRevisionsMany:
		return f.Case.State == StateRevision && cause.Facts["round"] == strconv.Itoa(f.Audit.Round)
	case EventRevisionUncovered:
		return f.Case.State == StateInQA && f.heldSince(cause) && f.holderAway()
	case EventRequestUnassigned:
		return f.Case.State == StateReceived
	case EventRulingContested:
		return f.contestable(cause)
	case EventPaymentReversed:
		return invoiceIn(StateSent)(f) && !f.Invoice().Free
	case EventInvoiceOverpaid:
		return overpaid(f)
	case EventRevocationProposed:
		return f.RevocationProposed()
	case EventCertificateReturned:
		return certificateIn(StateReturned)(f)
	case EventBatchFailed:
		return f.batchStuck(cause)
	default:
		return false
	}
}

// stillLate reports whether the level of a clock that an event tells of still
// stands: the same cycle is not finished, the level is due by what is known now,
// and no later level was acted on, whose letter says all that this one would. So
// of levels that come due together, after the desk's clocks stood still, only the
// last is written about. To warn and to escalate is to ask that something be done,
// which the office cannot while the time is somebody else's.
func (f *File) stillLate(cause Event) bool {
	i := f.cycle(cause.Facts["policy"])
	if i < 0 || strconv.Itoa(f.Clocks[i].Cycle) != cause.Facts["cycle"] {
		return false
	}
	c := f.Clocks[i]
	if c.Phase() == PhaseFinished || c.Phase() == PhasePaused && cause.Kind != EventClockBreach {
		return false
	}
	if holder, told := cause.Facts["holder"]; told && cause.Kind == EventClockWarned && holder != strconv.FormatInt(f.Case.Holder, 10) {
		return false // it is another's now, who was told of it with the case
	}
	return c.stands(f.Programme.Calendars[c.Calendar], cause.Facts["level"], f.now)
}

var stillTrue = map[JobKind]func(*File) bool{
	JobDecideNeed:      inState(StateReceived),
	JobWelcome:         inState(StateApproved),
	JobRejection:       inState(StateRejected),
	JobNotRequired:     func(f *File) bool { return f.Case.State == StateNotRequired && !f.RequestNeeded() },
	JobRequestQuestion: inState(StateQueried),
	JobPostCard:        inState(StateReceived, StateInReview),
	JobRequestClosed:   inState(StateNoAnswer, StateWithdrawn),

	JobCheckRegistration: inState(StateRegistered),
	JobInvoice:           func(f *File) bool { return invoiceIn(StateDraft)(f) && !f.Invoice().Free },
	JobInvoiceReminder:   invoiceIn(StateSent),
	JobResumeReminders:   invoiceIn(StateSent),
	JobReceipt:           invoiceIn(StatePaid),
	JobStatement:         func(f *File) bool { return len(f.Statement().Lines) > 0 },

	JobRegistrationQuestion: inState(StateRegistrationQueried),
	JobUnlock:               inState(StateOpen),
	JobAuditClosed:          inState(StateCancelled, StateWithdrawn, StateLapsed, StateNoAnswer),

	JobAssign:            func(f *File) bool { return f.Case.State == StateSubmitted && !f.Audit.Waiting },
	JobTellReviewer:      func(f *File) bool { return inState(StateInQA, StateRevision)(f) && f.Case.Holder != 0 },
	JobTellFormer:        func(f *File) bool { return Next(f.Case.Kind, f.Case.State) != "" },
	JobTakenAway:         func(f *File) bool { return f.Audit != nil && f.Audit.Waiting && f.Case.Holder == 0 },
	JobCover:             func(f *File) bool { return f.Case.State == StateInQA && f.holderAway() },
	JobReturned:          inState(StateOpen),
	JobSubmissionReceipt: inState(StateSubmitted, StateInQA),
	JobInterim: func(f *File) bool {
		return inState(StateSubmitted, StateInQA, StateRevision)(f) && !f.Audit.TakenIn.IsZero()
	},
	JobRevision:       inState(StateRevision),
	JobAppealReceived: inState(StateInQA),

	JobPass:        func(f *File) bool { return f.Case.State == StateQAComplete && f.Audit.Result == VerdictPass },
	JobFail:        func(f *File) bool { return f.Case.State == StateQAComplete && f.Audit.Result == VerdictFail },
	JobNotReviewed: inState(StateNotReviewed),
	JobDeclined:    func(f *File) bool { return f.Case.State == StateQAComplete && f.Audit.Declined },
	JobAskOneYear:  func(f *File) bool { return f.Case.State == StateQAComplete && f.undecidedYear() == nil },

	JobRequestCertificate: func(f *File) bool { return f.CertificateDue() && f.Body.Request != AskingBatch },
	JobMakeCertificate:    certificateIn(StateIssued, StateSigned, StateMailed, StateElectronic),
	JobRevocation:         certificateIn(StateRevoked),
	JobTellBody:           certificateIn(StateRevoked),
	JobBodyAnswer:         certificateIn(StateRequested, StateBodyQueried),
	JobMailed:             certificateIn(StateMailed),
	JobElectronic:         certificateIn(StateElectronic),
	JobReplacement: func(f *File) bool {
		return certificateIn(StateDue, StateRequested, StateBodyQueried)(f) && f.Certificate().ReplacesID != 0
	},
}

func inState(states ...State) func(*File) bool {
	return func(f *File) bool { return slices.Contains(states, f.Case.State) }
}

func invoiceIn(state State) func(*File) bool {
	return func(f *File) bool {
		invoice := f.Invoice()
		return invoice != nil && invoice.State == state
	}
}

func certificateIn(states ...State) func(*File) bool {
	return func(f *File) bool {
		c := f.Certificate()
		return c != nil && slices.Contains(states, c.State)
	}
}

// Accepted records that a letter of that kind was accepted by its carrier, and
// does what only then is true: an invoice is sent, a company is told, a
// certificate is requested. A card is not a letter: its job alone keeps the receipt.
// The recipient is kept as text, with the address where it is known, so that a
// report about the letter can be compared with it.
func (f *File) Accepted(kind JobKind, recipient string) error {
	if kind == JobPostCard {
		return nil
	}
	f.record(EventLetterSent, "to "+recipient, facts{"letter": string(kind)})
	switch kind {
	case JobPass:
		return f.notified("email")
	case JobInvoice:
		// Paid or voided while the letter was on its way: the letter changes nothing.
		if !invoiceIn(StateDraft)(f) {
			return nil
		}
		f.Invoice().SentOn = f.Today()
		return f.moveInvoice(StateSent, EventInvoiceSent, "", facts{"invoice": f.Invoice().Number()})
	case JobRequestCertificate:
		if !certificateIn(StateDue)(f) {
			return nil
		}
		return f.moveCertificate(StateRequested, EventCertificateRequested, "", nil)
	default:
		return nil
	}
}

// notified starts the ten days, which count from the first notice of the pass by
// whatever channel; a later notice changes nothing.
//
// Source: the programme page, "10 days from the approval notification date".
func (f *File) notified(channel string) error {
	if !f.Audit.Notified.IsZero() {
		return nil
	}
	f.Audit.Notified = f.Today()
	f.record(EventCompanyNotified, "", facts{"on": f.Audit.Notified.String(), "channel": channel})
	if f.phase(PolicyNotification) != PhaseFinished {
		err := f.clockEntry(PolicyNotification, ClockEntry{Kind: ClockMet})
		if err != nil {
			return err
		}
	}
	if !certificateAwaited(f) {
		return nil
	}
	return f.startClock(PolicyCertificate, f.act.at(f.now))
}

// certificateAwaited reports whether a certificate has still to reach the company.
// There is none to wait for after a maintenance audit, or once it is in the post.
func certificateAwaited(f *File) bool {
	return certificateIn(StateDue, StateRequested, StateBodyQueried, StateIssued, StateSigned)(f)
}
