package storetest

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
)

// office is two cases that went as they should, written by hand: the first was
// decided by a job and the company told by another, the second is not decided.
const officeSQL = `
	INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member)
	VALUES ('Roy Roofing', '', 'roy roofing', 'AB', '', '', '', '', '', '', true), ('Lee Paving', '', 'lee paving', 'AB', '', '', '', '', '', '', true);
	INSERT INTO cases (kind, company_id, body, state, version, edition_id, opened_at, last_seq)
	VALUES ('request', 1, 'ab-pir', 'not_required', 2, '2023', now(), 3), ('request', 2, 'ab-pir', 'received', 1, '2023', now(), 1);
	INSERT INTO requests (case_id, reason, headcount, question) VALUES (1, 'no_profile', 4, ''), (2, 'new', 4, '');
	CREATE FUNCTION happen(stream text, seq int, kind text, act text, part int, facts text DEFAULT '{}', at timestamptz DEFAULT now()) RETURNS void LANGUAGE sql AS $$
		INSERT INTO events (stream, seq, kind, subject, from_state, to_state, actor, on_behalf_of, surface, act_id, part, happened_at, recorded_at, facts, prev_hash, hash)
		SELECT stream, seq, kind, '', '', '', 'desk', '', 'job', act, part, '2026-01-01', at, facts,
			CASE WHEN seq > 1 THEN encode(sha256(convert_to(stream || (seq - 1), 'UTF8')), 'hex') ELSE '' END, encode(sha256(convert_to(stream || seq, 'UTF8')), 'hex')
	$$;
	CREATE FUNCTION promise(kind text, of_case int, cause int, nth text DEFAULT '') RETURNS void LANGUAGE sql AS $$
		INSERT INTO jobs (kind, case_id, cause, key, audience, recipient, not_before, state, finished_at)
		SELECT kind, of_case, cause, of_case || '/' || cause || '/' || kind || nth, 'desk', 'desk', now(), 'done', now()
	$$;
	SELECT happen('case:1', 1, 'request.received', 'open:1', 1), happen('case:1', 2, 'request.not_required', 'job:1', 1), happen('case:1', 3, 'letter.sent', 'job:2', 1),
		happen('case:2', 1, 'request.received', 'open:2', 1);
	INSERT INTO schedules (name, kind, spec, misfire, known_since, settled_until) VALUES ('nightly', 'desk:purge', '@daily', 'all', '2026-01-01Z', '2026-01-02Z');
	INSERT INTO ticks (schedule, instant) VALUES ('nightly', '2026-01-02Z');
	SELECT promise('request:decide_need', 1, 1), promise('request:tell', 1, 2), promise('request:decide_need', 2, 1);
	INSERT INTO jobs (kind, schedule, tick_at, key, audience, recipient, not_before, state, finished_at)
	VALUES ('desk:purge', 'nightly', '2026-01-02Z', 'nightly/1', 'desk', 'desk', now(), 'done', now());
	UPDATE jobs SET sending_at = now() WHERE id = 2;
	UPDATE jobs SET state = 'cancelled' WHERE id = 3`

// officeExpected is what a test of that office would write.
func officeExpected() Expected {
	return Expected{
		Follows: map[string][]string{
			"request.received":     {"request:decide_need"},
			"request.not_required": {"request:tell"},
			"letter.sent":          nil,
			"job.retried":          nil,
		},
		Ticks:   map[string]string{"nightly": "desk:purge"},
		Effects: map[string]string{"request:decide_need": "request.not_required", "request:tell": LetterSent, "desk:purge": ""},
		Once:    []string{"request.received", "request.not_required", "letter.sent"},
		Letters: map[string]int{"job-2@desk.example": 1},
	}
}

// office returns that office's database, with the rights of its owner and without
// what would keep a test from breaking it.
func office(t *testing.T) *sqlx.DB {
	t.Helper()
	db := OwnerDB(t)
	db.SetMaxOpenConns(1)
	mustExec(t, db, officeSQL)
	mustExec(t, db, `SET session_replication_role = replica`)
	mustExec(t, db, `ALTER TABLE events DROP CONSTRAINT events_act_is_unique`)
	mustExec(t, db, `ALTER TABLE jobs DROP CONSTRAINT jobs_woken_or_claimed, DROP CONSTRAINT jobs_held_only_while_open, DROP CONSTRAINT jobs_ambiguous_was_sending`)
	return db
}

func mustExec(t *testing.T, db *sqlx.DB, query string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestInspect(t *testing.T) {
	const open = `UPDATE jobs SET finished_at = NULL, state = 'open'`
	tests := []struct {
		name    string
		broken  string         // SQL
		letters map[string]int // nil: as they should be
		want    []string
	}{
		{"all is well", ``, nil, nil},
		{"a job is gone", `DELETE FROM jobs WHERE id = 2`, map[string]int{}, []string{
			"lost: case:1 event 2 is not followed by request:tell",
			"case:1 event 3 (letter.sent) was done by job:2, which nobody promised"}},
		{"a job is open", open + ` WHERE id = 3`, nil, []string{
			"lost: job 3 (request:decide_need, open) did not come to an end"}},
		{"a job is claimed", open + `, token = 'x', claimed_until = now() WHERE id = 3`, nil, []string{
			"lost: job 3 (request:decide_need, open) did not come to an end",
			"job 3 (request:decide_need, open) is still held"}},
		{"a job that is over is woken", `UPDATE jobs SET woken_until = now() WHERE id = 3`, nil, []string{
			"job 3 (request:decide_need, cancelled) is still held"}},
		{"a job is promised twice", `SELECT promise('request:decide_need', 2, 1, 'again'); UPDATE jobs SET state = 'cancelled' WHERE id > 4`, nil, []string{
			"promised twice: job 5 (request:decide_need, cancelled)"}},
		{"a job follows from nothing", `SELECT promise('request:decide_need', 1, 2); UPDATE jobs SET state = 'cancelled' WHERE id > 4`, nil, []string{
			"follows from nothing: job 5 (request:decide_need, cancelled)"}},
		{"a job of another test", `UPDATE jobs SET kind = 'request:dance' WHERE id = 3`, nil, []string{
			"follows from nothing: job 3 (request:dance, cancelled)",
			"lost: case:2 event 1 is not followed by request:decide_need",
			"unexpected: job 3 (request:dance, cancelled)"}},
		{"a tick without its job", `DELETE FROM jobs WHERE id = 4`, nil, []string{
			"lost: nightly 2026-01-02 00:00:00 is not followed by desk:purge"}},
		{"a tick with two jobs", `DROP INDEX jobs_one_per_tick; INSERT INTO jobs (kind, schedule, tick_at, key, audience, recipient, not_before, state, finished_at)
			VALUES ('desk:purge', 'nightly', '2026-01-02Z', 'nightly/2', 'desk', 'desk', now(), 'done', now())`, nil, []string{
			"promised twice: job 5 (desk:purge, done)"}},
		{"a job whose tick is gone", `DELETE FROM ticks`, nil, []string{
			"follows from nothing: job 4 (desk:purge, done)"}},
		{"a schedule of another test", `INSERT INTO ticks (schedule, instant) VALUES ('hourly', '2026-01-02Z')`, nil, []string{
			"unexpected: hourly 2026-01-02 00:00:00"}},
		{"an event of another test", `SELECT happen('case:2', 2, 'case.noted', 'note', 1); UPDATE cases SET last_seq = 2 WHERE id = 2`, nil, []string{
			"unexpected: case:2 event 2 (case.noted)"}},
		{"an event twice", `SELECT happen('case:1', 4, 'letter.sent', 'job:2', 1); UPDATE cases SET last_seq = 4 WHERE id = 1`, nil, []string{
			"effect twice: job 2 (request:tell, done) recorded case:1 event 4 (letter.sent) once more",
			"effect twice: case:1 event 4 (letter.sent)"}},
		{"an effect in two transactions", `SELECT happen('case:1', 4, 'job.retried', 'job:2', 2); UPDATE cases SET last_seq = 4 WHERE id = 1`, nil, []string{
			"effect twice: job 2 (request:tell, done) recorded case:1 event 4 (job.retried) once more"}},
		{"an effect under two names", `SELECT happen('case:1', 4, 'letter.sent', 'other', 1); UPDATE cases SET last_seq = 4 WHERE id = 1`, nil, []string{
			"effect twice: case:1 event 4 (letter.sent)"}},
		{"an effect on another case", `UPDATE events SET stream = 'case:2', seq = 2 WHERE seq = 3; UPDATE cases SET last_seq = 2`, nil, []string{
			"job 2 (request:tell, done) acted on another case: case:2 event 2 (letter.sent)"}},
		{"a gap", `UPDATE events SET seq = 5 WHERE seq = 3; UPDATE cases SET last_seq = 5 WHERE id = 1`, nil, []string{
			"case:1 event 5 (letter.sent) stands after event 2"}},
		{"a tail is gone", `UPDATE cases SET last_seq = 4 WHERE id = 1`, nil, []string{
			"case:1 ends with event 3, its case says 4"}},
		{"time runs backwards", `UPDATE events SET recorded_at = '2026-01-02' WHERE seq = 3`, nil, []string{
			"case:1 event 3 (letter.sent) was recorded before the event before it"}},
		{"done without its effect", `UPDATE jobs SET state = 'done' WHERE id = 3`, nil, []string{
			"lost: job 3 (request:decide_need, done) has no effect request.not_required"}},
		{"failed with an effect", `UPDATE jobs SET state = 'failed' WHERE id = 1`, nil, []string{
			"job 1 (request:decide_need, failed) has an effect: case:1 event 2 (request.not_required)"}},
		{"ambiguous without a sending", `UPDATE jobs SET state = 'ambiguous' WHERE id = 3`, nil, []string{
			"job 3 (request:decide_need, ambiguous) was never being sent"}},
		{"a letter is lost", ``, map[string]int{}, []string{
			"lost: the letter of job 2 (request:tell, done) was not received"}},
		{"a letter twice", ``, map[string]int{"job-2@desk.example": 2}, []string{
			"sent twice: the letter of job 2 (request:tell, done) was received 2 times, and 0 times a person had it sent again in doubt"}},
		{"a letter under two names", ``, map[string]int{"job-2@desk.example": 1, "job-02@other.example": 1}, []string{
			"sent twice: the letter of job 2 (request:tell, done) was received 2 times, and 0 times a person had it sent again in doubt"}},
		{"a letter twice, as a person wanted it",
			`SELECT happen('case:1', 4, 'job.retried', 'cli:1', 1, '{"job": "2", "was": "ambiguous"}'); UPDATE cases SET last_seq = 4 WHERE id = 1`,
			map[string]int{"job-2@desk.example": 2}, nil},
		{"a letter twice, and it was never in doubt",
			`SELECT happen('case:1', 4, 'job.retried', 'cli:1', 1, '{"job": "2", "was": "failed"}'); UPDATE cases SET last_seq = 4 WHERE id = 1`,
			map[string]int{"job-2@desk.example": 2}, []string{
				"sent twice: the letter of job 2 (request:tell, done) was received 2 times, and 0 times a person had it sent again in doubt"}},
		{"a letter in doubt", `DELETE FROM events WHERE seq = 3; UPDATE cases SET last_seq = 2 WHERE id = 1; UPDATE jobs SET state = 'ambiguous' WHERE id = 2`, nil, nil},
		{"a letter in doubt that was not received",
			`DELETE FROM events WHERE seq = 3; UPDATE cases SET last_seq = 2 WHERE id = 1; UPDATE jobs SET state = 'ambiguous' WHERE id = 2`, map[string]int{}, nil},
		{"a letter that nobody admits",
			`DELETE FROM events WHERE seq = 3; UPDATE cases SET last_seq = 2 WHERE id = 1; UPDATE jobs SET state = 'failed', sending_at = NULL WHERE id = 2`, nil, []string{
				"the letter of job 2 (request:tell, failed) was received and it says that nothing was sent"}},
		{"letters of nobody", ``, map[string]int{"job-2@desk.example": 1, "job-77@desk.example": 1, "welcome@desk.example": 1, "job-1@desk.example": 1}, []string{
			"letter job-77@desk.example was received and nobody promised it",
			"letter welcome@desk.example was received and is no job's",
			"job 1 (request:decide_need, done) sends no letters and one was received"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := office(t)
			mustExec(t, db, tt.broken)
			want := officeExpected()
			if tt.letters != nil {
				want.Letters = maps.Clone(tt.letters)
			}
			got, err := Inspect(t.Context(), db.DB, want)
			if err != nil {
				t.Fatal(err)
			}
			diff := cmp.Diff(tt.want, got)
			if diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// Who inspects the engine may not be part of it.
func TestInspect_SharesNoCode(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "inspect.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, imported := range file.Imports {
		if strings.Contains(imported.Path.Value, ".") || strings.HasPrefix(imported.Path.Value, `"secordesk`) {
			t.Errorf("inspect.go imports %s, want the standard library only", imported.Path.Value)
		}
	}
}

func TestInspect_NoTables(t *testing.T) {
	db := OwnerDB(t)
	mustExec(t, db, `DROP TABLE jobs CASCADE`)
	_, err := Inspect(t.Context(), db.DB, Expected{})
	if err == nil || !strings.Contains(fmt.Sprint(err), "jobs") {
		t.Errorf("Inspect without tables: %v, want a fault that names them", err)
	}
}
