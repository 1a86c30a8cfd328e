package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// maxPrepared bounds what one connection keeps. The store's own statements are
// fewer; those that are made up as they are needed must not fill Postgres.
const maxPrepared = 256

// preparing gives connections that prepare a statement the first time it comes,
// and then know it: lib/pq asks Postgres twice for a statement with arguments that
// it does not know, and Postgres plans it every time.
type preparing struct {
	driver.Connector
	age atomic.Int64 // rises when the tables changed below the statements
}

// pqConn is what database/sql uses of a connection of lib/pq.
type pqConn interface {
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

// statement is what a statement of lib/pq is.
type statement interface {
	driver.StmtExecContext
	driver.StmtQueryContext
}

func (p *preparing) Connect(ctx context.Context) (driver.Conn, error) {
	age := p.age.Load()
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &preparedConn{pqConn: conn.(pqConn), known: map[string]statement{}, from: p, age: age}, nil
}

type preparedConn struct {
	pqConn
	known map[string]statement
	from  *preparing
	age   int64
}

func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	st, err := c.statement(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return c.pqConn.QueryContext(ctx, query, args)
	}
	rows, err := st.QueryContext(ctx, args)
	return rows, c.outdated(err)
}

func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	st, err := c.statement(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return c.pqConn.ExecContext(ctx, query, args)
	}
	result, err := st.ExecContext(ctx, args)
	return result, c.outdated(err)
}

// statement is nil for what is not worth preparing: without arguments lib/pq asks
// once, and such a text may be several statements.
func (c *preparedConn) statement(ctx context.Context, query string, args []driver.NamedValue) (statement, error) {
	st := c.known[query]
	if st != nil || len(args) == 0 || len(c.known) == maxPrepared {
		return st, nil
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	st = made.(statement)
	c.known[query] = st
	return st, nil
}

// outdated turns the complaint that a migration changed what a known statement
// returns into a bad connection: nothing was done, and whoever asked asks again on
// a new one. All older connections know the same statement.
func (c *preparedConn) outdated(err error) error {
	var e *pq.Error
	if errors.As(err, &e) && e.Code == pqerror.FeatureNotSupported && e.Routine == "RevalidateCachedQuery" {
		c.from.age.CompareAndSwap(c.age, c.age+1)
		return driver.ErrBadConn
	}
	return err
}

func (c *preparedConn) ResetSession(ctx context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	return c.pqConn.ResetSession(ctx)
}

func (c *preparedConn) IsValid() bool { return c.age == c.from.age.Load() && c.pqConn.IsValid() }
