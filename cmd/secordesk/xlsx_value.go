package main

import (
	"math"
	"strings"
	"time"

	"secordesk/store/secor"
)

// dateOfSerial writes the days since the sheet's day 0 as a date, with its time
// where it has one; as shown where no calendar has such a day.
func dateOfSerial(n, from float64, shown string) string {
	const days = 200 * 366
	seconds := math.Round((n - from) * 86400)
	if math.Abs(n-from) > days {
		return shown
	}
	at := time.Unix(int64(seconds), 0).UTC()
	if at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0 {
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02T15:04:05")
}

// fromSheet returns a cell of a sheet as a CSV file would have it, or says why its
// value is not what the field wants.
func (d *reader) fromSheet(body *secor.Body, f recordField, c sheetCell) (string, error) {
	dated := f.format == formatDate || f.format == formatTime
	switch {
	case c.kind == cellFormula:
		return "", problem("", "is a formula; put its value there (Paste Special, Values)")
	case c.kind == cellError:
		return "", problem(c.text, "is an error of the sheet")
	case c.kind == cellDate && !dated:
		return "", problem(c.text, "is a date in the sheet; format the cell as Text and write the value again")
	case c.kind == cellNumber && dated:
		return "", problem(c.text, "is a number in the sheet and no date; format the cell as a date, or write it as text such as 2026-03-25")
	case c.kind == cellDate && f.format == formatDate && strings.Contains(c.text, "T"):
		return "", problem(c.text, "has a time of day and must be a day alone")
	case c.kind == cellDate && f.format == formatTime && !strings.Contains(c.text, "T"):
		return "", problem(c.text, "is a day without a time; write both, as 2026-03-25T09:00")
	case c.kind == cellNumber && (f.exact || f.format == formatAccount):
		return digitsOf(body, f, c)
	}
	return c.text, nil
}

// digitsOf returns a number of which every digit counts. A sheet drops leading
// zeros, so it is good only where it shows them, or where no longer number can have
// been meant.
func digitsOf(body *secor.Body, f recordField, c sheetCell) (string, error) {
	if strings.ContainsAny(c.text, ".-") {
		return "", problem(c.text, "is a number in the sheet and has no place here; format the cell as Text and write the value again")
	}
	shown := c.text
	if len(shown) < c.digits {
		shown = strings.Repeat("0", c.digits-len(shown)) + shown
	}
	longest := 0
	if body != nil && f.format == formatAccount {
		for _, n := range body.AccountDigits {
			longest = max(longest, n)
		}
	}
	if c.digits > 1 || longest > 0 && len(shown) == longest {
		return shown, nil
	}
	return "", problem(c.text, "is a number in the sheet, which has lost any leading zeros; format the column as Text and write it out in full")
}
