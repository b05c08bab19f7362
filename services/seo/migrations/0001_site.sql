-- Sites: the websites that content is written for.

create table seo.site (
    org_id           uuid        not null default platform.claimed_org(),
    site_id          uuid        not null,
    display_name     text        not null,
    base_url         text        not null,
    client_name      text        not null default '',
    language         text        not null,
    country          text        not null default '',
    voice            text        not null default '',
    forbidden_claims text[]      not null default '{}',
    note             text        not null default '',
    approval_gate    text        not null check (approval_gate in ('required', 'none')),
    create_time      timestamptz not null default transaction_timestamp(),
    update_time      timestamptz not null default transaction_timestamp(),
    delete_time      timestamptz,
    version          bigint      not null default 1,
    primary key (org_id, site_id)
);

select platform.wall('seo.site');

grant select, insert on seo.site to devsphere_seo;
grant update (
    display_name, base_url, client_name, language, country, voice, forbidden_claims, note, approval_gate,
    update_time, delete_time, version
) on seo.site to devsphere_seo;

-- What a site outside the trash has to itself, and the list as it opens.
create unique index site_base_url_key on seo.site (org_id, base_url) where delete_time is null;
create index site_newest on seo.site (org_id, create_time desc, site_id desc) where delete_time is null;
