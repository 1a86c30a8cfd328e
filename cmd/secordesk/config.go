package main

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"secordesk/jobs"
	postbox "secordesk/jobs/mail"
)

// databaseConfig is what every command on cases needs from its environment.
type databaseConfig struct {
	DatabaseURL databaseURL `env:"DATABASE_URL,required"`        // secret
	LetterGrace grace       `env:"LETTER_GRACE" envDefault:"2m"` // 0s to a day; an undone decision takes its letters back
}

// workerConfig is what the worker needs.
type workerConfig struct {
	DatabaseURL databaseURL   `env:"DATABASE_URL,required"` // secret
	LetterGrace grace         `env:"LETTER_GRACE" envDefault:"2m"`
	RedisURL    redisURL      `env:"REDIS_URL,required"` // secret
	SMTPURL     smtpURL       `env:"SMTP_URL,required"`  // secret
	HealthAddr  listenAddress `env:"HEALTH_ADDR"`        // of /healthz, /readyz and /metrics; none: not served
	LogLevel    logLevel      `env:"LOG_LEVEL" envDefault:"info"`
	Decisions   atOnce        `env:"DECISIONS_AT_ONCE" envDefault:"8"` // 0: another process does them
	Mail        atOnce        `env:"MAIL_AT_ONCE" envDefault:"8"`
	Bulk        atOnce        `env:"BULK_AT_ONCE" envDefault:"2"`
	KeepJobs    days          `env:"KEEP_JOBS_DAYS" envDefault:"400"` // 1 to 36500; what is done or cancelled is purged after it

	Office  officeConfig
	Signing signingConfig // of the certificates that this office prints
}

// officeConfig is how the office presents itself on letters and papers: to the
// worker that sends them and to the command that previews them alike.
type officeConfig struct {
	From         address    `env:"DESK_FROM,required"` // letters are sent from here
	Name         name       `env:"DESK_NAME,required"` // signs letters and papers
	Address      lines      `env:"DESK_ADDRESS"`       // as on an envelope, lines apart by ";"
	Phone        name       `env:"DESK_PHONE"`
	VerifyURL    webAddress `env:"VERIFY_URL"`              // where a certificate's number is checked; none: not printed
	TaxNumber    name       `env:"TAX_NUMBER"`              // under which the office collects taxes, such as "GST 12345 6789 RT0001"
	HowToPay     lines      `env:"PAYMENT_INSTRUCTIONS"`    // on invoices, paragraphs apart by ";"; none: by cheque, or by calling
	HowToPayFR   lines      `env:"PAYMENT_INSTRUCTIONS_FR"` // the same in French; none: French letters say whom to ask
	AuditToolURL webAddress `env:"AUDIT_TOOL_URL"`          // where companies enter their self-assessments; none: letters do not say where
}

// present returns the office as letters know it, without a signature on papers.
func (c officeConfig) present() jobs.Office {
	return jobs.Office{Name: string(c.Name), Address: c.Address, Phone: string(c.Phone), From: string(c.From),
		VerifyURL: string(c.VerifyURL), AuditToolURL: string(c.AuditToolURL),
		TaxNumber: string(c.TaxNumber), HowToPay: c.HowToPay, HowToPayFrench: c.HowToPayFR}
}

// pace returns how a worker works. One that would do nothing is refused.
func (c workerConfig) pace() (jobs.Pace, error) {
	pace := jobs.DefaultPace()
	slots := map[jobs.Queue]atOnce{jobs.Decisions: c.Decisions, jobs.Mail: c.Mail, jobs.Bulk: c.Bulk}
	for i, lane := range pace.Lanes {
		pace.Lanes[i].Concurrency = int(slots[lane.Queue])
	}
	pace.Lanes = slices.DeleteFunc(pace.Lanes, func(l jobs.Lane) bool { return l.Concurrency == 0 })
	if len(pace.Lanes) == 0 {
		return jobs.Pace{}, configError{"DECISIONS_AT_ONCE, MAIL_AT_ONCE and BULK_AT_ONCE are all 0; this worker would do nothing"}
	}
	return pace, nil
}

// letterConfig is what a command needs that writes letters without sending them.
type letterConfig struct {
	DatabaseURL databaseURL `env:"DATABASE_URL,required"` // secret
	LetterGrace grace       `env:"LETTER_GRACE" envDefault:"2m"`
	Office      officeConfig
}

// clockConfig is what the clock needs.
type clockConfig struct {
	DatabaseURL databaseURL   `env:"DATABASE_URL,required"` // secret
	LetterGrace grace         `env:"LETTER_GRACE" envDefault:"2m"`
	RedisURL    redisURL      `env:"REDIS_URL,required"`           // secret
	SweepEvery  interval      `env:"SWEEP_EVERY" envDefault:"10s"` // a second to a day
	HealthAddr  listenAddress `env:"HEALTH_ADDR"`                  // of /healthz, /readyz and /metrics; none: not served
	LogLevel    logLevel      `env:"LOG_LEVEL" envDefault:"info"`
}

// secrets are the variables that may be given as NAME_FILE: the path of a file
// that holds the value. They are never printed.
var secrets = []string{"DATABASE_URL", "REDIS_URL", "SMTP_URL"}

// examples says of every required variable what to set it to.
var examples = map[string]string{
	"DATABASE_URL": "the desk's Postgres, such as " + exampleDatabase,
	"REDIS_URL":    "the desk's Redis, such as " + exampleRedis,
	"SMTP_URL":     "the mail server, such as smtp://user:password@mail.example.com:587",
	"DESK_FROM":    "the address that letters come from, such as " + exampleAddress,
	"DESK_NAME":    "the office's name on letters and papers, such as \"Prairie Safety Partners\"",
}

// Examples of values, for what is missing and what is malformed.
const (
	exampleDatabase = "postgres://user:password@host:5432/database?sslmode=verify-full"
	exampleRedis    = "redis://:password@host:6379/0"
	exampleAddress  = "desk@example.com"
)

// configError is everything that is wrong with the environment, one problem to a line.
type configError []string

func (e configError) Error() string {
	return "the configuration is not usable:\n  " + strings.Join(e, "\n  ")
}

// readConfig fills a config from the environment. Its error is a configError
// that names every variable that is missing or malformed, and no secret.
func readConfig[T any](environ map[string]string) (T, error) {
	var cfg T
	filled, problems := withFiles(environ)
	err := env.ParseWithOptions(&cfg, env.Options{Environment: filled})
	var all env.AggregateError
	switch {
	case errors.As(err, &all):
		names := variables(reflect.TypeOf(cfg))
		for _, one := range all.Errors {
			problems = append(problems, complaint(one, names))
		}
	case err != nil:
		return cfg, fmt.Errorf("read configuration: %w", err)
	}
	if len(problems) > 0 {
		return cfg, problems
	}
	return cfg, nil
}

// withFiles returns the environment with what the …_FILE variables point at.
// Empty variables count as not set, so that compose files can leave them blank.
func withFiles(environ map[string]string) (map[string]string, configError) {
	filled := map[string]string{}
	for name, value := range environ {
		if value != "" {
			filled[name] = value
		}
	}
	var problems configError
	for _, name := range secrets {
		path, given := filled[name+"_FILE"]
		if !given {
			continue
		}
		if filled[name] != "" {
			problems = append(problems, fmt.Sprintf("%s and %s_FILE are both set; keep one", name, name))
			continue
		}
		content, err := os.ReadFile(path)
		text := strings.TrimSpace(string(content))
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s_FILE cannot be read: %v", name, err))
		case text == "":
			problems = append(problems, fmt.Sprintf("%s_FILE: %s is empty", name, path))
		}
		filled[name] = text
	}
	return filled, problems
}

// complaint says in one line what is wrong with one variable.
func complaint(err error, names map[string]string) string {
	var missing env.VarIsNotSetError
	if errors.As(err, &missing) {
		remedy := missing.Key + " is missing; set it to " + examples[missing.Key]
		if slices.Contains(secrets, missing.Key) {
			remedy += ", or " + missing.Key + "_FILE to a file that holds it"
		}
		return remedy
	}
	var malformed env.ParseError
	if errors.As(err, &malformed) {
		return names[malformed.Name] + " " + malformed.Err.Error()
	}
	return err.Error()
}

// variables maps the field names of a config, and of the configs in it, to its
// variables.
func variables(config reflect.Type) map[string]string {
	names := map[string]string{}
	for _, field := range reflect.VisibleFields(config) {
		variable, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		if variable != "" {
			names[field.Name] = variable
		} else if field.Type.Kind() == reflect.Struct {
			maps.Copy(names, variables(field.Type))
		}
	}
	return names
}

// The types below say in their error what the value should be, as the rest of a
// sentence that begins with the variable's name. Those of secrets repeat no part
// of the value, and print as "(set)".

type databaseURL string

func (u *databaseURL) UnmarshalText(text []byte) error {
	dsn := string(text)
	parsed, err := url.Parse(dsn)
	isURL := err == nil && (parsed.Scheme == "postgres" || parsed.Scheme == "postgresql") && parsed.Host+parsed.RawQuery != ""
	if !isURL && (strings.Contains(dsn, "://") || !strings.Contains(dsn, "=")) {
		return errors.New("is not a Postgres address; write it as " + exampleDatabase)
	}
	*u = databaseURL(dsn)
	return nil
}

func (databaseURL) String() string   { return "(set)" }
func (databaseURL) GoString() string { return "(set)" }

type smtpURL string

func (u *smtpURL) UnmarshalText(text []byte) error {
	_, err := postbox.NewSender(string(text))
	if err != nil {
		return fmt.Errorf("is not usable: %w", err)
	}
	*u = smtpURL(text)
	return nil
}

func (smtpURL) String() string   { return "(set)" }
func (smtpURL) GoString() string { return "(set)" }

type address string

func (a *address) UnmarshalText(text []byte) error {
	parsed, err := mail.ParseAddress(string(text))
	if err != nil || parsed.Name != "" {
		return fmt.Errorf("%q is not a plain e-mail address such as "+exampleAddress, text)
	}
	*a = address(parsed.Address)
	return nil
}

type name string

func (n *name) UnmarshalText(text []byte) error {
	if len(text) > 200 || strings.ContainsFunc(string(text), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("must be one line of at most 200 bytes")
	}
	*n = name(text)
	return nil
}

type lines []string

func (l *lines) UnmarshalText(text []byte) error {
	for line := range strings.SplitSeq(string(text), ";") {
		var one name
		err := one.UnmarshalText([]byte(strings.TrimSpace(line)))
		if err != nil {
			return err
		}
		*l = append(*l, string(one))
	}
	return nil
}

type webAddress string

func (a *webAddress) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err != nil || parsed.Scheme != "https" || parsed.Host == "" || parsed.User != nil {
		return fmt.Errorf("%q is not an address such as https://verify.example.com/c/", text)
	}
	*a = webAddress(text)
	return nil
}

type interval time.Duration

func (i *interval) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Second || d > 24*time.Hour {
		return fmt.Errorf("%q is not a duration from 1s to 24h, such as 5m", text)
	}
	*i = interval(d)
	return nil
}

// atOnce is how many jobs of a queue a process does at the same time. It has 16
// connections to Postgres; more jobs than that would only wait for one another.
type atOnce int

func (n *atOnce) UnmarshalText(text []byte) error {
	given, err := strconv.Atoi(string(text))
	if err != nil || given < 0 || given > 16 {
		return fmt.Errorf("%q is not a number of jobs from 0 to 16", text)
	}
	*n = atOnce(given)
	return nil
}

// grace is an interval that may be 0.
type grace time.Duration

func (g *grace) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 || d > 24*time.Hour {
		return fmt.Errorf("%q is not a duration from 0s to 24h, such as 2m", text)
	}
	*g = grace(d)
	return nil
}

// days is a length of time by which something is kept.
type days int

func (d *days) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 36500 {
		return fmt.Errorf("%q is not a number of days from 1 to 36500, such as 400", text)
	}
	*d = days(n)
	return nil
}

func (d days) duration() time.Duration { return time.Duration(d) * 24 * time.Hour }
