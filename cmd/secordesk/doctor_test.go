package main

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"secordesk/jobs"
	"secordesk/jobs/mail/sink"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/storetest"
)

// services starts a Redis and a mail server for a test and returns what the
// worker needs in its environment.
func services(t *testing.T) map[string]string {
	t.Helper()
	queue := miniredis.RunT(t)
	letters, err := sink.Open(t.TempDir(), sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { letters.Close() })
	return map[string]string{"REDIS_URL": "redis://" + queue.Addr(), "SMTP_URL": letters.URL(), "DESK_FROM": "desk@example.com", "DESK_NAME": "Prairie Safety Partners"}
}

func TestDoctor_Healthy(t *testing.T) {
	o := newOffice(t)
	maps.Copy(o.environ, services(t))
	o.now = time.Now().UTC().Add(500 * time.Millisecond) // the doctor minds a second, and a busy machine takes its time
	out := o.says("doctor", "^ok +configuration", "^ok +programme .* in force", "^ok +zones .*tzdata 2026", "^ok +postgres +version 1[5-9]",
		"^ok +migrations +all", "^(ok|warn) +role", "^ok +clock", "^ok +jobs", "^warn +redis", "^ok +mail")
	if strings.Contains(out, "fail") {
		t.Errorf("the doctor fails a healthy desk:\n%s", out)
	}
}

// TestDoctor_Invoices: what an invoice would lack is a warning until it is set.
func TestDoctor_Invoices(t *testing.T) {
	environ := map[string]string{}
	for _, step := range []struct {
		name, value   string
		tax, inFrench bool
	}{
		{"DESK_PHONE", "403 555 0142", true, false},
		{"PAYMENT_INSTRUCTIONS", "By Interac.", true, true},
		{"PAYMENT_INSTRUCTIONS_FR", "Par Interac.", true, false},
		{"TAX_NUMBER", "GST 12345 6789 RT0001", false, false},
	} {
		environ[step.name] = step.value
		terminal, out, _ := testTerminal(environ)
		run(t.Context(), []string{"doctor"}, terminal)
		tax := strings.Contains(out.String(), "warn invoices      they charge tax without a registration number; set TAX_NUMBER")
		inFrench := strings.Contains(out.String(), "warn invoices      those in French say in English how to pay; set PAYMENT_INSTRUCTIONS_FR")
		if tax != step.tax || inFrench != step.inFrench {
			t.Errorf("with %s: tax %t, French %t:\n%s", step.name, tax, inFrench, out)
		}
	}
}

// TestDoctor_AnothersRedis: the doctor tells whose it is, and takes none itself.
func TestDoctor_AnothersRedis(t *testing.T) {
	o := newOffice(t)
	maps.Copy(o.environ, services(t))
	o.now = time.Now().UTC()
	o.says("doctor", "^warn +redis")
	client := redisAt(t, o.environ["REDIS_URL"])
	owner, err := client.Get(t.Context(), "secordesk:desk").Result()
	if !errors.Is(err, redis.Nil) {
		t.Errorf("the doctor took the Redis for %q, %v", owner, err)
	}
	o.must(client.Set(t.Context(), "secordesk:desk", "another", 0).Err())
	terminal, out, _ := testTerminal(o.environ)
	terminal.now = wallClock
	status := run(t.Context(), []string{"doctor"}, terminal)
	if status != statusRefused || !strings.Contains(out.String(), "fail redis         this Redis serves another desk (another, this one is ") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// TestWorkerAndClock_AnothersRedis: neither uses it, however long its answer takes,
// and both say what to do.
func TestWorkerAndClock_AnothersRedis(t *testing.T) {
	o := newOffice(t) // with a job that a relay would wake
	maps.Copy(o.environ, services(t))
	queue := miniredis.RunT(t)
	var scripts atomic.Int64 // are all that asynq does
	queue.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		switch command {
		case "INFO":
			<-time.After(500 * time.Millisecond) // time enough for a relay or a worker that does not wait
		case "EVAL", "EVALSHA":
			scripts.Add(1)
		}
		return false
	})
	o.environ["REDIS_URL"] = "redis://" + queue.Addr()
	client := redisAt(t, o.environ["REDIS_URL"])
	o.must(client.Set(t.Context(), "secordesk:desk", "another", 0).Err())
	for _, command := range []string{"worker", "clock"} {
		terminal, _, errOut := testTerminal(o.environ)
		terminal.now = wallClock
		status := run(t.Context(), []string{command}, terminal)
		said := errOut.String()
		if status != statusRefused || !strings.HasPrefix(said, "this Redis serves another desk") || !strings.Contains(said, "DEL secordesk:desk") || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: status %d, said %q", command, status, said)
		}
	}
	keys, err := client.Keys(t.Context(), "asynq:*").Result()
	if err != nil || len(keys) > 0 || scripts.Load() > 0 {
		t.Errorf("another's Redis was used: %d scripts, %q, %v", scripts.Load(), keys, err)
	}
}

func redisAt(t *testing.T, address string) redis.UniversalClient {
	t.Helper()
	options, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	return client
}

func TestDoctor_NothingThere(t *testing.T) {
	terminal, out, errOut := testTerminal(map[string]string{"DATABASE_URL": "postgres://x@127.0.0.1:1/x?sslmode=disable",
		"REDIS_URL": "redis://127.0.0.1:1", "SMTP_URL": "smtp://127.0.0.1:1", "SWEEP_EVERY": "often"})
	status := run(t.Context(), []string{"doctor"}, terminal)
	if status != statusRefused || !strings.Contains(errOut.String(), "checks failed") {
		t.Errorf("status %d, %s", status, errOut)
	}
	for _, want := range []string{"DESK_FROM is missing; set it to the address that letters come from, such as desk@example.com", "SWEEP_EVERY", "fail postgres", "start Postgres", "fail redis", "start Redis", "fail mail"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the doctor does not say %q:\n%s", want, out)
		}
	}
}

func TestDoctor_Grades(t *testing.T) {
	at := time.Date(2026, time.March, 25, 12, 0, 0, 0, time.UTC)
	inTrouble := func(trouble store.Trouble, err error) finding { return jobsFindings(trouble, err)[0] }
	redis := func(state jobs.RedisState) finding { return redisGrades(state, "mine")[0] }
	tests := []struct {
		name string
		got  finding
		want grade
	}{
		{"Postgres 15.0", versionFinding(store.Health{Version: 150000}), gradeOK},
		{"Postgres 14.9", versionFinding(store.Health{Version: 140009}), gradeFail},
		{"nothing pending", migrationFinding(schema.Migrations{Applied: []string{"0001"}}), gradeOK},
		{"pending", migrationFinding(schema.Migrations{Pending: []string{"0001"}, Unknown: []int64{9}}), gradeFail},
		{"newer database", migrationFinding(schema.Migrations{Unknown: []int64{9}}), gradeWarn},
		{"a member of the role", roleFinding(store.Health{App: true}), gradeOK},
		{"a superuser", roleFinding(store.Health{App: true, Superuser: true}), gradeWarn},
		{"not a member", roleFinding(store.Health{Superuser: true}), gradeFail},
		{"within the question", skewFinding(at.Add(time.Minute), at, at.Add(2*time.Minute)), gradeOK},
		{"a second fast", skewFinding(at.Add(time.Second), at, at), gradeOK},
		{"more than a second slow", skewFinding(at.Add(-1001*time.Millisecond), at, at), gradeWarn},
		{"half a minute and more", skewFinding(at.Add(31*time.Second), at, at), gradeFail},
		{"no job in trouble", inTrouble(store.Trouble{}, nil), gradeOK},
		{"a failed job", inTrouble(store.Trouble{Failed: 1}, nil), gradeWarn},
		{"an ambiguous job", inTrouble(store.Trouble{Ambiguous: 1}, nil), gradeWarn},
		{"a kind paused", inTrouble(store.Trouble{Paused: 1}, nil), gradeWarn},
		{"a kind of another release", inTrouble(store.Trouble{Unknown: 1}, nil), gradeWarn},
		{"jobs that cannot be read", inTrouble(store.Trouble{}, errors.New("permission denied")), gradeFail},
		{"Redis 7", redis(jobs.RedisState{Version: "7.0.15", Policy: "noeviction", Desk: "mine"}), gradeOK},
		{"Redis 6", redis(jobs.RedisState{Version: "6.2.0", Policy: "noeviction"}), gradeFail},
		{"a Redis without a version", redis(jobs.RedisState{Policy: "noeviction"}), gradeWarn},
		{"eviction", redis(jobs.RedisState{Version: "7.0.15", Policy: "allkeys-lru", Limit: "1000"}), gradeFail},
		{"eviction without a bound", redis(jobs.RedisState{Version: "7.0.15", Policy: "allkeys-lru", Limit: "0"}), gradeWarn},
		{"unknown eviction", redis(jobs.RedisState{Version: "7.0.15"}), gradeWarn},
		{"another's Redis", redis(jobs.RedisState{Version: "7.0.15", Policy: "noeviction", Desk: "theirs"}), gradeFail},
	}
	for _, tt := range tests {
		if tt.got.grade != tt.want {
			t.Errorf("%s: %s %s, want %s", tt.name, tt.got.grade, tt.got.text, tt.want)
		}
		if tt.got.grade != gradeOK && tt.got.remedy == "" {
			t.Errorf("%s: no remedy", tt.name)
		}
	}
}

// Every trouble has the command that helps against it.
func TestDoctor_Jobs(t *testing.T) {
	o := newOffice(t) // whose own job is not due for long
	o.now = time.Now().UTC()
	for _, change := range []string{
		`UPDATE jobs SET not_before = now() - interval '7 minutes', woken_until = now() + interval '1 minute'`,
		`INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, not_before, state, finished_at)
			SELECT kind, case_id, cause, 'two', audience, recipient, now(), 'failed', now() FROM jobs WHERE id = 1`,
		`INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, not_before)
			SELECT 'later:release', case_id, cause, 'three', audience, recipient, now() FROM jobs WHERE id = 1`,
		`INSERT INTO pauses (kind, paused_at) VALUES ('request:send_welcome', now())`,
	} {
		_, err := storetest.DB(t).Exec(change)
		o.must(err)
	}
	terminal, out, _ := testTerminal(o.environ)
	terminal.now = wallClock
	run(t.Context(), []string{"doctor"}, terminal)
	for _, want := range []string{
		`warn jobs +1 failed; .*"secordesk jobs list"`,
		`warn jobs +1 kinds paused; "secordesk jobs resume `,
		`warn jobs +1 of a kind .*"secordesk jobs list --open"`,
		`warn worker +nobody has taken a job of the queue decisions for 7 minutes; is a worker running`,
	} {
		if !regexp.MustCompile("(?m)^" + want).MatchString(out.String()) {
			t.Errorf("the doctor does not say %s:\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "queue mail") {
		t.Errorf("the doctor asks for a worker where nothing waits:\n%s", out)
	}
}

func TestDoctor_StopsWaiting(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	terminal, _, _ := testTerminal(services(t))
	err := doctorCmd{}.Run(ctx, terminal)
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cancelled doctor: %v, want failed checks at once", err)
	}
}
