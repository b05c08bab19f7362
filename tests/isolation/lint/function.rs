//! A function sees what its caller sees, or stands in a list.

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "a function of the owner finds names in one place only",
        finds: "select signature from our_function
                where definer and not coalesce('search_path=pg_catalog, pg_temp' = any (settings), false)",
        faults: &[
            "alter function platform.ticket reset search_path",
            "alter function platform.record set search_path = public",
            "alter function identity.refresh set search_path = pg_catalog",
            "alter function identity.refresh set search_path = pg_temp, pg_catalog",
            "create function crm.fault() returns void language sql security definer return null",
        ],
    },
    Lint {
        name: "a function of the owner stands in the list with its check",
        finds: "select signature from our_function where definer and name not in (select name from owner_function)
                union all
                select name || ' is not there' from owner_function
                where name not in (select name from our_function where definer)",
        faults: &[
            "create function crm.fault() returns void language sql security definer
                 set search_path = pg_catalog, pg_temp return null",
            "alter function identity.affiliations_of security definer",
            "alter function platform.answer security invoker",
            "insert into owner_function values ('crm.gone', 'dropped long ago')",
        ],
    },
    Lint {
        name: "a function is called by its own service, and of the platform's only the listed ones",
        finds: "select format('%s by %s', f.signature,
                           case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end)
                from our_function as f, aclexplode(f.acl) as a
                where a.grantee <> f.owner
                  and not exists (
                      select from service as s
                      where s.oid = a.grantee
                        and (s.schema = f.schema
                             or f.schema = 'platform' and f.name in (select name from platform_function)))
                  and (f.name, pg_get_userbyid(a.grantee)) <> ('platform.sealer_turn', 'devsphere_sealer')
                union all
                select name || ' is not there' from platform_function
                where name not in (select name from our_function)",
        faults: &[
            "grant execute on function platform.org to public",
            "grant execute on function identity.own_place to devsphere_crm",
            "grant execute on function platform.purge_organization to devsphere_crm",
            "grant execute on function platform.wall to devsphere_crm",
            "grant execute on function platform.narrow to devsphere_identity",
            "grant execute on function platform.record to devsphere_migrator",
            "grant execute on function platform.record to devsphere_sealer",
            "grant execute on function platform.sealer_turn to devsphere_crm",
            "create function platform.fault() returns void language sql return null",
            "insert into platform_function values ('platform.gone', 'dropped long ago')",
        ],
    },
    Lint {
        name: "of its own functions a service calls those that check, and no part of them, and no tool of the operator",
        finds: "select signature from our_function, aclexplode(acl) as a
                where a.grantee <> owner and schema <> 'platform'
                  and (not definer
                       or name in (select name from owner_function where reason like '%no service may call it%'))",
        faults: &[
            "grant execute on function identity.purge_demo to devsphere_identity",
            "grant execute on function identity.granted_to to devsphere_identity",
            "grant execute on function identity.note to devsphere_identity",
        ],
    },
    Lint {
        name: "what reads the ticket is no constant",
        finds: r"select signature from our_function
                where volatility = 'i' and source ~* '(current_setting|platform\.|\mfrom\M|\mselect\M.*\()'
                  and name <> 'platform.org_of'",
        faults: &[
            "alter function platform.ticket immutable",
            "alter function platform.org immutable",
            "alter function platform.claimed_org immutable",
            "alter function platform.sub immutable",
            "alter function platform.sees_all immutable",
            "alter function identity.own_place immutable",
        ],
    },
    Lint {
        name: "functions are SQL, and none says that it leaks nothing",
        finds: "select signature from our_function where language not in ('sql', 'plpgsql') or leakproof
                union all
                select 'operator ' || o.oid::regoperator from pg_operator as o join our_schema as s on s.oid = o.oprnamespace
                union all
                select 'cast ' || c.oid from pg_cast as c join our_function as f on f.oid = c.castfunc",
        faults: &[
            "alter function platform.sub leakproof",
            "create function crm.fault(double precision) returns void language internal as 'pg_sleep'",
            "create operator crm.= (leftarg = uuid, rightarg = uuid, function = pg_catalog.uuid_eq)",
        ],
    },
    Lint {
        name: "no organisation can hear, see, block or slow another",
        finds: "select format('%s by %s', f.signature,
                           case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end)
                from risky_function as f, aclexplode(f.acl) as a
                where a.grantee = 0
                   or not (select rolsuper or rolname = 'devsphere_owner' or rolname ~ '^pg_'
                                  or rolname = 'devsphere_backup' and f.signature = 'pg_export_snapshot()'
                           from pg_roles where oid = a.grantee)",
        faults: &[
            "grant execute on function pg_catalog.pg_advisory_lock(bigint) to public",
            "grant execute on function pg_catalog.pg_advisory_xact_lock(integer, integer) to devsphere_crm",
            "grant execute on function pg_catalog.pg_notify to devsphere_crm",
            "grant execute on function pg_catalog.lo_create to public",
            "grant execute on function pg_catalog.loread to public",
            "grant execute on function pg_catalog.pg_sleep to public",
            "grant execute on function pg_catalog.pg_export_snapshot to devsphere_identity",
            "grant execute on function pg_catalog.pg_notify to devsphere_backup",
            "grant execute on function pg_catalog.pg_stat_get_activity to public",
            "grant execute on function pg_catalog.pg_stat_get_backend_activity to devsphere_crm",
            "grant execute on function pg_catalog.pg_terminate_backend to public",
        ],
    },
];
