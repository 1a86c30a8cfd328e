package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// AddRequest opens a partner request of a company for a governing body, under the
// edition in force on the day of the act, and promises what follows. The same act
// again returns the same case. A company with an undecided request for that body
// is refused, as are an unknown company or body, and values that cannot be true.
func (s *Store) AddRequest(ctx context.Context, act secor.Act, company int64, body string, r secor.Request) (secor.CaseID, error) {
	err := errors.Join(s.checkOpening(body, r.Headcount), oneOf("reason", r.Reason, secor.RequestReasons()))
	if err != nil {
		return 0, err
	}
	id, err := s.addCase(ctx, act, secor.SubjectRequest, company, body, func(f *secor.File) (string, any) {
		f.Request = &r
		return addRequestSQL, newRequestRow(f)
	})
	if err != nil {
		return 0, fault(err, "add request of company %d", company)
	}
	return id, nil
}

// AddAudit registers an audit of a company with a governing body, as AddRequest
// does. Of a it takes purpose, fee year, headcount and claimed months.
func (s *Store) AddAudit(ctx context.Context, act secor.Act, company int64, body string, a secor.Audit) (secor.CaseID, error) {
	err := errors.Join(s.checkOpening(body, a.Headcount), oneOf("purpose", a.Purpose, secor.Purposes()),
		within("fee_year", a.FeeYear, 2000, 2200), within("evidence_months", a.Claimed.Policies, 0, 1200), within("evidence_months", a.Claimed.Records, 0, 1200))
	if err != nil {
		return 0, err
	}
	registered := secor.Audit{Purpose: a.Purpose, FeeYear: a.FeeYear, Headcount: a.Headcount, Claimed: a.Claimed, Verified: a.Claimed}
	id, err := s.addCase(ctx, act, secor.SubjectAudit, company, body, func(f *secor.File) (string, any) {
		f.Audit = &registered
		return addAuditSQL, newAuditRow(f)
	})
	if err != nil {
		return 0, fault(err, "add audit of company %d", company)
	}
	return id, nil
}

func (s *Store) checkOpening(body string, headcount int) error {
	if s.programme.Bodies[body] == nil {
		return &secor.FieldError{Field: "body", Value: body, Problem: "is not a governing body of this programme"}
	}
	return within("headcount", headcount, 1, 1_000_000)
}

func within(field string, n, least, most int) error {
	if n < least || n > most {
		return &secor.FieldError{Field: field, Value: strconv.Itoa(n), Problem: fmt.Sprintf("is not a number from %d to %d", least, most)}
	}
	return nil
}

func oneOf[T ~string](field string, value T, known []T) error {
	if !slices.Contains(known, value) {
		return &secor.FieldError{Field: field, Value: string(value), Problem: fmt.Sprintf("is none of %v", known)}
	}
	return nil
}

// addCase inserts a case with its subject's row and opens it as any step is taken.
func (s *Store) addCase(ctx context.Context, act secor.Act, kind secor.Subject, company int64, body string,
	subject func(*secor.File) (string, any)) (secor.CaseID, error) {
	var id secor.CaseID
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		desk, err := s.beginDesk(ctx, tx, act)
		if err != nil {
			return err
		}
		id, err = openedBy(ctx, tx, desk.act.ID)
		if id != 0 || err != nil {
			return err
		}
		id, err = s.openTx(desk, kind, company, body, subject)
		return err
	})
	if err != nil {
		return 0, err
	}
	s.signal()
	return id, nil
}

const openedBySQL = `
	SELECT stream
	FROM events
	WHERE act_id = $1 AND NOT (stream = 'desk' AND kind = 'case.opened')
	LIMIT 1`

// openedBy returns the case that the act opened, 0 when the act is new. One that
// did something else is a refusal.
func openedBy(ctx context.Context, tx *sqlx.Tx, actID string) (secor.CaseID, error) {
	var streams []string
	err := tx.SelectContext(ctx, &streams, openedBySQL, actID)
	if err != nil {
		return 0, fmt.Errorf("look for act: %w", err)
	}
	if len(streams) == 0 {
		return 0, nil
	}
	var id secor.CaseID
	_, err = fmt.Sscanf(streams[0], "case:%d", &id)
	if err != nil {
		return 0, otherAct(actID, streams[0])
	}
	return id, nil
}

const addCaseSQL = `
	INSERT INTO cases (kind, company_id, body, state, version, edition_id, opened_at, last_seq)
	VALUES ($1, $2, $3, $4, 1, $5, $6, 1)
	RETURNING id`

func (s *Store) openTx(desk *deskTx, kind secor.Subject, company int64, body string, subject func(*secor.File) (string, any)) (secor.CaseID, error) {
	ctx, tx := desk.ctx, desk.Tx
	edition, err := s.programme.EditionOn(s.today(desk.happened()))
	if err != nil {
		return 0, err
	}
	err = lockPeople(ctx, tx, desk.act.Assigns)
	if err != nil {
		return 0, fmt.Errorf("lock roster: %w", err)
	}
	_, err = lockCompany(ctx, tx, company)
	if err != nil {
		return 0, err
	}
	f := &secor.File{Case: secor.Case{Kind: kind, State: secor.States(kind)[0]}}
	err = tx.GetContext(ctx, &f.Case.ID, addCaseSQL, kind, company, body, f.Case.State, edition.ID, desk.happened())
	if err != nil {
		return 0, asRefusal(fmt.Errorf("insert case: %w", err))
	}
	query, row := subject(f)
	_, err = tx.NamedExecContext(ctx, query, row)
	if err != nil {
		return 0, fmt.Errorf("insert %s: %w", kind, err)
	}
	err = s.openFile(desk, f.Case.ID)
	if err != nil {
		return 0, err
	}
	desk.part = 0 // the parts from 1 on are the case's own
	return f.Case.ID, desk.record(EventCaseOpened, map[string]string{"case": number(int64(f.Case.ID))})
}

// openFile lets the rules open the new case.
func (s *Store) openFile(desk *deskTx, id secor.CaseID) error {
	f, err := s.loadFile(desk.ctx, desk.Tx, id, lockUpdate)
	if err != nil {
		return err
	}
	err = f.Begin(desk.act, desk.now)
	if err != nil {
		return err
	}
	before := rowsOf(f)
	err = f.Open()
	if err != nil {
		return err
	}
	return s.writeFile(desk.ctx, desk.Tx, f, before, head{Stream: caseStream(id)}, desk.now)
}

func lockCompany(ctx context.Context, tx *sqlx.Tx, id int64) (secor.Company, error) {
	var found []companyRow
	err := tx.SelectContext(ctx, &found, companySQL+lockUpdate.company(), id)
	if err != nil {
		return secor.Company{}, fmt.Errorf("lock company %d: %w", id, err)
	}
	if len(found) == 0 {
		return secor.Company{}, noCompany(id)
	}
	return found[0].domain(), nil
}

func noCompany(id int64) error {
	return refuse(secor.ErrNotFound, "search for it by name or account", "there is no company %d", id)
}
