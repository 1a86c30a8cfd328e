package jobs

import (
	"fmt"
	"strings"

	"secordesk/store/secor"
)

// accountTable shows every line of a company's account, with what is owed after it.
func accountTable(page letterPage) string {
	var b strings.Builder
	for _, line := range page.File.Statement().Lines {
		fmt.Fprintf(&b, "    %s\t%s\t%s\t%s\n", line.On, accountText(line, page.Lang), page.Lang.Money(line.Amount), page.Lang.Money(line.Balance))
	}
	return b.String()
}

// accountText says what a line of an account is.
func accountText(l secor.StatementLine, lang secor.Language) string {
	if lang == secor.French {
		switch l.Kind {
		case secor.LineInvoice:
			return "Facture " + l.Invoice
		case secor.LineVoided:
			return "Facture " + l.Invoice + ", annulée"
		case secor.LineRefund:
			return "Remboursement " + l.Reference
		case secor.LineReversal:
			return "Paiement " + l.Reference + ", repris"
		default:
			return "Paiement " + l.Reference + " (" + map[string]string{"cheque": "chèque", "eft": "virement", "card": "carte"}[l.Method] + ")"
		}
	}
	switch l.Kind {
	case secor.LineInvoice:
		return "Invoice " + l.Invoice
	case secor.LineVoided:
		return "Invoice " + l.Invoice + ", void"
	case secor.LineRefund:
		return "Refund " + l.Reference
	case secor.LineReversal:
		return "Payment " + l.Reference + ", taken back"
	default:
		return "Payment " + l.Reference + " (" + map[string]string{"cheque": "cheque", "eft": "bank transfer", "card": "card"}[l.Method] + ")"
	}
}

// ageingTable shows how old what is owed is; "" when nothing is.
func ageingTable(page letterPage) string {
	ages := []string{"up to 30 days", "31 to 60 days", "61 to 90 days", "over 90 days"}
	if page.Lang == secor.French {
		ages = []string{"jusqu’à 30 jours", "de 31 à 60 jours", "de 61 à 90 jours", "plus de 90 jours"}
	}
	var b strings.Builder
	for i, owed := range page.File.Statement().Ageing {
		if owed > 0 {
			fmt.Fprintf(&b, "    %s\t%s\n", ages[i], page.Lang.Money(owed))
		}
	}
	return b.String()
}
