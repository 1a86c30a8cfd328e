package main

import (
	"context"
	"database/sql"
	"sync"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver of every database/sql connection
)

// pool is a contender's own connections. A statement is prepared on each when it
// first comes, as the store and River do it too, so that nobody pays twice.
type pool struct {
	*sqlx.DB
	mu    sync.Mutex
	known map[string]*sqlx.Stmt
}

// connect returns as many connections as all contenders have, and one on which a
// statement can be prepared while all others are in transactions.
func connect(dsn string) *pool {
	db := sqlx.MustOpen("postgres", dsn)
	db.SetMaxOpenConns(clients + 1)
	db.SetMaxIdleConns(clients + 1)
	return &pool{DB: db, known: map[string]*sqlx.Stmt{}}
}

// stmt returns a statement without a context of its own: it outlives the first who asks.
func (p *pool) stmt(query string) (*sqlx.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st, ok := p.known[query]
	if ok {
		return st, nil
	}
	st, err := p.Preparex(query)
	if err == nil {
		p.known[query] = st
	}
	return st, err
}

// ExecContext executes a prepared statement.
func (p *pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if len(args) == 0 {
		return p.DB.ExecContext(ctx, query)
	}
	st, err := p.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

// SelectContext reads the rows of a prepared statement.
func (p *pool) SelectContext(ctx context.Context, into any, query string, args ...any) error {
	st, err := p.stmt(query)
	if err != nil {
		return err
	}
	return st.SelectContext(ctx, into, args...)
}

// tx is a transaction whose statements are prepared ones of its pool.
type tx struct {
	*sqlx.Tx
	from *pool
}

// ExecContext executes a prepared statement.
func (t tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st, err := t.from.stmt(query)
	if err != nil {
		return nil, err
	}
	return t.StmtxContext(ctx, st).ExecContext(ctx, args...)
}

func inTx(ctx context.Context, p *pool, do func(tx tx) error) error {
	begun, err := p.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer begun.Rollback() // after Commit it does nothing
	err = do(tx{begun, p})
	if err != nil {
		return err
	}
	return begun.Commit()
}

const (
	insertEffectSQL = `INSERT INTO bench_effects (key) VALUES ($1)`
	insertOrderSQL  = `INSERT INTO bench_orders (key) VALUES ($1)`
)
