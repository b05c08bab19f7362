-- What an organisation chooses for itself; no row yet means the defaults.

create table administration.settings (
    org_id                  uuid        primary key default platform.claimed_org(),
    fiscal_year_start_month smallint    not null
        constraint settings_fiscal_year_start_month_check check (fiscal_year_start_month between 1 and 12),
    logo_url                text        not null,
    accent_color            text        not null,
    sender_name             text        not null,
    support_email           text        not null,
    portal_title            text        not null,
    update_time             timestamptz not null default transaction_timestamp(),
    version                 bigint      not null default 1
);

select platform.wall('administration.settings');

grant select, insert on administration.settings to devsphere_administration;
grant update (
    fiscal_year_start_month, logo_url, accent_color, sender_name, support_email, portal_title, update_time, version
) on administration.settings to devsphere_administration;
