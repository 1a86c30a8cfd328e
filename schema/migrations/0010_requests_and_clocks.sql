-- Clocks go on after their breach, so that an escalation can follow it; cards are
-- posted to a channel; and a request remembers which companies on file it may be.
-- +goose Up
ALTER TABLE clocks DROP CONSTRAINT clocks_act_before_or_when_due;

ALTER TABLE jobs
    DROP CONSTRAINT jobs_recipient_is_known,
    ADD CONSTRAINT jobs_recipient_is_known
        CHECK (recipient ~ '^(desk|(reviewer|company):[1-9][0-9]*|body:[a-z0-9-]+|channel:[a-z-]+)$');

-- Ids of companies and why each was found, such as "12:account 31:near"; no names.
ALTER TABLE requests
    ADD COLUMN profiles text NOT NULL DEFAULT '',
    ADD CONSTRAINT requests_profiles_are_ids_with_a_reason
        CHECK (profiles = '' OR profiles || ' ' ~ '^([1-9][0-9]*:(account|name|near) )+$');

-- A company is looked for by its account with any body, and by either half of its
-- name, because one wrong letter leaves the other half as it is.
CREATE INDEX registrations_account_idx ON registrations (account);
CREATE INDEX companies_near_name_reversed_idx ON companies (reverse(near_name) text_pattern_ops);
