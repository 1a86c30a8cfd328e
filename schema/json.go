package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// parse reads a JSON document for the validator, numbers as json.Number. It
// refuses what encoding/json would let pass in silence: invalid UTF-8, a key
// given twice (the later one would win), anything after the end, and exponents,
// because the validator would compute 1e999999999 to its last digit.
func parse(document []byte) (any, Problems) {
	document = bytes.TrimPrefix(document, []byte("\uFEFF"))
	if at := invalidUTF8(document); at >= 0 {
		return nil, Problems{{Line: lineAt(document, at), Reason: "is not valid UTF-8; save the file as UTF-8"}}
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var value any
	err := d.Decode(&value)
	if err != nil {
		return nil, Problems{malformed(document, err)}
	}
	_, err = d.Token()
	if !errors.Is(err, io.EOF) {
		return nil, Problems{{Line: lineAt(document, int(d.InputOffset())), Reason: "something follows the end of the JSON document; remove it"}}
	}
	return value, inspect(document)
}

func invalidUTF8(document []byte) int {
	if utf8.Valid(document) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(document[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
}

func malformed(document []byte, err error) Problem {
	at := len(document)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = int(syntax.Offset) - 1
	}
	reason := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "the document ends too early"
	}
	return Problem{Line: lineAt(document, at), Reason: "malformed JSON: " + reason}
}

// lineAt returns the line, from 1, of the byte at an offset.
func lineAt(document []byte, offset int) int {
	offset = max(0, min(offset, len(document)))
	return 1 + bytes.Count(document[:offset], []byte("\n"))
}

// inspect walks over a document that is known to be well formed.
func inspect(document []byte) Problems {
	in := inspector{decoder: json.NewDecoder(bytes.NewReader(document)), document: document}
	in.decoder.UseNumber()
	err := in.value("")
	if err != nil {
		in.problems = append(in.problems, malformed(document, err))
	}
	return in.problems
}

type inspector struct {
	decoder  *json.Decoder
	document []byte
	problems Problems
}

func (in *inspector) value(pointer string) error {
	token, err := in.decoder.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Number:
		if strings.ContainsAny(t.String(), "eE") || len(t) > 30 {
			in.complain(pointer, "write the number out in at most 30 digits, without an exponent")
		}
	case json.Delim:
		return in.members(t, pointer)
	}
	return nil
}

func (in *inspector) members(open json.Delim, pointer string) error {
	seen := map[string]bool{}
	for i := 0; in.decoder.More(); i++ {
		key := fmt.Sprint(i)
		if open == '{' {
			token, err := in.decoder.Token()
			if err != nil {
				return err
			}
			key = fmt.Sprint(token)
		}
		child := join(pointer, key)
		if seen[key] {
			in.complain(child, "is given twice; keep one")
		}
		seen[key] = true
		err := in.value(child)
		if err != nil {
			return err
		}
	}
	_, err := in.decoder.Token()
	return err
}

func (in *inspector) complain(pointer, reason string) {
	line := lineAt(in.document, int(in.decoder.InputOffset()))
	in.problems = append(in.problems, Problem{Line: line, Pointer: pointer, Reason: reason})
}

// join adds a key or index to a JSON Pointer.
func join(pointer, key string) string {
	return pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
