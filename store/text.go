package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// textKeeper keeps the free text of one act apart from its events. A text that an
// act uses twice is kept once, so that it is erased everywhere at once.
type textKeeper struct {
	hashes map[string]optional
}

const addTextSQL = `INSERT INTO texts (hash, salt, body) VALUES ($1, $2, $3)`

// keep returns the salted hash of a text; "" has none.
func (k *textKeeper) keep(ctx context.Context, tx *sqlx.Tx, body string) (optional, error) {
	if body == "" {
		return "", nil
	}
	hash, kept := k.hashes[body]
	if kept {
		return hash, nil
	}
	salt := make([]byte, 32)
	rand.Read(salt) // never fails
	hash = optional(hexSum(salt, []byte(body)))
	_, err := tx.ExecContext(ctx, addTextSQL, hash, salt, body)
	if err != nil {
		return "", fmt.Errorf("keep text: %w", err)
	}
	if k.hashes == nil {
		k.hashes = map[string]optional{}
	}
	k.hashes[body] = hash
	return hash, nil
}

const textOfSQL = `
	SELECT e.text_hash
	FROM events e JOIN texts t ON t.hash = e.text_hash
	WHERE e.stream = $1 AND e.seq = $2 AND t.erased_at IS NULL`

const eraseTextSQL = `UPDATE texts SET salt = NULL, body = NULL, erased_at = $2 WHERE hash = $1`

// EraseText erases the free text of one event of a case, and of the clock entries
// that carry the same text, and records on the desk's stream who had it erased and
// why. The chain stays whole. What the case itself still shows, such as an open
// question, is corrected by a step. ErrNotFound when there is no text to erase.
func (s *Store) EraseText(ctx context.Context, act secor.Act, id secor.CaseID, seq int) error {
	_, _, err := s.register(ctx, act, "case", func(d *deskTx) (int64, Change, error) {
		var hashes []string
		err := d.SelectContext(ctx, &hashes, textOfSQL, caseStream(id), seq)
		if err != nil {
			return 0, "", fmt.Errorf("find text: %w", err)
		}
		if len(hashes) == 0 {
			return 0, "", refuse(secor.ErrNotFound, "look at its history", "event %d of case %d has no text to erase", seq, id)
		}
		_, err = d.ExecContext(ctx, eraseNotesSQL, hashes[0], id)
		if err != nil {
			return 0, "", fmt.Errorf("erase notes: %w", err)
		}
		_, err = d.ExecContext(ctx, eraseTextSQL, hashes[0], d.now)
		if err != nil {
			return 0, "", fmt.Errorf("erase text: %w", err)
		}
		facts := map[string]string{"case": number(int64(id)), "event": strconv.Itoa(seq), "text": hashes[0]}
		return int64(id), Changed, d.record(EventTextErased, facts)
	})
	return fault(err, "erase text of case %d", id)
}

func number(id int64) string { return strconv.FormatInt(id, 10) }
