-- What became of each attempt at a job, which kinds of jobs rest, and a name for
-- the desk, so that two desks never share a queue unnoticed.
--
-- Relays wake by kind, so that one kind's long queue, or one that no release here
-- knows, keeps no other waiting: hence the kind in both partial indexes.
-- +goose Up
ALTER TABLE jobs
    ADD COLUMN claimed_at timestamptz,                -- of the newest claim; it stays when the claim ended
    ADD COLUMN worker     text NOT NULL DEFAULT '';   -- who made it
-- Each job leaves some dead rows behind, which every look of a relay would pass.
ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0.1);
DROP INDEX jobs_runnable_idx;
DROP INDEX jobs_held_idx;
CREATE INDEX jobs_runnable_idx ON jobs (kind, not_before, id) WHERE state = 'open' AND woken_until IS NULL AND claimed_until IS NULL;
CREATE INDEX jobs_held_idx ON jobs (kind, id) WHERE state = 'open' AND (woken_until IS NOT NULL OR claimed_until IS NOT NULL);
CREATE INDEX jobs_troubled_idx ON jobs (id) WHERE state IN ('failed', 'ambiguous');

-- Attempts that did not do their job. The one that did is told by the job's row.
CREATE TABLE attempts (
    job_id   bigint      NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    fence    bigint      NOT NULL,
    worker   text        NOT NULL,
    began_at timestamptz,          -- NULL: it began before this table stood
    ended_at timestamptz NOT NULL,
    outcome  text        NOT NULL,
    error    text        NOT NULL, -- for operators
    PRIMARY KEY (job_id, fence),
    CONSTRAINT attempts_outcome_is_known CHECK (outcome IN ('retried', 'failed', 'cancelled', 'ambiguous', 'given_back', 'lease_lost'))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON attempts TO secordesk_app;

-- A kind that stands here is neither woken nor claimed. Who, when and why is on the
-- desk's stream.
CREATE TABLE pauses (
    kind      text        PRIMARY KEY,
    paused_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, DELETE ON pauses TO secordesk_app;

CREATE TABLE desk (
    id  uuid    NOT NULL DEFAULT gen_random_uuid(),
    one boolean PRIMARY KEY DEFAULT true CONSTRAINT desk_is_one CHECK (one)
);
INSERT INTO desk DEFAULT VALUES;
GRANT SELECT ON desk TO secordesk_app;
