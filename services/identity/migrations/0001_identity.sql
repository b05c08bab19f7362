-- People, where they belong, and how they prove it. Runs as devsphere_owner.

create table identity.organization (
    org_id        uuid primary key,
    display_name  text        not null,
    time_zone     text        not null,
    currency_code text        not null,
    locale        text        not null,
    state         text        not null default 'active'
        constraint organization_state_check check (state in ('active', 'past_due', 'suspended', 'deleting')),
    demo          boolean     not null default false,
    -- What the gateway lets through for all its people together; 0 is the gateway's default.
    requests_per_minute integer not null default 0
        constraint organization_requests_per_minute_check check (requests_per_minute between 0 and 1000000),
    create_time   timestamptz not null default transaction_timestamp(),
    update_time   timestamptz not null default transaction_timestamp(),
    version       bigint      not null default 1
);
select platform.wall('identity.organization');
grant select on identity.organization to devsphere_identity;
grant update (display_name, time_zone, currency_code, locale, update_time, version)
    on identity.organization to devsphere_identity;

create table identity.person (
    person_id      uuid primary key,
    email          text        not null constraint person_email_key unique,
    display_name   text        not null,
    platform_admin boolean     not null default false,
    last_org_id    uuid,
    create_time    timestamptz not null default transaction_timestamp()
);
select platform.wall('identity.person', 'person');
grant select on identity.person to devsphere_identity;

create table identity.credential (
    person_id     uuid primary key references identity.person on delete cascade,
    password_hash text        not null,
    update_time   timestamptz not null default transaction_timestamp()
);
select platform.wall('identity.credential', 'person');
grant select on identity.credential to devsphere_identity;
grant update (password_hash, update_time) on identity.credential to devsphere_identity;

create table identity.session (
    person_id      uuid        not null references identity.person on delete cascade,
    session_id     uuid        not null,
    user_agent     text        not null,
    client_address inet,
    create_time    timestamptz not null default transaction_timestamp(),
    last_use_time  timestamptz not null default transaction_timestamp(),
    -- Moves on with each refresh, up to `limit_time`.
    expire_time    timestamptz not null,
    limit_time     timestamptz not null,
    end_time       timestamptz,
    end_reason     text
        constraint session_end_reason_check check (end_reason in ('sign_out', 'revoked', 'password', 'token_reuse')),
    primary key (person_id, session_id)
);
select platform.wall('identity.session', 'person');
grant select on identity.session to devsphere_identity;
grant update (end_time, end_reason) on identity.session to devsphere_identity;

create table identity.refresh_token (
    token_hash  bytea primary key,
    person_id   uuid        not null,
    session_id  uuid        not null,
    create_time timestamptz not null default transaction_timestamp(),
    use_time    timestamptz,
    foreign key (person_id, session_id) references identity.session on delete cascade
);
create index refresh_token_session on identity.refresh_token (person_id, session_id);

-- Roles of an organisation's own making. Permissions lie here by name: a name that a later build
-- does not know gives nothing.
create table identity.custom_role (
    org_id         uuid        not null default platform.claimed_org() references identity.organization,
    custom_role_id uuid        not null,
    display_name   text        not null,
    description    text        not null,
    permissions    text[]      not null,
    create_time    timestamptz not null default transaction_timestamp(),
    update_time    timestamptz not null default transaction_timestamp(),
    version        bigint      not null default 1,
    primary key (org_id, custom_role_id)
);
create unique index custom_role_display_name_key on identity.custom_role (org_id, lower(display_name));
select platform.wall('identity.custom_role');
grant select, insert on identity.custom_role to devsphere_identity;
grant update (display_name, description, permissions, update_time, version)
    on identity.custom_role to devsphere_identity;

create table identity.member (
    org_id        uuid        not null default platform.claimed_org() references identity.organization,
    member_id     uuid        not null,
    person_id     uuid        not null,
    email         text        not null,
    display_name  text        not null,
    role          text        not null
        constraint member_role_check check (role in ('ceo', 'admin', 'manager', 'sales', 'seo', 'finance', 'hr',
                                                     'support', 'operator', 'viewer', 'client')),
    state         text        not null default 'active'
        constraint member_state_check check (state in ('active', 'deactivated', 'removed')),
    -- Whoever gives a role locks it, whoever deletes it takes it from its holders before.
    custom_role_ids uuid[]    not null default '{}',
    -- Rises with each change of what the member may do; ends access tokens of this organisation.
    epoch         bigint      not null default 1,
    activate_time timestamptz,
    create_time   timestamptz not null default transaction_timestamp(),
    update_time   timestamptz not null default transaction_timestamp(),
    version       bigint      not null default 1,
    primary key (org_id, member_id)
);
create unique index member_person_key on identity.member (org_id, person_id) where state <> 'removed';
create index member_name on identity.member (org_id, display_name, member_id);
create index member_of_person on identity.member (person_id);
select platform.wall('identity.member');
grant select on identity.member to devsphere_identity;
grant update (role, custom_role_ids, state, epoch, update_time, version) on identity.member to devsphere_identity;

create table identity.activation (
    org_id      uuid        not null default platform.claimed_org(),
    member_id   uuid        not null,
    token_hash  bytea       not null,
    expire_time timestamptz not null,
    primary key (org_id, member_id),
    foreign key (org_id, member_id) references identity.member on delete cascade
);
create index activation_token on identity.activation (token_hash);
select platform.wall('identity.activation');
grant select, insert on identity.activation to devsphere_identity;
grant update (token_hash, expire_time) on identity.activation to devsphere_identity;

-- Sign-in attempts by SHA-256 of what is guessed at: an account, or an account from one network.
create table identity.guess (
    guess_key     bytea primary key,
    failures      integer     not null,
    last_time     timestamptz not null,
    blocked_until timestamptz not null
);
create index guess_age on identity.guess (last_time);

create table identity.instance (
    single          boolean primary key default true constraint instance_single_check check (single),
    sign_up         text    not null default 'open'
        constraint instance_sign_up_check check (sign_up in ('closed', 'invite', 'open')),
    -- Until somebody chooses, the first organisation closes the door behind itself.
    sign_up_chosen  boolean not null default false,
    admin_code_hash bytea,
    version         bigint  not null default 1
);
insert into identity.instance default values;
grant select on identity.instance to devsphere_identity;
grant update (sign_up, sign_up_chosen, version) on identity.instance to devsphere_identity;

create table identity.sign_up_invitation (
    token_hash  bytea primary key,
    demo        boolean     not null default false,
    expire_time timestamptz not null
);
grant insert (token_hash, expire_time), select (expire_time) on identity.sign_up_invitation to devsphere_identity;
