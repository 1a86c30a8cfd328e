package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// clients is how many do the same thing at once, on as many connections, whoever
// is measured.
const clients = 32

// contender is one thing that is measured in every round, so that what else this
// machine does hits all alike.
type contender struct {
	name string // "ours/drain"; what is before the slash is whose it is
	what string // for people
	unit string // "jobs/s", "ms", "s"
	once bool   // one measurement gives all the values at once
	slow bool   // only with -slow
	do   func(ctx context.Context, b *bench) ([]float64, error)
}

// contenders returns all that can be measured, in the order of the first round.
func contenders() []contender {
	return slices.Concat(floorContenders(), drainContenders(), pathContenders(), promiseContenders(),
		deskContenders(), idleContenders(), flushContenders(), killContenders())
}

func choose(all []contender, o options) []contender {
	return slices.DeleteFunc(slices.Clone(all), func(c contender) bool {
		return !strings.Contains(c.name, o.only) || c.slow && !o.slow
	})
}

func names(all []contender) string {
	var found []string
	for _, c := range all {
		found = append(found, c.name)
	}
	return strings.Join(found, ", ")
}

// series is what one contender gave: for each round one value, or many where
// single events are timed.
type series struct {
	contender
	rounds [][]float64
	spent  []effort // for each round
}

// measure goes round by round through the contenders. Each round begins with
// another one, so that none always follows the same.
func (b *bench) measure(ctx context.Context, chosen []contender) ([]series, error) {
	stop, err := profile(b.options.profile)
	if err != nil {
		return nil, err
	}
	defer stop()
	found := make([]series, len(chosen))
	for i, c := range chosen {
		found[i].contender = c
	}
	for round := range b.options.runs {
		for n := range chosen {
			s := &found[(n+round*len(chosen)/b.options.runs)%len(chosen)]
			if s.once && round > 0 {
				continue
			}
			err := b.one(ctx, s)
			if err != nil {
				return nil, fmt.Errorf("measure %s: %w", s.name, err)
			}
			values := s.rounds[len(s.rounds)-1]
			fmt.Fprintf(b.progress, "%5.0f s  run %d of %d  %-24s %10s %-8s %s\n", time.Since(b.began).Seconds(), round+1, b.options.runs,
				s.name, number(median(values)), s.unit, s.spent[len(s.spent)-1])
		}
	}
	return found, nil
}

// one measures one contender once, from the same beginning.
func (b *bench) one(ctx context.Context, s *series) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	err := b.fresh(ctx)
	if err != nil {
		return err
	}
	b.spent = effort{}
	values, err := s.do(ctx, b)
	if err != nil {
		return err
	}
	s.rounds = append(s.rounds, values)
	s.spent = append(s.spent, b.spent)
	return nil
}

func profile(file string) (func(), error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	err = pprof.StartCPUProfile(f)
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

// all returns the values of every round together.
func (s series) all() []float64 { return slices.Concat(s.rounds...) }

// median returns the middle one, the mean of the two in the middle, or 0 of none.
func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile interpolates between the two values next to p.
func quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := p * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// perRound returns one figure of each round.
func (s series) perRound(of func([]float64) float64) []float64 {
	var found []float64
	for _, values := range s.rounds {
		found = append(found, of(values))
	}
	return found
}

// over divides round by round: what was measured next to each other.
func over(a, b []float64) []float64 {
	var found []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			found = append(found, a[i]/b[i])
		}
	}
	return found
}
