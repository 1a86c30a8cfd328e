package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"secordesk/store/secor"
)

// small returns the data of testdata/small with the real zones, to be edited.
func small(t testing.TB) fstest.MapFS {
	t.Helper()
	data := fstest.MapFS{}
	copyFiles(t, data, os.DirFS("testdata/small"), ".")
	copyFiles(t, data, files, "zones")
	return data
}

func copyFiles(t testing.TB, into fstest.MapFS, from fs.FS, under string) {
	t.Helper()
	err := fs.WalkDir(from, under, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(from, name)
		into[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil {
		t.Fatalf("copy files: %v", err)
	}
}

// edit replaces old by new once in a file; old must be there.
func edit(t *testing.T, data fstest.MapFS, file, old, new string) {
	t.Helper()
	content := string(data[file].Data)
	if !strings.Contains(content, old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	data[file] = &fstest.MapFile{Data: []byte(strings.Replace(content, old, new, 1))}
}

func TestLoad(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatalf("the data is wrong:\n%v", err)
	}
	e, err := p.EditionOn(secor.NewDate(2026, 3, 25))
	if err != nil {
		t.Fatalf("EditionOn: %v", err)
	}
	if e.ID != "esc-2023" || e.Example {
		t.Fatalf("edition in force in 2026 = %s (example %t), want esc-2023", e.ID, e.Example)
	}
	got := []any{e.PassMarks[secor.PurposeCertification], e.Months, e.MaxHeadcount, e.Course.Name, e.Fees.AnnualMember, e.Fees.AnnualNonMember, p.Office}
	want := []any{secor.PassMark{Overall: 80, Element: 50}, secor.EvidenceMonths{ThreeYear: 12, OneYear: 3}, 10, "Safety Program Development", secor.Cents(15000), secor.Cents(60000), "AB"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the programme page says (-want +got):\n%s", diff)
	}
	old, err := p.EditionOn(secor.NewDate(2022, 12, 31))
	if err != nil || old.ID != "enform-2015" {
		t.Errorf("edition in force on 31 December 2022 = %v, %v; want enform-2015 and never an example", old, err)
	}
}

func TestLoad_Policies(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	breach := func(days int) secor.Level {
		return secor.Level{Name: "breach", AfterDays: days, Raises: secor.EventClockBreach}
	}
	warn := func(days int) secor.Level {
		return secor.Level{Name: "warn", AfterDays: days, Raises: secor.EventClockWarned}
	}
	escalate := func(days int) secor.Level {
		return secor.Level{Name: "escalate", AfterDays: days, Raises: secor.EventClockEscalated}
	}
	asked := func(name string, days int, raises secor.EventKind) secor.Level {
		return secor.Level{Name: name, AfterDays: days, Raises: raises}
	}
	want := map[string]secor.Policy{
		"request_review": {Party: secor.PartyOffice, Unit: secor.UnitBusiness, Promise: true, Levels: []secor.Level{warn(2), breach(3), escalate(5)}},
		"invoice_payment": {Party: secor.PartyCompany, Unit: secor.UnitCalendar, Levels: []secor.Level{
			asked("reminder", 14, secor.EventInvoiceReminder), asked("reminder_2", 21, secor.EventInvoiceReminder), breach(30), asked("reminder_3", 45, secor.EventInvoiceReminder)}},
		"promise_to_pay":      {Party: secor.PartyCompany, Unit: secor.UnitCalendar, Levels: []secor.Level{breach(30)}},
		"registration_review": {Party: secor.PartyOffice, Unit: secor.UnitBusiness, Levels: []secor.Level{breach(2), escalate(4)}},
		"qa_review":           {Party: secor.PartyOffice, Unit: secor.UnitCalendar, Promise: true, Levels: []secor.Level{warn(14), breach(28), escalate(35)}},
		"notification":        {Party: secor.PartyOffice, Unit: secor.UnitBusiness, Levels: []secor.Level{breach(1), escalate(3)}},
		"certificate":         {Party: secor.PartyOffice, Unit: secor.UnitCalendar, Promise: true, Levels: []secor.Level{warn(7), breach(10), escalate(14)}},
		"qa_assignment":       {Party: secor.PartyOffice, Unit: secor.UnitBusiness, Levels: []secor.Level{breach(2), escalate(4)}},
		"employer_answer": {Party: secor.PartyCompany, Unit: secor.UnitCalendar, Levels: []secor.Level{
			asked("reminder", 5, secor.EventAnswerReminder), asked("reminder_2", 10, secor.EventAnswerReminder), asked("breach", 15, secor.EventAnswerOverdue), escalate(30)}},
		"revision": {Party: secor.PartyCompany, Unit: secor.UnitCalendar, Levels: []secor.Level{
			asked("reminder", 7, secor.EventRevisionReminder), asked("reminder_2", 12, secor.EventRevisionReminder), asked("breach", 15, secor.EventAnswerOverdue), escalate(30)}},
	}
	got := map[string]secor.Policy{}
	for _, policy := range p.Editions["esc-2023"].Policies {
		if policy.Ends != secor.EndsEndOfDay || policy.Title == "" {
			t.Errorf("%s ends %s, is called %q; want end_of_day and a title", policy.Name, policy.Ends, policy.Title)
		}
		got[policy.Name] = secor.Policy{Party: policy.Party, Unit: policy.Unit, Promise: policy.Promise, Levels: policy.Levels}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policies of esc-2023 (-want +got):\n%s", diff)
	}
}

func TestLoad_Guards(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		guard  secor.Guard
		moment secor.Moment
		body   string
		want   secor.Effect
	}{
		{secor.GuardHeadcount, secor.MomentRequest, "ab-pir", secor.EffectBlock},
		{secor.GuardHeadcount, secor.MomentRegistration, "bc-worksafebc", secor.EffectBlock},
		{secor.GuardHeadcount, secor.MomentSubmission, "ab-pir", secor.EffectAsk},
		{secor.GuardCourse, secor.MomentRequest, "ab-pir", secor.EffectNote},
		{secor.GuardCourse, secor.MomentSubmission, "ab-pir", secor.EffectBlock},
		{secor.GuardRegistration, secor.MomentRequest, "ab-pir", secor.EffectBlock},
		{secor.GuardRegistration, secor.MomentRequest, "sk-wcb", secor.EffectNote},
		{secor.GuardPayment, secor.MomentRegistration, "ab-pir", secor.EffectBlock},
		{secor.GuardMonths, secor.MomentRegistration, "ab-pir", secor.EffectAsk},
		{secor.GuardMonths, secor.MomentSubmission, "ab-pir", secor.EffectBlock},
		{secor.GuardConflict, secor.MomentReview, "ab-pir", secor.EffectBlock},
	}
	e := p.Editions["esc-2023"]
	for _, tt := range tests {
		if got := e.Effect(tt.guard, tt.moment, tt.body); got != tt.want {
			t.Errorf("%s at %s for %s = %s, want %s", tt.guard, tt.moment, tt.body, got, tt.want)
		}
	}
}

func TestLoad_EditionsDiffer(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	plan := p.Editions["alberta-2022"]
	if plan == nil || !plan.Example {
		t.Fatalf("alberta-2022 = %+v, want an example", plan)
	}
	if got, want := plan.PassMarks[secor.PurposeCertification], (secor.PassMark{Overall: 80}); got != want {
		t.Errorf("pass mark of 2022 = %+v, want %+v: no floor for single elements", got, want)
	}
	if plan.Months.ThreeYear != 6 {
		t.Errorf("months of 2022 = %d, want 6", plan.Months.ThreeYear)
	}
	now, before := p.Editions["esc-2023"], p.Editions["enform-2015"]
	if now.PassMarks[secor.PurposeMaintenance] == before.PassMarks[secor.PurposeMaintenance] || cmp.Equal(now.Guards, before.Guards) {
		t.Errorf("esc-2023 and enform-2015 have the same maintenance mark or guards; want editions that differ")
	}
}

func TestLoad_Protocol(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	questions, total, ids := 0, secor.Points(0), ""
	for _, e := range p.Protocols["secor-reconstructed"].Elements {
		ids += e.ID
		for _, q := range e.Questions {
			questions++
			total += q.Points
			if !strings.HasPrefix(q.ID, e.ID) || len(q.Text) < 40 {
				t.Errorf("question %s of element %s: %q", q.ID, e.ID, q.Text)
			}
		}
	}
	if ids != "ABCDEFGHI" || questions != 76 || total != 500_00 {
		t.Errorf("protocol has elements %s, %d questions, %s points; want ABCDEFGHI, 76, 500.00", ids, questions, total)
	}
}

func TestLoad_Bodies(t *testing.T) {
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, id := range sortedKeys(p.Bodies) {
		b := p.Bodies[id]
		got += fmt.Sprintln(id, b.Province, "prints:", b.Printer, "numbers:", b.Numberer, "co-signed:", b.CoSigned, "paper:", b.Paper, b.AccountDigits)
		if !strings.HasSuffix(b.Email, ".example") {
			t.Errorf("%s: %s could be somebody's address; want one that no mail reaches", id, b.Email)
		}
	}
	want := `ab-pir AB prints: body numbers: body co-signed: true paper: true [6 7 8]
bc-worksafebc BC prints: body numbers: body co-signed: false paper: false [6 9]
sk-wcb SK prints: partner numbers: body co-signed: true paper: true []
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

// allValues returns every value of every file in reading order.
func allValues(l *Loaded) []Value {
	var all []Value
	for _, s := range l.sections {
		all = append(all, s.values...)
	}
	return all
}

func TestValues_AllStateTheirOrigin(t *testing.T) {
	l, err := LoadFS(Files())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, v := range allValues(l) {
		if v.Title == "" || v.Value == "" || len(v.Source) < 4 || v.Certainty == "" || seen[v.File+v.Pointer] {
			t.Errorf("value is incomplete or listed twice: %+v", v)
		}
		seen[v.File+v.Pointer] = true
	}
	if len(seen) < 300 {
		t.Errorf("%d values listed, want all of them", len(seen))
	}
}

func TestLoadFS_Small(t *testing.T) {
	l, err := LoadFS(small(t))
	if err != nil {
		t.Fatalf("testdata/small is wrong:\n%v", err)
	}
	c := l.Programme.Calendars["AB"]
	if got, want := c.Closed, []secor.Date{secor.NewDate(2026, 12, 24)}; !cmp.Equal(got, want) {
		t.Errorf("closed = %v, want %v", got, want)
	}
	if got, want := l.Programme.Editions["now"].Fees.FurtherReview, secor.Cents(9950); got != want {
		t.Errorf("further review = %v, want %v", got, want)
	}
}

// taxOf returns a tax of Alberta.
func taxOf(name string) string {
	return `{"province": "AB", "name": "` + name + `", "basis_points": 1, "source": "test", "certainty": "ours"}`
}

func TestLoadFS_WrongFiles(t *testing.T) {
	const now, tiny, body, calendar = "programme/now.json", "protocol/tiny.json", "bodies/ab.json", "calendar/AB.json"
	tests := []struct {
		name, file, old, new string
		want                 string // the whole error; file is put before each line
	}{
		{"a value without a source", now, `{"value": 10, "source": "a page for tests", "certainty": "page"}`, `{"value": 10, "certainty": "page"}`,
			`/max_headcount: "source" is missing`},
		{"a bare value", now, `{"value": 10, "source": "a page for tests", "certainty": "page"}`, `10`,
			`/max_headcount: is a number; it must be an object`},
		{"an unknown certainty", now, `{"value": 12, "source": "a page for tests", "certainty": "page"}`, `{"value": 12, "source": "a page for tests", "certainty": "sure"}`,
			`/evidence_months/three_year/certainty: "sure" is not one of page, peer, ours`},
		{"a conflict that somebody may accept", now, `{"guard": "headcount", "effect": "block"`, `{"guard": "conflict", "effect": "ask"`,
			`/guards/0/effect: "ask" must be "block"`},
		{"120 percent", now, `"overall": {"value": 80`, `"overall": {"value": 120`,
			`/pass_marks/certification/overall/value: 120 is more than 100`},
		{"a negative percentage", now, `"element": {"value": 50`, `"element": {"value": -1`,
			`/pass_marks/certification/element/value: -1 is less than 0`},
		{"half a percent", now, `"element": {"value": 50`, `"element": {"value": 50.5`,
			`/pass_marks/certification/element/value: is a number; it must be an integer`},
		{"a whole number with a point", now, `{"value": 12,`, `{"value": 12.0,`,
			`/evidence_months/three_year/value: must be a whole number, written without a point`},
		{"no such date", now, `"2023-01-01"`, `"2023-02-29"`,
			`/effective_from/value: "2023-02-29" is not a date such as 2026-03-25`},
		{"money with three decimals", now, `"99.50"`, `"99.505"`,
			`/fees/further_review/value: "99.505" is not an amount in dollars such as "150.00"`},
		{"two editions of one day", "programme/sample.json", `"example": true`, `"example": false`, ""},
		{"an unknown protocol", now, `{"value": "tiny"`, `{"value": "tinny"`,
			`/protocol/value: "tinny" is unknown; there is no protocol/tinny.json`},
		{"a guard for an unknown body", now, `"body": "ab"`, `"body": "bc"`,
			`/guards/1/body: "bc" is unknown; there is no bodies/bc.json`},
		{"an unknown guard", now, `"guard": "headcount"`, `"guard": "head_count"`,
			`/guards/0/guard: "head_count" is not one of headcount, body_registration, course, payment, evidence_months, conflict, profiles, duplicate, name, near_name, unscored`},
		{"an unknown field", now, `"guard": "headcount"`, `"guard": "headcount", "momnet": "review"`,
			`/guards/0: "momnet" is not known here`},
		{"levels out of order", now, `"after_days": 14`, `"after_days": 28`,
			`/policies/qa_review/levels/1/after_days: 28 days do not come after the 28 of the level before`},
		{"a policy without a breach", now, "\"breach\",\n          \"after_days\": 28,\n          \"raises\": \"clock.breached\"", "\"reminder\",\n          \"after_days\": 28,\n          \"raises\": \"clock.warned\"",
			`/policies/qa_review/levels: none is called breach; name the level at which the promise is broken`},
		{"two breaches", now, "\"warn\",\n          \"after_days\": 14,\n          \"raises\": \"clock.warned\"", "\"breach\",\n          \"after_days\": 14,\n          \"raises\": \"clock.breached\"",
			`/policies/qa_review/levels/1/name: "breach" names two levels`},
		{"a breach that warns", now, "28,\n          \"raises\": \"clock.breached\"", "28,\n          \"raises\": \"clock.warned\"",
			`/policies/qa_review/levels/1/raises: "clock.warned": the level breach raises clock.breached or answer.overdue, and only that one`},
		{"an office that owes an answer", now, "28,\n          \"raises\": \"clock.breached\"", "28,\n          \"raises\": \"answer.overdue\"",
			`/policies/qa_review/levels/1/raises: "answer.overdue": only the company owes an answer`},
		{"an escalation before the breach", now, "14,\n          \"raises\": \"clock.warned\"", "14,\n          \"raises\": \"clock.escalated\"",
			`/policies/qa_review/levels/0/raises: "clock.escalated": a warning comes before the breach, an escalation after it`},
		{"a missing policy", now, `"qa_review":`, `"qa_revue":`,
			`/policies: "qa_review" is missing` + "\n" + `/policies: "qa_revue" is not known here`},
		{"more months for one year than for three", now, `"one_year": {"value": 3`, `"one_year": {"value": 13`,
			`/evidence_months/one_year/value: 13 months are more than the 12 of a three-year certificate`},
		{"an id that is not the file's name", now, `"id": "now"`, `"id": "then"`,
			`/id: "then": the file must be called then.json`},
		{"an id that is no id", now, `"id": "now"`, `"id": "Now!"`,
			`/id: "Now!" is not an id: lower-case letters, digits and single dashes, such as esc-2023`},
		{"no edition but examples", now, `"example": false`, `"example": true`, ""},
		{"a key given twice", now, `"max_headcount":`, "\"max_headcount\": {\"value\": 11, \"source\": \"test\", \"certainty\": \"ours\"},\n  \"max_headcount\":",
			`line 25: /max_headcount: is given twice; keep one`},
		{"more taxes than an invoice can print", now, `    "taxes": [
`, "    \"taxes\": [\n" + strings.Join([]string{taxOf("A"), taxOf("B"), taxOf("C"), taxOf("D"), ""}, ",\n"),
			`/fees/taxes/4: AB has more than the 4 taxes that an invoice can print`},
		{"a missing comma", now, `"id": "now",`, `"id": "now"`,
			`line 4: malformed JSON: invalid character '"' after object key:value pair`},
		{"an exponent", now, `{"value": 10,`, `{"value": 1e999999999,`,
			`line 24: /max_headcount/value: write the number out in at most 30 digits, without an exponent`},
		{"invalid UTF-8", now, "Rules for tests", "R\xffles for tests",
			`line 4: is not valid UTF-8; save the file as UTF-8`},
		{"a file cut short", now, "\n}\n", "",
			`line 274: malformed JSON: the document ends too early`},
		{"text after the end", now, "\n}\n", "\n}\n{}",
			`line 276: something follows the end of the JSON document; remove it`},

		{"a question id twice", tiny, `"id": "B1"`, `"id": "A1"`,
			`/elements/1/questions/0/id: question A1 is there twice; every id is used once`},
		{"an element id twice", tiny, `"id": "B"`, `"id": "A"`,
			`/elements/1/id: element A is there twice; every id is used once`},
		{"points with three decimals", tiny, `"points": "2.5"`, `"points": "2.505"`,
			`/elements/0/questions/1/points: "2.505" is not a number of points from 0 to 1000000 with at most two decimals, such as "3.50"`},
		{"a question worth nothing", tiny, `"points": "5"`, `"points": "0.00"`,
			`/elements/0/questions/0/points: a question without points cannot be scored; give it some or drop it`},
		{"a share without anybody asked", tiny, `["document", "interview"]`, `["document"]`,
			`/elements/0/questions/1/scale: a share of positive answers needs the method interview or observation`},
		{"a source without a certainty", tiny, `"source": "another partner for tests", "certainty": "peer"`, `"source": "another partner for tests"`,
			`/elements/1/questions/0: "certainty" is missing beside "source"`},

		{"a body without a calendar", body, `"value": "AB"`, `"value": "BC"`,
			`/province/value: "BC" is unknown; there is no calendar/BC.json`},
		{"no e-mail address", body, `body@ab.example`, `body`,
			`/email/value: "body" is not an e-mail address`},
		{"a missing field", body, `"paper":`, `"papers":`,
			`"paper" is missing` + "\n" + `"papers" is not known here`},

		{"a missing zone file", calendar, `America/Edmonton", "file": "../zones/Edmonton.tzif`, `America/Toronto", "file": "../zones/Toronto.tzif`,
			`/zone/file: zones/Toronto.tzif is missing; copy it from a tzdata of release 2026f or later`},
		{"another zone's file", calendar, `Edmonton.tzif`, `Regina.tzif`,
			`/zone/file: zones/Regina.tzif is not the file of America/Edmonton`},
		{"an unknown kind of rule", calendar, `"basis": "easter"`, `"basis": "moon"`,
			`/holidays/1/basis: "moon" is not one of fixed, nth, on_before, easter`},
		{"a rule that lacks what it needs", calendar, `"basis": "easter", "offset": -2`, `"basis": "easter"`,
			`/holidays/1: "offset" is missing`},
		{"a rule with what it does not need", calendar, `"basis": "easter", "offset": -2`, `"basis": "easter", "offset": -2, "day": 3`,
			`/holidays/1/day: is not known here`},
		{"a day that the month does not have", calendar, `"month": "july", "day": 1`, `"month": "june", "day": 31`,
			`/holidays/3/day: June has no day 31`},
		{"a rule that ends before it begins", calendar, `"to": 2029`, `"from": 2030, "to": 2029`,
			`/holidays/4/to: 2029 is before 2030, where the rule begins`},
		{"a holiday twice in a year", calendar, `"name": "Good Friday"`, `"name": "Family Day"`,
			`/holidays/1/name: Family Day is there twice for the same year; limit one with from and to`},
		{"a kept holiday that is none", calendar, `"value": ["Boxing Day"]`, `"value": ["Family Day"]`,
			`/keeps/value: "Family Day" is not one of the calendar's optional holidays`},
		{"an office that closes before it opens", calendar, `"16:30"`, `"07:30"`,
			`/closes/value: "7h30m0s" must be after opens and not after 24h`},
		{"a time that no clock shows", calendar, `"16:30"`, `"24:30"`,
			`/closes/value: "24:30" is not a time of day from 00:00 to 24:00, such as 08:00`},
		{"a weekday twice", calendar, `"tuesday"`, `"monday"`,
			`/workdays/value: items 0 and 1 are the same`},
		{"another file's schema", calendar, `../schemas/calendar.schema.json`, `../schemas/body.schema.json`,
			`/$schema: "../schemas/body.schema.json" must be "../schemas/calendar.schema.json"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := small(t)
			edit(t, data, tt.file, tt.old, tt.new)
			want := "programme: every edition is an example; at least one must not be"
			switch {
			case tt.want != "":
				want = tt.file + ": " + strings.ReplaceAll(tt.want, "\n", "\n"+tt.file+": ")
			case tt.file != now:
				edit(t, data, tt.file, "2022-01-01", "2023-01-01")
				want = tt.file + ": /effective_from/value: 2023-01-01 is also the first day of now; only one edition at a time is in force"
			}
			_, err := LoadFS(data)
			if err == nil {
				t.Fatalf("LoadFS took it; want\n%s", want)
			}
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("LoadFS (-want +got):\n%s", diff)
			}
			if !errors.Is(err, secor.ErrField) {
				t.Errorf("%T does not match secor.ErrField", err)
			}
		})
	}
}

func TestLoadFS_AllProblemsAtOnce(t *testing.T) {
	data := small(t)
	edit(t, data, "programme/now.json", `"overall": {"value": 80`, `"overall": {"value": 120`)
	edit(t, data, "programme/now.json", `"moment": "registration"`, `"moment": "lunch"`)
	edit(t, data, "protocol/tiny.json", `"id": "B1"`, `"id": "A1"`)
	edit(t, data, "bodies/ab.json", `"co_signed":`, `"cosigned":`)
	edit(t, data, "calendar/AB.json", `"offset": -2, `, ``)
	delete(data, "zones/Edmonton.tzif")
	data["calendar/notes.txt"] = &fstest.MapFile{Data: []byte("call the WCB")}
	want := `programme/now.json: /guards/1/moment: "lunch" is not one of request, registration, submission, review
programme/now.json: /pass_marks/certification/overall/value: 120 is more than 100
protocol/tiny.json: /elements/1/questions/0/id: question A1 is there twice; every id is used once
bodies/ab.json: "co_signed" is missing
bodies/ab.json: "cosigned" is not known here
calendar/AB.json: /holidays/1: "offset" is missing
calendar/notes.txt: is not a data file; data files end in .json`
	_, err := LoadFS(data)
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("LoadFS (-want +got):\n%s", diff)
	}
}

func TestLoadFS_Empty(t *testing.T) {
	want := `programme: the folder is missing or empty
protocol: the folder is missing or empty
bodies: the folder is missing or empty
calendar: the folder is missing or empty
signatories: the folder is missing or empty`
	_, err := LoadFS(fstest.MapFS{})
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("LoadFS of nothing (-want +got):\n%s", diff)
	}
}

func TestLoadFS_Office(t *testing.T) {
	data := small(t)
	edit(t, data, "calendar/AB.json", `"office": {"value": true`, `"office": {"value": false`)
	_, err := LoadFS(data)
	if got, want := fmt.Sprint(err), `calendar: no calendar is this desk's; add "office" to one`; got != want {
		t.Errorf("LoadFS without an office = %s, want %s", got, want)
	}

	data = small(t)
	data["calendar/BC.json"] = &fstest.MapFile{Data: data["calendar/AB.json"].Data}
	edit(t, data, "calendar/BC.json", `"name": "AB"`, `"name": "BC"`)
	_, err = LoadFS(data)
	if got, want := fmt.Sprint(err), `calendar/BC.json: /office: AB is this desk's calendar already; keep one`; got != want {
		t.Errorf("LoadFS with two offices = %s, want %s", got, want)
	}
}

func TestLoadFS_BrokenZone(t *testing.T) {
	data := small(t)
	data["zones/Edmonton.tzif"] = &fstest.MapFile{Data: data["zones/Edmonton.tzif"].Data[:500]}
	_, err := LoadFS(data)
	if got, want := fmt.Sprint(err), "calendar/AB.json: /zone/file: zones/Edmonton.tzif is no zone file: malformed time zone information"; got != want {
		t.Errorf("LoadFS with half a zone file = %s, want %s", got, want)
	}
}
