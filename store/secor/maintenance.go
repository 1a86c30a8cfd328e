package secor

import "time"

// Window is a time in which the sites that companies use are down. Letters name it in
// the time of a province.
type Window struct {
	From, To time.Time
	Province string // whose calendar's zone letters use
}

// AnnounceMaintenance records that the company is told of a window, when it has
// something to do now. Refused are a window that ends before it begins or that is
// over, a province without a calendar, no reason, a company that nothing is asked of,
// and everybody but a lead or administrator.
func (f *File) AnnounceMaintenance(w Window) error {
	err := Step{Label: "Announce Maintenance", Who: leads}.allow(f)
	if err != nil {
		return err
	}
	switch {
	case f.Programme.Calendars[w.Province] == nil:
		return &FieldError{Field: "zone", Value: w.Province, Problem: "is not the zone of a calendar of this desk"}
	case !w.To.After(w.From):
		return &FieldError{Field: "to", Value: stamp(w.To), Problem: "is not after the beginning"}
	case !w.To.After(f.Now()):
		return &FieldError{Field: "to", Value: stamp(w.To), Problem: "is over; nobody has to be told any more"}
	case f.act.Reason == "":
		return refuse(ErrField, "say in a sentence what is down", "an announcement wants a reason")
	case !f.companyActs():
		return refuse(ErrIllegalMove, "", "nothing is asked of the company now: %s", f.standing())
	}
	f.record(EventMaintenance, f.act.Reason, facts{"from": w.From.UTC().Format(time.RFC3339), "to": w.To.UTC().Format(time.RFC3339), "province": w.Province})
	return nil
}

// companyActs reports whether the company has something to do now.
func (f *File) companyActs() bool { return Next(f.Case.Kind, f.Case.State) == PartyCompany }

// WindowOf returns the window that an event announced, in the zone in which it was.
func (f *File) WindowOf(e Event) Window {
	w := Window{Province: e.Facts["province"]}
	w.From, _ = time.Parse(time.RFC3339, e.Facts["from"]) // as AnnounceMaintenance wrote them
	w.To, _ = time.Parse(time.RFC3339, e.Facts["to"])
	if calendar := f.Programme.Calendars[w.Province]; calendar != nil {
		w.From, w.To = w.From.In(calendar.Zone), w.To.In(calendar.Zone)
	}
	return w
}
