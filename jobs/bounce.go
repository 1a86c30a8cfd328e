package jobs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"secordesk/jobs/mail"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// bounceKinds is what follows when a letter does not arrive: who holds the case, or
// the leads, reach its reader by phone. The letter does not leave when somebody was
// faster. An announcement of maintenance does not leave once the window is over, or the
// company has nothing to do any more.
func bounceKinds() []Kind {
	return []Kind{write(secor.JobReachByPhone, "bounced"), write(secor.JobMaintenance, "maintenance")}
}

// bounceLimit bounds how long the record of a bounce on its case is waited for. Then
// the job fails without it, and is on the list of failed jobs all the same.
const bounceLimit = 3 * time.Second

// bounced records that the reader's mail server will not have the letter, or that its
// reader has an address or a name to which our own sender sends nothing, and reports
// whether that was recorded. What else we refuse ourselves, such as a file that is too
// large, is the desk's own to mend and no bounce.
func (a *attempt) bounced(o promise.Outcome, err error) bool {
	if a.claim.Job.Batch != 0 {
		return a.batchFailed(o)
	}
	var sending *mail.SendError
	if !errors.As(err, &sending) || !sending.Permanent || a.claim.Job.CaseID == 0 {
		return false
	}
	code, unreachable := bounceCode(sending)
	if !unreachable {
		return false
	}
	job := a.claim.Job
	act := secor.Act{ID: fmt.Sprintf("bounce:%d.%d", job.ID, a.claim.Fence), By: secor.Desk, Surface: secor.SurfaceJob}
	unrecorded := insist(bounceLimit, func(ctx context.Context) error {
		return a.promises.BounceSend(ctx, a.claim, o, act, func(f *secor.File) error {
			f.Bounced(job.ID, secor.JobKind(job.Kind), job.Recipient, code, sending.Said())
			return nil
		})
	})
	if unrecorded != nil {
		a.log.Error("bounce is not recorded on its case", "job", job.ID, "case", job.CaseID, "err", unrecorded)
	}
	return unrecorded == nil
}

// batchFailed records that a batch for a governing body did not leave, whatever the
// reason, and reports whether that was recorded. No case's own letter would tell.
func (a *attempt) batchFailed(o promise.Outcome) bool {
	job := a.claim.Job
	act := secor.Act{ID: fmt.Sprintf("bounce:%d.%d", job.ID, a.claim.Fence), By: secor.Desk, Surface: secor.SurfaceJob}
	unrecorded := insist(bounceLimit, func(ctx context.Context) error { return a.promises.FailBatch(ctx, a.claim, o, act) })
	if unrecorded != nil {
		a.log.Error("failure of a batch is not recorded on its cases", "job", job.ID, "batch", job.Batch, "err", unrecorded)
	}
	return unrecorded == nil
}

// enhanced is a status code of RFC 3463.
var enhanced = regexp.MustCompile(`\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// bounceCode returns the most exact code that the server gave, or the one that it
// would give to what our sender refuses. It is false for what has nothing to do with
// the reader.
func bounceCode(e *mail.SendError) (string, bool) {
	var refusal *mail.RefusalError
	switch {
	case errors.As(e.Err, &refusal) && refusal.Field == "To":
		return "5.1.3", true // bad destination mailbox address syntax
	case errors.As(e.Err, &refusal) && refusal.Field == "ToName":
		return "5.1.0", true // other address status
	case e.Code/100 != 5:
		return "", false
	}
	code := enhanced.FindString(e.Said())
	if code != "" {
		return code, true
	}
	return strconv.Itoa(e.Code), true
}
