-- A company is written to in the language that it asked for, and called where a
-- letter does not reach it.
-- +goose Up
ALTER TABLE companies
    ADD COLUMN phone    text NOT NULL DEFAULT '',
    ADD COLUMN language text NOT NULL DEFAULT 'en',
    ADD CONSTRAINT companies_phone_is_plain CHECK (phone ~ '^([0-9]{3}-[0-9]{3}-[0-9]{4}( ext[.] [0-9]{1,8})?)?$'),
    ADD CONSTRAINT companies_language_is_known CHECK (language IN ('en', 'fr'));
