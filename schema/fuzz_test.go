package schema

import (
	"errors"
	"testing"
	"testing/fstest"

	"secordesk/store/secor"
)

// FuzzLoadFS feeds one file of each kind. It never panics; what it refuses it
// refuses with Problems, what it takes it can print and count by.
func FuzzLoadFS(f *testing.F) {
	data := small(f)
	kinds := []string{"programme/now.json", "protocol/tiny.json", "bodies/ab.json", "calendar/AB.json", "zones/Edmonton.tzif"}
	for kind, name := range kinds {
		f.Add(uint8(kind), data[name].Data)
	}
	f.Add(uint8(3), []byte(`{"holidays": [{"basis": "nth", "nth": 4}]}`))
	f.Fuzz(func(t *testing.T, kind uint8, content []byte) {
		data := small(t)
		data[kinds[int(kind)%len(kinds)]] = &fstest.MapFile{Data: content}
		l, err := LoadFS(data)
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 || problems.Error() == "" {
				t.Fatalf("LoadFS = %T %v, want Problems", err, err)
			}
			return
		}
		for _, c := range l.Programme.Calendars {
			c.Holiday(secor.NewDate(2026, 7, 1))
		}
		_, err = l.Programme.EditionOn(secor.NewDate(9999, 1, 1))
		if err != nil {
			t.Fatalf("no edition is ever in force: %v", err)
		}
	})
}

func FuzzReadSubmission(f *testing.F) {
	f.Add([]byte(`{"protocol": "x", "evidence_months": 12, "marks": [{"question": "A1", "awarded": "3.50", "available": 5, "na": false}]}`))
	f.Add([]byte(`{"protocol": {"elements": [{"id": "A", "questions": [{"id": "A1", "points": "5"}]}]}, "evidence_months": {"policies": 3, "records": 12}, "marks": [{"question": "A1", "awarded": null}]}`))
	f.Add([]byte(`{"a": 1, "a": 1e999999999}`))
	f.Add([]byte("\uFEFF[[[[[\xff"))
	f.Fuzz(func(t *testing.T, document []byte) {
		s, err := ReadSubmission(document)
		if err != nil {
			if !errors.Is(err, secor.ErrField) {
				t.Fatalf("ReadSubmission = %T %v, want Problems", err, err)
			}
			return
		}
		for _, m := range s.Marks {
			if m.Awarded < 0 || m.Available < 0 || m.Awarded > secor.MaxPoints || m.Available > secor.MaxPoints {
				t.Fatalf("took points out of range: %+v", m)
			}
		}
		if s.Inline != nil {
			_, err = s.Inline.Judge(s.Marks, secor.PassMark{Overall: 80, Element: 50})
			if err != nil && !errors.Is(err, secor.ErrRefused) {
				t.Fatalf("Judge = %v, want a refusal or a score", err)
			}
		}
	})
}
