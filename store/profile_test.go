package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// other puts a company of British Columbia on file.
func (d *desk) other(name, account string) int64 {
	d.t.Helper()
	c := roofing(1)
	c.LegalName, c.Province, c.Address.Province = name, "BC", "BC"
	id, _, err := d.AddCompany(d.t.Context(), d.deskAct(), c, []secor.Registration{{Body: "bc-worksafebc", Account: account, GoodStanding: true}})
	d.ok(err)
	return id
}

// TestFile_FindsProfiles: of all companies on file a request is compared with those
// that may be its own, whatever their body, and what was found is kept.
func TestFile_FindsProfiles(t *testing.T) {
	d := newDesk(t)
	named := func(name, account string) int64 {
		c := roofing(1)
		c.LegalName, c.ProfileSince = name, secor.Date{}
		id, _, err := d.AddCompany(d.t.Context(), d.deskAct(), c, []secor.Registration{{Body: "ab-pir", Account: account, GoodStanding: true}})
		d.ok(err)
		return id
	}
	asks := named("Kowalski Trenching Ltd.", "1234567")
	swapped := named("Kowalksi Trenching Inc.", "1111111")
	longer := d.other("Kowalski Trenching & Hydrovac Services Ltd.", "200000001")
	same := d.other("KOWALSKI TRENCHING", "200000002")
	d.other("Kowalski Welding Ltd.", "200000003")
	last := named("Towalski Trenching Ltd.", "1111112")
	id := d.request(asks)
	d.ok(d.UpdateCase(t.Context(), id, d.deskAct(), func(f *secor.File, _ time.Time) error { f.FindProfiles(); return nil }))
	want := []secor.Profile{{CompanyID: same, Why: secor.SameName}, {CompanyID: swapped, Why: secor.NearlySame},
		{CompanyID: longer, Why: secor.NearlySame}, {CompanyID: last, Why: secor.NearlySame}}
	d.take(id, d.reviewer[0], "take", nil)
	f := d.file(id)
	if diff := cmp.Diff(want, f.Request.Profiles); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if f.OtherName(same) != "KOWALSKI TRENCHING" || len(f.Others) != len(want) {
		t.Errorf("with the case come %+v", f.Others)
	}
	lines, err := d.Cases(t.Context(), store.CaseFilter{Kind: secor.SubjectRequest}, 10)
	d.ok(err)
	if diff := cmp.Diff(want, lines[0].Profiles); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	d.wantRefusal(d.try(id, d.reviewer[0], "approve", nil), secor.ErrGuard)
	d.take(id, d.reviewer[0], "approve", secor.Input{"accept": "profiles"})
	report, err := d.Verify(t.Context())
	d.ok(err)
	if len(report.Problems) > 0 {
		t.Errorf("the history is not sound: %v", report.Problems)
	}
}

// TestFile_FindsTheAccountOfAnotherBody: the same number with another body is one
// company more often than not.
func TestFile_FindsTheAccountOfAnotherBody(t *testing.T) {
	d := newDesk(t)
	c := roofing(1)
	c.Province, c.Address.Province, c.LegalName = "SK", "SK", "Plains Holdings Ltd."
	twin, _, err := d.AddCompany(t.Context(), d.deskAct(), c, []secor.Registration{{Body: "sk-wcb", Account: "0000001", GoodStanding: true}})
	d.ok(err)
	f := d.file(d.request(d.company(1)))
	if len(f.Others) != 1 || f.Others[0].CompanyID != twin {
		t.Errorf("compared with %+v, want company %d", f.Others, twin)
	}
}

// TestFile_FindsProfilesByIndex: in a register of twenty thousand companies each of
// the questions is an index's.
func TestFile_FindsProfilesByIndex(t *testing.T) {
	d := newDesk(t)
	owner := storetest.OwnerDB(t)
	_, err := owner.ExecContext(t.Context(), `
		INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member)
		SELECT n, '', lower(replace(n, ' ', '')), 'AB', '', '', '', '', 'AB', '', false
		FROM (SELECT chr(97 + i % 26) || chr(97 + i / 26 % 26) || 'owalski ' || chr(97 + i / 7 % 26) || ' Drilling ' || i AS n FROM generate_series(1, 20000) i) names`)
	d.ok(err)
	_, err = owner.ExecContext(t.Context(), `ANALYZE companies`)
	d.ok(err)
	id := d.request(d.company(1))
	began := time.Now()
	const times = 20
	for range times {
		d.file(id)
	}
	t.Logf("a file with its look at the register: %s", time.Since(began)/times)
	for _, question := range []string{
		`SELECT id FROM companies WHERE 'roof' <> '' AND near_name ~>=~ 'roof' AND near_name ~<~ ('roof' || chr(1114111))`,
		`SELECT id FROM companies WHERE reverse(near_name) ~>=~ reverse('lling1') AND reverse(near_name) ~<~ (reverse('lling1') || chr(1114111))`,
	} {
		var plan []string
		d.ok(owner.SelectContext(t.Context(), &plan, "EXPLAIN "+question))
		if !strings.Contains(fmt.Sprint(plan), "companies_near_name") {
			t.Errorf("%s reads the whole register:\n%s", question, strings.Join(plan, "\n"))
		}
	}
}
