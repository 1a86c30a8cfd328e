package main

import (
	"context"
	"fmt"

	"secordesk/schema"
)

// programmeCmd is "secordesk programme".
type programmeCmd struct {
	Edition   string `placeholder:"ID" help:"Only this rule edition, with its protocol."`
	Uncertain bool   `help:"Only what no page of the partner or governing body states: what to ask them."`
}

// Help returns the examples.
func (programmeCmd) Help() string {
	return `Examples:

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
	return loaded.Print(t.out, schema.Options{Edition: c.Edition, Uncertain: c.Uncertain})
}
