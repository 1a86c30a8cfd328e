package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// noteRow is a reviewer's note.
type noteRow struct {
	CaseID   int64
	Number   int
	Question string
	Kind     secor.NoteKind
	State    secor.NoteState
	Text     string
	Answer   string
	Round    int
	Asked    int
	Repeated int
}

func newNoteRows(f *secor.File) []noteRow {
	var rows []noteRow
	for _, n := range f.Notes {
		rows = append(rows, noteRow{CaseID: int64(f.Case.ID), Number: n.Number, Question: n.Question, Kind: n.Kind, State: n.State,
			Text: n.Text, Answer: n.Answer, Round: n.Round, Asked: n.Asked, Repeated: n.Repeated})
	}
	return rows
}

func (r noteRow) domain() secor.Note {
	return secor.Note{Number: r.Number, Question: r.Question, Kind: r.Kind, State: r.State, Text: r.Text, Answer: r.Answer,
		Round: r.Round, Asked: r.Asked, Repeated: r.Repeated}
}

const notesSQL = `
	SELECT case_id, number, question, kind, state, text, answer, round, asked, repeated
	FROM notes
	WHERE case_id = $1
	ORDER BY number`

const putNoteSQL = `
	INSERT INTO notes (case_id, number, question, kind, state, text, answer, round, asked, repeated)
	VALUES (:case_id, :number, :question, :kind, :state, :text, :answer, :round, :asked, :repeated)
	ON CONFLICT (case_id, number) DO UPDATE SET
		state = EXCLUDED.state, answer = EXCLUDED.answer, asked = EXCLUDED.asked, repeated = EXCLUDED.repeated`

func loadNotes(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var found []noteRow
	err := tx.SelectContext(ctx, &found, notesSQL, f.Case.ID)
	if err != nil {
		return fmt.Errorf("notes: %w", err)
	}
	for _, row := range found {
		f.Notes = append(f.Notes, row.domain())
	}
	return nil
}

// eraseNotesSQL erases a text from the notes that show it, too.
const eraseNotesSQL = `
	UPDATE notes n
	SET text = CASE WHEN n.text = t.body THEN '` + Erased + `' ELSE n.text END,
		answer = CASE WHEN n.answer = t.body THEN '` + Erased + `' ELSE n.answer END
	FROM texts t
	WHERE t.hash = $1 AND n.case_id = $2 AND t.body IN (n.text, n.answer)`
