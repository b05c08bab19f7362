-- The audit log as evidence: notes that come after the answer, and chains that a sealer signs.

-- The log as it opens: an organisation's records, newest first.
create index audit_newest on platform.audit (org_id, create_time desc, audit_id desc);
create index audit_by_principal on platform.audit (org_id, principal_id, create_time desc, audit_id desc);

-- What happened without a change (a refusal, a look into the log), several at once. Each stands for
-- its own ticket, and its organisation and principal are that ticket's. One whose ticket does not
-- hold any more is left out. Answers how many were written.
create function platform.note(notes jsonb) returns integer
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    note    jsonb;
    who     platform.principal;
    written integer := 0;
begin
    for note in select * from jsonb_array_elements(notes) loop
        begin
            perform set_config('devsphere.ticket', note ->> 'ticket', true);
            who := platform.ticket();
            insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, session_id,
                                        method, trace_id, client_address, after)
            values (platform.org_of(who), note ->> 'action', note ->> 'noun', (note ->> 'record_id')::uuid,
                    who.kind, who.sub, who.session_id, note ->> 'method', (note ->> 'trace_id')::uuid,
                    (note ->> 'client_address')::inet, note -> 'after');
            written := written + 1;
        exception when sqlstate 'DV001' or sqlstate 'DV002' then
        end;
    end loop;
    return written;
end
$$;

-- Records that no chain holds yet, so that one that commits late is still found.
create table platform.audit_unsealed (
    org_id      uuid        not null,
    audit_id    uuid        not null,
    create_time timestamptz not null,
    primary key (org_id, audit_id)
);
create index audit_unsealed_oldest on platform.audit_unsealed (create_time);
select platform.wall('platform.audit_unsealed');

create function platform.queue_audit() returns trigger
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into platform.audit_unsealed (org_id, audit_id, create_time)
    select org_id, audit_id, create_time from added;
    return null;
end
$$;
create trigger audit_queued after insert on platform.audit
    referencing new table as added for each statement execute function platform.queue_audit();

-- One chain for each organisation: hash n covers record n and hash n - 1.
create table platform.audit_seal (
    org_id   uuid   not null,
    position bigint not null,
    audit_id uuid   not null,
    hash     bytea  not null,
    primary key (org_id, position),
    constraint audit_seal_audit_key unique (org_id, audit_id)
);
select platform.wall('platform.audit_seal');

-- Where each chain ends, and what of it a root has signed. A purged organisation's head stays, since
-- older roots were made over it.
create table platform.audit_head (
    chain           uuid primary key,
    position        bigint not null,
    hash            bytea  not null,
    -- The place in the tree, given when the head is first signed.
    leaf            bigint,
    signed_position bigint not null default 0
);

-- What the sealer signed: a tree's root over all heads, every minute in which one moved.
create table platform.audit_root (
    number    bigint primary key,
    statement text  not null,
    signature bytea not null
);

-- Lets one sealer work at a time; for the rest of the transaction.
create function platform.sealer_turn() returns boolean
    language sql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
    select pg_try_advisory_xact_lock(hashtext('devsphere.sealer'))
$$;

create policy sealer on platform.audit for select to devsphere_sealer using (true);
create policy sealer on platform.audit_unsealed to devsphere_sealer using (true) with check (true);
create policy sealer on platform.audit_seal to devsphere_sealer using (true) with check (true);
grant usage on schema platform to devsphere_sealer;
grant execute on function platform.sealer_turn() to devsphere_sealer;
grant select on platform.audit, platform.audit_unsealed, platform.audit_seal, platform.audit_head,
    platform.audit_root to devsphere_sealer;
grant delete on platform.audit_unsealed to devsphere_sealer;
grant insert on platform.audit_seal, platform.audit_head, platform.audit_root to devsphere_sealer;
grant update (position, hash, leaf, signed_position) on platform.audit_head to devsphere_sealer;
