-- Schedules and their ticks: a tick is one instant of a schedule, recorded once by
-- whichever clock process comes first, in the transaction that promises its job.
-- There is no leader; the row of the schedule is the lock. Its instants are
-- worked out in Go, so a spec is only text here.
-- +goose Up
CREATE TABLE schedules (
    name          text        PRIMARY KEY CONSTRAINT schedules_name_is_plain CHECK (name ~ '^[a-z]+(_[a-z]+)*$'),
    kind          text        NOT NULL,  -- of its jobs
    spec          text        NOT NULL,  -- in force until a release brings another
    misfire       text        NOT NULL CONSTRAINT schedules_misfire_is_known CHECK (misfire IN ('latest', 'all', 'skip')),
    known_since   timestamptz NOT NULL,  -- programme time, as all instants here
    settled_until timestamptz NOT NULL,  -- every tick until then is recorded or passed over
    CONSTRAINT schedules_settled_since_known CHECK (settled_until >= known_since)
);
CREATE TABLE ticks (
    schedule    text        NOT NULL REFERENCES schedules (name),
    instant     timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),  -- wall time
    PRIMARY KEY (schedule, instant)
);
GRANT SELECT, INSERT ON schedules TO secordesk_app;
GRANT UPDATE (kind, spec, misfire, settled_until) ON schedules TO secordesk_app;
GRANT SELECT, INSERT, DELETE ON ticks TO secordesk_app;

ALTER TABLE jobs
    ALTER COLUMN case_id DROP NOT NULL,
    ALTER COLUMN cause DROP NOT NULL,
    ADD COLUMN schedule text,
    ADD COLUMN tick_at timestamptz,
    ADD CONSTRAINT jobs_tick_is_recorded FOREIGN KEY (schedule, tick_at) REFERENCES ticks (schedule, instant),
    ADD CONSTRAINT jobs_follow_from_an_event_or_a_tick CHECK (
        num_nulls(case_id, cause) = 0 AND num_nonnulls(schedule, tick_at) = 0 OR
        num_nonnulls(case_id, cause) = 0 AND num_nulls(schedule, tick_at) = 0);
CREATE UNIQUE INDEX jobs_one_per_tick ON jobs (schedule, tick_at) WHERE schedule IS NOT NULL;

-- What ended long ago is purged, and nothing else: a promise that was not kept
-- stays until a person decides.
-- +goose StatementBegin
CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job % is %: only what is done or cancelled is removed', OLD.id, OLD.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'jobs_stay_until_they_are_over';
END $$;
-- +goose StatementEnd
CREATE TRIGGER jobs_stay_until_they_are_over BEFORE DELETE ON jobs
    FOR EACH ROW WHEN (OLD.state NOT IN ('done', 'cancelled')) EXECUTE FUNCTION refuse_removal();
GRANT DELETE ON jobs TO secordesk_app;
