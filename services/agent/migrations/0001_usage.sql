-- What agents cost. A question's row is there before the question is asked, with as much as it may
-- cost at most; when its end is known the row says what it did cost, once. A row whose end nobody
-- heard keeps what it might have cost.

create table agent.usage (
    org_id             uuid        not null default platform.claimed_org(),
    usage_id           uuid        not null,
    generation_id      uuid        not null,
    -- Empty for a check of the connection.
    agent_key          text        not null,
    step               text        not null check (step in ('outline', 'draft', 'repair', 'check', 'probe')),
    person_id          uuid        not null,
    provider_host      text        not null,
    model              text        not null,
    state              text        not null default 'running'
        check (state in ('running', 'succeeded', 'failed', 'cancelled')),
    failure            text        not null default '',
    attempts           integer     not null default 0,
    input_tokens       bigint      not null default 0 check (input_tokens >= 0),
    output_tokens      bigint      not null default 0 check (output_tokens >= 0),
    cache_read_tokens  bigint      not null default 0 check (cache_read_tokens >= 0),
    cache_write_tokens bigint      not null default 0 check (cache_write_tokens >= 0),
    estimated          boolean     not null default true,
    cost_micros        bigint      not null default 0 check (cost_micros >= 0),
    currency_code      text        not null default '',
    -- The month in the organisation's zone that it counts for.
    month              date        not null,
    -- Whoever asked is gone when it is still running then.
    expire_time        timestamptz not null,
    create_time        timestamptz not null default transaction_timestamp(),
    end_time           timestamptz,
    primary key (org_id, usage_id)
);

select platform.wall('agent.usage');

grant select, insert on agent.usage to devsphere_agent;
grant update (
    state, failure, attempts, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, estimated,
    cost_micros, end_time
) on agent.usage to devsphere_agent;

-- The list as it opens, and one generation's.
create index usage_newest on agent.usage (org_id, create_time desc, usage_id desc);
create index usage_by_generation on agent.usage (org_id, generation_id, create_time desc, usage_id desc);

-- The sum of a month, in each currency that it was paid in. Whoever would ask adds to it first, and so
-- one after the other finds out whether there is still something to spend.
create table agent.month (
    org_id        uuid   not null default platform.claimed_org(),
    month         date   not null,
    currency_code text   not null,
    tokens        bigint not null check (tokens >= 0),
    cost_micros   bigint not null check (cost_micros >= 0),
    primary key (org_id, month, currency_code)
);

select platform.wall('agent.month');

grant select, insert on agent.month to devsphere_agent;
grant update (tokens, cost_micros) on agent.month to devsphere_agent;
