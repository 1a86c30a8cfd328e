package certificate

import (
	"fmt"
	"math"
	"strings"
)

// colour is 0xRRGGBB.
type colour uint32

// The colours of our paper.
const (
	ink   colour = 0x16242c
	pine  colour = 0x104a46
	brass colour = 0xa4823e
	slate colour = 0x5c6970
	mist  colour = 0xe6ecea
)

func (c colour) rgb() (int, int, int) { return int(c >> 16), int(c >> 8 & 0xff), int(c & 0xff) }

// operands are what PDF's colour operators want.
func (c colour) operands() string {
	r, g, b := c.rgb()
	return fmt.Sprintf("%.3f %.3f %.3f", float64(r)/255, float64(g)/255, float64(b)/255)
}

// pen writes PDF drawing operators. Its y axis points up from the lower edge of the sheet, as PDF's does.
type pen struct{ strings.Builder }

func (p *pen) op(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *pen) stroke(c colour, width float64) { p.op("%s RG %.2f w", c.operands(), width) }

func (p *pen) fill(c colour) { p.op("%s rg", c.operands()) }

func (p *pen) line(x1, y1, x2, y2 float64) { p.op("%.2f %.2f m %.2f %.2f l S", x1, y1, x2, y2) }

func (p *pen) circle(x, y, r float64) {
	k := r * 0.5523 // control points of a quarter circle
	p.op("%.2f %.2f m", x+r, y)
	p.op("%.2f %.2f %.2f %.2f %.2f %.2f c", x+r, y+k, x+k, y+r, x, y+r)
	p.op("%.2f %.2f %.2f %.2f %.2f %.2f c", x-k, y+r, x-r, y+k, x-r, y)
	p.op("%.2f %.2f %.2f %.2f %.2f %.2f c", x-r, y-k, x-k, y-r, x, y-r)
	p.op("%.2f %.2f %.2f %.2f %.2f %.2f c h", x+k, y-r, x+r, y-k, x+r, y)
}

// wave goes from (x, y) in n half waves along (dx, dy) each, swinging by (sx, sy) to alternate sides.
func (p *pen) wave(x, y, dx, dy, sx, sy float64, n int) {
	p.op("%.1f %.1f m", x, y)
	for i := range n {
		side := float64(1-i%2*2) * 4 / 3 // a Bézier curve reaches three quarters of its controls
		p.op("%.1f %.1f %.1f %.1f %.1f %.1f c", x+dx*.364+sx*side, y+dy*.364+sy*side,
			x+dx*.636+sx*side, y+dy*.636+sy*side, x+dx, y+dy)
		x, y = x+dx, y+dy
	}
	p.op("S")
}

// frame is the certificate's border and its mark, the same on every sheet.
func frame() string {
	const (
		outer, inner = 25.0, 47.0
		band         = (outer + inner) / 2
		corner       = 28.0 // a square without waves
	)
	p := &pen{}
	p.op("q")
	p.stroke(pine, 1.8)
	p.op("%.2f %.2f %.2f %.2f re S", outer, outer, letterLong-2*outer, letterShort-2*outer)
	p.stroke(pine, 0.6)
	p.op("%.2f %.2f %.2f %.2f re S", inner, inner, letterLong-2*inner, letterShort-2*inner)
	p.stroke(brass, 0.45)
	for _, swing := range []float64{7.5, -7.5, 3.5, -3.5} {
		along, up := letterLong-2*(outer+corner), letterShort-2*(outer+corner)
		const nx, ny = 36, 26
		for _, edge := range []float64{band, letterShort - band} {
			p.wave(outer+corner, edge, along/nx, 0, 0, swing, nx)
		}
		for _, edge := range []float64{band, letterLong - band} {
			p.wave(edge, outer+corner, 0, up/ny, swing, 0, ny)
		}
	}
	for _, x := range []float64{band, letterLong - band} {
		for _, y := range []float64{band, letterShort - band} {
			p.rosette(x, y, 8.5, 8)
		}
	}
	p.mark(letterLong/2, letterShort-98, 31)
	p.op("Q")
	return p.String()
}

// rosette is a ring of n circles that meet in the middle.
func (p *pen) rosette(x, y, r float64, n int) {
	for i := range n {
		turn := 2 * math.Pi * float64(i) / float64(n)
		p.circle(x+r/2*math.Cos(turn), y+r/2*math.Sin(turn), r/2)
	}
	p.op("S")
}

// mark is a seal with a tick; it stands for nobody's organisation.
func (p *pen) mark(x, y, r float64) {
	const points = 36
	p.fill(brass)
	for i := range 2 * points {
		turn := math.Pi * float64(i) / points
		reach := r * (1 - 0.07*float64(i%2))
		verb := "l"
		if i == 0 {
			verb = "m"
		}
		p.op("%.2f %.2f %s", x+reach*math.Cos(turn), y+reach*math.Sin(turn), verb)
	}
	p.op("h f")
	p.fill(pine)
	p.circle(x, y, r*0.84)
	p.op("f")
	p.op("1 1 1 RG 0.7 w")
	p.circle(x, y, r*0.74)
	p.op("S")
	p.op("1 J 1 j %.2f w %.2f %.2f m %.2f %.2f l %.2f %.2f l S", r*0.15,
		x-r*0.36, y-r*0.02, x-r*0.1, y-r*0.28, x+r*0.38, y+r*0.3)
}
