package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"

	"secordesk/store/devdb"
)

// process runs some of these tests as another process, in an environment that says
// about Postgres only what env says.
func process(t *testing.T, run string, env ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.v", "-test.run", run)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "SECOR_") || strings.Contains(v, "DATABASE_URL=")
	})
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// skipWithoutBinary skips a test that needs a server of its own, where whoever runs it has said that none can be had.
func skipWithoutBinary(t *testing.T, without bool) {
	t.Helper()
	if without && (os.Getenv("SECOR_TEST_NO_PG") == "1" || os.Getenv("TEST_DATABASE_URL") != "") {
		t.Skipf("needs a server of its own: %v", devdb.ErrNoBinary)
	}
}

// Three processes of one test run share a server, and leave nothing but the template.
func TestServer_Named(t *testing.T) {
	t.Parallel()
	s, err := devdb.Start(t.Context(), devdb.Options{Bin: os.Getenv("SECOR_PG_BIN")})
	skipWithoutBinary(t, errors.Is(err, devdb.ErrNoBinary))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	host := strings.Split(s.DSN("postgres"), "'")[1]
	asURL := "postgres:///postgres?user=postgres&sslmode=disable&host=" + url.QueryEscape(host)
	var all sync.WaitGroup
	for _, dsn := range []string{s.DSN("postgres"), s.DSN("postgres"), asURL} {
		cmd := process(t, "^TestDB", "TEST_DATABASE_URL="+dsn, "DATABASE_URL=postgres://127.0.0.1:1/precious", "SECOR_PG_BIN=/nonexistent")
		all.Go(func() {
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS: TestDB_OfItsOwn") {
				t.Errorf("tests with TEST_DATABASE_URL=%s: %v\n%s", dsn, err, out)
			}
		})
	}
	all.Wait()
	mine, err := newServer(s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer mine.admin.Close()
	var left []string
	err = mine.admin.QueryRow(`SELECT array_agg(datname::text ORDER BY datname) FROM pg_database`).Scan(pq.Array(&left))
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff([]string{"postgres", mine.template, "template0", "template1"}, left)
	if diff != "" {
		t.Errorf("databases afterwards (-want +got):\n%s", diff)
	}
}

func TestDB_Refused(t *testing.T) {
	t.Parallel()
	const noBinary = "SECOR_PG_BIN=/nonexistent"
	tests := []struct {
		name, verdict string
		env, says     []string
	}{
		{"no binary", "FAIL", []string{noBinary}, []string{"apt install postgresql", "TEST_DATABASE_URL"}},
		{"no binary, DATABASE_URL set", "FAIL", []string{noBinary, "DATABASE_URL=postgres://127.0.0.1:1/precious"}, []string{"apt install postgresql"}},
		{"no binary, and none wanted", "SKIP", []string{noBinary, "SECOR_TEST_NO_PG=1"}, []string{"apt install postgresql"}},
		{"no server at the URL", "FAIL", []string{"TEST_DATABASE_URL=postgres://127.0.0.1:1/x?sslmode=disable", "SECOR_TEST_NO_PG=1"}, []string{"TEST_DATABASE_URL", "refused"}},
		{"no URL at all", "FAIL", []string{"TEST_DATABASE_URL=gibberish"}, []string{"TEST_DATABASE_URL"}},
	}
	for _, tt := range tests {
		out, err := process(t, "^TestDB$", tt.env...).CombinedOutput()
		if (err == nil) != (tt.verdict == "SKIP") {
			t.Errorf("%s: the process ended with %v", tt.name, err)
		}
		for _, want := range append(tt.says, "--- "+tt.verdict+": TestDB") {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: the test does not say %q:\n%s", tt.name, want, out)
			}
		}
	}
}

// hangVar makes TestHang tell the directory of its server and wait to be killed.
const hangVar = "STORETEST_HANG"

func TestHang(t *testing.T) {
	if os.Getenv(hangVar) == "" {
		return
	}
	var dir string
	err := OwnerDB(t).Get(&dir, `SHOW data_directory`)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("data in " + dir)
	io.ReadAll(os.Stdin)
}

// A test process that is killed leaves no server and no files.
func TestServer_EndsWithProcess(t *testing.T) {
	t.Parallel()
	cmd := process(t, "^TestHang$", hangVar+"=1", "SECOR_PG_BIN="+os.Getenv("SECOR_PG_BIN"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Start()
	if err != nil {
		t.Fatal(err)
	}
	var dir, said string
	lines := bufio.NewScanner(out)
	for dir == "" && lines.Scan() {
		said += lines.Text() + "\n"
		_, dir, _ = strings.Cut(lines.Text(), "data in ")
	}
	cmd.Process.Kill()
	cmd.Wait()
	skipWithoutBinary(t, strings.Contains(said, "no Postgres to start"))
	if dir == "" {
		t.Fatalf("the process did not say where its server is:\n%s", said)
	}
	awaitGone(t, filepath.Dir(dir))
}

// awaitGone waits until dir is gone, which is the last that a server does.
func awaitGone(t *testing.T, dir string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	tooLate := time.After(30 * time.Second)
	for {
		_, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-tick.C:
		case <-tooLate:
			t.Fatalf("%s is left (%v)", dir, err)
		}
	}
}
