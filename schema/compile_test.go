package schema

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secordesk/store/secor"
)

// Every schema of the folder compiles and is of draft 2020-12.
func TestCompile(t *testing.T) {
	names := 0
	err := fs.WalkDir(files, "schemas", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		names++
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if !strings.Contains(string(content), `"$schema": "https://json-schema.org/draft/2020-12/schema"`) {
			t.Errorf("%s is not of draft 2020-12", name)
		}
		_, err = Compile(strings.TrimSuffix(strings.TrimPrefix(name, "schemas/"), ".schema.json"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil || names < 6 {
		t.Errorf("walked over %d schemas, %v; want at least 6", names, err)
	}
}

func TestCompile_Unknown(t *testing.T) {
	for _, name := range []string{"nothing", "../load", ""} {
		s, err := Compile(name)
		if err == nil {
			t.Errorf("Compile(%q) = %v, want an error", name, s)
		}
	}
}

// What a schema lets through must be a word that the rules know, and all of them.
func TestSchemas_KnowTheWordsOfTheRules(t *testing.T) {
	tests := []struct {
		file, path string
		want       any
	}{
		{"edition", "$defs/guard/properties/guard/enum", secor.Guards()},
		{"edition", "$defs/guard/properties/moment/enum", []secor.Moment{secor.MomentRequest, secor.MomentRegistration, secor.MomentSubmission, secor.MomentReview}},
		{"edition", "$defs/guard/properties/effect/enum", []secor.Effect{secor.EffectBlock, secor.EffectAsk, secor.EffectNote}},
		{"edition", "properties/pass_marks/required", secor.Purposes()},
		{"edition", "$defs/policy/properties/party/properties/value/enum", secor.Parties()},
		{"edition", "$defs/policy/properties/unit/properties/value/enum", []secor.Unit{secor.UnitBusiness, secor.UnitCalendar}},
		{"edition", "$defs/policy/properties/ends/properties/value/enum", []secor.Ends{secor.EndsInstant, secor.EndsEndOfDay}},
		{"edition", "$defs/level/properties/raises/enum", []secor.EventKind{secor.EventClockWarned, secor.EventInvoiceReminder,
			secor.EventAnswerReminder, secor.EventRevisionReminder, secor.EventClockBreach, secor.EventAnswerOverdue, secor.EventClockEscalated}},
		{"protocol", "$defs/question/properties/methods/items/enum", []secor.Method{secor.MethodDocument, secor.MethodInterview, secor.MethodObservation}},
		{"protocol", "$defs/question/properties/scale/enum", []secor.Scale{secor.ScaleAll, secor.ScaleRange, secor.ScalePercent}},
		{"score", "$defs/question/properties/scale/enum", []secor.Scale{secor.ScaleAll, secor.ScaleRange, secor.ScalePercent}},
		{"body", "$defs/maker/properties/value/enum", []secor.Maker{secor.MakerBody, secor.MakerPartner}},
		{"calendar", "$defs/holiday/properties/kind/enum", []secor.HolidayKind{secor.HolidayStatutory, secor.HolidayOptional}},
		{"calendar", "$defs/holiday/properties/basis/enum", []secor.HolidayBasis{secor.BasisFixed, secor.BasisNth, secor.BasisOnBefore, secor.BasisEaster}},
		{"calendar", "$defs/holiday/properties/observed/enum", []secor.Observance{secor.ObservedOnDay, secor.ObservedMonday, secor.ObservedSunday, secor.ObservedNext}},
		{"sourced", "$defs/certainty/enum", []Certainty{CertaintyPage, CertaintyPeer, CertaintyOurs}},
	}
	for _, tt := range tests {
		content, err := fs.ReadFile(files, "schemas/"+tt.file+".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		var node any
		err = json.Unmarshal(content, &node)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range strings.Split(tt.path, "/") {
			node = node.(map[string]any)[key]
		}
		if diff := cmp.Diff(fmt.Sprint(tt.want), fmt.Sprint(node)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.file, tt.path, diff)
		}
	}
}

// Every policy that the rules start a clock for must be in the data.
func TestSchemas_KnowThePolicies(t *testing.T) {
	shape, err := Compile("edition")
	if err != nil {
		t.Fatal(err)
	}
	got := shape.Check([]byte(`{"policies": {}}`)).Error()
	for _, policy := range []string{"request_review", secor.PolicyInvoice, secor.PolicyPromise, "registration_review", "qa_review", secor.PolicyNotification, secor.PolicyCertificate,
		"qa_assignment", secor.PolicyAnswer, secor.PolicyRevision} {
		if want := fmt.Sprintf("/policies: %q is missing", policy); !strings.Contains(got, want) {
			t.Errorf("an edition without %s is taken", policy)
		}
	}
}
