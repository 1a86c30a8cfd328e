package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"secordesk/store/secor"
)

// casePapersCmd is "secordesk case papers".
type casePapersCmd struct {
	Case secor.CaseID `arg:"" help:"Number of the case."`
	To   string       `placeholder:"DIR" help:"Folder to write to; made when missing. They are only listed when it is left out."`
}

// Help returns the examples.
func (casePapersCmd) Help() string {
	return "Examples:\n\n\tsecordesk case papers 14\n\tsecordesk case papers 14 --to /tmp/envelopes"
}

// Run lists or writes every paper of one case. A file that is there already is left alone
// and refused, unless it is the same paper.
func (c *casePapersCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	_, err = cases.File(ctx, c.Case)
	if err != nil {
		return plain(err)
	}
	papers, err := cases.Documents(ctx, c.Case)
	if err != nil {
		return err
	}
	if len(papers) == 0 {
		_, err = fmt.Fprintln(t.out, "no papers yet; they are made when the number of the certificate is recorded")
		return err
	}
	if c.To == "" {
		return listPapers(t.out, papers)
	}
	err = os.MkdirAll(c.To, 0o755)
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, paper := range papers {
		path := filepath.Join(c.To, filepath.Base(paper.Name))
		err = writePaper(path, paper.Data)
		if err != nil {
			return err
		}
		fmt.Fprintln(t.out, path)
	}
	return nil
}

func listPapers(w io.Writer, papers []secor.Document) error {
	out := &table{heads: []string{"Paper", "Type", "Bytes", "SHA-256"}, right: []int{2}}
	for _, p := range papers {
		out.add(p.Name, p.Type, strconv.Itoa(len(p.Data)), fmt.Sprintf("%x", sha256.Sum256(p.Data)))
	}
	return out.write(w)
}

func writePaper(path string, data []byte) error {
	there, err := os.ReadFile(path)
	switch {
	case err == nil && string(there) == string(data):
		return nil
	case err == nil:
		return &secor.FieldError{Field: "--to", Value: path, Problem: "is there already and is another file; name another folder"}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look for paper: %w", err)
	}
	err = os.WriteFile(path, data, 0o644)
	if err != nil {
		return fmt.Errorf("write paper: %w", err)
	}
	return nil
}
