package secor

import (
	"net/url"
	"strings"
)

// maxURL is the longest address of evidence, in bytes.
const maxURL = 500

// CheckEvidenceURL returns an address of evidence as it is stored. Anything but
// https, an address with a name or password in it or with a port, and a host that
// the edition does not list are FieldErrors. "" stays "".
//
// Source: ours. Evidence itself stays in the audit tool, so an address elsewhere
// is a mistake or a trap.
func (e *Edition) CheckEvidenceURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	address, err := url.Parse(text)
	problem := ""
	switch {
	case len(text) > maxURL:
		problem = "is longer than 500 characters"
	case err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		problem = "is not an address such as https://tool.example/audit/14"
	case address.Scheme != "https":
		problem = "does not begin with https://"
	case address.User != nil || address.Port() != "":
		problem = "holds a user name or a port; leave them out"
	case !e.evidenceHost(address.Hostname()):
		problem = "is not on a host of the audit tool: " + joinOr(e.EvidenceHosts)
	}
	if problem != "" {
		return "", &FieldError{Value: text, Problem: problem}
	}
	return text, nil
}

// evidenceHost reports whether a host, or the domain that it is in, is listed.
func (e *Edition) evidenceHost(host string) bool {
	host = strings.ToLower(host)
	for _, listed := range e.EvidenceHosts {
		if host == listed || strings.HasSuffix(host, "."+listed) {
			return true
		}
	}
	return false
}
