package secor

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Certificate is one certificate of an audit, from the request to the post.
type Certificate struct {
	ID         int64
	State      State
	Term       int    // years
	Number     string // as the body or this office set it
	IssuedOn   Date
	ExpiresOn  Date
	MailedOn   Date
	Question   string // the body asked and was not answered yet
	Proposer   int64  // who proposed to revoke it
	ReplacesID int64  // 0: a first one
}

// certificateDue makes a certificate that waits to be requested from the body.
func (f *File) certificateDue(replaces int64) {
	f.Certificates = append(f.Certificates, Certificate{State: StateDue, Term: f.Audit.Term, ReplacesID: replaces})
	f.log(Event{Kind: EventCertificateDue, Subject: SubjectCertificate, To: StateDue, Facts: facts{"term": strconv.Itoa(f.Audit.Term)}})
}

func certificateSteps() []Step {
	done := []State{StateQAComplete}
	return []Step{
		{Name: "requested", Label: "Requested", Help: "Record that the body was asked for the certificate by other means than the desk's letter.", Example: `requested 14 --reason "by phone, its mail bounced"`,
			Kind: SubjectAudit, From: done, Who: leads, Reason: true, when: certificateIn(StateDue), do: (*File).requestedByHand},
		{Name: "body-query", Label: "Body Asks", Help: "Record a question of the governing body.", Example: `body-query 14 --question "Which industry code?"`,
			Kind: SubjectAudit, From: done, Who: anyone,
			Fields: []Field{{Name: "question", Help: "what the body asked", Type: FieldText, Required: true}}, when: certificateIn(StateRequested), do: (*File).bodyQuery},
		{Name: "body-answer", Label: "Answer the Body", Help: "Record the answer given to the governing body.", Example: `body-answer 14 --answer "78000, by phone"`,
			Kind: SubjectAudit, From: done, Who: anyone,
			Fields: []Field{{Name: "answer", Help: "what was answered", Type: FieldText, Required: true}}, when: certificateIn(StateBodyQueried), do: (*File).bodyAnswer},
		{Name: "record-number", Label: "Record Number", Help: "Record number and dates of the certificate.", Example: "record-number 14 --number 20260325-0042 --issued-on 2026-03-25",
			Kind: SubjectAudit, From: done, Who: leads,
			Fields: []Field{
				{Name: "number", Help: "as printed", Type: FieldText, Required: true},
				{Name: "issued-on", Help: "date of issue", Type: FieldDate, Required: true},
				{Name: "expires-on", Help: "date of expiry; by the term when left out", Type: FieldDate},
			}, when: certificateIn(StateRequested), do: (*File).recordNumber},
		{Name: "sign", Label: "Signed", Help: "Record that this office has co-signed the certificate.", Example: "sign 14",
			Kind: SubjectAudit, From: done, Who: leads, when: unsigned, do: (*File).sign},
		{Name: "mailed", Label: "Mailed", Help: "Record that the certificate went to the post.", Example: "mailed 14",
			Kind: SubjectAudit, From: done, Who: leads, when: mailable, do: (*File).mailed},
		{Name: "electronic", Label: "Issued Electronically", Help: "Record that the body issued it without paper.", Example: "electronic 14",
			Kind: SubjectAudit, From: done, Who: leads, when: paperless, do: (*File).electronic},
		{Name: "returned", Label: "Returned", Help: "Record that the post brought the certificate back.", Example: `returned 14 --reason "moved"`,
			Kind: SubjectAudit, From: done, Who: anyone, Reason: true, when: certificateIn(StateMailed), do: (*File).returned},
		{Name: "delivered", Label: "Delivered", Help: "Record that the company has the certificate.", Example: "delivered 14",
			Kind: SubjectAudit, From: done, Who: anyone, when: certificateIn(StateMailed, StateElectronic), do: (*File).delivered},
		{Name: "revoke", Label: "Revoke", Help: "Propose, and as a second person decide, to revoke the certificate.", Example: `revoke 14 --reason "left the programme"`,
			Kind: SubjectAudit, From: done, Who: leads, Reason: true, when: certificateCan(StateRevoked), do: (*File).revoke},
		{Name: "replace", Label: "Replace", Help: "Have the body issue another certificate in its place.", Example: `replace 14 --reason "name misspelt"`,
			Kind: SubjectAudit, From: done, Who: leads, Reason: true, when: certificateCan(StateReplaced), do: (*File).replace},
	}
}

// moveCertificate takes the current certificate to another state and lets the
// ten days' clock follow.
func (f *File) moveCertificate(to State, kind EventKind, text string, data facts) error {
	c := f.Certificate()
	if c == nil {
		return f.noCertificate()
	}
	err := legal(SubjectCertificate, c.State, to)
	if err != nil {
		return err
	}
	from := c.State
	c.State = to
	f.log(Event{Kind: kind, Subject: SubjectCertificate, From: from, To: to, Text: text, Facts: data})
	return f.clocksFollow(SubjectCertificate, to)
}

// When a step on the certificate makes sense.

func certificateCan(to State) func(*File) bool {
	return func(f *File) bool {
		return f.Certificate() != nil && legal(SubjectCertificate, f.Certificate().State, to) == nil
	}
}

func unsigned(f *File) bool { return f.Body.CoSigned && certificateIn(StateIssued)(f) }

func mailable(f *File) bool {
	return f.Body.Paper && !unsigned(f) && certificateIn(StateIssued, StateSigned, StateReturned)(f)
}

func paperless(f *File) bool {
	return !f.Body.Paper && !unsigned(f) && certificateIn(StateIssued, StateSigned)(f)
}

func (f *File) noCertificate() error {
	return refuse(ErrNotFound, "only a pass that earns one makes it due", "case %d has no certificate", f.Case.ID)
}

func (f *File) bodyQuery(in Input) error {
	err := f.moveCertificate(StateBodyQueried, EventBodyQueried, in.text("question"), nil)
	if err == nil {
		f.Certificate().Question = in.text("question")
	}
	return err
}

// bodyAnswer goes back to the request. So does requestedByHand, which is why both
// look at where the certificate comes from.
func (f *File) bodyAnswer(in Input) error {
	if !certificateIn(StateBodyQueried)(f) {
		return refuse(ErrIllegalMove, "", "the governing body has asked nothing that is not answered")
	}
	f.Certificate().Question = ""
	return f.moveCertificate(StateRequested, EventBodyAnswered, in.text("answer"), nil)
}

func (f *File) requestedByHand(Input) error {
	if certificateIn(StateBodyQueried)(f) {
		return refuse(ErrIllegalMove, "record the answer to the body instead", "the certificate is requested already")
	}
	return f.moveCertificate(StateRequested, EventCertificateRequested, f.act.Reason, nil)
}

// recordNumber writes down what the certificate says. It expires one day before
// the anniversary of its issue unless the body set another day.
func (f *File) recordNumber(in Input) error {
	number, err := CleanName("number", in.text("number"))
	if err != nil {
		return err
	}
	issued, expires := in.date("issued-on"), in.date("expires-on")
	c := f.Certificate()
	if c != nil && expires.IsZero() {
		expires = issued.AddYears(c.Term).AddDays(-1)
	}
	switch {
	case utf8.RuneCountInString(number) > 40:
		return &FieldError{Field: "number", Value: number, Problem: "is longer than 40 characters"}
	case issued.After(f.Today()):
		return &FieldError{Field: "issued-on", Value: issued.String(), Problem: "is in the future"}
	case c != nil && !expires.After(issued):
		return &FieldError{Field: "expires-on", Value: expires.String(), Problem: "is not after the date of issue"}
	case c != nil && expires.After(issued.AddYears(c.Term).AddDays(92)):
		// A body may print the end of a quarter, but no other term than was granted.
		return &FieldError{Field: "expires-on", Value: expires.String(), Problem: fmt.Sprintf("is more than the term that was granted, %s", years(c.Term))}
	}
	err = f.moveCertificate(StateIssued, EventCertificateIssued, "", facts{"number": number, "issued_on": issued.String(), "expires_on": expires.String()})
	if err != nil {
		return err
	}
	c.Number, c.IssuedOn, c.ExpiresOn = number, issued, expires
	return nil
}

func years(n int) string {
	if n == 1 {
		return "1 year"
	}
	return fmt.Sprintf("%d years", n)
}

func (f *File) sign(Input) error {
	if !f.Body.CoSigned {
		return refuse(ErrIllegalMove, "mail it as it is", "%s does not have its certificates co-signed", f.Body.Name)
	}
	return f.moveCertificate(StateSigned, EventCertificateSigned, "", nil)
}

func (f *File) mailed(Input) error {
	c := f.Certificate()
	switch {
	case !f.Body.Paper:
		return refuse(ErrIllegalMove, "record it as issued electronically", "%s issues no paper certificates", f.Body.Name)
	case c != nil && c.State == StateIssued && f.Body.CoSigned:
		return refuse(ErrIllegalMove, "sign it first", "the certificate is not co-signed yet")
	case c != nil && f.Today().Before(c.IssuedOn):
		return refuse(ErrField, "give the day on which it was mailed", "the certificate was issued on %s", c.IssuedOn)
	}
	err := f.moveCertificate(StateMailed, EventCertificateMailed, "", nil)
	if err == nil {
		c.MailedOn = f.Today()
	}
	return err
}

func (f *File) electronic(Input) error {
	c := f.Certificate()
	switch {
	case f.Body.Paper:
		return refuse(ErrIllegalMove, "mail it", "%s issues its certificates on paper", f.Body.Name)
	case c != nil && c.State == StateIssued && f.Body.CoSigned:
		return refuse(ErrIllegalMove, "sign it first", "the certificate is not co-signed yet")
	}
	return f.moveCertificate(StateElectronic, EventCertificateSentOut, "", nil)
}

func (f *File) returned(Input) error {
	return f.moveCertificate(StateReturned, EventCertificateReturned, f.act.Reason, nil)
}

func (f *File) delivered(Input) error {
	return f.moveCertificate(StateDelivered, EventCertificateDelivered, "", nil)
}

// revoke is a proposal the first time and, by another person, the revocation.
func (f *File) revoke(Input) error {
	c := f.Certificate()
	if c == nil {
		return f.noCertificate()
	}
	err := legal(SubjectCertificate, c.State, StateRevoked)
	if err != nil {
		return err
	}
	switch c.Proposer {
	case 0:
		c.Proposer = f.act.By.ID
		f.Case.Version++ // who saw a card without the proposal must not second it
		f.record(EventRevocationProposed, f.act.Reason, nil)
		return nil
	case f.act.By.ID:
		return refuse(ErrSecondPerson, "ask another lead or an administrator", "you proposed the revocation yourself")
	}
	return f.moveCertificate(StateRevoked, EventCertificateRevoked, f.act.Reason, facts{"proposer": strconv.FormatInt(c.Proposer, 10)})
}

func (f *File) replace(Input) error {
	err := f.moveCertificate(StateReplaced, EventCertificateReplaced, f.act.Reason, nil)
	if err != nil {
		return err
	}
	f.certificateDue(f.Certificate().ID)
	if f.phase(PolicyCertificate) != PhaseFinished {
		return nil // the ten days of the misprint are still running
	}
	return f.startClock(PolicyCertificate, f.Now())
}
