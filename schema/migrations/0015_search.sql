-- Search as a person types: without accents, in lower case, an account without the
-- zeros that a spreadsheet dropped. Plain columns and indexes, because a managed
-- Postgres may lack pg_trgm; 100 000 companies are read through in some 50 ms.
-- +goose Up
-- +goose StatementBegin
-- folded writes letters as secor.Fold does, whatever the database's locale.
CREATE FUNCTION folded(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT replace(replace(replace(lower(translate(name,
        'ÀÂÄÁÃÅĄÇĆČÈÉÊËĘĚÌÍÎÏŁÑŃÒÓÔÖÕØŘŚŠÙÚÛÜŮÝŸŹŻŽÆŒàâäáãåąçćčèéêëęěìíîïłñńòóôöõøřśšùúûüůýÿźżž',
        'aaaaaaaccceeeeeeiiiilnnoooooorssuuuuuyyzzzæœaaaaaaaccceeeeeeiiiilnnoooooorssuuuuuyyzzz')),
        'æ', 'ae'), 'œ', 'oe'), 'ß', 'ss')
$$;
-- +goose StatementEnd
ALTER TABLE companies ADD COLUMN folded text NOT NULL GENERATED ALWAYS AS
    (folded(legal_name || E'\n' || trade_name || E'\n' || contact || E'\n' || email)) STORED;
ALTER TABLE people ADD COLUMN folded text NOT NULL GENERATED ALWAYS AS (folded(name)) STORED;
CREATE INDEX registrations_plain_account_idx ON registrations (ltrim(account, '0') text_pattern_ops);
CREATE INDEX certificates_number_idx ON certificates (regexp_replace(upper(number), '[^0-9A-Z]', '', 'g') text_pattern_ops);
CREATE INDEX companies_certificate_number_idx ON companies (regexp_replace(upper(certificate_number), '[^0-9A-Z]', '', 'g') text_pattern_ops)
    WHERE certificate_number <> '';
