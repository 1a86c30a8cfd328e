package secor

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	accepted := map[string]string{
		"  Roy\tWelding \n Ltd. ":      "Roy Welding Ltd.",
		"<!channel> & <@U123>":         "<!channel> & <@U123>", // escaping is the renderer's
		"=SUM(A1)":                     "=SUM(A1)",
		"Énergie Côté ltée":            "Énergie Côté ltée",
		"ᑲᓇᑕ 株式会社 🛢":                   "ᑲᓇᑕ 株式会社 🛢",
		"":                             "",
		strings.Repeat("é", 200):       strings.Repeat("é", 200),
		strings.Repeat("🛢", 200):       strings.Repeat("🛢", 200),
		" " + strings.Repeat("a", 200): strings.Repeat("a", 200),
	}
	for text, want := range accepted {
		got, err := CleanText("name", text, 200)
		if err != nil || got != want {
			t.Errorf("CleanText(%q) = %q, %v", text, got, err)
		}
	}
	refusals := map[string]string{
		strings.Repeat("é", 201):      "name: ",
		"zero\u200bwidth":             "invisible",
		"right\u202eto left":          "invisible",
		"joined\u2060word":            "invisible",
		"soft\u00adhyphen":            "invisible",
		"\ufeffbyte order mark":       "invisible",
		"tag\U000e0041":               "invisible",
		"nul\x00":                     "invisible",
		"escape \x1b[31m":             "invisible",
		"delete\x7f":                  "invisible",
		"bad \xff\xfe":                "not valid UTF-8; save the file as UTF-8",
		"half \xe2\x82":               "not valid UTF-8",
		"surrogate \xed\xa0\x80":      "not valid UTF-8",
		strings.Repeat("x", 1<<22):    "longer than 200 characters",
		strings.Repeat("x y ", 1<<22): "longer than 200 characters",
	}
	for text, words := range refusals {
		_, err := CleanText("name", text, 200)
		mustRefuse(t, err, ErrField, "name: ", words)
		if err != nil && (len(err.Error()) > 500 || !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\x00\x1b\u202e\u200b")) {
			t.Errorf("the refusal is not fit to be shown: %q", err)
		}
	}
}

func TestCleanName_Formulas(t *testing.T) {
	for _, name := range []string{`=HYPERLINK("http://x")`, "+1", "-2+3", "@SUM(A1)", "  =1", "\t=1", "\u00a0=1"} {
		_, err := CleanName("legal-name", name)
		mustRefuse(t, err, ErrField, "legal-name", "formula")
	}
	for _, name := range []string{"A=B Ltd.", "3-D Print", "<!channel> Ltd.", "Côté", "(=)"} {
		got, err := CleanName("legal-name", name)
		if err != nil || got != name {
			t.Errorf("CleanName(%q) = %q, %v", name, got, err)
		}
	}
	for _, brk := range []string{"\r\n", "\n", "\r", "\v", "\f", "\u0085", "\u2028", "\u2029"} {
		_, err := CleanName("legal-name", "Evil"+brk+"Bcc: x@y.example")
		mustRefuse(t, err, ErrField, "legal-name", "goes on after a line break; write it on one line")
		got, err := CleanName("legal-name", brk+"Roy  Welding "+brk)
		if err != nil || got != "Roy Welding" {
			t.Errorf("a break %q around a name: %q, %v", brk, got, err)
		}
		got, err = CleanName("street", OneLine("12, rue Roy"+brk+"bureau 5"))
		if err != nil || got != "12, rue Roy bureau 5" {
			t.Errorf("a break %q within a street: %q, %v", brk, got, err)
		}
	}
	_, err := CleanName("legal-name", strings.Repeat("a", 201))
	mustRefuse(t, err, ErrField, "longer than 200 characters")
}

func FuzzCleanText(f *testing.F) {
	for _, seed := range []string{"Roy Welding", " a  b ", "\u200b", "\xff", "=1", "\u2028x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean, err := CleanText("name", text, 50)
		if err != nil {
			if !errors.Is(err, ErrField) || !utf8.ValidString(err.Error()) {
				t.Fatalf("CleanText(%q): %q", text, err)
			}
			return
		}
		again, err := CleanText("name", clean, 50)
		if err != nil || again != clean || utf8.RuneCountInString(clean) > 50 || strings.ContainsAny(clean, "\n\r\t\x00") {
			t.Fatalf("CleanText(%q) = %q, and of that %q, %v", text, clean, again, err)
		}
	})
}

func TestNormalAccount(t *testing.T) {
	bc := &Body{Name: "WorkSafeBC", AccountLabel: "WorkSafeBC account", AccountDigits: []int{6, 9}}
	anyBody := &Body{Name: "WCB", AccountLabel: "WCB account"}
	tests := []struct {
		body  *Body
		text  string
		want  string
		words string
	}{
		{bc, "123456", "123456", ""},
		{bc, "000 850-381", "000850381", ""},
		{bc, "000.850.381", "000850381", ""},
		{bc, "12345", "", "does not have the 6 or 9 digits of a number of WorkSafeBC"},
		{bc, "1234567", "", "6 or 9 digits"},
		{bc, "12345A", "", "6 or 9 digits"},
		{bc, "", "", "WorkSafeBC account: is missing"},
		{bc, " - . ", "", "is missing"},
		{bc, strings.Repeat("1", 80), "", "is longer than 20 characters"},
		{anyBody, strings.Repeat("1", 20), strings.Repeat("1", 20), ""},
		{anyBody, strings.Repeat("1", 21), "", "is longer than 20 characters"},
		{anyBody, "b00-1234", "B001234", ""},
		{anyBody, "0000", "0000", ""},
		{anyBody, "12_34", "", "only letters and digits"},
		{anyBody, "=1+1", "", "only letters and digits"},
		{anyBody, "١٢٣", "", "only letters and digits"},
		{anyBody, "12\u200b34", "", "only letters and digits"},
		{anyBody, "\xff\xff", "", "only letters and digits"},
	}
	for _, tt := range tests {
		got, err := tt.body.NormalAccount(tt.text)
		if tt.words != "" {
			mustRefuse(t, err, ErrField, tt.words)
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("NormalAccount(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestNearName(t *testing.T) {
	same := [][]string{
		{"Roy Welding Ltd.", "ROY WELDING LIMITED", "Roy-Welding Inc", "The Roy Welding Co.", "roy welding", "Roywelding"},
		{"Smith & Sons", "Smith and Sons Corp."},
		{"Forage Côté ltée", "FORAGE CÔTÉ LTEE"},
	}
	for _, names := range same {
		for _, name := range names[1:] {
			if NearName(name) != NearName(names[0]) {
				t.Errorf("%q and %q are not near", names[0], name)
			}
		}
	}
	for _, pair := range [][2]string{{"Roy Welding", "Ray Welding"}, {"Roy Welding 1", "Roy Welding 2"}, {"Smith", "Smith Sons"}} {
		if NearName(pair[0]) == NearName(pair[1]) {
			t.Errorf("%q and %q are near", pair[0], pair[1])
		}
	}
	if NearName("The Company Ltd.") == NearName("The Limited Co. Inc.") {
		t.Error("two names of nothing but endings are near")
	}
}

func TestCourse_LastDay(t *testing.T) {
	rule := CourseRule{Name: "Safety Program Development", ValidYears: 3}
	held := Course{Name: rule.Name, CompletedOn: day(t, "2023-03-25")}
	for text, want := range map[string]bool{"2023-03-24": false, "2023-03-25": true, "2026-03-24": true, "2026-03-25": true, "2026-03-26": false} {
		if got := held.ValidOn(rule, day(t, text)); got != want {
			t.Errorf("on %s: ValidOn = %t", text, got)
		}
	}
	if !held.ValidOn(CourseRule{Name: rule.Name}, day(t, "2090-01-01")) {
		t.Error("a course that does not expire did")
	}
	if held.ValidOn(CourseRule{Name: "First Aid"}, day(t, "2024-01-01")) {
		t.Error("another course counts")
	}
}

func TestAddressLines(t *testing.T) {
	a := Address{Street: "12 Main St", City: "Red Deer", Province: "AB", PostalCode: "T4N 1A1"}
	if got := strings.Join(a.Lines(), "|"); got != "12 Main St|Red Deer AB  T4N 1A1" {
		t.Errorf("Lines = %q", got)
	}
}

func TestNearName_WithoutAccents(t *testing.T) {
	for a, b := range map[string]string{
		"Éclair Électrique Ltée": "Eclair Electrique Ltee", "Łódź Forage Inc.": "Lodz Forage", "Cœur d'Acier": "Coeur dAcier",
	} {
		if NearName(a) != NearName(b) {
			t.Errorf("%q is %q, %q is %q", a, NearName(a), b, NearName(b))
		}
	}
}
