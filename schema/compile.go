package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"secordesk/store/secor"
)

// Schema is one compiled JSON Schema of this package. It may be used by many
// goroutines at once.
type Schema struct {
	compiled *jsonschema.Schema
	sources  sources
}

// sources are the schemas' own documents by URL, kept for their descriptions.
type sources map[string]any

// The address at which a schema sees itself, so that relative references between
// the files mean the same here and in an editor.
const root = "file:///schemas/"

// Compile returns the schema in schemas/<name>.schema.json of this package:
// "score", "edition", "import/company". An error means that the program was
// built wrong, never that a user's file is.
func Compile(name string) (*Schema, error) {
	s := &Schema{sources: sources{}}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "points", Validate: validPoints})
	c.UseLoader(s.sources)
	compiled, err := c.Compile(root + name + ".schema.json")
	if err != nil {
		return nil, fmt.Errorf("compile schema %s: %w", name, err)
	}
	s.compiled = compiled
	return s, nil
}

// Load reads an embedded schema for the compiler.
func (s sources) Load(address string) (any, error) {
	file, ours := strings.CutPrefix(address, root)
	if !ours {
		return nil, fmt.Errorf("%s is not a schema of this program", address)
	}
	data, err := fs.ReadFile(files, "schemas/"+file)
	if err != nil {
		return nil, err
	}
	document, problems := parse(data)
	s[address] = document
	return document, problems.orNil()
}

func validPoints(value any) error {
	if value == nil {
		return nil
	}
	_, err := secor.ParsePoints(fmt.Sprint(value))
	return err
}

// Check returns everything in a JSON document that the schema refuses, in the
// document's order of pointers; none when it is good. File is left empty.
func (s *Schema) Check(document []byte) Problems {
	value, problems := parse(document)
	if len(problems) > 0 {
		return problems
	}
	err := s.compiled.Validate(value)
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &invalid):
		return Problems{{Reason: err.Error()}}
	}
	problems = s.explain(invalid)
	slices.SortStableFunc(problems, func(a, b Problem) int { return comparePointers(a.Pointer, b.Pointer) })
	return slices.Compact(problems)
}

// Decode checks a JSON document and reads it into what the pointer points at.
// Its error is Problems when the document is at fault.
func (s *Schema) Decode(document []byte, into any) error {
	problems := s.Check(document)
	if len(problems) > 0 {
		return problems
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(document, []byte("\uFEFF"))))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var misfit *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &misfit):
		// To a schema 12.0 is an integer; to Go it is not.
		return Problems{{Pointer: "/" + strings.ReplaceAll(misfit.Field, ".", "/"), Reason: "must be a whole number, written without a point"}}
	default:
		return Problems{{Reason: strings.TrimPrefix(err.Error(), "json: ")}}
	}
}

// explain turns the validator's tree into one problem per fault.
func (s *Schema) explain(e *jsonschema.ValidationError) Problems {
	if len(e.Causes) > 0 {
		var problems Problems
		for _, cause := range e.Causes {
			problems = append(problems, s.explain(cause)...)
		}
		return problems
	}
	pointer := ""
	for _, key := range e.InstanceLocation {
		pointer = join(pointer, key)
	}
	var problems Problems
	for _, reason := range s.reasons(e) {
		problems = append(problems, Problem{Pointer: pointer, Reason: reason})
	}
	return problems
}

func (s *Schema) reasons(e *jsonschema.ValidationError) []string {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(k.Missing, "%q is missing")
	case *kind.DependentRequired:
		return each(k.Missing, "%q is missing beside "+strconv.Quote(k.Prop))
	case *kind.AdditionalProperties:
		return each(k.Properties, "%q is not known here")
	case *kind.FalseSchema:
		return []string{"is not known here"}
	case *kind.Type:
		return []string{fmt.Sprintf("is %s; it must be %s", article(k.Got), articles(k.Want))}
	case *kind.Enum:
		return []string{fmt.Sprintf("%s is not one of %v", quote(k.Got), list[any](k.Want))}
	case *kind.Const:
		return []string{fmt.Sprintf("%s must be %s", quote(k.Got), quote(k.Want))}
	case *kind.Minimum:
		return []string{fmt.Sprintf("%s is less than %s", k.Got.RatString(), k.Want.RatString())}
	case *kind.Maximum:
		return []string{fmt.Sprintf("%s is more than %s", k.Got.RatString(), k.Want.RatString())}
	case *kind.Pattern:
		return []string{s.described(e, k.Got)}
	case *kind.Format:
		return []string{s.described(e, k.Got)}
	case *kind.UniqueItems:
		return []string{fmt.Sprintf("items %d and %d are the same", k.Duplicates[0], k.Duplicates[1])}
	case *kind.MinLength:
		return []string{fmt.Sprintf("is shorter than %d characters", k.Want)}
	case *kind.MaxLength:
		return []string{fmt.Sprintf("is longer than %d characters", k.Want)}
	case *kind.MinItems:
		return []string{fmt.Sprintf("has %d items; it needs at least %d", k.Got, k.Want)}
	}
	return []string{e.ErrorKind.LocalizedString(message.NewPrinter(language.English))}
}

// described says that a value is not what the description of its schema asks for.
func (s *Schema) described(e *jsonschema.ValidationError, got any) string {
	address, pointer, _ := strings.Cut(e.SchemaURL, "#")
	node := s.sources[address]
	for _, key := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		key, err := url.PathUnescape(key)
		if err != nil {
			break
		}
		object, _ := node.(map[string]any)
		node = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(key)]
	}
	object, _ := node.(map[string]any)
	want, ok := object["description"].(string)
	if !ok {
		want = "of the right form"
	}
	return fmt.Sprintf("%s is not %s", quote(got), want)
}

func each(names []string, format string) []string {
	reasons := make([]string, len(names))
	for i, name := range names {
		reasons[i] = fmt.Sprintf(format, name)
	}
	return reasons
}

// quote shows a JSON value inside a sentence, cut to 80 characters.
func quote(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "the value"
	}
	shown := []rune(string(text))
	if len(shown) > 80 {
		return string(shown[:79]) + "…"
	}
	return string(shown)
}

func articles(types []string) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = article(t)
	}
	return strings.Join(words, " or ")
}

func article(jsonType string) string {
	switch jsonType {
	case "null":
		return "null"
	case "array", "object", "integer":
		return "an " + jsonType
	}
	return "a " + jsonType
}

// comparePointers orders pointers as the document has them where that can be
// told: array indexes by number, not as text.
func comparePointers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(x, y string) int {
		m, errX := strconv.Atoi(x)
		n, errY := strconv.Atoi(y)
		if errX == nil && errY == nil {
			return m - n
		}
		return strings.Compare(x, y)
	})
}
