package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"secordesk/jobs"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// metered runs a relay, a worker and a reconciler that are counted, until the
// returned function is called.
func metered(t *testing.T, b *bench, meter *jobs.Meter) func() {
	t.Helper()
	relay := jobs.NewRelay(b.Store, b.queue, b.kinds, jobs.DefaultBeat(), slog.New(b.book))
	relay.Meter = meter
	b.Promised = relay.Signal
	b.run(t, func(ctx context.Context) { relay.Run(ctx) })
	b.run(t, func(ctx context.Context) {
		jobs.Reconcile(ctx, meter.Ledger(b.Store, time.Second), 20*time.Millisecond, slog.New(b.book))
	})
	desk, err := jobs.NewDesk(jobs.Office{Name: "Prairie", From: "desk@prairie.example"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := jobs.NewWorker(b.Store, b.post, desk, b.kinds, b.pace, slog.New(b.book))
	if err != nil {
		t.Fatal(err)
	}
	w.Meter = meter
	return b.run(t, func(ctx context.Context) {
		err := w.Run(ctx, b.queue)
		if err != nil {
			t.Error(err)
		}
	})
}

// gathered returns what a meter counted, by name, kind and outcome.
func gathered(t *testing.T, meter *jobs.Meter) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(meter)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			found[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return found
}

// A job is tried, fails, is tried again and loses its lease; the one after it does
// it, and a last one is given back.
func TestMeter(t *testing.T) {
	b := newBench(t)
	b.queue.start(t)
	meter := jobs.NewMeter(b.kinds, jobs.NewPulse(time.Minute))
	var runs atomic.Int64
	inside, on := make(chan struct{}), make(chan struct{})
	last := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(on) })
	defer goOn()
	b.change(secor.JobDecideNeed, func(k *jobs.Kind) {
		real := k.Work
		k.Work = func(d *jobs.Desk, f *secor.File, cause secor.Event) error {
			switch runs.Add(1) {
			case 1:
				return errors.New("the weather")
			case 2:
				close(inside)
				<-on
			case 4:
				close(last)
				<-t.Context().Done()
			}
			return real(d, f, cause)
		}
	})
	stop := metered(t, b, meter)
	id := b.request(t)
	<-inside
	b.expire(t)
	await(t, "a third claim", func() bool { return b.job(t, id, secor.JobDecideNeed).Attempts == 3 })
	goOn()
	b.awaitQuiet(t)
	b.request(t)
	<-last
	stop()
	kind := string(secor.JobDecideNeed)
	got := gathered(t, meter)
	for name, want := range map[string]float64{
		"secordesk_jobs_claimed_total " + kind:               4,
		"secordesk_jobs_duration_seconds " + kind:            4,
		"secordesk_jobs_ended_total " + kind + " done":       1,
		"secordesk_jobs_ended_total " + kind + " retried":    1,
		"secordesk_jobs_ended_total " + kind + " lost":       1,
		"secordesk_jobs_ended_total " + kind + " given_back": 1,
		"secordesk_jobs_ended_total " + kind + " failed":     0,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	letter := "secordesk_jobs_ended_total " + string(secor.JobNotRequired) + " " + string(promise.Done)
	if got[letter] != 1 || got["secordesk_sends_in_flight"] != 0 || got["secordesk_relay_wakes_total"] < 4 ||
		got["secordesk_jobs_taken_back_total"] < 1 || got["secordesk_loop_turns_total reconciler"] < 1 {
		t.Errorf("counted %v", got)
	}
	problems, err := testutil.CollectAndLint(meter)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

// lostSend is a ledger that finds a letter in doubt.
type lostSend struct{ stop func() }

func (l lostSend) ReconcileJobs(context.Context) (int, []promise.Job, error) {
	l.stop()
	return 0, []promise.Job{{ID: 7, Kind: string(secor.JobRejection), CaseID: 3, Recipient: "company:2", Attempts: 1, Worker: "host:1",
		State: promise.Ambiguous, LastError: "attempt 1: the lease ran out while sending"}}, nil
}

// A letter in doubt that a reconciler finds is told and counted as a worker's own.
func TestReconcile_Ambiguous(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&text, nil))
	meter := jobs.NewMeter(nil, jobs.NewPulse(time.Minute))
	name := "secordesk_jobs_ended_total " + string(secor.JobRejection) + " ambiguous"
	before, there := gathered(t, meter)[name]
	if before != 0 || !there {
		t.Errorf("%s = %v (there: %v) before it first counts", name, before, there)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	calls := 0
	ledger := lostSend{func() {
		calls++
		if calls > 1 {
			stop()
		}
	}}
	jobs.Reconcile(ctx, meter.Ledger(ledger, time.Second), time.Hour, log)
	want := `"msg":"job ended","job":7,"act":"job:7","kind":"` + string(secor.JobRejection) +
		`","case":3,"recipient":"company:2","attempt":1,"worker":"host:1","state":"ambiguous","err":"attempt 1: the lease ran out while sending"`
	if !strings.Contains(text.String(), want) {
		t.Errorf("the log says\n%s\nwant\n%s", &text, want)
	}
	if got := gathered(t, meter)[name]; got != 2 {
		t.Errorf("%s = %v after two finds", name, got)
	}
}
