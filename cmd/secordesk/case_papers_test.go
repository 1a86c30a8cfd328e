package main

import (
	"os"
	"path/filepath"
	"testing"

	"secordesk/store/secor"
)

// TestWritePaper_LeavesOthersAlone: the same paper twice is fine, another file of
// that name is not overwritten.
func TestWritePaper_LeavesOthersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "14-cover-letter.pdf")
	for range 2 {
		err := writePaper(path, []byte("%PDF one"))
		if err != nil {
			t.Fatal(err)
		}
	}
	err := writePaper(path, []byte("%PDF two"))
	if _, refused := err.(*secor.FieldError); !refused {
		t.Errorf("another paper of that name: %v, want a refusal", err)
	}
	content, err := os.ReadFile(path)
	if err != nil || string(content) != "%PDF one" {
		t.Errorf("the file holds %q, %v", content, err)
	}
}
