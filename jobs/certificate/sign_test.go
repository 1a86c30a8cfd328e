package certificate_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"secordesk/jobs/certificate"
)

func signingDay() time.Time { return time.Date(2026, 3, 25, 15, 4, 5, 0, time.UTC) }

// issue makes a certificate for public, signed by the issuer's key; without an issuer it signs itself.
func issue(t testing.TB, name string, public crypto.PublicKey, issuer *x509.Certificate, issuerKey crypto.Signer, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(name))), Subject: pkix.Name{CommonName: name},
		NotBefore: signingDay().AddDate(-1, 0, 0), NotAfter: signingDay().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(plan)
	}
	if issuer == nil {
		issuer = plan
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, issuer, public, issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// office is a key with its certificate and the authority's.
func office(t testing.TB, key crypto.Signer) []*x509.Certificate {
	t.Helper()
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := issue(t, "Authority", authority.Public(), nil, authority, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	return []*x509.Certificate{issue(t, "Prairie (Energy) Sécurité", key.Public(), root, authority, nil), root}
}

func ellipticKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSign(t *testing.T) {
	plain, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := renderer(t).RenderBatch("Batch", envelopes(3))
	if err != nil {
		t.Fatal(err)
	}
	papers := map[string][]byte{"certificate": render(t, northern(nil)), "letter": renderCover(t, cover(nil)), "batch": batch}
	for _, key := range []crypto.Signer{plain, ellipticKey(t)} {
		chain := office(t, key)
		for name, paper := range papers {
			signed, err := certificate.Sign(paper, key, chain, signingDay())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(signed, paper) {
				t.Errorf("%s: the paper itself was changed", name)
			}
			// -nocert: nobody but us knows the test's authority.
			got := tool(t, signed, "pdfsig", "-nocert", "FILE")
			for _, want := range []string{"Signature is Valid.", "Total document signed", "Prairie (Energy) Sécurité", "Mar 25 2026", "ETSI.CAdES.detached"} {
				if !strings.Contains(got, want) {
					t.Errorf("%s, %T: pdfsig does not say %q:\n%s", name, key, want, got)
				}
			}
			text := tool(t, signed, "pdftotext", "FILE", "-")
			if text != tool(t, paper, "pdftotext", "FILE", "-") {
				t.Errorf("%s: signed, it has another text", name)
			}
		}
	}
}

// Whichever byte is changed, a reader finds it.
func TestSign_FlippedByte(t *testing.T) {
	key := ellipticKey(t)
	signed, err := certificate.Sign(render(t, northern(nil)), key, office(t, key), signingDay())
	if err != nil {
		t.Fatal(err)
	}
	// In the header, in a title, in a stream, in the widget, in the time of signing.
	for _, place := range []int{6, bytes.Index(signed, []byte("(D:2026")) + 8, bytes.Index(signed, []byte("stream\n")) + 200,
		bytes.Index(signed, []byte("/T (Signature)")) + 5, bytes.Index(signed, []byte("/M (D:")) + 9} {
		changed := bytes.Clone(signed)
		changed[place] ^= 1
		got := tool(t, changed, "pdfsig", "-nocert", "FILE")
		if strings.Contains(got, "Signature is Valid") || !strings.Contains(got, "Digest Mismatch") {
			t.Errorf("byte %d flipped: pdfsig says\n%s", place, got)
		}
	}
	longer := append(bytes.Clone(signed), "% more\n"...)
	got := tool(t, longer, "pdfsig", "-nocert", "FILE")
	if strings.Contains(got, "Total document signed") {
		t.Errorf("with a line more: pdfsig says\n%s", got)
	}
}

func TestSign_Refused(t *testing.T) {
	paper := render(t, northern(nil))
	key, other := ellipticKey(t), ellipticKey(t)
	chain := office(t, key)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	otherLong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sealOnly := issue(t, "Sealer", key.Public(), nil, key, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
	signed, err := certificate.Sign(paper, key, chain, signingDay())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		paper []byte
		key   crypto.Signer
		chain []*x509.Certificate
		at    time.Time
		want  string
	}{
		{"no key", paper, nil, chain, signingDay(), "key and its certificate"},
		{"no certificate", paper, key, nil, signingDay(), "key and its certificate"},
		{"another's key", paper, other, chain, signingDay(), "not the certificate's"},
		{"another's key of the other kind", paper, long, chain, signingDay(), "not the certificate's"},
		{"another's RSA key", paper, long, office(t, otherLong), signingDay(), "not the certificate's"},
		{"short key", paper, short, office(t, short), signingDay(), "1024 bits"},
		{"key of a kind that readers do not know", paper, edwards, office(t, edwards), signingDay(), "cannot sign"},
		{"certificate that has run out", paper, key, chain, signingDay().AddDate(2, 0, 0), "not on 2028-03-25"},
		{"certificate of the future", paper, key, chain, signingDay().AddDate(-2, 0, 0), "not on 2024-03-25"},
		{"certificate for other uses", paper, key, []*x509.Certificate{sealOnly}, signingDay(), "not for signatures"},
		{"another's issuer", paper, key, []*x509.Certificate{chain[0], office(t, key)[1]}, signingDay(), "not issued by"},
		{"signed already", signed, key, chain, signingDay(), "not as this package writes it"},
		{"no PDF", []byte("hello"), key, chain, signingDay(), "not as this package writes it"},
		{"nothing", nil, key, chain, signingDay(), "not as this package writes it"},
		{"half a PDF", paper[len(paper)/2:], key, chain, signingDay(), "not as this package writes it"},
	}
	for _, tt := range tests {
		got, err := certificate.Sign(tt.paper, tt.key, tt.chain, tt.at)
		if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}
