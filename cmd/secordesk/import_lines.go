package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// maxLine is the longest line that is read, in bytes. A submission with a mark for
// every question has some ten thousand.
const maxLine = 1 << 20

// maxJoined is over how many lines one quoted value of a CSV file may go.
const maxJoined = 50

// fileLine is one line of a file without its end.
type fileLine struct {
	number int // from 1
	text   []byte
	long   bool // longer than maxLine; the text is not kept
}

// lineReader reads a file line by line and never holds more of a line than maxLine.
type lineReader struct {
	ctx    context.Context
	in     *bufio.Reader
	number int
	back   []fileLine // given back, to be read again
}

func newLines(ctx context.Context, in io.Reader) *lineReader {
	return &lineReader{ctx: ctx, in: bufio.NewReaderSize(in, 64<<10)}
}

// next returns the next line; io.EOF after the last one.
func (l *lineReader) next() (fileLine, error) {
	if len(l.back) > 0 {
		line := l.back[0]
		l.back = l.back[1:]
		return line, nil
	}
	line := fileLine{number: l.number + 1}
	for read := false; ; read = true {
		part, err := l.in.ReadSlice('\n')
		if len(line.text)+len(part) > maxLine {
			line.text, line.long = nil, true
		}
		if !line.long {
			line.text = append(line.text, part...)
		}
		if l.ctx.Err() != nil {
			return fileLine{}, l.ctx.Err()
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(part) == 0 && !read:
			return fileLine{}, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return fileLine{}, err
		}
		l.number++
		line.text = bytes.TrimSuffix(bytes.TrimSuffix(line.text, []byte("\n")), []byte("\r"))
		if line.number == 1 {
			line.text = bytes.TrimPrefix(line.text, []byte("\uFEFF"))
		}
		return line, nil
	}
}

// giveBack makes lines the next ones again, in their order.
func (l *lineReader) giveBack(given []fileLine) { l.back = append(given, l.back...) }
