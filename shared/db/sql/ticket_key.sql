-- The one table that no backup holds, as the platform's migrations make it. Runs as the owner.

create table platform.ticket_key (
    kid       text primary key,
    inner_pad bytea not null,
    outer_pad bytea not null,
    not_after timestamptz not null default 'infinity'
);
