package secor

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
)

// BodyBatch is what a governing body is asked for in one file: the cases whose
// certificate is due, in the order of their numbers.
type BodyBatch struct {
	ID    int64
	Body  *Body
	Cases []*File
}

// Name returns the batch's name, by which the body may answer: "bc-worksafebc-3".
func (b BodyBatch) Name() string { return fmt.Sprintf("%s-%d", b.Body.ID, b.ID) }

// CSV returns the file: a row of heads and one row for each certificate, with the
// columns that the body's data name, in UTF-8, lines ending as RFC 4180 has them.
//
// Source: schema/bodies, "batch_columns".
func (b BodyBatch) CSV() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	heads := make([]string, len(b.Body.BatchColumns))
	for i, c := range b.Body.BatchColumns {
		heads[i] = string(c)
	}
	rows := [][]string{heads}
	for _, f := range b.Cases {
		row, err := f.batchRow()
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	err := w.WriteAll(rows)
	if err != nil {
		return nil, fmt.Errorf("write batch %s: %w", b.Name(), err)
	}
	return out.Bytes(), nil
}

func (f *File) batchRow() ([]string, error) {
	score, err := f.Score()
	if err != nil {
		return nil, fmt.Errorf("score of case %d: %w", f.Case.ID, err)
	}
	values := map[BatchColumn]string{
		ColumnCase: strconv.FormatInt(int64(f.Case.ID), 10), ColumnAccount: f.account(),
		ColumnLegalName: f.Company.LegalName, ColumnTradeName: f.Company.TradeName,
		ColumnTerm: strconv.Itoa(f.Certificate().Term), ColumnPurpose: string(f.Audit.Purpose),
		ColumnLastDay: f.Audit.LastDay.String(), ColumnResult: Percent(score.Awarded, score.Available),
	}
	if old := f.Replaced(); old != nil {
		values[ColumnReplaces] = old.Number
	}
	row := make([]string, len(f.Body.BatchColumns))
	for i, c := range f.Body.BatchColumns {
		row[i] = values[c]
	}
	return row, nil
}

// account returns the company's account with the case's body; "" when none is on file.
func (f *File) account() string {
	for _, r := range f.Registrations {
		if r.Body == f.Case.Body {
			return r.Account
		}
	}
	return ""
}
