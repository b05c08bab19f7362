-- Keywords: the phrases that sites want to be found with.

create table seo.keyword (
    org_id         uuid        not null default platform.claimed_org(),
    keyword_id     uuid        not null,
    site_id        uuid        not null,
    phrase         text        not null,
    country        text        not null default '',
    device         text        not null check (device in ('desktop', 'mobile')),
    intent         text
        check (intent in ('informational', 'navigational', 'commercial', 'transactional')),
    target_url     text        not null default '',
    monthly_volume integer     check (monthly_volume >= 0),
    tags           text[]      not null default '{}',
    note           text        not null default '',
    create_time    timestamptz not null default transaction_timestamp(),
    update_time    timestamptz not null default transaction_timestamp(),
    delete_time    timestamptz,
    version        bigint      not null default 1,
    primary key (org_id, keyword_id),
    foreign key (org_id, site_id) references seo.site
);

select platform.wall('seo.keyword');

grant select, insert on seo.keyword to devsphere_seo;
grant update (
    phrase, country, device, intent, target_url, monthly_volume, tags, note,
    update_time, delete_time, version
) on seo.keyword to devsphere_seo;

-- What a keyword outside the trash has to itself; the list as it opens, and one site's.
create unique index keyword_phrase_key on seo.keyword (org_id, site_id, lower(phrase), country, device)
    where delete_time is null;
create index keyword_newest on seo.keyword (org_id, create_time desc, keyword_id desc) where delete_time is null;
create index keyword_by_site on seo.keyword (org_id, site_id, create_time desc, keyword_id desc)
    where delete_time is null;
