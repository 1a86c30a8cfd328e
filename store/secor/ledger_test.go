package secor

import "testing"

// noticed is a passed audit of which the company was told: the ten days run.
func noticed(t *testing.T) *office {
	o := auditIn(t, StateQAComplete)
	o.accepted(JobPass)
	o.accepted(JobRequestCertificate)
	return o
}

// lastEntry returns the newest entry of a policy's latest clock.
func lastEntry(t *testing.T, o *office, policy string) ClockEntry {
	t.Helper()
	i := o.cycle(policy)
	if i < 0 {
		t.Fatalf("no clock of %s has run", policy)
	}
	entries := o.Clocks[i].Entries
	return entries[len(entries)-1]
}

// TestClocks_FollowTheStates says for each turn of a case what its clock does and
// to whom the time goes.
func TestClocks_FollowTheStates(t *testing.T) {
	tests := []struct {
		situation string
		policy    string
		make      func(*testing.T) *office
		want      ClockEntryKind
		party     Party
	}{
		{"a request that is queried", "request_review", func(t *testing.T) *office { return requestIn(t, StateQueried) }, ClockPaused, PartyCompany},
		{"a request that is decided", "request_review", func(t *testing.T) *office { return requestIn(t, StateRejected) }, ClockMet, ""},
		{"a request that is withdrawn", "request_review", func(t *testing.T) *office { return requestIn(t, StateWithdrawn) }, ClockStopped, ""},
		{"a registration that is queried", "registration_review", func(t *testing.T) *office { return auditIn(t, StateRegistrationQueried) }, ClockPaused, PartyCompany},
		{"a registration that is approved", "registration_review", func(t *testing.T) *office { return auditIn(t, StateOpen) }, ClockMet, ""},
		{"a review that waits for a revision", "qa_review", func(t *testing.T) *office { return auditIn(t, StateRevision) }, ClockPaused, PartyCompany},
		{"a review that is complete", "qa_review", func(t *testing.T) *office { return auditIn(t, StateQAComplete) }, ClockMet, ""},
		{"a submission that is returned", "qa_review", func(t *testing.T) *office {
			o := auditIn(t, StateInQA)
			o.take(asAna, "return", "another company's pages")
			return o
		}, ClockStopped, ""},
		{"a question to a new company", PolicyAnswer, func(t *testing.T) *office { return requestIn(t, StateQueried) }, ClockStarted, ""},
		{"a question that is answered", PolicyAnswer, func(t *testing.T) *office {
			o := requestIn(t, StateQueried)
			o.take(asAna, "answer", "", "answer=1234567")
			return o
		}, ClockMet, ""},
		{"a question that is never answered", PolicyAnswer, func(t *testing.T) *office { return requestIn(t, StateNoAnswer) }, ClockStopped, ""},
		{"a question about a registration", PolicyAnswer, func(t *testing.T) *office { return auditIn(t, StateRegistrationQueried) }, ClockStarted, ""},
		{"an answer about a registration", PolicyAnswer, func(t *testing.T) *office {
			o := auditIn(t, StateRegistrationQueried)
			o.take(asAna, "answer", "", "answer=1234567")
			return o
		}, ClockMet, ""},
		{"a queried registration that is cancelled", PolicyAnswer, func(t *testing.T) *office {
			o := auditIn(t, StateRegistrationQueried)
			o.take(asCleo, "cancel", "sold")
			return o
		}, ClockStopped, ""},
		{"a submission", "qa_assignment", func(t *testing.T) *office { return auditIn(t, StateSubmitted) }, ClockStarted, ""},
		{"a submission with its reviewer", "qa_assignment", func(t *testing.T) *office { return auditIn(t, StateInQA) }, ClockMet, ""},
		{"an audit that is handed back", "qa_assignment", func(t *testing.T) *office {
			o := auditIn(t, StateInQA)
			o.take(asAna, "release", "ill")
			return o
		}, ClockStarted, ""},
		{"a revision that is asked for", PolicyRevision, func(t *testing.T) *office { return auditIn(t, StateRevision) }, ClockStarted, ""},
		{"a revision that is in", PolicyRevision, func(t *testing.T) *office {
			o := auditIn(t, StateRevision)
			o.take(asAna, "answer", "", "answer=signed now", "channel=phone")
			return o
		}, ClockMet, ""},
		{"a revision that never came", PolicyRevision, func(t *testing.T) *office {
			o := auditIn(t, StateRevision)
			o.take(asCleo, "no-answer", "three letters")
			return o
		}, ClockStopped, ""},
		{"a certificate that is mailed", PolicyCertificate, func(t *testing.T) *office {
			o := noticed(t)
			o.take(asCleo, "record-number", "", "number=AB-42", "issued-on=2026-03-24")
			o.take(asCleo, "sign", "")
			o.take(asCleo, "mailed", "")
			return o
		}, ClockMet, ""},
		{"a certificate without paper", PolicyCertificate, func(t *testing.T) *office {
			o := noticed(t)
			o.Body.Paper, o.Body.CoSigned = false, false
			o.take(asCleo, "record-number", "", "number=BC-42", "issued-on=2026-03-24")
			o.take(asCleo, "electronic", "")
			return o
		}, ClockMet, ""},
		{"a certificate that is revoked", PolicyCertificate, func(t *testing.T) *office {
			o := noticed(t)
			o.take(asCleo, "revoke", "wrong sheet")
			o.take(asDan, "revoke", "wrong sheet")
			return o
		}, ClockStopped, ""},
		{"a pass that is taken back before its notice", PolicyNotification, func(t *testing.T) *office {
			o := auditIn(t, StateQAComplete)
			o.take(asCleo, "revoke", "wrong sheet")
			o.take(asDan, "revoke", "wrong sheet")
			o.take(asCleo, "appeal", "confirmed by mistake", "reviewer=2")
			return o
		}, ClockStopped, ""},
		{"a replacement", PolicyCertificate, func(t *testing.T) *office {
			o := noticed(t)
			o.take(asCleo, "record-number", "", "number=AB-42", "issued-on=2026-03-24")
			o.take(asCleo, "sign", "")
			o.take(asCleo, "mailed", "")
			o.take(asCleo, "replace", "name misspelt")
			return o
		}, ClockStarted, ""},
	}
	for _, tt := range tests {
		got := lastEntry(t, tt.make(t), tt.policy)
		if got.Kind != tt.want || got.Party != tt.party {
			t.Errorf("%s: %s is %s %s, want %s %s", tt.situation, tt.policy, got.Kind, got.Party, tt.want, tt.party)
		}
	}
}

// TestAnswer_OfARevisionIsARound: also when the answer came by phone.
func TestAnswer_OfARevisionIsARound(t *testing.T) {
	o := auditIn(t, StateRevision)
	o.take(asAna, "answer", "", "answer=signed now", "channel=phone")
	if o.Audit.Round != 2 {
		t.Errorf("round %d, want 2", o.Audit.Round)
	}
}
