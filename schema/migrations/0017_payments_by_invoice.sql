-- Every step on an audit reads the payments of its invoices. The key that served
-- this went with 0011, and the index that took its place holds standing payments only.
-- +goose Up
CREATE INDEX payments_invoice_id_idx ON payments (invoice_id);
