package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// engine is our own: the real store, relay, reconciler and worker. Only what a
// job does is the bench's: its effect is one row, in the statement that completes it.
type engine struct {
	*store.Store
	redis asynq.RedisConnOpt
	pace  jobs.Pace
	begun func(jobID int64) // when the work of a job begins; may be nil
	done  func()            // when it is complete; may be nil

	promises jobs.Promises // what the worker gets; the engine itself unless a variant says otherwise
	relay    *jobs.Relay
	running  sync.WaitGroup
}

const effectSQL = `INSERT INTO bench_effects (key) SELECT $3 FROM done`

// engineOn returns an engine on one of the server's databases.
func (b *bench) engineOn(ctx context.Context, database string, redis asynq.RedisConnOpt) (*engine, error) {
	return newEngine(ctx, b.appDSN(database), b.programme, redis)
}

// newEngine returns an engine that does as many jobs at once as all contenders do.
func newEngine(ctx context.Context, dsn string, programme *secor.Programme, redis asynq.RedisConnOpt) (*engine, error) {
	opened, err := store.Open(ctx, dsn, programme, time.Now)
	if err != nil {
		return nil, err
	}
	e := &engine{Store: opened, redis: redis, pace: jobs.DefaultPace()}
	e.pace.Lanes[0].Concurrency = clients
	e.promises = e
	e.relay = jobs.NewRelay(e, redis, jobs.Kinds(), jobs.DefaultBeat(), quiet())
	e.Promised = e.relay.Signal
	return e, nil
}

// FinishWork has the effect instead of a step on a case.
func (e *engine) FinishWork(ctx context.Context, c promise.Claim, _ secor.Act, _ func(*secor.File, secor.Event) error) (promise.State, error) {
	if e.begun != nil {
		e.begun(c.Job.ID)
	}
	err := e.FinishWith(ctx, c, effectSQL, c.Job.Key)
	if err != nil {
		return promise.Open, err
	}
	if e.done != nil {
		e.done()
	}
	return promise.Done, nil
}

// run starts parts of the engine. The returned function ends them and waits.
func (e *engine) run(ctx context.Context, parts ...func(context.Context)) func() {
	ctx, cancel := context.WithCancel(ctx)
	for _, part := range parts {
		e.running.Go(func() { part(ctx) })
	}
	return func() {
		cancel()
		e.running.Wait()
		e.Close()
	}
}

func (e *engine) reconcile(ctx context.Context) {
	jobs.Reconcile(ctx, e, jobs.ReconcileEvery, quiet())
}

// nobody takes no letters: the bench has none.
type nobody struct{}

// Send refuses.
func (nobody) Send(context.Context, mail.Message) (string, error) {
	return "", &mail.SendError{Outcome: mail.NotSent, Step: mail.StepMessage, Permanent: true, Err: fmt.Errorf("the bench sends nothing")}
}

// worker returns the part of the engine that works.
func (e *engine) worker() (func(context.Context), error) {
	desk, err := jobs.NewDesk(jobs.Office{Name: "Bench", From: "desk@bench.example"})
	if err != nil {
		return nil, err
	}
	w, err := jobs.NewWorker(e.promises, nobody{}, desk, jobs.Kinds(), e.pace, quiet())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		err := w.Run(ctx, e.redis)
		if err != nil {
			panic(err) // Redis was there a moment ago
		}
	}, nil
}

// cause is a real event of a real case, from which a job may follow.
type cause struct {
	CaseID int64 `db:"case_id"`
	Cause  int   `db:"cause"`
}

const causesSQL = `
	SELECT case_id, cause
	FROM jobs
	WHERE kind = $1 AND state = 'open'
	ORDER BY id`

// openCases opens requests of companies on file, each of which promises that the
// desk decides whether it is needed, and returns those promises' causes.
func (b *bench) openCases(ctx context.Context, owner *pool, n int) ([]cause, error) {
	var companies []int64
	err := owner.SelectContext(ctx, &companies, `
		INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member, profile_since)
		SELECT 'Bench ' || n, '', 'bench ' || n, 'AB', 'office@bench.example', 'Ana Roy', '1 Main St', 'Calgary', 'AB', 'T2P 1A1', true, '2025-01-01'
		FROM generate_series(1, $1) AS n
		RETURNING id`, n)
	if err != nil {
		return nil, err
	}
	_, err = owner.ExecContext(ctx, `
		INSERT INTO reviewers (name, email, role, active, capacity)
		SELECT 'Lea Lead', 'lead@bench.example', 'lead', true, 8
		WHERE NOT EXISTS (SELECT FROM reviewers)`)
	if err != nil {
		return nil, err
	}
	s := store.New(owner.DB, b.programme, time.Now)
	calls, callCtx := errgroup.WithContext(ctx)
	calls.SetLimit(8)
	for _, company := range companies {
		calls.Go(func() error {
			act := secor.Act{ID: "open:" + strconv.FormatInt(company, 10), By: secor.Desk, Surface: secor.SurfaceFile}
			_, err := s.AddRequest(callCtx, act, company, "ab-pir", secor.Request{Reason: secor.ReasonNoProfile, Headcount: 4})
			return err
		})
	}
	err = calls.Wait()
	if err != nil {
		return nil, err
	}
	var found []cause
	err = owner.SelectContext(ctx, &found, causesSQL, secor.JobDecideNeed)
	return found, err
}

// job is the n-th promise of a measurement. Each follows from another case, as in life.
func (b *bench) job(n int64) promise.Job {
	from := b.causes[n%int64(len(b.causes))]
	return promise.Job{Kind: string(secor.JobDecideNeed), CaseID: from.CaseID, Cause: from.Cause, Key: keyOf(n),
		Audience: string(secor.AudienceDesk), Recipient: secor.Desk.String()}
}

// promiseOne promises a job in a transaction of its own, and tells the relay. It
// returns when the commit was answered.
func (b *bench) promiseOne(ctx context.Context, e *engine, db *pool, n int64) (time.Time, error) {
	err := inTx(ctx, db, func(tx tx) error { return store.AddJob(ctx, tx, b.job(n), 0) })
	at := time.Now()
	if err == nil {
		e.Promised()
	}
	return at, err
}
