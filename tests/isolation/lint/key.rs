//! The organisation leads every key, and no key leads out of its schema.

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        name: "every key begins with the organisation, or with the person",
        finds: "select i.indexrelid::regclass::text
                from pg_index as i join walled_table as t on t.oid = i.indrelid
                left join pg_attribute as a on a.attrelid = t.oid and a.attnum = i.indkey[0]
                where (i.indisunique or i.indisexclusion) and a.attname is distinct from t.tenant
                  and i.indexrelid::regclass::text not in (select name from key_across)
                union all
                select name || ' has no primary key' from walled_table as t
                where not exists (select from pg_index where indrelid = t.oid and indisprimary)",
        faults: &[
            "create unique index on crm.lead (lead_id)",
            "create unique index on crm.lead (lower(email))",
            "create unique index on crm.lead (email) where delete_time is null",
            "alter table crm.lead add unique (email, org_id)",
            "alter table crm.lead add exclude (lead_id with =)",
            "alter table crm.lead drop constraint lead_pkey",
            "alter table crm.lead drop constraint lead_pkey, add primary key (lead_id, org_id)",
            "alter table identity.person add unique (display_name)",
            "create table crm.fault (org_id uuid, fault_id uuid); select platform.wall('crm.fault')",
        ],
    },
    Lint {
        name: "every foreign key begins with the organisation, or with the person, at both ends",
        finds: "select format('%s on %s', c.conname, t.name)
                from pg_constraint as c join walled_table as t on t.oid = c.conrelid
                left join pg_attribute as here on here.attrelid = c.conrelid and here.attnum = c.conkey[1]
                left join pg_attribute as there on there.attrelid = c.confrelid and there.attnum = c.confkey[1]
                where c.contype = 'f' and (here.attname, there.attname) is distinct from (t.tenant, t.tenant)",
        faults: &[
            "alter table crm.lead add unique (lead_id), add column parent_id uuid references crm.lead (lead_id)",
            "alter table crm.lead add column parent_org_id uuid, add column parent_id uuid,
                 add foreign key (parent_org_id, parent_id) references crm.lead",
            "alter table crm.lead add unique (lead_id, org_id), add column parent_id uuid,
                 add foreign key (parent_id, org_id) references crm.lead (lead_id, org_id)",
            "alter table identity.member add foreign key (person_id) references identity.person",
        ],
    },
    Lint {
        name: "no foreign key moves a row to another organisation",
        finds: "select format('%s on %s', c.conname, t.name)
                from pg_constraint as c join walled_table as t on t.oid = c.conrelid
                where c.contype = 'f'
                  and (c.confupdtype not in ('a', 'r')
                       or c.confdeltype in ('n', 'd')
                          and (c.confdelsetcols is null or c.conkey[1] = any (c.confdelsetcols)))",
        faults: &[
            "alter table identity.activation add foreign key (org_id, member_id) references identity.member
                 on update cascade",
            "alter table crm.lead add column parent_id uuid,
                 add foreign key (org_id, parent_id) references crm.lead on delete set null",
        ],
    },
    Lint {
        name: "no foreign key crosses a schema",
        finds: "select format('%s on %s', c.conname, c.conrelid::regclass)
                from pg_constraint as c
                join pg_class as here on here.oid = c.conrelid join pg_class as there on there.oid = c.confrelid
                where c.contype = 'f' and here.relnamespace <> there.relnamespace",
        faults: &[
            "alter table crm.lead add foreign key (org_id) references identity.organization",
            "alter table crm.lead add foreign key (owner_id) references identity.person",
            "alter table platform.outbox add foreign key (org_id) references identity.organization",
        ],
    },
    Lint {
        name: "a row's organisation is given by the ticket, and never missing",
        finds: "select format('%s.%s', t.name, a.attname)
                from walled_table as t join pg_attribute as a on a.attrelid = t.oid and a.attname = t.tenant
                left join pg_attrdef as d on d.adrelid = t.oid and d.adnum = a.attnum
                where not a.attnotnull or a.atttypid <> 'uuid'::regtype or a.attgenerated <> ''
                   or coalesce(pg_get_expr(d.adbin, d.adrelid), 'platform.claimed_org()') <> 'platform.claimed_org()'
                union all
                select t.name || ' has neither' from walled_table as t
                where not exists (select from pg_attribute where attrelid = t.oid and attname = t.tenant and not attisdropped)",
        faults: &[
            "alter table crm.lead alter column org_id set default gen_random_uuid()",
            "alter table crm.lead alter column org_id set default '00000000-0000-0000-0000-000000000000'",
            "create table crm.fault (org_id uuid)",
            "create table crm.fault (org_id text primary key)",
            "create table crm.fault (fault_id uuid primary key)",
        ],
    },
    Lint {
        name: "every key across organisations is still there",
        finds: "select name from key_across as k
                where not exists (select from pg_index where indexrelid = to_regclass(k.name) and indisunique)",
        faults: &[
            "insert into key_across values ('crm.lead_newest', 'not a key')",
            "alter table identity.person drop constraint person_email_key",
        ],
    },
];
