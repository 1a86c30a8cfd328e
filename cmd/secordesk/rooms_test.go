package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"secordesk/store/secor"
)

const module = "secordesk"

// topLevel is all that may stand in the repository's root, beside dotfiles and
// what .gitignore names.
var topLevel = []string{"cmd", "jobs", "bot", "store", "schema", "deploy", "go.mod", "go.sum", "Procfile", "README.md"}

// room is a part of the house and what its files may import of the module,
// beside the room itself.
type room struct {
	dir     string
	imports []string
	pure    bool // standard library only
}

// rooms is design section 2. A file belongs to the first room that holds it.
var rooms = []room{
	{dir: "store/secor", pure: true},
	{dir: "store/promise", pure: true},
	{dir: "store/storetest", imports: []string{"store", "store/devdb", "store/secor", "store/promise", "schema"}},
	{dir: "store/devdb", imports: []string{"schema"}},
	{dir: "store", imports: []string{"store/secor", "store/promise"}},
	{dir: "schema", imports: []string{"store/secor"}},
	{dir: "jobs", imports: []string{"store/secor", "store/promise"}},
	{dir: "bot/sandbox", imports: []string{"bot", "store/secor", "store/promise"}},
	{dir: "bot", imports: []string{"store/secor", "store/promise"}},
	{dir: "deploy", pure: true}, // samples, embedded
	{dir: "cmd", imports: []string{"store", "store/devdb", "store/secor", "store/promise", "schema", "jobs", "bot", "bot/sandbox", "deploy"}},
}

func roomOf(dir string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool { return dir == r.dir || strings.HasPrefix(dir, r.dir+"/") })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

// checkHouse returns everything in a repository that the design forbids.
func checkHouse(house fs.FS) ([]string, error) {
	problems, err := checkTopLevel(house)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(house, ".", func(file string, entry fs.DirEntry, err error) error {
		base := path.Base(file)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && (strings.HasPrefix(base, ".") || base == "testdata" || ownModule(house, file)):
			return fs.SkipDir
		case path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		found, err := checkFile(house, file)
		problems = append(problems, found...)
		return err
	})
	return problems, err
}

// ownModule reports a folder that is not part of the product, such as its bench.
func ownModule(house fs.FS, dir string) bool {
	_, err := fs.Stat(house, path.Join(dir, "go.mod"))
	return err == nil
}

func checkTopLevel(house fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(house, ".")
	if err != nil {
		return nil, err
	}
	ignored, err := fs.ReadFile(house, ".gitignore")
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, entry := range entries {
		name := entry.Name()
		known := slices.Contains(topLevel, name) || strings.HasPrefix(name, ".")
		for _, pattern := range strings.Fields(string(ignored)) {
			match, err := path.Match(strings.Trim(pattern, "/"), name)
			if err != nil {
				return nil, err
			}
			known = known || match
		}
		if !known {
			problems = append(problems, name+": does not belong at the top level")
		}
	}
	return problems, nil
}

func checkFile(house fs.FS, file string) ([]string, error) {
	source, err := fs.ReadFile(house, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	home, ok := roomOf(path.Dir(file))
	if !ok {
		return []string{file + ": is in no room"}, nil
	}
	problems := checkImports(home, parsed)
	problems = append(problems, checkText(home, parsed, file == wallFile)...)
	for i := range problems {
		problems[i] = file + ": " + problems[i]
	}
	return problems, nil
}

func checkImports(home room, file *ast.File) []string {
	var problems []string
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // parsed: well formed
		dir, ours := strings.CutPrefix(imported, module+"/")
		if !ours {
			if first, _, _ := strings.Cut(imported, "/"); home.pure && strings.Contains(first, ".") {
				problems = append(problems, "imports "+imported+": "+home.dir+" keeps to the standard library")
			}
			continue
		}
		other, known := roomOf(dir)
		if !known || (other.dir != home.dir && !slices.Contains(home.imports, other.dir)) {
			problems = append(problems, "imports "+imported+": "+home.dir+" must not know it")
		}
	}
	return problems
}

// statement finds what looks like the beginning of a statement.
var statement = regexp.MustCompile(`^\s*((SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|TRUNCATE|WITH)\s|(?i:select\s.*\sfrom\s|insert\s+into\s|delete\s+from\s|update\s+\w+\s+set\s))`)

// wallFile is the one file outside cmd that reads the clock, for leases and timeouts.
const wallFile = "jobs/wall.go"

// checkText holds that SQL stands in store and schema only, and that nothing but
// cmd reads the clock.
func checkText(home room, file *ast.File, wall bool) []string {
	var problems []string
	inStore := home.dir == "store" || strings.HasPrefix(home.dir, "store/") && !home.pure
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(n.Value)
			if n.Kind == token.STRING && err == nil && statement.MatchString(text) && !inStore && home.dir != "schema" {
				problems = append(problems, "holds SQL: "+strings.Join(strings.Fields(text), " "))
			}
		case *ast.SelectorExpr:
			from, ok := n.X.(*ast.Ident)
			if ok && from.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, n.Sel.Name) && home.dir != "cmd" && !wall {
				problems = append(problems, "reads the clock: time."+n.Sel.Name)
			}
		}
		return true
	})
	return problems
}

// beginnings returns the pairs of which the first is the beginning of the second:
// the queue would take one for the other.
func beginnings(kinds []secor.JobKind) []string {
	var problems []string
	for i, a := range kinds {
		for j, b := range kinds {
			if i != j && strings.HasPrefix(string(b), string(a)) {
				problems = append(problems, string(a)+" is the beginning of "+string(b))
			}
		}
	}
	return problems
}

func TestHouse(t *testing.T) {
	problems, err := checkHouse(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

func TestJobKinds_NoneIsTheBeginningOfAnother(t *testing.T) {
	kinds := secor.JobKinds()
	if len(kinds) == 0 {
		t.Fatal("there are no kinds")
	}
	for _, p := range beginnings(kinds) {
		t.Error(p)
	}
}

// TestHouse_FindsWhatIsForbidden breaks each rule once.
func TestHouse_FindsWhatIsForbidden(t *testing.T) {
	const clean = "package x\n"
	tests := []struct {
		name, file, source, want string
	}{
		{"a clean file", "jobs/x.go", `package x; import ("time"; _ "secordesk/store/secor"; _ "secordesk/jobs/mail"; _ "github.com/hibiken/asynq")`, ""},
		{"an unexpected folder", "util/x.go", clean, "util: does not belong at the top level"},
		{"an unexpected file", "TODO.md", "", "TODO.md: does not belong at the top level"},
		{"a built binary, as .gitignore has it", "secordesk", "", ""},
		{"a dotfile", ".github/x.go", "not Go", ""},
		{"code in no room", "x.go", clean, "x.go: is in no room"},
		{"a rule that knows the queue's words", "store/secor/x.go", `package x; import _ "secordesk/store/promise"`, "imports secordesk/store/promise"},
		{"a rule with a library", "store/secor/x.go", `package x; import _ "github.com/lib/pq"`, "keeps to the standard library"},
		{"data that knows the store", "schema/x.go", `package x; import _ "secordesk/store"`, "imports secordesk/store:"},
		{"the store knows the data", "store/x.go", `package x; import _ "secordesk/schema"`, "imports secordesk/schema"},
		{"the store knows a database for tests", "store/x.go", `package x; import _ "secordesk/store/devdb"`, "imports secordesk/store/devdb"},
		{"a private database may know the data", "store/devdb/x.go", `package x; import _ "secordesk/schema"`, ""},
		{"jobs know the store", "jobs/x.go", `package x; import _ "secordesk/store"`, "imports secordesk/store:"},
		{"jobs know Slack", "jobs/mail/x.go", `package x; import _ "secordesk/bot"`, "imports secordesk/bot"},
		{"Slack knows jobs", "bot/x.go", `package x; import _ "secordesk/jobs"`, "imports secordesk/jobs"},
		{"Slack depends on its sandbox", "bot/x.go", `package x; import _ "secordesk/bot/sandbox"`, "imports secordesk/bot/sandbox"},
		{"the program depends on help for tests", "cmd/secordesk/x.go", `package x; import _ "secordesk/store/storetest"`, "imports secordesk/store/storetest"},
		{"a test may", "jobs/x_test.go", `package x; import _ "secordesk/store/storetest"`, ""},
		{"SQL in a job", "jobs/x.go", "package x; const q = `\n\tSELECT id\n\tFROM cases`", "holds SQL: SELECT id FROM cases"},
		{"small SQL in a command", "cmd/secordesk/x.go", `package x; const q = "delete from cases where id = 1"`, "holds SQL"},
		{"SQL in a rule", "store/secor/x.go", `package x; const q = "UPDATE cases SET x = 1"`, "holds SQL"},
		{"SQL in the store", "store/x.go", `package x; const q = "SELECT 1"`, ""},
		{"a sentence", "jobs/x.go", `package x; const s = "Update the address from the file"`, ""},
		{"a rule that reads the clock", "store/secor/x.go", `package x; import "time"; var t = time.Now()`, "reads the clock: time.Now"},
		{"a job that reads the clock", "jobs/x.go", `package x; import "time"; var f = time.Since`, "reads the clock: time.Since"},
		{"the engine's look at wall time", "jobs/wall.go", `package x; import "time"; var t = time.Now()`, ""},
		{"the program reads the clock", "cmd/secordesk/x.go", `package x; import "time"; var t = time.Now()`, ""},
	}
	for _, tt := range tests {
		house := fstest.MapFS{
			".gitignore": {Data: []byte("/secordesk\n*.prof\n")},
			tt.file:      {Data: []byte(tt.source)},
		}
		problems, err := checkHouse(house)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		found := slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, tt.want) })
		if tt.want == "" && len(problems) > 0 || tt.want != "" && !found {
			t.Errorf("%s: %q, want %q", tt.name, problems, tt.want)
		}
	}
	if got := beginnings([]secor.JobKind{"case:certify", "case:certify_report", "case:x"}); len(got) != 1 {
		t.Errorf("beginnings = %q, want one", got)
	}
}
