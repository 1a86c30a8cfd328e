package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"secordesk/store/promise"
)

// unknownKind stands in labels for a kind that this release does not know, so that
// what stands in the database never makes a label of its own.
const unknownKind = "unknown"

// outcomeLost is an attempt that the job went on without.
const outcomeLost = "lost"

// Meter counts for Prometheus what the engine does in one process, and hears the
// pulse of its loops. A nil Meter hears and counts nothing.
type Meter struct {
	Pulse *Pulse

	kinds     map[string]bool
	claims    *prometheus.CounterVec
	ends      *prometheus.CounterVec
	durations *prometheus.HistogramVec
	sends     prometheus.Gauge
	slots     *prometheus.GaugeVec
	wakes     prometheus.Counter
	takenBack prometheus.Counter
	turns     *prometheus.CounterVec
	faults    *prometheus.CounterVec
}

// NewMeter returns a meter of a process that does jobs of these kinds; none in a
// process that only promises and reconciles.
func NewMeter(kinds []Kind, pulse *Pulse) *Meter {
	m := &Meter{
		Pulse: pulse,
		kinds: map[string]bool{},
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "secordesk_jobs_claimed_total",
			Help: "Attempts at jobs that this process began."}, []string{"kind"}),
		ends: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "secordesk_jobs_ended_total",
			Help: "Attempts at jobs that ended in this process, by what became of them; also those of lost workers that it found in doubt."}, []string{"kind", "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "secordesk_jobs_duration_seconds",
			Help:    "How long attempts at jobs took in this process, whatever became of them.",
			Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}}, []string{"kind"}),
		sends: prometheus.NewGauge(prometheus.GaugeOpts{Name: "secordesk_sends_in_flight",
			Help: "Letters that this process is sending."}),
		slots: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "secordesk_queue_slots",
			Help: "Jobs of a queue that this process does at once; a queue that it does not serve is not there."}, []string{"queue"}),
		wakes: prometheus.NewCounter(prometheus.CounterOpts{Name: "secordesk_relay_wakes_total",
			Help: "Wake-ups that this process took to put into Redis."}),
		takenBack: prometheus.NewCounter(prometheus.CounterOpts{Name: "secordesk_jobs_taken_back_total",
			Help: "Jobs that this process took back from a worker or a queue that lost them."}),
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "secordesk_loop_turns_total",
			Help: "Turns of the loops of this process, failed ones included."}, []string{"loop"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "secordesk_loop_faults_total",
			Help: "Turns of the loops of this process that failed."}, []string{"loop"}),
	}
	// A process that only reconciles may find any letter in doubt.
	for _, k := range Kinds() {
		m.kinds[string(k.Name)] = true
		m.ends.WithLabelValues(string(k.Name), string(promise.EndAmbiguous))
	}
	for _, k := range kinds {
		m.know(string(k.Name))
	}
	return m
}

// know makes the series of a kind, so that each is there before it first counts.
func (m *Meter) know(kind string) {
	m.kinds[kind] = true
	m.claims.WithLabelValues(kind)
	m.durations.WithLabelValues(kind)
	for _, outcome := range outcomes() {
		m.ends.WithLabelValues(kind, outcome)
	}
}

func outcomes() []string {
	return []string{string(promise.Done), string(promise.EndCancelled), string(promise.EndFailed), string(promise.EndAmbiguous),
		string(promise.EndRetried), string(promise.EndGivenBack), outcomeLost}
}

func (m *Meter) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.claims, m.ends, m.durations, m.sends, m.slots, m.wakes, m.takenBack, m.turns, m.faults}
}

// Describe and Collect make the meter a prometheus.Collector.
func (m *Meter) Describe(descriptions chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(descriptions)
	}
}

// Collect gives out what was counted.
func (m *Meter) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(metrics)
	}
}

func (m *Meter) label(kind string) string {
	if m.kinds[kind] {
		return kind
	}
	return unknownKind
}

// claimed counts an attempt that begins.
func (m *Meter) claimed(kind string) {
	if m != nil {
		m.claims.WithLabelValues(m.label(kind)).Inc()
	}
}

// ended counts an attempt that ended. An open job's error says why it is open.
func (m *Meter) ended(kind string, state promise.State, err error, took time.Duration) {
	if m == nil {
		return
	}
	outcome := string(state)
	switch {
	case state != promise.Open:
	case errors.Is(err, promise.ErrLost):
		outcome = outcomeLost
	case errors.Is(err, errStopping):
		outcome = string(promise.EndGivenBack)
	default:
		outcome = string(promise.EndRetried)
	}
	m.ends.WithLabelValues(m.label(kind), outcome).Inc()
	m.durations.WithLabelValues(m.label(kind)).Observe(took.Seconds())
}

// sending counts a send that begins; the returned function says that it ended.
func (m *Meter) sending() func() {
	if m == nil {
		return func() {}
	}
	m.sends.Inc()
	return m.sends.Dec
}

// Serves counts the slots of the queues that the process serves.
func (m *Meter) Serves(lanes []Lane) {
	for _, l := range lanes {
		m.slots.WithLabelValues(string(l.Queue)).Set(float64(l.Concurrency))
	}
}

// woke counts the wake-ups of one pass of a relay.
func (m *Meter) woke(n int) {
	if m != nil {
		m.wakes.Add(float64(n))
	}
}

// tookBack counts what one turn of a reconciler took back.
func (m *Meter) tookBack(n int) {
	if m != nil {
		m.takenBack.Add(float64(n))
	}
}

// loop begins one that turns every so often, and returns what is told how each
// turn went.
func (m *Meter) loop(name string, every time.Duration) func(error) {
	if m == nil {
		return func(error) {}
	}
	turns, faults := m.turns.WithLabelValues(name), m.faults.WithLabelValues(name)
	m.Pulse.Turned(name, every, wall())
	return func(err error) {
		turns.Inc()
		if err != nil {
			faults.Inc()
		}
		m.Pulse.Turned(name, every, wall())
	}
}

// Ledger returns a ledger whose answers are counted, and hears the loop that asks
// it every so often.
func (m *Meter) Ledger(ledger Ledger, every time.Duration) Ledger {
	return &meteredLedger{ledger: ledger, meter: m, turned: m.loop("reconciler", every)}
}

type meteredLedger struct {
	ledger Ledger
	meter  *Meter
	turned func(error)
}

func (l *meteredLedger) ReconcileJobs(ctx context.Context) (int, []promise.Job, error) {
	reopened, ambiguous, err := l.ledger.ReconcileJobs(ctx)
	l.meter.tookBack(reopened + len(ambiguous))
	for _, j := range ambiguous {
		l.meter.ends.WithLabelValues(l.meter.label(j.Kind), string(promise.EndAmbiguous)).Inc()
	}
	l.turned(err)
	return reopened, ambiguous, err
}
