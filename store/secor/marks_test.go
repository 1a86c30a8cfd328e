package secor

import (
	"reflect"
	"testing"
)

func TestTakeMarks(t *testing.T) {
	o := auditIn(t, StateInQA)
	before := writtenOf(o.File)
	change := func(question string, awarded Points, reason string) MarkChange {
		return MarkChange{Mark: Mark{Question: question, Awarded: awarded}, Reason: reason}
	}
	take := func(by Actor, changes ...MarkChange) error {
		return o.act(Act{By: by}, func() error { return o.TakeMarks(changes) })
	}
	// One that is refused takes the others with it, and every one is named.
	mustSay(t, "two wrong", refused(take(asAna, change("B2", 100, "found"), change("B1", 100, ""), change("Z9", 0, "found")), ErrField,
		"B1: Change a Mark wants a reason", "Z9: question Z9: is not in protocol"))
	mustSay(t, "another person", refused(take(asBen, change("B2", 100, "found")), ErrNotAllowed, "only Ana"))
	if o.saw(EventMarkChanged) || !reflect.DeepEqual(writtenOf(o.File), before) {
		t.Error("a refused sheet left a mark")
	}
	err := take(asAna, change("B2", 100, "found"), MarkChange{Mark: Mark{Question: "B1", NA: true}, Reason: "no yard"})
	if err != nil || o.Sheet["B2"].Verified.Words() != "1.00/10.00" || o.Sheet["B1"].Verified.Words() != "n/a" {
		t.Errorf("two marks: %v, B2 %s, B1 %s", err, o.Sheet["B2"].Verified.Words(), o.Sheet["B1"].Verified.Words())
	}
	if last := o.last(EventMarkChanged); last.Text != "no yard" || last.Facts["question"] != "B1" {
		t.Errorf("the second change is recorded as %q of %v", last.Text, last.Facts)
	}
}
