package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// writer writes rows until something goes wrong and keeps the first error.
type writer struct {
	ctx   context.Context
	tx    *sqlx.Tx
	wrote bool
	err   error
}

func (w *writer) put(query string, row any) {
	if w.err != nil {
		return
	}
	w.wrote = true
	_, err := w.tx.NamedExecContext(w.ctx, query, row)
	if err != nil {
		w.err = fmt.Errorf("write %T: %w", row, err)
	}
}

// putChanged writes the rows of after that are not in before, in their order: a
// row that Postgres has not numbered yet is added, any other one updated.
func putChanged[T interface {
	comparable
	isNew() bool
}](w *writer, add, update string, before, after []T) {
	for _, row := range unlike(before, after) {
		query := update
		if row.isNew() {
			query = add
		}
		w.put(query, row)
	}
}
