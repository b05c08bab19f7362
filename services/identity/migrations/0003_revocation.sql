-- What ended before its time, for whoever holds assertions. Triggers write it in the transaction
-- that ends it, so that nobody can forget to. Runs as devsphere_owner.

create table identity.revocation (
    revocation_id   uuid primary key default gen_random_uuid(),
    session_id      uuid,
    person_id       uuid,
    organization_id uuid,
    epoch           bigint,
    create_time     timestamptz not null default clock_timestamp(),
    constraint revocation_subject_check check (
        num_nonnulls(session_id, organization_id) = 1
        and num_nonnulls(person_id, organization_id, epoch) in (0, 3))
);
create index revocation_age on identity.revocation (create_time);

-- Whatever changes what a member may do ends what stood on it: the epoch rises by itself, and
-- never falls.
create function identity.raise_epoch() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    if (old.role, old.custom_role_ids, old.state) is distinct from (new.role, new.custom_role_ids, new.state) then
        new.epoch := greatest(new.epoch, old.epoch + 1);
    end if;
    new.epoch := greatest(new.epoch, old.epoch);
    return new;
end
$$;
create trigger member_epoch before update on identity.member
    for each row execute function identity.raise_epoch();

-- Notes what a row of a session or a membership ended, and forgets what is old: nothing that it
-- could end is left after two minutes.
create function identity.note_revocation() returns trigger
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_table_name = 'session' then
        insert into identity.revocation (session_id) values (old.session_id);
    else
        insert into identity.revocation (person_id, organization_id, epoch)
        values (old.person_id, old.org_id, case tg_op when 'DELETE' then old.epoch + 1 else new.epoch end);
    end if;
    delete from identity.revocation where ctid in (
        select ctid from identity.revocation where create_time < clock_timestamp() - interval '10 minutes'
        order by create_time limit 2 for update skip locked);
    return null;
end
$$;
create trigger session_end after update of end_time on identity.session
    for each row when (old.end_time is null and new.end_time is not null)
    execute function identity.note_revocation();
create trigger session_gone after delete on identity.session
    for each row when (old.end_time is null)
    execute function identity.note_revocation();
create trigger member_epoch_passed after update on identity.member
    for each row when (old.epoch < new.epoch)
    execute function identity.note_revocation();
create trigger member_gone after delete on identity.member
    for each row execute function identity.note_revocation();

-- Internal, without caller: what was revoked within that time.
create function identity.revocations(age interval) returns setof identity.revocation
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select * from identity.revocation where create_time > clock_timestamp() - age
    order by create_time limit 100001
$$;
grant execute on function identity.revocations(interval) to devsphere_identity;
