package jobs

import "secordesk/store/secor"

// escalationKinds tell people of the desk what needs them. A promise goes up three
// steps: who holds the case is warned before it is broken, the leads are told when
// it is, the administrators when it stays so. The leads also hear of a check that
// left a question open, and of money or mail that came back. No letter leaves when
// the trouble is settled before it starts, or when a later one says more.
func escalationKinds() []Kind {
	return []Kind{
		write(secor.JobWarn, "escalation"),
		write(secor.JobEscalate, "escalation"),
		write(secor.JobTellAdmin, "escalation"),
	}
}
