package store_test

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// When a proxy cuts the connection.
type cut string

const (
	cutNever     cut = "never"
	cutRequest   cut = "before Postgres gets it"
	cutMeanwhile cut = "while Postgres works on it"
	cutAnswer    cut = "after Postgres answered, before we hear of it"
)

// proxy stands between a store and Postgres and cuts one connection, once.
type proxy struct {
	net.Listener
	network, address string // of Postgres

	mu     sync.Mutex
	mode   cut
	what   func(message []byte) bool // which message of the client it cuts
	passed int                       // messages of the client since it was armed
	alive  int                       // connections
}

// proxied is the name of the connections through a proxy.
const proxied = "proxied"

func newProxy(t *testing.T) (*proxy, *sqlx.DB) {
	t.Helper()
	config, err := pq.NewConfig(storetest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{network: "tcp", address: net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), mode: cutNever}
	if strings.HasPrefix(config.Host, "/") {
		p.network, p.address = "unix", filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	}
	p.Listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go p.serve()
	config.ApplicationName = proxied
	config.Host, config.Port, config.SSLMode = "127.0.0.1", uint16(p.Addr().(*net.TCPAddr).Port), pq.SSLModeDisable
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sqlx.NewDb(store.OpenDB(connector, 16), "postgres")
	t.Cleanup(func() { db.Close(); p.Close() })
	return p, db
}

// arm makes the proxy cut at the next message that what finds.
func (p *proxy) arm(mode cut, what func(message []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.what, p.passed = mode, what, 0
}

// cuts reports whether this message is the one, and how.
func (p *proxy) cuts(message []byte) cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed++
	if p.mode == cutNever || !p.what(message) {
		return cutNever
	}
	mode := p.mode
	p.mode = cutNever
	return mode
}

func (p *proxy) armed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode != cutNever
}

func (p *proxy) count(more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive += more
}

// connections is how many are neither cut nor closed.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive
}

// messages is how many passed since it was armed.
func (p *proxy) messages() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

func (p *proxy) serve() {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.address)
		if err != nil {
			client.Close()
			continue
		}
		p.count(1)
		go func() {
			defer p.count(-1)
			p.pass(client, server)
		}()
	}
}

// awaitAnswer hands on what belongs to a message that was too long for one read.
func (p *proxy) awaitAnswer(server net.Conn, requests, answers <-chan []byte) {
	for {
		select {
		case <-answers:
			return
		case more, ok := <-requests:
			if !ok {
				return
			}
			_, err := server.Write(more)
			if err != nil {
				return
			}
		}
	}
}

// pass hands messages on until one is cut. Each write of lib/pq is one message or
// a few that belong together.
func (p *proxy) pass(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	answers := make(chan []byte)
	go func() {
		defer close(answers)
		for {
			buffer := make([]byte, 64<<10)
			n, err := server.Read(buffer)
			if n > 0 {
				answers <- buffer[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	requests := make(chan []byte)
	go func() {
		defer close(requests)
		for {
			buffer := make([]byte, 64<<10)
			n, err := client.Read(buffer)
			if n > 0 {
				requests <- buffer[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	defer drain(requests, answers)
	for {
		select {
		case request, ok := <-requests:
			if !ok {
				return
			}
			mode := p.cuts(request)
			if mode == cutRequest {
				return
			}
			_, err := server.Write(request)
			if err != nil {
				return
			}
			if mode == cutAnswer {
				p.awaitAnswer(server, requests, answers)
			}
			if mode != cutNever {
				return
			}
		case answer, ok := <-answers:
			if !ok {
				return
			}
			_, err := client.Write(answer)
			if err != nil {
				return
			}
		}
	}
}

// drain lets the readers end once the connections are closed.
func drain(channels ...chan []byte) {
	for _, c := range channels {
		go func() {
			for range c {
			}
		}()
	}
}

func commits(message []byte) bool { return bytes.Contains(message, []byte("COMMIT\x00")) }

// A connection that is cut at COMMIT, before or after Postgres got it, gives one
// event and one promise, and the person hears that it was done.
func TestUpdateCase_CutAtCommit(t *testing.T) {
	for _, mode := range []cut{cutRequest, cutAnswer} {
		t.Run(string(mode), func(t *testing.T) {
			d, p := cutDesk(t)
			id := d.request(d.company(1))
			p.arm(mode, commits)
			d.take(id, d.lead, "approve", nil)
			if p.armed() {
				t.Fatal("the connection was not cut")
			}
			if n := d.times(id, secor.EventRequestApproved); n != 1 {
				t.Errorf("approved %d times, want once", n)
			}
			if n := d.count(`SELECT count(*) FROM jobs WHERE kind = $1`, secor.JobWelcome); n != 1 {
				t.Errorf("%d welcome letters promised, want one", n)
			}
			d.wholeStill()
		})
	}
}

// The same, cut at every fifth message of a step and of an opening, to the last.
func TestUpdateCase_CutAnywhere(t *testing.T) {
	d, p := cutDesk(t)
	companies := 0
	for _, mode := range []cut{cutRequest, cutAnswer} {
		for n := 1; ; n += 5 {
			companies++
			company := d.company(companies)
			p.arm(mode, func([]byte) bool { return p.passed == n })
			id, err := d.AddRequest(t.Context(), d.deskAct(), company, "ab-pir", secor.Request{Reason: secor.ReasonSwitching, Headcount: 4})
			if err != nil {
				t.Fatalf("opening, cut at message %d %s: %v", n, mode, err)
			}
			p.arm(mode, func([]byte) bool { return p.passed == n })
			err = d.UpdateCase(t.Context(), id, d.act(d.lead), step("approve", nil))
			if err != nil {
				t.Fatalf("approval, cut at message %d %s: %v", n, mode, err)
			}
			missed := p.armed()
			p.arm(cutNever, nil)
			if got := d.kinds(id); len(got) != 2 {
				t.Fatalf("cut at message %d %s: %v, want one opening and one approval", n, mode, got)
			}
			if missed {
				t.Logf("%s: cut at messages up to %d", mode, n-5)
				break
			}
		}
	}
	if n := d.count(`SELECT count(*) FROM cases`); n != companies {
		t.Errorf("%d cases, want %d", n, companies)
	}
	d.wholeStill()
}

func cutDesk(t *testing.T) (*desk, *proxy) {
	t.Helper()
	d := newDesk(t)
	p, db := newProxy(t)
	loaded, err := programme()
	d.ok(err)
	d.Store = store.New(db, loaded, d.clock.Now)
	return d, p
}

func (d *desk) wholeStill() {
	d.t.Helper()
	report, err := d.Verify(d.t.Context())
	d.ok(err)
	if len(report.Problems) > 0 {
		d.t.Errorf("Verify = %v, want no problems", report.Problems)
	}
}
