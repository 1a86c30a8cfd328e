package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Health is what an operator wants to know of the database beside its migrations.
type Health struct {
	Version   int       // 150018 is 15.18
	User      string    // who connects
	Superuser bool      // and may do anything
	App       bool      // the role secordesk_app exists and the user may act as it
	Now       time.Time // Postgres' clock when it answered
}

// The role is looked up first, because pg_has_role refuses a name that is not there.
const healthSQL = `
	SELECT current_setting('server_version_num')::int, session_user, u.rolsuper,
		coalesce((SELECT pg_has_role(session_user, r.oid, 'MEMBER') FROM pg_roles AS r WHERE r.rolname = 'secordesk_app'), false),
		clock_timestamp()
	FROM pg_roles AS u
	WHERE u.rolname = session_user`

// ReadHealth asks a database how it is. It needs no migration and changes nothing.
func ReadHealth(ctx context.Context, db *sql.DB) (Health, error) {
	var h Health
	err := db.QueryRowContext(ctx, healthSQL).Scan(&h.Version, &h.User, &h.Superuser, &h.App, &h.Now)
	if err != nil {
		return Health{}, fmt.Errorf("read health of the database: %w", err)
	}
	h.Now = h.Now.UTC()
	return h, nil
}

const deskIDSQL = `SELECT id FROM desk`

// DeskID returns the name that the desk's database was given when it was made: a
// UUID, unlike that of any other desk.
func (s *Store) DeskID(ctx context.Context) (string, error) {
	var id string
	err := s.db.GetContext(ctx, &id, deskIDSQL)
	if err != nil {
		return "", fmt.Errorf("read the desk's name: %w", err)
	}
	return id, nil
}
