package secor

import "strings"

// Partner is the key of this office's signatories; those of a body stand under its id.
const Partner = "partner"

// Signatory is a person who signs certificates, and since when until when.
type Signatory struct {
	Name, Title string
	Span        Span
}

// SignatoriesOn returns who signs for this office (Partner) or a body on a day, the
// one to be taken first standing first. None is a refusal that says what to add.
func (p *Programme) SignatoriesOn(who string, day Date) ([]Signatory, error) {
	var found []Signatory
	for _, s := range p.Signatories[who] {
		if s.Span.Covers(day) {
			found = append(found, s)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	name := "this office"
	if body := p.Bodies[who]; body != nil {
		name = body.Name
	}
	return nil, refuse(ErrNotFound, "add the person with name, title and first day to schema/signatories/"+who+".json",
		"nobody signs for %s on %s", name, day)
}

// signatory returns who of this office signs on the day of the act: the person
// named, in any case of letters, or the first where none is named.
func (f *File) signatory(name string) (Signatory, error) {
	signing, err := f.Programme.SignatoriesOn(Partner, f.Today())
	if err != nil {
		return Signatory{}, err
	}
	var names []string
	for _, s := range signing {
		if name == "" || strings.EqualFold(s.Name, name) {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Signatory{}, &FieldError{Field: "signatory", Value: name, Problem: "does not sign for this office on " + f.Today().String() + "; " + joinOr(names) + " does"}
}
