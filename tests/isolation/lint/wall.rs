//! Every table has its wall, and no policy opens a second door.

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "every table is walled, or listed as global",
        finds: "select name from walled_table where not (walled and forced)",
        faults: &[
            "alter table crm.lead no force row level security",
            "alter table crm.lead disable row level security",
            "create table crm.fault (org_id uuid primary key)",
            "create table platform.fault (org_id uuid primary key)",
            "create table crm.fault (like crm.lead) partition by list (org_id);
             create table crm.fault_default partition of crm.fault default;
             select platform.wall('crm.fault')",
        ],
    },
    Lint {
        name: "a global table is identity's or the platform's, and has no organisation",
        finds: "select name from global_table
                where split_part(name, '.', 1) not in ('identity', 'platform')
                   or to_regclass(name) is null
                   or exists (select from pg_attribute
                              where attrelid = to_regclass(name) and attname = 'org_id' and not attisdropped)",
        faults: &[
            "insert into global_table values ('crm.lead', 'no reason')",
            "insert into global_table values ('identity.gone', 'dropped long ago')",
            "alter table identity.instance add column org_id uuid",
        ],
    },
    Lint {
        name: "the owner has a door, or a backfill would touch no row",
        finds: "select name from walled_table as t where not exists (
                    select from policy as p
                    where p.relation = t.oid and p.name = 'owner_door' and p.permissive and p.whole
                      and p.roles = '{devsphere_owner}' and p.rows_seen = 'true' and p.rows_written = 'true')",
        faults: &[
            "drop policy owner_door on crm.lead",
            "alter policy owner_door on platform.audit using (false)",
            "alter policy owner_door on identity.member with check (org_id is null)",
            "drop policy owner_door on crm.lead;
             create policy owner_door on crm.lead for select to devsphere_owner using (true)",
        ],
    },
    Lint {
        name: "whoever has a right on a walled table has a door and a wall there",
        finds: "with needs as (
                    select oid as relation, name as on_table, 'devsphere_' || schema as role
                    from walled_table where schema <> 'platform'
                    union
                    select relation, on_table, grantee from table_right
                    where relation in (select oid from walled_table) and grantee <> 'devsphere_sealer'
                )
                select format('%s on %s', role, on_table) from needs as n
                where not exists (
                    select from policy as p
                    where p.relation = n.relation and p.name = 'door' and p.permissive and p.whole
                      and p.roles = array[n.role]::name[] and p.rows_seen = 'true' and p.rows_written = 'true')
                or not exists (
                    select from policy as p
                    where p.relation = n.relation and p.name = 'wall' and not p.permissive and p.whole
                      and p.roles = array[n.role]::name[]
                      and p.rows_seen is not null and p.rows_written is not null)",
        faults: &[
            "drop policy door on crm.lead",
            "drop policy wall on crm.lead",
            "drop policy wall on crm.lead;
             create policy wall on crm.lead as restrictive for select to devsphere_crm
                 using (org_id = (select platform.org()))",
            "drop policy wall on crm.lead;
             create policy wall on crm.lead to devsphere_crm
                 using (org_id = (select platform.org())) with check (org_id = (select platform.org()))",
            "drop policy wall on crm.lead;
             create policy wall on crm.lead as restrictive to devsphere_crm
                 using (org_id = (select platform.org()))",
            "alter policy wall on crm.lead to devsphere_identity",
            "grant select on crm.lead to devsphere_identity",
            "grant select (note) on crm.lead to devsphere_identity",
            "grant insert on platform.outbox to devsphere_crm",
            "drop policy wall on platform.audit",
        ],
    },
    Lint {
        name: "a wall compares with the verified ticket, both ways",
        finds: "select on_table from policy as p join walled_table as t on t.oid = p.relation,
                lateral (select case t.tenant
                    when 'org_id' then '(org_id = ( SELECT platform.org() AS org))'
                    else '(person_id = ( SELECT platform.person() AS person))' end) as e (expected)
                where p.name = 'wall'
                  and (p.rows_seen is distinct from expected or p.rows_written is distinct from expected)",
        faults: &[
            "alter policy wall on crm.lead using (true)",
            "alter policy wall on crm.lead with check (true)",
            "alter policy wall on crm.lead using (org_id = platform.org())",
            "alter policy wall on crm.lead using (org_id = (select platform.claimed_org()))",
            "alter policy wall on crm.lead using (org_id = (select platform.org()) or owner_id is null)",
            "alter policy wall on identity.member using (person_id = (select platform.person()))",
            "alter policy wall on identity.session with check (person_id is not null)",
        ],
    },
    Lint {
        name: "no policy opens a table but the two doors",
        finds: "select format('%s on %s', p.name, p.on_table) from policy as p
                where p.permissive
                  and not (p.name = 'owner_door' and p.roles = '{devsphere_owner}')
                  and not (p.name = 'door' and p.roles = array['devsphere_' || p.schema]::name[])
                  and not exists (
                    select from right_across as r
                    where p.name = case p.roles[1] when 'devsphere_sealer' then 'sealer' else 'door' end
                      and cardinality(p.roles) = 1
                      and r.name = format('%s: %s SELECT', p.on_table, p.roles[1]))",
        faults: &[
            "create policy sealer on platform.outbox to devsphere_sealer using (true)",
            "create policy sealer on crm.lead to devsphere_sealer using (true)",
            "alter policy sealer on platform.audit to devsphere_sealer, devsphere_crm",
            "create policy door on platform.outbox to devsphere_administration using (true)",
            "create policy fault on crm.lead using (true)",
            "create policy fault on crm.lead for select to devsphere_crm using (true)",
            "create policy fault on crm.lead for insert to devsphere_crm with check (true)",
            "create policy fault on crm.lead to devsphere_identity using (true)",
            "alter policy door on crm.lead to public",
            "alter policy door on crm.lead to devsphere_crm, devsphere_identity",
            "alter policy owner_door on crm.lead to public",
        ],
    },
    Lint {
        name: "a policy asks once for a statement, never once for a row",
        finds: r"select format('%s on %s', p.name, p.on_table)
                from policy as p, unnest(array[p.rows_seen, p.rows_written]) as condition
                where regexp_count(condition, '\w\(') <> regexp_count(condition, '\( SELECT [\w.]+\(')",
        faults: &[
            "alter policy narrow on crm.lead using (owner_id = platform.sub())",
            "alter policy narrow on crm.lead using (org_id = current_setting('devsphere.org')::uuid)",
            "create policy fault on platform.audit as restrictive using (platform.sees_all(2))",
        ],
    },
    Lint {
        name: "a policy asks stable functions of the platform only",
        finds: "select format('%s on %s asks %s', p.name, p.on_table, f.oid::regprocedure)
                from policy as p
                join pg_depend as d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
                                   and d.refclassid = 'pg_proc'::regclass
                join pg_proc as f on f.oid = d.refobjid
                where f.provolatile <> 's' or f.pronamespace <> 'platform'::regnamespace",
        faults: &[
            "alter function platform.org immutable",
            "alter function platform.org volatile",
            "alter function platform.person immutable",
            "create function crm.fault() returns uuid language sql stable return null::uuid;
             create policy fault on crm.lead as restrictive using (org_id = (select crm.fault()))",
        ],
    },
    Lint {
        name: "what has an owner is narrowed by the bit of its module",
        finds: "select t.name from walled_table as t join service as s on s.schema = t.schema,
                lateral (select format(
                    '(( SELECT platform.sees_all(%s) AS sees_all) OR (owner_id IS NULL)'
                    ' OR (( SELECT platform.sub() AS sub) = ANY (ARRAY[owner_id, assigned_by])))', s.bit)) as e (expected)
                where exists (select from pg_attribute where attrelid = t.oid and attname = 'owner_id' and not attisdropped)
                  and not exists (
                    select from policy as p
                    where p.relation = t.oid and p.name = 'narrow' and not p.permissive and p.whole
                      and p.roles = array[s.name] and p.rows_seen = expected and p.rows_written = expected)",
        faults: &[
            "drop policy narrow on crm.lead",
            "drop policy narrow on crm.lead; select platform.narrow('crm.lead', 1)",
            "alter policy narrow on crm.lead with check (true)",
            "create table crm.fault (org_id uuid primary key, owner_id uuid, assigned_by uuid);
             select platform.wall('crm.fault')",
        ],
    },
    Lint {
        name: "rows are in tables, and seen through nothing else",
        finds: "select name from our_relation
                where kind not in ('r', 'p', 'i', 'I', 'c', 't')
                  and not (kind = 'v' and coalesce('security_invoker=true' = any (options), false))
                union all
                select format('rule %s on %s', r.rulename, t.name)
                from pg_rewrite as r join our_relation as t on t.oid = r.ev_class where r.rulename <> '_RETURN'",
        faults: &[
            "create view crm.fault as select * from crm.lead",
            "create view crm.fault with (security_barrier) as select * from crm.lead",
            "create materialized view crm.fault as select * from crm.lead",
            "create sequence crm.fault",
            "alter table crm.lead add column number bigint generated always as identity",
            "create rule fault as on update to crm.lead do also select 1",
            "create foreign data wrapper fault; create server fault foreign data wrapper fault;
             create foreign table crm.fault (org_id uuid) server fault",
        ],
    },
    Lint {
        name: "nothing carries rows out of the tables unseen",
        finds: "select 'publication ' || pubname from pg_publication
                union all select 'event trigger ' || evtname from pg_event_trigger
                union all select 'foreign server ' || srvname from pg_foreign_server
                union all select 'large object ' || oid from pg_largeobject_metadata
                union all select 'extension ' || extname from pg_extension where extname <> 'plpgsql'
                union all select 'schema ' || nspname from pg_namespace
                where nspname not in (select name from our_schema)
                  and nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
                union all select 'in public: ' || oid::regclass from pg_class where relnamespace = 'public'::regnamespace
                union all select 'in public: ' || oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace",
        faults: &[
            "create publication fault for all tables",
            "create publication fault for table crm.lead",
            "create function crm.fault() returns event_trigger language plpgsql as 'begin end';
             create event trigger fault on ddl_command_end execute function crm.fault()",
            "create foreign data wrapper fault; create server fault foreign data wrapper fault",
            "select lo_create(0)",
            "create schema fault",
            "create table public.fault ()",
            "create function public.fault() returns void language sql return null",
        ],
    },
];
