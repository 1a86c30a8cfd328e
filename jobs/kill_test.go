package jobs_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/redis/go-redis/v9"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// point is a place in an engine's work at which its process can die.
type point string

const (
	beforeClaim   point = "before the claim"
	afterClaim    point = "after the claim"
	effectsMade   point = "effects made, not committed"
	workCommitted point = "effects committed, answer not used"
	sendPrepared  point = "sending_at written, not committed"
	sendBegun     point = "sending_at committed, nothing sent"
	letterGiven   point = "letter accepted, no receipt"
	receiptMade   point = "receipt written, not committed"
	sendRecorded  point = "receipt committed, answer not used"
	woken         point = "woken, nothing enqueued"
	enqueued      point = "enqueued in part"
)

// engineConfig is what a child that works or relays needs.
type engineConfig struct {
	DSN, Mail string
	Redis     asynq.RedisClientOpt
	Now       time.Time // what the desk's clock shows
	Pace      jobs.Pace
	Beat      jobs.Beat
	SendLimit time.Duration // for one letter
	Drag      time.Duration // by which each step on a case takes longer
	Die       point
	Nth       int64 // time that it is reached
}

// child is the real engine in a process that dies where its config says so.
type child struct {
	engineConfig
	store   *store.Store
	kinds   []jobs.Kind
	log     *slog.Logger
	reached atomic.Int64
}

func newChild(config []byte) (*child, error) {
	c := &child{kinds: jobs.Kinds(), log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	err := json.Unmarshal(config, &c.engineConfig)
	if err != nil {
		return nil, err
	}
	for i := range c.kinds {
		shorten(&c.kinds[i], c.SendLimit, c.Drag)
	}
	programme, err := schema.Load()
	if err != nil {
		return nil, err
	}
	connector, err := pq.NewConnector(c.DSN)
	if err != nil {
		return nil, err
	}
	db := sqlx.NewDb(sql.OpenDB(mortalConnector{connector, c}), "postgres")
	db.SetMaxOpenConns(16)
	c.store = store.New(db, programme, func() time.Time { return c.Now })
	c.store.Grace = 0
	return c, nil
}

// shorten makes a kind one whose back-off and sending take as long as a test has
// time, and whose work takes drag longer.
func shorten(k *jobs.Kind, sendLimit, drag time.Duration) {
	k.Backoff = func(int) time.Duration { return time.Millisecond }
	if k.Letter != nil {
		k.Timeout = sendLimit
		return
	}
	real := k.Work
	k.Work = func(d *jobs.Desk, f *secor.File, cause secor.Event) error {
		<-time.After(drag)
		return real(d, f, cause)
	}
}

// reach dies when p is where this process is to die.
func (c *child) reach(p point) {
	if p == c.Die && c.reached.Add(1) == c.Nth {
		killMyself()
	}
}

// relay runs the relay until ctx ends.
func (c *child) relay(ctx context.Context) {
	r := jobs.NewRelay(mortalWaker{c.store, c}, mortalRedis{c.Redis, c}, c.kinds, c.Beat, c.log)
	c.store.Promised = r.Signal
	r.Run(ctx)
}

func relayPart(ctx context.Context, config []byte, ready func()) error {
	c, err := newChild(config)
	if err != nil {
		return err
	}
	ready()
	c.relay(ctx)
	return nil
}

// workerPart is a process as secordesk worker is one: it works, relays and reconciles.
func workerPart(ctx context.Context, config []byte, ready func()) error {
	c, err := newChild(config)
	if err != nil {
		return err
	}
	sender, err := mail.NewSender(c.Mail)
	if err != nil {
		return err
	}
	desk, err := jobs.NewDesk(prairie())
	if err != nil {
		return err
	}
	w, err := jobs.NewWorker(mortalPromises{c.store, c}, mortalSender{sender, c}, desk, c.kinds, c.Pace, c.log)
	if err != nil {
		return err
	}
	ready()
	var others sync.WaitGroup
	others.Go(func() { c.relay(ctx) })
	others.Go(func() { jobs.Reconcile(ctx, c.store, 100*time.Millisecond, c.log) })
	defer others.Wait()
	return w.Run(ctx, c.Redis)
}

// prairie is the office of these tests.
func prairie() jobs.Office {
	return jobs.Office{Name: "Prairie Safety Partners", Phone: "555-0100", From: "desk@prairie.example"}
}

// mortalPromises is the store of a process that may die at any of its answers.
type mortalPromises struct {
	*store.Store
	child *child
}

func (m mortalPromises) ClaimJob(ctx context.Context, id int64, token string, lease time.Duration) (promise.Claim, bool, error) {
	m.child.reach(beforeClaim)
	claim, ours, err := m.Store.ClaimJob(ctx, id, token, lease)
	if ours {
		m.child.reach(afterClaim)
	}
	return claim, ours, err
}

func (m mortalPromises) FinishWork(ctx context.Context, c promise.Claim, act secor.Act,
	step func(*secor.File, secor.Event) error) (promise.State, error) {
	state, err := m.Store.FinishWork(committing(ctx, effectsMade), c, act, step)
	if err == nil {
		m.child.reach(workCommitted)
	}
	return state, err
}

func (m mortalPromises) StartSend(ctx context.Context, c promise.Claim, act secor.Act, lease time.Duration,
	prepare func(*secor.File, secor.Event) error) (bool, error) {
	return m.Store.StartSend(committing(ctx, sendPrepared), c, act, lease, prepare)
}

func (m mortalPromises) FinishSend(ctx context.Context, c promise.Claim, receipt string, act secor.Act, step func(*secor.File) error) error {
	err := m.Store.FinishSend(committing(ctx, receiptMade), c, receipt, act, step)
	if err == nil {
		m.child.reach(sendRecorded)
	}
	return err
}

// mortalSender is the real sender in a process that may die on either side of it.
type mortalSender struct {
	jobs.Sender
	child *child
}

func (m mortalSender) Send(ctx context.Context, letter mail.Message) (string, error) {
	m.child.reach(sendBegun)
	receipt, err := m.Sender.Send(ctx, letter)
	if err == nil {
		m.child.reach(letterGiven)
	}
	return receipt, err
}

// mortalWaker wakes jobs for a process that may die with what it woke.
type mortalWaker struct {
	jobs.Waker
	child *child
}

func (m mortalWaker) WakeJobs(ctx context.Context, rooms []promise.Room, limit int, hold time.Duration) ([]promise.Wake, error) {
	wakes, err := m.Waker.WakeJobs(ctx, rooms, limit, hold)
	if len(wakes) > 0 {
		m.child.reach(woken)
	}
	return wakes, err
}

// mortalRedis is the way to Redis of a process that may die between two wake-ups.
type mortalRedis struct {
	asynq.RedisClientOpt
	child *child
}

func (m mortalRedis) MakeRedisClient() any {
	client := m.RedisClientOpt.MakeRedisClient().(redis.UniversalClient)
	client.AddHook(enqueueHook{m.child})
	return client
}

type enqueueHook struct{ child *child }

func (enqueueHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (enqueueHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook counts scripts: a relay runs none but asynq's that enqueues.
func (h enqueueHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && (cmd.Name() == "evalsha" || cmd.Name() == "eval") {
			h.child.reach(enqueued)
		}
		return err
	}
}

// mortalConnector opens connections of a process that may die instead of committing.
type mortalConnector struct {
	driver.Connector
	child *child
}

// connection is all that a connection of lib/pq can do.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

func (m mortalConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := m.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, ok := conn.(connection)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T cannot do all that was expected", conn), conn.Close())
	}
	return mortalConn{whole, m.child}, nil
}

type mortalConn struct {
	connection
	child *child
}

type committingKey struct{}

// committing names the point that the next transaction's commit is.
func committing(ctx context.Context, p point) context.Context {
	return context.WithValue(ctx, committingKey{}, p)
}

func (m mortalConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := m.connection.BeginTx(ctx, o)
	p, named := ctx.Value(committingKey{}).(point)
	if err != nil || !named {
		return tx, err
	}
	return mortalTx{tx, p, m.child}, nil
}

type mortalTx struct {
	driver.Tx
	point point
	child *child
}

func (m mortalTx) Commit() error {
	m.child.reach(m.point)
	return m.Tx.Commit()
}
