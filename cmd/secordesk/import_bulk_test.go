package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/store/secor"
)

// mixedCompanies are lines of every sort: new, known and the same, known and changed,
// of another's account, near another's name, broken, twice.
func mixedCompanies(seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 1))
	rows := []string{"legal_name,province,body,account,contact,email,member,good_standing"}
	for range 60 {
		n := r.IntN(40)
		name := []string{"Company %d Ltd.", "Company %d Inc.", "COMPANY %d", "Company %d", "Company %d Co.", "Company %d", "Société %d", "=Company %d"}[r.IntN(8)]
		body := []string{"ab-pir", "sk-wcb", "zz"}[max(0, r.IntN(14)-11)]
		province := []string{"AB", "SK", "ON"}[max(0, r.IntN(14)-11)]
		rows = append(rows, fmt.Sprintf(name+",%s,%s,%07d,%s,office%d@number.example,%s,%s", n, province, body, n+max(0, r.IntN(10)-8)*7, []string{"", "Zoë"}[max(0, r.IntN(6)-4)], n,
			[]string{"true", "false", "maybe"}[max(0, r.IntN(14)-11)], []string{"", "true", "false"}[max(0, r.IntN(8)-5)]))
	}
	return rows
}

// TestImport_BulkIsOneByOne holds that lines taken in together come to the same as
// lines taken in one after the other: what is said, counted and stored.
func TestImport_BulkIsOneByOne(t *testing.T) {
	said, state := map[string]string{}, map[string]map[string]int{}
	for _, way := range []string{"together", "one by one"} {
		t.Run(way, func(t *testing.T) { said[way], state[way] = importMixed(t, way == "one by one") })
	}
	if diff := cmp.Diff(said["one by one"], said["together"]); diff != "" {
		t.Errorf("together (+) and one by one (-) differ:\n%s", diff)
	}
	if diff := cmp.Diff(state["one by one"], state["together"]); diff != "" {
		t.Errorf("stored together (+) and one by one (-):\n%s", diff)
	}
}

func importMixed(t *testing.T, single bool) (string, map[string]int) {
	d := newImportDesk(t)
	d.imports(importOptions{}, d.file("companies.csv", companiesOnFile...))
	var said strings.Builder
	var sum kindSummary
	for seed := range uint64(4) {
		path := d.file("companies.csv", mixedCompanies(seed)...)
		var out strings.Builder
		im := newImporter(d.Store, d.programme, importOptions{Files: []string{path}, DryRun: seed == 2, Now: func() time.Time { return d.now }})
		for _, k := range im.kinds {
			if single {
				k.bulk = nil
			}
		}
		summary, err := im.importFiles(t.Context(), &out)
		if !errors.Is(err, secor.ErrRefused) {
			t.Fatalf("seed %d: %v, want a refusal of some lines", seed, err)
		}
		one := summary.total()
		sum.Added, sum.Changed, sum.Unchanged = sum.Added+one.Added, sum.Changed+one.Changed, sum.Unchanged+one.Unchanged
		fmt.Fprintf(&said, "%s%+v\n", strings.ReplaceAll(out.String(), filepath.Dir(path), ""), one)
	}
	if sum.Added == 0 || sum.Changed == 0 || sum.Unchanged == 0 {
		t.Errorf("%+v; want lines of every sort", sum)
	}
	report, err := d.Verify(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("verify: %v, %v", err, report.Problems)
	}
	return said.String(), d.state()
}

// TestImport_PaymentsAtOnce holds the same for payments: several of one audit keep
// their order, and the same file again changes nothing.
func TestImport_PaymentsAtOnce(t *testing.T) {
	d := newFullDesk(t)
	rows := []string{"body,account,fee_year,amount,method,reference,received_on"}
	d.imports(importOptions{As: "chloe.martin@desk.example"}, d.file("audit-registrations.csv", "body,account,purpose,fee_year,headcount,policies_months,records_months,registered_at",
		"ab-pir,4567890,certification,2026,5,12,12,2026-03-20T09:00"))
	d.steps("4567890", secor.SubjectAudit, "invoice", nil)
	for _, amount := range []string{"20.00", "30.00", "0.01", "100.00", "7.49"} {
		rows = append(rows, fmt.Sprintf("ab-pir,4567890,2026,%s,eft,EFT-%s,2026-03-25", amount, amount))
	}
	path := d.file("payments.csv", append(rows, "ab-pir,5678901,2026,5.00,eft,EFT-9,2026-03-25", "ab-pir,4567890,2026,5.00,eft,EFT-10,2026-03-25")...)
	got, said, err := d.run(importOptions{As: "chloe.martin@desk.example"}, path)
	if !errors.Is(err, secor.ErrRefused) || got.Added != 6 || got.Refused != 1 || !strings.Contains(said, "payments.csv:7: fee_year") {
		t.Fatalf("payments: %+v\n%s", got, said)
	}
	f := d.caseOf("4567890", secor.SubjectAudit)
	var order []string
	for _, p := range f.Invoice().Payments {
		order = append(order, p.Reference)
	}
	if want := "EFT-20.00 EFT-30.00 EFT-0.01 EFT-100.00 EFT-7.49 EFT-10"; strings.Join(order, " ") != want || f.Invoice().State != secor.StatePaid {
		t.Errorf("recorded in the order %v (%s), want %s", order, f.Invoice().State, want)
	}
	got, _, _ = d.run(importOptions{As: "chloe.martin@desk.example"}, path)
	if got.Unchanged != 6 || got.Refused != 1 {
		t.Errorf("again: %+v, want 6 unchanged", got)
	}
}
