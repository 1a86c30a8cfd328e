package secor

import (
	"fmt"
	"strconv"
	"time"
)

func promiseSteps() []Step {
	return []Step{
		{Name: "promise-to-pay", Label: "Promise to Pay", Help: "Record the day by which the company promised to pay; reminders wait until then.",
			Example: `promise-to-pay 14 --pays-on 2026-05-28 --method cheque --reason "cheque mailed on Monday, says Ana Roy"`,
			Kind:    SubjectAudit, Who: anyone, Reason: true,
			Fields: []Field{
				{Name: "pays-on", Help: "day by which it promised to pay", Type: FieldDate, Required: true},
				{Name: "method", Help: "how it pays", Type: FieldChoice, Choices: PaymentMethods()},
			}, when: promisable, do: (*File).promiseToPay},
	}
}

func promisable(f *File) bool { return f.mayPromise() == nil }

// mayPromise refuses a promise for an invoice of which nobody is reminded.
func (f *File) mayPromise() error {
	invoice, err := f.openInvoice()
	switch {
	case err != nil:
		return err
	case invoice.State == StatePaid:
		return refuse(ErrIllegalMove, "nothing is to be promised", "invoice %s is paid", invoice.Number())
	case invoice.State == StateDraft:
		return refuse(ErrIllegalMove, "wait until its letter has left, or record the payment when it comes", "invoice %s was not sent yet", invoice.Number())
	case invoice.Free || f.phase(PolicyInvoice) == PhaseFinished:
		return refuse(ErrIllegalMove, "record the payment when it comes", "nobody is reminded of invoice %s", invoice.Number())
	}
	return nil
}

// promiseToPay holds the reminders until the end of a day, in the company's zone,
// by which the company says that it pays. It is not in the past, and at most so
// many days ahead as the edition's policy promise_to_pay says. A later promise
// takes the place of an earlier one; a part that comes meanwhile leaves it as it is.
//
// Source: ours; peers.md 2.10, "a payment in transit needs a promise-to-pay pause".
func (f *File) promiseToPay(in Input) error {
	err := f.mayPromise()
	if err != nil {
		return err
	}
	policy, ok := f.Edition.Policy(PolicyPromise)
	if !ok {
		return refuse(ErrGuard, "call the company", "the rules of this case (%s) know no promise to pay", f.Edition.ID)
	}
	day, start := in.date("pays-on"), f.Now()
	zone := f.Programme.Calendars[f.calendarOf(policy.Party)].Zone
	today := DateOf(start, zone)
	most := today.AddDays(policy.Breach().AfterDays)
	switch {
	case day.Before(today):
		return &FieldError{Field: "pays-on", Value: day.String(), Problem: "is in the past"}
	case day.After(most):
		return &FieldError{Field: "pays-on", Value: day.String(), Problem: fmt.Sprintf("is too far ahead; a promise can be until %s", most)}
	case day == today:
		start = start.AddDate(0, 0, -1) // the day of the start never counts, and this one does
	}
	policy.Levels = []Level{policy.Breach()}
	policy.Levels[0].AfterDays = DateOf(start, zone).DaysUntil(day)
	return f.holdReminders(policy, start, day, in.text("method"))
}

// holdReminders starts the promise's clock and pauses the invoice's.
func (f *File) holdReminders(policy Policy, start time.Time, day Date, method string) error {
	data := facts{"invoice": f.Invoice().Number(), "pays_on": day.String(), "balance": f.Invoice().Balance().String()}
	if method != "" {
		data["method"] = method
	}
	if earlier, pending := f.Promise(); pending {
		data["instead_of"] = earlier.String()
	}
	if f.phase(PolicyPromise) != PhaseFinished {
		err := f.clockEntry(PolicyPromise, ClockEntry{Kind: ClockStopped, Reason: "another promise took its place"})
		if err != nil {
			return err
		}
	}
	err := f.startCycle(policy, start)
	if err != nil {
		return err
	}
	data["cycle"] = strconv.Itoa(f.Clocks[f.cycle(PolicyPromise)].Cycle)
	f.record(EventPaymentPromised, f.act.Reason, data)
	if f.phase(PolicyInvoice) == PhasePaused {
		return nil
	}
	return f.clockEntry(PolicyInvoice, ClockEntry{Kind: ClockPaused, Party: PartyCompany, Reason: f.act.Reason})
}

// Promise returns the day by which the company promised to pay; false when it
// promised nothing, paid, or let the day pass.
func (f *File) Promise() (Date, bool) {
	i := f.cycle(PolicyPromise)
	if i < 0 || f.Clocks[i].acted() > 0 {
		return Date{}, false
	}
	cal := f.Programme.Calendars[f.Clocks[i].Calendar]
	due, runs := f.Clocks[i].Due(cal)
	return DateOf(due.Add(-time.Microsecond), cal.Zone), runs
}

// ResumeReminders goes on with the reminders of an invoice after a promise to pay
// it was not kept. The time until then counts for nobody.
func (f *File) ResumeReminders() error {
	f.record(EventInvoiceResumed, "", facts{"invoice": f.Invoice().Number(), "balance": f.Invoice().Balance().String()})
	return f.clockEntry(PolicyInvoice, ClockEntry{Kind: ClockResumed})
}

// brokenBy reports whether the latest promise is the one that an event says was
// broken, and the reminders still wait for it.
func (f *File) brokenBy(cause Event) bool {
	i := f.cycle(PolicyPromise)
	return i >= 0 && f.Clocks[i].Phase() == PhaseRunning && strconv.Itoa(f.Clocks[i].Cycle) == cause.Facts["cycle"] &&
		invoiceIn(StateSent)(f) && f.phase(PolicyInvoice) == PhasePaused
}

// reminds reports whether a reminder is still to be sent: its cycle runs and is
// not held by a promise, its level is due by what is known now, and no later
// reminder is. So of several that come due together only the last leaves, and two
// that end with a day never leave on the same one.
func (f *File) reminds(cause Event) bool {
	i := f.cycle(PolicyInvoice)
	if i < 0 || strconv.Itoa(f.Clocks[i].Cycle) != cause.Facts["cycle"] {
		return false
	}
	c := f.Clocks[i]
	level := c.level(cause.Facts["level"])
	if level < 0 || !f.levelDue(c, level) {
		return false
	}
	for later := level + 1; later < len(c.Policy.Levels); later++ {
		if c.Policy.Levels[later].Raises == EventInvoiceReminder && f.levelDue(c, later) {
			return false
		}
	}
	return true
}

// levelDue reports whether a level of a clock that runs is due.
func (f *File) levelDue(c Clock, level int) bool {
	due, runs := c.LevelDue(f.Programme.Calendars[c.Calendar], c.Policy.Levels[level])
	return runs && !due.After(f.now)
}

// Reminder returns which reminder of its cycle an event raised, 1 for the first,
// and how many there are; 0 when it raised none.
func (f *File) Reminder(cause Event) (int, int) {
	i := f.cycle(PolicyInvoice)
	if i < 0 {
		return 0, 0
	}
	nth, all := 0, 0
	for _, level := range f.Clocks[i].Policy.Levels {
		if level.Raises != EventInvoiceReminder {
			continue
		}
		all++
		if level.Name == cause.Facts["level"] {
			nth = all
		}
	}
	return nth, all
}

// InvoiceDue returns the last day on which the case's invoice is paid in time, in
// the company's zone: as its clock has it, or as it would if it began now. False
// when the edition sets no term, and while a promise holds the clock.
func (f *File) InvoiceDue() (Date, bool) {
	i := f.cycle(PolicyInvoice)
	clock := Clock{}
	if i >= 0 && f.Clocks[i].Phase() != PhaseFinished {
		clock = f.Clocks[i]
	} else {
		policy, ok := f.Edition.Policy(PolicyInvoice)
		if !ok {
			return Date{}, false
		}
		clock = Clock{Policy: policy, Calendar: f.calendarOf(policy.Party), Entries: []ClockEntry{{Kind: ClockStarted, At: f.Now(), Recorded: f.now}}}
	}
	cal := f.Programme.Calendars[clock.Calendar]
	due, runs := clock.Due(cal)
	return DateOf(due.Add(-time.Microsecond), cal.Zone), runs
}
