package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is one figure with its goal. Exactly one of least and most is set.
type row struct {
	title  string
	ours   string                  // name of a series
	of     func([]float64) float64 // what of a round's values counts
	over   []string                // names of series: ours is divided by the best of them
	least  float64                 // goal of that ratio
	most   float64                 // goal of the value itself
	peers  []string
	floors []string
}

func p99(values []float64) float64 { return quantile(values, 0.99) }

// rows returns the figures of the issue, in its order.
func rows() []row {
	noop := []string{"asynq/noop"}
	writes := []string{"floor/insert", "floor/cte", "floor/tx", "floor/redis"}
	path := []string{"asynq/path", "river/path-32", "river/path-100"}
	idle := []string{"asynq/idle", "asynq/idle-tuned", "river/idle"}
	return []row{
		{title: "pre-enqueued job with one fenced durable effect ÷ bare asynq no-op", ours: "ours/drain", of: median, over: noop, least: 0.28, peers: []string{"asynq/noop", "asynq/drain"}, floors: writes},
		{title: "the same, claims and completions batched (variant of the bench)", ours: "ours/drain-batched", of: median, over: noop, least: 0.40, peers: []string{"asynq/noop", "ours/drain-claims"}, floors: writes},
		{title: "whole path ÷ bare asynq no-op", ours: "ours/path", of: median, over: noop, least: 0.16, peers: path, floors: writes},
		{title: "whole path ÷ River over the same boundary", ours: "ours/path", of: median, over: []string{"river/path-32", "river/path-100"}, least: 1.5, peers: path},
		{title: "transaction that promises one job ÷ the same with one plain insert more, 32 clients", ours: "ours/promise-32", of: median, over: []string{"plain/insert-32"}, least: 0.95, peers: []string{"plain/insert-32", "plain/keyed-32"}, floors: []string{"floor/tx"}},
		{title: "the same, 8 clients", ours: "ours/promise-8", of: median, over: []string{"plain/insert-8"}, least: 0.95, peers: []string{"plain/insert-8", "plain/keyed-8"}},
		{title: "commit → handler start, idle, p50", ours: "ours/idle", of: median, most: 6, peers: idle, floors: []string{"floor/fsync"}},
		{title: "commit → handler start, idle, p99", ours: "ours/idle", of: p99, most: 15, peers: idle},
		{title: "kill -9 → runs elsewhere, lease 10 s, longest", ours: "ours/kill", of: slices.Max[[]float64], most: 15, peers: []string{"asynq/kill"}},
		{title: "Redis flushed under load → drained, none lost, longest", ours: "ours/flush", of: slices.Max[[]float64], most: 15},
	}
}

// findings are all series by name.
type findings map[string]series

// ratio returns ours over the best of the others, round by round.
func (f findings) ratio(r row) []float64 {
	best := f.best(r)
	return over(f[r.ours].perRound(r.of), f[best].perRound(r.of))
}

func (f findings) best(r row) string {
	return slices.MaxFunc(r.over, func(a, b string) int {
		if median(f[a].all()) < median(f[b].all()) {
			return -1
		}
		return 1
	})
}

// met says whether the goal is reached; false, false: it was not measured.
func (f findings) met(r row) (bool, bool) {
	if len(r.over) > 0 {
		ratios := f.ratio(r)
		return median(ratios) >= r.least, len(ratios) > 0
	}
	all := f[r.ours].all()
	if len(all) == 0 {
		return false, false
	}
	return r.of(all) <= r.most, true
}

//go:embed notes.md
var notes string

const head = `# The engine's speed

Written by ` + "`go run .`" + ` in this folder; ` + "`go run . -h`" + ` says more. Whoever reads absolute numbers should look at the
machine first: client, Postgres and Redis share its cores. The portable part is the ratios. Each is taken round by round
between what was measured in the same round; the table shows the median of the rounds and, in brackets, the smallest and
the largest. Contenders have 32 connections (our store its own 16) and do 32 jobs at a time unless their line says otherwise, have the same
effect – one row under a unique key, committed with synchronous_commit on – and prepare their statements. A fifth of the
jobs is done before the clock starts, so that nobody pays for opening connections.

`

// write puts table and plot into a folder.
func write(dir string, measured []series, machine string, o options) error {
	f := findings{}
	for _, s := range measured {
		f[s.name] = s
	}
	var text strings.Builder
	text.WriteString(head)
	fmt.Fprintf(&text, "%s\n%d runs of %d jobs.\n\n![the figures](results.svg)\n\n", machine, o.runs, o.jobs)
	f.writeGoals(&text)
	f.writeAll(&text, measured)
	text.WriteString("\n" + notes)
	err := os.WriteFile(filepath.Join(dir, "RESULTS.md"), []byte(text.String()), 0o644)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "results.svg"), []byte(f.plot()), 0o644)
}

func (f findings) writeGoals(text *strings.Builder) {
	text.WriteString("## Goals\n\n| Figure | Goal | Ours | Ratio | Peers | Floors | Met |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows() {
		met, known := f.met(r)
		if !known {
			continue
		}
		goal, ratio := "≤ "+number(r.most)+" "+f[r.ours].unit, ""
		if len(r.over) > 0 {
			ratios := f.ratio(r)
			goal, ratio = "≥ "+number(r.least), "**"+spread(median(ratios), ratios)+"**"
		}
		answer := "**no**"
		if met {
			answer = "yes"
		}
		fmt.Fprintf(text, "| %s | %s | %s | %s | %s | %s | %s |\n", r.title, goal, f.value(r.ours, r.of), ratio, f.values(r.peers, r.of), f.values(r.floors, r.of), answer)
	}
}

// quoted are figures of peers that take too long for every run: reference/jobs.md.
func quoted(name string) string {
	if name == "asynq/kill" {
		return "asynq/kill: 60–106 s (quoted from reference/jobs.md; -slow measures it)"
	}
	return ""
}

func (f findings) values(names []string, of func([]float64) float64) string {
	var found []string
	for _, name := range names {
		if len(f[name].rounds) > 0 {
			found = append(found, name+" "+f.value(name, of))
		} else if text := quoted(name); text != "" {
			found = append(found, text)
		}
	}
	return strings.Join(found, "<br>")
}

func (f findings) value(name string, of func([]float64) float64) string {
	s := f[name]
	return spread(of(s.all()), s.spreadOver(of)) + " " + s.unit
}

// spreadOver is one value of each round; of a single round that has many, those.
func (s series) spreadOver(of func([]float64) float64) []float64 {
	if len(s.rounds) == 1 {
		return s.rounds[0]
	}
	return s.perRound(of)
}

func spread(value float64, values []float64) string {
	if len(values) < 2 {
		return number(value)
	}
	return fmt.Sprintf("%s (%s–%s)", number(value), number(slices.Min(values)), number(slices.Max(values)))
}

// number shows three digits, or all that stand before the point.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func (f findings) writeAll(text *strings.Builder, measured []series) {
	text.WriteString("\n## All that was measured\n\nThe last column is CPU time for each job, transaction or call: this program with all its clients and workers / Postgres / Redis.\n\n" +
		"| Name | What | Median (min–max) | CPU µs |\n|---|---|---|---|\n")
	for _, s := range measured {
		fmt.Fprintf(text, "| %s | %s | %s | %s |\n", s.name, s.what, f.value(s.name, median), s.cost())
	}
}

// cost is the median of each part's CPU time.
func (s series) cost() string {
	var parts [3][]float64
	for _, e := range s.spent {
		if e.things > 0 && e.program > 0 {
			for i, d := range []time.Duration{e.program, e.postgres, e.redis} {
				parts[i] = append(parts[i], float64(d.Microseconds())/e.things)
			}
		}
	}
	if len(parts[0]) == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f / %.0f / %.0f", median(parts[0]), median(parts[1]), median(parts[2]))
}

// machine describes where this ran.
func (b *bench) machine(ctx context.Context) string {
	var postgres string
	err := b.owner.GetContext(ctx, &postgres, `SELECT split_part(version(), ' ', 2)`)
	if err != nil {
		postgres = "unknown"
	}
	redis := "unknown"
	info, err := b.redis.client.Info(ctx, "server").Result()
	if err == nil {
		redis = field(info, "redis_version:")
	}
	return fmt.Sprintf("%s; %d cores, %s, %s of memory; %s/%s, %s; Postgres %s (fsync and synchronous_commit on, shared_buffers 32 MB), Redis %s (no persistence), both on Unix sockets.\n",
		time.Now().UTC().Format("2 January 2006 15:04 UTC"), runtime.NumCPU(), fieldOf("/proc/cpuinfo", "model name"), gib(fieldOf("/proc/meminfo", "MemTotal")),
		runtime.GOOS, runtime.GOARCH, runtime.Version(), postgres, redis)
}

// fieldOf reads one line of a file that Linux has, and is "unknown" elsewhere.
func fieldOf(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	return strings.TrimLeft(field(string(text), name), "\t :")
}

func field(text, name string) string {
	_, rest, _ := strings.Cut(text, name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

func gib(kib string) string {
	var n float64
	_, err := fmt.Sscanf(kib, "%f kB", &n)
	if err != nil {
		return kib
	}
	return fmt.Sprintf("%.0f GiB", n/1024/1024)
}
