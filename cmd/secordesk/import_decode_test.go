package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"secordesk/schema"
	"secordesk/store/secor"
)

// loadProgramme loads the programme once for all tests, which only read it.
var loadProgramme = sync.OnceValues(schema.Load)

// testReader reads at 10 o'clock of 25 March 2026 in Alberta.
func testReader(t testing.TB) *reader {
	t.Helper()
	programme, err := loadProgramme()
	if err != nil {
		t.Fatal(err)
	}
	return &reader{programme: programme, now: func() time.Time { return time.Date(2026, time.March, 25, 16, 0, 0, 0, time.UTC) }}
}

func decoderOf(t testing.TB, kind string, in io.Reader) decoder {
	t.Helper()
	d := testReader(t)
	if kind == "" {
		return &jsonLines{lines: newLines(context.Background(), in), kinds: recordKinds(), reader: d}
	}
	k, err := kindNamed(recordKinds(), kind)
	if err != nil {
		t.Fatal(err)
	}
	source, err := newCSV(context.Background(), in, "", k.fields.names())
	if err != nil {
		return refusing{err}
	}
	return &rows{source: source, kind: k, reader: d}
}

// refusing is a file that is refused as a whole.
type refusing struct{ err error }

func (r refusing) next() (entry, error) { return entry{}, io.EOF }

// entriesIn decodes all of a file.
func entriesIn(t testing.TB, from decoder) []entry {
	t.Helper()
	var all []entry
	for {
		e, err := from.next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

// saidOf writes the problems of entries as an import does.
func saidOf(entries []entry) []string {
	var said []string
	for _, e := range entries {
		e.file = "f"
		for _, p := range e.problems {
			said = append(said, e.place()+": "+p.Error())
		}
	}
	return said
}

const jsonCompany = `{"record": "company", "legal_name": "Prairie Wind Inc.", "province": "AB", "body": "ab-pir", "account": "345-6789", "email": "dale@prairiewind.example"}`

// with returns jsonCompany with other fields instead; a value is JSON, "" leaves the field out.
func with(t testing.TB, line string, pairs ...string) string {
	t.Helper()
	fields := map[string]json.RawMessage{}
	err := json.Unmarshal([]byte(line), &fields)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = json.RawMessage(pairs[i+1])
		if pairs[i+1] == "" {
			delete(fields, pairs[i])
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestJSONLines_Refuses(t *testing.T) {
	const submission = `{"record": "submission", "body": "ab-pir", "account": "3456789", "fee_year": 2026, "last_day": "2026-03-12", "headcount": 7,
		"policies_months": 18, "records_months": 15, "submitted_at": "2026-03-16T09:20"}`
	tests := []struct {
		name string
		line string
		want []string
	}{
		{"no JSON", `company`, []string{`f:1: malformed JSON: invalid character 'c' looking for beginning of value`}},
		{"cut off", jsonCompany[:40], []string{`f:1: malformed JSON: the line ends too early`}},
		{"a list", `[]`, []string{`f:1: is not a JSON object in braces`}},
		{"a number", `7`, []string{`f:1: is not a JSON object in braces`}},
		{"something follows", jsonCompany + ` {}`, []string{`f:1: something follows the end of the object; write one object on each line`}},
		{"a key twice", `{"record": "person", "body": "ab-pir", "account": "1234567", "name": "A", "name": "B"}`, []string{`f:1: name: is given twice; keep one`}},
		{"invalid UTF-8", strings.Replace(jsonCompany, "Wind", "W\xffnd", 1), []string{`f:1: is not valid UTF-8; save the file as UTF-8`}},
		{"no record", `{"name": "A"}`, []string{`f:1: record: is missing: what the line holds, such as company`}},
		{"record is no text", `{"record": 7}`, []string{`f:1: record: "7" is a number and must be a string such as company`}},
		{"unknown record", `{"record": "compny"}`, []string{`f:1: record: "compny" is not a kind of record (did you mean "company"?); there is ` +
			`company, person, course, registration, reviewer, leave, conflict, partner_request, audit_registration, submission, payment, certificate_answer`}},
		{"unknown field", with(t, jsonCompany, "acount", `"1"`), []string{`f:1: "acount" is not a field of company (did you mean "account"?)`}},
		{"field of another case", with(t, jsonCompany, "Email", `"x@y.example"`), []string{`f:1: "Email" is not a field of company (did you mean "email"?)`}},
		{"all at once", `{"record": "company", "legal_name": "=HYPERLINK(\"https://evil.example\")", "province": "ON", "body": "ab-prr", "account": "12", "email": "nobody"}`, []string{
			`f:1: body: "ab-prr" is not a governing body (did you mean "ab-pir"?); there is ab-pir, bc-worksafebc, sk-wcb`,
			`f:1: legal_name: "=HYPERLINK(\"https://evil.example\")" begins like a spreadsheet formula`,
			`f:1: province: "ON" has no calendar here, so no deadline could be counted; there is AB, BC, MB, SK`,
			`f:1: email: "nobody" is not an e-mail address such as office@example.com`}},
		{"all missing", `{"record": "person"}`, []string{`f:1: body: is missing`, `f:1: account: is missing`, `f:1: name: is missing`}},
		{"blank is missing", with(t, jsonCompany, "legal_name", `"  "`), []string{`f:1: legal_name: is missing`}},
		{"null", with(t, jsonCompany, "trade_name", `null`), []string{`f:1: trade_name: "null" is null and must be text in quotation marks`}},
		{"account as a number", with(t, jsonCompany, "account", `3456789`), []string{`f:1: account: "3456789" is a number and must be text in quotation marks, so that leading zeros stay`}},
		{"account of 80 characters", with(t, jsonCompany, "account", `"`+strings.Repeat("8", 80)+`"`), []string{`f:1: account: "` + strings.Repeat("8", 80) + `" is longer than 20 characters`}},
		{"account of the wrong length", with(t, jsonCompany, "account", `"12345"`), []string{`f:1: account: "12345" does not have the 6, 7 or 8 digits of a number of Alberta Partnerships in Injury Reduction`}},
		{"a province that is none", with(t, jsonCompany, "province", `"XX"`), []string{`f:1: province: "XX" is not a province or territory; write two letters, such as AB`}},
		{"a flag that is none", with(t, jsonCompany, "member", `"true"`), []string{`f:1: member: "true" is a string and must be true or false`}},
		{"a name of two addresses", with(t, jsonCompany, "email", `"Dale <dale@prairiewind.example>"`), []string{`f:1: email: "Dale <dale@prairiewind.example>" is not an e-mail address such as office@example.com`}},
		{"an address to which nothing can be sent", with(t, jsonCompany, "email", `"béa@x.example"`), []string{`f:1: email: "béa@x.example" has a letter that no e-mail address here can have, such as é; ask for the address in plain letters`}},
		{"a contact whom no letter can name", with(t, jsonCompany, "contact", `"Ana =?utf-8?q?Roy?="`), []string{`f:1: contact: "Ana =?utf-8?q?Roy?=" has "=?", which mail programs take for encoded text; remove it`}},
		{"a long name is shown in part", with(t, jsonCompany, "legal_name", `"`+strings.Repeat("long ", 5000)+`"`), []string{
			`f:1: legal_name: "` + strings.Repeat("long ", 15) + `long…" is longer than 200 characters`}},
		{"a name that hides something", with(t, jsonCompany, "legal_name", `"Wind\u202eInc."`), []string{`f:1: legal_name: "Wind\u202eInc." holds a control or invisible character`}},
		{"a day to come", with(t, jsonCompany, "profile_since", `"2026-03-26"`), []string{`f:1: profile_since: "2026-03-26" is in the future`}},
		{"a day that is none", with(t, jsonCompany, "profile_since", `"2026-02-30"`), []string{`f:1: profile_since: "2026-02-30" is not a date; write it as 2026-03-25`}},
		{"a year of a slip", with(t, jsonCompany, "profile_since", `"0202-03-25"`), []string{`f:1: profile_since: "0202-03-25" is before 1950; check the year`}},
		{"a time to come", with(t, submission, "submitted_at", `"2026-03-25T10:01"`), []string{`f:1: submitted_at: "2026-03-25T10:01" is in the future`}},
		{"a time to come elsewhere", with(t, submission, "submitted_at", `"2026-03-25T17:00:00+00:00"`), []string{`f:1: submitted_at: "2026-03-25T17:00:00+00:00" is in the future`}},
		{"a day instead of a time", with(t, submission, "submitted_at", `"2026-03-16"`), []string{`f:1: submitted_at: "2026-03-16" is not a time; write it as 2026-03-25T09:00 in the office's time, or as 2026-03-25T09:00:00-06:00`}},
		{"a time that the clocks skipped", with(t, submission, "submitted_at", `"2025-03-09T02:30"`), []string{`f:1: submitted_at: "2025-03-09T02:30" is a time that the clocks skipped`}},
		{"eleven and a half people", with(t, submission, "headcount", `11.5`), []string{`f:1: headcount: "11.5" is not a whole number from 1 to 1000000`}},
		{"nobody", with(t, submission, "headcount", `0`), []string{`f:1: headcount: "0" is not a whole number from 1 to 1000000`}},
		{"people as text", with(t, submission, "headcount", `"7"`), []string{`f:1: headcount: "7" is a string and must be a whole number without quotation marks`}},
		{"a fee year of a slip", with(t, submission, "fee_year", `226`), []string{`f:1: fee_year: "226" is not a whole number from 2000 to 2200`}},
		{"marks as text", with(t, submission, "marks", `"A1=3"`), []string{`f:1: marks: "A1=3" is a string and must be a list of marks`}},
		{"all marks at once", with(t, submission, "marks", `[{"question": "A1", "awarded": "3.505"}, {"awarded": 2}, {"question": "A2", "awarded": -1}, {"question": "A3", "points": 3}, 7]`), []string{
			`f:1: marks[3]: "points" is not a field of a mark`,
			`f:1: marks[4]: is not a JSON object in braces`,
			`f:1: marks[0].awarded: "3.505" is not a number with at most two decimals, such as 3.50`,
			`f:1: marks[1]: does not name its question`,
			`f:1: marks[2].awarded: "-1" is not a number with at most two decimals, such as 3.50`}},
		{"a question twice", with(t, submission, "marks", `[{"question": "A1", "awarded": 3}, {"question": "A1"}]`), []string{`f:1: marks[1]: "A1" is marked twice`}},
		{"a key of a mark twice", strings.TrimSuffix(with(t, submission), "}") + `, "marks": [{"question": "A1", "na": true, "na": false}]}`, []string{`f:1: marks[0].na: is given twice; keep one`}},
		{"a payment of nothing", `{"record": "payment", "body": "ab-pir", "account": "3456789", "fee_year": 2026, "amount": 0.00, "method": "gold", "reference": "` + strings.Repeat("9", 41) + `", "received_on": "2026-03-09"}`, []string{
			`f:1: amount: "0.00" is nothing`,
			`f:1: method: "gold" is not one of cheque, eft, card`,
			`f:1: reference: "` + strings.Repeat("9", 41) + `" is longer than 40 characters`}},
		{"an exponent", `{"record": "payment", "body": "ab-pir", "account": "3456789", "fee_year": 2026, "amount": 1e2, "method": "eft", "reference": "9", "received_on": "2026-03-09"}`, []string{
			`f:1: amount: "1e2" is not a number with at most two decimals, such as 3.50`}},
	}
	for _, tt := range tests {
		line := strings.ReplaceAll(tt.line, "\n", " ")
		got := saidOf(entriesIn(t, decoderOf(t, "", strings.NewReader(line+"\n"))))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestJSONLines_Reads(t *testing.T) {
	file := "\uFEFF" + jsonCompany + "\r\n\r\n  \n" +
		`{"record": "submission", "body": "ab-pir", "account": "3456789", "fee_year": 2026, "last_day": "2026-03-25", "headcount": 7, "policies_months": 18, "records_months": 0, ` +
		`"submitted_at": "2026-03-25T10:00", "marks": [{"question": "A2", "na": true}, {"question": "A1", "awarded": 3.5, "available": "5"}, {"question": "A3", "awarded": null}, {"question": "A4", "awarded": "0"}]}`
	entries := entriesIn(t, decoderOf(t, "", strings.NewReader(file)))
	if said := saidOf(entries); len(said) > 0 || len(entries) != 2 {
		t.Fatalf("%d entries, %q; want 2 without problems", len(entries), said)
	}
	if entries[1].line != 4 {
		t.Errorf("the second record is on line %d, want 4", entries[1].line)
	}
	want := map[string]string{"body": "ab-pir", "account": "3456789", "legal_name": "Prairie Wind Inc.", "province": "AB", "email": "dale@prairiewind.example"}
	if diff := cmp.Diff(want, entries[0].record.texts); diff != "" {
		t.Errorf("company (-want +got):\n%s", diff)
	}
	r := entries[1].record
	marks := []secor.Mark{{Question: "A2", NA: true}, {Question: "A1", Awarded: 350, Available: 500}, {Question: "A4"}}
	if diff := cmp.Diff(marks, r.marks); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if at := r.time("submitted_at"); !at.Equal(time.Date(2026, time.March, 25, 16, 0, 0, 0, time.UTC)) || r.count("headcount") != 7 {
		t.Errorf("submitted_at = %v, headcount %d", at, r.count("headcount"))
	}
}

func TestCSV_Refuses(t *testing.T) {
	const header = "body,account,name\n"
	tests := []struct {
		name, file string
		want       []string
	}{
		{"empty", "", []string{`f: the file is empty`}},
		{"only a mark of its encoding", "\uFEFF\n\n", []string{`f: the file is empty`}},
		{"no header", "ab-pir,1234567,Ana\nab-pir,1234567,Ben\n", []string{`f:1: is no header; the first line must name the columns, of body, account, name`}},
		{"another header", "body,acount,name,name,shoe\n", []string{
			`f:1: "acount" is not a field of person (did you mean "account"?)`, `f:1: "name" is the name of two columns; keep one`,
			`f:1: "shoe" is not a field of person`, `f:1: account: has no column`}},
		{"short row", header + "ab-pir,1234567\nab-pir,1234567,Ana,x\n", []string{`f:2: the row has 2 values and the header 3`, `f:3: the row has 4 values and the header 3`}},
		{"values", header + ",,\nab-pir,12,\"@cmd\"\n", []string{`f:2: body: is missing`, `f:2: account: is missing`, `f:2: name: is missing`,
			`f:3: account: "12" does not have the 6, 7 or 8 digits of a number of Alberta Partnerships in Injury Reduction`, `f:3: name: "@cmd" begins like a spreadsheet formula`}},
		{"Windows letters", header + "ab-pir,1234567,Chlo\xe9\nab-pir,1234567,Ben\n", []string{`f:2: is not valid UTF-8; save it as UTF-8 or add --encoding windows-1252`}},
		{"a stray quotation mark costs one row", header + "ab-pir,1234567,5\" pipe\nab-pir,1234567,Ben\nab-pir,77,Eve\n", []string{
			`f:2: malformed CSV: the quotation marks of the row do not match; write one inside a value as ""`,
			`f:4: account: "77" does not have the 6, 7 or 8 digits of a number of Alberta Partnerships in Injury Reduction`}},
		{"a quotation that does not end", header + "ab-pir,1234567,\"Ana\n" + strings.Repeat("ab-pir,1234567,Ben\n", 100), []string{
			`f:2: malformed CSV: the quotation marks of the row do not match; write one inside a value as ""`}},
	}
	for _, tt := range tests {
		got := saidOf(entriesIn(t, decoderOf(t, "person", strings.NewReader(tt.file))))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCSV_Reads(t *testing.T) {
	file := "\uFEFFName, ACCOUNT,body\r\n\"Lévesque, François (office)\r\n\",123-4567,ab-pir\r\n\r\n\"Ana \"\"A\"\" Roy\",1234567,ab-pir"
	entries := entriesIn(t, decoderOf(t, "person", strings.NewReader(file)))
	if said := saidOf(entries); len(said) > 0 || len(entries) != 2 {
		t.Fatalf("%d entries, %q; want 2 without problems", len(entries), said)
	}
	for i, want := range []struct {
		line int
		name string
	}{{2, "Lévesque, François (office)"}, {5, `Ana "A" Roy`}} {
		e := entries[i]
		if e.line != want.line || e.record.text("name") != want.name || e.record.text("account") != "1234567" {
			t.Errorf("line %d: %q; want line %d: %q", e.line, e.record.texts, want.line, want.name)
		}
	}
}

func TestCSV_Marks(t *testing.T) {
	const row = "body,account,fee_year,last_day,headcount,policies_months,records_months,submitted_at,marks\nab-pir,3456789,2026,2026-03-12,7,18,15,2026-03-16T09:20,"
	tests := []struct {
		marks string
		want  []secor.Mark
		said  []string
	}{
		{"", nil, nil},
		{"A1=3.50/5; A2=n/a;A3=4;A4=;", []secor.Mark{{Question: "A1", Awarded: 350, Available: 500}, {Question: "A2", NA: true}, {Question: "A3", Awarded: 400}}, nil},
		{"A1", nil, []string{`f:2: marks: "A1" is not a mark such as A1=3.50/5 or A2=n/a`}},
		{"A1=3/;A2=/4;=3;A4=x", nil, []string{`f:2: marks: "A1=3/" is not a mark such as A1=3.50/5 or A2=n/a`, `f:2: marks: "A2=/4" is not a mark such as A1=3.50/5 or A2=n/a`,
			`f:2: marks: does not name its question`, `f:2: marks A4.awarded: "x" is not a number with at most two decimals, such as 3.50`}},
		{"A1=0/0", nil, []string{`f:2: marks A1.available: "0" is nothing; say n/a where a question does not apply`}},
		{"A1=3;A1=n/a", nil, []string{`f:2: marks A1: "A1" is marked twice`}},
	}
	for _, tt := range tests {
		entries := entriesIn(t, decoderOf(t, "submission", strings.NewReader(row+tt.marks+"\n")))
		said := saidOf(entries)
		if diff := cmp.Diff(tt.said, said); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.marks, diff)
		}
		if diff := cmp.Diff(tt.want, entries[0].record.marks); diff != "" && len(tt.said) == 0 {
			t.Errorf("%q (-want +got):\n%s", tt.marks, diff)
		}
	}
}

// endless is a line of n bytes without its end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	n := min(e.n, len(p))
	for i := range n {
		p[i] = 'x'
	}
	e.n -= n
	return n, nil
}

func TestLines_LongLineIsNotKept(t *testing.T) {
	for kind, file := range map[string][2]string{
		"":       {jsonCompany + "\n{\"record\": \"", "\"}\n" + jsonCompany + "\n"},
		"person": {"body,account,name\nab-pir,1234567,\"", "\"\nab-pir,1234567,Ben\n"},
	} {
		in := io.MultiReader(strings.NewReader(file[0]), &endless{50 << 20}, strings.NewReader(file[1]))
		from := decoderOf(t, kind, in)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		entries := entriesIn(t, from)
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 10 {
			t.Errorf("%q: a line of 50 MB took %d MB of memory", kind, got)
		}
		if diff := cmp.Diff([]string{"f:2: the line is longer than 1 MB and was not read"}, saidOf(entries)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", kind, diff)
		}
		last := entries[len(entries)-1]
		if last.line != 3 || len(last.problems) > 0 {
			t.Errorf("%q: the line after it is %d with %q, want line 3 to be read", kind, last.line, last.problems)
		}
	}
}

func TestLines_LimitIsExact(t *testing.T) {
	for _, n := range []int{maxLine - 1, maxLine} {
		l := newLines(context.Background(), io.MultiReader(&endless{n}, strings.NewReader("\nnext\n")))
		line, err := l.next()
		if long := n+1 > maxLine; err != nil || line.long != long || !long && len(line.text) != n {
			t.Errorf("a line of %d bytes and its end: %d bytes, long %t, %v", n, len(line.text), line.long, err)
		}
		line, err = l.next()
		if err != nil || string(line.text) != "next" || line.number != 2 {
			t.Errorf("after it comes line %d, %q, %v", line.number, line.text, err)
		}
	}
}

func TestLines_Cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := newLines(ctx, &endless{1 << 40}).next()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("reading an endless line after it was cancelled = %v", err)
	}
}

func TestKindOfFile(t *testing.T) {
	for stem, want := range map[string]string{
		"companies": "company", "company": "company", "courses-march": "course", "Courses 2026": "course", "people": "person",
		"audit-registrations": "audit_registration", "registrations": "registration", "partner_requests-march": "partner_request",
		"compnies": `its name does not say what it holds (did you mean "companies"?)`, "2026-companies": "its name does not say",
		"coursesmarch": "its name does not say", "": "its name does not say",
	} {
		k, err := kindOfFile(recordKinds(), stem)
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && k.name != want {
			t.Errorf("kindOfFile(%q) = %v, %v; want %s", stem, k, err, want)
		}
	}
}

// TestRecord_SameContentIsTheSameAct holds that it does not matter how a file
// writes a record, and that every value counts.
func TestRecord_SameContentIsTheSameAct(t *testing.T) {
	acts := map[string][]string{}
	read := func(kind, file string) string {
		entries := entriesIn(t, decoderOf(t, kind, strings.NewReader(file)))
		if said := saidOf(entries); len(said) > 0 || len(entries) != 1 {
			t.Fatalf("%q: %q", file, said)
		}
		id := entries[0].record.actID()
		acts[id] = append(acts[id], file)
		return id
	}
	const header = "body,account,fee_year,amount,method,reference,received_on\n"
	first := read("payment", header+"ab-pir,1234567,2026,157.50,cheque,0042,2026-03-09\n")
	for _, same := range []string{header + "ab-pir,123-4567,2026,$157.5,Cheque, 0042 ,2026-03-09\n"} {
		if got := read("payment", same); got != first {
			t.Errorf("%q is another act", same)
		}
	}
	asJSON := read("", `{"record": "payment", "received_on": "2026-03-09", "reference": "0042", "method": "cheque", "amount": 157.5, "fee_year": 2026, "account": "1234567", "body": "ab-pir"}`)
	if asJSON != first {
		t.Error("the same payment as JSON is another act")
	}
	for _, other := range []string{"ab-pir,1234568,2026,157.50,cheque,0042,2026-03-09", "ab-pir,1234567,2025,157.50,cheque,0042,2026-03-09", "ab-pir,1234567,2026,157.51,cheque,0042,2026-03-09",
		"ab-pir,1234567,2026,157.50,eft,0042,2026-03-09", "ab-pir,1234567,2026,157.50,cheque,42,2026-03-09", "ab-pir,1234567,2026,157.50,cheque,0042,2026-03-08"} {
		if len(acts[read("payment", header+other+"\n")]) > 1 {
			t.Errorf("%q is the same act as another payment", other)
		}
	}
}

// checkEntries holds what is true of every file, however broken.
func checkEntries(t *testing.T, entries []entry) {
	t.Helper()
	for i, e := range entries {
		if i > 0 && e.line <= entries[i-1].line {
			t.Fatalf("line %d comes after line %d", e.line, entries[i-1].line)
		}
		for _, p := range e.problems {
			if text := p.Error(); text == "" || len(text) > 2000 || !utf8.ValidString(text) {
				t.Fatalf("line %d: the problem is %d bytes, %.100q", e.line, len(text), text)
			}
		}
		if len(e.problems) == 0 {
			checkRecord(t, e.record)
		}
	}
}

// checkRecord holds that a record without problems, written as JSON, is read as
// the same record.
func checkRecord(t *testing.T, r record) {
	t.Helper()
	fields := map[string]any{"record": r.kind.name}
	for name, text := range r.texts {
		f, _ := r.kind.field(name)
		fields[name] = text
		switch f.format {
		case formatCount:
			fields[name] = r.count(name)
		case formatFlag:
			fields[name] = r.flag(name, false)
		case formatMarks:
			fields[name] = marksJSON(r.marks)
		case formatResolved:
			list := []map[string]any{}
			for _, a := range r.resolved {
				list = append(list, map[string]any{"note": a.Note, "answer": a.Answer})
			}
			fields[name] = list
		}
		if text == "" || len(text) > maxLine {
			t.Fatalf("%s: the value is %d bytes", name, len(text))
		}
	}
	line, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	again := entriesIn(t, decoderOf(t, "", strings.NewReader(string(line))))
	if len(again) != 1 || len(again[0].problems) > 0 || again[0].record.actID() != r.actID() {
		t.Fatalf("%s is read as %q with %q", line, again[0].record.texts, again[0].problems)
	}
}

func marksJSON(marks []secor.Mark) []map[string]any {
	list := []map[string]any{}
	for _, m := range marks {
		mark := map[string]any{"question": m.Question, "na": true}
		if !m.NA {
			mark = map[string]any{"question": m.Question, "awarded": m.Awarded.String(), "available": m.Available.String()}
		}
		list = append(list, mark)
	}
	return list
}

func FuzzJSONLines(f *testing.F) {
	for _, line := range []string{jsonCompany, `{"record": "payment", "amount": 1.5}`, `{"record": "submission", "marks": [{"question": "A1", "awarded": 3.5}]}`, "\uFEFF{}\r\n[]\n{\"a\":1,\"a\":2}", `{"record":"person"} x`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, file string) {
		checkEntries(t, entriesIn(t, decoderOf(t, "", strings.NewReader(file))))
	})
}

func FuzzCSV(f *testing.F) {
	f.Add(0, "body,account,legal_name,province,email\nab-pir,1234567,\"A, Ltd.\",AB,a@b.example\n")
	f.Add(1, "\uFEFFname,account,body\r\n\"x\n\"\"\",1234567,ab-pir")
	f.Add(9, "body,account,fee_year,last_day,headcount,policies_months,records_months,submitted_at,marks\nab-pir,3456789,2026,2026-03-12,7,18,15,2026-03-16T09:20,A1=3.50/5;A2=n/a\n")
	kinds := recordKinds()
	f.Fuzz(func(t *testing.T, kind int, file string) {
		k := kinds[(kind%len(kinds)+len(kinds))%len(kinds)]
		checkEntries(t, entriesIn(t, decoderOf(t, k.name, strings.NewReader(file))))
	})
}

func TestNearest(t *testing.T) {
	known := []string{"company", "course", "conflict"}
	for wrong, want := range map[string]string{"compny": "company", "COURSES": "course", "conflit": "conflict", "submission": "", "": "", "x": "", strings.Repeat("c", 1000): ""} {
		got := nearest(wrong, known)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("nearest(%.20q) = %q, want %q", wrong, got, want)
		}
	}
}
