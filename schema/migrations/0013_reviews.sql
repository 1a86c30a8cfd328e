-- What a review is made of, beside the sheet: the reviewer's notes, and every round
-- as the company handed it in, so that what changed between two of them, and what
-- nobody asked for, can be shown at any time. A round is never changed.
-- +goose Up
ALTER TABLE audits
    ADD COLUMN stated_name    text    NOT NULL DEFAULT '',  -- by the last submission, here and below
    ADD COLUMN stated_account text    NOT NULL DEFAULT '',
    ADD COLUMN evidence_url   text    NOT NULL DEFAULT '',
    ADD COLUMN twin_id        bigint  REFERENCES cases (id),  -- the same sheet came in on it before
    ADD COLUMN taken_in_on    date,                           -- NULL: no submission went to a review
    ADD COLUMN taken_as       integer NOT NULL DEFAULT 0,     -- the round that was taken in
    ADD COLUMN agreed         text    NOT NULL DEFAULT '',    -- elements that the holder agreed with
    ADD CONSTRAINT audits_evidence_is_https CHECK (evidence_url = '' OR evidence_url ~ '^https://' AND char_length(evidence_url) <= 500),
    ADD CONSTRAINT audits_taken_in_as_a_round CHECK ((taken_in_on IS NULL) = (taken_as = 0) AND taken_as BETWEEN 0 AND round);

CREATE TABLE rounds (
    case_id        bigint      NOT NULL REFERENCES audits (case_id),
    number         integer     NOT NULL,
    handed_in_at   timestamptz NOT NULL,
    marks          jsonb       NOT NULL,  -- claimed: {"A1": [350, 500]}, hundredths of a point awarded and available; [0, 0] is not applicable
    policies       integer     NOT NULL,  -- months of documentation, as claimed
    records        integer     NOT NULL,
    headcount      integer     NOT NULL,
    last_day       date        NOT NULL,
    stated_name    text        NOT NULL,
    stated_account text        NOT NULL,
    evidence_url   text        NOT NULL,
    sheet_sum      text        NOT NULL,  -- fingerprint of marks, months, headcount and last day
    CONSTRAINT rounds_one_per_number PRIMARY KEY (case_id, number),
    CONSTRAINT rounds_count_from_one CHECK (number >= 1),
    CONSTRAINT rounds_marks_are_an_object CHECK (jsonb_typeof(marks) = 'object'),
    CONSTRAINT rounds_months_in_range CHECK (policies BETWEEN 0 AND 1200 AND records BETWEEN 0 AND 1200),
    CONSTRAINT rounds_headcount_in_range CHECK (headcount BETWEEN 1 AND 1000000),
    CONSTRAINT rounds_sum_is_sha256 CHECK (sheet_sum ~ '^[0-9a-f]{64}$')
);
CREATE INDEX rounds_sheet_sum_idx ON rounds (sheet_sum);
CREATE TRIGGER rounds_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rounds EXECUTE FUNCTION refuse_change();

CREATE TABLE notes (
    case_id  bigint  NOT NULL REFERENCES audits (case_id),
    number   integer NOT NULL,
    question text    NOT NULL,  -- of the protocol, months or headcount; '': the submission as a whole
    kind     text    NOT NULL,
    state    text    NOT NULL,
    text     text    NOT NULL,
    answer   text    NOT NULL,  -- the company's
    round    integer NOT NULL,  -- in which it was written
    asked    integer NOT NULL,  -- round whose revision request carried it first; 0: none yet
    repeated integer NOT NULL,  -- round whose revision request carried it last
    CONSTRAINT notes_one_per_number PRIMARY KEY (case_id, number),
    CONSTRAINT notes_count_from_one CHECK (number >= 1 AND round >= 1),
    CONSTRAINT notes_kind_is_known CHECK (kind IN ('actionable', 'informational')),
    CONSTRAINT notes_state_is_known CHECK (state IN ('open', 'resolved', 'confirmed', 'withdrawn')),
    CONSTRAINT notes_informational_are_not_confirmed CHECK (kind <> 'informational' OR state <> 'confirmed'),
    CONSTRAINT notes_say_something CHECK (text ~ '\S'),
    CONSTRAINT notes_asked_since_written CHECK (asked = 0 AND repeated = 0 OR asked >= round AND repeated >= asked)
);

GRANT SELECT, INSERT ON rounds, notes TO secordesk_app;
GRANT UPDATE (state, text, answer, asked, repeated) ON notes TO secordesk_app;
