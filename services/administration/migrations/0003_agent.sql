-- What an organisation made of its agents. No row yet means an agent as it is delivered, and so does each
-- empty column: what nobody changed follows the build.

create table administration.agent (
    org_id            uuid             not null default platform.claimed_org(),
    agent_key         text             not null,
    display_name      text,
    prompt            text,
    model             text,
    temperature       double precision
        constraint agent_temperature_check check (temperature between 0 and 1),
    max_output_tokens integer
        constraint agent_max_output_tokens_check check (max_output_tokens between 1 and 64000),
    autonomy          text
        constraint agent_autonomy_check check (autonomy in ('suggest', 'draft')),
    state             text             not null
        constraint agent_state_check check (state in ('active', 'paused')),
    update_time       timestamptz      not null default transaction_timestamp(),
    version           bigint           not null default 1,
    primary key (org_id, agent_key)
);

select platform.wall('administration.agent');

grant select, insert on administration.agent to devsphere_administration;
grant update (
    display_name, prompt, model, temperature, max_output_tokens, autonomy, state, update_time, version
) on administration.agent to devsphere_administration;
