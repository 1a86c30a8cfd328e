package secor

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestResemblingNames(t *testing.T) {
	tests := []struct {
		a, b string
		want Resemblance
	}{
		{"Kowalski Welding Ltd.", "KOWALSKI WELDING LIMITED", SameName},
		{"Éclair Électrique Ltée", "Eclair Electrique Inc.", SameName},
		{"Kowalski Welding Ltd.", "Kowalsky Welding Ltd.", NearlySame},  // changed
		{"Kowalski Welding Ltd.", "Kowalsi Welding Ltd.", NearlySame},   // left out
		{"Kowalski Welding Ltd.", "Kowalskii Welding Ltd.", NearlySame}, // put in
		{"Kowalski Welding Ltd.", "Kowalksi Welding Ltd.", NearlySame},  // swapped
		{"Kowalski Welding Ltd.", "Owalski Welding Ltd.", NearlySame},
		{"Kowalski Welding Ltd.", "Kowalski Weldin Ltd.", NearlySame},
		{"Kowalski Welding Ltd.", "Kowalski Welding & Inspection Services Ltd.", NearlySame},
		{"Northern Lights Drilling Ltd.", "Northern Lights Oilfield Drilling Inc.", ""}, // the words are in it, but it goes on otherwise
		{"Kowalski Welding Ltd.", "Kowalsky Weldings Ltd.", ""},                         // two edits
		{"Kowalski Welding Ltd.", "Welding Kowalski Ltd.", ""},
		{"Kowalski Ltd.", "Kowalski Welding Ltd.", ""}, // one word is too little
		{"Roy Welding Ltd.", "Roy Welding Services Ltd.", ""},
		{"Ace Oil Ltd.", "Ace Gas Ltd.", ""},
		{"Roy Ltd.", "Ray Ltd.", ""},
		{"1234567 Alberta Ltd.", "1234568 Alberta Ltd.", ""},
		{"1234567 Alberta Ltd.", "1234567 Albreta Ltd.", NearlySame},
		{"Prairie Sky Welding Ltd.", "Prairie Wind Welding Ltd.", ""},
		{"Ltd.", "The Company Ltd.", ""},
	}
	for _, tt := range tests {
		if got, back := ResemblingNames(tt.a, tt.b), ResemblingNames(tt.b, tt.a); got != tt.want || back != tt.want {
			t.Errorf("%q and %q: %q, and %q the other way; want %q", tt.a, tt.b, got, back, tt.want)
		}
	}
}

// TestNameEnds_FindsAllThatResemble: a store that looks only where NameEnds says
// misses none.
func TestNameEnds_FindsAllThatResemble(t *testing.T) {
	word := rapid.StringMatching(`[a-e]{1,6}`)
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(word, 1, 4).Draw(rt, "words")
		name := strings.Join(words, " ")
		other := []rune(name)
		i := rapid.IntRange(0, len(other)-1).Draw(rt, "at")
		switch rapid.IntRange(0, 4).Draw(rt, "edit") {
		case 0:
			other = slices.Delete(other, i, i+1)
		case 1:
			other = slices.Insert(other, i, 'x')
		case 2:
			other[i] = 'x'
		case 3:
			if i > 0 {
				other[i], other[i-1] = other[i-1], other[i]
			}
		default:
			other = []rune(name + " " + word.Draw(rt, "more"))
		}
		if ResemblingNames(name, string(other)) == "" {
			rt.Skip("not alike")
		}
		beginning, ending := NameEnds(name)
		near := NearName(string(other))
		found := near == NearName(name) || ending != "" && (strings.HasSuffix(near, ending) || strings.HasPrefix(near, beginning))
		if !found {
			rt.Fatalf("%q resembles %q, but is not looked for under %q or %q", string(other), name, beginning, ending)
		}
	})
}

// TestResemblingNames_NoFlood compares hundreds of names as a register of this
// trade has them: few are taken for another company.
func TestResemblingNames_NoFlood(t *testing.T) {
	first := strings.Fields(`Northern Prairie Foothills Chinook Badlands Lakeview Coast Summit Peace Bow Elbow Athabasca Kowalski Nguyen
		Tremblay MacLeod`)
	second := strings.Fields(`Lights Wind Range River`)
	third := strings.Fields(`Welding Drilling Trenching Scaffolding Hydrovac Electric Trucking`)
	var names []string
	for _, a := range first {
		for _, c := range third {
			names = append(names, a+" "+c+" Ltd.")
			for _, b := range second {
				names = append(names, a+" "+b+" "+c+" Inc.")
			}
		}
	}
	pairs, alike := 0, map[string]int{}
	for i, a := range names {
		for _, b := range names[i+1:] {
			why := ResemblingNames(a, b)
			if why == "" {
				continue
			}
			pairs++
			alike[a]++
			alike[b]++
		}
	}
	t.Logf("%d names: %d pairs alike, %d names in one", len(names), pairs, len(alike))
	if pairs > len(names)/100 {
		t.Errorf("%d pairs of %d names are alike: a person would be asked for nothing", pairs, len(names))
	}
}

// asking is a request of Roy Welding with other companies on file.
func asking(t *testing.T, others ...Other) *office {
	o := newOffice(t, SubjectRequest)
	o.Others = others
	err := o.act(Act{By: Desk}, o.Open)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func look(o *office) error {
	return o.act(Act{By: Desk}, func() error { o.FindProfiles(); return nil })
}

func TestFindProfiles(t *testing.T) {
	namesake, twin, stranger := Other{31, "Roy Welding Limited", nil}, Other{40, "Prairie Holdings Ltd.", []string{"1234567"}}, Other{50, "Badlands Hydrovac Ltd.", []string{"7"}}
	both := Other{60, "ROY WELDING", []string{"1234567"}}
	tests := []struct {
		situation string
		others    []Other
		want      string
	}{
		{"nobody else", nil, ""},
		{"a stranger", []Other{stranger}, ""},
		{"a namesake", []Other{stranger, namesake}, "31:name"},
		{"the account under another name", []Other{twin}, "40:account"},
		{"all of them, the strongest first", []Other{namesake, twin, stranger, both}, "40:account 60:account 31:name"},
	}
	for _, tt := range tests {
		o := asking(t, tt.others...)
		for range 2 {
			err := look(o)
			if err != nil {
				t.Fatal(err)
			}
		}
		got, times := "", 0
		for _, e := range o.history {
			if e.Kind == EventProfilesFound {
				got, times = e.Facts["profiles"], times+1
			}
		}
		if got != tt.want || times > 1 {
			t.Errorf("%s: found %q, %d times; want %q", tt.situation, got, times, tt.want)
		}
		read, err := ParseProfiles(tt.want)
		if diff := cmp.Diff(read, o.Request.Profiles); diff != "" || err != nil {
			t.Errorf("%s: %v, read back (-read +found):\n%s", tt.situation, err, diff)
		}
	}
	for _, wrong := range []string{"12", "12:", "0:name", "x:name", "12:brother"} {
		_, err := ParseProfiles(wrong)
		if err == nil {
			t.Errorf("ParseProfiles(%q) is taken", wrong)
		}
	}
}

// TestApprove_WantsAProfileSettled: a company that may be on file already is taken
// on only by a person who accepts that by name, with a reason.
func TestApprove_WantsAProfileSettled(t *testing.T) {
	namesake := Other{31, "Roy Welding Limited", nil}
	for _, situation := range []string{"before the desk looked", "after it", "taken before it looked"} {
		o := asking(t, namesake)
		o.Edition.Guards = append(o.Edition.Guards, GuardRule{Guard: GuardProfiles, Effect: EffectAsk})
		switch situation {
		case "after it":
			err := look(o)
			if err != nil {
				t.Fatal(err)
			}
		case "taken before it looked":
			o.take(asAna, "take", "")
			o.Others = []Other{namesake} // as a store reads what was found
		}
		err := o.try(asAna, "approve", "")
		if !errors.Is(err, ErrGuard) || !strings.Contains(err.Error(), "company 31, Roy Welding Limited, has the same name (profiles)") {
			t.Errorf("%s: approved: %v", situation, err)
		}
		err = o.try(asAna, "approve", "", "accept=profiles")
		if !errors.Is(err, ErrField) {
			t.Errorf("%s: accepted without a reason: %v", situation, err)
		}
		o.take(asAna, "approve", "his brother's company, by phone", "accept=profiles")
		if o.fact(EventGuardWaived, "guard") != "profiles" || o.Case.State != StateApproved {
			t.Errorf("%s: not recorded", situation)
		}
	}
}
