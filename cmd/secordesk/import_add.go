package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"secordesk/store"
	"secordesk/store/secor"
)

// deskAct is an act on the register, of the desk or of the person who imports.
// Natural keys say what is there already, so that an older file may also be taken
// in again after a newer one.
func (im *importer) deskAct(r record, part string) secor.Act {
	return secor.Act{ID: strings.Join([]string{r.actID(), im.run, part}, ":"), By: im.by, Surface: secor.SurfaceFile}
}

// companyAct is something that the company did at a time that the record states.
// It is the same act whenever the same record comes again.
func (im *importer) companyAct(r record, company int64, at time.Time) secor.Act {
	return secor.Act{ID: r.actID(), By: secor.ByCompany(company), Surface: secor.SurfaceFile,
		Reason: "imported from " + im.file, HappenedAt: at}
}

// company finds the company that a record names.
func (im *importer) company(ctx context.Context, r record) (secor.Company, error) {
	c, err := im.store.CompanyByAccount(ctx, r.text("body"), r.text("account"))
	if errors.Is(err, secor.ErrNotFound) {
		return c, &secor.FieldError{Field: "account", Value: r.text("account"),
			Problem: "is no company's account with " + r.text("body") + "; import the company first"}
	}
	return c, err
}

func (im *importer) person(ctx context.Context, field, email string) (secor.Reviewer, error) {
	p, err := im.store.ReviewerByEmail(ctx, email)
	if errors.Is(err, secor.ErrNotFound) {
		return p, &secor.FieldError{Field: field, Value: email, Problem: "is nobody of this desk; import its reviewers first"}
	}
	return p, err
}

// author returns who takes a record in that says who may decide: an active person
// in one of the kind's roles, or the desk while there is no administrator.
func (im *importer) author(ctx context.Context, kind *recordKind) (secor.Actor, error) {
	who := "a lead or an administrator"
	if !slices.Contains(kind.author, secor.RoleLead) {
		who = "an administrator"
	}
	switch {
	case im.founding && kind.name == "reviewer":
		return secor.Desk, nil
	case im.options.As == "":
		return secor.Actor{}, problem("", "%s records change who may decide; name %s with --as", kind.name, who)
	}
	p, err := im.person(ctx, "--as", im.options.As)
	if err != nil {
		return secor.Actor{}, err
	}
	is := "is a " + string(p.Role)
	if !p.Active {
		is = "is not of this desk any more"
	}
	if !p.Active || !slices.Contains(kind.author, p.Role) {
		return secor.Actor{}, &secor.FieldError{Field: "--as", Value: im.options.As,
			Problem: fmt.Sprintf("%s; %s records change who may decide, so name %s", is, kind.name, who)}
	}
	return secor.ByReviewer(p.ID), nil
}

// refusals joins refusals. A fault among them is returned alone, so that nobody
// takes it for one.
func refusals(errs ...error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, secor.ErrRefused) {
			return err
		}
	}
	return errors.Join(errs...)
}

// addCompany adds a company, or changes what the record states of one on file.
func (im *importer) addCompany(ctx context.Context, r record) (store.Change, error) {
	old, err := im.company(ctx, r)
	var unknown *secor.FieldError
	if err != nil && !errors.As(err, &unknown) {
		return "", err
	}
	account := secor.Registration{Body: r.text("body"), Account: r.text("account"), GoodStanding: r.flag("good_standing", true)}
	if err == nil {
		err = sameName(old, r)
		if err != nil {
			return "", err
		}
		account.GoodStanding, err = im.standing(ctx, old.ID, account.Body, r)
		if err != nil {
			return "", err
		}
	}
	_, came, err := im.putCompany(ctx, old, r, account)
	return came, err
}

// standing returns whether an account is in good standing: as the record says, or
// as it is on file, or true.
func (im *importer) standing(ctx context.Context, company int64, body string, r record) (bool, error) {
	accounts, err := im.store.Registrations(ctx, company)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(accounts, func(a secor.Registration) bool { return a.Body == body })
	return r.flag("good_standing", i < 0 || accounts[i].GoodStanding), nil
}

// sameName refuses a record whose name is not the one on file: one of the two
// accounts is a mistyped one, and no file may rename a company by mistake.
func sameName(on secor.Company, r record) error {
	name := r.text("legal_name")
	if name == "" || secor.NearName(name) == secor.NearName(on.LegalName) {
		return nil
	}
	return &secor.FieldError{Field: "legal_name", Value: name, Problem: fmt.Sprintf(
		"is not the name on file for account %s, which is %q; correct the account, or the name on file with secordesk case correct", r.text("account"), on.LegalName)}
}

func (im *importer) putCompany(ctx context.Context, old secor.Company, r record, account secor.Registration) (int64, store.Change, error) {
	act, put := im.deskAct(r, "company"), im.store.AddCompany
	if im.options.AcceptNearNames {
		act.Reason, put = "name accepted with --accept-near-names, from "+im.file, im.store.AddNamesake
	}
	id, came, err := put(ctx, act, described(old, r), []secor.Registration{account})
	var refusal *secor.Refusal
	if errors.Is(err, store.ErrNearName) && errors.As(err, &refusal) {
		err = &secor.Refusal{Kind: store.ErrNearName, Text: "legal_name: " + refusal.Text,
			Do: "correct the account, or take it as a different company with --accept-near-names"}
	}
	return id, came, err
}

// described returns a company as it is on file with what a record states of it.
func described(c secor.Company, r record) secor.Company {
	for name, value := range map[string]*string{
		"legal_name": &c.LegalName, "trade_name": &c.TradeName, "province": &c.Province, "contact": &c.Contact, "email": &c.Email,
		"street": &c.Address.Street, "city": &c.Address.City, "postal_code": &c.Address.PostalCode, "phone": &c.Phone,
		"certificate_number": &c.Certificate.Number,
	} {
		text, given := r.texts[name]
		if given {
			*value = text
		}
	}
	if language := r.text("language"); language != "" {
		c.Language = secor.Language(language)
	}
	c.Member = r.flag("member", c.Member)
	if day := r.date("profile_since"); !day.IsZero() {
		c.ProfileSince = day
	}
	if day := r.date("certificate_expires_on"); !day.IsZero() {
		c.Certificate.ExpiresOn = day
	}
	return c
}

func (im *importer) addPerson(ctx context.Context, r record) (store.Change, error) {
	c, err := im.company(ctx, r)
	if err != nil {
		return "", err
	}
	_, came, err := im.store.AddPerson(ctx, im.deskAct(r, "person"), c.ID, r.text("name"))
	return came, err
}

// addCourse adds the course, with its person where the company has none of that name.
func (im *importer) addCourse(ctx context.Context, r record) (store.Change, error) {
	c, err := im.company(ctx, r)
	if err != nil {
		return "", err
	}
	var came store.Change
	err = im.store.Batch(ctx, func(inside *store.Store) error {
		person, _, err := inside.AddPerson(ctx, im.deskAct(r, "person"), c.ID, r.text("person"))
		if err != nil {
			return err
		}
		came, err = inside.AddCourse(ctx, im.deskAct(r, "course"), person, secor.Course{Name: r.text("course"), CompletedOn: r.date("completed_on")})
		return err
	})
	return came, err
}

func (im *importer) addRegistration(ctx context.Context, r record) (store.Change, error) {
	c, err := im.company(ctx, r)
	if err != nil {
		return "", err
	}
	standing, err := im.standing(ctx, c.ID, r.text("other_body"), r)
	if err != nil {
		return "", err
	}
	return im.store.AddRegistration(ctx, im.deskAct(r, "registration"), c.ID,
		secor.Registration{Body: r.text("other_body"), Account: r.text("other_account"), GoodStanding: standing})
}

func (im *importer) addReviewer(ctx context.Context, r record) (store.Change, error) {
	old, err := im.store.ReviewerByEmail(ctx, r.text("email"))
	if err != nil && !errors.Is(err, secor.ErrNotFound) {
		return "", err
	}
	active := r.flag("active", errors.Is(err, secor.ErrNotFound) || old.Active)
	_, came, err := im.store.AddReviewer(ctx, im.deskAct(r, "reviewer"), secor.Reviewer{Name: r.text("name"), Email: r.text("email"),
		Role: secor.Role(r.text("role")), Active: active, Capacity: r.count("capacity")})
	return came, err
}

func (im *importer) addLeave(ctx context.Context, r record) (store.Change, error) {
	p, err := im.person(ctx, "email", r.text("email"))
	leave := secor.Leave{Span: secor.Span{From: r.date("from"), To: r.date("to")}}
	if r.text("stand_in") != "" {
		standIn, standInErr := im.person(ctx, "stand_in", r.text("stand_in"))
		err = refusals(err, standInErr)
		leave.StandIn = standIn.ID
	}
	if err != nil {
		return "", err
	}
	return im.store.AddLeave(ctx, im.deskAct(r, "leave"), p.ID, leave)
}

func (im *importer) addConflict(ctx context.Context, r record) (store.Change, error) {
	p, personErr := im.person(ctx, "email", r.text("email"))
	c, companyErr := im.company(ctx, r)
	err := refusals(personErr, companyErr)
	if err != nil {
		return "", err
	}
	return im.store.AddConflict(ctx, im.deskAct(r, "conflict"), secor.Conflict{ReviewerID: p.ID, CompanyID: c.ID,
		Span: secor.Span{From: r.date("from"), To: r.date("to")}, Reason: r.text("reason")})
}

// addRequest opens a partner request. A company that is not on file is put there
// by the same line; one that is stays as it is, and where the form says otherwise
// the request's first event says so.
func (im *importer) addRequest(ctx context.Context, r record) (store.Change, error) {
	taken, err := im.store.Taken(ctx, r.actID())
	if taken || err != nil {
		return store.Unchanged, err
	}
	err = im.store.Batch(ctx, func(inside *store.Store) error {
		within := *im
		within.store = inside
		return within.openRequest(ctx, r)
	})
	return store.Added, err
}

func (im *importer) openRequest(ctx context.Context, r record) error {
	c, err := im.company(ctx, r)
	var unknown *secor.FieldError
	known := err == nil
	if err != nil && !errors.As(err, &unknown) {
		return err
	}
	if known {
		err = sameName(c, r)
	} else {
		c.ID, err = im.newCompany(ctx, r)
	}
	if err != nil {
		return err
	}
	act := im.companyAct(r, c.ID, r.time("received_at"))
	if differs := formDiffers(c, r); known && differs != "" {
		act.Reason += "; the form says otherwise: " + differs
	}
	_, err = im.store.AddRequest(ctx, act, c.ID, r.text("body"), secor.Request{Reason: secor.RequestReason(r.text("reason")), Headcount: r.count("headcount")})
	return err
}

func (im *importer) newCompany(ctx context.Context, r record) (int64, error) {
	var problems []error
	for _, f := range companyFields(true) {
		if f.required && r.text(f.name) == "" {
			problems = append(problems, &secor.FieldError{Field: f.name, Problem: fmt.Sprintf(
				"is missing: no company has the account %s with %s, so the line must describe it", r.text("account"), r.text("body"))})
		}
	}
	if len(problems) > 0 {
		return 0, errors.Join(problems...)
	}
	account := secor.Registration{Body: r.text("body"), Account: r.text("account"), GoodStanding: true}
	id, _, err := im.putCompany(ctx, secor.Company{}, r, account)
	return id, err
}

// formDiffers lists what a request states otherwise than the file does.
func formDiffers(c secor.Company, r record) string {
	form := described(c, r)
	var words []string
	for _, f := range []struct{ name, on, form string }{
		{"legal name", c.LegalName, form.LegalName}, {"trade name", c.TradeName, form.TradeName}, {"province", c.Province, form.Province},
		{"contact", c.Contact, form.Contact}, {"email", strings.ToLower(c.Email), strings.ToLower(form.Email)}, {"street", c.Address.Street, form.Address.Street},
		{"city", c.Address.City, form.Address.City}, {"postal code", c.Address.PostalCode, form.Address.PostalCode},
		{"member", strconv.FormatBool(c.Member), strconv.FormatBool(form.Member)},
	} {
		if f.on != f.form {
			words = append(words, f.name+" "+f.form)
		}
	}
	return strings.Join(words, ", ")
}

func (im *importer) addAudit(ctx context.Context, r record) (store.Change, error) {
	taken, err := im.store.Taken(ctx, r.actID())
	if taken || err != nil {
		return store.Unchanged, err
	}
	c, err := im.company(ctx, r)
	err = refusals(err, im.lookAtYear(ctx, r))
	if err != nil {
		return "", err
	}
	audits, err := im.audits(ctx, c.ID, r)
	if err != nil {
		return "", err
	}
	for _, f := range audits {
		if secor.Next(secor.SubjectAudit, f.Case.State) != "" {
			return "", &secor.FieldError{Field: "fee_year", Value: r.text("fee_year"), Problem: fmt.Sprintf(
				"has audit %d under way (%s); go on with that one, or cancel it first", f.Case.ID, f.Case.State.Words())}
		}
	}
	_, err = im.store.AddAudit(ctx, im.companyAct(r, c.ID, r.time("registered_at")), c.ID, r.text("body"), secor.Audit{
		Purpose: secor.Purpose(r.text("purpose")), FeeYear: r.count("fee_year"), Headcount: r.count("headcount"), Claimed: r.months()})
	return store.Added, err
}

// lookAtYear refuses a fee year that is more than one from the desk's: no office
// registers an audit for it, and a slip would raise the fee of another year.
func (im *importer) lookAtYear(_ context.Context, r record) error {
	year := im.reader.today().Year
	if r.text("fee_year") == "" || r.count("fee_year") >= year-1 && r.count("fee_year") <= year+1 {
		return nil
	}
	return &secor.FieldError{Field: "fee_year", Value: r.text("fee_year"), Problem: fmt.Sprintf("is too far from this year; it can be from %d to %d", year-1, year+1)}
}

func (r record) months() secor.Evidence {
	return secor.Evidence{Policies: r.count("policies_months"), Records: r.count("records_months")}
}

// audits returns the company's audits of the record's body and fee year, the
// oldest first.
func (im *importer) audits(ctx context.Context, company int64, r record) ([]*secor.File, error) {
	cases, err := im.store.CasesOf(ctx, company)
	if err != nil {
		return nil, err
	}
	var audits []*secor.File
	for _, c := range cases {
		if c.Kind != secor.SubjectAudit || c.Body != r.text("body") {
			continue
		}
		f, err := im.store.File(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		if f.Audit.FeeYear == r.count("fee_year") {
			audits = append(audits, f)
		}
	}
	slices.SortFunc(audits, func(a, b *secor.File) int { return int(a.Case.ID - b.Case.ID) })
	return audits, nil
}

// oneAudit returns the one audit that fits, or the last one where none does: the
// rules then say why not.
func (im *importer) oneAudit(ctx context.Context, r record, fits func(*secor.File) bool) (*secor.File, error) {
	c, err := im.company(ctx, r)
	if err != nil {
		return nil, err
	}
	audits, err := im.audits(ctx, c.ID, r)
	if err != nil {
		return nil, err
	}
	if len(audits) == 0 {
		return nil, &secor.FieldError{Field: "fee_year", Value: r.text("fee_year"), Problem: "has no audit of this company; register one first"}
	}
	fitting := slices.DeleteFunc(slices.Clone(audits), func(f *secor.File) bool { return !fits(f) })
	switch len(fitting) {
	case 0:
		return audits[len(audits)-1], nil
	case 1:
		return fitting[0], nil
	}
	return nil, &secor.FieldError{Field: "fee_year", Value: r.text("fee_year"), Problem: fmt.Sprintf(
		"has several audits that this could be for, %d and %d; take the step by hand", fitting[0].Case.ID, fitting[1].Case.ID)}
}

// addSubmission hands in a self-assessment to the audit that waits for one.
func (im *importer) addSubmission(ctx context.Context, r record) (store.Change, error) {
	taken, err := im.store.Taken(ctx, r.actID())
	if taken || err != nil {
		return store.Unchanged, err
	}
	f, err := im.awaiting(ctx, r)
	if err != nil {
		return "", err
	}
	submission := secor.Submission{Marks: r.marks, Months: r.months(), LastDay: r.date("last_day"), Headcount: r.count("headcount"),
		LegalName: r.text("legal_name"), Account: r.text("account"), EvidenceURL: r.text("evidence_url"), Resolved: r.resolved}
	act := im.companyAct(r, f.Company.ID, r.time("submitted_at"))
	return store.Added, im.store.UpdateCase(ctx, f.Case.ID, act, func(f *secor.File, _ time.Time) error { return f.Submit(submission) })
}

// awaiting returns the audit that a submission is for. Its error says all that
// speaks against either; without an audit the marks are held against the protocol
// that one opened today would have.
func (im *importer) awaiting(ctx context.Context, r record) (*secor.File, error) {
	f, err := im.oneAudit(ctx, r, (*secor.File).TakesSubmission)
	if err != nil {
		return nil, refusals(err, im.lookAtMarks(r))
	}
	if !f.TakesSubmission() {
		err = &secor.FieldError{Field: "fee_year", Value: r.text("fee_year"), Problem: fmt.Sprintf(
			"has audit %d, which takes no submission now (%s)", f.Case.ID, f.Case.State.Words())}
	}
	return f, refusals(err, impossible(f.Protocol, r.marks))
}

func (im *importer) lookAtMarks(r record) error {
	edition, err := im.programme.EditionOn(im.reader.today())
	if err != nil {
		return err
	}
	return impossible(im.programme.Protocols[edition.Protocol], r.marks)
}

// lookAtSubmission looks for the audit only when the record says which one.
func (im *importer) lookAtSubmission(ctx context.Context, r record) error {
	if r.text("body") == "" || r.text("account") == "" || r.text("fee_year") == "" {
		return im.lookAtMarks(r)
	}
	_, err := im.awaiting(ctx, r)
	return err
}

// impossible names every mark that cannot be true, where the rules would stop at
// the first one.
func impossible(p *secor.Protocol, marks []secor.Mark) error {
	var problems []error
	for _, m := range marks {
		_, err := p.CheckMark(m)
		if err != nil {
			problems = append(problems, within("marks", err))
		}
	}
	return errors.Join(problems...)
}

// What a record of money is: a payment when it says nothing else.
const (
	entryPayment  = "payment"
	entryReversal = "reversal" // of the payment with its reference, which bounced on received_on
	entryRefund   = "refund"   // of what was too much, paid on received_on
)

// addPayment records a payment on the audit whose invoice is unpaid, the reversal
// of one on the audit that has it, or a refund on the audit that has a credit.
func (im *importer) addPayment(ctx context.Context, r record) (store.Change, error) {
	if im.options.As == "" {
		return "", problem("", "a payment is recorded by a person; add --as with the e-mail address of a lead or an administrator")
	}
	p, err := im.person(ctx, "--as", im.options.As)
	if err != nil {
		return "", err
	}
	taken, err := im.store.Taken(ctx, r.actID())
	if taken || err != nil {
		return store.Unchanged, err
	}
	_, _, fits := r.moneyStep()
	f, err := im.oneAudit(ctx, r, func(f *secor.File) bool { return f.Invoice() != nil && fits(f.Invoice()) })
	if err != nil {
		return "", err
	}
	return store.Added, im.pay(ctx, r, f.Case.ID, p)
}

// bouncedAt dates a reversal on the day of its record, where the case has not moved
// since; on the day of the import, which the zero time is, where it has.
func (im *importer) bouncedAt(f *secor.File, r record) time.Time {
	at, err := happenedAt(r.text("received_on"), f.Programme.Calendars[f.Programme.Office], im.reader.now())
	if err != nil || at.Before(f.LastMove.HappenedAt) || at.After(im.reader.now()) {
		return time.Time{}
	}
	return at
}

// moneyStep returns the step that a record of money is, its input, and which
// invoice it is for where several could be meant.
func (r record) moneyStep() (string, secor.Input, func(*secor.Invoice) bool) {
	input := secor.Input{"amount": r.text("amount"), "method": r.text("method"), "reference": r.text("reference")}
	switch r.text("entry") {
	case entryReversal:
		return "reverse-payment", secor.Input{"reference": r.text("reference")}, func(i *secor.Invoice) bool { return r.reverses(i) != nil }
	case entryRefund:
		input["paid-on"] = r.text("received_on")
		return "refund", input, func(i *secor.Invoice) bool { return i.Credit() > 0 }
	default:
		input["received-on"] = r.text("received_on")
		return "pay", input, func(i *secor.Invoice) bool { return i.State != secor.StatePaid }
	}
}

// reverses returns the payment that stands under the record's reference; nil when
// none does.
func (r record) reverses(invoice *secor.Invoice) *secor.Payment {
	for i, p := range invoice.Payments {
		if p.Reference == r.text("reference") && p.ReversedOn.IsZero() {
			return &invoice.Payments[i]
		}
	}
	return nil
}

// sameAmount refuses the reversal of another amount than was recorded: one of the
// two is a slip.
func (r record) sameAmount(f *secor.File) error {
	if r.text("entry") != entryReversal || f.Invoice() == nil {
		return nil
	}
	amount, err := secor.ParseCents(r.text("amount"))
	if err != nil {
		return err
	}
	p := r.reverses(f.Invoice())
	if p == nil || p.Amount == amount {
		return nil
	}
	return &secor.FieldError{Field: "amount", Value: amount.String(), Problem: fmt.Sprintf("is not the %s of payment %s", p.Amount, p.Reference)}
}
