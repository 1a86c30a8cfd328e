package jobs

import (
	"errors"
	"strconv"

	"secordesk/store/secor"
)

// assignmentKinds is QA assignment. A submitted audit is given to a reviewer by
// the plan for the whole queue: the oldest need first, and to each who is able and
// holds the least. When nobody is, that and why is recorded, and the job is done:
// the sweep of the queue (Assigner) asks every ten seconds whether somebody is able
// now, because a review ended, a leave ended, or somebody joined. The same sweep takes a case from
// a holder who came into conflict or left. A revision that comes in goes to who stands
// in when its reviewer is away. Whoever has to act is told, and so is who held the case
// before.
func assignmentKinds() []Kind {
	pick := work(secor.JobAssign, assign)
	pick.Assigns = true
	stand := work(secor.JobCover, cover)
	stand.Assigns = true
	return []Kind{
		pick,
		stand,
		write(secor.JobTellReviewer, "tell_reviewer"),
		write(secor.JobTellFormer, "tell_former"),
		write(secor.JobTakenAway, "taken_away"),
		write(secor.JobReturned, "returned"),
		write(secor.JobRevision, "revision"),
	}
}

// cover gives a revision whose reviewer is away to who stands in.
func cover(_ *Desk, f *secor.File, _ secor.Event) error { return f.Cover() }

// assign gives the audit to its reviewer, or records for what it waits.
func assign(_ *Desk, f *secor.File, _ secor.Event) error {
	err := take(f, "assign")
	if errors.Is(err, secor.ErrNoReviewer) {
		return f.AwaitReviewer()
	}
	return err
}

// Former is the name of who held the case until the letter's event; may be empty.
func (p letterPage) Former() string {
	id, err := strconv.ParseInt(p.Cause.Facts["from"], 10, 64)
	if err != nil {
		return ""
	}
	return nameOf(p.File, id)
}

// TakenBack reports whether the letter's event took the case from somebody who may
// not hold it.
func (p letterPage) TakenBack() bool {
	return p.Cause.Kind == secor.EventAuditUnassigned || p.Cause.Kind == secor.EventRequestUnassigned
}
