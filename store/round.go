package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// roundRow is what a company handed in once.
type roundRow struct {
	CaseID        int64
	Number        int
	HandedInAt    time.Time
	Marks         []byte
	Policies      int
	Records       int
	Headcount     int
	LastDay       day
	StatedName    string
	StatedAccount string
	EvidenceURL   string
	SheetSum      string
}

// pointsPair is a mark as rounds keep it: hundredths of a point awarded and
// available. Nothing available means not applicable.
type pointsPair [2]secor.Points

func newRoundRow(id secor.CaseID, r secor.Round) (roundRow, error) {
	pairs := map[string]pointsPair{}
	for question, m := range r.Marks {
		pairs[question] = pointsPair{m.Awarded, m.Available}
	}
	marks, err := json.Marshal(pairs)
	if err != nil {
		return roundRow{}, fmt.Errorf("encode marks of round %d: %w", r.Number, err)
	}
	return roundRow{CaseID: int64(id), Number: r.Number, HandedInAt: r.At.UTC(), Marks: marks, Policies: r.Months.Policies, Records: r.Months.Records,
		Headcount: r.Headcount, LastDay: day(r.LastDay), StatedName: r.Stated.LegalName, StatedAccount: r.Stated.Account,
		EvidenceURL: r.Stated.EvidenceURL, SheetSum: r.Sum}, nil
}

func (r roundRow) domain() (secor.Round, error) {
	var pairs map[string]pointsPair
	err := json.Unmarshal(r.Marks, &pairs)
	if err != nil {
		return secor.Round{}, fmt.Errorf("marks of round %d of case %d: %w", r.Number, r.CaseID, err)
	}
	round := secor.Round{Number: r.Number, At: r.HandedInAt.UTC(), Marks: map[string]secor.Mark{},
		Months: secor.Evidence{Policies: r.Policies, Records: r.Records}, Headcount: r.Headcount, LastDay: secor.Date(r.LastDay),
		Stated: secor.Stated{LegalName: r.StatedName, Account: r.StatedAccount, EvidenceURL: r.EvidenceURL}, Sum: r.SheetSum}
	for question, p := range pairs {
		round.Marks[question] = secor.Mark{Question: question, Awarded: p[0], Available: p[1], NA: p[1] == 0}
	}
	return round, nil
}

const roundColumns = `case_id, number, handed_in_at, marks, policies, records, headcount, last_day, stated_name, stated_account, evidence_url, sheet_sum`

const addRoundSQL = `
	INSERT INTO rounds (` + roundColumns + `)
	VALUES (:case_id, :number, :handed_in_at, :marks, :policies, :records, :headcount, :last_day, :stated_name, :stated_account, :evidence_url, :sheet_sum)`

// writeRounds keeps what a step took in.
func writeRounds(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	for _, r := range f.Handed {
		row, err := newRoundRow(f.Case.ID, r)
		if err != nil {
			return err
		}
		_, err = tx.NamedExecContext(ctx, addRoundSQL, row)
		if err != nil {
			return fmt.Errorf("keep round %d: %w", r.Number, err)
		}
	}
	return nil
}

const roundsSQL = `
	SELECT ` + roundColumns + `
	FROM rounds
	WHERE case_id = $1
	ORDER BY number`

// Rounds returns all that a company handed in on a case, the first first. Rounds
// from before they were kept are not among them.
func (s *Store) Rounds(ctx context.Context, id secor.CaseID) ([]secor.Round, error) {
	var found []roundRow
	err := s.reads().SelectContext(ctx, &found, roundsSQL, id)
	if err != nil {
		return nil, fmt.Errorf("rounds of case %d: %w", id, err)
	}
	rounds := make([]secor.Round, len(found))
	for i, row := range found {
		rounds[i], err = row.domain()
		if err != nil {
			return nil, err
		}
	}
	return rounds, nil
}

const sameSheetSQL = `
	SELECT DISTINCT case_id
	FROM rounds
	WHERE sheet_sum = $1
	ORDER BY case_id
	LIMIT 20`

// sameSheet answers the rules' question in which cases a sheet came in, as of tx.
func sameSheet(ctx context.Context, tx *sqlx.Tx) func(sum string) ([]secor.CaseID, error) {
	return func(sum string) ([]secor.CaseID, error) {
		var ids []secor.CaseID
		err := tx.SelectContext(ctx, &ids, sameSheetSQL, sum)
		if err != nil {
			return nil, fmt.Errorf("look for the same sheet: %w", err)
		}
		return ids, nil
	}
}
