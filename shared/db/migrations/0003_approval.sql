-- What waits for somebody's decision. The module that owns a record writes the row in the very
-- transaction that moves the record, as a part of the change; nobody else writes here.

create table platform.approval (
    org_id         uuid        not null,
    approval_id    uuid        not null default gen_random_uuid(),
    noun           text        not null,
    record_id      uuid        not null,
    -- The version that was asked about.
    record_version bigint      not null,
    title          text        not null,
    -- What a decider needs.
    permission     text        not null,
    asked_by       uuid        not null,
    -- Whose work it is: they do not decide it.
    barred         uuid[]      not null,
    -- Without it the organisation asks for no decision here.
    required       boolean     not null,
    state          text        not null
        check (state in ('pending', 'approved', 'rejected', 'cancelled', 'superseded')),
    decided_by     uuid,
    note           text        not null default '',
    create_time    timestamptz not null default transaction_timestamp(),
    decide_time    timestamptz,
    primary key (org_id, approval_id)
);
select platform.wall('platform.approval');

create unique index approval_open on platform.approval (org_id, noun, record_id) where state in ('pending', 'approved');
create index approval_newest on platform.approval (org_id, create_time desc, approval_id desc);
create index approval_waiting on platform.approval (org_id, permission, create_time desc, approval_id desc)
    where state = 'pending';

-- One step of a record's approval, by the verified ticket's principal. Only a person decides, and
-- nobody what is theirs (DV006); a step that finds nothing to step on is a fault of the module's.
create function platform.step_approval(
    who platform.principal, noun text, record_id uuid, version bigint, step jsonb
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    verb text := step ->> 'step';
    kept platform.approval;
begin
    if verb in ('ask', 'waive') then
        insert into platform.approval (org_id, noun, record_id, record_version, title, permission, asked_by,
                                       barred, required, state, decide_time)
        values (who.org_id, step_approval.noun, step_approval.record_id, step_approval.version, step ->> 'title',
                step ->> 'permission', who.sub,
                array(select distinct unnest(who.sub || array(select jsonb_array_elements_text(step -> 'barred'))::uuid[])),
                verb = 'ask', case verb when 'ask' then 'pending' else 'approved' end,
                case verb when 'waive' then transaction_timestamp() end);
        return;
    end if;
    select a.* into kept from platform.approval as a
    where a.org_id = who.org_id and a.noun = step_approval.noun and a.record_id = step_approval.record_id
      and a.state = case verb when 'supersede' then 'approved' else 'pending' end
    for update;
    if not found then
        raise exception 'no approval of % % to %', noun, record_id, verb;
    end if;
    if verb in ('approve', 'reject') and (who.kind <> 'user' or who.sub = any (kept.barred)) then
        raise exception using errcode = 'DV006', message = 'not theirs to decide';
    end if;
    update platform.approval as a
    set state = case verb when 'approve' then 'approved' when 'reject' then 'rejected'
                          when 'cancel' then 'cancelled' when 'supersede' then 'superseded' end,
        decided_by = case when verb in ('approve', 'reject') then who.sub else a.decided_by end,
        decide_time = case when verb in ('approve', 'reject') then transaction_timestamp() else a.decide_time end,
        note = coalesce(step ->> 'note', a.note)
    where a.org_id = kept.org_id and a.approval_id = kept.approval_id;
end
$$;

-- As before, and takes the step that a change is of its record's approval.
create or replace function platform.record(
    changes jsonb, method text, trace_id uuid, client_address inet, request_id uuid, answer bytea
) returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    who    platform.principal := platform.ticket();
    org    uuid := platform.org_of(who);
    change jsonb;
begin
    insert into platform.outbox (org_id, name, noun, record_id, version, principal_kind, principal_id, trace_id, data)
    select org, c.name, c.noun, c.record_id, c.version, who.kind, who.sub, record.trace_id, coalesce(c.after, '{}')
    from jsonb_to_recordset(changes) as c (name text, noun text, record_id uuid, version bigint, after jsonb);

    insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, session_id,
                                method, trace_id, client_address, before, after)
    select org, c.name, c.noun, c.record_id, who.kind, who.sub, who.session_id,
           record.method, record.trace_id, record.client_address, c.before, c.after
    from jsonb_to_recordset(changes) as c (name text, noun text, record_id uuid, before jsonb, after jsonb);

    for change in select e from jsonb_array_elements(changes) as e where e ? 'approval' loop
        perform platform.step_approval(who, change ->> 'noun', (change ->> 'record_id')::uuid,
                                       (change ->> 'version')::bigint, change -> 'approval');
    end loop;

    if record.request_id is not null then
        update platform.idempotency as kept set answer = record.answer
        where (kept.org_id, kept.principal_id, kept.method, kept.request_id)
            = (org, who.sub, record.method, record.request_id);
    end if;
end
$$;
