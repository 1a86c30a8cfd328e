package secor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Resemblance says why a company on file may be the one that sent a request.
type Resemblance string

const (
	SameAccount Resemblance = "account" // it has the same account number, with whatever body
	SameName    Resemblance = "name"    // the names have one NearName
	NearlySame  Resemblance = "near"    // one letter apart, or one name begins with the other
)

// Resemblances returns every resemblance, the strongest first.
func Resemblances() []Resemblance { return []Resemblance{SameAccount, SameName, NearlySame} }

// Words says a resemblance to a person.
func (r Resemblance) Words() string {
	switch r {
	case SameAccount:
		return "the same account number"
	case SameName:
		return "the same name"
	default:
		return "nearly the same name"
	}
}

// Profile is a company on file that may be the one that sent a request.
type Profile struct {
	CompanyID int64
	Why       Resemblance
}

// Other is another company on file, as far as telling it apart needs.
type Other struct {
	CompanyID int64
	LegalName string
	Accounts  []string // with whatever body
}

// The shortest names that are compared by more than their NearName: shorter ones
// are one letter from too many others.
const (
	leastForOneEdit   = 8  // letters
	leastForBeginning = 12 // letters of the shorter name, which has two words or more
)

// ResemblingNames compares two legal names; "" when they do not resemble each
// other. Names of eight letters or more that are one letter apart, put in, left
// out, changed or swapped with the next, are nearly the same; so are two of which
// one begins with all the words of the other, two or more. That the words only
// occur in it is not enough: in a register of this trade that was true of nearly
// every name. Figures must be equal: "1234567 Alberta Ltd." and "1234568 Alberta Ltd." are two companies.
func ResemblingNames(a, b string) Resemblance {
	near, other := NearName(a), NearName(b)
	switch {
	case near == other:
		return SameName
	case figures(near) != figures(other):
		return ""
	case oneEdit([]rune(near), []rune(other)), begins(nameWords(a), nameWords(b)), begins(nameWords(b), nameWords(a)):
		return NearlySame
	default:
		return ""
	}
}

func figures(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, name)
}

// oneEdit reports whether two names that differ are one edit apart.
func oneEdit(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < leastForOneEdit || len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return slices.Equal(a[i:], b[i+1:])
	}
	swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
	return swapped || slices.Equal(a[i+1:], b[i+1:])
}

// begins reports whether a longer name begins with all the words of a shorter one.
func begins(long, short []string) bool {
	if len(short) < 2 || len(long) <= len(short) || len([]rune(strings.Join(short, ""))) < leastForBeginning {
		return false
	}
	return slices.Equal(long[:len(short)], short)
}

// FindProfiles looks whether another company on file may be the one that sent the
// request, and records what it finds; the same finding is recorded once. It
// decides nothing: approving then wants it accepted by name, with a reason.
func (f *File) FindProfiles() {
	found := f.resembling()
	if len(found) == 0 || slices.Equal(found, f.Request.Profiles) {
		return
	}
	f.Request.Profiles = found
	f.record(EventProfilesFound, "", facts{"profiles": FormatProfiles(found)})
}

// resembling compares the company with the others of the file, strongest first.
func (f *File) resembling() []Profile {
	var found []Profile
	for _, o := range f.Others {
		why := ResemblingNames(f.Company.LegalName, o.LegalName)
		if slices.ContainsFunc(f.Registrations, func(r Registration) bool { return slices.Contains(o.Accounts, r.Account) }) {
			why = SameAccount
		}
		if why != "" && o.CompanyID != f.Company.ID {
			found = append(found, Profile{o.CompanyID, why})
		}
	}
	rank := Resemblances()
	slices.SortFunc(found, func(a, b Profile) int {
		return cmp.Or(cmp.Compare(slices.Index(rank, a.Why), slices.Index(rank, b.Why)), cmp.Compare(a.CompanyID, b.CompanyID))
	})
	return found
}

// profiles are those that were found or, before the desk has looked, would be.
func (f *File) profiles() []Profile {
	if f.Case.State == StateReceived && len(f.Request.Profiles) == 0 {
		return f.resembling()
	}
	return f.Request.Profiles
}

// missingProfile says which companies on file may be the one that asks.
func (f *File) missingProfile() string {
	var named []string
	for _, p := range f.profiles() {
		named = append(named, fmt.Sprintf("company %d%s has %s", p.CompanyID, nameAside(f.OtherName(p.CompanyID)), p.Why.Words()))
	}
	return strings.Join(named, ", ")
}

func nameAside(name string) string {
	if name == "" {
		return ""
	}
	return ", " + name + ","
}

// OtherName returns the legal name of another company of the file; "" when it is
// not among them.
func (f *File) OtherName(id int64) string {
	for _, o := range f.Others {
		if o.CompanyID == id {
			return o.LegalName
		}
	}
	return ""
}

// FormatProfiles writes profiles as they are stored: "12:account 31:near".
func FormatProfiles(profiles []Profile) string {
	words := make([]string, len(profiles))
	for i, p := range profiles {
		words[i] = fmt.Sprintf("%d:%s", p.CompanyID, p.Why)
	}
	return strings.Join(words, " ")
}

// ParseProfiles reads what FormatProfiles wrote; anything else is an error.
func ParseProfiles(text string) ([]Profile, error) {
	var profiles []Profile
	for word := range strings.FieldsSeq(text) {
		var p Profile
		_, err := fmt.Sscanf(word, "%d:%s", &p.CompanyID, &p.Why)
		if err != nil || p.CompanyID < 1 || !slices.Contains(Resemblances(), p.Why) {
			return nil, fmt.Errorf("%q names no company with a reason", word)
		}
		profiles = append(profiles, p)
	}
	return profiles, nil
}

// NameEnds says where a store need look for names that resemble another: the
// NearName of each is the name's own, begins with the first result, or ends with the
// second. Both are "" for a name too short for that. A name with figures is not
// looked for by an ending without them, "Alberta" of a numbered company, which
// hundreds have: a wrong letter before its figures is not found.
func NameEnds(name string) (string, string) {
	near := []rune(NearName(name))
	if len(near) < leastForOneEdit {
		return "", ""
	}
	// One edit, also two letters swapped, leaves the one or the other as it is.
	half := (len(near) - 2) / 2
	beginning, ending := string(near[:min(half, leastForBeginning)]), string(near[len(near)-half:])
	if figures(ending) == "" && figures(string(near)) != "" {
		return beginning, ""
	}
	return beginning, ending
}
