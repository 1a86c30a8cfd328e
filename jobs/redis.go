package jobs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"secordesk/store/secor"
)

const (
	oldestRedis = 7
	// deskKey holds the name of the desk that a Redis serves.
	deskKey = "secordesk:desk"

	guardLook    = time.Second     // between two looks; another in its place is not used for longer
	guardPatient = 5 * time.Second // for the answer
	dialPatient  = 2 * time.Second // for a connection
)

// RedisState is what a Redis says of itself. What it does not say is empty.
type RedisState struct {
	Version string // "7.0.15"; of Valkey, the Redis that it is like
	Server  string // "valkey"
	Policy  string // maxmemory-policy
	Limit   string // maxmemory in bytes, "0" for none
	Role    string // "master", "slave"
	Mode    string // "standalone", "sentinel", "cluster"
	Desk    string // the desk that it serves

	loading   bool
	clustered bool // it is reached as a cluster
}

// AskRedis asks a Redis about itself and changes nothing. Its error is a refusal
// if the answer would be the same tomorrow, and a fault if Redis is away. Of a
// cluster, every master is asked, and the first that would be refused is told.
func AskRedis(ctx context.Context, connect asynq.RedisConnOpt) (RedisState, error) {
	client, err := redisClient(connect)
	if err != nil {
		return RedisState{}, err
	}
	defer client.Close()
	state, err := askRedis(ctx, client, connect)
	return state, encrypted(connect, err)
}

// redisClient returns a client that does not wait long for a connection: the
// handshake of TLS hears no context.
func redisClient(connect asynq.RedisConnOpt) (redis.UniversalClient, error) {
	switch c := connect.(type) {
	case asynq.RedisClientOpt:
		c.DialTimeout = dialPatient
		connect = c
	case asynq.RedisFailoverClientOpt:
		c.DialTimeout = dialPatient
		connect = c
	case asynq.RedisClusterClientOpt:
		c.DialTimeout = dialPatient
		connect = c
	}
	client, is := connect.MakeRedisClient().(redis.UniversalClient)
	if !is {
		return nil, refusal(fmt.Sprintf("a Redis cannot be asked through %T", connect))
	}
	return client, nil
}

func askRedis(ctx context.Context, client redis.UniversalClient, connect asynq.RedisConnOpt) (RedisState, error) {
	infos, err := redisInfos(ctx, client)
	if err != nil {
		return RedisState{}, answered(err)
	}
	var state RedisState
	for _, info := range infos {
		state = readInfo(info)
		_, sentinels := connect.(asynq.RedisFailoverClientOpt)
		_, state.clustered = connect.(asynq.RedisClusterClientOpt)
		if state.loading || sentinels && state.Role == "slave" {
			return RedisState{}, errors.New("redis loads its data, or is about to become the master")
		}
		if len(state.Refusals("")) > 0 {
			return state, nil // a key of it may not even be there to be asked for
		}
	}
	state.Desk, err = client.Get(ctx, deskKey).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return RedisState{}, answered(err)
	}
	return state, nil
}

// redisInfos asks every master of a cluster, and else the one server. A server
// that does not let itself be asked says nothing.
func redisInfos(ctx context.Context, client redis.UniversalClient) ([]string, error) {
	var mu sync.Mutex
	var infos []string
	ask := func(ctx context.Context, node redis.UniversalClient) error {
		info, err := node.Info(ctx).Result()
		if redis.HasErrorPrefix(err, "NOPERM") || redis.HasErrorPrefix(err, "ERR unknown command") {
			info, err = "", nil
		}
		mu.Lock()
		defer mu.Unlock()
		infos = append(infos, info)
		return err
	}
	cluster, is := client.(*redis.ClusterClient)
	if !is {
		err := ask(ctx, client)
		return infos, err
	}
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return ask(ctx, node) })
	return infos, err
}

// readInfo reads what INFO says. An embedded Redis and some services leave lines out.
func readInfo(info string) RedisState {
	said := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		said[name] = value
	}
	return RedisState{Version: said["redis_version"], Server: said["server_name"], Policy: said["maxmemory_policy"], Limit: said["maxmemory"],
		Role: said["role"], Mode: said["redis_mode"], loading: said["loading"] == "1"}
}

// finalAnswers are the errors of a Redis that do not pass by themselves.
var finalAnswers = []struct{ says, text, do string }{
	{"WRONGPASS", "Redis does not take the user and the password", "correct REDIS_URL"},
	{"invalid password", "Redis does not take the password", "correct REDIS_URL"},
	{"NOAUTH", "Redis wants a password", "give it in REDIS_URL"},
	{"NOPERM", "Redis does not let this user do what the queues need", "allow it all commands on the keys asynq:* and " + deskKey},
	{"DB index is out of range", "Redis has no database of this number", "take a lower one in REDIS_URL, or raise databases in the server's configuration"},
	{"cluster support disabled", "this Redis is no cluster", "write REDIS_URL as redis://"},
	{"is not allowed in cluster mode", "this Redis is a node of a cluster", "write REDIS_URL as redis-cluster://"},
}

// answered turns an error that Redis itself gave for good into a refusal.
func answered(err error) error {
	for _, a := range finalAnswers {
		if strings.Contains(err.Error(), a.says) {
			return &secor.Refusal{Kind: secor.ErrRefused, Text: a.text, Do: a.do}
		}
	}
	return fmt.Errorf("reach redis: %w", err)
}

// encrypted says of a Redis that is reached by TLS, and gave no answer, that TLS may
// be why: a server that speaks none waits for more and says nothing.
func encrypted(connect asynq.RedisConnOpt, err error) error {
	var secure *tls.Config
	switch c := connect.(type) {
	case asynq.RedisClientOpt:
		secure = c.TLSConfig
	case asynq.RedisFailoverClientOpt:
		secure = c.TLSConfig
	case asynq.RedisClusterClientOpt:
		secure = c.TLSConfig
	}
	var refused *net.OpError
	if secure == nil || err == nil || errors.Is(err, secor.ErrRefused) || errors.As(err, &refused) && refused.Op == "dial" {
		return err
	}
	return fmt.Errorf("%w: TLS failed or timed out; a server that speaks no TLS is written with redis and not rediss in REDIS_URL", err)
}

// Refusals returns every reason why a desk of this name must not use the Redis. A
// desk without a name may share it with any.
func (s RedisState) Refusals(desk string) []*secor.Refusal {
	var all []*secor.Refusal
	refuse := func(when bool, do, format string, args ...any) {
		if when {
			all = append(all, &secor.Refusal{Kind: secor.ErrRefused, Text: fmt.Sprintf(format, args...), Do: do})
		}
	}
	major, err := strconv.Atoi(strings.SplitN(s.Version, ".", 2)[0])
	refuse(err == nil && major < oldestRedis, "upgrade to Redis 7 or Valkey, or later", "this Redis is version %s", s.Version)
	refuse(s.Policy != "" && s.Policy != "noeviction" && s.Limit != "0", "set maxmemory-policy to noeviction",
		"this Redis throws wake-ups away when its memory is full (maxmemory-policy %s)", s.Policy)
	refuse(s.Role == "slave" && !s.clustered, "name the master in REDIS_URL, or the sentinels as redis-sentinel://", "this Redis is a replica, which takes no wake-ups")
	refuse(s.Mode == "sentinel", "write REDIS_URL as redis-sentinel://", "this is a sentinel and no Redis")
	refuse(s.Mode == "cluster" && !s.clustered, "write REDIS_URL as redis-cluster://", "this Redis is a node of a cluster")
	refuse(desk != "" && s.Desk != "" && s.Desk != desk,
		"give each its own database number or server; if that desk is gone for good, free this one by DEL "+deskKey,
		"this Redis serves another desk (%s, this one is %s)", s.Desk, desk)
	return all
}

// Doubts returns what cannot be known about the Redis, and what a person should
// see to before it matters.
func (s RedisState) Doubts() []*secor.Refusal {
	var all []*secor.Refusal
	doubt := func(when bool, text, do string) {
		if when {
			all = append(all, &secor.Refusal{Kind: secor.ErrRefused, Text: text, Do: do})
		}
	}
	doubt(s.Version == "", "this Redis does not say its version", "see that it is 7 or later")
	doubt(s.Policy == "", "this Redis does not say its maxmemory-policy", "see that it is noeviction")
	doubt(s.Policy != "" && s.Policy != "noeviction" && s.Limit == "0",
		"maxmemory-policy "+s.Policy+" would throw wake-ups away if maxmemory were set", "set maxmemory-policy to noeviction")
	return all
}

func (s RedisState) String() string {
	text := "version " + s.Version
	if s.Server != "" {
		text += " (" + s.Server + ")"
	}
	text += ", " + s.Policy
	if s.Desk != "" {
		text += ", serves desk " + s.Desk
	}
	return text
}

// Guard keeps a process from a Redis that the desk cannot rely on, and takes the
// Redis for this desk. It goes on looking, because after an outage another one
// may stand in its place, or the same one with other settings.
type Guard struct {
	redis asynq.RedisConnOpt
	desk  string
	log   *slog.Logger
	good  chan struct{}
}

// NewGuard returns a guard for the desk of this name.
func NewGuard(redis asynq.RedisConnOpt, desk string, log *slog.Logger) *Guard {
	return &Guard{redis: redis, desk: desk, log: log, good: make(chan struct{})}
}

// Wait waits until the Redis was found good once, and reports whether it was
// before ctx ended.
func (g *Guard) Wait(ctx context.Context) bool {
	select {
	case <-g.good:
		return true
	case <-ctx.Done():
		return false
	}
}

// Run looks until ctx ends, and then returns nil. It returns a refusal as soon as
// the Redis must not be used. A Redis that is away is waited for.
func (g *Guard) Run(ctx context.Context) error {
	client, err := redisClient(g.redis)
	if err != nil {
		return err
	}
	defer client.Close()
	tick := time.NewTicker(guardLook)
	defer tick.Stop()
	looked := outage(g.log, "redis")
	for {
		err := g.look(ctx, client)
		if errors.Is(err, secor.ErrRefused) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		looked(err)
		if err == nil && g.first() {
			looked = func(error) {} // the relay and the queues say it from now on
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// first opens the way once, and reports whether it was now.
func (g *Guard) first() bool {
	select {
	case <-g.good:
		return false
	default:
		close(g.good)
		return true
	}
}

// look is the check: what the Redis says, and whose it is. Nothing is written to
// one that is refused.
func (g *Guard) look(ctx context.Context, client redis.UniversalClient) error {
	ctx, cancel := context.WithTimeout(ctx, guardPatient)
	defer cancel()
	state, err := askRedis(ctx, client, g.redis)
	if err != nil {
		return encrypted(g.redis, err)
	}
	refusals := state.Refusals(g.desk)
	if len(refusals) == 0 && state.Desk == "" {
		state.Desk, err = claimRedis(ctx, client, g.desk)
		refusals = state.Refusals(g.desk)
	}
	switch {
	case err != nil:
		return err
	case len(refusals) > 0:
		return refusals[0]
	}
	return nil
}

// claimRedis takes a Redis that serves nobody, and returns whom it serves now:
// another desk may have been faster.
func claimRedis(ctx context.Context, client redis.UniversalClient, desk string) (string, error) {
	err := client.SetNX(ctx, deskKey, desk, 0).Err()
	if err != nil {
		return "", answered(err)
	}
	owner, err := client.Get(ctx, deskKey).Result()
	if err != nil {
		return "", answered(err)
	}
	return owner, nil
}
