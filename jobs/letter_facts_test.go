package jobs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"secordesk/store/secor"
)

// TestShowsScore holds that every letter that prints a score is known to.
func TestShowsScore(t *testing.T) {
	for _, k := range Kinds() {
		if k.Text == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("letter", "en", k.Text+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := k.ShowsScore(), strings.Contains(string(text), "{{percent"); got != want {
			t.Errorf("%s shows a score: %t, but its text says %t", k.Name, got, want)
		}
	}
}

func TestLackedBy(t *testing.T) {
	on := secor.NewDate(2026, 3, 24)
	for _, tt := range []struct {
		name string
		kind secor.JobKind
		file secor.File
		want string
	}{
		{"no audit", secor.JobPass, secor.File{}, `confirmed result "pass"`},
		{"being reviewed", secor.JobPass, secor.File{Audit: &secor.Audit{}}, `confirmed result "pass"`},
		{"failed since", secor.JobPass, secor.File{Audit: &secor.Audit{Result: secor.VerdictFail}}, `confirmed result "pass"`},
		{"passed", secor.JobPass, secor.File{Audit: &secor.Audit{Result: secor.VerdictPass}}, ""},
		{"passed since", secor.JobFail, secor.File{Audit: &secor.Audit{Result: secor.VerdictPass}}, `confirmed result "fail"`},
		{"failed", secor.JobFail, secor.File{Audit: &secor.Audit{Result: secor.VerdictFail}}, ""},
		{"no certificate", secor.JobMailed, secor.File{}, "certificate with a number"},
		{"replaced by one without a number", secor.JobMailed, secor.File{Certificates: []secor.Certificate{{Number: "AB-1", MailedOn: on}, {}}}, "certificate with a number"},
		{"numbered", secor.JobMailed, secor.File{Certificates: []secor.Certificate{{Number: "AB-1"}}}, "certificate that was mailed"},
		{"mailed", secor.JobMailed, secor.File{Certificates: []secor.Certificate{{Number: "AB-1", MailedOn: on}}}, ""},
		{"no paper, no number", secor.JobElectronic, secor.File{Certificates: []secor.Certificate{{}}}, "certificate with a number"},
		{"no paper", secor.JobElectronic, secor.File{Certificates: []secor.Certificate{{Number: "AB-1"}}}, ""},
		{"another letter", secor.JobWelcome, secor.File{}, ""},
	} {
		if got := lackedBy(tt.kind, &tt.file); got != tt.want {
			t.Errorf("%s, %s: it lacks %q, want %q", tt.kind, tt.name, got, tt.want)
		}
	}
}
