package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"secordesk/store/secor"
)

// Pause is a kind of job that rests.
type Pause struct {
	Kind   string
	Since  time.Time // desk's clock
	By     secor.Actor
	Reason string
}

const pauseJobsSQL = `
	INSERT INTO pauses (kind, paused_at)
	SELECT kind, $2
	FROM unnest($1::text[]) AS k (kind)
	ON CONFLICT (kind) DO NOTHING
	RETURNING kind`

// PauseJobs lets kinds of jobs rest: none of them starts until they are resumed. An
// attempt under way ends. A lead or administrator decides it with a reason, which
// the desk's stream keeps. Kinds that rest already are left as they are; the same
// act again changes nothing. It returns how many kinds came to rest.
func (s *Store) PauseJobs(ctx context.Context, act secor.Act, kinds []string) (int, error) {
	return s.decideKinds(ctx, "Pause Jobs", EventJobsPaused, act, kinds, func(d *deskTx, changed *[]string) error {
		return d.SelectContext(d.ctx, changed, pauseJobsSQL, pq.Array(kinds), d.now)
	})
}

const resumeJobsSQL = `
	DELETE FROM pauses
	WHERE kind = ANY ($1)
	RETURNING kind`

// What was woken just before the pause must not wait for its wake-up to run out.
const wakeAgainSQL = `
	UPDATE jobs
	SET woken_until = NULL
	WHERE kind = ANY ($1) AND state = 'open' AND woken_until IS NOT NULL`

// ResumeJobs ends the rest of kinds of jobs. It is decided and recorded as PauseJobs.
func (s *Store) ResumeJobs(ctx context.Context, act secor.Act, kinds []string) (int, error) {
	n, err := s.decideKinds(ctx, "Resume Jobs", EventJobsResumed, act, kinds, func(d *deskTx, changed *[]string) error {
		err := d.SelectContext(d.ctx, changed, resumeJobsSQL, pq.Array(kinds))
		if err != nil {
			return err
		}
		_, err = d.ExecContext(d.ctx, wakeAgainSQL, pq.Array(*changed))
		return err
	})
	if err == nil {
		s.signal()
	}
	return n, err
}

// decideKinds takes a person's decision on kinds of jobs as an act on the desk's
// stream, which notes the kinds that it changed.
func (s *Store) decideKinds(ctx context.Context, label string, kind secor.EventKind, act secor.Act, kinds []string,
	change func(d *deskTx, changed *[]string) error) (int, error) {
	n, _, err := s.register(ctx, act, "kinds", func(d *deskTx) (int64, Change, error) {
		roster, err := s.selectRoster(d.ctx, d.Tx)
		if err != nil {
			return 0, "", err
		}
		f := &secor.File{Roster: roster}
		err = f.Begin(d.act, d.now)
		if err != nil {
			return 0, "", err
		}
		err = f.RunsJobs(label)
		if err != nil {
			return 0, "", err
		}
		if d.act.Reason == "" {
			return 0, "", refuse(secor.ErrField, "say why in a sentence", "%s wants a reason", label)
		}
		var changed []string
		err = change(d, &changed)
		if err != nil || len(changed) == 0 {
			return 0, Unchanged, err
		}
		slices.Sort(changed)
		return int64(len(changed)), Changed, d.record(kind, map[string]string{"kinds": number(int64(len(changed))), "which": strings.Join(changed, " ")})
	})
	return int(n), fault(err, "%s", strings.ToLower(label))
}

const pausesSQL = `
	SELECT p.kind, p.paused_at, coalesce(e.actor, '') AS actor, coalesce(e.body, '') AS body
	FROM pauses p
	LEFT JOIN LATERAL (
		SELECT e.actor, ` + textJoin + `
		FROM events e LEFT JOIN texts t ON t.hash = e.text_hash
		WHERE e.stream = '` + streamDesk + `' AND e.kind = '` + string(EventJobsPaused) + `'
			AND p.kind = ANY (string_to_array(e.facts::jsonb ->> 'which', ' '))
		ORDER BY e.seq DESC
		LIMIT 1) AS e ON true
	ORDER BY p.kind`

// Paused returns the kinds of jobs that rest, by name, with what the newest act
// says that paused each.
func (s *Store) Paused(ctx context.Context) ([]Pause, error) {
	var rows []struct {
		Kind     string
		PausedAt time.Time
		Actor    string
		Body     string
	}
	err := s.db.SelectContext(ctx, &rows, pausesSQL)
	if err != nil {
		return nil, fmt.Errorf("paused kinds of jobs: %w", err)
	}
	found := make([]Pause, len(rows))
	for i, r := range rows {
		by, err := secor.ParseActor(r.Actor)
		if err != nil {
			return nil, fmt.Errorf("who paused %s: %w", r.Kind, err)
		}
		found[i] = Pause{Kind: r.Kind, Since: r.PausedAt.UTC(), By: by, Reason: r.Body}
	}
	return found, nil
}
