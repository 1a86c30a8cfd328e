package secor

import (
	"fmt"
	"strconv"
	"strings"
)

// Points are hundredths of a point, so that scores are compared exactly:
// 3.50 points are Points(350).
type Points int64

// MaxPoints is the largest number of points that a question may carry.
const MaxPoints Points = 1_000_000_00

// ParsePoints reads "5", "3.5" or "3.50". A sign, an exponent, more than two
// decimals and more than MaxPoints are FieldErrors.
func ParsePoints(text string) (Points, error) {
	hundredths, problem := parseHundredths(text)
	if problem == "" && hundredths > int64(MaxPoints) {
		problem = "is more than " + MaxPoints.String() + " points"
	}
	if problem != "" {
		return 0, &FieldError{Value: text, Problem: problem}
	}
	return Points(hundredths), nil
}

// String returns the points with two decimals: "3.50".
func (p Points) String() string { return formatHundredths(int64(p)) }

// Cents are an amount of Canadian money in cents.
type Cents int64

// ParseCents reads "150", "150.5" or "150.00" dollars.
func ParseCents(text string) (Cents, error) {
	hundredths, problem := parseHundredths(strings.TrimPrefix(text, "$"))
	if problem != "" {
		return 0, &FieldError{Value: text, Problem: problem}
	}
	return Cents(hundredths), nil
}

// String returns the amount as letters print it: "$150.00".
func (c Cents) String() string {
	if c < 0 {
		return "-$" + formatHundredths(int64(-c))
	}
	return "$" + formatHundredths(int64(c))
}

const decimalProblem = "is not a number with at most two decimals, such as 3.50"

func parseHundredths(text string) (int64, string) {
	whole, fraction, dotted := strings.Cut(text, ".")
	if whole == "" || len(whole) > 12 || len(fraction) > 2 || (dotted && fraction == "") {
		return 0, decimalProblem
	}
	digits := whole + fraction + strings.Repeat("0", 2-len(fraction))
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, decimalProblem
	}
	return int64(n), ""
}

func formatHundredths(n int64) string {
	return fmt.Sprintf("%d.%02d", n/100, n%100)
}
