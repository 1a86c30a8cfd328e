package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pemFiles writes a key and its certificate, good for a year from a day on.
func pemFiles(t *testing.T, name string, from time.Time) (string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: from.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), crypto.Signer(key))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	keyFile, certFile := filepath.Join(folder, "key.pem"), filepath.Join(folder, "cert.pem")
	for path, block := range map[string]*pem.Block{keyFile: {Type: "PRIVATE KEY", Bytes: secret}, certFile: {Type: "CERTIFICATE", Bytes: der}} {
		err = os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	return keyFile, certFile
}

func TestSigning_Configuration(t *testing.T) {
	now := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)
	key, cert := pemFiles(t, "Prairie Safety Partners", now.AddDate(0, -1, 0))
	other, _ := pemFiles(t, "Somebody", now.AddDate(0, -1, 0))
	oldKey, old := pemFiles(t, "Prairie Safety Partners", now.AddDate(-2, 0, 0))
	soonKey, soon := pemFiles(t, "Prairie Safety Partners", now.AddDate(-1, 0, 10))
	tests := []struct {
		name, key, cert string
		grade           grade
		says            string
	}{
		{"both", key, cert, gradeOK, "signed as Prairie Safety Partners, until 25 February 2027"},
		{"about to end", soonKey, soon, gradeWarn, "within 10 days"},
		{"only the key", key, "", gradeFail, "belong together"},
		{"only the certificate", "", cert, gradeFail, "belong together"},
		{"another's key", other, cert, gradeFail, "private key does not match"},
		{"expired", oldKey, old, gradeFail, "2025"},
		{"no such file", key + "x", cert, gradeFail, "no such file"},
		{"no key in it", cert, cert, gradeFail, "cannot be used"},
	}
	for _, tt := range tests {
		found := signingFindings(signingConfig{tt.key, tt.cert}, now)
		if len(found) != 1 || found[0].grade != tt.grade || !strings.Contains(found[0].text+found[0].remedy, tt.says) {
			t.Errorf("%s: %+v, want %s and %q", tt.name, found, tt.grade, tt.says)
		}
	}
	if found := signingFindings(signingConfig{}, now); len(found) != 0 {
		t.Errorf("neither: %+v", found)
	}
}

// TestSigning_OfWhatWePrint: the certificate that a worker makes carries a signature
// that a reader's tool finds good.
func TestSigning_OfWhatWePrint(t *testing.T) {
	m := newOfficeOfMail(t)
	m.environ["SIGNING_KEY_FILE"], m.environ["SIGNING_CERT_FILE"] = pemFiles(t, "Prairie Safety Partners", m.now.AddDate(0, -1, 0))
	m.runs("worker", "worker starts")
	id := m.passed("sk-wcb", "8123456", calledCompany("Qu'Appelle Drilling Ltd.", postal("S4A 0B3")))
	m.says(fmt.Sprintf("case record-number %d --number SK-1 --issued-on 2026-03-20", id))
	m.settles()
	folder := t.TempDir()
	m.says(fmt.Sprintf("case papers %d --to %s", id, folder))
	said := tool(t, "pdfsig", "-nocert", filepath.Join(folder, fmt.Sprintf("%d-SK-1-certificate.pdf", id)))
	if !strings.Contains(said, "Signature is Valid") || !strings.Contains(said, "Total document signed") {
		t.Errorf("pdfsig says\n%s", said)
	}
}
