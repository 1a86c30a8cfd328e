package jobs

import (
	"errors"
	"fmt"

	"secordesk/store/secor"
)

// assignmentKinds is QA assignment: the least loaded reviewer without a conflict
// gets the audit, and whoever has to act is told.
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

// assign picks a reviewer. That nobody is free now is no refusal but a reason to
// try again: a review ends, a leave ends, somebody joins.
func assign(_ *Desk, f *secor.File, _ secor.Event) error {
	err := take(f, "assign")
	if errors.Is(err, secor.ErrNotFound) {
		return fmt.Errorf("nobody is free: %s", err)
	}
	return err
}
