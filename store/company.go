package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

type companyRow struct {
	ID              int64
	LegalName       string
	TradeName       string
	NearName        string
	Province        string
	Email           string
	Contact         string
	Street          string
	City            string
	AddressProvince string
	PostalCode      string
	Member          bool
	ProfileSince    day
	Phone           string
	Language        secor.Language

	CertificateNumber    string
	CertificateExpiresOn day
}

func (companyRow) isNew() bool { return false }

func newCompanyRow(c secor.Company) companyRow {
	return companyRow{ID: c.ID, LegalName: c.LegalName, TradeName: c.TradeName, NearName: secor.NearName(c.LegalName), Province: c.Province,
		Email: c.Email, Contact: c.Contact, Street: c.Address.Street, City: c.Address.City, AddressProvince: c.Address.Province,
		PostalCode: c.Address.PostalCode, Member: c.Member, ProfileSince: day(c.ProfileSince),
		Phone: c.Phone, Language: cmp.Or(c.Language, secor.English),
		CertificateNumber: c.Certificate.Number, CertificateExpiresOn: day(c.Certificate.ExpiresOn)}
}

func (r companyRow) domain() secor.Company {
	return secor.Company{ID: r.ID, LegalName: r.LegalName, TradeName: r.TradeName, Province: r.Province, Email: r.Email, Contact: r.Contact,
		Address: secor.Address{Street: r.Street, City: r.City, Province: r.AddressProvince, PostalCode: r.PostalCode},
		Member:  r.Member, ProfileSince: secor.Date(r.ProfileSince), Phone: r.Phone, Language: r.Language,
		Certificate: secor.Held{Number: r.CertificateNumber, ExpiresOn: secor.Date(r.CertificateExpiresOn)}}
}

const companyColumns = `id, legal_name, trade_name, near_name, province, email, contact, street, city, address_province,
	postal_code, member, profile_since, phone, language, certificate_number, certificate_expires_on`

const companySQL = `
	SELECT ` + companyColumns + `
	FROM companies
	WHERE id = $1 `

const updateCompanySQL = `
	UPDATE companies
	SET legal_name = :legal_name, trade_name = :trade_name, near_name = :near_name, province = :province, email = :email,
		contact = :contact, street = :street, city = :city, address_province = :address_province, postal_code = :postal_code,
		member = :member, profile_since = :profile_since, phone = :phone, language = :language,
		certificate_number = :certificate_number, certificate_expires_on = :certificate_expires_on
	WHERE id = :id`

type registrationRow struct {
	CompanyID    int64
	Body         string
	Account      string
	GoodStanding bool
}

func (r registrationRow) domain() secor.Registration {
	return secor.Registration{Body: r.Body, Account: r.Account, GoodStanding: r.GoodStanding}
}

const registrationsSQL = `
	SELECT company_id, body, account, good_standing
	FROM registrations
	WHERE company_id = $1
	ORDER BY body`

func loadRegistrations(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var found []registrationRow
	err := tx.SelectContext(ctx, &found, registrationsSQL, f.Company.ID)
	if err != nil {
		return fmt.Errorf("registrations: %w", err)
	}
	for _, row := range found {
		f.Registrations = append(f.Registrations, row.domain())
	}
	return nil
}

const addCompanySQL = `
	INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member, profile_since,
		phone, language, certificate_number, certificate_expires_on)
	VALUES (:legal_name, :trade_name, :near_name, :province, :email, :contact, :street, :city, :address_province, :postal_code, :member, :profile_since,
		:phone, :language, :certificate_number, :certificate_expires_on)
	RETURNING id`

// AddCompany puts a company with its accounts on file, or brings one up to date
// that has one of the accounts: body and account number are its natural key. The
// same data change nothing. Refused are a name that cannot be used, a province
// without a calendar, an account that its body cannot have given or that is
// another company's, and a name that only looks like that of another company of
// the same body; AddNamesake accepts the last.
func (s *Store) AddCompany(ctx context.Context, act secor.Act, c secor.Company, accounts []secor.Registration) (int64, Change, error) {
	return s.addCompany(ctx, act, c, accounts, refuseNear)
}

// AddNamesake is AddCompany for a company whose name looks like another's and
// that is a different one all the same. The act wants a reason.
func (s *Store) AddNamesake(ctx context.Context, act secor.Act, c secor.Company, accounts []secor.Registration) (int64, Change, error) {
	return s.addCompany(ctx, act, c, accounts, func(d *deskTx, _ secor.Company, _ []secor.Registration) error {
		if d.act.Reason == "" {
			return refuse(secor.ErrField, "say how you know", "accepting a company of nearly the same name wants a reason")
		}
		return nil
	})
}

func (s *Store) addCompany(ctx context.Context, act secor.Act, c secor.Company, accounts []secor.Registration,
	near func(*deskTx, secor.Company, []secor.Registration) error) (int64, Change, error) {
	c, err := s.cleanCompany(c)
	if err != nil {
		return 0, "", err
	}
	accounts, err = s.cleanAccounts(accounts)
	if err != nil {
		return 0, "", err
	}
	id, change, err := s.register(ctx, act, "company", func(d *deskTx) (int64, Change, error) {
		known, err := companyWith(d, accounts)
		if err != nil {
			return 0, "", err
		}
		if known != 0 {
			change, err := s.changeCompany(d, known, c, accounts)
			return known, change, err
		}
		err = near(d, c, accounts)
		if err != nil {
			return 0, "", err
		}
		return insertCompany(d, c, accounts)
	})
	return id, change, fault(err, "add company")
}

func (s *Store) cleanCompany(c secor.Company) (secor.Company, error) {
	var problems []error
	for _, text := range []struct {
		field string
		value *string
	}{{"legal_name", &c.LegalName}, {"trade_name", &c.TradeName}, {"contact", &c.Contact}, {"street", &c.Address.Street},
		{"city", &c.Address.City}, {"postal_code", &c.Address.PostalCode}, {"certificate_number", &c.Certificate.Number}} {
		clean, err := secor.CleanName(text.field, *text.value)
		problems, *text.value = append(problems, err), clean
	}
	if utf8.RuneCountInString(c.Certificate.Number) > secor.MaxCertificateNumber {
		problems = append(problems, &secor.FieldError{Field: "certificate_number", Value: c.Certificate.Number, Problem: "is longer than 40 characters"})
	}
	if c.LegalName == "" {
		problems = append(problems, &secor.FieldError{Field: "legal_name", Problem: "is missing"})
	}
	if s.programme.Calendars[c.Province] == nil {
		problems = append(problems, &secor.FieldError{Field: "province", Value: c.Province,
			Problem: "has no calendar here; one of " + strings.Join(slices.Sorted(maps.Keys(s.programme.Calendars)), ", ")})
	}
	if c.ProfileSince.After(s.today(s.clock())) {
		problems = append(problems, &secor.FieldError{Field: "profile_since", Value: c.ProfileSince.String(), Problem: "is in the future"})
	}
	if c.Address.Province == "" {
		c.Address.Province = c.Province
	}
	var err error
	c.Phone, err = secor.NormalPhone(c.Phone)
	problems = append(problems, secor.Named("phone", err))
	c.Language, err = secor.ParseLanguage(string(c.Language))
	problems = append(problems, secor.Named("language", err))
	c.Email, err = cleanEmail(c.Email)
	return c, errors.Join(append(problems, err)...)
}

// cleanEmail returns a plain address in lower case.
func cleanEmail(text string) (string, error) {
	text, err := secor.CleanText("email", text, 254)
	if err != nil {
		return "", err
	}
	err = secor.CheckEmail("email", text)
	if err != nil {
		return "", err
	}
	return strings.ToLower(text), nil
}

func (s *Store) cleanAccounts(accounts []secor.Registration) ([]secor.Registration, error) {
	if len(accounts) == 0 {
		return nil, &secor.FieldError{Field: "account", Problem: "is missing: a company is known by its account with a governing body"}
	}
	var clean []secor.Registration
	for _, r := range accounts {
		r, err := s.cleanAccount(r)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(clean, func(other secor.Registration) bool { return other.Body == r.Body }) {
			return nil, &secor.FieldError{Field: "body", Value: r.Body, Problem: "is given twice"}
		}
		clean = append(clean, r)
	}
	return clean, nil
}

func (s *Store) cleanAccount(r secor.Registration) (secor.Registration, error) {
	body := s.programme.Bodies[r.Body]
	if body == nil {
		return r, &secor.FieldError{Field: "body", Value: r.Body, Problem: "is not a governing body of this programme"}
	}
	account, err := body.NormalAccount(r.Account)
	r.Account = account
	return r, err
}

const byAccountSQL = `SELECT company_id FROM registrations WHERE body = $1 AND account = $2`

// companyWith returns the one company that has any of the accounts, 0 when none has.
func companyWith(d *deskTx, accounts []secor.Registration) (int64, error) {
	var known int64
	for _, r := range accounts {
		var ids []int64
		err := d.SelectContext(d.ctx, &ids, byAccountSQL, r.Body, r.Account)
		if err != nil {
			return 0, fmt.Errorf("look for account: %w", err)
		}
		if len(ids) == 0 {
			continue
		}
		if known != 0 && known != ids[0] {
			return 0, refuse(secor.ErrField, "correct the account numbers", "the accounts belong to two companies, %d and %d", known, ids[0])
		}
		known = ids[0]
	}
	return known, nil
}

const nearSQL = `
	SELECT c.id, c.legal_name, r.account
	FROM companies c JOIN registrations r ON r.company_id = c.id
	WHERE c.near_name = $1 AND r.body = $2
	ORDER BY c.id
	LIMIT 1`

// refuseNear refuses a company whose name reads like that of another one of the
// same body.
func refuseNear(d *deskTx, c secor.Company, accounts []secor.Registration) error {
	near := secor.NearName(c.LegalName)
	for _, r := range accounts {
		var found []struct {
			ID        int64
			LegalName string
			Account   string
		}
		err := d.SelectContext(d.ctx, &found, nearSQL, near, r.Body)
		if err != nil {
			return fmt.Errorf("look for near names: %w", err)
		}
		if near != "" && len(found) > 0 {
			return refuse(ErrNearName, "correct the account number, or accept the company as a different one, with a reason",
				"%q reads like company %d, %q, which has the account %s with %s", c.LegalName, found[0].ID, found[0].LegalName, found[0].Account, r.Body)
		}
	}
	return nil
}

func insertCompany(d *deskTx, c secor.Company, accounts []secor.Registration) (int64, Change, error) {
	row := newCompanyRow(c)
	query, args, err := d.BindNamed(addCompanySQL, row)
	if err != nil {
		return 0, "", fmt.Errorf("insert company: %w", err)
	}
	err = d.GetContext(d.ctx, &row.ID, query, args...)
	if err != nil {
		return 0, "", fmt.Errorf("insert company: %w", err)
	}
	err = d.record(EventCompanyAdded, map[string]string{"company": number(row.ID)})
	for _, r := range accounts {
		if err == nil {
			_, err = putAccount(d, row.ID, r)
		}
	}
	return row.ID, Added, err
}

// changeCompany brings a company up to date and keeps the old values as text.
// What only a step may set, a profile that the desk has given, stays.
func (s *Store) changeCompany(d *deskTx, id int64, c secor.Company, accounts []secor.Registration) (Change, error) {
	old, err := lockCompany(d.ctx, d.Tx, id)
	if err != nil {
		return "", err
	}
	c.ID = id
	if c.ProfileSince.IsZero() {
		c.ProfileSince = old.ProfileSince
	}
	change := Unchanged
	if c != old {
		change = Changed
		_, err = d.NamedExecContext(d.ctx, updateCompanySQL, newCompanyRow(c))
		if err != nil {
			return "", fmt.Errorf("update company: %w", err)
		}
		fields, was := changedFields(newCompanyRow(old), newCompanyRow(c))
		err = d.recordText(EventCompanyChanged, was, map[string]string{"company": number(id), "fields": fields})
		if err != nil {
			return "", err
		}
	}
	for _, r := range accounts {
		put, err := putAccount(d, id, r)
		if err != nil {
			return "", err
		}
		if put != Unchanged {
			change = Changed
		}
	}
	return change, nil
}

// changedFields names the columns that differ, and says what they were.
func changedFields(before, after any) (string, string) {
	old, fresh := reflect.ValueOf(before), reflect.ValueOf(after)
	var fields, was []string
	for i := range old.NumField() {
		if old.Field(i).Interface() != fresh.Field(i).Interface() {
			name := snakeCase(old.Type().Field(i).Name)
			fields, was = append(fields, name), append(was, fmt.Sprintf("%s was %v", name, old.Field(i).Interface()))
		}
	}
	return strings.Join(fields, " "), strings.Join(was, "; ")
}

const accountSQL = `
	SELECT company_id, body, account, good_standing
	FROM registrations
	WHERE company_id = $1 AND body = $2`

const addAccountSQL = `
	INSERT INTO registrations (company_id, body, account, good_standing)
	VALUES (:company_id, :body, :account, :good_standing)`

const updateAccountSQL = `
	UPDATE registrations
	SET good_standing = :good_standing
	WHERE company_id = :company_id AND body = :body`

// putAccount adds a company's account with a body, or brings its standing up to
// date. Another number with the same body is refused: which one is right is for a
// person to find out.
func putAccount(d *deskTx, company int64, r secor.Registration) (Change, error) {
	row := registrationRow{CompanyID: company, Body: r.Body, Account: r.Account, GoodStanding: r.GoodStanding}
	var old []registrationRow
	err := d.SelectContext(d.ctx, &old, accountSQL, company, r.Body)
	if err != nil {
		return "", fmt.Errorf("look for account: %w", err)
	}
	query, kind, change := addAccountSQL, EventRegistrationAdded, Added
	switch {
	case len(old) > 0 && old[0] == row:
		return Unchanged, nil
	case len(old) > 0 && old[0].Account != row.Account:
		return "", refuse(secor.ErrField, "find out which number is right",
			"company %d has the account %s with %s, not %s", company, old[0].Account, r.Body, r.Account)
	case len(old) > 0:
		query, kind, change = updateAccountSQL, EventRegistrationChanged, Changed
	}
	_, err = d.NamedExecContext(d.ctx, query, row)
	if err != nil {
		return "", fmt.Errorf("write account: %w", err)
	}
	return change, d.record(kind, map[string]string{"company": number(company), "body": r.Body, "good_standing": fmt.Sprint(r.GoodStanding)})
}

// AddRegistration adds a company's account with a governing body, or brings its
// standing up to date.
func (s *Store) AddRegistration(ctx context.Context, act secor.Act, company int64, r secor.Registration) (Change, error) {
	r, err := s.cleanAccount(r)
	if err != nil {
		return "", err
	}
	_, change, err := s.register(ctx, act, "company", func(d *deskTx) (int64, Change, error) {
		_, err := lockCompany(d.ctx, d.Tx, company)
		if err != nil {
			return 0, "", err
		}
		change, err := putAccount(d, company, r)
		return company, change, err
	})
	return change, fault(err, "add registration of company %d", company)
}

// Company returns a company; ErrNotFound when there is none of that id.
func (s *Store) Company(ctx context.Context, id int64) (secor.Company, error) {
	return s.company(ctx, noCompany(id), companySQL, id)
}

const companyByAccountSQL = `
	SELECT ` + companyColumns + `
	FROM companies
	WHERE id = (SELECT company_id FROM registrations WHERE body = $1 AND account = $2)`

// CompanyByAccount returns the company that has an account with a governing body,
// however the number is written; ErrNotFound when none has.
func (s *Store) CompanyByAccount(ctx context.Context, body, account string) (secor.Company, error) {
	r, err := s.cleanAccount(secor.Registration{Body: body, Account: account})
	if err != nil {
		return secor.Company{}, err
	}
	none := refuse(secor.ErrNotFound, "import the company first", "no company has the account %s with %s", r.Account, r.Body)
	return s.company(ctx, none, companyByAccountSQL, r.Body, r.Account)
}

func (s *Store) company(ctx context.Context, none error, query string, args ...any) (secor.Company, error) {
	var found []companyRow
	err := s.reads().SelectContext(ctx, &found, query, args...)
	if err != nil {
		return secor.Company{}, fmt.Errorf("read company: %w", err)
	}
	if len(found) == 0 {
		return secor.Company{}, none
	}
	return found[0].domain(), nil
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Registrations returns a company's accounts, by body.
func (s *Store) Registrations(ctx context.Context, company int64) ([]secor.Registration, error) {
	var found []registrationRow
	err := s.reads().SelectContext(ctx, &found, registrationsSQL, company)
	if err != nil {
		return nil, fmt.Errorf("registrations of company %d: %w", company, err)
	}
	accounts := make([]secor.Registration, len(found))
	for i, row := range found {
		accounts[i] = row.domain()
	}
	return accounts, nil
}
