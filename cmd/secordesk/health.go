package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"secordesk/jobs"
	"secordesk/store/promise"
)

// listenAddress is a host, or none for every one of this machine, and a port; 0
// is any that is free.
type listenAddress string

func (a *listenAddress) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	_, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || strings.ContainsAny(host, " /@?#") {
		return fmt.Errorf("%q is not an address to listen at, such as :9464 or 127.0.0.1:9464", text)
	}
	*a = listenAddress(text)
	return nil
}

type logLevel slog.Level

func (l *logLevel) UnmarshalText(text []byte) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, known := levels[string(text)]
	if !known {
		return fmt.Errorf("%q is not debug, info, warn or error", text)
	}
	*l = logLevel(level)
	return nil
}

// newLog returns the log of a process: one line of JSON for each thing that happened.
func newLog(out io.Writer, least logLevel) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.Level(least)}))
}

// mute is a log for a library that has its own.
type mute struct{}

// Printf drops the line.
func (mute) Printf(context.Context, string, ...any) {}

const (
	// pulsePatience is how late a loop may be. A turn that waits for Postgres or
	// Redis ends by itself before.
	pulsePatience = 2 * time.Minute
	readyLimit    = 2 * time.Second // for Postgres and Redis to answer
	readyFresh    = time.Second     // an answer serves every question for so long
)

// health tells over HTTP how a process is: at /healthz whether it should be
// started again, at /readyz whether what it needs is there, at /metrics what it
// does. It says which part is missing, and never why: the log does.
type health struct {
	meter    *jobs.Meter
	stuck    func() int // handlers that do not end
	parts    []part
	log      *slog.Logger
	stopping <-chan struct{}

	mu      sync.Mutex
	asked   time.Time
	missing map[string]string // by part, as a line; of those only that are missing
}

// part is something that a process needs to be of use.
type part struct {
	name string
	ask  func(context.Context) error // a missing says what to tell; any other error is no answer
}

// missing is what a part lacks, in words that anybody may read.
type missing string

func (m missing) Error() string { return string(m) }

// deskHealth is what health asks the store.
type deskHealth interface {
	Behind(ctx context.Context) (bool, error)
	Backlog(ctx context.Context) (promise.Backlog, error)
}

func postgresPart(cases deskHealth) part {
	return part{"postgres", func(ctx context.Context) error {
		behind, err := cases.Behind(ctx)
		if err == nil && behind {
			return missing("schema: run secordesk migrate")
		}
		return err
	}}
}

func redisPart(client redis.UniversalClient) part {
	return part{"redis", func(ctx context.Context) error { return client.Ping(ctx).Err() }}
}

// newHealth returns the health of a process until ctx ends; then it is healthy and
// not ready.
func newHealth(ctx context.Context, meter *jobs.Meter, stuck func() int, parts []part, log *slog.Logger) *health {
	return &health{meter: meter, stuck: stuck, parts: parts, log: log, stopping: ctx.Done()}
}

// sick returns why the process should be started again, a line for each reason.
// Loops that ended because the process stops are none.
func (h *health) sick(now time.Time) []string {
	var lines []string
	if !h.stops() {
		for _, s := range h.meter.Pulse.Silent(now) {
			lines = append(lines, fmt.Sprintf("%s: has not turned since %s", s.Loop, s.Since.UTC().Format(time.RFC3339)))
		}
	}
	if n := h.stuck(); n > 0 {
		lines = append(lines, fmt.Sprintf("worker: handlers that do not end: %d", n))
	}
	return lines
}

func (h *health) stops() bool {
	select {
	case <-h.stopping:
		return true
	default:
		return false
	}
}

// unready returns what keeps the process from being of use, a line for each reason.
func (h *health) unready() []string {
	if h.stops() {
		return []string{"process: stops"}
	}
	found := h.look()
	var lines []string
	for _, p := range h.parts {
		if line, missing := found[p.name]; missing {
			lines = append(lines, line)
		}
	}
	return lines
}

// look asks all parts at once, and returns those that are missing. Who asks at
// the same time shares the answer.
func (h *health) look() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) < readyFresh {
		return h.missing
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
	defer cancel()
	answers := make([]error, len(h.parts))
	var asking sync.WaitGroup
	for i, p := range h.parts {
		asking.Go(func() { answers[i] = p.ask(ctx) })
	}
	asking.Wait()
	found := map[string]string{}
	for i, p := range h.parts {
		var told missing
		switch {
		case errors.As(answers[i], &told):
			found[p.name] = string(told)
		case answers[i] != nil:
			found[p.name] = p.name + ": no answer"
			h.log.Debug("part is missing", "part", p.name, "err", answers[i])
		}
	}
	h.missing, h.asked = found, time.Now()
	return found
}

// handler answers for a process whose metrics are gathered from registry.
func (h *health) handler(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, h.sick(time.Now())) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, h.unready()) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn)}))
	return mux
}

func answer(w http.ResponseWriter, problems []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(problems) == 0 {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintln(w, strings.Join(problems, "\n"))
}

// Describe and Collect make health a prometheus.Collector of its own answers.
func (h *health) Describe(descriptions chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(h, descriptions)
}

// Collect asks the parts, unless it has just asked.
func (h *health) Collect(metrics chan<- prometheus.Metric) {
	ready := prometheus.NewDesc("secordesk_part_ready", "Whether this process gets the answers it needs from a part, as /readyz has it.", []string{"part"}, nil)
	stuck := prometheus.NewDesc("secordesk_handlers_stuck", "Handlers that did not end when their time was up.", nil, nil)
	found := h.look()
	for _, p := range h.parts {
		up := 1.0
		if _, missing := found[p.name]; missing {
			up = 0
		}
		metrics <- prometheus.MustNewConstMetric(ready, prometheus.GaugeValue, up, p.name)
	}
	metrics <- prometheus.MustNewConstMetric(stuck, prometheus.GaugeValue, float64(h.stuck()))
}

// newRegistry returns the metrics of a process, Go's own among them.
func newRegistry(all ...prometheus.Collector) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "secordesk_build_info", Help: "1, with the version of the program.",
		ConstLabels: prometheus.Labels{"version": version()}})
	build.Set(1)
	all = append(all, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, c := range all {
		err := registry.Register(c)
		if err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return registry, nil
}

// serve serves the health of a process at the address, until the returned function
// is called. A process that cannot have its address must not begin. Without an
// address nothing is served.
func (a listenAddress) serve(ctx context.Context, cases deskHealth, queue asynq.RedisConnOpt, meter *jobs.Meter, stuck func() int, log *slog.Logger) (func(), error) {
	if a == "" {
		return func() {}, nil
	}
	client, isRedis := queue.MakeRedisClient().(redis.UniversalClient)
	if !isRedis {
		return nil, errors.New("serve health: this kind of Redis cannot be asked")
	}
	h := newHealth(ctx, meter, stuck, []part{postgresPart(cases), redisPart(client)}, log)
	registry, err := newRegistry(h, meter, jobs.NewBacklogGauge(cases.Backlog, jobs.Kinds(), log))
	if err != nil {
		client.Close()
		return nil, err
	}
	stop, err := h.listen(ctx, string(a), registry)
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("serve health at HEALTH_ADDR: %w", err)
	}
	return func() { stop(); client.Close() }, nil
}

func (h *health) listen(ctx context.Context, address string, registry *prometheus.Registry) (func(), error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler:           h.handler(registry),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	h.log.Info("health is served", "address", listener.Addr().String())
	var serving sync.WaitGroup
	serving.Go(func() {
		err := server.Serve(listener)
		if !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("health is not served any more", "err", err)
		}
	})
	return func() {
		server.Close()
		serving.Wait()
	}, nil
}
