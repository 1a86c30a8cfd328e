package schema

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are how far a database has come.
type Migrations struct {
	Applied []string // file names, oldest first
	Pending []string // file names, in the order in which Migrate will apply them
	Unknown []int64  // versions from a newer program than this, oldest first
}

// Migrate brings a database to this program's schema, one transaction per file.
// What was applied stays when a later file fails. Several calls at once, from
// any machine, take turns; one that waits a minute for its turn fails. A
// database that is newer than the program is left as it is.
//
// The user needs to own the database, and at the first time to be allowed to
// create the role secordesk_app unless an administrator has.
func Migrate(ctx context.Context, db *sql.DB) error {
	turns, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60)) // seconds between tries, tries
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	p, err := provider(db, goose.WithSessionLocker(turns))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	_, err = p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func provider(db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	options = append(options, goose.WithDisableGlobalRegistry(true))
	return goose.NewProvider(goose.DialectPostgres, db, files, options...)
}

const (
	isVersionedSQL = `SELECT to_regclass('goose_db_version') IS NOT NULL`

	appliedSQL = `
		SELECT version_id
		FROM goose_db_version
		WHERE is_applied AND version_id > 0
		ORDER BY version_id`
)

// MigrationStatus reads how far a database has come. It changes nothing, where
// goose's own status makes a table. The role secordesk_app may ask.
func MigrationStatus(ctx context.Context, db *sql.DB) (Migrations, error) {
	var s Migrations
	p, err := provider(db)
	if err != nil {
		return s, fmt.Errorf("list migrations: %w", err)
	}
	s.Unknown, err = appliedVersions(ctx, db)
	if err != nil {
		return s, fmt.Errorf("read applied migrations: %w", err)
	}
	for _, source := range p.ListSources() {
		name := path.Base(source.Path)
		i := slices.Index(s.Unknown, source.Version)
		if i < 0 {
			s.Pending = append(s.Pending, name)
			continue
		}
		s.Applied = append(s.Applied, name)
		s.Unknown = slices.Delete(s.Unknown, i, i+1)
	}
	return s, nil
}

func appliedVersions(ctx context.Context, db *sql.DB) ([]int64, error) {
	var versioned bool
	err := db.QueryRowContext(ctx, isVersionedSQL).Scan(&versioned)
	if err != nil || !versioned {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, appliedSQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var versions []int64
	for rows.Next() {
		var v int64
		err = rows.Scan(&v)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, rows.Err()
}

// MigrationHash identifies the schema that Migrate makes: it changes with each
// name and content of a migration. It is 64 hexadecimal digits.
func MigrationHash() string {
	hash, err := hashFiles(migrations)
	if err != nil {
		panic(fmt.Sprintf("read embedded migrations: %v", err)) // they are in the program
	}
	return hash
}

func hashFiles(files fs.FS) (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(hash, "%q %d\n%s", name, len(text), text)
		return nil
	})
	return hex.EncodeToString(hash.Sum(nil)), err
}
