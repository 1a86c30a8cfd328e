package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"secordesk/jobs"
	"secordesk/schema"
)

// killContenders kill a worker's process in the middle of a job.
func killContenders() []contender {
	return []contender{
		{name: "ours/kill", what: "ours: kill -9 of a worker until its job begins elsewhere, lease 10 s", unit: "s", once: true, do: kill(5, killOurs)},
		{name: "asynq/kill", what: "bare asynq: kill -9 of a worker until its job begins elsewhere", unit: "s", once: true, slow: true, do: kill(5, killAsynq)},
	}
}

// victimEnv carries a victim's orders.
const victimEnv = "SECOR_BENCH_VICTIM"

// orders say where a victim works. It says "begun" when it has begun a job, and
// never ends one.
type orders struct {
	Engine   bool // ours; else bare asynq
	DSN      string
	Socket   string
	Database int // of Redis
}

// kill has so many victims at once: they all but sleep, and share nothing but the servers.
func kill(n int, one func(ctx context.Context, b *bench, nr int) (float64, error)) func(context.Context, *bench) ([]float64, error) {
	return func(ctx context.Context, b *bench) ([]float64, error) {
		found := make([]float64, n)
		calls, ctx := errgroup.WithContext(ctx)
		for i := range found {
			calls.Go(func() error {
				var err error
				found[i], err = one(ctx, b, i+1)
				return err
			})
		}
		return found, calls.Wait()
	}
}

func killOurs(ctx context.Context, b *bench, nr int) (float64, error) {
	name := fmt.Sprintf("kill%d", nr)
	owner, err := b.office(ctx, name)
	if err != nil {
		return 0, err
	}
	causes, err := b.openCases(ctx, owner, 1)
	if err != nil || len(causes) != 1 {
		return 0, errors.Join(err, errors.New("no job to be killed"))
	}
	begun := make(chan time.Time, 1)
	e, err := b.engineOn(ctx, name, b.redis.queue(nr))
	if err != nil {
		return 0, err
	}
	e.begun = func(int64) { begun <- time.Now() }
	worker, err := e.worker()
	if err != nil {
		return 0, err
	}
	defer e.run(ctx, e.relay.Run, e.reconcile)()
	return b.outlive(ctx, orders{Engine: true, DSN: b.appDSN(name), Socket: b.redis.socket, Database: nr}, begun, func() (func(), error) {
		ctx, cancel := context.WithCancel(ctx)
		e.running.Go(func() { worker(ctx) })
		return cancel, nil
	})
}

func killAsynq(ctx context.Context, b *bench, nr int) (float64, error) {
	redis := b.redis.queue(5 + nr)
	client := asynq.NewClient(redis)
	defer client.Close()
	_, err := client.EnqueueContext(ctx, asynq.NewTask(asynqTask, nil))
	if err != nil {
		return 0, err
	}
	begun := make(chan time.Time, 1)
	return b.outlive(ctx, orders{Socket: b.redis.socket, Database: 5 + nr}, begun, func() (func(), error) {
		return bareServer(redis, func(context.Context, *asynq.Task) error { begun <- time.Now(); return nil })
	})
}

// outlive starts a victim, waits until it has the job, starts who is to take it
// over, and kills the victim at any point of its lease's renewal.
func (b *bench) outlive(ctx context.Context, o orders, begun <-chan time.Time, successor func() (func(), error)) (float64, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return 0, err
	}
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	victim := exec.CommandContext(ctx, program)
	victim.Env = append(os.Environ(), victimEnv+"="+string(text))
	victim.SysProcAttr = apart()
	victim.Stderr = os.Stderr
	said, err := victim.StdoutPipe()
	if err != nil {
		return 0, err
	}
	err = victim.Start()
	if err != nil {
		return 0, err
	}
	defer victim.Wait()
	defer victim.Process.Kill()
	line, err := bufio.NewReader(said).ReadString('\n')
	if strings.TrimSpace(line) != "begun" {
		return 0, fmt.Errorf("the victim said %q: %w", line, errors.Join(err, ctx.Err()))
	}
	stop, err := successor()
	if err != nil {
		return 0, err
	}
	defer stop()
	select {
	case <-time.After(time.Second + rand.N(jobs.DefaultPace().Renew)):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	killed := time.Now()
	err = victim.Process.Kill()
	if err != nil {
		return 0, err
	}
	select {
	case at := <-begun:
		return at.Sub(killed).Seconds(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// beVictim works until it is killed.
func beVictim(ctx context.Context, text string) error {
	var o orders
	err := json.Unmarshal([]byte(text), &o)
	if err != nil {
		return err
	}
	redis := asynq.RedisClientOpt{Network: "unix", Addr: o.Socket, DB: o.Database}
	if !o.Engine {
		_, err = bareServer(redis, func(context.Context, *asynq.Task) error { fmt.Println("begun"); select {} })
		if err == nil {
			<-ctx.Done()
		}
		return err
	}
	programme, err := schema.Load()
	if err != nil {
		return err
	}
	e, err := newEngine(ctx, o.DSN, programme, redis)
	if err != nil {
		return err
	}
	e.begun = func(int64) { fmt.Println("begun"); select {} }
	worker, err := e.worker()
	if err != nil {
		return err
	}
	worker(ctx)
	return nil
}

func bareServer(redis asynq.RedisConnOpt, do asynq.HandlerFunc) (func(), error) {
	server := asynq.NewServer(redis, asynq.Config{Concurrency: 1, Logger: mute{}, LogLevel: asynq.FatalLevel})
	return server.Shutdown, server.Start(do)
}
