package secor

import (
	"slices"
	"strings"
	"testing"
)

func TestCorrect(t *testing.T) {
	for field, value := range map[string]string{
		"legal-name": "Roy Welding (2026) Ltd.", "trade-name": "<!channel> Welding", "email": "new@roy.example", "contact": "Mr Roy",
		"street": "12 Main St", "city": "Red Deer", "postal-code": "T4N 1A1", "headcount": "9",
	} {
		for _, o := range []*office{requestIn(t, StateInReview), auditIn(t, StateCancelled)} {
			o.take(asAna, "correct", "asked by phone", "field="+field, "value="+value)
			if !o.saw(EventCorrected) || o.fact(EventCorrected, "field") != field {
				t.Errorf("%s: %v", field, o.happened())
			}
		}
	}
	o := requestIn(t, StateInReview)
	o.take(asAna, "correct", "letter bounced", "field=email", "value=new@roy.example")
	last := o.history[len(o.history)-1]
	if o.Company.Email != "new@roy.example" || last.Text != "was: office@roy.example; letter bounced" || strings.Contains(last.Facts["field"], "@") {
		t.Errorf("%s; %+v", o.Company.Email, last)
	}
	o.take(asAna, "correct", "two left", "field=headcount", "value=0009")
	if o.Request.Headcount != 9 || o.fact(EventCorrected, "from") != "10" || o.fact(EventCorrected, "to") != "9" {
		t.Errorf("headcount %d, from %s to %s", o.Request.Headcount, o.fact(EventCorrected, "from"), o.fact(EventCorrected, "to"))
	}
}

func TestCorrect_Refuses(t *testing.T) {
	tests := []struct{ field, value, words string }{
		{"email", "not an address", "is not an e-mail address such as office@example.com"},
		{"email", "Roy <office@roy.example>", "is not an e-mail address"},
		{"email", "a@b.example, c@d.example", "is not an e-mail address"},
		{"email", "@roy.example", "formula"},
		{"email", "béa@roy.example", "no e-mail address here can have"},
		{"email", strings.Repeat("a", 65) + "@roy.example", "at most 64 characters before the @"},
		{"email", `"a b"@roy.example`, "is not an e-mail address"},
		{"contact", "Ana =?utf-8?q?Roy?=", "mail programs take for encoded text"},
		{"legal-name", "Roy\ue000", "invisible"},
		{"legal-name", "=HYPERLINK(1)", "formula"},
		{"legal-name", strings.Repeat("x", 201), "longer than 200"},
		{"legal-name", "Roy\u202eWelding", "invisible"},
		{"legal-name", "Roy \xff", "not valid UTF-8"},
		{"headcount", "0", "is not a number of people"},
		{"headcount", "-1", "formula"},
		{"headcount", "ten", "is not a number of people"},
		{"headcount", "99999999999", "is not a number of people"},
		{"province", "AB", "is not one of"},
		{"legal-name", " ", "value: is missing"},
	}
	for _, tt := range tests {
		o := requestIn(t, StateInReview)
		err := o.try(asAna, "correct", "because", "field="+tt.field, "value="+tt.value)
		mustSay(t, tt.field+" "+tt.value[:min(20, len(tt.value))], refused(err, ErrField, tt.words))
	}
}

func TestNote(t *testing.T) {
	for _, state := range States(SubjectAudit) {
		o := auditIn(t, state)
		version := o.Case.Version
		o.take(asAna, "note", "", "text=called, <!channel> will pay on Friday")
		last := o.history[len(o.history)-1]
		if last.Text != "called, <!channel> will pay on Friday" || len(last.Facts) != 0 || o.Case.Version != version {
			t.Errorf("%s: %+v", state, last)
		}
	}
}

func TestDecideJob(t *testing.T) {
	tests := []struct {
		who    string
		by     Actor
		reason string
		kind   error
		words  string
	}{
		{"a lead", asCleo, "address corrected", nil, ""},
		{"an administrator", asDan, "address corrected", nil, ""},
		{"a lead without a reason", asCleo, " ", ErrField, "Job wants a reason"},
		{"a reviewer", asAna, "x", ErrNotAllowed, "Job is not for a reviewer; ask a lead or an administrator"},
		{"who has left", asEve, "x", ErrNotAllowed, "not an active person"},
		{"the company", asCompany, "x", ErrNotAllowed, "not for the company"},
		{"the desk itself", Desk, "x", ErrNotAllowed, "not for the desk"},
	}
	for _, tt := range tests {
		o := requestIn(t, StateRejected)
		before, move, version := len(o.history), o.LastMove, o.Case.Version
		for event, decide := range map[EventKind]func(int64, JobKind, string) error{EventJobRetried: o.RetryJob, EventJobDropped: o.CancelJob,
			EventJobArrived: func(id int64, kind JobKind, was string) error { return o.ArrivedJob(id, kind, "company:12", was) }} {
			err := o.act(Act{By: tt.by, Reason: tt.reason}, func() error { return decide(7, JobRejection, "failed") })
			if tt.kind != nil {
				mustSay(t, tt.who, refused(err, tt.kind, tt.words))
				continue
			}
			last := o.history[len(o.history)-1]
			if event == EventJobArrived && err == nil {
				if last.Kind != EventLetterSent || last.Text != "to company:12" {
					t.Errorf("%s: after job.arrived stands %+v", tt.who, last)
				}
				last = o.history[len(o.history)-2]
			}
			if err != nil || last.Kind != event || last.Text != tt.reason || len(last.Facts) != 3 ||
				last.Facts["job"] != "7" || last.Facts["kind"] != string(JobRejection) || last.Facts["was"] != "failed" {
				t.Errorf("%s: %v; %+v", tt.who, err, last)
			}
		}
		if tt.kind != nil && len(o.history) != before {
			t.Errorf("%s: a refusal was recorded", tt.who)
		}
		if o.Case.Version != version || o.LastMove.Kind != move.Kind {
			t.Errorf("%s: the case moved", tt.who)
		}
	}
}

// What the letter means cannot be recorded any more: the refusal says so, and what
// is left to do.
func TestArrivedJob_WhenTheCaseRefuses(t *testing.T) {
	o := auditIn(t, StateQAComplete)
	at := slices.IndexFunc(o.Clocks, func(c Clock) bool { return c.Policy.Name == PolicyNotification })
	o.Clocks[at].Entries = nil
	before := len(o.history)
	err := o.act(Act{By: asCleo, Reason: "the log has it"}, func() error { return o.ArrivedJob(7, JobPass, "company:12", "ambiguous") })
	mustSay(t, "a clock that cannot be met", refused(err, ErrIllegalMove, "what the letter of job 7 means cannot be recorded any more: "))
	if err == nil || !strings.HasSuffix(err.Error(), "; cancel the job") || len(o.history) != before {
		t.Errorf("%v, %d events, want the way out and %d events", err, len(o.history), before)
	}
}
