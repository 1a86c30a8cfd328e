package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

const addDocumentSQL = `
	INSERT INTO documents (case_id, name, media_type, data, sha256, recorded_at)
	VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (case_id, name) DO NOTHING`

const documentSumSQL = `SELECT sha256 FROM documents WHERE case_id = $1 AND name = $2`

// writeDocuments adds what a job made. The same paper again changes nothing; a
// different one under a name that is taken is a fault, because the first may have
// been sent.
func writeDocuments(ctx context.Context, tx *sqlx.Tx, f *secor.File, now time.Time) error {
	for _, d := range f.Documents {
		sum := hexSum(d.Data)
		_, err := tx.ExecContext(ctx, addDocumentSQL, f.Case.ID, d.Name, d.Type, d.Data, sum, now)
		if err != nil {
			return fmt.Errorf("keep document %s: %w", d.Name, err)
		}
		var kept string
		err = tx.GetContext(ctx, &kept, documentSumSQL, f.Case.ID, d.Name)
		if err != nil {
			return fmt.Errorf("look at document %s: %w", d.Name, err)
		}
		if kept != sum {
			return fmt.Errorf("case %d has another document of the name %s", f.Case.ID, d.Name)
		}
	}
	return nil
}

const documentColumns = `name, media_type, data`

const documentsSQL = `
	SELECT ` + documentColumns + `
	FROM documents
	WHERE case_id = $1
	ORDER BY recorded_at, name`

const documentSQL = `
	SELECT ` + documentColumns + `
	FROM documents
	WHERE case_id = $1 AND name = $2`

type documentRow struct {
	Name      string
	MediaType string
	Data      []byte
}

func (r documentRow) domain() secor.Document {
	return secor.Document{Name: r.Name, Type: r.MediaType, Data: r.Data}
}

// Documents returns the papers of a case with their data, the oldest first.
func (s *Store) Documents(ctx context.Context, id secor.CaseID) ([]secor.Document, error) {
	var found []documentRow
	err := s.reads().SelectContext(ctx, &found, documentsSQL, id)
	if err != nil {
		return nil, fmt.Errorf("documents of case %d: %w", id, err)
	}
	documents := make([]secor.Document, len(found))
	for i, row := range found {
		documents[i] = row.domain()
	}
	return documents, nil
}

// Document returns one paper of a case; ErrNotFound when there is none of that name.
func (s *Store) Document(ctx context.Context, id secor.CaseID, name string) (secor.Document, error) {
	var found []documentRow
	err := s.reads().SelectContext(ctx, &found, documentSQL, id, name)
	if err != nil {
		return secor.Document{}, fmt.Errorf("document %s of case %d: %w", name, id, err)
	}
	if len(found) == 0 {
		return secor.Document{}, refuse(secor.ErrNotFound, "list its documents", "case %d has no document %q", id, name)
	}
	return found[0].domain(), nil
}
