-- The platform: tickets, walls, and what every change leaves behind.
-- Runs as devsphere_owner. Services have no right on any table here, only on the functions at the end.

create table platform.ticket_key (
    kid       text primary key,
    inner_pad bytea not null,
    outer_pad bytea not null,
    not_after timestamptz not null default 'infinity'
);

create type platform.principal as (
    kind        text,
    org_id      uuid,
    sub         uuid,
    session_id  uuid,
    client_id   uuid,
    all_modules bigint
);

-- The ticket, checked: 1.kid.exp.kind.org.sub.session.client.all.mac, HMAC-SHA256 over all before the last dot.
create function platform.ticket() returns platform.principal
    language plpgsql stable security definer parallel restricted
    set search_path = pg_catalog, pg_temp
as $$
declare
    raw  text   := current_setting('devsphere.ticket');
    part text[] := string_to_array(raw, '.');
    key  platform.ticket_key;
    mac  text;
begin
    if cardinality(part) <> 10 or part[1] <> '1' then
        raise exception using errcode = 'DV002', message = 'ticket malformed';
    end if;
    select * into key from platform.ticket_key where kid = part[2] and not_after > transaction_timestamp();
    if not found then
        raise exception using errcode = 'DV002', message = 'ticket of an unknown key';
    end if;
    mac := translate(
        encode(
            sha256(key.outer_pad || sha256(key.inner_pad || convert_to(left(raw, -1 - length(part[10])), 'UTF8'))),
            'base64'),
        '+/=', '-_');
    if mac <> part[10] then
        raise exception using errcode = 'DV002', message = 'ticket forged';
    end if;
    if to_timestamp(part[3]::bigint) + interval '5 seconds' < transaction_timestamp() then
        raise exception using errcode = 'DV001', message = 'ticket expired';
    end if;
    return row (
        part[4],
        nullif(part[5], '')::uuid,
        part[6]::uuid,
        nullif(part[7], '')::uuid,
        nullif(part[8], '')::uuid,
        part[9]::bigint
    )::platform.principal;
end
$$;

-- The organisation of the ticket; an error where there is none.
create function platform.org() returns uuid
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $$
declare
    org uuid := (platform.ticket()).org_id;
begin
    if org is null then
        raise exception using errcode = 'DV005', message = 'no organisation in the ticket';
    end if;
    return org;
end
$$;

-- The person of the ticket; none for keys, links, hooks and jobs.
create function platform.person() returns uuid
    language sql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $$
    select case when (p).kind = 'user' then (p).sub end from platform.ticket() as p
$$;

-- The person, key, link or job of the ticket.
create function platform.sub() returns uuid
    language sql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $$
    select (p).sub from platform.ticket() as p
$$;

-- Whether the ticket's principal sees every record of that module.
create function platform.sees_all(module integer) returns boolean
    language sql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $$
    select ((p).all_modules >> module) & 1 = 1 from platform.ticket() as p
$$;

-- The organisation unverified, for column defaults alone: the wall compares the row with the
-- verified one, whatever was written.
create function platform.claimed_org() returns uuid
    language sql stable parallel safe
as $$
    select nullif(split_part(current_setting('devsphere.ticket'), '.', 5), '')::uuid
$$;

-- Puts the wall up: force row level security, the owner's door for migrations, and for the role of
-- the table's schema a door and a restrictive wall. Kinds:
--   org     the row's organisation is the ticket's
--   person  the row's person is the ticket's
create function platform.wall(target regclass, kind text default 'org') returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    role text := 'devsphere_' || (select relnamespace::regnamespace::text from pg_class where oid = target);
    own  text := case kind
        when 'org' then 'org_id = (select platform.org())'
        when 'person' then 'person_id = (select platform.person())'
    end;
begin
    if own is null then
        raise exception 'unknown kind of wall: %', kind;
    end if;
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    -- Without it a backfill under FORCE touches no row, and a broken foreign key validates.
    execute format('create policy owner_door on %s to devsphere_owner using (true) with check (true)', target);
    if exists (select from pg_roles where rolname = role) then
        execute format('create policy door on %s to %I using (true) with check (true)', target, role);
        execute format('create policy wall on %s as restrictive to %I using (%s) with check (%s)', target, role, own, own);
    end if;
end
$$;

-- Narrows a walled table inside its organisation: without the module's bit, a caller sees the
-- records that they own, that nobody owns, and that they handed over. It asks the verified ticket
-- and not the setting: a statement may change the setting after the wall has looked at it.
create function platform.narrow(target regclass, module integer) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    role text := 'devsphere_' || (select relnamespace::regnamespace::text from pg_class where oid = target);
    seen text := format(
        '(select platform.sees_all(%s)) or owner_id is null'
        || ' or (select platform.sub()) = any (array[owner_id, assigned_by])',
        module);
begin
    execute format('create policy narrow on %s as restrictive to %I using (%s) with check (%s)', target, role, seen, seen);
end
$$;

-- What happened, for whoever listens. `position` is given by the relay, and only that is a cursor.
create table platform.outbox (
    org_id         uuid        not null,
    event_id       uuid        not null default gen_random_uuid(),
    name           text        not null,
    noun           text        not null,
    record_id      uuid        not null,
    version        bigint      not null,
    principal_kind text        not null,
    principal_id   uuid        not null,
    trace_id       uuid        not null,
    data           jsonb       not null,
    create_time    timestamptz not null default transaction_timestamp(),
    position       bigint,
    primary key (org_id, event_id)
);
create index outbox_unplaced on platform.outbox (create_time) where position is null;
select platform.wall('platform.outbox');

-- Who did what, with before and after; no change without its record.
create table platform.audit (
    org_id         uuid        not null,
    audit_id       uuid        not null default gen_random_uuid(),
    action         text        not null,
    noun           text        not null,
    record_id      uuid        not null,
    principal_kind text        not null,
    principal_id   uuid        not null,
    session_id     uuid,
    method         text        not null,
    trace_id       uuid        not null,
    client_address inet,
    before         jsonb,
    after          jsonb,
    create_time    timestamptz not null default transaction_timestamp(),
    primary key (org_id, audit_id)
);
create index audit_record on platform.audit (org_id, noun, record_id, create_time);
select platform.wall('platform.audit');

-- Answers to repeat, for 24 h. Outside an organisation `org_id` is the nil UUID.
create table platform.idempotency (
    org_id       uuid        not null,
    principal_id uuid        not null,
    method       text        not null,
    request_id   uuid        not null,
    hash         bytea       not null,
    answer       bytea,
    create_time  timestamptz not null default transaction_timestamp(),
    primary key (org_id, principal_id, method, request_id)
);
create index idempotency_age on platform.idempotency (create_time);
select platform.wall('platform.idempotency');

create function platform.org_of(who platform.principal) returns uuid
    language sql immutable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(who.org_id, '00000000-0000-0000-0000-000000000000'::uuid)
$$;

-- Takes the request id, or says that it is taken: DV003 answered already, DV004 another request.
-- A duplicate in flight is waited for, 1 s at most.
create function platform.once(method text, request_id uuid, hash bytea) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '1s'
as $$
declare
    who    platform.principal := platform.ticket();
    stored bytea;
begin
    -- Each new request clears away two old ones, so the table needs no sweep.
    delete from platform.idempotency where ctid in (
        select ctid from platform.idempotency
        where create_time < transaction_timestamp() - interval '24 hours'
        order by create_time limit 2 for update skip locked);
    insert into platform.idempotency as kept (org_id, principal_id, method, request_id, hash)
    values (platform.org_of(who), who.sub, once.method, once.request_id, once.hash)
    on conflict on constraint idempotency_pkey do update
        set hash = excluded.hash, answer = null, create_time = excluded.create_time
        where kept.create_time < transaction_timestamp() - interval '24 hours'
    returning kept.hash into stored;
    if found then
        return;
    end if;
    select kept.hash into stored from platform.idempotency as kept
    where (kept.org_id, kept.principal_id, kept.method, kept.request_id)
        = (platform.org_of(who), who.sub, once.method, once.request_id);
    if stored is distinct from once.hash then
        raise exception using errcode = 'DV004', message = 'request id of another request';
    end if;
    raise exception using errcode = 'DV003', message = 'answered already';
end
$$;

-- The stored answer; none where the method keeps none.
create function platform.answer(method text, request_id uuid) returns bytea
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select kept.answer from platform.idempotency as kept, platform.ticket() as who
    where (kept.org_id, kept.principal_id, kept.method, kept.request_id)
        = (platform.org_of(who), who.sub, answer.method, answer.request_id)
$$;

-- Leaves what a change leaves behind, stamped from the verified ticket: one event and one audit
-- record per element of `changes`, and the answer of a repeatable request.
create function platform.record(
    changes jsonb, method text, trace_id uuid, client_address inet, request_id uuid, answer bytea
) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    who platform.principal := platform.ticket();
    org uuid := platform.org_of(who);
begin
    insert into platform.outbox (org_id, name, noun, record_id, version, principal_kind, principal_id, trace_id, data)
    select org, c.name, c.noun, c.record_id, c.version, who.kind, who.sub, record.trace_id, coalesce(c.after, '{}')
    from jsonb_to_recordset(changes) as c (name text, noun text, record_id uuid, version bigint, after jsonb);

    insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, session_id,
                                method, trace_id, client_address, before, after)
    select org, c.name, c.noun, c.record_id, who.kind, who.sub, who.session_id,
           record.method, record.trace_id, record.client_address, c.before, c.after
    from jsonb_to_recordset(changes) as c (name text, noun text, record_id uuid, before jsonb, after jsonb);

    if record.request_id is not null then
        update platform.idempotency as kept set answer = record.answer
        where (kept.org_id, kept.principal_id, kept.method, kept.request_id)
            = (org, who.sub, record.method, record.request_id);
    end if;
end
$$;

-- The newest migration of a schema, so that a service can refuse an older one.
create function platform.schema_version(schema text) returns bigint
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    newest bigint;
begin
    if schema !~ '^[a-z]+$' then
        raise exception 'not a schema: %', schema;
    end if;
    execute format('select max(version) from %I._migrations where success', schema) into newest;
    return newest;
end
$$;

-- Deletes every row of an organisation, in every schema; for the owner's functions only. A table
-- whose rows others still point to is tried again after them. The installation's own log, under the
-- nil UUID, keeps that it went, or an empty chain would look like a cut one.
create function platform.purge_organization(org uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    rest regclass[] := array(
        select c.oid::regclass from pg_class as c join pg_attribute as a on a.attrelid = c.oid
        where c.relkind = 'r' and a.attname = 'org_id' and not a.attisdropped
          and pg_get_userbyid(c.relowner) = 'devsphere_owner');
    held regclass[];
    one  regclass;
begin
    -- The sealer must not seal meanwhile what goes.
    perform pg_advisory_xact_lock(hashtext('devsphere.sealer'));
    while cardinality(rest) > 0 loop
        held := '{}';
        foreach one in array rest loop
            begin
                execute format('delete from %s where org_id = $1', one) using org;
            exception when foreign_key_violation then
                held := held || one;
            end;
        end loop;
        if cardinality(held) = cardinality(rest) then
            raise exception 'rows of % hold each other', held;
        end if;
        rest := held;
    end loop;
    insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, method, trace_id)
    values ('00000000-0000-0000-0000-000000000000', 'organization.purged', 'organization', org, 'operator',
            '00000000-0000-0000-0000-000000000000', 'platform.purge_organization', gen_random_uuid());
end
$$;
