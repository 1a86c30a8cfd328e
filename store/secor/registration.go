package secor

import "fmt"

func registrationSteps() []Step {
	before := []State{StateRegistered, StateAwaitingPayment, StateRegistrationReview, StateRegistrationQueried, StateOpen}
	return []Step{
		{Name: "invoice", Label: "Check and Invoice", Help: "Check the registration and draw up the invoice.", Example: `invoice 14 --accept evidence_months --reason "one-year, agreed by phone"`,
			Kind: SubjectAudit, From: []State{StateRegistered, StateAwaitingPayment}, Who: machine, Accepts: MomentRegistration, do: (*File).checkRegistration},
		{Name: "query", Label: "Ask the Company", Help: "Ask the company about its registration.", Example: `query 14 --question "Who holds the course?"`,
			Kind: SubjectAudit, From: []State{StateRegistrationReview, StateInQA}, Who: anyone,
			Fields: []Field{{Name: "question", Help: "what the company is asked", Type: FieldText, Required: true}}, do: (*File).queryAudit},
		{Name: "answer", Label: "Record Answer", Help: "Record the company's answer or revision.", Example: `answer 14 --answer "Ana Roy, since May" --channel email`,
			Kind: SubjectAudit, From: []State{StateRegistrationQueried, StateRevision}, Who: sender,
			Fields: []Field{
				{Name: "answer", Help: "what the company said", Type: FieldText, Required: true},
				{Name: "channel", Help: "how it came", Type: FieldChoice, Choices: Channels()},
			}, do: (*File).answerAudit},
		{Name: "approve", Label: "Approve", Help: "Approve the registration; the audit tool is unlocked.", Example: "approve 14",
			Kind: SubjectAudit, From: []State{StateRegistrationReview}, Who: anyone, Accepts: MomentRegistration, do: (*File).openAudit},
		{Name: "cancel", Label: "Cancel", Help: "Refuse or cancel the registration with a reason, which the letter gives.", Example: `cancel 14 --reason "registered twice"`,
			Kind: SubjectAudit, From: before, Who: leads, Reason: true, do: (*File).cancelAudit},
		{Name: "withdraw", Label: "Withdraw", Help: "Close an audit that the company took back.", Example: `withdraw 14 --reason "sold the business"`,
			Kind: SubjectAudit, From: append(before[:4:4], StateSubmitted, StateInQA, StateRevision, StateOpen), Who: sender, Reason: true, do: (*File).withdrawAudit},
		{Name: "lapse", Label: "Lapse", Help: "Close an audit whose year ended before it was paid or submitted.", Example: `lapse 14 --reason "year ended"`,
			Kind: SubjectAudit, From: []State{StateAwaitingPayment, StateOpen}, Who: leads, Reason: true, do: (*File).lapseAudit},
		{Name: "no-answer", Label: "No Answer", Help: "Close an audit whose company never answered.", Example: `no-answer 14 --reason "three letters, two calls"`,
			Kind: SubjectAudit, From: []State{StateRegistrationQueried, StateRevision}, Who: leads, Reason: true, do: (*File).auditNoAnswer},
		{Name: "reopen", Label: "Reopen", Help: "Open an audit again that a person closed.", Example: `reopen 14 --reason "cancelled by mistake"`,
			Kind: SubjectAudit, From: []State{StateCancelled, StateWithdrawn, StateLapsed, StateNoAnswer, StateNotReviewed},
			Who: leads, Reason: true, do: (*File).reopenAudit},
	}
}

// AskRegistration records what a person must decide before a registration can
// be invoiced, as the desk's own check found it. The registration stays where it is.
func (f *File) AskRegistration(why error) {
	f.record(EventRegistrationAsked, why.Error(), nil)
}

// checkRegistration invoices what is owed. The annual fee buys one review and is
// not refunded, so everything is checked before the invoice is drawn up.
func (f *File) checkRegistration(Input) error {
	if f.Company.ProfileSince.IsZero() {
		return refuse(ErrGuard, "approve its Certifying Partner Request first", "the company has no profile with this partner")
	}
	if invoice := f.Invoice(); invoice != nil && f.Case.State == StateAwaitingPayment {
		return refuse(ErrIllegalMove, "void it first, or record its payment", "invoice %s is drawn up already", invoice.Number())
	}
	err := f.charge()
	if err != nil {
		return err
	}
	invoice := f.Invoice()
	switch {
	case invoice == nil || invoice.State == StatePaid:
		return f.move(StateRegistrationReview, EventRegistrationChecked, f.act.Reason, facts{"owed": "0"})
	case f.Case.State == StateRegistered:
		return f.move(StateAwaitingPayment, EventRegistrationChecked, f.act.Reason, facts{"owed": invoice.Balance().String()})
	default:
		return nil
	}
}

// queryAudit asks about a registration, or asks the company to revise what it
// submitted; the latter only by the reviewer who holds the audit.
func (f *File) queryAudit(in Input) error {
	to, kind := StateRegistrationQueried, EventRegistrationQueried
	if f.Case.State == StateInQA {
		err := f.holderOnly()
		if err != nil {
			return err
		}
		return f.requestRevision(in.text("question"))
	}
	err := f.move(to, kind, in.text("question"), nil)
	if err == nil {
		f.Audit.Question = in.text("question")
	}
	return err
}

func (f *File) answerAudit(in Input) error {
	if f.Case.State == StateRevision {
		return f.answerRevision(in)
	}
	return f.move(StateRegistrationReview, EventRegistrationAnswered, in.text("answer"), facts{"channel": in.text("channel")})
}

func (f *File) openAudit(Input) error {
	return f.move(StateOpen, EventAuditOpened, f.act.Reason, nil)
}

func (f *File) cancelAudit(Input) error   { return f.close(StateCancelled, EventAuditCancelled) }
func (f *File) withdrawAudit(Input) error { return f.close(StateWithdrawn, EventAuditWithdrawn) }
func (f *File) lapseAudit(Input) error    { return f.close(StateLapsed, EventAuditLapsed) }
func (f *File) auditNoAnswer(Input) error { return f.close(StateNoAnswer, EventAuditNoAnswer) }

// close ends an audit without a result and settles its invoice.
func (f *File) close(to State, kind EventKind) error {
	err := f.freeInvoice()
	if err != nil {
		return err
	}
	return f.move(to, kind, f.act.Reason, nil)
}

// reopenAudit goes back to where the audit's own checks begin. One that was not
// reviewed has been submitted already and waits for a reviewer again. An invoice
// that nobody has taken over meanwhile is its own again.
func (f *File) reopenAudit(Input) error {
	err := f.alone()
	if err != nil {
		return err
	}
	err = f.reclaim()
	if err != nil {
		return err
	}
	if f.Case.State == StateNotReviewed {
		return f.move(StateSubmitted, EventAuditReopened, f.act.Reason, nil)
	}
	return f.move(StateRegistered, EventAuditReopened, f.act.Reason, nil)
}

// alone refuses what would have two audits of one company and fee year run side by
// side: each could end in a certificate, and one fee would serve both.
//
// Source: the annual fee includes one review (domain.md 1.2); that a second audit
// waits for the first to end is our rule.
func (f *File) alone() error {
	if f.Audit == nil || f.Audit.Beside == 0 {
		return nil
	}
	return refuse(ErrGuard, fmt.Sprintf("go on with case %d, or close it first", f.Audit.Beside),
		"the company has another audit for %d under way, case %d", f.Audit.FeeYear, f.Audit.Beside)
}
