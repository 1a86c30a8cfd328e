package secor

import (
	"maps"
	"slices"
	"strings"
)

// Subject is a kind of thing that has a state of its own. A case is a request or
// an audit; invoice and certificate belong to an audit.
type Subject string

const (
	SubjectRequest     Subject = "request"
	SubjectAudit       Subject = "audit"
	SubjectInvoice     Subject = "invoice"
	SubjectCertificate Subject = "certificate"
)

// Subjects returns every subject.
func Subjects() []Subject {
	return []Subject{SubjectRequest, SubjectAudit, SubjectInvoice, SubjectCertificate}
}

// State is where a subject stands. The strings are the same in Postgres.
type State string

// States of a partner request.
const (
	StateReceived    State = "received"     // office: decide whether it is needed, take it
	StateInReview    State = "in_review"    // office: its holder decides
	StateQueried     State = "queried"      // company: answer the question
	StateApproved    State = "approved"     // nobody; complete once the welcome letter was accepted
	StateRejected    State = "rejected"     // nobody
	StateNotRequired State = "not_required" // nobody
	StateNoAnswer    State = "no_answer"    // nobody; a person gave up waiting (audits too)
	StateWithdrawn   State = "withdrawn"    // nobody; the company took it back (audits too)
)

// States of an audit.
const (
	StateRegistered          State = "registered"           // office: check and invoice
	StateAwaitingPayment     State = "awaiting_payment"     // company: pay
	StateRegistrationReview  State = "registration_review"  // office: approve the registration
	StateRegistrationQueried State = "registration_queried" // company: answer the question
	StateOpen                State = "open"                 // company: submit; the audit tool is unlocked
	StateSubmitted           State = "submitted"            // office: check the intake, assign a reviewer
	StateInQA                State = "in_qa"                // office: its reviewer verifies the marks
	StateRevision            State = "revision"             // company: revise what the reviewer asked
	StateQAComplete          State = "qa_complete"          // nobody; the result says pass or fail
	StateNotReviewed         State = "not_reviewed"         // nobody; late or not in good standing
	StateCancelled           State = "cancelled"            // nobody
	StateLapsed              State = "lapsed"               // nobody; the year ended before a submission
)

// States of an invoice.
const (
	StateDraft State = "draft" // office: the letter is promised
	StateSent  State = "sent"  // company: pay
	StatePaid  State = "paid"  // nobody
	StateVoid  State = "void"  // nobody
)

// States of a certificate.
const (
	StateDue         State = "due"          // office: request it from the body
	StateRequested   State = "requested"    // body: issue it
	StateBodyQueried State = "body_queried" // office: answer the body
	StateIssued      State = "received"     // office: sign it, or mail it where nobody co-signs
	StateSigned      State = "signed"       // office: mail it
	StateMailed      State = "mailed"       // nobody; in the post
	StateReturned    State = "returned"     // office: find the right address, then ready again
	StateElectronic  State = "electronic"   // nobody; issued without paper
	StateDelivered   State = "delivered"    // nobody
	StateRevoked     State = "revoked"      // nobody
	StateReplaced    State = "replaced"     // nobody; another certificate stands for it
)

// moves lists every legal move. A pair that is not here is refused. Order is the
// order in which diagrams and sentences name the states.
var moves = map[Subject][]move{
	SubjectRequest: {
		{StateReceived, StateInReview}, {StateReceived, StateApproved}, {StateReceived, StateRejected},
		{StateReceived, StateNotRequired}, {StateReceived, StateWithdrawn},
		{StateInReview, StateQueried}, {StateInReview, StateApproved}, {StateInReview, StateRejected},
		{StateInReview, StateNotRequired}, {StateInReview, StateWithdrawn}, {StateInReview, StateReceived},
		{StateQueried, StateInReview}, {StateQueried, StateNoAnswer}, {StateQueried, StateWithdrawn},
		{StateApproved, StateInReview}, {StateRejected, StateInReview}, {StateNotRequired, StateInReview},
		{StateNoAnswer, StateInReview}, {StateWithdrawn, StateInReview},
	},
	SubjectAudit: {
		{StateRegistered, StateAwaitingPayment}, {StateRegistered, StateRegistrationReview},
		{StateRegistered, StateCancelled}, {StateRegistered, StateWithdrawn},
		{StateAwaitingPayment, StateRegistrationReview}, {StateAwaitingPayment, StateCancelled},
		{StateAwaitingPayment, StateWithdrawn}, {StateAwaitingPayment, StateLapsed},
		{StateRegistrationReview, StateRegistrationQueried}, {StateRegistrationReview, StateOpen},
		{StateRegistrationReview, StateCancelled}, {StateRegistrationReview, StateWithdrawn},
		{StateRegistrationQueried, StateRegistrationReview}, {StateRegistrationQueried, StateNoAnswer},
		{StateRegistrationQueried, StateCancelled}, {StateRegistrationQueried, StateWithdrawn},
		{StateOpen, StateSubmitted}, {StateOpen, StateLapsed}, {StateOpen, StateCancelled}, {StateOpen, StateWithdrawn},
		{StateSubmitted, StateInQA}, {StateSubmitted, StateOpen}, {StateSubmitted, StateWithdrawn},
		{StateInQA, StateRevision}, {StateInQA, StateQAComplete}, {StateInQA, StateOpen},
		{StateInQA, StateNotReviewed}, {StateInQA, StateSubmitted}, {StateInQA, StateWithdrawn},
		{StateRevision, StateInQA}, {StateRevision, StateSubmitted}, {StateRevision, StateNoAnswer}, {StateRevision, StateWithdrawn},
		{StateQAComplete, StateInQA},
		{StateNotReviewed, StateSubmitted}, {StateCancelled, StateRegistered}, {StateWithdrawn, StateRegistered},
		{StateLapsed, StateRegistered}, {StateNoAnswer, StateRegistered},
	},
	SubjectInvoice: {
		{StateDraft, StateSent}, {StateDraft, StatePaid}, {StateDraft, StateVoid},
		{StateSent, StatePaid}, {StateSent, StateVoid}, {StatePaid, StateSent},
	},
	SubjectCertificate: {
		{StateDue, StateRequested}, {StateRequested, StateBodyQueried}, {StateRequested, StateIssued},
		{StateBodyQueried, StateRequested},
		{StateIssued, StateSigned}, {StateIssued, StateMailed}, {StateIssued, StateElectronic},
		{StateSigned, StateMailed}, {StateSigned, StateElectronic},
		{StateMailed, StateReturned}, {StateMailed, StateDelivered},
		{StateReturned, StateIssued}, {StateReturned, StateSigned},
		{StateElectronic, StateDelivered},
		{StateDue, StateRevoked}, {StateRequested, StateRevoked}, {StateBodyQueried, StateRevoked},
		{StateIssued, StateRevoked}, {StateSigned, StateRevoked}, {StateMailed, StateRevoked},
		{StateReturned, StateRevoked}, {StateElectronic, StateRevoked}, {StateDelivered, StateRevoked},
		{StateIssued, StateReplaced}, {StateSigned, StateReplaced}, {StateMailed, StateReplaced}, {StateReturned, StateReplaced}, {StateElectronic, StateReplaced},
		{StateDelivered, StateReplaced},
	},
}

type move struct{ from, to State }

// Moves returns the legal moves of a subject as {from: [to …]}.
func Moves(s Subject) map[State][]State {
	table := map[State][]State{}
	for _, m := range moves[s] {
		table[m.from] = append(table[m.from], m.to)
	}
	return table
}

// States returns every state of a subject, the first one first.
func States(s Subject) []State {
	var states []State
	for _, m := range moves[s] {
		for _, state := range []State{m.from, m.to} {
			if !slices.Contains(states, state) {
				states = append(states, state)
			}
		}
	}
	return states
}

// AllStates returns the states of all subjects, each once, in alphabetical order.
func AllStates() []State {
	seen := map[State]bool{}
	for _, s := range Subjects() {
		for _, state := range States(s) {
			seen[state] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Words returns the state as a person reads it: "registration review".
func (s State) Words() string {
	return strings.ReplaceAll(string(s), "_", " ")
}

// Next says who acts next while a subject stands in a state: a party, or ""
// where nobody has to.
func Next(subject Subject, s State) Party {
	return nextParty[subject][s]
}

var nextParty = map[Subject]map[State]Party{
	SubjectRequest: {StateReceived: PartyOffice, StateInReview: PartyOffice, StateQueried: PartyCompany},
	SubjectAudit: {
		StateRegistered: PartyOffice, StateAwaitingPayment: PartyCompany, StateRegistrationReview: PartyOffice,
		StateRegistrationQueried: PartyCompany, StateOpen: PartyCompany, StateSubmitted: PartyOffice,
		StateInQA: PartyOffice, StateRevision: PartyCompany,
	},
	SubjectInvoice: {StateDraft: PartyOffice, StateSent: PartyCompany},
	SubjectCertificate: {
		StateDue: PartyOffice, StateRequested: PartyBody, StateBodyQueried: PartyOffice,
		StateIssued: PartyOffice, StateSigned: PartyOffice, StateReturned: PartyOffice,
	},
}

func legal(s Subject, from, to State) error {
	next := Moves(s)[from]
	if !slices.Contains(next, to) {
		return &MoveError{Subject: s, From: from, To: to, Legal: next}
	}
	return nil
}
