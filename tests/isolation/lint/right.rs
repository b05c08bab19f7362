//! A service has a few rights in its own schema, and nobody else has any.

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "everything is the owner's, and a service owns nothing",
        finds: "with owned (what, owner) as (
                    select 'schema ' || name, owner from our_schema
                    union all select name, owner from our_relation where kind <> 't'
                    union all select signature, owner from our_function
                    union all select 'type ' || t.oid::regtype, t.typowner
                    from pg_type as t join our_schema as s on s.oid = t.typnamespace
                )
                select what from owned where pg_get_userbyid(owner) <> 'devsphere_owner'
                union all
                select format('%s owns %s', s.name, pg_describe_object(d.classid, d.objid, d.objsubid))
                from pg_shdepend as d join service as s on s.oid = d.refobjid
                where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o'
                  and d.dbid = (select oid from pg_database where datname = current_database())",
        faults: &[
            "alter table crm.lead owner to devsphere_crm",
            "alter table crm.lead owner to postgres",
            "alter table crm._migrations owner to devsphere_migrator",
            "alter schema crm owner to devsphere_crm",
            "alter function platform.record owner to postgres",
            "alter type platform.principal owner to devsphere_crm",
            "select lo_create(77); alter large object 77 owner to devsphere_crm",
        ],
    },
    Lint {
        name: "a right on a table is its own service's",
        finds: "with found as (
                    select format('%s: %s %s', on_table, grantee, privilege) as name from table_right
                    where grantee <> 'devsphere_' || schema
                )
                select name from found where name not in (select name from right_across)
                union all
                select name || ' is not granted' from right_across where name not in (select name from found)",
        faults: &[
            "grant insert on platform.audit to devsphere_administration",
            "grant update on platform.approval to devsphere_administration",
            "grant update (position) on platform.audit_seal to devsphere_sealer",
            "grant delete on platform.audit to devsphere_sealer",
            "grant select on platform.outbox to devsphere_sealer",
            "revoke select on platform.audit from devsphere_administration",
            "grant select on identity.member to devsphere_crm",
            "grant select (email) on identity.member to devsphere_crm",
            "grant insert on platform.outbox to devsphere_crm",
            "grant select on platform.ticket_key to devsphere_identity",
            "grant select on platform._migrations to devsphere_crm",
            "grant update (position) on platform.outbox to devsphere_identity",
            "grant select on crm.lead to devsphere_migrator",
            "create role fault; grant select on crm.lead to fault",
        ],
    },
    Lint {
        name: "public has no right on anything of ours",
        finds: "select format('%s on %s', privilege, on_table) from table_right where grantee = 'public'
                union all
                select 'schema ' || n.nspname from pg_namespace as n, aclexplode(n.nspacl) as a
                where a.grantee = 0 and n.nspname not in ('pg_catalog', 'information_schema')
                union all
                select 'database: ' || a.privilege_type
                from pg_database as d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
                where a.grantee = 0 and d.datname = current_database()
                union all
                select signature from our_function, aclexplode(acl) as a where a.grantee = 0
                union all
                select 'type ' || t.oid::regtype
                from pg_type as t join our_schema as s on s.oid = t.typnamespace
                left join pg_class as c on c.oid = t.typrelid,
                aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) as a
                where a.grantee = 0 and t.typelem = 0 and (t.typrelid = 0 or c.relkind = 'c')",
        faults: &[
            "grant select on crm.lead to public",
            "grant select (note) on crm.lead to public",
            "grant usage on schema crm to public",
            "grant usage on schema public to public",
            "grant create on schema public to public",
            "do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$",
            "do $$ begin execute format('grant connect on database %I to public', current_database()); end $$",
            "grant execute on function platform.org to public",
            "create function crm.fault() returns void language sql return null",
            "grant usage on type platform.principal to public",
            "create domain crm.fault as text",
        ],
    },
    Lint {
        name: "a service reads and writes rows, and nothing more",
        finds: "select format('%s: %s on %s', grantee, privilege, on_table) from table_right
                where privilege not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')",
        faults: &[
            "grant truncate on crm.lead to devsphere_crm",
            "grant references on crm.lead to devsphere_crm",
            "grant references (lead_id) on crm.lead to devsphere_crm",
            "grant trigger on crm.lead to devsphere_crm",
        ],
    },
    Lint {
        name: "nobody passes a right on",
        finds: "select format('%s: %s on %s', grantee, privilege, on_table) from table_right where passed_on
                union all
                select f.signature from our_function as f, aclexplode(f.acl) as a
                where a.is_grantable and a.grantee <> f.owner
                union all
                select 'schema ' || s.name from our_schema as s, aclexplode(s.acl) as a
                where a.is_grantable and a.grantee <> s.owner",
        faults: &[
            "grant select on crm.lead to devsphere_crm with grant option",
            "grant execute on function platform.org to devsphere_crm with grant option",
            "grant usage on schema crm to devsphere_crm with grant option",
        ],
    },
    Lint {
        name: "no service changes a row's organisation, person or id",
        finds: "select format('%s: %s (%s)', r.grantee, r.on_table, r.column_name)
                from table_right as r
                where r.privilege = 'UPDATE'
                  and (r.column_name is null
                       or r.column_name in ('org_id', 'person_id')
                       or exists (select from pg_index as i join pg_attribute as a
                                      on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
                                  where i.indrelid = r.relation and i.indisprimary and a.attname = r.column_name))",
        faults: &[
            "grant update on crm.lead to devsphere_crm",
            "grant update (org_id) on crm.lead to devsphere_crm",
            "grant update (lead_id) on crm.lead to devsphere_crm",
            "grant update (session_id) on identity.session to devsphere_identity",
            "grant update (person_id) on identity.member to devsphere_identity",
        ],
    },
    Lint {
        name: "what has no wall is used as listed, and a list of migrations not at all",
        finds: "with found as (
                    select on_table as name,
                           format('%s %s%s', grantee, privilege, ' (' || column_name || ')') as allowed
                    from table_right where relation not in (select oid from walled_table)
                )
                select format('%s: %s', name, allowed) from found
                where (name, allowed) not in (select name, allowed from global_right)
                union all
                select format('%s: %s is not granted', name, allowed) from global_right
                where (name, allowed) not in (select name, allowed from found)",
        faults: &[
            "grant select on identity.refresh_token to devsphere_identity",
            "grant select on identity.guess to devsphere_identity",
            "grant delete on identity.instance to devsphere_identity",
            "grant update (admin_code_hash) on identity.instance to devsphere_identity",
            "grant select (token_hash) on identity.sign_up_invitation to devsphere_identity",
            "grant select on crm._migrations to devsphere_crm",
            "revoke select on identity.instance from devsphere_identity",
        ],
    },
    Lint {
        name: "a schema is used by its own service, and made in by nobody",
        finds: "select format('%s on %s: %s', pg_get_userbyid(a.grantee), s.name, a.privilege_type)
                from our_schema as s, aclexplode(s.acl) as a
                where a.grantee not in (0, s.owner)
                  and not (a.privilege_type = 'USAGE' and pg_get_userbyid(a.grantee) in (
                      select name from service where schema = s.name
                      union all select name from worker where s.name = 'platform'
                      union all select 'devsphere_backup'))",
        faults: &[
            "grant usage on schema crm to devsphere_sealer",
            "grant usage on schema identity to devsphere_crm",
            "grant create on schema crm to devsphere_crm",
            "grant usage on schema crm to devsphere_migrator",
        ],
    },
    Lint {
        name: "the database lets services connect, and no more",
        finds: "select format('%s: %s', pg_get_userbyid(a.grantee), a.privilege_type)
                from pg_database as d, aclexplode(d.datacl) as a
                where d.datname = current_database() and a.grantee in (select oid from worker)
                  and a.privilege_type <> 'CONNECT'",
        faults: &[
            "do $$ begin execute format('grant temporary on database %I to devsphere_crm', current_database()); end $$",
            "do $$ begin execute format('grant create on database %I to devsphere_crm', current_database()); end $$",
        ],
    },
    Lint {
        name: "what the owner makes next is nobody else's",
        finds: "with given as (
                    select d.defaclnamespace, d.defaclobjtype, a.grantee, d.defaclrole
                    from pg_default_acl as d, aclexplode(d.defaclacl) as a
                )
                select format('%s: %s', case grantee when 0 then 'public' else pg_get_userbyid(grantee) end, defaclobjtype)
                from given where grantee <> defaclrole
                union all
                select 'no default for ' || kind from unnest(array['f', 'T']) as kind
                where not exists (
                    select from pg_default_acl
                    where defaclobjtype = kind::\"char\" and defaclnamespace = 0
                      and pg_get_userbyid(defaclrole) = 'devsphere_owner')",
        faults: &[
            "alter default privileges for role devsphere_owner grant execute on functions to public",
            "alter default privileges for role devsphere_owner grant select on tables to devsphere_crm",
            "alter default privileges for role devsphere_owner in schema crm grant all on tables to devsphere_crm",
            "alter default privileges for role postgres grant select on tables to devsphere_crm",
        ],
    },
];
