-- Cases, and everything that belongs to one. The state of an audit stands in its
-- own row as well, held equal by a key, so that SQL can say what a state means
-- for the audit's other columns.
-- +goose Up
CREATE TABLE cases (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text        NOT NULL,
    company_id bigint      NOT NULL REFERENCES companies (id),
    body       text        NOT NULL,
    state      text        NOT NULL,
    version    integer     NOT NULL,  -- rises with every move
    edition_id text        NOT NULL,
    opened_at  timestamptz NOT NULL,
    holder_id  bigint      REFERENCES reviewers (id),
    last_seq   integer     NOT NULL,  -- of its last event
    stream     text        GENERATED ALWAYS AS ('case:' || id::text) STORED,
    CONSTRAINT cases_kind_is_known CHECK (kind IN ('request', 'audit')),
    CONSTRAINT cases_request_state_is_known CHECK (kind <> 'request' OR state IN
        ('received', 'in_review', 'approved', 'rejected', 'not_required', 'withdrawn', 'queried', 'no_answer')),
    CONSTRAINT cases_audit_state_is_known CHECK (kind <> 'audit' OR state IN
        ('registered', 'awaiting_payment', 'registration_review', 'cancelled', 'withdrawn', 'lapsed', 'registration_queried',
         'open', 'no_answer', 'submitted', 'in_qa', 'revision', 'qa_complete', 'not_reviewed')),
    CONSTRAINT cases_review_is_held CHECK (state NOT IN ('in_review', 'queried', 'in_qa', 'revision') OR holder_id IS NOT NULL),
    CONSTRAINT cases_queue_is_not_held CHECK (state NOT IN ('received', 'submitted') OR holder_id IS NULL),
    CONSTRAINT cases_closed_are_not_held CHECK (holder_id IS NULL OR state NOT IN
        ('approved', 'rejected', 'not_required', 'withdrawn', 'no_answer', 'cancelled', 'lapsed', 'qa_complete', 'not_reviewed')),
    CONSTRAINT cases_version_counts_from_one CHECK (version >= 1),
    CONSTRAINT cases_name_body_and_edition CHECK (body <> '' AND edition_id <> ''),
    CONSTRAINT cases_kind_is_theirs UNIQUE (id, kind),
    CONSTRAINT cases_company_is_theirs UNIQUE (id, company_id),
    CONSTRAINT cases_state_is_theirs UNIQUE (id, kind, state)
);
CREATE UNIQUE INDEX cases_one_undecided_request ON cases (company_id, body)
    WHERE kind = 'request' AND state IN ('received', 'in_review', 'queried');
CREATE INDEX cases_company_id_idx ON cases (company_id);
CREATE INDEX cases_kind_state_idx ON cases (kind, state);
CREATE INDEX cases_load_idx ON cases (holder_id) WHERE kind = 'audit' AND state IN ('in_qa', 'revision');

CREATE TABLE requests (
    case_id   bigint  PRIMARY KEY,
    kind      text    NOT NULL GENERATED ALWAYS AS ('request') STORED,
    reason    text    NOT NULL,
    headcount integer NOT NULL,
    question  text    NOT NULL,  -- asked and not yet answered
    CONSTRAINT requests_case_is_a_request FOREIGN KEY (case_id, kind) REFERENCES cases (id, kind),
    CONSTRAINT requests_reason_is_known CHECK (reason IN ('no_profile', 'switching', 'new')),
    CONSTRAINT requests_headcount_in_range CHECK (headcount BETWEEN 1 AND 1000000)
);

CREATE TABLE audits (
    case_id           bigint  PRIMARY KEY,
    kind              text    NOT NULL GENERATED ALWAYS AS ('audit') STORED,
    state             text    NOT NULL,
    purpose           text    NOT NULL,
    fee_year          integer NOT NULL,
    headcount         integer NOT NULL,
    claimed_policies  integer NOT NULL,  -- months of documentation, here and below
    claimed_records   integer NOT NULL,
    verified_policies integer NOT NULL,
    verified_records  integer NOT NULL,
    last_day          date,              -- of the assessment
    question          text    NOT NULL,
    waiting           boolean NOT NULL,  -- the submission's check left something to a person
    round             integer NOT NULL,
    result            text,              -- NULL until the reviewer confirms
    term              integer NOT NULL,  -- years of the certificate
    proposer_id       bigint  REFERENCES reviewers (id),
    declined          boolean NOT NULL,
    notified_on       date,
    reviewer_id       bigint  REFERENCES reviewers (id),
    CONSTRAINT audits_case_is_an_audit FOREIGN KEY (case_id, kind) REFERENCES cases (id, kind),
    CONSTRAINT audits_state_is_their_cases FOREIGN KEY (case_id, kind, state)
        REFERENCES cases (id, kind, state) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT audits_purpose_is_known CHECK (purpose IN ('certification', 'maintenance', 'recertification')),
    CONSTRAINT audits_fee_year_in_range CHECK (fee_year BETWEEN 2000 AND 2200),
    CONSTRAINT audits_headcount_in_range CHECK (headcount BETWEEN 1 AND 1000000),
    CONSTRAINT audits_months_in_range CHECK (claimed_policies BETWEEN 0 AND 1200 AND claimed_records BETWEEN 0 AND 1200
        AND verified_policies BETWEEN 0 AND 1200 AND verified_records BETWEEN 0 AND 1200),
    CONSTRAINT audits_question_is_asked CHECK ((question <> '') = (state IN ('registration_queried', 'revision'))),
    CONSTRAINT audits_waiting_are_with_us CHECK (NOT waiting OR state IN ('submitted', 'in_qa')),
    CONSTRAINT audits_round_not_negative CHECK (round >= 0),
    CONSTRAINT audits_review_has_a_submission CHECK (state NOT IN ('submitted', 'in_qa', 'revision', 'qa_complete', 'not_reviewed')
        OR round >= 1 AND last_day IS NOT NULL),
    CONSTRAINT audits_result_is_known CHECK (result IN ('pass', 'fail')),
    CONSTRAINT audits_result_means_qa_complete CHECK ((result IS NOT NULL) = (state = 'qa_complete')),
    CONSTRAINT audits_result_has_a_reviewer CHECK (result IS NULL OR reviewer_id IS NOT NULL),
    CONSTRAINT audits_term_is_known CHECK (term IN (0, 1, 3)),
    CONSTRAINT audits_term_wants_a_pass CHECK (term = 0 OR result IS NOT DISTINCT FROM 'pass'),
    CONSTRAINT audits_one_year_is_for_a_pass CHECK ((proposer_id IS NULL AND NOT declined) OR result IS NOT DISTINCT FROM 'pass'),
    CONSTRAINT audits_declined_have_no_term CHECK (NOT declined OR term = 0),
    CONSTRAINT audits_notice_is_of_a_pass CHECK (notified_on IS NULL OR result IS NOT DISTINCT FROM 'pass')
);

-- Points are in hundredths of a point. Only the verified mark is judged.
CREATE TABLE sheet_lines (
    case_id                       bigint NOT NULL REFERENCES audits (case_id),
    question                      text   NOT NULL,
    claimed_awarded_hundredths    bigint,  -- all three NULL: the company did not score it
    claimed_available_hundredths  bigint,
    claimed_na                    boolean,
    verified_awarded_hundredths   bigint,
    verified_available_hundredths bigint,
    verified_na                   boolean,
    CONSTRAINT sheet_lines_one_per_question PRIMARY KEY (case_id, question),
    CONSTRAINT sheet_lines_name_a_question CHECK (question <> ''),
    CONSTRAINT sheet_lines_claimed_is_whole CHECK (num_nulls(claimed_awarded_hundredths, claimed_available_hundredths, claimed_na) IN (0, 3)),
    CONSTRAINT sheet_lines_verified_is_whole CHECK (num_nulls(verified_awarded_hundredths, verified_available_hundredths, verified_na) IN (0, 3)),
    CONSTRAINT sheet_lines_claimed_within_available CHECK (claimed_awarded_hundredths BETWEEN 0 AND claimed_available_hundredths
        AND claimed_available_hundredths <= 100000000),
    CONSTRAINT sheet_lines_verified_within_available CHECK (verified_awarded_hundredths BETWEEN 0 AND verified_available_hundredths
        AND verified_available_hundredths <= 100000000),
    CONSTRAINT sheet_lines_na_has_no_points CHECK (claimed_na = (claimed_available_hundredths = 0)
        AND verified_na = (verified_available_hundredths = 0))
);

CREATE TABLE invoices (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id    bigint  NOT NULL REFERENCES audits (case_id),
    company_id bigint  NOT NULL,
    fee_year   integer NOT NULL,
    kind       text    NOT NULL,
    nth        integer NOT NULL,  -- of the further reviews; 0 for the annual fee
    state      text    NOT NULL,
    net_cents  bigint  NOT NULL,
    tax_cents  bigint  NOT NULL,
    tax_name   text    NOT NULL,
    sent_on    date,
    free       boolean NOT NULL,  -- its audit ended before a review; another one of the year may use it
    CONSTRAINT invoices_company_is_their_cases FOREIGN KEY (case_id, company_id) REFERENCES cases (id, company_id),
    CONSTRAINT invoices_kind_is_known CHECK (kind IN ('annual', 'further_review')),
    CONSTRAINT invoices_nth_counts_further_reviews CHECK (CASE kind WHEN 'annual' THEN nth = 0 ELSE nth >= 1 END),
    CONSTRAINT invoices_state_is_known CHECK (state IN ('draft', 'sent', 'paid', 'void')),
    CONSTRAINT invoices_ask_for_money CHECK (net_cents >= 0 AND tax_cents >= 0 AND net_cents + tax_cents > 0),
    CONSTRAINT invoices_tax_has_a_name CHECK (tax_cents = 0 OR tax_name <> ''),
    CONSTRAINT invoices_fee_year_in_range CHECK (fee_year BETWEEN 2000 AND 2200),
    CONSTRAINT invoices_draft_was_not_sent CHECK (state <> 'draft' OR sent_on IS NULL)
);
CREATE UNIQUE INDEX invoices_one_per_fee ON invoices (company_id, fee_year, kind, nth) WHERE state <> 'void';
CREATE INDEX invoices_case_id_idx ON invoices (case_id);

CREATE TABLE payments (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invoice_id   bigint NOT NULL REFERENCES invoices (id),
    amount_cents bigint NOT NULL,
    method       text   NOT NULL,
    received_on  date   NOT NULL,
    reference    text   NOT NULL,
    reversed_on  date,  -- NULL: it stands
    CONSTRAINT payments_are_money CHECK (amount_cents > 0),
    CONSTRAINT payments_method_is_known CHECK (method IN ('cheque', 'eft', 'card')),
    CONSTRAINT payments_reference_is_unique UNIQUE (invoice_id, reference),
    CONSTRAINT payments_have_a_reference CHECK (reference ~ '\S'),
    CONSTRAINT payments_reversed_after_received CHECK (reversed_on >= received_on)
);

-- Money and state of an invoice agree once a step is complete.
-- +goose StatementBegin
CREATE FUNCTION invoice_is_covered() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    invoice  invoices%ROWTYPE;
    standing bigint;
BEGIN
    IF TG_TABLE_NAME = 'payments' THEN
        SELECT * INTO invoice FROM invoices WHERE id = NEW.invoice_id;
    ELSE
        SELECT * INTO invoice FROM invoices WHERE id = NEW.id;
    END IF;
    SELECT coalesce(sum(amount_cents), 0) INTO standing FROM payments WHERE invoice_id = invoice.id AND reversed_on IS NULL;
    IF (invoice.state = 'paid') <> (standing >= invoice.net_cents + invoice.tax_cents) OR (invoice.state = 'void' AND standing > 0) THEN
        RAISE EXCEPTION 'invoice % is % with % cents paid of %', invoice.id, invoice.state, standing, invoice.net_cents + invoice.tax_cents
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_paid_means_covered';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER invoices_paid_means_covered AFTER INSERT OR UPDATE ON invoices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoice_is_covered();
CREATE CONSTRAINT TRIGGER payments_cover_what_is_paid AFTER INSERT OR UPDATE ON payments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoice_is_covered();

CREATE TABLE certificates (
    id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id     bigint  NOT NULL REFERENCES audits (case_id),
    state       text    NOT NULL,
    term        integer NOT NULL,  -- years
    number      text    NOT NULL,
    issued_on   date,
    expires_on  date,
    mailed_on   date,
    question    text    NOT NULL,  -- the body asked and was not answered yet
    proposer_id bigint  REFERENCES reviewers (id),
    replaces_id bigint  REFERENCES certificates (id),
    CONSTRAINT certificates_state_is_known CHECK (state IN ('due', 'requested', 'body_queried', 'received', 'signed', 'mailed',
        'electronic', 'returned', 'delivered', 'revoked', 'replaced')),
    CONSTRAINT certificates_term_is_known CHECK (term IN (1, 3)),
    CONSTRAINT certificates_issued_are_numbered CHECK ((state IN ('due', 'requested', 'body_queried')) = (number !~ '\S')),
    CONSTRAINT certificates_number_is_short CHECK (char_length(number) <= 40),
    CONSTRAINT certificates_issued_are_dated CHECK (num_nulls(nullif(number, ''), issued_on, expires_on) IN (0, 3)),
    CONSTRAINT certificates_expire_after_issue CHECK (expires_on > issued_on),
    CONSTRAINT certificates_mailed_are_dated CHECK (state NOT IN ('mailed', 'returned') OR mailed_on IS NOT NULL),
    CONSTRAINT certificates_mailed_after_issue CHECK (mailed_on >= issued_on),
    CONSTRAINT certificates_queried_have_a_question CHECK ((state = 'body_queried') = (question <> '')),
    CONSTRAINT certificates_revoked_were_proposed CHECK (state <> 'revoked' OR proposer_id IS NOT NULL)
);
CREATE UNIQUE INDEX certificates_one_stands ON certificates (case_id) WHERE state NOT IN ('replaced', 'revoked');
CREATE UNIQUE INDEX certificates_replaced_once ON certificates (replaces_id);
CREATE INDEX certificates_case_id_idx ON certificates (case_id);

CREATE TABLE documents (
    case_id     bigint      NOT NULL REFERENCES cases (id),
    name        text        NOT NULL,
    media_type  text        NOT NULL,
    data        bytea       NOT NULL,
    sha256      text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT documents_name_is_unique PRIMARY KEY (case_id, name),
    CONSTRAINT documents_name_is_a_file_name CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$'),
    CONSTRAINT documents_have_a_media_type CHECK (media_type ~ '^[a-z]+/[a-z0-9.+-]+'),
    CONSTRAINT documents_sha256_is_of_data CHECK (sha256 = encode(sha256(data), 'hex'))
);

GRANT SELECT, INSERT ON cases, requests, audits, sheet_lines, invoices, payments, certificates, documents TO secordesk_app;
GRANT UPDATE (state, version, holder_id, last_seq) ON cases TO secordesk_app;
GRANT UPDATE ON requests, audits, sheet_lines TO secordesk_app;
GRANT UPDATE (case_id, state, sent_on, free) ON invoices TO secordesk_app;
GRANT UPDATE (state, number, issued_on, expires_on, mailed_on, question, proposer_id) ON certificates TO secordesk_app;
GRANT UPDATE (reversed_on) ON payments TO secordesk_app;
