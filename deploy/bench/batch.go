package main

import (
	"context"
	"errors"
	"time"

	"github.com/lib/pq"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// batched is a variant that lives here only: what many attempts ask of Postgres
// at the same moment goes there as one statement.
type batched struct {
	*engine
	claims *gatherer[claimAsk, *promise.Claim]
	ends   *gatherer[promise.Claim, bool]
}

type claimAsk struct {
	id    int64
	token string
	lease time.Duration
}

func newBatched(e *engine, db *pool) *batched {
	return &batched{
		engine: e,
		claims: gather(func(asks []claimAsk) ([]*promise.Claim, error) { return claimAll(db, asks) }),
		ends:   gather(func(claims []promise.Claim) ([]bool, error) { return finishAll(db, claims) }),
	}
}

func (b *batched) close() { b.claims.close(); b.ends.close() }

// ClaimJob claims together with others.
func (b *batched) ClaimJob(ctx context.Context, id int64, token string, lease time.Duration) (promise.Claim, bool, error) {
	claim, err := b.claims.ask(ctx, claimAsk{id, token, lease})
	if err != nil || claim == nil {
		return promise.Claim{}, false, err
	}
	return *claim, true, nil
}

// claimsOnly gathers claims and lets each job end by itself, as one with a step of
// its own has to.
type claimsOnly struct{ *batched }

// FinishWork completes one job.
func (c claimsOnly) FinishWork(ctx context.Context, claim promise.Claim, act secor.Act, step func(*secor.File, secor.Event) error) (promise.State, error) {
	return c.engine.FinishWork(ctx, claim, act, step)
}

// FinishWork completes together with others.
func (b *batched) FinishWork(ctx context.Context, c promise.Claim, _ secor.Act, _ func(*secor.File, secor.Event) error) (promise.State, error) {
	done, err := b.ends.ask(ctx, c)
	if err == nil && !done {
		err = promise.ErrLost
	}
	if err != nil {
		return promise.Open, err
	}
	if b.engine.done != nil {
		b.engine.done()
	}
	return promise.Done, nil
}

const claimAllSQL = `
	UPDATE jobs
	SET fence = fence + CASE WHEN jobs.token = ask.token THEN 0 ELSE 1 END,
		attempts = attempts + CASE WHEN jobs.token = ask.token THEN 0 ELSE 1 END,
		token = ask.token,
		worker = substring(ask.token FROM '^(.*)/'),
		claimed_at = CASE WHEN jobs.token = ask.token THEN claimed_at ELSE now() END,
		claimed_until = now() + $3 * interval '1 microsecond',
		woken_until = NULL
	FROM unnest($1::bigint[], $2::text[]) AS ask (id, token)
	WHERE jobs.id = ask.id AND state = 'open' AND (jobs.token = ask.token OR (claimed_until IS NULL AND not_before <= now()
		AND NOT EXISTS (SELECT FROM pauses WHERE pauses.kind = jobs.kind)))
	RETURNING jobs.id, fence, jobs.token, kind, key, attempts`

func claimAll(db *pool, asks []claimAsk) ([]*promise.Claim, error) {
	ids, tokens := make(pq.Int64Array, len(asks)), make(pq.StringArray, len(asks))
	at := map[int64]int{}
	for i, ask := range asks {
		ids[i], tokens[i], at[ask.id] = ask.id, ask.token, i
	}
	var rows []struct {
		ID, Fence        int64
		Token, Kind, Key string
		Attempts         int
	}
	err := db.SelectContext(context.Background(), &rows, claimAllSQL, ids, tokens, asks[0].lease.Microseconds())
	found := make([]*promise.Claim, len(asks))
	for _, r := range rows {
		job := promise.Job{ID: r.ID, Kind: r.Kind, Key: r.Key, State: promise.Open, Attempts: r.Attempts}
		found[at[r.ID]] = &promise.Claim{Job: job, Fence: r.Fence, Token: r.Token}
	}
	return found, err
}

const finishAllSQL = `
	WITH done AS (
		UPDATE jobs
		SET state = 'done', finished_at = now(), token = NULL, claimed_until = NULL, woken_until = NULL
		FROM unnest($1::bigint[], $2::bigint[]) AS ask (id, fence)
		WHERE jobs.id = ask.id AND jobs.fence = ask.fence AND state = 'open'
		RETURNING jobs.id, key
	), effect AS (
		INSERT INTO bench_effects (key) SELECT key FROM done
	)
	SELECT id FROM done`

func finishAll(db *pool, claims []promise.Claim) ([]bool, error) {
	ids, fences := make(pq.Int64Array, len(claims)), make(pq.Int64Array, len(claims))
	at := map[int64]int{}
	for i, c := range claims {
		ids[i], fences[i], at[c.Job.ID] = c.Job.ID, c.Fence, i
	}
	var ended []int64
	err := db.SelectContext(context.Background(), &ended, finishAllSQL, ids, fences)
	if err != nil {
		return nil, err
	}
	found := make([]bool, len(claims))
	for _, id := range ended {
		found[at[id]] = true
	}
	return found, nil
}

// gatherer turns questions asked at the same moment into one, and gives each its answer.
type gatherer[Q, A any] struct {
	asked chan question[Q, A]
	ended chan struct{}
}

type question[Q, A any] struct {
	what   Q
	answer chan answer[A]
}

type answer[A any] struct {
	what A
	err  error
}

// wait is how long the first question waits for others.
const wait = time.Millisecond

func gather[Q, A any](do func([]Q) ([]A, error)) *gatherer[Q, A] {
	g := &gatherer[Q, A]{asked: make(chan question[Q, A]), ended: make(chan struct{})}
	go func() {
		for {
			batch := g.next()
			if batch == nil {
				return
			}
			go answerAll(batch, do)
		}
	}()
	return g
}

// next collects questions until there are half as many as can be asked at once,
// or until the first one has waited long enough. It is nil at the end.
func (g *gatherer[Q, A]) next() []question[Q, A] {
	var batch []question[Q, A]
	var late <-chan time.Time
	for len(batch) < clients/2 {
		select {
		case q := <-g.asked:
			batch = append(batch, q)
			if late == nil {
				late = time.After(wait)
			}
		case <-late:
			return batch
		case <-g.ended:
			return nil
		}
	}
	return batch
}

func answerAll[Q, A any](batch []question[Q, A], do func([]Q) ([]A, error)) {
	asks := make([]Q, len(batch))
	for i, q := range batch {
		asks[i] = q.what
	}
	answers, err := do(asks)
	for i, q := range batch {
		a := answer[A]{err: err}
		if err == nil {
			a.what = answers[i]
		}
		q.answer <- a
	}
}

func (g *gatherer[Q, A]) ask(ctx context.Context, what Q) (A, error) {
	q := question[Q, A]{what, make(chan answer[A], 1)}
	var none A
	select {
	case g.asked <- q:
	case <-g.ended:
		return none, errors.New("the batch is closed")
	case <-ctx.Done():
		return none, ctx.Err()
	}
	select {
	case a := <-q.answer:
		return a.what, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

func (g *gatherer[Q, A]) close() { close(g.ended) }
