package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Not before is protocol time: it is set by Postgres' clock, whatever the desk's says.
const addJobSQL = `
	INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, not_before)
	VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7 * interval '1 microsecond')`

// AddJob promises a job in the transaction of what it follows from, not to run
// before wait is over. It takes kind, case, cause, key, audience and recipient from
// j. Who commits then calls Promised, so that a relay of this process looks at once.
func AddJob(ctx context.Context, tx sqlx.ExecerContext, j promise.Job, wait time.Duration) error {
	_, err := tx.ExecContext(ctx, addJobSQL, j.Kind, j.CaseID, j.Cause, j.Key, j.Audience, j.Recipient, wait.Microseconds())
	if err != nil {
		return fmt.Errorf("promise %s: %w", j.Kind, err)
	}
	return nil
}

// promise writes down the jobs that follow from events, one for each recipient.
func (s *Store) promise(ctx context.Context, tx *sqlx.Tx, f *secor.File, events []secor.Event) error {
	for _, e := range events {
		for _, follow := range f.Follows(e.Kind) {
			err := s.promiseOne(ctx, tx, f, e, follow)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// promiseOne makes the key of the event, so that a promise cannot recur.
func (s *Store) promiseOne(ctx context.Context, tx *sqlx.Tx, f *secor.File, cause secor.Event, follow secor.Follow) error {
	recipients, err := s.recipientsOf(f, follow.Audience)
	if follow.Audience == secor.AudienceFormer {
		recipients, err = formerOf(f.Roster, cause), nil
	}
	if err != nil {
		return fmt.Errorf("promise %s: %w", follow.Job, err)
	}
	for _, recipient := range recipients {
		key := fmt.Sprintf("case:%d/event:%d/%s/%s", f.Case.ID, cause.Seq, follow.Job, recipient)
		err = AddJob(ctx, tx, promise.Job{Kind: string(follow.Job), CaseID: int64(f.Case.ID), Cause: cause.Seq, Key: key,
			Audience: string(follow.Audience), Recipient: recipient}, s.graceOf(follow.Audience))
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) graceOf(a secor.Audience) time.Duration {
	if a == secor.AudienceDesk {
		return 0
	}
	return s.Grace
}

// recipientsOf resolves an audience. A promise to nobody would be lost, so it is
// a fault: a step that has to tell the leads waits until there is one. Only cards
// are promised to nobody, while there is no channel for them.
func (s *Store) recipientsOf(f *secor.File, a secor.Audience) ([]string, error) {
	switch a {
	case secor.AudienceDesk:
		return []string{secor.Desk.String()}, nil
	case secor.AudienceCompany:
		return []string{secor.ByCompany(f.Company.ID).String()}, nil
	case secor.AudienceBody:
		return []string{"body:" + f.Case.Body}, nil
	case secor.AudienceReviewer:
		if f.Case.Holder == 0 {
			return nil, fmt.Errorf("nobody holds case %d", f.Case.ID)
		}
		return []string{secor.ByReviewer(f.Case.Holder).String()}, nil
	case secor.AudienceHolder:
		acts := f.ActsForHolder()
		if acts == 0 {
			return firstOf(f.Roster, secor.RoleLead, secor.RoleAdmin)
		}
		return []string{secor.ByReviewer(acts).String()}, nil
	case secor.AudienceLeads:
		return firstOf(f.Roster, secor.RoleLead, secor.RoleAdmin)
	case secor.AudienceAdmins:
		return firstOf(f.Roster, secor.RoleAdmin, secor.RoleLead)
	case secor.AudienceChannel:
		if s.Channel == "" {
			return nil, nil
		}
		return []string{"channel:" + s.Channel}, nil
	default:
		return nil, fmt.Errorf("the audience %q is not known", a)
	}
}

// formerOf returns who held a case until an event, unless they have left or did it
// themselves.
func formerOf(roster []secor.Reviewer, cause secor.Event) []string {
	for _, r := range roster {
		if r.Active && number(r.ID) == cause.Facts["from"] && cause.By != secor.ByReviewer(r.ID) {
			return []string{secor.ByReviewer(r.ID).String()}
		}
	}
	return nil
}

// firstOf returns everybody active of the first role that anybody active has.
func firstOf(roster []secor.Reviewer, roles ...secor.Role) ([]string, error) {
	for _, role := range roles {
		var found []string
		for _, r := range roster {
			if r.Active && r.Role == role {
				found = append(found, secor.ByReviewer(r.ID).String())
			}
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, fmt.Errorf("no active lead or administrator is on the roster; add one")
}
