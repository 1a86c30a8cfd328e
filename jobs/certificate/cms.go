package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"

	"github.com/smallstep/pkcs7"
)

// The parts of a signed message of RFC 5652 that a detached signature has. (pkcs7 could write one, too, but puts the
// computer's present time among what is signed, which ETSI EN 319 142-1 forbids and a test cannot repeat.)
type (
	message struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	signedData struct {
		Version      int
		Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
		Content      struct{ Type asn1.ObjectIdentifier }
		Certificates asn1.RawValue
		Signers      []signerInfo `asn1:"set"`
	}
	signerInfo struct {
		Version    int
		Signer     issuerAndSerial
		Digest     pkix.AlgorithmIdentifier
		Attributes asn1.RawValue
		Algorithm  pkix.AlgorithmIdentifier
		Signature  []byte
	}
	issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	attribute struct {
		Type   asn1.ObjectIdentifier
		Values []any `asn1:"set"`
	}
	// signingCertificate is RFC 5035's second version: the hash, SHA-256, of the certificate that is meant.
	signingCertificate struct{ Certificates []struct{ Hash []byte } }
)

func oid(numbers ...int) asn1.ObjectIdentifier { return numbers }

// signDetached signs content with SHA-256, and has the result verified by another's code before anybody gets it.
func signDetached(content []byte, key crypto.Signer, chain []*x509.Certificate) ([]byte, error) {
	attributes, err := signedAttributes(content, chain[0])
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(attributes)
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("use key: %w", err)
	}
	sealed, err := seal(attributes, signature, chain, key)
	if err != nil {
		return nil, err
	}
	read, err := pkcs7.Parse(sealed)
	if err != nil {
		return nil, fmt.Errorf("read signature back: %w", err)
	}
	read.Content = content
	err = read.Verify()
	if err != nil {
		return nil, fmt.Errorf("verify signature: %w", err)
	}
	return sealed, nil
}

// signedAttributes returns the DER of the SET that is signed.
func signedAttributes(content []byte, signer *x509.Certificate) ([]byte, error) {
	digest, meant := sha256.Sum256(content), sha256.Sum256(signer.Raw)
	set := []attribute{
		{oid(1, 2, 840, 113549, 1, 9, 3), []any{oid(1, 2, 840, 113549, 1, 7, 1)}}, // content type: data
		{oid(1, 2, 840, 113549, 1, 9, 4), []any{digest[:]}},                       // message digest
		{oid(1, 2, 840, 113549, 1, 9, 16, 2, 47), []any{signingCertificate{[]struct{ Hash []byte }{{meant[:]}}}}},
	}
	der, err := asn1.MarshalWithParams(set, "set")
	if err != nil {
		return nil, fmt.Errorf("write signed attributes: %w", err)
	}
	return der, nil
}

func seal(attributes, signature []byte, chain []*x509.Certificate, key crypto.Signer) ([]byte, error) {
	hash := pkix.AlgorithmIdentifier{Algorithm: oid(2, 16, 840, 1, 101, 3, 4, 2, 1), Parameters: asn1.NullRawValue}
	algorithm := pkix.AlgorithmIdentifier{Algorithm: oid(1, 2, 840, 113549, 1, 1, 1), Parameters: asn1.NullRawValue}
	if _, elliptic := key.Public().(*ecdsa.PublicKey); elliptic {
		algorithm = pkix.AlgorithmIdentifier{Algorithm: oid(1, 2, 840, 10045, 4, 3, 2)}
	}
	var certificates []byte
	for _, c := range chain {
		certificates = append(certificates, c.Raw...)
	}
	var set asn1.RawValue
	_, err := asn1.Unmarshal(attributes, &set)
	if err != nil {
		return nil, fmt.Errorf("read signed attributes: %w", err)
	}
	tagged := func(der []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
	}
	data := signedData{Version: 1, Digests: []pkix.AlgorithmIdentifier{hash}, Certificates: tagged(certificates),
		Signers: []signerInfo{{Version: 1, Signer: issuerAndSerial{asn1.RawValue{FullBytes: chain[0].RawIssuer}, chain[0].SerialNumber},
			Digest: hash, Attributes: tagged(set.Bytes), Algorithm: algorithm, Signature: signature}}}
	data.Content.Type = oid(1, 2, 840, 113549, 1, 7, 1)
	der, err := asn1.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("write signed data: %w", err)
	}
	sealed, err := asn1.Marshal(message{oid(1, 2, 840, 113549, 1, 7, 2), tagged(der)})
	if err != nil {
		return nil, fmt.Errorf("write signed message: %w", err)
	}
	return sealed, nil
}
