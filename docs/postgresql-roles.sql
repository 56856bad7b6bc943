-- Three roles for one database: an owner that migrates, an application role that the workers run
-- as and that has no more than it needs, and an auditor that can read the log and nothing else.
-- Entries the application may read and append, nothing else. Values it may erase and encrypt anew, as
-- customers are forgotten, and looks it may erase; audit_verify finds what went without an entry that
-- says so. Old entries leave by the owner alone: run audit_expire as it. The auditor sees who did
-- what and who looked at whom. Values are encrypted, under keys that stand outside the database.
--
-- Run it as the database's administrator, in a database that is the product's own, once at the
-- beginning and again after every migration; it changes only what is not so already:
--
--     psql -d crmadmin -v owner=crmadmin_owner -v app=crmadmin_app -v auditor=crmadmin_auditor \
--         -f docs/postgresql-roles.sql
--
-- Passwords do not stand here: give each role one with psql's \password, or let the server know
-- them in another way. Then `manage.py migrate` with DATABASE_URL as the owner, everything else as
-- the application role. Tables that somebody else made before are handed to the owner.

\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = warning;

SELECT format('CREATE ROLE %I LOGIN', name)
FROM (VALUES (:'owner'), (:'app'), (:'auditor')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

SELECT format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, %I, %I',
        current_database(), :'app', :'auditor'),
    format('GRANT CONNECT ON DATABASE %I TO %I, %I, %I',
        current_database(), :'owner', :'app', :'auditor')
\gexec
REVOKE CREATE ON SCHEMA public FROM PUBLIC, :"app", :"auditor";
GRANT USAGE ON SCHEMA public TO :"app", :"auditor";
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";

-- The tables, with their sequences and indexes, and the functions of their triggers.
SELECT format('ALTER TABLE public.%I OWNER TO %I', tablename, :'owner')
FROM pg_tables
WHERE schemaname = 'public' AND tableowner <> :'owner'
\gexec
SELECT DISTINCT format('ALTER FUNCTION %s OWNER TO %I', p.oid::regprocedure, :'owner')
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid AND c.relnamespace = 'public'::regnamespace
JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND pg_get_userbyid(p.proowner) <> :'owner'
\gexec

-- Numbers that the database gives are identity columns: they need no right on a sequence.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, :"app", :"auditor";
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, :"app", :"auditor";
SELECT format('GRANT %s ON public.%I TO %I', rights, name, :'app')
FROM (VALUES
    ('customers_entry', 'SELECT, INSERT'),
    ('customers_vaultitem', 'SELECT, INSERT, UPDATE, DELETE'),
    ('customers_head', 'SELECT, INSERT, UPDATE'),
    ('customers_storedseal', 'SELECT, INSERT'),
    ('customers_change', 'SELECT, INSERT, UPDATE'),
    ('customers_changedfield', 'SELECT, INSERT, UPDATE'),
    ('customers_journalline', 'SELECT, INSERT, UPDATE, DELETE'),
    ('customers_claim', 'SELECT, INSERT, UPDATE, DELETE'),
    ('customers_accessevent', 'SELECT, INSERT, DELETE'),
    ('customers_colleague', 'SELECT, INSERT, UPDATE'),
    ('customers_credential', 'SELECT, INSERT, UPDATE, DELETE'),
    ('customers_savedview', 'SELECT, INSERT, UPDATE, DELETE'),
    ('customers_verification', 'SELECT, INSERT, UPDATE, DELETE'),
    ('customers_remembered', 'SELECT, INSERT, UPDATE, DELETE'),
    ('crmadmin_session', 'SELECT, INSERT, UPDATE, DELETE'),
    ('crmadmin_spentlogouttoken', 'SELECT, INSERT, DELETE'),
    ('django_migrations', 'SELECT')
) AS wanted (name, rights)
WHERE to_regclass('public.' || name) IS NOT NULL
\gexec

-- What audit_verify and audit_export read, and who looked.
SELECT format('GRANT SELECT ON public.%I TO %I', name, :'auditor')
FROM (VALUES
    ('customers_entry'),
    ('customers_vaultitem'),
    ('customers_head'),
    ('customers_storedseal'),
    ('customers_change'),
    ('customers_changedfield'),
    ('customers_journalline'),
    ('customers_accessevent'),
    ('customers_verification'),
    ('customers_colleague')
) AS wanted (name)
WHERE to_regclass('public.' || name) IS NOT NULL
\gexec

COMMIT;
