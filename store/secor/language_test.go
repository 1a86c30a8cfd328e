package secor

import (
	"errors"
	"testing"
	"time"
)

func TestLanguage(t *testing.T) {
	may := NewDate(2026, time.May, 28)
	for _, tt := range []struct{ got, want string }{
		{English.Date(may), "28 May 2026"},
		{French.Date(may), "28 mai 2026"},
		{French.Date(NewDate(2026, time.August, 1)), "1er août 2026"},
		{French.Date(Date{}), ""},
		{English.Date(Date{}), ""},
		{English.Money(15750), "$157.50"},
		{French.Money(15750), "157,50 $"},
		{French.Money(-5), "-0,05 $"},
		{English.Percent(7999, 10000), "79.99"},
		{French.Percent(7999, 10000), "79,99"},
		{French.Percent(0, 0), "–"},
		{French.Tax("GST and PST"), "TPS et TVP"},
		{English.Tax("GST"), "GST"},
		{French.Points(450), "4,50"},
		{Language("").Money(100), "$1.00"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestParseLanguage(t *testing.T) {
	for text, want := range map[string]Language{"": English, "en": English, "FR": French, "de": "", "français": ""} {
		got, err := ParseLanguage(text)
		if got != want || (want == "") != errors.Is(err, ErrField) {
			t.Errorf("ParseLanguage(%q) = %q, %v", text, got, err)
		}
	}
}

func TestNormalPhone(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " ": "", "403-555-0142": "403-555-0142", "(403) 555 0142": "403-555-0142", "+1 403.555.0142": "403-555-0142", "1-403-555-0142": "403-555-0142",
		"403-555-0142 ext. 12": "403-555-0142 ext. 12", "403-555-0142x7": "403-555-0142 ext. 7", "403-555-0142 Ext 123": "403-555-0142 ext. 123",
	} {
		got, err := NormalPhone(text)
		if got != want || err != nil {
			t.Errorf("NormalPhone(%q) = %q, %v, want %q", text, got, err, want)
		}
		again, err := NormalPhone(got)
		if again != got || err != nil {
			t.Errorf("NormalPhone(%q) again = %q, %v", got, again, err)
		}
	}
	for _, text := range []string{"555-0142", "call us", "403-555-01423", "403-555-0142 ext", "403-555-0142 ext. 123456789", "+44 20 7946 0958", "٤٠٣-٥٥٥-٠١٤٢", "403\n555 0142", "=1+1", "003-555-0142"} {
		got, err := NormalPhone(text)
		if got != "" || !errors.Is(err, ErrField) {
			t.Errorf("NormalPhone(%q) = %q, %v, want a refusal", text, got, err)
		}
	}
}

func TestCorrect_PhoneAndLanguage(t *testing.T) {
	o := requestIn(t, StateInReview)
	o.take(asCleo, "correct", "they said so", "field=phone", "value=+1 (403) 555-0142")
	o.take(asCleo, "correct", "they asked", "field=language", "value=fr")
	if o.Company.Phone != "403-555-0142" || o.Company.Language != French {
		t.Errorf("phone %q, language %q", o.Company.Phone, o.Company.Language)
	}
	mustRefuse(t, o.try(asCleo, "correct", "typing error", "field=phone", "value=12"), ErrField, "phone", "403-555-0142")
	mustRefuse(t, o.try(asCleo, "correct", "typing error", "field=language", "value=de"), ErrField, "language", "en or fr")
	if o.Company.Phone != "403-555-0142" || o.Company.Language != French {
		t.Errorf("after refusals: phone %q, language %q", o.Company.Phone, o.Company.Language)
	}
}
