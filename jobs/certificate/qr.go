package certificate

import (
	"fmt"
	"math/bits"
	"sync"

	"rsc.io/qr/coding"
)

// qrLevel survives a stain or fold over 15 % of the code.
const qrLevel = coding.M

// qrVersions is up to which size codes are made, enough for maxURL bytes; rows are at most 49 modules long.
const qrVersions = 8

// qrMasks are the ways to vary a code so that it has no misleading patterns.
const qrMasks = 8

// qrCodes makes QR codes. What depends on their size and mask only is worked out once.
type qrCodes struct {
	plans [qrVersions + 1]func() ([qrMasks]*coding.Plan, error) // by version
}

func newQRCodes() *qrCodes {
	c := &qrCodes{}
	for v := range c.plans {
		c.plans[v] = sync.OnceValues(func() ([qrMasks]*coding.Plan, error) {
			var plans [qrMasks]*coding.Plan
			for mask := range plans {
				p, err := coding.NewPlan(coding.Version(v), qrLevel, coding.Mask(mask))
				if err != nil {
					return plans, fmt.Errorf("plan qr code: %w", err)
				}
				plans[mask] = p
			}
			return plans, nil
		})
	}
	return c
}

// modules returns the code's rows, of which a set bit is dark and the lowest is on the left. Of the masks it takes the
// one that ISO/IEC 18004 finds easiest to read.
func (c *qrCodes) modules(content string) ([]uint64, error) {
	text := coding.String(content)
	version := coding.Version(1)
	for text.Bits(version) > version.DataBytes(qrLevel)*8 {
		version++
		if version > qrVersions {
			return nil, fmt.Errorf("make qr code: %d bytes are too many", len(content))
		}
	}
	plans, err := c.plans[version]()
	if err != nil {
		return nil, err
	}
	var best []uint64
	least := 0
	for _, plan := range plans {
		code, err := plan.Encode(text)
		if err != nil {
			return nil, fmt.Errorf("make qr code: %w", err)
		}
		rows := make([]uint64, code.Size)
		for y := range rows {
			for x := range code.Size {
				if code.Black(x, y) {
					rows[y] |= 1 << x
				}
			}
		}
		p := penalty(rows)
		if best == nil || p < least {
			best, least = rows, p
		}
	}
	return best, nil
}

// penalty is how hard a code is to read, as ISO/IEC 18004 counts it.
func penalty(rows []uint64) int {
	n := len(rows)
	columns := make([]uint64, n)
	dark, total := 0, 0
	for y, row := range rows {
		dark += bits.OnesCount64(row)
		for x := range n {
			columns[x] |= row >> x & 1 << y
		}
		if y > 0 { // squares of two by two in one colour
			same := ^(row ^ rows[y-1])
			total += 3 * bits.OnesCount64(same&(same>>1)&^(row^row>>1)&(1<<(n-1)-1))
		}
		total += linePenalty(row, n)
	}
	for _, column := range columns {
		total += linePenalty(column, n)
	}
	// How far the share of dark modules is from a half, in steps of five in a hundred.
	return total + 10*(max(2*dark-n*n, n*n-2*dark)*10/(n*n))
}

// linePenalty is for long runs of one colour, and for what looks like a corner's mark.
func linePenalty(line uint64, n int) int {
	const (
		longRun    = 5
		window     = 11
		markFirst  = 0b00001011101
		markSecond = 0b10111010000
	)
	total, run := 0, 1
	for i := 1; i < n; i++ {
		if line>>i&1 != line>>(i-1)&1 {
			run = 1
			continue
		}
		run++
		switch {
		case run == longRun:
			total += 3
		case run > longRun:
			total++
		}
	}
	for i := 0; i+window <= n; i++ {
		part := line >> i & (1<<window - 1)
		if part == markFirst || part == markSecond {
			total += 40
		}
	}
	return total
}

// draw draws content as a code in a square whose upper left corner is at (x, y) from the upper left of a sheet that is
// height points high. One path of whole rows of modules leaves no hairlines between them.
func (c *qrCodes) draw(content string, x, y, size, height float64) (string, error) {
	rows, err := c.modules(content)
	if err != nil {
		return "", err
	}
	p := &pen{}
	module := size / float64(len(rows))
	p.op("q 0 g %.5f 0 0 %.5f %.2f %.2f cm", module, -module, x, height-y)
	for k, row := range rows {
		for row != 0 {
			from := bits.TrailingZeros64(row)
			long := bits.TrailingZeros64(^(row >> from))
			p.op("%d %d %d 1 re", from, k, long)
			row &^= (1<<long - 1) << from
		}
	}
	p.op("f Q")
	return p.String(), nil
}
