package jobs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"secordesk/store/secor"
)

// TestWriteInvoice_PaidInPart: the paper that leaves says what was paid and what is
// still to pay, and is the one that is kept.
func TestWriteInvoice_PaidInPart(t *testing.T) {
	desk := letterDesk(t)
	for lang, want := range map[secor.Language][]string{
		secor.English: {"$630.00", "$100.00", "$530.00", "2026-9-A"},
		secor.French:  {"630,00", "100,00", "530,00", "2026-9-A"},
	} {
		f := moneyFile(t, lang)
		message, err := writeInvoice(desk, f, secor.Event{}, Recipient{Key: "company:9", Name: "François Lévesque", Email: "bureau@eclair.example"})
		if err != nil {
			t.Fatal(err)
		}
		paper := message.Attachments[0]
		if kept := f.Documents[len(f.Documents)-1]; !slices.Equal(kept.Data, paper.Data) {
			t.Errorf("%s: what leaves is not what is kept", lang)
		}
		path := filepath.Join(t.TempDir(), "invoice.pdf")
		err = os.WriteFile(path, paper.Data, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		text, err := exec.Command("pdftotext", "-layout", path, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, amount := range want {
			if !strings.Contains(string(text), amount) {
				t.Errorf("%s: the invoice does not say %s:\n%s", lang, amount, text)
			}
		}
	}
}
