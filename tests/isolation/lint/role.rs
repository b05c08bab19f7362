//! A service's role can sign in, and little else.

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "every module has a role, and every role of ours is known",
        finds: "select 'no role for ' || schema from service where oid is null
                union all
                select rolname::text from pg_roles
                where rolname ~ '^devsphere_'
                  and rolname not in ('devsphere_owner', 'devsphere_migrator', 'devsphere_backup')
                  and rolname not in (select name from worker where name is not null)",
        faults: &[
            "create role devsphere_fault",
            "insert into module values ('fault', 60)",
        ],
    },
    Lint {
        name: "a service's role is no stronger than it must be",
        finds: "select rolname::text from pg_roles
                where oid in (select oid from worker)
                  and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit
                       or not rolcanlogin)",
        faults: &[
            "alter role devsphere_crm superuser",
            "alter role devsphere_sealer bypassrls",
            "alter role devsphere_crm bypassrls",
            "alter role devsphere_crm createrole",
            "alter role devsphere_crm createdb",
            "alter role devsphere_crm replication",
            "alter role devsphere_crm inherit",
            "alter role devsphere_identity nologin",
        ],
    },
    Lint {
        name: "the owner cannot sign in, and neither it nor the migrator is stronger than its objects",
        finds: "select rolname::text from pg_roles
                where rolname in ('devsphere_owner', 'devsphere_migrator')
                  and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit
                       or rolcanlogin <> (rolname = 'devsphere_migrator'))",
        faults: &[
            "alter role devsphere_owner login",
            "alter role devsphere_owner bypassrls",
            "alter role devsphere_migrator createrole",
            "alter role devsphere_migrator inherit",
        ],
    },
    Lint {
        name: "nobody is a member of anything, but the migrator of the owner",
        finds: "select format('%s in %s', pg_get_userbyid(member), pg_get_userbyid(roleid)) from pg_auth_members
                where (pg_get_userbyid(member) ~ '^devsphere_' or pg_get_userbyid(roleid) ~ '^devsphere_')
                  and (pg_get_userbyid(member), pg_get_userbyid(roleid), admin_option)
                      <> ('devsphere_migrator', 'devsphere_owner', false)",
        faults: &[
            "grant devsphere_owner to devsphere_crm",
            "grant devsphere_crm to devsphere_identity",
            "grant devsphere_identity to devsphere_migrator",
            "grant pg_read_all_data to devsphere_crm",
            "grant pg_monitor to devsphere_crm",
            "grant devsphere_owner to devsphere_migrator with admin option",
            "create role fault; grant devsphere_crm to fault",
        ],
    },
    Lint {
        name: "a service's sessions are bounded, tell nothing to the log, and trust no path",
        finds: "with wanted (setting) as (values
                    ('TimeZone=UTC'), ('search_path=pg_catalog'), ('client_min_messages=error'),
                    ('statement_timeout=5s'), ('lock_timeout=2s'), ('idle_in_transaction_session_timeout=10s'),
                    ('log_statement=none'), ('log_min_messages=error'), ('log_min_error_statement=panic'), ('log_min_duration_statement=-1')
                ), found as (
                    select s.name, d.setdatabase, setting
                    from worker as s left join pg_db_role_setting as d on d.setrole = s.oid
                    left join lateral unnest(d.setconfig) as setting on true
                )
                select format('%s: %s', name, setting) from found
                where setting not in (select setting from wanted) or setdatabase <> 0
                union all
                select format('%s: no %s', s.name, w.setting) from worker as s cross join wanted as w
                where not exists (select from found as f where f.name = s.name and f.setting = w.setting)
                union all
                select format('%s for everybody here', setting)
                from pg_db_role_setting as d, unnest(d.setconfig) as setting where d.setrole = 0",
        faults: &[
            "alter role devsphere_crm reset statement_timeout",
            "alter role devsphere_crm set statement_timeout = 0",
            "alter role devsphere_crm reset lock_timeout",
            "alter role devsphere_sealer set statement_timeout = 0",
            "alter role devsphere_crm reset idle_in_transaction_session_timeout",
            "alter role devsphere_crm set search_path = public",
            "alter role devsphere_crm set log_statement = 'all'",
            "alter role devsphere_crm reset log_min_error_statement",
            "alter role devsphere_crm set devsphere.ticket = 'x'",
            "do $$ begin execute format('alter role devsphere_crm in database %I set statement_timeout = 0', current_database()); end $$",
            "do $$ begin execute format('alter database %I set row_security = off', current_database()); end $$",
        ],
    },
];
