//! The one role that passes the walls reads every row but the ticket keys, and does nothing else.

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "the backup's role passes walls, and has no other strength",
        finds: "select 'devsphere_backup' where not exists (
                    select from pg_roles
                    where rolname = 'devsphere_backup' and rolbypassrls and rolcanlogin
                      and not (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolinherit))",
        faults: &[
            "alter role devsphere_backup nobypassrls",
            "alter role devsphere_backup superuser",
            "alter role devsphere_backup createrole",
            "alter role devsphere_backup inherit",
            "alter role devsphere_backup nologin",
        ],
    },
    Lint {
        name: "nobody else passes a wall",
        finds: "select rolname::text from pg_roles
                where rolbypassrls and not rolsuper and rolname <> 'devsphere_backup'",
        faults: &["create role fault bypassrls"],
    },
    Lint {
        name: "the backup reads every table but the ticket keys, and has no other right on any",
        finds: "with found as (
                    select t.name, a.privilege_type as privilege
                    from our_relation as t join pg_class as c on c.oid = t.oid, aclexplode(c.relacl) as a
                    where a.grantee = 'devsphere_backup'::regrole
                    union all
                    select t.name, 'column'
                    from our_relation as t join pg_attribute as c on c.attrelid = t.oid, aclexplode(c.attacl) as a
                    where a.grantee = 'devsphere_backup'::regrole
                ), wanted as (
                    select name from our_table where name <> 'platform.ticket_key'
                )
                select format('%s: %s', name, privilege) from found
                where privilege <> 'SELECT' or name not in (select name from wanted)
                union all
                select 'not read: ' || name from wanted where name not in (select name from found)",
        faults: &[
            "grant select on platform.ticket_key to devsphere_backup",
            "grant select (inner_pad) on platform.ticket_key to devsphere_backup",
            "grant insert on crm.lead to devsphere_backup",
            "revoke select on crm.lead from devsphere_backup",
            "create table crm.fault (org_id uuid primary key)",
        ],
    },
    Lint {
        name: "the backup runs no function of ours, and cannot write",
        finds: "select signature from our_function, aclexplode(acl) as a
                where a.grantee = 'devsphere_backup'::regrole
                union all
                select 'may write' where not exists (
                    select from pg_db_role_setting
                    where setrole = 'devsphere_backup'::regrole and setdatabase = 0
                      and 'default_transaction_read_only=on' = any (setconfig))
                union all
                select 'database: ' || a.privilege_type
                from pg_database as d, aclexplode(d.datacl) as a
                where d.datname = current_database() and a.grantee = 'devsphere_backup'::regrole
                  and a.privilege_type <> 'CONNECT'",
        faults: &[
            "grant execute on function platform.ticket to devsphere_backup",
            "alter role devsphere_backup reset default_transaction_read_only",
            "do $$ begin execute format('grant temporary on database %I to devsphere_backup', current_database()); end $$",
        ],
    },
];
