-- A pass that is taken back revokes a certificate that nobody issued yet: it is
-- revoked without a number.
-- +goose Up
ALTER TABLE certificates
    DROP CONSTRAINT certificates_issued_are_numbered,
    ADD CONSTRAINT certificates_issued_are_numbered
        CHECK (state = 'revoked' OR (state IN ('due', 'requested', 'body_queried')) = (number !~ '\S'));
