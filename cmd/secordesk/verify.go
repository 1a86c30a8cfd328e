package main

import (
	"context"
	"fmt"
)

// verifyCmd is "secordesk verify".
type verifyCmd struct{}

// Help returns the examples.
func (verifyCmd) Help() string {
	return `Reads everything that was ever recorded and compares it with itself, with the daily anchors and with what is stored: a changed byte, a missing event, a missing end and a missing case are found. The status is 1 when something is.

Examples:

	secordesk verify`
}

// Run verifies the database and names every problem.
func (verifyCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	report, err := cases.Verify(ctx)
	if err != nil {
		return err
	}
	for _, p := range report.Problems {
		_, err = fmt.Fprintf(t.out, "%s %s\n", t.paint(red, "wrong"), p)
		if err != nil {
			return err
		}
	}
	anchored := "no anchor yet; the clock makes one each day"
	if !report.Anchored.IsZero() {
		anchored = "last anchor " + report.Anchored.In(cases.office().Zone).Format("2 Jan 2006 15:04 MST")
	}
	if len(report.Problems) > 0 {
		return fmt.Errorf("%d of the things recorded in %d events are not as they were (%s)", len(report.Problems), report.Events, anchored)
	}
	_, err = fmt.Fprintf(t.out, "%s: %d events of %d cases are as they were recorded; %s\nhead %s\n",
		t.paint(green, "sound"), report.Events, report.Cases, anchored, report.Head)
	return err
}
