package main

import (
	"context"
	"fmt"

	"secordesk/store/secor"
)

// caseScoreCmd is "secordesk case score".
type caseScoreCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	As   string       `placeholder:"EMAIL" help:"Who looks, a person of the desk; SECORDESK_AS when left out."`
	JSON bool         `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (caseScoreCmd) Help() string {
	return `The preliminary score is that of the sheet as the company claims it. It is for who holds the audit, the leads and the administrators, and for nobody in conflict with the company: the score that counts is computed when its reviewer confirms the verified sheet.

Examples:

	secordesk case score 14 --as ana.roy@example.com
	secordesk case score 14 --json --as ana.roy@example.com`
}

// preliminary marks a score that is no result.
const preliminary = "preliminary, as claimed"

// caseScoreJSON is what score --json prints of a case.
type caseScoreJSON struct {
	Case     secor.CaseID  `json:"case"`
	Standing string        `json:"standing"` // "preliminary, as claimed"
	Score    *scoreJSON    `json:"score"`
	Result   secor.Verdict `json:"result,omitempty"` // only once it is confirmed
}

// Run shows the preliminary score of one audit to a person of the desk.
func (c *caseScoreCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	f, err := cases.File(ctx, c.Case)
	if err != nil {
		return plain(err)
	}
	email, err := t.who(c.As)
	if err != nil {
		return err
	}
	person, err := reviewerOf(f.Roster, "--as", email)
	if err != nil {
		return err
	}
	switch {
	case !person.Active:
		return &secor.FieldError{Field: "--as", Value: email, Problem: "is not of this desk any more"}
	case f.Audit == nil || f.Audit.Round == 0:
		return &secor.Refusal{Kind: secor.ErrNotScored, Text: fmt.Sprintf("nothing has been submitted on case %d", c.Case), Do: "wait for the submission"}
	}
	err = f.Begin(secor.Act{ID: "cli:score", By: secor.ByReviewer(person.ID), Surface: secor.SurfaceCLI}, t.now())
	if err != nil {
		return err
	}
	score, err := f.ShowPreliminary()
	if err != nil {
		return err
	}
	term := f.Edition.Months.Term(score.Verdict, f.Audit.Claimed.Months())
	if c.JSON {
		return writeJSON(t.out, caseScoreJSON{Case: c.Case, Standing: preliminary, Score: newScoreJSON(score, term), Result: f.Audit.Result})
	}
	fmt.Fprintf(t.out, "%s: %s\n\n", capital(preliminary), t.verdict(score.Verdict))
	err = scoreTable(f.Protocol, score).write(t.out)
	if err != nil {
		return err
	}
	for _, reason := range score.Reasons {
		fmt.Fprintf(t.out, "  - %s\n", reason)
	}
	_, err = fmt.Fprintln(t.out, "\nThis is not a result, and nobody else is told. The reviewer's verified sheet counts once it is confirmed.")
	return err
}
