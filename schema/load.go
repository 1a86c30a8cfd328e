package schema

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"secordesk/store/secor"
)

//go:embed programme protocol bodies calendar signatories zones schemas
var files embed.FS

// Files returns the data that this program was built with.
func Files() fs.FS { return files }

// Load returns the programme that this program was built with. Its error lists
// everything that is wrong with the data, one problem to a line.
func Load() (*secor.Programme, error) {
	l, err := LoadFS(files)
	if err != nil {
		return nil, err
	}
	return l.Programme, nil
}

// Loaded is the programme together with where each of its values comes from.
type Loaded struct {
	Programme *secor.Programme
	sections  []section // editions, protocols, bodies, calendars
}

// section is one file as a person reads it.
type section struct {
	file    string
	heading string
	values  []Value
}

// LoadFS reads the folders programme, protocol, bodies, calendar, signatories and zones of a
// file system; the JSON Schemas are always the program's own. Its error is
// Problems: all of all files, not only the first.
func LoadFS(data fs.FS) (*Loaded, error) {
	l := &loader{data: data, loaded: &Loaded{Programme: &secor.Programme{
		Editions:  map[string]*secor.Edition{},
		Protocols: map[string]*secor.Protocol{},
		Bodies:    map[string]*secor.Body{},
		Calendars: map[string]*secor.Calendar{},

		Signatories: map[string][]secor.Signatory{},
	}}}
	folders := []folder{
		{"programme", "edition", func() document { return &editionFile{} }},
		{"protocol", "protocol", func() document { return &protocolFile{} }},
		{"bodies", "body", func() document { return &bodyFile{} }},
		{"calendar", "calendar", func() document { return &calendarFile{data: data} }},
		{"signatories", "signatories", func() document { return &signatoryFile{} }},
	}
	for _, f := range folders {
		err := l.folder(f)
		if err != nil {
			return nil, err
		}
	}
	l.together()
	err := l.problems.orNil()
	if err != nil {
		return nil, err
	}
	return l.loaded, nil
}

// folder is one kind of data file.
type folder struct {
	name   string
	schema string
	empty  func() document
}

// document is a decoded file that can turn itself into a part of the programme.
type document interface {
	into(r *reading, p *secor.Programme)
}

type loader struct {
	data     fs.FS
	loaded   *Loaded
	problems Problems
}

// folder reads all files of a folder. Its error is a fault of this program, not
// of the files.
func (l *loader) folder(f folder) error {
	shape, err := Compile(f.schema)
	if err != nil {
		return err
	}
	entries, err := fs.ReadDir(l.data, f.name)
	if err != nil || len(entries) == 0 {
		l.problems = append(l.problems, Problem{File: f.name, Reason: "the folder is missing or empty"})
		return nil
	}
	for _, entry := range entries {
		l.file(path.Join(f.name, entry.Name()), shape, f.empty())
	}
	return nil
}

func (l *loader) file(name string, shape *Schema, into document) {
	r := &reading{file: name}
	if path.Ext(name) != ".json" {
		r.complain("", "is not a data file; data files end in .json")
		l.problems = append(l.problems, r.problems...)
		return
	}
	content, err := fs.ReadFile(l.data, name)
	if err == nil {
		err = shape.Decode(content, into)
	}
	if err != nil {
		l.problems = append(l.problems, inFile(name, err)...)
		return
	}
	into.into(r, l.loaded.Programme)
	l.problems = append(l.problems, r.problems...)
	l.loaded.sections = append(l.loaded.sections, section{file: name, heading: r.heading, values: r.values})
}

// inFile says in which file an error's problems are.
func inFile(name string, err error) Problems {
	var problems Problems
	if !errors.As(err, &problems) {
		return Problems{{File: name, Reason: err.Error()}}
	}
	for i := range problems {
		problems[i].File = name
	}
	return problems
}

// named holds that a file is called after what it holds, so that no two can
// hold the same.
func (r *reading) named(pointer, id string) {
	if path.Base(r.file) != id+".json" {
		r.complain(pointer, "%q: the file must be called %s.json", id, id)
	}
}

// together checks what only all files together can tell. A reference is good
// when its file is there: what is wrong inside that file is said once, there.
func (l *loader) together() {
	p := l.loaded.Programme
	whole := len(l.problems) == 0
	for _, id := range sortedKeys(p.Editions) {
		l.references(p.Editions[id])
	}
	inForce := l.inForce()
	for _, id := range sortedKeys(p.Bodies) {
		l.refer("bodies/"+id+".json", "/province/value", "calendar", p.Bodies[id].Province)
	}
	for _, id := range sortedKeys(p.Signatories) {
		if id != secor.Partner {
			l.refer("signatories/"+id+".json", "/id", "bodies", id)
		}
	}
	if whole && p.Signatories[secor.Partner] == nil {
		l.complain("signatories", "", "nobody signs for this office; add %s.json", secor.Partner)
	}
	if whole && inForce == 0 {
		l.complain("programme", "", "every edition is an example; at least one must not be")
	}
	if whole && p.Office == "" {
		l.complain("calendar", "", "no calendar is this desk's; add \"office\" to one")
	}
}

func (l *loader) references(e *secor.Edition) {
	file := "programme/" + e.ID + ".json"
	l.refer(file, "/protocol/value", "protocol", e.Protocol)
	for i, g := range e.Guards {
		if g.Body != "" {
			l.refer(file, fmt.Sprintf("/guards/%d/body", i), "bodies", g.Body)
		}
	}
}

// inForce holds that no two editions begin on the same day, so that one at a
// time is in force, and returns how many are no examples.
func (l *loader) inForce() int {
	from := map[secor.Date]string{}
	for _, id := range sortedKeys(l.loaded.Programme.Editions) {
		e := l.loaded.Programme.Editions[id]
		other, taken := from[e.EffectiveFrom]
		switch {
		case e.Example:
		case taken:
			l.complain("programme/"+id+".json", "/effective_from/value", "%v is also the first day of %s; only one edition at a time is in force", e.EffectiveFrom, other)
		default:
			from[e.EffectiveFrom] = id
		}
	}
	return len(from)
}

// refer complains when a folder has no file for an id.
func (l *loader) refer(file, pointer, folder, id string) {
	_, err := fs.Stat(l.data, folder+"/"+id+".json")
	if err != nil {
		l.complain(file, pointer, "%q is unknown; there is no %s/%s.json", id, folder, id)
	}
}

func (l *loader) complain(file, pointer, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: file, Pointer: pointer, Reason: fmt.Sprintf(format, args...)})
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
