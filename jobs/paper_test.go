package jobs

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"secordesk/jobs/mail"
	"secordesk/store/secor"
)

// paperFile is a case whose papers are made on a day.
func paperFile(t *testing.T, change func(*secor.File)) *secor.File {
	t.Helper()
	f := letterFile(t, secor.SubjectAudit)
	if change != nil {
		change(f)
	}
	err := f.Begin(secor.Act{ID: "papers", By: secor.Desk}, time.Date(2026, 3, 26, 16, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCover_Languages: a company that asked for French gets a French letter, signed
// by who signs on its day.
func TestCover_Languages(t *testing.T) {
	desk := letterDesk(t)
	f := paperFile(t, nil)
	english, err := desk.cover(f, f.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	f.Company.Language = secor.French
	french, err := desk.cover(f, f.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		strings.Join(english.Body, "\n"): "by the end of March", english.Salutation: "Dear François Lévesque,",
		strings.Join(french.Body, "\n"): "au plus tard en mars", french.Salutation: "Bonjour François Lévesque,", french.Language: "fr",
		english.Signatory.Name: "Chloé Martin", french.Signatory.Title: "Manager, Certification",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("a cover letter says %q, want %q", text, want)
		}
	}
}

// TestMakePapers_Again: what is mailed again gets another letter, and the first stays.
func TestMakePapers_Again(t *testing.T) {
	f := paperFile(t, nil)
	err := makePapers(letterDesk(t), f, secor.Event{Kind: secor.EventCertificateReadied, Seq: 31})
	if err != nil || len(f.Documents) != 1 || f.Documents[0].Name != "14-SK-77-cover-letter-31.pdf" {
		t.Errorf("%d papers, %v", len(f.Documents), err)
	}
}

// TestMakePapers_NobodySigns says whom to add, and where.
func TestMakePapers_NobodySigns(t *testing.T) {
	for _, who := range []string{secor.Partner, "sk-wcb"} {
		f := paperFile(t, nil)
		f.Programme.Signatories[who] = nil
		err := makePapers(letterDesk(t), f, secor.Event{})
		if !errors.Is(err, secor.ErrRefused) || !strings.Contains(err.Error(), "on 2026-03-26") || !strings.Contains(err.Error(), "schema/signatories/"+who+".json") {
			t.Errorf("without a signatory of %s: %v", who, err)
		}
	}
}

// TestPrintBatch leaves out by name what cannot be addressed or printed, and orders
// the rest.
func TestPrintBatch(t *testing.T) {
	company := func(id secor.CaseID, name, street, code string) *secor.File {
		return paperFile(t, func(f *secor.File) {
			f.Case.ID, f.Company.LegalName, f.Company.Address.Street, f.Company.Address.PostalCode = id, name, street, code
			if len(street) > 100 {
				f.Company.Contact, f.Company.Address.City = street, street
			}
		})
	}
	cases := []*secor.File{company(1, "Last", "1 Main Street", "V6B 1A1"), company(2, "No code", "1 Main Street", ""),
		company(3, strings.Repeat("W", 200), strings.Repeat("W", 200), "A0A 0A0"), company(4, "Unprintable 漢字", "1 Main Street", "A0A 0A0"),
		company(6, "First, too", "1 Main Street", "s4a0b3"), company(5, "First", "1 Main Street", "S4A 0B3")}
	b, err := letterDesk(t).PrintBatch("To mail", cases)
	if err != nil {
		t.Fatal(err)
	}
	var order, left []secor.CaseID
	for _, f := range b.Cases {
		order = append(order, f.Case.ID)
	}
	for _, l := range b.LeftOut {
		left = append(left, l.Case)
		if !errors.Is(l.Why, secor.ErrRefused) {
			t.Errorf("case %d is left out with a fault: %v", l.Case, l.Why)
		}
	}
	if len(order) != 3 || order[0] != 5 || order[1] != 6 || order[2] != 1 || len(left) != 3 || len(b.Data) == 0 {
		t.Errorf("printed %v, left out %v", order, left)
	}
	nothing, err := letterDesk(t).PrintBatch("To mail", cases[1:2])
	if err != nil || nothing.Data != nil || len(nothing.LeftOut) != 1 {
		t.Errorf("a batch of nothing: %d bytes, %v", len(nothing.Data), err)
	}
}

// TestRequestBatch_Letter is what a body reads.
func TestRequestBatch_Letter(t *testing.T) {
	f := paperFile(t, nil)
	f.Body.Request, f.Body.BatchColumns = secor.AskingBatch, secor.BatchColumns()
	b := secor.BodyBatch{ID: 3, Body: f.Body, Cases: []*secor.File{f}}
	data, err := b.CSV()
	if err != nil || !strings.Contains(string(data), "14,8901234,Éclair Électrique Ltée,Éclair,1,certification,2026-03-11,") {
		t.Errorf("the file is %q, %v", data, err)
	}
	message, err := requestBatch(letterDesk(t), b, mail.Attachment{Name: "certificates-sk-wcb-3.csv", Type: "text/csv", Data: data}, f.Now())
	if err != nil {
		t.Fatal(err)
	}
	message.ID = "job-1@prairiesafety.example"
	err = message.Validate()
	if err != nil {
		t.Errorf("the letter cannot be sent: %v", err)
	}
	golden(t, "testdata/letter/request_batch.golden", "To: "+message.To+"\nSubject: "+message.Subject+"\n\n"+message.Text)
	f.Body.Email = ""
	_, err = requestBatch(letterDesk(t), b, mail.Attachment{}, f.Now())
	if !errors.Is(err, secor.ErrRefused) {
		t.Errorf("a body without an address: %v", err)
	}
}

// textOf reads a paper as its reader does.
func textOf(t *testing.T, paper []byte) string {
	t.Helper()
	read := exec.CommandContext(t.Context(), "pdftotext", "-layout", "-", "-")
	read.Stdin = bytes.NewReader(paper)
	text, err := read.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// TestMakePapers_Say: every printed fact of a certificate and its letter, as the paper
// has it, for each way in which a body issues.
func TestMakePapers_Say(t *testing.T) {
	signed := func(f *secor.File) {
		f.Certificate().Signatory, f.Certificate().SignatoryTitle = "Dev Patel", "Director, Programmes"
	}
	coSigned := func(f *secor.File) { f.Body.CoSigned = true }
	tests := []struct {
		name         string
		change       func(*secor.File)
		cover, paper string // what stands there, by "|"; no paper when empty
		nowhere      string // in neither
	}{
		{"this office prints", func(f *secor.File) { f.Body.CoSigned = false },
			"François Lévesque|301, rue Principale|Estevan|S4A 0B3|Case 14, certificate SK-77|Enclosed is|11 March 2026 and is valid to 10 March 2027|by the end of March|Chloé Martin|https://verify.example/c/SK-77",
			"SK-77|Éclair Électrique Ltée|Éclair|8901234|Saskatchewan Workers|Prairie Safety Partners|11 March 2026|10 March 2027|Chloé Martin|verify.example/c/SK-77", "Nicolas Bélanger|without paper"},
		{"co-signed by another than the first", func(f *secor.File) { coSigned(f); signed(f) }, "Enclosed is|Dev Patel|Director, Programmes",
			"Dev Patel|Director, Programmes|Nicolas Bélanger", "Chloé Martin"},
		{"the body prints", func(f *secor.File) { f.Body.Printer = secor.MakerBody }, "Enclosed is|11 March 2026 and is valid to 10 March 2027", "", "verify.example"},
		{"without paper", func(f *secor.File) {
			f.Body.Printer, f.Body.Paper, f.Body.CoSigned, f.Body.Registry = secor.MakerBody, false, false, "https://registry.example"
		}, "has issued, without paper|SK-77|https://registry.example", "", "Enclosed|verify.example"},
	}
	for _, tt := range tests {
		f := paperFile(t, tt.change)
		err := makePapers(letterDesk(t), f, secor.Event{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if want := map[bool]int{true: 2, false: 1}[tt.paper != ""]; len(f.Documents) != want {
			t.Fatalf("%s: %d papers, want %d", tt.name, len(f.Documents), want)
		}
		for i, want := range []string{tt.cover, tt.paper}[:len(f.Documents)] {
			text := textOf(t, f.Documents[i].Data)
			for words := range strings.SplitSeq(want, "|") {
				if !strings.Contains(text, words) {
					t.Errorf("%s: %s does not say %q:\n%s", tt.name, f.Documents[i].Name, words, text)
				}
			}
			for words := range strings.SplitSeq(tt.nowhere, "|") {
				if strings.Contains(text, words) {
					t.Errorf("%s: %s says %q:\n%s", tt.name, f.Documents[i].Name, words, text)
				}
			}
		}
	}
}

// TestPrintBatch_Renamed: what was issued to another name is left out, whoever asks.
func TestPrintBatch_Renamed(t *testing.T) {
	f := paperFile(t, func(f *secor.File) { f.Certificate().IssuedTo = "Éclair Ltée" })
	b, err := letterDesk(t).PrintBatch("To mail", []*secor.File{f})
	if err != nil || len(b.LeftOut) != 1 || !strings.Contains(b.LeftOut[0].Why.Error(), "issued to Éclair Ltée; replace it") {
		t.Errorf("left out %v, %v", b.LeftOut, err)
	}
}

// TestPrintBatch_Proposed: what one person wants to revoke does not go to the post.
func TestPrintBatch_Proposed(t *testing.T) {
	f := paperFile(t, func(f *secor.File) { f.Certificate().Proposer = 3 })
	b, err := letterDesk(t).PrintBatch("To mail", []*secor.File{f})
	if err != nil || len(b.LeftOut) != 1 || !strings.Contains(b.LeftOut[0].Why.Error(), "proposes to revoke") {
		t.Errorf("left out %v, %v", b.LeftOut, err)
	}
}
