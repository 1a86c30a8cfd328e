package store

import (
	"errors"
	"fmt"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"secordesk/store/secor"
)

func refuse(kind error, do, format string, args ...any) error {
	return &secor.Refusal{Kind: kind, Text: fmt.Sprintf(format, args...), Do: do}
}

// ErrNearName refuses a company whose name only looks like that of another one;
// AddNamesake takes it.
var ErrNearName = fmt.Errorf("%w: nearly the name of another company", secor.ErrField)

// refusals are the constraints that two people can run into without any mistake
// of the program: what each means to a person. Any other violation is a fault.
var refusals = map[string]secor.Refusal{
	"cases_one_undecided_request": {Kind: secor.ErrIllegalMove,
		Text: "the company has another request with this governing body that is not decided", Do: "decide or withdraw that one first"},
	"registrations_account_is_one_companys": {Kind: secor.ErrField,
		Text: "the account number belongs to another company", Do: "look the number up and correct one of the two"},
	"payments_reversed_after_received": {Kind: secor.ErrField,
		Text: "the payment was received after the day on which it is said to have bounced", Do: "correct the date"},
	"mail_envelopes_one_open": {Kind: secor.ErrIllegalMove,
		Text: "a certificate is in another print batch that waits to be mailed", Do: "say that one to be mailed, or cancel it, and make the batch again"},
	"certificates_number_is_given_once": {Kind: secor.ErrField,
		Text: "the number is that of another certificate already", Do: "look the number up and correct it"},
	"certificates_mailed_after_issue": {Kind: secor.ErrField,
		Text: "the certificate was issued after the day on which it is said to have been mailed", Do: "correct the date"},
}

// asRefusal returns what a violated constraint means to a person, and err itself
// where it is a fault.
func asRefusal(err error) error {
	var e *pq.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Code == pqerror.DatetimeFieldOverflow {
		return refuse(secor.ErrField, "write it as 2026-03-25", "a date is of no year that the desk can keep")
	}
	refusal, known := refusals[e.Constraint]
	if !known {
		return err
	}
	return &refusal
}

// fault says what was being done when a fault came up. A refusal stays as it is:
// it is a sentence for a person already, and no error stays none.
func fault(err error, doing string, args ...any) error {
	if err == nil || errors.Is(err, secor.ErrRefused) {
		return err
	}
	return fmt.Errorf(doing+": %w", append(args, err)...)
}
