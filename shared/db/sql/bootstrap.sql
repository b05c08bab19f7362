-- Roles and database rights. Runs as the cluster's administrator, as often as wanted.
-- The setting devsphere.passwords holds {"<role>": "<password>"} for every role that signs in.

do $$
begin
    if not exists (select from pg_roles where rolname = 'devsphere_owner') then
        create role devsphere_owner nologin noinherit;
    end if;
    -- Policies name it, whoever runs the sealer and with which password.
    if not exists (select from pg_roles where rolname = 'devsphere_sealer') then
        create role devsphere_sealer nologin noinherit;
    end if;
    -- Reads past the walls and writes nothing; what it may read is granted where schemas are made.
    if not exists (select from pg_roles where rolname = 'devsphere_backup') then
        create role devsphere_backup nologin noinherit bypassrls;
    end if;
end
$$;

do $$
declare
    login record;
begin
    for login in select * from jsonb_each_text(current_setting('devsphere.passwords')::jsonb) loop
        if not exists (select from pg_roles where rolname = login.key) then
            execute format('create role %I noinherit', login.key);
        end if;
        execute format(
            'alter role %I login noinherit nosuperuser nocreatedb nocreaterole noreplication %s password %L',
            login.key, case login.key when 'devsphere_backup' then 'bypassrls' else 'nobypassrls' end, login.value);
        execute format('grant connect on database %I to %I', current_database(), login.key);
        execute format('alter role %I set timezone = ''UTC''', login.key);
        execute format('alter role %I set search_path = pg_catalog', login.key);
        if login.key = 'devsphere_backup' then
            execute format('alter role %I set default_transaction_read_only = on', login.key);
        elsif login.key <> 'devsphere_migrator' then
            -- The opening statement begins with a rollback that is mostly one too many.
            execute format('alter role %I set client_min_messages = error', login.key);
            execute format('alter role %I set statement_timeout = ''5s''', login.key);
            execute format('alter role %I set lock_timeout = ''2s''', login.key);
            execute format('alter role %I set idle_in_transaction_session_timeout = ''10s''', login.key);
            -- The opening statement carries the ticket, which belongs in no log.
            execute format('alter role %I set log_statement = none', login.key);
            execute format('alter role %I set log_min_messages = error', login.key);
            execute format('alter role %I set log_min_error_statement = panic', login.key);
            execute format('alter role %I set log_min_duration_statement = -1', login.key);
        end if;
    end loop;
end
$$;

grant devsphere_owner to devsphere_migrator;
do $$
begin
    execute format('grant create on database %I to devsphere_owner', current_database());
    execute format('revoke all on database %I from public', current_database());
end
$$;
revoke all on schema public from public;
alter default privileges for role devsphere_owner revoke execute on functions from public;
alter default privileges for role devsphere_owner revoke usage on types from public;

-- Functions that let one organisation hear, see, block or slow another: a role may read what its
-- other sessions run, and so the tickets in it, and may end those sessions.
do $$
declare
    risky regprocedure;
begin
    for risky in
        select oid::regprocedure from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace
          and (proname like 'pg\_%advisory%' or proname like 'lo\_%' or proname like 'pg\_sleep%'
               or proname in ('pg_notify', 'loread', 'lowrite', 'pg_export_snapshot',
                              'pg_stat_get_activity', 'pg_stat_get_backend_activity',
                              'pg_cancel_backend', 'pg_terminate_backend'))
    loop
        execute format('revoke execute on function %s from public', risky);
        if risky::text like '%advisory%' or risky::text like '%pg_notify%' then
            execute format('grant execute on function %s to devsphere_owner', risky);
        end if;
        if risky = 'pg_export_snapshot()'::regprocedure then
            execute format('grant execute on function %s to devsphere_backup', risky);
        end if;
    end loop;
end
$$;
