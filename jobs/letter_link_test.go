package jobs

import "testing"

// Only what lies below one of our own sites becomes a link.
func TestLetters_Links(t *testing.T) {
	office := Office{AuditToolURL: "https://tool.prairie.example", VerifyURL: "https://verify.prairie.example/c/"}
	for word, want := range map[string]string{
		"https://tool.prairie.example":              "https://tool.prairie.example",
		"https://tool.prairie.example/audits/14.":   "https://tool.prairie.example/audits/14",
		"https://tool.prairie.example?case=14":      "https://tool.prairie.example?case=14",
		"https://verify.prairie.example/c/C-12,":    "https://verify.prairie.example/c/C-12",
		"https://verify.prairie.example/c":          "https://verify.prairie.example/c",
		"https://VERIFY.prairie.example/c/C-12":     "https://VERIFY.prairie.example/c/C-12",
		"https://verify.prairie.example/cc":         "",
		"https://verify.prairie.example/":           "",
		"https://verify.prairie.example/c/../x":     "",
		"https://verify.prairie.example/c/%2e%2e/x": "",
		"https://verify.prairie.example.evil.com/x": "",
		"https://tool.prairie.example.evil.com/x":   "",
		"https://tool.prairie.example@evil.com/y":   "",
		"https://u:p@tool.prairie.example/y":        "",
		"https://tool.prairie.example:8443/y":       "",
		`https://tool.prairie.example\@evil.com/y`:  "",
		`https://tool.prairie.example/\evil.com`:    "",
		"http://tool.prairie.example/y":             "",
		"javascript:https://tool.prairie.example/y": "",
		"tool.prairie.example":                      "",
		"":                                          "",
	} {
		got := ""
		for _, p := range office.pieces("see " + word) {
			got += p.Link
		}
		if got != want {
			t.Errorf("%s: links to %q, want %q", word, got, want)
		}
	}
	for _, p := range (Office{}).pieces("see https://tool.prairie.example /x") {
		if p.Link != "" {
			t.Errorf("an office without sites links to %s", p.Link)
		}
	}
}
