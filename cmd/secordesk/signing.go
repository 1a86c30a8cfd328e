package main

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"secordesk/jobs"
	"secordesk/jobs/certificate"
)

// signingConfig is the digital signature on the certificates that this office
// prints. Both are set or none is.
type signingConfig struct {
	KeyFile  string `env:"SIGNING_KEY_FILE"`  // PEM; secret
	CertFile string `env:"SIGNING_CERT_FILE"` // PEM, the key's own certificate first
}

// given reports whether papers are to be signed.
func (c signingConfig) given() bool { return c.KeyFile != "" || c.CertFile != "" }

// read returns the signature, nil where none is configured. A pair that does not
// fit, that cannot sign, or that is not valid on the day is a configError.
func (c signingConfig) read(now time.Time) (*jobs.Signing, error) {
	if !c.given() {
		return nil, nil
	}
	if c.KeyFile == "" || c.CertFile == "" {
		return nil, configError{"SIGNING_KEY_FILE and SIGNING_CERT_FILE belong together; set both or none"}
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, configError{"SIGNING_KEY_FILE and SIGNING_CERT_FILE cannot be used: " + strings.TrimPrefix(err.Error(), "tls: ")}
	}
	signing := &jobs.Signing{}
	for _, der := range pair.Certificate {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, configError{"SIGNING_CERT_FILE cannot be read: " + err.Error()}
		}
		signing.Chain = append(signing.Chain, parsed)
	}
	key, signs := pair.PrivateKey.(crypto.Signer)
	if !signs {
		return nil, configError{"SIGNING_KEY_FILE holds no key that signs"}
	}
	signing.Key = key
	err = certificate.CheckSigner(signing.Key, signing.Chain, now)
	if err != nil {
		return nil, configError{"SIGNING_KEY_FILE and SIGNING_CERT_FILE: " + err.Error()}
	}
	return signing, nil
}

// expiryWarn is how long before the end of a signing certificate doctor warns.
const expiryWarn = 30 * 24 * time.Hour

// signingFindings says whether papers can be signed, and until when.
func signingFindings(c signingConfig, now time.Time) []finding {
	if !c.given() {
		return nil
	}
	signing, err := c.read(now)
	if err != nil {
		return []finding{{gradeFail, "signing", strings.Join(err.(configError), "; "), "correct the files, or set neither variable"}}
	}
	ends := signing.Chain[0].NotAfter
	for _, c := range signing.Chain {
		if c.NotAfter.Before(ends) {
			ends = c.NotAfter
		}
	}
	name := cmp.Or(signing.Chain[0].Subject.CommonName, "a certificate without a name")
	f := ok("signing", "papers are signed as %s, until %s", name, ends.Format("2 January 2006"))
	if ends.Sub(now) < expiryWarn {
		f.grade, f.remedy = gradeWarn, fmt.Sprintf("get another certificate within %d days", int(ends.Sub(now).Hours()/24))
	}
	return []finding{f}
}
