-- Leads: people and companies that may become clients.

create table crm.lead (
    org_id         uuid        not null default platform.claimed_org(),
    lead_id        uuid        not null,
    display_name   text        not null default '',
    company        text        not null default '',
    job_title      text        not null default '',
    email          text        not null default '',
    phone          text        not null default '',
    website        text        not null default '',
    source         text        not null default '',
    value_minor    bigint,
    value_currency text,
    tags           text[]      not null default '{}',
    note           text        not null default '',
    owner_id       uuid,
    assigned_by    uuid,
    state          text        not null default 'new'
        check (state in ('new', 'contacted', 'qualified', 'won', 'lost', 'disqualified')),
    reason         text        not null default '',
    create_time    timestamptz not null default transaction_timestamp(),
    update_time    timestamptz not null default transaction_timestamp(),
    state_time     timestamptz not null default transaction_timestamp(),
    delete_time    timestamptz,
    version        bigint      not null default 1,
    primary key (org_id, lead_id),
    constraint lead_value_check check ((value_minor is null) = (value_currency is null))
);

select platform.wall('crm.lead');
select platform.narrow('crm.lead', 2);

grant select, insert on crm.lead to devsphere_crm;
grant update (
    display_name, company, job_title, email, phone, website, source, value_minor, value_currency, tags, note,
    owner_id, assigned_by, state, reason, update_time, state_time, delete_time, version
) on crm.lead to devsphere_crm;

-- The list as it opens, one state's, and what a caller without `crm.all` sees: their own, nobody's, and
-- those they handed over.
create index lead_newest on crm.lead (org_id, create_time desc, lead_id desc) where delete_time is null;
create index lead_by_state on crm.lead (org_id, state, create_time desc, lead_id desc) where delete_time is null;
create index lead_by_owner on crm.lead (org_id, owner_id, create_time desc, lead_id desc) where delete_time is null;
create index lead_by_assigner on crm.lead (org_id, assigned_by) where assigned_by is not null and delete_time is null;
