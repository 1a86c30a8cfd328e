package secor

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Refusals. Each is a rule's "no": nothing was changed, the text may be shown to
// a person, and it says what to do. Any error that matches none of them is a
// fault, whose text must never reach Slack or an employer.
var (
	// ErrRefused matches every refusal of this package.
	ErrRefused = errors.New("refused")

	ErrIllegalMove  = fmt.Errorf("%w: the case is not in a state for this step", ErrRefused)
	ErrNotAllowed   = fmt.Errorf("%w: this person may not take this step", ErrRefused)
	ErrConflict     = fmt.Errorf("%w: conflict of interest", ErrRefused)
	ErrGuard        = fmt.Errorf("%w: a condition of the programme is not met", ErrRefused)
	ErrNotScored    = fmt.Errorf("%w: not scored", ErrRefused)
	ErrField        = fmt.Errorf("%w: a value is not usable", ErrRefused)
	ErrNotFound     = fmt.Errorf("%w: not found", ErrRefused)
	ErrSecondPerson = fmt.Errorf("%w: a second person must do this", ErrRefused)
	ErrLedger       = fmt.Errorf("%w: the clock cannot take this entry", ErrRefused)
)

// Refusal is a rule's "no" in one or two sentences: what stands in the way, and
// what to do about it. It matches its Kind and ErrRefused.
type Refusal struct {
	Kind error // one of the sentinels above
	Text string
	Do   string // what the person may do instead; may be empty
}

func (r *Refusal) Error() string {
	if r.Do == "" {
		return r.Text
	}
	return r.Text + "; " + r.Do
}

func (r *Refusal) Unwrap() error { return r.Kind }

func refuse(kind error, do, format string, args ...any) error {
	return &Refusal{Kind: kind, Text: fmt.Sprintf(format, args...), Do: do}
}

// MoveError reports a move that the table of moves does not hold. It matches
// ErrIllegalMove.
type MoveError struct {
	Subject  Subject
	From, To State
	Legal    []State // where it may go from here
}

func (e *MoveError) Error() string {
	if len(e.Legal) == 0 {
		return fmt.Sprintf("the %s is %s and stays so", e.Subject, e.From.Words())
	}
	return fmt.Sprintf("the %s is %s and cannot become %s; from here it can become %s",
		e.Subject, e.From.Words(), e.To.Words(), joinStates(e.Legal))
}

func (e *MoveError) Unwrap() error { return ErrIllegalMove }

// FieldError reports one value that a person or a file gave and that cannot be
// used. Field may be empty where the caller knows the name. It matches ErrField.
type FieldError struct {
	Field   string
	Value   string // as given; cut to 80 characters when shown
	Problem string // "is not a date; write it as 2026-03-25"
}

func (e *FieldError) Error() string {
	var b strings.Builder
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "%q ", clip(e.Value, 80))
	}
	b.WriteString(e.Problem)
	return b.String()
}

func (e *FieldError) Unwrap() error { return ErrField }

// Named returns err with the field's name filled in when err is a FieldError
// that has none yet, and err itself otherwise.
func Named(field string, err error) error {
	var f *FieldError
	if errors.As(err, &f) && f.Field == "" {
		return &FieldError{Field: field, Value: f.Value, Problem: f.Problem}
	}
	return err
}

func clip(text string, runes int) string {
	// A huge text is cut before it is looked at.
	r := []rune(text[:min(len(text), utf8.UTFMax*(runes+1))])
	if len(r) <= runes {
		return text
	}
	return string(r[:runes-1]) + "…"
}

func joinStates(states []State) string {
	words := make([]string, len(states))
	for i, s := range states {
		words[i] = s.Words()
	}
	return joinOr(words)
}

func joinOr(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
