package main

import (
	"context"
	"fmt"

	"secordesk/store/secor"
)

// companyCmd is "secordesk company".
type companyCmd struct {
	Statement companyStatementCmd `cmd:"" help:"Print a company's account: every invoice and payment of all years."`
}

// Help returns the examples.
func (companyCmd) Help() string {
	return "Examples:\n\n\tsecordesk company statement 12\n\tsecordesk company statement --case 14 --json"
}

// companyStatementCmd is "secordesk company statement".
type companyStatementCmd struct {
	Company int64        `arg:"" optional:"" help:"Number of the company: the middle of its invoices' numbers, and \"company\" in case show --json."`
	Case    secor.CaseID `placeholder:"N" help:"The company of this case."`
	JSON    bool         `name:"json" help:"Print JSON: amounts are exact decimals, what lowers the account is negative."`
}

// Help returns the examples.
func (companyStatementCmd) Help() string {
	return `To send it to the company, take the step: secordesk case statement 14

Examples:

	secordesk company statement 12
	secordesk company statement --case 14 --json`
}

// Run prints the account as of today.
func (c *companyStatementCmd) Run(ctx context.Context, t *terminal) error {
	if (c.Company == 0) == (c.Case == 0) {
		return &secor.FieldError{Field: "company", Problem: "is needed: its number, or --case with the number of one of its cases, not both"}
	}
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	if c.Case != 0 {
		f, err := cases.File(ctx, c.Case)
		if err != nil {
			return plain(err)
		}
		c.Company = f.Company.ID
	}
	company, statement, err := cases.Statement(ctx, c.Company)
	if err != nil {
		return plain(err)
	}
	if c.JSON {
		return writeJSON(t.out, newStatementJSON(company, statement))
	}
	return writeStatement(t, company, statement)
}

func writeStatement(t *terminal, company secor.Company, s secor.Statement) error {
	fmt.Fprintf(t.out, "Account of %s (company %d) on %s: %s owed.\n\n", company.LegalName, company.ID, s.On, s.Balance)
	if len(s.Lines) == 0 {
		_, err := fmt.Fprintln(t.out, "The company was asked for nothing yet.")
		return err
	}
	lines := &table{heads: []string{"DAY", "INVOICE", "WHAT", "REFERENCE", "AMOUNT", "OWED"}, right: []int{4, 5}}
	for _, l := range s.Lines {
		what := string(l.Kind)
		if l.Method != "" {
			what += ", " + l.Method
		}
		lines.add(l.On.String(), l.Invoice, what, l.Reference, l.Amount.String(), l.Balance.String())
	}
	err := lines.write(t.out)
	if err != nil || len(s.Open) == 0 {
		return err
	}
	fmt.Fprintf(t.out, "\nOpen by days since the invoice was sent: to 30 %s, to 60 %s, to 90 %s, more %s.\n", s.Ageing[0], s.Ageing[1], s.Ageing[2], s.Ageing[3])
	if s.Credit > 0 {
		fmt.Fprintf(t.out, "Of another invoice there is a credit of %s.\n", s.Credit)
	}
	return nil
}

type statementJSON struct {
	Company int64               `json:"company"`
	Name    string              `json:"name"`
	On      string              `json:"on"`
	Balance string              `json:"balance"`
	Credit  string              `json:"credit"`
	Lines   []statementLineJSON `json:"lines"`
	Open    []openInvoiceJSON   `json:"open"`
	Ageing  map[string]string   `json:"ageing"`
}

type statementLineJSON struct {
	On        string              `json:"on"`
	Kind      secor.StatementKind `json:"kind"`
	Invoice   string              `json:"invoice"`
	Reference string              `json:"reference,omitempty"`
	Method    string              `json:"method,omitempty"`
	Amount    string              `json:"amount"`
	Balance   string              `json:"balance"`
}

type openInvoiceJSON struct {
	Invoice string `json:"invoice"`
	SentOn  string `json:"sent_on"`
	Days    int    `json:"days"`
	Owed    string `json:"owed"`
}

func newStatementJSON(company secor.Company, s secor.Statement) statementJSON {
	out := statementJSON{Company: company.ID, Name: company.LegalName, On: s.On.String(), Balance: decimal(s.Balance), Credit: decimal(s.Credit),
		Lines: []statementLineJSON{}, Open: []openInvoiceJSON{},
		Ageing: map[string]string{"to_30": decimal(s.Ageing[0]), "to_60": decimal(s.Ageing[1]), "to_90": decimal(s.Ageing[2]), "more": decimal(s.Ageing[3])}}
	for _, l := range s.Lines {
		out.Lines = append(out.Lines, statementLineJSON{l.On.String(), l.Kind, l.Invoice, l.Reference, l.Method, decimal(l.Amount), decimal(l.Balance)})
	}
	for _, o := range s.Open {
		out.Open = append(out.Open, openInvoiceJSON{o.Number, o.SentOn.String(), o.Days, decimal(o.Owed)})
	}
	return out
}
