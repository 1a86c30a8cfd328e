package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secordesk/schema"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// memory is a store of one case.
type memory struct {
	file   secor.File
	now    time.Time
	events []secor.Event
	jobs   []promise.Job
	act    secor.Act // the last one given
}

func (m *memory) File(_ context.Context, id secor.CaseID) (*secor.File, error) {
	if id != m.file.Case.ID {
		return nil, fmt.Errorf("load case: %w", &secor.Refusal{Kind: secor.ErrNotFound, Text: fmt.Sprintf("there is no case %d", id)})
	}
	f := m.file
	return &f, nil
}

func (m *memory) Events(context.Context, secor.CaseID) ([]secor.Event, error) { return m.events, nil }

func (m *memory) Jobs(context.Context, store.JobFilter) ([]promise.Job, error) { return m.jobs, nil }

func (m *memory) UpdateCase(_ context.Context, id secor.CaseID, act secor.Act, step func(*secor.File, time.Time) error) error {
	m.act = act
	if slices.ContainsFunc(m.events, func(e secor.Event) bool { return e.ActID == act.ID }) {
		return nil
	}
	f := m.file
	err := f.Begin(act, m.now)
	if err == nil {
		err = step(&f, m.now)
	}
	if err != nil {
		return fmt.Errorf("update case %d: %w", id, err)
	}
	for _, e := range f.Events() {
		e.Seq = len(m.events) + 1
		m.events = append(m.events, e)
		for _, follow := range secor.Follows(e.Kind) {
			if follow.Audience == secor.AudienceChannel {
				continue // this desk has none
			}
			m.jobs = append(m.jobs, promise.Job{ID: int64(len(m.jobs) + 1), Kind: string(follow.Job), Cause: e.Seq,
				Recipient: string(follow.Audience), State: promise.Open})
		}
	}
	m.file = f
	return nil
}

// newMemory returns a store of request 12, received on 25 March 2026, and a
// desk of Ana, a lead, and Ben, a reviewer.
func newMemory(t *testing.T) *memory {
	t.Helper()
	p, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	edition := p.Editions["esc-2023"]
	terminal, _, _ := testTerminal(nil)
	m := &memory{now: terminal.now(), file: secor.File{
		Case:    secor.Case{ID: 12, Kind: secor.SubjectRequest, CompanyID: 7, Body: "ab-pir", EditionID: edition.ID, OpenedAt: terminal.now()},
		Request: &secor.Request{Reason: secor.ReasonNew, Headcount: 8},
		Company: secor.Company{ID: 7, LegalName: "Kowalski Electric Ltd.", Province: "AB", Email: "office@kowalski.example"},
		Roster: []secor.Reviewer{
			{ID: 1, Name: "Ana Roy", Email: "ana.roy@example.com", Role: secor.RoleLead, Active: true, Capacity: 5},
			{ID: 2, Name: "Ben Ito", Email: "ben.ito@example.com", Role: secor.RoleReviewer, Active: true, Capacity: 5},
		},
		Edition: edition, Protocol: p.Protocols[edition.Protocol], Body: p.Bodies["ab-pir"], Programme: p,
	}}
	act := secor.Act{ID: "file:1", By: secor.Desk, Surface: secor.SurfaceFile}
	err = m.UpdateCase(t.Context(), 12, act, func(f *secor.File, _ time.Time) error { return f.Open() })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// command takes a step as the command line does and returns what it printed.
func (m *memory) command(t *testing.T, environ map[string]string, args ...string) (string, error) {
	t.Helper()
	terminal, out, _ := testTerminal(environ)
	found, err := parse(append([]string{"case"}, args...), terminal)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	s, ok := stepOf(found.context.Selected())
	if !ok {
		t.Fatalf("%q takes no step", args)
	}
	err = s.take(t.Context(), m, terminal)
	return out.String(), err
}

var asAna = map[string]string{"SECORDESK_AS": "Ana.Roy@example.com"}

func TestStepCommands_CarryEveryField(t *testing.T) {
	samples := map[secor.FieldType]string{secor.FieldText: "a b", secor.FieldInt: "3", secor.FieldDate: "2026-03-25", secor.FieldPoints: "3.50",
		secor.FieldMoney: "157.50", secor.FieldReviewer: "2", secor.FieldBool: "true"}
	for _, rule := range secor.Steps() {
		args := []string{"case", rule.Name, "14", "--reason", "why", "--as", "ana@example.com", "--act", "x", "--on", "2026-03-24"}
		want := secor.Input{}
		for _, f := range mergedFields(stepVariants(rule.Name)) {
			want[f.Name] = samples[f.Type]
			if f.Type == secor.FieldChoice {
				want[f.Name] = f.Choices[0]
			}
			if f.Type == secor.FieldBool {
				args = append(args, "--"+f.Name)
				continue
			}
			args = append(args, "--"+f.Name, want[f.Name])
		}
		if rule.Accepts != "" {
			want["accept"] = "course,headcount"
			args = append(args, "--accept", want["accept"])
		}
		terminal, _, _ := testTerminal(nil)
		found, err := parse(args, terminal)
		if err != nil {
			t.Errorf("%s: %v", rule.Name, err)
			continue
		}
		got, ok := stepOf(found.context.Selected())
		if !ok || got.name != rule.Name {
			t.Errorf("%q takes %q, want %s", args, got.name, rule.Name)
		}
		if diff := cmp.Diff(want, got.input); diff != "" {
			t.Errorf("%s: input (-want +got):\n%s", rule.Name, diff)
		}
		if diff := cmp.Diff(stepCmd{Case: 14, As: "ana@example.com", Reason: "why", On: "2026-03-24", Act: "x"}, got.stepCmd); diff != "" {
			t.Errorf("%s: shared flags (-want +got):\n%s", rule.Name, diff)
		}
	}
}

func TestStep_SaysWhatStandsAndWhatFollows(t *testing.T) {
	m := newMemory(t)
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"take", "12"}, "Request 12 of Kowalski Electric Ltd. is in review, held by Ana Roy; next: the office.\n"},
		{[]string{"query", "12", "--question", "Which account?"}, "Request 12 of Kowalski Electric Ltd. is queried, held by Ana Roy; next: the company.\nPromised: request:send_question to company.\n"},
		{[]string{"answer", "12", "--answer", "1234567", "--channel", "phone"}, "Request 12 of Kowalski Electric Ltd. is in review, held by Ana Roy; next: the office.\n"},
		{[]string{"note", "12", "--text", "called"}, "Request 12 of Kowalski Electric Ltd. is in review, held by Ana Roy; next: the office.\n"},
		{[]string{"reject", "12", "--reason", "eleven people"}, "Request 12 of Kowalski Electric Ltd. is rejected.\nPromised: request:send_rejection to company.\n"},
	}
	for _, tt := range tests {
		got, err := m.command(t, asAna, tt.args...)
		if err != nil || got != tt.want {
			t.Errorf("%q: %q, %v; want %q", tt.args, got, err, tt.want)
		}
	}
	last := m.events[len(m.events)-1]
	if last.By != secor.ByReviewer(1) || last.Surface != secor.SurfaceCLI || last.Text != "eleven people" {
		t.Errorf("the last event is %+v, want Ana's, from the command line, with her reason", last)
	}
}

func TestStep_Refusals(t *testing.T) {
	tests := []struct {
		name    string
		environ map[string]string
		args    []string
		want    string
	}{
		{"nobody named", nil, []string{"take", "12"}, "--as: is missing: your e-mail address"},
		{"a stranger", nil, []string{"take", "12", "--as", "eve@example.com"}, `--as: "eve@example.com" is nobody of this desk`},
		{"no such case", asAna, []string{"take", "13"}, "there is no case 13"},
		{"a step of the other kind", asAna, []string{"pay", "12", "--amount", "1", "--method", "eft", "--reference", "1"}, `a request has no step "pay"; its steps are take, release`},
		{"not from this state", asAna, []string{"answer", "12", "--answer", "x"}, "Record Answer is not possible: the request is received"},
		{"without a reason", asAna, []string{"reject", "12"}, "Reject wants a reason; say why in a sentence"},
		{"a choice that is none", asAna, []string{"correct", "12", "--field", "colour", "--value", "red", "--reason", "x"}, `field: "colour" is not one of legal-name, `},
		{"in the future", asAna, []string{"take", "12", "--on", "2026-03-26"}, "is in the future"},
		{"dated back without a reason", asAna, []string{"take", "12", "--on", "2026-03-24"}, "wants a reason"},
		{"no day", asAna, []string{"take", "12", "--on", "yesterday"}, `--on: "yesterday" is not a day or a time`},
		{"a finding that is none", asAna, []string{"approve", "12", "--accept", "weather", "--reason", "x"}, `accept: "weather" is not a finding`},
		{"a guard", asAna, []string{"approve", "12"}, "no account with "},
	}
	for _, tt := range tests {
		m := newMemory(t)
		out, err := m.command(t, tt.environ, tt.args...)
		if !errors.Is(err, secor.ErrRefused) {
			t.Errorf("%s: %v, want a refusal", tt.name, err)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "update case") {
			t.Errorf("%s: %q, want %q in the rule's own words", tt.name, err, tt.want)
		}
		if out != "" || len(m.events) != 1 {
			t.Errorf("%s: printed %q and left %d events, want nothing done", tt.name, out, len(m.events))
		}
	}
}

func TestStep_AssignsUnderTheRosterLock(t *testing.T) {
	m := newMemory(t)
	m.file.Case.Kind, m.file.Case.State, m.file.Request, m.file.Audit = secor.SubjectAudit, secor.StateSubmitted, nil, &secor.Audit{Headcount: 8}
	for name, want := range map[string]bool{"assign": true, "take": true, "note": false} {
		args := []string{name, "12"}
		if name == "note" {
			args = append(args, "--text", "x")
		}
		_, err := m.command(t, asAna, args...)
		if err != nil || m.act.Assigns != want {
			t.Errorf("%s: Assigns = %t, %v; want %t", name, m.act.Assigns, err, want)
		}
		m.file.Case.State, m.file.Case.Holder = secor.StateSubmitted, 0
	}
}

func TestStep_SameActTwice(t *testing.T) {
	m := newMemory(t)
	for range 2 {
		out, err := m.command(t, asAna, "note", "12", "--text", "called", "--act", "call-1")
		if err != nil || !strings.HasPrefix(out, "Request 12") {
			t.Fatalf("note: %q, %v", out, err)
		}
	}
	if len(m.events) != 2 {
		t.Errorf("%d events, want the note once: %+v", len(m.events), m.events)
	}
	_, err := m.command(t, asAna, "note", "12", "--text", "called again")
	if err != nil || len(m.events) != 3 {
		t.Errorf("%d events, %v; want acts without a name to be different ones", len(m.events), err)
	}
	// The name given again with other words is another act, not the first one's answer.
	_, err = m.command(t, asAna, "note", "12", "--text", "did not answer", "--act", "call-1")
	if err != nil || len(m.events) != 4 {
		t.Errorf("%d events, %v; want another act under the same name to be taken", len(m.events), err)
	}
	_, err = m.command(t, asAna, "note", "12", "--text", "called", "--act", "  ")
	if !errors.Is(err, secor.ErrField) {
		t.Errorf("a blank name: %v, want a refusal", err)
	}
}

func TestHappenedAt(t *testing.T) {
	p, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	office := p.Calendars[p.Office]
	now := time.Date(2026, time.March, 25, 16, 0, 0, 0, time.UTC)
	closes := fmt.Sprintf("%02d:%02d", int(office.Closes.Hours()), int(office.Closes.Minutes())%60)
	tests := []struct{ text, want string }{
		{"", ""},
		{"2026-03-25", ""},
		{"2026-03-20", "2026-03-20 " + closes},
		{"2026-03-20T14:30", "2026-03-20 14:30"},
		{"2026-03-26", "2026-03-26 " + closes},
	}
	for _, tt := range tests {
		at, err := happenedAt(tt.text, office, now)
		got := ""
		if !at.IsZero() {
			got = at.In(office.Zone).Format("2006-01-02 15:04")
		}
		if err != nil || got != tt.want {
			t.Errorf("happenedAt(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"20.3.2026", "2026-02-30", "2026-03-20T25:00", "2026-03-20 14:30"} {
		_, err := happenedAt(text, office, now)
		if !errors.Is(err, secor.ErrField) {
			t.Errorf("happenedAt(%q): %v, want a refusal", text, err)
		}
	}
}
