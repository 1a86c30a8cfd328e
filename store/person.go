package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"secordesk/store/secor"
)

// personCourse is one course of a person, or a person without any.
type personCourse struct {
	ID          int64
	Name        string
	Course      optional
	CompletedOn day
}

const peopleSQL = `
	SELECT p.id, p.name, c.name AS course, c.completed_on
	FROM people p LEFT JOIN courses c ON c.person_id = p.id
	WHERE p.company_id = $1
	ORDER BY p.id, c.completed_on, c.name`

func loadPeople(ctx context.Context, tx *sqlx.Tx, f *secor.File) error {
	var found []personCourse
	err := tx.SelectContext(ctx, &found, peopleSQL, f.Company.ID)
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	for _, row := range found {
		if n := len(f.People); n == 0 || f.People[n-1].ID != row.ID {
			f.People = append(f.People, secor.Person{ID: row.ID, Name: row.Name})
		}
		if row.Course != "" {
			last := &f.People[len(f.People)-1]
			last.Courses = append(last.Courses, secor.Course{Name: string(row.Course), CompletedOn: secor.Date(row.CompletedOn)})
		}
	}
	return nil
}
