package mail

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"strings"
)

// MaxReport is the greatest delivery report that is read, in bytes: one may bring a whole letter back.
const MaxReport = 32 << 20

// Report is what a mail server says became of a letter that was accepted before (RFC 3464).
type Report struct {
	ID         string // of our letter, as Message.ID was, from the headers that came back
	Deliveries []Delivery
}

// Delivery is what became of a letter for one reader.
type Delivery struct {
	Address  string // where it was to be delivered at last
	Original string // where it was sent to, when the report says so; it differs where mail is forwarded
	Action   Action
	Status   string // such as "5.1.1" (RFC 3463)
	Said     string // what the mail server said, on one line
}

// Action is what a mail server did with a letter.
type Action string

// The actions: only Failed means that the letter did not arrive.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"
	Expanded  Action = "expanded"
)

// ReportError says why a message is no delivery report that can be used.
type ReportError string

func (e ReportError) Error() string { return string(e) }

const (
	errReportHuge    ReportError = "it is larger than 32 MiB; no mail server writes such a report"
	errReportMessage ReportError = "it is no e-mail message; save the report itself as a file (.eml)"
	errReportKind    ReportError = "it is no delivery report (multipart/report; report-type=delivery-status)"
	errReportBroken  ReportError = "it is broken off or damaged; save the report again"
	errReportStatus  ReportError = "it has no part that says what became of the letter (message/delivery-status)"
	errReportReader  ReportError = "it does not name a reader and what became of the letter (Final-Recipient, Action, Status)"
	errReportLetter  ReportError = "it does not bring back the headers of the letter, so nobody can say which it is about"
	errReportTwice   ReportError = "it is about more than one letter"
)

// maxParts bounds what a report is cut into; a real one has three.
const maxParts = 20

// ReadReport reads a delivery report. Every error that is about the message itself is a ReportError.
func ReadReport(r io.Reader) (Report, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxReport+1))
	if err != nil {
		return Report{}, fmt.Errorf("read report: %w", err)
	}
	if len(raw) > MaxReport {
		return Report{}, errReportHuge
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Report{}, errReportMessage
	}
	media, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || media != "multipart/report" || !strings.EqualFold(params["report-type"], "delivery-status") || params["boundary"] == "" {
		return Report{}, errReportKind
	}
	return readParts(multipart.NewReader(m.Body, params["boundary"]))
}

func readParts(parts *multipart.Reader) (Report, error) {
	var found Report
	seen := map[string]bool{}
	for range maxParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return found, found.check(seen)
		}
		if err != nil {
			return Report{}, errReportBroken
		}
		media, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			continue // its words for people
		}
		var body io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
			body = base64.NewDecoder(base64.StdEncoding, part)
		}
		if seen[media] && media != "text/plain" && media != "text/html" {
			return Report{}, errReportTwice
		}
		seen[media] = true
		switch media {
		case "message/delivery-status", "message/global-delivery-status":
			found.Deliveries, err = readDeliveries(body)
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			found.ID, err = readLetterID(body)
		}
		if err != nil {
			return Report{}, err
		}
	}
	return Report{}, errReportBroken
}

func (r Report) check(seen map[string]bool) error {
	switch {
	case !seen["message/delivery-status"] && !seen["message/global-delivery-status"]:
		return errReportStatus
	case len(r.Deliveries) == 0:
		return errReportReader
	case r.ID == "":
		return errReportLetter
	}
	return nil
}

// readDeliveries reads the fields of the message, which are passed over, and those of each reader.
func readDeliveries(r io.Reader) ([]Delivery, error) {
	fields := textproto.NewReader(bufio.NewReader(io.LimitReader(r, 1<<20)))
	_, err := fields.ReadMIMEHeader()
	if err != nil {
		return nil, errReportBroken
	}
	var found []Delivery
	for {
		h, err := fields.ReadMIMEHeader()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, errReportBroken
		}
		if len(h) > 0 {
			d, ok := delivery(h)
			if !ok {
				return nil, errReportReader
			}
			found = append(found, d)
		}
		if err != nil {
			return found, nil
		}
	}
}

func delivery(h textproto.MIMEHeader) (Delivery, bool) {
	d := Delivery{Address: addressOf(h.Get("Final-Recipient")), Original: addressOf(h.Get("Original-Recipient")),
		Action: Action(strings.ToLower(clean(h.Get("Action")))), Status: firstWord(h.Get("Status"))}
	_, said, typed := strings.Cut(h.Get("Diagnostic-Code"), ";")
	if !typed {
		said = h.Get("Diagnostic-Code")
	}
	d.Said = clean(said)
	switch d.Action {
	case Failed, Delayed, Delivered, Relayed, Expanded:
		return d, d.Address != "" && statusCode(d.Status)
	}
	return d, false
}

// addressOf returns the address of "rfc822; office@example.com".
func addressOf(field string) string {
	_, address, typed := strings.Cut(field, ";")
	if !typed {
		return ""
	}
	return strings.Trim(clean(address), "<>")
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(clean(s), " ")
	return word
}

func statusCode(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || !strings.Contains("245", parts[0]) {
		return false
	}
	for _, p := range parts {
		if p == "" || len(p) > 3 || strings.ContainsFunc(p, func(r rune) bool { return r < '0' || r > '9' }) {
			return false
		}
	}
	return true
}

// readLetterID reads which letter came back: our own header, or the Message-ID where a relay took that one out.
func readLetterID(r io.Reader) (string, error) {
	h, err := textproto.NewReader(bufio.NewReader(io.LimitReader(r, 1<<20))).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return "", errReportBroken
	}
	for _, name := range []string{JobHeader, "Message-Id"} {
		ids := h.Values(name)
		if len(ids) > 1 {
			return "", errReportTwice
		}
		if len(ids) == 1 {
			id := strings.Trim(strings.TrimSpace(ids[0]), "<>")
			if checkID(id) == nil {
				return id, nil
			}
		}
	}
	return "", nil
}
