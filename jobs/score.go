package jobs

import "secordesk/store/secor"

// scoreKinds are what follows a confirmed score: the pass letter, the fail letter
// with its elements, or the question to the leads whether few months earn one
// year. The verdict itself is computed in the step that confirms it.
func scoreKinds() []Kind {
	return []Kind{
		write(secor.JobPass, "pass"),
		write(secor.JobFail, "fail"),
		write(secor.JobNotReviewed, "not_reviewed"),
		write(secor.JobDeclined, "declined"),
		write(secor.JobAskOneYear, "ask_one_year"),
	}
}
