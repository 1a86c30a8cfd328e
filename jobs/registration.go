package jobs

import "secordesk/store/secor"

// registrationKinds are the letters of an audit's registration: a question, the
// unlocked audit tool, or that it is closed.
func registrationKinds() []Kind {
	return []Kind{
		write(secor.JobRegistrationQuestion, "registration_question"),
		write(secor.JobUnlock, "unlocked"),
		write(secor.JobAuditClosed, "audit_closed"),
	}
}
