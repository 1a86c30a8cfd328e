package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/secor"
)

// CompanyEntry is a company with one account, to be put on file by an act.
type CompanyEntry struct {
	Act     secor.Act
	Company secor.Company
	Account secor.Registration
}

// AddNewCompanies puts those of the entries on file that are plainly new, all in one
// transaction, and reports which: their data are usable, nobody has the account, and
// the name reads like no other one of the body. Each is recorded as AddCompany does,
// as an act of its own. The others it leaves alone; AddCompany says what is wrong
// with them. Entries must not state the same account twice. The same acts again are
// reported again and change nothing.
func (s *Store) AddNewCompanies(ctx context.Context, entries []CompanyEntry) ([]bool, error) {
	var added []bool
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		added = make([]bool, len(entries))
		var err error
		if len(entries) > 0 {
			err = s.addNewCompanies(ctx, tx, entries, added)
		}
		return asRefusal(err)
	})
	if err != nil {
		return nil, fault(err, "add %d companies", len(entries))
	}
	return added, nil
}

func (s *Store) addNewCompanies(ctx context.Context, tx *sqlx.Tx, entries []CompanyEntry, added []bool) error {
	d, err := s.beginDesk(ctx, tx, entries[0].Act)
	if err != nil {
		return err
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.Act.ID
	}
	past, err := takenOf(ctx, tx, ids)
	if err != nil {
		return err
	}
	var plain []CompanyEntry
	var at []int
	for i, e := range entries {
		clean, ok := s.cleanEntry(d, e)
		added[i] = past[e.Act.ID]
		if ok && !added[i] {
			plain, at = append(plain, clean), append(at, i)
		}
	}
	free, err := freeOf(d, plain)
	if err != nil {
		return err
	}
	var fresh []CompanyEntry
	for i, e := range plain {
		if free[i] {
			fresh, added[at[i]] = append(fresh, e), true
		}
	}
	return insertCompanies(d, fresh)
}

// cleanEntry returns an entry as it is stored; false when it cannot be, or when its
// act says more than that a company is added.
func (s *Store) cleanEntry(d *deskTx, e CompanyEntry) (CompanyEntry, bool) {
	var errs [4]error
	e.Act, errs[0] = cleanAct(e.Act)
	errs[1] = new(secor.File).Begin(e.Act, d.now)
	e.Company, errs[2] = s.cleanCompany(e.Company)
	e.Account, errs[3] = s.cleanAccount(e.Account)
	ok := e.Act.Reason == "" && e.Act.HappenedAt.IsZero() && e.Company.ID == 0
	for _, err := range errs {
		ok = ok && err == nil
	}
	return e, ok
}

// The queries for many look each one up by its index: a plan that Postgres made for
// an empty table would otherwise read all of it for every chunk of a first import.
const takenAccountsSQL = `
	SELECT n.body, n.account
	FROM unnest($1::text[], $2::text[]) AS n (body, account)
	CROSS JOIN LATERAL (SELECT FROM registrations r WHERE r.body = n.body AND r.account = n.account LIMIT 1) found`

const takenNamesSQL = `
	SELECT n.near_name, n.body
	FROM unnest($1::text[], $2::text[]) AS n (near_name, body)
	CROSS JOIN LATERAL (
		SELECT
		FROM companies c JOIN registrations r ON r.company_id = c.id
		WHERE c.near_name = n.near_name AND r.body = n.body
		LIMIT 1) found`

// freeOf reports which entries nobody has the account of and no company of the body,
// nor an entry before, the name.
func freeOf(d *deskTx, entries []CompanyEntry) ([]bool, error) {
	var bodies, accounts, names []string
	for _, e := range entries {
		bodies, accounts, names = append(bodies, e.Account.Body), append(accounts, e.Account.Account), append(names, secor.NearName(e.Company.LegalName))
	}
	var known []struct{ Body, Account string }
	err := d.SelectContext(d.ctx, &known, takenAccountsSQL, pq.Array(bodies), pq.Array(accounts))
	if err != nil {
		return nil, fmt.Errorf("look for accounts: %w", err)
	}
	var near []struct{ NearName, Body string }
	err = d.SelectContext(d.ctx, &near, takenNamesSQL, pq.Array(names), pq.Array(bodies))
	if err != nil {
		return nil, fmt.Errorf("look for near names: %w", err)
	}
	used := map[[2]string]bool{}
	for _, k := range known {
		used[[2]string{k.Body, k.Account}] = true
	}
	called := map[[2]string]bool{}
	for _, n := range near {
		called[[2]string{n.Body, n.NearName}] = true
	}
	free := make([]bool, len(entries))
	for i := range entries {
		name := [2]string{bodies[i], names[i]}
		free[i] = !used[[2]string{bodies[i], accounts[i]}] && !called[name]
		called[name] = true
	}
	return free, nil
}

// runs hands over values in runs of a power of two, of most at most, so that a
// statement for many rows has few forms and each is prepared once.
func runs[T any](values []T, most int, take func([]T) error) error {
	for len(values) > 0 {
		n := most
		for n > len(values) {
			n /= 2
		}
		err := take(values[:n])
		if err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// maxRun is how many rows one statement adds, a power of two.
const maxRun = 128

func insertCompanies(d *deskTx, entries []CompanyEntry) error {
	var companies []companyRow
	for _, e := range entries {
		companies = append(companies, newCompanyRow(e.Company))
	}
	var ids []int64
	err := runs(companies, maxRun, func(run []companyRow) error {
		query, args, err := d.BindNamed(addCompanySQL, run)
		if err != nil {
			return err
		}
		var added []int64
		err = d.SelectContext(d.ctx, &added, query, args...)
		slices.Sort(added) // Postgres numbers the rows in their order
		ids = append(ids, added...)
		return err
	})
	if err != nil {
		return fmt.Errorf("insert companies: %w", err)
	}
	var accounts []registrationRow
	for i, e := range entries {
		accounts = append(accounts, registrationRow{CompanyID: ids[i], Body: e.Account.Body, Account: e.Account.Account, GoodStanding: e.Account.GoodStanding})
	}
	err = runs(accounts, maxRun, func(run []registrationRow) error {
		_, err := d.NamedExecContext(d.ctx, addAccountSQL, run)
		return err
	})
	if err != nil {
		return fmt.Errorf("insert accounts: %w", err)
	}
	return d.recordAll(eventsOf(d, entries, ids))
}

func eventsOf(d *deskTx, entries []CompanyEntry, ids []int64) []secor.Event {
	var events []secor.Event
	for i, e := range entries {
		company := number(ids[i])
		one := secor.Event{By: e.Act.By, OnBehalfOf: e.Act.OnBehalfOf, Surface: e.Act.Surface, ActID: e.Act.ID, HappenedAt: d.now, RecordedAt: d.now}
		two := one
		one.Kind, one.Facts = EventCompanyAdded, map[string]string{"company": company}
		two.Kind, two.Facts = EventRegistrationAdded, map[string]string{"company": company, "body": e.Account.Body, "good_standing": strconv.FormatBool(e.Account.GoodStanding)}
		events = append(events, one, two)
	}
	return events
}

// recordAll chains events of several acts, in their order and without texts, to the
// desk's stream.
func (d *deskTx) recordAll(events []secor.Event) error {
	var rows []eventRow
	part, act := 0, ""
	for _, e := range events {
		row, err := newEventRow(e)
		if err != nil {
			return err
		}
		if row.ActID != act {
			part, act = 0, row.ActID
		}
		part++
		row.Stream, row.Seq, row.Part, row.PrevHash = d.head.Stream, d.head.Seq+1, part, d.head.Hash
		row.Hash = row.sum()
		d.head.Seq, d.head.Hash, d.head.RecordedAt = row.Seq, row.Hash, row.RecordedAt
		rows = append(rows, row)
	}
	err := runs(rows, maxRun, func(run []eventRow) error {
		_, err := d.NamedExecContext(d.ctx, addEventSQL, run)
		return err
	})
	if err != nil {
		return fmt.Errorf("record %d events: %w", len(events), err)
	}
	return nil
}

const takenOfSQL = `
	SELECT n.act_id
	FROM unnest($1::text[]) AS n (act_id)
	CROSS JOIN LATERAL (SELECT FROM events e WHERE e.act_id = n.act_id LIMIT 1) found`

func takenOf(ctx context.Context, db queries, acts []string) (map[string]bool, error) {
	var found []string
	err := db.SelectContext(ctx, &found, takenOfSQL, pq.Array(acts))
	if err != nil {
		return nil, fmt.Errorf("look for acts: %w", err)
	}
	taken := map[string]bool{}
	for _, id := range found {
		taken[id] = true
	}
	return taken, nil
}

// TakenOf returns those of the acts that were recorded before, on whichever stream.
func (s *Store) TakenOf(ctx context.Context, acts []string) (map[string]bool, error) {
	return takenOf(ctx, s.reads(), acts)
}

// Account names a company: its account with a governing body, in its normal form.
type Account struct{ Body, Number string }

// CompanyOnFile is a company as one of its accounts finds it.
type CompanyOnFile struct {
	Company      secor.Company
	GoodStanding bool // of that account
}

const companiesByAccountSQL = `
	SELECT ` + companyColumns + `, account_body, account_number, good_standing
	FROM (
		SELECT n.body AS account_body, n.account AS account_number, r.company_id, r.good_standing
		FROM unnest($1::text[], $2::text[]) AS n (body, account)
		CROSS JOIN LATERAL (SELECT company_id, good_standing FROM registrations WHERE body = n.body AND account = n.account LIMIT 1) r
	) found
	CROSS JOIN LATERAL (SELECT ` + companyColumns + ` FROM companies WHERE id = found.company_id LIMIT 1) c`

// CompaniesByAccount returns the companies that have the accounts, by account; one
// that nobody has is left out.
func (s *Store) CompaniesByAccount(ctx context.Context, accounts []Account) (map[Account]CompanyOnFile, error) {
	bodies, numbers := columnsOfAccounts(accounts)
	var found []struct {
		companyRow
		AccountBody, AccountNumber string
		GoodStanding               bool
	}
	err := s.reads().SelectContext(ctx, &found, companiesByAccountSQL, pq.Array(bodies), pq.Array(numbers))
	if err != nil {
		return nil, fmt.Errorf("companies by account: %w", err)
	}
	companies := map[Account]CompanyOnFile{}
	for _, row := range found {
		companies[Account{row.AccountBody, row.AccountNumber}] = CompanyOnFile{row.domain(), row.GoodStanding}
	}
	return companies, nil
}

func columnsOfAccounts(accounts []Account) ([]string, []string) {
	bodies, numbers := make([]string, len(accounts)), make([]string, len(accounts))
	for i, a := range accounts {
		bodies[i], numbers[i] = a.Body, a.Number
	}
	return bodies, numbers
}

const auditsByAccountSQL = `
	SELECT n.place, found.id
	FROM unnest($1::text[], $2::text[], $3::integer[]) WITH ORDINALITY AS n (body, account, fee_year, place)
	CROSS JOIN LATERAL (
		SELECT c.id
		FROM registrations r
		JOIN cases c ON c.company_id = r.company_id AND c.body = r.body AND c.kind = 'audit'
		JOIN audits a ON a.case_id = c.id
		WHERE r.body = n.body AND r.account = n.account AND a.fee_year = n.fee_year
		ORDER BY c.id
		LIMIT 2) found
	ORDER BY found.id`

// AuditsByAccount returns for each account the audits of its company with that body
// for the fee year at the same place, the oldest first and two at most.
func (s *Store) AuditsByAccount(ctx context.Context, accounts []Account, feeYears []int) ([][]secor.CaseID, error) {
	bodies, numbers := columnsOfAccounts(accounts)
	years := make([]int64, len(feeYears))
	for i, year := range feeYears {
		years[i] = int64(year)
	}
	var found []struct {
		Place int
		ID    secor.CaseID
	}
	err := s.reads().SelectContext(ctx, &found, auditsByAccountSQL, pq.Array(bodies), pq.Array(numbers), pq.Array(years))
	if err != nil {
		return nil, fmt.Errorf("audits by account: %w", err)
	}
	audits := make([][]secor.CaseID, len(accounts))
	for _, row := range found {
		audits[row.Place-1] = append(audits[row.Place-1], row.ID)
	}
	return audits, nil
}
