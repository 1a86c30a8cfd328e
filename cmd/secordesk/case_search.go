package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"secordesk/store"
	"secordesk/store/secor"
)

// caseSearchCmd is "secordesk case search".
type caseSearchCmd struct {
	Text string `arg:"" help:"Words of a name, an e-mail address, or the number of an account, a certificate or a case."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Help returns the examples.
func (caseSearchCmd) Help() string {
	return `All words must be found, in any order; accents, capital letters, punctuation and legal endings do not matter. An account is found in any writing, also without the zeros at its front. What is surest comes first, then companies with an open case. Where nothing is found, names that are one slip of the keyboard away are shown.

Examples:

	secordesk case search "belanger ltee"
	secordesk case search 345-6789
	secordesk case search office@kowalski.example --json`
}

// searchLimit is how many companies a search shows; a person narrows it down.
const searchLimit = 20

type companyJSON struct {
	Company int64           `json:"company"`
	Name    string          `json:"name"`
	Trade   string          `json:"trade_name,omitempty"`
	Why     store.SearchWhy `json:"why"`
	Matched string          `json:"matched"`
	Near    bool            `json:"near"` // not what was asked for, but one slip away
	Cases   []caseLineJSON  `json:"cases"`
}

// Run finds companies and lists their cases, the open ones first.
func (c *caseSearchCmd) Run(ctx context.Context, t *terminal) error {
	cases, err := t.openDesk(ctx)
	if err != nil {
		return err
	}
	defer cases.Close()
	hits, err := cases.Search(ctx, c.Text, searchLimit+1)
	if err != nil {
		return plain(err)
	}
	near := len(hits) == 0
	if near {
		hits, err = cases.SearchNear(ctx, c.Text, searchLimit+1)
	}
	if err != nil {
		return err
	}
	found := []companyJSON{}
	for _, h := range hits[:min(len(hits), searchLimit)] {
		lines, err := cases.CasesOf(ctx, h.Company.ID)
		if err != nil {
			return err
		}
		slices.SortStableFunc(lines, func(a, b store.CaseLine) int { return closedLast(a) - closedLast(b) })
		found = append(found, companyJSON{h.Company.ID, h.Company.LegalName, h.Company.TradeName, h.Why, h.What, near, newCaseLinesJSON(lines, t.now())})
	}
	if c.JSON {
		return writeJSON(t.out, found)
	}
	return writeCompanies(t, found, near, len(hits) > searchLimit)
}

func closedLast(c store.CaseLine) int {
	if secor.Next(c.Kind, c.State) == "" {
		return 1
	}
	return 0
}

func writeCompanies(t *terminal, found []companyJSON, near, more bool) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(t.out, "no such company")
		return err
	}
	if near {
		fmt.Fprintln(t.out, "No such company. Did you mean:")
	}
	out := &table{heads: []string{"Company", "Name", "Case", "Kind", "State", "Found by"}, right: []int{0, 2}}
	for _, company := range found {
		id, name, why := strconv.FormatInt(company.Company, 10), company.Name, string(company.Why)
		if company.Trade != "" {
			name += " (" + company.Trade + ")"
		}
		if company.Matched != "" && company.Matched != company.Name && company.Matched != company.Trade {
			why += " " + company.Matched
		}
		for _, c := range company.Cases {
			out.add(id, name, strconv.FormatInt(int64(c.Case), 10), string(c.Kind), c.State.Words(), why)
			why = ""
		}
		if len(company.Cases) == 0 {
			out.add(id, name, "", "no case", "", why)
		}
	}
	err := out.write(t.out)
	if err == nil && more {
		_, err = fmt.Fprintf(t.out, "There are more than %d companies; give more of the name.\n", searchLimit)
	}
	return err
}
