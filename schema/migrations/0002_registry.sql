-- Who there is: companies with their people, courses and registrations, and the
-- people of this desk with their leave and conflicts of interest.
-- +goose Up
CREATE TABLE companies (
    id               bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    legal_name       text    NOT NULL,
    trade_name       text    NOT NULL,
    near_name        text    NOT NULL,  -- legal_name reduced to what a person would compare
    province         text    NOT NULL,
    email            text    NOT NULL,
    contact          text    NOT NULL,
    street           text    NOT NULL,
    city             text    NOT NULL,
    address_province text    NOT NULL,
    postal_code      text    NOT NULL,
    member           boolean NOT NULL,
    profile_since    date,              -- NULL: this partner has not taken it on yet
    CONSTRAINT companies_are_named CHECK (legal_name ~ '\S' AND char_length(legal_name) <= 200),
    CONSTRAINT companies_province_is_known CHECK (province IN
        ('AB', 'BC', 'MB', 'NB', 'NL', 'NS', 'NT', 'NU', 'ON', 'PE', 'QC', 'SK', 'YT')),
    CONSTRAINT companies_address_province_is_known CHECK (address_province IN
        ('', 'AB', 'BC', 'MB', 'NB', 'NL', 'NS', 'NT', 'NU', 'ON', 'PE', 'QC', 'SK', 'YT')),
    CONSTRAINT companies_email_is_one_address CHECK (email = '' OR email ~ '^[^@\s]+@[^@\s]+$')
);
CREATE INDEX companies_near_name_idx ON companies (near_name text_pattern_ops);

CREATE TABLE registrations (
    company_id    bigint  NOT NULL REFERENCES companies (id),
    body          text    NOT NULL,
    account       text    NOT NULL,
    good_standing boolean NOT NULL,
    CONSTRAINT registrations_one_per_body PRIMARY KEY (company_id, body),
    CONSTRAINT registrations_account_is_one_companys UNIQUE (body, account),
    CONSTRAINT registrations_account_is_plain CHECK (account ~ '^[0-9A-Z]{1,20}$'),
    CONSTRAINT registrations_name_a_body CHECK (body <> '')
);

CREATE TABLE people (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES companies (id),
    name       text   NOT NULL,
    CONSTRAINT people_are_named CHECK (name ~ '\S' AND char_length(name) <= 200),
    CONSTRAINT people_once_per_company UNIQUE (company_id, name)
);

CREATE TABLE courses (
    person_id    bigint NOT NULL REFERENCES people (id),
    name         text   NOT NULL,
    completed_on date   NOT NULL,
    CONSTRAINT courses_once_per_day PRIMARY KEY (person_id, name, completed_on),
    CONSTRAINT courses_are_named CHECK (name ~ '\S' AND char_length(name) <= 200)
);

CREATE TABLE reviewers (
    id               bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name             text        NOT NULL,
    email            text        NOT NULL,
    role             text        NOT NULL,
    active           boolean     NOT NULL,
    capacity         integer     NOT NULL,  -- audits held at once; 0: is never assigned one
    last_assigned_at timestamptz,
    CONSTRAINT reviewers_are_named CHECK (name ~ '\S' AND char_length(name) <= 200),
    CONSTRAINT reviewers_role_is_known CHECK (role IN ('reviewer', 'lead', 'admin')),
    CONSTRAINT reviewers_capacity_in_range CHECK (capacity BETWEEN 0 AND 1000),
    CONSTRAINT reviewers_email_is_one_address CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND email = lower(email)),
    CONSTRAINT reviewers_email_is_unique UNIQUE (email)
);

CREATE TABLE leaves (
    reviewer_id bigint NOT NULL REFERENCES reviewers (id),
    from_day    date   NOT NULL,
    to_day      date,  -- included; NULL: it has not ended
    CONSTRAINT leaves_once_per_day PRIMARY KEY (reviewer_id, from_day),
    CONSTRAINT leaves_end_after_they_begin CHECK (to_day >= from_day)
);

CREATE TABLE conflicts (
    reviewer_id bigint NOT NULL REFERENCES reviewers (id),
    company_id  bigint NOT NULL REFERENCES companies (id),
    from_day    date   NOT NULL,
    to_day      date,  -- included; NULL: it has not ended
    reason      text   NOT NULL,
    CONSTRAINT conflicts_once_per_day PRIMARY KEY (reviewer_id, company_id, from_day),
    CONSTRAINT conflicts_end_after_they_begin CHECK (to_day >= from_day)
);
CREATE INDEX conflicts_company_id_idx ON conflicts (company_id);

GRANT SELECT, INSERT, UPDATE ON companies, registrations, reviewers, leaves, conflicts TO secordesk_app;
GRANT SELECT, INSERT ON people, courses TO secordesk_app;
