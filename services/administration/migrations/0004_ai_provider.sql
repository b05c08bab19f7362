-- Where an organisation's agents ask their models; no row yet means what the installation offers.

create table administration.ai_provider (
    org_id                     uuid        primary key default platform.claimed_org(),
    -- None is the installation's.
    kind                       text
        constraint ai_provider_kind_check check (kind in ('anthropic', 'openai')),
    base_url                   text        not null,
    model                      text        not null,
    -- Sealed for this organisation; the key that opens it lies beside the database.
    api_key                    bytea,
    api_key_hint               text        not null,
    currency_code              text        not null,
    input_micros               bigint      not null,
    output_micros              bigint      not null,
    cache_read_micros          bigint      not null,
    cache_write_micros         bigint      not null,
    monthly_token_budget       bigint      not null,
    monthly_cost_budget_micros bigint      not null,
    update_time                timestamptz not null default transaction_timestamp(),
    version                    bigint      not null default 1
);

select platform.wall('administration.ai_provider');

grant select, insert on administration.ai_provider to devsphere_administration;
grant update (
    kind, base_url, model, api_key, api_key_hint, currency_code, input_micros, output_micros, cache_read_micros,
    cache_write_micros, monthly_token_budget, monthly_cost_budget_micros, update_time, version
) on administration.ai_provider to devsphere_administration;
