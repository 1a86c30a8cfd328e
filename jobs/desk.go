package jobs

import (
	"crypto"
	"crypto/x509"
	"fmt"

	"secordesk/jobs/certificate"
	"secordesk/store/secor"
)

// Desk is what letters and papers need to know about this office. It is the same
// for a whole process.
type Desk struct {
	Office
	letters *letters
	papers  *certificate.Renderer
}

// Office is how this certifying partner presents itself.
type Office struct {
	Name      string   // "Prairie Safety Partners": signs letters and papers
	Address   []string // as an envelope shows it
	Phone     string
	From      string // bare address: letters leave from it, and its domain marks our Message-IDs
	VerifyURL string // where anybody can check a certificate's number; empty: nowhere yet
	// AuditToolURL is where companies enter their self-assessments; empty: letters do not say where.
	AuditToolURL string
	TaxNumber    string // under which the office collects taxes, as invoices print it; may be empty
	// HowToPay are paragraphs for invoices, and HowToPayFrench for those in French;
	// empty: by cheque to the address, otherwise by calling.
	HowToPay, HowToPayFrench []string
	// Signing is the digital signature on the certificates that this office prints; nil: they have none.
	Signing *Signing
}

// Signing is a key with its certificates, its own first.
type Signing struct {
	Key   crypto.Signer
	Chain []*x509.Certificate
}

// NewDesk prepares texts and fonts. A text or a font that cannot be read stops
// the start.
func NewDesk(office Office) (*Desk, error) {
	d := &Desk{Office: office}
	var err error
	d.letters, err = newLetters(d)
	if err != nil {
		return nil, err
	}
	d.papers, err = certificate.NewRenderer()
	if err != nil {
		return nil, fmt.Errorf("prepare papers: %w", err)
	}
	return d, nil
}

// take runs a step that the desk may take by itself, through the same list as
// everybody's steps.
func take(f *secor.File, name string) error {
	step, err := secor.StepFor(name, f.Case.Kind)
	if err != nil {
		return err
	}
	return step.Take(f, nil)
}
