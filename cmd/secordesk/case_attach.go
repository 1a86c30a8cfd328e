package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"secordesk/store"
	"secordesk/store/secor"
)

// caseAttachCmd is "secordesk case attach".
type caseAttachCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	In   string       `required:"" placeholder:"FILE" help:"PDF, PNG or JPEG of at most 10 MB."`
	batchAct
}

// Help returns the examples.
func (caseAttachCmd) Help() string {
	return `The file is kept with the case by its SHA-256, such as the certificate that the governing body made. The same file again changes nothing; "secordesk case papers" lists it.

Examples:

	secordesk case attach 14 --in certificate.pdf --as ana.roy@desk.example`
}

// Run keeps a file with a case.
func (c *caseAttachCmd) Run(ctx context.Context, t *terminal) error {
	document, err := readDocument(c.In)
	if err != nil {
		return err
	}
	cases, person, err := t.deskAs(ctx, c.As)
	if err != nil {
		return err
	}
	defer cases.Close()
	act, err := c.act(person, "case attach", fmt.Sprint(c.Case, " ", c.In))
	if err != nil {
		return err
	}
	name, sum, change, err := cases.Attach(ctx, c.Case, act, document)
	if err != nil {
		return plain(err)
	}
	said := "kept as"
	if change == store.Unchanged {
		said = "was there already as"
	}
	_, err = fmt.Fprintf(t.out, "The file %s %s, sha256 %s.\n", said, name, sum)
	return err
}

// readDocument reads a file that a case can keep. One that is too large is refused
// before it is read, and never held whole where its size is not known; its type is
// what its content says, whatever its name.
func readDocument(path string) (secor.Document, error) {
	tooLarge := &secor.FieldError{Field: "--in", Value: path, Problem: fmt.Sprintf("is larger than %d MB", secor.MaxDocument>>20)}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return secor.Document{}, &secor.FieldError{Field: "--in", Value: path, Problem: "is not there"}
	case err != nil:
		return secor.Document{}, fmt.Errorf("look at file: %w", err)
	case info.IsDir():
		return secor.Document{}, &secor.FieldError{Field: "--in", Value: path, Problem: "is a folder; name the file in it"}
	case info.Size() > secor.MaxDocument:
		return secor.Document{}, tooLarge
	}
	in, err := os.Open(path)
	if err != nil {
		return secor.Document{}, fmt.Errorf("open file: %w", err)
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, secor.MaxDocument+1))
	switch {
	case err != nil:
		return secor.Document{}, fmt.Errorf("read file: %w", err)
	case len(data) > secor.MaxDocument:
		return secor.Document{}, tooLarge
	}
	return secor.Document{Name: filepath.Base(path), Type: http.DetectContentType(data), Data: data}, nil
}
