package promise

import (
	"slices"
	"testing"
)

func TestDecode(t *testing.T) {
	got, err := Decode(Payload{JobID: 41}.Encode())
	if err != nil || got.JobID != 41 {
		t.Errorf("Decode(Encode(41)) = %d, %v", got.JobID, err)
	}
	for _, wrong := range []string{"", "{", `{"job":0}`, `{"job":-1}`, `{"job":"41"}`, `{"job":9223372036854775808}`, "null", `[41]`} {
		_, err := Decode([]byte(wrong))
		if err == nil {
			t.Errorf("Decode(%q) names a job", wrong)
		}
	}
}

func TestStates_EachOnce(t *testing.T) {
	states := slices.Sorted(slices.Values(States()))
	if len(slices.Compact(slices.Clone(states))) != len(states) || len(states) != 5 {
		t.Errorf("States() = %v", states)
	}
}

// FuzzDecode: what comes through Redis never panics, and what is read is a job.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"job":41}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Decode(text)
		if err == nil && p.JobID <= 0 {
			t.Errorf("Decode(%q) = %d", text, p.JobID)
		}
	})
}
