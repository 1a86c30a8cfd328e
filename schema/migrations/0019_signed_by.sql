-- A certificate keeps what its paper must say for ever: who signed it for this
-- office, with the title of that day, and the name to which it was issued. Before,
-- the name stood in an event's text alone and another one was printed.
-- +goose Up
ALTER TABLE certificates
    ADD COLUMN signatory text NOT NULL DEFAULT '',
    ADD COLUMN signatory_title text NOT NULL DEFAULT '',
    ADD COLUMN issued_to text NOT NULL DEFAULT '';

GRANT UPDATE (signatory, signatory_title, issued_to) ON certificates TO secordesk_app;
