package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"secordesk/schema"
	"secordesk/store/secor"
)

// programmeCmd is "secordesk programme".
type programmeCmd struct {
	Edition   string `placeholder:"ID" help:"Rule edition; the one in force today when left out."`
	Uncertain bool   `help:"Only what to ask the partner and the governing bodies: what no page of theirs states, and is not this desk's own to decide."`
}

// Help returns the examples.
func (programmeCmd) Help() string {
	return `Prints one rule edition with its protocol, the governing bodies and the calendars; each value with its source, and whether the partner's or body's own page says so (page), another partner's (peer), or nobody (ours).

Examples:

	secordesk programme
	secordesk programme --uncertain
	secordesk programme --edition esc-2023`
}

// Run prints the programme's data for a person to read.
func (c *programmeCmd) Run(_ context.Context, t *terminal) error {
	loaded, err := schema.LoadFS(schema.Files())
	if err != nil {
		return fmt.Errorf("load programme: %w", err)
	}
	edition, err := t.edition(loaded.Programme, c.Edition)
	if err != nil {
		return err
	}
	err = loaded.Print(t.out, schema.Options{Edition: edition, Uncertain: c.Uncertain, Width: t.columns()})
	if err != nil || c.Edition != "" {
		return err
	}
	others := slices.DeleteFunc(editionIDs(loaded.Programme), func(id string) bool { return id == edition.ID })
	_, err = fmt.Fprintf(t.out, "\nThis was %s, in force today. Shown by --edition: %s\n", edition.ID, strings.Join(others, ", "))
	return err
}

// edition returns the rule edition that a command names, or for "" the one in
// force today. One that does not exist is a secor.FieldError.
func (t *terminal) edition(p *secor.Programme, id string) (*secor.Edition, error) {
	if id == "" {
		return p.EditionOn(secor.DateOf(t.now(), p.Calendars[p.Office].Zone))
	}
	edition, known := p.Editions[id]
	if !known {
		return nil, &secor.FieldError{Field: "--edition", Value: id, Problem: "is not known; there is " + strings.Join(editionIDs(p), ", ")}
	}
	return edition, nil
}

func editionIDs(p *secor.Programme) []string { return slices.Sorted(maps.Keys(p.Editions)) }

// columns returns how wide a page of columns is in characters: what COLUMNS says,
// from 80 to 104, or pageWidth where it says nothing.
func (t *terminal) columns() int {
	columns, err := strconv.Atoi(t.env["COLUMNS"])
	if err != nil {
		return pageWidth
	}
	return min(max(columns, 80), 104)
}
