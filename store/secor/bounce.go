package secor

import (
	"slices"
	"strconv"
	"strings"
)

// Bounce is a letter that did not reach who it was written to, by mail. The desk
// reaches them by phone.
type Bounce struct {
	Job       int64
	Letter    JobKind
	Recipient string // "company:12", "body:ab-pir"
	Code      string // what the mail server said in figures: "550", "5.1.1"
}

// MaxSaid is how many characters are kept of what a mail server says.
const MaxSaid = 500

// Bounced records that a letter was refused for good by the reader's mail server, or
// came back: its code and what the server said, which may hold an address and is
// kept as text. It stops and moves no clock: the ten days of a pass run from its first
// notice, whether or not a letter came back.
func (f *File) Bounced(job int64, letter JobKind, recipient, code, said string) {
	kind := EventLetterBounced
	if strings.HasPrefix(recipient, string(RoleReviewer)+":") {
		kind = EventColleagueBounced
	}
	said = clip(strings.ToValidUTF8(said, "?"), MaxSaid)
	f.record(kind, said, facts{"job": strconv.FormatInt(job, 10), "letter": string(letter), "recipient": recipient, "code": code})
}

// BounceEvents are the kinds of events that OpenBounces reads.
func BounceEvents() []EventKind {
	return append([]EventKind{EventLetterBounced, EventReached, EventCorrected}, answers...)
}

// answers are what only a company can say that has heard of what it was asked.
var answers = []EventKind{EventRequestAnswered, EventRegistrationAnswered, EventRevisionReceived, EventRevisionQueued}

// OpenBounces returns what is still to be reached by phone after a case's events, the
// oldest first: until somebody records that they were reached, the company answers, or
// its address is corrected. Letters to people of the desk are not among them: those sit in
// the same office.
func OpenBounces(events []Event) []Bounce { return openBounces(nil, events) }

func openBounces(open []Bounce, events []Event) []Bounce {
	for _, e := range events {
		switch e.Kind {
		case EventLetterBounced:
			job, _ := strconv.ParseInt(e.Facts["job"], 10, 64) // as Bounced wrote it
			open = append(slices.Clip(open), Bounce{Job: job, Letter: JobKind(e.Facts["letter"]), Recipient: e.Facts["recipient"], Code: e.Facts["code"]})
		case EventReached:
			open = nil
		default:
			if e.Kind == EventCorrected && e.Facts["field"] == fieldEmail || slices.Contains(answers, e.Kind) {
				open = slices.DeleteFunc(slices.Clone(open), func(b Bounce) bool { return strings.HasPrefix(b.Recipient, string(RoleCompany)+":") })
			}
		}
	}
	return open
}

// SettledJobs returns the failed jobs of letters that need not be sent any more:
// their readers bounced before, as given, and were reached or answered since. A
// corrected address leaves them, to be sent again, and so does a letter on which
// something on the case hangs: a pass, an invoice, a request for a certificate.
func (f *File) SettledJobs(before []Bounce) []int64 {
	if slices.ContainsFunc(f.events, func(e Event) bool { return e.Kind == EventCorrected }) {
		return nil
	}
	var jobs []int64
	for _, b := range before {
		if !slices.Contains(f.Bounces, b) && b.Letter != JobPass && b.Letter != JobInvoice && b.Letter != JobRequestCertificate {
			jobs = append(jobs, b.Job)
		}
	}
	return jobs
}

// bounceSteps is the one step after a letter that came back; correcting the address
// is another way out.
func bounceSteps() []Step {
	var steps []Step
	for _, kind := range []Subject{SubjectRequest, SubjectAudit} {
		steps = append(steps, Step{Name: "reached", Label: "Reached", Help: "Record that somebody whose letter bounced was reached another way.",
			Example: `reached 14 --channel phone --text "told them what the letter says; new address follows"`,
			Kind:    kind, Who: anyone,
			Fields: []Field{
				{Name: "channel", Help: "how", Type: FieldChoice, Choices: Channels(), Required: true},
				{Name: "text", Help: "what was said", Type: FieldText},
			}, when: unreached, do: (*File).reached})
	}
	return steps
}

func unreached(f *File) bool { return len(f.Bounces) > 0 }

// reached ends "reach by phone". Whether a company has so heard of its pass, which
// starts the ten days, is a step of its own: told.
func (f *File) reached(in Input) error {
	if !unreached(f) {
		return refuse(ErrIllegalMove, "", "no letter of this case has bounced")
	}
	f.record(EventReached, in.text("text"), facts{"channel": in.text("channel")})
	return nil
}

// stillUnreached reports whether somebody of the desk has to hear of a bounce. That
// this letter itself bounced is not written about again.
func (f *File) stillUnreached(cause Event) bool {
	if cause.Kind == EventColleagueBounced {
		return cause.Facts["letter"] != string(JobReachByPhone)
	}
	return slices.ContainsFunc(f.Bounces, func(b Bounce) bool { return strconv.FormatInt(b.Job, 10) == cause.Facts["job"] })
}
