-- Who reviews an audit: whose need is oldest, who is away and who stands in, and
-- what the company holds meanwhile.
--
-- A certificate from before this desk has no case here, so it is the company's own.
-- In a revision an audit may be nobody's: its reviewer came into conflict, the
-- company goes on revising, and a lead decides who takes it up.
-- +goose Up
ALTER TABLE companies
    ADD COLUMN certificate_number     text NOT NULL DEFAULT '',
    ADD COLUMN certificate_expires_on date,
    ADD CONSTRAINT companies_certificate_number_is_short CHECK (char_length(certificate_number) <= 40);

ALTER TABLE leaves
    ADD COLUMN stand_in_id bigint REFERENCES reviewers (id),
    ADD CONSTRAINT leaves_somebody_else_stands_in CHECK (stand_in_id <> reviewer_id);

ALTER TABLE audits
    ADD COLUMN submitted_at timestamptz,                     -- the submission that waits for a reviewer, or was given one
    ADD COLUMN prefer_id    bigint REFERENCES reviewers (id), -- who returned it to be done again
    ADD COLUMN avoid_id     bigint REFERENCES reviewers (id), -- who handed it back or lost it
    DROP CONSTRAINT audits_waiting_are_with_us,
    ADD CONSTRAINT audits_waiting_are_with_us CHECK (NOT waiting OR state IN ('submitted', 'in_qa', 'revision'));
UPDATE audits a
SET submitted_at = (
    SELECT max(e.happened_at)
    FROM events e
    WHERE e.stream = 'case:' || a.case_id AND e.subject = 'audit' AND e.from_state = 'open' AND e.to_state = 'submitted')
WHERE a.round > 0;
ALTER TABLE audits ADD CONSTRAINT audits_queue_has_an_age CHECK (state <> 'submitted' OR submitted_at IS NOT NULL);

ALTER TABLE cases
    DROP CONSTRAINT cases_review_is_held,
    ADD CONSTRAINT cases_review_is_held CHECK (state NOT IN ('in_review', 'queried', 'in_qa') OR holder_id IS NOT NULL);
-- The sweep asks for held cases whose holder may not hold them any more.
CREATE INDEX cases_holder_id_idx ON cases (holder_id) WHERE holder_id IS NOT NULL;
