package jobs

import (
	"errors"

	"secordesk/store/secor"
)

// invoiceKinds is invoice follow-up: check a registration before anything is
// charged, draw up and send the invoice, remind once. Whether the reminder is
// still true is decided when it is sent; consequences are a person's.
func invoiceKinds() []Kind {
	return []Kind{
		work(secor.JobCheckRegistration, checkRegistration),
		write(secor.JobInvoice, "invoice"),
		write(secor.JobInvoiceReminder, "invoice_reminder"),
	}
}

// checkRegistration invoices a registration that is in order. What is not in
// order is written down for a lead, and the registration waits.
func checkRegistration(_ *Desk, f *secor.File, _ secor.Event) error {
	err := take(f, "invoice")
	if errors.Is(err, secor.ErrGuard) {
		f.AskRegistration(err)
		return nil
	}
	return err
}
