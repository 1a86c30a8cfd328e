package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"secordesk/store/promise"
)

// prompt is how late a tick may be recorded and not count as missed, unless the
// clock turns more rarely.
const prompt = time.Minute

// turnLimit bounds one turn. The next goes on with what is left.
const turnLimit = 2 * time.Minute

// Ticks is what a clock needs of the store beside what a sweep needs.
type Ticks interface {
	TakeTicks(ctx context.Context, given promise.Schedule, due func(kept promise.Schedule) ([]time.Time, time.Time)) (promise.Schedule, int, error)
}

// Clock is a clock process: with each turn it sweeps the clocks of all cases, makes
// the other sweeps and records the ticks of schedules. Any number may run, and none leads: a level of a
// case and a tick of a schedule stand once in Postgres, whoever comes first. One
// that is killed loses nothing, because the next turn of any asks for all that is
// due by then. A schedule that this release does not know is left alone.
type Clock struct {
	// Meter hears the clock's turns. It is set before Run, or left nil.
	Meter *Meter

	sweeper *Sweeper
	also    []Sweep
	ticks   Ticks
	plans   []*plan
	prompt  time.Duration
	now     func() time.Time
	log     *slog.Logger
}

// Sweep asks once what is due, acts on it, and returns on how much. Asking again
// must change nothing.
type Sweep = func(context.Context) (int, error)

// NewClock returns a clock that goes by the sweeper's, with schedules in the
// office's zone; with each turn it also makes the other sweeps. A schedule that
// cannot be read is an error.
func NewClock(sweeper *Sweeper, ticks Ticks, schedules []Schedule, zone *time.Location, also ...Sweep) (*Clock, error) {
	c := &Clock{sweeper: sweeper, also: also, ticks: ticks, prompt: prompt, now: sweeper.now, log: sweeper.log}
	for _, s := range schedules {
		p, err := s.plan(zone)
		if err != nil {
			return nil, err
		}
		c.plans = append(c.plans, p)
	}
	return c, nil
}

// Run turns at once and then every so often, in wall time, until ctx ends. What
// fails in one turn is done in the next.
func (c *Clock) Run(ctx context.Context, every time.Duration) {
	c.prompt = max(prompt, 2*every)
	turned := c.Meter.loop("clock", every)
	log := cron.PrintfLogger(slog.NewLogLogger(c.log.Handler(), slog.LevelError))
	// Recover is the inner one: with it outside, a panic would leave
	// SkipIfStillRunning thinking that the job runs for ever.
	beat := cron.New(cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger), cron.Recover(log)))
	id := beat.Schedule(cron.Every(every), cron.FuncJob(func() {
		err := c.Turn(ctx)
		turned(err)
		if err != nil && ctx.Err() == nil {
			c.log.Error("clock turn failed", "err", err)
		}
	}))
	beat.Entry(id).WrappedJob.Run()
	beat.Start()
	<-ctx.Done()
	<-beat.Stop().Done()
}

// Turn does all that is due. One call at a time; a turn that finds nothing due
// costs one query.
func (c *Clock) Turn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, turnLimit)
	defer cancel()
	_, err := c.sweeper.Sweep(ctx)
	problems := []error{err}
	for _, sweep := range c.also {
		_, err = sweep(ctx)
		problems = append(problems, err)
	}
	for _, p := range c.plans {
		if !p.next.After(c.now()) {
			problems = append(problems, c.take(ctx, p))
		}
	}
	return errors.Join(problems...)
}

// Next returns the earliest tick that is still to come. Before the first turn it
// is zero.
func (c *Clock) Next() time.Time {
	var next time.Time
	for i, p := range c.plans {
		if i == 0 || p.next.Before(next) {
			next = p.next
		}
	}
	return next
}

// take records what is due of one schedule.
func (c *Clock) take(ctx context.Context, p *plan) error {
	var o owed
	given := promise.Schedule{Name: p.Name, Kind: string(p.Kind), Spec: p.Spec, Misfire: string(p.Misfire)}
	kept, taken, err := c.ticks.TakeTicks(ctx, given, func(kept promise.Schedule) ([]time.Time, time.Time) {
		o = p.owed(kept, c.now(), c.prompt)
		return o.ticks, o.settled
	})
	if err != nil {
		return err
	}
	p.next = p.table.Next(kept.Settled)
	if taken > 0 { // none when another clock process was first
		c.log.Info("ticks recorded", "schedule", p.Name, "ticks", taken, "until", kept.Settled)
	}
	if o.passed > 0 {
		c.log.Warn("ticks passed over", "schedule", p.Name, "ticks", o.passed, "misfire", p.Misfire, "until", kept.Settled)
	}
	return nil
}
