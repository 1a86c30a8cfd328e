package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secordesk/schema"
)

// importSchema is what a JSON Schema of a record says, as far as the table of
// fields says the same.
type importSchema struct {
	Title       string                  `json:"title"`
	Description string                  `json:"description"`
	Required    []string                `json:"required"`
	Additional  *bool                   `json:"additionalProperties"`
	Properties  map[string]importMember `json:"properties"`
}

type importMember struct {
	Ref         string            `json:"$ref"`
	Const       string            `json:"const"`
	Type        any               `json:"type"`
	Enum        []string          `json:"enum"`
	Minimum     int64             `json:"minimum"`
	Maximum     int64             `json:"maximum"`
	MaxLength   int64             `json:"maxLength"`
	Description string            `json:"description"`
	Examples    []json.RawMessage `json:"examples"`
}

func readImportSchema(t *testing.T, kind *recordKind) importSchema {
	t.Helper()
	content, err := fs.ReadFile(schema.Files(), "schemas/import/"+kind.name+".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s importSchema
	err = json.Unmarshal(content, &s)
	if err != nil {
		t.Fatalf("%s: %v", kind.name, err)
	}
	return s
}

// TestImportSchemas_SayWhatTheTablesSay holds that a person who reads a schema,
// and an editor that checks by it, know what the decoder does.
func TestImportSchemas_SayWhatTheTablesSay(t *testing.T) {
	for _, kind := range recordKinds() {
		s := readImportSchema(t, kind)
		if s.Title == "" || s.Description == "" || s.Additional == nil || *s.Additional || s.Properties["record"].Const != kind.name {
			t.Errorf("%s: title, description, additionalProperties false or the record's const are missing", kind.name)
		}
		required := []string{"record"}
		delete(s.Properties, "record")
		for _, f := range kind.fields {
			if f.required {
				required = append(required, f.name)
			}
			member, known := s.Properties[f.name]
			if !known {
				t.Errorf("%s: %s is not in the schema", kind.name, f.name)
			}
			delete(s.Properties, f.name)
			compareField(t, kind.name+"."+f.name, f, member)
		}
		slices.Sort(required)
		slices.Sort(s.Required)
		if diff := cmp.Diff(required, s.Required); diff != "" {
			t.Errorf("%s: required (-table +schema):\n%s", kind.name, diff)
		}
		for name := range s.Properties {
			t.Errorf("%s: the decoder does not know %s", kind.name, name)
		}
	}
}

func compareField(t *testing.T, name string, f recordField, member importMember) {
	t.Helper()
	if member.Description == "" || len(member.Examples) == 0 {
		t.Errorf("%s: has no description or no example", name)
	}
	types := f.format.jsonTypes()
	var want any = types[0]
	if len(types) > 1 {
		want = []any{types[0], types[1]}
	}
	switch f.format {
	case formatBody, formatProvince:
		if !strings.HasPrefix(member.Ref, "../sourced.schema.json#/$defs/") {
			t.Errorf("%s: $ref is %q", name, member.Ref)
		}
		return
	case formatChoice:
		if diff := cmp.Diff(f.choices, member.Enum); diff != "" {
			t.Errorf("%s: choices (-table +schema):\n%s", name, diff)
		}
		return
	case formatCount:
		if member.Minimum != f.min || member.Maximum != f.max {
			t.Errorf("%s: %d to %d in the schema, %d to %d in the table", name, member.Minimum, member.Maximum, f.min, f.max)
		}
	case formatName, formatCourse:
		if longest := max(f.max, 0); longest > 0 && member.MaxLength != longest || longest == 0 && member.MaxLength != 200 {
			t.Errorf("%s: at most %d characters in the schema, %d in the table", name, member.MaxLength, f.max)
		}
	}
	if diff := cmp.Diff(want, member.Type); diff != "" {
		t.Errorf("%s: type (-table +schema):\n%s", name, diff)
	}
}

// agree checks a line with the schema and with the decoder.
func agree(t *testing.T, name string, shape *schema.Schema, line []byte, good bool) {
	t.Helper()
	bySchema := shape.Check(line)
	byDecoder := saidOf(entriesIn(t, decoderOf(t, "", strings.NewReader(string(line)))))
	if good != (len(bySchema) == 0) || good != (len(byDecoder) == 0) {
		t.Errorf("%s: %s\nschema: %v\ndecoder: %q\nwant both to say good: %t", name, line, bySchema, byDecoder, good)
	}
}

// TestImportSchemas_DecideAsTheDecoder gives both the same lines: the schemas'
// examples, and those with one thing wrong.
func TestImportSchemas_DecideAsTheDecoder(t *testing.T) {
	wrong := map[format][]string{
		formatName:     {`7`, `null`, `true`, `["x"]`, `"=1+1"`, `"@x"`},
		formatCourse:   {`7`, `null`, `"=1+1"`},
		formatText:     {`7`, `null`},
		formatEmail:    {`7`, `null`, `"nobody"`, `"a b@c.example"`},
		formatPhone:    {`7`, `null`, `"555-0142"`, `"call us"`, `"403-555-0142 ext. 123456789"`},
		formatProvince: {`7`, `null`, `"XX"`, `"Alberta"`},
		formatBody:     {`7`, `null`, `"AB PIR!"`},
		formatAccount:  {`1234567`, `null`, `""`, `"` + strings.Repeat("8", 80) + `"`, `"12#4567"`},
		formatDate:     {`7`, `null`, `"today"`, `"2026-02-30"`, `"25/03/2026"`, `"2026-03-25T09:00"`},
		formatTime:     {`7`, `null`, `"09:00"`, `"2026-03-25"`, `"2026-03-25 09:00"`},
		formatCount:    {`"7"`, `null`, `-1`, `7.5`, `2000000`, `true`},
		formatMoney:    {`null`, `-1`, `"-1"`, `"1.234"`, `true`, `0`, `"a lot"`},
		formatFlag:     {`"true"`, `null`, `1`},
		formatChoice:   {`7`, `null`, `"other"`},
		formatMarks:    {`null`, `"A1=3"`, `{}`, `[7]`, `[{"awarded": 3}]`, `[{"question": "A1", "points": 3}]`, `[{"question": "A1", "awarded": "3.505"}]`, `[{"question": "A1", "na": "yes"}]`},
		formatResolved: {`null`, `"3=done"`, `{}`, `[7]`, `[{"answer": "done"}]`, `[{"note": "3"}]`, `[{"note": 0}]`, `[{"note": 1.5}]`, `[{"note": 3, "reply": "done"}]`, `[{"note": 3, "answer": 7}]`},
		formatLink:     {`7`, `null`, `"http://tool.example/14"`, `"tool.example"`, `"https://"`, `"https://tool.example/a b"`, `"https://` + strings.Repeat("x", 500) + `"`},
	}
	for _, kind := range recordKinds() {
		shape, err := schema.Compile("import/" + kind.name)
		if err != nil {
			t.Fatal(err)
		}
		line := map[string]json.RawMessage{"record": json.RawMessage(`"` + kind.name + `"`)}
		for _, f := range kind.fields {
			line[f.name] = readImportSchema(t, kind).Properties[f.name].Examples[0]
		}
		try := func(name string, good bool, change func(map[string]json.RawMessage)) {
			changed := map[string]json.RawMessage{}
			for field, value := range line {
				changed[field] = value
			}
			change(changed)
			text, err := json.Marshal(changed)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			agree(t, kind.name+" "+name, shape, text, good)
		}
		try("example", true, func(map[string]json.RawMessage) {})
		try("unknown field", false, func(l map[string]json.RawMessage) { l["shoe_size"] = json.RawMessage(`43`) })
		for _, f := range kind.fields {
			try("without "+f.name, !f.required, func(l map[string]json.RawMessage) { delete(l, f.name) })
			for _, value := range wrong[f.format] {
				try(f.name+" "+value, false, func(l map[string]json.RawMessage) { l[f.name] = json.RawMessage(value) })
			}
			if len(wrong[f.format]) == 0 {
				t.Errorf("the format %s has no wrong values", f.format)
			}
		}
	}
}

// TestImportSchemas_FitTheSamples holds every line of the samples that is JSON.
func TestImportSchemas_FitTheSamples(t *testing.T) {
	for _, name := range []string{"partner-requests.jsonl", "submissions.jsonl"} {
		content, err := os.ReadFile(path.Join("../../deploy/samples", name))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSpace(string(content)), "\n") {
			var of struct{ Record string }
			err = json.Unmarshal([]byte(line), &of)
			if err != nil {
				t.Fatal(err)
			}
			shape, err := schema.Compile("import/" + of.Record)
			if err != nil {
				t.Fatal(err)
			}
			if problems := shape.Check([]byte(line)); len(problems) > 0 {
				t.Errorf("%s:%d: %v", name, i+1, problems)
			}
		}
	}
}
