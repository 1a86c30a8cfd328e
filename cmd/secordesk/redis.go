package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hibiken/asynq"

	"secordesk/jobs"
	"secordesk/store/secor"
)

// redisForms is how REDIS_URL is written, by scheme; with rediss for redis it is
// encrypted by TLS. Characters that mean something in an address are
// percent-encoded in a user and a password.
var redisForms = map[string]string{
	"redis":        exampleRedis,
	"redis-socket": "redis-socket://:password@/run/redis/redis.sock?db=0",
	// The user and the password are of the Redis servers; the sentinels have their own.
	"redis-sentinel": "redis-sentinel://user:password@host1:26379,host2:26379/0?master=name&sentinel_password=password",
	"redis-cluster":  "redis-cluster://user:password@host1:7000,host2:7001",
}

// redisURL is where the queues are: a server, a socket, a set under Sentinel or a
// cluster. asynq's own parser knows no cluster, no user and, of Sentinel, neither
// the database nor the servers' password.
type redisURL struct{ connect asynq.RedisConnOpt }

func (u *redisURL) UnmarshalText(text []byte) error {
	scheme, rest, found := strings.Cut(string(text), "://")
	plain := strings.Replace(scheme, "rediss", "redis", 1)
	form, known := redisForms[plain]
	if !found || !known || scheme == "rediss-socket" {
		forms := slices.Sorted(maps.Values(redisForms))
		return errors.New("is not a Redis address; write it as " + strings.Join(forms, " or ") + ", with rediss for TLS")
	}
	parts, err := splitRedisURL(rest)
	if err != nil {
		return badRedis(err, form)
	}
	connect, err := parts.connection(plain, plain != scheme)
	if err != nil {
		return badRedis(err, form)
	}
	u.connect = connect
	return nil
}

func badRedis(err error, form string) error {
	return fmt.Errorf("is not a Redis address: %w; write it as %s", err, form)
}

func (redisURL) String() string   { return "(set)" }
func (redisURL) GoString() string { return "(set)" }

// redisParts is an address behind its scheme. net/url is not given the hosts,
// because several of them, each with a port, are no host to it.
type redisParts struct {
	hosts          []string
	user, password string
	path           string
	query          url.Values
}

var errEncoding = errors.New("it is not percent-encoded well (in a password write %25 for %, %2F for /, %40 for @, %23 for #, %3F for ?)")

func splitRedisURL(rest string) (redisParts, error) {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	at := strings.LastIndex(authority, "@")
	parsed, err := url.Parse("redis://" + authority[:at+1] + "host" + tail)
	if err != nil || parsed.Fragment != "" || strings.Contains(tail, "@") {
		return redisParts{}, errEncoding
	}
	p := redisParts{user: parsed.User.Username(), path: parsed.Path}
	p.password, _ = parsed.User.Password()
	if p.user != "" && p.password == "" {
		return redisParts{}, errors.New("it has a user and no password (a password alone is written with a colon before it)")
	}
	p.query, err = url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return redisParts{}, errEncoding
	}
	if hosts := authority[at+1:]; hosts != "" {
		p.hosts = strings.Split(hosts, ",")
	}
	return p, nil
}

func (p redisParts) connection(scheme string, encrypted bool) (asynq.RedisConnOpt, error) {
	var secure *tls.Config
	if encrypted {
		secure = &tls.Config{MinVersion: tls.VersionTLS12} // the name to verify is the host's that is dialled
	}
	switch scheme {
	case "redis-socket":
		return p.socket()
	case "redis-sentinel":
		return p.sentinel(secure)
	case "redis-cluster":
		return p.cluster(secure)
	}
	return p.single(secure)
}

func (p redisParts) single(secure *tls.Config) (asynq.RedisConnOpt, error) {
	hosts, err := p.addresses("6379")
	if err != nil {
		return nil, err
	}
	if len(hosts) > 1 {
		return nil, errors.New("it names several hosts; several servers are a cluster or a set under Sentinel")
	}
	db, err := p.pathDatabase()
	if err != nil {
		return nil, err
	}
	return asynq.RedisClientOpt{Addr: hosts[0], Username: p.user, Password: p.password, DB: db, TLSConfig: secure}, p.takes()
}

func (p redisParts) socket() (asynq.RedisConnOpt, error) {
	if len(p.hosts) > 0 || strings.Trim(p.path, "/") == "" {
		return nil, errors.New("it must name a path that begins with a slash, and no host")
	}
	db, err := database(p.query.Get("db"))
	if err != nil {
		return nil, err
	}
	return asynq.RedisClientOpt{Network: "unix", Addr: p.path, Username: p.user, Password: p.password, DB: db}, p.takes("db")
}

func (p redisParts) sentinel(secure *tls.Config) (asynq.RedisConnOpt, error) {
	hosts, err := p.addresses("26379")
	if err != nil {
		return nil, err
	}
	db, err := p.pathDatabase()
	if err != nil {
		return nil, err
	}
	master := p.query.Get("master")
	if master == "" {
		return nil, errors.New("it does not say which master the sentinels watch")
	}
	return asynq.RedisFailoverClientOpt{MasterName: master, SentinelAddrs: hosts, Username: p.user, Password: p.password, DB: db, TLSConfig: secure,
		SentinelUsername: p.query.Get("sentinel_user"), SentinelPassword: p.query.Get("sentinel_password")}, p.takes("master", "sentinel_user", "sentinel_password")
}

func (p redisParts) cluster(secure *tls.Config) (asynq.RedisConnOpt, error) {
	hosts, err := p.addresses("6379")
	if err != nil {
		return nil, err
	}
	db, err := p.pathDatabase()
	if err != nil {
		return nil, err
	}
	if db != 0 {
		return nil, errors.New("a cluster has only database 0")
	}
	return asynq.RedisClusterClientOpt{Addrs: hosts, Username: p.user, Password: p.password, TLSConfig: secure}, p.takes()
}

// addresses returns the hosts, each with a port.
func (p redisParts) addresses(port string) ([]string, error) {
	if len(p.hosts) == 0 {
		return nil, errors.New("it names no host")
	}
	var addresses []string
	for _, host := range p.hosts {
		name, number, err := net.SplitHostPort(host)
		if err != nil { // no port, as far as it is a host at all
			name, number = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), port
		}
		value, err := strconv.ParseUint(number, 10, 16)
		switch {
		case name == "":
			return nil, errors.New("it names no host")
		case err != nil || value == 0:
			return nil, errors.New("its port must be a number from 1 to 65535")
		case strings.ContainsFunc(name, noHost) || strings.Contains(name, ":") && (net.ParseIP(name) == nil || host[0] != '['):
			return nil, errors.New("its host is not a name or an IP address (IPv6 in brackets)")
		}
		addresses = append(addresses, net.JoinHostPort(name, number))
	}
	return addresses, nil
}

// noHost reports whether a host cannot have this character.
func noHost(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("[]%\\\"'<>{}|^`@", r) }

func (p redisParts) pathDatabase() (int, error) { return database(strings.Trim(p.path, "/")) }

// database reads a database's number; none is 0. How many there are, the server says.
func database(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, errors.New("its database must be a number from 0 to 65535")
	}
	return int(number), nil
}

// takes refuses parameters that would not be obeyed.
func (p redisParts) takes(known ...string) error {
	for parameter, values := range p.query {
		switch {
		case !slices.Contains(known, parameter) && len(known) == 0:
			return errors.New("it takes no parameters behind a question mark")
		case !slices.Contains(known, parameter):
			return errors.New("it has a parameter other than " + strings.Join(known, ", "))
		case len(values) > 1:
			return errors.New("it says " + parameter + " twice")
		}
	}
	return nil
}

// newGuard returns the guard of this desk's Redis.
func newGuard(ctx context.Context, cases *desk, connect asynq.RedisConnOpt, log *slog.Logger) (*jobs.Guard, error) {
	id, err := cases.DeskID(ctx)
	if err != nil {
		return nil, err
	}
	return jobs.NewGuard(connect, id, log), nil
}

// refusedOr returns why a guard ended ctx, if one did, and else err.
func refusedOr(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, secor.ErrRefused) {
		return cause
	}
	return err
}
