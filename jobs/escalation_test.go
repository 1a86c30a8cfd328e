package jobs

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secordesk/store/secor"
)

// runClock lets a clock of the case run since an instant, with the levels on which
// the desk has acted, and makes it now.
func runClock(t *testing.T, f *secor.File, policy string, since, now time.Time, levels ...string) {
	t.Helper()
	p, ok := f.Edition.Policy(policy)
	if !ok {
		t.Fatalf("no policy %s", policy)
	}
	calendar := f.Programme.Office
	if p.Party == secor.PartyCompany {
		calendar = f.Company.Province
	}
	entries := []secor.ClockEntry{{Kind: secor.ClockStarted, At: since, Recorded: since}}
	for _, level := range levels {
		kind := secor.ClockReached
		if level == secor.LevelBreach {
			kind = secor.ClockBreached
		}
		entries = append(entries, secor.ClockEntry{Kind: kind, At: now, Recorded: now, Level: level})
	}
	clock := secor.Clock{Policy: p, Cycle: 1, Calendar: calendar}
	for _, e := range entries {
		var err error
		clock, err = clock.Append(e)
		if err != nil {
			t.Fatal(err)
		}
	}
	f.Clocks = append(f.Clocks, clock)
	err := f.Begin(secor.Act{ID: "letter", By: secor.Desk, Surface: secor.SurfaceJob}, now)
	if err != nil {
		t.Fatal(err)
	}
}

// TestLetters_OfClocks holds what a clock's letters say against what people have
// read: why, since when, who holds it, who is told next and when, what to do.
func TestLetters_OfClocks(t *testing.T) {
	desk := letterDesk(t)
	since := time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)
	tests := []struct {
		name, text, policy string
		lang               secor.Language
		state              secor.State
		after              int // days
		levels             []string
		cause              secor.EventKind
	}{
		{"warned", "escalation", "request_review", "", secor.StateInReview, 3, []string{"warn"}, secor.EventClockWarned},
		{"breached", "escalation", "request_review", "", secor.StateInReview, 6, []string{"breach"}, secor.EventClockBreach},
		{"escalated", "escalation", "request_review", "", secor.StateInReview, 9, []string{"escalate"}, secor.EventClockEscalated},
		{"first_reminder", "answer_reminder", secor.PolicyAnswer, secor.English, secor.StateQueried, 6, []string{"reminder"}, secor.EventAnswerReminder},
		{"last_reminder", "answer_reminder", secor.PolicyAnswer, secor.French, secor.StateQueried, 11, []string{"reminder_2"}, secor.EventAnswerReminder},
		{"revision_reminder", "revision_reminder", secor.PolicyRevision, secor.French, secor.StateRevision, 8, []string{"reminder"}, secor.EventRevisionReminder},
		{"offer", "offer_closing", secor.PolicyAnswer, "", secor.StateQueried, 16, []string{"breach"}, secor.EventAnswerOverdue},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind := secor.SubjectRequest
			if tt.state == secor.StateRevision {
				kind = secor.SubjectAudit
			}
			f := letterFile(t, kind)
			f.Case.State, f.Company.Language, f.Company.Phone = tt.state, tt.lang, "306-555-0188"
			if f.Request != nil {
				f.Request.Question = "Which account number is right?"
			} else {
				f.Audit.Question = "The inspection records of question E2 are not attached."
			}
			runClock(t, f, tt.policy, since, since.AddDate(0, 0, tt.after), tt.levels...)
			to := Recipient{Key: "reviewer:3", Name: "Ana Roy", Email: "ana.roy@desk.example"}
			if tt.lang != "" {
				to = Recipient{Key: "company:9", Name: "François Lévesque", Email: "bureau@eclair.example"}
			}
			cause := secor.Event{Kind: tt.cause, Facts: map[string]string{"policy": tt.policy, "cycle": "1", "level": tt.levels[0]}}
			message, err := desk.write(tt.text, f, cause, to)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(message.Text, "\n\n\n") {
				t.Error("the letter has a hole")
			}
			golden(t, filepath.Join("testdata", "letter", "clock_"+tt.name+".golden"), "Subject: "+message.Subject+"\n\n"+message.Text)
		})
	}
}
