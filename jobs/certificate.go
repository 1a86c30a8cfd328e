package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"secordesk/jobs/certificate"
	"secordesk/jobs/mail"
	"secordesk/store/secor"
)

// JobGather makes the batches of the bodies that want one, at the end of each of the
// office's working days.
const JobGather secor.JobKind = "certificate:gather"

func certificateSchedules() []Schedule {
	return []Schedule{{Name: "body_batches", Spec: "0 15 * * *", Misfire: Latest, Kind: JobGather, Does: "gather the certificates that bodies are asked for in one file"}}
}

// certificateKinds is certificate mailing: ask the governing body for it, by letter or
// in a batch, answer what it asks, make the papers that go into the envelope once the
// number is recorded, and tell the company what went to it.
func certificateKinds() []Kind {
	papers := work(secor.JobMakeCertificate, makePapers)
	papers.Queue = Bulk
	return []Kind{
		write(secor.JobRequestCertificate, "request_certificate"),
		papers,
		write(secor.JobRevocation, "revocation"),
		write(secor.JobBodyAnswer, "body_answer"),
		write(secor.JobMailed, "certificate_mailed"),
		write(secor.JobElectronic, "certificate_electronic"),
		write(secor.JobReplacement, "certificate_replaced"),
		{Name: secor.JobRequestBatch, Queue: Mail, Timeout: time.Minute, Attempts: letterAttempts,
			Backoff: doubling(15*time.Second, time.Hour), Batch: requestBatch},
		chore(JobGather, Decisions, Chores.FinishGather),
	}
}

// requestBatch asks a governing body for all certificates that are due.
func requestBatch(d *Desk, b secor.BodyBatch, file mail.Attachment, now time.Time) (mail.Message, error) {
	if b.Body.Email == "" {
		return mail.Message{}, &secor.Refusal{Kind: secor.ErrNotFound, Text: b.Body.Name + " has no e-mail address", Do: "add it to schema/bodies"}
	}
	subject := "Certificate requests, batch " + b.Name()
	text := fmt.Sprintf(`Please issue the certificates (%s) that the attached file lists, one in each row. Our quality assurance review of each is complete.

    Batch  %s
    File  %s
    Certificates  %d

Please answer with our case numbers, and for each with the number and the dates, or with your question.`,
		b.Body.Programme, b.Name(), file.Name, len(b.Cases))
	letter := framed{Lang: secor.English, Subject: subject, Greeting: "Dear " + b.Body.Name + ",", Blocks: parseBlocks(text),
		Notes: []string{"Questions? Answer this letter."}, Closing: "Kind regards,", Signature: []string{d.Name}}
	if d.Phone != "" {
		letter.Signature = append(letter.Signature, d.Phone)
	}
	html, err := letter.html(d.letters.layout)
	if err != nil {
		return mail.Message{}, fmt.Errorf("letter of batch %s: %w", b.Name(), err)
	}
	return mail.Message{To: b.Body.Email, ToName: b.Body.Name, From: d.From, FromName: d.Name, ReplyTo: d.From,
		Subject: fmt.Sprintf("%s [SECOR batch %d]", subject, b.ID), Text: letter.plain(), HTML: html, Attachments: []mail.Attachment{file}, Date: now}, nil
}

// makePapers makes what goes into the envelope, and keeps it with the case: the
// cover letter always, the certificate itself only where the body leaves its
// making to this office.
func makePapers(d *Desk, f *secor.File, _ secor.Event) error {
	c := f.Certificate()
	cover, err := d.papers.RenderCover(d.cover(f, c))
	if err != nil {
		return unprintable(err)
	}
	name := fmt.Sprintf("%d-%s", f.Case.ID, unsafeInName.ReplaceAllString(c.Number, "-"))
	f.Documents = append(f.Documents, secor.Document{Name: name + "-cover-letter.pdf", Type: "application/pdf", Data: cover})
	if f.Body.Printer != secor.MakerPartner {
		return nil
	}
	if d.VerifyURL == "" {
		return &secor.Refusal{Kind: secor.ErrField, Text: "a certificate shows where its number is checked, and VERIFY_URL is not set", Do: "set it, then retry the job"}
	}
	paper, err := d.papers.Render(d.certificate(f, c))
	if err != nil {
		return unprintable(err)
	}
	f.Documents = append(f.Documents, secor.Document{Name: name + "-certificate.pdf", Type: "application/pdf", Data: paper})
	return nil
}

// unprintable makes what cannot be printed a refusal: a person must correct it,
// and trying again would change nothing.
func unprintable(err error) error {
	var field *certificate.FieldError
	if errors.As(err, &field) {
		return &secor.Refusal{Kind: secor.ErrField, Text: field.Error(), Do: "correct the file, then retry the job"}
	}
	return fmt.Errorf("make papers: %w", err)
}

func (d *Desk) cover(f *secor.File, c *secor.Certificate) certificate.Cover {
	sender := append([]string{d.Name}, d.Address...)
	if d.Phone != "" {
		sender = append(sender, d.Phone)
	}
	address := []string{f.Company.LegalName}
	if f.Company.Contact != "" {
		address = append(address, f.Company.Contact)
	}
	enclosed := "Enclosed is the"
	if !f.Body.Paper {
		enclosed = "The governing body has issued, without paper, the"
	}
	return certificate.Cover{
		Sender:     sender,
		Address:    append(address, f.Company.Address.Lines()...),
		Date:       f.Today().Start(time.UTC),
		Reference:  fmt.Sprintf("Case %d, certificate %s", f.Case.ID, c.Number),
		Subject:    "Your " + certificateTitle,
		Salutation: "Dear " + cmp.Or(f.Company.Contact, f.Company.LegalName) + ",",
		Body: []string{
			fmt.Sprintf("%s %s of %s, number %s. It was issued on %s and is valid to %s.",
				enclosed, certificateTitle, f.Company.LegalName, c.Number, c.IssuedOn.Long(), c.ExpiresOn.Long()),
			"To keep it, please have a maintenance audit done every year by the month printed on it, and tell us when your name, your owner, your account or the number of your people changes.",
			"We congratulate everybody who worked for it.",
		},
		Closing:   "Kind regards,",
		Signatory: certificate.Signatory{Name: d.Name, Title: "Certifying partner"},
	}
}

// unsafeInName is what a body's number may hold and a file's name should not.
var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9]+`)

const certificateTitle = "Small Employer Certificate of Recognition"

func (d *Desk) certificate(f *secor.File, c *secor.Certificate) certificate.Certificate {
	paper := certificate.Certificate{
		Number: c.Number, Title: certificateTitle, LegalName: f.Company.LegalName, TradeName: f.Company.TradeName,
		Body: f.Body.Name, Partner: d.Name, TermYears: c.Term, VerifyURL: d.VerifyURL + url.PathEscape(c.Number),
		IssuedOn: c.IssuedOn.Start(time.UTC), ExpiresOn: c.ExpiresOn.Start(time.UTC),
		Signatories: []certificate.Signatory{{Name: d.Name, Title: "Certifying partner"}, {Name: f.Body.Name, Title: "Governing body"}},
	}
	for _, r := range f.Registrations {
		if r.Body == f.Case.Body {
			paper.Accounts = append(paper.Accounts, r.Account)
		}
	}
	return paper
}
