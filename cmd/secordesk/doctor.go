package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/secor"
)

// doctorCmd is "secordesk doctor".
type doctorCmd struct{}

// Help returns the examples.
func (doctorCmd) Help() string {
	return `The doctor looks and changes nothing. Each line is ok, warn or fail, with the remedy; the status is 1 when one fails.

Examples:

	secordesk doctor`
}

// grade is how serious a finding is.
type grade string

const (
	gradeOK   grade = "ok"
	gradeWarn grade = "warn"
	gradeFail grade = "fail"
)

// finding is one line of the doctor's.
type finding struct {
	grade  grade
	about  string
	text   string
	remedy string
}

func ok(about, format string, args ...any) finding {
	return finding{gradeOK, about, fmt.Sprintf(format, args...), ""}
}

// patience bounds each question to another machine.
const patience = 5 * time.Second

// What the desk is built for.
const (
	oldestPostgres = 15_00_00
	zoneData       = "2026f" // knows the western provinces' rules of 2026
	skewWarn       = time.Second
	skewFail       = 30 * time.Second
)

// Run examines everything and reports it all.
func (doctorCmd) Run(ctx context.Context, t *terminal) error {
	cfg, worker := readConfig[workerConfig](t.env)
	_, clock := readConfig[clockConfig](t.env)
	findings := slices.Concat([]finding{ok("program", "secordesk %s", version())}, configFindings(worker, clock), programmeFindings(t.now()), signingFindings(cfg.Signing, t.now()),
		invoiceFindings(cfg.Office, t.now()))
	if cfg.DatabaseURL != "" {
		findings = append(findings, databaseFindings(ctx, string(cfg.DatabaseURL), t.now)...)
	}
	if cfg.RedisURL.connect != nil {
		findings = append(findings, redisFindings(ctx, cfg.RedisURL.connect, deskID(ctx, cfg, t.now))...)
	}
	if cfg.SMTPURL != "" {
		findings = append(findings, mailFinding(ctx, string(cfg.SMTPURL)))
	}
	return report(t, findings)
}

func report(t *terminal, findings []finding) error {
	failed := 0
	for _, f := range findings {
		colour := map[grade]ink{gradeOK: green, gradeWarn: yellow, gradeFail: red}[f.grade]
		text := f.text
		if f.remedy != "" {
			text += "; " + f.remedy
		}
		_, err := fmt.Fprintf(t.out, "%s%s %-13s %s\n", t.paint(colour, string(f.grade)), strings.Repeat(" ", 4-len(f.grade)), f.about, text)
		if err != nil {
			return err
		}
		if f.grade == gradeFail {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(findings))
	}
	return nil
}

// configFindings names each problem once, whichever processes have it.
func configFindings(errs ...error) []finding {
	var findings []finding
	for _, err := range errs {
		var problems configError
		if err != nil && !errors.As(err, &problems) {
			problems = configError{err.Error()}
		}
		for _, p := range problems {
			f := finding{gradeFail, "configuration", p, ""}
			if !slices.Contains(findings, f) {
				findings = append(findings, f)
			}
		}
	}
	if len(findings) == 0 {
		return []finding{ok("configuration", "everything that worker and clock need is set")}
	}
	return findings
}

func programmeFindings(now time.Time) []finding {
	p, err := schema.Load()
	if err != nil {
		return []finding{{gradeFail, "programme", err.Error(), "correct the files in schema/ and build again"}}
	}
	today := secor.DateOf(now, p.Calendars[p.Office].Zone)
	edition, err := p.EditionOn(today)
	if err != nil {
		return []finding{{gradeFail, "programme", err.Error(), ""}}
	}
	findings := []finding{ok("programme", "%d editions, %s in force on %s", len(p.Editions), edition.ID, today)}
	var releases []string
	for _, c := range p.Calendars {
		if !slices.Contains(releases, c.ZoneData) {
			releases = append(releases, c.ZoneData)
		}
	}
	slices.Sort(releases)
	zones := ok("zones", "rules of tzdata %s", strings.Join(releases, ", "))
	if releases[0] < zoneData {
		zones.grade, zones.remedy = gradeFail, "replace schema/zones by files of "+zoneData+" or later and build again"
	}
	return append(findings, zones)
}

// invoiceFindings warns of what an invoice would lack.
func invoiceFindings(cfg officeConfig, now time.Time) []finding {
	p, err := schema.Load()
	if err != nil {
		return nil // programmeFindings says so
	}
	var findings []finding
	edition, err := p.EditionOn(secor.DateOf(now, p.Calendars[p.Office].Zone))
	if err == nil && len(edition.Fees.Taxes) > 0 && cfg.TaxNumber == "" {
		findings = append(findings, finding{gradeWarn, "invoices", "they charge tax without a registration number", "set TAX_NUMBER, such as \"GST 12345 6789 RT0001\""})
	}
	if len(cfg.HowToPay) > 0 && len(cfg.HowToPayFR) == 0 {
		findings = append(findings, finding{gradeWarn, "invoices", "those in French say in English how to pay", "set PAYMENT_INSTRUCTIONS_FR"})
	}
	return findings
}

func databaseFindings(ctx context.Context, dsn string, now func() time.Time) []finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return []finding{{gradeFail, "postgres", err.Error(), "correct DATABASE_URL"}}
	}
	defer db.Close()
	asked := now()
	health, err := store.ReadHealth(ctx, db)
	if err != nil {
		return []finding{{gradeFail, "postgres", err.Error(), "start Postgres or correct DATABASE_URL"}}
	}
	answered := now()
	migrations, err := schema.MigrationStatus(ctx, db)
	if err != nil {
		return []finding{{gradeFail, "migrations", err.Error(), "let the user of DATABASE_URL read goose_db_version"}}
	}
	findings := []finding{versionFinding(health), migrationFinding(migrations), roleFinding(health), skewFinding(health.Now, asked, answered)}
	if len(migrations.Pending) == 0 {
		trouble, err := store.ReadTrouble(ctx, db, kindNames())
		findings = append(findings, jobsFindings(trouble, err)...)
		unclaimed, err := store.ReadUnclaimed(ctx, db, kindNames())
		findings = append(findings, unclaimedFindings(unclaimed, err)...)
	}
	return findings
}

// jobsFindings has a line for each trouble that wants another command.
func jobsFindings(trouble store.Trouble, err error) []finding {
	if err != nil {
		return []finding{{gradeFail, "jobs", err.Error(), "let the user of DATABASE_URL read the table jobs"}}
	}
	var findings []finding
	for _, w := range []struct {
		n            int
		text, remedy string
	}{
		{trouble.Failed, "failed", `a lead must decide: "secordesk jobs list"`},
		{trouble.Ambiguous, "ambiguous: nobody knows whether the letter left", `a lead must decide: "secordesk jobs list"`},
		{trouble.Paused, "kinds paused", `"secordesk jobs resume KIND --reason WHY" ends the rest`},
		{trouble.Unknown, "of a kind that only another release knows", `deploy that release; "secordesk jobs list --open" shows them`},
	} {
		if w.n > 0 {
			findings = append(findings, finding{gradeWarn, "jobs", fmt.Sprintf("%d %s", w.n, w.text), w.remedy})
		}
	}
	if len(findings) == 0 {
		return []finding{ok("jobs", "none waits for a person")}
	}
	return findings
}

// unclaimedLimit is how long a job may be due before the doctor asks for its worker.
const unclaimedLimit = 2 * time.Minute

// unclaimedFindings warns of every queue whose jobs nobody takes.
func unclaimedFindings(byKind map[string]time.Duration, err error) []finding {
	if err != nil {
		return []finding{{gradeFail, "worker", err.Error(), "let the user of DATABASE_URL read the tables jobs and pauses"}}
	}
	oldest := map[jobs.Queue]time.Duration{}
	for _, k := range jobs.Kinds() {
		oldest[k.Queue] = max(oldest[k.Queue], byKind[string(k.Name)])
	}
	var findings []finding
	for _, queue := range jobs.Queues() {
		if oldest[queue] > unclaimedLimit {
			findings = append(findings, finding{gradeWarn, "worker",
				fmt.Sprintf("nobody has taken a job of the queue %s for %d minutes", queue, int(oldest[queue].Minutes())),
				`is a worker running? its log says; "secordesk jobs list --open" shows what waits`})
		}
	}
	return findings
}

func versionFinding(h store.Health) finding {
	f := ok("postgres", "version %d.%d, as %s", h.Version/10_000, h.Version%10_000, h.User)
	if h.Version < oldestPostgres {
		f.grade, f.remedy = gradeFail, "upgrade to Postgres 15 or later"
	}
	return f
}

func migrationFinding(m schema.Migrations) finding {
	switch {
	case len(m.Pending) > 0:
		return finding{gradeFail, "migrations", "pending: " + strings.Join(m.Pending, ", "), `run "secordesk migrate"`}
	case len(m.Unknown) > 0:
		return finding{gradeWarn, "migrations", "the database is newer than this program", "deploy the newer program everywhere"}
	}
	return ok("migrations", "all %d applied", len(m.Applied))
}

func roleFinding(h store.Health) finding {
	switch {
	case !h.App:
		return finding{gradeFail, "role", h.User + " may not act as secordesk_app", `run "secordesk migrate", or as an administrator: GRANT secordesk_app TO ` + h.User}
	case h.Superuser:
		return finding{gradeWarn, "role", h.User + " is a superuser", "connect as a user that is only a member of secordesk_app"}
	}
	return ok("role", "%s acts as secordesk_app", h.User)
}

// skewFinding compares Postgres' clock with this machine's, which was read before
// and after: what lies between is no skew.
func skewFinding(theirs, asked, answered time.Time) finding {
	skew := max(asked.Sub(theirs), theirs.Sub(answered), 0)
	f := ok("clock", "%s apart from Postgres' clock", skew.Round(time.Millisecond))
	switch {
	case skew > skewFail:
		f.grade, f.remedy = gradeFail, "set both clocks by NTP"
	case skew > skewWarn:
		f.grade, f.remedy = gradeWarn, "set both clocks by NTP"
	}
	return f
}

// redisFindings asks as the guard of worker and clock does, and takes nothing. A
// desk whose name is not known may be anybody's.
func redisFindings(ctx context.Context, connect asynq.RedisConnOpt, desk string) []finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	state, err := jobs.AskRedis(ctx, connect)
	var refused *secor.Refusal
	switch {
	case errors.As(err, &refused):
		return []finding{{gradeFail, "redis", refused.Text, refused.Do}}
	case err != nil:
		return []finding{{gradeFail, "redis", "does not answer: " + err.Error(), "start Redis or correct REDIS_URL; until then decisions are taken and what follows waits"}}
	}
	return redisGrades(state, desk)
}

func redisGrades(state jobs.RedisState, desk string) []finding {
	var findings []finding
	for _, r := range state.Refusals(desk) {
		findings = append(findings, finding{gradeFail, "redis", r.Text, r.Do})
	}
	for _, r := range state.Doubts() {
		findings = append(findings, finding{gradeWarn, "redis", r.Text, r.Do})
	}
	if len(findings) == 0 {
		return []finding{ok("redis", "%s", state)}
	}
	return findings
}

// deskID returns the desk's name, or "" where another finding says why it is not known.
func deskID(ctx context.Context, cfg workerConfig, now func() time.Time) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cases, err := openDesk(ctx, cfg.DatabaseURL, cfg.LetterGrace, now)
	if err != nil {
		return ""
	}
	defer cases.Close()
	id, err := cases.DeskID(ctx)
	if err != nil {
		return ""
	}
	return id
}

// mailFinding greets the mail server and sends nothing.
func mailFinding(ctx context.Context, address string) finding {
	sender, err := mail.NewSender(address)
	if err != nil {
		return finding{gradeFail, "mail", err.Error(), "correct SMTP_URL"}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = greet(ctx, sender.String(), strings.HasPrefix(address, "smtps:"))
	if err != nil {
		return finding{gradeFail, "mail", sender.String() + " does not answer as a mail server: " + err.Error(), "start it or correct SMTP_URL"}
	}
	return ok("mail", "%s answers", sender)
}

func greet(ctx context.Context, address string, encrypted bool) error {
	dial := (&net.Dialer{}).DialContext
	if encrypted {
		dial = (&tls.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	err = conn.SetDeadline(deadline)
	if err != nil {
		return err
	}
	client, err := smtp.NewClient(conn, address)
	if err != nil {
		return err
	}
	err = client.Hello("localhost")
	if err != nil {
		return err
	}
	return client.Quit()
}
