package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"secordesk/jobs/certificate"
	"secordesk/store/secor"
)

// makePapers makes what goes into the envelope, and keeps it with the case: a cover
// letter each time that the certificate is to be mailed, the certificate itself once
// and only where the body leaves its making to this office.
func makePapers(d *Desk, f *secor.File, cause secor.Event) error {
	c := f.Certificate()
	letter, err := d.cover(f, c)
	if err != nil {
		return err
	}
	cover, err := d.papers.RenderCover(letter)
	if err != nil {
		return unprintable(err)
	}
	name := fmt.Sprintf("%d-%s", f.Case.ID, unsafeInName.ReplaceAllString(c.Number, "-"))
	if cause.Kind == secor.EventCertificateReadied {
		f.Documents = append(f.Documents, secor.Document{Name: fmt.Sprintf("%s-cover-letter-%d.pdf", name, cause.Seq), Type: "application/pdf", Data: cover})
		return nil
	}
	f.Documents = append(f.Documents, secor.Document{Name: name + "-cover-letter.pdf", Type: "application/pdf", Data: cover})
	if f.Body.Printer != secor.MakerPartner {
		return nil
	}
	form, err := d.certificate(f, c)
	if err != nil {
		return err
	}
	paper, err := d.papers.Render(form)
	if err != nil {
		return unprintable(err)
	}
	paper, err = d.signed(paper, f.Now())
	if err != nil {
		return err
	}
	f.Documents = append(f.Documents, secor.Document{Name: name + "-certificate.pdf", Type: "application/pdf", Data: paper})
	return nil
}

// signed returns a paper with this office's digital signature, where it has one.
func (d *Desk) signed(paper []byte, at time.Time) ([]byte, error) {
	if d.Signing == nil {
		return paper, nil
	}
	signed, err := certificate.Sign(paper, d.Signing.Key, d.Signing.Chain, at)
	if err != nil {
		return nil, fmt.Errorf("sign paper: %w", err)
	}
	return signed, nil
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

// coverWords are what a cover letter says in a language.
type coverWords struct {
	subject, salutation, reference, enclosed, paperless, keep, check, thanks, closing string
}

func wordsOfCover(lang secor.Language) coverWords {
	if lang == secor.French {
		return coverWords{
			subject: "Votre certificat de reconnaissance pour petits employeurs (SECOR)", salutation: "Bonjour %s,", reference: "Dossier %d, certificat %s",
			enclosed:  "Vous trouverez ci-joint le certificat de reconnaissance pour petits employeurs (SECOR) de %s, numéro %s. Il a été délivré le %s et il est valide jusqu’au %s.",
			paperless: "L’organisme responsable a délivré, sans papier, le certificat de reconnaissance pour petits employeurs (SECOR) de %s, numéro %s. Il a été délivré le %s et il est valide jusqu’au %s.",
			keep:      "Pour le garder, faites faire un audit de maintien chaque année, au plus tard en %s, et dites-nous si votre nom, votre propriétaire, votre compte ou le nombre de vos employés change.",
			check:     "Tout le monde peut vérifier le numéro à l’adresse %s",
			thanks:    "Nous félicitons toutes les personnes qui y ont travaillé.", closing: "Cordialement,"}
	}
	return coverWords{
		subject: "Your " + certificateTitle, salutation: "Dear %s,", reference: "Case %d, certificate %s",
		enclosed:  "Enclosed is the " + certificateTitle + " of %s, number %s. It was issued on %s and is valid to %s.",
		paperless: "The governing body has issued, without paper, the " + certificateTitle + " of %s, number %s. It was issued on %s and is valid to %s.",
		keep:      "To keep it, have a maintenance audit done every year by the end of %s, and tell us when your name, your owner, your account or the number of your people changes.",
		check:     "Anybody can check the number at %s",
		thanks:    "We congratulate everybody who worked for it.", closing: "Kind regards,"}
}

// cover is the letter that goes with a certificate, as it would be dated and signed
// today. Nobody who signs for this office today is a refusal.
func (d *Desk) cover(f *secor.File, c *secor.Certificate) (certificate.Cover, error) {
	signing, err := f.Programme.SignatoriesOn(secor.Partner, f.Today())
	if err != nil {
		return certificate.Cover{}, err
	}
	who := signing[0]
	for _, s := range signing {
		if s.Name == c.Signatory {
			who = s // who signed the certificate signs the letter, as long as they sign at all
		}
	}
	lang, w := cmp.Or(f.Company.Language, secor.English), wordsOfCover(f.Company.Language)
	sender := append([]string{d.Name}, d.Address...)
	if d.Phone != "" {
		sender = append(sender, d.Phone)
	}
	address := []string{f.Company.LegalName}
	if f.Company.Contact != "" {
		address = append(address, f.Company.Contact)
	}
	sentence := w.enclosed
	if !f.Body.Paper {
		sentence = w.paperless
	}
	body := []string{fmt.Sprintf(sentence, f.Company.LegalName, c.Number, lang.Date(c.IssuedOn), lang.Date(c.ExpiresOn)),
		fmt.Sprintf(w.keep, lang.Month(c.ExpiresOn))}
	if link := d.checkedAt(f, c); link != "" {
		body = append(body, fmt.Sprintf(w.check, link))
	}
	return certificate.Cover{
		Language: string(lang), Sender: sender,
		Address:    append(address, f.Company.Address.Lines()...),
		Date:       f.Today().Start(time.UTC),
		Reference:  fmt.Sprintf(w.reference, f.Case.ID, c.Number),
		Subject:    w.subject,
		Salutation: fmt.Sprintf(w.salutation, cmp.Or(f.Company.Contact, f.Company.LegalName)),
		Body:       append(body, w.thanks),
		Closing:    w.closing,
		Signatory:  certificate.Signatory{Name: who.Name, Title: who.Title},
	}, nil
}

// checkedAt is where anybody can check a certificate's number: in the body's registry,
// or at this office's page of that number where this office prints it; "" for nowhere.
func (d *Desk) checkedAt(f *secor.File, c *secor.Certificate) string {
	if f.Body.Registry != "" || d.VerifyURL == "" || f.Body.Printer != secor.MakerPartner {
		return f.Body.Registry
	}
	return d.VerifyURL + url.PathEscape(c.Number)
}

// unsafeInName is what a body's number may hold and a file's name should not.
var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9]+`)

const certificateTitle = "Small Employer Certificate of Recognition"

// certificate is the certificate itself, as it was signed for this office; until it
// was, as those sign it who do so today. Nobody who does, and no address at which its number can be
// checked, is a refusal.
func (d *Desk) certificate(f *secor.File, c *secor.Certificate) (certificate.Certificate, error) {
	if d.VerifyURL == "" {
		return certificate.Certificate{}, &secor.Refusal{Kind: secor.ErrField, Text: "a certificate shows where its number is checked, and VERIFY_URL is not set", Do: "set it, then retry the job"}
	}
	paper := certificate.Certificate{
		Number: c.Number, Title: certificateTitle, LegalName: f.Company.LegalName, TradeName: f.Company.TradeName,
		Body: f.Body.Name, Partner: d.Name, TermYears: c.Term, VerifyURL: d.VerifyURL + url.PathEscape(c.Number),
		IssuedOn: c.IssuedOn.Start(time.UTC), ExpiresOn: c.ExpiresOn.Start(time.UTC),
	}
	who := []string{secor.Partner}
	if f.Body.CoSigned {
		who = append(who, f.Body.ID)
	}
	for _, id := range who {
		if id == secor.Partner && c.Signatory != "" {
			paper.Signatories = append(paper.Signatories, certificate.Signatory{Name: c.Signatory, Title: c.SignatoryTitle + ", " + d.Name})
			continue
		}
		signing, err := f.Programme.SignatoriesOn(id, f.Today())
		if err != nil {
			return certificate.Certificate{}, err
		}
		of := d.Name
		if id != secor.Partner {
			of = f.Body.Name
		}
		paper.Signatories = append(paper.Signatories, certificate.Signatory{Name: signing[0].Name, Title: signing[0].Title + ", " + of})
	}
	for _, r := range f.Registrations {
		if r.Body == f.Case.Body {
			paper.Accounts = append(paper.Accounts, r.Account)
		}
	}
	return paper, nil
}

// PrintBatch is what goes to the printer and then to the post in one go.
type PrintBatch struct {
	Data    []byte        // one PDF: a list, then the papers in the order of the envelopes
	Cases   []*secor.File // one envelope each, in their order: by postal code, then by case
	LeftOut []LeftOut     // what cannot be mailed as it is
}

// LeftOut is a case that is in no envelope, and what to do about it.
type LeftOut struct {
	Case secor.CaseID
	Name string
	Why  error
}

// PrintBatch prints the papers of cases whose certificate is ready to be mailed, as
// of the moment of the acts that the files were begun with. What cannot be addressed
// or printed is left out by name, and the rest is printed; Data is nil when nothing
// is left. A fault is returned.
func (d *Desk) PrintBatch(title string, cases []*secor.File) (PrintBatch, error) {
	var b PrintBatch
	sorted := slices.SortedFunc(slices.Values(cases), func(x, y *secor.File) int {
		return cmp.Or(cmp.Compare(postalOrder(x), postalOrder(y)), cmp.Compare(x.Case.ID, y.Case.ID))
	})
	var envelopes []certificate.Envelope
	for _, f := range sorted {
		envelope, err := d.envelope(f)
		if err != nil && !errors.Is(err, secor.ErrRefused) {
			return PrintBatch{}, err
		}
		if err != nil {
			b.LeftOut = append(b.LeftOut, LeftOut{Case: f.Case.ID, Name: f.Company.LegalName, Why: err})
			continue
		}
		b.Cases, envelopes = append(b.Cases, f), append(envelopes, envelope)
	}
	if len(envelopes) == 0 {
		return b, nil
	}
	var err error
	b.Data, err = d.papers.RenderBatch(title, envelopes)
	var field *certificate.FieldError
	if !errors.As(err, &field) {
		return b, err
	}
	return d.withoutUnprintable(title, b, envelopes)
}

// postalOrder is how the post sorts letters.
func postalOrder(f *secor.File) string {
	return strings.ReplaceAll(strings.ToUpper(f.Company.Address.PostalCode), " ", "")
}

func (d *Desk) envelope(f *secor.File) (certificate.Envelope, error) {
	err := f.Company.Mailable()
	if err != nil {
		return certificate.Envelope{}, err
	}
	if f.RevocationProposed() {
		return certificate.Envelope{}, &secor.Refusal{Kind: secor.ErrIllegalMove, Text: "somebody proposes to revoke its certificate", Do: "revoke it as a second person, or keep it"}
	}
	if issued := f.Certificate().IssuedTo; issued != "" && issued != f.Company.LegalName {
		return certificate.Envelope{}, &secor.Refusal{Kind: secor.ErrIllegalMove,
			Text: fmt.Sprintf("its certificate was issued to %s", issued), Do: "replace it, so that the body issues one to the new name"}
	}
	var e certificate.Envelope
	e.Cover, err = d.cover(f, f.Certificate())
	if err != nil || f.Body.Printer != secor.MakerPartner {
		return e, err
	}
	paper, err := d.certificate(f, f.Certificate())
	e.Certificate = &paper
	return e, err
}

// withoutUnprintable prints each envelope once to find those that cannot be, and
// then the others together. One page that cannot be printed stops a whole batch.
func (d *Desk) withoutUnprintable(title string, b PrintBatch, envelopes []certificate.Envelope) (PrintBatch, error) {
	good := PrintBatch{LeftOut: b.LeftOut}
	var kept []certificate.Envelope
	for i, e := range envelopes {
		_, err := d.papers.RenderCover(e.Cover)
		if err == nil && e.Certificate != nil {
			_, err = d.papers.Render(*e.Certificate)
		}
		if err != nil {
			f := b.Cases[i]
			good.LeftOut = append(good.LeftOut, LeftOut{Case: f.Case.ID, Name: f.Company.LegalName, Why: unprintable(err)})
			continue
		}
		good.Cases, kept = append(good.Cases, b.Cases[i]), append(kept, e)
	}
	if len(kept) == 0 {
		return good, nil
	}
	var err error
	good.Data, err = d.papers.RenderBatch(title, kept)
	if err != nil {
		return PrintBatch{}, fmt.Errorf("print batch: %w", err)
	}
	return good, nil
}
