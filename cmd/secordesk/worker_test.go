package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/jobs/mail/sink"
	"secordesk/store/promise"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// freezer passes bytes between a process and a server until it is frozen. Then it
// passes none, and closes nothing: the server is there and does not answer.
type freezer struct {
	address string
	frozen  chan struct{}
	freeze  func()
	asked   chan struct{} // hears that something was asked of what is frozen
}

func newFreezer(t *testing.T, network, server string) *freezer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &freezer{address: listener.Addr().String(), frozen: make(chan struct{}), asked: make(chan struct{}, 1)}
	f.freeze = sync.OnceFunc(func() { close(f.frozen) })
	var mu sync.Mutex
	open := []interface{ Close() error }{listener}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, o := range open {
			o.Close()
		}
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial(network, server)
			if err != nil {
				client.Close()
				continue
			}
			mu.Lock()
			open = append(open, client, behind)
			mu.Unlock()
			go f.pass(behind, client)
			go f.pass(client, behind)
		}
	}()
	return f
}

// pass passes what one side writes until it closes, and hears the frozen out.
func (f *freezer) pass(to, from net.Conn) {
	buffer := make([]byte, 32*1024)
	for {
		n, err := from.Read(buffer)
		select {
		case <-f.frozen:
			select {
			case f.asked <- struct{}{}:
			default:
			}
		default:
			to.Write(buffer[:n]) // where it went is heard by the other side's reading
			if err != nil {
				to.Close()
			}
		}
		if err != nil {
			return
		}
	}
}

// behindFreezer returns a freezer before a database, and the address of the
// database behind it.
func behindFreezer(t *testing.T, dsn string) (*freezer, string) {
	t.Helper()
	config, err := pq.NewConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, server := "tcp", net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	if strings.HasPrefix(config.Host, "/") {
		network, server = "unix", filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	}
	f := newFreezer(t, network, server)
	u, err := url.Parse(dsn)
	if err == nil && strings.HasPrefix(u.Scheme, "postgres") {
		q := u.Query()
		q.Del("host")
		q.Del("port")
		u.Host, u.RawQuery = f.address, q.Encode()
		return f, u.String()
	}
	host, port, _ := net.SplitHostPort(f.address)
	return f, fmt.Sprintf("%s host=%s port=%s", dsn, host, port)
}

// plant is a "secordesk worker" in a process of its own, with all around it.
type plant struct {
	*office
	db              *sqlx.DB
	postgres, redis *freezer
	release         func() // lets the mail server take its letters
	sending         chan struct{}

	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr bytes.Buffer
	ended  chan error
}

// newPlant returns a plant that has work to do: a request for each of n companies,
// decided by the desk itself, of which a letter tells. The process begins.
func newPlant(t *testing.T, n int) *plant {
	t.Helper()
	p := &plant{office: newOffice(t), db: storetest.DB(t), sending: make(chan struct{}, 1), ended: make(chan error, 1)}
	p.environ["LETTER_GRACE"] = "0s"
	opened := p.open()
	for i := range n {
		name := fmt.Sprintf("Roy %d Roofing", i)
		id, _, err := opened.AddCompany(t.Context(), p.act(name), secor.Company{LegalName: name, Province: "AB", Email: "office@roy.example", Contact: "Ana Roy", Member: true, ProfileSince: secor.NewDate(2025, time.January, 1),
			Address: secor.Address{Street: "1 Main Street", City: "Calgary", Province: "AB", PostalCode: "T2P 1A1"}}, []secor.Registration{{Body: "ab-pir", Account: strconv.Itoa(2000000 + i), GoodStanding: true}})
		p.must(err)
		_, err = opened.AddRequest(t.Context(), p.act("request of "+name), id, "ab-pir", secor.Request{Reason: secor.ReasonNoProfile, Headcount: 4})
		p.must(err)
	}
	queue := miniredis.RunT(t)
	p.redis = newFreezer(t, "tcp", queue.Addr())
	var dsn string
	p.postgres, dsn = behindFreezer(t, storetest.DSN(t))
	taken := make(chan struct{})
	p.release = sync.OnceFunc(func() { close(taken) })
	server, err := sink.Open(t.TempDir(), sink.Options{Judge: func(string) sink.Verdict {
		select {
		case p.sending <- struct{}{}:
		default:
		}
		<-taken
		return sink.Accept
	}})
	p.must(err)
	t.Cleanup(func() { p.release(); server.Close() })
	p.cmd = exec.Command("secordesk", "worker")
	p.cmd.Env = []string{"DATABASE_URL=" + dsn, "REDIS_URL=redis://" + p.redis.address, "SMTP_URL=" + server.URL(),
		"DESK_FROM=desk@example.com", "DESK_NAME=Desk", "LETTER_GRACE=0s"}
	p.begin()
	return p
}

func (p *plant) begin() {
	p.t.Helper()
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	p.must(err)
	p.must(p.cmd.Start())
	p.t.Cleanup(func() { p.cmd.Process.Kill() })
	p.lines = bufio.NewScanner(out)
	p.reads(`"msg":"worker starts"`)
}

// reads reads the process's log up to a line that has this in it.
func (p *plant) reads(what string) {
	p.t.Helper()
	for p.lines.Scan() {
		if strings.Contains(p.lines.Text(), what) {
			return
		}
	}
	p.t.Fatalf("the process ended before it said %s: %v\n%s", what, p.cmd.Wait(), p.stderr.String())
}

// ordersStop sends SIGTERM, and returns when the process says that it heard it.
func (p *plant) ordersStop() {
	p.t.Helper()
	p.must(p.cmd.Process.Signal(syscall.SIGTERM))
	p.reads(`"msg":"worker stops"`)
	p.drains()
}

// drains reads the rest of the log until the process ends.
func (p *plant) drains() {
	go func() {
		for p.lines.Scan() {
		}
		p.ended <- p.cmd.Wait()
	}()
}

// ends holds that the process ends far sooner than a supervisor's patience, in
// this way.
func (p *plant) ends(want string) {
	p.t.Helper()
	begun := time.Now()
	select {
	case err := <-p.ended:
		p.t.Logf("ended after %s", time.Since(begun).Round(time.Millisecond))
		if fmt.Sprint(err) != want {
			p.t.Errorf("the process ended with %v, want %s\n%s", err, want, p.stderr.String())
		}
	case <-time.After(5 * time.Second):
		p.t.Fatal("five seconds after the order to stop the process still runs")
	}
}

func (p *plant) awaits(event <-chan struct{}) {
	p.t.Helper()
	select {
	case <-event:
	case <-time.After(30 * time.Second):
		p.t.Fatal("waited half a minute in vain")
	}
}

func (p *plant) count(query string) int {
	p.t.Helper()
	var n int
	p.must(p.db.GetContext(p.t.Context(), &n, query))
	return n
}

const (
	heldSQL   = `SELECT count(*) FROM jobs WHERE claimed_until IS NOT NULL`
	burntSQL  = `SELECT count(*) FROM jobs WHERE attempts > CASE WHEN state = 'open' THEN 0 ELSE 1 END`
	wellEnded = "<nil>"
)

// A process is told to stop in every situation, and ends in two seconds or so.
func TestWorker_SIGTERM(t *testing.T) {
	tests := []struct {
		name string
		jobs int
		meet func(p *plant)
		held bool // claims that only a lease's end gives back
	}{
		{"at rest", 0, func(*plant) {}, false},
		{"under load", 30, func(p *plant) { p.reads(`"state":"done"`) }, false},
		{"Redis hangs", 0, func(p *plant) { p.redis.freeze(); p.awaits(p.redis.asked) }, false},
		{"Redis hangs under load", 30, func(p *plant) { p.reads(`"state":"done"`); p.redis.freeze(); p.awaits(p.redis.asked) }, false},
		{"Postgres hangs", 0, func(p *plant) { p.postgres.freeze(); p.awaits(p.postgres.asked) }, true},
		{"Postgres hangs under load", 30, func(p *plant) { p.reads(`"state":"done"`); p.postgres.freeze(); p.awaits(p.postgres.asked) }, true},
		{"both hang", 30, func(p *plant) {
			p.reads(`"state":"done"`)
			p.postgres.freeze()
			p.redis.freeze()
			p.awaits(p.redis.asked)
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t, tt.jobs)
			p.release()
			tt.meet(p)
			p.ordersStop()
			p.ends(wellEnded)
			if tt.held {
				return
			}
			if n := p.count(heldSQL); n != 0 {
				t.Errorf("%d claims were not given back", n)
			}
			if n := p.count(burntSQL); n != 0 {
				t.Errorf("%d jobs lost an attempt", n)
			}
		})
	}
}

// A letter is under way when the process is told to stop: it waits for the answer,
// and the receipt is recorded.
func TestWorker_SIGTERMWhileSending(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 1)
	p.awaits(p.sending)
	p.must(p.cmd.Process.Signal(syscall.SIGHUP)) // is no other order
	p.reads(`"msg":"waiting for letters","letters":1,"seconds":`)
	p.drains()
	select {
	case <-p.ended:
		t.Fatal("the process ended before its letter had")
	default:
	}
	p.release()
	p.ends(wellEnded)
	var letter struct {
		State   promise.State
		Receipt string
	}
	p.must(p.db.GetContext(t.Context(), &letter, `SELECT state, receipt FROM jobs WHERE sending_at IS NOT NULL`))
	if letter.State != promise.Done || letter.Receipt == "" {
		t.Errorf("the letter is %+v, want that it is done, with a receipt", letter)
	}
}

// Who cannot wait for a letter says so twice. The letter is then in doubt.
func TestWorker_SIGTERMTwice(t *testing.T) {
	t.Parallel()
	p := newPlant(t, 1)
	p.awaits(p.sending)
	p.ordersStop()
	again := time.NewTicker(20 * time.Millisecond) // a signal that comes in the same moment is the first one's
	go func() {
		defer again.Stop()
		for range again.C {
			if p.cmd.Process.Signal(syscall.SIGTERM) != nil {
				return
			}
		}
	}()
	p.ends("signal: terminated")
	if n := p.count(`SELECT count(*) FROM jobs WHERE state = 'open' AND sending_at IS NOT NULL AND claimed_until IS NOT NULL`); n != 1 {
		t.Errorf("%d jobs are left for the reconciler, want 1", n)
	}
}
