package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The plot is drawn by hand: four panels of horizontal bars, one scale each.
const (
	plotWidth  = 980
	labelWidth = 330
	barHeight  = 15
	barStep    = 24
)

// bar is one line of a panel.
type bar struct {
	label     string
	values    []float64 // the bar ends at the first, whiskers at the others
	goal      float64   // 0: none
	goalLabel string
	colour    string
}

// panel is bars with one scale.
type panel struct {
	title string
	unit  string
	log   bool
	bars  []bar
}

const (
	colourOurs  = "#1f6f8b"
	colourAsynq = "#e08e45"
	colourRiver = "#8a6fb0"
	colourFloor = "#b8bec4"
)

// plot returns the figures as SVG.
func (f findings) plot() string {
	var body strings.Builder
	y := 56
	for _, p := range f.panels() {
		if len(p.bars) > 0 {
			y = p.draw(&body, y) + 26
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Helvetica, Arial, sans-serif" font-size="12">
<rect width="100%%" height="100%%" fill="white"/>
<text x="20" y="28" font-size="17" font-weight="bold" fill="#222">The engine's speed: medians, with whiskers from the smallest to the largest run</text>
%s%s</svg>
`, plotWidth, y+10, plotWidth, y+10, legend(), body.String())
}

func legend() string {
	var text strings.Builder
	x := 20
	for _, l := range []struct{ colour, label string }{{colourOurs, "ours"}, {colourAsynq, "asynq"}, {colourRiver, "River"}, {colourFloor, "floor, or plain Postgres"}} {
		fmt.Fprintf(&text, `<rect x="%d" y="38" width="11" height="11" fill="%s"/><text x="%d" y="48" fill="#444">%s</text>`+"\n", x, l.colour, x+16, l.label)
		x += 34 + 7*len(l.label)
	}
	fmt.Fprintf(&text, `<line x1="%d" x2="%d" y1="37" y2="50" stroke="#c0392b" stroke-width="2.5"/><text x="%d" y="48" fill="#444">goal</text>`+"\n", x+4, x+4, x+12)
	return text.String()
}

func colourOf(name string) string {
	whose, _, _ := strings.Cut(name, "/")
	colour, ok := map[string]string{"ours": colourOurs, "asynq": colourAsynq, "river": colourRiver}[whose]
	if !ok {
		return colourFloor
	}
	return colour
}

func (f findings) panels() []panel {
	return []panel{
		{title: "Jobs done, with one durable effect each", unit: "jobs/s", bars: f.bars(median, "asynq/noop", "asynq/drain", "ours/drain", "ours/drain-claims", "ours/drain-batched",
			"ours/path", "ours/path-batched", "asynq/path", "river/path-32", "river/path-100", "ours/step")},
		{title: "Transactions that promise", unit: "tx/s", bars: f.bars(median, "plain/insert-32", "plain/keyed-32", "ours/promise-32", "plain/insert-8", "plain/keyed-8", "ours/promise-8", "floor/insert", "floor/cte", "floor/tx")},
		{title: "Commit → handler start, idle: bar p50, dot p99", unit: "ms", log: true, bars: f.latencies("ours/idle", "ours/idle-elsewhere", "river/idle", "asynq/idle-tuned", "asynq/idle")},
		{title: "Until all goes on after a fault: bar median, whiskers all", unit: "s", bars: f.recoveries()},
	}
}

func (f findings) bars(of func([]float64) float64, names ...string) []bar {
	var found []bar
	for _, name := range names {
		s, ok := f[name]
		if !ok {
			continue
		}
		b := bar{label: s.label(), values: append([]float64{of(s.all())}, s.spreadOver(of)...), colour: colourOf(name)}
		b.goal, b.goalLabel = f.goalOf(name)
		found = append(found, b)
	}
	return found
}

// label is short enough for the plot's margin.
func (s series) label() string {
	label, _, _ := strings.Cut(s.what, " (")
	if len(label) > 52 {
		label = label[:strings.LastIndex(label[:52], " ")] + " …"
	}
	return label
}

// goalOf turns a ratio that is asked for into a place on the scale: the highest, if there are several.
func (f findings) goalOf(name string) (float64, string) {
	var at float64
	var label string
	for _, r := range rows() {
		if r.ours != name || len(r.over) == 0 || len(f.ratio(r)) == 0 {
			continue
		}
		best := f.best(r)
		goal := r.least * median(f[best].all())
		if goal > at {
			at, label = goal, fmt.Sprintf("%s × %s", number(r.least), best)
		}
	}
	return at, label
}

func (f findings) latencies(names ...string) []bar {
	found := f.bars(median, names...)
	at := 0
	for _, name := range names {
		s, ok := f[name]
		if !ok {
			continue
		}
		found[at].values = []float64{median(s.all()), p99(s.all())}
		if name == "ours/idle" {
			found[at].goal, found[at].goalLabel = 6, "p50 ≤ 6, p99 ≤ 15"
		}
		at++
	}
	return found
}

func (f findings) recoveries() []bar {
	found := f.bars(median, "ours/flush", "ours/kill", "asynq/kill")
	for i := range found {
		if found[i].colour == colourOurs {
			found[i].goal, found[i].goalLabel = 15, "≤ 15"
		}
	}
	if _, measured := f["asynq/kill"]; !measured && len(found) > 0 {
		found = append(found, bar{label: "bare asynq: kill -9 (quoted: 60–106 s)", values: []float64{81, 60, 106}, colour: colourAsynq})
	}
	return found
}

// draw adds the panel below y and returns where it ends.
func (p panel) draw(body *strings.Builder, y int) int {
	fmt.Fprintf(body, `<text x="20" y="%d" font-size="14" font-weight="bold" fill="#222">%s</text><text x="%d" y="%d" fill="#666" text-anchor="end">%s%s</text>`+"\n",
		y+24, html.EscapeString(p.title), plotWidth-20, y+24, p.unit, map[bool]string{true: ", logarithmic", false: ""}[p.log])
	y += 38
	for _, b := range p.bars {
		p.drawBar(body, b, y)
		y += barStep
	}
	fmt.Fprintf(body, `<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="#888"/>`+"\n", labelWidth, labelWidth, y-barStep*len(p.bars)-4, y)
	return y
}

func (p panel) drawBar(body *strings.Builder, b bar, y int) {
	middle := y + barHeight/2
	end, low, high := p.x(b.values[0]), p.x(b.values[0]), p.x(b.values[0])
	for _, v := range b.values {
		low, high = min(low, p.x(v)), max(high, p.x(v))
	}
	fmt.Fprintf(body, `<text x="%d" y="%d" text-anchor="end" fill="#333">%s</text><rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`,
		labelWidth-8, y+12, html.EscapeString(b.label), labelWidth, y, max(end-labelWidth, 1), barHeight, b.colour)
	text := number(b.values[0])
	if p.log {
		fmt.Fprintf(body, `<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="%s" stroke-dasharray="2 2"/><circle cx="%d" cy="%d" r="4.5" fill="%s"/>`, end, high, middle, middle, b.colour, high, middle, b.colour)
		text = number(b.values[0]) + " / " + number(b.values[1])
	} else if high > low {
		fmt.Fprintf(body, `<path d="M%d %dH%dM%d %dV%dM%d %dV%d" stroke="#222" fill="none"/>`, low, middle, high, low, middle-4, middle+4, high, middle-4, middle+4)
	}
	right := max(high, end)
	if b.goal > 0 {
		goal := p.x(b.goal)
		fmt.Fprintf(body, `<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="#c0392b" stroke-width="2.5"/>`, goal, goal, y-3, y+barHeight+3)
		if p.log {
			fmt.Fprintf(body, `<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="#c0392b" stroke-width="2.5"/>`, p.x(15), p.x(15), y-3, y+barHeight+3)
			goal = p.x(15)
		}
		right = max(right, goal)
		text += "   goal " + b.goalLabel
	}
	fmt.Fprintf(body, `<text x="%d" y="%d" fill="#222">%s</text>`+"\n", right+9, y+12, html.EscapeString(text))
}

// x is where a value stands; the scale leaves room for what is written behind the longest bar.
func (p panel) x(v float64) int {
	most := 0.0
	for _, b := range p.bars {
		for _, value := range append([]float64{b.goal}, b.values...) {
			most = max(most, value)
		}
	}
	part := v / most
	if p.log {
		part = max(0, math.Log10(max(v, 0.1)/0.1)) / math.Log10(most/0.1)
	}
	return labelWidth + int(part*(plotWidth-labelWidth-215))
}
