package secor

import (
	"errors"
	"fmt"
)

// MarkChange is one verified mark that a reviewer sets, with why.
type MarkChange struct {
	Mark   Mark
	Reason string
}

// TakeMarks takes the step "mark" once for each change, in one act: all of them or
// none. Who may, when and for which marks is that step's to say; the error names
// every change that it refuses.
func (f *File) TakeMarks(changes []MarkChange) error {
	mark, err := StepFor("mark", f.Case.Kind)
	if err != nil {
		return err
	}
	return f.attempt(func() error {
		reason := f.act.Reason
		var problems []error
		for _, c := range changes {
			clean, err := CleanText("reason", c.Reason, MaxText)
			if err == nil {
				f.act.Reason = clean
				err = mark.Take(f, c.input())
			}
			if err != nil && !errors.Is(err, ErrField) {
				return err // not of this mark alone: the case, or the person
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", c.Mark.Question, err))
			}
		}
		f.act.Reason = reason
		return errors.Join(problems...)
	})
}

func (c MarkChange) input() Input {
	in := Input{"question": c.Mark.Question}
	if c.Mark.NA {
		in["na"] = "true"
		return in
	}
	in["awarded"] = c.Mark.Awarded.String()
	if c.Mark.Available != 0 {
		in["available"] = c.Mark.Available.String()
	}
	return in
}
