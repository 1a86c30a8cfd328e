package main

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"secordesk/store/storetest"
)

// door is a way to a database that is shut: who comes is turned away.
type door struct{ open atomic.Bool }

// behindDoor returns a shut door, and the address of the database behind it.
func behindDoor(t *testing.T, dsn string) (*door, string) {
	t.Helper()
	way, address := behindFreezer(t, dsn)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	d := &door{}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", way.address)
			if err != nil || !d.open.Load() {
				client.Close()
				continue
			}
			go func() { io.Copy(behind, client); behind.Close() }()
			go func() { io.Copy(client, behind); client.Close() }()
		}
	}()
	_, inner, _ := net.SplitHostPort(way.address)
	_, outer, _ := net.SplitHostPort(listener.Addr().String())
	return d, strings.ReplaceAll(address, inner, outer)
}

// Postgres is away when worker and clock start: each waits for it and says so once,
// while its health is served.
func TestStart_PostgresAway(t *testing.T) {
	for _, command := range []string{"worker", "clock"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			maps.Copy(o.environ, services(t))
			way, dsn := behindDoor(t, o.environ["DATABASE_URL"])
			o.environ["DATABASE_URL"], o.environ["HEALTH_ADDR"] = dsn, "127.0.0.1:0"
			p := o.start(command)
			p.awaits(`"msg":"waiting","who":"postgres"`)
			wantAnswer(t, p.site(), 503, "postgres: no answer\n")
			way.open.Store(true)
			p.awaits(`"msg":"going on","who":"postgres"`)
			p.awaits(command + " starts")
			wantAnswer(t, p.site(), 200, "ok\n")
			p.ends()
			logged, _ := p.log.read()
			if n := strings.Count(logged, `"who":"postgres"`); n != 2 {
				t.Errorf("%d lines about Postgres, want one that it waits and one that it goes on:\n%s", n, logged)
			}
		})
	}
}

// Postgres hangs when worker and clock start: the order to stop is heard at once.
func TestStart_PostgresHangs(t *testing.T) {
	for _, command := range []string{"worker", "clock"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			maps.Copy(o.environ, services(t))
			way, dsn := behindFreezer(t, o.environ["DATABASE_URL"])
			o.environ["DATABASE_URL"] = dsn
			way.freeze()
			p := o.start(command)
			<-way.asked
			p.stop()
			select {
			case status := <-p.ended:
				logged, _ := p.log.read()
				if status != statusDone || p.err.String() != "" || !strings.Contains(logged, command+" ended") {
					t.Errorf("status %d, %q, log:\n%s", status, p.err, logged)
				}
			case <-time.After(2 * time.Second):
				t.Fatal("two seconds after the order to stop the process still runs")
			}
		})
	}
}

// What stays wrong ends a process, and its log says why in the words of its stderr.
func TestStart_Log(t *testing.T) {
	o := newOffice(t)
	maps.Copy(o.environ, services(t))
	good := maps.Clone(o.environ)
	_, err := storetest.OwnerDB(t).Exec(`UPDATE goose_db_version SET is_applied = false WHERE version_id > 3`)
	o.must(err)
	for _, tt := range []struct{ name, variable, value, want string }{
		{"not migrated", "DATABASE_URL", good["DATABASE_URL"], "the database has migration 3 and this program needs"},
		{"no mail server", "DESK_NAME", "", "DESK_NAME is missing"},
	} {
		for _, command := range []string{"worker", "clock"} {
			terminal, out, errOut := testTerminal(maps.Clone(good))
			terminal.env[tt.variable] = tt.value
			status := run(t.Context(), []string{command}, terminal)
			if command == "clock" && tt.variable == "DESK_NAME" {
				continue // which needs none
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			var last struct{ Level, Msg, Err string }
			err := json.Unmarshal([]byte(lines[len(lines)-1]), &last)
			if status != statusRefused || err != nil || last.Level != "ERROR" || last.Msg != command+" ended" ||
				!strings.Contains(last.Err, tt.want) || !strings.Contains(errOut.String(), tt.want) {
				t.Errorf("%s, %s: status %d, %v, %+v, stderr %q; want an error in the log with %q", command, tt.name, status, err, last, errOut, tt.want)
			}
		}
	}
}
