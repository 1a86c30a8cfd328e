package schema

import "secordesk/store/secor"

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
	}
}
