package jobs

import (
	"errors"

	"secordesk/store/secor"
)

// assignmentKinds is QA assignment. A submitted audit is given to a reviewer by
// the plan for the whole queue: the oldest need first, and to each who is able and
// holds the least. When nobody is, that and why is recorded, and the job is done:
// the sweep of the queue (Assigner) asks every ten seconds whether somebody is able
// now, because a review ended, a leave ended, or somebody joined. Whoever has to act
// is told.
func assignmentKinds() []Kind {
	pick := work(secor.JobAssign, assign)
	pick.Assigns = true
	return []Kind{
		pick,
		write(secor.JobTellReviewer, "tell_reviewer"),
		write(secor.JobReturned, "returned"),
		write(secor.JobRevision, "revision"),
	}
}

// assign gives the audit to its reviewer, or records for what it waits.
func assign(_ *Desk, f *secor.File, _ secor.Event) error {
	err := take(f, "assign")
	if errors.Is(err, secor.ErrNoReviewer) {
		return f.AwaitReviewer()
	}
	return err
}
