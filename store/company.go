package store

import (
	"context"
	"fmt"

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
}

func (companyRow) isNew() bool { return false }

func newCompanyRow(c secor.Company) companyRow {
	return companyRow{ID: c.ID, LegalName: c.LegalName, TradeName: c.TradeName, NearName: secor.NearName(c.LegalName), Province: c.Province,
		Email: c.Email, Contact: c.Contact, Street: c.Address.Street, City: c.Address.City, AddressProvince: c.Address.Province,
		PostalCode: c.Address.PostalCode, Member: c.Member, ProfileSince: day(c.ProfileSince)}
}

func (r companyRow) domain() secor.Company {
	return secor.Company{ID: r.ID, LegalName: r.LegalName, TradeName: r.TradeName, Province: r.Province, Email: r.Email, Contact: r.Contact,
		Address: secor.Address{Street: r.Street, City: r.City, Province: r.AddressProvince, PostalCode: r.PostalCode},
		Member:  r.Member, ProfileSince: secor.Date(r.ProfileSince)}
}

const companyColumns = `id, legal_name, trade_name, near_name, province, email, contact, street, city, address_province,
	postal_code, member, profile_since`

const companySQL = `
	SELECT ` + companyColumns + `
	FROM companies
	WHERE id = $1 `

const updateCompanySQL = `
	UPDATE companies
	SET legal_name = :legal_name, trade_name = :trade_name, near_name = :near_name, province = :province, email = :email,
		contact = :contact, street = :street, city = :city, address_province = :address_province, postal_code = :postal_code,
		member = :member, profile_since = :profile_since
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
