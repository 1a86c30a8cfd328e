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

const personIDSQL = `SELECT id FROM people WHERE company_id = $1 AND name = $2`

const addPersonSQL = `INSERT INTO people (company_id, name) VALUES ($1, $2) RETURNING id`

// AddPerson puts a person of a company on file and returns the person's id. The
// same name at the same company is the same person.
func (s *Store) AddPerson(ctx context.Context, act secor.Act, company int64, name string) (int64, Change, error) {
	name, err := secor.CleanName("name", name)
	if err != nil {
		return 0, "", err
	}
	if name == "" {
		return 0, "", &secor.FieldError{Field: "name", Problem: "is missing"}
	}
	id, change, err := s.register(ctx, act, "person", func(d *deskTx) (int64, Change, error) {
		_, err := lockCompany(d.ctx, d.Tx, company)
		if err != nil {
			return 0, "", err
		}
		var ids []int64
		err = d.SelectContext(d.ctx, &ids, personIDSQL, company, name)
		if err != nil {
			return 0, "", fmt.Errorf("look for person: %w", err)
		}
		if len(ids) > 0 {
			return ids[0], Unchanged, nil
		}
		var id int64
		err = d.GetContext(d.ctx, &id, addPersonSQL, company, name)
		if err != nil {
			return 0, "", fmt.Errorf("insert person: %w", err)
		}
		return id, Added, d.record(EventPersonAdded, map[string]string{"person": number(id), "company": number(company)})
	})
	return id, change, fault(err, "add person of company %d", company)
}

const companyOfPersonSQL = `SELECT company_id FROM people WHERE id = $1`

const addCourseSQL = `
	INSERT INTO courses (person_id, name, completed_on)
	VALUES ($1, $2, $3)
	ON CONFLICT DO NOTHING`

// AddCourse records that a person completed a course; not on a day to come.
func (s *Store) AddCourse(ctx context.Context, act secor.Act, person int64, c secor.Course) (Change, error) {
	name, err := secor.CleanName("course", c.Name)
	if err != nil {
		return "", err
	}
	switch {
	case name == "":
		return "", &secor.FieldError{Field: "course", Problem: "is missing"}
	case c.CompletedOn.IsZero():
		return "", &secor.FieldError{Field: "completed_on", Problem: "is missing"}
	case c.CompletedOn.After(s.today(s.clock())):
		return "", &secor.FieldError{Field: "completed_on", Value: c.CompletedOn.String(), Problem: "is in the future"}
	}
	_, change, err := s.register(ctx, act, "person", func(d *deskTx) (int64, Change, error) {
		var companies []int64
		err := d.SelectContext(d.ctx, &companies, companyOfPersonSQL, person)
		if err != nil {
			return 0, "", fmt.Errorf("look for person: %w", err)
		}
		if len(companies) == 0 {
			return 0, "", refuse(secor.ErrNotFound, "add the person first", "there is no person %d", person)
		}
		_, err = lockCompany(d.ctx, d.Tx, companies[0])
		if err != nil {
			return 0, "", err
		}
		result, err := d.ExecContext(d.ctx, addCourseSQL, person, name, day(c.CompletedOn))
		if err != nil {
			return 0, "", fmt.Errorf("insert course: %w", err)
		}
		added, err := result.RowsAffected()
		if added == 0 || err != nil {
			return person, Unchanged, err
		}
		return person, Added, d.record(EventCourseAdded, map[string]string{"person": number(person), "course": name, "completed_on": c.CompletedOn.String()})
	})
	return change, fault(err, "add course of person %d", person)
}
