-- What happened. Events are only ever added, each chained to the one before it in
-- its stream: a case, or the desk. Free text is kept apart under a salted hash, so
-- that text and salt can be erased without breaking the chain.
-- +goose Up
CREATE TABLE texts (
    hash      text        PRIMARY KEY,
    salt      bytea,
    body      text,
    erased_at timestamptz,  -- NULL: salt and body are here
    CONSTRAINT texts_hash_is_of_salt_and_body CHECK (hash = encode(sha256(salt || convert_to(body, 'UTF8')), 'hex')),
    CONSTRAINT texts_salt_is_long CHECK (length(salt) >= 16),
    CONSTRAINT texts_erased_are_empty CHECK (num_nulls(salt, body) = CASE WHEN erased_at IS NULL THEN 0 ELSE 2 END)
);

CREATE TABLE events (
    stream       text        NOT NULL,  -- "case:12" or "desk"
    seq          integer     NOT NULL,
    kind         text        NOT NULL,
    subject      text        NOT NULL,  -- of the move; '' when nothing moved
    from_state   text        NOT NULL,
    to_state     text        NOT NULL,
    actor        text        NOT NULL,
    on_behalf_of text        NOT NULL,
    surface      text        NOT NULL,
    act_id       text        NOT NULL,
    part         integer     NOT NULL,  -- of the act: 1, 2, …; 0 for the desk's share in a case's opening
    happened_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    text_hash    text        REFERENCES texts (hash),
    facts        text        NOT NULL,  -- a JSON object of strings, hashed exactly as it stands
    prev_hash    text        NOT NULL,  -- '' for the first event
    hash         text        NOT NULL,  -- over all columns above
    case_id      bigint      GENERATED ALWAYS AS (CASE WHEN stream LIKE 'case:%' THEN substr(stream, 6)::bigint END) STORED REFERENCES cases (id),
    prev_seq     integer     GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
    CONSTRAINT events_seq_is_unique PRIMARY KEY (stream, seq),
    CONSTRAINT events_act_is_unique UNIQUE (act_id, part),
    CONSTRAINT events_hash_is_theirs UNIQUE (stream, seq, hash),
    CONSTRAINT events_follow_the_one_before FOREIGN KEY (stream, prev_seq, prev_hash) REFERENCES events (stream, seq, hash),
    CONSTRAINT events_first_follows_nothing CHECK (seq >= 1 AND (seq = 1) = (prev_hash = '')),
    CONSTRAINT events_stream_is_known CHECK (stream = 'desk' OR stream ~ '^case:[1-9][0-9]*$'),
    CONSTRAINT events_kind_is_two_words CHECK (kind ~ '^[a-z_]+\.[a-z_]+$'),
    CONSTRAINT events_subject_is_known CHECK (subject IN ('', 'request', 'audit', 'invoice', 'certificate')),
    CONSTRAINT events_states_are_known CHECK (ARRAY[from_state, to_state] <@ ARRAY
            ['', 'approved', 'awaiting_payment', 'body_queried', 'cancelled', 'delivered', 'draft', 'due', 'electronic', 'in_qa', 'in_review',
             'lapsed', 'mailed', 'no_answer', 'not_required', 'not_reviewed', 'open', 'paid', 'qa_complete', 'queried', 'received',
             'registered', 'registration_queried', 'registration_review', 'rejected', 'replaced', 'requested', 'returned', 'revision',
             'revoked', 'sent', 'signed', 'submitted', 'void', 'withdrawn']),
    CONSTRAINT events_move_is_whole CHECK ((subject = '') = (to_state = '') AND (subject <> '' OR from_state = '')),
    CONSTRAINT events_actor_is_known CHECK (actor ~ '^(desk|(reviewer|company):[1-9][0-9]*)$'),
    CONSTRAINT events_on_behalf_of_is_known CHECK (on_behalf_of ~ '^(|desk|(reviewer|company):[1-9][0-9]*)$'),
    CONSTRAINT events_surface_is_known CHECK (surface IN ('button', 'modal', 'slash', 'file', 'cli', 'job', 'clock')),
    CONSTRAINT events_act_has_an_id CHECK (act_id <> '' AND part >= 0),
    CONSTRAINT events_happened_before_recorded CHECK (happened_at <= recorded_at),
    CONSTRAINT events_facts_are_an_object CHECK (jsonb_typeof(facts::jsonb) = 'object'),
    CONSTRAINT events_hash_is_sha256 CHECK (hash ~ '^[0-9a-f]{64}$')
);
CREATE INDEX events_text_hash_idx ON events (text_hash) WHERE text_hash IS NOT NULL;

ALTER TABLE cases ADD CONSTRAINT cases_last_event_exists FOREIGN KEY (stream, last_seq)
    REFERENCES events (stream, seq) DEFERRABLE INITIALLY DEFERRED;

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_are_append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON events, texts TO secordesk_app;
GRANT UPDATE (salt, body, erased_at) ON texts TO secordesk_app;
