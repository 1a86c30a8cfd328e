package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// How often progress is shown: on a terminal, and where lines are kept.
const (
	showEvery = 200 * time.Millisecond
	logEvery  = 10 * time.Second
)

// progress says how far an import is: on a terminal as one line that is written
// over, elsewhere as a line every ten seconds.
type progress struct {
	out   io.Writer
	live  bool             // a terminal
	wall  func() time.Time // how long it takes is real time, whatever the desk's clock says
	began time.Time        // of the file
	last  time.Time        // when it was shown
	file  string
	lines int  // of the file
	shown bool // something stands on the terminal's line
}

// at says that n lines of a file were taken. Done is the share of the file that was
// read, 0 when nobody knows.
func (p *progress) at(file string, line, n int, done float64) {
	now := p.wall()
	if p.file != file {
		p.file, p.lines, p.began, p.last = file, -n, now, now // what came before was not timed
	}
	p.lines += n
	every := logEvery
	if p.live {
		every = showEvery
	}
	if now.Sub(p.last) < every {
		return
	}
	p.last = now
	text := fmt.Sprintf("%s: line %d%s", file, line, p.pace(now, done))
	if !p.live {
		fmt.Fprintln(p.out, text)
		return
	}
	p.shown = true
	fmt.Fprintf(p.out, "\r\x1b[K%s", text)
}

// pace says how fast it goes and when the file will be through.
func (p *progress) pace(now time.Time, done float64) string {
	spent := now.Sub(p.began)
	var b strings.Builder
	fmt.Fprintf(&b, ", %.0f a second", float64(p.lines)/spent.Seconds())
	if done > 0.01 {
		left := time.Duration(float64(spent) * (1 - min(done, 1)) / done)
		fmt.Fprintf(&b, ", about %s left", left.Round(time.Second))
	}
	return b.String()
}

// wipe makes room on a terminal for another line.
func (p *progress) wipe() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}
