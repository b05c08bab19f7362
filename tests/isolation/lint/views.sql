-- What the rules are written in: the catalogue, cut down to what is ours. Lists come from Rust.

create temp table module (name text, bit integer);
create temp table global_table (name text, reason text);
create temp table owner_function (name text, reason text);
create temp table key_across (name text, reason text);
create temp table global_right (name text, allowed text);
create temp table right_across (name text, reason text);
create temp table platform_function (name text, reason text);

create temp view service as
select r.oid, r.rolname as name, m.name as schema, m.bit
from module as m left join pg_roles as r on r.rolname = 'devsphere_' || m.name;

-- The services, and the one worker that is none.
create temp view worker as
select oid, name from service
union all select oid, rolname from pg_roles where rolname = 'devsphere_sealer';

create temp view our_schema as
select oid, nspname as name, nspacl as acl, nspowner as owner
from pg_namespace
where nspname = 'platform' or nspname in (select name from module);

-- Tables and everything else that has rows or looks as if.
create temp view our_relation as
select c.oid, c.oid::regclass::text as name, s.name as schema, c.relname as short, c.relkind as kind,
       c.relowner as owner, c.reloptions as options, c.relrowsecurity as walled, c.relforcerowsecurity as forced
from pg_class as c join our_schema as s on s.oid = c.relnamespace;

create temp view our_table as
select * from our_relation where kind in ('r', 'p');

create temp view walled_table as
select t.*, case when exists (
               select from pg_attribute where attrelid = t.oid and attname = 'org_id' and not attisdropped)
           then 'org_id' else 'person_id' end as tenant
from our_table as t
where t.name not in (select name from global_table) and t.short <> '_migrations';

create temp view policy as
select p.polrelid as relation, t.name as on_table, t.schema, p.polname as name, p.polpermissive as permissive,
       p.polcmd = '*' as whole, p.oid,
       array(select case r when 0 then 'public' else pg_get_userbyid(r) end from unnest(p.polroles) as r) as roles,
       pg_get_expr(p.polqual, p.polrelid) as rows_seen,
       pg_get_expr(p.polwithcheck, p.polrelid) as rows_written
from pg_policy as p join our_table as t on t.oid = p.polrelid;

-- Every right on a table or on one of its columns, but for the owner's, and the backup's, which has a
-- rule of its own.
create temp view table_right as
select t.oid as relation, t.name as on_table, t.schema,
       case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end as grantee,
       a.privilege_type as privilege, a.column_name, a.is_grantable as passed_on
from our_relation as t cross join lateral (
    select x.grantee, x.privilege_type, x.is_grantable, null::name as column_name
    from pg_class as c, aclexplode(c.relacl) as x where c.oid = t.oid
    union all
    select x.grantee, x.privilege_type, x.is_grantable, c.attname
    from pg_attribute as c, aclexplode(c.attacl) as x where c.attrelid = t.oid
) as a
where a.grantee <> t.owner and a.grantee <> (select oid from pg_roles where rolname = 'devsphere_backup');

create temp view our_function as
select p.oid, format('%s.%s', s.name, p.proname) as name, p.oid::regprocedure::text as signature, s.name as schema,
       p.proowner as owner, p.prosecdef as definer, p.proconfig as settings, p.provolatile as volatility,
       p.proleakproof as leakproof, p.prosrc as source, l.lanname as language,
       coalesce(p.proacl, acldefault('f', p.proowner)) as acl
from pg_proc as p join our_schema as s on s.oid = p.pronamespace join pg_language as l on l.oid = p.prolang;

-- What lets one organisation hear, see, block or slow another.
create temp view risky_function as
select oid, oid::regprocedure::text as signature, coalesce(proacl, acldefault('f', proowner)) as acl
from pg_proc
where pronamespace = 'pg_catalog'::regnamespace
  and (proname ~ '(advisory|^lo_|^lo(read|write)$|^pg_sleep)'
       or proname in ('pg_notify', 'pg_export_snapshot', 'pg_cancel_backend', 'pg_terminate_backend',
                      'pg_stat_get_activity', 'pg_stat_get_backend_activity'));
