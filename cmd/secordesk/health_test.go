package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	promodel "github.com/prometheus/common/model"

	"secordesk/jobs"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// Passwords that no log may show.
const (
	databaseSecret = "s3cret-of-postgres"
	redisSecret    = "s3cret-of-redis"
	mailSecret     = "s3cret-of-the-mail"
)

// await asks until the answer is yes, and fails the test after half a minute.
func await(t *testing.T, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !yes() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited half a minute for: %s", what)
		}
	}
}

// stoppable is a Redis of a test's own, with a password: a redis-server where one
// is installed, and else the one that the demo uses.
type stoppable struct {
	url         string
	start, stop func()
}

func startStoppable(t *testing.T) *stoppable {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		m := miniredis.RunT(t)
		m.RequireAuth(redisSecret)
		return &stoppable{url: "redis://:" + redisSecret + "@" + m.Addr(), start: func() { m.Restart() }, stop: m.Close}
	}
	dir, err := os.MkdirTemp("", "redis") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	var server *exec.Cmd
	r := &stoppable{url: "redis-socket://:" + redisSecret + "@" + socket}
	r.stop = func() {
		if server != nil {
			server.Process.Kill()
			server.Wait()
		}
		server = nil
	}
	r.start = func() {
		server = exec.Command(binary, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir, "--requirepass", redisSecret)
		err := server.Start()
		if err != nil {
			t.Fatal(err)
		}
		await(t, "redis-server", func() bool {
			conn, err := net.Dial("unix", socket)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	t.Cleanup(r.stop)
	r.start()
	return r
}

// startMailServer starts a mail server that refuses addresses with "bounce" and
// hangs up on a letter for one with "unsure" instead of saying whether it took it.
func startMailServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveMail(conn)
		}
	}()
	return "smtp://desk:" + mailSecret + "@" + listener.Addr().String()
}

func serveMail(conn net.Conn) {
	defer conn.Close()
	unsure, letter := false, false
	fmt.Fprint(conn, "220 ready\r\n")
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		verb, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " ")
		switch {
		case letter && lines.Text() != ".":
		case letter && unsure:
			return
		case letter:
			letter = false
			fmt.Fprint(conn, "250 kept\r\n")
		case verb == "EHLO":
			fmt.Fprint(conn, "250-mail\r\n250 AUTH PLAIN\r\n")
		case verb == "AUTH":
			fmt.Fprint(conn, "235 welcome\r\n")
		case verb == "RCPT" && strings.Contains(lines.Text(), "bounce"):
			fmt.Fprint(conn, "550 nobody here\r\n")
		case verb == "DATA":
			letter = true
			fmt.Fprint(conn, "354 go on\r\n")
		default:
			unsure = unsure || verb == "RCPT" && strings.Contains(lines.Text(), "unsure")
			fmt.Fprint(conn, "250 yes\r\n")
		}
	}
}

// served is an office whose processes serve their health, with a Redis and a mail
// server of its own.
func served(t *testing.T) (*office, *stoppable) {
	t.Helper()
	o, queue := newOffice(t), startStoppable(t)
	dsn := o.environ["DATABASE_URL"] + " password=" + databaseSecret
	if strings.Contains(dsn, "://") {
		dsn = strings.Replace(dsn, " password=", "&password=", 1)
	}
	maps.Copy(o.environ, map[string]string{"REDIS_URL": queue.url, "SMTP_URL": startMailServer(t), "DESK_FROM": "desk@example.com", "DESK_NAME": "Prairie",
		"DATABASE_URL": dsn, "LETTER_GRACE": "0s", "HEALTH_ADDR": "127.0.0.1:0", "LOG_LEVEL": "debug"})
	return o, queue
}

// site returns where the process serves its health.
func (p *process) site() string {
	p.t.Helper()
	p.awaits(`"health is served"`)
	logged, _ := p.log.read()
	found := regexp.MustCompile(`"health is served","address":"([^"]+)"`).FindStringSubmatch(logged)
	if found == nil {
		p.t.Fatalf("no address of health in:\n%s", logged)
	}
	return "http://" + found[1]
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// wantAnswer waits for an answer, and holds that the process is healthy meanwhile.
func wantAnswer(t *testing.T, site string, status int, body string) {
	t.Helper()
	await(t, body, func() bool {
		got, said := get(t, site+"/readyz")
		return got == status && said == body
	})
	if got, said := get(t, site+"/healthz"); got != http.StatusOK || said != "ok\n" {
		t.Errorf("while /readyz says %q, /healthz answers %d, %q, want ok", body, got, said)
	}
}

func TestHealth_Ready(t *testing.T) {
	for _, command := range []string{"worker", "clock"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			o, queue := served(t)
			p := o.start(command)
			site := p.site()
			wantAnswer(t, site, http.StatusOK, "ok\n")
			queue.stop()
			wantAnswer(t, site, http.StatusServiceUnavailable, "redis: no answer\n")
			queue.start()
			wantAnswer(t, site, http.StatusOK, "ok\n")
			owner := storetest.OwnerDB(t)
			_, err := owner.Exec(`UPDATE goose_db_version SET is_applied = false WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
			o.must(err)
			wantAnswer(t, site, http.StatusServiceUnavailable, "schema: run secordesk migrate\n")
			_, err = owner.Exec(`UPDATE goose_db_version SET is_applied = true`)
			o.must(err)
			wantAnswer(t, site, http.StatusOK, "ok\n")
			p.ends()
			_, err = http.Get(site + "/healthz")
			if err == nil {
				t.Error("health is served after the process ended")
			}
		})
	}
}

// samples are the metrics of a scrape by name and labels: `x{a="b"}`.
func scrape(t *testing.T, site string) (map[string]float64, map[string]map[string]bool) {
	t.Helper()
	status, text := get(t, site+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", status, text)
	}
	parser := expfmt.NewTextParser(promodel.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	samples, labels := map[string]float64{}, map[string]map[string]bool{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			var pairs []string
			for _, l := range m.GetLabel() {
				pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				if strings.HasPrefix(name, "secordesk_") {
					if labels[l.GetName()] == nil {
						labels[l.GetName()] = map[string]bool{}
					}
					labels[l.GetName()][l.GetValue()] = true
				}
			}
			key := name
			if len(pairs) > 0 {
				key += "{" + strings.Join(pairs, ",") + "}"
			}
			samples[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return samples, labels
}

// rejected opens and rejects a request of a company with this address.
func (o *office) rejected(opened *desk, n int, email string) {
	o.t.Helper()
	company := secor.Company{LegalName: email + " Ltd.", Province: "AB", Email: email, Contact: "Ana",
		Address: secor.Address{Street: "1 Main Street", City: "Calgary", Province: "AB", PostalCode: "T2P 1A1"}}
	id, _, err := opened.AddCompany(o.t.Context(), o.act(email), company, []secor.Registration{{Body: "ab-pir", Account: fmt.Sprintf("222000%d", n), GoodStanding: true}})
	o.must(err)
	at, err := opened.AddRequest(o.t.Context(), o.act("request "+email), id, "ab-pir", secor.Request{Reason: secor.ReasonNew, Headcount: 8})
	o.must(err)
	o.says(fmt.Sprintf(`case reject %d --reason "not here"`, at))
}

// A worker sends a letter, is refused another, and does not know about a third; a
// fourth waits because its kind rests.
func TestHealth_Metrics(t *testing.T) {
	o, _ := served(t)
	o.says(`jobs pause request:send_welcome --reason "wrong letterhead"`)
	p := o.start("worker")
	site := p.site()
	opened := o.open()
	o.says("case approve 1")
	for i, email := range []string{"office@one.example", "bounce@two.example", "unsure@three.example"} {
		o.rejected(opened, i, email)
	}
	// A job that only a later release knows waits for that one, and is no lag of ours.
	_, err := storetest.DB(t).Exec(`
		INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, promised_at, not_before)
		SELECT 'later:release', case_id, cause, 'later', audience, recipient, now() - interval '1 day', now() - interval '1 day'
		FROM jobs
		WHERE id = 1`)
	o.must(err)
	kind := string(secor.JobRejection)
	want := map[string]float64{
		`secordesk_jobs_claimed_total{kind="` + kind + `"}`:                        3,
		`secordesk_jobs_duration_seconds{kind="` + kind + `"}`:                     3,
		`secordesk_jobs_ended_total{kind="` + kind + `",outcome="done"}`:           1,
		`secordesk_jobs_ended_total{kind="` + kind + `",outcome="failed"}`:         1,
		`secordesk_jobs_ended_total{kind="` + kind + `",outcome="ambiguous"}`:      1,
		`secordesk_jobs_ended_total{kind="` + kind + `",outcome="retried"}`:        0,
		`secordesk_jobs_failed{kind="` + kind + `"}`:                               1,
		`secordesk_jobs_ambiguous{kind="` + kind + `"}`:                            1,
		`secordesk_jobs_failed{kind="unknown"}`:                                    0,
		`secordesk_jobs_kind_paused{kind="request:send_welcome"}`:                  1,
		`secordesk_jobs_kind_paused{kind="` + kind + `"}`:                          0,
		`secordesk_jobs_open{readiness="paused"}`:                                  1,
		`secordesk_jobs_open{readiness="runnable"}`:                                1,
		`secordesk_jobs_open{readiness="claimed"}`:                                 0,
		`secordesk_jobs_open_by_age{age="under_1m"}`:                               1,
		`secordesk_jobs_open_by_age{age="older"}`:                                  1,
		`secordesk_jobs_open_by_kind{kind="request:send_welcome"}`:                 1,
		`secordesk_relay_lag_seconds`:                                              0,
		`secordesk_jobs_oldest_unclaimed_seconds{queue="mail"}`:                    0,
		`secordesk_jobs_oldest_unclaimed_seconds{queue="bulk"}`:                    0,
		`secordesk_queue_slots{queue="decisions"}`:                                 8,
		`secordesk_queue_slots{queue="mail"}`:                                      8,
		`secordesk_handlers_stuck`:                                                 0,
		`secordesk_sends_in_flight`:                                                0,
		`secordesk_part_ready{part="postgres"}`:                                    1,
		`secordesk_part_ready{part="redis"}`:                                       1,
		`secordesk_loop_faults_total{loop="relay"}`:                                0,
		`secordesk_jobs_open_by_kind{kind="unknown"}`:                              1,
		`secordesk_jobs_promised_total`:                                            10, // the desk asks itself about each request, and somebody is to call whom a letter did not reach
		`secordesk_jobs_claimed_total{kind="` + string(secor.JobDecideNeed) + `"}`: 4,
	}
	var samples map[string]float64
	var labels map[string]map[string]bool
	settled := func() bool {
		samples, labels = scrape(t, site)
		for name, value := range want {
			got, there := samples[name]
			if !there || got != value {
				return false
			}
		}
		return true
	}
	late := time.Now().Add(20 * time.Second)
	await(t, "the metrics to settle", func() bool { return settled() || time.Now().After(late) })
	for name, value := range want {
		got, there := samples[name]
		if !there || got != value {
			t.Errorf("%s = %v (there: %v), want %v", name, got, there, value)
		}
	}
	for _, name := range []string{`secordesk_loop_turns_total{loop="relay"}`, `secordesk_loop_turns_total{loop="reconciler"}`, "go_goroutines", "process_resident_memory_bytes"} {
		if samples[name] <= 0 {
			t.Errorf("%s = %v, want more than 0", name, samples[name])
		}
	}
	if samples["secordesk_relay_wakes_total"] < 7 {
		t.Errorf("%v wake-ups, want one for each claim or more", samples["secordesk_relay_wakes_total"])
	}
	wantLabels(t, labels)
	_, text := get(t, site+"/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	p.ends()
}

// wantLabels holds that a label's values are among those that the program knows, so
// that no number of cases makes more of them.
func wantLabels(t *testing.T, labels map[string]map[string]bool) {
	t.Helper()
	kinds := []string{"unknown"}
	for _, k := range jobs.Kinds() {
		kinds = append(kinds, string(k.Name))
	}
	known := map[string][]string{
		"kind":      kinds,
		"outcome":   {"done", "cancelled", "failed", "ambiguous", "retried", "given_back", "lost"},
		"readiness": {"runnable", "waiting", "woken", "claimed", "paused"},
		"age":       {"under_1m", "under_10m", "under_1h", "under_1d", "older"},
		"loop":      {"relay", "reconciler"},
		"part":      {"postgres", "redis"},
		"queue":     {"decisions", "mail", "bulk"},
		"version":   {version()},
	}
	for label, values := range labels {
		for value := range values {
			if !slices.Contains(known[label], value) {
				t.Errorf("label %s has the value %q, want one of %v", label, value, known[label])
			}
		}
	}
	if len(ageCount()) != len(known["age"]) {
		t.Errorf("there are %d classes of age, want a label for each", len(ageCount()))
	}
}

func ageCount() []int { return make([]int, len(promise.Ages())+1) }

// A relay that hangs makes the process unhealthy, and one that goes on healthy again.
func TestHealth_StuckLoop(t *testing.T) {
	o, queue := served(t)
	opened := o.open()
	var redis redisURL
	o.must(redis.UnmarshalText([]byte(queue.url)))
	log := slog.New(slog.DiscardHandler)
	meter := jobs.NewMeter(nil, jobs.NewPulse(2*time.Second))
	stuck := 0
	h := newHealth(t.Context(), meter, func() int { return stuck }, nil, log)
	site := siteOf(t, h, meter)
	relay := jobs.NewRelay(opened, redis.connect, jobs.Kinds(), jobs.DefaultBeat(), log)
	relay.Meter = meter
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { relay.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	healthy := func() bool { status, _ := get(t, site+"/healthz"); return status == http.StatusOK }
	await(t, "a turn", healthy)

	hold, err := storetest.OwnerDB(t).Begin()
	o.must(err)
	defer hold.Rollback()
	_, err = hold.Exec(`LOCK TABLE jobs`)
	o.must(err)
	await(t, "an unhealthy process", func() bool { return !healthy() })
	_, said := get(t, site+"/healthz")
	if !regexp.MustCompile(`^relay: has not turned since 20\S+Z\n$`).MatchString(said) {
		t.Errorf("/healthz says %q, want the loop", said)
	}
	o.must(hold.Rollback())
	await(t, "a healthy process", healthy)

	// An outage is no reason to be started again: a pass that failed has turned.
	queue.stop()
	o.rejected(opened, 1, "office@one.example")
	relay.Signal()
	failed := func() bool {
		samples, _ := scrape(t, site)
		return samples[`secordesk_loop_faults_total{loop="relay"}`] >= 2
	}
	await(t, "two failed passes", failed)
	if !healthy() {
		t.Error("without Redis the process is unhealthy")
	}
	stuck = 2
	status, said := get(t, site+"/healthz")
	if status != http.StatusServiceUnavailable || said != "worker: handlers that do not end: 2\n" {
		t.Errorf("with stuck handlers /healthz answers %d, %q", status, said)
	}
}

func siteOf(t *testing.T, h *health, all ...prometheus.Collector) string {
	t.Helper()
	registry, err := newRegistry(append(all, h)...)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h.handler(registry))
	t.Cleanup(server.Close)
	return server.URL
}

// A process that stops in order is not ready, and no reason to kill it.
func TestHealth_Stopping(t *testing.T) {
	o := newOffice(t)
	opened := o.open()
	ctx, stop := context.WithCancel(t.Context())
	meter := jobs.NewMeter(nil, jobs.NewPulse(0))
	meter.Pulse.Turned("relay", 0, time.Now())
	site := siteOf(t, newHealth(ctx, meter, func() int { return 0 }, []part{postgresPart(opened)}, slog.New(slog.DiscardHandler)))
	want := func(path string, status int, body string) {
		t.Helper()
		got, said := get(t, site+path)
		if got != status || !strings.HasPrefix(said, body) {
			t.Errorf("%s answers %d, %q, want %d, %q", path, got, said, status, body)
		}
	}
	want("/healthz", http.StatusServiceUnavailable, "relay: ")
	want("/readyz", http.StatusOK, "ok\n")
	stop()
	want("/healthz", http.StatusOK, "ok\n")
	want("/readyz", http.StatusServiceUnavailable, "process: stops\n")
	want("/", http.StatusNotFound, "")
}

// Postgres is away: readiness says so without the reason, and a scrape has what
// the process knows by itself.
func TestHealth_NoPostgres(t *testing.T) {
	o := newOffice(t)
	opened := o.open()
	opened.Close()
	var text bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&text, nil))
	meter := jobs.NewMeter(jobs.Kinds(), jobs.NewPulse(time.Minute))
	h := newHealth(t.Context(), meter, func() int { return 0 }, []part{postgresPart(opened)}, log)
	site := siteOf(t, h, meter, jobs.NewBacklogGauge(opened.Backlog, jobs.Kinds(), log))
	status, said := get(t, site+"/readyz")
	if status != http.StatusServiceUnavailable || said != "postgres: no answer\n" {
		t.Errorf("/readyz answers %d, %q", status, said)
	}
	samples, _ := scrape(t, site)
	_, there := samples["secordesk_relay_lag_seconds"]
	if there || samples[`secordesk_part_ready{part="postgres"}`] != 0 || samples["go_goroutines"] == 0 {
		t.Errorf("a scrape without Postgres has a backlog: %v, and %v", there, samples)
	}
	if !strings.Contains(text.String(), `"msg":"waiting","who":"metrics"`) {
		t.Errorf("the log does not say why there is no backlog: %s", &text)
	}
}

// Scrapes that come together make one count.
func TestHealth_CountedOnce(t *testing.T) {
	counts := make(chan struct{}, 100)
	gauge := jobs.NewBacklogGauge(func(context.Context) (promise.Backlog, error) {
		counts <- struct{}{}
		return promise.Backlog{Newest: 7, Open: []promise.OpenJobs{
			{Kind: string(secor.JobRejection), Readiness: promise.Runnable, Jobs: 2, Overdue: 90 * time.Second},
			{Kind: string(secor.JobRejection), Readiness: promise.Woken, Jobs: 1, Overdue: 5 * time.Minute},
			{Kind: string(secor.JobRejection), Readiness: promise.Claimed, Jobs: 1, Overdue: time.Hour},
			{Kind: string(secor.JobDecideNeed), Readiness: promise.Paused, Jobs: 1, Overdue: time.Hour},
			{Kind: string(secor.JobDecideNeed), Readiness: promise.Waiting, Jobs: 1, Overdue: -time.Hour},
			{Kind: "later:release", Readiness: promise.Woken, Jobs: 1, Overdue: time.Hour},
		}}, nil
	}, jobs.Kinds(), slog.New(slog.DiscardHandler))
	h := newHealth(t.Context(), jobs.NewMeter(nil, jobs.NewPulse(time.Minute)), func() int { return 0 }, nil, slog.New(slog.DiscardHandler))
	site := siteOf(t, h, gauge)
	for range 10 {
		samples, _ := scrape(t, site)
		promised, lag := samples["secordesk_jobs_promised_total"], samples["secordesk_relay_lag_seconds"]
		if promised != 7 || lag != 90 {
			t.Errorf("promised = %v and lag = %v, want 7 and the 90 seconds of what may run", promised, lag)
		}
		for queue, want := range map[jobs.Queue]float64{jobs.Mail: 300, jobs.Decisions: 0, jobs.Bulk: 0} {
			got, there := samples[fmt.Sprintf("secordesk_jobs_oldest_unclaimed_seconds{queue=%q}", queue)]
			if !there || got != want {
				t.Errorf("the oldest unclaimed job of %s waits %v (there: %v), want %v", queue, got, there, want)
			}
		}
	}
	if n := len(counts); n == 0 || n > 3 {
		t.Errorf("10 scrapes at once counted %d times, want one a second", n)
	}
}

// Every alert goes by metrics that there are, and says what to do.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("../../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	meter := jobs.NewMeter(jobs.Kinds(), jobs.NewPulse(time.Minute))
	empty := func(context.Context) (promise.Backlog, error) { return promise.Backlog{}, nil }
	h := newHealth(t.Context(), meter, func() int { return 0 }, []part{{"redis", func(context.Context) error { return nil }}}, log)
	meter.Ledger(nil, time.Second)
	meter.Serves(jobs.DefaultPace().Lanes)
	samples, _ := scrape(t, siteOf(t, h, meter, jobs.NewBacklogGauge(empty, jobs.Kinds(), log)))
	there := map[string]bool{}
	for sample := range samples {
		name, _, _ := strings.Cut(sample, "{")
		there[name] = true
	}
	alerts := strings.Split(string(text), "- alert: ")[1:]
	if len(alerts) < 5 {
		t.Fatalf("%d alerts", len(alerts))
	}
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		expr := regexp.MustCompile(`(?m)^ +expr: (.*)$`).FindStringSubmatch(alert)
		if expr == nil || !strings.Contains(alert, " summary: ") || !strings.Contains(alert, " action: ") {
			t.Errorf("%s has no expression, or does not say what it means and what to do", name)
			continue
		}
		metrics := regexp.MustCompile(`secordesk_[a-z_]+`).FindAllString(expr[1], -1)
		if len(metrics) == 0 {
			t.Errorf("%s goes by no metric of ours", name)
		}
		for _, metric := range metrics {
			if !there[metric] {
				t.Errorf("%s goes by %s, which does not exist", name, metric)
			}
		}
		for _, command := range regexp.MustCompile(`"secordesk ([^"]*)"`).FindAllStringSubmatch(alert, -1) {
			terminal, _, _ := testTerminal(nil)
			_, err := parse(strings.Fields(strings.ReplaceAll(command[1], "NUMBER", "7")), terminal)
			if err != nil {
				t.Errorf("%s names a command that does not parse: %s: %v", name, command[0], err)
			}
		}
	}
}

func TestHealth_AddressTaken(t *testing.T) {
	o, _ := served(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	o.must(err)
	defer listener.Close()
	o.environ["HEALTH_ADDR"] = listener.Addr().String()
	for _, command := range []string{"worker", "clock"} {
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second) // one that starts all the same ends
		terminal, _, errOut := testTerminal(o.environ)
		status := run(ctx, []string{command}, terminal)
		stop()
		said := errOut.String()
		if status != statusRefused || !strings.Contains(said, "serve health at HEALTH_ADDR: ") || !strings.Contains(said, "address already in use") {
			t.Errorf("%s: status %d, %s; want a refusal to start", command, status, said)
		}
	}
}

func TestHealth_Configuration(t *testing.T) {
	for _, tt := range []struct{ variable, value, want string }{
		{"HEALTH_ADDR", "9464", "is not an address to listen at, such as :9464"},
		{"HEALTH_ADDR", ":http", "is not an address"},
		{"HEALTH_ADDR", ":65536", "is not an address"},
		{"HEALTH_ADDR", "http://x:80", "is not an address"},
		{"LOG_LEVEL", "loud", `"loud" is not debug, info, warn or error`},
		{"LOG_LEVEL", "INFO", "is not debug"},
		{"LOG_LEVEL", "warn", ""},
		{"HEALTH_ADDR", "[::1]:0", ""},
		{"HEALTH_ADDR", ":9464", ""},
	} {
		environ := goodEnvironment()
		environ[tt.variable] = tt.value
		_, worker := readConfig[workerConfig](environ)
		_, clock := readConfig[clockConfig](environ)
		for _, err := range []error{worker, clock} {
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.variable+" ") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s=%s: %v, want %q", tt.variable, tt.value, err, tt.want)
			}
		}
	}
}

// What processes log through letters of every fate, an outage of Redis and their
// end is lines of JSON with messages that never change, and no secret.
func TestLog_WordsAndSecrets(t *testing.T) {
	o, queue := served(t)
	o.environ["SWEEP_EVERY"] = "1s"
	worker, clock := o.start("worker"), o.start("clock")
	worker.awaits("worker starts")
	clock.awaits("clock starts")
	opened := o.open()
	for i, email := range []string{"office@one.example", "bounce@two.example", "unsure@three.example"} {
		o.rejected(opened, i, email)
	}
	for _, state := range []promise.State{promise.Done, promise.Failed, promise.Ambiguous} {
		worker.awaits(`"state":"` + string(state) + `"`)
	}
	queue.stop()
	worker.awaits(`"msg":"waiting"`)
	for _, p := range []*process{worker, clock} {
		wantAnswer(t, p.site(), http.StatusServiceUnavailable, "redis: no answer\n")
	}
	o.rejected(opened, 4, "office@four.example")
	queue.start()
	worker.awaits(`"going on"`)
	wantAnswer(t, clock.site(), http.StatusOK, "ok\n")
	worker.ends()
	clock.ends()
	for _, p := range []*process{worker, clock} {
		logged, _ := p.log.read()
		wantLog(t, p.name, logged+p.err.String())
	}
}

// A process of its own says nothing on its two outputs but lines of its log, also
// what libraries would say by themselves.
func TestLog_WholeProcess(t *testing.T) {
	o, queue := served(t)
	log := &logbook{grown: make(chan struct{})}
	worker := exec.Command(os.Args[0])
	worker.Args = []string{"secordesk", "worker"} // what testscript.Main goes by
	worker.Stdout, worker.Stderr = log, log
	for name, value := range o.environ {
		worker.Env = append(worker.Env, name+"="+value)
	}
	o.must(worker.Start())
	p := &process{t: t, name: "worker", log: log, err: &strings.Builder{}, ended: make(chan int, 1)}
	go func() { worker.Wait(); p.ended <- worker.ProcessState.ExitCode() }()
	t.Cleanup(func() { worker.Process.Kill() })
	o.rejected(o.open(), 1, "office@one.example")
	p.awaits(`"kind":"` + string(secor.JobRejection) + `"`)
	queue.stop()
	p.awaits(`"who":"queue mail"`)
	p.stop = func() { o.must(worker.Process.Signal(syscall.SIGTERM)) }
	p.ends()
	logged, _ := log.read()
	wantLog(t, p.name, logged)
}

func wantLog(t *testing.T, name, logged string) {
	t.Helper()
	constant := regexp.MustCompile(`^[a-z][a-z ,;]*[a-z]$`)
	for line := range strings.Lines(logged) {
		var entry struct {
			Time  time.Time
			Level string
			Msg   string
			Job   int64
			Act   string
		}
		err := json.Unmarshal([]byte(line), &entry)
		switch {
		case err != nil:
			t.Errorf("%s: a line is no JSON: %v: %s", name, err, line)
		case entry.Time.IsZero() || entry.Level == "" || !constant.MatchString(entry.Msg):
			t.Errorf("%s: a line has no constant lower-case message: %s", name, line)
		case entry.Msg == "job ended" && (entry.Job == 0 || entry.Act == ""):
			t.Errorf("%s: a line about an act does not name it: %s", name, line)
		}
		for _, secret := range []string{databaseSecret, redisSecret, mailSecret, "s3cret", "password", "postgres://", "redis://", "redis-socket://", "smtp://"} {
			if strings.Contains(line, secret) {
				t.Errorf("%s: a line shows %q: %s", name, secret, line)
			}
		}
	}
	if !strings.Contains(logged, `"level":"DEBUG"`) {
		t.Errorf("%s: LOG_LEVEL=debug logged nothing of that level", name)
	}
}
