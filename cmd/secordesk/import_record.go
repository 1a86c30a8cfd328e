package main

import (
	"context"
	"slices"
	"strings"

	"secordesk/store"
	"secordesk/store/secor"
)

// recordKind is one kind of record that a file may hold. The tables below are all
// that the decoders know of it; schema/schemas/import documents the same fields.
type recordKind struct {
	name   string
	plural string // a CSV file is called after either
	fields fieldList
	key    []string     // two records of one file that agree in these are the same thing
	author []secor.Role // who may change it, because it says who may decide; none: no person is asked for
	add    func(*importer, context.Context, record) (store.Change, error)
	bulk   func(*importer, context.Context, []record) ([]lineOutcome, error) // takes many at once, and leaves to add those without an outcome; may be nil
	look   func(*importer, context.Context, record) error                    // says what is wrong with what could be read of a broken record; may be nil
}

// recordField is one value of a record.
type recordField struct {
	name     string
	format   format
	required bool
	past     bool     // a date or time that cannot be in the future
	exact    bool     // a name of which every digit counts: a number of a sheet has lost its leading zeros
	body     string   // of an account: the field that names its governing body
	min, max int64    // of a count, both allowed; of a name: its longest, 200 when left out
	choices  []string // of a choice
}

// Limits of numbers, as the database has them.
const (
	maxPeople = 1_000_000
	maxMonths = 1200
	firstYear = 2000
	lastYear  = 2200
	maxAudits = 1000 // held by one reviewer at once
)

// recordKinds returns every kind, in the order in which summaries list them.
func recordKinds() []*recordKind {
	return []*recordKind{
		{name: "company", plural: "companies", add: (*importer).addCompany, bulk: (*importer).addCompanies, key: []string{"body", "account"},
			fields: slices.Concat(account("body", "account"), companyFields(true), fieldList{
				{name: "good_standing", format: formatFlag},
				{name: "profile_since", format: formatDate, past: true},
				{name: "certificate_number", format: formatName, max: secor.MaxCertificateNumber},
				{name: "certificate_expires_on", format: formatDate},
			})},
		{name: "person", plural: "people", add: (*importer).addPerson, key: []string{"body", "account", "name"},
			fields: slices.Concat(account("body", "account"), fieldList{
				{name: "name", format: formatName, required: true},
			})},
		{name: "course", plural: "courses", add: (*importer).addCourse, key: []string{"body", "account", "person", "course", "completed_on"},
			fields: slices.Concat(account("body", "account"), fieldList{
				{name: "person", format: formatName, required: true},
				{name: "course", format: formatCourse, required: true},
				{name: "completed_on", format: formatDate, required: true, past: true},
			})},
		{name: "registration", plural: "registrations", add: (*importer).addRegistration, key: []string{"body", "account", "other_body"},
			fields: slices.Concat(account("body", "account"), account("other_body", "other_account"), fieldList{
				{name: "good_standing", format: formatFlag},
			})},
		{name: "reviewer", plural: "reviewers", add: (*importer).addReviewer, key: []string{"email"}, author: []secor.Role{secor.RoleAdmin},
			fields: fieldList{
				{name: "name", format: formatName, required: true},
				{name: "email", format: formatEmail, required: true},
				{name: "role", format: formatChoice, required: true, choices: texts(secor.Roles())},
				{name: "capacity", format: formatCount, required: true, max: maxAudits},
				{name: "active", format: formatFlag},
			}},
		{name: "leave", plural: "leaves", add: (*importer).addLeave, key: []string{"email", "from"}, author: []secor.Role{secor.RoleLead, secor.RoleAdmin},
			fields: slices.Concat(fieldList{{name: "email", format: formatEmail, required: true}}, span(), fieldList{{name: "stand_in", format: formatEmail}})},
		{name: "conflict", plural: "conflicts", add: (*importer).addConflict, key: []string{"email", "body", "account", "from"}, author: []secor.Role{secor.RoleLead, secor.RoleAdmin},
			fields: slices.Concat(fieldList{{name: "email", format: formatEmail, required: true}}, account("body", "account"), span(),
				fieldList{{name: "reason", format: formatText, required: true}})},
		{name: "partner_request", plural: "partner_requests", add: (*importer).addRequest, key: []string{"body", "account", "received_at"},
			fields: slices.Concat(account("body", "account"), companyFields(false), fieldList{
				{name: "reason", format: formatChoice, required: true, choices: texts(secor.RequestReasons())},
				people(),
				{name: "received_at", format: formatTime, required: true, past: true},
			})},
		{name: "audit_registration", plural: "audit_registrations", add: (*importer).addAudit, look: (*importer).lookAtYear, key: []string{"body", "account", "fee_year", "purpose"},
			fields: slices.Concat(account("body", "account"), fieldList{
				{name: "purpose", format: formatChoice, required: true, choices: texts(secor.Purposes())},
				feeYear(),
				people(),
			}, months(), fieldList{{name: "registered_at", format: formatTime, required: true, past: true}})},
		{name: "submission", plural: "submissions", add: (*importer).addSubmission, look: (*importer).lookAtSubmission, key: []string{"body", "account", "fee_year"},
			fields: slices.Concat(account("body", "account"), fieldList{
				feeYear(),
				{name: "last_day", format: formatDate, required: true, past: true},
				people(),
			}, months(), fieldList{
				{name: "submitted_at", format: formatTime, required: true, past: true},
				{name: "marks", format: formatMarks},
				{name: "legal_name", format: formatName},
				{name: "evidence_url", format: formatLink},
				{name: "resolved", format: formatResolved},
			})},
		{name: "payment", plural: "payments", add: (*importer).addPayment, bulk: (*importer).addPayments, key: []string{"body", "account", "fee_year", "reference", "entry", "received_on"},
			fields: slices.Concat(account("body", "account"), fieldList{
				feeYear(),
				{name: "amount", format: formatMoney, required: true},
				{name: "method", format: formatChoice, required: true, choices: secor.PaymentMethods()},
				{name: "reference", format: formatName, required: true, max: 40, exact: true},
				{name: "received_on", format: formatDate, required: true, past: true},
				{name: "entry", format: formatChoice, choices: []string{entryPayment, entryReversal, entryRefund}},
				{name: "reason", format: formatText},
			})},
		certificateAnswerKind(),
	}
}

type fieldList []recordField

func (l fieldList) names() []string {
	names := make([]string, len(l))
	for i, f := range l {
		names[i] = f.name
	}
	return names
}

// account is how a record names a company: its account with a governing body.
func account(body, account string) fieldList {
	return fieldList{
		{name: body, format: formatBody, required: true},
		{name: account, format: formatAccount, required: true, body: body},
	}
}

// companyFields describe a company. A request of one that is on file leaves them out.
func companyFields(required bool) fieldList {
	return fieldList{
		{name: "legal_name", format: formatName, required: required},
		{name: "trade_name", format: formatName},
		{name: "province", format: formatProvince, required: required},
		{name: "contact", format: formatName},
		{name: "email", format: formatEmail, required: required},
		{name: "street", format: formatName},
		{name: "city", format: formatName},
		{name: "postal_code", format: formatName, max: 20},
		{name: "phone", format: formatPhone},
		{name: "language", format: formatChoice, choices: texts(secor.Languages())},
		{name: "member", format: formatFlag},
	}
}

func span() fieldList {
	return fieldList{{name: "from", format: formatDate, required: true}, {name: "to", format: formatDate}}
}

func people() recordField {
	return recordField{name: "headcount", format: formatCount, required: true, min: 1, max: maxPeople}
}

func feeYear() recordField {
	return recordField{name: "fee_year", format: formatCount, required: true, min: firstYear, max: lastYear}
}

func months() fieldList {
	return fieldList{
		{name: "policies_months", format: formatCount, required: true, max: maxMonths},
		{name: "records_months", format: formatCount, required: true, max: maxMonths},
	}
}

func texts[T ~string](values []T) []string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return words
}

func (k *recordKind) field(name string) (recordField, bool) {
	i := slices.IndexFunc(k.fields, func(f recordField) bool { return f.name == name })
	if i < 0 {
		return recordField{}, false
	}
	return k.fields[i], true
}

// kindNamed returns the kind of that name. The error names the nearest one.
func kindNamed(kinds []*recordKind, name string) (*recordKind, error) {
	var names []string
	for _, k := range kinds {
		if k.name == name {
			return k, nil
		}
		names = append(names, k.name)
	}
	return nil, &secor.FieldError{Field: "record", Value: name,
		Problem: "is not a kind of record" + nearest(name, names) + "; there is " + strings.Join(names, ", ")}
}

// kindOfFile returns the kind that a file of rows is called after: companies.csv,
// company.csv, courses-march.csv.
func kindOfFile(kinds []*recordKind, stem string) (*recordKind, error) {
	name := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(stem))
	var names []string
	for _, k := range kinds {
		for _, called := range []string{k.name, k.plural} {
			if name == called || strings.HasPrefix(name, called+"_") {
				return k, nil
			}
			names = append(names, called)
		}
	}
	return nil, &secor.FieldError{Problem: "its name does not say what it holds" + nearest(name, names) +
		"; call it companies.csv, courses-march.csv or the like, or say --record company"}
}

// nearest returns ` (did you mean "x"?)` for the known word that is most like a
// wrong one, and "" where none is.
func nearest(wrong string, known []string) string {
	best, least := "", len(wrong)/2+1
	if len(wrong) > 100 {
		return ""
	}
	for _, word := range known {
		d := distance(strings.ToLower(wrong), word)
		if d < least {
			best, least = word, d
		}
	}
	if best == "" {
		return ""
	}
	return ` (did you mean "` + best + `"?)`
}

// distance counts the letters to insert, remove or change between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
