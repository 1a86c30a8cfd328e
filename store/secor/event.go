package secor

import "time"

// Events of a case. Each is <what>.<happened>.
const (
	EventRequestReceived    EventKind = "request.received"
	EventProfilesFound      EventKind = "request.profiles_found"
	EventRequestTaken       EventKind = "request.taken"
	EventRequestReleased    EventKind = "request.released"
	EventRequestQueried     EventKind = "request.queried"
	EventRequestAnswered    EventKind = "request.answered"
	EventRequestApproved    EventKind = "request.approved"
	EventRequestRejected    EventKind = "request.rejected"
	EventRequestNotRequired EventKind = "request.not_required"
	EventRequestNoAnswer    EventKind = "request.no_answer"
	EventRequestWithdrawn   EventKind = "request.withdrawn"
	EventRequestReopened    EventKind = "request.reopened"

	EventAuditRegistered      EventKind = "audit.registered"
	EventRegistrationAsked    EventKind = "registration.asked"
	EventRegistrationChecked  EventKind = "registration.checked"
	EventRegistrationQueried  EventKind = "registration.queried"
	EventRegistrationAnswered EventKind = "registration.answered"
	EventAuditOpened          EventKind = "audit.opened"
	EventAuditSubmitted       EventKind = "audit.submitted"
	EventSubmissionAsked      EventKind = "submission.asked"
	EventSubmissionAccepted   EventKind = "submission.accepted"
	EventAuditAssigned        EventKind = "audit.assigned"
	EventAuditHandedBack      EventKind = "audit.handed_back"
	EventAssignmentWaits      EventKind = "assignment.waits"   // nobody can take it now
	EventAssignmentStuck      EventKind = "assignment.stuck"   // nobody on the roster ever can
	EventAuditUnassigned      EventKind = "audit.unassigned"   // its holder came into conflict or left
	EventRequestUnassigned    EventKind = "request.unassigned" // as an audit
	EventAuditReturned        EventKind = "audit.returned"
	EventRevisionRequested    EventKind = "revision.requested"
	EventRevisionReceived     EventKind = "revision.received"
	EventRevisionQueued       EventKind = "revision.queued"    // it came in while the audit was nobody's
	EventRevisionUncovered    EventKind = "revision.uncovered" // its reviewer is away and nobody stands in
	EventMarkChanged          EventKind = "mark.changed"
	EventMonthsVerified       EventKind = "months.verified"
	EventSubmissionReceived   EventKind = "submission.received" // beside the move; every one of them
	EventSubmissionTakenIn    EventKind = "submission.taken_in" // it goes to a review
	EventSubmissionScored     EventKind = "submission.scored"   // marks came to a submission that had none
	EventSheetScored          EventKind = "sheet.scored"        // the same, when its reviewer had it already
	EventElementAgreed        EventKind = "element.agreed"
	EventNoteAdded            EventKind = "review_note.added"
	EventNoteResolved         EventKind = "review_note.resolved"
	EventNoteConfirmed        EventKind = "review_note.confirmed"
	EventNoteReopened         EventKind = "review_note.reopened"
	EventNoteWithdrawn        EventKind = "review_note.withdrawn"
	EventRevisionsMany        EventKind = "revision.many"
	EventAuditPassed          EventKind = "audit.passed"
	EventAuditPassedShort     EventKind = "audit.passed_short"
	EventAuditFailed          EventKind = "audit.failed"
	EventOneYearProposed      EventKind = "one_year.proposed"
	EventOneYearGranted       EventKind = "one_year.granted"
	EventOneYearDeclined      EventKind = "one_year.declined"
	EventRulingContested      EventKind = "ruling.contested" // whoever gave it was in conflict on that day, as is known now
	EventAuditNotReviewed     EventKind = "audit.not_reviewed"
	EventAuditAppealed        EventKind = "audit.appealed"
	EventAuditCancelled       EventKind = "audit.cancelled"
	EventAuditWithdrawn       EventKind = "audit.withdrawn"
	EventAuditLapsed          EventKind = "audit.lapsed"
	EventAuditNoAnswer        EventKind = "audit.no_answer"
	EventAuditReopened        EventKind = "audit.reopened"
	EventCompanyNotified      EventKind = "company.notified"

	EventInvoiceDrafted  EventKind = "invoice.drafted"
	EventInvoiceSent     EventKind = "invoice.sent"
	EventInvoiceReminder EventKind = "invoice.reminder_due"
	EventInvoiceAdopted  EventKind = "invoice.adopted" // from an audit that ended before its review
	EventPaymentPromised EventKind = "payment.promised"
	EventPromiseBroken   EventKind = "payment.promise_broken" // its day passed
	EventInvoiceResumed  EventKind = "invoice.reminders_resumed"
	EventPaymentRecorded EventKind = "payment.recorded"
	EventPaymentReversed EventKind = "payment.reversed"
	EventPaymentRefunded EventKind = "payment.refunded"
	EventInvoiceOverpaid EventKind = "invoice.overpaid" // a credit arose
	EventInvoicePaid     EventKind = "invoice.paid"
	EventInvoiceReopened EventKind = "invoice.reopened"
	EventInvoiceVoided   EventKind = "invoice.voided"
	EventStatementAsked  EventKind = "statement.asked"

	EventCertificateDue       EventKind = "certificate.due"
	EventCertificateRequested EventKind = "certificate.requested"
	EventBodyQueried          EventKind = "certificate.body_queried"
	EventBodyAnswered         EventKind = "certificate.body_answered"
	EventBatchFailed          EventKind = "certificate.batch_failed" // on the first case in it
	EventCertificateIssued    EventKind = "certificate.issued"
	EventCertificateSigned    EventKind = "certificate.signed"
	EventCertificateMailed    EventKind = "certificate.mailed"
	EventCertificateReturned  EventKind = "certificate.returned"
	EventCertificateReadied   EventKind = "certificate.ready_again"
	EventCertificateSentOut   EventKind = "certificate.electronic"
	EventCertificateDelivered EventKind = "certificate.delivered"
	EventRevocationProposed   EventKind = "certificate.revocation_proposed"
	EventRevocationDropped    EventKind = "certificate.revocation_dropped"
	EventCertificateRevoked   EventKind = "certificate.revoked"
	EventCertificateReplaced  EventKind = "certificate.replaced"

	EventClockWarned      EventKind = "clock.warned"
	EventClockBreach      EventKind = "clock.breached"
	EventClockEscalated   EventKind = "clock.escalated" // some time after the breach
	EventAnswerReminder   EventKind = "answer.reminder_due"
	EventRevisionReminder EventKind = "revision.reminder_due"
	EventAnswerOverdue    EventKind = "answer.overdue" // the company's time is over; a person decides
	EventLetterSent       EventKind = "letter.sent"
	EventLetterBounced    EventKind = "letter.bounced"         // to a company or a body
	EventColleagueBounced EventKind = "letter.bounced_at_desk" // to somebody of this desk
	EventMaintenance      EventKind = "maintenance.announced"
	EventReached          EventKind = "recipient.reached" // by another way than the letter that bounced
	EventJobRetried       EventKind = "job.retried"
	EventJobDropped       EventKind = "job.dropped"
	EventJobArrived       EventKind = "job.arrived"
	EventNoted            EventKind = "case.noted"
	EventCorrected        EventKind = "case.corrected"
	EventGuardWaived      EventKind = "guard.accepted"
	EventGuardNoted       EventKind = "guard.noted"
	EventAttached         EventKind = "document.attached"
)

// Event is one thing that happened on a case. Events are never changed.
type Event struct {
	Seq        int // 1, 2, … per case; set by the store
	Kind       EventKind
	Subject    Subject // of the move; "" when nothing moved
	From, To   State
	By         Actor
	OnBehalfOf Actor
	Surface    Surface
	ActID      string
	HappenedAt time.Time
	RecordedAt time.Time
	Text       string            // free text; kept apart, so that it can be erased
	Facts      map[string]string // ids, states, amounts; never names or free text
}

// Standing is where the subjects of a case are after some of its events.
type Standing map[Subject]State

// Replay returns the standing that a run of events leads to. Any prefix of a
// case's events gives what was stored when the last of them was recorded.
func Replay(events []Event) Standing {
	s := Standing{}
	for _, e := range events {
		if e.Subject != "" {
			s[e.Subject] = e.To
		}
	}
	return s
}
