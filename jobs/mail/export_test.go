package mail

import "crypto/x509"

// Trust makes s accept certificates of these roots, as an operating system's would be.
func (s *Sender) Trust(roots *x509.CertPool) { s.tls.RootCAs = roots }
