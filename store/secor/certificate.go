package secor

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
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
	Batch      Batch  // in which the body is to be asked for it; zero: in none

	Signatory      string // who signed it for this office; "" until somebody did
	SignatoryTitle string // on the day of signing
	IssuedTo       string // the company's legal name when it was issued
}

// Batch is one that a governing body is to be asked in and was not yet, as its job
// stands.
type Batch struct {
	ID      int64
	Job     int64
	Failed  bool // it did not leave, and nobody tries again by itself
	InDoubt bool // nobody knows whether it arrived
}

// BatchFailed records that the batch in which the body was to be asked for the case's
// certificate, and for those of others, could not be sent: what the mail server said
// may hold an address and is kept as text.
func (f *File) BatchFailed(batch, job int64, certificates int, said string) {
	f.record(EventBatchFailed, clip(strings.ToValidUTF8(said, "?"), MaxSaid), facts{"batch": strconv.FormatInt(batch, 10), "job": strconv.FormatInt(job, 10),
		"certificates": strconv.Itoa(certificates)})
}

// batchStuck reports whether the batch of which an event tells still has not left.
func (f *File) batchStuck(cause Event) bool {
	c := f.Certificate()
	return c != nil && c.Batch.Failed && strconv.FormatInt(c.Batch.ID, 10) == cause.Facts["batch"]
}

// JobRequestBatch asks a governing body for all certificates that are due in one
// file. It follows from a batch and not from a case; its reason ends with that of
// each certificate in it.
const JobRequestBatch JobKind = "certificate:send_batch"

// certificateDue makes a certificate that waits to be requested from the body.
func (f *File) certificateDue(replaces int64) {
	f.Certificates = append(f.Certificates, Certificate{State: StateDue, Term: f.Audit.Term, ReplacesID: replaces})
	f.log(Event{Kind: EventCertificateDue, Subject: SubjectCertificate, To: StateDue,
		Facts: f.ofCertificate(facts{"term": strconv.Itoa(f.Audit.Term)})})
}

func certificateSteps() []Step {
	done := []State{StateQAComplete}
	return []Step{
		{Name: "requested", Label: "Requested", Help: "Record that the body was asked for the certificate by other means than the desk's letter.", Example: `requested 14 --reason "by phone, its mail bounced"`,
			Kind: SubjectAudit, From: done, Who: leads, Reason: true, when: certificateIn(StateDue), do: (*File).requestedByHand},
		{Name: "body-query", Label: "Body Asks", Help: "Record a question of the governing body.", Example: `body-query 14 --question "Which industry code?"`,
			Kind: SubjectAudit, From: done, Who: anyone,
			Fields: []Field{{Name: "question", Help: "what the body asked", Type: FieldText, Required: true}}, when: certificateIn(StateRequested), do: (*File).bodyQuery},
		{Name: "body-answer", Label: "Answer the Body", Help: "Answer the governing body's question, by letter or as told by phone.", Example: `body-answer 14 --answer "78000" --channel phone`,
			Kind: SubjectAudit, From: done, Who: anyone,
			Fields: []Field{
				{Name: "answer", Help: "what is answered", Type: FieldText, Required: true},
				{Name: "channel", Help: "how; letter when left out, which the desk then writes", Type: FieldChoice, Choices: []string{channelLetter, channelPhone}},
			}, when: certificateIn(StateBodyQueried), do: (*File).bodyAnswer},
		{Name: "record-number", Label: "Record Number", Help: "Record number and dates of the certificate.", Example: "record-number 14 --number 20260325-0042 --issued-on 2026-03-25",
			Kind: SubjectAudit, From: done, Who: leads,
			Fields: []Field{
				{Name: "number", Help: "as printed; the next of the series when left out where this office sets numbers", Type: FieldText},
				{Name: "issued-on", Help: "date of issue; the last day of the assessment when left out where the body's certificates bear it", Type: FieldDate},
				{Name: "expires-on", Help: "date of expiry; by the term when left out", Type: FieldDate},
				{Name: "unusual", Help: "the number is right although the body's look otherwise", Type: FieldBool},
			}, when: certificateIn(StateRequested), do: (*File).recordNumber},
		{Name: "sign", Label: "Signed", Help: "Record that this office has co-signed the certificate.", Example: "sign 14",
			Kind: SubjectAudit, From: done, Who: leads,
			Fields: []Field{{Name: "signatory", Help: "who signed; the first of this office's signatories when left out", Type: FieldText}}, when: unsigned, do: (*File).sign},
		{Name: "mailed", Label: "Mailed", Help: "Record that the certificate went to the post.", Example: "mailed 14",
			Kind: SubjectAudit, From: done, Who: leads, when: mailable, do: (*File).mailed},
		{Name: "electronic", Label: "Issued Electronically", Help: "Record that the body issued it without paper.", Example: "electronic 14",
			Kind: SubjectAudit, From: done, Who: leads, when: paperless, do: (*File).electronic},
		{Name: "returned", Label: "Returned", Help: "Record that the post brought the certificate back.", Example: `returned 14 --reason "moved"`,
			Kind: SubjectAudit, From: done, Who: anyone, Reason: true, when: certificateIn(StateMailed), do: (*File).returned},
		{Name: "ready", Label: "Ready Again", Help: "Say that a certificate that came back can be mailed again, with a new cover letter.", Example: `ready 14 --reason "new address by phone"`,
			Kind: SubjectAudit, From: done, Who: anyone, Reason: true, when: certificateIn(StateReturned), do: (*File).readyAgain},
		{Name: "delivered", Label: "Delivered", Help: "Record that the company has the certificate.", Example: "delivered 14",
			Kind: SubjectAudit, From: done, Who: anyone, when: certificateIn(StateMailed, StateElectronic), do: (*File).delivered},
		{Name: "revoke", Label: "Revoke", Help: "Propose, and as a second person decide, to revoke the certificate. The letters to the company and the body give the second person's reason word for word.", Example: `revoke 14 --reason "left the programme"`,
			Kind: SubjectAudit, From: done, Who: leads, Reason: true, when: certificateCan(StateRevoked), do: (*File).revoke},
		{Name: "keep", Label: "Keep", Help: "Take back the proposal to revoke the certificate.", Example: `keep 14 --reason "they called, it was a mistake"`,
			Kind: SubjectAudit, From: done, Who: leads, Reason: true, when: (*File).RevocationProposed, do: (*File).keep},
		{Name: "replace", Label: "Replace", Help: "Have the body issue another certificate in its place. The letter to the company gives the reason word for word.", Example: `replace 14 --reason "name misspelt"`,
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
	f.log(Event{Kind: kind, Subject: SubjectCertificate, From: from, To: to, Text: text, Facts: f.ofCertificate(data)})
	return f.clocksFollow(SubjectCertificate, to)
}

// ofCertificate adds to an event's facts which of the case's certificates it is of, from
// one on, so that its letters end with it.
func (f *File) ofCertificate(data facts) facts {
	if data == nil {
		data = facts{}
	}
	data[factCertificate] = strconv.Itoa(len(f.Certificates))
	return data
}

const factCertificate = "certificate"

// When a step on the certificate makes sense.

func certificateCan(to State) func(*File) bool {
	return func(f *File) bool {
		return f.Certificate() != nil && legal(SubjectCertificate, f.Certificate().State, to) == nil
	}
}

func unsigned(f *File) bool { return f.Body.CoSigned && certificateIn(StateIssued)(f) }

func mailable(f *File) bool {
	return f.Body.Paper && !unsigned(f) && certificateIn(StateIssued, StateSigned)(f)
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
	return f.moveCertificate(StateRequested, EventBodyAnswered, in.text("answer"), facts{"channel": cmp.Or(in.text("channel"), channelLetter)})
}

// How an answer reaches the governing body.
const (
	channelLetter = "letter"
	channelPhone  = "phone" // it was told; the desk writes nothing
)

func (f *File) requestedByHand(Input) error {
	if certificateIn(StateBodyQueried)(f) {
		return refuse(ErrIllegalMove, "record the answer to the body instead", "the certificate is requested already")
	}
	return f.moveCertificate(StateRequested, EventCertificateRequested, f.act.Reason, nil)
}

// recordNumber writes down what the certificate says. The number is the body's, or
// the next of this office's series where the body leaves numbers to it. It expires
// one day before the anniversary of its issue unless the body set another day.
func (f *File) recordNumber(in Input) error {
	err := f.onlyReady()
	if err != nil {
		return err
	}
	issued, err := f.issueDay(in)
	if err != nil {
		return err
	}
	number, err := f.certificateNumber(in, issued)
	if err != nil {
		return err
	}
	expires := in.date("expires-on")
	c := f.Certificate()
	if c != nil && expires.IsZero() {
		expires = issued.AddYears(c.Term).AddDays(-1)
	}
	err = f.checkDates(issued, expires)
	if err != nil {
		return err
	}
	err = f.moveCertificate(StateIssued, EventCertificateIssued, "", facts{"number": number, "issued_on": issued.String(), "expires_on": expires.String()})
	if err != nil {
		return err
	}
	c.Number, c.IssuedOn, c.ExpiresOn, c.IssuedTo = number, issued, expires, f.Company.LegalName
	return nil
}

// termLeeway is by how many days a certificate may end beside its term, because a
// body may print the end of a quarter.
const termLeeway = 92

// checkDates refuses dates that a certificate of this audit cannot bear. The term
// may count from the day of issue or, as in a replacement, from the last day of the
// assessment; no other term than was granted fits.
func (f *File) checkDates(issued, expires Date) error {
	c := f.Certificate()
	if issued.After(f.Today()) {
		return &FieldError{Field: "issued-on", Value: issued.String(), Problem: "is in the future"}
	}
	if c == nil {
		return nil
	}
	from, to := issued, issued.AddYears(c.Term).AddDays(termLeeway)
	if last := f.Audit.LastDay; !last.IsZero() {
		from = last
	}
	earliest := from.AddYears(c.Term).AddDays(-termLeeway)
	switch {
	case issued.Before(from):
		return &FieldError{Field: "issued-on", Value: issued.String(), Problem: fmt.Sprintf("is before the last day of the assessment; it is from %s to %s", from, f.Today())}
	case expires.Before(earliest) || expires.After(to):
		return &FieldError{Field: "expires-on", Value: expires.String(), Problem: fmt.Sprintf("does not fit the term that was granted, %s; it is from %s to %s", years(c.Term), earliest, to)}
	}
	return nil
}

// issueDay returns the date of issue that was given, or the last day of the
// assessment where the body's certificates bear it.
//
// Source: schema/bodies, "issue_date".
func (f *File) issueDay(in Input) (Date, error) {
	issued := in.date("issued-on")
	switch {
	case !issued.IsZero():
		return issued, nil
	case f.Body.IssueDay == IssuedOnLastDay && !f.Audit.LastDay.IsZero():
		return f.Audit.LastDay, nil
	default:
		return Date{}, &FieldError{Field: "issued-on", Problem: "is missing: " + f.Body.Name + " says with each certificate on which day it is issued"}
	}
}

// certificateNumber returns the number that was given, or the next one of this
// office's series.
func (f *File) certificateNumber(in Input, issued Date) (string, error) {
	number, err := CleanName("number", in.text("number"))
	if err != nil {
		return "", err
	}
	if number == "" && f.Body.Numberer == MakerPartner {
		return f.NextNumber(issued.Year)
	}
	format, err := regexp.Compile(f.Body.NumberFormat)
	switch {
	case err != nil:
		return "", fmt.Errorf("number format of body %s: %w", f.Body.ID, err)
	case number == "":
		return "", &FieldError{Field: "number", Problem: "is missing: as " + f.Body.Name + " printed it"}
	case utf8.RuneCountInString(number) > 40:
		return "", &FieldError{Field: "number", Value: number, Problem: "is longer than 40 characters"}
	case NumberKey(number) == "":
		return "", &FieldError{Field: "number", Value: number, Problem: "holds no letter and no digit"}
	case f.Body.NumberFormat == "" && !plainNumber(number) && !in.is("unusual"):
		return "", &FieldError{Field: "number", Value: number, Problem: "does not look like a number: one has a digit, and else only letters, spaces and - / ." +
			"; correct it, or say that it is unusual and right all the same"}
	case !format.MatchString(number) && !in.is("unusual"):
		return "", &FieldError{Field: "number", Value: number, Problem: "does not look like a number of " + f.Body.Name + f.Body.numberLike() +
			"; correct it, or say that it is unusual and right all the same"}
	}
	return number, nil
}

// plainNumber is all that can be asked of a number whose format nobody knows.
func plainNumber(number string) bool {
	return strings.ContainsFunc(number, unicode.IsDigit) && !strings.ContainsFunc(number, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" -/.", r)
	})
}

func (b *Body) numberLike() string {
	if b.NumberExample == "" {
		return ""
	}
	return ", such as " + b.NumberExample
}

// NumberKey returns a certificate's number as numbers are compared: letters and
// digits only, in upper case. Two certificates of a body never share one.
func NumberKey(number string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, number)
}

// NextNumber returns the number that this office gives the next certificate of the
// case's body issued in a year. A body that sets its numbers itself is a refusal.
func (f *File) NextNumber(year int) (string, error) {
	if f.Body.Numberer != MakerPartner {
		return "", refuse(ErrIllegalMove, "record the number that it gave", "%s sets the numbers of its certificates itself", f.Body.Name)
	}
	series, err := ParseSeries(f.Body.NumberSeries)
	if err != nil {
		return "", fmt.Errorf("number series of body %s: %w", f.Body.ID, err)
	}
	last := 0
	for _, number := range f.Numbered {
		serial, ours := series.Serial(year, number)
		if ours {
			last = max(last, serial)
		}
	}
	return series.Number(year, last+1), nil
}

func years(n int) string {
	if n == 1 {
		return "1 year"
	}
	return fmt.Sprintf("%d years", n)
}

// sign records who of this office's signatories signed. Nobody who may sign on
// that day is a refusal.
func (f *File) sign(in Input) error {
	if !f.Body.CoSigned {
		return refuse(ErrIllegalMove, "mail it as it is", "%s does not have its certificates co-signed", f.Body.Name)
	}
	err := f.onlyReady()
	if err != nil {
		return err
	}
	signed, err := f.signatory(in.text("signatory"))
	if err != nil {
		return err
	}
	err = f.moveCertificate(StateSigned, EventCertificateSigned, signed.Name+", "+signed.Title, nil)
	if err == nil {
		f.Certificate().Signatory, f.Certificate().SignatoryTitle = signed.Name, signed.Title
	}
	return err
}

func (f *File) mailed(Input) error {
	err := f.onlyReady()
	if err != nil {
		return err
	}
	c := f.Certificate()
	switch {
	case !f.Body.Paper:
		return refuse(ErrIllegalMove, "record it as issued electronically", "%s issues no paper certificates", f.Body.Name)
	case c != nil && c.State == StateIssued && f.Body.CoSigned:
		return refuse(ErrIllegalMove, "sign it first", "the certificate is not co-signed yet")
	case c != nil && f.Today().Before(c.IssuedOn):
		return refuse(ErrField, "give the day on which it was mailed", "the certificate was issued on %s", c.IssuedOn)
	}
	err = f.moveCertificate(StateMailed, EventCertificateMailed, "", facts{"mailed_on": f.Today().String()})
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

// returned begins the ten days anew: a certificate that lies on the desk is late
// again when nobody finds its address.
func (f *File) returned(Input) error {
	err := f.moveCertificate(StateReturned, EventCertificateReturned, f.act.Reason, nil)
	if err != nil || f.phase(PolicyCertificate) != PhaseFinished {
		return err
	}
	return f.startClock(PolicyCertificate, f.act.at(f.now))
}

// onlyReady refuses other ways out of a return than being ready again: a returned
// certificate goes back to states that other steps lead to as well.
func (f *File) onlyReady() error {
	if !certificateIn(StateReturned)(f) {
		return nil
	}
	return refuse(ErrIllegalMove, "correct the address and say that it is ready again", "the certificate came back")
}

// readyAgain takes a certificate that came back to where it stood before it was
// mailed, so that the next print batch holds it. An address to which no letter can
// go is a refusal.
func (f *File) readyAgain(Input) error {
	switch {
	case f.Certificate() == nil:
		return f.noCertificate()
	case !certificateIn(StateReturned)(f):
		return refuse(ErrIllegalMove, "", "the certificate is %s and did not come back", f.Certificate().State.Words())
	}
	err := f.Company.Mailable()
	if err != nil {
		return err
	}
	to := StateIssued
	if f.Body.CoSigned {
		to = StateSigned
	}
	return f.moveCertificate(to, EventCertificateReadied, f.act.Reason, nil)
}

// ReadyToMail reports whether the certificate lies on the desk and goes into the
// next print batch. Whether it can be addressed is Mailable's to say.
func (f *File) ReadyToMail() bool {
	return f.Case.State == StateQAComplete && mailable(f)
}

// Printed returns all that an envelope's paper says of the case, so that what was
// printed before can be told from what would be printed now.
func (f *File) Printed() string {
	c := f.Certificate()
	var accounts []string
	for _, r := range f.Registrations {
		if r.Body == f.Case.Body {
			accounts = append(accounts, r.Account)
		}
	}
	lines := append(f.Company.Address.Lines(), f.Company.LegalName, f.Company.TradeName, f.Company.Contact, c.Number, c.IssuedOn.String(), c.ExpiresOn.String(), strconv.Itoa(c.Term), string(f.Company.Language),
		c.Signatory, c.SignatoryTitle)
	return strings.Join(append(lines, accounts...), "\n")
}

// Replaced returns the certificate in whose place the current one stands, nil when
// it is a first one.
func (f *File) Replaced() *Certificate {
	c := f.Certificate()
	for i := range f.Certificates {
		if c.ReplacesID != 0 && f.Certificates[i].ID == c.ReplacesID {
			return &f.Certificates[i]
		}
	}
	return nil
}

// CertificateDue reports whether the governing body is to be asked for the
// certificate.
func (f *File) CertificateDue() bool { return certificateIn(StateDue)(f) }

// RequestedIn records that the body was asked for the certificate in a batch that
// was sent. One that is not due any more is left as it is.
func (f *File) RequestedIn(batch string, recipient string) error {
	f.record(EventLetterSent, "to "+recipient, facts{"letter": string(JobRequestBatch), "batch": batch})
	if !f.CertificateDue() {
		return nil
	}
	return f.moveCertificate(StateRequested, EventCertificateRequested, "", facts{"batch": batch})
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

// RevocationProposed reports whether one person proposed to revoke the certificate
// and nobody has decided it.
func (f *File) RevocationProposed() bool {
	return f.Certificate() != nil && f.Certificate().Proposer != 0 && certificateCan(StateRevoked)(f)
}

// keep takes the proposal to revoke back, whoever made it.
func (f *File) keep(Input) error {
	if !f.RevocationProposed() {
		return refuse(ErrIllegalMove, "", "nobody proposes to revoke the certificate")
	}
	f.Certificate().Proposer = 0
	f.Case.Version++ // who saw a card with the proposal must not second it
	f.record(EventRevocationDropped, f.act.Reason, nil)
	return nil
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
