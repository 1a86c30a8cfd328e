package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/lib/pq"

	"secordesk/schema"
	"secordesk/store/devdb"
)

// server is a Postgres with a template of a migrated database.
type server struct {
	base     string  // connection string
	options  string  // those of base for a session
	admin    *sql.DB // on a database that is neither the template nor a test's
	template string
}

// openServer opens the server that the environment names, or starts a private one.
func openServer(getenv func(string) string) (*server, error) {
	named := getenv("TEST_DATABASE_URL")
	if named != "" {
		s, err := newServer(named)
		if err != nil {
			return nil, fmt.Errorf("use TEST_DATABASE_URL: %w", err)
		}
		return s, nil
	}
	private, err := devdb.Start(context.Background(), devdb.Options{Bin: getenv("SECOR_PG_BIN"), MaxConn: 200})
	if err != nil {
		return nil, err
	}
	return newServer(private.DSN("postgres"))
}

func newServer(base string) (*server, error) {
	config, err := pq.NewConfig(base)
	if err != nil {
		return nil, fmt.Errorf("read connection string: %w", err)
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, fmt.Errorf("read connection string: %w", err)
	}
	s := &server{
		base:     base,
		options:  config.Options,
		admin:    sql.OpenDB(connector),
		template: "secordesk_template_" + schema.MigrationHash()[:16],
	}
	err = s.makeTemplate(context.Background())
	if err != nil {
		return nil, fmt.Errorf("make template database: %w", err)
	}
	return s, nil
}

// dsn returns the connection string of a database, with more options for the session.
func (s *server) dsn(dbname, options string) string {
	options = strings.TrimSpace(s.options + " " + options)
	u, err := url.Parse(s.base)
	if err == nil && strings.HasPrefix(u.Scheme, "postgres") {
		q := u.Query()
		q.Set("options", options)
		u.Path, u.RawQuery = "/"+dbname, strings.ReplaceAll(q.Encode(), "+", "%20")
		return u.String()
	}
	// Of a repeated key the last one counts.
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(options)
	return fmt.Sprintf("%s dbname=%s options='%s'", s.base, dbname, quoted)
}

const (
	isTemplateSQL = `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)`

	lockSQL   = `SELECT pg_advisory_lock(hashtext($1))`
	unlockSQL = `SELECT pg_advisory_unlock(hashtext($1))`
)

// makeTemplate makes the template unless it is there; processes that share the
// server take turns. What a killed process left half-made is made anew.
func (s *server) makeTemplate(ctx context.Context) error {
	conn, err := s.admin.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.ExecContext(ctx, lockSQL, s.template)
	if err != nil {
		return err
	}
	defer conn.ExecContext(ctx, unlockSQL, s.template)
	var made bool
	err = conn.QueryRowContext(ctx, isTemplateSQL, s.template).Scan(&made)
	if err != nil || made {
		return err
	}
	_, err = conn.ExecContext(ctx, `DROP DATABASE IF EXISTS `+s.template+` WITH (FORCE)`)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `CREATE DATABASE `+s.template)
	if err != nil {
		return err
	}
	err = s.migrate(ctx)
	if err != nil {
		return err
	}
	// A template that somebody is connected to cannot be cloned.
	_, err = conn.ExecContext(ctx, `ALTER DATABASE `+s.template+` ALLOW_CONNECTIONS false IS_TEMPLATE true`)
	return err
}

func (s *server) migrate(ctx context.Context) error {
	db, err := sql.Open("postgres", s.dsn(s.template, ""))
	if err != nil {
		return err
	}
	defer db.Close()
	return schema.Migrate(ctx, db)
}

// clone makes a database like the template and returns its name.
func (s *server) clone() (string, error) {
	name := fmt.Sprintf("secordesk_test_%d_%s", os.Getpid(), strings.ToLower(rand.Text()))
	_, err := s.admin.Exec(`CREATE DATABASE ` + name + ` TEMPLATE ` + s.template)
	return name, err
}

func (s *server) drop(name string) error {
	_, err := s.admin.Exec(`DROP DATABASE ` + name + ` WITH (FORCE)`)
	return err
}
