package schema

import (
	"strconv"

	"secordesk/store/secor"
)

// signatoryFile is a file of schema/signatories.
type signatoryFile struct {
	Schema string `json:"$schema"`
	ID     string `json:"id"`
	origin
	Signatories []struct {
		origin
		Name  string `json:"name"`
		Title string `json:"title"`
		From  date   `json:"from"`
		To    date   `json:"to"`
	} `json:"signatories"`
}

func (f *signatoryFile) into(r *reading, p *secor.Programme) {
	r.named("/id", f.ID)
	r.heading = "Signatories of " + f.ID
	for i, s := range f.Signatories {
		span := secor.Span{From: secor.Date(s.From), To: secor.Date(s.To)}
		days := "from " + s.From.String()
		if !span.To.IsZero() {
			days += " to " + s.To.String()
		}
		pointer := "/signatories/" + strconv.Itoa(i)
		if !span.To.IsZero() && span.To.Before(span.From) {
			r.complain(pointer+"/to", "%v is before the first day", s.To)
		}
		r.list(pointer, s.Name, s.Title+", "+days, s.origin)
		p.Signatories[f.ID] = append(p.Signatories[f.ID], secor.Signatory{Name: s.Name, Title: s.Title, Span: span})
	}
	r.own(0)
}
