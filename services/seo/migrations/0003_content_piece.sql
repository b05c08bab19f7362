-- Content pieces: texts on their way to a site, and every version of them.

create table seo.content_piece (
    org_id             uuid        not null default platform.claimed_org(),
    content_piece_id   uuid        not null,
    site_id            uuid        not null,
    title              text        not null,
    kind               text        not null check (kind in ('article', 'landing_page', 'product_page', 'guide')),
    keyword_ids        uuid[]      not null default '{}',
    brief              jsonb       not null,
    state              text        not null default 'brief'
        check (state in ('brief', 'generating', 'draft', 'in_review', 'approved', 'rejected')),
    version_number     integer     not null default 0,
    score              integer,
    edited_by          uuid,
    submitted_by       uuid,
    decided_by         uuid,
    decision_note      text        not null default '',
    generation_failure text        not null default '',
    create_time        timestamptz not null default transaction_timestamp(),
    update_time        timestamptz not null default transaction_timestamp(),
    state_time         timestamptz not null default transaction_timestamp(),
    delete_time        timestamptz,
    version            bigint      not null default 1,
    primary key (org_id, content_piece_id),
    foreign key (org_id, site_id) references seo.site
);

select platform.wall('seo.content_piece');

grant select, insert on seo.content_piece to devsphere_seo;
grant update (
    title, kind, keyword_ids, brief, state, version_number, score, edited_by, submitted_by, decided_by, decision_note,
    generation_failure, update_time, state_time, delete_time, version
) on seo.content_piece to devsphere_seo;

-- The list as it opens, one site's, and one state's.
create index content_piece_newest on seo.content_piece (org_id, create_time desc, content_piece_id desc)
    where delete_time is null;
create index content_piece_by_site on seo.content_piece (org_id, site_id, create_time desc, content_piece_id desc)
    where delete_time is null;
create index content_piece_by_state on seo.content_piece (org_id, state, create_time desc, content_piece_id desc)
    where delete_time is null;

-- A version is written once: an approval is of one of them.
create table seo.content_version (
    org_id           uuid        not null default platform.claimed_org(),
    content_piece_id uuid        not null,
    number           integer     not null check (number > 0),
    content          jsonb       not null,
    checks           jsonb       not null,
    score            integer     not null,
    origin           text        not null check (origin in ('person', 'agent', 'restored')),
    author_id        uuid        not null,
    note             text        not null default '',
    create_time      timestamptz not null default transaction_timestamp(),
    primary key (org_id, content_piece_id, number),
    foreign key (org_id, content_piece_id) references seo.content_piece
);

select platform.wall('seo.content_version');

grant select, insert on seo.content_version to devsphere_seo;
