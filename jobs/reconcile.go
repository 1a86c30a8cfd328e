package jobs

import (
	"context"
	"log/slog"
	"time"

	"secordesk/store/promise"
)

// ReconcileEvery is how often a process that works asks for lost jobs. Together
// with the lease it bounds how long a killed worker delays a job.
const ReconcileEvery = 2 * time.Second

// Ledger is what the reconciler needs of the store.
type Ledger interface {
	ReconcileJobs(ctx context.Context) (int, []promise.Job, error)
}

// Reconcile takes jobs back from workers and queues that lost them, every so
// often until ctx ends. One path cures them all: a killed worker, a flushed
// Redis, a wake-up that went astray. Any number of processes may do it.
func Reconcile(ctx context.Context, ledger Ledger, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	looked := outage(log, "reconciler")
	for {
		reopened, ambiguous, err := reconcile(ctx, ledger)
		if ctx.Err() != nil {
			return
		}
		looked(err)
		if reopened > 0 {
			log.Warn("jobs taken back", "jobs", reopened)
		}
		for _, j := range ambiguous {
			log.Error("job ended", "job", j.ID, "act", ActOf(j.ID), "kind", j.Kind, "case", j.CaseID, "recipient", j.Recipient,
				"attempt", j.Attempts, "worker", j.Worker, "state", j.State, "err", j.LastError)
		}
		if err == nil && reopened+len(ambiguous) > 0 {
			continue // there may be more than one look takes
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func reconcile(ctx context.Context, ledger Ledger) (int, []promise.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, passLimit)
	defer cancel()
	return ledger.ReconcileJobs(ctx)
}
