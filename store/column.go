package store

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
	"unicode"

	"secordesk/store/secor"
)

// Column types whose zero value is NULL in Postgres.
type (
	ref      int64  // id of another row
	optional string // text
	day      secor.Date
	moment   time.Time
)

func (r *ref) Scan(src any) error {
	var n sql.NullInt64
	err := n.Scan(src)
	*r = ref(n.Int64)
	return err
}

func (r ref) Value() (driver.Value, error) {
	if r == 0 {
		return nil, nil
	}
	return int64(r), nil
}

func (o *optional) Scan(src any) error {
	var text sql.NullString
	err := text.Scan(src)
	*o = optional(text.String)
	return err
}

func (o optional) Value() (driver.Value, error) {
	if o == "" {
		return nil, nil
	}
	return string(o), nil
}

func (d *day) Scan(src any) error {
	switch t := src.(type) {
	case nil:
		*d = day{}
	case time.Time:
		*d = day(secor.DateOf(t, t.Location()))
	default:
		return fmt.Errorf("a date column holds %T", src)
	}
	return nil
}

func (d day) Value() (driver.Value, error) {
	if secor.Date(d).IsZero() {
		return nil, nil
	}
	return secor.Date(d).String(), nil
}

func (m *moment) Scan(src any) error {
	var t sql.NullTime
	err := t.Scan(src)
	*m = moment{}
	if t.Valid {
		*m = moment(t.Time.UTC())
	}
	return err
}

func (m moment) Value() (driver.Value, error) {
	if time.Time(m).IsZero() {
		return nil, nil
	}
	return time.Time(m).UTC(), nil
}

// snakeCase names the column of a row type's field: CaseID is case_id.
func snakeCase(field string) string {
	var b strings.Builder
	runes := []rune(field)
	for i, r := range runes {
		begins := unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if begins {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// unlike returns the rows that are in after and not in before.
func unlike[T comparable](before, after []T) []T {
	was := map[T]bool{}
	for _, row := range before {
		was[row] = true
	}
	var rows []T
	for _, row := range after {
		if !was[row] {
			rows = append(rows, row)
		}
	}
	return rows
}
