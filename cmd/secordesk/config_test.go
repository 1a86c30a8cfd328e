package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/jobs"
	"secordesk/store"
)

func goodEnvironment() map[string]string {
	return map[string]string{
		"DATABASE_URL": "postgres://desk:s3cret@db:5432/desk?sslmode=disable",
		"REDIS_URL":    "redis://:s3cret@queue:6379/0",
		"SMTP_URL":     "smtp://desk:s3cret@mail.example.com:587",
		"DESK_FROM":    "desk@example.com",
		"DESK_NAME":    "Prairie Safety Partners",
	}
}

func TestReadConfig(t *testing.T) {
	cfg, err := readConfig[workerConfig](goodEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	if string(cfg.DatabaseURL) != "postgres://desk:s3cret@db:5432/desk?sslmode=disable" || cfg.Office.From != "desk@example.com" {
		t.Errorf("readConfig = %v", cfg)
	}
	if cfg.KeepJobs.duration() != store.DefaultKeep {
		t.Errorf("KeepJobs = %v, want the default", cfg.KeepJobs.duration())
	}
	if time.Duration(cfg.LetterGrace) != 2*time.Minute {
		t.Errorf("LetterGrace = %v, want the default", time.Duration(cfg.LetterGrace))
	}
	environ := goodEnvironment()
	environ["DESK_ADDRESS"], environ["LETTER_GRACE"] = "1 Main Street; Calgary AB  T2P 1A1", "0s"
	cfg, err = readConfig[workerConfig](environ)
	if err != nil || len(cfg.Office.Address) != 2 || cfg.Office.Address[1] != "Calgary AB  T2P 1A1" || cfg.LetterGrace != 0 {
		t.Errorf("readConfig = %v, %v, want two lines of address and no grace", cfg, err)
	}
	clock, err := readConfig[clockConfig](goodEnvironment())
	if err != nil || time.Duration(clock.SweepEvery) != 10*time.Second {
		t.Errorf("SweepEvery = %v, %v, want 10s", time.Duration(clock.SweepEvery), err)
	}
}

// TestOfficeConfig: a preview presents the office as the worker does, with all that
// letters and papers know of it.
func TestOfficeConfig(t *testing.T) {
	environ := goodEnvironment()
	maps.Copy(environ, map[string]string{"DESK_ADDRESS": "1 Main Street; Calgary", "DESK_PHONE": "403 555 0142", "VERIFY_URL": "https://verify.example/c/",
		"TAX_NUMBER": "GST 12345 6789 RT0001", "PAYMENT_INSTRUCTIONS": "By Interac.", "PAYMENT_INSTRUCTIONS_FR": "Par Interac.", "AUDIT_TOOL_URL": "https://audit.example/"})
	worker, err := readConfig[workerConfig](environ)
	if err != nil {
		t.Fatal(err)
	}
	letter, err := readConfig[letterConfig](environ)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(worker.Office.present(), letter.Office.present()); diff != "" {
		t.Errorf("a preview is not as the letter leaves (-worker +preview):\n%s", diff)
	}
	office := reflect.ValueOf(letter.Office.present())
	for i := range office.NumField() {
		if name := office.Type().Field(i).Name; office.Field(i).IsZero() && name != "Signing" {
			t.Errorf("no variable gives the office its %s", name)
		}
	}
	environ["TAX_NUMBER"] = strings.Repeat("9", 201)
	_, err = readConfig[letterConfig](environ)
	if err == nil || !strings.Contains(err.Error(), "TAX_NUMBER must be one line") {
		t.Errorf("a bad value: %v", err)
	}
}

func TestWorkerConfig_Pace(t *testing.T) {
	tests := []struct {
		name    string
		environ map[string]string
		want    map[jobs.Queue]int
		says    string
	}{
		{"as it comes", nil, map[jobs.Queue]int{jobs.Decisions: 8, jobs.Mail: 8, jobs.Bulk: 2}, ""},
		{"letters alone", map[string]string{"DECISIONS_AT_ONCE": "0", "MAIL_AT_ONCE": "16", "BULK_AT_ONCE": "0"}, map[jobs.Queue]int{jobs.Mail: 16}, ""},
		{"nothing", map[string]string{"DECISIONS_AT_ONCE": "0", "MAIL_AT_ONCE": "0", "BULK_AT_ONCE": "0"}, nil, "would do nothing"},
		{"more than it has connections", map[string]string{"MAIL_AT_ONCE": "17"}, nil, `MAIL_AT_ONCE "17" is not a number of jobs from 0 to 16`},
		{"fewer than none", map[string]string{"BULK_AT_ONCE": "-1"}, nil, `BULK_AT_ONCE "-1" is not`},
		{"no number", map[string]string{"DECISIONS_AT_ONCE": "many"}, nil, `DECISIONS_AT_ONCE "many" is not`},
	}
	for _, tt := range tests {
		environ := goodEnvironment()
		maps.Copy(environ, tt.environ)
		cfg, err := readConfig[workerConfig](environ)
		var pace jobs.Pace
		if err == nil {
			pace, err = cfg.pace()
		}
		if tt.says != "" {
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
			}
			continue
		}
		got := map[jobs.Queue]int{}
		for _, lane := range pace.Lanes {
			got[lane.Queue] = lane.Concurrency
		}
		if err != nil || !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestReadConfig_AllProblemsAtOnce(t *testing.T) {
	_, err := readConfig[workerConfig](map[string]string{"REDIS_URL": "http://x", "DESK_FROM": "nobody", "VERIFY_URL": "http://x", "LETTER_GRACE": "soon"})
	var problems configError
	if !errors.As(err, &problems) {
		t.Fatalf("readConfig: %v, want a configError", err)
	}
	for _, variable := range []string{"DATABASE_URL", "REDIS_URL", "SMTP_URL", "DESK_FROM", "DESK_NAME", "VERIFY_URL", "LETTER_GRACE"} {
		if strings.Count(err.Error(), "\n  "+variable+" ") != 1 {
			t.Errorf("%s is not named once in:\n%v", variable, err)
		}
	}
	if len(problems) != 7 {
		t.Errorf("%d problems, want 7:\n%v", len(problems), err)
	}
}

// TestReadConfig_EveryMissingVariableHasAnExample takes each example over as the
// value: it must be a good one.
func TestReadConfig_EveryMissingVariableHasAnExample(t *testing.T) {
	_, worker := readConfig[workerConfig](nil)
	_, clock := readConfig[clockConfig](nil)
	var missing, all configError
	for _, err := range []error{worker, clock} {
		if !errors.As(err, &missing) {
			t.Fatalf("readConfig: %v, want a configError", err)
		}
		all = append(all, missing...)
	}
	environ := map[string]string{}
	for _, problem := range all {
		variable, rest, _ := strings.Cut(problem, " is missing; set it to ")
		_, example, found := strings.Cut(rest, ", such as ")
		if !found {
			t.Errorf("no example value: %s", problem)
		}
		example, file, _ := strings.Cut(example, ", or ")
		if slices.Contains(secrets, variable) != strings.HasPrefix(file, variable+"_FILE") {
			t.Errorf("a secret, and nothing else, may be given as a file: %s", problem)
		}
		environ[variable] = strings.Trim(example, `"`)
	}
	_, worker = readConfig[workerConfig](environ)
	_, clock = readConfig[clockConfig](environ)
	if worker != nil || clock != nil {
		t.Errorf("the examples are no values: %v, %v", worker, clock)
	}
}

func TestReadConfig_BadValues(t *testing.T) {
	tests := []struct {
		variable, value, want string
	}{
		{"DATABASE_URL", "", "DATABASE_URL is missing; set it to the desk's Postgres, such as postgres://"},
		{"DATABASE_URL", "mysql://s3cret@db/desk", "DATABASE_URL is not a Postgres address"},
		{"DATABASE_URL", "s3cret", "DATABASE_URL is not a Postgres address"},
		{"DATABASE_URL", "postgres://", "DATABASE_URL is not a Postgres address"},
		{"DATABASE_URL", "postgres://a:s3cret%zz@db/desk", "DATABASE_URL is not a Postgres address"},
		{"REDIS_URL", "s3cret:6379", "REDIS_URL is not a Redis address"},
		{"REDIS_URL", "redis://:s3cret@queue:6379/zero", "REDIS_URL is not a Redis address"},
		{"SMTP_URL", "mail.example.com", "SMTP_URL is not usable: mail URL must begin with smtp://"},
		{"SMTP_URL", "smtp://desk:s3cret@", "SMTP_URL is not usable: mail URL names no host"},
		{"SMTP_URL", "smtp://desk:s3cret@mail.example.com:99999", "SMTP_URL is not usable: mail URL has a port"},
		{"DESK_FROM", "", "DESK_FROM is missing; set it to the address that letters come from, such as desk@example.com"},
		{"DESK_FROM", "Desk <desk@example.com>", "DESK_FROM \"Desk <desk@example.com>\" is not a plain e-mail address"},
		{"DESK_FROM", "desk@example.com\r\nBcc: x@example.com", "is not a plain e-mail address"},
		{"DESK_NAME", "Desk\nBcc: x", "DESK_NAME must be one line"},
		{"DESK_ADDRESS", "1 Main St;\x00", "DESK_ADDRESS must be one line"},
		{"LETTER_GRACE", "-1s", "LETTER_GRACE \"-1s\" is not a duration from 0s to 24h"},
		{"KEEP_JOBS_DAYS", "0", "KEEP_JOBS_DAYS \"0\" is not a number of days from 1 to 36500"},
		{"KEEP_JOBS_DAYS", "400d", "KEEP_JOBS_DAYS \"400d\" is not a number of days"},
		{"KEEP_JOBS_DAYS", "36501", "is not a number of days from 1 to 36500"},
		{"VERIFY_URL", "http://example.com/", "VERIFY_URL \"http://example.com/\" is not an address such as https://"},
		{"VERIFY_URL", "https://", "VERIFY_URL \"https://\" is not an address"},
	}
	for _, tt := range tests {
		environ := goodEnvironment()
		environ[tt.variable] = tt.value
		_, err := readConfig[workerConfig](environ)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s=%q: %v, want %q", tt.variable, tt.value, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s=%q: the error repeats the secret: %v", tt.variable, tt.value, err)
		}
	}
}

func TestReadConfig_SweepEvery(t *testing.T) {
	for _, value := range []string{"5", "0s", "-1m", "25h", "soon", "999ms"} {
		environ := goodEnvironment()
		environ["SWEEP_EVERY"] = value
		_, err := readConfig[clockConfig](environ)
		if err == nil || !strings.Contains(err.Error(), "SWEEP_EVERY") || !strings.Contains(err.Error(), "from 1s to 24h") {
			t.Errorf("SWEEP_EVERY=%s: %v, want a refusal that names the bounds", value, err)
		}
	}
}

func TestReadConfig_Files(t *testing.T) {
	dir := t.TempDir()
	full, empty := filepath.Join(dir, "full"), filepath.Join(dir, "empty")
	for file, content := range map[string]string{full: "postgres://f:s3cret@db/desk?sslmode=disable\n", empty: "\n"} {
		err := os.WriteFile(file, []byte(content), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		change map[string]string
		want   string
	}{
		{"value from a file", map[string]string{"DATABASE_URL": "", "DATABASE_URL_FILE": full}, ""},
		{"both", map[string]string{"DATABASE_URL_FILE": full}, "DATABASE_URL and DATABASE_URL_FILE are both set"},
		{"no such file", map[string]string{"DATABASE_URL": "", "DATABASE_URL_FILE": full + "x"}, "DATABASE_URL_FILE cannot be read"},
		{"empty file", map[string]string{"DATABASE_URL": "", "DATABASE_URL_FILE": empty}, "is empty"},
	}
	for _, tt := range tests {
		environ := goodEnvironment()
		maps.Copy(environ, tt.change)
		cfg, err := readConfig[databaseConfig](environ)
		if tt.want == "" {
			if err != nil || !strings.HasPrefix(string(cfg.DatabaseURL), "postgres://f:") {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Count(err.Error(), "\n") != 1 {
			t.Errorf("%s: more than one problem is named: %v", tt.name, err)
		}
	}
}

func TestConfig_NeverPrintsSecrets(t *testing.T) {
	cfg, err := readConfig[workerConfig](goodEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, cfg); strings.Contains(text, "s3cret") {
			t.Errorf("%s prints a secret: %s", verb, text)
		}
	}
}

func FuzzReadConfig(f *testing.F) {
	for name, value := range goodEnvironment() {
		f.Add(name, value)
	}
	f.Add("REDIS_URL", "redis-sentinel://:pw@a:1,b:2?master=x")
	f.Add("VERIFY_URL", "https://x/%zz")
	f.Add("LETTER_GRACE", "1h1h")
	f.Fuzz(func(t *testing.T, variable, value string) {
		environ := goodEnvironment()
		environ[variable] = value
		_, err := readConfig[workerConfig](environ)
		if err == nil {
			return
		}
		_, known := goodEnvironment()[variable]
		if text := err.Error(); known && strings.Count(text, variable) == 0 {
			t.Errorf("%s=%q: the error does not name the variable: %s", variable, value, text)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s=%q: the error repeats another variable's secret: %v", variable, value, err)
		}
	})
}
