-- No payment comes before its invoice was drawn up, and a statement dates an invoice
-- that was paid before it was sent by that day: it is kept with the invoice. Of
-- invoices of before it is the office's day of the event that drew them up; of one
-- that was drawn up twice under one number, the earlier.
-- +goose Up
ALTER TABLE invoices ADD COLUMN drawn_on date;  -- NULL: not known
UPDATE invoices i
SET drawn_on = d.day
FROM (
    SELECT facts::jsonb ->> 'invoice' AS number, min((happened_at AT TIME ZONE 'America/Edmonton')::date) AS day
    FROM events
    WHERE kind = 'invoice.drafted'
    GROUP BY 1
) AS d
WHERE d.number = concat(i.fee_year, '-', i.company_id, '-', CASE i.kind WHEN 'annual' THEN 'A' ELSE 'R' || i.nth END);
UPDATE invoices SET drawn_on = sent_on WHERE drawn_on IS NULL;
