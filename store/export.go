package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jmoiron/sqlx"
)

// Export writes everything that Verify looks at, as JSON lines: each event with
// its text, the desk's first, then the standing of each case. It holds personal
// data.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	err := s.snapshot(ctx, func(tx *sqlx.Tx) error { return export(ctx, tx, w) })
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func export(ctx context.Context, tx *sqlx.Tx, w io.Writer) error {
	buffered := bufio.NewWriter(w)
	lines := json.NewEncoder(buffered)
	err := feed(ctx, tx, func(r record) error { return lines.Encode(r) })
	if err != nil {
		return err
	}
	return buffered.Flush()
}

// VerifyExport checks what Export wrote, without a database.
func VerifyExport(r io.Reader) (Report, error) {
	v := newVerifier()
	lines := json.NewDecoder(r)
	lines.DisallowUnknownFields()
	for n := 1; ; n++ {
		var line record
		err := lines.Decode(&line)
		if errors.Is(err, io.EOF) {
			return v.report(), nil
		}
		if err != nil {
			return Report{}, fmt.Errorf("export, line %d: %w", n, err)
		}
		err = v.take(line)
		if err != nil {
			return Report{}, fmt.Errorf("export, line %d: %w", n, err)
		}
	}
}
