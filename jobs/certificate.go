package jobs

import (
	"fmt"
	"time"

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
		write(secor.JobTellBody, "body_revoked"),
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

// CheckedAt is where anybody can check the certificate's number; "" for nowhere.
func (p letterPage) CheckedAt() string { return p.Desk.checkedAt(p.File, p.Certificate) }
