package promise

import "time"

// Backlog is what a desk has promised and not done, counted in Postgres at one
// moment.
type Backlog struct {
	Newest    int64         // number of the job promised last; a promise that was rolled back leaves a gap
	Open      []OpenJobs    // one for each kind, readiness and age that there is
	Troubled  []Troubled    // one for each kind and state that there is
	Paused    []string      // kinds that rest
	OldestTxn time.Duration // how long the oldest open transaction has lasted, as far as this user may see; 0: there is none
}

// OpenJobs is how many open jobs are alike.
type OpenJobs struct {
	Kind      string
	Readiness Readiness
	Age       int // how many of Ages are over since the jobs were promised
	Jobs      int
	Overdue   time.Duration // since the first of them could have begun; not positive: that is to come
}

// Troubled is how many jobs of a kind wait for a person.
type Troubled struct {
	Kind  string
	State State // Failed or Ambiguous
	Jobs  int
}

// Readiness is what an open job waits for.
type Readiness string

const (
	Runnable Readiness = "runnable" // a relay
	Waiting  Readiness = "waiting"  // its time
	Woken    Readiness = "woken"    // a worker
	Claimed  Readiness = "claimed"  // nothing: it is being done
	Paused   Readiness = "paused"   // a person who resumes its kind
)

// Readinesses returns every readiness.
func Readinesses() []Readiness { return []Readiness{Runnable, Waiting, Woken, Claimed, Paused} }

// Ages returns the limits between one class of ages and the next, ascending.
func Ages() []time.Duration {
	return []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}
}
