package jobs

import (
	"fmt"
	"strings"

	"secordesk/jobs/certificate"
	"secordesk/store/secor"
)

// certificateKinds is certificate mailing: ask the governing body for it, and once
// its number is recorded make the papers that go into the envelope.
func certificateKinds() []Kind {
	papers := work(secor.JobMakeCertificate, makePapers)
	papers.Queue = Bulk
	return []Kind{
		write(secor.JobRequestCertificate, "request_certificate"),
		papers,
		write(secor.JobRevocation, "revocation"),
	}
}
