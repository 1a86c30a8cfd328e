package store_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"secordesk/store/secor"
	"secordesk/store/storetest"
)

var quoted = regexp.MustCompile(`'([^']*)'::text`)

// The lists in SQL are the lists in Go.
func TestConstraint_Lists(t *testing.T) {
	db := storetest.OwnerDB(t)
	verdicts := slices.DeleteFunc(secor.Verdicts(), func(v secor.Verdict) bool { return v == secor.VerdictNotScored })
	closed := func(kind secor.Subject) []secor.State {
		return slices.DeleteFunc(secor.States(kind), func(s secor.State) bool { return secor.Next(kind, s) != "" })
	}
	tests := map[string][]string{
		"cases_kind_is_known":          {"request", "audit"},
		"cases_request_state_is_known": append(texts(secor.States(secor.SubjectRequest)), "request"),
		"cases_audit_state_is_known":   append(texts(secor.States(secor.SubjectAudit)), "audit"),
		"cases_closed_are_not_held":    append(texts(closed(secor.SubjectRequest)), texts(closed(secor.SubjectAudit))...),
		"invoices_state_is_known":      texts(secor.States(secor.SubjectInvoice)),
		"certificates_state_is_known":  texts(secor.States(secor.SubjectCertificate)),
		"events_states_are_known":      append(texts(secor.AllStates()), ""),
		"events_subject_is_known":      append(texts(secor.Subjects()), ""),
		"requests_reason_is_known":     texts(secor.RequestReasons()),
		"audits_purpose_is_known":      texts(secor.Purposes()),
		"audits_result_is_known":       texts(verdicts),
		"payments_method_is_known":     secor.PaymentMethods(),
		"notes_kind_is_known":          texts(secor.NoteKinds()),
		"notes_state_is_known":         texts(secor.NoteStates()),
		"invoices_kind_is_known":       {string(secor.FeeAnnual), string(secor.FeeFurther)},
		"reviewers_role_is_known":      texts(secor.Roles()),
		"clocks_phase_is_known":        {string(secor.PhaseRunning), string(secor.PhasePaused), string(secor.PhaseFinished)},
		"attempts_outcome_is_known":    {"retried", "failed", "cancelled", "ambiguous", "given_back", "lease_lost"},
		"clock_entries_kind_is_known": texts([]secor.ClockEntryKind{secor.ClockStarted, secor.ClockPaused, secor.ClockResumed,
			secor.ClockReached, secor.ClockBreached, secor.ClockMet, secor.ClockStopped}),
		"clock_entries_party_is_of_a_pause": append(texts(secor.Parties()), "paused", ""),
		"events_surface_is_known": texts([]secor.Surface{secor.SurfaceButton, secor.SurfaceModal, secor.SurfaceSlash,
			secor.SurfaceFile, secor.SurfaceCLI, secor.SurfaceJob, secor.SurfaceClock}),
	}
	for name, want := range tests {
		var definition string
		err := db.GetContext(t.Context(), &definition, `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1`, name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := map[string]bool{}
		for _, match := range quoted.FindAllStringSubmatch(definition, -1) {
			got[match[1]] = true
		}
		wanted := map[string]bool{}
		for _, word := range want {
			wanted[word] = true
		}
		if fmt.Sprint(sorted(got)) != fmt.Sprint(sorted(wanted)) {
			t.Errorf("%s lists %q, want %q", name, sorted(got), sorted(wanted))
		}
	}
	var version int64
	err := db.GetContext(t.Context(), &version, `SELECT max(version_id) FROM goose_db_version`)
	if err != nil || version < 6 {
		t.Errorf("migrated to %d, %v", version, err)
	}
}

func texts[T ~string](words []T) []string {
	plain := make([]string, len(words))
	for i, w := range words {
		plain[i] = string(w)
	}
	return plain
}

func sorted(set map[string]bool) []string {
	var words []string
	for w := range set {
		words = append(words, w)
	}
	sort.Strings(words)
	return words
}

// wrongRows are statements that would each make one row wrong, in a database that
// has a case in review (1), a certified audit (2), an audit in its review (3), and
// a submitted audit (4), all of different companies.
var wrongRows = []struct{ constraint, statement string }{
	{"companies_are_named", `UPDATE companies SET legal_name = ' ' WHERE id = 1`},
	{"companies_province_is_known", `UPDATE companies SET province = 'XX' WHERE id = 1`},
	{"companies_address_province_is_known", `UPDATE companies SET address_province = 'XX' WHERE id = 1`},
	{"companies_email_is_one_address", `UPDATE companies SET email = 'a@b.example, c@d.example' WHERE id = 1`},
	{"companies_certificate_number_is_short", `UPDATE companies SET certificate_number = repeat('9', 41) WHERE id = 1`},
	{"companies_phone_is_plain", `UPDATE companies SET phone = '+1 403 555 0142' WHERE id = 1`},
	{"companies_language_is_known", `UPDATE companies SET language = 'de' WHERE id = 1`},
	{"registrations_one_per_body", `INSERT INTO registrations VALUES (1, 'ab-pir', '7654321', true)`},
	{"registrations_account_is_one_companys", `UPDATE registrations SET account = '0000002' WHERE company_id = 1`},
	{"registrations_account_is_plain", `UPDATE registrations SET account = '12-34' WHERE company_id = 1`},
	{"registrations_name_a_body", `UPDATE registrations SET body = '' WHERE company_id = 1`},
	{"people_are_named", `UPDATE people SET name = '' WHERE company_id = 1`},
	{"people_once_per_company", `INSERT INTO people (company_id, name) VALUES (1, 'Ana Roy')`},
	{"courses_once_per_day", `INSERT INTO courses SELECT * FROM courses`},
	{"courses_are_named", `UPDATE courses SET name = ''`},
	{"reviewers_are_named", `UPDATE reviewers SET name = '' WHERE id = 1`},
	{"reviewers_role_is_known", `UPDATE reviewers SET role = 'king' WHERE id = 1`},
	{"reviewers_capacity_in_range", `UPDATE reviewers SET capacity = -1 WHERE id = 1`},
	{"reviewers_email_is_one_address", `UPDATE reviewers SET email = 'A@desk.example' WHERE id = 1`},
	{"reviewers_email_is_unique", `UPDATE reviewers SET email = 'admin@desk.example' WHERE id = 1`},
	{"leaves_once_per_day", `INSERT INTO leaves VALUES (1, '2026-01-01', NULL), (1, '2026-01-01', '2026-01-02')`},
	{"leaves_end_after_they_begin", `INSERT INTO leaves VALUES (1, '2026-01-02', '2026-01-01')`},
	{"leaves_somebody_else_stands_in", `INSERT INTO leaves VALUES (1, '2026-01-02', NULL, 1)`},
	{"conflicts_once_per_day", `INSERT INTO conflicts VALUES (1, 1, '2026-01-01', NULL, ''), (1, 1, '2026-01-01', NULL, 'x')`},
	{"conflicts_end_after_they_begin", `INSERT INTO conflicts VALUES (1, 1, '2026-01-02', '2026-01-01', '')`},

	{"cases_kind_is_known", `UPDATE cases SET kind = 'letter' WHERE id = 1`},
	{"cases_request_state_is_known", `UPDATE cases SET state = 'in_qa' WHERE id = 1`},
	{"cases_audit_state_is_known", `UPDATE cases SET state = 'approved', holder_id = NULL WHERE id = 3`},
	{"cases_review_is_held", `UPDATE cases SET holder_id = NULL WHERE id = 1`},
	{"cases_review_is_held", `UPDATE cases SET holder_id = NULL WHERE id = 3`},
	{"cases_queue_is_not_held", `UPDATE cases SET holder_id = 1 WHERE id = 4`},
	{"cases_closed_are_not_held", `UPDATE cases SET holder_id = 1 WHERE id = 2`},
	{"cases_version_counts_from_one", `UPDATE cases SET version = 0 WHERE id = 1`},
	{"cases_name_body_and_edition", `UPDATE cases SET body = '' WHERE id = 1`},
	{"cases_one_undecided_request", `INSERT INTO cases (kind, company_id, body, state, version, edition_id, opened_at, last_seq)
		VALUES ('request', 1, 'ab-pir', 'received', 1, 'e', now(), 1)`},
	{"cases_last_event_exists", `UPDATE cases SET last_seq = last_seq + 1 WHERE id = 1`},
	{"requests_case_is_a_request", `INSERT INTO requests (case_id, reason, headcount, question) VALUES (2, 'new', 4, '')`},
	{"requests_reason_is_known", `UPDATE requests SET reason = 'why not'`},
	{"requests_headcount_in_range", `UPDATE requests SET headcount = 0`},
	{"requests_profiles_are_ids_with_a_reason", `UPDATE requests SET profiles = '12:account Roy Welding'`},

	{"audits_case_is_an_audit", `INSERT INTO audits (case_id, state, purpose, fee_year, headcount, claimed_policies, claimed_records,
		verified_policies, verified_records, question, waiting, round, term, declined) VALUES (1, 'open', 'maintenance', 2026, 4, 0, 0, 0, 0, '', false, 0, 0, false)`},
	{"audits_state_is_their_cases", `UPDATE audits SET state = 'open' WHERE case_id = 4`},
	{"audits_purpose_is_known", `UPDATE audits SET purpose = 'fun' WHERE case_id = 3`},
	{"audits_fee_year_in_range", `UPDATE audits SET fee_year = 26 WHERE case_id = 3`},
	{"audits_headcount_in_range", `UPDATE audits SET headcount = 0 WHERE case_id = 3`},
	{"audits_months_in_range", `UPDATE audits SET verified_records = -1 WHERE case_id = 3`},
	{"audits_question_is_asked", `UPDATE audits SET question = 'why?' WHERE case_id = 3`},
	{"audits_waiting_are_with_us", `UPDATE audits SET waiting = true, state = 'open' WHERE case_id = 4`},
	{"audits_queue_has_an_age", `UPDATE audits SET state = 'submitted', submitted_at = NULL WHERE case_id = 3`},
	{"audits_round_not_negative", `UPDATE audits SET round = -1, state = 'open' WHERE case_id = 4`},
	{"audits_review_has_a_submission", `UPDATE audits SET round = 0 WHERE case_id = 3`},
	{"audits_review_has_a_submission", `UPDATE audits SET last_day = NULL WHERE case_id = 3`},
	{"audits_result_is_known", `UPDATE audits SET result = 'not_scored', term = 0, notified_on = NULL WHERE case_id = 2`},
	{"audits_result_means_qa_complete", `UPDATE audits SET result = 'pass', reviewer_id = 1 WHERE case_id = 3`},
	{"audits_result_means_qa_complete", `UPDATE audits SET result = NULL, term = 0, notified_on = NULL WHERE case_id = 2`},
	{"audits_result_has_a_reviewer", `UPDATE audits SET reviewer_id = NULL WHERE case_id = 2`},
	{"audits_term_is_known", `UPDATE audits SET term = 2 WHERE case_id = 2`},
	{"audits_term_wants_a_pass", `UPDATE audits SET term = 3 WHERE case_id = 3`},
	{"audits_one_year_is_for_a_pass", `UPDATE audits SET proposer_id = 1 WHERE case_id = 3`},
	{"audits_one_year_is_for_a_pass", `UPDATE audits SET declined = true WHERE case_id = 3`},
	{"audits_declined_have_no_term", `UPDATE audits SET declined = true WHERE case_id = 2`},
	{"audits_notice_is_of_a_pass", `UPDATE audits SET notified_on = '2026-03-25' WHERE case_id = 3`},

	{"sheet_lines_one_per_question", `INSERT INTO sheet_lines SELECT * FROM sheet_lines WHERE question = 'A1'`},
	{"sheet_lines_name_a_question", `INSERT INTO sheet_lines (case_id, question) VALUES (3, '')`},
	{"sheet_lines_claimed_is_whole", `UPDATE sheet_lines SET claimed_awarded_hundredths = NULL WHERE question = 'A1'`},
	{"sheet_lines_verified_is_whole", `UPDATE sheet_lines SET verified_na = NULL WHERE question = 'A1'`},
	{"sheet_lines_claimed_within_available", `UPDATE sheet_lines SET claimed_awarded_hundredths = claimed_available_hundredths + 1 WHERE question = 'A1'`},
	{"sheet_lines_claimed_within_available", `UPDATE sheet_lines SET claimed_available_hundredths = 100000001 WHERE question = 'A1'`},
	{"sheet_lines_verified_within_available", `UPDATE sheet_lines SET verified_awarded_hundredths = -1 WHERE question = 'A1'`},
	{"sheet_lines_na_has_no_points", `UPDATE sheet_lines SET verified_na = true WHERE question = 'A1'`},
	{"sheet_lines_na_has_no_points", `UPDATE sheet_lines SET claimed_awarded_hundredths = 0, claimed_available_hundredths = 0 WHERE question = 'A1'`},

	{"invoices_company_is_their_cases", `UPDATE invoices SET company_id = 1 WHERE case_id = 3`},
	{"invoices_kind_is_known", `UPDATE invoices SET kind = 'tip', nth = 1 WHERE case_id = 3`},
	{"invoices_nth_counts_further_reviews", `UPDATE invoices SET nth = 1 WHERE case_id = 3`},
	{"invoices_nth_counts_further_reviews", `UPDATE invoices SET kind = 'further_review' WHERE case_id = 3`},
	{"invoices_state_is_known", `UPDATE invoices SET state = 'open' WHERE case_id = 3`},
	{"invoices_ask_for_money", `UPDATE invoices SET net_cents = -1 WHERE case_id = 3`},
	{"invoices_ask_for_money", `UPDATE invoices SET net_cents = 0, tax_cents = 0 WHERE case_id = 3`},
	{"invoices_tax_has_a_name", `UPDATE invoices SET tax_name = '' WHERE case_id = 3`},
	{"invoices_tax_lines_add_up", `UPDATE invoices SET tax_lines = '[{"name": "GST", "basis_points": 500, "cents": 1}]' WHERE case_id = 3`},
	{"invoices_fee_year_in_range", `UPDATE invoices SET fee_year = 26 WHERE case_id = 3`},
	{"invoices_draft_was_not_sent", `UPDATE invoices SET state = 'draft', sent_on = '2026-03-25' WHERE case_id = 3`},
	{"invoices_one_per_fee", `INSERT INTO invoices (case_id, company_id, fee_year, kind, nth, state, net_cents, tax_cents, tax_name, free)
		SELECT case_id, company_id, fee_year, kind, nth, 'draft', 100, 0, '', false FROM invoices WHERE case_id = 3`},
	{"invoices_paid_means_covered", `UPDATE invoices SET state = 'sent' WHERE case_id = 3`},
	{"invoices_paid_means_covered", `UPDATE invoices SET state = 'void' WHERE case_id = 3`},
	{"invoices_paid_means_covered", `UPDATE payments SET reversed_on = '2026-03-25'`},
	{"payments_are_money", `UPDATE payments SET amount_cents = 0`},
	{"payments_method_is_known", `UPDATE payments SET method = 'cash'`},
	{"payments_reference_stands_once", `INSERT INTO payments (invoice_id, amount_cents, method, received_on, reference)
		SELECT invoice_id, 1, 'eft', '2026-03-25', reference FROM payments`},
	{"payments_have_a_reference", `UPDATE payments SET reference = ' '`},
	{"payments_reversed_after_received", `UPDATE payments SET reversed_on = received_on - 1`},

	{"certificates_state_is_known", `UPDATE certificates SET state = 'lost'`},
	{"certificates_term_is_known", `UPDATE certificates SET term = 2`},
	{"certificates_issued_are_numbered", `UPDATE certificates SET number = '', issued_on = NULL, expires_on = NULL`},
	{"certificates_issued_are_numbered", `UPDATE certificates SET state = 'requested'`},
	{"certificates_number_is_short", `UPDATE certificates SET number = repeat('9', 41)`},
	{"certificates_issued_are_dated", `UPDATE certificates SET expires_on = NULL`},
	{"certificates_expire_after_issue", `UPDATE certificates SET expires_on = issued_on`},
	{"certificates_mailed_are_dated", `UPDATE certificates SET mailed_on = NULL`},
	{"certificates_mailed_after_issue", `UPDATE certificates SET mailed_on = issued_on - 1`},
	{"certificates_queried_have_a_question", `UPDATE certificates SET question = 'which code?'`},
	{"certificates_revoked_were_proposed", `UPDATE certificates SET state = 'revoked'`},
	{"certificates_one_stands", `INSERT INTO certificates (case_id, body, state, term, number, question) VALUES (2, 'ab-pir', 'due', 3, '', '')`},
	{"certificates_replaced_once", `INSERT INTO certificates (case_id, body, state, term, number, question, replaces_id)
		VALUES (3, 'ab-pir', 'due', 3, '', '', 1), (4, 'ab-pir', 'due', 3, '', '', 1)`},
	{"certificates_body_is_the_cases", `UPDATE certificates SET body = 'sk-wcb'; SET CONSTRAINTS ALL IMMEDIATE`},
	{"certificates_number_is_given_once", `INSERT INTO certificates (case_id, body, state, term, number, question, issued_on, expires_on)
		VALUES (3, 'ab-pir', 'received', 3, 'n 1', '', '2026-03-25', '2029-03-24')`},

	{"body_batches_made_by_somebody", `INSERT INTO body_batches (body, made_at, made_by) VALUES ('ab-pir', now(), 'company:1')`},
	{"body_batches_sha256_is_of_data", bodyBatch(`'x', encode(sha256('y'), 'hex'), NULL, NULL`)},
	{"body_batches_sent_have_a_file", bodyBatch(`'', '', now(), NULL`)},
	{"body_batches_end_once", bodyBatch(`'x', encode(sha256('x'), 'hex'), now(), now()`)},
	{"body_batch_rows_one_unsettled", bodyBatch(`'', '', NULL, NULL`) + `; ` + bodyBatch(`'', '', NULL, NULL`) +
		`; INSERT INTO body_batch_rows (batch_id, certificate_id) SELECT id, 1 FROM body_batches`},
	{"mail_batches_made_by_a_person", `INSERT INTO mail_batches (made_at, made_by, data, sha256) VALUES (now(), 'desk', 'x', encode(sha256('x'), 'hex'))`},
	{"mail_batches_sha256_is_of_data", mailBatch(`encode(sha256('y'), 'hex'), NULL, NULL`)},
	{"mail_batches_end_once", mailBatch(`encode(sha256('x'), 'hex'), now(), now()`)},
	{"mail_envelopes_positions_from_one", envelope(`0, NULL, ''`)},
	{"mail_envelopes_left_out_are_settled", envelope(`1, NULL, 'changed'`)},
	{"mail_envelopes_once_per_batch", envelope(`1, now(), ''`) + `; INSERT INTO mail_envelopes SELECT batch_id, 2, certificate_id, case_id, '', '', now(), '' FROM mail_envelopes`},
	{"mail_envelopes_one_open", envelope(`1, NULL, ''`) + `; ` + envelope(`1, NULL, ''`)},

	{"documents_name_is_unique", `INSERT INTO documents SELECT 1, 'a.pdf', 'a/b', 'x', encode(sha256('x'), 'hex'), now() FROM generate_series(1, 2)`},
	{"documents_name_is_a_file_name", `INSERT INTO documents VALUES (1, '../a.pdf', 'a/b', 'x', encode(sha256('x'), 'hex'), now())`},
	{"documents_have_a_media_type", `INSERT INTO documents VALUES (1, 'a.pdf', 'pdf', 'x', encode(sha256('x'), 'hex'), now())`},
	{"documents_sha256_is_of_data", `INSERT INTO documents VALUES (1, 'a.pdf', 'a/b', 'x', encode(sha256('y'), 'hex'), now())`},

	{"audits_evidence_is_https", `UPDATE audits SET evidence_url = 'http://tool.example/14'`},
	{"audits_taken_in_as_a_round", `UPDATE audits SET taken_as = 9`},
	{"audits_taken_in_as_a_round", `UPDATE audits SET taken_in_on = NULL`},
	{"rounds_are_append_only", `UPDATE rounds SET headcount = headcount`},
	{"rounds_are_append_only", `DELETE FROM rounds WHERE false`},
	{"rounds_are_append_only", `TRUNCATE rounds`},
	{"rounds_one_per_number", round(`1, '{}', 12, 12, 4, repeat('a', 64)`)},
	{"rounds_count_from_one", round(`0, '{}', 12, 12, 4, repeat('a', 64)`)},
	{"rounds_marks_are_an_object", round(`2, '[]', 12, 12, 4, repeat('a', 64)`)},
	{"rounds_months_in_range", round(`2, '{}', 12, -1, 4, repeat('a', 64)`)},
	{"rounds_headcount_in_range", round(`2, '{}', 12, 12, 0, repeat('a', 64)`)},
	{"rounds_sum_is_sha256", round(`2, '{}', 12, 12, 4, 'a'`)},
	{"notes_one_per_number", note(`1, 'actionable', 'open', 'Sign it.', 1, 0, 0`) + `; ` + note(`1, 'actionable', 'open', 'Sign it.', 1, 0, 0`)},
	{"notes_count_from_one", note(`0, 'actionable', 'open', 'Sign it.', 1, 0, 0`)},
	{"notes_kind_is_known", note(`1, 'urgent', 'open', 'Sign it.', 1, 0, 0`)},
	{"notes_state_is_known", note(`1, 'actionable', 'done', 'Sign it.', 1, 0, 0`)},
	{"notes_informational_are_not_confirmed", note(`1, 'informational', 'confirmed', 'Well kept.', 1, 0, 0`)},
	{"notes_say_something", note(`1, 'actionable', 'open', ' ', 1, 0, 0`)},
	{"notes_asked_since_written", note(`1, 'actionable', 'open', 'Sign it.', 2, 1, 1`)},
	{"notes_asked_since_written", note(`1, 'actionable', 'open', 'Sign it.', 1, 2, 1`)},

	{"texts_hash_is_of_salt_and_body", `UPDATE texts SET body = body || '!'`},
	{"texts_salt_is_long", `INSERT INTO texts VALUES (encode(sha256('saltbody'), 'hex'), 'salt', 'body')`},
	{"texts_erased_are_empty", `UPDATE texts SET erased_at = now()`},
	{"texts_erased_are_empty", `UPDATE texts SET salt = NULL, body = NULL`},

	{"events_are_append_only", `UPDATE events SET kind = kind`},
	{"events_are_append_only", `DELETE FROM events WHERE false`},
	{"events_are_append_only", `TRUNCATE events CASCADE`},
	{"events_seq_is_unique", events(`SELECT * FROM e`)},
	{"events_act_is_unique", events(`UPDATE e SET seq = seq + 1, prev_hash = hash, hash = repeat('a', 64)`)},
	{"events_follow_the_one_before", events(`UPDATE e SET seq = seq + 2, act_id = 'x'`)},
	{"events_follow_the_one_before", events(`UPDATE e SET seq = seq + 1, act_id = 'x', prev_hash = repeat('a', 64)`)},
	{"events_first_follows_nothing", events(`UPDATE e SET seq = 1`)},
	{"events_first_follows_nothing", events(`UPDATE e SET seq = 0, prev_hash = ''`)},
	{"events_stream_is_known", events(`UPDATE e SET stream = 'company:1'`)},
	{"events_kind_is_two_words", events(`UPDATE e SET kind = 'approved'`)},
	{"events_subject_is_known", events(`UPDATE e SET subject = 'letter'`)},
	{"events_states_are_known", events(`UPDATE e SET to_state = 'lost'`)},
	{"events_states_are_known", events(`UPDATE e SET from_state = 'lost'`)},
	{"events_move_is_whole", events(`UPDATE e SET to_state = ''`)},
	{"events_move_is_whole", events(`UPDATE e SET subject = '', to_state = ''`)},
	{"events_actor_is_known", events(`UPDATE e SET actor = 'Ana Roy'`)},
	{"events_on_behalf_of_is_known", events(`UPDATE e SET on_behalf_of = 'Ana Roy'`)},
	{"events_surface_is_known", events(`UPDATE e SET surface = ''`)},
	{"events_act_has_an_id", events(`UPDATE e SET act_id = ''`)},
	{"events_happened_before_recorded", events(`UPDATE e SET happened_at = recorded_at + interval '1 microsecond'`)},
	{"events_facts_are_an_object", events(`UPDATE e SET facts = '[]'`)},
	{"events_hash_is_sha256", events(`UPDATE e SET hash = 'a'`)},

	{"clocks_cycle_is_unique", `INSERT INTO clocks OVERRIDING SYSTEM VALUE SELECT * FROM (SELECT 99, case_id, policy, cycle, frozen, calendar, zone_data, 'finished', NULL::timestamptz AS a, NULL::timestamptz AS d
		FROM clocks WHERE case_id = 1) c`},
	{"clocks_cycle_counts_from_one", `UPDATE clocks SET cycle = 0 WHERE case_id = 1`},
	{"clocks_policy_is_frozen", `UPDATE clocks SET frozen = '{}' WHERE case_id = 1`},
	{"clocks_phase_is_known", `UPDATE clocks SET phase = 'asleep', acts_at = NULL, due_at = NULL WHERE case_id = 1`},
	{"clocks_due_means_running", `UPDATE clocks SET phase = 'paused' WHERE case_id = 1`},
	{"clocks_due_means_running", `UPDATE clocks SET acts_at = NULL, due_at = NULL WHERE case_id = 1`},
	{"clocks_one_unfinished", `INSERT INTO clocks OVERRIDING SYSTEM VALUE SELECT * FROM (SELECT 99, case_id, policy, 2, frozen, calendar, zone_data, phase, acts_at, due_at
		FROM clocks WHERE case_id = 1) c`},
	{"clock_entries_are_append_only", `UPDATE clock_entries SET kind = kind`},
	{"attempts_outcome_is_known", `INSERT INTO attempts (job_id, fence, worker, ended_at, outcome, error) SELECT min(id), 9, '', now(), 'open', '' FROM jobs`},
	{"desk_is_one", `INSERT INTO desk (one) VALUES (false)`},
	{"clock_entries_are_append_only", `DELETE FROM clock_entries WHERE false`},
	{"clock_entries_are_append_only", `TRUNCATE clock_entries`},
	{"clock_entries_seq_is_unique", entry(`1, 'started', now(), now(), '', ''`)},
	{"clock_entries_first_is_the_start", entry(`9, 'started', now(), now(), '', ''`)},
	{"clock_entries_kind_is_known", entry(`9, 'dropped', now(), now(), '', ''`)},
	{"clock_entries_party_is_of_a_pause", entry(`9, 'paused', now(), now(), '', ''`)},
	{"clock_entries_party_is_of_a_pause", entry(`9, 'met', now(), now(), 'office', ''`)},
	{"clock_entries_level_is_of_an_act", entry(`9, 'reached', now(), now(), '', ''`)},
	{"clock_entries_happened_before_recorded", entry(`9, 'met', now() + interval '1 second', now(), '', ''`)},
	{"clock_entries_level_once", entry(`8, 'reached', now(), now(), '', 'warn'`) + `; ` + entry(`9, 'reached', now(), now(), '', 'warn'`)},

	{"schedules_name_is_plain", schedule(`'Ten o''clock', 'all', now(), now()`)},
	{"schedules_misfire_is_known", schedule(`'daily', 'some', now(), now()`)},
	{"schedules_settled_since_known", schedule(`'daily', 'all', now(), now() - interval '1 second'`)},
}

// events inserts a copy of the last event of case 1 once a statement changed it.
func events(change string) string {
	columns := `stream, seq, kind, subject, from_state, to_state, actor, on_behalf_of, surface, act_id, part, happened_at, recorded_at, text_hash, facts, prev_hash, hash`
	return `CREATE TEMP TABLE e AS SELECT ` + columns + ` FROM events WHERE stream = 'case:1' ORDER BY seq DESC LIMIT 1; ` + change +
		`; INSERT INTO events (` + columns + `) SELECT * FROM e`
}

// entry inserts an entry of the clock of case 1.
func entry(values string) string {
	return `INSERT INTO clock_entries (clock_id, seq, kind, happened_at, recorded_at, party, level)
		SELECT id, v.* FROM clocks, (VALUES (` + values + `)) v WHERE case_id = 1`
}

// bodyBatch inserts a batch for a governing body.
func bodyBatch(values string) string {
	return `INSERT INTO body_batches (body, made_at, made_by, data, sha256, sent_at, cancelled_at) VALUES ('ab-pir', now(), 'desk', ` + values + `)`
}

// mailBatch inserts a print batch.
func mailBatch(values string) string {
	return `INSERT INTO mail_batches (made_at, made_by, data, sha256, mailed_at, cancelled_at) VALUES (now(), 'reviewer:1', 'x', ` + values + `)`
}

// envelope inserts a print batch with one envelope, of certificate 1.
func envelope(values string) string {
	return mailBatch(`encode(sha256('x'), 'hex'), NULL, NULL`) + `; INSERT INTO mail_envelopes (batch_id, certificate_id, case_id, postal_code, printed, position, settled_at, left_out)
		SELECT max(id), 1, 2, '', '', ` + values + ` FROM mail_batches`
}

// round inserts a round of case 3.
func round(values string) string {
	return `INSERT INTO rounds (case_id, handed_in_at, last_day, stated_name, stated_account, evidence_url, number, marks, policies, records, headcount, sheet_sum)
		VALUES (3, now(), '2026-03-20', '', '', '', ` + values + `)`
}

// note inserts a note of case 3.
func note(values string) string {
	return `INSERT INTO notes (case_id, question, answer, number, kind, state, text, round, asked, repeated) VALUES (3, 'A1', '', ` + values + `)`
}

// schedule inserts a schedule.
func schedule(values string) string {
	return `INSERT INTO schedules (kind, spec, name, misfire, known_since, settled_until) VALUES ('a:b', '@daily', ` + values + `)`
}

// Every constraint refuses its wrong row by its own name, and every constraint
// has one.
func TestConstraint_WrongRows(t *testing.T) {
	d := newDesk(t)
	id := d.request(d.company(1))
	d.take(id, d.lead, "take", nil)
	d.certified(d.company(2))
	d.reviewed(d.company(3))
	d.take(d.reviewed(d.company(4)), d.lead, "release", nil)

	db := storetest.OwnerDB(t)
	tested := map[string]bool{}
	for _, tt := range wrongRows {
		tested[tt.constraint] = true
		got, err := violated(t.Context(), db, tt.statement)
		if err != nil {
			t.Errorf("%s: %s: %v", tt.constraint, tt.statement, err)
		} else if got != tt.constraint {
			t.Errorf("%s\nviolates %q, want %s", tt.statement, got, tt.constraint)
		}
	}
	var all []string
	d.ok(db.SelectContext(t.Context(), &all, `
		SELECT conname FROM pg_constraint
		WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'p', 'x', 'f') AND conrelid NOT IN ('jobs'::regclass, 'goose_db_version'::regclass)
		UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND i.indrelid NOT IN ('jobs'::regclass, 'goose_db_version'::regclass)`))
	for _, name := range all {
		// Plain numbers and plain references have Postgres' own names, and the keys
		// of cases are only there to be referred to.
		plain := strings.HasSuffix(name, "_pkey") || strings.HasSuffix(name, "_fkey") || strings.HasSuffix(name, "_is_theirs")
		if !plain && !tested[name] {
			t.Errorf("no row is known that %s refuses", name)
		}
	}
}

// violated runs statements as the owner, without keeping anything, and returns
// the name of the constraint that they violate.
func violated(ctx context.Context, db *sqlx.DB, statements string) (string, error) {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, statements+`; SET CONSTRAINTS ALL IMMEDIATE`)
	var refused *pq.Error
	if errors.As(err, &refused) && refused.Constraint != "" {
		return refused.Constraint, nil
	}
	return "", err
}

// The application owns nothing, and what was recorded it can neither change nor
// remove.
func TestConstraint_RightsOfTheApplication(t *testing.T) {
	d := newDesk(t)
	d.certified(d.company(1))
	db := storetest.DB(t)
	for _, statement := range []string{
		`UPDATE events SET kind = kind`, `DELETE FROM events`, `TRUNCATE events`, `ALTER TABLE events DISABLE TRIGGER ALL`,
		`UPDATE clock_entries SET kind = kind`, `DELETE FROM clock_entries`, `DELETE FROM texts`, `UPDATE texts SET hash = hash`,
		`DELETE FROM cases`, `UPDATE cases SET company_id = 1`, `DELETE FROM companies`, `UPDATE payments SET amount_cents = 1`,
		`DELETE FROM invoices`, `UPDATE invoices SET net_cents = 1`, `UPDATE invoices SET company_id = 1`, `UPDATE certificates SET term = 1`,
		`UPDATE certificates SET case_id = 1`, `UPDATE clocks SET frozen = ''`, `UPDATE documents SET data = ''`, `DROP TABLE texts`,
		`UPDATE ticks SET instant = now()`, `UPDATE schedules SET known_since = now()`, `DELETE FROM schedules`, `TRUNCATE jobs CASCADE`,
	} {
		_, err := db.ExecContext(t.Context(), statement)
		var refused *pq.Error
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s: %v, want permission denied", statement, err)
		}
	}
	if n := d.count(`SELECT count(*) FROM pg_class WHERE relowner = 'secordesk_app'::regrole`); n != 0 {
		t.Errorf("the application owns %d tables or indexes, want none", n)
	}
}
