package jobs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Some tests need processes that can be killed. The test binary starts itself
// again, as a part that the environment names, with what the part needs as JSON.
const (
	partVar   = "SECORDESK_CHILD"
	configVar = "SECORDESK_CHILD_CONFIG"
)

// parts returns what a process of a test can be. Each works until its context
// ends, and calls ready when it begins.
func parts() map[string]func(ctx context.Context, config []byte, ready func()) error {
	return map[string]func(context.Context, []byte, func()) error{
		"worker": workerPart,
		"relay":  relayPart,
		"clock":  clockPart,
	}
}

func TestMain(m *testing.M) {
	name := os.Getenv(partVar)
	if name == "" {
		os.Exit(m.Run())
	}
	err := play(name, []byte(os.Getenv(configVar)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// play is a child's main. It ends with its parent, of whom it holds the other end
// of its input.
func play(name string, config []byte) error {
	part, known := parts()[name]
	if !known {
		return fmt.Errorf("there is no part %q", name)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	err := part(ctx, config, func() { fmt.Println("ready") })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// process is a child that plays a part.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error // of its end; read after ended
	stderr bytes.Buffer
	stop   func() error
}

// startProcess starts a child and returns when its part begins. The test's end
// ends it.
func startProcess(t *testing.T, part string, config any) *process {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(program), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), partVar+"="+part, configVar+"="+string(text), "PGAPPNAME="+part)
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = p.cmd.Start()
	if err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceValue(in.Close)
	lines := bufio.NewScanner(out)
	ready := lines.Scan()
	go func() {
		io.Copy(io.Discard, out)
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { p.kill() })
	if !ready {
		<-p.ended
		t.Fatalf("the %s did not begin: %v\n%s", part, p.err, p.stderr.String())
	}
	return p
}

// kill ends the process at once and for good, as kill -9 does.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// awaitKilled waits until the process has killed itself.
func (p *process) awaitKilled(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("the process lives on after half a minute\n%s", p.stderr.String())
	}
	if p.err == nil || p.err.Error() != "signal: killed" {
		t.Fatalf("the process ended with %v, want that it was killed\n%s", p.err, p.stderr.String())
	}
}

// killMyself ends this process as kill -9 does. It does not return.
func killMyself() {
	me, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = me.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}
