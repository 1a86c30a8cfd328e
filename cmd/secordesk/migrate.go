package main

import (
	"context"
	"fmt"

	"secordesk/schema"
)

// migrateCmd is "secordesk migrate", the release step of a deployment.
type migrateCmd struct {
	Status bool `help:"Only say what is applied and what is pending."`
}

// Help returns the examples.
func (migrateCmd) Help() string {
	return `DATABASE_URL must name the owner of the database. Migrations go forward only; several calls at once take turns.

Examples:

	secordesk migrate
	secordesk migrate --status`
}

// Run applies the pending migrations and names them.
func (c *migrateCmd) Run(ctx context.Context, t *terminal) error {
	db, err := t.openDatabase()
	if err != nil {
		return err
	}
	defer db.Close()
	before, err := schema.MigrationStatus(ctx, db)
	if err != nil {
		return err
	}
	for _, version := range before.Unknown {
		fmt.Fprintf(t.errOut, "migration %d is from a newer program and is left as it is\n", version)
	}
	word := "pending"
	if !c.Status {
		word = "applied"
		err = schema.Migrate(ctx, db)
	}
	if err != nil {
		return err
	}
	for _, name := range before.Pending {
		fmt.Fprintf(t.out, "%s %s\n", word, name)
	}
	if len(before.Pending) == 0 {
		fmt.Fprintf(t.out, "nothing to do: %d migrations are applied\n", len(before.Applied))
	}
	return nil
}
