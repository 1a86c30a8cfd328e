-- Promises: one row is one job to be done once, written in the transaction of the
-- step from which it follows. Redis only carries wake-ups; this table is the truth.
--
-- An open row is runnable (not_before has come), woken (the queue has its id until
-- woken_until) or claimed (a worker holds it until claimed_until, and renews).
-- Nothing is taken from a worker but by time, and then its fence is an old one.
-- +goose Up
CREATE TABLE jobs (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text        NOT NULL,
    case_id       bigint      NOT NULL REFERENCES cases (id),
    cause         integer     NOT NULL,  -- seq of the event that it follows from
    key           text        NOT NULL CONSTRAINT jobs_key_is_unique UNIQUE,
    audience      text        NOT NULL,
    recipient     text        NOT NULL,
    state         text        NOT NULL DEFAULT 'open',
    not_before    timestamptz NOT NULL,  -- wall time; programme time is a clock's affair
    attempts      integer     NOT NULL DEFAULT 0,   -- claims; one given back is not counted
    last_error    text        NOT NULL DEFAULT '',  -- for operators
    fence         bigint      NOT NULL DEFAULT 0,   -- rises with every claim
    token         text,                  -- of the claim that holds the lease
    claimed_until timestamptz,           -- NULL: nobody works on it
    wakes         integer     NOT NULL DEFAULT 0,
    woken_until   timestamptz,           -- NULL: the relay may put it on the queue
    sending_at    timestamptz,           -- set in its own commit just before the first byte
    receipt       text        NOT NULL DEFAULT '',
    promised_at   timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    stream        text        GENERATED ALWAYS AS ('case:' || case_id::text) STORED,
    CONSTRAINT jobs_cause_is_recorded FOREIGN KEY (stream, cause) REFERENCES events (stream, seq),
    CONSTRAINT jobs_kind_is_family_and_verb CHECK (kind ~ '^[a-z_]+:[a-z_]+$'),
    CONSTRAINT jobs_recipient_is_known CHECK (recipient ~ '^(desk|(reviewer|company):[1-9][0-9]*|body:[a-z0-9-]+)$'),
    CONSTRAINT jobs_state_is_known CHECK (state IN ('open', 'done', 'failed', 'cancelled', 'ambiguous')),
    CONSTRAINT jobs_finished_has_a_time CHECK ((state = 'open') = (finished_at IS NULL)),
    CONSTRAINT jobs_claim_is_whole CHECK ((token IS NULL) = (claimed_until IS NULL)),
    CONSTRAINT jobs_held_only_while_open CHECK (state = 'open' OR (claimed_until IS NULL AND woken_until IS NULL)),
    CONSTRAINT jobs_woken_or_claimed CHECK (woken_until IS NULL OR claimed_until IS NULL),
    CONSTRAINT jobs_open_sends_under_a_claim CHECK (state <> 'open' OR sending_at IS NULL OR claimed_until IS NOT NULL),
    CONSTRAINT jobs_ambiguous_was_sending CHECK (state <> 'ambiguous' OR sending_at IS NOT NULL),
    CONSTRAINT jobs_counts_not_negative CHECK (attempts >= 0 AND fence >= 0 AND wakes >= 0)
);
-- The relay's, the reconciler's and a person's question; all but the last are small,
-- because finished rows are in neither.
CREATE INDEX jobs_runnable_idx ON jobs (not_before, id) WHERE state = 'open' AND woken_until IS NULL AND claimed_until IS NULL;
CREATE INDEX jobs_held_idx ON jobs (id) WHERE state = 'open' AND (woken_until IS NOT NULL OR claimed_until IS NOT NULL);
CREATE INDEX jobs_case_id_idx ON jobs (case_id, id);
GRANT SELECT, INSERT, UPDATE ON jobs TO secordesk_app;
