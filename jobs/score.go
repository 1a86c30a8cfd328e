package jobs

import "secordesk/store/secor"

// noticeText is the letter that is the first notice of a pass, unless somebody
// called before: the promise that it tells begins with it.
const noticeText = "pass"

// scoreKinds are what follows a confirmed score: the pass letter, the fail letter
// with its elements, or the question to the leads whether few months earn one
// year. The verdict itself is computed in the step that confirms it.
func scoreKinds() []Kind {
	return []Kind{
		write(secor.JobPass, noticeText),
		write(secor.JobFail, "fail"),
		write(secor.JobNotReviewed, "not_reviewed"),
		write(secor.JobDeclined, "declined"),
		write(secor.JobAskOneYear, "ask_one_year"),
	}
}
