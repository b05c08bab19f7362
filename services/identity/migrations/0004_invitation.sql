-- Invitations to join an organisation. Runs as devsphere_owner.

create table identity.invitation (
    org_id          uuid        not null default platform.claimed_org() references identity.organization,
    invitation_id   uuid        not null,
    email           text        not null,
    role            text        not null
        constraint invitation_role_check check (role in ('ceo', 'admin', 'manager', 'sales', 'seo', 'finance', 'hr',
                                                         'support', 'operator', 'viewer')),
    -- Those that are gone by the time it is accepted give nothing.
    custom_role_ids uuid[]      not null,
    note            text        not null,
    -- `expired` is a fact: sent, and its time is over.
    state           text        not null default 'sent'
        constraint invitation_state_check check (state in ('sent', 'accepted', 'declined', 'revoked')),
    token_hash      bytea       not null,
    -- Who sent it last; it is worth nothing without them.
    inviter_id      uuid        not null,
    create_time     timestamptz not null default transaction_timestamp(),
    update_time     timestamptz not null default transaction_timestamp(),
    expire_time     timestamptz not null,
    version         bigint      not null default 1,
    primary key (org_id, invitation_id)
);
create unique index invitation_email_key on identity.invitation (org_id, email) where state = 'sent';
create index invitation_newest on identity.invitation (org_id, create_time, invitation_id);
create index invitation_token on identity.invitation (token_hash);
select platform.wall('identity.invitation');
grant select, insert on identity.invitation to devsphere_identity;
grant update (custom_role_ids, state, token_hash, inviter_id, update_time, expire_time, version)
    on identity.invitation to devsphere_identity;

-- The invitation of a link that is still good.
create function identity.open_invitation(hash bytea) returns identity.invitation
    language sql stable
    set search_path = pg_catalog, pg_temp
as $$
    select i from identity.invitation as i
    join identity.organization as o on o.org_id = i.org_id and o.state in ('active', 'past_due')
    where i.token_hash = hash and i.state = 'sent' and i.expire_time > transaction_timestamp()
      and exists (
          select from identity.member as m
          where m.org_id = i.org_id and m.person_id = i.inviter_id and m.state = 'active')
$$;

-- Public: what an invitation's token is for. The password hash is there for somebody known.
create function identity.find_invitation(
    hash bytea,
    out organization text, out inviter text, out email text, out role text, out note text,
    out expire_time timestamptz, out password_hash text
)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select o.display_name, m.display_name, i.email, i.role, i.note, i.expire_time, c.password_hash
    from identity.open_invitation(hash) as i
    left join identity.organization as o on o.org_id = i.org_id
    left join identity.member as m on m.org_id = i.org_id and m.person_id = i.inviter_id and m.state = 'active'
    left join identity.person as p on p.email = i.email
    left join identity.credential as c on c.person_id = p.person_id
$$;

-- Public: redeems an invitation, once. Answers the organisation, or none.
create function identity.accept_invitation(
    hash bytea, fresh_person uuid, fresh_member uuid, new_password_hash text, p_name text, keys bytea[],
    address inet, trace uuid
) returns uuid
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    invited identity.invitation;
    joined  identity.member;
    who     identity.person;
    method  text := '/devsphere.identity.v1.InvitationService/AcceptInvitation';
begin
    perform from identity.invitation where token_hash = hash for update;
    select * into invited from identity.open_invitation(hash);
    -- Whoever was added meanwhile comes in by their activation link.
    if invited.org_id is null or exists (
        select from identity.member as m
        where m.org_id = invited.org_id and m.email = invited.email and m.state <> 'removed'
    ) then
        return null;
    end if;
    delete from identity.guess where guess_key = any (keys);
    insert into identity.person (person_id, email, display_name)
    values (fresh_person, invited.email, coalesce(nullif(p_name, ''), split_part(invited.email, '@', 1)))
    on conflict on constraint person_email_key do nothing;
    select * into who from identity.person where email = invited.email;
    if new_password_hash is not null then
        insert into identity.credential (person_id, password_hash) values (who.person_id, new_password_hash)
        on conflict (person_id) do nothing;
        if not found then
            raise exception 'a password was set meanwhile' using errcode = '40001';
        end if;
        update identity.person set display_name = coalesce(nullif(p_name, ''), display_name)
        where person_id = who.person_id returning * into who;
    end if;
    insert into identity.member (org_id, member_id, person_id, email, display_name, role, custom_role_ids, activate_time)
    values (
        invited.org_id, fresh_member, who.person_id, who.email, coalesce(nullif(p_name, ''), who.display_name),
        invited.role,
        array(select r.custom_role_id from identity.custom_role as r
              where r.org_id = invited.org_id and r.custom_role_id = any (invited.custom_role_ids)
              order by r.custom_role_id for share),
        transaction_timestamp())
    returning * into joined;
    update identity.invitation as i set
        state = 'accepted', update_time = transaction_timestamp(), version = i.version + 1
    where i.org_id = invited.org_id and i.invitation_id = invited.invitation_id;
    perform identity.note('invitation.accepted', 'invitation', invited.invitation_id, invited.org_id, who.person_id,
        null, method, trace, address, jsonb_build_object('state', 'accepted'));
    perform identity.note('member.created', 'member', joined.member_id, joined.org_id, who.person_id, null,
        method, trace, address, jsonb_build_object(
            'email', joined.email, 'role', joined.role, 'custom_role_ids', joined.custom_role_ids));
    return joined.org_id;
end
$$;

-- Public: turns an invitation down, once. Answers whether it was open.
create function identity.decline_invitation(hash bytea, address inet, trace uuid) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    invited identity.invitation;
begin
    perform from identity.invitation where token_hash = hash for update;
    select * into invited from identity.open_invitation(hash);
    if invited.org_id is null then
        return false;
    end if;
    update identity.invitation as i set
        state = 'declined', update_time = transaction_timestamp(), version = i.version + 1
    where i.org_id = invited.org_id and i.invitation_id = invited.invitation_id;
    -- Nobody is known to have done it but the holder of the link.
    perform identity.note('invitation.declined', 'invitation', invited.invitation_id, invited.org_id,
        invited.invitation_id, null, '/devsphere.identity.v1.InvitationService/DeclineInvitation', trace, address,
        jsonb_build_object('state', 'declined'), 'link');
    return true;
end
$$;

-- Deletes a custom role of the ticket's organisation and takes it from whoever holds it or is
-- offered it. Answers how many members held it, or none where somebody does and `force` is missing.
create function identity.remove_custom_role(id uuid, force boolean) returns integer
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    org  uuid := platform.org();
    held integer;
begin
    perform from identity.custom_role as r where r.org_id = org and r.custom_role_id = id for update;
    select count(*) into held from identity.member as m
    where m.org_id = org and id = any (m.custom_role_ids) and m.state <> 'removed';
    if held > 0 and not force then
        return null;
    end if;
    update identity.member as m set
        custom_role_ids = array_remove(m.custom_role_ids, id), epoch = m.epoch + 1,
        update_time = transaction_timestamp(), version = m.version + 1
    where m.org_id = org and id = any (m.custom_role_ids);
    update identity.invitation as i set custom_role_ids = array_remove(i.custom_role_ids, id)
    where i.org_id = org and id = any (i.custom_role_ids) and i.state = 'sent';
    delete from identity.custom_role as r where r.org_id = org and r.custom_role_id = id;
    return held;
end
$$;

grant execute on function
    identity.remove_custom_role(uuid, boolean),
    identity.find_invitation(bytea),
    identity.accept_invitation(bytea, uuid, uuid, text, text, bytea[], inet, uuid),
    identity.decline_invitation(bytea, inet, uuid)
    to devsphere_identity;
