package jobs

import (
	"context"
	"time"

	"secordesk/store/promise"
	"secordesk/store/secor"
)

// Upkeep is what the desk does for itself at set times, whatever its cases do.
//
// At midnight the history is anchored: an event of the desk's own names where the
// events of every case end, so that a missing end shows. After days without a
// clock process one anchor makes up for them all.
//
// At night what ended long ago is purged: jobs that are done or cancelled, with
// their attempts, and ticks without a job. Failed and ambiguous jobs wait for a
// person for ever. A night that is missed is made up for by the next.
const (
	JobAnchor secor.JobKind = "desk:anchor"
	JobPurge  secor.JobKind = "desk:purge"
)

// Chores is the upkeep that the store does. Each method does what a claimed job
// consists of and completes the job.
type Chores interface {
	FinishAnchor(ctx context.Context, c promise.Claim) (promise.State, error)
	FinishPurge(ctx context.Context, c promise.Claim) (promise.State, error)
	FinishGather(ctx context.Context, c promise.Claim) (promise.State, error)
}

func upkeepSchedules() []Schedule {
	return []Schedule{
		{Name: "anchor", Spec: "@daily", Misfire: Latest, Kind: JobAnchor, Does: "name the ends of all histories"},
		{Name: "purge", Spec: "30 3 * * *", Misfire: Latest, Kind: JobPurge, Does: "remove jobs and ticks that ended long ago"},
	}
}

func upkeepKinds() []Kind {
	return []Kind{
		chore(JobAnchor, Decisions, Chores.FinishAnchor),
		chore(JobPurge, Bulk, Chores.FinishPurge),
	}
}

// chore returns a kind of upkeep. Nobody waits for it, so it is tried again for
// half a day.
func chore(name secor.JobKind, queue Queue, do func(Chores, context.Context, promise.Claim) (promise.State, error)) Kind {
	return Kind{Name: name, Queue: queue, Timeout: 5 * time.Minute, Attempts: 16,
		Backoff: doubling(time.Minute, time.Hour), Chore: do}
}
