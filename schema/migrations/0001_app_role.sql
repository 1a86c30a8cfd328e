-- The application works as secordesk_app, which owns no table, so that what a
-- migration does not grant it cannot do, whatever its mistakes. Roles belong to
-- the cluster: another database may have made this one, or be making it now.
-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'secordesk_app') THEN
        CREATE ROLE secordesk_app NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role secordesk_app is missing and % may not create it; an administrator can: CREATE ROLE secordesk_app NOLOGIN; GRANT secordesk_app TO %',
            current_user, quote_ident(current_user) USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd

-- Who migrates usually also runs the application, and then becomes this role at
-- each connection. A superuser can without being a member.
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        GRANT secordesk_app TO CURRENT_USER;
    END IF;
EXCEPTION
    WHEN unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE WARNING '% may not join the role secordesk_app: an administrator must grant it to the user that runs the application', current_user;
END
$$;
-- +goose StatementEnd

-- The application checks at its start that the database is new enough.
GRANT SELECT ON goose_db_version TO secordesk_app;
