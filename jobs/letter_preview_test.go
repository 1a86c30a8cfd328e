package jobs

import (
	"testing"

	"secordesk/store/secor"
)

// A preview is addressed as the promise of the letter would be.
func TestPreview_Reader(t *testing.T) {
	f := letterFile(t, secor.SubjectAudit)
	f.Case.Holder = 1
	f.Roster = []secor.Reviewer{{ID: 1, Name: "Ana", Active: true, Role: secor.RoleReviewer}, {ID: 2, Name: "Cleo", Active: true, Role: secor.RoleLead},
		{ID: 3, Name: "Dan", Active: true, Role: secor.RoleAdmin}, {ID: 4, Name: "Eve", Active: true, Role: secor.RoleReviewer}}
	handed := secor.Event{Kind: secor.EventAuditHandedBack, Facts: map[string]string{"from": "4"}}
	for _, tt := range []struct {
		job    secor.JobKind
		cause  secor.Event
		holder int64
		want   string
	}{
		{secor.JobTellAdmin, secor.Event{Kind: secor.EventClockEscalated}, 1, "reviewer:3"},
		{secor.JobEscalate, secor.Event{Kind: secor.EventClockBreach}, 1, "reviewer:2"},
		{secor.JobWarn, secor.Event{Kind: secor.EventClockWarned}, 1, "reviewer:1"},
		{secor.JobWarn, secor.Event{Kind: secor.EventClockWarned}, 0, "reviewer:2"},
		{secor.JobReachByPhone, secor.Event{Kind: secor.EventColleagueBounced}, 1, "reviewer:2"},
		{secor.JobTellReviewer, secor.Event{Kind: secor.EventAuditAssigned}, 1, "reviewer:1"},
		{secor.JobTellReviewer, secor.Event{Kind: secor.EventAuditAssigned}, 0, "reviewer:2"},
		{secor.JobTellFormer, handed, 1, "reviewer:4"},
		{secor.JobPass, secor.Event{Kind: secor.EventAuditPassed}, 1, "company:9"},
		{secor.JobRequestCertificate, secor.Event{Kind: secor.EventCertificateDue}, 1, "body:" + f.Case.Body},
	} {
		f.Case.Holder = tt.holder
		if got := readerOf(f, tt.cause, secor.FollowsTo(tt.job)); got != tt.want {
			t.Errorf("%s after %s, held by %d: to %s, want %s", tt.job, tt.cause.Kind, tt.holder, got, tt.want)
		}
	}
}
