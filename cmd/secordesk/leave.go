package main

import (
	"context"
	"fmt"

	"secordesk/store/secor"
)

// leaveCmd is "secordesk leave".
type leaveCmd struct {
	Who     string `arg:"" placeholder:"EMAIL" help:"Whose leave: the e-mail address as the roster has it."`
	From    string `required:"" placeholder:"DATE" help:"First day, such as 2026-07-06. A leave of the same first day is changed."`
	To      string `placeholder:"DATE" help:"Last day, included; left out: nobody knows yet."`
	StandIn string `placeholder:"EMAIL" help:"Who takes revisions that come in meanwhile, when able."`
	Reason  string `placeholder:"TEXT" help:"Why, in a sentence; the desk's history keeps it."`
	As      string `placeholder:"EMAIL" help:"Who records it, a lead or an administrator; SECORDESK_AS when left out."`
	Act     string `placeholder:"ID" help:"Name of this act. The same command with the same name is done once, however often it is given."`
}

// Help returns the examples.
func (leaveCmd) Help() string {
	return `Records that a person of the desk is away. While away nobody is given an audit. A revision that comes in goes to who stands in, when they have room and no conflict; else it waits where it is, and the leads are told.

Examples:

	secordesk leave ana.roy@example.com --from 2026-07-06 --to 2026-07-24 --stand-in ben.cardinal@example.com --as dev.patel@example.com
	secordesk leave ana.roy@example.com --from 2026-07-06 --to 2026-07-10 --as dev.patel@example.com`
}

// Run records the leave.
func (c *leaveCmd) Run(ctx context.Context, t *terminal) error {
	leave, err := c.leave()
	if err != nil {
		return err
	}
	cases, person, err := t.deskAs(ctx, c.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	if !person.Active || person.Role == secor.RoleReviewer {
		return &secor.Refusal{Kind: secor.ErrNotAllowed, Text: "recording a leave is not for " + person.Name, Do: "ask a lead or an administrator"}
	}
	roster, err := cases.Reviewers(ctx)
	if err != nil {
		return err
	}
	who, err := reviewerOf(roster, "who", c.Who)
	if err != nil {
		return err
	}
	if c.StandIn != "" {
		standIn, err := reviewerOf(roster, "--stand-in", c.StandIn)
		if err != nil {
			return err
		}
		leave.StandIn = standIn.ID
	}
	named := step{stepCmd: stepCmd{Act: c.Act, Reason: c.Reason}, name: "leave", input: secor.Input{"who": c.Who, "from": c.From, "to": c.To, "stand-in": c.StandIn}}
	act := secor.Act{By: secor.ByReviewer(person.ID), Surface: secor.SurfaceCLI, Reason: c.Reason}
	act.ID, err = named.actID(person.ID)
	if err != nil {
		return err
	}
	change, err := cases.AddLeave(ctx, act, who.ID, leave)
	if err != nil {
		return plain(err)
	}
	_, err = fmt.Fprintf(t.out, "Leave of %s from %s %s.\n", who.Name, leave.From.Long(), change)
	return err
}

func (c *leaveCmd) leave() (secor.Leave, error) {
	var leave secor.Leave
	var err error
	leave.From, err = secor.ParseDate(c.From)
	if err != nil {
		return leave, secor.Named("--from", err)
	}
	if c.To != "" {
		leave.To, err = secor.ParseDate(c.To)
	}
	return leave, secor.Named("--to", err)
}
