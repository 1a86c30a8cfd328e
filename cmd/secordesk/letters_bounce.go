package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"

	"secordesk/jobs"
	"secordesk/jobs/mail"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// lettersBounceCmd is "secordesk letters bounce".
type lettersBounceCmd struct {
	Files []string `arg:"" name:"file" help:"Delivery reports as e-mail files (.eml)."`
}

// Help returns the examples.
func (lettersBounceCmd) Help() string {
	return `A report that a letter did not arrive makes its job failed, and has somebody reach its reader by phone. No clock stops, and none moves. Reports of a delay or a
delivery are told and not recorded; the same report twice changes nothing.

Examples:

	secordesk letters bounce Undelivered.eml
	secordesk letters bounce inbox/*.eml`
}

// bounceConfig is what delivery reports are compared with.
type bounceConfig struct {
	DatabaseURL databaseURL `env:"DATABASE_URL,required"` // secret
	LetterGrace grace       `env:"LETTER_GRACE" envDefault:"2m"`
	DeskFrom    address     `env:"DESK_FROM,required"` // our letters' Message-IDs end with its domain
}

// errReports says that some files were refused; each was named.
var errReports = errors.New("some reports were refused; nothing of them was recorded")

// Run records what each report says. One that is refused keeps no other back.
func (c *lettersBounceCmd) Run(ctx context.Context, t *terminal) error {
	cfg, err := readConfig[bounceConfig](t.env)
	if err != nil {
		return err
	}
	cases, err := openDesk(ctx, cfg.DatabaseURL, cfg.LetterGrace, t.now)
	if err != nil {
		return err
	}
	defer cases.Close()
	_, domain, _ := strings.Cut(string(cfg.DeskFrom), "@")
	b := &bouncer{store: cases.Store, domain: domain}
	refused := false
	for _, path := range c.Files {
		said, err := b.file(ctx, path)
		var wrong mail.ReportError
		switch {
		case err == nil:
			fmt.Fprintf(t.out, "%s: %s\n", path, said)
		case errors.As(err, &wrong), errors.Is(err, secor.ErrRefused), errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
			refused = true
			fmt.Fprintf(t.errOut, "%s: %v\n", path, plain(err))
		default:
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if refused {
		return errReports
	}
	return nil
}

// bouncer records delivery reports.
type bouncer struct {
	store  *store.Store
	domain string // of our letters' Message-IDs
}

// file reads and records one report, and says in a clause what became of it.
func (b *bouncer) file(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open report: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	report, err := mail.ReadReport(&summing{file, sum})
	if err != nil {
		return "", err
	}
	number, domain, ours := jobs.JobOf(report.ID)
	if !ours || !strings.EqualFold(domain, b.domain) {
		return "", refusedReport("give it the reports of this desk's letters", "it is about the letter %q, which is not this desk's (job-…@%s)", report.ID, b.domain)
	}
	job, err := b.store.Job(ctx, number)
	if err != nil {
		return "", err
	}
	return b.record(ctx, job, report, fmt.Sprintf("bounce:%d:%x", job.ID, sum.Sum(nil)[:8]))
}

// record finds the delivery to the reader to whom the job's letter went.
func (b *bouncer) record(ctx context.Context, job promise.Job, report mail.Report, actID string) (string, error) {
	known, err := b.store.Taken(ctx, actID)
	if err != nil {
		return "", err
	}
	if known {
		return fmt.Sprintf("the report about job %d was recorded before; nothing changed", job.ID), nil
	}
	if job.CaseID == 0 {
		return "", refusedReport("", "job %d is no letter", job.ID)
	}
	to, err := b.sentTo(ctx, job)
	if err != nil {
		return "", err
	}
	var d *mail.Delivery
	for i, delivery := range report.Deliveries {
		if to[strings.ToLower(delivery.Address)] || to[strings.ToLower(delivery.Original)] {
			d = &report.Deliveries[i]
		}
	}
	if d == nil {
		return "", refusedReport("look who wrote it; a forged one looks like this", "it is about %q, to whom the letter of job %d was not sent", report.Deliveries[0].Address, job.ID)
	}
	if d.Action != mail.Failed {
		return fmt.Sprintf("the letter of job %d to %s is %s (%s); nothing to record", job.ID, d.Address, d.Action, d.Status), nil
	}
	why := "came back: " + cmp.Or(d.Said, "no reason given")
	act := secor.Act{ID: actID, By: secor.Desk, Surface: secor.SurfaceFile}
	err = b.store.BounceJob(ctx, job.ID, act, why, func(f *secor.File, job promise.Job) error {
		f.Bounced(job.ID, secor.JobKind(job.Kind), job.Recipient, d.Status, cmp.Or(d.Said, "no reason given"))
		return nil
	})
	if err != nil {
		return "", err
	}
	do := "reach by phone"
	if strings.HasPrefix(job.Recipient, string(secor.RoleReviewer)+":") {
		do = "correct the address on the roster"
	}
	return fmt.Sprintf("recorded on case %d: %s to %s did not arrive (%s); %s", job.CaseID, job.Kind, d.Address, d.Status, do), nil
}

// sentTo returns the addresses, in lower case, to which a job's letter went or
// would go now.
func (b *bouncer) sentTo(ctx context.Context, job promise.Job) (map[string]bool, error) {
	f, err := b.store.File(ctx, secor.CaseID(job.CaseID))
	if err != nil {
		return nil, err
	}
	events, err := b.store.Events(ctx, f.Case.ID)
	if err != nil {
		return nil, err
	}
	to := map[string]bool{}
	now, err := jobs.AddressOf(f, job.Recipient)
	if err == nil {
		to[strings.ToLower(now)] = true
	}
	for _, e := range events {
		_, address, told := strings.Cut(e.Text, "<")
		if e.Kind == secor.EventLetterSent && e.ActID == jobs.ActOf(job.ID) && told {
			to[strings.ToLower(strings.TrimSuffix(address, ">"))] = true
		}
	}
	return to, nil
}

func refusedReport(do, format string, args ...any) error {
	return &secor.Refusal{Kind: secor.ErrField, Text: fmt.Sprintf(format, args...), Do: do}
}

// summing is a reader that adds what is read to a sum.
type summing struct {
	from *os.File
	sum  interface{ Write([]byte) (int, error) }
}

func (s *summing) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.sum.Write(p[:n]) // a hash cannot fail
	return n, err
}
