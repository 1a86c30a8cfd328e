package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
	"unicode/utf16"
)

// Sign returns pdf, which must be one of this package and not yet signed, with a signature over every byte of it added
// at its end. The chain is the signer's certificate, to which the key belongs, followed by those that issued it; the
// root may be left out. The time at is written into the file as when it was signed; each certificate must be valid
// then. Keys are RSA of at least 2048 bits, or ECDSA. The signature has the form of a CAdES detached signature
// (ETSI.CAdES.detached) without a time stamp of a third party.
func Sign(pdf []byte, key crypto.Signer, chain []*x509.Certificate, at time.Time) ([]byte, error) {
	err := CheckSigner(key, chain, at)
	if err != nil {
		return nil, fmt.Errorf("sign pdf: %w", err)
	}
	old, err := readTail(pdf)
	if err != nil {
		return nil, fmt.Errorf("sign pdf: %w", err)
	}
	u := old.update(pdf, chain, at)
	signature, err := signDetached(u.signed(), key, chain)
	if err != nil {
		return nil, fmt.Errorf("sign pdf: %w", err)
	}
	if hex.EncodedLen(len(signature)) > u.to-u.from-2 {
		return nil, fmt.Errorf("sign pdf: a signature of %d bytes does not fit into its place", len(signature))
	}
	hex.Encode(u.file[u.from+1:], signature)
	return u.file, nil
}

// CheckSigner says why Sign would not sign with the key and the chain at a time, or nil. (tls.LoadX509KeyPair reads
// both from files.)
func CheckSigner(key crypto.Signer, chain []*x509.Certificate, at time.Time) error {
	if key == nil || len(chain) == 0 {
		return errors.New("a key and its certificate are needed")
	}
	signer := chain[0]
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < 2048 {
			return fmt.Errorf("an RSA key of %d bits is too short; 2048 are needed", public.N.BitLen())
		}
		if !public.Equal(signer.PublicKey) {
			return errors.New("the key is not the certificate's")
		}
	case *ecdsa.PublicKey:
		if !public.Equal(signer.PublicKey) {
			return errors.New("the key is not the certificate's")
		}
	default:
		return fmt.Errorf("a key of type %T cannot sign; take RSA or ECDSA", public)
	}
	const signs = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if signer.KeyUsage != 0 && signer.KeyUsage&signs == 0 {
		return fmt.Errorf("the certificate of %s is not for signatures", signer.Subject)
	}
	for i, c := range chain {
		if at.Before(c.NotBefore) || at.After(c.NotAfter) {
			return fmt.Errorf("the certificate of %s is valid from %s to %s, not on %s", c.Subject,
				c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), at.Format(time.DateOnly))
		}
		if i == 0 {
			continue
		}
		err := chain[i-1].CheckSignatureFrom(c)
		if err != nil {
			return fmt.Errorf("the certificate of %s is not issued by %s: %w", chain[i-1].Subject, c.Subject, err)
		}
	}
	return nil
}

// tail is what of a file must be known to append to it.
type tail struct {
	xref            int // its place in the file
	size            int // the number of the next object
	root, info      int
	page            int // the first
	rootBody, sheet string
}

// errForeign is for what Sign cannot read, because this package did not write it.
var errForeign = errors.New("the file is not as this package writes it")

// readTail reads the end of a file as the library writes it: one table of objects, a catalog and a page in the clear.
func readTail(pdf []byte) (tail, error) {
	trailer := regexp.MustCompile(`trailer\n<<\n/Size (\d+)\n/Root (\d+) 0 R\n/Info (\d+) 0 R\n>>\nstartxref\n(\d+)\n%%EOF\n$`)
	const longest = 1000
	m := trailer.FindSubmatch(pdf[max(0, len(pdf)-longest):])
	if m == nil {
		return tail{}, errForeign
	}
	var t tail
	for i, n := range []*int{&t.size, &t.root, &t.info, &t.xref} {
		var err error
		*n, err = strconv.Atoi(string(m[i+1]))
		if err != nil {
			return tail{}, errForeign
		}
	}
	const pageTree = 1
	pages, err := t.object(pdf, pageTree)
	if err != nil {
		return tail{}, err
	}
	kid := regexp.MustCompile(`/Kids \[(\d+) 0 R `).FindStringSubmatch(pages)
	if kid == nil {
		return tail{}, errForeign
	}
	t.page, err = strconv.Atoi(kid[1])
	if err != nil {
		return tail{}, errForeign
	}
	t.rootBody, err = t.object(pdf, t.root)
	if err != nil {
		return tail{}, err
	}
	t.sheet, err = t.object(pdf, t.page)
	return t, err
}

// object returns what is between an object's number and its end.
func (t tail) object(pdf []byte, number int) (string, error) {
	const entry = 20 // bytes that a line of the table has
	head := fmt.Sprintf("xref\n0 %d\n", t.size)
	line := t.xref + len(head) + number*entry
	if number >= t.size || t.xref > len(pdf) || !bytes.HasPrefix(pdf[t.xref:], []byte(head)) || line+entry > len(pdf) {
		return "", errForeign
	}
	place, err := strconv.Atoi(string(pdf[line : line+10]))
	if err != nil || place > len(pdf) {
		return "", errForeign
	}
	body, found := bytes.CutPrefix(pdf[place:], fmt.Appendf(nil, "%d 0 obj\n", number))
	end := bytes.Index(body, []byte(">>\nendobj\n"))
	if !found || end < 0 {
		return "", errForeign
	}
	return string(body[:end]), nil
}

// update is a file with an empty signature appended; from and to are the place of its value, with the brackets.
type update struct {
	file     []byte
	from, to int
}

// signed is all of the file but the place for the signature.
func (u update) signed() []byte {
	return append(bytes.Clone(u.file[:u.from]), u.file[u.to:]...)
}

// update appends the signature's objects, and the page and the catalog that know of them.
func (t tail) update(pdf []byte, chain []*x509.Certificate, at time.Time) update {
	room := 2048 // for all but the certificates
	for _, c := range chain {
		room += len(c.Raw)
	}
	u := update{file: make([]byte, 0, len(pdf)+2*room+4096)}
	u.file = append(u.file, pdf...)
	places := map[int]int{}
	add := func(number int, format string, args ...any) {
		places[number] = len(u.file)
		u.file = fmt.Appendf(u.file, "%d 0 obj\n"+format+"\nendobj\n", append([]any{number}, args...)...)
	}
	signature, widget := t.size, t.size+1
	annotations := fmt.Sprintf("/Annots [%d 0 R ", widget)
	sheet := t.sheet + "\n" + annotations + "]"
	if i := bytes.Index([]byte(t.sheet), []byte("/Annots [")); i >= 0 {
		sheet = t.sheet[:i] + annotations + t.sheet[i+len("/Annots ["):]
	}
	add(t.page, "%s>>", sheet)
	add(t.root, "%s/Version /1.7\n/AcroForm <</SigFlags 3 /Fields [%d 0 R]>>\n>>", t.rootBody, widget)
	add(widget, "<</Type /Annot /Subtype /Widget /FT /Sig /T (Signature) /Rect [0 0 0 0] /F 132 /P %d 0 R /V %d 0 R>>", t.page, signature)

	const empty = "[0 0000000000 0000000000 0000000000]"
	add(signature, "<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached\n/Name %s\n/M (D:%s+00'00')\n/ByteRange %s\n/Contents <%0*d>>>",
		pdfText(chain[0].Subject.CommonName), at.UTC().Format("20060102150405"), empty, 2*room, 0)
	u.to = len(u.file) - len(">>\nendobj\n")
	u.from = u.to - 2*room - 2

	xref := len(u.file)
	u.file = append(u.file, "xref\n"...)
	for _, number := range []int{t.page, t.root, signature, widget} {
		u.file = fmt.Appendf(u.file, "%d 1\n%010d 00000 n \n", number, places[number])
	}
	u.file = fmt.Appendf(u.file, "trailer\n<</Size %d /Root %d 0 R /Info %d 0 R /Prev %d>>\nstartxref\n%d\n%%%%EOF\n",
		t.size+2, t.root, t.info, t.xref, xref)
	place := bytes.LastIndex(u.file[:u.from], []byte(empty))
	copy(u.file[place:], fmt.Sprintf("[0 %010d %010d %010d]", u.from, u.to, len(u.file)-u.to))
	return u
}

// pdfText is s as PDF writes text of any language.
func pdfText(s string) string {
	out := "<FEFF"
	for _, unit := range utf16.Encode([]rune(s)) {
		out += fmt.Sprintf("%04X", unit)
	}
	return out + ">"
}
