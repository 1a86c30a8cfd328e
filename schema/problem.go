package schema

import (
	"fmt"
	"strings"

	"secordesk/store/secor"
)

// Problem is one thing that is wrong in one file.
type Problem struct {
	File    string // "" where the caller knows it
	Line    int    // of malformed JSON, from 1; 0 where Pointer says the place
	Pointer string // JSON Pointer of the value; "" is the whole file
	Reason  string // what is wrong and, where it can be said, what is right
}

// String returns the problem on one line: "file: /pointer: reason".
func (p Problem) String() string {
	var parts []string
	if p.File != "" {
		parts = append(parts, p.File)
	}
	if p.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", p.Line))
	}
	if p.Pointer != "" {
		parts = append(parts, p.Pointer)
	}
	return strings.Join(append(parts, p.Reason), ": ")
}

// Problems is everything that is wrong, as one error with a line for each. It
// matches secor.ErrField.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

func (p Problems) Unwrap() error { return secor.ErrField }

// orNil returns nil for no problems, so that an empty list is no error.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
