package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secordesk/store/secor"
)

// invoiced is an office with an audit of 2026 whose invoice has left.
func invoiced(t *testing.T) (*office, string) {
	t.Helper()
	o := newOffice(t)
	o.says("case approve 1")
	opened := o.open()
	id, err := opened.AddAudit(t.Context(), o.act("audit"), 1, "ab-pir",
		secor.Audit{Purpose: secor.PurposeCertification, FeeYear: 2026, Headcount: 8, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	o.must(err)
	o.says(fmt.Sprintf("case invoice %d", id))
	o.must(opened.UpdateCase(t.Context(), id, o.act("sent"), func(f *secor.File, _ time.Time) error { return f.Accepted(secor.JobInvoice, "company:1") }))
	return o, fmt.Sprint(id)
}

func TestCompany_Statement(t *testing.T) {
	o, at := invoiced(t)
	o.says("company statement 1", `^Account of Kowalski Electric Ltd\. \(company 1\) on 2026-03-25: \$630\.00 owed\.$`,
		`^2026-03-25 +2026-1-A +invoice +\$630\.00 +\$630\.00$`, `to 30 \$630\.00, to 60 \$0\.00`)
	o.now = o.now.AddDate(0, 0, 1)
	o.says("case pay "+at+" --amount 700 --method card --reference 77", "is registration review")
	o.says("case show "+at, `credit of \$70\.00: give it back`, `\$30\.00 of it GST`)
	o.says(`case refund `+at+` --method cheque --reference R-1 --reason "paid too much"`, "Promised: |is registration review")
	o.says("company statement --case "+at, `^2026-03-26 +2026-1-A +payment, card +77 +-\$700\.00 +-\$70\.00$`, `^2026-03-26 +2026-1-A +refund, cheque +R-1 +\$70\.00 +\$0\.00$`)
	var shown statementJSON
	o.must(json.Unmarshal([]byte(o.says("company statement 1 --json")), &shown))
	if shown.Balance != "0.00" || len(shown.Lines) != 3 || shown.Lines[1].Amount != "-700.00" || shown.Lines[2].Kind != secor.LineRefund {
		t.Errorf("company statement --json = %+v", shown)
	}
	var one caseJSON
	o.must(json.Unmarshal([]byte(o.says("case show "+at+" --json")), &one))
	if one.Invoice.Taxes[0] != (taxJSON{"GST", 500, "30.00"}) || len(one.Invoice.Payments) != 2 || !one.Invoice.Payments[1].Refund || one.Invoice.Credit != "0.00" {
		t.Errorf("case show --json = %+v", one.Invoice)
	}
	o.says("case statement "+at, "Promised: invoice:statement to company:1")
	o.refuses("company statement", "is needed")
	o.refuses("company statement 1 --case "+at, "not both")
	o.refuses("company statement 99", "there is no company 99")
	o.says("verify", "^sound: ")
}

func TestCase_PromiseToPay(t *testing.T) {
	o, at := invoiced(t)
	promise := "case promise-to-pay " + at + ` --pays-on %s --reason "cheque in the post"`
	o.refuses(fmt.Sprintf(promise, "2026-03-24"), "pays-on: .*is in the past")
	o.refuses(fmt.Sprintf(promise, "2026-04-25"), "too far ahead; a promise can be until 2026-04-24")
	o.refuses(fmt.Sprintf("case promise-to-pay %s --pays-on 2026-04-01", at), "wants a reason")
	o.says(fmt.Sprintf(promise, "2026-04-10"), "is awaiting payment")
	o.says("case show "+at, `promised for 2026-04-10; reminders wait until then`, `^Paused +Payment of an invoice: the company's time`)
	o.says("case history "+at, "payment.promised, by Ana Roy", "cheque in the post")
	var shown caseJSON
	o.must(json.Unmarshal([]byte(o.says("case show "+at+" --json")), &shown))
	if shown.Invoice.PromisedOn != "2026-04-10" {
		t.Errorf("case show --json: promised on %q", shown.Invoice.PromisedOn)
	}
	o.says("verify", "^sound: ")
}

// TestImport_Money takes in what a bank's list of a month holds.
func TestImport_Money(t *testing.T) {
	o, at := invoiced(t)
	o.now = o.now.AddDate(0, 0, 6) // 31 March
	head := "body,account,fee_year,amount,method,reference,received_on,entry,reason"
	file := func(lines ...string) string {
		path := filepath.Join(t.TempDir(), "payments.csv")
		o.must(os.WriteFile(path, []byte(strings.Join(append([]string{head}, lines...), "\n")+"\n"), 0o600))
		return path
	}
	in := func(lines ...string) string { return "import " + file(lines...) + " --as ana.roy@example.com" }
	wrong := func(pattern string, lines ...string) {
		t.Helper()
		status, out, errOut := o.run(in(lines...))
		if status == statusDone || !strings.Contains(out+errOut, pattern) {
			t.Errorf("%q: status %d, %s%s; want %q", lines, status, out, errOut, pattern)
		}
	}
	o.says(in("ab-pir,1234567,2026,300,cheque,0042,2026-03-26,,", "ab-pir,1234567,2026,400,eft,E-1,2026-03-27,payment,"))
	o.says("case show "+at, `^Invoice +2026-1-A, paid: .*\$700\.00 paid, -\$70\.00 owed`)
	wrong(`"0042" is recorded on this invoice already`, "ab-pir,1234567,2026,300,cheque,0042,2026-03-28,,")
	wrong("is not the $300.00 of payment 0042", "ab-pir,1234567,2026,30,cheque,0042,2026-03-30,reversal,no cover")
	wrong("is no standing payment", "ab-pir,1234567,2026,30,cheque,0099,2026-03-30,reversal,no cover")
	wrong("is more than the credit of $70.00", "ab-pir,1234567,2026,71,cheque,R-1,2026-03-30,refund,too much")
	o.says(in("ab-pir,1234567,2026,70,cheque,R-1,2026-03-30,refund,too much", "ab-pir,1234567,2026,300,cheque,0042,2026-03-30,reversal,no cover"))
	o.says("case show "+at, `^Invoice +2026-1-A, sent: .*\$330\.00 paid, \$300\.00 owed`, `reversed 2026-03-31`)
	o.says(in("ab-pir,1234567,2026,300,cheque,0042,2026-03-31,,"))
	o.says("case show "+at, `^Invoice +2026-1-A, paid: .*\$0\.00 owed`)
	o.says("verify", "^sound: ")
	t.Run("of a void invoice", func(t *testing.T) {
		o, at = invoiced(t)
		o.says("case void-invoice " + at + ` --reason "wrong class"`)
		wrong("invoice 2026-1-A is void; draw it up again (invoice)", "ab-pir,1234567,2026,630,cheque,0042,2026-03-25,,")
		o.says("case lapse " + at + ` --reason "year ended"`)
		wrong("is void; reopen the audit", "ab-pir,1234567,2026,630,cheque,0042,2026-03-25,,")
	})
}
