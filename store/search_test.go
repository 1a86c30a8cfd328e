package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/secor"
	"secordesk/store/storetest"
)

// registry is a desk with companies of every sort of name.
func registry(t *testing.T) *desk {
	d := newDesk(t)
	for i, c := range []secor.Company{
		{LegalName: "Bélanger & Fils Ltée", TradeName: "100% Œuvre", Contact: "Zoë Çelik", Email: "bureau@belanger.example"},
		{LegalName: "Qu'Appelle Valley Drilling Ltd.", TradeName: "", Contact: "Łucja Kowalska", Email: "lucja@quappelle.example"},
		{LegalName: "Kowalski Electric Ltd.", TradeName: "Bright", Contact: "Jan", Email: "office@kowalski.example"},
		{LegalName: "Prairie Wind Inc.", TradeName: "Wind_Works", Contact: "Ana Bélanger", Email: "wind@prairie.example"},
	} {
		c.Province = "AB"
		_, _, err := d.AddCompany(t.Context(), d.deskAct(), c, []secor.Registration{{Body: "ab-pir", Account: fmt.Sprintf("00345%02d", 60+i), GoodStanding: true}})
		d.ok(err)
	}
	_, _, err := d.AddPerson(t.Context(), d.deskAct(), 3, "Priya Naïr")
	d.ok(err)
	d.request(3)
	return d
}

func TestSearch(t *testing.T) {
	d := registry(t)
	for text, want := range map[string]string{
		"belanger ltee": "1 legal name Bélanger & Fils Ltée; 4 person Ana Bélanger", "BELANGER": "1 legal name Bélanger & Fils Ltée; 4 person Ana Bélanger",
		"fils belanger": "1 legal name Bélanger & Fils Ltée", "Bélanger, Ltd": "1 legal name Bélanger & Fils Ltée; 4 person Ana Bélanger",
		"quappelle": "2 legal name Qu'Appelle Valley Drilling Ltd.", "qu appelle": "2 legal name Qu'Appelle Valley Drilling Ltd.",
		"oeuvre": "1 trade name 100% Œuvre", "100%": "1 trade name 100% Œuvre", "wind_w": "4 trade name Wind_Works", "windxw": "",
		"kowals": "3 legal name Kowalski Electric Ltd.; 2 person Łucja Kowalska", "celik": "1 person Zoë Çelik", "nair": "3 person Priya Naïr",
		"office@kowalski.example": "3 e-mail office@kowalski.example", "@prairie": "4 legal name Prairie Wind Inc.", "wind@prair": "4 e-mail wind@prairie.example", "bright jan": "3 name and contact ",
		"0034560": "1 account ab-pir 0034560", "003-45 60": "1 account ab-pir 0034560", "34560": "1 account ab-pir 0034560",
		"3456":   "1 account ab-pir 0034560; 3 account ab-pir 0034562; 2 account ab-pir 0034561; 4 account ab-pir 0034563",
		"case 1": "3 case 1", "#1": "3 case 1; 1 trade name 100% Œuvre", "1": "3 case 1; 1 trade name 100% Œuvre", "%%": "", "__": "", `\\`: "", "' OR 1=1 --": "", "nobody": "",
	} {
		hits, err := d.Search(t.Context(), text, 10)
		var got []string
		for _, h := range hits {
			got = append(got, fmt.Sprintf("%d %s %s", h.Company.ID, h.Why, h.What))
		}
		if err != nil && want != "" || strings.Join(got, "; ") != want && !(text == "3456" && len(got) == 4 && strings.HasPrefix(got[0], "3 ")) {
			t.Errorf("Search(%q) = %q, %v, want %q", text, strings.Join(got, "; "), err, want)
		}
	}
	for _, text := range []string{"", " ", "é", "a\x00", "%", strings.Repeat("a", 201)} {
		_, err := d.Search(t.Context(), text, 10)
		d.wantRefusal(err, secor.ErrField)
	}
	one, err := d.Search(t.Context(), "345", 1)
	if err != nil || len(one) != 1 || one[0].Company.ID != 3 {
		t.Errorf("a limit of 1 gives %v, %v; want the company with the open case", one, err)
	}
}

func TestSearchNear(t *testing.T) {
	d := registry(t)
	for text, want := range map[string]int64{"belangr": 1, "bellanger fils": 1, "belamger": 1, "belagner": 1, "kowalsky electric": 3, "prairy wind": 0, "praerie": 4,
		"kwoalski": 3, "nobody": 0, "fis": 0, "drillinng": 2} {
		hits, err := d.SearchNear(t.Context(), text, 10)
		var got int64
		if len(hits) > 0 {
			got = hits[0].Company.ID
		}
		if err != nil || got != want {
			t.Errorf("SearchNear(%q) = %v, %v, want company %d first", text, hits, err, want)
		}
	}
}

// TestFold holds that Postgres writes letters as the rules do.
func TestFold(t *testing.T) {
	db := storetest.DB(t)
	for r := rune(0x20); r < 0x180; r++ {
		text := "x" + string(r)
		var got string
		err := db.Get(&got, "SELECT folded($1)", text)
		if err != nil {
			t.Fatal(err)
		}
		// What neither of them knows stays as it is; a database may or may not lower it.
		if want := secor.Fold(text); got != want && want != "x"+strings.ToLower(string(r)) {
			t.Errorf("folded(%q) = %q, want %q", text, got, want)
		}
	}
}

// BenchmarkSearch searches 100 000 companies: by name, by account, and for a slip.
func BenchmarkSearch(b *testing.B) {
	db := storetest.OwnerDB(b)
	programme, err := schema.Load()
	if err != nil {
		b.Fatal(err)
	}
	db.MustExec(`
		INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member)
		SELECT 'Énergie Number ' || i || ' Ltd.', 'Number ' || i, 'energienumber' || i, 'AB', 'office' || i || '@number.example', 'Zoë Contact', '', '', 'AB', '', true
		FROM generate_series(1, 100000) AS i`)
	db.MustExec(`INSERT INTO registrations (company_id, body, account, good_standing) SELECT id, 'ab-pir', lpad(id::text, 8, '0'), true FROM companies`)
	db.MustExec(`INSERT INTO people (company_id, name) SELECT id, 'Zoë Contact ' || id FROM companies`)
	db.MustExec("ANALYZE")
	s := store.New(storetest.DB(b), programme, time.Now)
	for name, text := range map[string]string{"name": "energie 99123", "account": "000-99123", "everything": "energie", "slip": "energei 99123"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				hits, err := s.Search(b.Context(), text, 20)
				if name == "slip" && err == nil {
					hits, err = s.SearchNear(b.Context(), text, 20)
				}
				if err != nil || len(hits) == 0 {
					b.Fatalf("%d hits, %v", len(hits), err)
				}
			}
		})
	}
}
