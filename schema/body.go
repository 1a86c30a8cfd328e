package schema

import (
	"cmp"
	"regexp"
	"slices"

	"secordesk/store/secor"
)

// bodyFile is a file of schema/bodies.
type bodyFile struct {
	Schema string `json:"$schema"`
	ID     string `json:"id"`
	origin
	Name          sourced[string]      `json:"name"`
	Programme     sourced[string]      `json:"programme"`
	Province      sourced[string]      `json:"province"`
	Email         sourced[string]      `json:"email"`
	AccountLabel  sourced[string]      `json:"account_label"`
	AccountDigits sourced[list[int]]   `json:"account_digits"`
	Printer       sourced[secor.Maker] `json:"printer"`
	Numberer      sourced[secor.Maker] `json:"numberer"`
	CoSigned      sourced[yesNo]       `json:"co_signed"`
	Paper         sourced[yesNo]       `json:"paper"`

	Request       sourced[secor.Asking]             `json:"request"`
	BatchColumns  *sourced[list[secor.BatchColumn]] `json:"batch_columns"` // of a batch
	IssueDay      sourced[secor.IssueDay]           `json:"issue_date"`
	NumberFormat  sourced[string]                   `json:"number_format"`
	NumberExample string                            `json:"number_example"`
	NumberSeries  *sourced[string]                  `json:"number_series"` // of a body that leaves numbering to the partner
	Registry      sourced[string]                   `json:"registry"`
}

func (f *bodyFile) into(r *reading, p *secor.Programme) {
	r.named("/id", f.ID)
	r.heading = "Governing body " + f.ID + ": " + f.Name.Value
	r.list("/id", "Id", f.ID, f.origin)
	r.own(0)
	p.Bodies[f.ID] = &secor.Body{
		ID:            f.ID,
		Name:          take(r, "/name", "Name", "%s", f.Name),
		Programme:     take(r, "/programme", "Its name for the programme", "%s", f.Programme),
		Province:      take(r, "/province", "Province", "%s", f.Province),
		Email:         take(r, "/email", "Certificate requests go to", "%s", f.Email),
		AccountLabel:  take(r, "/account_label", "A company's account is its", "%s", f.AccountLabel),
		AccountDigits: take(r, "/account_digits", "Account number, digits", "%v", f.AccountDigits),
		Printer:       take(r, "/printer", "Makes the certificate", "%s", f.Printer),
		Numberer:      take(r, "/numberer", "Sets number and dates", "%s", f.Numberer),
		CoSigned:      bool(take(r, "/co_signed", "The partner signs too", "%v", f.CoSigned)),
		Paper:         bool(take(r, "/paper", "Issued on paper", "%v", f.Paper)),
		Request:       take(r, "/request", "Is asked for certificates by", "%s", f.Request),
		IssueDay:      take(r, "/issue_date", "Day of issue is the", "%s", f.IssueDay),
		NumberFormat:  orUnknown(r, "/number_format", "Its numbers look like", f.NumberFormat),
		NumberExample: f.NumberExample,
		Registry:      orUnknown(r, "/registry", "Numbers are checked at", f.Registry),
	}
	f.batch(r, p.Bodies[f.ID])
	f.numbers(r, p.Bodies[f.ID])
}

// orUnknown lists a text that may be empty and returns it.
func orUnknown(r *reading, pointer, title string, leaf sourced[string]) string {
	r.list(pointer, title, cmp.Or(leaf.Value, "unknown"), leaf.origin)
	return leaf.Value
}

// batch holds that who wants a file says what stands in it.
func (f *bodyFile) batch(r *reading, b *secor.Body) {
	switch {
	case f.BatchColumns != nil:
		b.BatchColumns = take(r, "/batch_columns", "Columns of its batch", "%v", *f.BatchColumns)
	case b.Request == secor.AskingBatch:
		r.complain("/request/value", "a body that wants a batch needs \"batch_columns\"")
	}
	if len(b.BatchColumns) > 0 && !slices.Contains(b.BatchColumns, secor.ColumnCase) {
		r.complain("/batch_columns/value", "they need %q, by which the body answers", secor.ColumnCase)
	}
}

// numbers holds that formats can be read, and that who leaves numbering to the
// partner has a series.
func (f *bodyFile) numbers(r *reading, b *secor.Body) {
	format, err := regexp.Compile(b.NumberFormat)
	switch {
	case err != nil:
		r.complain("/number_format/value", "is not a regular expression: %v", err)
	case f.NumberExample != "" && !format.MatchString(f.NumberExample):
		r.complain("/number_example", "%q is not of the number_format", f.NumberExample)
	}
	if f.NumberSeries != nil {
		b.NumberSeries = take(r, "/number_series", "Series of its numbers", "%s", *f.NumberSeries)
		_, err = secor.ParseSeries(b.NumberSeries)
		if err != nil {
			r.complain("/number_series/value", "%v", err)
		}
	}
	if (b.Numberer == secor.MakerPartner) != (b.NumberSeries != "") {
		r.complain("/numberer/value", "a body needs \"number_series\" where the partner sets numbers, and only there")
	}
}
