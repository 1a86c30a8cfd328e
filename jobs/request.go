package jobs

import "secordesk/store/secor"

// requestKinds is request review: decide whether the request is needed at all,
// and write to the company what a person decided. Deciding itself is never a
// job's; "no answer" neither: a company that was asked, here or about its audit, is
// reminded, and when its time is over a person is offered to close the case.
func requestKinds() []Kind {
	return []Kind{
		work(secor.JobDecideNeed, decideNeed),
		write(secor.JobWelcome, "welcome"),
		write(secor.JobRejection, "rejection"),
		write(secor.JobNotRequired, "not_required"),
		write(secor.JobRequestQuestion, "request_question"),
		write(secor.JobRequestClosed, "request_closed"),
		write(secor.JobAnswerReminder, "answer_reminder"),
		write(secor.JobRevisionReminder, "revision_reminder"),
		write(secor.JobOfferClosing, "offer_closing"),
	}
}

// decideNeed closes the request of a company that is on file, does not switch and
// is not new. Every other request waits for a person, who is shown which other
// companies on file it may be.
func decideNeed(_ *Desk, f *secor.File, _ secor.Event) error {
	f.FindProfiles()
	if f.RequestNeeded() {
		return nil
	}
	return take(f, "not-required")
}
