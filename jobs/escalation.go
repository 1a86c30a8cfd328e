package jobs

import "secordesk/store/secor"

// escalationKinds tell every lead what needs a person: a promise that was broken,
// a check that left a question open, money or mail that came back. The letter
// does not leave when the trouble is settled before it starts.
func escalationKinds() []Kind {
	return []Kind{write(secor.JobEscalate, "escalation")}
}
