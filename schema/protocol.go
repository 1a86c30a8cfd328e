package schema

import (
	"fmt"
	"slices"

	"secordesk/store/secor"
)

// protocolFile is a file of schema/protocol.
type protocolFile struct {
	Schema string `json:"$schema"`
	Name   string `json:"name"`
	Title  string `json:"title"`
	origin
	Elements []elementFile `json:"elements"`
}

type elementFile struct {
	ID        string          `json:"id"`
	Title     sourced[string] `json:"title"`
	French    sourced[string] `json:"title_fr"` // may be left out
	Questions []questionFile  `json:"questions"`
}

type questionFile struct {
	origin
	ID      string         `json:"id"`
	Text    string         `json:"text"`
	Points  points         `json:"points"`
	Methods []secor.Method `json:"methods"`
	Scale   secor.Scale    `json:"scale"`
}

func (f *protocolFile) into(r *reading, p *secor.Programme) {
	r.named("/name", f.Name)
	r.heading = "Protocol " + f.Name + ": " + f.Title
	r.list("/title", "Title", f.Title, f.origin)
	protocol := &secor.Protocol{Name: f.Name, Title: f.Title}
	seen := map[string]bool{}
	for i, e := range f.Elements {
		protocol.Elements = append(protocol.Elements, e.element(r, fmt.Sprintf("/elements/%d", i), f.origin, seen))
	}
	p.Protocols[f.Name] = protocol
}

// element reads one element. Seen holds the names of all elements and questions
// so far.
func (f elementFile) element(r *reading, pointer string, inherited origin, seen map[string]bool) secor.Element {
	r.unique(seen, pointer+"/id", "element "+f.ID)
	e := secor.Element{ID: f.ID, Title: take(r, pointer+"/title", "Element "+f.ID, "%s", f.Title)}
	if f.French.Value != "" {
		e.TitleFrench = take(r, pointer+"/title_fr", "Element "+f.ID+" in French", "%s", f.French)
	}
	for i, q := range f.Questions {
		at := fmt.Sprintf("%s/questions/%d", pointer, i)
		r.unique(seen, at+"/id", "question "+q.ID)
		e.Questions = append(e.Questions, q.question(r, at, inherited))
	}
	return e
}

// question reads one question and holds what its schema cannot say.
func (f questionFile) question(r *reading, pointer string, inherited origin) secor.Question {
	q := secor.Question{ID: f.ID, Text: f.Text, Points: secor.Points(f.Points), Methods: f.Methods, Scale: f.Scale}
	how := fmt.Sprintf("%v points, %s; by %v", f.Points, f.Scale, list[secor.Method](f.Methods))
	r.list(pointer, f.ID, f.Text+" ["+how+"]", f.origin.or(inherited))
	if q.Points == 0 {
		r.complain(pointer+"/points", "a question without points cannot be scored; give it some or drop it")
	}
	if f.Scale == secor.ScalePercent && !slices.ContainsFunc(f.Methods, counted) {
		r.complain(pointer+"/scale", "a share of positive answers needs the method interview or observation")
	}
	return q
}

func counted(m secor.Method) bool { return m != secor.MethodDocument }

// unique complains when a name was used before.
func (r *reading) unique(seen map[string]bool, pointer, name string) {
	if seen[name] {
		r.complain(pointer, "%s is there twice; every id is used once", name)
	}
	seen[name] = true
}
