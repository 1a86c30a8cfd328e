-- The clock ledger: one row per cycle of a policy on a case, with the policy as it
-- was when the cycle began, and its entries, which are only ever added. acts_at and
-- due_at are an index: both are worked out anew from the ledger with every step.
-- +goose Up
CREATE TABLE clocks (
    id        bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id   bigint  NOT NULL REFERENCES cases (id),
    policy    text    NOT NULL,
    cycle     integer NOT NULL,
    frozen    text    NOT NULL,  -- the policy, as JSON
    calendar  text    NOT NULL,
    zone_data text    NOT NULL,  -- release of the zone rules under which it began
    phase     text    NOT NULL,
    acts_at   timestamptz,       -- when the desk has to act next; NULL: not at all
    due_at    timestamptz,       -- when the promise is broken; NULL while paused or finished
    CONSTRAINT clocks_cycle_is_unique UNIQUE (case_id, policy, cycle),
    CONSTRAINT clocks_cycle_counts_from_one CHECK (cycle >= 1),
    CONSTRAINT clocks_policy_is_frozen CHECK (frozen::jsonb ->> 'name' IS NOT DISTINCT FROM policy AND calendar <> ''),
    CONSTRAINT clocks_phase_is_known CHECK (phase IN ('running', 'paused', 'finished')),
    CONSTRAINT clocks_due_means_running CHECK ((phase = 'running') = (due_at IS NOT NULL)),
    CONSTRAINT clocks_act_before_or_when_due CHECK (acts_at <= due_at)
);
CREATE UNIQUE INDEX clocks_one_unfinished ON clocks (case_id, policy) WHERE phase <> 'finished';
CREATE INDEX clocks_acts_at_idx ON clocks (acts_at) WHERE acts_at IS NOT NULL;

CREATE TABLE clock_entries (
    clock_id    bigint      NOT NULL REFERENCES clocks (id),
    seq         integer     NOT NULL,
    kind        text        NOT NULL,
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    party       text        NOT NULL,
    level       text        NOT NULL,
    text_hash   text        REFERENCES texts (hash),  -- the reason
    CONSTRAINT clock_entries_seq_is_unique PRIMARY KEY (clock_id, seq),
    CONSTRAINT clock_entries_first_is_the_start CHECK (seq >= 1 AND (seq = 1) = (kind = 'started')),
    CONSTRAINT clock_entries_kind_is_known CHECK (kind IN ('started', 'paused', 'resumed', 'reached', 'breached', 'met', 'stopped')),
    CONSTRAINT clock_entries_party_is_of_a_pause CHECK (CASE kind WHEN 'paused' THEN party IN ('office', 'company', 'body') ELSE party = '' END),
    CONSTRAINT clock_entries_level_is_of_an_act CHECK ((kind IN ('reached', 'breached')) = (level <> '')),
    CONSTRAINT clock_entries_happened_before_recorded CHECK (happened_at <= recorded_at)
);
CREATE UNIQUE INDEX clock_entries_level_once ON clock_entries (clock_id, level) WHERE level <> '';
CREATE INDEX clock_entries_text_hash_idx ON clock_entries (text_hash) WHERE text_hash IS NOT NULL;
CREATE TRIGGER clock_entries_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON clock_entries EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON clocks, clock_entries TO secordesk_app;
GRANT UPDATE (phase, acts_at, due_at) ON clocks TO secordesk_app;
