-- Generations: the tries of agents at the texts of pieces.

create table seo.generation (
    org_id           uuid        not null default platform.claimed_org(),
    generation_id    uuid        not null,
    content_piece_id uuid        not null,
    state            text        not null default 'queued'
        check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    asked_by         uuid        not null,
    outline          jsonb       not null default '[]',
    failure          text        not null default '',
    failure_message  text        not null default '',
    version_number   integer     not null default 0,
    model            text        not null default '',
    tokens           bigint      not null default 0 check (tokens >= 0),
    cost_micros      bigint      not null default 0 check (cost_micros >= 0),
    currency_code    text        not null default '',
    -- Until then whoever drives it is thought to live.
    lease_time       timestamptz not null,
    create_time      timestamptz not null default transaction_timestamp(),
    start_time       timestamptz,
    end_time         timestamptz,
    version          bigint      not null default 1,
    primary key (org_id, generation_id),
    foreign key (org_id, content_piece_id) references seo.content_piece
);

select platform.wall('seo.generation');

grant select, insert on seo.generation to devsphere_seo;
grant update (
    state, outline, failure, failure_message, version_number, model, tokens, cost_micros, currency_code,
    lease_time, start_time, end_time, version
) on seo.generation to devsphere_seo;

-- One at a time writes a piece; the list as it opens, and what nobody holds any more.
create unique index generation_open on seo.generation (org_id, content_piece_id) where state in ('queued', 'running');
create index generation_by_piece on seo.generation (org_id, content_piece_id, create_time desc, generation_id desc);
create index generation_held on seo.generation (lease_time) where state in ('queued', 'running');

-- Ends the generations whose lease ran out, because whoever drove them died, was stopped or may not go
-- on, and gives their pieces back; answers how many. Each leaves what `platform.record` leaves of a
-- change, in its own organisation and as a job's. Of several at once, each row is one's: none waits.
create function seo.release_generations() returns integer
    language sql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
    with lapsed as (
        select g.org_id, g.generation_id, g.content_piece_id, g.state as was, gen_random_uuid() as trace_id,
               p.state as piece_was, p.state_time, p.generation_failure,
               'the agent was stopped, try again' as message
        from seo.generation as g
        join seo.content_piece as p on p.org_id = g.org_id and p.content_piece_id = g.content_piece_id
        where g.state in ('queued', 'running') and g.lease_time < transaction_timestamp()
        order by g.lease_time limit 100
        for update skip locked
    ), ended as (
        update seo.generation as g
        set state = 'failed', failure = 'interrupted', failure_message = l.message,
            end_time = transaction_timestamp(), version = g.version + 1
        from lapsed as l
        where g.org_id = l.org_id and g.generation_id = l.generation_id
        returning g.*, l.was, l.trace_id
    ), freed as (
        update seo.content_piece as p
        set state = case p.version_number when 0 then 'brief' else 'draft' end, generation_failure = l.message,
            state_time = transaction_timestamp(), update_time = transaction_timestamp(), version = p.version + 1
        from lapsed as l
        where p.org_id = l.org_id and p.content_piece_id = l.content_piece_id and p.state = 'generating'
        returning p.*, l.piece_was, l.state_time as since, l.generation_failure as said, l.trace_id
    ), change as (
        select org_id, 'generation.failed' as name, 'generation' as noun, generation_id as record_id, version, trace_id,
               jsonb_build_object('state', was, 'failure', '', 'failure_message', '', 'end_time', null) as before,
               jsonb_build_object('state', state, 'failure', failure, 'failure_message', failure_message,
                                  'end_time', end_time) as after
        from ended
        union all
        select org_id, 'content_piece.generation_failed', 'content_piece', content_piece_id, version, trace_id,
               jsonb_build_object('state', piece_was, 'state_time', since, 'generation_failure', said),
               jsonb_build_object('state', state, 'state_time', state_time, 'generation_failure', generation_failure)
        from freed
    ), told as (
        insert into platform.outbox (org_id, name, noun, record_id, version, principal_kind, principal_id, trace_id, data)
        select org_id, name, noun, record_id, version, 'job', '00000000-0000-0000-0000-000000000000', trace_id, after
        from change
    ), noted as (
        insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, method, trace_id, before, after)
        select org_id, name, noun, record_id, 'job', '00000000-0000-0000-0000-000000000000', 'seo.release_generations',
               trace_id, before, after
        from change
    )
    select count(*)::integer from ended
$$;
grant execute on function seo.release_generations() to devsphere_seo;
