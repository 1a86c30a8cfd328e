-- Certificate mailing: how bodies are asked in batches, what is printed for the
-- post, and a number that is never given twice.
-- +goose Up

-- A number is unique with its body, for ever: letters and digits alone count, in
-- whatever case. The body is copied from the case, and held to it.
ALTER TABLE cases ADD CONSTRAINT cases_body_is_theirs UNIQUE (id, body);
ALTER TABLE certificates
    ADD COLUMN body text,
    ADD COLUMN number_key text GENERATED ALWAYS AS (upper(regexp_replace(number, '[^[:alnum:]]', '', 'g'))) STORED;
UPDATE certificates SET body = cases.body FROM cases WHERE cases.id = certificates.case_id;
ALTER TABLE certificates
    ALTER COLUMN body SET NOT NULL,
    ADD CONSTRAINT certificates_body_is_the_cases FOREIGN KEY (case_id, body) REFERENCES cases (id, body);
CREATE UNIQUE INDEX certificates_number_is_given_once ON certificates (body, number_key) WHERE number_key <> '';

-- What a governing body is asked for in one file. It is composed when its sending
-- begins, of what is still due then, and stays as it was sent.
CREATE TABLE body_batches (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body         text        NOT NULL,
    made_at      timestamptz NOT NULL,
    made_by      text        NOT NULL,
    file_name    text        NOT NULL DEFAULT '',
    data         bytea       NOT NULL DEFAULT '',
    sha256       text        NOT NULL DEFAULT '',
    sent_at      timestamptz,
    cancelled_at timestamptz,
    CONSTRAINT body_batches_made_by_somebody CHECK (made_by ~ '^(desk|reviewer:[1-9][0-9]*)$'),
    CONSTRAINT body_batches_sha256_is_of_data CHECK (CASE WHEN sha256 = '' THEN data = '' ELSE sha256 = encode(sha256(data), 'hex') END),
    CONSTRAINT body_batches_sent_have_a_file CHECK (sent_at IS NULL OR sha256 <> ''),
    CONSTRAINT body_batches_end_once CHECK (num_nonnulls(sent_at, cancelled_at) <= 1)
);

CREATE TABLE body_batch_rows (
    batch_id       bigint      NOT NULL REFERENCES body_batches (id),
    certificate_id bigint      NOT NULL REFERENCES certificates (id),
    settled_at     timestamptz,           -- sent, cancelled, or left out when it was not due any more
    in_file        boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (batch_id, certificate_id)
);
CREATE UNIQUE INDEX body_batch_rows_one_unsettled ON body_batch_rows (certificate_id) WHERE settled_at IS NULL;

-- A job may follow from a batch as it does from an event or a tick.
ALTER TABLE jobs
    ADD COLUMN batch_id bigint REFERENCES body_batches (id),
    DROP CONSTRAINT jobs_follow_from_an_event_or_a_tick,
    ADD CONSTRAINT jobs_follow_from_one_thing CHECK (
        num_nulls(case_id, cause) = 0 AND num_nonnulls(schedule, tick_at, batch_id) = 0 OR
        num_nulls(schedule, tick_at) = 0 AND num_nonnulls(case_id, cause, batch_id) = 0 OR
        batch_id IS NOT NULL AND num_nonnulls(case_id, cause, schedule, tick_at) = 0);
CREATE UNIQUE INDEX jobs_one_per_batch ON jobs (batch_id) WHERE batch_id IS NOT NULL;

-- What is printed for the post in one go, and then said to be mailed by a person.
CREATE TABLE mail_batches (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at      timestamptz NOT NULL,
    made_by      text        NOT NULL,
    data         bytea       NOT NULL,
    sha256       text        NOT NULL,
    mailed_at    timestamptz,
    cancelled_at timestamptz,
    CONSTRAINT mail_batches_made_by_a_person CHECK (made_by ~ '^reviewer:[1-9][0-9]*$'),
    CONSTRAINT mail_batches_sha256_is_of_data CHECK (sha256 = encode(sha256(data), 'hex')),
    CONSTRAINT mail_batches_end_once CHECK (num_nonnulls(mailed_at, cancelled_at) <= 1)
);

CREATE TABLE mail_envelopes (
    batch_id       bigint      NOT NULL REFERENCES mail_batches (id),
    position       integer     NOT NULL CONSTRAINT mail_envelopes_positions_from_one CHECK (position >= 1),
    certificate_id bigint      NOT NULL REFERENCES certificates (id),
    case_id        bigint      NOT NULL REFERENCES cases (id),
    postal_code    text        NOT NULL,
    printed        text        NOT NULL,  -- SHA-256 of what the papers say: another one means that the case changed
    settled_at     timestamptz,           -- mailed, left out or cancelled
    left_out       text        NOT NULL DEFAULT '',  -- why it was not said to be mailed
    PRIMARY KEY (batch_id, position),
    CONSTRAINT mail_envelopes_once_per_batch UNIQUE (batch_id, certificate_id),
    CONSTRAINT mail_envelopes_left_out_are_settled CHECK (left_out = '' OR settled_at IS NOT NULL)
);
CREATE UNIQUE INDEX mail_envelopes_one_open ON mail_envelopes (certificate_id) WHERE settled_at IS NULL;

-- The same file under another name is the same file.
CREATE INDEX documents_case_sha256_idx ON documents (case_id, sha256);

GRANT SELECT, INSERT ON body_batches, body_batch_rows, mail_batches, mail_envelopes TO secordesk_app;
GRANT UPDATE (file_name, data, sha256, sent_at, cancelled_at) ON body_batches TO secordesk_app;
GRANT UPDATE (settled_at, in_file) ON body_batch_rows TO secordesk_app;
GRANT UPDATE (mailed_at, cancelled_at) ON mail_batches TO secordesk_app;
GRANT UPDATE (settled_at, left_out) ON mail_envelopes TO secordesk_app;
