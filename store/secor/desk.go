package secor

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

// Correctable fields of a case.
const (
	fieldLegalName = "legal-name"
	fieldTradeName = "trade-name"
	fieldEmail     = "email"
	fieldContact   = "contact"
	fieldStreet    = "street"
	fieldCity      = "city"
	fieldPostal    = "postal-code"
	fieldPhone     = "phone"
	fieldLanguage  = "language"
	fieldHeadcount = "headcount"

	fieldCertificate = "certificate-number" // from before the desk
	fieldExpiry      = "certificate-expires-on"
)

// deskSteps are the steps that every case has in every state.
func deskSteps() []Step {
	var steps []Step
	for _, kind := range []Subject{SubjectRequest, SubjectAudit} {
		steps = append(steps,
			Step{Name: "note", Label: "Note", Help: "Write something down on the case.", Example: `note 14 --text "called, will pay on Friday"`,
				Kind: kind, Who: anyone,
				Fields: []Field{{Name: "text", Help: "what to remember", Type: FieldText, Required: true}}, do: (*File).note},
			Step{Name: "correct", Label: "Correct", Help: "Correct a field; the old value is kept.", Example: `correct 14 --field email --value office@example.com --reason "letter bounced"`,
				Kind: kind, Who: anyone, Reason: true,
				Fields: []Field{
					{Name: "field", Help: "which one", Type: FieldChoice, Required: true, Choices: []string{fieldLegalName, fieldTradeName,
						fieldEmail, fieldContact, fieldStreet, fieldCity, fieldPostal, fieldPhone, fieldLanguage, fieldHeadcount, fieldCertificate, fieldExpiry}},
					{Name: "value", Help: "what it should be", Type: FieldText, Required: true},
				}, do: (*File).correct},
		)
	}
	return steps
}

func (f *File) note(in Input) error {
	f.record(EventNoted, in.text("text"), nil)
	return nil
}

// correct replaces one field. The old value goes with the reason into the
// event's text, because it may be a name.
func (f *File) correct(in Input) error {
	name := in.text("field")
	if name == fieldPhone {
		return f.correctPhone(in.text("value"))
	}
	value, err := CleanName(name, in.text("value"))
	if err != nil {
		return err
	}
	if name == fieldHeadcount {
		return f.correctHeadcount(value)
	}
	if name == fieldLanguage {
		return f.correctLanguage(value)
	}
	if name == fieldExpiry {
		return f.correctExpiry(value)
	}
	if name == fieldCertificate && utf8.RuneCountInString(value) > MaxCertificateNumber {
		return &FieldError{Field: name, Value: value, Problem: "is longer than 40 characters"}
	}
	if name == fieldEmail {
		err := CheckEmail(name, value)
		if err != nil {
			return err
		}
	}
	field := map[string]*string{
		fieldLegalName: &f.Company.LegalName, fieldTradeName: &f.Company.TradeName, fieldEmail: &f.Company.Email,
		fieldContact: &f.Company.Contact, fieldStreet: &f.Company.Address.Street, fieldCity: &f.Company.Address.City,
		fieldPostal: &f.Company.Address.PostalCode, fieldCertificate: &f.Company.Certificate.Number,
	}[name]
	f.record(EventCorrected, "was: "+*field+"; "+f.act.Reason, facts{"field": name})
	*field = value
	return nil
}

func (f *File) correctPhone(value string) error {
	phone, err := NormalPhone(value)
	if err != nil {
		return Named(fieldPhone, err)
	}
	f.record(EventCorrected, "was: "+f.Company.Phone+"; "+f.act.Reason, facts{"field": fieldPhone})
	f.Company.Phone = phone
	return nil
}

func (f *File) correctLanguage(value string) error {
	language, err := ParseLanguage(value)
	if err != nil {
		return Named(fieldLanguage, err)
	}
	f.record(EventCorrected, f.act.Reason, facts{"field": fieldLanguage, "from": string(f.Company.Language), "to": string(language)})
	f.Company.Language = language
	return nil
}

// correctExpiry sets the last day of the certificate that the company holds from
// before this desk; "none" says that it holds none.
func (f *File) correctExpiry(value string) error {
	var day Date
	if value != "none" {
		var err error
		day, err = ParseDate(value)
		if err != nil {
			return Named(fieldExpiry, err)
		}
	}
	f.record(EventCorrected, f.act.Reason, facts{"field": fieldExpiry, "from": f.Company.Certificate.ExpiresOn.String(), "to": day.String()})
	f.Company.Certificate.ExpiresOn = day
	return nil
}

func (f *File) correctHeadcount(value string) error {
	n, err := parseCount(value)
	if err != nil || n == 0 {
		return &FieldError{Field: fieldHeadcount, Value: value, Problem: "is not a number of people"}
	}
	was := f.headcount()
	if f.Audit != nil {
		f.Audit.Headcount = int(n)
	} else {
		f.Request.Headcount = int(n)
	}
	f.record(EventCorrected, f.act.Reason, facts{"field": fieldHeadcount, "from": strconv.Itoa(was), "to": strconv.FormatInt(n, 10)})
	return nil
}

// RetryJob records that a job, which was failed, ambiguous or waiting, is done again. It
// refuses everybody but a lead or administrator, and a decision without a reason.
func (f *File) RetryJob(id int64, kind JobKind, was string) error {
	return f.decideJob("Retry Job", EventJobRetried, id, kind, was)
}

// CancelJob records that such a job is given up. It refuses as RetryJob does.
func (f *File) CancelJob(id int64, kind JobKind, was string) error {
	return f.decideJob("Cancel Job", EventJobDropped, id, kind, was)
}

// ArrivedJob records that the letter of such a job arrived, as a person found out,
// and all that Accepted does when the engine itself knows. It refuses as RetryJob
// does, and as Accepted does when the case moved on; then only cancelling is left.
func (f *File) ArrivedJob(id int64, kind JobKind, recipient, was string) error {
	err := f.decideJob("Arrived Job", EventJobArrived, id, kind, was)
	if err != nil {
		return err
	}
	err = f.Accepted(kind, recipient)
	if errors.Is(err, ErrRefused) {
		return refuse(ErrIllegalMove, "cancel the job", "what the letter of job %d means cannot be recorded any more: %v", id, err)
	}
	return err
}

// RunsJobs refuses everybody who may not decide on jobs of every case: all but a
// lead or administrator of this roster. The file needs no case.
func (f *File) RunsJobs(label string) error { return Step{Label: label, Who: leads}.allowRole(f) }

func (f *File) decideJob(label string, event EventKind, id int64, kind JobKind, was string) error {
	err := f.RunsJobs(label)
	if err == nil && f.Case.ID != 0 {
		err = Step{Label: label, Who: leads}.allow(f)
	}
	if err != nil {
		return err
	}
	if f.act.Reason == "" {
		return refuse(ErrField, "say why in a sentence", "%s wants a reason", label)
	}
	f.record(event, f.act.Reason, facts{"job": strconv.FormatInt(id, 10), "kind": string(kind), "was": was})
	return nil
}
