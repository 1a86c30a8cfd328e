package jobs

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"secordesk/store/promise"
)

const (
	backlogLimit = 2 * time.Second // for Postgres to count
	backlogFresh = time.Second     // a count serves every scrape for so long
)

// BacklogGauge is a prometheus.Collector of what all processes of the desk together
// have still to do, counted in Postgres when it is scraped. When Postgres gives no
// answer in time it has no metrics, and the scrape has the others.
type BacklogGauge struct {
	count  func(context.Context) (promise.Backlog, error)
	kinds  []string
	queues map[string]Queue // by kind
	asked  func(error)

	mu      sync.Mutex
	counted time.Time
	last    []prometheus.Metric
	newest  int64 // never falls, also when finished jobs are removed
}

// NewBacklogGauge returns a gauge that counts by these kinds; jobs of all others are
// one kind, "unknown".
func NewBacklogGauge(count func(context.Context) (promise.Backlog, error), kinds []Kind, log *slog.Logger) *BacklogGauge {
	g := &BacklogGauge{count: count, queues: map[string]Queue{}, asked: outage(log, "metrics")}
	for _, k := range kinds {
		g.kinds = append(g.kinds, string(k.Name))
		g.queues[string(k.Name)] = k.Queue
	}
	g.kinds = append(g.kinds, unknownKind)
	return g
}

// backlogDescs are the metrics of a backlog.
type backlogDescs struct {
	promised, open, ages, kinds, failed, ambiguous, paused, lag, unclaimed, txn *prometheus.Desc
}

func newBacklogDescs() backlogDescs {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return backlogDescs{
		promised: desc("secordesk_jobs_promised_total", "Jobs promised since the desk began: the number of the newest, which also counts the few whose transaction was rolled back."),
		open:     desc("secordesk_jobs_open", "Jobs to be done, by what they wait for.", "readiness"),
		ages:     desc("secordesk_jobs_open_by_age", "Jobs to be done, by the time since they were promised; each is in one class.", "age"),
		kinds:    desc("secordesk_jobs_open_by_kind", "Jobs to be done, by kind; unknown are those of another release.", "kind"),
		failed:   desc("secordesk_jobs_failed", "Failed jobs that wait for a person, by kind.", "kind"),
		ambiguous: desc("secordesk_jobs_ambiguous", "Jobs of which nobody knows whether their letter left, that wait for a person, by kind.",
			"kind"),
		paused: desc("secordesk_jobs_kind_paused", "Whether a person lets the kind of jobs rest.", "kind"),
		lag:    desc("secordesk_relay_lag_seconds", "How long the oldest job that could run has waited for a relay to wake it; paused and unknown kinds do not count."),
		unclaimed: desc("secordesk_jobs_oldest_unclaimed_seconds", "How long the oldest job that could run has waited for a worker to take it, by queue; paused and unknown kinds do not count.",
			"queue"),
		txn: desc("secordesk_database_oldest_transaction_seconds", "How long the oldest transaction of this user in the desk's database has been open."),
	}
}

// Describe and Collect make the gauge a prometheus.Collector.
func (g *BacklogGauge) Describe(descriptions chan<- *prometheus.Desc) {
	d := newBacklogDescs()
	for _, one := range []*prometheus.Desc{d.promised, d.open, d.ages, d.kinds, d.failed, d.ambiguous, d.paused, d.lag, d.unclaimed, d.txn} {
		descriptions <- one
	}
}

// Collect counts, unless it has just counted.
func (g *BacklogGauge) Collect(metrics chan<- prometheus.Metric) {
	for _, m := range g.fresh(wall()) {
		metrics <- m
	}
}

// fresh lets scrapes that come together wait for one count.
func (g *BacklogGauge) fresh(now time.Time) []prometheus.Metric {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.counted.IsZero() && now.Sub(g.counted) < backlogFresh {
		return g.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), backlogLimit)
	defer cancel()
	b, err := g.count(ctx)
	g.asked(err)
	g.last, g.counted = nil, wall()
	if err == nil {
		g.newest = max(g.newest, b.Newest)
		g.last = g.metrics(b)
	}
	return g.last
}

// tally counts jobs by the labels of one metric.
type tally map[string]int

func (g *BacklogGauge) metrics(b promise.Backlog) []prometheus.Metric {
	d := newBacklogDescs()
	all := []prometheus.Metric{
		prometheus.MustNewConstMetric(d.promised, prometheus.CounterValue, float64(g.newest)),
		prometheus.MustNewConstMetric(d.txn, prometheus.GaugeValue, b.OldestTxn.Seconds()),
	}
	failed, ambiguous, paused := tally{}, tally{}, tally{}
	for _, t := range b.Troubled {
		if t.State == promise.Failed {
			failed[g.label(t.Kind)] += t.Jobs
		} else {
			ambiguous[g.label(t.Kind)] += t.Jobs
		}
	}
	for _, kind := range b.Paused {
		paused[g.label(kind)]++
	}
	all = append(all, gauges(d.failed, g.kinds, failed)...)
	all = append(all, gauges(d.ambiguous, g.kinds, ambiguous)...)
	all = append(all, gauges(d.paused, g.kinds, paused)...)
	return append(all, g.openMetrics(d, b.Open)...)
}

func (g *BacklogGauge) openMetrics(d backlogDescs, open []promise.OpenJobs) []prometheus.Metric {
	readiness, ages, kinds := tally{}, tally{}, tally{}
	var lag time.Duration
	unclaimed := map[Queue]time.Duration{}
	for _, o := range open {
		kind := g.label(o.Kind)
		readiness[string(o.Readiness)] += o.Jobs
		ages[ageLabels()[o.Age]] += o.Jobs
		kinds[kind] += o.Jobs
		if o.Readiness == promise.Runnable && kind != unknownKind {
			lag = max(lag, o.Overdue)
		}
		// A relay wakes a job again for as long as no worker takes it.
		if o.Readiness == promise.Runnable || o.Readiness == promise.Woken {
			queue := g.queues[o.Kind]
			unclaimed[queue] = max(unclaimed[queue], o.Overdue)
		}
	}
	var names []string
	for _, r := range promise.Readinesses() {
		names = append(names, string(r))
	}
	all := []prometheus.Metric{prometheus.MustNewConstMetric(d.lag, prometheus.GaugeValue, lag.Seconds())}
	for _, queue := range Queues() {
		all = append(all, prometheus.MustNewConstMetric(d.unclaimed, prometheus.GaugeValue, unclaimed[queue].Seconds(), string(queue)))
	}
	all = append(all, gauges(d.open, names, readiness)...)
	all = append(all, gauges(d.ages, ageLabels(), ages)...)
	return append(all, gauges(d.kinds, g.kinds, kinds)...)
}

// ageLabels names the classes that promise.Ages divides.
func ageLabels() []string {
	return []string{"under_1m", "under_10m", "under_1h", "under_1d", "older"}
}

func (g *BacklogGauge) label(kind string) string {
	if slices.Contains(g.kinds, kind) {
		return kind
	}
	return unknownKind
}

// gauges returns a metric for every name, so that none is missing when it is 0.
func gauges(desc *prometheus.Desc, names []string, counts tally) []prometheus.Metric {
	all := make([]prometheus.Metric, len(names))
	for i, name := range names {
		all[i] = prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(counts[name]), name)
	}
	return all
}
