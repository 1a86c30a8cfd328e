-- Money as it comes: taxes as lines of their own, refunds of what was too much, and
-- a cheque that is presented again after it bounced. Invoices of before keep their
-- one sum and name of tax.
-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION sum_of_taxes(lines jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT coalesce(sum((line ->> 'cents')::bigint), 0) FROM jsonb_array_elements(lines) AS line
$$;
-- +goose StatementEnd
ALTER TABLE invoices ADD COLUMN tax_lines jsonb NOT NULL DEFAULT '[]';  -- [{"name", "basis_points", "cents"}]; empty: see tax_name
ALTER TABLE invoices ADD CONSTRAINT invoices_tax_lines_add_up CHECK (tax_lines = '[]' OR sum_of_taxes(tax_lines) = tax_cents);

ALTER TABLE payments ADD COLUMN refund boolean NOT NULL DEFAULT false;  -- true: paid back by the office
ALTER TABLE payments DROP CONSTRAINT payments_reference_is_unique;
CREATE UNIQUE INDEX payments_reference_stands_once ON payments (invoice_id, reference) WHERE reversed_on IS NULL;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION invoice_is_covered() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    invoice  invoices%ROWTYPE;
    standing bigint;
BEGIN
    IF TG_TABLE_NAME = 'payments' THEN
        SELECT * INTO invoice FROM invoices WHERE id = NEW.invoice_id;
    ELSE
        SELECT * INTO invoice FROM invoices WHERE id = NEW.id;
    END IF;
    SELECT coalesce(sum(CASE WHEN refund THEN -amount_cents ELSE amount_cents END), 0) INTO standing
        FROM payments WHERE invoice_id = invoice.id AND reversed_on IS NULL;
    IF (invoice.state = 'paid') <> (standing >= invoice.net_cents + invoice.tax_cents) OR (invoice.state = 'void' AND standing <> 0) THEN
        RAISE EXCEPTION 'invoice % is % with % cents paid of %', invoice.id, invoice.state, standing, invoice.net_cents + invoice.tax_cents
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_paid_means_covered';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- The invoices of all years are read with every step on an audit.
CREATE INDEX invoices_company_id_idx ON invoices (company_id);
