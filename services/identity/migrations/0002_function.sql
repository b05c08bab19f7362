-- What identity does before there is a caller, or to another person. Runs as devsphere_owner;
-- each function stands in `shared/db/src/global_tables.rs` with the check it makes.

-- What a sign-in, a refresh or a switch answers.
create type identity.granted as (
    outcome        text,
    person_id      uuid,
    session_id     uuid,
    email          text,
    display_name   text,
    platform_admin boolean,
    create_time    timestamptz,
    org_id         uuid,
    epoch          bigint,
    affiliations   jsonb
);
grant usage on type identity.granted to devsphere_identity;

create function identity.note(
    name text, noun text, record_id uuid, org uuid, p_person uuid, p_session uuid,
    method text, trace uuid, address inet, after jsonb, kind text default 'user'
) returns void
    language sql volatile
    set search_path = pg_catalog, pg_temp
as $$
    insert into platform.outbox (org_id, name, noun, record_id, version, principal_kind, principal_id, trace_id, data)
    values (coalesce(org, '00000000-0000-0000-0000-000000000000'), name, noun, record_id, 1, kind, p_person, trace, after);
    insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, session_id,
                                method, trace_id, client_address, after)
    values (coalesce(org, '00000000-0000-0000-0000-000000000000'), name, noun, record_id, kind, p_person, p_session,
            method, trace, address, after);
$$;

-- Where a person may work.
create function identity.affiliations_of(p_person uuid) returns jsonb
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_agg(jsonb_build_object(
               'organization_id', a.org_id, 'display_name', a.display_name, 'role', a.role, 'state', a.state)
           order by a.display_name, a.org_id), '[]')
    from (
        select o.org_id, o.display_name, m.role, o.state
        from identity.member as m join identity.organization as o on o.org_id = m.org_id
        where m.person_id = p_person and m.state = 'active' and m.activate_time is not null
        order by o.display_name, o.org_id limit 200
    ) as a
$$;

-- The grant for a person in the organisation wanted, or where they were last, or in any; outcome
-- `not_member` where the wanted one is not theirs.
create function identity.granted_to(p_person uuid, p_session uuid, wanted uuid) returns identity.granted
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    who    identity.person;
    member identity.member;
begin
    select * into who from identity.person where person_id = p_person;
    select m.* into member from identity.member as m
    where m.person_id = p_person and m.state = 'active' and m.activate_time is not null
      and (wanted is null or m.org_id = wanted)
    order by m.org_id is not distinct from who.last_org_id desc, m.create_time, m.org_id
    limit 1;
    if wanted is not null and member.org_id is null then
        return row ('not_member', null, null, null, null, null, null, null, null, null)::identity.granted;
    end if;
    if member.org_id is distinct from who.last_org_id then
        update identity.person set last_org_id = member.org_id where person_id = p_person;
    end if;
    return row ('ok', p_person, p_session, who.email, who.display_name, who.platform_admin, who.create_time,
                member.org_id, member.epoch, identity.affiliations_of(p_person))::identity.granted;
end
$$;

create function identity.open_session(
    p_person uuid, p_session uuid, refresh_hash bytea, idle interval, longest interval, agent text, address inet
) returns void
    language sql volatile
    set search_path = pg_catalog, pg_temp
as $$
    insert into identity.session (person_id, session_id, user_agent, client_address, expire_time, limit_time)
    values (p_person, p_session, agent, address, transaction_timestamp() + idle, transaction_timestamp() + longest);
    insert into identity.refresh_token (token_hash, person_id, session_id) values (refresh_hash, p_person, p_session);
$$;

-- Public: founds an organisation. Checks the sign-up mode or the invitation.
create function identity.sign_up(
    p_person uuid, p_email text, p_name text, password_hash text,
    org uuid, org_name text, zone text, currency text, p_locale text, member uuid, invitation_hash bytea,
    p_session uuid, refresh_hash bytea, idle interval, longest interval, agent text, address inet, trace uuid
) returns identity.granted
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    mode    identity.instance;
    invited identity.sign_up_invitation;
    refused identity.granted := row (null, null, null, null, null, null, null, null, null, null);
begin
    select * into mode from identity.instance for update;
    if invitation_hash is not null then
        delete from identity.sign_up_invitation as i
        where i.token_hash = invitation_hash and i.expire_time > transaction_timestamp()
        returning * into invited;
        if not found then
            refused.outcome := 'bad_invitation';
            return refused;
        end if;
    elsif mode.sign_up <> 'open' then
        refused.outcome := 'closed';
        return refused;
    end if;

    insert into identity.person (person_id, email, display_name) values (p_person, p_email, p_name)
    on conflict on constraint person_email_key do nothing;
    if not found then
        -- The invitation stays good for another try.
        if invited.token_hash is not null then
            insert into identity.sign_up_invitation select invited.*;
        end if;
        refused.outcome := 'email_taken';
        return refused;
    end if;
    insert into identity.credential (person_id, password_hash) values (p_person, sign_up.password_hash);
    insert into identity.organization (org_id, display_name, time_zone, currency_code, locale, demo)
    values (org, org_name, zone, currency, p_locale, coalesce(invited.demo, false));
    insert into identity.member (org_id, member_id, person_id, email, display_name, role, activate_time)
    values (org, member, p_person, p_email, p_name, 'ceo', transaction_timestamp());
    if not mode.sign_up_chosen and mode.sign_up = 'open' and not coalesce(invited.demo, false) then
        update identity.instance set sign_up = 'closed', version = version + 1;
    end if;
    perform identity.open_session(p_person, p_session, refresh_hash, idle, longest, agent, address);
    perform identity.note('organization.created', 'organization', org, org, p_person, p_session,
        '/devsphere.identity.v1.SessionService/SignUp', trace, address, jsonb_build_object('display_name', org_name));
    perform identity.note('member.created', 'member', member, org, p_person, p_session,
        '/devsphere.identity.v1.SessionService/SignUp', trace, address, jsonb_build_object('email', p_email, 'role', 'ceo'));
    return identity.granted_to(p_person, p_session, org);
end
$$;

-- Counts a guess before it is looked at, so that parallel guesses cannot slip past the count.
-- Answers the seconds to wait, 0 when the guess may be made. Waits grow from 30 s to 15 min and
-- never become for ever; a pause of a day forgets.
create function identity.count_guess(key bytea, free integer) returns integer
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $$
declare
    at    timestamptz;
    found identity.guess;
begin
    delete from identity.guess where ctid in (
        select ctid from identity.guess where last_time < clock_timestamp() - interval '2 days'
        order by last_time limit 2 for update skip locked);
    insert into identity.guess values (key, 0, clock_timestamp(), '-infinity') on conflict do nothing;
    select * into found from identity.guess where guess_key = key for update;
    at := clock_timestamp();
    if found.blocked_until > at then
        return ceil(extract(epoch from found.blocked_until - at));
    end if;
    if found.last_time < at - interval '1 day' then
        found.failures := 0;
    end if;
    found.failures := found.failures + 1;
    if found.failures >= free then
        found.blocked_until := at
            + least(interval '15 minutes', interval '30 seconds' * 2 ^ least(found.failures - free, 10));
    end if;
    update identity.guess set failures = found.failures, last_time = at, blocked_until = found.blocked_until
    where guess_key = key;
    return 0;
end
$$;

-- Public: begins a sign-in or another proof by password. Counts the guess, then tells what to
-- compare with; nothing tells an unknown address from a known one but the hash.
create function identity.begin_guess(
    network_key bytea, account_key bytea, p_email text,
    out wait_seconds integer, out person_id uuid, out password_hash text
)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    wait_seconds := identity.count_guess(network_key, 5);
    if wait_seconds = 0 then
        wait_seconds := identity.count_guess(account_key, 10);
    end if;
    if wait_seconds = 0 then
        select p.person_id, c.password_hash into begin_guess.person_id, begin_guess.password_hash
        from identity.person as p join identity.credential as c on c.person_id = p.person_id
        where p.email = p_email;
    end if;
end
$$;

-- Forgets the guesses at a password that identity has found right.
create function identity.forget_guesses(keys bytea[]) returns void
    language sql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
    delete from identity.guess where guess_key = any (keys)
$$;

-- Public: ends a sign-in whose password was right. identity proves that; nobody else may call.
create function identity.sign_in(
    p_person uuid, keys bytea[], wanted uuid, new_hash text,
    p_session uuid, refresh_hash bytea, idle interval, longest interval, agent text, address inet, trace uuid
) returns identity.granted
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    granted identity.granted;
begin
    delete from identity.guess where guess_key = any (keys);
    if new_hash is not null then
        update identity.credential set password_hash = new_hash, update_time = transaction_timestamp()
        where person_id = p_person;
    end if;
    granted := identity.granted_to(p_person, p_session, wanted);
    if granted.outcome = 'ok' then
        perform identity.open_session(p_person, p_session, refresh_hash, idle, longest, agent, address);
        perform identity.note('session.created', 'session', p_session, granted.org_id, p_person, p_session,
            '/devsphere.identity.v1.SessionService/SignIn', trace, address, jsonb_build_object('user_agent', agent));
    end if;
    return granted;
end
$$;

-- Public: trades a refresh token, known by its hash, for its successor. Within 10 s the token
-- whose successor is unused gets that successor again; any other re-use ends the session, and
-- with it every descendant.
-- A successor is computed from a key: the first of `new_hashes` is of the key that signs, the others of
-- those before and after it, since a rotation may come between two tries; `successor` tells which it is.
create function identity.refresh(
    old_hash bytea, new_hashes bytea[], wanted uuid, idle interval, agent text, address inet, trace uuid,
    out granted identity.granted, out successor integer
)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    at      timestamptz;
    token   identity.refresh_token;
    place   identity.session;
begin
    granted := row ('refused', null, null, null, null, null, null, null, null, null);
    successor := 1;
    select s.* into place from identity.session as s
    join identity.refresh_token as t on t.person_id = s.person_id and t.session_id = s.session_id
    where t.token_hash = old_hash for update of s;
    if not found or place.end_time is not null or place.expire_time <= transaction_timestamp() then
        return;
    end if;
    -- Read after the session's lock: of parallel refreshes each sees what the one before did.
    select * into token from identity.refresh_token where token_hash = old_hash;
    at := clock_timestamp();
    if token.use_time is not null then
        successor := array_position(new_hashes, (
            select t.token_hash from identity.refresh_token as t
            where t.token_hash = any (new_hashes) and t.use_time is null limit 1));
    end if;
    if token.use_time < at - interval '10 seconds' or successor is null then
        update identity.session set end_time = at, end_reason = 'token_reuse'
        where person_id = place.person_id and session_id = place.session_id;
        perform identity.note('session.token_reused', 'session', place.session_id, null, place.person_id,
            place.session_id, '/devsphere.identity.v1.SessionService/Refresh', trace, address, '{}');
        return;
    end if;

    granted := identity.granted_to(place.person_id, place.session_id, wanted);
    if granted.outcome <> 'ok' then
        return;
    end if;
    if token.use_time is null then
        update identity.refresh_token set use_time = at where token_hash = old_hash;
        insert into identity.refresh_token (token_hash, person_id, session_id)
        values (new_hashes[1], place.person_id, place.session_id);
        update identity.session set last_use_time = at, expire_time = least(limit_time, at + idle),
            user_agent = agent, client_address = coalesce(address, client_address)
        where person_id = place.person_id and session_id = place.session_id;
        -- A record and no event: nobody waits for it.
        insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, session_id,
                                    method, trace_id, client_address, after)
        values (coalesce(granted.org_id, '00000000-0000-0000-0000-000000000000'), 'session.refreshed', 'session',
                place.session_id, 'user', place.person_id, place.session_id,
                '/devsphere.identity.v1.SessionService/Refresh', trace, address, '{}');
    end if;
end
$$;

-- Public: what an activation token is for. The password hash is there for somebody known.
create function identity.find_activation(
    hash bytea, out person_id uuid, out email text, out password_hash text
)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select m.person_id, m.email, c.password_hash
    from (select) as one
    left join identity.activation as a on a.token_hash = hash and a.expire_time > transaction_timestamp()
    left join identity.member as m
        on m.org_id = a.org_id and m.member_id = a.member_id and m.state = 'active' and m.activate_time is null
    left join identity.credential as c on c.person_id = m.person_id
$$;

-- Public: redeems an activation token, once. Answers the organisation, or none.
create function identity.activate(
    hash bytea, new_password_hash text, name text, keys bytea[], address inet, trace uuid
) returns uuid
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    redeemed identity.activation;
    joined   identity.member;
begin
    delete from identity.activation where token_hash = hash and expire_time > transaction_timestamp()
    returning * into redeemed;
    if not found then
        return null;
    end if;
    delete from identity.guess where guess_key = any (keys);
    update identity.member as m set
        activate_time = transaction_timestamp(), update_time = transaction_timestamp(), version = version + 1,
        display_name = coalesce(nullif(name, ''), case when new_password_hash is null then p.display_name end, m.display_name)
    from identity.person as p
    where m.org_id = redeemed.org_id and m.member_id = redeemed.member_id and m.state = 'active'
      and p.person_id = m.person_id
    returning m.* into joined;
    if not found then
        return null;
    end if;
    if new_password_hash is not null then
        insert into identity.credential (person_id, password_hash) values (joined.person_id, new_password_hash)
        on conflict (person_id) do nothing;
        if not found then
            raise exception 'a password was set meanwhile' using errcode = '40001';
        end if;
        update identity.person set display_name = joined.display_name where person_id = joined.person_id;
    end if;
    perform identity.note('member.activated', 'member', joined.member_id, joined.org_id, joined.person_id, null,
        '/devsphere.identity.v1.SessionService/Activate', trace, address, '{}');
    return joined.org_id;
end
$$;

-- What custom roles give together.
create function identity.custom_permissions_of(org uuid, ids uuid[]) returns text[]
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select array(
        select distinct permission
        from identity.custom_role as r, unnest(r.permissions) as permission
        where r.org_id = org and r.custom_role_id = any (ids) order by permission)
$$;

-- Internal, without caller: what an assertion may say of a session in an organisation. The epoch
-- is the access token's; none means any, for renewal.
create function identity.exchange(
    p_person uuid, p_session uuid, org uuid, known_epoch bigint,
    out live boolean, out platform_admin boolean, out role text, out custom_permissions text[], out epoch bigint,
    out state text, out time_zone text, out currency_code text, out locale text, out requests_per_minute integer
)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select s.session_id is not null and (org is null or m.member_id is not null),
           p.platform_admin, m.role, identity.custom_permissions_of(m.org_id, m.custom_role_ids), m.epoch,
           o.state, o.time_zone, o.currency_code, o.locale, o.requests_per_minute
    from (select) as one
    left join identity.session as s on s.person_id = p_person and s.session_id = p_session
        and s.end_time is null and s.expire_time > transaction_timestamp()
    left join identity.person as p on p.person_id = s.person_id
    left join identity.member as m on m.org_id = org and m.person_id = p.person_id and m.state = 'active'
        and m.activate_time is not null and (known_epoch is null or m.epoch = known_epoch)
    left join identity.organization as o on o.org_id = m.org_id
$$;

-- Public: how this installation takes sign-ups.
create function identity.sign_up_mode(out sign_up text, out version bigint)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select sign_up, version from identity.instance
$$;

-- The caller's own grant for another organisation; checked by the ticket's person.
create function identity.own_grant(wanted uuid) returns identity.granted
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    ticket platform.principal := platform.ticket();
    member identity.member;
    who    identity.person;
begin
    select * into who from identity.person where person_id = platform.person();
    select m.* into member from identity.member as m
    where m.person_id = who.person_id and m.state = 'active' and m.activate_time is not null
      and m.org_id = coalesce(wanted, ticket.org_id);
    if wanted is not null and member.org_id is null then
        return row ('not_member', null, null, null, null, null, null, null, null, null)::identity.granted;
    end if;
    return row ('ok', who.person_id, ticket.session_id, who.email, who.display_name, who.platform_admin,
                who.create_time, member.org_id, member.epoch, identity.affiliations_of(who.person_id))::identity.granted;
end
$$;

-- The caller's organisation and membership in it; checked by the ticket's person and organisation.
create function identity.own_place(out organization jsonb, out member jsonb)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select to_jsonb(o),
           to_jsonb(m) || jsonb_build_object(
               'custom_permissions', identity.custom_permissions_of(m.org_id, m.custom_role_ids))
    from platform.ticket() as t
    left join identity.member as m on m.org_id = t.org_id and m.person_id = t.sub and t.kind = 'user' and m.state <> 'removed'
    left join identity.organization as o on o.org_id = m.org_id
$$;

-- Makes the caller the platform's administrator, once, with the code; checked by the ticket's person.
create function identity.claim_platform_admin(code_hash bytea) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update identity.instance set admin_code_hash = null, version = version + 1 where admin_code_hash = code_hash;
    if not found then
        return false;
    end if;
    update identity.person set platform_admin = true where person_id = platform.person();
    return found;
end
$$;

-- Adds somebody to the ticket's organisation, known elsewhere or not; tells nobody which. Their
-- activation link is `hash`. Answers none when they are a member already.
create function identity.add_member(
    p_member uuid, fresh_person uuid, p_email text, p_name text, p_role text, custom_roles uuid[],
    hash bytea, lasts interval
) returns setof identity.member
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    org    uuid := platform.org();
    p_person uuid;
    added  identity.member;
begin
    insert into identity.person (person_id, email, display_name) values (fresh_person, p_email, p_name)
    on conflict on constraint person_email_key do nothing
    returning person_id into p_person;
    if p_person is null then
        select person_id into p_person from identity.person where email = p_email;
    end if;
    insert into identity.member (org_id, member_id, person_id, email, display_name, role, custom_role_ids)
    values (org, p_member, p_person, p_email, p_name, p_role, custom_roles)
    on conflict (org_id, person_id) where state <> 'removed' do nothing
    returning * into added;
    if not found then
        return;
    end if;
    insert into identity.activation (org_id, member_id, token_hash, expire_time)
    values (org, p_member, hash, transaction_timestamp() + lasts);
    return next added;
end
$$;

-- Gives an organisation another rate at the gateway, if it is there. Who may do that is the
-- contract's to say: the ticket names no permission.
create function identity.set_organization_limits(org uuid, per_minute integer)
    returns table (requests_per_minute_before integer, version bigint)
    language sql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
    update identity.organization as o set
        requests_per_minute = per_minute, update_time = transaction_timestamp(), version = o.version + 1
    from (select org_id, requests_per_minute from identity.organization where org_id = org for update) as found,
         platform.ticket() as who
    where o.org_id = found.org_id and who.kind = 'user'
    returning found.requests_per_minute, o.version
$$;

-- Removes the demo organisations and the people who belong nowhere else. For the operator's
-- `devsphere demo purge`; no service may call it.
create function identity.purge_demo() returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    demo   uuid;
    purged bigint := 0;
    people uuid[];
begin
    for demo in select org_id from identity.organization as o where o.demo for update loop
        select array_agg(distinct person_id) into people from identity.member where org_id = demo;
        perform platform.purge_organization(demo);
        delete from identity.person as p where p.person_id = any (people)
            and not exists (select from identity.member as m where m.person_id = p.person_id);
        purged := purged + 1;
    end loop;
    return purged;
end
$$;

grant execute on function
    identity.sign_up(uuid, text, text, text, uuid, text, text, text, text, uuid, bytea, uuid, bytea, interval, interval, text, inet, uuid),
    identity.begin_guess(bytea, bytea, text),
    identity.forget_guesses(bytea[]),
    identity.sign_in(uuid, bytea[], uuid, text, uuid, bytea, interval, interval, text, inet, uuid),
    identity.refresh(bytea, bytea[], uuid, interval, text, inet, uuid),
    identity.find_activation(bytea),
    identity.activate(bytea, text, text, bytea[], inet, uuid),
    identity.exchange(uuid, uuid, uuid, bigint),
    identity.sign_up_mode(),
    identity.own_grant(uuid),
    identity.own_place(),
    identity.claim_platform_admin(bytea),
    identity.add_member(uuid, uuid, text, text, text, uuid[], bytea, interval),
    identity.set_organization_limits(uuid, integer)
    to devsphere_identity;
